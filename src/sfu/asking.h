/* Key frames asked of a sender: whoever wants one marks it, and one question serves all. Asked at
 * once, then at most every SFU_KEY_INTERVAL, twice as long after each that was not answered, until
 * a key frame comes. Zero-initialised.
 */
#ifndef SFU_ASKING_H
#define SFU_ASKING_H

#include <stdbool.h>
#include <stdint.h>

#include "sfu/limits.h"

struct sfu_asking {
    bool wanted;
    uint8_t times;     /* since the last key frame */
    uint64_t asked_us; /* the last time; 0: never */
};

static inline bool sfu_asking_due(const struct sfu_asking *a, uint64_t now_us)
{
    unsigned shift = a->times < SFU_KEY_DOUBLINGS ? a->times : SFU_KEY_DOUBLINGS;
    uint64_t interval = SFU_KEY_INTERVAL << (shift == 0 ? 0 : shift - 1);
    return a->wanted && (a->asked_us == 0 || now_us - a->asked_us >= interval);
}

static inline void sfu_asking_asked(struct sfu_asking *a, uint64_t now_us)
{
    a->asked_us = now_us;
    if (a->times < UINT8_MAX)
        a->times++;
}

static inline void sfu_asking_answered(struct sfu_asking *a)
{
    a->wanted = false;
    a->times = 0;
}

#endif
