#include "sfu/reception.h"

#include <string.h>

void sfu_reception_init(struct sfu_reception *r, uint32_t clock, bool nacks)
{
    *r = (struct sfu_reception){.clock = clock, .nacks = nacks};
}

/* RFC 3550 A.8 */
static void measure_jitter(struct sfu_reception *r, uint32_t timestamp, uint64_t now_us)
{
    uint32_t arrival = (uint32_t)(now_us * r->clock / SFU_SECOND);
    uint32_t transit = arrival - timestamp;
    int32_t d = (int32_t)(transit - r->transit);
    if (r->packets > 1)
        r->jitter += (d < 0 ? 0u - (uint32_t)d : (uint32_t)d) - ((r->jitter + 8) >> 4);
    r->transit = transit;
}

static void forget(struct sfu_reception *r, size_t i)
{
    memmove(r->missing + i, r->missing + i + 1, (--r->n_missing - i) * sizeof r->missing[0]);
}

/* What came may have been missing. A recovery after a single question measures the round trip. */
static bool found(struct sfu_reception *r, int64_t sequence, uint64_t now_us)
{
    for (size_t i = 0; i < r->n_missing; i++) {
        struct sfu_missing m = r->missing[i];
        if (m.sequence != sequence)
            continue;
        forget(r, i);
        if (m.times == 1) {
            uint64_t sample = now_us - m.asked_us;
            r->rtt_us = r->rtt_us == 0 ? sample : (7 * r->rtt_us + sample) / 8;
        }
        r->recovered += m.times != 0;
        return m.times != 0;
    }
    return false;
}

/* Numbers from..to-1 have been leapt over. */
static bool note_missing(struct sfu_reception *r, int64_t from, int64_t to, uint64_t now_us)
{
    if (to - from > SFU_GAP) {
        r->lost += (uint64_t)(to - from) + r->n_missing;
        r->n_missing = 0;
        return false;
    }
    for (int64_t n = from; n < to && r->nacks; n++) {
        if (r->n_missing == SFU_MISSING) {
            r->lost++;
            forget(r, 0);
        }
        r->missing[r->n_missing++] = (struct sfu_missing){.sequence = n, .since_us = now_us};
    }
    return true;
}

enum sfu_arrival sfu_reception_input(struct sfu_reception *r, uint16_t sequence, uint32_t timestamp,
                                     bool again, uint64_t now_us, int64_t *out_sequence)
{
    enum sfu_arrival arrival = SFU_ARRIVAL_NEW;
    int64_t before = r->unwrap.highest;
    bool first = !r->unwrap.started;
    int64_t n = sequence_peek(&r->unwrap, sequence);
    if (!replay_check(&r->seen, (uint64_t)n))
        return SFU_ARRIVAL_OLD;
    sequence_unwrap(&r->unwrap, sequence);
    replay_accept(&r->seen, (uint64_t)n);
    r->packets++;
    if (first)
        r->base = n;
    else if (n > before && !note_missing(r, before + 1, n, now_us))
        arrival = SFU_ARRIVAL_LEAP;
    else if (n < before && found(r, n, now_us))
        arrival = SFU_ARRIVAL_RECOVERED;
    if (!again)
        measure_jitter(r, timestamp, now_us);
    *out_sequence = n;
    return arrival;
}

static uint64_t patience(const struct sfu_reception *r, const struct sfu_missing *m)
{
    uint64_t rtt = r->rtt_us != 0 ? r->rtt_us : SFU_NACK_RTT;
    uint64_t wait = rtt + rtt / 2;
    wait = wait < SFU_NACK_AGAIN ? SFU_NACK_AGAIN : wait;
    return m->times == 0 ? m->since_us + SFU_NACK_WAIT : m->asked_us + wait;
}

size_t sfu_reception_ask(struct sfu_reception *r, uint64_t now_us, uint16_t *out, size_t max,
                         bool *out_given_up)
{
    size_t kept = 0;
    size_t asked = 0;
    *out_given_up = false;
    for (size_t i = 0; i < r->n_missing; i++) {
        struct sfu_missing m = r->missing[i];
        bool due = now_us >= patience(r, &m);
        if (now_us - m.since_us >= SFU_NACK_GIVE_UP || (due && m.times == SFU_NACK_TIMES)) {
            r->lost++;
            *out_given_up = true;
            continue;
        }
        if (due && asked < max) {
            out[asked++] = (uint16_t)m.sequence;
            m.asked_us = now_us;
            m.times++;
        }
        r->missing[kept++] = m;
    }
    r->n_missing = kept;
    return asked;
}

bool sfu_reception_report(struct sfu_reception *r, struct rtcp_report *out)
{
    if (!r->unwrap.started)
        return false;
    uint64_t expected = (uint64_t)(r->unwrap.highest - r->base) + 1;
    uint64_t interval = expected - r->expected_prior;
    uint64_t arrived = r->packets - r->packets_prior;
    uint64_t gone = interval > arrived ? interval - arrived : 0;
    int64_t lost = (int64_t)expected - (int64_t)r->packets;
    /* RFC 3550 A.3: 24 bits with sign, clamped */
    lost = lost > 0x7fffff ? 0x7fffff : lost < -0x800000 ? -0x800000 : lost;
    r->expected_prior = expected;
    r->packets_prior = r->packets;
    *out = (struct rtcp_report){
        .fraction_lost = (uint8_t)(interval == 0 ? 0 : gone * 255 / interval),
        .cumulative_lost = (int32_t)lost,
        .highest_sequence = (uint32_t)(r->unwrap.highest - 0x10000),
        .jitter = r->jitter >> 4,
    };
    return true;
}
