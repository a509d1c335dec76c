/* How much goes by in a second: eight buckets of an eighth each. Zero-initialised. */
#ifndef SFU_METER_H
#define SFU_METER_H

#include <stdint.h>

#define SFU_METER_BUCKETS 8u
#define SFU_METER_BUCKET_US 125000u

struct sfu_meter {
    uint64_t now; /* number of the newest bucket */
    uint64_t amount[SFU_METER_BUCKETS];
};

static inline void sfu_meter_add(struct sfu_meter *m, uint64_t amount, uint64_t now_us)
{
    uint64_t now = now_us / SFU_METER_BUCKET_US;
    uint64_t steps = now > m->now ? now - m->now : 0;
    for (uint64_t i = 1; i <= steps && i <= SFU_METER_BUCKETS; i++)
        m->amount[(m->now + i) % SFU_METER_BUCKETS] = 0;
    m->now += steps;
    m->amount[m->now % SFU_METER_BUCKETS] += amount;
}

/* Per second, over the newest buckets, 2 to SFU_METER_BUCKETS of them: the one that is being filled
 * counts as far as it goes. */
static inline uint64_t sfu_meter_rate(const struct sfu_meter *m, unsigned buckets, uint64_t now_us)
{
    uint64_t now = now_us / SFU_METER_BUCKET_US;
    uint64_t sum = 0;
    for (unsigned i = 0; i < buckets && now >= i; i++)
        if (now - i <= m->now && m->now - (now - i) < SFU_METER_BUCKETS)
            sum += m->amount[(now - i) % SFU_METER_BUCKETS];
    uint64_t span =
        (buckets - 1) * (uint64_t)SFU_METER_BUCKET_US + now_us % SFU_METER_BUCKET_US + 1;
    return sum * 1000000 / span;
}

#endif
