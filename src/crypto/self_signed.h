/* A TLS certificate that vouches for itself: for a server that has been given none. */
#ifndef CRYPTO_SELF_SIGNED_H
#define CRYPTO_SELF_SIGNED_H

#include <conclave/bytes.h>

/* A fresh P-256 key, and a certificate for it with these DNS names and IP addresses, valid from a
 * day before now for `lifetime` seconds. Appends both as PEM. EINVAL without a name or for one that
 * cannot be, ECRYPTO, ENOMEM. */
int crypto_self_signed(const char *const *names, size_t n, uint64_t now, uint64_t lifetime,
                       struct buf *out_certificate, struct buf *out_key) CONCLAVE_CHECKED;

#endif
