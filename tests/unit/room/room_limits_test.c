/* What strangers and members may not do: too much, too fast, at the wrong time, in bad form. */
#include <string.h>

#include "room/limits.h"
#include "support/random.h"
#include "support/room_world.h"

#define COLLEAGUE(name) name "@" MEETING_DOMAIN
#define STRANGER(name) name "@" MEETING_OTHER_DOMAIN

/* ---- Too fast ---- */

static void who_talks_too_fast_is_slowed_and_nothing_is_lost(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    room_start(&w);
    room_world_advance(&w, 10 * SECONDS);
    for (int i = 0; i < 300; i++)
        room_chat(&w, alice, "and another thing");
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 201); /* the burst, and one */
    room_world_advance(&w, SECONDS);
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 251);
    room_world_advance(&w, SECONDS);
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 300);
    assert_int_equal(alice->fault, 0);
    room_world_fini(&w);
}

static void frames_keep_their_order_when_they_are_slowed(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    for (int i = 0; i < 220; i++)
        room_chat(&w, bob, "hm");
    room_propose(&w, bob, mls_self_remove());
    room_say_message(&w, bob, &(struct signal_message){.type = SIGNAL_LEAVE});
    assert_false(bob->closed);
    room_world_advance(&w, SECONDS);
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 220);
    assert_int_equal(alice->got[SIGNAL_PROPOSED], 1);
    assert_true(bob->closed);
    room_world_fini(&w);
}

static void who_does_not_stop_is_closed(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    for (unsigned i = 0; i < 201 + ROOM_SLOWED_FRAMES && !bob->closed; i++)
        room_chat(&w, bob, "hm");
    assert_true(bob->closed);
    assert_int_equal(bob->fault, REASON_TOO_MANY);
    assert_false(alice->closed);
    room_world_fini(&w);
}

static void large_frames_count_for_more(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct buf body = {0};
    room_start(&w);
    room_world_advance(&w, 10 * SECONDS);
    buf_put_zero(&body, 200 * ROOM_MESSAGE_BYTES);
    const struct signal_message welcome = {.type = SIGNAL_WELCOME, .body = buf_view(&body)};
    room_say_message(&w, alice, &welcome); /* of no commit: looked at, and dropped */
    room_chat(&w, alice, "are you there?");
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 0);
    room_world_advance(&w, ROOM_MESSAGE_INTERVAL);
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 1);
    room_say_message(&w, alice, &welcome);
    room_say_message(&w, alice, &welcome);
    assert_int_equal(alice->fault, REASON_TOO_MANY); /* two of them are more than may wait */
    buf_free(&body);
    room_world_fini(&w);
}

/* ---- Too many ---- */

static void proposals_of_one_member_in_an_epoch_are_bounded(void **state)
{
    (void)state;
    struct room_world w;
    struct buf message = {0}, frame = {0};
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    struct mls_change leave = mls_self_remove();
    room_start(&w);
    room_join(&w, alice, bob);
    assert_int_equal(mls_group_propose(bob->group, &leave, NULL, w.now / SECONDS, &message), 0);
    const struct signal_message m = {.type = SIGNAL_PROPOSE, .body = buf_view(&message)};
    assert_int_equal(signal_write(&m, &frame), 0);
    for (unsigned i = 0; i < ROOM_PROPOSALS + 10; i++) {
        w.now += ROOM_MESSAGE_INTERVAL;
        room_say_bytes(&w, bob, buf_view(&frame));
    }
    assert_int_equal(room_look(&w).proposals, ROOM_PROPOSALS);
    assert_int_equal(bob->fault, 0);
    buf_free(&message);
    buf_free(&frame);
    room_world_fini(&w);
}

static void connections_are_bounded(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    w.config.max_participants = 1;
    w.config.max_waiting = 1;
    const struct card_terms terms = meeting_world_terms(&w.people);
    room_world_set_card(&w, &terms);
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    for (unsigned i = 0; i < 2 + ROOM_CONNECTIONS_SPARE; i++) {
        room_connect(&w, bob);
        assert_int_equal(bob->fault, 0);
    }
    room_connect(&w, bob);
    assert_int_equal(bob->fault, REASON_FULL);
    assert_true(bob->closed);
    assert_int_equal(room_look(&w).connections, 2 + ROOM_CONNECTIONS_SPARE);
    room_world_fini(&w);
}

static void who_does_not_open_in_time_is_closed(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_connect(&w, bob);
    room_world_advance(&w, ROOM_OPENING_TIME - 1);
    room_connect(&w, alice);
    assert_false(bob->closed);
    room_world_advance(&w, 1);
    assert_int_equal(bob->fault, REASON_UNEXPECTED);
    assert_false(alice->closed);
    room_world_fini(&w);
}

/* ---- Bad form, wrong time ---- */

/* Connections in every state; what they wait for does not come. */
enum { CHALLENGED, NOT_STARTED, IN_LOBBY, QUEUED, ADDED, MEMBER, REJOINING, PLACES };

struct places {
    struct room_world w;
    struct room_client *at[PLACES];
};

static void places_init(struct places *p, int only)
{
    struct room_world *w = &p->w;
    room_world_init(w);
    struct room_client *alice = &w->client[0];
    p->at[MEMBER] = alice;
    p->at[CHALLENGED] = room_world_client(w, IDENTITY_USER, COLLEAGUE("c"));
    p->at[NOT_STARTED] = room_world_client(w, IDENTITY_USER, COLLEAGUE("n"));
    p->at[IN_LOBBY] = room_world_client(w, IDENTITY_USER, STRANGER("l"));
    p->at[QUEUED] = room_world_client(w, IDENTITY_USER, COLLEAGUE("q"));
    p->at[ADDED] = room_world_client(w, IDENTITY_USER, COLLEAGUE("a"));
    p->at[REJOINING] = room_world_client(w, IDENTITY_USER, COLLEAGUE("r"));
    room_connect(w, p->at[CHALLENGED]);
    room_connect(w, p->at[NOT_STARTED]);
    room_knock(w, p->at[NOT_STARTED]);
    if (only == NOT_STARTED)
        return;
    room_start(w);
    if (p->at[NOT_STARTED]->conn != 0)
        room_disconnect(w, p->at[NOT_STARTED]);
    buf_clear(&alice->joiners);
    room_join(w, alice, p->at[REJOINING]);
    alice->mute = true;
    room_disconnect(w, p->at[REJOINING]);
    room_connect(w, p->at[REJOINING]);
    room_rejoin(w, p->at[REJOINING]);
    room_connect(w, p->at[ADDED]);
    room_knock(w, p->at[ADDED]);
    room_add_joiners(w, alice);
    room_connect(w, p->at[QUEUED]);
    room_knock(w, p->at[QUEUED]);
    room_connect(w, p->at[IN_LOBBY]);
    room_knock(w, p->at[IN_LOBBY]);
    assert_int_equal(p->at[CHALLENGED]->fault, 0);
    assert_int_equal(p->at[IN_LOBBY]->waiting, SIGNAL_WAIT_LOBBY);
    assert_int_equal(p->at[QUEUED]->waiting, SIGNAL_WAIT_ADDING);
    assert_int_equal(p->at[ADDED]->got[SIGNAL_WELCOMED], 0);
    assert_int_equal(p->at[REJOINING]->got[SIGNAL_INFO_OF], 0);
}

/* One frame at one place: how it ends, and that nobody else notices. */
static int fault_of(int place, struct bytes frame)
{
    struct places p;
    places_init(&p, place);
    struct room_client *c = p.at[place];
    unsigned others = room_look(&p.w).connections - 1;
    room_say_bytes(&p.w, c, frame);
    assert_true(c->closed == (c->fault != 0) || frame.p[0] == SIGNAL_LEAVE);
    if (c->closed)
        assert_int_equal(room_look(&p.w).connections, others);
    int fault = c->closed ? c->fault : -1;
    room_world_fini(&p.w);
    return fault;
}

static void what_cannot_be_read_is_malformed_in_every_state(void **state)
{
    (void)state;
    static const uint8_t unknown[] = {0, 14, 63, 80, 255};
    static const uint8_t app[] = {SIGNAL_APP, 5, 'c', 'u', 't'};
    static const uint8_t leave[] = {SIGNAL_LEAVE, 0};
    for (int place = 0; place < PLACES; place++) {
        for (size_t i = 0; i < sizeof unknown; i++)
            assert_int_equal(fault_of(place, bytes_of(&unknown[i], 1)), REASON_MALFORMED);
        assert_int_equal(fault_of(place, bytes_of(app, sizeof app)), REASON_MALFORMED);
        assert_int_equal(fault_of(place, bytes_of(leave, sizeof leave)), REASON_TOO_LARGE);
    }
}

/* Which of a client's messages belong into which state (docs/PROTOCOL.md section 5). */
static bool belongs(int place, enum signal_type type)
{
    switch (type) {
    case SIGNAL_FOUND:
    case SIGNAL_KNOCK:
    case SIGNAL_RESUME:
    case SIGNAL_REJOIN:
        return place == CHALLENGED;
    case SIGNAL_COMMIT:
        return place == MEMBER || place == REJOINING;
    case SIGNAL_LEAVE:
        return true;
    case SIGNAL_HELLO:
        return false;
    default:
        return place == MEMBER;
    }
}

static void what_does_not_belong_into_the_state_is_unexpected(void **state)
{
    (void)state;
    static const uint8_t hash[SIGNAL_HASH] = {0}, nonce[SIGNAL_NONCE] = {0};
    for (int place = 0; place < PLACES; place++) {
        for (unsigned type = SIGNAL_HELLO; type <= SIGNAL_FAULT; type++) {
            struct buf frame = {0};
            const struct signal_message m = {.type = (enum signal_type)type,
                                             .version = SIGNAL_VERSION,
                                             .nonce = bytes_of(nonce, sizeof nonce),
                                             .waiting = SIGNAL_WAIT_LOBBY,
                                             .hash = bytes_of(hash, sizeof hash)};
            if (signal_limit(m.type) == 0)
                continue;
            assert_int_equal(signal_write(&m, &frame), 0);
            int fault = fault_of(place, buf_view(&frame));
            if (signal_from_client(m.type) && belongs(place, m.type))
                assert_int_not_equal(fault, REASON_UNEXPECTED);
            else
                assert_int_equal(fault, REASON_UNEXPECTED);
            buf_free(&frame);
        }
    }
}

static void a_frame_over_its_limit_is_too_large_even_while_it_waits(void **state)
{
    (void)state;
    struct room_world w;
    struct buf frame = {0};
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    room_start(&w);
    for (int i = 0; i < 210; i++)
        room_chat(&w, alice, "hm");
    buf_put_zero(&frame, signal_limit(SIGNAL_REFUSE) + 1);
    frame.p[0] = SIGNAL_REFUSE;
    room_say_bytes(&w, alice, buf_view(&frame));
    assert_int_equal(alice->fault, REASON_TOO_LARGE);
    buf_free(&frame);
    room_world_fini(&w);
}

/* Honest frames with some bytes changed, from a member who comes back whenever it is thrown out,
 * while an honest meeting goes on. */
struct bent {
    struct room_world w;
    struct room_client *alice, *bob, *mal;
    struct random random;
};

static void mal_comes(struct bent *b)
{
    room_connect(&b->w, b->mal);
    room_knock(&b->w, b->mal);
    if (b->mal->waiting == SIGNAL_WAIT_ADDING && b->alice->joiners.n == 0)
        room_commit(&b->w, b->alice, NULL, 0); /* its former leaf goes first */
    if (b->alice->joiners.n != 0)
        room_add_joiners(&b->w, b->alice);
}

static void make_frame(struct bent *b, struct buf *out)
{
    struct signal_message m = {.type =
                                   random_chance(&b->random, 50) ? SIGNAL_COMMIT : SIGNAL_PROPOSE};
    struct buf message = {0};
    if (b->mal->group != NULL && !mls_group_has_pending(b->mal->group)) {
        room_make_commit(&b->w, b->mal, NULL, 0, &message);
        assert_int_equal(mls_group_drop_own(b->mal->group), 0);
    }
    m.body = buf_view(&message);
    assert_int_equal(signal_write(&m, out), 0);
    for (uint64_t k = random_below(&b->random, 4) + 1; k != 0; k--)
        out->p[random_below(&b->random, out->n)] ^= (uint8_t)(1 + random_below(&b->random, 255));
    buf_free(&message);
}

/* What only members can check the server has let through: they complain. */
static void take_back(struct bent *b, struct bytes frame)
{
    struct signal_message m;
    assert_int_equal(signal_read(frame, &m), 0);
    uint64_t undone = room_look(&b->w).undone;
    room_complain(&b->w, b->alice, m.body);
    room_complain(&b->w, b->bob, m.body);
    assert_int_equal(room_look(&b->w).undone, undone + 1);
}

static void bent_frames_disturb_nobody_else(void **state)
{
    (void)state;
    struct bent b = {.random = {.state = 5}};
    room_world_init(&b.w);
    b.alice = &b.w.client[0];
    b.bob = room_world_client(&b.w, IDENTITY_USER, COLLEAGUE("bob"));
    b.mal = room_world_client(&b.w, IDENTITY_USER, COLLEAGUE("mal"));
    room_start(&b.w);
    room_join(&b.w, b.alice, b.bob);
    for (int i = 0; i < 300; i++) {
        struct buf frame = {0};
        if (b.mal->conn == 0)
            mal_comes(&b);
        make_frame(&b, &frame);
        if (b.mal->conn != 0)
            room_say_bytes(&b.w, b.mal, buf_view(&frame));
        if (room_look(&b.w).epoch != mls_group_epoch(b.alice->group))
            take_back(&b, buf_view(&frame));
        room_world_advance(&b.w, SECONDS);
        assert_true(room_is_in(b.alice) && room_is_in(b.bob));
        assert_int_equal(room_look(&b.w).epoch, mls_group_epoch(b.alice->group));
        assert_int_equal(room_look(&b.w).epoch, mls_group_epoch(b.bob->group));
        buf_free(&frame);
    }
    room_commit(&b.w, b.bob, NULL, 0);
    assert_int_equal(b.bob->rejected, 0);
    room_world_fini(&b.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_talks_too_fast_is_slowed_and_nothing_is_lost),
        cmocka_unit_test(frames_keep_their_order_when_they_are_slowed),
        cmocka_unit_test(who_does_not_stop_is_closed),
        cmocka_unit_test(large_frames_count_for_more),
        cmocka_unit_test(proposals_of_one_member_in_an_epoch_are_bounded),
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(who_does_not_open_in_time_is_closed),
        cmocka_unit_test(what_cannot_be_read_is_malformed_in_every_state),
        cmocka_unit_test(what_does_not_belong_into_the_state_is_unexpected),
        cmocka_unit_test(a_frame_over_its_limit_is_too_large_even_while_it_waits),
        cmocka_unit_test(bent_frames_disturb_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
