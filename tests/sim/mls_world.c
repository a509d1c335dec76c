#include "sim/mls_world.h"

#include <stdlib.h>
#include <string.h>

/* ---- What must be equal ---- */

static uint64_t roster_of(struct mls_group *g)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    struct mls_member m;
    for (uint32_t i = 0; mls_group_next_member(g, &i, &m);) {
        hash = (hash ^ m.leaf_index) * UINT64_C(1099511628211);
        for (size_t k = 0; k < m.credential.identity.n; k++)
            hash = (hash ^ m.credential.identity.p[k]) * UINT64_C(1099511628211);
    }
    return hash;
}

static void copy(uint8_t *to, size_t room, struct bytes from)
{
    assert_true(from.n <= room);
    memcpy(to, from.p, from.n);
}

static void take_fingerprint(struct mls_group *g, struct fingerprint *out)
{
    struct mls_context context;
    *out = (struct fingerprint){.known = true, .roster = roster_of(g)};
    mls_group_context(g, &context);
    OK(mls_group_export(g, "simulation", bytes_str("all"), sizeof out->exported, out->exported));
    copy(out->authenticator, sizeof out->authenticator, mls_group_epoch_authenticator(g));
    copy(out->tree_hash, sizeof out->tree_hash, context.tree_hash);
    copy(out->transcript, sizeof out->transcript, context.confirmed_transcript_hash);
}

/* The number in "member 17". */
static size_t number_of(struct bytes identity)
{
    size_t n = 0;
    for (size_t i = strlen("member "); i < identity.n; i++)
        n = n * 10 + (size_t)(identity.p[i] - '0');
    return n;
}

/* Who is in the group now, by the word of the first to see this epoch. */
static void note_roster(struct world *w, struct mls_group *g)
{
    struct mls_member m;
    for (size_t i = 0; i < w->n; i++)
        w->all[i].present = false;
    for (uint32_t i = 0; mls_group_next_member(g, &i, &m);)
        w->all[number_of(m.credential.identity)].present = true;
    for (size_t i = 0; i < w->n; i++) {
        struct member *x = &w->all[i];
        if (x->present && x->role == OUTSIDE) { /* a proposal that was given up has come through */
            x->role = INVITED;
            x->invited = w->step;
        }
        if (x->present || (x->role != INSIDE && x->role != LOST))
            continue;
        x->role = OUTSIDE;
        x->removed_epoch = mls_group_epoch(g);
        w->count.removed++;
    }
}

/* A member is in a new epoch. */
void enter(struct world *w, struct member *x)
{
    struct fingerprint here;
    uint64_t epoch = mls_group_epoch(x->p.group);
    while (epoch >= w->n_epochs) {
        w->epochs = realloc(w->epochs, (w->n_epochs + 64) * sizeof *w->epochs);
        assert_non_null(w->epochs);
        memset(w->epochs + w->n_epochs, 0, 64 * sizeof *w->epochs);
        w->n_epochs += 64;
    }
    take_fingerprint(x->p.group, &here);
    if (w->epochs[epoch].known) {
        assert_memory_equal(&here, &w->epochs[epoch], sizeof here);
        return;
    }
    w->epochs[epoch] = here;
    assert_int_equal(epoch, w->service.epoch);
    service_compare(&w->service, x->p.group);
    note_roster(w, x->p.group);
}

/* ---- Persistence that fails ---- */

/* A call that cannot write fails and has changed nothing. */
void fail_a_write(struct world *w, struct member *x)
{
    struct buf before = {0}, after = {0}, message = {0};
    party_state(&x->p, &before);
    x->p.disk.fails = true;
    switch (pick(w, 3)) {
    case 0:
        if (!mls_group_has_pending(x->p.group))
            REFUSED(mls_group_commit(x->p.group, NULL, 0, NULL, NOW, &message), CONCLAVE_ESTORE);
        break;
    case 1: {
        struct mls_change update = mls_update();
        REFUSED(mls_group_propose(x->p.group, &update, NULL, NOW, &message), CONCLAVE_ESTORE);
        break;
    }
    default:
        REFUSED(mls_group_clear_proposals(x->p.group), CONCLAVE_ESTORE);
        break;
    }
    x->p.disk.fails = false;
    party_state(&x->p, &after);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    assert_int_equal(message.n, 0);
    w->count.failed_writes++;
    buf_free(&before);
    buf_free(&after);
}

void crash(struct world *w, struct member *x)
{
    struct buf before = {0}, after = {0};
    if (!mls_group_is_member(x->p.group))
        return;
    party_state(&x->p, &before);
    party_crash(&x->p);
    party_state(&x->p, &after);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    w->count.crashes++;
    buf_free(&before);
    buf_free(&after);
}

/* ---- Who ---- */

struct member *random_member(struct world *w)
{
    for (size_t i = 0; i < 10 * w->n; i++) {
        struct member *x = &w->all[pick(w, w->n)];
        if (x->role == INSIDE && x->asleep == 0 && x->p.group != NULL &&
            mls_group_is_member(x->p.group))
            return x;
    }
    return NULL;
}

uint32_t leaf_of(const struct mls_group *g, const char *name)
{
    struct mls_member m;
    for (uint32_t i = 0; mls_group_next_member(g, &i, &m);)
        if (bytes_equal(m.credential.identity, bytes_str(name)))
            return m.leaf_index;
    return MLS_NO_LEAF;
}

/* Somebody to invite: who is not in the group, as far as g knows. */
struct member *random_outsider(struct world *w, const struct mls_group *g)
{
    for (size_t i = 0; i < w->n; i++) {
        struct member *x = &w->all[pick(w, w->n)];
        if (x->role == OUTSIDE && !x->present && leaf_of(g, x->p.name) == MLS_NO_LEAF)
            return x;
    }
    return NULL;
}

void leave_group(struct member *x)
{
    mls_group_free(x->p.group);
    x->p.group = NULL;
}

/* ---- Life ---- */

void world_init(struct world *w, size_t members, bool private_handshakes, uint64_t seed)
{
    struct party_options options = party_defaults(CRYPTO_P256_AES128GCM_SHA256_P256);
    *w = (struct world){.random = {seed},
                        .target = members,
                        .n = members + members / 5 + 4,
                        .private_handshakes = private_handshakes};
    options.policy.tree_in_welcome = false;
    options.policy.private_handshake = private_handshakes;
    w->all = calloc(w->n, sizeof *w->all);
    assert_non_null(w->all);
    for (size_t i = 0; i < w->n; i++)
        party_init(&w->all[i].p, (unsigned)i, &options);
    party_found(&w->all[0].p, "simulated", NULL, 0);
    service_init(&w->service, &w->all[0].p, !private_handshakes);
    come_in(w, &w->all[0]);
}

void world_fini(struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        party_fini(&w->all[i].p);
    for (size_t i = 0; i < w->n_letters; i++)
        buf_free(&w->letters[i].bytes);
    service_fini(&w->service);
    free(w->letters);
    free(w->epochs);
    free(w->all);
}
