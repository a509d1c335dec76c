/* What has to be said about what has changed. Each step may fail for want of memory; then its marks
 * stay, and the next call goes on. */
#include "room/inside.h"

/* ---- Receivers ---- */

static int audience_of(const struct room *r, bool hosts_only, struct audience **out)
{
    struct audience *a = room_audience_new(r->n_live);
    if (a == NULL)
        return CONCLAVE_ENOMEM;
    a->n = 0;
    for (size_t i = 0; i < r->n_live; i++)
        if (!hosts_only || r->live[i]->is_host)
            a->conns[a->n++] = r->live[i]->by_number.key;
    *out = a;
    return 0;
}

int room_everybody(struct room *r, struct audience **out)
{
    int rv = r->everybody != NULL ? 0 : audience_of(r, false, &r->everybody);
    *out = r->everybody;
    return rv;
}

int room_hosts(struct room *r, struct audience **out)
{
    int rv = r->hosts != NULL ? 0 : audience_of(r, true, &r->hosts);
    *out = r->hosts;
    return rv;
}

int room_broadcast(struct room *r, const struct signal_message *m)
{
    struct room_frame *f = NULL;
    struct audience *to = NULL;
    if (r->n_live == 0)
        return 0;
    int rv = room_everybody(r, &to);
    if (rv == 0)
        rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        rv = room_frame_new(m, &f);
    if (rv == 0)
        room_effects_send(&r->effects, to, f);
    room_frame_free(f);
    return rv;
}

int room_say(struct room *r, const struct conn *c, const struct signal_message *m)
{
    struct room_frame *f = NULL;
    int rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        rv = room_frame_new(m, &f);
    if (rv == 0)
        room_effects_send_one(&r->effects, c->by_number.key, f);
    room_frame_free(f);
    return rv;
}

/* ---- To one connection ---- */

static int say_end(struct room *r, struct conn *c)
{
    uint64_t number = c->by_number.key;
    struct room_frame *f = NULL;
    int rv = room_effects_reserve(&r->effects, 2);
    if (rv != 0)
        return rv;
    if (c->fault) {
        f = room_fault_frame(c->end);
        if (f == NULL)
            return CONCLAVE_ENOMEM;
        room_effects_send_one(&r->effects, number, f);
    }
    room_effects_close(&r->effects, number, c->end);
    room_frame_free(f);
    room_conn_drop(r, c);
    return 0;
}

static enum signal_waiting waiting_of(const struct wait *w)
{
    switch (w->state) {
    case WAIT_START:
        return SIGNAL_WAIT_NOT_STARTED;
    case WAIT_LOBBY:
        return SIGNAL_WAIT_LOBBY;
    default:
        return SIGNAL_WAIT_ADDING;
    }
}

static int say_waiting(struct room *r, struct conn *c)
{
    enum signal_waiting why = waiting_of(c->wait);
    if (c->wait->told == why)
        return 0;
    int rv =
        room_say(r, c, &(struct signal_message){.type = SIGNAL_WAITING, .waiting = (uint8_t)why});
    if (rv == 0)
        c->wait->told = (uint8_t)why;
    return rv;
}

static void send_list(struct room *r, const struct conn *c, const struct kept_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        room_effects_send_one(&r->effects, c->by_number.key, l->p[i].frame);
}

/* Every commit since, each after the proposals it may refer to, then those of this epoch. */
static int send_missed(struct room *r, const struct conn *c, size_t more)
{
    size_t first = room_history_find(&r->history, c->from), n = more + r->proposals.n;
    for (size_t i = first; i < r->history.n; i++)
        n += room_history_at(&r->history, i)->proposals.n + 1;
    int rv = room_effects_reserve(&r->effects, n);
    if (rv != 0)
        return rv;
    for (size_t i = first; i < r->history.n; i++) {
        send_list(r, c, &room_history_at(&r->history, i)->proposals);
        room_effects_send_one(&r->effects, c->by_number.key,
                              room_history_at(&r->history, i)->commit.frame);
    }
    send_list(r, c, &r->proposals);
    return 0;
}

static int is_host(struct room *r, const struct conn *c, bool *out)
{
    struct meeting_state state;
    struct mls_member member;
    struct identity id;
    int rv = mls_public_group_member(r->group, c->seat->leaf, &member);
    if (rv == 0)
        rv = room_group_identity(r, &member, &id);
    if (rv == 0)
        rv = room_group_state(r, &state);
    if (rv == 0)
        *out = meeting_role(r->card, &state, &id) >= MEETING_COHOST;
    return rv;
}

/* docs/PROTOCOL.md section 5, Resume: the commits, the proposals, Live, Presence, messages. */
static int say_live(struct room *r, struct conn *c)
{
    struct signal_message live = {
        .type = SIGNAL_LIVE, .epoch = room_group_epoch(r), .leaf = c->seat->leaf};
    struct signal_message presence = {.type = SIGNAL_PRESENCE};
    struct room_frame *live_frame = NULL, *presence_frame = NULL;
    struct buf list = {0};
    bool host = false;
    int rv = is_host(r, c, &host);
    if (rv == 0)
        rv = room_conn_live_reserve(r);
    room_presence_write(r, &list);
    presence.presence = buf_view(&list);
    if (rv == 0)
        rv = buf_check(&list);
    if (rv == 0)
        rv = room_frame_new(&live, &live_frame);
    if (rv == 0)
        rv = room_frame_new(&presence, &presence_frame);
    if (rv == 0)
        rv = send_missed(r, c, 2 + room_recent_count(&r->recent, c->missed_since));
    if (rv == 0) {
        room_effects_send_one(&r->effects, c->by_number.key, live_frame);
        room_effects_send_one(&r->effects, c->by_number.key, presence_frame);
        room_recent_send(r, c, c->missed_since);
        room_conn_set_live(r, c, true);
        room_conn_set_host(r, c, host);
        c->say_live = false;
    }
    room_frame_free(live_frame);
    room_frame_free(presence_frame);
    buf_free(&list);
    return rv;
}

static int say(struct room *r, struct conn *c)
{
    int rv = 0;
    switch (c->state) {
    case CONN_ENDING:
        return say_end(r, c);
    case CONN_WAITING:
        return say_waiting(r, c);
    case CONN_MEMBER:
        if (c->say_live)
            rv = say_live(r, c);
        if (rv == 0 && c->say_lobby)
            rv = room_lobby_show(r, c);
        return rv;
    default:
        return 0;
    }
}

static int marked_settle(struct room *r)
{
    struct link *k;
    int rv = 0;
    while (rv == 0 && (k = list_pop(&r->marked)) != NULL) {
        rv = say(r, LIST_OWNER(k, struct conn, marked));
        if (rv != 0 && !link_is_in(k)) /* then it is still there */
            list_put_first(&r->marked, k);
    }
    return rv;
}

/* ---- To hosts ---- */

static int roles_settle(struct room *r)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && r->roles_stale && i < r->n_live; i++) {
        bool host = false;
        rv = is_host(r, r->live[i], &host);
        if (rv == 0)
            room_conn_set_host(r, r->live[i], host);
    }
    if (rv == 0)
        r->roles_stale = false;
    return rv;
}

/* ---- All of it ---- */

/* Nobody will ever resume this group: its members have said Leave, or knock anew with their keys
 * because they have lost it. */
static bool all_have_left(const struct room *r)
{
    if (r->n_live != 0 || r->removing.n != mls_public_group_member_count(r->group))
        return false;
    for (struct link *k = list_first(&r->removing); k != NULL; k = list_next(&r->removing, k)) {
        enum removal why = LIST_OWNER(k, struct seat, removing)->removal;
        if (why != REMOVAL_LEFT && why != REMOVAL_REPLACED)
            return false;
    }
    return true;
}

static bool has_founder(const struct room *r, enum wait_state state)
{
    const struct list *l = &r->door[state];
    for (struct link *k = list_first(l); k != NULL; k = list_next(l, k))
        if (meeting_may_found(r->card, &LIST_OWNER(k, struct wait, line)->identity))
            return true;
    return false;
}

/* Those who are cut off have less time to come back while others wait for nothing. */
uint64_t room_empty_time(const struct room *r)
{
    return has_founder(r, WAIT_QUEUE) || has_founder(r, WAIT_NEW) ? ROOM_EMPTY_WAITED_TIME
                                                                  : ROOM_EMPTY_TIME;
}

static int over_settle(struct room *r)
{
    if (r->group == NULL || r->n_live != 0)
        return 0;
    bool empty = r->empty_since != UINT64_MAX && r->now - r->empty_since >= room_empty_time(r);
    if (!empty && !all_have_left(r))
        return 0;
    int rv = room_effects_reserve(&r->effects, ROOM_FINISH_EFFECTS);
    if (rv == 0)
        room_finish(r, REASON_GONE);
    return rv;
}

void room_settle(struct room *r)
{
    /* the door twice: who comes may end a group, and then has to be placed anew */
    static int (*const steps[])(struct room *) = {
        room_undo_settle,    room_door_settle, over_settle,          room_door_settle,
        roles_settle,        marked_settle,    room_presence_settle, room_removals_settle,
        room_joiners_settle, room_info_settle, room_lobby_settle,    room_save_settle,
    };
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < sizeof steps / sizeof steps[0]; i++)
        rv = steps[i](r);
    r->unsettled = rv != 0;
}
