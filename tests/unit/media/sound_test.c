/* Tones: made, measured, and found again after Opus; levels of RFC 6464. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/audio_decoder.h"
#include "media/audio_encoder.h"
#include "media/limits.h"
#include "media/sound.h"
#include "rtc/opus.h"
#include "support/alloc_fail.h"
#include "support/random.h"

#define N ((size_t)960)

static int16_t samples[2 * AUDIO_DECODED_MAX];

static void near(double value, double expected, double tolerance)
{
    if (value < expected - tolerance || value > expected + tolerance)
        fail_msg("%f is not %f", value, expected);
}

static void a_tone_has_the_level_it_was_made_with(void **state)
{
    (void)state;
    for (unsigned hz = 50; hz <= 20000; hz += 650) {
        for (int level = -4; level > -60; level -= 7) {
            sound_tone_fill(hz, level, 777, samples, N);
            near(sound_tone_level(hz, samples, N), level, 0.1);
            near(sound_level(samples, N), level, 0.1);
        }
    }
    sound_tone_fill(1000, 0, 0, samples, N); /* no louder than a sine can be */
    near(sound_level(samples, N), SOUND_TONE_MAX, 0.01);
    sound_tone_fill(1000, SOUND_SILENCE, 0, samples, N);
    near(sound_level(samples, N), SOUND_SILENCE, 0);
}

static void other_frequencies_are_not_heard(void **state)
{
    (void)state;
    sound_tone_fill(1000, -20, 0, samples, N);
    for (unsigned hz = 50; hz <= 4000; hz += 50)
        assert_true(hz == 1000 || sound_tone_level(hz, samples, N) < -80);
    near(sound_tone_level(1000, samples, 0), SOUND_SILENCE, 0);
}

static void a_tone_goes_on_where_it_ended(void **state)
{
    static int16_t whole[4 * N], pieces[4 * N];
    const uint64_t far = UINT64_C(48000) * 3600 * 24 * 365;

    (void)state;
    sound_tone_fill(443, -10, far, whole, 4 * N);
    for (size_t at = 0; at < 4 * N; at += N / 2)
        sound_tone_fill(443, -10, far + at, pieces + at, N / 2);
    assert_memory_equal(whole, pieces, sizeof whole);
}

static void levels_are_those_of_rfc_6464(void **state)
{
    (void)state;
    for (size_t i = 0; i < N; i++)
        samples[i] = i % 2 == 0 ? INT16_MAX : INT16_MIN;
    assert_int_equal(sound_audio_level(samples, N), 0); /* the overload point */
    sound_tone_fill(1000, -3.1, 0, samples, N);
    assert_int_equal(sound_audio_level(samples, N), 3);
    for (unsigned level = 4; level < 80; level++) {
        sound_tone_fill(1000, -(double)level, 0, samples, N);
        assert_int_equal(sound_audio_level(samples, N), level);
    }
    memset(samples, 0, sizeof samples);
    assert_int_equal(sound_audio_level(samples, N), 127);
    assert_int_equal(sound_audio_level(samples, 0), 127);
    samples[0] = 1; /* the least there is */
    assert_in_range(sound_audio_level(samples, N), 100, 127);
}

/* Half a second of a tone through Opus; the last 20 ms are left in samples. */
static void through_opus(const struct audio_encoder_config *config, unsigned hz, double level)
{
    static int16_t in[2 * N];
    struct audio_encoder *e = NULL;
    struct audio_decoder *d = NULL;
    struct media_frame f;
    size_t n = 0, size = 0;

    assert_int_equal(audio_encoder_new(config, &e), 0);
    assert_int_equal(audio_decoder_new(1, &d), 0);
    for (uint64_t i = 0; i < 25; i++) {
        sound_tone_fill(hz, level, N * i, in, N);
        for (size_t k = config->channels == 2 ? N : 0; k > 0; k--)
            in[2 * k - 1] = in[2 * k - 2] = in[k - 1];
        assert_int_equal(audio_encoder_frame(e, in, N * i, &f), 0);
        assert_int_equal(f.codec, MEDIA_OPUS);
        assert_int_equal(f.pts, N * i);
        assert_int_equal(f.duration, N);
        assert_true(f.key && f.data.n <= MEDIA_AUDIO_FRAME_MAX);
        assert_true(!config->constant_rate || size == 0 || f.data.n == size);
        size = f.data.n;
        assert_int_equal(audio_decoder_frame(d, f.data, samples, &n), 0);
        assert_int_equal(n, N);
    }
    audio_encoder_free(e);
    audio_decoder_free(d);
}

static void a_tone_survives_opus(void **state)
{
    static const struct audio_encoder_config configs[] = {
        {1, 24000, false}, {1, 32000, true}, {2, 64000, false}};

    (void)state;
    for (size_t c = 0; c < sizeof configs / sizeof configs[0]; c++) {
        for (unsigned hz = 300; hz < 3500; hz += 450) {
            through_opus(&configs[c], hz, -20);
            near(sound_tone_level(hz, samples, N), -20, 2);
            near(sound_level(samples, N), -20, 2);
            for (unsigned other = 300; other < 3500; other += 50)
                assert_true(other == hz || sound_tone_level(other, samples, N) < -30);
        }
    }
}

static void silence_stays_silence(void **state)
{
    static const struct audio_encoder_config config = {1, 32000, false};

    (void)state;
    through_opus(&config, 1000, SOUND_SILENCE);
    assert_true(sound_audio_level(samples, N) >= 90);
}

static void the_same_sound_gives_the_same_packets(void **state)
{
    static const struct audio_encoder_config config = {1, 32000, false};
    struct audio_encoder *e[2];
    struct media_frame f[2];

    (void)state;
    for (size_t k = 0; k < 2; k++)
        assert_int_equal(audio_encoder_new(&config, &e[k]), 0);
    for (uint64_t i = 0; i < 50; i++) {
        sound_tone_fill(500, i < 25 ? -20 : SOUND_SILENCE, N * i, samples, N);
        for (size_t k = 0; k < 2; k++)
            assert_int_equal(audio_encoder_frame(e[k], samples, N * i, &f[k]), 0);
        assert_true(bytes_equal(f[0].data, f[1].data));
    }
    for (size_t k = 0; k < 2; k++)
        audio_encoder_free(e[k]);
}

static void codecs_refuse_what_they_cannot_do(void **state)
{
    static const struct audio_encoder_config bad[] = {{0, 32000, false},
                                                      {3, 32000, false},
                                                      {1, AUDIO_BPS_MIN - 1, false},
                                                      {1, AUDIO_BPS_MAX + 1, false}};
    static uint8_t large[MEDIA_AUDIO_FRAME_MAX + 1] = {0xf8};
    struct audio_encoder *e = NULL;
    struct audio_decoder *d = NULL;
    size_t n = 7;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(audio_encoder_new(&bad[i], &e), CONCLAVE_EINVAL);
    assert_int_equal(audio_decoder_new(0, &d), CONCLAVE_EINVAL);
    assert_int_equal(audio_decoder_new(3, &d), CONCLAVE_EINVAL);
    assert_int_equal(audio_decoder_new(2, &d), 0);
    assert_int_equal(audio_decoder_frame(d, bytes_str(""), samples, &n), CONCLAVE_ESYNTAX);
    assert_int_equal(audio_decoder_frame(d, bytes_of(large, sizeof large), samples, &n),
                     CONCLAVE_ESYNTAX);
    assert_int_equal(audio_decoder_frame(d, bytes_of("\371ab", 3), samples, &n), 0);
    n = 7;
    assert_int_equal(audio_decoder_frame(d, bytes_of("\371abc", 4), samples, &n),
                     CONCLAVE_ESYNTAX); /* two frames of unequal size */
    assert_int_equal(n, 7);
    assert_int_equal(audio_decoder_conceal(d, 0, samples), CONCLAVE_EINVAL);
    assert_int_equal(audio_decoder_conceal(d, 121, samples), CONCLAVE_EINVAL);
    assert_int_equal(audio_decoder_conceal(d, AUDIO_DECODED_MAX + 120, samples), CONCLAVE_EINVAL);
    audio_decoder_free(d);
    audio_decoder_free(NULL);
    audio_encoder_free(NULL);
}

static void what_is_missing_is_made_up_for(void **state)
{
    static const struct audio_encoder_config config = {1, 32000, false};
    struct audio_encoder *e = NULL;
    struct audio_decoder *d = NULL;
    struct media_frame f;
    size_t n;

    (void)state;
    assert_int_equal(audio_encoder_new(&config, &e), 0);
    assert_int_equal(audio_decoder_new(1, &d), 0);
    for (uint64_t i = 0; i < 25; i++) {
        sound_tone_fill(500, -20, N * i, samples, N);
        assert_int_equal(audio_encoder_frame(e, samples, N * i, &f), 0);
        assert_int_equal(audio_decoder_frame(d, f.data, samples, &n), 0);
    }
    assert_int_equal(audio_decoder_conceal(d, N, samples), 0);
    near(sound_level(samples, N), -20, 6);
    assert_true(sound_tone_level(500, samples, N) > -26);
    audio_encoder_free(e);
    audio_decoder_free(d);
}

static void random_packets_do_no_harm(void **state)
{
    static uint8_t data[MEDIA_AUDIO_FRAME_MAX];
    struct random random = {4};
    struct audio_decoder *d = NULL;
    size_t n;

    (void)state;
    assert_int_equal(audio_decoder_new(2, &d), 0);
    for (int i = 0; i < 500; i++) {
        size_t size = 1 + random_below(&random, 300);
        random_fill(&random, data, size);
        if (audio_decoder_frame(d, bytes_of(data, size), samples, &n) == 0)
            assert_true(n > 0 && n <= AUDIO_DECODED_MAX);
    }
    audio_decoder_free(d);
}

static int codes(void *ctx)
{
    static const struct audio_encoder_config config = {1, 32000, false};
    struct audio_encoder *e = NULL;
    struct audio_decoder *d = NULL;

    (void)ctx;
    int rv = audio_encoder_new(&config, &e);
    if (rv == 0)
        rv = audio_decoder_new(1, &d);
    audio_encoder_free(e);
    audio_decoder_free(d);
    return rv;
}

static void failed_allocations_are_reported(void **state)
{
    (void)state;
    assert_int_equal(alloc_sweep(codes, NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_has_the_level_it_was_made_with),
        cmocka_unit_test(other_frequencies_are_not_heard),
        cmocka_unit_test(a_tone_goes_on_where_it_ended),
        cmocka_unit_test(levels_are_those_of_rfc_6464),
        cmocka_unit_test(a_tone_survives_opus),
        cmocka_unit_test(silence_stays_silence),
        cmocka_unit_test(the_same_sound_gives_the_same_packets),
        cmocka_unit_test(codecs_refuse_what_they_cannot_do),
        cmocka_unit_test(what_is_missing_is_made_up_for),
        cmocka_unit_test(random_packets_do_no_harm),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
