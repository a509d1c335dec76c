/* Messages that break exactly one rule: taken apart, changed in one place, and then signed, tagged
 * and sealed anew with the keys of a member who lies. What is put together unchanged comes out as
 * it was, byte for byte (suites with Ed25519), so the change is all that is wrong.
 */
#ifndef TESTS_SUPPORT_MLS_FORGE_H
#define TESTS_SUPPORT_MLS_FORGE_H

#include "mls/framing_private.h"
#include "mls/group.h"
#include "mls/group_info.h"
#include "mls/welcome.h"
#include "mls_world.h"

/* ---- Framing ---- */

struct forge {
    struct mls_group *as; /* whose keys are used */
    uint16_t wire_format; /* what is signed: MLS_PUBLIC_MESSAGE */
    struct mls_content content;
    struct crypto_signer *signer; /* of as */
    struct bytes context;         /* of as: what is signed and tagged with */
    struct bytes confirmation_tag;
    /* signature and membership tag: made unless given */
    bool has_signature, has_membership_tag;
    struct bytes signature, membership_tag;
};

/* A message of a member as it should be. body: an encoded Proposal or Commit, or data. */
struct forge forge_of(struct mls_group *as, enum mls_content_type type, struct bytes body);
void forge_public(const struct forge *f, struct buf *out);

/* A proposal of a member's, in one go. */
void forge_proposal(struct mls_group *as, struct bytes proposal, struct buf *out);

/* PrivateMessage: what else can be wrong inside. */
struct forge_private {
    struct bytes padding;
    uint32_t leaf;       /* in the sender data */
    bool has_generation; /* else the next one, which is used up */
    uint32_t generation;
    struct bytes aad_data; /* authenticated_data in the clear; NULL: the content's */
    bool short_tag;        /* the last byte of the ciphertext is missing */
    bool empty;            /* no ciphertext at all */
};
struct forge_private forge_private_of(const struct forge *f);
void forge_private(const struct forge *f, const struct forge_private *p, struct buf *out);

/* The ProposalRef of a public message. */
void forge_ref(struct crypto *c, struct bytes message, uint8_t out[static CRYPTO_HASH_MAX]);

/* ---- Commits ---- */

/* A commit taken apart. */
struct forge_commit {
    struct buf message; /* the honest one, which all views look into */
    struct mls_public_message m;
    struct mls_commit_view view;
    struct buf proposals; /* ProposalOrRef each */
    bool has_path;
    struct buf leaf, nodes;          /* of the path, encoded; nodes without the length */
    struct mls_leaf_content content; /* of the path leaf, to change and sign again */
    struct buf provisional;          /* the context that path secrets are encrypted under */
};

/* An honest commit of a member with a path, which the member has dropped again. */
void forge_commit_of(struct mls_group *as, const struct mls_change *changes, size_t n,
                     struct forge_commit *out);
void forge_commit_open(struct bytes message, struct forge_commit *out);
void forge_commit_free(struct forge_commit *c);
/* Signs the path leaf anew. */
void forge_commit_sign_leaf(struct forge_commit *c, struct mls_group *as, struct bytes group_id,
                            uint32_t index, struct crypto_signer *signer);
/* The Commit struct, encoded. */
void forge_commit_body(const struct forge_commit *c, struct buf *out);
/* Replaces what a path node holds: its key, its ciphertexts (content of the vector). */
void forge_commit_set_node(struct forge_commit *c, size_t i, const struct bytes *key,
                           const struct bytes *ciphertexts);
/* The i-th node of the path as it is. */
struct mls_path_node forge_commit_node(const struct forge_commit *c, size_t i);
/* An HPKECiphertext of a path secret under a context. */
void forge_ciphertext(struct mls_group *as, struct bytes to, struct bytes context,
                      struct bytes path_secret, struct buf *out);
/* All of it, signed by the member; the confirmation tag is the honest one. */
void forge_commit_public(const struct forge_commit *c, struct mls_group *as, struct buf *out);

/* Lists of ProposalOrRef. */
void forge_put(struct buf *list, struct bytes proposal);
void forge_put_ref(struct buf *list, struct bytes ref);
void forge_put_change(struct buf *list, struct mls_change change);

/* ---- Leaves and key packages ---- */

struct mls_leaf_content forge_leaf_content(const struct mls_leaf *leaf);

struct forge_key_package {
    uint16_t message_version, version, suite;
    struct bytes init_key;
    struct mls_leaf_content leaf;
    struct crypto_signer *leaf_signer, *signer;
    struct bytes extensions; /* encoded list */
};
struct forge_key_package forge_key_package_of(const struct mls_key_package *kp);
void forge_key_package(const struct forge_key_package *f, struct buf *out);

/* ---- GroupInfo and Welcome ---- */

struct forge_info {
    struct mls_context context;
    uint16_t version;
    struct bytes extensions; /* encoded list */
    struct bytes confirmation_tag;
    uint32_t signer_leaf;
    struct crypto_signer *signer;
};
/* Encoded, without the header of MLSMessage. */
void forge_info(const struct forge_info *f, struct buf *out);
void forge_info_message(const struct forge_info *f, struct buf *out);
struct forge_info forge_info_of(const struct mls_group_info_view *v, struct crypto_signer *signer);

struct forge_welcome {
    uint16_t suite;
    struct buf secrets_bytes, info_bytes; /* opened; the views look into them */
    struct mls_group_secrets secrets;
    struct mls_group_info_view view;
    struct forge_info info;
    struct secret psk; /* psk_secret */
};

/* Opens a Welcome with the joiner's keys, psk: its psk_secret or NULL for none. */
void forge_welcome_open(struct bytes welcome, const struct mls_key_package *kp,
                        struct crypto_signer *signer, const struct secret *psk,
                        struct forge_welcome *out);
/* Opens only the secrets: for their psks, before the psk_secret is known. */
void forge_welcome_secrets(struct bytes welcome, const struct mls_key_package *kp, struct buf *out,
                           struct mls_group_secrets *out_view);
/* Makes the confirmation tag that the context, joiner secret and PSK ask for. */
void forge_welcome_confirm(struct forge_welcome *f, struct crypto *c, uint8_t *tag);
void forge_welcome_free(struct forge_welcome *f);
/* Seals it again for a key package. */
void forge_welcome(const struct forge_welcome *f, const struct mls_key_package *kp,
                   struct buf *out);

/* An encoded extension list with one more, or with one replaced. */
void forge_extension(struct bytes list, uint16_t type, struct bytes data, struct buf *out);

#endif
