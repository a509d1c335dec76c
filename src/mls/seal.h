/* Sealing of what is stored: AES-256-GCM under the caller's key, or nothing if there is no key. */
#ifndef MLS_SEAL_H
#define MLS_SEAL_H

#include "crypto/suite.h"

#define SEAL_KEY 32

/* c: any suite with AES-256-GCM (see mls_client_sealer()). key: empty or SEAL_KEY bytes, else
 * EINVAL. what: bound to the blob, so that one kind cannot be restored as another. out is
 * replaced. */
int mls_seal_state(struct crypto *c, struct bytes key, const char *what, const struct buf *plain,
                   struct buf *out) CONCLAVE_CHECKED;

/* EDECRYPT if the key is wrong, or missing, or the bytes are changed. out is appended to. */
int mls_open_state(struct crypto *c, struct bytes key, const char *what, struct bytes sealed,
                   struct buf *out) CONCLAVE_CHECKED;

#endif
