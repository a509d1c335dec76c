/* What the server keeps, in one SQLite database (WAL, synchronous=FULL): a call that returns 0 has
 * it on disk, unless it was made between store_begin() and store_commit(), which then says so for
 * all. Rows go in and out as plain structs; nothing here knows what they mean. No secrets of
 * meetings are here, because the server has none. One thread at a time.
 *
 * Every function can fail with ESTORE (see store_error()) and ENOMEM, and has then changed nothing.
 * Strings are ASCII or UTF-8 with a terminator. Accounts and tokens are in store/account.h.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <conclave/bytes.h>

struct store;

#define STORE_IDENTIFIER 320 /* with its terminator: IDENTITY_NAME_MAX fits */

/* The audit log forgets its oldest entries beyond so many, about 100 MB: people who only join and
 * leave can make it grow. */
#define STORE_AUDIT_MAX 1000000u

/* path ":memory:" for tests. Makes the file, readable for its owner only, and its tables; or brings
 * an older one up to date in one transaction.
 * EVERSION: made by a newer program. ESYNTAX: damaged, or no database of this program's. Neither is
 * changed. ESTORE: the system would not; errno says why. ENOMEM. */
int store_open(const char *path, struct store **out) CONCLAVE_CHECKED;
void store_close(struct store *s);
/* What the database said last; for the log. Borrowed until the next call. */
const char *store_error(const struct store *s);

/* Many calls as one write: all or nothing. Not nested (ESTATE). A call that fails in between has
 * changed nothing; the others stand until rolled back. A failed commit has rolled back. */
int store_begin(struct store *s) CONCLAVE_CHECKED;
int store_commit(struct store *s) CONCLAVE_CHECKED;
void store_rollback(struct store *s);

/* ---- Small named values: keys, the CA, counters ---- */

int store_value_put(struct store *s, const char *name, struct bytes value) CONCLAVE_CHECKED;
/* In place of what is in *out. ENOTFOUND. */
int store_value_get(struct store *s, const char *name, struct buf *out) CONCLAVE_CHECKED;

/* ---- Meetings ---- */

struct store_meeting {
    char number[11];
    uint8_t meeting_id[16];
    uint8_t access_hash[32]; /* zero for an open meeting */
    bool open;
    struct buf card;
    char owner[STORE_IDENTIFIER]; /* identifier of who made it */
    bool personal;                /* the owner's personal room: at most one */
    uint64_t created_at, not_after;
};
void store_meeting_fini(struct store_meeting *m);

/* EDUPLICATE if the number or the meeting_id is taken, or the owner has a personal room and this is
 * another. */
int store_meeting_add(struct store *s, const struct store_meeting *m) CONCLAVE_CHECKED;
/* By number, by meeting_id, or the owner's personal room; free with store_meeting_fini().
 * ENOTFOUND. */
int store_meeting_get(struct store *s, const char *number,
                      struct store_meeting *out) CONCLAVE_CHECKED;
int store_meeting_find(struct store *s, const uint8_t meeting_id[static 16],
                       struct store_meeting *out) CONCLAVE_CHECKED;
int store_meeting_personal(struct store *s, const char *owner,
                           struct store_meeting *out) CONCLAVE_CHECKED;
int store_meeting_count(struct store *s, const char *owner, uint64_t *out) CONCLAVE_CHECKED;
/* With what is kept of its room. ENOTFOUND. */
int store_meeting_remove(struct store *s, const char *number) CONCLAVE_CHECKED;
/* All of an owner, if any. */
int store_meeting_remove_of(struct store *s, const char *owner) CONCLAVE_CHECKED;
/* In the order of numbers, those after `after` ("" to begin), of one owner or (NULL) of all, at
 * most max. The callback returns false to stop, and may not call the store. */
int store_meeting_each(struct store *s, const char *owner, const char *after, unsigned max,
                       bool (*each)(void *ctx, const struct store_meeting *m),
                       void *ctx) CONCLAVE_CHECKED;

/* ---- Rooms: the effects of src/room ---- */

/* In place of the last snapshot and of all commits. ENOTFOUND if there is no such meeting. */
int store_room_snapshot(struct store *s, const char *number, struct bytes data) CONCLAVE_CHECKED;
/* In place of one of that epoch and of later ones. ENOTFOUND if there is no snapshot. */
int store_room_commit(struct store *s, const char *number, uint64_t epoch,
                      struct bytes data) CONCLAVE_CHECKED;
/* Drops commits of that epoch and later ones; drops everything. Nothing there is fine. */
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
    char actor[STORE_IDENTIFIER], action[48], object[STORE_IDENTIFIER];
};
/* a->id is not looked at. */
int store_audit_add(struct store *s, const struct store_audit *a) CONCLAVE_CHECKED;
/* Oldest first, those with ids above after_id, at most max; as store_meeting_each(). */
int store_audit_each(struct store *s, uint64_t after_id, unsigned max,
                     bool (*each)(void *ctx, const struct store_audit *a),
                     void *ctx) CONCLAVE_CHECKED;

#endif
