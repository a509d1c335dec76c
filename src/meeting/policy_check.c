/* The table of docs/PROTOCOL.md section 4. Each rule returns 0 if the change is allowed, EPOLICY if
 * it is not, and whatever else kept it from finding out. What no rule allows is refused. */
#include "meeting/policy.h"
#include "mls/credential.h"
#include "signal/reason.h"

#define CLOCK_SECONDS 300u /* docs/PROTOCOL.md section 4: clocks differ */

/* The group before the change, and whom to ask. */
struct check {
    const struct card *card;
    const struct mls_context *context;
    const struct meeting_members *members;
    const struct meeting_judge *judge;
    uint64_t now;
    struct meeting_state state;
};

static int allowed_if(bool condition)
{
    return condition ? 0 : CONCLAVE_EPOLICY;
}

/* What a peer got wrong is refused; what failed here stays what it is. */
static int refused_if_peers(int rv)
{
    return conclave_error_class(rv) == CONCLAVE_CLASS_PEER ? CONCLAVE_EPOLICY : rv;
}

static int identify(const struct check *c, const struct mls_member *m, struct identity *out)
{
    return c->judge->identify(c->judge->ctx, &m->credential, m->signature_key, out);
}

/* The role of a leaf as the tree was before: a change cannot give the right to itself. */
static int role_of(const struct check *c, uint32_t leaf, enum meeting_role *out)
{
    struct mls_member member;
    struct identity id;
    int rv = c->members->member(c->members->ctx, leaf, &member);
    if (rv != 0)
        return rv == CONCLAVE_ENOTFOUND ? CONCLAVE_EPOLICY : rv;
    rv = identify(c, &member, &id);
    if (rv == 0)
        *out = meeting_role(c->card, &c->state, &id);
    return rv;
}

/* The role of who proposes; EPOLICY if that is no member. */
static int proposer_role(const struct check *c, const struct mls_proposal_info *p,
                         enum meeting_role *out)
{
    return p->sender.type == MLS_SENDER_MEMBER ? role_of(c, p->sender.index, out)
                                               : CONCLAVE_EPOLICY;
}

/* ---- One proposal ---- */

static int check_newcomer(const struct check *c, const struct mls_member *newcomer)
{
    struct identity id;
    struct buf entry = {0};
    int rv = identify(c, newcomer, &id);
    if (rv == 0)
        rv = meeting_barred_entry(&id, newcomer->signature_key, &entry);
    if (rv == 0) {
        bool barred = meeting_list_has(c->state.barred, buf_view(&entry));
        rv = allowed_if(!barred && meeting_admission(c->card, &c->state, &id, barred) == CARD_JOIN);
    }
    buf_free(&entry);
    return rv;
}

static int check_add(const struct check *c, const struct mls_proposal_info *p)
{
    enum meeting_role by;
    int rv = proposer_role(c, p, &by);
    if (rv == 0) /* docs/PROTOCOL.md section 3 */
        rv = allowed_if(p->member.credential.type == MLS_X509);
    if (rv != 0 || by != MEETING_ATTENDEE)
        return rv;
    return check_newcomer(c, &p->member);
}

static int check_remove(const struct check *c, const struct mls_proposal_info *p)
{
    enum meeting_role by, target;
    if (p->sender.type == MLS_SENDER_EXTERNAL)
        return allowed_if(p->sender.index == 0);
    int rv = proposer_role(c, p, &by);
    if (rv == 0)
        rv = allowed_if(by != MEETING_ATTENDEE);
    if (rv == 0)
        rv = role_of(c, p->leaf, &target);
    if (rv != 0)
        return rv;
    return allowed_if(target != MEETING_ORGANISER &&
                      (by != MEETING_COHOST || target != MEETING_HOST));
}

/* The card's minutes are over, by the clock of whoever locks, or nearly so by ours. */
static bool auto_lock_due(const struct check *c)
{
    uint64_t after = (uint64_t)card_terms(c->card)->auto_lock_minutes * 60;
    uint64_t now = c->now + CLOCK_SECONDS;
    return after != 0 && now >= c->state.started_at && now - c->state.started_at >= after;
}

static bool state_change_ok(const struct check *c, enum meeting_role by,
                            const struct meeting_state *next)
{
    const struct meeting_state *last = &c->state;
    bool same_cohosts = bytes_equal(next->cohosts, last->cohosts);
    if (next->started_at != last->started_at || (last->ended && !next->ended))
        return false;
    if (by != MEETING_ATTENDEE)
        return same_cohosts || by >= MEETING_HOST;
    return same_cohosts && bytes_equal(next->barred, last->barred) && next->ended == last->ended &&
           !last->locked && next->locked && auto_lock_due(c);
}

static int check_extensions(const struct check *c, const struct mls_proposal_info *p)
{
    enum meeting_role by;
    struct meeting_state next;
    int rv = proposer_role(c, p, &by);
    if (rv == 0)
        rv = refused_if_peers(meeting_extensions_check(p->extensions, c->card, &next));
    return rv != 0 ? rv : allowed_if(state_change_ok(c, by, &next));
}

static bool is_link_psk(const struct check *c, const struct mls_proposal_info *p)
{
    return p->type == MLS_PSK && !p->psk_resumption && bytes_equal(p->psk_id, card_hash(c->card));
}

static int check_psk(const struct check *c, const struct mls_proposal_info *p)
{
    if (p->sender.type != MLS_SENDER_MEMBER)
        return CONCLAVE_EPOLICY;
    return allowed_if(is_link_psk(c, p) ||
                      (p->psk_resumption && bytes_equal(p->psk_group_id, c->context->group_id)));
}

static int check_one(const struct check *c, const struct mls_proposal_info *p)
{
    if (c->state.ended && p->type != MLS_REMOVE && p->type != MLS_SELF_REMOVE)
        return CONCLAVE_EPOLICY;
    switch (p->type) {
    case MLS_ADD:
        return check_add(c, p);
    case MLS_REMOVE:
        return check_remove(c, p);
    case MLS_SELF_REMOVE:
        return allowed_if(p->sender.type == MLS_SENDER_MEMBER);
    case MLS_GROUP_CONTEXT_EXTENSIONS:
        return check_extensions(c, p);
    case MLS_PSK:
        return check_psk(c, p);
    default:
        return CONCLAVE_EPOLICY;
    }
}

/* ---- A commit ---- */

/* Whether a leaf's credential stays, or a new one presents the same identity. */
static int check_same_person(const struct check *c, const struct mls_member *last,
                             const struct mls_member *next)
{
    struct identity before, after;
    if (next->credential.type != MLS_X509)
        return CONCLAVE_EPOLICY;
    if (mls_credential_equal(&last->credential, &next->credential))
        return 0;
    int rv = identify(c, last, &before);
    if (rv == 0)
        rv = identify(c, next, &after);
    return rv != 0 ? rv : allowed_if(identity_same(&before, &after));
}

/* The committer of an external commit is who held the leaf that it removes. */
static int check_resumed(const struct check *c, const struct mls_staged *staged, uint32_t leaf)
{
    struct mls_member last, next;
    int rv = mls_staged_old_member(staged, leaf, &last);
    if (rv == 0)
        rv = mls_staged_new_member(staged, mls_staged_committer(staged), &next);
    if (rv != 0)
        return rv;
    rv = allowed_if(bytes_equal(last.signature_key, next.signature_key));
    return rv != 0 ? rv : check_same_person(c, &last, &next);
}

/* What a new member commits by value: it comes back to its leaf, and shows that it has the link. */
static int check_external(const struct check *c, const struct mls_staged *staged,
                          const struct mls_proposal_info *p)
{
    if (c->state.ended)
        return CONCLAVE_EPOLICY;
    switch (p->type) {
    case MLS_EXTERNAL_INIT:
        return 0;
    case MLS_REMOVE:
        return check_resumed(c, staged, p->leaf);
    case MLS_PSK:
        return allowed_if(is_link_psk(c, p));
    default:
        return CONCLAVE_EPOLICY;
    }
}

static void refuse(struct meeting_refusal *r, int reason, const struct mls_proposal_info *p)
{
    bool of_leaf = p->type == MLS_REMOVE || p->type == MLS_SELF_REMOVE || p->type == MLS_UPDATE;
    *r = (struct meeting_refusal){.reason = reason,
                                  .proposal = p->type,
                                  .by = p->sender.type == MLS_SENDER_MEMBER ? p->sender.index
                                                                            : MLS_NO_LEAF,
                                  .target = of_leaf ? p->leaf : MLS_NO_LEAF};
}

/* The commit as a whole is wrong. */
static void refuse_commit(struct meeting_refusal *r, int reason, struct mls_sender sender)
{
    const struct mls_proposal_info none = {.sender = sender};
    refuse(r, reason, &none);
}

/* What the proposals are together. */
struct tally {
    bool adds, has_link_psk;
    size_t resumed; /* leaves that an external commit removes by itself */
};

static int check_proposals(const struct check *c, const struct mls_staged *staged,
                           struct tally *tally, struct meeting_refusal *refusal)
{
    struct mls_proposal_info p;
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < mls_staged_proposal_count(staged); i++) {
        rv = mls_staged_proposal(staged, i, &p);
        if (rv != 0)
            return rv;
        bool external = p.sender.type == MLS_SENDER_NEW_MEMBER_COMMIT;
        rv = external ? check_external(c, staged, &p) : check_one(c, &p);
        tally->adds |= p.type == MLS_ADD;
        tally->has_link_psk |= is_link_psk(c, &p);
        tally->resumed += external && p.type == MLS_REMOVE;
    }
    if (rv == CONCLAVE_EPOLICY)
        refuse(refusal, REASON_NOT_ALLOWED, &p);
    return rv;
}

static int check_path(const struct check *c, const struct mls_staged *staged)
{
    struct mls_member last, next;
    uint32_t leaf = mls_staged_committer(staged);
    if (!mls_staged_has_path(staged))
        return 0;
    int rv = mls_staged_old_member(staged, leaf, &last);
    if (rv == 0)
        rv = mls_staged_new_member(staged, leaf, &next);
    return rv != 0 ? rv : check_same_person(c, &last, &next);
}

static int check_whole(const struct check *c, const struct mls_staged *staged,
                       const struct tally *tally, struct meeting_refusal *refusal)
{
    struct mls_sender sender = mls_staged_sender(staged);
    bool external = sender.type == MLS_SENDER_NEW_MEMBER_COMMIT;
    int reason = REASON_NOT_ALLOWED;
    int rv = external ? allowed_if(tally->resumed == 1) : check_path(c, staged);
    if (rv == 0 && (tally->adds || external) && !card_terms(c->card)->open) {
        reason = REASON_LINK_SECRET;
        rv = allowed_if(tally->has_link_psk);
    }
    if (rv == CONCLAVE_EPOLICY)
        refuse_commit(refusal, reason, sender);
    return rv;
}

/* The group is this meeting's; its state is the one that counts. */
static int check_context(struct check *c)
{
    if (!meeting_group_is_of(c->card, c->context->group_id))
        return CONCLAVE_EPOLICY;
    return refused_if_peers(meeting_extensions_check(c->context->extensions, c->card, &c->state));
}

static int staged_member(const void *ctx, uint32_t leaf, struct mls_member *out)
{
    return mls_staged_old_member(ctx, leaf, out);
}

int meeting_check_commit(const struct card *card, const struct mls_staged *staged,
                         const struct meeting_judge *judge, uint64_t now,
                         struct meeting_refusal *out_refusal)
{
    const struct meeting_members members = {.ctx = staged, .member = staged_member};
    struct mls_context context;
    struct check c = {
        .card = card, .context = &context, .members = &members, .judge = judge, .now = now};
    struct tally tally = {0};
    mls_staged_old_context(staged, &context);
    int rv = check_context(&c);
    if (rv == CONCLAVE_EPOLICY)
        refuse_commit(out_refusal, REASON_COMMIT_FOREIGN, mls_staged_sender(staged));
    if (rv == 0)
        rv = check_proposals(&c, staged, &tally, out_refusal);
    if (rv == 0)
        rv = check_whole(&c, staged, &tally, out_refusal);
    return rv;
}

int meeting_check_proposal(const struct card *card, const struct mls_context *context,
                           const struct meeting_members *members,
                           const struct mls_proposal_info *proposal,
                           const struct meeting_judge *judge, uint64_t now,
                           struct meeting_refusal *out_refusal)
{
    struct check c = {
        .card = card, .context = context, .members = members, .judge = judge, .now = now};
    int reason = REASON_COMMIT_FOREIGN;
    int rv = check_context(&c);
    if (rv == 0) {
        reason = REASON_NOT_ALLOWED;
        rv = check_one(&c, proposal);
    }
    if (rv == CONCLAVE_EPOLICY)
        refuse(out_refusal, reason, proposal);
    return rv;
}
