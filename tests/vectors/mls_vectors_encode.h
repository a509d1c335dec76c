/* What was parsed, written again from its parts: if a byte of the original is missing in the
 * parts, or understood otherwise, the result differs (RFC 9420 2.1). */
#ifndef VECTORS_MLS_VECTORS_ENCODE_H
#define VECTORS_MLS_VECTORS_ENCODE_H

#include "mls/framing_private.h"
#include "mls/group_info.h"
#include "mls/welcome.h"

void encode_extensions(struct buf *b, struct bytes list);
void encode_leaf(struct buf *b, const struct mls_leaf *leaf);
void encode_key_package(struct buf *b, const struct mls_key_package_view *kp);
void encode_proposal_body(struct buf *b, const struct mls_proposal *p);
void encode_commit(struct buf *b, const struct mls_commit_view *c);
void encode_group_info(struct buf *b, const struct mls_group_info_view *info);
void encode_group_secrets(struct buf *b, const struct mls_group_secrets *s);
void encode_welcome(struct buf *b, const struct mls_welcome_view *w);
void encode_public_message(struct buf *b, const struct mls_public_message *m);
void encode_private_message(struct buf *b, const struct mls_private_message *m);

/* ratchet_tree<V> */
void encode_tree(struct buf *b, const struct mls_tree *t);

#endif
