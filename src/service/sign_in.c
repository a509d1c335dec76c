#include "service/sign_in.h"

#include <string.h>

#include "service/handlers.h"
#include "service/session.h"

static const struct sign_in_method *const methods[] = {&sign_in_password};
#define N_METHODS (sizeof methods / sizeof methods[0])

static struct bytes address_of(const struct service_work *w)
{
    return bytes_of(w->address, w->address_n);
}

int sign_in_count(struct call *c, struct service_work *w, const char *identifier)
{
    struct service *s = c->service;
    if (!service_rate_take(s, RATE_SIGN_IN_ADDRESS, address_of(w), c->now_us) ||
        (identifier != NULL &&
         !service_rate_take(s, RATE_SIGN_IN_ACCOUNT, bytes_str(identifier), c->now_us)))
        return call_refuse(c, REASON_SIGN_IN_LIMIT);
    return 0;
}

void sign_in_forgive(struct call *c, const struct service_work *w, const char *identifier)
{
    service_rate_give(c->service, RATE_SIGN_IN_ADDRESS, address_of(w));
    service_rate_give(c->service, RATE_SIGN_IN_ACCOUNT, bytes_str(identifier));
}

static const struct sign_in_method *find_method(const char *name)
{
    for (size_t i = 0; i < N_METHODS; i++)
        if (strcmp(methods[i]->name, name) == 0)
            return methods[i];
    return NULL;
}

static int open_change(struct call *c, void *ctx)
{
    const struct store_user *user = ctx;
    return session_open(c, STORE_TOKEN_USER, user->id, user->email, "sign-in");
}

static int finish(struct call *c, struct service_work *w)
{
    struct store_user user;
    int rv = w->method->end(c, w, &user);
    if (rv != 0)
        return rv;
    sign_in_forgive(c, w, user.email);
    return call_change(c, open_change, &user);
}

int sign_in_post(struct call *c)
{
    const char *name;
    struct service_work *w;
    int rv = call_text_optional(c, "method", 32, &name);
    if (rv != 0)
        return rv;
    const struct sign_in_method *method = find_method(name == NULL ? "password" : name);
    if (method == NULL)
        return call_refuse_field(c, "method");
    rv = work_begin(c, finish, &w);
    if (rv != 0)
        return rv;
    w->method = method;
    w->run = method->run;
    return method->begin(c, w);
}

int sign_in_get(struct call *c)
{
    json_t *names = json_array();
    for (size_t i = 0; i < N_METHODS; i++)
        if (json_array_append_new(names, json_string(methods[i]->name)) != 0) {
            json_decref(names);
            return CONCLAVE_ENOMEM;
        }
    return call_answer(c, json_pack("{s:o, s:b}", "methods", names, "sign_up",
                                    (int)c->service->config.open_sign_up));
}

static int drop_session(struct call *c, void *ctx)
{
    (void)ctx;
    int rv = store_token_remove(c->service->config.store, c->who.token);
    return rv != 0 ? rv : call_audit(c, "sign-out", who_kind_name(c->who.kind), who_id(&c->who));
}

int sign_out_post(struct call *c)
{
    return call_change(c, drop_session, NULL);
}

int session_get(struct call *c)
{
    return call_answer(c, json_pack("{s:s, s:s, s:b, s:I}", "identifier", c->who.identifier, "kind",
                                    who_kind_name(c->who.kind), "admin",
                                    (c->who.roles & ROLE_ADMIN) != 0, "expires",
                                    call_integer(c->who.expires_at)));
}
