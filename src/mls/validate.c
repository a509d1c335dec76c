/* RFC 9420 12.1 and 7.3: what makes a single proposal invalid. */
#include "mls/credential.h"
#include "mls/extension.h"
#include "mls/public_group.h"

bool mls_same_identity(const struct mls_callbacks *callbacks, const struct mls_credential *a,
                       const struct mls_credential *b)
{
    if (callbacks->same_identity != NULL)
        return callbacks->same_identity(callbacks->ctx, a, b);
    return mls_credential_equal(a, b);
}

static int validate_add(const struct mls_public_group *g, struct bytes extensions,
                        const struct mls_key_package_view *kp, bool known, uint64_t now)
{
    struct mls_leaf_rules rules = {.source = LEAF_KEY_PACKAGE,
                                   .suite = g->view.suite,
                                   .group_extensions = extensions,
                                   .max_lifetime = g->policy.max_lifetime,
                                   .now = now,
                                   .check_now = !g->policy.accept_expired_adds};
    if (known) /* only the extensions may have changed */
        return mls_leaf_check(&kp->leaf, &rules);
    int rv = mls_key_package_check(g->crypto, kp, &rules); /* RFC 9420 12.1.1-1 */
    if (rv != 0)
        return rv;
    struct mls_identity_check check = {.event = MLS_IDENTITY_ADD,
                                       .credential = kp->leaf.credential,
                                       .signature_key = kp->leaf.signature_key,
                                       .leaf_index = MLS_NO_LEAF,
                                       .group_id = g->view.group_id,
                                       .group_extensions = extensions,
                                       .now = now};
    /* RFC 9420 5.3.1-4; 5.3.1-2, since our own proposals come through here, too */
    return mls_credential_validate(g->crypto, &g->callbacks, &check, g->policy.accept_expired_adds);
}

static int validate_update(const struct mls_public_group *g, const struct mls_tree *tree,
                           struct bytes extensions, const struct mls_leaf *leaf,
                           struct mls_sender sender, bool known, uint64_t now)
{
    const struct mls_leaf *old =
        sender.type == MLS_SENDER_MEMBER ? mls_tree_leaf(tree, sender.index) : NULL;
    struct mls_leaf_rules rules = {
        .source = LEAF_UPDATE, .suite = g->view.suite, .group_extensions = extensions};
    if (old == NULL)
        return CONCLAVE_ESENDER;
    int rv = mls_leaf_check(leaf, &rules); /* RFC 9420 12.1.2-1 */
    if (rv != 0)
        return rv;
    if (bytes_equal(leaf->encryption_key, old->encryption_key)) /* RFC 9420 7.3-12 */
        return CONCLAVE_ELEAF;
    if (known)
        return 0;
    rv = mls_leaf_verify(g->crypto, leaf, g->view.group_id, sender.index);
    if (rv != 0 || (mls_credential_equal(&leaf->credential, &old->credential) &&
                    bytes_equal(leaf->signature_key, old->signature_key)))
        return rv;
    struct mls_identity_check check = {.event = MLS_IDENTITY_UPDATE,
                                       .credential = leaf->credential,
                                       .signature_key = leaf->signature_key,
                                       .leaf_index = sender.index,
                                       .has_predecessor = true,
                                       .predecessor = old->credential,
                                       .predecessor_key = old->signature_key,
                                       .group_id = g->view.group_id,
                                       .group_extensions = extensions,
                                       .now = now};
    /* RFC 9420 5.3.1-5, 5.3.1-9 */
    return mls_credential_validate(g->crypto, &g->callbacks, &check, false);
}

static int validate_psk(const struct mls_public_group *g, const struct mls_psk_id *psk)
{
    if (psk->nonce.n != g->crypto->suite->nh) /* RFC 9420 12.1.4-3 */
        return CONCLAVE_EPSK;
    /* RFC 9420 12.1.4-1, 12.1.4-2, 11.2-4, 11.2-5, 11.3-5, 11.3-6: those have their place in the
     * first commit of a new group only, which nobody receives */
    if (psk->type == PSK_RESUMPTION && psk->usage != PSK_USAGE_APPLICATION &&
        psk->usage != g->first_usage)
        return CONCLAVE_EPSK;
    return 0;
}

static bool is_known_sender(struct bytes old_extensions, const struct mls_external_sender *s)
{
    uint32_t n;
    if (mls_external_senders_count(old_extensions, &n) != 0)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct mls_external_sender old;
        if (mls_external_sender_find(old_extensions, i, &old) == 0 &&
            bytes_equal(old.signature_key, s->signature_key) &&
            mls_credential_equal(&old.credential, &s->credential))
            return true;
    }
    return false;
}

int mls_external_senders_validate(const struct mls_public_group *g, struct bytes extensions,
                                  struct bytes old_extensions, bool expired_ok, uint64_t now)
{
    uint32_t n = 0;
    int rv = mls_external_senders_count(extensions, &n);
    for (uint32_t i = 0; rv == 0 && i < n; i++) {
        struct mls_external_sender s;
        rv = mls_external_sender_find(extensions, i, &s);
        if (rv != 0 || is_known_sender(old_extensions, &s))
            continue;
        struct mls_identity_check check = {.event = MLS_IDENTITY_EXTERNAL_SENDER,
                                           .credential = s.credential,
                                           .signature_key = s.signature_key,
                                           .leaf_index = MLS_NO_LEAF,
                                           .group_id = g->view.group_id,
                                           .group_extensions = extensions,
                                           .now = now};
        rv = mls_credential_validate(g->crypto, &g->callbacks, &check, expired_ok);
    }
    return rv;
}

static int validate_extensions(const struct mls_public_group *g, struct bytes extensions,
                               bool known, uint64_t now)
{
    struct mls_required_capabilities required;
    bool present;
    int rv = mls_required_capabilities_find(extensions, &present, &required);
    if (rv == 0 && !known)
        rv = mls_external_senders_validate(g, extensions, g->view.extensions, false, now);
    return rv;
}

int mls_proposal_validate(const struct mls_public_group *g, const struct mls_tree *tree,
                          struct bytes extensions, const struct mls_proposal *p,
                          struct mls_sender sender, bool known, uint64_t now)
{
    switch (p->type) {
    case MLS_ADD:
        return validate_add(g, extensions, &p->add, known, now);
    case MLS_UPDATE:
        return validate_update(g, tree, extensions, &p->update, sender, known, now);
    case MLS_REMOVE: /* RFC 9420 12.1.3-1 */
        return mls_tree_leaf(tree, p->removed) == NULL ? CONCLAVE_EPROPOSAL : 0;
    case MLS_PSK:
        return validate_psk(g, &p->psk);
    case MLS_REINIT: /* RFC 9420 12.1.5-1 */
        return p->reinit.version < MLS_VERSION ? CONCLAVE_EVERSION : 0;
    case MLS_EXTERNAL_INIT: /* RFC 9420 12.1.6-1 */
        return sender.type == MLS_SENDER_NEW_MEMBER_COMMIT ? 0 : CONCLAVE_EPROPOSAL;
    case MLS_GROUP_CONTEXT_EXTENSIONS:
        return validate_extensions(g, p->extensions, known, now);
    case MLS_SELF_REMOVE:
        return sender.type == MLS_SENDER_MEMBER ? 0 : CONCLAVE_ESENDER;
    default:
        return 0;
    }
}
