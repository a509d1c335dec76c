/* SFrame payloads: the descriptor's bits, and ciphertexts cut and joined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "rtc/sframe_payload.h"
#include "support/alloc_fail.h"
#include "support/random.h"

static void each_bit_is_where_the_draft_puts_it(void **state)
{
    struct sframe_payload s;

    (void)state;
    for (unsigned bits = 0; bits < 256; bits++) { /* the five reserved ones are ignored */
        const uint8_t data[] = {(uint8_t)bits, 0xaa, 0xbb};
        assert_int_equal(sframe_payload_read(bytes_of(data, 3), &s), 0);
        assert_int_equal(s.start, (bits & 0x80) != 0);
        assert_int_equal(s.end, (bits & 0x40) != 0);
        assert_int_equal(s.packetized, (bits & 0x20) != 0);
        assert_ptr_equal(s.content.p, data + 1);
        assert_int_equal(s.content.n, 2);
    }
}

static void a_payload_without_content_is_refused(void **state)
{
    static const uint8_t data[] = {0xc0};
    struct sframe_payload s = {.packetized = true};

    (void)state;
    assert_int_equal(sframe_payload_read(bytes_of(data, 1), &s), CONCLAVE_ESYNTAX);
    assert_int_equal(sframe_payload_read(bytes_of(NULL, 0), &s), CONCLAVE_ESYNTAX);
    assert_true(s.packetized);
}

static void random_ciphertexts_are_cut_and_joined(void **state)
{
    struct random random = {16};
    static uint8_t sealed[20000];
    struct buf payload = {0};
    struct buf joined = {0};

    (void)state;
    random_fill(&random, sealed, sizeof sealed);
    for (int i = 0; i < 500; i++) {
        struct sframe_packetizer p;
        bool packetized = random_chance(&random, 50);
        size_t n = 1 + random_below(&random, random_chance(&random, 50) ? 50 : sizeof sealed);
        size_t mtu = 2 + random_below(&random, 1300);
        size_t count = 0;
        bool last = false;
        buf_clear(&joined);
        assert_int_equal(sframe_packetizer_init(&p, bytes_of(sealed, n), packetized, mtu), 0);
        while (!last) {
            struct sframe_payload s;
            buf_clear(&payload);
            assert_int_equal(sframe_packetizer_next(&p, &payload, &last), 0);
            assert_true(payload.n <= mtu);
            assert_int_equal(sframe_payload_read(buf_view(&payload), &s), 0);
            assert_int_equal(s.start, count == 0);
            assert_int_equal(s.end, last);
            assert_int_equal(s.packetized, packetized);
            buf_put(&joined, s.content);
            count++;
        }
        assert_int_equal(count, (n + mtu - 2) / (mtu - 1)); /* as few as can be */
        assert_true(bytes_equal(buf_view(&joined), bytes_of(sealed, n)));
        assert_int_equal(sframe_packetizer_next(&p, &payload, &last), CONCLAVE_ESTATE);
    }
    buf_free(&payload);
    buf_free(&joined);
}

static void what_cannot_be_cut_is_refused(void **state)
{
    struct sframe_packetizer p;

    (void)state;
    assert_int_equal(sframe_packetizer_init(&p, bytes_of(NULL, 0), false, 100), CONCLAVE_EINVAL);
    assert_int_equal(sframe_packetizer_init(&p, bytes_str("x"), false, 1), CONCLAVE_EINVAL);
    assert_int_equal(sframe_packetizer_init(&p, bytes_str("x"), false, 0), CONCLAVE_EINVAL);
    assert_int_equal(sframe_packetizer_init(&p, bytes_str("xyz"), false, 2), 0);
    assert_int_equal(p.packets, 3);
}

static int cuts_a_ciphertext(void *ctx)
{
    static uint8_t sealed[300];
    struct sframe_packetizer p;
    struct buf out = {0};
    bool last = false;
    int rv = sframe_packetizer_init(&p, bytes_of(sealed, sizeof sealed), false, 100);

    (void)ctx;
    while (!last && rv == 0) {
        struct sframe_packetizer before = p;
        size_t n = out.n;
        rv = sframe_packetizer_next(&p, &out, &last);
        if (rv != 0) {
            assert_int_equal(before.packets, p.packets);
            assert_int_equal(before.left.n, p.left.n);
            assert_int_equal(out.n, n);
        }
    }
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_loses_no_piece(void **state)
{
    (void)state;
    assert_true(alloc_sweep(cuts_a_ciphertext, NULL) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bit_is_where_the_draft_puts_it),
        cmocka_unit_test(a_payload_without_content_is_refused),
        cmocka_unit_test(random_ciphertexts_are_cut_and_joined),
        cmocka_unit_test(what_cannot_be_cut_is_refused),
        cmocka_unit_test(a_failed_allocation_loses_no_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
