/* Four members' media by a virtual clock, each packet forwarded to all others over a network that
 * loses, delays and reorders, while the group goes through a hundred epochs: joins, and removals of
 * members that are of no interest here. Commits reach each member at a time of its own. Each frame
 * must come out at each other member: once, in order, as its sender's and with its content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "call/call.h"
#include "support/random.h"

#define MS CALL_MILLISECOND
#define MEMBERS 4u
#define GROUP 32u
#define EPOCHS 100u
#define LENGTH_MS 30000u
#define QUIET_MS 2000u
#define FRAMES 2000u /* of one track */
#define KINDS 2u     /* sound, camera */
#define FRAME_BYTES 30100u

enum { KIND_SOUND, KIND_CAMERA };

struct datagram {
    struct datagram *next;
    uint32_t to;
    size_t n;
    uint8_t p[];
};

struct member {
    struct call *call;
    uint64_t epoch; /* the newest it has */
    uint32_t sent[KINDS];
    uint32_t keys_asked;
    bool wants_key;
    /* of each other member */
    uint32_t next[MEMBERS][KINDS]; /* the first frame it has not seen */
    uint32_t got[MEMBERS][KINDS];
};

struct world {
    struct random random;
    unsigned loss;
    uint64_t now_ms;
    struct member members[MEMBERS];
    uint64_t change_ms[EPOCHS], learns_ms[EPOCHS][MEMBERS];
    bool removal[EPOCHS];
    struct datagram *due[LENGTH_MS + QUIET_MS + 200];
    long packets, lost;
};

/* ---- Frames: functions of sender, kind and number ---- */

static struct bytes frame_of(uint32_t sender, uint32_t kind, uint32_t n, bool key, uint8_t *out)
{
    static const uint8_t key_start[] = {0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
    static const uint8_t delta_start[] = {0x51, 0x01, 0x00};
    struct random r = {(uint64_t)sender << 40 | (uint64_t)kind << 32 | n};
    size_t size = kind == KIND_SOUND ? 80 : key ? 30000 : 100 + random_below(&r, 5000);
    random_fill(&r, out, size);
    if (kind == KIND_CAMERA) {
        memcpy(out, key ? key_start : delta_start, key ? sizeof key_start : sizeof delta_start);
        memcpy(out + 10, &n, sizeof n);
    } else {
        memcpy(out, &n, sizeof n);
    }
    return bytes_of(out, size);
}

static uint32_t number_of(uint32_t kind, struct bytes frame)
{
    uint32_t n;
    assert_true(frame.n >= 14);
    memcpy(&n, frame.p + (kind == KIND_CAMERA ? 10 : 0), sizeof n);
    return n;
}

static void send_frame(struct world *w, uint32_t who, uint32_t kind)
{
    static uint8_t data[FRAME_BYTES];
    struct member *m = &w->members[who];
    uint32_t n = m->sent[kind]++;
    bool key = n % 300 == 0 || m->wants_key;
    struct call_frame f = {
        .data = frame_of(who, kind, n, key, data),
        .pts = n * (kind == KIND_SOUND ? UINT64_C(960) : UINT64_C(3000)),
        .captured_us = w->now_ms * MS,
    };
    assert_true(n < FRAMES);
    assert_int_equal(call_send(m->call, (uint8_t)kind, 0, &f, w->now_ms * MS), 0);
    if (kind == KIND_CAMERA)
        m->wants_key = false;
}

/* ---- The network ---- */

static void forward(struct world *w, uint32_t from, struct bytes packet)
{
    for (uint32_t to = 0; to < MEMBERS; to++) {
        if (to == from)
            continue;
        w->packets++;
        if (random_chance(&w->random, w->loss)) {
            w->lost++;
            continue;
        }
        uint64_t at = w->now_ms + 10 + random_below(&w->random, 30);
        struct datagram *d = malloc(sizeof *d + packet.n);
        assert_non_null(d);
        *d = (struct datagram){.next = w->due[at], .to = to, .n = packet.n};
        memcpy(d->p, packet.p, packet.n);
        w->due[at] = d;
    }
}

static void send_all(struct world *w, uint32_t who)
{
    struct call_packet p;
    for (;;) {
        assert_int_equal(call_output(w->members[who].call, w->now_ms * MS, &p), 0);
        if (p.data.n == 0)
            return;
        forward(w, who, p.data);
    }
}

/* ---- Receiving ---- */

static void check_frame(struct world *w, struct member *m, const struct call_event *e)
{
    static uint8_t expected[FRAME_BYTES];
    uint32_t kind = e->source == SIGNAL_AUDIO ? KIND_SOUND : KIND_CAMERA;
    uint32_t n = number_of(kind, e->frame);
    assert_true(e->leaf < MEMBERS && m != &w->members[e->leaf]);
    assert_true(n >= m->next[e->leaf][kind] && n < w->members[e->leaf].sent[kind]);
    assert_true(bytes_equal(e->frame, frame_of(e->leaf, kind, n, e->key, expected)));
    m->next[e->leaf][kind] = n + 1;
    m->got[e->leaf][kind]++;
}

static void take_events(struct world *w, struct member *m)
{
    struct call_event e;
    for (;;) {
        assert_int_equal(call_next(m->call, w->now_ms * MS, &e), 0);
        if (e.what == CALL_NOTHING)
            return;
        if (e.what == CALL_FRAME) {
            check_frame(w, m, &e);
        } else {
            assert_int_equal(e.track, KIND_CAMERA);
            m->wants_key = true;
            m->keys_asked++;
        }
    }
}

static void deliver(struct world *w)
{
    struct datagram *d;
    while ((d = w->due[w->now_ms]) != NULL) {
        struct member *m = &w->members[d->to];
        w->due[w->now_ms] = d->next;
        assert_int_equal(call_input(m->call, bytes_of(d->p, d->n), w->now_ms * MS), 0);
        take_events(w, m);
        free(d);
    }
}

/* ---- Epochs ---- */

static void learn(struct world *w, uint32_t who, uint64_t epoch)
{
    uint8_t key[32] = {(uint8_t)epoch, 0x21};
    uint32_t removed = MEMBERS + (uint32_t)epoch % (GROUP - MEMBERS);
    struct call_epoch e = {
        .id = 1000 + epoch,
        .base_key = bytes_of(key, sizeof key),
        .group_size = GROUP,
        .own_leaf = who,
        .removed = &removed,
        .n_removed = w->removal[epoch],
    };
    assert_int_equal(call_epoch(w->members[who].call, &e, w->now_ms * MS), 0);
    w->members[who].epoch = epoch;
}

static void learn_what_is_due(struct world *w, uint32_t who)
{
    for (uint64_t e = w->members[who].epoch + 1; e < EPOCHS; e++) {
        if (w->learns_ms[e][who] > w->now_ms)
            return;
        learn(w, who, e);
        take_events(w, &w->members[who]);
    }
}

/* Each change after the one before it has reached all. */
static void plan_epochs(struct world *w, unsigned spread_ms)
{
    for (uint64_t e = 1; e < EPOCHS; e++) {
        w->change_ms[e] = w->change_ms[e - 1] + spread_ms + random_below(&w->random, 100);
        w->removal[e] = random_chance(&w->random, 40);
        for (uint32_t i = 0; i < MEMBERS; i++)
            w->learns_ms[e][i] = w->change_ms[e] + random_below(&w->random, spread_ms);
    }
    assert_true(w->change_ms[EPOCHS - 1] + 500 < LENGTH_MS);
}

/* ---- The run ---- */

static uint32_t ssrc_of(uint32_t who, uint32_t kind, bool rtx)
{
    return 0x1000 + who * 16 + kind * 2 + rtx;
}

static void member_init(struct world *w, uint32_t who)
{
    struct member *m = &w->members[who];
    struct call_config config = {
        .epoch_bits = 6, .opus = 111, .vp8 = 96, .rtx = 97, .ssrc = 0x9000 + who};
    assert_int_equal(call_new(&config, &m->call), 0);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        for (uint32_t kind = 0; kind < KINDS; kind++) {
            uint32_t ssrc = ssrc_of(i, kind, false), rtx = ssrc_of(i, kind, true);
            uint8_t source = kind == KIND_SOUND ? SIGNAL_AUDIO : SIGNAL_CAMERA;
            struct call_track t = {(uint8_t)kind, source, 1, {{ssrc, rtx, 65000, ssrc * 77777}}};
            struct signal_flow f = {.leaf = i, .source = source, .ssrc = ssrc, .rtx = rtx};
            assert_int_equal(i == who ? call_publish(m->call, &t) : call_flow(m->call, &f), 0);
        }
    }
    learn(w, who, 0);
}

static void step(struct world *w)
{
    deliver(w);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct member *m = &w->members[i];
        learn_what_is_due(w, i);
        if (w->now_ms < LENGTH_MS && w->now_ms % 20 == i)
            send_frame(w, i, KIND_SOUND);
        if (w->now_ms < LENGTH_MS && w->now_ms % 33 == i)
            send_frame(w, i, KIND_CAMERA);
        if (call_deadline(m->call) > w->now_ms * MS)
            continue;
        take_events(w, m);
        send_all(w, i);
    }
    w->now_ms++;
}

static struct world *run(uint64_t seed, unsigned loss, unsigned spread_ms)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->random.state = seed;
    w->loss = loss;
    plan_epochs(w, spread_ms);
    for (uint32_t i = 0; i < MEMBERS; i++)
        member_init(w, i);
    while (w->now_ms < LENGTH_MS + QUIET_MS)
        step(w);
    return w;
}

static void finish(struct world *w)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        call_free(w->members[i].call);
    for (size_t i = 0; i < sizeof w->due / sizeof w->due[0]; i++) {
        for (struct datagram *d = w->due[i], *next; d != NULL; d = next) {
            next = d->next;
            free(d);
        }
    }
    free(w);
}

/* Frames of a kind that did not come out at somebody, and how many should have. */
static uint64_t count_missing_of(const struct world *w, uint32_t kind, uint64_t *out_of)
{
    uint64_t missing = 0;
    *out_of = 0;
    for (uint32_t i = 0; i < MEMBERS; i++) {
        for (uint32_t k = 0; k < MEMBERS; k++) {
            if (k == i)
                continue;
            missing += w->members[k].sent[kind] - w->members[i].got[k][kind];
            *out_of += w->members[k].sent[kind];
        }
    }
    return missing;
}

static uint64_t count_missing(const struct world *w)
{
    uint64_t missing = 0, all;
    for (uint32_t kind = 0; kind < KINDS; kind++)
        missing += count_missing_of(w, kind, &all);
    return missing;
}

/* Whatever the network does, nothing that is true is refused. */
static void check_refusals(const struct world *w, struct call_stats *sum)
{
    *sum = (struct call_stats){0};
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct call_stats s;
        call_stats(w->members[i].call, &s);
        for (size_t why = 0; why < CALL_REFUSALS; why++)
            assert_int_equal(s.refused[why], 0);
        assert_int_equal(s.mislabelled, 0);
        sum->frames += s.frames;
        sum->lost += s.lost;
        sum->held += s.held;
        sum->resent += s.resent;
    }
}

static void a_hundred_epochs_lose_no_frame(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct call_stats sum;
        struct world *w = run(seed, 0, 190);
        check_refusals(w, &sum);
        printf("no loss: %lu frames, %lu held for their epoch\n", (unsigned long)sum.frames,
               (unsigned long)sum.held);
        assert_int_equal(count_missing(w), 0);
        assert_int_equal(sum.lost, 0);
        assert_true(sum.held > 0);
        finish(w);
    }
}

static void with_loss_only_what_the_network_lost_is_missing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct call_stats sum;
        struct world *w = run(seed, 5, 150);
        check_refusals(w, &sum);
        printf("5 %% loss: %ld of %ld packets, %lu frames, %lu missing, %lu packets given up, "
               "%lu sent again, %lu held\n",
               w->lost, w->packets, (unsigned long)sum.frames, (unsigned long)count_missing(w),
               (unsigned long)sum.lost, (unsigned long)sum.resent, (unsigned long)sum.held);
        /* the last of a stream, with nothing behind it, is not known to be missing */
        const unsigned ends = MEMBERS * (MEMBERS - 1) * KINDS;
        assert_true(count_missing(w) <= sum.lost + ends);
        uint64_t pictures, sounds;
        assert_true(count_missing_of(w, KIND_CAMERA, &pictures) * 1000 <= pictures);
        /* sound that comes again later than CALL_WAIT_SOUND_US comes too late */
        assert_true(count_missing_of(w, KIND_SOUND, &sounds) * 100 <= 5 * sounds);
        assert_true(sum.resent > 0 && sum.held > 0);
        finish(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_epochs_lose_no_frame),
        cmocka_unit_test(with_loss_only_what_the_network_lost_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
