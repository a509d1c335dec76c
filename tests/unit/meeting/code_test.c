/* The security code against codes made by another implementation of scrypt and base32. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/scrypt.h"
#include "meeting/code.h"

static void known_authenticators_give_known_codes(void **state)
{
    uint8_t zeros[32] = {0}, ones[32], counting[64];
    char code[MEETING_CODE_SIZE];
    (void)state;
    memset(ones, 0xff, sizeof ones);
    for (unsigned i = 0; i < sizeof counting; i++)
        counting[i] = (uint8_t)i;
    assert_int_equal(meeting_code(bytes_of(zeros, sizeof zeros), code), 0);
    assert_string_equal(code, "W7T CFW P3N VNM 5LT");
    assert_int_equal(meeting_code(bytes_of(ones, sizeof ones), code), 0);
    assert_string_equal(code, "B7X KLO WCX WGH J77");
    assert_int_equal(meeting_code(bytes_of(counting, sizeof counting), code), 0);
    assert_string_equal(code, "J2H FJX SZ2 Z4K SU5");
}

static void one_bit_of_the_authenticator_changes_the_code(void **state)
{
    uint8_t a[32] = {0};
    char before[MEETING_CODE_SIZE], after[MEETING_CODE_SIZE];
    (void)state;
    assert_int_equal(meeting_code(bytes_of(a, sizeof a), before), 0);
    a[31] = 1;
    assert_int_equal(meeting_code(bytes_of(a, sizeof a), after), 0);
    assert_string_not_equal(before, after);
}

static void no_authenticator_no_code(void **state)
{
    char code[MEETING_CODE_SIZE] = "untouched";
    (void)state;
    assert_int_equal(meeting_code(bytes_of(NULL, 0), code), CONCLAVE_EINVAL);
    assert_string_equal(code, "untouched");
}

/* RFC 7914 section 12, the vector of "password" and "NaCl". */
static void scrypt_is_that_of_rfc_7914(void **state)
{
    static const uint8_t expected[16] = {0xfd, 0xba, 0xbe, 0x1c, 0x9d, 0x34, 0x72, 0x00,
                                         0x78, 0x56, 0xe7, 0x19, 0x0d, 0x01, 0xe9, 0xfe};
    struct scrypt_cost cost = {.n = 1024, .r = 8, .p = 16};
    uint8_t out[64];
    (void)state;
    assert_int_equal(
        crypto_scrypt(bytes_str("password"), bytes_str("NaCl"), &cost, out, sizeof out), 0);
    assert_memory_equal(out, expected, sizeof expected);
}

static void scrypt_refuses_costs_that_make_no_sense(void **state)
{
    static const struct scrypt_cost costs[] = {{0, 8, 1},    {1, 8, 1},        {1024, 0, 1},
                                               {1024, 8, 0}, {1u << 20, 8, 1}, {UINT64_MAX, 1, 1}};
    uint8_t out[16];
    (void)state;
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++)
        assert_int_equal(crypto_scrypt(bytes_str("a"), bytes_str("b"), &costs[i], out, sizeof out),
                         CONCLAVE_EINVAL);
    struct scrypt_cost odd = {1000, 8, 1}; /* no power of two */
    assert_int_equal(crypto_scrypt(bytes_str("a"), bytes_str("b"), &odd, out, sizeof out),
                     CONCLAVE_ECRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_authenticators_give_known_codes),
        cmocka_unit_test(one_bit_of_the_authenticator_changes_the_code),
        cmocka_unit_test(no_authenticator_no_code),
        cmocka_unit_test(scrypt_is_that_of_rfc_7914),
        cmocka_unit_test(scrypt_refuses_costs_that_make_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
