/* RFC 9420 12.4.3.1: Welcome on the wire. */
#ifndef MLS_WELCOME_H
#define MLS_WELCOME_H

#include "mls/commit.h"
#include "mls/framing.h"

struct mls_welcome_view {
    uint16_t suite;
    struct bytes secrets; /* content of EncryptedGroupSecrets secrets<V> */
    size_t n_secrets;
    struct bytes encrypted_group_info;
};

struct mls_encrypted_secrets {
    struct bytes new_member; /* KeyPackageRef */
    struct mls_ciphertext secrets;
};

struct mls_group_secrets {
    struct bytes joiner_secret;
    bool has_path_secret;
    struct bytes path_secret;
    struct bytes psks; /* content of PreSharedKeyID psks<V> */
};

/* A whole MLSMessage that must hold a Welcome. */
int mls_welcome_parse(struct bytes message, struct mls_welcome_view *out) CONCLAVE_CHECKED;
void mls_welcome_read(struct reader *r, struct mls_welcome_view *out);
void mls_encrypted_secrets_read(struct reader *r, struct mls_encrypted_secrets *out);
void mls_group_secrets_read(struct reader *r, struct mls_group_secrets *out);

/* ENOTFORME. */
int mls_welcome_find(const struct mls_welcome_view *w, struct bytes ref,
                     struct mls_encrypted_secrets *out) CONCLAVE_CHECKED;

#endif
