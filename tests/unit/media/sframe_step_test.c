/* The AEAD elsewhere: what a browser does with WebCrypto, here with a key made by hand. */
#include "media.h"

#include <conclave/sframe.h>

#include "crypto/aead.h"
#include "support/alloc_fail.h"

#define SUITE SFRAME_AES_256_GCM_SHA512_128

static const uint8_t base_key[32] = {9};
static const uint8_t plain[] = "hello";
static struct aead_engine *engine;

static int open_engine(void **state)
{
    (void)state;
    return aead_engine_new(AEAD_BEST, &engine);
}

static int close_engine(void **state)
{
    (void)state;
    aead_engine_free(engine);
    return 0;
}

static struct sframe_keys *member(enum sframe_mode mode, uint32_t leaf)
{
    struct sframe_keys *k = NULL;
    struct sframe_epoch e = {5, bytes_of(base_key, sizeof base_key), 8, leaf, SFRAME_SWITCH_NOW};
    assert_int_equal(sframe_keys_new(SUITE, 4, mode, &k), 0);
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), 0);
    return k;
}

static int next_epoch(struct sframe_keys *k, uint64_t id, uint32_t leaf)
{
    struct sframe_epoch e = {id, bytes_of(base_key, sizeof base_key), 8, leaf, SFRAME_SWITCH_NOW};
    return sframe_keys_add_epoch(k, &e, 0);
}

/* The outside AEAD: out gets header, ciphertext and tag. */
static size_t seal_outside(const struct sframe_step *s, struct bytes text, uint8_t *out)
{
    struct aead *a = NULL;
    assert_int_equal(aead_new(engine, AEAD_ALG_GCM256, s->tag_n, bytes_of(s->key, s->key_n), &a),
                     0);
    memcpy(out, s->header, s->header_n);
    assert_int_equal(aead_seal(a, s->nonce, bytes_of(s->header, s->header_n), text,
                               out + s->header_n, out + s->header_n + text.n),
                     0);
    aead_free(a);
    return s->header_n + text.n + s->tag_n;
}

static bool open_outside(const struct sframe_step *s, struct bytes frame, uint8_t *out)
{
    struct aead *a = NULL;
    size_t n = frame.n - s->header_n - s->tag_n;
    assert_int_equal(aead_new(engine, AEAD_ALG_GCM256, s->tag_n, bytes_of(s->key, s->key_n), &a),
                     0);
    int rv = aead_open(a, s->nonce, bytes_of(s->header, s->header_n),
                       bytes_of(frame.p + s->header_n, n), frame.p + s->header_n + n, out);
    aead_free(a);
    return rv == 0;
}

static void both_ways_speak_with_each_other(void **state)
{
    struct sframe_keys *a = member(SFRAME_OUTSIDE, 1), *b = member(SFRAME_INSIDE, 2);
    struct sframe_step s;
    uint8_t frame[64], out[64];
    size_t n;
    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(sframe_seal_prepare(a, 3, sizeof plain, 0, &s), 0);
        n = seal_outside(&s, bytes_of(plain, sizeof plain), frame);
        assert_int_equal(
            sframe_open(b, bytes_of(NULL, 0), bytes_of(frame, n), 0, out, sizeof out, &n, NULL), 0);
        assert_true(bytes_equal(bytes_of(out, n), bytes_of(plain, sizeof plain)));

        assert_int_equal(sframe_seal(b, 3, bytes_of(NULL, 0), bytes_of(plain, sizeof plain), 0,
                                     frame, sizeof frame, &n),
                         0);
        assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n), 0, &s), 0);
        assert_int_equal(sframe_open_finish(a, &s, open_outside(&s, bytes_of(frame, n), out), 0),
                         0);
        assert_memory_equal(out, plain, sizeof plain);
        assert_int_equal(s.info.leaf, 2);
        assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n), 0, &s), CONCLAVE_EREPLAY);
    }
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void two_openings_at_once_yield_one_frame(void **state)
{
    struct sframe_keys *a = member(SFRAME_OUTSIDE, 1), *b = member(SFRAME_INSIDE, 2);
    struct sframe_step first, second;
    uint8_t frame[64];
    size_t n;
    (void)state;
    assert_int_equal(sframe_seal(b, 0, bytes_of(NULL, 0), bytes_of(plain, sizeof plain), 0, frame,
                                 sizeof frame, &n),
                     0);
    assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n), 0, &first), 0);
    assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n), 0, &second), 0);
    assert_int_equal(sframe_open_finish(a, &first, false, 0), CONCLAVE_EDECRYPT);
    assert_int_equal(sframe_open_finish(a, &first, true, 0), 0);
    assert_int_equal(sframe_open_finish(a, &second, true, 0), CONCLAVE_EREPLAY);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void an_epoch_that_went_meanwhile_takes_the_frame_along(void **state)
{
    struct sframe_keys *a = member(SFRAME_OUTSIDE, 1), *b = member(SFRAME_INSIDE, 2);
    struct sframe_step s;
    uint8_t frame[64];
    size_t n;
    (void)state;
    assert_int_equal(sframe_seal(b, 0, bytes_of(NULL, 0), bytes_of(plain, sizeof plain), 0, frame,
                                 sizeof frame, &n),
                     0);
    assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n), 0, &s), 0);
    assert_int_equal(next_epoch(a, 5 + 16, 1), 0); /* the same slot, another key */
    assert_int_equal(sframe_open_finish(a, &s, true, 0), CONCLAVE_EUNKNOWNKEY);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void each_mode_refuses_the_other_ones_calls(void **state)
{
    struct sframe_keys *a = member(SFRAME_OUTSIDE, 1), *b = member(SFRAME_INSIDE, 2);
    struct sframe_step s = {.header_n = 1};
    uint8_t out[64] = {0};
    size_t n;
    (void)state;
    assert_int_equal(
        sframe_seal(a, 0, bytes_of(NULL, 0), bytes_of(plain, 5), 0, out, sizeof out, &n),
        CONCLAVE_ESTATE);
    assert_int_equal(
        sframe_open(a, bytes_of(NULL, 0), bytes_of(out, 30), 0, out, sizeof out, &n, NULL),
        CONCLAVE_ESTATE);
    assert_int_equal(sframe_seal_prepare(b, 0, 5, 0, &s), CONCLAVE_ESTATE);
    assert_int_equal(sframe_open_prepare(b, bytes_of(out, 30), 0, &s), CONCLAVE_ESTATE);
    assert_int_equal(sframe_open_finish(b, &s, true, 0), CONCLAVE_ESTATE);
    assert_int_equal(sframe_seal_prepare(a, 0, SFRAME_PLAIN_MAX + 1, 0, &s), CONCLAVE_EINVAL);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

static void a_frame_too_short_or_reflected_or_unknown_gets_no_step(void **state)
{
    struct sframe_keys *a = member(SFRAME_OUTSIDE, 1);
    struct sframe_step s;
    uint8_t frame[64] = {0};
    size_t n;
    (void)state;
    assert_int_equal(sframe_seal_prepare(a, 0, sizeof plain, 0, &s), 0);
    n = seal_outside(&s, bytes_of(plain, sizeof plain), frame);
    assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n), 0, &s), CONCLAVE_ESENDER);
    n = sframe_header_write(2 << 4 | 5, 0, frame); /* another leaf, the right epoch */
    assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n + 15), 0, &s), CONCLAVE_ESYNTAX);
    assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n + 16), 0, &s), 0);
    n = sframe_header_write(2 << 4 | 6, 0, frame);
    assert_int_equal(sframe_open_prepare(a, bytes_of(frame, n + 16), 0, &s), CONCLAVE_EUNKNOWNKEY);
    sframe_step_wipe(&s);
    assert_true(all_zero((const uint8_t *)&s, sizeof s));
    sframe_keys_free(a);
}

/* The clear bytes of VP8: readable on the way, but not to be changed (docs/MEDIA.md). */
static void clear_bytes_are_authenticated(void **state)
{
    static const uint8_t key_frame[20] = {0x10, 2, 0, 0x9d, 0x01, 0x2a, 0x80, 2, 0xe0, 1};
    static const uint8_t delta_frame[20] = {0x31, 2, 0};
    const uint8_t *const frames[] = {key_frame, delta_frame};
    const size_t clear[] = {10, 3};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct sframe_keys *a = member(SFRAME_INSIDE, 1), *b = member(SFRAME_INSIDE, 2);
        uint8_t sealed[80], out[80];
        size_t n = 0, got = 0;
        assert_int_equal(sframe_seal_media(a, 0, SFRAME_CODEC_VP8, bytes_of(frames[i], 20), 0,
                                           sealed, sizeof sealed, &n),
                         0);
        assert_memory_equal(sealed, frames[i], clear[i]);
        assert_memory_not_equal(sealed + n - 36, frames[i] + clear[i], 20 - clear[i]);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(sframe_open_media(b, SFRAME_CODEC_VP8, bytes_of(sealed, n), 0, out,
                                                   sizeof out, &got, NULL),
                                 0);
            sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t cut = 0; cut < n; cut++)
            assert_int_not_equal(sframe_open_media(b, SFRAME_CODEC_VP8, bytes_of(sealed, cut), 0,
                                                   out, sizeof out, &got, NULL),
                                 0);
        assert_int_equal(sframe_open_media(b, SFRAME_CODEC_VP8, bytes_of(sealed, n), 0, out,
                                           sizeof out, &got, NULL),
                         0);
        assert_true(bytes_equal(bytes_of(out, got), bytes_of(frames[i], 20)));
        sframe_keys_free(a);
        sframe_keys_free(b);
    }
}

static void opus_leaves_nothing_in_clear(void **state)
{
    size_t n = 99;
    (void)state;
    assert_int_equal(sframe_clear_size(SFRAME_CODEC_OPUS, bytes_of(plain, 5), &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(sframe_clear_size(SFRAME_CODEC_VP8, bytes_of(plain, 0), &n), CONCLAVE_ESYNTAX);
    struct sframe_keys *a = member(SFRAME_INSIDE, 1);
    uint8_t out[8];
    assert_int_equal(
        sframe_seal_media(a, 0, SFRAME_CODEC_VP8, bytes_of("\1\0\0\0", 4), 0, out, 2, &n),
        CONCLAVE_EBUFFER);
    assert_int_equal(
        sframe_open_media(a, SFRAME_CODEC_VP8, bytes_of("\1\0\0\0", 4), 0, out, 2, &n, NULL),
        CONCLAVE_EBUFFER);
    assert_int_equal(sframe_seal_media(a, 0, SFRAME_CODEC_VP8, bytes_of("\1", 1), 0, out, 8, &n),
                     CONCLAVE_ESYNTAX);
    sframe_keys_free(a);
    assert_int_equal(sframe_clear_size(SFRAME_CODEC_VP8, bytes_of("\0\0\0\0\0\0\0\0\0", 9), &n),
                     CONCLAVE_ESYNTAX);
}

static void an_empty_frame_needs_neither_text_nor_room(void **state)
{
    struct sframe_keys *a = member(SFRAME_INSIDE, 1), *b = member(SFRAME_INSIDE, 2);
    uint8_t sealed[40];
    size_t n = 0;
    (void)state;
    assert_int_equal(
        sframe_seal_media(a, 0, SFRAME_CODEC_OPUS, bytes_of(NULL, 0), 0, sealed, sizeof sealed, &n),
        0);
    assert_int_equal(
        sframe_open_media(b, SFRAME_CODEC_OPUS, bytes_of(sealed, n), 0, NULL, 0, &n, NULL), 0);
    assert_int_equal(n, 0);
    assert_int_equal(
        sframe_open_media(b, SFRAME_CODEC_OPUS, bytes_of(NULL, 0), 0, NULL, 0, &n, NULL),
        CONCLAVE_ESYNTAX);
    sframe_keys_free(a);
    sframe_keys_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_speak_with_each_other),
        cmocka_unit_test(two_openings_at_once_yield_one_frame),
        cmocka_unit_test(an_epoch_that_went_meanwhile_takes_the_frame_along),
        cmocka_unit_test(each_mode_refuses_the_other_ones_calls),
        cmocka_unit_test(a_frame_too_short_or_reflected_or_unknown_gets_no_step),
        cmocka_unit_test(clear_bytes_are_authenticated),
        cmocka_unit_test(an_empty_frame_needs_neither_text_nor_room),
        cmocka_unit_test(opus_leaves_nothing_in_clear),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
