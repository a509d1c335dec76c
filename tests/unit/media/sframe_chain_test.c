/* Sender keys: RFC 9605 5.1. */
#include "media.h"

#include <conclave/sframe.h>

#include "sframe/limits.h"
#include "support/alloc_fail.h"

#define SUITE SFRAME_AES_128_GCM_SHA256_128
#define R 3

static const uint8_t keys[4][32] = {{1}, {2}, {3}, {4}};

struct frame {
    uint8_t p[100];
    size_t n;
};

static struct sframe_chain *chain_of(enum sframe_use use, unsigned bits)
{
    struct sframe_chain *c = NULL;
    assert_int_equal(sframe_chain_new(SUITE, use, bits, 0, 0, bytes_of(keys[0], 32), &c), 0);
    return c;
}

static struct sframe_chain *chain(enum sframe_use use)
{
    return chain_of(use, R);
}

static struct frame seal(struct sframe_chain *c)
{
    struct frame f = {.n = 0};
    assert_int_equal(
        sframe_chain_seal(c, bytes_of("m", 1), bytes_of("text", 4), f.p, sizeof f.p, &f.n), 0);
    return f;
}

static int open_at(struct sframe_chain *c, const struct frame *f, uint64_t now_us)
{
    uint8_t out[100];
    size_t n = 0;
    int rv = sframe_chain_open(c, bytes_of("m", 1), bytes_of(f->p, f->n), now_us, out, sizeof out,
                               &n, NULL);
    if (rv == 0)
        assert_true(bytes_equal(bytes_of(out, n), bytes_of("text", 4)));
    return rv;
}

static void receivers_follow_the_ratchet_through_losses(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *b = chain(SFRAME_OPENING);
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct frame f = seal(a);
        if (i % 3 != 1) /* those of some steps are lost */
            assert_int_equal(open_at(b, &f, 0), 0);
        assert_int_equal(sframe_chain_ratchet(a), 0);
    }
    sframe_chain_free(a);
    sframe_chain_free(b);
}

/* A kept key whose KID the sender has come back to must not stand in the new one's way. */
static void a_sender_is_followed_however_few_its_ratchet_bits(void **state)
{
    (void)state;
    for (unsigned bits = 1; bits <= 8; bits++) {
        struct sframe_chain *a = chain_of(SFRAME_SEALING, bits);
        struct sframe_chain *b = chain_of(SFRAME_OPENING, bits);
        for (int i = 0; i < 600; i++) {
            struct frame f = seal(a);
            assert_int_equal(open_at(b, &f, 0), 0);
            assert_int_equal(sframe_chain_ratchet(a), 0);
        }
        sframe_chain_free(a);
        sframe_chain_free(b);
    }
}

static void a_late_frame_of_a_step_that_was_skipped_still_opens(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *b = chain(SFRAME_OPENING);
    struct frame f[4];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        f[i] = seal(a);
        assert_int_equal(sframe_chain_ratchet(a), 0);
    }
    assert_int_equal(open_at(b, &f[3], 0), 0);
    for (size_t i = 4; i-- > 0;)
        assert_int_equal(open_at(b, &f[i], 0), i == 3 ? CONCLAVE_EREPLAY : 0);
    sframe_chain_free(a);
    sframe_chain_free(b);
}

/* Each step is two derivations, and anybody can ask for them. */
static void a_frame_far_ahead_or_too_short_derives_nothing(void **state)
{
    struct sframe_chain *a = chain_of(SFRAME_SEALING, 8), *b = chain_of(SFRAME_OPENING, 8);
    struct frame f, cut;
    (void)state;
    for (uint64_t i = 0; i < SFRAME_CHAIN_AHEAD; i++)
        assert_int_equal(sframe_chain_ratchet(a), 0);
    f = seal(a);
    cut = f;
    cut.n = 10;
    assert_int_equal(sframe_chain_ratchet(a), 0);
    struct frame far = seal(a);
    alloc_fail_after(0);
    int rv = open_at(b, &far, 0), rv2 = open_at(b, &cut, 0);
    alloc_fail_off();
    assert_false(alloc_fail_hit());
    assert_int_equal(rv, CONCLAVE_EUNKNOWNKEY);
    assert_int_equal(rv2, CONCLAVE_ESYNTAX);
    assert_int_equal(open_at(b, &f, 0), 0);
    assert_int_equal(open_at(b, &far, 0), 0);
    sframe_chain_free(a);
    sframe_chain_free(b);
}

/* RFC 9605 9.1 */
static void a_sender_that_resumes_begins_above_what_it_used(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *again = chain(SFRAME_SEALING);
    struct sframe_chain *b = chain(SFRAME_OPENING);
    struct sframe_used used;
    struct sframe_header h;
    size_t n;
    (void)state;
    for (int i = 0; i < 5; i++)
        seal(a);
    assert_int_equal(sframe_chain_used(a, &used), 0);
    assert_true(used.ctr == 5 && used.blocks == 10);
    assert_int_equal(sframe_chain_skip(again, &used), 0);
    struct frame f = seal(again);
    assert_int_equal(sframe_header_read(bytes_of(f.p, f.n), &h, &n), 0);
    assert_true(h.ctr == 5);
    assert_int_equal(sframe_chain_skip(again, &used), CONCLAVE_EINVAL); /* back */
    assert_int_equal(sframe_chain_used(again, &used), 0);
    assert_true(used.ctr == 6 && used.blocks == 12);
    assert_int_equal(sframe_chain_skip(b, &used), CONCLAVE_ESTATE);
    assert_int_equal(sframe_chain_used(b, &used), CONCLAVE_ESTATE);
    sframe_chain_free(a);
    sframe_chain_free(again);
    sframe_chain_free(b);
}

/* The same by hand: base_key[1] from the formula of the section, as a chain of its own. */
static void the_ratchet_is_the_one_of_the_rfc(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *b = NULL;
    uint8_t next[32];
    (void)state;
    /* HKDF-Expand(HKDF-Extract("", 01 00...), "SFrame 1.0 Ratchet", 32), from Python's hmac */
    unhex("21d03e9e5c0b2f4bbffe97e9f41db8911b5eaf2d8d212f2e7e59a63835595aea", next);
    assert_int_equal(sframe_chain_ratchet(a), 0);
    assert_int_equal(
        sframe_chain_new(SUITE, SFRAME_OPENING, R, 0, 1, bytes_of(next, sizeof next), &b), 0);
    struct frame f = seal(a);
    assert_int_equal(open_at(b, &f, 0), 0);
    sframe_chain_free(a);
    sframe_chain_free(b);
}

static void late_frames_open_for_a_while_and_no_longer(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *b = chain(SFRAME_OPENING);
    struct frame late = seal(a), later = seal(a), f;
    (void)state;
    assert_int_equal(sframe_chain_ratchet(a), 0);
    f = seal(a);
    assert_int_equal(open_at(b, &f, 1000), 0);
    assert_int_equal(open_at(b, &late, 1000 + SFRAME_GRACE_US - 1), 0);
    assert_int_equal(open_at(b, &late, 1000 + SFRAME_GRACE_US - 1), CONCLAVE_EREPLAY);
    assert_int_equal(open_at(b, &later, 1000 + SFRAME_GRACE_US), CONCLAVE_EUNKNOWNKEY);
    sframe_chain_free(a);
    sframe_chain_free(b);
}

static void a_forged_step_moves_nothing(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *b = chain(SFRAME_OPENING);
    struct frame f = seal(a), forged = f;
    (void)state;
    forged.p[0] = 0x20; /* KID 2: two steps ahead */
    assert_int_equal(open_at(b, &forged, 0), CONCLAVE_EDECRYPT);
    forged.p[0] = 0x50; /* five steps ahead are more than half the window: behind */
    assert_int_equal(open_at(b, &forged, 0), CONCLAVE_EUNKNOWNKEY);
    assert_int_equal(open_at(b, &f, 0), 0);
    sframe_chain_free(a);
    sframe_chain_free(b);
}

static void a_new_generation_needs_its_key(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *b = chain(SFRAME_OPENING);
    struct frame old = seal(a), f;
    (void)state;
    assert_int_equal(sframe_chain_rekey(a, 1, bytes_of(keys[1], 32), 0), 0);
    f = seal(a);
    assert_int_equal(open_at(b, &f, 0), CONCLAVE_EUNKNOWNKEY);
    assert_int_equal(sframe_chain_rekey(b, 0, bytes_of(keys[1], 32), 0), CONCLAVE_EINVAL);
    assert_int_equal(sframe_chain_rekey(b, 1, bytes_of(keys[1], 15), 0), CONCLAVE_EINVAL);
    assert_int_equal(sframe_chain_rekey(b, 1, bytes_of(keys[1], 32), 0), 0);
    assert_int_equal(open_at(b, &f, 0), 0);
    assert_int_equal(open_at(b, &old, 0), 0);
    sframe_chain_free(a);
    sframe_chain_free(b);
}

/* RFC 9605 4.4.1-2 */
static void a_chain_seals_or_opens_never_both(void **state)
{
    struct sframe_chain *a = chain(SFRAME_SEALING), *b = chain(SFRAME_OPENING);
    struct frame f = seal(a);
    uint8_t out[100];
    size_t n;
    (void)state;
    assert_int_equal(open_at(a, &f, 0), CONCLAVE_ESTATE);
    assert_int_equal(
        sframe_chain_seal(b, bytes_of(NULL, 0), bytes_of("text", 4), out, sizeof out, &n),
        CONCLAVE_ESTATE);
    assert_int_equal(sframe_chain_ratchet(b), CONCLAVE_ESTATE);
    sframe_chain_free(a);
    sframe_chain_free(b);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct sframe_chain *c = NULL;
    struct bytes key = bytes_of(keys[0], 32);
    (void)state;
    assert_int_equal(sframe_chain_new(99, SFRAME_OPENING, R, 0, 0, key, &c), CONCLAVE_ESUITE);
    assert_int_equal(sframe_chain_new(SUITE, SFRAME_OPENING, 0, 0, 0, key, &c), CONCLAVE_EINVAL);
    assert_int_equal(sframe_chain_new(SUITE, SFRAME_OPENING, 9, 0, 0, key, &c), CONCLAVE_EINVAL);
    assert_int_equal(
        sframe_chain_new(SUITE, SFRAME_OPENING, R, (uint64_t)1 << (64 - R), 0, key, &c),
        CONCLAVE_EINVAL);
    assert_int_equal(sframe_chain_new(SUITE, SFRAME_SEALING, R, 0, 0xffffffff, key, &c), 0);
    assert_int_equal(sframe_chain_ratchet(c), CONCLAVE_EEXHAUSTED);
    sframe_chain_free(c);
}

static int a_short_life(void *ctx)
{
    struct sframe_chain *a = NULL, *b = NULL;
    uint8_t out[100];
    size_t n = 0;
    (void)ctx;
    int rv = sframe_chain_new(SUITE, SFRAME_SEALING, R, 0, 0, bytes_of(keys[0], 32), &a);
    if (rv == 0)
        rv = sframe_chain_new(SUITE, SFRAME_OPENING, R, 0, 0, bytes_of(keys[0], 32), &b);
    for (int i = 0; rv == 0 && i < 5; i++) {
        rv = sframe_chain_ratchet(a);
        if (rv == 0)
            rv = sframe_chain_seal(a, bytes_of("m", 1), bytes_of("text", 4), out, sizeof out, &n);
        if (rv == 0)
            rv = sframe_chain_open(b, bytes_of("m", 1), bytes_of(out, n), 0, out, sizeof out, &n,
                                   NULL);
    }
    sframe_chain_free(a);
    sframe_chain_free(b);
    return rv;
}

static void failing_allocations_are_reported_and_leak_nothing(void **state)
{
    (void)state;
    assert_true(alloc_sweep(a_short_life, NULL) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receivers_follow_the_ratchet_through_losses),
        cmocka_unit_test(a_sender_is_followed_however_few_its_ratchet_bits),
        cmocka_unit_test(a_late_frame_of_a_step_that_was_skipped_still_opens),
        cmocka_unit_test(a_frame_far_ahead_or_too_short_derives_nothing),
        cmocka_unit_test(a_sender_that_resumes_begins_above_what_it_used),
        cmocka_unit_test(the_ratchet_is_the_one_of_the_rfc),
        cmocka_unit_test(late_frames_open_for_a_while_and_no_longer),
        cmocka_unit_test(a_forged_step_moves_nothing),
        cmocka_unit_test(a_new_generation_needs_its_key),
        cmocka_unit_test(a_chain_seals_or_opens_never_both),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(failing_allocations_are_reported_and_leak_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
