/* The world of the simulation: the members, the service between them, and what is known of every
 * epoch. The script is in mls_sim.c. */
#ifndef TESTS_SIM_MLS_WORLD_H
#define TESTS_SIM_MLS_WORLD_H

#include "sim/mls_service.h"
#include "support/random.h"

#define PATIENCE 3 /* steps before an invited member asks for itself */

enum role {
    OUTSIDE, /* not a member, perhaps not any more */
    INVITED, /* its key package was handed out */
    INSIDE,
    LOST, /* still in the tree, but without its state */
};

struct member {
    struct party p;
    enum role role;
    size_t cursor;  /* into the service's log */
    uint64_t since; /* the first epoch of this group object */
    unsigned asleep;
    uint64_t invited;       /* at this step */
    uint64_t removed_epoch; /* with OUTSIDE and a group: the first epoch without this member */
    bool present;           /* in the newest roster */
};

/* What everybody must find in an epoch. */
struct fingerprint {
    bool known;
    uint8_t authenticator[64], exported[32], tree_hash[64], transcript[64];
    uint64_t roster;
};

struct letter {
    struct buf bytes;
    uint64_t epoch;
    char text[48];
    struct {
        size_t member;
        uint64_t due;
        unsigned copies;
        bool read;
    } to[8];
    size_t n;
};

struct world {
    struct random random;
    struct service service;
    struct member *all;
    size_t n, target; /* members that there can be, and should be */
    size_t founded;
    bool private_handshakes;
    uint64_t step;
    struct fingerprint *epochs;
    size_t n_epochs;
    struct letter *letters;
    size_t n_letters, cap_letters;
    struct {
        size_t commits, competing, dropped, joins, external, resumed, crashes, lost_disks, read,
            early, unreadable, ghosts, removed, failed_writes;
    } count;
};

static inline size_t pick(struct world *w, size_t below)
{
    return (size_t)random_below(&w->random, below);
}

static inline bool chance(struct world *w, unsigned percent)
{
    return random_chance(&w->random, percent);
}

/* Somebody who is in the group and awake, or NULL. */
struct member *random_member(struct world *w);
/* Somebody to invite: who is not in the group, as far as g knows. */
struct member *random_outsider(struct world *w, const struct mls_group *g);

uint32_t leaf_of(const struct mls_group *g, const char *name);

/* ---- mls_world.c ---- */

void world_init(struct world *w, size_t members, bool private_handshakes, uint64_t seed);
void world_fini(struct world *w);

/* A member is in a new epoch: it must find what others found. */
void enter(struct world *w, struct member *x);

/* A call that cannot write fails and has changed nothing. */
void fail_a_write(struct world *w, struct member *x);

/* Loses the group in memory; what comes back from the disk is the same to the byte. */
void crash(struct world *w, struct member *x);
void leave_group(struct member *x);

/* ---- mls_follow.c: handshakes as they come ---- */

void merge_own(struct world *w, struct member *x);

/* Takes some of what the service has, with losses, repetitions and things far too early. */
void follow(struct world *w, struct member *x, bool all);

/* A group of one's own, newly joined. */
void come_in(struct world *w, struct member *x);

/* By external commit, taking our old leaf's place if there is one. */
void join_external(struct world *w, struct member *x);

/* Comes in by a Welcome; without one, after a while, by itself. now: while is over. */
void wait_for_welcome(struct world *w, struct member *x, bool now);

/* ---- mls_change.c: handshakes as they are made ---- */

void commit(struct world *w, struct member *x);
void propose(struct world *w, struct member *x);

/* ---- mls_letter.c: application messages ---- */

void write_letter(struct world *w, struct member *x);
void deliver(struct world *w);

#endif
