/* Certificates as a hostile or careless CA makes them: all that the provider's own CA refuses to
 * put into one. */
#ifndef TESTS_ATTACK_ATTACK_CA_H
#define TESTS_ATTACK_ATTACK_CA_H

#include "support/meeting_world.h"

struct attack_ca;

/* Subject and issuer name. permitted: a domain for its nameConstraints, or NULL. */
struct attack_ca *attack_ca_new(const char *name, const char *permitted);
void attack_ca_free(struct attack_ca *ca);
/* The root as PEM and as DER. */
void attack_ca_pem(const struct attack_ca *ca, struct buf *out);
void attack_ca_der(const struct attack_ca *ca, struct buf *out);

struct attack_names {
    const char *common_name;  /* NULL: none */
    const char *alternatives; /* as OpenSSL writes them: "email:ann@example.org,DNS:example.org" */
    const char *use;          /* extendedKeyUsage: "clientAuth", "codeSigning" */
};

/* Somebody with a fresh key and such a certificate; freed with the world. */
struct meeting_person *attack_ca_person(struct attack_ca *ca, struct meeting_world *w,
                                        const struct attack_names *names);
/* The serial number of somebody's certificate, as identity_anchors_revoke() wants it. */
void attack_ca_serial(const struct meeting_person *person, struct buf *out);

#endif
