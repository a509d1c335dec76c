#include <openssl/err.h>
#include <openssl/evp.h>

#include "crypto/sha1.h"

int crypto_hmac_sha1(struct bytes key, struct bytes data, uint8_t out[static SHA1_SIZE])
{
    size_t n = 0;
    if (key.n == 0)
        key.p = (const uint8_t *)""; /* no address would mean the key of a call before */
    if (EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key.p, key.n, data.p, data.n, out, SHA1_SIZE,
                  &n) != NULL)
        return 0;
    ERR_clear_error();
    return CONCLAVE_ECRYPTO;
}
