/* RTCP in and out: key frames are asked for when they are needed and not more often, loss is told
 * and asked about, and clocks fit together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hub.h"
#include "sfu/ntp.h"

#define CAMERA hub_ssrc(1, SFU_CAMERA, 0)

static void send(struct hub *h, uint16_t sequence, bool key)
{
    struct hub_picture p = hub_picture(1, 0, sequence, key);

    hub_send_picture(h, &p);
    hub_collect(h);
}

/* 1 films, and 2 to `last` watch; its first picture is through. */
static struct hub *film(void **state, uint32_t last)
{
    struct hub *h = *state;

    for (uint32_t leaf = 1; leaf <= last; leaf++)
        hub_join(h, leaf);
    hub_publish(h, 1, SFU_CAMERA, 1);
    for (uint32_t leaf = 2; leaf <= last; leaf++)
        hub_watch(h, leaf, 1);
    hub_pass(h, 100 * MS);
    send(h, 100, true);
    hub_pass(h, SECOND);
    hub_forget(h);
    return h;
}

static size_t asked(struct hub *h)
{
    return hub_feedback(h, 1, RTCP_FB_PLI, CAMERA, NULL);
}

/* ---- Key frames ---- */

static void who_begins_to_watch_has_a_key_frame_asked_for(void **state)
{
    struct hub *h = film(state, 2);

    hub_join(h, 3);
    hub_watch(h, 3, 1);
    hub_pass(h, 100 * MS);
    assert_int_equal(asked(h), 1);
    hub_pass(h, 300 * MS);
    assert_int_equal(asked(h), 1);
    hub_pass(h, 1500 * MS);
    assert_int_equal(asked(h), 3); /* again after a half and a whole second */
    send(h, 101, true);
    hub_pass(h, 5 * SECOND);
    assert_int_equal(asked(h), 3);
    assert_int_equal(hub_counters(h, 1).key_frames_asked, 3);
}

static void nothing_is_asked_of_who_sends_nothing(void **state)
{
    struct hub *h = *state;

    hub_join(h, 1);
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_watch(h, 2, 1);
    hub_pass(h, 5 * SECOND);
    assert_int_equal(asked(h), 0);
}

static void the_wishes_of_many_are_one_question(void **state)
{
    struct hub *h = film(state, 12);

    for (unsigned i = 0; i < 5; i++) {
        for (uint32_t leaf = 2; leaf <= 12; leaf++)
            hub_pli(h, leaf, hub_video_slot(h, leaf, 0));
        hub_pass(h, 50 * MS);
    }
    assert_int_equal(asked(h), 1);
    send(h, 101, true);
    hub_pass(h, 3 * SECOND);
    assert_int_equal(asked(h), 1);
}

static void one_who_insists_is_heard_once_a_second(void **state)
{
    struct hub *h = film(state, 2);
    uint16_t n = 101;

    for (unsigned i = 0; i < 500; i++) { /* ten seconds, each question answered at once */
        size_t before = asked(h);
        hub_pli(h, 2, hub_video_slot(h, 2, 0));
        hub_pass(h, 20 * MS);
        if (asked(h) != before)
            send(h, n++, true);
    }
    assert_in_range(asked(h), 9, 11);
}

static void a_full_intra_request_is_the_same_wish(void **state)
{
    struct hub *h = film(state, 2);
    struct rtcp_fir fir = {.ssrc = hub_video_slot(h, 2, 0), .sequence = 1};
    struct buf out = {0};

    assert_int_equal(rtcp_fir_write(1, &fir, 1, &out), 0);
    hub_rtcp(h, 2, &out);
    hub_pass(h, 20 * MS);
    assert_int_equal(asked(h), 1);
}

static void wishes_for_what_one_does_not_get_are_not_heard(void **state)
{
    struct hub *h = film(state, 3);

    hub_pli(h, 2, hub_video_slot(h, 2, 1));
    hub_pli(h, 2, hub_audio_slot(h, 2, 0));
    hub_pli(h, 2, hub_rtx_slot(h, 2, 0));
    hub_pli(h, 2, hub_video_slot(h, 3, 0)); /* another's slot */
    hub_pli(h, 2, CAMERA);                  /* the sender's own SSRC */
    hub_pli(h, 1, CAMERA);
    hub_pass(h, SECOND);
    assert_int_equal(asked(h), 0);
}

static void a_new_epoch_brings_a_key_frame_but_not_twice(void **state)
{
    struct hub *h = film(state, 2);
    struct hub_picture p = hub_picture(1, 0, 101, false);

    p.kid = hub_kid(1, 2);
    hub_send_picture(h, &p);
    hub_pass(h, 20 * MS);
    assert_int_equal(asked(h), 1);
    p = hub_picture(1, 0, 102, true);
    p.kid = hub_kid(1, 2);
    hub_send_picture(h, &p);
    hub_pass(h, SECOND);
    p = hub_picture(1, 0, 103, true); /* a key frame that begins an epoch is all there is to want */
    p.kid = hub_kid(1, 3);
    hub_send_picture(h, &p);
    hub_pass(h, SECOND);
    assert_int_equal(asked(h), 1);
}

static void loss_that_stays_brings_a_key_frame(void **state)
{
    struct hub *h = film(state, 2);
    struct rtcp_feedback f = {0};
    struct rtcp_nack_walk w;
    uint16_t lost = 0;

    send(h, 102, false);
    hub_pass(h, 20 * MS);
    assert_int_equal(hub_feedback(h, 1, RTCP_FB_NACK, CAMERA, &f), 1);
    assert_int_equal(rtcp_nack_open(&f, &w), 0);
    assert_true(rtcp_nack_next(&w, &lost));
    assert_int_equal(lost, 101);
    assert_false(rtcp_nack_next(&w, &lost));
    hub_pass(h, 500 * MS);
    assert_in_range(hub_feedback(h, 1, RTCP_FB_NACK, CAMERA, NULL), 2, SFU_NACK_TIMES);
    assert_int_equal(asked(h), 0);
    hub_pass(h, 200 * MS);
    assert_int_equal(asked(h), 1);
    assert_int_equal(hub_counters(h, 1).lost_in, 1);
}

static void a_leap_brings_a_key_frame_at_once(void **state)
{
    struct hub *h = film(state, 2);

    send(h, 5000, false);
    hub_pass(h, 20 * MS);
    assert_int_equal(asked(h), 1);
    assert_int_equal(hub_feedback(h, 1, RTCP_FB_NACK, CAMERA, NULL), 0);
}

static void what_nobody_watches_needs_no_key_frame(void **state)
{
    struct hub *h = film(state, 2);

    assert_int_equal(sfu_subscribe(h->sfu, 2, NULL, 0, h->now), 0);
    send(h, 102, false);
    send(h, 6000, false);
    hub_pass(h, 2 * SECOND);
    assert_int_equal(asked(h), 0);
}

/* ---- Reports ---- */

static void sender_report(struct hub *h, uint32_t ssrc, uint32_t timestamp, uint64_t its_us)
{
    struct rtcp_report_packet r = {
        .is_sender = true, .ssrc = ssrc, .rtp_timestamp = timestamp, .ntp = sfu_ntp_of(its_us)};
    struct buf out = {0};

    assert_int_equal(rtcp_report_write(&r, &out), 0);
    hub_rtcp(h, 1, &out);
}

/* RFC 3550 6.4.2 */
static void a_sender_is_told_how_its_stream_arrives(void **state)
{
    struct hub *h = film(state, 2);
    struct rtcp_report_packet r = {0};

    sender_report(h, CAMERA, 1, 5000 * SECOND);
    uint64_t at = h->now;
    for (uint16_t i = 102; i < 200; i += 2) /* every other one */
        send(h, i, false);
    hub_pass(h, SECOND);
    assert_int_equal(hub_reports(h, 1, false, &r), 1);
    assert_int_equal(r.report_count, 1);
    assert_int_equal(r.report[0].ssrc, CAMERA);
    assert_in_range(r.report[0].fraction_lost, 120, 132);
    assert_int_equal(r.report[0].cumulative_lost, 49);
    assert_int_equal(r.report[0].highest_sequence, 198);
    assert_int_equal(r.report[0].last_sr, sfu_ntp_middle(sfu_ntp_of(5000 * SECOND)));
    assert_in_range(r.report[0].delay_since_sr, 1, ((h->now - at) << 16) / SECOND);
}

/* Everything a sender sends is put on our clock by one offset: sound and pictures of one moment
 * have one moment in what its receivers are told (RFC 3550 6.4.1). */
static void sound_and_pictures_stay_together(void **state)
{
    struct hub *h = film(state, 2);
    struct rtcp_report_packet sound = {0};
    struct rtcp_report_packet picture = {0};

    hub_publish(h, 1, SFU_AUDIO, 1);
    hub_send_voice(h, 1, 50, 30, hub_kid(1, 1));
    send(h, 101, false);
    /* its clock is elsewhere; at 7,000 s the last packets were made */
    sender_report(h, CAMERA, 101 * 3000, 7000 * SECOND);
    sender_report(h, hub_ssrc(1, SFU_AUDIO, 0), 50 * 960, 7000 * SECOND);
    uint32_t picture_at = hub_at(h, 2, hub_video_slot(h, 2, 0), 0)->rtp.header.timestamp;
    uint32_t sound_at = hub_at(h, 2, hub_audio_slot(h, 2, 0), 0)->rtp.header.timestamp;
    for (size_t i = 0; i < 200 && (sound.ntp == 0 || picture.ntp == 0); i++) {
        struct rtcp_report_packet r = {0};
        struct rtcp_packet packet;
        struct rtcp_walk w;
        h->n_out = 0;
        hub_pass(h, SFU_TICK_US);
        for (size_t k = 0; k < h->n_out; k++) {
            if (h->out[k].to != 2 || !h->out[k].control)
                continue;
            assert_int_equal(rtcp_open(bytes_of(h->out[k].data, h->out[k].n), &w), 0);
            while (rtcp_next(&w, &packet)) {
                if (packet.type != RTCP_SR)
                    continue;
                assert_int_equal(rtcp_report_read(&packet, &r), 0);
                *(r.ssrc == hub_audio_slot(h, 2, 0) ? &sound : &picture) = r;
            }
        }
    }
    assert_int_equal(picture.ssrc, hub_video_slot(h, 2, 0));
    int64_t a = (int64_t)sfu_ntp_us(sound.ntp) -
                (int64_t)(sound.rtp_timestamp - sound_at) * 1000000 / 48000;
    int64_t b = (int64_t)sfu_ntp_us(picture.ntp) -
                (int64_t)(picture.rtp_timestamp - picture_at) * 1000000 / 90000;
    assert_true(a - b < 200 && b - a < 200); /* microseconds */
    assert_int_equal(sound.packets, 1);
    assert_int_equal(picture.packets, 2);
    assert_true(sound.octets > 50 && picture.octets > 150);
}

/* RFC 3550 6.5.1: all streams share one name, which names nobody. */
static void reports_bear_one_name(void **state)
{
    struct hub *h = film(state, 2);
    struct rtcp_packet packet;
    struct rtcp_sdes names;
    struct rtcp_walk w;
    unsigned found = 0;

    send(h, 101, false);
    hub_pass(h, SECOND);
    for (size_t i = 0; i < h->n_out; i++) {
        if (h->out[i].to != 2 || !h->out[i].control)
            continue;
        assert_int_equal(rtcp_open(bytes_of(h->out[i].data, h->out[i].n), &w), 0);
        while (rtcp_next(&w, &packet)) {
            if (packet.type != RTCP_SDES)
                continue;
            assert_int_equal(rtcp_sdes_read(&packet, &names), 0);
            assert_true(bytes_equal(names.chunk[0].cname, bytes_str("conclave")));
            found++;
        }
    }
    assert_true(found >= 1);
}

static void who_is_sent_nothing_gets_no_report(void **state)
{
    struct hub *h = film(state, 2);

    hub_join(h, 3);
    hub_pass(h, 5 * SECOND);
    assert_int_equal(hub_reports(h, 3, true, NULL), 0);
    assert_int_equal(hub_reports(h, 3, false, NULL), 0);
}

/* ---- What receivers say ---- */

/* The receiver of peer 2 has lost 25 of 256 packets, and answers our report after 100 ms. */
static void tell_loss_and_round_trip(struct hub *h)
{
    struct rtcp_report_packet theirs = {0};
    struct buf out = {0};

    send(h, 101, false);
    hub_pass(h, SECOND);
    assert_true(hub_reports(h, 2, true, &theirs) >= 1);
    struct rtcp_report_packet r = {.ssrc = 1, .report_count = 1};
    h->now = sfu_ntp_us(theirs.ntp) + 350 * MS;
    r.report[0] = (struct rtcp_report){
        .ssrc = hub_video_slot(h, 2, 0),
        .fraction_lost = 25,
        .last_sr = sfu_ntp_middle(theirs.ntp),
        .delay_since_sr = 65536 / 4,
    };
    assert_int_equal(rtcp_report_write(&r, &out), 0);
    hub_rtcp(h, 2, &out);
}

static void a_receivers_report_tells_loss_and_round_trip(void **state)
{
    struct hub *h = film(state, 2);
    struct sfu_peer_stats stats;

    tell_loss_and_round_trip(h);
    assert_int_equal(sfu_peer_stats(h->sfu, 2, h->now, &stats), 0);
    assert_in_range(stats.rtt_us, 99 * MS, 101 * MS);
    assert_int_equal(stats.loss_out, 25 << 8);
}

static void what_receivers_get_is_summed_up(void **state)
{
    struct hub *h = film(state, 3);
    struct sfu_meeting_stats m, list[2];
    struct sfu_stats all;

    hub_watch(h, 1, 3); /* who shows nothing */
    tell_loss_and_round_trip(h);
    assert_int_equal(sfu_meeting_stats(h->sfu, HUB_MEETING, &m), 0);
    assert_int_equal(m.meeting, HUB_MEETING);
    assert_int_equal(m.tracks, 1);
    assert_int_equal(m.receivers.n, 3);
    assert_int_equal(m.receivers.flowing[0], 2);
    assert_int_equal(m.receivers.flowing[1] + m.receivers.flowing[2], 0);
    assert_int_equal(m.receivers.waiting, 1);
    assert_int_equal(m.receivers.narrow, 0);
    assert_in_range(m.receivers.rtt_us, 99 * MS, 101 * MS); /* of the one who has told */
    assert_int_equal(m.receivers.rtt_most_us, m.receivers.rtt_us);
    assert_int_equal(m.receivers.loss_ppm, 1000000 * 25 / 256 / 3);
    sfu_stats(h->sfu, &all);
    assert_memory_equal(&all.receivers, &m.receivers, sizeof all.receivers);
    const struct sfu_meeting_config other = {0};
    assert_int_equal(sfu_meeting_open(h->sfu, 8, &other), 0);
    assert_int_equal(sfu_meetings_stats(h->sfu, list, 1), 1); /* no more than there is room for */
    assert_int_equal(sfu_meetings_stats(h->sfu, list, 2), 2);
    size_t first = list[0].meeting == HUB_MEETING ? 0 : 1;
    assert_int_equal(list[first].counters.packets_in, m.counters.packets_in);
    assert_int_equal(list[1 - first].meeting, 8);
    assert_int_equal(list[1 - first].receivers.n, 0);
}

static void a_report_that_cannot_be_is_not_believed(void **state)
{
    struct hub *h = film(state, 2);
    struct sfu_peer_stats stats;
    struct rtcp_report_packet r = {.ssrc = 1, .report_count = 3};
    struct buf out = {0};

    /* answered before it was asked; after an hour; and about a stream of nobody's */
    r.report[0] = (struct rtcp_report){.ssrc = hub_video_slot(h, 2, 0),
                                       .last_sr = sfu_ntp_middle(sfu_ntp_of(h->now)),
                                       .delay_since_sr = 1 << 16};
    r.report[1] = r.report[0];
    r.report[1].last_sr = sfu_ntp_middle(sfu_ntp_of(h->now - 900 * SECOND));
    r.report[1].delay_since_sr = 0;
    r.report[2] = (struct rtcp_report){.ssrc = 12345, .fraction_lost = 200};
    assert_int_equal(rtcp_report_write(&r, &out), 0);
    hub_rtcp(h, 2, &out);
    assert_int_equal(sfu_peer_stats(h->sfu, 2, h->now, &stats), 0);
    assert_int_equal(stats.rtt_us, 0);
    assert_int_equal(stats.loss_out, 0);
}

static void a_receiver_may_say_what_it_can_take(void **state)
{
    struct hub *h = film(state, 2);
    struct rtcp_remb remb = {.bitrate = 200000, .count = 0};
    struct sfu_peer_stats stats;
    struct buf out = {0};

    assert_int_equal(rtcp_remb_write(1, &remb, &out), 0);
    hub_rtcp(h, 2, &out);
    assert_int_equal(sfu_peer_stats(h->sfu, 2, h->now, &stats), 0);
    assert_in_range(stats.bandwidth, 199000, 200000);
}

/* ---- Transport-wide feedback ---- */

static void arrivals_are_told_with_their_gaps(void **state)
{
    struct hub *h = film(state, 2);
    struct rtcp_feedback f = {0};
    struct transport_cc m;
    struct transport_cc_status s;
    uint64_t came = 0;
    uint64_t lost = 0;

    hub_publish(h, 1, SFU_AUDIO, 1);
    for (uint16_t i = 0; i < 20; i++)
        if (i % 5 != 3)
            hub_rtp(h, 1,
                    &(struct hub_rtp){.ssrc = hub_ssrc(1, SFU_AUDIO, 0),
                                      .payload_type = HUB_SOUND,
                                      .sequence = i,
                                      .payload = bytes_str("\x01sound"),
                                      .exts = {.has_transport_cc = true, .transport_cc = i}});
    hub_pass(h, 100 * MS);
    /* it names a stream the sender has: libwebrtc looks at no other */
    assert_int_equal(hub_feedback(h, 1, RTCP_FB_TRANSPORT_CC, hub_ssrc(1, SFU_CAMERA, 0), &f), 1);
    assert_int_equal(transport_cc_read(&f, &m), 0);
    assert_int_equal(m.base_sequence, 0);
    struct transport_cc_walk w = transport_cc_walk_of(&m, 0);
    while (transport_cc_next(&w, &s))
        *(s.received ? &came : &lost) |= UINT64_C(1) << s.sequence;
    assert_int_equal(lost, 1u << 3 | 1u << 8 | 1u << 13 | 1u << 18);
    assert_int_equal(came, 0xfffff & ~(1u << 3 | 1u << 8 | 1u << 13 | 1u << 18));
}

/* ---- What is wrong ---- */

static void garbage_is_counted_and_changes_nothing(void **state)
{
    static const struct {
        uint8_t bytes[16];
        size_t n;
    } bad[] = {
        {{0x80, 201, 0, 1}, 4},                          /* cut off */
        {{0x81, 201, 0, 1, 0, 0, 0, 1}, 8},              /* a report less than its count */
        {{0x81, 205, 0, 1, 0, 0, 0, 1}, 8},              /* feedback about nothing */
        {{0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1}, 12}, /* a NACK of nothing */
        {{0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1}, 16}, /* half a FIR */
        {{0x8f, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1}, 12},             /* arrivals of nothing */
    };
    struct hub *h = film(state, 2);

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t before = hub_counters(h, 2).refused;
        sfu_rtcp(h->sfu, sfu_peer_of(h->sfu, 2), bytes_of(bad[i].bytes, bad[i].n), h->now);
        assert_int_equal(hub_counters(h, 2).refused, before + 1);
    }
    hub_pass(h, SECOND);
    assert_int_equal(asked(h), 0);
}

/* RFC 4585 6.1, RFC 3550 6.1: what one does not know is passed over. */
static void what_is_unknown_is_passed_over(void **state)
{
    static const uint8_t bye[] = {0x81, 203, 0, 1, 0, 0, 0, 1};
    static const uint8_t unknown[] = {0x80, 210, 0, 1, 0, 0, 0, 1};
    static const uint8_t feedback[] = {0x9e, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    struct hub *h = film(state, 2);
    uint64_t before = hub_counters(h, 2).refused;
    struct buf out = {0};

    buf_put(&out, bytes_of(bye, sizeof bye));
    buf_put(&out, bytes_of(unknown, sizeof unknown));
    buf_put(&out, bytes_of(feedback, sizeof feedback));
    assert_int_equal(rtcp_pli_write(1, hub_video_slot(h, 2, 0), &out), 0);
    hub_rtcp(h, 2, &out);
    hub_pass(h, 20 * MS);
    assert_int_equal(hub_counters(h, 2).refused, before);
    assert_int_equal(asked(h), 1); /* what came after them was heard */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(who_begins_to_watch_has_a_key_frame_asked_for),
        HUB_TEST(nothing_is_asked_of_who_sends_nothing),
        HUB_TEST(the_wishes_of_many_are_one_question),
        HUB_TEST(one_who_insists_is_heard_once_a_second),
        HUB_TEST(a_full_intra_request_is_the_same_wish),
        HUB_TEST(wishes_for_what_one_does_not_get_are_not_heard),
        HUB_TEST(a_new_epoch_brings_a_key_frame_but_not_twice),
        HUB_TEST(loss_that_stays_brings_a_key_frame),
        HUB_TEST(a_leap_brings_a_key_frame_at_once),
        HUB_TEST(what_nobody_watches_needs_no_key_frame),
        HUB_TEST(a_sender_is_told_how_its_stream_arrives),
        HUB_TEST(sound_and_pictures_stay_together),
        HUB_TEST(reports_bear_one_name),
        HUB_TEST(who_is_sent_nothing_gets_no_report),
        HUB_TEST(a_receivers_report_tells_loss_and_round_trip),
        HUB_TEST(what_receivers_get_is_summed_up),
        HUB_TEST(a_report_that_cannot_be_is_not_believed),
        HUB_TEST(a_receiver_may_say_what_it_can_take),
        HUB_TEST(arrivals_are_told_with_their_gaps),
        HUB_TEST(garbage_is_counted_and_changes_nothing),
        HUB_TEST(what_is_unknown_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
