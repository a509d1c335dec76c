/* Listening, and taking connections. The sockets are ours, so that limits count before anything is
 * spent on a connection, and so that a port that is taken can be told. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/server_impl.h"

#define BACKLOG 1024

static void adopt(struct net_listener *l, int fd, const struct sockaddr *from)
{
    struct net_server *s = l->server;
    struct net_connection *c = net_connection_new(s, from, l->tls);
    int yes = 1;
    if (c == NULL) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes,
                     sizeof yes); /* slower without, not wrong */
    lws_adopt_desc_t how = {
        .vh = l->tls ? s->tls : s->plain,
        .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | (l->tls ? LWS_ADOPT_ALLOW_SSL : 0),
        .fd = {.sockfd = fd},
        .opaque = c,
    };
    s->adopting = c;
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&how);
    s->adopting = NULL;
    /* Without memory there may be no wsi at all; else its end will be told, and ends the
     * connection. */
    if (wsi == NULL && c->wsi == NULL)
        net_connection_end(c);
}

static void accept_some(uv_poll_t *poll, int status, int events)
{
    struct net_listener *l = poll->data;
    (void)events;
    for (int i = 0; status == 0 && i < LIMIT_NET_ACCEPTS && l->fd >= 0; i++) {
        struct sockaddr_storage from = {0};
        socklen_t n = sizeof from;
        int fd = accept(l->fd, (struct sockaddr *)&from, &n);
        if (fd < 0) {
            /* No descriptor or memory left: not again at once, but when the sweep resumes. */
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                (void)uv_poll_stop(&l->poll);
            return;
        }
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
            (void)close(fd);
        else
            adopt(l, fd, (struct sockaddr *)&from);
    }
}

static bool parse(const char *address, uint16_t port, struct sockaddr_storage *out, socklen_t *n)
{
    struct sockaddr_in *v4 = (void *)out;
    struct sockaddr_in6 *v6 = (void *)out;
    *out = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *n = sizeof *v4;
        return true;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    *n = sizeof *v6;
    return inet_pton(AF_INET6, address, &v6->sin6_addr) == 1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage at;
    socklen_t n = sizeof at;
    memset(&at, 0, sizeof at);
    if (getsockname(fd, (struct sockaddr *)&at, &n) != 0)
        return 0;
    return ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port
                                         : ((struct sockaddr_in6 *)&at)->sin6_port);
}

static int open_socket(const struct sockaddr_storage *at, socklen_t n)
{
    int yes = 1;
    int fd = socket(at->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
              (at->ss_family != AF_INET6 ||
               setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) == 0) &&
              bind(fd, (const struct sockaddr *)at, n) == 0 && listen(fd, BACKLOG) == 0;
    if (!ok) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static const char *cure(int error)
{
    switch (error) {
    case EADDRINUSE:
        return "another program has this port: end it, or choose another port";
    case EACCES:
        return "ports below 1024 need the capability CAP_NET_BIND_SERVICE, or choose another port";
    case EADDRNOTAVAIL:
        return "this machine does not have this address";
    default:
        return strerror(error);
    }
}

static void listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int net_server_listen(struct net_server *s, const char *address, uint16_t port, bool tls,
                      char out_why[static NET_WHY], uint16_t *out_port)
{
    struct sockaddr_storage at;
    socklen_t n;
    struct net_listener *l = NULL;
    int rv = CONCLAVE_EINVAL, fd = -1;
    if (!parse(address, port, &at, &n)) {
        (void)snprintf(out_why, NET_WHY, "%.100s is not a numeric address like 192.0.2.1 or ::1",
                       address);
        goto out;
    }
    if (tls && s->tls == NULL) {
        (void)snprintf(out_why, NET_WHY, "there is no certificate to listen with TLS");
        goto out;
    }
    fd = open_socket(&at, n);
    if (fd < 0) {
        (void)snprintf(out_why, NET_WHY, "cannot listen at %.60s port %u: %.150s", address, port,
                       cure(errno));
        goto out;
    }
    l = calloc(1, sizeof *l);
    if (l == NULL || uv_poll_init(s->uv, &l->poll, fd) != 0) {
        (void)snprintf(out_why, NET_WHY, "out of memory");
        rv = CONCLAVE_ENOMEM;
        free(l);
        goto out;
    }
    l->poll.data = l;
    l->server = s;
    l->fd = fd;
    l->tls = tls;
    l->next = s->listeners;
    s->listeners = l;
    (void)uv_poll_start(&l->poll, UV_READABLE, accept_some); /* cannot fail here */
    *out_port = port_of(fd);
    fd = -1;
    rv = 0;
out:
    if (fd >= 0)
        (void)close(fd);
    return rv;
}

void net_listeners_resume(struct net_server *s)
{
    for (struct net_listener *l = s->listeners; l != NULL; l = l->next)
        (void)uv_poll_start(&l->poll, UV_READABLE, accept_some);
}

void net_listeners_close(struct net_server *s)
{
    while (s->listeners != NULL) {
        struct net_listener *l = s->listeners;
        s->listeners = l->next;
        (void)uv_poll_stop(&l->poll);
        (void)close(l->fd);
        l->fd = -1;
        uv_close((uv_handle_t *)&l->poll, listener_closed);
    }
}
