#include "plan.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/suite.h"
#include "identity/ca.h"
#include "identity/der_write.h"
#include "wire/oid.h"
#include "identity/sign.h"

static struct crypto *crypto[KEYS];
static struct crypto_signer *signers[KEYS];
static EVP_PKEY *rsa[KEYS];

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool is_rsa(enum plan_key key)
{
    return key == KEY_RSA_2048 || key == KEY_RSA_1024;
}

static uint16_t suite_of(enum plan_key key)
{
    return key == KEY_P384      ? CRYPTO_P384_AES256GCM_SHA384_P384
           : key == KEY_ED25519 ? CRYPTO_X25519_AES128GCM_SHA256_ED25519
                                : CRYPTO_P256_AES128GCM_SHA256_P256;
}

/* The same keys in every run. Those of RSA are not, but nothing depends on them. */
void plan_keys_open(void)
{
    for (enum plan_key k = 0; k < KEYS; k++) {
        uint8_t private_key[48];
        memset(private_key, (int)k + 1, sizeof private_key);
        if (is_rsa(k)) {
            rsa[k] = EVP_RSA_gen(k == KEY_RSA_2048 ? 2048 : 1024);
            must(rsa[k] != NULL);
            continue;
        }
        must(crypto_new(suite_of(k), &crypto[k]) == 0);
        size_t n = k == KEY_P384 ? 48 : 32;
        must(crypto_signer_from_private(crypto[k], bytes_of(private_key, n), &signers[k]) == 0);
    }
}

void plan_keys_close(void)
{
    for (enum plan_key k = 0; k < KEYS; k++) {
        crypto_signer_free(signers[k]);
        crypto_free(crypto[k]);
        EVP_PKEY_free(rsa[k]);
        signers[k] = NULL;
        crypto[k] = NULL;
        rsa[k] = NULL;
    }
}

struct bytes plan_public_key(enum plan_key key)
{
    return is_rsa(key) ? bytes_str("an RSA key has no such form")
                       : crypto_signer_public(signers[key]);
}

struct crypto_signer *plan_signer(enum plan_key key)
{
    return signers[key];
}

struct crypto *plan_crypto(void)
{
    return crypto[KEY_ROOT];
}

/* ---- One certificate ---- */

void spec_name_bytes(struct spec *s, uint8_t tag, const void *name, size_t n)
{
    der_put(&s->names, tag, bytes_of(name, n));
}

void spec_name(struct spec *s, uint8_t tag, const char *name)
{
    spec_name_bytes(s, tag, name, strlen(name));
}

void spec_clear_names(struct spec *s)
{
    buf_clear(&s->names);
}

void spec_subtree(struct buf *b, uint8_t tag, const char *base)
{
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put(b, tag, bytes_str(base));
    der_end(b, mark);
}

void spec_extension(struct spec *s, uint8_t id, bool critical, const void *value, size_t n)
{
    struct extension_mark e = ca_extension_begin(&s->extensions, id, critical);
    buf_put(&s->extensions, bytes_of(value, n));
    ca_extension_end(&s->extensions, e);
}

static void put_name(struct buf *b, const char *common_name)
{
    size_t outer = der_begin(b, DER_SEQUENCE);
    if (common_name != NULL) {
        size_t set = der_begin(b, DER_SET), pair = der_begin(b, DER_SEQUENCE);
        der_put(b, DER_OID, bytes_of("\x55\x04\x03", 3));
        der_put(b, DER_UTF8, bytes_str(common_name));
        der_end(b, pair);
        der_end(b, set);
    }
    der_end(b, outer);
}

static void put_key(struct buf *b, enum plan_key key)
{
    unsigned char *der = NULL;
    if (!is_rsa(key)) {
        must(sign_put_key(b, plan_public_key(key)) == 0);
        return;
    }
    int n = i2d_PUBKEY(rsa[key], &der);
    must(n > 0);
    buf_put(b, bytes_of(der, (size_t)n));
    OPENSSL_free(der);
}

static void key_id(enum plan_key key, uint8_t out[static SPKI_DIGEST])
{
    struct buf b = {0};
    put_key(&b, key);
    must(spki_digest(buf_view(&b), out) == 0);
    buf_free(&b);
}

static void put_constraints(struct buf *b, const struct spec *s)
{
    struct extension_mark e = ca_extension_begin(b, EXT_NAME_CONSTRAINTS, true);
    size_t outer = der_begin(b, DER_SEQUENCE);
    if (s->permitted.n != 0)
        der_put(b, DER_CONTEXT_IN(0), buf_view(&s->permitted));
    if (s->excluded.n != 0)
        der_put(b, DER_CONTEXT_IN(1), buf_view(&s->excluded));
    der_end(b, outer);
    ca_extension_end(b, e);
}

static void put_usages(struct buf *b, unsigned usages)
{
    struct extension_mark e = ca_extension_begin(b, EXT_EXTENDED_KEY_USAGE, false);
    size_t mark = der_begin(b, DER_SEQUENCE);
    if (usages & IDENTITY_CLIENT_AUTH)
        der_put_oid(b, OID_CLIENT_AUTH);
    if (usages & IDENTITY_EMAIL_PROTECTION)
        der_put_oid(b, OID_EMAIL_PROTECTION);
    if (usages & IDENTITY_SERVER_AUTH)
        der_put_oid(b, OID_SERVER_AUTH);
    der_end(b, mark);
    ca_extension_end(b, e);
}

static void put_basic(struct buf *b, const struct spec *s)
{
    struct extension_mark e = ca_extension_begin(b, EXT_BASIC_CONSTRAINTS, true);
    size_t mark = der_begin(b, DER_SEQUENCE);
    if (s->ca)
        der_put_true(b);
    if (s->path_length >= 0)
        der_put_small(b, (uint32_t)s->path_length);
    der_end(b, mark);
    ca_extension_end(b, e);
}

static void put_key_ids(struct buf *b, const struct spec *s)
{
    uint8_t id[SPKI_DIGEST];
    key_id(s->key, id);
    struct extension_mark e = ca_extension_begin(b, EXT_SUBJECT_KEY_ID, false);
    der_put(b, DER_OCTET_STRING, bytes_of(id, CA_KEY_ID));
    ca_extension_end(b, e);
    key_id(s->signer, id);
    e = ca_extension_begin(b, EXT_AUTHORITY_KEY_ID, false);
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put(b, DER_CONTEXT(0), bytes_of(id, CA_KEY_ID));
    der_end(b, mark);
    ca_extension_end(b, e);
}

static void put_extensions(struct buf *b, const struct spec *s)
{
    size_t outer = der_begin(b, DER_CONTEXT_IN(3)), list = der_begin(b, DER_SEQUENCE);
    if (!s->no_basic)
        put_basic(b, s);
    if (!s->no_usage) {
        uint8_t bits[] = {0, (uint8_t)s->usage};
        for (unsigned v = s->usage; v != 0 && (v & 1) == 0; v >>= 1)
            bits[0]++;
        struct extension_mark e = ca_extension_begin(b, EXT_KEY_USAGE, true);
        der_put(b, DER_BIT_STRING, bytes_of(bits, sizeof bits));
        ca_extension_end(b, e);
    }
    if (!s->no_extended)
        put_usages(b, s->extended);
    put_key_ids(b, s);
    if (s->names.n != 0) {
        struct extension_mark e = ca_extension_begin(b, EXT_SUBJECT_ALT_NAME, s->subject == NULL);
        der_put(b, DER_SEQUENCE, buf_view(&s->names));
        ca_extension_end(b, e);
    }
    if (s->permitted.n + s->excluded.n != 0)
        put_constraints(b, s);
    buf_put(b, buf_view(&s->extensions));
    der_end(b, list);
    der_end(b, outer);
}

static void put_algorithm(struct buf *b, const struct spec *s)
{
    size_t mark;
    if (!is_rsa(s->signer)) {
        must(sign_put_algorithm(b, plan_public_key(s->signer)) == 0);
        return;
    }
    mark = der_begin(b, DER_SEQUENCE);
    der_put(b, DER_OID,
            bytes_of(s->hash == HASH_SHA1 ? "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05" : OID_RSA_SHA256,
                     9));
    der_put(b, DER_NULL, bytes_of(NULL, 0));
    der_end(b, mark);
}

static void put_rsa_signature(struct buf *b, const struct spec *s, struct bytes tbs)
{
    uint8_t signature[256];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = s->hash == HASH_SHA1 ? EVP_sha1() : EVP_sha256();
    must(EVP_DigestSignInit(ctx, NULL, md, NULL, rsa[s->signer]) == 1 &&
         EVP_DigestSign(ctx, signature, &n, tbs.p, tbs.n) == 1);
    EVP_MD_CTX_free(ctx);
    size_t mark = der_begin(b, DER_SEQUENCE);
    buf_put(b, tbs);
    put_algorithm(b, s);
    der_put_bits(b, bytes_of(signature, n));
    der_end(b, mark);
}

void spec_build(const struct spec *s, struct buf *out)
{
    struct buf tbs = {0};
    size_t mark = der_begin(&tbs, DER_SEQUENCE), inner = der_begin(&tbs, DER_CONTEXT_IN(0));
    der_put_small(&tbs, 2);
    der_end(&tbs, inner);
    der_put_small(&tbs, s->serial);
    put_algorithm(&tbs, s);
    put_name(&tbs, s->issuer_override != NULL ? s->issuer_override : s->issuer);
    inner = der_begin(&tbs, DER_SEQUENCE);
    der_put_time(&tbs, s->not_before);
    der_put_time(&tbs, s->not_after);
    der_end(&tbs, inner);
    put_name(&tbs, s->subject);
    put_key(&tbs, s->key);
    put_extensions(&tbs, s);
    der_end(&tbs, mark);
    if (is_rsa(s->signer))
        put_rsa_signature(out, s, buf_view(&tbs));
    else
        must(sign_put(out, buf_view(&tbs), signers[s->signer]) == 0);
    must(buf_check(out) == 0);
    if (s->flip_signature)
        out->p[out->n - 1] ^= 1;
    buf_free(&tbs);
}

/* ---- A chain ---- */

void plan_init(struct plan *p)
{
    const struct spec ca = {.not_before = PLAN_NOW - 100 * PLAN_DAY,
                            .not_after = PLAN_NOW + 100 * PLAN_DAY,
                            .ca = true,
                            .no_extended = true,
                            .path_length = -1,
                            .usage = 0x06};
    *p = (struct plan){.root = ca,
                       .middle = ca,
                       .purpose = IDENTITY_PRIVATE,
                       .now = PLAN_NOW,
                       .signature_key = KEY_LEAF,
                       .policy = identity_policy_default()};
    p->root.subject = p->root.issuer = "Company Root";
    p->root.serial = 1;
    p->middle.subject = "Company Issuing CA";
    p->middle.key = KEY_MIDDLE;
    p->middle.serial = 2;
    p->leaf = (struct spec){.subject = "Mallory",
                            .key = KEY_LEAF,
                            .not_before = PLAN_NOW - PLAN_DAY,
                            .not_after = PLAN_NOW + PLAN_DAY,
                            .path_length = -1,
                            .usage = 0x80,
                            .extended = IDENTITY_CLIENT_AUTH,
                            .serial = 0x1001};
    spec_name(&p->leaf, TAG_EMAIL, "alice@company.com");
}

static void spec_fini(struct spec *s)
{
    buf_free(&s->names);
    buf_free(&s->permitted);
    buf_free(&s->excluded);
    buf_free(&s->extensions);
}

void plan_fini(struct plan *p)
{
    spec_fini(&p->root);
    spec_fini(&p->middle);
    spec_fini(&p->leaf);
    buf_free(&p->anchor);
    for (size_t i = 0; i < PLAN_CERTIFICATES; i++)
        buf_free(&p->chain[i]);
}

void plan_build(struct plan *p)
{
    struct spec *above = p->with_middle ? &p->middle : &p->root;
    p->middle.issuer = p->root.subject;
    if (p->middle.signer == KEY_ROOT)
        p->middle.signer = p->root.key;
    p->leaf.issuer = above->subject;
    if (p->leaf.signer == KEY_ROOT)
        p->leaf.signer = above->key;
    if (p->root.signer == KEY_ROOT)
        p->root.signer = p->root.key;
    spec_build(&p->root, &p->anchor);
    spec_build(&p->leaf, &p->chain[p->n++]);
    if (p->with_middle)
        spec_build(&p->middle, &p->chain[p->n++]);
    if (p->finish != NULL)
        p->finish(p);
}

void plan_add_stranger(struct plan *p)
{
    struct spec s = p->middle;
    s.subject = "Nobody's CA";
    s.issuer = "Nobody";
    s.key = s.signer = KEY_STRANGER;
    spec_build(&s, &p->chain[p->n++]);
}

void plan_replace_anchor(struct plan *p)
{
    struct spec s = p->root;
    s.subject = s.issuer = "Other Root";
    s.key = s.signer = KEY_SECOND;
    buf_clear(&p->anchor);
    spec_build(&s, &p->anchor);
}

static void revoke(struct identity_anchors *a, struct bytes issuer, uint32_t serial)
{
    const uint8_t bytes[] = {(uint8_t)(serial >> 8), (uint8_t)serial};
    const struct bytes list[] = {bytes_of("\x7f", 1), bytes_of(bytes, 2), bytes_of("\x01\x02", 2)};
    must(identity_anchors_revoke(a, issuer, list, 3) == 0);
}

struct identity_anchors *plan_anchors(const struct plan *p)
{
    struct identity_anchors *a;
    const struct identity_anchor how = {
        .purpose = p->purpose, .domains = p->domains, .n_domains = p->n_domains};
    must(identity_anchors_new(&a) == 0 && identity_anchors_add(a, &how, buf_view(&p->anchor)) == 0);
    if (p->revoke_middle)
        revoke(a, buf_view(&p->anchor), p->middle.serial);
    if (p->revoke_leaf)
        revoke(a, p->with_middle ? buf_view(&p->chain[1]) : buf_view(&p->anchor), p->leaf.serial);
    return a;
}

struct identity plan_verify(const struct plan *p)
{
    struct bytes chain[PLAN_CERTIFICATES];
    struct identity id;
    struct identity_anchors *a = plan_anchors(p);
    for (size_t i = 0; i < p->n; i++)
        chain[i] = buf_view(&p->chain[i]);
    must(identity_verify(a, chain, p->n, plan_public_key(p->signature_key), p->now, &p->policy,
                         &id) == 0);
    identity_anchors_free(a);
    return id;
}
