/* Members: who is on which leaf, who is here, and whom the server wants removed. */
#include <stdlib.h>

#include "base/limits.h"
#include "room/inside.h"

/* ---- Places ---- */

int room_seats_reserve(struct room *r, uint32_t leaf)
{
    uint32_t n = r->n_seats == 0 ? 16 : r->n_seats;
    if (leaf >= LIMIT_MLS_LEAVES)
        return CONCLAVE_ELIMIT;
    while (n <= leaf)
        n *= 2;
    if (n != r->n_seats) {
        struct seat **bigger = (struct seat **)realloc((void *)r->seats, n * sizeof *bigger);
        if (bigger == NULL)
            return CONCLAVE_ENOMEM;
        for (uint32_t i = r->n_seats; i < n; i++)
            bigger[i] = NULL;
        r->seats = bigger;
        r->n_seats = n;
    }
    if (r->seats[leaf] == NULL)
        r->seats[leaf] = calloc(1, sizeof *r->seats[leaf]);
    return r->seats[leaf] == NULL ? CONCLAVE_ENOMEM : 0;
}

struct seat *room_seat_find(const struct room *r, uint32_t leaf)
{
    return leaf < r->n_seats && r->seats[leaf] != NULL && r->seats[leaf]->taken ? r->seats[leaf]
                                                                                : NULL;
}

void room_seats_fini(struct room *r)
{
    for (uint32_t i = 0; i < r->n_seats; i++)
        free(r->seats[i]);
    free((void *)r->seats);
    r->seats = NULL;
    r->n_seats = r->lowest = 0;
    list_init(&r->away);
    list_init(&r->due);
    list_init(&r->removing);
    list_init(&r->changed);
}

void room_seat_take(struct room *r, uint32_t leaf, uint64_t epoch)
{
    *r->seats[leaf] =
        (struct seat){.leaf = leaf, .taken = true, .epoch = epoch, .welcomed_by = MLS_NO_LEAF};
}

/* Its connections and newcomer are the caller's to end first. */
void room_seat_vacate(struct room *r, struct seat *s)
{
    if (r->leader == s)
        room_joiners_take_back(r);
    if (r->info_from == s)
        r->info_from = NULL;
    if (s->owner != NULL)
        s->owner->seat = NULL;
    list_take(&r->away, &s->away);
    list_take(&r->due, &s->due);
    list_take(&r->removing, &s->removing);
    list_take(&r->changed, &s->changed);
    *s = (struct seat){.leaf = s->leaf};
}

int room_seats_restore(struct room *r)
{
    struct mls_member m;
    uint32_t leaf = 0;
    while (mls_public_group_next_member(r->group, &leaf, &m)) {
        int rv = room_seats_reserve(r, m.leaf_index);
        if (rv != 0)
            return rv;
        room_seat_take(r, m.leaf_index, 0);
        room_seat_leave(r, r->seats[m.leaf_index]);
    }
    return 0;
}

/* ---- Here or away ---- */

/* Lists and marks as they have to be now. */
static void update(struct room *r, struct seat *s)
{
    bool is_away = s->conn == NULL && s->wait == NULL;
    if (!is_away) {
        list_take(&r->away, &s->away);
        list_take(&r->due, &s->due);
    } else if (!link_is_in(&s->away)) {
        s->away_since = r->now;
        list_put(&r->away, &s->away);
        if (s->removal == REMOVAL_NONE)
            list_put(&r->due, &s->due);
    }
    if (is_away == s->told_away)
        list_take(&r->changed, &s->changed);
    else if (!link_is_in(&s->changed))
        list_put(&r->changed, &s->changed);
}

void room_seat_connect(struct room *r, struct seat *s, struct conn *c, uint64_t from)
{
    if (s->removal == REMOVAL_AWAY || s->removal == REMOVAL_LEFT) {
        s->removal = REMOVAL_NONE;
        list_take(&r->removing, &s->removing);
    }
    s->conn = c;
    c->seat = s;
    c->say_live = true;
    c->from = from;
    room_conn_mark(r, c);
    update(r, s);
}

void room_seat_leave(struct room *r, struct seat *s)
{
    update(r, s);
}

bool room_seat_is_live(const struct seat *s)
{
    return s->conn != NULL && s->conn->live != 0;
}

/* The first that is live on this leaf or a higher one. */
static struct seat *next_live(const struct room *r, uint32_t from)
{
    for (uint32_t i = from; i < r->n_seats; i++)
        if (r->seats[i] != NULL && room_seat_is_live(r->seats[i]))
            return r->seats[i];
    return NULL;
}

struct seat *room_seat_lowest(struct room *r)
{
    struct seat *s = next_live(r, r->lowest);
    if (s != NULL)
        r->lowest = s->leaf;
    return s;
}

struct seat *room_seat_after(struct room *r, const struct seat *s)
{
    struct seat *next = s == NULL ? NULL : next_live(r, s->leaf + 1);
    return next != NULL ? next : room_seat_lowest(r);
}

/* ---- Presence (docs/PROTOCOL.md section 5) ---- */

void room_presence_write(const struct room *r, struct buf *out)
{
    for (struct link *k = list_first(&r->away); k != NULL; k = list_next(&r->away, k)) {
        const struct seat *s = LIST_OWNER(k, struct seat, away);
        signal_put_presence(out, (struct signal_presence){.leaf = s->leaf, .connected = false});
    }
}

static void told(struct room *r)
{
    struct link *k;
    while ((k = list_pop(&r->changed)) != NULL) {
        struct seat *s = LIST_OWNER(k, struct seat, changed);
        s->told_away = !s->told_away;
    }
}

int room_presence_settle(struct room *r)
{
    struct buf list = {0};
    /* Before a removal is proposed all know that it is of somebody who is gone: else the leader,
     * who heard them a moment ago, does not commit it. */
    bool at_once = r->n_live == 0 || (r->removals_due && r->removing.n != 0);
    if (r->changed.n == 0 || (!at_once && r->now < r->presence_at))
        return 0;
    for (struct link *k = list_first(&r->changed); k != NULL; k = list_next(&r->changed, k)) {
        const struct seat *s = LIST_OWNER(k, struct seat, changed);
        signal_put_presence(&list,
                            (struct signal_presence){.leaf = s->leaf, .connected = s->told_away});
    }
    struct signal_message m = {.type = SIGNAL_PRESENCE, .presence = buf_view(&list)};
    int rv = buf_check(&list);
    if (rv == 0)
        rv = room_broadcast(r, &m);
    if (rv == 0) {
        told(r);
        r->presence_at = r->now + ROOM_PRESENCE_TIME;
    }
    buf_free(&list);
    return rv;
}

/* ---- Removal by the server ---- */

void room_seat_remove(struct room *r, struct seat *s, enum removal why)
{
    s->removal = why;
    list_take(&r->due, &s->due);
    if (link_is_in(&s->removing))
        return;
    /* who has just proposed to leave needs no second proposal in this epoch */
    s->removal_epoch =
        s->left && s->proposals_epoch == room_group_epoch(r) ? room_group_epoch(r) + 1 : 0;
    list_put(&r->removing, &s->removing);
    r->removals_due = true;
}

void room_seats_expire(struct room *r)
{
    struct link *k;
    while ((k = list_first(&r->due)) != NULL) {
        struct seat *s = LIST_OWNER(k, struct seat, due);
        if (r->now - s->away_since < ROOM_AWAY_TIME)
            return;
        room_seat_remove(r, s, REMOVAL_AWAY);
    }
}

static int propose_removal(struct room *r, struct seat *s)
{
    struct mls_change change = mls_remove(s->leaf);
    struct mls_context context;
    struct buf message = {0};
    mls_public_group_context(r->group, &context);
    int rv = mls_external_propose(r->crypto, r->signer, 0, &context, &change, &message);
    if (rv == 0)
        rv = room_order_propose_own(r, buf_view(&message));
    if (rv == 0)
        s->removal_epoch = room_group_epoch(r) + 1;
    buf_free(&message);
    return rv;
}

/* In each epoch anew, until it is done; as long as somebody is there to commit it. */
int room_removals_settle(struct room *r)
{
    if (r->group == NULL || !r->removals_due || r->n_live == 0)
        return 0;
    for (struct link *k = list_first(&r->removing); k != NULL && r->removals < ROOM_REMOVALS;
         k = list_next(&r->removing, k)) {
        struct seat *s = LIST_OWNER(k, struct seat, removing);
        if (s->removal_epoch == room_group_epoch(r) + 1)
            continue;
        int rv = propose_removal(r, s);
        if (room_system_error(rv) != 0)
            return rv;
        if (rv != 0) /* the epoch has all the proposals it can hold */
            break;
        r->removals++;
    }
    r->removals_due = false;
    return 0;
}
