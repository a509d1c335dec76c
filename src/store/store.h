/* What the server keeps, in one SQLite database (WAL, synchronous=FULL): a call that returns 0 has it on
 * disk. Rows go in and out as plain structs; nothing here knows what they mean. No secrets of
 * meetings are here, because the server has none. One thread at a time.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <conclave/bytes.h>

struct store;

/* path ":memory:" for tests. Makes the schema, or brings an older one up to date in one transaction.
 * ESTORE (see store_error()), EVERSION for a database newer than this program. */
int store_open(const char *path, struct store **out) CONCLAVE_CHECKED;
void store_close(struct store *s);
/* What the database said last; for the log. */
const char *store_error(const struct store *s);

/* Many calls as one write: all or nothing. Not nested. */
int store_begin(struct store *s) CONCLAVE_CHECKED;
int store_commit(struct store *s) CONCLAVE_CHECKED;
void store_rollback(struct store *s);

/* ---- Small named values: keys, the CA, counters. ENOTFOUND ---- */
int store_value_put(struct store *s, const char *name, struct bytes value) CONCLAVE_CHECKED;
int store_value_get(struct store *s, const char *name, struct buf *out) CONCLAVE_CHECKED;

/* ---- Meetings ---- */

struct store_meeting {
    char number[11];
    uint8_t meeting_id[16];
    uint8_t access_hash[32]; /* zero for an open meeting */
    bool open;
    struct buf card;
    char owner[320]; /* identifier of who made it */
    bool personal;   /* the owner's personal room: at most one */
    uint64_t created_at, not_after;
};
void store_meeting_fini(struct store_meeting *m);

/* EDUPLICATE if the number or the meeting_id is taken. */
int store_meeting_add(struct store *s, const struct store_meeting *m) CONCLAVE_CHECKED;
int store_meeting_get(struct store *s, const char *number,
                      struct store_meeting *out) CONCLAVE_CHECKED;
int store_meeting_remove(struct store *s, const char *number) CONCLAVE_CHECKED;
/* In the order of numbers, those after `after` ("" to begin), of one owner or (NULL) of all, at most max.
 * The callback returns false to stop. */
int store_meeting_each(struct store *s, const char *owner, const char *after, unsigned max,
                       bool (*each)(void *ctx, const struct store_meeting *m),
                       void *ctx) CONCLAVE_CHECKED;

/* ---- Rooms: the effects of src/room ---- */

int store_room_snapshot(struct store *s, const char *number, struct bytes data) CONCLAVE_CHECKED;
int store_room_commit(struct store *s, const char *number, uint64_t epoch,
                      struct bytes data) CONCLAVE_CHECKED;
int store_room_undo(struct store *s, const char *number, uint64_t epoch) CONCLAVE_CHECKED;
int store_room_forget(struct store *s, const char *number) CONCLAVE_CHECKED;
/* Everything of one room. ENOTFOUND. Commits oldest first; free with store_room_fini(). */
struct store_room {
    struct buf snapshot;
    struct buf *commits;
    size_t n_commits;
};
int store_room_load(struct store *s, const char *number, struct store_room *out) CONCLAVE_CHECKED;
void store_room_fini(struct store_room *r);

/* ---- Audit log: who did what when; ids, never names or content ---- */

struct store_audit {
    uint64_t id, at; /* Unix seconds */
    char actor[320], action[48], object[320];
};
int store_audit_add(struct store *s, const struct store_audit *a) CONCLAVE_CHECKED;
int store_audit_each(struct store *s, uint64_t after_id, unsigned max,
                     bool (*each)(void *ctx, const struct store_audit *a),
                     void *ctx) CONCLAVE_CHECKED;

#endif
