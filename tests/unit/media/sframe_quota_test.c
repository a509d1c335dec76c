/* What one member can make the others spend, and what it cannot take from them. */
#include "media.h"

#include "sframe/keys.h"
#include "sframe/limits.h"
#include "support/alloc_fail.h"

#define SUITE SFRAME_AES_256_GCM_SHA512_128
#define BITS 4
#define GROUP 512
#define SECOND ((uint64_t)1000000)

static const uint8_t base_keys[4][32] = {{1}, {2}, {3}, {4}};

static int add(struct sframe_keys *k, uint64_t id, uint32_t leaf, uint64_t now_us)
{
    struct sframe_epoch e = {id, bytes_of(base_keys[id % 4], 32), GROUP, leaf, SFRAME_SWITCH_NOW};
    return sframe_keys_add_epoch(k, &e, now_us);
}

static struct sframe_keys *member(uint64_t id, uint32_t leaf)
{
    struct sframe_keys *k = NULL;
    assert_int_equal(sframe_keys_new(SUITE, BITS, SFRAME_INSIDE, &k), 0);
    assert_int_equal(add(k, id, leaf, 0), 0);
    return k;
}

struct frame {
    uint8_t p[64];
    size_t n;
};

static struct frame seal_as(struct sframe_keys *k, uint32_t leaf, uint64_t context)
{
    struct frame f = {.n = 0};
    k->sending->own_leaf = leaf; /* whoever has the epoch's key can do this */
    assert_int_equal(
        sframe_seal(k, context, bytes_of(NULL, 0), bytes_of(NULL, 0), 0, f.p, sizeof f.p, &f.n), 0);
    return f;
}

static int open_at(struct sframe_keys *k, const struct frame *f, uint64_t now_us)
{
    uint8_t out[sizeof f->p];
    size_t n = 0;
    return sframe_open(k, bytes_of(NULL, 0), bytes_of(f->p, f->n), now_us, out, sizeof out, &n,
                       NULL);
}

static int seal_at(struct sframe_keys *k, uint64_t now_us)
{
    struct frame f;
    return sframe_seal(k, 0, bytes_of(NULL, 0), bytes_of(NULL, 0), now_us, f.p, sizeof f.p, &f.n);
}

/* Empty frames under everybody's leaf until the victim takes no more; returns how many it took. */
static size_t fill(struct sframe_keys *victim, struct sframe_keys *forger)
{
    size_t n = 0;
    for (uint32_t leaf = 1; leaf < GROUP; leaf++)
        for (uint64_t context = 0; context < SFRAME_CONTEXTS_MAX; context++, n++) {
            struct frame f = seal_as(forger, leaf, context);
            int rv = open_at(victim, &f, 0);
            if (rv == CONCLAVE_ELIMIT)
                return n;
            assert_int_equal(rv, 0);
        }
    return n;
}

static void who_fills_the_table_hinders_neither_sealing_nor_the_epoch_after(void **state)
{
    struct sframe_keys *victim = member(1, 0), *forger = member(1, 1), *other = member(2, 3);
    (void)state;
    assert_int_equal(fill(victim, forger), SFRAME_KEYS_MAX);
    assert_int_equal(seal_at(victim, 1), 0);
    /* the forger is removed */
    assert_int_equal(add(victim, 2, 0, 1000), 0);
    assert_int_equal(seal_at(victim, 2000), 0);
    struct frame f = seal_as(other, 3, 0);
    assert_int_equal(open_at(victim, &f, 2000), 0);
    f = seal_as(forger, GROUP - 1, 0); /* of the old epoch, which has no room for more */
    assert_int_equal(open_at(victim, &f, 2000), CONCLAVE_ELIMIT);
    sframe_keys_free(victim);
    sframe_keys_free(forger);
    sframe_keys_free(other);
}

static void two_full_epochs_and_a_third_one_cost_the_oldest(void **state)
{
    struct sframe_keys *victim = member(1, 0), *early = member(1, 1), *late = member(2, 1);
    struct frame f = seal_as(early, 1, 0), again = f, g;
    (void)state;
    assert_int_equal(open_at(victim, &f, 0), 0);
    assert_int_equal(add(victim, 2, 0, 0), 0);
    assert_int_equal(fill(victim, late), SFRAME_KEYS_MAX);
    assert_int_equal(open_at(victim, &again, 0), CONCLAVE_EREPLAY);
    assert_int_equal(add(victim, 3, 0, 0), 0);
    assert_true(victim->table.n <= (size_t)2 * SFRAME_KEYS_MAX);
    /* gone whole: no frame of it opens, not even a second time */
    assert_int_equal(open_at(victim, &again, 0), CONCLAVE_EUNKNOWNKEY);
    g = seal_as(late, 1, 0);
    assert_int_equal(open_at(victim, &g, 0), 0);
    sframe_keys_free(victim);
    sframe_keys_free(early);
    sframe_keys_free(late);
}

/* Makes a stream whose AEAD has had to make room for the others'. */
static struct sframe_key *disarmed(struct sframe_keys *k, struct sframe_keys *sender)
{
    struct frame f = seal_as(sender, 1, 0);
    struct sframe_header h;
    size_t n;
    assert_int_equal(open_at(k, &f, 0), 0);
    assert_int_equal(sframe_header_read(bytes_of(f.p, f.n), &h, &n), 0);
    struct sframe_key *key = sframe_table_get(&k->table, h.kid);
    aead_free(key->aead);
    key->aead = NULL;
    k->table.ready--;
    return key;
}

static void a_forged_frame_takes_no_other_streams_key(void **state)
{
    struct sframe_keys *k = member(1, 0), *sender = member(1, 1);
    struct sframe_key *key = disarmed(k, sender);
    struct frame good = seal_as(sender, 1, 0), bad = good;
    (void)state;
    k->table.ready = SFRAME_READY_MAX; /* as if others held them all */
    key->recent = false;
    bad.p[bad.n - 1] ^= 1;
    assert_int_equal(open_at(k, &bad, 0), CONCLAVE_EDECRYPT);
    assert_null(key->aead);
    assert_false(key->recent);
    assert_int_equal(k->table.ready, SFRAME_READY_MAX);
    k->table.ready = 0;
    assert_int_equal(open_at(k, &good, 0), 0);
    assert_true(key->aead != NULL && key->recent);
    assert_int_equal(k->table.ready, 1);
    sframe_keys_free(k);
    sframe_keys_free(sender);
}

static void what_sizes_or_the_window_refuse_derives_no_key(void **state)
{
    struct sframe_keys *k = member(1, 0), *sender = member(1, 1);
    struct sframe_key *key = disarmed(k, sender);
    struct frame cut = seal_as(sender, 1, 0), unknown = seal_as(sender, 2, 0);
    uint8_t out[1];
    size_t n = 0;
    (void)state;
    struct frame whole = cut;
    int rv[4];
    replay_accept(&key->window, 5000);
    cut.n -= 1; /* an empty text, and a tag that is a byte short */
    unknown.n -= 1;
    alloc_fail_after(0);
    rv[0] = open_at(k, &cut, 0);
    rv[1] = open_at(k, &unknown, 0);
    rv[2] = open_at(k, &whole, 0);
    rv[3] =
        sframe_open(k, bytes_of(NULL, 0), bytes_of(whole.p, sizeof whole.p), 0, out, 1, &n, NULL);
    alloc_fail_off();
    assert_false(alloc_fail_hit());
    assert_int_equal(rv[0], CONCLAVE_ESYNTAX);
    assert_int_equal(rv[1], CONCLAVE_ESYNTAX);
    assert_int_equal(rv[2], CONCLAVE_EREPLAY);
    assert_int_equal(rv[3], CONCLAVE_EBUFFER);
    sframe_keys_free(k);
    sframe_keys_free(sender);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_fills_the_table_hinders_neither_sealing_nor_the_epoch_after),
        cmocka_unit_test(two_full_epochs_and_a_third_one_cost_the_oldest),
        cmocka_unit_test(a_forged_frame_takes_no_other_streams_key),
        cmocka_unit_test(what_sizes_or_the_window_refuse_derives_no_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
