/* RFC 9420 9: the secret tree and its ratchets: one key and nonce per message.
 *
 * Secrets are derived when first needed, and what they came from is erased (section 9.2). A
 * received message's key is looked up without changing anything; only when the AEAD has accepted
 * is the step taken, and that cannot fail.
 */
#ifndef MLS_SECRET_TREE_H
#define MLS_SECRET_TREE_H

#include "base/u32map.h"
#include "crypto/suite.h"
#include "wire/reader.h"

enum mls_ratchet_type { RATCHET_HANDSHAKE = 0, RATCHET_APPLICATION = 1 };

struct mls_secret_tree {
    uint32_t width;         /* leaf places */
    struct u32map nodes;    /* node -> struct secret: not yet consumed */
    struct u32map ratchets; /* leaf -> struct leaf_ratchets: derived */
};

struct mls_message_key {
    struct secret key, nonce;
};

/* Takes the encryption secret, which is wiped. ENOMEM. */
int mls_secret_tree_init(struct mls_secret_tree *t, uint32_t width,
                         struct secret *encryption) CONCLAVE_CHECKED;
void mls_secret_tree_fini(struct mls_secret_tree *t);

/* What taking a key would change. */
struct mls_ratchet_step;

/* The key of one generation. EREPLAY if it was used or dropped, EGENERATION if it is more than
 * `ahead` steps away; up to `kept` keys of the steps between are kept. */
int mls_ratchet_find(struct mls_secret_tree *t, struct crypto *c, uint32_t leaf,
                     enum mls_ratchet_type type, uint32_t generation, uint32_t ahead, uint32_t kept,
                     struct mls_message_key *out,
                     struct mls_ratchet_step **out_step) CONCLAVE_CHECKED;

/* The next unused generation of a ratchet. */
int mls_ratchet_next(struct mls_secret_tree *t, struct crypto *c, uint32_t leaf,
                     enum mls_ratchet_type type, uint32_t *out_generation,
                     struct mls_message_key *out,
                     struct mls_ratchet_step **out_step) CONCLAVE_CHECKED;

/* Takes the step: the key is consumed. Frees it. */
void mls_ratchet_take(struct mls_secret_tree *t, struct mls_ratchet_step *step);
void mls_ratchet_step_free(struct mls_ratchet_step *step);
uint32_t mls_ratchet_step_generation(const struct mls_ratchet_step *step);

/* State. */
void mls_secret_tree_write(const struct mls_secret_tree *t, struct buf *b);
int mls_secret_tree_read(struct mls_secret_tree *t, struct reader *r) CONCLAVE_CHECKED;

#endif
