/* Signatures of certificate authorities. Nothing here signs. */
#include "crypto/spki.h"

#include <openssl/x509.h>

#include "crypto/openssl/state.h"

struct algorithm {
    const char *key;
    const char *md; /* NULL: the algorithm brings its own */
};

static const struct algorithm algorithms[] = {
    [SPKI_RSA_SHA256] = {"RSA", "SHA256"},  [SPKI_RSA_SHA384] = {"RSA", "SHA384"},
    [SPKI_RSA_SHA512] = {"RSA", "SHA512"},  [SPKI_ECDSA_SHA256] = {"EC", "SHA256"},
    [SPKI_ECDSA_SHA384] = {"EC", "SHA384"}, [SPKI_ECDSA_SHA512] = {"EC", "SHA512"},
    [SPKI_ED25519] = {"ED25519", NULL},     [SPKI_ED448] = {"ED448", NULL},
};

static EVP_PKEY *key_of(struct bytes spki)
{
    const unsigned char *p = spki.p;
    if (spki.n == 0 || spki.n > INT32_MAX)
        return NULL;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &p, (long)spki.n);
    if (key != NULL && p != spki.p + spki.n) {
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

int spki_verify(enum spki_algorithm algorithm, struct bytes spki, struct bytes message,
                struct bytes signature)
{
    if (algorithm == SPKI_UNKNOWN || (size_t)algorithm >= sizeof algorithms / sizeof algorithms[0])
        return CONCLAVE_EKEY;
    const struct algorithm *a = &algorithms[algorithm];
    EVP_PKEY *key = key_of(spki);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rv = CONCLAVE_ESIGNATURE;
    if (key == NULL || EVP_PKEY_is_a(key, a->key) != 1)
        rv = CONCLAVE_EKEY;
    else if (ctx != NULL && EVP_DigestVerifyInit_ex(ctx, NULL, a->md, NULL, NULL, key, NULL) == 1 &&
             EVP_DigestVerify(ctx, signature.p, signature.n, message.p, message.n) == 1)
        rv = 0;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    return rv == 0 ? 0 : ossl_error(rv);
}

int spki_digest(struct bytes data, uint8_t out[static SPKI_DIGEST])
{
    size_t n = SPKI_DIGEST;
    return EVP_Q_digest(NULL, "SHA256", NULL, data.p, data.n, out, &n) == 1
               ? 0
               : ossl_error(CONCLAVE_ECRYPTO);
}
