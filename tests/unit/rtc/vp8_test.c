/* VP8 payloads: the descriptor of RFC 7741 4.2 field by field, and frames cut and joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/vp8.h"
#include "support/alloc_fail.h"
#include "support/random.h"

/* N, S, partition 5; 15-bit picture id 0x1234, TL0PICIDX 0xab, TID 2, Y, KEYIDX 17; one byte. */
static const uint8_t full[] = {0xb5, 0xf0, 0x92, 0x34, 0xab, 0xb1, 0xee};

static void every_field_is_where_the_rfc_puts_it(void **state)
{
    struct vp8_descriptor d;

    (void)state;
    assert_int_equal(vp8_descriptor_read(bytes_of(full, sizeof full), &d), 0);
    assert_true(d.non_reference && d.start);
    assert_int_equal(d.partition, 5);
    assert_true(d.has_picture_id && d.long_picture_id && d.has_tl0picidx && d.has_tid &&
                d.has_keyidx);
    assert_int_equal(d.picture_id, 0x1234);
    assert_int_equal(d.tl0picidx, 0xab);
    assert_int_equal(d.tid, 2);
    assert_true(d.layer_sync);
    assert_int_equal(d.keyidx, 17);
    assert_int_equal(d.size, 6);
    assert_false(vp8_begins_frame(&d));
}

static void the_least_descriptor_is_one_byte(void **state)
{
    static const uint8_t data[] = {0x10, 0x00};
    struct vp8_descriptor d;

    (void)state;
    assert_int_equal(vp8_descriptor_read(bytes_of(data, 2), &d), 0);
    assert_int_equal(d.size, 1);
    assert_true(vp8_begins_frame(&d));
    assert_false(d.has_picture_id || d.has_tl0picidx || d.has_tid || d.has_keyidx);
}

static void a_short_picture_id_has_seven_bits(void **state)
{
    static const uint8_t data[] = {0x80, 0x80, 0x7f, 0x00};
    struct vp8_descriptor d;

    (void)state;
    assert_int_equal(vp8_descriptor_read(bytes_of(data, 4), &d), 0);
    assert_false(d.long_picture_id);
    assert_int_equal(d.picture_id, 127);
    assert_int_equal(d.size, 3);
}

static void reserved_bits_are_ignored(void **state)
{
    static const uint8_t data[] = {0xd8, 0x0f, 0x00};
    struct vp8_descriptor d;

    (void)state;
    assert_int_equal(vp8_descriptor_read(bytes_of(data, 3), &d), 0);
    assert_int_equal(d.size, 2);
    assert_int_equal(d.partition, 0);
}

static void tid_and_keyidx_mean_nothing_without_their_bits(void **state)
{
    uint8_t data[] = {0x80, 0x10, 0xff, 0x00};
    struct vp8_descriptor d;

    (void)state;
    assert_int_equal(vp8_descriptor_read(bytes_of(data, 4), &d), 0);
    assert_true(d.has_keyidx && !d.has_tid && !d.layer_sync);
    assert_int_equal(d.keyidx, 31);
    assert_int_equal(d.tid, 0);
    data[1] = 0x20;
    assert_int_equal(vp8_descriptor_read(bytes_of(data, 4), &d), 0);
    assert_true(!d.has_keyidx && d.has_tid && d.layer_sync);
    assert_int_equal(d.keyidx, 0);
    assert_int_equal(d.tid, 3);
}

static void each_truncation_is_refused(void **state)
{
    struct vp8_descriptor d = {.picture_id = 77};

    (void)state;
    for (size_t n = 0; n < sizeof full; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1);
        assert_non_null(exact);
        memcpy(exact, full, n);
        assert_int_equal(vp8_descriptor_read(bytes_of(exact, n), &d), CONCLAVE_ESYNTAX);
        assert_int_equal(d.picture_id, 77);
        free(exact);
    }
}

static struct vp8_descriptor random_descriptor(struct random *r)
{
    struct vp8_descriptor d = {
        .non_reference = random_chance(r, 50),
        .start = random_chance(r, 50),
        .partition = (uint8_t)random_below(r, 8),
        .has_picture_id = random_chance(r, 70),
        .has_tl0picidx = random_chance(r, 50),
        .has_tid = random_chance(r, 50),
        .has_keyidx = random_chance(r, 50),
    };
    if (d.has_picture_id) {
        d.long_picture_id = random_chance(r, 50);
        d.picture_id = (uint16_t)random_below(r, d.long_picture_id ? 0x8000 : 0x80);
    }
    if (d.has_tl0picidx)
        d.tl0picidx = (uint8_t)random_u64(r);
    if (d.has_tid) {
        d.tid = (uint8_t)random_below(r, 4);
        d.layer_sync = random_chance(r, 50);
    }
    if (d.has_keyidx)
        d.keyidx = (uint8_t)random_below(r, 32);
    return d;
}

static void assert_equal(const struct vp8_descriptor *a, const struct vp8_descriptor *b)
{
    assert_int_equal(a->non_reference, b->non_reference);
    assert_int_equal(a->start, b->start);
    assert_int_equal(a->partition, b->partition);
    assert_int_equal(a->has_picture_id, b->has_picture_id);
    assert_int_equal(a->long_picture_id, b->long_picture_id);
    assert_int_equal(a->picture_id, b->picture_id);
    assert_int_equal(a->has_tl0picidx, b->has_tl0picidx);
    assert_int_equal(a->tl0picidx, b->tl0picidx);
    assert_int_equal(a->has_tid, b->has_tid);
    assert_int_equal(a->tid, b->tid);
    assert_int_equal(a->layer_sync, b->layer_sync);
    assert_int_equal(a->has_keyidx, b->has_keyidx);
    assert_int_equal(a->keyidx, b->keyidx);
}

static void random_descriptors_come_back_as_they_were(void **state)
{
    struct random random = {13};
    struct buf out = {0};

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct vp8_descriptor d = random_descriptor(&random);
        struct vp8_descriptor e;
        buf_clear(&out);
        assert_int_equal(vp8_descriptor_write(&d, &out), 0);
        assert_int_equal(vp8_descriptor_read(buf_view(&out), &e), CONCLAVE_ESYNTAX);
        buf_put_zero(&out, 1);
        assert_int_equal(vp8_descriptor_read(buf_view(&out), &e), 0);
        assert_int_equal(e.size, out.n - 1);
        assert_equal(&d, &e);
    }
    buf_free(&out);
}

static void a_forwarder_rewrites_numbers_in_place(void **state)
{
    struct random random = {14};

    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct vp8_descriptor d = random_descriptor(&random);
        struct vp8_descriptor e;
        struct buf out = {0};
        assert_int_equal(vp8_descriptor_write(&d, &out), 0);
        buf_put(&out, bytes_str("content"));
        assert_int_equal(vp8_descriptor_read(buf_view(&out), &d), 0);
        size_t n = out.n;
        if (d.has_picture_id)
            d.picture_id = (uint16_t)random_below(&random, d.long_picture_id ? 0x8000 : 0x80);
        if (d.has_tl0picidx)
            d.tl0picidx = (uint8_t)random_u64(&random);
        if (d.has_keyidx)
            d.keyidx = (uint8_t)random_below(&random, 32);
        vp8_descriptor_rewrite(&d, out.p);
        assert_int_equal(vp8_descriptor_read(buf_view(&out), &e), 0);
        assert_equal(&d, &e);
        assert_int_equal(d.size, e.size);
        assert_memory_equal(out.p + n - 7, "content", 7);
        buf_free(&out);
    }
}

static void rewriting_keeps_an_extension_byte_without_fields(void **state)
{
    uint8_t data[] = {0x90, 0x00, 'x'};
    struct vp8_descriptor d;

    (void)state;
    assert_int_equal(vp8_descriptor_read(bytes_of(data, 3), &d), 0);
    assert_int_equal(d.size, 2);
    vp8_descriptor_rewrite(&d, data);
    assert_int_equal(data[0], 0x90);
    assert_int_equal(data[1], 0x00);
    assert_int_equal(data[2], 'x');
}

static void values_beyond_their_field_are_not_written(void **state)
{
    const struct vp8_descriptor bad[] = {
        {.partition = 8},
        {.has_picture_id = true, .picture_id = 128},
        {.has_picture_id = true, .long_picture_id = true, .picture_id = 0x8000},
        {.has_tid = true, .tid = 4},
        {.has_keyidx = true, .keyidx = 32},
    };
    struct buf out = {0};
    struct vp8_packetizer p;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(vp8_descriptor_write(&bad[i], &out), CONCLAVE_EINVAL);
        assert_int_equal(vp8_packetizer_init(&p, &bad[i], bytes_str("x"), 1200), CONCLAVE_EINVAL);
    }
    assert_int_equal(out.n, 0);
}

static void random_frames_are_cut_and_joined(void **state)
{
    struct random random = {15};
    static uint8_t frame[30000];
    struct buf payload = {0};
    struct buf joined = {0};

    (void)state;
    random_fill(&random, frame, sizeof frame);
    for (int i = 0; i < 500; i++) {
        struct vp8_descriptor d = random_descriptor(&random);
        struct vp8_packetizer p;
        size_t n = 1 + random_below(&random, random_chance(&random, 50) ? 2000 : sizeof frame);
        size_t mtu = VP8_DESCRIPTOR_MAX + 1 + random_below(&random, 1300);
        size_t least = SIZE_MAX;
        size_t most = 0;
        bool last = false;
        buf_clear(&joined);
        assert_int_equal(vp8_packetizer_init(&p, &d, bytes_of(frame, n), mtu), 0);
        for (bool first = true; !last; first = false) {
            struct vp8_descriptor e;
            buf_clear(&payload);
            assert_int_equal(vp8_packetizer_next(&p, &payload, &last), 0);
            assert_true(payload.n <= mtu);
            assert_int_equal(vp8_descriptor_read(buf_view(&payload), &e), 0);
            assert_int_equal(vp8_begins_frame(&e), first);
            assert_int_equal(e.picture_id, d.picture_id);
            buf_put(&joined, bytes_of(payload.p + e.size, payload.n - e.size));
            least = payload.n < least ? payload.n : least;
            most = payload.n > most ? payload.n : most;
        }
        assert_true(bytes_equal(buf_view(&joined), bytes_of(frame, n)));
        assert_true(most - least <= 1); /* nearly equal */
        assert_int_equal(vp8_packetizer_next(&p, &payload, &last), CONCLAVE_ESTATE);
    }
    buf_free(&payload);
    buf_free(&joined);
}

static void a_frame_takes_as_few_packets_as_it_can(void **state)
{
    static const uint8_t frame[300];
    struct vp8_descriptor d = {.has_picture_id = true}; /* three bytes */
    struct vp8_packetizer p;

    (void)state;
    assert_int_equal(vp8_packetizer_init(&p, &d, bytes_of(frame, 299), 103), 0);
    assert_int_equal(p.packets, 3);
    assert_int_equal(vp8_packetizer_init(&p, &d, bytes_of(frame, 300), 103), 0);
    assert_int_equal(p.packets, 3);
    assert_int_equal(vp8_packetizer_init(&p, &d, bytes_of(frame, 300), 102), 0);
    assert_int_equal(p.packets, 4);
}

static void a_frame_that_cannot_be_cut_is_refused(void **state)
{
    struct vp8_descriptor d = {.has_picture_id = true, .long_picture_id = true};
    struct vp8_packetizer p;

    (void)state;
    assert_int_equal(vp8_packetizer_init(&p, &d, bytes_of(NULL, 0), 1200), CONCLAVE_EINVAL);
    assert_int_equal(vp8_packetizer_init(&p, &d, bytes_str("x"), 4), CONCLAVE_EINVAL);
    assert_int_equal(vp8_packetizer_init(&p, &d, bytes_str("x"), 5), 0);
}

/* 640 x 360, scaled by 1 and 2, first partition of 0x1abc bytes, shown, version 0. */
static const uint8_t key_frame[] = {0x90, 0x57, 0x03, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0x81};

static void a_key_frame_is_known_and_its_size_read(void **state)
{
    struct vp8_frame f;

    (void)state;
    assert_int_equal(vp8_frame_read(bytes_of(key_frame, sizeof key_frame), &f), 0);
    assert_true(f.key && f.shown);
    assert_int_equal(f.version, 0);
    assert_int_equal(f.first_size, 0x1abc);
    assert_int_equal(f.width, 640);
    assert_int_equal(f.height, 360);
    assert_int_equal(sizeof key_frame, VP8_KEY_PREFIX);
}

static void another_frame_needs_its_clear_prefix_only(void **state)
{
    static const uint8_t delta[VP8_DELTA_PREFIX] = {0x37, 0x00, 0x00};
    struct vp8_frame f;

    (void)state;
    assert_int_equal(vp8_frame_read(bytes_of(delta, sizeof delta), &f), 0);
    assert_true(!f.key && f.shown);
    assert_int_equal(f.version, 3);
    assert_int_equal(f.first_size, 1);
    assert_int_equal(f.width, 0);
}

static void frames_cut_off_or_without_a_start_code_are_refused(void **state)
{
    uint8_t data[sizeof key_frame];
    struct vp8_frame f;

    (void)state;
    for (size_t n = 0; n < sizeof key_frame; n++)
        assert_int_equal(vp8_frame_read(bytes_of(key_frame, n), &f), CONCLAVE_ESYNTAX);
    for (size_t i = 3; i < 6; i++) {
        memcpy(data, key_frame, sizeof data);
        data[i] ^= 1;
        assert_int_equal(vp8_frame_read(bytes_of(data, sizeof data), &f), CONCLAVE_ESYNTAX);
    }
    memcpy(data, key_frame, sizeof data);
    data[0] |= 4 << 1;
    assert_int_equal(vp8_frame_read(bytes_of(data, sizeof data), &f), CONCLAVE_ESYNTAX);
}

static int cuts_a_frame(void *ctx)
{
    static uint8_t frame[300];
    struct vp8_descriptor d = {.has_picture_id = true};
    struct vp8_packetizer p;
    struct buf out = {0};
    bool last;
    int rv = vp8_packetizer_init(&p, &d, bytes_of(frame, sizeof frame), 103);

    (void)ctx;
    for (int i = 0; i < 3 && rv == 0; i++) {
        struct vp8_packetizer before = p;
        size_t n = out.n;
        rv = vp8_packetizer_next(&p, &out, &last);
        if (rv != 0) {
            assert_memory_equal(&before, &p, sizeof p);
            assert_int_equal(out.n, n);
        }
    }
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_loses_no_piece(void **state)
{
    (void)state;
    assert_true(alloc_sweep(cuts_a_frame, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_where_the_rfc_puts_it),
        cmocka_unit_test(the_least_descriptor_is_one_byte),
        cmocka_unit_test(a_short_picture_id_has_seven_bits),
        cmocka_unit_test(reserved_bits_are_ignored),
        cmocka_unit_test(tid_and_keyidx_mean_nothing_without_their_bits),
        cmocka_unit_test(each_truncation_is_refused),
        cmocka_unit_test(random_descriptors_come_back_as_they_were),
        cmocka_unit_test(a_forwarder_rewrites_numbers_in_place),
        cmocka_unit_test(rewriting_keeps_an_extension_byte_without_fields),
        cmocka_unit_test(values_beyond_their_field_are_not_written),
        cmocka_unit_test(random_frames_are_cut_and_joined),
        cmocka_unit_test(a_frame_takes_as_few_packets_as_it_can),
        cmocka_unit_test(a_frame_that_cannot_be_cut_is_refused),
        cmocka_unit_test(a_key_frame_is_known_and_its_size_read),
        cmocka_unit_test(another_frame_needs_its_clear_prefix_only),
        cmocka_unit_test(frames_cut_off_or_without_a_start_code_are_refused),
        cmocka_unit_test(a_failed_allocation_loses_no_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
