#include "store/query.h"

static int add(struct store *s, const struct store_audit *a)
{
    struct query q = query_begin(s, SQL_AUDIT_ADD);
    query_put_u64(&q, a->at);
    query_put_text(&q, a->actor);
    query_put_text(&q, a->action);
    query_put_text(&q, a->object);
    int rv = query_run(&q);
    if (rv != 0)
        return rv;
    q = query_begin(s, SQL_AUDIT_TRIM);
    query_put_u64(&q, STORE_AUDIT_MAX);
    return query_run(&q);
}

int store_audit_add(struct store *s, const struct store_audit *a)
{
    int rv = query_group(s);
    return rv != 0 ? rv : query_group_end(s, add(s, a));
}

int store_audit_each(struct store *s, uint64_t after_id, unsigned max,
                     bool (*each)(void *ctx, const struct store_audit *a), void *ctx)
{
    struct store_audit a;
    struct query q = query_begin(s, SQL_AUDIT_EACH);
    query_put_u64(&q, after_id);
    query_put_u64(&q, max);
    while (query_row(&q)) {
        a.id = query_u64(&q);
        a.at = query_u64(&q);
        query_text(&q, a.actor, sizeof a.actor);
        query_text(&q, a.action, sizeof a.action);
        query_text(&q, a.object, sizeof a.object);
        if (q.rv != 0 || !each(ctx, &a))
            break;
    }
    return query_end(&q);
}
