/* Who orders the messages lies: the server adds, forks, withholds, replays, restarts. */
#include "attack_moves.h"

#include <stdio.h>
#include <string.h>

#include "crypto/suite.h"
#include "support/mls_forge.h"

#define MOMENT (STAGE_SECOND / 2)

/* ---- Adding ---- */

static void a_newcomer_of_the_servers_own_making_is_not_added(void **state)
{
    struct attack_scene a;
    struct attack_outsider eve;
    struct mls_group *joined = NULL;
    struct buf tree = {0};
    (void)state;
    attack_open(&a);
    attack_outsider_init(&eve, &a.s,
                         meeting_world_person(&a.s.world, IDENTITY_USER, "eve@" MEETING_DOMAIN));
    const struct attack_standing before = attack_standing_of(a.alice);
    attack_deliver(
        &a.s, a.alice,
        &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&eve.entries)});
    stage_run(&a.s, 3 * STAGE_SECOND);
    attack_assert_unmoved(a.alice, &before);
    assert_true(attack_told(a.alice, REASON_LINK_SECRET, PARTICIPANT_ALARM));

    /* and if a member helps: she is seen by all, and cannot follow into the epoch */
    const struct mls_change changes[] = {mls_add(mls_key_package_message(eve.kp)),
                                         attack_link_psk(&a.s)};
    attack_commit(&a.s, a.mallory, changes, 2);
    stage_run(&a.s, MOMENT);
    assert_int_equal(stage_roster_count(a.bob), 4);
    assert_int_equal(mls_group_tree(a.alice->p->group, &tree), 0);
    assert_int_equal(mls_group_join(eve.client, attack_last(&a.tap, SIGNAL_WELCOME).body,
                                    buf_view(&tree), eve.kp, NULL, 0, MEETING_NOW, &joined),
                     CONCLAVE_EPSK);
    buf_free(&tree);
    attack_outsider_fini(&eve);
    attack_close(&a);
}

/* Puts entries of its own into what the room hands to the leader. */
static bool swap_joiners(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    const struct buf *entries = ctx;
    (void)a;
    if (m->type != SIGNAL_JOINERS)
        return false;
    m->entries = buf_view(entries);
    return true;
}

/* Carol knocks while the server hands on something else; returns her. */
static struct stage_actor *knock_and_swap(struct attack_scene *a, struct buf *entries)
{
    a->tap.change = swap_joiners;
    a->tap.ctx = entries;
    struct stage_actor *carol = stage_enter(&a->s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a->s, 2 * STAGE_SECOND);
    assert_int_equal(a->tap.changed, 1);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_JOINING);
    return carol;
}

static void a_key_package_that_the_server_swapped_is_not_added(void **state)
{
    struct attack_scene a;
    struct attack_outsider eve;
    struct buf foreign = {0};
    uint8_t ref[32] = {7};
    (void)state;
    attack_open(&a);
    struct attack_standing before = attack_standing_of(a.alice);
    /* made for carol's name by the server's own CA */
    attack_outsider_init(&eve, &a.s,
                         meeting_world_person(&a.s.world, IDENTITY_USER, "carol@" MEETING_DOMAIN));
    struct stage_actor *carol = knock_and_swap(&a, &eve.entries);
    attack_assert_unmoved(a.alice, &before);
    assert_true(attack_told(a.alice, REASON_LINK_SECRET, PARTICIPANT_ALARM));

    /* under another's reference it is nobody's */
    uint64_t refused = a.alice->p->stats.refused;
    attack_put_entry_ref(bytes_of(ref, sizeof ref), attack_knocked(&a.tap), &foreign);
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&foreign)});
    assert_true(a.alice->p->stats.refused > refused);
    attack_assert_unmoved(a.alice, &before);

    /* the true one is added by the next in line */
    attack_let_through(&a.tap);
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_MEETING);
    buf_free(&foreign);
    attack_outsider_fini(&eve);
    attack_close(&a);
}

static void a_locked_meeting_stays_closed_whatever_the_server_hands_to_its_leader(void **state)
{
    struct attack_scene a;
    struct buf entries = {0}, commit = {0};
    struct participant_person person;
    (void)state;
    attack_open(&a);
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, MOMENT);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_LOBBY);
    const struct attack_standing alices = attack_standing_of(a.alice);
    const struct attack_standing bobs = attack_standing_of(a.bob);

    /* the leader is a host, who could admit her, and has not */
    attack_put_entry(&a.s, attack_knocked(&a.tap), &entries);
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&entries)});
    stage_run(&a.s, 3 * STAGE_SECOND);
    attack_assert_unmoved(a.alice, &alices);
    assert_true(attack_told(a.alice, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));

    /* a member who adds her convinces neither the room nor, past it, another member */
    const struct mls_change changes[] = {mls_add(attack_knocked(&a.tap)), attack_link_psk(&a.s)};
    attack_make_commit(&a.s, a.mallory, changes, 2, &commit);
    attack_send(&a.s, a.mallory, SIGNAL_COMMIT, buf_view(&commit));
    stage_run(&a.s, MOMENT);
    assert_int_equal(attack_last(&a.tap, SIGNAL_REJECTED).reason, REASON_NOT_ALLOWED);
    attack_deliver_mls(&a.s, a.bob, SIGNAL_COMMITTED, buf_view(&commit));
    attack_assert_unmoved(a.bob, &bobs);
    assert_true(attack_told(a.bob, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));

    /* a host's word lets her in */
    assert_true(attack_lobby_find(a.alice, "Carol", &person));
    assert_int_equal(participant_admit(a.alice->p, person.ref, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    stage_agree(&a.s, 4);
    buf_free(&entries);
    buf_free(&commit);
    attack_close(&a);
}

/* A GroupInfo with everything that an external commit takes, as any member gives it out. */
static void ask_for_info(struct attack_scene *a, struct buf *out_info, struct buf *out_tree)
{
    attack_deliver(&a->s, a->bob, &(struct signal_message){.type = SIGNAL_INFO_REQUEST});
    buf_clear(out_info);
    buf_put(out_info, attack_last(&a->tap, SIGNAL_INFO).body);
    assert_int_equal(mls_group_tree(a->bob->p->group, out_tree), 0);
}

static void an_external_commit_of_the_servers_lets_nobody_in(void **state)
{
    struct attack_scene a;
    struct attack_outsider eve;
    struct mls_group *group = NULL;
    struct buf info = {0}, tree = {0}, commit = {0};
    (void)state;
    attack_open(&a);
    attack_outsider_init(&eve, &a.s,
                         meeting_world_person(&a.s.world, IDENTITY_USER, "eve@" MEETING_DOMAIN));
    ask_for_info(&a, &info, &tree);
    assert_int_equal(mls_group_join_external(eve.client, buf_view(&info), buf_view(&tree),
                                             MLS_NO_LEAF, NULL, 0, MEETING_NOW, &group, &commit),
                     0);
    attack_forget_notices(a.alice);
    for (size_t i = 0; i < a.s.n; i++) {
        const struct attack_standing before = attack_standing_of(a.s.actors[i]);
        attack_deliver_mls(&a.s, a.s.actors[i], SIGNAL_COMMITTED, buf_view(&commit));
        attack_assert_unmoved(a.s.actors[i], &before);
        assert_true(attack_told(a.s.actors[i], REASON_CANNOT_FOLLOW, PARTICIPANT_ALARM));
    }
    /* they come back to what the group is, and she is not in it */
    stage_run(&a.s, 20 * STAGE_SECOND);
    stage_agree(&a.s, 3);
    assert_int_equal(stage_roster_count(a.alice), 3);
    mls_group_free(group);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&commit);
    attack_outsider_fini(&eve);
    attack_close(&a);
}

/* ---- Forking and withholding ---- */

/* Alice and bob in one epoch, mallory and carol in another; nobody can open what the others say. */
static void fork_in_halves(struct attack_scene *a, struct stage_actor *carol)
{
    struct buf other = {0};
    a->s.forks_expected = true;
    attack_withhold(&a->tap, a->mallory, SIGNAL_COMMITTED);
    attack_withhold(&a->tap, carol, SIGNAL_COMMITTED);
    assert_int_equal(participant_lock(a->alice->p, true, a->s.now_us), 0);
    stage_carry_out(&a->s, a->alice);
    stage_run(&a->s, MOMENT);
    attack_pend_commit(&a->s, a->mallory, NULL, 0, &other);
    attack_deliver_mls(&a->s, a->mallory, SIGNAL_COMMITTED, buf_view(&other));
    attack_deliver_mls(&a->s, carol, SIGNAL_COMMITTED, buf_view(&other));
    assert_true(attack_same_epoch(a->alice, a->bob));
    assert_true(attack_same_epoch(a->mallory, carol));
    assert_int_equal(mls_group_epoch(a->alice->p->group), mls_group_epoch(carol->p->group));
    assert_false(attack_same_epoch(a->alice, carol));
    buf_free(&other);
}

static void halves_of_a_forked_group_notice_within_seconds(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    fork_in_halves(&a, attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol"));
    stage_run(&a.s, 13 * STAGE_SECOND);
    for (size_t i = 0; i < a.s.n; i++)
        assert_true(attack_told(a.s.actors[i], REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    attack_close(&a);
}

static void coming_and_going_does_not_hide_a_fork(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    fork_in_halves(&a, attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol"));
    /* everybody, the server says, is away for a moment, again and again */
    for (int i = 0; i < 8; i++) {
        stage_run(&a.s, 2 * STAGE_SECOND);
        attack_say_presence(&a, false);
        stage_run(&a.s, STAGE_SECOND / 5);
        attack_say_presence(&a, true);
    }
    for (size_t i = 0; i < a.s.n; i++)
        assert_true(attack_told(a.s.actors[i], REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    attack_close(&a);
}

#define CROWD 36 /* more than are watched one by one */
#define ASIDE 8

static void who_is_led_aside_from_a_crowd_notices(void **state)
{
    char names[CROWD][32];
    struct attack_scene a;
    struct buf other = {0};
    (void)state;
    attack_open(&a);
    for (size_t i = a.s.n; i < CROWD; i++) {
        snprintf(names[i], sizeof names[i], "u%zu@" MEETING_DOMAIN, i);
        stage_enter(&a.s, IDENTITY_USER, names[i], names[i]);
    }
    assert_true(stage_until_all_in(&a.s, 20 * STAGE_SECOND));
    stage_run(&a.s, 15 * STAGE_SECOND);
    stage_agree(&a.s, CROWD);
    a.s.forks_expected = true;
    struct stage_actor *const *aside = &a.s.actors[CROWD - ASIDE];
    for (size_t i = 0; i < ASIDE; i++)
        assert_false(stage_told(aside[i], REASON_OTHERS_SILENT));
    for (size_t i = 0; i < ASIDE; i++)
        attack_withhold(&a.tap, aside[i], SIGNAL_COMMITTED);
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, MOMENT);
    attack_pend_commit(&a.s, aside[0], NULL, 0, &other);
    for (size_t i = 0; i < ASIDE; i++)
        attack_deliver_mls(&a.s, aside[i], SIGNAL_COMMITTED, buf_view(&other));
    assert_true(attack_same_epoch(aside[0], aside[ASIDE - 1]));
    assert_false(attack_same_epoch(aside[0], a.alice));
    stage_run(&a.s, 22 * STAGE_SECOND); /* two windows: one was half over */
    for (size_t i = 0; i < ASIDE; i++)
        assert_true(attack_told(aside[i], REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    buf_free(&other);
    attack_close(&a);
}

/* Tells somebody who resumes that nothing has happened. */
static bool nothing_happened(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    if (m->type != SIGNAL_LIVE || (ctx != NULL && a != ctx))
        return false;
    m->epoch = mls_group_epoch(a->p->group);
    return true;
}

static void broken_connections_do_not_hide_a_fork(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    fork_in_halves(&a, attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol"));
    attack_withhold(&a.tap, a.alice, SIGNAL_APP_FROM);
    a.tap.change = nothing_happened;
    /* alice is cut off every few seconds, and told that all is as it was */
    attack_forget_notices(a.alice);
    unsigned lives = a.tap.seen[SIGNAL_LIVE];
    for (int i = 0; i < 8; i++) {
        stage_run(&a.s, 4 * STAGE_SECOND);
        stage_cut(&a.s, a.alice);
    }
    assert_true(a.tap.seen[SIGNAL_LIVE] - lives >= 3);
    assert_true(attack_told(a.alice, REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    attack_close(&a);
}

static void eject(struct attack_scene *a, struct stage_actor *whom)
{
    assert_int_equal(participant_eject(a->alice->p, stage_find(a->alice, whom), a->s.now_us), 0);
    stage_carry_out(&a->s, a->alice);
}

static void a_removal_that_is_kept_from_somebody_is_told_to_him(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    attack_withhold(&a.tap, a.bob, SIGNAL_COMMITTED);
    a.tap.change = nothing_happened;
    a.tap.ctx = a.bob;
    eject(&a, a.mallory);
    stage_run(&a.s, 12 * STAGE_SECOND);
    assert_true(a.tap.dropped[SIGNAL_COMMITTED] != 0);
    assert_int_equal(stage_find(a.alice, a.mallory), MLS_NO_LEAF);
    assert_int_not_equal(stage_find(a.bob, a.mallory), MLS_NO_LEAF);
    assert_true(attack_told(a.bob, REASON_OTHERS_SILENT, PARTICIPANT_ALARM));
    /* as soon as the server gives it out he follows */
    attack_let_through(&a.tap);
    stage_cut(&a.s, a.bob);
    stage_run(&a.s, 15 * STAGE_SECOND);
    stage_agree(&a.s, 2);
    attack_close(&a);
}

static void a_removal_that_only_the_host_is_shown_is_told_to_the_host(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    /* the others go on in the old epoch, whose messages the host can still open */
    attack_withhold(&a.tap, a.bob, SIGNAL_COMMITTED);
    attack_withhold(&a.tap, a.mallory, SIGNAL_COMMITTED);
    attack_withhold(&a.tap, a.bob, SIGNAL_APP_FROM);
    attack_forget_notices(a.alice);
    eject(&a, a.mallory);
    stage_run(&a.s, MOMENT);
    assert_int_equal(stage_roster_count(a.alice), 2);
    assert_int_equal(stage_roster_count(a.bob), 3);
    unsigned before = a.tap.seen[SIGNAL_APP_FROM];
    stage_run(&a.s, 13 * STAGE_SECOND);
    assert_true(a.tap.seen[SIGNAL_APP_FROM] > before + 4);
    assert_true(attack_told(a.alice, REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    assert_false(attack_roster_entry(a.alice, a.bob).confirmed);
    attack_close(&a);
}

static void a_newcomer_without_a_welcome_is_missed_by_the_others(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    attack_withhold(&a.tap, NULL, SIGNAL_WELCOMED);
    attack_withhold(&a.tap, NULL, SIGNAL_LIVE);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, 14 * STAGE_SECOND);
    assert_int_equal(a.tap.dropped[SIGNAL_WELCOMED], 1);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_JOINING);
    assert_int_equal(stage_roster_count(a.alice), 4);
    assert_true(attack_told(a.alice, REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    assert_true(attack_told(a.bob, REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    assert_false(attack_roster_entry(a.bob, carol).confirmed);
    attack_close(&a);
}

static void a_leader_who_keeps_welcomes_back_delays_newcomers_and_keeps_nobody_out(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open_led_by_mallory(&a);
    attack_withhold(&a.tap, a.mallory, SIGNAL_WELCOME);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(a.tap.dropped[SIGNAL_WELCOME], 1);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_JOINING);
    /* the leaf goes, she is queued again, and another member adds her */
    assert_true(stage_until_all_in(&a.s, 12 * STAGE_SECOND));
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(a.tap.dropped[SIGNAL_WELCOME], 1);
    attack_close(&a);
}

/* Turns the last bit of what a leader gives newcomers. */
static bool spoil_welcome(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    struct buf *spoilt = ctx;
    if (m->type != SIGNAL_WELCOME || strcmp(a->name, "Mallory") != 0)
        return false;
    buf_clear(spoilt);
    buf_put(spoilt, m->body);
    spoilt->p[spoilt->n - 1] ^= 1;
    m->body = buf_view(spoilt);
    return true;
}

static void a_leader_who_gives_bad_welcomes_is_passed_over(void **state)
{
    struct attack_scene a;
    struct buf spoilt = {0};
    (void)state;
    attack_open_led_by_mallory(&a);
    a.tap.change = spoil_welcome;
    a.tap.ctx = &spoilt;
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, STAGE_SECOND / 4);
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    assert_int_equal(a.tap.changed, 1);
    assert_true(attack_told(carol, REASON_COMMIT_FOREIGN, PARTICIPANT_ALARM) ||
                attack_told(carol, REASON_LINK_SECRET, PARTICIPANT_ALARM));
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_MEETING);
    stage_run(&a.s, STAGE_SECOND);
    stage_agree(&a.s, 4);
    buf_free(&spoilt);
    attack_close(&a);
}

/* ---- Replaying ---- */

static void a_ghost_of_somebody_who_left_is_not_heard(void **state)
{
    struct attack_scene a;
    struct buf entries = {0};
    (void)state;
    attack_open(&a);
    struct stage_actor *carol = attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol");
    attack_put_entry(&a.s, attack_knocked(&a.tap), &entries);
    assert_int_equal(participant_leave(carol->p, a.s.now_us), 0);
    stage_carry_out(&a.s, carol);
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(stage_roster_count(a.alice), 3);
    /* her knock once more, and not a word of her being away */
    attack_withhold(&a.tap, NULL, SIGNAL_PRESENCE);
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&entries)});
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(stage_roster_count(a.bob), 4);
    stage_run(&a.s, 12 * STAGE_SECOND);
    assert_false(attack_roster_entry(a.bob, carol).confirmed);
    assert_true(attack_told(a.alice, REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    assert_true(attack_told(a.bob, REASON_OTHERS_SILENT, PARTICIPANT_WARNING));
    buf_free(&entries);
    attack_close(&a);
}

static void commits_again_or_out_of_order_change_nothing(void **state)
{
    struct attack_scene a;
    struct buf first = {0};
    (void)state;
    attack_open(&a);
    /* the first is held back, the second comes alone */
    attack_withhold(&a.tap, a.bob, SIGNAL_COMMITTED);
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, MOMENT);
    buf_put(&first, attack_last(&a.tap, SIGNAL_COMMITTED).body);
    attack_let_through(&a.tap);
    uint64_t old = mls_group_epoch(a.bob->p->group);
    assert_int_equal(participant_lock(a.alice->p, false, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, 3 * STAGE_SECOND);
    stage_agree(&a.s, 3);
    assert_int_equal(mls_group_epoch(a.bob->p->group), old + 2);
    /* the lock comes again, when it is over */
    for (size_t i = 0; i < a.s.n; i++) {
        const struct attack_standing before = attack_standing_of(a.s.actors[i]);
        uint64_t refused = a.s.actors[i]->p->stats.refused;
        attack_deliver_mls(&a.s, a.s.actors[i], SIGNAL_COMMITTED, buf_view(&first));
        attack_assert_unmoved(a.s.actors[i], &before);
        assert_int_equal(a.s.actors[i]->p->stats.refused, refused + 1);
        assert_false(a.s.actors[i]->p->state.locked);
    }
    buf_free(&first);
    attack_close(&a);
}

static void an_old_welcome_leads_nowhere(void **state)
{
    struct attack_scene a;
    struct buf body = {0}, tree = {0};
    (void)state;
    attack_open(&a);
    struct stage_actor *carol = attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol");
    const struct signal_message m = attack_last(&a.tap, SIGNAL_WELCOMED);
    buf_put(&body, m.body);
    buf_put(&tree, m.tree);
    const struct signal_message again = {
        .type = SIGNAL_WELCOMED, .body = buf_view(&body), .tree = buf_view(&tree)};
    stage_run(&a.s, STAGE_SECOND);
    const struct attack_standing before = attack_standing_of(carol);
    attack_deliver(&a.s, carol, &again);
    attack_assert_unmoved(carol, &before);
    assert_true(attack_told(carol, REASON_COMMIT_FOREIGN, PARTICIPANT_ALARM));

    /* she has left and knocks anew: the old one is not for these keys */
    attack_withhold(&a.tap, NULL, SIGNAL_WELCOMED);
    struct stage_actor *anew = stage_enter_person(&a.s, carol->person, "Carol");
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(participant_phase(anew->p), PARTICIPANT_JOINING);
    attack_deliver(&a.s, anew, &again);
    assert_null(anew->p->group);
    assert_true(attack_told(anew, REASON_COMMIT_FOREIGN, PARTICIPANT_ALARM));
    buf_free(&body);
    buf_free(&tree);
    attack_close(&a);
}

static const struct attack attacks[] = {
    ATTACK(1, a_newcomer_of_the_servers_own_making_is_not_added, "The server adds its own member",
           "server", REFUSED,
           "Without the link's secret a key package is not added, and no Welcome can be opened."),
    ATTACK(2, a_key_package_that_the_server_swapped_is_not_added, "It swaps a key package",
           "server", REFUSED, "The name in it does not open, or its reference is not its own."),
    ATTACK(3, a_locked_meeting_stays_closed_whatever_the_server_hands_to_its_leader,
           "It adds while the meeting is locked", "server and member", REFUSED,
           "The leader asks the card and the lock; so does everybody else of the commit."),
    ATTACK(4, an_external_commit_of_the_servers_lets_nobody_in, "It makes an external commit",
           "server", REFUSED, "Only somebody who holds a leaf's key may take that leaf again."),
    ATTACK(5, halves_of_a_forked_group_notice_within_seconds, "It forks the group in halves",
           "server and member", VISIBLE,
           "No heartbeat of the other half can be opened: all are warned, and the codes differ."),
    ATTACK(5, coming_and_going_does_not_hide_a_fork,
           "It calls people away and back, to hide a fork", "server and member", VISIBLE,
           "Silence is counted while people are here, and goes on where it was."),
    ATTACK(5, who_is_led_aside_from_a_crowd_notices, "It leads some of a large meeting aside",
           "server and member", VISIBLE,
           "They hear fewer than two thirds of the heartbeats that are due, and are warned."),
    ATTACK(5, broken_connections_do_not_hide_a_fork,
           "It cuts people off every few seconds, to hide a fork", "server and member", VISIBLE,
           "The same, while we are here."),
    ATTACK(6, a_removal_that_is_kept_from_somebody_is_told_to_him, "It withholds a Remove",
           "server", VISIBLE, "Messages of a later epoch come in: an alarm."),
    ATTACK(6, a_removal_that_only_the_host_is_shown_is_told_to_the_host,
           "It shows an eject to the host alone", "server", VISIBLE,
           "Heartbeats of the old epoch do not count: the host is warned."),
    ATTACK(7, a_newcomer_without_a_welcome_is_missed_by_the_others, "It withholds a Welcome",
           "server", VISIBLE, "The newcomer is not heard: the others are warned."),
    ATTACK(7, a_leader_who_keeps_welcomes_back_delays_newcomers_and_keeps_nobody_out,
           "A leader withholds Welcomes", "member", REFUSED,
           "After 10 s the leaf is removed, and its owner added by another member."),
    ATTACK(7, a_leader_who_gives_bad_welcomes_is_passed_over, "A leader spoils Welcomes", "member",
           REFUSED, "Whoever was let in and knocks again is added by another member."),
    ATTACK(8, commits_again_or_out_of_order_change_nothing, "It replays and reorders commits",
           "server", REFUSED, "A commit is for one epoch; what is missing is asked for."),
    ATTACK(9, an_old_welcome_leads_nowhere, "It replays a Welcome", "server", REFUSED,
           "A key package is good for one Welcome."),
    ATTACK(9, a_ghost_of_somebody_who_left_is_not_heard, "It replays somebody's knock", "server",
           VISIBLE, "They are in the roster, unconfirmed, and silent: all are warned."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
