#include "support/meeting_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "participant/inner.h"

#define DELAY_US 20000
#define JITTER_US 30000

static void drain_room(struct stage *s);

/* ---- Disks ---- */

static void disk_clear(struct stage_disk *d)
{
    buf_free(&d->snapshot);
    for (size_t i = 0; i < d->n; i++)
        buf_free(&d->deltas[i]);
    d->n = 0;
}

static void disk_fini(struct stage_disk *d)
{
    disk_clear(d);
    free(d->deltas);
    free(d->epochs);
    free(d->synced);
    *d = (struct stage_disk){0};
}

static void disk_snapshot(struct stage_disk *d, struct bytes data)
{
    disk_clear(d);
    buf_put(&d->snapshot, data);
    assert_int_equal(buf_check(&d->snapshot), 0);
}

static void disk_truncate(struct stage_disk *d, uint64_t epoch)
{
    while (d->n != 0 && d->epochs[d->n - 1] >= epoch)
        buf_free(&d->deltas[--d->n]);
}

static void disk_append(struct stage_disk *d, struct bytes data, uint64_t epoch, bool sync)
{
    if (d->n == d->cap) {
        d->cap = d->cap == 0 ? 16 : 2 * d->cap;
        d->deltas = realloc(d->deltas, d->cap * sizeof *d->deltas);
        d->epochs = realloc(d->epochs, d->cap * sizeof *d->epochs);
        d->synced = realloc(d->synced, d->cap * sizeof *d->synced);
        assert_true(d->deltas != NULL && d->epochs != NULL && d->synced != NULL);
    }
    d->deltas[d->n] = (struct buf){0};
    buf_put(&d->deltas[d->n], data);
    d->epochs[d->n] = epoch;
    d->synced[d->n] = sync;
    for (size_t i = 0; sync && i < d->n; i++)
        d->synced[i] = true;
    d->n++;
}

/* A crash loses what was not synced, from some point on. */
static void disk_crash(struct stage *s, struct stage_disk *d)
{
    while (d->n != 0 && !d->synced[d->n - 1] && random_chance(&s->random, 50))
        buf_free(&d->deltas[--d->n]);
}

static struct bytes *disk_views(const struct stage_disk *d)
{
    struct bytes *views = calloc(d->n + 1, sizeof *views);
    assert_non_null(views);
    for (size_t i = 0; i < d->n; i++)
        views[i] = buf_view(&d->deltas[i]);
    return views;
}

/* ---- Wires ---- */

static void trace(const struct stage *s, const struct stage_actor *a, const char *arrow,
                  struct bytes frame)
{
    struct signal_message m;
    if (!s->trace || signal_read(frame, &m) != 0 || m.type == SIGNAL_APP ||
        m.type == SIGNAL_APP_FROM)
        return;
    printf("%10.3f  %.20s %s %s", (double)(s->now_us - s->world.now * STAGE_SECOND) / 1e6, a->name,
           arrow, signal_name(m.type));
    if (m.type == SIGNAL_FAULT || m.type == SIGNAL_REJECTED || m.type == SIGNAL_COMPLAINT)
        printf(" %s", reason_name(m.reason));
    if (a->p != NULL)
        printf(" (%s, epoch %lld)", participant_phase_name(participant_phase(a->p)),
               a->p->group == NULL ? -1LL : (long long)mls_group_epoch(a->p->group));
    printf("\n");
}

static uint64_t travel(struct stage *s)
{
    return s->delay_us + random_below(&s->random, s->jitter_us + 1);
}

static void wire_put(struct stage *s, struct stage_wire *w, struct bytes data)
{
    struct stage_frame *f = calloc(1, sizeof *f);
    assert_non_null(f);
    buf_put(&f->data, data);
    assert_int_equal(buf_check(&f->data), 0);
    f->at = s->now_us + travel(s);
    if (f->at < w->latest)
        f->at = w->latest;
    w->latest = f->at;
    if (w->last == NULL)
        w->first = f;
    else
        w->last->next = f;
    w->last = f;
}

static struct stage_frame *wire_take(struct stage_wire *w)
{
    struct stage_frame *f = w->first;
    w->first = f->next;
    if (w->first == NULL)
        w->last = NULL;
    return f;
}

static void frame_free(struct stage_frame *f)
{
    buf_free(&f->data);
    free(f);
}

static void wire_clear(struct stage_wire *w)
{
    while (w->first != NULL)
        frame_free(wire_take(w));
    w->latest = 0;
}

/* ---- The server ---- */

static struct stage_actor *actor_of_conn(struct stage *s, uint64_t conn)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->actors[i]->conn == conn)
            return s->actors[i];
    return NULL;
}

static struct room_config room_configuration(struct stage *s)
{
    return (struct room_config){.card = s->card,
                                .crypto = s->world.public_crypto,
                                .signer = s->world.server,
                                .anchors = s->world.anchors,
                                .max_participants = STAGE_ACTORS,
                                .max_waiting = STAGE_ACTORS};
}

static void start_server(struct stage *s)
{
    struct room_config config = room_configuration(s);
    if (s->disk.snapshot.n == 0) {
        assert_int_equal(room_new(&config, &s->room), 0);
        return;
    }
    struct bytes *commits = disk_views(&s->disk);
    assert_int_equal(
        room_restore(&config, buf_view(&s->disk.snapshot), commits, s->disk.n, s->now_us, &s->room),
        0);
    free(commits);
    drain_room(s);
}

/* The connection is gone for the server; what it has sent may still arrive. */
static void server_drops(struct stage *s, struct stage_actor *a)
{
    wire_clear(&a->up);
    a->conn = 0;
    a->greeted = false;
    if (a->link == STAGE_UP)
        a->told_at = (a->down.latest > s->now_us ? a->down.latest : s->now_us) + 1;
}

void stage_kill_server(struct stage *s, uint64_t back_in_us)
{
    room_free(s->room);
    s->room = NULL;
    s->server_deaths++;
    s->server_dies_in = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->actors[i]->conn != 0)
            server_drops(s, s->actors[i]);
    s->server_restart_at = back_in_us == 0 ? 0 : s->now_us + back_in_us;
}

static void carry_out_send(struct stage *s, const struct room_effect *e)
{
    for (size_t i = 0; i < e->n_conns; i++) {
        struct stage_actor *a = actor_of_conn(s, e->conns[i]);
        struct buf copy = {0};
        if (a == NULL)
            continue;
        room_frame_put(e->frame, &copy);
        if (s->hooks.down == NULL || s->hooks.down(s->hooks.ctx, s, a, &copy))
            wire_put(s, &a->down, buf_view(&copy));
        buf_free(&copy);
    }
}

static void carry_out_room(struct stage *s, const struct room_effect *e)
{
    switch (e->kind) {
    case ROOM_SEND:
        carry_out_send(s, e);
        break;
    case ROOM_CLOSE:
        for (size_t i = 0; i < e->n_conns; i++)
            if (actor_of_conn(s, e->conns[i]) != NULL)
                server_drops(s, actor_of_conn(s, e->conns[i]));
        break;
    case ROOM_SNAPSHOT:
        disk_snapshot(&s->disk, e->data);
        break;
    case ROOM_COMMIT:
        disk_truncate(&s->disk, e->epoch);
        disk_append(&s->disk, e->data, e->epoch, true);
        break;
    case ROOM_UNDO:
        disk_truncate(&s->disk, e->epoch);
        break;
    case ROOM_FORGET:
        disk_clear(&s->disk);
        break;
    case ROOM_MEDIA:
    case ROOM_LOG:
        break;
    default:
        fail_msg("a room effect of kind %d", e->kind);
    }
}

static void drain_room(struct stage *s)
{
    struct room_effect e;
    while (s->room != NULL && room_next(s->room, &e)) {
        carry_out_room(s, &e);
        if (s->server_dies_in != 0 && --s->server_dies_in == 0)
            stage_kill_server(s, STAGE_SECOND + random_below(&s->random, 2 * STAGE_SECOND));
    }
}

/* What the hall does: the number and the access, and then it is the room's. */
static bool hello_is_right(struct stage *s, struct bytes frame)
{
    struct signal_message m;
    uint8_t access[32];
    if (signal_read(frame, &m) != 0 || m.type != SIGNAL_HELLO ||
        !bytes_equal(m.number, bytes_str(s->world.link.number)))
        return false;
    if (card_terms(s->card)->open)
        return true;
    assert_int_equal(link_derive(bytes_of(s->world.link.secret, LINK_SECRET), card_hash(s->card),
                                 LINK_ACCESS, access),
                     0);
    return bytes_equal(m.access, bytes_of(access, sizeof access));
}

static void server_receives(struct stage *s, struct stage_actor *a, struct bytes frame)
{
    int rv;
    trace(s, a, "->", frame);
    if (!a->greeted) {
        struct room_frame *fault = NULL;
        if (!hello_is_right(s, frame)) {
            fault = room_fault_frame(REASON_NO_SUCH_MEETING);
            wire_put(s, &a->down, room_frame_head(fault));
            room_frame_free(fault);
            server_drops(s, a);
            return;
        }
        a->greeted = true;
        rv = room_open(s->room, a->conn, s->now_us);
    } else {
        rv = room_input(s->room, a->conn, frame, s->now_us);
    }
    assert_int_equal(rv, 0);
    drain_room(s);
}

/* ---- Actors ---- */

static void record_epoch(struct stage *s, struct stage_actor *a)
{
    struct mls_context context;
    struct bytes authenticator = mls_group_epoch_authenticator(a->p->group);
    if (s->forks_expected)
        return;
    mls_group_context(a->p->group, &context);
    for (size_t i = 0; i < s->n_epochs; i++) {
        const struct stage_epoch *e = &s->epochs[i];
        if (e->epoch == context.epoch &&
            bytes_equal(bytes_of(e->group_id, e->group_id_n), context.group_id)) {
            if (!bytes_equal(bytes_of(e->authenticator, e->authenticator_n), authenticator))
                fail_msg("%s is in another epoch %llu than others", a->name,
                         (unsigned long long)context.epoch);
            return;
        }
    }
    if (s->n_epochs == s->cap_epochs) {
        s->cap_epochs = s->cap_epochs == 0 ? 64 : 2 * s->cap_epochs;
        s->epochs = realloc(s->epochs, s->cap_epochs * sizeof *s->epochs);
        assert_non_null(s->epochs);
    }
    struct stage_epoch *e = &s->epochs[s->n_epochs++];
    *e = (struct stage_epoch){.epoch = context.epoch,
                              .group_id_n = context.group_id.n,
                              .authenticator_n = authenticator.n};
    memcpy(e->group_id, context.group_id.p, context.group_id.n);
    memcpy(e->authenticator, authenticator.p, authenticator.n);
}

static void told(struct stage *s, struct stage_actor *a, const struct participant_effect *e)
{
    switch (e->event) {
    case PARTICIPANT_CODE:
        if (a->p->group != NULL && mls_group_epoch(a->p->group) == e->epoch)
            record_epoch(s, a);
        break;
    case PARTICIPANT_CHAT:
        a->chats++;
        snprintf(a->last_chat, sizeof a->last_chat, "%.*s", (int)e->text.n,
                 (const char *)e->text.p);
        break;
    case PARTICIPANT_CHAT_SENT:
        a->chats_back++;
        break;
    case PARTICIPANT_MUTE:
        a->mutes++;
        a->muted_by = e->by;
        break;
    case PARTICIPANT_JOINED:
        a->joined++;
        break;
    case PARTICIPANT_GONE:
        a->gone++;
        a->last_gone_reason = e->reason;
        break;
    case PARTICIPANT_NOTICE:
        if (a->n_notices < STAGE_NOTICES)
            a->notices[a->n_notices++] = (struct stage_notice){e->reason, e->severity, e->leaf};
        break;
    default:
        break;
    }
}

/* The connection is gone for the actor's machine; the server learns of it later. */
static void hang_up(struct stage *s, struct stage_actor *a, uint64_t later_us)
{
    wire_clear(&a->down);
    a->link = STAGE_OFF;
    a->told_at = 0;
    if (a->conn != 0) {
        if (a->closing != 0 && s->room != NULL) {
            room_close(s->room, a->closing, s->now_us);
            drain_room(s);
        }
        a->closing = a->greeted ? a->conn : 0;
        a->closes_at = s->now_us + later_us;
        a->conn = 0;
        a->greeted = false;
    }
    wire_clear(&a->up);
}

/* What is under way to the server arrives before the close does. */
static void flush_up(struct stage *s, struct stage_actor *a)
{
    while (a->up.first != NULL && a->conn != 0 && s->room != NULL) {
        struct stage_frame *f = wire_take(&a->up);
        server_receives(s, a, buf_view(&f->data));
        frame_free(f);
    }
}

static void actor_send(struct stage *s, struct stage_actor *a, struct bytes data)
{
    struct buf copy = {0};
    if (a->link != STAGE_UP || a->conn == 0)
        return;
    buf_put(&copy, data);
    if (s->hooks.up == NULL || s->hooks.up(s->hooks.ctx, s, a, &copy))
        wire_put(s, &a->up, buf_view(&copy));
    buf_free(&copy);
}

static void carry_out(struct stage *s, struct stage_actor *a, const struct participant_effect *e)
{
    switch (e->kind) {
    case PARTICIPANT_CONNECT:
        hang_up(s, a, 0);
        a->link = STAGE_OPENING;
        a->opens_at = s->now_us + travel(s);
        break;
    case PARTICIPANT_SEND:
        actor_send(s, a, e->data);
        break;
    case PARTICIPANT_DISCONNECT:
        flush_up(s, a);
        hang_up(s, a, travel(s));
        break;
    case PARTICIPANT_SAVE_SNAPSHOT:
        disk_snapshot(&a->disk, e->data);
        break;
    case PARTICIPANT_SAVE_DELTA:
        disk_append(&a->disk, e->data, 0, e->sync);
        break;
    case PARTICIPANT_SAVE_NOTHING:
        disk_clear(&a->disk);
        break;
    case PARTICIPANT_EVENT:
        told(s, a, e);
        break;
    default:
        fail_msg("an effect of kind %d", e->kind);
    }
}

void stage_carry_out(struct stage *s, struct stage_actor *a)
{
    struct participant_effect e;
    while (a->p != NULL && participant_next(a->p, &e)) {
        carry_out(s, a, &e);
        if (a->dies_in != 0 && --a->dies_in == 0)
            stage_kill(s, a, STAGE_SECOND + random_below(&s->random, 3 * STAGE_SECOND));
    }
}

static void start(struct stage *s, struct stage_actor *a)
{
    struct buf link = {0};
    meeting_world_link_text(&s->world, &link);
    struct participant_config config = {.link = (const char *)link.p,
                                        .name = a->name,
                                        .signer = a->person->signer,
                                        .chain = a->person->chain,
                                        .n_chain = 1,
                                        .trust = a->trust,
                                        .persist = a->persist,
                                        .seed = a->seed + a->restarts};
    int rv = CONCLAVE_ENOTFOUND;
    if (a->disk.snapshot.n != 0) {
        struct bytes *deltas = disk_views(&a->disk);
        rv = participant_restore(&config, buf_view(&a->disk.snapshot), deltas, a->disk.n, s->now_us,
                                 &a->p);
        free(deltas);
    }
    if (rv == CONCLAVE_ENOTFOUND || rv == CONCLAVE_EREMOVED)
        rv = participant_new(&config, s->now_us, &a->p);
    assert_int_equal(rv, 0);
    buf_free(&link);
    stage_carry_out(s, a);
}

void stage_kill(struct stage *s, struct stage_actor *a, uint64_t back_in_us)
{
    hang_up(s, a, random_below(&s->random, 5 * STAGE_SECOND));
    participant_free(a->p);
    a->p = NULL;
    a->dies_in = 0;
    disk_crash(s, &a->disk);
    a->restart_at = back_in_us == 0 ? 0 : s->now_us + back_in_us;
    a->restarts++;
}

void stage_cut(struct stage *s, struct stage_actor *a)
{
    if (a->link != STAGE_UP)
        return;
    hang_up(s, a, random_below(&s->random, 10 * STAGE_SECOND));
    a->link = STAGE_UP; /* so it believes, until it is told */
    a->told_at = s->now_us + random_below(&s->random, 3 * STAGE_SECOND);
}

static struct stage_actor *add_actor(struct stage *s, const char *name)
{
    struct stage_actor *a = calloc(1, sizeof *a);
    assert_non_null(a);
    assert_true(s->n < STAGE_ACTORS);
    a->index = s->n;
    snprintf(a->name, sizeof a->name, "%.31s", name);
    s->actors[s->n++] = a;
    return a;
}

struct stage_actor *stage_enter_person(struct stage *s, struct meeting_person *person,
                                       const char *name)
{
    struct stage_actor *a = add_actor(s, name);
    a->person = person;
    a->persist = true;
    a->seed = random_u64(&s->random) | 1;
    if (s->trust == NULL)
        assert_int_equal(participant_trust_new(&a->own_trust), 0);
    a->trust = s->trust != NULL ? s->trust : a->own_trust;
    start(s, a);
    return a;
}

struct stage_actor *stage_enter(struct stage *s, enum identity_kind kind, const char *identifier,
                                const char *name)
{
    return stage_enter_person(s, meeting_world_person(&s->world, kind, identifier), name);
}

struct stage_actor *stage_enter_organiser(struct stage *s)
{
    return stage_enter_person(s, s->world.organiser, "Alice");
}

/* ---- Actors of another process ---- */

struct stage_actor *stage_enter_remote(struct stage *s, const char *name,
                                       void (*arrive)(void *ctx, struct bytes frame), void *ctx)
{
    struct stage_actor *a = add_actor(s, name);
    a->arrive = arrive;
    a->arrive_ctx = ctx;
    return a;
}

void stage_remote_connect(struct stage *s, struct stage_actor *a)
{
    hang_up(s, a, 0);
    if (s->room == NULL) {
        a->arrive(a->arrive_ctx, bytes_of(NULL, 0));
        return;
    }
    a->link = STAGE_UP;
    a->conn = ++s->next_conn;
    a->up.latest = a->down.latest = 0;
}

void stage_remote_say(struct stage *s, struct stage_actor *a, struct bytes frame)
{
    actor_send(s, a, frame);
}

void stage_remote_hang_up(struct stage *s, struct stage_actor *a)
{
    flush_up(s, a);
    hang_up(s, a, travel(s));
}

/* ---- The clock ---- */

static uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t or_never(uint64_t at)
{
    return at == 0 ? UINT64_MAX : at;
}

static uint64_t actor_next(const struct stage_actor *a)
{
    uint64_t at = a->p != NULL ? participant_deadline(a->p) : UINT64_MAX;
    at = earliest(at, or_never(a->told_at));
    at = earliest(at, or_never(a->closes_at));
    at = earliest(at, or_never(a->restart_at));
    if (a->link == STAGE_OPENING)
        at = earliest(at, a->opens_at);
    if (a->up.first != NULL)
        at = earliest(at, a->up.first->at);
    if (a->down.first != NULL)
        at = earliest(at, a->down.first->at);
    return at;
}

static void before(struct stage *s, struct stage_actor *a)
{
    if (s->hooks.before != NULL)
        s->hooks.before(s->hooks.ctx, a);
}

static void after(struct stage *s, struct stage_actor *a, int rv)
{
    if (s->hooks.after != NULL)
        s->hooks.after(s->hooks.ctx, a, rv);
    else
        assert_int_equal(rv, 0);
    stage_carry_out(s, a);
}

static void give(struct stage *s, struct stage_actor *a, enum participant_input_kind kind,
                 struct bytes frame, int reason)
{
    struct participant_input in = {kind, frame, reason};
    before(s, a);
    after(s, a, participant_input(a->p, &in, s->now_us));
}

static void open_connection(struct stage *s, struct stage_actor *a)
{
    if (s->room == NULL) {
        a->link = STAGE_OFF;
        give(s, a, PARTICIPANT_DISCONNECTED, bytes_of(NULL, 0), REASON_UNREACHABLE);
        return;
    }
    a->link = STAGE_UP;
    a->conn = ++s->next_conn;
    a->greeted = false;
    a->up.latest = a->down.latest = 0;
    give(s, a, PARTICIPANT_CONNECTED, bytes_of(NULL, 0), 0);
}

static void actor_server_side(struct stage *s, struct stage_actor *a)
{
    if (a->closes_at != 0 && a->closes_at <= s->now_us) {
        a->closes_at = 0;
        if (a->closing != 0 && s->room != NULL) {
            room_close(s->room, a->closing, s->now_us);
            drain_room(s);
        }
        a->closing = 0;
    }
    if (a->up.first != NULL && a->up.first->at <= s->now_us) {
        struct stage_frame *f = wire_take(&a->up);
        if (s->room != NULL && a->conn != 0)
            server_receives(s, a, buf_view(&f->data));
        frame_free(f);
    }
}

static void actor_step(struct stage *s, struct stage_actor *a)
{
    actor_server_side(s, a);
    if (a->restart_at != 0 && a->restart_at <= s->now_us) {
        a->restart_at = 0;
        start(s, a);
    }
    if (a->p != NULL && a->link == STAGE_OPENING && a->opens_at <= s->now_us)
        open_connection(s, a);
    if (a->down.first != NULL && a->down.first->at <= s->now_us) {
        struct stage_frame *f = wire_take(&a->down);
        trace(s, a, "<-", buf_view(&f->data));
        if (a->p != NULL)
            give(s, a, PARTICIPANT_FRAME, buf_view(&f->data), 0);
        else if (a->arrive != NULL)
            a->arrive(a->arrive_ctx, buf_view(&f->data));
        frame_free(f);
    }
    if (a->told_at != 0 && a->told_at <= s->now_us && a->down.first == NULL) {
        hang_up(s, a, 0);
        if (a->p != NULL)
            give(s, a, PARTICIPANT_DISCONNECTED, bytes_of(NULL, 0), 0);
        else if (a->arrive != NULL)
            a->arrive(a->arrive_ctx, bytes_of(NULL, 0));
    } else if (a->told_at != 0 && a->told_at <= s->now_us) {
        a->told_at = a->down.latest + 1;
    }
    if (a->p != NULL && participant_deadline(a->p) <= s->now_us) {
        before(s, a);
        after(s, a, participant_tick(a->p, s->now_us));
        if (a->p != NULL && participant_deadline(a->p) <= s->now_us)
            fail_msg("%s: a deadline that a tick does not meet", a->name);
    }
}

static void step(struct stage *s, uint64_t until)
{
    uint64_t at = s->room != NULL ? room_deadline(s->room) : UINT64_MAX;
    at = earliest(at, or_never(s->server_restart_at));
    for (size_t i = 0; i < s->n; i++)
        at = earliest(at, actor_next(s->actors[i]));
    s->now_us = at < s->now_us ? s->now_us : earliest(at, until);
    if (s->server_restart_at != 0 && s->server_restart_at <= s->now_us) {
        s->server_restart_at = 0;
        start_server(s);
    }
    if (s->room != NULL && room_deadline(s->room) <= s->now_us) {
        assert_int_equal(room_tick(s->room, s->now_us), 0);
        drain_room(s);
        if (s->room != NULL && room_deadline(s->room) <= s->now_us)
            fail_msg("the room has a deadline that a tick does not meet");
    }
    for (size_t i = 0; i < s->n; i++)
        if (actor_next(s->actors[i]) <= s->now_us)
            actor_step(s, s->actors[i]);
}

bool stage_until(struct stage *s, uint64_t us, bool (*cond)(struct stage *s, void *ctx), void *ctx)
{
    uint64_t until = s->now_us + us;
    while (s->now_us < until) {
        if (cond != NULL && cond(s, ctx))
            return true;
        step(s, until);
    }
    return cond != NULL && cond(s, ctx);
}

void stage_run(struct stage *s, uint64_t us)
{
    stage_until(s, us, NULL, NULL);
}

static bool all_in(struct stage *s, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < s->n; i++)
        if (s->actors[i]->restart_at != 0 ||
            (s->actors[i]->p != NULL &&
             participant_phase(s->actors[i]->p) != PARTICIPANT_IN_MEETING &&
             participant_phase(s->actors[i]->p) != PARTICIPANT_OVER))
            return false;
    return true;
}

bool stage_until_all_in(struct stage *s, uint64_t us)
{
    return stage_until(s, us, all_in, NULL);
}

/* ---- Life ---- */

void stage_open_at(struct stage *s, uint64_t seed, uint64_t now,
                   void (*change)(struct card_terms *terms))
{
    *s = (struct stage){.random = {seed}, .delay_us = DELAY_US, .jitter_us = JITTER_US};
    meeting_world_init_at(&s->world, now);
    if (change != NULL) {
        struct card_terms terms = meeting_world_terms(&s->world);
        change(&terms);
        meeting_world_set_card(&s->world, &terms);
    }
    s->now_us = now * STAGE_SECOND;
    assert_int_equal(card_read(buf_view(&s->world.card), &s->card), 0);
    start_server(s);
}

void stage_open_terms(struct stage *s, uint64_t seed, void (*change)(struct card_terms *terms))
{
    stage_open_at(s, seed, MEETING_NOW, change);
}

void stage_open(struct stage *s, uint64_t seed)
{
    stage_open_terms(s, seed, NULL);
}

void stage_share_trust(struct stage *s)
{
    assert_int_equal(participant_trust_new(&s->trust), 0);
    assert_int_equal(participant_trust_remember(s->trust, 1 << 15), 0);
}

void stage_close(struct stage *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct stage_actor *a = s->actors[i];
        participant_free(a->p);
        participant_trust_free(a->own_trust);
        disk_fini(&a->disk);
        wire_clear(&a->up);
        wire_clear(&a->down);
        free(a);
    }
    participant_trust_free(s->trust);
    room_free(s->room);
    disk_fini(&s->disk);
    card_free(s->card);
    free(s->epochs);
    meeting_world_fini(&s->world);
}

void stage_inject(struct stage *s, struct stage_actor *a, const struct signal_message *m)
{
    struct buf frame = {0};
    assert_int_equal(signal_write(m, &frame), 0);
    wire_put(s, &a->down, buf_view(&frame));
    buf_free(&frame);
}

void stage_inject_up(struct stage *s, struct stage_actor *a, const struct signal_message *m)
{
    struct buf frame = {0};
    assert_int_equal(signal_write(m, &frame), 0);
    wire_put(s, &a->up, buf_view(&frame));
    buf_free(&frame);
}
