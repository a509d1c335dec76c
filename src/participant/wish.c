/* What a host wants: kept until the group's state says that it is so (docs/PROTOCOL.md section 5).
 * A commit that loses the race, or a leader who leaves it out, costs a wish nothing but time. */
#include <stdlib.h>
#include <string.h>

#include "participant/inner.h"

#define AUTO_LOCK_MINUTE 60u

static void wish_fini(struct wish *w)
{
    buf_free(&w->key_package);
    buf_free(&w->who);
    buf_free(&w->barred);
    participant_verdict_release(w->verdict);
}

void participant_wishes_fini(struct participant *p)
{
    for (size_t i = 0; i < p->n_wishes; i++)
        wish_fini(&p->wishes[i]);
    free(p->wishes);
    p->wishes = NULL;
    p->n_wishes = p->cap_wishes = 0;
}

bool participant_wish_open(const struct participant *p)
{
    return p->n_wishes != 0;
}

uint64_t participant_wish_oldest(const struct participant *p)
{
    uint64_t at = NEVER;
    for (size_t i = 0; i < p->n_wishes; i++)
        if (p->wishes[i].asked_us < at)
            at = p->wishes[i].asked_us;
    return at;
}

/* Takes over what w owns, whatever the result. */
static int add(struct participant *p, struct wish *w)
{
    int rv =
        buf_check(&w->key_package) != 0 || buf_check(&w->who) != 0 || buf_check(&w->barred) != 0
            ? CONCLAVE_ENOMEM
            : 0;
    if (rv == 0 && p->n_wishes >= PARTICIPANT_WISHES_LIMIT)
        rv = CONCLAVE_ELIMIT;
    if (rv == 0 && p->n_wishes == p->cap_wishes) {
        size_t cap = p->cap_wishes == 0 ? 8 : 2 * p->cap_wishes;
        struct wish *grown = realloc(p->wishes, cap * sizeof *grown);
        if (grown == NULL) {
            rv = CONCLAVE_ENOMEM;
        } else {
            p->wishes = grown;
            p->cap_wishes = cap;
        }
    }
    if (rv != 0) {
        wish_fini(w);
        return rv;
    }
    p->wishes[p->n_wishes++] = *w;
    return 0;
}

static void drop(struct participant *p, size_t i)
{
    wish_fini(&p->wishes[i]);
    memmove(&p->wishes[i], &p->wishes[i + 1], (p->n_wishes - i - 1) * sizeof p->wishes[0]);
    p->n_wishes--;
}

/* ---- Whether it has come true ---- */

/* A member may change its key, with another certificate of the same name, and stays who it is. */
static bool still_there(const struct participant *p, const struct wish *w)
{
    struct mls_member m;
    const struct seat *s = participant_roster_seat(p, w->leaf);
    return s != NULL && mls_group_member(p->group, w->leaf, &m) == 0 &&
           (bytes_equal(m.signature_key, buf_view(&w->who)) ||
            identity_same(&w->verdict->id, &s->verdict->id));
}

static bool can_bar(const struct participant *p)
{
    return meeting_list_count(p->state.barred) < MEETING_BARRED_MAX;
}

static bool fulfilled(const struct participant *p, const struct wish *w)
{
    switch (w->kind) {
    case WISH_ADMIT:
        return w->who.n == 0; /* see participant_wish_admitted() */
    case WISH_EJECT:
        return !still_there(p, w) &&
               (!can_bar(p) || meeting_list_has(p->state.barred, buf_view(&w->barred)));
    case WISH_LOCK:
        return p->state.locked == w->on;
    case WISH_COHOST:
        return meeting_list_has(p->state.cohosts, buf_view(&w->who)) == w->on;
    case WISH_END:
    default:
        return p->state.ended;
    }
}

void participant_wish_admitted(struct participant *p, struct bytes signature_key)
{
    for (size_t i = 0; i < p->n_wishes; i++)
        if (p->wishes[i].kind == WISH_ADMIT &&
            bytes_equal(buf_view(&p->wishes[i].who), signature_key))
            buf_clear(&p->wishes[i].who);
}

void participant_wish_settle(struct participant *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->n_wishes; i++) {
        if (fulfilled(p, &p->wishes[i]))
            wish_fini(&p->wishes[i]);
        else
            p->wishes[kept++] = p->wishes[i];
    }
    p->n_wishes = kept;
}

/* ---- What is to be changed ---- */

static bool is_state(const struct wish *w)
{
    return w->kind != WISH_ADMIT;
}

bool participant_wish_auto_lock_due(const struct participant *p)
{
    uint16_t minutes = card_terms(p->card)->auto_lock_minutes;
    return minutes != 0 && !p->state.locked && !p->state.ended &&
           now_of(p) >= p->state.started_at + (uint64_t)minutes * AUTO_LOCK_MINUTE;
}

/* The state as all wishes together want it. */
static int wanted_state(const struct participant *p, struct wish_changes *c,
                        struct meeting_state *state)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < p->n_wishes; i++) {
        const struct wish *w = &p->wishes[i];
        struct buf next = {0};
        if (w->kind == WISH_LOCK)
            state->locked = w->on;
        if (w->kind == WISH_END)
            state->ended = true;
        if (w->kind == WISH_EJECT && can_bar(p)) {
            rv = meeting_list_with(state->barred, buf_view(&w->barred), &next);
            if (rv == 0)
                buf_move(&c->barred, &next);
            state->barred = buf_view(&c->barred);
        } else if (w->kind == WISH_COHOST) {
            rv = w->on ? meeting_list_with(state->cohosts, buf_view(&w->who), &next)
                       : meeting_list_without(state->cohosts, buf_view(&w->who), &next);
            if (rv == 0)
                buf_move(&c->cohosts, &next);
            state->cohosts = buf_view(&c->cohosts);
        }
        buf_free(&next);
    }
    return rv;
}

static bool differs(const struct meeting_state *a, const struct meeting_state *b)
{
    return a->locked != b->locked || a->ended != b->ended || !bytes_equal(a->barred, b->barred) ||
           !bytes_equal(a->cohosts, b->cohosts);
}

static bool asked(const struct participant *p, const struct wish *w)
{
    return w->proposed == mls_group_epoch(p->group) + 1;
}

static int put_state(struct participant *p, bool unproposed, struct wish_changes *c)
{
    struct meeting_state state = p->state;
    bool wanted = !unproposed && participant_wish_auto_lock_due(p);
    int rv = wanted_state(p, c, &state);
    if (rv != 0)
        return rv;
    if (wanted)
        state.locked = true;
    for (size_t i = 0; i < p->n_wishes; i++)
        wanted = wanted || (is_state(&p->wishes[i]) && !asked(p, &p->wishes[i]));
    if (!wanted || !differs(&state, &p->state))
        return 0;
    rv = meeting_extensions_init(&c->extensions, p->card, &state);
    if (rv != 0)
        return rv;
    c->state = true;
    c->list[c->n++] = mls_set_extensions(c->extensions.list,
                                         sizeof c->extensions.list / sizeof c->extensions.list[0]);
    return 0;
}

/* Made in place: the list has views into *out. */
int participant_wish_changes(struct participant *p, bool unproposed, size_t most,
                             struct wish_changes *out)
{
    *out = (struct wish_changes){.list = calloc(p->n_wishes + 1, sizeof *out->list)};
    if (out->list == NULL)
        return CONCLAVE_ENOMEM;
    int rv = put_state(p, unproposed, out);
    for (size_t i = 0; rv == 0 && i < p->n_wishes && out->n < most; i++) {
        const struct wish *w = &p->wishes[i];
        if (asked(p, w)) /* in our cache, and so in our next commit */
            continue;
        if (w->kind == WISH_ADMIT)
            out->list[out->n++] = mls_add(buf_view(&w->key_package));
        else if (w->kind == WISH_EJECT && still_there(p, w))
            out->list[out->n++] = mls_remove(w->leaf);
    }
    if (rv != 0)
        participant_wish_changes_fini(out);
    return rv;
}

void participant_wish_changes_fini(struct wish_changes *c)
{
    if (c->state)
        meeting_extensions_fini(&c->extensions);
    buf_free(&c->cohosts);
    buf_free(&c->barred);
    free(c->list);
    *c = (struct wish_changes){0};
}

/* Sends one proposal; it is in our own cache then, too. One that cannot be made is left out. */
static int propose(struct participant *p, const struct mls_change *change)
{
    struct buf message = {0};
    int rv = mls_group_propose(p->group, change, NULL, now_of(p), &message);
    if (rv == 0) {
        participant_effect_send(
            p, &(struct signal_message){.type = SIGNAL_PROPOSE, .body = buf_view(&message)});
        if (p->n_proposals++ == 0)
            p->proposals_us = p->now_us;
    }
    buf_free(&message);
    return rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM ? 0 : rv;
}

int participant_wish_propose(struct participant *p)
{
    struct wish_changes c = {0};
    int rv = participant_wish_changes(p, true, PARTICIPANT_PROPOSE_LIMIT, &c);
    for (size_t i = 0; rv == 0 && i < c.n; i++)
        rv = propose(p, &c.list[i]);
    for (size_t i = 0; rv == 0 && i < p->n_wishes; i++)
        if (!asked(p, &p->wishes[i]))
            p->wishes[i].proposed = mls_group_epoch(p->group) + 1;
    participant_wish_changes_fini(&c);
    return rv;
}

int participant_wish_refresh(struct participant *p, struct bytes signature_key,
                             struct bytes key_package)
{
    for (size_t i = 0; i < p->n_wishes; i++) {
        struct wish *w = &p->wishes[i];
        struct buf copy = {0};
        if (w->kind != WISH_ADMIT || !bytes_equal(buf_view(&w->who), signature_key))
            continue;
        buf_put(&copy, key_package);
        int rv = buf_check(&copy);
        if (rv == 0) {
            buf_move(&w->key_package, &copy);
            w->proposed = 0;
        }
        buf_free(&copy);
        if (rv != 0)
            return rv;
    }
    return 0;
}

void participant_wish_again(struct participant *p)
{
    for (size_t i = 0; i < p->n_wishes; i++)
        p->wishes[i].proposed = 0;
}

void participant_wish_warn(struct participant *p, uint64_t after_us)
{
    for (size_t i = 0; i < p->n_wishes; i++)
        if (!p->wishes[i].warned && p->now_us - p->wishes[i].asked_us >= after_us) {
            p->wishes[i].warned = true;
            participant_notify(p, PARTICIPANT_WARNING, REASON_WISH_IGNORED,
                               p->wishes[i].kind == WISH_EJECT ? p->wishes[i].leaf : MLS_NO_LEAF);
        }
}

void participant_wish_give_up(struct participant *p)
{
    if (p->n_wishes == 0)
        return;
    participant_notify(p, PARTICIPANT_WARNING, REASON_WISH_IGNORED,
                       p->wishes[0].kind == WISH_EJECT ? p->wishes[0].leaf : MLS_NO_LEAF);
    drop(p, 0);
}

/* ---- The user's commands ---- */

static int may(const struct participant *p, enum meeting_role least)
{
    if (p->phase != PARTICIPANT_IN_MEETING && p->phase != PARTICIPANT_RECONNECTING)
        return CONCLAVE_ESTATE;
    return participant_role_own(p) >= least ? 0 : CONCLAVE_EPOLICY;
}

static int wish(struct participant *p, struct wish *w, uint64_t now_us)
{
    p->now_us = now_us;
    w->asked_us = now_us;
    int rv = add(p, w);
    return participant_settle(p, rv);
}

static int admit(struct participant *p, const struct caller *c)
{
    struct wish w = {.kind = WISH_ADMIT, .asked_us = p->now_us};
    for (size_t i = 0; i < p->n_wishes; i++)
        if (p->wishes[i].kind == WISH_ADMIT &&
            bytes_equal(buf_view(&p->wishes[i].who), c->signature_key))
            return 0;
    buf_put(&w.key_package, buf_view(&c->key_package));
    buf_put(&w.who, c->signature_key);
    return add(p, &w);
}

int participant_admit(struct participant *p, struct bytes ref, uint64_t now_us)
{
    struct caller *c = participant_callers_find(&p->lobby, ref);
    int rv = may(p, MEETING_COHOST);
    if (rv == 0 && c == NULL)
        rv = CONCLAVE_ENOTFOUND;
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    return participant_settle(p, admit(p, c));
}

int participant_admit_all(struct participant *p, uint64_t now_us)
{
    int rv = may(p, MEETING_COHOST);
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    for (size_t i = 0; rv == 0 && i < p->lobby.n; i++)
        rv = admit(p, &p->lobby.list[i]);
    return participant_settle(p, rv);
}

int participant_refuse(struct participant *p, struct bytes ref, uint64_t now_us)
{
    struct caller *c = participant_callers_find(&p->lobby, ref);
    int rv = may(p, MEETING_COHOST);
    if (rv == 0 && c == NULL)
        rv = CONCLAVE_ENOTFOUND;
    if (rv == 0 && p->connection != LIVE)
        rv = CONCLAVE_ESTATE;
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    participant_effect_send(
        p, &(struct signal_message){.type = SIGNAL_REFUSE, .ref = buf_view(&c->ref)});
    return participant_settle(p, 0);
}

int participant_eject(struct participant *p, uint32_t leaf, uint64_t now_us)
{
    struct wish w = {.kind = WISH_EJECT, .leaf = leaf};
    struct mls_member m;
    struct seat *s = participant_roster_seat(p, leaf);
    int rv = may(p, MEETING_COHOST);
    if (rv == 0 && (s == NULL || leaf == mls_group_own_leaf(p->group)))
        rv = CONCLAVE_ENOTFOUND;
    /* The policy's rule for Remove: the organiser never, a host by hosts only. */
    if (rv == 0 && (participant_roster_role(p, leaf) == MEETING_ORGANISER ||
                    (participant_roster_role(p, leaf) == MEETING_HOST &&
                     participant_role_own(p) < MEETING_HOST)))
        rv = CONCLAVE_EPOLICY;
    if (rv == 0)
        rv = mls_group_member(p->group, leaf, &m);
    if (rv != 0)
        return rv;
    buf_put(&w.who, m.signature_key);
    w.verdict = s->verdict;
    w.verdict->refs++;
    rv = meeting_barred_entry(&s->verdict->id, m.signature_key, &w.barred);
    if (rv != 0) {
        wish_fini(&w);
        return rv;
    }
    return wish(p, &w, now_us);
}

/* A later wish about the same takes the place of an earlier one. */
static void replace(struct participant *p, enum wish_kind kind, struct bytes who)
{
    for (size_t i = p->n_wishes; i-- > 0;)
        if (p->wishes[i].kind == kind && bytes_equal(buf_view(&p->wishes[i].who), who))
            drop(p, i);
}

int participant_lock(struct participant *p, bool locked, uint64_t now_us)
{
    struct wish w = {.kind = WISH_LOCK, .on = locked};
    int rv = may(p, MEETING_COHOST);
    if (rv != 0)
        return rv;
    replace(p, WISH_LOCK, none());
    return p->state.locked == locked ? 0 : wish(p, &w, now_us);
}

int participant_make_cohost(struct participant *p, uint32_t leaf, bool cohost, uint64_t now_us)
{
    struct wish w = {.kind = WISH_COHOST, .on = cohost};
    struct seat *s = participant_roster_seat(p, leaf);
    int rv = may(p, MEETING_HOST);
    if (rv == 0 && s == NULL)
        rv = CONCLAVE_ENOTFOUND;
    /* Whoever cannot be told apart from others cannot be trusted with more. */
    if (rv == 0 && s->verdict->id.category == IDENTITY_UNVERIFIED)
        rv = CONCLAVE_EPOLICY;
    if (rv != 0)
        return rv;
    replace(p, WISH_COHOST, bytes_str(s->verdict->id.identifier));
    buf_put(&w.who, bytes_str(s->verdict->id.identifier));
    return wish(p, &w, now_us);
}

int participant_end(struct participant *p, uint64_t now_us)
{
    struct wish w = {.kind = WISH_END};
    int rv = may(p, MEETING_COHOST);
    return rv != 0 ? rv : wish(p, &w, now_us);
}
