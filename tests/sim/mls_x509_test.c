/* X.509 credentials from end to end, with certificates made here. The library looks at the key and
 * the dates of the end-entity certificate; the chain and the name are for the callback to judge. */
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "sim/mls_party.h"

#define SUITE CRYPTO_P256_AES128GCM_SHA256_P256

/* A key, and a chain of one certificate for it. */
struct identity {
    struct crypto_signer *signer;
    struct buf certificates;
};

static EVP_PKEY *new_key(struct party *maker, struct crypto_signer **out)
{
    uint8_t scalar[32];
    BIGNUM *d = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_get_bn_param(key, "priv", &d), 1);
    assert_int_equal(BN_bn2binpad(d, scalar, sizeof scalar), sizeof scalar);
    OK(crypto_signer_from_private(maker->crypto, bytes_of(scalar, sizeof scalar), out));
    BN_free(d);
    return key;
}

static void certify(EVP_PKEY *key, const char *name, uint64_t from, uint64_t to, struct buf *out)
{
    uint8_t *der = NULL;
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    assert_int_equal(X509_set_version(x, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from);
    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(x, subject);
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    int n = i2d_X509(x, &der);
    assert_true(n > 0);
    struct bytes chain = bytes_of(der, (size_t)n);
    OK(mls_certificates_encode(&chain, 1, out));
    OPENSSL_free(der);
    X509_free(x);
}

static void identity_init(struct identity *id, struct party *maker, const char *name, uint64_t from,
                          uint64_t to)
{
    *id = (struct identity){0};
    EVP_PKEY *key = new_key(maker, &id->signer);
    certify(key, name, from, to, &id->certificates);
    EVP_PKEY_free(key);
}

static void identity_fini(struct identity *id)
{
    crypto_signer_free(id->signer);
    buf_free(&id->certificates);
}

static struct mls_credential credential_of(const struct identity *id)
{
    return (struct mls_credential){.type = MLS_X509, .certificates = buf_view(&id->certificates)};
}

/* What the callback was last asked. */
struct asked {
    enum mls_identity_event event;
    bool has_predecessor, predecessor_matches;
    struct bytes expected_predecessor;
    size_t calls;
    bool refuse;
};

static int check_identity(void *ctx, const struct mls_identity_check *check)
{
    struct asked *a = ctx;
    struct bytes rest = check->credential.certificates, der;
    a->calls++;
    a->event = check->event;
    a->has_predecessor = check->has_predecessor;
    a->predecessor_matches = check->has_predecessor &&
                             bytes_equal(check->predecessor.certificates, a->expected_predecessor);
    if (check->credential.type == MLS_X509 && !mls_certificate_next(&rest, &der))
        return CONCLAVE_ECREDENTIAL;
    return a->refuse ? CONCLAVE_EPOLICY : 0;
}

struct people {
    struct party maker, all[3];
    struct identity ids[2];
    struct asked asked[3];
};

/* Two with certificates, one with a basic credential; all support both. */
static void people_init(struct people *p)
{
    static const uint16_t both[] = {MLS_BASIC, MLS_X509};
    struct party_options options = party_defaults(SUITE);
    memset(p, 0, sizeof *p);
    party_init(&p->maker, 9, &options);
    options.credentials = both;
    options.n_credentials = 2;
    for (unsigned i = 0; i < 3; i++) {
        options.callbacks =
            (struct mls_callbacks){.ctx = &p->asked[i], .check_identity = check_identity};
        if (i < 2) {
            identity_init(&p->ids[i], &p->maker, i == 0 ? "Ann" : "Ben", NOW - DAY, NOW + DAY);
            options.credential = credential_of(&p->ids[i]);
            options.signer = p->ids[i].signer;
        } else {
            options.credential = (struct mls_credential){0};
            options.signer = NULL;
        }
        party_init(&p->all[i], i, &options);
    }
}

static void people_fini(struct people *p)
{
    for (unsigned i = 0; i < 3; i++)
        party_fini(&p->all[i]);
    identity_fini(&p->ids[0]);
    identity_fini(&p->ids[1]);
    party_fini(&p->maker);
}

static void certificates_and_names_live_in_one_group(void **state)
{
    struct people p;
    struct mls_member m;
    (void)state;
    people_init(&p);
    parties_gather(p.all, 3, "certified");
    parties_talk(p.all, 3);
    OK(mls_group_member(p.all[2].group, 1, &m));
    assert_int_equal(m.credential.type, MLS_X509);
    assert_true(bytes_equal(m.credential.certificates, buf_view(&p.ids[1].certificates)));
    assert_true(p.asked[0].calls >= 2 && p.asked[0].event == MLS_IDENTITY_ADD);
    assert_int_equal(p.asked[2].event, MLS_IDENTITY_TREE);
    people_fini(&p);
}

/* Section 5.3.1: whoever judges a new credential is shown the one it replaces. */
static void an_identity_is_renewed_by_commit_and_by_update(void **state)
{
    struct people p;
    struct identity renewed, again;
    struct buf message = {0};
    struct mls_change update = mls_update();
    struct mls_member m;
    (void)state;
    people_init(&p);
    parties_gather(p.all, 3, "renewed");
    identity_init(&renewed, &p.maker, "Ben", NOW - 60, NOW + 2 * DAY);
    identity_init(&again, &p.maker, "Ben", NOW - 60, NOW + 3 * DAY);
    struct mls_new_identity first = {renewed.signer, credential_of(&renewed)},
                            second = {again.signer, credential_of(&again)},
                            crossed = {again.signer, credential_of(&renewed)};
    struct mls_commit_options commit = {.identity = &first}, wrong = {.identity = &crossed};
    REFUSED(mls_group_commit(p.all[1].group, NULL, 0, &wrong, NOW, &message), CONCLAVE_ECREDENTIAL);
    p.asked[0].expected_predecessor = buf_view(&p.ids[1].certificates);
    parties_commit(p.all, 3, &p.all[1], NULL, 0, &commit);
    assert_int_equal(p.asked[0].event, MLS_IDENTITY_UPDATE);
    assert_true(p.asked[0].predecessor_matches);
    parties_talk(p.all, 3); /* signed with the new key */

    p.asked[0].expected_predecessor = buf_view(&renewed.certificates);
    OK(mls_group_propose(p.all[1].group, &update, &second, NOW, &message));
    parties_take(p.all, 3, &p.all[1], &message);
    assert_true(p.asked[0].predecessor_matches);
    parties_commit(p.all, 3, &p.all[0], NULL, 0, NULL);
    OK(mls_group_member(p.all[2].group, 1, &m));
    assert_true(bytes_equal(m.credential.certificates, buf_view(&again.certificates)));
    assert_true(bytes_equal(m.signature_key, crypto_signer_public(again.signer)));
    parties_talk(p.all, 3);
    buf_free(&message);
    /* groups use the signers until they end */
    people_fini(&p);
    identity_fini(&renewed);
    identity_fini(&again);
}

static void a_refused_identity_changes_nothing(void **state)
{
    struct people p;
    struct identity renewed;
    struct buf message = {0};
    struct mls_received r;
    (void)state;
    people_init(&p);
    parties_gather(p.all, 3, "refused");
    identity_init(&renewed, &p.maker, "Mallory", NOW - 60, NOW + DAY);
    struct mls_new_identity identity = {renewed.signer, credential_of(&renewed)};
    struct mls_commit_options commit = {.identity = &identity};
    OK(mls_group_commit(p.all[1].group, NULL, 0, &commit, NOW, &message));
    struct buf before = {0}, after = {0};
    party_state(&p.all[0], &before);
    p.asked[0].refuse = true;
    REFUSED(mls_group_receive(p.all[0].group, buf_view(&message), NOW, &r), CONCLAVE_ECREDENTIAL);
    party_state(&p.all[0], &after);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    OK(mls_group_drop_own(p.all[1].group));
    parties_talk(p.all, 3);
    buf_free(&before);
    buf_free(&after);
    buf_free(&message);
    people_fini(&p);
    identity_fini(&renewed);
}

static void a_certificate_of_another_key_makes_no_client(void **state)
{
    struct people p;
    struct mls_client *client = NULL;
    (void)state;
    people_init(&p);
    struct mls_client_config config = {.suite = SUITE,
                                       .signer = p.ids[0].signer,
                                       .credential = credential_of(&p.ids[1]),
                                       .callbacks = {.check_identity = mls_identity_accept_any},
                                       .policy = mls_policy_default()};
    REFUSED(mls_client_new(&config, &client), CONCLAVE_ECREDENTIAL);
    config.credential.certificates.n--;
    REFUSED(mls_client_new(&config, &client), CONCLAVE_ECREDENTIAL);
    config.credential = (struct mls_credential){.type = MLS_X509};
    REFUSED(mls_client_new(&config, &client), CONCLAVE_ECREDENTIAL);
    assert_null(client);
    people_fini(&p);
}

static void a_certificate_is_good_between_its_dates_only(void **state)
{
    struct people p;
    struct buf message = {0};
    (void)state;
    people_init(&p);
    party_found(&p.all[0], "dates", NULL, 0);
    OK(mls_key_package_new(p.all[1].client, NOW - 9 * DAY, NOW + 9 * DAY, false, &p.all[1].kp));
    struct mls_change add = mls_add(mls_key_package_message(p.all[1].kp));
    REFUSED(mls_group_commit(p.all[0].group, &add, 1, NULL, NOW + 2 * DAY, &message),
            CONCLAVE_ELIFETIME);
    REFUSED(mls_group_commit(p.all[0].group, &add, 1, NULL, NOW - 2 * DAY, &message),
            CONCLAVE_ELIFETIME);
    OK(mls_group_commit(p.all[0].group, &add, 1, NULL, NOW, &message));
    buf_free(&message);
    people_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_and_names_live_in_one_group),
        cmocka_unit_test(an_identity_is_renewed_by_commit_and_by_update),
        cmocka_unit_test(a_refused_identity_changes_nothing),
        cmocka_unit_test(a_certificate_of_another_key_makes_no_client),
        cmocka_unit_test(a_certificate_is_good_between_its_dates_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
