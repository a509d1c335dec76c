/* What a participant keeps on disk: nobody else uses or reads it, and wherever a crash cuts it,
 * what comes back is a snapshot and the whole records after it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/join_log.h"
#include "support/alloc_fail.h"

struct place {
    char path[64];
    struct join_folder *folder;
};

static void place_new(struct place *p)
{
    strcpy(p->path, "/tmp/conclave-state-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    assert_int_equal(join_folder_open(p->path, &p->folder), 0);
}

static void place_end(struct place *p)
{
    static const char *const files[] = {"lock", "m.snapshot", "m.log", "a", "b"};
    join_folder_close(p->folder);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s", p->path, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(p->path), 0);
}

static struct join_log *open_log(struct place *p, struct join_log_content *content)
{
    struct join_log *log = NULL;
    assert_int_equal(join_log_open(p->folder, "m", &log, content), 0);
    return log;
}

static void put(struct join_log *log, const char *text)
{
    assert_int_equal(join_log_append(log, bytes_str(text), false), 0);
}

static bool is(struct bytes b, const char *text)
{
    return bytes_equal(b, bytes_str(text));
}

/* A snapshot and three deltas. */
static void fill(struct place *p)
{
    struct join_log_content content;
    struct join_log *log = open_log(p, &content);
    assert_int_equal(join_log_snapshot(log, bytes_str("base")), 0);
    put(log, "one");
    assert_int_equal(join_log_append(log, bytes_str("two"), true), 0);
    put(log, "three");
    join_log_close(log);
}

static void what_was_saved_comes_back_in_order(void **state)
{
    struct place p;
    struct join_log_content content;
    (void)state;
    place_new(&p);
    fill(&p);
    struct join_log *log = open_log(&p, &content);
    assert_true(is(content.snapshot, "base"));
    assert_int_equal(content.n_deltas, 3);
    assert_true(is(content.deltas[0], "one"));
    assert_true(is(content.deltas[2], "three"));
    assert_int_equal(content.dropped, 0);
    join_log_close(log);
    place_end(&p);
}

static void nothing_saved_is_an_empty_snapshot(void **state)
{
    struct place p;
    struct join_log_content content;
    (void)state;
    place_new(&p);
    struct join_log *log = open_log(&p, &content);
    assert_int_equal(content.snapshot.n + content.n_deltas, 0);
    assert_int_equal(join_log_append(log, bytes_str("early"), false), CONCLAVE_ESTATE);
    join_log_close(log);
    place_end(&p);
}

static void a_snapshot_replaces_all_before_it(void **state)
{
    struct place p;
    struct join_log_content content;
    (void)state;
    place_new(&p);
    fill(&p);
    struct join_log *log = open_log(&p, &content);
    assert_int_equal(join_log_snapshot(log, bytes_str("new")), 0);
    put(log, "four");
    join_log_close(log);
    log = open_log(&p, &content);
    assert_true(is(content.snapshot, "new"));
    assert_int_equal(content.n_deltas, 1);
    assert_true(is(content.deltas[0], "four"));
    join_log_close(log);
    place_end(&p);
}

static void a_forgotten_meeting_leaves_no_file(void **state)
{
    struct place p;
    struct join_log_content content;
    struct buf b = {0};
    (void)state;
    place_new(&p);
    fill(&p);
    struct join_log *log = open_log(&p, &content);
    assert_int_equal(join_log_forget(log), 0);
    assert_int_equal(join_log_append(log, bytes_str("late"), false), CONCLAVE_ESTATE);
    join_log_close(log);
    assert_int_equal(join_folder_read(p.folder, "m.snapshot", &b), CONCLAVE_ENOTFOUND);
    assert_int_equal(join_folder_read(p.folder, "m.log", &b), CONCLAVE_ENOTFOUND);
    place_end(&p);
}

/* Wherever the log ends: the records before that, and appending goes on from there. */
static void a_log_cut_anywhere_keeps_the_whole_records(void **state)
{
    struct place p;
    struct buf whole = {0};
    struct join_log_content content;
    (void)state;
    place_new(&p);
    fill(&p);
    assert_int_equal(join_folder_read(p.folder, "m.log", &whole), 0);
    for (size_t cut = 0; cut < whole.n; cut++) {
        assert_int_equal(join_folder_write(p.folder, "m.log", bytes_of(whole.p, cut)), 0);
        struct join_log *log = open_log(&p, &content);
        size_t kept = content.n_deltas;
        assert_true(is(content.snapshot, "base"));
        assert_true(kept < 3);
        put(log, "more");
        join_log_close(log);
        log = open_log(&p, &content);
        assert_int_equal(content.n_deltas, kept + 1);
        assert_true(is(content.deltas[kept], "more"));
        assert_int_equal(content.dropped, 0);
        join_log_close(log);
    }
    buf_free(&whole);
    place_end(&p);
}

static void a_log_changed_anywhere_yields_no_wrong_record(void **state)
{
    struct place p;
    struct buf whole = {0};
    struct join_log_content content;
    static const char *const texts[] = {"one", "two", "three"};
    (void)state;
    place_new(&p);
    fill(&p);
    assert_int_equal(join_folder_read(p.folder, "m.log", &whole), 0);
    for (size_t at = 0; at < whole.n; at++) {
        whole.p[at] ^= 0x10;
        assert_int_equal(join_folder_write(p.folder, "m.log", buf_view(&whole)), 0);
        whole.p[at] ^= 0x10;
        struct join_log *log = open_log(&p, &content);
        assert_true(content.n_deltas < 3);
        for (size_t i = 0; i < content.n_deltas; i++)
            assert_true(is(content.deltas[i], texts[i]));
        join_log_close(log);
    }
    buf_free(&whole);
    place_end(&p);
}

/* A crash between the new snapshot and the new log. */
static void a_log_older_than_its_snapshot_says_nothing(void **state)
{
    struct place p;
    struct buf old = {0};
    struct join_log_content content;
    (void)state;
    place_new(&p);
    fill(&p);
    assert_int_equal(join_folder_read(p.folder, "m.log", &old), 0);
    struct join_log *log = open_log(&p, &content);
    assert_int_equal(join_log_snapshot(log, bytes_str("new")), 0);
    join_log_close(log);
    assert_int_equal(join_folder_write(p.folder, "m.log", buf_view(&old)), 0);
    log = open_log(&p, &content);
    assert_true(is(content.snapshot, "new"));
    assert_int_equal(content.n_deltas, 0);
    join_log_close(log);
    buf_free(&old);
    place_end(&p);
}

static void a_damaged_snapshot_is_told_and_can_be_forgotten(void **state)
{
    struct place p;
    struct buf whole = {0};
    struct join_log_content content;
    struct join_log *log = NULL;
    (void)state;
    place_new(&p);
    fill(&p);
    assert_int_equal(join_folder_read(p.folder, "m.snapshot", &whole), 0);
    for (size_t at = 0; at < whole.n; at++) {
        whole.p[at] ^= 1;
        assert_int_equal(join_folder_write(p.folder, "m.snapshot", buf_view(&whole)), 0);
        whole.p[at] ^= 1;
        assert_int_equal(join_log_open(p.folder, "m", &log, &content), CONCLAVE_ESYNTAX);
        assert_int_equal(content.snapshot.n, 0);
        join_log_close(log);
        assert_int_equal(join_folder_write(p.folder, "m.snapshot", bytes_of(whole.p, at)), 0);
        assert_int_equal(join_log_open(p.folder, "m", &log, &content), CONCLAVE_ESYNTAX);
        join_log_close(log);
    }
    assert_int_equal(join_log_open(p.folder, "m", &log, &content), CONCLAVE_ESYNTAX);
    assert_int_equal(join_log_forget(log), 0);
    join_log_close(log);
    join_log_close(open_log(&p, &content));
    buf_free(&whole);
    place_end(&p);
}

static void one_process_at_a_time_uses_a_folder(void **state)
{
    struct place p;
    int status = 0;
    (void)state;
    place_new(&p);
    pid_t pid = fork();
    if (pid == 0) {
        struct join_folder *f = NULL;
        _exit(join_folder_open(p.path, &f) == CONCLAVE_ESTATE ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    join_folder_close(p.folder);
    assert_int_equal(join_folder_open(p.path, &p.folder), 0);
    place_end(&p);
}

static void a_folder_others_may_write_to_is_refused(void **state)
{
    struct place p;
    struct join_folder *f = NULL;
    (void)state;
    place_new(&p);
    join_folder_close(p.folder);
    assert_int_equal(chmod(p.path, 0770), 0);
    assert_int_equal(join_folder_open(p.path, &f), CONCLAVE_EPOLICY);
    assert_int_equal(chmod(p.path, 0700), 0);
    assert_int_equal(join_folder_open(p.path, &p.folder), 0);
    place_end(&p);
}

static void files_are_their_owners_alone(void **state)
{
    struct place p;
    struct stat st;
    char path[96];
    struct buf b = {0};
    (void)state;
    place_new(&p);
    umask(0);
    assert_int_equal(join_folder_write(p.folder, "a", bytes_str("secret")), 0);
    assert_int_equal(join_folder_write(p.folder, "a", bytes_str("other")), 0);
    snprintf(path, sizeof path, "%s/a", p.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(join_folder_read(p.folder, "a", &b), 0);
    assert_true(is(buf_view(&b), "other"));
    buf_free(&b);
    assert_int_equal(join_folder_read(p.folder, "b", &b), CONCLAVE_ENOTFOUND);
    assert_int_equal(join_folder_remove(p.folder, "b"), 0);
    place_end(&p);
}

static void a_folder_that_cannot_be_made_is_told(void **state)
{
    struct join_folder *f = NULL;
    (void)state;
    assert_int_equal(join_folder_open("/nonexistent/folder", &f), CONCLAVE_ESTORE);
    assert_null(f);
}

/* Whatever could not be allocated, what was there before is there still. */
static int work(void *ctx)
{
    struct place *p = ctx;
    struct join_log *log = NULL;
    struct join_log_content content;
    int rv = join_log_open(p->folder, "m", &log, &content);
    if (rv == 0)
        rv = is(content.snapshot, "base") && content.n_deltas >= 3 ? 0 : CONCLAVE_EINTERNAL;
    if (rv == 0)
        rv = join_log_append(log, bytes_str("more"), false);
    join_log_close(log);
    return rv;
}

static void running_out_of_memory_loses_nothing(void **state)
{
    struct place p;
    (void)state;
    place_new(&p);
    fill(&p);
    assert_true(alloc_sweep(work, &p) > 3);
    assert_int_equal(work(&p), 0);
    place_end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_comes_back_in_order),
        cmocka_unit_test(nothing_saved_is_an_empty_snapshot),
        cmocka_unit_test(a_snapshot_replaces_all_before_it),
        cmocka_unit_test(a_forgotten_meeting_leaves_no_file),
        cmocka_unit_test(a_log_cut_anywhere_keeps_the_whole_records),
        cmocka_unit_test(a_log_changed_anywhere_yields_no_wrong_record),
        cmocka_unit_test(a_log_older_than_its_snapshot_says_nothing),
        cmocka_unit_test(a_damaged_snapshot_is_told_and_can_be_forgotten),
        cmocka_unit_test(running_out_of_memory_loses_nothing),
        cmocka_unit_test(one_process_at_a_time_uses_a_folder),
        cmocka_unit_test(a_folder_others_may_write_to_is_refused),
        cmocka_unit_test(files_are_their_owners_alone),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
