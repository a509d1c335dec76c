/* RFC 9420 5.3 and 7.3: X.509 credentials that are not what they claim to be. THREATS: the
 * certificate's key was not compared with the leaf's.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/hpke.h"
#include "mls/credential.h"
#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

/* A self-signed certificate for a key, encoded as a chain of one. */
static void certify(EVP_PKEY *key, uint64_t from, uint64_t to, struct buf *out)
{
    uint8_t *der = NULL;
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    bool ed = EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1;
    assert_int_equal(X509_set_version(x, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to));
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"member", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x, subject), 1);
    assert_int_equal(X509_set_pubkey(x, key), 1);
    assert_true(X509_sign(x, key, ed ? NULL : EVP_sha256()) > 0);
    int n = i2d_X509(x, &der);
    assert_true(n > 0);
    struct bytes chain = bytes_of(der, (size_t)n);
    assert_int_equal(mls_certificates_encode(&chain, 1, out), 0);
    OPENSSL_free(der);
    X509_free(x);
}

/* An Ed25519 key of a seed, for both sides. */
static EVP_PKEY *key_of(uint8_t seed_byte, struct crypto *c, struct crypto_signer **out)
{
    uint8_t seed[32] = {seed_byte};
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    assert_non_null(key);
    if (out != NULL)
        assert_int_equal(crypto_signer_from_private(c, bytes_of(seed, 32), out), 0);
    return key;
}

static const uint16_t both[] = {MLS_BASIC, MLS_X509};

/* Members 0 to 2 with names, who support certificates, too; member 3 has one. */
struct scene {
    struct world w;
    struct crypto_signer *signer;
    struct buf right, foreign, old, other_algorithm;
    struct mls_client *client;
    struct mls_key_package *kp;
};

static void begin(struct scene *s)
{
    *s = (struct scene){0};
    world_init(&s->w);
    EVP_PKEY *key = key_of(1, s->w.crypto, &s->signer), *other = key_of(2, s->w.crypto, NULL);
    EVP_PKEY *ec = EVP_EC_gen("P-256");
    certify(key, WORLD_NOW - 10, WORLD_NOW + 10, &s->right);
    certify(other, WORLD_NOW - 10, WORLD_NOW + 10, &s->foreign);
    certify(key, WORLD_NOW - 10, WORLD_NOW - 1, &s->old);
    certify(ec, WORLD_NOW - 10, WORLD_NOW + 10, &s->other_algorithm);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    EVP_PKEY_free(ec);
    s->w.config.credentials = both;
    s->w.config.n_credentials = 2;
    world_group(&s->w, 3);
    world_serve(&s->w);
    struct mls_client_config config = s->w.config;
    config.signer = s->signer;
    config.credential =
        (struct mls_credential){.type = MLS_X509, .certificates = buf_view(&s->right)};
    assert_int_equal(mls_client_new(&config, &s->client), 0);
    assert_int_equal(mls_key_package_new(s->client, WORLD_NOW, WORLD_NOW + 1, false, &s->kp), 0);
}

static void end(struct scene *s)
{
    mls_key_package_free(s->kp);
    mls_client_free(s->client);
    buf_free(&s->right);
    buf_free(&s->foreign);
    buf_free(&s->old);
    buf_free(&s->other_algorithm);
    world_fini(&s->w);
    crypto_signer_free(s->signer);
}

/* The key package with another chain, everything signed rightly: by itself, proposed, committed. */
static void chain_is_refused(struct scene *s, struct bytes certificates, int error)
{
    struct forge_key_package f = forge_key_package_of(s->kp);
    struct buf message = {0}, body = {0}, out = {0}, ref = {0};
    struct mls_member m;
    f.leaf.credential.certificates = certificates;
    forge_key_package(&f, &message);
    int rv = mls_key_package_inspect(s->w.actor[0].client, buf_view(&message), WORLD_NOW, &m, &ref);
    assert_string_equal(conclave_error_name(rv), conclave_error_name(error));
    struct mls_change add = mls_add(buf_view(&message));
    world_cannot_commit(s->w.actor[1].group, &add, 1, error);
    write_u16(&body, MLS_ADD);
    buf_put(&body, bytes_of(message.p + 4, message.n - 4));
    forge_proposal(s->w.actor[1].group, buf_view(&body), &out);
    world_all_refuse(&s->w, 1, buf_view(&out), error);
    buf_free(&message);
    buf_free(&body);
    buf_free(&out);
}

/* RFC 9420 5.3-1 */
static void a_certificate_holds_the_leafs_key(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    chain_is_refused(&s, buf_view(&s.foreign), CONCLAVE_ECREDENTIAL);
    chain_is_refused(&s, buf_view(&s.other_algorithm), CONCLAVE_ECREDENTIAL);
    end(&s);
}

/* RFC 9420 5.3-1: the end entity comes first, whoever follows */
static void only_the_first_certificate_is_the_leafs(void **state)
{
    (void)state;
    struct scene s;
    struct buf chain = {0};
    begin(&s);
    buf_put(&chain, buf_view(&s.foreign));
    buf_put(&chain, buf_view(&s.right));
    chain_is_refused(&s, buf_view(&chain), CONCLAVE_ECREDENTIAL);
    buf_free(&chain);
    end(&s);
}

static void a_chain_is_made_of_certificates(void **state)
{
    (void)state;
    struct scene s;
    struct buf chain = {0};
    struct bytes rest, der;
    begin(&s);
    chain_is_refused(&s, bytes_of(NULL, 0), CONCLAVE_ECREDENTIAL);
    chain_is_refused(&s, bytes_of(s.right.p, s.right.n - 1), CONCLAVE_ECREDENTIAL);
    struct bytes garbage = bytes_str("not a certificate"), empty = {0};
    assert_int_equal(mls_certificates_encode(&garbage, 1, &chain), 0);
    chain_is_refused(&s, buf_view(&chain), CONCLAVE_ECREDENTIAL);
    assert_int_equal(mls_certificates_encode(&empty, 1, &chain), 0);
    chain_is_refused(&s, buf_view(&chain), CONCLAVE_ECREDENTIAL);
    /* a byte behind the certificate, inside its length */
    rest = buf_view(&s.right);
    assert_true(mls_certificate_next(&rest, &der));
    struct buf longer = {0};
    buf_put(&longer, der);
    buf_put_zero(&longer, 1);
    struct bytes with_tail = buf_view(&longer);
    assert_int_equal(mls_certificates_encode(&with_tail, 1, &chain), 0);
    chain_is_refused(&s, buf_view(&chain), CONCLAVE_ECREDENTIAL);
    buf_free(&longer);
    buf_free(&chain);
    end(&s);
}

/* RFC 9420 7.3-1 */
static void a_certificate_that_has_expired_is_refused(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    chain_is_refused(&s, buf_view(&s.old), CONCLAVE_ELIFETIME);
    end(&s);
}

/* Brings the certified client in as member 3. */
static struct mls_group *enter(struct scene *s)
{
    struct buf commit = {0}, welcome = {0};
    struct mls_group *g = NULL;
    struct mls_change add = mls_add(mls_key_package_message(s->kp));
    assert_int_equal(mls_group_commit(s->w.actor[1].group, &add, 1, NULL, WORLD_NOW, &commit), 0);
    world_deliver(&s->w, 1, buf_view(&commit));
    assert_int_equal(mls_group_merge_own(s->w.actor[1].group, &welcome), 0);
    assert_int_equal(mls_group_join(s->client, buf_view(&welcome), bytes_of(NULL, 0), s->kp, NULL,
                                    0, WORLD_NOW, &g),
                     0);
    buf_free(&commit);
    buf_free(&welcome);
    return g;
}

/* RFC 9420 5.3-1, 5.3.1-6 */
static void a_path_brings_no_foreign_certificate(void **state)
{
    (void)state;
    struct scene s;
    struct forge_commit c;
    struct buf out = {0};
    begin(&s);
    struct mls_group *g = enter(&s);
    forge_commit_of(g, NULL, 0, &c);
    c.content.credential.certificates = buf_view(&s.foreign);
    forge_commit_sign_leaf(&c, g, bytes_str("the group"), 3, s.signer);
    forge_commit_public(&c, g, &out);
    world_all_refuse(&s.w, WORLD_MAX, buf_view(&out), CONCLAVE_ECREDENTIAL);
    forge_commit_free(&c);
    buf_free(&out);
    mls_group_free(g);
    end(&s);
}

/* RFC 9420 5.3-1, 5.3.1-5 */
static void an_update_brings_no_foreign_certificate(void **state)
{
    (void)state;
    struct scene s;
    struct buf leaf = {0}, body = {0}, out = {0};
    struct secret priv = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    begin(&s);
    struct mls_group *g = enter(&s);
    struct mls_leaf_content c = forge_leaf_content(mls_tree_leaf(&g->pub.tree, 3));
    assert_int_equal(hpke_generate_key_pair(s.w.crypto, &priv, pub), 0);
    c.encryption_key = bytes_of(pub, 32);
    c.source = LEAF_UPDATE;
    c.credential.certificates = buf_view(&s.foreign);
    assert_int_equal(mls_leaf_sign(&c, s.signer, bytes_str("the group"), 3, &leaf), 0);
    mls_proposal_write_update(&body, buf_view(&leaf));
    forge_proposal(g, buf_view(&body), &out);
    world_all_refuse(&s.w, WORLD_MAX, buf_view(&out), CONCLAVE_ECREDENTIAL);
    buf_free(&leaf);
    buf_free(&body);
    buf_free(&out);
    mls_group_free(g);
    end(&s);
}

/* RFC 9420 5.3-1, 5.3.1-7 */
static void an_external_sender_brings_no_foreign_certificate(void **state)
{
    (void)state;
    struct scene s;
    struct buf data = {0};
    begin(&s);
    struct mls_external_sender sender = {crypto_signer_public(s.signer),
                                         {.type = MLS_X509, .certificates = buf_view(&s.foreign)}};
    assert_int_equal(mls_external_senders_encode(&sender, 1, &data), 0);
    struct mls_extension e = {MLS_EXT_EXTERNAL_SENDERS, buf_view(&data)};
    struct mls_change change = mls_set_extensions(&e, 1);
    world_cannot_commit(s.w.actor[1].group, &change, 1, CONCLAVE_ECREDENTIAL);
    sender.credential.certificates = buf_view(&s.right);
    assert_int_equal(mls_external_senders_encode(&sender, 1, &data), 0);
    e.data = buf_view(&data);
    world_commit(&s.w, 1, &change, 1);
    world_agrees(&s.w);
    buf_free(&data);
    end(&s);
}

static void a_client_starts_with_its_own_certificate(void **state)
{
    (void)state;
    struct scene s;
    struct mls_client *c = NULL;
    begin(&s);
    struct mls_client_config config = s.w.config;
    config.signer = s.signer;
    config.credential =
        (struct mls_credential){.type = MLS_X509, .certificates = buf_view(&s.foreign)};
    assert_int_equal(mls_client_new(&config, &c), CONCLAVE_ECREDENTIAL);
    config.credential.certificates = bytes_of(NULL, 0);
    assert_int_equal(mls_client_new(&config, &c), CONCLAVE_ECREDENTIAL);
    assert_null(c);
    end(&s);
}

/* ---- Types of credentials ---- */

/* RFC 9420 7.3-5: its credential is of a type that a member does not know */
static void a_newcomers_credential_is_known_to_all(void **state)
{
    (void)state;
    struct scene s;
    struct buf out = {0};
    struct forge_commit c;
    begin(&s);
    s.w.config.n_credentials = 0;
    world_join(&s.w, 0, world_actor(&s.w)); /* one who knows names only */
    struct mls_change add = mls_add(mls_key_package_message(s.kp));
    world_cannot_commit(s.w.actor[1].group, &add, 1, CONCLAVE_ECAPABILITY);
    /* an Add without a path, so that all fits but this */
    struct buf list = {0};
    forge_put_change(&list, add);
    forge_commit_of(s.w.actor[1].group, NULL, 0, &c);
    buf_move(&c.proposals, &list);
    c.has_path = false;
    forge_commit_public(&c, s.w.actor[1].group, &out);
    world_all_refuse(&s.w, 1, buf_view(&out), CONCLAVE_ECAPABILITY);
    forge_commit_free(&c);
    buf_free(&out);
    end(&s);
}

/* RFC 9420 7.3-6: and it knows those of all members */
static void a_newcomer_knows_the_types_in_use(void **state)
{
    (void)state;
    struct scene s;
    struct buf out = {0}, list = {0};
    struct forge_commit c;
    begin(&s);
    struct mls_group *g = enter(&s); /* with a certificate */
    s.w.config.n_credentials = 0;
    struct mls_change add = world_add(&s.w, world_actor(&s.w));
    world_cannot_commit(s.w.actor[1].group, &add, 1, CONCLAVE_ECAPABILITY);
    forge_put_change(&list, add);
    forge_commit_of(s.w.actor[1].group, NULL, 0, &c);
    buf_move(&c.proposals, &list);
    c.has_path = false;
    forge_commit_public(&c, s.w.actor[1].group, &out);
    world_all_refuse(&s.w, 1, buf_view(&out), CONCLAVE_ECAPABILITY);
    forge_commit_free(&c);
    buf_free(&out);
    mls_group_free(g);
    end(&s);
}

/* ---- Keys in certificates, suite by suite ---- */

static EVP_PKEY *new_key(enum crypto_sig_id sig)
{
    switch (sig) {
    case SIG_P256:
        return EVP_EC_gen("P-256");
    case SIG_P384:
        return EVP_EC_gen("P-384");
    case SIG_P521:
        return EVP_EC_gen("P-521");
    case SIG_ED448:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
    default:
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    }
}

/* RFC 9420 5.1.1's encoding, by OpenSSL's own means. */
static size_t public_of(EVP_PKEY *key, enum crypto_sig_id sig, uint8_t *out, size_t room)
{
    size_t n = room;
    if (sig == SIG_ED25519 || sig == SIG_ED448)
        assert_int_equal(EVP_PKEY_get_raw_public_key(key, out, &n), 1);
    else
        assert_int_equal(
            EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, room, &n), 1);
    return n;
}

static void each_suite_reads_its_own_kind_of_key(void **state)
{
    (void)state;
    for (uint16_t made = 1; made <= 7; made++) {
        const struct crypto_suite *suite = crypto_suite_find(made);
        EVP_PKEY *key = new_key(suite->sig);
        struct buf chain = {0};
        uint8_t pub[200];
        size_t n = public_of(key, suite->sig, pub, sizeof pub);
        struct bytes rest, der;
        certify(key, 1000, 2000, &chain);
        rest = buf_view(&chain);
        assert_true(mls_certificate_next(&rest, &der));
        for (uint16_t read = 1; read <= 7; read++) {
            struct crypto *c = NULL;
            struct crypto_certificate cert;
            assert_int_equal(crypto_new_public(read, &c), 0);
            bool same = crypto_suite_find(read)->sig == suite->sig;
            assert_int_equal(crypto_certificate(c, der, &cert), same ? 0 : CONCLAVE_ECREDENTIAL);
            if (same) {
                assert_true(
                    bytes_equal(bytes_of(cert.public_key, cert.public_key_n), bytes_of(pub, n)));
                assert_int_equal(cert.not_before, 1000);
                assert_int_equal(cert.not_after, 2000);
            }
            for (size_t cut = 0; cut < der.n; cut++)
                assert_int_equal(crypto_certificate(c, bytes_of(der.p, cut), &cert),
                                 CONCLAVE_ECREDENTIAL);
            crypto_free(c);
        }
        buf_free(&chain);
        EVP_PKEY_free(key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_holds_the_leafs_key),
        cmocka_unit_test(only_the_first_certificate_is_the_leafs),
        cmocka_unit_test(a_chain_is_made_of_certificates),
        cmocka_unit_test(a_certificate_that_has_expired_is_refused),
        cmocka_unit_test(a_path_brings_no_foreign_certificate),
        cmocka_unit_test(an_update_brings_no_foreign_certificate),
        cmocka_unit_test(an_external_sender_brings_no_foreign_certificate),
        cmocka_unit_test(a_client_starts_with_its_own_certificate),
        cmocka_unit_test(a_newcomers_credential_is_known_to_all),
        cmocka_unit_test(a_newcomer_knows_the_types_in_use),
        cmocka_unit_test(each_suite_reads_its_own_kind_of_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
