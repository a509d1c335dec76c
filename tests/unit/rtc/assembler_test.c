/* The frame assembler, one story a test: what comes out of which packets, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/assembler.h"
#include "support/alloc_fail.h"
#include "support/random.h"

#define MS UINT64_C(1000)
#define START 1
#define END 2

static struct assembler *made(const struct assembler_config *config)
{
    struct assembler *a = NULL;

    assert_int_equal(assembler_new(config, &a), 0);
    return a;
}

/* A packet whose timestamp is its frame's number. */
static void input(struct assembler *a, uint16_t sequence, uint32_t frame, unsigned flags,
                  const char *payload, uint64_t now)
{
    struct assembler_packet p = {
        .sequence = sequence,
        .timestamp = frame,
        .start = (flags & START) != 0,
        .end = (flags & END) != 0,
        .note = sequence,
        .payload = bytes_str(payload),
    };
    assert_int_equal(assembler_input(a, &p, now), 0);
    assert_true(assembler_memory(a) <= assembler_memory_max(a));
}

static void expect_nothing(struct assembler *a, uint64_t now)
{
    struct assembler_output o;

    assert_int_equal(assembler_next(a, now, &o), 0);
    assert_int_equal(o.what, ASSEMBLER_NOTHING);
}

static void expect_frame(struct assembler *a, uint64_t now, uint32_t frame, const char *content)
{
    struct assembler_output o;

    assert_int_equal(assembler_next(a, now, &o), 0);
    assert_int_equal(o.what, ASSEMBLER_FRAME);
    assert_int_equal(o.timestamp, frame);
    assert_int_equal(o.note, o.sequence);
    assert_int_equal(o.arrived, o.count);
    assert_true(bytes_equal(o.frame, bytes_str(content)));
}

static void expect_lost(struct assembler *a, uint64_t now, uint16_t sequence, uint32_t count,
                        uint32_t arrived)
{
    struct assembler_output o;

    assert_int_equal(assembler_next(a, now, &o), 0);
    assert_int_equal(o.what, ASSEMBLER_LOST);
    assert_int_equal(o.sequence, sequence);
    assert_int_equal(o.count, count);
    assert_int_equal(o.arrived, arrived);
}

static void frames_in_order_come_out_at_once(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    expect_nothing(a, 0);
    assert_true(assembler_deadline(a) == UINT64_MAX);
    input(a, 10, 1, START | END, "one", 0);
    expect_frame(a, 0, 1, "one");
    expect_nothing(a, 0);
    input(a, 11, 2, START, "tw", 5);
    expect_nothing(a, 5);
    input(a, 12, 2, END, "o", 6);
    expect_frame(a, 6, 2, "two");
    expect_nothing(a, 6);
    assert_true(assembler_deadline(a) == UINT64_MAX);
    assert_int_equal(assembler_stats(a).frames, 2);
    assembler_free(a);
}

static void packets_out_of_order_are_put_in_order(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input(a, 65534, 0, START | END, "zero", 0);
    expect_frame(a, 0, 0, "zero");
    input(a, 2, 2, START | END, "two", 1); /* across the wrap */
    input(a, 1, 1, END, "c", 2);
    input(a, 65535, 1, START, "a", 3);
    expect_nothing(a, 3);
    input(a, 0, 1, 0, "b", 4);
    expect_frame(a, 4, 1, "abc");
    expect_frame(a, 4, 2, "two");
    expect_nothing(a, 4);
    assembler_free(a);
}

static void what_began_before_the_first_arrival_is_still_taken(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input(a, 1, 1, END, "b", 0);
    expect_nothing(a, 0);
    input(a, 0, 1, START, "a", 1);
    expect_frame(a, 1, 1, "ab");
    input(a, 65535, 0, START | END, "z", 2); /* but not before what came out */
    expect_nothing(a, 2);
    assert_int_equal(assembler_stats(a).late, 1);
    assembler_free(a);
}

static void a_stream_begins_at_most_a_window_before_the_newest_packet(void **state)
{
    struct assembler_config config = {.packets = 16};
    struct assembler *a = made(&config);

    (void)state;
    input(a, 100, 9, END, "b", 0);
    input(a, 84, 1, START | END, "too far back", 1);
    expect_nothing(a, 1);
    assert_int_equal(assembler_stats(a).late, 1);
    input(a, 85, 1, START | END, "first", 1);
    expect_frame(a, 1, 1, "first");
    assembler_free(a);
}

static void a_hole_is_given_up_when_what_is_behind_it_has_waited_enough(void **state)
{
    struct assembler_config config = {.wait_us = 100 * MS};
    struct assembler *a = made(&config);

    (void)state;
    input(a, 10, 1, START | END, "one", 0);
    expect_frame(a, 0, 1, "one");
    input(a, 13, 4, START | END, "four", 50 * MS);
    assert_true(assembler_deadline(a) == 150 * MS);
    expect_nothing(a, 150 * MS - 1);
    expect_lost(a, 150 * MS, 11, 2, 0);
    expect_frame(a, 150 * MS, 4, "four");
    expect_nothing(a, 150 * MS);
    input(a, 12, 3, START | END, "three", 151 * MS);
    expect_nothing(a, 151 * MS);
    assert_int_equal(assembler_stats(a).late, 1);
    assert_int_equal(assembler_stats(a).lost, 2);
    assembler_free(a);
}

static void packets_of_a_broken_frame_are_lost_with_it(void **state)
{
    struct assembler_config config = {.wait_us = 100 * MS};
    struct assembler *a = made(&config);

    (void)state;
    input(a, 10, 1, START, "a", 0);
    input(a, 12, 1, END, "c", 1);
    input(a, 13, 2, START | END, "two", 2);
    expect_nothing(a, 2);
    /* the first packet has waited; what is behind the hole goes with it once it has waited too */
    expect_lost(a, 100 * MS, 10, 1, 1);
    expect_lost(a, 100 * MS + 1, 11, 2, 1);
    expect_frame(a, 100 * MS + 1, 2, "two");
    assembler_free(a);
}

static void a_frame_that_never_ends_is_given_up(void **state)
{
    struct assembler_config config = {.wait_us = 100 * MS};
    struct assembler *a = made(&config);

    (void)state;
    input(a, 10, 1, START, "a", 0);
    expect_nothing(a, 99 * MS);
    expect_lost(a, 100 * MS, 10, 1, 1);
    expect_nothing(a, 100 * MS);
    assert_true(assembler_deadline(a) == UINT64_MAX);
    assembler_free(a);
}

static void duplicates_are_taken_once(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input(a, 10, 1, START, "a", 0);
    input(a, 10, 1, START, "forged", 1);
    input(a, 11, 1, END, "b", 2);
    expect_frame(a, 2, 1, "ab");
    input(a, 10, 1, START, "a", 3);
    input(a, 11, 1, END, "b", 3);
    expect_nothing(a, 3);
    assert_int_equal(assembler_stats(a).duplicates, 1);
    assert_int_equal(assembler_stats(a).late, 2);
    assembler_free(a);
}

static void packets_that_do_not_go_together_make_no_frame(void **state)
{
    struct assembler *a = made(NULL);
    struct assembler_packet kind = {
        .sequence = 16, .timestamp = 4, .kind = 1, .end = true, .payload = bytes_str("x")};

    (void)state;
    input(a, 10, 0, START | END, "zero", 0);
    expect_frame(a, 0, 0, "zero");
    input(a, 11, 1, START, "a", 0);
    input(a, 12, 2, END, "b", 0); /* another timestamp */
    expect_lost(a, 0, 11, 2, 2);
    input(a, 13, 3, START, "a", 0);
    input(a, 14, 3, START | END, "b", 0); /* a second start: the frame before it has no end */
    expect_lost(a, 0, 13, 1, 1);
    expect_frame(a, 0, 3, "b");
    input(a, 15, 4, START, "a", 0);
    assert_int_equal(assembler_input(a, &kind, 0), 0); /* another payload type */
    expect_lost(a, 0, 15, 2, 2);
    input(a, 17, 5, END, "no start", 0);
    expect_lost(a, 0, 17, 1, 1);
    expect_nothing(a, 0);
    assembler_free(a);
}

static void empty_payloads_are_packets_too(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input(a, 10, 1, START, "", 0);
    input(a, 11, 1, 0, "x", 0);
    input(a, 12, 1, END, "", 0);
    expect_frame(a, 0, 1, "x");
    input(a, 13, 2, START | END, "", 0);
    expect_frame(a, 0, 2, "");
    assembler_free(a);
}

static void input_padding(struct assembler *a, uint16_t sequence, uint64_t now)
{
    struct assembler_packet p = {.sequence = sequence, .padding = true};
    assert_int_equal(assembler_input(a, &p, now), 0);
}

/* A browser without retransmission streams probes with padding on the media's own SSRC. */
static void padding_between_frames_is_no_loss(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input(a, 10, 1, START | END, "one", 0);
    expect_frame(a, 0, 1, "one");
    input_padding(a, 11, 0);
    expect_nothing(a, 0);
    input(a, 14, 3, START | END, "three", 1);
    input_padding(a, 12, 1);
    expect_nothing(a, 1);
    input(a, 13, 2, START | END, "two", 2);
    expect_frame(a, 2, 2, "two");
    expect_frame(a, 2, 3, "three");
    expect_nothing(a, 2);
    assert_int_equal(assembler_stats(a).lost, 0);
    assert_true(assembler_deadline(a) == UINT64_MAX);
    assembler_free(a);
}

static void padding_tells_apart_what_was_lost_before_it_and_behind(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input(a, 10, 1, START | END, "one", 0);
    expect_frame(a, 0, 1, "one");
    input_padding(a, 12, 0); /* 11 and 13 are lost */
    input(a, 14, 2, START | END, "two", 0);
    expect_nothing(a, 0);
    expect_lost(a, ASSEMBLER_WAIT_US, 11, 1, 0);
    expect_lost(a, ASSEMBLER_WAIT_US, 13, 1, 0);
    expect_frame(a, ASSEMBLER_WAIT_US, 2, "two");
    assert_int_equal(assembler_stats(a).lost, 2);
    assembler_free(a);
}

static void padding_within_a_frame_breaks_it_and_a_stream_may_begin_with_it(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input_padding(a, 9, 0);
    expect_nothing(a, 0);
    input(a, 10, 1, START, "o", 0);
    input_padding(a, 11, 0);
    input(a, 12, 1, END, "ne", 0);
    expect_lost(a, 0, 10, 1, 1);
    expect_lost(a, 0, 12, 1, 1);
    input(a, 13, 2, START | END, "two", 0);
    expect_frame(a, 0, 2, "two");
    assembler_free(a);
}

static void padding_has_no_payload(void **state)
{
    struct assembler *a = made(NULL);
    struct assembler_packet p = {.padding = true, .payload = bytes_str("x")};

    (void)state;
    assert_int_equal(assembler_input(a, &p, 0), CONCLAVE_EINVAL);
    assembler_free(a);
}

static void a_jump_ahead_costs_no_whole_frame(void **state)
{
    struct assembler_config config = {.packets = 16};
    struct assembler *a = made(&config);

    (void)state;
    input(a, 10, 0, START | END, "zero", 0);
    expect_frame(a, 0, 0, "zero");
    input(a, 12, 2, START | END, "two", 1);
    input(a, 14, 4, START, "fo", 1);
    input(a, 60, 9, START | END, "nine", 2); /* far beyond the window: the holes are given up */
    expect_lost(a, 2, 11, 1, 0);
    expect_frame(a, 2, 2, "two");
    expect_lost(a, 2, 13, 32, 1);
    input(a, 44, 8, START | END, "late", 3);
    input(a, 45, 8, START | END, "eight", 3); /* 16 numbers up to 60 are still followed */
    expect_frame(a, 3, 8, "eight");
    expect_nothing(a, 3);
    assert_int_equal(assembler_stats(a).late, 1);
    expect_lost(a, 2 + ASSEMBLER_WAIT_US, 46, 14, 0);
    expect_frame(a, 2 + ASSEMBLER_WAIT_US, 9, "nine");
    assembler_free(a);
}

static void a_jump_of_half_the_numbers_is_the_furthest_there_is(void **state)
{
    struct assembler *a = made(NULL);

    (void)state;
    input(a, 0, 0, START | END, "zero", 0);
    expect_frame(a, 0, 0, "zero");
    input(a, 32768, 1, START | END, "behind", 1);
    expect_nothing(a, 1);
    assert_int_equal(assembler_stats(a).late, 1);
    input(a, 32767, 1, START | END, "ahead", 1);
    expect_lost(a, 1, 1, 32767 - ASSEMBLER_PACKETS_MAX, 0);
    expect_lost(a, 1 + ASSEMBLER_WAIT_US, 32768 - ASSEMBLER_PACKETS_MAX, ASSEMBLER_PACKETS_MAX - 1,
                0);
    expect_frame(a, 1 + ASSEMBLER_WAIT_US, 1, "ahead");
    assembler_free(a);
}

static void output_has_to_be_taken_before_more_fits(void **state)
{
    struct assembler_config config = {.packets = 4};
    struct assembler *a = made(&config);
    struct assembler_packet p = {
        .sequence = 15, .start = true, .end = true, .payload = bytes_str("x")};

    (void)state;
    for (uint16_t i = 10; i < 15; i++) /* the fifth waits outside */
        input(a, i, i, START | END, "x", 0);
    assert_true(assembler_deadline(a) == 0);
    assert_int_equal(assembler_input(a, &p, 0), CONCLAVE_ESTATE);
    for (uint16_t i = 10; i < 15; i++)
        expect_frame(a, 0, i, "x");
    expect_nothing(a, 0);
    assert_int_equal(assembler_input(a, &p, 0), 0);
    assert_int_equal(assembler_stats(a).lost, 0);
    assembler_free(a);
}

static void more_bytes_than_the_limit_push_out_the_oldest_hole(void **state)
{
    struct assembler_config config = {.bytes = RTP_PACKET_MAX};
    struct assembler *a = made(&config);
    static char big[4001];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    input(a, 10, 0, START | END, "zero", 0);
    expect_frame(a, 0, 0, "zero");
    input(a, 12, 2, START | END, big, 0);
    input(a, 13, 3, START, big, 0);
    expect_nothing(a, 0);
    input(a, 14, 3, END, big, 0); /* 12,000 bytes */
    expect_lost(a, 0, 11, 1, 0);
    expect_frame(a, 0, 2, big);
    struct assembler_output o;
    assert_int_equal(assembler_next(a, 0, &o), 0);
    assert_int_equal(o.what, ASSEMBLER_FRAME);
    assert_int_equal(o.frame.n, 8000);
    assembler_free(a);
}

static void a_packet_over_the_limit_may_still_complete_the_frame(void **state)
{
    struct assembler_config config = {.bytes = RTP_PACKET_MAX};
    struct assembler *a = made(&config);
    static char big[4001];
    struct assembler_output o;

    (void)state;
    memset(big, 'x', sizeof big - 1);
    input(a, 10, 1, START, big, 0);
    input(a, 12, 1, END, big, 0);
    input(a, 11, 1, 0, big, 0);
    assert_int_equal(assembler_next(a, 0, &o), 0);
    assert_int_equal(o.what, ASSEMBLER_FRAME);
    assert_int_equal(o.frame.n, 12000);
    assembler_free(a);
}

static void as_many_bytes_as_the_limit_may_wait(void **state)
{
    struct assembler_config config = {.bytes = RTP_PACKET_MAX};
    struct assembler *a = made(&config);
    static char half[RTP_PACKET_MAX / 2 + 1];

    (void)state;
    memset(half, 'x', sizeof half - 1);
    input(a, 10, 1, START, half, 0);
    input(a, 11, 1, 0, half, 0);
    expect_nothing(a, 0);
    input(a, 12, 1, 0, "x", 0); /* one byte more */
    expect_lost(a, 0, 10, 3, 3);
    assembler_free(a);
}

static void a_frame_beyond_the_limit_is_given_up(void **state)
{
    struct assembler_config config = {.bytes = RTP_PACKET_MAX};
    struct assembler *a = made(&config);
    static char big[4001];

    (void)state;
    memset(big, 'x', sizeof big - 1);
    for (uint16_t i = 0; i < 3; i++)
        input(a, i, 1, i == 0 ? START : 0, big, 0);
    expect_lost(a, 0, 0, 3, 3);
    for (uint16_t i = 3; i < 9; i++) {
        input(a, i, 1, i == 8 ? END : 0, big, 0);
        expect_lost(a, 0, i, 1, 1); /* the rest of it goes as it comes */
    }
    input(a, 9, 2, START | END, "next", 0);
    expect_frame(a, 0, 2, "next");
    assembler_free(a);
}

static void missing_numbers_are_told_oldest_first(void **state)
{
    struct assembler *a = made(NULL);
    uint16_t missing[8];

    (void)state;
    assert_int_equal(assembler_missing(a, missing, 8), 0);
    input(a, 65533, 0, START | END, "zero", 0);
    expect_frame(a, 0, 0, "zero");
    input(a, 65535, 1, 0, "a", 0);
    input(a, 2, 1, 0, "b", 0);
    assert_int_equal(assembler_missing(a, missing, 8), 3);
    assert_int_equal(missing[0], 65534);
    assert_int_equal(missing[1], 0);
    assert_int_equal(missing[2], 1);
    assert_int_equal(assembler_missing(a, missing, 2), 2);
    assembler_free(a);

    struct assembler_config config = {.packets = 4};
    a = made(&config);
    input(a, 0, 0, START, "a", 0);
    input(a, 5, 0, START, "beyond the window", 0);
    assert_int_equal(assembler_missing(a, missing, 8), 4);
    assert_int_equal(missing[3], 4);
    assembler_free(a);
}

static void a_clock_that_goes_back_is_held(void **state)
{
    struct assembler_config config = {.wait_us = 100};
    struct assembler *a = made(&config);

    (void)state;
    input(a, 10, 1, START, "a", 1000);
    expect_nothing(a, 5);
    input(a, 12, 2, START | END, "b", 0);
    assert_true(assembler_deadline(a) == 1100);
    expect_lost(a, 1100, 10, 2, 1);
    expect_frame(a, 0, 2, "b");
    assembler_free(a);
}

static void limits_are_limits(void **state)
{
    static uint8_t large[RTP_PACKET_MAX + 1];
    const struct assembler_config bad[] = {
        {.wait_us = ASSEMBLER_WAIT_MAX_US + 1},
        {.packets = (size_t)ASSEMBLER_PACKETS_MAX * 2},
        {.packets = 100},
        {.bytes = RTP_PACKET_MAX - 1},
        {.bytes = ASSEMBLER_BYTES_MAX + 1},
    };
    struct assembler *a = NULL;
    struct assembler_packet p = {.start = true, .end = true};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(assembler_new(&bad[i], &a), CONCLAVE_EINVAL);
    assert_null(a);
    struct assembler_config most = {.wait_us = ASSEMBLER_WAIT_MAX_US};
    a = made(&most);
    p.payload = bytes_of(large, sizeof large);
    assert_int_equal(assembler_input(a, &p, 0), CONCLAVE_EINVAL);
    p.payload.n--;
    assert_int_equal(assembler_input(a, &p, 0), 0);
    assembler_free(a);
    assembler_free(NULL);
}

/* A failed call is tried again, and in the end everything comes out as if nothing had failed. */
static int tells_the_story_again_after_each_failure(void *ctx)
{
    static const struct {
        uint16_t sequence;
        uint32_t frame;
        unsigned flags;
    } packets[] = {{1, 1, START}, {3, 2, START | END}, {2, 1, END}, {9, 4, START | END}};
    static const uint8_t content[500];
    struct assembler_config config = {.packets = 4};
    struct assembler *a = NULL;
    struct assembler_output o;
    unsigned frames = 0;
    int failed = assembler_new(&config, &a);

    (void)ctx;
    if (failed != 0)
        return failed;
    for (size_t i = 0; i < 4; i++) {
        struct assembler_packet p = {.sequence = packets[i].sequence,
                                     .timestamp = packets[i].frame,
                                     .start = (packets[i].flags & START) != 0,
                                     .end = (packets[i].flags & END) != 0,
                                     .payload = bytes_of(content, sizeof content)};
        size_t memory = assembler_memory(a);
        if (assembler_input(a, &p, i) != 0) {
            failed = CONCLAVE_ENOMEM;
            assert_int_equal(assembler_memory(a), memory);
            assert_int_equal(assembler_input(a, &p, i), 0);
        }
        do {
            if (assembler_next(a, i, &o) != 0) {
                failed = CONCLAVE_ENOMEM;
                assert_int_equal(assembler_next(a, i, &o), 0);
            }
            frames += o.what == ASSEMBLER_FRAME;
        } while (o.what != ASSEMBLER_NOTHING);
    }
    assert_int_equal(frames, 2);
    if (assembler_next(a, 1000000, &o) != 0) {
        failed = CONCLAVE_ENOMEM;
        assert_int_equal(assembler_next(a, 1000000, &o), 0);
    }
    assert_int_equal(o.what, ASSEMBLER_LOST);
    assembler_free(a);
    return failed;
}

static void a_failed_allocation_loses_no_packet(void **state)
{
    (void)state;
    assert_true(alloc_sweep(tells_the_story_again_after_each_failure, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_in_order_come_out_at_once),
        cmocka_unit_test(packets_out_of_order_are_put_in_order),
        cmocka_unit_test(what_began_before_the_first_arrival_is_still_taken),
        cmocka_unit_test(a_stream_begins_at_most_a_window_before_the_newest_packet),
        cmocka_unit_test(a_hole_is_given_up_when_what_is_behind_it_has_waited_enough),
        cmocka_unit_test(packets_of_a_broken_frame_are_lost_with_it),
        cmocka_unit_test(a_frame_that_never_ends_is_given_up),
        cmocka_unit_test(duplicates_are_taken_once),
        cmocka_unit_test(packets_that_do_not_go_together_make_no_frame),
        cmocka_unit_test(empty_payloads_are_packets_too),
        cmocka_unit_test(padding_between_frames_is_no_loss),
        cmocka_unit_test(padding_tells_apart_what_was_lost_before_it_and_behind),
        cmocka_unit_test(padding_within_a_frame_breaks_it_and_a_stream_may_begin_with_it),
        cmocka_unit_test(padding_has_no_payload),
        cmocka_unit_test(a_jump_ahead_costs_no_whole_frame),
        cmocka_unit_test(a_jump_of_half_the_numbers_is_the_furthest_there_is),
        cmocka_unit_test(output_has_to_be_taken_before_more_fits),
        cmocka_unit_test(more_bytes_than_the_limit_push_out_the_oldest_hole),
        cmocka_unit_test(a_packet_over_the_limit_may_still_complete_the_frame),
        cmocka_unit_test(as_many_bytes_as_the_limit_may_wait),
        cmocka_unit_test(a_frame_beyond_the_limit_is_given_up),
        cmocka_unit_test(missing_numbers_are_told_oldest_first),
        cmocka_unit_test(a_clock_that_goes_back_is_held),
        cmocka_unit_test(limits_are_limits),
        cmocka_unit_test(a_failed_allocation_loses_no_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
