#include "net/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

/* DESIGN section 4, Transport: nothing else, whatever the system's defaults are. No cipher of this
 * list exists below TLS 1.2, so that nothing older can be agreed on. */
#define TLS12_CIPHERS "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define TLS13_CIPHERS "TLS_AES_256_GCM_SHA384"

/* Seconds: a silent connection is asked for a sign of life, and given up without one; how long
 * opening may take. */
#define PING_AFTER 15
#define HANG_UP_AFTER 25
#define OPEN_TIMEOUT 10

/* Bytes taken from a socket at a time: a join downloads megabytes. */
#define READ_SIZE (32u << 10)

#define DETAIL_MAX 160

struct net_clients {
    struct lws_context *lws;
};

enum client_state {
    CLIENT_IDLE,
    CLIENT_OPENING,
    CLIENT_OPEN,
    CLIENT_CLOSING, /* what is queued goes out, then it ends */
    CLIENT_DONE,    /* the closing handshake is under way */
};

/* A message on its way out; LWS_PRE bytes before it are libwebsockets' to write its header into. */
struct outgoing {
    struct outgoing *next;
    size_t n;
    uint8_t room[];
};

struct net_client {
    struct net_clients *clients;
    struct net_client_config config; /* strings are ours */
    struct lws *wsi;
    enum client_state state;
    struct buf in; /* the message that is coming in */
    struct outgoing *first, **last;
    size_t queued;
    enum net_client_end why; /* why it ends, once known; 0 until then */
    char detail[DETAIL_MAX];
    lws_sorted_usec_list_t later; /* tells of the end from the loop */
};

static const lws_retry_bo_t liveness = {
    .secs_since_valid_ping = PING_AFTER,
    .secs_since_valid_hangup = HANG_UP_AFTER,
};

bool net_is_this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 ||
           strcmp(host, "::1") == 0;
}

/* ---- The queue ---- */

static void queue_drop(struct net_client *c)
{
    while (c->first != NULL) {
        struct outgoing *o = c->first;
        c->first = o->next;
        free(o);
    }
    c->last = &c->first;
    c->queued = 0;
}

static void queue_pop(struct net_client *c)
{
    struct outgoing *o = c->first;
    c->queued -= o->n;
    c->first = o->next;
    if (c->first == NULL)
        c->last = &c->first;
    free(o);
}

/* ---- The end of a connection ---- */

static void tell_closed(lws_sorted_usec_list_t *sul)
{
    struct net_client *c = lws_container_of(sul, struct net_client, later);
    enum net_client_end why = c->why;
    char detail[DETAIL_MAX];

    memcpy(detail, c->detail, sizeof detail);
    c->state = CLIENT_IDLE;
    c->why = 0;
    c->config.events->closed(c->config.ctx, why, detail);
}

/* The first reason is the one that is told. */
static void set_reason(struct net_client *c, enum net_client_end why, const char *detail)
{
    if (c->why != 0)
        return;
    c->why = why;
    snprintf(c->detail, sizeof c->detail, "%s", detail);
}

/* Without its connection. Opening may fail within the call that asked for it; the loop tells. */
static void ended(struct net_client *c, enum net_client_end why, const char *detail)
{
    set_reason(c, why, detail);
    c->wsi = NULL;
    c->state = CLIENT_CLOSING;
    queue_drop(c);
    buf_free(&c->in);
    lws_sul_schedule(c->clients->lws, 0, &c->later, tell_closed, 1);
}

/* ---- What libwebsockets tells ---- */

static enum net_client_end end_of(const char *detail)
{
    /* libwebsockets tells a failed handshake by its text alone. */
    return strstr(detail, "SSL") != NULL ? NET_CLIENT_TLS : NET_CLIENT_UNREACHABLE;
}

static int received(struct net_client *c, struct lws *wsi, struct bytes piece)
{
    if (c->state != CLIENT_OPEN)
        return 0;
    if (piece.n > c->config.frame_max - c->in.n) {
        set_reason(c, NET_CLIENT_TOO_LARGE, "a message is too long");
        return -1;
    }
    buf_put(&c->in, piece);
    if (buf_check(&c->in) != 0) {
        set_reason(c, NET_CLIENT_TOO_LARGE, "no memory for a message");
        return -1;
    }
    if (lws_remaining_packet_payload(wsi) != 0 || !lws_is_final_fragment(wsi))
        return 0;
    struct buf whole = {0};
    buf_move(&whole, &c->in);
    c->config.events->frame(c->config.ctx, buf_view(&whole));
    buf_free(&whole);
    return 0;
}

/* The closing handshake (RFC 6455 7.1.2), which libwebsockets does for connections that ended in
 * time, such as one that was kept alive and is not needed. Returning -1 to it would close the
 * socket at once, and take back what was just sent if the server has sent something that nobody
 * read: who left would be missed for half a minute.
 */
static void begin_handshake(struct net_client *c, struct lws *wsi)
{
    c->state = CLIENT_DONE;
    lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_KEEPALIVE_IDLE, LWS_TO_KILL_ASYNC);
}

static int writable(struct net_client *c, struct lws *wsi)
{
    struct outgoing *o = c->first;
    if (c->why == NET_CLIENT_SLOW)
        return -1;
    if (o != NULL) {
        if (lws_write(wsi, o->room + LWS_PRE, o->n, LWS_WRITE_BINARY) < 0)
            return -1;
        queue_pop(c);
    }
    if (c->first != NULL)
        lws_callback_on_writable(wsi);
    else if (c->state == CLIENT_CLOSING)
        begin_handshake(c, wsi);
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    struct net_client *c = lws_get_opaque_user_data(wsi);
    (void)user;
    if (c == NULL)
        return reason == LWS_CALLBACK_CLIENT_WRITEABLE ? -1 : 0;
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
        if (n == 0) /* OpenSSL refuses it: nothing here could overrule that */
            set_reason(c, NET_CLIENT_TLS, "the server's certificate is not trusted");
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        if (c->state == CLIENT_CLOSING)
            return -1;
        c->state = CLIENT_OPEN;
        c->config.events->opened(c->config.ctx);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return received(c, wsi, bytes_of(in, n));
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return writable(c, wsi);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        lws_set_opaque_user_data(wsi, NULL);
        ended(c, end_of(in == NULL ? "" : in), in == NULL ? "no connection" : in);
        return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
        lws_set_opaque_user_data(wsi, NULL);
        ended(c, NET_CLIENT_CLOSED, "closed");
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "conclave", .callback = callback, .rx_buffer_size = 0},
    {.name = NULL},
};

/* ---- The shared part ---- */

/* libwebsockets would go on without roots. */
static bool has_certificates(const char *file)
{
    char line[128];
    bool found = false;
    FILE *f = fopen(file, "re");
    if (f == NULL)
        return false;
    while (!found && fgets(line, sizeof line, f) != NULL)
        found = strncmp(line, "-----BEGIN CERTIFICATE-----", 27) == 0;
    fclose(f);
    return found;
}

int net_clients_new(uv_loop_t *loop, const char *ca_file, struct net_clients **out)
{
    void *loops[] = {loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .client_ssl_cipher_list = TLS12_CIPHERS,
        .client_tls_1_3_plus_cipher_list = TLS13_CIPHERS,
        .client_ssl_ca_filepath = ca_file,
        .pt_serv_buf_size = READ_SIZE,
        .http_proxy_address = "", /* not the environment's: it would hide this machine */
        .timeout_secs = OPEN_TIMEOUT,
        .connect_timeout_secs = OPEN_TIMEOUT,
        .gid = -1,
        .uid = -1,
    };
    if (ca_file != NULL && !has_certificates(ca_file))
        return CONCLAVE_EINVAL;
    struct net_clients *n = calloc(1, sizeof *n);
    if (n == NULL)
        return CONCLAVE_ENOMEM;
    if (ca_file != NULL)
        info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    lws_set_log_level(0, NULL); /* what matters comes as an event */
    n->lws = lws_create_context(&info);
    if (n->lws == NULL) {
        free(n);
        return ca_file != NULL ? CONCLAVE_EINVAL : CONCLAVE_ENOMEM;
    }
    *out = n;
    return 0;
}

void net_clients_close(struct net_clients *n)
{
    lws_context_destroy(n->lws);
}

void net_clients_free(struct net_clients *n)
{
    if (n == NULL)
        return;
    /* The first call took its handles off the loop; the second frees the rest. */
    lws_context_destroy(n->lws);
    free(n);
}

/* ---- One connection ---- */

int net_client_new(struct net_clients *n, const struct net_client_config *config,
                   struct net_client **out)
{
    struct net_client *c = NULL;
    if (!config->tls && !net_is_this_machine(config->host))
        return CONCLAVE_EINVAL;
    c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->clients = n;
    c->config = *config;
    c->last = &c->first;
    c->config.host = strdup(config->host);
    c->config.path = strdup(config->path);
    c->config.subprotocol = strdup(config->subprotocol);
    if (c->config.host == NULL || c->config.path == NULL || c->config.subprotocol == NULL) {
        net_client_free(c);
        return CONCLAVE_ENOMEM;
    }
    *out = c;
    return 0;
}

void net_client_free(struct net_client *c)
{
    if (c == NULL)
        return;
    lws_sul_cancel(&c->later);
    if (c->wsi != NULL) {
        lws_set_opaque_user_data(c->wsi, NULL);
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
    queue_drop(c);
    buf_free(&c->in);
    free((char *)c->config.host);
    free((char *)c->config.path);
    free((char *)c->config.subprotocol);
    free(c);
}

int net_client_open(struct net_client *c)
{
    if (c->state != CLIENT_IDLE)
        return CONCLAVE_ESTATE;
    struct lws_client_connect_info info = {
        .context = c->clients->lws,
        .address = c->config.host,
        .host = c->config.host,
        .origin = c->config.host,
        .port = c->config.port,
        .path = c->config.path,
        .protocol = c->config.subprotocol,
        .local_protocol_name = protocols[0].name,
        .ssl_connection = c->config.tls ? LCCSCF_USE_SSL : 0,
        .alpn = "http/1.1",
        .opaque_user_data = c,
        .pwsi = &c->wsi,
        .retry_and_idle_policy = &liveness,
    };
    c->state = CLIENT_OPENING;
    if (lws_client_connect_via_info(&info) == NULL)
        ended(c, NET_CLIENT_UNREACHABLE, "no connection");
    return 0;
}

int net_client_send(struct net_client *c, struct bytes frame)
{
    struct outgoing *o = NULL;
    if (c->state != CLIENT_OPEN)
        return CONCLAVE_ESTATE;
    if (frame.n > c->config.queue_max - c->queued) {
        set_reason(c, NET_CLIENT_SLOW, "the server does not take what is sent");
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        return CONCLAVE_ELIMIT;
    }
    o = malloc(sizeof *o + LWS_PRE + frame.n);
    if (o == NULL)
        return CONCLAVE_ENOMEM;
    o->next = NULL;
    o->n = frame.n;
    memcpy(o->room + LWS_PRE, frame.p, frame.n);
    *c->last = o;
    c->last = &o->next;
    c->queued += frame.n;
    lws_callback_on_writable(c->wsi);
    return 0;
}

bool net_client_is_idle(const struct net_client *c)
{
    return c->state == CLIENT_IDLE;
}

void net_client_close(struct net_client *c)
{
    if (c->state == CLIENT_OPEN) {
        c->state = CLIENT_CLOSING;
        lws_callback_on_writable(c->wsi);
    } else if (c->state == CLIENT_OPENING) {
        c->state = CLIENT_CLOSING;
        lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
}
