#include <string.h>

#include "store/query.h"

void store_meeting_fini(struct store_meeting *m)
{
    buf_free(&m->card);
    *m = (struct store_meeting){0};
}

int store_meeting_add(struct store *s, const struct store_meeting *m)
{
    struct query q = query_begin(s, SQL_MEETING_ADD);
    query_put_text(&q, m->number);
    query_put_bytes(&q, bytes_of(m->meeting_id, sizeof m->meeting_id));
    query_put_bytes(&q, bytes_of(m->access_hash, sizeof m->access_hash));
    query_put_u64(&q, m->open);
    query_put_bytes(&q, buf_view(&m->card));
    query_put_text(&q, m->owner);
    query_put_u64(&q, m->personal);
    query_put_u64(&q, m->created_at);
    query_put_u64(&q, m->not_after);
    return query_run(&q);
}

/* The columns of one row, in place of what *m held. */
static void get_columns(struct query *q, struct store_meeting *m)
{
    query_text(q, m->number, sizeof m->number);
    query_fixed(q, m->meeting_id, sizeof m->meeting_id);
    query_fixed(q, m->access_hash, sizeof m->access_hash);
    m->open = query_u64(q) != 0;
    query_bytes(q, &m->card);
    query_text(q, m->owner, sizeof m->owner);
    m->personal = query_u64(q) != 0;
    m->created_at = query_u64(q);
    m->not_after = query_u64(q);
}

/* The one row there can be. */
static int get_one(struct query *q, struct store_meeting *out)
{
    struct store_meeting m = {0};
    bool found = query_row(q);
    if (found)
        get_columns(q, &m);
    int rv = query_end(q);
    if (rv == 0 && !found)
        rv = CONCLAVE_ENOTFOUND;
    if (rv == 0)
        *out = m;
    else
        store_meeting_fini(&m);
    return rv;
}

int store_meeting_get(struct store *s, const char *number, struct store_meeting *out)
{
    struct query q = query_begin(s, SQL_MEETING_GET);
    query_put_text(&q, number);
    return get_one(&q, out);
}

int store_meeting_find(struct store *s, const uint8_t meeting_id[static 16],
                       struct store_meeting *out)
{
    struct query q = query_begin(s, SQL_MEETING_FIND);
    query_put_bytes(&q, bytes_of(meeting_id, 16));
    return get_one(&q, out);
}

int store_meeting_personal(struct store *s, const char *owner, struct store_meeting *out)
{
    struct query q = query_begin(s, SQL_MEETING_PERSONAL);
    query_put_text(&q, owner);
    return get_one(&q, out);
}

int store_meeting_remove(struct store *s, const char *number)
{
    struct query q = query_begin(s, SQL_MEETING_REMOVE);
    query_put_text(&q, number);
    return query_change(&q);
}

int store_meeting_remove_of(struct store *s, const char *owner)
{
    struct query q = query_begin(s, SQL_MEETING_REMOVE_OF);
    query_put_text(&q, owner);
    return query_run(&q);
}

int store_meeting_count(struct store *s, const char *owner, uint64_t *out)
{
    struct query q = query_begin(s, SQL_MEETING_COUNT);
    query_put_text(&q, owner);
    return query_number(&q, out);
}

int store_meeting_each(struct store *s, const char *owner, const char *after, unsigned max,
                       bool (*each)(void *ctx, const struct store_meeting *m), void *ctx)
{
    struct store_meeting m = {0};
    struct query q = query_begin(s, owner == NULL ? SQL_MEETING_EACH : SQL_MEETING_EACH_OF);
    query_put_text(&q, after);
    if (owner != NULL)
        query_put_text(&q, owner);
    query_put_u64(&q, max);
    while (query_row(&q)) {
        get_columns(&q, &m);
        if (q.rv != 0 || !each(ctx, &m))
            break;
    }
    store_meeting_fini(&m);
    return query_end(&q);
}
