/* The allocation-failure hook itself: a sweep that silently failed nothing would prove nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/alloc_fail.h"

static int allocates_three_times(void *ctx)
{
    int rc = -1;
    void *a = malloc(8);
    void *b = calloc(2, 8);
    void *c = NULL;

    (void)ctx;
    if (a == NULL || b == NULL)
        goto out;
    c = realloc(a, 4096);
    if (c == NULL)
        goto out;
    a = NULL;
    rc = 0;
out:
    free(a);
    free(b);
    free(c);
    return rc;
}

static int forgets_to_report(void *ctx)
{
    (void)allocates_three_times(ctx);
    return 0;
}

static int always_fails(void *ctx)
{
    (void)ctx;
    return -1;
}

static void chosen_allocation_fails_once(void **state)
{
    (void)state;
    alloc_fail_after(1);
    void *first = malloc(1);
    void *second = malloc(1);
    void *third = malloc(1);
    alloc_fail_off();

    assert_non_null(first);
    assert_null(second);
    assert_non_null(third);
    assert_true(alloc_fail_hit());
    assert_int_equal(alloc_count(), 3);
    free(first);
    free(third);
}

static void sweep_fails_each_allocation_in_turn(void **state)
{
    (void)state;
    assert_int_equal(alloc_sweep(allocates_three_times, NULL), 3);
}

static void sweep_notices_an_unreported_failure(void **state)
{
    size_t survived = 0;

    (void)state;
    assert_int_equal(alloc_sweep(forgets_to_report, NULL), -1);
    assert_int_equal(alloc_sweep_count(forgets_to_report, NULL, &survived), 3);
    assert_int_equal(survived, 3);
}

static void sweep_notices_a_scenario_that_never_succeeds(void **state)
{
    (void)state;
    assert_int_equal(alloc_sweep(always_fails, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_allocation_fails_once),
        cmocka_unit_test(sweep_fails_each_allocation_in_turn),
        cmocka_unit_test(sweep_notices_an_unreported_failure),
        cmocka_unit_test(sweep_notices_a_scenario_that_never_succeeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
