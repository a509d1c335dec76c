/* The epochs in which the SFrame fuzzers play: the id gives the key, and how sealing moves on. */
#ifndef TESTS_FUZZ_SFRAME_EPOCH_H
#define TESTS_FUZZ_SFRAME_EPOCH_H

#include "sframe/keys.h"

static inline int add_epoch(struct sframe_keys *k, uint64_t id, uint32_t leaf, uint64_t now)
{
    uint8_t key[32] = {(uint8_t)id, (uint8_t)(id >> 8), 7};
    struct sframe_epoch e = {id, bytes_of(key, sizeof key), 20, leaf,
                             id % 2 == 0 ? SFRAME_SWITCH_NOW : SFRAME_SWITCH_LATER};
    return sframe_keys_add_epoch(k, &e, now);
}

#endif
