/* Welcomes: the committer sends one for all whom it added; each of them gets its own piece, with
 * the tree of the epoch it begins in (docs/PROTOCOL.md section 5). */
#include <stdlib.h>

#include "room/inside.h"

static struct batch *find_batch(const struct room *r, uint64_t epoch)
{
    for (struct link *k = list_first(&r->batches); k != NULL; k = list_next(&r->batches, k)) {
        struct batch *b = LIST_OWNER(k, struct batch, line);
        if (b->epoch == epoch)
            return b;
    }
    return NULL;
}

void room_batch_free(struct batch *b)
{
    mls_tree_fini(&b->tree);
    free(b);
}

void room_welcome_done(struct room *r, uint64_t epoch)
{
    struct batch *b = find_batch(r, epoch);
    if (b == NULL || --b->n != 0)
        return;
    list_take(&r->batches, &b->line);
    room_batch_free(b);
}

static bool is_of(const struct wait *w, uint64_t epoch)
{
    return w->state == WAIT_ADDED && w->seat->epoch == epoch;
}

/* From here on it is a member like any other. */
static int serve(struct room *r, struct wait *w, uint32_t committer, struct bytes slice,
                 struct room_frame *tree)
{
    struct signal_message m = {
        .type = SIGNAL_WELCOMED, .body = slice, .tree = room_frame_head(tree)};
    struct room_frame *f = NULL;
    struct conn *c = w->conn;
    struct seat *s = w->seat;
    uint64_t epoch = s->epoch;
    int rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        rv = room_frame_new_with(&m, tree, &f);
    if (rv != 0)
        return rv;
    room_effects_send_one(&r->effects, c->by_number.key, f);
    room_frame_free(f);
    s->welcomed_by = committer;
    c->state = CONN_MEMBER;
    room_seat_connect(r, s, c, epoch);
    room_wait_end(r, w);
    return 0;
}

/* from: the batch, by value: it goes with the last who is served. */
static int serve_all(struct room *r, struct mls_welcome_walk *walk, struct batch from,
                     struct room_frame *tree)
{
    struct buf slice = {0};
    int rv = 0;
    while (rv == 0 && walk->count-- > 0) {
        struct bytes ref;
        rv = mls_welcome_next(walk, &ref, &slice);
        struct wait *w = rv == 0 ? room_door_find_ref(r, ref) : NULL;
        if (w != NULL && is_of(w, from.epoch))
            rv = serve(r, w, from.committer, buf_view(&slice), tree);
    }
    buf_free(&slice);
    return rv;
}

int room_welcome_serve(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct batch *b = find_batch(r, m->epoch);
    struct mls_welcome_walk walk;
    struct room_frame *shared =
        NULL; /* the tree: nearly all of each Welcome, and the same in all */
    struct buf tree = {0};
    if (b == NULL || b->committer != c->seat->leaf) /* too late, or not its to give */
        return 0;
    if (mls_welcome_open(m->body, &walk) != 0) {
        room_conn_fault(r, c, REASON_MALFORMED);
        return 0;
    }
    c->seat->owes_welcome = false;
    mls_tree_write(&b->tree, &tree);
    int rv = buf_check(&tree);
    if (rv == 0)
        rv = room_frame_take(&tree, &shared);
    if (rv == 0)
        rv = serve_all(r, &walk, *b, shared);
    room_frame_free(shared);
    buf_free(&tree);
    return rv;
}

/* Whoever has not been welcomed can never read along: its leaf goes, and it waits again. */
static void give_up(struct room *r, uint64_t epoch)
{
    const struct list *added = &r->door[WAIT_ADDED];
    for (struct link *k = list_first(added), *next; k != NULL; k = next) {
        struct wait *w = LIST_OWNER(k, struct wait, line);
        struct seat *s = w->seat;
        next = list_next(added, k);
        if (!is_of(w, epoch))
            continue;
        s->wait = NULL;
        s->owner = w;
        room_wait_set_state(r, w, WAIT_NEW);
        room_seat_leave(r, s);
        room_seat_remove(r, s, REMOVAL_NO_WELCOME);
    }
}

/* Others are asked to add people before it is again. */
void room_welcome_blame(struct room *r, uint32_t committer)
{
    struct seat *s = room_seat_find(r, committer);
    if (s == NULL)
        return;
    s->owes_welcome = true;
    if (r->leader == s)
        room_joiners_take_back(r);
}

void room_welcome_expire(struct room *r)
{
    for (struct link *k; (k = list_first(&r->batches)) != NULL;) {
        if (r->now < LIST_OWNER(k, struct batch, line)->deadline)
            return;
        struct batch *b = LIST_OWNER(list_pop(&r->batches), struct batch, line);
        room_welcome_blame(r, b->committer);
        give_up(r, b->epoch);
        room_batch_free(b);
    }
}
