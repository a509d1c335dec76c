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

/* A struct spki_key is an EVP_PKEY, and is nothing of its own. */
int spki_key_new(struct bytes spki, struct spki_key **out)
{
    EVP_PKEY *key = key_of(spki);
    if (key == NULL)
        return ossl_error(CONCLAVE_EKEY);
    *out = (struct spki_key *)key;
    return 0;
}

void spki_key_free(struct spki_key *key)
{
    EVP_PKEY_free((EVP_PKEY *)key);
}

int spki_key_verify(const struct spki_key *key, enum spki_algorithm algorithm, struct bytes message,
                    struct bytes signature)
{
    /* OpenSSL counts references in it, and is asked for nothing else that would change it */
    EVP_PKEY *pkey = (EVP_PKEY *)(uintptr_t)key;
    if (algorithm == SPKI_UNKNOWN || (size_t)algorithm >= sizeof algorithms / sizeof algorithms[0])
        return CONCLAVE_EKEY;
    const struct algorithm *a = &algorithms[algorithm];
    if (EVP_PKEY_is_a(pkey, a->key) != 1)
        return ossl_error(CONCLAVE_EKEY);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL &&
              EVP_DigestVerifyInit_ex(ctx, NULL, a->md, NULL, NULL, pkey, NULL) == 1 &&
              EVP_DigestVerify(ctx, signature.p, signature.n, message.p, message.n) == 1;
    EVP_MD_CTX_free(ctx);
    return ok ? 0 : ossl_error(CONCLAVE_ESIGNATURE);
}

int spki_verify(enum spki_algorithm algorithm, struct bytes spki, struct bytes message,
                struct bytes signature)
{
    struct spki_key *key = NULL;
    int rv = spki_key_new(spki, &key);
    if (rv != 0)
        return rv;
    rv = spki_key_verify(key, algorithm, message, signature);
    spki_key_free(key);
    return rv;
}

int spki_digest(struct bytes data, uint8_t out[static SPKI_DIGEST])
{
    size_t n = SPKI_DIGEST;
    return EVP_Q_digest(NULL, "SHA256", NULL, data.p, data.n, out, &n) == 1
               ? 0
               : ossl_error(CONCLAVE_ECRYPTO);
}
