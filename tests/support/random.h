/* Repeatable randomness for tests: the same seed gives the same run on every machine. */
#ifndef TESTS_SUPPORT_RANDOM_H
#define TESTS_SUPPORT_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state; /* the seed */
};

/* splitmix64: Steele, Lea, Flood 2014. */
static inline uint64_t random_u64(struct random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* 0..bound-1 */
static inline uint64_t random_below(struct random *r, uint64_t bound)
{
    return random_u64(r) % bound;
}

static inline bool random_chance(struct random *r, unsigned percent)
{
    return random_below(r, 100) < percent;
}

static inline void random_fill(struct random *r, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)random_u64(r);
}

#endif
