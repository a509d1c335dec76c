/* Reports: what is lost, late, frozen and changed in a stream, on a clock that is a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/report.h"
#include "support/random.h"

#define MS UINT64_C(1000)

/* A stream of 100-byte frames, and the report of it. */
struct stream {
    struct report report;
    struct report_frame next;
};

static struct stream made(void)
{
    struct stream s = {.next = {.now_us = 5000 * MS, .epoch = 4, .bytes = 100}};
    report_init(&s.report);
    return s;
}

/* n frames, 20 ms apart. */
static void come(struct stream *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        report_take_frame(&s->report, &s->next);
        s->next.now_us += 20 * MS;
        s->next.counter++;
    }
}

static void wait(struct stream *s, uint64_t ms)
{
    s->next.now_us += ms * MS;
}

static struct report_numbers numbers(const struct stream *s)
{
    return report_numbers(&s->report, s->next.now_us - 20 * MS);
}

static void a_whole_stream_has_nothing_wrong_with_it(void **state)
{
    struct stream s = made();

    (void)state;
    s.next.key = true;
    come(&s, 1);
    s.next.key = false;
    come(&s, 99);
    struct report_numbers n = numbers(&s);
    assert_int_equal(n.frames, 100);
    assert_int_equal(n.key_frames, 1);
    assert_int_equal(n.bytes, 10000);
    assert_int_equal(n.first_us, 5000 * MS);
    assert_int_equal(n.last_us, 6980 * MS);
    assert_int_equal(n.lost + n.gaps + n.late + n.key_changes + n.layer_changes, 0);
    assert_int_equal(n.freezes + n.freeze_us + n.freeze_longest_us + n.key_change_longest_us, 0);
}

static void nothing_at_all_is_all_zero(void **state)
{
    struct stream s = made();
    struct report_numbers zero = {0};
    struct report_numbers n = report_numbers(&s.report, 77 * MS);

    (void)state;
    assert_memory_equal(&n, &zero, sizeof n);
}

static void who_comes_later_has_not_lost_what_was_before(void **state)
{
    struct stream s = made();

    (void)state;
    s.next.counter = 1000;
    come(&s, 10);
    assert_int_equal(numbers(&s).lost, 0);
}

static void counters_passed_over_are_lost_frames(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 10);
    s.next.counter += 3;
    come(&s, 10);
    s.next.counter += 1;
    come(&s, 10);
    assert_int_equal(numbers(&s).frames, 30);
    assert_int_equal(numbers(&s).lost, 4);
    assert_int_equal(numbers(&s).gaps, 2);
}

static void a_late_frame_is_not_lost(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 10);
    s.next.counter = 11;
    come(&s, 1);
    s.next.counter = 10;
    come(&s, 1);
    s.next.counter = 12;
    come(&s, 10);
    assert_int_equal(numbers(&s).lost, 0);
    assert_int_equal(numbers(&s).late, 1);
    assert_int_equal(numbers(&s).frames, 22);
}

static void a_new_key_starts_at_zero_and_may_lose_its_first_frames(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 50);
    s.next.epoch = 5;
    s.next.counter = 0;
    wait(&s, 40);
    come(&s, 50);
    assert_int_equal(numbers(&s).lost, 0);
    assert_int_equal(numbers(&s).key_changes, 1);
    assert_int_equal(numbers(&s).key_change_longest_us, 60 * MS);
    s.next.epoch = 7; /* nobody sent anything in 6 */
    s.next.counter = 2;
    come(&s, 50);
    assert_int_equal(numbers(&s).lost, 2);
    assert_int_equal(numbers(&s).key_changes, 2);
    assert_int_equal(numbers(&s).key_change_longest_us, 60 * MS);
    s.next.epoch = 5; /* one of before, late */
    s.next.counter = 50;
    come(&s, 1);
    assert_int_equal(numbers(&s).late, 1);
    s.next.epoch = 7;
    s.next.counter = 52;
    come(&s, 1);
    assert_int_equal(numbers(&s).key_changes, 2);
    assert_int_equal(numbers(&s).lost, 1);
}

static void layers_that_were_not_asked_for_are_not_lost(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 10);
    s.next.context = 2;
    s.next.counter = 500;
    come(&s, 10);
    s.next.context = 0;
    s.next.counter = 20;
    come(&s, 10);
    assert_int_equal(numbers(&s).layer_changes, 2);
    assert_int_equal(numbers(&s).lost, 0);
    s.next.counter++;
    come(&s, 1);
    assert_int_equal(numbers(&s).lost, 1);
}

static void a_pause_is_no_freeze_and_no_loss(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 50);
    report_pause(&s.report);
    wait(&s, 60000);
    assert_int_equal(numbers(&s).freezes, 0);
    s.next.counter += 1000;
    s.next.epoch = 9;
    come(&s, 50);
    assert_int_equal(numbers(&s).lost, 0);
    assert_int_equal(numbers(&s).freezes, 0);
    assert_int_equal(numbers(&s).key_changes, 1);
    assert_int_equal(numbers(&s).key_change_longest_us, 0);
}

static void a_freeze_is_three_times_the_average_and_150_ms_more(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 50);
    wait(&s, 149); /* 169 ms after the last frame, where 170 would be one */
    come(&s, 1);
    assert_int_equal(numbers(&s).freezes, 0);
    come(&s, REPORT_AVERAGE); /* until that is forgotten */
    wait(&s, 150);
    come(&s, 50);
    assert_int_equal(numbers(&s).freezes, 1);
    assert_int_equal(numbers(&s).freeze_us, 170 * MS);
    wait(&s, 500);
    come(&s, 1);
    assert_int_equal(numbers(&s).freezes, 2);
    assert_int_equal(numbers(&s).freeze_us, (170 + 520) * MS);
    assert_int_equal(numbers(&s).freeze_longest_us, 520 * MS);
    assert_int_equal(numbers(&s).freezes_long, 0);
    wait(&s, 980);
    come(&s, 2);
    assert_int_equal(numbers(&s).freezes, 3);
    assert_int_equal(numbers(&s).freezes_long, 1);
}

static void slow_streams_are_measured_by_their_own_pace(void **state)
{
    struct stream s = made();

    (void)state;
    for (int i = 0; i < 40; i++) {
        come(&s, 1);
        wait(&s, 180); /* five frames a second */
    }
    assert_int_equal(numbers(&s).freezes, 0);
    wait(&s, 399);
    come(&s, 1);
    assert_int_equal(numbers(&s).freezes, 0);
    for (int i = 0; i < 40; i++) {
        wait(&s, 180);
        come(&s, 1);
    }
    wait(&s, 580);
    come(&s, 1);
    assert_int_equal(numbers(&s).freezes, 1);
    assert_int_equal(numbers(&s).freeze_us, 600 * MS);
}

static void a_long_freeze_does_not_hide_the_next(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 50);
    wait(&s, 30000);
    come(&s, 1);
    wait(&s, 200);
    come(&s, 1);
    assert_int_equal(numbers(&s).freezes, 2);
}

static void a_freeze_that_lasts_counts_as_far_as_it_has_come(void **state)
{
    struct stream s = made();

    (void)state;
    come(&s, 50);
    uint64_t last = s.next.now_us - 20 * MS;
    assert_int_equal(report_numbers(&s.report, last + 169 * MS).freezes, 0);
    assert_int_equal(report_numbers(&s.report, last + 170 * MS).freeze_us, 170 * MS);
    assert_int_equal(report_numbers(&s.report, last + 900 * MS).freeze_us, 900 * MS);
    wait(&s, 980);
    come(&s, 1);
    assert_int_equal(numbers(&s).freezes, 1); /* not once more for having been asked */
    assert_int_equal(numbers(&s).freeze_us, 1000 * MS);
}

/* Every frame is dropped, or held up, with some chance; the report must say how many. */
static void random_losses_are_all_counted(void **state)
{
    struct random random = {17};

    (void)state;
    for (int round = 0; round < 50; round++) {
        struct stream s = made();
        uint64_t dropped = 0, in_row = 0, gaps = 0;
        come(&s, 1);
        for (int i = 0; i < 500; i++) {
            if (random_chance(&random, 10)) {
                s.next.counter++;
                wait(&s, 20);
                in_row++;
                continue;
            }
            dropped += in_row;
            gaps += in_row > 0;
            in_row = 0;
            come(&s, 1);
        }
        assert_int_equal(numbers(&s).lost, dropped);
        assert_int_equal(numbers(&s).gaps, gaps);
        assert_int_equal(numbers(&s).frames + dropped + in_row, 501);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_stream_has_nothing_wrong_with_it),
        cmocka_unit_test(nothing_at_all_is_all_zero),
        cmocka_unit_test(who_comes_later_has_not_lost_what_was_before),
        cmocka_unit_test(counters_passed_over_are_lost_frames),
        cmocka_unit_test(a_late_frame_is_not_lost),
        cmocka_unit_test(a_new_key_starts_at_zero_and_may_lose_its_first_frames),
        cmocka_unit_test(layers_that_were_not_asked_for_are_not_lost),
        cmocka_unit_test(a_pause_is_no_freeze_and_no_loss),
        cmocka_unit_test(a_freeze_is_three_times_the_average_and_150_ms_more),
        cmocka_unit_test(slow_streams_are_measured_by_their_own_pace),
        cmocka_unit_test(a_long_freeze_does_not_hide_the_next),
        cmocka_unit_test(a_freeze_that_lasts_counts_as_far_as_it_has_come),
        cmocka_unit_test(random_losses_are_all_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
