/* Transport feedback: a sender learns exactly what arrived and when, whatever the network did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/transport_cc.h"
#include "support/alloc_fail.h"
#include "support/random.h"

static int message_of(struct bytes data, struct transport_cc *out)
{
    struct rtcp_walk w;
    struct rtcp_packet p;
    struct rtcp_feedback f;

    assert_int_equal(rtcp_open(data, &w), 0);
    assert_true(rtcp_next(&w, &p));
    assert_int_equal(rtcp_feedback_read(&p, &f), 0);
    return transport_cc_read(&f, out);
}

/* Base 0xfffe, 26 statuses, reference 2 (128 ms), message 7. A run of 3 small deltas, a vector of
 * one-bit symbols 0 1 and twelve 0, a vector of two-bit symbols 2 0 1 0 0 0 0, a run of 2 lost. */
static const uint8_t written_by_hand[] = {
    0x8f, 205,  0,    8,    0,    0,    0,    1,    0, 0, 0, 2, /* sources 1 and 2 */
    0xff, 0xfe, 0,    26,   0,    0,    2,    7,                /* fixed part */
    0x20, 0x03, 0x90, 0x00, 0xe1, 0x00, 0x00, 0x02,             /* chunks */
    4,    0,    255,  8,    0xff, 0xf0, 1,    0,                /* deltas, one byte left over */
};

static void each_kind_of_chunk_is_read(void **state)
{
    static const int64_t deltas[26] = {[0] = 4, [1] = 0, [2] = 255, [4] = 8, [17] = -16, [19] = 1};
    static const bool received[26] = {
        [0] = true, [1] = true, [2] = true, [4] = true, [17] = true, [19] = true};
    struct transport_cc m;
    struct transport_cc_clock clock = {0};
    struct transport_cc_status s;

    (void)state;
    assert_int_equal(message_of(bytes_of(written_by_hand, sizeof written_by_hand), &m), 0);
    assert_int_equal(m.base_sequence, 0xfffe);
    assert_int_equal(m.status_count, 26);
    assert_int_equal(m.reference_time, 2);
    assert_int_equal(m.feedback_count, 7);

    int64_t time = transport_cc_reference(&clock, &m);
    assert_int_equal(time, 128000);
    struct transport_cc_walk w = transport_cc_walk_of(&m, time);
    for (unsigned i = 0; i < 26; i++) {
        assert_true(transport_cc_next(&w, &s));
        assert_int_equal(s.sequence, (uint16_t)(0xfffe + i));
        assert_int_equal(s.received, received[i]);
        time += deltas[i] * 250;
        assert_int_equal(s.time_us, received[i] ? time : 0);
    }
    assert_false(transport_cc_next(&w, &s));
}

static void each_truncation_is_refused(void **state)
{
    struct rtcp_feedback f = {.kind = RTCP_FB_TRANSPORT_CC};
    struct transport_cc m = {.status_count = 77};

    (void)state;
    for (size_t n = 0; n < sizeof written_by_hand - 12 - 1; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1);
        assert_non_null(exact);
        memcpy(exact, written_by_hand + 12, n);
        f.fci = bytes_of(exact, n);
        assert_int_equal(transport_cc_read(&f, &m), CONCLAVE_ESYNTAX);
        assert_int_equal(m.status_count, 77);
        free(exact);
    }
    f.fci = bytes_of(written_by_hand + 12, sizeof written_by_hand - 12 - 1);
    assert_int_equal(transport_cc_read(&f, &m), 0); /* nothing left over is fine too */
}

static int read_changed(size_t at, uint8_t value)
{
    uint8_t data[sizeof written_by_hand];
    struct transport_cc m;

    memcpy(data, written_by_hand, sizeof data);
    data[at] = value;
    return message_of(bytes_of(data, sizeof data), &m);
}

static void fields_that_do_not_go_together_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_changed(15, 0), CONCLAVE_ESYNTAX);    /* no status at all */
    assert_int_equal(read_changed(20, 0x60), CONCLAVE_ESYNTAX); /* a run of the reserved symbol */
    assert_int_equal(read_changed(24, 0xf1), CONCLAVE_ESYNTAX); /* the same in a vector */
    assert_int_equal(read_changed(21, 0), CONCLAVE_ESYNTAX);    /* a run of none */
    assert_int_equal(read_changed(20, 0x40), CONCLAVE_ESYNTAX); /* more deltas than there are */
    assert_int_equal(read_changed(20, 0x00), CONCLAVE_ESYNTAX); /* four bytes left over */
    assert_int_equal(read_changed(15, 255), CONCLAVE_ESYNTAX);  /* more statuses than chunks */
}

static void another_kind_of_feedback_says_so(void **state)
{
    struct rtcp_feedback f = {.kind = RTCP_FB_PLI};
    struct transport_cc m;

    (void)state;
    assert_int_equal(transport_cc_read(&f, &m), CONCLAVE_EINVAL);
}

static void the_longest_run_is_walked_in_bounded_time(void **state)
{
    /* 65,535 statuses in eight chunks and a rest */
    uint8_t data[20 + 18 + 2] = {0x8f, 205, 0, 9, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0xff, 0xff};
    struct transport_cc m;
    struct transport_cc_status s;
    unsigned n = 0;

    (void)state;
    for (size_t i = 20; i < 38; i += 2) {
        data[i] = 0x1f;
        data[i + 1] = 0xff;
    }
    assert_int_equal(message_of(bytes_of(data, sizeof data), &m), 0);
    struct transport_cc_walk w = transport_cc_walk_of(&m, 0);
    while (transport_cc_next(&w, &s))
        n++;
    assert_int_equal(n, 65535);
}

static void the_reference_time_is_followed_over_its_wraps(void **state)
{
    struct transport_cc m = {.reference_time = 0xfffff0};
    struct transport_cc_clock clock = {0};
    int64_t at = 0xfffff0;

    (void)state;
    assert_int_equal(transport_cc_reference(&clock, &m), at * 64000);
    for (int i = 0; i < 100; i++) {
        at += i % 3 == 2 ? -1000 : 1000000;
        m.reference_time = (uint32_t)(at & 0xffffff);
        assert_int_equal(transport_cc_reference(&clock, &m), at * 64000);
    }
    assert_true(at > 0x2000000);
}

/* The first sequence number; the unwrapped ones count from there. */
#define FIRST 65000

/* What a sender knows, by unwrapped number. */
struct knowledge {
    bool told[70000];
    bool received[70000];
    int64_t time_us[70000];
    struct transport_cc_clock clock;
    uint8_t messages;
    int64_t highest;
};

static void learn(struct knowledge *k, const struct buf *b)
{
    struct transport_cc m;
    struct transport_cc_status s;
    struct sequence_unwrap u = {.highest = k->highest + 0x10000 + FIRST, .started = true};

    assert_true(b->n <= TRANSPORT_CC_BYTES_MAX);
    assert_int_equal(b->n % 4, 0);
    assert_int_equal(message_of(buf_view(b), &m), 0);
    assert_int_equal(m.feedback_count, k->messages++);
    struct transport_cc_walk w = transport_cc_walk_of(&m, transport_cc_reference(&k->clock, &m));
    while (transport_cc_next(&w, &s)) {
        int64_t n = sequence_peek(&u, s.sequence) - 0x10000 - FIRST;
        assert_in_range(n, 0, 69999);
        k->told[n] = true;
        k->received[n] = s.received;
        k->time_us[n] = s.time_us;
        if (n > k->highest)
            k->highest = n;
    }
}

/* 60,000 packets, one or so a millisecond, with loss, reordering, duplicates and pauses. */
static void a_sender_learns_what_arrived_and_when(void **state)
{
    static struct knowledge k;
    static int64_t arrival[70000];
    static struct transport_cc_recorder r;
    struct random random = {10};
    struct buf out = {0};
    uint64_t now = UINT64_C(0xfffff0) * 64000 - 1000000; /* the reference wraps on the way */
    int64_t newest = 0;
    unsigned messages = 0;

    (void)state;
    memset(&k, 0, sizeof k);
    memset(&r, 0, sizeof r);
    memset(arrival, 0, sizeof arrival);
    for (int64_t n = 0; n < 60000; n++) {
        int64_t m =
            n > 100 && random_chance(&random, 5) ? n - (int64_t)random_below(&random, 50) : n;
        now += random_below(&random, 2000);
        if (random_below(&random, 10000) == 0)
            now += 20000000; /* the sender was silent for 20 s */
        if (!random_chance(&random, 20) || n == 0) {
            transport_cc_record(&r, (uint16_t)(m + FIRST), now);
            if (arrival[m] == 0)
                arrival[m] = (int64_t)now;
            newest = m > newest ? m : newest;
        }
        if (random_below(&random, 100) != 0)
            continue;
        while (transport_cc_pending(&r)) {
            buf_clear(&out);
            assert_int_equal(transport_cc_write(&r, 1, 2, &out), 0);
            learn(&k, &out);
            messages++;
        }
        for (int64_t i = newest > 1000 ? newest - 1000 : 0; i <= newest; i++) {
            assert_true(k.told[i]);
            assert_int_equal(k.received[i], arrival[i] != 0);
            if (arrival[i] != 0)
                assert_int_equal(k.time_us[i] - k.time_us[newest],
                                 arrival[i] / 250 * 250 - arrival[newest] / 250 * 250);
        }
    }
    assert_true(messages > 500);
    buf_free(&out);
}

static void a_burst_is_told_in_several_messages(void **state)
{
    static struct transport_cc_recorder r;
    static struct knowledge k;
    struct random random = {11};
    struct buf out = {0};
    uint64_t now = 1000000000;

    (void)state;
    memset(&r, 0, sizeof r);
    memset(&k, 0, sizeof k);
    for (uint16_t i = 0; i < TRANSPORT_CC_WINDOW; i++) {
        now += 300 * random_below(&random, 1000); /* most need a large delta */
        transport_cc_record(&r, (uint16_t)(i + FIRST), now);
    }
    while (transport_cc_pending(&r)) {
        buf_clear(&out);
        assert_int_equal(transport_cc_write(&r, 1, 2, &out), 0);
        learn(&k, &out);
    }
    assert_true(k.messages > 3);
    for (int i = 0; i < TRANSPORT_CC_WINDOW; i++)
        assert_true(k.told[i] && k.received[i]);
    assert_int_equal(transport_cc_write(&r, 1, 2, &out), CONCLAVE_ESTATE);
    buf_free(&out);
}

static void a_jump_forgets_what_is_beyond_the_window(void **state)
{
    static struct transport_cc_recorder r;
    struct transport_cc m;
    struct buf out = {0};

    (void)state;
    memset(&r, 0, sizeof r);
    transport_cc_record(&r, 10, 1000000);
    transport_cc_record(&r, 30000, 2000000);
    transport_cc_record(&r, 11, 2000000); /* too old by now */
    assert_int_equal(transport_cc_write(&r, 1, 2, &out), 0);
    assert_int_equal(message_of(buf_view(&out), &m), 0);
    assert_int_equal(m.base_sequence, 30000 - TRANSPORT_CC_WINDOW + 1);
    assert_int_equal(m.status_count, TRANSPORT_CC_WINDOW);
    assert_int_equal(m.deltas.n, 1);
    assert_false(transport_cc_pending(&r));
    buf_free(&out);
}

static void the_window_ends_where_it_says(void **state)
{
    static struct transport_cc_recorder r;
    struct transport_cc m;
    struct buf out = {0};

    (void)state;
    memset(&r, 0, sizeof r);
    transport_cc_record(&r, 10, 1000000);
    transport_cc_record(&r, 10 + TRANSPORT_CC_WINDOW, 1000000);
    transport_cc_record(&r, 11, 1000000); /* the last that is followed */
    assert_int_equal(transport_cc_write(&r, 1, 2, &out), 0);
    assert_int_equal(message_of(buf_view(&out), &m), 0);
    assert_int_equal(m.base_sequence, 11);
    assert_int_equal(m.status_count, TRANSPORT_CC_WINDOW);
    assert_int_equal(m.deltas.n, 2);
    buf_free(&out);
}

static void a_number_told_as_lost_is_told_again_when_it_came(void **state)
{
    static struct transport_cc_recorder r;
    struct transport_cc m;
    struct transport_cc_status s;
    struct buf out = {0};

    (void)state;
    memset(&r, 0, sizeof r);
    transport_cc_record(&r, 10, 1000000);
    transport_cc_record(&r, 12, 1000000);
    assert_int_equal(transport_cc_write(&r, 1, 2, &out), 0);
    assert_false(transport_cc_pending(&r));
    transport_cc_record(&r, 12, 1001000); /* a duplicate says nothing new */
    assert_false(transport_cc_pending(&r));
    transport_cc_record(&r, 11, 1002000);
    assert_true(transport_cc_pending(&r));
    buf_clear(&out);
    assert_int_equal(transport_cc_write(&r, 1, 2, &out), 0);
    assert_int_equal(message_of(buf_view(&out), &m), 0);
    assert_int_equal(m.base_sequence, 11);
    assert_int_equal(m.status_count, 2);
    struct transport_cc_walk w = transport_cc_walk_of(&m, 0);
    assert_true(transport_cc_next(&w, &s) && s.received);
    assert_true(transport_cc_next(&w, &s) && s.received);
    buf_free(&out);
}

static int writes_a_message(void *ctx)
{
    struct transport_cc_recorder *r = ctx;
    struct transport_cc_recorder before;
    struct buf out = {0};

    memset(r, 0, sizeof *r);
    for (uint16_t i = 0; i < 300; i++)
        transport_cc_record(r, i, UINT64_C(100000) * i);
    before = *r;
    int rv = transport_cc_write(r, 1, 2, &out);
    if (rv != 0) {
        assert_int_equal(out.n, 0);
        assert_memory_equal(&before, r, sizeof before);
    }
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_leaves_the_arrivals_pending(void **state)
{
    static struct transport_cc_recorder r;

    (void)state;
    assert_true(alloc_sweep(writes_a_message, &r) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_chunk_is_read),
        cmocka_unit_test(each_truncation_is_refused),
        cmocka_unit_test(fields_that_do_not_go_together_are_refused),
        cmocka_unit_test(another_kind_of_feedback_says_so),
        cmocka_unit_test(the_longest_run_is_walked_in_bounded_time),
        cmocka_unit_test(the_reference_time_is_followed_over_its_wraps),
        cmocka_unit_test(a_sender_learns_what_arrived_and_when),
        cmocka_unit_test(a_burst_is_told_in_several_messages),
        cmocka_unit_test(a_jump_forgets_what_is_beyond_the_window),
        cmocka_unit_test(the_window_ends_where_it_says),
        cmocka_unit_test(a_number_told_as_lost_is_told_again_when_it_came),
        cmocka_unit_test(a_failed_allocation_leaves_the_arrivals_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
