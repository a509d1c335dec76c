/* 33 to 44, 46, 47: attacks on media as far as a receiver can tell: by a switch that swaps,
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

/* ---- One leaf, twice ---- */

static struct call *alice_of_run(struct pair *p, uint8_t run)
{
    struct call_config config = {
        .epoch_bits = 4, .run = run, .opus = OPUS, .vp8 = VP8, .rtx = RTX, .ssrc = 7};
    struct call *c = NULL;
    assert_int_equal(call_new(&config, &c), 0);
    member_epoch(c, 1, ALICE, GROUP, p->now);
    member_publish(c);
    return c;
}

/* The next sound of hers that bob hears; what it was sealed under. */
static uint64_t hear(struct pair *p, uint32_t n)
{
    uint8_t data[PICTURE_MAX];
    struct call_event e;
    feed(p->bob, &p->sent, p->now);
    expect_frame(p->bob, p->now, sound_of(n, data), &e);
    packets_clear(&p->sent);
    p->now += 20 * MS;
    return e.context;
}

/* 37: GCM gives its key away if a counter serves for two frames. */
static void who_starts_again_seals_under_other_keys(void **state)
{
    struct pair *p = begin(state);
    for (uint32_t i = 0; i < 5; i++) {
        alice_says(p, i);
        assert_int_equal(hear(p, i), 0);
    }
    call_free(p->alice);
    p->alice = alice_of_run(p, 1);
    for (uint32_t i = 0; i < 5; i++) {
        alice_says(p, i);
        renumber(&p->sent.p[0], 5);
        assert_int_equal(hear(p, i), CALL_CONTEXTS);
    }
    end(state);
}

/* 37: a client that is wrong about it. */
static void a_counter_that_serves_again_opens_nothing(void **state)
{
    struct pair *p = begin(state);
    alice_says(p, 0);
    hear(p, 0);
    call_free(p->alice);
    p->alice = alice_of_run(p, 0);
    alice_says(p, 7);
    renumber(&p->sent.p[0], 1);
    expect_all_refused(p, p->bob);
    assert_int_equal(refused(p->bob, CALL_REFUSED_REPLAY), 1);
    end(state);
}

/* 38: at the same time, each in a run of its own. */
static void two_tabs_of_one_leaf_share_no_key(void **state)
{
    struct pair *p = begin(state);
    struct call *first = p->alice;
    struct call *second = alice_of_run(p, 1);
    for (uint32_t i = 0; i < 5; i++) {
        p->alice = first;
        alice_says(p, i);
        assert_int_equal(hear(p, i), 0);
        p->alice = second;
        alice_says(p, i);
        rtp_set_ssrc(p->sent.p[0].p, 0x5000); /* of the other transport */
        assert_int_equal(hear(p, i), CALL_CONTEXTS);
    }
    p->alice = first;
    call_free(second);
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

/* 42: the key ID is sealed with the frame: under no other does it open, whatever keys there are. */
static void a_frame_opens_under_its_own_key_alone(void **state)
{
    struct pair *p = begin(state);
    struct rtp_header h;
    alice_says(p, 0);
    for (uint64_t id = 2; id <= 3; id++)
        member_epoch(p->bob, id, BOB, GROUP, p->now);
    struct buf *packet = &p->sent.p[0];
    assert_int_equal(rtp_header_read(buf_view(packet), &h), 0);
    struct sframe_header own;
    size_t own_n = 0;
    struct bytes frame = bytes_of(packet->p + h.size, packet->n - h.size);
    assert_int_equal(sframe_header_read(frame, &own, &own_n), 0);
    uint16_t tried = 0;
    for (uint64_t kid = 0; kid < 16 << 8; kid++) { /* contexts of two runs, leaves, epoch bits */
        struct buf forged = {0};
        uint8_t header[SFRAME_HEADER_MAX];
        if (kid == own.kid || kid % 16 < 1 || kid % 16 > 3)
            continue;
        buf_put(&forged, bytes_of(packet->p, h.size));
        buf_put(&forged, bytes_of(header, sframe_header_write(kid, own.ctr, header)));
        buf_put(&forged, bytes_of(frame.p + own_n, frame.n - own_n));
        assert_int_equal(buf_check(&forged), 0);
        rtp_set_ssrc(forged.p, 0x6000);
        rtp_set_sequence(forged.p, tried++);
        feed_one(p->bob, &forged, p->now);
        expect_nothing(p->bob, p->now);
        buf_free(&forged);
    }
    assert_int_equal(tried, 767);
    assert_int_equal(refused_in_all(p->bob), tried);
    feed(p->bob, &p->sent, p->now);
    expect_sound(p, 0);
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

/* ---- Time ---- */

/* 47: while the epoch lasts a delay is a slow network; after it nothing of it opens. */
static void what_is_delayed_beyond_its_epoch_stays_shut(void **state)
{
    struct pair *p = begin(state);
    alice_says(p, 0);
    send_sound(p, 1);
    collect_all(p);
    only_media(&p->sent);
    assert_int_equal(p->sent.n, 2);
    member_epoch(p->bob, 2, BOB, GROUP, p->now);
    p->now += SFRAME_GRACE_US - MS;
    feed_one(p->bob, &p->sent.p[0], p->now);
    expect_sound(p, 0);
    p->now += MS;
    feed_one(p->bob, &p->sent.p[1], p->now);
    expect_nothing(p->bob, p->now); /* it could be of an epoch to come */
    p->now += CALL_SECOND;
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused(p->bob, CALL_REFUSED_KEY), 1);
    end(state);
}

/* 47: the switch keeps a word back, and puts it behind later ones as if it was said then. */
static void a_frame_kept_back_is_not_heard_behind_later_ones(void **state)
{
    struct pair *p = begin(state);
    for (uint32_t i = 0; i < 4; i++)
        send_sound(p, i);
    collect_all(p);
    only_media(&p->sent);
    assert_int_equal(p->sent.n, 4);
    rtp_set_sequence(p->sent.p[1].p, 1); /* behind 65533 by four */
    for (uint16_t i = 0; i < 3; i++) {
        size_t which = i == 0 ? 0 : i + 1u;
        rtp_set_sequence(p->sent.p[which].p, (uint16_t)(65534 + i));
        feed_one(p->bob, &p->sent.p[which], p->now);
        struct call_event e;
        assert_int_equal(call_next(p->bob, p->now, &e), 0);
        assert_int_equal(e.what, CALL_FRAME);
    }
    feed_one(p->bob, &p->sent.p[1], p->now);
    p->now += CALL_SECOND;
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused(p->bob, CALL_REFUSED_REPLAY), 1);
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
    ATTACK(37, who_starts_again_seals_under_other_keys, "Counters forgotten in a reload", "member",
           REFUSED, "Another run has other contexts, and so other keys."),
    ATTACK(37, a_counter_that_serves_again_opens_nothing, "Counters used again all the same",
           "member", REFUSED, "A counter opens one frame."),
    ATTACK(38, two_tabs_of_one_leaf_share_no_key, "Two tabs seal under one leaf", "member", REFUSED,
           "Each is a run of its own: no key seals in two places."),
    ATTACK(39, an_old_frame_does_not_open_when_the_epoch_bits_come_round,
           "An old frame when the epoch bits come round", "server", REFUSED,
           "The bits choose a key; it is another."),
    ATTACK(40, a_frame_that_is_cut_off_is_refused, "Headers, texts and tags that are cut off",
           "server", REFUSED, "Nothing opens, and the true frame still does."),
    ATTACK(41, what_was_not_sealed_does_not_come_out, "Headers and tags of any kind", "server",
           REFUSED, "Tags have 128 bits, and all of them count."),
    ATTACK(42, a_frame_opens_under_its_own_key_alone, "A frame that opens under two keys", "server",
           REFUSED, "The key ID picks one key, and is sealed with the frame."),
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
    ATTACK(47, what_is_delayed_beyond_its_epoch_stays_shut, "A stream is delayed", "server",
           REFUSED, "Two seconds after its epoch nothing of it opens, 0.75 s after a removal."),
    ATTACK(47, a_frame_kept_back_is_not_heard_behind_later_ones,
           "A frame is kept back and put in later", "server", REFUSED,
           "What was sealed before the last frame of its stream is dropped."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
