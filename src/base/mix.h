/* A keyed hash of one number, for tables whose keys an outsider chooses: a few cycles, where
 * SipHash takes as long as a tenth of an encryption. The seed is a secret of this process; nothing
 * that depends on it goes out. */
#ifndef BASE_MIX_H
#define BASE_MIX_H

#include <stdint.h>

struct mix_seed {
    uint64_t a, b;
};

/* Each bit of x reaches each bit of the result: the high half is folded onto the low one before and
 * after each multiplication, which carries only upwards; and the factors are secret, so that
 * differences do not go through in a way that could be worked out. */
static inline uint64_t mix(struct mix_seed seed, uint64_t x)
{
    x ^= seed.a;
    x = (x ^ x >> 32) * (seed.b | 1);
    x = (x ^ x >> 29) * (seed.a | 1);
    x = (x ^ x >> 32) * 0x9e3779b97f4a7c15u;
    return x ^ x >> 32;
}

#endif
