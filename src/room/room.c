/* A room's life: made, spoken to, ticked, ended. */
#include "room/room.h"

#include <stdlib.h>

#include "base/earlier.h"
#include "room/inside.h"
#include "signal/media.h"

/* ---- Making ---- */

static void lists_init(struct room *r)
{
    struct list *lists[] = {&r->opening, &r->rejoining, &r->marked,   &r->slow,    &r->feed,
                            &r->away,    &r->due,       &r->removing, &r->changed, &r->batches};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        list_init(lists[i]);
    for (int state = 0; state < WAIT_STATES; state++)
        list_init(&r->door[state]);
}

static int tables_init(struct room *r)
{
    struct mix_seed seed = {0};
    int rv = crypto_random(r->crypto, r->table_key, sizeof r->table_key);
    if (rv == 0)
        rv = crypto_random(r->crypto, (uint8_t *)&seed, sizeof seed);
    if (rv == 0)
        rv = room_table_init(&r->conns, seed);
    if (rv == 0)
        rv = room_table_init(&r->waits_by_ref, seed);
    return rv != 0 ? rv : room_table_init(&r->waits_by_key, seed);
}

int room_new(const struct room_config *config, struct room **out)
{
    const struct card_terms *card = card_terms(config->card);
    if (crypto_suite(config->crypto) != card->suites[0] ||
        !bytes_equal(crypto_signer_public(config->signer), card->server_key))
        return CONCLAVE_EINVAL;
    struct room *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CONCLAVE_ENOMEM;
    lists_init(r);
    r->card = card_share(config->card);
    r->crypto = config->crypto;
    r->signer = config->signer;
    r->terms =
        (struct verdict_terms){.crypto = r->crypto, .anchors = config->anchors, .card = r->card};
    r->max_participants =
        config->max_participants != 0 ? config->max_participants : ROOM_PARTICIPANTS;
    r->max_waiting = config->max_waiting != 0 ? config->max_waiting : ROOM_WAITING;
    r->empty_since = UINT64_MAX;
    int rv = tables_init(r);
    if (rv != 0) {
        room_free(r);
        return rv;
    }
    *out = r;
    return 0;
}

int room_restore(const struct room_config *config, struct bytes snapshot,
                 const struct bytes *commits, size_t n_commits, uint64_t now_us, struct room **out)
{
    struct room *r = NULL;
    int rv = room_new(config, &r);
    if (rv != 0)
        return rv;
    r->now = now_us;
    rv = room_save_restore(r, snapshot, commits, n_commits);
    if (rv != 0) {
        room_free(r);
        return rv;
    }
    *out = r;
    return 0;
}

static void conns_fini(struct room *r)
{
    for (size_t i = 0; i < r->conns.cap; i++)
        while (r->conns.heads[i] != NULL)
            room_conn_drop(r, LIST_OWNER(r->conns.heads[i], struct conn, by_number));
    room_table_fini(&r->conns);
    free((void *)r->live);
}

/* Everything about the group that is over. */
static void group_fini(struct room *r)
{
    while (r->batches.n != 0)
        room_batch_free(LIST_OWNER(list_pop(&r->batches), struct batch, line));
    room_undo_forget(r);
    room_info_forget(r);
    room_seats_fini(r);
    room_kept_list_fini(&r->proposals);
    room_history_fini(&r->history);
    room_recent_fini(&r->recent);
    mls_public_group_free(r->group);
    r->group = NULL;
    r->leader = NULL;
    r->stored_commits = r->stored_bytes = 0;
    r->removals_due = r->roles_stale = false;
}

void room_free(struct room *r)
{
    if (r == NULL)
        return;
    conns_fini(r);
    room_door_fini(r);
    group_fini(r);
    room_table_fini(&r->waits_by_ref);
    room_table_fini(&r->waits_by_key);
    room_audience_free(r->everybody);
    room_audience_free(r->hosts);
    room_effects_fini(&r->effects);
    room_verdicts_fini(&r->verdicts);
    card_free(r->card);
    free(r);
}

/* ---- The end of a group ---- */

static void dismiss_members(struct room *r, int reason)
{
    for (uint32_t i = 0; i < r->n_seats; i++) {
        struct seat *s = room_seat_find(r, i);
        if (s == NULL)
            continue;
        if (s->conn != NULL)
            room_conn_fault(r, s->conn, reason);
        if (s->rejoining != NULL)
            room_conn_fault(r, s->rejoining, reason);
        if (s->owner != NULL)
            s->owner->seat = NULL;
        if (s->wait != NULL) {
            s->wait->seat = NULL;
            room_wait_set_state(r, s->wait, WAIT_NEW);
        }
        s->wait = s->owner = NULL;
    }
}

static void dismiss_waiting(struct room *r)
{
    for (int state = 0; state < WAIT_GONE; state++) {
        struct link *k;
        while ((k = list_first(&r->door[state])) != NULL)
            room_conn_fault(r, LIST_OWNER(k, struct wait, line)->conn, REASON_ENDED);
    }
}

void room_finish(struct room *r, int reason)
{
    room_effects_store(&r->effects, ROOM_FORGET, 0, NULL);
    room_effects_log(&r->effects, ROOM_EVENT_ENDED, MLS_NO_LEAF);
    room_joiners_take_back(r);
    dismiss_members(r, reason);
    if (reason == REASON_ENDED)
        dismiss_waiting(r);
    r->door_stale = true;
    group_fini(r);
}

int room_end(struct room *r, uint64_t now_us)
{
    r->now = now_us;
    int rv = room_effects_reserve(&r->effects, ROOM_FINISH_EFFECTS);
    if (rv != 0)
        return rv;
    if (r->group != NULL)
        room_finish(r, REASON_ENDED);
    else
        dismiss_waiting(r);
    room_settle(r);
    return 0;
}

/* ---- Input ---- */

/* SelfRemove was proposed before; where it got lost, the server proposes it. */
static int leave(struct room *r, struct conn *c, const struct signal_message *m)
{
    (void)m;
    struct seat *s = c->state == CONN_MEMBER ? c->seat : NULL;
    room_conn_end(r, c, REASON_LEFT);
    if (s != NULL)
        room_seat_remove(r, s, REMOVAL_LEFT);
    return 0;
}

/* Not for the room: it only says who speaks. */
static int media(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct signal_media unused;
    struct buf copy = {0};
    int rv = signal_media_read(m->body, &unused);
    if (rv != 0 || !signal_media_from_member(unused.kind)) {
        room_conn_fault(r, c, REASON_MALFORMED);
        return room_system_error(rv);
    }
    buf_put(&copy, m->body);
    rv = buf_check(&copy);
    if (rv == 0)
        rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        room_effects_media(&r->effects, c->by_number.key, c->seat->leaf, &copy);
    buf_free(&copy);
    return rv;
}

#define IN(state) (1u << CONN_##state)

/* What may be said in which state, and who hears it. */
static const struct rule {
    unsigned states;
    int (*handle)(struct room *r, struct conn *c, const struct signal_message *m);
} rules[] = {
    [SIGNAL_FOUND] = {IN(CHALLENGED), room_opening_found},
    [SIGNAL_KNOCK] = {IN(CHALLENGED), room_door_knock},
    [SIGNAL_RESUME] = {IN(CHALLENGED), room_opening_resume},
    [SIGNAL_REJOIN] = {IN(CHALLENGED), room_opening_rejoin},
    [SIGNAL_PROPOSE] = {IN(MEMBER), room_order_propose},
    [SIGNAL_COMMIT] = {IN(MEMBER) | IN(REJOINING), room_order_commit},
    [SIGNAL_WELCOME] = {IN(MEMBER), room_welcome_serve},
    [SIGNAL_APP] = {IN(MEMBER), room_order_app},
    [SIGNAL_INFO] = {IN(MEMBER), room_info_given},
    [SIGNAL_REFUSE] = {IN(MEMBER), room_lobby_refuse},
    [SIGNAL_COMPLAINT] = {IN(MEMBER), room_undo_complain},
    [SIGNAL_MEDIA] = {IN(MEMBER), media},
    [SIGNAL_LEAVE] = {IN(CHALLENGED) | IN(WAITING) | IN(REJOINING) | IN(MEMBER), leave},
};

int room_handle(struct room *r, struct conn *c, struct bytes frame)
{
    struct signal_message m;
    int rv = signal_read(frame, &m);
    if (rv != 0) {
        room_conn_fault(r, c, rv == CONCLAVE_ELIMIT ? REASON_TOO_LARGE : REASON_MALFORMED);
        return room_system_error(rv);
    }
    const struct rule *rule =
        m.type < sizeof rules / sizeof rules[0] ? &rules[m.type] : &rules[SIGNAL_HELLO];
    if ((rule->states & 1u << c->state) == 0) {
        room_conn_fault(r, c, REASON_UNEXPECTED);
        return 0;
    }
    return rule->handle(r, c, &m);
}

int room_open(struct room *r, uint64_t conn, uint64_t now_us)
{
    r->now = now_us;
    int rv = room_conn_open(r, conn);
    room_settle(r);
    return rv;
}

int room_input(struct room *r, uint64_t conn, struct bytes frame, uint64_t now_us)
{
    r->now = now_us;
    struct conn *c = room_conn_find(r, conn);
    int rv = c == NULL ? 0 : room_conn_input(r, c, frame);
    room_settle(r);
    return rv;
}

void room_close(struct room *r, uint64_t conn, uint64_t now_us)
{
    r->now = now_us;
    struct conn *c = room_conn_find(r, conn);
    if (c != NULL)
        room_conn_drop(r, c);
    room_settle(r);
}

/* ---- Time ---- */

int room_tick(struct room *r, uint64_t now_us)
{
    r->now = now_us;
    room_conn_expire(r);
    room_welcome_expire(r);
    room_seats_expire(r);
    int rv = room_conn_resume_slow(r);
    room_settle(r);
    return rv;
}

uint64_t room_deadline(const struct room *r)
{
    uint64_t at = UINT64_MAX;
    const struct link *opening = list_first(&r->opening), *due = list_first(&r->due),
                      *batch = list_first(&r->batches);
    if (r->unsettled)
        at = earlier(at, r->now + ROOM_RETRY_TIME);
    if (r->slow.n != 0)
        at = earlier(at, r->now + ROOM_MESSAGE_INTERVAL);
    if (opening != NULL)
        at = earlier(at, LIST_OWNER(opening, const struct conn, line)->since + ROOM_OPENING_TIME);
    if (due != NULL)
        at = earlier(at, LIST_OWNER(due, const struct seat, due)->away_since + ROOM_AWAY_TIME);
    if (batch != NULL)
        at = earlier(at, LIST_OWNER(batch, const struct batch, line)->deadline);
    if (r->leader != NULL && r->door[WAIT_HANDED].n != 0)
        at = earlier(at, r->leader_deadline);
    if (r->info_from != NULL && r->rejoining.n != 0)
        at = earlier(at, r->info_deadline);
    if (r->changed.n != 0)
        at = earlier(at, r->presence_at);
    if (r->group != NULL && r->n_live == 0)
        at = earlier(at, r->empty_since + room_empty_time(r));
    return at;
}

bool room_next(struct room *r, struct room_effect *out)
{
    return room_effects_next(&r->effects, out);
}

/* ---- Looking at it ---- */

void room_summary(const struct room *r, struct room_summary *out)
{
    struct meeting_state state;
    *out = r->counts;
    out->running = r->group != NULL;
    out->connected = (uint32_t)r->n_live;
    out->connections = (uint32_t)r->conns.n;
    out->waiting = (uint32_t)(r->waits_by_ref.n - r->door[WAIT_GONE].n);
    out->memory = r->history.bytes + r->proposals.bytes;
    if (r->group == NULL)
        return;
    out->epoch = room_group_epoch(r);
    out->members = mls_public_group_member_count(r->group);
    if (room_group_state(r, &state) == 0) {
        out->locked = state.locked;
        out->ended = state.ended;
        out->started_at = state.started_at;
    }
}

bool room_epoch(const struct room *r, uint64_t *out_epoch, uint32_t *out_leaves)
{
    if (r->group == NULL)
        return false;
    *out_epoch = room_group_epoch(r);
    *out_leaves = r->group->tree.width;
    return true;
}

bool room_is_idle(const struct room *r)
{
    return r->group == NULL && r->conns.n == 0 && r->effects.n == 0;
}

const char *room_event_name(enum room_event event)
{
    static const char *const names[] = {
        [ROOM_EVENT_FOUNDED] = "founded", [ROOM_EVENT_JOINED] = "joined",
        [ROOM_EVENT_LEFT] = "left",       [ROOM_EVENT_REMOVED] = "removed",
        [ROOM_EVENT_LOCKED] = "locked",   [ROOM_EVENT_UNLOCKED] = "unlocked",
        [ROOM_EVENT_ENDED] = "ended",     [ROOM_EVENT_REFUSED] = "refused",
        [ROOM_EVENT_UNDONE] = "undone",
    };
    size_t i = (size_t)event;
    return i < sizeof names / sizeof names[0] && names[i] != NULL ? names[i] : "unknown";
}
