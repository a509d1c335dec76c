#include "net/clock.h"

#include <time.h>

uint64_t net_clock_advance(struct net_clock *c, uint64_t monotonic_us, uint64_t real_us)
{
    uint64_t passed = monotonic_us - c->monotonic_us;
    if (real_us >= c->now_us)
        c->now_us = real_us;
    else
        c->now_us += passed / 2;
    c->monotonic_us = monotonic_us;
    return c->now_us;
}

static uint64_t read_us(clockid_t clock)
{
    struct timespec t = {0};
    (void)clock_gettime(clock, &t); /* these two clocks exist */
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t net_clock_now(struct net_clock *c)
{
    return net_clock_advance(c, read_us(CLOCK_MONOTONIC), read_us(CLOCK_REALTIME));
}
