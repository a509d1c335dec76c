/* HMAC-SHA1, for the one protocol that knows nothing better: STUN (RFC 8489 14.5). As a MAC it has
 * not been broken; as a hash SHA-1 has, and is not offered. */
#ifndef CRYPTO_SHA1_H
#define CRYPTO_SHA1_H

#include <conclave/bytes.h>

#define SHA1_SIZE 20

/* RFC 2104; the key may be empty. ECRYPTO. */
int crypto_hmac_sha1(struct bytes key, struct bytes data,
                     uint8_t out[static SHA1_SIZE]) CONCLAVE_CHECKED;

#endif
