/* Coming back: Resume, Rejoin, presence, and what happens to those who do not come back. */
#include "support/room_world.h"

#define COLLEAGUE(name) name "@" MEETING_DOMAIN

/* The organiser and two colleagues, in leaves 0, 1 and 2. */
struct three {
    struct room_world w;
    struct room_client *alice, *bob, *carl;
};

static void three_init(struct three *t)
{
    room_world_init(&t->w);
    t->alice = &t->w.client[0];
    t->bob = room_world_client(&t->w, IDENTITY_USER, COLLEAGUE("bob"));
    t->carl = room_world_client(&t->w, IDENTITY_USER, COLLEAGUE("carl"));
    room_start(&t->w);
    room_join(&t->w, t->alice, t->bob);
    room_join(&t->w, t->alice, t->carl);
}

static void three_fini(struct three *t)
{
    room_world_fini(&t->w);
}

static void come_back(struct three *t, struct room_client *c)
{
    room_connect(&t->w, c);
    room_resume(&t->w, c);
}

/* ---- Resume ---- */

static void who_was_away_gets_every_commit_with_its_proposals(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    struct room_client *dora = room_world_client(&t.w, IDENTITY_USER, COLLEAGUE("dora"));
    room_join(&t.w, t.alice, dora);
    room_propose(&t.w, t.alice, mls_remove(dora->live_leaf));
    room_commit(&t.w, t.carl, NULL, 0); /* by reference: bob needs the proposal, too */
    room_propose(&t.w, t.carl, mls_self_remove());
    unsigned before = t.bob->followed;
    come_back(&t, t.bob);
    assert_int_equal(t.bob->refused, 0);
    assert_int_equal(t.bob->followed, before + 2);
    assert_int_equal(t.bob->live_epoch, room_look(&t.w).epoch);
    assert_int_equal(t.bob->live_leaf, 1);
    room_agrees(&t.w);
    room_commit(&t.w, t.bob, NULL, 0); /* the proposal of this epoch, which it was given */
    assert_int_equal(room_look(&t.w).members, 2);
    three_fini(&t);
}

static void a_new_connection_replaces_the_older_one(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    struct room_client *older = room_world_client_of(&t.w, t.bob->who);
    older->conn = t.bob->conn; /* somebody else looks at what comes there */
    come_back(&t, t.bob);
    assert_int_equal(older->fault, REASON_REPLACED);
    assert_true(older->closed);
    assert_int_equal(t.bob->fault, 0);
    assert_int_equal(t.bob->got[SIGNAL_LIVE], 2);
    assert_int_equal(room_look(&t.w).connected, 3);
    three_fini(&t);
}

static void who_is_no_member_is_told(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    const struct mls_change eject = mls_remove(t.carl->live_leaf);
    room_commit(&t.w, t.alice, &eject, 1);
    come_back(&t, t.carl);
    assert_int_equal(t.carl->fault, REASON_NOT_A_MEMBER);

    room_disconnect(&t.w, t.bob);
    room_connect(&t.w, t.bob);
    t.bob->nonce[5] ^= 1; /* without the key one is not either */
    room_resume(&t.w, t.bob);
    assert_int_equal(t.bob->fault, REASON_NOT_A_MEMBER);
    three_fini(&t);
}

static void who_asks_for_another_group_is_told_that_it_is_gone(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    assert_int_equal(room_end(t.w.room, t.w.now), 0);
    room_world_run(&t.w);
    come_back(&t, t.bob);
    assert_int_equal(t.bob->fault, REASON_GONE);
    room_connect(&t.w, t.alice);
    room_found(&t.w, t.alice); /* the next meeting is not bob's */
    come_back(&t, t.bob);
    assert_int_equal(t.bob->fault, REASON_GONE);
    three_fini(&t);
}

static void resume_at(struct three *t, struct room_client *c, uint64_t epoch)
{
    struct mls_context context;
    struct buf signature = {0};
    mls_group_context(c->group, &context);
    room_connect(&t->w, c);
    room_prove(c, SIGNAL_RESUME, &signature);
    room_say_message(&t->w, c,
                     &(struct signal_message){.type = SIGNAL_RESUME,
                                              .group_id = context.group_id,
                                              .leaf = mls_group_own_leaf(c->group),
                                              .epoch = epoch,
                                              .signature = buf_view(&signature)});
    buf_free(&signature);
}

static void what_is_not_kept_or_not_there_is_out_of_reach(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    resume_at(&t, t.bob, room_look(&t.w).epoch + 1);
    assert_int_equal(t.bob->fault, REASON_OUT_OF_REACH);
    for (int i = 0; i < 80; i++) { /* more than a snapshot takes along */
        room_commit(&t.w, t.alice, NULL, 0);
        room_world_advance(&t.w, SECONDS / 10);
    }
    resume_at(&t, t.bob, mls_group_epoch(t.bob->group));
    assert_int_equal(t.bob->fault, 0);
    assert_int_equal(t.bob->followed, 81);
    room_world_restart(&t.w);
    resume_at(&t, t.bob, 2);
    assert_int_equal(t.bob->fault, REASON_OUT_OF_REACH);
    three_fini(&t);
}

/* ---- Presence ---- */

/* What a Presence says of a leaf: 1 connected, 0 not, -1 nothing. */
static int presence_of(const struct room_client *c, uint32_t leaf)
{
    struct bytes rest = buf_view(&c->presence);
    struct signal_presence p;
    int says = -1;
    while (signal_next_presence(&rest, &p))
        if (p.leaf == leaf)
            says = p.connected;
    return says;
}

static void changes_of_presence_are_told_and_newcomers_learn_who_is_away(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_world_advance(&t.w, SECONDS);
    unsigned told = t.alice->got[SIGNAL_PRESENCE];
    room_disconnect(&t.w, t.bob);
    assert_int_equal(t.alice->got[SIGNAL_PRESENCE], told + 1);
    assert_int_equal(presence_of(t.alice, 1), 0);
    struct room_client *dora = room_world_client(&t.w, IDENTITY_USER, COLLEAGUE("dora"));
    room_join(&t.w, t.alice, dora);
    assert_int_equal(presence_of(dora, 1), 0);
    assert_int_equal(presence_of(dora, 2), -1);
    room_world_advance(&t.w, SECONDS);
    come_back(&t, t.bob);
    assert_int_equal(presence_of(dora, 1), 1);
    three_fini(&t);
}

static void many_changes_at_once_are_one_message(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    struct room_client *dora = room_world_client(&t.w, IDENTITY_USER, COLLEAGUE("dora"));
    room_join(&t.w, t.alice, dora);
    room_world_advance(&t.w, SECONDS);
    unsigned told = t.alice->got[SIGNAL_PRESENCE];
    room_disconnect(&t.w, t.bob); /* at once, because it was quiet */
    room_disconnect(&t.w, t.carl);
    room_disconnect(&t.w, dora);
    come_back(&t, dora); /* away and back before anybody could be told */
    assert_int_equal(t.alice->got[SIGNAL_PRESENCE], told + 1);
    room_world_advance(&t.w, SECONDS);
    assert_int_equal(t.alice->got[SIGNAL_PRESENCE], told + 2);
    assert_int_equal(presence_of(t.alice, 2), 0);
    assert_int_equal(presence_of(t.alice, 3), -1);
    three_fini(&t);
}

static void who_is_away_for_half_a_minute_is_proposed_for_removal(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    room_world_advance(&t.w, 30 * SECONDS - 1);
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 0);
    room_world_advance(&t.w, 1);
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 1);
    assert_int_equal(t.carl->got[SIGNAL_PROPOSED], 1);
    room_commit(&t.w, t.alice, NULL, 0);
    assert_int_equal(room_look(&t.w).members, 2);
    assert_int_equal(t.w.events[ROOM_EVENT_REMOVED], 1);
    room_agrees(&t.w);
    three_fini(&t);
}

static void who_comes_back_in_time_is_not_proposed_again(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    room_world_advance(&t.w, 31 * SECONDS);
    come_back(&t, t.bob);
    assert_int_equal(mls_group_clear_proposals(t.alice->group), 0); /* it heard bob */
    room_commit(&t.w, t.alice, NULL, 0);
    room_world_advance(&t.w, 60 * SECONDS);
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 1);
    assert_int_equal(room_look(&t.w).members, 3);
    room_agrees(&t.w);
    three_fini(&t);
}

static void a_meeting_without_anybody_is_forgotten_after_ten_minutes(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    room_disconnect(&t.w, t.carl);
    room_disconnect(&t.w, t.alice);
    struct room_client *dora = room_world_client(&t.w, IDENTITY_USER, COLLEAGUE("dora"));
    room_connect(&t.w, dora);
    room_knock(&t.w, dora);
    assert_int_equal(dora->waiting, SIGNAL_WAIT_ADDING);
    room_world_advance(&t.w, 599 * SECONDS);
    assert_true(room_look(&t.w).running);
    assert_false(room_is_idle(t.w.room));
    room_world_advance(&t.w, SECONDS);
    assert_false(room_look(&t.w).running);
    assert_int_equal(t.w.forgets, 1);
    assert_int_equal(dora->waiting, SIGNAL_WAIT_NOT_STARTED);
    come_back(&t, t.bob);
    assert_int_equal(t.bob->fault, REASON_GONE);
    room_connect(&t.w, t.alice);
    room_found(&t.w, t.alice);
    room_add_joiners(&t.w, t.alice);
    assert_true(room_is_in(dora));
    three_fini(&t);
}

static void a_founder_at_the_door_waits_one_minute_for_those_who_are_cut_off(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    room_disconnect(&t.w, t.carl);
    room_disconnect(&t.w, t.alice);
    struct room_client *again = room_world_client_of(&t.w, t.alice->who);
    room_connect(&t.w, again); /* alice has lost her group: she knocks with her key */
    room_knock(&t.w, again);
    assert_int_equal(again->waiting, SIGNAL_WAIT_ADDING);
    room_world_advance(&t.w, 59 * SECONDS);
    assert_true(room_look(&t.w).running);
    room_world_advance(&t.w, SECONDS);
    assert_false(room_look(&t.w).running);
    assert_int_equal(again->waiting, SIGNAL_WAIT_NOT_STARTED);
    three_fini(&t);
}

static void who_was_alone_and_has_lost_the_group_begins_anew_at_once(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *again = room_world_client_of(&w, alice->who);
    room_start(&w);
    room_connect(&w, again);
    room_knock(&w, again);
    assert_int_equal(alice->fault, REASON_REPLACED);
    assert_false(room_look(&w).running);
    assert_int_equal(again->waiting, SIGNAL_WAIT_NOT_STARTED);
    room_disconnect(&w, again);
    room_connect(&w, again);
    room_found(&w, again);
    assert_true(room_is_in(again));
    room_world_fini(&w);
}

/* ---- Rejoin ---- */

static void who_cannot_follow_rejoins_its_own_leaf(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    t.bob->deaf = true;
    room_commit(&t.w, t.alice, NULL, 0);
    room_disconnect(&t.w, t.bob);
    t.bob->deaf = false;
    room_connect(&t.w, t.bob);
    room_rejoin(&t.w, t.bob);
    assert_int_equal(t.bob->got[SIGNAL_INFO_OF], 1);
    assert_int_equal(t.alice->got[SIGNAL_INFO_REQUEST], 1);
    assert_int_equal(t.bob->got[SIGNAL_LIVE], 2);
    assert_int_equal(t.bob->live_epoch, room_look(&t.w).epoch);
    assert_int_equal(room_look(&t.w).members, 3);
    assert_int_equal(room_look(&t.w).connected, 3);
    room_agrees(&t.w);
    room_chat(&t.w, t.bob, "back");
    assert_int_equal(t.carl->got[SIGNAL_APP_FROM], 1);
    room_world_advance(&t.w, 60 * SECONDS); /* nobody is taken for gone */
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 0);
    three_fini(&t);
}

static void another_member_is_asked_if_the_first_gives_no_info(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    t.alice->mute = true;
    room_disconnect(&t.w, t.bob);
    room_connect(&t.w, t.bob);
    room_rejoin(&t.w, t.bob);
    assert_int_equal(t.bob->got[SIGNAL_INFO_OF], 0);
    room_say_message(&t.w, t.carl, /* unasked, and of nothing */
                     &(struct signal_message){.type = SIGNAL_INFO, .body = bytes_str("nonsense")});
    assert_int_equal(t.bob->got[SIGNAL_INFO_OF], 0);
    room_world_advance(&t.w, 3 * SECONDS);
    assert_int_equal(t.carl->got[SIGNAL_INFO_REQUEST], 1);
    assert_int_equal(t.bob->got[SIGNAL_INFO_OF], 1);
    assert_int_equal(t.bob->got[SIGNAL_LIVE], 2);
    room_agrees(&t.w);
    three_fini(&t);
}

static void an_external_commit_that_is_late_gets_a_newer_info(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    room_connect(&t.w, t.bob);
    t.bob->slow = true; /* keeps its external commit back */
    room_rejoin(&t.w, t.bob);
    assert_int_equal(t.bob->got[SIGNAL_INFO_OF], 1);
    room_commit(&t.w, t.alice, NULL, 0);
    t.bob->slow = false;
    room_send_commit(&t.w, t.bob, buf_view(&t.bob->kept));
    assert_int_equal(t.bob->rejected, REASON_STALE);
    assert_int_equal(t.bob->got[SIGNAL_INFO_OF], 2);
    assert_int_equal(t.bob->got[SIGNAL_LIVE], 2);
    room_agrees(&t.w);
    three_fini(&t);
}

static void rejoining_is_granted_three_times_in_ten_minutes(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    for (int i = 0; i < 3; i++) {
        room_disconnect(&t.w, t.bob);
        room_connect(&t.w, t.bob);
        room_rejoin(&t.w, t.bob);
        assert_int_equal(t.bob->fault, 0);
        assert_int_equal(t.bob->got[SIGNAL_LIVE], 2 + i);
    }
    room_disconnect(&t.w, t.bob);
    room_connect(&t.w, t.bob);
    room_rejoin(&t.w, t.bob);
    assert_int_equal(t.bob->fault, REASON_TOO_MANY);
    come_back(&t, t.bob); /* but Resume is free */
    assert_int_equal(t.bob->fault, 0);
    room_world_advance(&t.w, 200 * SECONDS);
    room_disconnect(&t.w, t.bob);
    room_connect(&t.w, t.bob);
    room_rejoin(&t.w, t.bob);
    assert_int_equal(t.bob->fault, 0);
    room_agrees(&t.w);
    three_fini(&t);
}

static void an_external_commit_takes_nobody_elses_leaf(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    room_connect(&t.w, t.bob);
    t.bob->slow = true;
    room_rejoin(&t.w, t.bob);
    room_disconnect(&t.w, t.carl);
    room_connect(&t.w, t.carl);
    t.carl->slow = true;
    room_rejoin(&t.w, t.carl);
    room_send_commit(&t.w, t.carl, buf_view(&t.bob->kept));
    assert_int_equal(t.carl->rejected, REASON_INVALID);
    room_send_commit(&t.w, t.carl, buf_view(&t.carl->kept));
    assert_int_equal(t.carl->got[SIGNAL_LIVE], 2);
    three_fini(&t);
}

static void who_rejoins_and_is_removed_meanwhile_is_told(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_disconnect(&t.w, t.bob);
    room_connect(&t.w, t.bob);
    t.bob->slow = true;
    room_rejoin(&t.w, t.bob);
    const struct mls_change eject = mls_remove(1);
    room_commit(&t.w, t.alice, &eject, 1);
    assert_int_equal(t.bob->fault, REASON_NOT_A_MEMBER);
    three_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_was_away_gets_every_commit_with_its_proposals),
        cmocka_unit_test(a_new_connection_replaces_the_older_one),
        cmocka_unit_test(who_is_no_member_is_told),
        cmocka_unit_test(who_asks_for_another_group_is_told_that_it_is_gone),
        cmocka_unit_test(what_is_not_kept_or_not_there_is_out_of_reach),
        cmocka_unit_test(changes_of_presence_are_told_and_newcomers_learn_who_is_away),
        cmocka_unit_test(many_changes_at_once_are_one_message),
        cmocka_unit_test(who_is_away_for_half_a_minute_is_proposed_for_removal),
        cmocka_unit_test(who_comes_back_in_time_is_not_proposed_again),
        cmocka_unit_test(a_meeting_without_anybody_is_forgotten_after_ten_minutes),
        cmocka_unit_test(a_founder_at_the_door_waits_one_minute_for_those_who_are_cut_off),
        cmocka_unit_test(who_was_alone_and_has_lost_the_group_begins_anew_at_once),
        cmocka_unit_test(who_cannot_follow_rejoins_its_own_leaf),
        cmocka_unit_test(another_member_is_asked_if_the_first_gives_no_info),
        cmocka_unit_test(an_external_commit_that_is_late_gets_a_newer_info),
        cmocka_unit_test(rejoining_is_granted_three_times_in_ten_minutes),
        cmocka_unit_test(an_external_commit_takes_nobody_elses_leaf),
        cmocka_unit_test(who_rejoins_and_is_removed_meanwhile_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
