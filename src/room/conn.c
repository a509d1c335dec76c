/* Connections: opened, paced, told why they end, dropped. */
#include <stdlib.h>
#include <string.h>

#include "room/inside.h"

/* A frame that came too fast. */
struct slowed {
    struct link line;
    size_t n;
    uint8_t frame[];
};

struct conn *room_conn_find(const struct room *r, uint64_t number)
{
    struct table_link *k = room_table_find(&r->conns, number);
    return k == NULL ? NULL : LIST_OWNER(k, struct conn, by_number);
}

/* docs/PROTOCOL.md section 5, Opening. */
static int challenge(struct room *r, const struct conn *c)
{
    struct signal_message m = {.type = SIGNAL_CHALLENGE,
                               .version = SIGNAL_VERSION,
                               .nonce = bytes_of(c->nonce, sizeof c->nonce),
                               .server_time = room_seconds(r),
                               .running = r->group != NULL,
                               .card = card_encoded(r->card)};
    return room_say(r, c, &m);
}

static int turn_away(struct room *r, uint64_t number)
{
    int rv = room_effects_reserve(&r->effects, 2);
    struct room_frame *f = rv == 0 ? room_fault_frame(REASON_FULL) : NULL;
    if (f == NULL)
        return CONCLAVE_ENOMEM;
    room_effects_send_one(&r->effects, number, f);
    room_effects_close(&r->effects, number, REASON_FULL);
    room_frame_free(f);
    return 0;
}

int room_conn_open(struct room *r, uint64_t number)
{
    if (room_conn_find(r, number) != NULL)
        return CONCLAVE_EINVAL;
    if (r->conns.n >= (size_t)r->max_participants + r->max_waiting + ROOM_CONNECTIONS_SPARE)
        return turn_away(r, number);
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->since = r->now;
    c->missed_since = UINT64_MAX;
    list_init(&c->frames);
    c->by_number.key = number;
    int rv = crypto_random(r->crypto, c->nonce, sizeof c->nonce);
    if (rv == 0)
        rv = challenge(r, c);
    if (rv != 0) {
        free(c);
        return rv;
    }
    room_table_put(&r->conns, &c->by_number, number);
    list_put(&r->opening, &c->line);
    return 0;
}

/* ---- Ending ---- */

static void forget_frames(struct room *r, struct conn *c)
{
    while (c->frames.n != 0) {
        free(LIST_OWNER(list_pop(&c->frames), struct slowed, line));
    }
    list_take(&r->slow, &c->slow);
    r->slow_bytes -= c->frames_bytes;
    c->frames_bytes = 0;
}

void room_conn_leave_line(struct room *r, struct conn *c)
{
    list_take(c->state == CONN_REJOINING ? &r->rejoining : &r->opening, &c->line);
}

/* It takes part in nothing any more. */
static void detach(struct room *r, struct conn *c)
{
    struct wait *w = c->wait;
    struct seat *s = c->seat;
    room_conn_leave_line(r, c);
    forget_frames(r, c);
    room_conn_set_live(r, c, false);
    c->wait = NULL;
    c->seat = NULL;
    if (w != NULL)
        room_wait_end(r, w);
    if (s != NULL && s->rejoining == c)
        s->rejoining = NULL;
    if (s != NULL && s->conn == c) {
        s->conn = NULL;
        room_seat_leave(r, s);
    }
}

void room_conn_mark(struct room *r, struct conn *c)
{
    if (!link_is_in(&c->marked))
        list_put(&r->marked, &c->marked);
}

static void end(struct room *r, struct conn *c, int reason, bool fault)
{
    if (c->state == CONN_ENDING)
        return;
    detach(r, c);
    c->state = CONN_ENDING;
    c->end = reason;
    c->fault = fault;
    room_conn_mark(r, c);
}

void room_conn_fault(struct room *r, struct conn *c, int reason)
{
    end(r, c, reason, true);
}

void room_conn_end(struct room *r, struct conn *c, int reason)
{
    end(r, c, reason, false);
}

void room_conn_drop(struct room *r, struct conn *c)
{
    detach(r, c);
    list_take(&r->marked, &c->marked);
    room_table_take(&r->conns, &c->by_number);
    free(c);
}

void room_conn_expire(struct room *r)
{
    struct link *k;
    while ((k = list_first(&r->opening)) != NULL) {
        struct conn *c = LIST_OWNER(k, struct conn, line);
        if (r->now - c->since < ROOM_OPENING_TIME)
            return;
        room_conn_fault(r, c, REASON_UNEXPECTED);
    }
}

/* ---- Who gets broadcasts ---- */

int room_conn_live_reserve(struct room *r)
{
    if (r->n_live < r->cap_live)
        return 0;
    size_t cap = r->cap_live == 0 ? 16 : r->cap_live * 2;
    struct conn **bigger = (struct conn **)realloc((void *)r->live, cap * sizeof *bigger);
    if (bigger == NULL)
        return CONCLAVE_ENOMEM;
    r->live = bigger;
    r->cap_live = cap;
    return 0;
}

static void audience_forget(struct audience **a)
{
    room_audience_free(*a);
    *a = NULL;
}

void room_conn_set_host(struct room *r, struct conn *c, bool is_host)
{
    if (c->is_host == is_host)
        return;
    c->is_host = is_host;
    audience_forget(&r->hosts);
    if (is_host) {
        c->say_lobby = true;
        room_conn_mark(r, c);
    }
}

void room_conn_set_live(struct room *r, struct conn *c, bool live)
{
    if ((c->live != 0) == live)
        return;
    audience_forget(&r->everybody);
    if (live) {
        r->live[r->n_live++] = c;
        c->live = r->n_live;
        if (c->seat->leaf < r->lowest)
            r->lowest = c->seat->leaf;
        r->empty_since = UINT64_MAX;
        return;
    }
    struct conn *last = r->live[--r->n_live];
    r->live[c->live - 1] = last;
    last->live = c->live;
    c->live = 0;
    room_conn_set_host(r, c, false);
    if (r->n_live == 0)
        r->empty_since = r->now;
}

/* ---- Input at its pace ---- */

static uint64_t cost_of(struct bytes frame)
{
    bool commit = frame.n != 0 && frame.p[0] == SIGNAL_COMMIT;
    uint64_t weight = (commit ? ROOM_COMMIT_WEIGHT : 1) + frame.n / ROOM_MESSAGE_BYTES;
    return weight * ROOM_MESSAGE_INTERVAL;
}

static bool may_speak(const struct room *r, const struct conn *c)
{
    return r->now >= pace_ready_at(&c->pace, ROOM_MESSAGE_BURST);
}

/* docs/PROTOCOL.md section 8: slowed, not closed; unless it does not stop. */
static int put_off(struct room *r, struct conn *c, struct bytes frame)
{
    size_t limit = frame.n == 0 ? 0 : signal_limit((enum signal_type)frame.p[0]);
    if (frame.n == 0 || frame.n > limit) {
        room_conn_fault(r, c, limit == 0 ? REASON_MALFORMED : REASON_TOO_LARGE);
        return 0;
    }
    if (c->frames.n == ROOM_SLOWED_FRAMES || frame.n > ROOM_SLOWED_BYTES - c->frames_bytes ||
        frame.n > ROOM_SLOWED_TOTAL - r->slow_bytes) {
        room_conn_fault(r, c, REASON_TOO_MANY);
        return 0;
    }
    struct slowed *s = malloc(sizeof *s + frame.n);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->line = (struct link){NULL, NULL};
    s->n = frame.n;
    memcpy(s->frame, frame.p, frame.n);
    list_put(&c->frames, &s->line);
    c->frames_bytes += frame.n;
    r->slow_bytes += frame.n;
    if (!link_is_in(&c->slow))
        list_put(&r->slow, &c->slow);
    return 0;
}

int room_conn_input(struct room *r, struct conn *c, struct bytes frame)
{
    if (c->state == CONN_ENDING)
        return 0;
    if (c->frames.n != 0 || !may_speak(r, c))
        return put_off(r, c, frame);
    int rv = room_handle(r, c, frame);
    if (rv == 0)
        pace_spend(&c->pace, cost_of(frame), r->now);
    return rv;
}

/* What has to be spoken again if memory ran out. */
static void put_back(struct room *r, struct conn *c, struct slowed *s)
{
    list_put_first(&c->frames, &s->line);
    c->frames_bytes += s->n;
    r->slow_bytes += s->n;
}

/* The frames whose turn has come. Each is taken out first: it may end its connection, and with it
 * all that wait. */
static int speak(struct room *r, struct conn *c)
{
    while (c->frames.n != 0 && may_speak(r, c)) {
        struct slowed *s = LIST_OWNER(list_pop(&c->frames), struct slowed, line);
        c->frames_bytes -= s->n;
        r->slow_bytes -= s->n;
        int rv = room_handle(r, c, bytes_of(s->frame, s->n));
        if (rv != 0) {
            put_back(r, c, s);
            return rv;
        }
        pace_spend(&c->pace, cost_of(bytes_of(s->frame, s->n)), r->now);
        free(s);
    }
    return 0;
}

int room_conn_resume_slow(struct room *r)
{
    int rv = 0;
    for (size_t n = r->slow.n; rv == 0 && n != 0 && r->slow.n != 0; n--) {
        struct conn *c = LIST_OWNER(list_pop(&r->slow), struct conn, slow);
        rv = speak(r, c);
        if (c->frames.n != 0 && !link_is_in(&c->slow))
            list_put(&r->slow, &c->slow);
    }
    return rv;
}
