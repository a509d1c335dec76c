/* A self-made certificate, and what is agreed to under it. */
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/openssl/dtls.h"
#include "crypto/openssl/state.h"

#define DAYS_BEFORE (-1) /* clocks differ */
#define DAYS_AFTER 365

/* No record of ours is larger than a datagram; OpenSSL would keep a buffer of 16 kB else. */
#define RECORD_MAX 2048

bool dtls_fingerprint_of(X509 *certificate, uint8_t out[static DTLS_FINGERPRINT])
{
    unsigned n = 0;
    return X509_digest(certificate, EVP_sha256(), out, &n) == 1 && n == DTLS_FINGERPRINT;
}

static bool name_and_sign(X509 *x, EVP_PKEY *key, uint64_t serial, time_t now)
{
    X509_NAME *name = X509_get_subject_name(x); /* self-signed: the issuer's as well */
    return X509_set_version(x, X509_VERSION_3) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) == 1 &&
           X509_time_adj_ex(X509_getm_notBefore(x), DAYS_BEFORE, 0, &now) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(x), DAYS_AFTER, 0, &now) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"conclave", -1, -1,
                                      0) == 1 &&
           X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
           X509_sign(x, key, EVP_sha256()) > 0;
}

static X509 *certificate_of(EVP_PKEY *key, time_t now)
{
    uint64_t serial;
    X509 *x = X509_new();
    if (x == NULL || RAND_bytes((uint8_t *)&serial, sizeof serial) != 1 ||
        !name_and_sign(x, key, serial >> 1 | 1, now)) { /* RFC 5280 4.1.2.2: positive */
        X509_free(x);
        return NULL;
    }
    return x;
}

/* RFC 8827 6.5. */
static bool set_algorithms(SSL_CTX *ctx)
{
    return SSL_CTX_set_max_send_fragment(ctx, RECORD_MAX) == 1 &&
           SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(
               ctx, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256") == 1 &&
           SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set1_sigalgs_list(ctx, "ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256") ==
               1 &&
           SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_256_GCM") == 0;
}

static void set_options(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, dtls_verify_peer, NULL);
}

static int make(struct dtls_identity *id, time_t now)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = key != NULL ? certificate_of(key, now) : NULL;
    id->ctx = SSL_CTX_new(DTLS_method());
    id->bio = dtls_bio_method();
    bool ok = x != NULL && id->ctx != NULL && id->bio != NULL && set_algorithms(id->ctx) &&
              SSL_CTX_use_certificate(id->ctx, x) == 1 &&
              SSL_CTX_use_PrivateKey(id->ctx, key) == 1 && dtls_fingerprint_of(x, id->fingerprint);
    if (ok)
        set_options(id->ctx);
    X509_free(x);
    EVP_PKEY_free(key);
    return ok ? 0 : ossl_error(CONCLAVE_ECRYPTO);
}

int dtls_identity_new(uint64_t now_us, struct dtls_identity **out)
{
    struct dtls_identity *id = calloc(1, sizeof *id);
    if (id == NULL)
        return CONCLAVE_ENOMEM;
    int rv = make(id, (time_t)(now_us / 1000000));
    if (rv != 0) {
        dtls_identity_free(id);
        return rv;
    }
    *out = id;
    return 0;
}

void dtls_identity_free(struct dtls_identity *id)
{
    if (id == NULL)
        return;
    SSL_CTX_free(id->ctx);
    BIO_meth_free(id->bio);
    free(id);
}

const uint8_t *dtls_identity_fingerprint(const struct dtls_identity *id)
{
    return id->fingerprint;
}
