/* A meeting of ten on a virtual clock, whose network loses, delays, reorders and doubles packets
 * while the group changes its epoch three times.
 *
 * Every member sends sound and pictures: sealed with SFrame, cut into packets, sealed with SRTP to
 * the switch, opened there and sealed for each receiver. Commits reach members at different times.
 * At the second change the last member is removed; the network, on nobody's side, goes on sending
 * it everything. It does not take that well: it seals in another member's name, with the last key
 * it has and with one that it made up for the new epoch. What must hold, for every seed:
 *
 *   - a frame all of whose packets arrived opens, once, as its sender's, with its content;
 *   - what arrives again is refused at one layer or the other;
 *   - the removed member opens nothing that was sealed after its sender had switched;
 *   - what it seals in another's name opens in the old epoch alone, and only until that ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/sframe.h>

#include "rtc/srtp_session.h"
#include "support/random.h"

#define MEMBERS 10
#define REMOVED (MEMBERS - 1)
#define VICTIM 2u     /* in whose name it lies */
#define LIE_CONTEXT 7 /* the victim does not use it, so that no true frame is taken for a replay */
#define MS 1000u      /* microseconds */
#define LENGTH_MS 8000
#define QUIET_MS 1000 /* at the end, so that everything is under way no more */
#define EPOCHS 4
#define HOLD_MS (SFRAME_HOLD_US / MS)
#define LOSS_PERCENT 5
#define DOUBLE_PERCENT 3
#define PIECES_MAX ((size_t)4)
#define PIECE ((size_t)200)
#define FRAME_MAX (PIECES_MAX * PIECE)
#define HEADER 12
#define PAYLOAD_HEAD 6 /* frame number, piece, pieces */
#define PACKET_MAX (HEADER + PAYLOAD_HEAD + PIECE + SRTP_OVERHEAD)
#define FRAMES_MAX 8000
#define STREAMS ((size_t)2) /* sound and pictures */

/* When each commit is made; it reaches a member up to 400 ms later. */
static const uint64_t change_ms[EPOCHS] = {0, 2000, 4000, 6000};
static const bool is_removal[EPOCHS] = {false, false, true, false};

struct frame {
    uint32_t sender, pieces;
    uint64_t epoch;
    bool lie;
};

/* What one receiver has of one frame. */
struct arrival {
    uint8_t p[FRAME_MAX];
    size_t n[PIECES_MAX];
    uint32_t have;
    bool whole, opened;
    uint64_t whole_ms;
};

struct member {
    struct sframe_keys *keys;
    uint64_t epoch; /* the newest it has */
    uint64_t learns_ms[EPOCHS];
    struct srtp *up;        /* to the switch */
    struct srtp *at_switch; /* the switch's end of it */
    struct srtp *down, *from_switch;
    uint16_t up_seq[STREAMS], down_seq[MEMBERS][STREAMS];
    struct arrival *arrivals; /* by frame */
};

struct event {
    struct event *next;
    uint32_t to; /* MEMBERS: the switch */
    uint32_t from;
    size_t n;
    uint8_t p[PACKET_MAX];
};

struct sim {
    struct aead_engine *engine;
    struct member members[MEMBERS];
    struct sframe_keys *old_mask, *new_mask; /* the liar's: the last key it knows, and a guess */
    struct event *due[LENGTH_MS + QUIET_MS + 1];
    struct frame frames[FRAMES_MAX];
    uint32_t n_frames;
    uint64_t now_ms;
    struct random random;
    long packets, lost, doubled, replays, whole, opened, held, after_removal;
    long lies, lies_opened;
};

/* -- The network --------------------------------------------------------------------------- */

static void deliver_later(struct sim *s, uint32_t from, uint32_t to, const uint8_t *p, size_t n)
{
    uint64_t delay = 5 + random_below(&s->random, 80);
    if (s->now_ms + delay > LENGTH_MS + QUIET_MS)
        return;
    struct event *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->from = from;
    e->to = to;
    e->n = n;
    memcpy(e->p, p, n);
    e->next = s->due[s->now_ms + delay];
    s->due[s->now_ms + delay] = e;
}

static void send_packet(struct sim *s, uint32_t from, uint32_t to, const uint8_t *p, size_t n)
{
    s->packets++;
    if (random_chance(&s->random, LOSS_PERCENT)) {
        s->lost++;
        return;
    }
    deliver_later(s, from, to, p, n);
    if (random_chance(&s->random, DOUBLE_PERCENT)) {
        s->doubled++;
        deliver_later(s, from, to, p, n);
    }
}

/* -- Members ------------------------------------------------------------------------------- */

/* Everybody derives the same base key from an epoch; the removed member learns none after it. */
static void learn_epoch(struct sim *s, uint32_t who, uint64_t epoch)
{
    uint8_t base_key[32] = {(uint8_t)(epoch + 1), 0x5e};
    struct sframe_epoch e = {100 + epoch, bytes_of(base_key, sizeof base_key), MEMBERS, who,
                             is_removal[epoch] ? SFRAME_SWITCH_NOW : SFRAME_SWITCH_LATER};
    assert_int_equal(sframe_keys_add_epoch(s->members[who].keys, &e, s->now_ms * MS), 0);
    if (is_removal[epoch])
        sframe_keys_bar_leaf(s->members[who].keys, REMOVED, e.id);
    s->members[who].epoch = epoch;
}

/* A lie opened, or did not. */
static void judge_lie(struct sim *s, uint32_t who, const struct frame *f, int rv,
                      const struct sframe_info *info)
{
    const struct member *m = &s->members[who];
    s->lies++;
    if (who == VICTIM) {
        assert_int_not_equal(rv, 0); /* nobody speaks to it in its own name */
    } else if (rv == 0) {
        assert_true(info->leaf == VICTIM && info->epoch == f->epoch && f->epoch < 102);
        if (m->epoch >= 2)
            assert_true(s->now_ms < m->learns_ms[2] + SFRAME_GRACE_REMOVAL_US / MS);
        s->lies_opened++;
    } else {
        assert_true(rv == CONCLAVE_EUNKNOWNKEY || rv == CONCLAVE_EDECRYPT);
    }
}

static void try_open(struct sim *s, uint32_t who, uint32_t number)
{
    struct member *m = &s->members[who];
    struct arrival *a = &m->arrivals[number];
    const struct frame *f = &s->frames[number];
    uint8_t joined[FRAME_MAX], out[FRAME_MAX];
    size_t n = 0, got = 0;
    struct sframe_info info;
    for (uint32_t i = 0; i < f->pieces; n += a->n[i++])
        memcpy(joined + n, a->p + i * PIECE, a->n[i]);
    int rv = sframe_open(m->keys, bytes_of(NULL, 0), bytes_of(joined, n), s->now_ms * MS, out,
                         sizeof out, &got, &info);
    if (f->lie) {
        judge_lie(s, who, f, rv, &info);
        return;
    }
    if (rv == CONCLAVE_EUNKNOWNKEY)
        return; /* held */
    if (rv == CONCLAVE_ESENDER) {
        assert_int_equal(f->sender, REMOVED); /* sealed under the old epoch, after it was barred */
        return;
    }
    assert_int_equal(rv, 0);
    assert_false(a->opened);
    assert_int_equal(info.leaf, f->sender);
    assert_int_equal(info.epoch, f->epoch);
    assert_int_equal(got >= 8, 1);
    for (size_t i = 0; i < got; i++)
        assert_int_equal(out[i], (uint8_t)(number + f->sender));
    a->opened = true;
    s->opened++;
    s->held += s->now_ms > a->whole_ms;
    if (who == REMOVED)
        assert_true(f->epoch < 102); /* nothing after the switch */
    assert_int_equal(sframe_open(m->keys, bytes_of(NULL, 0), bytes_of(joined, n), s->now_ms * MS,
                                 out, sizeof out, &got, &info),
                     CONCLAVE_EREPLAY);
}

static void receive(struct sim *s, uint32_t who, struct event *e)
{
    struct member *m = &s->members[who];
    size_t n = 0;
    int rv = srtp_open(m->from_switch, e->p, e->n, &n);
    if (rv == CONCLAVE_EREPLAY) {
        s->replays++;
        return;
    }
    assert_int_equal(rv, 0);
    const uint8_t *p = e->p + HEADER;
    uint32_t number = srtp_load32(p), piece = p[4];
    struct arrival *a = &m->arrivals[number];
    assert_true(piece < s->frames[number].pieces);
    assert_int_equal(a->have & 1u << piece, 0);
    a->n[piece] = n - HEADER - PAYLOAD_HEAD;
    memcpy(a->p + piece * PIECE, p + PAYLOAD_HEAD, a->n[piece]);
    a->have |= 1u << piece;
    if (a->have != (1u << s->frames[number].pieces) - 1)
        return;
    a->whole = true;
    a->whole_ms = s->now_ms;
    s->whole++;
    if (who == REMOVED && s->frames[number].epoch >= 102)
        s->after_removal++;
    try_open(s, who, number);
}

/* A frame that could not be opened for want of its key is tried again when a key came. */
static void try_held(struct sim *s, uint32_t who)
{
    struct member *m = &s->members[who];
    for (uint32_t i = 0; i < s->n_frames; i++) {
        struct arrival *a = &m->arrivals[i];
        if (a->whole && !a->opened && s->now_ms - a->whole_ms <= HOLD_MS &&
            s->frames[i].sender != REMOVED)
            try_open(s, who, i);
    }
}

static void rtp_header(uint8_t *p, uint32_t ssrc, uint16_t seq)
{
    memset(p, 0, HEADER);
    p[0] = 0x80;
    p[1] = 96;
    p[2] = (uint8_t)(seq >> 8);
    p[3] = (uint8_t)seq;
    srtp_store32(p + 8, ssrc);
}

static void send_sealed(struct sim *s, uint32_t who, struct sframe_keys *keys, uint64_t context,
                        uint32_t stream, size_t size)
{
    struct member *m = &s->members[who];
    uint32_t number = s->n_frames++;
    uint8_t plain[FRAME_MAX], sealed[FRAME_MAX];
    size_t n = 0;
    assert_true(number < FRAMES_MAX && size + SFRAME_OVERHEAD_MAX <= FRAME_MAX);
    memset(plain, (int)(number + who), size);
    assert_int_equal(sframe_keys_sending(keys, s->now_ms * MS, &s->frames[number].epoch), 0);
    assert_int_equal(sframe_seal(keys, context, bytes_of(NULL, 0), bytes_of(plain, size),
                                 s->now_ms * MS, sealed, sizeof sealed, &n),
                     0);
    s->frames[number].sender = who;
    s->frames[number].lie = context == LIE_CONTEXT;
    s->frames[number].pieces = (uint32_t)((n + PIECE - 1) / PIECE);
    for (uint32_t i = 0; i < s->frames[number].pieces; i++) {
        uint8_t p[PACKET_MAX];
        size_t take = n - i * PIECE < PIECE ? n - i * PIECE : PIECE, packet_n = 0;
        rtp_header(p, 1 + stream, m->up_seq[stream]++);
        srtp_store32(p + HEADER, number);
        p[HEADER + 4] = (uint8_t)i;
        p[HEADER + 5] = (uint8_t)s->frames[number].pieces;
        memcpy(p + HEADER + PAYLOAD_HEAD, sealed + i * PIECE, take);
        assert_int_equal(srtp_seal(m->up, p, HEADER + PAYLOAD_HEAD + take, sizeof p, &packet_n), 0);
        send_packet(s, who, MEMBERS, p, packet_n);
    }
}

static void send_frame(struct sim *s, uint32_t who, uint32_t stream, size_t size)
{
    send_sealed(s, who, s->members[who].keys, stream, stream, size);
}

/* -- The switch ---------------------------------------------------------------------------- */

static void forward(struct sim *s, struct event *e)
{
    struct srtp_job jobs[MEMBERS];
    uint8_t packets[MEMBERS][PACKET_MAX];
    uint32_t receivers[MEMBERS], stream = 0;
    size_t n = 0, count = 0;
    int rv = srtp_open(s->members[e->from].at_switch, e->p, e->n, &n);
    if (rv == CONCLAVE_EREPLAY) {
        s->replays++;
        return;
    }
    assert_int_equal(rv, 0);
    stream = srtp_load32(e->p + 8) - 1;
    for (uint32_t i = 0; i < MEMBERS; i++) {
        if (i == e->from)
            continue;
        struct member *m = &s->members[i];
        rtp_header(packets[count], (uint32_t)(1 + e->from * STREAMS) + stream,
                   m->down_seq[e->from][stream]++);
        jobs[count] =
            (struct srtp_job){m->down, packets[count], HEADER, sizeof packets[count], 0, 0};
        receivers[count++] = i;
    }
    assert_int_equal(srtp_seal_each(jobs, count, bytes_of(e->p + HEADER, n - HEADER)), count);
    for (size_t i = 0; i < count; i++)
        send_packet(s, e->from, receivers[i], packets[i], jobs[i].out_n);
}

/* -- The run ------------------------------------------------------------------------------- */

static struct srtp *session(struct sim *s, uint32_t who, bool upwards, enum srtp_direction d)
{
    uint8_t key[32 + SRTP_SALT] = {(uint8_t)who, upwards};
    struct srtp *out = NULL;
    assert_int_equal(srtp_new(s->engine, SRTP_AEAD_AES_256_GCM, d, bytes_of(key, 32),
                              bytes_of(key + 32, SRTP_SALT), &out),
                     0);
    return out;
}

static struct sframe_keys *mask(uint64_t epoch, uint8_t first_byte)
{
    struct sframe_keys *k = NULL;
    uint8_t base_key[32] = {first_byte, 0x5e};
    struct sframe_epoch e = {epoch, bytes_of(base_key, sizeof base_key), MEMBERS, VICTIM,
                             SFRAME_SWITCH_NOW};
    assert_int_equal(sframe_keys_new(SFRAME_AES_256_GCM_SHA512_128, 4, SFRAME_INSIDE, &k), 0);
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), 0);
    return k;
}

static struct sim *sim_new(uint64_t seed)
{
    struct sim *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->random.state = seed;
    assert_int_equal(aead_engine_new(AEAD_BEST, &s->engine), 0);
    s->old_mask = mask(101, 2);
    s->new_mask = mask(102, 99);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct member *m = &s->members[i];
        assert_int_equal(sframe_keys_new(SFRAME_AES_256_GCM_SHA512_128, 4, SFRAME_INSIDE, &m->keys),
                         0);
        m->up = session(s, i, true, SRTP_SEALING);
        m->at_switch = session(s, i, true, SRTP_OPENING);
        m->down = session(s, i, false, SRTP_SEALING);
        m->from_switch = session(s, i, false, SRTP_OPENING);
        m->arrivals = calloc(FRAMES_MAX, sizeof *m->arrivals);
        assert_non_null(m->arrivals);
        for (size_t j = 0; j < STREAMS; j++)
            m->up_seq[j] = (uint16_t)(0xff00 + random_below(&s->random, 0x200)); /* soon to wrap */
        for (size_t j = 0; j < MEMBERS * STREAMS; j++)
            m->down_seq[j / STREAMS][j % STREAMS] =
                (uint16_t)(0xfe00 + random_below(&s->random, 0x1ff));
        for (uint64_t e = 1; e < EPOCHS; e++)
            m->learns_ms[e] = change_ms[e] + random_below(&s->random, 400);
        learn_epoch(s, i, 0);
    }
    return s;
}

static void sim_free(struct sim *s)
{
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct member *m = &s->members[i];
        sframe_keys_free(m->keys);
        srtp_free(m->up);
        srtp_free(m->at_switch);
        srtp_free(m->down);
        srtp_free(m->from_switch);
        free(m->arrivals);
    }
    sframe_keys_free(s->old_mask);
    sframe_keys_free(s->new_mask);
    aead_engine_free(s->engine);
    free(s);
}

static void learn_and_send(struct sim *s, uint32_t who)
{
    struct member *m = &s->members[who];
    for (uint64_t e = m->epoch + 1; e < EPOCHS; e++) {
        if (m->learns_ms[e] > s->now_ms || (who == REMOVED && e >= 2))
            break;
        learn_epoch(s, who, e);
        try_held(s, who);
    }
    if (s->now_ms >= LENGTH_MS)
        return;
    if (s->now_ms % 20 == who) /* the removed member goes on sending too */
        send_frame(s, who, 0, 60 + random_below(&s->random, 60));
    if (s->now_ms % 40 == 20 + who)
        send_frame(s, who, 1, 100 + random_below(&s->random, 600));
    if (who == REMOVED && m->epoch == 1 && s->now_ms % 50 == 0)
        send_sealed(s, who, s->now_ms % 100 == 0 ? s->old_mask : s->new_mask, LIE_CONTEXT, 0, 60);
}

static void run(struct sim *s)
{
    for (; s->now_ms <= LENGTH_MS + QUIET_MS; s->now_ms++) {
        for (uint32_t i = 0; i < MEMBERS; i++)
            learn_and_send(s, i);
        struct event *e = s->due[s->now_ms];
        while (e != NULL) {
            struct event *next = e->next;
            if (e->to == MEMBERS)
                forward(s, e);
            else
                receive(s, e->to, e);
            free(e);
            e = next;
        }
    }
}

/* Nothing that arrived whole was lost, but for frames of the removed and those to it. */
static void check_nothing_was_lost(const struct sim *s)
{
    for (uint32_t who = 0; who < MEMBERS; who++)
        for (uint32_t i = 0; i < s->n_frames; i++) {
            const struct arrival *a = &s->members[who].arrivals[i];
            bool due = s->frames[i].sender != REMOVED && who != REMOVED; /* so no lie is */
            if (a->whole && due)
                assert_true(a->opened);
        }
}

static void a_meeting_survives_its_network_and_its_epochs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct sim *s = sim_new(seed);
        run(s);
        check_nothing_was_lost(s);
        printf("seed %d: %ld packets, %ld lost, %ld doubled, %ld replays refused; %ld frames whole,"
               " %ld opened, %ld after being held; %ld whole ones kept from the removed, %ld of "
               "its %ld"
               " lies believed\n",
               (int)seed, s->packets, s->lost, s->doubled, s->replays, s->whole, s->opened, s->held,
               s->after_removal, s->lies_opened, s->lies);
        assert_true(s->replays > 1000 && s->held > 20 && s->after_removal > 1000);
        assert_true(s->opened > s->whole / 2);
        assert_true(s->lies > 200 && s->lies_opened > 0 && s->lies_opened < s->lies / 2);
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_meeting_survives_its_network_and_its_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
