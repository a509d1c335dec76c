/* What can be asked, and who may. */
#ifndef SERVICE_ROUTE_H
#define SERVICE_ROUTE_H

#include "service/call.h"

struct route {
    const char *method, *pattern; /* below SERVICE_PREFIX */
    unsigned roles;               /* one of them is needed; ROLE_NONE: anybody */
    int (*handle)(struct call *c);
};

/* The route of a request; its parameter goes to c->parameter. NULL if there is none, and then
 * whether the path is known with another method. */
const struct route *route_find(struct call *c, bool *out_other_method);

/* For tests: the table. */
const struct route *route_table(size_t *out_n);

#endif
