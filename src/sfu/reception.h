/* One incoming RTP stream by its sequence numbers: what is new, what is missing and to be asked
 * for, and the figures of a receiver report (RFC 3550 6.4.1, A.1, A.3, A.8).
 */
#ifndef SFU_RECEPTION_H
#define SFU_RECEPTION_H

#include "base/replay.h"
#include "rtc/rtcp.h"
#include "rtc/sequence.h"
#include "sfu/limits.h"

struct sfu_missing {
    int64_t sequence;
    uint64_t since_us;
    uint64_t asked_us; /* 0: not yet */
    uint8_t times;
};

struct sfu_reception {
    uint32_t clock; /* timestamp units a second */
    bool nacks;     /* missing packets are followed */
    struct sequence_unwrap unwrap;
    struct replay seen;
    int64_t base;           /* the first number */
    uint64_t packets, lost; /* lost: given up, or beyond a leap */
    uint64_t lost_told;     /* sfu_reception_lost() */
    uint64_t recovered;
    uint64_t expected_prior, packets_prior; /* at the last report */
    uint32_t transit, jitter;               /* RFC 3550 A.8; jitter in 1/16 units */
    uint64_t rtt_us; /* between a NACK and its answer, smoothed; 0: unknown */
    size_t n_missing;
    struct sfu_missing missing[SFU_MISSING]; /* oldest number first */
};

/* A stream without a past. */
void sfu_reception_init(struct sfu_reception *r, uint32_t clock, bool nacks);

enum sfu_arrival {
    SFU_ARRIVAL_NEW,
    SFU_ARRIVAL_RECOVERED, /* it had been asked for */
    SFU_ARRIVAL_LEAP,      /* so far ahead that what is between is not asked for */
    SFU_ARRIVAL_OLD,       /* a second copy, or too old to tell */
};

/* again: it came as a retransmission, and so says nothing about jitter. */
enum sfu_arrival sfu_reception_input(struct sfu_reception *r, uint16_t sequence, uint32_t timestamp,
                                     bool again, uint64_t now_us, int64_t *out_sequence);

/* The numbers to ask for now, at most max, oldest first; they count as asked. Those that have been
 * missing for too long, or asked for too often, are given up: *out_given_up. */
size_t sfu_reception_ask(struct sfu_reception *r, uint64_t now_us, uint16_t *out, size_t max,
                         bool *out_given_up);

/* Whether sfu_reception_ask() will have something to do some time. */
static inline bool sfu_reception_waits(const struct sfu_reception *r)
{
    return r->n_missing != 0;
}

/* How many were lost since the last call. */
static inline uint64_t sfu_reception_lost(struct sfu_reception *r)
{
    uint64_t more = r->lost - r->lost_told;
    r->lost_told = r->lost;
    return more;
}

/* Everything of a report block but what concerns sender reports; a new interval begins. Nothing
 * has arrived yet: false. */
bool sfu_reception_report(struct sfu_reception *r, struct rtcp_report *out);

#endif
