#include "cmd/join_credential.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <conclave/identity.h>

#include "base/wipe.h"
#include "signal/reason.h"

/* ---- On disk: one JSON object, so that key and certificate are always each other's ---- */

static json_t *chain_to_json(const struct account_certificate *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n; i++)
        json_array_append_new(list, account_json_bytes(buf_view(&c->chain[i])));
    return list;
}

static json_t *to_json(const struct join_credential *c)
{
    struct buf key = {0};
    json_t *object = NULL;
    if (crypto_signer_private(c->signer, &key) == 0)
        object = json_pack("{s:i, s:o, s:s, s:s, s:I, s:o, s:o, s:I, s:I}", "suite", (int)c->suite,
                           "key", account_json_bytes(buf_view(&key)), "token", c->pass.token,
                           "identifier", c->pass.identifier, "expires", (json_int_t)c->pass.expires,
                           "chain", chain_to_json(&c->certificate), "root",
                           account_json_bytes(buf_view(&c->certificate.root)), "not_after",
                           (json_int_t)c->certificate.not_after, "issued", (json_int_t)c->issued);
    buf_free(&key);
    return object;
}

static int save(const struct join_credential_config *config, const struct join_credential *c)
{
    if (config->folder == NULL)
        return 0;
    json_t *object = to_json(c);
    char *text = object != NULL ? json_dumps(object, JSON_INDENT(2)) : NULL;
    int rv = CONCLAVE_ENOMEM;
    if (text != NULL) {
        rv = join_folder_write(config->folder, config->file, bytes_str(text));
        wipe(text, strlen(text));
    }
    free(text);
    json_decref(object);
    return rv;
}

static int take_signer(const json_t *object, struct join_credential *out)
{
    struct buf key = {0};
    struct crypto *crypto = NULL;
    int rv = account_json_read(object, "key", &key);
    if (rv == 0)
        rv = crypto_new(out->suite, &crypto);
    if (rv == 0)
        rv = crypto_signer_from_private(crypto, buf_view(&key), &out->signer);
    crypto_free(crypto);
    buf_free(&key);
    return rv;
}

static int take_pass(const json_t *object, struct join_credential *out)
{
    const char *token = json_string_value(json_object_get(object, "token"));
    const char *identifier = json_string_value(json_object_get(object, "identifier"));
    if (token == NULL || identifier == NULL || strlen(token) >= sizeof out->pass.token ||
        strlen(identifier) >= sizeof out->pass.identifier)
        return CONCLAVE_ESYNTAX;
    memcpy(out->pass.token, token, strlen(token) + 1);
    memcpy(out->pass.identifier, identifier, strlen(identifier) + 1);
    out->pass.expires = (uint64_t)json_integer_value(json_object_get(object, "expires"));
    return 0;
}

static int from_json(const json_t *object, struct join_credential *out)
{
    out->suite = (uint16_t)json_integer_value(json_object_get(object, "suite"));
    out->issued = (uint64_t)json_integer_value(json_object_get(object, "issued"));
    int rv = take_pass(object, out);
    if (rv == 0)
        rv = take_signer(object, out);
    if (rv == 0)
        rv = account_certificate_read(object, &out->certificate);
    return rv;
}

/* What was kept; ENOTFOUND also for a file that makes no sense: then there is nothing to go on. */
static int load(const struct join_credential_config *config, struct join_credential *out)
{
    struct buf text = {0};
    if (config->folder == NULL)
        return CONCLAVE_ENOTFOUND;
    int rv = join_folder_read(config->folder, config->file, &text);
    if (rv != 0)
        return rv;
    json_t *object = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    rv = from_json(object, out);
    if (rv != 0) {
        join_credential_fini(out);
        if (conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM)
            rv = CONCLAVE_ENOTFOUND;
    }
    json_decref(object);
    buf_free(&text);
    return rv;
}

/* ---- From the server ---- */

static int ask_pass(const struct join_credential_config *config, struct account_pass *out,
                    struct account_problem *problem)
{
    struct buf password = {0};
    int rv = 0;
    switch (config->as) {
    case JOIN_AS_USER:
        rv = config->password(config->ctx, &password);
        buf_put(&password, bytes_of("", 1));
        if (rv == 0)
            rv = buf_check(&password);
        if (rv == 0)
            rv = account_sign_in(config->api, config->name, (const char *)password.p, out, problem);
        buf_free(&password);
        return rv;
    case JOIN_AS_DEVICE:
        return account_activate(config->api, config->name, out, problem);
    case JOIN_AS_SAVED:
    case JOIN_AS_GUEST:
        break;
    }
    return account_guest(config->api, out, problem);
}

static int new_signer(uint16_t suite, struct crypto_signer **out)
{
    struct crypto *crypto = NULL;
    int rv = crypto_new(suite, &crypto);
    if (rv == 0)
        rv = crypto_signer_generate(crypto, out);
    crypto_free(crypto);
    return rv;
}

static int certify(const struct join_credential_config *config, struct join_credential *c,
                   uint64_t now, struct account_problem *problem)
{
    struct account_certificate fresh = {0};
    struct buf csr = {0};
    int rv = identity_csr_make(c->signer, &csr);
    if (rv == 0)
        rv = account_certify(config->api, c->pass.token, buf_view(&csr), &fresh, problem);
    if (rv == 0)
        rv = join_credential_renew(config, c, &fresh, now);
    buf_free(&csr);
    return rv;
}

/* A new person as far as the server is concerned: another key, another pass. */
static int begin(const struct join_credential_config *config, uint64_t now,
                 struct join_credential *out, struct account_problem *problem)
{
    out->suite = config->suite;
    int rv = new_signer(config->suite, &out->signer);
    if (rv == 0)
        rv = ask_pass(config, &out->pass, problem);
    if (rv == 0)
        rv = certify(config, out, now, problem);
    return rv;
}

static bool is_guest(const struct account_pass *pass)
{
    return strncmp(pass->identifier, "urn:uuid:", 9) == 0;
}

/* Whether what was kept is what is asked for. */
static bool fits(const struct join_credential_config *config, const struct join_credential *c)
{
    if (c->suite != config->suite)
        return false;
    switch (config->as) {
    case JOIN_AS_SAVED:
        return true;
    case JOIN_AS_USER:
        return strcasecmp(c->pass.identifier, config->name) == 0;
    case JOIN_AS_GUEST:
        return is_guest(&c->pass);
    case JOIN_AS_DEVICE:
        break; /* a code is given to become another device */
    }
    return false;
}

/* The session may be over: with the same key and a new pass it is still the same participant. */
static int renew_pass(const struct join_credential_config *config, uint64_t now,
                      struct join_credential *c, struct account_problem *problem)
{
    int rv = certify(config, c, now, problem);
    if (rv != CONCLAVE_EPOLICY || problem->reason != REASON_TOKEN || config->as != JOIN_AS_USER)
        return rv;
    rv = ask_pass(config, &c->pass, problem);
    return rv != 0 ? rv : certify(config, c, now, problem);
}

/* The certificate is good for a while yet: who has one need not wait for a server that is away. */
static bool can_wait(const struct join_credential *c, uint64_t now,
                     const struct account_problem *problem)
{
    return now < c->certificate.not_after &&
           (problem->reason == REASON_UNREACHABLE || problem->reason == REASON_SERVER_ERROR);
}

int join_credential_obtain(const struct join_credential_config *config, uint64_t now,
                           struct join_credential *out, struct account_problem *out_problem)
{
    struct join_credential c = {0};
    int rv = load(config, &c);
    if (rv == 0 && !fits(config, &c)) {
        join_credential_fini(&c);
        rv = CONCLAVE_ENOTFOUND;
    }
    if (rv == CONCLAVE_ENOTFOUND)
        rv = begin(config, now, &c, out_problem);
    else if (rv == 0 && now >= join_credential_renewal(&c))
        rv = renew_pass(config, now, &c, out_problem);
    if (rv == CONCLAVE_EPOLICY && c.signer != NULL && can_wait(&c, now, out_problem))
        rv = 0;
    if (rv == 0)
        *out = c;
    else
        join_credential_fini(&c);
    return rv;
}

void join_credential_fini(struct join_credential *c)
{
    crypto_signer_free(c->signer);
    account_certificate_fini(&c->certificate);
    wipe(c, sizeof *c);
}

uint64_t join_credential_renewal(const struct join_credential *c)
{
    if (c->certificate.not_after <= c->issued)
        return c->issued;
    return c->issued + (c->certificate.not_after - c->issued) / 3 * 2;
}

int join_credential_renew(const struct join_credential_config *config, struct join_credential *c,
                          struct account_certificate *certificate, uint64_t now)
{
    account_certificate_fini(&c->certificate);
    c->certificate = *certificate;
    c->issued = now;
    memset(certificate, 0, sizeof *certificate);
    return save(config, c);
}

size_t join_credential_chain(const struct join_credential *c,
                             struct bytes out[static ACCOUNT_CHAIN_MAX])
{
    for (size_t i = 0; i < c->certificate.n; i++)
        out[i] = buf_view(&c->certificate.chain[i]);
    return c->certificate.n;
}
