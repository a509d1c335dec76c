/* SHA-256 and HMAC-SHA-256 by themselves, against the vectors of FIPS 180-2 and RFC 4231. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/sha256.h"

static void sha256_is_that_of_fips_180(void **state)
{
    static const uint8_t abc[SHA256_SIZE] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                             0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                             0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                             0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    static const uint8_t nothing[SHA256_SIZE] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                                 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                                 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                                 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    uint8_t out[SHA256_SIZE];
    (void)state;
    assert_int_equal(crypto_sha256(bytes_str("abc"), out), 0);
    assert_memory_equal(out, abc, sizeof out);
    assert_int_equal(crypto_sha256(bytes_of(NULL, 0), out), 0);
    assert_memory_equal(out, nothing, sizeof out);
}

/* RFC 4231 4.3 */
static void hmac_is_that_of_rfc_4231(void **state)
{
    static const uint8_t expected[SHA256_SIZE] = {0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                                  0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                                  0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                                  0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43};
    uint8_t out[SHA256_SIZE];
    (void)state;
    assert_int_equal(
        crypto_hmac_sha256(bytes_str("Jefe"), bytes_str("what do ya want for nothing?"), out), 0);
    assert_memory_equal(out, expected, sizeof out);
}

/* Known from the definition: a key of nothing is padded to a block of zeros. */
static void an_empty_key_is_a_key(void **state)
{
    static const uint8_t zeros[64] = {0};
    uint8_t none[SHA256_SIZE], padded[SHA256_SIZE];
    (void)state;
    assert_int_equal(crypto_hmac_sha256(bytes_of(NULL, 0), bytes_str("data"), none), 0);
    assert_int_equal(crypto_hmac_sha256(bytes_of(zeros, 64), bytes_str("data"), padded), 0);
    assert_memory_equal(none, padded, sizeof none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_that_of_fips_180),
        cmocka_unit_test(hmac_is_that_of_rfc_4231),
        cmocka_unit_test(an_empty_key_is_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
