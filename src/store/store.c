/* Opening, writing several as one, and small named values. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/query.h"
#include "store/schema.h"

/* Another program at the same database (a backup, a command of the administrator's) is waited for
 * so long; it holds up the server's one thread. */
#define BUSY_MS 2000

#define IN_MEMORY ":memory:"

/* Hashes of passwords and the CA's key are in it: nobody but the owner. SQLite gives the files that
 * it puts beside this one the same mode. An existing file is not opened here: to close it would
 * drop the locks that this process may hold on it. */
static int make_private(const char *path)
{
    if (strcmp(path, IN_MEMORY) == 0)
        return 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        return close(fd) == 0 ? 0 : CONCLAVE_ESTORE;
    return errno == EEXIST && chmod(path, 0600) == 0 ? 0 : CONCLAVE_ESTORE;
}

/* WAL with FULL: a write is on disk when it returns, and costs one sync. */
static int configure(sqlite3 *db)
{
    return query_error(sqlite3_exec(db,
                                    "PRAGMA journal_mode = WAL;"
                                    "PRAGMA synchronous = FULL;"
                                    "PRAGMA foreign_keys = ON;"
                                    "PRAGMA trusted_schema = OFF",
                                    NULL, NULL, NULL));
}

static int open_database(const char *path, sqlite3 **out)
{
    int rv = make_private(path);
    if (rv != 0)
        return rv;
    sqlite3 *db = NULL;
    unsigned version;
    int sqlite = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (sqlite == SQLITE_OK)
        sqlite = sqlite3_busy_timeout(db, BUSY_MS);
    rv = query_error(sqlite);
    if (rv == 0)
        rv = schema_check(db, &version); /* before anything is changed */
    if (rv == 0)
        rv = configure(db);
    if (rv == 0)
        rv = schema_upgrade(db, version);
    if (rv == 0) {
        *out = db;
        return 0;
    }
    int why = db == NULL ? 0 : sqlite3_system_errno(db);
    (void)sqlite3_close(db);
    errno = why;
    return rv;
}

int store_open(const char *path, struct store **out)
{
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    int rv = open_database(path, &s->db);
    if (rv == 0)
        *out = s;
    else
        free(s);
    return rv;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SQL_COUNT; i++)
        (void)sqlite3_finalize(s->statement[i]);
    (void)sqlite3_close(s->db);
    free(s);
}

const char *store_error(const struct store *s)
{
    return sqlite3_errmsg(s->db);
}

int store_begin(struct store *s)
{
    if (s->writing)
        return CONCLAVE_ESTATE;
    struct query q = query_begin(s, SQL_BEGIN);
    int rv = query_run(&q);
    s->writing = rv == 0;
    return rv;
}

/* A commit that failed has left its transaction open, or has rolled it back already. */
int store_commit(struct store *s)
{
    if (!s->writing)
        return CONCLAVE_ESTATE;
    struct query q = query_begin(s, SQL_COMMIT);
    int rv = query_run(&q);
    if (rv != 0)
        store_rollback(s);
    s->writing = false;
    return rv;
}

void store_rollback(struct store *s)
{
    if (s->writing && !sqlite3_get_autocommit(s->db))
        query_rollback(s);
    s->writing = false;
}

int store_value_put(struct store *s, const char *name, struct bytes value)
{
    struct query q = query_begin(s, SQL_VALUE_PUT);
    query_put_text(&q, name);
    query_put_bytes(&q, value);
    return query_run(&q);
}

int store_value_get(struct store *s, const char *name, struct buf *out)
{
    struct buf value = {0};
    struct query q = query_begin(s, SQL_VALUE_GET);
    query_put_text(&q, name);
    bool found = query_row(&q);
    if (found)
        query_bytes(&q, &value);
    int rv = query_end(&q);
    if (rv == 0 && !found)
        rv = CONCLAVE_ENOTFOUND;
    if (rv == 0)
        buf_move(out, &value);
    buf_free(&value);
    return rv;
}
