/* An incoming stream by its numbers: what is new, what is asked for and when, and the figures of a
 * receiver report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/reception.h"

#define CLOCK 90000
#define NOW (100 * SFU_SECOND)
#define MS SFU_MILLISECOND

static enum sfu_arrival arrive(struct sfu_reception *r, uint16_t sequence, uint64_t now_us)
{
    int64_t n;

    return sfu_reception_input(r, sequence, (uint32_t)(now_us * CLOCK / SFU_SECOND), false, now_us,
                               &n);
}

static struct sfu_reception reception(void)
{
    struct sfu_reception r;

    sfu_reception_init(&r, CLOCK, true);
    return r;
}

static void numbers_go_on_over_the_wrap_and_come_once(void **state)
{
    struct sfu_reception r = reception();
    int64_t first;
    int64_t n;

    (void)state;
    assert_int_equal(sfu_reception_input(&r, 65534, 0, false, NOW, &first), SFU_ARRIVAL_NEW);
    assert_true(first > 0);
    for (uint16_t i = 1; i < 5; i++) {
        uint16_t sequence = (uint16_t)(65534 + i);
        assert_int_equal(sfu_reception_input(&r, sequence, 0, false, NOW, &n), SFU_ARRIVAL_NEW);
        assert_int_equal(n, first + i);
        assert_int_equal(sfu_reception_input(&r, sequence, 0, false, NOW, &n), SFU_ARRIVAL_OLD);
    }
    assert_false(sfu_reception_waits(&r));
}

static void what_is_missing_is_asked_for_once_it_is_late(void **state)
{
    struct sfu_reception r = reception();
    uint16_t lost[8];
    bool given_up;

    (void)state;
    arrive(&r, 1, NOW);
    arrive(&r, 4, NOW);
    assert_int_equal(sfu_reception_ask(&r, NOW + SFU_NACK_WAIT - 1, lost, 8, &given_up), 0);
    assert_int_equal(sfu_reception_ask(&r, NOW + SFU_NACK_WAIT, lost, 8, &given_up), 2);
    assert_int_equal(lost[0], 2);
    assert_int_equal(lost[1], 3);
    assert_int_equal(arrive(&r, 2, NOW + 12 * MS), SFU_ARRIVAL_RECOVERED);
    assert_int_equal(r.recovered, 1);
    assert_int_equal(r.rtt_us, 2 * MS);
    /* 1.5 round trips are less than the least wait */
    uint64_t again = NOW + SFU_NACK_WAIT + SFU_NACK_AGAIN;
    assert_int_equal(sfu_reception_ask(&r, again - 1, lost, 8, &given_up), 0);
    assert_int_equal(sfu_reception_ask(&r, again, lost, 8, &given_up), 1);
    assert_int_equal(lost[0], 3);
}

static void what_was_only_late_is_not_asked_for(void **state)
{
    struct sfu_reception r = reception();
    uint16_t lost[8];
    bool given_up;

    (void)state;
    arrive(&r, 1, NOW);
    arrive(&r, 3, NOW);
    assert_int_equal(arrive(&r, 2, NOW + 5 * MS), SFU_ARRIVAL_NEW);
    assert_int_equal(sfu_reception_ask(&r, NOW + SFU_SECOND, lost, 8, &given_up), 0);
    assert_int_equal(r.recovered, 0);
    assert_int_equal(sfu_reception_lost(&r), 0);
}

static void what_never_comes_is_given_up(void **state)
{
    struct sfu_reception r = reception();
    uint16_t lost[8];
    bool given_up = false;
    unsigned asked = 0;
    uint64_t now = NOW;

    (void)state;
    arrive(&r, 1, NOW);
    arrive(&r, 3, NOW);
    for (; !given_up; now += MS)
        asked += (unsigned)sfu_reception_ask(&r, now, lost, 8, &given_up);
    assert_true(now - NOW <= SFU_NACK_GIVE_UP + MS);
    assert_in_range(asked, 2, SFU_NACK_TIMES);
    assert_int_equal(sfu_reception_lost(&r), 1);
    assert_int_equal(sfu_reception_lost(&r), 0); /* told once */
    assert_false(sfu_reception_waits(&r));
}

/* Near the sender questions follow each other faster: there, their number ends it. */
static void no_number_is_asked_for_too_often(void **state)
{
    struct sfu_reception r = reception();
    uint16_t lost[8];
    bool given_up = false;
    size_t asked = 0;
    uint64_t now = NOW;

    (void)state;
    r.rtt_us = 5 * MS;
    arrive(&r, 1, NOW);
    arrive(&r, 3, NOW);
    for (; !given_up; now += MS)
        asked += sfu_reception_ask(&r, now, lost, 8, &given_up);
    assert_int_equal(asked, SFU_NACK_TIMES);
    assert_true(now - NOW < SFU_NACK_GIVE_UP / 2 + 100 * MS);
}

static void no_more_are_asked_for_at_once_than_there_is_room(void **state)
{
    struct sfu_reception r = reception();
    uint16_t lost[4];
    bool given_up;

    (void)state;
    arrive(&r, 1, NOW);
    arrive(&r, 12, NOW); /* ten are missing */
    assert_int_equal(sfu_reception_ask(&r, NOW + 20 * MS, lost, 4, &given_up), 4);
    assert_int_equal(lost[3], 5);
    assert_int_equal(sfu_reception_ask(&r, NOW + 20 * MS, lost, 4, &given_up), 4);
    assert_int_equal(lost[0], 6);
    assert_int_equal(sfu_reception_ask(&r, NOW + 20 * MS, lost, 4, &given_up), 2);
}

static void the_oldest_are_forgotten_when_too_many_are_missing(void **state)
{
    struct sfu_reception r = reception();
    uint16_t lost[SFU_MISSING + 1];
    bool given_up;

    (void)state;
    arrive(&r, 1, NOW);
    assert_int_equal(arrive(&r, 1 + SFU_MISSING + 10 + 1, NOW), SFU_ARRIVAL_NEW);
    assert_int_equal(sfu_reception_ask(&r, NOW + 20 * MS, lost, SFU_MISSING + 1, &given_up),
                     SFU_MISSING);
    assert_int_equal(lost[0], 12);
    assert_int_equal(sfu_reception_lost(&r), 10);
}

static void a_leap_is_a_new_beginning_and_not_loss_to_be_asked_for(void **state)
{
    struct sfu_reception r = reception();

    (void)state;
    arrive(&r, 1, NOW);
    assert_int_equal(arrive(&r, 2 + SFU_GAP, NOW), SFU_ARRIVAL_NEW);
    assert_true(sfu_reception_waits(&r));
    assert_int_equal(arrive(&r, 2 + SFU_GAP + SFU_GAP + 2, NOW), SFU_ARRIVAL_LEAP);
    assert_false(sfu_reception_waits(&r));
}

static void without_retransmission_nothing_is_asked_for(void **state)
{
    struct sfu_reception r;
    uint16_t lost[8];
    bool given_up;

    (void)state;
    sfu_reception_init(&r, CLOCK, false);
    arrive(&r, 1, NOW);
    arrive(&r, 9, NOW);
    assert_int_equal(sfu_reception_ask(&r, NOW + SFU_SECOND, lost, 8, &given_up), 0);
    assert_false(given_up);
}

/* RFC 3550 6.4.1, A.3 */
static void a_report_tells_what_was_lost_since_the_last_one(void **state)
{
    struct sfu_reception r = reception();
    struct rtcp_report report = {0};

    (void)state;
    assert_false(sfu_reception_report(&r, &report));
    for (uint16_t i = 0; i < 8; i++)
        arrive(&r, (uint16_t)(65532 + i), NOW + 20 * MS * i);
    assert_true(sfu_reception_report(&r, &report));
    assert_int_equal(report.fraction_lost, 0);
    assert_int_equal(report.cumulative_lost, 0);
    assert_int_equal(report.highest_sequence, 0x10003); /* one cycle */
    assert_int_equal(report.jitter, 0);
    for (uint16_t i = 8; i < 16; i += 2) /* every other one */
        arrive(&r, (uint16_t)(65532 + i + 1), NOW + 20 * MS * i);
    assert_true(sfu_reception_report(&r, &report));
    assert_in_range(report.fraction_lost, 127, 128);
    assert_int_equal(report.cumulative_lost, 4);
    assert_int_equal(report.highest_sequence, 0x1000b);
    assert_true(sfu_reception_report(&r, &report)); /* nothing in between */
    assert_int_equal(report.fraction_lost, 0);
    assert_int_equal(report.cumulative_lost, 4);
}

/* RFC 3550 A.8: J += (|D| - J) / 16 */
static void jitter_is_the_smoothed_difference_of_transit_times(void **state)
{
    struct sfu_reception r = reception();
    struct rtcp_report report = {0};
    int64_t n;

    (void)state;
    sfu_reception_input(&r, 1, 0, false, NOW, &n);
    sfu_reception_input(&r, 2, 1800, false, NOW + 20 * MS + 16 * MS, &n); /* 16 ms late: 1440 */
    assert_true(sfu_reception_report(&r, &report));
    assert_int_equal(report.jitter, 1440 / 16);
    sfu_reception_input(&r, 3, 3600, true, NOW + SFU_SECOND, &n); /* sent again: says nothing */
    assert_true(sfu_reception_report(&r, &report));
    assert_int_equal(report.jitter, 1440 / 16);
    for (uint16_t i = 4; i < 400; i++)
        sfu_reception_input(&r, i, i * 1800u, false, NOW + 20 * MS * i, &n);
    assert_true(sfu_reception_report(&r, &report));
    assert_true(report.jitter <= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_on_over_the_wrap_and_come_once),
        cmocka_unit_test(what_is_missing_is_asked_for_once_it_is_late),
        cmocka_unit_test(what_was_only_late_is_not_asked_for),
        cmocka_unit_test(what_never_comes_is_given_up),
        cmocka_unit_test(no_number_is_asked_for_too_often),
        cmocka_unit_test(no_more_are_asked_for_at_once_than_there_is_room),
        cmocka_unit_test(the_oldest_are_forgotten_when_too_many_are_missing),
        cmocka_unit_test(a_leap_is_a_new_beginning_and_not_loss_to_be_asked_for),
        cmocka_unit_test(without_retransmission_nothing_is_asked_for),
        cmocka_unit_test(a_report_tells_what_was_lost_since_the_last_one),
        cmocka_unit_test(jitter_is_the_smoothed_difference_of_transit_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
