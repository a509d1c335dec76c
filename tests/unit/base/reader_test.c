/* RFC 9420 2.1: reading and writing, every form of a length among them. */
#include "wire/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "wire/writer.h"

static uint32_t varint(const uint8_t *p, size_t n, bool *ok)
{
    struct reader r = reader_of(bytes_of(p, n));
    uint32_t v = read_varint(&r);
    *ok = reader_ok(&r) && reader_left(&r) == 0;
    return v;
}

/* RFC 9420 2.1.2-1 */
static void lengths_are_written_in_their_shortest_form(void **state)
{
    (void)state;
    const struct {
        uint32_t v;
        size_t n;
        uint8_t form[4];
    } cases[] = {{0, 1, {0}},
                 {1, 1, {1}},
                 {63, 1, {0x3f}},
                 {64, 2, {0x40, 64}},
                 {16383, 2, {0x7f, 0xff}},
                 {16384, 4, {0x80, 0, 0x40, 0}},
                 {0x3fffffff, 4, {0xbf, 0xff, 0xff, 0xff}}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf b = {0};
        bool ok;
        write_varint(&b, cases[i].v);
        assert_int_equal(b.n, cases[i].n);
        assert_memory_equal(b.p, cases[i].form, b.n);
        assert_int_equal(varint(b.p, b.n, &ok), cases[i].v);
        assert_true(ok);
        buf_free(&b);
    }
}

static void a_length_beyond_thirty_bits_cannot_be_written(void **state)
{
    (void)state;
    struct buf b = {0};
    write_varint(&b, (size_t)WIRE_VARINT_MAX + 1);
    assert_int_equal(buf_check(&b), CONCLAVE_ENOMEM);
    buf_free(&b);
}

/* RFC 9420 2.1.2-2: all of them */
static void a_length_in_a_longer_form_than_needed_is_refused(void **state)
{
    (void)state;
    bool ok;
    for (uint32_t v = 0; v < 1u << 6; v++) {
        const uint8_t two[] = {0x40, (uint8_t)v}, four[] = {0x80, 0, 0, (uint8_t)v};
        assert_int_equal(varint(two, 2, &ok), 0);
        assert_false(ok);
        assert_int_equal(varint(four, 4, &ok), 0);
        assert_false(ok);
    }
    for (uint32_t v = 1u << 6; v < 1u << 14; v++) {
        const uint8_t two[] = {(uint8_t)(0x40 | v >> 8), (uint8_t)v};
        const uint8_t four[] = {0x80, 0, (uint8_t)(v >> 8), (uint8_t)v};
        assert_int_equal(varint(two, 2, &ok), v);
        assert_true(ok);
        varint(four, 4, &ok);
        assert_false(ok);
    }
}

/* RFC 9420 2.1.2-3 */
static void a_length_with_the_two_top_bits_set_is_refused(void **state)
{
    (void)state;
    bool ok;
    uint8_t form[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    for (unsigned v = 0xc0; v < 256; v++) {
        form[0] = (uint8_t)v;
        for (size_t n = 1; n <= 8; n++) {
            varint(form, n, &ok);
            assert_false(ok);
        }
    }
}

static void a_length_cut_short_is_refused(void **state)
{
    (void)state;
    bool ok;
    const uint8_t two[] = {0x7f, 0xff}, four[] = {0x80, 0, 0x40, 0};
    varint(two, 0, &ok);
    assert_false(ok);
    varint(two, 1, &ok);
    assert_false(ok);
    for (size_t n = 0; n < 4; n++) {
        varint(four, n, &ok);
        assert_false(ok);
    }
}

/* RFC 9420 2.1.1-1 */
static void an_optional_is_there_or_not(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        uint8_t octet = (uint8_t)v;
        struct reader r = reader_of(bytes_of(&octet, 1));
        assert_int_equal(read_optional(&r), v == 1);
        assert_int_equal(reader_ok(&r), v <= 1);
    }
}

static void after_a_failure_all_is_zero(void **state)
{
    (void)state;
    const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct reader r = reader_of(bytes_of(data, sizeof data));
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u64(&r), 0); /* seven bytes are left */
    assert_false(reader_ok(&r));
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(read_u8(&r), 0);
    assert_int_equal(read_u16(&r), 0);
    assert_int_equal(read_u32(&r), 0);
    assert_int_equal(read_varint(&r), 0);
    assert_int_equal(read_vec(&r).n, 0);
    assert_null(read_bytes(&r, 1).p);
    assert_false(read_optional(&r));
    struct reader sub = read_sub(&r);
    assert_false(reader_ok(&sub));
    assert_int_equal(reader_end(&r), CONCLAVE_ESYNTAX);
    assert_null(read_since(&r, data).p);
}

static void a_vector_does_not_reach_beyond_its_reader(void **state)
{
    (void)state;
    const uint8_t data[] = {3, 2, 'a', 'b', 4, 'c', 'd'}; /* the outer one has three bytes */
    struct reader r = reader_of(bytes_of(data, sizeof data)), sub = read_sub(&r);
    assert_int_equal(reader_left(&sub), 3);
    assert_int_equal(read_vec(&sub).n, 2);
    assert_int_equal(reader_end(&sub), 0);
    assert_int_equal(read_vec(&r).n, 0); /* four promised, two there */
    assert_int_equal(reader_end(&r), CONCLAVE_ESYNTAX);
}

static void what_is_left_over_is_an_error(void **state)
{
    (void)state;
    const uint8_t data[] = {1, 2};
    struct reader r = reader_of(bytes_of(data, 2));
    read_u8(&r);
    assert_int_equal(reader_end(&r), CONCLAVE_ESYNTAX);
    read_u8(&r);
    assert_int_equal(reader_end(&r), 0);
    struct reader empty = reader_of(bytes_of(NULL, 0));
    assert_int_equal(reader_end(&empty), 0);
    assert_int_equal(reader_left(&empty), 0);
    assert_int_equal(read_bytes(&empty, 0).n, 0);
    assert_true(reader_ok(&empty));
}

static void numbers_come_back_as_they_were_written(void **state)
{
    (void)state;
    struct buf b = {0};
    write_u8(&b, 0xfe);
    write_u16(&b, 0xfedc);
    write_u32(&b, 0xfedcba98);
    write_u64(&b, 0xfedcba9876543210);
    write_vec(&b, bytes_str("vector"));
    struct reader r = reader_of(buf_view(&b));
    assert_int_equal(b.p[1], 0xfe); /* the big end first */
    assert_int_equal(read_u8(&r), 0xfe);
    assert_int_equal(read_u16(&r), 0xfedc);
    assert_int_equal(read_u32(&r), 0xfedcba98);
    assert_true(read_u64(&r) == 0xfedcba9876543210);
    assert_true(bytes_equal(read_vec(&r), bytes_str("vector")));
    assert_int_equal(reader_end(&r), 0);
    buf_free(&b);
}

/* A vector is written before its length is known: at each length where the header grows. */
static void a_vector_gets_its_length_afterwards(void **state)
{
    (void)state;
    const size_t lengths[] = {0, 1, 63, 64, 65, 16383, 16384, 16385, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct buf b = {0}, plain = {0};
        write_u8(&b, 7); /* something stands before it */
        size_t mark = write_vec_begin(&b);
        for (size_t k = 0; k < lengths[i]; k++) {
            uint8_t octet = (uint8_t)k;
            buf_put(&b, bytes_of(&octet, 1));
            buf_put(&plain, bytes_of(&octet, 1));
        }
        write_vec_end(&b, mark);
        struct reader r = reader_of(buf_view(&b));
        assert_int_equal(read_u8(&r), 7);
        assert_true(bytes_equal(read_vec(&r), buf_view(&plain)));
        assert_int_equal(reader_end(&r), 0);
        buf_free(&b);
        buf_free(&plain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_are_written_in_their_shortest_form),
        cmocka_unit_test(a_length_beyond_thirty_bits_cannot_be_written),
        cmocka_unit_test(a_length_in_a_longer_form_than_needed_is_refused),
        cmocka_unit_test(a_length_with_the_two_top_bits_set_is_refused),
        cmocka_unit_test(a_length_cut_short_is_refused),
        cmocka_unit_test(an_optional_is_there_or_not),
        cmocka_unit_test(after_a_failure_all_is_zero),
        cmocka_unit_test(a_vector_does_not_reach_beyond_its_reader),
        cmocka_unit_test(what_is_left_over_is_an_error),
        cmocka_unit_test(numbers_come_back_as_they_were_written),
        cmocka_unit_test(a_vector_gets_its_length_afterwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
