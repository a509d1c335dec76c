/* Members' lines to a real switch behind a real desk, on a network that delays and loses, by a
 * virtual clock: media comes through unchanged; it comes back after a cut of either connection; and
 * what the switch refuses is asked again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/crypto.h>

#include "call/line.h"
#include "cmd/conclaved_media_desk.h"
#include "support/random.h"
#include "unit/call/pair.h"

#define MEMBERS 3
#define MEETING 5
#define FLIGHT 4096
#define DELAY_US (5 * MS)
#define SECOND CALL_SECOND
#define AHEAD 100 /* numbers a frame may be ahead of the one expected */

enum { TO_SWITCH = MEMBERS };

/* Something on its way: a datagram, or words over a control connection. */
struct letter {
    bool used, words;
    unsigned from, to; /* a member, or TO_SWITCH */
    uint64_t at_us, order;
    struct buf data;
};

struct got {
    uint32_t pictures, sounds, screens;
    uint32_t next[SIGNAL_SCREEN + 1]; /* of each source */
};

struct member {
    struct line *line;
    struct aead_engine *engine;
    struct rtc_address address;
    uint32_t pictures, sounds; /* sent */
    bool key_wanted;
    unsigned connected, lost, refused;
    uint8_t demand;
    unsigned flows; /* running, of the first member */
    uint32_t speaker;
    struct got got[MEMBERS]; /* by leaf */
};

struct world {
    uint64_t now, order;
    struct random random;
    unsigned loss; /* per cent, of datagrams */
    bool cut;      /* of datagrams */
    struct crypto *crypto;
    struct aead_engine *engine;
    struct dtls_identity *identity;
    struct sfu *sfu;
    struct media_desk *desk;
    struct rtc_address server;
    struct member members[MEMBERS];
    struct letter flight[FLIGHT];
    uint64_t epoch;
};

/* ---- The network ---- */

static void post(struct world *w, unsigned from, unsigned to, bool words, struct bytes data)
{
    if (!words && (w->cut || random_chance(&w->random, w->loss)))
        return;
    for (size_t i = 0; i < FLIGHT; i++) {
        struct letter *l = &w->flight[i];
        if (l->used)
            continue;
        *l = (struct letter){true, words, from, to, w->now + DELAY_US, w->order++, {0}};
        buf_put(&l->data, data);
        assert_int_equal(buf_check(&l->data), 0);
        return;
    }
    fail_msg("too much is on its way");
}

static void say(void *ctx, const uint64_t *conns, size_t n, struct bytes body)
{
    for (size_t i = 0; i < n; i++)
        post(ctx, TO_SWITCH, (unsigned)conns[i] - 1, true, body);
}

static struct letter *next_letter(struct world *w)
{
    struct letter *first = NULL;
    for (size_t i = 0; i < FLIGHT; i++) {
        struct letter *l = &w->flight[i];
        if (l->used && l->at_us <= w->now && (first == NULL || l->order < first->order))
            first = l;
    }
    return first;
}

/* ---- Members ---- */

static void take_frame(struct member *m, const struct call_event *f)
{
    static uint8_t data[PICTURE_MAX];
    struct got *g = &m->got[f->leaf];
    uint32_t *next = &g->next[f->source];
    for (uint32_t n = *next; n < *next + AHEAD; n++) {
        struct bytes want =
            f->source == SIGNAL_AUDIO ? sound_of(n, data) : picture_of(n, f->key, f->frame.n, data);
        if (!bytes_equal(f->frame, want))
            continue;
        *next = n + 1;
        g->sounds += f->source == SIGNAL_AUDIO;
        g->pictures += f->source == SIGNAL_CAMERA;
        g->screens += f->source == SIGNAL_SCREEN;
        return;
    }
    fail_msg("a frame of source %u that was not sent", f->source);
}

static void pump(struct world *w, unsigned who)
{
    struct member *m = &w->members[who];
    struct line_effect e;
    do {
        assert_int_equal(line_next(m->line, w->now, &e), 0);
        switch (e.kind) {
        case LINE_SAY:
            post(w, who, TO_SWITCH, true, e.data);
            break;
        case LINE_SEND:
            assert_true(rtc_address_equal(&e.to, &w->server));
            post(w, who, TO_SWITCH, false, e.data);
            break;
        case LINE_CONNECTED:
            m->connected++;
            break;
        case LINE_LOST:
            m->lost++;
            break;
        case LINE_REFUSED:
            m->refused++;
            break;
        case LINE_FRAME:
            take_frame(m, &e.frame);
            break;
        case LINE_KEY_FRAME_WANTED:
            m->key_wanted = true;
            break;
        case LINE_DEMAND:
            m->demand = e.source == SIGNAL_CAMERA ? e.layers : m->demand;
            break;
        case LINE_SPEAKERS:
            m->speaker = e.n_leaves != 0 ? e.leaves[0] : SIGNAL_NOBODY;
            break;
        case LINE_FLOW:
            m->flows += e.flow.state == SIGNAL_FLOW_RUNNING && !e.flow.gone && e.flow.leaf == 0;
            break;
        case LINE_NOTHING:
            break;
        }
    } while (e.kind != LINE_NOTHING);
}

/* ---- The switch ---- */

static void serve(struct world *w)
{
    struct sfu_group groups[16];
    size_t n;
    while ((n = sfu_output(w->sfu, groups, 16)) != 0) {
        for (size_t i = 0; i < n; i++) {
            size_t left = groups[i].count != 0 ? groups[i].n : 0;
            for (const uint8_t *p = groups[i].p; left != 0;) {
                size_t size = left < groups[i].segment ? left : groups[i].segment;
                for (unsigned k = 0; k < MEMBERS; k++)
                    if (rtc_address_equal(&groups[i].to, &w->members[k].address))
                        post(w, TO_SWITCH, k, false, bytes_of(p, size));
                p += size;
                left -= size;
            }
        }
        sfu_sent(w->sfu, n);
    }
    media_desk_tell(w->desk);
}

static void deliver(struct world *w, struct letter *l)
{
    if (l->to == TO_SWITCH && l->words)
        media_desk_hear(w->desk, MEETING, l->from + 1, l->from, buf_view(&l->data), w->now);
    else if (l->to == TO_SWITCH)
        (void)sfu_input(w->sfu, l->data.p, l->data.n, &w->members[l->from].address, w->now);
    else if (l->words)
        assert_int_equal(line_hear(w->members[l->to].line, buf_view(&l->data), w->now), 0);
    else
        assert_int_equal(
            line_input(w->members[l->to].line, l->data.p, l->data.n, &w->server, w->now), 0);
    if (l->to == TO_SWITCH)
        serve(w);
    else
        pump(w, l->to);
    buf_free(&l->data);
    l->used = false;
}

/* ---- Time ---- */

static void film(struct world *w, unsigned who, uint8_t source, uint32_t n, bool key)
{
    static uint8_t data[PICTURE_MAX];
    struct call_frame f = {
        .data = picture_of(n, key, 3000, data), .pts = n * UINT64_C(3000), .captured_us = w->now};
    int rv = line_send(w->members[who].line, source, 0, &f, w->now);
    assert_true(rv == 0 || rv == CONCLAVE_ESTATE);
    if (rv != 0)
        w->members[who].key_wanted = true;
}

static void speak(struct world *w, unsigned who, uint32_t n)
{
    uint8_t data[PICTURE_MAX];
    struct call_frame f = {.data = sound_of(n, data),
                           .pts = n * UINT64_C(960),
                           .captured_us = w->now,
                           .level = 20,
                           .voice = true};
    int rv = line_send(w->members[who].line, SIGNAL_AUDIO, 0, &f, w->now);
    assert_true(rv == 0 || rv == CONCLAVE_ESTATE);
}

/* The first member sends as long as it is told to. */
static void run(struct world *w, uint64_t us, bool sending)
{
    struct member *a = &w->members[0];
    for (uint64_t end = w->now + us; w->now < end; w->now += MS) {
        struct letter *l;
        uint64_t ms = w->now / MS;
        if (sending && ms % 20 == 0)
            speak(w, 0, a->sounds++);
        if (sending && ms % 33 == 0) {
            bool key = a->key_wanted;
            a->key_wanted = false;
            film(w, 0, SIGNAL_CAMERA, a->pictures++, key);
        }
        while ((l = next_letter(w)) != NULL)
            deliver(w, l);
        if (sfu_deadline(w->sfu) <= w->now)
            sfu_tick(w->sfu, w->now);
        serve(w);
        for (unsigned i = 0; i < MEMBERS; i++) {
            struct line *line = w->members[i].line;
            if (line_deadline(line) <= w->now)
                assert_int_equal(line_tick(line, w->now), 0);
            pump(w, i);
        }
    }
}

/* ---- Scenes ---- */

static void next_epoch(struct world *w)
{
    uint8_t key[32];
    w->epoch++;
    memset(key, (int)w->epoch, sizeof key);
    for (unsigned i = 0; i < MEMBERS; i++) {
        struct call_epoch e = {.id = w->epoch,
                               .base_key = bytes_of(key, sizeof key),
                               .group_size = MEMBERS,
                               .own_leaf = i};
        assert_int_equal(line_epoch(w->members[i].line, &e, w->now), 0);
    }
    media_desk_epoch(w->desk, MEETING, w->epoch, MEMBERS);
}

static void open_member(struct world *w, unsigned who)
{
    uint8_t ip[4] = {10, 0, 0, (uint8_t)(1 + who)};
    struct member *m = &w->members[who];
    assert_int_equal(aead_engine_new(AEAD_BEST, &m->engine), 0);
    const struct line_config config = {.crypto = w->crypto, .engine = m->engine};
    assert_int_equal(line_new(&config, w->now, &m->line), 0);
    m->address = rtc_address_ipv4(ip, 5000);
    m->speaker = SIGNAL_NOBODY;
}

static void open_switch(struct world *w)
{
    static const uint8_t ip[4] = {192, 0, 2, 7};
    struct buf candidates = {0};
    assert_int_equal(aead_engine_new(AEAD_BEST, &w->engine), 0);
    assert_int_equal(dtls_identity_new(w->now, &w->identity), 0);
    const struct sfu_config sfu = {
        .crypto = w->crypto, .engine = w->engine, .identity = w->identity};
    assert_int_equal(sfu_new(&sfu, &w->sfu), 0);
    signal_put_candidate(&candidates, &(struct signal_candidate){bytes_of(ip, sizeof ip), 4443});
    const struct media_desk_config desk = {.sfu = w->sfu,
                                           .crypto = w->crypto,
                                           .candidates = buf_view(&candidates),
                                           .ctx = w,
                                           .say = say};
    assert_int_equal(media_desk_new(&desk, &w->desk), 0);
    buf_free(&candidates);
    w->server = rtc_address_ipv4(ip, 4443);
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->now = UINT64_C(1700000000000000);
    w->random = (struct random){7};
    assert_int_equal(crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &w->crypto), 0);
    open_switch(w);
    for (unsigned i = 0; i < MEMBERS; i++)
        open_member(w, i);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < MEMBERS; i++) {
        line_free(w->members[i].line);
        aead_engine_free(w->members[i].engine);
    }
    for (size_t i = 0; i < FLIGHT; i++)
        buf_free(&w->flight[i].data);
    media_desk_free(w->desk);
    sfu_free(w->sfu);
    dtls_identity_free(w->identity);
    aead_engine_free(w->engine);
    crypto_free(w->crypto);
    free(w);
    return 0;
}

static void all_up(struct world *w)
{
    static const struct line_track sound = {SIGNAL_AUDIO, 1, {0}},
                                   camera = {SIGNAL_CAMERA, 1, {360}};
    static const struct signal_want want = {0, SIGNAL_CAMERA, 360};
    assert_int_equal(media_desk_open(w->desk, MEETING), 0);
    next_epoch(w);
    assert_int_equal(line_publish(w->members[0].line, &sound), 0);
    assert_int_equal(line_publish(w->members[0].line, &camera), 0);
    for (unsigned i = 0; i < MEMBERS; i++) {
        if (i != 0)
            assert_int_equal(line_want(w->members[i].line, &want, 1), 0);
        line_up(w->members[i].line);
    }
    run(w, SECOND, false);
    for (unsigned i = 0; i < MEMBERS; i++)
        assert_int_equal(w->members[i].connected, 1);
}

/* What came to the other two since; at least so many pictures. */
static void expect_more(struct world *w, const uint32_t *before, uint32_t pictures)
{
    for (unsigned i = 1; i < MEMBERS; i++) {
        assert_true(w->members[i].got[0].pictures >= before[i] + pictures);
        assert_true(w->members[i].got[0].sounds != 0);
    }
}

static void note(const struct world *w, uint32_t *out)
{
    for (unsigned i = 0; i < MEMBERS; i++)
        out[i] = w->members[i].got[0].pictures;
}

/* ---- Tests ---- */

static void all_that_is_sent_comes_out_at_the_others(void **state)
{
    struct world *w = *state;
    struct line_stats stats;
    struct call_layer_stats layer;
    all_up(w);
    run(w, 3 * SECOND, true);
    run(w, SECOND, false);
    for (unsigned i = 1; i < MEMBERS; i++) {
        const struct member *m = &w->members[i];
        /* The first picture is a key frame that somebody asked for. */
        assert_in_range(m->got[0].pictures, w->members[0].pictures - 12, w->members[0].pictures);
        assert_in_range(m->got[0].sounds, w->members[0].sounds - 3, w->members[0].sounds);
        assert_int_equal(m->speaker, 0);
        assert_in_range(m->flows, 2, 4); /* sound and pictures */
        line_stats(m->line, &stats);
        assert_int_equal(stats.call.lost, 0);
        assert_int_equal(stats.refused_in, 0);
        assert_true(stats.connected);
    }
    assert_int_equal(w->members[0].demand, 1);
    assert_int_equal(line_layer_stats(w->members[0].line, SIGNAL_CAMERA, 0, &layer), 0);
    assert_true(layer.frames != 0 && layer.rtt_us != 0);
}

static void a_new_epoch_loses_nothing(void **state)
{
    struct world *w = *state;
    all_up(w);
    run(w, SECOND, true);
    uint32_t sounds = w->members[0].sounds - w->members[1].got[0].sounds;
    for (unsigned i = 0; i < 10; i++) {
        next_epoch(w);
        run(w, 400 * MS, true);
    }
    assert_true(w->members[0].sounds - w->members[1].got[0].sounds <= sounds + 1);
    assert_int_equal(w->members[1].lost, 0);
}

static void losses_are_made_good(void **state)
{
    struct world *w = *state;
    struct call_layer_stats layer;
    all_up(w);
    w->loss = 5;
    run(w, 5 * SECOND, true);
    w->loss = 0;
    run(w, SECOND, true);
    run(w, SECOND, false);
    for (unsigned i = 1; i < MEMBERS; i++)
        assert_true(w->members[i].got[0].pictures * 10 >= w->members[0].pictures * 9);
    assert_int_equal(line_layer_stats(w->members[0].line, SIGNAL_CAMERA, 0, &layer), 0);
    assert_true(layer.resent != 0);
}

static void media_comes_back_after_a_minute_without_network(void **state)
{
    struct world *w = *state;
    uint32_t before[MEMBERS];
    all_up(w);
    run(w, SECOND, true);
    w->cut = true;
    run(w, 60 * SECOND, true);
    for (unsigned i = 0; i < MEMBERS; i++)
        assert_int_equal(w->members[i].lost, 1); /* consent has ended */
    note(w, before);
    for (unsigned i = 1; i < MEMBERS; i++) /* what was not sent has numbers, too */
        w->members[i].got[0] = (struct got){.pictures = before[i]};
    w->cut = false;
    w->members[0].pictures = w->members[0].sounds = 0;
    run(w, 40 * SECOND, false);
    run(w, 2 * SECOND, true);
    for (unsigned i = 0; i < MEMBERS; i++)
        assert_int_equal(w->members[i].connected, 2);
    expect_more(w, before, 40);
}

static void media_comes_back_with_the_control_connection(void **state)
{
    struct world *w = *state;
    uint32_t before[MEMBERS];
    all_up(w);
    run(w, SECOND, true);
    for (unsigned i = 0; i < MEMBERS; i++) {
        media_desk_gone(w->desk, i + 1);
        line_down(w->members[i].line);
    }
    run(w, 100 * MS, true); /* what is on its way is of no transport any more */
    note(w, before);
    for (unsigned i = 0; i < MEMBERS; i++)
        line_up(w->members[i].line);
    run(w, 3 * SECOND, true);
    for (unsigned i = 0; i < MEMBERS; i++)
        assert_int_equal(w->members[i].connected, 2);
    expect_more(w, before, 60);
}

static void what_was_refused_is_asked_again(void **state)
{
    struct world *w = *state;
    static const struct signal_want want = {0, SIGNAL_CAMERA, 360};
    line_up(w->members[1].line); /* there is no such meeting yet */
    assert_int_equal(line_want(w->members[1].line, &want, 1), 0);
    run(w, 500 * MS, false);
    assert_true(w->members[1].refused != 0);
    assert_int_equal(w->members[1].connected, 0);
    assert_int_equal(media_desk_open(w->desk, MEETING), 0);
    run(w, 4 * SECOND, false);
    assert_int_equal(w->members[1].connected, 1);
}

static void a_track_ends_and_another_begins(void **state)
{
    static const struct line_track screen = {SIGNAL_SCREEN, 1, {720}};
    static const struct signal_want wants[] = {{0, SIGNAL_CAMERA, 360}, {0, SIGNAL_SCREEN, 1080}};
    struct world *w = *state;
    struct call_frame f = {0};
    all_up(w);
    run(w, SECOND, true);
    line_unpublish(w->members[0].line, SIGNAL_CAMERA);
    assert_int_equal(line_send(w->members[0].line, SIGNAL_CAMERA, 0, &f, w->now),
                     CONCLAVE_ENOTFOUND);
    assert_int_equal(line_publish(w->members[0].line, &screen), 0);
    assert_int_equal(line_publish(w->members[0].line, &screen), CONCLAVE_EDUPLICATE);
    assert_int_equal(line_want(w->members[1].line, wants, 2), 0);
    run(w, 500 * MS, false);
    w->members[1].got[0].next[SIGNAL_SCREEN] = 0;
    for (uint32_t n = 0; n < 30; n++) {
        film(w, 0, SIGNAL_SCREEN, n, n == 0);
        run(w, 33 * MS, false);
    }
    run(w, 500 * MS, false);
    assert_int_equal(w->members[1].got[0].screens, 30);
}

static void words_that_are_wrong_change_nothing(void **state)
{
    static const uint8_t member_word[] = {5, 0}; /* close: a member's */
    struct world *w = *state;
    all_up(w);
    assert_int_equal(line_hear(w->members[1].line, bytes_str("no message"), w->now),
                     CONCLAVE_ESYNTAX);
    assert_int_equal(line_hear(w->members[1].line, bytes_of(NULL, 0), w->now), CONCLAVE_ESYNTAX);
    assert_int_equal(line_hear(w->members[1].line, bytes_of(member_word, 2), w->now),
                     CONCLAVE_EUNSUPPORTED);
    run(w, SECOND, true);
    run(w, SECOND, false);
    assert_int_equal(w->members[1].connected, 1);
    assert_true(w->members[1].got[0].pictures != 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_that_is_sent_comes_out_at_the_others),
        TEST(a_new_epoch_loses_nothing),
        TEST(losses_are_made_good),
        TEST(media_comes_back_after_a_minute_without_network),
        TEST(media_comes_back_with_the_control_connection),
        TEST(what_was_refused_is_asked_again),
        TEST(a_track_ends_and_another_begins),
        TEST(words_that_are_wrong_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
