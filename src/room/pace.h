/* How often something may happen: on average once in an interval, and so many at once as fit into
 * the burst (a token bucket, kept as the time at which it would be full again). */
#ifndef ROOM_PACE_H
#define ROOM_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t full_at; /* zero: nothing has happened yet */
};

static inline uint64_t pace_ready_at(const struct pace *p, uint64_t burst)
{
    return p->full_at > burst ? p->full_at - burst : 0;
}

/* Takes what it costs; what is too dear is a debt that has to be waited for. */
static inline void pace_spend(struct pace *p, uint64_t cost, uint64_t now)
{
    p->full_at = (p->full_at > now ? p->full_at : now) + cost;
}

static inline void pace_refund(struct pace *p, uint64_t cost)
{
    p->full_at -= cost < p->full_at ? cost : p->full_at;
}

#endif
