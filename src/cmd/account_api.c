#include "cmd/account_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/base64.h"
#include "base/wipe.h"
#include "net/client.h"
#include "signal/reason.h"

/* As in net/client.c. */
#define TLS12_CIPHERS "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define TLS13_CIPHERS "TLS_AES_256_GCM_SHA384"

#define CONNECT_SECONDS 10L
#define ANSWER_SECONDS 20L
#define PATH_MAX_OURS 1024
#define REASONS 256 /* more than there are */

struct account_api {
    char url[ACCOUNT_URL_MAX];
    char *ca_file;
    CURL *curl; /* kept: a connection serves several calls */
};

/* ---- Problems ---- */

static void problem_text(struct account_problem *p, const char *code, const char *text,
                         const char *next)
{
    snprintf(p->code, sizeof p->code, "%s", code);
    snprintf(p->text, sizeof p->text, "%s", text);
    snprintf(p->next, sizeof p->next, "%s", next);
}

void account_problem_of(int reason, struct account_problem *out)
{
    memset(out, 0, sizeof *out);
    out->reason = reason;
    problem_text(out, reason_name(reason), reason_text(reason), reason_next(reason));
}

static int reason_of(const char *code)
{
    for (int reason = 1; reason < REASONS; reason++)
        if (strcmp(reason_name(reason), code) == 0)
            return reason;
    return REASON_SERVER_ERROR;
}

/* {"error": {"code", "text", "next"}} */
static void problem_from(const json_t *answer, int status, struct account_problem *out)
{
    const char *code = NULL, *text = NULL, *next = NULL;
    json_t *error = json_object_get(answer, "error");
    account_problem_of(REASON_SERVER_ERROR, out);
    if (json_unpack(error, "{s:s, s:s, s?s}", "code", &code, "text", &text, "next", &next) == 0) {
        out->reason = reason_of(code);
        problem_text(out, code, text, next != NULL ? next : "");
    }
    out->status = status;
}

static int reason_of_curl(CURLcode code)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CIPHER:
        return REASON_TLS;
    default:
        return REASON_UNREACHABLE;
    }
}

/* ---- The connection ---- */

/* Scheme and host, and that it may be spoken to. */
static int take_url(const char *url, char out[static ACCOUNT_URL_MAX])
{
    char *host = NULL, *scheme = NULL, *port = NULL;
    int rv = CONCLAVE_EINVAL, n = 0;
    CURLU *u = curl_url();
    if (u == NULL)
        return CONCLAVE_ENOMEM;
    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        goto out;
    if (strcmp(scheme, "https") != 0 &&
        (strcmp(scheme, "http") != 0 || (!net_is_this_machine(host) && strcmp(host, "[::1]") != 0)))
        goto out;
    if (curl_url_get(u, CURLUPART_PORT, &port, 0) == CURLUE_OK)
        n = snprintf(out, ACCOUNT_URL_MAX, "%s://%s:%s", scheme, host, port);
    else
        n = snprintf(out, ACCOUNT_URL_MAX, "%s://%s", scheme, host);
    rv = n < ACCOUNT_URL_MAX ? 0 : CONCLAVE_EINVAL;
out:
    curl_free(host);
    curl_free(scheme);
    curl_free(port);
    curl_url_cleanup(u);
    return rv;
}

int account_api_new(const char *url, const char *ca_file, struct account_api **out)
{
    struct account_api *api = calloc(1, sizeof *api);
    if (api == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(api);
        return CONCLAVE_ENOMEM;
    }
    int rv = take_url(url, api->url);
    if (rv == 0) {
        api->curl = curl_easy_init();
        api->ca_file = ca_file != NULL ? strdup(ca_file) : NULL;
        if (api->curl == NULL || (ca_file != NULL && api->ca_file == NULL))
            rv = CONCLAVE_ENOMEM;
    }
    if (rv == 0)
        *out = api;
    else
        account_api_free(api);
    return rv;
}

void account_api_free(struct account_api *api)
{
    if (api == NULL)
        return;
    curl_easy_cleanup(api->curl);
    free(api->ca_file);
    free(api);
    curl_global_cleanup();
}

const char *account_api_url(const struct account_api *api)
{
    return api->url;
}

/* ---- One call ---- */

static size_t take_answer(char *data, size_t size, size_t n, void *ctx)
{
    struct buf *b = ctx;
    if (n > ACCOUNT_ANSWER_MAX - b->n)
        return 0;
    buf_put(b, bytes_of(data, n));
    (void)size; /* always 1 */
    return buf_check(b) == 0 ? n : 0;
}

static void set_transport(const struct account_api *api, CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https,http"); /* take_url() has judged */
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(curl, CURLOPT_SSL_CIPHER_LIST, TLS12_CIPHERS);
    curl_easy_setopt(curl, CURLOPT_TLS13_CIPHERS, TLS13_CIPHERS);
    if (api->ca_file != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, api->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, ANSWER_SECONDS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
}

/* The token is in the list: it is wiped by free_headers(). */
static struct curl_slist *headers_of(const char *token)
{
    char line[ACCOUNT_TOKEN_MAX + 32];
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    if (token == NULL || list == NULL)
        return list;
    snprintf(line, sizeof line, "Authorization: Bearer %s", token);
    struct curl_slist *more = curl_slist_append(list, line);
    wipe(line, sizeof line);
    if (more == NULL)
        curl_slist_free_all(list);
    return more;
}

static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *l = list; l != NULL; l = l->next)
        wipe(l->data, strlen(l->data));
    curl_slist_free_all(list);
}

static CURLcode perform(struct account_api *api, const char *method, const char *path,
                        struct curl_slist *headers, const char *body, struct buf *out)
{
    char url[ACCOUNT_URL_MAX + PATH_MAX_OURS];
    CURL *curl = api->curl;
    snprintf(url, sizeof url, "%s%s", api->url, path);
    curl_easy_reset(curl);
    set_transport(api, curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (body != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    return curl_easy_perform(curl);
}

/* What came back, judged. */
static int read_answer(struct account_api *api, struct bytes text, json_t **out_answer,
                       struct account_problem *out_problem)
{
    long status = 0;
    json_t *answer = NULL;
    curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &status);
    if (text.n != 0)
        answer = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    if (status < 200 || status > 299 || (text.n != 0 && answer == NULL)) {
        problem_from(answer, (int)status, out_problem);
        json_decref(answer);
        return CONCLAVE_EPOLICY;
    }
    if (out_answer != NULL)
        *out_answer = answer != NULL ? answer : json_object();
    else
        json_decref(answer);
    return 0;
}

static void free_text(char *text)
{
    if (text != NULL)
        wipe(text, strlen(text)); /* a password may be in it */
    free(text);
}

int account_call(struct account_api *api, const char *method, const char *path, const char *token,
                 const json_t *body, json_t **out_answer, struct account_problem *out_problem)
{
    struct buf answer = {0};
    struct curl_slist *headers = headers_of(token);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    int rv = CONCLAVE_ENOMEM;
    if (headers != NULL && (body == NULL || text != NULL)) {
        CURLcode code = perform(api, method, path, headers, text, &answer);
        if (code == CURLE_OK) {
            rv = read_answer(api, buf_view(&answer), out_answer, out_problem);
        } else {
            account_problem_of(reason_of_curl(code), out_problem);
            rv = CONCLAVE_EPOLICY;
        }
    }
    free_headers(headers);
    free_text(text);
    buf_free(&answer);
    return rv;
}

/* ---- Bytes in JSON ---- */

json_t *account_json_bytes(struct bytes data)
{
    struct buf text = {0};
    json_t *value = NULL;
    base64_put(&text, data);
    if (buf_check(&text) == 0)
        value = json_stringn((const char *)text.p, text.n);
    buf_free(&text);
    return value;
}

static int read_bytes_value(const json_t *value, struct buf *out)
{
    if (!json_is_string(value))
        return CONCLAVE_ESYNTAX;
    return base64_read(bytes_of(json_string_value(value), json_string_length(value)), out);
}

int account_json_read(const json_t *object, const char *member, struct buf *out)
{
    return read_bytes_value(json_object_get(object, member), out);
}

/* ---- Passes and certificates ---- */

static int malformed(struct account_problem *out)
{
    account_problem_of(REASON_SERVER_ERROR, out);
    return CONCLAVE_EPOLICY;
}

static int ask_pass(struct account_api *api, const char *path, const json_t *body,
                    struct account_pass *out, struct account_problem *out_problem)
{
    const char *token = NULL, *name = NULL;
    json_t *answer = NULL;
    json_int_t expires = 0;
    int rv = account_call(api, "POST", path, NULL, body, &answer, out_problem);
    if (rv != 0)
        return rv;
    if (json_unpack(answer, "{s:s, s:s, s?I}", "token", &token, "identifier", &name, "expires",
                    &expires) != 0 ||
        strlen(token) >= sizeof out->token || strlen(name) >= sizeof out->identifier) {
        rv = malformed(out_problem);
    } else {
        memcpy(out->token, token, strlen(token) + 1);
        memcpy(out->identifier, name, strlen(name) + 1);
        out->expires = expires > 0 ? (uint64_t)expires : 0;
    }
    json_decref(answer);
    return rv;
}

int account_sign_in(struct account_api *api, const char *email, const char *password,
                    struct account_pass *out, struct account_problem *out_problem)
{
    json_t *body = json_pack("{s:s, s:s}", "email", email, "password", password);
    int rv =
        body == NULL ? CONCLAVE_ENOMEM : ask_pass(api, "/api/v1/sign-in", body, out, out_problem);
    json_decref(body);
    return rv;
}

int account_guest(struct account_api *api, struct account_pass *out,
                  struct account_problem *out_problem)
{
    json_t *body = json_object();
    int rv = ask_pass(api, "/api/v1/guest", body, out, out_problem);
    json_decref(body);
    return rv;
}

int account_activate(struct account_api *api, const char *code, struct account_pass *out,
                     struct account_problem *out_problem)
{
    json_t *body = json_pack("{s:s}", "code", code);
    int rv = body == NULL ? CONCLAVE_ENOMEM
                          : ask_pass(api, "/api/v1/devices/activate", body, out, out_problem);
    json_decref(body);
    return rv;
}

void account_certificate_fini(struct account_certificate *c)
{
    for (size_t i = 0; i < c->n; i++)
        buf_free(&c->chain[i]);
    buf_free(&c->root);
    memset(c, 0, sizeof *c);
}

static int read_chain(const json_t *chain, struct account_certificate *out)
{
    json_t *one = NULL;
    size_t i = 0;
    if (json_array_size(chain) == 0 || json_array_size(chain) > ACCOUNT_CHAIN_MAX)
        return CONCLAVE_ESYNTAX;
    json_array_foreach(chain, i, one)
    {
        out->n = i + 1;
        int rv = read_bytes_value(one, &out->chain[i]);
        if (rv != 0)
            return rv;
    }
    return 0;
}

int account_certificate_read(const json_t *object, struct account_certificate *out)
{
    struct account_certificate got = {0};
    json_int_t not_after = json_integer_value(json_object_get(object, "not_after"));
    int rv = not_after <= 0 ? CONCLAVE_ESYNTAX : read_chain(json_object_get(object, "chain"), &got);
    if (rv == 0)
        rv = account_json_read(object, "root", &got.root);
    got.not_after = (uint64_t)not_after;
    if (rv == 0)
        *out = got;
    else
        account_certificate_fini(&got);
    return rv;
}

int account_certify(struct account_api *api, const char *token, struct bytes csr,
                    struct account_certificate *out, struct account_problem *out_problem)
{
    json_t *answer = NULL;
    json_t *body = json_pack("{s:o}", "csr", account_json_bytes(csr));
    if (body == NULL)
        return CONCLAVE_ENOMEM;
    int rv = account_call(api, "POST", "/api/v1/certificate", token, body, &answer, out_problem);
    if (rv == 0)
        rv = account_certificate_read(answer, out) == 0 ? 0 : malformed(out_problem);
    json_decref(body);
    json_decref(answer);
    return rv;
}
