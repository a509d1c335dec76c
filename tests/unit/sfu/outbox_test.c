/* The outbox: packets come out in order and in groups the kernel can cut, room is kept for what
 * matters more, and who is gone is sent nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/outbox.h"
#include "support/alloc_fail.h"
#include "support/random.h"

static struct sfu_lane lane_to(uint16_t port)
{
    return (struct sfu_lane){.to = {.family = RTC_IPV4, .ip = {127, 0, 0, 1}, .port = port}};
}

static bool put(struct sfu_outbox *o, struct sfu_lane *lane, uint8_t what, size_t n,
                enum sfu_importance importance)
{
    uint8_t *p = sfu_outbox_reserve(o, lane, n, importance);

    if (p == NULL)
        return false;
    memset(p, what, n);
    sfu_outbox_commit(o, lane, n);
    return true;
}

static struct sfu_outbox outbox(void)
{
    struct sfu_outbox o;

    assert_int_equal(sfu_outbox_init(&o), 0);
    return o;
}

static void equal_packets_to_one_receiver_are_one_group(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane a = lane_to(1);
    struct sfu_group g[4];

    (void)state;
    for (uint8_t i = 0; i < 4; i++)
        assert_true(put(&o, &a, i, i == 3 ? 50 : 100, SFU_OF_VIDEO));
    assert_true(put(&o, &a, 4, 50, SFU_OF_VIDEO)); /* the short one ended the group */
    assert_true(put(&o, &a, 5, 60, SFU_OF_VIDEO)); /* a longer one cannot follow either */
    assert_int_equal(sfu_outbox_give(&o, g, 4), 3);
    assert_int_equal(g[0].count, 4);
    assert_int_equal(g[0].segment, 100);
    assert_int_equal(g[0].n, 350);
    assert_int_equal(g[0].p[299], 2);
    assert_int_equal(g[0].p[349], 3);
    assert_int_equal(g[1].count, 1);
    assert_int_equal(g[2].segment, 60);
    sfu_outbox_fini(&o);
}

static void a_group_holds_no_more_than_the_kernel_takes(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane a = lane_to(1);
    struct sfu_group g[4];

    (void)state;
    for (unsigned i = 0; i < SFU_SEGMENTS + 1; i++)
        assert_true(put(&o, &a, 1, 20, SFU_OF_AUDIO));
    assert_int_equal(sfu_outbox_give(&o, g, 4), 2);
    assert_int_equal(g[0].count, SFU_SEGMENTS);
    assert_int_equal(g[1].count, 1);
    sfu_outbox_fini(&o);
}

/* What was handed out stays as it is until it is said to be sent. */
static void what_is_being_sent_does_not_grow(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane a = lane_to(1);
    struct sfu_group g[4];

    (void)state;
    assert_true(put(&o, &a, 1, 100, SFU_OF_VIDEO));
    assert_int_equal(sfu_outbox_give(&o, g, 4), 1);
    assert_true(put(&o, &a, 2, 100, SFU_OF_VIDEO));
    assert_int_equal(sfu_outbox_give(&o, g, 4), 2);
    assert_int_equal(g[0].count, 1);
    sfu_outbox_sent(&o, 1);
    assert_int_equal(sfu_outbox_give(&o, g, 4), 1);
    assert_int_equal(g[0].p[0], 2);
    sfu_outbox_sent(&o, 9); /* more than there are */
    assert_int_equal(sfu_outbox_give(&o, g, 4), 0);
    assert_int_equal(o.n_free, SFU_BLOCKS);
    sfu_outbox_fini(&o);
}

static void after_a_move_what_waits_still_goes_to_the_old_address(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane a = lane_to(1);
    struct sfu_lane there = lane_to(2);
    struct sfu_group g[4];

    (void)state;
    assert_true(put(&o, &a, 1, 100, SFU_OF_VIDEO));
    sfu_outbox_move(&a, &there.to);
    assert_true(put(&o, &a, 2, 100, SFU_OF_VIDEO));
    assert_int_equal(sfu_outbox_give(&o, g, 4), 2);
    assert_int_equal(g[0].to.port, 1);
    assert_int_equal(g[1].to.port, 2);
    sfu_outbox_fini(&o);
}

static void who_is_closed_is_sent_nothing(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane a = lane_to(1);
    struct sfu_lane b = lane_to(2);
    struct sfu_group g[4];

    (void)state;
    assert_true(put(&o, &a, 1, 100, SFU_OF_VIDEO));
    assert_true(put(&o, &b, 2, 100, SFU_OF_VIDEO));
    assert_true(put(&o, &a, 3, 100, SFU_OF_VIDEO));
    assert_int_equal(sfu_outbox_give(&o, g, 4), 2);
    sfu_outbox_close(&o, &a);
    assert_int_equal(sfu_outbox_give(&o, g, 4), 2);
    assert_int_equal(g[0].count, 0);
    assert_int_equal(g[0].n, 0);
    assert_int_equal(g[1].count, 1);
    sfu_outbox_sent(&o, 2);
    assert_int_equal(o.n_free, SFU_BLOCKS);
    sfu_outbox_fini(&o);
}

static void a_packet_of_which_nothing_came_leaves_no_trace(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane a = lane_to(1);
    struct sfu_group g[4];

    (void)state;
    assert_non_null(sfu_outbox_reserve(&o, &a, 100, SFU_OF_VIDEO));
    sfu_outbox_commit(&o, &a, 0);
    assert_int_equal(sfu_outbox_give(&o, g, 4), 0);
    assert_int_equal(o.n_free, SFU_BLOCKS);
    assert_null(sfu_outbox_reserve(&o, &a, SFU_BLOCK + 1, SFU_OF_CONTROL));
    sfu_outbox_fini(&o);
}

/* Blocks run out: pictures stop first, then sound, and control goes on to the last. */
static void room_is_kept_for_what_matters_more(void **state)
{
    static struct sfu_lane lanes[SFU_BLOCKS];
    static const size_t left[] = {SFU_BLOCKS_VIDEO_LEFT, SFU_BLOCKS_AUDIO_LEFT, 0};
    struct sfu_outbox o = outbox();
    struct sfu_group g;
    size_t used = 0;

    (void)state;
    for (int importance = SFU_OF_VIDEO; importance <= SFU_OF_CONTROL; importance++) {
        while (used < SFU_BLOCKS) {
            lanes[used] = lane_to((uint16_t)used);
            if (!put(&o, &lanes[used], 1, 100, (enum sfu_importance)importance))
                break;
            used++;
        }
        assert_int_equal(SFU_BLOCKS - used, left[importance]);
    }
    assert_true(put(&o, &lanes[0], 1, 100, SFU_OF_VIDEO)); /* into a block that is there */
    while (sfu_outbox_give(&o, &g, 1) != 0)
        sfu_outbox_sent(&o, 1);
    assert_int_equal(o.n_free, SFU_BLOCKS);
    assert_int_equal(o.least_free, 0);
    sfu_outbox_fini(&o);
}

static void groups_are_bounded(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane a = lane_to(1);
    struct sfu_group g;
    size_t n = 0;

    (void)state;
    /* each longer than the last: a group of its own */
    while (put(&o, &a, 1, 1 + n % 2, SFU_OF_CONTROL))
        n++;
    assert_int_equal(o.next - o.first, SFU_GROUPS);
    assert_int_equal(sfu_outbox_give(&o, &g, 1), 1);
    sfu_outbox_sent(&o, 1);
    assert_true(put(&o, &a, 1, 2, SFU_OF_CONTROL));
    sfu_outbox_fini(&o);
}

#define LANES 40

struct wire {
    uint32_t sent[LANES], came[LANES];
};

static void take_some(struct sfu_outbox *o, struct wire *w, size_t most)
{
    struct sfu_group g[8];
    size_t n = sfu_outbox_give(o, g, most);

    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        for (unsigned k = 0; k < g[i].count; k++) {
            uint32_t number;
            memcpy(&number, g[i].p + at, sizeof number);
            assert_int_equal(number, w->came[g[i].to.port]++);
            at += k + 1u < g[i].count ? g[i].segment : g[i].n - at;
        }
        assert_int_equal(at, g[i].n);
    }
    sfu_outbox_sent(o, n);
}

/* Each receiver gets everything once and in order, however packets, sizes and sending mix. */
static void each_receiver_gets_everything_in_order(void **state)
{
    struct sfu_outbox o = outbox();
    struct sfu_lane lanes[LANES];
    struct wire w = {{0}, {0}};
    struct random random = {12};

    (void)state;
    for (uint16_t i = 0; i < LANES; i++)
        lanes[i] = lane_to(i);
    for (int i = 0; i < 60000; i++) {
        size_t k = random_below(&random, LANES);
        size_t n = 4 + (random_chance(&random, 70) ? 1196 : random_below(&random, 1400));
        uint8_t *p = sfu_outbox_reserve(&o, &lanes[k], n + 40, SFU_OF_VIDEO);
        if (p != NULL) {
            memcpy(p, &w.sent[k], sizeof w.sent[k]);
            w.sent[k]++;
            sfu_outbox_commit(&o, &lanes[k], n);
        }
        if (random_chance(&random, 20))
            take_some(&o, &w, 1 + random_below(&random, 8));
    }
    while (o.first != o.next)
        take_some(&o, &w, 8);
    assert_memory_equal(w.sent, w.came, sizeof w.sent);
    assert_int_equal(o.n_free, SFU_BLOCKS);
    sfu_outbox_fini(&o);
}

static int make(void *ctx)
{
    struct sfu_outbox o;
    int rv = sfu_outbox_init(&o);

    (void)ctx;
    if (rv == 0)
        sfu_outbox_fini(&o);
    return rv;
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    assert_int_equal(alloc_sweep(make, NULL), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_packets_to_one_receiver_are_one_group),
        cmocka_unit_test(a_group_holds_no_more_than_the_kernel_takes),
        cmocka_unit_test(what_is_being_sent_does_not_grow),
        cmocka_unit_test(after_a_move_what_waits_still_goes_to_the_old_address),
        cmocka_unit_test(who_is_closed_is_sent_nothing),
        cmocka_unit_test(a_packet_of_which_nothing_came_leaves_no_trace),
        cmocka_unit_test(room_is_kept_for_what_matters_more),
        cmocka_unit_test(groups_are_bounded),
        cmocka_unit_test(each_receiver_gets_everything_in_order),
        cmocka_unit_test(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
