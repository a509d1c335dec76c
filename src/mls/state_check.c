/* What comes back from a disk must hang together: an unsealed state is anybody's, and a delta may
 * be another group's. It is checked whole when it is read, so that nothing later has to doubt it.
 * The secrets themselves are taken as they are, but for their lengths. */
#include "mls/group.h"

static bool epoch_is_whole(const struct mls_epoch_secrets *e, size_t nh)
{
    return e->sender_data.n == nh && e->exporter.n == nh && e->external.n == nh &&
           e->confirmation.n == nh && e->membership.n == nh && e->resumption.n == nh &&
           e->authenticator.n == nh && e->init.n == nh;
}

/* The tree is the one that the context names, and well formed. */
static int check_tree(struct mls_tree *t, struct crypto *c, const struct mls_context *context)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    int rv = mls_tree_check_structure(t, c);
    if (rv == 0)
        rv = mls_tree_root_hash(t, c, hash);
    if (rv == 0 && !bytes_equal(bytes_of(hash, t->nh), context->tree_hash))
        rv = CONCLAVE_ETREEHASH;
    return rv;
}

/* A member's secrets fit its tree. */
static int check_member(const struct mls_tree *tree, uint32_t own_leaf,
                        const struct mls_epoch_secrets *epoch, const struct mls_private_path *path,
                        const struct mls_secret_tree *secret_tree, const struct crypto *c)
{
    return mls_tree_leaf(tree, own_leaf) != NULL && epoch_is_whole(epoch, c->suite->nh) &&
                   path->key[0].n == c->suite->nsk && secret_tree->width == tree->width
               ? 0
               : CONCLAVE_ESYNTAX;
}

int mls_state_check(struct mls_group *g)
{
    int rv = check_tree(&g->pub.tree, g->crypto, &g->pub.view);
    if (rv == 0 && !g->removed && !g->joining)
        rv = check_member(&g->pub.tree, g->own_leaf, &g->secrets, &g->path, &g->secret_tree,
                          g->crypto);
    /* nobody is both, and whoever is joining has the commit to do it with */
    if (rv == 0 &&
        ((g->removed && (g->joining || g->pending != NULL)) || (g->joining && g->pending == NULL)))
        rv = CONCLAVE_ESYNTAX;
    return rv;
}

/* The step of one epoch in this very group. */
static bool follows(const struct mls_context *next, const struct mls_context *now)
{
    return next->suite == now->suite && bytes_equal(next->group_id, now->group_id) &&
           now->epoch != UINT64_MAX && next->epoch == now->epoch + 1;
}

int mls_state_check_staged(struct mls_group *g, struct mls_staged *s)
{
    const struct mls_staged_secrets *secrets = s->secrets;
    if (!follows(&s->view, &g->pub.view) || mls_tree_leaf(&s->tree, s->committer) == NULL ||
        s->confirmation_tag.n != g->crypto->suite->nh || (secrets == NULL) != s->removes_us)
        return CONCLAVE_ESYNTAX;
    int rv = check_tree(&s->tree, g->crypto, &s->view);
    if (rv == 0 && secrets != NULL)
        rv = check_member(&s->tree, secrets->own_leaf, &secrets->epoch, &secrets->path,
                          &secrets->tree, g->crypto);
    return rv;
}
