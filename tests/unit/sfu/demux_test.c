/* Whose a datagram is: names in ICE and addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sfu/demux.h"
#include "support/random.h"

static struct rtc_address address(uint32_t number)
{
    return (struct rtc_address){
        .family = RTC_IPV4,
        .ip = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number},
        .port = 9};
}

static void a_name_in_ice_is_a_number(void **state)
{
    struct random random = {8};
    char name[SFU_UFRAG];

    (void)state;
    for (int i = 0; i < 10000; i++) {
        uint32_t number = (uint32_t)random_u64(&random);
        uint32_t read = ~number;
        sfu_ufrag_write(number, name);
        assert_true(sfu_ufrag_read(bytes_of((const uint8_t *)name, SFU_UFRAG), &read));
        assert_int_equal(read, number);
    }
}

static void other_names_are_not_ours(void **state)
{
    uint32_t number = 7;

    (void)state;
    assert_false(sfu_ufrag_read(bytes_str(""), &number));
    assert_false(sfu_ufrag_read(bytes_str("aaaaaaa"), &number));
    assert_false(sfu_ufrag_read(bytes_str("aaaaaaaaa"), &number));
    assert_false(sfu_ufrag_read(bytes_str("aaaaaaaq"), &number));
    assert_false(sfu_ufrag_read(bytes_str("Aaaaaaaa"), &number));
    assert_int_equal(number, 7);
}

static void an_address_is_found_by_all_of_it(void **state)
{
    struct sfu_demux *d = calloc(1, sizeof *d);
    struct sfu_ways ways = {0};
    struct rtc_address a = address(1);
    int owner;

    (void)state;
    assert_non_null(d);
    assert_null(sfu_demux_find(d, &a));
    sfu_demux_put(d, &ways, &owner, &a, 1);
    assert_ptr_equal(sfu_demux_find(d, &a), &owner);
    for (unsigned i = 0; i < 16; i++) {
        struct rtc_address other = a;
        other.ip[i] ^= 1;
        assert_null(sfu_demux_find(d, &other));
    }
    a.port++;
    assert_null(sfu_demux_find(d, &a));
    a.port--;
    a.family = RTC_IPV6;
    assert_null(sfu_demux_find(d, &a));
    sfu_demux_forget(d, &ways);
    free(d);
}

static void an_address_is_his_who_proved_it_last(void **state)
{
    struct sfu_demux *d = calloc(1, sizeof *d);
    struct sfu_ways first = {0};
    struct sfu_ways second = {0};
    struct rtc_address a = address(1);
    int one;
    int two;

    (void)state;
    assert_non_null(d);
    sfu_demux_put(d, &first, &one, &a, 1);
    sfu_demux_put(d, &second, &two, &a, 2);
    assert_ptr_equal(sfu_demux_find(d, &a), &two);
    sfu_demux_forget(d, &first); /* who lost it takes it from nobody */
    assert_ptr_equal(sfu_demux_find(d, &a), &two);
    sfu_demux_forget(d, &second);
    assert_null(sfu_demux_find(d, &a));
    free(d);
}

static void beyond_the_limit_the_oldest_address_is_forgotten(void **state)
{
    struct sfu_demux *d = calloc(1, sizeof *d);
    struct sfu_ways ways = {0};
    struct rtc_address a;
    int owner;

    (void)state;
    assert_non_null(d);
    for (uint32_t i = 0; i < SFU_WAYS; i++) {
        a = address(i);
        sfu_demux_put(d, &ways, &owner, &a, 10 + i);
    }
    a = address(0);
    sfu_demux_put(d, &ways, &owner, &a, 100); /* confirmed again: now the second is the oldest */
    a = address(SFU_WAYS);
    sfu_demux_put(d, &ways, &owner, &a, 101);
    for (uint32_t i = 0; i <= SFU_WAYS; i++) {
        a = address(i);
        assert_ptr_equal(sfu_demux_find(d, &a), i == 1 ? NULL : &owner);
    }
    sfu_demux_forget(d, &ways);
    free(d);
}

#define OWNERS 400

/* Against a plain list, with chains in each bucket. */
static void many_come_and_go_and_none_is_taken_for_another(void **state)
{
    struct sfu_demux *d = calloc(1, sizeof *d);
    struct sfu_ways *ways = calloc(OWNERS, sizeof *ways);
    struct sfu_ways *owner_of[1000] = {0};
    struct random random = {9};

    (void)state;
    assert_true(d != NULL && ways != NULL);
    for (uint64_t i = 1; i < 50000; i++) {
        struct sfu_ways *who = &ways[random_below(&random, OWNERS)];
        uint32_t number = (uint32_t)random_below(&random, 1000);
        struct rtc_address a = address(number);
        if (random_chance(&random, 30)) {
            sfu_demux_forget(d, who);
            for (size_t k = 0; k < 1000; k++)
                owner_of[k] = owner_of[k] == who ? NULL : owner_of[k];
        } else {
            size_t has = 0;
            for (size_t k = 0; k < 1000; k++)
                has += owner_of[k] == who;
            if (has == SFU_WAYS) /* which of them goes is tested above */
                continue;
            sfu_demux_put(d, who, who, &a, i);
            owner_of[number] = who;
        }
        a = address(number = (uint32_t)random_below(&random, 1000));
        assert_ptr_equal(sfu_demux_find(d, &a), owner_of[number]);
    }
    for (size_t i = 0; i < OWNERS; i++)
        sfu_demux_forget(d, &ways[i]);
    for (size_t i = 0; i < SFU_WAY_BUCKETS; i++)
        assert_null(d->buckets[i]);
    free(ways);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_in_ice_is_a_number),
        cmocka_unit_test(other_names_are_not_ours),
        cmocka_unit_test(an_address_is_found_by_all_of_it),
        cmocka_unit_test(an_address_is_his_who_proved_it_last),
        cmocka_unit_test(beyond_the_limit_the_oldest_address_is_forgotten),
        cmocka_unit_test(many_come_and_go_and_none_is_taken_for_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
