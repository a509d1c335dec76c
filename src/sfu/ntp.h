/* NTP timestamps of RTCP (RFC 3550 4): our clock's microseconds stand in for the time of day, which
 * they may (RFC 3550 6.4.1), so that our reports tell nobody what time it is here. */
#ifndef SFU_NTP_H
#define SFU_NTP_H

#include "sfu/limits.h"

static inline uint64_t sfu_ntp_of(uint64_t us)
{
    return us / SFU_SECOND << 32 | ((us % SFU_SECOND) << 32) / SFU_SECOND;
}

static inline uint64_t sfu_ntp_us(uint64_t ntp)
{
    return (ntp >> 32) * SFU_SECOND + ((ntp & 0xffffffffu) * SFU_SECOND >> 32);
}

/* The middle bits, as reports refer to it. */
static inline uint32_t sfu_ntp_middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}

#endif
