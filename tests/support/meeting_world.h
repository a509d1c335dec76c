/* What the tests of meetings share: a provider's CA, a server's key, people with certificates, a
 * signed card and its link. Keys of people and of the server are the same in every run. Suite 2;
 * everything is valid at `now`, which is MEETING_NOW, and for a week.
 *
 *     meeting_world_init(&w);     w.organiser is there, alice@company.com, and the card is hers
 *     bob = meeting_world_person(&w, IDENTITY_USER, "bob@company.com");
 *     meeting_world_fini(&w);     frees everybody
 */
#ifndef TESTS_SUPPORT_MEETING_WORLD_H
#define TESTS_SUPPORT_MEETING_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <conclave/mls.h>

#include "meeting/card.h"
#include "meeting/link.h"

#define MEETING_NOW UINT64_C(1700000000)
#define MEETING_DAY UINT64_C(86400)
#define MEETING_SUITE CRYPTO_P256_AES128GCM_SHA256_P256
#define MEETING_PEOPLE_MAX ((size_t)512)
#define MEETING_LINK_NUMBER "0123456789"

/* The provider vouches for both; the organisation of the card is the first. */
#define MEETING_DOMAIN "company.com"
#define MEETING_OTHER_DOMAIN "other.example"
#define MEETING_GUEST "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8"

struct meeting_person {
    const char *name;
    struct crypto_signer *signer;
    struct buf certificate;
    struct bytes chain[1]; /* view of it: for card_sign(), struct participant_config */
    struct buf encoded;    /* the same as MLS has it */
};

struct meeting_world {
    uint64_t now;                 /* seconds: when everything was made */
    struct crypto *crypto;        /* full */
    struct crypto *public_crypto; /* as a server has it */
    struct identity_ca *ca;
    struct identity_ca *stranger; /* vouches for the same domains, and nobody trusts it */
    struct identity_anchors *anchors;
    struct crypto_signer *server;
    struct meeting_person *organiser; /* alice@company.com */
    struct meeting_person person[MEETING_PEOPLE_MAX];
    size_t n;
    struct buf card; /* encoded: meeting_world_terms(), signed by the organiser */
    struct link link;
};

void meeting_world_init(struct meeting_world *w);
/* The same at another time: for those who look at a real clock. */
void meeting_world_init_at(struct meeting_world *w, uint64_t now);
void meeting_world_fini(struct meeting_world *w);

/* Somebody the provider vouches for: user, device or guest. name must outlive the world. */
struct meeting_person *meeting_world_person(struct meeting_world *w, enum identity_kind kind,
                                            const char *name);
/* Somebody who claims to be such a user, and for whom nobody vouches who is trusted. */
struct meeting_person *meeting_world_impostor(struct meeting_world *w, const char *name);
/* Another certificate of the same key, for another name or the same. Freed with the world. */
struct meeting_person *meeting_world_renew(struct meeting_world *w,
                                           const struct meeting_person *person,
                                           enum identity_kind kind, const char *name);

struct mls_credential meeting_person_credential(const struct meeting_person *person);

/* Defaults, hosted by the organiser in MEETING_DOMAIN; views into the world. */
struct card_terms meeting_world_terms(const struct meeting_world *w);

/* Another card and link in place of those there are. */
void meeting_world_set_card(struct meeting_world *w, const struct card_terms *terms);

/* The link's text, with a terminator. */
void meeting_world_link_text(const struct meeting_world *w, struct buf *out);

/* Who somebody is when everything was made, as clients and server judge it. */
struct identity meeting_world_identify(const struct meeting_world *w, const struct card *card,
                                       const struct mls_credential *credential,
                                       struct bytes signature_key);

#endif
