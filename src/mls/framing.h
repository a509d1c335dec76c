/* RFC 9420 6: how content is framed, signed and, in PublicMessage, shown to belong to a member.
 * Encryption is in framing_private.h.
 */
#ifndef MLS_FRAMING_H
#define MLS_FRAMING_H

#include <conclave/mls.h>

#include "crypto/suite.h"
#include "wire/reader.h"

#define MLS_VERSION 1

enum mls_content_type { CONTENT_APPLICATION = 1, CONTENT_PROPOSAL = 2, CONTENT_COMMIT = 3 };

/* MLSMessage: version checked, the rest as it is. */
struct mls_message {
    uint16_t wire_format;
    struct bytes body;
};
int mls_message_parse(struct bytes message, struct mls_message *out) CONCLAVE_CHECKED;

/* The body of a message that must be of one kind. EWIREFORMAT. */
int mls_message_expect(struct bytes message, enum mls_wire_format kind,
                       struct bytes *out_body) CONCLAVE_CHECKED;
void mls_message_begin(struct buf *b, enum mls_wire_format kind);

/* FramedContent. body is application_data's content, or the encoded Proposal or Commit. */
struct mls_content {
    struct bytes raw;
    struct bytes group_id;
    uint64_t epoch;
    struct mls_sender sender;
    struct bytes authenticated_data;
    enum mls_content_type type;
    struct bytes body;
};

/* FramedContentAuthData */
struct mls_auth {
    struct bytes raw;
    struct bytes signature;
    struct bytes confirmation_tag; /* commits only */
};

/* AuthenticatedContent */
struct mls_authenticated {
    uint16_t wire_format;
    struct mls_content content;
    struct mls_auth auth;
};

struct mls_public_message {
    struct mls_authenticated auth_content;
    struct bytes membership_tag; /* of members only */
};

void mls_content_read(struct reader *r, struct mls_content *out, int *error);
void mls_auth_read(struct reader *r, enum mls_content_type type, struct mls_auth *out);
void mls_authenticated_read(struct reader *r, struct mls_authenticated *out, int *error);
int mls_public_message_parse(struct bytes body, struct mls_public_message *out) CONCLAVE_CHECKED;

/* Encodes FramedContent; content->raw is not used. */
void mls_content_write(struct buf *b, const struct mls_content *content);
/* The part of a content or auth that PrivateMessageContent has, too. */
void mls_content_body_write(struct buf *b, enum mls_content_type type, struct bytes body);
struct bytes mls_content_body_read(struct reader *r, enum mls_content_type type, int *error);
void mls_auth_write(struct buf *b, enum mls_content_type type, struct bytes signature,
                    struct bytes confirmation_tag);

/* RFC 9420 6.1: which senders may send which content. ESENDER. */
int mls_content_check_sender(const struct mls_content *content) CONCLAVE_CHECKED;

/* Signature over FramedContentTBS; context: the encoded GroupContext, which counts only for
 * members and new_member_commit. content: the encoded FramedContent. */
int mls_content_sign(struct crypto_signer *signer, uint16_t wire_format,
                     enum mls_sender_type sender, struct bytes content, struct bytes context,
                     struct buf *out_signature) CONCLAVE_CHECKED;
int mls_content_verify(struct crypto *c, const struct mls_authenticated *a, struct bytes context,
                       struct bytes public_key) CONCLAVE_CHECKED;

/* RFC 9420 5.2: ProposalRef. out: nh bytes. */
int mls_proposal_ref(struct crypto *c, const struct mls_authenticated *a,
                     uint8_t out[static CRYPTO_HASH_MAX]) CONCLAVE_CHECKED;

/* RFC 9420 8.2. Each out: nh bytes. */
int mls_confirmed_hash(struct crypto *c, struct bytes interim, uint16_t wire_format,
                       struct bytes content, struct bytes signature, uint8_t *out) CONCLAVE_CHECKED;
int mls_interim_hash(struct crypto *c, struct bytes confirmed, struct bytes confirmation_tag,
                     uint8_t *out) CONCLAVE_CHECKED;

/* A whole PublicMessage as MLSMessage; membership_tag counts for members only. */
void mls_public_message_write(struct buf *b, struct bytes content, enum mls_sender_type sender,
                              struct bytes auth, struct bytes membership_tag);

#endif
