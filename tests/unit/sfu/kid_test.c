/* Key ids as the switch sees them: read as SFrame writes them, and judged by leaf and epoch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <conclave/sframe.h>

#include "sfu/kid.h"
#include "support/random.h"

static uint64_t any_number(struct random *r)
{
    return random_u64(r) >> random_below(r, 64);
}

static void a_key_id_is_read_as_sframe_writes_it(void **state)
{
    struct random random = {3};
    uint8_t header[SFRAME_HEADER_MAX];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint64_t kid = any_number(&random);
        uint64_t read = ~kid;
        size_t n = sframe_header_write(kid, any_number(&random), header);
        assert_int_equal(sfu_kid_read(bytes_of(header, n), &read), 0);
        assert_int_equal(read, kid);
    }
}

static void a_header_that_is_cut_off_is_refused(void **state)
{
    uint8_t header[SFRAME_HEADER_MAX];
    size_t n = sframe_header_write(UINT64_MAX, UINT64_MAX, header);
    uint64_t kid = 77;

    (void)state;
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(sfu_kid_read(bytes_of(header, cut), &kid), CONCLAVE_ESYNTAX);
    assert_int_equal(kid, 77);
}

static void until_an_epoch_is_told_all_are_let_through(void **state)
{
    struct sfu_epochs e = {.bits = 4};

    (void)state;
    assert_true(sfu_epochs_allow(&e, 0x1234, 9));
    sfu_epochs_add(&e, 1, 20);
    assert_false(sfu_epochs_allow(&e, 0x1234, 9));
}

/* RFC 9605 5.2: context | leaf | epoch, the leaf in as many bits as the group needs. */
static void only_the_leaf_itself_may_use_its_ids(void **state)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 5, 8, 9, 100, 128, 129, 65535, 65536};
    static const unsigned bits[] = {0, 1, 2, 2, 3, 3, 4, 7, 7, 8, 16, 16};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct sfu_epochs e = {.bits = 3};
        uint32_t last = sizes[i] - 1;
        sfu_epochs_add(&e, 13, sizes[i]);
        for (uint64_t context = 0; context < 5; context++) {
            uint64_t kid = (context << bits[i] | last) << 3 | (13 & 7);
            assert_true(sfu_epochs_allow(&e, kid, last));
            assert_false(sfu_epochs_allow(&e, kid, last + 1));
            if (last != 0)
                assert_false(sfu_epochs_allow(&e, kid, last - 1));
        }
    }
}

static void each_epoch_has_the_size_its_group_had(void **state)
{
    struct sfu_epochs e = {.bits = 2};

    (void)state;
    sfu_epochs_add(&e, 4, 4); /* leaves of two bits */
    sfu_epochs_add(&e, 5, 5); /* and of three */
    assert_true(sfu_epochs_allow(&e, (1 << 2 | 3) << 2 | 0, 3));
    assert_true(sfu_epochs_allow(&e, (1 << 3 | 3) << 2 | 1, 3));
    assert_false(sfu_epochs_allow(&e, (1 << 2 | 3) << 2 | 1, 3));
    assert_false(sfu_epochs_allow(&e, 3 << 2 | 2, 3)); /* an epoch nobody told of */
    sfu_epochs_add(&e, 8, 9);                          /* comes round: four bits now */
    assert_false(sfu_epochs_allow(&e, (1 << 2 | 3) << 2 | 0, 3));
    assert_true(sfu_epochs_allow(&e, (1 << 4 | 3) << 2 | 0, 3));
}

static void without_epoch_bits_nothing_is_looked_at(void **state)
{
    struct sfu_epochs e = {0};

    (void)state;
    sfu_epochs_add(&e, 1, 20);
    assert_true(sfu_epochs_allow(&e, 0xffff, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_id_is_read_as_sframe_writes_it),
        cmocka_unit_test(a_header_that_is_cut_off_is_refused),
        cmocka_unit_test(until_an_epoch_is_told_all_are_let_through),
        cmocka_unit_test(only_the_leaf_itself_may_use_its_ids),
        cmocka_unit_test(each_epoch_has_the_size_its_group_had),
        cmocka_unit_test(without_epoch_bits_nothing_is_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
