#include "mls/treekem.h"

int mls_path_check_shape(const struct mls_tree *t, const struct mls_filtered_path *path,
                         const struct mls_commit_view *commit, const struct u32s *added,
                         struct bytes *out_keys)
{
    struct reader nodes = reader_of(commit->path_nodes);
    struct u32s resolution = {0};
    int rv = commit->n_path_nodes == path->n ? 0 : CONCLAVE_EPATH; /* RFC 9420 7.6-1 */
    for (uint32_t i = 0; rv == 0 && i < path->n; i++) {
        struct mls_path_node node;
        struct mls_ciphertext ignored;
        size_t n = 0;
        mls_path_node_read(&nodes, &node);
        struct reader list = reader_of(node.ciphertexts);
        for (; reader_left(&list) != 0; n++)
            mls_ciphertext_read(&list, &ignored);
        resolution.n = 0;
        rv = mls_tree_resolution(t, path->step[i].copath, added, &resolution);
        if (rv == 0 && n != resolution.n) /* RFC 9420 7.6-3 */
            rv = CONCLAVE_EPATH;
        /* RFC 9420 12.4.2-12: new to the whole tree, the sender's old path included */
        if (rv == 0 && mls_tree_has_encryption_key(t, node.encryption_key))
            rv = CONCLAVE_EDUPLICATE;
        out_keys[i] = node.encryption_key;
    }
    u32s_fini(&resolution);
    return rv;
}

/* RFC 9420 7.5-3, 7.9-1: from the root down, each node's parent hash covers all above it. */
int mls_path_merge(struct mls_tree *t, struct crypto *c, uint32_t leaf,
                   const struct mls_filtered_path *path, const struct bytes *keys,
                   uint8_t out[static CRYPTO_HASH_MAX], size_t *out_n)
{
    uint8_t sibling[CRYPTO_HASH_MAX];
    size_t n = 0; /* the root's parent hash is empty */
    int rv = mls_tree_blank_path(t, leaf);
    for (uint32_t i = path->n; rv == 0 && i-- > 0;) {
        const struct mls_path_step *s = &path->step[i];
        rv = crypto_check_public(c, keys[i]);
        if (rv == 0)
            rv = mls_tree_set_parent(t, s->node, keys[i], bytes_of(out, n));
        /* P has no unmerged leaves now, so its sibling's original hash is the present one */
        if (rv == 0)
            rv = mls_tree_hash(t, c, s->copath, sibling);
        if (rv == 0)
            rv = mls_parent_hash(c, keys[i], bytes_of(out, n), bytes_of(sibling, t->nh), out);
        n = t->nh;
    }
    *out_n = n;
    return rv;
}
