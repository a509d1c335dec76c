/* Keyed AEAD contexts for media: the key schedule is made once, a call allocates nothing.
 *
 * The suite interface (crypto/suite.h) keys anew for each message, as MLS needs it. Media seals
 * thousands of frames with one key, so here a key is an object. Two providers implement it: OpenSSL
 * everywhere, and intel-ipsec-mb on x86-64, chosen at run time if it is built in and the processor
 * has AES-NI, PCLMULQDQ and AVX. An engine and its keys serve one thread at a time.
 */
#ifndef CRYPTO_AEAD_H
#define CRYPTO_AEAD_H

#include <conclave/bytes.h>

#include "base/mix.h"

#define AEAD_NONCE 12
#define AEAD_TAG 16
#define AEAD_KEY_MAX 96 /* AES-256-CTR with HMAC-SHA-512: 32 + 64 */
#define AEAD_HASH_MAX 64

/* One call at most: what every provider takes (OpenSSL counts in int). */
#define AEAD_INPUT_MAX ((size_t)1 << 30)

enum aead_alg {
    AEAD_ALG_GCM128,
    AEAD_ALG_GCM256,
    AEAD_ALG_CTR128_SHA256, /* RFC 9605 4.5.1: AES-CTR, then HMAC */
    AEAD_ALG_CTR256_SHA512,
};

enum aead_hash { AEAD_SHA256, AEAD_SHA512 };

enum aead_choice { AEAD_BEST, AEAD_OPENSSL, AEAD_IPSECMB };

/* A key made ready, for one direction or both. The functions are the provider's: call them through
 * aead_seal() and aead_open(). */
struct aead {
    int (*seal)(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes plain,
                uint8_t *out, uint8_t *out_tag);
    int (*open)(struct aead *a, const uint8_t *nonce, struct bytes aad, struct bytes cipher,
                const uint8_t *tag, uint8_t *out);
    /* The primitive alone, without checks and wiping: the floor of benchmarks. */
    void (*bare)(struct aead *a, bool sealing, const uint8_t *nonce, struct bytes aad,
                 struct bytes in, uint8_t *out, uint8_t *out_tag);
    void (*fini)(struct aead *a);
    void *block;    /* what malloc() gave: this struct is aligned within */
    size_t block_n; /* wiped at the end */
    size_t tag_n;
    _Alignas(64) uint8_t state[];
};

struct aead_engine;

/* EUNSUPPORTED if the choice is not built in or this processor cannot; ENOMEM, ECRYPTO, ERANDOM. */
int aead_engine_new(enum aead_choice choice, struct aead_engine **out) CONCLAVE_CHECKED;
void aead_engine_free(struct aead_engine *e);

/* "openssl" or "ipsec-mb". */
const char *aead_engine_name(const struct aead_engine *e);

/* Numbers no peer knows: key the hash tables of peers' numbers. */
struct mix_seed aead_engine_seed(const struct aead_engine *e);

/* 16 or 32 bytes for GCM, 48 or 96 for CTR with HMAC. */
size_t aead_key_size(enum aead_alg alg);

/* tag_n: AEAD_TAG for GCM, 4 to AEAD_TAG for the others. The engine must outlive the key. EINVAL
 * for another key or tag size; ENOMEM, ECRYPTO. */
int aead_new(struct aead_engine *e, enum aead_alg alg, size_t tag_n, struct bytes key,
             struct aead **out) CONCLAVE_CHECKED;
void aead_free(struct aead *a);

/* out may be plain.p or overlap nothing of it; out_tag may lie anywhere else. ECRYPTO. */
CONCLAVE_CHECKED static inline int aead_seal(struct aead *a, const uint8_t nonce[static AEAD_NONCE],
                                             struct bytes aad, struct bytes plain, uint8_t *out,
                                             uint8_t *out_tag)
{
    return a->seal(a, nonce, aad, plain, out, out_tag);
}

/* out may be cipher.p or overlap nothing of it. EDECRYPT, and then out is zeroed. */
CONCLAVE_CHECKED static inline int aead_open(struct aead *a, const uint8_t nonce[static AEAD_NONCE],
                                             struct bytes aad, struct bytes cipher,
                                             const uint8_t *tag, uint8_t *out)
{
    return a->open(a, nonce, aad, cipher, tag, out);
}

/* Asks the processor to fetch a key that will be used soon: a key schedule is 1 kB, and with many
 * keys waiting for it costs as much as the encryption. */
#define AEAD_LINE 64
static inline void aead_prefetch(const struct aead *a)
{
    const uint8_t *p = (const uint8_t *)a;
    for (size_t i = 0; i < 18; i++)
        __builtin_prefetch(p + i * AEAD_LINE);
}

/* RFC 5869, for deriving media keys; out_prk has the hash's size. ECRYPTO. */
size_t aead_hash_size(enum aead_hash hash);
int aead_extract(struct aead_engine *e, enum aead_hash hash, struct bytes ikm,
                 uint8_t out_prk[static AEAD_HASH_MAX]) CONCLAVE_CHECKED;
int aead_expand(struct aead_engine *e, enum aead_hash hash, struct bytes prk, struct bytes info,
                uint8_t *out, size_t n) CONCLAVE_CHECKED;

/* n bytes of AES-CTR key stream from a whole 16-byte counter block: RFC 3711 4.3.3. ECRYPTO. */
int aead_keystream(struct aead_engine *e, struct bytes key, const uint8_t iv[static 16],
                   uint8_t *out, size_t n) CONCLAVE_CHECKED;

/* What a provider implements. */
struct aead_provider {
    const char *name;
    int (*open)(void **out_shared);
    void (*close)(void *shared);
    size_t (*state_size)(enum aead_alg alg); /* 0: not this one */
    int (*init)(void *shared, struct aead *a, enum aead_alg alg, struct bytes key);
    int (*hmac)(void *shared, enum aead_hash hash, struct bytes key, const struct bytes *parts,
                size_t n, uint8_t *out);
    int (*keystream)(void *shared, struct bytes key, const uint8_t *iv, uint8_t *out, size_t n);
    int (*random)(uint8_t *out, size_t n);
};

extern const struct aead_provider aead_provider_openssl;
extern const struct aead_provider aead_provider_ipsecmb;
extern const struct aead_provider aead_provider_host;

#endif
