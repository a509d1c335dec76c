/* The hall between connections, rooms and the store, with real participants at the other end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/participant.h>

#include "crypto/sha256.h"
#include "service/hall.h"
#include "signal/media.h"
#include "signal/reason.h"
#include "signal/signal.h"
#include "support/meeting_world.h"

#define SECOND UINT64_C(1000000)
#define GUESTS 4

struct line { /* one connection; its number is its place plus one */
    struct participant *p;
    struct participant_trust *trust;
    struct buf last; /* the last frame sent to it */
    size_t frames;
    bool closed;
    int reason;
};

struct fixture {
    struct meeting_world w;
    struct store *store;
    struct hall *hall;
    struct line line[GUESTS];
    uint64_t now;
    size_t events;
    uint64_t media_conn; /* that the media switch has heard of */
    uint32_t media_leaf;
    uint64_t media_epoch;
    uint32_t media_leaves;
};

static void sent(void *ctx, uint64_t conn, struct room_frame *frame)
{
    struct fixture *f = ctx;
    struct line *l = &f->line[conn - 1];
    buf_clear(&l->last);
    room_frame_put(frame, &l->last);
    l->frames++;
    if (l->p != NULL) {
        struct participant_input in = {PARTICIPANT_FRAME, buf_view(&l->last), 0};
        assert_int_equal(participant_input(l->p, &in, f->now), 0);
    }
}

static void closed(void *ctx, uint64_t conn, int reason)
{
    struct fixture *f = ctx;
    f->line[conn - 1].closed = true;
    f->line[conn - 1].reason = reason;
}

static void media(void *ctx, const char *number, uint64_t conn, uint32_t leaf, struct bytes body)
{
    struct fixture *f = ctx;
    assert_string_equal(number, MEETING_LINK_NUMBER);
    assert_int_equal(body.p[0], SIGNAL_MEDIA_UNPUBLISH);
    f->media_conn = conn;
    f->media_leaf = leaf;
}

static void media_gone(void *ctx, uint64_t conn)
{
    struct fixture *f = ctx;
    assert_int_equal(conn, f->media_conn);
    f->media_conn = 0;
}

/* Before any member hears of it: participants are told at once here. */
static void media_epoch(void *ctx, const char *number, uint64_t epoch, uint32_t leaves)
{
    struct fixture *f = ctx;
    struct participant_meeting m;
    assert_string_equal(number, MEETING_LINK_NUMBER);
    for (size_t i = 0; i < GUESTS; i++)
        if (f->line[i].p != NULL && participant_phase(f->line[i].p) == PARTICIPANT_IN_MEETING &&
            participant_meeting(f->line[i].p, &m) == 0)
            assert_in_range(m.epoch, 0, epoch - 1);
    assert_true(epoch != f->media_epoch || leaves != f->media_leaves);
    f->media_epoch = epoch;
    f->media_leaves = leaves;
}

static void happened(void *ctx, const char *number, enum room_event event)
{
    struct fixture *f = ctx;
    (void)event;
    assert_string_equal(number, MEETING_LINK_NUMBER);
    f->events++;
}

static void open_hall(struct fixture *f)
{
    struct hall_config config = {
        .store = f->store,
        .crypto = f->w.public_crypto,
        .signer = f->w.server,
        .out = {f, sent, closed, media, media_gone, media_epoch, happened}};
    assert_int_equal(hall_new(&config, &f->hall), 0);
    f->media_epoch = f->media_leaves = 0; /* a new hall tells anew */
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct store_meeting m = {.created_at = MEETING_NOW};
    uint8_t access[32];
    struct card *card = NULL;
    assert_non_null(f);
    meeting_world_init(&f->w);
    f->now = MEETING_NOW * SECOND;
    assert_int_equal(store_open(":memory:", &f->store), 0);
    memcpy(m.number, MEETING_LINK_NUMBER, sizeof m.number);
    assert_int_equal(card_read(buf_view(&f->w.card), &card), 0);
    memcpy(m.meeting_id, card_terms(card)->meeting_id, sizeof m.meeting_id);
    assert_int_equal(
        link_derive(bytes_of(f->w.link.secret, LINK_SECRET), card_hash(card), LINK_ACCESS, access),
        0);
    assert_int_equal(crypto_sha256(bytes_of(access, sizeof access), m.access_hash), 0);
    buf_put(&m.card, buf_view(&f->w.card));
    memcpy(m.owner, "alice@company.com", 18);
    assert_int_equal(store_meeting_add(f->store, &m), 0);
    store_meeting_fini(&m);
    card_free(card);
    open_hall(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < GUESTS; i++) {
        participant_free(f->line[i].p);
        participant_trust_free(f->line[i].trust);
        buf_free(&f->line[i].last);
    }
    hall_free(f->hall);
    store_close(f->store);
    meeting_world_fini(&f->w);
    free(f);
    return 0;
}

/* ---- Frames by hand ---- */

static void hello(struct fixture *f, size_t i, const char *number, const uint8_t *access)
{
    struct buf frame = {0};
    struct signal_message m = {.type = SIGNAL_HELLO,
                               .version = SIGNAL_VERSION,
                               .number = bytes_str(number),
                               .access = bytes_of(access, access == NULL ? 0 : 32)};
    assert_int_equal(signal_write(&m, &frame), 0);
    f->line[i].closed = false;
    assert_int_equal(hall_connect(f->hall, i + 1, "192.0.2.7", f->now), 0);
    assert_int_equal(hall_frame(f->hall, i + 1, buf_view(&frame), f->now), 0);
    buf_free(&frame);
}

static int fault_of(const struct line *l)
{
    struct signal_message m;
    assert_int_equal(signal_read(buf_view(&l->last), &m), 0);
    return m.type == SIGNAL_FAULT ? m.reason : REASON_NONE;
}

static void a_wrong_number_and_a_wrong_secret_get_the_same_answer(void **state)
{
    struct fixture *f = *state;
    uint8_t wrong[32] = {1};
    hello(f, 0, "9999999999", wrong);
    hello(f, 1, MEETING_LINK_NUMBER, wrong);
    hello(f, 2, MEETING_LINK_NUMBER, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fault_of(&f->line[i]), REASON_NO_SUCH_MEETING);
        assert_true(f->line[i].closed);
        assert_true(bytes_equal(buf_view(&f->line[i].last), buf_view(&f->line[0].last)));
    }
}

static void who_guesses_is_slowed_down(void **state)
{
    struct fixture *f = *state;
    uint8_t wrong[32] = {1};
    for (int i = 0; i < 30; i++) {
        hello(f, 0, "9999999999", wrong);
        assert_int_equal(fault_of(&f->line[0]), REASON_NO_SUCH_MEETING);
    }
    hello(f, 0, "9999999999", wrong);
    assert_int_equal(fault_of(&f->line[0]), REASON_TOO_MANY);
    f->now += 60 * SECOND;
    hello(f, 0, "9999999999", wrong);
    assert_int_equal(fault_of(&f->line[0]), REASON_NO_SUCH_MEETING);
}

static void what_is_no_hello_is_turned_away(void **state)
{
    struct fixture *f = *state;
    static const uint8_t leave[] = {SIGNAL_LEAVE}, noise[] = {0xff, 1, 2};
    static const uint8_t newer[] = {SIGNAL_HELLO, 0, 9, 0, 0};
    const struct {
        struct bytes frame;
        int reason;
    } cases[] = {{bytes_of(leave, sizeof leave), REASON_UNEXPECTED},
                 {bytes_of(noise, sizeof noise), REASON_MALFORMED},
                 {bytes_of(NULL, 0), REASON_MALFORMED},
                 {bytes_of(newer, sizeof newer), REASON_VERSION}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(hall_connect(f->hall, 1, "", f->now), 0);
        assert_int_equal(hall_frame(f->hall, 1, cases[i].frame, f->now), 0);
        assert_int_equal(fault_of(&f->line[0]), cases[i].reason);
        /* what it goes on to say is not heard */
        assert_int_equal(hall_frame(f->hall, 1, cases[i].frame, f->now), 0);
        hall_disconnect(f->hall, 1, f->now);
    }
}

/* ---- Participants ---- */

static void pump(struct fixture *f, size_t i)
{
    struct line *l = &f->line[i];
    struct participant_effect e;
    while (participant_next(l->p, &e)) {
        struct participant_input in = {.kind = PARTICIPANT_CONNECTED};
        struct buf copy = {0};
        if (e.kind == PARTICIPANT_CONNECT) {
            assert_int_equal(hall_connect(f->hall, i + 1, "192.0.2.8", f->now), 0);
            assert_int_equal(participant_input(l->p, &in, f->now), 0);
        } else if (e.kind == PARTICIPANT_SEND) {
            buf_put(&copy, e.data);
            assert_int_equal(hall_frame(f->hall, i + 1, buf_view(&copy), f->now), 0);
            buf_free(&copy);
        } else if (e.kind == PARTICIPANT_DISCONNECT) {
            hall_disconnect(f->hall, i + 1, f->now);
        }
    }
}

static void run(struct fixture *f, uint64_t seconds)
{
    for (uint64_t i = 0; i < 20 * seconds; i++) {
        f->now += SECOND / 20;
        if (hall_deadline(f->hall) <= f->now)
            assert_int_equal(hall_tick(f->hall, f->now), 0);
        for (size_t k = 0; k < GUESTS; k++)
            if (f->line[k].p != NULL) {
                assert_int_equal(participant_tick(f->line[k].p, f->now), 0);
                pump(f, k);
            }
    }
}

static void enter(struct fixture *f, size_t i, struct meeting_person *person)
{
    struct buf link = {0};
    assert_int_equal(participant_trust_new(&f->line[i].trust), 0);
    meeting_world_link_text(&f->w, &link);
    struct participant_config config = {.link = (const char *)link.p,
                                        .name = "",
                                        .signer = person->signer,
                                        .chain = person->chain,
                                        .n_chain = 1,
                                        .trust = f->line[i].trust,
                                        .seed = i + 1};
    assert_int_equal(participant_new(&config, f->now, &f->line[i].p), 0);
    buf_free(&link);
    pump(f, i);
}

static void a_meeting_outlives_its_hall(void **state)
{
    struct fixture *f = *state;
    struct room_summary summary;
    struct hall_totals totals;
    struct participant_meeting before, after;
    enter(f, 0, f->w.organiser);
    run(f, 1);
    enter(f, 1, meeting_world_person(&f->w, IDENTITY_USER, "bob@company.com"));
    run(f, 2);
    assert_int_equal(hall_summary(f->hall, MEETING_LINK_NUMBER, &summary), 0);
    assert_int_equal(summary.members, 2);
    assert_in_range(f->events, 2, 10);
    assert_int_equal(participant_meeting(f->line[1].p, &before), 0);

    hall_free(f->hall); /* as kill -9 would: nobody is told by the hall */
    open_hall(f);
    for (size_t i = 0; i < 2; i++) {
        struct participant_input in = {.kind = PARTICIPANT_DISCONNECTED};
        assert_int_equal(participant_input(f->line[i].p, &in, f->now), 0);
    }
    run(f, 3);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(participant_phase(f->line[i].p), PARTICIPANT_IN_MEETING);
    assert_int_equal(participant_meeting(f->line[1].p, &after), 0);
    assert_int_equal(after.epoch, before.epoch);
    hall_totals(f->hall, &totals);
    assert_int_equal(totals.connections, 2);
    assert_int_equal(totals.rooms, 1);
}

/* Only members have anything to say to the media switch, and only as long as they are there. */
static void the_media_switch_hears_members_until_they_go(void **state)
{
    struct fixture *f = *state;
    struct signal_media m = {.kind = SIGNAL_MEDIA_UNPUBLISH, .track = 1};
    struct participant_effect e;
    struct buf body = {0};
    assert_int_equal(signal_media_write(&m, &body), 0);
    enter(f, 0, f->w.organiser);
    run(f, 1);
    enter(f, 1, meeting_world_person(&f->w, IDENTITY_USER, "bob@company.com"));
    assert_int_equal(participant_media_send(f->line[1].p, buf_view(&body), f->now),
                     CONCLAVE_ESTATE);
    run(f, 2);
    assert_int_equal(participant_media_send(f->line[1].p, buf_view(&body), f->now), 0);
    pump(f, 1);
    assert_int_equal(f->media_conn, 2);
    assert_int_equal(f->media_leaf, 1);
    m = (struct signal_media){.kind = SIGNAL_MEDIA_DEMAND, .track = 1, .layers = 1};
    buf_clear(&body);
    assert_int_equal(signal_media_write(&m, &body), 0);
    assert_int_equal(hall_media(f->hall, 2, buf_view(&body)), 0);
    bool heard = false;
    while (participant_next(f->line[1].p, &e))
        heard = heard || (e.kind == PARTICIPANT_MEDIA && bytes_equal(e.data, buf_view(&body)));
    assert_true(heard);
    assert_int_equal(participant_eject(f->line[0].p, 1, f->now), 0);
    run(f, 1);
    assert_int_equal(f->media_conn, 0);
    assert_int_equal(hall_media(f->hall, 2, buf_view(&body)), 0); /* to nobody */
    buf_free(&body);
}

/* RFC 9605 5.2: the switch reads key ids, for which it has to know the epoch and the tree. */
static void the_media_switch_knows_every_epoch_first(void **state)
{
    struct fixture *f = *state;
    struct participant_meeting m;
    uint64_t epoch = 0;
    uint32_t leaves = 0;
    assert_false(hall_epoch(f->hall, MEETING_LINK_NUMBER, &epoch, &leaves));
    enter(f, 0, f->w.organiser);
    run(f, 1);
    enter(f, 1, meeting_world_person(&f->w, IDENTITY_USER, "bob@company.com"));
    run(f, 2);
    assert_int_equal(participant_meeting(f->line[1].p, &m), 0);
    assert_int_equal(f->media_epoch, m.epoch);
    assert_int_equal(f->media_leaves, 2);
    assert_true(hall_epoch(f->hall, MEETING_LINK_NUMBER, &epoch, &leaves));
    assert_int_equal(epoch, m.epoch);
    assert_int_equal(leaves, 2);
    assert_int_equal(participant_eject(f->line[0].p, 1, f->now), 0);
    run(f, 1);
    assert_int_equal(participant_meeting(f->line[0].p, &m), 0);
    assert_int_equal(f->media_epoch, m.epoch);
    assert_int_equal(f->media_leaves, 1);
}

static void an_administrator_ends_a_meeting_and_its_room_goes(void **state)
{
    struct fixture *f = *state;
    struct room_summary summary;
    enter(f, 0, f->w.organiser);
    run(f, 1);
    assert_int_equal(hall_end(f->hall, MEETING_LINK_NUMBER, f->now), 0);
    run(f, 1);
    assert_int_equal(participant_phase(f->line[0].p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(f->line[0].p), REASON_UNCONFIRMED_END);
    assert_int_equal(hall_summary(f->hall, MEETING_LINK_NUMBER, &summary), CONCLAVE_ENOTFOUND);
    assert_int_equal(hall_end(f->hall, MEETING_LINK_NUMBER, f->now), CONCLAVE_ENOTFOUND);
}

static void who_stops_says_so(void **state)
{
    struct fixture *f = *state;
    struct hall_totals totals;
    enter(f, 0, f->w.organiser);
    run(f, 1);
    hall_stop(f->hall, f->now);
    assert_true(f->line[0].closed);
    assert_int_equal(f->line[0].reason, REASON_SERVER_STOPS);
    hall_totals(f->hall, &totals);
    assert_int_equal(totals.connections, 0);
}

/* What cannot be written down is not acknowledged. */
static void a_store_that_fails_gives_the_room_up(void **state)
{
    struct fixture *f = *state;
    struct hall_totals totals;
    enter(f, 0, f->w.organiser);
    run(f, 1);
    assert_int_equal(store_meeting_remove(f->store, MEETING_LINK_NUMBER), 0);
    size_t before = f->line[0].frames;
    assert_int_equal(participant_lock(f->line[0].p, true, f->now), 0);
    struct participant_effect e;
    bool refused = false;
    while (participant_next(f->line[0].p, &e))
        if (e.kind == PARTICIPANT_SEND)
            refused = hall_frame(f->hall, 1, e.data, f->now) != 0 || refused;
    assert_true(refused);
    assert_true(f->line[0].closed);
    assert_int_equal(f->line[0].reason, REASON_SERVER_ERROR);
    assert_int_equal(f->line[0].frames, before + 1); /* the fault, and no commit */
    hall_totals(f->hall, &totals);
    assert_int_equal(totals.rooms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wrong_number_and_a_wrong_secret_get_the_same_answer,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_guesses_is_slowed_down, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_hello_is_turned_away, setup, teardown),
        cmocka_unit_test_setup_teardown(a_meeting_outlives_its_hall, setup, teardown),
        cmocka_unit_test_setup_teardown(an_administrator_ends_a_meeting_and_its_room_goes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_media_switch_hears_members_until_they_go, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_media_switch_knows_every_epoch_first, setup, teardown),
        cmocka_unit_test_setup_teardown(who_stops_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_fails_gives_the_room_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
