/* RFC 9420 7.2 and 7.3: the leaf node, its signature and the rules it must keep by itself. What
 * needs the rest of the tree (unique keys, credential types in common) is in tree.c.
 */
#ifndef MLS_LEAF_H
#define MLS_LEAF_H

#include <conclave/mls.h>

#include "crypto/suite.h"
#include "wire/reader.h"

enum mls_leaf_source { LEAF_KEY_PACKAGE = 1, LEAF_UPDATE = 2, LEAF_COMMIT = 3 };

/* All views into one encoding, raw. */
struct mls_leaf {
    struct bytes raw;
    struct bytes tbs; /* raw without the signature: the start of LeafNodeTBS */
    struct bytes encryption_key, signature_key;
    struct mls_credential credential;
    struct mls_capabilities capabilities;
    enum mls_leaf_source source;
    uint64_t not_before, not_after; /* LEAF_KEY_PACKAGE */
    struct bytes parent_hash;       /* LEAF_COMMIT */
    struct bytes extensions;
    struct bytes signature;
};

/* Syntax only. A failure fails the reader; *error says more than ESYNTAX where it can. */
void mls_leaf_read(struct reader *r, struct mls_leaf *out, int *error);

/* What a new leaf is made of; the signature is added by mls_leaf_sign(). */
struct mls_leaf_content {
    struct bytes encryption_key, signature_key;
    struct mls_credential credential;
    struct mls_capabilities capabilities;
    enum mls_leaf_source source;
    uint64_t not_before, not_after;
    struct bytes parent_hash;
    struct bytes extensions; /* encoded list */
};

/* Writes and signs a LeafNode. group_id and leaf_index count unless it is for a key package. */
int mls_leaf_sign(const struct mls_leaf_content *content, struct crypto_signer *signer,
                  struct bytes group_id, uint32_t leaf_index, struct buf *out) CONCLAVE_CHECKED;

/* RFC 9420 7.3, 10-3: the encryption key is a key, and the signature. EKEY, ESIGNATURE. */
int mls_leaf_verify(struct crypto *c, const struct mls_leaf *leaf, struct bytes group_id,
                    uint32_t leaf_index) CONCLAVE_CHECKED;

/* RFC 9420 7.3: all that a leaf can break alone: source, capabilities for its own extensions and
 * credential, version and suite, lifetime span, and whether it supports the group's extensions
 * and required capabilities (group_extensions may be empty). */
struct mls_leaf_rules {
    enum mls_leaf_source source;
    uint16_t suite;
    struct bytes group_extensions;
    uint64_t max_lifetime;
    uint64_t now;
    bool check_now; /* whether now must be within the lifetime */
};
int mls_leaf_check(const struct mls_leaf *leaf,
                   const struct mls_leaf_rules *rules) CONCLAVE_CHECKED;

/* The public view. */
struct mls_member mls_leaf_member(const struct mls_leaf *leaf, uint32_t index);

#endif
