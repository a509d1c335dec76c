/* ECDSA signatures are a DER structure in MLS and certificates (RFC 9420 5.1.1, RFC 3279 2.2.3) and
 * two numbers of a fixed size in WebCrypto. */
#ifndef CRYPTO_HOST_ECDSA_H
#define CRYPTO_HOST_ECDSA_H

#include <conclave/bytes.h>

#define ECDSA_SIZE_MAX 66 /* of one number: P-521 */

/* r || s, each `size` bytes. ESIGNATURE if that is not what der is. */
int host_ecdsa_read(struct bytes der, size_t size, uint8_t *out) CONCLAVE_CHECKED;

/* Writes at most 2 * size + 9 bytes. */
size_t host_ecdsa_write(const uint8_t *raw, size_t size, uint8_t *out);

#endif
