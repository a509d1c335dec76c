#include <stdlib.h>

#include "store/query.h"

int store_room_snapshot(struct store *s, const char *number, struct bytes data)
{
    struct query q = query_begin(s, SQL_ROOM_SNAPSHOT);
    query_put_text(&q, number);
    query_put_bytes(&q, data);
    return query_run(&q);
}

int store_room_undo(struct store *s, const char *number, uint64_t epoch)
{
    struct query q = query_begin(s, SQL_ROOM_UNDO);
    query_put_text(&q, number);
    query_put_u64(&q, epoch);
    return query_run(&q);
}

static int add_commit(struct store *s, const char *number, uint64_t epoch, struct bytes data)
{
    int rv = store_room_undo(s, number, epoch);
    if (rv != 0)
        return rv;
    struct query q = query_begin(s, SQL_ROOM_COMMIT);
    query_put_text(&q, number);
    query_put_u64(&q, epoch);
    query_put_bytes(&q, data);
    return query_run(&q);
}

int store_room_commit(struct store *s, const char *number, uint64_t epoch, struct bytes data)
{
    int rv = query_group(s);
    return rv != 0 ? rv : query_group_end(s, add_commit(s, number, epoch, data));
}

int store_room_forget(struct store *s, const char *number)
{
    struct query q = query_begin(s, SQL_ROOM_FORGET);
    query_put_text(&q, number);
    return query_run(&q);
}

void store_room_fini(struct store_room *r)
{
    buf_free(&r->snapshot);
    for (size_t i = 0; i < r->n_commits; i++)
        buf_free(&r->commits[i]);
    free(r->commits);
    *r = (struct store_room){0};
}

static int load_snapshot(struct store *s, const char *number, struct store_room *r)
{
    struct query q = query_begin(s, SQL_ROOM_GET);
    query_put_text(&q, number);
    bool found = query_row(&q);
    if (found)
        query_bytes(&q, &r->snapshot);
    int rv = query_end(&q);
    return rv == 0 && !found ? CONCLAVE_ENOTFOUND : rv;
}

static int count_commits(struct store *s, const char *number, uint64_t *out)
{
    struct query q = query_begin(s, SQL_ROOM_COUNT);
    query_put_text(&q, number);
    return query_number(&q, out);
}

static int load_commits(struct store *s, const char *number, struct store_room *r)
{
    uint64_t n;
    int rv = count_commits(s, number, &n);
    if (rv != 0 || n == 0)
        return rv;
    r->commits = calloc(n, sizeof *r->commits);
    if (r->commits == NULL)
        return CONCLAVE_ENOMEM;
    struct query q = query_begin(s, SQL_ROOM_COMMITS);
    query_put_text(&q, number);
    while (r->n_commits < n && query_row(&q))
        query_bytes(&q, &r->commits[r->n_commits++]);
    return query_end(&q);
}

/* A group: what is read is one state, even beside another program. */
int store_room_load(struct store *s, const char *number, struct store_room *out)
{
    struct store_room r = {0};
    int rv = query_group(s);
    if (rv != 0)
        return rv;
    rv = load_snapshot(s, number, &r);
    if (rv == 0)
        rv = load_commits(s, number, &r);
    rv = query_group_end(s, rv);
    if (rv == 0)
        *out = r;
    else
        store_room_fini(&r);
    return rv;
}
