/* Signing in with a password: the same answer after the same work, whether the address is unknown,
 * the account disabled or the password wrong. */
#include "service/sign_in.h"

#include <string.h>

static int begin(struct call *c, struct service_work *w)
{
    char email[STORE_IDENTIFIER];
    const char *password;
    int rv = call_name(c, "email", IDENTITY_USER, email);
    if (rv == 0)
        rv = call_text(c, "password", PASSWORD_MAX, &password);
    if (rv == 0)
        rv = sign_in_count(c, w, email);
    if (rv != 0)
        return rv;
    rv = store_user_find(c->service->config.store, email, &w->user);
    if (rv == CONCLAVE_ENOTFOUND) {
        w->user = (struct store_user){.password = c->service->nobody};
        rv = 0;
    }
    return rv != 0 ? rv : password_again(&w->check, password, &w->user.password);
}

/* The account is read again: it may have been disabled or given another password meanwhile. */
static int end(struct call *c, struct service_work *w, struct store_user *out)
{
    struct store_user user;
    if (w->check.rv != 0)
        return w->check.rv;
    int rv = store_user_get(c->service->config.store, w->user.id, &user);
    if (rv == CONCLAVE_ENOTFOUND) {
        user = w->user;
        user.disabled = true;
        rv = 0;
    }
    if (rv != 0)
        return rv;
    bool fits = password_fits(&w->check, &user.password);
    if (!fits || user.disabled)
        return call_refuse(c, REASON_SIGN_IN);
    *out = user;
    return 0;
}

const struct sign_in_method sign_in_password = {"password", begin, work_passwords, end};
