/* HTTP/1.1: a request is read whole, handed to the application, and answered when that has an
 * answer. Then the connection ends: libwebsockets 4.1 takes the head of a request that was sent
 * ahead of time for its body, and never comes back from it. */
#include <stdlib.h>
#include <string.h>

#include "net/server_impl.h"

#define HEAD_SIZE 2048 /* of an answer: our own headers and static texts */

/* What answers carry unless they say otherwise: nothing may be run, framed, guessed or kept. */
#define SECURITY "default-src 'none'; frame-ancestors 'none'"
#define CACHE "no-store"
#define TRANSPORT "max-age=31536000"

static const struct {
    enum lws_token_indexes token;
    const char *name;
} methods[] = {
    {WSI_TOKEN_GET_URI, "GET"}, {WSI_TOKEN_HEAD_URI, "HEAD"},   {WSI_TOKEN_POST_URI, "POST"},
    {WSI_TOKEN_PUT_URI, "PUT"}, {WSI_TOKEN_PATCH_URI, "PATCH"}, {WSI_TOKEN_DELETE_URI, "DELETE"},
};

void net_exchange_fini(struct net_exchange *e)
{
    buf_free(&e->path);
    buf_free(&e->query);
    buf_free(&e->authorization);
    buf_free(&e->accept_encoding);
    buf_free(&e->body);
    buf_free(&e->response.body);
    *e = (struct net_exchange){0};
}

/* ---- The answer ---- */

static struct bytes body_of(const struct net_response *r)
{
    return r->shared.n != 0 ? r->shared : buf_view(&r->body);
}

static int progress(struct net_connection *c);

static void begin_answer(struct net_connection *c)
{
    c->state = NET_ANSWER;
    c->deadline = net_seconds(c->server) + c->server->limits.transfer_seconds;
}

/* What never reaches the application. */
static int refuse(struct net_connection *c, int status, const char *text)
{
    struct net_exchange *e = &c->exchange;
    e->response.status = status;
    e->response.content_type = "text/plain; charset=utf-8";
    buf_put(&e->response.body, bytes_str(text));
    if (buf_check(&e->response.body) != 0)
        return -1;
    begin_answer(c);
    return progress(c);
}

void net_server_respond(struct net_server *s, uint64_t conn, struct net_response *response)
{
    struct net_connection *c = net_find(s, conn);
    if (c == NULL || c->state != NET_PENDING) {
        buf_free(&response->body);
        return;
    }
    c->exchange.response = *response;
    buf_init(&response->body);
    begin_answer(c);
    if (c->exchange.asking)
        return; /* dispatch() writes it */
    (void)lws_rx_flow_control(c->wsi, 1);
    lws_callback_on_writable(c->wsi);
}

struct head {
    struct lws *wsi;
    uint8_t *p, *end;
    bool failed;
};

/* name with its colon, as libwebsockets wants it. */
static void put_header(struct head *h, const char *name, const char *value)
{
    if (value != NULL && !h->failed)
        h->failed =
            lws_add_http_header_by_name(h->wsi, (const uint8_t *)name, (const uint8_t *)value,
                                        (int)strlen(value), &h->p, h->end) != 0;
}

static int write_head(struct net_connection *c)
{
    const struct net_exchange *e = &c->exchange;
    const struct net_response *r = &e->response;
    uint8_t space[LWS_PRE + HEAD_SIZE], *start = space + LWS_PRE;
    struct head h = {c->wsi, start, space + sizeof space - 1, false};
    if (lws_add_http_header_status(c->wsi, (unsigned)r->status, &h.p, h.end) != 0 ||
        lws_add_http_header_content_length(c->wsi, body_of(r).n, &h.p, h.end) != 0)
        return -1;
    put_header(&h, "content-type:", r->content_type);
    put_header(&h, "content-encoding:", r->encoding);
    put_header(&h, "vary:", r->encoding != NULL ? "accept-encoding" : NULL);
    put_header(&h, "location:", r->location);
    put_header(&h, "retry-after:", r->retry_after);
    put_header(&h, "cache-control:", r->cache != NULL ? r->cache : CACHE);
    put_header(&h, "content-security-policy:", r->security != NULL ? r->security : SECURITY);
    put_header(&h, "x-content-type-options:", "nosniff");
    put_header(&h, "x-frame-options:", "DENY");
    put_header(&h, "referrer-policy:", "no-referrer");
    put_header(&h, "cross-origin-opener-policy:", "same-origin");
    put_header(&h, "cross-origin-embedder-policy:", "require-corp");
    put_header(&h, "cross-origin-resource-policy:", "same-origin");
    put_header(&h, "strict-transport-security:", c->tls ? TRANSPORT : NULL);
    put_header(&h, "connection:", "close");
    if (h.failed || lws_finalize_write_http_header(c->wsi, start, &h.p, h.end) != 0)
        return -1;
    c->server->totals.bytes_out += (uint64_t)(h.p - start);
    return 0;
}

static int write_body(struct net_connection *c)
{
    struct net_server *s = c->server;
    struct net_exchange *e = &c->exchange;
    struct bytes body = body_of(&e->response);
    size_t left = body.n - e->sent;
    size_t n = left < NET_CHUNK ? left : NET_CHUNK;
    memcpy(s->chunk + LWS_PRE, body.p + e->sent, n);
    if (lws_write(c->wsi, s->chunk + LWS_PRE, n,
                  n == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0)
        return -1;
    e->sent += n;
    s->totals.bytes_out += n;
    return 0;
}

/* Writes until everything is out or the socket takes no more; then it goes on when it does. */
static int progress(struct net_connection *c)
{
    struct net_exchange *e = &c->exchange;
    int rv = 0;
    while (rv == 0 && lws_partial_buffered(c->wsi) == 0) {
        if (!e->head_sent) {
            rv = write_head(c);
            e->head_sent = true;
            e->sent = e->no_body ? body_of(&e->response).n : 0;
        } else if (e->sent < body_of(&e->response).n) {
            rv = write_body(c);
            c->deadline = net_seconds(c->server) + c->server->limits.transfer_seconds;
        } else {
            c->state = NET_DONE;
            return -1;
        }
    }
    if (rv == 0)
        lws_callback_on_writable(c->wsi);
    return rv;
}

int net_http_writable(struct net_connection *c)
{
    return c->state == NET_ANSWER ? progress(c) : 0;
}

/* ---- The request ---- */

static const char *find_method(struct lws *wsi)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (lws_hdr_total_length(wsi, methods[i].token) > 0)
            return methods[i].name;
    return NULL;
}

/* Appends a header's value and a terminator; an absent one is empty. */
static bool copy_header(struct lws *wsi, enum lws_token_indexes token, struct buf *out)
{
    char text[LIMIT_NET_HEAD];
    int n = lws_hdr_total_length(wsi, token) == 0
                ? 0
                : lws_hdr_copy(wsi, text, (int)sizeof text, token);
    if (n < 0)
        return false;
    buf_put(out, bytes_of(text, (size_t)n));
    buf_put_zero(out, 1);
    return buf_check(out) == 0;
}

/* libwebsockets keeps a query in parts. */
static bool copy_query(struct lws *wsi, struct buf *out)
{
    char text[LIMIT_NET_HEAD];
    int n;
    for (int i = 0;
         (n = lws_hdr_copy_fragment(wsi, text, (int)sizeof text, WSI_TOKEN_HTTP_URI_ARGS, i)) >= 0;
         i++) {
        if (i != 0)
            buf_put(out, bytes_of("&", 1));
        buf_put(out, bytes_of(text, (size_t)n));
    }
    buf_put_zero(out, 1);
    return buf_check(out) == 0;
}

/* How long the body is, by RFC 9112 6.3: digits only, so that nobody reads another length. 0, or
 * the status to refuse with. */
static int body_length(struct net_connection *c, size_t *out)
{
    const char *method = c->exchange.method;
    char text[24];
    size_t n = 0;
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
        return HTTP_STATUS_LENGTH_REQUIRED;
    if (lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0) {
        *out = 0;
        return method[0] == 'P' ? HTTP_STATUS_LENGTH_REQUIRED : 0; /* POST, PUT, PATCH */
    }
    if (lws_hdr_copy(c->wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0)
        return HTTP_STATUS_BAD_REQUEST;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            return HTTP_STATUS_BAD_REQUEST;
        n = n * 10 + (size_t)(*p - '0');
        if (n > c->server->limits.body)
            return HTTP_STATUS_REQ_ENTITY_TOO_LARGE;
    }
    *out = n;
    return 0;
}

static int dispatch(struct net_connection *c)
{
    struct net_server *s = c->server;
    struct net_exchange *e = &c->exchange;
    const struct net_request request = {
        .method = e->no_body ? "GET" : e->method,
        .path = (const char *)e->path.p,
        .query = (const char *)e->query.p,
        .authorization = (const char *)e->authorization.p,
        .accept_encoding = (const char *)e->accept_encoding.p,
        .address = c->address_text,
        .tls = c->tls,
        .body = buf_view(&e->body),
    };
    c->state = NET_PENDING;
    c->deadline = net_seconds(s) + 2 * (uint64_t)s->limits.transfer_seconds;
    s->totals.requests++;
    s->totals.bytes_in += e->body.n;
    e->asking = true;
    s->handler.request(s->handler.ctx, c->id, &request);
    e->asking = false;
    if (c->state == NET_ANSWER)
        return progress(c);
    (void)lws_rx_flow_control(c->wsi, 0); /* one request after the other */
    return 0;
}

int net_http_head(struct net_connection *c, const char *path, size_t path_n)
{
    struct net_exchange *e = &c->exchange;
    if (c->state != NET_HANDSHAKE)
        return -1;
    net_exchange_fini(e);
    e->method = find_method(c->wsi);
    if (e->method == NULL)
        return refuse(c, HTTP_STATUS_METHOD_NOT_ALLOWED, "There is no such method here.\n");
    e->no_body = strcmp(e->method, "HEAD") == 0;
    int status = body_length(c, &e->expected);
    if (status == HTTP_STATUS_REQ_ENTITY_TOO_LARGE)
        c->server->totals.ended_oversized++;
    if (status != 0)
        return refuse(c, status, "The length of the body is missing, unclear or too large.\n");
    buf_put(&e->path, bytes_of(path, path_n));
    buf_put_zero(&e->path, 1);
    if (memchr(path, '\0', path_n) != NULL || buf_check(&e->path) != 0 ||
        !copy_query(c->wsi, &e->query) ||
        !copy_header(c->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, &e->authorization) ||
        !copy_header(c->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, &e->accept_encoding))
        return refuse(c, HTTP_STATUS_BAD_REQUEST, "The request cannot be read.\n");
    c->state = NET_BODY;
    c->deadline = net_seconds(c->server) + c->server->limits.transfer_seconds;
    /* libwebsockets tells the end of an empty body for POST alone, and only if it is said to be */
    return e->expected == 0 && strcmp(e->method, "POST") != 0 ? dispatch(c) : 0;
}

int net_http_body(struct net_connection *c, struct bytes part)
{
    struct net_exchange *e = &c->exchange;
    if (c->state != NET_BODY)
        return 0;
    if (part.n > e->expected - e->body.n)
        return -1;
    buf_put(&e->body, part);
    return buf_check(&e->body);
}

/* Told again if more comes than was announced. While the answer waits for a slow asker,
 * libwebsockets would keep all of it in memory. */
int net_http_complete(struct net_connection *c)
{
    return c->state == NET_BODY ? dispatch(c) : -1;
}
