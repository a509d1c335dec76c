/* A certificate taken apart (RFC 5280 4.1 and 4.2). All views are into its DER. */
#ifndef IDENTITY_CERTIFICATE_H
#define IDENTITY_CERTIFICATE_H

#include "crypto/spki.h"
#include "wire/der.h"

enum certificate_key {
    CERTIFICATE_KEY_UNKNOWN, /* or too weak */
    CERTIFICATE_KEY_RSA,
    CERTIFICATE_KEY_P256,
    CERTIFICATE_KEY_P384,
    CERTIFICATE_KEY_P521,
    CERTIFICATE_KEY_ED25519,
    CERTIFICATE_KEY_ED448,
};

/* RFC 5280 4.2.1.3 */
#define KEY_USAGE_SIGNATURE (1u << 0)
#define KEY_USAGE_CERT_SIGN (1u << 5)

#define EXTENDED_USAGE_ALL 0xffu

struct public_key {
    enum certificate_key kind;
    struct bytes spki;  /* the whole SubjectPublicKeyInfo */
    struct bytes value; /* EC: the point, EdDSA: the key, RSA: empty */
    size_t bits;
};

struct certificate {
    struct bytes der, tbs, serial, issuer, subject; /* names as whole elements */
    uint64_t not_before, not_after;
    struct public_key key;
    const struct spki_key *ready; /* the same, made ready; NULL unless it is an anchor's */
    enum spki_algorithm algorithm;
    struct bytes signature;

    bool unknown_critical;
    bool ca, has_path_length, has_usage, has_extended, has_names, has_constraints;
    uint32_t path_length;
    uint16_t usage;
    unsigned extended;                             /* enum identity_usage, or EXTENDED_USAGE_ALL */
    struct bytes names;                            /* content of GeneralNames */
    struct bytes constraints;                      /* content of NameConstraints */
    struct bytes subject_key_id, authority_key_id; /* empty if there is none */
};

/* ESYNTAX, or ELIMIT for one that is too large to look at. What is well formed and yet unknown or
 * weak is no error here. */
int certificate_read(struct bytes der, struct certificate *out) CONCLAVE_CHECKED;

/* Parts that others have too (RFC 2986). */
struct public_key public_key_read(struct reader *r);
enum spki_algorithm algorithm_read(struct reader *r);

/* A Name whose attributes are well formed. Returns the whole element. */
struct bytes rdn_sequence_read(struct reader *r);

/* The value of the first attribute 2.5.4.id of a Name; empty if there is none. */
struct bytes rdn_find(struct bytes name, uint8_t id);
#define RDN_COMMON_NAME 3
#define RDN_ORGANISATION 10

bool certificate_is_self_issued(const struct certificate *c);

#endif
