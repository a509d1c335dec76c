/* Messages of a group whose secrets are given instead of agreed on: protected and opened. */
#ifndef VECTORS_MLS_VECTORS_PROTECT_H
#define VECTORS_MLS_VECTORS_PROTECT_H

#include "mls_vectors.h"

#include "mls/framing.h"

struct protection {
    struct bytes group_id, context, signature_pub;
    uint64_t epoch;
    struct crypto_signer *signer;
    struct secret encryption, sender_data, membership;
};

/* By the member at leaf 1, of two. raw: application data, or an encoded Proposal or Commit. */
struct bytes vec_protect_public(struct vec *v, const struct protection *p,
                                enum mls_content_type type, struct bytes raw);
struct bytes vec_protect_private(struct vec *v, const struct protection *p,
                                 enum mls_content_type type, struct bytes raw);

#endif
