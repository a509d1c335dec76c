/* Which layer of which picture a receiver gets for the bandwidth there is.
 *
 * Pictures are in the order of their importance. First each gets its smallest layer, in that order,
 * as long as it fits; then each its next larger one, up to the height that is wanted. A layer that
 * is not flowing yet has to fit with SFU_CHOOSE_SPARE to spare, so that a rate near the limit does
 * not make pictures come and go.
 */
#ifndef SFU_CHOOSE_H
#define SFU_CHOOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sfu/limits.h"

#define SFU_NO_LAYER (-1)

struct sfu_choice {
    uint8_t n_layers;
    uint16_t max_height;
    uint16_t height[SFU_LAYERS]; /* rising; 0: not known */
    uint32_t rate[SFU_LAYERS];   /* bit/s; 0: not being sent, cannot be chosen */
    int now;                     /* flowing, or SFU_NO_LAYER */
    /* out */
    int ideal; /* if there were no limit: of those that are being sent, and of all there are */
    int wish;
    int layer; /* to be sent, or SFU_NO_LAYER */
};

/* Sets the last three of each; returns what the ideal ones take, in bit/s. */
uint64_t sfu_choose(struct sfu_choice *choices, size_t n, uint64_t bandwidth);

#endif
