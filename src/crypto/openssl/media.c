/* Keyed contexts for media through OpenSSL: AES-GCM, and the AES-CTR with HMAC of RFC 9605 4.5.1.
 * Algorithms are fetched once for an engine; a key holds a cipher context that only takes a new
 * nonce with each call. */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "base/taint.h"
#include "base/wipe.h"
#include "crypto/aead.h"

struct shared {
    EVP_CIPHER *gcm[2], *ctr[2]; /* 128, 256 */
    EVP_MD *md[2];               /* SHA-256, SHA-512 */
    EVP_MD_CTX *md_ctx;
    EVP_CIPHER_CTX *cipher_ctx; /* for key derivation */
};

struct key {
    struct shared *shared;
    EVP_CIPHER_CTX *ctx;
    enum aead_hash hash;
    uint8_t auth_n;
    uint8_t auth[AEAD_HASH_MAX];
};

static int failed(int error)
{
    ERR_clear_error();
    return error;
}

static void media_close(void *shared)
{
    struct shared *s = shared;
    for (size_t i = 0; i < 2; i++) {
        EVP_CIPHER_free(s->gcm[i]);
        EVP_CIPHER_free(s->ctr[i]);
        EVP_MD_free(s->md[i]);
    }
    EVP_MD_CTX_free(s->md_ctx);
    EVP_CIPHER_CTX_free(s->cipher_ctx);
    free(s);
}

static int media_open(void **out)
{
    struct shared *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->gcm[0] = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    s->gcm[1] = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    s->ctr[0] = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    s->ctr[1] = EVP_CIPHER_fetch(NULL, "AES-256-CTR", NULL);
    s->md[AEAD_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->md[AEAD_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL);
    s->md_ctx = EVP_MD_CTX_new();
    s->cipher_ctx = EVP_CIPHER_CTX_new();
    bool ok = s->md_ctx != NULL && s->cipher_ctx != NULL;
    for (size_t i = 0; i < 2; i++)
        ok = ok && s->gcm[i] != NULL && s->ctr[i] != NULL && s->md[i] != NULL;
    if (!ok) {
        media_close(s);
        return failed(CONCLAVE_ECRYPTO);
    }
    *out = s;
    return 0;
}

static int media_random(uint8_t *out, size_t n)
{
    return RAND_priv_bytes_ex(NULL, out, n, 0) == 1 ? 0 : failed(CONCLAVE_ERANDOM);
}

static bool digest(struct shared *s, enum aead_hash hash, const uint8_t *pad, size_t pad_n,
                   const struct bytes *parts, size_t n, uint8_t *out)
{
    bool ok = EVP_DigestInit_ex2(s->md_ctx, s->md[hash], NULL) == 1 &&
              EVP_DigestUpdate(s->md_ctx, pad, pad_n) == 1;
    for (size_t i = 0; i < n; i++)
        ok = ok && (parts[i].n == 0 || EVP_DigestUpdate(s->md_ctx, parts[i].p, parts[i].n) == 1);
    return ok && EVP_DigestFinal_ex(s->md_ctx, out, NULL) == 1;
}

/* RFC 2104 on the plain digest, for keys no longer than a block: EVP_MAC allocates for each. */
static int media_hmac(void *shared, enum aead_hash hash, struct bytes key,
                      const struct bytes *parts, size_t n, uint8_t *out)
{
    struct shared *s = shared;
    size_t block = hash == AEAD_SHA256 ? 64 : 128;
    uint8_t pad[128] = {0}, inner[AEAD_HASH_MAX];
    if (key.n > block)
        return CONCLAVE_EINTERNAL;
    if (key.n != 0)
        memcpy(pad, key.p, key.n);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36;
    bool ok = digest(s, hash, pad, block, parts, n, inner);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    struct bytes outer = bytes_of(inner, aead_hash_size(hash));
    ok = ok && digest(s, hash, pad, block, &outer, 1, out);
    wipe(pad, sizeof pad);
    wipe(inner, sizeof inner);
    return ok ? 0 : failed(CONCLAVE_ECRYPTO);
}

static int media_keystream(void *shared, struct bytes key, const uint8_t *iv, uint8_t *out,
                           size_t n)
{
    struct shared *s = shared;
    int done = 0;
    memset(out, 0, n);
    bool ok = (key.n == 16 || key.n == 32) && n <= INT32_MAX &&
              EVP_EncryptInit_ex2(s->cipher_ctx, s->ctr[key.n == 32], key.p, iv, NULL) == 1 &&
              EVP_EncryptUpdate(s->cipher_ctx, out, &done, out, (int)n) == 1;
    (void)EVP_CIPHER_CTX_reset(s->cipher_ctx); /* wipes the key schedule */
    return ok ? 0 : failed(CONCLAVE_ECRYPTO);
}

static struct key *key_of(struct aead *a)
{
    return (struct key *)(void *)a->state;
}

static void media_fini(struct aead *a)
{
    EVP_CIPHER_CTX_free(key_of(a)->ctx);
}

static int gcm_seal(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes plain,
                    uint8_t *out, uint8_t *out_tag)
{
    EVP_CIPHER_CTX *ctx = key_of(a)->ctx;
    int n = 0, last = 0;
    uint8_t rest[AEAD_TAG]; /* GCM has none; and out may be NULL, to which nothing can be added */
    if (aad.n > AEAD_INPUT_MAX || plain.n > AEAD_INPUT_MAX)
        return CONCLAVE_EINVAL;
    bool ok = EVP_EncryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1 &&
              (aad.n == 0 || EVP_EncryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
              (plain.n == 0 || EVP_EncryptUpdate(ctx, out, &n, plain.p, (int)plain.n) == 1) &&
              EVP_EncryptFinal_ex(ctx, rest, &last) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out_tag) == 1;
    if (ok)
        return 0;
    wipe(out, plain.n);
    return failed(CONCLAVE_ECRYPTO);
}

static int gcm_open(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes cipher,
                    const uint8_t *tag, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = key_of(a)->ctx;
    int n = 0, last = 0;
    if (aad.n > AEAD_INPUT_MAX || cipher.n > AEAD_INPUT_MAX)
        return CONCLAVE_EINVAL;
    uint8_t copy[AEAD_TAG], rest[AEAD_TAG];
    memcpy(copy, tag, sizeof copy);
    bool ok = EVP_DecryptInit_ex2(ctx, NULL, NULL, nonce, NULL) == 1 &&
              (aad.n == 0 || EVP_DecryptUpdate(ctx, NULL, &n, aad.p, (int)aad.n) == 1) &&
              (cipher.n == 0 || EVP_DecryptUpdate(ctx, out, &n, cipher.p, (int)cipher.n) == 1) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, copy) == 1 &&
              EVP_DecryptFinal_ex(ctx, rest, &last) == 1;
    if (ok)
        return 0;
    wipe(out, cipher.n);
    return failed(CONCLAVE_EDECRYPT);
}

static void gcm_bare(struct aead *a, bool sealing, const uint8_t *nonce, struct bytes aad,
                     struct bytes in, uint8_t *out, uint8_t *out_tag)
{
    EVP_CIPHER_CTX *ctx = key_of(a)->ctx;
    int n;
    (void)EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, sealing, NULL);
    (void)EVP_CipherUpdate(ctx, NULL, &n, aad.p, (int)aad.n);
    (void)EVP_CipherUpdate(ctx, out, &n, in.p, (int)in.n);
    if (!sealing)
        (void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, out_tag);
    (void)EVP_CipherFinal_ex(ctx, out + in.n, &n);
    if (sealing)
        (void)EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out_tag);
}

/* RFC 9605 4.5.1: compute_tag */
static int ctr_tag(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes cipher,
                   uint8_t out[static AEAD_HASH_MAX])
{
    struct key *k = key_of(a);
    uint8_t lengths[24];
    uint64_t values[3] = {aad.n, cipher.n, a->tag_n};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 8; j++)
            lengths[8 * i + j] = (uint8_t)(values[i] >> (56 - 8 * j));
    struct bytes parts[4] = {bytes_of(lengths, sizeof lengths), bytes_of(nonce, AEAD_NONCE), aad,
                             cipher};
    return media_hmac(k->shared, k->hash, bytes_of(k->auth, k->auth_n), parts, 4, out);
}

/* RFC 9605 4.5.1: the nonce with four zero bytes is the first counter block */
static int ctr_crypt(struct aead *a, const uint8_t *nonce, struct bytes in, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = key_of(a)->ctx;
    uint8_t iv[16] = {0};
    int n = 0;
    memcpy(iv, nonce, AEAD_NONCE);
    bool ok = EVP_EncryptInit_ex2(ctx, NULL, NULL, iv, NULL) == 1 &&
              (in.n == 0 || EVP_EncryptUpdate(ctx, out, &n, in.p, (int)in.n) == 1);
    return ok ? 0 : failed(CONCLAVE_ECRYPTO);
}

static int ctr_seal(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes plain,
                    uint8_t *out, uint8_t *out_tag)
{
    uint8_t tag[AEAD_HASH_MAX];
    if (aad.n > AEAD_INPUT_MAX || plain.n > AEAD_INPUT_MAX)
        return CONCLAVE_EINVAL;
    int rv = ctr_crypt(a, nonce, plain, out);
    if (rv == 0)
        rv = ctr_tag(a, nonce, aad, bytes_of(out, plain.n), tag);
    if (rv == 0)
        memcpy(out_tag, tag, a->tag_n);
    else
        wipe(out, plain.n);
    return rv;
}

static int ctr_open(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes cipher,
                    const uint8_t *tag, uint8_t *out)
{
    uint8_t want[AEAD_HASH_MAX];
    if (aad.n > AEAD_INPUT_MAX || cipher.n > AEAD_INPUT_MAX)
        return CONCLAVE_EINVAL;
    int rv = ctr_tag(a, nonce, aad, cipher, want);
    if (rv == 0) {
        int differ = CRYPTO_memcmp(want, tag, a->tag_n);
        taint_public(&differ, sizeof differ);
        rv = differ != 0 ? CONCLAVE_EDECRYPT : ctr_crypt(a, nonce, cipher, out);
    }
    wipe(want, sizeof want); /* the right tag for a frame somebody made up */
    if (rv != 0)
        wipe(out, cipher.n);
    return rv;
}

static size_t media_state_size(enum aead_alg alg)
{
    (void)alg;
    return sizeof(struct key);
}

static int media_init(void *shared, struct aead *a, enum aead_alg alg, struct bytes key)
{
    struct shared *s = shared;
    struct key *k = key_of(a);
    bool gcm = alg == AEAD_ALG_GCM128 || alg == AEAD_ALG_GCM256;
    bool large = alg == AEAD_ALG_GCM256 || alg == AEAD_ALG_CTR256_SHA512;
    k->shared = s;
    k->ctx = EVP_CIPHER_CTX_new();
    a->fini = media_fini;
    a->seal = gcm ? gcm_seal : ctr_seal;
    a->open = gcm ? gcm_open : ctr_open;
    a->bare = gcm ? gcm_bare : NULL;
    if (k->ctx == NULL ||
        EVP_EncryptInit_ex2(k->ctx, gcm ? s->gcm[large] : s->ctr[large], key.p, NULL, NULL) != 1)
        return failed(CONCLAVE_ECRYPTO);
    if (!gcm) {
        size_t nka = large ? 32 : 16; /* RFC 9605 4.5.1: derive_subkeys */
        k->hash = large ? AEAD_SHA512 : AEAD_SHA256;
        k->auth_n = (uint8_t)(key.n - nka);
        memcpy(k->auth, key.p + nka, k->auth_n);
    }
    return 0;
}

const struct aead_provider aead_provider_openssl = {
    .name = "openssl",
    .open = media_open,
    .close = media_close,
    .state_size = media_state_size,
    .init = media_init,
    .hmac = media_hmac,
    .keystream = media_keystream,
    .random = media_random,
};
