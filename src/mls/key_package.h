/* RFC 9420 10: key packages on the wire. The object that also holds the private keys is in
 * client_key_package.c. */
#ifndef MLS_KEY_PACKAGE_H
#define MLS_KEY_PACKAGE_H

#include "mls/leaf.h"

struct mls_key_package_view {
    struct bytes raw;
    struct bytes tbs; /* raw without the signature */
    uint16_t version, suite;
    struct bytes init_key;
    struct mls_leaf leaf;
    struct bytes extensions;
    struct bytes signature;
};

void mls_key_package_read(struct reader *r, struct mls_key_package_view *out, int *error);

/* A whole MLSMessage that must hold a KeyPackage. ESYNTAX, EVERSION, EWIREFORMAT, ... */
int mls_key_package_parse(struct bytes message, struct mls_key_package_view *out) CONCLAVE_CHECKED;

/* RFC 9420 10.1: everything but the credential, which is the application's to judge. */
int mls_key_package_check(struct crypto *c, const struct mls_key_package_view *kp,
                          const struct mls_leaf_rules *rules) CONCLAVE_CHECKED;

/* RFC 9420 5.2. out: nh bytes. */
int mls_key_package_ref(struct crypto *c, struct bytes key_package,
                        uint8_t out[static CRYPTO_HASH_MAX]) CONCLAVE_CHECKED;

#endif
