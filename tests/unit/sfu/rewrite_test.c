/* One outgoing stream made of several: numbers, times and picture ids go on without a gap, over
 * every wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/limits.h"
#include "sfu/rewrite.h"
#include "support/random.h"

#define CLOCK 90000
#define NOW (100 * SFU_SECOND)
#define CYCLE INT64_C(0x10000)

static struct vp8_descriptor picture(uint16_t id, uint8_t tl0picidx, uint8_t keyidx)
{
    return (struct vp8_descriptor){
        .has_picture_id = true,
        .long_picture_id = true,
        .has_tl0picidx = true,
        .has_keyidx = true,
        .picture_id = id & 0x7fff,
        .tl0picidx = tl0picidx,
        .keyidx = keyidx & 31,
    };
}

/* Sends a packet of the source; returns the number it goes out with. */
static int64_t pass(struct sfu_rewrite *w, int64_t sequence, uint32_t timestamp,
                    struct vp8_descriptor *d, uint64_t now_us)
{
    int64_t out = 0;

    assert_true(sfu_rewrite_sequence(w, sequence, &out));
    sfu_rewrite_vp8(w, d);
    sfu_rewrite_sent(w, out, timestamp + w->timestamp, d, now_us);
    return out;
}

static void a_stream_begins_one_after_what_it_was_given(void **state)
{
    struct sfu_rewrite w;
    int64_t out;

    (void)state;
    sfu_rewrite_init(&w, 65535, 1000);
    sfu_rewrite_follow(&w, CYCLE + 500, 7, NULL, CLOCK, NOW);
    assert_true(sfu_rewrite_sequence(&w, CYCLE + 500, &out));
    assert_int_equal(out & 0xffff, 0);
    assert_int_equal(7 + w.timestamp, 1000 + CLOCK / 30 - 1); /* a frame later */
}

static void across_a_switch_nothing_jumps(void **state)
{
    struct sfu_rewrite w;
    struct vp8_descriptor d;

    (void)state;
    sfu_rewrite_init(&w, 10, 0);
    d = picture(500, 7, 3);
    sfu_rewrite_follow(&w, CYCLE + 100, 90000, &d, CLOCK, NOW);
    int64_t first = pass(&w, CYCLE + 100, 90000, &d, NOW);
    uint16_t id = d.picture_id;
    d = picture(501, 8, 3);
    assert_int_equal(pass(&w, CYCLE + 101, 93000, &d, NOW + 33333), first + 1);
    assert_int_equal(d.picture_id, id + 1);
    uint32_t timestamp = w.last_timestamp;
    uint8_t tl0picidx = d.tl0picidx;
    uint8_t keyidx = d.keyidx;

    d = picture(20000, 200, 30); /* another source, a tenth of a second later */
    sfu_rewrite_follow(&w, CYCLE + 60000, 123456789, &d, CLOCK, NOW + 133333);
    assert_int_equal(pass(&w, CYCLE + 60000, 123456789, &d, NOW + 133333), first + 2);
    assert_int_equal(d.picture_id, id + 2);
    assert_int_equal(d.tl0picidx, (uint8_t)(tl0picidx + 1));
    assert_int_equal(d.keyidx, (keyidx + 1) & 31);
    assert_int_equal(w.last_timestamp - timestamp, CLOCK / 10);
}

static void what_came_before_the_key_frame_has_no_number(void **state)
{
    struct sfu_rewrite w;
    int64_t out;

    (void)state;
    sfu_rewrite_init(&w, 10, 0);
    sfu_rewrite_follow(&w, CYCLE + 100, 0, NULL, CLOCK, NOW);
    assert_false(sfu_rewrite_sequence(&w, CYCLE + 99, &out));
    assert_true(sfu_rewrite_sequence(&w, CYCLE + 100, &out));
}

/* Loss and reordering stay what they are, and the furthest packet alone counts. */
static void a_hole_stays_a_hole_and_can_be_filled(void **state)
{
    struct sfu_rewrite w;
    struct vp8_descriptor d = picture(1, 1, 1);

    (void)state;
    sfu_rewrite_init(&w, 10, 0);
    sfu_rewrite_follow(&w, CYCLE, 0, &d, CLOCK, NOW);
    int64_t first = pass(&w, CYCLE, 0, &d, NOW);
    d = picture(5, 5, 1);
    assert_int_equal(pass(&w, CYCLE + 4, 12000, &d, NOW), first + 4);
    struct sfu_rewrite before = w;
    d = picture(3, 3, 1);
    assert_int_equal(pass(&w, CYCLE + 2, 6000, &d, NOW), first + 2);
    assert_int_equal(w.last_sequence, before.last_sequence);
    assert_int_equal(w.last_timestamp, before.last_timestamp);
    assert_int_equal(w.last_picture_id, before.last_picture_id);
}

static void short_picture_ids_wrap_at_seven_bits(void **state)
{
    struct sfu_rewrite w;
    struct vp8_descriptor d = {.has_picture_id = true, .picture_id = 126};

    (void)state;
    sfu_rewrite_init(&w, 10, 0);
    sfu_rewrite_follow(&w, CYCLE, 0, &d, CLOCK, NOW);
    pass(&w, CYCLE, 0, &d, NOW);
    for (uint16_t i = 1; i < 300; i++) {
        uint16_t last = w.last_picture_id;
        d = (struct vp8_descriptor){.has_picture_id = true, .picture_id = (126 + i) & 0x7f};
        pass(&w, CYCLE + i, i * 3000u, &d, NOW);
        assert_int_equal(d.picture_id, (last + 1) & 0x7f);
    }
}

/* RFC 7741 4.2: picture ids of 15 bits, TL0PICIDX of 8 and KEYIDX of 5; RTP's of 16 and 32. Long
 * enough for all of them to wrap, with a switch every now and then. */
static void over_every_wrap_each_number_is_one_more(void **state)
{
    struct random random = {6};
    struct sfu_rewrite w;
    struct vp8_descriptor d;
    int64_t sequence = CYCLE + 65500;
    uint32_t timestamp = UINT32_MAX - 5000;
    uint16_t id = 32700;
    uint64_t now = NOW;

    (void)state;
    sfu_rewrite_init(&w, 65530, UINT32_MAX - 10000);
    for (unsigned i = 0; i < 70000; i++) {
        if (i == 0 || random_below(&random, 300) == 0) {
            sequence = CYCLE + (int64_t)random_below(&random, 0x10000);
            timestamp = (uint32_t)random_u64(&random);
            id = (uint16_t)random_below(&random, 0x8000);
            d = picture(id, (uint8_t)id, (uint8_t)id);
            sfu_rewrite_follow(&w, sequence, timestamp, &d, CLOCK, now);
        }
        struct sfu_rewrite before = w;
        d = picture(id, (uint8_t)id, (uint8_t)id);
        pass(&w, sequence, timestamp, &d, now);
        assert_int_equal(w.last_sequence, before.last_sequence + 1);
        assert_in_range(w.last_timestamp - before.last_timestamp, 2999, 3001);
        assert_int_equal(w.last_picture_id, i == 0 ? 1 : (before.last_picture_id + 1) & 0x7fff);
        assert_int_equal(w.last_tl0picidx, (uint8_t)(before.last_tl0picidx + 1));
        assert_int_equal(w.last_keyidx, (before.last_keyidx + 1) & 31);
        sequence++;
        timestamp += 3000;
        id++;
        now += 33334;
    }
}

static void a_number_that_went_out_leads_back_to_its_source(void **state)
{
    struct sfu_rewrite w;
    struct vp8_descriptor d = picture(1, 1, 1);
    int64_t from;

    (void)state;
    sfu_rewrite_init(&w, 65530, 0);
    assert_false(sfu_rewrite_source(&w, 65530, &from));
    sfu_rewrite_follow(&w, CYCLE + 100, 0, &d, CLOCK, NOW);
    for (int64_t i = 0; i < 20; i++) {
        d = picture((uint16_t)(1 + i), 1, 1);
        int64_t out = pass(&w, CYCLE + 100 + i, 0, &d, NOW);
        assert_true(sfu_rewrite_source(&w, (uint16_t)out, &from));
        assert_int_equal(from, CYCLE + 100 + i);
        assert_false(sfu_rewrite_source(&w, (uint16_t)(out + 1), &from)); /* not yet sent */
    }
    assert_false(sfu_rewrite_source(&w, 65530, &from)); /* before it began */
    d = picture(9, 9, 9);
    sfu_rewrite_follow(&w, CYCLE + 700, 0, &d, CLOCK, NOW);
    pass(&w, CYCLE + 700, 0, &d, NOW);
    assert_false(sfu_rewrite_source(&w, (uint16_t)(w.last_sequence - 1), &from)); /* another's */
    assert_true(sfu_rewrite_source(&w, (uint16_t)w.last_sequence, &from));
    assert_int_equal(from, CYCLE + 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_begins_one_after_what_it_was_given),
        cmocka_unit_test(across_a_switch_nothing_jumps),
        cmocka_unit_test(what_came_before_the_key_frame_has_no_number),
        cmocka_unit_test(a_hole_stays_a_hole_and_can_be_filled),
        cmocka_unit_test(short_picture_ids_wrap_at_seven_bits),
        cmocka_unit_test(over_every_wrap_each_number_is_one_more),
        cmocka_unit_test(a_number_that_went_out_leads_back_to_its_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
