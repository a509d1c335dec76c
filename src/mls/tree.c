#include "mls/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "mls/extension.h"
#include "mls/tree_node.h"

int mls_tree_init(struct mls_tree *t, struct crypto *c)
{
    *t = (struct mls_tree){.nh = c->suite->nh};
    cow_init(&t->nodes, &mls_node_type);
    cow_init(&t->hashes, mls_hash_type(t->nh));
    cow_init(&t->index, &mls_index_type);
    return crypto_random(c, t->index_key, sizeof t->index_key);
}

void mls_tree_fini(struct mls_tree *t)
{
    if (t->nodes.type == NULL) /* never initialised */
        return;
    cow_fini(&t->nodes);
    cow_fini(&t->hashes);
    cow_fini(&t->index);
    *t = (struct mls_tree){0};
}

void mls_tree_clone(const struct mls_tree *t, struct mls_tree *out)
{
    *out = *t;
    cow_clone(&t->nodes, &out->nodes);
    cow_clone(&t->hashes, &out->hashes);
    cow_clone(&t->index, &out->index);
}

/* ---- Reading ---- */

const struct mls_leaf *mls_tree_leaf(const struct mls_tree *t, uint32_t leaf)
{
    if (leaf >= t->width)
        return NULL;
    struct node *n = node_at(t, tm_node(leaf));
    return n == NULL ? NULL : &((struct leaf_node *)n)->leaf;
}

static const struct parent_node *parent_at(const struct mls_tree *t, uint32_t node)
{
    return (const struct parent_node *)node_at(t, node);
}

bool mls_tree_parent(const struct mls_tree *t, uint32_t node, struct mls_parent *out)
{
    const struct parent_node *p = parent_at(t, node);
    if (p == NULL)
        return false;
    *out = (struct mls_parent){.encryption_key = bytes_of(p->key, p->key_n),
                               .parent_hash = bytes_of(p->parent_hash, p->parent_hash_n),
                               .unmerged = p->unmerged,
                               .n_unmerged = p->n_unmerged};
    return true;
}

bool mls_tree_is_blank(const struct mls_tree *t, uint32_t node)
{
    return node_at(t, node) == NULL;
}

struct bytes mls_tree_key(const struct mls_tree *t, uint32_t node)
{
    const struct node *n = node_at(t, node);
    if (n->is_leaf)
        return ((const struct leaf_node *)n)->leaf.encryption_key;
    return bytes_of(((const struct parent_node *)n)->key, ((const struct parent_node *)n)->key_n);
}

bool mls_tree_has_encryption_key(const struct mls_tree *t, struct bytes key)
{
    return mls_index_find(t, KEY_ENCRYPTION, key) != MLS_NO_LEAF;
}

bool mls_tree_has_signature_key(const struct mls_tree *t, struct bytes key)
{
    return mls_index_find(t, KEY_SIGNATURE, key) != MLS_NO_LEAF;
}

/* ---- Changing ---- */

/* Marks the cached hashes from a node to the root as stale. What is above a stale node is stale
 * already, so the walk may stop at the first. */
static int touch(struct mls_tree *t, uint32_t node)
{
    uint32_t root = tm_root(t->width);
    for (;;) {
        if (*(const uint8_t *)cow_at(&t->hashes, node) == 0)
            return 0;
        uint8_t *flag = cow_own(&t->hashes, node);
        if (flag == NULL)
            return CONCLAVE_ENOMEM;
        *flag = 0;
        if (node == root)
            return 0;
        node = tm_parent(node);
    }
}

/* Takes the node; frees it on failure. */
static int put_node(struct mls_tree *t, uint32_t i, struct node *n)
{
    struct node **slot = cow_own(&t->nodes, i);
    if (slot == NULL) {
        node_unref(n);
        return CONCLAVE_ENOMEM;
    }
    node_unref(*slot);
    *slot = n;
    return touch(t, i);
}

/* The credential types that are counted: all that can be parsed. */
static const uint16_t census[2] = {MLS_BASIC, MLS_X509};

static void count(struct mls_tree *t, const struct mls_leaf *leaf, uint32_t by)
{
    for (unsigned i = 0; i < 2; i++) {
        uint16_t type = census[i];
        if (leaf->credential.type == type)
            t->users[i] += by;
        if (mls_u16s_have(leaf->capabilities.credentials, type))
            t->supporters[i] += by;
    }
    t->n_members += by;
}

int mls_tree_resize(struct mls_tree *t, uint32_t width)
{
    int rv = cow_resize(&t->nodes, tm_node_count(width));
    if (rv == 0)
        rv = cow_resize(&t->hashes, tm_node_count(width));
    if (rv == 0)
        t->width = width;
    return rv;
}

int mls_tree_next_leaf(struct mls_tree *t, uint32_t *out)
{
    while (t->first_blank < t->width && node_at(t, tm_node(t->first_blank)) != NULL)
        t->first_blank++;
    if (t->first_blank == t->width) {
        if (t->width == LIMIT_MLS_LEAVES)
            return CONCLAVE_ELIMIT;
        int rv = mls_tree_resize(t, t->width == 0 ? 1 : t->width * 2);
        if (rv != 0)
            return rv;
    }
    *out = t->first_blank;
    return 0;
}

int mls_tree_set_leaf(struct mls_tree *t, uint32_t leaf, const struct mls_leaf *content)
{
    uint32_t i = tm_node(leaf);
    /* RFC 9420 7.3-14, 7.3-15, 16.7-1; looked up before the node claims its keys */
    if (mls_tree_has_encryption_key(t, content->encryption_key) ||
        mls_tree_has_signature_key(t, content->signature_key))
        return CONCLAVE_EDUPLICATE;
    struct node *n = leaf_node_new(content);
    if (n == NULL)
        return CONCLAVE_ENOMEM;
    int rv = put_node(t, i, n);
    if (rv == 0)
        rv = mls_index_put(t, KEY_ENCRYPTION, i, content->encryption_key);
    if (rv == 0)
        rv = mls_index_put(t, KEY_SIGNATURE, i, content->signature_key);
    if (rv == 0)
        count(t, content, 1);
    return rv;
}

/* A parent node that no other tree sees. */
static int own_parent(struct mls_tree *t, uint32_t i, struct parent_node **out)
{
    struct node *n = node_at(t, i);
    struct node **slot = cow_own(&t->nodes, i);
    if (slot == NULL)
        return CONCLAVE_ENOMEM;
    if (n->refs != 1) {
        struct node *copy = parent_node_copy((struct parent_node *)n);
        if (copy == NULL)
            return CONCLAVE_ENOMEM;
        node_unref(n);
        *slot = copy;
    }
    *out = (struct parent_node *)*slot;
    return touch(t, i);
}

int mls_tree_add_unmerged(struct mls_tree *t, uint32_t node, uint32_t leaf)
{
    struct parent_node *p;
    int rv = own_parent(t, node, &p);
    if (rv != 0)
        return rv;
    if (p->n_unmerged == p->cap_unmerged) {
        uint32_t cap = p->cap_unmerged < 4 ? 4 : p->cap_unmerged * 2;
        uint32_t *bigger = realloc(p->unmerged, cap * sizeof *bigger);
        if (bigger == NULL)
            return CONCLAVE_ENOMEM;
        p->unmerged = bigger;
        p->cap_unmerged = cap;
    }
    uint32_t at = p->n_unmerged++;
    for (; at > 0 && p->unmerged[at - 1] > leaf; at--) /* RFC 9420 7.1-1: in order */
        p->unmerged[at] = p->unmerged[at - 1];
    p->unmerged[at] = leaf;
    return 0;
}

int mls_tree_add(struct mls_tree *t, uint32_t leaf, const struct mls_leaf *content)
{
    int rv = mls_tree_set_leaf(t, leaf, content);
    for (uint32_t i = tm_node(leaf); rv == 0 && i != tm_root(t->width);) {
        i = tm_parent(i);
        if (node_at(t, i) != NULL)
            rv = mls_tree_add_unmerged(t, i, leaf);
    }
    return rv;
}

int mls_tree_blank_leaf(struct mls_tree *t, uint32_t leaf)
{
    uint32_t i = tm_node(leaf);
    const struct mls_leaf *old = mls_tree_leaf(t, leaf);
    int rv = mls_index_remove(t, KEY_ENCRYPTION, i, old->encryption_key);
    if (rv == 0)
        rv = mls_index_remove(t, KEY_SIGNATURE, i, old->signature_key);
    if (rv != 0)
        return rv;
    count(t, old, UINT32_MAX); /* that is, minus one */
    if (leaf < t->first_blank)
        t->first_blank = leaf;
    return put_node(t, i, NULL);
}

static int blank_parent(struct mls_tree *t, uint32_t node)
{
    const struct parent_node *p = parent_at(t, node);
    if (p == NULL)
        return 0;
    int rv = mls_index_remove(t, KEY_ENCRYPTION, node, bytes_of(p->key, p->key_n));
    return rv != 0 ? rv : put_node(t, node, NULL);
}

int mls_tree_blank_path(struct mls_tree *t, uint32_t leaf)
{
    int rv = 0;
    for (uint32_t i = tm_node(leaf); rv == 0 && i != tm_root(t->width);) {
        i = tm_parent(i);
        rv = blank_parent(t, i);
    }
    return rv;
}

int mls_tree_blank_node(struct mls_tree *t, uint32_t node)
{
    if (node_at(t, node) == NULL)
        return 0;
    return tm_is_leaf(node) ? mls_tree_blank_leaf(t, tm_leaf(node)) : blank_parent(t, node);
}

bool mls_tree_same_node(const struct mls_tree *a, const struct mls_tree *b, uint32_t node)
{
    if (node >= a->nodes.n || node >= b->nodes.n)
        return false;
    return cow_shares(&a->nodes, &b->nodes, node) || node_at(a, node) == node_at(b, node);
}

int mls_tree_truncate(struct mls_tree *t)
{
    uint32_t last = t->width;
    while (last > 0 && node_at(t, tm_node(last - 1)) == NULL)
        last--;
    uint32_t width = tm_width(last);
    int rv = 0;
    while (rv == 0 && t->width > width) {
        rv = blank_parent(t, tm_root(t->width)); /* RFC 9420 7.7: dropped, blank or not */
        if (rv == 0)
            rv = mls_tree_resize(t, t->width / 2);
    }
    if (t->first_blank > t->width)
        t->first_blank = t->width;
    return rv;
}

int mls_tree_set_parent(struct mls_tree *t, uint32_t node, struct bytes key,
                        struct bytes parent_hash)
{
    if (key.n == 0 || key.n > CRYPTO_PUBLIC_KEY_MAX || parent_hash.n > CRYPTO_HASH_MAX)
        return CONCLAVE_ETREE;
    if (mls_tree_has_encryption_key(t, key))
        return CONCLAVE_EDUPLICATE;
    struct node *n = parent_node_new(key, parent_hash);
    if (n == NULL)
        return CONCLAVE_ENOMEM;
    int rv = put_node(t, node, n);
    return rv != 0 ? rv : mls_index_put(t, KEY_ENCRYPTION, node, key);
}

/* ---- Resolution and paths ---- */

void u32s_fini(struct u32s *v)
{
    free(v->p);
    *v = (struct u32s){0};
}

int u32s_put(struct u32s *v, uint32_t x)
{
    if (v->n == v->cap) {
        size_t cap = v->cap == 0 ? 16 : v->cap * 2;
        uint32_t *p = realloc(v->p, cap * sizeof *p);
        if (p == NULL)
            return CONCLAVE_ENOMEM;
        v->p = p;
        v->cap = cap;
    }
    v->p[v->n++] = x;
    return 0;
}

bool u32s_sorted_have(const uint32_t *p, size_t n, uint32_t x)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (p[mid] == x)
            return true;
        if (p[mid] < x)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static int put_leaf_unless(uint32_t leaf, const struct u32s *except, struct u32s *out)
{
    if (except != NULL && u32s_sorted_have(except->p, except->n, leaf))
        return 0;
    return u32s_put(out, tm_node(leaf));
}

int mls_tree_resolution(const struct mls_tree *t, uint32_t node, const struct u32s *except,
                        struct u32s *out)
{
    struct mls_parent p;
    if (tm_is_leaf(node))
        return node_at(t, node) == NULL ? 0 : put_leaf_unless(tm_leaf(node), except, out);
    if (!mls_tree_parent(t, node, &p)) {
        int rv = mls_tree_resolution(t, tm_left(node), except, out);
        return rv != 0 ? rv : mls_tree_resolution(t, tm_right(node), except, out);
    }
    int rv = u32s_put(out, node);
    for (size_t i = 0; rv == 0 && i < p.n_unmerged; i++)
        rv = put_leaf_unless(p.unmerged[i], except, out);
    return rv;
}

bool mls_tree_resolution_is_empty(const struct mls_tree *t, uint32_t node)
{
    if (node_at(t, node) != NULL)
        return false;
    return tm_is_leaf(node) || (mls_tree_resolution_is_empty(t, tm_left(node)) &&
                                mls_tree_resolution_is_empty(t, tm_right(node)));
}

void mls_tree_filtered_path(const struct mls_tree *t, uint32_t leaf, struct mls_filtered_path *out)
{
    out->n = 0;
    for (uint32_t i = tm_node(leaf); i != tm_root(t->width); i = tm_parent(i)) {
        uint32_t sibling = tm_sibling(i);
        if (!mls_tree_resolution_is_empty(t, sibling))
            out->step[out->n++] = (struct mls_path_step){tm_parent(i), sibling};
    }
}

int mls_tree_check_credential_types(const struct mls_tree *t, const struct mls_leaf *leaf)
{
    for (unsigned i = 0; i < 2; i++) {
        uint16_t type = census[i];
        bool supports = mls_u16s_have(leaf->capabilities.credentials, type);
        /* RFC 9420 7.3-6: what others use, it supports; 7.3-5: what it uses, others support */
        if (t->users[i] != 0 && !supports)
            return CONCLAVE_ECAPABILITY;
        if (leaf->credential.type == type && t->supporters[i] != t->n_members)
            return CONCLAVE_ECAPABILITY;
    }
    return 0;
}
