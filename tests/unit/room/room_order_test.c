/* Who is first, what is relayed, what is refused; how members go and how a meeting ends. */
#include "support/room_world.h"

#define COLLEAGUE(name) name "@" MEETING_DOMAIN
#define STRANGER(name) name "@" MEETING_OTHER_DOMAIN

/* The organiser, a colleague and a stranger, in leaves 0, 1 and 2. */
struct three {
    struct room_world w;
    struct room_client *alice, *bob, *eve;
};

static void three_init(struct three *t)
{
    room_world_init(&t->w);
    t->alice = &t->w.client[0];
    t->bob = room_world_client(&t->w, IDENTITY_USER, COLLEAGUE("bob"));
    t->eve = room_world_client(&t->w, IDENTITY_USER, STRANGER("eve"));
    room_start(&t->w);
    room_join(&t->w, t->alice, t->bob);
    room_join(&t->w, t->alice, t->eve);
}

static void three_fini(struct three *t)
{
    room_world_fini(&t->w);
}

static void of_two_commits_for_one_epoch_the_first_wins(void **state)
{
    (void)state;
    struct three t;
    struct buf first = {0}, second = {0};
    three_init(&t);
    uint64_t epoch = room_look(&t.w).epoch;
    room_make_commit(&t.w, t.bob, NULL, 0, &first);
    room_make_commit(&t.w, t.alice, NULL, 0, &second);
    room_send_commit(&t.w, t.bob, buf_view(&first));
    room_send_commit(&t.w, t.alice, buf_view(&second));
    assert_int_equal(t.alice->rejected, REASON_STALE);
    assert_int_equal(t.alice->rejected_epoch, epoch);
    assert_int_equal(t.bob->rejected, 0);
    assert_int_equal(room_look(&t.w).epoch, epoch + 1);
    room_agrees(&t.w);
    buf_free(&first);
    buf_free(&second);
    three_fini(&t);
}

static void a_commit_is_stored_before_anybody_has_it(void **state)
{
    (void)state;
    struct three t;
    struct buf message = {0}, frame = {0};
    struct room_effect e;
    three_init(&t);
    room_make_commit(&t.w, t.bob, NULL, 0, &message);
    const struct signal_message m = {.type = SIGNAL_COMMIT, .body = buf_view(&message)};
    assert_int_equal(signal_write(&m, &frame), 0);
    assert_int_equal(room_input(t.w.room, t.bob->conn, buf_view(&frame), t.w.now), 0);
    assert_true(room_next(t.w.room, &e));
    assert_int_equal(e.kind, ROOM_COMMIT);
    assert_int_equal(e.epoch, mls_group_epoch(t.bob->group));
    assert_true(room_next(t.w.room, &e));
    assert_int_equal(e.kind, ROOM_SEND);
    assert_int_equal(e.n_conns, 3); /* one frame for all */
    assert_false(room_next(t.w.room, &e));
    buf_free(&message);
    buf_free(&frame);
    three_fini(&t);
}

static void a_commit_that_breaks_a_rule_is_rejected_and_nothing_changes(void **state)
{
    (void)state;
    struct three t;
    struct buf message = {0};
    three_init(&t);
    struct room_summary before = room_look(&t.w);
    room_make_commit(&t.w, t.bob, NULL, 0, &message);
    message.p[message.n - 80] ^= 1; /* the signature, or what it signs */
    room_send_commit(&t.w, t.bob, buf_view(&message));
    assert_int_equal(t.bob->rejected, REASON_INVALID);
    assert_int_equal(room_look(&t.w).epoch, before.epoch);
    assert_int_equal(room_look(&t.w).rejected, before.rejected + 1);
    assert_int_equal(t.alice->got[SIGNAL_COMMITTED], t.alice->followed);
    room_agrees(&t.w);
    buf_free(&message);
    three_fini(&t);
}

static void nobody_commits_for_another(void **state)
{
    (void)state;
    struct three t;
    struct buf message = {0};
    three_init(&t);
    room_make_commit(&t.w, t.bob, NULL, 0, &message);
    room_send_commit(&t.w, t.eve, buf_view(&message)); /* stolen, and as good as it was */
    assert_int_equal(t.eve->rejected, REASON_INVALID);
    room_send_commit(&t.w, t.bob, buf_view(&message));
    room_agrees(&t.w);
    assert_int_equal(t.bob->rejected, 0);
    buf_free(&message);
    three_fini(&t);
}

static void what_the_policy_forbids_is_not_allowed(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    const struct mls_change eject = mls_remove(t.bob->live_leaf);
    room_commit(&t.w, t.eve, &eject, 1);
    assert_int_equal(t.eve->rejected, REASON_NOT_ALLOWED);
    struct meeting_state s;
    room_state(t.eve, &s);
    s.locked = true;
    t.eve->rejected = 0;
    room_set_state(&t.w, t.eve, &s);
    assert_int_equal(t.eve->rejected, REASON_NOT_ALLOWED);
    assert_int_equal(room_look(&t.w).members, 3);
    assert_false(room_look(&t.w).locked);
    room_agrees(&t.w);
    three_fini(&t);
}

static void whoever_adds_needs_the_link_secret(void **state)
{
    (void)state;
    struct three t;
    struct buf message = {0};
    three_init(&t);
    struct room_client *carl = room_world_client(&t.w, IDENTITY_USER, COLLEAGUE("carl"));
    room_connect(&t.w, carl);
    room_knock(&t.w, carl);
    struct mls_change add = mls_add(mls_key_package_message(carl->kp));
    assert_int_equal(mls_group_commit(t.alice->group, &add, 1, NULL, t.w.now / SECONDS, &message),
                     0);
    room_send_commit(&t.w, t.alice, buf_view(&message));
    assert_int_equal(t.alice->rejected, REASON_LINK_SECRET);
    assert_int_equal(room_look(&t.w).members, 3);
    room_add_joiners(&t.w, t.alice);
    assert_true(room_is_in(carl));
    buf_free(&message);
    three_fini(&t);
}

/* Verdicts are of when somebody came in; newcomers need a certificate that is good now. */
static void who_is_host_stays_host_when_its_certificate_ends(void **state)
{
    (void)state;
    struct three t;
    struct meeting_state s;
    three_init(&t);
    struct room_client *ina = room_world_client(&t.w, IDENTITY_USER, STRANGER("ina"));
    room_world_advance(&t.w, 8 * MEETING_DAY * SECONDS);
    room_state(t.alice, &s);
    s.locked = true;
    room_set_state(&t.w, t.alice, &s);
    assert_int_equal(t.alice->rejected, 0);
    assert_true(room_look(&t.w).locked);
    room_disconnect(&t.w, t.alice);
    room_connect(&t.w, t.alice);
    room_resume(&t.w, t.alice);
    assert_int_equal(t.alice->fault, 0);
    room_connect(&t.w, ina);
    room_knock(&t.w, ina);
    assert_int_equal(ina->fault, REASON_KEY_PACKAGE);
    three_fini(&t);
}

/* ---- Proposals ---- */

static void a_proposal_goes_to_all_and_is_committed_by_any(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_propose(&t.w, t.alice, mls_remove(t.eve->live_leaf));
    assert_int_equal(t.bob->got[SIGNAL_PROPOSED], 1);
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 1);
    room_commit(&t.w, t.bob, NULL, 0);
    assert_int_equal(t.bob->rejected, 0);
    assert_int_equal(t.eve->fault, REASON_EJECTED);
    assert_int_equal(t.eve->got[SIGNAL_COMMITTED], t.eve->followed); /* it saw its removal */
    assert_false(mls_group_is_member(t.eve->group));
    assert_int_equal(room_look(&t.w).members, 2);
    three_fini(&t);
}

static void a_proposal_that_is_not_allowed_is_not_relayed(void **state)
{
    (void)state;
    struct three t;
    struct buf message = {0};
    three_init(&t);
    room_propose(&t.w, t.eve, mls_remove(t.bob->live_leaf));
    assert_int_equal(t.bob->got[SIGNAL_PROPOSED], 0);
    assert_int_equal(t.eve->got[SIGNAL_REJECTED], 0);
    assert_int_equal(t.eve->fault, 0);
    room_commit(&t.w, t.eve, NULL, 0); /* nor can it be committed */
    assert_int_equal(t.eve->rejected, REASON_NOT_ALLOWED);
    assert_int_equal(mls_group_clear_proposals(t.eve->group), 0);

    struct mls_change leave = mls_self_remove();
    assert_int_equal(mls_group_propose(t.bob->group, &leave, NULL, t.w.now / SECONDS, &message), 0);
    const struct signal_message stolen = {.type = SIGNAL_PROPOSE, .body = buf_view(&message)};
    room_say_message(&t.w, t.eve, &stolen);
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 0);
    assert_int_equal(mls_group_clear_proposals(t.bob->group), 0);
    room_commit(&t.w, t.alice, NULL, 0);
    room_say_message(&t.w, t.bob, &stolen); /* his own, and too late */
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 0);
    assert_int_equal(t.bob->fault, 0);
    room_agrees(&t.w);
    buf_free(&message);
    three_fini(&t);
}

static void a_message_of_no_such_group_ends_the_connection(void **state)
{
    (void)state;
    static const enum signal_type types[] = {SIGNAL_PROPOSE, SIGNAL_COMMIT, SIGNAL_APP};
    for (size_t i = 0; i < 3; i++) {
        struct three t;
        three_init(&t);
        room_say_message(
            &t.w, t.bob,
            &(struct signal_message){.type = types[i], .body = bytes_str("no MLS message")});
        assert_int_equal(t.bob->fault, REASON_MALFORMED);
        assert_true(t.bob->closed);
        assert_int_equal(room_look(&t.w).connected, 2);
        three_fini(&t);
    }
}

/* ---- Messages ---- */

static void messages_go_to_all_while_their_epoch_can_be_opened(void **state)
{
    (void)state;
    struct three t;
    struct buf old = {0};
    three_init(&t);
    assert_int_equal(mls_group_protect(t.bob->group, bytes_of(NULL, 0), bytes_str("late"), &old),
                     0);
    const struct signal_message m = {.type = SIGNAL_APP, .body = buf_view(&old)};
    room_commit(&t.w, t.alice, NULL, 0);
    room_commit(&t.w, t.alice, NULL, 0);
    room_say_message(&t.w, t.bob, &m);
    assert_int_equal(t.eve->got[SIGNAL_APP_FROM], 1);
    assert_true(bytes_equal(buf_view(&t.eve->app), buf_view(&old)));
    room_commit(&t.w, t.alice, NULL, 0);
    room_say_message(&t.w, t.bob, &m);
    assert_int_equal(t.eve->got[SIGNAL_APP_FROM], 1);
    assert_int_equal(t.bob->fault, 0);
    buf_free(&old);
    three_fini(&t);
}

/* ---- Leaving and ending ---- */

static void who_leaves_is_removed_by_its_own_proposal(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_propose(&t.w, t.bob, mls_self_remove());
    room_say_message(&t.w, t.bob, &(struct signal_message){.type = SIGNAL_LEAVE});
    assert_true(t.bob->closed);
    assert_int_equal(t.bob->got[SIGNAL_FAULT], 0);
    assert_int_equal(t.bob->close_reason, REASON_LEFT);
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 1); /* the server has nothing to add */
    room_commit(&t.w, t.alice, NULL, 0);
    assert_int_equal(room_look(&t.w).members, 2);
    assert_int_equal(t.w.events[ROOM_EVENT_LEFT], 1);
    room_agrees(&t.w);
    three_fini(&t);
}

static void who_leaves_without_a_proposal_is_proposed_by_the_server_in_each_epoch(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    room_say_message(&t.w, t.bob, &(struct signal_message){.type = SIGNAL_LEAVE});
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 1);
    assert_int_equal(mls_group_clear_proposals(t.alice->group), 0); /* the leader ignores it */
    room_commit(&t.w, t.alice, NULL, 0);
    assert_int_equal(t.alice->got[SIGNAL_PROPOSED], 2);
    room_commit(&t.w, t.eve, NULL, 0);
    assert_int_equal(room_look(&t.w).members, 2);
    assert_int_equal(t.w.events[ROOM_EVENT_LEFT], 1);
    three_fini(&t);
}

static void when_all_have_left_the_meeting_can_be_founded_anew(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    const struct signal_message leave = {.type = SIGNAL_LEAVE};
    room_say_message(&t.w, t.bob, &leave);
    room_say_message(&t.w, t.alice, &leave);
    assert_true(room_look(&t.w).running);
    room_say_message(&t.w, t.eve, &leave);
    assert_false(room_look(&t.w).running);
    assert_int_equal(t.w.forgets, 1);
    assert_int_equal(t.w.snapshot.n, 0);
    room_connect(&t.w, t.alice);
    assert_false(t.alice->running);
    room_found(&t.w, t.alice);
    assert_int_equal(t.alice->got[SIGNAL_LIVE], 2);
    three_fini(&t);
}

static void a_host_ends_the_meeting_for_all(void **state)
{
    (void)state;
    struct three t;
    struct meeting_state s;
    three_init(&t);
    struct room_client *ina = room_world_client(&t.w, IDENTITY_USER, STRANGER("ina"));
    room_connect(&t.w, ina);
    room_knock(&t.w, ina);
    room_state(t.alice, &s);
    s.ended = true;
    room_set_state(&t.w, t.alice, &s);
    struct room_client *all[] = {t.alice, t.bob, t.eve, ina};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(all[i]->fault, REASON_ENDED);
        assert_true(all[i]->closed);
    }
    assert_int_equal(t.bob->got[SIGNAL_COMMITTED], t.bob->followed); /* and saw it signed */
    assert_int_equal(t.w.forgets, 1);
    assert_int_equal(t.w.events[ROOM_EVENT_ENDED], 1);
    assert_true(room_is_idle(t.w.room));
    three_fini(&t);
}

static void an_administrator_ends_the_meeting_for_all(void **state)
{
    (void)state;
    struct three t;
    three_init(&t);
    struct room_client *ina = room_world_client(&t.w, IDENTITY_USER, STRANGER("ina"));
    room_connect(&t.w, ina);
    room_knock(&t.w, ina);
    assert_int_equal(room_end(t.w.room, t.w.now), 0);
    room_world_run(&t.w);
    assert_int_equal(t.alice->fault, REASON_ENDED);
    assert_int_equal(ina->fault, REASON_ENDED);
    assert_int_equal(t.w.forgets, 1);
    assert_true(room_is_idle(t.w.room));
    three_fini(&t);
}

static void an_end_before_the_start_sends_those_away_who_wait(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_connect(&w, bob);
    room_knock(&w, bob);
    assert_int_equal(room_end(w.room, w.now), 0);
    room_world_run(&w);
    assert_int_equal(bob->fault, REASON_ENDED);
    assert_int_equal(w.forgets, 0);
    assert_true(room_is_idle(w.room));
    room_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_two_commits_for_one_epoch_the_first_wins),
        cmocka_unit_test(a_commit_is_stored_before_anybody_has_it),
        cmocka_unit_test(a_commit_that_breaks_a_rule_is_rejected_and_nothing_changes),
        cmocka_unit_test(nobody_commits_for_another),
        cmocka_unit_test(what_the_policy_forbids_is_not_allowed),
        cmocka_unit_test(whoever_adds_needs_the_link_secret),
        cmocka_unit_test(who_is_host_stays_host_when_its_certificate_ends),
        cmocka_unit_test(a_proposal_goes_to_all_and_is_committed_by_any),
        cmocka_unit_test(a_proposal_that_is_not_allowed_is_not_relayed),
        cmocka_unit_test(a_message_of_no_such_group_ends_the_connection),
        cmocka_unit_test(messages_go_to_all_while_their_epoch_can_be_opened),
        cmocka_unit_test(who_leaves_is_removed_by_its_own_proposal),
        cmocka_unit_test(who_leaves_without_a_proposal_is_proposed_by_the_server_in_each_epoch),
        cmocka_unit_test(when_all_have_left_the_meeting_can_be_founded_anew),
        cmocka_unit_test(a_host_ends_the_meeting_for_all),
        cmocka_unit_test(an_administrator_ends_the_meeting_for_all),
        cmocka_unit_test(an_end_before_the_start_sends_those_away_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
