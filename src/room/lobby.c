/* What hosts see of the lobby (docs/PROTOCOL.md section 5): everybody in it once, then changes. */
#include "room/inside.h"

static struct signal_entry entry_of(const struct wait *w)
{
    return (struct signal_entry){.ref = bytes_of(w->knock.ref, w->knock.ref_n),
                                 .key_package = buf_view(&w->key_package),
                                 .since = w->since};
}

/* The first changes, as many as one frame takes; returns how many. */
static size_t write_changes(const struct room *r, struct buf *entries, struct buf *refs)
{
    size_t n = 0;
    for (struct link *k = list_first(&r->feed); k != NULL; k = list_next(&r->feed, k), n++) {
        const struct wait *w = LIST_OWNER(k, struct wait, feed);
        struct signal_entry entry = entry_of(w);
        if (n != 0 && entries->n + refs->n + entry.key_package.n > ROOM_LOBBY_BYTES)
            break;
        if (w->shown)
            signal_put_ref(refs, entry.ref);
        else
            signal_put_entry(entries, &entry);
    }
    return n;
}

static int send_changes(struct room *r, struct bytes entries, struct bytes refs)
{
    struct signal_message m = {.type = SIGNAL_LOBBY, .entries = entries, .refs = refs};
    struct room_frame *f = NULL;
    struct audience *to = NULL;
    int rv = room_hosts(r, &to);
    if (rv != 0 || to->n == 0)
        return rv;
    rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        rv = room_frame_new(&m, &f);
    if (rv == 0)
        room_effects_send(&r->effects, to, f);
    room_frame_free(f);
    return rv;
}

static void shown(struct room *r, size_t n)
{
    for (; n != 0; n--) {
        struct wait *w = LIST_OWNER(list_pop(&r->feed), struct wait, feed);
        w->shown = !w->shown;
        if (w->state == WAIT_GONE)
            room_wait_free(r, w);
    }
}

int room_lobby_settle(struct room *r)
{
    int rv = 0;
    while (rv == 0 && r->feed.n != 0) {
        struct buf entries = {0}, refs = {0};
        size_t n = write_changes(r, &entries, &refs);
        rv = entries.failed || refs.failed ? CONCLAVE_ENOMEM
                                           : send_changes(r, buf_view(&entries), buf_view(&refs));
        if (rv == 0)
            shown(r, n);
        buf_free(&entries);
        buf_free(&refs);
    }
    return rv;
}

static int show(struct room *r, const struct conn *c, struct buf *entries)
{
    struct signal_message m = {.type = SIGNAL_LOBBY, .entries = buf_view(entries)};
    int rv = buf_check(entries);
    if (rv == 0 && entries->n != 0)
        rv = room_say(r, c, &m);
    buf_clear(entries);
    return rv;
}

/* What hosts have not been shown yet, they all will be in a moment. */
int room_lobby_show(struct room *r, struct conn *c)
{
    struct buf entries = {0};
    int rv = 0;
    const struct list *l = &r->door[WAIT_LOBBY];
    for (struct link *k = list_first(l); rv == 0 && k != NULL; k = list_next(l, k)) {
        const struct wait *w = LIST_OWNER(k, struct wait, line);
        struct signal_entry entry = entry_of(w);
        if (w->shown)
            signal_put_entry(&entries, &entry);
        if (entries.n > ROOM_LOBBY_BYTES)
            rv = show(r, c, &entries);
    }
    if (rv == 0)
        rv = show(r, c, &entries);
    if (rv == 0)
        c->say_lobby = false;
    buf_free(&entries);
    return rv;
}

/* A host's no. One who is no host any more, or is too late, has nothing to refuse. */
int room_lobby_refuse(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct wait *w = c->is_host ? room_door_find_ref(r, m->ref) : NULL;
    if (w == NULL || w->state != WAIT_LOBBY)
        return 0;
    int rv = room_effects_reserve(&r->effects, 1);
    if (rv != 0)
        return rv;
    room_effects_log(&r->effects, ROOM_EVENT_REFUSED, c->seat->leaf);
    room_conn_fault(r, w->conn, REASON_REFUSED_BY_HOST);
    return 0;
}
