/* Deltas: what one call changes, in records that a restored group applies in the same order.
 *
 * A record of a used message key holds no key, only which one: the group that replays it derives
 * and erases as the first one did.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "mls/group.h"
#include "mls/seal.h"
#include "wire/writer.h"

#define DELTA_VERSION 1

enum record {
    RECORD_RATCHET = 1,
    RECORD_PROPOSAL = 2,
    RECORD_CLEAR = 3,
    RECORD_PENDING = 4,
    RECORD_DROP = 5,
    RECORD_EPOCH = 6,
    RECORD_MERGE_OWN = 7,
    RECORD_IGNORE = 8,
};

/* NULL if nobody persists. */
static struct buf *begin(struct mls_group *g, enum record kind)
{
    if (g->client->callbacks.store == NULL)
        return NULL;
    write_u8(&g->records, (uint8_t)kind);
    return &g->records;
}

/* A record that could not be written whole must not stay in front of the next one. */
static int end(struct mls_group *g, int rv)
{
    if (rv == 0)
        rv = buf_check(&g->records);
    if (rv != 0)
        mls_store_abandon(g);
    return rv;
}

int mls_store_ratchet(struct mls_group *g, uint64_t epoch, uint32_t leaf,
                      enum mls_ratchet_type type, uint32_t generation)
{
    struct buf *b = begin(g, RECORD_RATCHET);
    if (b == NULL)
        return 0;
    write_u64(b, epoch);
    write_u32(b, leaf);
    write_u8(b, (uint8_t)type);
    write_u32(b, generation);
    return end(g, 0);
}

int mls_store_proposal(struct mls_group *g, const struct mls_cached *entry,
                       const struct secret *leaf_priv)
{
    struct buf *b = begin(g, RECORD_PROPOSAL);
    if (b == NULL)
        return 0;
    mls_cached_write(entry, g->crypto->suite->nh, b);
    write_vec(b, leaf_priv == NULL ? bytes_of(NULL, 0) : secret_view(leaf_priv));
    return end(g, 0);
}

int mls_store_clear(struct mls_group *g)
{
    struct buf *b = begin(g, RECORD_CLEAR);
    return b == NULL ? 0 : end(g, 0);
}

int mls_store_ignore(struct mls_group *g, struct bytes ref)
{
    struct buf *b = begin(g, RECORD_IGNORE);
    if (b == NULL)
        return 0;
    write_vec(b, ref);
    return end(g, 0);
}

static int record_staged(struct mls_group *g, enum record kind, const struct mls_staged *s)
{
    struct buf *b = begin(g, kind);
    if (b == NULL)
        return 0;
    size_t mark = write_vec_begin(b);
    int rv = mls_staged_write(s, b);
    write_vec_end(b, mark);
    return end(g, rv);
}

int mls_store_pending(struct mls_group *g, const struct mls_staged *s)
{
    return record_staged(g, RECORD_PENDING, s);
}

int mls_store_drop(struct mls_group *g)
{
    struct buf *b = begin(g, RECORD_DROP);
    return b == NULL ? 0 : end(g, 0);
}

int mls_store_epoch(struct mls_group *g, const struct mls_staged *s)
{
    return record_staged(g, RECORD_EPOCH, s);
}

int mls_store_merge_own(struct mls_group *g)
{
    struct buf *b = begin(g, RECORD_MERGE_OWN);
    return b == NULL ? 0 : end(g, 0);
}

void mls_store_abandon(struct mls_group *g)
{
    buf_clear(&g->records);
}

/* What the delta after this one must name: a hash over it, and so over all since the first save. */
static int next_link(struct mls_group *g, struct bytes delta, uint8_t out[static CRYPTO_HASH_MAX])
{
    return crypto_hash(g->crypto, &delta, 1, out);
}

int mls_store_flush(struct mls_group *g)
{
    const struct mls_callbacks *cb = &g->client->callbacks;
    struct buf plain = {0}, sealed = {0};
    struct crypto *sealer = NULL;
    if (g->records.n == 0)
        return 0;
    uint8_t next[CRYPTO_HASH_MAX];
    write_u16(&plain, DELTA_VERSION);
    write_u64(&plain, g->next_delta);
    buf_put(&plain, bytes_of(g->delta_link, sizeof g->delta_link));
    buf_put(&plain, buf_view(&g->records));
    int rv = g->records.failed ? CONCLAVE_ENOMEM : buf_check(&plain);
    if (rv == 0)
        rv = next_link(g, buf_view(&plain), next);
    if (rv == 0)
        rv = mls_client_sealer(g->client, &sealer);
    if (rv == 0)
        rv = mls_seal_state(sealer, secret_view(&g->delta_key), "delta", &plain, &sealed);
    if (rv == 0 && cb->store(cb->ctx, g->pub.view.group_id, buf_view(&sealed)) != 0)
        rv = CONCLAVE_ESTORE;
    if (rv == 0) {
        g->next_delta++;
        memcpy(g->delta_link, next, sizeof g->delta_link);
    }
    mls_store_abandon(g);
    buf_free(&plain);
    buf_free(&sealed);
    return rv;
}

/* ---- Replay ---- */

static struct mls_secret_tree *secret_tree_of(struct mls_group *g, uint64_t epoch)
{
    if (epoch == g->pub.view.epoch)
        return &g->secret_tree;
    for (size_t i = 0; i < g->n_past; i++)
        if (g->past[i].epoch == epoch)
            return &g->past[i].secret_tree;
    return NULL;
}

static int replay_ratchet(struct mls_group *g, struct reader *r)
{
    const struct mls_policy *p = &g->client->policy;
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    uint64_t epoch = read_u64(r);
    uint32_t leaf = read_u32(r);
    uint8_t type = read_u8(r);
    uint32_t generation = read_u32(r);
    struct mls_secret_tree *t = secret_tree_of(g, epoch);
    if (!reader_ok(r) || t == NULL || type > RATCHET_APPLICATION)
        return CONCLAVE_ESTATE;
    /* the policy may have been another when this was stored: a key that is not there is used up */
    int rv = mls_ratchet_find(t, g->crypto, leaf, (enum mls_ratchet_type)type, generation,
                              LIMIT_MLS_GENERATIONS, p->generation_kept, &key, &step);
    if (rv == 0)
        mls_ratchet_take(t, step);
    wipe(&key, sizeof key);
    return rv == CONCLAVE_EREPLAY ? 0 : rv;
}

static int replay_proposal(struct mls_group *g, struct reader *r)
{
    struct mls_cached *entry = NULL;
    struct secret priv = {0};
    int rv = mls_cached_read(r, g->crypto->suite->nh, &entry);
    mls_state_read_secret(r, &priv);
    if (rv == 0 && !reader_ok(r))
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        rv = mls_cache_reserve(&g->pub.cache, entry->sender, entry->raw_n);
    if (rv == 0 && priv.n != 0)
        rv = mls_group_keep_update(g, entry, &priv, g->signer);
    if (rv == 0)
        mls_cache_put(&g->pub.cache, g->crypto->suite->nh, entry);
    else
        free(entry);
    secret_wipe(&priv);
    return rv;
}

static int replay_staged(struct mls_group *g, struct reader *r, struct mls_staged **out)
{
    struct reader sub = read_sub(r);
    struct mls_staged *s = NULL;
    int rv = mls_staged_read(g, &sub, &s);
    if (rv == 0)
        rv = reader_end(&sub);
    if (rv == 0)
        *out = s;
    else
        mls_staged_free(s);
    return rv;
}

static int replay_advance(struct mls_group *g, struct mls_staged *s)
{
    int rv = mls_group_prepare_advance(g, s);
    if (rv == 0)
        mls_group_advance(g, s);
    return rv;
}

static int replay_record(struct mls_group *g, struct reader *r)
{
    struct mls_staged *s = NULL;
    int rv;
    switch ((enum record)read_u8(r)) {
    case RECORD_RATCHET:
        return replay_ratchet(g, r);
    case RECORD_PROPOSAL:
        return replay_proposal(g, r);
    case RECORD_CLEAR:
        mls_cache_ignore_all(&g->pub.cache);
        return 0;
    case RECORD_IGNORE:
        return mls_cache_ignore(&g->pub.cache, read_vec(r)) == 0 ? 0 : CONCLAVE_ESTATE;
    case RECORD_PENDING:
        if (g->pending != NULL)
            return CONCLAVE_ESTATE;
        rv = replay_staged(g, r, &g->pending);
        return rv == 0 && g->pending->removes_us ? CONCLAVE_ESYNTAX : rv;
    case RECORD_DROP:
        mls_staged_free(g->pending);
        g->pending = NULL;
        return 0;
    case RECORD_EPOCH:
        rv = replay_staged(g, r, &s);
        if (rv == 0 && (rv = replay_advance(g, s)) != 0)
            mls_staged_free(s);
        return rv;
    case RECORD_MERGE_OWN:
        return g->pending == NULL ? CONCLAVE_ESTATE : replay_advance(g, g->pending);
    }
    return CONCLAVE_ESYNTAX;
}

int mls_delta_apply(struct mls_group *g, uint64_t saved, struct bytes delta)
{
    struct reader r = reader_of(delta);
    uint16_t version = read_u16(&r);
    uint64_t number = read_u64(&r);
    struct bytes previous = read_bytes(&r, MLS_DELTA_LINK);
    struct bytes link = bytes_of(g->delta_link, sizeof g->delta_link);
    uint8_t next[CRYPTO_HASH_MAX];
    if (!reader_ok(&r))
        return CONCLAVE_ESYNTAX;
    if (version != DELTA_VERSION)
        return CONCLAVE_EVERSION;
    int rv = next_link(g, delta, next);
    if (rv != 0)
        return rv;
    if (number < saved || /* the save has it already, or it is the last one again */
        (number + 1 == g->next_delta && bytes_equal(bytes_of(next, MLS_DELTA_LINK), link)))
        return 0;
    /* one is missing, or was refused by store() and kept nevertheless, or is another group's */
    if (number != g->next_delta || !bytes_equal(previous, link))
        return CONCLAVE_ESTATE;
    while (rv == 0 && reader_left(&r) != 0)
        rv = replay_record(g, &r);
    if (rv != 0)
        return rv;
    g->next_delta++;
    memcpy(g->delta_link, next, MLS_DELTA_LINK);
    return reader_end(&r);
}
