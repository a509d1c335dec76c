/* Messages between threads: none is lost, none comes twice, each sender's come in order; and
 * whoever waits is woken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>

#include "net/channel.h"
#include "net/loop.h"
#include "support/alloc_fail.h"

#define SENDERS 3
#define EACH 20000
#define MOST 100

struct note {
    struct net_message message; /* first */
    unsigned sender, number;
};

static bool is_readable(const struct net_channel *c)
{
    struct pollfd fd = {.fd = net_channel_fd(c), .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void what_is_put_is_taken_in_order(void **state)
{
    struct net_channel *c;
    struct note notes[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
    (void)state;
    assert_int_equal(net_channel_new(MOST, &c), 0);
    assert_null(net_channel_take(c));
    assert_false(is_readable(c));
    for (size_t i = 0; i < 3; i++)
        assert_true(net_channel_put(c, &notes[i].message, false));
    assert_true(is_readable(c));
    struct net_message *m = net_channel_take(c);
    for (unsigned i = 0; i < 3; i++, m = m->next)
        assert_int_equal(((struct note *)m)->number, i);
    assert_null(m);
    assert_false(is_readable(c));
    assert_null(net_channel_take(c));
    assert_true(net_channel_put(c, &notes[0].message, false));
    assert_true(is_readable(c));
    assert_ptr_equal(net_channel_take(c), &notes[0]);
    net_channel_free(c);
    net_channel_free(NULL);
}

static void a_full_channel_takes_only_what_must_pass(void **state)
{
    struct net_channel *c;
    struct note notes[4];
    (void)state;
    assert_int_equal(net_channel_new(2, &c), 0);
    assert_true(net_channel_put(c, &notes[0].message, false));
    assert_true(net_channel_put(c, &notes[1].message, false));
    assert_false(net_channel_put(c, &notes[2].message, false));
    assert_true(net_channel_put(c, &notes[3].message, true));
    struct net_message *m = net_channel_take(c);
    assert_ptr_equal(m->next->next, &notes[3]);
    assert_null(m->next->next->next);
    assert_true(net_channel_put(c, &notes[2].message, false));
    (void)net_channel_take(c);
    net_channel_free(c);
}

struct sender {
    struct net_channel *channel;
    unsigned number;
};

static void *send_all(void *ctx)
{
    struct sender *s = ctx;
    for (unsigned i = 0; i < EACH;) {
        struct note *note = calloc(1, sizeof *note);
        note->sender = s->number;
        note->number = i;
        if (net_channel_put(s->channel, &note->message, i % 7 == 0))
            i++;
        else
            free(note);
    }
    return NULL;
}

static void several_threads_lose_and_mix_up_nothing(void **state)
{
    struct net_channel *c;
    pthread_t threads[SENDERS];
    struct sender senders[SENDERS];
    unsigned next[SENDERS] = {0}, n = 0;
    (void)state;
    assert_int_equal(net_channel_new(MOST, &c), 0);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){c, i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_all, &senders[i]), 0);
    }
    while (n < SENDERS * EACH) {
        struct pollfd fd = {.fd = net_channel_fd(c), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 10000), 1); /* who waits is woken */
        for (struct net_message *m = net_channel_take(c); m != NULL; n++) {
            struct note *note = (struct note *)m;
            m = m->next;
            assert_int_equal(note->number, next[note->sender]);
            next[note->sender]++;
            free(note);
        }
    }
    for (unsigned i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_null(net_channel_take(c));
    net_channel_free(c);
}

/* ---- By the loop ---- */

struct watcher {
    struct net_loop *loop;
    struct net_channel *channel;
    unsigned n;
};

static void taken(void *ctx)
{
    struct watcher *w = ctx;
    for (struct net_message *m = net_channel_take(w->channel); m != NULL; m = m->next)
        w->n++;
    if (w->n == 2)
        net_loop_stop(w->loop);
}

static void a_loop_wakes_for_it(void **state)
{
    struct watcher w = {0};
    struct net_watch *watch;
    struct note notes[2];
    (void)state;
    assert_int_equal(net_loop_new(&w.loop), 0);
    assert_int_equal(net_channel_new(MOST, &w.channel), 0);
    alloc_fail_after(0);
    assert_int_equal(net_watch_new(w.loop, net_channel_fd(w.channel), taken, &w, &watch),
                     CONCLAVE_ENOMEM);
    alloc_fail_off();
    assert_int_equal(net_watch_new(w.loop, -1, taken, &w, &watch), CONCLAVE_EINVAL);
    assert_int_equal(net_watch_new(w.loop, net_channel_fd(w.channel), taken, &w, &watch), 0);
    assert_true(net_channel_put(w.channel, &notes[0].message, false));
    assert_true(net_channel_put(w.channel, &notes[1].message, false));
    net_loop_run(w.loop);
    assert_int_equal(w.n, 2);
    net_watch_free(watch);
    net_watch_free(NULL);
    net_loop_free(w.loop);
    net_channel_free(w.channel);
}

static void without_memory_there_is_no_channel(void **state)
{
    struct net_channel *c = NULL;
    (void)state;
    alloc_fail_after(0);
    assert_int_equal(net_channel_new(MOST, &c), CONCLAVE_ENOMEM);
    alloc_fail_off();
    assert_null(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_taken_in_order),
        cmocka_unit_test(a_full_channel_takes_only_what_must_pass),
        cmocka_unit_test(several_threads_lose_and_mix_up_nothing),
        cmocka_unit_test(a_loop_wakes_for_it),
        cmocka_unit_test(without_memory_there_is_no_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
