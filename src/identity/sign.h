/* What certificates and requests have in common when they are made: a key and a signature. */
#ifndef IDENTITY_SIGN_H
#define IDENTITY_SIGN_H

#include <conclave/crypto.h>

#include "identity/certificate.h"

/* SubjectPublicKeyInfo of a key in the encoding of RFC 9420 5.1.1. EKEY: of no suite. */
int sign_put_key(struct buf *b, struct bytes public_key) CONCLAVE_CHECKED;

/* The AlgorithmIdentifier of this key's signatures. */
int sign_put_algorithm(struct buf *b, struct bytes public_key) CONCLAVE_CHECKED;

/* SEQUENCE { content, algorithm, signature over content }: content is one whole element. */
int sign_put(struct buf *b, struct bytes content, struct crypto_signer *signer) CONCLAVE_CHECKED;

#endif
