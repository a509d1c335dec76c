/* PEM: RFC 7468. */
#ifndef IDENTITY_PEM_H
#define IDENTITY_PEM_H

#include <conclave/bytes.h>

/* Puts the next certificate of a text in place of what out holds; other text and other objects are
 * passed over. 1 if there was one, 0 at the end, ESYNTAX, ENOMEM. */
int pem_next(struct bytes *rest, struct buf *out) CONCLAVE_CHECKED;

#endif
