/* A meeting as people have it: founded, knocked at, admitted to, talked in, locked, left. */
#include "participant/inner.h"
#include "support/meeting_stage.h"

static void the_organiser_founds_and_members_come_in(void **state)
{
    struct stage s;
    (void)state;
    stage_open(&s, 1);
    struct stage_actor *alice = stage_enter_organiser(&s);
    assert_true(stage_until_all_in(&s, 5 * STAGE_SECOND));
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    struct stage_actor *carol = stage_enter(&s, IDENTITY_USER, "carol@company.com", "Carol");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    stage_run(&s, 2 * STAGE_SECOND);
    stage_agree(&s, 3);
    assert_int_equal(stage_roster_count(alice), 3);
    assert_int_equal(stage_roster_count(bob), 3);
    assert_int_equal(stage_roster_count(carol), 3);
    stage_close(&s);
}

static void a_guest_waits_in_the_lobby_until_a_host_admits(void **state)
{
    struct stage s;
    struct participant_person person;
    uint32_t at = 0;
    (void)state;
    stage_open(&s, 2);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    struct stage_actor *guest = stage_enter(&s, IDENTITY_GUEST, MEETING_GUEST, "Gus");
    stage_run(&s, 5 * STAGE_SECOND);
    assert_int_equal(participant_phase(guest->p), PARTICIPANT_IN_LOBBY);
    assert_int_equal(stage_lobby_count(alice), 1);
    assert_int_equal(stage_lobby_count(bob), 0);
    assert_true(participant_lobby_next(alice->p, &at, &person));
    assert_string_equal(person.name, "Gus");
    assert_int_equal(person.identity.category, IDENTITY_UNVERIFIED);
    assert_int_equal(participant_admit(bob->p, person.ref, s.now_us), CONCLAVE_EPOLICY);
    assert_int_equal(participant_admit(alice->p, person.ref, s.now_us), 0);
    stage_carry_out(&s, alice);
    assert_true(stage_until_all_in(&s, 5 * STAGE_SECOND));
    stage_run(&s, STAGE_SECOND);
    stage_agree(&s, 3);
    assert_int_equal(stage_lobby_count(alice), 0);
    stage_close(&s);
}

static void people_talk(void **state)
{
    struct stage s;
    struct buf id = {0};
    (void)state;
    stage_open(&s, 3);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    assert_int_equal(participant_say(alice->p, "Is there tea?", &id, s.now_us), 0);
    stage_carry_out(&s, alice);
    assert_int_equal(participant_raise_hand(bob->p, true, s.now_us), 0);
    stage_carry_out(&s, bob);
    stage_run(&s, STAGE_SECOND);
    assert_int_equal(bob->chats, 1);
    assert_string_equal(bob->last_chat, "Is there tea?");
    assert_int_equal(alice->chats_back, 1);
    struct participant_person person;
    uint32_t at = stage_leaf(bob);
    assert_true(participant_roster_next(alice->p, &at, &person));
    assert_true(person.hand);
    buf_free(&id);
    stage_close(&s);
}

static void the_ejected_are_out_and_the_code_changes(void **state)
{
    struct stage s;
    char before[PARTICIPANT_CODE_SIZE], after[PARTICIPANT_CODE_SIZE];
    (void)state;
    stage_open(&s, 4);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    struct stage_actor *carol = stage_enter(&s, IDENTITY_USER, "carol@company.com", "Carol");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    assert_int_equal(participant_code(bob->p, before), 0);
    assert_int_equal(participant_eject(bob->p, stage_find(bob, carol), s.now_us), CONCLAVE_EPOLICY);
    assert_int_equal(participant_eject(alice->p, stage_find(alice, carol), s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, 2 * STAGE_SECOND);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(carol->p), REASON_EJECTED);
    stage_agree(&s, 2);
    assert_int_equal(participant_code(bob->p, after), 0);
    assert_string_not_equal(before, after);
    /* and cannot walk in again as others of the organisation can */
    struct stage_actor *again = stage_enter_person(&s, carol->person, "Carol");
    stage_run(&s, 5 * STAGE_SECOND);
    assert_int_equal(participant_phase(again->p), PARTICIPANT_IN_LOBBY);
    stage_close(&s);
}

static void a_locked_meeting_lets_nobody_walk_in(void **state)
{
    struct stage s;
    (void)state;
    stage_open(&s, 5);
    struct stage_actor *alice = stage_enter_organiser(&s);
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    assert_int_equal(participant_lock(alice->p, true, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, STAGE_SECOND);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    stage_run(&s, 5 * STAGE_SECOND);
    assert_int_equal(participant_phase(bob->p), PARTICIPANT_IN_LOBBY);
    assert_int_equal(participant_lock(alice->p, false, s.now_us), 0);
    stage_carry_out(&s, alice);
    assert_true(stage_until_all_in(&s, 5 * STAGE_SECOND));
    stage_agree(&s, 2);
    stage_close(&s);
}

static void a_cohost_may_admit_and_a_host_may_end(void **state)
{
    struct stage s;
    (void)state;
    stage_open(&s, 6);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    assert_int_equal(participant_make_cohost(alice->p, stage_find(alice, bob), true, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, STAGE_SECOND);
    struct stage_actor *guest = stage_enter(&s, IDENTITY_GUEST, MEETING_GUEST, "Gus");
    stage_run(&s, 3 * STAGE_SECOND);
    assert_int_equal(stage_lobby_count(bob), 1);
    assert_int_equal(participant_admit_all(bob->p, s.now_us), 0);
    stage_carry_out(&s, bob);
    assert_true(stage_until_all_in(&s, 5 * STAGE_SECOND));
    assert_int_equal(participant_phase(guest->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(participant_end(alice->p, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, 3 * STAGE_SECOND);
    for (size_t i = 0; i < s.n; i++) {
        assert_int_equal(participant_phase(s.actors[i]->p), PARTICIPANT_OVER);
        assert_int_equal(participant_end_reason(s.actors[i]->p), REASON_ENDED);
    }
    stage_close(&s);
}

static void who_leaves_is_gone_and_who_is_cut_off_returns(void **state)
{
    struct stage s;
    (void)state;
    stage_open(&s, 7);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    struct stage_actor *carol = stage_enter(&s, IDENTITY_USER, "carol@company.com", "Carol");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    stage_cut(&s, bob);
    assert_int_equal(participant_leave(carol->p, s.now_us), 0);
    stage_carry_out(&s, carol);
    stage_run(&s, 20 * STAGE_SECOND);
    assert_int_equal(alice->last_gone_reason, REASON_LEFT);
    assert_int_equal(participant_phase(bob->p), PARTICIPANT_IN_MEETING);
    stage_agree(&s, 2);
    assert_int_equal(stage_roster_count(alice), 2);
    stage_close(&s);
}

static void a_killed_client_and_a_killed_server_go_on_in_the_same_epoch(void **state)
{
    struct stage s;
    (void)state;
    stage_open(&s, 8);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    stage_run(&s, STAGE_SECOND);
    uint64_t epoch = mls_group_epoch(alice->p->group);
    stage_kill(&s, bob, 2 * STAGE_SECOND);
    stage_kill_server(&s, STAGE_SECOND);
    stage_run(&s, 15 * STAGE_SECOND);
    stage_agree(&s, 2);
    assert_int_equal(mls_group_epoch(bob->p->group), epoch);
    stage_close(&s);
}

static void before_the_host(struct card_terms *terms)
{
    terms->join_before_host = true;
}

static void a_meeting_whose_members_never_return_begins_anew(void **state)
{
    struct stage s;
    (void)state;
    stage_open_terms(&s, 9, before_the_host);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    stage_kill(&s, bob, 0);
    stage_run(&s, 20 * STAGE_SECOND);
    struct stage_actor *alice = stage_enter_organiser(&s);
    stage_run(&s, 30 * STAGE_SECOND);
    assert_int_equal(participant_phase(alice->p), PARTICIPANT_JOINING); /* he may come back */
    stage_run(&s, 40 * STAGE_SECOND);
    assert_int_equal(participant_phase(alice->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(stage_roster_count(alice), 1);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_organiser_founds_and_members_come_in),
        cmocka_unit_test(a_guest_waits_in_the_lobby_until_a_host_admits),
        cmocka_unit_test(people_talk),
        cmocka_unit_test(the_ejected_are_out_and_the_code_changes),
        cmocka_unit_test(a_locked_meeting_lets_nobody_walk_in),
        cmocka_unit_test(a_cohost_may_admit_and_a_host_may_end),
        cmocka_unit_test(who_leaves_is_gone_and_who_is_cut_off_returns),
        cmocka_unit_test(a_meeting_whose_members_never_return_begins_anew),
        cmocka_unit_test(a_killed_client_and_a_killed_server_go_on_in_the_same_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
