/* Bytes as text: there and back, and one spelling only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "base/base64.h"
#include "support/alloc_fail.h"
#include "support/random.h"

/* RFC 4648 10 */
static void the_vectors_of_the_rfc(void **state)
{
    (void)state;
    static const char *const vectors[][3] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foob", "Zm9vYg==", "Zm9vYg"},
        {"fooba", "Zm9vYmE=", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "+/+/", "-_-_"},
    };
    struct buf out = {0};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct bytes data = bytes_str(vectors[i][0]);
        buf_clear(&out);
        base64_put(&out, data);
        assert_true(bytes_equal(buf_view(&out), bytes_str(vectors[i][1])));
        buf_clear(&out);
        base64url_put(&out, data);
        assert_true(bytes_equal(buf_view(&out), bytes_str(vectors[i][2])));
        buf_clear(&out);
        assert_int_equal(base64_read(bytes_str(vectors[i][1]), &out), 0);
        assert_true(bytes_equal(buf_view(&out), data));
        buf_clear(&out);
        assert_int_equal(base64url_read(bytes_str(vectors[i][2]), &out), 0);
        assert_true(bytes_equal(buf_view(&out), data));
    }
    buf_free(&out);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct random r = {1};
    uint8_t data[100];
    struct buf text = {0}, out = {0};
    for (size_t n = 0; n < sizeof data; n++) {
        random_fill(&r, data, n);
        buf_clear(&text);
        buf_clear(&out);
        base64_put(&text, bytes_of(data, n));
        assert_int_equal(base64_read(buf_view(&text), &out), 0);
        buf_clear(&text);
        base64url_put(&text, bytes_of(data, n));
        assert_int_equal(base64url_read(buf_view(&text), &out), 0);
        assert_int_equal(out.n, 2 * n);
        assert_memory_equal(out.p, data, n);
        assert_memory_equal(out.p + n, data, n);
    }
    buf_free(&text);
    buf_free(&out);
}

static void every_other_spelling_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "Z",     "Zg",     "Zg=",   "Zg===", "=",    "==",        "===",      "====",
        "Z===",  "Zm8",    "Zm8==", "Zm9v=", "Zh==", "Zm9=",      "Zg==Zg==", "Z=g=",
        " Zm9v", "Zm9v\n", "Zm 9v", "-_-_",  "Zm9?", "Zm9v Zm9v", "=Zm9",     "Zm9vZ",
    };
    static const char *const wrong_url[] = {"Z", "Zg==", "Zh", "Zm9", "+/+/", "Zm9vZ", "Zm8 "};
    struct buf out = {0};
    buf_put(&out, bytes_str("before"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(base64_read(bytes_str(wrong[i]), &out), CONCLAVE_ESYNTAX);
    for (size_t i = 0; i < sizeof wrong_url / sizeof wrong_url[0]; i++)
        assert_int_equal(base64url_read(bytes_str(wrong_url[i]), &out), CONCLAVE_ESYNTAX);
    assert_int_equal(base64_read(bytes_of("Zm9\0", 4), &out), CONCLAVE_ESYNTAX);
    assert_true(bytes_equal(buf_view(&out), bytes_str("before")));
    buf_free(&out);
}

static int read_long(void *ctx)
{
    struct buf out = {0};
    int rv = base64_read(*(struct bytes *)ctx, &out);
    buf_free(&out);
    return rv;
}

static void a_failed_allocation_is_told(void **state)
{
    (void)state;
    static uint8_t text[400];
    memset(text, 'A', sizeof text);
    struct bytes view = bytes_of(text, sizeof text);
    assert_true(alloc_sweep(read_long, &view) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_rfc),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_other_spelling_is_refused),
        cmocka_unit_test(a_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
