/* RTCP: framing of compounds is checked whole, and reports mean what RFC 3550 6.4 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/rtcp.h"
#include "support/alloc_fail.h"
#include "support/random.h"

/* SR with one report, SDES with a CNAME and a NOTE, BYE with a reason and four bytes of padding. */
static const uint8_t compound[] = {
    0x81, 200,  0,    12,   0,    0,    0,    1,    /* SR of source 1 */
    0x83, 0xaa, 0x7e, 0x80, 0x40, 0,    0,    0,    /* NTP */
    0,    0,    0x10, 0,    0,    0,    0,    7,    /* RTP timestamp, packets */
    0,    0,    1,    0,    0,    0,    0,    2,    /* octets; report on source 2 */
    0x40, 0xff, 0xff, 0xfe, 0,    1,    0xff, 0xff, /* a quarter lost, -2 in all; highest */
    0,    0,    0,    9,    0x7e, 0x80, 0x40, 0,    /* jitter, last SR */
    0,    1,    0,    0,                            /* a second later */
    0x81, 202,  0,    4,    0,    0,    0,    1,    /* SDES */
    7,    1,    'n',  1,    3,    'a',  '@',  'b',  /* NOTE, CNAME */
    0,    0,    0,    0,                            /* end of the list */
    0xa1, 203,  0,    4,    0,    0,    0,    1,    /* BYE, padded */
    4,    'd',  'o',  'n',  'e',  0,    0,    0,    /* reason */
    0,    0,    0,    4,                            /* padding */
};

static struct rtcp_packet nth_packet(unsigned n)
{
    struct rtcp_walk w;
    struct rtcp_packet p;

    assert_int_equal(rtcp_open(bytes_of(compound, sizeof compound), &w), 0);
    do
        assert_true(rtcp_next(&w, &p));
    while (n-- != 0);
    return p;
}

static void a_compound_is_walked_packet_by_packet(void **state)
{
    struct rtcp_walk w;
    struct rtcp_packet p;

    (void)state;
    assert_int_equal(rtcp_open(bytes_of(compound, sizeof compound), &w), 0);
    assert_true(rtcp_next(&w, &p));
    assert_int_equal(p.type, RTCP_SR);
    assert_int_equal(p.count, 1);
    assert_int_equal(p.body.n, 48);
    assert_true(rtcp_next(&w, &p));
    assert_int_equal(p.type, RTCP_SDES);
    assert_true(rtcp_next(&w, &p));
    assert_int_equal(p.type, RTCP_BYE);
    assert_int_equal(p.body.n, 12);
    assert_false(rtcp_next(&w, &p));
}

static void a_sender_report_is_read(void **state)
{
    struct rtcp_packet p = nth_packet(0);
    struct rtcp_report_packet r;

    (void)state;
    assert_int_equal(rtcp_report_read(&p, &r), 0);
    assert_true(r.is_sender);
    assert_int_equal(r.ssrc, 1);
    assert_true(r.ntp == UINT64_C(0x83aa7e8040000000));
    assert_int_equal(r.rtp_timestamp, 0x1000);
    assert_int_equal(r.packets, 7);
    assert_int_equal(r.octets, 256);
    assert_int_equal(r.report_count, 1);
    assert_int_equal(r.report[0].ssrc, 2);
    assert_int_equal(r.report[0].fraction_lost, 64);
    assert_int_equal(r.report[0].cumulative_lost, -2);
    assert_int_equal(r.report[0].highest_sequence, 0x1ffff);
    assert_int_equal(r.report[0].jitter, 9);
    assert_int_equal(r.report[0].last_sr, 0x7e804000);
    assert_int_equal(r.report[0].delay_since_sr, 0x10000);
}

static void a_source_is_named_and_other_items_are_skipped(void **state)
{
    struct rtcp_packet p = nth_packet(1);
    struct rtcp_sdes s;

    (void)state;
    assert_int_equal(rtcp_sdes_read(&p, &s), 0);
    assert_int_equal(s.count, 1);
    assert_int_equal(s.chunk[0].ssrc, 1);
    assert_true(bytes_equal(s.chunk[0].cname, bytes_str("a@b")));
}

static void a_goodbye_may_give_a_reason(void **state)
{
    struct rtcp_packet p = nth_packet(2);
    struct rtcp_bye b;

    (void)state;
    assert_int_equal(rtcp_bye_read(&p, &b), 0);
    assert_int_equal(b.count, 1);
    assert_int_equal(b.ssrc[0], 1);
    assert_true(bytes_equal(b.reason, bytes_str("done")));
}

static void each_truncation_of_a_compound_is_refused_but_at_packet_ends(void **state)
{
    struct rtcp_walk w = {.left = bytes_str("kept")};

    (void)state;
    for (size_t n = 0; n < sizeof compound; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1);
        struct rtcp_walk fresh;
        assert_non_null(exact);
        memcpy(exact, compound, n);
        if (n == 52 || n == 72) {
            assert_int_equal(rtcp_open(bytes_of(exact, n), &fresh), 0);
        } else {
            assert_int_equal(rtcp_open(bytes_of(exact, n), &w), CONCLAVE_ESYNTAX);
            assert_true(bytes_equal(w.left, bytes_str("kept")));
        }
        free(exact);
    }
}

static int open_changed(size_t at, uint8_t value)
{
    uint8_t data[sizeof compound];
    struct rtcp_walk w;

    memcpy(data, compound, sizeof data);
    data[at] = value;
    return rtcp_open(bytes_of(data, sizeof data), &w);
}

static void versions_lengths_and_padding_are_checked_everywhere(void **state)
{
    static const size_t starts[] = {0, 52, 72};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        uint8_t first = compound[starts[i]];
        assert_int_equal(open_changed(starts[i], first & 0x3f), CONCLAVE_ESYNTAX);
        assert_int_equal(open_changed(starts[i], first | 0xc0), CONCLAVE_ESYNTAX);
        assert_int_equal(open_changed(starts[i] + 2, 1), CONCLAVE_ESYNTAX);
    }
    assert_int_equal(open_changed(sizeof compound - 1, 0), CONCLAVE_ESYNTAX);
    assert_int_equal(open_changed(sizeof compound - 1, 17), CONCLAVE_ESYNTAX);
    assert_int_equal(open_changed(sizeof compound - 1, 16), 0);
    assert_int_equal(open_changed(sizeof compound - 1, 3), 0); /* as browsers do */
}

static void a_count_that_the_body_does_not_hold_is_refused(void **state)
{
    struct rtcp_report_packet r = {.ssrc = 77};
    struct rtcp_sdes s = {.count = 77};
    struct rtcp_bye b = {.count = 77};

    (void)state;
    for (unsigned count = 2; count < 32; count++) {
        struct rtcp_packet p = nth_packet(0);
        p.count = (uint8_t)count;
        assert_int_equal(rtcp_report_read(&p, &r), CONCLAVE_ESYNTAX);
        p.type = RTCP_RR;
        assert_int_equal(rtcp_report_read(&p, &r), CONCLAVE_ESYNTAX);
        p = nth_packet(1);
        p.count = (uint8_t)count;
        assert_int_equal(rtcp_sdes_read(&p, &s), CONCLAVE_ESYNTAX);
        p = nth_packet(2);
        p.count = (uint8_t)(count + 2);
        if (p.count < 32)
            assert_int_equal(rtcp_bye_read(&p, &b), CONCLAVE_ESYNTAX);
    }
    assert_int_equal(r.ssrc, 77);
    assert_int_equal(s.count, 77);
    assert_int_equal(b.count, 77);
}

static void each_truncation_of_a_body_is_refused(void **state)
{
    struct rtcp_report_packet r;
    struct rtcp_sdes s;
    struct rtcp_bye b;

    (void)state;
    for (size_t n = 0; n < 48; n++) {
        struct rtcp_packet p = nth_packet(0);
        p.body.n = n;
        assert_int_equal(rtcp_report_read(&p, &r), CONCLAVE_ESYNTAX);
    }
    for (size_t n = 0; n < 16; n += 4) {
        struct rtcp_packet p = nth_packet(1);
        p.body.n = n;
        assert_int_equal(rtcp_sdes_read(&p, &s), CONCLAVE_ESYNTAX);
    }
    for (size_t n = 0; n < 12; n += 4) {
        struct rtcp_packet p = nth_packet(2);
        p.body.n = n;
        /* without the reason it is whole */
        assert_int_equal(rtcp_bye_read(&p, &b), n == 4 ? 0 : CONCLAVE_ESYNTAX);
    }
}

static void a_source_with_two_names_is_refused(void **state)
{
    static const uint8_t body[] = {0, 0, 0, 1, 1, 1, 'a', 1, 1, 'b', 0, 0};
    struct rtcp_packet p = {.type = RTCP_SDES, .count = 1, .body = bytes_of(body, sizeof body)};
    struct rtcp_sdes s;

    (void)state;
    assert_int_equal(rtcp_sdes_read(&p, &s), CONCLAVE_EDUPLICATE);
}

static void bytes_after_the_last_source_description_are_refused(void **state)
{
    static const uint8_t body[] = {0, 0, 0, 1, 1, 1, 'a', 0, 0, 0, 0, 0};
    struct rtcp_packet p = {.type = RTCP_SDES, .count = 1, .body = bytes_of(body, sizeof body)};
    struct rtcp_sdes s;

    (void)state;
    assert_int_equal(rtcp_sdes_read(&p, &s), CONCLAVE_ESYNTAX);
    p.body.n = 8;
    assert_int_equal(rtcp_sdes_read(&p, &s), 0);
}

static void a_reader_for_another_type_says_so(void **state)
{
    struct rtcp_packet p = nth_packet(0);
    struct rtcp_packet bye = nth_packet(2);
    struct rtcp_report_packet r;
    struct rtcp_sdes s;
    struct rtcp_bye b;

    (void)state;
    assert_int_equal(rtcp_sdes_read(&p, &s), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_bye_read(&p, &b), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_report_read(&bye, &r), CONCLAVE_EINVAL);
}

static struct rtcp_packet only_packet(const struct buf *b)
{
    struct rtcp_walk w;
    struct rtcp_packet p;
    struct rtcp_packet none;

    assert_int_equal(rtcp_open(buf_view(b), &w), 0);
    assert_true(rtcp_next(&w, &p));
    assert_false(rtcp_next(&w, &none));
    return p;
}

static void random_reports_come_back_as_they_were(void **state)
{
    struct random random = {6};
    struct buf out = {0};

    (void)state;
    for (int i = 0; i < 1000; i++) {
        struct rtcp_report_packet r = {.is_sender = random_chance(&random, 50),
                                       .report_count = (uint8_t)random_below(&random, 32),
                                       .ssrc = (uint32_t)random_u64(&random)};
        struct rtcp_report_packet s;
        if (r.is_sender) {
            r.ntp = random_u64(&random);
            r.rtp_timestamp = (uint32_t)random_u64(&random);
            r.packets = (uint32_t)random_u64(&random);
            r.octets = (uint32_t)random_u64(&random);
        }
        for (unsigned k = 0; k < r.report_count; k++)
            r.report[k] = (struct rtcp_report){
                .ssrc = (uint32_t)random_u64(&random),
                .fraction_lost = (uint8_t)random_u64(&random),
                .cumulative_lost = (int32_t)random_below(&random, 1 << 24) - (1 << 23),
                .highest_sequence = (uint32_t)random_u64(&random),
                .jitter = (uint32_t)random_u64(&random),
                .last_sr = (uint32_t)random_u64(&random),
                .delay_since_sr = (uint32_t)random_u64(&random),
            };
        buf_clear(&out);
        assert_int_equal(rtcp_report_write(&r, &out), 0);
        struct rtcp_packet p = only_packet(&out);
        assert_int_equal(rtcp_report_read(&p, &s), 0);
        assert_int_equal(s.is_sender, r.is_sender);
        assert_int_equal(s.report_count, r.report_count);
        assert_int_equal(s.ssrc, r.ssrc);
        assert_true(s.ntp == r.ntp);
        assert_int_equal(s.rtp_timestamp, r.rtp_timestamp);
        assert_int_equal(s.packets, r.packets);
        assert_int_equal(s.octets, r.octets);
        for (unsigned k = 0; k < r.report_count; k++) {
            assert_int_equal(s.report[k].ssrc, r.report[k].ssrc);
            assert_int_equal(s.report[k].fraction_lost, r.report[k].fraction_lost);
            assert_int_equal(s.report[k].cumulative_lost, r.report[k].cumulative_lost);
            assert_int_equal(s.report[k].highest_sequence, r.report[k].highest_sequence);
            assert_int_equal(s.report[k].jitter, r.report[k].jitter);
            assert_int_equal(s.report[k].last_sr, r.report[k].last_sr);
            assert_int_equal(s.report[k].delay_since_sr, r.report[k].delay_since_sr);
        }
    }
    buf_free(&out);
}

static void cumulative_loss_has_a_sign(void **state)
{
    static const int32_t values[] = {-0x800000, -1, 0, 0x7fffff};
    struct buf out = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct rtcp_report_packet r = {.report_count = 1,
                                       .report = {{.cumulative_lost = values[i]}}};
        buf_clear(&out);
        assert_int_equal(rtcp_report_write(&r, &out), 0);
        struct rtcp_packet p = only_packet(&out);
        assert_int_equal(rtcp_report_read(&p, &r), 0);
        assert_int_equal(r.report[0].cumulative_lost, values[i]);
    }
    buf_free(&out);
}

static void random_names_and_goodbyes_come_back_as_they_were(void **state)
{
    struct random random = {7};
    uint8_t text[255];
    struct buf out = {0};

    (void)state;
    random_fill(&random, text, sizeof text);
    for (int i = 0; i < 1000; i++) {
        struct rtcp_sdes s = {.count = (uint8_t)random_below(&random, 32)};
        struct rtcp_bye b = {.count = (uint8_t)random_below(&random, 32),
                             .reason = bytes_of(text, random_below(&random, 256))};
        struct rtcp_sdes t;
        struct rtcp_bye c;
        for (unsigned k = 0; k < s.count; k++)
            s.chunk[k] =
                (struct rtcp_sdes_chunk){.ssrc = (uint32_t)random_u64(&random),
                                         .cname = bytes_of(text, 1 + random_below(&random, 255))};
        for (unsigned k = 0; k < b.count; k++)
            b.ssrc[k] = (uint32_t)random_u64(&random);

        buf_clear(&out);
        assert_int_equal(rtcp_sdes_write(&s, &out), 0);
        struct rtcp_packet p = only_packet(&out);
        assert_int_equal(rtcp_sdes_read(&p, &t), 0);
        assert_int_equal(t.count, s.count);
        for (unsigned k = 0; k < s.count; k++) {
            assert_int_equal(t.chunk[k].ssrc, s.chunk[k].ssrc);
            assert_true(bytes_equal(t.chunk[k].cname, s.chunk[k].cname));
        }

        buf_clear(&out);
        assert_int_equal(rtcp_bye_write(&b, &out), 0);
        p = only_packet(&out);
        assert_int_equal(rtcp_bye_read(&p, &c), 0);
        assert_int_equal(c.count, b.count);
        assert_memory_equal(c.ssrc, b.ssrc, b.count * sizeof b.ssrc[0]);
        assert_true(bytes_equal(c.reason, b.reason));
    }
    buf_free(&out);
}

static void what_could_not_be_read_back_is_not_written(void **state)
{
    static const uint8_t text[256];
    struct rtcp_report_packet r = {.report_count = 32};
    struct rtcp_sdes s = {.count = 1};
    struct rtcp_bye b = {.count = 32};
    struct buf out = {0};

    (void)state;
    assert_int_equal(rtcp_report_write(&r, &out), CONCLAVE_EINVAL);
    r.report_count = 1;
    r.report[0].cumulative_lost = 0x800000;
    assert_int_equal(rtcp_report_write(&r, &out), CONCLAVE_EINVAL);
    r.report[0].cumulative_lost = -0x800001;
    assert_int_equal(rtcp_report_write(&r, &out), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_sdes_write(&s, &out), CONCLAVE_EINVAL);
    s.chunk[0].cname = bytes_of(text, 256);
    assert_int_equal(rtcp_sdes_write(&s, &out), CONCLAVE_EINVAL);
    s.count = 32;
    assert_int_equal(rtcp_sdes_write(&s, &out), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_bye_write(&b, &out), CONCLAVE_EINVAL);
    b.count = 1;
    b.reason = bytes_of(text, 256);
    assert_int_equal(rtcp_bye_write(&b, &out), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_begin(&out, RTCP_SR, 32, 0), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_begin(&out, RTCP_SR, 0, 3), CONCLAVE_EINVAL);
    assert_int_equal(rtcp_begin(&out, RTCP_SR, 0, (size_t)65536 * 4), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
}

static int writes_a_compound(void *ctx)
{
    struct rtcp_report_packet r = {.is_sender = true, .report_count = 31};
    struct rtcp_sdes s = {.count = 1, .chunk = {{.ssrc = 1, .cname = bytes_str("name")}}};
    struct rtcp_bye b = {.count = 31};
    struct buf out = {0};
    size_t whole = 0;
    int rv = rtcp_report_write(&r, &out);

    (void)ctx;
    whole += rv == 0 ? 4 + 24 + 31 * 24 : 0;
    if (rv == 0)
        rv = rtcp_sdes_write(&s, &out);
    whole += rv == 0 ? 4 + 12 : 0;
    if (rv == 0)
        rv = rtcp_bye_write(&b, &out);
    whole += rv == 0 ? 4 + 31 * 4 : 0;
    assert_int_equal(out.n, whole); /* never half a packet */
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_leaves_whole_packets_only(void **state)
{
    (void)state;
    assert_true(alloc_sweep(writes_a_compound, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compound_is_walked_packet_by_packet),
        cmocka_unit_test(a_sender_report_is_read),
        cmocka_unit_test(a_source_is_named_and_other_items_are_skipped),
        cmocka_unit_test(a_goodbye_may_give_a_reason),
        cmocka_unit_test(each_truncation_of_a_compound_is_refused_but_at_packet_ends),
        cmocka_unit_test(versions_lengths_and_padding_are_checked_everywhere),
        cmocka_unit_test(a_count_that_the_body_does_not_hold_is_refused),
        cmocka_unit_test(each_truncation_of_a_body_is_refused),
        cmocka_unit_test(a_source_with_two_names_is_refused),
        cmocka_unit_test(bytes_after_the_last_source_description_are_refused),
        cmocka_unit_test(a_reader_for_another_type_says_so),
        cmocka_unit_test(random_reports_come_back_as_they_were),
        cmocka_unit_test(cumulative_loss_has_a_sign),
        cmocka_unit_test(random_names_and_goodbyes_come_back_as_they_were),
        cmocka_unit_test(what_could_not_be_read_back_is_not_written),
        cmocka_unit_test(a_failed_allocation_leaves_whole_packets_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
