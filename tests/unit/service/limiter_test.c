/* How often somebody may try. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "service/limiter.h"

#define SECOND UINT64_C(1000000)
#define NOW (1700000000 * SECOND)

static const struct limiter_rule rule = {1, 3, 10 * SECOND}, other_rule = {2, 3, 10 * SECOND};

static int setup(void **state)
{
    struct crypto *c;
    struct limiter *l = malloc(sizeof *l);
    if (l == NULL || crypto_new_public(CRYPTO_P256_AES128GCM_SHA256_P256, &c) != 0)
        return -1;
    int rv = limiter_init(l, c);
    crypto_free(c);
    *state = l;
    return rv;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static bool take(void **state, const char *who, uint64_t now)
{
    return limiter_take(*state, &rule, bytes_str(who), now);
}

static void a_burst_is_allowed_and_then_one_in_each_interval(void **state)
{
    for (int i = 0; i < 3; i++)
        assert_true(take(state, "a", NOW));
    assert_false(take(state, "a", NOW));
    assert_false(take(state, "a", NOW + 9 * SECOND));
    assert_true(take(state, "a", NOW + 10 * SECOND));
    assert_false(take(state, "a", NOW + 10 * SECOND));
    /* what was refused costs nothing: after a rest there is a whole burst again */
    for (int i = 0; i < 3; i++)
        assert_true(take(state, "a", NOW + 100 * SECOND));
    assert_false(take(state, "a", NOW + 100 * SECOND));
}

static void names_and_rules_count_apart(void **state)
{
    while (take(state, "a", NOW))
        continue;
    assert_true(take(state, "b", NOW));
    assert_true(take(state, "", NOW));
    assert_true(limiter_take(*state, &other_rule, bytes_str("a"), NOW));
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    for (int i = 0; i < 100; i++) {
        assert_true(take(state, "a", NOW));
        limiter_give(*state, &rule, bytes_str("a"));
    }
    for (int i = 0; i < 3; i++)
        assert_true(take(state, "a", NOW));
    assert_false(take(state, "a", NOW));
    limiter_give(*state, &rule, bytes_str("nobody"));
}

static void a_flood_of_names_does_not_free_who_is_blocked(void **state)
{
    char name[32];
    for (int i = 0; i < 3; i++)
        assert_true(take(state, "blocked", NOW));
    for (unsigned i = 0; i < 100000; i++) {
        (void)snprintf(name, sizeof name, "flood %u", i);
        (void)take(state, name, NOW);
    }
    assert_false(take(state, "blocked", NOW));
    assert_true(take(state, "blocked", NOW + 10 * SECOND));
}

static struct bytes address(const char *text)
{
    static uint8_t space[2][LIMITER_ADDRESS];
    static unsigned turn;
    return limiter_address(text, space[turn++ % 2]);
}

static void addresses_count_as_households(void **state)
{
    (void)state;
    assert_true(bytes_equal(address("192.0.2.1"), address("::ffff:192.0.2.1")));
    assert_false(bytes_equal(address("192.0.2.1"), address("192.0.2.2")));
    assert_true(bytes_equal(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9")));
    assert_false(bytes_equal(address("2001:db8:1:2::1"), address("2001:db8:1:3::1")));
    assert_int_equal(address("").n, 0);
    assert_int_equal(address("a unix socket with a long name").n, LIMITER_ADDRESS);
}

#define WITH_LIMITER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LIMITER(a_burst_is_allowed_and_then_one_in_each_interval),
        WITH_LIMITER(names_and_rules_count_apart),
        WITH_LIMITER(what_is_given_back_can_be_taken_again),
        WITH_LIMITER(a_flood_of_names_does_not_free_who_is_blocked),
        cmocka_unit_test(addresses_count_as_households),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
