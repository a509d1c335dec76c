/* How people come in: founding, knocking, the lobby, joining directly, Welcomes. */
#include "support/room_world.h"

#define DOMAIN_USER(name) name "@" MEETING_DOMAIN
#define OTHER_USER(name) name "@" MEETING_OTHER_DOMAIN

static void the_organiser_founds_and_is_live(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    room_connect(&w, alice);
    assert_false(alice->running);
    room_found(&w, alice);
    assert_int_equal(alice->got[SIGNAL_LIVE], 1);
    assert_int_equal(alice->got[SIGNAL_PRESENCE], 1);
    assert_int_equal(alice->presence.n, 0);
    assert_int_equal(alice->live_leaf, 0);
    assert_int_equal(w.snapshots, 1);
    assert_int_equal(w.events[ROOM_EVENT_FOUNDED], 1);
    assert_true(room_look(&w).running);
    room_agrees(&w);
    room_world_fini(&w);
}

static void a_colleague_joins_through_the_leader(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, DOMAIN_USER("bob"));
    room_start(&w);
    room_connect(&w, bob);
    assert_true(bob->running);
    room_knock(&w, bob);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_ADDING);
    assert_int_equal(alice->got[SIGNAL_JOINERS], 1);
    room_add_joiners(&w, alice);
    assert_int_equal(bob->got[SIGNAL_WELCOMED], 1);
    assert_true(room_is_in(bob));
    assert_int_equal(w.n_commits, 1);
    assert_int_equal(w.events[ROOM_EVENT_JOINED], 1);
    room_agrees(&w);
    room_chat(&w, bob, "hello");
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 1);
    assert_int_equal(bob->got[SIGNAL_APP_FROM], 1);
    room_world_fini(&w);
}

static void a_stranger_waits_in_the_lobby_until_a_host_admits_it(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, DOMAIN_USER("bob"));
    struct room_client *eve = room_world_client(&w, IDENTITY_USER, OTHER_USER("eve"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, eve);
    room_knock(&w, eve);
    assert_int_equal(eve->waiting, SIGNAL_WAIT_LOBBY);
    assert_int_equal(alice->lobby_added, 1);
    assert_int_equal(bob->got[SIGNAL_LOBBY], 0);
    room_add_lobby(&w, alice);
    assert_true(room_is_in(eve));
    assert_int_equal(alice->lobby_removed, 1);
    assert_int_equal(room_look(&w).waiting, 0);
    room_agrees(&w);
    room_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_organiser_founds_and_is_live),
        cmocka_unit_test(a_colleague_joins_through_the_leader),
        cmocka_unit_test(a_stranger_waits_in_the_lobby_until_a_host_admits_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
