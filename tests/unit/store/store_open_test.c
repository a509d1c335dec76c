/* The file: private, whole after a crash, and refused if it is not ours to change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/query.h"
#include "support/alloc_fail.h"

struct place {
    char folder[32], path[48], wal[48], shm[48];
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)strcpy(p->folder, "/tmp/conclave-store-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/db", p->folder);
    (void)snprintf(p->wal, sizeof p->wal, "%s/db-wal", p->folder);
    (void)snprintf(p->shm, sizeof p->shm, "%s/db-shm", p->folder);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;
    (void)unlink(p->path);
    (void)unlink(p->wal);
    (void)unlink(p->shm);
    (void)rmdir(p->folder);
    free(p);
    return 0;
}

static struct store *reopen(const struct place *p)
{
    struct store *s;
    assert_int_equal(store_open(p->path, &s), 0);
    return s;
}

static void run_sql(const struct place *p, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void read_file(const char *path, struct buf *out)
{
    uint8_t chunk[4096];
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, f)) > 0;)
        buf_put(out, bytes_of(chunk, n));
    (void)fclose(f);
}

static void write_file(const char *path, struct bytes data)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data.p, 1, data.n, f), data.n);
    assert_int_equal(fclose(f), 0);
}

/* Opening fails with this error, and the file is what it was. */
static void refuses(const struct place *p, int error)
{
    struct buf before = {0}, after = {0};
    struct store *s = NULL;
    read_file(p->path, &before);
    assert_int_equal(store_open(p->path, &s), error);
    assert_null(s);
    read_file(p->path, &after);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
}

static void put(struct store *s, const char *name, const char *value)
{
    assert_int_equal(store_value_put(s, name, bytes_str(value)), 0);
}

static bool has(struct store *s, const char *name)
{
    struct buf out = {0};
    int rv = store_value_get(s, name, &out);
    buf_free(&out);
    assert_true(rv == 0 || rv == CONCLAVE_ENOTFOUND);
    return rv == 0;
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_mode & 0777u;
}

static void all_files_are_the_owners_alone(void **state)
{
    const struct place *p = *state;
    mode_t was = umask(0);
    struct store *s = reopen(p);
    put(s, "a", "1");
    (void)umask(was);
    assert_int_equal(mode_of(p->path), 0600);
    assert_int_equal(mode_of(p->wal), 0600);
    assert_int_equal(mode_of(p->shm), 0600);
    store_close(s);
    assert_int_equal(chmod(p->path, 0644), 0);
    store_close(reopen(p));
    assert_int_equal(mode_of(p->path), 0600);
}

static void what_was_written_is_there_after_closing(void **state)
{
    struct store *s = reopen(*state);
    put(s, "a", "1");
    store_close(s);
    s = reopen(*state);
    assert_true(has(s, "a"));
    store_close(s);
}

static void every_write_waits_for_the_disk(void **state)
{
    struct store *s = reopen(*state);
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(s->db, "PRAGMA synchronous", -1, &statement, NULL), 0);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(statement, 0), 2); /* FULL */
    assert_int_equal(sqlite3_finalize(statement), 0);
    assert_int_equal(sqlite3_prepare_v2(s->db, "PRAGMA journal_mode", -1, &statement, NULL), 0);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(statement, 0), "wal");
    assert_int_equal(sqlite3_finalize(statement), 0);
    store_close(s);
}

/* Writes for ever: pairs of values in one write each, and tells of each pair once it is on disk. */
static void write_pairs(const char *path, int tell)
{
    struct store *s;
    char name[32];
    if (store_open(path, &s) != 0)
        _exit(1);
    for (unsigned i = 0;; i++) {
        if (store_begin(s) != 0)
            _exit(2);
        for (unsigned half = 0; half < 2; half++) {
            (void)snprintf(name, sizeof name, "%u.%u", i, half);
            if (store_value_put(s, name, bytes_str("x")) != 0)
                _exit(3);
        }
        if (store_commit(s) != 0 || write(tell, &i, sizeof i) != sizeof i)
            _exit(4);
    }
}

/* Kills it after it told of so many pairs; returns how many it told of in all. */
static unsigned kill_after(const char *path, unsigned pairs)
{
    int pipe_of[2];
    unsigned last = 0, at;
    assert_int_equal(pipe(pipe_of), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        write_pairs(path, pipe_of[1]);
    assert_int_equal(close(pipe_of[1]), 0);
    while (read(pipe_of[0], &at, sizeof at) == sizeof at) {
        last = at + 1;
        if (last == pairs)
            assert_int_equal(kill(child, SIGKILL), 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(close(pipe_of[0]), 0);
    return last;
}

static void what_was_acknowledged_survives_kill_9_and_nothing_is_there_by_half(void **state)
{
    const struct place *p = *state;
    char name[32], other[32];
    for (unsigned round = 1; round <= 5; round++) {
        unsigned told = kill_after(p->path, 13 * round);
        struct store *s = reopen(p);
        assert_true(told >= 13 * round);
        for (unsigned i = 0; i < told + 2; i++) {
            (void)snprintf(name, sizeof name, "%u.0", i);
            (void)snprintf(other, sizeof other, "%u.1", i);
            assert_true(i >= told || has(s, name));
            assert_int_equal(has(s, name), has(s, other));
        }
        store_close(s);
    }
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
    const struct place *p = *state;
    store_close(reopen(p));
    run_sql(p, "PRAGMA user_version = 1000; PRAGMA journal_mode = DELETE");
    refuses(p, CONCLAVE_EVERSION);
}

static void what_is_no_database_is_refused_and_left_alone(void **state)
{
    const struct place *p = *state;
    write_file(p->path, bytes_str("These are the minutes of last week's meeting, and no database. "
                                  "They are longer than the header of one, so that it is read."));
    refuses(p, CONCLAVE_ESYNTAX);
}

static void somebody_elses_database_is_refused_and_left_alone(void **state)
{
    const struct place *p = *state;
    run_sql(p, "CREATE TABLE songs (title TEXT)");
    refuses(p, CONCLAVE_ESYNTAX);
    run_sql(p, "PRAGMA user_version = 1");
    refuses(p, CONCLAVE_ESYNTAX);
}

static void a_damaged_database_is_refused(void **state)
{
    const struct place *p = *state;
    struct buf file = {0};
    struct store *s = reopen(p);
    for (unsigned i = 0; i < 200; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "value with a longish name %u", i);
        put(s, name, "and a value");
    }
    store_close(s);
    read_file(p->path, &file);
    assert_true(file.n > (size_t)3 * 4096);
    memset(file.p + 4096, 0x5a, file.n - 4096); /* all pages but the first */
    write_file(p->path, buf_view(&file));
    refuses(p, CONCLAVE_ESYNTAX);
    buf_free(&file);
}

static void a_truncated_database_is_refused(void **state)
{
    const struct place *p = *state;
    struct buf file = {0};
    store_close(reopen(p));
    read_file(p->path, &file);
    write_file(p->path, bytes_of(file.p, file.n / 2 / 4096 * 4096));
    refuses(p, CONCLAVE_ESYNTAX);
    buf_free(&file);
}

static void an_empty_file_becomes_a_database(void **state)
{
    const struct place *p = *state;
    write_file(p->path, bytes_of("", 0));
    store_close(reopen(p));
}

static void what_the_system_refuses_is_told_with_its_reason(void **state)
{
    const struct place *p = *state;
    struct store *s = NULL;
    char nowhere[64];
    (void)snprintf(nowhere, sizeof nowhere, "%s/no/db", p->folder);
    errno = 0;
    assert_int_equal(store_open(nowhere, &s), CONCLAVE_ESTORE);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(store_open(p->folder, &s), CONCLAVE_ESTORE);
    assert_null(s);
}

static void two_programs_may_have_it_open(void **state)
{
    struct store *a = reopen(*state), *b = reopen(*state);
    put(a, "from a", "1");
    put(b, "from b", "2");
    assert_true(has(a, "from b") && has(b, "from a"));
    store_close(a);
    put(b, "more", "3");
    store_close(b);
}

static int open_and_close(void *ctx)
{
    struct store *s;
    int rv = store_open(ctx, &s);
    if (rv == 0)
        store_close(s);
    return rv;
}

static void opening_survives_every_failed_allocation(void **state)
{
    struct place *p = *state;
    assert_true(alloc_sweep(open_and_close, p->path) >= 1);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PLACE(all_files_are_the_owners_alone),
        WITH_PLACE(what_was_written_is_there_after_closing),
        WITH_PLACE(every_write_waits_for_the_disk),
        WITH_PLACE(what_was_acknowledged_survives_kill_9_and_nothing_is_there_by_half),
        WITH_PLACE(a_newer_database_is_refused_and_left_alone),
        WITH_PLACE(what_is_no_database_is_refused_and_left_alone),
        WITH_PLACE(somebody_elses_database_is_refused_and_left_alone),
        WITH_PLACE(a_damaged_database_is_refused),
        WITH_PLACE(a_truncated_database_is_refused),
        WITH_PLACE(an_empty_file_becomes_a_database),
        WITH_PLACE(what_the_system_refuses_is_told_with_its_reason),
        WITH_PLACE(two_programs_may_have_it_open),
        WITH_PLACE(opening_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
