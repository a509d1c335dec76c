/* A server that does at random what the others do on purpose: it drops, bends, doubles, keeps and
 * replays frames, and gives them to others. Whatever it does, those in one epoch share its secrets
 * (the stage looks at each), nobody is in the roster who was not let in, and once it behaves again
 * everybody is in the one meeting, or told that it is over.
 *
 *     attack_chaos_test --seeds FIRST COUNT     more of them, or one again
 */
#include "attack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEEDS 20
#define PEOPLE 5
#define KEPT 64
#define MISCHIEF (20 * STAGE_SECOND)
#define CALM (60 * STAGE_SECOND)

struct chaos {
    struct stage s;
    struct random random;
    bool calm;
    struct buf kept[KEPT]; /* frames from the server, of any time and to anybody */
    size_t n_kept;
    unsigned done; /* how often it lied */
};

static void keep(struct chaos *c, struct bytes frame)
{
    struct buf *place = &c->kept[c->n_kept++ % KEPT];
    buf_clear(place);
    buf_put(place, frame);
    assert_int_equal(buf_check(place), 0);
}

static void bend(struct chaos *c, struct buf *frame)
{
    if (frame->n != 0)
        frame->p[random_below(&c->random, frame->n)] ^=
            (uint8_t)(1u << random_below(&c->random, 8));
}

/* One frame is another; false: there is none. */
static bool lie(struct chaos *c, struct buf *frame)
{
    c->done++;
    switch (random_below(&c->random, 3)) {
    case 0:
        return false;
    case 1:
        bend(c, frame);
        return true;
    default:
        if (c->n_kept != 0) {
            const struct buf *old =
                &c->kept[random_below(&c->random, KEPT) % (c->n_kept < KEPT ? c->n_kept : KEPT)];
            buf_clear(frame);
            buf_put(frame, buf_view(old));
        }
        return true;
    }
}

static bool down(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame)
{
    struct chaos *c = ctx;
    (void)s;
    (void)a;
    /* a bent card is refused for good: see attack_denial_test.c */
    if (c->calm || (frame->n != 0 && frame->p[0] == SIGNAL_CHALLENGE))
        return true;
    keep(c, buf_view(frame));
    return !random_chance(&c->random, 8) || lie(c, frame);
}

static bool up(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame)
{
    struct chaos *c = ctx;
    (void)s;
    (void)a;
    if (c->calm || !random_chance(&c->random, 3))
        return true;
    c->done++;
    /* a bent commit that the server accepts is a member's attack: see attack_forge_test.c */
    if (frame->n != 0 && frame->p[0] != SIGNAL_COMMIT)
        bend(c, frame);
    return random_chance(&c->random, 50);
}

/* The roster has keys of people of this world only. */
static void assert_no_stranger(const struct chaos *c, const struct stage_actor *a)
{
    struct mls_member m;
    uint32_t leaf = 0;
    while (a->p->group != NULL && mls_group_next_member(a->p->group, &leaf, &m)) {
        bool known = false;
        for (size_t i = 0; i < c->s.n; i++)
            known |=
                bytes_equal(m.signature_key, crypto_signer_public(c->s.actors[i]->person->signer));
        assert_true(known);
    }
}

static void live(struct chaos *c, uint64_t us)
{
    const uint64_t until = c->s.now_us + us;
    while (c->s.now_us < until) {
        struct stage_actor *a = c->s.actors[random_below(&c->random, c->s.n)];
        if (!c->calm && random_chance(&c->random, 20) && a->p != NULL)
            (void)!participant_say(a->p, "is anybody there?", NULL, c->s.now_us);
        if (!c->calm && random_chance(&c->random, 20) && c->s.actors[0]->p != NULL)
            (void)!participant_lock(c->s.actors[0]->p, random_chance(&c->random, 50), c->s.now_us);
        for (size_t i = 0; i < c->s.n; i++)
            stage_carry_out(&c->s, c->s.actors[i]);
        stage_run(&c->s, STAGE_SECOND / 2);
        for (size_t i = 0; i < c->s.n; i++)
            assert_no_stranger(c, c->s.actors[i]);
    }
}

/* Returns how often the server lied. */
static unsigned play(uint64_t seed)
{
    static const char *const names[PEOPLE] = {NULL, "bob@" MEETING_DOMAIN, "carol@" MEETING_DOMAIN,
                                              "dave@" MEETING_DOMAIN, "erin@" MEETING_DOMAIN};
    struct chaos c = {.random = {seed}};
    stage_open(&c.s, seed);
    c.s.trace = getenv("TRACE") != NULL;
    c.s.hooks = (struct stage_hooks){.ctx = &c, .down = down, .up = up};
    stage_enter_organiser(&c.s);
    for (size_t i = 1; i < PEOPLE; i++)
        stage_enter(&c.s, IDENTITY_USER, names[i], names[i]);
    c.calm = true;
    live(&c, 5 * STAGE_SECOND);
    c.calm = false;
    live(&c, MISCHIEF);
    c.calm = true;
    /* who was told to stay away comes again */
    for (size_t i = 0; i < PEOPLE; i++)
        if (participant_phase(c.s.actors[i]->p) == PARTICIPANT_OVER)
            stage_enter_person(&c.s, c.s.actors[i]->person, "again");
    live(&c, CALM);
    if (stage_in_meeting(&c.s) == 0)
        fail_msg("seed %llu: nobody is in the meeting", (unsigned long long)seed);
    stage_agree(&c.s, 1);
    for (size_t i = 0; i < c.s.n; i++) {
        enum participant_phase phase = participant_phase(c.s.actors[i]->p);
        if (phase != PARTICIPANT_IN_MEETING && phase != PARTICIPANT_OVER &&
            phase != PARTICIPANT_IN_LOBBY)
            fail_msg("seed %llu: %s is %s", (unsigned long long)seed, c.s.actors[i]->name,
                     participant_phase_name(phase));
    }
    stage_close(&c.s);
    for (size_t i = 0; i < KEPT; i++)
        buf_free(&c.kept[i]);
    return c.done;
}

struct seeds {
    uint64_t first, n;
};

static void whatever_the_server_does_there_is_one_meeting(void **state)
{
    const struct seeds usual = {1, SEEDS}, *seeds = *state != NULL ? *state : &usual;
    uint64_t lies = 0;
    for (uint64_t seed = seeds->first; seed < seeds->first + seeds->n; seed++)
        lies += play(seed);
    assert_true(lies > 10 * seeds->n);
}

static const struct attack attacks[] = {
    ATTACK(71, whatever_the_server_does_there_is_one_meeting,
           "Frames dropped, bent, replayed and given to others, at random", "server", REFUSED,
           "Those in one epoch share its secrets, and nobody is in it who was not let in."),
};

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--seeds") == 0) {
        struct seeds seeds = {strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10)};
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_prestate(whatever_the_server_does_there_is_one_meeting, &seeds)};
        return cmocka_run_group_tests(tests, NULL, NULL);
    }
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
