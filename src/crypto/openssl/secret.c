/* The secret half of the OpenSSL provider: HMAC, AEAD and Diffie-Hellman on contexts that are
 * made once and keyed anew for each call. */
#include <openssl/core_names.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/openssl/state.h"

static const char *cipher_name(const struct crypto_suite *suite)
{
    static const char *const names[] = {[AEAD_AES128GCM] = "AES-128-GCM",
                                        [AEAD_AES256GCM] = "AES-256-GCM",
                                        [AEAD_CHACHA20POLY1305] = "ChaCha20-Poly1305"};
    return names[suite->aead];
}

/* NID_undef for X25519 and X448, which have no EC_GROUP */
static int curve_nid(const struct crypto_suite *suite)
{
    static const int nids[] = {[CURVE_P256] = NID_X9_62_prime256v1,
                               [CURVE_P384] = NID_secp384r1,
                               [CURVE_P521] = NID_secp521r1,
                               [CURVE_X25519] = NID_undef,
                               [CURVE_X448] = NID_undef};
    return nids[suite->curve];
}

static bool open_curve(struct ossl *o)
{
    o->group = EC_GROUP_new_by_curve_name(curve_nid(o->suite));
    if (o->group == NULL)
        return false;
    o->point = EC_POINT_new(o->group);
    o->result = EC_POINT_new(o->group);
    o->scalar = BN_secure_new();
    o->x = BN_secure_new();
    o->bn_ctx = BN_CTX_secure_new();
    if (o->point == NULL || o->result == NULL || o->scalar == NULL || o->x == NULL ||
        o->bn_ctx == NULL)
        return false;
    BN_set_flags(o->scalar, BN_FLG_CONSTTIME);
    return true;
}

static void close_full(void *state)
{
    struct ossl *o = state;
    EVP_CIPHER_CTX_free(o->seal_ctx);
    EVP_CIPHER_CTX_free(o->open_ctx);
    EVP_CIPHER_free(o->cipher);
    EC_POINT_clear_free(o->result);
    EC_POINT_free(o->point);
    EC_GROUP_free(o->group);
    BN_clear_free(o->scalar);
    BN_clear_free(o->x);
    BN_CTX_free(o->bn_ctx);
    ossl_close_public(o);
}

static bool open_aead(struct ossl *o)
{
    o->cipher = EVP_CIPHER_fetch(NULL, cipher_name(o->suite), NULL);
    o->seal_ctx = EVP_CIPHER_CTX_new();
    o->open_ctx = EVP_CIPHER_CTX_new();
    return o->cipher != NULL && o->seal_ctx != NULL && o->open_ctx != NULL &&
           EVP_EncryptInit_ex2(o->seal_ctx, o->cipher, NULL, NULL, NULL) == 1 &&
           EVP_DecryptInit_ex2(o->open_ctx, o->cipher, NULL, NULL, NULL) == 1;
}

static int open_full(const struct crypto_suite *suite, void **out)
{
    void *state = NULL;
    int rv = ossl_open_public(suite, &state);
    if (rv != 0)
        return rv;
    struct ossl *o = state;
    if (!open_aead(o) || (curve_nid(suite) != NID_undef && !open_curve(o))) {
        close_full(o);
        return ossl_error(CONCLAVE_ECRYPTO);
    }
    *out = o;
    return 0;
}

/* RFC 2104 on the plain digest: EVP_MAC costs two to four times as much for short inputs. */
static int ossl_hmac(void *state, struct bytes key, const struct bytes *parts, size_t n,
                     uint8_t *out)
{
    struct ossl *o = state;
    size_t block = o->suite->hash == HASH_SHA256 ? 64 : 128;
    uint8_t pad[128] = {0}, inner[CRYPTO_HASH_MAX];
    int rv = 0;
    if (key.n > block)
        rv = ossl_hash(o, &key, 1, pad);
    else if (key.n != 0)
        memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    if (rv == 0 && (EVP_DigestInit_ex2(o->md_ctx, o->md, NULL) != 1 ||
                    EVP_DigestUpdate(o->md_ctx, pad, block) != 1))
        rv = CONCLAVE_ECRYPTO;
    for (size_t i = 0; rv == 0 && i < n; i++)
        if (parts[i].n != 0 && EVP_DigestUpdate(o->md_ctx, parts[i].p, parts[i].n) != 1)
            rv = CONCLAVE_ECRYPTO;
    if (rv == 0 && EVP_DigestFinal_ex(o->md_ctx, inner, NULL) != 1)
        rv = CONCLAVE_ECRYPTO;
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    if (rv == 0) {
        struct bytes outer[2] = {bytes_of(pad, block), bytes_of(inner, o->suite->nh)};
        rv = ossl_hash(o, outer, 2, out);
    }
    wipe(pad, sizeof pad);
    wipe(inner, sizeof inner);
    return rv == 0 ? 0 : ossl_error(rv);
}

static int ossl_seal(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                     struct bytes plain, uint8_t *out)
{
    struct ossl *o = state;
    EVP_CIPHER_CTX *ctx = o->seal_ctx;
    int n = 0, last = 0;
    if (key.n != o->suite->nk || aad.n > INT32_MAX)
        return CONCLAVE_EINTERNAL;
    bool ok = EVP_EncryptInit_ex2(ctx, NULL, key.p, nonce, NULL) == 1 &&
              (aad.n == 0 || EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1);
    n = 0;
    ok = ok && (plain.n == 0 || EVP_EncryptUpdate(ctx, out, &n, plain.p, (int)plain.n) == 1) &&
         EVP_EncryptFinal_ex(ctx, out + n, &last) == 1 &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG, out + plain.n) == 1;
    return ok ? 0 : ossl_error(CONCLAVE_ECRYPTO);
}

static int ossl_open(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                     struct bytes cipher, uint8_t *out)
{
    struct ossl *o = state;
    EVP_CIPHER_CTX *ctx = o->open_ctx;
    uint8_t tag[CRYPTO_TAG];
    int n = 0, last = 0;
    if (key.n != o->suite->nk || aad.n > INT32_MAX)
        return CONCLAVE_EINTERNAL;
    size_t n_plain = cipher.n - CRYPTO_TAG;
    memcpy(tag, cipher.p + n_plain, CRYPTO_TAG);
    bool ok = EVP_DecryptInit_ex2(ctx, NULL, key.p, nonce, NULL) == 1 &&
              (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1);
    n = 0;
    ok = ok && (n_plain == 0 || EVP_DecryptUpdate(ctx, out, &n, cipher.p, (int)n_plain) == 1) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG, tag) == 1 &&
         EVP_DecryptFinal_ex(ctx, out + n, &last) == 1;
    if (ok)
        return 0;
    wipe(out, n_plain);
    return ossl_error(CONCLAVE_EDECRYPT);
}

/* A scalar in [1, order - 1] or EKEY. */
static int load_scalar(struct ossl *o, struct bytes priv)
{
    if (priv.n != o->suite->nsk || BN_bin2bn(priv.p, (int)priv.n, o->scalar) == NULL)
        return CONCLAVE_EKEY;
    if (BN_is_zero(o->scalar) || BN_cmp(o->scalar, EC_GROUP_get0_order(o->group)) >= 0)
        return CONCLAVE_EKEY;
    return 0;
}

static int nist_public(struct ossl *o, struct bytes priv, uint8_t *out)
{
    int rv = load_scalar(o, priv);
    if (rv == 0 && (EC_POINT_mul(o->group, o->result, o->scalar, NULL, NULL, o->bn_ctx) != 1 ||
                    EC_POINT_point2oct(o->group, o->result, POINT_CONVERSION_UNCOMPRESSED, out,
                                       o->suite->npk, o->bn_ctx) != o->suite->npk))
        rv = CONCLAVE_ECRYPTO;
    BN_clear(o->scalar);
    return rv == 0 ? 0 : ossl_error(rv);
}

/* RFC 9180 7.1.4: the peer's key is validated when it is decoded: on the curve, not infinity.
 * The cofactor of the NIST curves is 1, so that is a full validation. */
static int nist_dh(struct ossl *o, struct bytes priv, struct bytes pub, uint8_t *out)
{
    if (pub.n != o->suite->npk || pub.p[0] != 0x04 ||
        EC_POINT_oct2point(o->group, o->point, pub.p, pub.n, o->bn_ctx) != 1)
        return ossl_error(CONCLAVE_EKEY);
    int rv = load_scalar(o, priv);
    if (rv == 0 &&
        (EC_POINT_mul(o->group, o->result, NULL, o->point, o->scalar, o->bn_ctx) != 1 ||
         EC_POINT_get_affine_coordinates(o->group, o->result, o->x, NULL, o->bn_ctx) != 1 ||
         BN_bn2binpad(o->x, out, o->suite->ndh) != o->suite->ndh))
        rv = CONCLAVE_ECRYPTO;
    BN_clear(o->scalar);
    BN_clear(o->x);
    return rv == 0 ? 0 : ossl_error(rv);
}

static const char *x_name(const struct ossl *o)
{
    return o->suite->curve == CURVE_X25519 ? "X25519" : "X448";
}

static int x_public(const struct ossl *o, struct bytes priv, uint8_t *out)
{
    size_t n = o->suite->npk;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, x_name(o), NULL, priv.p, priv.n);
    bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, out, &n) == 1 && n == o->suite->npk;
    EVP_PKEY_free(key);
    return ok ? 0 : ossl_error(CONCLAVE_EKEY);
}

/* RFC 9180 7.1.4: OpenSSL refuses an all-zero result. */
static int x_dh(const struct ossl *o, struct bytes priv, struct bytes pub, uint8_t *out)
{
    size_t n = o->suite->ndh;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, x_name(o), NULL, priv.p, priv.n);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, x_name(o), NULL, pub.p, pub.n);
    EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
    bool ok = peer != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
              EVP_PKEY_derive(ctx, out, &n) == 1 && n == o->suite->ndh;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(key);
    return ok ? 0 : ossl_error(CONCLAVE_EKEY);
}

static int ossl_dh_public(void *state, struct bytes priv, uint8_t *out)
{
    struct ossl *o = state;
    return o->group != NULL ? nist_public(o, priv, out) : x_public(o, priv, out);
}

static int ossl_dh(void *state, struct bytes priv, struct bytes pub, uint8_t *out)
{
    struct ossl *o = state;
    return o->group != NULL ? nist_dh(o, priv, pub, out) : x_dh(o, priv, pub, out);
}

static const struct crypto_secret_ops secret_ops = {
    .hmac = ossl_hmac,
    .aead_seal = ossl_seal,
    .aead_open = ossl_open,
    .dh_public = ossl_dh_public,
    .dh = ossl_dh,
};

const struct crypto_ops crypto_openssl = {
    .name = "openssl",
    .open = open_full,
    .close = close_full,
    .random = ossl_random,
    .hash = ossl_hash,
    .verify = ossl_verify,
    .check_public = ossl_check_public,
    .secret = &secret_ops,
};
