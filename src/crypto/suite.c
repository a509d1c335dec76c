#include "crypto/suite.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/provider.h"
#include "crypto/verified.h"

/* RFC 9420 17.1; key sizes from RFC 9180 7.1, 7.2 and 7.3 */
static const struct crypto_suite suites[] = {
    {CRYPTO_X25519_AES128GCM_SHA256_ED25519, HASH_SHA256, CURVE_X25519, AEAD_AES128GCM, SIG_ED25519,
     0x0020, 0x0001, 0x0001, 32, 16, 12, 32, 32, 32, 32, 32},
    {CRYPTO_P256_AES128GCM_SHA256_P256, HASH_SHA256, CURVE_P256, AEAD_AES128GCM, SIG_P256, 0x0010,
     0x0001, 0x0001, 32, 16, 12, 65, 32, 32, 65, 32},
    {CRYPTO_X25519_CHACHA20POLY1305_SHA256_ED25519, HASH_SHA256, CURVE_X25519,
     AEAD_CHACHA20POLY1305, SIG_ED25519, 0x0020, 0x0001, 0x0003, 32, 32, 12, 32, 32, 32, 32, 32},
    {CRYPTO_X448_AES256GCM_SHA512_ED448, HASH_SHA512, CURVE_X448, AEAD_AES256GCM, SIG_ED448, 0x0021,
     0x0003, 0x0002, 64, 32, 12, 56, 56, 56, 57, 57},
    {CRYPTO_P521_AES256GCM_SHA512_P521, HASH_SHA512, CURVE_P521, AEAD_AES256GCM, SIG_P521, 0x0012,
     0x0003, 0x0002, 64, 32, 12, 133, 66, 66, 133, 66},
    {CRYPTO_X448_CHACHA20POLY1305_SHA512_ED448, HASH_SHA512, CURVE_X448, AEAD_CHACHA20POLY1305,
     SIG_ED448, 0x0021, 0x0003, 0x0003, 64, 32, 12, 56, 56, 56, 57, 57},
    {CRYPTO_P384_AES256GCM_SHA384_P384, HASH_SHA384, CURVE_P384, AEAD_AES256GCM, SIG_P384, 0x0011,
     0x0002, 0x0002, 48, 32, 12, 97, 48, 48, 97, 48},
};

const struct crypto_suite *crypto_suite_find(uint16_t id)
{
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
        if (suites[i].id == id)
            return &suites[i];
    return NULL;
}

int crypto_new_with(uint16_t suite, const struct crypto_ops *ops, int (*ready)(struct crypto *),
                    struct crypto **out)
{
    const struct crypto_suite *s = crypto_suite_find(suite);
    if (s == NULL)
        return CONCLAVE_ESUITE;
    struct crypto *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->suite = s;
    c->ops = ops;
    c->signers = &PROVIDER_SIGNERS;
    c->ready = ready;
    int rv = ops->open(s, &c->state);
    if (rv == 0 && ready != NULL)
        rv = ready(c);
    if (rv != 0) {
        crypto_free(c);
        return rv;
    }
    *out = c;
    return 0;
}

int crypto_new_public(uint16_t suite, struct crypto **out)
{
    return crypto_new_with(suite, &PROVIDER_PUBLIC, NULL, out);
}

int crypto_clone(const struct crypto *c, struct crypto **out)
{
    return crypto_new_with(c->suite->id, c->ops, c->ready, out);
}

void crypto_free(struct crypto *c)
{
    if (c == NULL)
        return;
    if (c->state != NULL)
        c->ops->close(c->state);
    free(c);
}

uint16_t crypto_suite(const struct crypto *c)
{
    return c->suite->id;
}

int crypto_random(struct crypto *c, uint8_t *out, size_t n)
{
    return c->ops->random(c->state, out, n);
}

int crypto_hash(struct crypto *c, const struct bytes *parts, size_t n, uint8_t *out)
{
    return c->ops->hash(c->state, parts, n, out);
}

int crypto_verify(struct crypto *c, struct bytes pub, const struct bytes *parts, size_t n,
                  struct bytes sig)
{
    if (pub.n != c->suite->sig_npk)
        return CONCLAVE_EKEY;
    if (c->verified == NULL)
        return c->ops->verify(c->state, pub, parts, n, sig);
    uint8_t key[VERIFIED_KEY];
    bool found = false;
    int rv = crypto_verified_find(c->verified, c, pub, parts, n, sig, key, &found);
    if (rv != 0 || found)
        return rv;
    rv = c->ops->verify(c->state, pub, parts, n, sig);
    if (rv == 0)
        crypto_verified_put(c->verified, key);
    return rv;
}

void crypto_remember(struct crypto *c, struct crypto_verified *v)
{
    c->verified = v;
}

int crypto_check_public(struct crypto *c, struct bytes pub)
{
    uint8_t key[VERIFIED_KEY];
    bool found = false;
    if (pub.n != c->suite->npk)
        return CONCLAVE_EKEY;
    if (c->verified == NULL)
        return c->ops->check_public(c->state, pub);
    /* What is signed begins with a label, so this is nobody's entry but the key's. */
    int rv = crypto_verified_find(c->verified, c, pub, NULL, 0, bytes_of(NULL, 0), key, &found);
    if (rv != 0 || found)
        return rv;
    rv = c->ops->check_public(c->state, pub);
    if (rv == 0)
        crypto_verified_put(c->verified, key);
    return rv;
}
