/* What a participant is made of: what is refused at once, and that nothing of it is left. */
#include "desk.h"

#include <string.h>

static int try(struct desk *d)
{
    struct participant *p = NULL;
    int rv = participant_new(&d->config, d->now_us, &p);
    assert_true((p != NULL) == (rv == 0));
    participant_free(p);
    return rv;
}

static void open_desk(struct desk *d)
{
    desk_open(d);
    desk_configure(d, d->w.organiser);
}

static void a_link_is_a_link(void **state)
{
    static const char *const bad[] = {
        "",
        "hello",
        "https://example.com/",
        "https://example.com/m/123",
        "https://example.com/m/0123456789#1.short",
        "http://example.com/m/0123456789",
    };
    struct desk d;
    (void)state;
    open_desk(&d);
    assert_int_equal(try(&d), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        d.config.link = bad[i];
        assert_int_equal(try(&d), CONCLAVE_EINVAL);
    }
    d.config.link = NULL;
    assert_int_equal(try(&d), CONCLAVE_EINVAL);
    desk_close(&d);
}

static void a_name_is_plain_text_of_64_bytes_at_most(void **state)
{
    static const char longest[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    static const char *const good[] = {"", "Ada", "Zo\xc3\xab", longest};
    static const char turned[] = {'a', '\xe2', '\x80', '\xae', 'b', '\0'}; /* right to left */
    static const char *const bad[] = {"a\nb", "\x1b[2J", "\xff", turned, "<b>"};
    char longer[sizeof longest + 1];
    struct desk d;
    (void)state;
    open_desk(&d);
    d.config.name = NULL;
    assert_int_equal(try(&d), 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        d.config.name = good[i];
        assert_int_equal(try(&d), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        d.config.name = bad[i];
        assert_int_equal(try(&d), CONCLAVE_EINVAL);
    }
    memcpy(longer, longest, sizeof longest);
    memcpy(longer + sizeof longest - 1, "x", 2);
    d.config.name = longer;
    assert_int_equal(try(&d), CONCLAVE_EINVAL);
    desk_close(&d);
}

static void the_chain_is_the_signers(void **state)
{
    static const uint8_t nonsense[] = {0x30, 0x03, 0x02, 0x01, 0x01};
    struct bytes chain[1] = {bytes_of(nonsense, sizeof nonsense)};
    struct desk d;
    (void)state;
    open_desk(&d);
    struct meeting_person *bob = meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com");
    d.config.chain = bob->chain;
    assert_int_equal(try(&d), CONCLAVE_ECREDENTIAL);
    d.config.chain = chain;
    assert_int_equal(try(&d), CONCLAVE_ECREDENTIAL);
    d.config.n_chain = 0;
    assert_int_equal(try(&d), CONCLAVE_EINVAL);
    desk_close(&d);
}

static void nothing_that_is_needed_may_be_missing(void **state)
{
    static const uint8_t key[33] = {0};
    struct desk d;
    (void)state;
    open_desk(&d);
    d.config.save_key = bytes_of(key, 32);
    assert_int_equal(try(&d), 0);
    d.config.save_key = bytes_of(key, 31);
    assert_int_equal(try(&d), CONCLAVE_EINVAL);
    d.config.save_key = bytes_of(key, 33);
    assert_int_equal(try(&d), CONCLAVE_EINVAL);
    desk_configure(&d, d.w.organiser);
    d.config.signer = NULL;
    assert_int_equal(try(&d), CONCLAVE_EINVAL);
    desk_configure(&d, d.w.organiser);
    d.config.trust = NULL;
    assert_int_equal(try(&d), CONCLAVE_EINVAL);
    desk_close(&d);
}

static void it_begins_by_asking_for_a_connection(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d);
    desk_start(&d);
    assert_int_equal(participant_phase(d.p), PARTICIPANT_CONNECTING);
    assert_int_equal(desk_asked(&d, PARTICIPANT_CONNECT), 1);
    assert_int_equal(desk_told(&d, PARTICIPANT_PHASE), 1);
    assert_true(participant_deadline(d.p) == UINT64_MAX); /* it is for the program to connect */
    participant_free(NULL);
    desk_close(&d);
}

static void without_a_seed_chance_spreads_its_timers(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d);
    d.config.seed = 0;
    desk_start(&d);
    assert_true(d.p->random != 0);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_a_link),
        cmocka_unit_test(a_name_is_plain_text_of_64_bytes_at_most),
        cmocka_unit_test(the_chain_is_the_signers),
        cmocka_unit_test(nothing_that_is_needed_may_be_missing),
        cmocka_unit_test(it_begins_by_asking_for_a_connection),
        cmocka_unit_test(without_a_seed_chance_spreads_its_timers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
