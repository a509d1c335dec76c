/* What a host wants: kept until it is so, and no longer; in no one's way. */
#include "liar.h"

#include <stdio.h>

#define MOMENT (STAGE_SECOND / 2)

static uint64_t epoch_of(const struct stage_actor *a)
{
    return mls_group_epoch(a->p->group);
}

static void act(struct attack_scene *a, struct stage_actor *who, int rv)
{
    assert_int_equal(rv, 0);
    stage_carry_out(&a->s, who);
}

/* Alice is shown somebody at the door who is inside. */
static void show_member(struct attack_scene *a, struct participant_person *out)
{
    struct buf entries = {0};
    attack_put_entry(&a->s, attack_knocked(&a->tap), &entries);
    attack_deliver(&a->s, a->alice,
                   &(struct signal_message){.type = SIGNAL_LOBBY, .entries = buf_view(&entries)});
    assert_true(attack_lobby_find(a->alice, "Bob", out));
    buf_free(&entries);
}

static void assert_given_up(struct attack_scene *a, struct bytes ref)
{
    uint64_t before = epoch_of(a->alice);
    act(a, a->alice, participant_admit(a->alice->p, ref, a->s.now_us));
    stage_run(&a->s, 20 * STAGE_SECOND);
    assert_in_range(epoch_of(a->alice), before, before + 3);
    assert_true(stage_told(a->alice, REASON_WISH_IGNORED));
    assert_int_equal(a->alice->p->n_wishes, 0);
    attack_close(a);
}

/* Whether the host leads or not: no commits without end. */
static void who_is_inside_cannot_be_added(void **state)
{
    struct attack_scene a;
    struct participant_person bob;
    (void)state;
    attack_open_led_by_mallory(&a);
    show_member(&a, &bob);
    assert_given_up(&a, bob.ref);
    attack_open_led_by_mallory(&a);
    stage_kill(&a.s, a.mallory, 0);
    stage_run(&a.s, 60 * STAGE_SECOND);
    assert_int_equal(a.alice->p->rank, 0);
    show_member(&a, &bob);
    assert_given_up(&a, bob.ref);
}

static void who_has_a_broken_key_package_cannot_be_added(void **state)
{
    struct attack_scene a;
    (void)state;
    for (int leads = 0; leads < 2; leads++) {
        if (leads)
            attack_open(&a);
        else
            attack_open_led_by_mallory(&a);
        (void)attack_guest(&a, "Gus");
        assert_int_equal(a.alice->p->lobby.n, 1);
        struct caller *gus = &a.alice->p->lobby.list[0];
        gus->key_package.p[gus->key_package.n - 1] ^= 1; /* it was good when it came */
        assert_given_up(&a, buf_view(&gus->ref));
    }
}

/* An ejection is not given up for somebody who could not be added. */
static void what_can_be_done_is_done_whatever_cannot(void **state)
{
    struct attack_scene a;
    struct participant_person bob;
    (void)state;
    attack_open_led_by_mallory(&a);
    show_member(&a, &bob);
    attack_withhold(&a.tap, a.alice, SIGNAL_COMMIT);
    act(&a, a.alice, participant_eject(a.alice->p, stage_find(a.alice, a.mallory), a.s.now_us));
    act(&a, a.alice, participant_admit(a.alice->p, bob.ref, a.s.now_us));
    attack_let_through(&a.tap);
    stage_run(&a.s, 20 * STAGE_SECOND);
    assert_int_equal(participant_phase(a.mallory->p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(a.mallory->p), REASON_EJECTED);
    assert_int_equal(a.alice->p->n_wishes, 0);
    attack_close(&a);
}

static void the_last_word_on_the_lock_counts(void **state)
{
    struct attack_scene a;
    struct participant_meeting meeting;
    (void)state;
    attack_open_led_by_mallory(&a);
    act(&a, a.alice, participant_lock(a.alice->p, true, a.s.now_us)); /* is proposed */
    act(&a, a.alice, participant_lock(a.alice->p, false, a.s.now_us));
    stage_run(&a.s, 5 * STAGE_SECOND);
    assert_int_equal(participant_meeting(a.alice->p, &meeting), 0);
    assert_false(meeting.locked);
    assert_int_equal(a.alice->p->n_wishes, 0);
    uint64_t before = epoch_of(a.alice); /* and what is so already takes no commit */
    act(&a, a.alice, participant_lock(a.alice->p, false, a.s.now_us));
    act(&a, a.alice,
        participant_make_cohost(a.alice->p, stage_find(a.alice, a.bob), false, a.s.now_us));
    stage_run(&a.s, 5 * STAGE_SECOND);
    assert_int_equal(epoch_of(a.alice), before);
    attack_close(&a);
}

static void to_eject_twice_is_to_eject_once(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open_led_by_mallory(&a);
    for (int i = 0; i < 2; i++)
        act(&a, a.alice, participant_eject(a.alice->p, stage_find(a.alice, a.bob), a.s.now_us));
    assert_int_equal(a.alice->p->n_wishes, 1);
    stage_run(&a.s, 5 * STAGE_SECOND);
    assert_int_equal(participant_phase(a.bob->p), PARTICIPANT_OVER);
    assert_false(stage_told(a.alice, REASON_WISH_IGNORED));
    attack_close(&a);
}

/* Bob is a co-host, wants something, and is one no more. */
static void who_is_no_host_any_more_has_nothing_to_want(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    uint32_t bob = stage_find(a.alice, a.bob);
    act(&a, a.alice, participant_make_cohost(a.alice->p, bob, true, a.s.now_us));
    stage_run(&a.s, STAGE_SECOND);
    attack_withhold(&a.tap, a.bob, SIGNAL_PROPOSE);
    act(&a, a.bob, participant_lock(a.bob->p, true, a.s.now_us));
    act(&a, a.alice, participant_make_cohost(a.alice->p, bob, false, a.s.now_us));
    stage_run(&a.s, MOMENT);
    attack_let_through(&a.tap);
    uint64_t before = epoch_of(a.alice);
    stage_run(&a.s, 20 * STAGE_SECOND);
    assert_int_equal(a.bob->p->n_wishes, 0);
    assert_in_range(epoch_of(a.alice), before, before + 1);
    assert_false(stage_told(a.alice, REASON_NOT_ALLOWED));
    attack_close(&a);
}

/* ---- Limits of the state ---- */

/* So many names fill a list of the state. */
static void fill(struct buf *list, size_t n)
{
    struct buf next = {0};
    char name[64];
    for (size_t i = 0; i < n; i++) {
        snprintf(name, sizeof name, "x%zu@company.com", i);
        buf_clear(&next);
        assert_int_equal(meeting_list_with(buf_view(list), bytes_str(name), &next), 0);
        buf_move(list, &next);
    }
}

static void set_state(struct attack_scene *a, size_t cohosts, size_t barred)
{
    struct buf lists[2] = {{0}, {0}};
    struct meeting_extensions e;
    struct meeting_state state = a->alice->p->state;
    fill(&lists[0], cohosts);
    fill(&lists[1], barred);
    state.cohosts = buf_view(&lists[0]);
    state.barred = buf_view(&lists[1]);
    assert_int_equal(meeting_extensions_init(&e, a->s.card, &state), 0);
    const struct mls_change change = mls_set_extensions(e.list, MEETING_EXTENSIONS);
    attack_commit(&a->s, a->alice, &change, 1);
    stage_run(&a->s, STAGE_SECOND);
    meeting_extensions_fini(&e);
    buf_free(&lists[0]);
    buf_free(&lists[1]);
}

static void there_are_so_many_cohosts_and_no_more(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    set_state(&a, MEETING_COHOSTS_MAX - 1, 0);
    uint32_t bob = stage_find(a.alice, a.bob), mallory = stage_find(a.alice, a.mallory);
    act(&a, a.alice, participant_make_cohost(a.alice->p, bob, true, a.s.now_us));
    assert_int_equal(participant_make_cohost(a.alice->p, mallory, true, a.s.now_us),
                     CONCLAVE_ELIMIT);
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(meeting_list_count(a.bob->p->state.cohosts), MEETING_COHOSTS_MAX);
    assert_int_equal(participant_make_cohost(a.alice->p, mallory, true, a.s.now_us),
                     CONCLAVE_ELIMIT);
    act(&a, a.alice, participant_make_cohost(a.alice->p, bob, false, a.s.now_us));
    act(&a, a.alice, participant_make_cohost(a.alice->p, mallory, true, a.s.now_us));
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(attack_roster_entry(a.bob, a.mallory).role, PARTICIPANT_COHOST);
    assert_int_equal(a.alice->p->n_wishes, 0);
    attack_close(&a);
}

/* Where no more can be barred, people are still removed. */
static void who_cannot_be_barred_is_removed(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    struct stage_actor *carol = attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol");
    set_state(&a, 0, MEETING_BARRED_MAX - 1);
    uint32_t bob = stage_find(a.alice, a.bob), leaf = stage_find(a.alice, carol);
    stage_cut(&a.s, a.alice); /* so that both are wanted at once */
    act(&a, a.alice, participant_eject(a.alice->p, bob, a.s.now_us));
    act(&a, a.alice, participant_eject(a.alice->p, leaf, a.s.now_us));
    stage_run(&a.s, 20 * STAGE_SECOND);
    assert_int_equal(participant_end_reason(a.bob->p), REASON_EJECTED);
    assert_int_equal(participant_end_reason(carol->p), REASON_EJECTED);
    assert_int_equal(meeting_list_count(a.mallory->p->state.barred), MEETING_BARRED_MAX);
    assert_int_equal(a.alice->p->n_wishes, 0);
    attack_close(&a);
}

/* ---- The lock that comes by itself ---- */

static void locks_after_a_minute(struct card_terms *terms)
{
    terms->auto_lock_minutes = 1;
}

/* Members' clocks differ: a minute that is not over everywhere is over (PROTOCOL section 4). */
static void a_leader_whose_clock_is_fast_is_followed(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open_terms(&a, locks_after_a_minute);
    struct meeting_extensions e;
    struct meeting_state next = a.alice->p->state;
    struct buf commit = {0};
    next.locked = true;
    assert_int_equal(meeting_extensions_init(&e, a.s.card, &next), 0);
    const struct mls_change change = mls_set_extensions(e.list, MEETING_EXTENSIONS);
    attack_make_commit(&a.s, a.mallory, &change, 1, &commit);
    attack_deliver_mls(&a.s, a.bob, SIGNAL_COMMITTED, buf_view(&commit));
    assert_true(a.bob->p->state.locked);
    assert_int_equal(a.bob->p->stuck_us, 0);
    meeting_extensions_fini(&e);
    buf_free(&commit);
    attack_close(&a);
}

static void a_host_may_open_what_has_locked_itself(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open_terms(&a, locks_after_a_minute);
    stage_run(&a.s, 60 * STAGE_SECOND);
    assert_true(a.bob->p->state.locked);
    act(&a, a.alice, participant_lock(a.alice->p, false, a.s.now_us));
    stage_run(&a.s, 20 * STAGE_SECOND);
    assert_false(a.bob->p->state.locked);
    assert_false(stage_told(a.alice, REASON_WISH_IGNORED));
    /* nor does the next leader lock it again */
    act(&a, a.alice, participant_leave(a.alice->p, a.s.now_us));
    stage_run(&a.s, 20 * STAGE_SECOND);
    assert_false(a.bob->p->state.locked);
    attack_close(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_inside_cannot_be_added),
        cmocka_unit_test(who_has_a_broken_key_package_cannot_be_added),
        cmocka_unit_test(what_can_be_done_is_done_whatever_cannot),
        cmocka_unit_test(the_last_word_on_the_lock_counts),
        cmocka_unit_test(to_eject_twice_is_to_eject_once),
        cmocka_unit_test(who_is_no_host_any_more_has_nothing_to_want),
        cmocka_unit_test(there_are_so_many_cohosts_and_no_more),
        cmocka_unit_test(who_cannot_be_barred_is_removed),
        cmocka_unit_test(a_leader_whose_clock_is_fast_is_followed),
        cmocka_unit_test(a_host_may_open_what_has_locked_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
