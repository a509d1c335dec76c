/* A key and certificates that did not come from the meeting's server: of an organisation's own CA,
 * or of a public one.
 */
#ifndef CMD_JOIN_OWN_H
#define CMD_JOIN_OWN_H

#include "cmd/join_credential.h"

/* From PEM files: the certificates, end entity first, and the private key (RFC 5958 or RFC 5915,
 * not encrypted), a file that is its owner's alone. The credential has no pass and no root.
 * ENOTFOUND: a file cannot be read; EPOLICY: others may read the key; ESYNTAX; EKEY: not a key of
 * the suite; ECREDENTIAL: the certificate is for another key; ENOMEM. */
int join_own_read(const char *certificates, const char *key, uint16_t suite,
                  struct join_credential *out) CONCLAVE_CHECKED;

#endif
