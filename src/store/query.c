#include "store/query.h"

#include <string.h>

int query_error(int sqlite)
{
    switch (sqlite) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return 0;
    case SQLITE_NOMEM:
        return CONCLAVE_ENOMEM;
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
        return CONCLAVE_EDUPLICATE;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return CONCLAVE_ENOTFOUND;
    default:
        return CONCLAVE_ESTORE;
    }
}

struct query query_begin(struct store *s, enum sql which)
{
    struct query q = {.store = s, .parameter = 1};
    sqlite3_stmt **kept = &s->statement[which];
    /* A full disk rolls the transaction back by itself: nothing may be written beside it. */
    if (s->writing && sqlite3_get_autocommit(s->db))
        q.rv = CONCLAVE_ESTORE;
    else if (*kept == NULL)
        q.rv = query_error(
            sqlite3_prepare_v3(s->db, sql_text(which), -1, SQLITE_PREPARE_PERSISTENT, kept, NULL));
    q.statement = *kept;
    return q;
}

void query_put_text(struct query *q, const char *text)
{
    if (q->rv == 0)
        q->rv =
            query_error(sqlite3_bind_text(q->statement, q->parameter++, text, -1, SQLITE_STATIC));
}

void query_put_bytes(struct query *q, struct bytes data)
{
    const void *p = data.n == 0 ? "" : (const void *)data.p; /* NULL would bind NULL */
    if (q->rv == 0)
        q->rv = query_error(
            sqlite3_bind_blob64(q->statement, q->parameter++, p, data.n, SQLITE_STATIC));
}

void query_put_u64(struct query *q, uint64_t value)
{
    int64_t same_bits;
    memcpy(&same_bits, &value, sizeof same_bits);
    if (q->rv == 0)
        q->rv = query_error(sqlite3_bind_int64(q->statement, q->parameter++, same_bits));
}

bool query_row(struct query *q)
{
    if (q->rv != 0)
        return false;
    int sqlite = sqlite3_step(q->statement);
    q->rv = query_error(sqlite);
    q->column = 0;
    return sqlite == SQLITE_ROW;
}

/* The next column, if it is of this type. */
static bool column_is(struct query *q, int type, int *out_column)
{
    *out_column = q->column++;
    if (q->rv == 0 && sqlite3_column_type(q->statement, *out_column) != type)
        q->rv = CONCLAVE_ESTORE;
    return q->rv == 0;
}

void query_text(struct query *q, char *out, size_t cap)
{
    int column;
    out[0] = '\0';
    if (!column_is(q, SQLITE_TEXT, &column))
        return;
    const unsigned char *text = sqlite3_column_text(q->statement, column);
    size_t n = (size_t)sqlite3_column_bytes(q->statement, column);
    if (text == NULL)
        q->rv = CONCLAVE_ENOMEM;
    else if (n >= cap)
        q->rv = CONCLAVE_ESTORE;
    else
        memcpy(out, text, n + 1);
}

/* A view, until the next row. */
static struct bytes column_blob(struct query *q)
{
    int column;
    if (!column_is(q, SQLITE_BLOB, &column))
        return bytes_of(NULL, 0);
    const void *p = sqlite3_column_blob(q->statement, column);
    return bytes_of(p, (size_t)sqlite3_column_bytes(q->statement, column));
}

void query_fixed(struct query *q, uint8_t *out, size_t n)
{
    struct bytes blob = column_blob(q);
    if (q->rv == 0 && blob.n != n)
        q->rv = CONCLAVE_ESTORE;
    if (q->rv == 0)
        memcpy(out, blob.p, n);
}

void query_bytes(struct query *q, struct buf *out)
{
    struct bytes blob = column_blob(q);
    buf_clear(out);
    buf_put(out, blob);
    if (q->rv == 0)
        q->rv = buf_check(out);
}

uint64_t query_u64(struct query *q)
{
    int column;
    uint64_t value = 0;
    if (column_is(q, SQLITE_INTEGER, &column)) {
        int64_t same_bits = sqlite3_column_int64(q->statement, column);
        memcpy(&value, &same_bits, sizeof value);
    }
    return value;
}

int query_end(struct query *q)
{
    /* The result of a reset repeats the step's; the bindings are views and must not stay. */
    if (q->statement != NULL) {
        (void)sqlite3_reset(q->statement);
        (void)sqlite3_clear_bindings(q->statement);
    }
    return q->rv;
}

int query_run(struct query *q)
{
    while (query_row(q))
        continue;
    return query_end(q);
}

int query_change(struct query *q)
{
    int rv = query_run(q);
    return rv == 0 && sqlite3_changes64(q->store->db) == 0 ? CONCLAVE_ENOTFOUND : rv;
}

int query_number(struct query *q, uint64_t *out)
{
    uint64_t number = query_row(q) ? query_u64(q) : 0;
    int rv = query_run(q); /* on to its end: an INSERT is not done before */
    if (rv == 0)
        *out = number;
    return rv;
}

static int run(struct store *s, enum sql which)
{
    struct query q = query_begin(s, which);
    return query_run(&q);
}

void query_rollback(struct store *s)
{
    (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int query_group(struct store *s)
{
    return run(s, SQL_GROUP);
}

int query_group_end(struct store *s, int rv)
{
    if (rv == 0)
        rv = run(s, SQL_GROUP_END);
    if (rv != 0 && !sqlite3_get_autocommit(s->db)) {
        /* What cannot be taken back by itself is taken back with its transaction. */
        if (run(s, SQL_GROUP_ROLLBACK) != 0 || run(s, SQL_GROUP_END) != 0)
            query_rollback(s);
    }
    return rv;
}
