/* Signature keys that stay with the host: in a browser, WebCrypto keys that cannot be taken out. */
#ifndef CRYPTO_HOST_SIGNER_H
#define CRYPTO_HOST_SIGNER_H

#include <conclave/crypto.h>

/* number: under which host_sign() finds it. ESUITE, EKEY for a public key of another size, ENOMEM.
 */
int host_signer_new(uint16_t suite, struct bytes public_key, uint32_t number,
                    struct crypto_signer **out) CONCLAVE_CHECKED;

#endif
