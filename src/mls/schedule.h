/* RFC 9420 8: the key schedule. */
#ifndef MLS_SCHEDULE_H
#define MLS_SCHEDULE_H

#include "crypto/suite.h"

/* What an epoch keeps of its epoch_secret. The encryption_secret goes into the secret tree and the
 * epoch_secret itself nowhere (RFC 9420 9.2-2). */
struct mls_epoch_secrets {
    struct secret sender_data, exporter, external, confirmation, membership, resumption,
        authenticator, init;
};

void mls_epoch_secrets_wipe(struct mls_epoch_secrets *s);

/* joiner_secret from the last epoch's init secret, the commit secret and the new GroupContext. */
int mls_joiner_secret(struct crypto *c, const struct secret *init, const struct secret *commit,
                      struct bytes context, struct secret *out) CONCLAVE_CHECKED;

/* welcome_secret's AEAD key and nonce (RFC 9420 12.4.3.1). */
int mls_welcome_keys(struct crypto *c, const struct secret *joiner, const struct secret *psk,
                     struct secret *out_key, struct secret *out_nonce) CONCLAVE_CHECKED;

/* All secrets of an epoch. */
int mls_epoch_derive(struct crypto *c, const struct secret *joiner, const struct secret *psk,
                     struct bytes context, struct mls_epoch_secrets *out,
                     struct secret *out_encryption) CONCLAVE_CHECKED;
int mls_epoch_derive_from_epoch_secret(struct crypto *c, const struct secret *epoch,
                                       struct mls_epoch_secrets *out,
                                       struct secret *out_encryption) CONCLAVE_CHECKED;

/* RFC 9420 6.1: MAC(confirmation_key, confirmed_transcript_hash). out: nh bytes. */
int mls_confirmation_tag(struct crypto *c, const struct secret *confirmation,
                         struct bytes confirmed_hash, uint8_t *out) CONCLAVE_CHECKED;

/* RFC 9420 6.2. content, auth: encoded; context: the encoded GroupContext. out: nh bytes. */
int mls_membership_tag(struct crypto *c, const struct secret *membership, struct bytes content,
                       struct bytes auth, struct bytes context, uint8_t *out) CONCLAVE_CHECKED;

/* RFC 9420 8.5. */
int mls_exporter(struct crypto *c, const struct secret *exporter, const char *label,
                 struct bytes context, size_t n, uint8_t *out) CONCLAVE_CHECKED;

#endif
