/* WebSocket connections to servers, on a libuv loop of the caller's.
 *
 * TLS 1.2 or 1.3 with ECDHE and AES-256-GCM only; the server's certificate must be for the name in
 * the target and be vouched for by the system's roots, or by the ones given. Without TLS only this
 * machine can be reached. Binary messages; an unfinished one is never handed out. A silent server
 * is pinged, and given up when it does not answer.
 *
 * Callbacks come from the loop, never from within a call into this module. Everything belongs to
 * the loop's thread.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include <uv.h>

#include <conclave/bytes.h>

/* What all connections share: the TLS settings and the loop. */
struct net_clients;

/* ca_file: PEM certificates trusted in place of the system's roots, or NULL. ENOMEM; EINVAL if
 * the file cannot be used. */
int net_clients_new(uv_loop_t *loop, const char *ca_file,
                    struct net_clients **out) CONCLAVE_CHECKED;

/* The end has two halves: once all its clients have been freed, net_clients_close(); then the loop
 * is run until it has nothing left to do, and may be freed; then net_clients_free(). */
void net_clients_close(struct net_clients *n);
void net_clients_free(struct net_clients *n);

enum net_client_end {
    NET_CLIENT_CLOSED = 1,  /* by either side, after it was open */
    NET_CLIENT_UNREACHABLE, /* never opened: no such host, refused, no WebSocket there... */
    NET_CLIENT_TLS,         /* never opened: the server's certificate cannot be trusted */
    NET_CLIENT_TOO_LARGE,   /* a message longer than frame_max came in */
    NET_CLIENT_SLOW,        /* more than queue_max was waiting to go out */
};

struct net_client_events {
    void (*opened)(void *ctx);
    void (*frame)(void *ctx, struct bytes frame); /* good during the call */
    /* After every net_client_open() there is one of these. detail: for a log; never NULL. */
    void (*closed)(void *ctx, enum net_client_end why, const char *detail);
};

struct net_client_config {
    const char *host; /* a name, or an address without brackets */
    uint16_t port;
    bool tls;
    const char *path, *subprotocol;
    size_t frame_max, queue_max; /* bytes */
    const struct net_client_events *events;
    void *ctx;
};

/* One connection at a time to one server; may be opened again and again. */
struct net_client;

/* The strings are copied, events is borrowed. EINVAL: not TLS, and not this machine; ENOMEM. */
int net_client_new(struct net_clients *n, const struct net_client_config *config,
                   struct net_client **out) CONCLAVE_CHECKED;

/* Without any further callback. NULL is fine. */
void net_client_free(struct net_client *c);

/* ESTATE if it is open or being opened; ENOMEM. */
int net_client_open(struct net_client *c) CONCLAVE_CHECKED;

/* Queues a message. ESTATE if it is not open; ELIMIT if queue_max would be passed, and the
 * connection is then closed; ENOMEM. */
int net_client_send(struct net_client *c, struct bytes frame) CONCLAVE_CHECKED;

/* Once what was sent is flushed. */
void net_client_close(struct net_client *c);

/* Neither open nor on its way there or back: it can be opened, and no end is still to be told. */
bool net_client_is_idle(const struct net_client *c);

/* "localhost", 127.0.0.1 or ::1: what may be reached without TLS. */
bool net_is_this_machine(const char *host);

#endif
