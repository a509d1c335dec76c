/* A server's HTTP side (docs/openapi.yaml), asked and answered in JSON. Calls block until the
 * answer is there, or has not come in 20 seconds: run them where that does not matter.
 *
 * TLS as in net/client.h; without it only this machine is spoken to. No redirects are followed and
 * no proxies used: what is sent here are passwords.
 */
#ifndef CMD_ACCOUNT_API_H
#define CMD_ACCOUNT_API_H

#include <jansson.h>

#include <conclave/bytes.h>

#define ACCOUNT_URL_MAX 300
#define ACCOUNT_TOKEN_MAX 256
#define ACCOUNT_NAME_MAX 320
#define ACCOUNT_CHAIN_MAX 10

/* An answer; more is not read. */
#define ACCOUNT_ANSWER_MAX ((size_t)4 << 20)

/* Why the server, or the way there, said no: for people, and enum reason for programs. */
struct account_problem {
    int reason; /* enum reason, REASON_SERVER_ERROR if it is not one we know */
    int status; /* of HTTP; 0: there was no answer */
    char code[48], text[256], next[256];
};

struct account_api;

/* url: "https://meet.example.org" or "http://localhost:8080"; a path after it is not kept. ca_file
 * as in net_clients_new(). EINVAL: not such a URL, or not this machine without TLS; ENOMEM. */
int account_api_new(const char *url, const char *ca_file,
                    struct account_api **out) CONCLAVE_CHECKED;
void account_api_free(struct account_api *api);

/* Without a path. */
const char *account_api_url(const struct account_api *api);

/* path: "/api/v1/..."; token and body may be NULL. *out_answer is to be freed with json_decref();
 * NULL if out_answer is. EPOLICY: *out_problem says why; ENOMEM. */
int account_call(struct account_api *api, const char *method, const char *path, const char *token,
                 const json_t *body, json_t **out_answer,
                 struct account_problem *out_problem) CONCLAVE_CHECKED;

/* A problem that did not come from the server. */
void account_problem_of(int reason, struct account_problem *out);

/* ---- What everybody asks for. As account_call(). ---- */

/* The right to act as somebody. */
struct account_pass {
    char token[ACCOUNT_TOKEN_MAX];
    char identifier[ACCOUNT_NAME_MAX]; /* e-mail address, device name or urn:uuid */
    uint64_t expires;                  /* Unix seconds; 0: not said */
};

int account_sign_in(struct account_api *api, const char *email, const char *password,
                    struct account_pass *out, struct account_problem *out_problem) CONCLAVE_CHECKED;
int account_guest(struct account_api *api, struct account_pass *out,
                  struct account_problem *out_problem) CONCLAVE_CHECKED;
int account_activate(struct account_api *api, const char *code, struct account_pass *out,
                     struct account_problem *out_problem) CONCLAVE_CHECKED;

struct account_certificate {
    struct buf chain[ACCOUNT_CHAIN_MAX]; /* DER, end entity first */
    size_t n;
    struct buf root;    /* of the server's CA, DER */
    uint64_t not_after; /* Unix seconds */
};
void account_certificate_fini(struct account_certificate *c);

/* Of {"chain", "root", "not_after"}, as the server sends it and a folder keeps it. ESYNTAX,
 * ENOMEM. */
int account_certificate_read(const json_t *object,
                             struct account_certificate *out) CONCLAVE_CHECKED;

/* A certificate of the server's CA. csr: of identity_csr_make(). */
int account_certify(struct account_api *api, const char *token, struct bytes csr,
                    struct account_certificate *out,
                    struct account_problem *out_problem) CONCLAVE_CHECKED;

/* ---- JSON with bytes in it, base64 ---- */

/* NULL if out of memory. */
json_t *account_json_bytes(struct bytes data);
/* Appends. ESYNTAX if the member is not there or not base64; ENOMEM. */
int account_json_read(const json_t *object, const char *member, struct buf *out) CONCLAVE_CHECKED;

#endif
