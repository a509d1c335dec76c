/* Signatures under keys that are not a suite's: those of certificate authorities.
 *
 * A key comes as its SubjectPublicKeyInfo (RFC 5280 4.1.2.7), as OpenSSL and WebCrypto both take
 * it. Whether a key is strong enough is the caller's question, asked before.
 */
#ifndef CRYPTO_SPKI_H
#define CRYPTO_SPKI_H

#include <conclave/bytes.h>

enum spki_algorithm {
    SPKI_UNKNOWN,    /* also: too weak to look at */
    SPKI_RSA_SHA256, /* RSASSA-PKCS1-v1_5 */
    SPKI_RSA_SHA384,
    SPKI_RSA_SHA512,
    SPKI_ECDSA_SHA256,
    SPKI_ECDSA_SHA384,
    SPKI_ECDSA_SHA512,
    SPKI_ED25519,
    SPKI_ED448,
};

#define SPKI_DIGEST 32

/* 0 if the signature holds. EKEY: no key, or not one of this algorithm. ESIGNATURE: it does not
 * hold, or nothing else that is known to be success. */
int spki_verify(enum spki_algorithm algorithm, struct bytes spki, struct bytes message,
                struct bytes signature) CONCLAVE_CHECKED;

/* A key made ready, for one that many signatures are checked under: that is most of the time a
 * check takes beyond the arithmetic. May be used by many threads. EKEY. */
struct spki_key;
int spki_key_new(struct bytes spki, struct spki_key **out) CONCLAVE_CHECKED;
void spki_key_free(struct spki_key *key);
int spki_key_verify(const struct spki_key *key, enum spki_algorithm algorithm, struct bytes message,
                    struct bytes signature) CONCLAVE_CHECKED;

/* SHA-256. ECRYPTO. */
int spki_digest(struct bytes data, uint8_t out[static SPKI_DIGEST]) CONCLAVE_CHECKED;

#endif
