/* Which layer of which picture: the first ones first, the small ones before the large ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sfu/choose.h"
#include "support/random.h"

static struct sfu_choice simulcast(int now)
{
    return (struct sfu_choice){
        .n_layers = 3,
        .max_height = 1080,
        .height = {180, 360, 720},
        .rate = {100, 500, 1500},
        .now = now,
    };
}

static void the_largest_layer_not_above_the_height_is_wanted(void **state)
{
    static const struct {
        uint16_t height;
        int layer;
    } cases[] = {{1, 0}, {179, 0}, {180, 0}, {359, 0}, {360, 1}, {719, 1}, {720, 2}, {4000, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sfu_choice c = simulcast(SFU_NO_LAYER);
        c.max_height = cases[i].height;
        sfu_choose(&c, 1, 1000000);
        assert_int_equal(c.layer, cases[i].layer);
        assert_int_equal(c.ideal, cases[i].layer);
        assert_int_equal(c.wish, cases[i].layer);
    }
}

static void what_is_not_wanted_now_gets_nothing(void **state)
{
    struct sfu_choice c = simulcast(2);

    (void)state;
    c.max_height = 0;
    assert_int_equal(sfu_choose(&c, 1, 1000000), 0);
    assert_int_equal(c.layer, SFU_NO_LAYER);
    assert_int_equal(c.wish, SFU_NO_LAYER);
}

static void a_layer_that_is_not_sent_is_wished_for_and_not_chosen(void **state)
{
    struct sfu_choice c = simulcast(SFU_NO_LAYER);

    (void)state;
    c.rate[2] = 0;
    assert_int_equal(sfu_choose(&c, 1, 1000000), 500);
    assert_int_equal(c.layer, 1);
    assert_int_equal(c.wish, 2);
    memset(c.rate, 0, sizeof c.rate);
    assert_int_equal(sfu_choose(&c, 1, 1000000), 0);
    assert_int_equal(c.layer, SFU_NO_LAYER);
    assert_int_equal(c.ideal, SFU_NO_LAYER);
    assert_int_equal(c.wish, 2);
}

static void a_height_that_is_not_known_is_taken_by_its_place(void **state)
{
    struct sfu_choice c = simulcast(SFU_NO_LAYER);

    (void)state;
    c.height[0] = c.height[1] = 0;
    c.max_height = 500;
    sfu_choose(&c, 1, 1000000);
    assert_int_equal(c.layer, 1);
}

static void everybody_gets_a_small_picture_before_anybody_a_large_one(void **state)
{
    struct sfu_choice c[3] = {simulcast(0), simulcast(0), simulcast(0)};

    (void)state;
    sfu_choose(c, 3, 250); /* two fit */
    assert_int_equal(c[0].layer, 0);
    assert_int_equal(c[1].layer, 0);
    assert_int_equal(c[2].layer, SFU_NO_LAYER);
    sfu_choose(c, 3, 300 + 600 - 100); /* three, and one step of the first: 500 with a fifth */
    assert_int_equal(c[0].layer, 1);
    assert_int_equal(c[1].layer, 0);
    assert_int_equal(c[2].layer, 0);
}

static void what_does_not_flow_yet_needs_room_to_spare(void **state)
{
    struct sfu_choice c = simulcast(SFU_NO_LAYER);

    (void)state;
    sfu_choose(&c, 1, 119);
    assert_int_equal(c.layer, SFU_NO_LAYER);
    sfu_choose(&c, 1, 120);
    assert_int_equal(c.layer, 0);
    c.now = 0; /* once it flows it stays down to its rate */
    sfu_choose(&c, 1, 100);
    assert_int_equal(c.layer, 0);
    sfu_choose(&c, 1, 99);
    assert_int_equal(c.layer, SFU_NO_LAYER);
}

static uint64_t cost(const struct sfu_choice *c, size_t n)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += c[i].layer == SFU_NO_LAYER ? 0 : c[i].rate[c[i].layer];
    return sum;
}

/* Any pictures and any bandwidth: what is chosen fits, is wanted, and is being sent; and nobody has
 * a second layer while somebody whose first would fit has none. */
static void a_choice_always_fits(void **state)
{
    struct random random = {5};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct sfu_choice c[8];
        size_t n = 1 + random_below(&random, 8);
        uint64_t bandwidth = random_below(&random, 5000);
        for (size_t k = 0; k < n; k++) {
            c[k] = simulcast((int)random_below(&random, 4) - 1);
            for (unsigned l = 0; l < 3; l++)
                c[k].rate[l] = (uint32_t)random_below(&random, 4) * (100u << 2 * l);
            c[k].max_height = (uint16_t)random_below(&random, 1000);
        }
        sfu_choose(c, n, bandwidth);
        assert_true(cost(c, n) <= bandwidth);
        for (size_t k = 0; k < n; k++) {
            assert_true(c[k].layer <= c[k].ideal);
            assert_true(c[k].layer == SFU_NO_LAYER || c[k].rate[c[k].layer] != 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_layer_not_above_the_height_is_wanted),
        cmocka_unit_test(what_is_not_wanted_now_gets_nothing),
        cmocka_unit_test(a_layer_that_is_not_sent_is_wished_for_and_not_chosen),
        cmocka_unit_test(a_height_that_is_not_known_is_taken_by_its_place),
        cmocka_unit_test(everybody_gets_a_small_picture_before_anybody_a_large_one),
        cmocka_unit_test(what_does_not_flow_yet_needs_room_to_spare),
        cmocka_unit_test(a_choice_always_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
