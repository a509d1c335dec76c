/* Memory runs out once, anywhere: whoever it happened to says so once, and goes on as if a frame
 * had been lost, or is over and says why. Nobody else notices more than that.
 *
 *     participant_memory_test               some hundred places
 *     participant_memory_test all           all
 *     participant_memory_test VICTIM N      one of them, told frame by frame */
#include <stdio.h>
#include <stdlib.h>

#include "participant/inner.h"
#include "support/alloc_fail.h"
#include "support/meeting_stage.h"

#define PLACES 100 /* of each victim, spread over all */

static bool everywhere;

enum who { FOUNDER, LEADER, NEWCOMER };

struct play {
    struct stage s;
    struct stage_actor *actor[3];
    struct meeting_person *renewed; /* the founder */
    enum who victim;
    size_t left;  /* allocations of the victim until one fails */
    bool is_over; /* it has failed, or the time in which it may is over */
    bool was_hit;
    size_t errors;
};

static bool is_victim(const struct play *p, const struct stage_actor *a)
{
    return a == p->actor[p->victim] || (a->index == (size_t)p->victim);
}

static void before(void *ctx, struct stage_actor *a)
{
    const struct play *p = ctx;
    if (is_victim(p, a) && !p->is_over)
        alloc_fail_after(p->left);
}

static void after(void *ctx, struct stage_actor *a, int rv)
{
    struct play *p = ctx;
    bool hit = false;
    if (is_victim(p, a) && !p->is_over) {
        alloc_fail_off();
        hit = alloc_fail_hit();
        p->left -= hit ? 0 : alloc_count();
        p->is_over = p->was_hit = hit;
    }
    if (!hit)
        assert_int_equal(rv, 0);
    else if (rv != 0)
        assert_int_equal(conclave_error_class(rv), CONCLAVE_CLASS_SYSTEM);
    p->errors += rv != 0;
}

enum deed { SAY, RAISE, LOCK, ADMIT, EJECT, RENEW };

static int call(struct play *p, struct participant *who, enum deed deed, uint32_t leaf)
{
    const struct stage *s = &p->s;
    switch (deed) {
    case SAY:
        return participant_say(who, "Hello!", NULL, s->now_us);
    case RAISE:
        return participant_raise_hand(who, true, s->now_us);
    case LOCK:
        return participant_lock(who, true, s->now_us);
    case ADMIT:
        return participant_admit_all(who, s->now_us);
    case EJECT:
        return participant_eject(who, leaf, s->now_us);
    case RENEW:
    default:
        return participant_renew(who, p->renewed->chain, 1, s->now_us);
    }
}

/* What fails for want of memory is tried again, as people do. */
static void act(struct play *p, enum who who, enum deed deed, uint32_t leaf)
{
    struct stage_actor *a = p->actor[who];
    int rv = CONCLAVE_ENOMEM;
    for (int i = 0; i < 2 && conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM; i++) {
        before(p, a);
        rv = call(p, a->p, deed, leaf);
        if (rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM)
            rv = 0; /* it may be out, or have seen nobody */
        after(p, a, rv);
        stage_carry_out(&p->s, a);
    }
}

static struct stage_actor *enter(struct play *p, enum who who, const char *identifier)
{
    p->actor[who] = who == FOUNDER ? stage_enter_organiser(&p->s)
                                   : stage_enter(&p->s, IDENTITY_USER, identifier, "Somebody");
    return p->actor[who];
}

/* They come, talk, lock, are cut off, are let in, ejected, and have their certificates renewed. */
static void perform(struct play *p)
{
    struct stage *s = &p->s;
    struct stage_actor *alice = enter(p, FOUNDER, NULL);
    p->renewed =
        meeting_world_renew(&s->world, s->world.organiser, IDENTITY_USER, s->world.organiser->name);
    stage_run(s, 2 * STAGE_SECOND);
    enter(p, LEADER, "bob@company.com");
    stage_run(s, 2 * STAGE_SECOND);
    enter(p, NEWCOMER, "carol@company.com");
    stage_run(s, 2 * STAGE_SECOND);
    for (size_t i = 0; i < 3; i++)
        act(p, (enum who)i, SAY, 0);
    act(p, LEADER, RAISE, 0);
    act(p, FOUNDER, LOCK, 0);
    stage_run(s, 2 * STAGE_SECOND);
    stage_cut(s, p->actor[p->victim]);
    struct stage_actor *dan = stage_enter(s, IDENTITY_USER, "dan@company.com", "Dan");
    stage_run(s, 4 * STAGE_SECOND);
    act(p, FOUNDER, ADMIT, 0);
    stage_run(s, 2 * STAGE_SECOND);
    act(p, FOUNDER, EJECT, stage_find(alice, dan));
    act(p, FOUNDER, RENEW, 0);
    stage_run(s, 4 * STAGE_SECOND);
    p->is_over = true;
    stage_run(s, 50 * STAGE_SECOND);
}

static void assert_all_is_well(const struct play *p)
{
    for (size_t i = 0; i < p->s.n; i++) {
        const struct stage_actor *a = p->s.actors[i];
        enum participant_phase phase = participant_phase(a->p);
        bool fine = phase == PARTICIPANT_IN_MEETING || phase == PARTICIPANT_IN_LOBBY ||
                    (phase == PARTICIPANT_OVER && participant_end_reason(a->p) != REASON_NONE);
        if (!fine)
            fail_msg("%s is %s", a->name, participant_phase_name(phase));
    }
}

/* Returns whether the victim needed so many allocations. */
static bool play(enum who victim, size_t n, bool told)
{
    struct play p = {.victim = victim, .left = n};
    stage_open(&p.s, 1);
    p.s.trace = told;
    p.s.hooks = (struct stage_hooks){.ctx = &p, .before = before, .after = after};
    perform(&p);
    assert_in_range(p.errors, 0, 1);
    assert_all_is_well(&p);
    stage_agree(&p.s, 3);
    stage_close(&p.s);
    return p.was_hit;
}

/* How many there are, more or less: signatures differ in their length. */
static size_t allocations_of(enum who victim)
{
    size_t most = 1;
    while (play(victim, most, false))
        most *= 2;
    size_t least = most / 2;
    while (most - least > 64) {
        size_t middle = least + (most - least) / 2;
        if (play(victim, middle, false))
            least = middle;
        else
            most = middle;
    }
    return most;
}

static void memory_runs_out_for(enum who victim)
{
    size_t n = allocations_of(victim), step = everywhere ? 1 : n / PLACES + 1;
    for (size_t i = 0; i * step < n; i++) {
        size_t at = i * step + i * 7 % step;
        printf("\r%zu of %zu", at, n);
        (void)!play(victim, at, false);
    }
    printf("\n");
}

static void the_founder_goes_on_or_says_why_not(void **state)
{
    (void)state;
    memory_runs_out_for(FOUNDER);
}

static void a_member_goes_on_or_says_why_not(void **state)
{
    (void)state;
    memory_runs_out_for(LEADER);
}

static void a_newcomer_goes_on_or_says_why_not(void **state)
{
    (void)state;
    memory_runs_out_for(NEWCOMER);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_founder_goes_on_or_says_why_not),
        cmocka_unit_test(a_member_goes_on_or_says_why_not),
        cmocka_unit_test(a_newcomer_goes_on_or_says_why_not),
    };
    everywhere = argc == 2;
    if (argc == 3) {
        (void)!play((enum who)strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10), true);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
