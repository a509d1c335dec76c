/* A meeting's server and its clients in one process, for the tests of src/room: real MLS clients
 * that speak frames, a store that does what the room wants stored, and a clock that a test moves.
 *
 * A client does what an honest one must (follows commits, sends Welcomes, answers InfoRequest);
 * what it wants, the test says. What came in is counted, and the last of each kind is kept.
 */
#ifndef TESTS_SUPPORT_ROOM_WORLD_H
#define TESTS_SUPPORT_ROOM_WORLD_H

#include "support/meeting_world.h"

#include "meeting/state.h"
#include "room/room.h"
#include "signal/reason.h"
#include "signal/signal.h"

#define ROOM_CLIENTS_MAX ((size_t)48)
#define ROOM_COMMITS_MAX ((size_t)256)
#define ROOM_TYPES ((size_t)SIGNAL_FAULT + 1)
#define SECONDS UINT64_C(1000000)

struct room_client {
    struct meeting_person *who;
    struct mls_client *mls;
    struct mls_key_package *kp;
    struct mls_group *group;
    struct mls_group *rejoining;
    uint64_t conn; /* 0: not connected */
    uint8_t nonce[SIGNAL_NONCE];
    bool mute; /* does nothing by itself: sends no Welcome, no Info */
    bool deaf; /* follows nothing */
    bool slow; /* keeps its external commit to itself, in `kept` */
    struct buf kept;
    struct buf *inbox; /* frames that it has not looked at */
    size_t inbox_n, inbox_cap;
    unsigned got[ROOM_TYPES]; /* frames of each type */
    int fault;                /* the last, or 0 */
    bool closed;
    int close_reason;
    bool running;    /* of the last Challenge */
    uint8_t waiting; /* of the last Waiting */
    uint64_t live_epoch;
    uint32_t live_leaf;
    int rejected; /* reason of the last */
    uint64_t rejected_epoch;
    uint64_t undone_epoch;
    uint32_t offender;
    struct buf joiners, lobby; /* entries of the last that had some */
    unsigned lobby_added, lobby_removed;
    struct buf presence; /* of the last */
    unsigned followed;   /* commits merged */
    unsigned refused;    /* messages that MLS did not take */
    struct buf welcome;  /* of its last commit, if it is mute */
    struct buf app;      /* of the last */
};

struct room_stored {
    uint64_t epoch;
    struct buf data;
};

struct room_world {
    struct meeting_world people;
    struct card *card;
    struct room_config config;
    struct room *room;
    uint64_t now; /* microseconds */
    uint64_t next_conn;
    struct room_client client[ROOM_CLIENTS_MAX];
    size_t n;
    /* the store, and how often it was asked */
    struct buf snapshot;
    struct room_stored commits[ROOM_COMMITS_MAX];
    size_t n_commits;
    unsigned snapshots, undos, forgets, events[ROOM_EVENT_UNDONE + 1];
    /* allocations of the room that succeed before one fails, once; SIZE_MAX: none does */
    size_t allocations_left;
    bool out_of_memory;  /* one has failed */
    const uint8_t *tree; /* of the last Welcomed; and how often another than before was sent */
    unsigned trees;
    size_t effects;      /* carried out */
    size_t effects_left; /* the machine dies before the next one; SIZE_MAX: never */
};

/* terms: NULL for those of the meeting world. */
void room_world_init(struct room_world *w);
void room_world_set_card(struct room_world *w, const struct card_terms *terms);
void room_world_fini(struct room_world *w);

/* A client; the first is the organiser's. */
struct room_client *room_world_client(struct room_world *w, enum identity_kind kind,
                                      const char *name);
struct room_client *room_world_client_of(struct room_world *w, struct meeting_person *who);

/* The clock, with all the ticks the room wants on the way. */
void room_world_advance(struct room_world *w, uint64_t us);
/* Effects are carried out and clients look at what they got, until nothing happens. */
void room_world_run(struct room_world *w);
/* The server dies and is back with what was stored; all connections are gone. */
void room_world_restart(struct room_world *w);

/* ---- What a client does; each runs the world afterwards ---- */

void room_connect(struct room_world *w, struct room_client *c);
void room_disconnect(struct room_world *w, struct room_client *c);
void room_say_bytes(struct room_world *w, struct room_client *c, struct bytes frame);
void room_say_message(struct room_world *w, struct room_client *c, const struct signal_message *m);

void room_found(struct room_world *w, struct room_client *c);
void room_send_found(struct room_world *w, struct room_client *c, struct bytes info,
                     struct bytes tree);
/* With a fresh key package, and with a given one. */
void room_knock(struct room_world *w, struct room_client *c);
void room_send_knock(struct room_world *w, struct room_client *c, struct bytes key_package);
void room_resume(struct room_world *w, struct room_client *c);
void room_rejoin(struct room_world *w, struct room_client *c);
/* The proof for either, to be sent with something else. */
void room_prove(struct room_client *c, enum signal_type type, struct buf *out);

/* A commit of changes and of all proposals received; the link PSK goes with Adds. */
void room_commit(struct room_world *w, struct room_client *c, const struct mls_change *changes,
                 size_t n);
/* Made, and not sent. */
void room_make_commit(struct room_world *w, struct room_client *c, const struct mls_change *changes,
                      size_t n, struct buf *out);
void room_send_commit(struct room_world *w, struct room_client *c, struct bytes message);
void room_propose(struct room_world *w, struct room_client *c, struct mls_change change);
void room_chat(struct room_world *w, struct room_client *c, const char *text);
/* All joiners the server has given it, or those of its lobby. */
void room_add_joiners(struct room_world *w, struct room_client *c);
void room_add_lobby(struct room_world *w, struct room_client *c);
/* A commit with this meeting_state. */
void room_set_state(struct room_world *w, struct room_client *c, const struct meeting_state *state);
void room_state(const struct room_client *c, struct meeting_state *out);
void room_complain(struct room_world *w, struct room_client *c, struct bytes commit);

/* ---- Short cuts ---- */

/* The organiser has founded. */
void room_start(struct room_world *w);
/* Connected, and added by `by` from the joiners or the lobby. */
void room_join(struct room_world *w, struct room_client *by, struct room_client *c);
/* All clients that are connected as members are in one epoch, with one authenticator, and so is
 * the room. */
void room_agrees(const struct room_world *w);
bool room_is_in(const struct room_client *c);
struct room_summary room_look(const struct room_world *w);

#endif
