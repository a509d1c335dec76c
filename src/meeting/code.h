/* The security code: what people read to each other to know that they are in the same meeting.
 *
 * Equal codes mean equal epoch authenticators (RFC 9420 8.7), so the same epoch secrets, the same
 * members and the same GroupContext. 15 symbols of RFC 4648 base32 are 75 bits, few enough to read
 * aloud; alone they would fall to a birthday search by a server that runs two groups at once, so
 * they come from scrypt, which makes each try cost 16 MiB and tens of milliseconds.
 */
#ifndef MEETING_CODE_H
#define MEETING_CODE_H

#include <conclave/bytes.h>

#define MEETING_CODE_SIZE 20 /* five groups of three, four spaces, a terminator */

/* authenticator: that of the epoch, not empty. out: "KKH 7CV MGV QTC 37J". EINVAL, ECRYPTO. */
int meeting_code(struct bytes authenticator, char out[static MEETING_CODE_SIZE]) CONCLAVE_CHECKED;

#endif
