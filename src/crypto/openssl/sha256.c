#include "crypto/sha256.h"

#include <openssl/err.h>
#include <openssl/evp.h>

int crypto_sha256(struct bytes data, uint8_t out[static SHA256_SIZE])
{
    if (EVP_Q_digest(NULL, "SHA256", NULL, data.p, data.n, out, NULL) == 1)
        return 0;
    ERR_clear_error();
    return CONCLAVE_ECRYPTO;
}
