/* Name constraints: RFC 5280 4.2.1.10. */
#ifndef IDENTITY_CONSTRAINTS_H
#define IDENTITY_CONSTRAINTS_H

#include "identity/certificate.h"

/* Whether all names of a certificate satisfy the constraints of one above it. EPOLICY if not, or
 * if there is a name of a form that they constrain and we cannot compare. ESYNTAX, ELIMIT. */
int constraints_check(struct bytes constraints, const struct certificate *c) CONCLAVE_CHECKED;

/* Calls back with each permitted domain that is plain; stops at its first error. ESYNTAX,
 * ELIMIT. */
int constraints_domains(struct bytes constraints, int (*take)(void *ctx, struct bytes domain),
                        void *ctx) CONCLAVE_CHECKED;

#endif
