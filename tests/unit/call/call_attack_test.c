/* Attacks on media as far as a receiver can tell: a switch that swaps, repeats, changes and makes
 * up packets, a member that speaks in another's name, and one that was removed. The numbers are
 * those of the threat model's list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pair.h"
#include "rtc/rtp.h"
#include "support/random.h"

/* The switch sends the packet as the next one, or under another SSRC. */
static void renumber(struct buf *packet, uint16_t by)
{
    uint16_t sequence = (uint16_t)(packet->p[2] << 8 | packet->p[3]);
    rtp_set_sequence(packet->p, (uint16_t)(sequence + by));
}

/* Feeds all, and nothing comes out even when everything was waited for. */
static void expect_all_refused(struct pair *p, struct call *c)
{
    feed(c, &p->sent, p->now);
    expect_nothing(c, p->now);
    p->now += CALL_SECOND;
    expect_nothing(c, p->now);
}

static void only_media(struct packets *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->n; i++) {
        if (k->control[i]) {
            buf_free(&k->p[i]);
            continue;
        }
        struct buf moved = k->p[i];
        k->p[i] = (struct buf){0};
        k->control[n] = false;
        k->p[n++] = moved;
    }
    k->n = n;
}

static void alice_says(struct pair *p, uint32_t n)
{
    send_sound(p, n);
    collect_all(p);
    only_media(&p->sent);
    assert_int_equal(p->sent.n, 1);
}

/* 33: all members hold the epoch's key (RFC 9605 7.2), so a member can; but not towards the one in
 * whose name it speaks, and nobody can who is no member. */
static void nobody_speaks_to_a_member_in_its_own_name(void **state)
{
    struct pair *p = *state;
    struct call *mask = member_new(4);
    member_epoch(mask, 1, BOB, GROUP, p->now);
    member_publish(mask);
    call_free(p->alice);
    p->alice = mask;
    alice_says(p, 0);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_SENDER), 1);
}

static void who_is_no_member_speaks_in_no_name(void **state)
{
    struct pair *p = *state;
    uint8_t guess[32] = {1, 2, 3};
    struct call *stranger = member_new(4);
    struct call_epoch e = {
        .id = 1, .base_key = bytes_of(guess, 32), .group_size = GROUP, .own_leaf = ALICE};
    assert_int_equal(call_epoch(stranger, &e, p->now), 0);
    member_publish(stranger);
    call_free(p->alice);
    p->alice = stranger;
    alice_says(p, 0);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_TAMPERED), 1);
}

/* 34 */
static void ones_own_frames_do_not_come_back_as_anothers(void **state)
{
    struct pair *p = *state;
    alice_says(p, 0);
    rtp_set_ssrc(p->sent.p[0].p, 0x7777);
    expect_all_refused(p, p->alice);
    assert_int_equal(refused(p->alice, CALL_REFUSED_SENDER), 1);
    rtp_set_ssrc(p->sent.p[0].p, SOUND_SSRC);
    expect_all_refused(p, p->alice);
    assert_int_equal(refused(p->alice, CALL_REFUSED_PACKET), 1);
}

/* 35: the switch puts another member's name on a stream. */
static void a_frame_is_its_key_ids_whatever_the_switch_says(void **state)
{
    struct pair *p = *state;
    struct call_stats s;
    struct signal_flow lie = {.leaf = 9, .source = SIGNAL_CAMERA, .ssrc = CAMERA_SSRC};
    assert_int_equal(call_flow(p->bob, &lie), 0);
    send_picture(p, CAMERA, 0, true, 2000);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_picture(p, 0, true, 2000); /* ALICE's */
    call_stats(p->bob, &s);
    assert_int_equal(s.mislabelled, 1);
}

static void a_screen_does_not_pass_for_a_camera(void **state)
{
    struct pair *p = *state;
    struct call_event e;
    static uint8_t data[PICTURE_MAX];
    struct call_stats s;
    send_picture(p, SCREEN, 0, true, 800);
    collect_all(p);
    only_media(&p->sent);
    rtp_set_ssrc(p->sent.p[0].p, CAMERA_SSRC);
    feed(p->bob, &p->sent, p->now);
    expect_frame(p->bob, p->now, picture_of(0, true, 800, data), &e);
    assert_int_equal(e.source, SIGNAL_SCREEN);
    call_stats(p->bob, &s);
    assert_int_equal(s.mislabelled, 1);
}

/* Sound sent as pictures: its first bytes would have to be sealed as clear ones. */
static void sound_does_not_pass_for_a_picture(void **state)
{
    struct pair *p = *state;
    alice_says(p, 0);
    rtp_set_payload_type(p->sent.p[0].p, VP8);
    rtp_set_marker(p->sent.p[0].p, true);
    expect_all_refused(p, p->bob);
    struct call_stats s;
    call_stats(p->bob, &s);
    assert_int_equal(s.frames, 0);
}

/* 36 */
static void a_repeated_frame_is_refused(void **state)
{
    struct pair *p = *state;
    alice_says(p, 0);
    feed(p->bob, &p->sent, p->now);
    expect_sound(p, 0);
    feed(p->bob, &p->sent, p->now); /* the same packet: its number is done with */
    expect_nothing(p->bob, p->now);
    renumber(&p->sent.p[0], 1);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_REPLAY), 1);
    rtp_set_ssrc(p->sent.p[0].p, 0x7777); /* as a stream of its own */
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_REPLAY), 2);
}

/* 39: with two bits epoch 5 has the bits of epoch 1. */
static void an_old_frame_does_not_open_when_the_epoch_bits_come_round(void **state)
{
    struct pair *p = *state;
    call_free(p->alice);
    call_free(p->bob);
    p->alice = member_new(2);
    p->bob = member_new(2);
    member_epoch(p->alice, 1, ALICE, GROUP, p->now);
    member_epoch(p->bob, 1, BOB, GROUP, p->now);
    member_publish(p->alice);
    alice_says(p, 0);
    for (uint64_t id = 2; id <= 5; id++)
        member_epoch(p->bob, id, BOB, GROUP, p->now += 50 * MS);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_TAMPERED), 1);
    packets_clear(&p->sent);
    member_epoch(p->alice, 5, ALICE, 9, p->now);
    send_sound(p, 1);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_sound(p, 1);
}

/* 40 and 41: what an SFrame header, its tag or its text can be cut to, and headers of any kind. */
static void a_frame_that_is_cut_off_is_refused(void **state)
{
    struct pair *p = *state;
    alice_says(p, 0);
    size_t whole = p->sent.p[0].n;
    for (uint16_t cut = 1; cut < 80; cut++) {
        p->sent.p[0].n = whole - cut;
        renumber(&p->sent.p[0], 1);
        feed(p->bob, &p->sent, p->now);
        expect_nothing(p->bob, p->now);
    }
    p->now += CALL_SECOND;
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused_in_all(p->bob), 79);
    p->sent.p[0].n = whole;
    renumber(&p->sent.p[0], 1);
    feed(p->bob, &p->sent, p->now);
    struct call_event e;
    assert_int_equal(call_next(p->bob, p->now, &e), 0);
    assert_int_equal(e.what, CALL_FRAME); /* none of them used it up */
}

/* 40, 42 and 44: noise, and plain media where ciphertext belongs. */
static void what_was_not_sealed_does_not_come_out(void **state)
{
    struct pair *p = *state;
    struct random r = {4};
    alice_says(p, 0);
    struct buf *packet = &p->sent.p[0];
    size_t header = packet->n - 80 - 20; /* somewhere in the payload's beginning, or before it */
    for (int i = 0; i < 2000; i++) {
        random_fill(&r, packet->p + header + 8, packet->n - header - 8);
        packet->p[header + 8] = (uint8_t)i;
        renumber(packet, 1);
        feed(p->bob, &p->sent, p->now);
        expect_nothing(p->bob, p->now);
        p->now += 20 * MS;
    }
    p->now += CALL_SECOND;
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused_in_all(p->bob), 2000);
}

static void a_plain_picture_does_not_come_out(void **state)
{
    struct pair *p = *state;
    static uint8_t data[PICTURE_MAX];
    struct bytes plain = picture_of(0, true, 500, data);
    send_picture(p, CAMERA, 0, true, 500);
    collect_all(p);
    only_media(&p->sent);
    struct buf *packet = &p->sent.p[0];
    memcpy(packet->p + packet->n - plain.n, plain.p, plain.n);
    expect_all_refused(p, p->bob);
    struct call_stats s;
    call_stats(p->bob, &s);
    assert_true(s.frames == 0 && refused_in_all(p->bob) == 1);
}

/* 43: each bit of a picture of one packet, the clear ones included; of the descriptor only what
 * makes it no picture at all. */
static void a_changed_bit_is_refused(void **state)
{
    struct pair *p = *state;
    struct rtp_header h;
    send_picture(p, CAMERA, 0, true, 60);
    collect_all(p);
    only_media(&p->sent);
    struct buf *packet = &p->sent.p[0];
    assert_int_equal(rtp_header_read(buf_view(packet), &h), 0);
    for (size_t bit = (h.size + 4) * 8; bit < packet->n * 8; bit++) {
        packet->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        renumber(packet, 1);
        feed_one(p->bob, packet, p->now);
        expect_nothing(p->bob, p->now);
        packet->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        p->now += 20 * MS;
    }
    p->now += CALL_SECOND;
    expect_nothing(p->bob, p->now);
    renumber(packet, 1);
    feed_one(p->bob, packet, p->now);
    static uint8_t data[PICTURE_MAX];
    struct call_event e;
    expect_frame(p->bob, p->now, picture_of(0, true, 60, data), &e);
}

/* 46: in the old epoch the removed member's leaf is barred at once, and of the new one it has no
 * key. */
static void who_was_removed_is_heard_no_more(void **state)
{
    struct pair *p = *state;
    alice_says(p, 0);
    member_epoch(p->bob, 2, BOB, ALICE, p->now);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_SENDER), 1);
}

static void who_was_removed_hears_no_more(void **state)
{
    struct pair *p = *state;
    member_epoch(p->alice, 2, ALICE, BOB, p->now); /* bob's leaf: he learns of no new epoch */
    alice_says(p, 0);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_KEY), 1);
}

/* 46: frames of his that waited for an epoch do not open once it is known to be without him. */
static void what_waited_of_a_removed_member_stays_shut(void **state)
{
    struct pair *p = *state;
    member_epoch(p->alice, 2, ALICE, 9, p->now);
    alice_says(p, 0);
    feed(p->bob, &p->sent, p->now);
    expect_nothing(p->bob, p->now);
    member_epoch(p->bob, 2, BOB, 9, p->now);
    member_epoch(p->bob, 3, BOB, ALICE, p->now);
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused(p->bob, CALL_REFUSED_SENDER), 1);
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(nobody_speaks_to_a_member_in_its_own_name),
        PAIR_TEST(who_is_no_member_speaks_in_no_name),
        PAIR_TEST(ones_own_frames_do_not_come_back_as_anothers),
        PAIR_TEST(a_frame_is_its_key_ids_whatever_the_switch_says),
        PAIR_TEST(a_screen_does_not_pass_for_a_camera),
        PAIR_TEST(sound_does_not_pass_for_a_picture),
        PAIR_TEST(a_repeated_frame_is_refused),
        PAIR_TEST(an_old_frame_does_not_open_when_the_epoch_bits_come_round),
        PAIR_TEST(a_frame_that_is_cut_off_is_refused),
        PAIR_TEST(what_was_not_sealed_does_not_come_out),
        PAIR_TEST(a_plain_picture_does_not_come_out),
        PAIR_TEST(a_changed_bit_is_refused),
        PAIR_TEST(who_was_removed_is_heard_no_more),
        PAIR_TEST(who_was_removed_hears_no_more),
        PAIR_TEST(what_waited_of_a_removed_member_stays_shut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
