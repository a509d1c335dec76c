/* The provider's CA at work, and guests, who have nothing but its certificate. */
#include <stdio.h>
#include <string.h>

#include <conclave/version.h>

#include "crypto/suite.h"
#include "service/handlers.h"
#include "service/session.h"

int ca_get(struct call *c)
{
    const struct service_config *config = &c->service->config;
    return call_answer(c, json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", config->name, "version",
                                    CONCLAVE_VERSION, "base_url", config->base_url, "root",
                                    call_base64(identity_ca_certificate(config->ca)), "server_key",
                                    call_base64(config->server_key)));
}

static struct identity_subject subject_of(const struct who *who)
{
    static const enum identity_kind kinds[] = {
        [STORE_TOKEN_USER] = IDENTITY_USER,
        [STORE_TOKEN_DEVICE] = IDENTITY_DEVICE,
        [STORE_TOKEN_GUEST] = IDENTITY_GUEST,
        [STORE_TOKEN_OPERATOR] = IDENTITY_NOBODY,
    };
    return (struct identity_subject){kinds[who->kind], who->identifier};
}

/* What is wrong with the request, with the name, or with us. */
static int judge(struct call *c, int rv)
{
    switch (rv) {
    case CONCLAVE_ESYNTAX:
    case CONCLAVE_EKEY:
    case CONCLAVE_ESIGNATURE:
    case CONCLAVE_ELIMIT:
        return call_refuse_field(c, "csr");
    case CONCLAVE_EPOLICY:
        return call_refuse(c, REASON_DOMAIN);
    default:
        return rv;
    }
}

static int issue(struct call *c, struct bytes csr, struct buf *out)
{
    const struct service_config *config = &c->service->config;
    struct identity_subject subject = subject_of(&c->who);
    uint64_t lifetime = config->certificate_lifetime;
    if (c->who.kind == STORE_TOKEN_GUEST && lifetime > SERVICE_GUEST_SECONDS)
        lifetime = SERVICE_GUEST_SECONDS;
    return judge(c, identity_ca_issue(config->ca, csr, &subject, c->now, lifetime, out));
}

static int answer(struct call *c, struct bytes leaf)
{
    const struct service_config *config = &c->service->config;
    struct crypto_certificate read;
    int rv = crypto_certificate(config->crypto, leaf, &read);
    if (rv != 0)
        return rv;
    return call_created(c, json_pack("{s:[o], s:o, s:I}", "chain", call_base64(leaf), "root",
                                     call_base64(identity_ca_certificate(config->ca)), "not_after",
                                     call_integer(read.not_after)));
}

static int audit_issue(struct call *c, void *ctx)
{
    (void)ctx;
    return call_audit(c, "certificate", who_kind_name(c->who.kind), who_id(&c->who));
}

/* Written down before it is handed out. */
int certificate_post(struct call *c)
{
    struct buf csr = {0}, leaf = {0};
    uint64_t token = c->who.token;
    int rv = call_bytes(c, "csr", &csr);
    if (rv == 0 && csr.n > LIMIT_SERVICE_CSR)
        rv = call_refuse_field(c, "csr");
    if (rv == 0 &&
        !service_rate_take(c->service, RATE_CERTIFICATE, bytes_of(&token, sizeof token), c->now_us))
        rv = call_refuse(c, REASON_TOO_MANY);
    if (rv == 0)
        rv = issue(c, buf_view(&csr), &leaf);
    if (rv == 0)
        rv = call_change(c, audit_issue, NULL);
    if (rv == 0)
        rv = answer(c, buf_view(&leaf));
    buf_free(&csr);
    buf_free(&leaf);
    return rv;
}

/* ---- Guests ---- */

#define URN_UUID "urn:uuid:"
#define URN_TEXT (sizeof URN_UUID + 36)

/* RFC 4122 4.4: random, version 4. */
static int make_urn(struct crypto *crypto, char out[static URN_TEXT])
{
    uint8_t u[16];
    int rv = crypto_random(crypto, u, sizeof u);
    if (rv != 0)
        return rv;
    u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
    u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
    (void)snprintf(out, URN_TEXT,
                   URN_UUID "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                   u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12],
                   u[13], u[14], u[15]);
    return 0;
}

static int guest_change(struct call *c, void *ctx)
{
    int rv = session_open(c, STORE_TOKEN_GUEST, 0, ctx, "guest");
    if (rv == 0)
        c->status = 201;
    return rv;
}

int guest_post(struct call *c)
{
    char urn[URN_TEXT];
    uint8_t address[LIMITER_ADDRESS];
    if (!service_rate_take(c->service, RATE_GUEST, limiter_address(c->request->address, address),
                           c->now_us))
        return call_refuse(c, REASON_TOO_MANY);
    int rv = make_urn(c->service->config.crypto, urn);
    return rv != 0 ? rv : call_change(c, guest_change, urn);
}
