/* 33 to 36, 39 to 44, 46: attacks on media as far as a receiver can tell: by a switch that swaps,
 * repeats, changes and makes up packets, a member that speaks in another's name, and one that was
 * removed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attack.h"
#include "rtc/rtp.h"
#include "support/random.h"
#include "unit/call/pair.h"

/* Each attack is on two members who have just met. */
static struct pair *begin(void **state)
{
    assert_int_equal(pair_setup(state), 0);
    return *state;
}

static void end(void **state)
{
    assert_int_equal(pair_teardown(state), 0);
}

/* The switch sends the packet as the next one. */
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
    struct pair *p = begin(state);
    struct call *mask = member_new(4);
    member_epoch(mask, 1, BOB, GROUP, p->now);
    member_publish(mask);
    call_free(p->alice);
    p->alice = mask;
    alice_says(p, 0);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_SENDER), 1);
    end(state);
}

static void who_is_no_member_speaks_in_no_name(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

/* 34 */
static void ones_own_frames_do_not_come_back_as_anothers(void **state)
{
    struct pair *p = begin(state);
    alice_says(p, 0);
    rtp_set_ssrc(p->sent.p[0].p, 0x7777);
    expect_all_refused(p, p->alice);
    assert_int_equal(refused(p->alice, CALL_REFUSED_SENDER), 1);
    rtp_set_ssrc(p->sent.p[0].p, SOUND_SSRC);
    expect_all_refused(p, p->alice);
    assert_int_equal(refused(p->alice, CALL_REFUSED_PACKET), 1);
    end(state);
}

/* 35: the switch puts another member's name on a stream. */
static void a_frame_is_its_key_ids_whatever_the_switch_says(void **state)
{
    struct pair *p = begin(state);
    struct call_stats s;
    struct signal_flow lie = {.leaf = 9, .source = SIGNAL_CAMERA, .ssrc = CAMERA_SSRC};
    assert_int_equal(call_flow(p->bob, &lie), 0);
    send_picture(p, CAMERA, 0, true, 2000);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_picture(p, 0, true, 2000); /* ALICE's */
    call_stats(p->bob, &s);
    assert_int_equal(s.mislabelled, 1);
    end(state);
}

static void a_screen_does_not_pass_for_a_camera(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

/* Sound sent as pictures: its first bytes would have to be sealed as clear ones. */
static void sound_does_not_pass_for_a_picture(void **state)
{
    struct pair *p = begin(state);
    alice_says(p, 0);
    rtp_set_payload_type(p->sent.p[0].p, VP8);
    rtp_set_marker(p->sent.p[0].p, true);
    expect_all_refused(p, p->bob);
    struct call_stats s;
    call_stats(p->bob, &s);
    assert_int_equal(s.frames, 0);
    end(state);
}

/* 36 */
static void a_repeated_frame_is_refused(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

/* 39: with two bits epoch 5 has the bits of epoch 1. */
static void an_old_frame_does_not_open_when_the_epoch_bits_come_round(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

/* 40 and 41: what an SFrame header, its tag or its text can be cut to, and headers of any kind. */
static void a_frame_that_is_cut_off_is_refused(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

/* 40, 42 and 44: noise, and plain media where ciphertext belongs. */
static void what_was_not_sealed_does_not_come_out(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

static void a_plain_picture_does_not_come_out(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

/* 43: each bit of a picture of one packet, the clear ones included; of the descriptor only what
 * makes it no picture at all. */
static void a_changed_bit_is_refused(void **state)
{
    struct pair *p = begin(state);
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
    end(state);
}

/* 46: in the old epoch the removed member's leaf is barred at once, and of the new one it has no
 * key. */
static void who_was_removed_is_heard_no_more(void **state)
{
    struct pair *p = begin(state);
    alice_says(p, 0);
    member_epoch(p->bob, 2, BOB, ALICE, p->now);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_SENDER), 1);
    end(state);
}

static void who_was_removed_hears_no_more(void **state)
{
    struct pair *p = begin(state);
    member_epoch(p->alice, 2, ALICE, BOB, p->now); /* bob's leaf: he learns of no new epoch */
    alice_says(p, 0);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_KEY), 1);
    end(state);
}

/* 46: frames of his that waited for an epoch do not open once it is known to be without him. */
static void what_waited_of_a_removed_member_stays_shut(void **state)
{
    struct pair *p = begin(state);
    member_epoch(p->alice, 2, ALICE, 9, p->now);
    alice_says(p, 0);
    feed(p->bob, &p->sent, p->now);
    expect_nothing(p->bob, p->now);
    member_epoch(p->bob, 2, BOB, 9, p->now);
    member_epoch(p->bob, 3, BOB, ALICE, p->now);
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused(p->bob, CALL_REFUSED_SENDER), 1);
    end(state);
}

static const struct attack attacks[] = {
    ATTACK(33, nobody_speaks_to_a_member_in_its_own_name,
           "A member uses another's key ID towards that member", "member", REFUSED,
           "Frames under one's own leaf do not open. Towards others it can: all have the key."),
    ATTACK(33, who_is_no_member_speaks_in_no_name, "A stranger uses a member's key ID",
           "server and stranger", REFUSED,
           "The key comes out of the group, and the tag does not fit."),
    ATTACK(34, ones_own_frames_do_not_come_back_as_anothers,
           "One's own frames come back as another's", "server", REFUSED,
           "Frames under one's own leaf do not open, whatever the stream."),
    ATTACK(35, a_frame_is_its_key_ids_whatever_the_switch_says, "The switch swaps members' tiles",
           "server", REFUSED,
           "A frame is shown as its key ID's leaf; what the switch said is only compared."),
    ATTACK(35, a_screen_does_not_pass_for_a_camera, "The switch swaps camera and screen", "server",
           REFUSED, "The context in the key ID tells source and layer."),
    ATTACK(35, sound_does_not_pass_for_a_picture, "The switch passes sound for a picture", "server",
           REFUSED, "A picture's first bytes are sealed as clear ones; no sound's are."),
    ATTACK(36, a_repeated_frame_is_refused, "A frame is played again", "server", REFUSED,
           "A counter serves once, in whatever packet or stream it comes."),
    ATTACK(39, an_old_frame_does_not_open_when_the_epoch_bits_come_round,
           "An old frame when the epoch bits come round", "server", REFUSED,
           "The bits choose a key; it is another."),
    ATTACK(40, a_frame_that_is_cut_off_is_refused, "Headers, texts and tags that are cut off",
           "server", REFUSED, "Nothing opens, and the true frame still does."),
    ATTACK(41, what_was_not_sealed_does_not_come_out, "Headers and tags of any kind", "server",
           REFUSED, "Tags have 128 bits, and all of them count."),
    ATTACK(43, a_changed_bit_is_refused, "The clear bytes are edited", "server", REFUSED,
           "They are authenticated with the rest: no bit can change."),
    ATTACK(44, a_plain_picture_does_not_come_out, "A picture in clear is put in", "server", REFUSED,
           "What is not sealed is dropped; there is no pass-through."),
    ATTACK(46, who_was_removed_is_heard_no_more, "A removed member goes on sending",
           "server and member", REFUSED,
           "Its leaf is barred in the old epoch, and of the new one it has no key."),
    ATTACK(46, who_was_removed_hears_no_more, "A removed member goes on listening",
           "server and member", REFUSED, "Sealing moves to the new key at once."),
    ATTACK(46, what_waited_of_a_removed_member_stays_shut,
           "A removed member's frames that waited for their epoch", "server and member", REFUSED,
           "They are judged when they open, not when they came."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
