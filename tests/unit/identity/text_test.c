/* What strangers may write where: names are plain, what people say is readable, and neither can
 * hide or reorder what stands beside it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "identity/text.h"

static void names_are_plain(void **state)
{
    (void)state;
    assert_true(text_is_plain(bytes_str("Ren\xc3\xa9 O'Neill \xe6\xbc\xa2")));
    assert_false(text_is_plain(bytes_str("")));
    assert_false(text_is_plain(bytes_str("<b>")));
    assert_false(text_is_plain(bytes_str("two\nlines")));
    assert_false(text_is_plain(bytes_str("a\xe2\x80\x8d")));
}

static void people_say_what_they_like(void **state)
{
    static const char *const texts[] = {
        "\"quoted\", 'so', `and so` & a < b > c \\",
        "two\nlines\n",
        "\xe2\x9d\xa4\xef\xb8\x8f",                     /* a heart, as emoji */
        "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", /* joined */
        "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85", /* Persian */
        "\xe6\xbc\xa2\xe3\x80\x80\xe5\xad\x97",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_true(text_is_readable(bytes_str(texts[i])));
}

/* NOLINTBEGIN(misc-misleading-bidirectional) they are the cases */
static void but_nothing_that_hides_or_reorders(void **state)
{
    static const char *const texts[] = {
        "",
        "\x1b[2J",
        "one\rtwo",
        "a\tb",
        "\x7f",
        "\xc2\x9b",         /* C1 */
        "\xe2\x80\xae",     /* right to left */
        "\xe2\x81\xa6",     /* isolate */
        "\xe2\x80\x8b",     /* zero-width space */
        "\xef\xbb\xbf",     /* byte order mark */
        "\xf3\xa0\x81\xa7", /* tag */
        "\xe2\x80\xa8",     /* line separator */
        "\xff",
        "\xc0\xaf",
        "\xe6\xbc",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(text_is_readable(bytes_str(texts[i])));
    assert_false(text_is_readable(bytes_of("a\0b", 3)));
}
/* NOLINTEND(misc-misleading-bidirectional) */

static void names_that_look_alike_are_told(void **state)
{
    static const char *const alike[][2] = {
        {"Alice", "alice"},
        {"Alice", "Al ice "},
        {"Alice", "Alice\xc2\xa0"},
        {"Alice", "A\xd0\x86\xd1\x96\xd1\x81\xd0\xb5"}, /* Cyrillic, all but one */
        {"Alice", "\xce\x91lice"},                      /* Greek */
        {"Alice", "\xef\xbc\xa1lice"},                  /* full width */
        {"Bill", "B1ll"},
        {"Bob", "B0b"},
    };
    static const char *const different[][2] = {
        {"Alice", "Alicia"}, {"Alice", "Alic"}, {"Alice", ""}, {"Ren\xc3\xa9", "Rene"}};
    (void)state;
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++) {
        assert_true(text_is_alike(alike[i][0], alike[i][1]));
        assert_true(text_is_alike(alike[i][1], alike[i][0]));
    }
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        assert_false(text_is_alike(different[i][0], different[i][1]));
        assert_false(text_is_alike(different[i][1], different[i][0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_plain),
        cmocka_unit_test(people_say_what_they_like),
        cmocka_unit_test(but_nothing_that_hides_or_reorders),
        cmocka_unit_test(names_that_look_alike_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
