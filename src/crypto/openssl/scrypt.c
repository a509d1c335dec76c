#include "crypto/scrypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#define MEMORY_MAX (64u << 20)

int crypto_scrypt(struct bytes secret, struct bytes salt, const struct scrypt_cost *cost,
                  uint8_t *out, size_t n)
{
    if (cost->n < 2 || cost->r == 0 || cost->p == 0 || cost->n > MEMORY_MAX / 128 / cost->r)
        return CONCLAVE_EINVAL;
    if (EVP_PBE_scrypt((const char *)secret.p, secret.n, salt.p, salt.n, cost->n, cost->r, cost->p,
                       2 * (uint64_t)MEMORY_MAX, out, n) == 1)
        return 0;
    ERR_clear_error();
    return CONCLAVE_ECRYPTO;
}
