/* RTCP feedback: what is asked for is what was meant, and malformed requests ask for nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/rtcp_feedback.h"
#include "support/alloc_fail.h"
#include "support/random.h"

static int feedback_of(const uint8_t *data, size_t n, struct rtcp_feedback *out)
{
    struct rtcp_walk w;
    struct rtcp_packet p;

    assert_int_equal(rtcp_open(bytes_of(data, n), &w), 0);
    assert_true(rtcp_next(&w, &p));
    return rtcp_feedback_read(&p, out);
}

static void a_nack_names_a_packet_and_the_sixteen_after_it(void **state)
{
    static const uint8_t data[] = {0x81, 205, 0,    4,    0,    0,    0, 1, 0, 0,
                                   0,    2,   0xff, 0xfe, 0x80, 0x05, 0, 9, 0, 0};
    static const uint16_t lost[] = {0xfffe, 0xffff, 1, 14, 9};
    struct rtcp_feedback f;
    struct rtcp_nack_walk w;
    uint16_t sequence;

    (void)state;
    assert_int_equal(feedback_of(data, sizeof data, &f), 0);
    assert_int_equal(f.kind, RTCP_FB_NACK);
    assert_int_equal(f.sender_ssrc, 1);
    assert_int_equal(f.media_ssrc, 2);
    assert_int_equal(rtcp_nack_open(&f, &w), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_true(rtcp_nack_next(&w, &sequence));
        assert_int_equal(sequence, lost[i]);
    }
    assert_false(rtcp_nack_next(&w, &sequence));
}

static void random_losses_are_asked_for_exactly(void **state)
{
    struct random random = {8};
    uint16_t lost[500];
    struct buf out = {0};

    (void)state;
    for (int i = 0; i < 500; i++) {
        size_t n = 1 + random_below(&random, 500);
        struct rtcp_feedback f;
        struct rtcp_nack_walk w;
        uint16_t sequence = (uint16_t)random_u64(&random);
        for (size_t k = 0; k < n; k++) {
            sequence = (uint16_t)(sequence + 1 + random_below(&random, 25));
            lost[k] = sequence;
        }
        buf_clear(&out);
        assert_int_equal(rtcp_nack_write(5, 6, lost, n, &out), 0);
        assert_true(out.n <= 12 + n * 4);
        assert_int_equal(feedback_of(out.p, out.n, &f), 0);
        assert_int_equal(rtcp_nack_open(&f, &w), 0);
        for (size_t k = 0; k < n; k++) {
            assert_true(rtcp_nack_next(&w, &sequence));
            assert_int_equal(sequence, lost[k]);
        }
        assert_false(rtcp_nack_next(&w, &sequence));
    }
    buf_free(&out);
}

static void seventeen_losses_in_a_row_take_one_entry(void **state)
{
    uint16_t lost[18];
    struct buf out = {0};

    (void)state;
    for (uint16_t i = 0; i < 18; i++)
        lost[i] = (uint16_t)(65530 + i);
    assert_int_equal(rtcp_nack_write(1, 2, lost, 17, &out), 0);
    assert_int_equal(out.n, 16);
    buf_clear(&out);
    assert_int_equal(rtcp_nack_write(1, 2, lost, 18, &out), 0);
    assert_int_equal(out.n, 20);
    buf_free(&out);
}

/* Rising each, but the last is more than half the numbers from the first. */
static void a_nack_may_span_more_than_half_the_numbers(void **state)
{
    static const uint16_t lost[] = {0, 10, 32777, 65000, 65016};
    struct buf out = {0};
    struct rtcp_walk walk;
    struct rtcp_packet p;
    struct rtcp_feedback f;
    struct rtcp_nack_walk w;
    uint16_t sequence;

    (void)state;
    assert_int_equal(rtcp_nack_write(1, 2, lost, 5, &out), 0);
    assert_int_equal(rtcp_open(buf_view(&out), &walk), 0);
    assert_true(rtcp_next(&walk, &p));
    assert_int_equal(rtcp_feedback_read(&p, &f), 0);
    assert_int_equal(rtcp_nack_open(&f, &w), 0);
    for (size_t i = 0; i < 5; i++) {
        assert_true(rtcp_nack_next(&w, &sequence));
        assert_int_equal(sequence, lost[i]);
    }
    assert_false(rtcp_nack_next(&w, &sequence));
    buf_free(&out);
}

static void a_nack_out_of_order_or_of_nothing_is_not_written(void **state)
{
    static const uint16_t repeated[] = {4, 5, 5};
    static const uint16_t backward[] = {4, 3};
    struct buf out = {0};

    (void)state;
    assert_int_equal(rtcp_nack_write(1, 2, repeated, 3, &out), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_nack_write(1, 2, backward, 2, &out), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_nack_write(1, 2, repeated, 0, &out), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
}

static void a_picture_loss_says_nothing_but_who(void **state)
{
    struct rtcp_feedback f = {0};
    struct buf out = {0};

    (void)state;
    assert_int_equal(rtcp_pli_write(3, 4, &out), 0);
    assert_int_equal(out.n, 12);
    assert_int_equal(feedback_of(out.p, out.n, &f), 0);
    assert_int_equal(f.kind, RTCP_FB_PLI);
    assert_int_equal(f.sender_ssrc, 3);
    assert_int_equal(f.media_ssrc, 4);
    buf_put_zero(&out, 4);
    out.p[3] = 3;
    assert_int_equal(feedback_of(out.p, out.n, &f), CONCLAVE_ESYNTAX);
    buf_free(&out);
}

static void a_full_intra_request_names_its_streams(void **state)
{
    static const struct rtcp_fir fir[] = {{0xdeadbeef, 255}, {7, 0}};
    struct rtcp_feedback f;
    struct buf out = {0};
    size_t n;

    (void)state;
    assert_int_equal(rtcp_fir_write(3, fir, 2, &out), 0);
    assert_int_equal(feedback_of(out.p, out.n, &f), 0);
    assert_int_equal(f.kind, RTCP_FB_FIR);
    assert_int_equal(f.media_ssrc, 0);
    assert_int_equal(rtcp_fir_count(&f, &n), 0);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(rtcp_fir_at(&f, i).ssrc, fir[i].ssrc);
        assert_int_equal(rtcp_fir_at(&f, i).sequence, fir[i].sequence);
    }
    f.fci.n -= 4;
    assert_int_equal(rtcp_fir_count(&f, &n), CONCLAVE_ESYNTAX);
    f.fci.n = 0;
    assert_int_equal(rtcp_fir_count(&f, &n), CONCLAVE_ESYNTAX);
    assert_int_equal(rtcp_fir_write(3, fir, 0, &out), CONCLAVE_EINVAL);
    static const struct rtcp_fir many[RTCP_COUNT_MAX + 1];
    assert_int_equal(rtcp_fir_write(3, many, RTCP_COUNT_MAX + 1, &out), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_fir_write(3, many, RTCP_COUNT_MAX, &out), 0);
    buf_free(&out);
}

static void a_bitrate_is_mantissa_and_exponent(void **state)
{
    /* 0x3ffff << 1 for two streams */
    static const uint8_t data[] = {0x8f, 206, 0, 6, 0,    0,    0, 1, 0, 0, 0, 0, 'R', 'E',
                                   'M',  'B', 2, 7, 0xff, 0xff, 0, 0, 0, 9, 0, 0, 0,   10};
    struct rtcp_feedback f;
    struct rtcp_remb m;

    (void)state;
    assert_int_equal(feedback_of(data, sizeof data, &f), 0);
    assert_int_equal(f.kind, RTCP_FB_REMB);
    assert_int_equal(rtcp_remb_read(&f, &m), 0);
    assert_true(m.bitrate == UINT64_C(0x3ffff) << 1);
    assert_int_equal(m.count, 2);
    assert_int_equal(m.ssrc[0], 9);
    assert_int_equal(m.ssrc[1], 10);
    f.fci.n -= 4;
    assert_int_equal(rtcp_remb_read(&f, &m), CONCLAVE_ESYNTAX);
    f.fci.n -= 5;
    assert_int_equal(rtcp_remb_read(&f, &m), CONCLAVE_ESYNTAX);
}

static void a_bitrate_beyond_64_bits_is_refused(void **state)
{
    uint8_t data[20] = {0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B'};
    struct rtcp_feedback f;
    struct rtcp_remb m;

    (void)state;
    data[17] = 46 << 2 | 3; /* 18 bits up by 46: just fits */
    data[18] = 0xff;
    data[19] = 0xff;
    assert_int_equal(feedback_of(data, sizeof data, &f), 0);
    assert_int_equal(rtcp_remb_read(&f, &m), 0);
    assert_true(m.bitrate == UINT64_C(0x3ffff) << 46);
    data[17] = 47 << 2 | 3;
    assert_int_equal(feedback_of(data, sizeof data, &f), 0);
    assert_int_equal(rtcp_remb_read(&f, &m), CONCLAVE_ESYNTAX);
}

static void more_streams_than_the_limit_are_refused(void **state)
{
    uint8_t data[20 + 255 * 4] = {0x8f, 206, 1, 3, 0, 0, 0, 1, 0, 0, 0, 0, 'R', 'E', 'M', 'B', 255};
    struct rtcp_remb m = {.count = RTCP_REMB_SSRCS_MAX + 1};
    struct rtcp_feedback f;
    struct buf out = {0};

    (void)state;
    assert_int_equal(feedback_of(data, sizeof data, &f), 0);
    assert_int_equal(rtcp_remb_write(1, &m, &out), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_remb_read(&f, &m), CONCLAVE_ELIMIT);
}

static void random_bitrates_come_back_rounded_down_to_18_bits(void **state)
{
    struct random random = {9};
    struct buf out = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        struct rtcp_remb m = {.bitrate = random_u64(&random) >> random_below(&random, 64),
                              .count = (uint8_t)random_below(&random, RTCP_REMB_SSRCS_MAX + 1)};
        struct rtcp_remb k;
        struct rtcp_feedback f;
        for (unsigned s = 0; s < m.count; s++)
            m.ssrc[s] = (uint32_t)random_u64(&random);
        buf_clear(&out);
        assert_int_equal(rtcp_remb_write(1, &m, &out), 0);
        assert_int_equal(feedback_of(out.p, out.n, &f), 0);
        assert_int_equal(rtcp_remb_read(&f, &k), 0);
        assert_true(k.bitrate <= m.bitrate && m.bitrate - k.bitrate <= m.bitrate >> 17);
        assert_true(m.bitrate > 0x3ffff || k.bitrate == m.bitrate);
        assert_int_equal(k.count, m.count);
        assert_memory_equal(k.ssrc, m.ssrc, m.count * sizeof m.ssrc[0]);
    }
    buf_free(&out);
}

static void unknown_feedback_is_known_to_be_unknown(void **state)
{
    uint8_t data[16] = {0x80, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 'X', 'E', 'M', 'B'};
    unsigned known = 0;
    struct rtcp_feedback f;

    (void)state;
    for (unsigned type = 205; type <= 206; type++) {
        for (unsigned format = 0; format < 32; format++) {
            data[0] = (uint8_t)(0x80 | format);
            data[1] = (uint8_t)type;
            if (type == 206 && format == 1)
                continue; /* a PLI with parameters, tested above */
            assert_int_equal(feedback_of(data, sizeof data, &f), 0);
            known += f.kind != RTCP_FB_UNKNOWN;
        }
    }
    assert_int_equal(known, 3); /* NACK, transport-cc, FIR; this format 15 is no REMB */
}

static void a_reader_for_another_kind_says_so(void **state)
{
    struct rtcp_feedback f = {.kind = RTCP_FB_PLI};
    struct rtcp_packet p = {.type = RTCP_SR};
    struct rtcp_nack_walk w;
    struct rtcp_remb m;
    size_t n;

    (void)state;
    assert_int_equal(rtcp_nack_open(&f, &w), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_fir_count(&f, &n), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_remb_read(&f, &m), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_feedback_read(&p, &f), CONCLAVE_EINVAL);
    struct buf out = {0};
    assert_int_equal(rtcp_feedback_begin(&out, RTCP_FB_UNKNOWN, 1, 2, 0), CONCLAVE_EINVAL);
}

static void feedback_too_short_for_its_sources_is_refused(void **state)
{
    static const uint8_t zeros[8];
    struct rtcp_packet p = {.type = RTCP_PSFB, .count = 1};
    struct rtcp_feedback f = {.kind = RTCP_FB_NACK};
    struct rtcp_nack_walk w;

    (void)state;
    for (size_t n = 0; n < 8; n++) {
        p.body = bytes_of(zeros, n);
        assert_int_equal(rtcp_feedback_read(&p, &f), CONCLAVE_ESYNTAX);
    }
    for (size_t n = 0; n < 4; n++) {
        f.fci = bytes_of(zeros, n);
        assert_int_equal(rtcp_nack_open(&f, &w), CONCLAVE_ESYNTAX);
    }
}

static int writes_feedback(void *ctx)
{
    static const uint16_t lost[] = {1, 100, 200, 300, 400, 500, 600, 700, 800, 900};
    struct rtcp_remb m = {.count = RTCP_REMB_SSRCS_MAX};
    struct buf out = {0};
    size_t before = 0;
    int rv = rtcp_pli_write(1, 2, &out);

    (void)ctx;
    if (rv == 0) {
        before = out.n;
        rv = rtcp_nack_write(1, 2, lost, 10, &out);
    }
    if (rv == 0) {
        before = out.n;
        rv = rtcp_remb_write(1, &m, &out);
    }
    if (rv != 0)
        assert_int_equal(out.n, before);
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_leaves_whole_packets_only(void **state)
{
    (void)state;
    assert_true(alloc_sweep(writes_feedback, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nack_names_a_packet_and_the_sixteen_after_it),
        cmocka_unit_test(random_losses_are_asked_for_exactly),
        cmocka_unit_test(seventeen_losses_in_a_row_take_one_entry),
        cmocka_unit_test(a_nack_may_span_more_than_half_the_numbers),
        cmocka_unit_test(a_nack_out_of_order_or_of_nothing_is_not_written),
        cmocka_unit_test(a_picture_loss_says_nothing_but_who),
        cmocka_unit_test(a_full_intra_request_names_its_streams),
        cmocka_unit_test(a_bitrate_is_mantissa_and_exponent),
        cmocka_unit_test(a_bitrate_beyond_64_bits_is_refused),
        cmocka_unit_test(more_streams_than_the_limit_are_refused),
        cmocka_unit_test(random_bitrates_come_back_rounded_down_to_18_bits),
        cmocka_unit_test(unknown_feedback_is_known_to_be_unknown),
        cmocka_unit_test(a_reader_for_another_kind_says_so),
        cmocka_unit_test(feedback_too_short_for_its_sources_is_refused),
        cmocka_unit_test(a_failed_allocation_leaves_whole_packets_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
