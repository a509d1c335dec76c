/* What members send to all: proposals, commits and application messages. Commits are put in order
 * here: the first valid one of an epoch is accepted (docs/PROTOCOL.md section 5). */
#include "room/inside.h"

static int identify(void *ctx, const struct mls_credential *credential, struct bytes signature_key,
                    struct identity *out)
{
    struct room *r = ctx;
    return room_verdict_get(&r->verdicts, &r->terms, credential, signature_key, room_seconds(r),
                            out);
}

static int member_of(const void *ctx, uint32_t leaf, struct mls_member *out)
{
    return mls_public_group_member(ctx, leaf, out);
}

/* Kind, group and epoch of a message, before anything else is looked at. */
static int peek(const struct room *r, struct bytes message, enum mls_wire_format kind,
                uint64_t *out_epoch)
{
    enum mls_wire_format found;
    struct bytes group_id;
    int rv = mls_message_peek(message, &found, &group_id, out_epoch);
    if (rv == 0 && found != kind)
        rv = CONCLAVE_EWIREFORMAT;
    if (rv == 0 && !bytes_equal(group_id, r->group->view.group_id))
        rv = CONCLAVE_EGROUP;
    return rv;
}

/* ---- Proposals ---- */

static bool may_propose(const struct room *r, struct seat *s, size_t bytes)
{
    if (s->proposals_epoch != room_group_epoch(r)) {
        s->proposals_epoch = room_group_epoch(r);
        s->proposals = 0;
        s->left = false;
    }
    return s->proposals < ROOM_PROPOSALS && bytes <= ROOM_PROPOSALS_BYTES - r->proposals.bytes;
}

static int check_proposal(struct room *r, const struct mls_received *received)
{
    const struct meeting_judge judge = {.ctx = r, .identify = identify};
    const struct meeting_members members = {.ctx = r->group, .member = member_of};
    struct meeting_refusal refusal;
    struct mls_context context;
    mls_public_group_context(r->group, &context);
    return meeting_check_proposal(r->card, &context, &members, &received->proposal, &judge,
                                  room_seconds(r), &refusal);
}

/* Takes a proposal of this sender to the group. Everything else that could fail was done. */
static int take_proposal(struct room *r, struct bytes message, struct mls_sender sender,
                         bool *out_leaves)
{
    struct mls_received received = {0};
    int rv = mls_public_group_receive(r->group, message, room_seconds(r), &received);
    if (rv != 0)
        return rv;
    if (received.kind != MLS_RECEIVED_PROPOSAL || received.sender.type != sender.type ||
        received.sender.index != sender.index)
        rv = CONCLAVE_ESENDER;
    if (rv == 0)
        rv = check_proposal(r, &received);
    *out_leaves = received.proposal.type == MLS_SELF_REMOVE;
    mls_received_free(&received);
    return rv;
}

/* From a sender that has to be the proposal's: to the group, and to all. */
static int propose(struct room *r, struct bytes message, struct mls_sender sender, bool *out_leaves)
{
    struct kept k = {0};
    struct audience *to = NULL;
    int rv = room_everybody(r, &to);
    if (rv == 0)
        rv = room_kept_list_reserve(&r->proposals);
    if (rv == 0)
        rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        rv = room_kept_new(SIGNAL_PROPOSED, message, &k);
    if (rv == 0)
        rv = take_proposal(r, message, sender, out_leaves);
    if (rv == 0) {
        room_effects_send(&r->effects, to, k.frame);
        room_kept_list_put(&r->proposals, &k);
        r->counts.proposals++;
    }
    room_kept_fini(&k);
    return rv;
}

int room_order_propose_own(struct room *r, struct bytes message)
{
    bool unused;
    return propose(r, message, (struct mls_sender){MLS_SENDER_EXTERNAL, 0}, &unused);
}

/* One that is late, invalid or not allowed is not relayed, and not answered: a Rejected would be
 * taken for a commit's. Who still wants it proposes it again in the next epoch. */
int room_order_propose(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct seat *s = c->seat;
    uint64_t epoch;
    bool leaves = false;
    int rv = peek(r, m->body, MLS_PUBLIC_MESSAGE, &epoch);
    if (rv != 0) {
        room_conn_fault(r, c, REASON_MALFORMED);
        return 0;
    }
    if (epoch != room_group_epoch(r) || !may_propose(r, s, m->body.n))
        return 0;
    s->proposals++;
    rv = propose(r, m->body, (struct mls_sender){MLS_SENDER_MEMBER, s->leaf}, &leaves);
    if (rv == 0 && leaves)
        s->left = true;
    if (rv != 0)
        r->counts.rejected++;
    return room_system_error(rv);
}

/* ---- Commits ---- */

static int reject(struct room *r, struct conn *c, uint64_t epoch, int reason)
{
    struct signal_message m = {.type = SIGNAL_REJECTED, .epoch = epoch, .reason = (uint16_t)reason};
    int rv = room_say(r, c, &m);
    if (rv != 0)
        return rv;
    r->counts.rejected++;
    if (reason == REASON_STALE && c->state == CONN_REJOINING) { /* not its fault: it tries again */
        pace_refund(&c->seat->rejoin, ROOM_REJOIN_INTERVAL);
        room_info_want(r, c);
    }
    return 0;
}

/* Whether an external commit is of who said Rejoin: it removes that leaf. */
static bool removes(const struct mls_staged *staged, uint32_t leaf)
{
    struct mls_proposal_info p;
    for (size_t i = 0; i < mls_staged_proposal_count(staged); i++)
        if (mls_staged_proposal(staged, i, &p) == 0 && p.type == MLS_REMOVE && p.leaf == leaf)
            return true;
    return false;
}

static bool is_of(const struct conn *c, const struct mls_received *received)
{
    struct mls_sender sender = received->sender;
    if (received->kind != MLS_RECEIVED_COMMIT)
        return false;
    if (c->state == CONN_REJOINING)
        return sender.type == MLS_SENDER_NEW_MEMBER_COMMIT &&
               removes(received->staged, c->seat->leaf);
    return sender.type == MLS_SENDER_MEMBER && sender.index == c->seat->leaf;
}

/* More people than there may be, and not because some have left. */
static bool is_too_many(const struct room *r, const struct mls_staged *staged)
{
    return staged->tree.n_members > r->max_participants &&
           staged->tree.n_members > staged->old_tree.n_members;
}

static int reason_of_commit(struct room *r, const struct conn *c,
                            const struct mls_received *received, int *out_reason)
{
    const struct meeting_judge judge = {.ctx = r, .identify = identify};
    struct meeting_refusal refusal = {.reason = REASON_NOT_ALLOWED};
    if (!is_of(c, received)) {
        *out_reason = REASON_INVALID;
        return 0;
    }
    int rv = meeting_check_commit(r->card, received->staged, &judge, room_seconds(r), &refusal);
    if (rv != 0)
        *out_reason = refusal.reason;
    else if (is_too_many(r, received->staged))
        *out_reason = REASON_FULL;
    return room_system_error(rv);
}

int room_order_commit(struct room *r, struct conn *c, const struct signal_message *m)
{
    struct mls_received received = {0};
    uint64_t epoch = 0;
    int reason = 0;
    int rv = peek(r, m->body, MLS_PUBLIC_MESSAGE, &epoch);
    if (rv != 0) {
        room_conn_fault(r, c, REASON_MALFORMED);
        return 0;
    }
    if (epoch != room_group_epoch(r))
        return reject(r, c, epoch, REASON_STALE);
    rv = mls_public_group_receive(r->group, m->body, room_seconds(r), &received);
    if (rv != 0)
        reason = REASON_INVALID;
    rv = room_system_error(rv);
    if (rv == 0 && reason == 0)
        rv = reason_of_commit(r, c, &received, &reason);
    if (rv == 0)
        rv = reason == 0 ? room_accept_commit(r, c, &received, m->body)
                         : reject(r, c, epoch, reason);
    mls_received_free(&received);
    return rv;
}

/* ---- Application messages ---- */

/* Relayed unread. Those of epochs long past nobody could open. */
int room_order_app(struct room *r, struct conn *c, const struct signal_message *m)
{
    uint64_t epoch = 0;
    if (peek(r, m->body, MLS_PRIVATE_MESSAGE, &epoch) != 0) {
        room_conn_fault(r, c, REASON_MALFORMED);
        return 0;
    }
    if (epoch > room_group_epoch(r) || room_group_epoch(r) - epoch > ROOM_APP_EPOCHS)
        return 0;
    c->seat->welcomed_by = MLS_NO_LEAF; /* it could open its Welcome */
    struct room_frame *f = NULL;
    struct audience *to = NULL;
    int rv = room_everybody(r, &to);
    if (rv == 0)
        rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        rv = room_frame_new(&(struct signal_message){.type = SIGNAL_APP_FROM, .body = m->body}, &f);
    if (rv == 0) {
        room_effects_send(&r->effects, to, f);
        room_recent_put(&r->recent, f, r->now);
        r->counts.messages++;
    }
    room_frame_free(f);
    return rv;
}
