/* Bytes as text (RFC 4648): base64 of section 4 with padding, as JSON and PEM carry it, and
 * base64url of section 5 without, as links and tokens do. Each has one spelling: white space,
 * missing or superfluous padding and bits that say nothing are refused.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <conclave/bytes.h>

void base64_put(struct buf *out, struct bytes data);
void base64url_put(struct buf *out, struct bytes data);

/* Append. ESYNTAX, ENOMEM. */
int base64_read(struct bytes text, struct buf *out) CONCLAVE_CHECKED;
int base64url_read(struct bytes text, struct buf *out) CONCLAVE_CHECKED;

#endif
