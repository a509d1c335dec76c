/* Messaging Layer Security, RFC 9420.
 *
 * A client has one signature key and credential for one cipher suite. It makes key packages, so
 * that others can add it, and founds or joins groups. A group changes by commits:
 *
 *     mls_group_commit()  -> bytes to send          mls_group_receive() -> what came in
 *     ... the delivery service accepts them ...     mls_staged_...()    -> look at it
 *     mls_group_merge_own() -> Welcome to send      mls_group_merge()   or mls_staged_free()
 *
 * Nothing is authenticated by looking plausible: a commit is staged beside the group, checked
 * whole, shown to the application, and only then merged. A call that fails changes nothing.
 *
 * No call does I/O, reads a clock or starts a thread: bytes and `now` (Unix seconds) come in as
 * arguments. Objects of one client belong to one thread at a time. Views (struct bytes, struct
 * mls_member, ...) are borrowed from the object they were asked of and are good until it changes.
 * Buffers given as output are appended to nothing: they are replaced, and freed by the caller.
 */
#ifndef CONCLAVE_MLS_H
#define CONCLAVE_MLS_H

#include <conclave/bytes.h>
#include <conclave/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mls_client;
struct mls_key_package;
struct mls_group;
struct mls_public_group;
struct mls_staged;

#define MLS_NO_LEAF UINT32_MAX

/* ---- Identifiers (RFC 9420 section 17) ---- */

enum mls_proposal_type {
    MLS_ADD = 1,
    MLS_UPDATE = 2,
    MLS_REMOVE = 3,
    MLS_PSK = 4,
    MLS_REINIT = 5,
    MLS_EXTERNAL_INIT = 6,
    MLS_GROUP_CONTEXT_EXTENSIONS = 7,
    MLS_SELF_REMOVE = 10, /* draft-ietf-mls-extensions; members must list it as a capability */
};

enum mls_extension_type {
    MLS_EXT_APPLICATION_ID = 1,
    MLS_EXT_RATCHET_TREE = 2,
    MLS_EXT_REQUIRED_CAPABILITIES = 3,
    MLS_EXT_EXTERNAL_PUB = 4,
    MLS_EXT_EXTERNAL_SENDERS = 5,
    MLS_EXT_LAST_RESORT_KEY_PACKAGE = 10, /* draft-ietf-mls-extensions */
};

enum mls_credential_type { MLS_BASIC = 1, MLS_X509 = 2 };

enum mls_sender_type {
    MLS_SENDER_MEMBER = 1,
    MLS_SENDER_EXTERNAL = 2,
    MLS_SENDER_NEW_MEMBER_PROPOSAL = 3,
    MLS_SENDER_NEW_MEMBER_COMMIT = 4,
};

/* ---- Views ---- */

struct mls_extension {
    uint16_t type;
    struct bytes data;
};

/* Section 5.3. identity is set for MLS_BASIC, certificates for MLS_X509: the content of the
 * certificates vector, end entity first; walk it with mls_certificate_next(). */
struct mls_credential {
    uint16_t type;
    struct bytes identity;
    struct bytes certificates;
};

/* The next DER certificate of *rest, which is shortened; false at the end. */
bool mls_certificate_next(struct bytes *rest, struct bytes *out_der);

/* Encodes a chain as struct mls_credential wants it. ENOMEM, EINVAL if empty. */
int mls_certificates_encode(const struct bytes *der, size_t n, struct buf *out) CONCLAVE_CHECKED;

/* Each is a list of big-endian uint16. */
struct mls_capabilities {
    struct bytes versions, suites, extensions, proposals, credentials;
};

/* A leaf of the tree, or of a key package (then leaf_index is MLS_NO_LEAF). */
struct mls_member {
    uint32_t leaf_index;
    struct mls_credential credential;
    struct bytes signature_key;
    struct bytes encryption_key;
    struct mls_capabilities capabilities;
    struct bytes extensions;        /* encoded list; see mls_extension_find() */
    uint64_t not_before, not_after; /* 0, 0 unless the leaf came in a key package */
};

/* Section 8.1. */
struct mls_context {
    uint16_t suite;
    struct bytes group_id;
    uint64_t epoch;
    struct bytes tree_hash;
    struct bytes confirmed_transcript_hash;
    struct bytes extensions; /* encoded list */
};

struct mls_sender {
    enum mls_sender_type type;
    uint32_t index; /* leaf index, or index into external_senders; else MLS_NO_LEAF */
};

/* ENOTFOUND if the list has no extension of the type. */
int mls_extension_find(struct bytes list, uint16_t type, struct bytes *out_data) CONCLAVE_CHECKED;

/* Data of the extensions that applications set: sections 11.1 and 12.1.8.1. */
int mls_required_capabilities_encode(const uint16_t *extensions, size_t n_extensions,
                                     const uint16_t *proposals, size_t n_proposals,
                                     const uint16_t *credentials, size_t n_credentials,
                                     struct buf *out) CONCLAVE_CHECKED;
struct mls_external_sender {
    struct bytes signature_key;
    struct mls_credential credential;
};
int mls_external_senders_encode(const struct mls_external_sender *senders, size_t n,
                                struct buf *out) CONCLAVE_CHECKED;

/* ---- The client ---- */

/* When a credential enters a group or replaces another (section 5.3.1). */
enum mls_identity_event {
    MLS_IDENTITY_ADD,             /* in a key package that is to be added */
    MLS_IDENTITY_TREE,            /* of a member of the group being joined */
    MLS_IDENTITY_UPDATE,          /* in an Update or a commit's path: has a predecessor */
    MLS_IDENTITY_EXTERNAL_JOIN,   /* in an external commit; predecessor if it resumes a leaf */
    MLS_IDENTITY_EXTERNAL_SENDER, /* in external_senders */
};

struct mls_identity_check {
    enum mls_identity_event event;
    struct mls_credential credential;
    struct bytes signature_key;
    uint32_t leaf_index; /* MLS_NO_LEAF if not known yet */
    bool has_predecessor;
    struct mls_credential predecessor;
    struct bytes predecessor_key;
    bool dates_checked;    /* MLS_X509: the end-entity certificate is valid at now */
    struct bytes group_id; /* empty before the group is known */
    struct bytes group_extensions;
    uint64_t now;
};

/* Accepts whatever anybody claims. For tests and for applications that verify elsewhere. */
int mls_identity_accept_any(void *ctx, const struct mls_identity_check *check);

/* Calls of a client into its application. ctx is handed back. Each returns 0 or an error. */
struct mls_callbacks {
    void *ctx;

    /* Required. Is this credential rightly this key's, and welcome? Any error refuses: the call
     * that asked fails with ECREDENTIAL. For MLS_X509 the library has already checked that the
     * end-entity certificate holds signature_key and, if dates_checked, that it is valid now. */
    int (*check_identity)(void *ctx, const struct mls_identity_check *check);

    /* The external PSK of this id, or ENOTFOUND. NULL: there are none. */
    int (*find_psk)(void *ctx, struct bytes psk_id, struct buf *out);

    /* The resumption PSK of another group, or of an epoch that this one has forgotten. */
    int (*find_resumption)(void *ctx, struct bytes group_id, uint64_t epoch, struct buf *out);

    /* Whether two credentials present the same identity; NULL: byte equality. Asked for branches
     * and reinitialisations (section 11.3), and of who resumes a leaf by external commit: where it
     * is NULL, that takes the same signature key as well. */
    bool (*same_identity)(void *ctx, const struct mls_credential *a,
                          const struct mls_credential *b);

    /* Persist this change of a group before the call that makes it returns (see mls_group_save).
     * If it fails, that call fails with ESTORE and nothing has changed. NULL: no persistence. */
    int (*store)(void *ctx, struct bytes group_id, struct bytes delta);
};

/* Runs task(arg, worker) once for each worker below n and waits for all. */
struct mls_executor {
    unsigned workers; /* 0 or 1: all on the caller's thread */
    void (*run)(void *ctx, unsigned workers, void (*task)(void *arg, unsigned worker), void *arg);
    void *ctx;
};

/* Knobs; mls_policy_default() says what is usual. */
struct mls_policy {
    uint64_t max_lifetime;      /* seconds a key package's lifetime may span (section 7.2) */
    bool accept_expired_tree;   /* leaves of a group we join may have expired (section 7.3) */
    bool accept_expired_adds;   /* so may those being added: only to replay recorded groups */
    uint32_t past_epochs;       /* whose messages can still be opened; 0: none */
    uint32_t resumption_epochs; /* past resumption PSKs that are kept */
    uint32_t generation_ahead;  /* steps a sender's ratchet may be forwarded at once */
    uint32_t generation_kept;   /* keys kept per sender for messages out of order; fewer than
                                 * generation_ahead: a jump, even a malicious one, loses some */
    uint32_t padding_block;     /* private messages are padded to a multiple; 0: not at all */
    bool private_handshake;     /* encrypt proposals and commits; else PublicMessage */
    bool tree_in_welcome;       /* put the ratchet tree into Welcome and GroupInfo */
    bool grease;                /* section 13.5 */
};

struct mls_policy mls_policy_default(void);

struct mls_client_config {
    uint16_t suite;
    struct crypto_signer *signer; /* borrowed: must outlive the client and its groups */
    struct mls_credential credential;
    struct mls_callbacks callbacks;
    struct mls_policy policy;
    struct mls_executor executor;
    struct crypto_verified *verified; /* borrowed, or NULL: see crypto_remember() */
    /* What this client supports beyond RFC 9420's own, in lists of uint16. Its own suite and
     * credential type, and SelfRemove, are always listed. */
    const uint16_t *suites, *extensions, *proposals, *credentials;
    size_t n_suites, n_extensions, n_proposals, n_credentials;
    const struct mls_extension *leaf_extensions;
    size_t n_leaf_extensions;
};

/* Everything in the config but the signer is copied. ESUITE, ECREDENTIAL if the certificate does
 * not hold the signer's key, EINVAL without check_identity. */
int mls_client_new(const struct mls_client_config *config,
                   struct mls_client **out) CONCLAVE_CHECKED;

/* Another key that this client has or had (see struct mls_new_identity): a group that is restored
 * finds the one whose public half its leaf has. Borrowed. EKEY, ENOMEM. */
int mls_client_add_signer(struct mls_client *c, struct crypto_signer *signer) CONCLAVE_CHECKED;

/* Groups and key packages keep the client alive. NULL is fine. */
void mls_client_free(struct mls_client *c);

/* ---- Key packages (section 10) ---- */

/* Valid from not_before to not_after. last_resort marks one that may be used more than once. */
int mls_key_package_new(struct mls_client *c, uint64_t not_before, uint64_t not_after,
                        bool last_resort, struct mls_key_package **out) CONCLAVE_CHECKED;
void mls_key_package_free(struct mls_key_package *kp);

/* The public part, as an MLSMessage to publish. Borrowed. */
struct bytes mls_key_package_message(const struct mls_key_package *kp);

/* With the private keys, to keep until a Welcome comes. Sealed if key is 32 bytes; key.n == 0:
 * in the clear. */
int mls_key_package_save(const struct mls_key_package *kp, struct bytes key,
                         struct buf *out) CONCLAVE_CHECKED;
int mls_key_package_restore(struct mls_client *c, struct bytes key, struct bytes saved,
                            struct mls_key_package **out) CONCLAVE_CHECKED;

/* Looks at anybody's key package: verifies it by itself (section 10.1) and gives the member it
 * would make and its KeyPackageRef (section 5.2). Views into message; ref: nh bytes. */
int mls_key_package_inspect(struct mls_client *c, struct bytes message, uint64_t now,
                            struct mls_member *out, struct buf *out_ref) CONCLAVE_CHECKED;

/* The best suite, in the order of `preferred`, that all these key packages' owners support
 * (section 11). Signatures are not verified: mls_key_package_inspect() does. ENOTFOUND. */
int mls_choose_suite(const uint16_t *preferred, size_t n, const struct bytes *key_packages,
                     size_t n_key_packages, uint16_t *out) CONCLAVE_CHECKED;

/* ---- Founding and joining ---- */

/* A group of one. An empty group_id means a random one. */
int mls_group_new(struct mls_client *c, struct bytes group_id,
                  const struct mls_extension *extensions, size_t n_extensions, uint64_t now,
                  struct mls_group **out) CONCLAVE_CHECKED;

/* Joins by a Welcome (section 12.4.3.1). tree: the ratchet tree if it comes apart, else empty.
 * On success the key package is spent, its private keys erased, unless it is one of last resort.
 * existing: groups this client is in, one of which this must not be and from which a branch or
 * reinitialisation is resumed. ENOTFORME, EPSK, ETREE..., ECREDENTIAL, ECONFIRMATION, EREINIT. */
int mls_group_join(struct mls_client *c, struct bytes welcome, struct bytes tree,
                   struct mls_key_package *kp, struct mls_group *const *existing, size_t n_existing,
                   uint64_t now, struct mls_group **out) CONCLAVE_CHECKED;

/* Whether a Welcome has an entry for this key package. */
bool mls_welcome_is_for(struct bytes welcome, const struct mls_key_package *kp);

/* Joins by an external commit (section 12.4.3.2) to the group of a GroupInfo. resume_leaf: our own
 * former leaf, removed by the same commit, or MLS_NO_LEAF. psks: external PSK ids to prove. The
 * group can be used after mls_group_merge_own(), to be called once the commit was accepted. */
int mls_group_join_external(struct mls_client *c, struct bytes group_info, struct bytes tree,
                            uint32_t resume_leaf, const struct bytes *psk_ids, size_t n_psks,
                            uint64_t now, struct mls_group **out,
                            struct buf *out_commit) CONCLAVE_CHECKED;

void mls_group_free(struct mls_group *g);

/* ---- Looking at a group ---- */

void mls_group_context(const struct mls_group *g, struct mls_context *out);
uint64_t mls_group_epoch(const struct mls_group *g);
uint32_t mls_group_own_leaf(const struct mls_group *g);
uint32_t mls_group_member_count(const struct mls_group *g);

/* false once this client was removed. */
bool mls_group_is_member(const struct mls_group *g);

/* ENOTFOUND if the leaf is blank. */
int mls_group_member(const struct mls_group *g, uint32_t leaf,
                     struct mls_member *out) CONCLAVE_CHECKED;

/* Iteration in leaf order: the first member at or after *leaf, which becomes the next to ask for;
 * false at the end. Start with 0. */
bool mls_group_next_member(const struct mls_group *g, uint32_t *leaf, struct mls_member *out);

/* Section 8.5: a secret of n bytes, 1 to 255 * nh. EINVAL. */
int mls_group_export(struct mls_group *g, const char *label, struct bytes context, size_t n,
                     uint8_t *out) CONCLAVE_CHECKED;

/* Section 8.7; nh bytes, borrowed. Equal at two members only if they see the same group. Empty
 * while we are no member: then there is nothing to compare. */
struct bytes mls_group_epoch_authenticator(const struct mls_group *g);

/* Section 8.6: the resumption PSK of this or a kept epoch. ENOTFOUND. */
int mls_group_resumption_psk(const struct mls_group *g, uint64_t epoch,
                             struct buf *out) CONCLAVE_CHECKED;

/* A signed GroupInfo as MLSMessage, for public groups and external joins. Whoever has one with
 * MLS_INFO_EXTERNAL_PUB can make an external commit, which check_identity may refuse. */
enum mls_info {
    MLS_INFO_TREE = 1,         /* the ratchet tree in it */
    MLS_INFO_EXTERNAL_PUB = 2, /* the key for joining by external commit */
};
int mls_group_info(struct mls_group *g, unsigned with, struct buf *out) CONCLAVE_CHECKED;

/* The ratchet tree apart (section 12.4.3.3). */
int mls_group_tree(const struct mls_group *g, struct buf *out) CONCLAVE_CHECKED;

/* ---- Changing a group ---- */

/* One thing to propose or to commit; make it with the functions below. Views must live until the
 * call that takes it returns. */
struct mls_change {
    uint16_t type;
    struct bytes bytes;    /* key package message, PSK id, custom data */
    struct bytes group_id; /* resumption PSK, ReInit */
    uint64_t epoch;        /* resumption PSK */
    uint32_t leaf;         /* Remove */
    uint16_t suite;        /* ReInit */
    bool resumption;       /* PSK: resumption, not external */
    const struct mls_extension *extensions;
    size_t n_extensions;
};

struct mls_change mls_add(struct bytes key_package_message);
struct mls_change mls_remove(uint32_t leaf);
struct mls_change mls_external_psk(struct bytes id);
struct mls_change mls_resumption_psk(struct bytes group_id, uint64_t epoch);
struct mls_change mls_set_extensions(const struct mls_extension *extensions, size_t n);
struct mls_change mls_reinit(struct bytes group_id, uint16_t suite,
                             const struct mls_extension *extensions, size_t n);
struct mls_change mls_self_remove(void); /* propose only */
struct mls_change mls_update(void);      /* propose only; a commit updates its sender anyway */
/* A proposal type of the application's own, whose body is opaque data<V>. Every member must list
 * the type as a capability. It requires a path. */
struct mls_change mls_custom(uint16_t type, struct bytes data);

/* A new key and credential for our leaf, from the commit or Update on. The signer is borrowed. */
struct mls_new_identity {
    struct crypto_signer *signer;
    struct mls_credential credential;
};

struct mls_commit_options {
    bool force_path;    /* even where none is needed: fresh keys for our whole path */
    bool ignore_cached; /* leave received proposals out, instead of committing all of them */
    const struct mls_new_identity *identity; /* or NULL; implies a path */
    struct bytes authenticated_data;
    const struct mls_extension *group_info_extensions; /* for those who join by this commit */
    size_t n_group_info_extensions;
};

/* Proposes a change (section 12.1); out: an MLSMessage to send. The proposal is also cached here,
 * so that our next commit includes it. */
int mls_group_propose(struct mls_group *g, const struct mls_change *change,
                      const struct mls_new_identity *identity, uint64_t now,
                      struct buf *out) CONCLAVE_CHECKED;

/* Makes the group's one pending commit of these changes and, unless told otherwise, of all
 * proposals received in this epoch. out: an MLSMessage to send. The group itself is unchanged
 * until mls_group_merge_own(). EPENDING if there is one already. */
int mls_group_commit(struct mls_group *g, const struct mls_change *changes, size_t n,
                     const struct mls_commit_options *options, uint64_t now,
                     struct buf *out) CONCLAVE_CHECKED;

/* The delivery service accepted our commit: the new epoch begins. Only now the Welcome is handed
 * out (section 14); it is empty if nobody was added. ESTATE without a pending commit. */
int mls_group_merge_own(struct mls_group *g, struct buf *out_welcome) CONCLAVE_CHECKED;

/* What was handed out last, for a caller that lost it in a crash: the pending commit's message, and
 * the Welcome of our commit that began this epoch. ENOTFOUND. */
int mls_group_pending_message(const struct mls_group *g, struct bytes *out) CONCLAVE_CHECKED;
int mls_group_last_welcome(const struct mls_group *g, struct bytes *out) CONCLAVE_CHECKED;

/* Our commit lost: forget it. Merging another's commit does the same. Only when it is certain that
 * nobody accepted it: whoever drops a commit that the others took cannot follow them. Without one:
 * 0. ESTORE. */
int mls_group_drop_own(struct mls_group *g) CONCLAVE_CHECKED;
bool mls_group_has_pending(const struct mls_group *g);

/* The pending commit of our own, to inspect; NULL if there is none. Borrowed. */
const struct mls_staged *mls_group_pending(const struct mls_group *g);

/* Sets aside a proposal received in this epoch, or all of them: they no longer go into our commits
 * or hold back application data. Another's commit may still refer to them; one that is received
 * again counts again. ENOTFOUND. */
int mls_group_ignore_proposal(struct mls_group *g, struct bytes ref) CONCLAVE_CHECKED;
int mls_group_clear_proposals(struct mls_group *g) CONCLAVE_CHECKED;

/* After a merged ReInit: the successor group, made by whoever does it first. members: a fresh key
 * package of every other member. The group returned has its initial commit pending; after
 * mls_group_merge_own() its Welcome brings all others along. c has the new suite. */
int mls_group_reinit(struct mls_group *old, struct mls_client *c, const struct bytes *key_packages,
                     size_t n, uint64_t now, struct mls_group **out) CONCLAVE_CHECKED;

/* A new group with a subset of the members (section 11.3), as above. */
int mls_group_branch(struct mls_group *old, struct bytes group_id, const struct bytes *key_packages,
                     size_t n, uint64_t now, struct mls_group **out) CONCLAVE_CHECKED;

/* ---- Messages ---- */

/* Encrypts application data (section 15). EPROPOSALS while received proposals wait for a commit
 * (section 12.4). */
int mls_group_protect(struct mls_group *g, struct bytes authenticated_data, struct bytes data,
                      struct buf *out) CONCLAVE_CHECKED;

enum mls_received_kind {
    MLS_RECEIVED_APPLICATION, /* data, sender */
    MLS_RECEIVED_PROPOSAL,    /* proposal: checked, cached */
    MLS_RECEIVED_COMMIT,      /* staged: inspect, then mls_group_merge() or mls_staged_free() */
    MLS_RECEIVED_OWN_COMMIT,  /* our pending commit came back: mls_group_merge_own() */
};

/* What a proposal asks for. Views. */
struct mls_proposal_info {
    uint16_t type;
    struct mls_sender sender;
    bool by_reference;
    struct mls_member member; /* Add: the newcomer; Update: the new leaf */
    uint32_t leaf;            /* Remove, SelfRemove, Update: whose; Add: where, once staged */
    bool psk_resumption;
    struct bytes psk_id;       /* external PSK */
    struct bytes psk_group_id; /* resumption PSK */
    uint64_t psk_epoch;
    struct bytes group_id;   /* ReInit */
    uint16_t suite;          /* ReInit */
    struct bytes extensions; /* GroupContextExtensions, ReInit: encoded list */
    struct bytes data;       /* custom */
    struct bytes ref;        /* ProposalRef, if it travelled by itself */
};

struct mls_received {
    enum mls_received_kind kind;
    struct mls_sender sender;
    struct mls_member member; /* the sender, if a member, as it was in that epoch; views into
                               * member_leaf: a leaf index means nothing in another epoch */
    struct buf member_leaf;
    uint64_t epoch;
    uint32_t generation; /* of a PrivateMessage: counts the sender's messages in the epoch */
    struct buf authenticated_data;
    struct buf data;
    struct mls_proposal_info proposal; /* views into the group's cache */
    struct mls_staged *staged;
};

/* Takes any MLSMessage of the group. On success out must be ended with mls_received_free(). Our own
 * messages may come back: a pending commit is recognised, a public proposal is found in the cache;
 * private ones of ours cannot be opened again (EREPLAY). */
int mls_group_receive(struct mls_group *g, struct bytes message, uint64_t now,
                      struct mls_received *out) CONCLAVE_CHECKED;
void mls_received_free(struct mls_received *r);

/* Makes a staged commit the current epoch. It is consumed, whatever the result (the message can be
 * received again); the pointer in struct mls_received is then stale, so take it out: see
 * mls_received_take(). ESTATE if the group has moved on since, EINVAL if it is not ours. */
int mls_group_merge(struct mls_group *g, struct mls_staged *staged) CONCLAVE_CHECKED;
struct mls_staged *mls_received_take(struct mls_received *r);

/* ---- Inspecting a staged commit ---- */

void mls_staged_free(struct mls_staged *s);
struct mls_sender mls_staged_sender(const struct mls_staged *s);
/* The committer's leaf in the new tree. */
uint32_t mls_staged_committer(const struct mls_staged *s);
void mls_staged_old_context(const struct mls_staged *s, struct mls_context *out);
/* Without the confirmed transcript hash's successor secrets, of course. */
void mls_staged_new_context(const struct mls_staged *s, struct mls_context *out);
size_t mls_staged_proposal_count(const struct mls_staged *s);
int mls_staged_proposal(const struct mls_staged *s, size_t i,
                        struct mls_proposal_info *out) CONCLAVE_CHECKED;
bool mls_staged_has_path(const struct mls_staged *s);
/* Whether it removes us: merging it ends our membership. */
bool mls_staged_removes_us(const struct mls_staged *s);
struct bytes mls_staged_authenticated_data(const struct mls_staged *s);
/* Members before and after. ENOTFOUND. */
int mls_staged_old_member(const struct mls_staged *s, uint32_t leaf,
                          struct mls_member *out) CONCLAVE_CHECKED;
int mls_staged_new_member(const struct mls_staged *s, uint32_t leaf,
                          struct mls_member *out) CONCLAVE_CHECKED;

/* ---- Senders from outside (section 12.1.8) ---- */

/* A proposal by an entry of external_senders. context: the group as it is now. */
int mls_external_propose(struct crypto *c, struct crypto_signer *signer, uint32_t sender_index,
                         const struct mls_context *context, const struct mls_change *change,
                         struct buf *out) CONCLAVE_CHECKED;

/* "Please add me": an Add proposal by the owner of a key package. */
int mls_new_member_propose(struct mls_client *c, const struct mls_key_package *kp,
                           struct bytes group_id, uint64_t epoch, struct buf *out) CONCLAVE_CHECKED;

/* ---- State ---- */

/* The whole group as one blob: versioned; sealed with AES-256-GCM if key is 32 bytes, and so is,
 * from then on, each delta that the store callback is given. Deltas stand on the last save and on
 * each other; they are restored in their order, but for those that store() has refused. After a
 * save, older deltas and saves are of no use. EINVAL for a key of another size. */
int mls_group_save(struct mls_group *g, struct bytes key, struct buf *out) CONCLAVE_CHECKED;

/* deltas: as stored, oldest first. ESYNTAX, EVERSION, EDECRYPT, EINVAL if no signer of the client
 * has the leaf's key or its suite is not the group's, ESTATE if a delta is missing, out of order or
 * of another group. */
int mls_group_restore(struct mls_client *c, struct bytes key, struct bytes saved,
                      const struct bytes *deltas, size_t n_deltas,
                      struct mls_group **out) CONCLAVE_CHECKED;

/* ---- A group seen from outside: tree and context, no secrets ---- */

/* What a delivery service may hold: it follows and validates handshakes in PublicMessage and
 * serves the tree, and cannot read anything. Credentials are checked by check_identity. */
int mls_public_group_new(uint16_t suite, const struct mls_callbacks *callbacks,
                         const struct mls_policy *policy, struct bytes group_info,
                         struct bytes tree, uint64_t now,
                         struct mls_public_group **out) CONCLAVE_CHECKED;
void mls_public_group_free(struct mls_public_group *g);

/* As mls_group_receive(), for PublicMessage. What only a member can check (membership and
 * confirmation tags, path secrets) stays unchecked. */
int mls_public_group_receive(struct mls_public_group *g, struct bytes message, uint64_t now,
                             struct mls_received *out) CONCLAVE_CHECKED;
int mls_public_group_merge(struct mls_public_group *g, struct mls_staged *staged) CONCLAVE_CHECKED;
int mls_public_group_clear_proposals(struct mls_public_group *g) CONCLAVE_CHECKED;

void mls_public_group_context(const struct mls_public_group *g, struct mls_context *out);
uint32_t mls_public_group_member_count(const struct mls_public_group *g);
int mls_public_group_member(const struct mls_public_group *g, uint32_t leaf,
                            struct mls_member *out) CONCLAVE_CHECKED;
bool mls_public_group_next_member(const struct mls_public_group *g, uint32_t *leaf,
                                  struct mls_member *out);
int mls_public_group_tree(const struct mls_public_group *g, struct buf *out) CONCLAVE_CHECKED;
int mls_public_group_save(const struct mls_public_group *g, struct buf *out) CONCLAVE_CHECKED;
int mls_public_group_restore(uint16_t suite, const struct mls_callbacks *callbacks,
                             const struct mls_policy *policy, struct bytes saved,
                             struct mls_public_group **out) CONCLAVE_CHECKED;

/* ---- Server aids ---- */

/* A Welcome cut down to the one entry of a KeyPackageRef. ENOTFORME. */
int mls_welcome_slice(struct bytes welcome, struct bytes key_package_ref,
                      struct buf *out) CONCLAVE_CHECKED;

/* A walk over the entries of a Welcome: open it, then ask for one after the other. Views into the
 * Welcome. */
struct mls_welcome_walk {
    uint16_t suite;
    size_t count; /* joiners it serves */
    struct bytes rest, group_info;
};
int mls_welcome_open(struct bytes welcome, struct mls_welcome_walk *out) CONCLAVE_CHECKED;

/* The next entry's KeyPackageRef and, unless out_slice is NULL, the Welcome for it alone. ENOTFOUND
 * at the end. */
int mls_welcome_next(struct mls_welcome_walk *walk, struct bytes *out_ref,
                     struct buf *out_slice) CONCLAVE_CHECKED;

/* What kind of MLSMessage this is (section 6), and for which group and epoch (handshake and
 * application messages only, else empty and 0). */
enum mls_wire_format {
    MLS_PUBLIC_MESSAGE = 1,
    MLS_PRIVATE_MESSAGE = 2,
    MLS_WELCOME = 3,
    MLS_GROUP_INFO = 4,
    MLS_KEY_PACKAGE = 5,
};
int mls_message_peek(struct bytes message, enum mls_wire_format *out_kind,
                     struct bytes *out_group_id, uint64_t *out_epoch) CONCLAVE_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
