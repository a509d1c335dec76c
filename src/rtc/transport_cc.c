#include "rtc/transport_cc.h"

#include "wire/reader.h"
#include "wire/writer.h"

#define TICKS_PER_REFERENCE 256 /* 64 ms */
#define REFERENCE_US INT64_C(64000)
#define REFERENCE_WRAP (INT64_C(1) << 24)
#define FIXED_SIZE 8 /* base, count, reference time, feedback count */

/* Packet status symbols; as bits of a chunk and in between. */
enum symbol {
    NOT_RECEIVED = 0,
    SMALL_DELTA = 1, /* one byte, not negative */
    LARGE_DELTA = 2, /* two bytes with sign */
};

#define CHUNK_VECTOR 0x8000u
#define CHUNK_TWO_BIT 0x4000u
#define RUN_MAX 0x1fff
#define ONE_BIT_SYMBOLS 14
#define TWO_BIT_SYMBOLS 7

static unsigned chunk_size(unsigned chunk)
{
    if ((chunk & CHUNK_VECTOR) == 0)
        return chunk & RUN_MAX;
    return (chunk & CHUNK_TWO_BIT) == 0 ? ONE_BIT_SYMBOLS : TWO_BIT_SYMBOLS;
}

/* i < chunk_size(chunk) */
static unsigned chunk_symbol(unsigned chunk, unsigned i)
{
    if ((chunk & CHUNK_VECTOR) == 0)
        return chunk >> 13 & 3u;
    if ((chunk & CHUNK_TWO_BIT) == 0)
        return chunk >> (ONE_BIT_SYMBOLS - 1 - i) & 1u;
    return chunk >> 2 * (TWO_BIT_SYMBOLS - 1 - i) & 3u;
}

/* The bytes of delta that the first n statuses of a chunk ask for; false for the reserved one. */
static bool chunk_deltas(uint16_t chunk, unsigned n, size_t *deltas)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned symbol = chunk_symbol(chunk, i);
        if (symbol > LARGE_DELTA)
            return false;
        *deltas += symbol; /* a symbol's value is the size of its delta */
    }
    return true;
}

int transport_cc_read(const struct rtcp_feedback *f, struct transport_cc *out)
{
    if (f->kind != RTCP_FB_TRANSPORT_CC)
        return CONCLAVE_EINVAL;
    struct reader r = reader_of(f->fci);
    struct transport_cc m = {.base_sequence = read_u16(&r)};
    m.status_count = read_u16(&r);
    uint32_t word = read_u32(&r);
    m.reference_time = word >> 8;
    m.feedback_count = (uint8_t)word;

    const uint8_t *start = r.p;
    size_t deltas = 0;
    unsigned left = m.status_count;
    while (left != 0 && reader_ok(&r)) {
        uint16_t chunk = read_u16(&r);
        unsigned n = chunk_size(chunk) < left ? chunk_size(chunk) : left;
        /* a run of nothing would only be there to keep us busy */
        if (n == 0 || !chunk_deltas(chunk, n, &deltas))
            return CONCLAVE_ESYNTAX;
        left -= n;
    }
    m.chunks = read_since(&r, start);
    m.deltas = read_bytes(&r, deltas);
    if (!reader_ok(&r) || m.status_count == 0 || reader_left(&r) > 3)
        return CONCLAVE_ESYNTAX;
    *out = m;
    return 0;
}

struct transport_cc_walk transport_cc_walk_of(const struct transport_cc *message,
                                              int64_t reference_us)
{
    struct transport_cc_walk w = {
        .message = message,
        .chunks = message->chunks,
        .deltas = message->deltas,
        .time_us = reference_us,
    };
    return w;
}

/* Takes a big-endian number off a view that is known to hold it. */
static uint16_t take(struct bytes *b, size_t n)
{
    uint16_t v = (uint16_t)(n == 2 ? b->p[0] << 8 | b->p[1] : b->p[0]);
    b->p += n;
    b->n -= n;
    return v;
}

bool transport_cc_next(struct transport_cc_walk *w, struct transport_cc_status *out)
{
    if (w->done == w->message->status_count)
        return false;
    if (w->done == 0 || w->used == chunk_size(w->chunk)) {
        w->chunk = take(&w->chunks, 2);
        w->used = 0;
    }
    unsigned symbol = chunk_symbol(w->chunk, w->used);
    w->used++;
    if (symbol != NOT_RECEIVED) {
        uint16_t delta = take(&w->deltas, symbol);
        int64_t ticks = symbol == LARGE_DELTA ? (int16_t)delta : delta;
        w->time_us += ticks * TRANSPORT_CC_TICK_US;
    }
    *out = (struct transport_cc_status){
        .sequence = (uint16_t)(w->message->base_sequence + w->done),
        .received = symbol != NOT_RECEIVED,
        .time_us = symbol != NOT_RECEIVED ? w->time_us : 0,
    };
    w->done++;
    return true;
}

int64_t transport_cc_reference(struct transport_cc_clock *c, const struct transport_cc *message)
{
    int64_t n = (int64_t)message->reference_time;
    if (c->started) {
        /* the nearest to the last one on the circle */
        int64_t ahead = (n - c->last) & (REFERENCE_WRAP - 1);
        n = c->last + ahead - (ahead >= REFERENCE_WRAP / 2 ? REFERENCE_WRAP : 0);
    }
    c->last = n;
    c->started = true;
    return n * REFERENCE_US;
}

static int64_t *slot(struct transport_cc_recorder *r, int64_t n)
{
    return &r->arrival[(size_t)n % TRANSPORT_CC_WINDOW];
}

void transport_cc_record(struct transport_cc_recorder *r, uint16_t sequence, uint64_t now_us)
{
    int64_t before = r->unwrap.highest;
    bool first = !r->unwrap.started;
    int64_t n = sequence_unwrap(&r->unwrap, sequence);
    if (first) {
        r->begin = n;
    } else if (n > before) {
        int64_t from = n - before > TRANSPORT_CC_WINDOW ? n - TRANSPORT_CC_WINDOW : before;
        for (int64_t i = from + 1; i <= n; i++)
            *slot(r, i) = 0;
        if (r->begin <= n - TRANSPORT_CC_WINDOW)
            r->begin = n - TRANSPORT_CC_WINDOW + 1;
    } else if (n <= before - TRANSPORT_CC_WINDOW) {
        return;
    }
    if (*slot(r, n) != 0)
        return;
    *slot(r, n) = (int64_t)(now_us / TRANSPORT_CC_TICK_US) + 1;
    if (n < r->begin)
        r->begin = n; /* told as lost before, it may have come late: say so */
    r->pending = true;
}

bool transport_cc_pending(const struct transport_cc_recorder *r)
{
    return r->pending;
}

/* A message in the making. */
struct draft {
    int64_t reference; /* in 64 ms */
    unsigned count;
    size_t delta_bytes;
    uint8_t symbol[TRANSPORT_CC_WINDOW];
    int16_t delta[TRANSPORT_CC_WINDOW];
    uint16_t chunk[TRANSPORT_CC_WINDOW];
    unsigned chunk_count;
};

/* Adds what one number has to say; false if it does not fit this message. */
static bool draft_add(struct draft *d, int64_t arrival, int64_t *last)
{
    uint8_t symbol = NOT_RECEIVED;
    if (arrival != 0) {
        int64_t delta = arrival - 1 - *last;
        if (delta < INT16_MIN || delta > INT16_MAX)
            return false;
        symbol = delta >= 0 && delta <= UINT8_MAX ? SMALL_DELTA : LARGE_DELTA;
        d->delta[d->count] = (int16_t)delta;
        *last = arrival - 1;
    }
    /* no chunk that is not the last covers less than seven statuses */
    size_t chunks = (d->count + 1u) / TWO_BIT_SYMBOLS + 1u;
    if (12 + FIXED_SIZE + chunks * 2 + d->delta_bytes + symbol + 3 > TRANSPORT_CC_BYTES_MAX)
        return false;
    d->symbol[d->count++] = symbol;
    d->delta_bytes += symbol;
    return true;
}

static void draft_collect(struct transport_cc_recorder *r, struct draft *d)
{
    int64_t first = r->begin;
    while (*slot(r, first) == 0)
        first++;
    d->reference = (*slot(r, first) - 1) / TICKS_PER_REFERENCE;
    int64_t last = d->reference * TICKS_PER_REFERENCE;
    for (int64_t n = r->begin; n <= r->unwrap.highest; n++)
        if (!draft_add(d, *slot(r, n), &last))
            break;
}

static unsigned run_length(const struct draft *d, unsigned i)
{
    unsigned n = 1;
    while (i + n < d->count && n < RUN_MAX && d->symbol[i + n] == d->symbol[i])
        n++;
    return n;
}

/* How many statuses a vector would take, and of how many bits. */
static unsigned vector_length(const struct draft *d, unsigned i, bool *two_bit)
{
    unsigned left = d->count - i;
    unsigned n = left < ONE_BIT_SYMBOLS ? left : ONE_BIT_SYMBOLS;
    *two_bit = false;
    for (unsigned k = 0; k < n; k++)
        if (d->symbol[i + k] == LARGE_DELTA)
            *two_bit = true;
    return *two_bit && n > TWO_BIT_SYMBOLS ? TWO_BIT_SYMBOLS : n;
}

static uint16_t vector_chunk(const struct draft *d, unsigned i, unsigned n, bool two_bit)
{
    unsigned chunk = CHUNK_VECTOR | (two_bit ? CHUNK_TWO_BIT : 0);
    for (unsigned k = 0; k < n; k++)
        chunk |= (unsigned)d->symbol[i + k]
                 << (two_bit ? 2 * (TWO_BIT_SYMBOLS - 1 - k) : ONE_BIT_SYMBOLS - 1 - k);
    return (uint16_t)chunk;
}

/* Whichever kind of chunk goes further. */
static void draft_encode(struct draft *d)
{
    for (unsigned i = 0; i < d->count;) {
        bool two_bit;
        unsigned run = run_length(d, i);
        unsigned vector = vector_length(d, i, &two_bit);
        d->chunk[d->chunk_count++] = run >= vector ? (uint16_t)((unsigned)d->symbol[i] << 13 | run)
                                                   : vector_chunk(d, i, vector, two_bit);
        i += run >= vector ? run : vector;
    }
}

int transport_cc_write(struct transport_cc_recorder *r, uint32_t sender_ssrc, uint32_t media_ssrc,
                       struct buf *out)
{
    struct draft d = {0};
    if (!r->pending)
        return CONCLAVE_ESTATE;
    draft_collect(r, &d);
    draft_encode(&d);
    size_t fci = FIXED_SIZE + d.chunk_count * (size_t)2 + d.delta_bytes;
    size_t padding = (4 - fci % 4) % 4;
    int rv = rtcp_feedback_begin(out, RTCP_FB_TRANSPORT_CC, sender_ssrc, media_ssrc, fci + padding);
    if (rv != 0)
        return rv;
    write_u16(out, (uint16_t)r->begin);
    write_u16(out, (uint16_t)d.count);
    write_u32(out, (uint32_t)(d.reference % REFERENCE_WRAP) << 8 | r->feedback_count);
    for (unsigned i = 0; i < d.chunk_count; i++)
        write_u16(out, d.chunk[i]);
    for (unsigned i = 0; i < d.count; i++) {
        if (d.symbol[i] == SMALL_DELTA)
            write_u8(out, (uint8_t)d.delta[i]);
        else if (d.symbol[i] == LARGE_DELTA)
            write_u16(out, (uint16_t)d.delta[i]);
    }
    buf_put_zero(out, padding);
    r->begin += d.count;
    r->feedback_count++;
    r->pending = r->begin <= r->unwrap.highest;
    return buf_check(out);
}
