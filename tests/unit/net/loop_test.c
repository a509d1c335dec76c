/* Time, timers, signals, work; and who counts as one address. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/address.h"
#include "net/clock.h"
#include "net/loop.h"
#include "support/random.h"

/* ---- The clock ---- */

static void a_clock_set_forward_is_followed(void **state)
{
    (void)state;
    struct net_clock c = {0};
    assert_int_equal(net_clock_advance(&c, 500, 1000000), 1000000);
    assert_int_equal(net_clock_advance(&c, 600, 1000100), 1000100);
    assert_int_equal(net_clock_advance(&c, 700, 9000000), 9000000);
}

static void a_clock_set_back_is_waited_for_at_half_speed(void **state)
{
    (void)state;
    struct net_clock c = {0};
    assert_int_equal(net_clock_advance(&c, 0, 10000000), 10000000);
    assert_int_equal(net_clock_advance(&c, 1000000, 9000000), 10500000);
    assert_int_equal(net_clock_advance(&c, 2000000, 10000000), 11000000);
    assert_int_equal(net_clock_advance(&c, 4000000, 12000000), 12000000);
    assert_int_equal(net_clock_advance(&c, 5000000, 13000000), 13000000);
}

static void time_never_goes_back(void **state)
{
    (void)state;
    struct net_clock c = {0};
    struct random r = {1};
    uint64_t monotonic = 0, last = 0;
    for (int i = 0; i < 10000; i++) {
        monotonic += random_below(&r, 1000000);
        uint64_t now = net_clock_advance(&c, monotonic, random_below(&r, UINT64_C(1) << 40));
        assert_true(now >= last);
        last = now;
    }
    assert_true(net_clock_now(&c) >= last);
}

/* ---- The loop ---- */

struct world {
    struct net_loop *loop;
    struct net_timer *timer, *other;
    char order[16];
    size_t n;
    uint64_t due, fired;
    bool ran;
};

static void put(struct world *w, char c)
{
    w->order[w->n++] = c;
}

static void end(void *ctx)
{
    struct world *w = ctx;
    put(w, 'e');
    w->fired = net_loop_now(w->loop);
    net_loop_stop(w->loop);
}

static void middle(void *ctx)
{
    put(ctx, 'm');
}

static int setup(void **state)
{
    static struct world w;
    w = (struct world){0};
    assert_int_equal(net_loop_new(&w.loop), 0);
    assert_int_equal(net_timer_new(w.loop, end, &w, &w.timer), 0);
    assert_int_equal(net_timer_new(w.loop, middle, &w, &w.other), 0);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    net_timer_free(w->timer);
    net_timer_free(w->other);
    net_timer_free(NULL);
    net_loop_free(w->loop);
    net_loop_free(NULL);
    return 0;
}

static void timers_fire_in_order_and_not_before_their_time(void **state)
{
    struct world *w = *state;
    w->due = net_loop_now(w->loop) + 30000;
    net_timer_set(w->timer, w->due);
    net_timer_set(w->other, w->due - 20000);
    net_loop_run(w->loop);
    assert_string_equal(w->order, "me");
    assert_true(w->fired >= w->due);
}

static void a_timer_in_the_past_fires_soon(void **state)
{
    struct world *w = *state;
    net_timer_set(w->timer, 1);
    net_loop_run(w->loop);
    assert_string_equal(w->order, "e");
}

static void a_timer_is_set_anew_or_off(void **state)
{
    struct world *w = *state;
    uint64_t now = net_loop_now(w->loop);
    net_timer_set(w->other, now + 1000);
    net_timer_set(w->other, UINT64_MAX);
    net_timer_set(w->timer, now + UINT64_C(3600) * 1000000);
    net_timer_set(w->timer, now + 20000);
    net_loop_run(w->loop);
    assert_string_equal(w->order, "e");
}

static void be_late(struct world *w, struct net_timer *t)
{
    (void)usleep(2000);
    if (++w->n < 100)
        net_timer_set(t, 1);
    else
        net_loop_stop(w->loop);
}

static void late(void *ctx)
{
    struct world *w = ctx;
    be_late(w, w->timer);
}

static void late_too(void *ctx)
{
    struct world *w = ctx;
    be_late(w, w->other);
}

static void heard(void *ctx)
{
    struct world *w = ctx;
    w->ran = true;
    net_loop_stop(w->loop);
}

/* As with a machine too slow for what is to be done by the clock. */
static void timers_that_are_always_late_leave_time_for_descriptors(void **state)
{
    struct world *w = *state;
    struct net_timer *timers[2] = {0};
    struct net_watch *watch = NULL;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(net_watch_new(w->loop, ends[0], heard, w, &watch), 0);
    assert_int_equal(net_timer_new(w->loop, late, w, &timers[0]), 0);
    assert_int_equal(net_timer_new(w->loop, late_too, w, &timers[1]), 0);
    net_timer_free(w->timer);
    net_timer_free(w->other);
    w->timer = timers[0];
    w->other = timers[1];
    net_timer_set(w->timer, 1);
    net_timer_set(w->other, 1);
    net_loop_run(w->loop);
    assert_true(w->ran);
    net_watch_free(watch);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

static void caught(void *ctx, int signum)
{
    struct world *w = ctx;
    put(w, signum == SIGUSR1 ? '1' : '2');
    if (signum == SIGUSR1)
        (void)raise(SIGUSR2);
    else
        net_loop_stop(w->loop);
}

static void signals_are_told_by_the_loop(void **state)
{
    struct world *w = *state;
    assert_int_equal(net_loop_signal(w->loop, SIGUSR1, caught, w), 0);
    assert_int_equal(net_loop_signal(w->loop, SIGUSR2, caught, w), 0);
    assert_int_equal(net_loop_signal(w->loop, SIGKILL, caught, w), CONCLAVE_EINVAL);
    (void)raise(SIGUSR1);
    net_loop_run(w->loop);
    assert_string_equal(w->order, "12");
}

static void run(void *ctx)
{
    struct world *w = ctx;
    w->ran = true;
}

static void done(void *ctx)
{
    struct world *w = ctx;
    assert_true(w->ran);
    put(w, 'd');
}

static void work_is_run_and_then_done(void **state)
{
    struct world *w = *state;
    assert_int_equal(net_loop_work(w->loop, run, done, w), 0);
    assert_int_equal(net_loop_working(w->loop), 1);
    net_loop_finish(w->loop);
    assert_int_equal(net_loop_working(w->loop), 0);
    assert_string_equal(w->order, "d");
}

/* ---- Addresses ---- */

static struct net_address address(const char *text, const char *expected)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct net_address a;
    char said[NET_ADDRESS_TEXT];
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        net_address_of((struct sockaddr *)&v4, &a, said);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
        net_address_of((struct sockaddr *)&v6, &a, said);
    }
    assert_string_equal(said, expected);
    return a;
}

static void a_network_of_ipv6_counts_as_one(void **state)
{
    (void)state;
    struct net_address a = address("2001:db8::1", "2001:db8::1"),
                       b = address("2001:db8::ffff:1", "2001:db8::ffff:1"),
                       c = address("2001:db8:0:1::1", "2001:db8:0:1::1"),
                       d = address("192.0.2.1", "192.0.2.1"),
                       e = address("::ffff:192.0.2.1", "192.0.2.1"),
                       f = address("192.0.2.2", "192.0.2.2");
    assert_memory_equal(&a, &b, sizeof a);
    assert_memory_not_equal(&a, &c, sizeof a);
    assert_memory_equal(&d, &e, sizeof d);
    assert_memory_not_equal(&d, &f, sizeof d);
}

static void other_families_have_no_address(void **state)
{
    (void)state;
    const struct sockaddr none = {.sa_family = AF_UNIX};
    struct net_address a, zero = {{0}};
    char said[NET_ADDRESS_TEXT];
    net_address_of(&none, &a, said);
    assert_string_equal(said, "");
    assert_memory_equal(&a, &zero, sizeof a);
}

static void an_address_has_its_limit(void **state)
{
    (void)state;
    struct net_addresses *t;
    struct net_address a = address("192.0.2.1", "192.0.2.1"), b = address("::1", "::1");
    assert_int_equal(net_addresses_new(2, &t), 0);
    assert_true(net_addresses_add(t, &a, 2));
    assert_true(net_addresses_add(t, &a, 2));
    assert_false(net_addresses_add(t, &a, 2));
    assert_int_equal(net_addresses_count(t, &a), 2);
    assert_true(net_addresses_add(t, &b, 2));
    net_addresses_remove(t, &a);
    assert_true(net_addresses_add(t, &a, 2));
    net_addresses_remove(t, &b);
    net_addresses_remove(t, &b); /* was not there: nothing happens */
    assert_int_equal(net_addresses_count(t, &b), 0);
    net_addresses_free(t);
    net_addresses_free(NULL);
}

static void a_full_table_takes_no_new_address(void **state)
{
    (void)state;
    struct net_addresses *t;
    struct net_address a = address("192.0.2.1", "192.0.2.1"), b = address("::1", "::1");
    assert_int_equal(net_addresses_new(1, &t), 0);
    assert_true(net_addresses_add(t, &a, 9));
    assert_false(net_addresses_add(t, &b, 9));
    assert_true(net_addresses_add(t, &a, 9));
    net_addresses_free(t);
}

/* Against a plain array. */
static void counts_hold_over_many_comings_and_goings(void **state)
{
    (void)state;
    enum { ADDRESSES = 200, ROUNDS = 20000, LIMIT = 5 };
    struct net_addresses *t;
    struct net_address a[ADDRESSES];
    uint32_t count[ADDRESSES] = {0};
    struct random r = {3};
    assert_int_equal(net_addresses_new(ADDRESSES, &t), 0);
    for (int i = 0; i < ADDRESSES; i++)
        random_fill(&r, a[i].p, sizeof a[i].p);
    for (int round = 0; round < ROUNDS; round++) {
        size_t i = random_below(&r, ADDRESSES);
        if (random_chance(&r, 55)) {
            assert_int_equal(net_addresses_add(t, &a[i], LIMIT), count[i] < LIMIT);
            count[i] += count[i] < LIMIT;
        } else if (count[i] != 0) {
            net_addresses_remove(t, &a[i]);
            count[i]--;
        }
        size_t other = random_below(&r, ADDRESSES);
        assert_int_equal(net_addresses_count(t, &a[other]), count[other]);
    }
    net_addresses_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_set_forward_is_followed),
        cmocka_unit_test(a_clock_set_back_is_waited_for_at_half_speed),
        cmocka_unit_test(time_never_goes_back),
        cmocka_unit_test_setup_teardown(timers_fire_in_order_and_not_before_their_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_timer_in_the_past_fires_soon, setup, teardown),
        cmocka_unit_test_setup_teardown(timers_that_are_always_late_leave_time_for_descriptors,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_timer_is_set_anew_or_off, setup, teardown),
        cmocka_unit_test_setup_teardown(signals_are_told_by_the_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(work_is_run_and_then_done, setup, teardown),
        cmocka_unit_test(a_network_of_ipv6_counts_as_one),
        cmocka_unit_test(other_families_have_no_address),
        cmocka_unit_test(an_address_has_its_limit),
        cmocka_unit_test(a_full_table_takes_no_new_address),
        cmocka_unit_test(counts_hold_over_many_comings_and_goings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
