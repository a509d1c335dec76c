/* Meeting links: what is printed is read, and what is no link is nothing. What the secret yields is
 * compared with another implementation's HMAC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/ct.h"
#include "meeting/link.h"
#include "support/alloc_fail.h"

/* 0, 1, 2, ... 63 and 0, 1, ... 31 as base64url. */
#define BOTH \
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-Pw"
#define HASH "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define NUMBER "/m/0123456789"

static void assert_counts(const uint8_t *p, size_t n, unsigned from)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(p[i], from + i);
}

static void a_link_says_where_which_and_what_is_secret(void **state)
{
    struct link link;
    (void)state;
    assert_int_equal(link_parse("https://meet.example.com:8443" NUMBER "#1." BOTH, &link), 0);
    assert_true(link.tls);
    assert_string_equal(link.host, "meet.example.com");
    assert_int_equal(link.port, 8443);
    assert_string_equal(link.number, "0123456789");
    assert_true(link.has_secret);
    assert_counts(link.secret, LINK_SECRET, 0);
    assert_true(link.has_hash);
    assert_counts(link.card_hash, CARD_HASH, 32);
    link_wipe(&link);
    assert_true(ct_is_zero(bytes_of(&link, sizeof link)));
}

static void links_of_open_meetings_have_no_secret(void **state)
{
    struct link link;
    (void)state;
    assert_int_equal(link_parse("https://meet.example.com" NUMBER "#0." HASH, &link), 0);
    assert_false(link.has_secret);
    assert_true(link.has_hash);
    assert_counts(link.card_hash, CARD_HASH, 0);
    assert_int_equal(link.port, 443);
    assert_int_equal(link_parse("https://meet.example.com" NUMBER, &link), 0);
    assert_false(link.has_secret);
    assert_false(link.has_hash);
}

static void every_good_link_is_printed_as_it_was(void **state)
{
    static const char *const good[] = {
        "https://meet.example.com" NUMBER "#1." BOTH,
        "https://meet.example.com" NUMBER "#0." HASH,
        "https://meet.example.com" NUMBER,
        "https://a:1" NUMBER,
        "https://meet.example.com:65535" NUMBER "#0." HASH,
        "https://meet.example.com:80" NUMBER,
        "https://192.0.2.7" NUMBER,
        "https://[2001:db8::1]" NUMBER "#1." BOTH,
        "https://[2001:DB8::ffff:192.0.2.1]:8443" NUMBER,
        "http://localhost:8080" NUMBER "#1." BOTH,
        "http://localhost" NUMBER,
        "http://127.0.0.1:443" NUMBER,
        "http://[::1]:8080" NUMBER,
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *text = good[i];
        struct link link;
        struct buf out = {0};
        assert_int_equal(link_parse(text, &link), 0);
        assert_int_equal(link_print(&link, &out), 0);
        assert_string_equal((const char *)out.p, text);
        assert_int_equal(out.n, strlen(text));
        buf_free(&out);
    }
}

static void white_space_around_a_link_is_fine(void **state)
{
    struct link link;
    (void)state;
    assert_int_equal(link_parse(" \t\r\nhttps://a.example" NUMBER "\n ", &link), 0);
    assert_string_equal(link.host, "a.example");
    assert_string_equal(link.number, "0123456789");
}

static void what_is_no_link_is_nothing(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "0123456789",
        "meet.example.com" NUMBER,
        "ftp://meet.example.com" NUMBER,
        "https:/meet.example.com" NUMBER,
        "https://" NUMBER,
        "https://user@meet.example.com" NUMBER,
        "https://meet_example.com" NUMBER,
        "https://meet.ex\xc3\xa4mple.com" NUMBER,
        "https://meet example.com" NUMBER,
        "https://[::1" NUMBER,
        "https://[]" NUMBER,
        "https://[::g]" NUMBER,
        "https://[::1]x" NUMBER,
        "https://::1" NUMBER,
        "https://a.example:" NUMBER,
        "https://a.example:0" NUMBER,
        "https://a.example:65536" NUMBER,
        "https://a.example:99999999999999999999" NUMBER,
        "https://a.example:1a" NUMBER,
        "https://a.example:-1" NUMBER,
        "https://a.example",
        "https://a.example/",
        "https://a.example/M/0123456789",
        "https://a.example/x/m/0123456789",
        "https://a.example/m/",
        "https://a.example/m/012345678",
        "https://a.example/m/01234567890",
        "https://a.example/m/012345678a",
        "https://a.example/m/0123456789/",
        "https://a.example/m/0123456789?x",
        "https://a.example" NUMBER "#",
        "https://a.example" NUMBER "#1.",
        "https://a.example" NUMBER "#0." BOTH,
        "https://a.example" NUMBER "#1." HASH,
        "https://a.example" NUMBER "#2." HASH,
        "https://a.example" NUMBER "#0" HASH,
        "https://a.example" NUMBER "#0." HASH "A",
        "https://a.example" NUMBER "#0." HASH "=",
        "https://a.example" NUMBER "#0.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
        "https://a.example" NUMBER "#0.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", /* bits left */
        "https://a.example" NUMBER "#0.+AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        "https://a.example" NUMBER "#0.AAECAwQFBgcICQoLDA0O DxAREhMUFRYXGBkaGxwdHh8",
        "http://meet.example.com" NUMBER,
        "http://localhost.example.com" NUMBER,
        "http://127.0.0.2" NUMBER,
        "http://[::2]" NUMBER,
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct link link;
        memset(&link, 0xff, sizeof link);
        assert_int_equal(link_parse(bad[i], &link), CONCLAVE_EINVAL);
        assert_true(ct_is_zero(bytes_of(&link, sizeof link)));
    }
}

static void hosts_have_a_limit(void **state)
{
    char text[LINK_TEXT_MAX] = "https://";
    struct link link;
    struct buf out = {0};
    (void)state;
    memset(text + 8, 'a', LINK_HOST_MAX);
    strcpy(text + 8 + LINK_HOST_MAX, NUMBER "#1." BOTH);
    assert_int_equal(link_parse(text, &link), 0);
    assert_int_equal(strlen(link.host), LINK_HOST_MAX);
    assert_int_equal(link_print(&link, &out), 0);
    assert_string_equal((const char *)out.p, text);
    strcpy(text + 8 + LINK_HOST_MAX, "a" NUMBER "#1." BOTH);
    assert_int_equal(link_parse(text, &link), CONCLAVE_EINVAL);
    buf_free(&out);
}

static void a_link_that_would_not_read_is_not_printed(void **state)
{
    struct link good;
    (void)state;
    assert_int_equal(link_parse("https://a.example" NUMBER "#1." BOTH, &good), 0);
    struct link bad[8];
    for (size_t i = 0; i < 8; i++)
        bad[i] = good;
    strcpy(bad[0].host, "a b");
    bad[1].host[0] = '\0';
    bad[2].number[9] = '\0';
    bad[3].number[0] = 'x';
    bad[4].port = 0;
    bad[5].tls = false;
    bad[6].has_hash = false; /* but a secret */
    strcpy(bad[7].host, "a/m/0123456789#");
    for (size_t i = 0; i < 8; i++) {
        struct buf out = {0};
        assert_int_equal(link_print(&bad[i], &out), CONCLAVE_EINVAL);
        assert_int_equal(out.n, 0);
        buf_free(&out);
    }
}

static int print_one(void *ctx)
{
    struct link link;
    struct buf out = {0};
    (void)ctx;
    int rv = link_parse("https://a.example" NUMBER "#1." BOTH, &link);
    if (rv == 0)
        rv = link_print(&link, &out);
    if (rv != 0)
        assert_int_equal(out.n, 0);
    buf_free(&out);
    return rv;
}

static void without_memory_nothing_is_printed(void **state)
{
    (void)state;
    assert_true(alloc_sweep(print_one, NULL) > 0);
}

static void assert_derives(struct bytes secret, enum link_use use, const char *expected)
{
    uint8_t hash[CARD_HASH], out[LINK_DERIVED];
    char hex[2 * LINK_DERIVED + 1];
    memset(hash, 0x22, sizeof hash);
    assert_int_equal(link_derive(secret, bytes_of(hash, sizeof hash), use, out), 0);
    for (size_t i = 0; i < sizeof out; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", out[i]);
    assert_string_equal(hex, expected);
}

/* Python: hmac.new(secret, label + b'\x22' * 32, 'sha256'), with b'\x11' * 32 and without. */
static void a_secret_yields_three_values_that_tell_nothing_of_each_other(void **state)
{
    uint8_t secret[LINK_SECRET] = {0};
    struct bytes some = bytes_of(secret, sizeof secret), none = bytes_of(NULL, 0);
    (void)state;
    memset(secret, 0x11, sizeof secret);
    assert_derives(some, LINK_ACCESS,
                   "fc22f943f54af90a7c8fc5290a6d0dfb901d76253334c7eeefbd788f2f7321b1");
    assert_derives(some, LINK_PSK,
                   "00622dabbe16a31f6c1739d438f8f6b1364a9d8d5b46818a1fdb1904ddd5f66f");
    assert_derives(some, LINK_NAMES,
                   "71303f5e92209b5464c76d42d46e0d3a4f64e1bdc5c43fc465399de1265745ac");
    assert_derives(none, LINK_ACCESS,
                   "da07c798045790e9da4b00993412ee92622fdcf2547d7dbd9f4672600e9d811e");
    assert_derives(none, LINK_PSK,
                   "297ca15e8906d72974e911a29b9918360e0de9752c92c9064bf0e3f67bc5f6d5");
    assert_derives(none, LINK_NAMES,
                   "5a8a2363591f83173efc7e95d5e3b55ac17c6848867ca71a7f60c3ed77ce9fbb");
}

static void values_come_from_secrets_and_hashes_of_one_size(void **state)
{
    static const uint8_t zeros[64];
    uint8_t out[LINK_DERIVED] = {7};
    (void)state;
    assert_int_equal(link_derive(bytes_of(zeros, 31), bytes_of(zeros, 32), LINK_PSK, out),
                     CONCLAVE_EINVAL);
    assert_int_equal(link_derive(bytes_of(zeros, 33), bytes_of(zeros, 32), LINK_PSK, out),
                     CONCLAVE_EINVAL);
    assert_int_equal(link_derive(bytes_of(zeros, 32), bytes_of(zeros, 31), LINK_PSK, out),
                     CONCLAVE_EINVAL);
    assert_int_equal(link_derive(bytes_of(zeros, 32), bytes_of(zeros, 0), LINK_PSK, out),
                     CONCLAVE_EINVAL);
    assert_int_equal(out[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_says_where_which_and_what_is_secret),
        cmocka_unit_test(links_of_open_meetings_have_no_secret),
        cmocka_unit_test(every_good_link_is_printed_as_it_was),
        cmocka_unit_test(white_space_around_a_link_is_fine),
        cmocka_unit_test(what_is_no_link_is_nothing),
        cmocka_unit_test(hosts_have_a_limit),
        cmocka_unit_test(a_link_that_would_not_read_is_not_printed),
        cmocka_unit_test(without_memory_nothing_is_printed),
        cmocka_unit_test(a_secret_yields_three_values_that_tell_nothing_of_each_other),
        cmocka_unit_test(values_come_from_secrets_and_hashes_of_one_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
