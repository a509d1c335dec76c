/* The labelled functions of RFC 9420: everything signed, encrypted, hashed or derived in MLS goes
 * through one of these, so no value can be taken for one made for another purpose.
 */
#ifndef CRYPTO_LABELS_H
#define CRYPTO_LABELS_H

#include "crypto/hpke.h"
#include "crypto/suite.h"

/* Sections 5.1.2 and 5.2; label without "MLS 1.0 ". The content is given in parts (at most
 * LABEL_PARTS_MAX), hashed as one. */
#define LABEL_PARTS_MAX 6

int sign_with_label(struct crypto_signer *s, const char *label, const struct bytes *parts, size_t n,
                    struct buf *out) CONCLAVE_CHECKED;
int verify_with_label(struct crypto *c, struct bytes pub, const char *label,
                      const struct bytes *parts, size_t n, struct bytes sig) CONCLAVE_CHECKED;

/* RefHash: here the label is whole ("MLS 1.0 KeyPackage Reference"). out: nh bytes. */
int ref_hash(struct crypto *c, const char *label, const struct bytes *parts, size_t n,
             uint8_t *out) CONCLAVE_CHECKED;

/* Section 8. */
int expand_with_label(struct crypto *c, const struct secret *secret, const char *label,
                      struct bytes context, size_t n, uint8_t *out) CONCLAVE_CHECKED;
int derive_secret(struct crypto *c, const struct secret *secret, const char *label,
                  struct secret *out) CONCLAVE_CHECKED;

/* Section 9.1. */
int derive_tree_secret(struct crypto *c, const struct secret *secret, const char *label,
                       uint32_t generation, size_t n, struct secret *out) CONCLAVE_CHECKED;

/* Section 5.1.3. One info serves many recipients of the same label and context. */
int encrypt_info(struct crypto *c, const char *label, struct bytes context,
                 struct hpke_info *out) CONCLAVE_CHECKED;

#endif
