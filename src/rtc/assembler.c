#include "rtc/assembler.h"

#include <stdlib.h>
#include <string.h>

#include "rtc/sequence.h"

/* A packet that waits. Slots are found by sequence number and chained by age. */
struct slot {
    uint8_t *data; /* NULL: free, or the payload is empty */
    size_t n;
    int64_t number; /* the unwrapped sequence number; 0: the slot is free */
    uint64_t arrival_us;
    uint64_t note;
    uint32_t timestamp;
    uint32_t kind;
    uint32_t older, newer; /* slots; NONE at the ends */
    bool start, end, padding;
};

#define NONE UINT32_MAX

struct assembler {
    struct assembler_config config;
    struct sequence_unwrap unwrap;
    int64_t next;    /* all before it are out or given up; 0: nothing has arrived */
    int64_t checked; /* all from next up to here are there and go together, without an end */
    bool settled;    /* something is out or was given up: nothing before next is wanted */
    uint32_t lost;   /* numbers before next that were given up and not yet reported */
    uint32_t lost_arrived;
    uint32_t oldest, newest; /* ends of the chain by age */
    uint64_t now_us;
    size_t bytes;       /* of payload kept, the staged packet included */
    struct slot staged; /* arrived, but too far ahead for a slot yet; number 0: none */
    struct buf frame;   /* the one that was given out last */
    struct assembler_stats stats;
    struct slot slots[]; /* config.packets of them */
};

static int config_complete(const struct assembler_config *given, struct assembler_config *out)
{
    struct assembler_config c = {0};
    if (given != NULL)
        c = *given;
    c.wait_us = c.wait_us == 0 ? ASSEMBLER_WAIT_US : c.wait_us;
    c.packets = c.packets == 0 ? ASSEMBLER_PACKETS_MAX : c.packets;
    c.bytes = c.bytes == 0 ? ASSEMBLER_BYTES_MAX : c.bytes;
    if (c.wait_us > ASSEMBLER_WAIT_MAX_US || c.packets > ASSEMBLER_PACKETS_MAX ||
        (c.packets & (c.packets - 1)) != 0 || c.bytes < RTP_PACKET_MAX ||
        c.bytes > ASSEMBLER_BYTES_MAX)
        return CONCLAVE_EINVAL;
    *out = c;
    return 0;
}

int assembler_new(const struct assembler_config *config, struct assembler **out)
{
    struct assembler_config c;
    int rv = config_complete(config, &c);
    if (rv != 0)
        return rv;
    struct assembler *a = calloc(1, sizeof *a + c.packets * sizeof a->slots[0]);
    if (a == NULL)
        return CONCLAVE_ENOMEM;
    a->config = c;
    a->oldest = NONE;
    a->newest = NONE;
    *out = a;
    return 0;
}

void assembler_free(struct assembler *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < a->config.packets; i++)
        free(a->slots[i].data);
    free(a->staged.data);
    buf_free(&a->frame);
    free(a);
}

static uint32_t index_of(const struct assembler *a, int64_t number)
{
    return (uint32_t)((uint64_t)number & (a->config.packets - 1));
}

/* The packet of that number, or NULL. */
static struct slot *slot_of(struct assembler *a, int64_t number)
{
    struct slot *s = &a->slots[index_of(a, number)];
    return s->number == number ? s : NULL;
}

static void chain_add(struct assembler *a, struct slot *s)
{
    uint32_t i = index_of(a, s->number);
    s->older = a->newest;
    s->newer = NONE;
    if (a->newest != NONE)
        a->slots[a->newest].newer = i;
    else
        a->oldest = i;
    a->newest = i;
}

static void chain_remove(struct assembler *a, const struct slot *s)
{
    if (s->older != NONE)
        a->slots[s->older].newer = s->newer;
    else
        a->oldest = s->newer;
    if (s->newer != NONE)
        a->slots[s->newer].older = s->older;
    else
        a->newest = s->older;
}

static void slot_release(struct assembler *a, struct slot *s)
{
    chain_remove(a, s);
    a->bytes -= s->n;
    free(s->data);
    *s = (struct slot){0};
}

/* The end of the numbers that could be in a slot, or `to` if that comes first. */
static int64_t window_end(const struct assembler *a, int64_t to)
{
    int64_t end = a->next + (int64_t)a->config.packets;
    return end < to ? end : to;
}

/* Gives up the numbers from next up to, not including, `to`. */
static void give_up(struct assembler *a, int64_t to)
{
    a->lost += (uint32_t)(to - a->next);
    a->stats.lost += (uint64_t)(to - a->next);
    for (int64_t n = a->next, end = window_end(a, to); n < end; n++) {
        struct slot *s = slot_of(a, n);
        if (s == NULL)
            continue;
        slot_release(a, s);
        a->lost_arrived++;
    }
    a->next = to;
    a->checked = to;
    a->settled = true;
}

enum head {
    HEAD_WAITS,  /* something is missing that may still come */
    HEAD_BROKEN, /* next up to checked can never be a frame */
    HEAD_SILENT, /* next is padding: nobody wants to hear of it */
    HEAD_WHOLE,  /* next up to and including checked is a frame */
};

/* What stands at the head of the line. Remembers how far it looked, so that a frame of many packets
 * is not looked through again with each of them. */
static enum head look_at_head(struct assembler *a)
{
    const struct slot *first = slot_of(a, a->next);
    for (;; a->checked++) {
        const struct slot *s = slot_of(a, a->checked);
        if (s == NULL)
            return HEAD_WAITS;
        if (s->padding)
            return s == first ? HEAD_SILENT : HEAD_BROKEN;
        if (s == first && !s->start) {
            /* before anything came out, what begins this frame may still be on its way */
            if (!a->settled)
                return HEAD_WAITS;
            a->checked++;
            return HEAD_BROKEN;
        }
        if (s != first && (s->start || s->timestamp != first->timestamp || s->kind != first->kind))
            return HEAD_BROKEN;
        if (s->end)
            return HEAD_WHOLE;
    }
}

/* The next number of which the packet is there; `to` if there is none before it. */
static int64_t next_present(struct assembler *a, int64_t to)
{
    for (int64_t n = a->next, end = window_end(a, to); n < end; n++)
        if (slot_of(a, n) != NULL)
            return n;
    return to;
}

/* Gives up the least that can be given up at a head that waits: a hole up to the next packet, or
 * packets up to the next hole. Never beyond `to`, which is after next. */
static void give_up_a_little(struct assembler *a, int64_t to)
{
    int64_t n = next_present(a, to);
    if (n == a->next)
        n = a->checked > a->next ? a->checked : a->next + 1;
    give_up(a, n < to ? n : to);
}

static void pass_over(struct assembler *a)
{
    slot_release(a, slot_of(a, a->next));
    a->next++;
    a->checked = a->next;
    a->settled = true;
}

static bool in_window(const struct assembler *a, int64_t number)
{
    return number < a->next + (int64_t)a->config.packets;
}

static void place(struct assembler *a, const struct slot *s)
{
    struct slot *to = &a->slots[index_of(a, s->number)];
    *to = *s;
    chain_add(a, to);
}

/* Puts the staged packet in its place if there is room now, or makes way for it. */
static void serve_staged(struct assembler *a)
{
    int64_t number = a->staged.number;
    if (in_window(a, number)) {
        place(a, &a->staged);
        a->staged = (struct slot){0};
    } else {
        give_up_a_little(a, number - (int64_t)a->config.packets + 1);
    }
}

/* One packet may go beyond the limit, so that it can complete the frame that frees the memory. */
static bool is_over_limit(const struct assembler *a)
{
    return a->bytes > a->config.bytes;
}

static bool is_overdue(const struct assembler *a)
{
    return a->oldest != NONE && a->now_us - a->slots[a->oldest].arrival_us >= a->config.wait_us;
}

/* Whether this number could still be used; moves the start back if nothing has come out yet. */
static bool is_wanted(struct assembler *a, int64_t number, bool move)
{
    if (a->next == 0 || number >= a->next)
        return true;
    if (a->settled || a->unwrap.highest - number >= (int64_t)a->config.packets)
        return false;
    if (move) {
        a->next = number;
        a->checked = number;
    }
    return true;
}

static int slot_fill(struct slot *s, const struct assembler_packet *p)
{
    s->timestamp = p->timestamp;
    s->kind = p->kind;
    s->note = p->note;
    s->start = p->start;
    s->end = p->end;
    s->padding = p->padding;
    if (p->payload.n == 0)
        return 0;
    s->data = malloc(p->payload.n);
    if (s->data == NULL)
        return CONCLAVE_ENOMEM;
    memcpy(s->data, p->payload.p, p->payload.n);
    s->n = p->payload.n;
    return 0;
}

int assembler_input(struct assembler *a, const struct assembler_packet *p, uint64_t now_us)
{
    if (p->payload.n > RTP_PACKET_MAX || (p->padding && p->payload.n != 0))
        return CONCLAVE_EINVAL;
    if (a->staged.number != 0 || is_over_limit(a))
        return CONCLAVE_ESTATE;
    int64_t number = sequence_peek(&a->unwrap, p->sequence);
    if (!is_wanted(a, number, false)) {
        a->stats.late++;
        return 0;
    }
    if (slot_of(a, number) != NULL) {
        a->stats.duplicates++;
        return 0;
    }
    struct slot s = {.number = number};
    int rv = slot_fill(&s, p);
    if (rv != 0)
        return rv;
    if (now_us > a->now_us)
        a->now_us = now_us;
    s.arrival_us = a->now_us;
    (void)sequence_unwrap(&a->unwrap, p->sequence);
    (void)is_wanted(a, number, true);
    if (a->next == 0) {
        a->next = number;
        a->checked = number;
    }
    a->stats.packets++;
    a->bytes += s.n;
    if (in_window(a, number))
        place(a, &s);
    else
        a->staged = s;
    return 0;
}

static void take_lost(struct assembler *a, struct assembler_output *out)
{
    *out = (struct assembler_output){
        .what = ASSEMBLER_LOST,
        .sequence = (uint16_t)(a->next - a->lost),
        .count = a->lost,
        .arrived = a->lost_arrived,
    };
    a->lost = 0;
    a->lost_arrived = 0;
}

/* Joins next up to and including checked. */
static int take_frame(struct assembler *a, struct assembler_output *out)
{
    size_t n = 0;
    for (int64_t i = a->next; i <= a->checked; i++)
        n += slot_of(a, i)->n;
    buf_clear(&a->frame);
    if (a->frame.cap < n)
        buf_free(&a->frame); /* never two of them at a time */
    int rv = buf_reserve(&a->frame, n);
    if (rv != 0)
        return rv;
    const struct slot *first = slot_of(a, a->next);
    struct assembler_output o = {
        .what = ASSEMBLER_FRAME,
        .sequence = (uint16_t)a->next,
        .count = (uint32_t)(a->checked - a->next + 1),
        .timestamp = first->timestamp,
        .packet_kind = first->kind,
        .note = first->note,
    };
    o.arrived = o.count;
    for (; a->next <= a->checked; a->next++) {
        struct slot *s = slot_of(a, a->next);
        buf_put(&a->frame, bytes_of(s->data, s->n));
        slot_release(a, s);
    }
    a->checked = a->next;
    a->settled = true;
    a->stats.frames++;
    o.frame = buf_view(&a->frame);
    *out = o;
    return 0;
}

int assembler_next(struct assembler *a, uint64_t now_us, struct assembler_output *out)
{
    struct assembler_output nothing = {.what = ASSEMBLER_NOTHING};
    if (now_us > a->now_us)
        a->now_us = now_us;
    while (a->next != 0) {
        switch (look_at_head(a)) {
        case HEAD_WHOLE:
            if (a->lost == 0)
                return take_frame(a, out);
            take_lost(a, out);
            return 0;
        case HEAD_BROKEN:
            give_up(a, a->checked);
            continue;
        case HEAD_SILENT:
            if (a->lost != 0) { /* what is reported is a run of numbers */
                take_lost(a, out);
                return 0;
            }
            pass_over(a);
            continue;
        case HEAD_WAITS:
        default:
            break;
        }
        if (a->staged.number != 0)
            serve_staged(a);
        else if (is_over_limit(a) || is_overdue(a))
            give_up_a_little(a, a->unwrap.highest + 1);
        else
            break;
    }
    if (a->lost != 0)
        take_lost(a, out);
    else
        *out = nothing;
    return 0;
}

uint64_t assembler_deadline(const struct assembler *a)
{
    if (a->staged.number != 0 || is_over_limit(a))
        return 0;
    return a->oldest == NONE ? UINT64_MAX : a->slots[a->oldest].arrival_us + a->config.wait_us;
}

size_t assembler_missing(const struct assembler *a, uint16_t *out, size_t max)
{
    size_t count = 0;
    if (a->next == 0)
        return 0;
    for (int64_t n = a->next; n < a->unwrap.highest && count < max; n++)
        if (a->slots[index_of(a, n)].number != n && a->staged.number != n)
            out[count++] = (uint16_t)n;
    return count;
}

struct assembler_stats assembler_stats(const struct assembler *a)
{
    return a->stats;
}

size_t assembler_memory(const struct assembler *a)
{
    return sizeof *a + a->config.packets * sizeof a->slots[0] + a->bytes + a->frame.cap;
}

size_t assembler_memory_max(const struct assembler *a)
{
    /* one packet beyond the limit, and a buf that is at most twice its frame */
    size_t bytes = a->config.bytes + RTP_PACKET_MAX;
    return sizeof *a + a->config.packets * sizeof a->slots[0] + bytes + 2 * bytes;
}
