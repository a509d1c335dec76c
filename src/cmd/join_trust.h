/* Whom to believe besides the server's CA: `--trust FILE[:DOMAIN,...]`. */
#ifndef CMD_JOIN_TRUST_H
#define CMD_JOIN_TRUST_H

#include <conclave/participant.h>

/* The certificates of a PEM file vouch for these domains, or for every domain. ENOTFOUND if the
 * file cannot be read, else as participant_trust_add_pem(). */
int join_trust_add(struct participant_trust *trust, const char *argument) CONCLAVE_CHECKED;

#endif
