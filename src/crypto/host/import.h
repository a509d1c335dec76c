/* What the core asks of the program it runs in, where that is JavaScript: the only imports of the
 * WebAssembly module (tools/build-wasm.sh refuses any other).
 *
 * Inputs come as arrays of views into the module's memory; parts are taken as if concatenated.
 * Signatures are r || s for ECDSA (WebCrypto's form), as they are for the others. Outputs have the
 * size that follows from the algorithm, and are whole or not written.
 */
#ifndef CRYPTO_HOST_IMPORT_H
#define CRYPTO_HOST_IMPORT_H

#include <conclave/bytes.h>

#if defined(__wasm__)
#define HOST_IMPORT(name) __attribute__((import_module("conclave"), import_name(name)))
#else
#define HOST_IMPORT(name) /* a native test brings its own */
#endif

enum host_result {
    HOST_DONE = 0,
    HOST_NO = 1,       /* the tag or signature is wrong, the bytes are no key */
    HOST_FAILED = 2,   /* and nothing is known */
    HOST_NOT_HERE = 3, /* an algorithm this host has not */
    HOST_NO_KEY = 4,   /* verify: the public key is none */
};

/* The numbers of enum crypto_hash_id, crypto_curve_id, crypto_sig_id and spki_algorithm. */

HOST_IMPORT("random") int host_random(uint8_t *out, size_t n);
HOST_IMPORT("hash") int host_hash(int hash, const struct bytes *parts, size_t n, uint8_t *out);
HOST_IMPORT("hmac")
int host_hmac(int hash, const struct bytes *key, const struct bytes *parts, size_t n, uint8_t *out);

/* in: secret, salt. */
HOST_IMPORT("scrypt")
int host_scrypt(const struct bytes in[static 2], uint32_t cost, uint32_t r, uint32_t p,
                uint8_t *out, size_t n);

/* AES-GCM with a tag of 16 bytes behind the ciphertext. in: key, nonce, additional data, text. */
HOST_IMPORT("gcm_seal") int host_gcm_seal(const struct bytes in[static 4], uint8_t *out);
HOST_IMPORT("gcm_open") int host_gcm_open(const struct bytes in[static 4], uint8_t *out);

/* Keys of the KEM in the encoding of RFC 9180 7.1.1. in: private, public. */
HOST_IMPORT("dh_public") int host_dh_public(int curve, const struct bytes *priv, uint8_t *out);
HOST_IMPORT("dh") int host_dh(int curve, const struct bytes in[static 2], uint8_t *out);
HOST_IMPORT("dh_check") int host_dh_check(int curve, const struct bytes *pub);

/* in: public key, signature. */
HOST_IMPORT("verify")
int host_verify(int sig, const struct bytes in[static 2], const struct bytes *parts, size_t n);

/* in: SubjectPublicKeyInfo, message, signature. curve: of ECDSA, a crypto_curve_id. */
HOST_IMPORT("spki_verify")
int host_spki_verify(int algorithm, int curve, const struct bytes in[static 3]);

/* With the key that the host knows under this number. */
HOST_IMPORT("sign") int host_sign(uint32_t key, const struct bytes *parts, size_t n, uint8_t *out);

#endif
