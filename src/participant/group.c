/* The MLS group: founding, joining by Welcome, and what comes in. Each commit is put to the policy
 * before it is merged (docs/PROTOCOL.md section 4). */
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "crypto/sha256.h"
#include "crypto/suite.h"
#include "mls/client.h"
#include "mls/framing.h"
#include "participant/inner.h"

#define PAST_EPOCHS 3                  /* chats under way while the epoch changes */
#define GENERATION_AHEAD 4096          /* of one sender, lost on the way */
#define STUCK_AGAIN_US (3 * SECOND_US) /* an Undone comes sooner, or not */
#define STUCK_GIVE_UP_US (10 * SECOND_US)
#define BEHIND_US (3 * SECOND_US)        /* a commit that is on its way arrives sooner */
#define HEARD_LATELY_US (10 * SECOND_US) /* docs/PROTOCOL.md section 5, Leaving */

/* ---- What MLS asks of us ---- */

static int check_sender(const struct participant *p, const struct mls_identity_check *check)
{
    return check->credential.type == MLS_BASIC &&
                   bytes_equal(check->credential.identity, bytes_str(MEETING_SERVER_NAME)) &&
                   bytes_equal(check->signature_key, card_terms(p->card)->server_key)
               ? 0
               : CONCLAVE_ECREDENTIAL;
}

static bool same_person(struct participant *p, const struct mls_credential *a, struct bytes key_a,
                        const struct mls_credential *b, struct bytes key_b)
{
    struct verdict *x = NULL, *y = NULL;
    bool same = bytes_equal(a->certificates, b->certificates) && bytes_equal(key_a, key_b);
    if (!same && participant_realm_judge(p->realm, p->crypto, a, key_a, now_of(p), &x) == 0 &&
        participant_realm_judge(p->realm, p->crypto, b, key_b, now_of(p), &y) == 0)
        same = identity_same(&x->id, &y->id);
    participant_verdict_release(x);
    participant_verdict_release(y);
    return same;
}

/* Anybody with a certificate of its own key may be in a group: whom it is shown as, and what it may
 * do, is the policy's. A successor must be the same person. */
static int check_identity(void *ctx, const struct mls_identity_check *check)
{
    struct participant *p = ctx;
    if (check->event == MLS_IDENTITY_EXTERNAL_SENDER)
        return check_sender(p, check);
    if (check->credential.type != MLS_X509)
        return CONCLAVE_ECREDENTIAL;
    if (check->event == MLS_IDENTITY_EXTERNAL_JOIN && !check->has_predecessor)
        return CONCLAVE_ECREDENTIAL;
    if (!check->has_predecessor || same_person(p, &check->predecessor, check->predecessor_key,
                                               &check->credential, check->signature_key))
        return 0;
    return CONCLAVE_ECREDENTIAL;
}

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    struct participant *p = ctx;
    if (p->card == NULL || card_terms(p->card)->open || !bytes_equal(id, card_hash(p->card)))
        return CONCLAVE_ENOTFOUND;
    p->psk_used = true;
    buf_clear(out);
    buf_put(out, bytes_of(p->psk, sizeof p->psk));
    return buf_check(out);
}

static bool key_of(const struct participant *p, const struct mls_credential *c,
                   struct crypto_certificate *out)
{
    struct bytes rest = c->certificates, der;
    return c->type == MLS_X509 && mls_certificate_next(&rest, &der) &&
           crypto_certificate(p->crypto, der, out) == 0;
}

/* Whether two chains are one person's, as RFC 9420 12.2 asks of an external commit: certificates
 * are renewed while their owners are away. The policy demands the same signature key besides. */
static bool same_identity(void *ctx, const struct mls_credential *a, const struct mls_credential *b)
{
    struct participant *p = ctx;
    struct crypto_certificate x, y;
    return key_of(p, a, &x) && key_of(p, b, &y) &&
           same_person(p, a, bytes_of(x.public_key, x.public_key_n), b,
                       bytes_of(y.public_key, y.public_key_n));
}

struct mls_callbacks participant_group_callbacks(struct participant *p)
{
    return (struct mls_callbacks){.ctx = p,
                                  .check_identity = check_identity,
                                  .find_psk = find_psk,
                                  .same_identity = same_identity,
                                  .store = p->persist ? participant_persist_store : NULL};
}

/* For open meetings, too: the extension is required of all. */
static int make_name(struct participant *p, struct buf *out)
{
    return meeting_name_seal(p->names, p->crypto, crypto_signer_public(p->signer), p->name, out);
}

int participant_group_make_client(struct participant *p)
{
    static const uint16_t extensions[] = {MEETING_EXT_CARD, MEETING_EXT_STATE, MEETING_EXT_NAME};
    struct buf name = {0};
    uint16_t suite = card_terms(p->card)->suites[0];
    struct mls_policy policy = mls_policy_default();
    policy.accept_expired_tree = true;
    policy.past_epochs = PAST_EPOCHS;
    policy.generation_ahead = GENERATION_AHEAD;
    policy.private_handshake = false;
    policy.tree_in_welcome = false;
    int rv = make_name(p, &name);
    struct mls_extension leaf = {MEETING_EXT_NAME, buf_view(&name)};
    struct mls_client_config config = {
        .suite = suite,
        .signer = p->signer,
        .credential = {.type = MLS_X509, .certificates = buf_view(&p->chain)},
        .callbacks = participant_group_callbacks(p),
        .policy = policy,
        .verified = participant_trust_verified(p->trust),
        .extensions = extensions,
        .n_extensions = sizeof extensions / sizeof extensions[0],
        .leaf_extensions = &leaf,
        .n_leaf_extensions = 1,
    };
    struct mls_client *made = NULL;
    if (rv == 0)
        rv = mls_client_new(&config, &made);
    if (rv == 0) {
        mls_client_free(p->client);
        p->client = made;
    }
    buf_free(&name);
    return rv;
}

static int identify(void *ctx, const struct mls_credential *credential, struct bytes signature_key,
                    struct identity *out)
{
    struct participant *p = ctx;
    struct verdict *v = NULL;
    int rv = participant_realm_judge(p->realm, p->crypto, credential, signature_key, now_of(p), &v);
    if (rv == 0)
        *out = v->id;
    participant_verdict_release(v);
    return rv;
}

struct meeting_judge participant_group_judge(struct participant *p)
{
    return (struct meeting_judge){.ctx = p, .identify = identify};
}

/* ---- State ---- */

/* The state in an extension list, and the bytes that it has views into. */
static int read_state(struct bytes extensions, struct buf *out_data, struct meeting_state *out)
{
    struct bytes data = none();
    int rv = mls_extension_find(extensions, MEETING_EXT_STATE, &data);
    buf_put(out_data, data);
    if (rv == 0)
        rv = buf_check(out_data);
    return rv != 0 ? rv : meeting_state_read(buf_view(out_data), out);
}

static void take_state(struct participant *p, struct buf *data, const struct meeting_state *state)
{
    p->state_changed = !bytes_equal(buf_view(&p->state_data), buf_view(data));
    buf_move(&p->state_data, data); /* the views point into the memory that is moved */
    p->state = *state;
}

int participant_group_read_state(struct participant *p)
{
    struct mls_context context;
    struct buf data = {0};
    struct meeting_state state;
    mls_group_context(p->group, &context);
    int rv = read_state(context.extensions, &data, &state);
    if (rv == 0)
        take_state(p, &data, &state);
    buf_free(&data);
    return rv;
}

int participant_group_check(struct participant *p, const struct mls_group *g)
{
    struct mls_context context;
    struct meeting_state state;
    mls_group_context(g, &context);
    if (context.suite != card_terms(p->card)->suites[0] ||
        !meeting_group_is_of(p->card, context.group_id))
        return CONCLAVE_EPOLICY;
    return meeting_extensions_check(context.extensions, p->card, &state);
}

/* So that another in its place is noticed. */
static void remember(struct participant *p)
{
    struct mls_context context;
    if (p->group == NULL || p->founding)
        return;
    mls_group_context(p->group, &context);
    buf_clear(&p->last_group);
    buf_put(&p->last_group, context.group_id);
    p->last_epoch = context.epoch;
}

void participant_group_drop(struct participant *p)
{
    remember(p);
    mls_group_free(p->group);
    p->group = NULL;
    mls_group_free(p->rejoining);
    p->rejoining = NULL;
    p->founding = p->rejoin = false;
    p->stuck_us = 0;
    p->state = (struct meeting_state){0};
    buf_clear(&p->state_data);
    participant_roster_fini(p);
    participant_callers_fini(&p->lobby);
    participant_callers_fini(&p->joiners);
    participant_wishes_fini(p);
    if (p->persist)
        participant_effect_simple(p, PARTICIPANT_SAVE_NOTHING);
}

int participant_group_take_up(struct participant *p)
{
    int rv = participant_group_read_state(p);
    if (rv == 0)
        rv = participant_roster_reset(p);
    return rv != 0 ? rv : participant_persist_snapshot(p);
}

void participant_group_enter(struct participant *p)
{
    p->stats.epochs++;
    p->behind_us = 0;
    p->behind_steps = 0;
    participant_lead_new_epoch(p, true);
    participant_talk_new_epoch(p, false);
    participant_talk_again(p);
    participant_tell(p, PARTICIPANT_ROSTER);
    participant_tell(p, PARTICIPANT_STATE);
    participant_effect_event(p, &(struct participant_effect){.event = PARTICIPANT_CODE,
                                                             .epoch = mls_group_epoch(p->group),
                                                             .leaf = MLS_NO_LEAF,
                                                             .by = MLS_NO_LEAF});
}

/* ---- Founding ---- */

int participant_group_found(struct participant *p)
{
    uint8_t group_id[MEETING_GROUP_ID];
    struct meeting_state state = {.started_at = now_of(p)};
    struct meeting_extensions extensions;
    memcpy(group_id, card_terms(p->card)->meeting_id, CARD_ID);
    int rv = crypto_random(p->crypto, group_id + CARD_ID, MEETING_INSTANCE);
    if (rv != 0)
        return rv;
    rv = meeting_extensions_init(&extensions, p->card, &state);
    if (rv != 0)
        return rv;
    rv = mls_group_new(p->client, bytes_of(group_id, sizeof group_id), extensions.list,
                       sizeof extensions.list / sizeof extensions.list[0], now_of(p), &p->group);
    meeting_extensions_fini(&extensions);
    p->founding = rv == 0;
    return rv;
}

/* ---- Joining ---- */

/* The link PSK must have been among the Welcome's: whoever let us in knows the link's secret. */
static int join(struct participant *p, const struct signal_message *m)
{
    struct mls_group *joined = NULL;
    p->psk_used = false;
    int rv =
        mls_group_join(p->client, m->body, m->tree, p->key_package, NULL, 0, now_of(p), &joined);
    if (rv == 0)
        rv = participant_group_check(p, joined);
    if (rv == 0 && !card_terms(p->card)->open && !p->psk_used)
        rv = CONCLAVE_EPSK;
    if (rv == 0)
        p->group = joined;
    else
        mls_group_free(joined);
    return rv;
}

/* We were in this meeting before, and this is not the group that it had, or had then. */
static bool is_another(const struct participant *p)
{
    struct mls_context context;
    mls_group_context(p->group, &context);
    return p->last_group.n != 0 && (!bytes_equal(buf_view(&p->last_group), context.group_id) ||
                                    context.epoch < p->last_epoch);
}

int participant_group_welcomed(struct participant *p, const struct signal_message *m)
{
    if (p->key_package == NULL || p->group != NULL || p->connection != ASKED) {
        participant_notify(p, PARTICIPANT_ALARM, REASON_COMMIT_FOREIGN, MLS_NO_LEAF);
        return 0;
    }
    int rv = join(p, m);
    if (rv != 0 && conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
        return rv;
    if (rv != 0) { /* not ours, or without the link's secret: we go on waiting for a true one, with
                    * another key package if this one has been used up */
        p->stats.refused++;
        participant_notify(p, PARTICIPANT_ALARM,
                           rv == CONCLAVE_EPSK || rv == CONCLAVE_EDECRYPT ? REASON_LINK_SECRET
                                                                          : REASON_COMMIT_FOREIGN,
                           MLS_NO_LEAF);
        if (p->key_package->spent)
            participant_reconnect(p, 0);
        return 0;
    }
    mls_key_package_free(p->key_package); /* it has served, whatever follows */
    p->key_package = NULL;
    bool another = is_another(p);
    rv = participant_group_take_up(p);
    if (rv != 0) {
        participant_group_drop(p);
        return rv;
    }
    if (another)
        participant_notify(p, PARTICIPANT_ALARM, REASON_MEETING_RESTARTED, MLS_NO_LEAF);
    p->connection = LIVE;
    p->retries = 0;
    p->rejoins = 0;
    if (!p->state.locked)
        participant_wish_unlocked(p);
    participant_phase_set(p, PARTICIPANT_IN_MEETING);
    participant_group_enter(p);
    return 0;
}

/* ---- Commits ---- */

/* Each frame has its content: what came in another has not been put to the policy. */
static bool carries(struct bytes message, enum mls_content_type type)
{
    struct mls_message m;
    struct mls_public_message content;
    return mls_message_parse(message, &m) == 0 && m.wire_format == MLS_PUBLIC_MESSAGE &&
           mls_public_message_parse(m.body, &content) == 0 &&
           content.auth_content.content.type == type;
}

/* Whether the one that we are stuck at is one that we may not follow, so that no other way leads
 * around it (docs/PROTOCOL.md section 4). */
bool participant_group_refuses(const struct participant *p)
{
    return p->stuck_us != 0 && p->stuck_reason != REASON_CANNOT_FOLLOW;
}

/* An accepted commit that we do not follow: say so; what comes after: participant_group_tick().
 * Said again it changes nothing: time goes on, and what was not allowed stays so. */
static void stuck(struct participant *p, struct bytes message, int reason, uint32_t by)
{
    uint8_t hash[SIGNAL_HASH];
    p->stats.refused++;
    if (crypto_sha256(message, hash) == 0)
        participant_effect_send(p, &(struct signal_message){.type = SIGNAL_COMPLAINT,
                                                            .epoch = mls_group_epoch(p->group),
                                                            .hash = bytes_of(hash, SIGNAL_HASH),
                                                            .reason = (uint16_t)reason});
    if (participant_group_refuses(p) || (p->stuck_us != 0 && reason == p->stuck_reason))
        return;
    p->stuck_us = p->now_us;
    p->stuck_reason = reason;
    participant_notify(p, PARTICIPANT_ALARM, reason, by);
}

/* What a commit changes for us, whoever made it: all that can fail is done before it is merged. */
struct advance {
    struct roster_changes roster;
    struct buf state_data;
    struct meeting_state state;
};

static int advance_init(struct participant *p, const struct mls_staged *staged, struct advance *a)
{
    struct mls_context context;
    mls_staged_new_context(staged, &context);
    int rv = read_state(context.extensions, &a->state_data, &a->state);
    return rv != 0 ? rv : participant_roster_changes(p, staged, &a->roster);
}

static void advance_fini(struct advance *a)
{
    participant_roster_changes_fini(&a->roster);
    buf_free(&a->state_data);
}

/* After the merge. */
static void advanced(struct participant *p, struct advance *a, bool own)
{
    bool locked = p->state.locked;
    size_t came = 0;
    take_state(p, &a->state_data, &a->state);
    if (locked && !p->state.locked)
        participant_wish_unlocked(p);
    for (size_t i = 0; i < a->roster.n; i++)
        came += a->roster.list[i].came &&
                (a->roster.resumes || a->roster.list[i].leaf != a->roster.list[i].by);
    if (p->stuck_us != 0) /* the server took the other one back */
        participant_notify(p, PARTICIPANT_INFO, REASON_UNDONE, MLS_NO_LEAF);
    p->stuck_us = 0;
    p->stats.epochs++;
    p->rejoins = 0;
    p->behind_us = 0;
    p->behind_steps = 0;
    participant_door_recheck(p);
    participant_roster_apply(p, &a->roster);
    participant_wish_settle(p, own);
    participant_lead_new_epoch(p, came != 0 || a->roster.n > 1 || p->state_changed);
    participant_talk_new_epoch(p, came != 0);
    if (p->state_changed)
        participant_tell(p, PARTICIPANT_STATE);
    participant_effect_event(p, &(struct participant_effect){.event = PARTICIPANT_CODE,
                                                             .epoch = mls_group_epoch(p->group),
                                                             .leaf = MLS_NO_LEAF,
                                                             .by = MLS_NO_LEAF});
    if (p->state.ended)
        participant_end_with(p, REASON_ENDED);
}

static int merge_own(struct participant *p)
{
    struct advance a = {0};
    struct buf welcome = {0};
    int rv = advance_init(p, mls_group_pending(p->group), &a);
    if (rv == 0)
        rv = mls_group_merge_own(p->group, &welcome);
    if (rv == 0 && welcome.n != 0)
        participant_effect_send(p, &(struct signal_message){.type = SIGNAL_WELCOME,
                                                            .epoch = mls_group_epoch(p->group),
                                                            .body = buf_view(&welcome)});
    if (rv == 0)
        advanced(p, &a, true);
    advance_fini(&a);
    buf_free(&welcome);
    return rv;
}

static int reason_of(const struct mls_proposal_info *info)
{
    if (info->type == MLS_SELF_REMOVE)
        return REASON_LEFT;
    switch (info->sender.type) {
    case MLS_SENDER_EXTERNAL:
        return REASON_REMOVED_DISCONNECTED;
    case MLS_SENDER_NEW_MEMBER_COMMIT: /* it takes our leaf anew, and so has our key */
        return REASON_REPLACED;
    default:
        return REASON_EJECTED;
    }
}

/* Who removed us, and so why it is over. */
static int removed_reason(const struct mls_staged *staged, uint32_t own)
{
    struct mls_proposal_info info;
    for (size_t i = 0; i < mls_staged_proposal_count(staged); i++)
        if (mls_staged_proposal(staged, i, &info) == 0 && info.leaf == own &&
            (info.type == MLS_REMOVE || info.type == MLS_SELF_REMOVE))
            return reason_of(&info);
    return REASON_EJECTED;
}

static int merge(struct participant *p, struct mls_received *r)
{
    struct advance a = {0};
    bool gone = mls_staged_removes_us(r->staged);
    int reason = gone ? removed_reason(r->staged, mls_group_own_leaf(p->group)) : 0;
    int rv = gone ? 0 : advance_init(p, r->staged, &a);
    if (rv == 0)
        rv = mls_group_merge(p->group, mls_received_take(r));
    if (rv == 0 && gone)
        participant_end_with(p, reason);
    else if (rv == 0)
        advanced(p, &a, false);
    advance_fini(&a);
    return rv;
}

static int judge_commit(struct participant *p, struct bytes message, struct mls_received *r)
{
    struct meeting_refusal refusal = {0};
    struct meeting_judge judge = participant_group_judge(p);
    int rv = meeting_check_commit(p->card, r->staged, &judge, now_of(p), &refusal);
    if (rv == CONCLAVE_EPOLICY) {
        stuck(p, message, refusal.reason != 0 ? refusal.reason : REASON_NOT_ALLOWED, refusal.by);
        return 0;
    }
    return rv != 0 ? rv : merge(p, r);
}

static int resumed(struct participant *p, struct bytes message);

/* The peer's errors: an older commit again is nothing; a newer one means that some are missing. */
static int cannot_follow(struct participant *p, struct bytes message, int error)
{
    enum mls_wire_format kind;
    struct bytes group_id;
    uint64_t epoch = 0;
    struct mls_context context;
    if (conclave_error_class(error) == CONCLAVE_CLASS_SYSTEM)
        return error;
    mls_group_context(p->group, &context);
    if (error == CONCLAVE_EWIREFORMAT || mls_message_peek(message, &kind, &group_id, &epoch) != 0 ||
        !bytes_equal(group_id, context.group_id)) {
        p->stats.refused++;
        participant_notify(p, PARTICIPANT_ALARM, REASON_COMMIT_FOREIGN, MLS_NO_LEAF);
    } else if (epoch < context.epoch) {
        p->stats.refused++; /* a replay */
    } else if (epoch > context.epoch) {
        if (p->stuck_us == 0) /* one was withheld: ask for all since ours */
            participant_reconnect(p, 0);
    } else {
        stuck(p, message, REASON_CANNOT_FOLLOW, MLS_NO_LEAF);
    }
    return 0;
}

int participant_group_committed(struct participant *p, struct bytes message)
{
    struct mls_received r = {0};
    if (p->rejoining != NULL)
        return resumed(p, message);
    if (p->group == NULL || p->founding)
        return 0;
    int rv = carries(message, CONTENT_COMMIT) ? mls_group_receive(p->group, message, now_of(p), &r)
                                              : CONCLAVE_EWIREFORMAT;
    if (rv != 0)
        return cannot_follow(p, message, rv);
    if (r.kind == MLS_RECEIVED_OWN_COMMIT)
        rv = merge_own(p);
    else if (r.kind == MLS_RECEIVED_COMMIT)
        rv = judge_commit(p, message, &r);
    mls_received_free(&r);
    if (rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM) {
        stuck(p, message, REASON_CANNOT_FOLLOW, MLS_NO_LEAF);
        rv = 0;
    }
    return rv;
}

/* Our external commit came back: the group it made takes the place of the old one, in which our
 * leaf is no more. */
static int resumed(struct participant *p, struct bytes message)
{
    struct mls_received r = {0};
    struct buf welcome = {0};
    int rv = mls_group_receive(p->rejoining, message, now_of(p), &r);
    if (rv != 0) /* somebody else's: ours will be rejected, see participant_lead_rejected() */
        return conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM ? rv : 0;
    rv = mls_group_merge_own(p->rejoining, &welcome);
    mls_received_free(&r);
    buf_free(&welcome);
    if (rv != 0)
        return rv;
    struct roster_changes changes = {0};
    rv = participant_roster_differences(p, p->group, p->rejoining, &changes);
    mls_group_free(p->group);
    p->group = p->rejoining;
    p->rejoining = NULL;
    if (rv == 0)
        rv = participant_group_take_up(p);
    if (rv == 0) {
        p->stuck_us = 0;
        p->rejoin = false;
        participant_roster_tell(p, &changes); /* nobody gets in unseen */
        participant_group_enter(p);
    } else {
        participant_group_drop(p);
    }
    participant_roster_changes_fini(&changes);
    return rv;
}

int participant_group_undone(struct participant *p, const struct signal_message *m)
{
    if (p->group == NULL)
        return 0;
    if (m->epoch == mls_group_epoch(p->group)) {
        struct seat *offender = participant_roster_seat(p, m->leaf);
        p->stuck_us = 0;
        if (offender != NULL) /* cut off; its removal is proposed next, and nothing to object to */
            participant_roster_connected(p, offender, false);
        participant_notify(p, PARTICIPANT_WARNING, REASON_UNDONE, m->leaf);
        return 0;
    }
    if (m->epoch + 1 != mls_group_epoch(p->group)) {
        p->stats.refused++; /* only the latest commit can be taken back */
        return 0;
    }
    /* We followed what the server took back: there is no way back to that epoch. */
    participant_notify(p, PARTICIPANT_ALARM, REASON_UNDONE, m->leaf);
    participant_group_drop(p);
    participant_reconnect(p, 0);
    return 0;
}

void participant_group_note_behind(struct participant *p, struct bytes message)
{
    enum mls_wire_format kind;
    struct bytes group_id;
    uint64_t epoch = 0;
    if (mls_message_peek(message, &kind, &group_id, &epoch) == 0 &&
        epoch > mls_group_epoch(p->group) && p->behind_us == 0)
        p->behind_us = p->now_us;
}

/* Messages of an epoch that we were not shown come in: ask for it, as long as they do, and say so
 * once. */
static void behind_tick(struct participant *p)
{
    if (p->behind_us == 0 || p->connection != LIVE || p->now_us - p->behind_us < BEHIND_US)
        return;
    p->behind_us = 0;
    p->behind_steps++;
    if (p->behind_steps == 2) /* asked for, and not given */
        participant_notify(p, PARTICIPANT_ALARM, REASON_OTHERS_SILENT, MLS_NO_LEAF);
    participant_reconnect(p, 0);
}

/* What could not be followed may have been nobody's commit: we resume first, and see whether the
 * server says it again. Only then is our leaf worth to be taken anew. */
static bool was_asked_again(const struct participant *p)
{
    return p->asked_again == mls_group_epoch(p->group) + 1;
}

static uint64_t stuck_until(const struct participant *p)
{
    if (participant_group_refuses(p))
        return p->stuck_us + STUCK_GIVE_UP_US;
    return was_asked_again(p) ? p->stuck_us : p->stuck_us + STUCK_AGAIN_US;
}

/* What we may not follow does not become right by a reconnection; what we cannot follow may. */
static bool is_waiting_stuck(const struct participant *p)
{
    return p->stuck_us != 0 && (participant_group_refuses(p) || p->phase == PARTICIPANT_IN_MEETING);
}

int participant_group_tick(struct participant *p)
{
    behind_tick(p);
    if (!is_waiting_stuck(p) || p->now_us < stuck_until(p))
        return 0;
    if (participant_group_refuses(p)) {
        participant_end_with(p, p->stuck_reason);
        return 0;
    }
    bool again = was_asked_again(p);
    p->asked_again = mls_group_epoch(p->group) + 1;
    p->stuck_us = 0;
    if (again)
        participant_open_rejoin(p);
    else
        participant_reconnect(p, 0);
    return 0;
}

/* ---- Proposals ---- */

static int member_of(const void *ctx, uint32_t leaf, struct mls_member *out)
{
    return mls_group_member(ctx, leaf, out);
}

static int judge_proposal(struct participant *p, const struct mls_proposal_info *info,
                          struct meeting_refusal *refusal)
{
    struct mls_context context;
    struct meeting_members members = {p->group, member_of};
    struct meeting_judge judge = participant_group_judge(p);
    mls_group_context(p->group, &context);
    return meeting_check_proposal(p->card, &context, &members, info, &judge, now_of(p), refusal);
}

/* The server wants somebody removed as disconnected whom we have just heard. */
static bool heard_lately(const struct participant *p, const struct mls_proposal_info *info)
{
    const struct seat *s = participant_roster_seat(p, info->leaf);
    return info->type == MLS_REMOVE && info->sender.type == MLS_SENDER_EXTERNAL &&
           (info->leaf == mls_group_own_leaf(p->group) ||
            (s != NULL && s->connected && s->beat_epoch != 0 &&
             p->now_us - s->heard_us < HEARD_LATELY_US));
}

static void count_proposal(struct participant *p, const struct mls_proposal_info *info)
{
    if (p->n_proposals++ == 0)
        p->proposals_us = p->now_us;
    if (info->type != MLS_ADD)
        p->urgent = true;
}

static int take_proposal(struct participant *p, const struct mls_received *r)
{
    struct meeting_refusal refusal = {0};
    const struct mls_proposal_info *info = &r->proposal;
    int rv = judge_proposal(p, info, &refusal);
    if (rv == CONCLAVE_EPOLICY) {
        p->stats.refused++;
        participant_notify(p, PARTICIPANT_ALARM,
                           refusal.reason != 0 ? refusal.reason : REASON_NOT_ALLOWED, refusal.by);
        return mls_group_ignore_proposal(p->group, info->ref);
    }
    if (rv != 0)
        return rv;
    if (heard_lately(p, info)) {
        participant_notify(p, PARTICIPANT_WARNING, REASON_REMOVED_BY_SERVER, info->leaf);
        return mls_group_ignore_proposal(p->group, info->ref);
    }
    if (r->sender.type != MLS_SENDER_MEMBER || r->sender.index != mls_group_own_leaf(p->group))
        count_proposal(p, info); /* our own was counted when it was made */
    return 0;
}

int participant_group_proposed(struct participant *p, struct bytes message)
{
    struct mls_received r = {0};
    if (p->group == NULL || p->founding || p->rejoining != NULL)
        return 0;
    int rv = carries(message, CONTENT_PROPOSAL)
                 ? mls_group_receive(p->group, message, now_of(p), &r)
                 : CONCLAVE_EWIREFORMAT;
    if (rv != 0) {
        if (conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
            return rv;
        p->stats.refused++;
        participant_group_note_behind(p, message);
        return 0; /* of another epoch, or invalid: it is not in our cache */
    }
    if (r.kind == MLS_RECEIVED_PROPOSAL)
        rv = take_proposal(p, &r);
    mls_received_free(&r);
    return rv;
}

uint64_t participant_group_deadline(const struct participant *p)
{
    uint64_t at = NEVER;
    if (p->behind_us != 0 && p->connection == LIVE)
        at = p->behind_us + BEHIND_US;
    if (is_waiting_stuck(p)) {
        uint64_t until = stuck_until(p);
        at = until < at ? until : at;
    }
    return at;
}
