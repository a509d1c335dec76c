/* Threads around switches: a meeting lives on one of them, its members are answered on the control
 * thread, datagrams go through, and who is gone is gone there, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include "cmd/conclaved_media.h"
#include "support/alloc_fail.h"
#include "unit/cmd/fake_sfu.h"

#define CONNS 8
#define PATIENCE_US UINT64_C(10000000)

struct fixture {
    struct net_loop *loop;
    struct net_timer *timer;
    struct media *media;
    uint16_t port[CONNS]; /* a connection was told to send to */
    unsigned said, wanted;
    uint64_t epoch; /* of every meeting; 0: not known */
};

static void say(void *ctx, uint64_t conn, struct bytes body)
{
    struct fixture *f = ctx;
    struct signal_media m;
    struct signal_candidate candidate;
    assert_in_range(conn, 0, CONNS - 1);
    assert_int_equal(signal_media_read(body, &m), 0);
    if (m.kind == SIGNAL_MEDIA_ANSWER && signal_next_candidate(&m.list, &candidate))
        f->port[conn] = candidate.port;
    if (++f->said == f->wanted)
        net_loop_stop(f->loop);
}

static bool epoch_of(void *ctx, const char *number, uint64_t *out_epoch, uint32_t *out_leaves)
{
    const struct fixture *f = ctx;
    (void)number;
    *out_epoch = f->epoch;
    *out_leaves = 4;
    return f->epoch != 0;
}

static void too_late(void *ctx)
{
    struct fixture *f = ctx;
    net_loop_stop(f->loop);
}

static const struct media_address here = {{127, 0, 0, 1}, 4};

static struct media_config config_of(struct fixture *f)
{
    return (struct media_config){.loop = f->loop,
                                 .workers = 2,
                                 .udp = {.loopback = true},
                                 .addresses = &here,
                                 .n_addresses = 1,
                                 .ctx = f,
                                 .say = say,
                                 .epoch = epoch_of};
}

static int open_media(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(net_loop_new(&f->loop), 0);
    assert_int_equal(net_timer_new(f->loop, too_late, f, &f->timer), 0);
    f->epoch = 77;
    const struct media_config config = config_of(f);
    assert_int_equal(media_new(&config, &f->media), 0);
    *state = f;
    return 0;
}

static int close_media(void **state)
{
    struct fixture *f = *state;
    media_free(f->media);
    media_free(NULL);
    net_timer_free(f->timer);
    net_loop_free(f->loop);
    free(f);
    return 0;
}

static struct buf open_body(void)
{
    static const uint8_t fingerprint[SIGNAL_FINGERPRINT] = {1};
    struct buf body = {0};
    const struct signal_media m = {.kind = SIGNAL_MEDIA_OPEN,
                                   .ufrag = bytes_str("abcd"),
                                   .pwd = bytes_str("0123456789012345678901"),
                                   .fingerprint = bytes_of(fingerprint, sizeof fingerprint),
                                   .roles = SIGNAL_SENDS};
    assert_int_equal(signal_media_write(&m, &body), 0);
    return body;
}

static void opens(struct fixture *f, const char *number, uint64_t conn)
{
    struct buf body = open_body();
    assert_int_equal(media_hear(f->media, number, conn, (uint32_t)conn, buf_view(&body)), 0);
    buf_free(&body);
}

/* Until so many messages have been said. */
static void run(struct fixture *f, unsigned wanted)
{
    f->wanted = wanted;
    net_timer_set(f->timer, net_loop_now(f->loop) + PATIENCE_US);
    if (f->said < wanted)
        net_loop_run(f->loop);
    assert_int_equal(f->said, wanted);
}

/* Until all workers together have these. */
static void await(struct fixture *f, uint32_t meetings, uint32_t peers)
{
    struct media_worker_stats s;
    uint32_t has_meetings = UINT32_MAX, has_peers = UINT32_MAX;
    for (unsigned tries = 0; tries < 2000; tries++) {
        has_meetings = has_peers = 0;
        for (unsigned i = 0; i < media_workers(f->media); i++) {
            media_worker_stats(media_worker(f->media, i), &s);
            has_meetings += s.sfu.meetings;
            has_peers += s.sfu.peers;
        }
        if (has_meetings == meetings && has_peers == peers)
            return;
        (void)usleep(5000);
    }
    assert_int_equal(has_meetings, meetings);
    assert_int_equal(has_peers, peers);
}

/* ---- Tests ---- */

static void a_meeting_lives_on_one_worker(void **state)
{
    struct fixture *f = *state;
    struct media_counters c;
    opens(f, "1000000001", 0);
    opens(f, "1000000001", 1);
    opens(f, "1000000002", 2);
    opens(f, "1000000001", 3);
    opens(f, "1000000002", 4);
    run(f, 5);
    assert_int_equal(f->port[0], f->port[1]);
    assert_int_equal(f->port[0], f->port[3]);
    assert_int_equal(f->port[2], f->port[4]);
    assert_int_not_equal(f->port[0], f->port[2]); /* the other worker had nobody */
    media_counters(f->media, &c);
    assert_int_equal(c.meetings, 2);
    assert_int_equal(c.members, 5);
    assert_int_equal(c.unheard, 0);
    await(f, 2, 5);
}

static void who_is_gone_is_gone_on_the_worker(void **state)
{
    struct fixture *f = *state;
    struct media_counters c;
    opens(f, "1000000001", 0);
    opens(f, "1000000001", 1);
    opens(f, "1000000002", 2);
    run(f, 3);
    media_gone(f->media, 0);
    media_gone(f->media, 0);
    media_gone(f->media, 7); /* who was never there */
    await(f, 2, 2);
    media_gone(f->media, 1); /* the last of its meeting */
    await(f, 1, 1);
    media_counters(f->media, &c);
    assert_int_equal(c.meetings, 1);
    assert_int_equal(c.members, 1);
    opens(f, "1000000001", 0); /* and it begins again */
    run(f, 4);
    await(f, 2, 2);
}

static uint64_t packets_of(const struct fixture *f, const char *number)
{
    struct sfu_meeting_stats s;
    assert_int_equal(media_meeting_stats(f->media, number, &s), 0);
    return s.counters.packets_in; /* of the stand-in: another for each meeting */
}

static void each_meeting_has_numbers_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct sfu_meeting_stats s;
    static const char *const numbers[] = {"1000000001", "1000000002", "1000000003"};
    for (uint64_t i = 0; i < 3; i++)
        opens(f, numbers[i], i); /* so one worker has two of them */
    run(f, 3);
    await(f, 3, 3);
    uint64_t first = packets_of(f, numbers[0]);
    for (uint64_t i = 1; i < 3; i++)
        assert_int_equal(packets_of(f, numbers[i]), first + i);
    assert_int_equal(media_meeting_stats(f->media, "1000000009", &s), CONCLAVE_ENOTFOUND);
    media_gone(f->media, 0);
    assert_int_equal(media_meeting_stats(f->media, numbers[0], &s), CONCLAVE_ENOTFOUND);
    await(f, 2, 2);
    assert_int_equal(packets_of(f, numbers[2]), first + 2);
}

static bool some_worker_has_epoch(struct fixture *f, uint64_t epoch)
{
    struct media_worker_stats s;
    for (unsigned tries = 0; tries < 2000; tries++) {
        for (unsigned i = 0; i < media_workers(f->media); i++) {
            media_worker_stats(media_worker(f->media, i), &s);
            if (s.sfu.memory == epoch)
                return true;
        }
        (void)usleep(5000);
    }
    return false;
}

static void the_switch_knows_the_epoch_from_the_first(void **state)
{
    struct fixture *f = *state;
    opens(f, "1000000001", 0);
    run(f, 1);
    assert_true(some_worker_has_epoch(f, 77));
    media_epoch(f->media, "1000000009", 99, 4); /* without media */
    media_epoch(f->media, "1000000001", 78, 4);
    assert_true(some_worker_has_epoch(f, 78));
}

struct echo {
    uint8_t p[FAKE_DATAGRAM];
    size_t n;
};

static void keep(void *ctx, uint8_t *p, size_t n, const struct net_udp_address *from)
{
    struct echo *e = ctx;
    (void)from;
    memcpy(e->p, p, n);
    e->n = n;
}

static void datagrams_go_in_and_out(void **state)
{
    static const uint8_t text[] = "through the switch";
    struct fixture *f = *state;
    struct net_udp *u;
    struct echo echo = {.n = 0};
    const struct net_udp_config config = {.loopback = true};
    const struct net_udp_sink sink = {&echo, keep};
    assert_int_equal(net_udp_open(&config, &u), 0);
    struct net_udp_group g = {.p = text, .n = sizeof text, .segment = sizeof text};
    for (unsigned i = 0; i < 2 * media_workers(f->media); i++) {
        g.to = (struct net_udp_address){.family = i % 2 == 0 ? NET_UDP_IPV4 : NET_UDP_IPV6,
                                        .port = media_worker_port(media_worker(f->media, i / 2))};
        memcpy(g.to.ip, i % 2 == 0 ? here.ip : (const uint8_t[16]){[15] = 1}, 16);
        if (!net_udp_has(u, (enum net_udp_family)g.to.family))
            continue;
        echo.n = 0;
        net_udp_send(u, &g, 1);
        for (unsigned tries = 0; echo.n == 0 && tries < 100; tries++) {
            (void)net_udp_wait(u, -1, 100000);
            (void)net_udp_receive(u, &sink);
        }
        assert_int_equal(echo.n, sizeof text);
        assert_memory_equal(echo.p, text, sizeof text);
    }
    net_udp_free(u);
}

static void ports_that_cannot_be_had_are_an_error(void **state)
{
    struct fixture *f = *state;
    struct media_config config = config_of(f);
    struct media *m = NULL;
    config.udp.port = media_worker_port(media_worker(f->media, 0));
    assert_int_equal(media_new(&config, &m), CONCLAVE_EINVAL);
    assert_int_equal(errno, EADDRINUSE);
    config.udp.port = UINT16_MAX; /* there is no port for the second */
    assert_int_equal(media_new(&config, &m), CONCLAVE_EINVAL);
    config = config_of(f);
    config.workers = MEDIA_WORKERS + 1;
    assert_int_equal(media_new(&config, &m), CONCLAVE_EINVAL);
    config = config_of(f);
    config.n_addresses = 0;
    assert_int_equal(media_new(&config, &m), CONCLAVE_EINVAL);
    assert_null(m);
}

static void there_is_a_worker_for_each_core_unless_told(void **state)
{
    struct fixture *f = *state;
    struct media_config config = config_of(f);
    struct media *m;
    config.workers = 0;
    assert_int_equal(media_new(&config, &m), 0);
    assert_in_range(media_workers(m), 1, MEDIA_WORKERS);
    media_free(m);
    assert_int_equal(media_workers(f->media), 2);
}

static void what_waits_at_the_end_is_given_back(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < CONNS; i++)
        opens(f, i % 2 == 0 ? "1000000001" : "1000000002", i);
    /* nobody has run the loop: answers, and maybe commands, are under way */
}

static int start_and_end(void *ctx)
{
    struct fixture *f = ctx;
    const struct media_config config = config_of(f);
    struct media *m;
    int rv = media_new(&config, &m);
    if (rv == 0)
        media_free(m);
    return rv;
}

static void without_memory_nothing_is_started(void **state)
{
    assert_in_range(alloc_sweep(start_and_end, *state), 10, 200);
}

static void without_memory_a_member_is_not_heard_and_nothing_is_left(void **state)
{
    struct fixture *f = *state;
    struct buf body = open_body();
    struct media_counters c;
    for (unsigned i = 0; i < 6; i++) { /* a message, a member and what it ends with; its meeting */
        alloc_fail_after(i);
        int rv = media_hear(f->media, "1000000001", 0, 0, buf_view(&body));
        alloc_fail_off();
        assert_int_equal(rv, CONCLAVE_ENOMEM);
        media_counters(f->media, &c);
        assert_int_equal(c.meetings + c.members, 0);
    }
    buf_free(&body);
    opens(f, "1000000001", 0);
    run(f, 1);
    await(f, 1, 1);
}

static void unprotected_media_are_taken_on_loopback_only(void **state)
{
    struct media_worker_config config = {
        .udp = {.loopback = true}, .addresses = &here, .n_addresses = 1, .plain_ingest = true};
    struct media_worker *w = NULL;
    (void)state;
    assert_int_equal(media_worker_new(&config, &w), 0);
    media_worker_free(w);
    w = NULL;
    config.udp.loopback = false;
    assert_int_equal(media_worker_new(&config, &w), CONCLAVE_EINVAL);
    assert_null(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_media, close_media)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_meeting_lives_on_one_worker),
        TEST(who_is_gone_is_gone_on_the_worker),
        TEST(the_switch_knows_the_epoch_from_the_first),
        TEST(datagrams_go_in_and_out),
        TEST(ports_that_cannot_be_had_are_an_error),
        TEST(there_is_a_worker_for_each_core_unless_told),
        TEST(each_meeting_has_numbers_of_its_own),
        cmocka_unit_test(unprotected_media_are_taken_on_loopback_only),
        TEST(what_waits_at_the_end_is_given_back),
        TEST(without_memory_nothing_is_started),
        TEST(without_memory_a_member_is_not_heard_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
