/* Handshakes as they are made: proposals and commits of every kind. */
#include <stdio.h>

#include "sim/mls_world.h"

/* ---- Changing the group ---- */

static struct mls_change invite(struct world *w, struct member *x)
{
    leave_group(x);
    x->role = INVITED;
    x->invited = w->step;
    x->cursor = 0;
    return mls_add(party_key_package(&x->p));
}

static bool random_leaf(struct world *w, const struct mls_group *g, uint32_t *out)
{
    struct mls_member m;
    for (int i = 0; i < 50; i++) {
        *out = (uint32_t)pick(w, 2 * w->n);
        if (*out != mls_group_own_leaf(g) && mls_group_member(g, *out, &m) == 0)
            return true;
    }
    return false;
}

struct plan {
    struct mls_change changes[64];
    size_t n;
    struct mls_commit_options options;
    char psk[16], note[16];
    struct mls_extension extension;
};

static void plan_removals(struct world *w, struct member *by, struct plan *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t leaf;
        bool again = false;
        if (!random_leaf(w, by->p.group, &leaf))
            return;
        for (size_t k = 0; k < p->n; k++)
            again |= p->changes[k].type == MLS_REMOVE && p->changes[k].leaf == leaf;
        if (!again)
            p->changes[p->n++] = mls_remove(leaf);
    }
}

static void plan_adds(struct world *w, const struct member *by, struct plan *p, size_t n)
{
    for (size_t i = 0; i < n && p->n < 60; i++) {
        struct member *x = random_outsider(w, by->p.group);
        if (x != NULL)
            p->changes[p->n++] = invite(w, x);
    }
}

static void plan_commit(struct world *w, struct member *by, struct plan *p)
{
    uint32_t members = mls_group_member_count(by->p.group);
    size_t missing = w->target > members ? w->target - members : 0;
    *p = (struct plan){.n = 0};
    p->options.force_path = chance(w, 20);
    p->options.ignore_cached = chance(w, 10);
    p->options.authenticated_data = bytes_str(chance(w, 50) ? "" : "said beside");
    plan_adds(w, by, p, missing > 8 ? pick(w, missing > 50 ? 50 : missing) + 1 : pick(w, 3));
    switch (pick(w, 7)) {
    case 0:
    case 6:
        plan_removals(w, by, p, 1 + pick(w, 3));
        break;
    case 1:
        snprintf(p->psk, sizeof p->psk, "x%u", (unsigned)pick(w, 1000));
        p->changes[p->n++] = mls_external_psk(bytes_str(p->psk));
        break;
    case 2:
        snprintf(p->note, sizeof p->note, "step %u", (unsigned)w->step);
        p->extension = (struct mls_extension){CUSTOM_EXTENSION, bytes_str(p->note)};
        p->changes[p->n++] = mls_set_extensions(&p->extension, 1);
        break;
    case 3:
        if (p->n == 0) { /* newcomers could not know it */
            struct mls_context context;
            mls_group_context(by->p.group, &context);
            p->changes[p->n++] = mls_resumption_psk(context.group_id, context.epoch);
            p->options.ignore_cached = true;
        }
        break;
    default:
        break;
    }
}

/* What the service did not take is given up at once, or when the winner's commit comes. */
static void lose(struct world *w, struct member *x, int rv)
{
    w->count.dropped++;
    if (rv == CONCLAVE_EUNKNOWNREF) { /* proposals of ours were lost on their way: forget them */
        OK(mls_group_drop_own(x->p.group));
        OK(mls_group_clear_proposals(x->p.group));
        x->cursor = 0;
        return;
    }
    party_expect(rv, CONCLAVE_EEPOCH, "service_post", __FILE__, __LINE__);
    if (chance(w, 50))
        OK(mls_group_drop_own(x->p.group));
}

void commit(struct world *w, struct member *x)
{
    struct buf message = {0};
    struct plan plan;
    if (mls_group_has_pending(x->p.group))
        return;
    plan_commit(w, x, &plan);
    OK(mls_group_commit(x->p.group, plan.changes, plan.n, &plan.options, NOW, &message));
    w->count.commits++;
    if (chance(w, 20)) /* our own pending commit survives */
        crash(w, x);
    int rv = service_post(&w->service, &message);
    if (rv != 0)
        lose(w, x, rv);
    else if (chance(w, 70))
        merge_own(w, x); /* else when it sees its own commit in the log */
    buf_free(&message);
}

void propose(struct world *w, struct member *x)
{
    struct buf message = {0};
    struct mls_change change = mls_update();
    struct member *newcomer;
    uint32_t leaf;
    switch (pick(w, 5)) {
    case 0:
        if (random_leaf(w, x->p.group, &leaf))
            change = mls_remove(leaf);
        break;
    case 1:
        if ((newcomer = random_outsider(w, x->p.group)) != NULL)
            change = invite(w, newcomer);
        break;
    case 2:
        change = chance(w, 30) ? mls_self_remove() : mls_external_psk(bytes_str("x proposed"));
        break;
    default:
        break;
    }
    OK(mls_group_propose(x->p.group, &change, NULL, NOW, &message));
    if (w->private_handshakes || chance(w, 75)) { /* else it is lost; only we will know it */
        int rv = service_post(&w->service, &message);
        if (rv != CONCLAVE_EEPOCH)
            OK(rv);
    } else if (chance(w, 50)) {
        commit(w, x); /* with a reference that nobody else can follow */
    }
    buf_free(&message);
}
