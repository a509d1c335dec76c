/* The epochs of a group and the keys derived from them. */
#ifndef SFRAME_KEYS_H
#define SFRAME_KEYS_H

#include "sframe/table.h"

struct epoch {
    bool live;
    uint8_t index_bits; /* S of RFC 9605 5.2 */
    uint32_t group_size, own_leaf;
    uint64_t id;
    uint64_t send_from_us, retire_us;
    size_t opening;    /* keys that open, in the table */
    uint8_t *contexts; /* by leaf: how many contexts there are, or BARRED */
    struct secret secret;
};

struct sframe_keys {
    const struct sframe_suite_info *suite;
    struct aead_engine *engine;
    struct sframe_table table;
    struct epoch *sending; /* NULL before the first epoch */
    uint64_t deadline;
    uint64_t newest;  /* id */
    uint64_t sent_in; /* id of the latest epoch sealed in */
    enum sframe_mode mode;
    unsigned epoch_bits;
    struct epoch epochs[]; /* by the low bits of their id */
};

/* What a KID says under an epoch. */
struct kid_parts {
    uint64_t context;
    uint32_t leaf;
};

static inline struct epoch *keys_epoch(struct sframe_keys *k, uint64_t id)
{
    return &k->epochs[id & ((1u << k->epoch_bits) - 1)];
}

/* sframe_keys_new() over a provider of choice. EUNSUPPORTED if this machine has it not. */
int keys_new_with(uint16_t suite, unsigned epoch_bits, enum sframe_mode mode,
                  enum aead_choice choice, struct sframe_keys **out) CONCLAVE_CHECKED;

/* The key that seals under a context now, made if there is none. Errors of sframe_seal(). */
int keys_sealing(struct sframe_keys *k, uint64_t context, uint64_t now_us,
                 struct sframe_key **out) CONCLAVE_CHECKED;

/* A key for one frame that nobody has authenticated yet. */
struct keys_turn {
    struct sframe_key *key;
    bool fresh;   /* it is not in the table */
    bool rearmed; /* it is, but its AEAD was made for this frame */
};

/* The key that opens a frame. Changes nothing that another frame could see: keys_opened() does, and
 * must follow. Errors of sframe_open(). */
int keys_opening(struct sframe_keys *k, const struct sframe_header *h,
                 struct keys_turn *out) CONCLAVE_CHECKED;

/* Keeps what was made if the frame opened, else drops it. */
void keys_opened(struct sframe_keys *k, const struct keys_turn *turn, bool opened);

void keys_info(struct sframe_keys *k, const struct sframe_header *h, struct sframe_info *out);

#endif
