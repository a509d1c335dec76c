/* Committing: the leader's windows, the stand-ins' deadlines (docs/PROTOCOL.md section 5). */
#include <stdlib.h>
#include <string.h>

#include "base/earlier.h"
#include "participant/inner.h"

#define WINDOW_FIRST_US (SECOND_US / 10)
#define WINDOW_MOST_US SECOND_US
#define QUIET_US (2 * SECOND_US)
#define STAND_IN_US (2 * SECOND_US)
#define STAND_IN_STEP_US SECOND_US
#define STAND_IN_MOST_US (30 * SECOND_US)
#define OWN_WISH_US (3 * SECOND_US / 2)
#define WISH_WARN_US (10 * SECOND_US)
#define FAILED_US (SECOND_US / 5)
#define FAILED_DOUBLINGS 7u /* to half a minute */
#define FAILURES_MOST 8
#define PENDING_US (10 * SECOND_US)

void participant_lead_compare(struct participant *p)
{
    struct mls_member m;
    p->renewal = p->group != NULL &&
                 mls_group_member(p->group, mls_group_own_leaf(p->group), &m) == 0 &&
                 !bytes_equal(m.credential.certificates, buf_view(&p->chain));
}

static bool can_commit(const struct participant *p)
{
    return p->connection == LIVE && p->group != NULL && !p->founding && p->stuck_us == 0 &&
           !mls_group_has_pending(p->group);
}

static bool wishes_wait(const struct participant *p)
{
    for (size_t i = 0; i < p->n_wishes; i++)
        if (p->wishes[i].kind != WISH_ADMIT)
            return false;
    return true;
}

/* When the leader commits what there is. */
static uint64_t leaders_time(const struct participant *p)
{
    bool work = p->n_proposals != 0 || p->joiners.n != 0 || participant_wish_open(p) || p->renewal;
    uint64_t at = participant_wish_auto_lock_time(p);
    if (!work)
        return at;
    return p->urgent || !wishes_wait(p) ? 0 : earlier(at, p->commit_us + p->window_us);
}

/* When somebody else stands in: for proposals that still wait, for wishes of our own. */
static uint64_t stand_ins_time(const struct participant *p)
{
    uint64_t at = NEVER, step = (uint64_t)p->rank * STAND_IN_STEP_US;
    if (p->n_proposals != 0)
        at = p->proposals_us + STAND_IN_US + (step < STAND_IN_MOST_US ? step : STAND_IN_MOST_US);
    if (participant_wish_open(p))
        at = earlier(at, p->n_wishes > PARTICIPANT_PROPOSE_LIMIT
                             ? 0
                             : participant_wish_oldest(p) + OWN_WISH_US);
    if (p->joiners.n != 0 || p->renewal) /* the server has given up on the leader */
        at = earlier(at, p->commit_us + p->window_us);
    return at;
}

static uint64_t commit_time(const struct participant *p)
{
    if (!can_commit(p))
        return NEVER;
    uint64_t at = p->rank == 0 ? leaders_time(p) : stand_ins_time(p);
    return at == NEVER || at > p->commit_after_us ? at : p->commit_after_us;
}

static uint64_t warn_time(const struct participant *p)
{
    uint64_t at = NEVER;
    for (size_t i = 0; p->connection == LIVE && i < p->n_wishes; i++)
        if (!p->wishes[i].warned)
            at = earlier(at, p->wishes[i].asked_us + WISH_WARN_US);
    return at;
}

static uint64_t path_time(const struct participant *p)
{
    return can_commit(p) ? participant_garden_time(p) : NEVER;
}

/* When a commit of ours that was neither taken nor rejected is worth another connection. */
static uint64_t pending_time(const struct participant *p)
{
    return p->connection == LIVE && p->group != NULL && mls_group_has_pending(p->group)
               ? p->commit_us + PENDING_US
               : NEVER;
}

uint64_t participant_lead_deadline(const struct participant *p)
{
    return earlier(earlier(commit_time(p), path_time(p)), earlier(warn_time(p), pending_time(p)));
}

/* ---- Making a commit ---- */

static void adapt_window(struct participant *p, size_t joiners)
{
    bool quiet = p->now_us - p->commit_us >= QUIET_US;
    p->window_us = quiet         ? WINDOW_FIRST_US
                   : joiners > 1 ? earlier(WINDOW_MOST_US, 2 * p->window_us)
                                 : p->window_us;
    p->commit_us = p->now_us;
}

/* How many of those who wait go into a commit that has so many bytes of others already. */
static size_t joiners_in(const struct participant *p, size_t bytes)
{
    size_t n = 0;
    while (n < p->joiners.n && n < p->joiners_at_once) {
        bytes += p->joiners.list[n].key_package.n;
        if (bytes > PARTICIPANT_ADDS_BYTES)
            break;
        n++;
    }
    return n;
}

/* Wishes, joiners and the link PSK: all changes that are not proposed already. */
static int collect(struct participant *p, struct wish_changes *wishes, struct mls_change **out,
                   size_t *out_n, size_t *out_joiners)
{
    int rv = participant_wish_changes(p, false, PARTICIPANT_ADDS_LIMIT, wishes);
    if (rv != 0)
        return rv;
    size_t joiners = joiners_in(p, wishes->bytes), n = wishes->n;
    struct mls_change *list = calloc(n + joiners + 1, sizeof *list);
    if (list == NULL)
        return CONCLAVE_ENOMEM;
    if (n != 0)
        memcpy(list, wishes->list, n * sizeof *list);
    for (size_t i = 0; i < joiners; i++)
        list[n++] = mls_add(buf_view(&p->joiners.list[i].key_package));
    if (!card_terms(p->card)->open) /* docs/PROTOCOL.md section 3: whoever adds proves the secret */
        list[n++] = mls_external_psk(card_hash(p->card));
    *out = list;
    *out_n = n;
    *out_joiners = joiners;
    return 0;
}

/* What the others will ask, asked before. */
static int inspect(struct participant *p)
{
    struct meeting_refusal refusal = {0};
    struct meeting_judge judge = participant_group_judge(p);
    return meeting_check_commit(p->card, mls_group_pending(p->group), &judge, now_of(p), &refusal);
}

static int make(struct participant *p, bool path, struct buf *out, size_t *out_joiners)
{
    struct wish_changes wishes = {0};
    struct mls_change *list = NULL;
    size_t n = 0;
    struct mls_new_identity identity = {p->signer,
                                        {.type = MLS_X509, .certificates = buf_view(&p->chain)}};
    struct mls_commit_options options = {.identity = p->renewal ? &identity : NULL,
                                         .force_path = path};
    int rv = collect(p, &wishes, &list, &n, out_joiners);
    if (rv == 0)
        rv = mls_group_commit(p->group, list, n, &options, now_of(p), out);
    if (rv == 0) {
        rv = inspect(p);
        if (rv != 0 && mls_group_drop_own(p->group) != 0)
            rv = CONCLAVE_ESTORE;
    }
    if (rv == 0)
        participant_wish_tried(p, &wishes);
    free(list);
    participant_wish_changes_fini(&wishes);
    return rv;
}

/* Something in it cannot be committed: with less, sooner or later, it can. */
static int failed(struct participant *p, int error)
{
    if (conclave_error_class(error) == CONCLAVE_CLASS_SYSTEM)
        return error;
    p->commit_after_us =
        p->now_us + (FAILED_US << (p->commit_failures < FAILED_DOUBLINGS ? p->commit_failures
                                                                         : FAILED_DOUBLINGS));
    p->commit_failures++;
    if (p->joiners.n > 1 && p->joiners_at_once > 1) {
        size_t tried = p->joiners.n < p->joiners_at_once ? p->joiners.n : p->joiners_at_once;
        p->joiners_at_once = tried > 1 ? tried / 2 : 1;
    } else if (p->joiners.n != 0) {
        participant_door_drop_first(p);
        p->joiners_at_once = PARTICIPANT_ADDS_LIMIT;
    } else if (participant_wish_open(p)) {
        participant_wish_give_up(p);
    } else if (p->commit_failures > FAILURES_MOST) {
        p->n_proposals = 0; /* not by us */
    }
    return 0;
}

static int commit(struct participant *p, bool path)
{
    struct buf message = {0};
    size_t joiners = 0;
    int rv = make(p, path, &message, &joiners);
    if (rv == 0) {
        adapt_window(p, joiners);
        participant_effect_send(
            p, &(struct signal_message){.type = SIGNAL_COMMIT, .body = buf_view(&message)});
    } else {
        rv = failed(p, rv);
    }
    buf_free(&message);
    return rv;
}

int participant_lead_tick(struct participant *p)
{
    int rv = 0;
    if (can_commit(p) && participant_wish_open(p) && p->n_wishes <= PARTICIPANT_PROPOSE_LIMIT &&
        p->rank != 0)
        rv = participant_wish_propose(p);
    if (rv == 0 && commit_time(p) <= p->now_us)
        rv = commit(p, false);
    bool path = false;
    if (rv == 0 && path_time(p) <= p->now_us)
        rv = participant_garden_wanted(p, &path);
    if (rv == 0 && path)
        rv = commit(p, true);
    if (rv == 0 && warn_time(p) <= p->now_us)
        participant_wish_warn(p, WISH_WARN_US);
    if (rv == 0 && pending_time(p) <= p->now_us)
        participant_reconnect(p, 0);
    return rv;
}

void participant_lead_new_epoch(struct participant *p, bool changed)
{
    if (changed)
        p->changed_us = p->now_us;
    p->epoch_us = p->now_us;
    p->n_proposals = 0;
    p->proposals_us = 0;
    p->urgent = false;
    p->commit_failures = 0;
    p->commit_after_us = 0;
    p->joiners_at_once = PARTICIPANT_ADDS_LIMIT;
    participant_lead_compare(p);
    if (p->window_us == 0)
        p->window_us = WINDOW_FIRST_US;
}

/* Rejected as stale: the winner's commit is on its way, or here. Otherwise the server would not
 * have ours, and nobody has it. */
int participant_lead_rejected(struct participant *p, const struct signal_message *m)
{
    if (p->rejoining != NULL) {
        mls_group_free(p->rejoining);
        p->rejoining = NULL;
        participant_reconnect(p, 0); /* somebody was faster: with a newer GroupInfo */
        return 0;
    }
    if (p->group == NULL || m->epoch != mls_group_epoch(p->group) ||
        !mls_group_has_pending(p->group) || m->reason == REASON_STALE)
        return 0;
    int rv = mls_group_drop_own(p->group);
    if (rv == 0 && p->commit_failures == 0) { /* the server may know of other proposals than we */
        p->commit_failures++;
        participant_reconnect(p, 0);
        return 0;
    }
    return rv != 0 ? rv : failed(p, CONCLAVE_EPOLICY);
}

/* Before we ask again: the server forgets proposals when it dies, and sends those that it has. */
int participant_lead_forget(struct participant *p)
{
    p->n_proposals = 0;
    p->urgent = false;
    participant_wish_again(p);
    return mls_group_clear_proposals(p->group);
}

int participant_lead_resume(struct participant *p)
{
    struct bytes message, welcome;
    p->commit_us = p->now_us;
    if (mls_group_pending_message(p->group, &message) == 0)
        participant_effect_send(p,
                                &(struct signal_message){.type = SIGNAL_COMMIT, .body = message});
    if (mls_group_last_welcome(p->group, &welcome) == 0 && welcome.n != 0)
        participant_effect_send(p, &(struct signal_message){.type = SIGNAL_WELCOME,
                                                            .epoch = mls_group_epoch(p->group),
                                                            .body = welcome});
    return 0;
}
