/* RFC 9420 6.3: PrivateMessage. */
#ifndef MLS_FRAMING_PRIVATE_H
#define MLS_FRAMING_PRIVATE_H

#include "mls/framing.h"
#include "mls/secret_tree.h"

struct mls_private_message {
    struct bytes group_id;
    uint64_t epoch;
    enum mls_content_type type;
    struct bytes authenticated_data;
    struct bytes encrypted_sender_data;
    struct bytes ciphertext;
};

struct mls_sender_data {
    uint32_t leaf;
    uint32_t generation;
    uint8_t reuse_guard[4];
};

int mls_private_message_parse(struct bytes body, struct mls_private_message *out) CONCLAVE_CHECKED;

/* Encrypts content and its auth data as an MLSMessage. content->raw is not needed. padding: bytes
 * of padding. The step is to be taken once the message is safely stored. */
int mls_private_message_seal(struct crypto *c, const struct secret *sender_data_secret,
                             struct mls_secret_tree *t, const struct mls_content *content,
                             struct bytes auth, size_t padding, struct buf *out,
                             struct mls_ratchet_step **out_step) CONCLAVE_CHECKED;

/* RFC 9420 6.3.2. EDECRYPT. */
int mls_sender_data_open(struct crypto *c, const struct secret *sender_data_secret,
                         const struct mls_private_message *m,
                         struct mls_sender_data *out) CONCLAVE_CHECKED;

/* Decrypts and decodes. The content views point into storage: FramedContent, then auth data. */
int mls_private_message_open(struct crypto *c, struct mls_message_key *key,
                             const struct mls_private_message *m,
                             const struct mls_sender_data *sender, struct buf *storage,
                             struct mls_authenticated *out) CONCLAVE_CHECKED;

#endif
