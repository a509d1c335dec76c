/* The suite interface: what a cipher suite consists of, and the table of functions a provider
 * implements. All else in the project calls the wrappers below; only providers see more.
 *
 * RFC 9420 section 5.1: a suite names an HPKE KEM, KDF and AEAD, a hash, a MAC (HMAC with that
 * hash) and a signature algorithm. In all registered suites the KEM's hash is the suite's hash.
 */
#ifndef CRYPTO_SUITE_H
#define CRYPTO_SUITE_H

#include <conclave/crypto.h>

#include "base/secret.h"

enum crypto_hash_id { HASH_SHA256, HASH_SHA384, HASH_SHA512 };
enum crypto_curve_id { CURVE_P256, CURVE_P384, CURVE_P521, CURVE_X25519, CURVE_X448 };
enum crypto_aead_id { AEAD_AES128GCM, AEAD_AES256GCM, AEAD_CHACHA20POLY1305 };
enum crypto_sig_id { SIG_P256, SIG_P384, SIG_P521, SIG_ED25519, SIG_ED448 };

struct crypto_suite {
    uint16_t id;
    enum crypto_hash_id hash;
    enum crypto_curve_id curve;
    enum crypto_aead_id aead;
    enum crypto_sig_id sig;
    uint16_t kem_id, kdf_id, aead_id; /* RFC 9180 section 7 */
    uint8_t nh;                       /* hash, MAC and KDF output */
    uint8_t nk, nn;                   /* AEAD key and nonce; the tag is 16 */
    uint8_t npk, nsk, ndh;            /* HPKE public and private key, DH result */
    uint8_t sig_npk, sig_nsk;         /* signature public and private key */
};

#define CRYPTO_TAG 16
#define CRYPTO_NONCE 12

/* NULL if unknown. */
const struct crypto_suite *crypto_suite_find(uint16_t id);

/* What a certificate says that the protocol itself must look at. Times are Unix seconds. */
struct crypto_certificate {
    uint8_t public_key[CRYPTO_PUBLIC_KEY_MAX]; /* in the encoding of RFC 9420 section 5.1.1 */
    size_t public_key_n;
    uint64_t not_before, not_after;
};

/* Working on secrets. A public context has none of this. Outputs are of the suite's sizes. */
struct crypto_secret_ops {
    int (*hmac)(void *state, struct bytes key, const struct bytes *parts, size_t n, uint8_t *out);
    /* out: plain.n + CRYPTO_TAG bytes */
    int (*aead_seal)(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                     struct bytes plain, uint8_t *out);
    /* out: cipher.n - CRYPTO_TAG bytes, zeroed if EDECRYPT */
    int (*aead_open)(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                     struct bytes cipher, uint8_t *out);
    /* EKEY if the scalar is out of range (RFC 9180 7.1.3 retries then) */
    int (*dh_public)(void *state, struct bytes priv, uint8_t *out);
    /* EKEY if pub is no point of the curve or the result is all zero (RFC 9180 7.1.4) */
    int (*dh)(void *state, struct bytes priv, struct bytes pub, uint8_t *out);
};

struct crypto_ops {
    const char *name;
    int (*open)(const struct crypto_suite *suite, void **out_state);
    void (*close)(void *state);
    int (*random)(void *state, uint8_t *out, size_t n);
    int (*hash)(void *state, const struct bytes *parts, size_t n, uint8_t *out);
    /* 0, ESIGNATURE, or EKEY if pub is not a key */
    int (*verify)(void *state, struct bytes pub, const struct bytes *parts, size_t n,
                  struct bytes sig);
    /* whether Diffie-Hellman with this public key can succeed: EKEY (RFC 9180 7.1.4) */
    int (*check_public)(void *state, struct bytes pub);
    const struct crypto_secret_ops *secret; /* NULL in a public context */
};

struct crypto {
    const struct crypto_suite *suite;
    const struct crypto_ops *ops;
    void *state;
    uint8_t psk_id_hash[CRYPTO_HASH_MAX]; /* HPKE base mode: the same for every message */
    const struct crypto_signer_source *signers;
    int (*ready)(struct crypto *c);   /* fills psk_id_hash; NULL in a public context */
    struct crypto_verified *verified; /* borrowed, or NULL: every signature is verified */
};

/* How a provider makes signature keys. */
struct crypto_signer_source {
    /* priv.n == 0: generate */
    int (*make)(void *state, struct bytes priv, struct crypto_signer **out);
};

struct crypto_signer_ops {
    int (*sign)(void *key, const struct bytes *parts, size_t n, uint8_t *out, size_t *out_n);
    int (*export_private)(void *key, struct buf *out);
    void (*free)(void *key);
};

struct crypto_signer {
    const struct crypto_signer_ops *ops;
    void *key;
    uint8_t public_key[CRYPTO_PUBLIC_KEY_MAX];
    size_t public_key_n;
};

/* The providers. */
extern const struct crypto_ops crypto_openssl;
extern const struct crypto_ops crypto_openssl_public;
extern const struct crypto_signer_source crypto_openssl_signers;
extern const struct crypto_ops crypto_host;
extern const struct crypto_ops crypto_host_public;
extern const struct crypto_signer_source crypto_host_signers;

int crypto_new_with(uint16_t suite, const struct crypto_ops *ops, int (*ready)(struct crypto *),
                    struct crypto **out) CONCLAVE_CHECKED;

/* Wrappers: the parts are hashed or signed as if concatenated. */

int crypto_hash(struct crypto *c, const struct bytes *parts, size_t n,
                uint8_t *out) CONCLAVE_CHECKED;
int crypto_verify(struct crypto *c, struct bytes pub, const struct bytes *parts, size_t n,
                  struct bytes sig) CONCLAVE_CHECKED;
int crypto_certificate(struct crypto *c, struct bytes der,
                       struct crypto_certificate *out) CONCLAVE_CHECKED;
/* A key of the suite's KEM that can be encrypted to. EKEY. */
int crypto_check_public(struct crypto *c, struct bytes pub) CONCLAVE_CHECKED;
int crypto_sign(struct crypto_signer *s, const struct bytes *parts, size_t n,
                uint8_t out[static CRYPTO_SIGNATURE_MAX], size_t *out_n) CONCLAVE_CHECKED;

/* These need a full context; EUNSUPPORTED in a public one. They are in kdf.c, apart, so that who
 * links only the public part links none of them. */
int crypto_hmac(struct crypto *c, struct bytes key, const struct bytes *parts, size_t n,
                uint8_t *out) CONCLAVE_CHECKED;
int crypto_aead_seal(struct crypto *c, const struct secret *key, const uint8_t *nonce,
                     struct bytes aad, struct bytes plain, struct buf *out) CONCLAVE_CHECKED;
int crypto_aead_open(struct crypto *c, const struct secret *key, const uint8_t *nonce,
                     struct bytes aad, struct bytes cipher, struct buf *out) CONCLAVE_CHECKED;

/* RFC 5869. Extract's salt may be empty; the result has nh bytes. Expand: n <= 255 * nh. */
int crypto_extract(struct crypto *c, struct bytes salt, const struct bytes *ikm, size_t n,
                   struct secret *out) CONCLAVE_CHECKED;
int crypto_expand(struct crypto *c, const struct secret *prk, const struct bytes *info,
                  size_t n_info, size_t n, uint8_t *out) CONCLAVE_CHECKED;

#endif
