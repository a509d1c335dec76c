/* A media peer behind a pipe, for another implementation to talk to over UDP on this machine.
 *
 *     rtc-peer ROLE DTLS_ROLE ADDRESS
 *
 * ROLE is `server` or `client` (of ICE), DTLS_ROLE likewise, ADDRESS where to bind. It says who it
 * is in one line, is told the same about the other in one, and from then on sends each RTP packet
 * back, under the next SSRC, and a receiver report for every tenth. The lines:
 *
 *     UFRAG PASSWORD FINGERPRINT ADDRESS PORT
 *
 * When its input ends it says goodbye, why that is, and what it has counted.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rtc/peer.h"
#include "rtc/rtp.h"

#define LIFETIME_US (60 * ICE_SECOND)
#define LINE 1024

struct run {
    int fd;
    bool ipv6;
    struct peer *peer;
    struct peer_config config;
    struct rtc_address candidate;
    char ufrag[2][257], pwd[2][257]; /* ours, theirs */
    unsigned connected, rtp_in, rtcp_in, rtp_out, refused;
    enum peer_reason reason;
};

static uint64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * ICE_SECOND + (uint64_t)t.tv_nsec / 1000;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "rtc-peer: %s\n", what);
    exit(2);
}

static void need(int rv, const char *what)
{
    if (rv != 0) {
        (void)fprintf(stderr, "rtc-peer: %s: %s\n", what, conclave_error_name(rv));
        exit(2);
    }
}

/* ---- Addresses and sockets ---- */

union any_address {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static struct rtc_address address_of(const union any_address *a)
{
    if (a->sa.sa_family == AF_INET6)
        return rtc_address_ipv6(a->v6.sin6_addr.s6_addr, ntohs(a->v6.sin6_port));
    return rtc_address_ipv4((const uint8_t *)&a->v4.sin_addr, ntohs(a->v4.sin_port));
}

static socklen_t socket_address_of(const struct rtc_address *a, union any_address *out)
{
    *out = (union any_address){0};
    if (a->family == RTC_IPV6) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(a->port);
        memcpy(&out->v6.sin6_addr, a->ip, 16);
        return sizeof out->v6;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(a->port);
    memcpy(&out->v4.sin_addr, a->ip, 4);
    return sizeof out->v4;
}

static struct rtc_address parse_address(const char *text, uint16_t port)
{
    uint8_t ip[16];
    if (inet_pton(AF_INET6, text, ip) == 1)
        return rtc_address_ipv6(ip, port);
    if (inet_pton(AF_INET, text, ip) != 1)
        fail("an address that is none");
    return rtc_address_ipv4(ip, port);
}

/* Returns the port. */
static uint16_t open_socket(struct run *r, const char *where)
{
    struct rtc_address a = parse_address(where, 0);
    union any_address sa;
    socklen_t n = socket_address_of(&a, &sa);
    r->fd = socket(sa.sa.sa_family, SOCK_DGRAM, 0);
    if (r->fd < 0 || bind(r->fd, &sa.sa, n) != 0 || getsockname(r->fd, &sa.sa, &n) != 0)
        fail("cannot open a socket");
    return address_of(&sa).port;
}

/* ---- The two lines ---- */

static void make_text(char *out, size_t n)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[64];
    if (getrandom(random, n, 0) != (ssize_t)n)
        fail("no randomness");
    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[random[i] % 64];
    out[n] = '\0';
}

static void say_who(struct run *r, const char *where, uint16_t port)
{
    const uint8_t *fingerprint = dtls_identity_fingerprint(r->config.identity);
    make_text(r->ufrag[0], 8);
    make_text(r->pwd[0], 24);
    (void)printf("%s %s ", r->ufrag[0], r->pwd[0]);
    for (size_t i = 0; i < DTLS_FINGERPRINT; i++)
        (void)printf("%s%02X", i == 0 ? "" : ":", fingerprint[i]);
    (void)printf(" %s %u\n", where, port);
    (void)fflush(stdout);
}

static void hear_who(struct run *r)
{
    char line[LINE], fingerprint[3 * DTLS_FINGERPRINT + 1], where[64], port[8];
    if (fgets(line, sizeof line, stdin) == NULL ||
        sscanf(line, "%256s %256s %96s %63s %7s", r->ufrag[1], r->pwd[1], fingerprint, where,
               port) != 5)
        fail("no line to say who is there");
    for (size_t i = 0; i < DTLS_FINGERPRINT; i++)
        r->config.fingerprint[i] = (uint8_t)strtoul(fingerprint + 3 * i, NULL, 16);
    r->candidate = parse_address(where, (uint16_t)strtoul(port, NULL, 10));
}

/* ---- At work ---- */

static void transmit(const struct run *r, const struct rtc_address *to, const uint8_t *p, size_t n)
{
    union any_address sa;
    socklen_t size = socket_address_of(to, &sa);
    (void)sendto(r->fd, p, n, 0, &sa.sa, size);
}

static void report(struct run *r, const struct rtc_address *to, const uint8_t *ssrc)
{
    uint8_t packet[8 + SRTCP_OVERHEAD] = {0x80, 201, 0, 1};
    size_t n = 0;
    memcpy(packet + 4, ssrc, 4);
    need(peer_seal_rtcp(r->peer, packet, 8, sizeof packet, &n), "sealing a report");
    transmit(r, to, packet, n);
}

static void send_back(struct run *r, const struct peer_effect *e)
{
    const struct rtc_address *to = peer_remote(r->peer, now_us());
    uint8_t packet[RTP_PACKET_MAX + SRTP_OVERHEAD];
    size_t n = 0;
    if (to == NULL)
        return;
    memcpy(packet, e->packet, e->packet_n);
    packet[11]++;
    need(peer_seal_rtp(r->peer, packet, e->packet_n, sizeof packet, &n), "sealing a packet");
    transmit(r, to, packet, n);
    if (++r->rtp_out % 10 == 0)
        report(r, to, packet + 8);
}

static void carry_out(struct run *r, const struct peer_effect *e)
{
    switch (e->kind) {
    case PEER_SEND:
        transmit(r, &e->to, e->data.p, e->data.n);
        break;
    case PEER_RTP:
        r->rtp_in++;
        send_back(r, e);
        break;
    case PEER_RTCP:
        r->rtcp_in++;
        break;
    case PEER_CONNECTED:
        r->connected++;
        break;
    case PEER_CLOSED:
        r->reason = e->reason;
        break;
    case PEER_LOST:
    case PEER_NOTHING:
        break;
    }
}

static void pull(struct run *r)
{
    struct peer_effect e = {.kind = PEER_SEND};
    while (e.kind != PEER_NOTHING) {
        need(peer_next(r->peer, now_us(), &e), "peer_next");
        carry_out(r, &e);
    }
}

static void receive(struct run *r)
{
    uint8_t datagram[RTP_PACKET_MAX];
    union any_address sa;
    socklen_t size = sizeof sa;
    ssize_t n = recvfrom(r->fd, datagram, sizeof datagram, 0, &sa.sa, &size);
    if (n < 0)
        return;
    struct rtc_address from = address_of(&sa);
    int rv = peer_input(r->peer, datagram, (size_t)n, &from, now_us());
    if (conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
        need(rv, "peer_input");
    r->refused += rv != 0;
    pull(r);
}

static void run(struct run *r)
{
    uint64_t end = now_us() + LIFETIME_US;
    pull(r);
    while (r->reason == 0 && now_us() < end) {
        struct pollfd pfd[2] = {{.fd = r->fd, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
        uint64_t now = now_us(), at = peer_deadline(r->peer) < end ? peer_deadline(r->peer) : end;
        (void)poll(pfd, 2, at > now ? (int)((at - now) / 1000 + 1) : 0);
        if ((pfd[0].revents & POLLIN) != 0)
            receive(r);
        if (pfd[1].revents != 0) { /* nothing is said to it any more: it is the end */
            peer_close(r->peer);
            pull(r);
        }
        if (now_us() >= peer_deadline(r->peer)) {
            need(peer_tick(r->peer, now_us()), "peer_tick");
            pull(r);
        }
    }
}

static bool is_server(const char *role)
{
    if (strcmp(role, "server") != 0 && strcmp(role, "client") != 0)
        fail("a role is server or client");
    return role[0] == 's';
}

int main(int argc, char **argv)
{
    struct run r = {0};
    if (argc != 4)
        fail("usage: rtc-peer ROLE DTLS_ROLE ADDRESS");
    r.config.role = is_server(argv[1]) ? PEER_SERVER : PEER_CLIENT;
    r.config.dtls_role = is_server(argv[2]) ? DTLS_SERVER : DTLS_CLIENT;
    need(aead_engine_new(AEAD_BEST, &r.config.engine), "aead_engine_new");
    need(dtls_identity_new(now_us(), &r.config.identity), "dtls_identity_new");
    say_who(&r, argv[3], open_socket(&r, argv[3]));
    hear_who(&r);
    r.config.local = (struct ice_login){bytes_str(r.ufrag[0]), bytes_str(r.pwd[0])};
    r.config.remote = (struct ice_login){bytes_str(r.ufrag[1]), bytes_str(r.pwd[1])};
    r.config.candidates = &r.candidate;
    r.config.n_candidates = 1;
    if (getrandom(r.config.seed, sizeof r.config.seed, 0) != (ssize_t)sizeof r.config.seed)
        fail("no randomness");
    need(peer_new(&r.config, now_us(), &r.peer), "peer_new");
    run(&r);
    (void)printf("reason %d connected %u rtp_in %u rtcp_in %u rtp_out %u refused %u\n",
                 (int)r.reason, r.connected, r.rtp_in, r.rtcp_in, r.rtp_out, r.refused);
    peer_free(r.peer);
    dtls_identity_free(r.config.identity);
    aead_engine_free(r.config.engine);
    (void)close(r.fd);
    return r.reason == PEER_CLOSED_HERE ? 0 : 1;
}
