/* Complaints: what nobody but its maker can follow is taken back. */
#include "support/room_world.h"

#define COLLEAGUE(name) name "@" MEETING_DOMAIN

/* The organiser and two colleagues, who do not follow what she commits. */
struct scene {
    struct room_world w;
    struct room_client *alice, *bob, *carl;
    struct buf commit; /* hers */
    uint64_t epoch;    /* that it was made for */
};

static void scene_init(struct scene *s)
{
    room_world_init(&s->w);
    s->alice = &s->w.client[0];
    s->bob = room_world_client(&s->w, IDENTITY_USER, COLLEAGUE("bob"));
    s->carl = room_world_client(&s->w, IDENTITY_USER, COLLEAGUE("carl"));
    s->commit = (struct buf){0};
    room_start(&s->w);
    room_join(&s->w, s->alice, s->bob);
    room_join(&s->w, s->alice, s->carl);
}

static void scene_fini(struct scene *s)
{
    buf_free(&s->commit);
    room_world_fini(&s->w);
}

/* She commits what only she can follow: to the server it looks like any commit. */
static void commit(struct scene *s, const struct mls_change *changes, size_t n)
{
    s->bob->deaf = s->carl->deaf = true;
    s->epoch = room_look(&s->w).epoch;
    room_make_commit(&s->w, s->alice, changes, n, &s->commit);
    room_send_commit(&s->w, s->alice, buf_view(&s->commit));
    assert_int_equal(room_look(&s->w).epoch, s->epoch + 1);
    s->bob->deaf = s->carl->deaf = false;
}

static void all_complain(struct scene *s)
{
    room_complain(&s->w, s->bob, buf_view(&s->commit));
    room_complain(&s->w, s->carl, buf_view(&s->commit));
}

static void what_all_others_complain_of_is_taken_back(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    commit(&s, NULL, 0);
    room_complain(&s.w, s.bob, buf_view(&s.commit));
    assert_int_equal(room_look(&s.w).epoch, s.epoch + 1);
    room_complain(&s.w, s.carl, buf_view(&s.commit));
    assert_int_equal(room_look(&s.w).epoch, s.epoch);
    assert_int_equal(room_look(&s.w).undone, 1);
    assert_int_equal(s.w.undos, 1);
    assert_int_equal(s.w.n_commits, 2);
    assert_int_equal(s.bob->got[SIGNAL_UNDONE], 1);
    assert_int_equal(s.bob->undone_epoch, s.epoch);
    assert_int_equal(s.bob->offender, 0);
    assert_int_equal(s.alice->got[SIGNAL_UNDONE], 1);
    assert_int_equal(s.alice->fault, REASON_UNDONE);
    assert_int_equal(s.w.events[ROOM_EVENT_UNDONE], 1);
    scene_fini(&s);
}

static void the_offender_is_removed_by_the_server(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    commit(&s, NULL, 0);
    all_complain(&s);
    assert_int_equal(s.bob->got[SIGNAL_PROPOSED], 1);
    room_commit(&s.w, s.bob, NULL, 0);
    assert_int_equal(room_look(&s.w).members, 2);
    assert_int_equal(room_look(&s.w).epoch, s.epoch + 1);
    room_agrees(&s.w);
    room_connect(&s.w, s.alice);
    room_resume(&s.w, s.alice);
    assert_int_equal(s.alice->fault, REASON_NOT_A_MEMBER);
    scene_fini(&s);
}

static void one_complaint_or_a_wrong_one_is_not_enough(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    commit(&s, NULL, 0);
    for (int i = 0; i < 3; i++)
        room_complain(&s.w, s.bob, buf_view(&s.commit));
    assert_int_equal(room_look(&s.w).undone, 0);
    room_complain(&s.w, s.alice, buf_view(&s.commit)); /* of her own */
    room_complain(&s.w, s.carl, bytes_str("another commit"));
    assert_int_equal(room_look(&s.w).undone, 0);
    assert_int_equal(room_look(&s.w).complaints, 5);
    room_complain(&s.w, s.carl, buf_view(&s.commit));
    assert_int_equal(room_look(&s.w).undone, 1);
    scene_fini(&s);
}

static void of_two_nobody_has_the_other_removed(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    const struct mls_change eject = mls_remove(s.carl->live_leaf);
    room_commit(&s.w, s.alice, &eject, 1);
    commit(&s, NULL, 0);
    room_complain(&s.w, s.bob, buf_view(&s.commit));
    assert_int_equal(room_look(&s.w).undone, 0);
    room_disconnect(&s.w, s.bob); /* who alone cannot follow comes back by Rejoin */
    room_connect(&s.w, s.bob);
    room_rejoin(&s.w, s.bob);
    room_agrees(&s.w);
    scene_fini(&s);
}

static void who_is_not_there_is_not_asked(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    struct room_client *dora = room_world_client(&s.w, IDENTITY_USER, COLLEAGUE("dora"));
    room_join(&s.w, s.alice, dora);
    dora->deaf = true;
    commit(&s, NULL, 0);
    all_complain(&s);
    assert_int_equal(room_look(&s.w).undone, 0);
    room_disconnect(&s.w, dora); /* the last that had not complained */
    assert_int_equal(room_look(&s.w).undone, 1);
    dora->deaf = false;
    room_connect(&s.w, dora);
    room_resume(&s.w, dora);
    assert_int_equal(dora->fault, 0);
    room_agrees(&s.w);
    scene_fini(&s);
}

static void only_the_latest_commit_can_be_taken_back(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    struct buf first = {0};
    room_make_commit(&s.w, s.alice, NULL, 0, &first);
    room_send_commit(&s.w, s.alice, buf_view(&first));
    room_commit(&s.w, s.bob, NULL, 0);
    room_complain(&s.w, s.bob, buf_view(&first));
    room_complain(&s.w, s.carl, buf_view(&first));
    assert_int_equal(room_look(&s.w).undone, 0);
    room_agrees(&s.w);
    buf_free(&first);
    scene_fini(&s);
}

static void who_was_added_by_it_waits_again_and_who_was_removed_is_back(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    struct room_client *dora = room_world_client(&s.w, IDENTITY_USER, COLLEAGUE("dora"));
    struct room_client *finn = room_world_client(&s.w, IDENTITY_USER, COLLEAGUE("finn"));
    room_join(&s.w, s.alice, dora);
    room_connect(&s.w, finn);
    room_knock(&s.w, finn);
    s.alice->mute = true; /* no Welcome */
    const struct mls_change changes[] = {mls_remove(dora->live_leaf),
                                         mls_add(mls_key_package_message(finn->kp))};
    dora->deaf = true;
    commit(&s, changes, 2);
    assert_int_equal(dora->fault, REASON_EJECTED);
    all_complain(&s);
    assert_int_equal(room_look(&s.w).members, 4);
    assert_int_equal(finn->fault, 0);
    dora->deaf = false;
    room_connect(&s.w, dora);
    room_resume(&s.w, dora);
    assert_int_equal(dora->fault, 0);
    room_agrees(&s.w);
    assert_int_equal(s.bob->got[SIGNAL_JOINERS], 1); /* the leader of those who are left */
    room_add_joiners(&s.w, s.bob);
    assert_true(room_is_in(finn));
    assert_int_equal(room_look(&s.w).members, 4); /* and alice is not */
    room_agrees(&s.w);
    scene_fini(&s);
}

static void who_came_in_by_it_has_to_come_again(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    struct room_client *finn = room_world_client(&s.w, IDENTITY_USER, COLLEAGUE("finn"));
    room_connect(&s.w, finn);
    room_knock(&s.w, finn);
    const struct mls_change add = mls_add(mls_key_package_message(finn->kp));
    commit(&s, &add, 1);
    assert_true(room_is_in(finn));
    all_complain(&s);
    assert_int_equal(finn->got[SIGNAL_UNDONE], 1);
    assert_int_equal(finn->fault, REASON_UNDONE);
    room_connect(&s.w, finn);
    room_knock(&s.w, finn);
    room_add_joiners(&s.w, s.bob);
    assert_int_equal(finn->fault, 0);
    room_agrees(&s.w);
    scene_fini(&s);
}

/* The proposals of the epoch count again: others have them still. */
static void proposals_of_the_epoch_can_be_committed_after_all(void **state)
{
    (void)state;
    struct scene s;
    scene_init(&s);
    room_propose(&s.w, s.carl, mls_self_remove());
    commit(&s, NULL, 0);
    assert_int_equal(s.carl->fault, REASON_LEFT);
    assert_int_equal(room_look(&s.w).undone, 0); /* bob alone cannot have it taken back */
    room_complain(&s.w, s.bob, buf_view(&s.commit));
    assert_int_equal(room_look(&s.w).undone, 0);
    scene_fini(&s);

    scene_init(&s);
    struct room_client *dora = room_world_client(&s.w, IDENTITY_USER, COLLEAGUE("dora"));
    room_join(&s.w, s.alice, dora);
    room_propose(&s.w, dora, mls_self_remove());
    commit(&s, NULL, 0);
    all_complain(&s);
    assert_int_equal(room_look(&s.w).undone, 1);
    room_commit(&s.w, s.bob, NULL, 0); /* dora's proposal, and the server's */
    assert_int_equal(s.bob->rejected, 0);
    assert_int_equal(room_look(&s.w).members, 2);
    room_agrees(&s.w);
    scene_fini(&s);
}

static void a_restart_after_it_knows_nothing_of_the_commit(void **state)
{
    (void)state;
    /* the commit is the latest of the store, or in its snapshot */
    for (int before = 0; before < 2; before++) {
        struct scene s;
        scene_init(&s);
        for (int i = 0; i < 61 && before == 1; i++)
            room_commit(&s.w, s.bob, NULL, 0);
        commit(&s, NULL, 0);
        assert_int_equal(s.w.snapshots, 1 + before);
        all_complain(&s);
        assert_int_equal(s.w.undos, 1 - before);
        assert_int_equal(s.w.snapshots, 1 + 2 * before);
        room_world_restart(&s.w);
        assert_int_equal(room_look(&s.w).epoch, s.epoch);
        room_connect(&s.w, s.bob);
        room_resume(&s.w, s.bob);
        assert_int_equal(s.bob->fault, 0);
        assert_int_equal(s.bob->live_epoch, s.epoch);
        scene_fini(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_all_others_complain_of_is_taken_back),
        cmocka_unit_test(the_offender_is_removed_by_the_server),
        cmocka_unit_test(one_complaint_or_a_wrong_one_is_not_enough),
        cmocka_unit_test(of_two_nobody_has_the_other_removed),
        cmocka_unit_test(who_is_not_there_is_not_asked),
        cmocka_unit_test(only_the_latest_commit_can_be_taken_back),
        cmocka_unit_test(who_was_added_by_it_waits_again_and_who_was_removed_is_back),
        cmocka_unit_test(who_came_in_by_it_has_to_come_again),
        cmocka_unit_test(proposals_of_the_epoch_can_be_committed_after_all),
        cmocka_unit_test(a_restart_after_it_knows_nothing_of_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
