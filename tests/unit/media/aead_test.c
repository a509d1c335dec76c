/* Keyed AEAD contexts. Every test runs over every provider this machine has. */
#include "media.h"

#include <stdio.h>

#include "crypto/aead.h"
#include "support/alloc_fail.h"

static struct aead_engine *engines[2];
static size_t n_engines;

static int open_engines(void **state)
{
    (void)state;
    assert_int_equal(aead_engine_new(AEAD_OPENSSL, &engines[n_engines++]), 0);
    int rv = aead_engine_new(AEAD_IPSECMB, &engines[n_engines]);
    if (rv == 0)
        n_engines++;
    else
        printf("SKIPPED over ipsec-mb: %s\n", conclave_error_text(rv));
    return 0;
}

static int close_engines(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_engines; i++)
        aead_engine_free(engines[i]);
    return 0;
}

struct vector {
    enum aead_alg alg;
    size_t tag_n;
    const char *key, *nonce, *aad, *plain, *cipher, *tag;
};

#define GCM_PLAIN                                                      \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"

/* McGrew, Viega: "The Galois/Counter Mode of Operation", test cases 4 and 16; RFC 9605 C.2. */
static const struct vector vectors[] = {
    {AEAD_ALG_GCM128, 16, "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_PLAIN,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {AEAD_ALG_GCM256, 16, "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", GCM_PLAIN,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
    {AEAD_ALG_CTR128_SHA256, 10,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d"
     "2e2f",
     "101112131415161718191a1b", "4945544620534672616d65205747",
     "64726166742d696574662d736672616d652d656e63", "6339af04ada1d064688a442b8dc69d5b6bfa40f4be",
     "f0583e8081069cc60705"},
};
#define N_VECTORS (sizeof vectors / sizeof vectors[0])

static void published_vectors_are_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_engines * N_VECTORS; i++) {
        const struct vector *v = &vectors[i % N_VECTORS];
        uint8_t key[96], nonce[12], aad[64], plain[64], cipher[64], tag[16], out[64], got[16];
        size_t key_n = unhex(v->key, key), aad_n = unhex(v->aad, aad);
        size_t n = unhex(v->plain, plain);
        struct aead *a;
        unhex(v->nonce, nonce);
        unhex(v->cipher, cipher);
        unhex(v->tag, tag);
        assert_int_equal(
            aead_new(engines[i / N_VECTORS], v->alg, v->tag_n, bytes_of(key, key_n), &a), 0);
        assert_int_equal(aead_seal(a, nonce, bytes_of(aad, aad_n), bytes_of(plain, n), out, got),
                         0);
        assert_memory_equal(out, cipher, n);
        assert_memory_equal(got, tag, v->tag_n);
        assert_int_equal(aead_open(a, nonce, bytes_of(aad, aad_n), bytes_of(cipher, n), tag, out),
                         0);
        assert_memory_equal(out, plain, n);
        aead_free(a);
    }
}

#define LONGEST 2100

static void providers_agree_at_every_length_in_place_and_out_of_place(void **state)
{
    static uint8_t plain[LONGEST], first[LONGEST], other[LONGEST];
    uint8_t key[32], nonce[12], aad[80], tag[16], tag2[16];
    struct random random = {7};
    (void)state;
    for (size_t n = 0; n < LONGEST; n += n < 300 ? 1 : 97) {
        random_fill(&random, key, sizeof key);
        random_fill(&random, nonce, sizeof nonce);
        random_fill(&random, aad, sizeof aad);
        random_fill(&random, plain, n);
        size_t aad_n = random_u64(&random) % sizeof aad;
        bool large = n % 2 == 0;
        for (size_t i = 0; i < n_engines; i++) {
            struct aead *a;
            assert_int_equal(aead_new(engines[i], large ? AEAD_ALG_GCM256 : AEAD_ALG_GCM128, 16,
                                      bytes_of(key, large ? 32 : 16), &a),
                             0);
            memcpy(other, plain, n);
            assert_int_equal(
                aead_seal(a, nonce, bytes_of(aad, aad_n), bytes_of(other, n), other, tag2), 0);
            if (i == 0) {
                memcpy(first, other, n);
                memcpy(tag, tag2, sizeof tag);
            }
            assert_memory_equal(first, other, n);
            assert_memory_equal(tag, tag2, sizeof tag);
            assert_int_equal(
                aead_open(a, nonce, bytes_of(aad, aad_n), bytes_of(other, n), tag, other), 0);
            assert_memory_equal(other, plain, n);
            aead_free(a);
        }
    }
}

static void any_flipped_bit_is_refused_and_leaves_zeros(void **state)
{
    static const size_t key_sizes[] = {16, 32, 48, 96};
    (void)state;
    for (size_t i = 0; i < n_engines * 4; i++) {
        enum aead_alg alg = (enum aead_alg)(i % 4);
        size_t tag_n = i % 4 < 2 ? 16 : 8;
        uint8_t key[96], parts[12 + 20 + 40 + 16], out[40];
        struct random random = {i};
        struct aead *a;
        random_fill(&random, key, sizeof key);
        random_fill(&random, parts, sizeof parts);
        uint8_t *nonce = parts, *aad = parts + 12, *text = parts + 32, *tag = parts + 72;
        assert_int_equal(aead_new(engines[i / 4], alg, tag_n, bytes_of(key, key_sizes[alg]), &a),
                         0);
        assert_int_equal(aead_seal(a, nonce, bytes_of(aad, 20), bytes_of(text, 40), text, tag), 0);
        for (size_t bit = 0; bit < 8 * (72 + tag_n); bit++) {
            parts[bit / 8] ^= (uint8_t)(1u << (bit % 8));
            memset(out, 0xaa, sizeof out);
            assert_int_equal(aead_open(a, nonce, bytes_of(aad, 20), bytes_of(text, 40), tag, out),
                             CONCLAVE_EDECRYPT);
            assert_true(all_zero(out, sizeof out));
            parts[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        }
        assert_int_equal(aead_open(a, nonce, bytes_of(aad, 20), bytes_of(text, 40), tag, out), 0);
        aead_free(a);
    }
}

static void wrong_key_and_tag_sizes_are_refused(void **state)
{
    uint8_t key[97] = {0};
    struct aead *a;
    (void)state;
    for (enum aead_alg alg = AEAD_ALG_GCM128; alg <= AEAD_ALG_CTR256_SHA512; alg++)
        for (size_t n = 0; n <= sizeof key; n++)
            if (n != aead_key_size(alg))
                assert_int_equal(aead_new(engines[0], alg, 16, bytes_of(key, n), &a),
                                 CONCLAVE_EINVAL);
    /* a short GCM tag gives away the authentication key sooner than its length suggests */
    assert_int_equal(aead_new(engines[0], AEAD_ALG_GCM128, 8, bytes_of(key, 16), &a),
                     CONCLAVE_EINVAL);
    assert_int_equal(aead_new(engines[0], AEAD_ALG_CTR128_SHA256, 3, bytes_of(key, 48), &a),
                     CONCLAVE_EINVAL);
    assert_int_equal(aead_new(engines[0], AEAD_ALG_CTR128_SHA256, 17, bytes_of(key, 48), &a),
                     CONCLAVE_EINVAL);
}

/* RFC 5869 A.3 */
static void hkdf_meets_its_vector(void **state)
{
    uint8_t ikm[22], prk[64], okm[42], want[42];
    (void)state;
    memset(ikm, 0x0b, sizeof ikm);
    assert_int_equal(aead_extract(engines[0], AEAD_SHA256, bytes_of(ikm, sizeof ikm), prk), 0);
    unhex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04", want);
    assert_memory_equal(prk, want, 32);
    assert_int_equal(
        aead_expand(engines[0], AEAD_SHA256, bytes_of(prk, 32), bytes_of(NULL, 0), okm, sizeof okm),
        0);
    unhex("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
          want);
    assert_memory_equal(okm, want, sizeof okm);
}

/* RFC 3711 B.2 */
static void key_stream_meets_its_vector(void **state)
{
    uint8_t key[16], iv[16], out[32], want[32];
    (void)state;
    unhex("2b7e151628aed2a6abf7158809cf4f3c", key);
    unhex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000", iv);
    unhex("e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab", want);
    assert_int_equal(aead_keystream(engines[0], bytes_of(key, 16), iv, out, 32), 0);
    assert_memory_equal(out, want, 32);
}

static void a_call_allocates_nothing(void **state)
{
    uint8_t key[32] = {1}, nonce[12] = {2}, text[100] = {3}, tag[16];
    (void)state;
    for (size_t i = 0; i < n_engines; i++) {
        struct aead *a;
        assert_int_equal(aead_new(engines[i], AEAD_ALG_GCM256, 16, bytes_of(key, 32), &a), 0);
        alloc_fail_after(0);
        int rv = aead_seal(a, nonce, bytes_of(NULL, 0), bytes_of(text, 100), text, tag);
        int rv2 = aead_open(a, nonce, bytes_of(NULL, 0), bytes_of(text, 100), tag, text);
        alloc_fail_off();
        assert_int_equal(rv, 0);
        assert_int_equal(rv2, 0);
        assert_false(alloc_fail_hit());
        aead_free(a);
    }
}

static int make_engine_and_key(void *choice)
{
    uint8_t key[32] = {1};
    struct aead_engine *e = NULL;
    struct aead *a = NULL;
    int rv = aead_engine_new(*(enum aead_choice *)choice, &e);
    if (rv == 0)
        rv = aead_new(e, AEAD_ALG_GCM256, 16, bytes_of(key, 32), &a);
    aead_free(a);
    aead_engine_free(e);
    return rv;
}

static void failing_allocations_are_reported_and_leak_nothing(void **state)
{
    enum aead_choice best = AEAD_BEST, openssl = AEAD_OPENSSL;
    (void)state;
    assert_true(alloc_sweep(make_engine_and_key, &openssl) > 0);
    assert_true(alloc_sweep(make_engine_and_key, &best) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_are_met),
        cmocka_unit_test(providers_agree_at_every_length_in_place_and_out_of_place),
        cmocka_unit_test(any_flipped_bit_is_refused_and_leaves_zeros),
        cmocka_unit_test(wrong_key_and_tag_sizes_are_refused),
        cmocka_unit_test(hkdf_meets_its_vector),
        cmocka_unit_test(key_stream_meets_its_vector),
        cmocka_unit_test(a_call_allocates_nothing),
        cmocka_unit_test(failing_allocations_are_reported_and_leak_nothing),
    };
    return cmocka_run_group_tests(tests, open_engines, close_engines);
}
