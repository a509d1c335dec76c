/* The log: lines, levels, opening again, turning over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/log.h"
#include "support/alloc_fail.h"

#define TIME_N 25                   /* "2026-08-01T12:34:56.789Z " */
#define LINE_N ((size_t)TIME_N + 8) /* and "info 01\n" */

struct place {
    char folder[32], path[48], other[64];
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->folder, sizeof p->folder, "/tmp/log_test_XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->path, sizeof p->path, "%s/log", p->folder);
    *state = p;
    return 0;
}

static const char *numbered(struct place *p, unsigned i)
{
    (void)snprintf(p->other, sizeof p->other, "%s.%u", p->path, i);
    return p->other;
}

static int teardown(void **state)
{
    struct place *p = *state;
    (void)unlink(p->path);
    for (unsigned i = 1; i < 10; i++)
        (void)unlink(numbered(p, i));
    assert_int_equal(rmdir(p->folder), 0);
    free(p);
    return 0;
}

static void contents(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    out[fread(out, 1, size - 1, f)] = '\0';
    assert_int_equal(fclose(f), 0);
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static struct net_log *open_log(const struct net_log_config *config)
{
    struct net_log *l = NULL;
    assert_int_equal(net_log_open(config, &l), 0);
    return l;
}

static void a_line_has_time_level_and_text(void **state)
{
    struct place *p = *state;
    char text[256];
    struct net_log *l = open_log(&(struct net_log_config){.path = p->path, .level = NET_INFO});
    net_log(l, NET_WARNING, "%d of %s", 7, "nine");
    net_log_close(l);
    contents(p->path, text, sizeof text);
    assert_string_equal(text + TIME_N, "warning 7 of nine\n");
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[23], 'Z');
}

static void lines_below_the_level_are_not_written(void **state)
{
    struct place *p = *state;
    char text[256];
    struct net_log *l = open_log(&(struct net_log_config){.path = p->path, .level = NET_WARNING});
    net_log(l, NET_DEBUG, "one");
    net_log(l, NET_INFO, "two");
    net_log(l, NET_ERROR, "three");
    net_log(NULL, NET_ERROR, "nowhere");
    net_log_close(l);
    contents(p->path, text, sizeof text);
    assert_string_equal(text + TIME_N, "error three\n");
}

static void a_line_stays_one_line(void **state)
{
    struct place *p = *state;
    char text[2048], longest[3000];
    struct net_log *l = open_log(&(struct net_log_config){.path = p->path, .level = NET_INFO});
    net_log(l, NET_INFO, "a\nb\x1b[31m\r%c", 0x7f);
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    net_log(l, NET_INFO, "%s", longest);
    net_log_close(l);
    contents(p->path, text, sizeof text);
    char *end = strchr(text, '\n');
    assert_non_null(end);
    assert_memory_equal(text + TIME_N, "info a?b?[31m??\n", 16);
    assert_int_equal(strlen(end + 1), 1024);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void after_logrotate_the_new_file_is_written(void **state)
{
    struct place *p = *state;
    char text[256];
    struct net_log *l = open_log(&(struct net_log_config){.path = p->path, .level = NET_INFO});
    net_log(l, NET_INFO, "old");
    assert_int_equal(rename(p->path, numbered(p, 1)), 0);
    net_log(l, NET_INFO, "still old");
    assert_int_equal(net_log_reopen(l), 0);
    net_log(l, NET_INFO, "new");
    net_log_close(l);
    contents(p->path, text, sizeof text);
    assert_string_equal(text + TIME_N, "info new\n");
    contents(numbered(p, 1), text, sizeof text);
    assert_non_null(strstr(text, "still old"));
}

static void a_file_that_cannot_be_opened_again_leaves_the_old_one(void **state)
{
    struct place *p = *state;
    char text[256];
    struct net_log *l = open_log(&(struct net_log_config){.path = p->path, .level = NET_INFO});
    assert_int_equal(rename(p->path, numbered(p, 1)), 0);
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(net_log_reopen(l), CONCLAVE_ESTORE);
    net_log(l, NET_INFO, "here");
    net_log_close(l);
    assert_int_equal(rmdir(p->path), 0);
    contents(numbered(p, 1), text, sizeof text);
    assert_string_equal(text + TIME_N, "info here\n");
}

static void a_large_log_turns_over(void **state)
{
    struct place *p = *state;
    char text[512];
    struct net_log *l = open_log(&(struct net_log_config){
        .path = p->path, .level = NET_INFO, .max_bytes = 3 * LINE_N, .keep = 2});
    for (int i = 0; i < 12; i++)
        net_log(l, NET_INFO, "%02d", i);
    net_log_close(l);
    contents(p->path, text, sizeof text);
    assert_string_equal(text + TIME_N + 2 * LINE_N, "info 11\n");
    contents(numbered(p, 1), text, sizeof text);
    assert_memory_equal(text + TIME_N, "info 06\n", 8);
    contents(numbered(p, 2), text, sizeof text);
    assert_memory_equal(text + TIME_N, "info 03\n", 8);
    assert_false(exists(numbered(p, 3)));
}

static void without_old_ones_to_keep_it_begins_anew(void **state)
{
    struct place *p = *state;
    char text[512];
    struct net_log *l =
        open_log(&(struct net_log_config){.path = p->path, .level = NET_INFO, .max_bytes = LINE_N});
    net_log(l, NET_INFO, "01");
    net_log(l, NET_INFO, "02");
    net_log_close(l);
    contents(p->path, text, sizeof text);
    assert_string_equal(text + TIME_N, "info 02\n");
    assert_false(exists(numbered(p, 1)));
}

static void levels_are_words(void **state)
{
    (void)state;
    enum net_level level = NET_ERROR;
    assert_true(net_level_parse("debug", &level));
    assert_int_equal(level, NET_DEBUG);
    assert_false(net_level_parse("loud", &level));
    assert_false(net_level_parse("", &level));
    assert_int_equal(level, NET_DEBUG);
}

static int open_and_close(void *ctx)
{
    struct place *p = ctx;
    struct net_log *l;
    int rv = net_log_open(&(struct net_log_config){.path = p->path}, &l);
    if (rv == 0)
        net_log_close(l);
    return rv;
}

static void without_memory_or_place_there_is_no_log(void **state)
{
    struct place *p = *state;
    struct net_log *l = NULL;
    assert_int_equal(alloc_sweep(open_and_close, p), 1);
    assert_int_equal(net_log_open(&(struct net_log_config){.path = "/nowhere/log"}, &l),
                     CONCLAVE_ESTORE);
    assert_null(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_and_text, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_below_the_level_are_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_stays_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(after_logrotate_the_new_file_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_opened_again_leaves_the_old_one,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_large_log_turns_over, setup, teardown),
        cmocka_unit_test_setup_teardown(without_old_ones_to_keep_it_begins_anew, setup, teardown),
        cmocka_unit_test(levels_are_words),
        cmocka_unit_test_setup_teardown(without_memory_or_place_there_is_no_log, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
