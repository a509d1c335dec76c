/* One prepared statement being run. Sticky, like the readers: after a failure everything that
 * follows does nothing, and the end tells.
 *
 *     struct query q = query_begin(s, SQL_MEETING_GET);
 *     query_put_text(&q, number);            parameters, in their order
 *     if (query_row(&q))
 *         at = query_u64(&q);                columns, in their order
 *     return query_end(&q);
 *
 * Statements are prepared at first use and kept. One of a kind runs at a time.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include <sqlite3.h>

#include "store/sql.h"
#include "store/store.h"

struct store {
    sqlite3 *db;
    bool writing; /* between store_begin() and its end */
    sqlite3_stmt *statement[SQL_COUNT];
};

/* What a result of SQLite's is among our errors. */
int query_error(int sqlite);

struct query {
    struct store *store;
    sqlite3_stmt *statement;
    int parameter, column; /* the next */
    int rv;
};

struct query query_begin(struct store *s, enum sql which);

/* Borrowed until the end. */
void query_put_text(struct query *q, const char *text);
void query_put_bytes(struct query *q, struct bytes data);
/* Kept as the integer of the same bits: exact, but above INT64_MAX not in order. */
void query_put_u64(struct query *q, uint64_t value);

/* Whether there is a (next) row. */
bool query_row(struct query *q);

/* What does not fit is ESTORE: this program did not write it. */
void query_text(struct query *q, char *out, size_t cap);
void query_fixed(struct query *q, uint8_t *out, size_t n);
void query_bytes(struct query *q, struct buf *out); /* replaces the content */
uint64_t query_u64(struct query *q);

/* Makes the statement ready for its next use. 0, or what went wrong first: ESTORE, EDUPLICATE,
 * ENOTFOUND (a row that a foreign key points to), ENOMEM. */
int query_end(struct query *q) CONCLAVE_CHECKED;

/* All of it, for statements that change something; the second is ENOTFOUND if nothing changed. */
int query_run(struct query *q) CONCLAVE_CHECKED;
int query_change(struct query *q) CONCLAVE_CHECKED;
/* Its one number: an id (INSERT ... RETURNING) or a count. */
int query_number(struct query *q, uint64_t *out) CONCLAVE_CHECKED;

/* It can fail only where there is nothing left to roll back. */
void query_rollback(struct store *s);

/* Several statements as one: within store_begin() a part of that, else a write of its own.
 *     rv = query_group(s);
 *     if (rv == 0)
 *         rv = query_group_end(s, several(s));
 */
int query_group(struct store *s) CONCLAVE_CHECKED;
int query_group_end(struct store *s, int rv) CONCLAVE_CHECKED;

#endif
