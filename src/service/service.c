#include "service/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/wipe.h"
#include "identity/limits.h"
#include "service/route.h"
#include "service/session.h"
#include "service/work.h"

#define DAY UINT64_C(86400)
#define TOKEN_LIFETIME_MAX (3653 * DAY)
#define BASE_URL_MAX 400

/* ---- Made and unmade ---- */

static char *copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = malloc(n);
    if (copy != NULL)
        memcpy(copy, text, n);
    return copy;
}

static int copy_config(struct service *s, const struct service_config *config)
{
    s->config = *config;
    s->config.name = s->name = copy_text(config->name);
    s->config.base_url = s->base_url = copy_text(config->base_url);
    buf_put(&s->server_key, config->server_key);
    s->config.server_key = buf_view(&s->server_key);
    s->config.public_roots = bytes_of(NULL, 0);
    if (config->certificate_lifetime == 0)
        s->config.certificate_lifetime = 7 * DAY;
    if (config->token_lifetime == 0)
        s->config.token_lifetime = 30 * DAY;
    if (s->name == NULL || s->base_url == NULL)
        return CONCLAVE_ENOMEM;
    return buf_check(&s->server_key);
}

static int check_config(const struct service_config *config)
{
    return config->certificate_lifetime > LIMIT_IDENTITY_LEAF_SECONDS ||
                   config->token_lifetime > TOKEN_LIFETIME_MAX ||
                   strlen(config->base_url) > BASE_URL_MAX
               ? CONCLAVE_EINVAL
               : 0;
}

static int trust(struct service *s, struct bytes public_roots)
{
    const struct identity_anchor provider = {.purpose = IDENTITY_PROVIDER};
    const struct identity_anchor public = {.purpose = IDENTITY_PUBLIC};
    int rv = identity_anchors_new(&s->anchors);
    if (rv == 0)
        rv = identity_anchors_add(s->anchors, &provider, identity_ca_certificate(s->config.ca));
    if (rv == 0 && public_roots.n != 0)
        rv = identity_anchors_add_pem(s->anchors, &public, public_roots);
    return rv == 0 || conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM ? rv : CONCLAVE_EINVAL;
}

int service_new(const struct service_config *config, struct service **out)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    int rv = check_config(config);
    if (rv == 0)
        rv = copy_config(s, config);
    if (rv == 0)
        rv = trust(s, config->public_roots);
    if (rv == 0)
        rv = limiter_init(&s->limiter, config->crypto);
    if (rv == 0)
        rv = password_nobody(config->crypto, &s->nobody);
    if (rv == 0)
        *out = s;
    else
        service_free(s);
    return rv;
}

void service_free(struct service *s)
{
    if (s == NULL)
        return;
    identity_anchors_free(s->anchors);
    buf_free(&s->server_key);
    free(s->name);
    free(s->base_url);
    free(s);
}

static int admin_token_change(struct call *c, void *ctx)
{
    int rv = session_make(c->service, c->now, &c->who, ctx);
    return rv != 0 ? rv : call_audit(c, "operator", "token", c->who.token);
}

int service_admin_token(struct service *s, uint64_t now_us, struct buf *out)
{
    struct call c = {.service = s, .now = now_us / 1000000, .who = {.kind = STORE_TOKEN_OPERATOR}};
    char text[SESSION_TEXT];
    int rv = buf_reserve(out, sizeof text);
    if (rv == 0)
        rv = call_change(&c, admin_token_change, text);
    if (rv == 0)
        buf_put(out, bytes_str(text));
    wipe(text, sizeof text);
    return rv;
}

/* ---- Asked ---- */

static int read_body(struct call *c)
{
    struct bytes body = c->request->body;
    json_error_t error;
    if (body.n > SERVICE_BODY_MAX)
        return call_refuse(c, REASON_TOO_LARGE);
    if (body.n == 0)
        body = bytes_str("{}"); /* what needs no fields may come without */
    c->body = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, &error);
    if (c->body == NULL && json_error_code(&error) == json_error_out_of_memory)
        return CONCLAVE_ENOMEM;
    return json_is_object(c->body) ? 0 : call_refuse(c, REASON_MALFORMED);
}

static int check_rate(struct call *c)
{
    uint8_t space[LIMITER_ADDRESS];
    return service_rate_take(c->service, RATE_REQUEST, limiter_address(c->request->address, space),
                             c->now_us)
               ? 0
               : call_refuse(c, REASON_TOO_MANY);
}

static int check_roles(struct call *c, unsigned roles)
{
    if (roles == ROLE_NONE)
        return 0;
    int rv = session_check(c);
    if (rv != 0)
        return rv;
    if (c->who.roles == ROLE_NONE)
        return call_refuse(c, REASON_TOKEN);
    return (c->who.roles & roles) == 0 ? call_refuse(c, REASON_NOT_ENTITLED) : 0;
}

static int dispatch(struct call *c)
{
    bool other_method;
    int rv = check_rate(c);
    if (rv != 0)
        return rv;
    const struct route *route = route_find(c, &other_method);
    if (route == NULL)
        return call_refuse(c, other_method ? REASON_UNEXPECTED : REASON_NO_SUCH_ENTRY);
    rv = check_roles(c, route->roles);
    if (rv == 0)
        rv = read_body(c);
    return rv != 0 ? rv : route->handle(c);
}

/* ---- Answered ---- */

/* What a reason is in HTTP (RFC 9110 15). */
static int status_of(int reason)
{
    switch (reason) {
    case REASON_SIGN_IN:
    case REASON_TOKEN:
        return 401;
    case REASON_NOT_ENTITLED:
    case REASON_DEVICE_REVOKED:
    case REASON_ACTIVATION_CODE:
    case REASON_DOMAIN:
    case REASON_QUOTA:
        return 403;
    case REASON_NO_SUCH_ENTRY:
        return 404;
    case REASON_UNEXPECTED:
        return 405;
    case REASON_NAME_TAKEN:
        return 409;
    case REASON_TOO_LARGE:
        return 413;
    case REASON_SIGN_IN_LIMIT:
    case REASON_TOO_MANY:
        return 429;
    case REASON_SERVER_ERROR:
        return 500;
    default:
        return 400;
    }
}

static json_t *describe_fault(int reason, const char *field)
{
    return json_pack("{s:{s:s, s:s, s:s, s:s*}}", "error", "code", reason_name(reason), "text",
                     reason_text(reason), "next", reason_next(reason), "field", field);
}

/* Without memory for the words the status alone tells. */
static void refuse(struct call *c, int rv, struct service_response *out)
{
    bool refused = rv == CONCLAVE_EPOLICY && c->reason != REASON_NONE;
    int reason = refused ? c->reason : REASON_SERVER_ERROR;
    out->error = refused ? 0 : rv;
    out->status = rv == CONCLAVE_ENOMEM ? 503 : status_of(reason);
    out->retry_after = out->status == 429 ? "60" : out->status == 503 ? "5" : NULL;
    if (call_answer(c, describe_fault(reason, refused ? c->field : NULL)) != 0)
        buf_free(&c->answer); /* what was to be said before */
}

static void respond(struct call *c, int rv, struct service_response *out)
{
    *out = (struct service_response){.status = c->status == 0 ? 204 : c->status};
    if (rv != 0)
        refuse(c, rv, out);
    buf_move(&out->body, &c->answer);
    if (out->body.n != 0)
        out->content_type = "application/json";
}

void service_response_fini(struct service_response *r)
{
    buf_free(&r->body);
    *r = (struct service_response){0};
}

void service_handle(struct service *s, const struct service_request *request, uint64_t now_us,
                    struct service_response *out, struct service_work **out_work)
{
    struct call c = {.service = s, .request = request, .now = now_us / 1000000, .now_us = now_us};
    int rv = dispatch(&c);
    *out_work = NULL;
    if (rv == 0 && c.work != NULL) {
        *out = (struct service_response){0};
        *out_work = c.work;
    } else {
        work_free(s, c.work);
        respond(&c, rv, out);
    }
    call_fini(&c);
}

void service_work_finish(struct service *s, struct service_work *w, uint64_t now_us,
                         struct service_response *out)
{
    struct call c = {.service = s, .now = now_us / 1000000, .now_us = now_us, .who = w->who};
    int rv = w->finish(&c, w);
    work_free(s, w);
    respond(&c, rv, out);
    call_fini(&c);
}
