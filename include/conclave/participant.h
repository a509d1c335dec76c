/* A participant of a meeting: the client's brain, without I/O.
 *
 * It speaks the meeting protocol (docs/PROTOCOL.md) with a server it does not trust, keeps the MLS
 * group, asks the policy of every change, and tells its user what is so. Frames and the time come
 * in; effects are pulled and must be carried out in their order:
 *
 *     participant_input(p, &event, now)          connected, frame, disconnected
 *     while (participant_next(p, &effect)) ...   send, save, tell the user
 *     participant_deadline(p), participant_tick  its timers
 *     participant_say(), participant_admit()...  what the user wants
 *
 * Times are microseconds since 1970 that never go back. Objects belong to one thread at a time.
 * Views are good until the next call on the participant.
 */
#ifndef CONCLAVE_PARTICIPANT_H
#define CONCLAVE_PARTICIPANT_H

#include <conclave/crypto.h>
#include <conclave/identity.h>
#include <conclave/mls.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PARTICIPANT_NAME_MAX 64
#define PARTICIPANT_CHAT_MAX 4000
#define PARTICIPANT_CODE_SIZE 20

/* ---- Trust: what a program believes, shared by all its participants ---- */

struct participant_trust;

/* ENOMEM. */
int participant_trust_new(struct participant_trust **out) CONCLAVE_CHECKED;
void participant_trust_free(struct participant_trust *t);

/* Certificates of CAs trusted besides the provider's (which each card names), as PEM text. To be
 * said before the first participant is made. As identity_anchors_add_pem(). */
int participant_trust_add_pem(struct participant_trust *t, const struct identity_anchor *how,
                              struct bytes pem) CONCLAVE_CHECKED;

/* The provider's root as this program knows it (from sign-in, or from an earlier meeting): a card
 * that names another is refused. Empty: whichever the card names. DER. */
int participant_trust_set_provider(struct participant_trust *t, struct bytes root) CONCLAVE_CHECKED;

/* Remembers this many good signatures, so that several participants of one meeting verify each of
 * them once: for programs that hold many. To be said before the first participant is made. As
 * crypto_verified_new(). */
int participant_trust_remember(struct participant_trust *t, size_t signatures) CONCLAVE_CHECKED;

/* ---- The participant ---- */

struct participant;

struct participant_config {
    const char *link;             /* the whole text */
    const char *name;             /* shown beside the identity; may be "" */
    struct crypto_signer *signer; /* of the meeting's suite; borrowed */
    const struct bytes *chain;    /* certificates for it, DER, end entity first; copied */
    size_t n_chain;
    struct participant_trust *trust; /* borrowed: must outlive the participant */
    bool persist;                    /* give SAVE effects, so that a restart resumes the leaf */
    struct bytes save_key;           /* 32 bytes: what is saved is sealed with it; or empty */
    uint64_t seed;                   /* spreads timers; 0: from the random source */
};

/* EINVAL for a bad link or name, ECREDENTIAL if the chain is not the signer's, ESUITE, ENOMEM... */
int participant_new(const struct participant_config *config, uint64_t now_us,
                    struct participant **out) CONCLAVE_CHECKED;

/* With what was saved: the last snapshot and the deltas since, oldest first. EREMOVED if it died
 * just after being removed, ESYNTAX, EDECRYPT, and as participant_new(). If it cannot be restored,
 * start anew with participant_new(). */
int participant_restore(const struct participant_config *config, struct bytes snapshot,
                        const struct bytes *deltas, size_t n_deltas, uint64_t now_us,
                        struct participant **out) CONCLAVE_CHECKED;
void participant_free(struct participant *p);

/* ---- Input ---- */

enum participant_input_kind {
    PARTICIPANT_CONNECTED,    /* a WebSocket to the link's server is open */
    PARTICIPANT_FRAME,        /* frame: one came in */
    PARTICIPANT_DISCONNECTED, /* it is closed, or could not be opened; reason: enum reason, or 0 */
};
struct participant_input {
    enum participant_input_kind kind;
    struct bytes frame;
    int reason;
};

/* Errors are the system's only; what a peer does wrong is told by events. After one effects may be
 * missing, but none that another depends on: the participant connects anew and goes on. */
int participant_input(struct participant *p, const struct participant_input *in,
                      uint64_t now_us) CONCLAVE_CHECKED;
int participant_tick(struct participant *p, uint64_t now_us) CONCLAVE_CHECKED;
uint64_t participant_deadline(const struct participant *p); /* UINT64_MAX: never */

/* ---- Output ---- */

enum participant_effect_kind {
    PARTICIPANT_CONNECT = 1,   /* open a WebSocket now, in place of any that there is */
    PARTICIPANT_SEND,          /* data: a frame */
    PARTICIPANT_DISCONNECT,    /* close it, once what was sent is flushed; do not report it */
    PARTICIPANT_SAVE_SNAPSHOT, /* data, atomically in place of the last snapshot and all deltas */
    PARTICIPANT_SAVE_DELTA,    /* append data; durably if `sync` */
    PARTICIPANT_SAVE_NOTHING,  /* forget snapshot and deltas: the meeting is over for us */
    PARTICIPANT_MEDIA,         /* data: from the media switch; see participant_media_send() */
    PARTICIPANT_EVENT,         /* something to tell */
};

enum participant_event {
    PARTICIPANT_PHASE = 1, /* participant_phase() changed; reason says why, if it is an end */
    PARTICIPANT_CARD,      /* the card was verified: participant_meeting() */
    PARTICIPANT_ROSTER,    /* somebody came, went, or changed: participant_roster_...() */
    PARTICIPANT_JOINED,    /* leaf came in */
    PARTICIPANT_GONE,      /* leaf left: reason, and `by` who removed it; text: the label it had */
    PARTICIPANT_LOBBY,     /* participant_lobby_...() changed */
    PARTICIPANT_CODE,      /* a new epoch, so a new security code */
    PARTICIPANT_STATE,     /* locked, unlocked, co-hosts, ended: participant_meeting() */
    PARTICIPANT_CHAT,      /* leaf said text */
    PARTICIPANT_CHAT_SENT, /* our own chat came back: id */
    PARTICIPANT_REACTION,  /* leaf: text is the emoji */
    PARTICIPANT_HAND,      /* leaf raised or lowered a hand */
    PARTICIPANT_MUTE,      /* by, a host or co-host, asks us to send no sound: do so, and say it */
    PARTICIPANT_NOTICE,    /* severity, reason: something to know */
};

enum participant_severity { PARTICIPANT_INFO, PARTICIPANT_WARNING, PARTICIPANT_ALARM };

struct participant_effect {
    enum participant_effect_kind kind;
    struct bytes data;
    bool sync;
    enum participant_event event;
    enum participant_severity severity;
    int reason;        /* enum reason (src/signal/reason.h): see participant_reason_...() */
    uint32_t leaf, by; /* or MLS_NO_LEAF */
    uint64_t epoch;
    struct bytes text; /* plain UTF-8 */
    struct bytes id;   /* of a chat: 16 bytes */
};

bool participant_next(struct participant *p, struct participant_effect *out);

/* One name for machines, one sentence, one next step. Never NULL. */
const char *participant_reason_name(int reason);
const char *participant_reason_text(int reason);
const char *participant_reason_next(int reason);

/* ---- Looking ---- */

enum participant_phase {
    PARTICIPANT_IDLE, /* before the first connection */
    PARTICIPANT_CONNECTING,
    PARTICIPANT_NOT_STARTED, /* waiting for a host to start */
    PARTICIPANT_IN_LOBBY,    /* waiting for a host to let us in */
    PARTICIPANT_JOINING,     /* being let in */
    PARTICIPANT_IN_MEETING,
    PARTICIPANT_RECONNECTING, /* in the meeting, but cut off */
    PARTICIPANT_OVER,         /* nothing more will come; participant_end_reason() */
};
enum participant_phase participant_phase(const struct participant *p);
const char *participant_phase_name(enum participant_phase phase); /* "in-lobby" */
int participant_end_reason(const struct participant *p);

/* What the card and the group's state say. Strings are the participant's. Known from CARD on; state
 * once in the meeting. */
struct participant_meeting {
    const char *title;
    const char *organiser; /* identifier */
    struct identity organiser_identity;
    bool open; /* no link secret: the card is trusted by its signature alone */
    bool in_meeting, locked, host_present;
    uint64_t epoch, started_at;
    uint32_t members;
    uint16_t suite;
    struct bytes card_hash;
};
/* ESTATE before the card is known. */
int participant_meeting(const struct participant *p,
                        struct participant_meeting *out) CONCLAVE_CHECKED;

/* "KKH 7CV MGV QTC 37J", computed when asked. ESTATE outside a meeting. */
int participant_code(struct participant *p, char out[PARTICIPANT_CODE_SIZE]) CONCLAVE_CHECKED;

enum participant_role {
    PARTICIPANT_ATTENDEE,
    PARTICIPANT_COHOST,
    PARTICIPANT_HOST,
    PARTICIPANT_ORGANISER,
};

/* What somebody sends: bits. */
#define PARTICIPANT_SENDS_AUDIO 1u
#define PARTICIPANT_SENDS_CAMERA 2u
#define PARTICIPANT_SENDS_SCREEN 4u

struct participant_person {
    uint32_t leaf; /* MLS_NO_LEAF in the lobby */
    bool me, connected, hand;
    bool sends_known; /* `sends` was heard: within seconds of coming in */
    uint8_t sends;    /* by that person's own, authenticated word */
    bool confirmed;   /* a heartbeat of this epoch was heard */
    bool same_name;   /* somebody else shows a like name */
    enum participant_role role;
    char name[PARTICIPANT_NAME_MAX + 1]; /* as typed by that person: a claim */
    struct identity identity;            /* verified by this client */
    struct bytes certificates;           /* for mls_certificate_next() and identity_describe() */
    struct bytes ref;                    /* in the lobby: names the entry */
    uint64_t since;                      /* in the lobby: Unix seconds */
};

/* The first person at or after *at, which becomes the next to ask for; false at the end. */
bool participant_roster_next(struct participant *p, uint32_t *at, struct participant_person *out);
bool participant_lobby_next(struct participant *p, uint32_t *at, struct participant_person *out);

/* Bytes that came in and went out, commits followed, and so on. */
struct participant_stats {
    uint64_t bytes_in, bytes_out, epochs, messages_in, heartbeats_in, refused;
    uint64_t message_bytes_in; /* of bytes_in: what people wrote, and heartbeats */
};
void participant_stats(const struct participant *p, struct participant_stats *out);

/* To the media switch: a body of docs/PROTOCOL.md section 9. ESTATE outside a meeting, ELIMIT. */
int participant_media_send(struct participant *p, struct bytes body,
                           uint64_t now_us) CONCLAVE_CHECKED;

/* What frames of the current epoch are sealed with (RFC 9605 5.2): of a struct sframe_epoch. */
#define PARTICIPANT_FRAME_KEY 32
struct participant_frame_key {
    uint64_t epoch;
    uint32_t group_size, own_leaf;
    uint8_t key[PARTICIPANT_FRAME_KEY]; /* secret: wipe */
};
/* ESTATE outside a meeting. As mls_group_export(). */
int participant_frame_key(struct participant *p,
                          struct participant_frame_key *out) CONCLAVE_CHECKED;

/* A secret of the current epoch, for another use. As mls_group_export(). */
int participant_export(struct participant *p, const char *label, struct bytes context, size_t n,
                       uint8_t *out) CONCLAVE_CHECKED;

/* ---- What the user wants. ESTATE in the wrong phase; EPOLICY without the role for it. ---- */

/* Appends the id (16 bytes) to out_id unless NULL. EINVAL: empty, too long, not UTF-8. */
int participant_say(struct participant *p, const char *text, struct buf *out_id,
                    uint64_t now_us) CONCLAVE_CHECKED;
int participant_react(struct participant *p, const char *emoji, uint64_t now_us) CONCLAVE_CHECKED;
int participant_raise_hand(struct participant *p, bool raised, uint64_t now_us) CONCLAVE_CHECKED;

/* What we send now, for others to see; in any phase but the last. EINVAL for other bits. */
int participant_set_sends(struct participant *p, uint8_t sends, uint64_t now_us) CONCLAVE_CHECKED;

/* Asks a member, or with MLS_NO_LEAF all attendees, to send no sound. Who does not send any is told
 * nothing. ENOTFOUND; nothing is repeated after a cut. */
int participant_ask_mute(struct participant *p, uint32_t leaf, uint64_t now_us) CONCLAVE_CHECKED;

/* ENOTFOUND if there is no such entry or leaf. */
int participant_admit(struct participant *p, struct bytes ref, uint64_t now_us) CONCLAVE_CHECKED;
int participant_admit_all(struct participant *p, uint64_t now_us) CONCLAVE_CHECKED;
int participant_refuse(struct participant *p, struct bytes ref, uint64_t now_us) CONCLAVE_CHECKED;
int participant_eject(struct participant *p, uint32_t leaf, uint64_t now_us) CONCLAVE_CHECKED;
int participant_lock(struct participant *p, bool locked, uint64_t now_us) CONCLAVE_CHECKED;
int participant_make_cohost(struct participant *p, uint32_t leaf, bool cohost,
                            uint64_t now_us) CONCLAVE_CHECKED;
int participant_end(struct participant *p, uint64_t now_us) CONCLAVE_CHECKED; /* for all */
int participant_leave(struct participant *p, uint64_t now_us) CONCLAVE_CHECKED;

/* A renewed certificate for the same key: taken into the group by our next commit. ECREDENTIAL if
 * it is for another key or, in a meeting, for somebody else. */
int participant_renew(struct participant *p, const struct bytes *chain, size_t n_chain,
                      uint64_t now_us) CONCLAVE_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
