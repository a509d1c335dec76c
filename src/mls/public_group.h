/* What everybody can know of a group: its ratchet tree and context. A server holds one of these; a
 * member's struct mls_group holds one and the secrets beside it.
 *
 * A commit is staged: a second tree and context are made, sharing with the first all that did not
 * change, and every rule that needs no secret is checked on them.
 */
#ifndef MLS_PUBLIC_GROUP_H
#define MLS_PUBLIC_GROUP_H

#include "mls/framing.h"
#include "mls/group_context.h"
#include "mls/proposal_cache.h"
#include "mls/treekem.h"

struct mls_public_group {
    struct crypto *crypto;
    bool owns_crypto;
    struct mls_callbacks callbacks;
    struct mls_policy policy;
    struct mls_executor executor;
    struct mls_tree tree;
    struct buf context;      /* encoded GroupContext */
    struct mls_context view; /* of it */
    struct buf confirmation_tag;
    uint8_t interim[CRYPTO_HASH_MAX];
    struct mls_proposal_cache cache;
    struct buf reinit; /* the ReInit proposal that ended the group, if any */
    /* in the first commit of a successor or branch: the usage its resumption PSK may have */
    enum mls_psk_usage first_usage;
};

/* One proposal of a commit. */
struct mls_listed {
    struct mls_proposal p; /* views into the staged commit */
    struct mls_sender sender;
    bool by_ref;
    uint8_t ref[CRYPTO_HASH_MAX];
    uint8_t *owned; /* copy of what a reference stands for */
    uint32_t leaf;  /* Add: where; Update, Remove, SelfRemove: whose */
};

struct mls_staged {
    struct mls_tree old_tree, tree;
    struct buf old_context, context;
    struct mls_context old_view, view;
    struct mls_sender sender;
    uint32_t committer; /* leaf in the new tree */
    struct buf authenticated_data;
    struct buf proposals; /* ProposalOrRef, the content of the vector */
    struct mls_listed *list;
    size_t n_list;
    struct buf extensions; /* of the new context: encoded list */
    const struct mls_listed *gce, *reinit, *external_init;
    struct u32s added; /* leaves added, sorted */
    bool needs_path, has_path;
    struct mls_filtered_path path;
    uint32_t own_leaf; /* of the member that stages, or MLS_NO_LEAF */
    bool removes_us;
    bool was_private; /* came as a PrivateMessage, under the sender's key of this generation */
    uint32_t generation;
    struct buf confirmation_tag;
    uint8_t interim[CRYPTO_HASH_MAX];
    /* what a member adds (group.h), and how to drop it */
    void *secrets;
    void (*secrets_free)(void *secrets);
};

/* ---- Life (public_group.c). g is zeroed storage of the caller's. ---- */

void mls_public_group_fini(struct mls_public_group *g);

/* Takes over tree and the encoded context. */
int mls_public_group_set(struct mls_public_group *g, struct mls_tree *tree, struct bytes context,
                         struct bytes confirmation_tag) CONCLAVE_CHECKED;

/* RFC 9420 12.4.3.1: reads a tree and checks it against a context: hash, structure, parent
 * hashes, every leaf and its credential. g has crypto, callbacks, policy and executor. */
int mls_tree_load(const struct mls_public_group *g, const struct mls_context *context,
                  struct bytes tree, uint64_t now, struct mls_tree *out) CONCLAVE_CHECKED;

/* State: context, tag, tree and cache. g to be read has crypto, callbacks, policy and executor. */
int mls_public_group_write(const struct mls_public_group *g, struct buf *b) CONCLAVE_CHECKED;
int mls_public_group_read(struct mls_public_group *g, struct reader *r) CONCLAVE_CHECKED;

/* ---- Receiving ---- */

/* Group, epoch and sender of a content; gives the sender's signature key. EGROUP, EEPOCH,
 * ESENDER. */
int mls_public_group_check_content(const struct mls_public_group *g,
                                   const struct mls_authenticated *a,
                                   struct bytes *out_key) CONCLAVE_CHECKED;

/* A proposal, authenticated but for a membership tag: verified, checked, and ready to be put into
 * the cache (room is reserved). */
int mls_public_group_check_proposal(struct mls_public_group *g, const struct mls_authenticated *a,
                                    uint64_t now, struct mls_cached **out) CONCLAVE_CHECKED;

/* A commit, authenticated but for a membership tag: verified and staged as far as it goes without
 * secrets. out_commit: views into a. */
int mls_public_group_stage(struct mls_public_group *g, const struct mls_authenticated *a,
                           uint64_t now, struct mls_commit_view *out_commit,
                           struct mls_staged **out) CONCLAVE_CHECKED;

/* Makes a staged commit current. Cannot fail; s keeps what is left. */
void mls_public_group_advance(struct mls_public_group *g, struct mls_staged *s);

/* Says who sent something, with a copy of its leaf if it is a member of the tree. */
int mls_received_set_sender(struct mls_received *r, struct mls_sender sender,
                            const struct mls_tree *tree) CONCLAVE_CHECKED;

/* ---- The steps of staging, which a committer takes one by one (staged.c) ---- */

int mls_staged_begin(const struct mls_public_group *g, struct mls_sender sender,
                     struct bytes proposals, struct mls_staged **out) CONCLAVE_CHECKED;

/* RFC 9420 12.2 and 12.3: validates the list and applies it to tree and extensions. */
int mls_staged_apply(const struct mls_public_group *g, struct mls_staged *s,
                     uint64_t now) CONCLAVE_CHECKED;

/* Whose eyes this is staged for: finds out whether it removes them. */
void mls_staged_set_own(struct mls_staged *s, uint32_t leaf);

/* RFC 9420 7.3 for the leaf of a received path; then it takes the committer's place. */
int mls_staged_check_path_leaf(const struct mls_public_group *g, const struct mls_staged *s,
                               const struct mls_leaf *leaf, uint64_t now) CONCLAVE_CHECKED;
int mls_staged_set_path_leaf(struct mls_staged *s, const struct mls_leaf *leaf) CONCLAVE_CHECKED;

/* RFC 9420 12.2-14: what can only be judged of the tree as a whole. */
int mls_staged_check_tree(const struct mls_public_group *g, struct mls_staged *s) CONCLAVE_CHECKED;

/* RFC 9420 12.4.1-4: new epoch, tree hash and extensions, old confirmed hash. */
int mls_staged_provisional(const struct mls_public_group *g, struct mls_staged *s,
                           struct buf *out) CONCLAVE_CHECKED;

/* The new context. */
int mls_staged_set_context(const struct mls_public_group *g, struct mls_staged *s,
                           uint16_t wire_format, struct bytes content,
                           struct bytes signature) CONCLAVE_CHECKED;
int mls_staged_set_confirmation(const struct mls_public_group *g, struct mls_staged *s,
                                struct bytes confirmation_tag) CONCLAVE_CHECKED;

/* ---- Validation shared by both (validate.c) ---- */

/* One proposal by itself (RFC 9420 12.1), against a tree and the extensions that will hold.
 * known: its signatures and credentials were checked when it came in. */
int mls_proposal_validate(const struct mls_public_group *g, const struct mls_tree *tree,
                          struct bytes extensions, const struct mls_proposal *p,
                          struct mls_sender sender, bool known, uint64_t now) CONCLAVE_CHECKED;

/* Credentials of external_senders that are not in the old list (RFC 9420 5.3.1-7, 5.3.1-8). */
int mls_external_senders_validate(const struct mls_public_group *g, struct bytes extensions,
                                  struct bytes old_extensions, bool expired_ok,
                                  uint64_t now) CONCLAVE_CHECKED;

/* Whether two credentials are of one client, as the application sees it. */
bool mls_same_identity(const struct mls_callbacks *callbacks, const struct mls_credential *a,
                       const struct mls_credential *b);

#endif
