/* A UDP port for many peers: an IPv4 and an IPv6 socket under one number. Datagrams come in by
 * batches, whole bursts of them in one piece where the kernel can (UDP_GRO), and go out so too
 * (UDP_SEGMENT); where it cannot, one by one. Nothing is allocated for a datagram, and nothing is
 * kept: what a socket does not take soon is dropped and counted. One thread at a time.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include <conclave/bytes.h>

#include "net/limits.h"

struct net_udp;

enum net_udp_family { NET_UDP_IPV4 = 4, NET_UDP_IPV6 = 6 };

struct net_udp_address {
    uint8_t family; /* enum net_udp_family */
    uint8_t ip[16]; /* in network order; of IPv4 the first four, the others zero */
    uint16_t port;
};

struct net_udp_config {
    uint16_t port;   /* 0: any that is free */
    bool loopback;   /* reachable from this machine alone; otherwise at all its addresses */
    bool no_offload; /* neither UDP_GRO nor UDP_SEGMENT: for tests and comparisons */
    int receive_buffer, send_buffer; /* bytes; 0: LIMIT_NET_UDP_BUFFER. The system may grant less */
};

/* A machine may have no IPv6: then there is IPv4 alone. ENOMEM. EINVAL: the port cannot be had;
 * errno says why. */
int net_udp_open(const struct net_udp_config *config, struct net_udp **out) CONCLAVE_CHECKED;
void net_udp_free(struct net_udp *u);

uint16_t net_udp_port(const struct net_udp *u);
bool net_udp_has(const struct net_udp *u, enum net_udp_family family);
/* For who waits for several things at once; -1: there is none. It stays ours. */
int net_udp_descriptor(const struct net_udp *u, enum net_udp_family family);

/* ---- In ---- */

struct net_udp_sink {
    void *ctx;
    /* The datagram may be changed; it is gone when this returns. */
    void (*take)(void *ctx, uint8_t *p, size_t n, const struct net_udp_address *from);
};

/* What waits, at most one batch of each socket; returns how many datagrams that were. Ask again
 * before waiting, unless it was none. */
size_t net_udp_receive(struct net_udp *u, const struct net_udp_sink *sink);

/* Until a datagram is there, or wake_fd (-1: none) can be read, or so much time has passed
 * (UINT64_MAX: for ever). Returns whether wake_fd can be read. */
bool net_udp_wait(struct net_udp *u, int wake_fd, uint64_t wait_us);

/* ---- Out ---- */

/* Datagrams to one address, one after the other: each of `segment` bytes but the last, which may be
 * shorter. */
struct net_udp_group {
    struct net_udp_address to;
    const uint8_t *p;
    size_t n; /* bytes in all; 0: nothing is sent */
    uint16_t segment;
};

/* Sends, keeping the order of those to one address. A full socket is waited for, but by all in all
 * LIMIT_NET_UDP_WAITS milliseconds a call; the rest is dropped. */
void net_udp_send(struct net_udp *u, const struct net_udp_group *groups, size_t n);

/* ---- Numbers ---- */

struct net_udp_counters {
    uint64_t received, bytes_received, receive_calls;
    uint64_t sent, bytes_sent, send_calls;
    uint64_t dropped;    /* to be sent, but the socket was full */
    uint64_t failed;     /* to be sent, but refused: no way there, too large, firewall */
    uint64_t overflowed; /* came in while the socket was full, as far as the system tells */
    bool gso, gro;       /* in use, on any of the sockets */
};
void net_udp_counters(const struct net_udp *u, struct net_udp_counters *out);

#endif
