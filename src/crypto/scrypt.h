/* scrypt (RFC 7914): a derivation that costs memory, for what people compare or choose. */
#ifndef CRYPTO_SCRYPT_H
#define CRYPTO_SCRYPT_H

#include <conclave/bytes.h>

struct scrypt_cost {
    uint64_t n;    /* a power of two above 1 */
    uint32_t r, p; /* memory is about 128 * n * r bytes */
};

/* EINVAL for a cost that takes more than 64 MiB; ECRYPTO. */
int crypto_scrypt(struct bytes secret, struct bytes salt, const struct scrypt_cost *cost,
                  uint8_t *out, size_t n) CONCLAVE_CHECKED;

#endif
