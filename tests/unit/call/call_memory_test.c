/* A call with each of its allocations failing in turn: what fails says so and is made up for when
 * it is asked again; no frame is lost, none comes twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pair.h"
#include "support/alloc_fail.h"

#define PICTURE 3000

struct story {
    struct call *alice, *bob;
    uint64_t now;
    unsigned failures; /* calls that said ENOMEM */
    unsigned frames;
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

static void make(struct story *s, struct call **out)
{
    struct call_config config = {.epoch_bits = 3, .opus = OPUS, .vp8 = VP8, .rtx = RTX, .ssrc = 1};
    INSIST(s, call_new(&config, out));
}

static void epoch(struct story *s, struct call *c, uint64_t id, uint32_t own_leaf)
{
    static const uint8_t key[32] = {9};
    struct call_epoch e = {
        .id = id, .base_key = bytes_of(key, 32), .group_size = GROUP, .own_leaf = own_leaf};
    static const uint32_t removed = 1;
    e.removed = &removed;
    e.n_removed = 1;
    INSIST(s, call_epoch(c, &e, s->now));
}

static void take_frames(struct story *s)
{
    struct call_event e;
    for (;;) {
        INSIST(s, call_next(s->bob, s->now, &e));
        if (e.what == CALL_NOTHING)
            return;
        assert_int_equal(e.what, CALL_FRAME);
        s->frames++;
    }
}

static void pass(struct story *s, struct call *from, struct call *to)
{
    struct call_packet p;
    for (;;) {
        INSIST(s, call_output(from, s->now, &p));
        if (p.data.n == 0)
            return;
        INSIST(s, call_input(to, p.data, s->now));
        if (to == s->bob)
            take_frames(s);
    }
}

static void exchange(struct story *s, int ms)
{
    for (; ms > 0; ms -= 5, s->now += 5 * MS) {
        pass(s, s->alice, s->bob);
        take_frames(s);
        pass(s, s->bob, s->alice);
    }
}

static void send_both(struct story *s, uint32_t n)
{
    static uint8_t picture[PICTURE_MAX], sound[PICTURE_MAX];
    struct call_frame p = {
        .data = picture_of(n, true, PICTURE, picture), .pts = n, .captured_us = s->now};
    struct call_frame o = {.data = sound_of(n, sound), .pts = n, .captured_us = s->now};
    INSIST(s, call_send(s->alice, CAMERA, 0, &p, s->now));
    INSIST(s, call_send(s->alice, SOUND, 0, &o, s->now));
}

static int tell(void *ctx)
{
    struct story *s = ctx;
    struct call_track sound = {SOUND, SIGNAL_AUDIO, 1, {{SOUND_SSRC, 0, 1, 1}}};
    struct call_track camera = {CAMERA, SIGNAL_CAMERA, 1, {{CAMERA_SSRC, CAMERA_RTX, 1, 1}}};
    struct signal_flow flow = {
        .leaf = ALICE, .source = SIGNAL_CAMERA, .ssrc = CAMERA_SSRC, .rtx = CAMERA_RTX};
    *s = (struct story){.now = CALL_SECOND};
    make(s, &s->alice);
    make(s, &s->bob);
    epoch(s, s->alice, 1, ALICE);
    epoch(s, s->bob, 1, BOB);
    INSIST(s, call_publish(s->alice, &sound));
    INSIST(s, call_publish(s->alice, &camera));
    INSIST(s, call_flow(s->bob, &flow));
    send_both(s, 0);
    exchange(s, 30);
    epoch(s, s->alice, 2, ALICE);
    send_both(s, 1); /* held, until bob has the epoch too */
    exchange(s, 30);
    epoch(s, s->bob, 2, BOB);
    exchange(s, 1500);
    assert_int_equal(s->frames, 4);
    assert_int_equal(refused_in_all(s->bob), 0);
    call_free(s->alice);
    call_free(s->bob);
    return s->failures == 0 ? 0 : CONCLAVE_ENOMEM;
}

static void what_fails_for_want_of_memory_is_made_up_for(void **state)
{
    (void)state;
    struct story s;
    size_t survived = 0;
    long runs = alloc_sweep_count(tell, &s, &survived);
    assert_true(runs > 50);
    assert_true(survived * 10 < (size_t)runs); /* few can do without */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fails_for_want_of_memory_is_made_up_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
