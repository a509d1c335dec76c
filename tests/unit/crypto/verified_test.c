/* Remembered signatures: good ones are not verified again, and nothing else passes for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/labels.h"

struct fixture {
    struct crypto *crypto;
    struct crypto_signer *signer;
    struct crypto_verified *verified;
    struct buf signature;
    uint64_t hits, misses;
};

static const char message[] = "The meeting is at four.";

static int verify(struct fixture *f, const char *text)
{
    struct bytes part = bytes_str(text);
    int rv = verify_with_label(f->crypto, crypto_signer_public(f->signer), "Test", &part, 1,
                               buf_view(&f->signature));
    crypto_verified_counts(f->verified, &f->hits, &f->misses);
    return rv;
}

static void setup(struct fixture *f, size_t entries)
{
    struct bytes part = bytes_str(message);
    *f = (struct fixture){0};
    assert_int_equal(crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &f->crypto), 0);
    assert_int_equal(crypto_signer_generate(f->crypto, &f->signer), 0);
    assert_int_equal(crypto_verified_new(entries, &f->verified), 0);
    assert_int_equal(sign_with_label(f->signer, "Test", &part, 1, &f->signature), 0);
    crypto_remember(f->crypto, f->verified);
}

static void teardown(struct fixture *f)
{
    buf_free(&f->signature);
    crypto_signer_free(f->signer);
    crypto_free(f->crypto);
    crypto_verified_free(f->verified);
}

static void a_good_signature_is_verified_once(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 16);
    for (int i = 0; i < 3; i++)
        assert_int_equal(verify(&f, message), 0);
    assert_int_equal(f.hits, 2);
    assert_int_equal(f.misses, 1);
    teardown(&f);
}

static void a_bad_signature_is_never_remembered(void **state)
{
    struct fixture f;
    (void)state;
    setup(&f, 16);
    for (int i = 0; i < 3; i++)
        assert_int_equal(verify(&f, "The meeting is at five."), CONCLAVE_ESIGNATURE);
    assert_int_equal(f.hits, 0);
    teardown(&f);
}

static void what_was_remembered_holds_for_nothing_else(void **state)
{
    struct fixture f;
    struct crypto_signer *other = NULL;
    struct bytes part = bytes_str(message);
    (void)state;
    setup(&f, 16);
    assert_int_equal(verify(&f, message), 0);
    assert_int_equal(crypto_signer_generate(f.crypto, &other), 0);
    assert_int_equal(verify_with_label(f.crypto, crypto_signer_public(other), "Test", &part, 1,
                                       buf_view(&f.signature)),
                     CONCLAVE_ESIGNATURE);
    assert_int_equal(verify_with_label(f.crypto, crypto_signer_public(f.signer), "Tess", &part, 1,
                                       buf_view(&f.signature)),
                     CONCLAVE_ESIGNATURE);
    f.signature.p[f.signature.n - 1] ^= 1;
    assert_int_equal(verify(&f, message), CONCLAVE_ESIGNATURE);
    crypto_signer_free(other);
    teardown(&f);
}

static void a_public_key_is_checked_once_and_is_no_signature(void **state)
{
    struct fixture f;
    uint8_t key[CRYPTO_PUBLIC_KEY_MAX];
    (void)state;
    setup(&f, 16);
    struct bytes good = crypto_signer_public(f.signer); /* of the same curve as HPKE's */
    for (int i = 0; i < 3; i++)
        assert_int_equal(crypto_check_public(f.crypto, good), 0);
    memcpy(key, good.p, good.n);
    key[good.n - 1] ^= 1; /* on the curve no more */
    for (int i = 0; i < 3; i++)
        assert_int_equal(crypto_check_public(f.crypto, bytes_of(key, good.n)), CONCLAVE_EKEY);
    crypto_verified_counts(f.verified, &f.hits, &f.misses);
    assert_int_equal(f.hits, 2);
    assert_int_equal(f.misses, 4);
    buf_clear(&f.signature);
    assert_int_not_equal(verify(&f, ""), 0);
    teardown(&f);
}

static void a_full_table_forgets_and_goes_on(void **state)
{
    struct fixture f;
    char text[] = "number 0000";
    (void)state;
    setup(&f, 8);
    for (int i = 0; i < 100; i++) {
        text[9] = (char)('0' + i / 10);
        text[10] = (char)('0' + i % 10);
        struct bytes part = bytes_str(text);
        buf_clear(&f.signature);
        assert_int_equal(sign_with_label(f.signer, "Test", &part, 1, &f.signature), 0);
        assert_int_equal(verify(&f, text), 0);
    }
    assert_int_equal(f.misses, 100);
    assert_int_equal(verify(&f, text), 0);
    assert_int_equal(f.hits, 1);
    teardown(&f);
}

static void a_table_has_a_limit(void **state)
{
    struct crypto_verified *v = NULL;
    (void)state;
    assert_int_equal(crypto_verified_new(((size_t)1 << 24) + 1, &v), CONCLAVE_EINVAL);
    assert_null(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_signature_is_verified_once),
        cmocka_unit_test(a_bad_signature_is_never_remembered),
        cmocka_unit_test(what_was_remembered_holds_for_nothing_else),
        cmocka_unit_test(a_public_key_is_checked_once_and_is_no_signature),
        cmocka_unit_test(a_full_table_forgets_and_goes_on),
        cmocka_unit_test(a_table_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
