/* A participant at work: joined to a connection, to the disk and to the clock. It carries out the
 * participant's effects in their order, and passes on what there is to tell.
 */
#ifndef CMD_JOIN_SESSION_H
#define CMD_JOIN_SESSION_H

#include <conclave/participant.h>

#include "cmd/join_command.h"
#include "cmd/join_log.h"
#include "net/client.h"
#include "net/loop.h"

struct join_session;

struct join_session_events {
    /* What the participant tells. The session may be asked and told things from within. */
    void (*event)(void *ctx, const struct participant_effect *e);
    /* A word of the media switch; or NULL. */
    void (*media)(void *ctx, struct bytes body);
    /* Once, at the very end: the connection is closed, nothing more will come. */
    void (*over)(void *ctx);
};

struct join_session_config {
    struct net_loop *loop;
    struct net_clients *clients;
    const struct participant_config *participant;
    struct join_log *log; /* NULL: nothing is kept; borrowed */
    const struct join_log_content *saved;
    const struct join_session_events *events; /* borrowed */
    void *ctx;
};

/* Comes back from what was saved, or, if that is not possible or there is nothing, begins anew.
 * Nothing happens before the loop runs. As participant_new(). */
int join_session_new(const struct join_session_config *config,
                     struct join_session **out) CONCLAVE_CHECKED;

/* Cuts everything off; see join_session_do() and JOIN_LEAVE for another way. NULL is fine. */
void join_session_free(struct join_session *s);

/* Whether the place in the meeting was found again on disk. */
bool join_session_was_restored(const struct join_session *s);

/* To look at, and for what join_session_do() does not know; then join_session_wake(). */
struct participant *join_session_participant(struct join_session *s);
uint64_t join_session_now(struct join_session *s);
void join_session_wake(struct join_session *s);

/* Why it is over: enum reason; REASON_NONE if this machine gave out, see join_session_error(). */
int join_session_reason(const struct join_session *s);

/* What went wrong on this machine: ESTORE if the state could not be written (the reason is then
 * REASON_STORAGE), ENOMEM...; 0 if nothing did. */
int join_session_error(const struct join_session *s);

/* What carries out commands about audio and video; borrowed, NULL: there is none. */
struct join_media;
void join_session_attach_media(struct join_session *s, struct join_media *media);
struct join_media *join_session_media(const struct join_session *s);

/* Carries out a command that changes something: errors of participant_say() and its kin, and of
 * join_media_do(); ENOTFOUND for a number that is nobody's; EUNSUPPORTED for a command that only
 * shows something, and for audio and video where there is none. out_id: gets
 * the id of what was said; or NULL. */
int join_session_do(struct join_session *s, const struct join_command *command,
                    struct buf *out_id) CONCLAVE_CHECKED;

/* ---- Numbers: how people are named in commands ---- */

/* A person keeps the number of the leaf, counted from 1; somebody waiting gets the next number that
 * nobody waiting had before. */
uint32_t join_session_number(const struct participant_person *person);
uint32_t join_session_lobby_number(struct join_session *s, const struct participant_person *person);

/* ENOTFOUND. */
int join_session_person(struct join_session *s, uint32_t number,
                        struct participant_person *out) CONCLAVE_CHECKED;
int join_session_waiting(struct join_session *s, uint32_t number,
                         struct participant_person *out) CONCLAVE_CHECKED;

#endif
