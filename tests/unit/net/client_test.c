/* WebSocket connections: what comes back is what was sent, whom TLS lets through, and that every
 * opening has exactly one end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "net/client.h"
#include "support/random.h"
#include "ws_server.h"

#define FRAME_MAX ((size_t)1 << 20)

struct world {
    uv_loop_t loop;
    uv_timer_t limit;
    char folder[32], certificate[64], key[64];
    struct ws_server server;
    struct net_clients *clients;
    struct net_client *client;
    struct buf got; /* the last message */
    int opened, frames, closed;
    enum net_client_end why;
};

static void on_opened(void *ctx)
{
    struct world *w = ctx;
    w->opened++;
}

static void on_frame(void *ctx, struct bytes frame)
{
    struct world *w = ctx;
    buf_clear(&w->got);
    buf_put(&w->got, frame);
    w->frames++;
}

static void on_closed(void *ctx, enum net_client_end why, const char *detail)
{
    struct world *w = ctx;
    assert_non_null(detail);
    w->why = why;
    w->closed++;
}

static const struct net_client_events events = {on_opened, on_frame, on_closed};

static void on_limit(uv_timer_t *t)
{
    (void)t;
    fail_msg("nothing happened in 20 seconds");
}

/* Runs the loop until a counter has come to a value. */
static void until(struct world *w, const int *counter, int value)
{
    uv_timer_start(&w->limit, on_limit, 20000, 0);
    while (*counter < value)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_timer_stop(&w->limit);
}

/* own_ca: the server's own certificate is what is trusted. */
static void start_as(struct world *w, bool tls, bool own_ca, struct ws_server_config server)
{
    memset(w, 0, sizeof *w);
    assert_int_equal(uv_loop_init(&w->loop), 0);
    uv_timer_init(&w->loop, &w->limit);
    strcpy(w->folder, "/tmp/conclave-net-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->certificate, sizeof w->certificate, "%s/cert.pem", w->folder);
    snprintf(w->key, sizeof w->key, "%s/key.pem", w->folder);
    ws_server_make_certificate(w->certificate, w->key);
    if (tls) {
        server.certificate = w->certificate;
        server.key = w->key;
    }
    w->server = ws_server_start(&server);
    assert_int_equal(net_clients_new(&w->loop, own_ca ? w->certificate : NULL, &w->clients), 0);
}

static void start(struct world *w)
{
    start_as(w, false, false, (struct ws_server_config){0});
}

static struct net_client_config config_of(struct world *w, const char *host, bool tls)
{
    struct net_client_config config = {.host = host,
                                       .port = w->server.port,
                                       .tls = tls,
                                       .path = "/ws",
                                       .subprotocol = "echo",
                                       .frame_max = FRAME_MAX,
                                       .queue_max = 4 * FRAME_MAX,
                                       .events = &events,
                                       .ctx = w};
    return config;
}

static void connect_to(struct world *w, const char *host, bool tls)
{
    struct net_client_config config = config_of(w, host, tls);
    assert_int_equal(net_client_new(w->clients, &config, &w->client), 0);
    assert_int_equal(net_client_open(w->client), 0);
}

static void stop(struct world *w)
{
    net_client_free(w->client);
    net_clients_close(w->clients);
    uv_close((uv_handle_t *)&w->limit, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    net_clients_free(w->clients);
    ws_server_stop(&w->server);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    buf_free(&w->got);
    unlink(w->certificate);
    unlink(w->key);
    rmdir(w->folder);
}

static void echo(struct world *w, size_t n)
{
    struct random r = {n};
    uint8_t *data = malloc(n);
    assert_non_null(data);
    random_fill(&r, data, n);
    assert_int_equal(net_client_send(w->client, bytes_of(data, n)), 0);
    until(w, &w->frames, w->frames + 1);
    assert_true(bytes_equal(buf_view(&w->got), bytes_of(data, n)));
    free(data);
}

static void messages_of_every_size_come_back_whole(void **state)
{
    static const size_t sizes[] = {1, 125, 126, 4096, 65535, 65536, FRAME_MAX};
    struct world w;
    (void)state;
    start(&w);
    connect_to(&w, "127.0.0.1", false);
    until(&w, &w.opened, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        echo(&w, sizes[i]);
    stop(&w);
}

static void messages_keep_their_order(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    connect_to(&w, "localhost", false);
    until(&w, &w.opened, 1);
    for (uint8_t i = 0; i < 100; i++)
        assert_int_equal(net_client_send(w.client, bytes_of(&i, 1)), 0);
    for (int i = 0; i < 100; i++) {
        until(&w, &w.frames, i + 1);
        if (w.frames == i + 1)
            assert_int_equal(w.got.p[0], i);
    }
    assert_int_equal(w.frames, 100);
    stop(&w);
}

static void closing_sends_first_what_is_queued(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    connect_to(&w, "127.0.0.1", false);
    until(&w, &w.opened, 1);
    assert_int_equal(net_client_send(w.client, bytes_str("goodbye")), 0);
    net_client_close(w.client);
    assert_int_equal(net_client_send(w.client, bytes_str("late")), CONCLAVE_ESTATE);
    until(&w, &w.closed, 1);
    assert_int_equal(w.why, NET_CLIENT_CLOSED);
    stop(&w);
}

/* TCP takes back what was sent if a socket is closed with something in it that was not read. */
static void what_was_sent_before_closing_arrives_while_the_server_talks(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    ws_server_stop(&w.server);
    w.server = ws_server_start_talking("goodbye");
    connect_to(&w, "127.0.0.1", false);
    until(&w, &w.frames, 1);
    assert_int_equal(net_client_send(w.client, bytes_str("goodbye")), 0);
    net_client_close(w.client);
    until(&w, &w.closed, 1);
    assert_true(ws_server_heard(&w.server));
    w.server = ws_server_start(&(struct ws_server_config){0}); /* for stop() */
    stop(&w);
}

static void a_closed_connection_can_be_opened_again(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    connect_to(&w, "127.0.0.1", false);
    for (int i = 1; i <= 3; i++) {
        until(&w, &w.opened, i);
        assert_int_equal(net_client_open(w.client), CONCLAVE_ESTATE);
        echo(&w, 1000);
        net_client_close(w.client);
        assert_false(net_client_is_idle(w.client));
        until(&w, &w.closed, i);
        assert_true(net_client_is_idle(w.client));
        assert_int_equal(net_client_open(w.client), 0);
    }
    stop(&w);
}

static void closing_while_connecting_ends_it(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    connect_to(&w, "127.0.0.1", false);
    net_client_close(w.client);
    until(&w, &w.closed, 1);
    assert_int_equal(w.opened, 0);
    stop(&w);
}

static void a_server_that_is_not_there_is_told_from_the_loop(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    struct net_client_config config = config_of(&w, "127.0.0.1", false);
    config.port = 1;
    assert_int_equal(net_client_new(w.clients, &config, &w.client), 0);
    assert_int_equal(net_client_open(w.client), 0);
    assert_int_equal(w.closed, 0);
    until(&w, &w.closed, 1);
    assert_int_equal(w.why, NET_CLIENT_UNREACHABLE);
    assert_int_equal(w.opened, 0);
    stop(&w);
}

static void a_server_of_another_subprotocol_is_not_opened(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    struct net_client_config config = config_of(&w, "127.0.0.1", false);
    config.subprotocol = "conclave.1";
    assert_int_equal(net_client_new(w.clients, &config, &w.client), 0);
    assert_int_equal(net_client_open(w.client), 0);
    until(&w, &w.closed, 1);
    assert_int_equal(w.why, NET_CLIENT_UNREACHABLE);
    assert_int_equal(w.opened, 0);
    stop(&w);
}

static void a_message_over_the_limit_ends_the_connection(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    struct net_client_config config = config_of(&w, "127.0.0.1", false);
    config.frame_max = 1000;
    assert_int_equal(net_client_new(w.clients, &config, &w.client), 0);
    assert_int_equal(net_client_open(w.client), 0);
    until(&w, &w.opened, 1);
    echo(&w, 1000);
    uint8_t *big = calloc(1, 1001);
    assert_int_equal(net_client_send(w.client, bytes_of(big, 1001)), 0);
    free(big);
    until(&w, &w.closed, 1);
    assert_int_equal(w.why, NET_CLIENT_TOO_LARGE);
    assert_int_equal(w.frames, 1);
    stop(&w);
}

static void a_server_that_does_not_read_fills_no_memory(void **state)
{
    struct world w;
    (void)state;
    start_as(&w, false, false, (struct ws_server_config){.hang = true});
    connect_to(&w, "127.0.0.1", false);
    until(&w, &w.opened, 1);
    uint8_t *chunk = calloc(1, FRAME_MAX);
    int sent = 0;
    while (net_client_send(w.client, bytes_of(chunk, FRAME_MAX)) == 0)
        sent++;
    assert_int_equal(sent, 4);
    free(chunk);
    until(&w, &w.closed, 1);
    assert_int_equal(w.why, NET_CLIENT_SLOW);
    stop(&w);
}

static void freeing_an_open_connection_ends_it_without_a_word(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    connect_to(&w, "127.0.0.1", false);
    until(&w, &w.opened, 1);
    net_client_free(w.client);
    w.client = NULL;
    stop(&w);
    assert_int_equal(w.closed, 0);
}

static void freeing_while_connecting_ends_it_without_a_word(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    connect_to(&w, "127.0.0.1", false);
    net_client_free(w.client);
    w.client = NULL;
    stop(&w);
    assert_int_equal(w.opened + w.closed, 0);
}

static void without_tls_only_this_machine_can_be_reached(void **state)
{
    struct world w;
    (void)state;
    start(&w);
    struct net_client_config config = config_of(&w, "meet.example.org", false);
    assert_int_equal(net_client_new(w.clients, &config, &w.client), CONCLAVE_EINVAL);
    assert_true(net_is_this_machine("::1"));
    assert_false(net_is_this_machine("127.0.0.1.example.org"));
    stop(&w);
}

static void tls_with_a_trusted_certificate_opens(void **state)
{
    struct world w;
    (void)state;
    start_as(&w, true, true, (struct ws_server_config){0});
    connect_to(&w, "localhost", true);
    until(&w, &w.opened, 1);
    echo(&w, 100000);
    stop(&w);
}

static void tls_refused(bool trusted, const char *host, struct ws_server_config server)
{
    struct world w;
    start_as(&w, true, trusted, server);
    connect_to(&w, host, true);
    until(&w, &w.closed, 1);
    assert_int_equal(w.why, NET_CLIENT_TLS);
    assert_int_equal(w.opened, 0);
    stop(&w);
}

static void a_certificate_nobody_vouches_for_is_refused(void **state)
{
    (void)state;
    tls_refused(false, "localhost", (struct ws_server_config){0});
}

static void a_certificate_for_another_name_is_refused(void **state)
{
    (void)state;
    tls_refused(true, "127.0.0.1", (struct ws_server_config){0});
}

static void a_server_without_aes_256_gcm_is_refused(void **state)
{
    (void)state;
    tls_refused(true, "localhost", (struct ws_server_config){.weak = true});
}

static void a_ca_file_that_is_none_is_refused(void **state)
{
    struct world w;
    struct net_clients *n = NULL;
    (void)state;
    start(&w);
    assert_int_equal(net_clients_new(&w.loop, "/nonexistent", &n), CONCLAVE_EINVAL);
    assert_int_equal(net_clients_new(&w.loop, w.key, &n), CONCLAVE_EINVAL);
    stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_size_come_back_whole),
        cmocka_unit_test(messages_keep_their_order),
        cmocka_unit_test(closing_sends_first_what_is_queued),
        cmocka_unit_test(what_was_sent_before_closing_arrives_while_the_server_talks),
        cmocka_unit_test(a_closed_connection_can_be_opened_again),
        cmocka_unit_test(closing_while_connecting_ends_it),
        cmocka_unit_test(a_server_that_is_not_there_is_told_from_the_loop),
        cmocka_unit_test(a_server_of_another_subprotocol_is_not_opened),
        cmocka_unit_test(a_message_over_the_limit_ends_the_connection),
        cmocka_unit_test(a_server_that_does_not_read_fills_no_memory),
        cmocka_unit_test(freeing_an_open_connection_ends_it_without_a_word),
        cmocka_unit_test(freeing_while_connecting_ends_it_without_a_word),
        cmocka_unit_test(without_tls_only_this_machine_can_be_reached),
        cmocka_unit_test(tls_with_a_trusted_certificate_opens),
        cmocka_unit_test(a_certificate_nobody_vouches_for_is_refused),
        cmocka_unit_test(a_certificate_for_another_name_is_refused),
        cmocka_unit_test(a_server_without_aes_256_gcm_is_refused),
        cmocka_unit_test(a_ca_file_that_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
