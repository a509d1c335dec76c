/* Rates, and the clock of RTCP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/meter.h"
#include "sfu/ntp.h"
#include "support/random.h"

static void a_steady_flow_is_measured_from_any_number_of_buckets(void **state)
{
    struct sfu_meter m = {0};
    uint64_t now = 50 * SFU_SECOND;

    (void)state;
    for (unsigned i = 0; i < 2000; i++, now += 1000)
        sfu_meter_add(&m, 125, now);
    for (unsigned buckets = 2; buckets <= SFU_METER_BUCKETS; buckets++)
        assert_in_range(sfu_meter_rate(&m, buckets, now), 124000, 126000);
}

static void what_is_a_second_old_counts_no_more(void **state)
{
    struct sfu_meter m = {0};
    uint64_t now = 50 * SFU_SECOND;

    (void)state;
    sfu_meter_add(&m, 1000, now);
    assert_true(sfu_meter_rate(&m, SFU_METER_BUCKETS, now + SFU_SECOND - 1) >= 1000);
    assert_int_equal(sfu_meter_rate(&m, SFU_METER_BUCKETS, now + SFU_SECOND), 0);
    sfu_meter_add(&m, 0, now + SFU_SECOND);
    assert_int_equal(sfu_meter_rate(&m, SFU_METER_BUCKETS, now + SFU_SECOND), 0);
}

static void after_a_long_silence_the_past_does_not_come_back(void **state)
{
    struct sfu_meter m = {0};
    uint64_t now = 50 * SFU_SECOND;

    (void)state;
    for (unsigned i = 0; i < SFU_METER_BUCKETS; i++)
        sfu_meter_add(&m, 5000, now += SFU_METER_BUCKET_US);
    now += 1000000 * SFU_SECOND;
    assert_int_equal(sfu_meter_rate(&m, SFU_METER_BUCKETS, now), 0);
    sfu_meter_add(&m, 1, now);
    assert_in_range(sfu_meter_rate(&m, SFU_METER_BUCKETS, now), 1, 2);
}

static void at_the_beginning_of_time_there_is_no_past(void **state)
{
    struct sfu_meter m = {0};

    (void)state;
    sfu_meter_add(&m, 10, 0);
    assert_in_range(sfu_meter_rate(&m, SFU_METER_BUCKETS, 0), 10, 12);
}

static void ntp_time_comes_back_to_a_microsecond(void **state)
{
    struct random random = {1};

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint64_t us = random_below(&random, 4000000000u * SFU_SECOND);
        uint64_t back = sfu_ntp_us(sfu_ntp_of(us));
        assert_true(back <= us && us - back <= 1);
    }
    assert_int_equal(sfu_ntp_of(SFU_SECOND + SFU_SECOND / 2), UINT64_C(0x180000000));
    assert_int_equal(sfu_ntp_middle(UINT64_C(0x1122334455667788)), 0x33445566);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_flow_is_measured_from_any_number_of_buckets),
        cmocka_unit_test(what_is_a_second_old_counts_no_more),
        cmocka_unit_test(after_a_long_silence_the_past_does_not_come_back),
        cmocka_unit_test(at_the_beginning_of_time_there_is_no_past),
        cmocka_unit_test(ntp_time_comes_back_to_a_microsecond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
