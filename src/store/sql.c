#include "store/sql.h"

#define MEETING_COLUMNS \
    "number, meeting_id, access_hash, open, card, owner, personal, created_at, not_after"
#define USER_COLUMNS "id, email, admin, disabled, created_at, salt, hash, cost_n, cost_r, cost_p"
#define DEVICE_COLUMNS "id, name, activated, revoked, created_at"
#define TOKEN_COLUMNS "id, hash, kind, owner, identifier, created_at, expires_at"

static const char *const texts[SQL_COUNT] = {
    /* IMMEDIATE: whoever else writes is waited for here, not in the middle. */
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_GROUP] = "SAVEPOINT several",
    [SQL_GROUP_END] = "RELEASE several",
    [SQL_GROUP_ROLLBACK] = "ROLLBACK TO several",

    [SQL_VALUE_PUT] = "INSERT INTO value (name, value) VALUES (?, ?) "
                      "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    [SQL_VALUE_GET] = "SELECT value FROM value WHERE name = ?",

    [SQL_MEETING_ADD] = "INSERT INTO meeting (" MEETING_COLUMNS ") "
                        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [SQL_MEETING_GET] = "SELECT " MEETING_COLUMNS " FROM meeting WHERE number = ?",
    [SQL_MEETING_FIND] = "SELECT " MEETING_COLUMNS " FROM meeting WHERE meeting_id = ?",
    [SQL_MEETING_PERSONAL] = "SELECT " MEETING_COLUMNS " FROM meeting "
                             "WHERE owner = ? AND personal = 1",
    [SQL_MEETING_REMOVE] = "DELETE FROM meeting WHERE number = ?",
    [SQL_MEETING_REMOVE_OF] = "DELETE FROM meeting WHERE owner = ?",
    [SQL_MEETING_COUNT] = "SELECT count(*) FROM meeting WHERE owner = ?",
    [SQL_MEETING_EACH] = "SELECT " MEETING_COLUMNS " FROM meeting "
                         "WHERE number > ? ORDER BY number LIMIT ?",
    [SQL_MEETING_EACH_OF] = "SELECT " MEETING_COLUMNS " FROM meeting "
                            "WHERE number > ? AND owner = ? ORDER BY number LIMIT ?",

    /* In place of the old row with all that hangs on it: its commits go too. */
    [SQL_ROOM_SNAPSHOT] = "INSERT OR REPLACE INTO room (number, snapshot) VALUES (?, ?)",
    [SQL_ROOM_COMMIT] = "INSERT INTO room_commit (number, epoch, data) VALUES (?, ?, ?)",
    [SQL_ROOM_UNDO] = "DELETE FROM room_commit WHERE number = ? AND epoch >= ?",
    [SQL_ROOM_FORGET] = "DELETE FROM room WHERE number = ?",
    [SQL_ROOM_GET] = "SELECT snapshot FROM room WHERE number = ?",
    [SQL_ROOM_COMMITS] = "SELECT data FROM room_commit WHERE number = ? ORDER BY epoch",
    [SQL_ROOM_COUNT] = "SELECT count(*) FROM room_commit WHERE number = ?",

    [SQL_AUDIT_ADD] = "INSERT INTO audit (at, actor, action, object) VALUES (?, ?, ?, ?)",
    [SQL_AUDIT_TRIM] = "DELETE FROM audit WHERE id <= last_insert_rowid() - ?",
    [SQL_AUDIT_EACH] = "SELECT id, at, actor, action, object FROM audit "
                       "WHERE id > ? ORDER BY id LIMIT ?",

    [SQL_USER_ADD] = "INSERT INTO user (email, admin, disabled, created_at, salt, hash, cost_n, "
                     "cost_r, cost_p) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
    [SQL_USER_GET] = "SELECT " USER_COLUMNS " FROM user WHERE id = ?",
    [SQL_USER_FIND] = "SELECT " USER_COLUMNS " FROM user WHERE email = ?",
    [SQL_USER_PASSWORD] = "UPDATE user SET salt = ?, hash = ?, cost_n = ?, cost_r = ?, "
                          "cost_p = ? WHERE id = ?",
    [SQL_USER_FLAGS] = "UPDATE user SET admin = ?, disabled = ? WHERE id = ?",
    [SQL_USER_REMOVE] = "DELETE FROM user WHERE id = ?",
    [SQL_USER_EACH] = "SELECT " USER_COLUMNS " FROM user WHERE id > ? ORDER BY id LIMIT ?",

    [SQL_DEVICE_ADD] = "INSERT INTO device (name, activated, revoked, created_at) "
                       "VALUES (?, 0, 0, ?) RETURNING id",
    [SQL_DEVICE_GET] = "SELECT " DEVICE_COLUMNS " FROM device WHERE id = ?",
    [SQL_DEVICE_REVOKE] = "UPDATE device SET revoked = 1 WHERE id = ? AND revoked = 0",
    [SQL_DEVICE_ACTIVATED] = "UPDATE device SET activated = 1 WHERE id = ?",
    [SQL_DEVICE_EACH] = "SELECT " DEVICE_COLUMNS " FROM device WHERE id > ? ORDER BY id LIMIT ?",
    [SQL_ACTIVATION_DROP] = "DELETE FROM activation WHERE device = ?",
    [SQL_ACTIVATION_PUT] = "INSERT INTO activation (hash, device, expires_at) VALUES (?, ?, ?)",
    [SQL_ACTIVATION_TAKE] = "DELETE FROM activation WHERE hash = ? AND expires_at > ? "
                            "RETURNING device",
    [SQL_ACTIVATION_EXPIRE] = "DELETE FROM activation WHERE expires_at <= ?",

    [SQL_TOKEN_ADD] = "INSERT INTO token (hash, kind, owner, identifier, created_at, expires_at) "
                      "VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
    [SQL_TOKEN_FIND] = "SELECT " TOKEN_COLUMNS " FROM token WHERE hash = ?",
    [SQL_TOKEN_REMOVE] = "DELETE FROM token WHERE id = ?",
    [SQL_TOKEN_REMOVE_OF] = "DELETE FROM token WHERE kind = ? AND owner = ? AND id <> ?",
    [SQL_TOKEN_EXPIRE] = "DELETE FROM token WHERE expires_at <= ?",
    [SQL_TOKEN_EACH] = "SELECT " TOKEN_COLUMNS " FROM token WHERE id > ? ORDER BY id LIMIT ?",
};

const char *sql_text(enum sql which)
{
    return texts[which];
}
