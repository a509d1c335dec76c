#include "sfu/bandwidth.h"

#include <string.h>

#define HALF_A_SECOND 4u /* buckets of a meter */

void sfu_bandwidth_init(struct sfu_bandwidth *b, uint64_t now_us)
{
    memset(b, 0, sizeof *b);
    sfu_bandwidth_renew(b, now_us);
}

void sfu_bandwidth_renew(struct sfu_bandwidth *b, uint64_t now_us)
{
    b->target = SFU_BANDWIDTH_START;
    b->shortest = b->shortest_before = INT64_MAX;
    b->heard_us = b->sent_us = b->shortest_us = b->loss_us = b->grown_us = now_us;
    b->lowered_us = b->halved_us = 0;
    b->queue_us = 0;
    b->crowded = 0;
    b->told = b->lost = b->loss = 0;
    b->probe = (struct sfu_probe){.interval_us = SFU_PROBE_INTERVAL};
}

uint16_t sfu_bandwidth_send(struct sfu_bandwidth *b, size_t bytes, uint64_t now_us)
{
    uint64_t number = b->sent++;
    b->ring[number & (SFU_SENT - 1)] =
        (struct sfu_sent){.us = (uint32_t)now_us, .bytes = (uint16_t)bytes};
    b->sent_us = now_us;
    sfu_meter_add(&b->rate_out, bytes, now_us);
    if (b->probe.state == SFU_PROBE_SENDING)
        b->probe.done += bytes;
    return (uint16_t)number;
}

static void set_target(struct sfu_bandwidth *b, uint64_t target)
{
    target = target < SFU_BANDWIDTH_MIN ? SFU_BANDWIDTH_MIN : target;
    b->target = target > SFU_BANDWIDTH_MAX ? SFU_BANDWIDTH_MAX : target;
}

static uint64_t delivered(const struct sfu_bandwidth *b, uint64_t now_us)
{
    return 8 * sfu_meter_rate(&b->delivered, HALF_A_SECOND, now_us);
}

/* ---- Probes ---- */

static void probe_end(struct sfu_bandwidth *b, bool found, uint64_t now_us)
{
    struct sfu_probe *p = &b->probe;
    uint64_t interval = found ? SFU_PROBE_INTERVAL : 2 * p->interval_us;
    p->interval_us = interval > SFU_PROBE_INTERVAL_MAX ? SFU_PROBE_INTERVAL_MAX : interval;
    p->next_us = now_us + p->interval_us;
    p->state = SFU_PROBE_IDLE;
}

static void probe_judge(struct sfu_bandwidth *b, uint64_t now_us)
{
    const struct sfu_probe *p = &b->probe;
    uint64_t span = p->last_us > p->first_us ? (uint64_t)(p->last_us - p->first_us) : 1;
    uint64_t rate = p->arrived_bytes * 8 * SFU_SECOND / span;
    bool good = p->arrived >= SFU_PROBE_PACKETS / 2 && p->lost * 10 <= p->arrived;
    uint64_t proved = rate * 19 / 20 < p->rate ? rate * 19 / 20 : p->rate;
    bool found = good && (rate >= p->rate * 9 / 10 || proved > b->target + b->target / 4);
    if (good && proved > b->target)
        set_target(b, proved);
    probe_end(b, found, now_us);
}

static bool may_probe(const struct sfu_bandwidth *b, uint64_t now_us)
{
    return b->heard && b->crowded == 0 && b->queue_us < SFU_QUEUE_LOW && b->loss < 65536 / 10 &&
           now_us >= b->probe.next_us && now_us - b->lowered_us >= SFU_PROBE_INTERVAL &&
           b->wanted > b->target + b->target / 20 && (b->cap == 0 || b->cap > b->target);
}

static void probe_begin(struct sfu_bandwidth *b, uint64_t now_us)
{
    bool cautious = b->probe.interval_us > SFU_PROBE_INTERVAL;
    uint64_t most = cautious ? b->target * 3 / 2 : b->target * 5 / 2;
    uint64_t rate = b->wanted + b->wanted / 10 < most ? b->wanted + b->wanted / 10 : most;
    uint64_t bytes = rate * SFU_PROBE_US / SFU_SECOND / 8;
    uint64_t least = (uint64_t)SFU_PROBE_PACKETS * SFU_PADDING;
    b->probe = (struct sfu_probe){
        .state = SFU_PROBE_SENDING,
        .rate = rate,
        .bytes = bytes < least ? least : bytes,
        .begun_us = now_us,
        .interval_us = b->probe.interval_us,
        .first = b->sent,
    };
}

/* Media counts, padding fills up. */
static size_t probe_due(struct sfu_bandwidth *b, uint64_t now_us)
{
    struct sfu_probe *p = &b->probe;
    if (p->done >= p->bytes) {
        p->state = SFU_PROBE_WAITING;
        p->last = b->sent - 1;
        p->begun_us = now_us;
        return 0;
    }
    uint64_t due = p->rate * (now_us - p->begun_us + SFU_TICK_US) / SFU_SECOND / 8;
    due = due < p->bytes ? due : p->bytes;
    return due > p->done ? (size_t)(due - p->done) : 0;
}

/* ---- What the receiver says ---- */

struct fates {
    int64_t fastest; /* way of the fastest packet told of; INT64_MAX: none arrived */
    uint64_t bytes;
};

static void note_probe(struct sfu_probe *p, uint64_t number, const struct sfu_sent *sent,
                       const struct transport_cc_status *status)
{
    if (p->state == SFU_PROBE_IDLE || number < p->first ||
        (p->state != SFU_PROBE_SENDING && number > p->last))
        return;
    if (!status->received) {
        p->lost++;
        return;
    }
    p->lost -= sent->fate == SFU_FATE_LOST && p->lost != 0;
    if (p->arrived++ == 0)
        p->first_us = p->last_us = status->time_us;
    else
        p->arrived_bytes += sent->bytes;
    p->first_us = status->time_us < p->first_us ? status->time_us : p->first_us;
    p->last_us = status->time_us > p->last_us ? status->time_us : p->last_us;
}

static void note_arrival(struct sfu_bandwidth *b, const struct sfu_sent *sent,
                         const struct transport_cc_status *status, struct fates *f)
{
    /* the low bits of the time of sending will do: ways are only compared with each other, and the
     * scale begins anew every 71 minutes */
    int64_t way = status->time_us - (int64_t)sent->us;
    b->lost -= sent->fate == SFU_FATE_LOST && b->lost != 0;
    f->fastest = way < f->fastest ? way : f->fastest;
    f->bytes += sent->bytes;
}

static void note_fate(struct sfu_bandwidth *b, const struct transport_cc_status *status,
                      struct fates *f)
{
    uint64_t number = b->sent - (uint16_t)((uint16_t)b->sent - status->sequence);
    if (number >= b->sent || b->sent - number > SFU_SENT) /* never sent, or forgotten */
        return;
    struct sfu_sent *sent = &b->ring[number & (SFU_SENT - 1)];
    uint8_t fate = status->received ? SFU_FATE_ARRIVED : SFU_FATE_LOST;
    if (fate <= sent->fate)
        return;
    note_probe(&b->probe, number, sent, status);
    b->told += sent->fate == SFU_FATE_UNKNOWN;
    if (status->received)
        note_arrival(b, sent, status, f);
    else
        b->lost++;
    sent->fate = fate;
}

static void measure_queue(struct sfu_bandwidth *b, int64_t fastest, uint64_t now_us)
{
    int64_t known = b->shortest < b->shortest_before ? b->shortest : b->shortest_before;
    /* another scale, or a path that has changed beyond belief */
    bool odd =
        known != INT64_MAX && (fastest - known > SFU_QUEUE_ODD || known - fastest > SFU_QUEUE_ODD);
    if (odd || now_us - b->shortest_us >= SFU_QUEUE_WINDOW) {
        b->shortest_before = odd ? INT64_MAX : b->shortest;
        b->shortest = INT64_MAX;
        b->shortest_us = now_us;
    }
    b->shortest = fastest < b->shortest ? fastest : b->shortest;
    known = b->shortest < b->shortest_before ? b->shortest : b->shortest_before;
    b->queue_us = fastest - known;
    if (b->queue_us > SFU_QUEUE_HIGH)
        b->crowded++;
    else if (b->queue_us < SFU_QUEUE_LOW)
        b->crowded = 0;
}

static void lower(struct sfu_bandwidth *b, uint64_t target, uint64_t now_us)
{
    if (now_us - b->lowered_us < SFU_LOWER_INTERVAL && b->lowered_us != 0)
        return;
    b->lowered_us = now_us;
    if (target < b->target)
        set_target(b, target);
    if (b->probe.state != SFU_PROBE_IDLE)
        probe_end(b, false, now_us);
}

static void judge_loss(struct sfu_bandwidth *b, uint64_t now_us)
{
    if (now_us - b->loss_us < SFU_LOSS_WINDOW || b->told < SFU_LOSS_PACKETS)
        return;
    b->loss = (uint32_t)((uint64_t)b->lost * 65536 / b->told);
    b->told = b->lost = 0;
    b->loss_us = now_us;
    if (b->loss > 65536 / 10)
        lower(b, b->target - b->target * b->loss / 65536 / 2, now_us);
}

/* Up by 8 % for each second, while nearly all of it is used. */
static void grow(struct sfu_bandwidth *b, uint64_t now_us)
{
    uint64_t passed = now_us - b->grown_us < SFU_SECOND ? now_us - b->grown_us : SFU_SECOND;
    b->grown_us = now_us;
    if (b->queue_us >= SFU_QUEUE_LOW || b->loss > 65536 / 20 || b->probe.state != SFU_PROBE_IDLE ||
        delivered(b, now_us) * 6 / 5 < b->target)
        return;
    set_target(b, b->target + b->target * passed * 8 / 100 / SFU_SECOND);
}

void sfu_bandwidth_feedback(struct sfu_bandwidth *b, const struct transport_cc *m, uint64_t now_us)
{
    struct fates f = {.fastest = INT64_MAX};
    struct transport_cc_status status;
    struct transport_cc_walk w = transport_cc_walk_of(m, transport_cc_reference(&b->clock, m));
    while (transport_cc_next(&w, &status))
        note_fate(b, &status, &f);
    b->heard = true;
    b->heard_us = now_us;
    sfu_meter_add(&b->delivered, f.bytes, now_us);
    if (f.fastest != INT64_MAX)
        measure_queue(b, f.fastest, now_us);
    judge_loss(b, now_us);
    if (b->crowded >= 2)
        lower(b, delivered(b, now_us) * 17 / 20, now_us);
    else
        grow(b, now_us);
    /* what is late is told as lost first: the message after that which tells of the last decides */
    struct sfu_probe *p = &b->probe;
    if (p->state == SFU_PROBE_SETTLING)
        probe_judge(b, now_us);
    else if (p->state == SFU_PROBE_WAITING &&
             b->ring[p->last & (SFU_SENT - 1)].fate != SFU_FATE_UNKNOWN)
        p->state = SFU_PROBE_SETTLING;
}

void sfu_bandwidth_report(struct sfu_bandwidth *b, uint8_t fraction_lost, uint64_t now_us)
{
    if (b->heard)
        return;
    b->heard_us = now_us;
    b->loss = (uint32_t)fraction_lost << 8;
    if (b->loss > 65536 / 10)
        lower(b, b->target - b->target * b->loss / 65536 / 2, now_us);
    else if (b->loss < 65536 / 50 &&
             16 * sfu_meter_rate(&b->rate_out, SFU_METER_BUCKETS, now_us) > b->target)
        set_target(b, b->target + b->target / 10);
}

void sfu_bandwidth_remb(struct sfu_bandwidth *b, uint64_t bitrate)
{
    b->cap = bitrate < SFU_BANDWIDTH_MIN ? SFU_BANDWIDTH_MIN : bitrate;
    if (!b->heard)
        set_target(b, b->cap);
}

/* ---- Time ---- */

static void note_silence(struct sfu_bandwidth *b, uint64_t now_us)
{
    bool asked = b->sent_us > b->heard_us && now_us - b->sent_us < SFU_SECOND;
    if (!asked || now_us - b->heard_us < SFU_SILENCE || now_us - b->halved_us < SFU_SECOND)
        return;
    b->halved_us = now_us;
    lower(b, b->target / 2, now_us);
}

size_t sfu_bandwidth_tick(struct sfu_bandwidth *b, uint64_t now_us)
{
    struct sfu_probe *p = &b->probe;
    note_silence(b, now_us);
    if (p->state >= SFU_PROBE_WAITING && now_us - p->begun_us > SFU_SECOND)
        probe_end(b, false, now_us);
    if (p->state == SFU_PROBE_IDLE && may_probe(b, now_us))
        probe_begin(b, now_us);
    return p->state == SFU_PROBE_SENDING ? probe_due(b, now_us) : 0;
}
