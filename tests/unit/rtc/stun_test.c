/* STUN: the vectors of RFC 5769, each rule of framing broken by itself, and what is written is what
 * is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/stun.h"
#include "support/alloc_fail.h"
#include "support/random.h"

/* RFC 5769 2.1 to 2.3. */
#define PASSWORD bytes_str("VOkJxbRl1RmTxUk/WvJxBt")

static const uint8_t request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};

static const uint8_t answer_ipv4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};

static const uint8_t answer_ipv6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};

static void the_sample_request_is_read_and_verified(void **state)
{
    struct stun_message m;

    (void)state;
    assert_int_equal(stun_read(bytes_of(request, sizeof request), &m), 0);
    assert_int_equal(m.class, STUN_REQUEST);
    assert_int_equal(m.method, STUN_BINDING);
    assert_memory_equal(m.transaction, request + 8, STUN_TRANSACTION_SIZE);
    assert_true(m.has_username && bytes_equal(m.username, bytes_str("evtj:h6vY")));
    assert_true(m.has_priority && m.priority == 0x6e0001ff);
    assert_int_equal(m.role, STUN_CONTROLLED);
    assert_true(m.tie_breaker == UINT64_C(0x932ff9b151263b36));
    assert_true(m.has_fingerprint);
    assert_false(m.use_candidate);
    assert_int_equal(m.unknown_count, 0);
    assert_int_equal(stun_verify(&m, PASSWORD), 0);
}

static void the_sample_answers_are_read_and_verified(void **state)
{
    static const uint8_t ipv4[] = {192, 0, 2, 1};
    static const uint8_t ipv6[] = {0x20, 0x01, 0x0d, 0xb8, 0x12, 0x34, 0x56, 0x78,
                                   0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77};
    struct rtc_address at4 = rtc_address_ipv4(ipv4, 32853);
    struct rtc_address at6 = rtc_address_ipv6(ipv6, 32853);
    struct stun_message m;

    (void)state;
    assert_int_equal(stun_read(bytes_of(answer_ipv4, sizeof answer_ipv4), &m), 0);
    assert_int_equal(m.class, STUN_SUCCESS);
    assert_true(rtc_address_equal(&m.mapped, &at4));
    assert_int_equal(stun_verify(&m, PASSWORD), 0);
    assert_int_equal(stun_read(bytes_of(answer_ipv6, sizeof answer_ipv6), &m), 0);
    assert_true(rtc_address_equal(&m.mapped, &at6));
    assert_int_equal(stun_verify(&m, PASSWORD), 0);
}

static void another_password_or_none_verifies_nothing(void **state)
{
    struct stun_message m;

    (void)state;
    assert_int_equal(stun_read(bytes_of(request, sizeof request), &m), 0);
    assert_int_equal(stun_verify(&m, bytes_str("VOkJxbRl1RmTxUk/WvJxBT")), CONCLAVE_ESIGNATURE);
    assert_int_equal(stun_verify(&m, bytes_of(NULL, 0)), CONCLAVE_ESIGNATURE);
    m.integrity = bytes_of(NULL, 0);
    assert_int_equal(stun_verify(&m, PASSWORD), CONCLAVE_ESIGNATURE);
}

static void a_changed_bit_does_not_go_with_the_fingerprint(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8 * sizeof request; i++) {
        uint8_t changed[sizeof request];
        struct stun_message m;
        memcpy(changed, request, sizeof changed);
        changed[i / 8] ^= (uint8_t)(1u << i % 8);
        if (stun_read(bytes_of(changed, sizeof changed), &m) == 0)
            assert_false(m.has_fingerprint); /* it was the type of that attribute */
    }
}

/* The same without the fingerprint, which would tell first: then it is for the HMAC to say. */
static void a_changed_bit_breaks_the_integrity(void **state)
{
    const size_t n = sizeof request - 8;

    (void)state;
    for (size_t i = 0; i < 8 * n; i++) {
        uint8_t changed[sizeof request];
        struct stun_message m;
        memcpy(changed, request, n);
        changed[3] = 0x50;
        changed[i / 8] ^= (uint8_t)(1u << i % 8);
        if (stun_read(bytes_of(changed, n), &m) == 0)
            assert_int_equal(stun_verify(&m, PASSWORD), CONCLAVE_ESIGNATURE);
    }
}

static void truncations_and_trailing_bytes_are_refused(void **state)
{
    struct stun_message m = {.method = 77};

    (void)state;
    for (size_t n = 0; n < sizeof request; n++) {
        uint8_t *exact = malloc(n > 0 ? n : 1);
        assert_non_null(exact);
        memcpy(exact, request, n);
        assert_int_equal(stun_read(bytes_of(exact, n), &m), CONCLAVE_ESYNTAX);
        free(exact);
    }
    uint8_t longer[sizeof request + 4] = {0};
    memcpy(longer, request, sizeof request);
    assert_int_equal(stun_read(bytes_of(longer, sizeof longer), &m), CONCLAVE_ESYNTAX);
    assert_int_equal(m.method, 77);
}

/* A binding request with these attributes, whose header says what it should. */
static int read_attributes(struct bytes attributes, struct stun_message *out)
{
    static uint8_t data[2000];
    memcpy(data, request, STUN_HEADER_SIZE);
    memcpy(data + STUN_HEADER_SIZE, attributes.p, attributes.n);
    data[2] = (uint8_t)(attributes.n >> 8);
    data[3] = (uint8_t)attributes.n;
    return stun_read(bytes_of(data, STUN_HEADER_SIZE + attributes.n), out);
}
#define READ(out, ...) \
    read_attributes(   \
        bytes_of((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})), out)

static void attributes_of_a_wrong_size_are_refused(void **state)
{
    struct stun_message m;

    (void)state;
    assert_int_equal(READ(&m, 0, 0x24, 0, 3, 1, 2, 3, 0), CONCLAVE_ESYNTAX); /* PRIORITY */
    assert_int_equal(READ(&m, 0, 0x24, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0), CONCLAVE_ESYNTAX);
    assert_int_equal(READ(&m, 0, 0x25, 0, 1, 0, 0, 0, 0), CONCLAVE_ESYNTAX);    /* USE-CANDIDATE */
    assert_int_equal(READ(&m, 0x80, 0x29, 0, 4, 1, 2, 3, 4), CONCLAVE_ESYNTAX); /* ICE-CONTROLLED */
    assert_int_equal(READ(&m, 0x80, 0x2a, 0, 4, 1, 2, 3, 4),
                     CONCLAVE_ESYNTAX);                                   /* ICE-CONTROLLING */
    assert_int_equal(READ(&m, 0, 8, 0, 4, 1, 2, 3, 4), CONCLAVE_ESYNTAX); /* MESSAGE-INTEGRITY */
    assert_int_equal(READ(&m, 0, 9, 0, 2, 0, 0, 0, 0), CONCLAVE_ESYNTAX); /* ERROR-CODE */
    assert_int_equal(READ(&m, 0, 0x20, 0, 8, 0, 2, 1, 2, 1, 2, 3, 4),
                     CONCLAVE_ESYNTAX); /* half IPv6 */
    assert_int_equal(READ(&m, 0, 0x20, 0, 8, 0, 3, 1, 2, 1, 2, 3, 4),
                     CONCLAVE_ESYNTAX);                                         /* family 3 */
    assert_int_equal(READ(&m, 0, 6, 0, 8, 1, 2, 3, 4), CONCLAVE_ESYNTAX);       /* beyond the end */
    assert_int_equal(READ(&m, 0, 6, 0), CONCLAVE_ESYNTAX);                      /* half a header */
    assert_int_equal(READ(&m, 0x80, 0x28, 0, 4, 1, 2, 3, 4), CONCLAVE_ESYNTAX); /* FINGERPRINT */
}

static void error_codes_are_three_digits(void **state)
{
    struct stun_message m;

    (void)state;
    assert_int_equal(READ(&m, 0, 9, 0, 8, 0, 0, 4, 87, 'r', 'o', 'l', 'e'), 0);
    assert_int_equal(m.error, STUN_ROLE_CONFLICT);
    assert_int_equal(READ(&m, 0, 9, 0, 4, 0, 0, 2, 99), CONCLAVE_ESYNTAX);
    assert_int_equal(READ(&m, 0, 9, 0, 4, 0, 0, 7, 0), CONCLAVE_ESYNTAX);
    assert_int_equal(READ(&m, 0, 9, 0, 4, 0, 0, 4, 100), CONCLAVE_ESYNTAX);
}

static void of_an_attribute_that_occurs_twice_the_first_counts(void **state)
{
    struct stun_message m;

    (void)state;
    assert_int_equal(READ(&m, 0, 0x24, 0, 4, 0, 0, 0, 1, 0, 0x24, 0, 4, 0, 0, 0, 2), 0);
    assert_int_equal(m.priority, 1);
    assert_int_equal(READ(&m, 0, 6, 0, 1, 'a', 0, 0, 0, 0, 6, 0, 1, 'b', 0, 0, 0), 0);
    assert_true(bytes_equal(m.username, bytes_str("a")));
    assert_int_equal(READ(&m, 0x80, 0x2a, 0, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0x29, 0, 8, 0, 0, 0,
                          0, 0, 0, 0, 2),
                     0);
    assert_int_equal(m.role, STUN_CONTROLLING);
    assert_true(m.tie_breaker == 1);
}

static void required_attributes_that_are_unknown_are_named_and_optional_ones_are_not(void **state)
{
    static uint8_t many[4 * (STUN_UNKNOWN_MAX + 1)];
    struct stun_message m;

    (void)state;
    assert_int_equal(READ(&m, 0x7f, 0xff, 0, 1, 9, 9, 9, 9, 0xff, 0xff, 0, 0), 0);
    assert_int_equal(m.unknown_count, 1);
    assert_int_equal(m.unknown[0], 0x7fff);
    for (size_t i = 0; i < sizeof many; i += 4)
        many[i] = 0x7f;
    assert_int_equal(read_attributes(bytes_of(many, sizeof many), &m), CONCLAVE_ELIMIT);
    assert_int_equal(read_attributes(bytes_of(many, sizeof many - 4), &m), 0);
}

static void names_and_messages_have_a_greatest_length(void **state)
{
    static uint8_t name[4 + 516] = {0, 6, STUN_USERNAME_MAX >> 8, STUN_USERNAME_MAX & 255};
    static uint8_t padding[1264] = {0xff, 0xff, 1260 >> 8, 1260 & 255};
    struct stun_message m;

    (void)state;
    assert_int_equal(read_attributes(bytes_of(name, sizeof name), &m), 0);
    name[3]++;
    assert_int_equal(read_attributes(bytes_of(name, sizeof name), &m), CONCLAVE_ESYNTAX);
    assert_int_equal(read_attributes(bytes_of(padding, sizeof padding), &m), CONCLAVE_ELIMIT);
}

/* Writes and reads; the message must be the same again. */
static struct stun_message there_and_back(const struct stun_message *m, struct bytes password)
{
    static struct buf b;
    struct stun_message got;

    buf_clear(&b);
    buf_put(&b, bytes_str("before"));
    assert_int_equal(stun_write(m, password, &b), 0);
    assert_int_equal(stun_read(bytes_of(b.p + 6, b.n - 6), &got), 0);
    assert_true(got.has_fingerprint);
    assert_int_equal(stun_verify(&got, password), password.n != 0 ? 0 : CONCLAVE_ESIGNATURE);
    assert_int_equal(got.class, m->class);
    assert_int_equal(got.method, m->method);
    assert_memory_equal(got.transaction, m->transaction, STUN_TRANSACTION_SIZE);
    assert_true(got.has_username == m->has_username && bytes_equal(got.username, m->username));
    assert_true(got.has_priority == m->has_priority && got.priority == m->priority);
    assert_int_equal(got.use_candidate, m->use_candidate);
    assert_true(got.role == m->role && got.tie_breaker == m->tie_breaker);
    assert_true(rtc_address_equal(&got.mapped, &m->mapped));
    assert_int_equal(got.error, m->error);
    got.covered = got.integrity = got.username = bytes_of(NULL, 0);
    buf_free(&b);
    return got;
}

static void what_is_written_is_read_again(void **state)
{
    struct random r = {5};

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        uint8_t name[STUN_USERNAME_MAX], ip[16];
        struct stun_message m = {.class = (enum stun_class)random_below(&r, 4),
                                 .method = (uint16_t)random_below(&r, 0x1000),
                                 .use_candidate = random_chance(&r, 50)};
        random_fill(&r, m.transaction, sizeof m.transaction);
        random_fill(&r, name, sizeof name);
        random_fill(&r, ip, sizeof ip);
        if ((m.has_username = random_chance(&r, 50)))
            m.username = bytes_of(name, random_below(&r, sizeof name + 1));
        if ((m.has_priority = random_chance(&r, 50)))
            m.priority = (uint32_t)random_u64(&r);
        if ((m.role = (enum stun_role)random_below(&r, 3)) != STUN_NO_ROLE)
            m.tie_breaker = random_u64(&r);
        if (random_chance(&r, 60))
            m.mapped = random_chance(&r, 50) ? rtc_address_ipv4(ip, (uint16_t)random_u64(&r))
                                             : rtc_address_ipv6(ip, (uint16_t)random_u64(&r));
        if (random_chance(&r, 30))
            m.error = (uint16_t)(300 + random_below(&r, 400));
        (void)there_and_back(&m, random_chance(&r, 50) ? PASSWORD : bytes_of(NULL, 0));
    }
}

static void an_error_420_names_what_was_not_known(void **state)
{
    struct stun_message m = {.class = STUN_ERROR,
                             .method = STUN_BINDING,
                             .error = 420,
                             .unknown = {0x1234, 0x2345, 0x7fff},
                             .unknown_count = 3};
    struct buf b = {0};

    (void)state;
    assert_int_equal(stun_write(&m, bytes_of(NULL, 0), &b), 0);
    static const uint8_t expected[] = {0, 0x0a, 0, 6, 0x12, 0x34, 0x23, 0x45, 0x7f, 0xff, 0, 0};
    assert_int_equal(b.n, STUN_HEADER_SIZE + 8 + sizeof expected + 8);
    assert_memory_equal(b.p + STUN_HEADER_SIZE + 8, expected, sizeof expected);
    buf_free(&b);
    assert_int_equal(there_and_back(&m, bytes_of(NULL, 0)).unknown_count, 0);
}

static void what_could_not_be_read_again_is_not_written(void **state)
{
    static const uint8_t name[STUN_USERNAME_MAX + 1];
    struct stun_message long_name = {.has_username = true, .username = bytes_of(name, sizeof name)};
    struct stun_message method = {.method = 0x1000}, error = {.error = 700}, small = {.error = 299};
    struct stun_message unknown = {.unknown_count = STUN_UNKNOWN_MAX + 1};
    struct buf b = {0};

    (void)state;
    assert_int_equal(stun_write(&long_name, PASSWORD, &b), CONCLAVE_EINVAL);
    assert_int_equal(stun_write(&method, PASSWORD, &b), CONCLAVE_EINVAL);
    assert_int_equal(stun_write(&error, PASSWORD, &b), CONCLAVE_EINVAL);
    assert_int_equal(stun_write(&small, PASSWORD, &b), CONCLAVE_EINVAL);
    assert_int_equal(stun_write(&unknown, PASSWORD, &b), CONCLAVE_EINVAL);
    assert_int_equal(b.n, 0);
    buf_free(&b);
}

static int write_one(void *ctx)
{
    struct stun_message m = {.method = STUN_BINDING};
    struct buf b = {0};

    (void)ctx;
    int rv = stun_write(&m, PASSWORD, &b);
    assert_int_equal(rv == 0, b.n != 0);
    buf_free(&b);
    return rv;
}

static void writing_without_memory_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    assert_true(alloc_sweep(write_one, NULL) > 0);
}

static void a_mapped_ipv4_address_is_an_ipv4_address(void **state)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, 2, 1};
    struct rtc_address a = rtc_address_ipv6(mapped, 7), b = rtc_address_ipv4(mapped + 12, 7);

    (void)state;
    assert_true(rtc_address_equal(&a, &b));
    b.port++;
    assert_false(rtc_address_equal(&a, &b));
}

static void the_first_byte_and_the_size_tell_what_may_be_stun(void **state)
{
    (void)state;
    assert_true(stun_is_likely(bytes_of(request, sizeof request)));
    assert_false(stun_is_likely(bytes_of(request, STUN_HEADER_SIZE - 1)));
    assert_false(stun_is_likely(bytes_of(request + 4, sizeof request - 4)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_request_is_read_and_verified),
        cmocka_unit_test(the_sample_answers_are_read_and_verified),
        cmocka_unit_test(another_password_or_none_verifies_nothing),
        cmocka_unit_test(a_changed_bit_does_not_go_with_the_fingerprint),
        cmocka_unit_test(a_changed_bit_breaks_the_integrity),
        cmocka_unit_test(truncations_and_trailing_bytes_are_refused),
        cmocka_unit_test(attributes_of_a_wrong_size_are_refused),
        cmocka_unit_test(error_codes_are_three_digits),
        cmocka_unit_test(of_an_attribute_that_occurs_twice_the_first_counts),
        cmocka_unit_test(required_attributes_that_are_unknown_are_named_and_optional_ones_are_not),
        cmocka_unit_test(names_and_messages_have_a_greatest_length),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(an_error_420_names_what_was_not_known),
        cmocka_unit_test(what_could_not_be_read_again_is_not_written),
        cmocka_unit_test(writing_without_memory_leaves_the_buffer_as_it_was),
        cmocka_unit_test(a_mapped_ipv4_address_is_an_ipv4_address),
        cmocka_unit_test(the_first_byte_and_the_size_tell_what_may_be_stun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
