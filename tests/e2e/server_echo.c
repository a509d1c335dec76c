/* A server of src/net for server_test.py to be rude to: it sends back what it gets.
 *
 *     server_echo [CHAIN.pem KEY.pem]
 *
 * Prints "plain PORT" and, with a certificate, "tls PORT"; limits are small so that the test is
 * quick. GET /totals tells the counters. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "net/server.h"

#define BIG ((size_t)8 << 20)
#define FLOOD_FRAME ((size_t)1 << 20)

struct echo {
    struct net_loop *loop;
    struct net_server *server;
    unsigned opened, closed;
};

struct slow {
    struct echo *echo;
    uint64_t conn;
};

static void release(void *owner)
{
    free(owner);
}

/* In two pieces, the first of this size. */
static void send_copy(struct echo *e, uint64_t conn, struct bytes data, size_t first)
{
    uint8_t *p = malloc(data.n + 1);
    if (p == NULL)
        return;
    if (data.n != 0)
        memcpy(p, data.p, data.n);
    struct net_frame frame = {
        .data = {p, first}, .rest = {p + first, data.n - first}, .release = release, .owner = p};
    net_server_send(e->server, conn, &frame);
}

static void opened(void *ctx, uint64_t conn, const char *address)
{
    struct echo *e = ctx;
    (void)conn;
    (void)address;
    e->opened++;
}

static void closed(void *ctx, uint64_t conn)
{
    struct echo *e = ctx;
    e->closed++;
    net_server_close(e->server, conn); /* is gone already, and nothing happens */
}

static void frame(void *ctx, uint64_t conn, struct bytes data)
{
    static const uint8_t zeros[FLOOD_FRAME];
    struct echo *e = ctx;
    if (bytes_equal(data, bytes_str("close"))) {
        send_copy(e, conn, bytes_str("goodbye"), 7);
        net_server_close(e->server, conn);
    } else if (bytes_equal(data, bytes_str("flood"))) {
        for (int i = 0; i < 16; i++)
            send_copy(e, conn, bytes_of(zeros, sizeof zeros), 0);
    } else {
        send_copy(e, conn, data, data.n / 3);
    }
}

static void sleep_a_little(void *ctx)
{
    (void)ctx;
    (void)usleep(200000);
}

static void slept(void *ctx)
{
    struct slow *s = ctx;
    struct net_response r = {.status = 200, .content_type = "text/plain"};
    buf_put(&r.body, bytes_str("slept"));
    net_server_respond(s->echo->server, s->conn, &r);
    free(s);
}

static void put_totals(struct echo *e, struct buf *out)
{
    struct net_server_totals t;
    char text[512];
    net_server_totals(e->server, &t);
    int n = snprintf(text, sizeof text,
                     "{\"connections\":%u,\"sockets\":%u,\"refused\":%llu,\"ended_slow\":%llu,"
                     "\"ended_oversized\":%llu,\"ended_queue\":%llu,\"opened\":%u,\"closed\":%u}",
                     t.connections, t.sockets, (unsigned long long)t.refused,
                     (unsigned long long)t.ended_slow, (unsigned long long)t.ended_oversized,
                     (unsigned long long)t.ended_queue, e->opened, e->closed);
    buf_put(out, bytes_of(text, (size_t)n));
}

static void request(void *ctx, uint64_t conn, const struct net_request *q)
{
    struct echo *e = ctx;
    struct net_response r = {.status = 200, .content_type = "text/plain"};
    struct slow *s = NULL;
    if (strcmp(q->path, "/slow") == 0 && (s = malloc(sizeof *s)) != NULL) {
        *s = (struct slow){e, conn};
        if (net_loop_work(e->loop, sleep_a_little, slept, s) == 0)
            return;
        free(s);
    }
    if (strcmp(q->path, "/big") == 0) {
        buf_put_zero(&r.body, BIG);
    } else if (strcmp(q->path, "/totals") == 0) {
        put_totals(e, &r.body);
    } else if (strcmp(q->path, "/request") == 0) {
        const char *parts[] = {q->method, " ", q->path, " ", q->query, " ", q->authorization, " "};
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
            buf_put(&r.body, bytes_str(parts[i]));
        buf_put(&r.body, q->body);
    } else if (strcmp(q->path, "/echo") == 0) {
        buf_put(&r.body, q->body);
    } else {
        r.status = 404;
    }
    net_server_respond(e->server, conn, &r);
}

static void stop(void *ctx, int signum)
{
    (void)signum;
    net_loop_stop(ctx);
}

static int listen_at(struct echo *e, const char *address, bool tls)
{
    char why[NET_WHY];
    uint16_t port;
    if (net_server_listen(e->server, address, 0, tls, why, &port) != 0) {
        (void)fprintf(stderr, "%s\n", why);
        return -1;
    }
    (void)printf("%s %u\n", tls ? "tls" : "plain", port);
    return 0;
}

int main(int argc, char **argv)
{
    struct echo e = {0};
    const struct net_handler handler = {&e, opened, frame, closed, request};
    struct net_server_config config = {
        .path = "/ws",
        .protocol = "echo.1",
        .tls_chain = argc == 3 ? argv[1] : NULL,
        .tls_key = argc == 3 ? argv[2] : NULL,
        .handler = &handler,
        .limits = {.connections = 64,
                   .connections_per_address = 40,
                   .first_frame = 1000,
                   .frame = 300000,
                   .receiving = 700000,
                   .queue = 4 << 20,
                   .body = 10000,
                   .rate = 20,
                   .burst = 40,
                   .handshake_seconds = 2,
                   .transfer_seconds = 4,
                   .idle_seconds = 2,
                   .pong_seconds = 2},
    };
    char why[NET_WHY];
    int rv = 1;
    if (net_loop_new(&e.loop) != 0)
        return 1;
    config.loop = e.loop;
    if (net_server_new(&config, why, &e.server) != 0) {
        (void)fprintf(stderr, "%s\n", why);
        goto out;
    }
    if (net_loop_signal(e.loop, SIGTERM, stop, e.loop) != 0 ||
        listen_at(&e, "127.0.0.1", false) != 0 || listen_at(&e, "::1", false) != 0 ||
        (argc == 3 && listen_at(&e, "127.0.0.1", true) != 0))
        goto out;
    (void)fflush(stdout);
    net_loop_run(e.loop);
    net_loop_finish(e.loop);
    rv = 0;
out:
    net_server_free(e.server);
    net_loop_free(e.loop);
    if (e.opened != e.closed)
        (void)fprintf(stderr, "%u opened, %u closed\n", e.opened, e.closed);
    return rv != 0 || e.opened != e.closed;
}
