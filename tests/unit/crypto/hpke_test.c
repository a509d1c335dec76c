/* HPKE: the vectors of RFC 9180, appendix A, mode_base, for those suites that have them, and what
 * must not open for all.
 */
#include "crypto/hpke.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ikmE, its keys; ikmR, its keys; the first ciphertext; the value exported for "TestContext". */
struct vector {
    uint16_t suite;
    const char *ikm_e, *sk_e, *enc, *ikm_r, *sk_r, *pk_r, *ciphertext, *exported;
};

#define INFO "4f6465206f6e2061204772656369616e2055726e"
#define PLAIN "4265617574792069732074727574682c20747275746820626561757479"
#define AAD "436f756e742d30"

static const struct vector vectors[] = {
    /* A.1.1 */
    {1, "7268600d403fce431561aef583ee1613527cff655c1343f29812e66706df3234",
     "52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736",
     "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
     "6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037",
     "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
     "3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
     "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a9"
     "6d8770ac83d07bea87e13c512a",
     "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931"},
    /* A.2.1 */
    {3, NULL, "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600",
     "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a", NULL,
     "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb",
     "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a",
     "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
     "21993c62ce81883d2dd1b51a28",
     "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53"},
    /* A.3.1 */
    {2, "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e",
     "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb",
     "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c"
     "0900be863c403ce65c9bfcb9382657222d18c4",
     "668b37171f1072f3cf12ea8a236a45df23fc13b82af3609ad1e354f6ef817550",
     "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2",
     "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62f"
     "b3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
     "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434",
     "d8f1ea7942adbba7412c6d431c62d01371ea476b823eb697e1f6e6cae1dab85a"},
    /* A.6.1; its exported values are shorter than the 64 bytes that MLS exports */
    {5,
     "7f06ab8215105fc46aceeb2e3dc5028b44364f960426eb0d8e4026c2f8b5d7e7a986688f1591abf5ab753c357a5d"
     "6f0440414b4ed4ede71317772ac98d9239f70904",
     "014784c692da35df6ecde98ee43ac425dbdd0969c0c72b42f2e708ab9d535415a8569bdacfcc0a114c85b8e3f26a"
     "cf4d68115f8c91a66178cdbd03b7bcc5291e374b",
     "040138b385ca16bb0d5fa0c0665fbbd7e69e3ee29f63991d3e9b5fa740aab8900aaeed46ed73a49055758425a0ce"
     "36507c54b29cc5b85a5cee6bae0cf1c21f2731ece2013dc3fb7c8d21654bb161b463962ca19e8c654ff24c94dd28"
     "98de12051f1ed0692237fb02b2f8d1dc1c73e9b366b529eb436e98a996ee522aef863dd5739d2f29b0",
     "2ad954bbe39b7122529f7dde780bff626cd97f850d0784a432784e69d86eccaade43b6c10a8ffdb94bf943c6da47"
     "9db137914ec835a7e715e36e45e29b587bab3bf1",
     "01462680369ae375e4b3791070a7458ed527842f6a98a79ff5e0d4cbde83c27196a3916956655523a6a2556a7af6"
     "2c5cadabe2ef9da3760bb21e005202f7b2462847",
     "0401b45498c1714e2dce167d3caf162e45e0642afc7ed435df7902ccae0e84ba0f7d373f646b7738bbbdca11ed91"
     "bdeae3cdcba3301f2457be452f271fa6837580e661012af49583a62e48d44bed350c7118c0d8dc861c238c72a2bd"
     "a17f64704f464b57338e7f40b60959480c0e58e6559b190d81663ed816e523b6b6a418f66d2451ec64",
     "170f8beddfe949b75ef9c387e201baf4132fa7374593dfafa90768788b7b2b200aafcc6d80ea4c795a7c5b841a",
     NULL},
};

#define VECTORS (sizeof vectors / sizeof vectors[0])

static struct bytes unhex(const char *hex, uint8_t *out)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned v = 0;
        for (size_t k = 0; k < 2; k++) {
            char c = hex[2 * i + k];
            v = v * 16 + (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        out[i] = (uint8_t)v;
    }
    return bytes_of(out, n);
}

static struct crypto *open_suite(uint16_t id)
{
    struct crypto *c = NULL;
    assert_int_equal(crypto_new(id, &c), 0);
    return c;
}

static void derives(struct crypto *c, const char *ikm, const char *sk, const char *pk)
{
    uint8_t a[256], b[256], pub[CRYPTO_PUBLIC_KEY_MAX];
    struct secret priv = {0};
    if (ikm == NULL)
        return;
    assert_int_equal(hpke_derive_key_pair(c, unhex(ikm, a), &priv, pub), 0);
    assert_true(bytes_equal(secret_view(&priv), unhex(sk, b)));
    assert_true(bytes_equal(bytes_of(pub, c->suite->npk), unhex(pk, b)));
}

static void key_pairs_are_those_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *v = &vectors[i];
        struct crypto *c = open_suite(v->suite);
        struct secret priv = {0};
        uint8_t a[256], pub[CRYPTO_PUBLIC_KEY_MAX];
        derives(c, v->ikm_e, v->sk_e, v->enc);
        derives(c, v->ikm_r, v->sk_r, v->pk_r);
        assert_true(secret_set(&priv, unhex(v->sk_r, a)));
        assert_int_equal(hpke_public_key(c, &priv, pub), 0);
        assert_true(bytes_equal(bytes_of(pub, c->suite->npk), unhex(v->pk_r, a)));
        crypto_free(c);
    }
}

static void ciphertexts_of_the_rfc_open(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *v = &vectors[i];
        struct crypto *c = open_suite(v->suite);
        struct hpke_info info;
        struct secret priv = {0};
        struct buf plain = {0};
        uint8_t a[256], enc[256], ct[256], aad[16], text[64];
        struct bytes info_bytes = unhex(INFO, a);
        assert_int_equal(hpke_info_init(c, &info_bytes, 1, &info), 0);
        assert_true(secret_set(&priv, unhex(v->sk_r, a)));
        assert_int_equal(hpke_open(c, &priv, unhex(v->enc, enc), &info, unhex(AAD, aad),
                                   unhex(v->ciphertext, ct), &plain),
                         0);
        assert_true(bytes_equal(buf_view(&plain), unhex(PLAIN, text)));
        buf_free(&plain);
        crypto_free(c);
    }
}

static void exported_values_are_those_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < VECTORS; i++) {
        const struct vector *v = &vectors[i];
        struct crypto *c = open_suite(v->suite);
        struct hpke_info info;
        struct secret priv = {0}, out = {0};
        uint8_t a[256], enc[256];
        struct bytes info_bytes = unhex(INFO, a);
        assert_int_equal(hpke_info_init(c, &info_bytes, 1, &info), 0);
        assert_true(secret_set(&priv, unhex(v->sk_r, a)));
        assert_int_equal(
            hpke_receive_export(c, &priv, unhex(v->enc, enc), &info, "TestContext", &out), 0);
        if (v->exported != NULL)
            assert_true(bytes_equal(secret_view(&out), unhex(v->exported, a)));
        crypto_free(c);
    }
}

static void what_is_sealed_opens_for_one_key_only(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 7; id++) {
        struct crypto *c = open_suite(id);
        struct secret priv = {0}, other = {0};
        uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], other_pub[CRYPTO_PUBLIC_KEY_MAX];
        uint8_t enc[CRYPTO_PUBLIC_KEY_MAX], again[CRYPTO_PUBLIC_KEY_MAX];
        struct hpke_info info, other_info;
        struct buf sealed = {0}, twice = {0}, plain = {0};
        struct bytes text = bytes_str("text"), aad = bytes_str("aad"), i1 = bytes_str("one"),
                     i2 = bytes_str("two");
        size_t npk = c->suite->npk;
        assert_int_equal(hpke_generate_key_pair(c, &priv, pub), 0);
        assert_int_equal(hpke_generate_key_pair(c, &other, other_pub), 0);
        assert_int_equal(hpke_info_init(c, &i1, 1, &info), 0);
        assert_int_equal(hpke_info_init(c, &i2, 1, &other_info), 0);
        assert_int_equal(hpke_seal(c, bytes_of(pub, npk), &info, aad, text, enc, &sealed), 0);
        assert_int_equal(hpke_seal(c, bytes_of(pub, npk), &info, aad, text, again, &twice), 0);
        /* each context has a key of its own and seals once: a counter cannot wrap */
        assert_memory_not_equal(enc, again, npk);
        assert_false(bytes_equal(buf_view(&sealed), buf_view(&twice)));
        struct bytes e = bytes_of(enc, npk), ct = buf_view(&sealed);
        assert_int_equal(hpke_open(c, &priv, e, &info, aad, ct, &plain), 0);
        assert_true(bytes_equal(buf_view(&plain), text));
        buf_clear(&plain);
        assert_int_equal(hpke_open(c, &other, e, &info, aad, ct, &plain), CONCLAVE_EDECRYPT);
        assert_int_equal(hpke_open(c, &priv, e, &other_info, aad, ct, &plain), CONCLAVE_EDECRYPT);
        assert_int_equal(hpke_open(c, &priv, e, &info, text, ct, &plain), CONCLAVE_EDECRYPT);
        assert_int_equal(hpke_open(c, &priv, bytes_of(again, npk), &info, aad, ct, &plain),
                         CONCLAVE_EDECRYPT);
        for (size_t n = 0; n < ct.n; n++) /* short tags, and none */
            assert_int_equal(hpke_open(c, &priv, e, &info, aad, bytes_of(ct.p, n), &plain),
                             CONCLAVE_EDECRYPT);
        for (size_t n = 0; n < npk; n += 7)
            assert_int_equal(hpke_open(c, &priv, bytes_of(enc, n), &info, aad, ct, &plain),
                             CONCLAVE_EDECRYPT);
        assert_int_equal(plain.n, 0);
        buf_free(&sealed);
        buf_free(&twice);
        buf_free(&plain);
        crypto_free(c);
    }
}

/* RFC 9180 7.1.4: points that are not on the curve; X25519 and X448 results of zero */
static void bytes_that_are_no_key_are_not_sealed_to(void **state)
{
    (void)state;
    for (uint16_t id = 1; id <= 7; id++) {
        struct crypto *c = open_suite(id);
        uint8_t key[CRYPTO_PUBLIC_KEY_MAX] = {0}, enc[CRYPTO_PUBLIC_KEY_MAX];
        struct hpke_info info;
        struct buf sealed = {0};
        struct secret priv = {0}, out = {0};
        uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
        struct bytes none = {0};
        size_t npk = c->suite->npk;
        assert_int_equal(hpke_info_init(c, NULL, 0, &info), 0);
        assert_int_equal(hpke_generate_key_pair(c, &priv, pub), 0);
        for (size_t n = 0; n < npk; n++) /* too short */
            assert_int_equal(hpke_seal(c, bytes_of(pub, n), &info, none, none, enc, &sealed),
                             CONCLAVE_EKEY);
        for (uint8_t form = 0; form < 6; form++) { /* zero, infinity, compressed, off the curve */
            key[0] = form;
            if (form == 4 && npk > 56)
                key[1] = 1;
            if (npk <= 56 && form > 1)
                break; /* X25519 and X448: points of low order are 0 and 1 */
            assert_int_equal(hpke_seal(c, bytes_of(key, npk), &info, none, none, enc, &sealed),
                             CONCLAVE_EKEY);
            assert_int_equal(hpke_open(c, &priv, bytes_of(key, npk), &info, none, none, &sealed),
                             CONCLAVE_EDECRYPT);
            assert_int_equal(hpke_receive_export(c, &priv, bytes_of(key, npk), &info, "x", &out),
                             CONCLAVE_EDECRYPT);
            assert_int_equal(hpke_send_export(c, bytes_of(key, npk), &info, "x", enc, &out),
                             CONCLAVE_EKEY);
        }
        assert_int_equal(sealed.n, 0);
        assert_int_equal(out.n, 0);
        buf_free(&sealed);
        crypto_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_pairs_are_those_of_the_rfc),
        cmocka_unit_test(ciphertexts_of_the_rfc_open),
        cmocka_unit_test(exported_values_are_those_of_the_rfc),
        cmocka_unit_test(what_is_sealed_opens_for_one_key_only),
        cmocka_unit_test(bytes_that_are_no_key_are_not_sealed_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
