/* The keys by KID: a hash table that no peer can fill unevenly. */
#ifndef SFRAME_TABLE_H
#define SFRAME_TABLE_H

#include "sframe/key.h"

struct sframe_slot {
    uint64_t kid;
    struct sframe_key *key; /* NULL: free */
};

struct sframe_table {
    struct sframe_slot *slots;
    size_t cap; /* power of two, or 0; at most half full */
    size_t n;
    size_t ready; /* keys with an AEAD */
    size_t hand;  /* where the clock that chooses which AEAD makes room stands */
    struct mix_seed seed;
};

/* Frees the keys too. */
void sframe_table_fini(struct sframe_table *t);

static inline size_t sframe_table_home(const struct sframe_table *t, uint64_t kid)
{
    return (size_t)mix(t->seed, kid) & (t->cap - 1);
}

/* NULL if absent. */
static inline struct sframe_key *sframe_table_get(const struct sframe_table *t, uint64_t kid)
{
    if (t->cap == 0)
        return NULL;
    size_t i = sframe_table_home(t, kid);
    while (t->slots[i].key != NULL && t->slots[i].kid != kid)
        i = (i + 1) & (t->cap - 1);
    return t->slots[i].key;
}

/* Makes sure that one more key can be put. ENOMEM. */
int sframe_table_reserve(struct sframe_table *t) CONCLAVE_CHECKED;

/* After sframe_table_reserve(); the KID is new. May take another key's AEAD away. */
void sframe_table_put(struct sframe_table *t, struct sframe_key *key);

/* The AEAD of a key in the table was made again: drops another one if there are too many. */
void sframe_table_armed(struct sframe_table *t, struct sframe_key *key);

/* Frees the keys for which drop() is true, and returns how many. */
size_t sframe_table_drop(struct sframe_table *t, bool (*drop)(const void *ctx, uint64_t kid),
                         const void *ctx);

#endif
