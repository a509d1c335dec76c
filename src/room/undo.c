/* Complaints: a commit that nobody but its maker can follow, or accepts, is taken back
 * (docs/PROTOCOL.md section 5). The server cannot see this for itself: path secrets and tags are
 * for members to check. */
#include "room/inside.h"

void room_undo_forget(struct room *r)
{
    mls_public_group_free(r->undo.before);
    r->undo = (struct undo){0};
}

/* Those who came by it cannot complain, and are not asked. */
static bool is_asked(const struct room *r, const struct seat *s)
{
    return s->leaf != r->undo.seat && s->epoch != room_group_epoch(r);
}

/* The hash names the commit; one complaint of each counts. */
int room_undo_complain(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct seat *s = c->seat;
    r->counts.complaints++;
    if (r->undo.before == NULL || !is_asked(r, s) || s->complained == room_group_epoch(r) ||
        !bytes_equal(m->hash, bytes_of(r->undo.hash, sizeof r->undo.hash)))
        return 0;
    s->complained = room_group_epoch(r);
    r->undo.complaints++;
    return 0;
}

/* All who are asked and live complain, and there are two at least: who alone cannot follow comes
 * back by Rejoin, and cannot have another removed. */
static bool is_called_for(const struct room *r)
{
    size_t asked = 0;
    if (r->group == NULL || r->undo.before == NULL || r->undo.complaints < 2)
        return false;
    for (size_t i = 0; i < r->n_live; i++) {
        const struct seat *s = r->live[i]->seat;
        if (is_asked(r, s) && s->complained != room_group_epoch(r))
            return false;
        asked += is_asked(r, s);
    }
    return asked >= 2;
}

/* The proposals of the epoch count again. One that the group does not take any more is as if it
 * had not come. */
static int propose_again(struct mls_public_group *g, const struct record *record)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < record->proposals.n; i++) {
        struct mls_received received = {0};
        rv = room_system_error(mls_public_group_receive(g, kept_message(&record->proposals.p[i]),
                                                        record->at, &received));
        mls_received_free(&received);
    }
    return rv;
}

/* ---- Taking it back ---- */

/* What is not to fail half-way. */
struct plan {
    struct room_frame *undone;
    struct buf snapshot;
    struct audience *to;
    uint64_t epoch; /* to which it goes back */
    bool is_stored; /* the stored snapshot has the commit in it: it takes another */
};

static int plan_init(struct room *r, struct plan *p)
{
    struct mls_public_group *now = r->group;
    struct mls_member m;
    uint32_t leaf = 0;
    p->epoch = room_group_epoch(r) - 1;
    p->is_stored = r->snapshot_epoch > p->epoch;
    int rv = propose_again(r->undo.before, room_history_at(&r->history, r->history.n - 1));
    if (rv == 0)
        rv = room_frame_new(&(struct signal_message){.type = SIGNAL_UNDONE,
                                                     .epoch = p->epoch,
                                                     .leaf = r->undo.committer},
                            &p->undone);
    if (rv == 0)
        rv = room_everybody(r, &p->to);
    if (rv == 0)
        rv = room_effects_reserve(&r->effects, 3);
    while (rv == 0 && mls_public_group_next_member(r->undo.before, &leaf, &m))
        rv = room_seats_reserve(r, m.leaf_index);
    if (rv == 0 && p->is_stored) {
        r->group = r->undo.before;
        rv = room_save_snapshot(r, &p->snapshot);
        r->group = now;
    }
    return rv;
}

static void put_effects(struct room *r, struct plan *p)
{
    if (p->is_stored) {
        room_effects_store(&r->effects, ROOM_SNAPSHOT, p->epoch, &p->snapshot);
        r->snapshot_epoch = p->epoch;
        r->stored_commits = r->stored_bytes = 0;
    } else {
        room_effects_store(&r->effects, ROOM_UNDO, p->epoch, NULL);
        r->stored_commits--;
    }
    room_effects_send(&r->effects, p->to, p->undone);
    room_effects_log(&r->effects, ROOM_EVENT_UNDONE, r->undo.committer);
    r->counts.undone++;
}

static void restore_group(struct room *r)
{
    struct record last;
    room_history_pop(&r->history, &last);
    mls_public_group_free(r->group);
    r->group = r->undo.before;
    r->undo.before = NULL;
    room_kept_list_fini(&r->proposals);
    r->proposals = last.proposals;
    last.proposals = (struct kept_list){0};
    room_record_fini(&last);
}

/* Who came by the commit has come in vain. */
static void leave_seats(struct room *r, uint64_t joined)
{
    for (uint32_t i = 0; i < r->n_seats; i++) {
        struct seat *s = room_seat_find(r, i);
        if (s == NULL || s->epoch != joined)
            continue;
        struct wait *w = s->wait;
        if (w != NULL) {
            s->wait = NULL;
            w->seat = NULL;
            room_welcome_done(r, joined);
            room_wait_set_state(r, w, WAIT_NEW);
        }
        if (s->conn != NULL)
            room_conn_fault(r, s->conn, REASON_UNDONE);
        room_seat_vacate(r, s);
    }
}

static void restore_seats(struct room *r)
{
    struct mls_member m;
    uint32_t leaf = 0;
    while (mls_public_group_next_member(r->group, &leaf, &m)) {
        if (room_seat_find(r, m.leaf_index) != NULL)
            continue;
        room_seat_take(r, m.leaf_index, 0);
        room_seat_leave(r, room_seat_find(r, m.leaf_index));
    }
}

static void take_back(struct room *r, struct plan *p)
{
    uint32_t offender = r->undo.committer;
    put_effects(r, p);
    room_joiners_take_back(r);
    room_info_forget(r);
    leave_seats(r, p->epoch + 1);
    restore_group(r);
    restore_seats(r);
    struct seat *s = room_seat_find(r, offender);
    if (s->conn != NULL)
        room_conn_fault(r, s->conn, REASON_UNDONE);
    room_seat_remove(r, s, REMOVAL_OFFENDER);
    r->removals = 0;
    r->removals_due = r->door_stale = r->roles_stale = true;
    room_undo_forget(r);
}

int room_undo_settle(struct room *r)
{
    struct plan p = {0};
    if (!is_called_for(r))
        return 0;
    int rv = plan_init(r, &p);
    if (rv == 0)
        take_back(r, &p);
    room_frame_free(p.undone);
    buf_free(&p.snapshot);
    return rv;
}
