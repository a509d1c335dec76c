/* The door: who knocks, what the policy says, and the lobby that hosts see. */
#include <stdlib.h>

#include "base/siphash.h"
#include "room/inside.h"

/* ---- Finding ---- */

static uint64_t key_of(const struct room *r, struct bytes b)
{
    return siphash(r->table_key, b);
}

static struct bytes ref_of(const struct wait *w)
{
    return bytes_of(w->knock.ref, w->knock.ref_n);
}

struct wait *room_door_find_ref(const struct room *r, struct bytes ref)
{
    struct table_link *k = room_table_find(&r->waits_by_ref, key_of(r, ref));
    for (; k != NULL; k = room_table_find_next(k)) {
        struct wait *w = LIST_OWNER(k, struct wait, by_ref);
        if (w->state != WAIT_GONE && bytes_equal(ref_of(w), ref))
            return w;
    }
    return NULL;
}

static struct wait *find_key(const struct room *r, struct bytes signature_key)
{
    struct table_link *k = room_table_find(&r->waits_by_key, key_of(r, signature_key));
    for (; k != NULL; k = room_table_find_next(k)) {
        struct wait *w = LIST_OWNER(k, struct wait, by_key);
        if (w->state != WAIT_GONE && bytes_equal(w->knock.member.signature_key, signature_key))
            return w;
    }
    return NULL;
}

struct wait *room_door_find_member(const struct room *r, const struct mls_member *m)
{
    struct wait *w = find_key(r, m->signature_key);
    return w != NULL && bytes_equal(w->knock.member.encryption_key, m->encryption_key) ? w : NULL;
}

/* ---- Life ---- */

/* Hosts have to be told if what they see is not so. */
static void feed(struct room *r, struct wait *w)
{
    if ((w->state == WAIT_LOBBY) == w->shown)
        list_take(&r->feed, &w->feed);
    else if (!link_is_in(&w->feed))
        list_put(&r->feed, &w->feed);
}

void room_wait_set_state(struct room *r, struct wait *w, enum wait_state state)
{
    if (w->state == WAIT_HANDED)
        r->handed_bytes -= w->key_package.n;
    if (state == WAIT_HANDED)
        r->handed_bytes += w->key_package.n;
    list_take(&r->door[w->state], &w->line);
    list_put(&r->door[state], &w->line);
    w->state = state;
    feed(r, w);
    if (w->conn != NULL)
        room_conn_mark(r, w->conn);
}

void room_wait_free(struct room *r, struct wait *w)
{
    list_take(&r->feed, &w->feed);
    list_take(&r->door[w->state], &w->line);
    room_table_take(&r->waits_by_ref, &w->by_ref);
    room_table_take(&r->waits_by_key, &w->by_key);
    r->waiting_bytes -= w->key_package.n;
    buf_free(&w->key_package);
    free(w);
}

/* Its leaf, if it has one, is an ordinary one from now on. */
static void leave_seat(struct room *r, struct wait *w)
{
    struct seat *s = w->seat;
    if (s == NULL)
        return;
    w->seat = NULL;
    if (s->owner == w)
        s->owner = NULL;
    if (s->wait != w)
        return;
    s->wait = NULL;
    room_welcome_done(r, s->epoch);
    room_seat_leave(r, s);
}

void room_wait_end(struct room *r, struct wait *w)
{
    if (w->conn != NULL)
        w->conn->wait = NULL;
    w->conn = NULL;
    leave_seat(r, w);
    room_wait_set_state(r, w, WAIT_GONE);
    if (!w->shown)
        room_wait_free(r, w);
}

void room_door_fini(struct room *r)
{
    for (int state = 0; state < WAIT_STATES; state++) {
        struct link *k;
        while ((k = list_first(&r->door[state])) != NULL)
            room_wait_free(r, LIST_OWNER(k, struct wait, line));
    }
}

/* ---- Knock ---- */

static uint32_t people_in(const struct room *r)
{
    uint32_t members = r->group == NULL ? 0 : mls_public_group_member_count(r->group);
    return members + (uint32_t)(r->door[WAIT_QUEUE].n + r->door[WAIT_HANDED].n);
}

static bool is_full(const struct room *r, size_t more)
{
    return r->waits_by_ref.n >= r->max_waiting || more > ROOM_WAITING_BYTES - r->waiting_bytes;
}

static int read_knock(struct room *r, const struct conn *c, const struct signal_message *m,
                      struct wait *w, int *out_reason)
{
    buf_put(&w->key_package, m->body);
    int rv = buf_check(&w->key_package);
    if (rv != 0)
        return rv;
    rv = meeting_knock_read(r->crypto, buf_view(&w->key_package), room_seconds(r), &w->knock);
    if (rv != 0) {
        *out_reason = REASON_KEY_PACKAGE;
        return room_system_error(rv);
    }
    rv = room_opening_proof(r, c, m, w->knock.member.signature_key, PROOF_HASH, m->body);
    if (rv != 0)
        *out_reason = REASON_BAD_PROOF;
    return room_system_error(rv);
}

static void enter(struct room *r, struct conn *c, struct wait *w)
{
    struct wait *older = find_key(r, w->knock.member.signature_key);
    if (older != NULL) /* the same participant, elsewhere or a moment ago */
        room_conn_fault(r, older->conn, REASON_REPLACED);
    w->conn = c;
    w->since = room_seconds(r);
    w->state = WAIT_NEW;
    list_put(&r->door[WAIT_NEW], &w->line);
    room_table_put(&r->waits_by_ref, &w->by_ref, key_of(r, ref_of(w)));
    room_table_put(&r->waits_by_key, &w->by_key, key_of(r, w->knock.member.signature_key));
    r->waiting_bytes += w->key_package.n;
    room_conn_leave_line(r, c);
    c->state = CONN_WAITING;
    c->wait = w;
}

int room_door_knock(struct room *r, struct conn *c, const struct signal_message *m)
{
    int reason = is_full(r, m->body.n) ? REASON_FULL : 0, rv = 0;
    struct wait *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    if (reason == 0)
        rv = read_knock(r, c, m, w, &reason);
    if (rv == 0 && reason == 0) {
        enter(r, c, w);
        return 0;
    }
    if (rv == 0)
        room_conn_fault(r, c, reason);
    buf_free(&w->key_package);
    free(w);
    return rv;
}

/* ---- The policy ---- */

static int is_barred(const struct wait *w, const struct meeting_state *state, bool *out)
{
    struct buf entry = {0};
    int rv = 0;
    *out = false;
    if (state->barred.n != 0)
        rv = meeting_barred_entry(&w->identity, w->knock.member.signature_key, &entry);
    if (rv == 0 && state->barred.n != 0)
        *out = meeting_list_has(state->barred, buf_view(&entry));
    buf_free(&entry);
    return rv;
}

static int reason_of_refusal(const struct room *r, const struct wait *w, bool barred, bool locked)
{
    const struct card_rule *rule = &card_terms(r->card)->rules[meeting_class(&w->identity)];
    if (barred)
        return REASON_EJECTED;
    return locked && rule->unlocked != CARD_REFUSE ? REASON_LOCKED : REASON_REFUSED_BY_POLICY;
}

/* The leaf that has this key; NULL if none has. */
static struct seat *seat_of_key(const struct room *r, struct bytes key)
{
    struct mls_member m;
    uint32_t leaf = 0;
    if (!mls_tree_has_signature_key(&r->group->tree, key))
        return NULL;
    while (mls_public_group_next_member(r->group, &leaf, &m))
        if (bytes_equal(m.signature_key, key))
            return room_seat_find(r, m.leaf_index);
    return NULL;
}

/* Whoever knocks with the key of a member is that member: its leaf has to go first, because a key
 * may be in the tree only once (RFC 9420 7.3). */
static bool waits_for_leaf(struct room *r, struct wait *w)
{
    struct seat *s = seat_of_key(r, w->knock.member.signature_key);
    if (s == NULL)
        return false;
    if (s->conn != NULL)
        room_conn_fault(r, s->conn, REASON_REPLACED);
    if (s->rejoining != NULL)
        room_conn_fault(r, s->rejoining, REASON_REPLACED);
    if (s->welcomed_by != MLS_NO_LEAF) /* it was let in, and heard no more of */
        room_welcome_blame(r, s->welcomed_by);
    w->seat = s;
    s->owner = w;
    room_seat_remove(r, s, REMOVAL_REPLACED);
    return true;
}

/* Where somebody admitted in this way waits; *out_reason if it may not come. */
static enum wait_state place_of(struct room *r, struct wait *w, enum card_admission admission,
                                int *out_reason)
{
    bool queued = w->state == WAIT_QUEUE || w->state == WAIT_HANDED;
    if (waits_for_leaf(r, w))
        return WAIT_NEW;
    if (admission == CARD_LOBBY)
        return WAIT_LOBBY;
    if (!queued && people_in(r) >= r->max_participants)
        *out_reason = REASON_FULL;
    return w->state == WAIT_HANDED ? WAIT_HANDED : WAIT_QUEUE;
}

static int place(struct room *r, struct wait *w)
{
    struct meeting_state state;
    enum wait_state to = WAIT_START;
    bool barred = false;
    int reason = 0;
    if (w->seat != NULL) /* until that leaf is gone */
        return 0;
    int rv = room_group_identity(r, &w->knock.member, &w->identity);
    if (rv == 0 && r->group != NULL) {
        rv = room_group_state(r, &state);
        if (rv == 0)
            rv = is_barred(w, &state, &barred);
        if (rv != 0)
            return rv;
        enum card_admission admission = meeting_admission(r->card, &state, &w->identity, barred);
        if (admission == CARD_REFUSE)
            reason = reason_of_refusal(r, w, barred, state.locked);
        else
            to = place_of(r, w, admission, &reason);
    }
    if (rv != 0)
        return rv;
    if (reason != 0)
        room_conn_fault(r, w->conn, reason);
    else if (to != w->state || to == WAIT_NEW)
        room_wait_set_state(r, w, to);
    return 0;
}

static int place_all(struct room *r, enum wait_state state)
{
    struct list *l = &r->door[state];
    int rv = 0;
    for (struct link *k = list_first(l), *next; rv == 0 && k != NULL; k = next) {
        next = list_next(l, k);
        rv = place(r, LIST_OWNER(k, struct wait, line));
    }
    return rv;
}

int room_door_settle(struct room *r)
{
    static const enum wait_state placed[] = {WAIT_HANDED, WAIT_QUEUE, WAIT_LOBBY, WAIT_START};
    int rv = 0;
    for (size_t i = 0; rv == 0 && r->door_stale && i < sizeof placed / sizeof placed[0]; i++)
        rv = place_all(r, placed[i]);
    if (rv == 0) {
        r->door_stale = false;
        rv = place_all(r, WAIT_NEW);
    }
    return rv;
}
