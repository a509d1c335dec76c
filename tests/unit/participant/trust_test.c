/* What a program believes, and what it remembers of it: verdicts and meetings, within limits. */
#include "desk.h"

#include <stdio.h>
#include <string.h>

#include "base/base64.h"

/* A card of its own for each. */
static struct card *make_card(struct desk *d, size_t i)
{
    struct card_terms terms = meeting_world_terms(&d->w);
    struct buf encoded = {0};
    struct card *card = NULL;
    char title[32];
    snprintf(title, sizeof title, "Meeting %u", (unsigned)i);
    terms.title = title;
    assert_int_equal(card_sign(d->w.organiser->signer, d->w.organiser->chain, 1, &terms, &encoded),
                     0);
    assert_int_equal(card_read(buf_view(&encoded), &card), 0);
    buf_free(&encoded);
    return card;
}

static void meetings_come_and_go_without_end(void **state)
{
    struct desk d;
    struct realm *first = NULL, *again = NULL, *realm = NULL;
    (void)state;
    desk_open(&d);
    struct card *card = make_card(&d, 0);
    assert_int_equal(participant_trust_realm(d.trust, card, &first), 0);
    for (size_t i = 1; i < (size_t)3 * PARTICIPANT_REALMS_LIMIT; i++) {
        struct card *other = make_card(&d, i);
        assert_int_equal(participant_trust_realm(d.trust, other, &realm), 0);
        participant_realm_release(realm);
        card_free(other);
    }
    assert_int_equal(participant_trust_realm(d.trust, card, &again), 0);
    assert_ptr_equal(first, again); /* in use, so it was not let go */
    participant_realm_release(first);
    participant_realm_release(again);
    participant_realm_release(NULL);
    card_free(card);
    desk_close(&d);
}

static void but_only_so_many_at_once(void **state)
{
    struct desk d;
    struct realm *realms[PARTICIPANT_REALMS_LIMIT], *one_more = NULL;
    (void)state;
    desk_open(&d);
    for (size_t i = 0; i < PARTICIPANT_REALMS_LIMIT; i++) {
        struct card *card = make_card(&d, i);
        assert_int_equal(participant_trust_realm(d.trust, card, &realms[i]), 0);
        card_free(card);
    }
    struct card *card = make_card(&d, PARTICIPANT_REALMS_LIMIT);
    assert_int_equal(participant_trust_realm(d.trust, card, &one_more), CONCLAVE_ENOMEM);
    participant_realm_release(realms[7]);
    assert_int_equal(participant_trust_realm(d.trust, card, &one_more), 0);
    card_free(card);
    desk_close(&d);
}

/* ---- Verdicts ---- */

static struct verdict *judge(struct desk *d, struct realm *r, struct bytes key,
                             struct bytes certificates, uint64_t now)
{
    const struct mls_credential credential = {.type = MLS_X509, .certificates = certificates};
    struct verdict *v = NULL;
    assert_int_equal(participant_realm_judge(r, d->w.crypto, &credential, key, now, &v), 0);
    return v;
}

static void a_verdict_is_made_once_in_ten_minutes(void **state)
{
    struct desk d;
    struct realm *r = NULL;
    (void)state;
    desk_open(&d);
    assert_int_equal(participant_trust_realm(d.trust, d.card, &r), 0);
    struct bytes key = crypto_signer_public(d.w.organiser->signer);
    struct bytes chain = buf_view(&d.w.organiser->encoded);
    struct verdict *first = judge(&d, r, key, chain, MEETING_NOW);
    struct verdict *second = judge(&d, r, key, chain, MEETING_NOW + 599);
    struct verdict *third = judge(&d, r, key, chain, MEETING_NOW + 600);
    assert_ptr_equal(first, second);
    assert_ptr_not_equal(first, third);
    assert_int_equal(first->id.category, IDENTITY_MEMBER);
    /* the same certificate is another's for another key */
    struct bytes foreign = crypto_signer_public(d.w.server);
    struct verdict *fourth = judge(&d, r, foreign, chain, MEETING_NOW);
    assert_int_equal(fourth->id.reason, IDENTITY_FOREIGN_KEY);
    participant_verdict_release(first);
    participant_verdict_release(second);
    participant_verdict_release(third);
    participant_verdict_release(fourth);
    participant_verdict_release(NULL);
    participant_realm_release(r);
    desk_close(&d);
}

/* Made after the certificate's end it is as good as one made before. */
static void the_verdict_on_a_member_outlives_its_certificate(void **state)
{
    const uint64_t late = MEETING_NOW + 30 * MEETING_DAY;
    struct desk d;
    struct realm *r = NULL;
    struct identity now;
    (void)state;
    desk_open(&d);
    assert_int_equal(participant_trust_realm(d.trust, d.card, &r), 0);
    struct bytes key = crypto_signer_public(d.w.organiser->signer);
    const struct mls_credential own = meeting_person_credential(d.w.organiser);
    struct verdict *v = judge(&d, r, key, own.certificates, late);
    struct verdict *again = judge(&d, r, key, own.certificates, late + 1);
    assert_int_equal(v->id.category, IDENTITY_MEMBER);
    assert_ptr_equal(v, again);
    assert_int_equal(participant_realm_verify(r, &own, key, late, &now), 0);
    assert_int_equal(now.reason, IDENTITY_EXPIRED);
    participant_verdict_release(v);
    participant_verdict_release(again);
    participant_realm_release(r);
    desk_close(&d);
}

/* Whatever is asked about, only so many verdicts are kept that nobody shows. */
static void verdicts_that_nobody_shows_are_let_go(void **state)
{
    struct desk d;
    struct realm *r = NULL;
    uint8_t key[65] = {4};
    (void)state;
    desk_open(&d);
    assert_int_equal(participant_trust_realm(d.trust, d.card, &r), 0);
    struct bytes own = crypto_signer_public(d.w.organiser->signer);
    struct bytes chain = buf_view(&d.w.organiser->encoded);
    struct verdict *shown = judge(&d, r, own, chain, MEETING_NOW);
    for (uint32_t i = 0; i <= PARTICIPANT_VERDICTS_LIMIT; i++) {
        memcpy(key + 1, &i, sizeof i);
        struct verdict *v = judge(&d, r, bytes_of(key, sizeof key), bytes_of(NULL, 0), MEETING_NOW);
        assert_int_equal(v->id.category, IDENTITY_UNVERIFIED);
        participant_verdict_release(v);
    }
    memset(key + 1, 0, sizeof(uint32_t)); /* the first of them is asked about again */
    struct verdict *first =
        judge(&d, r, bytes_of(key, sizeof key), bytes_of(NULL, 0), MEETING_NOW + 1);
    struct verdict *again = judge(&d, r, own, chain, MEETING_NOW + 1);
    assert_int_equal(first->at, MEETING_NOW + 1);
    assert_ptr_equal(shown, again);
    participant_verdict_release(first);
    participant_verdict_release(shown);
    participant_verdict_release(again);
    participant_realm_release(r);
    desk_close(&d);
}

/* ---- Anchors of one's own ---- */

static const char *const domains[] = {"elsewhere.example"};

static struct buf pem_of(struct bytes der)
{
    struct buf b = {0};
    buf_put(&b, bytes_str("-----BEGIN CERTIFICATE-----\n"));
    for (size_t i = 0; i < der.n; i += 48) {
        base64_put(&b, bytes_of(der.p + i, der.n - i < 48 ? der.n - i : 48));
        buf_put(&b, bytes_str("\n"));
    }
    buf_put(&b, bytes_str("-----END CERTIFICATE-----\n"));
    assert_int_equal(buf_check(&b), 0);
    return b;
}

static void an_organisations_own_ca_is_believed_for_its_domains(void **state)
{
    const struct identity_anchor how = {
        .purpose = IDENTITY_PRIVATE, .display = "Elsewhere", .domains = domains, .n_domains = 1};
    const struct identity_anchor wrong = {.purpose = IDENTITY_PRIVATE, .display = "\n"};
    struct desk d;
    struct realm *r = NULL;
    (void)state;
    desk_open(&d);
    const struct identity_ca_config config = {
        .name = "Elsewhere", .domains = domains, .n_domains = 1};
    struct identity_ca *ca = NULL;
    assert_int_equal(identity_ca_new(d.w.crypto, &config, MEETING_NOW - MEETING_DAY, &ca), 0);
    struct buf pem = pem_of(identity_ca_certificate(ca));
    assert_int_equal(participant_trust_add_pem(d.trust, &wrong, buf_view(&pem)), CONCLAVE_EINVAL);
    assert_int_not_equal(participant_trust_add_pem(d.trust, &how, bytes_str("no PEM")), 0);
    assert_int_equal(participant_trust_add_pem(d.trust, &how, buf_view(&pem)), 0);
    assert_int_equal(participant_trust_realm(d.trust, d.card, &r), 0);

    struct identity_ca *provider = d.w.ca;
    d.w.ca = ca;
    struct meeting_person *eve = meeting_world_person(&d.w, IDENTITY_USER, "eve@elsewhere.example");
    d.w.ca = provider;
    struct verdict *v =
        judge(&d, r, crypto_signer_public(eve->signer), buf_view(&eve->encoded), MEETING_NOW);
    assert_int_equal(v->id.category, IDENTITY_EXTERNAL);
    assert_string_equal(v->id.issuer, "Elsewhere");
    participant_verdict_release(v);
    participant_realm_release(r);
    buf_free(&pem);
    identity_ca_free(ca);
    desk_close(&d);
}

static void signatures_are_remembered_if_asked_for(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    assert_int_equal(participant_trust_remember(d.trust, SIZE_MAX), CONCLAVE_EINVAL);
    assert_null(participant_trust_verified(d.trust));
    assert_int_equal(participant_trust_remember(d.trust, 64), 0);
    assert_int_equal(participant_trust_remember(d.trust, 128), 0);
    assert_non_null(participant_trust_verified(d.trust));
    desk_seat(&d, d.w.organiser);
    desk_found(&d);
    participant_trust_free(NULL);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meetings_come_and_go_without_end),
        cmocka_unit_test(but_only_so_many_at_once),
        cmocka_unit_test(a_verdict_is_made_once_in_ten_minutes),
        cmocka_unit_test(the_verdict_on_a_member_outlives_its_certificate),
        cmocka_unit_test(verdicts_that_nobody_shows_are_let_go),
        cmocka_unit_test(an_organisations_own_ca_is_believed_for_its_domains),
        cmocka_unit_test(signatures_are_remembered_if_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
