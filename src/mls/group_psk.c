/* RFC 9420 8.4, 8.6: finding PSKs. */
#include <stdlib.h>

#include "base/limits.h"
#include "mls/group.h"

/* A resumption PSK: of this group, of another one that we are in, or as the application knows. */
static int find_resumption(struct mls_client *c, const struct mls_group *g,
                           struct mls_group *const *existing, size_t n_existing,
                           const struct mls_psk_id *id, struct buf *out)
{
    int rv = CONCLAVE_ENOTFOUND;
    if (g != NULL && bytes_equal(id->group_id, g->pub.view.group_id)) /* RFC 9420 8.4-4 */
        rv = mls_group_resumption_psk(g, id->epoch, out);
    if (g != NULL && g->foreign_psk.psk.n != 0 && id->epoch == g->foreign_psk.epoch &&
        bytes_equal(id->group_id, buf_view(&g->foreign_group))) {
        buf_put(out, secret_view(&g->foreign_psk.psk));
        rv = buf_check(out);
    }
    for (size_t i = 0; rv == CONCLAVE_ENOTFOUND && i < n_existing; i++)
        if (bytes_equal(id->group_id, existing[i]->pub.view.group_id))
            rv = mls_group_resumption_psk(existing[i], id->epoch, out);
    if (rv == CONCLAVE_ENOTFOUND && c->callbacks.find_resumption != NULL)
        rv = c->callbacks.find_resumption(c->callbacks.ctx, id->group_id, id->epoch, out);
    return rv;
}

static int find_psk(struct mls_client *c, const struct mls_group *g,
                    struct mls_group *const *existing, size_t n_existing,
                    const struct mls_psk_id *id, struct buf *out)
{
    int rv = CONCLAVE_ENOTFOUND;
    if (id->type == PSK_RESUMPTION)
        rv = find_resumption(c, g, existing, n_existing, id, out);
    else if (c->callbacks.find_psk != NULL)
        rv = c->callbacks.find_psk(c->callbacks.ctx, id->id, out);
    if (rv == CONCLAVE_ENOMEM)
        return rv;
    return rv != 0 || out->n == 0 ? CONCLAVE_EPSK : buf_check(out);
}

/* The PSKs while they are collected. */
struct collected {
    struct mls_psk psk[LIMIT_MLS_PSKS];
    struct buf value[LIMIT_MLS_PSKS];
    size_t n;
};

static int collect(struct collected *all, struct mls_client *c, const struct mls_group *g,
                   struct mls_group *const *existing, size_t n_existing,
                   const struct mls_psk_id *id)
{
    if (all->n == LIMIT_MLS_PSKS)
        return CONCLAVE_ELIMIT;
    struct buf *value = &all->value[all->n];
    int rv = find_psk(c, g, existing, n_existing, id, value);
    all->psk[all->n++] = (struct mls_psk){id->raw, buf_view(value)};
    return rv;
}

static int combine(struct collected *all, struct crypto *c, int rv, struct secret *out)
{
    if (rv == 0)
        rv = mls_psk_secret(c, all->psk, all->n, out);
    for (size_t i = 0; i < all->n; i++)
        buf_free(&all->value[i]);
    return rv;
}

int mls_group_psk_secret(struct mls_group *g, const struct mls_staged *s, struct secret *out)
{
    struct collected all = {.n = 0};
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < s->n_list; i++)
        if (s->list[i].p.type == MLS_PSK)
            rv = collect(&all, g->client, g, NULL, 0, &s->list[i].p.psk);
    return combine(&all, g->crypto, rv, out);
}

int mls_psk_list_secret(struct mls_client *c, const struct mls_group *g,
                        struct mls_group *const *existing, size_t n_existing, struct bytes ids,
                        struct secret *out)
{
    struct collected all = {.n = 0};
    struct reader r = reader_of(ids);
    int rv = 0;
    while (rv == 0 && reader_left(&r) != 0) {
        struct mls_psk_id id;
        mls_psk_id_read(&r, &id);
        rv = !reader_ok(&r)                       ? CONCLAVE_ESYNTAX
             : id.nonce.n != c->crypto->suite->nh ? CONCLAVE_EPSK
                                                  : collect(&all, c, g, existing, n_existing, &id);
    }
    return combine(&all, c->crypto, rv, out);
}
