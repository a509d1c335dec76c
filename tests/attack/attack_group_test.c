/* The group is not what the server, or its leader, says: another, an older one, everybody out. */
#include "attack_moves.h"

#include <string.h>

#include "support/mls_forge.h"
#include "wire/writer.h"

#define MOMENT (STAGE_SECOND / 2)

/* ---- Coming back ---- */

/* The server says that the commits bob missed are no longer kept. */
static void send_for_info(struct attack_scene *a)
{
    attack_deliver(&a->s, a->bob,
                   &(struct signal_message){.type = SIGNAL_FAULT, .reason = REASON_OUT_OF_REACH});
    stage_run(&a->s, 3 * STAGE_SECOND);
}

static void toggle_lock(struct attack_scene *a, bool locked)
{
    assert_int_equal(participant_lock(a->alice->p, locked, a->s.now_us), 0);
    stage_carry_out(&a->s, a->alice);
    stage_run(&a->s, MOMENT);
}

static void a_group_info_from_the_past_is_not_resumed_from(void **state)
{
    struct attack_scene a;
    struct attack_info old = {0};
    (void)state;
    attack_open(&a);
    attack_info_of(a.alice->p->group, &old);
    toggle_lock(&a, true);
    /* the true one brings him back */
    send_for_info(&a);
    assert_int_equal(a.tap.seen[SIGNAL_INFO_OF], 1);
    stage_agree(&a.s, 3);

    a.tap.change = attack_swap_info;
    a.tap.ctx = &old;
    const struct attack_standing before = attack_standing_of(a.alice);
    send_for_info(&a);
    assert_int_equal(a.tap.changed, 1);
    assert_int_equal(participant_phase(a.bob->p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(a.bob->p), REASON_CANNOT_FOLLOW);
    attack_assert_unmoved(a.alice, &before);
    attack_info_free(&old);
    attack_close(&a);
}

static void nobody_is_moved_into_another_group_of_the_meeting(void **state)
{
    struct attack_scene a;
    struct mls_key_package *kp = NULL;
    struct attack_info other = {0};
    struct buf welcome = {0}, commit = {0};
    const struct mls_commit_options path = {.force_path = true};
    (void)state;
    attack_open(&a);
    const uint64_t now = a.s.now_us / STAGE_SECOND;
    /* bob's keys, from some earlier knock, on the same leaf, in a later epoch */
    struct mls_group *g = attack_second_group(&a);
    assert_int_equal(mls_key_package_new(a.bob->p->client, now - 60, now + MEETING_DAY, false, &kp),
                     0);
    attack_add_to(&a, g, mls_key_package_message(kp), &welcome);
    while (mls_group_epoch(g) <= mls_group_epoch(a.bob->p->group)) {
        assert_int_equal(mls_group_commit(g, NULL, 0, &path, now, &commit), 0);
        assert_int_equal(mls_group_merge_own(g, &welcome), 0);
    }
    attack_info_of(g, &other);
    a.tap.change = attack_swap_info;
    a.tap.ctx = &other;
    attack_withhold(&a.tap, a.bob, SIGNAL_COMMIT);
    send_for_info(&a);
    assert_int_equal(a.tap.changed, 1);
    assert_int_equal(a.tap.dropped[SIGNAL_COMMIT], 0);
    assert_int_equal(participant_end_reason(a.bob->p), REASON_CANNOT_FOLLOW);
    mls_group_free(g);
    mls_key_package_free(kp);
    attack_info_free(&other);
    buf_free(&welcome);
    buf_free(&commit);
    attack_close(&a);
}

/* A GroupInfo of mallory's with a key that lets nobody in. */
static void make_false_info(struct attack_scene *a, struct buf *out)
{
    struct mls_message m;
    struct mls_group_info_view view;
    struct buf honest = {0}, key = {0}, extensions = {0};
    struct crypto_signer *other = NULL;
    int error = 0;
    assert_int_equal(mls_group_info(a->mallory->p->group, MLS_INFO_EXTERNAL_PUB, &honest), 0);
    assert_int_equal(mls_message_parse(buf_view(&honest), &m), 0);
    struct reader r = reader_of(m.body);
    mls_group_info_read(&r, &view, &error);
    assert_int_equal(reader_end(&r), 0);
    assert_int_equal(crypto_signer_generate(a->s.world.crypto, &other), 0); /* a point of P-256 */
    write_vec(&key, crypto_signer_public(other));
    struct forge_info f = forge_info_of(&view, a->mallory->person->signer);
    forge_extension(f.extensions, MLS_EXT_EXTERNAL_PUB, buf_view(&key), &extensions);
    f.extensions = buf_view(&extensions);
    forge_info_message(&f, out);
    crypto_signer_free(other);
    buf_free(&honest);
    buf_free(&key);
    buf_free(&extensions);
}

static void a_group_info_that_nobody_asked_for_is_not_handed_on(void **state)
{
    struct attack_scene a;
    struct buf info = {0};
    (void)state;
    attack_open(&a);
    make_false_info(&a, &info);
    attack_deliver(&a.s, a.bob,
                   &(struct signal_message){.type = SIGNAL_FAULT, .reason = REASON_OUT_OF_REACH});
    for (int i = 0; i < 40; i++) { /* she does not know when, so all the time */
        stage_inject_up(&a.s, a.mallory,
                        &(struct signal_message){.type = SIGNAL_INFO, .body = buf_view(&info)});
        stage_run(&a.s, STAGE_SECOND / 40);
    }
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(a.tap.seen[SIGNAL_INFO_OF], 1);
    stage_agree(&a.s, 3);
    assert_int_equal(participant_phase(a.bob->p), PARTICIPANT_IN_MEETING);
    assert_false(stage_told(a.alice, REASON_UNDONE));
    buf_free(&info);
    attack_close(&a);
}

/* ---- Restarts ---- */

static void a_server_that_has_forgotten_the_meeting_raises_an_alarm(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    stage_kill_server(&a.s, STAGE_SECOND);
    buf_clear(&a.s.disk.snapshot); /* nothing, it says, was ever written */
    stage_run(&a.s, 10 * STAGE_SECOND);
    for (size_t i = 0; i < a.s.n; i++) {
        assert_true(attack_told(a.s.actors[i], REASON_MEETING_RESTARTED, PARTICIPANT_ALARM));
        assert_int_equal(participant_end_reason(a.s.actors[i]->p), REASON_GONE);
    }
    attack_close(&a);
}

static void a_welcome_to_a_meeting_that_began_anew_raises_an_alarm(void **state)
{
    struct attack_scene a;
    struct buf welcome = {0}, tree = {0};
    (void)state;
    attack_open(&a);
    struct mls_group *g = attack_second_group(&a);
    /* bob is told that he is out, and knocks again; mallory lets him in elsewhere */
    attack_withhold(&a.tap, NULL, SIGNAL_COMMIT);
    attack_deliver(&a.s, a.bob,
                   &(struct signal_message){.type = SIGNAL_FAULT, .reason = REASON_NOT_A_MEMBER});
    stage_run(&a.s, STAGE_SECOND);
    assert_ptr_equal(a.tap.last_of[SIGNAL_KNOCK], a.bob);
    attack_add_to(&a, g, attack_knocked(&a.tap), &welcome);
    assert_int_equal(mls_group_tree(g, &tree), 0);
    a.s.forks_expected = true;
    attack_deliver(&a.s, a.bob,
                   &(struct signal_message){.type = SIGNAL_WELCOMED,
                                            .body = buf_view(&welcome),
                                            .tree = buf_view(&tree)});
    assert_int_equal(participant_phase(a.bob->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(stage_roster_count(a.bob), 2);
    assert_true(attack_told(a.bob, REASON_MEETING_RESTARTED, PARTICIPANT_ALARM));
    assert_false(attack_same_epoch(a.bob, a.alice));
    mls_group_free(g);
    buf_free(&welcome);
    buf_free(&tree);
    attack_close(&a);
}

/* ---- Invalid commits ---- */

static void invalid_commits_bother_nobody_but_the_server(void **state)
{
    struct attack_scene a;
    struct buf commit = {0};
    (void)state;
    attack_open(&a);
    const struct attack_standing before = attack_standing_of(a.alice);
    attack_make_commit(&a.s, a.mallory, NULL, 0, &commit);
    unsigned committed = a.tap.seen[SIGNAL_COMMITTED];
    size_t notices = a.alice->n_notices;
    for (size_t i = 0; i < 60; i++) {
        commit.p[commit.n / 2 + i] ^= 1; /* within the path, which is signed */
        attack_send(&a.s, a.mallory, SIGNAL_COMMIT, buf_view(&commit));
        commit.p[commit.n / 2 + i] ^= 1;
    }
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(a.tap.seen[SIGNAL_REJECTED], 60);
    assert_int_equal(attack_last(&a.tap, SIGNAL_REJECTED).reason, REASON_INVALID);
    assert_int_equal(a.tap.seen[SIGNAL_COMMITTED], committed);
    assert_int_equal(a.alice->n_notices, notices);
    attack_assert_unmoved(a.alice, &before);
    /* the same without the flipped bit is a commit */
    attack_send(&a.s, a.mallory, SIGNAL_COMMIT, buf_view(&commit));
    stage_run(&a.s, MOMENT);
    assert_int_equal(mls_group_epoch(a.alice->p->group), before.epoch + 1);
    buf_free(&commit);
    attack_close(&a);
}

/* ---- Removing ---- */

static void the_server_cannot_have_removed_who_is_heard(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    struct stage_actor *const all[] = {a.alice, a.bob, a.mallory};
    const struct attack_standing before = attack_standing_of(a.alice);
    uint32_t bob = stage_leaf(a.bob);
    bool named = false;
    unsigned commits = a.tap.seen[SIGNAL_COMMIT];
    attack_propose_removals(&a, all, 3);
    stage_run(&a.s, 10 * STAGE_SECOND);
    assert_int_equal(a.tap.seen[SIGNAL_COMMIT], commits);
    attack_assert_unmoved(a.alice, &before);
    for (size_t i = 0; i < a.alice->n_notices; i++)
        named |= a.alice->notices[i].reason == REASON_REMOVED_BY_SERVER &&
                 a.alice->notices[i].leaf == bob;
    assert_true(named);
    attack_assert_heard(&a.s, a.bob, all, 1, "still here");
    attack_close(&a);
}

static void a_removal_by_the_server_is_shown_as_the_servers(void **state)
{
    struct attack_scene a;
    struct buf list = {0}, commit = {0};
    (void)state;
    attack_open(&a);
    /* it calls bob disconnected first, and orders what comes of it */
    signal_put_presence(&list, (struct signal_presence){stage_leaf(a.bob), false});
    attack_deliver_all(
        &a.s, &(struct signal_message){.type = SIGNAL_PRESENCE, .presence = buf_view(&list)});
    attack_withhold(&a.tap, NULL, SIGNAL_COMMIT);
    attack_propose_removals(&a, &a.bob, 1);
    stage_run(&a.s, MOMENT);
    assert_int_equal(a.tap.dropped[SIGNAL_COMMIT], 1);
    buf_put(&commit, attack_last(&a.tap, SIGNAL_COMMIT).body);
    attack_deliver_all(
        &a.s, &(struct signal_message){.type = SIGNAL_COMMITTED, .body = buf_view(&commit)});
    assert_int_equal(stage_roster_count(a.alice), 2);
    assert_int_equal(a.mallory->last_gone_reason, REASON_REMOVED_DISCONNECTED);
    assert_int_equal(participant_end_reason(a.bob->p), REASON_REMOVED_DISCONNECTED);
    buf_free(&list);
    buf_free(&commit);
    attack_close(&a);
}

/* ---- A leader who does not want ---- */

static void an_eject_comes_about_without_the_leader(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open_led_by_mallory(&a);
    /* her own half commits nothing; she commits every second, and leaves out what alice proposes */
    attack_withhold(&a.tap, a.mallory, SIGNAL_COMMIT);
    assert_int_equal(participant_eject(a.alice->p, stage_find(a.alice, a.mallory), a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    uint64_t epoch = mls_group_epoch(a.bob->p->group);
    size_t left_out = 0;
    for (; participant_phase(a.mallory->p) == PARTICIPANT_IN_MEETING && left_out < 10; left_out++) {
        stage_run(&a.s, STAGE_SECOND);
        if (participant_phase(a.mallory->p) == PARTICIPANT_IN_MEETING)
            attack_commit(&a.s, a.mallory, NULL, 0);
    }
    assert_in_range(left_out, 2, 5);
    assert_true(mls_group_epoch(a.bob->p->group) > epoch + 1);
    assert_int_equal(participant_end_reason(a.mallory->p), REASON_EJECTED);
    stage_run(&a.s, STAGE_SECOND);
    stage_agree(&a.s, 2);
    attack_close(&a);
}

/* A commit of mallory's with another key and certificate of hers, and nothing else. */
static void change_key(struct attack_scene *a, struct meeting_person *as)
{
    const struct mls_new_identity identity = {as->signer, meeting_person_credential(as)};
    const struct mls_commit_options options = {.ignore_cached = true, .identity = &identity};
    struct buf commit = {0};
    assert_int_equal(mls_group_drop_own(a->mallory->p->group), 0);
    assert_int_equal(mls_group_commit(a->mallory->p->group, NULL, 0, &options,
                                      a->s.now_us / STAGE_SECOND, &commit),
                     0);
    a->mallory->p->commit_us = a->s.now_us;
    attack_send(&a->s, a->mallory, SIGNAL_COMMIT, buf_view(&commit));
    buf_free(&commit);
}

static void another_key_saves_nobody_from_an_eject(void **state)
{
    struct attack_scene a;
    struct mls_member before, after;
    struct buf old_key = {0};
    (void)state;
    attack_open_led_by_mallory(&a);
    attack_withhold(&a.tap, a.mallory, SIGNAL_COMMIT);
    uint32_t leaf = stage_leaf(a.mallory);
    assert_int_equal(mls_group_member(a.alice->p->group, leaf, &before), 0);
    buf_put(&old_key, before.signature_key);
    struct meeting_person *again =
        meeting_world_person(&a.s.world, IDENTITY_USER, "mallory@" MEETING_DOMAIN);
    assert_int_equal(participant_eject(a.alice->p, leaf, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    change_key(&a, again);
    stage_run(&a.s, MOMENT / 5);
    assert_int_equal(mls_group_member(a.alice->p->group, leaf, &after), 0);
    assert_false(bytes_equal(after.signature_key, buf_view(&old_key)));
    stage_run(&a.s, 4 * STAGE_SECOND);
    assert_int_equal(mls_group_member(a.alice->p->group, leaf, &after), CONCLAVE_ENOTFOUND);
    assert_int_equal(stage_roster_count(a.bob), 2);
    assert_true(attack_same_epoch(a.alice, a.bob));
    buf_free(&old_key);
    attack_close(&a);
}

static void a_host_whose_eject_the_server_ignores_is_told(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open_led_by_mallory(&a);
    attack_withhold(&a.tap, NULL, SIGNAL_COMMIT);
    assert_int_equal(participant_eject(a.alice->p, stage_find(a.alice, a.bob), a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, 11 * STAGE_SECOND);
    assert_true(a.tap.dropped[SIGNAL_COMMIT] >= 2); /* the leader's and hers */
    assert_int_equal(stage_roster_count(a.alice), 3);
    assert_true(attack_told(a.alice, REASON_WISH_IGNORED, PARTICIPANT_WARNING));
    attack_close(&a);
}

static const struct attack attacks[] = {
    ATTACK(10, a_group_info_from_the_past_is_not_resumed_from, "It hands out a stale GroupInfo",
           "server", REFUSED, "Nobody goes back to an epoch before one that was seen."),
    ATTACK(11, invalid_commits_bother_nobody_but_the_server,
           "Invalid commits, to force everybody to reset", "member", REFUSED,
           "The server checks what can be checked without secrets, and relays nothing else."),
    ATTACK(12, a_server_that_has_forgotten_the_meeting_raises_an_alarm,
           "The server pretends that the meeting is gone", "server", VISIBLE,
           "An alarm: the meeting began anew. Nobody founds it again unasked."),
    ATTACK(12, a_welcome_to_a_meeting_that_began_anew_raises_an_alarm,
           "It pretends that the meeting began anew", "server and member", VISIBLE,
           "An alarm to whoever was in another group before; the codes differ."),
    ATTACK(13, the_server_cannot_have_removed_who_is_heard, "It removes everybody", "server",
           REFUSED, "No member commits the removal of somebody heard in the last 10 s."),
    ATTACK(13, a_removal_by_the_server_is_shown_as_the_servers,
           "It calls somebody disconnected and has them removed", "server", VISIBLE,
           "Everybody is told who is gone, and that no host wanted it."),
    ATTACK(14, an_eject_comes_about_without_the_leader, "The leader omits a host's eject", "member",
           REFUSED, "The host commits it itself."),
    ATTACK(14, a_host_whose_eject_the_server_ignores_is_told, "The server omits it", "server",
           VISIBLE, "After 10 s the host is told that it has not come about."),
    ATTACK(69, a_group_info_that_nobody_asked_for_is_not_handed_on,
           "A false GroupInfo, to have somebody else blamed", "member", REFUSED,
           "The server takes one from whom it asked."),
    ATTACK(70, another_key_saves_nobody_from_an_eject, "Another key in the moment of an eject",
           "member", REFUSED, "The wish is for the person, whatever the key."),
    ATTACK(66, nobody_is_moved_into_another_group_of_the_meeting,
           "Who resumes is moved into another group", "server and member", REFUSED,
           "A leaf is taken again in the group that it was in."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
