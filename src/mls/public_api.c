/* struct mls_public_group as applications see it. */
#include <stdlib.h>
#include <string.h>

#include "mls/extension.h"
#include "mls/group_info.h"
#include "wire/writer.h"

#define STATE_VERSION 1

struct mls_policy mls_policy_default(void)
{
    return (struct mls_policy){.max_lifetime = (uint64_t)60 * 60 * 24 * 92,
                               .accept_expired_tree = true,
                               .past_epochs = 2,
                               .resumption_epochs = 4,
                               .generation_ahead = 1024,
                               .generation_kept = 1024,
                               .padding_block = 32,
                               .private_handshake = false,
                               .tree_in_welcome = true,
                               .grease = true};
}

static int public_new(uint16_t suite, const struct mls_callbacks *callbacks,
                      const struct mls_policy *policy, struct mls_public_group **out)
{
    if (callbacks->check_identity == NULL)
        return CONCLAVE_EINVAL;
    struct mls_public_group *g = calloc(1, sizeof *g);
    if (g == NULL)
        return CONCLAVE_ENOMEM;
    g->callbacks = *callbacks;
    g->policy = policy != NULL ? *policy : mls_policy_default();
    g->owns_crypto = true;
    int rv = crypto_new_public(suite, &g->crypto);
    if (rv != 0) {
        free(g);
        return rv;
    }
    *out = g;
    return 0;
}

int mls_public_group_new(uint16_t suite, const struct mls_callbacks *callbacks,
                         const struct mls_policy *policy, struct bytes group_info,
                         struct bytes tree, uint64_t now, struct mls_public_group **out)
{
    struct mls_group_info_view info;
    struct mls_public_group *g = NULL;
    int rv = mls_group_info_parse(group_info, &info);
    if (rv == 0)
        rv = public_new(suite, callbacks, policy, &g);
    if (rv == 0)
        rv = mls_public_group_load(g, &info, tree, now);
    if (rv != 0) {
        mls_public_group_free(g);
        return rv;
    }
    *out = g;
    return 0;
}

void mls_public_group_free(struct mls_public_group *g)
{
    if (g == NULL)
        return;
    mls_public_group_fini(g);
    free(g);
}

static int receive_proposal(struct mls_public_group *g, const struct mls_authenticated *a,
                            uint64_t now, struct mls_received *out)
{
    struct mls_cached *entry = NULL;
    int rv = mls_public_group_check_proposal(g, a, now, &entry);
    if (rv != 0)
        return rv;
    const struct mls_cached *kept = mls_cache_put(&g->cache, g->crypto->suite->nh, entry);
    out->kind = MLS_RECEIVED_PROPOSAL;
    mls_cached_describe(kept, g->crypto->suite->nh, &out->proposal);
    return 0;
}

int mls_public_group_receive(struct mls_public_group *g, struct bytes message, uint64_t now,
                             struct mls_received *out)
{
    struct mls_message m;
    struct mls_public_message pm;
    struct mls_commit_view commit;
    struct mls_received made = {0};
    int rv = mls_message_parse(message, &m);
    if (rv == 0 && m.wire_format != MLS_PUBLIC_MESSAGE)
        rv = CONCLAVE_EWIREFORMAT;
    if (rv == 0 && g->reinit.n != 0)
        rv = CONCLAVE_ESUSPENDED;
    if (rv == 0)
        rv = mls_public_message_parse(m.body, &pm);
    if (rv != 0)
        return rv;
    const struct mls_authenticated *a = &pm.auth_content;
    made.epoch = a->content.epoch;
    buf_put(&made.authenticated_data, a->content.authenticated_data);
    rv = buf_check(&made.authenticated_data);
    if (rv == 0)
        rv = mls_received_set_sender(&made, a->content.sender, &g->tree);
    if (rv == 0 && a->content.type == CONTENT_PROPOSAL) {
        rv = receive_proposal(g, a, now, &made);
    } else if (rv == 0 && a->content.type == CONTENT_COMMIT) {
        made.kind = MLS_RECEIVED_COMMIT;
        rv = mls_public_group_stage(g, a, now, &commit, &made.staged);
    } else if (rv == 0) {
        rv = CONCLAVE_EWIREFORMAT; /* RFC 9420 6-1: no application data in the clear */
    }
    if (rv != 0) {
        mls_received_free(&made);
        return rv;
    }
    *out = made;
    return 0;
}

int mls_received_set_sender(struct mls_received *r, struct mls_sender sender,
                            const struct mls_tree *tree)
{
    const struct mls_leaf *leaf =
        sender.type == MLS_SENDER_MEMBER ? mls_tree_leaf(tree, sender.index) : NULL;
    struct mls_leaf copy;
    int error = 0;
    r->sender = sender;
    if (leaf == NULL)
        return 0;
    buf_put(&r->member_leaf, leaf->raw);
    int rv = buf_check(&r->member_leaf);
    if (rv != 0)
        return rv;
    struct reader in = reader_of(buf_view(&r->member_leaf));
    mls_leaf_read(&in, &copy, &error);
    r->member = mls_leaf_member(&copy, sender.index);
    return reader_end(&in);
}

void mls_received_free(struct mls_received *r)
{
    buf_free(&r->member_leaf);
    buf_free(&r->authenticated_data);
    buf_free(&r->data);
    mls_staged_free(r->staged);
    *r = (struct mls_received){0};
}

struct mls_staged *mls_received_take(struct mls_received *r)
{
    struct mls_staged *s = r->staged;
    r->staged = NULL;
    return s;
}

int mls_public_group_merge(struct mls_public_group *g, struct mls_staged *staged)
{
    int rv = 0;
    if (!bytes_equal(buf_view(&g->context), buf_view(&staged->old_context)))
        rv = CONCLAVE_ESTATE;
    if (rv == 0 && staged->reinit != NULL) {
        buf_put(&g->reinit, staged->reinit->p.raw);
        rv = buf_check(&g->reinit);
    }
    if (rv == 0)
        mls_public_group_advance(g, staged);
    mls_staged_free(staged);
    return rv;
}

int mls_public_group_clear_proposals(struct mls_public_group *g)
{
    mls_cache_clear(&g->cache);
    return 0;
}

void mls_public_group_context(const struct mls_public_group *g, struct mls_context *out)
{
    *out = g->view;
}

uint32_t mls_public_group_member_count(const struct mls_public_group *g)
{
    return g->tree.n_members;
}

int mls_public_group_member(const struct mls_public_group *g, uint32_t leaf, struct mls_member *out)
{
    const struct mls_leaf *l = mls_tree_leaf(&g->tree, leaf);
    if (l == NULL)
        return CONCLAVE_ENOTFOUND;
    *out = mls_leaf_member(l, leaf);
    return 0;
}

bool mls_public_group_next_member(const struct mls_public_group *g, uint32_t *leaf,
                                  struct mls_member *out)
{
    while (*leaf < g->tree.width)
        if (mls_public_group_member(g, (*leaf)++, out) == 0)
            return true;
    return false;
}

int mls_public_group_tree(const struct mls_public_group *g, struct buf *out)
{
    struct buf b = {0};
    mls_tree_write(&g->tree, &b);
    int rv = buf_check(&b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    return rv;
}

/* ---- State: what was checked once is trusted when it comes back ---- */

static void write_cache(const struct mls_public_group *g, struct buf *b,
                        const struct mls_cached **in_order)
{
    mls_cache_in_order(&g->cache, in_order);
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < g->cache.n; i++)
        mls_cached_write(in_order[i], g->crypto->suite->nh, b);
    write_vec_end(b, mark);
}

int mls_public_group_write(const struct mls_public_group *g, struct buf *b)
{
    const struct mls_cached **in_order =
        (const struct mls_cached **)calloc(g->cache.n + 1, sizeof(const struct mls_cached *));
    if (in_order == NULL)
        return CONCLAVE_ENOMEM;
    write_vec(b, buf_view(&g->context));
    write_vec(b, buf_view(&g->confirmation_tag));
    write_vec(b, buf_view(&g->reinit));
    mls_tree_write(&g->tree, b);
    write_cache(g, b, in_order);
    free((void *)in_order);
    return buf_check(b);
}

static int read_cache(struct mls_public_group *g, struct reader *r)
{
    struct reader list = read_sub(r);
    int rv = 0;
    while (rv == 0 && reader_left(&list) != 0) {
        struct mls_cached *e = NULL;
        rv = mls_cached_read(&list, g->crypto->suite->nh, &e);
        if (rv == 0 && (rv = mls_cache_reserve(&g->cache, e->sender, e->raw_n)) != 0)
            free(e);
        else if (rv == 0)
            mls_cache_put(&g->cache, g->crypto->suite->nh, e);
    }
    return rv;
}

int mls_public_group_read(struct mls_public_group *g, struct reader *r)
{
    struct mls_tree tree = {0};
    uint8_t hash[CRYPTO_HASH_MAX];
    struct bytes context = read_vec(r), tag = read_vec(r);
    buf_put(&g->reinit, read_vec(r));
    int rv = mls_tree_init(&tree, g->crypto);
    if (rv == 0)
        rv = mls_tree_read(&tree, r);
    if (rv == 0)
        rv = mls_public_group_set(g, &tree, context, tag);
    if (rv == 0) /* finds damage, and fills the cache of hashes */
        rv = mls_tree_root_hash(&g->tree, g->crypto, hash);
    if (rv == 0 && !bytes_equal(bytes_of(hash, g->tree.nh), g->view.tree_hash))
        rv = CONCLAVE_ETREEHASH;
    if (rv == 0)
        rv = buf_check(&g->reinit);
    if (rv == 0 && g->view.suite != crypto_suite(g->crypto))
        rv = CONCLAVE_ESUITE;
    if (rv == 0)
        rv = read_cache(g, r);
    mls_tree_fini(&tree);
    return rv;
}

int mls_public_group_save(const struct mls_public_group *g, struct buf *out)
{
    struct buf b = {0};
    write_u16(&b, STATE_VERSION);
    int rv = mls_public_group_write(g, &b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    return rv;
}

int mls_public_group_restore(uint16_t suite, const struct mls_callbacks *callbacks,
                             const struct mls_policy *policy, struct bytes saved,
                             struct mls_public_group **out)
{
    struct mls_public_group *g = NULL;
    struct reader r = reader_of(saved);
    uint16_t version = read_u16(&r);
    int rv = version == STATE_VERSION ? 0 : CONCLAVE_EVERSION;
    if (rv == 0)
        rv = public_new(suite, callbacks, policy, &g);
    if (rv == 0)
        rv = mls_public_group_read(g, &r);
    if (rv == 0)
        rv = reader_end(&r);
    if (rv != 0) {
        mls_public_group_free(g);
        return rv;
    }
    *out = g;
    return 0;
}
