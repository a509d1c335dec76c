/* Tokens: 32 random bytes that are shown with each request. The store knows their hashes only, so
 * that whoever reads it cannot speak for anybody. */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include "service/call.h"

#define SESSION_TOKEN 32
#define SESSION_TEXT 44 /* base64url, with a terminator */

/* Who shows which token in the request's header: c->who. Without one: nobody. Refuses TOKEN and
 * DEVICE_REVOKED. */
int session_check(struct call *c) CONCLAVE_CHECKED;

/* Makes a token of this kind, owner (0 for guests and the operator) and identifier, which are given
 * in *who and completed there, and stores it. */
int session_make(struct service *s, uint64_t now, struct who *who,
                 char out[static SESSION_TEXT]) CONCLAVE_CHECKED;

/* The same as part of a change (call_change()): with an entry in the audit log, and as the answer.
 * The asker is that somebody from now on. */
int session_open(struct call *c, enum store_token_kind kind, uint64_t owner, const char *identifier,
                 const char *action) CONCLAVE_CHECKED;

#endif
