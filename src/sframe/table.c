#include "sframe/table.h"

#include <stdlib.h>

#include "sframe/limits.h"

#define SMALLEST 16

void sframe_table_fini(struct sframe_table *t)
{
    for (size_t i = 0; i < t->cap; i++)
        sframe_key_free(t->slots[i].key);
    free(t->slots);
    *t = (struct sframe_table){0};
}

static void place(struct sframe_table *t, struct sframe_slot slot)
{
    size_t i = sframe_table_home(t, slot.kid);
    while (t->slots[i].key != NULL)
        i = (i + 1) & (t->cap - 1);
    t->slots[i] = slot;
}

int sframe_table_reserve(struct sframe_table *t)
{
    if (2 * (t->n + 1) <= t->cap)
        return 0;
    struct sframe_table bigger = *t;
    bigger.cap = t->cap == 0 ? SMALLEST : 2 * t->cap;
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].key != NULL)
            place(&bigger, t->slots[i]);
    free(t->slots);
    *t = bigger;
    t->hand = 0;
    return 0;
}

/* Second chance: a key used since the hand last came by keeps its AEAD this time. Two rounds find
 * one, as ready is not 0. */
static void make_room(struct sframe_table *t)
{
    while (t->ready >= SFRAME_READY_MAX) {
        struct sframe_key *k = t->slots[t->hand].key;
        t->hand = (t->hand + 1) & (t->cap - 1);
        if (k == NULL || k->aead == NULL)
            continue;
        if (k->recent) {
            k->recent = false;
            continue;
        }
        aead_free(k->aead);
        k->aead = NULL;
        t->ready--;
    }
}

void sframe_table_armed(struct sframe_table *t, struct sframe_key *key)
{
    struct aead *aead = key->aead;
    key->aead = NULL; /* so that it is not chosen itself */
    make_room(t);
    key->aead = aead;
    t->ready++;
}

void sframe_table_put(struct sframe_table *t, struct sframe_key *key)
{
    if (key->aead != NULL) {
        make_room(t);
        t->ready++;
    }
    place(t, (struct sframe_slot){key->kid, key});
    t->n++;
}

/* Frees the slot and moves up whoever stands behind it and could stand in it. */
static void take_out(struct sframe_table *t, size_t at)
{
    struct sframe_key *key = t->slots[at].key;
    t->ready -= key->aead != NULL;
    t->n--;
    sframe_key_free(key);
    t->slots[at].key = NULL;
    for (size_t i = (at + 1) & (t->cap - 1); t->slots[i].key != NULL; i = (i + 1) & (t->cap - 1)) {
        struct sframe_slot moved = t->slots[i];
        t->slots[i].key = NULL;
        place(t, moved);
    }
}

size_t sframe_table_drop(struct sframe_table *t, bool (*drop)(const void *ctx, uint64_t kid),
                         const void *ctx)
{
    size_t before = t->n;
    for (size_t i = 0; i < t->cap;) {
        if (t->slots[i].key != NULL && drop(ctx, t->slots[i].kid))
            take_out(t, i); /* and look again: another may stand here now */
        else
            i++;
    }
    return before - t->n;
}
