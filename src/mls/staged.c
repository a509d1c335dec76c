/* A staged commit: how it is begun, given its path and context, shown, and dropped. */
#include <stdlib.h>
#include <string.h>

#include "mls/credential.h"
#include "mls/public_group.h"
#include "wire/writer.h"

static void list_free(struct mls_staged *s)
{
    for (size_t i = 0; i < s->n_list; i++)
        free(s->list[i].owned);
    free(s->list);
}

void mls_staged_free(struct mls_staged *s)
{
    if (s == NULL)
        return;
    if (s->secrets != NULL)
        s->secrets_free(s->secrets);
    mls_tree_fini(&s->old_tree);
    mls_tree_fini(&s->tree);
    buf_free(&s->old_context);
    buf_free(&s->context);
    buf_free(&s->authenticated_data);
    buf_free(&s->proposals);
    buf_free(&s->extensions);
    buf_free(&s->confirmation_tag);
    u32s_fini(&s->added);
    list_free(s);
    free(s);
}

/* A proposal by reference: copied out of the cache, which may be cleared before we are. */
static int take_reference(const struct mls_public_group *g, struct bytes ref, struct mls_listed *l)
{
    const struct mls_cached *e =
        ref.n == g->crypto->suite->nh ? mls_cache_find(&g->cache, ref) : NULL;
    int error = 0;
    if (e == NULL)
        return CONCLAVE_EUNKNOWNREF;
    l->by_ref = true;
    l->sender = e->sender;
    memcpy(l->ref, e->ref, sizeof l->ref);
    l->owned = malloc(e->raw_n);
    if (l->owned == NULL)
        return CONCLAVE_ENOMEM;
    memcpy(l->owned, e->raw, e->raw_n);
    struct reader r = reader_of(bytes_of(l->owned, e->raw_n));
    mls_proposal_read(&r, &l->p, &error);
    return reader_end(&r);
}

static size_t count_proposals(struct bytes proposals)
{
    struct reader r = reader_of(proposals);
    struct mls_proposal_or_ref p;
    int error = 0;
    size_t n = 0;
    for (; reader_left(&r) != 0; n++)
        mls_proposal_or_ref_read(&r, &p, &error);
    return n;
}

static int take_proposals(const struct mls_public_group *g, struct mls_staged *s)
{
    struct reader r = reader_of(buf_view(&s->proposals));
    size_t n = count_proposals(buf_view(&s->proposals));
    int rv = 0, error = 0;
    s->list = n == 0 ? NULL : calloc(n, sizeof *s->list);
    if (n != 0 && s->list == NULL)
        return CONCLAVE_ENOMEM;
    while (rv == 0 && s->n_list < n) {
        struct mls_listed *l = &s->list[s->n_list++];
        struct mls_proposal_or_ref p;
        mls_proposal_or_ref_read(&r, &p, &error);
        l->leaf = MLS_NO_LEAF;
        l->sender = s->sender;
        if (!reader_ok(&r))
            rv = error != 0 ? error : CONCLAVE_ESYNTAX;
        else if (p.is_ref)
            rv = take_reference(g, p.ref, l);
        else
            l->p = p.proposal;
    }
    return rv;
}

int mls_staged_begin(const struct mls_public_group *g, struct mls_sender sender,
                     struct bytes proposals, struct mls_staged **out)
{
    struct mls_staged *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->sender = sender;
    s->committer = sender.index;
    s->own_leaf = MLS_NO_LEAF;
    buf_put(&s->old_context, buf_view(&g->context));
    buf_put(&s->proposals, proposals);
    int rv = s->old_context.failed || s->proposals.failed ? CONCLAVE_ENOMEM : 0;
    mls_tree_clone(&g->tree, &s->old_tree);
    mls_tree_clone(&g->tree, &s->tree);
    if (rv == 0) {
        struct mls_group_context context;
        struct reader r = reader_of(buf_view(&s->old_context));
        mls_group_context_read(&r, &context, &rv);
        s->old_view = context.view;
        rv = take_proposals(g, s);
    }
    if (rv != 0) {
        mls_staged_free(s);
        return rv;
    }
    *out = s;
    return 0;
}

void mls_staged_set_own(struct mls_staged *s, uint32_t leaf)
{
    s->own_leaf = leaf;
    for (size_t i = 0; i < s->n_list; i++) {
        uint16_t type = s->list[i].p.type;
        if ((type == MLS_REMOVE || type == MLS_SELF_REMOVE) && s->list[i].leaf == leaf)
            s->removes_us = true;
    }
}

/* The leaf that a resuming external commit removes, or NULL (RFC 9420 12.2-17). */
static const struct mls_leaf *resumed_leaf(const struct mls_staged *s)
{
    for (size_t i = 0; i < s->n_list; i++)
        if (s->list[i].p.type == MLS_REMOVE)
            return mls_tree_leaf(&s->old_tree, s->list[i].leaf);
    return NULL;
}

/* Where the application does not say who is who, only the holder of the same key is. */
static bool may_resume(const struct mls_public_group *g, const struct mls_leaf *leaf,
                       const struct mls_leaf *old)
{
    return mls_same_identity(&g->callbacks, &leaf->credential, &old->credential) &&
           (g->callbacks.same_identity != NULL ||
            bytes_equal(leaf->signature_key, old->signature_key));
}

static int check_path_identity(const struct mls_public_group *g, const struct mls_staged *s,
                               const struct mls_leaf *leaf, const struct mls_leaf *old,
                               uint64_t now)
{
    bool external = s->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT;
    struct mls_identity_check check = {.event = external ? MLS_IDENTITY_EXTERNAL_JOIN
                                                         : MLS_IDENTITY_UPDATE,
                                       .credential = leaf->credential,
                                       .signature_key = leaf->signature_key,
                                       .leaf_index = s->committer,
                                       .group_id = g->view.group_id,
                                       .group_extensions = buf_view(&s->extensions),
                                       .now = now};
    if (old != NULL) {
        check.has_predecessor = true;
        check.predecessor = old->credential;
        check.predecessor_key = old->signature_key;
    }
    /* RFC 9420 12.2-17, 12.2-19: who resumes a leaf is whose leaf it was */
    if (external && old != NULL && !may_resume(g, leaf, old))
        return CONCLAVE_EPROPOSALLIST;
    if (!external && old != NULL && mls_credential_equal(&leaf->credential, &old->credential) &&
        bytes_equal(leaf->signature_key, old->signature_key))
        return 0; /* nothing new to judge */
    /* RFC 9420 5.3.1-6, 5.3.1-9 */
    return mls_credential_validate(g->crypto, &g->callbacks, &check, false);
}

int mls_staged_check_path_leaf(const struct mls_public_group *g, const struct mls_staged *s,
                               const struct mls_leaf *leaf, uint64_t now)
{
    bool external = s->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT;
    const struct mls_leaf *old =
        external ? resumed_leaf(s) : mls_tree_leaf(&s->old_tree, s->committer);
    struct mls_leaf_rules rules = {.source = LEAF_COMMIT, /* RFC 9420 12.4.2-10 */
                                   .suite = g->view.suite,
                                   .group_extensions = buf_view(&s->extensions)};
    int rv = mls_leaf_check(leaf, &rules); /* RFC 9420 12.4.2-9, 7.5-1 */
    if (rv == 0 && !external && old == NULL)
        rv = CONCLAVE_ESENDER;
    if (rv != 0)
        return rv;
    /* RFC 9420 12.4.2-11, 12.2-18 */
    if (old != NULL && bytes_equal(leaf->encryption_key, old->encryption_key))
        return CONCLAVE_ELEAF;
    rv = mls_leaf_verify(g->crypto, leaf, g->view.group_id, s->committer);
    return rv != 0 ? rv : check_path_identity(g, s, leaf, old, now);
}

int mls_staged_set_path_leaf(struct mls_staged *s, const struct mls_leaf *leaf)
{
    int rv = 0;
    if (s->sender.type == MLS_SENDER_MEMBER)
        rv = mls_tree_blank_leaf(&s->tree, s->committer);
    if (rv == 0)
        rv = mls_tree_set_leaf(&s->tree, s->committer, leaf);
    if (rv == 0)
        s->has_path = true;
    return rv;
}

/* RFC 9420 8.1-3 and 8.1-4: tree and transcript as they are now. */
static int write_context(const struct mls_public_group *g, struct mls_staged *s,
                         struct bytes confirmed_hash, struct buf *out)
{
    uint8_t tree_hash[CRYPTO_HASH_MAX];
    int rv = mls_tree_root_hash(&s->tree, g->crypto, tree_hash);
    if (rv != 0)
        return rv;
    struct mls_context c = {.suite = g->view.suite,
                            .group_id = g->view.group_id, /* RFC 9420 8.1-1 */
                            .epoch = g->view.epoch + 1,   /* RFC 9420 8.1-2 */
                            .tree_hash = bytes_of(tree_hash, s->tree.nh),
                            .confirmed_transcript_hash = confirmed_hash,
                            .extensions = buf_view(&s->extensions)};
    mls_group_context_write(out, &c);
    return buf_check(out);
}

int mls_staged_provisional(const struct mls_public_group *g, struct mls_staged *s, struct buf *out)
{
    return write_context(g, s, g->view.confirmed_transcript_hash, out);
}

int mls_staged_set_context(const struct mls_public_group *g, struct mls_staged *s,
                           uint16_t wire_format, struct bytes content, struct bytes signature)
{
    uint8_t confirmed[CRYPTO_HASH_MAX];
    size_t nh = g->crypto->suite->nh;
    struct bytes interim = bytes_of(g->interim, nh);
    struct mls_group_context parsed;
    int error = 0;
    if (g->view.epoch == UINT64_MAX)
        return CONCLAVE_ELIMIT;
    int rv = mls_confirmed_hash(g->crypto, interim, wire_format, content, signature, confirmed);
    if (rv == 0)
        rv = write_context(g, s, bytes_of(confirmed, nh), &s->context);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(buf_view(&s->context));
    mls_group_context_read(&r, &parsed, &error);
    s->view = parsed.view;
    return reader_end(&r);
}

int mls_staged_set_confirmation(const struct mls_public_group *g, struct mls_staged *s,
                                struct bytes confirmation_tag)
{
    buf_put(&s->confirmation_tag, confirmation_tag);
    int rv = buf_check(&s->confirmation_tag);
    return rv != 0 ? rv
                   : mls_interim_hash(g->crypto, s->view.confirmed_transcript_hash,
                                      confirmation_tag, s->interim);
}

/* ---- Inspection ---- */

struct mls_sender mls_staged_sender(const struct mls_staged *s)
{
    return s->sender;
}

uint32_t mls_staged_committer(const struct mls_staged *s)
{
    return s->committer;
}

void mls_staged_old_context(const struct mls_staged *s, struct mls_context *out)
{
    *out = s->old_view;
}

void mls_staged_new_context(const struct mls_staged *s, struct mls_context *out)
{
    *out = s->view;
}

size_t mls_staged_proposal_count(const struct mls_staged *s)
{
    return s->n_list;
}

int mls_staged_proposal(const struct mls_staged *s, size_t i, struct mls_proposal_info *out)
{
    if (i >= s->n_list)
        return CONCLAVE_ENOTFOUND;
    const struct mls_listed *l = &s->list[i];
    struct mls_proposal_info info = {.sender = l->sender, .by_reference = l->by_ref};
    mls_proposal_describe(&l->p, &info);
    info.leaf = l->leaf;
    if (l->by_ref)
        info.ref = bytes_of(l->ref, s->tree.nh);
    if (l->p.type == MLS_ADD || l->p.type == MLS_UPDATE)
        info.member.leaf_index = l->leaf;
    *out = info;
    return 0;
}

bool mls_staged_has_path(const struct mls_staged *s)
{
    return s->has_path;
}

bool mls_staged_removes_us(const struct mls_staged *s)
{
    return s->removes_us;
}

struct bytes mls_staged_authenticated_data(const struct mls_staged *s)
{
    return buf_view(&s->authenticated_data);
}

static int member_of(const struct mls_tree *t, uint32_t leaf, struct mls_member *out)
{
    const struct mls_leaf *l = mls_tree_leaf(t, leaf);
    if (l == NULL)
        return CONCLAVE_ENOTFOUND;
    *out = mls_leaf_member(l, leaf);
    return 0;
}

int mls_staged_old_member(const struct mls_staged *s, uint32_t leaf, struct mls_member *out)
{
    return member_of(&s->old_tree, leaf, out);
}

int mls_staged_new_member(const struct mls_staged *s, uint32_t leaf, struct mls_member *out)
{
    return member_of(&s->tree, leaf, out);
}
