/* RFC 9605 4.3: the SFrame header. */
#include "media.h"

#include <conclave/sframe.h>

static const uint64_t edges[] = {0,
                                 1,
                                 7,
                                 8,
                                 0xff,
                                 0x100,
                                 0xffff,
                                 0x10000,
                                 0xffffff,
                                 0x1000000,
                                 0xffffffff,
                                 0x100000000,
                                 0xffffffffff,
                                 0x10000000000,
                                 0xffffffffffff,
                                 0x1000000000000,
                                 0xffffffffffffff,
                                 0x100000000000000,
                                 UINT64_MAX};
#define N_EDGES (sizeof edges / sizeof edges[0])

static void every_pair_is_read_back_and_no_truncation_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_EDGES * N_EDGES; i++) {
        uint64_t kid = edges[i / N_EDGES], ctr = edges[i % N_EDGES];
        uint8_t out[SFRAME_HEADER_MAX + 1];
        struct sframe_header h;
        size_t n = sframe_header_write(kid, ctr, out), got = 0;
        assert_in_range(n, 1, SFRAME_HEADER_MAX);
        out[n] = 0xaa; /* what follows is not the header's */
        assert_int_equal(sframe_header_read(bytes_of(out, n + 1), &h, &got), 0);
        assert_true(h.kid == kid && h.ctr == ctr && got == n);
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(sframe_header_read(bytes_of(out, cut), &h, &got), CONCLAVE_ESYNTAX);
    }
}

/* RFC 9605 4.3-2 */
static void a_number_in_more_bytes_than_it_needs_is_refused(void **state)
{
    static const char *const wrong[] = {
        "8000",
        "8007",
        "0800",
        "0807",
        "900010",
        "9000ff",
        "0900ff",
        "0a00ffff",
        "f000ffffffffffffff",
        "0f00ffffffffffffff",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t b[32];
        struct sframe_header h;
        size_t n = unhex(wrong[i], b);
        assert_int_equal(sframe_header_read(bytes_of(b, n), &h, &n), CONCLAVE_ESYNTAX);
    }
}

static void every_two_bytes_are_read_only_if_they_would_be_written_so(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 0x10000; i++) {
        uint8_t in[2] = {(uint8_t)(i >> 8), (uint8_t)i}, out[SFRAME_HEADER_MAX];
        struct sframe_header h;
        size_t n = 0;
        if (sframe_header_read(bytes_of(in, 2), &h, &n) != 0)
            continue;
        assert_int_equal(sframe_header_write(h.kid, h.ctr, out), n);
        assert_memory_equal(in, out, n);
    }
}

/* RFC 9605 4.5, table 1, and the AES-256-CTR suites */
static void suites_have_the_sizes_of_the_table(void **state)
{
    static const size_t nk[] = {0, 48, 48, 48, 16, 32, 96, 96, 96, 0};
    static const size_t nt[] = {0, 10, 8, 4, 16, 16, 10, 8, 4, 0};
    (void)state;
    for (uint16_t suite = 0; suite < 10; suite++) {
        assert_int_equal(sframe_key_size(suite), nk[suite]);
        assert_int_equal(sframe_tag_size(suite), nt[suite]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_read_back_and_no_truncation_is),
        cmocka_unit_test(a_number_in_more_bytes_than_it_needs_is_refused),
        cmocka_unit_test(every_two_bytes_are_read_only_if_they_would_be_written_so),
        cmocka_unit_test(suites_have_the_sizes_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
