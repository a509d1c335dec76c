#include <conclave/identity.h>

#include <string.h>

#include "identity/limits.h"
#include "identity/name.h"
#include "identity/path.h"

#define UNVERIFIED "Unverified"

struct identity_policy identity_policy_default(void)
{
    return (struct identity_policy){.usages = IDENTITY_CLIENT_AUTH | IDENTITY_EMAIL_PROTECTION};
}

static enum identity_reason read_chain(const struct bytes *chain, size_t n, struct certificate *out)
{
    if (n == 0)
        return IDENTITY_NO_CERTIFICATE;
    if (n > LIMIT_IDENTITY_CHAIN)
        return IDENTITY_TOO_LARGE;
    for (size_t i = 0; i < n; i++) {
        int rv = certificate_read(chain[i], &out[i]);
        if (rv != 0)
            return rv == CONCLAVE_ELIMIT ? IDENTITY_TOO_LARGE : IDENTITY_MALFORMED;
    }
    return IDENTITY_VERIFIED;
}

/* What the participant's own certificate must be, whoever issued it. */
static enum identity_reason check_leaf(const struct certificate *c, struct bytes signature_key,
                                       uint64_t now)
{
    if (c->key.kind == CERTIFICATE_KEY_UNKNOWN)
        return IDENTITY_WEAK;
    /* RFC 9420 5.3-1. RSA keys have no value here and so are no participant's. */
    if (c->key.value.n == 0 || !bytes_equal(c->key.value, signature_key))
        return IDENTITY_FOREIGN_KEY;
    if (c->unknown_critical)
        return IDENTITY_CRITICAL_EXTENSION;
    if (c->ca || (c->has_usage && (c->usage & KEY_USAGE_SIGNATURE) == 0))
        return IDENTITY_WRONG_USE;
    if (now > c->not_after)
        return IDENTITY_EXPIRED;
    return now < c->not_before ? IDENTITY_NOT_YET_VALID : IDENTITY_VERIFIED;
}

/* Of two addresses in one domain, the first in byte order: not the certificate's order, which its
 * holder may have chosen. */
static bool choose(struct name *chosen, const struct name *n)
{
    if (chosen->kind == IDENTITY_NOBODY || name_equal(chosen, n)) {
        *chosen = *n;
        return true;
    }
    if (chosen->kind != IDENTITY_USER || n->kind != IDENTITY_USER ||
        strcmp(name_domain(chosen), name_domain(n)) != 0)
        return false;
    if (strcmp(n->text, chosen->text) < 0)
        *chosen = *n;
    return true;
}

static enum identity_reason reason_of(int error)
{
    switch (error) {
    case CONCLAVE_ELIMIT:
        return IDENTITY_TOO_LARGE;
    case CONCLAVE_ECREDENTIAL:
        return IDENTITY_BAD_NAME;
    default:
        return IDENTITY_MALFORMED;
    }
}

/* The one name that counts. Every name must be plain, also those that do not count. */
static enum identity_reason choose_name(const struct certificate *c, const struct name *wanted,
                                        struct name *out)
{
    struct names it = {.rest = c->names};
    struct name n;
    bool ambiguous = false, found = false, any = false;
    int more;
    *out = (struct name){0};
    while ((more = names_next(&it, &n)) == 1) {
        any = true;
        if (wanted != NULL)
            found = found || name_equal(wanted, &n);
        else
            ambiguous = !choose(out, &n) || ambiguous;
    }
    if (more < 0)
        return reason_of(more);
    if (!any)
        return IDENTITY_NO_NAME;
    if (ambiguous)
        return IDENTITY_AMBIGUOUS_NAME;
    if (wanted != NULL)
        *out = *wanted;
    return wanted == NULL || found ? IDENTITY_VERIFIED : IDENTITY_OTHER_NAME;
}

/* An anchor that steps outside its domains with one name is believed in none. */
static enum identity_reason check_delegation(const struct anchor *a, const struct certificate *c)
{
    struct names it = {.rest = c->names};
    struct name n;
    int more;
    while ((more = names_next(&it, &n)) == 1)
        if (!anchor_vouches(a, &n))
            return IDENTITY_NOT_DELEGATED;
    return more < 0 ? reason_of(more) : IDENTITY_VERIFIED;
}

static bool in_organisation(const struct identity_policy *policy, const struct name *name)
{
    char domain[IDENTITY_DOMAIN_MAX + 1];
    for (size_t i = 0; i < policy->n_organisation; i++)
        if (domain_read(bytes_str(policy->organisation[i]), domain) && name_in_domain(name, domain))
            return true;
    return false;
}

static void fill(const struct name *name, const struct anchor *anchor,
                 const struct certificate *leaf, const struct identity_policy *policy,
                 struct identity *out)
{
    out->kind = name->kind;
    out->voucher = anchor->purpose;
    out->not_after = leaf->not_after;
    memcpy(out->identifier, name->text, sizeof out->identifier);
    if (name->kind == IDENTITY_GUEST) {
        out->reason = IDENTITY_IS_GUEST;
        return;
    }
    out->in_organisation = in_organisation(policy, name);
    out->category = IDENTITY_VERIFIED_DEVICE;
    if (name->kind == IDENTITY_USER)
        out->category = out->in_organisation ? IDENTITY_MEMBER : IDENTITY_EXTERNAL;
    memcpy(out->label, name_domain(name), strlen(name_domain(name)) + 1);
    memcpy(out->issuer, anchor->display, sizeof out->issuer);
}

static enum identity_reason judge(const struct identity_anchors *a, const struct bytes *chain,
                                  size_t n, struct bytes signature_key, uint64_t now,
                                  const struct identity_policy *policy, const struct name *wanted,
                                  struct identity *out)
{
    struct certificate certificates[LIMIT_IDENTITY_CHAIN];
    const struct anchor *anchor = NULL;
    struct name name;
    enum identity_reason r = read_chain(chain, n, certificates);
    if (r == IDENTITY_VERIFIED)
        r = check_leaf(&certificates[0], signature_key, now);
    if (r == IDENTITY_VERIFIED)
        r = path_find(a, certificates, n, now, policy->usages, &anchor);
    if (r == IDENTITY_VERIFIED)
        r = choose_name(&certificates[0], wanted, &name);
    if (r == IDENTITY_VERIFIED)
        r = check_delegation(anchor, &certificates[0]);
    if (r == IDENTITY_VERIFIED)
        fill(&name, anchor, &certificates[0], policy, out);
    return r;
}

static int check_policy(const struct identity_policy *policy, struct name *wanted)
{
    char domain[IDENTITY_DOMAIN_MAX + 1];
    for (size_t i = 0; i < policy->n_organisation; i++)
        if (!domain_read(bytes_str(policy->organisation[i]), domain))
            return CONCLAVE_EINVAL;
    if (policy->wanted != NULL && !name_guess(bytes_str(policy->wanted), wanted))
        return CONCLAVE_EINVAL;
    return 0;
}

int identity_verify(const struct identity_anchors *a, const struct bytes *chain, size_t n,
                    struct bytes signature_key, uint64_t now, const struct identity_policy *policy,
                    struct identity *out)
{
    struct name wanted;
    *out = (struct identity){.label = UNVERIFIED};
    int rv = check_policy(policy, &wanted);
    if (rv != 0)
        return rv;
    enum identity_reason r = judge(a, chain, n, signature_key, now, policy,
                                   policy->wanted != NULL ? &wanted : NULL, out);
    if (out->reason == IDENTITY_NOT_CHECKED)
        out->reason = r;
    return 0;
}

bool identity_same(const struct identity *last, const struct identity *next)
{
    bool weaker = next->voucher == IDENTITY_PROVIDER && last->voucher != IDENTITY_PROVIDER;
    return last->kind != IDENTITY_NOBODY && last->kind == next->kind && !weaker &&
           strcmp(last->identifier, next->identifier) == 0;
}
