/* Header extensions: both encodings of RFC 8285 and the elements Conclave knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/rtp_ext.h"
#include "support/alloc_fail.h"
#include "support/random.h"

static struct rtp_header block(uint16_t profile, const void *p, size_t n)
{
    struct rtp_header h = {
        .extended = true, .extension_profile = profile, .extension = bytes_of(p, n)};
    return h;
}

/* mid "a", a stray padding byte, abs-send-time, transport-cc 0x1234, audio level 5 with voice. */
static const uint8_t one_byte[] = {0x10, 'a',  0x00, 0x42, 0x01, 0x02, 0x03, 0x51,
                                   0x12, 0x34, 0xa0, 0x85, 0x00, 0x00, 0x00, 0x00};

static void the_one_byte_form_is_read(void **state)
{
    struct rtp_header h = block(RTP_EXT_ONE_BYTE, one_byte, sizeof one_byte);
    struct rtp_exts e;

    (void)state;
    assert_int_equal(rtp_exts_read(&h, NULL, &e), 0);
    assert_true(bytes_equal(e.mid, bytes_str("a")));
    assert_true(e.has_abs_send_time && e.has_transport_cc && e.has_audio_level && e.voice);
    assert_int_equal(e.abs_send_time, 0x010203);
    assert_int_equal(e.transport_cc, 0x1234);
    assert_int_equal(e.audio_level, 5);
    assert_int_equal(e.rid.n, 0);
    assert_int_equal(e.repaired_rid.n, 0);
    assert_int_equal(e.dependency_descriptor.n, 0);
}

static void the_two_byte_form_is_read_whatever_its_application_bits(void **state)
{
    static const uint8_t data[] = {0x02, 0x02, 'h',  'i', 0x00, 0x03, 0x01, 'q',
                                   0xfe, 0x00, 0x0a, 1,   0x7f, 0x00, 0x00, 0x00};
    struct rtp_exts e;

    (void)state;
    for (uint16_t bits = 0; bits < 16; bits++) {
        struct rtp_header h = block((uint16_t)(RTP_EXT_TWO_BYTE | bits), data, sizeof data);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), 0);
        assert_true(bytes_equal(e.rid, bytes_str("hi")));
        assert_true(bytes_equal(e.repaired_rid, bytes_str("q")));
        assert_true(e.has_audio_level && !e.voice);
        assert_int_equal(e.audio_level, 127);
    }
}

static void other_profiles_and_no_extension_have_no_elements(void **state)
{
    struct rtp_header h = block(0xabac, one_byte, sizeof one_byte);
    struct rtp_exts e;

    (void)state;
    assert_int_equal(rtp_exts_read(&h, NULL, &e), 0);
    assert_int_equal(e.mid.n, 0);
    h = (struct rtp_header){0};
    assert_int_equal(rtp_exts_read(&h, NULL, &e), 0);
    assert_false(e.has_transport_cc);
}

static void ids_zero_and_fifteen_end_a_one_byte_block(void **state)
{
    /* RFC 8285 4.2: what came before counts, what comes after does not, even if it is garbage */
    static const uint8_t enders[] = {0xf0, 0xff, 0x01, 0x0f};
    struct rtp_exts e;

    (void)state;
    for (size_t i = 0; i < sizeof enders; i++) {
        const uint8_t data[] = {0x10, 'a', enders[i], 0xaf};
        struct rtp_header h = block(RTP_EXT_ONE_BYTE, data, sizeof data);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), 0);
        assert_true(bytes_equal(e.mid, bytes_str("a")));
        assert_false(e.has_audio_level);
    }
}

static void an_element_that_is_cut_off_is_refused(void **state)
{
    static const uint8_t one[] = {0x00, 0x00, 0x42, 0x01};
    static const uint8_t two[] = {0x00, 0x00, 0x04, 0x03, 0x01, 0x02};
    struct rtp_exts e;

    (void)state;
    struct rtp_header h = block(RTP_EXT_ONE_BYTE, one, sizeof one);
    assert_int_equal(rtp_exts_read(&h, NULL, &e), CONCLAVE_ESYNTAX);
    for (size_t n = 3; n <= sizeof two; n++) {
        h = block(RTP_EXT_TWO_BYTE, two, n);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), CONCLAVE_ESYNTAX);
    }
}

static void each_element_has_its_size(void **state)
{
    static const struct {
        uint8_t id, size;
    } fixed[] = {{RTP_EXT_ABS_SEND_TIME, 3}, {RTP_EXT_TRANSPORT_CC, 2}, {RTP_EXT_AUDIO_LEVEL, 1}};
    uint8_t data[20] = {0};
    struct rtp_exts e;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (uint8_t n = 0; n < 6; n++) {
            data[0] = fixed[i].id;
            data[1] = n;
            struct rtp_header h = block(RTP_EXT_TWO_BYTE, data, 8);
            assert_int_equal(rtp_exts_read(&h, NULL, &e),
                             n == fixed[i].size ? 0 : CONCLAVE_ESYNTAX);
        }
    }
    for (uint8_t n = 0; n < 6; n++) {
        data[0] = RTP_EXT_DEPENDENCY_DESCRIPTOR;
        data[1] = n;
        struct rtp_header h = block(RTP_EXT_TWO_BYTE, data, 8);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), n >= 3 ? 0 : CONCLAVE_ESYNTAX);
    }
}

static void identifiers_have_their_alphabet(void **state)
{
    struct rtp_exts e;

    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool token = alnum || (c != 0 && c < 128 && strchr("!#$%&'*+-.^_`{|}~", (int)c) != NULL);
        uint8_t data[] = {RTP_EXT_RID << 4 | 1, 'x', (uint8_t)c, 0};
        struct rtp_header h = block(RTP_EXT_ONE_BYTE, data, sizeof data);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), alnum ? 0 : CONCLAVE_ESYNTAX);
        data[0] = RTP_EXT_REPAIRED_RID << 4 | 1;
        assert_int_equal(rtp_exts_read(&h, NULL, &e), alnum ? 0 : CONCLAVE_ESYNTAX);
        data[0] = RTP_EXT_MID << 4 | 1;
        assert_int_equal(rtp_exts_read(&h, NULL, &e), token ? 0 : CONCLAVE_ESYNTAX);
    }
}

static void an_element_that_occurs_twice_is_refused(void **state)
{
    static const uint8_t ids[] = {RTP_EXT_MID,          RTP_EXT_RID,
                                  RTP_EXT_REPAIRED_RID, RTP_EXT_ABS_SEND_TIME,
                                  RTP_EXT_TRANSPORT_CC, RTP_EXT_DEPENDENCY_DESCRIPTOR,
                                  RTP_EXT_AUDIO_LEVEL};
    static const uint8_t sizes[] = {1, 1, 1, 3, 2, 3, 1};
    struct rtp_exts e = {.mid = bytes_str("kept")};

    (void)state;
    for (size_t i = 0; i < sizeof ids; i++) {
        uint8_t data[10] = {ids[i], sizes[i], 'a', 'b', 'c'};
        data[2 + sizes[i]] = ids[i];
        data[3 + sizes[i]] = sizes[i];
        memset(data + 4 + sizes[i], 'a', sizes[i]);
        struct rtp_header h = block(RTP_EXT_TWO_BYTE, data, 4u + 2u * sizes[i]);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), CONCLAVE_EDUPLICATE);
        assert_true(bytes_equal(e.mid, bytes_str("kept")));
    }
}

static void unknown_elements_are_walked_but_left_alone(void **state)
{
    static const uint8_t data[] = {0x71, 0xaa, 0xbb, 0xe0, 0xcc, 0x00, 0x00, 0x00};
    struct rtp_header h = block(RTP_EXT_ONE_BYTE, data, sizeof data);
    struct rtp_ext_walk w = rtp_ext_walk_of(&h);
    struct rtp_ext_element e;
    struct rtp_exts x;

    (void)state;
    assert_true(rtp_ext_next(&w, &e));
    assert_int_equal(e.id, 7);
    assert_true(bytes_equal(e.data, bytes_of(data + 1, 2)));
    assert_true(rtp_ext_next(&w, &e));
    assert_int_equal(e.id, 14);
    assert_false(rtp_ext_next(&w, &e));
    assert_int_equal(rtp_ext_walk_end(&w), 0);
    assert_int_equal(rtp_exts_read(&h, NULL, &x), 0);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static struct rtp_exts random_exts(struct random *r, uint8_t *memory)
{
    struct rtp_exts e = {
        .mid = bytes_of(alphabet, random_below(r, 8)),
        .rid = bytes_of(alphabet + 8, random_below(r, 5)),
        .repaired_rid = bytes_of(alphabet + 20, random_below(r, random_chance(r, 10) ? 30 : 5)),
        .has_abs_send_time = random_chance(r, 50),
        .has_transport_cc = random_chance(r, 50),
        .has_audio_level = random_chance(r, 50),
    };
    if (e.has_abs_send_time)
        e.abs_send_time = (uint32_t)random_below(r, 1u << 24);
    if (e.has_transport_cc)
        e.transport_cc = (uint16_t)random_u64(r);
    if (e.has_audio_level) {
        e.voice = random_chance(r, 50);
        e.audio_level = (uint8_t)random_below(r, 128);
    }
    if (random_chance(r, 50))
        e.dependency_descriptor =
            bytes_of(memory, 3 + random_below(r, random_chance(r, 20) ? 253 : 14));
    return e;
}

static void random_sets_come_back_as_they_were(void **state)
{
    struct random random = {3};
    uint8_t memory[256];
    struct buf out = {0};
    unsigned two_byte = 0;

    (void)state;
    random_fill(&random, memory, sizeof memory);
    for (int i = 0; i < 5000; i++) {
        struct rtp_exts e = random_exts(&random, memory);
        uint16_t profile;
        buf_clear(&out);
        assert_int_equal(rtp_exts_write(&e, NULL, &out, &profile), 0);
        assert_int_equal(out.n % 4, 0);
        two_byte += profile == RTP_EXT_TWO_BYTE;

        struct rtp_header h = block(profile, out.p, out.n);
        struct rtp_exts f;
        assert_int_equal(rtp_exts_read(&h, NULL, &f), 0);
        assert_true(bytes_equal(f.mid, e.mid));
        assert_true(bytes_equal(f.rid, e.rid));
        assert_true(bytes_equal(f.repaired_rid, e.repaired_rid));
        assert_true(bytes_equal(f.dependency_descriptor, e.dependency_descriptor));
        assert_int_equal(f.has_abs_send_time, e.has_abs_send_time);
        assert_int_equal(f.abs_send_time, e.abs_send_time);
        assert_int_equal(f.has_transport_cc, e.has_transport_cc);
        assert_int_equal(f.transport_cc, e.transport_cc);
        assert_int_equal(f.has_audio_level, e.has_audio_level);
        assert_int_equal(f.voice, e.voice);
        assert_int_equal(f.audio_level, e.audio_level);
    }
    assert_in_range(two_byte, 100, 4900);
    buf_free(&out);
}

static void what_could_not_be_read_back_is_not_written(void **state)
{
    static const uint8_t zeros[300];
    const struct rtp_exts bad[] = {
        {.mid = bytes_str("a b")},
        {.rid = bytes_str("a-b")},
        {.repaired_rid = bytes_str("\xc3\xa4")},
        {.dependency_descriptor = bytes_of(zeros, 2)},
        {.dependency_descriptor = bytes_of(zeros, 256)},
        {.has_audio_level = true, .audio_level = 128},
        {.has_abs_send_time = true, .abs_send_time = 1u << 24},
    };
    struct buf out = {0};
    uint16_t profile = 1;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(rtp_exts_write(&bad[i], NULL, &out, &profile), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
    assert_int_equal(profile, 1);
}

static uint16_t profile_of(const struct rtp_exts *e)
{
    struct buf out = {0};
    struct rtp_exts f;
    uint16_t profile = 0;

    assert_int_equal(rtp_exts_write(e, NULL, &out, &profile), 0);
    struct rtp_header h = block(profile, out.p, out.n);
    assert_int_equal(rtp_exts_read(&h, NULL, &f), 0);
    buf_free(&out);
    return profile;
}

static void one_element_of_more_than_sixteen_bytes_takes_the_two_byte_form(void **state)
{
    struct bytes text = bytes_str("abcdefghijklmnopqrst");

    (void)state;
    for (text.n = 16; text.n <= 17; text.n++) {
        uint16_t form = text.n == 16 ? RTP_EXT_ONE_BYTE : RTP_EXT_TWO_BYTE;
        assert_int_equal(profile_of(&(struct rtp_exts){.mid = text}), form);
        assert_int_equal(profile_of(&(struct rtp_exts){.rid = text}), form);
        assert_int_equal(profile_of(&(struct rtp_exts){.repaired_rid = text}), form);
        assert_int_equal(profile_of(&(struct rtp_exts){.dependency_descriptor = text}), form);
    }
}

static void identifiers_have_one_to_255_characters(void **state)
{
    uint8_t data[260];
    struct rtp_exts e;
    struct buf out = {0};
    uint16_t profile;

    (void)state;
    memset(data, 'a', sizeof data);
    for (unsigned id = RTP_EXT_MID; id <= RTP_EXT_REPAIRED_RID; id++) {
        data[0] = (uint8_t)id;
        data[1] = 0;
        struct rtp_header h = block(RTP_EXT_TWO_BYTE, data, 2);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), CONCLAVE_ESYNTAX);
        data[1] = 255;
        h = block(RTP_EXT_TWO_BYTE, data, 257);
        assert_int_equal(rtp_exts_read(&h, NULL, &e), 0);
        assert_int_equal(e.mid.n + e.rid.n + e.repaired_rid.n, 255);
        assert_int_equal(rtp_exts_write(&e, NULL, &out, &profile), 0);
    }
    e = (struct rtp_exts){.mid = bytes_of(data + 2, 256)};
    assert_int_equal(rtp_exts_write(&e, NULL, &out, &profile), CONCLAVE_EINVAL);
    e = (struct rtp_exts){.rid = bytes_of(data + 2, 256)};
    assert_int_equal(rtp_exts_write(&e, NULL, &out, &profile), CONCLAVE_EINVAL);
    buf_free(&out);
}

static void an_empty_set_writes_nothing(void **state)
{
    struct rtp_exts none = {0};
    struct buf out = {0};
    uint16_t profile;

    (void)state;
    assert_int_equal(rtp_exts_write(&none, NULL, &out, &profile), 0);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static int writes_a_set(void *ctx)
{
    struct rtp_exts e = {.mid = bytes_str("0"), .has_transport_cc = true};
    struct buf out = {0};
    uint16_t profile;
    int rv = rtp_exts_write(&e, NULL, &out, &profile);

    (void)ctx;
    if (rv != 0)
        assert_int_equal(out.n, 0);
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_leaves_the_output_as_it_was(void **state)
{
    (void)state;
    assert_true(alloc_sweep(writes_a_set, NULL) > 0);
}

static void each_fixed_id_has_a_uri_and_fits_the_one_byte_form(void **state)
{
    unsigned known = 0;

    (void)state;
    for (unsigned id = 0; id < 256; id++) {
        const char *uri = rtp_ext_uri((enum rtp_ext_id)id);
        known += uri != NULL;
        assert_true(uri == NULL || (id >= 1 && id <= 14));
    }
    assert_int_equal(known, 7);
}

/* What Chrome offers for sound and pictures. */
static struct rtp_ext_map chrome(void)
{
    static const struct {
        unsigned id;
        const char *uri;
    } lines[] = {
        {1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level"},
        {2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"},
        {3, "urn:3gpp:video-orientation"},
        {4, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"},
        {5, "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"},
        {9, "urn:ietf:params:rtp-hdrext:sdes:mid"},
        {10, "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"},
    };
    struct rtp_ext_map map = {0};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(rtp_ext_map_add(&map, lines[i].id, bytes_str(lines[i].uri)), 0);
    return map;
}

/* RFC 8285 5: the answer keeps the offer's ids. */
static void a_browser_that_offers_keeps_its_ids(void **state)
{
    static const uint8_t data[] = {0x10, 0x85, 0x22, 1,    2, 3, 0x30, 0,
                                   0x41, 0x12, 0x34, 0x52, 9, 9, 9,    0x90,
                                   'v',  0xa1, 'h',  'i',  0, 0, 0,    0};
    const struct rtp_ext_map map = chrome();
    struct rtp_header h = block(RTP_EXT_ONE_BYTE, data, sizeof data);
    struct rtp_exts e, f;
    struct buf out = {0};
    uint16_t profile;

    (void)state;
    assert_int_equal(rtp_exts_read(&h, &map, &e), 0);
    assert_true(bytes_equal(e.mid, bytes_str("v")) && bytes_equal(e.rid, bytes_str("hi")));
    assert_true(e.has_audio_level && e.voice && e.audio_level == 5);
    assert_true(e.has_transport_cc && e.transport_cc == 0x1234);
    assert_true(e.has_abs_send_time && e.abs_send_time == 0x010203);
    assert_int_equal(rtp_exts_write(&e, &map, &out, &profile), 0);
    h = block(profile, out.p, out.n);
    assert_int_equal(rtp_exts_read(&h, &map, &f), 0);
    assert_true(bytes_equal(f.mid, e.mid) && bytes_equal(f.rid, e.rid));
    assert_true(f.transport_cc == e.transport_cc && f.audio_level == e.audio_level);
    buf_free(&out);
}

static void what_the_map_has_not_is_neither_read_nor_checked_nor_written(void **state)
{
    /* in our own ids: an empty rid, a transport number of 3 bytes, two mids */
    static const uint8_t data[] = {2, 0, 5, 3, 1, 2, 3, 1, 1, 'a', 1, 1, 'b', 0, 0, 0};
    struct rtp_ext_map map = {0};
    struct rtp_header h = block(RTP_EXT_TWO_BYTE, data, sizeof data);
    struct rtp_exts e;
    struct buf out = {0};
    uint16_t profile;

    (void)state;
    assert_int_equal(rtp_exts_read(&h, NULL, &e), CONCLAVE_ESYNTAX);
    assert_int_equal(rtp_exts_read(&h, &map, &e), 0);
    assert_true(e.mid.n == 0 && e.rid.n == 0 && !e.has_transport_cc);
    e.mid = bytes_str("abcdefghijklmnopqrst"); /* would take the two-byte form */
    e.has_audio_level = true;
    assert_int_equal(rtp_ext_map_add(&map, 3, bytes_str(rtp_ext_uri(RTP_EXT_AUDIO_LEVEL))), 0);
    assert_int_equal(rtp_exts_write(&e, &map, &out, &profile), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_of("\x30\0\0\0", 4)));
    buf_free(&out);
}

static void an_id_or_a_uri_is_mapped_once_and_in_range(void **state)
{
    struct bytes mid = bytes_str(rtp_ext_uri(RTP_EXT_MID));
    struct bytes rid = bytes_str(rtp_ext_uri(RTP_EXT_RID));
    struct rtp_ext_map map = {0};

    (void)state;
    assert_int_equal(rtp_ext_map_add(&map, 0, mid), CONCLAVE_EINVAL);
    assert_int_equal(rtp_ext_map_add(&map, 15, mid), CONCLAVE_EINVAL);
    assert_int_equal(rtp_ext_map_add(&map, 14, mid), 0);
    assert_int_equal(rtp_ext_map_add(&map, 14, rid), CONCLAVE_EDUPLICATE);
    assert_int_equal(rtp_ext_map_add(&map, 13, mid), CONCLAVE_EDUPLICATE);
    assert_int_equal(rtp_ext_map_add(&map, 13, bytes_str("urn:unknown")), 0);
    assert_int_equal(rtp_ext_map_add(&map, 13, rid), 0);
}

static void absolute_send_time_counts_seconds_in_six_dot_eighteen(void **state)
{
    (void)state;
    assert_int_equal(rtp_abs_send_time(0), 0);
    assert_int_equal(rtp_abs_send_time(1000000), 1 << 18);
    assert_int_equal(rtp_abs_send_time(500000), 1 << 17);
    assert_int_equal(rtp_abs_send_time(63999999), 0xffffff);
    assert_int_equal(rtp_abs_send_time(64000000), 0);
    assert_int_equal(rtp_abs_send_time(UINT64_MAX) >> 24, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_one_byte_form_is_read),
        cmocka_unit_test(the_two_byte_form_is_read_whatever_its_application_bits),
        cmocka_unit_test(other_profiles_and_no_extension_have_no_elements),
        cmocka_unit_test(ids_zero_and_fifteen_end_a_one_byte_block),
        cmocka_unit_test(an_element_that_is_cut_off_is_refused),
        cmocka_unit_test(each_element_has_its_size),
        cmocka_unit_test(identifiers_have_their_alphabet),
        cmocka_unit_test(an_element_that_occurs_twice_is_refused),
        cmocka_unit_test(unknown_elements_are_walked_but_left_alone),
        cmocka_unit_test(random_sets_come_back_as_they_were),
        cmocka_unit_test(what_could_not_be_read_back_is_not_written),
        cmocka_unit_test(one_element_of_more_than_sixteen_bytes_takes_the_two_byte_form),
        cmocka_unit_test(identifiers_have_one_to_255_characters),
        cmocka_unit_test(an_empty_set_writes_nothing),
        cmocka_unit_test(a_failed_allocation_leaves_the_output_as_it_was),
        cmocka_unit_test(each_fixed_id_has_a_uri_and_fits_the_one_byte_form),
        cmocka_unit_test(a_browser_that_offers_keeps_its_ids),
        cmocka_unit_test(what_the_map_has_not_is_neither_read_nor_checked_nor_written),
        cmocka_unit_test(an_id_or_a_uri_is_mapped_once_and_in_range),
        cmocka_unit_test(absolute_send_time_counts_seconds_in_six_dot_eighteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
