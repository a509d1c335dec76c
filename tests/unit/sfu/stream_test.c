/* Which stream a packet is of: by its SSRC, or by mid and rid (RFC 8843, RFC 8852), as browsers
 * that send simulcast do it. And video in pieces of SFrame, known by its dependency descriptor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/sframe.h>

#include "hub.h"

/* 1 films in layers called a, b and c, of media section 1; 2 watches. */
static struct hub *film_by_name(void **state, unsigned layers)
{
    static const char *const names[] = {"a", "b", "c"};
    struct hub *h = *state;
    struct sfu_track t = hub_track(1, SFU_CAMERA, layers);

    hub_join(h, 1);
    hub_join(h, 2);
    t.mid = bytes_str("1");
    for (unsigned i = 0; i < layers; i++) {
        t.layers[i].ssrc = t.layers[i].rtx_ssrc = 0;
        t.layers[i].rid = layers == 1 ? bytes_of(NULL, 0) : bytes_str(names[i]);
    }
    assert_int_equal(sfu_publish(h->sfu, 1, &t, h->now), 0);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    hub_forget(h);
    return h;
}

struct named {
    uint32_t ssrc;
    uint16_t sequence;
    const char *mid, *rid, *repaired;
    uint8_t payload_type; /* 0: that of video */
};

/* A key frame; of retransmissions, of that number. */
static void send(struct hub *h, struct named n)
{
    static const uint8_t frame[] = {0,    0,    0x90, 0x80, 0x80, 9, 0x10, 2,    0,   0x9d,
                                    0x01, 0x2a, 64,   1,    180,  0, 0x11, 0x22, 0x33};
    uint8_t data[sizeof frame];
    bool rtx = n.payload_type == HUB_RTX;

    memcpy(data, frame, sizeof data);
    data[0] = (uint8_t)(n.sequence >> 8);
    data[1] = (uint8_t)n.sequence;
    hub_rtp(h, 1,
            &(struct hub_rtp){
                .ssrc = n.ssrc,
                .payload_type = n.payload_type == 0 ? HUB_VIDEO : n.payload_type,
                .sequence = n.sequence,
                .timestamp = n.sequence * UINT32_C(3000),
                .payload = bytes_of(data + (rtx ? 0 : 2), sizeof data - (rtx ? 0 : 2)),
                .exts = {.mid = n.mid == NULL ? bytes_of(NULL, 0) : bytes_str(n.mid),
                         .rid = n.rid == NULL ? bytes_of(NULL, 0) : bytes_str(n.rid),
                         .repaired_rid =
                             n.repaired == NULL ? bytes_of(NULL, 0) : bytes_str(n.repaired)},
            });
    hub_collect(h);
}

static uint64_t refused(struct hub *h)
{
    return hub_counters(h, 1).refused;
}

static void layers_are_found_by_their_names(void **state)
{
    struct hub *h = film_by_name(state, 3);
    struct sfu_event e;

    for (uint16_t i = 0; i < 40; i++) {
        send(h, (struct named){.ssrc = 10, .sequence = i, .mid = "1", .rid = "a"});
        send(h, (struct named){.ssrc = 20, .sequence = i, .mid = "1", .rid = "b"});
        /* once its SSRC is known the names may be left out (RFC 8852 3.1) */
        send(h, (struct named){.ssrc = 30,
                               .sequence = i,
                               .mid = i == 0 ? "1" : NULL,
                               .rid = i == 0 ? "c" : NULL});
        hub_pass(h, 30 * MS);
    }
    assert_int_equal(refused(h), 0);
    e = hub_event(h, SFU_EVENT_STREAM, 2);
    assert_int_equal(e.state, SFU_STREAM_FLOWING);
    assert_int_equal(e.layer, 2);
}

static void unknown_names_are_nobodys(void **state)
{
    struct hub *h = film_by_name(state, 3);

    send(h, (struct named){.ssrc = 10, .sequence = 1});
    send(h, (struct named){.ssrc = 10, .sequence = 1, .mid = "2", .rid = "a"});
    send(h, (struct named){.ssrc = 10, .sequence = 1, .mid = "1", .rid = "d"});
    send(h, (struct named){.ssrc = 10, .sequence = 1, .mid = "1"});
    assert_int_equal(refused(h), 4);
    assert_int_equal(hub_count(h, 2, 0), 0);
}

static void a_name_is_taken_once(void **state)
{
    struct hub *h = film_by_name(state, 3);

    send(h, (struct named){.ssrc = 10, .sequence = 1, .mid = "1", .rid = "a"});
    send(h, (struct named){.ssrc = 11, .sequence = 2, .mid = "1", .rid = "a"});
    assert_int_equal(refused(h), 1);
    send(h, (struct named){.ssrc = 10, .sequence = 2, .mid = "1", .rid = "b"}); /* still a's */
    assert_int_equal(refused(h), 1);
    assert_int_equal(hub_count(h, 2, 0), 2);
}

static void retransmissions_are_found_by_what_they_repair(void **state)
{
    struct hub *h = film_by_name(state, 3);

    send(h, (struct named){.ssrc = 10, .sequence = 1, .mid = "1", .rid = "a"});
    send(h, (struct named){.ssrc = 10, .sequence = 3});
    hub_pass(h, 30 * MS);
    send(h, (struct named){
                .ssrc = 12, .sequence = 2, .mid = "1", .repaired = "a", .payload_type = HUB_RTX});
    assert_int_equal(hub_count(h, 2, hub_video_slot(h, 2, 0)), 3);
    assert_int_equal(hub_counters(h, 1).recovered_in, 1);
    assert_int_equal(refused(h), 0);
}

/* Browsers probe the network with retransmissions before the first picture; without simulcast these
 * have the section's name and no other. They must not take the place of the stream itself. */
static void a_stream_is_not_taken_for_its_retransmissions(void **state)
{
    struct hub *h = film_by_name(state, 1);

    send(h, (struct named){.ssrc = 12, .sequence = 1, .mid = "1", .payload_type = HUB_RTX});
    send(h, (struct named){.ssrc = 10, .sequence = 1, .mid = "1"});
    send(h, (struct named){.ssrc = 10, .sequence = 3});
    hub_pass(h, 30 * MS);
    send(h, (struct named){.ssrc = 12, .sequence = 2, .payload_type = HUB_RTX});
    assert_int_equal(hub_count(h, 2, hub_video_slot(h, 2, 0)), 3);
}

static void a_packet_of_another_type_takes_no_name(void **state)
{
    struct hub *h = film_by_name(state, 3);

    send(h, (struct named){.ssrc = 9, .sequence = 1, .mid = "1", .rid = "a", .payload_type = 100});
    assert_int_equal(refused(h), 1);
    send(h, (struct named){.ssrc = 10, .sequence = 1, .mid = "1", .rid = "a"});
    assert_int_equal(refused(h), 1);
    assert_int_equal(hub_count(h, 2, 0), 1);
}

/* RFC 3550 8.2: reports of ours and of a sender's under one SSRC could not be told apart. */
static void nobody_sends_under_the_switchs_own_ssrcs(void **state)
{
    struct hub *h = film_by_name(state, 3);

    send(h, (struct named){.ssrc = hub_video_slot(h, 1, 0), .sequence = 1, .mid = "1", .rid = "a"});
    assert_int_equal(refused(h), 1);
    assert_int_equal(hub_count(h, 2, 0), 0);
}

/* ---- SFrame in pieces ---- */

static struct hub *film_in_pieces(void **state)
{
    struct hub *h = *state;
    struct sfu_track t = hub_track(1, SFU_CAMERA, 1);

    for (uint32_t leaf = 1; leaf <= 2; leaf++)
        hub_join(h, leaf);
    t.format = SFU_SFRAME;
    assert_int_equal(sfu_publish(h->sfu, 1, &t, h->now), 0);
    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 1, 128), 0);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    hub_forget(h);
    return h;
}

static void describe(bool key, uint16_t frame, struct buf *out)
{
    struct dd_structure structure = {
        .target_count = 1,
        .template_count = 1,
        .template = {{.indication = {DD_SWITCH}}},
    };
    struct dd dd = {
        .start_of_frame = true,
        .end_of_frame = true,
        .has_structure = key,
        .has_active_targets = key,
        .active_targets = 1,
        .frame_number = frame,
        .frame = structure.template[0],
    };

    assert_int_equal(dd_write(&dd, &structure, out), 0);
}

/* A frame in packets of 50 bytes; returns the number after its last. */
static uint16_t send_pieces(struct hub *h, uint16_t sequence, uint16_t frame, bool key,
                            uint64_t kid)
{
    struct sframe_packetizer cut;
    uint8_t sealed[200] = {0};
    struct buf descriptor = {0};
    bool last = false;

    for (size_t i = sframe_header_write(kid, frame, sealed); i < sizeof sealed; i++)
        sealed[i] = (uint8_t)(frame + i);
    describe(key, frame, &descriptor);
    assert_int_equal(sframe_packetizer_init(&cut, bytes_of(sealed, sizeof sealed), false, 50), 0);
    for (bool first = true; !last; first = false) {
        struct buf payload = {0};
        assert_int_equal(sframe_packetizer_next(&cut, &payload, &last), 0);
        hub_rtp(h, 1,
                &(struct hub_rtp){
                    .ssrc = hub_ssrc(1, SFU_CAMERA, 0),
                    .payload_type = HUB_VIDEO,
                    .marker = last,
                    .sequence = sequence,
                    .timestamp = frame * UINT32_C(3000),
                    .payload = buf_view(&payload),
                    .exts = {.dependency_descriptor =
                                 first ? buf_view(&descriptor) : bytes_of(NULL, 0)},
                });
        buf_free(&payload);
        sequence++;
    }
    buf_free(&descriptor);
    hub_collect(h);
    return sequence;
}

static void pieces_go_from_the_first_key_frame_on_as_they_are(void **state)
{
    struct hub *h = film_in_pieces(state);
    uint64_t kid = hub_kid(1, 1);
    uint16_t n = send_pieces(h, 65530, 1, false, kid);

    assert_int_equal(hub_count(h, 2, 0), 0);
    hub_pass(h, 20 * MS);
    assert_int_equal(hub_feedback(h, 1, RTCP_FB_PLI, hub_ssrc(1, SFU_CAMERA, 0), NULL), 1);
    uint16_t key = n;
    n = send_pieces(h, n, 2, true, kid);
    n = send_pieces(h, n, 3, false, kid);
    assert_int_equal(hub_count(h, 2, hub_video_slot(h, 2, 0)), (uint16_t)(n - key));
    uint8_t joined[400];
    size_t at = 0;
    for (size_t i = 0; i < (uint16_t)(n - key); i++) {
        struct sframe_payload piece;
        const struct hub_packet *p = hub_at(h, 2, 0, i);
        assert_int_equal(sframe_payload_read(p->rtp.payload, &piece), 0);
        assert_int_equal(p->rtp.header.marker, piece.end);
        memcpy(joined + at, piece.content.p, piece.content.n);
        at += piece.content.n;
    }
    assert_int_equal(at, sizeof joined);
    uint8_t header[SFRAME_HEADER_MAX];
    for (uint16_t frame = 2; frame <= 3; frame++) {
        const uint8_t *sealed = joined + (frame - 2) * UINT64_C(200);
        size_t header_n = sframe_header_write(kid, frame, header);
        assert_memory_equal(sealed, header, header_n);
        for (size_t i = header_n; i < 200; i++)
            assert_int_equal(sealed[i], (uint8_t)(frame + i));
    }
}

static void pieces_come_again_from_the_history(void **state)
{
    struct hub *h = film_in_pieces(state);
    uint32_t ssrc = hub_video_slot(h, 2, 0);

    send_pieces(h, 10, 1, true, hub_kid(1, 1));
    const struct hub_packet *was = hub_at(h, 2, ssrc, 2);
    hub_nack(h, 2, ssrc, was->rtp.header.sequence);
    hub_collect(h);
    const struct hub_packet *again = hub_at(h, 2, hub_rtx_slot(h, 2, 0), 0);
    assert_int_equal(again->rtp.payload.n, was->rtp.payload.n + 2);
    assert_memory_equal(again->rtp.payload.p + 2, was->rtp.payload.p, was->rtp.payload.n);
}

static void pieces_of_anothers_key_id_are_refused(void **state)
{
    struct hub *h = film_in_pieces(state);

    send_pieces(h, 10, 1, true, hub_kid(3, 1));
    assert_int_equal(hub_count(h, 2, 0), 0);
    assert_int_equal(refused(h), 1); /* its beginning: the rest is of no use to anybody */
}

static void a_new_epoch_of_pieces_brings_a_key_frame(void **state)
{
    struct hub *h = film_in_pieces(state);
    uint16_t n = send_pieces(h, 10, 1, true, hub_kid(1, 1));

    hub_pass(h, SECOND);
    hub_forget(h);
    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 2, 128), 0);
    send_pieces(h, n, 2, false, hub_kid(1, 2));
    hub_pass(h, 20 * MS);
    assert_int_equal(hub_feedback(h, 1, RTCP_FB_PLI, hub_ssrc(1, SFU_CAMERA, 0), NULL), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(layers_are_found_by_their_names),
        HUB_TEST(unknown_names_are_nobodys),
        HUB_TEST(a_name_is_taken_once),
        HUB_TEST(retransmissions_are_found_by_what_they_repair),
        HUB_TEST(a_stream_is_not_taken_for_its_retransmissions),
        HUB_TEST(a_packet_of_another_type_takes_no_name),
        HUB_TEST(nobody_sends_under_the_switchs_own_ssrcs),
        HUB_TEST(pieces_go_from_the_first_key_frame_on_as_they_are),
        HUB_TEST(pieces_come_again_from_the_history),
        HUB_TEST(pieces_of_anothers_key_id_are_refused),
        HUB_TEST(a_new_epoch_of_pieces_brings_a_key_frame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
