/* What an accepted commit changes. All that can fail is prepared before the group moves on; then
 * the commit is stored, sent to all, and seats and door follow. */
#include <stdlib.h>
#include <string.h>

#include "crypto/suite.h"
#include "room/inside.h"

/* Somebody who comes or goes. */
struct change {
    bool adds;
    uint32_t leaf;
    int reason;        /* gone: what its connection is told */
    struct wait *wait; /* added: who it is at the door, or NULL */
};

/* Everything that is needed, allocated. */
struct plan {
    struct record record; /* proposals borrowed from the room */
    struct buf stored;
    struct mls_public_group *before;
    uint8_t hash[SHA256_SIZE];
    struct audience *to;
    struct batch *batch; /* NULL: nobody is to be welcomed */
    struct change *changes;
    size_t n;
    struct pace rejoin; /* of who takes another leaf */
    uint32_t old_leaf;  /* of the committer */
    bool external, state_changed, was_locked, is_locked, ended;
};

static void plan_fini(struct plan *p)
{
    room_kept_fini(&p->record.commit);
    buf_free(&p->stored);
    mls_public_group_free(p->before);
    if (p->batch != NULL)
        mls_tree_fini(&p->batch->tree);
    free(p->batch);
    free(p->changes);
}

/* ---- Preparing ---- */

static int reason_of_removal(const struct room *r, const struct mls_proposal_info *p)
{
    const struct seat *s = room_seat_find(r, p->leaf);
    if (p->type == MLS_SELF_REMOVE || (s != NULL && s->removal == REMOVAL_LEFT))
        return REASON_LEFT;
    if (p->sender.type != MLS_SENDER_EXTERNAL)
        return REASON_EJECTED;
    return s != NULL && s->removal == REMOVAL_OFFENDER ? REASON_UNDONE
                                                       : REASON_REMOVED_DISCONNECTED;
}

/* One who is on a leaf already has to lose it before it can be somebody at the door again. */
static struct wait *newcomer(const struct room *r, const struct mls_member *m)
{
    struct wait *w = room_door_find_member(r, m);
    return w != NULL && w->state != WAIT_ADDED ? w : NULL;
}

static int plan_change(struct room *r, const struct mls_proposal_info *info, struct plan *p)
{
    struct change *change = &p->changes[p->n];
    int rv = 0;
    if (info->type == MLS_ADD) {
        rv = room_seats_reserve(r, info->leaf);
        *change =
            (struct change){.adds = true, .leaf = info->leaf, .wait = newcomer(r, &info->member)};
        p->n++;
    } else if (info->type == MLS_REMOVE || info->type == MLS_SELF_REMOVE) {
        *change = (struct change){.leaf = info->leaf, .reason = reason_of_removal(r, info)};
        p->n++;
    }
    return rv;
}

static int plan_changes(struct room *r, const struct mls_staged *staged, struct plan *p)
{
    size_t n = mls_staged_proposal_count(staged), welcomes = 0;
    int rv = 0;
    p->changes = calloc(n + 1, sizeof *p->changes);
    if (p->changes == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; rv == 0 && i < n; i++) {
        struct mls_proposal_info info;
        rv = mls_staged_proposal(staged, i, &info);
        if (rv == 0)
            rv = plan_change(r, &info, p);
    }
    for (size_t i = 0; i < p->n; i++)
        welcomes += p->changes[i].wait != NULL;
    if (rv != 0 || welcomes == 0)
        return rv;
    p->batch = calloc(1, sizeof *p->batch);
    if (p->batch == NULL)
        return CONCLAVE_ENOMEM;
    mls_tree_clone(&staged->tree, &p->batch->tree);
    p->batch->n = welcomes;
    return 0;
}

static int state_of(struct bytes extensions, struct bytes *out_data, struct meeting_state *out)
{
    int rv = mls_extension_find(extensions, MEETING_EXT_STATE, out_data);
    return rv != 0 ? rv : meeting_state_read(*out_data, out);
}

static int plan_state(const struct mls_staged *staged, struct plan *p)
{
    struct mls_context before, after;
    struct bytes old_data, new_data;
    struct meeting_state old_state, new_state;
    mls_staged_old_context(staged, &before);
    mls_staged_new_context(staged, &after);
    int rv = state_of(before.extensions, &old_data, &old_state);
    if (rv == 0)
        rv = state_of(after.extensions, &new_data, &new_state);
    if (rv != 0)
        return rv;
    p->state_changed = !bytes_equal(old_data, new_data);
    p->was_locked = old_state.locked;
    p->is_locked = new_state.locked;
    p->ended = new_state.ended;
    return 0;
}

static int plan_record(struct room *r, struct bytes message, struct plan *p)
{
    p->record = (struct record){
        .epoch = room_group_epoch(r), .at = room_seconds(r), .proposals = r->proposals};
    int rv = room_kept_new(SIGNAL_COMMITTED, message, &p->record.commit);
    if (rv != 0)
        return rv;
    room_record_write(&p->record, &p->stored);
    rv = buf_check(&p->stored);
    if (rv == 0)
        rv = room_history_reserve(&r->history);
    return rv != 0 ? rv : crypto_sha256(message, p->hash);
}

static int plan_init(struct room *r, const struct conn *c, const struct mls_received *commit,
                     struct bytes message, struct plan *p)
{
    p->external = c->state == CONN_REJOINING;
    p->old_leaf = c->seat->leaf;
    p->rejoin = c->seat->rejoin;
    int rv = plan_state(commit->staged, p);
    if (rv == 0)
        rv = plan_changes(r, commit->staged, p);
    if (rv == 0)
        rv = room_seats_reserve(r, mls_staged_committer(commit->staged));
    if (rv == 0)
        rv = plan_record(r, message, p);
    if (rv == 0)
        rv = room_group_clone(r, &p->before);
    if (rv == 0)
        rv = room_everybody(r, &p->to);
    if (rv == 0) /* stored, sent twice, locked, and who came and went */
        rv = room_effects_reserve(&r->effects, 4 + p->n + ROOM_FINISH_EFFECTS);
    return rv;
}

/* ---- Following ---- */

static void log_change(struct room *r, const struct change *change)
{
    enum room_event event = ROOM_EVENT_REMOVED;
    if (change->adds)
        event = ROOM_EVENT_JOINED;
    else if (change->reason == REASON_LEFT)
        event = ROOM_EVENT_LEFT;
    room_effects_log(&r->effects, event, change->leaf);
}

static void remove_member(struct room *r, const struct change *change)
{
    struct seat *s = room_seat_find(r, change->leaf);
    if (s == NULL)
        return;
    if (s->conn != NULL)
        room_conn_fault(r, s->conn, change->reason);
    if (s->rejoining != NULL)
        room_conn_fault(r, s->rejoining, REASON_NOT_A_MEMBER);
    if (s->wait != NULL)
        room_conn_fault(r, s->wait->conn, change->reason);
    room_seat_vacate(r, s);
}

static void add_member(struct room *r, const struct change *change)
{
    struct wait *w = change->wait;
    room_seat_take(r, change->leaf, room_group_epoch(r));
    struct seat *s = room_seat_find(r, change->leaf);
    if (w != NULL) {
        if (w->state == WAIT_HANDED) /* the leader is at work */
            r->leader_deadline = r->now + ROOM_LEADER_TIME;
        s->wait = w;
        w->seat = s;
        room_wait_set_state(r, w, WAIT_ADDED);
    }
    room_seat_leave(r, s);
}

/* Who came by external commit has its new leaf, and what was counted against the old one. */
static void move_member(struct room *r, struct conn *c, uint32_t leaf, struct pace rejoin)
{
    room_seat_take(r, leaf, room_group_epoch(r));
    struct seat *s = room_seat_find(r, leaf);
    s->rejoin = rejoin;
    room_conn_leave_line(r, c);
    c->state = CONN_MEMBER;
    room_seat_connect(r, s, c, room_group_epoch(r));
}

static void follow_members(struct room *r, struct conn *c, const struct plan *p, uint32_t leaf)
{
    if (p->external) {
        c->seat->rejoining = NULL; /* so that it survives its old leaf */
        c->seat = NULL;
    }
    for (size_t i = 0; i < p->n; i++)
        if (!p->changes[i].adds)
            remove_member(r, &p->changes[i]);
    for (size_t i = 0; i < p->n; i++)
        if (p->changes[i].adds)
            add_member(r, &p->changes[i]);
    if (p->external)
        move_member(r, c, leaf, p->rejoin);
    for (size_t i = 0; i < p->n && !p->external; i++)
        log_change(r, &p->changes[i]);
    if (p->was_locked != p->is_locked)
        room_effects_log(&r->effects, p->is_locked ? ROOM_EVENT_LOCKED : ROOM_EVENT_UNLOCKED, leaf);
}

static void keep_undo(struct room *r, struct plan *p, uint32_t leaf)
{
    room_undo_forget(r);
    r->undo = (struct undo){.before = p->before, .committer = p->old_leaf, .seat = leaf};
    memcpy(r->undo.hash, p->hash, sizeof r->undo.hash);
    p->before = NULL;
}

static void keep_batch(struct room *r, struct plan *p, uint32_t leaf)
{
    struct batch *b = p->batch;
    if (b == NULL)
        return;
    b->epoch = room_group_epoch(r);
    b->committer = leaf;
    b->deadline = r->now + ROOM_WELCOME_TIME;
    list_put(&r->batches, &b->line);
    p->batch = NULL;
}

/* The group has moved on: what follows cannot fail. */
static void follow(struct room *r, struct conn *c, struct plan *p, uint32_t leaf)
{
    uint64_t epoch = p->record.epoch;
    r->stored_commits++;
    r->stored_bytes += p->stored.n;
    room_effects_store(&r->effects, ROOM_COMMIT, epoch, &p->stored);
    room_effects_send(&r->effects, p->to, p->record.commit.frame);
    if (p->external)
        room_effects_send_one(&r->effects, c->by_number.key, p->record.commit.frame);
    r->proposals = (struct kept_list){0};
    room_history_put(&r->history, &p->record);
    r->counts.commits++;
    r->removals = 0;
    r->removals_due = true;
    room_info_forget(r);
    keep_undo(r, p, leaf);
    keep_batch(r, p, leaf);
    follow_members(r, c, p, leaf);
    if (p->state_changed)
        r->door_stale = r->roles_stale = true;
    if (p->ended)
        room_finish(r, REASON_ENDED);
}

int room_accept_commit(struct room *r, struct conn *c, struct mls_received *commit,
                       struct bytes message)
{
    struct plan p = {0};
    uint32_t leaf = mls_staged_committer(commit->staged);
    int rv = plan_init(r, c, commit, message, &p);
    if (rv == 0)
        rv = mls_public_group_merge(r->group, mls_received_take(commit));
    if (rv == 0)
        follow(r, c, &p, leaf);
    plan_fini(&p);
    return rv;
}
