/* Application messages. What comes of one follows from epochs alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mls_world.h"

/* ---- Messages ---- */

/* Somebody who was removed, if there is one: anybody may listen. */
static size_t random_ghost(struct world *w)
{
    size_t i = 0;
    for (size_t tries = 0; tries < w->n; tries++) {
        i = pick(w, w->n);
        if (w->all[i].role == OUTSIDE && w->all[i].p.group != NULL)
            break;
    }
    return i;
}

void write_letter(struct world *w, struct member *x)
{
    struct buf message = {0};
    char text[48];
    snprintf(text, sizeof text, "%s says %u", x->p.name, (unsigned)w->n_letters);
    int rv = mls_group_protect(x->p.group, bytes_str("in the clear"), bytes_str(text), &message);
    if (rv == CONCLAVE_EPROPOSALS) { /* RFC 9420 12.4: first the proposals */
        commit(w, x);
        return;
    }
    OK(rv);
    if (w->n_letters == w->cap_letters) {
        w->cap_letters = w->cap_letters == 0 ? 256 : 2 * w->cap_letters;
        w->letters = realloc(w->letters, w->cap_letters * sizeof *w->letters);
        assert_non_null(w->letters);
    }
    struct letter *l = &w->letters[w->n_letters++];
    *l = (struct letter){.epoch = mls_group_epoch(x->p.group)};
    memcpy(l->text, text, sizeof text);
    buf_move(&l->bytes, &message);
    size_t most = sizeof l->to / sizeof l->to[0];
    while (l->n < (most < w->n - 1 ? most : w->n - 1)) {
        size_t to = l->n == 0 ? random_ghost(w) : pick(w, w->n);
        bool again = &w->all[to] == x;
        for (size_t i = 0; i < l->n; i++)
            again |= l->to[i].member == to;
        if (again)
            continue;
        l->to[l->n].member = to;
        l->to[l->n].due = w->step + pick(w, 4);
        l->to[l->n++].copies = chance(w, 10) ? 0 : chance(w, 10) ? 2 : 1;
    }
    if (chance(w, 10))
        crash(w, x);
}

static bool reads(const struct member *x, const struct letter *l, bool read_before, int *out_error)
{
    uint64_t epoch = mls_group_epoch(x->p.group);
    *out_error = CONCLAVE_EEPOCH;
    if (!mls_group_is_member(x->p.group))
        *out_error = CONCLAVE_EREMOVED;
    else if (l->epoch <= epoch && epoch - l->epoch <= mls_policy_default().past_epochs &&
             l->epoch >= x->since)
        *out_error = read_before ? CONCLAVE_EREPLAY : 0;
    return *out_error == 0;
}

/* Tries a letter; what comes of it follows from the epochs alone. */
static void try_letter(struct world *w, struct member *x, const struct letter *l, bool *read)
{
    struct mls_received r;
    int wanted;
    bool can = reads(x, l, *read, &wanted);
    if (x->role == OUTSIDE && l->epoch >= x->removed_epoch) {
        assert_false(can); /* whatever it has or has not heard, it is no longer meant */
        w->count.ghosts++;
    }
    if (can && chance(w, 5)) {
        struct buf before = {0}, after = {0};
        party_state(&x->p, &before);
        x->p.disk.fails = true;
        REFUSED(mls_group_receive(x->p.group, buf_view(&l->bytes), NOW, &r), CONCLAVE_ESTORE);
        x->p.disk.fails = false;
        party_state(&x->p, &after);
        assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
        w->count.failed_writes++;
        buf_free(&before);
        buf_free(&after);
    }
    int rv = mls_group_receive(x->p.group, buf_view(&l->bytes), NOW, &r);
    if (rv != wanted)
        print_error("%s in epoch %u (since %u) takes a letter of epoch %u\n", x->p.name,
                    (unsigned)mls_group_epoch(x->p.group), (unsigned)x->since, (unsigned)l->epoch);
    party_expect(rv, wanted, "receive a letter", __FILE__, __LINE__);
    w->count.read += can;
    w->count.unreadable += !can;
    if (!can)
        return;
    *read = true;
    assert_int_equal(r.kind, MLS_RECEIVED_APPLICATION);
    assert_true(bytes_equal(buf_view(&r.data), bytes_str(l->text)));
    assert_true(bytes_equal(buf_view(&r.authenticated_data), bytes_str("in the clear")));
    mls_received_free(&r);
}

void deliver(struct world *w)
{
    for (size_t i = 0; i < w->n_letters; i++) {
        struct letter *l = &w->letters[i];
        for (size_t k = 0; k < l->n; k++) {
            struct member *x = &w->all[l->to[k].member];
            if (l->to[k].copies == 0 || l->to[k].due > w->step || x->asleep != 0)
                continue;
            if (x->p.group == NULL) {
                l->to[k].copies = 0;
                continue;
            }
            try_letter(w, x, l, &l->to[k].read);
            if (mls_group_epoch(x->p.group) >= l->epoch || x->role == OUTSIDE)
                l->to[k].copies--; /* else it was early: kept, and tried again */
        }
    }
}
