/* What the members of one client share, and its key packages. */
#ifndef MLS_CLIENT_H
#define MLS_CLIENT_H

#include "mls/key_package.h"

struct mls_client {
    size_t refs;
    struct crypto *crypto;
    struct crypto *sealer; /* AES-256-GCM for stored state; made when first needed */
    struct crypto_signer *signer;
    struct crypto_signer **more_signers;
    size_t n_more_signers;
    struct buf credential_bytes;
    struct mls_credential credential; /* views into credential_bytes */
    struct mls_callbacks callbacks;
    struct mls_policy policy;
    struct mls_executor executor;
    /* as advertised, GREASE included; views into caps_bytes */
    struct buf caps_bytes[5];
    struct mls_capabilities capabilities;
    struct buf supported_extensions; /* RFC 9420 13.5-6: without GREASE */
    struct buf leaf_extensions;      /* encoded list */
};

struct mls_client *mls_client_ref(struct mls_client *c);

/* The signer of this client that has a public key, or NULL. */
struct crypto_signer *mls_client_signer_for(const struct mls_client *c, struct bytes public_key);

/* A crypto whose AEAD is AES-256-GCM. */
int mls_client_sealer(struct mls_client *c, struct crypto **out) CONCLAVE_CHECKED;

/* Fills what a leaf of this client has in common with its others. The identity may be NULL. */
void mls_client_leaf(const struct mls_client *c, const struct crypto_signer *signer,
                     const struct mls_credential *credential, struct mls_leaf_content *out);

/* RFC 9420 13.4-8, 13.5-5: whether every extension of a GroupContext is truly supported. */
int mls_client_supports(const struct mls_client *c, struct bytes extensions) CONCLAVE_CHECKED;

/* RFC 9420 13.5: a GREASE value. ERANDOM. */
int mls_grease(struct crypto *c, uint16_t *out) CONCLAVE_CHECKED;

/* An encoded extension list out of parts: up to two given and, if asked for, one of GREASE. */
int mls_extension_list(struct crypto *c, const struct mls_extension *list, size_t n, bool grease,
                       struct buf *out) CONCLAVE_CHECKED;

/* The certificate, if any, holds the signer's key. ECREDENTIAL. */
int mls_identity_check_own(struct crypto *c, const struct crypto_signer *signer,
                           const struct mls_credential *credential) CONCLAVE_CHECKED;

struct mls_key_package {
    struct mls_client *client;
    struct buf message;
    struct mls_key_package_view view; /* of message */
    uint8_t ref[CRYPTO_HASH_MAX];
    struct secret init_priv, leaf_priv;
    bool last_resort, spent;
};

/* A key package whose private keys come from elsewhere; they must fit. EKEY, ESUITE. */
int mls_key_package_from_parts(struct mls_client *c, struct bytes message, struct bytes init_priv,
                               struct bytes leaf_priv,
                               struct mls_key_package **out) CONCLAVE_CHECKED;

#endif
