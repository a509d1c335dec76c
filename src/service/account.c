/* People: signing up, passwords, and what administrators do with accounts. */
#include <string.h>

#include "service/handlers.h"
#include "service/meetings.h"
#include "service/session.h"
#include "service/sign_in.h"

static int read_password(struct call *c, const char *field, const char **out)
{
    int rv = call_text(c, field, SERVICE_BODY_MAX, out);
    if (rv != 0)
        return rv;
    size_t n = strlen(*out);
    if (n >= PASSWORD_MIN && n <= PASSWORD_MAX)
        return 0;
    c->field = field;
    return call_refuse(c, REASON_PASSWORD_RULES);
}

/* Work that makes the hash of the password in this field. */
static int hash_password(struct call *c, const char *field,
                         int (*finish)(struct call *c, struct service_work *w),
                         struct service_work **out)
{
    const char *password;
    int rv = read_password(c, field, &password);
    if (rv == 0)
        rv = work_begin(c, finish, out);
    return rv != 0 ? rv : password_anew(&(*out)->fresh, password, c->service->config.crypto);
}

static json_t *describe(const struct store_user *u)
{
    return json_pack("{s:I, s:s, s:b, s:b, s:I}", "id", call_integer(u->id), "email", u->email,
                     "admin", (int)u->admin, "disabled", (int)u->disabled, "created_at",
                     call_integer(u->created_at));
}

/* ---- Making an account ---- */

static int add_user(struct call *c, struct service_work *w)
{
    w->user.password = w->fresh.made;
    w->user.created_at = c->now;
    int rv = store_user_add(c->service->config.store, &w->user, &w->user.id);
    if (rv == 0)
        rv = call_audit(c, "user-create", "user", w->user.id);
    return call_map(c, rv, CONCLAVE_EDUPLICATE, REASON_NAME_TAKEN);
}

static int sign_up_change(struct call *c, void *ctx)
{
    struct service_work *w = ctx;
    int rv = add_user(c, w);
    if (rv == 0)
        rv = session_open(c, STORE_TOKEN_USER, w->user.id, w->user.email, "sign-in");
    if (rv == 0)
        c->status = 201;
    return rv;
}

static int sign_up_finish(struct call *c, struct service_work *w)
{
    return w->fresh.rv != 0 ? w->fresh.rv : call_change(c, sign_up_change, w);
}

int sign_up_post(struct call *c)
{
    char email[STORE_IDENTIFIER];
    struct service_work *w;
    if (!c->service->config.open_sign_up)
        return call_refuse(c, REASON_NOT_ENTITLED);
    int rv = call_name(c, "email", IDENTITY_USER, email);
    if (rv == 0)
        rv = hash_password(c, "password", sign_up_finish, &w);
    if (rv == 0)
        rv = sign_in_count(c, w, NULL);
    if (rv == 0)
        memcpy(w->user.email, email, sizeof email);
    return rv;
}

static int create_change(struct call *c, void *ctx)
{
    struct service_work *w = ctx;
    int rv = add_user(c, w);
    return rv != 0 ? rv : call_created(c, describe(&w->user));
}

static int create_finish(struct call *c, struct service_work *w)
{
    return w->fresh.rv != 0 ? w->fresh.rv : call_change(c, create_change, w);
}

int admin_users_post(struct call *c)
{
    char email[STORE_IDENTIFIER];
    bool admin = false;
    struct service_work *w;
    int rv = call_name(c, "email", IDENTITY_USER, email);
    if (rv == 0)
        rv = call_flag(c, "admin", &admin);
    if (rv == 0)
        rv = hash_password(c, "password", create_finish, &w);
    if (rv == 0) {
        memcpy(w->user.email, email, sizeof email);
        w->user.admin = admin;
    }
    return rv;
}

/* ---- Passwords ---- */

/* All other sessions end: whoever had the old password may have them. */
static int set_password(struct call *c, void *ctx)
{
    const struct service_work *w = ctx;
    struct store *store = c->service->config.store;
    int rv = store_user_set_password(store, w->user.id, &w->fresh.made);
    if (rv == 0)
        rv = store_token_remove_of(store, STORE_TOKEN_USER, w->user.id, c->who.token);
    if (rv == 0)
        rv = call_audit(c, "password", "user", w->user.id);
    return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
}

static int change_finish(struct call *c, struct service_work *w)
{
    struct store_user user;
    if (w->check.rv != 0 || w->fresh.rv != 0)
        return w->check.rv != 0 ? w->check.rv : w->fresh.rv;
    int rv = store_user_get(c->service->config.store, w->user.id, &user);
    if (rv == CONCLAVE_ENOTFOUND || (rv == 0 && user.disabled))
        return call_refuse(c, REASON_TOKEN);
    if (rv != 0)
        return rv;
    if (!password_fits(&w->check, &user.password))
        return call_refuse(c, REASON_SIGN_IN);
    sign_in_forgive(c, w, user.email);
    return call_change(c, set_password, w);
}

int password_post(struct call *c)
{
    const char *old;
    struct service_work *w;
    int rv = call_text(c, "old", PASSWORD_MAX, &old);
    if (rv == 0)
        rv = hash_password(c, "password", change_finish, &w);
    if (rv == 0)
        rv = sign_in_count(c, w, c->who.identifier);
    if (rv == 0)
        rv = store_user_get(c->service->config.store, c->who.owner, &w->user);
    return rv != 0 ? rv : password_again(&w->check, old, &w->user.password);
}

static int set_finish(struct call *c, struct service_work *w)
{
    return w->fresh.rv != 0 ? w->fresh.rv : call_change(c, set_password, w);
}

int admin_user_password_put(struct call *c)
{
    uint64_t id;
    struct service_work *w;
    int rv = call_id(c, &id);
    if (rv == 0)
        rv = hash_password(c, "password", set_finish, &w);
    if (rv == 0)
        rv = store_user_get(c->service->config.store, id, &w->user);
    return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
}

/* ---- Administration ---- */

static bool list_one(void *ctx, const struct store_user *u)
{
    return page_add_id(ctx, describe(u), u->id);
}

int admin_users_get(struct call *c)
{
    struct page page;
    uint64_t after;
    int rv = page_begin_ids(c, &page, &after);
    if (rv != 0)
        return rv;
    rv = store_user_each(c->service->config.store, after, page.max, list_one, &page);
    return page_end(c, &page, "users", rv);
}

/* Nobody locks themselves out by mistake: there may be no other administrator. */
static bool is_oneself(const struct call *c, uint64_t id)
{
    return c->who.kind == STORE_TOKEN_USER && c->who.owner == id;
}

static int patch_change(struct call *c, void *ctx)
{
    struct store_user *u = ctx;
    struct store *store = c->service->config.store;
    int rv = store_user_set_flags(store, u->id, u->admin, u->disabled);
    if (rv == 0 && u->disabled)
        rv = store_token_remove_of(store, STORE_TOKEN_USER, u->id, 0);
    if (rv == 0)
        rv = call_audit(c, u->disabled ? "user-disable" : "user-enable", "user", u->id);
    if (rv == 0)
        rv = call_audit(c, u->admin ? "user-admin" : "user-plain", "user", u->id);
    return rv != 0 ? rv : call_answer(c, describe(u));
}

int admin_user_patch(struct call *c)
{
    struct store_user user;
    uint64_t id;
    int rv = call_id(c, &id);
    if (rv == 0)
        rv = store_user_get(c->service->config.store, id, &user);
    if (rv == 0)
        rv = call_flag(c, "admin", &user.admin);
    if (rv == 0)
        rv = call_flag(c, "disabled", &user.disabled);
    if (rv != 0)
        return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
    if (is_oneself(c, id) && (!user.admin || user.disabled))
        return call_refuse(c, REASON_NOT_ENTITLED);
    return call_change(c, patch_change, &user);
}

static int delete_change(struct call *c, void *ctx)
{
    const struct store_user *u = ctx;
    struct store *store = c->service->config.store;
    int rv = store_token_remove_of(store, STORE_TOKEN_USER, u->id, 0);
    if (rv == 0)
        rv = store_meeting_remove_of(store, u->email);
    if (rv == 0)
        rv = store_user_remove(store, u->id);
    return rv != 0 ? rv : call_audit(c, "user-delete", "user", u->id);
}

int admin_user_delete(struct call *c)
{
    struct store_user user;
    uint64_t id;
    int rv = call_id(c, &id);
    if (rv == 0)
        rv = store_user_get(c->service->config.store, id, &user);
    if (rv != 0)
        return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
    if (is_oneself(c, id))
        return call_refuse(c, REASON_NOT_ENTITLED);
    rv = meetings_end_of(c, user.email);
    return rv != 0 ? rv : call_change(c, delete_change, &user);
}
