/* Who is there: one seat for each leaf of the tree, with a verdict that this client made itself. */
#include <stdlib.h>
#include <string.h>

#include "crypto/suite.h"
#include "identity/text.h"
#include "mls/group.h"
#include "participant/inner.h"

struct seat *participant_roster_seat(const struct participant *p, uint32_t leaf)
{
    return leaf < p->n_seats && p->seats[leaf].verdict != NULL ? &p->seats[leaf] : NULL;
}

/* Asked for at every event, so it is counted when somebody comes or goes. */
static void count_rank(struct participant *p)
{
    uint32_t own = mls_group_own_leaf(p->group);
    p->rank = 0;
    for (uint32_t i = 0; i < own && i < p->n_seats; i++)
        p->rank += p->seats[i].verdict != NULL && p->seats[i].connected;
}

static void seat_clear(struct seat *s)
{
    participant_verdict_release(s->verdict);
    *s = (struct seat){0};
}

void participant_roster_fini(struct participant *p)
{
    for (uint32_t i = 0; i < p->n_seats; i++)
        seat_clear(&p->seats[i]);
    free(p->seats);
    p->seats = NULL;
    p->n_seats = 0;
}

static int reserve(struct participant *p, uint32_t leaf)
{
    if (leaf < p->n_seats)
        return 0;
    uint32_t n = p->n_seats < 8 ? 8 : p->n_seats;
    while (n <= leaf)
        n *= 2; /* leaves are fewer than 2^16 */
    struct seat *grown = realloc(p->seats, n * sizeof *grown);
    if (grown == NULL)
        return CONCLAVE_ENOMEM;
    memset(grown + p->n_seats, 0, (n - p->n_seats) * sizeof *grown);
    p->seats = grown;
    p->n_seats = n;
    return 0;
}

static int judge_member(struct participant *p, const struct mls_member *m, struct verdict **out)
{
    return participant_realm_judge(p->realm, p->crypto, &m->credential, m->signature_key, now_of(p),
                                   out);
}

int participant_roster_reset(struct participant *p)
{
    struct mls_member m;
    uint32_t leaf = 0;
    participant_roster_fini(p);
    while (mls_group_next_member(p->group, &leaf, &m)) {
        struct verdict *verdict = NULL;
        int rv = reserve(p, m.leaf_index);
        if (rv == 0)
            rv = judge_member(p, &m, &verdict);
        if (rv != 0)
            return rv;
        struct seat *s = &p->seats[m.leaf_index];
        s->verdict = verdict;
        s->connected = true;
        s->heard_us = p->now_us;
    }
    count_rank(p);
    return 0;
}

/* Silence is counted while both sides are here, and goes on where it was. Else a server that calls
 * people away and back, or cuts us off, every few seconds would decide that nobody is missed. */
static void add_absence(const struct participant *p, struct seat *s, uint64_t since)
{
    uint64_t heard = s->heard_us + (p->now_us - since);
    s->heard_us = heard < p->now_us ? heard : p->now_us;
}

void participant_roster_connected(struct participant *p, struct seat *s, bool connected)
{
    if (connected && !s->connected)
        add_absence(p, s, s->away_us);
    else if (!connected && s->connected)
        s->away_us = p->now_us;
    s->connected = connected;
}

void participant_roster_all_here(struct participant *p)
{
    for (uint32_t i = 0; i < p->n_seats; i++) {
        struct seat *s = &p->seats[i];
        if (s->verdict == NULL)
            continue;
        add_absence(p, s, s->connected ? p->left_us : s->away_us);
        s->connected = true;
    }
    count_rank(p);
}

enum meeting_role participant_roster_role(const struct participant *p, uint32_t leaf)
{
    const struct seat *s = participant_roster_seat(p, leaf);
    return s == NULL ? MEETING_ATTENDEE : meeting_role(p->card, &p->state, &s->verdict->id);
}

enum meeting_role participant_role_own(const struct participant *p)
{
    return p->group == NULL ? MEETING_ATTENDEE
                            : participant_roster_role(p, mls_group_own_leaf(p->group));
}

bool participant_person_name(struct participant *p, struct bytes signature_key,
                             struct bytes leaf_extensions,
                             char out[static PARTICIPANT_NAME_MAX + 1])
{
    return meeting_name_open(p->names, signature_key, leaf_extensions, out);
}

/* "Ada (example.org)": what is left of somebody who went. */
static int describe(struct participant *p, const struct mls_member *m, const struct identity *id,
                    struct buf *out)
{
    char name[PARTICIPANT_NAME_MAX + 1];
    const char *label = id->label[0] != '\0' ? id->label : "Unverified";
    participant_person_name(p, m->signature_key, m->extensions, name);
    if (name[0] != '\0') {
        text_put(out, name);
        text_put(out, " (");
        text_put(out, label);
        text_put(out, ")");
    } else {
        text_put(out, id->identifier[0] != '\0' ? id->identifier : label);
    }
    return buf_check(out);
}

/* ---- A commit's comings and goings ---- */

static uint32_t leaf_of_sender(const struct mls_sender *s)
{
    return s->type == MLS_SENDER_MEMBER ? s->index : MLS_NO_LEAF;
}

static int note_gone(struct participant *p, const struct mls_staged *staged,
                     const struct mls_proposal_info *info, struct roster_change *out)
{
    struct mls_member m;
    struct seat *s = participant_roster_seat(p, info->leaf);
    out->leaf = info->leaf;
    out->by = leaf_of_sender(&info->sender);
    out->server = info->sender.type == MLS_SENDER_EXTERNAL;
    out->reason = info->type == MLS_SELF_REMOVE ? REASON_LEFT
                  : out->server                 ? REASON_REMOVED_DISCONNECTED
                                                : REASON_EJECTED;
    int rv = mls_staged_old_member(staged, info->leaf, &m);
    if (rv == 0 && s != NULL)
        rv = describe(p, &m, &s->verdict->id, &out->text);
    return rv;
}

static int note_come(struct participant *p, const struct mls_member *m, uint32_t by,
                     struct roster_change *out)
{
    out->came = true;
    out->leaf = m->leaf_index;
    out->by = by;
    int rv = reserve(p, m->leaf_index);
    if (rv == 0)
        rv = judge_member(p, m, &out->verdict);
    if (rv != 0)
        return rv;
    out->key_n = m->signature_key.n;
    memcpy(out->key, m->signature_key.p, m->signature_key.n);
    return describe(p, m, &out->verdict->id, &out->text);
}

static int note(struct participant *p, const struct mls_staged *staged, size_t i,
                struct roster_changes *changes)
{
    struct mls_proposal_info info;
    struct mls_member m;
    struct roster_change *at = &changes->list[changes->n];
    int rv = mls_staged_proposal(staged, i, &info);
    if (rv != 0)
        return rv;
    if (info.type == MLS_ADD) {
        rv = mls_staged_new_member(staged, info.leaf, &m);
        if (rv == 0)
            rv = note_come(p, &m, leaf_of_sender(&info.sender), at);
        changes->n++;
    } else if (info.type == MLS_REMOVE || info.type == MLS_SELF_REMOVE) {
        rv = note_gone(p, staged, &info, at);
        changes->n++;
    }
    return rv;
}

/* The committer's own leaf may have changed: a renewed certificate, or a resumed leaf. */
static int note_committer(struct participant *p, const struct mls_staged *staged,
                          struct roster_changes *changes)
{
    struct mls_member m;
    uint32_t leaf = mls_staged_committer(staged);
    if (!mls_staged_has_path(staged))
        return 0;
    int rv = mls_staged_new_member(staged, leaf, &m);
    if (rv == 0)
        rv = note_come(p, &m, leaf, &changes->list[changes->n]);
    changes->n++;
    return rv;
}

int participant_roster_changes(struct participant *p, const struct mls_staged *staged,
                               struct roster_changes *out)
{
    size_t n = mls_staged_proposal_count(staged);
    struct roster_changes made = {.list = calloc(n + 1, sizeof *made.list)};
    int rv = made.list != NULL ? 0 : CONCLAVE_ENOMEM;
    for (size_t i = 0; rv == 0 && i < n; i++)
        rv = note(p, staged, i, &made);
    if (rv == 0)
        rv = note_committer(p, staged, &made);
    made.resumes = mls_staged_sender(staged).type == MLS_SENDER_NEW_MEMBER_COMMIT;
    if (rv != 0)
        participant_roster_changes_fini(&made);
    else
        *out = made;
    return rv;
}

/* ---- Comings and goings that we were not shown ---- */

static bool is_in(const struct mls_group *g, const struct mls_member *m)
{
    return mls_tree_has_signature_key(&g->pub.tree, m->signature_key);
}

/* Members of one group who are not in the other. */
static int note_others(struct participant *p, const struct mls_group *of,
                       const struct mls_group *not_in, bool came, struct roster_changes *changes)
{
    struct mls_member m;
    uint32_t leaf = 0;
    int rv = 0;
    while (rv == 0 && mls_group_next_member(of, &leaf, &m)) {
        struct roster_change *c = &changes->list[changes->n];
        struct verdict *v = NULL;
        if (is_in(not_in, &m))
            continue;
        *c = (struct roster_change){.leaf = m.leaf_index, .by = MLS_NO_LEAF, .came = came};
        changes->n++;
        rv = judge_member(p, &m, &v);
        if (rv == 0)
            rv = describe(p, &m, &v->id, &c->text);
        participant_verdict_release(v);
    }
    return rv;
}

int participant_roster_differences(struct participant *p, const struct mls_group *before,
                                   const struct mls_group *now, struct roster_changes *out)
{
    size_t n = (size_t)mls_group_member_count(before) + mls_group_member_count(now);
    struct roster_changes made = {.list = calloc(n, sizeof *made.list)};
    int rv = made.list != NULL ? 0 : CONCLAVE_ENOMEM;
    if (rv == 0)
        rv = note_others(p, before, now, false, &made);
    if (rv == 0)
        rv = note_others(p, now, before, true, &made);
    if (rv != 0)
        participant_roster_changes_fini(&made);
    else
        *out = made;
    return rv;
}

/* ---- Telling ---- */

static void tell(struct participant *p, const struct roster_change *c)
{
    participant_effect_event(
        p, &(struct participant_effect){.event = c->came ? PARTICIPANT_JOINED : PARTICIPANT_GONE,
                                        .leaf = c->leaf,
                                        .by = c->by,
                                        .reason = c->reason,
                                        .text = buf_view(&c->text)});
}

void participant_roster_tell(struct participant *p, const struct roster_changes *changes)
{
    for (size_t i = 0; i < changes->n; i++)
        tell(p, &changes->list[i]);
}

/* A resumed or renewed leaf is no newcomer: who was there stays as they were. */
static void come(struct participant *p, struct roster_change *c)
{
    struct seat *s = &p->seats[c->leaf];
    bool known = s->verdict != NULL;
    participant_verdict_release(s->verdict);
    s->verdict = c->verdict;
    c->verdict = NULL;
    s->connected = true;
    s->heard_us = p->now_us;
    if (!known && c->leaf != c->by)
        tell(p, c);
    participant_door_settle(p, bytes_of(c->key, c->key_n));
}

void participant_roster_apply(struct participant *p, struct roster_changes *changes)
{
    for (size_t i = 0; i < changes->n; i++) {
        const struct roster_change *c = &changes->list[i];
        if (c->came)
            continue;
        if (c->leaf < p->n_seats)
            seat_clear(&p->seats[c->leaf]);
        participant_talk_gone(p, c->leaf);
        if (!changes->resumes)
            tell(p, c);
    }
    for (size_t i = 0; i < changes->n; i++)
        if (changes->list[i].came)
            come(p, &changes->list[i]);
    count_rank(p);
    participant_tell(p, PARTICIPANT_ROSTER);
}

void participant_roster_changes_fini(struct roster_changes *changes)
{
    for (size_t i = 0; changes->list != NULL && i < changes->n; i++) {
        participant_verdict_release(changes->list[i].verdict);
        buf_free(&changes->list[i].text);
    }
    free(changes->list);
    *changes = (struct roster_changes){0};
}

void participant_roster_presence(struct participant *p, struct bytes list)
{
    struct signal_presence change;
    while (signal_next_presence(&list, &change)) {
        struct seat *s = participant_roster_seat(p, change.leaf);
        if (s == NULL)
            continue;
        participant_roster_connected(p, s, change.connected);
    }
    count_rank(p);
    participant_tell(p, PARTICIPANT_ROSTER);
}

/* ---- For the user ---- */

/* Pair by pair, so only where people look: a large roster is searched, not read. */
bool participant_roster_has_like(struct participant *p, const char *name, uint32_t but)
{
    struct mls_member m;
    uint32_t at = 0;
    char other[PARTICIPANT_NAME_MAX + 1];
    if (name[0] == '\0' || p->group == NULL ||
        mls_group_member_count(p->group) > PARTICIPANT_LIKE_LIMIT)
        return false;
    while (mls_group_next_member(p->group, &at, &m)) {
        if (m.leaf_index == but)
            continue;
        participant_person_name(p, m.signature_key, m.extensions, other);
        if (text_is_alike(name, other))
            return true;
    }
    return false;
}

bool participant_roster_next(struct participant *p, uint32_t *at, struct participant_person *out)
{
    struct mls_member m;
    if (p->group == NULL || !mls_group_next_member(p->group, at, &m))
        return false;
    const struct seat *s = participant_roster_seat(p, m.leaf_index);
    *out = (struct participant_person){.leaf = m.leaf_index,
                                       .me = m.leaf_index == mls_group_own_leaf(p->group),
                                       .certificates = m.credential.certificates};
    participant_person_name(p, m.signature_key, m.extensions, out->name);
    if (s == NULL)
        return true;
    out->connected = out->me ? p->connection == LIVE : s->connected;
    out->hand = out->me ? p->hand : s->hand;
    out->sends = out->me ? p->sends : s->sends;
    out->sends_known = out->me || s->sends_known;
    out->confirmed = out->me || s->beat_epoch == mls_group_epoch(p->group) + 1;
    out->role = (enum participant_role)participant_roster_role(p, m.leaf_index);
    out->identity = s->verdict->id;
    out->same_name = participant_roster_has_like(p, out->name, m.leaf_index);
    return true;
}
