#include "mls/reinit.h"

#include <stdlib.h>
#include <string.h>

#include "mls/extension.h"
#include "wire/writer.h"

/* ---- Who is in both ---- */

static bool has_member(const struct mls_group *g, const struct mls_credential *credential)
{
    struct mls_member m;
    for (uint32_t i = 0; mls_group_next_member(g, &i, &m);)
        if (mls_same_identity(&g->client->callbacks, &m.credential, credential))
            return true;
    return false;
}

/* RFC 9420 11.3-4, 12.4.3.1-28 */
static bool is_subset(const struct mls_group *small, const struct mls_group *large)
{
    struct mls_member m;
    for (uint32_t i = 0; mls_group_next_member(small, &i, &m);)
        if (!has_member(large, &m.credential))
            return false;
    return true;
}

/* ---- The joiner's side ---- */

static int read_reinit(const struct mls_group *old, struct mls_proposal *out)
{
    struct reader r = reader_of(buf_view(&old->pub.reinit));
    int error = 0;
    if (old->pub.reinit.n == 0) /* RFC 9420 12.4.3.1-24 */
        return CONCLAVE_EREINIT;
    mls_proposal_read(&r, out, &error);
    return reader_end(&r);
}

static int check_reinit(const struct mls_group *g, const struct mls_group *old, uint64_t epoch)
{
    struct mls_proposal p;
    int rv = read_reinit(old, &p);
    if (rv != 0)
        return rv;
    /* RFC 9420 11.2-3: the epoch that the ReInit began, which nobody removed before it can know */
    if (epoch != old->pub.view.epoch)
        return CONCLAVE_EREINIT;
    /* RFC 9420 11.2-1, 12.4.3.1-25, 12.4.3.1-26: the same members, and no others */
    if (!bytes_equal(p.reinit.group_id, g->pub.view.group_id) || p.reinit.version != MLS_VERSION ||
        p.reinit.suite != g->pub.view.suite ||
        !bytes_equal(p.reinit.extensions, g->pub.view.extensions) || !is_subset(old, g) ||
        !is_subset(g, old))
        return CONCLAVE_EREINIT;
    return 0;
}

static int check_branch(const struct mls_group *g, const struct mls_group *old)
{
    /* RFC 9420 11.3-2, 12.4.3.1-27 */
    return g->pub.view.suite == old->pub.view.suite && is_subset(g, old) ? 0 : CONCLAVE_EREINIT;
}

int mls_reinit_check_welcome(const struct mls_group *g, struct bytes psks,
                             struct mls_group *const *existing, size_t n_existing)
{
    struct reader r = reader_of(psks);
    struct mls_psk_id special = {0};
    const struct mls_group *old = NULL;
    while (reader_left(&r) != 0) {
        struct mls_psk_id id;
        mls_psk_id_read(&r, &id);
        if (id.type != PSK_RESUMPTION || id.usage == PSK_USAGE_APPLICATION)
            continue;
        if (special.type != 0) /* RFC 9420 12.4.3.1-6 */
            return CONCLAVE_EPSK;
        special = id;
    }
    if (special.type == 0)
        return 0;
    if (g->pub.view.epoch != 1) /* RFC 9420 11.2-2, 11.3-3, 12.4.3.1-23 */
        return CONCLAVE_EREINIT;
    for (size_t i = 0; i < n_existing; i++)
        if (bytes_equal(existing[i]->pub.view.group_id, special.group_id))
            old = existing[i];
    if (old == NULL)
        return CONCLAVE_EREINIT; /* nothing to check it against */
    return special.usage == PSK_USAGE_REINIT ? check_reinit(g, old, special.epoch)
                                             : check_branch(g, old);
}

/* ---- The founder's side ---- */

/* Everybody but ourselves, once: an Add for each key package. */
static int make_adds(const struct bytes *key_packages, size_t n, struct mls_change **out)
{
    struct mls_change *adds = calloc(n + 1, sizeof *adds);
    if (adds == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < n; i++)
        adds[i] = mls_add(key_packages[i]);
    *out = adds;
    return 0;
}

/* RFC 9420 11.2-3, 11.3-1, 12.4.1-11: the PSK that ties the new group to the old one's epoch. */
static int make_psk(struct mls_client *c, const struct mls_group *old, enum mls_psk_usage usage,
                    struct buf *out)
{
    uint8_t nonce[CRYPTO_HASH_MAX] = {0};
    size_t nh = c->crypto->suite->nh;
    struct mls_psk_id id = {.type = PSK_RESUMPTION,
                            .usage = usage,
                            .group_id = old->pub.view.group_id,
                            .epoch = old->pub.view.epoch,
                            .nonce = bytes_of(nonce, nh)};
    int rv = crypto_random(c->crypto, nonce, nh);
    mls_psk_id_write(out, &id);
    return rv != 0 ? rv : buf_check(out);
}

/* The new group needs the old one's resumption PSK while its first commit is made. */
static int lend_psk(struct mls_group *g, const struct mls_group *old)
{
    g->foreign_psk.epoch = old->pub.view.epoch;
    g->foreign_psk.psk = old->secrets.resumption;
    buf_put(&g->foreign_group, old->pub.view.group_id);
    return buf_check(&g->foreign_group);
}

static int first_commit(struct mls_group *g, const struct mls_group *old, enum mls_psk_usage usage,
                        const struct bytes *key_packages, size_t n, uint64_t now)
{
    static const struct mls_commit_options options = {.force_path = true};
    struct mls_change *adds = NULL;
    struct buf psk = {0}, message = {0};
    int rv = make_adds(key_packages, n, &adds);
    if (rv == 0)
        rv = make_psk(g->client, old, usage, &psk);
    if (rv == 0)
        rv = lend_psk(g, old);
    if (rv == 0) {
        struct mls_commit_plan plan = {adds, n, &options, buf_view(&psk)};
        g->pub.first_usage = usage;
        rv = mls_group_commit_plan(g, &plan, now, &message);
    }
    secret_wipe(&g->foreign_psk.psk);
    buf_free(&g->foreign_group);
    free(adds);
    buf_free(&psk);
    buf_free(&message); /* nobody else is in the group to receive it */
    return rv;
}

/* The members of the staged commit's tree against the old group's. */
static int check_members(const struct mls_group *g, const struct mls_group *old,
                         enum mls_psk_usage usage)
{
    struct mls_member m;
    uint32_t n = g->pending->tree.n_members;
    for (uint32_t i = 0; i < g->pending->tree.width; i++)
        if (mls_staged_new_member(g->pending, i, &m) == 0 && !has_member(old, &m.credential))
            return CONCLAVE_EREINIT;
    /* RFC 9420 12.4.1-10: a reinitialised group has all of them */
    return usage == PSK_USAGE_REINIT && n != old->pub.tree.n_members ? CONCLAVE_EREINIT : 0;
}

static int succeed(struct mls_group *old, struct mls_client *c, struct bytes group_id,
                   const struct mls_extension *extensions, size_t n_extensions,
                   enum mls_psk_usage usage, const struct bytes *key_packages, size_t n,
                   uint64_t now, struct mls_group **out)
{
    struct mls_group *g = NULL;
    int rv = mls_group_new(c, group_id, extensions, n_extensions, now, &g);
    if (rv == 0)
        rv = first_commit(g, old, usage, key_packages, n, now);
    if (rv == 0)
        rv = check_members(g, old, usage);
    if (rv != 0) {
        mls_group_free(g);
        return rv;
    }
    *out = g;
    return 0;
}

/* An encoded list as an array; at most LIMIT_MLS_EXTENSIONS. */
static size_t list_extensions(struct bytes list, struct mls_extension out[LIMIT_MLS_EXTENSIONS])
{
    struct reader r = reader_of(list);
    size_t n = 0;
    while (n < LIMIT_MLS_EXTENSIONS && mls_extensions_next(&r, &out[n]))
        n++;
    return n;
}

int mls_group_reinit(struct mls_group *old, struct mls_client *c, const struct bytes *key_packages,
                     size_t n, uint64_t now, struct mls_group **out)
{
    struct mls_extension extensions[LIMIT_MLS_EXTENSIONS];
    struct mls_proposal p;
    if (old->removed)
        return CONCLAVE_EREMOVED;
    int rv = read_reinit(old, &p);
    if (rv != 0)
        return CONCLAVE_ESTATE;
    if (p.reinit.version != MLS_VERSION) /* RFC 9420 11.2-1: not what we would found */
        return CONCLAVE_EUNSUPPORTED;
    if (p.reinit.suite != crypto_suite(c->crypto))
        return CONCLAVE_EINVAL;
    size_t n_extensions = list_extensions(p.reinit.extensions, extensions);
    return succeed(old, c, p.reinit.group_id, extensions, n_extensions, PSK_USAGE_REINIT,
                   key_packages, n, now, out);
}

int mls_group_branch(struct mls_group *old, struct bytes group_id, const struct bytes *key_packages,
                     size_t n, uint64_t now, struct mls_group **out)
{
    struct mls_extension extensions[LIMIT_MLS_EXTENSIONS];
    int rv = mls_group_check_active(old);
    if (rv != 0)
        return rv;
    if (bytes_equal(group_id, old->pub.view.group_id))
        return CONCLAVE_EINVAL;
    size_t n_extensions = list_extensions(old->pub.view.extensions, extensions);
    return succeed(old, old->client, group_id, extensions, n_extensions, PSK_USAGE_BRANCH,
                   key_packages, n, now, out);
}
