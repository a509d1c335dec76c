/* Meetings through the switch, over networks that lose, shuffle, choke and go dark. Whatever comes
 * out is checked byte by byte (support/sfu_world.h); here it is about how much, how soon, and what
 * is given up first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "support/sfu_world.h"

static const struct world_path bad = {
    .delay_us = 30 * MS, .jitter_us = 15 * MS, .loss = 20, .duplicates = 5};

static void print(const char *name, struct sfu_world *w)
{
    struct sfu_stats s;

    sfu_stats(w->sfu, &s);
    printf("%s: %llu packets in, %llu out; from senders %llu recovered and %llu lost; %llu sent "
           "again; %llu key frames asked\n",
           name, (unsigned long long)s.counters.packets_in,
           (unsigned long long)s.counters.packets_out, (unsigned long long)s.counters.recovered_in,
           (unsigned long long)s.counters.lost_in, (unsigned long long)s.counters.retransmitted,
           (unsigned long long)s.counters.key_frames_asked);
}

/* Members on leaves 0 to n-1 who speak and film, and watch each other. */
static struct sfu_world *open_meeting(uint64_t seed, unsigned n, bool secure,
                                      const struct world_path *path)
{
    struct sfu_world *w = sfu_world_new(seed, NULL);

    for (uint32_t leaf = 0; leaf < n; leaf++) {
        struct world_member *m =
            secure ? sfu_world_join_securely(w, leaf) : sfu_world_join(w, leaf);
        if (path != NULL)
            m->up = m->down = *path;
        sfu_world_speak(m, 30);
        sfu_world_film(m, SFU_CAMERA, 3);
    }
    sfu_world_watch_all(w, 720);
    return w;
}

/* The longest any picture stood still, and the fewest frames any of them had. */
static uint64_t worst_freeze(struct sfu_world *w, unsigned *out_fewest)
{
    uint64_t worst = 0;

    *out_fewest = UINT32_MAX;
    for (size_t i = 0; i < w->n_members; i++)
        for (uint32_t leaf = 0; leaf < w->n_members; leaf++) {
            const struct world_slot *slot = sfu_world_slot(&w->members[i], leaf, SFU_CAMERA);
            if (leaf == w->members[i].leaf)
                continue;
            assert_non_null(slot);
            worst = slot->freeze_us > worst ? slot->freeze_us : worst;
            *out_fewest = slot->frames < *out_fewest ? slot->frames : *out_fewest;
        }
    return worst;
}

static void forget_the_past(struct sfu_world *w)
{
    for (size_t i = 0; i < w->n_members; i++) {
        for (size_t k = 0; k < SFU_VIDEO_SLOTS; k++)
            w->members[i].slots[k].freeze_us = w->members[i].slots[k].frames = 0;
        for (size_t k = 0; k < WORLD_MEMBERS; k++)
            w->members[i].heard[k] = (struct world_heard){0};
    }
}

/* ---- As it should be ---- */

static void on_a_good_network_everybody_sees_and_hears_everything(void **state)
{
    unsigned fewest;

    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        struct sfu_world *w = open_meeting(1, 3, secure != 0, NULL);
        sfu_world_run(w, 3 * SECOND);
        forget_the_past(w);
        sfu_world_run(w, 10 * SECOND);
        assert_true(worst_freeze(w, &fewest) < 50 * MS);
        assert_in_range(fewest, 299, 301);
        for (uint32_t leaf = 1; leaf < 3; leaf++) {
            assert_int_equal(sfu_world_slot(&w->members[0], leaf, SFU_CAMERA)->layer, 2);
            assert_in_range(w->members[0].heard[leaf].packets, 499, 501);
        }
        print(secure ? "with ICE, DTLS and SRTP" : "plain", w);
        sfu_world_free(w);
    }
}

static void at_two_per_cent_loss_nothing_stands_still(void **state)
{
    unsigned fewest;

    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sfu_world *w = open_meeting(seed, 6, false, &bad);
        sfu_world_run(w, 5 * SECOND);
        forget_the_past(w);
        sfu_world_run(w, 20 * SECOND);
        uint64_t freeze = worst_freeze(w, &fewest);
        print("2 % loss both ways", w);
        printf("  longest freeze %llu ms, fewest frames %u of 600\n",
               (unsigned long long)(freeze / MS), fewest);
        assert_true(freeze < SECOND);
        assert_in_range(fewest, 570, 601);
        sfu_world_free(w);
    }
}

/* ---- Bursts ---- */

/* Time from when packets come through again until a picture moves. */
static uint64_t recovery(struct sfu_world *w, struct world_member *m, uint64_t light)
{
    uint64_t worst = 0;

    for (uint32_t leaf = 0; leaf < w->n_members; leaf++) {
        const struct world_slot *slot = sfu_world_slot(m, leaf, SFU_CAMERA);
        if (leaf == m->leaf || slot == NULL)
            continue;
        uint64_t waited = 0;
        while (slot->last_us < light && waited < 20 * SECOND) {
            sfu_world_run(w, 10 * MS);
            waited = w->now - light;
        }
        worst = waited > worst ? waited : worst;
    }
    return worst;
}

static void after_a_dark_second_pictures_move_again_within_one(void **state)
{
    (void)state;
    for (int upwards = 0; upwards < 2; upwards++) {
        struct sfu_world *w = open_meeting(9, 4, false, NULL);
        sfu_world_run(w, 5 * SECOND);
        struct world_path *path = upwards ? &w->members[1].up : &w->members[0].down;
        path->dark_from = w->now;
        path->dark_to = w->now + SECOND;
        sfu_world_run(w, SECOND);
        uint64_t took = recovery(w, &w->members[0], w->now);
        printf("recovered %s after %llu ms\n", upwards ? "upwards" : "downwards",
               (unsigned long long)(took / MS));
        assert_true(took <= SECOND);
        sfu_world_run(w, 20 * SECOND);
        assert_int_equal(sfu_world_slot(&w->members[0], 1, SFU_CAMERA)->layer, 2);
        sfu_world_free(w);
    }
}

/* ---- Narrow paths ---- */

struct narrow {
    uint64_t rate;
    unsigned pictures; /* at least, of three */
};

/* 150 kbit/s of voices have to go through all of these. */
static void when_a_path_narrows_layers_go_then_pictures_and_never_sound(void **state)
{
    static const struct narrow steps[] = {
        {3000000, 3}, {1000000, 3}, {450000, 1}, {250000, 0}, {450000, 1}};

    (void)state;
    struct sfu_world *w = open_meeting(3, 4, false, NULL);
    struct world_member *m = &w->members[0];
    sfu_world_run(w, 10 * SECOND);
    m->down.queue_us = 400 * MS;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct sfu_peer_stats stats;
        m->down.rate = steps[i].rate;
        sfu_world_run(w, 4 * SECOND); /* to notice, and to let the queue run empty */
        forget_the_past(w);
        uint64_t dropped = m->down.dropped;
        sfu_world_run(w, 16 * SECOND);
        assert_int_equal(sfu_peer_stats(w->sfu, m->number, w->now, &stats), 0);
        printf("%llu kbit/s: %llu believed, %llu used, %u pictures; sound at most %llu ms late, "
               "%llu ms apart\n",
               (unsigned long long)steps[i].rate / 1000, (unsigned long long)stats.bandwidth / 1000,
               (unsigned long long)stats.rate_out / 1000, stats.flowing,
               (unsigned long long)(m->heard[1].late_us / MS),
               (unsigned long long)(m->heard[1].gap_us / MS));
        assert_true(stats.bandwidth <= steps[i].rate * 11 / 10);
        assert_true(stats.flowing >= steps[i].pictures);
        assert_int_equal(m->down.dropped, dropped);
        for (uint32_t leaf = 1; leaf < 4; leaf++) {
            assert_in_range(m->heard[leaf].packets, 795, 805);
            assert_true(m->heard[leaf].late_us < 250 * MS);
            assert_true(m->heard[leaf].gap_us < 150 * MS);
        }
        /* the others do not notice */
        const struct world_slot *other = sfu_world_slot(&w->members[1], 2, SFU_CAMERA);
        assert_true(other->freeze_us < 300 * MS && other->frames >= 475);
    }
    sfu_world_free(w);
}

static void when_a_path_widens_everything_comes_back(void **state)
{
    (void)state;
    struct sfu_world *w = open_meeting(4, 4, false, NULL);
    struct world_member *m = &w->members[0];
    m->down.rate = 250000;
    m->down.queue_us = 400 * MS;
    sfu_world_run(w, 20 * SECOND);
    m->down.rate = 0;
    uint64_t from = w->now;
    for (uint32_t leaf = 1; leaf < 4; leaf++)
        while (sfu_world_slot(m, leaf, SFU_CAMERA) == NULL ||
               sfu_world_slot(m, leaf, SFU_CAMERA)->layer < 2) {
            assert_true(w->now - from < 20 * SECOND);
            sfu_world_run(w, 100 * MS);
        }
    printf("all layers after %llu ms\n", (unsigned long long)((w->now - from) / MS));
    sfu_world_free(w);
}

static void who_says_nothing_at_all_gets_less_and_disturbs_nobody(void **state)
{
    struct sfu_peer_stats stats;
    unsigned fewest;

    (void)state;
    struct sfu_world *w = open_meeting(5, 4, false, NULL);
    w->members[3].deaf = true;
    sfu_world_run(w, 5 * SECOND);
    forget_the_past(w);
    sfu_world_run(w, 20 * SECOND);
    assert_int_equal(sfu_peer_stats(w->sfu, w->members[3].number, w->now, &stats), 0);
    assert_true(stats.bandwidth <= 100000);
    assert_int_equal(stats.flowing, 0);
    assert_in_range(w->members[3].heard[0].packets, 990, 1010); /* but it hears */
    w->n_members = 3;
    assert_true(worst_freeze(w, &fewest) < 100 * MS);
    w->n_members = 4;
    sfu_world_free(w);
}

/* ---- Many ---- */

#define CROWD 40

static void in_a_crowd_those_who_speak_are_heard(void **state)
{
    (void)state;
    struct sfu_world *w = sfu_world_new(6, NULL);
    for (uint32_t leaf = 0; leaf < CROWD; leaf++) {
        struct world_member *m = sfu_world_join(w, leaf);
        m->up = m->down = bad;
        sfu_world_speak(m, SFU_LEVEL_SILENCE);
        sfu_world_film(m, SFU_CAMERA, 2);
    }
    sfu_world_watch_all(w, 180);
    sfu_world_run(w, 3 * SECOND);
    for (uint32_t turn = 0; turn < 5; turn++) {
        struct world_member *speaker = &w->members[CROWD - 1 - turn * 7];
        forget_the_past(w);
        sfu_world_speak(speaker, 25);
        sfu_world_run(w, 3 * SECOND);
        assert_int_equal(w->speaker, speaker->leaf);
        for (size_t i = 0; i < CROWD; i++)
            if (&w->members[i] != speaker)
                assert_true(w->members[i].heard[speaker->leaf].packets > 125);
        sfu_world_speak(speaker, SFU_LEVEL_SILENCE);
        sfu_world_run(w, 2 * SECOND);
    }
    assert_int_equal(w->speaker_changes, 5);
    /* nobody gets more voices than there are slots */
    uint64_t voices = 0;
    for (size_t k = 0; k < CROWD; k++)
        voices += w->members[0].heard[k].packets;
    assert_true(voices <= UINT64_C(5) * 50 * (SFU_AUDIO_SLOTS_DEFAULT + 1));
    unsigned moving = 0;
    for (size_t k = 0; k < SFU_VIDEO_SLOTS; k++)
        moving += w->members[0].slots[k].frames > 120;
    assert_int_equal(moving, SFU_VIDEO_SLOTS_DEFAULT);
    print("a crowd", w);
    sfu_world_free(w);
}

static void people_come_and_go_and_no_stream_gets_stuck(void **state)
{
    struct sfu_stats stats;
    uint32_t leaf = 4;

    (void)state;
    struct sfu_world *w = open_meeting(8, 4, false, &bad);
    for (unsigned i = 0; i < 30; i++) {
        sfu_world_run(w, 2 * SECOND);
        struct world_member *m = sfu_world_join(w, leaf++);
        m->up = m->down = bad;
        sfu_world_speak(m, 30);
        sfu_world_film(m, SFU_CAMERA, 3);
        if (i % 3 != 0)
            sfu_world_leave(&w->members[i]);
        sfu_world_watch_all(w, 720);
        sfu_world_run(w, 1500 * MS);
        for (size_t a = 0; a < w->n_members; a++)
            for (size_t b = 0; b < w->n_members; b++) {
                const struct world_member *of = &w->members[b];
                /* a newcomer's bandwidth has yet to be found out */
                if (a == b || !w->members[a].here || !of->here || a + 2 > w->n_members)
                    continue;
                const struct world_slot *slot =
                    sfu_world_slot(&w->members[a], of->leaf, SFU_CAMERA);
                assert_non_null(slot);
                assert_true(w->now - slot->last_us < SECOND);
            }
    }
    print("coming and going", w);
    printf("  at most %zu MB\n", w->most_memory >> 20);
    for (size_t i = 0; i < w->n_members; i++)
        sfu_world_leave(&w->members[i]);
    sfu_stats(w->sfu, &stats);
    assert_int_equal(stats.peers, 0);
    assert_int_equal(stats.blocks_used, 0);
    assert_int_equal(stats.memory, sfu_outbox_memory());
    sfu_world_free(w);
}

/* ---- What senders are asked ---- */

static void a_new_epoch_brings_a_key_frame(void **state)
{
    (void)state;
    struct sfu_world *w = open_meeting(10, 3, false, NULL);
    for (uint64_t epoch = 1; epoch <= 2; epoch++)
        assert_int_equal(sfu_meeting_epoch(w->sfu, WORLD_MEETING, epoch, 128), 0);
    sfu_world_run(w, 5 * SECOND);
    const struct world_stream *s = &w->members[0].streams[WORLD_CAMERA + 2];
    unsigned before = s->key_frames;
    sfu_world_run(w, 5 * SECOND);
    assert_int_equal(s->key_frames, before);
    w->members[0].epoch = 2;
    sfu_world_run(w, 500 * MS);
    assert_int_equal(s->key_frames, before + 1);
    assert_int_equal(s->asked, before); /* the first came by itself */
    sfu_world_free(w);
}

static void a_sender_may_leave_out_what_nobody_wants(void **state)
{
    (void)state;
    struct sfu_world *w = open_meeting(11, 3, false, NULL);
    for (size_t i = 0; i < 3; i++)
        w->members[i].obeys = true;
    sfu_world_watch_all(w, 180);
    sfu_world_run(w, 5 * SECOND);
    const struct world_stream *s = &w->members[0].streams[WORLD_CAMERA];
    assert_true(s[0].on && !s[1].on && !s[2].on);
    sfu_world_watch_all(w, 360);
    sfu_world_run(w, 3 * SECOND);
    assert_true(s[0].on && s[1].on && !s[2].on);
    assert_int_equal(sfu_world_slot(&w->members[1], 0, SFU_CAMERA)->layer, 1);
    sfu_world_watch(&w->members[1], NULL, 0);
    sfu_world_watch(&w->members[2], NULL, 0);
    sfu_world_run(w, 5 * SECOND);
    assert_true(!s[0].on && !s[1].on && !s[2].on);
    sfu_world_watch_all(w, 720);
    sfu_world_run(w, 5 * SECOND);
    assert_int_equal(sfu_world_slot(&w->members[1], 0, SFU_CAMERA)->layer, 2);
    sfu_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_a_good_network_everybody_sees_and_hears_everything),
        cmocka_unit_test(at_two_per_cent_loss_nothing_stands_still),
        cmocka_unit_test(after_a_dark_second_pictures_move_again_within_one),
        cmocka_unit_test(when_a_path_narrows_layers_go_then_pictures_and_never_sound),
        cmocka_unit_test(when_a_path_widens_everything_comes_back),
        cmocka_unit_test(who_says_nothing_at_all_gets_less_and_disturbs_nobody),
        cmocka_unit_test(in_a_crowd_those_who_speak_are_heard),
        cmocka_unit_test(people_come_and_go_and_no_stream_gets_stuck),
        cmocka_unit_test(a_new_epoch_brings_a_key_frame),
        cmocka_unit_test(a_sender_may_leave_out_what_nobody_wants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
