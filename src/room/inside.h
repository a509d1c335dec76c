/* The inside of a room: what it knows, and which file does what with it.
 *
 *     room.c     life, input, timers          door.c     knocking: who is let in, and how
 *     conn.c     connections                  joiners.c  key packages to the leader, fail-over
 *     opening.c  Found, Resume, Rejoin        order.c    proposals and commits: who is first
 *     seat.c     members, presence, removal   accept.c   what an accepted commit changes
 *     lobby.c    what hosts see of it         welcome.c  Welcomes, cut and handed out
 *     info.c     GroupInfo for Rejoin         undo.c     complaints
 *     recent.c   messages for who was away
 *     save.c     snapshots and restoring      group.c    the public group, asked
 *     settle.c   what has to be said          effect.c   the queue of effects
 *
 * Input changes what is known, and that cannot fail half-way: what can fail is done first. What
 * has to be said about it is left behind as marks on connections, seats and the room; room_settle()
 * turns those into effects and can be called again if memory runs out.
 */
#ifndef ROOM_INSIDE_H
#define ROOM_INSIDE_H

#include "base/list.h"
#include "crypto/sha256.h"
#include "meeting/knock.h"
#include "meeting/policy.h"
#include "meeting/state.h"
#include "mls/public_group.h"
#include "room/effect.h"
#include "room/history.h"
#include "room/limits.h"
#include "room/pace.h"
#include "room/room.h"
#include "room/table.h"
#include "room/verdict.h"
#include "signal/reason.h"

/* ---- Connections ---- */

enum conn_state {
    CONN_CHALLENGED, /* has to open with a proof */
    CONN_WAITING,    /* at the door */
    CONN_REJOINING,  /* gets a GroupInfo, owes an external commit */
    CONN_MEMBER,
    CONN_ENDING, /* is told why and closed; what it says does not count */
    CONN_STATES,
};

struct conn {
    struct table_link by_number; /* its key is the number */
    struct link line;   /* in room.opening until it opens; in room.rejoining while it wants Info */
    struct link marked; /* in room.marked, while something has to be said to it */
    struct link slow;   /* in room.slow, while frames of it wait */
    enum conn_state state;
    uint64_t since;
    uint8_t nonce[SIGNAL_NONCE];
    struct pace pace;
    struct list frames; /* struct slowed: what came too fast */
    size_t frames_bytes;
    struct wait *wait;     /* WAITING */
    struct seat *seat;     /* REJOINING: the one it had; MEMBER */
    size_t live;           /* place in room.live plus one; 0: gets no broadcasts */
    bool is_host;          /* gets the lobby; of those that are live */
    bool say_live;         /* commits from `from` on, Live, Presence */
    bool say_lobby;        /* everybody in it */
    uint64_t from;         /* epoch */
    uint64_t missed_since; /* messages, for who resumes; UINT64_MAX: none */
    int end;               /* ENDING: the reason */
    bool fault;            /* ENDING: it is told */
};

/* ---- People at the door ---- */

enum wait_state {
    WAIT_NEW,    /* to be placed by the policy; also while its old leaf is in the way */
    WAIT_START,  /* there is no group yet */
    WAIT_LOBBY,  /* for a host */
    WAIT_QUEUE,  /* for a leader */
    WAIT_HANDED, /* the leader has its key package */
    WAIT_ADDED,  /* on a leaf, its Welcome is due */
    WAIT_GONE,   /* hosts have yet to be told */
    WAIT_STATES,
};

struct wait {
    struct table_link by_ref, by_key;
    struct link line; /* in room.door[state] */
    struct link feed; /* in room.feed, while hosts have to be told */
    enum wait_state state;
    struct conn *conn; /* not of GONE */
    struct seat *seat; /* ADDED: its own; NEW: its former one, which has to be removed first */
    struct buf key_package;
    struct meeting_knock knock; /* views into key_package */
    struct identity identity;
    uint64_t since; /* Unix seconds */
    bool shown;     /* hosts have it in their list */
    uint8_t told;   /* enum signal_waiting that was said last, or 0 */
};

/* ---- Members ---- */

enum removal {
    REMOVAL_NONE,
    REMOVAL_AWAY, /* disconnected for too long */
    REMOVAL_LEFT, /* said Leave */
    REMOVAL_NO_WELCOME,
    REMOVAL_REPLACED, /* its owner is at the door again */
    REMOVAL_OFFENDER, /* made a commit that was undone */
};

struct seat {
    uint32_t leaf;
    bool taken;             /* somebody is on this leaf */
    struct conn *conn;      /* MEMBER of this leaf, or NULL */
    struct conn *rejoining; /* who will take another leaf in its place, or NULL */
    struct wait *wait;      /* being welcomed to it, or NULL */
    struct wait *owner;     /* at the door until this leaf is removed, or NULL */
    struct link away;       /* in room.away, while nobody is here */
    struct link due;        /* in room.due, until it has been away too long; oldest first */
    uint64_t away_since;
    struct link removing; /* in room.removing */
    enum removal removal;
    uint64_t removal_epoch; /* in which the server proposed it, plus one; 0: not yet */
    struct link changed;    /* in room.changed, while all have to be told */
    bool told_away;         /* what they were told last */
    struct pace rejoin;
    uint64_t epoch; /* that it joined in */
    uint64_t proposals_epoch;
    uint32_t proposals;   /* of its own in that epoch */
    bool left;            /* proposed to leave in that epoch */
    bool owes_welcome;    /* added people and did not welcome them: others lead first */
    uint32_t welcomed_by; /* leaf of who added it; MLS_NO_LEAF once it has said something */
    uint64_t complained;  /* of the commit that began this epoch; 0: of none */
};

/* ---- Joiners of one commit ---- */

struct batch {
    struct link line; /* in room.batches, oldest first */
    uint64_t epoch;   /* that they begin in */
    uint32_t committer;
    uint64_t deadline;
    struct mls_tree tree; /* of that epoch */
    size_t n;             /* who have not got their Welcome */
};

/* ---- What the latest commit can be taken back to ---- */

struct undo {
    struct mls_public_group *before; /* NULL: it cannot */
    uint8_t hash[SIGNAL_HASH];       /* of the commit */
    uint32_t committer;              /* leaf before it */
    uint32_t seat;                   /* leaf after it */
    uint32_t complaints;             /* of members that are live */
};

/* ---- What people wrote of late ---- */

struct recent_message {
    struct room_frame *frame;
    uint64_t at;
};
struct recent {
    struct recent_message ring[ROOM_RECENT];
    size_t head, n, bytes;
};

struct room {
    struct card *card;
    struct crypto *crypto; /* of the card's suite */
    struct crypto_signer *signer;
    struct verdict_terms terms;
    struct verdicts verdicts;
    uint32_t max_participants, max_waiting;
    uint64_t now; /* of this call, microseconds */

    struct effects effects;
    bool unsettled; /* memory ran out before everything was said */

    struct table conns;                           /* by number */
    struct list opening, rejoining, marked, slow; /* conns */
    size_t slow_bytes;
    struct conn **live; /* who gets broadcasts */
    size_t n_live, cap_live;
    struct audience *everybody; /* of live; NULL: made when needed */
    struct audience *hosts;     /* of live, likewise */

    struct table waits_by_ref, waits_by_key;
    uint8_t table_key[16]; /* of the hash of what they are found by */
    struct list door[WAIT_STATES];
    struct list feed; /* waits */
    size_t waiting_bytes;
    bool door_stale;  /* the policy has to be asked again about who waits */
    bool roles_stale; /* and about who is a host */

    struct mls_public_group *group; /* NULL: not founded, or over */
    struct kept_list proposals;     /* of this epoch, in order of arrival */
    struct history history;
    struct recent recent;
    uint64_t snapshot_epoch; /* of the stored snapshot */
    size_t stored_commits, stored_bytes;
    struct undo undo;

    struct seat **seats; /* by leaf; those that never had a member are NULL */
    uint32_t n_seats;
    uint32_t lowest;                          /* no live member is on a lower leaf */
    struct list away, due, removing, changed; /* seats */
    bool removals_due;                        /* some may have to be proposed */
    uint32_t removals;                        /* proposed in this epoch */
    uint64_t presence_at;                     /* when changes may be told */
    uint64_t empty_since; /* no member has been live since; UINT64_MAX: some are */
    struct list batches;

    struct seat *leader; /* who has the key packages of HANDED; NULL: nobody */
    uint64_t leader_deadline;
    size_t handed_bytes;

    struct room_frame *info; /* of this epoch; NULL: to be asked for */
    struct seat *info_from;  /* who was asked */
    uint64_t info_deadline;

    struct room_summary counts; /* only what grows */
};

/* The error if it is the system's; 0 if it is none, or a peer's. */
static inline int room_system_error(int rv)
{
    return conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM ? rv : 0;
}

static inline uint64_t room_seconds(const struct room *r)
{
    return r->now / ROOM_SECOND;
}

/* ---- settle.c ---- */

/* As far as it goes; where it fails, `unsettled` has a tick come soon. */
void room_settle(struct room *r);
/* How long a group is kept that nobody is connected to. */
uint64_t room_empty_time(const struct room *r);
/* All that are live; borrowed, good until one comes or goes. ENOMEM. */
int room_everybody(struct room *r, struct audience **out) CONCLAVE_CHECKED;
int room_hosts(struct room *r, struct audience **out) CONCLAVE_CHECKED;
int room_broadcast(struct room *r, const struct signal_message *m) CONCLAVE_CHECKED;
/* To one connection, at once. */
int room_say(struct room *r, const struct conn *c, const struct signal_message *m) CONCLAVE_CHECKED;

/* ---- conn.c ---- */

struct conn *room_conn_find(const struct room *r, uint64_t number);
int room_conn_open(struct room *r, uint64_t number) CONCLAVE_CHECKED;
/* Something has to be said to it. */
void room_conn_mark(struct room *r, struct conn *c);
/* It is told the reason and closed; whatever it was, it is no more. */
void room_conn_fault(struct room *r, struct conn *c, int reason);
/* It is closed without a Fault. */
void room_conn_end(struct room *r, struct conn *c, int reason);
/* Out of the list of those that have to open, or to rejoin. */
void room_conn_leave_line(struct room *r, struct conn *c);
/* It is gone: nothing more is said to it. */
void room_conn_drop(struct room *r, struct conn *c);
/* From now on it gets broadcasts, or not. Room for it is reserved. */
int room_conn_live_reserve(struct room *r) CONCLAVE_CHECKED;
void room_conn_set_live(struct room *r, struct conn *c, bool live);
/* Whether it gets the lobby; it is live. */
void room_conn_set_host(struct room *r, struct conn *c, bool is_host);
/* What came in, now or when its turn has come. */
int room_conn_input(struct room *r, struct conn *c, struct bytes frame) CONCLAVE_CHECKED;
int room_conn_resume_slow(struct room *r) CONCLAVE_CHECKED;
/* Connections that have not opened in time. */
void room_conn_expire(struct room *r);

/* ---- room.c ---- */

/* One message of a connection, in the state it is allowed in. */
int room_handle(struct room *r, struct conn *c, struct bytes frame) CONCLAVE_CHECKED;

/* The group is over and forgotten, its members are told. ENDED: so are all who wait; else they
 * wait for it to be founded anew. Needs ROOM_FINISH_EFFECTS places in the queue. */
#define ROOM_FINISH_EFFECTS 2
void room_finish(struct room *r, int reason);

/* ---- opening.c. subject: what is hashed, or the group id itself ---- */

enum proof_subject { PROOF_HASH, PROOF_PLAIN };
/* ESIGNATURE, EKEY. */
int room_opening_proof(struct room *r, const struct conn *c, const struct signal_message *m,
                       struct bytes key, enum proof_subject how,
                       struct bytes subject) CONCLAVE_CHECKED;
int room_opening_found(struct room *r, struct conn *c,
                       const struct signal_message *m) CONCLAVE_CHECKED;
int room_opening_resume(struct room *r, struct conn *c,
                        const struct signal_message *m) CONCLAVE_CHECKED;
int room_opening_rejoin(struct room *r, struct conn *c,
                        const struct signal_message *m) CONCLAVE_CHECKED;

/* ---- door.c ---- */

int room_door_knock(struct room *r, struct conn *c,
                    const struct signal_message *m) CONCLAVE_CHECKED;
struct wait *room_door_find_ref(const struct room *r, struct bytes ref);
/* The one whose leaf this would be: same keys. */
struct wait *room_door_find_member(const struct room *r, const struct mls_member *m);
void room_wait_set_state(struct room *r, struct wait *w, enum wait_state state);
/* It is at the door no more; its connection is the caller's. */
void room_wait_end(struct room *r, struct wait *w);
/* Asks the policy about all who are NEW, or about everybody if the door is stale. */
int room_door_settle(struct room *r) CONCLAVE_CHECKED;
/* For one that is GONE. */
void room_wait_free(struct room *r, struct wait *w);
void room_door_fini(struct room *r);

/* ---- lobby.c ---- */

/* Tells hosts what has changed in the lobby, or one host everything. */
int room_lobby_settle(struct room *r) CONCLAVE_CHECKED;
int room_lobby_show(struct room *r, struct conn *c) CONCLAVE_CHECKED;
int room_lobby_refuse(struct room *r, struct conn *c,
                      const struct signal_message *m) CONCLAVE_CHECKED;

/* ---- joiners.c ---- */

int room_joiners_settle(struct room *r) CONCLAVE_CHECKED;
/* Nobody has them in hand any more. */
void room_joiners_take_back(struct room *r);

/* ---- seat.c ---- */

/* A place for this leaf. ELIMIT, ENOMEM. */
int room_seats_reserve(struct room *r, uint32_t leaf) CONCLAVE_CHECKED;
/* NULL if nobody is on that leaf. */
struct seat *room_seat_find(const struct room *r, uint32_t leaf);
void room_seat_take(struct room *r, uint32_t leaf, uint64_t epoch);
void room_seat_vacate(struct room *r, struct seat *s);
/* All seats as the tree has them, everybody away. */
int room_seats_restore(struct room *r) CONCLAVE_CHECKED;
void room_seats_fini(struct room *r);
/* Its member is here, and will get what has happened since an epoch, and Live. */
void room_seat_connect(struct room *r, struct seat *s, struct conn *c, uint64_t from);
/* A connection or a newcomer is here no more. */
void room_seat_leave(struct room *r, struct seat *s);
bool room_seat_is_live(const struct seat *s);
void room_seat_remove(struct room *r, struct seat *s, enum removal why);
/* The leader; NULL if nobody is live. */
struct seat *room_seat_lowest(struct room *r);
/* Who is asked after s has not answered: the next higher leaf that is live, or the leader. */
struct seat *room_seat_after(struct room *r, const struct seat *s);
void room_seats_expire(struct room *r);
int room_removals_settle(struct room *r) CONCLAVE_CHECKED;
int room_presence_settle(struct room *r) CONCLAVE_CHECKED;
/* Everybody who is away, encoded. */
void room_presence_write(const struct room *r, struct buf *out);

/* ---- order.c ---- */

int room_order_propose(struct room *r, struct conn *c,
                       const struct signal_message *m) CONCLAVE_CHECKED;
int room_order_commit(struct room *r, struct conn *c,
                      const struct signal_message *m) CONCLAVE_CHECKED;
int room_order_app(struct room *r, struct conn *c, const struct signal_message *m) CONCLAVE_CHECKED;
/* A proposal of the server's own: to the group, and to all. */
int room_order_propose_own(struct room *r, struct bytes message) CONCLAVE_CHECKED;

/* ---- accept.c ---- */

int room_accept_commit(struct room *r, struct conn *c, struct mls_received *commit,
                       struct bytes message) CONCLAVE_CHECKED;

/* ---- welcome.c ---- */

int room_welcome_serve(struct room *r, struct conn *c,
                       const struct signal_message *m) CONCLAVE_CHECKED;
void room_welcome_expire(struct room *r);
/* It is in no list any more. */
void room_batch_free(struct batch *b);
/* It added somebody who was not welcomed, or could not open the Welcome. */
void room_welcome_blame(struct room *r, uint32_t committer);
/* One who was to be welcomed is served, or not there any more. */
void room_welcome_done(struct room *r, uint64_t epoch);

/* ---- undo.c ---- */

/* Takes the latest commit back if all complain of it. */
int room_undo_settle(struct room *r) CONCLAVE_CHECKED;
int room_undo_complain(struct room *r, struct conn *c,
                       const struct signal_message *m) CONCLAVE_CHECKED;
void room_undo_forget(struct room *r);

/* ---- info.c ---- */

/* It rejoins, and gets one (again). */
void room_info_want(struct room *r, struct conn *c);
int room_info_given(struct room *r, struct conn *c,
                    const struct signal_message *m) CONCLAVE_CHECKED;
int room_info_settle(struct room *r) CONCLAVE_CHECKED;
void room_info_forget(struct room *r);

/* ---- save.c ---- */

int room_save_snapshot(struct room *r, struct buf *out) CONCLAVE_CHECKED;
int room_save_settle(struct room *r) CONCLAVE_CHECKED;
int room_save_restore(struct room *r, struct bytes snapshot, const struct bytes *commits,
                      size_t n) CONCLAVE_CHECKED;

/* ---- group.c ---- */

struct mls_callbacks room_group_callbacks(struct room *r);
int room_group_identity(struct room *r, const struct mls_member *m,
                        struct identity *out) CONCLAVE_CHECKED;
/* Views into the group's context. */
int room_group_state(const struct room *r, struct meeting_state *out) CONCLAVE_CHECKED;
uint64_t room_group_epoch(const struct room *r);
/* The group as it is, without its proposals; what does not change is shared. */
int room_group_clone(const struct room *r, struct mls_public_group **out) CONCLAVE_CHECKED;

/* A GroupInfo message, taken apart. Views. */
struct group_info {
    struct bytes context, extensions, confirmation_tag, tbs, signature;
    uint32_t signer;
};
/* ESYNTAX. */
int room_group_info_read(struct bytes message, struct group_info *out) CONCLAVE_CHECKED;
bool room_group_info_has(const struct group_info *info, uint16_t extension);
/* Whether it is of this very epoch and signed by a member. EEPOCH, ENOTFOUND, ESIGNATURE. */
int room_group_info_check(const struct room *r, const struct group_info *info) CONCLAVE_CHECKED;

/* ---- recent.c ---- */

/* Shares the frame. */
void room_recent_put(struct recent *q, struct room_frame *f, uint64_t now);
void room_recent_pop(struct recent *q);
void room_recent_fini(struct recent *q);
/* How many came since, and those to one connection: needs so many effects reserved. */
size_t room_recent_count(const struct recent *q, uint64_t since);
void room_recent_send(struct room *r, const struct conn *c, uint64_t since);

#endif
