/* Certification requests: RFC 2986. */
#ifndef IDENTITY_CSR_H
#define IDENTITY_CSR_H

#include "identity/certificate.h"

/* The key of a request that this key has signed. Names and attributes are read over. ESYNTAX,
 * ELIMIT, EKEY for a key of no suite, ESIGNATURE. */
int csr_read(struct bytes der, struct public_key *out) CONCLAVE_CHECKED;

#endif
