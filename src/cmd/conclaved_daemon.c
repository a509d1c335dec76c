#include "cmd/conclaved_daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include <conclave/version.h>

#include "room/room.h"

#define DAY UINT64_C(86400)
#define SPARE_DESCRIPTORS 256 /* beside connections: listeners, database, log */
#define STOP_US UINT64_C(5000000)

__attribute__((format(printf, 3, 4))) static int fail(char *why, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) the analyser misses va_start */
    (void)vsnprintf(why, CONFIG_WHY, format, args);
    va_end(args);
    return error;
}

void daemon_error(struct daemon *d, int error, const char *where)
{
    d->errors++;
    if (error == CONCLAVE_ESTORE) {
        d->store_errors++;
        net_log(d->log, NET_ERROR, "%s: %s: %s", where, conclave_error_name(error),
                store_error(d->keys.store));
    } else {
        net_log(d->log, NET_ERROR, "%s: %s: %s", where, conclave_error_name(error),
                conclave_error_text(error));
    }
}

/* ---- Between the network and the hall ---- */

static void hall_done(struct daemon *d, int rv, const char *where)
{
    if (rv != 0)
        daemon_error(d, rv, where);
    net_timer_set(d->hall_timer, hall_deadline(d->hall));
}

static void ws_opened(void *ctx, uint64_t conn, const char *address)
{
    struct daemon *d = ctx;
    int rv = hall_connect(d->hall, conn, address, net_loop_now(d->loop));
    if (rv != 0)
        net_server_close(d->server, conn);
    hall_done(d, rv, "a connection");
}

static void ws_frame(void *ctx, uint64_t conn, struct bytes frame)
{
    struct daemon *d = ctx;
    hall_done(d, hall_frame(d->hall, conn, frame, net_loop_now(d->loop)), "a message");
}

static void ws_closed(void *ctx, uint64_t conn)
{
    struct daemon *d = ctx;
    struct net_server_totals totals;
    hall_disconnect(d->hall, conn, net_loop_now(d->loop));
    hall_done(d, 0, "");
    net_server_totals(d->server, &totals);
    if (d->stopping && totals.sockets == 0)
        net_loop_stop(d->loop);
}

static void release_frame(void *owner)
{
    room_frame_free(owner);
}

static void hall_send(void *ctx, uint64_t conn, struct room_frame *frame)
{
    struct daemon *d = ctx;
    struct net_frame out = {.data = room_frame_head(frame),
                            .rest = room_frame_rest(frame),
                            .release = release_frame,
                            .owner = room_frame_share(frame)};
    net_server_send(d->server, conn, &out);
}

static void hall_close(void *ctx, uint64_t conn, int reason)
{
    struct daemon *d = ctx;
    (void)reason; /* the Fault before it has told the client */
    net_server_close(d->server, conn);
}

static void hall_event(void *ctx, const char *number, enum room_event event)
{
    struct daemon *d = ctx;
    net_log(d->log, NET_INFO, "meeting %s: %s", number, room_event_name(event));
}

static void hall_timer(void *ctx)
{
    struct daemon *d = ctx;
    hall_done(d, hall_tick(d->hall, net_loop_now(d->loop)), "a timer");
}

/* ---- Signals ---- */

static void stop_now(void *ctx)
{
    struct daemon *d = ctx;
    net_loop_stop(d->loop);
}

static void on_stop(void *ctx, int signum)
{
    struct daemon *d = ctx;
    struct net_server_totals totals;
    uint64_t now = net_loop_now(d->loop);
    net_log(d->log, NET_INFO, "signal %d: stopping", signum);
    net_server_totals(d->server, &totals);
    if (d->stopping || totals.sockets == 0) { /* asked twice, or nobody is there */
        net_loop_stop(d->loop);
        return;
    }
    d->stopping = true;
    net_server_close_listeners(d->server);
    hall_stop(d->hall, now);
    net_timer_set(d->stop_timer, now + STOP_US);
}

static void on_hangup(void *ctx, int signum)
{
    struct daemon *d = ctx;
    char why[NET_WHY];
    (void)signum;
    if (net_log_reopen(d->log) != 0)
        net_log(d->log, NET_ERROR, "the log cannot be opened again: %s", strerror(errno));
    if (net_server_reload_tls(d->server, why) != 0)
        net_log(d->log, NET_ERROR, "the old certificate stays: %s", why);
    net_log(d->log, NET_INFO, "log opened and certificate read again");
}

/* ---- Listening ---- */

static int listen_plain(struct daemon *d, char *why)
{
    char ignored[NET_WHY];
    uint16_t port = (uint16_t)d->config->port;
    int rv = net_server_listen(d->server, "127.0.0.1", port, false, why, &port);
    if (rv != 0)
        return rv;
    /* A machine may have no IPv6. */
    if (net_server_listen(d->server, "::1", port, false, ignored, &port) != 0)
        net_log(d->log, NET_WARNING, "%s", ignored);
    (void)snprintf(d->url, sizeof d->url, "http://localhost:%u", port);
    return 0;
}

static int listen_tls(struct daemon *d, char *why)
{
    struct config_words listen;
    struct config_address at;
    (void)config_words(d->config->listen, &listen); /* config_check() has read them */
    for (size_t i = 0; i < listen.n; i++) {
        uint16_t port;
        (void)config_address(listen.words[i], &at);
        int rv = net_server_listen(d->server, at.host, at.port, true, why, &port);
        if (rv != 0)
            return rv;
        bool any = strcmp(at.host, "0.0.0.0") == 0 || strcmp(at.host, "::") == 0;
        bool v6 = strchr(at.host, ':') != NULL;
        if (i == 0)
            (void)snprintf(d->url, sizeof d->url, v6 && !any ? "https://[%s]:%u" : "https://%s:%u",
                           any ? "localhost" : at.host, port);
    }
    return 0;
}

static int open_server(struct daemon *d, char *why)
{
    const struct config *c = d->config;
    struct keys_tls tls;
    bool with_tls = c->listen[0] != '\0';
    const struct net_handler handler = {d, ws_opened, ws_frame, ws_closed, daemon_request};
    struct net_server_config config = {
        .loop = d->loop,
        .path = DAEMON_WS_PATH,
        .protocol = DAEMON_PROTOCOL,
        .handler = &handler,
        .limits = {.connections = (uint32_t)c->connections,
                   .connections_per_address = (uint32_t)c->connections_per_address,
                   .queue = (size_t)c->queue_megabytes << 20,
                   .body = SERVICE_BODY_MAX},
    };
    int rv = with_tls ? keys_tls(c, d->started_us / 1000000, why, &tls) : 0;
    if (rv != 0)
        return rv;
    if (with_tls) {
        config.tls_chain = tls.certificate;
        config.tls_key = tls.key;
    }
    rv = net_server_new(&config, why, &d->server);
    if (rv == 0 && c->plain)
        rv = listen_plain(d, why);
    if (rv == 0)
        rv = listen_tls(d, why);
    if (c->url[0] != '\0')
        (void)snprintf(d->url, sizeof d->url, "%s", c->url);
    return rv;
}

/* ---- The parts ---- */

static int open_hall(struct daemon *d, char *why)
{
    const struct config *c = d->config;
    struct hall_config config = {
        .store = d->keys.store,
        .crypto = d->keys.crypto,
        .signer = d->keys.signer,
        .public_roots = buf_view(&d->keys.public_roots),
        .max_participants = (uint32_t)c->participants,
        .max_waiting = (uint32_t)c->waiting,
        .hellos_per_minute = (uint32_t)c->hellos_per_minute,
        .out = {.ctx = d, .send = hall_send, .close = hall_close, .event = hall_event},
    };
    int rv = daemon_open_media(d, &config.out, why);
    if (rv != 0)
        return rv;
    rv = hall_new(&config, &d->hall);
    return rv == 0 ? 0 : fail(why, rv, "the hall: %s", conclave_error_text(rv));
}

static bool open_sign_up(const struct config *c)
{
    return c->sign_up_set ? c->sign_up : c->listen[0] == '\0';
}

static int open_service(struct daemon *d, char *why)
{
    const struct config *c = d->config;
    const struct service_config config = {
        .store = d->keys.store,
        .hall = d->hall,
        .crypto = d->keys.crypto,
        .ca = d->keys.ca,
        .public_roots = buf_view(&d->keys.public_roots),
        .server_key = crypto_signer_public(d->keys.signer),
        .name = c->name,
        .base_url = d->url,
        .certificate_lifetime = c->certificate_days * DAY,
        .token_lifetime = c->token_days * DAY,
        .open_sign_up = open_sign_up(c),
        .media = daemon_media,
        .media_ctx = d,
    };
    int rv = service_new(&config, &d->service);
    return rv == 0 ? 0 : fail(why, rv, "the service: %s", conclave_error_text(rv));
}

static int open_loop(struct daemon *d, char *why)
{
    int rv = net_loop_new(&d->loop);
    if (rv == 0)
        rv = net_timer_new(d->loop, hall_timer, d, &d->hall_timer);
    if (rv == 0)
        rv = net_timer_new(d->loop, stop_now, d, &d->stop_timer);
    if (rv == 0)
        rv = net_loop_signal(d->loop, SIGTERM, on_stop, d);
    if (rv == 0)
        rv = net_loop_signal(d->loop, SIGINT, on_stop, d);
    if (rv == 0)
        rv = net_loop_signal(d->loop, SIGHUP, on_hangup, d);
    if (rv != 0)
        return fail(why, rv, "the event loop: %s", conclave_error_text(rv));
    d->started_us = net_loop_now(d->loop);
    return 0;
}

static int open_log(struct daemon *d, char *why)
{
    const struct config *c = d->config;
    const struct net_log_config config = {
        .path = c->log_file[0] == '\0' ? NULL : c->log_file,
        .level = (enum net_level)c->log_level,
        .max_bytes = (size_t)c->log_megabytes << 20,
        .keep = (unsigned)c->log_keep,
    };
    int rv = net_log_open(&config, &d->log);
    return rv == 0 ? 0 : fail(why, rv, "[log] file: %.300s: %s", c->log_file, strerror(errno));
}

/* As many descriptors as connections need, and no more: libwebsockets makes room for all there may
 * be. */
static int limit_descriptors(const struct config *c, char *why)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)c->connections + SPARE_DESCRIPTORS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return fail(why, CONCLAVE_EINTERNAL, "file descriptors: %s", strerror(errno));
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted)
        return fail(why, CONCLAVE_EINVAL,
                    "connections = %llu: needs %llu file descriptors, but %llu are allowed; raise "
                    "the limit (ulimit -n, LimitNOFILE=) or set fewer connections",
                    (unsigned long long)c->connections, (unsigned long long)wanted,
                    (unsigned long long)limit.rlim_max);
    limit.rlim_cur = wanted;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0
               ? 0
               : fail(why, CONCLAVE_EINTERNAL, "file descriptors: %s", strerror(errno));
}

/* ---- All of it ---- */

static void tell(const struct daemon *d)
{
    const struct config *c = d->config;
    struct config_words domains;
    (void)config_words(c->domains, &domains);
    (void)printf("conclaved %s, with its data in %s\n%s\n", conclave_version(), c->data, d->url);
    if (open_sign_up(c) && domains.n != 0)
        (void)printf("Anybody may make an account NAME@%s here.\n", domains.words[0]);
    (void)fflush(stdout);
    net_log(d->log, NET_INFO, "conclaved %s is ready at %s", conclave_version(), d->url);
    if (d->keys.delegated_anew)
        net_log(d->log, NET_WARNING,
                "the CA has a new root certificate, for other domains: meetings made from now on "
                "have it, those made before keep the old one");
}

static int open_all(struct daemon *d, char *why)
{
    int rv = limit_descriptors(d->config, why);
    if (rv == 0)
        rv = open_log(d, why);
    if (rv == 0)
        rv = open_loop(d, why);
    if (rv == 0)
        rv = web_open(d->config->web, why, &d->web);
    if (rv == 0)
        rv = keys_open(d->config, true, d->started_us / 1000000, why, &d->keys);
    if (rv == 0)
        rv = open_server(d, why);
    if (rv == 0)
        rv = open_hall(d, why);
    if (rv == 0)
        rv = open_service(d, why);
    return rv;
}

static void close_all(struct daemon *d)
{
    if (d->loop != NULL)
        net_loop_finish(d->loop); /* works need their service */
    net_server_free(d->server);   /* and connections their hall */
    web_free(d->web);             /* whose files answers borrow */
    service_free(d->service);
    hall_free(d->hall);
    media_free(d->media); /* to which the hall says who is gone */
    net_timer_free(d->hall_timer);
    net_timer_free(d->stop_timer);
    net_loop_free(d->loop);
    keys_close(&d->keys);
    net_log_close(d->log);
}

int daemon_run(const struct config *c, char out_why[static CONFIG_WHY])
{
    struct daemon d = {.config = c, .keys = {.lock = -1}};
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that is gone is told by write() */
    int rv = open_all(&d, out_why);
    if (rv == 0 && keys_address(c, d.url) != 0)
        rv = fail(out_why, CONCLAVE_ESTORE, "%.300s/run/address: cannot be written", c->data);
    if (rv == 0) {
        tell(&d);
        net_loop_run(d.loop);
        (void)!keys_address(c, NULL); /* the next start writes it anew */
        net_log(d.log, NET_INFO, "stopped");
    }
    close_all(&d);
    return rv;
}
