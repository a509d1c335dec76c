/* Signatures and public keys that were found good, so that they need not be looked at again: for
 * programs that hold many members of the same groups (rooms of devices, gateways, benches), and for
 * joining a group again.
 *
 * An entry is a hash of suite, key, message and signature; a signature that is good for one message
 * and key stays good for ever. Bad ones are never remembered. The table has a fixed size; a new
 * entry takes the place of an old one of its row. One thread at a time. */
#ifndef CRYPTO_VERIFIED_H
#define CRYPTO_VERIFIED_H

#include "crypto/suite.h"

#define VERIFIED_KEY CRYPTO_HASH_MAX

/* Whether it was found good before; a public key by itself has no parts and an empty signature.
 * out_key: the entry's hash, for crypto_verified_put(). EINVAL
 * for more parts than a label has, ECRYPTO. */
int crypto_verified_find(struct crypto_verified *v, struct crypto *c, struct bytes pub,
                         const struct bytes *parts, size_t n, struct bytes sig,
                         uint8_t out_key[static VERIFIED_KEY], bool *out_found) CONCLAVE_CHECKED;
void crypto_verified_put(struct crypto_verified *v, const uint8_t key[static VERIFIED_KEY]);

#endif
