/* RFC 9420 4 and 7: the ratchet tree, its public half.
 *
 * A perfect binary tree in an array (appendix C), leaves at even nodes. Nodes are immutable once
 * shared, arrays are copy-on-write: mls_tree_clone() costs next to nothing, and a staged commit
 * works on a clone. Kept along: the tree hash of every subtree that has not changed, an index of
 * all keys (so that uniqueness is one look-up, RFC 9420 16.7-1), and a count of credential types.
 *
 * A function that fails may leave its tree half changed: work on a clone and drop it.
 */
#ifndef MLS_TREE_H
#define MLS_TREE_H

#include "base/cow.h"
#include "base/limits.h"
#include "mls/leaf.h"
#include "mls/tree_math.h"

struct mls_parent {
    struct bytes encryption_key;
    struct bytes parent_hash;
    const uint32_t *unmerged; /* increasing */
    size_t n_unmerged;
};

struct mls_tree {
    uint8_t nh;
    uint32_t width; /* leaf places: a power of two, 0 only before the first leaf */
    uint32_t n_members;
    uint32_t first_blank; /* no blank leaf is left of it */
    struct cow nodes, hashes, index;
    size_t n_index;
    uint8_t index_key[16];
    /* per credential type (basic, X.509): members that use it, members that support it */
    uint32_t users[2], supporters[2];
};

/* An empty tree for a suite. ERANDOM. */
int mls_tree_init(struct mls_tree *t, struct crypto *c) CONCLAVE_CHECKED;
void mls_tree_fini(struct mls_tree *t);
void mls_tree_clone(const struct mls_tree *t, struct mls_tree *out);

/* NULL if blank or outside. */
const struct mls_leaf *mls_tree_leaf(const struct mls_tree *t, uint32_t leaf);

/* false if blank. */
bool mls_tree_parent(const struct mls_tree *t, uint32_t node, struct mls_parent *out);
bool mls_tree_is_blank(const struct mls_tree *t, uint32_t node);

/* The HPKE key of a node that is not blank. */
struct bytes mls_tree_key(const struct mls_tree *t, uint32_t node);

/* Whether an encryption or a signature key stands anywhere in the tree. */
bool mls_tree_has_encryption_key(const struct mls_tree *t, struct bytes key);
bool mls_tree_has_signature_key(const struct mls_tree *t, struct bytes key);

/* ---- Changes. The leaf is copied. EDUPLICATE if a key is in the tree already. ---- */

/* The leftmost blank leaf, the tree growing if there is none (RFC 9420 12.1.1-2); ELIMIT. */
int mls_tree_next_leaf(struct mls_tree *t, uint32_t *out) CONCLAVE_CHECKED;

/* Fills a blank leaf, and lists it as unmerged above (RFC 9420 12.1.1-3). */
int mls_tree_add(struct mls_tree *t, uint32_t leaf,
                 const struct mls_leaf *content) CONCLAVE_CHECKED;

/* Fills a blank leaf without touching what is above. */
int mls_tree_set_leaf(struct mls_tree *t, uint32_t leaf,
                      const struct mls_leaf *content) CONCLAVE_CHECKED;
int mls_tree_blank_leaf(struct mls_tree *t, uint32_t leaf) CONCLAVE_CHECKED;
int mls_tree_blank_path(struct mls_tree *t, uint32_t leaf) CONCLAVE_CHECKED;

/* Blanks any node, if it is not blank. */
int mls_tree_blank_node(struct mls_tree *t, uint32_t node) CONCLAVE_CHECKED;

/* RFC 9420 12.1.3-3. */
int mls_tree_truncate(struct mls_tree *t) CONCLAVE_CHECKED;

/* Fills a blank parent; unmerged lists start empty. */
int mls_tree_set_parent(struct mls_tree *t, uint32_t node, struct bytes key,
                        struct bytes parent_hash) CONCLAVE_CHECKED;
int mls_tree_add_unmerged(struct mls_tree *t, uint32_t node, uint32_t leaf) CONCLAVE_CHECKED;

/* ---- Resolution and paths (RFC 9420 4.1) ---- */

struct u32s {
    uint32_t *p;
    size_t n, cap;
};
void u32s_fini(struct u32s *v);
int u32s_put(struct u32s *v, uint32_t x) CONCLAVE_CHECKED;
bool u32s_sorted_have(const uint32_t *p, size_t n, uint32_t x);

/* Appends the resolution of a node, without the leaves of `except` (sorted; RFC 9420 7.6-2). */
int mls_tree_resolution(const struct mls_tree *t, uint32_t node, const struct u32s *except,
                        struct u32s *out) CONCLAVE_CHECKED;
bool mls_tree_resolution_is_empty(const struct mls_tree *t, uint32_t node);

/* The filtered direct path: one entry a node, from the leaf to the root. */
struct mls_path_step {
    uint32_t node;
    uint32_t copath; /* the child of node that is not on the path */
};
struct mls_filtered_path {
    struct mls_path_step step[LIMIT_MLS_LEVELS];
    uint32_t n;
};
void mls_tree_filtered_path(const struct mls_tree *t, uint32_t leaf, struct mls_filtered_path *out);

/* ---- Hashes (RFC 9420 7.8, 7.9) ---- */

/* The tree hash of a node, from the cache where it is good. out: nh bytes. */
int mls_tree_hash(struct mls_tree *t, struct crypto *c, uint32_t node,
                  uint8_t *out) CONCLAVE_CHECKED;
int mls_tree_root_hash(struct mls_tree *t, struct crypto *c, uint8_t *out) CONCLAVE_CHECKED;

/* The tree hash of a node as if leaves were blank and in no unmerged list. */
int mls_tree_hash_without(struct mls_tree *t, struct crypto *c, uint32_t node,
                          const uint32_t *leaves, size_t n, uint8_t *out) CONCLAVE_CHECKED;

/* ParentHashInput hashed: key and parent_hash of P, original tree hash of its child S. */
int mls_parent_hash(struct crypto *c, struct bytes key, struct bytes parent_hash,
                    struct bytes sibling_hash, uint8_t *out) CONCLAVE_CHECKED;

/* RFC 9420 7.9.2: every parent node is linked to a leaf by exactly one chain. EPARENTHASH. */
int mls_tree_verify_parent_hashes(struct mls_tree *t, struct crypto *c) CONCLAVE_CHECKED;

/* ---- On the wire (RFC 9420 12.4.3.3) ---- */

/* Content of ratchet_tree<V>, with its length header. */
void mls_tree_write(const struct mls_tree *t, struct buf *b);

/* Structure and unique keys are checked, nothing else. t is initialised and empty. */
int mls_tree_read(struct mls_tree *t, struct reader *r) CONCLAVE_CHECKED;

/* One node, for deltas: optional<Node>. */
void mls_tree_write_node(const struct mls_tree *t, uint32_t node, struct buf *b);
int mls_tree_read_node(struct mls_tree *t, uint32_t node, struct reader *r) CONCLAVE_CHECKED;
int mls_tree_skip_node(struct reader *r) CONCLAVE_CHECKED;

/* Whether two trees have the very same node, content and all. */
bool mls_tree_same_node(const struct mls_tree *a, const struct mls_tree *b, uint32_t node);

/* Widens or narrows to a number of leaf places; what falls off must be blank. */
int mls_tree_resize(struct mls_tree *t, uint32_t width) CONCLAVE_CHECKED;

/* ---- Validation ---- */

/* RFC 9420 12.4.3.1-15..17, 7.1-1: unmerged lists and node keys. ETREE. */
int mls_tree_check_structure(const struct mls_tree *t, struct crypto *c) CONCLAVE_CHECKED;

/* RFC 9420 7.3-5, 7.3-6: one leaf against the rest. ECAPABILITY. */
int mls_tree_check_credential_types(const struct mls_tree *t,
                                    const struct mls_leaf *leaf) CONCLAVE_CHECKED;

#endif
