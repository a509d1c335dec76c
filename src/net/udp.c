#include "net/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH LIMIT_NET_UDP_BATCH
#define CALLS_MAX (2 * BATCH) /* of one batch out: each takes a message, or gives one up */

union sockaddr_any {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Room for UDP_SEGMENT out; for UDP_GRO and SO_RXQ_OVFL in. */
#define CONTROL_OUT CMSG_SPACE(sizeof(uint16_t))
#define CONTROL_IN (CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t)))

struct control {
    _Alignas(struct cmsghdr) uint8_t p[CONTROL_IN];
};
_Static_assert(CONTROL_OUT <= CONTROL_IN, "one room does for both");

struct side {
    int fd; /* -1: there is none */
    bool gso, gro;
    bool ready; /* there may be something to receive */
    uint32_t overflowed;
};

/* Messages of one call. */
struct batch {
    struct mmsghdr messages[BATCH];
    struct iovec spans[BATCH];
    union sockaddr_any addresses[BATCH];
    struct control controls[BATCH];
    uint16_t segments[BATCH]; /* out: the size of its datagrams */
    size_t n;
};

struct net_udp {
    struct side sides[2]; /* IPv4, IPv6 */
    uint16_t port;
    struct net_udp_counters counters;
    struct batch in, out;
    unsigned waits; /* left to this call */
    uint8_t *space; /* BATCH messages in */
};

static struct side *side_of(struct net_udp *u, unsigned family)
{
    return &u->sides[family == NET_UDP_IPV6];
}

/* ---- Addresses ---- */

static socklen_t to_system(const struct net_udp_address *a, union sockaddr_any *out)
{
    if (a->family == NET_UDP_IPV6) {
        out->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(a->port)};
        memcpy(&out->v6.sin6_addr, a->ip, 16);
        return sizeof out->v6;
    }
    out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(a->port)};
    memcpy(&out->v4.sin_addr, a->ip, 4);
    return sizeof out->v4;
}

static void from_system(const union sockaddr_any *sa, struct net_udp_address *out)
{
    *out = (struct net_udp_address){0};
    if (sa->sa.sa_family == AF_INET6) {
        out->family = NET_UDP_IPV6;
        out->port = ntohs(sa->v6.sin6_port);
        memcpy(out->ip, &sa->v6.sin6_addr, 16);
    } else {
        out->family = NET_UDP_IPV4;
        out->port = ntohs(sa->v4.sin_port);
        memcpy(out->ip, &sa->v4.sin_addr, 4);
    }
}

/* ---- Opening ---- */

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

static bool supports_gso(int fd)
{
    int value;
    socklen_t n = sizeof value;
    return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &n) == 0;
}

/* What is nice to have: without any of it datagrams still come and go. */
static void tune(struct side *s, const struct net_udp_config *config)
{
    int in = config->receive_buffer, out = config->send_buffer;
    (void)set(s->fd, SOL_SOCKET, SO_RCVBUF, in != 0 ? in : LIMIT_NET_UDP_BUFFER);
    (void)set(s->fd, SOL_SOCKET, SO_SNDBUF, out != 0 ? out : LIMIT_NET_UDP_BUFFER);
    (void)set(s->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    s->gso = !config->no_offload && supports_gso(s->fd);
    s->gro = !config->no_offload && set(s->fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
}

static bool open_side(struct side *s, const struct net_udp_config *config, unsigned family,
                      uint16_t port)
{
    struct net_udp_address at = {.family = (uint8_t)family, .port = port};
    union sockaddr_any address;
    if (config->loopback && family == NET_UDP_IPV4) {
        at.ip[0] = 127;
        at.ip[3] = 1;
    } else if (config->loopback) {
        at.ip[15] = 1;
    }
    socklen_t n = to_system(&at, &address);
    s->fd = socket(address.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return false;
    if (family == NET_UDP_IPV6 && set(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0)
        return false;
    tune(s, config);
    s->ready = true;
    return bind(s->fd, &address.sa, n) == 0;
}

static void close_side(struct side *s)
{
    int kept = errno;
    if (s->fd >= 0)
        (void)close(s->fd);
    *s = (struct side){.fd = -1};
    errno = kept;
}

static bool find_port(struct net_udp *u)
{
    union sockaddr_any address = {0};
    socklen_t n = sizeof address;
    if (getsockname(u->sides[0].fd, &address.sa, &n) != 0)
        return false;
    u->port = ntohs(address.v4.sin_port);
    return true;
}

/* Both sockets under one number, or IPv4 alone if there is no IPv6 here. */
static bool open_both(struct net_udp *u, const struct net_udp_config *config)
{
    if (!open_side(&u->sides[0], config, NET_UDP_IPV4, config->port) || !find_port(u)) {
        close_side(&u->sides[0]);
        return false;
    }
    if (open_side(&u->sides[1], config, NET_UDP_IPV6, u->port))
        return true;
    close_side(&u->sides[1]);
    if (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)
        return true;
    close_side(&u->sides[0]);
    return false;
}

/* Room for a message; the system writes over the sizes. */
static void make_room(struct net_udp *u, size_t i)
{
    struct batch *b = &u->in;
    b->spans[i] = (struct iovec){u->space + i * LIMIT_NET_UDP_MESSAGE, LIMIT_NET_UDP_MESSAGE};
    b->messages[i].msg_hdr = (struct msghdr){.msg_name = &b->addresses[i],
                                             .msg_namelen = sizeof b->addresses[i],
                                             .msg_iov = &b->spans[i],
                                             .msg_iovlen = 1,
                                             .msg_control = b->controls[i].p,
                                             .msg_controllen = sizeof b->controls[i]};
}

int net_udp_open(const struct net_udp_config *config, struct net_udp **out)
{
    struct net_udp *u = calloc(1, sizeof *u);
    if (u == NULL)
        return CONCLAVE_ENOMEM;
    u->sides[0].fd = u->sides[1].fd = -1;
    u->space = malloc(BATCH * LIMIT_NET_UDP_MESSAGE);
    if (u->space == NULL) {
        net_udp_free(u);
        return CONCLAVE_ENOMEM;
    }
    for (size_t i = 0; i < BATCH; i++)
        make_room(u, i);
    /* A port that is free for IPv4 may be taken for IPv6. */
    bool opened = open_both(u, config);
    for (unsigned i = 1; !opened && config->port == 0 && i < LIMIT_NET_UDP_PORTS; i++)
        opened = open_both(u, config);
    if (!opened) {
        net_udp_free(u);
        return CONCLAVE_EINVAL;
    }
    *out = u;
    return 0;
}

void net_udp_free(struct net_udp *u)
{
    if (u == NULL)
        return;
    close_side(&u->sides[0]);
    close_side(&u->sides[1]);
    free(u->space);
    free(u);
}

uint16_t net_udp_port(const struct net_udp *u)
{
    return u->port;
}

bool net_udp_has(const struct net_udp *u, enum net_udp_family family)
{
    return u->sides[family == NET_UDP_IPV6].fd >= 0;
}

int net_udp_descriptor(const struct net_udp *u, enum net_udp_family family)
{
    return u->sides[family == NET_UDP_IPV6].fd;
}

/* ---- In ---- */

/* What the system says of a message: the size of the datagrams it joined, 0 if it did not; and how
 * many the socket had no room for since it was opened. */
static size_t read_control(struct net_udp *u, struct side *s, struct msghdr *m)
{
    size_t segment = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
        int size;
        uint32_t lost;
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&size, CMSG_DATA(c), sizeof size);
            segment = size > 0 ? (size_t)size : 0;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&lost, CMSG_DATA(c), sizeof lost);
            u->counters.overflowed += (uint32_t)(lost - s->overflowed);
            s->overflowed = lost;
        }
    }
    return segment;
}

static size_t deliver(struct net_udp *u, struct side *s, size_t i, const struct net_udp_sink *sink)
{
    struct msghdr *m = &u->in.messages[i].msg_hdr;
    uint8_t *p = u->in.spans[i].iov_base;
    size_t left = u->in.messages[i].msg_len, count = 0, segment = read_control(u, s, m);
    struct net_udp_address from;
    from_system(&u->in.addresses[i], &from);
    u->counters.bytes_received += left;
    if (segment == 0)
        segment = left;
    while (left != 0) {
        size_t n = left < segment ? left : segment;
        sink->take(sink->ctx, p, n, &from);
        p += n;
        left -= n;
        count++;
    }
    return count;
}

static size_t receive_side(struct net_udp *u, struct side *s, const struct net_udp_sink *sink)
{
    size_t count = 0;
    if (s->fd < 0 || !s->ready)
        return 0;
    int n = recvmmsg(s->fd, u->in.messages, BATCH, MSG_DONTWAIT, NULL);
    u->counters.receive_calls++;
    for (int i = 0; i < n; i++) {
        count += deliver(u, s, (size_t)i, sink);
        make_room(u, (size_t)i);
    }
    s->ready = n == (int)BATCH; /* else that was all */
    return count;
}

size_t net_udp_receive(struct net_udp *u, const struct net_udp_sink *sink)
{
    size_t count = receive_side(u, &u->sides[0], sink);
    count += receive_side(u, &u->sides[1], sink);
    u->counters.received += count;
    if (count == 0) /* whoever asks once more wants the system to be asked */
        u->sides[0].ready = u->sides[1].ready = true;
    return count;
}

bool net_udp_wait(struct net_udp *u, int wake_fd, uint64_t wait_us)
{
    struct pollfd fds[3] = {{.fd = u->sides[0].fd, .events = POLLIN},
                            {.fd = u->sides[1].fd, .events = POLLIN},
                            {.fd = wake_fd, .events = POLLIN}}; /* negative ones are passed over */
    struct timespec wait = {(time_t)(wait_us / 1000000), (long)(wait_us % 1000000) * 1000};
    int n = ppoll(fds, 3, wait_us == UINT64_MAX ? NULL : &wait, NULL);
    for (size_t i = 0; i < 2; i++)
        u->sides[i].ready = n < 0 || fds[i].revents != 0;
    return n > 0 && fds[2].revents != 0;
}

/* ---- Out ---- */

static size_t datagrams_of(const struct batch *b, size_t i)
{
    size_t n = b->spans[i].iov_len, segment = b->segments[i];
    return n / segment + (n % segment != 0);
}

static void count_sent(struct net_udp *u, size_t i)
{
    u->counters.sent += datagrams_of(&u->out, i);
    u->counters.bytes_sent += u->out.spans[i].iov_len;
}

/* Whether to try again: the socket was full, has room by now, and there was time left to wait. */
static bool wait_for_room(struct net_udp *u, const struct side *s)
{
    struct pollfd fd = {.fd = s->fd, .events = POLLOUT};
    if (u->waits == 0)
        return false;
    u->waits--;
    return poll(&fd, 1, 1) > 0;
}

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS || error == ENOMEM;
}

/* The datagrams of a message one by one: the system would not cut it. */
static void send_singly(struct net_udp *u, struct side *s, size_t i)
{
    const struct batch *b = &u->out;
    const uint8_t *p = b->spans[i].iov_base;
    const struct msghdr *m = &b->messages[i].msg_hdr;
    for (size_t left = b->spans[i].iov_len; left != 0;) {
        size_t n = left < b->segments[i] ? left : b->segments[i];
        ssize_t sent = -1;
        do {
            u->counters.send_calls++;
            sent = sendto(s->fd, p, n, MSG_DONTWAIT, m->msg_name, m->msg_namelen);
        } while (sent < 0 && is_full(errno) && wait_for_room(u, s));
        if (sent >= 0) {
            u->counters.sent++;
            u->counters.bytes_sent += n;
        } else if (is_full(errno)) {
            u->counters.dropped++;
        } else {
            u->counters.failed++;
        }
        p += n;
        left -= n;
    }
}

/* The message was refused for a reason of its own: it goes another way, or not at all. */
static void send_refused(struct net_udp *u, struct side *s, size_t i, int error)
{
    if (datagrams_of(&u->out, i) == 1) {
        u->counters.failed++;
        return;
    }
    if (error == EIO) /* udp(7): the device can make no checksums, so it never will */
        s->gso = false;
    send_singly(u, s, i);
}

static void flush(struct net_udp *u, struct side *s)
{
    struct batch *b = &u->out;
    size_t done = 0;
    for (unsigned calls = 0; done != b->n && calls != CALLS_MAX; calls++) {
        int n = sendmmsg(s->fd, b->messages + done, (unsigned)(b->n - done), MSG_DONTWAIT);
        u->counters.send_calls++;
        for (; n > 0; n--)
            count_sent(u, done++);
        if (n == 0 || errno == EINTR)
            continue;
        if (!is_full(errno))
            send_refused(u, s, done++, errno);
        else if (!wait_for_room(u, s))
            break;
    }
    for (; done != b->n; done++)
        u->counters.dropped += datagrams_of(b, done);
    b->n = 0;
}

static void put_control(struct msghdr *m, struct control *space, uint16_t segment)
{
    *space = (struct control){0};
    m->msg_control = space->p;
    m->msg_controllen = CONTROL_OUT;
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = IPPROTO_UDP;
    c->cmsg_type = UDP_SEGMENT;
    c->cmsg_len = CMSG_LEN(sizeof segment);
    memcpy(CMSG_DATA(c), &segment, sizeof segment);
}

static void put_message(struct net_udp *u, struct side *s, const struct net_udp_group *g,
                        const uint8_t *p, size_t n)
{
    struct batch *b = &u->out;
    size_t i = b->n++;
    b->spans[i] = (struct iovec){(void *)(uintptr_t)p, n}; /* sendmmsg() only reads */
    b->segments[i] = g->segment;
    b->messages[i].msg_hdr = (struct msghdr){.msg_name = &b->addresses[i],
                                             .msg_namelen = to_system(&g->to, &b->addresses[i]),
                                             .msg_iov = &b->spans[i],
                                             .msg_iovlen = 1};
    if (n > g->segment)
        put_control(&b->messages[i].msg_hdr, &b->controls[i], g->segment);
    if (b->n == BATCH)
        flush(u, s);
}

/* How many bytes one message takes: as many whole datagrams as the kernel cuts at a time. */
static size_t message_bytes(const struct side *s, uint16_t segment)
{
    size_t count = s->gso ? LIMIT_NET_UDP_PAYLOAD / segment : 1;
    if (count > LIMIT_NET_UDP_SEGMENTS)
        count = LIMIT_NET_UDP_SEGMENTS;
    return count > 1 ? count * segment : segment;
}

static void send_side(struct net_udp *u, unsigned family, const struct net_udp_group *groups,
                      size_t n)
{
    struct side *s = side_of(u, family);
    for (size_t i = 0; i < n; i++) {
        const struct net_udp_group *g = &groups[i];
        if (g->to.family != family || g->segment == 0)
            continue;
        if (s->fd < 0) {
            u->counters.failed += g->n / g->segment + (g->n % g->segment != 0);
            continue;
        }
        for (size_t at = 0; at < g->n;) {
            size_t most = message_bytes(s, g->segment), left = g->n - at;
            size_t part = left < most ? left : most;
            put_message(u, s, g, g->p + at, part);
            at += part;
        }
    }
    flush(u, s);
}

void net_udp_send(struct net_udp *u, const struct net_udp_group *groups, size_t n)
{
    u->waits = LIMIT_NET_UDP_WAITS;
    send_side(u, NET_UDP_IPV4, groups, n);
    send_side(u, NET_UDP_IPV6, groups, n);
}

/* ---- Numbers ---- */

void net_udp_counters(const struct net_udp *u, struct net_udp_counters *out)
{
    *out = u->counters;
    out->gso = u->sides[0].gso || u->sides[1].gso;
    out->gro = u->sides[0].gro || u->sides[1].gro;
}
