/* The nodes behind the tree's array: counted, and immutable while shared. */
#ifndef MLS_TREE_NODE_H
#define MLS_TREE_NODE_H

#include "mls/tree.h"

struct node {
    size_t refs;
    bool is_leaf;
};

struct leaf_node {
    struct node head;
    struct mls_leaf leaf; /* views into raw */
    uint8_t raw[];
};

struct parent_node {
    struct node head;
    uint8_t key[CRYPTO_PUBLIC_KEY_MAX];
    uint8_t key_n;
    uint8_t parent_hash[CRYPTO_HASH_MAX];
    uint8_t parent_hash_n;
    uint32_t *unmerged;
    uint32_t n_unmerged, cap_unmerged;
};

/* NULL without memory. The leaf is copied. */
struct node *leaf_node_new(const struct mls_leaf *leaf);
/* key and hash of at most the sizes above */
struct node *parent_node_new(struct bytes key, struct bytes parent_hash);
struct node *parent_node_copy(const struct parent_node *p);
void node_unref(struct node *n);

/* The element of mls_tree.nodes: one pointer. */
extern const struct cow_type mls_node_type;

static inline struct node *node_at(const struct mls_tree *t, uint32_t i)
{
    return *(struct node *const *)cow_at(&t->nodes, i);
}

/* The cached hash: a flag, then nh bytes. */
const struct cow_type *mls_hash_type(uint8_t nh);

/* ---- The index of keys (tree_index.c) ---- */

enum key_kind { KEY_ENCRYPTION = 0, KEY_SIGNATURE = 1 };

extern const struct cow_type mls_index_type;

/* MLS_NO_LEAF if absent, else the node that has it. */
uint32_t mls_index_find(const struct mls_tree *t, enum key_kind kind, struct bytes key);
/* The node must hold the key already. EDUPLICATE. */
int mls_index_put(struct mls_tree *t, enum key_kind kind, uint32_t node,
                  struct bytes key) CONCLAVE_CHECKED;
/* The node must hold the key still. */
int mls_index_remove(struct mls_tree *t, enum key_kind kind, uint32_t node,
                     struct bytes key) CONCLAVE_CHECKED;

#endif
