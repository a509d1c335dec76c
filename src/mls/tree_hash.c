#include <string.h>

#include "mls/tree.h"
#include "mls/tree_node.h"
#include "wire/writer.h"

/* What a walk over a subtree carries along. */
struct walk {
    struct mls_tree *t;
    struct crypto *c;
    const uint32_t *without; /* leaves to be taken for blank, increasing */
    size_t n_without;
    struct buf input;
};

enum { NODE_LEAF = 1, NODE_PARENT = 2 };

/* How many of the left-out leaves stand below a node. */
static bool touches(const struct walk *w, uint32_t node)
{
    uint32_t first = tm_first_leaf(node), end = tm_end_leaf(node);
    size_t low = 0, high = w->n_without;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (w->without[mid] < first)
            low = mid + 1;
        else
            high = mid;
    }
    return low < w->n_without && w->without[low] < end;
}

/* TreeHashInput with LeafNodeHashInput */
static int hash_leaf(struct walk *w, uint32_t leaf, bool blank, uint8_t *out)
{
    const struct mls_leaf *l = blank ? NULL : mls_tree_leaf(w->t, leaf);
    uint8_t head[6] = {NODE_LEAF,
                       (uint8_t)(leaf >> 24),
                       (uint8_t)(leaf >> 16),
                       (uint8_t)(leaf >> 8),
                       (uint8_t)leaf,
                       l != NULL}; /* RFC 9420 7.8-1 */
    struct bytes parts[2] = {bytes_of(head, 6), l != NULL ? l->raw : bytes_of(NULL, 0)};
    return crypto_hash(w->c, parts, 2, out);
}

/* TreeHashInput with ParentNodeHashInput */
static int hash_parent(struct walk *w, uint32_t node, const uint8_t *left, const uint8_t *right,
                       uint8_t *out)
{
    struct mls_parent p;
    struct buf *b = &w->input;
    buf_clear(b);
    write_u8(b, NODE_PARENT);
    bool present = mls_tree_parent(w->t, node, &p);
    write_u8(b, present);
    if (present) {
        write_vec(b, p.encryption_key);
        write_vec(b, p.parent_hash);
        size_t mark = write_vec_begin(b);
        for (size_t i = 0; i < p.n_unmerged; i++)
            if (!u32s_sorted_have(w->without, w->n_without, p.unmerged[i]))
                write_u32(b, p.unmerged[i]);
        write_vec_end(b, mark);
    }
    write_vec(b, bytes_of(left, w->t->nh));
    write_vec(b, bytes_of(right, w->t->nh));
    struct bytes input = buf_view(b);
    int rv = buf_check(b);
    return rv != 0 ? rv : crypto_hash(w->c, &input, 1, out);
}

static int hash_node(struct walk *w, uint32_t node, uint8_t *out)
{
    uint8_t left[CRYPTO_HASH_MAX], right[CRYPTO_HASH_MAX];
    size_t nh = w->t->nh;
    bool changed = touches(w, node);
    const uint8_t *cached = cow_at(&w->t->hashes, node);
    if (!changed && cached[0] != 0) {
        memcpy(out, cached + 1, nh);
        return 0;
    }
    int rv;
    if (tm_is_leaf(node)) {
        rv = hash_leaf(w, tm_leaf(node), changed, out);
    } else {
        rv = hash_node(w, tm_left(node), left);
        if (rv == 0)
            rv = hash_node(w, tm_right(node), right);
        if (rv == 0)
            rv = hash_parent(w, node, left, right, out);
    }
    if (rv != 0 || changed)
        return rv;
    uint8_t *slot = cow_own(&w->t->hashes, node);
    if (slot == NULL)
        return CONCLAVE_ENOMEM;
    slot[0] = 1;
    memcpy(slot + 1, out, nh);
    return 0;
}

int mls_tree_hash_without(struct mls_tree *t, struct crypto *c, uint32_t node,
                          const uint32_t *leaves, size_t n, uint8_t *out)
{
    struct walk w = {.t = t, .c = c, .without = leaves, .n_without = n};
    int rv = hash_node(&w, node, out);
    buf_free(&w.input);
    return rv;
}

int mls_tree_hash(struct mls_tree *t, struct crypto *c, uint32_t node, uint8_t *out)
{
    return mls_tree_hash_without(t, c, node, NULL, 0, out);
}

int mls_tree_root_hash(struct mls_tree *t, struct crypto *c, uint8_t *out)
{
    return mls_tree_hash(t, c, tm_root(t->width), out);
}

int mls_parent_hash(struct crypto *c, struct bytes key, struct bytes parent_hash,
                    struct bytes sibling_hash, uint8_t *out)
{
    uint8_t a[4], b[4], d[4];
    struct bytes parts[6] = {bytes_of(a, varint_encode((uint32_t)key.n, a)),          key,
                             bytes_of(b, varint_encode((uint32_t)parent_hash.n, b)),  parent_hash,
                             bytes_of(d, varint_encode((uint32_t)sibling_hash.n, d)), sibling_hash};
    return crypto_hash(c, parts, 6, out);
}

/* ---- Verification (RFC 9420 7.9.2) ---- */

/* The part of P's unmerged leaves that is below a node. */
static size_t unmerged_below(const struct mls_parent *p, uint32_t node, const uint32_t **out)
{
    size_t first = 0, n = 0;
    while (first < p->n_unmerged && p->unmerged[first] < tm_first_leaf(node))
        first++;
    while (first + n < p->n_unmerged && p->unmerged[first + n] < tm_end_leaf(node))
        n++;
    *out = n == 0 ? NULL : p->unmerged + first; /* no arithmetic on NULL */
    return n;
}

static struct bytes parent_hash_field(const struct mls_tree *t, uint32_t node)
{
    struct mls_parent p;
    if (!tm_is_leaf(node))
        return mls_tree_parent(t, node, &p) ? p.parent_hash : bytes_of(NULL, 0);
    const struct mls_leaf *l = mls_tree_leaf(t, tm_leaf(node));
    return l != NULL && l->source == LEAF_COMMIT ? l->parent_hash : bytes_of(NULL, 0);
}

/* RFC 9420 7.9.2-3: the resolution of C without D is exactly P's unmerged leaves below C. So D is
 * the one entry that is not among them, and found in one pass, however many claim to be D. Its
 * place, or resolution->n if it is not one. */
static size_t find_merged(const struct u32s *resolution, const uint32_t *unmerged, size_t n)
{
    size_t d = resolution->n;
    if (resolution->n != n + 1)
        return resolution->n;
    for (size_t i = 0; i < resolution->n; i++) {
        if (tm_is_leaf(resolution->p[i]) &&
            u32s_sorted_have(unmerged, n, tm_leaf(resolution->p[i])))
            continue;
        if (d != resolution->n)
            return resolution->n;
        d = i;
    }
    return d;
}

/* How many nodes below child C link to P. */
static int count_links(struct mls_tree *t, struct crypto *c, const struct mls_parent *p,
                       uint32_t child, uint32_t sibling, unsigned *links)
{
    const uint32_t *unmerged;
    struct u32s resolution = {0};
    uint8_t sibling_hash[CRYPTO_HASH_MAX], expected[CRYPTO_HASH_MAX];
    size_t n = unmerged_below(p, child, &unmerged);
    int rv = mls_tree_resolution(t, child, NULL, &resolution);
    size_t d = find_merged(&resolution, unmerged, n);
    if (rv != 0 || d == resolution.n)
        goto out;
    /* RFC 9420 7.9-2: the sibling as it was before P's unmerged leaves were added */
    rv = mls_tree_hash_without(t, c, sibling, p->unmerged, p->n_unmerged, sibling_hash);
    if (rv == 0)
        rv = mls_parent_hash(c, p->encryption_key, p->parent_hash, bytes_of(sibling_hash, t->nh),
                             expected);
    if (rv != 0)
        goto out;
    /* RFC 9420 7.9.2-1, 7.9.2-2: D is below P, and its field is P's hash */
    if (bytes_equal(parent_hash_field(t, resolution.p[d]), bytes_of(expected, t->nh)))
        ++*links;
out:
    u32s_fini(&resolution);
    return rv;
}

int mls_tree_verify_parent_hashes(struct mls_tree *t, struct crypto *c)
{
    struct mls_parent p;
    for (uint32_t i = 1; i < tm_node_count(t->width); i += 2) {
        unsigned links = 0;
        if (!mls_tree_parent(t, i, &p))
            continue;
        int rv = count_links(t, c, &p, tm_left(i), tm_right(i), &links);
        if (rv == 0)
            rv = count_links(t, c, &p, tm_right(i), tm_left(i), &links);
        if (rv != 0)
            return rv;
        if (links != 1) /* RFC 9420 7.9.2-4 */
            return CONCLAVE_EPARENTHASH;
    }
    return 0;
}
