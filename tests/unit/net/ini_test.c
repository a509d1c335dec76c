/* Settings files: what is read, and how what is wrong is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/ini.h"
#include "net/limits.h"
#include "support/random.h"

/* What was read, as one text: "section.key=value;" each. */
struct seen {
    char text[512];
    const char *refuse; /* a key */
};

static bool note(void *ctx, const struct ini_entry *e, char why[static INI_WHY])
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    (void)snprintf(s->text + n, sizeof s->text - n, "%s.%s=%s;", e->section, e->key, e->value);
    if (s->refuse == NULL || strcmp(s->refuse, e->key) != 0)
        return true;
    (void)snprintf(why, INI_WHY, "must be something else");
    return false;
}

static int parse(const char *text, struct seen *s, char why[static INI_WHY])
{
    return ini_parse("file.ini", bytes_str(text), note, s, why);
}

static void reads(const char *text, const char *expected)
{
    struct seen s = {0};
    char why[INI_WHY] = "";
    assert_int_equal(parse(text, &s, why), 0);
    assert_string_equal(s.text, expected);
}

static void refuses(const char *text, const char *expected)
{
    struct seen s = {.refuse = "bad"};
    char why[INI_WHY] = "";
    assert_int_equal(parse(text, &s, why), CONCLAVE_EINVAL);
    assert_string_equal(why, expected);
}

static void settings_are_read_with_their_section(void **state)
{
    (void)state;
    reads("", "");
    reads("a = 1\n[s]\nb=2\n[ t u ]\n\n\tc\t=\t3 4\t", ".a=1;s.b=2;t u.c=3 4;");
    reads("# a comment\n; another\n  # = \na = # not one\n", ".a=# not one;");
    reads("[s]\r\na = 1\r\n", "s.a=1;");
    reads("a =\nb = =\nc = x = y", ".a=;.b==;.c=x = y;");
}

static void quotes_keep_what_is_inside(void **state)
{
    (void)state;
    reads("a = \"  x  \"\nb = \"\"\nc = \"\nd = \"x\"y\"", ".a=  x  ;.b=;.c=\";.d=x\"y;");
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    refuses("a = 1\n\nhello", "file.ini:3: \"hello\" is no setting: write key = value");
    refuses("= 1", "file.ini:1: there is no key before the =");
    refuses("\n[s", "file.ini:2: a section is written [name]");
    refuses("[]", "file.ini:1: a section is written [name]");
    refuses("[s]\ngood = 1\nbad = 2\ngood = 3", "file.ini:3: bad: must be something else");
    refuses("[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]",
            "file.ini:1: there is no section with so long a name");
}

static void nothing_after_a_wrong_line_is_read(void **state)
{
    (void)state;
    struct seen s = {0};
    char why[INI_WHY];
    assert_int_equal(parse("a = 1\nwrong\nb = 2", &s, why), CONCLAVE_EINVAL);
    assert_string_equal(s.text, ".a=1;");
}

static void zero_bytes_are_no_text(void **state)
{
    (void)state;
    struct seen s = {0};
    char why[INI_WHY];
    assert_int_equal(ini_parse("f", bytes_of("a = \0\n", 6), note, &s, why), CONCLAVE_EINVAL);
    assert_string_equal(why, "f:1: this is no text file");
}

static void lines_have_a_limit(void **state)
{
    (void)state;
    struct seen s = {0};
    char why[INI_WHY], line[LIMIT_INI_LINE + 1];
    memset(line, ' ', sizeof line);
    assert_int_equal(ini_parse("f", bytes_of(line, LIMIT_INI_LINE - 1), note, &s, why), 0);
    assert_int_equal(ini_parse("f", bytes_of(line, LIMIT_INI_LINE), note, &s, why),
                     CONCLAVE_ELIMIT);
    assert_string_equal(why, "f:1: a line has at most 1023 characters");
}

static void files_are_read_and_have_a_limit(void **state)
{
    (void)state;
    struct seen s = {0};
    char why[INI_WHY], path[] = "/tmp/ini_test_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a = 1\n", 6), 6);
    assert_int_equal(ini_read(path, note, &s, why), 0);
    assert_string_equal(s.text, ".a=1;");
    assert_int_equal(ftruncate(fd, (off_t)LIMIT_INI_FILE + 1), 0);
    assert_int_equal(ini_read(path, note, &s, why), CONCLAVE_ELIMIT);
    assert_non_null(strstr(why, "at most 65536 bytes"));
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ini_read(path, note, &s, why), CONCLAVE_ENOTFOUND);
    assert_non_null(strstr(why, "cannot be read"));
    assert_int_equal(ini_read("/tmp", note, &s, why), CONCLAVE_ENOTFOUND);
}

static void numbers_are_digits_within_bounds(void **state)
{
    (void)state;
    uint64_t n = 77;
    assert_true(ini_number("0", 0, 9, &n) && n == 0);
    assert_true(ini_number("18446744073709551615", 0, UINT64_MAX, &n) == false);
    assert_true(ini_number("1844674407370955160", 0, UINT64_MAX, &n));
    n = 77;
    static const char *const wrong[] = {"",    " 1",  "1 ", "-1", "+1",
                                        "0x1", "1e1", "1.", "10", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(ini_number(wrong[i], 0, 9, &n));
    assert_int_equal(n, 77);
}

static void yes_and_no_are_known_in_some_ways(void **state)
{
    (void)state;
    bool b = false;
    assert_true(ini_yes_no("yes", &b) && b);
    assert_true(ini_yes_no("Off", &b) && !b);
    assert_true(ini_yes_no("TRUE", &b) && b);
    assert_false(ini_yes_no("", &b));
    assert_false(ini_yes_no("1", &b));
    assert_true(b);
}

static void random_text_is_read_or_refused(void **state)
{
    (void)state;
    static const char alphabet[] = "ab=[]\"#; \t\r\n\n";
    struct random r = {1};
    for (int i = 0; i < 2000; i++) {
        char text[64], why[INI_WHY];
        struct seen s = {0};
        size_t n = random_below(&r, sizeof text);
        for (size_t k = 0; k < n; k++)
            text[k] = alphabet[random_below(&r, sizeof alphabet)];
        int rv = ini_parse("f", bytes_of(text, n), note, &s, why);
        assert_true(rv == 0 || rv == CONCLAVE_EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_with_their_section),
        cmocka_unit_test(quotes_keep_what_is_inside),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(nothing_after_a_wrong_line_is_read),
        cmocka_unit_test(zero_bytes_are_no_text),
        cmocka_unit_test(lines_have_a_limit),
        cmocka_unit_test(files_are_read_and_have_a_limit),
        cmocka_unit_test(numbers_are_digits_within_bounds),
        cmocka_unit_test(yes_and_no_are_known_in_some_ways),
        cmocka_unit_test(random_text_is_read_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
