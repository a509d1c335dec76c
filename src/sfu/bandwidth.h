/* How much the path to a receiver carries, by what the receiver says of the packets it got.
 *
 * With transport-wide feedback (rtc/transport_cc.h) three things are looked at:
 *
 *  - Queues. A packet's way takes longer than the shortest way of the last seconds by what it
 *    waited somewhere. If even the fastest packet of a message waited longer than SFU_QUEUE_HIGH,
 *    twice on end, more is sent than goes through: down to 0.85 of what was delivered.
 *  - Loss. Over a tenth in a second: down by half of that share. Over a twentieth: no way up.
 *  - Otherwise up by 8 % a second, as long as what is there is used.
 *
 * What is not used teaches nothing. So if more is wanted, a probe is sent now and then: padding,
 * for SFU_PROBE_US, at the wanted rate, at most two and a half times the present one. What arrives
 * in what time is what the path carries. Each probe that does not find what it looked for doubles
 * the time to the next, which looks for half as much again only.
 *
 * Without such feedback, reports of loss (RFC 3550 6.4.1) and REMB do what they can.
 *
 * Silence is bad news: when nothing is heard for a second and a half, down to the half each second.
 * The estimate decides about pictures alone; sound is sent whatever it says (docs/SFU.md).
 */
#ifndef SFU_BANDWIDTH_H
#define SFU_BANDWIDTH_H

#include "rtc/transport_cc.h"
#include "sfu/limits.h"
#include "sfu/meter.h"

enum sfu_fate { SFU_FATE_UNKNOWN, SFU_FATE_LOST, SFU_FATE_ARRIVED };

struct sfu_sent {
    uint32_t us; /* the low bits */
    uint16_t bytes;
    uint8_t fate; /* enum sfu_fate, as told last: what is late is told as lost first */
};

struct sfu_probe {
    enum { SFU_PROBE_IDLE, SFU_PROBE_SENDING, SFU_PROBE_WAITING, SFU_PROBE_SETTLING } state;
    uint64_t rate, bytes, done; /* bit/s; bytes to send in all, and sent */
    uint64_t begun_us, next_us, interval_us;
    uint64_t first, last; /* numbers of its packets */
    uint64_t arrived_bytes, arrived, lost;
    int64_t first_us, last_us; /* arrivals, on the receiver's clock */
};

struct sfu_bandwidth {
    bool heard;      /* transport-wide feedback has come */
    uint64_t target; /* bit/s */
    uint64_t cap;    /* by REMB; 0: none */
    uint64_t wanted; /* what would be sent if there were no limit */
    uint64_t sent;   /* packets; the next one's number */
    uint64_t heard_us, sent_us, grown_us, lowered_us, halved_us;
    struct transport_cc_clock clock;
    int64_t shortest, shortest_before; /* ways, on an arbitrary scale; INT64_MAX: none */
    uint64_t shortest_us;              /* since when the first is measured */
    int64_t queue_us;                  /* of the last message's fastest packet */
    unsigned crowded;                  /* messages on end with a queue */
    uint32_t told, lost;               /* packets, in this window of loss */
    uint64_t loss_us;
    uint32_t loss;                        /* of the last window, of 65,536 */
    struct sfu_meter rate_out, delivered; /* bytes */
    struct sfu_probe probe;
    struct sfu_sent ring[SFU_SENT];
};

void sfu_bandwidth_init(struct sfu_bandwidth *b, uint64_t now_us);

/* The same receiver after a while without a path to it: what was learnt of the old one is no longer
 * true. Packets are numbered on. */
void sfu_bandwidth_renew(struct sfu_bandwidth *b, uint64_t now_us);

/* A packet goes out; returns its transport-wide number. */
uint16_t sfu_bandwidth_send(struct sfu_bandwidth *b, size_t bytes, uint64_t now_us);

void sfu_bandwidth_feedback(struct sfu_bandwidth *b, const struct transport_cc *m, uint64_t now_us);

/* fraction_lost: of 256. bitrate: of REMB. */
void sfu_bandwidth_report(struct sfu_bandwidth *b, uint8_t fraction_lost, uint64_t now_us);
void sfu_bandwidth_remb(struct sfu_bandwidth *b, uint64_t bitrate);

/* Every SFU_TICK_US or so. Returns how many bytes of padding are to be sent now for a probe. */
size_t sfu_bandwidth_tick(struct sfu_bandwidth *b, uint64_t now_us);

/* bit/s */
static inline uint64_t sfu_bandwidth_now(const struct sfu_bandwidth *b)
{
    return b->cap != 0 && b->cap < b->target ? b->cap : b->target;
}

#endif
