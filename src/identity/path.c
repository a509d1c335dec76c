#include "identity/path.h"

#include "identity/constraints.h"
#include "identity/limits.h"

#define PATH_MAX_LENGTH (LIMIT_IDENTITY_CHAIN + 1) /* the anchor may be left out of the chain */

struct search {
    const struct identity_anchors *anchors;
    const struct certificate *certificates;
    size_t n;
    uint64_t now;
    unsigned usages;
    const struct certificate *path[PATH_MAX_LENGTH];
    size_t next[PATH_MAX_LENGTH]; /* which issuer to try next for that certificate */
    size_t depth;
    unsigned signatures;
    enum identity_reason failure;
    bool reached_anchor; /* so did the path that failure is about */
};

/* What is told if no path holds: what was wrong with the first path that reached an anchor, else
 * with the first step of any. */
static void note(struct search *s, enum identity_reason reason, bool reached_anchor)
{
    if (s->failure != IDENTITY_NOT_TRUSTED && s->reached_anchor >= reached_anchor)
        return;
    s->failure = reason;
    s->reached_anchor = reached_anchor;
}

static bool in_path(const struct search *s, const struct certificate *c)
{
    for (size_t i = 0; i < s->depth; i++)
        if (s->path[i] == c)
            return true;
    return false;
}

/* Anchors first, so that the shortest path is found first and a chain cannot lead around one. */
static const struct certificate *candidate(struct search *s)
{
    size_t at = s->next[s->depth - 1]++;
    if (at < s->anchors->n)
        return &s->anchors->anchor[at]->certificate;
    at -= s->anchors->n;
    return at + 1 < s->n ? &s->certificates[at + 1] : NULL;
}

static bool is_anchor(const struct search *s)
{
    return s->next[s->depth - 1] <= s->anchors->n;
}

/* RFC 5280 6.1.3 (a) (4), and 4.2.1.1: key identifiers choose between keys of one name */
static bool may_be_issuer(const struct certificate *c, const struct certificate *issuer)
{
    struct bytes want = c->authority_key_id, have = issuer->subject_key_id;
    return bytes_equal(c->issuer, issuer->subject) &&
           (want.n == 0 || have.n == 0 || bytes_equal(want, have));
}

/* RFC 5280 6.1.3 (a) (1) */
static bool is_signed_by(struct search *s, const struct certificate *c,
                         const struct certificate *issuer)
{
    if (c->algorithm == SPKI_UNKNOWN || issuer->key.kind == CERTIFICATE_KEY_UNKNOWN) {
        note(s, IDENTITY_WEAK, false);
        return false;
    }
    s->signatures++;
    int rv = issuer->ready != NULL
                 ? spki_key_verify(issuer->ready, c->algorithm, c->tbs, c->signature)
                 : spki_verify(c->algorithm, issuer->key.spki, c->tbs, c->signature);
    if (rv == 0)
        return true;
    note(s, IDENTITY_BAD_SIGNATURE, false);
    return false;
}

/* RFC 5280 6.1.3 (a) (2), (3); 6.1.4 (o), 6.1.5 (f) */
static enum identity_reason check_one(const struct search *s, size_t i)
{
    const struct certificate *c = s->path[i];
    if (c->unknown_critical)
        return IDENTITY_CRITICAL_EXTENSION;
    if (c->key.kind == CERTIFICATE_KEY_UNKNOWN)
        return IDENTITY_WEAK;
    if (s->now > c->not_after)
        return IDENTITY_EXPIRED;
    if (s->now < c->not_before)
        return IDENTITY_NOT_YET_VALID;
    bool revoked = i + 1 < s->depth && anchors_revoked(s->anchors, s->path[i + 1], c->serial);
    return revoked ? IDENTITY_REVOKED : IDENTITY_VERIFIED;
}

/* RFC 5280 4.2.1.9: intermediates below that are not self-issued */
static size_t intermediates_below(const struct search *s, size_t i)
{
    size_t count = 0;
    for (size_t k = 1; k < i; k++)
        count += !certificate_is_self_issued(s->path[k]);
    return count;
}

/* RFC 5280 6.1.4 (k) to (n). An intermediate must have keyUsage (4.2.1.3); an anchor need not. */
static enum identity_reason check_issuer(const struct search *s, size_t i)
{
    const struct certificate *c = s->path[i];
    bool may_lack_usage = i + 1 == s->depth && !c->has_usage;
    if (!c->ca || (!may_lack_usage && (c->usage & KEY_USAGE_CERT_SIGN) == 0))
        return IDENTITY_NOT_A_CA;
    if (c->has_path_length && intermediates_below(s, i) > c->path_length)
        return IDENTITY_PATH_TOO_LONG;
    return IDENTITY_VERIFIED;
}

/* Extended usages of an issuer bound those of all below it, as browsers and OpenSSL have it. */
static enum identity_reason check_usages(const struct search *s)
{
    unsigned usages = s->usages;
    for (size_t i = 0; i < s->depth; i++) {
        if (i == 0 || s->path[i]->has_extended)
            usages &= s->path[i]->extended;
    }
    return usages != 0 ? IDENTITY_VERIFIED : IDENTITY_WRONG_USE;
}

/* RFC 5280 6.1.3 (b), (c); self-issued certificates are not excepted here */
static enum identity_reason check_constraints(const struct search *s, size_t i)
{
    const struct certificate *c = s->path[i];
    if (!c->has_constraints)
        return IDENTITY_VERIFIED;
    for (size_t below = 0; below < i; below++) {
        int rv = constraints_check(c->constraints, s->path[below]);
        if (rv == CONCLAVE_ELIMIT)
            return IDENTITY_TOO_LARGE;
        if (rv != 0)
            return rv == CONCLAVE_EPOLICY ? IDENTITY_NAME_CONSTRAINT : IDENTITY_MALFORMED;
    }
    return IDENTITY_VERIFIED;
}

static enum identity_reason check_path(const struct search *s)
{
    enum identity_reason r = IDENTITY_VERIFIED;
    for (size_t i = 0; r == IDENTITY_VERIFIED && i < s->depth; i++)
        r = check_one(s, i);
    for (size_t i = 1; r == IDENTITY_VERIFIED && i < s->depth; i++)
        r = check_issuer(s, i);
    if (r == IDENTITY_VERIFIED)
        r = check_usages(s);
    for (size_t i = 1; r == IDENTITY_VERIFIED && i < s->depth; i++)
        r = check_constraints(s, i);
    return r;
}

/* Depth first. Returns true with s->path complete, or false when all was tried. */
static bool step(struct search *s)
{
    const struct certificate *issuer = candidate(s);
    if (issuer == NULL) {
        s->depth--;
        return false;
    }
    const struct certificate *c = s->path[s->depth - 1];
    bool anchor = is_anchor(s);
    if (s->depth == PATH_MAX_LENGTH || in_path(s, issuer) || !may_be_issuer(c, issuer) ||
        !is_signed_by(s, c, issuer))
        return false;
    s->path[s->depth] = issuer;
    s->next[s->depth] = 0;
    s->depth++;
    if (!anchor)
        return false;
    enum identity_reason r = check_path(s);
    if (r == IDENTITY_VERIFIED)
        return true;
    note(s, r, true);
    s->depth--;
    return false;
}

enum identity_reason path_find(const struct identity_anchors *a,
                               const struct certificate *certificates, size_t n, uint64_t now,
                               unsigned usages, const struct anchor **out_anchor)
{
    struct search s = {.anchors = a,
                       .certificates = certificates,
                       .n = n,
                       .now = now,
                       .usages = usages,
                       .path = {&certificates[0]},
                       .depth = 1,
                       .failure = IDENTITY_NOT_TRUSTED};
    while (s.depth > 0) {
        if (step(&s)) {
            *out_anchor = a->anchor[s.next[s.depth - 2] - 1];
            return IDENTITY_VERIFIED;
        }
        if (s.signatures >= LIMIT_IDENTITY_SIGNATURES)
            return IDENTITY_TOO_LARGE;
    }
    bool alone = s.failure == IDENTITY_NOT_TRUSTED && certificate_is_self_issued(certificates);
    return alone ? IDENTITY_SELF_SIGNED : s.failure;
}
