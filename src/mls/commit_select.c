/* RFC 9420 12.4: all received proposals should go into a commit of ours, as far as they make a
 * valid list. What is valid together is found by trying: all of them first; if that fails, the
 * halves, and the halves of halves, so that one bad proposal costs a logarithm and not the commit.
 * Where two exclude each other, what is tried first wins: removals before updates (section 12.2),
 * later updates before earlier ones.
 */
#include "mls/commit_select.h"

#include <limits.h>
#include <stdlib.h>

#include "wire/writer.h"

struct selection {
    struct mls_group *g;
    uint64_t now;
    struct buf good;           /* what is known to go together, encoded */
    struct mls_staged *staged; /* that, staged */
    size_t chosen;
};

/* A PSK that we cannot find, or an extension that only our GREASE claims to support, is no reason
 * to refuse the proposal; but nothing that we can commit. */
static int check_own(struct mls_group *g, const struct mls_staged *s)
{
    struct secret psk = {0};
    int rv = mls_group_psk_secret(g, s, &psk);
    if (rv == 0 && s->gce != NULL) /* RFC 9420 13.5-5 */
        rv = mls_client_supports(g->client, buf_view(&s->extensions));
    secret_wipe(&psk);
    return rv;
}

/* Stages what is good and n more; on success that is what is good. */
static int attempt(struct selection *sel, const struct mls_cached *const *more, size_t n)
{
    struct mls_group *g = sel->g;
    struct mls_sender self = {MLS_SENDER_MEMBER, g->own_leaf};
    struct mls_staged *s = NULL;
    struct buf list = {0};
    buf_put(&list, buf_view(&sel->good));
    for (size_t i = 0; i < n; i++) {
        write_u8(&list, PROPOSAL_BY_REFERENCE);
        write_vec(&list, bytes_of(more[i]->ref, g->crypto->suite->nh));
    }
    int rv = buf_check(&list);
    if (rv == 0)
        rv = mls_staged_begin(&g->pub, self, buf_view(&list), &s);
    if (rv == 0)
        rv = mls_staged_apply(&g->pub, s, sel->now); /* RFC 9420 12.2-1, 7.3-7 */
    if (rv == 0)
        rv = mls_staged_check_tree(&g->pub, s);
    if (rv == 0)
        rv = check_own(g, s);
    if (rv == 0) {
        buf_move(&sel->good, &list);
        mls_staged_free(sel->staged);
        sel->staged = s;
        sel->chosen += n;
    } else {
        mls_staged_free(s);
    }
    buf_free(&list);
    return rv;
}

/* Adds as many of n as go together with what is good. Only the system's errors end it. */
static int add(struct selection *sel, const struct mls_cached *const *more, size_t n)
{
    if (n == 0)
        return 0;
    int rv = attempt(sel, more, n);
    if (rv == 0 || conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
        return rv;
    if (n == 1)
        return 0; /* left out */
    rv = add(sel, more, n / 2);
    return rv != 0 ? rv : add(sel, more + n / 2, n - n / 2);
}

/* When a proposal is tried: SelfRemove, Remove, Update (newest first), the rest; never: UINT_MAX.
 * Our own Update and removal are for others to commit (RFC 9420 12.2-4, 12.2-5). */
static unsigned rank(const struct mls_group *g, const struct mls_cached *e)
{
    bool own = e->sender.type == MLS_SENDER_MEMBER && e->sender.index == g->own_leaf;
    switch (e->proposal.type) {
    case MLS_SELF_REMOVE:
        return own ? UINT_MAX : 0;
    case MLS_REMOVE:
        return e->proposal.removed == g->own_leaf ? UINT_MAX : 1;
    case MLS_UPDATE:
        return own ? UINT_MAX : 2;
    case MLS_REINIT:
        return UINT_MAX;
    default:
        return 3;
    }
}

/* The candidates, in the order of their ranks. */
static size_t line_up(const struct mls_group *g, const struct mls_cached *const *in_order,
                      const struct mls_cached **out)
{
    size_t n = g->pub.cache.n, k = 0;
    for (unsigned r = 0; r <= 3; r++)
        for (size_t i = 0; i < n; i++) {
            const struct mls_cached *e = in_order[r == 2 ? n - 1 - i : i];
            if (!e->ignored && rank(g, e) == r)
                out[k++] = e;
        }
    return k;
}

/* RFC 9420 12.2-11: a ReInit stands alone, and gives way to anything else. */
static int add_reinit(struct selection *sel, const struct mls_cached *const *in_order)
{
    int rv = 0;
    for (size_t i = 0; rv == 0 && sel->chosen == 0 && i < sel->g->pub.cache.n; i++)
        if (in_order[i]->proposal.type == MLS_REINIT && !in_order[i]->ignored)
            rv = add(sel, &in_order[i], 1);
    return rv;
}

static int add_cached(struct selection *sel, bool nothing_by_value)
{
    size_t n = sel->g->pub.cache.n;
    const struct mls_cached **lists =
        (const struct mls_cached **)calloc(2 * n + 1, sizeof(const struct mls_cached *));
    if (lists == NULL)
        return CONCLAVE_ENOMEM;
    mls_cache_in_order(&sel->g->pub.cache, lists);
    size_t k = line_up(sel->g, lists, lists + n);
    int rv = add(sel, lists + n, k);
    if (rv == 0 && nothing_by_value)
        rv = add_reinit(sel, lists);
    free((void *)lists);
    return rv;
}

int mls_commit_select(struct mls_group *g, struct bytes by_value, bool cached, uint64_t now,
                      struct mls_staged **out)
{
    struct selection sel = {.g = g, .now = now};
    buf_put(&sel.good, by_value);
    int rv = buf_check(&sel.good);
    if (rv == 0)
        rv = attempt(&sel, NULL, 0);
    if (rv == 0 && cached && g->pub.cache.n_active != 0)
        rv = add_cached(&sel, by_value.n == 0);
    buf_free(&sel.good);
    if (rv != 0) {
        mls_staged_free(sel.staged);
        return rv;
    }
    *out = sel.staged;
    return 0;
}
