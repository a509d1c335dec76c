/* RFC 9420 12.2 and 12.3: the list of proposals of a commit, as a whole, and its application. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "mls/extension.h"
#include "mls/public_group.h"

/* Non-default proposal types in one commit, each of which costs a pass over the members. */
#define CUSTOM_TYPES_MAX 16

/* What is noted while walking over a list. */
struct survey {
    uint8_t *changed; /* one bit a leaf: updated or removed */
    uint8_t *leaving; /* one bit a leaf: removed */
    uint16_t custom[CUSTOM_TYPES_MAX];
    size_t n_custom;
    size_t n_psks;
    uint32_t n_removes;
};

static bool bit(const uint8_t *bits, uint32_t i)
{
    return bits[i / 8] >> (i % 8) & 1;
}

static void set_bit(uint8_t *bits, uint32_t i)
{
    bits[i / 8] |= (uint8_t)(1 << (i % 8));
}

/* RFC 9420 12.2-6: one change for a leaf */
static int note_leaf(const struct mls_staged *s, struct survey *v, struct mls_listed *l,
                     uint32_t leaf, bool leaves)
{
    if (leaf >= s->tree.width || mls_tree_leaf(&s->tree, leaf) == NULL)
        return CONCLAVE_EPROPOSAL;
    if (bit(v->changed, leaf))
        return CONCLAVE_EPROPOSALLIST;
    set_bit(v->changed, leaf);
    if (leaves)
        set_bit(v->leaving, leaf);
    l->leaf = leaf;
    return 0;
}

static int note_psk(const struct mls_staged *s, struct survey *v, const struct mls_listed *l)
{
    if (++v->n_psks > LIMIT_MLS_PSKS)
        return CONCLAVE_ELIMIT;
    for (const struct mls_listed *other = s->list; other != l; other++) /* RFC 9420 12.2-9 */
        if (other->p.type == MLS_PSK && mls_psk_id_equal(&other->p.psk, &l->p.psk))
            return CONCLAVE_EPSK;
    return 0;
}

static int note_custom(struct survey *v, uint16_t type)
{
    for (size_t i = 0; i < v->n_custom; i++)
        if (v->custom[i] == type)
            return 0;
    if (v->n_custom == CUSTOM_TYPES_MAX)
        return CONCLAVE_ELIMIT;
    v->custom[v->n_custom++] = type;
    return 0;
}

/* At most one of a kind. */
static int note_single(const struct mls_listed **slot, const struct mls_listed *l)
{
    if (*slot != NULL)
        return CONCLAVE_EPROPOSALLIST;
    *slot = l;
    return 0;
}

static int note(struct mls_staged *s, struct survey *v, struct mls_listed *l)
{
    bool by_committer = l->sender.type == MLS_SENDER_MEMBER && l->sender.index == s->committer &&
                        s->sender.type == MLS_SENDER_MEMBER;
    switch (l->p.type) {
    case MLS_ADD:
        return 0;
    case MLS_UPDATE: /* RFC 9420 12.2-4 */
        if (l->sender.type != MLS_SENDER_MEMBER || by_committer)
            return CONCLAVE_EPROPOSALLIST;
        return note_leaf(s, v, l, l->sender.index, false);
    case MLS_REMOVE: /* RFC 9420 12.2-5 */
        if (s->sender.type == MLS_SENDER_MEMBER && l->p.removed == s->committer)
            return CONCLAVE_EPROPOSALLIST;
        v->n_removes++;
        return note_leaf(s, v, l, l->p.removed, true);
    case MLS_SELF_REMOVE:
        /* draft-ietf-mls-extensions: by a member, not in its own commit; nor by value, since then
         * its sender would be the committer */
        if (l->sender.type != MLS_SENDER_MEMBER || by_committer || !l->by_ref)
            return CONCLAVE_EPROPOSALLIST;
        if (note_custom(v, MLS_SELF_REMOVE) != 0)
            return CONCLAVE_ELIMIT;
        return note_leaf(s, v, l, l->sender.index, true);
    case MLS_PSK:
        return note_psk(s, v, l);
    case MLS_REINIT:
        return note_single(&s->reinit, l);
    case MLS_EXTERNAL_INIT: /* RFC 9420 12.2-15 */
        return note_single(&s->external_init, l);
    case MLS_GROUP_CONTEXT_EXTENSIONS: /* RFC 9420 12.2-10 */
        return note_single(&s->gce, l);
    default:
        return note_custom(v, l->p.type);
    }
}

/* RFC 9420 12.2-13, 13.2-1: members that stay must support every non-default type. */
static int check_custom(const struct mls_staged *s, const struct survey *v)
{
    for (uint32_t i = 0; v->n_custom != 0 && i < s->tree.width; i++) {
        const struct mls_leaf *l = mls_tree_leaf(&s->tree, i);
        if (l == NULL || bit(v->leaving, i))
            continue;
        for (size_t k = 0; k < v->n_custom; k++)
            if (!mls_u16s_have(l->capabilities.proposals, v->custom[k]))
                return CONCLAVE_ECAPABILITY;
    }
    return 0;
}

/* RFC 9420 12.2-15, 12.2-16, 12.2-20, 12.4.3.2-3 */
static int check_external(const struct mls_staged *s, const struct survey *v)
{
    if (s->external_init == NULL || v->n_removes > 1)
        return CONCLAVE_EPROPOSALLIST;
    for (size_t i = 0; i < s->n_list; i++) {
        const struct mls_listed *l = &s->list[i];
        bool self_remove = l->p.type == MLS_SELF_REMOVE; /* the one that may be referred to */
        bool fits = self_remove || l->p.type == MLS_EXTERNAL_INIT || l->p.type == MLS_REMOVE ||
                    l->p.type == MLS_PSK;
        if (!fits || (l->by_ref && !self_remove))
            return CONCLAVE_EPROPOSALLIST;
    }
    return 0;
}

static int check_list(const struct mls_staged *s, const struct survey *v)
{
    if (s->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT) {
        int rv = check_external(s, v);
        return rv != 0 ? rv : check_custom(s, v);
    }
    if (s->external_init != NULL) /* RFC 9420 12.2-12 */
        return CONCLAVE_EPROPOSALLIST;
    if (s->reinit != NULL && s->n_list != 1) /* RFC 9420 12.2-11 */
        return CONCLAVE_EPROPOSALLIST;
    return check_custom(s, v);
}

static int survey_list(struct mls_staged *s, struct survey *v)
{
    int rv = 0;
    s->needs_path = s->n_list == 0;
    for (size_t i = 0; rv == 0 && i < s->n_list; i++) {
        rv = note(s, v, &s->list[i]);
        s->needs_path |= mls_proposal_needs_path(s->list[i].p.type);
    }
    return rv != 0 ? rv : check_list(s, v);
}

/* RFC 9420 12.2-3, 12.3-2: each by itself, under the extensions that will hold. RFC 9420 8.1-5,
 * 12.1.7-2: those are the old ones, or all new. */
static int validate_each(const struct mls_public_group *g, struct mls_staged *s, uint64_t now)
{
    struct bytes extensions = s->gce != NULL ? s->gce->p.extensions : g->view.extensions;
    int rv = 0;
    buf_put(&s->extensions, extensions);
    for (size_t i = 0; rv == 0 && i < s->n_list; i++)
        rv = mls_proposal_validate(g, &s->tree, extensions, &s->list[i].p, s->list[i].sender,
                                   s->list[i].by_ref, now);
    return rv != 0 ? rv : buf_check(&s->extensions);
}

static int blank(struct mls_tree *t, uint32_t leaf)
{
    int rv = mls_tree_blank_path(t, leaf);
    return rv != 0 ? rv : mls_tree_blank_leaf(t, leaf);
}

/* RFC 9420 12.1.2-2, 12.1.3-2. Updated leaves go with the removed ones first, so that a key may
 * move from one leaf to another within one commit. */
static int apply_updates_and_removes(struct mls_staged *s)
{
    bool removes = false;
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < s->n_list; i++) {
        uint16_t type = s->list[i].p.type;
        if (type == MLS_UPDATE || type == MLS_REMOVE || type == MLS_SELF_REMOVE)
            rv = blank(&s->tree, s->list[i].leaf);
        removes |= type == MLS_REMOVE || type == MLS_SELF_REMOVE;
    }
    for (size_t i = 0; rv == 0 && i < s->n_list; i++)
        if (s->list[i].p.type == MLS_UPDATE)
            rv = mls_tree_set_leaf(&s->tree, s->list[i].leaf, &s->list[i].p.update);
    if (rv == 0 && removes)
        rv = mls_tree_truncate(&s->tree); /* RFC 9420 12.1.3-3 */
    return rv;
}

/* RFC 9420 12.1.1-2. A client that is still a member is caught by its signature key (RFC 9420
 * 12.2-7, 12.2-8). */
static int apply_adds(struct mls_staged *s)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < s->n_list; i++) {
        struct mls_listed *l = &s->list[i];
        if (l->p.type != MLS_ADD)
            continue;
        rv = mls_tree_next_leaf(&s->tree, &l->leaf);
        if (rv == 0)
            rv = mls_tree_add(&s->tree, l->leaf, &l->p.add.leaf);
        if (rv == 0)
            rv = u32s_put(&s->added, l->leaf); /* increasing, so sorted */
    }
    return rv;
}

int mls_staged_apply(const struct mls_public_group *g, struct mls_staged *s, uint64_t now)
{
    size_t n_bits = s->tree.width / 8 + 1;
    struct survey v = {.changed = calloc(n_bits, 1), .leaving = calloc(n_bits, 1)};
    int rv = v.changed == NULL || v.leaving == NULL ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = survey_list(s, &v);
    if (rv == 0)
        rv = validate_each(g, s, now);
    free(v.changed);
    free(v.leaving);
    /* RFC 9420 12.3-1: the order of application */
    if (rv == 0)
        rv = apply_updates_and_removes(s);
    if (rv == 0)
        rv = apply_adds(s);
    if (rv == 0 && s->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT)
        rv = mls_tree_next_leaf(&s->tree, &s->committer); /* RFC 9420 12.4.2-8, 12.4.3.2-2 */
    if (rv == 0)
        mls_tree_filtered_path(&s->tree, s->committer, &s->path);
    return rv;
}

static int check_member(const struct mls_leaf *l, struct bytes extensions, bool has_required,
                        const struct mls_required_capabilities *required)
{
    int rv = mls_capabilities_cover(&l->capabilities, extensions);
    return rv == 0 && has_required ? mls_required_capabilities_check(required, &l->capabilities)
                                   : rv;
}

int mls_staged_check_tree(const struct mls_public_group *g, struct mls_staged *s)
{
    struct mls_required_capabilities required;
    bool has_required;
    struct bytes extensions = buf_view(&s->extensions);
    int rv = mls_required_capabilities_find(extensions, &has_required, &required);
    (void)g;
    /* RFC 9420 12.1.7-1, 11.1-1, 13.4-10: new extensions bind everybody */
    for (uint32_t i = 0; rv == 0 && s->gce != NULL && i < s->tree.width; i++) {
        const struct mls_leaf *l = mls_tree_leaf(&s->tree, i);
        if (l != NULL)
            rv = check_member(l, extensions, has_required, &required);
    }
    /* RFC 9420 7.3-5, 7.3-6 for every leaf that is new */
    for (size_t i = 0; rv == 0 && i < s->n_list; i++)
        if (s->list[i].p.type == MLS_ADD || s->list[i].p.type == MLS_UPDATE)
            rv =
                mls_tree_check_credential_types(&s->tree, mls_tree_leaf(&s->tree, s->list[i].leaf));
    if (rv == 0 && s->has_path)
        rv = mls_tree_check_credential_types(&s->tree, mls_tree_leaf(&s->tree, s->committer));
    return rv;
}
