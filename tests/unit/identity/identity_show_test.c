/* What people get to see, what counts as the same person, and what may be an anchor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include <openssl/evp.h>

#include "cases.h"
#include "identity/limits.h"
#include "plan_fixture.h"
#include "support/alloc_fail.h"

static const struct identity_anchor private_ca = {.purpose = IDENTITY_PRIVATE};

static void verify(struct plan *p, const struct identity_anchor *how, struct identity *out)
{
    struct identity_anchors *a;
    struct bytes chain = buf_view(&p->chain[0]);
    assert_int_equal(identity_anchors_new(&a), 0);
    assert_int_equal(identity_anchors_add(a, how, buf_view(&p->anchor)), 0);
    assert_int_equal(
        identity_verify(a, &chain, 1, plan_public_key(p->signature_key), p->now, &p->policy, out),
        0);
    identity_anchors_free(a);
}

static void the_issuer_is_shown_by_the_name_of_its_anchor(void **state)
{
    (void)state;
    static const struct {
        const char *display, *subject, *shown;
    } cases[] = {
        {"Let's Encrypt", "Company Root", "Let's Encrypt"},
        {"Let\xe2\x80\x99s Encrypt", "Company Root", "Let\xe2\x80\x99s Encrypt"},
        {"ISRG", "Company Root", "ISRG"},
        {"T\xc3\xbcrktrust", "Company Root", "T\xc3\xbcrktrust"},
        {NULL, "Company Root", "Company Root"},
        {NULL, "T\xc3\xbcrktrust", "T\xc3\xbcrktrust"},
        {NULL, "<b>Root</b>", "\\x3cb\\x3eRoot\\x3c/b\\x3e"},
        /* NOLINTNEXTLINE(misc-misleading-bidirectional) it is the case */
        {NULL, "\xe2\x80\xaetooR", "\\xe2\\x80\\xaetooR"},
        {NULL, "R\xc0\xafoot", "R\\xc0\\xafoot"},
        {NULL, NULL, "an authority without a name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct plan p;
        struct identity id;
        plan_init(&p);
        p.root.subject = p.root.issuer = cases[i].subject;
        plan_build(&p);
        const struct identity_anchor how = {.purpose = IDENTITY_PUBLIC,
                                            .display = cases[i].display};
        verify(&p, &how, &id);
        assert_int_equal(id.reason, IDENTITY_VERIFIED);
        assert_string_equal(id.issuer, cases[i].shown);
        plan_fini(&p);
    }
}

static void an_intermediate_cannot_name_the_issuer(void **state)
{
    (void)state;
    struct plan p;
    plan_init(&p);
    p.with_middle = true;
    p.middle.subject = "Somebody Famous";
    plan_build(&p);
    assert_string_equal(plan_verify(&p).issuer, "Company Root");
    plan_fini(&p);
}

static void an_anchor_must_be_fit_to_be_one(void **state)
{
    (void)state;
    static const char *const bad_domain[] = {"company.com", "*.company.com"};
    static const struct identity_anchor wrong[] = {
        {.purpose = 0},
        {.purpose = IDENTITY_PRIVATE + 1},
        {.purpose = IDENTITY_PRIVATE, .display = ""},
        {.purpose = IDENTITY_PRIVATE, .display = "A\nB"},
        {.purpose = IDENTITY_PRIVATE, .display = "<b>"},
        {.purpose = IDENTITY_PRIVATE, .domains = bad_domain, .n_domains = 2},
    };
    struct identity_anchors *a;
    struct plan p;
    plan_init(&p);
    plan_build(&p);
    assert_int_equal(identity_anchors_new(&a), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(identity_anchors_add(a, &wrong[i], buf_view(&p.anchor)), CONCLAVE_EINVAL);
    assert_int_equal(identity_anchors_add(a, &private_ca, buf_view(&p.chain[0])),
                     CONCLAVE_ECREDENTIAL);
    for (size_t n = 0; n < p.anchor.n; n++)
        assert_int_equal(identity_anchors_add(a, &private_ca, bytes_of(p.anchor.p, n)),
                         CONCLAVE_ESYNTAX);
    assert_int_equal(identity_anchors_count(a), 0);
    plan_fini(&p);
    plan_init(&p);
    p.root.key = p.root.signer = KEY_RSA_1024;
    plan_build(&p);
    assert_int_equal(identity_anchors_add(a, &private_ca, buf_view(&p.anchor)),
                     CONCLAVE_ECREDENTIAL);
    plan_fini(&p);
    identity_anchors_free(a);
    identity_anchors_free(NULL);
}

static void put_pem(struct buf *b, struct bytes der)
{
    size_t n = 4 * ((der.n + 2) / 3);
    uint8_t *text = malloc(n + 1);
    assert_int_equal(EVP_EncodeBlock(text, der.p, (int)der.n), n);
    buf_put(b, bytes_str("a remark\n-----BEGIN CERTIFICATE-----\n"));
    for (size_t at = 0; at < n; at += 64) {
        buf_put(b, bytes_of(text + at, n - at < 64 ? n - at : 64));
        buf_put(b, bytes_str("\r\n"));
    }
    buf_put(b, bytes_str("-----END CERTIFICATE-----\n"));
    free(text);
}

static void anchors_come_as_pem_all_or_none(void **state)
{
    (void)state;
    struct identity_anchors *a;
    struct buf pem = {0};
    struct plan p;
    plan_init(&p);
    plan_build(&p);
    assert_int_equal(identity_anchors_new(&a), 0);
    put_pem(&pem, buf_view(&p.anchor));
    put_pem(&pem, buf_view(&p.anchor));
    assert_int_equal(identity_anchors_add_pem(a, &private_ca, buf_view(&pem)), 0);
    assert_int_equal(identity_anchors_count(a), 2);
    struct bytes cut = bytes_of(pem.p, pem.n - 10), no_base64 = buf_view(&pem);
    assert_int_equal(identity_anchors_add_pem(a, &private_ca, cut), CONCLAVE_ESYNTAX);
    pem.p[pem.n - 80] = '!';
    assert_int_equal(identity_anchors_add_pem(a, &private_ca, no_base64), CONCLAVE_ESYNTAX);
    assert_int_equal(identity_anchors_add_pem(a, &private_ca, bytes_str("nothing here")),
                     CONCLAVE_ESYNTAX);
    assert_int_equal(identity_anchors_add_pem(a, &private_ca, bytes_of(NULL, 0)), CONCLAVE_ESYNTAX);
    buf_clear(&pem);
    put_pem(&pem, buf_view(&p.anchor));
    put_pem(&pem, buf_view(&p.chain[0])); /* no CA */
    assert_int_equal(identity_anchors_add_pem(a, &private_ca, buf_view(&pem)),
                     CONCLAVE_ECREDENTIAL);
    assert_int_equal(identity_anchors_count(a), 2);
    identity_anchors_free(a);
    buf_free(&pem);
    plan_fini(&p);
}

static void a_new_list_of_revoked_takes_the_place_of_the_old(void **state)
{
    (void)state;
    struct identity id;
    struct plan p;
    plan_init(&p);
    plan_build(&p);
    struct identity_anchors *a = plan_anchors(&p);
    struct bytes chain = buf_view(&p.chain[0]), issuer = buf_view(&p.anchor);
    const struct bytes serial = bytes_of("\x00\x10\x01", 3), none = bytes_of("\x00", 1);
    struct bytes key = plan_public_key(KEY_LEAF);
    assert_int_equal(identity_anchors_revoke(a, issuer, &serial, 1), 0);
    assert_int_equal(identity_verify(a, &chain, 1, key, p.now, &p.policy, &id), 0);
    assert_int_equal(id.reason, IDENTITY_REVOKED);
    assert_int_equal(identity_anchors_revoke(a, issuer, &none, 1), CONCLAVE_EINVAL);
    assert_int_equal(identity_anchors_revoke(a, bytes_str("x"), &serial, 1), CONCLAVE_ESYNTAX);
    assert_int_equal(identity_anchors_revoke(a, issuer, &serial, LIMIT_IDENTITY_REVOKED + 1),
                     CONCLAVE_ELIMIT);
    assert_int_equal(identity_verify(a, &chain, 1, key, p.now, &p.policy, &id), 0);
    assert_int_equal(id.reason, IDENTITY_REVOKED);
    assert_int_equal(identity_anchors_revoke(a, issuer, NULL, 0), 0);
    assert_int_equal(identity_verify(a, &chain, 1, key, p.now, &p.policy, &id), 0);
    assert_int_equal(id.reason, IDENTITY_VERIFIED);
    identity_anchors_free(a);
    plan_fini(&p);
}

static void a_policy_that_is_no_name_is_the_callers_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {"company"};
    struct identity_policy policies[] = {identity_policy_default(), identity_policy_default()};
    struct identity_anchors *a;
    struct identity id;
    policies[0].organisation = bad;
    policies[0].n_organisation = 1;
    policies[1].wanted = "alice@";
    assert_int_equal(identity_anchors_new(&a), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            identity_verify(a, NULL, 0, bytes_of(NULL, 0), PLAN_NOW, &policies[i], &id),
            CONCLAVE_EINVAL);
        assert_int_equal(id.category, IDENTITY_UNVERIFIED);
        assert_int_equal(id.reason, IDENTITY_NOT_CHECKED);
    }
    identity_anchors_free(a);
}

static struct identity verdict_of(void (*change)(struct plan *))
{
    struct plan p;
    plan_init(&p);
    if (change != NULL)
        change(&p);
    plan_build(&p);
    struct identity id = plan_verify(&p);
    plan_fini(&p);
    return id;
}

static void by_provider(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
    p->domains[0] = "company.com";
    p->n_domains = 1;
}

static void renewed(struct plan *p)
{
    p->leaf.key = p->signature_key = KEY_SECOND;
    p->leaf.serial++;
}

static void bob(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_EMAIL, "bob@company.com");
}

static void a_device(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_DNS, "room.company.com");
}

static void a_guest(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_URI, "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8");
}

static void expired(struct plan *p)
{
    p->now += 365 * PLAN_DAY;
}

static void a_successor_is_the_same_and_vouched_for_no_worse(void **state)
{
    (void)state;
    struct identity alice = verdict_of(NULL), again = verdict_of(renewed);
    struct identity provided = verdict_of(by_provider), other = verdict_of(bob);
    struct identity device = verdict_of(a_device), guest = verdict_of(a_guest);
    struct identity late = verdict_of(expired), zero = {0};
    assert_true(identity_same(&alice, &alice));
    assert_true(identity_same(&alice, &again));
    assert_false(identity_same(&alice, &other));
    assert_false(identity_same(&alice, &device));
    assert_false(identity_same(&alice, &guest));
    assert_false(identity_same(&alice, &late));
    assert_false(identity_same(&late, &alice));
    assert_false(identity_same(&late, &late));
    assert_false(identity_same(&zero, &zero));
    assert_true(identity_same(&guest, &guest));
    assert_true(identity_same(&provided, &provided));
    assert_true(identity_same(&provided, &alice));
    assert_false(identity_same(&alice, &provided));
}

static bool printable(struct bytes text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '\n' &&
            (text.p[i] < 0x20 || text.p[i] > 0x7e || strchr("<>\"`", text.p[i]) != NULL))
            return false;
    return true;
}

static void describe(const struct plan *p, struct buf *out)
{
    struct bytes chain[PLAN_CERTIFICATES];
    struct identity id = plan_verify(p);
    for (size_t i = 0; i < p->n; i++)
        chain[i] = buf_view(&p->chain[i]);
    buf_clear(out);
    assert_int_equal(identity_describe(&id, chain, p->n, out), 0);
    buf_put_zero(out, 1);
}

static void a_certificate_is_shown_without_doing_harm(void **state)
{
    (void)state;
    const struct identity_case *c;
    struct buf text = {0};
    for (size_t i = 0; (c = identity_case_at(i)) != NULL; i++) {
        struct plan p;
        plan_init(&p);
        if (c->change != NULL)
            c->change(&p);
        plan_build(&p);
        describe(&p, &text);
        if (!printable(bytes_of(text.p, text.n - 1)))
            fail_msg("%s:\n%s", c->name, (const char *)text.p);
        plan_fini(&p);
    }
    buf_free(&text);
}

static void show_certificate_reads_well(void **state)
{
    (void)state;
    struct buf text = {0};
    struct plan p;
    plan_init(&p);
    p.with_middle = true;
    plan_build(&p);
    describe(&p, &text);
    static const char *const wanted[] = {
        "Identity verified by Company Root\nShown as: company.com\nIdentifier: alice@company.com\n",
        "  Name: e-mail alice@company.com\n",
        "  Subject, which is not looked at: CN=Mallory\n",
        "  Issuer: CN=Company Issuing CA\n",
        "  Serial number: 1001\n",
        "  Valid until: 2026-09-22 14:13:20 UTC\n",
        "  Key: P-256\n",
        "  SHA-256: ",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (strstr((const char *)text.p, wanted[i]) == NULL)
            fail_msg("missing: %s\nin: %s", wanted[i], (const char *)text.p);
    p.now += PLAN_DAY * 30;
    describe(&p, &text);
    assert_non_null(strstr((const char *)text.p, "Identity not verified\nReason: "));
    assert_null(strstr((const char *)text.p, "Shown as"));
    buf_free(&text);
    plan_fini(&p);
}

static void each_reason_has_a_sentence_and_a_next_step(void **state)
{
    (void)state;
    for (int r = IDENTITY_NOT_CHECKED; r <= IDENTITY_OTHER_NAME; r++) {
        enum identity_reason reason = (enum identity_reason)r;
        assert_true(strlen(identity_reason_name(reason)) > 3);
        const char *text = identity_reason_text(reason), *next = identity_reason_next(reason);
        assert_int_equal(text[strlen(text) - 1], '.');
        assert_int_equal(next[strlen(next) - 1], '.');
        for (int k = 0; k < r; k++)
            assert_string_not_equal(identity_reason_name((enum identity_reason)k),
                                    identity_reason_name(reason));
    }
    assert_string_equal(identity_reason_name((enum identity_reason)99), "NOT_CHECKED");
}

/* The set is filled with our allocations failing one after another, and stays whole. */
struct sweep {
    struct plan plan;
    struct buf pem;
};

static int fill_anchors(void *ctx)
{
    struct sweep *s = ctx;
    struct plan *p = &s->plan;
    struct identity_anchors *a = NULL;
    static const char *const domains[] = {"company.com", "company.example"};
    const struct identity_anchor how = {
        .purpose = IDENTITY_PRIVATE, .domains = domains, .n_domains = 2};
    const struct bytes serial = bytes_of("\x05", 1);
    int rv = identity_anchors_new(&a);
    if (rv == 0)
        rv = identity_anchors_add(a, &how, buf_view(&p->anchor));
    size_t before = rv == 0 ? identity_anchors_count(a) : 0;
    if (rv == 0) {
        rv = identity_anchors_add_pem(a, &how, buf_view(&s->pem));
        assert_int_equal(identity_anchors_count(a), before + (rv == 0));
    }
    if (rv == 0)
        rv = identity_anchors_revoke(a, buf_view(&p->anchor), &serial, 1);
    identity_anchors_free(a);
    return rv;
}

static void anchors_survive_failed_allocations(void **state)
{
    (void)state;
    struct sweep s = {0};
    plan_init(&s.plan);
    plan_build(&s.plan);
    put_pem(&s.pem, buf_view(&s.plan.anchor));
    assert_true(alloc_sweep(fill_anchors, &s) > 10);
    plan_fini(&s.plan);
    buf_free(&s.pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_issuer_is_shown_by_the_name_of_its_anchor),
        cmocka_unit_test(an_intermediate_cannot_name_the_issuer),
        cmocka_unit_test(an_anchor_must_be_fit_to_be_one),
        cmocka_unit_test(anchors_come_as_pem_all_or_none),
        cmocka_unit_test(a_new_list_of_revoked_takes_the_place_of_the_old),
        cmocka_unit_test(a_policy_that_is_no_name_is_the_callers_fault),
        cmocka_unit_test(a_successor_is_the_same_and_vouched_for_no_worse),
        cmocka_unit_test(a_certificate_is_shown_without_doing_harm),
        cmocka_unit_test(show_certificate_reads_well),
        cmocka_unit_test(each_reason_has_a_sentence_and_a_next_step),
        cmocka_unit_test(anchors_survive_failed_allocations),
    };
    return cmocka_run_group_tests(tests, open_keys, close_keys);
}
