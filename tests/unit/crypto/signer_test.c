/* Signature keys and the labelled functions, suite by suite. */
#include "crypto/suite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/labels.h"
#include "wire/writer.h"

#define SUITES 7

static struct crypto *open_suite(uint16_t id)
{
    struct crypto *c = NULL;
    assert_int_equal(crypto_new(id, &c), 0);
    assert_int_equal(crypto_suite(c), id);
    return c;
}

/* RFC 9420 17.1-3, and all others of section 17.1 */
static void all_seven_suites_are_there_and_no_others(void **state)
{
    (void)state;
    for (uint32_t id = 0; id <= UINT16_MAX; id++) {
        struct crypto *c = NULL;
        bool known = id >= 1 && id <= SUITES;
        assert_int_equal(crypto_suite_find((uint16_t)id) != NULL, known);
        if (!known && (id & 0x3ff) == 0) {
            assert_int_equal(crypto_new((uint16_t)id, &c), CONCLAVE_ESUITE);
            assert_null(c);
        }
    }
    for (uint16_t id = 1; id <= SUITES; id++)
        crypto_free(open_suite(id));
    const struct crypto_suite *first = crypto_suite_find(1);
    assert_int_equal(first->curve, CURVE_X25519);
    assert_int_equal(first->aead, AEAD_AES128GCM);
    assert_int_equal(first->hash, HASH_SHA256);
    assert_int_equal(first->sig, SIG_ED25519);
}

static int sign(struct crypto_signer *s, const char *label, const char *text, struct buf *out)
{
    struct bytes part = bytes_str(text);
    buf_clear(out);
    return sign_with_label(s, label, &part, 1, out);
}

static int verify(struct crypto *c, struct bytes pub, const char *label, const char *text,
                  struct bytes sig)
{
    struct bytes part = bytes_str(text);
    return verify_with_label(c, pub, label, &part, 1, sig);
}

static void a_signature_is_of_one_key_label_and_text(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= SUITES; id++) {
        struct crypto *c = open_suite(id);
        struct crypto_signer *s = NULL, *other = NULL;
        struct buf sig = {0};
        assert_int_equal(crypto_signer_generate(c, &s), 0);
        assert_int_equal(crypto_signer_generate(c, &other), 0);
        struct bytes pub = crypto_signer_public(s);
        assert_int_equal(pub.n, c->suite->sig_npk);
        assert_int_equal(sign(s, "Test", "text", &sig), 0);
        assert_true(sig.n <= CRYPTO_SIGNATURE_MAX);
        assert_int_equal(verify(c, pub, "Test", "text", buf_view(&sig)), 0);
        assert_int_equal(verify(c, pub, "Tesu", "text", buf_view(&sig)), CONCLAVE_ESIGNATURE);
        assert_int_equal(verify(c, pub, "Test", "texu", buf_view(&sig)), CONCLAVE_ESIGNATURE);
        assert_int_equal(verify(c, crypto_signer_public(other), "Test", "text", buf_view(&sig)),
                         CONCLAVE_ESIGNATURE);
        for (size_t n = 0; n < sig.n; n++)
            assert_int_equal(verify(c, pub, "Test", "text", bytes_of(sig.p, n)),
                             CONCLAVE_ESIGNATURE);
        sig.p[sig.n / 2] ^= 1;
        assert_int_equal(verify(c, pub, "Test", "text", buf_view(&sig)), CONCLAVE_ESIGNATURE);
        sig.p[sig.n / 2] ^= 1;
        buf_put_zero(&sig, 1);
        assert_int_equal(verify(c, pub, "Test", "text", buf_view(&sig)), CONCLAVE_ESIGNATURE);
        buf_free(&sig);
        crypto_signer_free(s);
        crypto_signer_free(other);
        crypto_free(c);
    }
}

static void bytes_that_are_no_key_verify_nothing(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= SUITES; id++) {
        struct crypto *c = open_suite(id);
        struct crypto_signer *s = NULL;
        struct buf sig = {0};
        uint8_t key[CRYPTO_PUBLIC_KEY_MAX + 1] = {0};
        assert_int_equal(crypto_signer_generate(c, &s), 0);
        assert_int_equal(sign(s, "Test", "text", &sig), 0);
        for (size_t n = 0; n <= sizeof key; n++) { /* of every length, the right one too */
            int rv = verify(c, bytes_of(key, n), "Test", "text", buf_view(&sig));
            assert_true(rv == CONCLAVE_EKEY || rv == CONCLAVE_ESIGNATURE);
        }
        buf_free(&sig);
        crypto_signer_free(s);
        crypto_free(c);
    }
}

static void a_private_key_comes_back_as_it_went(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= SUITES; id++) {
        struct crypto *c = open_suite(id);
        struct crypto_signer *s = NULL, *again = NULL;
        struct buf priv = {0}, sig = {0};
        assert_int_equal(crypto_signer_generate(c, &s), 0);
        assert_int_equal(crypto_signer_private(s, &priv), 0);
        assert_int_equal(priv.n, c->suite->sig_nsk);
        assert_int_equal(crypto_signer_from_private(c, buf_view(&priv), &again), 0);
        assert_true(bytes_equal(crypto_signer_public(s), crypto_signer_public(again)));
        assert_int_equal(sign(again, "Test", "text", &sig), 0);
        assert_int_equal(verify(c, crypto_signer_public(s), "Test", "text", buf_view(&sig)), 0);
        crypto_signer_free(again);
        again = NULL;
        assert_int_equal(crypto_signer_from_private(c, bytes_of(priv.p, priv.n - 1), &again),
                         CONCLAVE_EKEY);
        assert_int_equal(crypto_signer_from_private(c, bytes_of(NULL, 0), &again), CONCLAVE_EKEY);
        if (c->suite->sig != SIG_ED25519 && c->suite->sig != SIG_ED448) {
            memset(priv.p, 0, priv.n); /* zero is no scalar, nor is all ones */
            assert_int_equal(crypto_signer_from_private(c, buf_view(&priv), &again), CONCLAVE_EKEY);
            memset(priv.p, 0xff, priv.n);
            assert_int_equal(crypto_signer_from_private(c, buf_view(&priv), &again), CONCLAVE_EKEY);
        }
        assert_null(again);
        buf_free(&priv);
        buf_free(&sig);
        crypto_signer_free(s);
        crypto_free(c);
    }
}

/* ---- A key that somebody else holds ---- */

struct token {
    struct crypto_signer *signer;
    bool broken, greedy;
};

static int token_sign(void *ctx, struct bytes message, uint8_t *out, size_t *out_n)
{
    struct token *t = ctx;
    if (t->broken)
        return CONCLAVE_ECRYPTO;
    int rv = crypto_sign(t->signer, &message, 1, out, out_n);
    if (t->greedy)
        *out_n = CRYPTO_SIGNATURE_MAX + 1;
    return rv;
}

static void a_key_elsewhere_signs_as_well(void **state)
{
    (void)state;
    struct crypto *c = open_suite(2);
    struct crypto_signer *outside = NULL;
    struct token t = {0};
    struct buf sig = {0}, priv = {0};
    assert_int_equal(crypto_signer_generate(c, &t.signer), 0);
    struct bytes pub = crypto_signer_public(t.signer);
    assert_int_equal(crypto_signer_external(pub, token_sign, &t, &outside), 0);
    assert_true(bytes_equal(crypto_signer_public(outside), pub));
    assert_int_equal(sign(outside, "Test", "text", &sig), 0);
    assert_int_equal(verify(c, pub, "Test", "text", buf_view(&sig)), 0);
    assert_int_equal(crypto_signer_private(outside, &priv), CONCLAVE_EUNSUPPORTED);
    t.broken = true;
    assert_int_not_equal(sign(outside, "Test", "text", &sig), 0);
    assert_int_equal(sig.n, 0);
    t.broken = false;
    t.greedy = true; /* it says it wrote more than there is room for */
    assert_int_not_equal(sign(outside, "Test", "text", &sig), 0);
    assert_int_equal(sig.n, 0);
    buf_free(&sig);
    crypto_signer_free(outside);
    crypto_signer_free(t.signer);
    crypto_free(c);
}

/* ---- Labels ---- */

/* RFC 9420 5.2: RefHash(label, value) = Hash(label<V> || value<V>) */
static void a_reference_is_a_hash_with_its_label(void **state)
{
    (void)state;
    struct crypto *c = open_suite(1);
    struct buf b = {0};
    uint8_t ref[64], by_hand[64];
    struct bytes value = bytes_str("value");
    assert_int_equal(ref_hash(c, "MLS 1.0 KeyPackage Reference", &value, 1, ref), 0);
    write_vec(&b, bytes_str("MLS 1.0 KeyPackage Reference"));
    write_vec(&b, value);
    struct bytes input = buf_view(&b);
    assert_int_equal(crypto_hash(c, &input, 1, by_hand), 0);
    assert_memory_equal(ref, by_hand, 32);
    buf_free(&b);
    crypto_free(c);
}

/* RFC 9420 8: KDFLabel = length, "MLS 1.0 " + label, context */
static void an_expansion_has_its_label_and_length(void **state)
{
    (void)state;
    struct crypto *c = open_suite(1);
    struct secret secret = {0};
    struct buf label = {0};
    uint8_t out[48], by_hand[48];
    assert_true(secret_set(&secret, bytes_str("a secret of thirty-two bytes now")));
    assert_int_equal(expand_with_label(c, &secret, "test", bytes_str("context"), sizeof out, out),
                     0);
    write_u16(&label, sizeof out);
    write_vec(&label, bytes_str("MLS 1.0 test"));
    write_vec(&label, bytes_str("context"));
    struct bytes info = buf_view(&label);
    assert_int_equal(crypto_expand(c, &secret, &info, 1, sizeof out, by_hand), 0);
    assert_memory_equal(out, by_hand, sizeof out);
    assert_int_equal(
        expand_with_label(c, &secret, "test", bytes_str("context"), sizeof out - 1, by_hand), 0);
    assert_memory_not_equal(out, by_hand, sizeof out - 1);
    buf_free(&label);
    crypto_free(c);
}

/* A public context hashes and verifies, and has nothing else. */
static void a_public_context_opens_nothing(void **state)
{
    (void)state;
    struct crypto *c = NULL;
    struct secret key, out = {0};
    struct buf b = {0};
    uint8_t nonce[12] = {0}, pub[CRYPTO_PUBLIC_KEY_MAX], mac[64];
    struct bytes text = bytes_str("sixteen bytes and some more of it");
    struct hpke_info info = {{0}};
    assert_int_equal(crypto_new_public(1, &c), 0);
    secret_zero(&key, 32);
    assert_int_equal(crypto_hash(c, &text, 1, mac), 0);
    assert_int_equal(crypto_hmac(c, text, &text, 1, mac), CONCLAVE_EUNSUPPORTED);
    assert_int_equal(crypto_aead_seal(c, &key, nonce, text, text, &b), CONCLAVE_EUNSUPPORTED);
    assert_int_equal(crypto_aead_open(c, &key, nonce, text, text, &b), CONCLAVE_EUNSUPPORTED);
    assert_int_equal(hpke_public_key(c, &key, pub), CONCLAVE_EUNSUPPORTED);
    assert_int_equal(hpke_generate_key_pair(c, &out, pub), CONCLAVE_EUNSUPPORTED);
    assert_int_not_equal(hpke_seal(c, text, &info, text, text, pub, &b), 0);
    assert_int_not_equal(hpke_open(c, &key, bytes_of(nonce, 12), &info, text, text, &b), 0);
    assert_int_equal(b.n, 0);
    buf_free(&b);
    crypto_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_seven_suites_are_there_and_no_others),
        cmocka_unit_test(a_signature_is_of_one_key_label_and_text),
        cmocka_unit_test(bytes_that_are_no_key_verify_nothing),
        cmocka_unit_test(a_private_key_comes_back_as_it_went),
        cmocka_unit_test(a_key_elsewhere_signs_as_well),
        cmocka_unit_test(a_reference_is_a_hash_with_its_label),
        cmocka_unit_test(an_expansion_has_its_label_and_length),
        cmocka_unit_test(a_public_context_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
