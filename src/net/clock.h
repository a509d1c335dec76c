/* The time as the sans-IO modules want it: microseconds since 1970 that never go back, whatever is
 * done to the machine's clock. A clock that was set forward is followed at once; one that was set
 * back is waited for at half speed, so that timers keep running.
 */
#ifndef NET_CLOCK_H
#define NET_CLOCK_H

#include <stdint.h>

struct net_clock {
    uint64_t now_us, monotonic_us; /* at the last look; zero before the first */
};

/* monotonic_us and real_us: what CLOCK_MONOTONIC and CLOCK_REALTIME say. */
uint64_t net_clock_advance(struct net_clock *c, uint64_t monotonic_us, uint64_t real_us);

/* Looks at the system's clocks. */
uint64_t net_clock_now(struct net_clock *c);

#endif
