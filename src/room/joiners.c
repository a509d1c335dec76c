/* Newcomers whom the policy lets in: their key packages go to the leader, and to the next member if
 * no commit comes of it (docs/PROTOCOL.md section 5, Leader). */
#include "room/inside.h"

/* Back to the queue, before those who came later. */
void room_joiners_take_back(struct room *r)
{
    size_t later = r->door[WAIT_QUEUE].n;
    struct link *k;
    while ((k = list_first(&r->door[WAIT_HANDED])) != NULL)
        room_wait_set_state(r, LIST_OWNER(k, struct wait, line), WAIT_QUEUE);
    for (; later != 0; later--)
        room_wait_set_state(r, LIST_OWNER(list_first(&r->door[WAIT_QUEUE]), struct wait, line),
                            WAIT_QUEUE);
    r->leader = NULL;
}

/* From this one on, the first that has not let newcomers down; if all have, this one. */
static struct seat *first_reliable(struct room *r, struct seat *from)
{
    struct seat *s = from;
    while (s != NULL && s->owes_welcome) {
        s = room_seat_after(r, s);
        if (s == from)
            break;
    }
    return s;
}

static void choose_leader(struct room *r)
{
    struct seat *last = r->leader;
    bool slow = last != NULL && r->door[WAIT_HANDED].n != 0 && r->now >= r->leader_deadline;
    if (last != NULL && (slow || !room_seat_is_live(last)))
        room_joiners_take_back(r);
    if (r->leader == NULL)
        r->leader = first_reliable(r, slow ? room_seat_after(r, last) : room_seat_lowest(r));
}

/* As many of the queue as the leader may have in hand; returns how many. */
static size_t write_entries(const struct room *r, struct buf *out)
{
    const struct list *l = &r->door[WAIT_QUEUE];
    size_t room = ROOM_JOINERS - r->door[WAIT_HANDED].n, n = 0;
    for (struct link *k = list_first(l); k != NULL && n < room; k = list_next(l, k), n++) {
        const struct wait *w = LIST_OWNER(k, struct wait, line);
        struct signal_entry entry = {.ref = bytes_of(w->knock.ref, w->knock.ref_n),
                                     .key_package = buf_view(&w->key_package),
                                     .since = w->since};
        if (r->handed_bytes + out->n + entry.key_package.n > ROOM_JOINERS_BYTES)
            break;
        signal_put_entry(out, &entry);
    }
    return n;
}

static int hand_over(struct room *r)
{
    struct buf entries = {0};
    bool first = r->door[WAIT_HANDED].n == 0;
    size_t n = write_entries(r, &entries);
    struct signal_message m = {.type = SIGNAL_JOINERS, .entries = buf_view(&entries)};
    int rv = buf_check(&entries);
    if (rv == 0 && n != 0)
        rv = room_say(r, r->leader->conn, &m);
    buf_free(&entries);
    if (rv != 0 || n == 0)
        return rv;
    for (; n != 0; n--)
        room_wait_set_state(r, LIST_OWNER(list_first(&r->door[WAIT_QUEUE]), struct wait, line),
                            WAIT_HANDED);
    if (first)
        r->leader_deadline = r->now + ROOM_LEADER_TIME;
    return 0;
}

int room_joiners_settle(struct room *r)
{
    if (r->door[WAIT_QUEUE].n + r->door[WAIT_HANDED].n == 0) {
        r->leader = NULL;
        return 0;
    }
    choose_leader(r);
    return r->leader == NULL || r->door[WAIT_QUEUE].n == 0 ? 0 : hand_over(r);
}
