/* RFC 9180 7.1.4: a public key that Diffie-Hellman must refuse is refused when it comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hpke.h"

/* The provider's own Diffie-Hellman is the judge: what it refuses must be refused before. */
static void agrees(struct crypto *c, const uint8_t *pub)
{
    struct secret priv = {0};
    uint8_t own[CRYPTO_PUBLIC_KEY_MAX], out[CRYPTO_PUBLIC_KEY_MAX];
    struct bytes key = bytes_of(pub, c->suite->npk);
    assert_int_equal(hpke_generate_key_pair(c, &priv, own), 0);
    int dh = c->ops->secret->dh(c->state, secret_view(&priv), key, out);
    assert_int_equal(crypto_check_public(c, key), dh);
    secret_wipe(&priv);
}

static void small(uint16_t suite, size_t n, size_t carry)
{
    struct crypto *c;
    uint8_t u[56];
    assert_int_equal(crypto_new(suite, &c), 0);
    for (unsigned v = 0; v < 4; v++) { /* 0, 1 and what is just no small point */
        memset(u, 0, n);
        u[0] = (uint8_t)v;
        agrees(c, u);
        assert_int_equal(crypto_check_public(c, bytes_of(u, n)), v < 2 ? CONCLAVE_EKEY : 0);
    }
    for (int around = -3; around <= 3; around++) { /* the prime and what stands beside it */
        memset(u, 0xff, n);
        if (carry == 0) { /* 2^255 - 19 */
            u[0] = (uint8_t)(0xed + around);
            u[31] = 0x7f;
            agrees(c, u);
            u[31] = 0xff; /* the top bit does not count */
            agrees(c, u);
        } else { /* 2^448 - 2^224 - 1 */
            u[carry] = 0xfe;
            u[0] = (uint8_t)(0xff + (around < 0 ? around : 0));
            if (around > 0) {
                memset(u, 0, carry);
                u[0] = (uint8_t)(around - 1);
                u[carry] = 0xff;
            }
            agrees(c, u);
        }
    }
    crypto_free(c);
}

static void small_points_of_curve25519_are_refused(void **state)
{
    static const uint8_t order8[2][32] = {
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
         0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
         0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};
    struct crypto *c;
    (void)state;
    small(CRYPTO_X25519_AES128GCM_SHA256_ED25519, 32, 0);
    assert_int_equal(crypto_new(CRYPTO_X25519_AES128GCM_SHA256_ED25519, &c), 0);
    for (unsigned i = 0; i < 2; i++) {
        agrees(c, order8[i]);
        assert_int_equal(crypto_check_public(c, bytes_of(order8[i], 32)), CONCLAVE_EKEY);
    }
    crypto_free(c);
}

static void small_points_of_curve448_are_refused(void **state)
{
    (void)state;
    small(CRYPTO_X448_AES256GCM_SHA512_ED448, 56, 28);
}

static void what_is_no_point_of_a_nist_curve_is_refused(void **state)
{
    static const uint16_t suites[] = {CRYPTO_P256_AES128GCM_SHA256_P256,
                                      CRYPTO_P384_AES256GCM_SHA384_P384,
                                      CRYPTO_P521_AES256GCM_SHA512_P521};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct crypto *c, *public_only;
        struct secret priv = {0};
        uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
        assert_int_equal(crypto_new(suites[i], &c), 0);
        assert_int_equal(crypto_new_public(suites[i], &public_only), 0);
        assert_int_equal(hpke_generate_key_pair(c, &priv, pub), 0);
        size_t n = c->suite->npk;
        assert_int_equal(crypto_check_public(c, bytes_of(pub, n)), 0);
        assert_int_equal(crypto_check_public(public_only, bytes_of(pub, n)), 0);
        assert_int_equal(crypto_check_public(c, bytes_of(pub, n - 1)), CONCLAVE_EKEY);
        pub[n - 1] ^= 1; /* off the curve */
        agrees(c, pub);
        assert_int_equal(crypto_check_public(public_only, bytes_of(pub, n)), CONCLAVE_EKEY);
        pub[n - 1] ^= 1;
        pub[0] = 0x02; /* compressed: not of RFC 9420 5.1.1 */
        assert_int_equal(crypto_check_public(c, bytes_of(pub, n)), CONCLAVE_EKEY);
        secret_wipe(&priv);
        crypto_free(c);
        crypto_free(public_only);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_points_of_curve25519_are_refused),
        cmocka_unit_test(small_points_of_curve448_are_refused),
        cmocka_unit_test(what_is_no_point_of_a_nist_curve_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
