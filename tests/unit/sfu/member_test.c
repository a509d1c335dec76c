/* Meetings, peers, tracks and wishes: what is refused and where it ends, and what the caller is
 * told. A call that is refused has changed nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hub.h"

static struct sfu_stats stats_of(struct hub *h)
{
    struct sfu_stats s;

    sfu_stats(h->sfu, &s);
    return s;
}

/* ---- Meetings ---- */

static void a_meeting_is_opened_once_and_within_limits(void **state)
{
    struct hub *h = *state;
    struct sfu_meeting_config c = {0};

    assert_int_equal(sfu_meeting_open(h->sfu, HUB_MEETING, &c), CONCLAVE_EINVAL);
    c.epoch_bits = SFU_EPOCH_BITS_MAX + 1;
    assert_int_equal(sfu_meeting_open(h->sfu, 8, &c), CONCLAVE_EINVAL);
    c = (struct sfu_meeting_config){.audio_slots = SFU_AUDIO_SLOTS + 1};
    assert_int_equal(sfu_meeting_open(h->sfu, 8, &c), CONCLAVE_EINVAL);
    c = (struct sfu_meeting_config){.video_slots = SFU_VIDEO_SLOTS + 1};
    assert_int_equal(sfu_meeting_open(h->sfu, 8, &c), CONCLAVE_EINVAL);
    c = (struct sfu_meeting_config){0};
    for (uint32_t i = 1; i < SFU_MEETINGS; i++)
        assert_int_equal(sfu_meeting_open(h->sfu, 1000 + i, &c), 0);
    assert_int_equal(sfu_meeting_open(h->sfu, 999, &c), CONCLAVE_ELIMIT);
    assert_int_equal(stats_of(h).meetings, SFU_MEETINGS);
    sfu_meeting_close(h->sfu, 1001);
    sfu_meeting_close(h->sfu, 1001); /* an unknown one is fine */
    assert_int_equal(sfu_meeting_open(h->sfu, 999, &c), 0);
}

static void an_epoch_has_a_meeting_and_leaves(void **state)
{
    struct hub *h = *state;

    assert_int_equal(sfu_meeting_epoch(h->sfu, 8, 1, 5), CONCLAVE_EINVAL);
    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 1, 0), CONCLAVE_EINVAL);
    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 1, SFU_LEAVES + 1), CONCLAVE_EINVAL);
    assert_int_equal(sfu_meeting_epoch(h->sfu, HUB_MEETING, 1, SFU_LEAVES), 0);
}

/* ---- Peers ---- */

static int attach(struct hub *h, uint32_t number, const struct sfu_peer_config *config)
{
    struct sfu_peer *p = NULL;

    return sfu_peer_attach(h->sfu, number, config, &sfu_transport_plain, NULL, h->now, &p);
}

static void a_peer_with_a_value_out_of_range_is_refused(void **state)
{
    struct hub *h = *state;
    struct sfu_peer_config c = hub_config(1);

    c.meeting = 8;
    assert_int_equal(attach(h, 1, &c), CONCLAVE_EINVAL);
    c = hub_config(SFU_LEAVES);
    assert_int_equal(attach(h, 1, &c), CONCLAVE_EINVAL);
    c = hub_config(1);
    c.sends = c.receives = false;
    assert_int_equal(attach(h, 1, &c), CONCLAVE_EINVAL);
    c = hub_config(1);
    c.audio_payload_type = 128;
    assert_int_equal(attach(h, 1, &c), CONCLAVE_EINVAL);
    c = hub_config(1);
    c.video_payload_type = 128;
    assert_int_equal(attach(h, 1, &c), CONCLAVE_EINVAL);
    c = hub_config(1);
    c.rtx_payload_type = 128;
    assert_int_equal(attach(h, 1, &c), CONCLAVE_EINVAL);
    assert_int_equal(stats_of(h).peers, 0);
    c = hub_config(1);
    assert_int_equal(attach(h, 1, &c), 0);
    assert_int_equal(attach(h, 1, &c), CONCLAVE_EINVAL); /* the number is in use */
    assert_int_equal(stats_of(h).peers, 1);
}

static void a_leaf_has_few_peers(void **state)
{
    struct hub *h = *state;
    struct sfu_peer_config c = hub_config(5);

    for (uint32_t i = 0; i < SFU_LEAF_PEERS; i++)
        assert_int_equal(attach(h, 10 + i, &c), 0);
    assert_int_equal(attach(h, 99, &c), CONCLAVE_ELIMIT);
    c.leaf = 6;
    assert_int_equal(attach(h, 99, &c), 0);
    sfu_peer_close(h->sfu, 10);
    c.leaf = 5;
    assert_int_equal(attach(h, 10, &c), 0);
}

static void a_worker_has_so_many_peers(void **state)
{
    struct hub *h = *state;
    struct sfu_peer_config c = hub_config(0);

    c.receives = false; /* the smaller half */
    for (uint32_t i = 0; i < SFU_PEERS; i++) {
        c.leaf = i;
        assert_int_equal(attach(h, i, &c), 0);
    }
    c.leaf = SFU_PEERS;
    assert_int_equal(attach(h, SFU_PEERS, &c), CONCLAVE_ELIMIT);
    sfu_leaf_close(h->sfu, HUB_MEETING, 77);
    assert_int_equal(attach(h, SFU_PEERS, &c), 0);
}

static void who_only_sends_has_no_slots(void **state)
{
    struct hub *h = *state;
    struct sfu_peer_config c = hub_config(1);
    struct sfu_peer_answer a = {0};
    struct sfu_want want = {.leaf = 2, .kind = SFU_CAMERA, .max_height = 100};

    c.receives = false;
    sfu_peer_answer_slots(hub_join_as(h, 1, &c), &a);
    assert_int_equal(a.n_audio + a.n_video, 0);
    assert_int_equal(sfu_subscribe(h->sfu, 1, &want, 1, h->now), CONCLAVE_EINVAL);
    c = hub_config(2);
    c.sends = false;
    sfu_peer_answer_slots(hub_join_as(h, 2, &c), &a);
    assert_int_equal(a.n_audio, SFU_AUDIO_SLOTS_DEFAULT);
    assert_int_equal(a.n_video, SFU_VIDEO_SLOTS_DEFAULT);
    for (size_t i = 0; i < a.n_video; i++)
        for (size_t k = 0; k < i; k++)
            assert_true(a.video[i].ssrc != a.video[k].ssrc &&
                        a.video[i].ssrc != a.video[k].rtx_ssrc);
    struct sfu_track t = hub_track(2, SFU_CAMERA, 1);
    assert_int_equal(sfu_publish(h->sfu, 2, &t, h->now), CONCLAVE_EINVAL);
}

/* ---- Tracks ---- */

static void expect_publish(struct hub *h, struct sfu_track t, int rv)
{
    assert_int_equal(sfu_publish(h->sfu, 1, &t, h->now), rv);
}

static void a_track_with_a_value_out_of_range_is_refused(void **state)
{
    struct hub *h = *state;
    static const uint8_t name[SFU_RID + 1] = "aaaaaaaaaaaaaaaaa";
    struct sfu_track good = hub_track(1, SFU_CAMERA, 3);
    struct sfu_track t = good;

    assert_int_equal(sfu_publish(h->sfu, 1, &t, h->now), CONCLAVE_ENOTFOUND);
    hub_join(h, 1);
    t.kind = SFU_KINDS;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.format = SFU_OPUS;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.format = (enum sfu_format)(SFU_SFRAME + 1);
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.n_layers = 0;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.n_layers = SFU_LAYERS + 1;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.payload_type = 128;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.rtx_payload_type = 128;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.rtx_payload_type = t.payload_type;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.rtx_payload_type = 0; /* but retransmissions have SSRCs */
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.mid = bytes_of(name, SFU_MID + 1);
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.layers[1].rid = bytes_of(name, SFU_RID + 1);
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = good, t.layers[1].ssrc = 0; /* and no name to be found by */
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = hub_track(1, SFU_AUDIO, 1), t.n_layers = 2;
    expect_publish(h, t, CONCLAVE_EINVAL);
    t = hub_track(1, SFU_AUDIO, 1), t.format = SFU_VP8;
    expect_publish(h, t, CONCLAVE_EINVAL);
    assert_int_equal(stats_of(h).memory, sfu_outbox_memory());
    expect_publish(h, good, 0);
}

static void an_ssrc_is_one_streams(void **state)
{
    struct hub *h = *state;
    struct sfu_track t = hub_track(1, SFU_CAMERA, 3);
    struct sfu_peer *p = hub_join(h, 1);

    t.layers[2].ssrc = t.layers[0].ssrc;
    expect_publish(h, t, CONCLAVE_EDUPLICATE);
    t = hub_track(1, SFU_CAMERA, 3);
    t.layers[2].rtx_ssrc = t.layers[0].ssrc;
    expect_publish(h, t, CONCLAVE_EDUPLICATE);
    t = hub_track(1, SFU_CAMERA, 3);
    t.layers[2].ssrc = p->ssrc + 3; /* one of the switch's own */
    expect_publish(h, t, CONCLAVE_EDUPLICATE);
    expect_publish(h, hub_track(1, SFU_CAMERA, 3), 0);
    t = hub_track(1, SFU_SCREEN, 1);
    t.layers[0].ssrc = hub_ssrc(1, SFU_CAMERA, 2);
    expect_publish(h, t, CONCLAVE_EDUPLICATE);
    expect_publish(h, hub_track(1, SFU_CAMERA, 3), 0); /* in place of itself it may */
    assert_int_equal(p->sender->n_routes, 6);
}

static void a_track_takes_the_place_of_one_of_its_kind(void **state)
{
    struct hub *h = *state;
    struct sfu_track t = hub_track(1, SFU_CAMERA, 1);
    struct sfu_peer_config c = hub_config(1);
    struct hub_picture p = hub_picture(1, 0, 100, true);

    hub_join(h, 1);
    hub_join_as(h, 11, &c); /* the same member once more, after a reload */
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 3);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    hub_send_picture(h, &p);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_count(h, 2, 0), 1);
    assert_int_equal(sfu_publish(h->sfu, 11, &t, h->now), 0);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).state, SFU_STREAM_WAITING);
    uint64_t refused = hub_counters(h, 1).refused;
    p.sequence++;
    hub_send_picture(h, &p); /* by the one before: its stream has ended */
    hub_collect(h);
    assert_int_equal(hub_counters(h, 1).refused, refused + 1);
    assert_int_equal(hub_count(h, 2, 0), 1);
    sfu_peer_close(h->sfu, 1); /* takes nothing away from the new one */
    struct sfu_meeting_stats m;
    assert_int_equal(sfu_meeting_stats(h->sfu, HUB_MEETING, &m), 0);
    assert_int_equal(m.tracks, 1);
}

static void a_picture_that_goes_comes_back_to_who_wants_it(void **state)
{
    struct hub *h = *state;

    hub_join(h, 2);
    hub_watch(h, 2, 1); /* before there is anybody */
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).state, SFU_STREAM_WAITING);
    for (uint16_t i = 0; i < 3; i++) {
        struct hub_picture p = hub_picture(1, 0, (uint16_t)(100 + i), true);
        hub_join(h, 1);
        hub_publish(h, 1, SFU_CAMERA, 1);
        hub_pass(h, 100 * MS);
        hub_send_picture(h, &p);
        hub_pass(h, 100 * MS);
        assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).state, SFU_STREAM_FLOWING);
        if (i == 1)
            sfu_unpublish(h->sfu, 1, SFU_CAMERA);
        sfu_peer_close(h->sfu, 1);
        hub_pass(h, 100 * MS);
        assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).state, SFU_STREAM_WAITING);
    }
    assert_int_equal(hub_count(h, 2, hub_video_slot(h, 2, 0)), 3);
    sfu_unpublish(h->sfu, 1, SFU_CAMERA); /* nobody, nothing: fine */
    sfu_unpublish(h->sfu, 2, SFU_CAMERA);
}

/* ---- Wishes ---- */

static void a_list_of_wishes_out_of_range_is_refused(void **state)
{
    struct hub *h = *state;
    static struct sfu_want wants[SFU_WANTS + 1];

    for (uint32_t i = 0; i <= SFU_WANTS; i++)
        wants[i] = (struct sfu_want){.leaf = i + 10, .kind = SFU_CAMERA, .max_height = 100};
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, 1, h->now), CONCLAVE_ENOTFOUND);
    hub_join(h, 2);
    hub_watch(h, 2, 1);
    hub_forget(h);
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, SFU_WANTS + 1, h->now), CONCLAVE_EINVAL);
    wants[1].leaf = wants[0].leaf;
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, 2, h->now), CONCLAVE_EINVAL);
    wants[1].kind = SFU_SCREEN; /* of the same member: another picture */
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, 2, h->now), 0);
    wants[1].kind = SFU_AUDIO;
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, 2, h->now), CONCLAVE_EINVAL);
    wants[1].kind = SFU_KINDS;
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, 2, h->now), CONCLAVE_EINVAL);
    assert_int_equal(sfu_peer_of(h->sfu, 2)->receiver->n_wanted, 2);
}

/* Whether a receiver's wish has a slot. */
static bool has_slot(struct hub *h, uint32_t peer, uint32_t leaf)
{
    const struct sfu_receiver *r = sfu_peer_of(h->sfu, peer)->receiver;
    for (unsigned i = 0; i < r->n_wanted; i++)
        if (r->sinks[r->order[i]].want.leaf == leaf)
            return true;
    return false;
}

static void slots_go_first_to_what_is_there(void **state)
{
    struct hub *h = *state;
    struct sfu_want wants[SFU_VIDEO_SLOTS_DEFAULT + 5];
    uint32_t n = SFU_VIDEO_SLOTS_DEFAULT + 5;

    hub_join(h, 2);
    for (uint32_t i = 0; i < n; i++)
        wants[i] = (struct sfu_want){.leaf = 40 - i, .kind = SFU_CAMERA, .max_height = 100};
    wants[n - 1].leaf = 1; /* behind all who send nothing */
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, n, h->now), 0);
    assert_false(has_slot(h, 2, 1));
    assert_true(has_slot(h, 2, 40 - SFU_VIDEO_SLOTS_DEFAULT + 1));
    hub_join(h, 1);
    hub_publish(h, 1, SFU_CAMERA, 1);
    assert_true(has_slot(h, 2, 1));
    assert_false(has_slot(h, 2, 40 - SFU_VIDEO_SLOTS_DEFAULT + 1));
    assert_true(has_slot(h, 2, 40));
    sfu_unpublish(h->sfu, 1, SFU_CAMERA);
    assert_false(has_slot(h, 2, 1));
    assert_true(has_slot(h, 2, 40 - SFU_VIDEO_SLOTS_DEFAULT + 1));
}

static void what_stands_behind_the_slots_is_left_out(void **state)
{
    struct hub *h = *state;
    struct sfu_want wants[SFU_VIDEO_SLOTS_DEFAULT + 5];
    struct sfu_peer_stats s;

    hub_join(h, 2);
    for (uint32_t i = 0; i < SFU_VIDEO_SLOTS_DEFAULT + 5; i++)
        wants[i] = (struct sfu_want){.leaf = i + 10, .kind = SFU_CAMERA, .max_height = 100};
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, SFU_VIDEO_SLOTS_DEFAULT + 5, h->now), 0);
    assert_int_equal(sfu_peer_stats(h->sfu, 2, h->now, &s), 0);
    assert_int_equal(s.waiting, SFU_VIDEO_SLOTS_DEFAULT);
    hub_forget(h);
    /* turned round: those that stay keep their slots, the others take those that are free */
    for (uint32_t i = 0; i < SFU_VIDEO_SLOTS_DEFAULT + 5; i++)
        wants[i].leaf = SFU_VIDEO_SLOTS_DEFAULT + 14 - i;
    assert_int_equal(sfu_subscribe(h->sfu, 2, wants, SFU_VIDEO_SLOTS_DEFAULT + 5, h->now), 0);
    hub_collect(h);
    assert_int_equal(hub_events(h, SFU_EVENT_STREAM, 2), 5);
}

static void ones_own_picture_and_voice_do_not_come_back(void **state)
{
    struct hub *h = *state;
    struct sfu_peer_config c = hub_config(1);
    struct hub_picture p = hub_picture(1, 0, 100, true);

    hub_join(h, 1);
    hub_join_as(h, 11, &c); /* nor to another transport of the member */
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_publish(h, 1, SFU_AUDIO, 1);
    hub_watch(h, 1, 1);
    hub_watch(h, 11, 1);
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_pass(h, 100 * MS);
    hub_send_picture(h, &p);
    hub_send_voice(h, 1, 1, 20, hub_kid(1, 1));
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_count(h, 1, 0), 0);
    assert_int_equal(hub_count(h, 11, 0), 0);
}

/* Wishes are what senders send: nothing that nobody would have. */
static void a_sender_is_told_which_layers_are_wanted(void **state)
{
    struct hub *h = *state;
    struct sfu_want want = {.leaf = 1, .kind = SFU_CAMERA, .max_height = 180};

    hub_join(h, 1);
    hub_join(h, 2);
    hub_join(h, 3);
    hub_publish(h, 1, SFU_CAMERA, 3);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_event(h, SFU_EVENT_DEMAND, 1).layers, 0);
    assert_int_equal(sfu_subscribe(h->sfu, 2, &want, 1, h->now), 0);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_event(h, SFU_EVENT_DEMAND, 1).layers, 1);
    want.max_height = 720;
    assert_int_equal(sfu_subscribe(h->sfu, 3, &want, 1, h->now), 0);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_event(h, SFU_EVENT_DEMAND, 1).layers, 7);
    sfu_peer_close(h->sfu, 3);
    hub_pass(h, SFU_DEMAND_US - 100 * MS); /* people change their minds */
    assert_int_equal(hub_event(h, SFU_EVENT_DEMAND, 1).layers, 7);
    hub_pass(h, 300 * MS);
    assert_int_equal(hub_event(h, SFU_EVENT_DEMAND, 1).layers, 1);
    assert_int_equal(hub_event(h, SFU_EVENT_DEMAND, 1).kind, SFU_CAMERA);
}

static void when_bandwidth_is_short_pictures_go_and_sound_stays(void **state)
{
    struct hub *h = *state;
    struct rtcp_remb remb = {.bitrate = SFU_BANDWIDTH_MIN};
    struct buf out = {0};
    uint16_t n = 0;

    hub_join(h, 1);
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_publish(h, 1, SFU_AUDIO, 1);
    hub_watch(h, 2, 1);
    for (unsigned half = 0; half < 2; half++) {
        for (unsigned i = 0; i < 50; i++, n++) {
            struct hub_picture p = hub_picture(1, 0, n, i % 10 == 0);
            p.size = 1000;
            hub_send_picture(h, &p);
            hub_send_voice(h, 1, n, 30, hub_kid(1, 1));
            hub_pass(h, 20 * MS);
        }
        if (half == 0) {
            assert_int_equal(hub_event(h, SFU_EVENT_STREAM, 2).state, SFU_STREAM_FLOWING);
            assert_int_equal(rtcp_remb_write(1, &remb, &out), 0);
            hub_rtcp(h, 2, &out);
            hub_pass(h, 200 * MS);
            hub_forget(h);
        }
    }
    struct sfu_peer_stats s;
    assert_int_equal(sfu_peer_stats(h->sfu, 2, h->now, &s), 0);
    assert_int_equal(s.narrow, 1);
    assert_int_equal(hub_count(h, 2, hub_video_slot(h, 2, 0)), 0);
    assert_int_equal(hub_count(h, 2, hub_audio_slot(h, 2, 0)), 50);
}

/* ---- The end ---- */

static void who_is_closed_is_dead_at_once(void **state)
{
    struct hub *h = *state;
    struct hub_picture p = hub_picture(1, 0, 100, true);
    struct sfu_group g[4];

    hub_join(h, 1);
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    hub_forget(h);
    hub_send_picture(h, &p);
    sfu_leaf_close(h->sfu, HUB_MEETING, 2);
    size_t n = sfu_output(h->sfu, g, 4);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(g[i].count, 0); /* not even what waited */
    sfu_sent(h->sfu, n);
    assert_null(sfu_peer_of(h->sfu, 2));
    assert_int_equal(stats_of(h).peers, 1);
    assert_int_equal(stats_of(h).blocks_used, 0);
    sfu_leaf_close(h->sfu, HUB_MEETING, 2); /* unknown ones are fine */
    sfu_leaf_close(h->sfu, 8, 2);
    sfu_peer_close(h->sfu, 2);
}

static void what_is_counted_outlives_who_it_is_of(void **state)
{
    struct hub *h = *state;
    struct hub_picture p = hub_picture(1, 0, 100, true);

    hub_join(h, 1);
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    hub_send_picture(h, &p);
    hub_collect(h);
    struct sfu_stats before = stats_of(h);
    assert_int_equal(before.counters.packets_in, 1);
    assert_int_equal(before.counters.packets_out, 1);
    assert_int_equal(before.peers, 2);
    assert_int_equal(before.connected, 2);
    assert_true(before.memory > sfu_outbox_memory());
    sfu_peer_close(h->sfu, 1);
    sfu_peer_close(h->sfu, 2);
    struct sfu_stats after = stats_of(h);
    assert_memory_equal(&after.counters, &before.counters, sizeof before.counters);
    sfu_meeting_close(h->sfu, HUB_MEETING);
    after = stats_of(h);
    assert_memory_equal(&after.counters, &before.counters, sizeof before.counters);
    assert_int_equal(stats_of(h).meetings, 0);
    assert_int_equal(stats_of(h).memory, sfu_outbox_memory());
    assert_int_equal(sfu_deadline(h->sfu), UINT64_MAX);
}

static void what_is_not_there_has_no_numbers(void **state)
{
    struct hub *h = *state;
    struct sfu_meeting_stats m;
    struct sfu_peer_stats p;
    uint32_t who;

    assert_int_equal(sfu_meeting_stats(h->sfu, 8, &m), CONCLAVE_ENOTFOUND);
    assert_int_equal(sfu_peer_stats(h->sfu, 8, h->now, &p), CONCLAVE_ENOTFOUND);
    assert_int_equal(sfu_meeting_speakers(h->sfu, 8, &who, 1), 0);
    assert_int_equal(sfu_meeting_stats(h->sfu, HUB_MEETING, &m), 0);
    assert_int_equal(m.speaker, SFU_NOBODY);
}

static void a_lost_peer_is_told_of_and_gets_no_pictures(void **state)
{
    struct hub *h = *state;
    struct hub_picture p = hub_picture(1, 0, 100, true);
    struct sfu_peer *lost;

    hub_join(h, 1);
    lost = hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_events(h, SFU_EVENT_CONNECTED, 2), 1);
    sfu_peer_lost(h->sfu, lost);
    sfu_peer_lost(h->sfu, lost);
    hub_send_picture(h, &p);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_events(h, SFU_EVENT_LOST, 2), 1);
    assert_int_equal(hub_count(h, 2, 0), 0);
    struct rtc_address at = {.family = RTC_IPV4, .ip = {10}, .port = 2};
    sfu_peer_up(h->sfu, lost, &at, h->now);
    hub_pass(h, 100 * MS);
    assert_int_equal(hub_events(h, SFU_EVENT_CONNECTED, 2), 2);
    p.sequence++;
    hub_send_picture(h, &p);
    hub_collect(h);
    assert_int_equal(hub_count(h, 2, 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_meeting_is_opened_once_and_within_limits),
        HUB_TEST(an_epoch_has_a_meeting_and_leaves),
        HUB_TEST(a_peer_with_a_value_out_of_range_is_refused),
        HUB_TEST(a_leaf_has_few_peers),
        HUB_TEST(a_worker_has_so_many_peers),
        HUB_TEST(who_only_sends_has_no_slots),
        HUB_TEST(a_track_with_a_value_out_of_range_is_refused),
        HUB_TEST(an_ssrc_is_one_streams),
        HUB_TEST(a_track_takes_the_place_of_one_of_its_kind),
        HUB_TEST(a_picture_that_goes_comes_back_to_who_wants_it),
        HUB_TEST(a_list_of_wishes_out_of_range_is_refused),
        HUB_TEST(slots_go_first_to_what_is_there),
        HUB_TEST(what_stands_behind_the_slots_is_left_out),
        HUB_TEST(ones_own_picture_and_voice_do_not_come_back),
        HUB_TEST(a_sender_is_told_which_layers_are_wanted),
        HUB_TEST(when_bandwidth_is_short_pictures_go_and_sound_stays),
        HUB_TEST(who_is_closed_is_dead_at_once),
        HUB_TEST(what_is_counted_outlives_who_it_is_of),
        HUB_TEST(what_is_not_there_has_no_numbers),
        HUB_TEST(a_lost_peer_is_told_of_and_gets_no_pictures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
