/* A server for HTTP and WebSocket, with and without TLS. It moves frames, requests and answers
 * between the network and its handler; what they mean it does not know.
 *
 * Connections are numbers, never used twice. The handler is called on the loop's thread only, and
 * may call everything here but net_server_free(). TLS is 1.2 and 1.3 with ephemeral elliptic-curve
 * keys and AES-256-GCM, nothing else.
 *
 * Slow, silent and greedy peers are ended by the limits; none of them keeps others waiting.
 */
#ifndef NET_SERVER_H
#define NET_SERVER_H

#include <conclave/bytes.h>

#include "net/loop.h"

#define NET_WHY 256

struct net_server;

/* ---- What comes in ---- */

/* Strings and views are good during the call only. */
struct net_request {
    const char *method;          /* "POST" */
    const char *path;            /* "/api/v1/sign-in", decoded, without query */
    const char *query;           /* "after=12&max=50" or "" */
    const char *authorization;   /* header, or "" */
    const char *accept_encoding; /* likewise */
    const char *address;         /* of the peer */
    bool tls;
    struct bytes body;
};

struct net_handler {
    void *ctx;
    /* A WebSocket is open. */
    void (*opened)(void *ctx, uint64_t conn, const char *address);
    void (*frame)(void *ctx, uint64_t conn, struct bytes frame);
    /* It is gone, for whatever reason; once for each that was opened. */
    void (*closed)(void *ctx, uint64_t conn);
    /* To be answered with net_server_respond(), now or within twice the time for a transfer. */
    void (*request)(void *ctx, uint64_t conn, const struct net_request *request);
};

/* ---- Settings; a limit of 0 is the default of net/limits.h ---- */

struct net_server_limits {
    uint32_t connections, connections_per_address;
    size_t first_frame, frame, receiving, queue, body;
    uint32_t rate, burst;
    uint32_t handshake_seconds, transfer_seconds, idle_seconds, pong_seconds;
};

struct net_server_config {
    struct net_loop *loop;             /* borrowed */
    const char *path;                  /* of the WebSocket: "/ws" */
    const char *protocol;              /* its subprotocol */
    const char *tls_chain;             /* PEM file; NULL: no TLS listeners */
    const char *tls_key;               /* PEM file */
    const struct net_handler *handler; /* copied */
    struct net_server_limits limits;
};

/* EINVAL if the certificate cannot be used: out_why says why. ENOMEM. */
int net_server_new(const struct net_server_config *config, char out_why[static NET_WHY],
                   struct net_server **out) CONCLAVE_CHECKED;
/* Ends all connections at once. Not from within a handler. */
void net_server_free(struct net_server *s);

/* Listens at a numeric address; port 0: any, *out_port says which. EINVAL: out_why says why. */
int net_server_listen(struct net_server *s, const char *address, uint16_t port, bool tls,
                      char out_why[static NET_WHY], uint16_t *out_port) CONCLAVE_CHECKED;
/* No new connections from now on. */
void net_server_close_listeners(struct net_server *s);

/* Reads the certificate's files again, for new connections. EINVAL: the old one stays. */
int net_server_reload_tls(struct net_server *s, char out_why[static NET_WHY]) CONCLAVE_CHECKED;

/* ---- What goes out ---- */

/* A frame that may be shared by many connections. */
struct net_frame {
    struct bytes data;            /* good until released, as rest is */
    struct bytes rest;            /* follows data: what other frames end with, too, or nothing */
    void (*release)(void *owner); /* once for each net_server_send() */
    void *owner;
};

/* A connection that is not there, or whose queue is over its bound, releases the frame; the latter
 * is ended. */
void net_server_send(struct net_server *s, uint64_t conn, const struct net_frame *frame);
/* Ends a WebSocket after what was sent. */
void net_server_close(struct net_server *s, uint64_t conn);

struct net_response {
    int status;
    /* Static texts; NULL: none. */
    const char *content_type, *retry_after, *location;
    const char *encoding; /* of the content; said to depend on what the asker accepts */
    const char *cache;    /* NULL: "no-store" */
    const char *security; /* Content-Security-Policy; NULL: one that allows nothing */
    struct buf body;      /* taken */
    struct bytes shared;  /* in place of a body: good until the server is gone */
};
/* If the asker is gone, only the body is freed. */
void net_server_respond(struct net_server *s, uint64_t conn, struct net_response *response);

/* ---- For metrics ---- */

struct net_server_totals {
    uint32_t connections, sockets; /* now: all, and WebSockets */
    uint64_t accepted, refused;    /* over a limit */
    uint64_t requests;
    uint64_t ended_slow;      /* took too long, or did not answer a ping */
    uint64_t ended_oversized; /* a frame or request too large */
    uint64_t ended_queue;     /* did not take what was sent to it */
    uint64_t bytes_in, bytes_out, frames_in, frames_out;
};
void net_server_totals(const struct net_server *s, struct net_server_totals *out);

#endif
