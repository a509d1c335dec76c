/* Test cards through VP8: sender, number and colour come back at every size and bitrate that a
 * meeting uses; and what a decoder makes of frames that are not whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/limits.h"
#include "media/test_card.h"
#include "media/video_decoder.h"
#include "media/video_encoder.h"
#include "rtc/vp8.h"
#include "support/alloc_fail.h"
#include "support/random.h"

#define TICK 3000 /* at 30 pictures a second */

/* A card, an encoder and a decoder of one size. */
struct chain {
    struct test_card *card;
    struct video_encoder *encoder;
    struct video_decoder *decoder;
    struct test_card_label label;
};

static int chain_open(struct chain *c, const struct video_encoder_config *config)
{
    *c = (struct chain){.label = {.sender = 3}};
    int rv = test_card_new(config->width, config->height, 1, &c->card);
    if (rv == 0)
        rv = video_encoder_new(config, &c->encoder);
    return rv != 0 ? rv : video_decoder_new(&c->decoder);
}

static void chain_close(struct chain *c)
{
    test_card_free(c->card);
    video_encoder_free(c->encoder);
    video_decoder_free(c->decoder);
}

static struct chain made(uint16_t width, uint16_t height, uint32_t kbps, uint32_t key_interval)
{
    struct video_encoder_config config = {width, height, 30, kbps, key_interval};
    struct chain c;

    assert_int_equal(chain_open(&c, &config), 0);
    return c;
}

/* The next picture, encoded. */
static struct media_frame next(struct chain *c, bool key)
{
    struct media_frame frame;
    struct picture p = test_card_draw(c->card, &c->label, UINT64_C(33) * c->label.number);

    assert_int_equal(
        video_encoder_frame(c->encoder, &p, UINT64_C(3000) * c->label.number, key, &frame), 0);
    c->label.number++;
    return frame;
}

static void legible(const struct picture *p, const struct test_card_label *expected)
{
    struct test_card_label label;
    uint8_t colour;

    assert_int_equal(test_card_read(p, &label), 0);
    assert_int_equal(label.sender, expected->sender);
    assert_int_equal(label.number, expected->number);
    assert_int_equal(test_card_read_colour(p, &colour), 0);
    assert_int_equal(colour, expected->sender % TEST_CARD_COLOURS);
}

static void a_card_is_read_as_it_was_drawn_at_any_size(void **state)
{
    struct random random = {5};
    struct test_card *card;

    (void)state;
    for (int i = 0; i < 60; i++) {
        uint16_t width = (uint16_t)(MEDIA_WIDTH_MIN + random_below(&random, i < 2 ? 1 : 700));
        uint16_t height = (uint16_t)(MEDIA_HEIGHT_MIN + random_below(&random, i < 2 ? 1 : 500));
        struct test_card_label label = {(uint8_t)random_u64(&random),
                                        (uint32_t)random_u64(&random)};
        assert_int_equal(test_card_new(width, height, random_u64(&random), &card), 0);
        struct picture p = test_card_draw(card, &label, random_u64(&random));
        assert_int_equal(p.width, width);
        assert_int_equal(p.height, height);
        legible(&p, &label);
        test_card_free(card);
    }
    test_card_free(NULL);
}

static void cards_of_a_size_out_of_range_are_not_made(void **state)
{
    struct test_card *card = NULL;

    (void)state;
    assert_int_equal(test_card_new(MEDIA_WIDTH_MIN - 1, 180, 1, &card), CONCLAVE_EINVAL);
    assert_int_equal(test_card_new(MEDIA_WIDTH_MAX + 1, 180, 1, &card), CONCLAVE_EINVAL);
    assert_int_equal(test_card_new(320, MEDIA_HEIGHT_MIN - 1, 1, &card), CONCLAVE_EINVAL);
    assert_int_equal(test_card_new(320, MEDIA_HEIGHT_MAX + 1, 1, &card), CONCLAVE_EINVAL);
}

static void cards_follow_from_seed_label_and_time_alone(void **state)
{
    struct test_card *cards[2];
    struct test_card_label label = {9, 1234};
    struct picture p[2];
    size_t n = (size_t)320 * 180;

    (void)state;
    for (size_t seed = 0; seed < 2; seed++) {
        assert_int_equal(test_card_new(320, 180, 6, &cards[0]), 0);
        assert_int_equal(test_card_new(320, 180, 6 + seed, &cards[1]), 0);
        for (size_t i = 0; i < 2; i++)
            p[i] = test_card_draw(cards[i], &label, 5000);
        assert_int_equal(memcmp(p[0].y.p, p[1].y.p, n) == 0, seed == 0);
        test_card_free(cards[0]);
        test_card_free(cards[1]);
    }
}

/* What else a receiver might show. */
static void pictures_that_are_no_cards_are_not_taken_for_any(void **state)
{
    enum { W = 160, H = 90 };
    static uint8_t y[W * H], uv[W * H / 4];
    struct picture p = {W, H, {y, W}, {uv, W / 2}, {uv, W / 2}};
    struct random random = {8};
    struct test_card_label label;
    struct test_card *card;
    uint8_t colour;

    (void)state;
    for (unsigned value = 0; value < 256; value += 5) { /* one colour */
        memset(y, (int)value, sizeof y);
        memset(uv, (int)value, sizeof uv);
        assert_int_equal(test_card_read(&p, &label), CONCLAVE_ESYNTAX);
        if (value > 90 && value < 160)
            assert_int_equal(test_card_read_colour(&p, &colour), CONCLAVE_ESYNTAX);
    }
    random_fill(&random, y, sizeof y); /* snow */
    assert_int_equal(test_card_read(&p, &label), CONCLAVE_ESYNTAX);

    assert_int_equal(test_card_new(W, H, 1, &card), 0);
    struct test_card_label a = {1, 77};
    struct picture drawn = test_card_draw(card, &a, 0);
    memcpy(y, drawn.y.p, sizeof y);
    for (size_t i = 0; i < sizeof y; i++) /* the negative */
        y[i] = (uint8_t)(251 - y[i]);
    assert_int_equal(test_card_read(&p, &label), CONCLAVE_ESYNTAX);
    memcpy(y, drawn.y.p, sizeof y);
    struct test_card_label b = {1, 78};
    drawn = test_card_draw(card, &b, 0);
    memcpy(y, drawn.y.p, sizeof y / 8 * 7); /* torn: the last row of cells is another picture's */
    assert_int_equal(test_card_read(&p, &label), CONCLAVE_ESYNTAX);
    test_card_free(card);
}

static void cards_survive_encoding_at_every_size_of_a_meeting(void **state)
{
    static const struct {
        uint16_t width, height;
        uint32_t kbps;
    } layers[] = {{160, 90, 40}, {320, 180, 120}, {640, 360, 400}, {162, 121, 60}};
    struct picture p;

    (void)state;
    for (size_t i = 0; i < sizeof layers / sizeof layers[0]; i++) {
        struct chain c = made(layers[i].width, layers[i].height, layers[i].kbps, 0);
        c.label.sender = (uint8_t)(7 * i);
        c.label.number = 100000;
        for (int n = 0; n < 40; n++) {
            struct test_card_label label = c.label;
            struct media_frame f = next(&c, false);
            assert_int_equal(video_decoder_frame(c.decoder, f.data, &p), 0);
            legible(&p, &label);
        }
        chain_close(&c);
    }
}

static void key_frames_come_when_asked_for_and_at_their_interval(void **state)
{
    struct vp8_frame head;
    struct chain on_request = made(160, 90, 60, 0), regular = made(160, 90, 60, 10);

    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        struct media_frame f = next(&on_request, i == 7 || i == 8 || i == 25);
        assert_int_equal(f.key, i == 0 || i == 7 || i == 8 || i == 25);
        assert_int_equal(vp8_frame_read(f.data, &head), 0);
        assert_int_equal(head.key, f.key);
        assert_int_equal(f.pts, (uint64_t)TICK * i);
        f = next(&regular, i == 15);
        assert_int_equal(f.key, i == 0 || i == 10 || i == 15 || i == 25 || i == 35);
    }
    chain_close(&on_request);
    chain_close(&regular);
}

static void the_same_pictures_give_the_same_frames(void **state)
{
    struct chain a = made(320, 180, 150, 0), b = made(320, 180, 150, 0);

    (void)state;
    for (int i = 0; i < 30; i++) {
        struct media_frame f = next(&a, i == 11), g = next(&b, i == 11);
        assert_true(bytes_equal(f.data, g.data));
    }
    chain_close(&a);
    chain_close(&b);
}

static size_t bytes_of_pictures(struct chain *c, int n)
{
    size_t sum = 0;
    for (int i = 0; i < n; i++)
        sum += next(c, false).data.n;
    return sum;
}

static void the_bitrate_is_followed_and_can_change(void **state)
{
    struct chain c = made(640, 360, 600, 0);

    (void)state;
    (void)bytes_of_pictures(&c, 60);
    size_t high = bytes_of_pictures(&c, 60); /* 600 kbit/s for two seconds are 150,000 bytes */
    assert_in_range(high, 90000, 200000);
    assert_int_equal(video_encoder_set_bitrate(c.encoder, 200), 0);
    (void)bytes_of_pictures(&c, 60);
    assert_in_range(bytes_of_pictures(&c, 60), 30000, 70000);
    assert_int_equal(video_encoder_set_bitrate(c.encoder, VIDEO_KBPS_MIN - 1), CONCLAVE_EINVAL);
    assert_int_equal(video_encoder_set_bitrate(c.encoder, VIDEO_KBPS_MAX + 1), CONCLAVE_EINVAL);
    chain_close(&c);
}

static void an_encoder_refuses_what_it_cannot_encode(void **state)
{
    static const struct video_encoder_config bad[] = {
        {MEDIA_WIDTH_MIN - 1, 90, 30, 100, 0},
        {160, MEDIA_HEIGHT_MAX + 1, 30, 100, 0},
        {160, 90, 0, 100, 0},
        {160, 90, VIDEO_FPS_MAX + 1, 100, 0},
        {160, 90, 30, VIDEO_KBPS_MIN - 1, 0},
        {160, 90, 30, VIDEO_KBPS_MAX + 1, 0},
    };
    struct video_encoder *none = NULL;
    struct media_frame frame;
    struct chain c = made(160, 90, 60, 0);

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(video_encoder_new(&bad[i], &none), CONCLAVE_EINVAL);
    (void)next(&c, false);
    struct picture p = test_card_draw(c.card, &c.label, 0);
    assert_int_equal(video_encoder_frame(c.encoder, &p, 0, false, &frame), CONCLAVE_EINVAL);
    p.width--;
    assert_int_equal(video_encoder_frame(c.encoder, &p, TICK, false, &frame), CONCLAVE_EINVAL);
    chain_close(&c);
    video_encoder_free(NULL);
    video_decoder_free(NULL);
}

static void a_decoder_needs_a_key_frame_first_and_after_damage(void **state)
{
    struct chain c = made(160, 90, 100, 0);
    struct buf key = {0};
    struct picture p;

    (void)state;
    buf_put(&key, next(&c, false).data);
    struct media_frame delta = next(&c, false);
    assert_int_equal(video_decoder_frame(c.decoder, delta.data, &p), CONCLAVE_ESTATE);
    assert_int_equal(video_decoder_frame(c.decoder, buf_view(&key), &p), 0);
    assert_int_equal(video_decoder_frame(c.decoder, delta.data, &p), 0);
    assert_int_equal(video_decoder_frame(c.decoder, bytes_str(""), &p), CONCLAVE_ESYNTAX);
    assert_int_equal(video_decoder_frame(c.decoder, bytes_of(delta.data.p, 5), &p),
                     CONCLAVE_ESYNTAX);
    assert_int_equal(video_decoder_frame(c.decoder, delta.data, &p), CONCLAVE_ESTATE);
    assert_int_equal(video_decoder_frame(c.decoder, buf_view(&key), &p), 0);
    buf_free(&key);
    chain_close(&c);
}

static void pictures_beyond_the_limits_are_not_decoded(void **state)
{
    struct chain c = made(160, 90, 100, 0);
    struct buf key = {0};
    struct picture p;

    (void)state;
    buf_put(&key, next(&c, false).data);
    key.p[7] = 0x3f; /* 16,288 samples wide */
    assert_int_equal(video_decoder_frame(c.decoder, buf_view(&key), &p), CONCLAVE_ELIMIT);
    key.p[7] = 0;
    key.p[9] = 0x3f;
    assert_int_equal(video_decoder_frame(c.decoder, buf_view(&key), &p), CONCLAVE_ELIMIT);
    buf_free(&key);
    chain_close(&c);
}

static void random_damage_does_no_harm(void **state)
{
    struct random random = {21};
    struct chain c = made(160, 90, 200, 5);
    struct buf copy = {0};
    struct picture p;
    unsigned decoded = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct media_frame f = next(&c, false);
        buf_clear(&copy);
        buf_put(&copy, bytes_of(f.data.p, f.data.n - random_below(&random, 1 + f.data.n / 2)));
        assert_int_equal(buf_check(&copy), 0);
        for (uint64_t k = random_below(&random, 4); k > 0 && copy.n > 10; k--)
            copy.p[10 + random_below(&random, copy.n - 10)] = (uint8_t)random_u64(&random);
        decoded += video_decoder_frame(c.decoder, buf_view(&copy), &p) == 0;
    }
    assert_in_range(decoded, 1, 199);
    buf_free(&copy);
    chain_close(&c);
}

static int encodes(void *ctx)
{
    static const struct video_encoder_config config = {160, 90, 30, 100, 0};
    struct media_frame frame;
    struct chain c;

    (void)ctx;
    int rv = chain_open(&c, &config);
    for (uint32_t i = 0; i < 3 && rv == 0; i++) {
        struct picture p = test_card_draw(c.card, &c.label, 0);
        rv = video_encoder_frame(c.encoder, &p, (uint64_t)TICK * i, false, &frame);
    }
    chain_close(&c);
    return rv;
}

static void failed_allocations_are_reported(void **state)
{
    (void)state;
    assert_true(alloc_sweep(encodes, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_card_is_read_as_it_was_drawn_at_any_size),
        cmocka_unit_test(cards_of_a_size_out_of_range_are_not_made),
        cmocka_unit_test(cards_follow_from_seed_label_and_time_alone),
        cmocka_unit_test(pictures_that_are_no_cards_are_not_taken_for_any),
        cmocka_unit_test(cards_survive_encoding_at_every_size_of_a_meeting),
        cmocka_unit_test(key_frames_come_when_asked_for_and_at_their_interval),
        cmocka_unit_test(the_same_pictures_give_the_same_frames),
        cmocka_unit_test(the_bitrate_is_followed_and_can_change),
        cmocka_unit_test(an_encoder_refuses_what_it_cannot_encode),
        cmocka_unit_test(a_decoder_needs_a_key_frame_first_and_after_damage),
        cmocka_unit_test(pictures_beyond_the_limits_are_not_decoded),
        cmocka_unit_test(random_damage_does_no_harm),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
