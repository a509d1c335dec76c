/* What else people meet: locks that come by themselves, renewed certificates, open meetings, names
 * that the server cannot read, and a leaf resumed by an external commit. */
#include <string.h>

#include "participant/inner.h"
#include "support/meeting_stage.h"

static void locks_after_a_minute(struct card_terms *terms)
{
    terms->auto_lock_minutes = 1;
    terms->join_before_host = true;
}

static void a_meeting_locks_itself_without_a_host(void **state)
{
    struct stage s;
    struct participant_meeting meeting;
    (void)state;
    stage_open_terms(&s, 1, locks_after_a_minute);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    struct stage_actor *carol = stage_enter(&s, IDENTITY_USER, "carol@company.com", "Carol");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    assert_int_equal(participant_meeting(carol->p, &meeting), 0);
    assert_false(meeting.locked);
    stage_run(&s, 65 * STAGE_SECOND);
    assert_int_equal(participant_meeting(carol->p, &meeting), 0);
    assert_true(meeting.locked);
    stage_agree(&s, 2);
    struct stage_actor *dan = stage_enter(&s, IDENTITY_USER, "dan@company.com", "Dan");
    stage_run(&s, 5 * STAGE_SECOND);
    assert_int_equal(participant_phase(dan->p), PARTICIPANT_IN_LOBBY);
    assert_int_equal(participant_lock(bob->p, false, s.now_us), CONCLAVE_EPOLICY);
    stage_close(&s);
}

static void a_renewed_certificate_takes_the_old_ones_place(void **state)
{
    struct stage s;
    struct mls_member m;
    (void)state;
    stage_open(&s, 2);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    struct meeting_person *renewed =
        meeting_world_renew(&s.world, bob->person, IDENTITY_USER, "bob@company.com");
    assert_int_equal(participant_renew(bob->p, renewed->chain, 1, s.now_us), 0);
    stage_carry_out(&s, bob);
    stage_run(&s, 3 * STAGE_SECOND);
    stage_agree(&s, 2);
    assert_int_equal(mls_group_member(alice->p->group, stage_find(alice, bob), &m), 0);
    assert_true(bytes_equal(m.credential.certificates, buf_view(&renewed->encoded)));
    assert_int_equal(alice->gone, 0);
    stage_close(&s);
}

static void a_certificate_for_somebody_else_does_not(void **state)
{
    struct stage s;
    struct participant_person person;
    uint32_t at;
    (void)state;
    stage_open(&s, 3);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    struct meeting_person *other =
        meeting_world_renew(&s.world, bob->person, IDENTITY_USER, "mallory@company.com");
    (void)!participant_renew(bob->p, other->chain, 1, s.now_us);
    stage_carry_out(&s, bob);
    stage_run(&s, 3 * STAGE_SECOND);
    at = stage_find(alice, bob);
    assert_true(participant_roster_next(alice->p, &at, &person));
    assert_string_equal(person.identity.identifier, "bob@company.com");
    stage_close(&s);
}

static void open_to_all(struct card_terms *terms)
{
    terms->open = true;
}

static void an_open_meeting_works_and_says_so(void **state)
{
    struct stage s;
    struct participant_meeting meeting;
    (void)state;
    stage_open_terms(&s, 4, open_to_all);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    stage_run(&s, STAGE_SECOND);
    stage_agree(&s, 2);
    assert_int_equal(participant_meeting(bob->p, &meeting), 0);
    assert_true(meeting.open);
    assert_int_equal(stage_roster_count(alice), 2);
    stage_close(&s);
}

/* ---- What the server sees ---- */

struct eavesdropper {
    const char *word;
    size_t frames, found;
};

static bool listen_up(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame)
{
    struct eavesdropper *e = ctx;
    size_t n = strlen(e->word);
    (void)s;
    (void)a;
    e->frames++;
    for (size_t i = 0; i + n <= frame->n; i++)
        e->found += memcmp(frame->p + i, e->word, n) == 0;
    return true;
}

static void the_server_reads_neither_names_nor_chats(void **state)
{
    struct stage s;
    struct eavesdropper names = {.word = "Wolfgang"};
    (void)state;
    stage_open(&s, 5);
    s.hooks.up = listen_up;
    s.hooks.ctx = &names;
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Wolfgang");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    assert_int_equal(participant_say(bob->p, "Wolfgang says hello", NULL, s.now_us), 0);
    stage_carry_out(&s, bob);
    stage_run(&s, STAGE_SECOND);
    assert_string_equal(alice->last_chat, "Wolfgang says hello");
    assert_in_range(names.frames, 6, 100);
    assert_int_equal(names.found, 0);
    names.word = "bob@company.com"; /* that one it can: it is in the certificate it issued */
    struct stage_actor *again = stage_enter_person(&s, bob->person, "Wolfgang");
    stage_run(&s, STAGE_SECOND);
    assert_int_not_equal(names.found, 0);
    (void)again;
    stage_close(&s);
}

/* ---- Resuming by external commit ---- */

static bool garble_commits(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame)
{
    struct stage_actor *victim = *(struct stage_actor **)ctx;
    struct signal_message m;
    (void)s;
    if (a == victim && signal_read(buf_view(frame), &m) == 0 && m.type == SIGNAL_COMMITTED)
        frame->p[frame->n - 1] ^= 1;
    return true;
}

static void who_cannot_follow_a_commit_resumes_its_leaf(void **state)
{
    struct stage s;
    struct stage_actor *victim = NULL;
    (void)state;
    stage_open(&s, 6);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    stage_enter(&s, IDENTITY_USER, "carol@company.com", "Carol");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    s.hooks.down = garble_commits;
    s.hooks.ctx = &victim;
    victim = bob;
    assert_int_equal(participant_lock(alice->p, true, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, 2 * STAGE_SECOND);
    assert_true(stage_told(bob, REASON_CANNOT_FOLLOW));
    victim = NULL;
    stage_run(&s, 20 * STAGE_SECOND);
    assert_int_equal(participant_phase(bob->p), PARTICIPANT_IN_MEETING);
    assert_true(bob->p->state.locked);
    stage_agree(&s, 3);
    assert_int_equal(stage_roster_count(alice), 3);
    assert_int_equal(alice->gone, 0); /* nobody is told that somebody left */
    stage_close(&s);
}

static void who_renewed_a_certificate_while_away_resumes_too(void **state)
{
    struct stage s;
    struct stage_actor *victim = NULL;
    (void)state;
    stage_open(&s, 7);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    stage_enter(&s, IDENTITY_USER, "carol@company.com", "Carol");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    s.hooks.down = garble_commits;
    s.hooks.ctx = &victim;
    victim = bob;
    assert_int_equal(participant_lock(alice->p, true, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, STAGE_SECOND);
    assert_true(stage_told(bob, REASON_CANNOT_FOLLOW));
    victim = NULL;
    struct meeting_person *renewed =
        meeting_world_renew(&s.world, bob->person, IDENTITY_USER, "bob@company.com");
    assert_int_equal(participant_renew(bob->p, renewed->chain, 1, s.now_us), 0);
    stage_carry_out(&s, bob);
    stage_run(&s, 20 * STAGE_SECOND);
    assert_int_equal(participant_phase(bob->p), PARTICIPANT_IN_MEETING);
    stage_agree(&s, 3);
    stage_close(&s);
}

static void who_was_cut_off_gets_what_was_said(void **state)
{
    struct stage s;
    (void)state;
    stage_open(&s, 8);
    struct stage_actor *alice = stage_enter_organiser(&s);
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    assert_true(stage_until_all_in(&s, 10 * STAGE_SECOND));
    assert_int_equal(participant_say(alice->p, "before", NULL, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, STAGE_SECOND);
    stage_cut(&s, bob);
    assert_int_equal(participant_say(alice->p, "meanwhile", NULL, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, 15 * STAGE_SECOND);
    assert_int_equal(participant_phase(bob->p), PARTICIPANT_IN_MEETING);
    assert_string_equal(bob->last_chat, "meanwhile");
    assert_int_equal(bob->chats, 2); /* each once */
    /* and where the server forgets, the writer says it again */
    stage_cut(&s, bob);
    stage_kill_server(&s, STAGE_SECOND);
    assert_int_equal(participant_say(alice->p, "afterwards", NULL, s.now_us), 0);
    stage_carry_out(&s, alice);
    stage_run(&s, 20 * STAGE_SECOND);
    assert_string_equal(bob->last_chat, "afterwards");
    assert_int_equal(bob->chats, 3);
    stage_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_meeting_locks_itself_without_a_host),
        cmocka_unit_test(a_renewed_certificate_takes_the_old_ones_place),
        cmocka_unit_test(a_certificate_for_somebody_else_does_not),
        cmocka_unit_test(an_open_meeting_works_and_says_so),
        cmocka_unit_test(the_server_reads_neither_names_nor_chats),
        cmocka_unit_test(who_cannot_follow_a_commit_resumes_its_leaf),
        cmocka_unit_test(who_was_cut_off_gets_what_was_said),
        cmocka_unit_test(who_renewed_a_certificate_while_away_resumes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
