/* Display names: sealed for who has the link, bound to the key of who says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/crypto.h>

#include "crypto/aead.h"
#include "meeting/name.h"
#include "meeting/state.h"
#include "support/alloc_fail.h"
#include "wire/writer.h"

static const uint8_t key_bytes[MEETING_NAME_KEY] = {1, 2, 3};
static const uint8_t other_key[MEETING_NAME_KEY] = {1, 2, 4};

static struct bytes ann(void)
{
    return bytes_str("the signature key of Ann");
}

static struct meeting_names *names_of(const uint8_t key[static MEETING_NAME_KEY])
{
    struct meeting_names *names = NULL;
    assert_int_equal(meeting_names_new(key, &names), 0);
    return names;
}

static int seal(struct crypto *c, const char *name, struct buf *out)
{
    struct meeting_names *names = names_of(key_bytes);
    int rv = meeting_name_seal(names, c, ann(), name, out);
    meeting_names_free(names);
    return rv;
}

/* An extension list with a name of this data in it. */
static struct buf list_of(struct bytes data)
{
    struct buf list = {0};
    write_u16(&list, 0xF0CE);
    write_vec(&list, bytes_str("something else"));
    write_u16(&list, MEETING_EXT_NAME);
    write_vec(&list, data);
    return list;
}

static void assert_opens(const uint8_t *key, struct bytes signature_key, struct bytes data,
                         const char *expected)
{
    char name[MEETING_NAME_MAX + 1] = "untouched";
    struct meeting_names *names = names_of(key);
    struct buf list = list_of(data);
    meeting_name_open(names, signature_key, buf_view(&list), name);
    assert_string_equal(name, expected);
    buf_free(&list);
    meeting_names_free(names);
}

static int with_crypto(void **state)
{
    struct crypto *c = NULL;
    if (crypto_new_public(CRYPTO_P384_AES256GCM_SHA384_P384, &c) != 0)
        return -1;
    *state = c;
    return 0;
}

static int without_crypto(void **state)
{
    crypto_free(*state);
    return 0;
}

static void a_name_opens_for_who_has_the_link(void **state)
{
    static const char longest[] =
        "0123456789012345678901234567890123456789012345678901234567890123";
    static const char *const names[] = {"Ann", "", "\xc3\x84nn \xf0\x9f\x8c\xb4", longest};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct buf data = {0};
        assert_int_equal(seal(*state, names[i], &data), 0);
        assert_int_equal(data.n, AEAD_NONCE + 1 + strlen(names[i]) + AEAD_TAG + (i == 3));
        assert_opens(key_bytes, ann(), buf_view(&data), names[i]);
        buf_free(&data);
    }
}

static void two_seals_of_a_name_are_not_alike(void **state)
{
    struct buf a = {0}, b = {0};
    assert_int_equal(seal(*state, "Ann", &a), 0);
    assert_int_equal(seal(*state, "Ann", &b), 0);
    assert_false(bytes_equal(buf_view(&a), buf_view(&b)));
    buf_free(&a);
    buf_free(&b);
}

static void nobody_else_can_show_it_or_read_it(void **state)
{
    struct buf data = {0};
    assert_int_equal(seal(*state, "Ann", &data), 0);
    assert_opens(key_bytes, bytes_str("the signature key of Ben"), buf_view(&data), "");
    assert_opens(other_key, ann(), buf_view(&data), "");
    buf_free(&data);
}

static void no_byte_of_it_can_be_changed_or_missing(void **state)
{
    struct buf data = {0};
    assert_int_equal(seal(*state, "Ann", &data), 0);
    for (size_t i = 0; i < data.n; i++) {
        data.p[i] ^= 0x10;
        assert_opens(key_bytes, ann(), buf_view(&data), "");
        data.p[i] ^= 0x10;
        assert_opens(key_bytes, ann(), bytes_of(data.p, i), "");
    }
    buf_put_zero(&data, 1);
    assert_opens(key_bytes, ann(), buf_view(&data), "");
    buf_free(&data);
}

static void a_leaf_without_a_name_has_none(void **state)
{
    char name[MEETING_NAME_MAX + 1] = "untouched";
    struct meeting_names *names = names_of(key_bytes);
    (void)state;
    meeting_name_open(names, ann(), bytes_of(NULL, 0), name);
    assert_string_equal(name, "");
    meeting_names_free(names);
}

/* Sealed by somebody who does not keep to the rules. */
static void seal_anything(struct bytes text, struct buf *out)
{
    const uint8_t nonce[AEAD_NONCE] = {9};
    uint8_t sealed[128];
    struct aead_engine *engine;
    struct aead *aead;
    assert_int_equal(aead_engine_new(AEAD_OPENSSL, &engine), 0);
    assert_int_equal(
        aead_new(engine, AEAD_ALG_GCM256, AEAD_TAG, bytes_of(key_bytes, sizeof key_bytes), &aead),
        0);
    assert_int_equal(aead_seal(aead, nonce, ann(), text, sealed, sealed + text.n), 0);
    buf_clear(out);
    buf_put(out, bytes_of(nonce, sizeof nonce));
    write_vec(out, bytes_of(sealed, text.n + AEAD_TAG));
    aead_free(aead);
    aead_engine_free(engine);
}

static void names_that_are_not_plain_or_too_long_are_not_shown(void **state)
{
    char too_long[MEETING_NAME_MAX + 2] = {0};
    /* NOLINTNEXTLINE(misc-misleading-bidirectional) it is the case */
    const char *const tricks[] = {"a\nb", "\xe2\x80\xae", "\xff", "<b>Ann</b>", too_long};
    struct buf data = {0};
    (void)state;
    memset(too_long, 'x', MEETING_NAME_MAX + 1);
    seal_anything(bytes_str("Ann"), &data);
    assert_opens(key_bytes, ann(), buf_view(&data), "Ann");
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) {
        seal_anything(bytes_str(tricks[i]), &data);
        assert_opens(key_bytes, ann(), buf_view(&data), "");
    }
    seal_anything(bytes_of("a\0b", 3), &data);
    assert_opens(key_bytes, ann(), buf_view(&data), "");
    buf_free(&data);
}

static void such_names_are_not_sealed(void **state)
{
    char too_long[MEETING_NAME_MAX + 2] = {0};
    struct buf out = {0};
    memset(too_long, 'x', MEETING_NAME_MAX + 1);
    assert_int_equal(seal(*state, too_long, &out), CONCLAVE_EINVAL);
    assert_int_equal(seal(*state, "a\nb", &out), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
}

static int seal_one(void *ctx)
{
    struct meeting_names *names = NULL;
    struct buf out = {0};
    int rv = meeting_names_new(key_bytes, &names);
    if (rv == 0)
        rv = meeting_name_seal(names, ctx, ann(), "Ann", &out);
    buf_free(&out);
    meeting_names_free(names);
    return rv;
}

static void a_failed_allocation_is_reported(void **state)
{
    assert_true(alloc_sweep(seal_one, *state) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_opens_for_who_has_the_link),
        cmocka_unit_test(two_seals_of_a_name_are_not_alike),
        cmocka_unit_test(nobody_else_can_show_it_or_read_it),
        cmocka_unit_test(no_byte_of_it_can_be_changed_or_missing),
        cmocka_unit_test(a_leaf_without_a_name_has_none),
        cmocka_unit_test(names_that_are_not_plain_or_too_long_are_not_shown),
        cmocka_unit_test(such_names_are_not_sealed),
        cmocka_unit_test(a_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, with_crypto, without_crypto);
}
