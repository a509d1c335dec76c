#include "cmd/bench_mls_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "crypto/hpke.h"
#include "mls/group.h"

static int client_new(struct mls_world *w, uint32_t i, const struct mls_executor *executor,
                      struct crypto_signer *signer, struct mls_client **out)
{
    char name[32];
    snprintf(name, sizeof name, "member-%u", i);
    struct mls_client_config config = {
        .suite = w->suite,
        .signer = signer,
        .credential = {.type = MLS_BASIC, .identity = bytes_str(name)},
        .callbacks = {.check_identity = mls_identity_accept_any},
        .policy = mls_policy_default(),
    };
    if (executor != NULL)
        config.executor = *executor;
    return mls_client_new(&config, out);
}

/* A key package of somebody who is not needed any further; the joiner's is kept. */
static int make_package(struct mls_world *w, uint32_t i)
{
    struct crypto_signer *signer = NULL;
    struct mls_client *client = NULL;
    struct mls_key_package *kp = NULL;
    bool joiner = i == w->n - 2;
    int rv = crypto_signer_generate(w->crypto, &signer);
    if (rv == 0)
        rv = client_new(w, i, NULL, signer, &client);
    if (rv == 0)
        rv = mls_key_package_new(client, MLS_NOW - 60, MLS_NOW + 86400, false, &kp);
    if (rv == 0) {
        buf_put(&w->packages[i], mls_key_package_message(kp));
        rv = buf_check(&w->packages[i]);
    }
    if (rv == 0 && joiner)
        rv = mls_key_package_save(kp, bytes_of(NULL, 0), &w->joiner_saved);
    mls_key_package_free(kp);
    mls_client_free(client);
    if (joiner)
        w->joiner.signer = signer;
    else
        crypto_signer_free(signer);
    return rv;
}

int mls_world_new(uint16_t suite, uint32_t n, struct mls_world **out)
{
    struct mls_world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    w->suite = suite;
    w->n = n;
    w->packages = calloc(n, sizeof *w->packages);
    w->adds = calloc(n, sizeof *w->adds);
    int rv =
        w->packages == NULL || w->adds == NULL ? CONCLAVE_ENOMEM : crypto_new(suite, &w->crypto);
    if (rv == 0)
        rv = crypto_signer_generate(w->crypto, &w->founder.signer);
    if (rv == 0)
        rv = client_new(w, n, NULL, w->founder.signer, &w->founder.client);
    if (rv == 0)
        rv = mls_group_new(w->founder.client, bytes_str("bench"), NULL, 0, MLS_NOW,
                           &w->founder.group);
    for (uint32_t i = 0; rv == 0 && i < n; i++) {
        rv = make_package(w, i);
        w->adds[i] = mls_add(buf_view(&w->packages[i]));
    }
    if (rv != 0) {
        mls_world_free(w);
        return rv;
    }
    w->extra = w->adds[n - 1];
    *out = w;
    return 0;
}

static void member_fini(struct mls_member_state *m)
{
    mls_group_free(m->group);
    mls_client_free(m->client);
    crypto_signer_free(m->signer);
}

void mls_world_free(struct mls_world *w)
{
    member_fini(&w->founder);
    member_fini(&w->joiner);
    for (uint32_t i = 0; w->packages != NULL && i < w->n; i++)
        buf_free(&w->packages[i]);
    free(w->packages);
    free(w->adds);
    buf_free(&w->joiner_saved);
    buf_free(&w->welcome);
    crypto_free(w->crypto);
    free(w);
}

int mls_world_joiner(struct mls_world *w, const struct mls_executor *executor,
                     struct mls_key_package **out)
{
    mls_client_free(w->joiner.client);
    w->joiner.client = NULL;
    int rv = client_new(w, w->n - 2, executor, w->joiner.signer, &w->joiner.client);
    if (rv == 0)
        rv = mls_key_package_restore(w->joiner.client, bytes_of(NULL, 0),
                                     buf_view(&w->joiner_saved), out);
    return rv;
}

void mls_must(int rv, const char *what)
{
    if (rv == 0)
        return;
    fprintf(stderr, "conclave bench mls: %s: %s\n", what, conclave_error_name(rv));
    exit(1);
}

struct mls_group *mls_world_copy(struct mls_world *w, const struct mls_member_state *m)
{
    struct buf saved = {0};
    struct mls_group *g = NULL;
    (void)w;
    mls_must(mls_group_save(m->group, bytes_of(NULL, 0), &saved), "save");
    mls_must(mls_group_restore(m->client, bytes_of(NULL, 0), buf_view(&saved), NULL, 0, &g),
             "restore");
    buf_free(&saved);
    return g;
}

/* The context has to name the tree that we have made. */
static void rename_tree(struct mls_group *g)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    struct buf context = {0}, tag = {0};
    struct mls_tree tree = g->pub.tree;
    mls_must(mls_tree_root_hash(&tree, g->crypto, hash), "tree hash");
    struct mls_context c = g->pub.view;
    c.tree_hash = bytes_of(hash, g->crypto->suite->nh);
    mls_group_context_write(&context, &c);
    buf_move(&tag, &g->pub.confirmation_tag);
    buf_free(&g->pub.context);
    mls_must(mls_public_group_set(&g->pub, &tree, buf_view(&context), buf_view(&tag)), "context");
    buf_free(&context);
    buf_free(&tag);
}

void mls_world_fill(struct mls_world *w)
{
    struct mls_group *a = w->founder.group, *b = w->joiner.group;
    for (uint32_t i = 1; i < tm_node_count(a->pub.tree.width); i += 2) {
        struct secret priv = {0};
        uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
        if (!mls_tree_is_blank(&a->pub.tree, i) ||
            mls_tree_resolution_is_empty(&a->pub.tree, tm_right(i)))
            continue;
        mls_must(hpke_generate_key_pair(w->crypto, &priv, pub), "key pair");
        struct bytes key = bytes_of(pub, w->crypto->suite->npk);
        mls_must(mls_tree_set_parent(&a->pub.tree, i, key, bytes_of(NULL, 0)), "parent");
        mls_must(mls_tree_set_parent(&b->pub.tree, i, key, bytes_of(NULL, 0)), "parent");
        if (tm_is_below(b->own_leaf, i))
            b->path.key[tm_level(i)] = priv;
        if (tm_is_below(a->own_leaf, i))
            a->path.key[tm_level(i)] = priv;
    }
    rename_tree(a);
    rename_tree(b);
}

size_t mls_world_leaf_bytes(const struct mls_world *w)
{
    size_t n = 0;
    for (uint32_t i = 0; i < w->founder.group->pub.tree.width; i++) {
        const struct mls_leaf *l = mls_tree_leaf(&w->founder.group->pub.tree, i);
        n += l == NULL ? 0 : l->raw.n;
    }
    return n;
}

long mls_world_peak_kb(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? u.ru_maxrss : 0;
}
