/* What src/call promises to an honest network: frames as they were, asked for again where they are
 * lost, kept until their epoch comes, and sent at a pace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pair.h"
#include "rtc/rtcp_feedback.h"
#include "rtc/rtp_ext.h"

/* The RTP packets among those sent, in order. */
static size_t media_of(const struct packets *k, const struct buf **out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < k->n && n < max; i++)
        if (!k->control[i])
            out[n++] = &k->p[i];
    return n;
}

static void sound_comes_out_as_it_went_in(void **state)
{
    struct pair *p = *state;
    for (uint32_t n = 0; n < 20; n++, p->now += 20 * MS) {
        send_sound(p, n);
        collect(p->alice, p->now, &p->sent);
        feed(p->bob, &p->sent, p->now);
        packets_clear(&p->sent);
        expect_sound(p, n);
        expect_nothing(p->bob, p->now);
    }
    assert_int_equal(refused_in_all(p->bob), 0);
}

static void a_picture_of_many_packets_comes_out_whole(void **state)
{
    struct pair *p = *state;
    send_picture(p, CAMERA, 0, true, PICTURE_MAX);
    send_picture(p, CAMERA, 1, false, 3);
    collect_all(p);
    assert_true(p->sent.n > 50);
    feed(p->bob, &p->sent, p->now);
    expect_picture(p, 0, true, PICTURE_MAX);
    expect_picture(p, 1, false, 3);
    expect_nothing(p->bob, p->now);
}

static void what_is_sealed_is_not_on_the_wire(void **state)
{
    struct pair *p = *state;
    const struct buf *media[PACKETS];
    static uint8_t data[PICTURE_MAX];
    struct bytes plain = picture_of(0, true, 1000, data);
    send_picture(p, CAMERA, 0, true, 1000);
    collect_all(p);
    assert_int_equal(media_of(&p->sent, media, PACKETS), 1);
    for (size_t at = 0; at + 16 <= media[0]->n; at++)
        for (size_t from = 10; from + 16 <= plain.n; from++)
            assert_false(bytes_equal(bytes_of(media[0]->p + at, 16), bytes_of(plain.p + from, 16)));
}

static void sound_carries_its_level_and_every_packet_a_transport_number(void **state)
{
    struct pair *p = *state;
    const struct buf *media[PACKETS];
    send_sound(p, 0);
    send_picture(p, CAMERA, 0, true, 5000);
    collect_all(p);
    size_t n = media_of(&p->sent, media, PACKETS);
    for (size_t i = 0; i < n; i++) {
        struct rtp_packet packet;
        struct rtp_exts e;
        assert_int_equal(rtp_packet_read(buf_view(media[i]), &packet), 0);
        assert_int_equal(rtp_exts_read(&packet.header, NULL, &e), 0);
        assert_true(e.has_transport_cc && e.transport_cc == i);
        assert_int_equal(e.has_audio_level, packet.header.payload_type == OPUS);
        if (e.has_audio_level)
            assert_true(e.audio_level == 30 && e.voice);
    }
}

/* Whether a NACK is among them (RFC 4585 6.2.1). */
static bool asks_again(const struct packets *k)
{
    for (size_t i = 0; i < k->n; i++)
        if (k->control[i] && k->p[i].p[1] == RTCP_RTPFB && (k->p[i].p[0] & 31) == 1)
            return true;
    return false;
}

static void a_lost_packet_is_asked_for_and_sent_again(void **state)
{
    struct pair *p = *state;
    const struct buf *media[PACKETS];
    struct packets asked = {0};
    send_picture(p, CAMERA, 0, true, 10000);
    collect_all(p);
    size_t n = media_of(&p->sent, media, PACKETS);
    for (size_t i = 0; i < n; i++)
        if (i != 3)
            feed_one(p->bob, media[i], p->now);
    expect_nothing(p->bob, p->now);
    packets_clear(&p->sent);
    collect(p->bob, p->now, &asked);
    assert_false(asks_again(&asked)); /* it might only be late */
    packets_clear(&asked);
    p->now += CALL_REORDER_US + CALL_RESEND_US;
    collect(p->bob, p->now, &asked);
    feed(p->alice, &asked, p->now);
    collect_all(p);
    assert_int_equal(media_of(&p->sent, media, PACKETS), 1);
    assert_int_equal(media[0]->p[1] & 127, RTX);
    feed(p->bob, &p->sent, p->now);
    expect_picture(p, 0, true, 10000);
    packets_clear(&asked);
}

static void lost_sound_holds_up_what_follows_only_for_a_moment(void **state)
{
    struct pair *p = *state;
    struct packets said = {0};
    for (uint32_t n = 0; n < 4; n++, p->now += 20 * MS) {
        send_sound(p, n);
        collect(p->alice, p->now, &p->sent);
        if (n != 1)
            feed(p->bob, &p->sent, p->now);
        packets_clear(&p->sent);
        if (n == 0)
            expect_sound(p, n);
        else
            expect_nothing(p->bob, p->now);
        collect(p->bob, p->now, &said);
    }
    p->now += CALL_WAIT_SOUND_US - 40 * MS; /* since the third came */
    expect_sound(p, 2);
    expect_sound(p, 3);
    expect_nothing(p->bob, p->now);
    collect(p->bob, p->now, &said);
    assert_false(asks_again(&said)); /* it has no stream of retransmissions */
    packets_clear(&said);
}

static void without_a_retransmission_stream_nothing_is_sent_twice(void **state)
{
    struct pair *p = *state;
    struct buf nack = {0};
    uint16_t lost = 9;
    send_picture(p, SCREEN, 0, true, 10000);
    collect_all(p);
    packets_clear(&p->sent);
    p->now += CALL_RESEND_US;
    assert_int_equal(rtcp_nack_write(7, SCREEN_SSRC, &lost, 1, &nack), 0);
    feed_one(p->alice, &nack, p->now);
    collect_all(p);
    const struct buf *media[PACKETS];
    assert_int_equal(media_of(&p->sent, media, PACKETS), 0);
    buf_free(&nack);
}

static void a_packet_is_sent_again_only_so_often(void **state)
{
    struct pair *p = *state;
    struct buf nack = {0};
    uint16_t lost = 65530;
    struct call_layer_stats s;
    send_picture(p, CAMERA, 0, true, 1000);
    collect_all(p);
    assert_int_equal(rtcp_nack_write(7, CAMERA_SSRC, &lost, 1, &nack), 0);
    for (int i = 0; i < 1000; i++, p->now += MS) {
        feed_one(p->alice, &nack, p->now);
        packets_clear(&p->sent);
        collect(p->alice, p->now, &p->sent);
    }
    assert_int_equal(call_layer_stats(p->alice, CAMERA, 0, &s), 0);
    assert_int_equal(s.resent, CALL_RESENDS);
    buf_free(&nack);
}

static void a_stream_that_misses_a_picture_asks_for_a_key_frame_until_it_comes(void **state)
{
    struct pair *p = *state;
    struct packets asked = {0};
    struct call_event e;
    static uint8_t data[PICTURE_MAX];
    send_picture(p, CAMERA, 0, false, 500); /* what was before it bob has not seen */
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_frame(p->bob, p->now, picture_of(0, false, 500, data), &e);
    assert_false(e.follows);
    p->now += CALL_PLI_US;
    assert_true(call_deadline(p->bob) <= p->now);
    collect(p->bob, p->now, &asked);
    feed(p->alice, &asked, p->now);
    assert_int_equal(call_next(p->alice, p->now, &e), 0);
    assert_true(e.what == CALL_KEY_FRAME_WANTED && e.track == CAMERA && e.layer == 0);
    feed(p->alice, &asked, p->now); /* many receivers ask at once */
    expect_nothing(p->alice, p->now);
    packets_clear(&asked);
    packets_clear(&p->sent);
    send_picture(p, CAMERA, 1, true, 500);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_frame(p->bob, p->now, picture_of(1, true, 500, data), &e);
    assert_true(e.follows);
    p->now += 2 * CALL_PLI_US;
    collect(p->bob, p->now, &asked);
    feed(p->alice, &asked, p->now);
    expect_nothing(p->alice, p->now);
    packets_clear(&asked);
}

static void a_new_stream_has_time_for_its_key_frame(void **state)
{
    struct pair *p = *state;
    struct packets asked = {0};
    const struct buf *media[PACKETS];
    p->now += 10 * CALL_SECOND; /* since the switch told of it */
    send_picture(p, CAMERA, 0, true, 10000);
    collect_all(p);
    assert_true(media_of(&p->sent, media, PACKETS) > 2);
    feed_one(p->bob, media[0], p->now); /* the rest is on its way */
    expect_nothing(p->bob, p->now);
    collect(p->bob, p->now, &asked);
    for (size_t i = 0; i < asked.n; i++)
        assert_int_not_equal(asked.p[i].p[1], RTCP_PSFB);
    packets_clear(&asked);
}

/* The switch shows another layer in the same stream, and not from a key frame on. */
static void a_picture_follows_only_on_its_own_layer(void **state)
{
    struct pair *p = *state;
    struct call_event e;
    const bool key[] = {true, false, false, true, false};
    const bool follows[] = {true, true, false, true, true};
    const uint8_t track[] = {CAMERA, CAMERA, SCREEN, SCREEN, SCREEN};
    for (uint32_t n = 0; n < 5; n++) {
        static uint8_t data[PICTURE_MAX];
        const struct buf *media[PACKETS];
        send_picture(p, track[n], n, key[n], 200);
        collect_all(p);
        assert_int_equal(media_of(&p->sent, media, PACKETS), 1);
        rtp_set_ssrc(media[0]->p, CAMERA_SSRC);
        rtp_set_sequence(media[0]->p, (uint16_t)(65530 + n));
        feed_one(p->bob, media[0], p->now);
        expect_frame(p->bob, p->now, picture_of(n, key[n], 200, data), &e);
        assert_int_equal(e.follows, follows[n]);
        packets_clear(&p->sent);
    }
}

static void each_layer_has_a_context_of_its_own(void **state)
{
    struct pair *p = *state;
    struct call_event e;
    struct call_frame f = {.captured_us = p->now};
    static uint8_t data[PICTURE_MAX];
    const struct call_track camera = {
        CAMERA, SIGNAL_CAMERA, 3, {{1, 2, 3, 4}, {3, 4, 5, 6}, {5, 6, 7, 8}}};
    const struct call_track screen = {
        SCREEN, SIGNAL_SCREEN, 3, {{7, 0, 0, 0}, {8, 0, 0, 0}, {9, 0, 0, 0}}};
    call_unpublish(p->alice, CAMERA);
    call_unpublish(p->alice, SCREEN);
    assert_int_equal(call_publish(p->alice, &camera), 0);
    assert_int_equal(call_publish(p->alice, &screen), 0);
    f.data = picture_of(0, true, 90, data);
    for (uint8_t i = 0; i < 6; i++) {
        uint8_t track = i < 3 ? CAMERA : SCREEN;
        assert_int_equal(call_send(p->alice, track, i % 3, &f, p->now), 0);
        collect_all(p);
        feed(p->bob, &p->sent, p->now);
        packets_clear(&p->sent);
        expect_frame(p->bob, p->now, f.data, &e);
        assert_int_equal(e.source, i < 3 ? SIGNAL_CAMERA : SIGNAL_SCREEN);
        assert_int_equal(e.layer, i % 3);
        assert_int_equal(e.context, 1 + i);
    }
    assert_int_equal(call_send(p->alice, CAMERA, 3, &f, p->now), CONCLAVE_ENOTFOUND);
}

/* ---- Epochs ---- */

static void frames_wait_for_their_epoch_and_come_in_order(void **state)
{
    struct pair *p = *state;
    struct call_stats s;
    member_epoch(p->alice, 2, ALICE, 9, p->now); /* a removal: she seals in it at once */
    for (uint32_t n = 0; n < 10; n++) {
        send_picture(p, CAMERA, n, n == 0, 3000);
        send_sound(p, n);
    }
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_nothing(p->bob, p->now);
    packets_clear(&p->sent);
    collect(p->bob, p->now, &p->sent);
    assert_true(call_deadline(p->bob) > p->now); /* it is not tried again for nothing */
    p->now += SFRAME_HOLD_US - 1;
    member_epoch(p->bob, 2, BOB, 9, p->now);
    uint32_t pictures = 0, sounds = 0;
    for (uint32_t n = 0; n < 20; n++) {
        struct call_event e;
        static uint8_t data[PICTURE_MAX];
        assert_int_equal(call_next(p->bob, p->now, &e), 0);
        assert_true(e.what == CALL_FRAME && e.epoch == 2 && e.follows);
        struct bytes expected = e.source == SIGNAL_AUDIO
                                    ? sound_of(sounds++, data)
                                    : picture_of(pictures, pictures == 0, 3000, data);
        pictures += e.source != SIGNAL_AUDIO;
        assert_true(bytes_equal(e.frame, expected));
    }
    expect_nothing(p->bob, p->now);
    call_stats(p->bob, &s);
    assert_true(s.held == 20 && refused_in_all(p->bob) == 0);
}

static void a_frame_whose_epoch_does_not_come_is_refused_in_time(void **state)
{
    struct pair *p = *state;
    member_epoch(p->alice, 2, ALICE, 9, p->now);
    send_sound(p, 0);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_nothing(p->bob, p->now);
    assert_true(call_deadline(p->bob) <= p->now + SFRAME_HOLD_US);
    p->now += SFRAME_HOLD_US;
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused(p->bob, CALL_REFUSED_KEY), 1);
    member_epoch(p->bob, 2, BOB, 9, p->now);
    expect_nothing(p->bob, p->now);
}

static void what_waits_for_an_epoch_is_bounded(void **state)
{
    struct pair *p = *state;
    struct call_stats s;
    member_epoch(p->alice, 2, ALICE, 9, p->now);
    for (uint32_t n = 0; n < CALL_HELD + 5; n++) {
        send_sound(p, n);
        collect(p->alice, p->now, &p->sent);
        feed(p->bob, &p->sent, p->now);
        packets_clear(&p->sent);
        expect_nothing(p->bob, p->now);
    }
    call_stats(p->bob, &s);
    assert_true(s.held == CALL_HELD && s.refused[CALL_REFUSED_KEY] == 5);
}

/* The epoch of a frame that alice seals now. */
static uint64_t epoch_sealed(struct pair *p, uint32_t n)
{
    struct call_event e;
    uint8_t data[PICTURE_MAX];
    send_sound(p, n);
    collect(p->alice, p->now, &p->sent);
    feed(p->bob, &p->sent, p->now);
    packets_clear(&p->sent);
    expect_frame(p->bob, p->now, sound_of(n, data), &e);
    return e.epoch;
}

static void sealing_moves_on_later_after_a_join_and_at_once_after_a_removal(void **state)
{
    struct pair *p = *state;
    member_epoch(p->bob, 2, BOB, GROUP, p->now);
    member_epoch(p->alice, 2, ALICE, GROUP, p->now);
    assert_int_equal(epoch_sealed(p, 0), 1);
    p->now += SFRAME_SWITCH_DELAY_US - 1;
    assert_int_equal(epoch_sealed(p, 1), 1);
    p->now += 1;
    assert_int_equal(epoch_sealed(p, 2), 2);
    member_epoch(p->bob, 3, BOB, 9, p->now);
    member_epoch(p->alice, 3, ALICE, 9, p->now);
    assert_int_equal(epoch_sealed(p, 3), 3);
}

static void the_old_key_opens_as_long_as_its_grace_lasts(void **state)
{
    struct pair *p = *state;
    struct packets early = {0};
    send_sound(p, 0);
    collect(p->alice, p->now, &early);
    send_sound(p, 1);
    collect(p->alice, p->now, &p->sent);
    member_epoch(p->bob, 2, BOB, 9, p->now);
    p->now += SFRAME_GRACE_REMOVAL_US - 1;
    feed(p->bob, &early, p->now);
    expect_sound(p, 0);
    p->now += 1;
    feed(p->bob, &p->sent, p->now);
    expect_nothing(p->bob, p->now);
    p->now += SFRAME_HOLD_US;
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused(p->bob, CALL_REFUSED_KEY), 1);
    packets_clear(&early);
}

/* ---- Pace, reports, limits ---- */

static void a_large_picture_is_paced_and_sound_goes_before_it(void **state)
{
    struct pair *p = *state;
    send_picture(p, CAMERA, 0, true, PICTURE_MAX);
    collect(p->alice, p->now, &p->sent);
    assert_true(p->sent.n <= 3);
    send_sound(p, 0);
    packets_clear(&p->sent);
    collect(p->alice, p->now, &p->sent);
    const struct buf *media[PACKETS];
    assert_int_equal(media_of(&p->sent, media, PACKETS), 1);
    assert_int_equal(media[0]->p[1] & 127, OPUS);
    uint64_t begin = p->now;
    while (call_deadline(p->alice) < begin + CALL_SECOND / 2) {
        p->now = call_deadline(p->alice) > p->now ? call_deadline(p->alice) : p->now;
        packets_clear(&p->sent);
        collect(p->alice, p->now, &p->sent);
        assert_true(p->sent.n <= 4);
    }
    assert_in_range(p->now - begin, CALL_PACE_US, 5 * CALL_PACE_US);
}

static void a_full_queue_takes_no_picture_and_loses_none(void **state)
{
    struct pair *p = *state;
    static uint8_t data[PICTURE_MAX];
    struct call_frame f = {.data = picture_of(0, true, PICTURE_MAX, data), .captured_us = p->now};
    uint32_t n = 0;
    int rv = 0;
    while ((rv = call_send(p->alice, CAMERA, 0, &f, p->now)) == 0)
        f.pts = ++n * UINT64_C(3000);
    assert_int_equal(rv, CONCLAVE_ELIMIT);
    assert_in_range(n, 10, 20);
    for (uint32_t got = 0; got < n;) {
        struct call_event e;
        packets_clear(&p->sent);
        collect(p->alice, p->now, &p->sent);
        feed(p->bob, &p->sent, p->now);
        assert_int_equal(call_next(p->bob, p->now, &e), 0);
        got += e.what == CALL_FRAME;
        p->now += MS;
        assert_true(p->now < 1001 * CALL_SECOND);
    }
}

static void reports_tell_capture_times_loss_and_round_trips(void **state)
{
    struct pair *p = *state;
    struct call_event e;
    struct call_layer_stats s;
    struct packets reports = {0};
    uint8_t data[PICTURE_MAX];
    uint64_t captured = 0;
    for (uint32_t n = 0; n < 200; n++, p->now += 20 * MS) {
        send_sound(p, n);
        collect(p->alice, p->now, &p->sent);
        for (size_t i = 0; i < p->sent.n; i++)
            if (p->sent.control[i] || n % 10 != 5)
                feed_one(p->bob, &p->sent.p[i], p->now + 15 * MS);
        packets_clear(&p->sent);
        while (call_next(p->bob, p->now + 15 * MS, &e) == 0 && e.what == CALL_FRAME) {
            captured = e.captured_us;
            for (uint32_t k = 0; k <= n; k++)
                if (bytes_equal(e.frame, sound_of(k, data)) && captured != 0)
                    assert_in_range(captured + 20 * MS * (n - k), p->now - MS, p->now + MS);
        }
        collect(p->bob, p->now + 15 * MS, &reports);
        feed(p->alice, &reports, p->now + 35 * MS);
        packets_clear(&reports);
    }
    assert_int_not_equal(captured, 0);
    assert_int_equal(call_layer_stats(p->alice, SOUND, 0, &s), 0);
    assert_in_range(s.loss, 15, 35); /* of 256 */
    assert_in_range(s.rtt_us, 19 * MS, 36 * MS);
}

static void events_tell_what_a_report_is_made_of(void **state)
{
    struct pair *p = *state;
    struct call_event e;
    for (uint32_t n = 0; n < 6; n++) {
        if (n == 3) {
            member_epoch(p->bob, 2, BOB, 9, p->now);
            member_epoch(p->alice, 2, ALICE, 9, p->now);
        }
        send_sound(p, n);
        send_picture(p, CAMERA, n, n == 0, 100);
        collect_all(p);
        feed(p->bob, &p->sent, p->now);
        packets_clear(&p->sent);
        for (int both = 0; both < 2; both++) {
            assert_int_equal(call_next(p->bob, p->now, &e), 0);
            assert_true(e.what == CALL_FRAME && e.epoch == 1 + n / 3 && e.ctr == n % 3);
            assert_int_equal(e.context, e.source == SIGNAL_AUDIO ? 0 : 1);
            assert_int_equal(e.key, n == 0 || e.source == SIGNAL_AUDIO);
        }
    }
}

static void arrivals_are_told(void **state)
{
    struct pair *p = *state;
    struct packets told = {0};
    bool found = false;
    send_picture(p, CAMERA, 0, true, 5000);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    collect(p->bob, p->now, &told);
    for (size_t i = 0; i < told.n; i++)
        found = found || (told.p[i].p[1] == RTCP_RTPFB && (told.p[i].p[0] & 31) == 15);
    assert_true(found);
    packets_clear(&told);
}

static void streams_have_a_limit_and_a_silent_one_makes_room(void **state)
{
    struct pair *p = *state;
    struct call_stats s;
    struct signal_flow f = {.leaf = ALICE, .source = SIGNAL_AUDIO};
    for (f.ssrc = 1; f.ssrc < CALL_STREAMS; f.ssrc++)
        assert_int_equal(call_flow(p->bob, &f), 0);
    assert_int_equal(call_flow(p->bob, &f), CONCLAVE_ELIMIT);
    send_sound(p, 0);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_nothing(p->bob, p->now);
    assert_int_equal(refused(p->bob, CALL_REFUSED_PACKET), 1);
    p->now += CALL_STREAM_SILENT_US;
    feed(p->bob, &p->sent, p->now);
    expect_sound(p, 0);
    call_stats(p->bob, &s);
    assert_int_equal(s.streams, CALL_STREAMS);
}

static void a_stream_may_show_another_member_next(void **state)
{
    struct pair *p = *state;
    struct call_stats s;
    struct signal_flow f = {
        .leaf = 9, .source = SIGNAL_CAMERA, .ssrc = CAMERA_SSRC, .rtx = CAMERA_RTX};
    assert_int_equal(call_flow(p->bob, &f), 0);
    f.gone = true;
    assert_int_equal(call_flow(p->bob, &f), 0);
    f.gone = false;
    f.leaf = ALICE;
    assert_int_equal(call_flow(p->bob, &f), 0);
    send_picture(p, CAMERA, 0, true, 500);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    expect_picture(p, 0, true, 500);
    call_stats(p->bob, &s);
    assert_true(s.streams == 1 && s.mislabelled == 0);
}

static void a_stream_that_fell_silent_is_not_asked_for_key_frames(void **state)
{
    struct pair *p = *state;
    struct packets asked = {0};
    unsigned n = 0;
    send_picture(p, CAMERA, 0, false, 500);
    collect_all(p);
    feed(p->bob, &p->sent, p->now);
    for (int ms = 0; ms < 10000; ms += 10, p->now += 10 * MS) {
        struct call_event e;
        assert_int_equal(call_next(p->bob, p->now, &e), 0);
        collect(p->bob, p->now, &asked);
        for (size_t i = 0; i < asked.n; i++)
            n += asked.p[i].p[1] == RTCP_PSFB;
        packets_clear(&asked);
    }
    assert_in_range(n, 1, CALL_PLI_FOR_US / CALL_PLI_US);
    assert_int_equal(call_deadline(p->bob), UINT64_MAX);
}

static void what_is_out_of_range_is_refused(void **state)
{
    struct pair *p = *state;
    struct call *c = NULL;
    struct call_config config = {.epoch_bits = 4, .opus = 1, .vp8 = 1, .rtx = 2};
    assert_int_equal(call_new(&config, &c), CONCLAVE_EINVAL);
    config.vp8 = 3;
    config.run = CALL_RUNS;
    assert_int_equal(call_new(&config, &c), CONCLAVE_EINVAL);
    config.run = 0;
    config.epoch_bits = 9;
    assert_int_equal(call_new(&config, &c), CONCLAVE_EINVAL);

    struct call_track t = {CAMERA, SIGNAL_CAMERA, 1, {{1, 2, 0, 0}}};
    assert_int_equal(call_publish(p->alice, &t), CONCLAVE_EDUPLICATE);
    call_unpublish(p->alice, CAMERA);
    t.layer[0].rtx = SOUND_SSRC;
    assert_int_equal(call_publish(p->alice, &t), CONCLAVE_EDUPLICATE);
    t.layer[0].rtx = 1;
    assert_int_equal(call_publish(p->alice, &t), CONCLAVE_EDUPLICATE);
    t.layer[0].ssrc = 0;
    assert_int_equal(call_publish(p->alice, &t), CONCLAVE_EINVAL);
    t = (struct call_track){SIGNAL_TRACKS_MAX, SIGNAL_CAMERA, 1, {{1, 2, 0, 0}}};
    assert_int_equal(call_publish(p->alice, &t), CONCLAVE_EINVAL);

    uint8_t data[PICTURE_MAX];
    struct call_frame f = {.data = sound_of(0, data), .captured_us = p->now, .level = 128};
    assert_int_equal(call_send(p->alice, SOUND, 0, &f, p->now), CONCLAVE_EINVAL);
    f.level = 127;
    assert_int_equal(call_send(p->alice, SOUND, 1, &f, p->now), CONCLAVE_ENOTFOUND);
    assert_int_equal(call_send(p->alice, CAMERA, 0, &f, p->now), CONCLAVE_ENOTFOUND);
    f.captured_us = p->now + CALL_CAPTURE_US + 1;
    assert_int_equal(call_send(p->alice, SOUND, 0, &f, p->now), CONCLAVE_EINVAL);
    f.captured_us = p->now;
    f.data.n = 0;
    assert_int_equal(call_send(p->alice, SOUND, 0, &f, p->now), CONCLAVE_EINVAL);

    struct signal_flow flow = {.leaf = 1, .source = SIGNAL_AUDIO, .ssrc = 5, .rtx = 5};
    assert_int_equal(call_flow(p->bob, &flow), CONCLAVE_EINVAL);
    flow.ssrc = CAMERA_RTX;
    assert_int_equal(call_flow(p->bob, &flow), CONCLAVE_EINVAL);
    flow.ssrc = SOUND_SSRC;
    assert_int_equal(call_flow(p->alice, &flow), CONCLAVE_EINVAL);
}

static void nothing_is_sent_before_there_is_an_epoch(void **state)
{
    (void)state;
    uint8_t data[PICTURE_MAX];
    struct call *c = member_new(4);
    struct call_frame f = {.data = sound_of(0, data)};
    struct call_packet out;
    member_publish(c);
    assert_int_equal(call_send(c, SOUND, 0, &f, 5), CONCLAVE_ESTATE);
    assert_int_equal(call_output(c, 5, &out), 0);
    assert_true(out.data.n == 0 && call_deadline(c) == UINT64_MAX);
    call_free(c);
    call_free(NULL);
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, pair_setup, pair_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(sound_comes_out_as_it_went_in),
        PAIR_TEST(a_picture_of_many_packets_comes_out_whole),
        PAIR_TEST(what_is_sealed_is_not_on_the_wire),
        PAIR_TEST(sound_carries_its_level_and_every_packet_a_transport_number),
        PAIR_TEST(a_lost_packet_is_asked_for_and_sent_again),
        PAIR_TEST(lost_sound_holds_up_what_follows_only_for_a_moment),
        PAIR_TEST(without_a_retransmission_stream_nothing_is_sent_twice),
        PAIR_TEST(a_packet_is_sent_again_only_so_often),
        PAIR_TEST(a_stream_that_misses_a_picture_asks_for_a_key_frame_until_it_comes),
        PAIR_TEST(a_new_stream_has_time_for_its_key_frame),
        PAIR_TEST(a_picture_follows_only_on_its_own_layer),
        PAIR_TEST(each_layer_has_a_context_of_its_own),
        PAIR_TEST(frames_wait_for_their_epoch_and_come_in_order),
        PAIR_TEST(a_frame_whose_epoch_does_not_come_is_refused_in_time),
        PAIR_TEST(what_waits_for_an_epoch_is_bounded),
        PAIR_TEST(sealing_moves_on_later_after_a_join_and_at_once_after_a_removal),
        PAIR_TEST(the_old_key_opens_as_long_as_its_grace_lasts),
        PAIR_TEST(a_large_picture_is_paced_and_sound_goes_before_it),
        PAIR_TEST(a_full_queue_takes_no_picture_and_loses_none),
        PAIR_TEST(reports_tell_capture_times_loss_and_round_trips),
        PAIR_TEST(events_tell_what_a_report_is_made_of),
        PAIR_TEST(arrivals_are_told),
        PAIR_TEST(streams_have_a_limit_and_a_silent_one_makes_room),
        PAIR_TEST(a_stream_may_show_another_member_next),
        PAIR_TEST(a_stream_that_fell_silent_is_not_asked_for_key_frames),
        PAIR_TEST(what_is_out_of_range_is_refused),
        cmocka_unit_test(nothing_is_sent_before_there_is_an_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
