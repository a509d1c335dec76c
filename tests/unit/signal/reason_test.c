/* The reasons: each of the list has words of its own, and no number is without words. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "signal/reason.h"

/* The first and the last of each block of the list; between them there are no gaps. */
static const struct {
    int first, last;
} blocks[] = {
    {REASON_NONE, REASON_UNSUPPORTED_SUITE},    {REASON_REFUSED_BY_HOST, REASON_JOINING_ANEW},
    {REASON_CERTIFICATE_EXPIRED, REASON_QUOTA}, {REASON_STALE, REASON_UNCONFIRMED_END},
    {REASON_MALFORMED, REASON_STORAGE},
};

static bool in_the_list(int reason)
{
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (reason >= blocks[i].first && reason <= blocks[i].last)
            return true;
    return false;
}

static void a_number_has_a_name_if_it_is_in_the_list(void **state)
{
    (void)state;
    for (int reason = -1; reason <= UINT8_MAX; reason++)
        assert_int_equal(strcmp(reason_name(reason), "UNKNOWN") != 0, in_the_list(reason));
    assert_string_equal(reason_name(REASON_NO_SUCH_MEETING), "NO_SUCH_MEETING");
    assert_string_equal(reason_name(REASON_STORAGE), "STORAGE");
    assert_string_equal(reason_name(INT_MAX), "UNKNOWN");
    assert_string_equal(reason_name(INT_MIN), "UNKNOWN");
}

static void no_two_reasons_have_one_name_or_one_sentence(void **state)
{
    (void)state;
    for (int a = 0; a <= REASON_STORAGE; a++) {
        for (int b = 0; in_the_list(a) && b < a; b++) {
            if (!in_the_list(b))
                continue;
            assert_string_not_equal(reason_name(a), reason_name(b));
            assert_string_not_equal(reason_text(a), reason_text(b));
        }
    }
}

static void every_number_has_a_sentence_and_a_next_step(void **state)
{
    (void)state;
    for (int reason = -1; reason <= UINT8_MAX; reason++) {
        const char *text = reason_text(reason), *next = reason_next(reason);
        assert_int_equal(text[strlen(text) - 1], '.');
        assert_int_equal(next[strlen(next) - 1], '.');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_a_name_if_it_is_in_the_list),
        cmocka_unit_test(no_two_reasons_have_one_name_or_one_sentence),
        cmocka_unit_test(every_number_has_a_sentence_and_a_next_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
