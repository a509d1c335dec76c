/* What the files of the server share. libwebsockets does TLS, the parsing of HTTP and the framing
 * of WebSocket; everything that is counted, bounded or timed is ours.
 */
#ifndef NET_SERVER_IMPL_H
#define NET_SERVER_IMPL_H

#include <libwebsockets.h>
#include <uv.h>

#include "net/address.h"
#include "net/limits.h"
#include "net/server.h"

/* Bytes written in one go: what a TLS record holds, four times. */
#define NET_CHUNK ((size_t)64 << 10)

enum net_state {
    NET_HANDSHAKE, /* TLS, or a request's head, is awaited */
    NET_BODY,      /* a request's body */
    NET_PENDING,   /* the application works on the request */
    NET_ANSWER,    /* the response goes out */
    NET_DONE,      /* it is out: the connection ends */
    NET_SOCKET,    /* WebSocket */
    NET_CLOSING,   /* WebSocket: what is queued goes out, then it ends */
    NET_KILLED,    /* ends as soon as libwebsockets gets to it */
};

struct net_queued {
    struct net_frame frame;
    struct net_queued *next;
};

/* A request and its answer. */
struct net_exchange {
    const char *method;
    struct buf path, query, authorization, accept_encoding; /* with terminators */
    struct buf body;
    size_t expected; /* bytes of the body */
    bool no_body;    /* HEAD: the answer has none */
    bool asking;     /* the application is being asked right now */
    struct net_response response;
    bool head_sent;
    size_t sent; /* of the response's body */
};

struct net_socket {
    struct buf in; /* the frame that is being put together */
    bool greeted;  /* the first frame came */
    bool paused;   /* reading waits until there are tokens again */
    uint32_t tokens;
    struct net_queued *first, *last;
    size_t queued, sent; /* bytes of all; of the first one */
    uint64_t heard;      /* when it last said anything */
    bool ping_due, ping_sent;
};

struct net_connection {
    struct net_server *server;
    struct lws *wsi; /* NULL before libwebsockets made it */
    uint64_t id;
    struct net_address address;
    char address_text[NET_ADDRESS_TEXT];
    enum net_state state;
    bool tls;
    bool opened;       /* the handler knows it as a WebSocket */
    uint64_t deadline; /* seconds, see net_seconds(); 0: none */
    struct net_exchange exchange;
    struct net_socket socket;
};

struct net_listener {
    uv_poll_t poll;
    struct net_server *server;
    int fd;
    bool tls;
    struct net_listener *next;
};

struct net_server {
    struct net_loop *loop;
    uv_loop_t *uv;
    struct net_handler handler;
    struct net_server_limits limits;
    struct net_server_totals totals;
    char *path, *protocol, *tls_chain, *tls_key;
    struct lws_context *lws;
    struct lws_protocols protocols[3];
    struct lws_vhost *plain, *tls;
    SSL_CTX *ssl;
    struct net_listener *listeners;
    struct net_addresses *addresses;
    struct net_connection *adopting; /* whose socket is being handed to libwebsockets */
    /* A connection's id is its slot and how many connections were made before. */
    struct net_connection **slots;
    uint32_t *free_slots, n_free, made;
    size_t receiving; /* bytes of frames being put together */
    uv_timer_t *sweep;
    bool ending;
    uint8_t *chunk; /* LWS_PRE + NET_CHUNK bytes to write from */
};

/* Seconds of a clock that only goes forward; never 0. */
uint64_t net_seconds(const struct net_server *s);

/* ---- server.c: connections ---- */

/* NULL if there is none of this id. */
struct net_connection *net_find(const struct net_server *s, uint64_t id);
/* NULL without memory, or if a limit is reached; counted in totals.refused then. */
struct net_connection *net_connection_new(struct net_server *s, const struct sockaddr *from,
                                          bool tls);
/* Tells the handler, and frees. */
void net_connection_end(struct net_connection *c);
/* Lets libwebsockets end it soon; no more callbacks of the handler but `closed`. */
void net_connection_kill(struct net_connection *c);

/* ---- server_tls.c ---- */

/* Whether chain and key can be read and belong together. */
int net_tls_check(const char *chain, const char *key,
                  char out_why[static NET_WHY]) CONCLAVE_CHECKED;
/* Versions, ciphers and groups. false if the library lacks one. */
bool net_tls_restrict(SSL_CTX *ctx);

/* ---- server_accept.c ---- */

/* Those that had to stop because descriptors ran out. */
void net_listeners_resume(struct net_server *s);
void net_listeners_close(struct net_server *s);

/* ---- server_http.c and server_ws.c: what libwebsockets tells. Non-zero ends the connection. ----
 */

int net_http_head(struct net_connection *c, const char *path, size_t path_n);
int net_http_body(struct net_connection *c, struct bytes part);
int net_http_complete(struct net_connection *c);
int net_http_writable(struct net_connection *c);
void net_exchange_fini(struct net_exchange *e);

/* Whether this request for an upgrade is for our WebSocket; if not, it has been answered. */
int net_ws_confirm(struct net_connection *c, const char *upgrade);
void net_ws_opened(struct net_connection *c);
void net_ws_heard(struct net_connection *c);
int net_ws_receive(struct net_connection *c, struct bytes part);
int net_ws_writable(struct net_connection *c);
/* Once a second. */
void net_ws_tick(struct net_connection *c, uint64_t now);
void net_socket_fini(struct net_connection *c);

#endif
