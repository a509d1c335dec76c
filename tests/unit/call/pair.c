#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/random.h"

struct call *member_new(unsigned epoch_bits)
{
    struct call_config config = {
        .epoch_bits = (uint8_t)epoch_bits, .opus = OPUS, .vp8 = VP8, .rtx = RTX, .ssrc = 7};
    struct call *c = NULL;
    assert_int_equal(call_new(&config, &c), 0);
    return c;
}

void member_epoch(struct call *c, uint64_t id, uint32_t own_leaf, uint32_t removed, uint64_t now)
{
    uint8_t key[32] = {(uint8_t)id, (uint8_t)(id >> 8), 0x77};
    struct call_epoch e = {
        .id = id,
        .base_key = bytes_of(key, sizeof key),
        .group_size = GROUP,
        .own_leaf = own_leaf,
        .removed = &removed,
        .n_removed = removed != GROUP,
    };
    assert_int_equal(call_epoch(c, &e, now), 0);
}

void member_publish(struct call *c)
{
    struct call_track sound = {SOUND, SIGNAL_AUDIO, 1, {{SOUND_SSRC, 0, 65530, 1000}}};
    struct call_track camera = {
        CAMERA, SIGNAL_CAMERA, 1, {{CAMERA_SSRC, CAMERA_RTX, 65530, UINT32_MAX - 5000}}};
    struct call_track screen = {SCREEN, SIGNAL_SCREEN, 1, {{SCREEN_SSRC, 0, 9, 9}}};
    assert_int_equal(call_publish(c, &sound), 0);
    assert_int_equal(call_publish(c, &camera), 0);
    assert_int_equal(call_publish(c, &screen), 0);
}

int pair_setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    struct signal_flow camera = {
        .leaf = ALICE, .source = SIGNAL_CAMERA, .ssrc = CAMERA_SSRC, .rtx = CAMERA_RTX};
    assert_non_null(p);
    p->now = 1000 * CALL_SECOND;
    p->alice = member_new(4);
    p->bob = member_new(4);
    member_epoch(p->alice, 1, ALICE, GROUP, p->now);
    member_epoch(p->bob, 1, BOB, GROUP, p->now);
    member_publish(p->alice);
    assert_int_equal(call_flow(p->bob, &camera), 0);
    *state = p;
    return 0;
}

int pair_teardown(void **state)
{
    struct pair *p = *state;
    packets_clear(&p->sent);
    call_free(p->alice);
    call_free(p->bob);
    free(p);
    return 0;
}

struct bytes picture_of(uint32_t n, bool key, size_t size, uint8_t out[static PICTURE_MAX])
{
    static const uint8_t key_start[] = {0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
    static const uint8_t delta_start[] = {0x51, 0x01, 0x00};
    struct random r = {n + 1};
    random_fill(&r, out, size);
    if (key)
        memcpy(out, key_start, sizeof key_start);
    else
        memcpy(out, delta_start, sizeof delta_start);
    return bytes_of(out, size);
}

struct bytes sound_of(uint32_t n, uint8_t out[static PICTURE_MAX])
{
    struct random r = {n + 99};
    random_fill(&r, out, 80);
    return bytes_of(out, 80);
}

void send_picture(struct pair *p, uint8_t track, uint32_t n, bool key, size_t size)
{
    static uint8_t data[PICTURE_MAX];
    struct call_frame f = {
        .data = picture_of(n, key, size, data), .pts = n * UINT64_C(3000), .captured_us = p->now};
    assert_int_equal(call_send(p->alice, track, 0, &f, p->now), 0);
}

void send_sound(struct pair *p, uint32_t n)
{
    uint8_t data[PICTURE_MAX];
    struct call_frame f = {.data = sound_of(n, data),
                           .pts = n * UINT64_C(960),
                           .captured_us = p->now,
                           .level = 30,
                           .voice = true};
    assert_int_equal(call_send(p->alice, SOUND, 0, &f, p->now), 0);
}

void collect(struct call *c, uint64_t now, struct packets *to)
{
    struct call_packet packet;
    for (;;) {
        assert_int_equal(call_output(c, now, &packet), 0);
        if (packet.data.n == 0)
            return;
        assert_true(to->n < PACKETS && packet.data.n <= 1216);
        buf_put(&to->p[to->n], packet.data);
        assert_int_equal(buf_check(&to->p[to->n]), 0);
        to->control[to->n++] = packet.control;
    }
}

void collect_all(struct pair *p)
{
    for (size_t before = SIZE_MAX;
         before != p->sent.n || call_deadline(p->alice) <= p->now + 2 * MS; p->now += MS) {
        before = p->sent.n;
        collect(p->alice, p->now, &p->sent);
    }
}

void packets_clear(struct packets *k)
{
    for (size_t i = 0; i < k->n; i++)
        buf_free(&k->p[i]);
    k->n = 0;
}

void feed_one(struct call *c, const struct buf *packet, uint64_t now)
{
    assert_int_equal(call_input(c, buf_view(packet), now), 0);
}

void feed(struct call *c, const struct packets *k, uint64_t now)
{
    for (size_t i = 0; i < k->n; i++)
        feed_one(c, &k->p[i], now);
}

void expect_frame(struct call *c, uint64_t now, struct bytes content, struct call_event *out)
{
    assert_int_equal(call_next(c, now, out), 0);
    assert_int_equal(out->what, CALL_FRAME);
    assert_int_equal(out->leaf, ALICE);
    assert_true(bytes_equal(out->frame, content));
}

void expect_picture(struct pair *p, uint32_t n, bool key, size_t size)
{
    static uint8_t data[PICTURE_MAX];
    struct call_event e;
    expect_frame(p->bob, p->now, picture_of(n, key, size, data), &e);
    assert_int_equal(e.source, SIGNAL_CAMERA);
    assert_int_equal(e.key, key);
    assert_int_equal((uint32_t)e.timestamp, UINT32_MAX - 5000 + n * 3000);
}

void expect_sound(struct pair *p, uint32_t n)
{
    uint8_t data[PICTURE_MAX];
    struct call_event e;
    expect_frame(p->bob, p->now, sound_of(n, data), &e);
    assert_int_equal(e.source, SIGNAL_AUDIO);
    assert_true(e.key && e.follows);
    assert_int_equal((uint32_t)e.timestamp, 1000 + n * 960);
}

void expect_nothing(struct call *c, uint64_t now)
{
    struct call_event e;
    assert_int_equal(call_next(c, now, &e), 0);
    assert_int_equal(e.what, CALL_NOTHING);
}

uint64_t refused(struct call *c, enum call_refusal why)
{
    struct call_stats s;
    call_stats(c, &s);
    return s.refused[why];
}

uint64_t refused_in_all(struct call *c)
{
    uint64_t n = 0;
    for (enum call_refusal why = 0; why < CALL_REFUSALS; why++)
        n += refused(c, why);
    return n;
}
