/* A meeting under way, for the tests of the policy: real members with real certificates, who make
 * whatever commits MLS lets them, and a server that stages them and asks the policy.
 */
#ifndef TESTS_UNIT_MEETING_SCENE_H
#define TESTS_UNIT_MEETING_SCENE_H

#include "support/meeting_world.h"

#include "meeting/policy.h"
#include "signal/reason.h"
#include "support/mls_world.h"

/* Who is in the meeting from its start; the numbers are their leaves, too. */
enum {
    ALICE, /* the organiser */
    HENRY, /* a host */
    CAROL, /* a co-host */
    BOB,   /* an attendee of the organisation */
    EVE,   /* an attendee of another */
    GUS,   /* a guest */
    IMRE,  /* an impostor: says to be Henry */
    SCENE_MEMBERS
};

/* A proposal of the application's own that all members support, so that only the policy refuses. */
#define SCENE_CUSTOM 0xF042

struct scene {
    struct meeting_world people;
    struct world mls;
    struct card *card;
    struct meeting_state state;        /* as founded */
    struct meeting_extensions founded; /* with that state */
    struct meeting_extensions next;    /* of scene_state() */
    struct buf cohosts, barred;        /* of the states */
    struct buf custom;                 /* an extension list of a test's own */
    struct meeting_judge judge;
    uint64_t now;
    struct meeting_refusal refusal; /* the last */
};

/* People and terms: alice and henry are hosts. Change the terms, bar somebody, then found. */
void scene_init(struct scene *s);
struct card_terms scene_terms(const struct scene *s);
void scene_bar(struct scene *s, struct bytes entry);
/* terms: NULL for scene_terms(). s->state is taken as it is, but for the lists. */
void scene_found(struct scene *s, const struct card_terms *terms);
void scene_fini(struct scene *s);

/* Founded in one go, as it is by default. */
void scene_start(struct scene *s);

/* Somebody with a client, not a member yet. */
size_t scene_actor(struct scene *s, const struct meeting_person *person);

/* Changes, to commit or to propose. */
struct mls_change scene_add(struct scene *s, const struct meeting_person *person);
struct mls_change scene_link(const struct scene *s);
struct mls_change scene_state(struct scene *s, const struct meeting_state *next);

/* What the policy says of a commit of these changes: 0, or CONCLAVE_EPOLICY and s->refusal. Nobody
 * merges it. The link PSK is added if there is an Add among them. */
int scene_commit(struct scene *s, size_t by, const struct mls_change *changes, size_t n);
int scene_commit_as(struct scene *s, size_t by, const struct mls_change *changes, size_t n,
                    const struct mls_commit_options *options);

/* One change, committed by its author; and proposed by it, then committed by somebody else. The
 * policy says the same of the commits and of the proposal by itself. */
int scene_try(struct scene *s, size_t by, struct mls_change change);

/* One that can only be proposed, or that the server proposes. */
int scene_propose(struct scene *s, size_t by, struct mls_change change);
int scene_server_proposes(struct scene *s, struct mls_change change);

/* What the policy says of a message of another's making: a proposal, which BOB then commits, or a
 * commit. */
int scene_proposal(struct scene *s, struct bytes message);
int scene_check(struct scene *s, struct bytes commit);

/* What it says of a proposal by itself. */
int scene_ask(struct scene *s, const struct mls_proposal_info *p);

/* An external commit of an actor. leaf: what it removes, or MLS_NO_LEAF. */
int scene_resume(struct scene *s, size_t actor, uint32_t leaf, bool with_psk);

#define ALLOWED(call) assert_int_equal((call), 0)
#define REFUSED(call) assert_int_equal((call), CONCLAVE_EPOLICY)

#endif
