/* The service from within, and what bounds it. */
#ifndef SERVICE_INSIDE_H
#define SERVICE_INSIDE_H

#include "service/limiter.h"
#include "service/service.h"
#include "store/account.h"

/* Passwords at once, each with 32 MiB: more would only wait for a processor. Beyond: 503. */
#define LIMIT_SERVICE_WORK 8u

/* Entries of one page, and of the list of live rooms, which has no pages. A page of meetings ends
 * once it has so many bytes of cards, too. */
#define LIMIT_SERVICE_PAGE 500u
#define LIMIT_SERVICE_PAGE_BYTES ((size_t)512 << 10)
#define LIMIT_SERVICE_ROOMS 1000u

/* Meetings of one owner: a person's calendar for years. */
#define LIMIT_SERVICE_MEETINGS 1000u

/* A certification request: one key and one signature. */
#define LIMIT_SERVICE_CSR 4096u

/* A guest's token and certificate: a long day. */
#define SERVICE_GUEST_SECONDS UINT64_C(86400)
/* The operator's, made at the command line when needed. */
#define SERVICE_OPERATOR_SECONDS UINT64_C(86400)
#define SERVICE_CODE_SECONDS UINT64_C(3600)

struct service {
    struct service_config config; /* texts: our own copies, below */
    char *name, *base_url;
    struct buf server_key;
    struct identity_anchors *anchors;
    struct limiter limiter;
    struct store_password nobody; /* what the passwords of unknown people are compared with */
    unsigned working;
};

/* What may be tried how often. */
enum service_rate {
    RATE_REQUEST,         /* all of one address */
    RATE_SIGN_IN_ADDRESS, /* passwords from one address: an office behind one may come at once */
    RATE_SIGN_IN_ACCOUNT, /* passwords for one account */
    RATE_CODE,            /* activation codes from one address */
    RATE_GUEST,           /* guests from one address */
    RATE_CERTIFICATE,     /* certificates for one token */
    RATE_MEETING,         /* meetings of one token */
};
bool service_rate_take(struct service *s, enum service_rate rate, struct bytes who,
                       uint64_t now_us) CONCLAVE_CHECKED;
void service_rate_give(struct service *s, enum service_rate rate, struct bytes who);

#endif
