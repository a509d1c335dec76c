#include "sfu/choose.h"

/* The largest layer not above the wanted height, or else the smallest. A layer whose height is not
 * known yet is taken for what its place in the list says: above one that fits, below one that does
 * not. */
static int best_layer(const struct sfu_choice *c, bool sent_only)
{
    int best = SFU_NO_LAYER;
    for (int i = 0; i < c->n_layers; i++) {
        if (sent_only && c->rate[i] == 0)
            continue;
        if (best != SFU_NO_LAYER && c->height[i] > c->max_height)
            break;
        best = i;
    }
    return best;
}

static uint64_t price(const struct sfu_choice *c, int layer)
{
    if (layer == SFU_NO_LAYER)
        return 0;
    uint64_t rate = c->rate[layer];
    return layer > c->now ? rate + rate / SFU_CHOOSE_SPARE : rate;
}

/* The next larger layer that is being sent, up to the ideal one; SFU_NO_LAYER if there is none. */
static int step_up(const struct sfu_choice *c)
{
    for (int i = c->layer + 1; i <= c->ideal; i++)
        if (c->rate[i] != 0)
            return i;
    return SFU_NO_LAYER;
}

/* Gives each picture one layer more if it fits; false if none did. */
static bool spend(struct sfu_choice *choices, size_t n, uint64_t *left)
{
    bool spent = false;
    for (size_t i = 0; i < n; i++) {
        struct sfu_choice *c = &choices[i];
        int next = step_up(c);
        if (next == SFU_NO_LAYER)
            continue;
        uint64_t before = price(c, c->layer);
        uint64_t after = price(c, next);
        if (after > before && after - before > *left)
            continue;
        *left += before;
        *left -= after;
        c->layer = next;
        spent = true;
    }
    return spent;
}

uint64_t sfu_choose(struct sfu_choice *choices, size_t n, uint64_t bandwidth)
{
    uint64_t ideal = 0;
    for (size_t i = 0; i < n; i++) {
        struct sfu_choice *c = &choices[i];
        c->layer = SFU_NO_LAYER;
        c->ideal = c->max_height == 0 ? SFU_NO_LAYER : best_layer(c, true);
        c->wish = c->max_height == 0 ? SFU_NO_LAYER : best_layer(c, false);
        if (c->ideal != SFU_NO_LAYER)
            ideal += c->rate[c->ideal];
    }
    while (spend(choices, n, &bandwidth))
        ;
    return ideal;
}
