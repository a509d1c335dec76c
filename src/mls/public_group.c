#include "mls/public_group.h"

#include <stdlib.h>
#include <string.h>

#include "mls/extension.h"
#include "wire/writer.h"

void mls_public_group_fini(struct mls_public_group *g)
{
    mls_tree_fini(&g->tree);
    buf_free(&g->context);
    buf_free(&g->confirmation_tag);
    buf_free(&g->reinit);
    mls_cache_clear(&g->cache);
    if (g->owns_crypto)
        crypto_free(g->crypto);
    *g = (struct mls_public_group){0};
}

int mls_public_group_set(struct mls_public_group *g, struct mls_tree *tree, struct bytes context,
                         struct bytes confirmation_tag)
{
    struct mls_group_context parsed = {0};
    int error = 0;
    buf_put(&g->context, context);
    buf_put(&g->confirmation_tag, confirmation_tag);
    if (g->context.failed || g->confirmation_tag.failed)
        return CONCLAVE_ENOMEM;
    struct reader r = reader_of(buf_view(&g->context));
    mls_group_context_read(&r, &parsed, &error);
    if (reader_end(&r) != 0)
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    g->view = parsed.view;
    /* RFC 9420 12.4.3.1-22 */
    int rv = mls_interim_hash(g->crypto, g->view.confirmed_transcript_hash, confirmation_tag,
                              g->interim);
    if (rv != 0)
        return rv;
    g->tree = *tree;
    *tree = (struct mls_tree){0};
    return 0;
}

/* ---- Receiving ---- */

/* RFC 9420 6.1-1, 6.1-7: the key that the sender type names. Views into tree, context or a. */
static int sender_key(const struct mls_public_group *g, const struct mls_content *content,
                      struct bytes *out)
{
    struct reader r = reader_of(content->body);
    struct mls_external_sender external;
    struct mls_proposal proposal;
    struct mls_commit_view commit;
    const struct mls_leaf *leaf;
    int error = 0, rv = 0;
    switch (content->sender.type) {
    case MLS_SENDER_MEMBER:
        leaf = mls_tree_leaf(&g->tree, content->sender.index);
        if (leaf == NULL)
            return CONCLAVE_ESENDER;
        *out = leaf->signature_key;
        return 0;
    case MLS_SENDER_EXTERNAL: /* RFC 9420 12.1.8-2: those the group has listed */
        rv = mls_external_sender_find(g->view.extensions, content->sender.index, &external);
        if (rv == 0)
            *out = external.signature_key;
        return rv;
    case MLS_SENDER_NEW_MEMBER_PROPOSAL:
        mls_proposal_read(&r, &proposal, &error);
        *out = proposal.add.leaf.signature_key;
        return reader_end(&r);
    case MLS_SENDER_NEW_MEMBER_COMMIT:
        mls_commit_read(&r, &commit, &error);
        if (!commit.has_path) /* RFC 9420 12.4.3.2-1 */
            return CONCLAVE_EPATH;
        *out = commit.path_leaf.signature_key; /* RFC 9420 12.4.3.2-5 */
        return reader_end(&r);
    }
    return CONCLAVE_ESENDER;
}

int mls_public_group_check_content(const struct mls_public_group *g,
                                   const struct mls_authenticated *a, struct bytes *out_key)
{
    if (!bytes_equal(a->content.group_id, g->view.group_id))
        return CONCLAVE_EGROUP;
    if (a->content.epoch != g->view.epoch) /* RFC 9420 12.1-2, 12.4.2-1 */
        return CONCLAVE_EEPOCH;
    int rv = mls_content_check_sender(&a->content);
    return rv != 0 ? rv : sender_key(g, &a->content, out_key);
}

static int verify(const struct mls_public_group *g, const struct mls_authenticated *a)
{
    struct bytes key;
    int rv = mls_public_group_check_content(g, a, &key);
    return rv != 0 ? rv : mls_content_verify(g->crypto, a, buf_view(&g->context), key);
}

int mls_public_group_check_proposal(struct mls_public_group *g, const struct mls_authenticated *a,
                                    uint64_t now, struct mls_cached **out)
{
    struct reader r = reader_of(a->content.body);
    struct mls_proposal p;
    uint8_t ref[CRYPTO_HASH_MAX];
    int error = 0;
    mls_proposal_read(&r, &p, &error);
    if (reader_end(&r) != 0)
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    int rv = verify(g, a); /* RFC 9420 12.1-1 */
    if (rv == 0)
        rv = mls_proposal_validate(g, &g->tree, g->view.extensions, &p, a->content.sender, false,
                                   now);
    if (rv == 0)
        rv = mls_proposal_ref(g->crypto, a, ref);
    if (rv == 0)
        rv = mls_cache_reserve(&g->cache, a->content.sender, a->content.body.n);
    if (rv != 0)
        return rv;
    *out = mls_cached_new(bytes_of(ref, g->crypto->suite->nh), a->content.sender, a->content.body);
    return *out == NULL ? CONCLAVE_ENOMEM : 0;
}

static int stage_path(const struct mls_public_group *g, struct mls_staged *s,
                      const struct mls_commit_view *commit, uint64_t now)
{
    struct bytes keys[LIMIT_MLS_LEVELS];
    uint8_t parent_hash[CRYPTO_HASH_MAX];
    size_t n = 0;
    if (!commit->has_path)
        return s->needs_path ? CONCLAVE_EPATH : 0; /* RFC 9420 12.4-3, 12.4-5, 12.4.2-7 */
    /* RFC 9420 12.4.2-12 for the leaf's key: it is new, or it would be found by set_path_leaf */
    int rv = mls_path_check_shape(&s->tree, &s->path, commit, &s->added, keys);
    if (rv == 0 && mls_tree_has_encryption_key(&s->tree, commit->path_leaf.encryption_key))
        rv = CONCLAVE_EDUPLICATE;
    if (rv == 0)
        rv = mls_path_merge(&s->tree, g->crypto, s->committer, &s->path, keys, parent_hash, &n);
    /* RFC 9420 7.5-3, 7.9.2-5 */
    if (rv == 0 && !bytes_equal(commit->path_leaf.parent_hash, bytes_of(parent_hash, n)))
        rv = CONCLAVE_EPARENTHASH;
    if (rv == 0)
        rv = mls_staged_check_path_leaf(g, s, &commit->path_leaf, now);
    return rv != 0 ? rv : mls_staged_set_path_leaf(s, &commit->path_leaf);
}

int mls_public_group_stage(struct mls_public_group *g, const struct mls_authenticated *a,
                           uint64_t now, struct mls_commit_view *out_commit,
                           struct mls_staged **out)
{
    struct reader r = reader_of(a->content.body);
    struct mls_staged *s = NULL;
    int error = 0;
    mls_commit_read(&r, out_commit, &error);
    if (reader_end(&r) != 0)
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    if (a->auth.confirmation_tag.n != g->crypto->suite->nh)
        return CONCLAVE_ECONFIRMATION;
    int rv = verify(g, a); /* RFC 9420 12.4.2-4 */
    if (rv == 0)
        rv = mls_staged_begin(g, a->content.sender, out_commit->proposals, &s);
    if (rv == 0)
        rv = mls_staged_apply(g, s, now); /* RFC 9420 12.2-1, 12.2-2, 12.4-2, 12.4.2-5 */
    if (rv == 0)
        rv = stage_path(g, s, out_commit, now);
    if (rv == 0)
        rv = mls_staged_check_tree(g, s);
    if (rv == 0)
        rv = mls_staged_set_context(g, s, a->wire_format, a->content.raw, a->auth.signature);
    if (rv == 0)
        rv = mls_staged_set_confirmation(g, s, a->auth.confirmation_tag);
    if (rv == 0) {
        buf_put(&s->authenticated_data, a->content.authenticated_data);
        rv = buf_check(&s->authenticated_data);
    }
    if (rv != 0) {
        mls_staged_free(s);
        return rv;
    }
    *out = s;
    return 0;
}

void mls_public_group_advance(struct mls_public_group *g, struct mls_staged *s)
{
    mls_tree_fini(&g->tree);
    g->tree = s->tree;
    s->tree = (struct mls_tree){0};
    buf_move(&g->context, &s->context);
    g->view = s->view;
    s->view = s->old_view; /* its own is gone */
    buf_move(&g->confirmation_tag, &s->confirmation_tag);
    memcpy(g->interim, s->interim, sizeof g->interim);
    mls_cache_clear(&g->cache);
}
