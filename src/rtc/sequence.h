/* Arithmetic on the 16-bit sequence numbers of RTP, which wrap (RFC 3550 5.1, A.1).
 *
 * Order between two numbers is only defined while they are less than 32,768 apart. An unwrapper
 * turns a stream of them into 64-bit numbers that never wrap, by taking each to be the one nearest
 * to the highest seen so far. All functions are total; nothing here fails.
 */
#ifndef RTC_SEQUENCE_H
#define RTC_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

/* How far b is ahead of a, negative if it is behind: -32,768 to 32,767. */
static inline int sequence_distance(uint16_t a, uint16_t b)
{
    uint16_t ahead = (uint16_t)(b - a);
    return ahead < 0x8000 ? ahead : (int)ahead - 0x10000;
}

static inline bool sequence_newer(uint16_t a, uint16_t than)
{
    return sequence_distance(than, a) > 0;
}

struct sequence_unwrap {
    int64_t highest; /* the furthest seen; at least 65,536 once started */
    bool started;
};

/* The number without moving the unwrapper; the first one starts a cycle above zero, so that those
 * before it are not negative. */
static inline int64_t sequence_peek(const struct sequence_unwrap *u, uint16_t sequence)
{
    if (!u->started)
        return 0x10000 + (int64_t)sequence;
    return u->highest + sequence_distance((uint16_t)u->highest, sequence);
}

static inline int64_t sequence_unwrap(struct sequence_unwrap *u, uint16_t sequence)
{
    int64_t n = sequence_peek(u, sequence);
    if (!u->started || n > u->highest)
        u->highest = n;
    u->started = true;
    return n;
}

#endif
