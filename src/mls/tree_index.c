/* Which node holds a key: an open-addressing table in a copy-on-write array. Keys are chosen by
 * outsiders, so places come from a keyed hash. */
#include "base/siphash.h"
#include "mls/tree_node.h"

struct slot {
    uint32_t tag; /* of the key's hash; its low bits are the home */
    uint32_t ref; /* node * 2 + kind + 1; 0: free */
};

const struct cow_type mls_index_type = {sizeof(struct slot), 512, NULL, NULL};

static uint32_t tag_of(const struct mls_tree *t, enum key_kind kind, struct bytes key)
{
    uint64_t h = siphash(t->index_key, key);
    return (uint32_t)(kind == KEY_SIGNATURE ? h >> 32 : h);
}

static uint32_t ref_of(enum key_kind kind, uint32_t node)
{
    return node * 2 + (uint32_t)kind + 1;
}

static struct bytes key_of(const struct mls_tree *t, uint32_t ref)
{
    uint32_t node = (ref - 1) / 2;
    if ((ref - 1) % 2 == KEY_SIGNATURE)
        return mls_tree_leaf(t, tm_leaf(node))->signature_key;
    return mls_tree_key(t, node);
}

static const struct slot *at(const struct mls_tree *t, size_t i)
{
    return cow_at(&t->index, i);
}

uint32_t mls_index_find(const struct mls_tree *t, enum key_kind kind, struct bytes key)
{
    size_t mask = t->index.n - 1;
    if (t->index.n == 0)
        return MLS_NO_LEAF;
    uint32_t tag = tag_of(t, kind, key);
    for (size_t i = tag & mask; at(t, i)->ref != 0; i = (i + 1) & mask) {
        uint32_t ref = at(t, i)->ref;
        if (at(t, i)->tag == tag && (ref - 1) % 2 == (uint32_t)kind &&
            bytes_equal(key_of(t, ref), key))
            return (ref - 1) / 2;
    }
    return MLS_NO_LEAF;
}

static int place(struct cow *table, struct slot s)
{
    size_t mask = table->n - 1, i = s.tag & mask;
    while (((const struct slot *)cow_at(table, i))->ref != 0)
        i = (i + 1) & mask;
    struct slot *free_slot = cow_own(table, i);
    if (free_slot == NULL)
        return CONCLAVE_ENOMEM;
    *free_slot = s;
    return 0;
}

/* At most half full. */
static int grow(struct mls_tree *t)
{
    struct cow bigger;
    if ((t->n_index + 1) * 2 <= t->index.n)
        return 0;
    cow_init(&bigger, &mls_index_type);
    int rv = cow_resize(&bigger, t->index.n == 0 ? 32 : t->index.n * 2);
    for (size_t i = 0; rv == 0 && i < t->index.n; i++)
        if (at(t, i)->ref != 0)
            rv = place(&bigger, *at(t, i));
    if (rv != 0) {
        cow_fini(&bigger);
        return rv;
    }
    cow_fini(&t->index);
    t->index = bigger;
    return 0;
}

int mls_index_put(struct mls_tree *t, enum key_kind kind, uint32_t node, struct bytes key)
{
    if (mls_index_find(t, kind, key) != MLS_NO_LEAF)
        return CONCLAVE_EDUPLICATE;
    int rv = grow(t);
    if (rv == 0)
        rv = place(&t->index, (struct slot){tag_of(t, kind, key), ref_of(kind, node)});
    if (rv == 0)
        t->n_index++;
    return rv;
}

/* Empties a slot and moves up whoever behind it would no longer be found. */
static int close_gap(struct mls_tree *t, size_t gap)
{
    size_t mask = t->index.n - 1;
    for (size_t i = (gap + 1) & mask; at(t, i)->ref != 0; i = (i + 1) & mask) {
        size_t home = at(t, i)->tag & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue; /* its home lies between the gap and itself */
        struct slot moved = *at(t, i);
        struct slot *s = cow_own(&t->index, gap);
        if (s == NULL)
            return CONCLAVE_ENOMEM;
        *s = moved;
        gap = i;
    }
    struct slot *s = cow_own(&t->index, gap);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    *s = (struct slot){0};
    t->n_index--;
    return 0;
}

int mls_index_remove(struct mls_tree *t, enum key_kind kind, uint32_t node, struct bytes key)
{
    size_t mask = t->index.n - 1;
    uint32_t ref = ref_of(kind, node);
    for (size_t i = tag_of(t, kind, key) & mask; at(t, i)->ref != 0; i = (i + 1) & mask)
        if (at(t, i)->ref == ref)
            return close_gap(t, i);
    return CONCLAVE_EINTERNAL;
}
