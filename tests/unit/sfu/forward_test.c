/* What a receiver gets: one stream in its slot, whoever and whichever layer it shows, with the
 * SFrame ciphertext as it came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hub.h"

/* Members 1, 2 and 3; 1 films in so many layers, and 2 watches. */
static struct hub *film(void **state, unsigned layers)
{
    struct hub *h = *state;

    for (uint32_t leaf = 1; leaf <= 3; leaf++)
        hub_join(h, leaf);
    hub_publish(h, 1, SFU_CAMERA, layers);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    hub_forget(h);
    return h;
}

static void send(struct hub *h, unsigned layer, uint16_t sequence, bool key)
{
    struct hub_picture p = hub_picture(1, layer, sequence, key);

    hub_send_picture(h, &p);
    hub_collect(h);
}

/* Everything behind the descriptor and in front of it but the numbers. */
static void assert_same_frame(const struct hub_packet *a, const struct hub_packet *b)
{
    struct bytes one = a->rtp.payload;
    struct bytes two = b->rtp.payload;
    size_t skip = hub_vp8_of(one).size;

    assert_int_equal(hub_vp8_of(two).size, skip);
    assert_int_equal(one.n, two.n);
    assert_memory_equal(one.p + skip, two.p + skip, one.n - skip);
}

static void a_picture_begins_with_a_key_frame(void **state)
{
    struct hub *h = film(state, 1);

    for (uint16_t i = 0; i < 5; i++)
        send(h, 0, i, false);
    assert_int_equal(hub_count(h, 2, 0), 0);
    send(h, 0, 5, true);
    send(h, 0, 6, false);
    assert_int_equal(hub_count(h, 2, hub_video_slot(h, 2, 0)), 2);
    assert_int_equal(hub_count(h, 1, 0), 0); /* not back */
    assert_int_equal(hub_count(h, 3, 0), 0); /* who did not ask gets nothing */
    assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).state, SFU_STREAM_FLOWING);
    assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).leaf, 1);
}

static void each_receiver_has_numbers_of_its_own_and_the_same_ciphertext(void **state)
{
    struct hub *h = film(state, 1);

    hub_watch(h, 3, 1);
    hub_pass(h, 100 * MS);
    for (uint16_t i = 0; i < 20; i++)
        send(h, 0, (uint16_t)(65530 + i), i == 0);
    for (size_t i = 0; i < 20; i++) {
        const struct hub_packet *a = hub_at(h, 2, 0, i);
        const struct hub_packet *b = hub_at(h, 3, 0, i);
        assert_same_frame(a, b);
        assert_true(a->rtp.header.marker);
        assert_int_equal(a->rtp.header.payload_type, HUB_VIDEO);
        if (i == 0)
            continue;
        const struct rtp_header *before = &hub_at(h, 2, 0, i - 1)->rtp.header;
        assert_int_equal(a->rtp.header.sequence, (uint16_t)(before->sequence + 1));
        assert_int_equal(a->rtp.header.timestamp - before->timestamp, 3000);
    }
    /* drawn, so different but for one chance in 2^48 */
    assert_true(
        hub_at(h, 2, 0, 0)->rtp.header.sequence != hub_at(h, 3, 0, 0)->rtp.header.sequence ||
        hub_at(h, 2, 0, 0)->rtp.header.timestamp != hub_at(h, 3, 0, 0)->rtp.header.timestamp);
}

static void assert_one_stream(struct hub *h, uint32_t ssrc)
{
    for (size_t i = 1; i < hub_count(h, 2, ssrc); i++) {
        const struct hub_packet *a = hub_at(h, 2, ssrc, i - 1);
        const struct hub_packet *b = hub_at(h, 2, ssrc, i);
        struct vp8_descriptor da = hub_vp8_of(a->rtp.payload);
        struct vp8_descriptor db = hub_vp8_of(b->rtp.payload);
        assert_int_equal(b->rtp.header.sequence, (uint16_t)(a->rtp.header.sequence + 1));
        assert_in_range(b->rtp.header.timestamp - a->rtp.header.timestamp, 1, 90000);
        assert_int_equal(db.picture_id, (da.picture_id + 1) & 0x7fff);
        assert_int_equal(db.tl0picidx, (uint8_t)(da.tl0picidx + 1));
    }
}

/* Three layers with numbers of their own, all near their wraps. */
static void across_layers_the_receiver_sees_one_stream(void **state)
{
    static const uint16_t begins[] = {65500, 65400, 40};
    struct hub *h = film(state, 3);
    unsigned largest = 0;

    for (uint16_t i = 0; i < 300; i++) {
        for (unsigned layer = 0; layer < 3; layer++)
            send(h, layer, (uint16_t)(begins[layer] + i), i % 60 == 0);
        hub_pass(h, 30 * MS);
    }
    uint32_t ssrc = hub_video_slot(h, 2, 0);
    assert_in_range(hub_count(h, 2, ssrc), 300, 302); /* at a switch both layers' */
    assert_one_stream(h, ssrc);
    for (size_t i = 0; i < h->n_events; i++)
        if (h->events[i].what == SFU_EVENT_STREAM && h->events[i].layer > largest)
            largest = h->events[i].layer;
    assert_int_equal(largest, 2);
}

static void a_new_layer_begins_with_its_key_frame(void **state)
{
    struct hub *h = film(state, 2);
    uint32_t ssrc = hub_video_slot(h, 2, 0);

    send(h, 0, 100, true);
    for (uint16_t i = 1; i < 30; i++) {
        send(h, 0, (uint16_t)(100 + i), false);
        send(h, 1, (uint16_t)(500 + i), false); /* wanted, and asked for, but not a key frame */
        hub_pass(h, 30 * MS);
    }
    assert_int_equal(hub_count(h, 2, ssrc), 30);
    assert_true(hub_feedback(h, 1, RTCP_FB_PLI, hub_ssrc(1, SFU_CAMERA, 1), NULL) >= 1);
    hub_forget(h);
    send(h, 1, 530, true);
    send(h, 0, 130, false);
    send(h, 1, 531, false);
    assert_int_equal(hub_count(h, 2, ssrc), 2);
    assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).layer, 1);
}

/* What is late of the layer before fills its hole, with the number that was left for it. */
static void a_late_packet_of_the_former_layer_fills_its_hole(void **state)
{
    struct hub *h = film(state, 2);
    uint32_t ssrc = hub_video_slot(h, 2, 0);

    send(h, 0, 100, true);
    send(h, 0, 102, false);
    for (uint16_t i = 0; i < 10; i++) {
        send(h, 1, (uint16_t)(500 + i), false);
        hub_pass(h, 30 * MS);
    }
    send(h, 1, 510, true);
    uint16_t first = hub_at(h, 2, ssrc, 0)->rtp.header.sequence;
    size_t before = hub_count(h, 2, ssrc);
    assert_int_equal(hub_at(h, 2, ssrc, before - 1)->rtp.header.sequence, (uint16_t)(first + 3));
    send(h, 0, 101, false);
    assert_int_equal(hub_count(h, 2, ssrc), before + 1);
    assert_int_equal(hub_at(h, 2, ssrc, before)->rtp.header.sequence, (uint16_t)(first + 1));
    assert_int_equal(hub_vp8_of(hub_at(h, 2, ssrc, before)->rtp.payload).picture_id,
                     (hub_vp8_of(hub_at(h, 2, ssrc, 0)->rtp.payload).picture_id + 1) & 0x7fff);
    send(h, 0, 103, false); /* what is new of it is not */
    assert_int_equal(hub_count(h, 2, ssrc), before + 1);
}

static void a_second_copy_is_not_forwarded(void **state)
{
    struct hub *h = film(state, 1);

    send(h, 0, 5, true);
    send(h, 0, 6, false);
    send(h, 0, 6, false);
    send(h, 0, 5, true);
    assert_int_equal(hub_count(h, 2, 0), 2);
}

/* Whatever a sender does with its numbers: a step of more than SFU_GAP, or many smaller ones that
 * are not forwarded, are not seen in a stream that others will be shown in. */
static void a_sender_that_leaps_is_followed_anew(void **state)
{
    struct hub *h = film(state, 1);
    uint32_t ssrc = hub_video_slot(h, 2, 0);
    uint16_t n = 100;

    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 1, 128), 0);
    send(h, 0, n, true);
    for (unsigned i = 0; i < 80; i++) {
        struct hub_picture p = hub_picture(1, 0, n = (uint16_t)(n + 500), true);
        p.kid = hub_kid(3, 1); /* refused */
        hub_send_picture(h, &p);
    }
    send(h, 0, (uint16_t)(n + 1), false);
    hub_pass(h, 20 * MS);
    assert_int_equal(hub_count(h, 2, ssrc), 1); /* a picture needs its key frame */
    assert_int_equal(hub_feedback(h, 1, RTCP_FB_PLI, hub_ssrc(1, SFU_CAMERA, 0), NULL), 1);
    send(h, 0, (uint16_t)(n + 2), true);
    send(h, 0, (uint16_t)(n + 2 + 30000), true);
    assert_int_equal(hub_count(h, 2, ssrc), 3);
    assert_one_stream(h, ssrc);
}

/* ---- What is refused ---- */

static void expect_refused(struct hub *h, const struct hub_rtp *p, uint32_t peer)
{
    uint64_t before = hub_counters(h, peer).refused;

    hub_rtp(h, peer, p);
    hub_collect(h);
    assert_int_equal(hub_counters(h, peer).refused, before + 1);
    assert_int_equal(hub_count(h, 2, 0), 1);
}

static void what_is_not_as_published_is_refused(void **state)
{
    static const uint8_t data[SFU_PACKET] = {0x10, 0x11, 1, 2, 3, 4, 5};
    struct hub *h = film(state, 1);
    struct hub_rtp good = {
        .ssrc = hub_ssrc(1, SFU_CAMERA, 0),
        .payload_type = HUB_VIDEO,
        .sequence = 11,
        .payload = bytes_of(data, 40),
    };

    send(h, 0, 10, true);
    struct hub_rtp p = good;
    p.ssrc++; /* retransmissions have another type */
    expect_refused(h, &p, 1);
    p.ssrc = 0x7777;
    expect_refused(h, &p, 1);
    p = good;
    p.payload_type = HUB_RTX;
    expect_refused(h, &p, 1);
    p.payload_type = 0;
    expect_refused(h, &p, 1);
    p = good;
    p.payload = bytes_of(data, SFU_PACKET); /* with its header too large */
    expect_refused(h, &p, 1);
    p = good;
    p.payload = bytes_of(data, 1); /* a descriptor and nothing after it */
    expect_refused(h, &p, 1);
    p = good;
    p.sequence++;
    p.payload = bytes_of(data, 3); /* less than a frame tag */
    expect_refused(h, &p, 1);
    expect_refused(h, &good, 3); /* from a peer that publishes nothing */
}

static void garbage_for_rtp_is_refused(void **state)
{
    struct hub *h = film(state, 1);
    struct sfu_peer *p = sfu_peer_of(h->sfu, 1);
    uint8_t packet[60] = {0};

    for (unsigned i = 0; i < 256; i++) {
        packet[0] = (uint8_t)i;
        packet[1] = (uint8_t)(i * 7);
        sfu_rtp(h->sfu, p, packet, i % 60, h->now);
        sfu_rtcp(h->sfu, p, bytes_of(packet, i % 60), h->now);
    }
    hub_collect(h);
    assert_int_equal(h->n_out, 0);
    assert_true(hub_counters(h, 1).refused >= 256);
}

/* RFC 9605 7.2: nobody can tell members apart by their keys; the switch can by their transports. */
static void only_ones_own_key_ids_are_forwarded(void **state)
{
    struct hub *h = film(state, 1);
    struct hub_picture p = hub_picture(1, 0, 10, true);

    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 1, 128), 0);
    send(h, 0, 10, true);
    p.sequence = 11;
    p.kid = hub_kid(3, 1);
    hub_send_picture(h, &p);
    p.sequence = 12;
    p.kid = hub_kid(1, 2); /* an epoch there is not yet */
    hub_send_picture(h, &p);
    hub_collect(h);
    assert_int_equal(hub_count(h, 2, 0), 1);
    assert_int_equal(hub_counters(h, 1).refused, 2);
    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 2, 128), 0);
    p.sequence = 13;
    hub_send_picture(h, &p);
    hub_collect(h);
    assert_int_equal(hub_count(h, 2, 0), 2);
}

static void padding_keeps_its_number_and_has_no_more_to_it(void **state)
{
    struct hub *h = film(state, 1);
    struct hub_rtp p = {
        .ssrc = hub_ssrc(1, SFU_CAMERA, 0), .payload_type = HUB_VIDEO, .sequence = 11};

    send(h, 0, 10, true);
    hub_rtp(h, 1, &p);
    send(h, 0, 12, false);
    assert_int_equal(hub_count(h, 2, 0), 3);
    assert_int_equal(hub_at(h, 2, 0, 1)->rtp.payload.n, 0);
    assert_int_equal(hub_at(h, 2, 0, 2)->rtp.header.sequence,
                     (uint16_t)(hub_at(h, 2, 0, 0)->rtp.header.sequence + 2));
}

/* ---- Sound, and extensions ---- */

static void voices_are_heard_by_all_but_oneself(void **state)
{
    struct hub *h = film(state, 1);

    hub_publish(h, 1, SFU_AUDIO, 1);
    for (uint16_t i = 0; i < 10; i++) {
        hub_send_voice(h, 1, i, 33, hub_kid(1, 1));
        hub_pass(h, 20 * MS);
    }
    assert_int_equal(hub_count(h, 1, 0), 0);
    for (uint32_t leaf = 2; leaf <= 3; leaf++) {
        assert_int_equal(hub_count(h, leaf, hub_audio_slot(h, leaf, 0)), 10);
        for (size_t i = 0; i < 10; i++) {
            const struct hub_packet *p = hub_at(h, leaf, 0, i);
            assert_int_equal(p->rtp.header.payload_type, HUB_SOUND);
            assert_int_equal(p->rtp.header.marker, i == 0); /* RFC 3551 4.1: a talkspurt */
            assert_true(p->exts.has_audio_level && p->exts.voice);
            assert_int_equal(p->exts.audio_level, 33);
            assert_true(p->exts.has_transport_cc);
            assert_int_equal(p->exts.transport_cc, i);
        }
    }
}

static void a_receiver_gets_the_extensions_it_knows_by_its_own_ids(void **state)
{
    struct hub *h = *state;
    struct rtp_ext_map map = {.meaning = {[3] = RTP_EXT_AUDIO_LEVEL}};
    static const struct rtp_ext_map none;
    struct sfu_peer_config config = hub_config(2);
    struct rtp_exts exts;

    hub_join(h, 1);
    config.extensions = &map;
    hub_join_as(h, 2, &config);
    config = hub_config(3);
    config.extensions = &none;
    hub_join_as(h, 3, &config);
    hub_publish(h, 1, SFU_AUDIO, 1);
    hub_send_voice(h, 1, 1, 40, hub_kid(1, 1));
    hub_collect(h);
    const struct hub_packet *p = hub_at(h, 2, 0, 0);
    assert_int_equal(rtp_exts_read(&p->rtp.header, &map, &exts), 0);
    assert_true(exts.has_audio_level && !exts.has_transport_cc);
    assert_int_equal(exts.audio_level, 40);
    assert_false(hub_at(h, 3, 0, 0)->rtp.header.extended);
}

static void silence_makes_room_for_who_speaks(void **state)
{
    struct hub *h = *state;

    for (uint32_t leaf = 1; leaf <= 12; leaf++) {
        hub_join(h, leaf);
        hub_publish(h, leaf, SFU_AUDIO, 1);
    }
    for (uint16_t i = 0; i < 25; i++) {
        for (uint32_t leaf = 1; leaf <= 12; leaf++)
            hub_send_voice(h, leaf, i, leaf == 12 ? 20 : 127, hub_kid(leaf, 1));
        hub_pass(h, 20 * MS);
    }
    size_t flowing = 0;
    for (unsigned i = 0; i < SFU_AUDIO_SLOTS_DEFAULT; i++)
        flowing += hub_count(h, 1, hub_audio_slot(h, 1, i)) != 0;
    assert_int_equal(flowing, SFU_AUDIO_SLOTS_DEFAULT);
    assert_true(hub_count(h, 1, 0) <= UINT64_C(25) * SFU_AUDIO_SLOTS_DEFAULT);
    uint32_t who = SFU_NOBODY;
    assert_int_equal(sfu_meeting_speakers(h->sfu, HUB_MEETING, &who, 1), 1);
    assert_int_equal(who, 12);
    assert_int_equal(hub_event(h, SFU_EVENT_SPEAKER, 0).leaf, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_picture_begins_with_a_key_frame),
        HUB_TEST(each_receiver_has_numbers_of_its_own_and_the_same_ciphertext),
        HUB_TEST(across_layers_the_receiver_sees_one_stream),
        HUB_TEST(a_new_layer_begins_with_its_key_frame),
        HUB_TEST(a_late_packet_of_the_former_layer_fills_its_hole),
        HUB_TEST(a_second_copy_is_not_forwarded),
        HUB_TEST(a_sender_that_leaps_is_followed_anew),
        HUB_TEST(what_is_not_as_published_is_refused),
        HUB_TEST(garbage_for_rtp_is_refused),
        HUB_TEST(only_ones_own_key_ids_are_forwarded),
        HUB_TEST(padding_keeps_its_number_and_has_no_more_to_it),
        HUB_TEST(voices_are_heard_by_all_but_oneself),
        HUB_TEST(a_receiver_gets_the_extensions_it_knows_by_its_own_ids),
        HUB_TEST(silence_makes_room_for_who_speaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
