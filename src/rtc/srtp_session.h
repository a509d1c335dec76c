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

/* Makes room for a new stream, before its first packet is authenticated, so that what opened is
 * never lost; an attacker gains one growth of the table by that, and no stream. A new one starts
 * without a past: so when sealing it must be one that has none. EREPLAY, ELIMIT, ENOMEM. */
int srtp_make_room(const struct srtp *s, struct srtp_table *t, uint32_t ssrc) CONCLAVE_CHECKED;

/* Finds a stream, or makes room for it. */
CONCLAVE_CHECKED static inline int srtp_find_stream(const struct srtp *s, struct srtp_table *t,
                                                    uint32_t ssrc, struct srtp_stream **out)
{
    *out = srtp_table_get(t, ssrc);
    return *out != NULL ? 0 : srtp_make_room(s, t, ssrc);
}

/* A packet of the stream was sealed or accepted; a new stream is put in its place. */
static inline void srtp_stream_accept(struct srtp_table *t, struct srtp_stream *stream,
                                      uint32_t ssrc, uint64_t index)
{
    if (stream == NULL)
        stream = srtp_table_put(t, ssrc);
    else
        stream->recent = true;
    replay_accept(&stream->window, index);
}

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

static inline uint64_t srtp_big_endian64(uint64_t v)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
}

static inline uint32_t srtp_big_endian32(uint32_t v)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(v) : v;
}

/* RFC 7714 8.1 and 9.1: two zero bytes, the SSRC, and the index as 48 bits (rollover counter and
 * sequence number, or the SRTCP index behind two zero bytes), XOR the salt. Written 16 bytes at
 * once, since the AEADs read it so: a load of several smaller stores has to wait for the cache. */
#define SRTP_NONCE_ROOM 16
typedef uint64_t srtp_pair __attribute__((vector_size(SRTP_NONCE_ROOM)));

static inline void srtp_nonce(const struct srtp_half *h, uint32_t ssrc, uint64_t index,
                              uint8_t out[static SRTP_NONCE_ROOM])
{
    uint64_t first;
    uint32_t last;
    memcpy(&first, h->salt, 8);
    memcpy(&last, h->salt + 8, 4);
    first ^= srtp_big_endian64((uint64_t)ssrc << 16 | index >> 32);
    last ^= srtp_big_endian32((uint32_t)index);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        srtp_pair both = {first, last};
        memcpy(out, &both, sizeof both);
    } else {
        memcpy(out, &first, 8);
        memcpy(out + 8, &last, 4);
    }
}

#endif
