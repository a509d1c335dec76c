#include "mls/proposal_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "wire/writer.h"

/* Order of public byte strings of one length. */
static int compare(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

/* The first entry that is not less. */
static size_t lower_bound(const struct mls_proposal_cache *c, const uint8_t *ref, size_t nh)
{
    size_t low = 0, high = c->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare(c->sorted[mid]->ref, ref, nh) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct mls_cached *mls_cache_find(const struct mls_proposal_cache *c, struct bytes ref)
{
    if (ref.n == 0 || ref.n > CRYPTO_HASH_MAX)
        return NULL;
    size_t i = lower_bound(c, ref.p, ref.n);
    return i < c->n && compare(c->sorted[i]->ref, ref.p, ref.n) == 0 ? c->sorted[i] : NULL;
}

int mls_cache_reserve(struct mls_proposal_cache *c, struct mls_sender sender, size_t bytes)
{
    if (c->n == LIMIT_MLS_CACHED_PROPOSALS || bytes > LIMIT_MLS_CACHED_BYTES - c->bytes ||
        (sender.type != MLS_SENDER_MEMBER && c->n_outside == LIMIT_MLS_CACHED_OUTSIDE))
        return CONCLAVE_ELIMIT;
    if (c->n < c->cap)
        return 0;
    size_t cap = c->cap == 0 ? 16 : c->cap * 2;
    struct mls_cached **bigger = realloc(c->sorted, cap * sizeof *bigger);
    if (bigger == NULL)
        return CONCLAVE_ENOMEM;
    c->sorted = bigger;
    c->cap = cap;
    return 0;
}

struct mls_cached *mls_cached_new(struct bytes ref, struct mls_sender sender, struct bytes proposal)
{
    struct mls_cached *e = calloc(1, sizeof *e + proposal.n);
    int error = 0;
    if (e == NULL)
        return NULL;
    memcpy(e->ref, ref.p, ref.n);
    memcpy(e->raw, proposal.p, proposal.n);
    e->raw_n = proposal.n;
    e->sender = sender;
    struct reader r = reader_of(bytes_of(e->raw, e->raw_n));
    mls_proposal_read(&r, &e->proposal, &error); /* was read before: cannot fail */
    return e;
}

const struct mls_cached *mls_cache_put(struct mls_proposal_cache *c, size_t nh,
                                       struct mls_cached *entry)
{
    size_t i = lower_bound(c, entry->ref, nh);
    if (i < c->n && compare(c->sorted[i]->ref, entry->ref, nh) == 0) {
        c->n_active += c->sorted[i]->ignored && !entry->ignored;
        c->sorted[i]->ignored = c->sorted[i]->ignored && entry->ignored;
        free(entry);
        return c->sorted[i];
    }
    for (size_t k = c->n; k > i; k--)
        c->sorted[k] = c->sorted[k - 1];
    entry->order = c->next_order++;
    c->sorted[i] = entry;
    c->n++;
    c->n_active += !entry->ignored;
    c->bytes += entry->raw_n;
    c->n_outside += entry->sender.type != MLS_SENDER_MEMBER;
    return entry;
}

void mls_cache_clear(struct mls_proposal_cache *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->sorted[i]);
    free(c->sorted);
    *c = (struct mls_proposal_cache){0};
}

static void ignore(struct mls_proposal_cache *c, struct mls_cached *e)
{
    c->n_active -= !e->ignored;
    e->ignored = true;
}

int mls_cache_ignore(struct mls_proposal_cache *c, struct bytes ref)
{
    size_t i = ref.n == 0 || ref.n > CRYPTO_HASH_MAX ? c->n : lower_bound(c, ref.p, ref.n);
    if (i == c->n || compare(c->sorted[i]->ref, ref.p, ref.n) != 0)
        return CONCLAVE_ENOTFOUND;
    ignore(c, c->sorted[i]);
    return 0;
}

void mls_cache_ignore_all(struct mls_proposal_cache *c)
{
    for (size_t i = 0; i < c->n; i++)
        ignore(c, c->sorted[i]);
}

static int by_order(const void *a, const void *b)
{
    const struct mls_cached *const *x = a, *const *y = b;
    return ((*x)->order > (*y)->order) - ((*x)->order < (*y)->order);
}

void mls_cache_in_order(const struct mls_proposal_cache *c, const struct mls_cached **out)
{
    for (size_t i = 0; i < c->n; i++)
        out[i] = c->sorted[i];
    if (c->n != 0)
        qsort((void *)out, c->n, sizeof(const struct mls_cached *), by_order);
}

void mls_cached_describe(const struct mls_cached *e, size_t nh, struct mls_proposal_info *out)
{
    *out = (struct mls_proposal_info){
        .sender = e->sender, .by_reference = true, .ref = bytes_of(e->ref, nh)};
    mls_proposal_describe(&e->proposal, out);
    if (e->proposal.type == MLS_UPDATE || e->proposal.type == MLS_SELF_REMOVE)
        out->leaf = e->sender.index;
}

void mls_cached_write(const struct mls_cached *e, size_t nh, struct buf *b)
{
    buf_put(b, bytes_of(e->ref, nh));
    write_u8(b, (uint8_t)e->sender.type);
    write_u32(b, e->sender.index);
    write_u8(b, e->ignored);
    write_vec(b, bytes_of(e->raw, e->raw_n));
}

int mls_cached_read(struct reader *r, size_t nh, struct mls_cached **out)
{
    struct bytes ref = read_bytes(r, nh);
    struct mls_sender sender;
    sender.type = (enum mls_sender_type)read_u8(r);
    sender.index = read_u32(r);
    bool ignored = read_optional(r);
    struct bytes raw = read_vec(r);
    struct reader again = reader_of(raw);
    struct mls_proposal p;
    int error = 0;
    mls_proposal_read(&again, &p, &error);
    if (!reader_ok(r) || reader_end(&again) != 0)
        return CONCLAVE_ESYNTAX;
    *out = mls_cached_new(ref, sender, raw);
    if (*out == NULL)
        return CONCLAVE_ENOMEM;
    (*out)->ignored = ignored;
    return 0;
}
