/* Opus packets: every rule of RFC 6716 3.4, broken one at a time, and durations of table 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/opus.h"
#include "support/alloc_fail.h"
#include "support/random.h"

static uint8_t data[4000];

static int info_of(size_t n, struct opus_info *out)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);

    assert_non_null(exact);
    memcpy(exact, data, n);
    int rv = opus_info_read(bytes_of(exact, n), out);
    free(exact);
    return rv;
}

static void each_configuration_has_its_frame_size(void **state)
{
    /* tenths of a millisecond, RFC 6716 table 2 */
    static const uint16_t tenths[32] = {100, 200, 400, 600, 100, 200, 400, 600, 100, 200, 400,
                                        600, 100, 200, 100, 200, 25,  50,  100, 200, 25,  50,
                                        100, 200, 25,  50,  100, 200, 25,  50,  100, 200};
    struct opus_info o;

    (void)state;
    memset(data, 0, sizeof data);
    for (unsigned config = 0; config < 32; config++) {
        for (unsigned stereo = 0; stereo < 2; stereo++) {
            data[0] = (uint8_t)(config << 3 | stereo << 2);
            assert_int_equal(info_of(20, &o), 0);
            assert_int_equal(o.config, config);
            assert_int_equal(o.stereo, stereo);
            assert_int_equal(o.frames, 1);
            assert_int_equal(o.duration * 10000 / OPUS_CLOCK, tenths[config]);
            assert_int_equal(o.padding, 0);
        }
    }
}

static void a_packet_of_silence_is_a_single_byte(void **state)
{
    struct opus_info o = {.frames = 77};

    (void)state;
    data[0] = 0x78;
    assert_int_equal(info_of(1, &o), 0);
    assert_int_equal(o.frames, 1);
    o.frames = 77;
    assert_int_equal(info_of(0, &o), CONCLAVE_ESYNTAX); /* R1 */
    assert_int_equal(o.frames, 77);
}

static void a_frame_is_at_most_1275_bytes(void **state)
{
    struct opus_info o;

    (void)state;
    memset(data, 0, sizeof data);
    assert_int_equal(info_of(1276, &o), 0);
    assert_int_equal(info_of(1277, &o), CONCLAVE_ESYNTAX);
    data[0] = 1;
    assert_int_equal(info_of(1 + 2 * 1275, &o), 0);
    assert_int_equal(info_of(1 + 2 * 1276, &o), CONCLAVE_ESYNTAX);
    data[0] = 2;
    data[1] = 1; /* one byte, then the rest */
    assert_int_equal(info_of(2 + 1 + 1275, &o), 0);
    assert_int_equal(info_of(2 + 1 + 1276, &o), CONCLAVE_ESYNTAX);
    data[0] = 3;
    data[1] = 1;
    assert_int_equal(info_of(2 + 1275, &o), 0);
    assert_int_equal(info_of(2 + 1276, &o), CONCLAVE_ESYNTAX);
}

static void two_equal_frames_are_an_even_number_of_bytes(void **state)
{
    struct opus_info o;

    (void)state;
    data[0] = 1;
    assert_int_equal(info_of(21, &o), 0);
    assert_int_equal(o.frames, 2);
    assert_int_equal(info_of(20, &o), CONCLAVE_ESYNTAX); /* R3 */
}

static void the_first_of_two_frames_has_to_fit(void **state)
{
    struct opus_info o;

    (void)state;
    data[0] = 2;
    data[1] = 10;
    assert_int_equal(info_of(12, &o), 0);
    assert_int_equal(info_of(11, &o), CONCLAVE_ESYNTAX); /* R4 */
    data[1] = 252;
    data[2] = 1; /* 252 + 4 */
    assert_int_equal(info_of(3 + 256, &o), 0);
    assert_int_equal(info_of(3 + 255, &o), CONCLAVE_ESYNTAX);
    assert_int_equal(info_of(2, &o), CONCLAVE_ESYNTAX);
    assert_int_equal(info_of(1, &o), CONCLAVE_ESYNTAX);
}

static void counted_frames_last_at_most_120_ms(void **state)
{
    struct opus_info o;

    (void)state;
    memset(data, 0, sizeof data);
    data[0] = 16 << 3 | 3; /* 2.5 ms */
    data[1] = 48;
    assert_int_equal(info_of(2 + 48, &o), 0);
    assert_int_equal(o.duration, OPUS_DURATION_MAX);
    data[1] = 49;
    assert_int_equal(info_of(2 + 49, &o), CONCLAVE_ESYNTAX); /* R5 */
    data[1] = 0;
    assert_int_equal(info_of(2, &o), CONCLAVE_ESYNTAX);
    data[0] = 3 << 3 | 3; /* 60 ms */
    data[1] = 2;
    assert_int_equal(info_of(2 + 2, &o), 0);
    data[1] = 3;
    assert_int_equal(info_of(2 + 3, &o), CONCLAVE_ESYNTAX);
    assert_int_equal(info_of(1, &o), CONCLAVE_ESYNTAX);
}

static void counted_equal_frames_divide_what_padding_leaves(void **state)
{
    struct opus_info o;

    (void)state;
    memset(data, 0, sizeof data);
    data[0] = 3;
    data[1] = 0x40 | 3;
    data[2] = 5;
    assert_int_equal(info_of(3 + 9 + 5, &o), 0);
    assert_int_equal(o.frames, 3);
    assert_int_equal(o.padding, 5);
    assert_int_equal(info_of(3 + 8 + 5, &o), CONCLAVE_ESYNTAX); /* R6 */
    assert_int_equal(info_of(3 + 4, &o), CONCLAVE_ESYNTAX);     /* more padding than bytes */
    assert_int_equal(info_of(3 + 5, &o), 0);                    /* frames of nothing, all padding */
    data[2] = 255;
    data[3] = 1; /* 254 + 1 */
    assert_int_equal(info_of(4 + 9 + 255, &o), 0);
    assert_int_equal(o.padding, 255);
    memset(data + 2, 255, 2000); /* padding lengths without end */
    assert_int_equal(info_of(1000, &o), CONCLAVE_ESYNTAX);
}

static void counted_frames_of_several_sizes_have_to_fit(void **state)
{
    struct opus_info o;

    (void)state;
    memset(data, 0, sizeof data);
    data[0] = 3;
    data[1] = 0x80 | 3;
    data[2] = 4;
    data[3] = 2;
    assert_int_equal(info_of(4 + 4 + 2 + 7, &o), 0);
    assert_int_equal(o.frames, 3);
    assert_int_equal(info_of(4 + 4 + 2, &o), 0);                /* the last frame may be empty */
    assert_int_equal(info_of(4 + 4 + 1, &o), CONCLAVE_ESYNTAX); /* R7 */
    assert_int_equal(info_of(3, &o), CONCLAVE_ESYNTAX);
}

static void a_payload_is_the_packet(void **state)
{
    struct buf out = {0};

    (void)state;
    data[0] = 0x78;
    assert_int_equal(opus_payload_write(bytes_of(data, 100), 100, &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_of(data, 100)));
    assert_int_equal(opus_payload_write(bytes_of(data, 101), 100, &out), CONCLAVE_ELIMIT);
    assert_int_equal(opus_payload_write(bytes_of(data, 0), 100, &out), CONCLAVE_ESYNTAX);
    assert_int_equal(out.n, 100);
    buf_free(&out);
}

static void random_bytes_never_tell_more_than_120_ms(void **state)
{
    struct random random = {12};
    unsigned valid = 0;

    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct opus_info o;
        size_t n = random_below(&random, 60);
        random_fill(&random, data, n);
        if (info_of(n, &o) != 0)
            continue;
        valid++;
        assert_in_range(o.frames, 1, OPUS_FRAMES_MAX);
        assert_in_range(o.duration, 120, OPUS_DURATION_MAX);
        assert_true(o.padding < n);
    }
    assert_true(valid > 1000);
}

static int writes_a_payload(void *ctx)
{
    static const uint8_t silence[] = {0x78};
    struct buf out = {0};
    int rv = opus_payload_write(bytes_of(silence, 1), 1200, &out);

    (void)ctx;
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_is_reported(void **state)
{
    (void)state;
    assert_true(alloc_sweep(writes_a_payload, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_configuration_has_its_frame_size),
        cmocka_unit_test(a_packet_of_silence_is_a_single_byte),
        cmocka_unit_test(a_frame_is_at_most_1275_bytes),
        cmocka_unit_test(two_equal_frames_are_an_even_number_of_bytes),
        cmocka_unit_test(the_first_of_two_frames_has_to_fit),
        cmocka_unit_test(counted_frames_last_at_most_120_ms),
        cmocka_unit_test(counted_equal_frames_divide_what_padding_leaves),
        cmocka_unit_test(counted_frames_of_several_sizes_have_to_fit),
        cmocka_unit_test(a_payload_is_the_packet),
        cmocka_unit_test(random_bytes_never_tell_more_than_120_ms),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
