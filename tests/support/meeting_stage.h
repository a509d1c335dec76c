/* A stage for meetings: real participants and a real room in one process, a network and disks made
 * of arrays, and a clock that is a number. Everything that is left to chance comes from one seed.
 *
 *     stage_open(&s, seed);                       a meeting with a card, and nobody there
 *     ada = stage_enter(&s, IDENTITY_USER, "ada@company.com", "Ada");
 *     stage_run(&s, 5 * STAGE_SECOND);
 *     stage_agree(&s);
 *     stage_close(&s);
 *
 * Connections are as TCP makes them: in order, late, and sometimes cut with all that is under way.
 * Processes die between two effects, and come back with what was saved before. Tests that lie put
 * themselves into the way of frames: see struct stage_hooks.
 */
#ifndef TESTS_SUPPORT_MEETING_STAGE_H
#define TESTS_SUPPORT_MEETING_STAGE_H

#include <conclave/participant.h>

#include "room/room.h"
#include "signal/reason.h"
#include "signal/signal.h"
#include "support/meeting_world.h"
#include "support/random.h"

#define STAGE_SECOND UINT64_C(1000000)
#define STAGE_ACTORS 512
#define STAGE_NOTICES 64

struct stage_frame {
    struct stage_frame *next;
    struct buf data;
    uint64_t at;
};
struct stage_wire {
    struct stage_frame *first, *last;
    uint64_t latest; /* when the last one arrives: order is kept */
};

/* What a process has written. */
struct stage_disk {
    struct buf snapshot;
    struct buf *deltas;
    uint64_t *epochs; /* the server's commits */
    bool *synced;
    size_t n, cap;
};

enum stage_link { STAGE_OFF, STAGE_OPENING, STAGE_UP };

struct stage_notice {
    int reason;
    enum participant_severity severity;
    uint32_t leaf;
};

struct stage_actor {
    size_t index;
    struct meeting_person *person;
    struct participant_trust *trust, *own_trust;
    struct participant *p; /* NULL: not running */
    char name[32];
    uint64_t seed;
    bool persist;
    struct stage_disk disk;

    enum stage_link link;
    uint64_t opens_at;  /* OPENING */
    uint64_t told_at;   /* when it learns that the connection is gone; 0: it is not */
    uint64_t conn;      /* the server's number for it; 0: none */
    bool greeted;       /* room_open() was called */
    uint64_t closes_at; /* when the server learns that it is gone; 0: it is not */
    uint64_t closing;   /* that connection */
    struct stage_wire up, down;
    uint64_t restart_at; /* 0: not planned */
    unsigned dies_in;    /* effects until the process dies; 0: it does not */

    /* what it was told */
    struct stage_notice notices[STAGE_NOTICES];
    size_t n_notices;
    size_t chats, chats_back, joined, gone, restarts, mutes;
    uint32_t muted_by; /* leaf */
    char last_chat[256];
    int last_gone_reason;

    /* A remote one, whose participant is not of this process: p and person are NULL. A frame
     * arrives there; NULL data: its connection is gone. */
    void (*arrive)(void *ctx, struct bytes frame);
    void *arrive_ctx;
};

struct stage;
struct stage_hooks {
    void *ctx;
    /* A frame from the server to an actor: false drops it. It may be changed in place. */
    bool (*down)(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame);
    /* And from an actor to the server. */
    bool (*up)(void *ctx, struct stage *s, struct stage_actor *a, struct buf *frame);
    /* Around each input and tick of an actor's participant. NULL: nothing may fail. */
    void (*before)(void *ctx, struct stage_actor *a);
    void (*after)(void *ctx, struct stage_actor *a, int rv);
};

/* One epoch of one group, and what those who were in it agreed on. */
struct stage_epoch {
    uint8_t group_id[64];
    size_t group_id_n;
    uint64_t epoch;
    uint8_t authenticator[64];
    size_t authenticator_n;
};

struct stage {
    struct meeting_world world;
    struct random random;
    uint64_t now_us;
    struct card *card;
    struct room *room; /* NULL: the server is down */
    struct stage_disk disk;
    uint64_t server_restart_at;
    unsigned server_dies_in; /* effects until it dies; 0: it does not */
    size_t server_deaths;
    uint64_t next_conn;
    struct stage_actor *actors[STAGE_ACTORS];
    size_t n;
    struct stage_hooks hooks;
    struct stage_epoch *epochs;
    size_t n_epochs, cap_epochs;
    uint64_t delay_us, jitter_us;    /* of the network */
    struct participant_trust *trust; /* everybody's, if stage_share_trust() was called */
    bool trace;                      /* print frames and phases */
    bool forks_expected;             /* a test that splits the group looks at codes itself */
};

void stage_open(struct stage *s, uint64_t seed);
/* With another card. */
void stage_open_terms(struct stage *s, uint64_t seed, void (*change)(struct card_terms *terms));
/* The same at another time, in seconds: for actors who look at a real clock. */
void stage_open_at(struct stage *s, uint64_t seed, uint64_t now,
                   void (*change)(struct card_terms *terms));
/* All who enter share what they trust and have verified, as participants of one process may: what
 * takes the time in long runs is verifying the same signatures for each. */
void stage_share_trust(struct stage *s);
void stage_close(struct stage *s);

/* Somebody new with a certificate of the provider's, who follows the link now. name: shown beside
 * it. */
struct stage_actor *stage_enter(struct stage *s, enum identity_kind kind, const char *identifier,
                                const char *name);
struct stage_actor *stage_enter_person(struct stage *s, struct meeting_person *person,
                                       const char *name);
/* The organiser of the world. */
struct stage_actor *stage_enter_organiser(struct stage *s);

/* ---- Somebody of another process, as far as this one sees it ---- */

struct stage_actor *stage_enter_remote(struct stage *s, const char *name,
                                       void (*arrive)(void *ctx, struct bytes frame), void *ctx);
/* It connects, in place of the connection before; says something; and hangs up. */
void stage_remote_connect(struct stage *s, struct stage_actor *a);
void stage_remote_say(struct stage *s, struct stage_actor *a, struct bytes frame);
void stage_remote_hang_up(struct stage *s, struct stage_actor *a);

/* Time passes. */
void stage_run(struct stage *s, uint64_t us);
/* Until cond holds, at most so long; whether it did. */
bool stage_until(struct stage *s, uint64_t us, bool (*cond)(struct stage *s, void *ctx), void *ctx);
/* Until everybody who runs is in the meeting. */
bool stage_until_all_in(struct stage *s, uint64_t us);

/* ---- Mishaps ---- */

/* The connection breaks, with all that is under way; either side learns of it later. */
void stage_cut(struct stage *s, struct stage_actor *a);
/* kill -9, and a restart after so long (0: never). What was not synced may be lost. */
void stage_kill(struct stage *s, struct stage_actor *a, uint64_t back_in_us);
void stage_kill_server(struct stage *s, uint64_t back_in_us);

/* ---- Looking ---- */

/* Everybody in the meeting is in the same epoch with the same authenticator and the same roster as
 * the server; at least `least` are. */
void stage_agree(struct stage *s, size_t least);
size_t stage_in_meeting(const struct stage *s);
/* Whether it was told this. */
bool stage_told(const struct stage_actor *a, int reason);
uint32_t stage_leaf(const struct stage_actor *a);
/* The leaf of one in the eyes of another; MLS_NO_LEAF. */
uint32_t stage_find(struct stage_actor *in, const struct stage_actor *whom);
size_t stage_roster_count(struct stage_actor *a);
size_t stage_lobby_count(struct stage_actor *a);

/* After calling something of a->p: carries out what came of it. */
void stage_carry_out(struct stage *s, struct stage_actor *a);
/* A frame as if the server had sent it, now. */
void stage_inject(struct stage *s, struct stage_actor *a, const struct signal_message *m);
/* A frame as if the actor had sent it. */
void stage_inject_up(struct stage *s, struct stage_actor *a, const struct signal_message *m);

#endif
