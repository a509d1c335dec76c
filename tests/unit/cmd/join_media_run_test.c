/* No run of contexts serves twice in an epoch, however often a participant is restarted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "call/call.h"
#include "cmd/join_media_run.h"
#include "support/random.h"

#define NAME "example.org_443-1234567890"
#define EPOCHS 400
#define STARTS 3000

struct place {
    char path[64];
    struct join_folder *folder;
};

static int open_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    strcpy(p->path, "/tmp/conclave-runs-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    assert_int_equal(join_folder_open(p->path, &p->folder), 0);
    *state = p;
    return 0;
}

static int close_place(void **state)
{
    struct place *p = *state;
    (void)!join_folder_remove(p->folder, NAME ".media-runs");
    (void)!join_folder_remove(p->folder, "lock");
    join_folder_close(p->folder);
    assert_int_equal(rmdir(p->path), 0);
    free(p);
    return 0;
}

/* An epoch's number, as an exported secret would be. */
static uint64_t tag(uint64_t epoch)
{
    return (epoch + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static void eight_runs_serve_in_an_epoch_and_then_none(void **state)
{
    struct place *p = *state;
    uint8_t run = 0;
    for (unsigned i = 0; i < CALL_RUNS; i++) {
        assert_int_equal(join_media_run_take(p->folder, NAME, tag(7), &run), 0);
        assert_int_equal(run, i);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(join_media_run_take(p->folder, NAME, tag(7), &run), CONCLAVE_EEXHAUSTED);
    assert_int_equal(join_media_run_take(p->folder, NAME, tag(8), &run), 0);
    assert_int_equal(run, 0);
}

/* Each process seals with its run in every epoch from its first to the next process's first. */
static void no_run_serves_twice_in_an_epoch(void **state)
{
    static bool used[EPOCHS + 1][CALL_RUNS];
    struct place *p = *state;
    struct random r = {5};
    uint64_t epoch = 0;
    unsigned refused = 0;
    memset(used, 0, sizeof used);
    for (unsigned i = 0; i < STARTS && epoch < EPOCHS; i++) {
        uint8_t run = 0;
        int rv = join_media_run_take(p->folder, NAME, tag(epoch), &run);
        uint64_t end = epoch + (random_chance(&r, 80) ? 0 : random_below(&r, 3));
        if (rv == CONCLAVE_EEXHAUSTED) {
            refused++;
            epoch++; /* it waits for the next */
            continue;
        }
        assert_int_equal(rv, 0);
        for (; epoch < end && epoch < EPOCHS; epoch++) {
            assert_false(used[epoch][run]);
            used[epoch][run] = true;
        }
        assert_false(used[epoch][run]);
        used[epoch][run] = true;
    }
    assert_true(refused != 0 && epoch >= EPOCHS / 2);
}

static void without_a_folder_the_leaf_is_new_as_well(void **state)
{
    uint8_t run = 9;
    (void)state;
    assert_int_equal(join_media_run_take(NULL, NAME, tag(1), &run), 0);
    assert_int_equal(run, 0);
}

static void what_cannot_be_read_or_written_gives_no_run(void **state)
{
    struct place *p = *state;
    uint8_t run = 9;
    assert_int_equal(join_folder_write(p->folder, NAME ".media-runs", bytes_str("torn")), 0);
    assert_int_equal(join_media_run_take(p->folder, NAME, tag(1), &run), CONCLAVE_ESTORE);
    assert_int_equal(run, 9);
    assert_int_equal(join_folder_remove(p->folder, NAME ".media-runs"), 0);
    assert_int_equal(join_media_run_take(p->folder, "../elsewhere/none", tag(1), &run),
                     CONCLAVE_ESTORE);
    assert_int_equal(run, 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(eight_runs_serve_in_an_epoch_and_then_none),
        TEST(no_run_serves_twice_in_an_epoch),
        TEST(without_a_folder_the_leaf_is_new_as_well),
        TEST(what_cannot_be_read_or_written_gives_no_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
