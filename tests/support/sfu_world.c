/* The clock, the network, and the switch in the middle. */
#include "support/sfu_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/crypto.h>

#define START (100 * SECOND)
#define MEMBER_TICK (5 * MS)

/* ---- A heap of what is going to happen ---- */

static bool sooner(const struct world_event *a, const struct world_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct sfu_world *w, struct world_event e)
{
    if (w->n_events == w->room) {
        w->room = w->room == 0 ? 1024 : 2 * w->room;
        w->events = realloc(w->events, w->room * sizeof w->events[0]);
        assert_non_null(w->events);
    }
    size_t i = w->n_events++;
    for (; i > 0 && sooner(&e, &w->events[(i - 1) / 2]); i = (i - 1) / 2)
        w->events[i] = w->events[(i - 1) / 2];
    w->events[i] = e;
}

static struct world_event pop(struct sfu_world *w)
{
    struct world_event first = w->events[0];
    struct world_event last = w->events[--w->n_events];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child + 1 < w->n_events && sooner(&w->events[child + 1], &w->events[child]))
            child++;
        if (child >= w->n_events || !sooner(&w->events[child], &last))
            break;
        w->events[i] = w->events[child];
        i = child;
    }
    w->events[i] = last;
    return first;
}

void world_schedule(struct sfu_world *w, uint64_t at, struct world_member *m, bool to_switch,
                    const uint8_t *packet, size_t n)
{
    struct world_event e = {.at = at, .order = w->orders++, .member = m, .to_switch = to_switch};

    if (packet != NULL) {
        e.packet = malloc(n);
        assert_non_null(e.packet);
        memcpy(e.packet, packet, n);
        e.n = n;
    }
    push(w, e);
}

/* ---- Paths ---- */

void world_travel(struct world_member *m, struct world_path *path, bool to_switch,
                  const uint8_t *packet, size_t n)
{
    struct sfu_world *w = m->world;
    uint64_t at = w->now;

    path->sent++;
    path->bytes += n;
    if ((w->now >= path->dark_from && w->now < path->dark_to) ||
        random_below(&w->random, 1000) < path->loss) {
        path->dropped++;
        return;
    }
    if (path->rate != 0) {
        uint64_t begin = path->free_us > at ? path->free_us : at;
        if (begin - at > path->queue_us) {
            path->dropped++;
            return;
        }
        path->free_us = begin + (n + 28) * 8 * SECOND / path->rate;
        at = path->free_us;
    }
    for (unsigned copies = 1 + (random_below(&w->random, 1000) < path->duplicates); copies > 0;
         copies--)
        world_schedule(w, at + path->delay_us + random_below(&w->random, path->jitter_us + 1), m,
                       to_switch, packet, n);
}

void world_send_up(struct world_member *m, const uint8_t *packet, size_t n)
{
    if (m->peer != NULL)
        world_peer_send(m, packet, n);
    else
        world_travel(m, &m->up, true, packet, n);
}

/* ---- The switch ---- */

static void deliver(struct sfu_world *w)
{
    struct sfu_group groups[64];
    size_t n;

    while ((n = sfu_output(w->sfu, groups, 64)) != 0) {
        for (size_t i = 0; i < n; i++) {
            struct world_member *m = &w->members[groups[i].to.port];
            size_t at = 0;
            for (unsigned k = 0; k < groups[i].count; k++) {
                size_t left = groups[i].n - at;
                size_t size = left < groups[i].segment ? left : groups[i].segment;
                assert_true(k + 1 == groups[i].count || size == groups[i].segment);
                world_travel(m, &m->down, false, groups[i].p + at, size);
                at += size;
            }
            assert_int_equal(at, groups[i].n);
        }
        sfu_sent(w->sfu, n);
    }
}

static void demand(struct sfu_world *w, const struct sfu_event *e)
{
    for (size_t i = 0; i < w->n_members; i++) {
        struct world_member *m = &w->members[i];
        unsigned first = e->kind == SFU_CAMERA ? WORLD_CAMERA : WORLD_SCREEN;
        for (unsigned k = 0; k < SFU_LAYERS && m->here && m->number == e->peer && m->obeys; k++) {
            struct world_stream *s = &m->streams[first + k];
            bool on = (e->layers >> k & 1) != 0;
            if (s->rate != 0 && on && !s->on) {
                s->next_us = w->now;
                s->key_wanted = true;
                s->key_us = w->now;
            }
            s->on = s->rate != 0 && on;
        }
    }
}

static void take_events(struct sfu_world *w)
{
    struct sfu_event e;

    while (sfu_next(w->sfu, &e)) {
        if (e.what == SFU_EVENT_SPEAKER) {
            w->speaker = e.leaf;
            w->speaker_changes++;
        }
        if (e.what == SFU_EVENT_DEMAND)
            demand(w, &e);
    }
}

static void happen(struct sfu_world *w, struct world_event *e)
{
    struct world_member *m = e->member;
    struct sfu_peer *p = sfu_peer_of(w->sfu, m->number);

    if (e->packet == NULL && m->here) {
        if (m->peer != NULL)
            world_peer_tick(m);
        world_sender_tick(m);
        if (m->receives)
            world_receiver_tick(m);
        world_schedule(w, w->now + MEMBER_TICK, m, false, NULL, 0);
    } else if (e->packet != NULL && e->to_switch && m->peer != NULL) {
        sfu_input(w->sfu, e->packet, e->n, &m->address, w->now);
    } else if (e->packet != NULL && e->to_switch && p != NULL) {
        if (rtp_is_rtcp(bytes_of(e->packet, e->n)))
            sfu_rtcp(w->sfu, p, bytes_of(e->packet, e->n), w->now);
        else
            sfu_rtp(w->sfu, p, e->packet, e->n, w->now);
    } else if (e->packet != NULL && m->here && m->peer != NULL) {
        world_peer_input(m, e->packet, e->n);
    } else if (e->packet != NULL && m->here) {
        world_receiver_input(m, e->packet, e->n);
    }
    free(e->packet);
}

void sfu_world_run(struct sfu_world *w, uint64_t us)
{
    uint64_t end = w->now + us;
    struct sfu_stats stats;

    for (;;) {
        uint64_t tick = sfu_deadline(w->sfu);
        uint64_t next = w->n_events == 0 ? UINT64_MAX : w->events[0].at;
        uint64_t at = tick < next ? tick : next;
        if (at >= end)
            break;
        w->now = at > w->now ? at : w->now;
        if (tick <= next) {
            sfu_tick(w->sfu, w->now);
        } else {
            struct world_event e = pop(w);
            happen(w, &e);
        }
        take_events(w);
        deliver(w);
    }
    w->now = end;
    sfu_stats(w->sfu, &stats);
    w->most_memory = stats.memory > w->most_memory ? stats.memory : w->most_memory;
}

/* ---- Life ---- */

struct sfu_world *sfu_world_new(uint64_t seed, const struct sfu_meeting_config *config)
{
    static const struct sfu_meeting_config usual = {.epoch_bits = WORLD_EPOCH_BITS};
    struct sfu_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->random.state = seed;
    w->now = START;
    w->speaker = SFU_NOBODY;
    assert_int_equal(crypto_new_public(2, &w->crypto), 0);
    assert_int_equal(aead_engine_new(AEAD_BEST, &w->engine), 0);
    assert_int_equal(dtls_identity_new(0, &w->identity), 0);
    struct sfu_config switch_config = {
        .crypto = w->crypto, .engine = w->engine, .identity = w->identity};
    assert_int_equal(sfu_new(&switch_config, &w->sfu), 0);
    w->sfu->seed = (struct mix_seed){seed, ~seed}; /* the same run each time */
    assert_int_equal(sfu_meeting_open(w->sfu, WORLD_MEETING, config != NULL ? config : &usual), 0);
    return w;
}

void sfu_world_free(struct sfu_world *w)
{
    for (size_t i = 0; i < w->n_members; i++) {
        world_receiver_fini(&w->members[i]);
        peer_free(w->members[i].peer);
        dtls_identity_free(w->members[i].identity);
    }
    for (size_t i = 0; i < w->n_events; i++)
        free(w->events[i].packet);
    free(w->events);
    sfu_free(w->sfu);
    dtls_identity_free(w->identity);
    aead_engine_free(w->engine);
    crypto_free(w->crypto);
    free(w);
}

static struct sfu_peer_config config_of(uint32_t leaf)
{
    return (struct sfu_peer_config){
        .meeting = WORLD_MEETING,
        .leaf = leaf,
        .sends = true,
        .receives = true,
        .audio_payload_type = WORLD_PT_AUDIO,
        .video_payload_type = WORLD_PT_VIDEO,
        .rtx_payload_type = WORLD_PT_RTX,
    };
}

static struct world_member *member_new(struct sfu_world *w, uint32_t leaf)
{
    assert_in_range(w->n_members, 0, WORLD_MEMBERS - 1);
    struct world_member *m = &w->members[w->n_members];
    *m = (struct world_member){
        .world = w,
        .here = true,
        .receives = true,
        .number = 1000 + (uint32_t)w->n_members,
        .leaf = leaf,
        .address = {.family = RTC_IPV4, .ip = {10}, .port = (uint16_t)w->n_members},
        .kid_leaf = leaf,
        .level = 127,
        .epoch = 1,
        .up = {.delay_us = 20 * MS},
        .down = {.delay_us = 20 * MS},
        .clock_us = random_below(&w->random, 1000 * SECOND),
        .recorder = calloc(1, sizeof *m->recorder),
    };
    assert_non_null(m->recorder);
    w->n_members++;
    world_schedule(w, w->now + random_below(&w->random, MEMBER_TICK), m, false, NULL, 0);
    return m;
}

struct world_member *sfu_world_join(struct sfu_world *w, uint32_t leaf)
{
    struct sfu_peer_config config = config_of(leaf);
    struct world_member *m = member_new(w, leaf);
    struct sfu_peer *p = NULL;

    assert_int_equal(
        sfu_peer_attach(w->sfu, m->number, &config, &sfu_transport_plain, NULL, w->now, &p), 0);
    sfu_peer_answer_slots(p, &m->slots_of);
    sfu_peer_up(w->sfu, p, &m->address, w->now);
    m->connected = true;
    return m;
}

struct world_member *sfu_world_join_securely(struct sfu_world *w, uint32_t leaf)
{
    static const struct rtc_address there = {.family = RTC_IPV4, .ip = {10, 1}, .port = 1};
    struct sfu_peer_config config = config_of(leaf);
    struct world_member *m = member_new(w, leaf);
    struct peer_config own = {
        .role = PEER_CLIENT,
        .dtls_role = DTLS_CLIENT,
        .engine = w->engine,
        .candidates = &there,
        .n_candidates = 1,
        .seed = {(uint8_t)m->number},
        .local = {bytes_str("member"), bytes_str("aPasswordOfAMember012345")},
    };

    assert_int_equal(dtls_identity_new(0, &m->identity), 0);
    own.identity = m->identity;
    config.ufrag = own.local.ufrag;
    config.pwd = own.local.pwd;
    config.fingerprint = bytes_of(dtls_identity_fingerprint(m->identity), DTLS_FINGERPRINT);
    assert_int_equal(sfu_peer_open(w->sfu, m->number, &config, w->now, &m->slots_of), 0);
    own.remote.ufrag = bytes_str(m->slots_of.ufrag);
    own.remote.pwd = bytes_str(m->slots_of.pwd);
    memcpy(own.fingerprint, m->slots_of.fingerprint, DTLS_FINGERPRINT);
    assert_int_equal(peer_new(&own, w->now, &m->peer), 0);
    return m;
}

struct world_member *sfu_world_stranger(struct sfu_world *w)
{
    struct world_member *m = member_new(w, SFU_NOBODY);

    m->here = false;
    return m;
}

void sfu_world_leave(struct world_member *m)
{
    sfu_peer_close(m->world->sfu, m->number);
    m->here = false;
}

/* ---- Wishes ---- */

void sfu_world_watch(struct world_member *m, const struct sfu_want *wants, size_t n)
{
    assert_int_equal(sfu_subscribe(m->world->sfu, m->number, wants, n, m->world->now), 0);
}

void sfu_world_watch_all(struct sfu_world *w, uint16_t max_height)
{
    struct sfu_want wants[WORLD_MEMBERS];

    for (size_t i = 0; i < w->n_members; i++) {
        struct world_member *m = &w->members[i];
        size_t n = 0;
        for (size_t k = 0; k < w->n_members && n < m->slots_of.n_video; k++)
            if (k != i && w->members[k].here)
                wants[n++] = (struct sfu_want){w->members[k].leaf, SFU_CAMERA, max_height};
        if (m->here)
            sfu_world_watch(m, wants, n);
    }
}

struct world_slot *sfu_world_slot(struct world_member *m, uint32_t leaf, enum sfu_kind kind)
{
    for (size_t i = 0; i < SFU_VIDEO_SLOTS; i++)
        if (m->slots[i].begun && m->slots[i].leaf == leaf && m->slots[i].kind == kind)
            return &m->slots[i];
    return NULL;
}
