/* Memory that is written, compared and wiped. */
#include <conclave/bytes.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ct.h"
#include "base/secret.h"
#include "support/alloc_fail.h"

static void a_buf_remembers_that_memory_ran_out(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_put(&b, bytes_str("before"));
    alloc_fail_after(0);
    buf_put_zero(&b, 100000);
    alloc_fail_off();
    assert_true(alloc_fail_hit());
    assert_int_equal(buf_check(&b), CONCLAVE_ENOMEM);
    size_t n = b.n;
    buf_put(&b, bytes_str("after"));
    assert_int_equal(b.n, n);
    assert_int_equal(buf_check(&b), CONCLAVE_ENOMEM);
    buf_clear(&b);
    assert_int_equal(buf_check(&b), 0);
    buf_put(&b, bytes_str("again"));
    assert_true(bytes_equal(buf_view(&b), bytes_str("again")));
    buf_free(&b);
}

static void a_cleared_buf_holds_nothing_of_what_it_held(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_put(&b, bytes_str("a secret"));
    uint8_t *p = b.p;
    buf_clear(&b);
    assert_ptr_equal(b.p, p);
    assert_int_equal(b.n, 0);
    for (size_t i = 0; i < strlen("a secret"); i++)
        assert_int_equal(p[i], 0);
    buf_free(&b);
    assert_null(b.p);
    buf_free(&b);
}

static void a_moved_buf_is_empty(void **state)
{
    (void)state;
    struct buf a = {0}, b = {0};
    buf_put(&a, bytes_str("one"));
    buf_put(&b, bytes_str("two"));
    buf_move(&a, &b);
    assert_true(bytes_equal(buf_view(&a), bytes_str("two")));
    assert_int_equal(b.n, 0);
    assert_null(b.p);
    buf_free(&a);
}

static void a_reserve_that_overflows_is_refused(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_put(&b, bytes_str("x"));
    assert_int_equal(buf_reserve(&b, SIZE_MAX), CONCLAVE_ENOMEM);
    buf_free(&b);
}

static void empty_equals_empty_and_nothing_else(void **state)
{
    (void)state;
    struct bytes none = {0};
    assert_true(bytes_equal(none, bytes_str("")));
    assert_false(bytes_equal(none, bytes_str("x")));
    assert_true(ct_equal(none, bytes_str("")));
    assert_false(ct_equal(none, bytes_str("x")));
    assert_true(ct_is_zero(none));
}

static void constant_time_comparison_sees_every_bit(void **state)
{
    (void)state;
    uint8_t a[33] = {0}, b[33] = {0};
    for (size_t i = 0; i < sizeof a; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            b[i] = (uint8_t)(1u << bit);
            assert_false(ct_equal(bytes_of(a, 33), bytes_of(b, 33)));
            assert_false(ct_is_zero(bytes_of(b, 33)));
            b[i] = 0;
        }
    assert_true(ct_equal(bytes_of(a, 33), bytes_of(b, 33)));
    assert_false(ct_equal(bytes_of(a, 33), bytes_of(b, 32)));
    assert_true(ct_is_zero(bytes_of(a, 33)));
}

static void a_secret_leaves_nothing_behind(void **state)
{
    (void)state;
    struct secret a = {0}, b = {0};
    uint8_t longest[SECRET_MAX + 1];
    memset(longest, 7, sizeof longest);
    assert_true(secret_set(&a, bytes_of(longest, SECRET_MAX)));
    assert_false(secret_set(&b, bytes_of(longest, SECRET_MAX + 1)));
    assert_int_equal(b.n, 0);
    assert_true(secret_set(&a, bytes_of(longest, 3))); /* a shorter one, all else wiped */
    assert_int_equal(a.n, 3);
    assert_true(ct_is_zero(bytes_of(a.p + 3, SECRET_MAX - 3)));
    secret_move(&b, &a);
    assert_true(ct_is_zero(bytes_of(&a, sizeof a)));
    assert_true(bytes_equal(secret_view(&b), bytes_of(longest, 3)));
    secret_wipe(&b);
    assert_true(ct_is_zero(bytes_of(&b, sizeof b)));
    assert_true(secret_set(&b, bytes_of(NULL, 0)));
    secret_zero(&b, 32);
    assert_int_equal(b.n, 32);
    assert_true(ct_is_zero(secret_view(&b)));
}

static void every_error_has_a_name_a_text_and_a_class(void **state)
{
    (void)state;
    for (int e = 0; e > -400; e--) {
        assert_non_null(conclave_error_name(e));
        assert_non_null(conclave_error_text(e));
    }
    assert_int_equal(conclave_error_class(0), CONCLAVE_CLASS_OK);
    assert_int_equal(conclave_error_class(CONCLAVE_ESIGNATURE), CONCLAVE_CLASS_PEER);
    assert_int_equal(conclave_error_class(CONCLAVE_EINVAL), CONCLAVE_CLASS_CALLER);
    assert_int_equal(conclave_error_class(CONCLAVE_ENOMEM), CONCLAVE_CLASS_SYSTEM);
    assert_string_equal(conclave_error_name(CONCLAVE_EPATH), "EPATH");
    /* what nobody knows is not taken for success */
    assert_int_not_equal(conclave_error_class(-1), CONCLAVE_CLASS_OK);
    assert_int_not_equal(conclave_error_class(1), CONCLAVE_CLASS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buf_remembers_that_memory_ran_out),
        cmocka_unit_test(a_cleared_buf_holds_nothing_of_what_it_held),
        cmocka_unit_test(a_moved_buf_is_empty),
        cmocka_unit_test(a_reserve_that_overflows_is_refused),
        cmocka_unit_test(empty_equals_empty_and_nothing_else),
        cmocka_unit_test(constant_time_comparison_sees_every_bit),
        cmocka_unit_test(a_secret_leaves_nothing_behind),
        cmocka_unit_test(every_error_has_a_name_a_text_and_a_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
