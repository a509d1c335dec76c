/* Signature keys held by OpenSSL, with everything for a signature made ready. */
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/openssl/state.h"

struct key {
    const struct crypto_suite *suite;
    EVP_PKEY *pkey;
    EVP_PKEY_CTX *sign_ctx; /* ECDSA; NULL for EdDSA */
    EVP_MD *md;
    EVP_MD_CTX *md_ctx;
};

static void key_free(void *p)
{
    struct key *k = p;
    EVP_PKEY_CTX_free(k->sign_ctx);
    EVP_PKEY_free(k->pkey);
    EVP_MD_CTX_free(k->md_ctx);
    EVP_MD_free(k->md);
    free(k);
}

static bool sign_ec(struct key *k, const struct bytes *parts, size_t n, uint8_t *out, size_t *out_n)
{
    uint8_t digest[CRYPTO_HASH_MAX];
    bool ok = EVP_DigestInit_ex2(k->md_ctx, k->md, NULL) == 1;
    for (size_t i = 0; ok && i < n; i++)
        ok = parts[i].n == 0 || EVP_DigestUpdate(k->md_ctx, parts[i].p, parts[i].n) == 1;
    return ok && EVP_DigestFinal_ex(k->md_ctx, digest, NULL) == 1 &&
           EVP_PKEY_sign(k->sign_ctx, out, out_n, digest, k->suite->nh) == 1;
}

static int sign(void *p, const struct bytes *parts, size_t n, uint8_t *out, size_t *out_n)
{
    struct key *k = p;
    size_t made = CRYPTO_SIGNATURE_MAX;
    bool ok;
    if (k->sign_ctx != NULL) {
        ok = sign_ec(k, parts, n, out, &made);
    } else {
        struct buf message = {0};
        for (size_t i = 0; i < n; i++)
            buf_put(&message, parts[i]);
        if (buf_check(&message) != 0) {
            buf_free(&message);
            return CONCLAVE_ENOMEM;
        }
        ok = EVP_DigestSignInit_ex(k->md_ctx, NULL, NULL, NULL, NULL, k->pkey, NULL) == 1 &&
             EVP_DigestSign(k->md_ctx, out, &made, message.p, message.n) == 1;
        EVP_MD_CTX_reset(k->md_ctx);
        buf_free(&message);
    }
    if (!ok)
        return ossl_error(CONCLAVE_ECRYPTO);
    *out_n = made;
    return 0;
}

static int export_private(void *p, struct buf *out)
{
    struct key *k = p;
    struct secret s = {.n = k->suite->sig_nsk};
    size_t n = s.n;
    bool ok;
    if (k->sign_ctx != NULL) {
        BIGNUM *d = NULL;
        ok = EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
             BN_bn2binpad(d, s.p, s.n) == s.n;
        BN_clear_free(d);
    } else {
        ok = EVP_PKEY_get_raw_private_key(k->pkey, s.p, &n) == 1;
    }
    if (ok)
        buf_put(out, secret_view(&s));
    secret_wipe(&s);
    return ok ? buf_check(out) : ossl_error(CONCLAVE_ECRYPTO);
}

static const struct crypto_signer_ops signer_ops = {
    .sign = sign,
    .export_private = export_private,
    .free = key_free,
};

/* The point that belongs to a scalar, or 0. */
static size_t ec_public(const struct crypto_suite *suite, const BIGNUM *d, uint8_t *out)
{
    EC_GROUP *g = EC_GROUP_new_by_curve_name(ossl_sig_nid(suite));
    EC_POINT *q = g == NULL ? NULL : EC_POINT_new(g);
    size_t n = 0;
    if (q != NULL && !BN_is_zero(d) && BN_cmp(d, EC_GROUP_get0_order(g)) < 0 &&
        EC_POINT_mul(g, q, d, NULL, NULL, NULL) == 1)
        n = EC_POINT_point2oct(g, q, POINT_CONVERSION_UNCOMPRESSED, out, CRYPTO_PUBLIC_KEY_MAX,
                               NULL);
    EC_POINT_free(q);
    EC_GROUP_free(g);
    return n;
}

static EVP_PKEY *ec_from_data(const struct crypto_suite *suite, const BIGNUM *d, const uint8_t *pub,
                              size_t n)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (bld != NULL && ctx != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, ossl_sig_name(suite), 0) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, pub, n) &&
        (params = OSSL_PARAM_BLD_to_param(bld)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

static EVP_PKEY *ec_from_private(const struct crypto_suite *suite, struct bytes priv)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    EVP_PKEY *pkey = NULL;
    BIGNUM *d = BN_secure_new();
    if (d != NULL && BN_bin2bn(priv.p, (int)priv.n, d) != NULL) {
        BN_set_flags(d, BN_FLG_CONSTTIME);
        size_t n = ec_public(suite, d, pub);
        if (n == suite->sig_npk)
            pkey = ec_from_data(suite, d, pub, n);
    }
    BN_clear_free(d);
    return pkey;
}

static EVP_PKEY *load(const struct crypto_suite *suite, struct bytes priv)
{
    bool ec = ossl_sig_is_ec(suite);
    const char *name = ossl_sig_name(suite);
    if (priv.n == 0)
        return ec ? EVP_EC_gen(name) : EVP_PKEY_Q_keygen(NULL, NULL, name);
    return ec ? ec_from_private(suite, priv)
              : EVP_PKEY_new_raw_private_key_ex(NULL, name, NULL, priv.p, priv.n);
}

static bool prepare(struct key *k, struct crypto_signer *s)
{
    size_t n = sizeof s->public_key;
    k->md = EVP_MD_fetch(NULL, ossl_md_name(k->suite), NULL);
    k->md_ctx = EVP_MD_CTX_new();
    if (k->md == NULL || k->md_ctx == NULL)
        return false;
    if (!ossl_sig_is_ec(k->suite)) {
        s->public_key_n = n;
        return EVP_PKEY_get_raw_public_key(k->pkey, s->public_key, &s->public_key_n) == 1;
    }
    k->sign_ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
    return k->sign_ctx != NULL && EVP_PKEY_sign_init(k->sign_ctx) == 1 &&
           EVP_PKEY_get_octet_string_param(k->pkey, OSSL_PKEY_PARAM_PUB_KEY, s->public_key, n,
                                           &s->public_key_n) == 1 &&
           s->public_key_n == k->suite->sig_npk;
}

static int make(void *state, struct bytes priv, struct crypto_signer **out)
{
    const struct ossl *o = state;
    struct crypto_signer *s = calloc(1, sizeof *s);
    struct key *k = calloc(1, sizeof *k);
    int rv = s == NULL || k == NULL ? CONCLAVE_ENOMEM : 0;
    if (rv == 0) {
        k->suite = o->suite;
        k->pkey = load(o->suite, priv);
        if (k->pkey == NULL)
            rv = priv.n == 0 ? CONCLAVE_ECRYPTO : CONCLAVE_EKEY;
        else if (!prepare(k, s))
            rv = CONCLAVE_ECRYPTO;
    }
    if (rv != 0) {
        if (k != NULL)
            key_free(k);
        free(s);
        return ossl_error(rv);
    }
    s->ops = &signer_ops;
    s->key = k;
    *out = s;
    return 0;
}

const struct crypto_signer_source crypto_openssl_signers = {.make = make};
