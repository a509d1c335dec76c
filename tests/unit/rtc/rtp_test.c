/* RTP headers: every field where RFC 3550 5.1 puts it, and nothing read that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/rtp.h"
#include "rtc/sequence.h"
#include "support/alloc_fail.h"
#include "support/random.h"

/* Marker, payload type 96, two sources, an extension of one word, three bytes of payload and two
 * of padding. */
static const uint8_t full[] = {
    0xb2, 0xe0, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 0xca, 0xfe, 0xba, 0xbe, /* fixed header */
    0x00, 0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x02,                         /* sources */
    0xbe, 0xde, 0x00, 0x01, 0x10, 0x61, 0x00, 0x00,                         /* extension */
    0x0a, 0x0b, 0x0c, 0x00, 0x02,                                           /* payload, padding */
};

static void every_field_is_where_the_rfc_puts_it(void **state)
{
    struct rtp_packet p;

    (void)state;
    assert_int_equal(rtp_packet_read(bytes_of(full, sizeof full), &p), 0);
    assert_true(p.header.marker && p.header.padded && p.header.extended);
    assert_int_equal(p.header.payload_type, 96);
    assert_int_equal(p.header.sequence, 0x1234);
    assert_int_equal(p.header.timestamp, 0xdeadbeef);
    assert_int_equal(p.header.ssrc, 0xcafebabe);
    assert_int_equal(p.header.csrcs.n, 8);
    assert_int_equal(rtp_csrc(&p.header, 0), 1);
    assert_int_equal(rtp_csrc(&p.header, 1), 0x80000002);
    assert_int_equal(p.header.extension_profile, 0xbede);
    assert_int_equal(p.header.extension.n, 4);
    assert_ptr_equal(p.header.extension.p, full + 24);
    assert_int_equal(p.header.size, 28);
    assert_int_equal(p.payload.n, 3);
    assert_ptr_equal(p.payload.p, full + 28);
    assert_int_equal(p.padding, 2);
}

static void what_was_read_is_written_back_byte_for_byte(void **state)
{
    struct rtp_packet p;
    struct buf out = {0};

    (void)state;
    assert_int_equal(rtp_packet_read(bytes_of(full, sizeof full), &p), 0);
    assert_int_equal(rtp_packet_write(&p, &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_of(full, sizeof full)));
    buf_clear(&out);
    assert_int_equal(rtp_header_write(&p.header, &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_of(full, 28)));
    buf_free(&out);
}

static void each_truncated_header_is_refused_and_leaves_the_output_alone(void **state)
{
    struct rtp_header h = {.ssrc = 77};

    (void)state;
    for (size_t n = 0; n < 28; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1); /* the sanitizer sees a read beyond it */
        assert_non_null(exact);
        memcpy(exact, full, n);
        assert_int_equal(rtp_header_read(bytes_of(exact, n), &h), CONCLAVE_ESYNTAX);
        assert_int_equal(h.ssrc, 77);
        free(exact);
    }
    assert_int_equal(rtp_header_read(bytes_of(full, 28), &h), 0);
}

static void other_versions_are_refused(void **state)
{
    uint8_t data[sizeof full];
    struct rtp_packet p;

    (void)state;
    for (unsigned version = 0; version < 4; version++) {
        memcpy(data, full, sizeof full);
        data[0] = (uint8_t)((data[0] & 0x3f) | version << 6);
        assert_int_equal(rtp_packet_read(bytes_of(data, sizeof data), &p),
                         version == 2 ? 0 : CONCLAVE_ESYNTAX);
    }
}

static void padding_has_to_fit_the_payload(void **state)
{
    uint8_t data[sizeof full];
    struct rtp_packet p;
    struct rtp_header h;

    (void)state;
    memcpy(data, full, sizeof full);
    data[sizeof data - 1] = 0;
    assert_int_equal(rtp_packet_read(bytes_of(data, sizeof data), &p), CONCLAVE_ESYNTAX);
    data[sizeof data - 1] = 6;
    assert_int_equal(rtp_packet_read(bytes_of(data, sizeof data), &p), CONCLAVE_ESYNTAX);
    assert_int_equal(rtp_header_read(bytes_of(data, sizeof data), &h), 0);
    data[sizeof data - 1] = 5;
    assert_int_equal(rtp_packet_read(bytes_of(data, sizeof data), &p), 0);
    assert_int_equal(p.payload.n, 0);
    /* a P bit without a single byte after the header */
    assert_int_equal(rtp_packet_read(bytes_of(data, 28), &p), CONCLAVE_ESYNTAX);
}

static void an_extension_may_be_empty(void **state)
{
    static const uint8_t data[] = {0x90, 0x60, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 0, 9};
    struct rtp_packet p;

    (void)state;
    assert_int_equal(rtp_packet_read(bytes_of(data, sizeof data), &p), 0);
    assert_true(p.header.extended);
    assert_int_equal(p.header.extension.n, 0);
    assert_int_equal(p.payload.n, 1);
}

static void assert_not_written(const struct rtp_packet *p)
{
    struct buf out = {0};

    buf_put(&out, bytes_str("kept"));
    assert_int_equal(rtp_packet_write(p, &out), CONCLAVE_EINVAL);
    if (p->header.padded == (p->padding != 0)) /* the fault is in the header */
        assert_int_equal(rtp_header_write(&p->header, &out), CONCLAVE_EINVAL);
    assert_true(bytes_equal(buf_view(&out), bytes_str("kept")));
    buf_free(&out);
}

static void what_could_not_be_read_back_is_not_written(void **state)
{
    static const uint8_t zeros[68];
    struct rtp_packet good = {.header = {.payload_type = 127}};
    struct rtp_packet bad = good;

    (void)state;
    bad.header.payload_type = 128;
    assert_not_written(&bad);
    bad = good;
    bad.header.csrcs = bytes_of(zeros, 64);
    assert_not_written(&bad);
    bad.header.csrcs = bytes_of(zeros, 6);
    assert_not_written(&bad);
    bad = good;
    bad.header.extension = bytes_of(zeros, 4);
    assert_not_written(&bad);
    bad.header.extended = true;
    bad.header.extension = bytes_of(zeros, 5);
    assert_not_written(&bad);
    bad = good;
    bad.padding = 1;
    assert_not_written(&bad);
    bad.padding = 0;
    bad.header.padded = true;
    assert_not_written(&bad);
}

static void an_extension_has_at_most_65535_words(void **state)
{
    static const uint8_t zeros[65536 * 4];
    struct rtp_packet p = {.header = {.extended = true}};
    struct rtp_header h;
    struct buf out = {0};

    (void)state;
    p.header.extension = bytes_of(zeros, sizeof zeros);
    assert_not_written(&p);
    p.header.extension.n -= 4;
    assert_int_equal(rtp_packet_write(&p, &out), 0);
    assert_int_equal(rtp_header_read(buf_view(&out), &h), 0);
    assert_int_equal(h.extension.n, sizeof zeros - 4);
    buf_free(&out);
}

static void random_packets_come_back_as_they_were(void **state)
{
    struct random random = {1};
    uint8_t content[2000];
    struct buf out = {0};

    (void)state;
    random_fill(&random, content, sizeof content);
    for (int i = 0; i < 5000; i++) {
        struct rtp_packet p = {
            .header = {.marker = random_chance(&random, 50),
                       .extended = random_chance(&random, 50),
                       .payload_type = (uint8_t)random_below(&random, 128),
                       .sequence = (uint16_t)random_u64(&random),
                       .timestamp = (uint32_t)random_u64(&random),
                       .ssrc = (uint32_t)random_u64(&random),
                       .csrcs = bytes_of(content, 4 * random_below(&random, 16))},
            .payload = bytes_of(content + 100, random_below(&random, 1500)),
            .padding = (uint8_t)(random_chance(&random, 50) ? random_u64(&random) : 0),
        };
        p.header.padded = p.padding != 0;
        if (p.header.extended) {
            p.header.extension_profile = (uint16_t)random_u64(&random);
            p.header.extension = bytes_of(content + 50, 4 * random_below(&random, 60));
        }
        buf_clear(&out);
        assert_int_equal(rtp_packet_write(&p, &out), 0);

        struct rtp_packet q;
        assert_int_equal(rtp_packet_read(buf_view(&out), &q), 0);
        assert_int_equal(q.header.marker, p.header.marker);
        assert_int_equal(q.header.payload_type, p.header.payload_type);
        assert_int_equal(q.header.sequence, p.header.sequence);
        assert_int_equal(q.header.timestamp, p.header.timestamp);
        assert_int_equal(q.header.ssrc, p.header.ssrc);
        assert_true(bytes_equal(q.header.csrcs, p.header.csrcs));
        assert_int_equal(q.header.extension_profile, p.header.extension_profile);
        assert_true(bytes_equal(q.header.extension, p.header.extension));
        assert_true(bytes_equal(q.payload, p.payload));
        assert_int_equal(q.padding, p.padding);
    }
    buf_free(&out);
}

static void a_forwarder_changes_one_field_and_no_other(void **state)
{
    uint8_t data[sizeof full];
    struct rtp_header h;

    (void)state;
    memcpy(data, full, sizeof full);
    rtp_set_marker(data, false);
    rtp_set_payload_type(data, 111);
    rtp_set_sequence(data, 0xabcd);
    rtp_set_timestamp(data, 0x01020304);
    rtp_set_ssrc(data, 0x11223344);
    assert_int_equal(rtp_header_read(bytes_of(data, sizeof data), &h), 0);
    assert_false(h.marker);
    assert_int_equal(h.payload_type, 111);
    assert_int_equal(h.sequence, 0xabcd);
    assert_int_equal(h.timestamp, 0x01020304);
    assert_int_equal(h.ssrc, 0x11223344);
    assert_int_equal(data[0], full[0]);
    assert_memory_equal(data + 12, full + 12, sizeof full - 12);
    rtp_set_marker(data, true);
    assert_int_equal(data[1], 0x80 | 111);
}

static void rtcp_is_told_from_rtp_by_its_packet_type(void **state)
{
    uint8_t data[4] = {0x80, 0, 0, 0};

    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        data[1] = (uint8_t)type;
        assert_int_equal(rtp_is_rtcp(bytes_of(data, 4)), type >= 192 && type <= 223);
    }
    data[1] = 200;
    assert_false(rtp_is_rtcp(bytes_of(data, 3)));
}

static int writes_a_packet(void *ctx)
{
    struct rtp_packet p;
    struct buf out = {0};
    int rv = rtp_packet_read(bytes_of(full, sizeof full), &p);

    (void)ctx;
    if (rv == 0)
        rv = rtp_packet_write(&p, &out);
    if (rv != 0)
        assert_int_equal(out.n, 0);
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_leaves_the_output_as_it_was(void **state)
{
    (void)state;
    assert_true(alloc_sweep(writes_a_packet, NULL) > 0);
}

static void sequence_numbers_are_ordered_across_the_wrap(void **state)
{
    (void)state;
    assert_int_equal(sequence_distance(65535, 0), 1);
    assert_int_equal(sequence_distance(0, 65535), -1);
    assert_int_equal(sequence_distance(0, 32767), 32767);
    assert_int_equal(sequence_distance(0, 32768), -32768);
    assert_true(sequence_newer(2, 65530));
    assert_false(sequence_newer(65530, 2));
    assert_false(sequence_newer(7, 7));
}

static void unwrapped_numbers_never_wrap_and_never_go_negative(void **state)
{
    struct sequence_unwrap u = {0};
    struct random random = {2};
    int64_t truth = 0x10000 + 3;

    (void)state;
    assert_int_equal(sequence_unwrap(&u, 3), truth);
    assert_int_equal(sequence_unwrap(&u, 65530), truth - 9);
    for (int i = 0; i < 100000; i++) {
        truth += (int64_t)random_below(&random, 200) - 50;
        if (truth < u.highest - 30000)
            truth = u.highest;
        assert_int_equal(sequence_unwrap(&u, (uint16_t)truth), truth);
    }
    assert_true(truth > INT64_C(5) * 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_where_the_rfc_puts_it),
        cmocka_unit_test(what_was_read_is_written_back_byte_for_byte),
        cmocka_unit_test(each_truncated_header_is_refused_and_leaves_the_output_alone),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(padding_has_to_fit_the_payload),
        cmocka_unit_test(an_extension_may_be_empty),
        cmocka_unit_test(what_could_not_be_read_back_is_not_written),
        cmocka_unit_test(an_extension_has_at_most_65535_words),
        cmocka_unit_test(random_packets_come_back_as_they_were),
        cmocka_unit_test(a_forwarder_changes_one_field_and_no_other),
        cmocka_unit_test(rtcp_is_told_from_rtp_by_its_packet_type),
        cmocka_unit_test(a_failed_allocation_leaves_the_output_as_it_was),
        cmocka_unit_test(sequence_numbers_are_ordered_across_the_wrap),
        cmocka_unit_test(unwrapped_numbers_never_wrap_and_never_go_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
