/* OpenSSL's own path validation, as a second opinion. */
#ifndef TESTS_IDENTITY_ORACLE_H
#define TESTS_IDENTITY_ORACLE_H

#include <conclave/bytes.h>

/* NULL if OpenSSL trusts the chain at that time, else what it says. Names are not compared. */
const char *oracle_verify(struct bytes anchor, const struct bytes *chain, size_t n, uint64_t now);

#endif
