/* What members and the media switch say to each other: each kind goes and comes back; what breaks a
 * rule of the format does neither. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "signal/media.h"
#include "support/alloc_fail.h"

static const uint8_t print[SIGNAL_FINGERPRINT] = {1, 2, 3};
static const uint8_t address[16] = {0x20, 0x01, 0x0d, 0xb8};

struct lists {
    struct buf layers, wants, candidates, flows, leaves, extensions, slots;
};

static int make_lists(void **state)
{
    struct lists *l = calloc(1, sizeof *l);
    assert_non_null(l);
    for (uint32_t i = 0; i < SIGNAL_LAYERS_MAX; i++) {
        struct signal_layer layer = {.ssrc = 1000 + i,
                                     .rtx = 2000 + i,
                                     .height = (uint16_t)(180 << i),
                                     .rid = bytes_str("hi")};
        signal_put_layer(&l->layers, &layer);
    }
    for (uint32_t i = 0; i < SIGNAL_WANTS_MAX; i++) {
        struct signal_want want = {.leaf = i, .source = SIGNAL_CAMERA, .height = 360};
        signal_put_want(&l->wants, &want);
    }
    for (unsigned i = 0; i < SIGNAL_CANDIDATES_MAX; i++) {
        struct signal_candidate c = {bytes_of(address, i % 2 == 0 ? 4 : 16), (uint16_t)(i + 1)};
        signal_put_candidate(&l->candidates, &c);
    }
    for (uint32_t i = 0; i < SIGNAL_FLOWS_MAX; i++) {
        struct signal_flow f = {.leaf = i,
                                .source = SIGNAL_AUDIO,
                                .gone = i % 2 != 0,
                                .state = SIGNAL_FLOW_NARROW,
                                .ssrc = i};
        signal_put_flow(&l->flows, &f);
    }
    for (uint32_t i = 0; i < SIGNAL_SPEAKERS_MAX; i++)
        signal_put_leaf(&l->leaves, i);
    for (uint8_t i = 0; i < SIGNAL_EXTENSIONS_MAX; i++)
        signal_put_extension(&l->extensions,
                             &(struct signal_extension){(uint8_t)(i + 1), (uint8_t)(100 - i)});
    for (uint32_t i = 0; i < SIGNAL_SLOTS_MAX; i++)
        signal_put_slot(&l->slots, &(struct signal_slot){3000 + i, 4000 + i});
    *state = l;
    return 0;
}

static int free_lists(void **state)
{
    struct lists *l = *state;
    buf_free(&l->layers);
    buf_free(&l->wants);
    buf_free(&l->candidates);
    buf_free(&l->flows);
    buf_free(&l->leaves);
    buf_free(&l->extensions);
    buf_free(&l->slots);
    free(l);
    return 0;
}

/* In the order of their numbers. */
enum {
    OPEN,
    PUBLISH,
    UNPUBLISH,
    SUBSCRIBE,
    CLOSE,
    LOGIN,
    ANSWER,
    FLOWS,
    SPEAKERS,
    DEMAND,
    STATE,
    KINDS
};

static void each_kind(const struct lists *l, struct signal_media out[static KINDS])
{
    const struct signal_media all[KINDS] = {
        {.kind = SIGNAL_MEDIA_OPEN,
         .transport = 1,
         .ufrag = bytes_str("abcd"),
         .pwd = bytes_str("0123456789012345678901"),
         .fingerprint = bytes_of(print, sizeof print),
         .roles = SIGNAL_SENDS | SIGNAL_RECEIVES,
         .audio = 111,
         .video = 96,
         .rtx = 97,
         .list = buf_view(&l->extensions)},
        {.kind = SIGNAL_MEDIA_PUBLISH,
         .transport = 1,
         .track = 7,
         .source = SIGNAL_SCREEN,
         .format = SIGNAL_SFRAME,
         .payload_type = 98,
         .rtx = 99,
         .mid = bytes_str("0123456789abcdef"),
         .list = buf_view(&l->layers)},
        {.kind = SIGNAL_MEDIA_UNPUBLISH, .track = 3},
        {.kind = SIGNAL_MEDIA_SUBSCRIBE, .transport = 1, .list = buf_view(&l->wants)},
        {.kind = SIGNAL_MEDIA_CLOSE, .transport = 1},
        {.kind = SIGNAL_MEDIA_LOGIN,
         .transport = 1,
         .ufrag = bytes_str("abcd"),
         .pwd = bytes_str("0123456789012345678901")},
        {.kind = SIGNAL_MEDIA_ANSWER,
         .transport = 1,
         .ufrag = bytes_str("efgh"),
         .pwd = bytes_str("0123456789012345678901"),
         .fingerprint = bytes_of(print, sizeof print),
         .list = buf_view(&l->candidates),
         .audio_slots = buf_view(&l->slots),
         .video_slots = buf_view(&l->slots)},
        {.kind = SIGNAL_MEDIA_FLOWS, .list = buf_view(&l->flows)},
        {.kind = SIGNAL_MEDIA_SPEAKERS, .list = buf_view(&l->leaves)},
        {.kind = SIGNAL_MEDIA_DEMAND, .track = 1, .layers = 5},
        {.kind = SIGNAL_MEDIA_STATE, .transport = 1, .state = SIGNAL_LOST},
    };
    memcpy(out, all, sizeof all);
}

static void assert_same(const struct signal_media *a, const struct signal_media *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->transport, b->transport);
    assert_int_equal(a->roles, b->roles);
    assert_int_equal(a->audio, b->audio);
    assert_int_equal(a->video, b->video);
    assert_int_equal(a->rtx, b->rtx);
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->payload_type, b->payload_type);
    assert_int_equal(a->state, b->state);
    assert_true(bytes_equal(a->mid, b->mid));
    assert_true(bytes_equal(a->audio_slots, b->audio_slots));
    assert_true(bytes_equal(a->video_slots, b->video_slots));
    assert_true(bytes_equal(a->ufrag, b->ufrag));
    assert_true(bytes_equal(a->pwd, b->pwd));
    assert_true(bytes_equal(a->fingerprint, b->fingerprint));
    assert_int_equal(a->track, b->track);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->layers, b->layers);
    assert_true(bytes_equal(a->list, b->list));
}

static void every_kind_comes_back_and_no_part_of_it_does(void **state)
{
    struct signal_media all[KINDS], back;
    each_kind(*state, all);
    for (size_t i = 0; i < KINDS; i++) {
        struct buf out = {0};
        assert_int_equal(signal_media_write(&all[i], &out), 0);
        assert_in_range(out.n, 1, 8000);
        assert_int_equal(signal_media_read(buf_view(&out), &back), 0);
        assert_same(&all[i], &back);
        for (size_t n = 0; n < out.n; n++) {
            uint8_t *cut = malloc(n + 1); /* of its own size, so that reading beyond it is seen */
            assert_non_null(cut);
            memcpy(cut, out.p, n);
            assert_int_equal(signal_media_read(bytes_of(cut, n), &back), CONCLAVE_ESYNTAX);
            free(cut);
        }
        buf_put_zero(&out, 1);
        assert_int_equal(signal_media_read(buf_view(&out), &back), CONCLAVE_ESYNTAX);
        buf_free(&out);
    }
}

static void what_a_list_holds_is_found_in_it(void **state)
{
    const struct lists *l = *state;
    struct bytes rest = buf_view(&l->layers);
    struct signal_layer layer;
    struct signal_flow flow;
    uint32_t leaf, n = 0;
    for (; signal_next_layer(&rest, &layer); n++) {
        assert_int_equal(layer.ssrc, 1000 + n);
        assert_int_equal(layer.rtx, 2000 + n);
        assert_int_equal(layer.height, 180 << n);
        assert_true(bytes_equal(layer.rid, bytes_str("hi")));
    }
    assert_int_equal(n, SIGNAL_LAYERS_MAX);
    rest = buf_view(&l->flows);
    for (n = 0; signal_next_flow(&rest, &flow); n++) {
        assert_int_equal(flow.leaf, n);
        assert_int_equal(flow.gone, n % 2 != 0);
        assert_int_equal(flow.state, SIGNAL_FLOW_NARROW);
    }
    assert_int_equal(n, SIGNAL_FLOWS_MAX);
    rest = buf_view(&l->leaves);
    for (n = 0; signal_next_leaf(&rest, &leaf); n++)
        assert_int_equal(leaf, n);
    assert_int_equal(n, SIGNAL_SPEAKERS_MAX);
}

static void extensions_and_slots_are_found_in_their_lists(void **state)
{
    const struct lists *l = *state;
    struct bytes rest = buf_view(&l->extensions);
    struct signal_extension extension;
    struct signal_slot slot;
    uint32_t n = 0;
    for (; signal_next_extension(&rest, &extension); n++) {
        assert_int_equal(extension.id, n + 1);
        assert_int_equal(extension.which, 100 - n);
    }
    assert_int_equal(n, SIGNAL_EXTENSIONS_MAX);
    rest = buf_view(&l->slots);
    for (n = 0; signal_next_slot(&rest, &slot); n++) {
        assert_int_equal(slot.ssrc, 3000 + n);
        assert_int_equal(slot.rtx, 4000 + n);
    }
    assert_int_equal(n, SIGNAL_SLOTS_MAX);
}

static void refused(const struct signal_media *m)
{
    struct buf out = {0};
    assert_int_equal(signal_media_write(m, &out), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void each_rule_of_the_format_is_kept(void **state)
{
    struct lists *l = *state;
    struct signal_media all[KINDS], m;
    static const uint8_t long_text[SIGNAL_PWD_MAX + 1];
    each_kind(l, all);
    m = all[OPEN];
    m.ufrag = bytes_str("abc");
    refused(&m);
    m.ufrag = bytes_of(long_text, SIGNAL_UFRAG_MAX + 1);
    refused(&m);
    m = all[OPEN];
    m.pwd = bytes_str("too short");
    refused(&m);
    m.pwd = bytes_of(long_text, sizeof long_text);
    refused(&m);
    m = all[OPEN];
    m.ufrag.n = 0;
    refused(&m);
    m = all[OPEN];
    m.fingerprint.n--;
    refused(&m);
    m = all[ANSWER];
    m.ufrag.n = m.pwd.n = 0;
    refused(&m);
    m = all[LOGIN];
    m.ufrag.n = m.pwd.n = 0;
    refused(&m);
    m = all[PUBLISH];
    m.track = SIGNAL_TRACKS_MAX;
    refused(&m);
    m = all[PUBLISH];
    m.source = 0;
    refused(&m);
    m.source = SIGNAL_SCREEN + 1;
    refused(&m);
    m = all[PUBLISH];
    m.list = bytes_of(NULL, 0); /* a track without a layer */
    refused(&m);
    m = all[PUBLISH];
    m.format = 0;
    refused(&m);
    m.format = SIGNAL_SFRAME + 1;
    refused(&m);
    m = all[PUBLISH];
    m.mid = bytes_of(long_text, SIGNAL_MID_MAX + 1);
    refused(&m);
    m = all[CLOSE];
    m.transport = SIGNAL_TRANSPORTS_MAX;
    refused(&m);
    m = all[OPEN];
    m.roles = 0;
    refused(&m);
    m.roles = 4;
    refused(&m);
    m = all[STATE];
    m.state = 0;
    refused(&m);
    m.state = SIGNAL_REFUSED + 1;
    refused(&m);
    m.kind = (enum signal_media_kind)(SIGNAL_MEDIA_LOGIN + 1);
    refused(&m);
}

/* What a browser knows before it has negotiated. */
static void what_a_browser_cannot_know_yet_may_be_left_out(void **state)
{
    struct signal_media all[KINDS], back;
    struct signal_layer by_rid = {.rid = bytes_str("r0")}, layer;
    struct buf list = {0}, out = {0};
    each_kind(*state, all);
    all[OPEN].ufrag.n = all[OPEN].pwd.n = 0;
    assert_int_equal(signal_media_write(&all[OPEN], &out), 0);
    assert_int_equal(signal_media_read(buf_view(&out), &back), 0);
    assert_same(&all[OPEN], &back);
    signal_put_layer(&list, &by_rid);
    struct bytes rest = buf_view(&list);
    assert_true(signal_next_layer(&rest, &layer));
    assert_true(layer.ssrc == 0 && layer.rtx == 0 && bytes_equal(layer.rid, by_rid.rid));
    buf_free(&list);
    buf_free(&out);
}

static void a_list_has_its_limit(void **state)
{
    struct lists *l = *state;
    struct signal_media all[KINDS];
    struct signal_layer layer = {.ssrc = 1};
    struct signal_want want = {.source = SIGNAL_AUDIO};
    struct signal_candidate candidate = {bytes_of(address, 4), 1};
    struct signal_flow flow = {.source = SIGNAL_AUDIO, .state = SIGNAL_FLOW_WAITING};
    signal_put_layer(&l->layers, &layer);
    signal_put_want(&l->wants, &want);
    signal_put_candidate(&l->candidates, &candidate);
    signal_put_flow(&l->flows, &flow);
    signal_put_leaf(&l->leaves, 1);
    signal_put_extension(&l->extensions, &(struct signal_extension){1, 1});
    each_kind(l, all);
    const size_t with_lists[] = {OPEN, PUBLISH, SUBSCRIBE, ANSWER, FLOWS, SPEAKERS};
    for (size_t i = 0; i < sizeof with_lists / sizeof with_lists[0]; i++)
        refused(&all[with_lists[i]]);
}

static void slots_have_their_limit(void **state)
{
    struct lists *l = *state;
    struct signal_media all[KINDS], m;
    each_kind(l, all);
    m = all[ANSWER];
    m.audio_slots = m.video_slots = bytes_of(NULL, 0);
    signal_put_slot(&l->slots, &(struct signal_slot){1, 0});
    m.audio_slots = buf_view(&l->slots);
    refused(&m);
    m.video_slots = m.audio_slots;
    m.audio_slots = bytes_of(NULL, 0);
    refused(&m);
}

static void an_element_that_makes_no_sense_ends_its_list(void **state)
{
    struct buf list = {0};
    struct signal_layer twice = {.ssrc = 7, .rtx = 7}, layer;
    struct signal_candidate nowhere = {bytes_of(address, 5), 1}, candidate;
    struct signal_candidate no_port = {bytes_of(address, 4), 0};
    struct signal_want nothing = {.source = 9}, want;
    struct signal_extension no_id = {0, 1}, large_id = {15, 1}, extension;
    struct signal_slot same = {7, 7}, slot;
    struct signal_flow stateless = {.source = SIGNAL_AUDIO}, flow;
    (void)state;
    signal_put_layer(&list, &twice);
    struct bytes rest = buf_view(&list);
    assert_false(signal_next_layer(&rest, &layer));
    assert_int_not_equal(rest.n, 0);
    buf_clear(&list);
    signal_put_candidate(&list, &nowhere);
    rest = buf_view(&list);
    assert_false(signal_next_candidate(&rest, &candidate));
    buf_clear(&list);
    signal_put_candidate(&list, &no_port);
    rest = buf_view(&list);
    assert_false(signal_next_candidate(&rest, &candidate));
    buf_clear(&list);
    signal_put_want(&list, &nothing);
    rest = buf_view(&list);
    assert_false(signal_next_want(&rest, &want));
    buf_clear(&list);
    signal_put_extension(&list, &no_id);
    rest = buf_view(&list);
    assert_false(signal_next_extension(&rest, &extension));
    buf_clear(&list);
    signal_put_extension(&list, &large_id);
    rest = buf_view(&list);
    assert_false(signal_next_extension(&rest, &extension));
    buf_clear(&list);
    signal_put_slot(&list, &same);
    rest = buf_view(&list);
    assert_false(signal_next_slot(&rest, &slot));
    buf_clear(&list);
    signal_put_flow(&list, &stateless);
    rest = buf_view(&list);
    assert_false(signal_next_flow(&rest, &flow));
    buf_free(&list);
}

static void who_says_what(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 256; kind++)
        assert_int_equal(signal_media_from_member((enum signal_media_kind)kind),
                         kind >= SIGNAL_MEDIA_OPEN && kind <= SIGNAL_MEDIA_LOGIN);
}

static void without_memory_nothing_is_written(void **state)
{
    struct signal_media all[KINDS];
    each_kind(*state, all);
    for (size_t i = 0; i < KINDS; i++) {
        struct buf out = {0};
        alloc_fail_after(0);
        int rv = signal_media_write(&all[i], &out);
        alloc_fail_off();
        assert_int_equal(rv, CONCLAVE_ENOMEM);
        assert_int_equal(out.n, 0);
        assert_int_equal(signal_media_write(&all[i], &out), 0);
        buf_free(&out);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_lists, free_lists)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_comes_back_and_no_part_of_it_does),
        TEST(what_a_list_holds_is_found_in_it),
        TEST(extensions_and_slots_are_found_in_their_lists),
        TEST(each_rule_of_the_format_is_kept),
        TEST(what_a_browser_cannot_know_yet_may_be_left_out),
        TEST(a_list_has_its_limit),
        TEST(slots_have_their_limit),
        TEST(an_element_that_makes_no_sense_ends_its_list),
        TEST(who_says_what),
        TEST(without_memory_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
