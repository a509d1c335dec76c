/* Inside the participant: its parts, one file each, and what they ask of each other.
 *
 *     participant.c  life, input, timers          effect.c  what goes out, in order
 *     open.c         from Hello to the meeting    group.c   the MLS group: what comes in, merged
 *     lead.c         committing                   wish.c    what a host wants
 *     door.c         lobby and joiners            roster.c  who is there
 *     talk.c         chat, hands, heartbeats      persist.c saving and restoring
 *     trust.c        anchors and verdicts         look.c    answers to the user
 *     garden.c       cheap removals
 */
#ifndef PARTICIPANT_INNER_H
#define PARTICIPANT_INNER_H

#include <conclave/participant.h>

#include "meeting/card.h"
#include "meeting/link.h"
#include "meeting/name.h"
#include "meeting/policy.h"
#include "meeting/state.h"
#include "participant/limits.h"
#include "signal/reason.h"
#include "signal/signal.h"

#define SECOND_US UINT64_C(1000000)
#define NEVER UINT64_MAX

/* ---- trust.c ---- */

/* A remembered verdict; counted, shared by all who show it. */
struct verdict {
    struct verdict *next; /* in its bucket */
    uint32_t refs;
    uint8_t key[32];
    uint64_t at; /* Unix seconds */
    struct identity id;
};

/* Anchors and policy for one provider root and organisation: those of a card. Counted: give it back
 * with participant_realm_release(). ENOMEM, too, if PARTICIPANT_REALMS_LIMIT are in use. */
struct realm;
int participant_trust_realm(struct participant_trust *t, const struct card *card,
                            struct realm **out) CONCLAVE_CHECKED;
void participant_realm_release(struct realm *r); /* NULL is fine */
const struct identity_anchors *participant_realm_anchors(const struct realm *r);
struct crypto_verified *participant_trust_verified(const struct participant_trust *t); /* or NULL */
struct bytes participant_trust_provider(const struct participant_trust *t);

/* Who somebody is by this credential now. */
int participant_realm_verify(const struct realm *r, const struct mls_credential *credential,
                             struct bytes signature_key, uint64_t now,
                             struct identity *out) CONCLAVE_CHECKED;

/* The verdict on a member's or newcomer's credential, of now or of when it ended; counted: give it
 * back with participant_verdict_release(). */
int participant_realm_judge(struct realm *r, struct crypto *c,
                            const struct mls_credential *credential, struct bytes signature_key,
                            uint64_t now, struct verdict **out) CONCLAVE_CHECKED;
void participant_verdict_release(struct verdict *v); /* NULL is fine */

/* ---- effect.c ---- */

struct effect; /* a struct participant_effect that owns its bytes */

struct effects {
    struct effect *first, *last, *taken; /* taken: its views are with the caller */
    bool failed;                         /* one could not be kept: ENOMEM at the end of the call */
};

/* ---- roster.c ---- */

struct seat {                /* one leaf */
    struct verdict *verdict; /* NULL: blank leaf */
    uint64_t heard_us;       /* when a message of theirs was last opened, or they came in; later by
                              * as long as they, or we, were away since */
    uint64_t away_us;        /* since when they are not connected */
    uint64_t beat_epoch;     /* of the last heartbeat, plus one; 0: none */
    uint64_t beat_us;        /* when one was counted last */
    uint64_t alarm_epoch;    /* in which one was wrong, plus one; told once */
    bool connected, hand;
    bool sends_known;
    uint8_t sends; /* by their own word: PARTICIPANT_SENDS_... */
};

/* ---- door.c ---- */

/* Somebody outside: in the lobby, or to be added. */
struct caller {
    struct buf ref, key_package;
    struct bytes signature_key, certificates, leaf_extensions; /* views into key_package */
    struct verdict *verdict;
    uint64_t since;
};
struct callers {
    struct caller *list;
    size_t n, cap;
    size_t bytes; /* of key packages */
};

/* ---- wish.c ---- */

enum wish_kind { WISH_ADMIT, WISH_EJECT, WISH_LOCK, WISH_COHOST, WISH_END };
struct wish {
    enum wish_kind kind;
    bool on;                 /* LOCK, COHOST */
    uint32_t leaf;           /* EJECT */
    struct buf key_package;  /* ADMIT */
    struct buf who;          /* ADMIT, EJECT: the signature key; COHOST: the identifier */
    struct buf barred;       /* EJECT: the entry for the list */
    struct verdict *verdict; /* EJECT: who it is, also with another key; counted */
    uint64_t asked_us;       /* when the user wanted it */
    uint64_t proposed;       /* epoch in which we proposed it, plus one */
    uint64_t tried;          /* epoch in which we made a commit with it, plus one */
    unsigned tries;          /* such commits that were accepted */
    bool blocked;            /* ADMIT: somebody with that key is inside */
    bool warned;
};

/* ---- talk.c ---- */

enum talk_kind { TALK_CHAT, TALK_REACTION, TALK_HAND, TALK_ASK_MUTE };
struct unsent {
    struct unsent *next;
    uint8_t id[SIGNAL_CHAT_ID]; /* CHAT */
    uint32_t leaf;              /* ASK_MUTE */
    struct buf content;         /* encoded */
    struct buf sent;            /* the PrivateMessage it last went out as; empty: not yet */
    uint64_t sent_in;           /* epoch */
    enum talk_kind kind;
};

/* ---- The participant ---- */

enum connection { OFFLINE, OPENING, GREETED, ASKED, LIVE };

struct participant {
    /* given */
    struct link link;
    char name[PARTICIPANT_NAME_MAX + 1];
    struct crypto_signer *signer;
    struct participant_trust *trust;
    struct buf chain; /* encoded as in a credential */
    bool persist;
    struct buf save_key;
    uint64_t random; /* state of the generator that spreads timers */

    /* made */
    struct crypto *crypto; /* of the card's suite; before the card of suite 2 */
    struct effects effects;
    uint64_t now_us;

    enum participant_phase phase;
    int end_reason;

    /* the connection */
    enum connection connection;
    uint64_t retry_us; /* when to open it again, or NEVER */
    uint64_t left_us;  /* when it was live last */
    uint64_t asked_us; /* when we said last what is to be answered */
    unsigned retries;
    uint64_t waiting_us; /* since when this one has us wait at the door; 0: it does not */
    uint8_t nonce[SIGNAL_NONCE];
    bool rejoin; /* the next opening says Rejoin */
    unsigned rejoins;
    bool clock_told, unreachable_told;
    int fault_told; /* by the last fault that had us try again */

    /* the meeting */
    struct card *card;
    struct realm *realm;
    struct identity organiser;
    struct identity own; /* the verdict on ourselves, when the card came */
    uint8_t psk[32];
    struct meeting_names *names;
    bool psk_used;  /* find_psk was asked for the link PSK */
    bool lazy_save; /* what is being stored need not be durable before the next effect */

    /* the group */
    struct mls_client *client;
    struct mls_key_package *key_package; /* with which we knocked */
    struct mls_group *group;
    struct mls_group *rejoining; /* a group whose external commit is on its way */
    bool founding;               /* the server has not taken our group yet */
    struct meeting_state state;  /* views into state_data */
    struct buf state_data;
    bool state_changed;    /* by the last commit */
    bool lock_over;        /* the lock that comes by itself has come, and was undone */
    struct buf last_group; /* id of the one that we were in before; empty: in none */
    uint64_t last_epoch;
    uint64_t stuck_us; /* since when an accepted commit cannot be followed; 0: not */
    int stuck_reason;
    uint64_t asked_again;  /* epoch, plus one, whose commit was asked for a second time */
    uint64_t behind_us;    /* since when messages of a later epoch come in; 0: none do */
    unsigned behind_steps; /* taken about that since the last commit: asked again, told */

    /* the roster, by leaf */
    struct seat *seats;
    uint32_t n_seats; /* allocated */

    struct callers lobby, joiners;
    size_t joiners_at_once; /* so many Adds go into a commit: halved when one fails */
    struct wish *wishes;
    size_t n_wishes, cap_wishes;

    /* committing */
    uint32_t rank;         /* how many connected members have a lower leaf than we */
    bool renewal;          /* our leaf still shows an older certificate than we have */
    uint64_t commit_us;    /* when our last commit was made */
    uint64_t window_us;    /* wait between commits under a burst */
    uint64_t proposals_us; /* since when cached proposals wait; 0: none do */
    size_t n_proposals;
    bool urgent;           /* among them is one that does not wait */
    uint64_t epoch_us;     /* when this epoch began */
    uint64_t changed_us;   /* when anybody last came, went, or changed the state */
    uint64_t garden_epoch; /* in which the tree was looked at, plus one */
    unsigned commit_failures;
    uint64_t commit_after_us; /* not before, after a failure */

    /* talking */
    struct unsent *unsent, **unsent_end;
    size_t n_unsent;
    bool hand;
    bool hand_owed; /* newcomers have not heard of our hand */
    bool hand_used; /* we have raised it once: what others know of it may be out of date */
    uint8_t sends;  /* what we send: PARTICIPANT_SENDS_... */
    uint8_t (*chat_ids)[SIGNAL_CHAT_ID + 4];
    size_t n_chat_ids, next_chat_id;
    uint64_t beat_us;        /* our next heartbeat */
    uint64_t watch_us;       /* when the others' are looked at next */
    uint32_t watch_beats;    /* heard since the window began */
    uint64_t watch_began_us; /* the window */
    bool silent_told;

    /* saving */
    size_t snapshot_bytes, delta_bytes;

    struct participant_stats stats;
};

/* Unix seconds. */
static inline uint64_t now_of(const struct participant *p)
{
    return p->now_us / SECOND_US;
}

static inline struct bytes none(void)
{
    return bytes_of(NULL, 0);
}

/* A number below n, spread evenly; for timers only. */
uint64_t participant_spread(struct participant *p, uint64_t n);

/* ---- effect.c: they cannot fail; participant_settle() reports ENOMEM once, at the end ---- */

void participant_effect_simple(struct participant *p, enum participant_effect_kind kind);
void participant_effect_data(struct participant *p, enum participant_effect_kind kind,
                             struct bytes data, bool sync);
void participant_effect_send(struct participant *p, const struct signal_message *m);
void participant_effect_event(struct participant *p, const struct participant_effect *event);
void participant_tell(struct participant *p, enum participant_event event);
void participant_notify(struct participant *p, enum participant_severity severity, int reason,
                        uint32_t leaf);
void participant_effects_fini(struct effects *e);
/* 0, or ENOMEM if an effect was lost since the last call. */
int participant_effects_check(struct effects *e) CONCLAVE_CHECKED;

/* ---- participant.c ---- */

/* ECREDENTIAL if the first certificate is not of this key. */
int participant_check_chain(const struct crypto_signer *signer, const struct bytes *chain,
                            size_t n_chain) CONCLAVE_CHECKED;

void participant_phase_set(struct participant *p, enum participant_phase phase);
/* Nothing more will come: lets go of the group and of what was saved. */
void participant_end_with(struct participant *p, int reason);
/* Closes and opens the connection. */
void participant_reconnect(struct participant *p, uint64_t after_us);
/* The same, once the server may be able to do better. */
void participant_retry(struct participant *p);
/* What every call from outside ends with: the timers that are due. */
int participant_settle(struct participant *p, int rv) CONCLAVE_CHECKED;

/* ---- open.c ---- */

int participant_open_greet(struct participant *p) CONCLAVE_CHECKED;
/* Takes a card, or says why not: then p->card stays NULL and it is over. */
int participant_open_card(struct participant *p, struct bytes encoded) CONCLAVE_CHECKED;
int participant_open_challenge(struct participant *p,
                               const struct signal_message *m) CONCLAVE_CHECKED;
int participant_open_knock(struct participant *p) CONCLAVE_CHECKED;
/* Connects anew to take our leaf anew, unless that was tried too often, or must not be. */
void participant_open_rejoin(struct participant *p);
int participant_open_taken(struct participant *p) CONCLAVE_CHECKED;
int participant_open_live(struct participant *p, const struct signal_message *m) CONCLAVE_CHECKED;
int participant_open_info(struct participant *p, const struct signal_message *m) CONCLAVE_CHECKED;
int participant_open_fault(struct participant *p, int reason) CONCLAVE_CHECKED;

/* ---- group.c ---- */

struct mls_callbacks participant_group_callbacks(struct participant *p);
int participant_group_make_client(struct participant *p) CONCLAVE_CHECKED;
struct meeting_judge participant_group_judge(struct participant *p);
/* Reads the state out of the group's context. */
int participant_group_read_state(struct participant *p) CONCLAVE_CHECKED;
/* Whether a group is this meeting's, whole. EPOLICY, ESYNTAX. */
int participant_group_check(struct participant *p, const struct mls_group *g) CONCLAVE_CHECKED;
/* State, roster and what is saved become those of a group that is new. */
int participant_group_take_up(struct participant *p) CONCLAVE_CHECKED;
/* In it from now on: after that, as it cannot fail. */
void participant_group_enter(struct participant *p);
void participant_group_drop(struct participant *p);
int participant_group_found(struct participant *p) CONCLAVE_CHECKED;
int participant_group_welcomed(struct participant *p,
                               const struct signal_message *m) CONCLAVE_CHECKED;
int participant_group_committed(struct participant *p, struct bytes message) CONCLAVE_CHECKED;
int participant_group_proposed(struct participant *p, struct bytes message) CONCLAVE_CHECKED;
int participant_group_undone(struct participant *p,
                             const struct signal_message *m) CONCLAVE_CHECKED;
/* The server took a commit that we do not allow. */
bool participant_group_refuses(const struct participant *p);
/* A message that could not be opened: of an epoch that we do not know, if a commit was withheld. */
void participant_group_note_behind(struct participant *p, struct bytes message);
int participant_group_tick(struct participant *p) CONCLAVE_CHECKED;
uint64_t participant_group_deadline(const struct participant *p);
/* Our own role now. */
enum meeting_role participant_role_own(const struct participant *p);

/* ---- lead.c ---- */

int participant_lead_tick(struct participant *p) CONCLAVE_CHECKED;
uint64_t participant_lead_deadline(const struct participant *p);
int participant_lead_rejected(struct participant *p,
                              const struct signal_message *m) CONCLAVE_CHECKED;
/* Before a reconnection: proposals are the server's to repeat, wishes ours. */
int participant_lead_forget(struct participant *p) CONCLAVE_CHECKED;
/* After a reconnection: what was pending goes out again. */
int participant_lead_resume(struct participant *p) CONCLAVE_CHECKED;
/* changed: not only keys. */
void participant_lead_new_epoch(struct participant *p, bool changed);
/* Compares the certificate that our leaf shows with the one we have. */
void participant_lead_compare(struct participant *p);

/* ---- garden.c ---- */

/* When to look at the tree; NEVER if it is not for us. */
uint64_t participant_garden_time(const struct participant *p);
/* Whether a path of ours is worth a commit; asked once in an epoch. */
int participant_garden_wanted(struct participant *p, bool *out) CONCLAVE_CHECKED;

/* ---- wish.c ---- */

/* Drops the wishes that have come true, and those that never will. own: the commit was ours. */
void participant_wish_settle(struct participant *p, bool own);
void participant_wishes_fini(struct participant *p);
bool participant_wish_open(const struct participant *p); /* one can be brought about */
uint64_t participant_wish_oldest(const struct participant *p);
/* The changes still wanted; views into p and into *out, to be ended with ..._fini().
 * unproposed: only those not proposed in this epoch. */
struct wish_changes {
    struct mls_change *list;
    size_t n;
    struct meeting_extensions extensions;
    struct buf cohosts, barred;
    bool state;
    size_t reached; /* wishes that are in it, or proposed already */
    size_t bytes;   /* of key packages */
};
int participant_wish_changes(struct participant *p, bool unproposed, size_t most,
                             struct wish_changes *out) CONCLAVE_CHECKED;
void participant_wish_changes_fini(struct wish_changes *c);
/* They are in a commit of ours. */
void participant_wish_tried(struct participant *p, const struct wish_changes *c);
/* Somebody with this key is in the group now. */
void participant_wish_admitted(struct participant *p, struct bytes signature_key);
/* Somebody who is to be admitted has come with another key package. */
int participant_wish_refresh(struct participant *p, struct bytes signature_key,
                             struct bytes key_package) CONCLAVE_CHECKED;
/* They have to be proposed again. */
void participant_wish_again(struct participant *p);
/* Tells of those that have waited so long. */
void participant_wish_warn(struct participant *p, uint64_t after_us);
/* Drops one that is to blame if a commit cannot be made, and says so. */
void participant_wish_give_up(struct participant *p);
/* When the card wants the meeting locked, or NEVER: participant_wish_changes() sees to it. */
uint64_t participant_wish_auto_lock_time(const struct participant *p);
/* It was locked and is not, or we come into one that is not: what is over by now was a host's to
 * undo. */
void participant_wish_unlocked(struct participant *p);
int participant_wish_propose(struct participant *p) CONCLAVE_CHECKED;

/* ---- door.c ---- */

int participant_door_lobby(struct participant *p, const struct signal_message *m) CONCLAVE_CHECKED;
int participant_door_joiners(struct participant *p,
                             const struct signal_message *m) CONCLAVE_CHECKED;
/* A new epoch: those whom the card lets in no more are not ours to add. */
void participant_door_recheck(struct participant *p);
/* Forgets who is inside by now. */
void participant_door_settle(struct participant *p, struct bytes signature_key);
void participant_door_forget(struct participant *p);
/* The first joiner cannot be added. */
void participant_door_drop_first(struct participant *p);
void participant_callers_fini(struct callers *c);
struct caller *participant_callers_find(struct callers *c, struct bytes ref);

/* ---- roster.c ---- */

/* Makes the roster that of the group: all leaves, everybody connected. */
int participant_roster_reset(struct participant *p) CONCLAVE_CHECKED;
/* As far as we know everybody is connected, from now on. */
void participant_roster_all_here(struct participant *p);
void participant_roster_connected(struct participant *p, struct seat *s, bool connected);
void participant_roster_fini(struct participant *p);
/* Who comes and goes by a commit: all that can fail is done before it is merged, the rest after. */
struct roster_change {
    uint32_t leaf, by;
    int reason;
    bool came;
    bool server;
    struct buf text; /* who it is, for people */
    uint8_t key[CRYPTO_PUBLIC_KEY_MAX];
    size_t key_n;
    struct verdict *verdict;
};
struct roster_changes {
    struct roster_change *list;
    size_t n;
    bool resumes; /* an external commit: who goes and who comes is the same person */
};
int participant_roster_changes(struct participant *p, const struct mls_staged *staged,
                               struct roster_changes *out) CONCLAVE_CHECKED;
void participant_roster_apply(struct participant *p, struct roster_changes *changes);
/* Who came and went between two epochs of which we saw only the ends; to be told. */
int participant_roster_differences(struct participant *p, const struct mls_group *before,
                                   const struct mls_group *now,
                                   struct roster_changes *out) CONCLAVE_CHECKED;
void participant_roster_tell(struct participant *p, const struct roster_changes *changes);
void participant_roster_changes_fini(struct roster_changes *changes);
void participant_roster_presence(struct participant *p, struct bytes list);
struct seat *participant_roster_seat(const struct participant *p,
                                     uint32_t leaf); /* NULL if blank */
enum meeting_role participant_roster_role(const struct participant *p, uint32_t leaf);
/* Whether a member, but for this leaf, shows a like name. */
bool participant_roster_has_like(struct participant *p, const char *name, uint32_t but);
/* As meeting_name_open(). */
bool participant_person_name(struct participant *p, struct bytes signature_key,
                             struct bytes leaf_extensions,
                             char out[static PARTICIPANT_NAME_MAX + 1]);

/* ---- talk.c ---- */

int participant_talk_received(struct participant *p, struct bytes message) CONCLAVE_CHECKED;
int participant_talk_tick(struct participant *p) CONCLAVE_CHECKED;
uint64_t participant_talk_deadline(const struct participant *p);
/* What has not come back is sent again; but for requests, which were of their moment. */
void participant_talk_again(struct participant *p);
/* Nobody is on this leaf any more. */
void participant_talk_gone(struct participant *p, uint32_t leaf);
/* After a reconnection. */
void participant_talk_resume(struct participant *p);
void participant_talk_new_epoch(struct participant *p, bool newcomers);
void participant_talk_fini(struct participant *p);

/* ---- persist.c ---- */

int participant_persist_store(void *ctx, struct bytes group_id, struct bytes delta);
/* The group anew, whole. */
int participant_persist_snapshot(struct participant *p) CONCLAVE_CHECKED;
int participant_persist_tick(struct participant *p) CONCLAVE_CHECKED;

#endif
