/* Names of people and devices, made comparable: ASCII only, the domain in lower case.
 *
 * What is not plain is refused: no quoting, no wildcards, no spaces or control characters, no byte
 * above 0x7f. Domains of other scripts come as A-labels (RFC 5890 2.3.2.1), `xn--...`, and stay so
 * on the screen: two that look alike do not read alike.
 */
#ifndef IDENTITY_NAME_H
#define IDENTITY_NAME_H

#include <conclave/identity.h>

#include "wire/reader.h"

struct name {
    enum identity_kind kind;
    char text[IDENTITY_NAME_MAX + 1];
    size_t domain; /* where the domain starts in text; devices: 0; guests: not at all */
};

/* false, and *out empty, if it is not a name of this kind. */
bool name_read(enum identity_kind kind, struct bytes in, struct name *out);

/* As name_read, of the kind that its form shows. */
bool name_guess(struct bytes in, struct name *out);

bool name_equal(const struct name *a, const struct name *b);
const char *name_domain(const struct name *n);

/* A domain by itself, in lower case. */
bool domain_read(struct bytes in, char out[static IDENTITY_DOMAIN_MAX + 1]);

/* Whether a name lies in a zone: users have the zone itself as their domain, devices may stand
 * below it. Guests lie in none. */
bool name_in_domain(const struct name *n, const char *zone);

/* ASCII letters are equal to themselves in the other case. */
bool text_equal_nocase(struct bytes a, struct bytes b);

/* One GeneralName: its tag and content. Another tag fails. */
struct bytes general_name_read(struct reader *r, uint8_t *out_tag);

/* Iterates over GeneralNames (RFC 5280 4.2.1.6): 1 for a name that we know, 0 at the end, or
 * ESYNTAX, ELIMIT, or ECREDENTIAL for a name that is not plain. Others are passed over. */
struct names {
    struct bytes rest;
    size_t seen;
};
int names_next(struct names *it, struct name *out) CONCLAVE_CHECKED;

#endif
