/* Somebody at the door: a key package, looked at with public means only, so that the server can. */
#ifndef MEETING_KNOCK_H
#define MEETING_KNOCK_H

#include <conclave/mls.h>

struct meeting_knock {
    struct mls_member member; /* views into the message */
    uint8_t ref[64];          /* KeyPackageRef (RFC 9420 5.2) */
    size_t ref_n;
};

/* All of RFC 9420 10.1 and the meeting's demands (section 3 of docs/PROTOCOL.md: suite, X.509
 * credential, capabilities), but for who it is. c may be a public context of the meeting's suite.
 * Errors as mls_key_package_inspect(). */
int meeting_knock_read(struct crypto *c, struct bytes key_package_message, uint64_t now,
                       struct meeting_knock *out) CONCLAVE_CHECKED;

#endif
