/* What a program trusts, and what it has found out about people: shared by its participants, so
 * that a chain is checked once and not once per participant and meeting. */
#include <stdlib.h>
#include <string.h>

#include "crypto/suite.h"
#include "participant/inner.h"

#define BUCKETS 4096u /* a power of two */

/* A verdict is asked for anew after this time: what is revoked or expired shows. */
#define VERDICT_SECONDS 600u

struct root { /* a PEM text and what it is trusted for */
    struct buf pem, display;
    struct buf domains; /* each with its terminator */
    size_t n_domains;
    enum identity_purpose purpose;
};

struct realm {
    struct realm *next;
    size_t refs; /* participants; none: kept for the next, as long as there is room */
    struct participant_trust *trust;
    struct card *card;
    struct identity_anchors *anchors;
};

struct participant_trust {
    struct root *roots;
    size_t n_roots;
    struct buf provider;
    struct realm *realms;
    size_t n_realms;
    struct crypto_verified *verified; /* or NULL */
    struct verdict *buckets[BUCKETS];
    size_t n_verdicts;
};

int participant_trust_new(struct participant_trust **out)
{
    struct participant_trust *t = calloc(1, sizeof *t);
    if (t == NULL)
        return CONCLAVE_ENOMEM;
    *out = t;
    return 0;
}

static void root_fini(struct root *r)
{
    buf_free(&r->pem);
    buf_free(&r->display);
    buf_free(&r->domains);
}

static void realm_free(struct realm *r)
{
    if (r == NULL)
        return;
    card_free(r->card);
    identity_anchors_free(r->anchors);
    free(r);
}

void participant_trust_free(struct participant_trust *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->n_roots; i++)
        root_fini(&t->roots[i]);
    free(t->roots);
    buf_free(&t->provider);
    crypto_verified_free(t->verified);
    while (t->realms != NULL) {
        struct realm *next = t->realms->next;
        realm_free(t->realms);
        t->realms = next;
    }
    for (size_t i = 0; i < BUCKETS; i++)
        while (t->buckets[i] != NULL) {
            struct verdict *next = t->buckets[i]->next;
            free(t->buckets[i]);
            t->buckets[i] = next;
        }
    free(t);
}

/* ---- Anchors ---- */

static int root_copy(struct root *r, const struct identity_anchor *how, struct bytes pem)
{
    r->purpose = how->purpose;
    buf_put(&r->pem, pem);
    if (how->display != NULL)
        buf_put(&r->display, bytes_of(how->display, strlen(how->display) + 1));
    for (size_t i = 0; i < how->n_domains; i++)
        buf_put(&r->domains, bytes_of(how->domains[i], strlen(how->domains[i]) + 1));
    r->n_domains = how->n_domains;
    return buf_check(&r->pem) != 0 || buf_check(&r->display) != 0 || buf_check(&r->domains) != 0
               ? CONCLAVE_ENOMEM
               : 0;
}

static int root_add(const struct root *r, struct identity_anchors *anchors)
{
    const char **domains = calloc(r->n_domains + 1, sizeof *domains);
    const char *at = (const char *)r->domains.p;
    if (domains == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < r->n_domains; i++, at += strlen(at) + 1)
        domains[i] = at;
    struct identity_anchor how = {.purpose = r->purpose,
                                  .display = r->display.n != 0 ? (const char *)r->display.p : NULL,
                                  .domains = domains,
                                  .n_domains = r->n_domains};
    int rv = identity_anchors_add_pem(anchors, &how, buf_view(&r->pem));
    free(domains);
    return rv;
}

int participant_trust_add_pem(struct participant_trust *t, const struct identity_anchor *how,
                              struct bytes pem)
{
    struct identity_anchors *trial = NULL;
    struct root root = {0};
    struct root *grown = NULL;
    int rv = identity_anchors_new(&trial);
    if (rv == 0)
        rv = root_copy(&root, how, pem);
    if (rv == 0)
        rv = root_add(&root, trial);
    if (rv == 0 && (grown = realloc(t->roots, (t->n_roots + 1) * sizeof *grown)) == NULL)
        rv = CONCLAVE_ENOMEM;
    if (grown != NULL) {
        t->roots = grown;
        t->roots[t->n_roots++] = root;
    } else {
        root_fini(&root);
    }
    identity_anchors_free(trial);
    return rv;
}

int participant_trust_set_provider(struct participant_trust *t, struct bytes root)
{
    struct buf copy = {0};
    buf_put(&copy, root);
    int rv = buf_check(&copy);
    if (rv == 0)
        buf_move(&t->provider, &copy);
    buf_free(&copy);
    return rv;
}

int participant_trust_remember(struct participant_trust *t, size_t signatures)
{
    struct crypto_verified *made = NULL;
    int rv = crypto_verified_new(signatures, &made);
    if (rv != 0)
        return rv;
    crypto_verified_free(t->verified);
    t->verified = made;
    return 0;
}

struct crypto_verified *participant_trust_verified(const struct participant_trust *t)
{
    return t->verified;
}

struct bytes participant_trust_provider(const struct participant_trust *t)
{
    return buf_view(&t->provider);
}

static int realm_new(struct participant_trust *t, const struct card *card, struct realm **out)
{
    const struct card_terms *terms = card_terms(card);
    struct identity_anchor provider = {.purpose = IDENTITY_PROVIDER};
    struct realm *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CONCLAVE_ENOMEM;
    int rv = identity_anchors_new(&r->anchors);
    if (rv == 0 && terms->provider_root.n != 0)
        rv = identity_anchors_add(r->anchors, &provider, terms->provider_root);
    for (size_t i = 0; rv == 0 && i < t->n_roots; i++)
        rv = root_add(&t->roots[i], r->anchors);
    if (rv != 0) {
        realm_free(r);
        return rv;
    }
    r->trust = t;
    r->card = card_share(card);
    *out = r;
    return 0;
}

/* Makes room by letting go of the one that nobody has used for longest. */
static int reserve_realm(struct participant_trust *t)
{
    struct realm **oldest = NULL;
    if (t->n_realms < PARTICIPANT_REALMS_LIMIT)
        return 0;
    for (struct realm **at = &t->realms; *at != NULL; at = &(*at)->next)
        if ((*at)->refs == 0)
            oldest = at;
    if (oldest == NULL)
        return CONCLAVE_ENOMEM; /* so many meetings at once */
    struct realm *gone = *oldest;
    *oldest = gone->next;
    realm_free(gone);
    t->n_realms--;
    return 0;
}

int participant_trust_realm(struct participant_trust *t, const struct card *card,
                            struct realm **out)
{
    struct realm **at = &t->realms, *r = NULL;
    while (*at != NULL && !bytes_equal(card_hash((*at)->card), card_hash(card)))
        at = &(*at)->next;
    if (*at != NULL) {
        r = *at;
        *at = r->next;
    } else {
        int rv = reserve_realm(t);
        if (rv == 0)
            rv = realm_new(t, card, &r);
        if (rv != 0)
            return rv;
        t->n_realms++;
    }
    r->refs++;
    r->next = t->realms; /* the latest first */
    t->realms = r;
    *out = r;
    return 0;
}

void participant_realm_release(struct realm *r)
{
    if (r != NULL)
        r->refs--;
}

const struct identity_anchors *participant_realm_anchors(const struct realm *r)
{
    return r->anchors;
}

/* ---- Verdicts ---- */

static int verdict_key(const struct realm *r, struct crypto *c,
                       const struct mls_credential *credential, struct bytes signature_key,
                       uint8_t out[static 32])
{
    uint8_t hash[CRYPTO_HASH_MAX];
    uint8_t length[2] = {(uint8_t)(signature_key.n >> 8), (uint8_t)signature_key.n};
    struct bytes parts[] = {card_hash(r->card), bytes_of(length, 2), signature_key,
                            credential->certificates};
    int rv = crypto_hash(c, parts, sizeof parts / sizeof parts[0], hash);
    if (rv == 0)
        memcpy(out, hash, 32); /* the card's suite: no hash is shorter */
    return rv;
}

static struct verdict **bucket_of(struct participant_trust *t, const uint8_t key[static 32])
{
    /* The key is a hash of what a peer chose: it can be aimed at a bucket, at the price of a
     * search; the number of verdicts is limited, so a walk is. */
    return &t->buckets[((uint32_t)key[0] << 8 | key[1]) % BUCKETS];
}

/* One from before the certificate's end is not one from after it. */
static bool still_good(const struct verdict *v, uint64_t now)
{
    uint64_t end = v->id.not_after;
    return now >= v->at && now - v->at < VERDICT_SECONDS && (end == 0 || now <= end || v->at > end);
}

/* Takes all out that nobody shows. */
static void sweep(struct participant_trust *t)
{
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct verdict **at = &t->buckets[i]; *at != NULL;) {
            struct verdict *v = *at;
            if (v->refs != 0) {
                at = &v->next;
                continue;
            }
            *at = v->next;
            free(v);
            t->n_verdicts--;
        }
}

static int judge(const struct realm *r, const struct bytes *chain, size_t n,
                 struct bytes signature_key, uint64_t now, struct identity *out)
{
    struct identity_policy policy = card_identity_policy(r->card);
    return identity_verify(r->anchors, chain, n, signature_key, now, &policy, out);
}

static size_t split(const struct mls_credential *credential, struct bytes chain[CARD_CHAIN_MAX])
{
    struct bytes rest = credential->certificates;
    size_t n = 0;
    while (n < CARD_CHAIN_MAX && mls_certificate_next(&rest, &chain[n]))
        n++;
    return n;
}

int participant_realm_verify(const struct realm *r, const struct mls_credential *credential,
                             struct bytes signature_key, uint64_t now, struct identity *out)
{
    struct bytes chain[CARD_CHAIN_MAX];
    size_t n = split(credential, chain);
    return judge(r, chain, n, signature_key, now, out);
}

/* A member keeps the verdict of when it came (meeting/policy.h): MLS lets nobody in whose
 * certificate has ended, so one that has is judged as it was at its end. The room does the same. */
static int judge_member(const struct realm *r, struct crypto *c,
                        const struct mls_credential *credential, struct bytes signature_key,
                        uint64_t now, struct identity *out)
{
    struct bytes chain[CARD_CHAIN_MAX];
    struct crypto_certificate leaf;
    size_t n = split(credential, chain);
    int rv = judge(r, chain, n, signature_key, now, out);
    if (rv == 0 && out->reason == IDENTITY_EXPIRED && crypto_certificate(c, chain[0], &leaf) == 0 &&
        now > leaf.not_after)
        rv = judge(r, chain, n, signature_key, leaf.not_after, out);
    return rv;
}

int participant_realm_judge(struct realm *r, struct crypto *c,
                            const struct mls_credential *credential, struct bytes signature_key,
                            uint64_t now, struct verdict **out)
{
    struct participant_trust *t = r->trust;
    uint8_t key[32];
    int rv = verdict_key(r, c, credential, signature_key, key);
    if (rv != 0)
        return rv;
    struct verdict *v = *bucket_of(t, key);
    while (v != NULL && (memcmp(v->key, key, sizeof key) != 0 || !still_good(v, now)))
        v = v->next;
    if (v == NULL) {
        if (t->n_verdicts >= PARTICIPANT_VERDICTS_LIMIT)
            sweep(t);
        if ((v = calloc(1, sizeof *v)) == NULL)
            return CONCLAVE_ENOMEM;
        rv = judge_member(r, c, credential, signature_key, now, &v->id);
        if (rv != 0) {
            free(v);
            return rv;
        }
        memcpy(v->key, key, sizeof key);
        v->at = now;
        v->next = *bucket_of(t, key);
        *bucket_of(t, key) = v;
        t->n_verdicts++;
    }
    v->refs++;
    *out = v;
    return 0;
}

void participant_verdict_release(struct verdict *v)
{
    if (v != NULL)
        v->refs--; /* stays remembered until a sweep */
}
