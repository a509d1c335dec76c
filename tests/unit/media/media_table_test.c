/* The tables by KID and by SSRC: no choice of numbers makes looking up slow. */
#include "media.h"

#include "rtc/srtp_table.h"
#include "sframe/table.h"

#define SEEDS 300
#define KEYS ((size_t)16000)
#define SSRCS 1000u

/* Half full and linear: 1.5 probes are to be expected of a random function. */
#define PROBES_MAX 2.5

static size_t distance(size_t at, size_t home, size_t cap)
{
    return ((at - home) & (cap - 1)) + 1;
}

static double probes_by_kid(struct mix_seed seed, uint64_t (*kid)(size_t i))
{
    enum { CAP = 32768 };
    static bool taken[CAP];
    struct sframe_table t = {.cap = CAP, .seed = seed};
    size_t probes = 0;
    memset(taken, 0, sizeof taken);
    for (size_t i = 0; i < KEYS; i++) {
        size_t home = sframe_table_home(&t, kid(i)), at = home;
        while (taken[at])
            at = (at + 1) & (CAP - 1);
        taken[at] = true;
        probes += distance(at, home, CAP);
    }
    return (double)probes / (double)KEYS;
}

/* S = 9, E = 8: the context begins at bit 17. */
static uint64_t small_contexts(size_t i)
{
    return (uint64_t)(i / 256) << 17 | (i % 256) << 8 | 1;
}

static uint64_t contexts_in_the_highest_bits(size_t i)
{
    return (uint64_t)(i / 256) << 47 | (i % 256) << 8 | 1;
}

static uint64_t numbers_above_bit_46(size_t i)
{
    return (uint64_t)i << 47;
}

static void kids_of_any_pattern_are_found_soon(void **state)
{
    static uint64_t (*const patterns[])(size_t) = {small_contexts, contexts_in_the_highest_bits,
                                                   numbers_above_bit_46};
    struct random random = {1};
    (void)state;
    for (size_t i = 0; i < SEEDS; i++) {
        struct mix_seed seed = {random_u64(&random), random_u64(&random)};
        for (size_t p = 0; p < 3; p++)
            assert_true(probes_by_kid(seed, patterns[p]) < PROBES_MAX);
    }
}

static void ssrcs_in_a_row_are_found_soon(void **state)
{
    struct random random = {2};
    (void)state;
    for (size_t i = 0; i < SEEDS; i++) {
        struct srtp_table t = {.seed = {random_u64(&random), random_u64(&random)}};
        size_t probes = 0;
        for (uint32_t ssrc = 1; ssrc <= SSRCS; ssrc++) {
            assert_int_equal(srtp_table_reserve(&t), 0);
            srtp_table_put(&t, ssrc << (i % 3 * 10));
        }
        for (size_t at = 0; at < 2 * t.room; at++)
            if (t.slots[at].at != 0)
                probes += distance(at, srtp_table_home(&t, t.slots[at].ssrc), 2 * t.room);
        assert_true((double)probes / SSRCS < PROBES_MAX);
        srtp_table_fini(&t);
    }
}

/* Against a plain array: whatever comes and goes, those that are there are found, with their past.
 * */
static void streams_come_and_go_and_none_is_mistaken_for_another(void **state)
{
    enum { SSRC_MAX = 300 };
    struct random random = {3};
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct srtp_table t = {.seed = {random_u64(&random), random_u64(&random)}};
        uint64_t past[SSRC_MAX] = {0};
        for (uint64_t i = 1; i < 3000; i++) {
            uint32_t ssrc = (uint32_t)(random_u64(&random) % SSRC_MAX);
            struct srtp_stream *s = srtp_table_get(&t, ssrc);
            assert_int_equal(s != NULL, past[ssrc] != 0);
            if (s != NULL) {
                assert_true(s->ssrc == ssrc && s->window.top == past[ssrc]);
                assert_int_equal(srtp_table_remove(&t, ssrc, false), 0);
                past[ssrc] = 0;
            } else if (random_u64(&random) % 8 < (uint64_t)round % 8 + 1) {
                assert_int_equal(srtp_table_reserve(&t), 0);
                replay_accept(&srtp_table_put(&t, ssrc)->window, i);
                past[ssrc] = i;
            }
        }
        srtp_table_fini(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kids_of_any_pattern_are_found_soon),
        cmocka_unit_test(ssrcs_in_a_row_are_found_soon),
        cmocka_unit_test(streams_come_and_go_and_none_is_mistaken_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
