/* The provider's CA from within. */
#ifndef IDENTITY_CA_H
#define IDENTITY_CA_H

#include <conclave/identity.h>

#include "identity/anchors.h"

struct identity_ca {
    struct crypto *crypto; /* borrowed */
    struct crypto_signer *signer;
    struct identity_anchors *root; /* the one, as its clients see it: constraints included */
};

/* What stands in one certificate. */
struct tbs {
    struct bytes issuer, subject; /* whole Names */
    struct bytes spki;            /* whole SubjectPublicKeyInfo */
    uint64_t not_before, not_after;
    struct bytes extensions; /* contents of Extensions */
};

/* A signed certificate with a fresh serial number. */
int ca_sign(struct crypto *c, struct crypto_signer *signer, const struct tbs *tbs,
            struct buf *out) CONCLAVE_CHECKED;

/* The identifier of a key, for subjectKeyIdentifier: RFC 7093 2, method 1. */
#define CA_KEY_ID 20
int ca_key_id(struct bytes public_key, uint8_t out[static SPKI_DIGEST]) CONCLAVE_CHECKED;

/* Starts and ends an extension 2.5.29.id; its value is written in between. */
struct extension_mark {
    size_t outer, value;
};
struct extension_mark ca_extension_begin(struct buf *b, uint8_t id, bool critical);
void ca_extension_end(struct buf *b, struct extension_mark mark);

#endif
