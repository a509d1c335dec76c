/* The provider's CA: what it issues is believed, and no more than what was delegated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "crypto/suite.h"
#include "oracle.h"
#include "plan_fixture.h"
#include "support/alloc_fail.h"

#define WEEK (7 * PLAN_DAY)
#define GUEST "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8"

static const char *const company[] = {"company.com", "company.example"};
static const struct identity_ca_config config = {"Conclave at company.com", company, 2, 0};
static const struct identity_subject alice = {IDENTITY_USER, "alice@company.com"};

static struct identity_ca *ca_new(const struct identity_ca_config *c)
{
    struct identity_ca *ca;
    assert_int_equal(identity_ca_new(plan_crypto(), c, PLAN_NOW, &ca), 0);
    return ca;
}

static void make_csr(enum plan_key key, struct buf *out)
{
    buf_clear(out);
    assert_int_equal(identity_csr_make(plan_signer(key), out), 0);
}

static int issue(struct identity_ca *ca, enum plan_key key, enum identity_kind kind,
                 const char *name, struct buf *out)
{
    struct buf csr = {0};
    const struct identity_subject subject = {kind, name};
    make_csr(key, &csr);
    buf_clear(out);
    int rv = identity_ca_issue(ca, buf_view(&csr), &subject, PLAN_NOW, WEEK, out);
    buf_free(&csr);
    return rv;
}

/* As a client sees it that was given this root. */
static struct identity look(struct bytes root, struct bytes leaf, enum plan_key key, uint64_t now)
{
    const struct identity_anchor how = {.purpose = IDENTITY_PROVIDER, .display = "Conclave"};
    const struct identity_policy policy = identity_policy_default();
    struct identity_anchors *a;
    struct identity id;
    assert_int_equal(identity_anchors_new(&a), 0);
    assert_int_equal(identity_anchors_add(a, &how, root), 0);
    assert_int_equal(identity_verify(a, &leaf, 1, plan_public_key(key), now, &policy, &id), 0);
    identity_anchors_free(a);
    return id;
}

static void what_it_issues_is_believed(void **state)
{
    (void)state;
    static const struct {
        enum identity_kind kind;
        const char *name, *label;
        enum identity_reason reason;
        enum plan_key key;
    } cases[] = {
        {IDENTITY_USER, "alice@company.com", "company.com", IDENTITY_VERIFIED, KEY_LEAF},
        {IDENTITY_USER, "bob@Company.Example", "company.example", IDENTITY_VERIFIED, KEY_P384},
        {IDENTITY_DEVICE, "company.com", "company.com", IDENTITY_VERIFIED, KEY_ED25519},
        {IDENTITY_DEVICE, "room.company.com", "room.company.com", IDENTITY_VERIFIED, KEY_LEAF},
        {IDENTITY_GUEST, GUEST, "Unverified", IDENTITY_IS_GUEST, KEY_LEAF},
    };
    struct identity_ca *ca = ca_new(&config);
    struct buf leaf = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(issue(ca, cases[i].key, cases[i].kind, cases[i].name, &leaf), 0);
        struct bytes chain = buf_view(&leaf), root = identity_ca_certificate(ca);
        struct identity id = look(root, chain, cases[i].key, PLAN_NOW);
        assert_int_equal(id.reason, cases[i].reason);
        assert_int_equal(id.kind, cases[i].kind);
        assert_string_equal(id.label, cases[i].label);
        const char *says = oracle_verify(root, &chain, 1, PLAN_NOW);
        if (says != NULL)
            fail_msg("%s: OpenSSL: %s", cases[i].name, says);
    }
    buf_free(&leaf);
    identity_ca_free(ca);
}

static void a_domain_that_is_not_delegated_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum identity_kind kind;
        const char *name;
        int rv;
    } cases[] = {
        {IDENTITY_USER, "alice@example.org", CONCLAVE_EPOLICY},
        {IDENTITY_USER, "alice@mail.company.com", CONCLAVE_EPOLICY},
        {IDENTITY_USER, "alice@evilcompany.com", CONCLAVE_EPOLICY},
        {IDENTITY_DEVICE, "room.example.org", CONCLAVE_EPOLICY},
        {IDENTITY_DEVICE, "evilcompany.com", CONCLAVE_EPOLICY},
        {IDENTITY_USER, "company.com", CONCLAVE_EINVAL},
        {IDENTITY_USER, "alice@company.com\n", CONCLAVE_EINVAL},
        {IDENTITY_DEVICE, "*.company.com", CONCLAVE_EINVAL},
        {IDENTITY_GUEST, "alice@company.com", CONCLAVE_EINVAL},
        {IDENTITY_GUEST, "urn:uuid:00000000-0000-0000-0000-000000000000", CONCLAVE_EINVAL},
        {IDENTITY_NOBODY, "alice@company.com", CONCLAVE_EINVAL},
    };
    struct identity_ca *ca = ca_new(&config);
    struct buf leaf = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(issue(ca, KEY_LEAF, cases[i].kind, cases[i].name, &leaf), cases[i].rv);
        assert_int_equal(leaf.n, 0);
    }
    buf_free(&leaf);
    identity_ca_free(ca);
}

/* Its own refusal is for honest servers. A dishonest one is held by the constraints in the root
 * that clients have: here it takes a new root with its old name and key. */
static void a_client_holds_the_provider_to_its_constraints(void **state)
{
    (void)state;
    static const char *const more[] = {"company.com", "bank.example"};
    const struct identity_ca_config greedy = {config.name, more, 2, 0};
    struct identity_ca *ca = ca_new(&config);
    struct buf leaf = {0}, old_root = {0};
    buf_put(&old_root, identity_ca_certificate(ca));
    assert_int_equal(identity_ca_delegate(ca, &greedy, PLAN_NOW), 0);
    assert_int_equal(issue(ca, KEY_LEAF, IDENTITY_USER, "carol@bank.example", &leaf), 0);
    struct bytes chain = buf_view(&leaf);
    assert_int_equal(look(buf_view(&old_root), chain, KEY_LEAF, PLAN_NOW).reason,
                     IDENTITY_NAME_CONSTRAINT);
    assert_non_null(oracle_verify(buf_view(&old_root), &chain, 1, PLAN_NOW));
    assert_int_equal(look(identity_ca_certificate(ca), chain, KEY_LEAF, PLAN_NOW).reason,
                     IDENTITY_VERIFIED);
    /* what was issued before holds under both */
    assert_int_equal(issue(ca, KEY_LEAF, IDENTITY_USER, "alice@company.com", &leaf), 0);
    assert_int_equal(look(buf_view(&old_root), buf_view(&leaf), KEY_LEAF, PLAN_NOW).reason,
                     IDENTITY_VERIFIED);
    buf_free(&leaf);
    buf_free(&old_root);
    identity_ca_free(ca);
}

static void without_delegation_there_are_only_guests(void **state)
{
    (void)state;
    const struct identity_ca_config nobody = {"Conclave", NULL, 0, 0};
    struct identity_ca *ca = ca_new(&nobody);
    struct buf leaf = {0};
    assert_int_equal(issue(ca, KEY_LEAF, IDENTITY_USER, "alice@company.com", &leaf),
                     CONCLAVE_EPOLICY);
    assert_int_equal(issue(ca, KEY_LEAF, IDENTITY_DEVICE, "room.invalid", &leaf), CONCLAVE_EPOLICY);
    assert_int_equal(issue(ca, KEY_LEAF, IDENTITY_GUEST, GUEST, &leaf), 0);
    struct identity id = look(identity_ca_certificate(ca), buf_view(&leaf), KEY_LEAF, PLAN_NOW);
    assert_int_equal(id.reason, IDENTITY_IS_GUEST);
    assert_string_equal(id.identifier, GUEST);
    buf_free(&leaf);
    identity_ca_free(ca);
}

static void lifetimes_are_short_and_end_with_the_root(void **state)
{
    (void)state;
    const struct identity_ca_config brief = {config.name, company, 2, 2 * PLAN_DAY};
    struct identity_ca *ca = ca_new(&brief);
    struct buf csr = {0}, leaf = {0};
    make_csr(KEY_LEAF, &csr);
    struct bytes request = buf_view(&csr);
    assert_int_equal(identity_ca_issue(ca, request, &alice, PLAN_NOW, 0, &leaf), CONCLAVE_EINVAL);
    assert_int_equal(identity_ca_issue(ca, request, &alice, PLAN_NOW, 32 * PLAN_DAY, &leaf),
                     CONCLAVE_EINVAL);
    assert_int_equal(identity_ca_issue(ca, request, &alice, PLAN_NOW + 2 * PLAN_DAY, 60, &leaf),
                     CONCLAVE_ELIFETIME);
    assert_int_equal(identity_ca_issue(ca, request, &alice, PLAN_NOW - PLAN_DAY, 60, &leaf),
                     CONCLAVE_ELIFETIME);
    assert_int_equal(leaf.n, 0);
    assert_int_equal(identity_ca_issue(ca, request, &alice, PLAN_NOW, WEEK, &leaf), 0);
    struct bytes root = identity_ca_certificate(ca);
    struct bytes made = buf_view(&leaf);
    assert_int_equal(look(root, made, KEY_LEAF, PLAN_NOW).not_after, PLAN_NOW + 2 * PLAN_DAY);
    assert_int_equal(look(root, made, KEY_LEAF, PLAN_NOW - 300).reason, IDENTITY_VERIFIED);
    assert_int_equal(look(root, made, KEY_LEAF, PLAN_NOW - 301).reason, IDENTITY_NOT_YET_VALID);
    assert_int_equal(look(root, made, KEY_LEAF, PLAN_NOW + 2 * PLAN_DAY + 1).reason,
                     IDENTITY_EXPIRED);
    buf_free(&csr);
    buf_free(&leaf);
    identity_ca_free(ca);
}

static void a_request_must_be_signed_by_its_key(void **state)
{
    (void)state;
    struct identity_ca *ca = ca_new(&config);
    struct buf csr = {0}, leaf = {0};
    make_csr(KEY_LEAF, &csr);
    size_t whole = csr.n;
    for (csr.n = 0; csr.n < whole; csr.n++)
        assert_int_equal(identity_ca_issue(ca, buf_view(&csr), &alice, PLAN_NOW, WEEK, &leaf),
                         CONCLAVE_ESYNTAX);
    for (size_t i = 0; i < whole; i++) {
        csr.p[i] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(identity_ca_issue(ca, buf_view(&csr), &alice, PLAN_NOW, WEEK, &leaf),
                             0);
        csr.p[i] ^= (uint8_t)(1u << i % 8);
    }
    buf_put_zero(&csr, 1);
    assert_int_equal(identity_ca_issue(ca, buf_view(&csr), &alice, PLAN_NOW, WEEK, &leaf),
                     CONCLAVE_ESYNTAX);
    assert_int_equal(leaf.n, 0);
    buf_free(&csr);
    identity_ca_free(ca);
}

/* A key that lives elsewhere: the request is signed there. */
static int sign_elsewhere(void *ctx, struct bytes message, uint8_t *out, size_t *out_n)
{
    return crypto_sign(ctx, &message, 1, out, out_n);
}

static int refuse_to_sign(void *ctx, struct bytes message, uint8_t *out, size_t *out_n)
{
    (void)ctx;
    (void)message;
    (void)out;
    (void)out_n;
    return CONCLAVE_ECRYPTO;
}

static void a_key_may_live_elsewhere(void **state)
{
    (void)state;
    struct identity_ca *ca = ca_new(&config);
    struct crypto_signer *far;
    struct buf csr = {0}, leaf = {0};
    assert_int_equal(crypto_signer_external(plan_public_key(KEY_LEAF), sign_elsewhere,
                                            plan_signer(KEY_LEAF), &far),
                     0);
    assert_int_equal(identity_csr_make(far, &csr), 0);
    assert_int_equal(identity_ca_issue(ca, buf_view(&csr), &alice, PLAN_NOW, WEEK, &leaf), 0);
    crypto_signer_free(far);
    buf_clear(&csr);
    assert_int_equal(crypto_signer_external(plan_public_key(KEY_LEAF), refuse_to_sign, NULL, &far),
                     0);
    assert_int_equal(identity_csr_make(far, &csr), CONCLAVE_ECRYPTO);
    crypto_signer_free(far);
    assert_int_equal(crypto_signer_external(bytes_str("short"), refuse_to_sign, NULL, &far), 0);
    assert_int_equal(identity_csr_make(far, &csr), CONCLAVE_EKEY);
    assert_int_equal(csr.n, 0);
    crypto_signer_free(far);
    buf_free(&csr);
    buf_free(&leaf);
    identity_ca_free(ca);
}

static void what_was_saved_is_loaded(void **state)
{
    (void)state;
    struct identity_ca *ca = ca_new(&config), *again;
    struct buf saved = {0}, leaf = {0};
    assert_int_equal(identity_ca_save(ca, &saved), 0);
    assert_int_equal(identity_ca_load(plan_crypto(), buf_view(&saved), &again), 0);
    assert_int_equal(issue(again, KEY_LEAF, IDENTITY_USER, "alice@company.com", &leaf), 0);
    assert_int_equal(look(identity_ca_certificate(ca), buf_view(&leaf), KEY_LEAF, PLAN_NOW).reason,
                     IDENTITY_VERIFIED);
    identity_ca_free(again);
    size_t whole = saved.n;
    for (saved.n = 0; saved.n < whole; saved.n++)
        assert_int_not_equal(identity_ca_load(plan_crypto(), buf_view(&saved), &again), 0);
    saved.p[10] ^= 1; /* in the private key */
    assert_int_equal(identity_ca_load(plan_crypto(), buf_view(&saved), &again),
                     CONCLAVE_ECREDENTIAL);
    saved.p[0]++;
    assert_int_equal(identity_ca_load(plan_crypto(), buf_view(&saved), &again), CONCLAVE_ESYNTAX);
    buf_free(&saved);
    buf_free(&leaf);
    identity_ca_free(ca);
}

static void a_wrong_configuration_makes_no_ca(void **state)
{
    (void)state;
    static const char *const bad[] = {"company"};
    static const struct identity_ca_config wrong[] = {
        {"", company, 2, 0},
        /* NOLINTNEXTLINE(misc-misleading-bidirectional) it is the case */
        {"Conclave\xe2\x80\xae", company, 2, 0},
        {"<b>Conclave</b>", company, 2, 0},
        {"Conclave", bad, 1, 0},
        {"Conclave", company, 2, UINT64_MAX},
        {"Conclave", company, 100000, 0},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", company, 2, 0},
    };
    struct identity_ca *ca;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(identity_ca_new(plan_crypto(), &wrong[i], PLAN_NOW, &ca), CONCLAVE_EINVAL);
    struct crypto *p384;
    assert_int_equal(crypto_new(CRYPTO_P384_AES256GCM_SHA384_P384, &p384), 0);
    assert_int_equal(identity_ca_new(p384, &config, PLAN_NOW, &ca), CONCLAVE_ESUITE);
    crypto_free(p384);
}

/* A root of the year 2060 has dates in the other form. */
static void dates_after_2049_are_written_in_full(void **state)
{
    (void)state;
    const struct identity_ca_config long_lived = {config.name, company, 2, 12000 * PLAN_DAY};
    struct identity_ca *ca = ca_new(&long_lived);
    struct buf leaf = {0};
    assert_int_equal(issue(ca, KEY_LEAF, IDENTITY_USER, "alice@company.com", &leaf), 0);
    struct bytes chain = buf_view(&leaf);
    assert_null(oracle_verify(identity_ca_certificate(ca), &chain, 1, PLAN_NOW));
    buf_free(&leaf);
    identity_ca_free(ca);
}

struct sweep {
    struct buf saved;
};

static int whole_life(void *ctx)
{
    struct sweep *s = ctx;
    struct identity_ca *ca = NULL;
    struct identity_anchors *a = NULL;
    struct buf csr = {0}, leaf = {0}, saved = {0}, text = {0};
    const struct identity_anchor how = {.purpose = IDENTITY_PROVIDER};
    const struct identity_policy policy = identity_policy_default();
    const struct bytes serial = bytes_of("\x01", 1);
    struct identity id = {0};
    int rv = identity_ca_load(plan_crypto(), buf_view(&s->saved), &ca);
    if (rv == 0)
        rv = identity_ca_delegate(ca, &config, PLAN_NOW);
    if (rv == 0)
        rv = identity_ca_save(ca, &saved);
    if (rv == 0)
        rv = identity_csr_make(plan_signer(KEY_LEAF), &csr);
    if (rv == 0)
        rv = identity_ca_issue(ca, buf_view(&csr), &alice, PLAN_NOW, WEEK, &leaf);
    if (rv == 0)
        rv = identity_anchors_new(&a);
    if (rv == 0)
        rv = identity_anchors_add(a, &how, identity_ca_certificate(ca));
    if (rv == 0)
        rv = identity_anchors_revoke(a, identity_ca_certificate(ca), &serial, 1);
    struct bytes chain = buf_view(&leaf);
    if (rv == 0)
        rv = identity_verify(a, &chain, 1, plan_public_key(KEY_LEAF), PLAN_NOW, &policy, &id);
    if (rv == 0)
        rv = identity_describe(&id, &chain, 1, &text);
    if (rv == 0 && id.category != IDENTITY_EXTERNAL)
        rv = CONCLAVE_EINTERNAL;
    identity_ca_free(ca);
    identity_anchors_free(a);
    buf_free(&csr);
    buf_free(&leaf);
    buf_free(&saved);
    buf_free(&text);
    return rv;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    struct sweep s = {0};
    struct identity_ca *ca = ca_new(&config);
    assert_int_equal(identity_ca_save(ca, &s.saved), 0);
    identity_ca_free(ca);
    assert_true(alloc_sweep(whole_life, &s) > 20);
    buf_free(&s.saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_issues_is_believed),
        cmocka_unit_test(a_domain_that_is_not_delegated_is_refused),
        cmocka_unit_test(a_client_holds_the_provider_to_its_constraints),
        cmocka_unit_test(without_delegation_there_are_only_guests),
        cmocka_unit_test(lifetimes_are_short_and_end_with_the_root),
        cmocka_unit_test(a_request_must_be_signed_by_its_key),
        cmocka_unit_test(a_key_may_live_elsewhere),
        cmocka_unit_test(what_was_saved_is_loaded),
        cmocka_unit_test(a_wrong_configuration_makes_no_ca),
        cmocka_unit_test(dates_after_2049_are_written_in_full),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
