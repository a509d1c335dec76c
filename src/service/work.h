/* What is done on another thread between a request and its answer. */
#ifndef SERVICE_WORK_H
#define SERVICE_WORK_H

#include "service/call.h"
#include "service/password.h"

struct sign_in_method;

struct service_work {
    /* On any thread: may look at nothing but the work. */
    void (*run)(struct service_work *w);
    /* As a handler; there is no request any more, and what was checked may have changed. */
    int (*finish)(struct call *c, struct service_work *w);

    struct who who; /* who asked */
    uint8_t address[LIMITER_ADDRESS];
    size_t address_n;

    const struct sign_in_method *method;
    struct password_job check, fresh; /* run if they have a password */
    struct store_user user;           /* concerned, or to be */
};

/* Becomes c->work, to be filled in by the handler. ENOMEM, also if as many as there may be are
 * under way. */
int work_begin(struct call *c, int (*finish)(struct call *c, struct service_work *w),
               struct service_work **out) CONCLAVE_CHECKED;
/* Runs the password jobs that were set. */
void work_passwords(struct service_work *w);
void work_free(struct service *s, struct service_work *w);

#endif
