/* Synthetic senders and those who check what has become of their media. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/checker.h"
#include "media/sound.h"
#include "media/synthetic.h"
#include "rtc/vp8.h"
#include "support/alloc_fail.h"

#define TOP (SYNTHETIC_LAYERS_MAX - 1)

static struct synthetic_config small(uint8_t sender, uint8_t layers)
{
    struct synthetic_config c = synthetic_defaults(sender);
    c.width = (uint16_t)(160 << (layers - 1));
    c.height = (uint16_t)(90 << (layers - 1));
    c.layers = layers;
    return c;
}

static struct synthetic *made(const struct synthetic_config *config)
{
    struct synthetic *s = NULL;

    assert_int_equal(synthetic_new(config, &s), 0);
    return s;
}

static struct checker *checking(uint8_t sender)
{
    struct checker *c = NULL;

    assert_int_equal(checker_new(sender, &c), 0);
    return c;
}

/* The next pictures of layer 0, of which the checker sees those for which see() is true. */
static void show(struct synthetic *s, struct checker *c, unsigned n)
{
    struct media_frame f[SYNTHETIC_LAYERS_MAX];

    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(synthetic_video(s, f), 0);
        if (c != NULL)
            assert_int_equal(checker_take_video(c, f[0].data), 0);
    }
}

static uint8_t play(struct synthetic *s, struct checker *c, unsigned n)
{
    struct media_frame f;
    uint8_t level = 0;

    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(synthetic_audio(s, &f, &level), 0);
        assert_int_equal(checker_take_audio(c, f.data), 0);
    }
    return level;
}

static void whole_media_check_out(void **state)
{
    struct synthetic_config config = synthetic_defaults(200);
    struct synthetic *s = made(&config);
    struct checker *c = checking(200);

    (void)state;
    show(s, c, 40);
    assert_int_equal(play(s, c, 50), 20);
    struct checker_video v = checker_video(c);
    struct checker_audio a = checker_audio(c);
    assert_int_equal(v.pictures, 40);
    assert_int_equal(v.number, 39);
    assert_int_equal(v.width, 640);
    assert_int_equal(v.height, 360);
    assert_int_equal(v.missing + v.undecodable + v.illegible + v.foreign + v.backward, 0);
    assert_int_equal(a.packets, 50);
    assert_int_equal(a.silent + a.undecodable + a.foreign, 0);
    assert_true(a.level > SYNTHETIC_LEVEL - 2 && a.level < SYNTHETIC_LEVEL + 2);
    synthetic_free(s);
    checker_free(c);
}

static void each_call_says_when_its_frame_is_due(void **state)
{
    struct synthetic_config config = small(1, 1);
    struct media_frame f[SYNTHETIC_LAYERS_MAX];
    uint8_t level;

    (void)state;
    config.fps = 7;
    struct synthetic *s = made(&config);
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(synthetic_video(s, f), 0);
        assert_int_equal(f[0].codec, MEDIA_VP8);
        assert_int_equal(f[0].pts, i * 90000 / 7);
        assert_int_equal(f[0].duration, 90000 / 7);
        assert_int_equal(synthetic_audio(s, f, &level), 0);
        assert_int_equal(f[0].codec, MEDIA_OPUS);
        assert_int_equal(f[0].pts, i * 960);
        assert_int_equal(f[0].duration, 960);
    }
    synthetic_free(s);
}

static void layers_show_the_same_picture_in_three_sizes(void **state)
{
    struct synthetic_config config = small(6, 3);
    struct synthetic *s = made(&config);
    struct media_frame f[SYNTHETIC_LAYERS_MAX];
    struct checker *c[SYNTHETIC_LAYERS_MAX];
    size_t sizes[SYNTHETIC_LAYERS_MAX] = {0};

    (void)state;
    for (size_t k = 0; k <= TOP; k++)
        c[k] = checking(6);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(synthetic_video(s, f), 0);
        for (size_t k = 0; k <= TOP; k++) {
            assert_int_equal(checker_take_video(c[k], f[k].data), 0);
            assert_int_equal(f[k].pts, f[0].pts);
            sizes[k] += f[k].data.n;
        }
    }
    for (size_t k = 0; k <= TOP; k++) {
        assert_int_equal(checker_video(c[k]).pictures, 40);
        assert_int_equal(checker_video(c[k]).width, 160 << k);
        assert_int_equal(checker_video(c[k]).height, 90 << k);
        assert_true(k == 0 || sizes[k] > sizes[k - 1]);
        checker_free(c[k]);
    }
    synthetic_free(s);
}

static void key_frames_come_on_request_in_their_layer_alone(void **state)
{
    struct synthetic_config config = small(6, 3);
    struct synthetic *s = made(&config);
    struct media_frame f[SYNTHETIC_LAYERS_MAX];

    (void)state;
    for (int i = 0; i < 10; i++) {
        if (i == 4)
            synthetic_request_key(s, 1);
        if (i == 7)
            synthetic_request_key(s, SYNTHETIC_LAYERS_MAX);
        assert_int_equal(synthetic_video(s, f), 0);
        assert_int_equal(f[0].key, i == 0);
        assert_int_equal(f[1].key, i == 0 || i == 4);
        assert_int_equal(f[2].key, i == 0);
    }
    synthetic_free(s);
}

static void a_layer_that_was_off_comes_back_with_a_key_frame(void **state)
{
    struct synthetic_config config = small(6, 2);
    struct synthetic *s = made(&config);
    struct media_frame f[SYNTHETIC_LAYERS_MAX];

    (void)state;
    for (int i = 0; i < 12; i++) {
        if (i == 3 || i == 8)
            synthetic_switch_layer(s, 1, i == 8);
        synthetic_switch_layer(s, 2, true); /* there is none */
        assert_int_equal(synthetic_video(s, f), 0);
        assert_true(f[0].data.n > 0 && f[2].data.n == 0);
        assert_int_equal(f[1].data.n > 0, i < 3 || i >= 8);
        assert_int_equal(f[1].key, i == 0 || i == 8);
    }
    assert_int_equal(synthetic_set_bitrate(s, 1, 100), 0);
    assert_int_equal(synthetic_set_bitrate(s, 1, 1), CONCLAVE_EINVAL);
    assert_int_equal(synthetic_set_bitrate(s, 2, 100), CONCLAVE_EINVAL);
    synthetic_free(s);
}

static void the_same_sender_and_seed_give_the_same_media(void **state)
{
    struct synthetic_config config = small(6, 1);
    struct synthetic *s[3];
    struct media_frame f[3][SYNTHETIC_LAYERS_MAX];
    uint8_t level;
    unsigned differ = 0;

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        config.seed = k == 2 ? 78 : 77;
        s[k] = made(&config);
    }
    for (int i = 0; i < 10; i++) {
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(synthetic_video(s[k], f[k]), 0);
        assert_true(bytes_equal(f[0][0].data, f[1][0].data));
        differ += !bytes_equal(f[0][0].data, f[2][0].data);
        for (size_t k = 0; k < 3; k++)
            assert_int_equal(synthetic_audio(s[k], &f[k][0], &level), 0);
        assert_true(bytes_equal(f[0][0].data, f[1][0].data));
    }
    assert_true(differ > 5);
    for (size_t k = 0; k < 3; k++)
        synthetic_free(s[k]);
}

static void who_does_not_talk_is_silent_in_level_and_sound(void **state)
{
    struct synthetic_config config = small(9, 1);
    struct synthetic *s = made(&config);
    struct checker *c = checking(9);

    (void)state;
    assert_int_equal(play(s, c, 25), 20);
    synthetic_talk(s, false);
    assert_int_equal(play(s, c, 25), 127);
    synthetic_talk(s, true);
    assert_int_equal(play(s, c, 25), 20);
    struct checker_audio a = checker_audio(c);
    assert_int_equal(a.packets + a.silent, 75);
    assert_in_range(a.silent, 20, 25);
    assert_int_equal(a.foreign + a.undecodable, 0);
    synthetic_free(s);
    checker_free(c);
}

static void media_of_another_sender_are_noticed(void **state)
{
    struct synthetic_config config = small(10, 1);
    struct synthetic *s = made(&config);

    (void)state;
    /* the next one; one of the same colour; one of the same tone */
    static const uint8_t others[] = {11, 10 + 16, 10 + SYNTHETIC_TONES};
    for (size_t k = 0; k < sizeof others; k++) {
        struct checker *c = checking(others[k]);
        synthetic_request_key(s, 0);
        show(s, c, 10);
        assert_int_equal(checker_video(c).foreign, 10);
        assert_int_equal(checker_video(c).pictures, 0);
        (void)play(s, c, 10);
        assert_int_equal(checker_audio(c).foreign, others[k] % 64 == 10 ? 0 : 10);
        checker_free(c);
    }
    synthetic_free(s);
}

static void missing_repeated_and_damaged_pictures_are_counted(void **state)
{
    struct synthetic_config config = small(10, 1);
    struct synthetic *s = made(&config);
    struct checker *c = checking(10);
    struct media_frame f[SYNTHETIC_LAYERS_MAX];

    (void)state;
    show(s, c, 5);
    show(s, NULL, 3); /* lost */
    synthetic_request_key(s, 0);
    assert_int_equal(synthetic_video(s, f), 0);
    assert_int_equal(checker_take_video(c, f[0].data), 0);
    assert_int_equal(checker_take_video(c, f[0].data), 0); /* twice */
    assert_int_equal(checker_take_video(c, bytes_of(f[0].data.p, 2)), 0);
    struct checker_video v = checker_video(c);
    assert_int_equal(v.pictures, 6);
    assert_int_equal(v.missing, 3);
    assert_int_equal(v.backward, 1);
    assert_int_equal(v.undecodable, 1);
    assert_int_equal(v.number, 8);
    assert_int_equal(checker_take_audio(c, bytes_str("")), 0);
    assert_int_equal(checker_audio(c).undecodable, 1);
    synthetic_free(s);
    checker_free(c);
}

static void configs_out_of_range_are_refused(void **state)
{
    struct synthetic_config bad[5];
    struct synthetic *s = NULL;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        bad[i] = small(1, 3);
    bad[0].layers = 0;
    bad[1].layers = SYNTHETIC_LAYERS_MAX + 1;
    bad[2].width = 200; /* 50 in the smallest */
    bad[3].fps = 0;
    bad[4].audio_bps = 1;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(synthetic_new(&bad[i], &s), CONCLAVE_EINVAL);
    synthetic_free(NULL);
    checker_free(NULL);
}

static int sends_and_checks(void *ctx)
{
    struct synthetic_config config = small(1, 2);
    struct media_frame f[SYNTHETIC_LAYERS_MAX];
    struct synthetic *s = NULL;
    struct checker *c = NULL;

    (void)ctx;
    int rv = synthetic_new(&config, &s);
    if (rv == 0)
        rv = checker_new(1, &c);
    if (rv == 0)
        rv = synthetic_video(s, f);
    if (rv == CONCLAVE_ENOMEM && s != NULL && c != NULL) {
        assert_int_equal(synthetic_video(s, f), 0); /* and it goes on with key frames */
        assert_true(f[0].key && f[1].key);
    } else if (rv == 0) {
        rv = checker_take_video(c, f[0].data);
    }
    synthetic_free(s);
    checker_free(c);
    return rv;
}

static void pictures_that_were_not_made_are_missing_and_the_others_decode(void **state)
{
    struct synthetic_config config = small(5, 1);
    struct synthetic *s = made(&config);
    struct checker *c = checking(5);
    struct media_frame f[SYNTHETIC_LAYERS_MAX];

    (void)state;
    show(s, c, 5);
    synthetic_video_skip(s, 7);
    assert_int_equal(synthetic_video(s, f), 0);
    assert_int_equal(f[0].pts, 12 * MEDIA_VIDEO_CLOCK / config.fps);
    assert_int_equal(checker_take_video(c, f[0].data), 0);
    show(s, c, 4);
    struct checker_video v = checker_video(c);
    assert_int_equal(v.pictures, 10);
    assert_int_equal(v.missing, 7);
    assert_int_equal(v.number, 16);
    assert_int_equal(v.undecodable + v.illegible + v.foreign + v.backward, 0);
    synthetic_free(s);
    checker_free(c);
}

static void failed_allocations_are_reported_and_made_up_for(void **state)
{
    (void)state;
    assert_true(alloc_sweep(sends_and_checks, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_media_check_out),
        cmocka_unit_test(each_call_says_when_its_frame_is_due),
        cmocka_unit_test(layers_show_the_same_picture_in_three_sizes),
        cmocka_unit_test(key_frames_come_on_request_in_their_layer_alone),
        cmocka_unit_test(a_layer_that_was_off_comes_back_with_a_key_frame),
        cmocka_unit_test(the_same_sender_and_seed_give_the_same_media),
        cmocka_unit_test(who_does_not_talk_is_silent_in_level_and_sound),
        cmocka_unit_test(media_of_another_sender_are_noticed),
        cmocka_unit_test(missing_repeated_and_damaged_pictures_are_counted),
        cmocka_unit_test(pictures_that_were_not_made_are_missing_and_the_others_decode),
        cmocka_unit_test(configs_out_of_range_are_refused),
        cmocka_unit_test(failed_allocations_are_reported_and_made_up_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
