/* What people type and programs send, and what the program exits with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "cmd/join_command.h"
#include "cmd/join_exit.h"
#include "cmd/options.h"
#include "signal/reason.h"

static struct join_command parsed(const char *line)
{
    struct join_command c;
    assert_int_equal(join_command_parse(line, &c), 0);
    return c;
}

static void plain_text_is_said(void **state)
{
    (void)state;
    assert_int_equal(parsed("hello there").verb, JOIN_SAY);
    assert_string_equal(parsed("hello there").text, "hello there");
    assert_int_equal(parsed("//etc is a folder").verb, JOIN_SAY);
    assert_string_equal(parsed("//etc is a folder").text, "/etc is a folder");
}

static void each_command_is_understood(void **state)
{
    static const struct {
        const char *line;
        enum join_verb verb;
        uint32_t number;
    } cases[] = {
        {"/who", JOIN_WHO, 0},
        {"/lobby", JOIN_LOBBY, 0},
        {"/admit 12", JOIN_ADMIT, 12},
        {"/admit all", JOIN_ADMIT_ALL, 0},
        {"/refuse 1", JOIN_REFUSE, 1},
        {"/eject 4294967295", JOIN_EJECT, 4294967295u},
        {"/kick   7", JOIN_EJECT, 7},
        {"/lock", JOIN_LOCK, 0},
        {"/unlock", JOIN_UNLOCK, 0},
        {"/cohost 3", JOIN_COHOST, 3},
        {"/uncohost 3", JOIN_UNCOHOST, 3},
        {"/code", JOIN_CODE, 0},
        {"/info", JOIN_INFO, 0},
        {"/mute", JOIN_MUTE, 0},
        {"/start-video", JOIN_START_VIDEO, 0},
        {"/media", JOIN_MEDIA, 0},
        {"/cert 2", JOIN_CERTIFICATE, 2},
        {"/hand", JOIN_HAND, 0},
        {"/leave", JOIN_LEAVE, 0},
        {"/quit", JOIN_LEAVE, 0},
        {"/end", JOIN_END, 0},
        {"/help", JOIN_HELP, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct join_command c = parsed(cases[i].line);
        assert_int_equal(c.verb, cases[i].verb);
        assert_int_equal(c.number, cases[i].number);
    }
    assert_string_equal(parsed("/react \xf0\x9f\x91\x8d").text, "\xf0\x9f\x91\x8d");
}

static void what_is_not_a_command_is_answered_with_a_sentence(void **state)
{
    static const char *const lines[] = {
        "/",
        "/foo",
        "/whoo",
        "/eject",
        "/eject x",
        "/eject 0",
        "/eject -1",
        "/eject 3 4",
        "/lock 1",
        "/admit",
        "/admit everybody",
        "/react",
        "/react  ",
        "/who me",
        "/eject 99999999999",
        "/admit 1x",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct join_command c;
        assert_int_equal(join_command_parse(lines[i], &c), CONCLAVE_EINVAL);
        assert_non_null(c.text);
        assert_true(strlen(c.text) > 10);
    }
}

static void every_command_has_help_and_a_name_for_programs(void **state)
{
    const char *usage, *help;
    enum join_verb verb;
    size_t n = 0;
    (void)state;
    for (size_t at = 0; join_command_next(&at, &usage, &help); n++) {
        assert_true(usage[0] != 0 && help[0] != 0);
        assert_true(strlen(usage) <= 14);
    }
    assert_int_equal(n, JOIN_HELP + 1);
    assert_int_equal(join_command_find("admit-all", &verb), 0);
    assert_int_equal(verb, JOIN_ADMIT_ALL);
    assert_int_equal(join_command_find("admit all", &verb), CONCLAVE_ENOTFOUND);
    assert_int_equal(join_command_object(JOIN_EJECT), JOIN_OBJECT_PERSON);
}

static void exit_codes_tell_what_kind_of_end_it_was(void **state)
{
    (void)state;
    assert_int_equal(join_exit_of(REASON_LEFT), JOIN_EXIT_FINE);
    assert_int_equal(join_exit_of(REASON_ENDED), JOIN_EXIT_FINE);
    assert_int_equal(join_exit_of(REASON_BAD_LINK), JOIN_EXIT_USAGE);
    assert_int_equal(join_exit_of(REASON_EJECTED), JOIN_EXIT_REFUSED);
    assert_int_equal(join_exit_of(REASON_LOCKED), JOIN_EXIT_REFUSED);
    assert_int_equal(join_exit_of(REASON_TLS), JOIN_EXIT_NETWORK);
    assert_int_equal(join_exit_of(REASON_SIGN_IN), JOIN_EXIT_IDENTITY);
    assert_int_equal(join_exit_of(REASON_NO_SUCH_MEETING), JOIN_EXIT_MEETING);
    assert_int_equal(join_exit_of(REASON_CARD_MISMATCH), JOIN_EXIT_MEETING);
    assert_int_equal(join_exit_of(REASON_STORAGE), JOIN_EXIT_STORAGE);
}

/* ---- Options ---- */

struct parsed_options {
    bool flag;
    const char *text, *args[2];
    struct option_list list;
    size_t n;
};

static int options(struct parsed_options *p, int argc, const char **argv)
{
    const struct option_row rows[] = {
        {"--flag", NULL, "a flag", .flag = &p->flag},
        {"--text", "TEXT", "a text", .text = &p->text},
        {"--list", "ONE", "a list", .list = &p->list},
    };
    const struct options o = {
        .usage = "test", .about = "A test.", .rows = rows, .n_rows = 3, .least = 1, .most = 2};
    memset(p, 0, sizeof *p);
    return options_parse(&o, argc, (char **)argv, p->args, &p->n);
}
#define OPTIONS(p, ...)                                                               \
    options(p, (int)(sizeof((const char *[]){"test", __VA_ARGS__}) / sizeof(char *)), \
            (const char *[]){"test", __VA_ARGS__})

static void options_are_taken_in_any_order(void **state)
{
    struct parsed_options p;
    (void)state;
    assert_int_equal(OPTIONS(&p, "one", "--flag", "--text", "t", "two", "--list=a", "--list", "b"),
                     0);
    assert_true(p.flag);
    assert_string_equal(p.text, "t");
    assert_int_equal(p.list.n, 2);
    assert_string_equal(p.list.value[0], "a");
    assert_string_equal(p.list.value[1], "b");
    assert_int_equal(p.n, 2);
    assert_string_equal(p.args[1], "two");
    assert_int_equal(OPTIONS(&p, "--", "--flag"), 0);
    assert_string_equal(p.args[0], "--flag");
    assert_false(p.flag);
    assert_int_equal(OPTIONS(&p, "-"), 0);
}

static void wrong_command_lines_are_refused(void **state)
{
    struct parsed_options p;
    (void)state;
    assert_int_equal(OPTIONS(&p, "--flag"), CONCLAVE_EINVAL);
    assert_int_equal(OPTIONS(&p, "one", "two", "three"), CONCLAVE_EINVAL);
    assert_int_equal(OPTIONS(&p, "one", "--fla"), CONCLAVE_EINVAL);
    assert_int_equal(OPTIONS(&p, "one", "--flags"), CONCLAVE_EINVAL);
    assert_int_equal(OPTIONS(&p, "one", "--flag=yes"), CONCLAVE_EINVAL);
    assert_int_equal(OPTIONS(&p, "one", "--text"), CONCLAVE_EINVAL);
    assert_int_equal(OPTIONS(&p, "--help"), CONCLAVE_EREMOVED);
    assert_int_equal(options_exit(CONCLAVE_EINVAL), 2);
    assert_int_equal(options_exit(CONCLAVE_EREMOVED), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_said),
        cmocka_unit_test(each_command_is_understood),
        cmocka_unit_test(what_is_not_a_command_is_answered_with_a_sentence),
        cmocka_unit_test(every_command_has_help_and_a_name_for_programs),
        cmocka_unit_test(exit_codes_tell_what_kind_of_end_it_was),
        cmocka_unit_test(options_are_taken_in_any_order),
        cmocka_unit_test(wrong_command_lines_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
