/* Cipher suites and signature keys.
 *
 * A struct crypto is one cipher suite made ready: algorithms fetched once, scratch contexts
 * reused. It serves one thread at a time; crypto_clone() makes another for another thread.
 * A public one can hash and verify but open nothing: it links no decrypting code.
 */
#ifndef CONCLAVE_CRYPTO_H
#define CONCLAVE_CRYPTO_H

#include <conclave/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* RFC 9420 section 17.1; the first is the one that everybody has (RFC 9420 17.1-3). */
enum crypto_suite_id {
    CRYPTO_X25519_AES128GCM_SHA256_ED25519 = 0x0001,
    CRYPTO_P256_AES128GCM_SHA256_P256 = 0x0002, /* the default of Conclave */
    CRYPTO_X25519_CHACHA20POLY1305_SHA256_ED25519 = 0x0003,
    CRYPTO_X448_AES256GCM_SHA512_ED448 = 0x0004,
    CRYPTO_P521_AES256GCM_SHA512_P521 = 0x0005,
    CRYPTO_X448_CHACHA20POLY1305_SHA512_ED448 = 0x0006,
    CRYPTO_P384_AES256GCM_SHA384_P384 = 0x0007,
};

/* Sizes that hold for every suite. */
#define CRYPTO_HASH_MAX 64
#define CRYPTO_PUBLIC_KEY_MAX 133
#define CRYPTO_PRIVATE_KEY_MAX 66
#define CRYPTO_SIGNATURE_MAX 141

struct crypto;

/* ESUITE for an unknown suite, ENOMEM, ECRYPTO if the provider lacks an algorithm. */
int crypto_new(uint16_t suite, struct crypto **out) CONCLAVE_CHECKED;

/* As crypto_new, for hashing, signing and verifying only. */
int crypto_new_public(uint16_t suite, struct crypto **out) CONCLAVE_CHECKED;

/* Another of the same suite and power, for another thread. */
int crypto_clone(const struct crypto *c, struct crypto **out) CONCLAVE_CHECKED;

/* NULL is fine. */
void crypto_free(struct crypto *c);

uint16_t crypto_suite(const struct crypto *c);

/* Fills out with n random bytes. ERANDOM. */
int crypto_random(struct crypto *c, uint8_t *out, size_t n) CONCLAVE_CHECKED;

/* Signatures and keys found good, shared by contexts of one thread: see crypto_remember(). entries:
 * at most 2^24, 32 bytes each. EINVAL, ENOMEM. */
struct crypto_verified;
int crypto_verified_new(size_t entries, struct crypto_verified **out) CONCLAVE_CHECKED;
void crypto_verified_free(struct crypto_verified *v);
void crypto_verified_counts(const struct crypto_verified *v, uint64_t *out_hits,
                            uint64_t *out_misses);

/* A good signature that c has seen before, or another context that remembers in the same place, is
 * not verified again. Borrowed; NULL ends it. Clones do not take it over. */
void crypto_remember(struct crypto *c, struct crypto_verified *v);

/* A signature key that can sign and show its public half (RFC 9420 section 5.1.1 encoding).
 * The private half need not be in memory: see crypto_signer_external(). */
struct crypto_signer;

/* A fresh key for the suite. ERANDOM, ECRYPTO, ENOMEM. */
int crypto_signer_generate(struct crypto *c, struct crypto_signer **out) CONCLAVE_CHECKED;

/* From a private key: for ECDSA the scalar as big-endian bytes (field size), for EdDSA the seed.
 * EKEY if it is not one. The bytes are copied. */
int crypto_signer_from_private(struct crypto *c, struct bytes private_key,
                               struct crypto_signer **out) CONCLAVE_CHECKED;

/* A key that somebody else holds (a token, a browser). sign() writes at most CRYPTO_SIGNATURE_MAX
 * bytes and returns 0 or an error of conclave_error. */
int crypto_signer_external(struct bytes public_key,
                           int (*sign)(void *ctx, struct bytes message, uint8_t *out,
                                       size_t *out_n),
                           void *ctx, struct crypto_signer **out) CONCLAVE_CHECKED;

/* Borrowed; good as long as the signer. */
struct bytes crypto_signer_public(const struct crypto_signer *s);

/* Appends the private key as crypto_signer_from_private() takes it. EUNSUPPORTED if external. */
int crypto_signer_private(const struct crypto_signer *s, struct buf *out) CONCLAVE_CHECKED;

void crypto_signer_free(struct crypto_signer *s);

#ifdef __cplusplus
}
#endif
#endif
