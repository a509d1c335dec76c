#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "net/server_impl.h"

/* ---- Connections ---- */

uint64_t net_seconds(const struct net_server *s)
{
    return uv_now(s->uv) / 1000 + 1;
}

struct net_connection *net_find(const struct net_server *s, uint64_t id)
{
    uint32_t slot = (uint32_t)id;
    struct net_connection *c = slot < s->limits.connections ? s->slots[slot] : NULL;
    return c != NULL && c->id == id ? c : NULL;
}

struct net_connection *net_connection_new(struct net_server *s, const struct sockaddr *from,
                                          bool tls)
{
    struct net_connection *c = s->n_free == 0 ? NULL : calloc(1, sizeof *c);
    if (c == NULL)
        goto refuse;
    net_address_of(from, &c->address, c->address_text);
    if (!net_addresses_add(s->addresses, &c->address, s->limits.connections_per_address))
        goto refuse;
    uint32_t slot = s->free_slots[--s->n_free];
    c->server = s;
    c->id = (uint64_t)++s->made << 32 | slot;
    c->tls = tls;
    c->state = NET_HANDSHAKE;
    c->deadline = net_seconds(s) + s->limits.handshake_seconds;
    s->slots[slot] = c;
    s->totals.connections++;
    s->totals.accepted++;
    return c;
refuse:
    free(c);
    s->totals.refused++;
    return NULL;
}

void net_connection_end(struct net_connection *c)
{
    struct net_server *s = c->server;
    uint32_t slot = (uint32_t)c->id;
    s->slots[slot] = NULL;
    s->free_slots[s->n_free++] = slot;
    s->totals.connections--;
    net_addresses_remove(s->addresses, &c->address);
    net_exchange_fini(&c->exchange);
    net_socket_fini(c);
    if (c->opened) {
        s->totals.sockets--;
        s->handler.closed(s->handler.ctx, c->id);
    }
    free(c);
}

void net_connection_kill(struct net_connection *c)
{
    if (c->state == NET_KILLED)
        return;
    c->state = NET_KILLED;
    net_socket_fini(c);
    if (c->wsi == NULL)
        return;
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
    lws_cancel_service(c->server->lws); /* the timeout is only looked at after an event */
}

/* ---- What libwebsockets tells ---- */

static int on_http(struct net_connection *c, enum lws_callback_reasons reason, void *in, size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return net_http_head(c, in, n);
    case LWS_CALLBACK_HTTP_BODY:
        return net_http_body(c, bytes_of(in, n));
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return net_http_complete(c);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return net_http_writable(c);
    default:
        return 0;
    }
}

static int on_socket(struct net_connection *c, enum lws_callback_reasons reason, void *in, size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return net_ws_confirm(c, in);
    case LWS_CALLBACK_ESTABLISHED:
        net_ws_opened(c);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return net_ws_receive(c, bytes_of(in, n));
    case LWS_CALLBACK_RECEIVE_PONG:
        net_ws_heard(c);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return net_ws_writable(c);
    case LWS_CALLBACK_WSI_DESTROY:
        net_connection_end(c);
        return 0;
    default:
        return 0;
    }
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    struct net_server *s = lws_context_user(lws_get_context(wsi));
    struct net_connection *c;
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        s->ssl = user;
        return net_tls_restrict(user) ? 0 : -1;
    case LWS_CALLBACK_WSI_CREATE:
        if (s->adopting != NULL)
            s->adopting->wsi = wsi;
        return 0;
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
        c = lws_get_opaque_user_data(wsi);
        return c == NULL || c->state == NET_KILLED ? -1 : on_http(c, reason, in, n);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_SERVER_WRITEABLE:
        c = lws_get_opaque_user_data(wsi);
        return c == NULL || c->state == NET_KILLED ? -1 : on_socket(c, reason, in, n);
    case LWS_CALLBACK_WSI_DESTROY:
        c = lws_get_opaque_user_data(wsi);
        return c == NULL ? 0 : on_socket(c, reason, in, n);
    case LWS_CALLBACK_RAW_ADOPT: /* what is not HTTP, and CONNECT */
        return -1;
    default:
        return 0;
    }
}

/* ---- Once a second ---- */

/* Input that comes while an answer goes out is not read, but libwebsockets asks to be told of it,
 * again and again: who sends ahead and does not take the answer would keep a processor busy. */
static bool sends_ahead(const struct net_connection *c)
{
    int n = 0;
    return c->state == NET_ANSWER && ioctl(lws_get_socket_fd(c->wsi), FIONREAD, &n) == 0 && n > 0;
}

static void sweep(uv_timer_t *timer)
{
    struct net_server *s = timer->data;
    uint64_t now = net_seconds(s);
    net_listeners_resume(s);
    for (uint32_t i = 0; i < s->limits.connections; i++) {
        struct net_connection *c = s->slots[i];
        if (c == NULL || c->state == NET_KILLED)
            continue;
        if ((c->deadline != 0 && now > c->deadline) || sends_ahead(c)) {
            s->totals.ended_slow++;
            net_connection_kill(c);
        } else if (c->opened) {
            net_ws_tick(c, now);
        }
    }
}

static void sweep_closed(uv_handle_t *handle)
{
    free(handle);
}

/* ---- Beginning and end ---- */

static struct net_server_limits with_defaults(struct net_server_limits l)
{
#define DEFAULT(field, value) (l.field != 0 ? l.field : (value))
    return (struct net_server_limits){
        .connections = DEFAULT(connections, LIMIT_NET_CONNECTIONS),
        .connections_per_address =
            DEFAULT(connections_per_address, LIMIT_NET_CONNECTIONS_PER_ADDRESS),
        .first_frame = DEFAULT(first_frame, LIMIT_NET_FIRST_FRAME),
        .frame = DEFAULT(frame, LIMIT_NET_FRAME),
        .receiving = DEFAULT(receiving, LIMIT_NET_RECEIVING),
        .queue = DEFAULT(queue, LIMIT_NET_QUEUE),
        .body = DEFAULT(body, LIMIT_NET_BODY),
        .rate = DEFAULT(rate, LIMIT_NET_RATE),
        .burst = DEFAULT(burst, LIMIT_NET_BURST),
        .handshake_seconds = DEFAULT(handshake_seconds, LIMIT_NET_HANDSHAKE_SECONDS),
        .transfer_seconds = DEFAULT(transfer_seconds, LIMIT_NET_TRANSFER_SECONDS),
        .idle_seconds = DEFAULT(idle_seconds, LIMIT_NET_IDLE_SECONDS),
        .pong_seconds = DEFAULT(pong_seconds, LIMIT_NET_PONG_SECONDS),
    };
#undef DEFAULT
}

static int copy_texts(struct net_server *s, const struct net_server_config *config)
{
    s->path = strdup(config->path);
    s->protocol = strdup(config->protocol);
    s->tls_chain = config->tls_chain == NULL ? NULL : strdup(config->tls_chain);
    s->tls_key = config->tls_key == NULL ? NULL : strdup(config->tls_key);
    bool ok = s->path != NULL && s->protocol != NULL &&
              (config->tls_chain == NULL || s->tls_chain != NULL) &&
              (config->tls_key == NULL || s->tls_key != NULL);
    return ok ? 0 : CONCLAVE_ENOMEM;
}

static int make_tables(struct net_server *s)
{
    uint32_t n = s->limits.connections;
    s->slots = calloc(n, sizeof *s->slots);
    s->free_slots = calloc(n, sizeof *s->free_slots);
    s->chunk = malloc(LWS_PRE + NET_CHUNK);
    s->sweep = calloc(1, sizeof *s->sweep);
    if (s->slots == NULL || s->free_slots == NULL || s->chunk == NULL || s->sweep == NULL)
        return CONCLAVE_ENOMEM;
    while (n != 0)
        s->free_slots[s->n_free++] = --n;
    return net_addresses_new(s->limits.connections, &s->addresses);
}

/* libwebsockets' own pings and timeouts are off: ours are finer. */
static const lws_retry_bo_t no_retry = {0};

static int make_context(struct net_server *s)
{
    void *loops[1] = {s->uv};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
        .user = s,
        .foreign_loops = loops,
        .max_http_header_data = LIMIT_NET_HEAD,
        .pt_serv_buf_size = (unsigned)NET_CHUNK,
        .timeout_secs = 2 * s->limits.transfer_seconds,
        .server_string = "conclave",
    };
    lws_set_log_level(0, NULL); /* a library does not log */
    s->protocols[0] = (struct lws_protocols){.name = "http", .callback = on_event};
    s->protocols[1] = (struct lws_protocols){.name = s->protocol, .callback = on_event};
    s->lws = lws_create_context(&info);
    return s->lws == NULL ? CONCLAVE_ENOMEM : 0;
}

static struct lws_vhost *make_vhost(struct net_server *s, bool tls)
{
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
        .vhost_name = tls ? "tls" : "plain",
        .protocols = s->protocols,
        .alpn = "http/1.1",
        .retry_and_idle_policy = &no_retry,
        .ssl_cert_filepath = tls ? s->tls_chain : NULL,
        .ssl_private_key_filepath = tls ? s->tls_key : NULL,
    };
    return lws_create_vhost(s->lws, &info);
}

static int make_vhosts(struct net_server *s, char out_why[static NET_WHY])
{
    s->plain = make_vhost(s, false);
    if (s->plain == NULL)
        return CONCLAVE_ENOMEM;
    if (s->tls_chain == NULL)
        return 0;
    int rv = net_tls_check(s->tls_chain, s->tls_key, out_why);
    if (rv != 0)
        return rv;
    s->tls = make_vhost(s, true);
    return s->tls == NULL ? CONCLAVE_ENOMEM : 0;
}

int net_server_new(const struct net_server_config *config, char out_why[static NET_WHY],
                   struct net_server **out)
{
    struct net_server *s = calloc(1, sizeof *s);
    int rv = CONCLAVE_ENOMEM;
    (void)snprintf(out_why, NET_WHY, "out of memory");
    if (s == NULL)
        goto out;
    s->loop = config->loop;
    s->uv = net_loop_uv(config->loop);
    s->handler = *config->handler;
    s->limits = with_defaults(config->limits);
    rv = copy_texts(s, config);
    if (rv == 0)
        rv = make_tables(s);
    if (rv != 0)
        goto out;
    rv = make_context(s);
    if (rv == 0)
        rv = make_vhosts(s, out_why);
    if (rv != 0)
        goto out;
    (void)uv_timer_init(s->uv, s->sweep); /* cannot fail */
    s->sweep->data = s;
    (void)uv_timer_start(s->sweep, sweep, 1000, 1000);
    *out = s;
    s = NULL;
out:
    net_server_free(s);
    return rv;
}

/* libwebsockets closes in steps: it asks the loop to close its sockets, then its timers; when it
 * has been told that they are closed, it may be asked to free the rest and unload its code. */
static void destroy_context(struct net_server *s)
{
    const int rounds = 4; /* of the loop, for the timers and what was closed before */
    if (s->lws == NULL)
        return;
    lws_context_destroy(s->lws);
    for (int i = 0; i < rounds || s->totals.connections != 0; i++)
        (void)uv_run(s->uv, UV_RUN_NOWAIT);
    lws_context_destroy(s->lws);
    s->lws = NULL;
}

void net_server_free(struct net_server *s)
{
    if (s == NULL)
        return;
    s->ending = true;
    net_listeners_close(s);
    if (s->sweep != NULL && s->sweep->data != NULL)
        uv_close((uv_handle_t *)s->sweep, sweep_closed);
    else
        free(s->sweep);
    destroy_context(s);
    net_addresses_free(s->addresses);
    free(s->slots);
    free(s->free_slots);
    free(s->chunk);
    free(s->path);
    free(s->protocol);
    free(s->tls_chain);
    free(s->tls_key);
    free(s);
}

void net_server_close_listeners(struct net_server *s)
{
    net_listeners_close(s);
}

int net_server_reload_tls(struct net_server *s, char out_why[static NET_WHY])
{
    if (s->ssl == NULL)
        return 0;
    int rv = net_tls_check(s->tls_chain, s->tls_key, out_why);
    if (rv != 0)
        return rv;
    if (SSL_CTX_use_certificate_chain_file(s->ssl, s->tls_chain) == 1 &&
        SSL_CTX_use_PrivateKey_file(s->ssl, s->tls_key, SSL_FILETYPE_PEM) == 1)
        return 0;
    (void)snprintf(out_why, NET_WHY, "%.200s: changed while it was read", s->tls_chain);
    return CONCLAVE_EINVAL;
}

void net_server_totals(const struct net_server *s, struct net_server_totals *out)
{
    *out = s->totals;
}
