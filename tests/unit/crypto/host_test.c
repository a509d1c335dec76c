/* The host provider does what OpenSSL's does, given a host that is right, and refuses what it must
 * refuse itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/aead.h"
#include "crypto/host/ecdsa.h"
#include "crypto/host/signer.h"
#include "crypto/host/spki.h"
#include "crypto/hpke.h"
#include "host_openssl.h"

static const uint16_t offered[] = {1, 2, 5, 7};
#define OFFERED (sizeof offered / sizeof offered[0])

static struct crypto *make(uint16_t suite, const struct crypto_ops *ops)
{
    struct crypto *c = NULL;
    assert_int_equal(crypto_new_with(suite, ops, hpke_ready, &c), 0);
    return c;
}

/* ---- The form of signatures ---- */

static void a_signature_comes_back_from_two_numbers_as_it_was(void **state)
{
    static const uint16_t suites[] = {2, 7, 5};
    uint8_t der[CRYPTO_SIGNATURE_MAX], raw[2 * ECDSA_SIZE_MAX], again[CRYPTO_SIGNATURE_MAX];
    struct bytes message = bytes_str("tea");
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct crypto *c = make(suites[i], &crypto_openssl);
        struct crypto_signer *s = NULL;
        size_t size = crypto_suite_find(suites[i])->sig_nsk, n = 0;
        assert_int_equal(crypto_signer_generate(c, &s), 0);
        for (int k = 0; k < 100; k++) { /* in some a number has leading zeros */
            assert_int_equal(crypto_sign(s, &message, 1, der, &n), 0);
            assert_int_equal(host_ecdsa_read(bytes_of(der, n), size, raw), 0);
            assert_int_equal(host_ecdsa_write(raw, size, again), n);
            assert_memory_equal(again, der, n);
        }
        crypto_signer_free(s);
        crypto_free(c);
    }
}

static void numbers_keep_their_size(void **state)
{
    static const uint8_t small[] = {0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x7f};
    uint8_t raw[64], want[64] = {0}, der[80];
    (void)state;
    want[31] = 1;
    want[63] = 0x7f;
    assert_int_equal(host_ecdsa_read(bytes_of(small, sizeof small), 32, raw), 0);
    assert_memory_equal(raw, want, sizeof want);
    assert_int_equal(host_ecdsa_write(want, 32, der), sizeof small);
    assert_memory_equal(der, small, sizeof small);
}

static void what_is_no_signature_is_refused(void **state)
{
    static const struct {
        const char *why;
        uint8_t n, der[40];
    } wrong[] = {
        {"empty", 0, {0}},
        {"no numbers", 2, {0x30, 0}},
        {"one number", 5, {0x30, 3, 2, 1, 1}},
        {"a third number", 11, {0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}},
        {"something behind", 9, {0x30, 6, 2, 1, 1, 2, 1, 1, 0}},
        {"a negative number", 8, {0x30, 6, 2, 1, 0x80, 2, 1, 1}},
        {"a zero too many", 9, {0x30, 7, 2, 2, 0, 1, 2, 1, 1}},
        {"a long length", 9, {0x30, 0x81, 6, 2, 1, 1, 2, 1, 1}},
        {"a set", 8, {0x31, 6, 2, 1, 1, 2, 1, 1}},
        {"an empty number", 7, {0x30, 5, 2, 0, 2, 1, 1}},
        {"33 bytes", 40, {0x30, 38, 2, 33, 1, [37] = 2, 1, 1}},
    };
    uint8_t raw[64] = {0}, before[64] = {0};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (host_ecdsa_read(bytes_of(wrong[i].der, wrong[i].n), 32, raw) != CONCLAVE_ESIGNATURE)
            fail_msg("taken: %s", wrong[i].why);
        assert_memory_equal(raw, before, sizeof before);
    }
}

/* ---- The suites ---- */

static void what_one_provider_seals_the_other_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < OFFERED; i++) {
        struct crypto *a = make(offered[i], &crypto_host), *b = make(offered[i], &crypto_openssl);
        const struct bytes info = bytes_str("info"), none = bytes_of(NULL, 0);
        uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], enc[CRYPTO_PUBLIC_KEY_MAX];
        struct hpke_info shared;
        struct secret priv;
        struct buf cipher = {0}, plain = {0};
        size_t npk = crypto_suite_find(offered[i])->npk;
        assert_int_equal(hpke_generate_key_pair(a, &priv, pub), 0);
        assert_int_equal(hpke_info_init(a, &info, 1, &shared), 0);
        assert_int_equal(
            hpke_seal(b, bytes_of(pub, npk), &shared, none, bytes_str("tea"), enc, &cipher), 0);
        assert_int_equal(
            hpke_open(a, &priv, bytes_of(enc, npk), &shared, none, buf_view(&cipher), &plain), 0);
        assert_true(bytes_equal(buf_view(&plain), bytes_str("tea")));
        cipher.p[0] ^= 1;
        assert_int_equal(
            hpke_open(a, &priv, bytes_of(enc, npk), &shared, none, buf_view(&cipher), &plain),
            CONCLAVE_EDECRYPT);
        buf_free(&cipher);
        buf_free(&plain);
        secret_wipe(&priv);
        crypto_free(a);
        crypto_free(b);
    }
}

static void a_key_of_the_host_signs_what_others_verify(void **state)
{
    const struct bytes parts[2] = {bytes_str("is there "), bytes_str("tea?")};
    (void)state;
    for (size_t i = 0; i < OFFERED; i++) {
        struct crypto *a = make(offered[i], &crypto_host), *b = make(offered[i], &crypto_openssl);
        struct crypto_signer *s = NULL;
        struct buf priv = {0};
        uint8_t sig[CRYPTO_SIGNATURE_MAX];
        size_t n = 0;
        assert_int_equal(crypto_signer_generate(b, &host_test_key), 0);
        struct bytes pub = crypto_signer_public(host_test_key);
        assert_int_equal(host_signer_new(offered[i], pub, HOST_TEST_NUMBER, &s), 0);
        assert_int_equal(crypto_sign(s, parts, 2, sig, &n), 0);
        assert_int_equal(crypto_verify(b, pub, parts, 2, bytes_of(sig, n)), 0);
        assert_int_equal(crypto_verify(a, pub, parts, 2, bytes_of(sig, n)), 0);
        assert_int_equal(crypto_verify(a, pub, parts, 1, bytes_of(sig, n)), CONCLAVE_ESIGNATURE);
        for (size_t short_n = 0; short_n < n; short_n++)
            assert_int_equal(crypto_verify(a, pub, parts, 2, bytes_of(sig, short_n)),
                             CONCLAVE_ESIGNATURE);
        assert_int_equal(crypto_signer_private(s, &priv), CONCLAVE_EUNSUPPORTED);
        crypto_signer_free(s);
        assert_int_equal(host_signer_new(offered[i], pub, HOST_TEST_NUMBER + 1, &s), 0);
        assert_int_equal(crypto_sign(s, parts, 2, sig, &n), CONCLAVE_ECRYPTO);
        crypto_signer_free(s);
        assert_int_equal(host_signer_new(offered[i], bytes_of(pub.p, pub.n - 1), 1, &s),
                         CONCLAVE_EKEY);
        crypto_signer_free(host_test_key);
        crypto_free(a);
        crypto_free(b);
    }
}

static void a_point_off_the_curve_is_no_key(void **state)
{
    uint8_t point[65] = {4, 1};
    const struct bytes message = bytes_str("tea");
    static const uint8_t sig[] = {0x30, 6, 2, 1, 1, 2, 1, 1};
    struct crypto *c = make(2, &crypto_host);
    (void)state;
    struct bytes pub = bytes_of(point, sizeof point);
    assert_int_equal(crypto_check_public(c, pub), CONCLAVE_EKEY);
    assert_int_equal(crypto_verify(c, pub, &message, 1, bytes_of(sig, sizeof sig)), CONCLAVE_EKEY);
    point[0] = 2; /* a compressed one: RFC 9420 5.1.1 knows none */
    assert_int_equal(crypto_verify(c, pub, &message, 1, bytes_of(sig, sizeof sig)), CONCLAVE_EKEY);
    crypto_free(c);
}

static void suites_that_browsers_lack_are_not_offered(void **state)
{
    static const uint16_t lacking[] = {3, 4, 6};
    struct crypto *c = NULL;
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(crypto_new_with(lacking[i], &crypto_host, hpke_ready, &c),
                         CONCLAVE_ECRYPTO);
    assert_null(c);
}

/* ---- Keyed AEADs, with ciphertext and tag apart ---- */

static void a_name_sealed_here_opens_there(void **state)
{
    static const uint8_t key[32] = {1}, nonce[AEAD_NONCE] = {2};
    _Alignas(64) uint8_t room[256] = {0};
    struct aead *here = (struct aead *)(void *)room, *there = NULL;
    struct aead_engine *engine = NULL;
    uint8_t text[3], back[3], tag[AEAD_TAG];
    (void)state;
    assert_int_equal(aead_engine_new(AEAD_OPENSSL, &engine), 0);
    assert_int_equal(aead_new(engine, AEAD_ALG_GCM256, AEAD_TAG, bytes_of(key, 32), &there), 0);
    assert_in_range(sizeof *here + aead_provider_host.state_size(AEAD_ALG_GCM256), 1, sizeof room);
    assert_int_equal(aead_provider_host.init(NULL, here, AEAD_ALG_GCM256, bytes_of(key, 32)), 0);
    assert_int_equal(aead_seal(here, nonce, bytes_str("who"), bytes_str("Ada"), text, tag), 0);
    assert_int_equal(aead_open(there, nonce, bytes_str("who"), bytes_of(text, 3), tag, back), 0);
    assert_memory_equal(back, "Ada", 3);
    assert_int_equal(aead_open(here, nonce, bytes_str("who"), bytes_of(text, 3), tag, back), 0);
    tag[0] ^= 1;
    assert_int_equal(aead_open(here, nonce, bytes_str("who"), bytes_of(text, 3), tag, back),
                     CONCLAVE_EDECRYPT);
    assert_memory_equal(back, "\0\0\0", 3);
    assert_int_equal(aead_provider_host.state_size(AEAD_ALG_CTR128_SHA256), 0);
    aead_free(there);
    aead_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_comes_back_from_two_numbers_as_it_was),
        cmocka_unit_test(numbers_keep_their_size),
        cmocka_unit_test(what_is_no_signature_is_refused),
        cmocka_unit_test(what_one_provider_seals_the_other_opens),
        cmocka_unit_test(a_key_of_the_host_signs_what_others_verify),
        cmocka_unit_test(a_point_off_the_curve_is_no_key),
        cmocka_unit_test(suites_that_browsers_lack_are_not_offered),
        cmocka_unit_test(a_name_sealed_here_opens_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
