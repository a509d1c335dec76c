/* RFC 9420 12.1: proposals on the wire. What they do is in proposal_list.c. */
#ifndef MLS_PROPOSAL_H
#define MLS_PROPOSAL_H

#include "mls/key_package.h"
#include "mls/psk.h"

struct mls_proposal {
    struct bytes raw;
    uint16_t type; /* enum mls_proposal_type, or the application's own */
    union {
        struct mls_key_package_view add;
        struct mls_leaf update;
        uint32_t removed;
        struct mls_psk_id psk;
        struct {
            struct bytes group_id;
            uint16_t version, suite;
            struct bytes extensions;
        } reinit;
        struct bytes kem_output; /* ExternalInit */
        struct bytes extensions; /* GroupContextExtensions */
        struct bytes data;       /* any other type: opaque data<V> */
    };
};

void mls_proposal_read(struct reader *r, struct mls_proposal *out, int *error);

/* Appends the encoding of a change that a member or an external sender asks for; not for Update
 * and SelfRemove, which have no arguments, and not for PSKs, which need a nonce. EINVAL. */
int mls_proposal_write_add(struct buf *b, struct bytes key_package_message) CONCLAVE_CHECKED;
void mls_proposal_write_update(struct buf *b, struct bytes leaf);
void mls_proposal_write_remove(struct buf *b, uint32_t leaf);
void mls_proposal_write_psk(struct buf *b, const struct mls_psk_id *id);
void mls_proposal_write_external_init(struct buf *b, struct bytes kem_output);

/* The changes that need nothing but themselves: Add, Remove, ReInit, GroupContextExtensions,
 * SelfRemove, custom. EINVAL for others, and for a key package that does not parse. */
int mls_proposal_write_change(struct buf *b, const struct mls_change *change) CONCLAVE_CHECKED;

/* A PreSharedKey proposal with a fresh nonce. ERANDOM. */
int mls_psk_write_change(struct crypto *c, const struct mls_change *change,
                         struct buf *out) CONCLAVE_CHECKED;

/* Whether a commit with such a proposal needs a path (RFC 9420 12.4). */
bool mls_proposal_needs_path(uint16_t type);

/* Types 1 to 7, which nobody lists as capabilities (RFC 9420 7.2-1). */
bool mls_proposal_is_default(uint16_t type);

/* The public description. */
void mls_proposal_describe(const struct mls_proposal *p, struct mls_proposal_info *out);

#endif
