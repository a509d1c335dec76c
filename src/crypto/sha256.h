/* SHA-256 by itself: for what is hashed with it whatever the meeting's suite is. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include <conclave/bytes.h>

#define SHA256_SIZE 32

/* ECRYPTO. */
int crypto_sha256(struct bytes data, uint8_t out[static SHA256_SIZE]) CONCLAVE_CHECKED;

/* RFC 2104; the key may be empty. In an object of its own: who keys nothing links none of it.
 * ECRYPTO. */
int crypto_hmac_sha256(struct bytes key, struct bytes data,
                       uint8_t out[static SHA256_SIZE]) CONCLAVE_CHECKED;

#endif
