/* Display names (docs/PROTOCOL.md section 3): what people call themselves, opaque to the server. A
 * name is a claim: it is shown apart from the verified identity.
 */
#ifndef MEETING_NAME_H
#define MEETING_NAME_H

#include <conclave/crypto.h>

#define MEETING_NAME_MAX 64
#define MEETING_NAME_KEY 32

/* A meeting's key for names, made ready. */
struct meeting_names;

/* key: LINK_NAMES. ERANDOM, ECRYPTO, ENOMEM. */
int meeting_names_new(const uint8_t key[static MEETING_NAME_KEY],
                      struct meeting_names **out) CONCLAVE_CHECKED;
void meeting_names_free(struct meeting_names *names);

/* Appends the data of the leaf extension MEETING_EXT_NAME. name: plain UTF-8 of at most
 * MEETING_NAME_MAX bytes, may be "". c: any context, for the nonce. EINVAL, ERANDOM, ECRYPTO,
 * ENOMEM. */
int meeting_name_seal(struct meeting_names *names, struct crypto *c, struct bytes signature_key,
                      const char *name, struct buf *out) CONCLAVE_CHECKED;

/* "" if there is none, it does not open, or it is not plain text. leaf_extensions: encoded list.
 * Returns whether it opened: else the leaf was not made with this link's secret. */
bool meeting_name_open(struct meeting_names *names, struct bytes signature_key,
                       struct bytes leaf_extensions, char out[static MEETING_NAME_MAX + 1]);

#endif
