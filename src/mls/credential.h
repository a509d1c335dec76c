/* RFC 9420 5.3: credentials, and the one place that asks the application about them. */
#ifndef MLS_CREDENTIAL_H
#define MLS_CREDENTIAL_H

#include <conclave/mls.h>

#include "crypto/suite.h"
#include "wire/reader.h"

/* An unknown type cannot be delimited, so it fails the reader with ECREDENTIAL. */
struct mls_credential mls_credential_read(struct reader *r, int *error);
void mls_credential_write(struct buf *b, const struct mls_credential *c);
bool mls_credential_equal(const struct mls_credential *a, const struct mls_credential *b);

/* RFC 9420 5.3.1: for X.509 the certificate's key and dates are checked here, then the
 * application decides. ECREDENTIAL, ELIFETIME. `expired_ok` skips the dates. */
int mls_credential_validate(struct crypto *c, const struct mls_callbacks *callbacks,
                            const struct mls_identity_check *check,
                            bool expired_ok) CONCLAVE_CHECKED;

#endif
