#include "meeting/knock.h"

#include "meeting/state.h"
#include "mls/credential.h"
#include "mls/extension.h"
#include "mls/key_package.h"

/* docs/PROTOCOL.md section 3: what required_capabilities will demand of the leaf. */
static int check_capabilities(const struct mls_capabilities *c)
{
    bool able = mls_u16s_have(c->extensions, MEETING_EXT_CARD) &&
                mls_u16s_have(c->extensions, MEETING_EXT_STATE) &&
                mls_u16s_have(c->extensions, MEETING_EXT_NAME) &&
                mls_u16s_have(c->proposals, MLS_SELF_REMOVE) &&
                mls_u16s_have(c->credentials, MLS_X509);
    return able ? 0 : CONCLAVE_ECAPABILITY;
}

/* The certificate's key and dates; who it names is for the caller to judge. */
static int check_credential(struct crypto *c, const struct mls_leaf *leaf, uint64_t now)
{
    const struct mls_callbacks anybody = {.check_identity = mls_identity_accept_any};
    const struct mls_identity_check check = {.event = MLS_IDENTITY_ADD,
                                             .credential = leaf->credential,
                                             .signature_key = leaf->signature_key,
                                             .leaf_index = MLS_NO_LEAF,
                                             .now = now};
    if (leaf->credential.type != MLS_X509)
        return CONCLAVE_ECREDENTIAL;
    return mls_credential_validate(c, &anybody, &check, false);
}

int meeting_knock_read(struct crypto *c, struct bytes key_package_message, uint64_t now,
                       struct meeting_knock *out)
{
    struct mls_key_package_view kp;
    struct meeting_knock knock = {.ref_n = c->suite->nh};
    const struct mls_leaf_rules rules = {.source = LEAF_KEY_PACKAGE,
                                         .suite = crypto_suite(c),
                                         .max_lifetime = mls_policy_default().max_lifetime,
                                         .now = now,
                                         .check_now = true};
    int rv = mls_key_package_parse(key_package_message, &kp);
    if (rv == 0)
        rv = mls_key_package_check(c, &kp, &rules);
    if (rv == 0)
        rv = check_capabilities(&kp.leaf.capabilities);
    if (rv == 0)
        rv = check_credential(c, &kp.leaf, now);
    if (rv == 0)
        rv = mls_key_package_ref(c, kp.raw, knock.ref);
    if (rv != 0)
        return rv;
    knock.member = mls_leaf_member(&kp.leaf, MLS_NO_LEAF);
    *out = knock;
    return 0;
}
