/* What the OpenSSL provider keeps ready for one suite and one thread. */
#ifndef CRYPTO_OPENSSL_STATE_H
#define CRYPTO_OPENSSL_STATE_H

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "crypto/suite.h"

struct ossl {
    const struct crypto_suite *suite;
    EVP_MD *md;
    EVP_MD_CTX *md_ctx;
    /* ECDSA: one key object whose point is exchanged for each verification, which costs a
     * microsecond where building a new key object costs fifteen. NULL for EdDSA. */
    EVP_PKEY *verify_key;
    EVP_PKEY_CTX *verify_ctx;
    /* Only in a full context: */
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *seal_ctx, *open_ctx;
    EC_GROUP *group; /* NIST curves only */
    EC_POINT *point, *result;
    BIGNUM *scalar, *x;
    BN_CTX *bn_ctx;
};

/* Empties OpenSSL's error queue and returns the error to report. */
int ossl_error(int error);

int ossl_open_public(const struct crypto_suite *suite, void **out);
void ossl_close_public(void *state);
int ossl_random(void *state, uint8_t *out, size_t n);
int ossl_hash(void *state, const struct bytes *parts, size_t n, uint8_t *out);
int ossl_verify(void *state, struct bytes pub, const struct bytes *parts, size_t n,
                struct bytes sig);
int ossl_check_public(void *state, struct bytes pub);

/* Names and ids of the suite's signature algorithm. */
bool ossl_sig_is_ec(const struct crypto_suite *suite);
const char *ossl_sig_name(const struct crypto_suite *suite); /* "P-256", ..., "ED25519", "ED448" */
int ossl_sig_nid(const struct crypto_suite *suite);
const char *ossl_md_name(const struct crypto_suite *suite);

#endif
