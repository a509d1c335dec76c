/* What members say is done in the switch, in its words; what happens there is said to those it
 * concerns; and who is gone, or on another leaf, has nothing there any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/crypto.h>

#include "cmd/conclaved_media_desk.h"
#include "support/alloc_fail.h"
#include "unit/cmd/fake_sfu.h"

#define SAID 16
#define ALICE 11 /* connections */
#define BOB 12

struct said {
    uint64_t conn;
    struct buf body;
    struct signal_media m; /* views into body */
};

struct fixture {
    struct sfu sfu;
    struct crypto *crypto;
    struct media_desk *desk;
    struct said said[SAID];
    size_t n_said;
};

static void say(void *ctx, const uint64_t *conns, size_t n, struct bytes body)
{
    struct fixture *f = ctx;
    for (size_t i = 0; i < n && f->n_said < SAID; i++) {
        struct said *s = &f->said[f->n_said++];
        s->conn = conns[i];
        buf_put(&s->body, body);
        assert_int_equal(buf_check(&s->body), 0);
        assert_int_equal(signal_media_read(buf_view(&s->body), &s->m), 0);
        assert_false(signal_media_from_member(s->m.kind));
    }
}

static int open_desk(void **state)
{
    static const uint8_t address[4] = {192, 0, 2, 7};
    struct fixture *f = calloc(1, sizeof *f);
    struct buf candidates = {0};
    assert_non_null(f);
    signal_put_candidate(&candidates,
                         &(struct signal_candidate){bytes_of(address, sizeof address), 4443});
    assert_int_equal(crypto_new_public(CRYPTO_P256_AES128GCM_SHA256_P256, &f->crypto), 0);
    const struct media_desk_config config = {.sfu = &f->sfu,
                                             .crypto = f->crypto,
                                             .candidates = buf_view(&candidates),
                                             .ctx = f,
                                             .say = say};
    assert_int_equal(media_desk_new(&config, &f->desk), 0);
    buf_free(&candidates);
    assert_int_equal(media_desk_open(f->desk, 5), 0);
    assert_true(fake_sfu_said(&f->sfu, "meeting 5 bits 8\n"));
    *state = f;
    return 0;
}

static void forget(struct fixture *f)
{
    for (size_t i = 0; i < SAID; i++)
        buf_free(&f->said[i].body);
    f->n_said = 0;
}

static int close_desk(void **state)
{
    struct fixture *f = *state;
    forget(f);
    media_desk_free(f->desk);
    media_desk_free(NULL);
    crypto_free(f->crypto);
    free(f);
    return 0;
}

/* ---- What members say ---- */

static void hear(struct fixture *f, uint64_t conn, uint32_t leaf, const struct signal_media *m)
{
    struct buf body = {0};
    assert_int_equal(signal_media_write(m, &body), 0);
    media_desk_hear(f->desk, 5, conn, leaf, buf_view(&body), 0);
    buf_free(&body);
}

static struct signal_media open_with(const uint8_t fingerprint[static SIGNAL_FINGERPRINT])
{
    return (struct signal_media){.kind = SIGNAL_MEDIA_OPEN,
                                 .ufrag = bytes_str("abcd"),
                                 .pwd = bytes_str("0123456789012345678901"),
                                 .fingerprint = bytes_of(fingerprint, SIGNAL_FINGERPRINT),
                                 .roles = SIGNAL_SENDS | SIGNAL_RECEIVES,
                                 .audio = 111,
                                 .video = 96,
                                 .rtx = 97};
}

static void opens(struct fixture *f, uint64_t conn, uint32_t leaf)
{
    static const uint8_t fingerprint[SIGNAL_FINGERPRINT] = {1};
    struct signal_media m = open_with(fingerprint);
    hear(f, conn, leaf, &m);
}

static void publishes(struct fixture *f, uint64_t conn, uint32_t leaf, uint8_t track,
                      uint8_t source)
{
    struct buf layers = {0};
    signal_put_layer(&layers, &(struct signal_layer){.ssrc = 71, .rtx = 72, .height = 180});
    signal_put_layer(&layers,
                     &(struct signal_layer){.ssrc = 73, .height = 720, .rid = bytes_str("h")});
    hear(f, conn, leaf,
         &(struct signal_media){.kind = SIGNAL_MEDIA_PUBLISH,
                                .track = track,
                                .source = source,
                                .format = SIGNAL_VP8,
                                .payload_type = 96,
                                .rtx = 97,
                                .mid = bytes_str("0"),
                                .list = buf_view(&layers)});
    buf_free(&layers);
}

static const struct said *only(struct fixture *f, uint64_t conn, enum signal_media_kind kind)
{
    assert_int_equal(f->n_said, 1);
    assert_int_equal(f->said[0].conn, conn);
    assert_int_equal(f->said[0].m.kind, kind);
    return &f->said[0];
}

static void refused(struct fixture *f, uint64_t conn)
{
    assert_int_equal(only(f, conn, SIGNAL_MEDIA_STATE)->m.state, SIGNAL_REFUSED);
    forget(f);
}

/* ---- Transports ---- */

static void an_opened_transport_is_answered(void **state)
{
    struct fixture *f = *state;
    struct signal_candidate candidate;
    struct signal_slot slot;
    opens(f, ALICE, 3);
    assert_true(fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\n"));
    assert_true(f->sfu.config.sends && f->sfu.config.receives);
    assert_false(f->sfu.has_extensions); /* the ids everybody has */
    assert_int_equal(f->sfu.config.audio_payload_type, 111);
    assert_int_equal(f->sfu.config.video_payload_type, 96);
    assert_int_equal(f->sfu.config.rtx_payload_type, 97);
    const struct signal_media *m = &only(f, ALICE, SIGNAL_MEDIA_ANSWER)->m;
    struct bytes rest = m->list;
    assert_true(bytes_equal(m->ufrag, bytes_str("open")));
    assert_int_equal(m->fingerprint.p[0], 7);
    assert_true(signal_next_candidate(&rest, &candidate));
    assert_int_equal(candidate.port, 4443);
    rest = m->audio_slots;
    assert_true(signal_next_slot(&rest, &slot));
    assert_int_equal(slot.ssrc, 100);
    rest = m->video_slots;
    assert_true(signal_next_slot(&rest, &slot) && signal_next_slot(&rest, &slot));
    assert_int_equal(slot.ssrc, 300);
    assert_int_equal(slot.rtx, 301);
    assert_false(signal_next_slot(&rest, &slot));
}

static void extension_ids_are_those_of_the_transport(void **state)
{
    static const uint8_t fingerprint[SIGNAL_FINGERPRINT] = {1};
    struct fixture *f = *state;
    struct signal_media m = open_with(fingerprint);
    struct buf list = {0};
    signal_put_extension(&list, &(struct signal_extension){13, RTP_EXT_MID});
    signal_put_extension(&list, &(struct signal_extension){2, 200}); /* of no meaning here */
    m.list = buf_view(&list);
    hear(f, ALICE, 3, &m);
    assert_true(f->sfu.has_extensions);
    assert_int_equal(f->sfu.extensions.meaning[13], RTP_EXT_MID);
    assert_int_equal(f->sfu.extensions.meaning[2], 0);
    forget(f);
    signal_put_extension(&list, &(struct signal_extension){13, RTP_EXT_RID}); /* twice */
    m.list = buf_view(&list);
    hear(f, BOB, 4, &m);
    refused(f, BOB);
    buf_free(&list);
}

static void the_same_key_restarts_and_another_begins_anew(void **state)
{
    static const uint8_t other[SIGNAL_FINGERPRINT] = {2};
    struct fixture *f = *state;
    struct signal_media m = open_with(other);
    opens(f, ALICE, 3);
    opens(f, ALICE, 3);
    assert_true(fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\nrestart 0\n"));
    assert_true(bytes_equal(f->said[1].m.ufrag, bytes_str("again")));
    hear(f, ALICE, 3, &m);
    assert_true(fake_sfu_said(&f->sfu, "close 0\nopen 1 of 5 leaf 3\n"));
    m.transport = 1; /* the other one is apart */
    hear(f, ALICE, 3, &m);
    assert_true(fake_sfu_said(&f->sfu, "open 2 of 5 leaf 3\n"));
    assert_int_equal(f->said[3].m.transport, 1);
    hear(f, ALICE, 3, &(struct signal_media){.kind = SIGNAL_MEDIA_CLOSE, .transport = 0});
    hear(f, ALICE, 3, &(struct signal_media){.kind = SIGNAL_MEDIA_CLOSE, .transport = 0});
    assert_true(fake_sfu_said(&f->sfu, "close 1\n"));
}

static void credentials_may_come_later(void **state)
{
    struct fixture *f = *state;
    const struct signal_media m = {.kind = SIGNAL_MEDIA_LOGIN,
                                   .ufrag = bytes_str("abcd"),
                                   .pwd = bytes_str("0123456789012345678901")};
    hear(f, ALICE, 3, &m); /* of no transport */
    refused(f, ALICE);
    opens(f, ALICE, 3);
    hear(f, ALICE, 3, &m);
    assert_true(
        fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\nlogin 0 abcd 0123456789012345678901\n"));
    forget(f);
    f->sfu.next_error = CONCLAVE_ESTATE;
    hear(f, ALICE, 3, &m);
    refused(f, ALICE);
}

static void what_the_switch_refuses_is_said(void **state)
{
    struct fixture *f = *state;
    struct media_desk_counters c;
    f->sfu.next_error = CONCLAVE_ELIMIT;
    opens(f, ALICE, 3);
    refused(f, ALICE);
    publishes(f, ALICE, 3, 0, SIGNAL_CAMERA); /* there is no transport */
    refused(f, ALICE);
    hear(f, ALICE, 3, &(struct signal_media){.kind = SIGNAL_MEDIA_SUBSCRIBE});
    refused(f, ALICE);
    opens(f, ALICE, 3);
    forget(f);
    f->sfu.next_error = CONCLAVE_EDUPLICATE;
    publishes(f, ALICE, 3, 0, SIGNAL_CAMERA);
    refused(f, ALICE);
    media_desk_counters(f->desk, &c);
    assert_int_equal(c.heard, 5);
    assert_int_equal(c.refused, 4);
}

static void who_is_gone_has_nothing_left(void **state)
{
    struct fixture *f = *state;
    opens(f, ALICE, 3);
    opens(f, BOB, 4);
    forget(f);
    assert_true(fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\nopen 1 of 5 leaf 4\n"));
    media_desk_gone(f->desk, ALICE);
    assert_true(fake_sfu_said(&f->sfu, "close 0\n"));
    media_desk_gone(f->desk, ALICE);
    assert_true(fake_sfu_said(&f->sfu, ""));
    fake_sfu_event(&f->sfu, &(struct sfu_event){.what = SFU_EVENT_LOST, .peer = 0});
    media_desk_tell(f->desk); /* of whom nobody knows */
    assert_int_equal(f->n_said, 0);
    media_desk_close(f->desk, 5);
    assert_true(fake_sfu_said(&f->sfu, "close 1\nmeeting-close 5\n"));
    opens(f, BOB, 4); /* there is no such meeting any more */
    refused(f, BOB);
    assert_true(fake_sfu_said(&f->sfu, ""));
}

static void who_speaks_for_another_leaf_begins_anew(void **state)
{
    struct fixture *f = *state;
    opens(f, ALICE, 3);
    opens(f, ALICE, 9);
    assert_true(fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\nclose 0\nopen 1 of 5 leaf 9\n"));
}

/* ---- Tracks and wishes ---- */

static void tracks_are_published_in_the_switchs_words(void **state)
{
    struct fixture *f = *state;
    opens(f, ALICE, 3);
    (void)fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\n");
    publishes(f, ALICE, 3, 6, SIGNAL_SCREEN);
    assert_true(fake_sfu_said(&f->sfu, "publish 0 kind 2 layers 2\n"));
    assert_int_equal(f->sfu.track.format, SFU_VP8);
    assert_int_equal(f->sfu.track.payload_type, 96);
    assert_int_equal(f->sfu.track.rtx_payload_type, 97);
    assert_int_equal(f->sfu.track.layers[0].ssrc, 71);
    assert_int_equal(f->sfu.track.layers[0].rtx_ssrc, 72);
    assert_int_equal(f->sfu.track.layers[1].height, 720);
    const struct signal_media end = {.kind = SIGNAL_MEDIA_UNPUBLISH, .track = 6};
    hear(f, ALICE, 3, &end);
    hear(f, ALICE, 3, &end); /* twice does no harm */
    assert_true(fake_sfu_said(&f->sfu, "unpublish 0 kind 2\n"));
}

static void of_each_source_there_is_one_track(void **state)
{
    struct fixture *f = *state;
    opens(f, ALICE, 3);
    publishes(f, ALICE, 3, 1, SIGNAL_CAMERA);
    publishes(f, ALICE, 3, 2, SIGNAL_CAMERA); /* in place of 1 */
    (void)fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\npublish 0 kind 1 layers 2\n"
                                 "publish 0 kind 1 layers 2\n");
    hear(f, ALICE, 3, &(struct signal_media){.kind = SIGNAL_MEDIA_UNPUBLISH, .track = 1});
    assert_true(fake_sfu_said(&f->sfu, ""));
    publishes(f, ALICE, 3, 2, SIGNAL_SCREEN); /* 2 is no camera any more */
    assert_true(fake_sfu_said(&f->sfu, "publish 0 kind 2 layers 2\nunpublish 0 kind 1\n"));
}

static void wishes_go_to_the_switch_as_they_are(void **state)
{
    struct fixture *f = *state;
    struct buf wants = {0};
    opens(f, ALICE, 3);
    (void)fake_sfu_said(&f->sfu, "open 0 of 5 leaf 3\n");
    signal_put_want(&wants, &(struct signal_want){7, SIGNAL_SCREEN, 1080});
    signal_put_want(&wants, &(struct signal_want){2, SIGNAL_CAMERA, 0});
    hear(f, ALICE, 3,
         &(struct signal_media){.kind = SIGNAL_MEDIA_SUBSCRIBE, .list = buf_view(&wants)});
    assert_true(fake_sfu_said(&f->sfu, "subscribe 0: 7/2/1080 2/1/0\n"));
    buf_free(&wants);
}

static void epochs_go_to_meetings_that_are_there(void **state)
{
    struct fixture *f = *state;
    media_desk_epoch(f->desk, 5, 42, 16);
    media_desk_epoch(f->desk, 6, 42, 16);
    assert_true(fake_sfu_said(&f->sfu, "epoch 5 42 16\n"));
}

/* ---- What happens in the switch ---- */

static struct sfu_event stream(uint32_t peer, uint32_t ssrc, enum sfu_stream_state state)
{
    return (struct sfu_event){.what = SFU_EVENT_STREAM,
                              .peer = peer,
                              .leaf = 4,
                              .ssrc = ssrc,
                              .kind = SFU_CAMERA,
                              .state = state};
}

static void flows_of_one_member_are_told_together(void **state)
{
    struct fixture *f = *state;
    struct signal_flow flow;
    opens(f, ALICE, 3);
    opens(f, BOB, 4);
    forget(f);
    struct sfu_event events[] = {stream(0, 200, SFU_STREAM_FLOWING),
                                 stream(0, 300, SFU_STREAM_NONE),
                                 stream(1, 200, SFU_STREAM_NARROW)};
    for (size_t i = 0; i < 3; i++)
        fake_sfu_event(&f->sfu, &events[i]);
    media_desk_tell(f->desk);
    assert_int_equal(f->n_said, 2);
    assert_int_equal(f->said[0].conn, ALICE);
    assert_int_equal(f->said[0].m.kind, SIGNAL_MEDIA_FLOWS);
    struct bytes rest = f->said[0].m.list;
    assert_true(signal_next_flow(&rest, &flow));
    assert_false(flow.gone);
    assert_int_equal(flow.state, SIGNAL_FLOW_RUNNING);
    assert_int_equal(flow.source, SIGNAL_CAMERA);
    assert_int_equal(flow.leaf, 4);
    assert_int_equal(flow.ssrc, 200);
    assert_int_equal(flow.rtx, 201);
    assert_true(signal_next_flow(&rest, &flow));
    assert_true(flow.gone);
    assert_false(signal_next_flow(&rest, &flow));
    assert_int_equal(f->said[1].conn, BOB);
}

static void many_flows_are_told_in_messages_of_their_size(void **state)
{
    struct fixture *f = *state;
    struct sfu_event e = stream(0, 200, SFU_STREAM_WAITING);
    opens(f, ALICE, 3);
    forget(f);
    for (size_t i = 0; i < FAKE_EVENTS; i++)
        fake_sfu_event(&f->sfu, &e);
    media_desk_tell(f->desk);
    for (size_t i = 0; i < FAKE_EVENTS; i++)
        fake_sfu_event(&f->sfu, &e);
    media_desk_tell(f->desk);
    assert_int_equal(f->n_said, 2);
    assert_in_range(f->said[1].body.n, 1, 8000);
}

static void speakers_are_told_to_all(void **state)
{
    struct fixture *f = *state;
    uint32_t leaf;
    opens(f, ALICE, 3);
    opens(f, BOB, 4);
    forget(f);
    f->sfu.speakers[0] = 4;
    f->sfu.speakers[1] = 3;
    f->sfu.n_speakers = 2;
    fake_sfu_event(&f->sfu, &(struct sfu_event){.what = SFU_EVENT_SPEAKER, .meeting = 5});
    fake_sfu_event(&f->sfu, &(struct sfu_event){.what = SFU_EVENT_SPEAKER, .meeting = 6});
    media_desk_tell(f->desk);
    assert_int_equal(f->n_said, 2);
    assert_int_equal(f->said[0].conn + f->said[1].conn, ALICE + BOB);
    struct bytes rest = f->said[0].m.list;
    assert_true(signal_next_leaf(&rest, &leaf));
    assert_int_equal(leaf, 4);
    assert_true(signal_next_leaf(&rest, &leaf));
    assert_int_equal(leaf, 3);
}

static void who_comes_later_is_told_who_speaks(void **state)
{
    struct fixture *f = *state;
    f->sfu.speakers[0] = 4;
    f->sfu.n_speakers = 1;
    opens(f, ALICE, 3);
    assert_int_equal(f->n_said, 2);
    assert_int_equal(f->said[0].m.kind, SIGNAL_MEDIA_ANSWER);
    assert_int_equal(f->said[1].m.kind, SIGNAL_MEDIA_SPEAKERS);
    assert_int_equal(f->said[1].conn, ALICE);
    opens(f, ALICE, 3); /* a restart */
    assert_int_equal(f->n_said, 3);
}

static void what_nobody_wants_is_told_its_sender(void **state)
{
    struct fixture *f = *state;
    opens(f, ALICE, 3);
    publishes(f, ALICE, 3, 5, SIGNAL_CAMERA);
    forget(f);
    fake_sfu_event(&f->sfu,
                   &(struct sfu_event){.what = SFU_EVENT_DEMAND, .kind = SFU_CAMERA, .layers = 2});
    fake_sfu_event(&f->sfu,
                   &(struct sfu_event){.what = SFU_EVENT_DEMAND, .kind = SFU_SCREEN, .layers = 1});
    media_desk_tell(f->desk);
    const struct said *s = only(f, ALICE, SIGNAL_MEDIA_DEMAND);
    assert_int_equal(s->m.track, 5);
    assert_int_equal(s->m.layers, 2);
}

static void who_is_connected_or_lost_is_told(void **state)
{
    struct fixture *f = *state;
    opens(f, ALICE, 3);
    forget(f);
    fake_sfu_event(&f->sfu, &(struct sfu_event){.what = SFU_EVENT_CONNECTED});
    fake_sfu_event(&f->sfu, &(struct sfu_event){.what = SFU_EVENT_LOST});
    media_desk_tell(f->desk);
    assert_int_equal(f->n_said, 2);
    assert_int_equal(f->said[0].m.state, SIGNAL_CONNECTED);
    assert_int_equal(f->said[1].m.state, SIGNAL_LOST);
}

/* ---- Memory ---- */

static void say_nothing(void *ctx, const uint64_t *conns, size_t n, struct bytes body)
{
    (void)ctx, (void)conns, (void)n, (void)body;
}

struct life {
    struct fixture *f;
    struct buf open;
};

static int whole_life(void *ctx)
{
    struct life *l = ctx;
    struct media_desk *d;
    struct media_desk_counters c = {0};
    const struct media_desk_config config = {.sfu = &l->f->sfu,
                                             .crypto = l->f->crypto,
                                             .candidates = buf_view(&l->f->said[0].body),
                                             .say = say_nothing};
    int rv = media_desk_new(&config, &d);
    if (rv != 0)
        return rv;
    rv = media_desk_open(d, 6);
    media_desk_hear(d, 6, ALICE, 3, buf_view(&l->open), 0);
    fake_sfu_event(&l->f->sfu, &(struct sfu_event){.what = SFU_EVENT_SPEAKER, .meeting = 6});
    media_desk_tell(d);
    media_desk_counters(d, &c);
    media_desk_free(d);
    return rv != 0 || c.unsaid + c.refused == 0 ? rv : CONCLAVE_ENOMEM;
}

static void without_memory_nothing_is_half_done(void **state)
{
    static const uint8_t fingerprint[SIGNAL_FINGERPRINT] = {1}, address[4] = {192, 0, 2, 7};
    struct fixture *f = *state;
    struct life life = {.f = f};
    struct signal_media m = open_with(fingerprint);
    assert_int_equal(signal_media_write(&m, &life.open), 0);
    signal_put_candidate(&f->said[0].body,
                         &(struct signal_candidate){bytes_of(address, sizeof address), 4443});
    f->sfu.n_speakers = 2;
    assert_in_range(alloc_sweep(whole_life, &life), 8, 50);
    buf_free(&life.open);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_desk, close_desk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_opened_transport_is_answered),
        TEST(extension_ids_are_those_of_the_transport),
        TEST(the_same_key_restarts_and_another_begins_anew),
        TEST(credentials_may_come_later),
        TEST(what_the_switch_refuses_is_said),
        TEST(who_is_gone_has_nothing_left),
        TEST(who_speaks_for_another_leaf_begins_anew),
        TEST(tracks_are_published_in_the_switchs_words),
        TEST(of_each_source_there_is_one_track),
        TEST(wishes_go_to_the_switch_as_they_are),
        TEST(epochs_go_to_meetings_that_are_there),
        TEST(flows_of_one_member_are_told_together),
        TEST(many_flows_are_told_in_messages_of_their_size),
        TEST(speakers_are_told_to_all),
        TEST(who_comes_later_is_told_who_speaks),
        TEST(what_nobody_wants_is_told_its_sender),
        TEST(who_is_connected_or_lost_is_told),
        TEST(without_memory_nothing_is_half_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
