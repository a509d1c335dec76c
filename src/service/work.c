#include "service/work.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"

int work_begin(struct call *c, int (*finish)(struct call *c, struct service_work *w),
               struct service_work **out)
{
    if (c->service->working >= LIMIT_SERVICE_WORK)
        return CONCLAVE_ENOMEM;
    struct service_work *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    struct bytes address = limiter_address(c->request->address, w->address);
    memmove(w->address, address.p, address.n);
    w->address_n = address.n;
    w->run = work_passwords;
    w->finish = finish;
    w->who = c->who;
    c->service->working++;
    c->work = w;
    *out = w;
    return 0;
}

void work_passwords(struct service_work *w)
{
    if (w->check.password.n != 0)
        password_run(&w->check);
    if (w->fresh.password.n != 0)
        password_run(&w->fresh);
}

void work_free(struct service *s, struct service_work *w)
{
    if (w == NULL)
        return;
    s->working--;
    password_fini(&w->check);
    password_fini(&w->fresh);
    wipe(w, sizeof *w);
    free(w);
}

void service_work_run(struct service_work *w)
{
    w->run(w);
}
