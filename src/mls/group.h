/* A member's group: the public group and the secrets beside it. */
#ifndef MLS_GROUP_H
#define MLS_GROUP_H

#include "mls/client.h"
#include "mls/public_group.h"
#include "mls/schedule.h"
#include "mls/secret_tree.h"

#define MLS_DELTA_LINK 16

/* What is kept of an epoch to open messages that come late. */
struct mls_past_epoch {
    uint64_t epoch;
    struct mls_tree tree;
    struct buf context;
    struct secret sender_data;
    struct mls_secret_tree secret_tree;
};

struct mls_past_psk {
    uint64_t epoch;
    struct secret psk;
};

/* The private side of an Update that we proposed. */
struct mls_own_update {
    uint8_t ref[CRYPTO_HASH_MAX];
    struct secret leaf_priv;
    struct crypto_signer *signer;
};

/* What a member adds to a staged commit (struct mls_staged.secrets). */
struct mls_staged_secrets {
    struct mls_private_path path;
    struct mls_epoch_secrets epoch;
    struct mls_secret_tree tree;
    struct crypto_signer *signer;
    uint32_t own_leaf;
    /* of our own commit */
    struct buf welcome;
    struct buf message; /* as handed out: to know it again, and to hand it out again */
};

struct mls_group {
    struct mls_client *client;
    struct crypto *crypto; /* the client's */
    struct mls_public_group pub;
    uint32_t own_leaf;
    bool removed; /* no longer a member: nothing but looking is left */
    bool joining; /* by an external commit that was not accepted yet */
    struct crypto_signer *signer;
    struct mls_private_path path;
    struct mls_epoch_secrets secrets;
    struct mls_secret_tree secret_tree;
    struct mls_past_epoch *past; /* newest first */
    size_t n_past;
    struct mls_past_psk *psks; /* resumption PSKs, newest first */
    size_t n_psks;
    struct mls_own_update *updates;
    size_t n_updates;
    struct mls_staged *pending; /* our own commit */
    /* only while the first commit of a successor is made: the old group's PSK */
    struct mls_past_psk foreign_psk;
    struct buf foreign_group;
    struct buf welcome; /* of our commit that began this epoch */
    struct buf records; /* of the delta that the call under way will store */
    uint64_t next_delta;
    uint8_t delta_link[MLS_DELTA_LINK]; /* what the next delta must name */
    struct secret delta_key;
};

/* Storage for a group of a client; everything else is zero. NULL without memory. */
struct mls_group *mls_group_alloc(struct mls_client *c);

/* The private half of an Update of ours, kept until a commit takes it or the epoch ends. */
int mls_group_keep_update(struct mls_group *g, const struct mls_cached *entry,
                          const struct secret *leaf_priv,
                          struct crypto_signer *signer) CONCLAVE_CHECKED;

/* Whether anything may be sent: EREMOVED, ESTATE (joining), ESUSPENDED. */
int mls_group_check_active(const struct mls_group *g) CONCLAVE_CHECKED;

void mls_staged_secrets_free(void *p);
struct mls_staged_secrets *mls_staged_secrets_of(const struct mls_staged *s);

/* Looks up the PSKs of a staged commit and combines them (RFC 9420 12.4.2-6). */
int mls_group_psk_secret(struct mls_group *g, const struct mls_staged *s,
                         struct secret *out) CONCLAVE_CHECKED;
/* The same for a list of encoded PreSharedKeyIDs. existing: other groups to look in. */
int mls_psk_list_secret(struct mls_client *c, const struct mls_group *g,
                        struct mls_group *const *existing, size_t n_existing, struct bytes ids,
                        struct secret *out) CONCLAVE_CHECKED;

/* Drops what the policy does not keep. */
void mls_group_trim_past(struct mls_group *g);

/* Makes a staged commit current: secrets first, then the public group. Prepared so that it cannot
 * fail once the delta is stored. Consumes s. */
int mls_group_prepare_advance(struct mls_group *g, const struct mls_staged *s) CONCLAVE_CHECKED;
void mls_group_advance(struct mls_group *g, struct mls_staged *s);

/* The new epoch's secrets of a staged commit. init, commit_secret: as the commit says. out_joiner
 * may be NULL. */
int mls_group_stage_epoch(struct mls_group *g, struct mls_staged *s, const struct secret *init,
                          const struct secret *commit_secret, const struct secret *psk,
                          struct secret *out_joiner) CONCLAVE_CHECKED;

/* Frames an authenticated content of ours. The ratchet step, if any, is recorded for the delta;
 * the caller takes it after mls_store_flush(), or frees it. */
int mls_group_frame(struct mls_group *g, const struct mls_content *content, struct bytes encoded,
                    struct bytes auth, bool private_message, struct buf *out,
                    struct mls_ratchet_step **out_step) CONCLAVE_CHECKED;

/* ---- Deltas (state_delta.c) ----
 * A call records what it is about to change, flushes the records as one delta, and only then
 * changes it. Whoever fails before that abandons the records. */
int mls_store_flush(struct mls_group *g) CONCLAVE_CHECKED;
void mls_store_abandon(struct mls_group *g);

int mls_store_ratchet(struct mls_group *g, uint64_t epoch, uint32_t leaf,
                      enum mls_ratchet_type type, uint32_t generation) CONCLAVE_CHECKED;
int mls_store_proposal(struct mls_group *g, const struct mls_cached *entry,
                       const struct secret *leaf_priv) CONCLAVE_CHECKED;
int mls_store_clear(struct mls_group *g) CONCLAVE_CHECKED;
int mls_store_ignore(struct mls_group *g, struct bytes ref) CONCLAVE_CHECKED;
int mls_store_pending(struct mls_group *g, const struct mls_staged *s) CONCLAVE_CHECKED;
int mls_store_drop(struct mls_group *g) CONCLAVE_CHECKED;
int mls_store_epoch(struct mls_group *g, const struct mls_staged *s) CONCLAVE_CHECKED;
int mls_store_merge_own(struct mls_group *g) CONCLAVE_CHECKED;
/* saved: the number of the first delta that the save does not have. ESTATE, ESYNTAX, ... */
int mls_delta_apply(struct mls_group *g, uint64_t saved, struct bytes delta) CONCLAVE_CHECKED;

/* A staged commit as bytes, on top of the group it was staged on. */
int mls_staged_write(const struct mls_staged *s, struct buf *b) CONCLAVE_CHECKED;
int mls_staged_read(struct mls_group *g, struct reader *r,
                    struct mls_staged **out) CONCLAVE_CHECKED;

/* What was read must hang together, and a staged commit must follow on the group (state_check.c).
 * ESYNTAX, ETREE, ETREEHASH. */
int mls_state_check(struct mls_group *g) CONCLAVE_CHECKED;
int mls_state_check_staged(struct mls_group *g, struct mls_staged *s) CONCLAVE_CHECKED;

/* Pieces of state that both the whole and the deltas have. */
void mls_state_write_secret(struct buf *b, const struct secret *s);
void mls_state_read_secret(struct reader *r, struct secret *out);
void mls_state_write_path(struct buf *b, const struct mls_private_path *p);
void mls_state_read_path(struct reader *r, struct mls_private_path *p);
void mls_state_write_epoch(struct buf *b, const struct mls_epoch_secrets *e);
void mls_state_read_epoch(struct reader *r, struct mls_epoch_secrets *e);

/* ---- Building commits (group_commit.c) ---- */

struct mls_commit_plan {
    const struct mls_change *changes;
    size_t n_changes;
    const struct mls_commit_options *options; /* never NULL */
    struct bytes first_psk; /* an encoded PreSharedKeyID to inject first (reinit, branch) */
};
int mls_group_commit_plan(struct mls_group *g, const struct mls_commit_plan *plan, uint64_t now,
                          struct buf *out) CONCLAVE_CHECKED;

/* A path for a commit that is being built: fresh keys into tree and secrets, the leaf signed, the
 * rest encrypted. path: UpdatePath is appended. */
int mls_group_build_path(struct mls_group *g, struct mls_staged *s,
                         const struct mls_new_identity *identity, struct buf *path,
                         struct mls_path_secrets *out_secrets,
                         struct secret *out_commit_secret) CONCLAVE_CHECKED;

/* Signs the commit content and derives the epoch; gives the encoded auth data. */
int mls_group_seal_commit(struct mls_group *g, struct mls_staged *s,
                          const struct mls_content *content, bool private_message,
                          const struct secret *init, const struct secret *commit_secret,
                          const struct secret *psk, struct buf *out_encoded, struct buf *out_auth,
                          struct secret *out_joiner) CONCLAVE_CHECKED;

/* The Welcome for those a staged commit of ours adds (welcome_build.c). */
int mls_group_build_welcome(struct mls_group *g, struct mls_staged *s,
                            const struct mls_path_secrets *path_secrets,
                            const struct secret *joiner, const struct secret *psk,
                            const struct mls_commit_options *options,
                            struct buf *out) CONCLAVE_CHECKED;

/* GroupInfo extensions of ours: tree, external_pub, the application's, GREASE. */
int mls_group_info_extensions(struct mls_group *g, const struct mls_tree *tree, bool with_tree,
                              const struct mls_epoch_secrets *external,
                              const struct mls_extension *list, size_t n,
                              struct buf *out) CONCLAVE_CHECKED;

/* How many ciphertexts a commit's path from elsewhere needs for the subtree of 2^level leaves
 * around this one: the size of its root's resolution (RFC 9420 4.1.1). 0 if the tree is no larger.
 */
int mls_group_subtree_cost(const struct mls_group *g, uint32_t leaf, unsigned level,
                           size_t *out) CONCLAVE_CHECKED;

#endif
