/* Keyed AEADs: AES-GCM alone, which is what display names are sealed with. Frames have their AEAD
 * outside (SFRAME_OUTSIDE). */
#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "crypto/aead.h"
#include "crypto/host/result.h"
#include "crypto/suite.h"

static int media_open(void **out)
{
    *out = NULL;
    return 0;
}

static void media_close(void *shared)
{
    (void)shared;
}

struct gcm {
    size_t key_n;
    uint8_t key[32];
};

static size_t state_size(enum aead_alg alg)
{
    return alg == AEAD_ALG_GCM128 || alg == AEAD_ALG_GCM256 ? sizeof(struct gcm) : 0;
}

static const struct gcm *gcm_of(const struct aead *a)
{
    return (const struct gcm *)(const void *)a->state;
}

/* The host has ciphertext and tag in one piece. */
static int seal(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes plain,
                uint8_t *out, uint8_t *out_tag)
{
    const struct gcm *g = gcm_of(a);
    const struct bytes in[4] = {bytes_of(g->key, g->key_n), bytes_of(nonce, AEAD_NONCE), aad,
                                plain};
    uint8_t *whole = malloc(plain.n + AEAD_TAG);
    if (whole == NULL)
        return CONCLAVE_ECRYPTO;
    int rv = host_error(host_gcm_seal(in, whole), CONCLAVE_ECRYPTO);
    if (rv == 0) {
        if (plain.n != 0)
            memcpy(out, whole, plain.n);
        memcpy(out_tag, whole + plain.n, AEAD_TAG);
    }
    free(whole);
    return rv;
}

static int unseal(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes cipher,
                  const uint8_t *tag, uint8_t *out)
{
    const struct gcm *g = gcm_of(a);
    uint8_t *whole = malloc(cipher.n + AEAD_TAG);
    int rv = CONCLAVE_EDECRYPT;
    if (whole != NULL) {
        if (cipher.n != 0)
            memcpy(whole, cipher.p, cipher.n);
        memcpy(whole + cipher.n, tag, AEAD_TAG);
        const struct bytes in[4] = {bytes_of(g->key, g->key_n), bytes_of(nonce, AEAD_NONCE), aad,
                                    bytes_of(whole, cipher.n + AEAD_TAG)};
        rv = host_error(host_gcm_open(in, out), CONCLAVE_EDECRYPT);
    }
    free(whole);
    if (rv != 0 && cipher.n != 0)
        wipe(out, cipher.n);
    return rv;
}

static int init(void *shared, struct aead *a, enum aead_alg alg, struct bytes key)
{
    struct gcm *g = (struct gcm *)(void *)a->state;
    (void)shared;
    if (state_size(alg) == 0 || key.n > sizeof g->key)
        return CONCLAVE_EUNSUPPORTED;
    memcpy(g->key, key.p, key.n);
    g->key_n = key.n;
    a->seal = seal;
    a->open = unseal;
    return 0;
}

static int hmac(void *shared, enum aead_hash hash, struct bytes key, const struct bytes *parts,
                size_t n, uint8_t *out)
{
    (void)shared;
    int id = hash == AEAD_SHA256 ? HASH_SHA256 : HASH_SHA512;
    return host_error(host_hmac(id, &key, parts, n, out), CONCLAVE_ECRYPTO);
}

static int keystream(void *shared, struct bytes key, const uint8_t *iv, uint8_t *out, size_t n)
{
    (void)shared;
    (void)key;
    (void)iv;
    (void)out;
    (void)n;
    return CONCLAVE_EUNSUPPORTED;
}

static int draw(uint8_t *out, size_t n)
{
    return host_random(out, n) == HOST_DONE ? 0 : CONCLAVE_ERANDOM;
}

const struct aead_provider aead_provider_host = {
    .name = "host",
    .open = media_open,
    .close = media_close,
    .state_size = state_size,
    .init = init,
    .hmac = hmac,
    .keystream = keystream,
    .random = draw,
};
