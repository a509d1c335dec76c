#include "crypto/self_signed.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DAY UINT64_C(86400)
#define SERIAL_BITS 127 /* positive in 16 bytes */

static bool put_extension(X509 *cert, int nid, void *value)
{
    return X509_add1_ext_i2d(cert, nid, value, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool put_name(GENERAL_NAMES *names, const char *name)
{
    GENERAL_NAME *one = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address = a2i_IPADDRESS(name);
    ASN1_IA5STRING *dns = address == NULL ? ASN1_IA5STRING_new() : NULL;
    bool ok =
        one != NULL && (address != NULL || (dns != NULL && ASN1_STRING_set(dns, name, -1) == 1));
    if (ok)
        GENERAL_NAME_set0_value(one, address != NULL ? GEN_IPADD : GEN_DNS,
                                address != NULL ? (void *)address : (void *)dns);
    if (ok && sk_GENERAL_NAME_push(names, one) > 0)
        return true;
    if (!ok) {
        ASN1_OCTET_STRING_free(address);
        ASN1_IA5STRING_free(dns);
    }
    GENERAL_NAME_free(one);
    return false;
}

static bool put_names(X509 *cert, const char *const *names, size_t n)
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool ok = all != NULL;
    for (size_t i = 0; ok && i < n; i++)
        ok = put_name(all, names[i]);
    ok = ok && put_extension(cert, NID_subject_alt_name, all);
    GENERAL_NAMES_free(all);
    return ok;
}

/* Not a CA; for servers only (RFC 5280 4.2.1.9, 4.2.1.12). */
static bool put_limits(X509 *cert)
{
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    EXTENDED_KEY_USAGE *usage = EXTENDED_KEY_USAGE_new();
    bool ok = basic != NULL && usage != NULL &&
              sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_server_auth)) > 0 &&
              put_extension(cert, NID_basic_constraints, basic) &&
              put_extension(cert, NID_ext_key_usage, usage);
    BASIC_CONSTRAINTS_free(basic);
    EXTENDED_KEY_USAGE_free(usage);
    return ok;
}

static bool put_serial(X509 *cert)
{
    BIGNUM *serial = BN_new();
    bool ok = serial != NULL &&
              BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;
    BN_free(serial);
    return ok;
}

static bool fill(X509 *cert, EVP_PKEY *key, const char *const *names, size_t n, uint64_t now,
                 uint64_t lifetime)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    const unsigned char *common = (const unsigned char *)"Conclave";
    return X509_set_version(cert, X509_VERSION_3) == 1 && put_serial(cert) &&
           X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, common, -1, -1, 0) &&
           X509_set_issuer_name(cert, subject) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(now - DAY)) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(now + lifetime)) != NULL &&
           X509_set_pubkey(cert, key) == 1 && put_names(cert, names, n) && put_limits(cert) &&
           X509_sign(cert, key, EVP_sha256()) > 0;
}

static bool take_pem(BIO *bio, struct buf *out)
{
    char *text;
    long n = BIO_get_mem_data(bio, &text);
    if (n <= 0)
        return false;
    buf_put(out, bytes_of(text, (size_t)n));
    return true;
}

int crypto_self_signed(const char *const *names, size_t n, uint64_t now, uint64_t lifetime,
                       struct buf *out_certificate, struct buf *out_key)
{
    if (n == 0 || now < DAY)
        return CONCLAVE_EINVAL;
    struct buf certificate = {0}, private = {0};
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
    bool ok = key != NULL && cert != NULL && cert_bio != NULL && key_bio != NULL &&
              fill(cert, key, names, n, now, lifetime) && PEM_write_bio_X509(cert_bio, cert) == 1 &&
              PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
              take_pem(cert_bio, &certificate) && take_pem(key_bio, &private);
    int rv = ok ? 0 : CONCLAVE_ECRYPTO;
    if (rv == 0) {
        buf_put(out_certificate, buf_view(&certificate));
        buf_put(out_key, buf_view(&private));
        rv = buf_check(&certificate) != 0 || buf_check(&private) != 0 ||
                     buf_check(out_certificate) != 0 || buf_check(out_key) != 0
                 ? CONCLAVE_ENOMEM
                 : 0;
    }
    buf_free(&certificate);
    buf_free(&private);
    BIO_free(cert_bio);
    BIO_free(key_bio);
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return rv;
}
