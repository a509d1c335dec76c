/* What has to be known of a public key before a host can use it. */
#ifndef CRYPTO_HOST_SPKI_H
#define CRYPTO_HOST_SPKI_H

#include "crypto/spki.h"
#include "crypto/suite.h"

/* RFC 5480 2.1.1: the curve of an EC key. EKEY for another key or curve. */
int host_spki_curve(struct bytes spki, enum crypto_curve_id *out) CONCLAVE_CHECKED;

/* Bytes of one number of an ECDSA signature; 0 for other curves. */
size_t host_spki_size(enum crypto_curve_id curve);

/* As spki_verify(). */
int host_spki_check(enum spki_algorithm algorithm, struct bytes spki, struct bytes message,
                    struct bytes signature) CONCLAVE_CHECKED;

#endif
