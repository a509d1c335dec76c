/* A line with each of its allocations failing in turn: what fails says so, and is made up for when
 * it is asked again; nothing that the switch must be told is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/crypto.h>

#include "call/line.h"
#include "support/alloc_fail.h"

struct story {
    struct crypto *crypto;
    struct aead_engine *engine;
    struct line *line;
    uint64_t now;
    unsigned failures;                     /* calls that said ENOMEM */
    unsigned said[SIGNAL_MEDIA_CLOSE + 1]; /* words, by kind */
    unsigned sent;                         /* datagrams */
};

/* Once more if memory was short: the failure is over by then. */
#define INSIST(story, call_again)     \
    do {                              \
        int rv_ = (call_again);       \
        if (rv_ == CONCLAVE_ENOMEM) { \
            (story)->failures++;      \
            rv_ = (call_again);       \
        }                             \
        assert_int_equal(rv_, 0);     \
    } while (0)

static void settle(struct story *s)
{
    struct line_effect e;
    struct signal_media m;
    do {
        INSIST(s, line_next(s->line, s->now, &e));
        if (e.kind == LINE_SAY) {
            assert_int_equal(signal_media_read(e.data, &m), 0);
            s->said[m.kind]++;
        }
        s->sent += e.kind == LINE_SEND;
    } while (e.kind != LINE_NOTHING);
}

/* Made beforehand, so that only the line's own allocations are counted. */
static void make_answer(struct buf *out)
{
    static const uint8_t fingerprint[SIGNAL_FINGERPRINT] = {1}, ip[4] = {192, 0, 2, 1};
    struct buf list = {0};
    signal_put_candidate(&list, &(struct signal_candidate){bytes_of(ip, 4), 4443});
    assert_int_equal(
        signal_media_write(&(struct signal_media){.kind = SIGNAL_MEDIA_ANSWER,
                                                  .ufrag = bytes_str("abcd"),
                                                  .pwd = bytes_str("0123456789012345678901"),
                                                  .fingerprint = bytes_of(fingerprint, 32),
                                                  .list = buf_view(&list)},
                           out),
        0);
    buf_free(&list);
}

static void make_flows(struct buf *out)
{
    struct buf list = {0};
    for (uint32_t i = 1; i <= 40; i++)
        signal_put_flow(&list, &(struct signal_flow){.leaf = i,
                                                     .source = SIGNAL_CAMERA,
                                                     .state = SIGNAL_FLOW_RUNNING,
                                                     .ssrc = i,
                                                     .rtx = 1000 + i});
    assert_int_equal(
        signal_media_write(
            &(struct signal_media){.kind = SIGNAL_MEDIA_FLOWS, .list = buf_view(&list)}, out),
        0);
    buf_free(&list);
}

static struct buf answer, flows;

static void play(struct story *s)
{
    static const uint8_t key[32] = {9};
    const struct line_config config = {.crypto = s->crypto, .engine = s->engine};
    const struct call_epoch epoch = {
        .id = 1, .base_key = bytes_of(key, 32), .group_size = 4, .own_leaf = 0};
    const struct line_track camera = {SIGNAL_CAMERA, 2, {180, 360}}, sound = {SIGNAL_AUDIO, 1, {0}};
    const struct signal_want want = {1, SIGNAL_CAMERA, 360};
    INSIST(s, line_new(&config, s->now, &s->line));
    INSIST(s, line_epoch(s->line, &epoch, s->now));
    INSIST(s, line_publish(s->line, &camera));
    INSIST(s, line_publish(s->line, &sound));
    INSIST(s, line_want(s->line, &want, 1));
    line_up(s->line);
    settle(s);
    INSIST(s, line_hear(s->line, buf_view(&answer), s->now));
    settle(s);
    s->now += 200 * CALL_MILLISECOND;
    INSIST(s, line_tick(s->line, s->now));
    settle(s);
    INSIST(s, line_hear(s->line, buf_view(&flows), s->now));
    settle(s);
    line_unpublish(s->line, SIGNAL_AUDIO);
    settle(s);
    line_free(s->line);
    s->line = NULL;
}

static int run(void *ctx)
{
    struct story *s = ctx;
    unsigned before = s->failures;
    memset(s->said, 0, sizeof s->said);
    s->sent = 0;
    play(s);
    assert_int_equal(s->said[SIGNAL_MEDIA_OPEN], 1);
    assert_int_equal(s->said[SIGNAL_MEDIA_PUBLISH], 2);
    assert_int_equal(s->said[SIGNAL_MEDIA_SUBSCRIBE], 1);
    assert_int_equal(s->said[SIGNAL_MEDIA_UNPUBLISH], 1);
    assert_true(s->sent != 0); /* a check */
    return s->failures == before ? 0 : CONCLAVE_ENOMEM;
}

static void each_failure_is_told_and_nothing_is_left_out(void **state)
{
    struct story s = {.now = CALL_SECOND};
    (void)state;
    assert_int_equal(crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &s.crypto), 0);
    assert_int_equal(aead_engine_new(AEAD_OPENSSL, &s.engine), 0);
    make_answer(&answer);
    make_flows(&flows);
    assert_true(alloc_sweep(run, &s) > 20);
    buf_free(&answer);
    buf_free(&flows);
    aead_engine_free(s.engine);
    crypto_free(s.crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_is_told_and_nothing_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
