/* Meetings on a bad day, seed by seed: people come and go, connections break, processes and the
 * server die at every step, and when the noise ends everybody who is in the meeting is in the same
 * one.
 *
 *     meeting_sim                 the seeds of every run
 *     meeting_sim FIRST COUNT     more of them
 *     meeting_sim SEED            one, told step by step
 *     make sim                    thousands, without sanitizers
 *
 * At each epoch that anybody enters the stage compares its authenticator with what others in it
 * had: one history, or the run fails there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "participant/inner.h"
#include "support/meeting_stage.h"

#define SEEDS 150 /* with sanitizers; `make sim` plays thousands without */
#define STEPS 40
#define CALM (60 * STAGE_SECOND)

struct play {
    struct stage s;
    uint64_t seed;
    bool told;
    size_t people; /* made so far */
    char names[64][64];
};

static void say(struct play *p, const char *what, const struct stage_actor *a)
{
    if (p->told)
        printf("%10.3f  %s %s\n",
               (double)(p->s.now_us - MEETING_NOW * STAGE_SECOND) / (double)STAGE_SECOND, what,
               a != NULL ? a->name : "");
}

static struct stage_actor *anybody(struct play *p)
{
    return p->s.actors[random_below(&p->s.random, p->s.n)];
}

/* Somebody in the meeting with a host's rights, or NULL. */
static struct stage_actor *some_host(struct play *p)
{
    for (size_t i = 0; i < p->s.n; i++) {
        struct stage_actor *a = p->s.actors[i];
        if (a->p != NULL && participant_phase(a->p) == PARTICIPANT_IN_MEETING &&
            participant_role_own(a->p) >= MEETING_COHOST)
            return a;
    }
    return NULL;
}

static void somebody_comes(struct play *p)
{
    static const enum identity_kind kinds[] = {IDENTITY_USER, IDENTITY_USER, IDENTITY_GUEST,
                                               IDENTITY_DEVICE};
    if (p->people == sizeof p->names / sizeof p->names[0])
        return;
    enum identity_kind kind = kinds[random_below(&p->s.random, 4)];
    char *name = p->names[p->people];
    size_t n = sizeof p->names[0];
    if (kind == IDENTITY_USER)
        snprintf(name, n, "u%zu@%s", p->people,
                 random_chance(&p->s.random, 70) ? MEETING_DOMAIN : MEETING_OTHER_DOMAIN);
    else if (kind == IDENTITY_DEVICE)
        snprintf(name, n, "room%zu.%s", p->people, MEETING_DOMAIN);
    else
        snprintf(name, n, "urn:uuid:6ba7b810-9dad-41d1-80b4-%012zu", p->people);
    p->people++;
    say(p, "comes:", stage_enter(&p->s, kind, name, name));
}

static void a_host_acts(struct play *p)
{
    struct stage_actor *host = some_host(p), *other = anybody(p);
    if (host == NULL)
        return;
    switch (random_below(&p->s.random, 6)) {
    case 0:
        say(p, "locks:", host);
        (void)!participant_lock(host->p, true, p->s.now_us);
        break;
    case 1:
        say(p, "unlocks:", host);
        (void)!participant_lock(host->p, false, p->s.now_us);
        break;
    case 2:
        if (random_chance(&p->s.random, 30) && other != host && other->p != NULL) {
            say(p, "ejects:", host);
            (void)!participant_eject(host->p, stage_find(host, other), p->s.now_us);
        }
        break;
    case 3:
        say(p, "makes a co-host of:", other);
        (void)!participant_make_cohost(host->p, stage_find(host, other), true, p->s.now_us);
        break;
    default:
        say(p, "admits all:", host);
        (void)!participant_admit_all(host->p, p->s.now_us);
        break;
    }
    stage_carry_out(&p->s, host);
}

static void somebody_talks(struct play *p)
{
    struct stage_actor *a = anybody(p);
    if (a->p == NULL)
        return;
    say(p, "talks:", a);
    if (random_chance(&p->s.random, 50))
        (void)!participant_say(a->p, "Hello?", NULL, p->s.now_us);
    else
        (void)!participant_raise_hand(a->p, random_chance(&p->s.random, 50), p->s.now_us);
    stage_carry_out(&p->s, a);
}

static void a_process_dies(struct play *p)
{
    struct stage_actor *a = anybody(p);
    if (a->p == NULL)
        return;
    if (random_chance(&p->s.random, 50)) {
        say(p, "dies soon:", a);
        a->dies_in = 1 + (unsigned)random_below(&p->s.random, 30);
    } else {
        say(p, "dies:", a);
        stage_kill(&p->s, a, STAGE_SECOND / 2 + random_below(&p->s.random, 5 * STAGE_SECOND));
    }
}

static void the_server_dies(struct play *p)
{
    if (p->s.room == NULL)
        return;
    if (random_chance(&p->s.random, 70)) {
        say(p, "the server dies soon", NULL);
        p->s.server_dies_in = 1 + (unsigned)random_below(&p->s.random, 40);
    } else {
        say(p, "the server dies", NULL);
        stage_kill_server(&p->s, STAGE_SECOND / 2 + random_below(&p->s.random, 3 * STAGE_SECOND));
    }
}

static void somebody_leaves(struct play *p)
{
    struct stage_actor *a = anybody(p);
    if (a->p == NULL || a->index == 0 || !random_chance(&p->s.random, 40))
        return;
    say(p, "leaves:", a);
    (void)!participant_leave(a->p, p->s.now_us);
    stage_carry_out(&p->s, a);
}

static void something_happens(struct play *p)
{
    uint64_t what = random_below(&p->s.random, 100);
    if (what < 25)
        somebody_comes(p);
    else if (what < 45)
        a_host_acts(p);
    else if (what < 60)
        somebody_talks(p);
    else if (what < 72) {
        struct stage_actor *a = anybody(p);
        say(p, "is cut off:", a);
        stage_cut(&p->s, a);
    } else if (what < 84)
        a_process_dies(p);
    else if (what < 90)
        the_server_dies(p);
    else if (what < 95)
        somebody_leaves(p);
    else
        stage_run(&p->s, random_below(&p->s.random, 40 * STAGE_SECOND));
    stage_run(&p->s, random_below(&p->s.random, 2 * STAGE_SECOND));
}

/* Whoever waits may wait for a host; whoever is out knows why; everybody else is in. */
static void nobody_is_stuck(struct play *p)
{
    for (size_t i = 0; i < p->s.n; i++) {
        const struct stage_actor *a = p->s.actors[i];
        if (a->p == NULL)
            continue;
        enum participant_phase phase = participant_phase(a->p);
        bool fine = phase == PARTICIPANT_IN_MEETING || phase == PARTICIPANT_IN_LOBBY ||
                    phase == PARTICIPANT_NOT_STARTED ||
                    (phase == PARTICIPANT_OVER && participant_end_reason(a->p) != REASON_NONE);
        if (!fine)
            fail_msg("seed %llu: %s is stuck: %s", (unsigned long long)p->seed, a->name,
                     participant_phase_name(phase));
    }
}

static void before_the_host(struct card_terms *terms)
{
    terms->join_before_host = true;
}

static void play(uint64_t seed, bool told)
{
    struct play *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->seed = seed;
    p->told = told;
    stage_open_terms(&p->s, seed, seed % 2 == 0 ? before_the_host : NULL);
    stage_share_trust(&p->s);
    p->s.trace = told;
    p->s.jitter_us = random_below(&p->s.random, 400000);
    say(p, "comes:", stage_enter_organiser(&p->s));
    for (unsigned i = 0; i < STEPS; i++)
        something_happens(p);
    say(p, "calm", NULL);
    if (p->s.room == NULL && p->s.server_restart_at == 0)
        stage_kill_server(&p->s, 1);
    p->s.server_dies_in = 0;
    for (size_t i = 0; i < p->s.n; i++)
        p->s.actors[i]->dies_in = 0;
    stage_run(&p->s, CALM);
    nobody_is_stuck(p);
    stage_agree(&p->s, 0);
    stage_close(&p->s);
    free(p);
}

static uint64_t first = 1, count = SEEDS;

static void every_seed_ends_in_one_meeting(void **state)
{
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        printf("\rseed %llu", (unsigned long long)seed);
        fflush(stdout);
        play(seed, count == 1);
    }
    printf("\r%llu seeds from %llu\n", (unsigned long long)count, (unsigned long long)first);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_seed_ends_in_one_meeting)};
    if (argc > 1) {
        first = strtoull(argv[1], NULL, 10);
        count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
