/* The media of a participant at work: its line to the switch joined to a socket and the clock, its
 * sources to the line, and what others send to numbers and files.
 *
 * A file begins to play when somebody else is there and, of pictures, wants them; from then on it
 * goes on by the clock, whoever can receive it.
 */
#ifndef CMD_JOIN_MEDIA_H
#define CMD_JOIN_MEDIA_H

#include "call/line.h"
#include "cmd/join_record.h"
#include "cmd/join_session.h"
#include "cmd/join_source.h"

struct join_media;

enum join_media_news_kind {
    JOIN_MEDIA_CONNECTED, /* media flows */
    JOIN_MEDIA_LOST,      /* it does not; it comes back by itself if it can */
    JOIN_MEDIA_REFUSED,   /* the switch did not do what was said last */
    JOIN_MEDIA_SPEAKER,   /* leaf: who speaks, as the switch tells it; or MLS_NO_LEAF */
    JOIN_MEDIA_ENDED,     /* source: its file is over */
    JOIN_MEDIA_TROUBLE,   /* text: something of this machine, and what becomes of it */
};

struct join_media_news {
    enum join_media_news_kind kind;
    uint32_t leaf;
    uint8_t source;
    const char *text; /* one sentence or two */
};

struct join_media_events {
    void (*news)(void *ctx, const struct join_media_news *news);
    /* For who wants to compare, or NULL: every frame that was handed to the line, and every one
     * that opened. */
    void (*sent)(void *ctx, uint8_t source, uint8_t layer, struct bytes frame);
    void (*got)(void *ctx, const struct call_event *frame);
};

struct join_media_config {
    struct net_loop *loop;
    struct join_session *session;     /* borrowed */
    const struct join_folder *folder; /* what is kept there: see cmd/join_media_run.h; or NULL */
    const char *name;                 /* of the meeting there; copied */
    const char *record;               /* a folder for others' media; NULL: numbers alone */
    bool watch;                       /* ask for others' pictures; recording does */
    const struct join_media_events *events; /* borrowed */
    void *ctx;
};

/* EINVAL: no port can be had. ESTORE: the folder to record to cannot be; errno says why. ENOMEM,
 * ECRYPTO, ERANDOM. */
int join_media_new(const struct join_media_config *config,
                   struct join_media **out) CONCLAVE_CHECKED;
/* Files are finished. Before the session. */
void join_media_free(struct join_media *m);

/* A source of one's own, in place of an earlier one. Errors as join_source_new(). */
int join_media_add(struct join_media *m, const struct join_source_config *config,
                   struct join_source_fault *out_fault) CONCLAVE_CHECKED;
/* One that is not there is fine. */
void join_media_remove(struct join_media *m, uint8_t source);
bool join_media_has(const struct join_media *m, uint8_t source);

/* Stopped, a source goes on in time but nothing of it is sent; others are told that it is not
 * there. ENOTFOUND: there is none. */
int join_media_stop(struct join_media *m, uint8_t source, bool stopped) CONCLAVE_CHECKED;
bool join_media_is_stopped(const struct join_media *m, uint8_t source);

/* A command about audio and video. ENOTFOUND: there is nothing to stop, or to go on with. EINVAL: a
 * file that cannot be shown; why was told as news. EUNSUPPORTED: another command. And as above. */
int join_media_do(struct join_media *m, const struct join_command *command) CONCLAVE_CHECKED;

/* For struct join_session_events: each event, and each word of the switch. */
void join_media_event(struct join_media *m, const struct participant_effect *e);
void join_media_hear(struct join_media *m, struct bytes body);

/* To look at. NULL before the meeting. */
struct line *join_media_line(struct join_media *m);
const struct join_record *join_media_record(const struct join_media *m);
uint64_t join_media_now(struct join_media *m);

#endif
