#include "service/session.h"

#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/wipe.h"
#include "crypto/sha256.h"

#define BEARER "Bearer " /* in any case: RFC 9110 11.1 */

/* The hash of what the header shows; false if it shows no token. */
static bool read_token(const char *authorization, uint8_t out_hash[static SHA256_SIZE])
{
    struct buf token = {0};
    bool ok = strncasecmp(authorization, BEARER, strlen(BEARER)) == 0 &&
              base64url_read(bytes_str(authorization + strlen(BEARER)), &token) == 0 &&
              token.n == SESSION_TOKEN && crypto_sha256(buf_view(&token), out_hash) == 0;
    buf_free(&token);
    return ok;
}

/* Disabled and removed people lose their tokens at once; this is for those that came in between. */
static int check_user(struct call *c)
{
    struct store_user user;
    int rv = store_user_get(c->service->config.store, c->who.owner, &user);
    if (rv == CONCLAVE_ENOTFOUND || (rv == 0 && user.disabled))
        return call_refuse(c, REASON_TOKEN);
    if (rv == 0)
        c->who.roles = user.admin ? ROLE_USER | ROLE_ADMIN : ROLE_USER;
    return rv;
}

/* A revoked device keeps its token, so that it can be told why it no longer gets in. */
static int check_device(struct call *c)
{
    struct store_device device;
    int rv = store_device_get(c->service->config.store, c->who.owner, &device);
    if (rv == CONCLAVE_ENOTFOUND)
        return call_refuse(c, REASON_TOKEN);
    if (rv == 0 && device.revoked)
        return call_refuse(c, REASON_DEVICE_REVOKED);
    if (rv == 0)
        c->who.roles = ROLE_DEVICE;
    return rv;
}

static int check_owner(struct call *c)
{
    switch (c->who.kind) {
    case STORE_TOKEN_USER:
        return check_user(c);
    case STORE_TOKEN_DEVICE:
        return check_device(c);
    case STORE_TOKEN_GUEST:
        c->who.roles = ROLE_GUEST;
        return 0;
    case STORE_TOKEN_OPERATOR:
        c->who.roles = ROLE_ADMIN;
        return 0;
    default:
        return call_refuse(c, REASON_TOKEN);
    }
}

int session_check(struct call *c)
{
    uint8_t hash[SHA256_SIZE];
    struct store_token token;
    if (c->request->authorization[0] == '\0')
        return 0;
    if (!read_token(c->request->authorization, hash))
        return call_refuse(c, REASON_TOKEN);
    int rv = store_token_find(c->service->config.store, hash, &token);
    if (rv == CONCLAVE_ENOTFOUND || (rv == 0 && token.expires_at <= c->now))
        return call_refuse(c, REASON_TOKEN);
    if (rv != 0)
        return rv;
    c->who = (struct who){.kind = token.kind,
                          .token = token.id,
                          .owner = token.owner,
                          .expires_at = token.expires_at};
    memcpy(c->who.identifier, token.identifier, sizeof c->who.identifier);
    return check_owner(c);
}

static uint64_t lifetime_of(const struct service *s, enum store_token_kind kind)
{
    switch (kind) {
    case STORE_TOKEN_GUEST:
        return SERVICE_GUEST_SECONDS;
    case STORE_TOKEN_OPERATOR:
        return SERVICE_OPERATOR_SECONDS;
    default:
        return s->config.token_lifetime;
    }
}

static int put_token(const uint8_t token[static SESSION_TOKEN], char out[static SESSION_TEXT])
{
    struct buf text = {0};
    base64url_put(&text, bytes_of(token, SESSION_TOKEN));
    int rv = buf_check(&text);
    if (rv == 0) {
        memcpy(out, text.p, SESSION_TEXT - 1);
        out[SESSION_TEXT - 1] = '\0';
    }
    buf_free(&text);
    return rv;
}

static int store_token(struct service *s, uint64_t now, struct who *who,
                       const uint8_t token[static SESSION_TOKEN])
{
    struct store_token row = {.kind = who->kind,
                              .owner = who->owner,
                              .created_at = now,
                              .expires_at = now + lifetime_of(s, who->kind)};
    memcpy(row.identifier, who->identifier, sizeof row.identifier);
    int rv = crypto_sha256(bytes_of(token, SESSION_TOKEN), row.hash);
    if (rv == 0)
        rv = store_account_expire(s->config.store, now);
    if (rv == 0)
        rv = store_token_add(s->config.store, &row, &who->token);
    if (rv == 0)
        who->expires_at = row.expires_at;
    return rv;
}

int session_make(struct service *s, uint64_t now, struct who *who, char out[static SESSION_TEXT])
{
    uint8_t token[SESSION_TOKEN];
    int rv = crypto_random(s->config.crypto, token, sizeof token);
    if (rv == 0)
        rv = put_token(token, out);
    if (rv == 0)
        rv = store_token(s, now, who, token);
    wipe(token, sizeof token);
    return rv;
}

int session_open(struct call *c, enum store_token_kind kind, uint64_t owner, const char *identifier,
                 const char *action)
{
    char text[SESSION_TEXT];
    struct who who = {.kind = kind, .owner = owner};
    memcpy(who.identifier, identifier, strlen(identifier) + 1);
    int rv = session_make(c->service, c->now, &who, text);
    if (rv != 0)
        return rv;
    c->who = who;
    rv = call_audit(c, action, who_kind_name(kind), who_id(&who));
    if (rv == 0)
        rv = call_answer(c, json_pack("{s:s, s:I, s:s}", "token", text, "expires",
                                      call_integer(who.expires_at), "identifier", who.identifier));
    wipe(text, sizeof text);
    return rv;
}
