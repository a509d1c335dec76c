#include "store/schema.h"

#include <stdio.h>
#include <string.h>

#include "store/query.h"

#define APPLICATION_ID 0x436e636cu /* "Cncl" */

/* Entry i brings a database of version i to version i + 1. An entry that was released never
 * changes: what must be different is another entry.
 *
 * Big blobs are in tables with rowids and keys beside them, so that looking for a key does not walk
 * over the blobs. */
static const char *const upgrades[] = {
    "CREATE TABLE value (name TEXT PRIMARY KEY, value BLOB NOT NULL);"

    "CREATE TABLE meeting (number TEXT PRIMARY KEY, meeting_id BLOB NOT NULL UNIQUE,"
    " access_hash BLOB NOT NULL, open INTEGER NOT NULL, card BLOB NOT NULL,"
    " owner TEXT NOT NULL, personal INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " not_after INTEGER NOT NULL);"
    "CREATE INDEX meeting_owner ON meeting (owner, number);"
    "CREATE UNIQUE INDEX meeting_personal ON meeting (owner) WHERE personal = 1;"

    "CREATE TABLE room (number TEXT PRIMARY KEY"
    "  REFERENCES meeting (number) ON DELETE CASCADE,"
    " snapshot BLOB NOT NULL);"
    "CREATE TABLE room_commit (number TEXT NOT NULL"
    "  REFERENCES room (number) ON DELETE CASCADE,"
    " epoch INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (number, epoch));"

    /* AUTOINCREMENT: an id is never given twice, so that what an audit entry, a token or a page
     * of a list speaks of stays what it was. */
    "CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
    " actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL);"

    "CREATE TABLE user (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL UNIQUE,"
    " admin INTEGER NOT NULL, disabled INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " salt BLOB NOT NULL, hash BLOB NOT NULL,"
    " cost_n INTEGER NOT NULL, cost_r INTEGER NOT NULL, cost_p INTEGER NOT NULL);"

    "CREATE TABLE device (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,"
    " activated INTEGER NOT NULL, revoked INTEGER NOT NULL, created_at INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX device_name ON device (name) WHERE revoked = 0;"
    "CREATE TABLE activation (hash BLOB PRIMARY KEY,"
    " device INTEGER NOT NULL UNIQUE REFERENCES device (id) ON DELETE CASCADE,"
    " expires_at INTEGER NOT NULL);"

    "CREATE TABLE token (id INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE,"
    " kind INTEGER NOT NULL, owner INTEGER NOT NULL, identifier TEXT NOT NULL,"
    " created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL);"
    "CREATE INDEX token_owner ON token (kind, owner);"
    "CREATE INDEX token_end ON token (expires_at);",
};
#define VERSION ((unsigned)(sizeof upgrades / sizeof upgrades[0]))

/* While opening, what cannot be read is said to be unreadable: the file is to blame. */
static int open_error(int sqlite)
{
    int kind = sqlite & 0xff;
    return kind == SQLITE_NOTADB || kind == SQLITE_CORRUPT ? CONCLAVE_ESYNTAX : query_error(sqlite);
}

/* The first column of the first row. */
static int ask(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
    sqlite3_stmt *statement = NULL;
    int sqlite = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (sqlite == SQLITE_OK)
        sqlite = sqlite3_step(statement);
    if (sqlite == SQLITE_ROW) {
        *out = statement;
        return 0;
    }
    (void)sqlite3_finalize(statement);
    return sqlite == SQLITE_DONE ? CONCLAVE_ESYNTAX : open_error(sqlite);
}

static int ask_number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int rv = ask(db, sql, &statement);
    if (rv != 0)
        return rv;
    *out = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    return 0;
}

static int check_pages(sqlite3 *db)
{
    sqlite3_stmt *statement = NULL;
    int rv = ask(db, "PRAGMA quick_check(1)", &statement);
    if (rv != 0)
        return rv;
    const char *says = (const char *)sqlite3_column_text(statement, 0);
    rv = says != NULL && strcmp(says, "ok") == 0 ? 0 : CONCLAVE_ESYNTAX;
    (void)sqlite3_finalize(statement);
    return rv;
}

int schema_check(sqlite3 *db, unsigned *out_version)
{
    int64_t version, application, tables;
    int rv = ask_number(db, "PRAGMA user_version", &version);
    if (rv == 0)
        rv = ask_number(db, "PRAGMA application_id", &application);
    if (rv == 0)
        rv = ask_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rv != 0)
        return rv;
    bool empty = version == 0 && tables == 0 && application == 0;
    if (!empty && (application != APPLICATION_ID || version <= 0))
        return CONCLAVE_ESYNTAX; /* somebody else's */
    if (version > (int64_t)VERSION)
        return CONCLAVE_EVERSION;
    rv = check_pages(db);
    if (rv == 0)
        *out_version = (unsigned)version;
    return rv;
}

int schema_upgrade(sqlite3 *db, unsigned version)
{
    char stamp[80];
    if (version == VERSION)
        return 0;
    int sqlite = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (unsigned i = version; sqlite == SQLITE_OK && i < VERSION; i++)
        sqlite = sqlite3_exec(db, upgrades[i], NULL, NULL, NULL);
    (void)snprintf(stamp, sizeof stamp, "PRAGMA application_id = %u; PRAGMA user_version = %u",
                   APPLICATION_ID, VERSION);
    if (sqlite == SQLITE_OK)
        sqlite = sqlite3_exec(db, stamp, NULL, NULL, NULL);
    if (sqlite == SQLITE_OK)
        sqlite = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    if (sqlite != SQLITE_OK)
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return query_error(sqlite);
}
