/* The ways to sign in. Today there are passwords; OIDC and SAML are further entries of the table,
 * whose `run` asks the identity provider. */
#ifndef SERVICE_SIGN_IN_H
#define SERVICE_SIGN_IN_H

#include "service/work.h"

struct sign_in_method {
    const char *name; /* what a request calls it */
    /* From the request to work that finds out. Refuses only what shows from the request alone:
     * never whether there is such an account. */
    int (*begin)(struct call *c, struct service_work *w);
    /* On another thread. */
    void (*run)(struct service_work *w);
    /* Whose account it is. Refuses SIGN_IN. */
    int (*end)(struct call *c, struct service_work *w, struct store_user *out);
};

extern const struct sign_in_method sign_in_password;

/* Counts a try from the caller's address, and for an account if identifier is not NULL. Refuses
 * SIGN_IN_LIMIT. */
int sign_in_count(struct call *c, struct service_work *w, const char *identifier) CONCLAVE_CHECKED;
/* The try was honest. */
void sign_in_forgive(struct call *c, const struct service_work *w, const char *identifier);

#endif
