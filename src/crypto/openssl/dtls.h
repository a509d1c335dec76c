/* What a certificate and the connections under it share. */
#ifndef CRYPTO_OPENSSL_DTLS_H
#define CRYPTO_OPENSSL_DTLS_H

#include <openssl/ssl.h>

#include "crypto/dtls.h"

struct dtls_identity {
    SSL_CTX *ctx;
    BIO_METHOD *bio; /* of the connections */
    uint8_t fingerprint[DTLS_FINGERPRINT];
};

/* SHA-256 of the certificate. */
bool dtls_fingerprint_of(X509 *certificate, uint8_t out[static DTLS_FINGERPRINT]);

/* The connection's, for the shared context: OpenSSL asks it whether a certificate is the peer's. */
int dtls_verify_peer(X509_STORE_CTX *store, void *unused);

/* The connection's, for the shared method: its datagrams. NULL without memory. */
BIO_METHOD *dtls_bio_method(void);

#endif
