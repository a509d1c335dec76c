#include "store/account.h"
#include "store/query.h"

static void get_columns(struct query *q, struct store_token *t)
{
    t->id = query_u64(q);
    query_fixed(q, t->hash, sizeof t->hash);
    t->kind = (enum store_token_kind)query_u64(q);
    t->owner = query_u64(q);
    query_text(q, t->identifier, sizeof t->identifier);
    t->created_at = query_u64(q);
    t->expires_at = query_u64(q);
}

int store_token_add(struct store *s, const struct store_token *t, uint64_t *out_id)
{
    struct query q = query_begin(s, SQL_TOKEN_ADD);
    query_put_bytes(&q, bytes_of(t->hash, sizeof t->hash));
    query_put_u64(&q, (uint64_t)t->kind);
    query_put_u64(&q, t->owner);
    query_put_text(&q, t->identifier);
    query_put_u64(&q, t->created_at);
    query_put_u64(&q, t->expires_at);
    return query_number(&q, out_id);
}

int store_token_find(struct store *s, const uint8_t hash[static STORE_HASH],
                     struct store_token *out)
{
    struct store_token t = {0};
    struct query q = query_begin(s, SQL_TOKEN_FIND);
    query_put_bytes(&q, bytes_of(hash, STORE_HASH));
    bool found = query_row(&q);
    if (found)
        get_columns(&q, &t);
    int rv = query_end(&q);
    if (rv == 0 && !found)
        rv = CONCLAVE_ENOTFOUND;
    if (rv == 0)
        *out = t;
    return rv;
}

int store_token_remove(struct store *s, uint64_t id)
{
    struct query q = query_begin(s, SQL_TOKEN_REMOVE);
    query_put_u64(&q, id);
    return query_change(&q);
}

int store_token_remove_of(struct store *s, enum store_token_kind kind, uint64_t owner,
                          uint64_t except)
{
    struct query q = query_begin(s, SQL_TOKEN_REMOVE_OF);
    query_put_u64(&q, (uint64_t)kind);
    query_put_u64(&q, owner);
    query_put_u64(&q, except);
    return query_run(&q);
}

int store_token_each(struct store *s, uint64_t after_id, unsigned max,
                     bool (*each)(void *ctx, const struct store_token *t), void *ctx)
{
    struct store_token t = {0};
    struct query q = query_begin(s, SQL_TOKEN_EACH);
    query_put_u64(&q, after_id);
    query_put_u64(&q, max);
    while (query_row(&q)) {
        get_columns(&q, &t);
        if (q.rv != 0 || !each(ctx, &t))
            break;
    }
    return query_end(&q);
}

static int expire(struct store *s, enum sql which, uint64_t now)
{
    struct query q = query_begin(s, which);
    query_put_u64(&q, now);
    return query_run(&q);
}

int store_account_expire(struct store *s, uint64_t now)
{
    int rv = expire(s, SQL_TOKEN_EXPIRE, now);
    return rv != 0 ? rv : expire(s, SQL_ACTIVATION_EXPIRE, now);
}
