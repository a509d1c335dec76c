/* Snapshots, and a room made of what was stored. A snapshot takes the newest commits along: whoever
 * has not received them when the server dies gets them when it is back. */
#include <stdlib.h>

#include "room/inside.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define SNAPSHOT_VERSION 1

/* The records that go along: the newest that lead to this epoch. */
struct tail {
    size_t first, end;
};

static struct tail tail_of(const struct room *r)
{
    struct tail t = {.end = r->history.n};
    size_t bytes = 0;
    while (t.end != 0 && room_history_at(&r->history, t.end - 1)->epoch >= room_group_epoch(r))
        t.end--;
    for (t.first = t.end; t.first != 0 && t.end - t.first < ROOM_SNAPSHOT_TAIL; t.first--) {
        const struct record *record = room_history_at(&r->history, t.first - 1);
        bytes += record->commit.n + record->proposals.bytes;
        if (bytes > ROOM_SNAPSHOT_TAIL_BYTES)
            break;
    }
    return t;
}

/* uint16 version; opaque group<V>; opaque record<V> records<V>; */
int room_save_snapshot(struct room *r, struct buf *out)
{
    struct buf b = {0}, group = {0}, record = {0};
    struct tail tail = tail_of(r);
    int rv = mls_public_group_save(r->group, &group);
    write_u16(&b, SNAPSHOT_VERSION);
    write_vec(&b, buf_view(&group));
    size_t mark = write_vec_begin(&b);
    for (size_t i = tail.first; i < tail.end; i++) {
        buf_clear(&record);
        room_record_write(room_history_at(&r->history, i), &record);
        write_vec(&b, buf_view(&record));
        if (record.failed)
            rv = CONCLAVE_ENOMEM;
    }
    write_vec_end(&b, mark);
    if (rv == 0)
        rv = buf_check(&b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    buf_free(&group);
    buf_free(&record);
    return rv;
}

int room_save_settle(struct room *r)
{
    struct buf snapshot = {0};
    if (r->group == NULL ||
        (r->stored_commits < ROOM_SNAPSHOT_COMMITS && r->stored_bytes < ROOM_SNAPSHOT_BYTES))
        return 0;
    int rv = room_effects_reserve(&r->effects, 1);
    if (rv == 0)
        rv = room_save_snapshot(r, &snapshot);
    if (rv != 0)
        return rv;
    room_effects_store(&r->effects, ROOM_SNAPSHOT, room_group_epoch(r), &snapshot);
    r->snapshot_epoch = room_group_epoch(r);
    r->stored_commits = r->stored_bytes = 0;
    return 0;
}

/* ---- Restoring ---- */

static int put_record(struct room *r, struct record *record)
{
    int rv = room_history_reserve(&r->history);
    if (rv == 0)
        room_history_put(&r->history, record);
    return rv;
}

static int read_tail(struct room *r, struct reader *records)
{
    int rv = 0;
    while (rv == 0 && reader_left(records) != 0) {
        struct record record = {0};
        rv = room_record_read(read_vec(records), &record);
        if (rv == 0 && r->history.n != 0 &&
            record.epoch != room_history_at(&r->history, r->history.n - 1)->epoch + 1)
            rv = CONCLAVE_ESYNTAX;
        if (rv == 0)
            rv = put_record(r, &record);
        room_record_fini(&record);
    }
    if (rv == 0 && r->history.n != 0 &&
        room_history_at(&r->history, r->history.n - 1)->epoch + 1 != room_group_epoch(r))
        rv = CONCLAVE_ESYNTAX;
    return rv;
}

static int read_snapshot(struct room *r, struct bytes snapshot)
{
    struct mls_callbacks callbacks = room_group_callbacks(r);
    struct reader in = reader_of(snapshot);
    uint16_t version = read_u16(&in);
    struct bytes group = read_vec(&in);
    struct reader records = read_sub(&in);
    if (reader_end(&in) != 0)
        return CONCLAVE_ESYNTAX;
    if (version != SNAPSHOT_VERSION)
        return CONCLAVE_EVERSION;
    int rv = mls_public_group_restore(crypto_suite(r->crypto), &callbacks, NULL, group, &r->group);
    if (rv == 0)
        rv = mls_public_group_clear_proposals(r->group);
    if (rv != 0)
        return rv;
    r->snapshot_epoch = room_group_epoch(r);
    return read_tail(r, &records);
}

/* Judged as it was when it was accepted: certificates may have ended since. */
static int replay_record(struct room *r, const struct record *record)
{
    struct mls_received received = {0};
    int rv = 0;
    r->now = record->at * ROOM_SECOND;
    for (size_t i = 0; rv == 0 && i < record->proposals.n; i++) {
        rv = mls_public_group_receive(r->group, kept_message(&record->proposals.p[i]), record->at,
                                      &received);
        mls_received_free(&received);
    }
    if (rv == 0)
        rv = mls_public_group_receive(r->group, kept_message(&record->commit), record->at,
                                      &received);
    if (rv == 0 && received.kind != MLS_RECEIVED_COMMIT)
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        rv = mls_public_group_merge(r->group, mls_received_take(&received));
    mls_received_free(&received);
    return rv;
}

static int replay(struct room *r, struct bytes data)
{
    struct record record = {0};
    int rv = room_record_read(data, &record);
    if (rv == 0 && record.epoch != room_group_epoch(r))
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        rv = replay_record(r, &record);
    if (rv == 0) {
        r->stored_commits++;
        r->stored_bytes += data.n;
        rv = put_record(r, &record);
    }
    room_record_fini(&record);
    return rv;
}

int room_save_restore(struct room *r, struct bytes snapshot, const struct bytes *commits, size_t n)
{
    struct meeting_state state = {0};
    uint64_t now = r->now;
    int rv = read_snapshot(r, snapshot);
    for (size_t i = 0; rv == 0 && i < n; i++)
        rv = replay(r, commits[i]);
    r->now = now;
    if (rv == 0)
        rv = room_seats_restore(r);
    if (rv == 0)
        rv = room_group_state(r, &state);
    if (rv == 0)
        rv = room_effects_reserve(&r->effects, ROOM_FINISH_EFFECTS);
    if (rv == 0 && state.ended) /* killed before it could forget */
        room_finish(r, REASON_ENDED);
    r->empty_since = now;
    return rv;
}
