/* RFC 9420 12.4.3.1: taking in a ratchet tree from outside, all of it distrusted. */
#include <stdlib.h>

#include "mls/credential.h"
#include "mls/public_group.h"

/* ---- Signatures, on as many threads as the application offers ---- */

struct signatures {
    const struct mls_tree *tree;
    struct bytes group_id;
    struct crypto **crypto; /* one a worker */
    int *result;            /* one a worker */
    unsigned workers;
};

static void verify_share(void *arg, unsigned worker)
{
    struct signatures *s = arg;
    for (uint32_t i = worker; i < s->tree->width && s->result[worker] == 0; i += s->workers) {
        const struct mls_leaf *l = mls_tree_leaf(s->tree, i);
        if (l != NULL)
            s->result[worker] = mls_leaf_verify(s->crypto[worker], l, s->group_id, i);
    }
}

static int verify_signatures(const struct mls_public_group *g, const struct mls_tree *tree,
                             struct bytes group_id)
{
    unsigned n = g->executor.run == NULL || g->executor.workers < 2 ? 1 : g->executor.workers;
    struct signatures s = {.tree = tree,
                           .group_id = group_id,
                           .crypto = calloc(n, sizeof *s.crypto),
                           .result = calloc(n, sizeof *s.result),
                           .workers = n};
    int rv = s.crypto == NULL || s.result == NULL ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        s.crypto[0] = g->crypto;
    for (unsigned i = 1; rv == 0 && i < n; i++)
        rv = crypto_clone(g->crypto, &s.crypto[i]);
    if (rv == 0 && n == 1)
        verify_share(&s, 0);
    else if (rv == 0)
        g->executor.run(g->executor.ctx, n, verify_share, &s);
    for (unsigned i = 0; rv == 0 && i < n; i++)
        rv = s.result[i];
    for (unsigned i = 1; s.crypto != NULL && i < n; i++)
        crypto_free(s.crypto[i]);
    free(s.crypto);
    free(s.result);
    return rv;
}

/* RFC 9420 7.3 for a leaf of a tree; keys were found unique when it was read. */
static int check_leaf(const struct mls_public_group *g, const struct mls_tree *tree,
                      const struct mls_context *context, uint32_t i, uint64_t now)
{
    const struct mls_leaf *l = mls_tree_leaf(tree, i);
    if (l == NULL)
        return 0;
    struct mls_leaf_rules rules = {.source = l->source, /* any of the three */
                                   .suite = context->suite,
                                   .group_extensions = context->extensions,
                                   .max_lifetime = g->policy.max_lifetime,
                                   .now = now,
                                   .check_now = !g->policy.accept_expired_tree};
    struct mls_identity_check check = {.event = MLS_IDENTITY_TREE,
                                       .credential = l->credential,
                                       .signature_key = l->signature_key,
                                       .leaf_index = i,
                                       .group_id = context->group_id,
                                       .group_extensions = context->extensions,
                                       .now = now};
    int rv = mls_leaf_check(l, &rules);
    if (rv == 0)
        rv = mls_tree_check_credential_types(tree, l);
    if (rv == 0) /* RFC 9420 5.3.1-3 */
        rv = mls_credential_validate(g->crypto, &g->callbacks, &check,
                                     g->policy.accept_expired_tree);
    return rv;
}

static int check_tree(const struct mls_public_group *g, const struct mls_context *context,
                      struct mls_tree *tree, uint64_t now)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    int rv = mls_tree_check_structure(tree, g->crypto);
    if (rv == 0)
        rv = mls_tree_root_hash(tree, g->crypto, hash);
    /* RFC 9420 12.4.3.1-12, 12.4.3.3-5: before anything costs a signature */
    if (rv == 0 && !bytes_equal(bytes_of(hash, tree->nh), context->tree_hash))
        rv = CONCLAVE_ETREEHASH;
    if (rv == 0) /* RFC 9420 12.4.3.1-13 */
        rv = mls_tree_verify_parent_hashes(tree, g->crypto);
    for (uint32_t i = 0; rv == 0 && i < tree->width; i++) /* RFC 9420 12.4.3.1-14 */
        rv = check_leaf(g, tree, context, i, now);
    return rv != 0 ? rv : verify_signatures(g, tree, context->group_id);
}

int mls_tree_load(const struct mls_public_group *g, const struct mls_context *context,
                  struct bytes bytes, uint64_t now, struct mls_tree *out)
{
    struct mls_tree tree;
    struct reader r = reader_of(bytes);
    int rv = mls_tree_init(&tree, g->crypto);
    if (rv == 0)
        rv = mls_tree_read(&tree, &r);
    if (rv == 0)
        rv = reader_end(&r);
    if (rv == 0)
        rv = check_tree(g, context, &tree, now);
    if (rv != 0) {
        mls_tree_fini(&tree);
        return rv;
    }
    *out = tree;
    return 0;
}
