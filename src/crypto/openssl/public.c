/* The public half of the OpenSSL provider: hash, random, verify. Nothing here opens anything. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/openssl/state.h"

int ossl_error(int error)
{
    ERR_clear_error();
    return error;
}

struct sig_names {
    const char *name;
    int nid;
    bool ec;
};

static const struct sig_names sigs[] = {
    [SIG_P256] = {"P-256", NID_X9_62_prime256v1, true},
    [SIG_P384] = {"P-384", NID_secp384r1, true},
    [SIG_P521] = {"P-521", NID_secp521r1, true},
    [SIG_ED25519] = {"ED25519", NID_ED25519, false},
    [SIG_ED448] = {"ED448", NID_ED448, false},
};

bool ossl_sig_is_ec(const struct crypto_suite *suite)
{
    return sigs[suite->sig].ec;
}

const char *ossl_sig_name(const struct crypto_suite *suite)
{
    return sigs[suite->sig].name;
}

int ossl_sig_nid(const struct crypto_suite *suite)
{
    return sigs[suite->sig].nid;
}

const char *ossl_md_name(const struct crypto_suite *suite)
{
    static const char *const names[] = {
        [HASH_SHA256] = "SHA256", [HASH_SHA384] = "SHA384", [HASH_SHA512] = "SHA512"};
    return names[suite->hash];
}

static bool open_verify(struct ossl *o)
{
    o->verify_key = EVP_EC_gen(ossl_sig_name(o->suite));
    if (o->verify_key == NULL)
        return false;
    o->verify_ctx = EVP_PKEY_CTX_new(o->verify_key, NULL);
    return o->verify_ctx != NULL && EVP_PKEY_verify_init(o->verify_ctx) == 1;
}

int ossl_open_public(const struct crypto_suite *suite, void **out)
{
    struct ossl *o = calloc(1, sizeof *o);
    if (o == NULL)
        return CONCLAVE_ENOMEM;
    o->suite = suite;
    o->md = EVP_MD_fetch(NULL, ossl_md_name(suite), NULL);
    o->md_ctx = EVP_MD_CTX_new();
    if (o->md == NULL || o->md_ctx == NULL || (ossl_sig_is_ec(suite) && !open_verify(o))) {
        ossl_close_public(o);
        return ossl_error(CONCLAVE_ECRYPTO);
    }
    *out = o;
    return 0;
}

void ossl_close_public(void *state)
{
    struct ossl *o = state;
    EVP_PKEY_CTX_free(o->verify_ctx);
    EVP_PKEY_free(o->verify_key);
    EVP_MD_CTX_free(o->md_ctx);
    EVP_MD_free(o->md);
    free(o);
}

int ossl_random(void *state, uint8_t *out, size_t n)
{
    (void)state;
    return RAND_priv_bytes_ex(NULL, out, n, 0) == 1 ? 0 : ossl_error(CONCLAVE_ERANDOM);
}

int ossl_hash(void *state, const struct bytes *parts, size_t n, uint8_t *out)
{
    struct ossl *o = state;
    if (EVP_DigestInit_ex2(o->md_ctx, o->md, NULL) != 1)
        return ossl_error(CONCLAVE_ECRYPTO);
    for (size_t i = 0; i < n; i++)
        if (parts[i].n != 0 && EVP_DigestUpdate(o->md_ctx, parts[i].p, parts[i].n) != 1)
            return ossl_error(CONCLAVE_ECRYPTO);
    return EVP_DigestFinal_ex(o->md_ctx, out, NULL) == 1 ? 0 : ossl_error(CONCLAVE_ECRYPTO);
}

static int verify_ec(struct ossl *o, struct bytes pub, const struct bytes *parts, size_t n,
                     struct bytes sig)
{
    uint8_t digest[CRYPTO_HASH_MAX];
    if (pub.p[0] != 0x04) /* RFC 9420 5.1.1: UncompressedPointRepresentation only */
        return CONCLAVE_EKEY;
    int rv = ossl_hash(o, parts, n, digest);
    if (rv != 0)
        return rv;
    if (EVP_PKEY_set1_encoded_public_key(o->verify_key, pub.p, pub.n) != 1)
        return ossl_error(CONCLAVE_EKEY);
    if (EVP_PKEY_verify(o->verify_ctx, sig.p, sig.n, digest, o->suite->nh) != 1)
        return ossl_error(CONCLAVE_ESIGNATURE);
    return 0;
}

/* EdDSA hashes the message twice, so it must be in one piece. */
static int verify_ed(struct ossl *o, struct bytes pub, const struct bytes *parts, size_t n,
                     struct bytes sig)
{
    struct buf message = {0};
    for (size_t i = 0; i < n; i++)
        buf_put(&message, parts[i]);
    int rv = buf_check(&message);
    if (rv != 0) {
        buf_free(&message);
        return rv;
    }
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key_ex(NULL, ossl_sig_name(o->suite), NULL, pub.p, pub.n);
    rv = key == NULL ? CONCLAVE_EKEY : CONCLAVE_ESIGNATURE;
    if (key != NULL && EVP_DigestVerifyInit_ex(o->md_ctx, NULL, NULL, NULL, NULL, key, NULL) == 1 &&
        EVP_DigestVerify(o->md_ctx, sig.p, sig.n, message.p, message.n) == 1)
        rv = 0;
    EVP_MD_CTX_reset(o->md_ctx);
    EVP_PKEY_free(key);
    buf_free(&message);
    return rv == 0 ? 0 : ossl_error(rv);
}

int ossl_verify(void *state, struct bytes pub, const struct bytes *parts, size_t n,
                struct bytes sig)
{
    struct ossl *o = state;
    if (sig.n == 0 || sig.n > CRYPTO_SIGNATURE_MAX)
        return CONCLAVE_ESIGNATURE;
    return ossl_sig_is_ec(o->suite) ? verify_ec(o, pub, parts, n, sig)
                                    : verify_ed(o, pub, parts, n, sig);
}

/* Points of small order, little-endian, the top bit of X25519 cleared: Diffie-Hellman with one of
 * them gives zero whatever the other key is. RFC 7748 section 7; their list follows from the
 * curves' cofactors 8 and 4, each as a value below and, where it fits, not below the prime. */
static const uint8_t small_25519[][32] = {
    {0},
    {1},
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
     0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
     0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
     0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
     0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57},
    {0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xed, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
    {0xee, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
};

static bool is_small_25519(struct bytes pub)
{
    uint8_t u[32];
    memcpy(u, pub.p, sizeof u);
    u[31] &= 0x7f;
    for (size_t i = 0; i < sizeof small_25519 / sizeof small_25519[0]; i++)
        if (bytes_equal(bytes_of(u, sizeof u), bytes_of(small_25519[i], sizeof small_25519[i])))
            return true;
    return false;
}

/* Curve448: 0, 1 and p - 1, and p and p + 1, which stand for 0 and 1 (p = 2^448 - 2^224 - 1). */
static bool is_small_448(struct bytes pub)
{
    uint8_t u[5][56] = {{0}, {1}};
    for (unsigned i = 2; i < 5; i++) {
        memset(u[i], 0xff, sizeof u[i]);
        u[i][28] = 0xfe;
    }
    u[2][0] = 0xfe;      /* p - 1; u[3] is p */
    memset(u[4], 0, 28); /* p + 1 = 2^448 - 2^224 */
    u[4][28] = 0xff;
    for (unsigned i = 0; i < 5; i++)
        if (bytes_equal(pub, bytes_of(u[i], sizeof u[i])))
            return true;
    return false;
}

/* In the suites with NIST curves the KEM's curve is the signature's, so the key object that
 * verifies can also tell a point from what is none. */
int ossl_check_public(void *state, struct bytes pub)
{
    struct ossl *o = state;
    switch (o->suite->curve) {
    case CURVE_X25519:
        return is_small_25519(pub) ? CONCLAVE_EKEY : 0;
    case CURVE_X448:
        return is_small_448(pub) ? CONCLAVE_EKEY : 0;
    case CURVE_P256:
    case CURVE_P384:
    case CURVE_P521:
        break;
    }
    return pub.p[0] == 0x04 && EVP_PKEY_set1_encoded_public_key(o->verify_key, pub.p, pub.n) == 1
               ? 0
               : ossl_error(CONCLAVE_EKEY);
}

const struct crypto_ops crypto_openssl_public = {
    .name = "openssl-public",
    .open = ossl_open_public,
    .close = ossl_close_public,
    .random = ossl_random,
    .hash = ossl_hash,
    .verify = ossl_verify,
    .check_public = ossl_check_public,
    .secret = NULL,
};
