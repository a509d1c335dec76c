#include "store/account.h"
#include "store/query.h"

static void put_password(struct query *q, const struct store_password *p)
{
    query_put_bytes(q, bytes_of(p->salt, sizeof p->salt));
    query_put_bytes(q, bytes_of(p->hash, sizeof p->hash));
    query_put_u64(q, p->cost_n);
    query_put_u64(q, p->cost_r);
    query_put_u64(q, p->cost_p);
}

static void get_password(struct query *q, struct store_password *p)
{
    query_fixed(q, p->salt, sizeof p->salt);
    query_fixed(q, p->hash, sizeof p->hash);
    p->cost_n = query_u64(q);
    p->cost_r = (uint32_t)query_u64(q);
    p->cost_p = (uint32_t)query_u64(q);
}

static void get_columns(struct query *q, struct store_user *u)
{
    u->id = query_u64(q);
    query_text(q, u->email, sizeof u->email);
    u->admin = query_u64(q) != 0;
    u->disabled = query_u64(q) != 0;
    u->created_at = query_u64(q);
    get_password(q, &u->password);
}

int store_user_add(struct store *s, const struct store_user *u, uint64_t *out_id)
{
    struct query q = query_begin(s, SQL_USER_ADD);
    query_put_text(&q, u->email);
    query_put_u64(&q, u->admin);
    query_put_u64(&q, u->disabled);
    query_put_u64(&q, u->created_at);
    put_password(&q, &u->password);
    return query_number(&q, out_id);
}

static int get_one(struct query *q, struct store_user *out)
{
    struct store_user u = {0};
    bool found = query_row(q);
    if (found)
        get_columns(q, &u);
    int rv = query_end(q);
    if (rv == 0 && !found)
        rv = CONCLAVE_ENOTFOUND;
    if (rv == 0)
        *out = u;
    return rv;
}

int store_user_get(struct store *s, uint64_t id, struct store_user *out)
{
    struct query q = query_begin(s, SQL_USER_GET);
    query_put_u64(&q, id);
    return get_one(&q, out);
}

int store_user_find(struct store *s, const char *email, struct store_user *out)
{
    struct query q = query_begin(s, SQL_USER_FIND);
    query_put_text(&q, email);
    return get_one(&q, out);
}

int store_user_set_password(struct store *s, uint64_t id, const struct store_password *p)
{
    struct query q = query_begin(s, SQL_USER_PASSWORD);
    put_password(&q, p);
    query_put_u64(&q, id);
    return query_change(&q);
}

int store_user_set_flags(struct store *s, uint64_t id, bool admin, bool disabled)
{
    struct query q = query_begin(s, SQL_USER_FLAGS);
    query_put_u64(&q, admin);
    query_put_u64(&q, disabled);
    query_put_u64(&q, id);
    return query_change(&q);
}

int store_user_remove(struct store *s, uint64_t id)
{
    struct query q = query_begin(s, SQL_USER_REMOVE);
    query_put_u64(&q, id);
    return query_change(&q);
}

int store_user_each(struct store *s, uint64_t after_id, unsigned max,
                    bool (*each)(void *ctx, const struct store_user *u), void *ctx)
{
    struct store_user u = {0};
    struct query q = query_begin(s, SQL_USER_EACH);
    query_put_u64(&q, after_id);
    query_put_u64(&q, max);
    while (query_row(&q)) {
        get_columns(&q, &u);
        if (q.rv != 0 || !each(ctx, &u))
            break;
    }
    return query_end(&q);
}
