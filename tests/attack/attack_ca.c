#include "attack_ca.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#define ROOT_LIFE (MEETING_DAY * 365 * 25) /* worlds are at other times, too */

struct attack_ca {
    EVP_PKEY *key;
    X509 *root;
    long serial; /* of the next certificate */
};

/* Valid from a day before `now` until `until`. */
static X509 *blank(EVP_PKEY *key, const X509_NAME *issuer, long serial, uint64_t now,
                   uint64_t until)
{
    X509 *x = X509_new();
    assert_non_null(x);
    assert_int_equal(X509_set_version(x, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), serial), 1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now - MEETING_DAY)));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)until));
    assert_int_equal(X509_set_pubkey(x, key), 1);
    if (issuer != NULL)
        assert_int_equal(X509_set_issuer_name(x, issuer), 1);
    return x;
}

static void add_name(X509 *x, const char *field, const char *text)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(x), field, MBSTRING_UTF8,
                                                (const unsigned char *)text, -1, -1, 0),
                     1);
}

static void extend(X509 *x, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(x, e, -1), 1);
    X509_EXTENSION_free(e);
}

static void put_der(X509 *x, struct buf *out)
{
    uint8_t *der = NULL;
    int n = i2d_X509(x, &der);
    assert_true(n > 0);
    buf_put(out, bytes_of(der, (size_t)n));
    assert_int_equal(buf_check(out), 0);
    OPENSSL_free(der);
}

struct attack_ca *attack_ca_new(const char *name, const char *permitted)
{
    struct attack_ca *ca = calloc(1, sizeof *ca);
    char constraint[128];
    assert_non_null(ca);
    ca->serial = 0x1001;
    ca->key = EVP_EC_gen("P-256");
    assert_non_null(ca->key);
    ca->root = blank(ca->key, NULL, 0x1000, MEETING_NOW, MEETING_NOW + ROOT_LIFE);
    add_name(ca->root, "O", name);
    add_name(ca->root, "CN", name);
    assert_int_equal(X509_set_issuer_name(ca->root, X509_get_subject_name(ca->root)), 1);
    extend(ca->root, NID_basic_constraints, "critical,CA:TRUE");
    extend(ca->root, NID_key_usage, "critical,keyCertSign");
    if (permitted != NULL) {
        snprintf(constraint, sizeof constraint, "critical,permitted;email:%s,permitted;DNS:%s",
                 permitted, permitted);
        extend(ca->root, NID_name_constraints, constraint);
    }
    assert_true(X509_sign(ca->root, ca->key, EVP_sha256()) > 0);
    return ca;
}

void attack_ca_free(struct attack_ca *ca)
{
    X509_free(ca->root);
    EVP_PKEY_free(ca->key);
    free(ca);
}

void attack_ca_pem(const struct attack_ca *ca, struct buf *out)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_non_null(memory);
    assert_int_equal(PEM_write_bio_X509(memory, ca->root), 1);
    long n = BIO_get_mem_data(memory, &text);
    assert_true(n > 0);
    buf_put(out, bytes_of(text, (size_t)n));
    assert_int_equal(buf_check(out), 0);
    BIO_free(memory);
}

void attack_ca_der(const struct attack_ca *ca, struct buf *out)
{
    put_der(ca->root, out);
}

static struct crypto_signer *signer_of(struct meeting_world *w, EVP_PKEY *key)
{
    uint8_t scalar[32];
    BIGNUM *d = NULL;
    struct crypto_signer *signer = NULL;
    assert_int_equal(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
    assert_int_equal(BN_bn2binpad(d, scalar, sizeof scalar), sizeof scalar);
    assert_int_equal(
        crypto_signer_from_private(w->crypto, bytes_of(scalar, sizeof scalar), &signer), 0);
    BN_free(d);
    return signer;
}

struct meeting_person *attack_ca_person(struct attack_ca *ca, struct meeting_world *w,
                                        const struct attack_names *names)
{
    assert_true(w->n < MEETING_PEOPLE_MAX);
    struct meeting_person *p = &w->person[w->n++];
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *x =
        blank(key, X509_get_subject_name(ca->root), ca->serial++, w->now, w->now + 7 * MEETING_DAY);
    if (names->common_name != NULL)
        add_name(x, "CN", names->common_name);
    extend(x, NID_basic_constraints, "critical,CA:FALSE");
    extend(x, NID_key_usage, "critical,digitalSignature");
    extend(x, NID_ext_key_usage, names->use);
    extend(x, NID_subject_alt_name, names->alternatives);
    assert_true(X509_sign(x, ca->key, EVP_sha256()) > 0);
    *p = (struct meeting_person){.name = names->alternatives, .signer = signer_of(w, key)};
    put_der(x, &p->certificate);
    p->chain[0] = buf_view(&p->certificate);
    assert_int_equal(mls_certificates_encode(p->chain, 1, &p->encoded), 0);
    X509_free(x);
    EVP_PKEY_free(key);
    return p;
}

void attack_ca_serial(const struct meeting_person *person, struct buf *out)
{
    const uint8_t *der = person->certificate.p;
    X509 *x = d2i_X509(NULL, &der, (long)person->certificate.n);
    assert_non_null(x);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
    buf_put(out, bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial)));
    assert_int_equal(buf_check(out), 0);
    X509_free(x);
}
