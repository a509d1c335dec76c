/* RFC 9420 12.4.3: GroupInfo. */
#ifndef MLS_GROUP_INFO_H
#define MLS_GROUP_INFO_H

#include "mls/group_context.h"
#include "mls/public_group.h"

struct mls_group_info_view {
    struct bytes tbs;
    struct mls_group_context context;
    struct bytes extensions;
    struct bytes confirmation_tag;
    uint32_t signer;
    struct bytes signature;
};

void mls_group_info_read(struct reader *r, struct mls_group_info_view *out, int *error);

/* A whole MLSMessage that must hold a GroupInfo. */
int mls_group_info_parse(struct bytes message, struct mls_group_info_view *out) CONCLAVE_CHECKED;

/* RFC 9420 12.4.3-4: signed by the leaf that it names. */
int mls_group_info_verify(struct crypto *c, const struct mls_group_info_view *info,
                          const struct mls_tree *tree) CONCLAVE_CHECKED;

/* Encodes and signs. extensions: encoded list. */
int mls_group_info_sign(struct crypto_signer *signer, struct bytes context, struct bytes extensions,
                        struct bytes confirmation_tag, uint32_t signer_leaf,
                        struct buf *out) CONCLAVE_CHECKED;

/* The tree that goes with a GroupInfo: the one given apart, else the ratchet_tree extension.
 * ETREE if there is neither. */
int mls_group_info_tree(const struct mls_group_info_view *info, struct bytes apart,
                        struct bytes *out) CONCLAVE_CHECKED;

/* Fills g (which has crypto, callbacks, policy, executor) from a GroupInfo and its tree. */
int mls_public_group_load(struct mls_public_group *g, const struct mls_group_info_view *info,
                          struct bytes tree, uint64_t now) CONCLAVE_CHECKED;

#endif
