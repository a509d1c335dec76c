/* One request on its way: who asks, what for, and the answer being made.
 *
 * A handler returns 0 after it has set an answer (or none: 204), or an error. What is the asker's
 * fault it says with call_refuse(), whose result it returns; other errors are the system's, and
 * become 500 or 503.
 */
#ifndef SERVICE_CALL_H
#define SERVICE_CALL_H

#include <jansson.h>

#include "service/inside.h"
#include "signal/reason.h"
#include "store/account.h"

/* Who may ask. Bits: an administrator is a user, too, or the operator. */
enum role {
    ROLE_NONE = 0,
    ROLE_USER = 1,
    ROLE_DEVICE = 2,
    ROLE_GUEST = 4,
    ROLE_ADMIN = 8,
    ROLE_NAMED = ROLE_USER | ROLE_DEVICE,
    ROLE_SOMEBODY = ROLE_USER | ROLE_DEVICE | ROLE_GUEST | ROLE_ADMIN,
};

/* Whose token was shown; roles ROLE_NONE if none was. */
struct who {
    unsigned roles;
    enum store_token_kind kind;
    uint64_t token, owner; /* ids */
    uint64_t expires_at;
    char identifier[STORE_IDENTIFIER];
};

/* "user", "device", "guest", "operator"; "nobody" for 0. */
const char *who_kind_name(enum store_token_kind kind);
/* Of a user or device the id, of others that of the token. */
uint64_t who_id(const struct who *who);

#define CALL_PARAMETER 32

struct call {
    struct service *service;
    const struct service_request *request; /* NULL once there was work */
    uint64_t now, now_us;
    struct who who;
    char parameter[CALL_PARAMETER]; /* what stands in the path for {id} or {number} */
    json_t *body;                   /* an object; NULL for GET and DELETE */

    int status;                /* 0: no answer yet */
    struct buf answer;         /* JSON text; moved into the response */
    struct service_work *work; /* instead of an answer */
    int reason;                /* of a refusal */
    const char *field;         /* that was wrong, or NULL */
};

void call_fini(struct call *c);

/* ---- Refusing. All return EPOLICY ---- */

int call_refuse(struct call *c, int reason) CONCLAVE_CHECKED;
/* field: static text. MALFORMED unless something else is said. */
int call_refuse_field(struct call *c, const char *field) CONCLAVE_CHECKED;
/* An error that means something to the asker as that, any other as it is. */
int call_map(struct call *c, int rv, int error, int reason) CONCLAVE_CHECKED;

/* ---- What was asked ---- */

/* A string of 1 to max bytes; borrowed from the body. */
int call_text(struct call *c, const char *field, size_t max, const char **out) CONCLAVE_CHECKED;
/* The same, or NULL if there is none. */
int call_text_optional(struct call *c, const char *field, size_t max,
                       const char **out) CONCLAVE_CHECKED;
/* Base64; into an empty buf. */
int call_bytes(struct call *c, const char *field, struct buf *out) CONCLAVE_CHECKED;
/* Left as it is if there is none. */
int call_flag(struct call *c, const char *field, bool *out) CONCLAVE_CHECKED;
/* An e-mail address or a DNS name, all of it in lower case. */
int call_name(struct call *c, const char *field, enum identity_kind kind,
              char out[static STORE_IDENTIFIER]) CONCLAVE_CHECKED;
/* The path's parameter as an id. */
int call_id(struct call *c, uint64_t *out) CONCLAVE_CHECKED;
/* The path's parameter as a meeting's number. */
int call_number(struct call *c, const char **out) CONCLAVE_CHECKED;

/* ---- Answering ---- */

/* Takes the value; ENOMEM if it is NULL. Written out at once: in a change the answer is ready
 * before the change counts. */
int call_answer(struct call *c, json_t *value) CONCLAVE_CHECKED;
int call_created(struct call *c, json_t *value) CONCLAVE_CHECKED;
json_t *call_base64(struct bytes data);
/* A number as JSON readers can take it: what is beyond 2^53 - 1 becomes that. */
json_int_t call_integer(uint64_t value);

/* Pages of a list: {"NAME": [...], "next": "..."}; next is there if more may follow. */
struct page {
    json_t *items;
    unsigned max, n;
    size_t bytes;
    char after[CALL_PARAMETER], last[CALL_PARAMETER];
    bool failed;
};
/* From the query: after and max. The other functions end it. */
int page_begin(struct call *c, struct page *p) CONCLAVE_CHECKED;
int page_begin_ids(struct call *c, struct page *p, uint64_t *out_after) CONCLAVE_CHECKED;
/* Takes the item; false if it is NULL or does not fit. */
bool page_add(struct page *p, json_t *item, const char *key);
bool page_add_id(struct page *p, json_t *item, uint64_t id);
/* For items of any size, after each: false if the page is full. */
bool page_weigh(struct page *p, size_t bytes);
/* rv: of the walk. */
int page_end(struct call *c, struct page *p, const char *name, int rv) CONCLAVE_CHECKED;

/* ---- Changing ---- */

/* Runs a change as one write: it counts as a whole, with its entries in the audit log, or not. */
int call_change(struct call *c, int (*change)(struct call *c, void *ctx),
                void *ctx) CONCLAVE_CHECKED;
/* An entry in the audit log: "user", 12 is written "user:12". */
int call_audit(struct call *c, const char *action, const char *kind, uint64_t id) CONCLAVE_CHECKED;
int call_audit_text(struct call *c, const char *action, const char *kind,
                    const char *text) CONCLAVE_CHECKED;

#endif
