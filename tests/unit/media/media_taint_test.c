/* For `make taint`: keys and plaintexts are marked secret, and memcheck reports every branch and
 * every address of ours that depends on one. What a frame shows on the wire is marked public when
 * it gets there. Without that build these are ordinary round trips. */
#include "media.h"

#include "base/taint.h"
#include "rtc/srtp_session.h"
#include "sframe/keys.h"

#define SIZE 200

/* A valgrind without AVX-512 shows ipsec-mb another processor; OpenSSL is there always. */
static enum aead_choice choices[] = {AEAD_OPENSSL, AEAD_IPSECMB};

static struct sframe_keys *member(enum aead_choice choice, uint16_t suite, uint32_t leaf)
{
    static uint8_t base_key[96] = {1, 2, 3};
    struct sframe_epoch e = {1, bytes_of(base_key, sizeof base_key), 10, leaf, SFRAME_SWITCH_NOW};
    struct sframe_keys *k = NULL;
    int rv = keys_new_with(suite, 4, SFRAME_INSIDE, choice, &k);
    if (rv == CONCLAVE_EUNSUPPORTED)
        return NULL;
    assert_int_equal(rv, 0);
    taint_secret(base_key, sizeof base_key);
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), 0);
    return k;
}

static void sframe_branches_on_no_secret(void **state)
{
    static uint8_t plain[SIZE], frame[SIZE + SFRAME_OVERHEAD_MAX], out[SIZE];
    size_t n = 0, got = 0;
    (void)state;
    for (size_t i = 0; i < 16; i++) {
        uint16_t suite = (uint16_t)(1 + i % 8);
        struct sframe_keys *a = member(choices[i / 8], suite, 1);
        struct sframe_keys *b = member(choices[i / 8], suite, 2);
        if (a == NULL || b == NULL)
            continue;
        for (int round = 0; round < 3; round++) {
            taint_secret(plain, sizeof plain);
            assert_int_equal(sframe_seal(a, 0, bytes_of("m", 1), bytes_of(plain, SIZE), 0, frame,
                                         sizeof frame, &n),
                             0);
            taint_public(frame, n); /* it goes out */
            frame[n - 1] ^= 1;
            assert_int_equal(
                sframe_open(b, bytes_of("m", 1), bytes_of(frame, n), 0, out, SIZE, &got, NULL),
                CONCLAVE_EDECRYPT);
            frame[n - 1] ^= 1;
            assert_int_equal(
                sframe_open(b, bytes_of("m", 1), bytes_of(frame, n), 0, out, SIZE, &got, NULL), 0);
            taint_public(out, sizeof out);
            taint_public(plain, sizeof plain);
            assert_memory_equal(out, plain, SIZE);
        }
        sframe_keys_free(a);
        sframe_keys_free(b);
    }
}

static void srtp_branches_on_no_secret(void **state)
{
    static uint8_t master[32 + SRTP_SALT] = {9}, packet[SIZE + 64];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct aead_engine *e = NULL;
        struct srtp *a = NULL, *b = NULL;
        size_t n = SIZE;
        if (aead_engine_new(choices[i], &e) != 0)
            continue;
        taint_secret(master, sizeof master);
        struct bytes key = bytes_of(master, 32), salt = bytes_of(master + 32, SRTP_SALT);
        assert_int_equal(srtp_new(e, SRTP_AEAD_AES_256_GCM, SRTP_SEALING, key, salt, &a), 0);
        assert_int_equal(srtp_new(e, SRTP_AEAD_AES_256_GCM, SRTP_OPENING, key, salt, &b), 0);
        memset(packet, 0, sizeof packet);
        packet[0] = 0x80;
        taint_secret(packet + 12, SIZE - 12);
        assert_int_equal(srtp_seal(a, packet, n, sizeof packet, &n), 0);
        taint_public(packet, n);
        assert_int_equal(srtp_open(b, packet, n, &n), 0);
        taint_secret(packet + 12, SIZE - 12);
        assert_int_equal(srtcp_seal(a, packet, n, sizeof packet, &n), 0);
        taint_public(packet, n);
        packet[n - 6] ^= 1;
        assert_int_equal(srtcp_open(b, packet, n, &n), CONCLAVE_EDECRYPT);
        srtp_free(a);
        srtp_free(b);
        aead_engine_free(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sframe_branches_on_no_secret),
        cmocka_unit_test(srtp_branches_on_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
