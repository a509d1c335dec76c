#include "cmd/join_session.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/join_media.h"
#include "meeting/link.h"
#include "signal/reason.h"
#include "signal/signal.h"

/* What a server that takes nothing may make us keep: the largest frame there is, and some more. */
#define QUEUE_MAX (SIGNAL_FRAME_MAX + ((size_t)8 << 20))

/* How long the last words may take to be sent. */
#define FAREWELL_US UINT64_C(2000000)

#define REF_MAX 64

/* Somebody in the lobby, and the number given to them. */
struct waiting {
    uint8_t ref[REF_MAX];
    size_t ref_n;
    uint32_t number;
};

struct join_session {
    struct join_session_config config;
    struct participant *participant;
    struct net_client *client;
    struct net_timer *timer;
    struct join_media *media;
    bool restored;
    bool pumping;
    bool muted;  /* the participant closed the connection: it is not told of the end */
    bool reopen; /* and wants another as soon as it is closed */
    bool ending, over;
    int error; /* of this machine, the first; the participant knows nothing of it */
    struct waiting *waiting;
    size_t n_waiting;
    uint32_t last_number;
};

static void pump(struct join_session *s);

static bool is_over(const struct join_session *s)
{
    return s->error != 0 || participant_phase(s->participant) == PARTICIPANT_OVER;
}

static void fail(struct join_session *s, int error)
{
    if (s->error == 0)
        s->error = error;
}

/* ---- Effects ---- */

static void open_connection(struct join_session *s)
{
    if (!net_client_is_idle(s->client))
        s->reopen = true;
    else
        fail(s, net_client_open(s->client));
}

static void close_connection(struct join_session *s)
{
    s->reopen = false;
    if (net_client_is_idle(s->client))
        return;
    s->muted = true;
    net_client_close(s->client);
}

static void carry_out(struct join_session *s, const struct participant_effect *e)
{
    struct join_log *log = s->config.log;
    int rv = 0;
    switch (e->kind) {
    case PARTICIPANT_CONNECT:
        open_connection(s);
        break;
    case PARTICIPANT_SEND:
        rv = net_client_send(s->client, e->data);
        /* What is lost with the connection is told with its end; anything else would be missed. */
        rv = rv == CONCLAVE_ENOMEM ? rv : 0;
        break;
    case PARTICIPANT_DISCONNECT:
        close_connection(s);
        break;
    case PARTICIPANT_SAVE_SNAPSHOT:
        rv = log != NULL ? join_log_snapshot(log, e->data) : 0;
        break;
    case PARTICIPANT_SAVE_DELTA:
        rv = log != NULL ? join_log_append(log, e->data, e->sync) : 0;
        break;
    case PARTICIPANT_SAVE_NOTHING:
        rv = log != NULL ? join_log_forget(log) : 0;
        break;
    case PARTICIPANT_MEDIA:
        if (s->config.events->media != NULL)
            s->config.events->media(s->config.ctx, e->data);
        break;
    case PARTICIPANT_EVENT:
        s->config.events->event(s->config.ctx, e);
        break;
    }
    /* What follows may depend on what was not written: a key must not be used twice. */
    fail(s, rv);
}

/* It is over, and the last words are on their way or gone. */
static void wind_up(struct join_session *s)
{
    if (!s->ending) {
        s->ending = true;
        close_connection(s);
        net_timer_set(s->timer, join_session_now(s) + FAREWELL_US);
    }
    if (net_client_is_idle(s->client) && !s->over) {
        s->over = true;
        net_timer_set(s->timer, UINT64_MAX);
        s->config.events->over(s->config.ctx);
    }
}

static void pump(struct join_session *s)
{
    struct participant_effect e;
    if (s->pumping)
        return; /* from within an event: the loop below goes on */
    s->pumping = true;
    while (s->error == 0 && participant_next(s->participant, &e))
        carry_out(s, &e);
    s->pumping = false;
    if (is_over(s))
        wind_up(s);
    else
        net_timer_set(s->timer, participant_deadline(s->participant));
}

static void input(struct join_session *s, const struct participant_input *in)
{
    if (is_over(s))
        return;
    fail(s, participant_input(s->participant, in, join_session_now(s)));
    pump(s);
}

/* ---- Connection and clock ---- */

static void on_opened(void *ctx)
{
    input(ctx, &(struct participant_input){.kind = PARTICIPANT_CONNECTED});
}

static void on_frame(void *ctx, struct bytes frame)
{
    struct join_session *s = ctx;
    if (!s->muted)
        input(s, &(struct participant_input){.kind = PARTICIPANT_FRAME, .frame = frame});
}

static int reason_of(enum net_client_end why)
{
    switch (why) {
    case NET_CLIENT_UNREACHABLE:
        return REASON_UNREACHABLE;
    case NET_CLIENT_TLS:
        return REASON_TLS;
    case NET_CLIENT_TOO_LARGE:
        return REASON_TOO_LARGE;
    case NET_CLIENT_CLOSED:
    case NET_CLIENT_SLOW:
        break;
    }
    return REASON_NONE;
}

static void on_closed(void *ctx, enum net_client_end why, const char *detail)
{
    struct join_session *s = ctx;
    (void)detail;
    if (is_over(s)) {
        wind_up(s);
    } else if (!s->muted) {
        input(s, &(struct participant_input){.kind = PARTICIPANT_DISCONNECTED,
                                             .reason = reason_of(why)});
    } else {
        s->muted = false;
        if (s->reopen) {
            s->reopen = false;
            open_connection(s);
            pump(s);
        }
    }
}

static const struct net_client_events client_events = {on_opened, on_frame, on_closed};

static void on_timer(void *ctx)
{
    struct join_session *s = ctx;
    if (s->ending) {
        /* The server does not take the last words. */
        net_client_free(s->client);
        s->client = NULL;
        s->over = true;
        s->config.events->over(s->config.ctx);
        return;
    }
    if (!is_over(s))
        fail(s, participant_tick(s->participant, join_session_now(s)));
    pump(s);
}

/* ---- Beginning and end ---- */

static int new_client(struct join_session *s)
{
    struct link link;
    int rv = link_parse(s->config.participant->link, &link);
    if (rv == 0)
        rv = net_client_new(s->config.clients,
                            &(struct net_client_config){.host = link.host,
                                                        .port = link.port,
                                                        .tls = link.tls,
                                                        .path = "/ws",
                                                        .subprotocol = SIGNAL_SUBPROTOCOL,
                                                        .frame_max = SIGNAL_FRAME_MAX,
                                                        .queue_max = QUEUE_MAX,
                                                        .events = &client_events,
                                                        .ctx = s},
                            &s->client);
    link_wipe(&link);
    return rv;
}

static int new_participant(struct join_session *s)
{
    const struct join_session_config *c = &s->config;
    uint64_t now = join_session_now(s);
    if (c->saved != NULL && c->saved->snapshot.n != 0) {
        int rv = participant_restore(c->participant, c->saved->snapshot, c->saved->deltas,
                                     c->saved->n_deltas, now, &s->participant);
        s->restored = rv == 0;
        if (rv == 0 || conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
            return rv;
    }
    return participant_new(c->participant, now, &s->participant);
}

int join_session_new(const struct join_session_config *config, struct join_session **out)
{
    struct join_session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->config = *config;
    int rv = new_participant(s);
    if (rv == 0)
        rv = new_client(s);
    if (rv == 0)
        rv = net_timer_new(config->loop, on_timer, s, &s->timer);
    if (rv == 0) {
        net_timer_set(s->timer, 0);
        *out = s;
    } else {
        join_session_free(s);
    }
    return rv;
}

void join_session_free(struct join_session *s)
{
    if (s == NULL)
        return;
    net_timer_free(s->timer);
    net_client_free(s->client);
    participant_free(s->participant);
    free(s->waiting);
    free(s);
}

bool join_session_was_restored(const struct join_session *s)
{
    return s->restored;
}

struct participant *join_session_participant(struct join_session *s)
{
    return s->participant;
}

uint64_t join_session_now(struct join_session *s)
{
    return net_loop_now(s->config.loop);
}

void join_session_wake(struct join_session *s)
{
    if (!s->over)
        pump(s);
}

void join_session_attach_media(struct join_session *s, struct join_media *media)
{
    s->media = media;
}

struct join_media *join_session_media(const struct join_session *s)
{
    return s->media;
}

int join_session_reason(const struct join_session *s)
{
    if (s->error != 0)
        return s->error == CONCLAVE_ESTORE ? REASON_STORAGE : REASON_NONE;
    return participant_end_reason(s->participant);
}

int join_session_error(const struct join_session *s)
{
    return s->error;
}

/* ---- Numbers ---- */

uint32_t join_session_number(const struct participant_person *person)
{
    return person->leaf == MLS_NO_LEAF ? 0 : person->leaf + 1;
}

/* Forgets the numbers of those who wait no longer. */
static void forget_gone(struct join_session *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n_waiting; i++) {
        struct participant_person person;
        bool found = false;
        for (uint32_t at = 0; !found && participant_lobby_next(s->participant, &at, &person);)
            found = bytes_equal(person.ref, bytes_of(s->waiting[i].ref, s->waiting[i].ref_n));
        if (found)
            s->waiting[kept++] = s->waiting[i];
    }
    s->n_waiting = kept;
}

uint32_t join_session_lobby_number(struct join_session *s, const struct participant_person *person)
{
    for (size_t i = 0; i < s->n_waiting; i++)
        if (bytes_equal(person->ref, bytes_of(s->waiting[i].ref, s->waiting[i].ref_n)))
            return s->waiting[i].number;
    struct waiting new = {.ref_n = person->ref.n};
    if (person->ref.n > REF_MAX)
        return 0;
    memcpy(new.ref, person->ref.p, person->ref.n);
    forget_gone(s);
    struct waiting *more = realloc(s->waiting, (s->n_waiting + 1) * sizeof *more);
    if (more == NULL)
        return 0;
    s->waiting = more;
    new.number = ++s->last_number;
    more[s->n_waiting++] = new;
    return new.number;
}

int join_session_person(struct join_session *s, uint32_t number, struct participant_person *out)
{
    struct participant_person person;
    for (uint32_t at = 0; participant_roster_next(s->participant, &at, &person);) {
        if (join_session_number(&person) == number) {
            *out = person;
            return 0;
        }
    }
    return CONCLAVE_ENOTFOUND;
}

int join_session_waiting(struct join_session *s, uint32_t number, struct participant_person *out)
{
    struct participant_person person;
    for (uint32_t at = 0; participant_lobby_next(s->participant, &at, &person);) {
        if (join_session_lobby_number(s, &person) == number) {
            *out = person;
            return 0;
        }
    }
    return CONCLAVE_ENOTFOUND;
}

/* ---- Commands ---- */

static bool hand_is_up(struct join_session *s)
{
    struct participant_person person;
    for (uint32_t at = 0; participant_roster_next(s->participant, &at, &person);)
        if (person.me)
            return person.hand;
    return false;
}

static int do_to_person(struct join_session *s, const struct join_command *command, uint64_t now)
{
    struct participant *p = s->participant;
    struct participant_person person;
    int rv = join_session_person(s, command->number, &person);
    if (rv != 0)
        return rv;
    if (command->verb == JOIN_EJECT)
        return participant_eject(p, person.leaf, now);
    if (command->verb == JOIN_ASK_MUTE)
        return participant_ask_mute(p, person.leaf, now);
    return participant_make_cohost(p, person.leaf, command->verb == JOIN_COHOST, now);
}

static int do_to_waiting(struct join_session *s, const struct join_command *command, uint64_t now)
{
    struct participant *p = s->participant;
    struct participant_person person;
    int rv = join_session_waiting(s, command->number, &person);
    if (rv != 0)
        return rv;
    return command->verb == JOIN_ADMIT ? participant_admit(p, person.ref, now)
                                       : participant_refuse(p, person.ref, now);
}

int join_session_do(struct join_session *s, const struct join_command *command, struct buf *out_id)
{
    struct participant *p = s->participant;
    uint64_t now = join_session_now(s);
    int rv = CONCLAVE_EUNSUPPORTED;
    switch (command->verb) {
    case JOIN_SAY:
        rv = participant_say(p, command->text, out_id, now);
        break;
    case JOIN_REACT:
        rv = participant_react(p, command->text, now);
        break;
    case JOIN_HAND:
        rv = participant_raise_hand(p, !hand_is_up(s), now);
        break;
    case JOIN_ADMIT:
    case JOIN_REFUSE:
        rv = do_to_waiting(s, command, now);
        break;
    case JOIN_ADMIT_ALL:
        rv = participant_admit_all(p, now);
        break;
    case JOIN_ASK_MUTE_ALL:
        rv = participant_ask_mute(p, MLS_NO_LEAF, now);
        break;
    case JOIN_ASK_MUTE:
    case JOIN_EJECT:
    case JOIN_COHOST:
    case JOIN_UNCOHOST:
        rv = do_to_person(s, command, now);
        break;
    case JOIN_LOCK:
    case JOIN_UNLOCK:
        rv = participant_lock(p, command->verb == JOIN_LOCK, now);
        break;
    case JOIN_MUTE:
    case JOIN_UNMUTE:
    case JOIN_STOP_VIDEO:
    case JOIN_START_VIDEO:
    case JOIN_SHARE:
    case JOIN_UNSHARE:
        if (s->media != NULL)
            rv = join_media_do(s->media, command);
        break;
    case JOIN_END:
        rv = participant_end(p, now);
        break;
    case JOIN_LEAVE:
        rv = participant_leave(p, now);
        break;
    case JOIN_WHO:
    case JOIN_LOBBY:
    case JOIN_CODE:
    case JOIN_INFO:
    case JOIN_CERTIFICATE:
    case JOIN_MEDIA:
    case JOIN_HELP:
        break;
    }
    join_session_wake(s);
    return rv;
}
