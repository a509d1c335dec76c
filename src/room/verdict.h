/* Who somebody is, remembered for a while: commits name the same people again and again, and a
 * chain costs some signatures to judge. */
#ifndef ROOM_VERDICT_H
#define ROOM_VERDICT_H

#include "meeting/policy.h"
#include "room/limits.h"

struct verdict;

/* A place for each hash; who comes to a taken one takes it over. All zero to begin with. */
struct verdicts {
    struct verdict *at[ROOM_VERDICTS];
};
void room_verdicts_fini(struct verdicts *v);

struct verdict_terms {
    struct crypto *crypto;
    const struct identity_anchors *anchors;
    const struct card *card; /* for the domains of its organisation */
};

/* The verdict of identity_verify() on an X.509 credential; any other is nobody's. ECRYPTO. */
int room_verdict_get(struct verdicts *v, const struct verdict_terms *terms,
                     const struct mls_credential *credential, struct bytes signature_key,
                     uint64_t now, struct identity *out) CONCLAVE_CHECKED;

#endif
