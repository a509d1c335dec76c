/* Every row of the table, and OpenSSL as a second opinion: what we accept, it accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "cases.h"
#include "oracle.h"
#include "plan_fixture.h"

static void prepare(const struct identity_case *c, struct plan *p)
{
    plan_init(p);
    if (c->change != NULL)
        c->change(p);
    plan_build(p);
}

static void each_case_has_its_verdict(void **state)
{
    (void)state;
    size_t wrong = 0;
    const struct identity_case *c;
    for (size_t i = 0; (c = identity_case_at(i)) != NULL; i++) {
        struct plan p;
        prepare(c, &p);
        struct identity id = plan_verify(&p);
        bool ok = id.reason == c->reason && id.category == c->category &&
                  strcmp(id.label, c->label) == 0 && strcmp(id.identifier, c->identifier) == 0 &&
                  (id.issuer[0] != 0) == (id.category != IDENTITY_UNVERIFIED);
        if (!ok)
            print_error("%s: %s, %s, %s\n", c->name, identity_reason_name(id.reason), id.label,
                        id.identifier);
        wrong += !ok;
        plan_fini(&p);
    }
    assert_int_equal(wrong, 0);
}

static void openssl_accepts_what_we_accept(void **state)
{
    (void)state;
    size_t accepted = 0;
    const struct identity_case *c;
    for (size_t i = 0; (c = identity_case_at(i)) != NULL; i++) {
        struct plan p;
        prepare(c, &p);
        struct bytes chain[PLAN_CERTIFICATES];
        for (size_t k = 0; k < p.n; k++)
            chain[k] = buf_view(&p.chain[k]);
        if (plan_verify(&p).kind != IDENTITY_NOBODY) {
            accepted++;
            /* RFC 5280 4.1.2.5: the last second counts; OpenSSL leaves it out */
            uint64_t now = p.now - (p.now == p.leaf.not_after);
            const char *says = oracle_verify(buf_view(&p.anchor), chain, p.n, now);
            if (says != NULL)
                fail_msg("%s: %s", c->name, says);
        }
        plan_fini(&p);
    }
    assert_true(accepted > 20);
}

/* Each certificate of a good chain, cut at every length. */
static void no_prefix_of_a_chain_is_accepted(void **state)
{
    (void)state;
    struct plan p;
    plan_init(&p);
    p.with_middle = true;
    plan_build(&p);
    for (size_t i = 0; i < 2; i++) {
        size_t whole = p.chain[i].n;
        for (p.chain[i].n = 0; p.chain[i].n < whole; p.chain[i].n++) {
            struct identity id = plan_verify(&p);
            assert_int_equal(id.reason, IDENTITY_MALFORMED);
            assert_string_equal(id.label, "Unverified");
        }
    }
    assert_int_equal(plan_verify(&p).reason, IDENTITY_VERIFIED);
    plan_fini(&p);
}

/* Every bit of a certificate is either signed or decides whether it can be read. */
static void no_bit_can_be_changed(void **state)
{
    (void)state;
    struct plan p;
    plan_init(&p);
    plan_build(&p);
    for (size_t i = 0; i < p.chain[0].n; i++) {
        p.chain[0].p[i] ^= (uint8_t)(1u << i % 8);
        assert_int_equal(plan_verify(&p).category, IDENTITY_UNVERIFIED);
        p.chain[0].p[i] ^= (uint8_t)(1u << i % 8);
    }
    plan_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_has_its_verdict),
        cmocka_unit_test(openssl_accepts_what_we_accept),
        cmocka_unit_test(no_prefix_of_a_chain_is_accepted),
        cmocka_unit_test(no_bit_can_be_changed),
    };
    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
