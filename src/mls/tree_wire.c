#include <stdlib.h>

#include "base/limits.h"
#include "mls/tree.h"
#include "mls/tree_node.h"
#include "wire/writer.h"

enum { NODE_LEAF = 1, NODE_PARENT = 2 };

void mls_tree_write_node(const struct mls_tree *t, uint32_t node, struct buf *b)
{
    struct mls_parent p;
    if (mls_tree_is_blank(t, node)) {
        write_u8(b, 0);
        return;
    }
    write_u8(b, 1);
    if (tm_is_leaf(node)) {
        write_u8(b, NODE_LEAF);
        buf_put(b, mls_tree_leaf(t, tm_leaf(node))->raw);
    } else if (mls_tree_parent(t, node, &p)) {
        write_u8(b, NODE_PARENT);
        write_vec(b, p.encryption_key);
        write_vec(b, p.parent_hash);
        size_t mark = write_vec_begin(b);
        for (size_t i = 0; i < p.n_unmerged; i++)
            write_u32(b, p.unmerged[i]);
        write_vec_end(b, mark);
    }
}

void mls_tree_write(const struct mls_tree *t, struct buf *b)
{
    uint32_t n = tm_node_count(t->width);
    while (n > 0 && mls_tree_is_blank(t, n - 1)) /* RFC 9420 12.4.3.3-1 */
        n--;
    size_t mark = write_vec_begin(b);
    for (uint32_t i = 0; i < n; i++)
        mls_tree_write_node(t, i, b);
    write_vec_end(b, mark);
}

static int read_leaf(struct mls_tree *t, uint32_t node, struct reader *r)
{
    struct mls_leaf leaf;
    int error = 0;
    mls_leaf_read(r, &leaf, &error);
    if (!reader_ok(r))
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    return mls_tree_set_leaf(t, tm_leaf(node), &leaf);
}

static int read_parent(struct mls_tree *t, uint32_t node, struct reader *r)
{
    struct bytes key = read_vec(r);
    struct bytes parent_hash = read_vec(r);
    struct reader unmerged = read_sub(r);
    if (!reader_ok(r) || reader_left(&unmerged) % 4 != 0)
        return CONCLAVE_ESYNTAX;
    int rv = mls_tree_set_parent(t, node, key, parent_hash);
    uint32_t previous = 0;
    for (bool first = true; rv == 0 && reader_left(&unmerged) != 0; first = false) {
        uint32_t leaf = read_u32(&unmerged);
        if ((!first && leaf <= previous) || !tm_is_below(leaf, node)) /* RFC 9420 7.1-1 */
            return CONCLAVE_ETREE;
        rv = mls_tree_add_unmerged(t, node, leaf);
        previous = leaf;
    }
    return rv;
}

int mls_tree_read_node(struct mls_tree *t, uint32_t node, struct reader *r)
{
    bool present = read_optional(r);
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    if (!present)
        return 0;
    uint8_t type = read_u8(r);
    if (!reader_ok(r) || (type != NODE_LEAF && type != NODE_PARENT))
        return CONCLAVE_ESYNTAX;
    if ((type == NODE_LEAF) != tm_is_leaf(node)) /* RFC 9420 12.4.3.3-3 */
        return CONCLAVE_ETREE;
    return type == NODE_LEAF ? read_leaf(t, node, r) : read_parent(t, node, r);
}

int mls_tree_skip_node(struct reader *r)
{
    struct mls_leaf leaf;
    int error = 0;
    if (!read_optional(r))
        return reader_ok(r) ? 0 : CONCLAVE_ESYNTAX;
    if (read_u8(r) == NODE_LEAF) {
        mls_leaf_read(r, &leaf, &error);
    } else {
        read_vec(r);
        read_vec(r);
        read_vec(r);
    }
    return reader_ok(r) ? 0 : CONCLAVE_ESYNTAX;
}

/* The least width whose array has room for a node: doubled as nodes come in, so that what is
 * allocated stays in proportion to what was received. */
static int make_room(struct mls_tree *t, uint32_t node)
{
    if (node < tm_node_count(t->width))
        return 0;
    uint32_t width = tm_width(node / 2 + 1);
    if (node % 2 == 1) /* a parent belongs between two leaves */
        width = tm_width(node / 2 + 2);
    return width > LIMIT_MLS_LEAVES ? CONCLAVE_ELIMIT : mls_tree_resize(t, width);
}

int mls_tree_read(struct mls_tree *t, struct reader *r)
{
    struct reader nodes = read_sub(r);
    uint32_t n = 0;
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    for (; reader_left(&nodes) != 0; n++) {
        int rv = make_room(t, n);
        if (rv == 0)
            rv = mls_tree_read_node(t, n, &nodes);
        if (rv != 0)
            return rv;
    }
    /* RFC 9420 12.4.3.3-2, 12.4.3.3-4: an odd number of nodes, the last of them not blank */
    if (reader_end(&nodes) != 0 || n % 2 == 0 || mls_tree_is_blank(t, n - 1))
        return CONCLAVE_ETREE;
    return 0;
}

/* The nearest non-blank node from P down to a leaf lists the leaf, too; or it is the leaf itself.
 * Below that node the same is checked when its own list is. */
static bool is_listed_below(const struct mls_tree *t, uint32_t node, uint32_t leaf)
{
    struct mls_parent p;
    while (!tm_is_leaf(node)) {
        node = leaf < tm_first_leaf(tm_right(node)) ? tm_left(node) : tm_right(node);
        if (!tm_is_leaf(node) && mls_tree_parent(t, node, &p))
            return u32s_sorted_have(p.unmerged, p.n_unmerged, leaf);
    }
    return mls_tree_leaf(t, leaf) != NULL;
}

int mls_tree_check_structure(const struct mls_tree *t, struct crypto *c)
{
    struct mls_parent p;
    for (uint32_t i = 1; i < tm_node_count(t->width); i += 2) {
        if (!mls_tree_parent(t, i, &p))
            continue;
        int rv = crypto_check_public(c, p.encryption_key);
        if (rv != 0)
            return rv;
        for (size_t k = 0; k < p.n_unmerged; k++)
            /* RFC 9420 12.4.3.1-15, 12.4.3.1-16 */
            if (mls_tree_leaf(t, p.unmerged[k]) == NULL || !is_listed_below(t, i, p.unmerged[k]))
                return CONCLAVE_ETREE;
    }
    return 0;
}
