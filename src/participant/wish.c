/* What a host wants: kept until the group's state says that it is so (docs/PROTOCOL.md section 5).
 * A commit that loses the race, or a leader who leaves it out, costs a wish nothing but time. */
#include <stdlib.h>
#include <string.h>

#include "mls/group.h"
#include "participant/inner.h"

/* Commits of ours that were to bring a wish about and have not: there will be no other. */
#define TRIES_MOST 2

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

/* RFC 9420 7.3: a key may be in the tree only once. Whoever comes back with that of a leaf which is
 * still there has to wait until the server has seen to its removal. */
static bool is_blocked(const struct participant *p, const struct wish *w)
{
    return w->kind == WISH_ADMIT && w->who.n != 0 &&
           mls_tree_has_signature_key(&p->group->pub.tree, buf_view(&w->who));
}

bool participant_wish_open(const struct participant *p)
{
    for (size_t i = 0; i < p->n_wishes; i++)
        if (!p->wishes[i].blocked)
            return true;
    return false;
}

uint64_t participant_wish_oldest(const struct participant *p)
{
    uint64_t at = NEVER;
    for (size_t i = 0; i < p->n_wishes; i++)
        if (!p->wishes[i].blocked && p->wishes[i].asked_us < at)
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
    w->blocked = is_blocked(p, w);
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

static bool can_bar(const struct meeting_state *state)
{
    return meeting_list_count(state->barred) < MEETING_BARRED_MAX;
}

static bool fulfilled(const struct participant *p, const struct wish *w)
{
    switch (w->kind) {
    case WISH_ADMIT:
        return w->who.n == 0; /* see participant_wish_admitted() */
    case WISH_EJECT:
        return !still_there(p, w) &&
               (!can_bar(&p->state) || meeting_list_has(p->state.barred, buf_view(&w->barred)));
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

static uint32_t concerned(const struct wish *w)
{
    return w->kind == WISH_EJECT ? w->leaf : MLS_NO_LEAF;
}

/* Says that nothing has come of it. */
static void give_up(struct participant *p, size_t i)
{
    participant_notify(p, PARTICIPANT_WARNING, REASON_WISH_IGNORED, concerned(&p->wishes[i]));
    drop(p, i);
}

/* What it takes a commit of ours to bring about, it has not brought about. */
static bool is_in_vain(const struct participant *p, struct wish *w)
{
    if (w->blocked || w->tried != mls_group_epoch(p->group))
        return false;
    return ++w->tries >= TRIES_MOST;
}

/* Whoever may no longer change something has nothing to want. */
static bool is_entitled(const struct participant *p, const struct wish *w)
{
    return participant_role_own(p) >= (w->kind == WISH_COHOST ? MEETING_HOST : MEETING_COHOST);
}

void participant_wish_settle(struct participant *p, bool own)
{
    for (size_t i = p->n_wishes; i-- > 0;) {
        struct wish *w = &p->wishes[i];
        if (fulfilled(p, w))
            drop(p, i);
        else if (!is_entitled(p, w) || (own && is_in_vain(p, w)))
            give_up(p, i);
        else
            w->blocked = is_blocked(p, w);
    }
}

/* ---- What is to be changed ---- */

static bool is_state(const struct wish *w)
{
    return w->kind != WISH_ADMIT;
}

/* When the card's minutes are over; NEVER if it has none. */
static uint64_t minutes_over(const struct participant *p)
{
    uint64_t seconds = (uint64_t)card_terms(p->card)->auto_lock_minutes * 60;
    if (seconds == 0 || p->state.started_at > NEVER / (2 * SECOND_US)) /* a founder may lie */
        return NEVER;
    return (p->state.started_at + seconds) * SECOND_US;
}

uint64_t participant_wish_auto_lock_time(const struct participant *p)
{
    return p->state.locked || p->state.ended || p->lock_over ? NEVER : minutes_over(p);
}

void participant_wish_unlocked(struct participant *p)
{
    p->lock_over = p->lock_over || p->now_us >= minutes_over(p);
}

/* The lists as one more wish wants them. What has no room in them is left out. */
static int want_in_lists(const struct wish *w, struct wish_changes *c, struct meeting_state *state)
{
    struct buf next = {0};
    struct buf *to = w->kind == WISH_EJECT ? &c->barred : &c->cohosts;
    struct bytes *list = w->kind == WISH_EJECT ? &state->barred : &state->cohosts;
    int rv = 0;
    if (w->kind == WISH_EJECT && can_bar(state))
        rv = meeting_list_with(*list, buf_view(&w->barred), &next);
    else if (w->kind == WISH_COHOST && !w->on)
        rv = meeting_list_without(*list, buf_view(&w->who), &next);
    else if (w->kind == WISH_COHOST && meeting_list_count(*list) < MEETING_COHOSTS_MAX)
        rv = meeting_list_with(*list, buf_view(&w->who), &next);
    else
        return 0;
    if (rv == 0) {
        buf_move(to, &next);
        *list = buf_view(to);
    }
    buf_free(&next);
    return rv;
}

/* The state as all wishes together want it. */
static int wanted_state(const struct participant *p, struct wish_changes *c,
                        struct meeting_state *state)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < p->n_wishes; i++) {
        const struct wish *w = &p->wishes[i];
        if (w->kind == WISH_LOCK)
            state->locked = w->on;
        if (w->kind == WISH_END)
            state->ended = true;
        rv = want_in_lists(w, c, state);
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
    bool wanted = !unproposed && participant_wish_auto_lock_time(p) <= p->now_us;
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
    for (; rv == 0 && out->reached < p->n_wishes && out->n < most; out->reached++) {
        const struct wish *w = &p->wishes[out->reached];
        if (w->blocked || asked(p, w)) /* in our cache, and so in our next commit */
            continue;
        if (w->kind == WISH_ADMIT && out->bytes + w->key_package.n > PARTICIPANT_ADDS_BYTES)
            break;
        out->bytes += w->key_package.n;
        if (w->kind == WISH_ADMIT)
            out->list[out->n++] = mls_add(buf_view(&w->key_package));
        else if (w->kind == WISH_EJECT && still_there(p, w))
            out->list[out->n++] = mls_remove(w->leaf);
    }
    if (rv != 0)
        participant_wish_changes_fini(out);
    return rv;
}

void participant_wish_tried(struct participant *p, const struct wish_changes *c)
{
    for (size_t i = 0; i < c->reached; i++)
        p->wishes[i].tried = mls_group_epoch(p->group) + 1;
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
    for (size_t i = p->n_wishes; i-- > 0;) {
        struct wish *w = &p->wishes[i];
        if (w->warned || p->now_us - w->asked_us < after_us)
            continue;
        w->warned = true;
        if (w->blocked) /* whoever holds that key is inside, and stays */
            give_up(p, i);
        else
            participant_notify(p, PARTICIPANT_WARNING, REASON_WISH_IGNORED, concerned(w));
    }
}

/* Newcomers have many ways not to fit, what is to become of members has few. */
void participant_wish_give_up(struct participant *p)
{
    size_t i = 0;
    while (i < p->n_wishes && p->wishes[i].kind != WISH_ADMIT)
        i++;
    if (p->n_wishes != 0)
        give_up(p, i < p->n_wishes ? i : 0);
}

/* ---- The user's commands ---- */

static int may(const struct participant *p, enum meeting_role least)
{
    if (p->phase != PARTICIPANT_IN_MEETING && p->phase != PARTICIPANT_RECONNECTING)
        return CONCLAVE_ESTATE;
    return participant_role_own(p) >= least ? 0 : CONCLAVE_EPOLICY;
}

static bool about_same(const struct wish *a, const struct wish *b)
{
    return a->kind == b->kind && bytes_equal(buf_view(&a->who), buf_view(&b->who));
}

/* Takes the place of an earlier wish about the same, of which something may still come: then even
 * what is so already has to be wanted. */
static int wish(struct participant *p, struct wish *w, bool is_so, uint64_t now_us)
{
    size_t n = p->n_wishes;
    bool earlier = false;
    for (size_t i = 0; i < n; i++)
        earlier = earlier || about_same(&p->wishes[i], w);
    if (is_so && !earlier) {
        wish_fini(w);
        return 0;
    }
    w->asked_us = now_us;
    int rv = add(p, w);
    if (rv != 0)
        return rv;
    p->now_us = now_us;
    while (n-- > 0)
        if (about_same(&p->wishes[n], &p->wishes[p->n_wishes - 1]))
            drop(p, n);
    return participant_settle(p, 0);
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
    return wish(p, &w, false, now_us);
}

int participant_lock(struct participant *p, bool locked, uint64_t now_us)
{
    struct wish w = {.kind = WISH_LOCK, .on = locked};
    int rv = may(p, MEETING_COHOST);
    return rv != 0 ? rv : wish(p, &w, p->state.locked == locked, now_us);
}

/* As many as there will be once all that is wanted is so. */
static int check_room_for_cohost(const struct participant *p, struct bytes identifier)
{
    struct meeting_state state = p->state;
    struct wish_changes c = {0};
    int rv = wanted_state(p, &c, &state);
    if (rv == 0 && !meeting_list_has(state.cohosts, identifier) &&
        meeting_list_count(state.cohosts) >= MEETING_COHOSTS_MAX)
        rv = CONCLAVE_ELIMIT;
    participant_wish_changes_fini(&c);
    return rv;
}

int participant_make_cohost(struct participant *p, uint32_t leaf, bool cohost, uint64_t now_us)
{
    struct wish w = {.kind = WISH_COHOST, .on = cohost};
    const struct seat *s = participant_roster_seat(p, leaf);
    int rv = may(p, MEETING_HOST);
    if (rv == 0 && s == NULL)
        rv = CONCLAVE_ENOTFOUND;
    /* Whoever cannot be told apart from others cannot be trusted with more. */
    if (rv == 0 && s->verdict->id.category == IDENTITY_UNVERIFIED)
        rv = CONCLAVE_EPOLICY;
    if (rv == 0 && cohost)
        rv = check_room_for_cohost(p, bytes_str(s->verdict->id.identifier));
    if (rv != 0)
        return rv;
    buf_put(&w.who, bytes_str(s->verdict->id.identifier));
    return wish(p, &w, meeting_list_has(p->state.cohosts, buf_view(&w.who)) == cohost, now_us);
}

int participant_end(struct participant *p, uint64_t now_us)
{
    struct wish w = {.kind = WISH_END};
    int rv = may(p, MEETING_COHOST);
    return rv != 0 ? rv : wish(p, &w, p->state.ended, now_us);
}
