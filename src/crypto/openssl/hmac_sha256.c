#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/sha256.h"

int crypto_hmac_sha256(struct bytes key, struct bytes data, uint8_t out[static SHA256_SIZE])
{
    size_t n = 0;
    if (key.n == 0)
        key.p = (const uint8_t *)""; /* no address would mean the key of a call before */
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key.p, key.n, data.p, data.n, out,
                  SHA256_SIZE, &n) != NULL)
        return 0;
    ERR_clear_error();
    return CONCLAVE_ECRYPTO;
}
