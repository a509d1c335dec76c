/* What the rest of the library calls by name, where there is no OpenSSL. Compiled for WebAssembly
 * only. */
#include <stdlib.h>
#include <string.h>

#include "crypto/host/result.h"
#include "crypto/host/spki.h"
#include "crypto/scrypt.h"
#include "crypto/sha256.h"

int crypto_sha256(struct bytes data, uint8_t out[static SHA256_SIZE])
{
    return host_error(host_hash(HASH_SHA256, &data, 1, out), CONCLAVE_ECRYPTO);
}

int crypto_hmac_sha256(struct bytes key, struct bytes data, uint8_t out[static SHA256_SIZE])
{
    return host_error(host_hmac(HASH_SHA256, &key, &data, 1, out), CONCLAVE_ECRYPTO);
}

#define SCRYPT_MEMORY_MAX (64u << 20)

int crypto_scrypt(struct bytes secret, struct bytes salt, const struct scrypt_cost *cost,
                  uint8_t *out, size_t n)
{
    const struct bytes in[2] = {secret, salt};
    if (cost->n < 2 || cost->r == 0 || cost->p == 0 || cost->n > SCRYPT_MEMORY_MAX / 128 / cost->r)
        return CONCLAVE_EINVAL;
    return host_error(host_scrypt(in, (uint32_t)cost->n, cost->r, cost->p, out, n),
                      CONCLAVE_ECRYPTO);
}

/* ---- Keys of certificate authorities: kept as they came, the host reads them each time ---- */

struct spki_key {
    size_t n;
    uint8_t spki[];
};

int spki_key_new(struct bytes spki, struct spki_key **out)
{
    struct spki_key *key = malloc(sizeof *key + spki.n);
    if (spki.n == 0 || key == NULL) {
        free(key);
        return CONCLAVE_EKEY;
    }
    key->n = spki.n;
    memcpy(key->spki, spki.p, spki.n);
    *out = key;
    return 0;
}

void spki_key_free(struct spki_key *key)
{
    free(key);
}

int spki_key_verify(const struct spki_key *key, enum spki_algorithm algorithm, struct bytes message,
                    struct bytes signature)
{
    return host_spki_check(algorithm, bytes_of(key->spki, key->n), message, signature);
}

int spki_verify(enum spki_algorithm algorithm, struct bytes spki, struct bytes message,
                struct bytes signature)
{
    return host_spki_check(algorithm, spki, message, signature);
}

int spki_digest(struct bytes data, uint8_t out[static SPKI_DIGEST])
{
    return crypto_sha256(data, out);
}
