/* Bit fields: order, the codes of ns(n), and what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/random.h"
#include "wire/bits.h"

static void bits_are_read_from_the_most_significant_one(void **state)
{
    static const uint8_t data[] = {0xa5, 0x0f};
    struct bit_reader r = bit_reader_of(bytes_of(data, 2));

    (void)state;
    assert_true(bit_read(&r));
    assert_int_equal(bits_read(&r, 2), 1);
    assert_int_equal(bits_read(&r, 9), 0x50);
    assert_int_equal(bits_read(&r, 4), 0xf);
    assert_false(r.failed);
    assert_int_equal(bits_read(&r, 1), 0);
    assert_true(r.failed);
}

static void non_symmetric_numbers_come_back_for_every_range(void **state)
{
    (void)state;
    for (uint32_t n = 1; n < 70; n++) {
        struct buf b = {0};
        struct bit_writer w = bit_writer_of(&b);
        for (uint32_t v = 0; v < n; v++)
            bits_write_ns(&w, v, n);
        assert_int_equal(buf_check(&b), 0);
        struct bit_reader r = bit_reader_of(buf_view(&b));
        for (uint32_t v = 0; v < n; v++)
            assert_int_equal(bits_read_ns(&r, n), v);
        assert_false(r.failed);
        buf_free(&b);
    }
}

static void non_symmetric_numbers_have_the_lengths_of_the_specification(void **state)
{
    /* ns(5): 0, 1 and 2 in two bits, 3 and 4 in three: 00 01 10 110 111 */
    static const uint8_t data[] = {0x1b, 0x70};
    struct bit_reader r = bit_reader_of(bytes_of(data, 2));

    (void)state;
    for (uint32_t v = 0; v < 5; v++)
        assert_int_equal(bits_read_ns(&r, 5), v);
    assert_int_equal(r.at, 12);
    assert_int_equal(bits_read_ns(&r, 1), 0); /* no bits at all */
    assert_int_equal(r.at, 12);
}

static void random_fields_come_back_as_they_were(void **state)
{
    struct random random = {5};
    uint32_t values[200];
    unsigned widths[200];
    struct buf b = {0};
    struct bit_writer w = bit_writer_of(&b);

    (void)state;
    for (int i = 0; i < 200; i++) {
        widths[i] = (unsigned)random_below(&random, 33);
        values[i] = (uint32_t)(random_u64(&random) & ((UINT64_C(1) << widths[i]) - 1));
        bits_write(&w, values[i], widths[i]);
    }
    assert_int_equal(buf_check(&b), 0);
    struct bit_reader r = bit_reader_of(buf_view(&b));
    for (int i = 0; i < 200; i++)
        assert_int_equal(bits_read(&r, widths[i]), values[i]);
    assert_false(r.failed);
    buf_free(&b);
}

static void a_reader_that_failed_yields_zeros(void **state)
{
    static const uint8_t data[] = {0xff};
    struct bit_reader r = bit_reader_of(bytes_of(data, 1));

    (void)state;
    assert_int_equal(bits_read(&r, 9), 0);
    assert_true(r.failed);
    assert_int_equal(bits_read(&r, 1), 0);
    assert_int_equal(bits_read_ns(&r, 5), 0);
}

static void a_number_that_is_not_below_its_bound_fails(void **state)
{
    static const uint8_t data[] = {0xff};
    struct bit_reader r = bit_reader_of(bytes_of(data, 1));
    struct buf b = {0};
    struct bit_writer w = bit_writer_of(&b);

    (void)state;
    assert_int_equal(bits_read_ns(&r, 0), 0);
    assert_true(r.failed);
    bits_write_ns(&w, 5, 5);
    assert_int_equal(buf_check(&b), CONCLAVE_ENOMEM);
    buf_clear(&b);
    bits_write_ns(&w, 0, 0);
    assert_int_equal(buf_check(&b), CONCLAVE_ENOMEM);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_read_from_the_most_significant_one),
        cmocka_unit_test(non_symmetric_numbers_come_back_for_every_range),
        cmocka_unit_test(non_symmetric_numbers_have_the_lengths_of_the_specification),
        cmocka_unit_test(random_fields_come_back_as_they_were),
        cmocka_unit_test(a_reader_that_failed_yields_zeros),
        cmocka_unit_test(a_number_that_is_not_below_its_bound_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
