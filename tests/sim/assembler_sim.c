/* The frame assembler behind a bad network: loss, reordering, duplicates, packets far too late and
 * retransmissions, by a virtual clock. What must come out is worked out beforehand from the arrival
 * times alone: a frame comes out if and only if each of its packets arrives within the wait of the
 * first packet, of that frame or a later one, to arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/assembler.h"
#include "support/random.h"

#define FRAMES 12000
#define PACKETS_MAX 40 /* of a frame */
#define PACKETS (FRAMES * PACKETS_MAX)
#define FIRST_SEQUENCE 65000u
#define NEVER UINT64_MAX
#define FRAME_US 33333

struct network {
    unsigned loss, duplicates, late; /* per cent */
    unsigned resends;                /* how often a lost packet is sent again, 150 ms later */
    uint64_t jitter_us;
    uint64_t late_us; /* at most */
    struct assembler_config config;
};

struct frame {
    uint32_t first; /* packet number */
    uint32_t count;
    uint64_t complete_us;
};

struct arrival {
    uint64_t at;
    uint32_t packet;
};

struct world {
    struct random random;
    const struct network *network;
    struct frame frames[FRAMES];
    uint32_t frame_of[PACKETS];
    uint64_t first_arrival[PACKETS];
    uint32_t packets;
    struct arrival arrivals[2 * PACKETS];
    size_t arrival_count;
    /* what the assembler did */
    struct assembler *assembler;
    bool out[FRAMES];
    uint64_t out_us[FRAMES];
    int64_t last_frame;
    uint32_t told; /* packet numbers accounted for, in order */
    uint32_t lost;
    size_t most_memory;
};

/* The content of a packet is a function of its number. */
static size_t payload_of(uint32_t packet, uint8_t out[static 256])
{
    struct random r = {packet * UINT64_C(77777) + 5};
    size_t n = random_below(&r, 256);

    random_fill(&r, out, n);
    return n;
}

static void arrive(struct world *w, uint32_t packet, uint64_t at)
{
    w->arrivals[w->arrival_count++] = (struct arrival){at, packet};
    if (at < w->first_arrival[packet])
        w->first_arrival[packet] = at;
}

static uint64_t travel(struct world *w)
{
    const struct network *n = w->network;
    uint64_t us = 20000 + random_below(&w->random, n->jitter_us + 1);

    if (random_chance(&w->random, n->late))
        us += random_below(&w->random, n->late_us);
    return us;
}

static void send_packet(struct world *w, uint32_t packet, uint64_t at)
{
    for (unsigned i = 0; i <= w->network->resends; i++, at += 150000) {
        if (random_chance(&w->random, w->network->loss))
            continue;
        arrive(w, packet, at + travel(w));
        if (random_chance(&w->random, w->network->duplicates))
            arrive(w, packet, at + travel(w));
        return;
    }
}

static int by_time(const void *a, const void *b)
{
    const struct arrival *x = a;
    const struct arrival *y = b;

    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return (x->packet > y->packet) - (x->packet < y->packet);
}

/* Sends everything. The first frame is one packet that arrives first: where a stream begins is not
 * the question here. */
static void send_all(struct world *w)
{
    for (uint32_t f = 0; f < FRAMES; f++) {
        uint64_t at = (uint64_t)f * FRAME_US;
        uint64_t most = random_chance(&w->random, 5) ? PACKETS_MAX : 12;
        uint32_t count = f == 0 ? 1 : 1 + (uint32_t)random_below(&w->random, most);
        w->frames[f] = (struct frame){.first = w->packets, .count = count};
        for (uint32_t i = 0; i < count; i++, w->packets++) {
            w->frame_of[w->packets] = f;
            w->first_arrival[w->packets] = NEVER;
            if (f == 0)
                arrive(w, 0, 0);
            else
                send_packet(w, w->packets, at + (uint64_t)i * 100);
            if (w->first_arrival[w->packets] > w->frames[f].complete_us)
                w->frames[f].complete_us = w->first_arrival[w->packets];
        }
    }
    qsort(w->arrivals, w->arrival_count, sizeof w->arrivals[0], by_time);
}

static void check_frame(struct world *w, const struct assembler_output *o, uint64_t now)
{
    uint32_t f = w->frame_of[w->told];
    size_t at = 0;

    assert_in_range(o->timestamp, 0, FRAMES - 1);
    assert_int_equal(o->timestamp, f);
    assert_true((int64_t)f > w->last_frame); /* in order, so once */
    assert_int_equal(w->told, w->frames[f].first);
    assert_int_equal(o->count, w->frames[f].count);
    assert_int_equal(o->note, w->frames[f].first);
    assert_int_equal(o->packet_kind, f % 3);
    for (uint32_t i = 0; i < o->count; i++) {
        uint8_t payload[256];
        size_t n = payload_of(w->frames[f].first + i, payload);
        assert_true(o->frame.n - at >= n);
        assert_memory_equal(o->frame.p + at, payload, n);
        at += n;
    }
    assert_int_equal(at, o->frame.n); /* intact */
    w->out[f] = true;
    w->out_us[f] = now;
    w->last_frame = f;
}

static void take_all(struct world *w, uint64_t now)
{
    struct assembler_output o;

    for (;;) {
        assert_int_equal(assembler_next(w->assembler, now, &o), 0);
        size_t memory = assembler_memory(w->assembler);
        assert_true(memory <= assembler_memory_max(w->assembler));
        w->most_memory = memory > w->most_memory ? memory : w->most_memory;
        if (o.what == ASSEMBLER_NOTHING)
            break;
        /* every number is accounted for, out or lost, without a gap */
        assert_int_equal(o.sequence, (uint16_t)(w->told + FIRST_SEQUENCE));
        if (o.what == ASSEMBLER_FRAME)
            check_frame(w, &o, now);
        else
            w->lost += o.count;
        w->told += o.count;
    }
    assert_true(assembler_deadline(w->assembler) > now); /* bounded time */
}

static void deliver(struct world *w, const struct arrival *arrival)
{
    uint8_t payload[256];
    uint32_t f = w->frame_of[arrival->packet];
    const struct frame *frame = &w->frames[f];
    struct assembler_packet p = {
        .sequence = (uint16_t)(arrival->packet + FIRST_SEQUENCE),
        .timestamp = f,
        .start = arrival->packet == frame->first,
        .end = arrival->packet == frame->first + frame->count - 1,
        .kind = f % 3,
        .note = arrival->packet,
        .payload = {payload, payload_of(arrival->packet, payload)},
    };
    assert_int_equal(assembler_input(w->assembler, &p, arrival->at), 0);
    assert_true(assembler_memory(w->assembler) <= assembler_memory_max(w->assembler));
}

static struct world *run(const struct network *network, uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->random.state = seed;
    w->network = network;
    w->last_frame = -1;
    assert_int_equal(assembler_new(&network->config, &w->assembler), 0);
    send_all(w);
    for (size_t i = 0; i < w->arrival_count; i++) {
        uint64_t now = w->arrivals[i].at;
        while (assembler_deadline(w->assembler) <= now)
            take_all(w, assembler_deadline(w->assembler));
        deliver(w, &w->arrivals[i]);
        take_all(w, now);
    }
    while (assembler_deadline(w->assembler) != UINT64_MAX)
        take_all(w, assembler_deadline(w->assembler));
    return w;
}

static void finish(struct world *w, const char *name)
{
    struct assembler_stats s = assembler_stats(w->assembler);

    assert_int_equal(s.packets + s.duplicates + s.late, w->arrival_count);
    assert_int_equal(s.lost, w->lost);
    printf("%s: %u packets sent, %zu arrivals, %llu duplicates, %llu late; %llu of %d frames out, "
           "at most %zu bytes of memory of %zu\n",
           name, w->packets, w->arrival_count, (unsigned long long)s.duplicates,
           (unsigned long long)s.late, (unsigned long long)s.frames, FRAMES, w->most_memory,
           assembler_memory_max(w->assembler));
    assembler_free(w->assembler);
    free(w);
}

/* Frames come out if and only if they arrived in time, and then in time. Returns how many. */
static unsigned check_against_arrivals(const struct world *w)
{
    uint64_t wait = w->network->config.wait_us;
    uint64_t earliest = NEVER; /* of all packets from this frame on */
    unsigned expected = 0;

    for (uint32_t f = FRAMES; f-- > 0;) {
        for (uint32_t i = 0; i < w->frames[f].count; i++) {
            uint64_t at = w->first_arrival[w->frames[f].first + i];
            earliest = at < earliest ? at : earliest;
        }
        bool in_time =
            w->frames[f].complete_us != NEVER && w->frames[f].complete_us - earliest < wait;
        assert_int_equal(w->out[f], in_time);
        if (in_time)
            assert_true(w->out_us[f] <= earliest + wait);
        expected += in_time;
    }
    return expected;
}

static void a_frame_comes_out_if_and_only_if_it_arrived_in_time(void **state)
{
    static const struct network plain = {.loss = 20,
                                         .duplicates = 10,
                                         .late = 3,
                                         .jitter_us = 60000,
                                         .late_us = 1500000,
                                         .config = {.wait_us = 400000}};

    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct world *w = run(&plain, seed);
        unsigned expected = check_against_arrivals(w);
        assert_in_range(expected, FRAMES / 10, FRAMES);
        finish(w, "20 % loss");
    }
}

static void retransmissions_within_the_wait_save_nearly_every_frame(void **state)
{
    static const struct network resending = {.loss = 20,
                                             .duplicates = 5,
                                             .resends = 2,
                                             .jitter_us = 60000,
                                             .config = {.wait_us = 500000}};
    struct world *w = run(&resending, 11);

    (void)state;
    assert_in_range(check_against_arrivals(w), FRAMES * 9 / 10, FRAMES);
    finish(w, "20 % loss, sent again");
}

static void reordering_and_duplicates_alone_lose_nothing(void **state)
{
    static const struct network shuffling = {
        .duplicates = 50, .jitter_us = 300000, .config = {.wait_us = 400000}};
    struct world *w = run(&shuffling, 12);

    (void)state;
    assert_int_equal(check_against_arrivals(w), FRAMES);
    assert_int_equal(w->lost, 0);
    finish(w, "reordering only");
}

/* Limits far too small for the stream: frames are lost, but nothing comes out wrong, twice or out
 * of order, and memory holds. */
static void limits_too_small_lose_frames_and_nothing_else(void **state)
{
    static const struct network tight[] = {
        {.loss = 20,
         .duplicates = 10,
         .late = 3,
         .jitter_us = 60000,
         .late_us = 1500000,
         .config = {.packets = 16}},
        {.loss = 20,
         .duplicates = 10,
         .late = 3,
         .jitter_us = 200000,
         .late_us = 1500000,
         .config = {.bytes = RTP_PACKET_MAX}},
        {.loss = 5, .jitter_us = 10000, .config = {.packets = 1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof tight / sizeof tight[0]; i++) {
        struct world *w = run(&tight[i], 13 + i);
        assert_true(assembler_stats(w->assembler).frames > 10);
        finish(w, "tight limits");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_comes_out_if_and_only_if_it_arrived_in_time),
        cmocka_unit_test(retransmissions_within_the_wait_save_nearly_every_frame),
        cmocka_unit_test(reordering_and_duplicates_alone_lose_nothing),
        cmocka_unit_test(limits_too_small_lose_frames_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
