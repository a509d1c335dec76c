/* How a connection opens when its participant is, or is to be, in the group: Found, Resume, Rejoin
 * (docs/PROTOCOL.md section 5). Knocking is in door.c. */
#include "crypto/labels.h"
#include "room/inside.h"

int room_opening_proof(struct room *r, const struct conn *c, const struct signal_message *m,
                       struct bytes key, enum proof_subject how, struct bytes subject)
{
    uint8_t digest[SHA256_SIZE];
    struct buf tbs = {0};
    int rv = 0;
    if (how == PROOF_HASH) {
        rv = crypto_sha256(subject, digest);
        subject = bytes_of(digest, sizeof digest);
    }
    if (rv == 0)
        rv = signal_connect_tbs(bytes_of(c->nonce, sizeof c->nonce), m->type, subject, &tbs);
    struct bytes part = buf_view(&tbs);
    if (rv == 0)
        rv = verify_with_label(r->crypto, key, SIGNAL_CONNECT_LABEL, &part, 1, m->signature);
    buf_free(&tbs);
    return rv;
}

/* ---- Found ---- */

static int reason_of_time(const struct room *r)
{
    const struct card_terms *card = card_terms(r->card);
    uint64_t now = room_seconds(r);
    if (now < card->not_before)
        return REASON_TOO_EARLY;
    return card->not_after != 0 && now > card->not_after ? REASON_EXPIRED_LINK : 0;
}

/* docs/PROTOCOL.md sections 3 and 4: what epoch 0 has to be. */
static int judge_group(const struct room *r, const struct mls_public_group *g,
                       struct bytes group_info, int *out_reason)
{
    struct group_info info;
    struct meeting_state state;
    uint64_t now = room_seconds(r);
    *out_reason = REASON_INVALID;
    if (room_group_info_read(group_info, &info) != 0 ||
        room_group_info_has(&info, MLS_EXT_EXTERNAL_PUB) || g->view.epoch != 0 ||
        mls_public_group_member_count(g) != 1 || mls_tree_leaf(&g->tree, 0) == NULL ||
        !meeting_group_is_of(r->card, g->view.group_id))
        return 0;
    int rv = meeting_extensions_check(g->view.extensions, r->card, &state);
    if (rv != 0 || !meeting_state_is_fresh(&state))
        return room_system_error(rv);
    *out_reason = REASON_NONE;
    if (state.started_at > now + ROOM_CLOCK_SECONDS || now > state.started_at + ROOM_CLOCK_SECONDS)
        *out_reason = REASON_CLOCK;
    return 0;
}

static int judge_founder(struct room *r, const struct conn *c, const struct signal_message *m,
                         const struct mls_public_group *g, int *out_reason)
{
    struct mls_member founder;
    struct identity id;
    int rv = mls_public_group_member(g, 0, &founder);
    if (rv == 0)
        rv = room_opening_proof(r, c, m, founder.signature_key, PROOF_HASH, m->body);
    if (rv != 0) {
        *out_reason = REASON_BAD_PROOF;
        return room_system_error(rv);
    }
    rv = room_group_identity(r, &founder, &id);
    if (rv == 0 && !meeting_may_found(r->card, &id))
        *out_reason = REASON_REFUSED_BY_POLICY;
    return rv;
}

/* The snapshot goes out before Live: what is acknowledged is on disk. */
static int found(struct room *r, struct conn *c, struct mls_public_group *g)
{
    struct buf snapshot = {0};
    int rv = room_seats_reserve(r, 0);
    if (rv == 0)
        rv = room_effects_reserve(&r->effects, 2);
    r->group = g;
    if (rv == 0)
        rv = room_save_snapshot(r, &snapshot);
    if (rv != 0) {
        r->group = NULL;
        return rv;
    }
    room_effects_store(&r->effects, ROOM_SNAPSHOT, 0, &snapshot);
    room_effects_log(&r->effects, ROOM_EVENT_FOUNDED, 0);
    r->snapshot_epoch = 0;
    r->empty_since = r->now;
    room_seat_take(r, 0, 0);
    room_conn_leave_line(r, c);
    c->state = CONN_MEMBER;
    room_seat_connect(r, room_seat_find(r, 0), c, 0);
    r->door_stale = true;
    return 0;
}

/* The group, if it may be founded, or a reason. */
static int read_found(struct room *r, const struct conn *c, const struct signal_message *m,
                      struct mls_public_group **out, int *out_reason)
{
    struct mls_callbacks callbacks = room_group_callbacks(r);
    *out_reason = reason_of_time(r);
    if (*out_reason != 0)
        return 0;
    int rv = mls_public_group_new(crypto_suite(r->crypto), &callbacks, NULL, m->body, m->tree,
                                  room_seconds(r), out);
    if (rv != 0) {
        *out_reason = REASON_INVALID;
        return room_system_error(rv);
    }
    rv = judge_group(r, *out, m->body, out_reason);
    if (rv == 0 && *out_reason == 0)
        rv = judge_founder(r, c, m, *out, out_reason);
    return rv;
}

int room_opening_found(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct mls_public_group *g = NULL;
    int reason = 0;
    if (r->group != NULL)
        return room_say(r, c, &(struct signal_message){.type = SIGNAL_TAKEN});
    int rv = read_found(r, c, m, &g, &reason);
    if (rv == 0 && reason == 0)
        rv = found(r, c, g);
    else if (rv == 0)
        room_conn_fault(r, c, reason);
    if (r->group != g)
        mls_public_group_free(g);
    return rv;
}

/* ---- Resume and Rejoin: somebody who has a leaf ---- */

/* A leaf whose key the connection has proved to hold, or a reason. */
static int find_leaf(struct room *r, const struct conn *c, const struct signal_message *m,
                     struct seat **out, int *out_reason)
{
    struct mls_member member;
    if (r->group == NULL || !bytes_equal(m->group_id, r->group->view.group_id)) {
        *out_reason = REASON_GONE;
        return 0;
    }
    *out = room_seat_find(r, m->leaf);
    *out_reason = REASON_NOT_A_MEMBER;
    if (*out == NULL || mls_public_group_member(r->group, m->leaf, &member) != 0)
        return 0;
    int rv = room_opening_proof(r, c, m, member.signature_key, PROOF_PLAIN, m->group_id);
    if (rv == 0)
        *out_reason = 0;
    return room_system_error(rv);
}

/* docs/PROTOCOL.md section 5: a new connection of a leaf replaces the older one. */
static void replace(struct room *r, struct seat *s)
{
    if (s->conn != NULL)
        room_conn_fault(r, s->conn, REASON_REPLACED);
    if (s->rejoining != NULL)
        room_conn_fault(r, s->rejoining, REASON_REPLACED);
    if (s->wait != NULL)
        room_conn_fault(r, s->wait->conn, REASON_REPLACED);
}

int room_opening_resume(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct seat *s = NULL;
    int reason = 0;
    int rv = find_leaf(r, c, m, &s, &reason);
    if (rv != 0)
        return rv;
    if (reason == 0 && (m->epoch > room_group_epoch(r) ||
                        (m->epoch < room_group_epoch(r) &&
                         room_history_find(&r->history, m->epoch) == r->history.n)))
        reason = REASON_OUT_OF_REACH;
    if (reason != 0) {
        room_conn_fault(r, c, reason);
        return 0;
    }
    uint64_t away = link_is_in(&s->away) ? s->away_since : r->now;
    replace(r, s);
    room_conn_leave_line(r, c);
    c->state = CONN_MEMBER;
    c->missed_since = away > ROOM_RECENT_MARGIN ? away - ROOM_RECENT_MARGIN : 0;
    room_seat_connect(r, s, c, m->epoch);
    return 0;
}

int room_opening_rejoin(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct seat *s = NULL;
    int reason = 0;
    int rv = find_leaf(r, c, m, &s, &reason);
    if (rv != 0)
        return rv;
    if (reason == 0 && r->now < pace_ready_at(&s->rejoin, ROOM_REJOIN_BURST))
        reason = REASON_TOO_MANY;
    if (reason != 0) {
        room_conn_fault(r, c, reason);
        return 0;
    }
    pace_spend(&s->rejoin, ROOM_REJOIN_INTERVAL, r->now);
    replace(r, s);
    room_conn_leave_line(r, c);
    c->state = CONN_REJOINING;
    c->seat = s;
    s->rejoining = c;
    room_info_want(r, c);
    return 0;
}
