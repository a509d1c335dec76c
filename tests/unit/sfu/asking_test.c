/* Questions for key frames: one serves all, and who does not answer is asked less and less. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/asking.h"

#define NOW (100 * SFU_SECOND)

static void nothing_is_asked_that_nobody_wants(void **state)
{
    struct sfu_asking a = {0};

    (void)state;
    assert_false(sfu_asking_due(&a, NOW));
    a.wanted = true;
    assert_true(sfu_asking_due(&a, NOW));
    sfu_asking_answered(&a);
    assert_false(sfu_asking_due(&a, NOW + SFU_SECOND));
}

static void an_unanswered_question_is_put_less_and_less_often(void **state)
{
    static const unsigned waits[] = {1, 2, 4, 8, 8, 8}; /* of SFU_KEY_INTERVAL */
    struct sfu_asking a = {.wanted = true};
    uint64_t now = NOW;

    (void)state;
    sfu_asking_asked(&a, now);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        assert_false(sfu_asking_due(&a, now + waits[i] * SFU_KEY_INTERVAL - 1));
        now += waits[i] * SFU_KEY_INTERVAL;
        assert_true(sfu_asking_due(&a, now));
        sfu_asking_asked(&a, now);
    }
    for (unsigned i = 0; i < 300; i++)
        sfu_asking_asked(&a, now);
    assert_false(sfu_asking_due(&a, now + 8 * SFU_KEY_INTERVAL - 1)); /* nor does it wrap */
}

static void an_answer_does_not_allow_the_next_question_at_once(void **state)
{
    struct sfu_asking a = {.wanted = true};

    (void)state;
    for (unsigned i = 0; i < 5; i++)
        sfu_asking_asked(&a, NOW);
    sfu_asking_answered(&a);
    a.wanted = true;
    sfu_asking_asked(&a, NOW);
    assert_false(sfu_asking_due(&a, NOW + SFU_KEY_INTERVAL - 1));
    assert_true(sfu_asking_due(&a, NOW + SFU_KEY_INTERVAL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_that_nobody_wants),
        cmocka_unit_test(an_unanswered_question_is_put_less_and_less_often),
        cmocka_unit_test(an_answer_does_not_allow_the_next_question_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
