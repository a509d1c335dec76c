/* The set of anchors as the path search sees it. */
#ifndef IDENTITY_ANCHORS_H
#define IDENTITY_ANCHORS_H

#include <conclave/identity.h>

#include "identity/certificate.h"

struct domains {
    char (*name)[IDENTITY_DOMAIN_MAX + 1];
    size_t n;
};

struct anchor {
    struct buf der;
    struct certificate certificate; /* views into der */
    struct spki_key *key;
    enum identity_purpose purpose;
    char display[IDENTITY_ISSUER_MAX + 1];
    struct domains domains;
};

/* A serial number, padded on the left. */
struct serial {
    uint8_t p[20];
};

struct revoking {
    struct buf spki;
    struct serial *serials; /* sorted */
    size_t n;
};

struct identity_anchors {
    struct anchor **anchor;
    size_t n;
    struct revoking *revoking;
    size_t n_revoking;
};

bool anchors_revoked(const struct identity_anchors *a, const struct certificate *issuer,
                     struct bytes serial);

/* Whether this anchor is trusted for a name in this domain. */
struct name;
bool anchor_vouches(const struct anchor *a, const struct name *name);

#endif
