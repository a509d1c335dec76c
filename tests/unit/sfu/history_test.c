/* The history of a stream: what was put in comes out, bounded in time, packets and bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/history.h"
#include "support/alloc_fail.h"

#define NOW (100 * SFU_SECOND)
#define FIRST INT64_C(0x10000)

static struct bytes content(int64_t sequence, size_t n)
{
    static uint8_t data[SFU_PACKET];

    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)((size_t)sequence * 31 + i);
    return bytes_of(data, n);
}

static void put(struct sfu_history *h, int64_t sequence, size_t n, uint64_t us)
{
    struct sfu_history_packet p = {
        .sequence = sequence, .us = us, .timestamp = (uint32_t)sequence * 3, .marker = true};

    sfu_history_put(h, &p, content(sequence, n));
}

static bool has(struct sfu_history *h, int64_t sequence, size_t n, uint64_t now_us)
{
    struct sfu_history_packet p = {0};
    struct bytes payload = {0};

    if (!sfu_history_get(h, sequence, now_us, &p, &payload))
        return false;
    assert_int_equal(p.sequence, sequence);
    assert_int_equal(p.timestamp, (uint32_t)sequence * 3);
    assert_true(p.marker);
    assert_int_equal(payload.n, n);
    assert_memory_equal(payload.p, content(sequence, n).p, n);
    return true;
}

static void a_packet_comes_out_as_it_was_put_in(void **state)
{
    struct sfu_history *h;

    (void)state;
    assert_int_equal(sfu_history_new(&h), 0);
    assert_false(has(h, FIRST, 0, NOW));
    for (int64_t n = 0; n < 20; n++)
        put(h, FIRST + n, 100 + (size_t)n, NOW);
    for (int64_t n = 0; n < 20; n++)
        assert_true(has(h, FIRST + n, 100 + (size_t)n, NOW));
    assert_false(has(h, FIRST + 20, 0, NOW));
    assert_false(has(h, FIRST - 1, 0, NOW));
    assert_false(has(h, FIRST + SFU_HISTORY_PACKETS, 0, NOW)); /* the same place */
    sfu_history_free(h);
}

static void what_is_too_old_is_not_sent_again(void **state)
{
    struct sfu_history *h;

    (void)state;
    assert_int_equal(sfu_history_new(&h), 0);
    put(h, FIRST, 50, NOW);
    assert_true(has(h, FIRST, 50, NOW + SFU_HISTORY_US));
    assert_false(has(h, FIRST, 50, NOW + SFU_HISTORY_US + 1));
    sfu_history_free(h);
}

static void there_are_so_many_packets_and_no_more(void **state)
{
    struct sfu_history *h;

    (void)state;
    assert_int_equal(sfu_history_new(&h), 0);
    for (int64_t n = 0; n <= SFU_HISTORY_PACKETS; n++)
        put(h, FIRST + n, 10, NOW);
    assert_false(has(h, FIRST, 10, NOW));
    assert_true(has(h, FIRST + 1, 10, NOW));
    assert_true(has(h, FIRST + SFU_HISTORY_PACKETS, 10, NOW));
    sfu_history_free(h);
}

/* Whatever is written over is gone as a whole: never a packet with another's bytes. */
static void bytes_that_were_written_over_do_not_come_out(void **state)
{
    struct sfu_history *h;
    size_t kept = 0;

    (void)state;
    assert_int_equal(sfu_history_new(&h), 0);
    for (int64_t n = 0; n < 500; n++) {
        put(h, FIRST + n, 900 + (size_t)n % 500, NOW);
        kept = 0;
        for (int64_t k = 0; k <= n; k++)
            kept += has(h, FIRST + k, 900 + (size_t)k % 500, NOW);
        assert_true(n < 20 || kept >= 20);
        assert_true(has(h, FIRST + n, 900 + (size_t)n % 500, NOW));
    }
    assert_true(kept * 900 <= SFU_HISTORY_BYTES);
    sfu_history_free(h);
}

static void late_packets_find_their_place(void **state)
{
    struct sfu_history *h;

    (void)state;
    assert_int_equal(sfu_history_new(&h), 0);
    put(h, FIRST, 20, NOW);
    put(h, FIRST + 5, 20, NOW);
    put(h, FIRST + 2, 20, NOW);
    assert_true(has(h, FIRST, 20, NOW) && has(h, FIRST + 2, 20, NOW) && has(h, FIRST + 5, 20, NOW));
    assert_false(has(h, FIRST + 1, 20, NOW));
    sfu_history_free(h);
}

static void fill_a_second(struct sfu_history *h, int64_t *sequence, uint64_t *now, size_t n)
{
    for (unsigned i = 0; i < 400; i++, *now += SFU_SECOND / 400)
        put(h, (*sequence)++, n, *now);
}

static void it_grows_until_a_second_fits_and_not_beyond(void **state)
{
    struct sfu_history *h;
    int64_t sequence = FIRST;
    uint64_t now = NOW;
    size_t before;

    (void)state;
    assert_int_equal(sfu_history_new(&h), 0);
    for (unsigned i = 0; i < 20; i++) {
        fill_a_second(h, &sequence, &now, 500);
        before = sfu_history_memory(h);
        sfu_history_grow(h);
        assert_true(has(h, sequence - 1, 500, now)); /* nothing gets lost in moving */
    }
    assert_int_equal(sfu_history_memory(h), before); /* 200,000 bytes fit into 262,144 */
    assert_in_range(h->cap, 200000, 400000);
    assert_true(has(h, sequence - 390, 500, now));
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned k = 0; k < 10; k++)
            fill_a_second(h, &sequence, &now, SFU_PACKET), now -= SFU_SECOND * 9 / 10;
        sfu_history_grow(h);
    }
    assert_int_equal(h->cap, SFU_HISTORY_BYTES_MAX);
    sfu_history_free(h);
}

static void a_quiet_stream_does_not_grow(void **state)
{
    struct sfu_history *h;
    uint64_t now = NOW;

    (void)state;
    assert_int_equal(sfu_history_new(&h), 0);
    for (int64_t n = 0; n < 3000; n++, now += SFU_SECOND / 20) {
        put(h, FIRST + n, 1000, now);
        sfu_history_grow(h);
    }
    assert_int_equal(h->cap, SFU_HISTORY_BYTES);
    sfu_history_free(h);
}

static void without_memory_it_stays_as_it_is(void **state)
{
    struct sfu_history *h = NULL;
    int64_t sequence = FIRST;
    uint64_t now = NOW;

    (void)state;
    for (size_t n = 0; n < 2; n++) {
        alloc_fail_after(n);
        assert_int_equal(sfu_history_new(&h), CONCLAVE_ENOMEM);
        alloc_fail_off();
        assert_null(h);
    }
    assert_int_equal(sfu_history_new(&h), 0);
    fill_a_second(h, &sequence, &now, 500);
    alloc_fail_after(0);
    sfu_history_grow(h);
    assert_true(alloc_fail_hit());
    alloc_fail_off();
    assert_int_equal(h->cap, SFU_HISTORY_BYTES);
    assert_true(has(h, sequence - 10, 500, now));
    sfu_history_grow(h); /* it still wants to */
    assert_int_equal(h->cap, 2 * SFU_HISTORY_BYTES);
    sfu_history_free(h);
    sfu_history_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_comes_out_as_it_was_put_in),
        cmocka_unit_test(what_is_too_old_is_not_sent_again),
        cmocka_unit_test(there_are_so_many_packets_and_no_more),
        cmocka_unit_test(bytes_that_were_written_over_do_not_come_out),
        cmocka_unit_test(late_packets_find_their_place),
        cmocka_unit_test(it_grows_until_a_second_fits_and_not_beyond),
        cmocka_unit_test(a_quiet_stream_does_not_grow),
        cmocka_unit_test(without_memory_it_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
