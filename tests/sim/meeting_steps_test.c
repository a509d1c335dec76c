/* Death at every step: the same short play again and again, in which one process dies after its
 * first effect, its second, and so on until it has outlived the play. Each time the meeting goes
 * on.
 *
 *     meeting_steps_test                the whole
 *     meeting_steps_test VICTIM STEP    one play, told frame by frame */
#include <stdio.h>
#include <stdlib.h>

#include "mls/group.h"
#include "participant/inner.h"
#include "support/meeting_stage.h"

enum who { LEADER, HOST, NEWCOMER, SERVER };

static bool told;

static void act(struct stage *s, struct stage_actor *a, int rv)
{
    assert_true(rv == 0 || rv == CONCLAVE_ESTATE || rv == CONCLAVE_EPOLICY ||
                rv == CONCLAVE_ENOTFOUND);
    stage_carry_out(s, a);
}

static void before_the_host(struct card_terms *terms)
{
    terms->join_before_host = true;
}

/* Bob founds and leads, Alice is the host, Carol comes, is ejected by Alice, and Dan is let in.
 * Returns whether the victim outlived it. */
static bool play(uint64_t seed, enum who victim, unsigned step)
{
    struct stage s;
    stage_open_terms(&s, seed, before_the_host);
    stage_share_trust(&s);
    s.trace = told;
    struct stage_actor *bob = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
    stage_run(&s, STAGE_SECOND);
    struct stage_actor *alice = stage_enter_organiser(&s);
    stage_run(&s, 3 * STAGE_SECOND);
    assert_int_equal(stage_leaf(bob), 0);
    if (victim == LEADER)
        bob->dies_in = step;
    else if (victim == HOST)
        alice->dies_in = step;
    else if (victim == SERVER)
        s.server_dies_in = step;
    struct stage_actor *carol = stage_enter(&s, IDENTITY_USER, "carol@company.com", "Carol");
    if (victim == NEWCOMER)
        carol->dies_in = step;
    stage_run(&s, 4 * STAGE_SECOND);
    if (alice->p != NULL)
        act(&s, alice, participant_lock(alice->p, true, s.now_us));
    struct stage_actor *dan = stage_enter(&s, IDENTITY_USER, "dan@company.com", "Dan");
    stage_run(&s, 2 * STAGE_SECOND);
    if (alice->p != NULL)
        act(&s, alice, participant_eject(alice->p, stage_find(alice, carol), s.now_us));
    if (alice->p != NULL)
        act(&s, alice, participant_admit_all(alice->p, s.now_us));
    stage_run(&s, 2 * STAGE_SECOND);
    bool outlived = victim == SERVER     ? s.server_dies_in != 0
                    : victim == HOST     ? alice->dies_in != 0
                    : victim == NEWCOMER ? carol->dies_in != 0 || carol->restarts == 0
                                         : bob->dies_in != 0;
    for (size_t i = 0; i < s.n; i++)
        s.actors[i]->dies_in = 0;
    s.server_dies_in = 0;
    stage_run(&s, 45 * STAGE_SECOND);
    if (dan->p != NULL && participant_phase(dan->p) == PARTICIPANT_IN_LOBBY)
        act(&s, alice, participant_admit_all(alice->p, s.now_us)); /* the host had died before */
    stage_run(&s, 15 * STAGE_SECOND);
    for (size_t i = 0; i < s.n; i++)
        if (participant_phase(s.actors[i]->p) != PARTICIPANT_IN_MEETING &&
            participant_phase(s.actors[i]->p) != PARTICIPANT_OVER &&
            participant_phase(s.actors[i]->p) != PARTICIPANT_IN_LOBBY)
            fail_msg("seed %llu, victim %d, step %u: %s is %s", (unsigned long long)seed, victim,
                     step, s.actors[i]->name,
                     participant_phase_name(participant_phase(s.actors[i]->p)));
    if (stage_in_meeting(&s) < 3)
        for (size_t i = 0; i < s.n; i++)
            printf("victim %d, step %u: %s is %s (%s)\n", victim, step, s.actors[i]->name,
                   participant_phase_name(participant_phase(s.actors[i]->p)),
                   reason_name(participant_end_reason(s.actors[i]->p)));
    stage_agree(&s, 3);
    stage_close(&s);
    return outlived;
}

static void at_every_step(enum who victim, const char *name)
{
    unsigned step = 1;
    while (!play(step, victim, step))
        step++;
    printf("%s: %u steps\n", name, step - 1);
    assert_in_range(step, 20, 500);
}

static void the_leader_dies(void **state)
{
    (void)state;
    at_every_step(LEADER, "leader");
}

static void the_host_dies(void **state)
{
    (void)state;
    at_every_step(HOST, "host");
}

static void a_newcomer_dies(void **state)
{
    (void)state;
    at_every_step(NEWCOMER, "newcomer");
}

static void the_server_dies(void **state)
{
    (void)state;
    at_every_step(SERVER, "server");
}

static void two_found_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct stage s;
        stage_open_terms(&s, seed, before_the_host);
        struct stage_actor *a = stage_enter_organiser(&s);
        struct stage_actor *b = stage_enter(&s, IDENTITY_USER, "bob@company.com", "Bob");
        assert_true(stage_until_all_in(&s, 20 * STAGE_SECOND));
        stage_run(&s, STAGE_SECOND);
        stage_agree(&s, 2);
        assert_int_equal(stage_roster_count(a), 2);
        assert_int_equal(stage_roster_count(b), 2);
        stage_close(&s);
    }
}

static void two_hundred_come_at_once(void **state)
{
    static char names[200][24];
    struct stage s;
    struct room_summary summary;
    (void)state;
    stage_open(&s, 5);
    stage_share_trust(&s);
    stage_enter_organiser(&s);
    assert_true(stage_until_all_in(&s, 5 * STAGE_SECOND));
    for (size_t i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "p%zu@company.com", i);
        stage_enter_person(&s, meeting_world_person(&s.world, IDENTITY_USER, names[i]), names[i]);
    }
    assert_true(stage_until_all_in(&s, 30 * STAGE_SECOND));
    stage_run(&s, 2 * STAGE_SECOND);
    stage_agree(&s, 201);
    room_summary(s.room, &summary);
    assert_in_range(summary.epoch, 1, 10);
    stage_close(&s);
}

/* docs/PROTOCOL.md section 5, Gardening: a removal weighs what its path weighs. */
static void a_large_meeting_fills_its_tree_when_it_is_quiet(void **state)
{
    static char names[300][24];
    struct stage s;
    size_t cost = 0;
    (void)state;
    stage_open(&s, 6);
    stage_share_trust(&s);
    struct stage_actor *alice = stage_enter_organiser(&s);
    assert_true(stage_until_all_in(&s, 5 * STAGE_SECOND));
    for (size_t i = 0; i < 300; i++) {
        snprintf(names[i], sizeof names[i], "p%zu@company.com", i);
        stage_enter_person(&s, meeting_world_person(&s.world, IDENTITY_USER, names[i]), names[i]);
    }
    assert_true(stage_until_all_in(&s, 60 * STAGE_SECOND));
    for (uint32_t leaf = 0; leaf <= 256; leaf += 256)
        assert_int_equal(mls_group_subtree_cost(alice->p->group, leaf, 8, &cost), 0);
    stage_run(&s, 12 * STAGE_SECOND);
    stage_agree(&s, 301);
    assert_int_equal(mls_group_subtree_cost(alice->p->group, 0, 8, &cost), 0);
    assert_in_range(cost, 1, 2);
    stage_close(&s);
}

int main(int argc, char **argv)
{
    if (argc == 3) { /* one of them, told */
        told = true;
        unsigned step = (unsigned)strtoul(argv[2], NULL, 10);
        (void)!play(step, (enum who)strtoul(argv[1], NULL, 10), step);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_leader_dies),
        cmocka_unit_test(the_host_dies),
        cmocka_unit_test(a_newcomer_dies),
        cmocka_unit_test(the_server_dies),
        cmocka_unit_test(two_found_at_once),
        cmocka_unit_test(two_hundred_come_at_once),
        cmocka_unit_test(a_large_meeting_fills_its_tree_when_it_is_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
