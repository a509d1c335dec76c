/* WebSocket (RFC 6455): frames in, put together and counted; frames out, queued and shared. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/server_impl.h"

/* Frames written before others get their turn. */
#define WRITES_IN_A_ROW 32

/* Memory that is kept between frames. */
#define KEEP_BYTES ((size_t)64 << 10)

/* ---- Opening ---- */

static bool header_is(struct lws *wsi, enum lws_token_indexes token, const char *wanted)
{
    char text[256];
    return lws_hdr_total_length(wsi, token) < (int)sizeof text &&
           lws_hdr_copy(wsi, text, (int)sizeof text, token) > 0 && strcmp(text, wanted) == 0;
}

/* Whether our subprotocol is among those asked for: RFC 6455 11.3.4, a list with commas. */
static bool asks_for(struct lws *wsi, const char *protocol)
{
    char text[256];
    size_t n = strlen(protocol);
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) >= (int)sizeof text ||
        lws_hdr_copy(wsi, text, (int)sizeof text, WSI_TOKEN_PROTOCOL) <= 0)
        return false;
    for (const char *p = text; *p != '\0'; p += strcspn(p, ",")) {
        p += strspn(p, ", \t");
        if (strncmp(p, protocol, n) == 0 && strcspn(p, ", \t") == n)
            return true;
    }
    return false;
}

/* Answered at once; what follows on this connection is not looked at. */
static int turn_away(struct net_connection *c, unsigned status)
{
    (void)lws_return_http_status(c->wsi, status, NULL); /* it ends in either case */
    return -1;
}

int net_ws_confirm(struct net_connection *c, const char *upgrade)
{
    if (c->state != NET_HANDSHAKE || strcasecmp(upgrade, "websocket") != 0)
        return -1; /* h2c: HTTP/2 is not offered */
    if (!header_is(c->wsi, WSI_TOKEN_GET_URI, c->server->path))
        return turn_away(c, HTTP_STATUS_NOT_FOUND);
    if (!asks_for(c->wsi, c->server->protocol))
        return turn_away(c, HTTP_STATUS_BAD_REQUEST);
    return 0;
}

void net_ws_opened(struct net_connection *c)
{
    struct net_server *s = c->server;
    c->state = NET_SOCKET;
    c->opened = true;
    c->deadline = net_seconds(s) + s->limits.handshake_seconds;
    c->socket.heard = net_seconds(s);
    c->socket.tokens = s->limits.burst;
    s->totals.sockets++;
    s->handler.opened(s->handler.ctx, c->id, c->address_text);
}

/* ---- In ---- */

void net_ws_heard(struct net_connection *c)
{
    c->socket.heard = net_seconds(c->server);
    c->socket.ping_sent = false;
}

static void forget_frame(struct net_connection *c)
{
    struct net_socket *k = &c->socket;
    c->server->receiving -= k->in.n;
    if (k->in.cap > KEEP_BYTES)
        buf_free(&k->in);
    else
        buf_clear(&k->in);
}

static int refuse(struct net_connection *c, enum lws_close_status status)
{
    c->server->totals.ended_oversized += status == LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE;
    lws_close_reason(c->wsi, status, NULL, 0);
    return -1;
}

static int deliver(struct net_connection *c, struct bytes frame)
{
    struct net_server *s = c->server;
    struct net_socket *k = &c->socket;
    c->deadline = 0;
    k->greeted = true;
    s->totals.frames_in++;
    s->totals.bytes_in += frame.n;
    if (k->tokens != 0)
        k->tokens--;
    if (k->tokens == 0 && !k->paused) {
        k->paused = true;
        (void)lws_rx_flow_control(c->wsi, 0);
    }
    s->handler.frame(s->handler.ctx, c->id, frame);
    return c->state == NET_KILLED ? -1 : 0;
}

int net_ws_receive(struct net_connection *c, struct bytes part)
{
    struct net_server *s = c->server;
    struct net_socket *k = &c->socket;
    size_t limit = k->greeted ? s->limits.frame : s->limits.first_frame;
    net_ws_heard(c);
    if (c->state != NET_SOCKET)
        return 0;
    if (lws_frame_is_binary(c->wsi) == 0)
        return refuse(c, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE);
    if (part.n > limit - k->in.n || lws_remaining_packet_payload(c->wsi) > limit - k->in.n - part.n)
        return refuse(c, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
    bool whole = lws_is_final_fragment(c->wsi) != 0;
    if (whole && k->in.n == 0)
        return deliver(c, part);
    if (part.n > s->limits.receiving - s->receiving)
        return refuse(c, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
    buf_put(&k->in, part);
    if (buf_check(&k->in) != 0)
        return -1;
    s->receiving += part.n;
    if (c->deadline == 0)
        c->deadline = net_seconds(s) + s->limits.transfer_seconds;
    if (!whole)
        return 0;
    int rv = deliver(c, buf_view(&k->in));
    forget_frame(c);
    return rv;
}

/* ---- Out ---- */

static size_t size_of(const struct net_frame *f)
{
    return f->data.n + f->rest.n;
}

static void drop_first(struct net_socket *k)
{
    struct net_queued *q = k->first;
    k->first = q->next;
    if (k->first == NULL)
        k->last = NULL;
    k->queued -= size_of(&q->frame);
    k->sent = 0;
    q->frame.release(q->frame.owner);
    free(q);
}

void net_socket_fini(struct net_connection *c)
{
    while (c->socket.first != NULL)
        drop_first(&c->socket);
    c->server->receiving -= c->socket.in.n;
    buf_free(&c->socket.in);
}

void net_server_send(struct net_server *s, uint64_t conn, const struct net_frame *frame)
{
    struct net_connection *c = s->ending ? NULL : net_find(s, conn);
    struct net_queued *q = NULL;
    if (c == NULL || c->state != NET_SOCKET)
        goto drop;
    struct net_socket *k = &c->socket;
    size_t size = size_of(frame);
    bool fits =
        k->first == NULL || (k->queued <= s->limits.queue && size <= s->limits.queue - k->queued);
    q = fits ? calloc(1, sizeof *q) : NULL;
    if (q == NULL) {
        s->totals.ended_queue += !fits;
        net_connection_kill(c);
        goto drop;
    }
    q->frame = *frame;
    if (k->last == NULL)
        k->first = q;
    else
        k->last->next = q;
    k->last = q;
    k->queued += size;
    lws_callback_on_writable(c->wsi);
    return;
drop:
    frame->release(frame->owner);
}

void net_server_close(struct net_server *s, uint64_t conn)
{
    struct net_connection *c = s->ending ? NULL : net_find(s, conn);
    if (c == NULL || c->state != NET_SOCKET)
        return;
    c->state = NET_CLOSING;
    c->deadline = net_seconds(s) + s->limits.transfer_seconds;
    lws_callback_on_writable(c->wsi);
}

/* Copies n bytes of a frame from a place in it. */
static void copy_out(const struct net_frame *f, size_t from, size_t n, uint8_t *out)
{
    size_t first = from < f->data.n ? f->data.n - from : 0;
    first = first < n ? first : n;
    if (first != 0)
        memcpy(out, f->data.p + from, first);
    if (n > first)
        memcpy(out + first, f->rest.p + (from + first - f->data.n), n - first);
}

/* A large frame goes out in WebSocket fragments (RFC 6455 5.4), so that one copy of it serves all
 * who get it: libwebsockets wants room before what it writes. */
static int write_some(struct net_connection *c)
{
    struct net_server *s = c->server;
    struct net_socket *k = &c->socket;
    size_t left = size_of(&k->first->frame) - k->sent, n = left < NET_CHUNK ? left : NET_CHUNK;
    int how = lws_write_ws_flags(LWS_WRITE_BINARY, k->sent == 0, n == left);
    copy_out(&k->first->frame, k->sent, n, s->chunk + LWS_PRE);
    if (lws_write(c->wsi, s->chunk + LWS_PRE, n, (enum lws_write_protocol)how) < 0)
        return -1;
    s->totals.bytes_out += n;
    k->sent += n;
    if (n == left) {
        s->totals.frames_out++;
        drop_first(k);
    }
    return 0;
}

/* With a content, because libwebsockets does not tell of an empty answer. */
static int write_ping(struct net_connection *c)
{
    uint8_t *p = c->server->chunk + LWS_PRE;
    c->socket.ping_due = false;
    c->socket.ping_sent = true;
    p[0] = '?';
    return lws_write(c->wsi, p, 1, LWS_WRITE_PING) < 0 ? -1 : 0;
}

/* The closing handshake (RFC 6455 7.1.2), which libwebsockets does for connections that ended in
 * time, such as one that was kept alive and is not needed. Returning -1 to it would close the
 * socket at once, and take back what was just sent if the peer has sent something that nobody read.
 */
static void begin_handshake(struct net_connection *c)
{
    c->state = NET_DONE;
    c->deadline = net_seconds(c->server) + c->server->limits.handshake_seconds;
    lws_close_reason(c->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_HTTP_KEEPALIVE_IDLE, LWS_TO_KILL_ASYNC);
}

int net_ws_writable(struct net_connection *c)
{
    struct net_socket *k = &c->socket;
    int rv = 0;
    for (int i = 0; rv == 0 && i < WRITES_IN_A_ROW; i++) {
        if (k->ping_due && k->sent == 0)
            rv = write_ping(c);
        else if (k->first != NULL)
            rv = write_some(c);
        if (lws_send_pipe_choked(c->wsi) != 0)
            break;
    }
    if (rv == 0 && (k->first != NULL || k->ping_due))
        lws_callback_on_writable(c->wsi);
    else if (rv == 0 && c->state == NET_CLOSING)
        begin_handshake(c);
    return rv;
}

void net_ws_tick(struct net_connection *c, uint64_t now)
{
    const struct net_server_limits *l = &c->server->limits;
    struct net_socket *k = &c->socket;
    uint64_t silent = now - k->heard;
    k->tokens = k->tokens + l->rate < l->burst ? k->tokens + l->rate : l->burst;
    if (k->paused) {
        k->paused = false;
        (void)lws_rx_flow_control(c->wsi, 1);
    }
    if (silent > l->idle_seconds + l->pong_seconds) {
        c->server->totals.ended_slow++;
        net_connection_kill(c);
    } else if (silent >= l->idle_seconds && !k->ping_sent && c->state == NET_SOCKET) {
        k->ping_due = true;
        lws_callback_on_writable(c->wsi);
    }
}
