/* What is put into the store comes out, and only that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "store/query.h"
#include "store/store.h"
#include "support/alloc_fail.h"

static int setup(void **state)
{
    struct store *s;
    if (store_open(":memory:", &s) != 0)
        return -1;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    return 0;
}

static struct store_meeting meeting_of(const char *number, const char *owner)
{
    struct store_meeting m = {.created_at = 1700000000, .not_after = UINT64_MAX};
    memcpy(m.number, number, strlen(number) + 1);
    memcpy(m.meeting_id, number, 10);
    memset(m.access_hash, 0xa5, sizeof m.access_hash);
    memcpy(m.owner, owner, strlen(owner) + 1);
    buf_put(&m.card, bytes_str("card of "));
    buf_put(&m.card, bytes_str(number));
    return m;
}

static int add(struct store *s, const char *number, const char *owner, bool personal)
{
    struct store_meeting m = meeting_of(number, owner);
    m.personal = personal;
    int rv = store_meeting_add(s, &m);
    store_meeting_fini(&m);
    return rv;
}

static void values_are_replaced(void **state)
{
    struct buf out = {0};
    assert_int_equal(store_value_get(*state, "key", &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_value_put(*state, "key", bytes_str("one")), 0);
    assert_int_equal(store_value_put(*state, "key", bytes_str("two")), 0);
    assert_int_equal(store_value_put(*state, "empty", bytes_of(NULL, 0)), 0);
    assert_int_equal(store_value_get(*state, "key", &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_str("two")));
    assert_int_equal(store_value_get(*state, "other", &out), CONCLAVE_ENOTFOUND);
    assert_true(bytes_equal(buf_view(&out), bytes_str("two")));
    assert_int_equal(store_value_get(*state, "empty", &out), 0);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void same_meeting(const struct store_meeting *a, const struct store_meeting *b)
{
    assert_string_equal(a->number, b->number);
    assert_memory_equal(a->meeting_id, b->meeting_id, sizeof a->meeting_id);
    assert_memory_equal(a->access_hash, b->access_hash, sizeof a->access_hash);
    assert_int_equal(a->open, b->open);
    assert_true(bytes_equal(buf_view(&a->card), buf_view(&b->card)));
    assert_string_equal(a->owner, b->owner);
    assert_int_equal(a->personal, b->personal);
    assert_true(a->created_at == b->created_at && a->not_after == b->not_after);
}

static void a_meeting_comes_out_as_it_went_in(void **state)
{
    struct store_meeting in = meeting_of("1234567890", "alice@company.com"), out;
    in.open = in.personal = true;
    assert_int_equal(store_meeting_add(*state, &in), 0);
    assert_int_equal(store_meeting_get(*state, "1234567890", &out), 0);
    same_meeting(&in, &out);
    store_meeting_fini(&out);
    assert_int_equal(store_meeting_find(*state, in.meeting_id, &out), 0);
    same_meeting(&in, &out);
    store_meeting_fini(&out);
    assert_int_equal(store_meeting_personal(*state, in.owner, &out), 0);
    same_meeting(&in, &out);
    store_meeting_fini(&out);
    store_meeting_fini(&in);
}

static void a_meeting_that_is_not_there_is_not_found(void **state)
{
    struct store_meeting out;
    const uint8_t id[16] = {1};
    assert_int_equal(add(*state, "1234567890", "a@x.y", false), 0);
    assert_int_equal(store_meeting_get(*state, "0000000000", &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_meeting_find(*state, id, &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_meeting_personal(*state, "a@x.y", &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_meeting_remove(*state, "0000000000"), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_meeting_remove(*state, "1234567890"), 0);
    assert_int_equal(store_meeting_get(*state, "1234567890", &out), CONCLAVE_ENOTFOUND);
}

static void numbers_and_meeting_ids_are_given_once(void **state)
{
    struct store_meeting same_id = meeting_of("1234567890", "a@x.y");
    assert_int_equal(add(*state, "1234567890", "a@x.y", false), 0);
    assert_int_equal(add(*state, "1234567890", "b@x.y", false), CONCLAVE_EDUPLICATE);
    memcpy(same_id.number, "1111111111", 11);
    assert_int_equal(store_meeting_add(*state, &same_id), CONCLAVE_EDUPLICATE);
    store_meeting_fini(&same_id);
}

static void an_owner_has_one_personal_room(void **state)
{
    assert_int_equal(add(*state, "1000000000", "a@x.y", true), 0);
    assert_int_equal(add(*state, "2000000000", "a@x.y", true), CONCLAVE_EDUPLICATE);
    assert_int_equal(add(*state, "2000000000", "a@x.y", false), 0);
    assert_int_equal(add(*state, "3000000000", "b@x.y", true), 0);
}

struct seen {
    char text[256];
    int left;
};

static bool see(void *ctx, const struct store_meeting *m)
{
    struct seen *seen = ctx;
    (void)strncat(seen->text, m->number, 1);
    return --seen->left > 0;
}

static void lists(struct store *s, const char *owner, const char *after, unsigned max, int stop,
                  const char *want)
{
    struct seen seen = {.left = stop};
    assert_int_equal(store_meeting_each(s, owner, after, max, see, &seen), 0);
    assert_string_equal(seen.text, want);
}

static void meetings_are_listed_in_pages(void **state)
{
    for (char n = '9'; n >= '1'; n--) {
        char number[] = "0000000000";
        number[0] = n;
        assert_int_equal(add(*state, number, n % 2 != 0 ? "odd@x.y" : "even@x.y", false), 0);
    }
    lists(*state, NULL, "", 100, 100, "123456789");
    lists(*state, NULL, "", 4, 100, "1234");
    lists(*state, NULL, "4000000000", 4, 100, "5678");
    lists(*state, "even@x.y", "", 100, 100, "2468");
    lists(*state, "even@x.y", "4000000000", 100, 1, "6");
    lists(*state, "nobody@x.y", "", 100, 100, "");
    lists(*state, NULL, "", 0, 100, "");
}

static void commit_is(const struct store_room *r, size_t i, const char *text)
{
    assert_true(i < r->n_commits);
    assert_true(bytes_equal(buf_view(&r->commits[i]), bytes_str(text)));
}

static void a_room_is_a_snapshot_and_the_commits_after_it(void **state)
{
    const char *number = "1234567890";
    struct store_room r;
    assert_int_equal(add(*state, number, "a@x.y", false), 0);
    assert_int_equal(store_room_load(*state, number, &r), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_room_snapshot(*state, number, bytes_str("s0")), 0);
    for (uint64_t epoch = 0; epoch < 12; epoch++)
        assert_int_equal(
            store_room_commit(*state, number, epoch, bytes_of(&"abcdefghijkl"[epoch], 1)), 0);
    assert_int_equal(store_room_load(*state, number, &r), 0);
    assert_int_equal(r.n_commits, 12);
    assert_true(bytes_equal(buf_view(&r.snapshot), bytes_str("s0")));
    commit_is(&r, 0, "a");
    commit_is(&r, 11, "l");
    store_room_fini(&r);

    /* a commit takes the place of its rival and of what followed that one */
    assert_int_equal(store_room_commit(*state, number, 2, bytes_str("rival")), 0);
    assert_int_equal(store_room_load(*state, number, &r), 0);
    assert_int_equal(r.n_commits, 3);
    commit_is(&r, 2, "rival");
    store_room_fini(&r);

    assert_int_equal(store_room_undo(*state, number, 1), 0);
    assert_int_equal(store_room_load(*state, number, &r), 0);
    assert_int_equal(r.n_commits, 1);
    store_room_fini(&r);

    assert_int_equal(store_room_snapshot(*state, number, bytes_str("s1")), 0);
    assert_int_equal(store_room_load(*state, number, &r), 0);
    assert_int_equal(r.n_commits, 0);
    assert_true(bytes_equal(buf_view(&r.snapshot), bytes_str("s1")));
    store_room_fini(&r);

    assert_int_equal(store_room_forget(*state, number), 0);
    assert_int_equal(store_room_load(*state, number, &r), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_room_forget(*state, number), 0);
}

static void rooms_of_different_meetings_do_not_touch(void **state)
{
    struct store_room r;
    assert_int_equal(add(*state, "1111111111", "a@x.y", false), 0);
    assert_int_equal(add(*state, "2222222222", "a@x.y", false), 0);
    assert_int_equal(store_room_snapshot(*state, "1111111111", bytes_str("one")), 0);
    assert_int_equal(store_room_snapshot(*state, "2222222222", bytes_str("two")), 0);
    assert_int_equal(store_room_commit(*state, "2222222222", 5, bytes_str("c")), 0);
    assert_int_equal(store_room_undo(*state, "1111111111", 0), 0);
    assert_int_equal(store_room_forget(*state, "1111111111"), 0);
    assert_int_equal(store_room_load(*state, "2222222222", &r), 0);
    assert_int_equal(r.n_commits, 1);
    store_room_fini(&r);
}

static void a_room_needs_its_meeting_and_goes_with_it(void **state)
{
    struct store_room r;
    const char *number = "1234567890";
    assert_int_equal(store_room_snapshot(*state, number, bytes_str("s")), CONCLAVE_ENOTFOUND);
    assert_int_equal(add(*state, number, "a@x.y", false), 0);
    assert_int_equal(store_room_commit(*state, number, 0, bytes_str("c")), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_room_snapshot(*state, number, bytes_str("s")), 0);
    assert_int_equal(store_room_commit(*state, number, 0, bytes_str("c")), 0);
    assert_int_equal(store_meeting_remove(*state, number), 0);
    assert_int_equal(add(*state, number, "a@x.y", false), 0);
    assert_int_equal(store_room_load(*state, number, &r), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_room_snapshot(*state, number, bytes_str("s")), 0);
    assert_int_equal(store_room_load(*state, number, &r), 0);
    assert_int_equal(r.n_commits, 0);
    store_room_fini(&r);
}

static bool see_audit(void *ctx, const struct store_audit *a)
{
    struct seen *seen = ctx;
    assert_string_equal(a->actor, "user:1");
    assert_string_equal(a->object, "meeting:1234567890");
    assert_true(a->at == 100 + a->id);
    (void)strncat(seen->text, a->action, 1);
    return --seen->left > 0;
}

static void the_audit_log_keeps_its_order(void **state)
{
    struct seen all = {.left = 10}, page = {.left = 10}, one = {.left = 1};
    struct store_audit a = {.actor = "user:1", .object = "meeting:1234567890"};
    for (unsigned i = 0; i < 6; i++) {
        a.at = 101 + i;
        a.action[0] = "abcdef"[i];
        assert_int_equal(store_audit_add(*state, &a), 0);
    }
    assert_int_equal(store_audit_each(*state, 0, 100, see_audit, &all), 0);
    assert_string_equal(all.text, "abcdef");
    assert_int_equal(store_audit_each(*state, 2, 3, see_audit, &page), 0);
    assert_string_equal(page.text, "cde");
    assert_int_equal(store_audit_each(*state, 0, 100, see_audit, &one), 0);
    assert_string_equal(one.text, "a");
}

static bool count(void *ctx, const struct store_audit *a)
{
    (void)a;
    ++*(int *)ctx;
    return true;
}

static void the_audit_log_forgets_its_oldest_entries(void **state)
{
    struct store *s = *state;
    struct store_audit a = {.actor = "x", .action = "y", .object = "z"};
    int n = 0;
    assert_int_equal(store_audit_add(s, &a), 0);
    assert_int_equal(store_audit_add(s, &a), 0);
    /* as if many had been written since */
    assert_int_equal(sqlite3_exec(s->db,
                                  "UPDATE sqlite_sequence SET seq = 1000001 WHERE name = 'audit'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store_audit_add(s, &a), 0);
    assert_int_equal(store_audit_each(s, 0, 100, count, &n), 0);
    assert_int_equal(n, 1);
}

static void a_rollback_takes_everything_back(void **state)
{
    struct buf out = {0};
    assert_int_equal(store_value_put(*state, "key", bytes_str("before")), 0);
    assert_int_equal(store_begin(*state), 0);
    assert_int_equal(store_value_put(*state, "key", bytes_str("after")), 0);
    assert_int_equal(add(*state, "1234567890", "a@x.y", false), 0);
    assert_int_equal(store_room_snapshot(*state, "1234567890", bytes_str("s")), 0);
    assert_int_equal(store_room_commit(*state, "1234567890", 0, bytes_str("c")), 0);
    store_rollback(*state);
    assert_int_equal(store_value_get(*state, "key", &out), 0);
    assert_true(bytes_equal(buf_view(&out), bytes_str("before")));
    buf_free(&out);
    assert_int_equal(store_meeting_remove(*state, "1234567890"), CONCLAVE_ENOTFOUND);
}

static void a_call_that_fails_in_a_write_leaves_the_others(void **state)
{
    struct store_room r;
    assert_int_equal(store_begin(*state), 0);
    assert_int_equal(add(*state, "1234567890", "a@x.y", false), 0);
    assert_int_equal(store_room_snapshot(*state, "1234567890", bytes_str("s")), 0);
    assert_int_equal(store_room_commit(*state, "0000000000", 0, bytes_str("c")),
                     CONCLAVE_ENOTFOUND);
    assert_int_equal(add(*state, "1234567890", "a@x.y", false), CONCLAVE_EDUPLICATE);
    assert_int_equal(store_commit(*state), 0);
    assert_int_equal(store_room_load(*state, "1234567890", &r), 0);
    store_room_fini(&r);
}

static void a_write_is_begun_and_ended_once(void **state)
{
    assert_int_equal(store_commit(*state), CONCLAVE_ESTATE);
    assert_int_equal(store_begin(*state), 0);
    assert_int_equal(store_begin(*state), CONCLAVE_ESTATE);
    assert_int_equal(store_commit(*state), 0);
    assert_int_equal(store_commit(*state), CONCLAVE_ESTATE);
    store_rollback(*state);
    assert_int_equal(store_begin(*state), 0);
    store_rollback(*state);
    store_rollback(*state);
}

/* A full disk makes SQLite roll back on its own: what comes after must not be written alone. */
static void nothing_is_written_beside_a_write_that_broke(void **state)
{
    struct store *s = *state;
    struct buf out = {0};
    assert_int_equal(store_begin(s), 0);
    assert_int_equal(store_value_put(s, "a", bytes_str("1")), 0);
    assert_int_equal(sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_value_put(s, "b", bytes_str("2")), CONCLAVE_ESTORE);
    assert_int_equal(store_commit(s), CONCLAVE_ESTORE);
    assert_int_equal(store_value_get(s, "a", &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_value_get(s, "b", &out), CONCLAVE_ENOTFOUND);
    assert_int_equal(store_value_put(s, "b", bytes_str("2")), 0);
}

static void a_full_database_is_an_error_and_changes_nothing(void **state)
{
    struct store *s = *state;
    struct buf big = {0}, out = {0};
    assert_int_equal(sqlite3_exec(s->db, "PRAGMA max_page_count = 100", NULL, NULL, NULL),
                     SQLITE_OK);
    buf_put_zero(&big, 1u << 20);
    assert_int_equal(add(s, "1234567890", "a@x.y", false), 0);
    assert_int_equal(store_room_snapshot(s, "1234567890", bytes_str("s")), 0);
    assert_int_equal(store_room_commit(s, "1234567890", 0, bytes_str("c")), 0);
    assert_int_equal(store_value_put(s, "big", buf_view(&big)), CONCLAVE_ESTORE);
    assert_int_equal(store_room_commit(s, "1234567890", 0, buf_view(&big)), CONCLAVE_ESTORE);
    assert_non_null(strstr(store_error(s), "full"));
    struct store_room r;
    assert_int_equal(store_room_load(s, "1234567890", &r), 0);
    assert_int_equal(r.n_commits, 1);
    commit_is(&r, 0, "c");
    store_room_fini(&r);
    assert_int_equal(store_value_get(s, "big", &out), CONCLAVE_ENOTFOUND);
    buf_free(&big);
}

static void what_another_wrote_wrongly_is_an_error(void **state)
{
    struct store *s = *state;
    struct store_meeting out;
    assert_int_equal(add(s, "1234567890", "a@x.y", false), 0);
    static const char *const wrong[] = {
        "UPDATE meeting SET meeting_id = x'00'",
        "UPDATE meeting SET meeting_id = zeroblob(16), card = 'text'",
        "UPDATE meeting SET card = x'00', owner = printf('%0400d', 1)",
        "UPDATE meeting SET owner = 'a@x.y', created_at = 'soon'",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(sqlite3_exec(s->db, wrong[i], NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(store_meeting_get(s, "1234567890", &out), CONCLAVE_ESTORE);
        struct seen seen = {.left = 9};
        assert_int_equal(store_meeting_each(s, NULL, "", 9, see, &seen), CONCLAVE_ESTORE);
        assert_string_equal(seen.text, "");
    }
}

static int load_both(void *ctx)
{
    struct store_meeting m;
    struct store_room r;
    int rv = store_meeting_get(ctx, "1234567890", &m);
    if (rv != 0)
        return rv;
    store_meeting_fini(&m);
    rv = store_room_load(ctx, "1234567890", &r);
    if (rv == 0)
        store_room_fini(&r);
    return rv;
}

static void reading_survives_every_failed_allocation(void **state)
{
    assert_int_equal(add(*state, "1234567890", "a@x.y", false), 0);
    assert_int_equal(store_room_snapshot(*state, "1234567890", bytes_str("s")), 0);
    for (uint64_t epoch = 0; epoch < 3; epoch++)
        assert_int_equal(store_room_commit(*state, "1234567890", epoch, bytes_str("c")), 0);
    assert_true(alloc_sweep(load_both, *state) > 4);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(values_are_replaced),
        WITH_STORE(a_meeting_comes_out_as_it_went_in),
        WITH_STORE(a_meeting_that_is_not_there_is_not_found),
        WITH_STORE(numbers_and_meeting_ids_are_given_once),
        WITH_STORE(an_owner_has_one_personal_room),
        WITH_STORE(meetings_are_listed_in_pages),
        WITH_STORE(a_room_is_a_snapshot_and_the_commits_after_it),
        WITH_STORE(rooms_of_different_meetings_do_not_touch),
        WITH_STORE(a_room_needs_its_meeting_and_goes_with_it),
        WITH_STORE(the_audit_log_keeps_its_order),
        WITH_STORE(the_audit_log_forgets_its_oldest_entries),
        WITH_STORE(a_rollback_takes_everything_back),
        WITH_STORE(a_call_that_fails_in_a_write_leaves_the_others),
        WITH_STORE(a_write_is_begun_and_ended_once),
        WITH_STORE(nothing_is_written_beside_a_write_that_broke),
        WITH_STORE(a_full_database_is_an_error_and_changes_nothing),
        WITH_STORE(what_another_wrote_wrongly_is_an_error),
        WITH_STORE(reading_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
