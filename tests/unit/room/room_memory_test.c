/* Memory runs out at the n-th allocation of the room, for every n: nothing half-done stays, nothing
 * that was said is not so, and what could not be said is said later. */
#include "support/alloc_fail.h"
#include "support/room_world.h"

#define COLLEAGUE(name) name "@" MEETING_DOMAIN
#define STRANGER(name) name "@" MEETING_OTHER_DOMAIN

/* Time for what is to be tried again. */
static void breathe(struct room_world *w)
{
    room_world_advance(w, SECONDS);
}

static void comes(struct room_world *w, struct room_client *c)
{
    room_connect(w, c);
    room_knock(w, c);
    breathe(w);
}

static void founding_knocking_and_joining(struct room_world *w)
{
    struct room_client *alice = &w->client[0];
    struct room_client *bob = room_world_client(w, IDENTITY_USER, COLLEAGUE("bob"));
    struct room_client *eve = room_world_client(w, IDENTITY_USER, STRANGER("eve"));
    comes(w, bob);
    room_connect(w, alice);
    room_found(w, alice);
    breathe(w);
    comes(w, eve);
    room_add_joiners(w, alice);
    breathe(w);
    room_add_lobby(w, alice);
    breathe(w);
    assert_true(room_is_in(alice) && room_is_in(bob) && room_is_in(eve));
}

static void committing_leaving_and_coming_back(struct room_world *w)
{
    struct room_client *alice = &w->client[0];
    struct room_client *bob = room_world_client(w, IDENTITY_USER, COLLEAGUE("bob"));
    struct room_client *carl = room_world_client(w, IDENTITY_USER, COLLEAGUE("carl"));
    size_t left = w->allocations_left;
    w->allocations_left = SIZE_MAX; /* up to here is the other scene's */
    room_start(w);
    room_join(w, alice, bob);
    room_join(w, alice, carl);
    w->allocations_left = left;
    room_disconnect(w, bob);
    breathe(w);
    room_propose(w, carl, mls_self_remove());
    room_say_message(w, carl, &(struct signal_message){.type = SIGNAL_LEAVE});
    breathe(w);
    room_commit(w, alice, NULL, 0);
    breathe(w);
    room_connect(w, bob);
    room_resume(w, bob);
    breathe(w);
    room_disconnect(w, bob);
    room_connect(w, bob);
    room_rejoin(w, bob);
    breathe(w);
    room_chat(w, bob, "back");
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 1);
    room_disconnect(w, bob);
    room_world_advance(w, 31 * SECONDS);
    room_commit(w, alice, NULL, 0);
    breathe(w);
    assert_int_equal(room_look(w).members, 1);
}

static void taking_back(struct room_world *w)
{
    struct room_client *alice = &w->client[0];
    struct room_client *bob = room_world_client(w, IDENTITY_USER, COLLEAGUE("bob"));
    struct room_client *carl = room_world_client(w, IDENTITY_USER, COLLEAGUE("carl"));
    struct room_client *dora = room_world_client(w, IDENTITY_USER, COLLEAGUE("dora"));
    struct buf commit = {0};
    size_t left = w->allocations_left;
    w->allocations_left = SIZE_MAX;
    room_start(w);
    room_join(w, alice, bob);
    room_join(w, alice, carl);
    comes(w, dora);
    bob->deaf = carl->deaf = alice->mute = true;
    const struct mls_change add = mls_add(mls_key_package_message(dora->kp));
    room_make_commit(w, alice, &add, 1, &commit);
    room_send_commit(w, alice, buf_view(&commit));
    bob->deaf = carl->deaf = false;
    w->allocations_left = left;
    room_complain(w, bob, buf_view(&commit));
    room_complain(w, carl, buf_view(&commit));
    breathe(w);
    room_add_joiners(w, bob);
    breathe(w);
    assert_true(room_is_in(dora));
    assert_int_equal(room_look(w).members, 3);
    buf_free(&commit);
}

static void ending(struct room_world *w)
{
    struct room_client *alice = &w->client[0];
    struct room_client *bob = room_world_client(w, IDENTITY_USER, COLLEAGUE("bob"));
    struct room_client *eve = room_world_client(w, IDENTITY_USER, STRANGER("eve"));
    struct meeting_state s;
    size_t left = w->allocations_left;
    w->allocations_left = SIZE_MAX;
    room_start(w);
    room_join(w, alice, bob);
    comes(w, eve);
    room_state(alice, &s);
    s.ended = true;
    w->allocations_left = left;
    room_set_state(w, alice, &s);
    breathe(w);
    assert_int_equal(bob->fault, REASON_ENDED);
    assert_int_equal(eve->fault, REASON_ENDED);
    assert_int_equal(w->forgets, 1);
    assert_true(room_is_idle(w->room));
}

/* Until a run needs no more than it was given. */
static void sweep(void (*scene)(struct room_world *w))
{
    bool more = true;
    for (size_t n = 0; more; n++) {
        struct room_world w;
        room_world_init(&w);
        w.allocations_left = n;
        scene(&w);
        more = w.out_of_memory;
        if (room_look(&w).running) {
            room_agrees(&w);
            uint64_t epoch = room_look(&w).epoch;
            room_world_restart(&w); /* and what was stored is the same */
            assert_int_equal(room_look(&w).epoch, epoch);
        }
        room_world_fini(&w);
    }
}

static void memory_may_run_out_while_people_come_in(void **state)
{
    (void)state;
    sweep(founding_knocking_and_joining);
}

static void memory_may_run_out_while_people_come_and_go(void **state)
{
    (void)state;
    sweep(committing_leaving_and_coming_back);
}

static void memory_may_run_out_while_a_commit_is_taken_back(void **state)
{
    (void)state;
    sweep(taking_back);
}

static void memory_may_run_out_at_the_end(void **state)
{
    (void)state;
    sweep(ending);
}

/* ---- Making a room ---- */

static int make(void *ctx)
{
    const struct room_world *w = ctx;
    struct room *r = NULL;
    int rv = room_new(&w->config, &r);
    room_free(r);
    return rv;
}

static int restore(void *ctx)
{
    const struct room_world *w = ctx;
    struct bytes commits[] = {buf_view(&w->commits[0].data), buf_view(&w->commits[1].data)};
    struct room *r = NULL;
    int rv = room_restore(&w->config, buf_view(&w->snapshot), commits, 2, w->now, &r);
    room_free(r);
    return rv;
}

static void a_room_that_cannot_be_made_leaves_nothing(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_propose(&w, bob, mls_self_remove());
    room_commit(&w, alice, NULL, 0);
    assert_true(alloc_sweep(make, &w) > 0);
    assert_true(alloc_sweep(restore, &w) > 0);
    room_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out_while_people_come_in),
        cmocka_unit_test(memory_may_run_out_while_people_come_and_go),
        cmocka_unit_test(memory_may_run_out_while_a_commit_is_taken_back),
        cmocka_unit_test(memory_may_run_out_at_the_end),
        cmocka_unit_test(a_room_that_cannot_be_made_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
