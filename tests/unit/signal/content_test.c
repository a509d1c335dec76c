/* What people write to each other: each kind goes and comes back, within its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signal/signal.h"
#include "support/alloc_fail.h"

static const uint8_t zeros[SIGNAL_CHAT_MAX + 1];

static struct bytes some(size_t n)
{
    return bytes_of(zeros, n);
}

static void assert_comes_back(const struct signal_content *c)
{
    struct signal_content back;
    struct buf out = {0};
    assert_int_equal(signal_content_write(c, &out), 0);
    assert_int_equal(signal_content_read(buf_view(&out), &back), 0);
    assert_int_equal(back.kind, c->kind);
    assert_true(bytes_equal(back.id, c->id));
    assert_true(bytes_equal(back.text, c->text));
    assert_int_equal(back.raised, c->raised);
    assert_int_equal(back.epoch, c->epoch);
    assert_true(bytes_equal(back.digest, c->digest));
    assert_int_equal(back.sends, c->sends);
    assert_int_equal(back.leaf, c->leaf);

    for (size_t n = 0; n < out.n; n++) {
        uint8_t *cut = malloc(n + 1); /* of its own size, so that reading beyond it is seen */
        assert_non_null(cut);
        memcpy(cut, out.p, n);
        assert_int_equal(signal_content_read(bytes_of(cut, n), &back), CONCLAVE_ESYNTAX);
        free(cut);
    }
    buf_put_zero(&out, 1);
    assert_int_equal(signal_content_read(buf_view(&out), &back), CONCLAVE_ESYNTAX);
    buf_free(&out);
}

static void every_kind_comes_back_and_no_part_of_it_does(void **state)
{
    const struct signal_content all[] = {
        {.kind = SIGNAL_CHAT, .id = some(SIGNAL_CHAT_ID), .text = bytes_str("Hello")},
        {.kind = SIGNAL_REACTION, .text = bytes_str("\xf0\x9f\x91\x8f")},
        {.kind = SIGNAL_HAND, .raised = true},
        {.kind = SIGNAL_HAND, .raised = false},
        {.kind = SIGNAL_HEARTBEAT, .epoch = UINT64_MAX, .digest = some(SIGNAL_HASH), .sends = 5},
        {.kind = SIGNAL_ASK_MUTE, .leaf = UINT32_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_comes_back(&all[i]);
}

static void texts_may_be_as_long_as_their_limit(void **state)
{
    (void)state;
    const struct signal_content chat = {
        .kind = SIGNAL_CHAT, .id = some(SIGNAL_CHAT_ID), .text = some(SIGNAL_CHAT_MAX)};
    const struct signal_content emoji = {.kind = SIGNAL_REACTION, .text = some(SIGNAL_EMOJI_MAX)};
    assert_comes_back(&chat);
    assert_comes_back(&emoji);
}

static void what_does_not_fit_is_not_written(void **state)
{
    const struct signal_content wrong[] = {
        {.kind = 0},
        {.kind = 6},
        {.kind = SIGNAL_CHAT, .id = some(SIGNAL_CHAT_ID)},
        {.kind = SIGNAL_CHAT, .id = some(SIGNAL_CHAT_ID - 1), .text = some(1)},
        {.kind = SIGNAL_CHAT, .id = some(SIGNAL_CHAT_ID), .text = some(SIGNAL_CHAT_MAX + 1)},
        {.kind = SIGNAL_REACTION},
        {.kind = SIGNAL_REACTION, .text = some(SIGNAL_EMOJI_MAX + 1)},
        {.kind = SIGNAL_HEARTBEAT},
        {.kind = SIGNAL_HEARTBEAT, .digest = some(SIGNAL_HASH + 1)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct buf out = {0};
        assert_int_equal(signal_content_write(&wrong[i], &out), CONCLAVE_EINVAL);
        assert_int_equal(out.n, 0);
        buf_free(&out);
    }
}

/* kind, id if it is a chat, the length in two bytes, the text */
static int read_text_of(uint8_t kind, size_t n)
{
    struct signal_content back;
    struct buf b = {0};
    const uint8_t length[2] = {(uint8_t)(n >> 8 | 0x40), (uint8_t)n};
    buf_put(&b, bytes_of(&kind, 1));
    buf_put_zero(&b, kind == SIGNAL_CHAT ? SIGNAL_CHAT_ID : 0);
    buf_put(&b, n < 64 ? bytes_of(&length[1], 1) : bytes_of(length, 2));
    buf_put_zero(&b, n);
    int rv = signal_content_read(buf_view(&b), &back);
    buf_free(&b);
    return rv;
}

static void texts_that_are_empty_or_too_long_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text_of(SIGNAL_CHAT, 0), CONCLAVE_ESYNTAX);
    assert_int_equal(read_text_of(SIGNAL_CHAT, SIGNAL_CHAT_MAX), 0);
    assert_int_equal(read_text_of(SIGNAL_CHAT, SIGNAL_CHAT_MAX + 1), CONCLAVE_ELIMIT);
    assert_int_equal(read_text_of(SIGNAL_REACTION, 0), CONCLAVE_ESYNTAX);
    assert_int_equal(read_text_of(SIGNAL_REACTION, SIGNAL_EMOJI_MAX), 0);
    assert_int_equal(read_text_of(SIGNAL_REACTION, SIGNAL_EMOJI_MAX + 1), CONCLAVE_ELIMIT);
}

static void a_hand_is_up_or_down(void **state)
{
    const uint8_t neither[2] = {SIGNAL_HAND, 2};
    struct signal_content back;
    (void)state;
    assert_int_equal(signal_content_read(bytes_of(neither, 2), &back), CONCLAVE_ESYNTAX);
}

static void a_kind_of_tomorrow_is_told_from_nonsense(void **state)
{
    struct signal_content back = {.epoch = 77};
    (void)state;
    assert_int_equal(signal_content_read(bytes_str("\x06 whatever"), &back), CONCLAVE_EUNSUPPORTED);
    assert_int_equal(signal_content_read(bytes_str("\xff"), &back), CONCLAVE_EUNSUPPORTED);
    assert_int_equal(signal_content_read(bytes_of(NULL, 0), &back), CONCLAVE_ESYNTAX);
    assert_int_equal(back.epoch, 77);
}

static int write_chat(void *ctx)
{
    const struct signal_content chat = {
        .kind = SIGNAL_CHAT, .id = some(SIGNAL_CHAT_ID), .text = some(SIGNAL_CHAT_MAX)};
    struct buf out = {0};
    (void)ctx;
    int rv = signal_content_write(&chat, &out);
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_is_reported(void **state)
{
    (void)state;
    assert_true(alloc_sweep(write_chat, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_comes_back_and_no_part_of_it_does),
        cmocka_unit_test(texts_may_be_as_long_as_their_limit),
        cmocka_unit_test(what_does_not_fit_is_not_written),
        cmocka_unit_test(texts_that_are_empty_or_too_long_are_refused),
        cmocka_unit_test(a_hand_is_up_or_down),
        cmocka_unit_test(a_kind_of_tomorrow_is_told_from_nonsense),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
