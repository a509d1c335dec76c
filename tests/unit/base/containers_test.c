/* The copy-on-write array and the map, each against a plain model; SipHash against its authors. */
#include "base/cow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/siphash.h"
#include "base/u32map.h"
#include "support/alloc_fail.h"
#include "support/random.h"

/* ---- Copy on write ---- */

static long living; /* references to elements that are not zero */

static void ref(void *element)
{
    living += *(uint64_t *)element != 0;
}

static void unref(void *element)
{
    living -= *(uint64_t *)element != 0;
}

#define PER_CHUNK ((size_t)16)

static const struct cow_type type = {sizeof(uint64_t), PER_CHUNK, ref, unref};

static void set(struct cow *a, size_t i, uint64_t v)
{
    uint64_t *e = cow_own(a, i);
    assert_non_null(e);
    living += (v != 0) - (*e != 0);
    *e = v;
}

#define ARRAYS 5
#define ELEMENTS 200

struct model {
    struct cow a;
    uint64_t v[ELEMENTS];
    size_t n;
};

static void is_as_modelled(const struct model *m)
{
    assert_int_equal(m->a.n, m->n);
    for (size_t i = 0; i < m->n; i++)
        assert_true(*(const uint64_t *)cow_at(&m->a, i) == m->v[i]);
}

static void resize(struct model *m, size_t n)
{
    assert_int_equal(cow_resize(&m->a, n), 0);
    for (size_t i = m->n < n ? m->n : n; i < ELEMENTS; i++)
        m->v[i] = 0;
    m->n = n;
}

static void arrays_that_share_do_not_see_each_others_writes(void **state)
{
    (void)state;
    static struct model m[ARRAYS];
    struct random r = {7};
    memset(m, 0, sizeof m);
    living = 0;
    for (size_t i = 0; i < ARRAYS; i++)
        cow_init(&m[i].a, &type);
    for (int step = 0; step < 5000; step++) {
        struct model *x = &m[random_below(&r, ARRAYS)], *y = &m[random_below(&r, ARRAYS)];
        switch (random_below(&r, 4)) {
        case 0:
            resize(x, (size_t)random_below(&r, ELEMENTS));
            break;
        case 1:
            if (x == y)
                break;
            cow_fini(&y->a);
            cow_clone(&x->a, &y->a);
            memcpy(y->v, x->v, sizeof x->v);
            y->n = x->n;
            break;
        default:
            if (x->n != 0) {
                size_t i = (size_t)random_below(&r, x->n);
                x->v[i] = random_below(&r, 3);
                set(&x->a, i, x->v[i]);
            }
        }
        is_as_modelled(x);
        is_as_modelled(y);
    }
    for (size_t i = 0; i < ARRAYS; i++)
        cow_fini(&m[i].a);
    assert_int_equal(living, 0); /* each reference was given back */
}

static void a_clone_shares_until_it_is_written(void **state)
{
    (void)state;
    struct cow a, b;
    living = 0;
    cow_init(&a, &type);
    assert_int_equal(cow_resize(&a, 3 * PER_CHUNK), 0);
    for (size_t i = 0; i < a.n; i++)
        set(&a, i, i + 1);
    cow_clone(&a, &b);
    for (size_t i = 0; i < a.n; i++)
        assert_true(cow_shares(&a, &b, i));
    set(&b, PER_CHUNK, 99);
    assert_true(cow_shares(&a, &b, 0));
    assert_false(cow_shares(&a, &b, PER_CHUNK));
    assert_true(cow_shares(&a, &b, 2 * PER_CHUNK));
    assert_true(*(const uint64_t *)cow_at(&a, PER_CHUNK) == PER_CHUNK + 1);
    cow_fini(&a);
    assert_true(*(const uint64_t *)cow_at(&b, 0) == 1);
    cow_fini(&b);
    assert_int_equal(living, 0);
}

static void without_memory_an_array_stays_as_it_is(void **state)
{
    (void)state;
    struct cow a, b;
    living = 0;
    cow_init(&a, &type);
    assert_int_equal(cow_resize(&a, 10), 0);
    set(&a, 3, 3);
    cow_clone(&a, &b);
    for (size_t n = 0;; n++) { /* writing to what is shared */
        alloc_fail_after(n);
        uint64_t *e = cow_own(&b, 3);
        alloc_fail_off();
        if (!alloc_fail_hit())
            break;
        assert_null(e);
        assert_true(*(const uint64_t *)cow_at(&b, 3) == 3);
    }
    for (size_t n = 0;; n++) {
        alloc_fail_after(n);
        int rv = cow_resize(&b, 10 * PER_CHUNK);
        alloc_fail_off();
        if (!alloc_fail_hit())
            break;
        assert_int_equal(rv, CONCLAVE_ENOMEM);
        assert_int_equal(b.n, 10);
    }
    assert_int_equal(b.n, 10 * PER_CHUNK);
    cow_fini(&a);
    cow_fini(&b);
    assert_int_equal(living, 0);
}

/* ---- The map ---- */

#define KEYS 300

static void a_map_is_what_was_put_into_it(void **state)
{
    (void)state;
    struct u32map m = {0};
    static char values[KEYS];
    char *model[KEYS] = {0};
    struct random r = {11};
    size_t n = 0;
    assert_null(u32map_get(&m, 1));
    assert_null(u32map_take(&m, 1));
    for (int step = 0; step < 20000; step++) {
        uint32_t k = (uint32_t)random_below(&r, KEYS), key = k * 0x10001u; /* far apart */
        if (random_chance(&r, 60)) {
            char *v = &values[random_below(&r, KEYS)];
            n += model[k] == NULL;
            model[k] = v;
            assert_int_equal(u32map_put(&m, key, v), 0);
        } else {
            assert_ptr_equal(u32map_take(&m, key), model[k]);
            n -= model[k] != NULL;
            model[k] = NULL;
        }
        assert_int_equal(m.n, n);
    }
    for (uint32_t k = 0; k < KEYS; k++)
        assert_ptr_equal(u32map_get(&m, k * 0x10001u), model[k]);
    size_t it = 0, seen = 0;
    uint32_t key;
    for (void *p; (p = u32map_next(&m, &it, &key)) != NULL; seen++)
        assert_ptr_equal(p, model[key / 0x10001u]);
    assert_int_equal(seen, n);
    u32map_fini(&m);
}

static void after_a_reserve_no_put_fails(void **state)
{
    (void)state;
    struct u32map m = {0};
    int value;
    alloc_fail_after(0);
    assert_int_equal(u32map_put(&m, 5, &value), CONCLAVE_ENOMEM);
    alloc_fail_off();
    assert_null(u32map_get(&m, 5));
    assert_int_equal(u32map_reserve(&m, 100), 0);
    alloc_fail_after(0);
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(u32map_put(&m, i, &value), 0);
    alloc_fail_off();
    assert_false(alloc_fail_hit());
    u32map_fini(&m);
}

/* ---- SipHash-2-4: the vectors of the paper and its reference code ---- */

static void siphash_is_the_authors_siphash(void **state)
{
    (void)state;
    uint8_t key[16], data[64];
    for (uint8_t i = 0; i < 64; i++)
        data[i] = i;
    memcpy(key, data, 16);
    assert_true(siphash(key, bytes_of(data, 0)) == 0x726fdb47dd0e0e31);
    assert_true(siphash(key, bytes_of(data, 1)) == 0x74f839c593dc67fd);
    assert_true(siphash(key, bytes_of(data, 8)) == 0x93f5f5799a932462);
    assert_true(siphash(key, bytes_of(data, 15)) == 0xa129ca6149be45e5); /* appendix A */
    key[0] ^= 1;
    assert_true(siphash(key, bytes_of(data, 15)) != 0xa129ca6149be45e5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_that_share_do_not_see_each_others_writes),
        cmocka_unit_test(a_clone_shares_until_it_is_written),
        cmocka_unit_test(without_memory_an_array_stays_as_it_is),
        cmocka_unit_test(a_map_is_what_was_put_into_it),
        cmocka_unit_test(after_a_reserve_no_put_fails),
        cmocka_unit_test(siphash_is_the_authors_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
