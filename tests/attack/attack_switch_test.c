/* 33, 34, 36, 38, 43 to 46, 72 to 74: attacks on media as far as the switch can refuse them: by
 * members that speak in another's name, use another's port or drown others, and by strangers that
 * send whatever they like from wherever they like. Members have real transports, and check every
 * frame they get (support/sfu_world.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "attack_rows.h"
#include "rtc/rtcp_feedback.h"
#include "support/sfu_world.h"

/* Members on leaves 0 to n-1, connected, who speak, film and watch each other. */
static struct sfu_world *open_call(unsigned n)
{
    struct sfu_world *w = sfu_world_new(7, NULL);

    assert_int_equal(sfu_meeting_epoch(w->sfu, WORLD_MEETING, 1, 128), 0);
    for (uint32_t leaf = 0; leaf < n; leaf++) {
        struct world_member *m = sfu_world_join_securely(w, leaf);
        m->up.delay_us = m->down.delay_us = 5 * MS;
        sfu_world_speak(m, 30);
        sfu_world_film(m, SFU_CAMERA, 1);
    }
    sfu_world_watch_all(w, 720);
    sfu_world_run(w, 2 * SECOND);
    for (unsigned i = 0; i < n; i++)
        assert_true(w->members[i].connected);
    return w;
}

static void forget_the_past(struct sfu_world *w)
{
    for (size_t i = 0; i < w->n_members; i++) {
        for (size_t k = 0; k < SFU_VIDEO_SLOTS; k++)
            w->members[i].slots[k].frames = 0;
        memset(w->members[i].heard, 0, sizeof w->members[i].heard);
    }
}

static unsigned heard(struct sfu_world *w, uint32_t by, uint32_t leaf)
{
    return w->members[by].heard[leaf].packets;
}

static unsigned seen(struct sfu_world *w, uint32_t by, uint32_t leaf)
{
    const struct world_slot *slot = sfu_world_slot(&w->members[by], leaf, SFU_CAMERA);
    return slot == NULL ? 0 : slot->frames;
}

static uint64_t refused_of(struct sfu_world *w, uint32_t leaf)
{
    struct sfu_peer_stats s;
    assert_int_equal(sfu_peer_stats(w->sfu, w->members[leaf].number, w->now, &s), 0);
    return s.counters.refused;
}

static uint64_t refused_in_all(struct sfu_world *w)
{
    struct sfu_stats s;
    sfu_stats(w->sfu, &s);
    return s.counters.refused;
}

/* ---- What is on its way ---- */

#define TAPPED_MAX 64
struct tapped {
    struct buf p[TAPPED_MAX];
    size_t n;
};

static bool is_check(struct bytes b)
{
    return stun_is_likely(b);
}

static bool is_media(struct bytes b)
{
    return b.n > 12 && b.p[0] >> 6 == 2 && !rtp_is_rtcp(b);
}

/* Copies the datagrams that are on their way from a member to the switch. */
static void tap(struct sfu_world *w, const struct world_member *m, bool (*wanted)(struct bytes),
                struct tapped *out)
{
    for (size_t i = 0; i < w->n_events && out->n < TAPPED_MAX; i++) {
        const struct world_event *e = &w->events[i];
        if (e->packet == NULL || e->member != m || !e->to_switch ||
            !wanted(bytes_of(e->packet, e->n)))
            continue;
        buf_put(&out->p[out->n], bytes_of(e->packet, e->n));
        assert_int_equal(buf_check(&out->p[out->n++]), 0);
    }
}

/* Media that are on their way from a member. */
static void tap_some(struct sfu_world *w, const struct world_member *m, struct tapped *out)
{
    while (out->n == 0) {
        sfu_world_run(w, MS);
        tap(w, m, is_media, out);
    }
}

static void tapped_free(struct tapped *t)
{
    for (size_t i = 0; i < t->n; i++)
        buf_free(&t->p[i]);
    t->n = 0;
}

static void inject(struct sfu_world *w, struct bytes datagram, const struct rtc_address *from)
{
    uint8_t copy[2048];
    assert_true(datagram.n <= sizeof copy);
    if (datagram.n != 0)
        memcpy(copy, datagram.p, datagram.n);
    sfu_input(w->sfu, copy, datagram.n, from, w->now);
}

/* Packets of media to receivers so far. */
static uint64_t forwarded(struct sfu_world *w)
{
    struct sfu_stats s;
    sfu_stats(w->sfu, &s);
    return s.counters.packets_out;
}

/* ---- Names ---- */

/* 33: all members hold the key (RFC 9605 7.2), but the switch knows whose transport it is. */
static void the_switch_forwards_no_frame_under_anothers_key_id(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(3);
    w->members[2].kid_leaf = 1;
    uint64_t before = refused_of(w, 2);
    sfu_world_run(w, 500 * MS); /* what was on its way */
    forget_the_past(w);
    sfu_world_run(w, 2 * SECOND);
    assert_true(refused_of(w, 2) > before + 100);
    assert_in_range(heard(w, 0, 1), 98, 102);
    assert_int_equal(heard(w, 0, 2), 0);
    assert_int_equal(seen(w, 0, 2), 0);
    assert_true(seen(w, 0, 1) > 55);
    sfu_world_free(w);
}

/* 34: a member's own come back on none of its transports, whatever it asks for. */
static void nobody_gets_ones_own_frames_back(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(2);
    struct sfu_want own = {.leaf = 0, .kind = SFU_CAMERA, .max_height = 720};
    struct world_member *again = sfu_world_join_securely(w, 0);
    sfu_world_watch(&w->members[0], &own, 1);
    sfu_world_watch(again, &own, 1);
    sfu_world_run(w, 2 * SECOND); /* receivers look at each frame's mark */
    assert_true(again->connected);
    assert_int_equal(again->heard[0].packets, 0);
    assert_true(again->heard[1].packets > 50);
    assert_null(sfu_world_slot(again, 0, SFU_CAMERA));
    assert_null(sfu_world_slot(&w->members[0], 0, SFU_CAMERA));
    sfu_world_free(w);
}

/* 38: the one that came later is the member. */
static void of_two_tabs_with_one_leaf_one_is_heard(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(2);
    struct world_member *second = sfu_world_join_securely(w, 0);
    sfu_world_run(w, SECOND);
    sfu_world_speak(second, 30);
    uint64_t before = refused_of(w, 0);
    sfu_world_run(w, 500 * MS);
    forget_the_past(w);
    sfu_world_run(w, SECOND);
    assert_true(refused_of(w, 0) >= before + 45); /* the first one's sound ends there */
    assert_in_range(heard(w, 1, 0), 48, 52);
    for (uint32_t i = 0; i < SFU_LEAF_PEERS - 2; i++)
        sfu_world_join_securely(w, 0);
    struct sfu_peer_config c = {.meeting = WORLD_MEETING, .leaf = 0, .sends = true};
    struct sfu_peer_answer answer;
    uint8_t fingerprint[SFU_FINGERPRINT] = {0};
    c.fingerprint = bytes_of(fingerprint, sizeof fingerprint);
    c.ufrag = bytes_str("another");
    c.pwd = bytes_str("aPasswordOfAMember012345");
    assert_int_equal(sfu_peer_open(w->sfu, 999, &c, w->now, &answer), CONCLAVE_ELIMIT);
    sfu_world_free(w);
}

/* ---- Packets ---- */

/* 36: on the way to the switch; SRTP's window (RFC 3711 3.3.2). */
static void a_packet_on_its_way_is_taken_once(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(2);
    struct tapped t = {0};
    tap_some(w, &w->members[0], &t);
    sfu_world_run(w, 20 * MS); /* they have arrived */
    uint64_t before = forwarded(w);
    uint64_t refused = refused_of(w, 0);
    for (size_t i = 0; i < t.n; i++)
        inject(w, buf_view(&t.p[i]), &w->members[0].address);
    assert_int_equal(forwarded(w), before);
    assert_int_equal(refused_of(w, 0), refused + t.n);
    tapped_free(&t);
    sfu_world_free(w);
}

/* 43 and 45: each bit of a packet, the level in its header's extension among them. */
static void a_bit_changed_on_the_way_is_refused(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(2);
    struct tapped t = {0};
    tap_some(w, &w->members[0], &t);
    struct buf *packet = &t.p[0];
    uint64_t before = forwarded(w);
    for (size_t bit = 0; bit < packet->n * 8; bit++) {
        packet->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        inject(w, buf_view(packet), &w->members[0].address);
        packet->p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(forwarded(w), before);
    sfu_world_run(w, SECOND);
    assert_true(heard(w, 1, 0) > 100); /* the true one came through all the same, as all did */
    tapped_free(&t);
    sfu_world_free(w);
}

/* 45: a member may claim to be loud. It is shown as the speaker, which people see; others keep
 * their voices. */
static void who_claims_to_be_the_loudest_silences_nobody(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(4);
    sfu_world_speak(&w->members[3], 0);
    sfu_world_run(w, 3 * SECOND);
    assert_int_equal(w->speaker, 3);
    forget_the_past(w);
    sfu_world_run(w, 2 * SECOND);
    for (uint32_t leaf = 0; leaf < 3; leaf++)
        assert_in_range(heard(w, 3, leaf), 98, 102);
    assert_in_range(heard(w, 0, 1), 98, 102);
    sfu_world_free(w);
}

/* 44: RTP as it is, from strangers and from a member's own address, under a stream's SSRC. */
static void media_that_srtp_does_not_protect_is_refused(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(2);
    struct rtc_address stranger = {.family = RTC_IPV4, .ip = {192, 0, 2, 1}, .port = 9};
    /* an SFrame header with the key ID of leaf 0 in epoch 1, and no counter */
    uint8_t packet[200] = {0x80, WORLD_PT_AUDIO, [12] = 0x10};
    uint64_t before = forwarded(w);
    uint64_t refused = refused_in_all(w);
    for (uint16_t i = 0; i < 500; i++) {
        rtp_set_sequence(packet, (uint16_t)(w->members[0].streams[WORLD_AUDIO].sequence + i));
        rtp_set_ssrc(packet, w->members[0].streams[WORLD_AUDIO].ssrc);
        inject(w, bytes_of(packet, sizeof packet), &stranger);
        inject(w, bytes_of(packet, sizeof packet), &w->members[0].address);
        inject(w, bytes_of(packet, sizeof packet), &w->members[1].address);
    }
    assert_int_equal(forwarded(w), before);
    assert_int_equal(refused_in_all(w), refused + 1500);
    sfu_world_free(w);
}

/* 46: from the moment the switch is told. What waits for the removed is not sent either. */
static void who_was_removed_has_no_transport_any_more(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(3);
    struct world_member *gone = &w->members[2];
    struct tapped t = {0};
    tap_some(w, gone, &t);
    sfu_leaf_close(w->sfu, WORLD_MEETING, 2);
    sfu_world_run(w, 100 * MS); /* what was on its way to the others */
    forget_the_past(w);
    uint64_t came = gone->down.sent;
    for (size_t i = 0; i < t.n; i++)
        inject(w, buf_view(&t.p[i]), &gone->address);
    sfu_world_run(w, 3 * SECOND); /* and it sends and checks on and on */
    assert_int_equal(heard(w, 0, 2) + heard(w, 1, 2), 0);
    assert_int_equal(seen(w, 0, 2) + seen(w, 1, 2), 0);
    assert_in_range(heard(w, 0, 1), 148, 152);
    assert_int_equal(gone->down.sent, came);
    tapped_free(&t);
    sfu_world_free(w);
}

/* ---- Floods ---- */

enum garbage { NOISE, CHECKS, HANDSHAKES, MEDIA, REPORTS, GARBAGE_KINDS };

static size_t make_garbage(struct random *r, enum garbage kind, uint8_t out[static 1200])
{
    static const uint8_t first[] = {0, 0, 22, 0x80, 0x80};
    size_t n = 20 + random_below(r, 1180);
    random_fill(r, out, n);
    if (kind == NOISE)
        return n;
    out[0] = first[kind];
    if (kind == CHECKS) {
        /* a request with a name such as the switch gives, and an integrity nobody made */
        static const uint8_t start[] = {0, 1, 0, 44, 0x21, 0x12, 0xa4, 0x42};
        memcpy(out, start, sizeof start);
        static const uint8_t name[] = {0, 6, 0, 15};
        memcpy(out + 20, name, sizeof name);
        for (size_t i = 0; i < 8; i++)
            out[24 + i] = (uint8_t)('a' + (out[24 + i] & 15));
        memcpy(out + 32, ":member", 8);
        static const uint8_t integrity[] = {0, 8, 0, 20};
        memcpy(out + 40, integrity, sizeof integrity);
        return 64;
    }
    out[1] = kind == REPORTS ? 201 : WORLD_PT_AUDIO;
    return n;
}

/* 72: a hundred times as much as members send, from everywhere. */
static void a_flood_from_strangers_costs_one_look_each(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(3);
    struct sfu_stats before;
    struct sfu_stats after;
    struct random r = {5};
    uint8_t datagram[1200];
    unsigned flood = 0;
    forget_the_past(w);
    sfu_stats(w->sfu, &before);
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned k = 0; k < 200; k++, flood++) {
            struct rtc_address from = {.family = RTC_IPV4, .port = (uint16_t)random_u64(&r)};
            random_fill(&r, from.ip, 4);
            size_t n = make_garbage(&r, (enum garbage)(k % GARBAGE_KINDS), datagram);
            assert_false(sfu_input(w->sfu, datagram, n, &from, w->now));
        }
        struct sfu_group g;
        assert_int_equal(sfu_output(w->sfu, &g, 1), 0); /* no answer to any of it */
        sfu_world_run(w, 20 * MS);
    }
    sfu_stats(w->sfu, &after);
    assert_int_equal(after.counters.refused, before.counters.refused + flood);
    assert_int_equal(after.memory, before.memory);
    for (uint32_t leaf = 1; leaf < 3; leaf++) {
        assert_in_range(heard(w, 0, leaf), 98, 102);
        assert_true(seen(w, 0, leaf) >= 58);
    }
    sfu_world_free(w);
}

/* 72: members' own packets from elsewhere are a stranger's. */
static void true_packets_from_another_address_are_a_strangers(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(2);
    struct rtc_address stranger = {.family = RTC_IPV4, .ip = {192, 0, 2, 1}, .port = 9};
    struct tapped t = {0};
    tap_some(w, &w->members[0], &t);
    uint64_t before = forwarded(w);
    for (size_t i = 0; i < t.n; i++)
        inject(w, buf_view(&t.p[i]), &stranger);
    assert_int_equal(forwarded(w), before);
    forget_the_past(w);
    sfu_world_run(w, SECOND);
    assert_in_range(heard(w, 1, 0), 48, 52); /* they were not used up by it */
    tapped_free(&t);
    sfu_world_free(w);
}

/* 73: a member that sends rubbish, asks for everything again and again, and for key frames. */
static void a_member_that_floods_takes_nothing_from_others(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(3);
    struct world_member *bad = &w->members[2];
    struct random r = {5};
    uint8_t datagram[1200];
    uint16_t numbers[40];
    forget_the_past(w);
    unsigned asked = w->members[0].streams[WORLD_CAMERA].asked;
    uint64_t sent = bad->down.bytes;
    uint64_t others = w->members[0].down.bytes;
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned k = 0; k < 100; k++) {
            /* a handshake's last words are answered, with fewer bytes than they have */
            enum garbage kind = (enum garbage)(k % GARBAGE_KINDS);
            size_t n = make_garbage(&r, kind == HANDSHAKES ? NOISE : kind, datagram);
            inject(w, bytes_of(datagram, n), &bad->address);
        }
        struct buf out = {0};
        for (unsigned slot = 0; slot < 2; slot++) {
            uint32_t ssrc = bad->slots_of.video[slot].ssrc;
            const struct sfu_sink *sink = sfu_sink_of(sfu_peer_of(w->sfu, bad->number), ssrc);
            for (uint16_t back = 0; back < 40; back++)
                numbers[back] = (uint16_t)(sink->rewrite.last_sequence - 40 + back);
            assert_int_equal(rtcp_pli_write(1, ssrc, &out), 0);
            assert_int_equal(rtcp_nack_write(1, ssrc, numbers, 40, &out), 0);
        }
        world_send_up(bad, out.p, out.n);
        buf_free(&out);
        sfu_world_run(w, 20 * MS);
    }
    for (uint32_t leaf = 0; leaf < 2; leaf++) {
        assert_in_range(heard(w, 1 - leaf, leaf), 98, 102);
        assert_true(seen(w, 1 - leaf, leaf) >= 58);
    }
    assert_true(w->members[0].streams[WORLD_CAMERA].asked - asked <= 3);
    /* what another gets, what may be saved up for sending again, and its share */
    struct sfu_peer_stats stats;
    assert_int_equal(sfu_peer_stats(w->sfu, bad->number, w->now, &stats), 0);
    uint64_t again = SFU_RESEND_BURST + 2 * stats.bandwidth / 8 / SFU_RESEND_SHARE;
    uint64_t honest = w->members[0].down.bytes - others;
    assert_true(bad->down.bytes - sent <= honest * 3 / 2 + again);
    sfu_world_free(w);
}

/* 73: SRTP tells a packet's index by the one before it: a leap of half the numbers there are would
 * leave the receiver's stream dead, for the next who is shown in it, too. What the switch refuses
 * moves the numbers on unseen. */
static void a_members_numbers_do_not_spoil_a_stream_for_others(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(3);
    struct world_member *bad = &w->members[2];
    bad->kid_leaf = 1;
    for (unsigned i = 0; i < 80; i++) {
        bad->streams[WORLD_AUDIO].sequence = (uint16_t)(bad->streams[WORLD_AUDIO].sequence + 500);
        sfu_world_run(w, 20 * MS);
    }
    bad->kid_leaf = 2;
    sfu_world_run(w, 500 * MS);
    forget_the_past(w);
    sfu_world_run(w, SECOND);
    assert_in_range(heard(w, 0, 2), 48, 52);
    sfu_world_leave(bad);
    struct world_member *next = sfu_world_join_securely(w, 5);
    sfu_world_speak(next, 30);
    sfu_world_run(w, SECOND);
    forget_the_past(w);
    sfu_world_run(w, SECOND);
    assert_in_range(heard(w, 0, 5), 48, 52);
    sfu_world_free(w);
}

/* ---- Somebody else's address ---- */

static void copy_to(struct sfu_world *w, const struct tapped *t, struct world_member *victim)
{
    for (size_t i = 0; i < t->n; i++) {
        victim->up.bytes += t->p[i].n + ICE_DATAGRAM_OVERHEAD;
        inject(w, buf_view(&t->p[i]), &victim->address);
    }
}

static void assert_not_amplified(const struct world_member *victim)
{
    size_t came = victim->down.bytes + ICE_DATAGRAM_OVERHEAD * victim->down.sent;
    assert_true(came <= ICE_AMPLIFICATION * victim->up.bytes);
}

/* 74: a member that is sent pictures names somebody else's address as its own, by checks that are
 * true: one who can send under another address can do that. As many as it likes, or one alone. */
static void media_is_not_turned_on_somebody_else(void **state)
{
    (void)state;
    for (int once = 0; once < 2; once++) {
        struct sfu_world *w = open_call(3);
        struct world_member *victim = sfu_world_stranger(w);
        for (unsigned i = 0; i < 2000; i++) {
            struct tapped t = {0};
            if (victim->up.bytes == 0 || !once)
                tap(w, &w->members[0], is_check, &t);
            copy_to(w, &t, victim);
            tapped_free(&t);
            sfu_world_run(w, 5 * MS);
            assert_not_amplified(victim);
        }
        assert_true(victim->up.bytes > 100);
        assert_true(victim->down.bytes > 100); /* answers, and checks of the switch's own */
        sfu_world_free(w);
    }
}

/* RFC 7983 */
static bool is_handshake(struct bytes b)
{
    return b.n != 0 && b.p[0] >= 20 && b.p[0] <= 63;
}

/* What is on its way from a member does not arrive. */
static void lose(struct sfu_world *w, const struct world_member *m, bool (*unwanted)(struct bytes))
{
    for (size_t i = 0; i < w->n_events; i++) {
        struct world_event *e = &w->events[i];
        if (e->packet != NULL && e->member == m && e->to_switch &&
            unwanted(bytes_of(e->packet, e->n)))
            e->n = 0;
    }
}

/* 74: and before there is anything else: a check, and the beginning of a handshake in the victim's
 * name, which the switch answers again and again because nobody goes on with it. */
static void a_handshake_is_not_turned_on_somebody_else(void **state)
{
    (void)state;
    struct sfu_world *w = open_call(2);
    struct world_member *victim = sfu_world_stranger(w);
    struct world_member *m = sfu_world_join_securely(w, 5);
    bool (*const wanted[])(struct bytes) = {is_check, is_handshake};
    size_t next = 0;
    for (unsigned i = 0; i < 6000; i++) {
        struct tapped t = {0};
        if (next < 2)
            tap(w, m, wanted[next], &t);
        next += t.n != 0;
        copy_to(w, &t, victim);
        tapped_free(&t);
        lose(w, m, is_handshake);
        sfu_world_run(w, 5 * MS);
        assert_not_amplified(victim);
    }
    assert_int_equal(next, 2);
    assert_true(victim->down.bytes > 100);
    assert_false(m->connected);
    sfu_world_free(w);
}

static const struct attack attacks[] = {
    ATTACK(33, the_switch_forwards_no_frame_under_anothers_key_id,
           "A member uses another's key ID towards everybody", "member", REFUSED,
           "An honest switch forwards under a transport's own leaf alone."),
    ATTACK(34, nobody_gets_ones_own_frames_back, "A member asks for its own frames", "member",
           REFUSED, "They go to none of its transports."),
    ATTACK(36, a_packet_on_its_way_is_taken_once, "A packet to the switch is sent again", "network",
           REFUSED, "SRTP takes a number once."),
    ATTACK(38, of_two_tabs_with_one_leaf_one_is_heard, "Two tabs with one leaf", "member", REFUSED,
           "A track takes the place of the member's one before; four transports are all."),
    ATTACK(43, a_bit_changed_on_the_way_is_refused, "A bit is changed on the way to the switch",
           "network", REFUSED, "SRTP authenticates header, extensions and payload."),
    ATTACK(44, media_that_srtp_does_not_protect_is_refused,
           "RTP without SRTP under a member's SSRC", "stranger and member", REFUSED,
           "It comes from nobody, or does not open."),
    ATTACK(45, who_claims_to_be_the_loudest_silences_nobody,
           "A member claims to be louder than it is", "member", VISIBLE,
           "It is shown as the speaker; others are heard as before."),
    ATTACK(46, who_was_removed_has_no_transport_any_more, "A removed member's transport lives on",
           "member", REFUSED, "It is dead at once, in both directions, its checks included."),
    ATTACK(72, a_flood_from_strangers_costs_one_look_each, "A flood at the media port", "stranger",
           REFUSED, "One look into a table each, no answer, no memory; members do not notice."),
    ATTACK(72, true_packets_from_another_address_are_a_strangers,
           "Members' packets from another address", "network", REFUSED,
           "Who has not been checked there is a stranger."),
    ATTACK(73, a_member_that_floods_takes_nothing_from_others,
           "A member floods and asks for everything again", "member", REFUSED,
           "Questions are merged, answers bounded; others' media go on."),
    ATTACK(73, a_members_numbers_do_not_spoil_a_stream_for_others, "A member's packet numbers leap",
           "member", REFUSED,
           "Receivers' streams have numbers of their own, which go on one by one."),
    ATTACK(74, media_is_not_turned_on_somebody_else, "Media are turned on somebody else's address",
           "member", REFUSED, "Nothing but checks goes to where nobody has answered."),
    ATTACK(74, a_handshake_is_not_turned_on_somebody_else,
           "A handshake in the name of somebody else's address", "member", REFUSED,
           "At most three bytes go out for each that came, before an answer proves the way."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
