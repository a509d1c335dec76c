/* The server's brain of one meeting (docs/PROTOCOL.md section 5): lobby, roles, order of commits,
 * presence. It holds a public group and no secret.
 *
 * Sans-IO: connections are numbers, frames and the time come in, effects are pulled. Effects must
 * be carried out in their order, and what is to be stored durably before what follows it is sent:
 * that is what makes an acknowledged commit survive kill -9.
 *
 *     room_open(r, conn)            a connection that showed the right `access`: it is challenged
 *     room_input(r, conn, frame)    everything it says after its Hello
 *     room_close(r, conn)           it is gone
 *     while (room_next(r, &e)) ...  effects; room_deadline() and room_tick() for the timers
 *
 * Times are microseconds since 1970 that never go back.
 */
#ifndef ROOM_ROOM_H
#define ROOM_ROOM_H

#include <conclave/crypto.h>

#include "meeting/card.h"

struct room;

struct room_config {
    struct card *card;                      /* shared: the room takes a reference */
    struct crypto *crypto;                  /* public context of the card's suite; borrowed */
    struct crypto_signer *signer;           /* the server's key: the card's server_key; borrowed */
    const struct identity_anchors *anchors; /* with the card's provider_root; borrowed */
    uint32_t max_participants;              /* connected and waiting to be added; 0: 1,000 */
    uint32_t max_waiting;                   /* 0: 2,000 */
};

/* A meeting nobody is in. ENOMEM, EINVAL. */
int room_new(const struct room_config *config, struct room **out) CONCLAVE_CHECKED;

/* As it was when this snapshot and the commits after it, oldest first, were stored. Everybody is
 * disconnected. ESYNTAX, EVERSION, and whatever a commit can fail with. */
int room_restore(const struct room_config *config, struct bytes snapshot,
                 const struct bytes *commits, size_t n_commits, uint64_t now_us,
                 struct room **out) CONCLAVE_CHECKED;
void room_free(struct room *r);

/* ---- Input. Errors are the system's only (ENOMEM...): a peer's fault is answered with effects.
 * After an error nothing has changed and the call may be made again. What has changed and could not
 * all be said for want of memory is said by later calls. ---- */

/* conn: any number not in use (else EINVAL). After CLOSE it is in use no more: what it still says
 * is ignored, and room_close() does nothing. */
int room_open(struct room *r, uint64_t conn, uint64_t now_us) CONCLAVE_CHECKED;
int room_input(struct room *r, uint64_t conn, struct bytes frame, uint64_t now_us) CONCLAVE_CHECKED;
void room_close(struct room *r, uint64_t conn, uint64_t now_us);
int room_tick(struct room *r, uint64_t now_us) CONCLAVE_CHECKED;

/* When room_tick() wants to be called; UINT64_MAX: never. */
uint64_t room_deadline(const struct room *r);

/* An administrator ends the meeting: everybody gets Fault ended. */
int room_end(struct room *r, uint64_t now_us) CONCLAVE_CHECKED;

/* ---- Output ---- */

enum room_effect_kind {
    ROOM_SEND = 1, /* frame to each of conns */
    ROOM_CLOSE,    /* conns, once what was sent to them is flushed */
    ROOM_SNAPSHOT, /* store data in place of the last snapshot and of all commits */
    ROOM_COMMIT,   /* store data as the commit made for `epoch`, in place of any not older */
    ROOM_UNDO,     /* forget the commit made for `epoch`, and later ones */
    ROOM_FORGET,   /* the group is over: forget snapshot and commits */
    ROOM_MEDIA, /* for the media switch: data (src/signal/media.h) of the member on `leaf`, who is
                    * there by conns[0] and has nothing to say there once that is closed */
    ROOM_LOG,   /* for the audit log: what (enum room_event) in `reason`, and whose `leaf` */
};

enum room_event {
    ROOM_EVENT_FOUNDED = 1,
    ROOM_EVENT_JOINED,
    ROOM_EVENT_LEFT,
    ROOM_EVENT_REMOVED,
    ROOM_EVENT_LOCKED,
    ROOM_EVENT_UNLOCKED,
    ROOM_EVENT_ENDED,
    ROOM_EVENT_REFUSED,
    ROOM_EVENT_UNDONE,
};
const char *room_event_name(enum room_event event); /* "founded" */

/* Views, good until the next call on the room. A frame is kept alive by room_frame_share() for as
 * long as a slow socket needs it; counting is for one thread. */
struct room_frame;
struct room_effect {
    enum room_effect_kind kind;
    struct room_frame *frame; /* SEND */
    const uint64_t *conns;    /* SEND, CLOSE */
    size_t n_conns;
    struct bytes data; /* SNAPSHOT, COMMIT */
    uint64_t epoch;    /* COMMIT, UNDO */
    int reason;        /* CLOSE: enum reason; LOG: enum room_event */
    uint32_t leaf;     /* LOG */
};

/* The oldest effect not yet taken; false if there is none. */
bool room_next(struct room *r, struct room_effect *out);

/* A frame is one message in two pieces, one after the other. The rest is empty but where frames
 * have it in common, as the Welcomes of one commit have their tree. */
struct bytes room_frame_head(const struct room_frame *f);
struct bytes room_frame_rest(const struct room_frame *f);
size_t room_frame_size(const struct room_frame *f);               /* of both */
void room_frame_put(const struct room_frame *f, struct buf *out); /* appends both */
struct room_frame *room_frame_share(struct room_frame *f);
void room_frame_free(struct room_frame *f);

/* A frame for a member, from the media switch. ELIMIT, ENOMEM. */
int room_media_frame(struct bytes body, struct room_frame **out) CONCLAVE_CHECKED;

/* A frame with nothing but Fault, for connections that reach no room. NULL if out of memory. */
struct room_frame *room_fault_frame(int reason);

/* ---- Looking at it: what an administrator may see. No names, no content. ---- */

struct room_summary {
    bool running, locked, ended;
    uint64_t epoch, started_at;
    uint32_t members, connected, waiting, connections;
    /* since the room was made */
    uint64_t commits, rejected, proposals, messages, complaints, undone;
    size_t memory; /* bytes kept for commits to be resumed from */
};
void room_summary(const struct room *r, struct room_summary *out);

/* The group's epoch and the leaves of its tree, which are what the media switch has to know of it;
 * false if there is no group. */
bool room_epoch(const struct room *r, uint64_t *out_epoch, uint32_t *out_leaves);

/* Whether nobody is in it, waits or could resume, and all effects are taken: it can be freed. */
bool room_is_idle(const struct room *r);

#endif
