/* What SRTP and SRTCP share. */
#ifndef RTC_SRTP_SESSION_H
#define RTC_SRTP_SESSION_H

#include <string.h>

#include "rtc/srtp.h"
#include "rtc/srtp_table.h"

/* Session key and salt of one of the two protocols, and its streams. */
struct srtp_half {
    struct aead *aead;
    uint8_t salt[SRTP_SALT];
    struct srtp_table streams;
};

struct srtp {
    enum srtp_direction direction;
    struct srtp_half rtp, rtcp;
};

static inline uint32_t srtp_load32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void srtp_store32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* RFC 7714 8.1 and 9.1: two zero bytes, the SSRC, and the index as 48 bits (rollover counter and
 * sequence number, or the SRTCP index behind two zero bytes), XOR the salt. */
static inline void srtp_nonce(const struct srtp_half *h, uint32_t ssrc, uint64_t index,
                              uint8_t out[static AEAD_NONCE])
{
    uint8_t iv[AEAD_NONCE];
    iv[0] = iv[1] = 0;
    srtp_store32(iv + 2, ssrc);
    srtp_store32(iv + 6, (uint32_t)(index >> 16));
    iv[10] = (uint8_t)(index >> 8);
    iv[11] = (uint8_t)index;
    for (size_t i = 0; i < AEAD_NONCE; i++)
        out[i] = iv[i] ^ h->salt[i];
}

#endif
