/* A service with a store in memory, a CA for company.com and a hall of which tests say what it
 * has, and requests to it in one line each. Everything happens at world->now.
 */
#ifndef TESTS_SERVICE_WORLD_H
#define TESTS_SERVICE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>
#include <jansson.h>

#include "meeting/card.h"
#include "service/service.h"
#include "service/session.h"

#define WORLD_NOW UINT64_C(1700000000)
#define WORLD_URL "https://meet.company.com"
#define WORLD_DAY UINT64_C(86400)

/* What the service uses of the hall. */
#define HALL_ROOMS 4
struct hall {
    char live[HALL_ROOMS][11], ended[HALL_ROOMS][11];
    size_t n_live, n_ended;
    int error; /* of hall_end(), if not 0 */
    /* Of the first live one; NULL: no meeting has media. */
    const struct service_media *media;
};

struct world {
    struct crypto *crypto;
    struct store *store;
    struct identity_ca *ca;
    struct crypto_signer *server; /* the server's key */
    struct hall hall;
    struct service *service;
    uint64_t now;
    const char *address; /* where requests come from */

    /* the last answer */
    struct service_response response;
    json_t *json; /* NULL: no body */
};

/* For cmocka: *state is the world. */
int world_setup(void **state);
int world_teardown(void **state);
/* The service anew, with open sign-up. */
void world_open_sign_up(struct world *w);

/* Asks, does the work if there is some, and returns the status. token, body: NULL for none. */
int world_ask(struct world *w, const char *method, const char *path, const char *token,
              const char *body);
int world_ask_query(struct world *w, const char *path, const char *query, const char *token);
/* The same with a JSON value, which it takes. */
int world_ask_json(struct world *w, const char *method, const char *path, const char *token,
                   json_t *body);
/* Without the work: the caller runs and finishes it. */
struct service_work *world_begin(struct world *w, const char *method, const char *path,
                                 const char *token, const char *body);
int world_finish(struct world *w, struct service_work *work);

/* Of the last answer; fails if it is not there or of another type. */
const char *world_text(const struct world *w, const char *field);
json_int_t world_number(const struct world *w, const char *field);
void world_bytes(const struct world *w, const char *field, struct buf *out);
const json_t *world_list(const struct world *w, const char *field, size_t n);

/* The last answer is an error of this status and code, with all that belongs to one. */
void world_failed(struct world *w, int status, const char *code);
/* The same, and says which field was wrong. */
void world_failed_field(struct world *w, const char *field);

/* Accounts made without a password, which would take time; and their tokens. */
struct token {
    char text[SESSION_TEXT];
    uint64_t id;
};
struct token world_user(struct world *w, const char *email, bool admin);
struct token world_device(struct world *w, const char *name);
struct token world_guest(struct world *w);
struct token world_operator(struct world *w);

/* The last entry in the audit log. */
void world_audited(struct world *w, const char *actor, const char *action, const char *object);
uint64_t world_audit_count(struct world *w);

/* An organiser: a key and its certificate from the service. */
struct organiser {
    struct crypto_signer *signer;
    struct buf certificate;
};
void organiser_init(struct organiser *o, struct world *w, const char *token);
void organiser_fini(struct organiser *o);
/* A card that the service accepts of that host, to be changed before it is signed. */
struct card_terms world_terms(struct world *w, const char *host);
/* {"card", "access_hash"} */
json_t *world_card(struct organiser *o, const struct card_terms *terms);

#endif
