/* TLS as the server allows it. The certificate's files are looked at before libwebsockets gets
 * them, because it does not say what was wrong. OpenSSL's names come along with libwebsockets.h. */
#include "net/server_impl.h"

/* Ephemeral keys, so that a stolen key opens nothing recorded; AES-256-GCM only. */
#define CIPHERS_12 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
#define CIPHERS_13 "TLS_AES_256_GCM_SHA384"
#define GROUPS "X25519:P-256:P-384"

bool net_tls_restrict(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ctx, CIPHERS_12) == 1 &&
           SSL_CTX_set_ciphersuites(ctx, CIPHERS_13) == 1 &&
           SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

int net_tls_check(const char *chain, const char *key, char out_why[static NET_WHY])
{
    int rv = CONCLAVE_EINVAL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx == NULL)
        rv = CONCLAVE_ENOMEM;
    else if (SSL_CTX_use_certificate_chain_file(ctx, chain) != 1)
        (void)snprintf(out_why, NET_WHY,
                       "%.120s: no certificate chain in PEM that can be read; put the server's "
                       "certificate first, then its issuers",
                       chain);
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        (void)snprintf(out_why, NET_WHY,
                       "%.120s: no private key in PEM that can be read, or not the one of the "
                       "certificate",
                       key);
    else
        rv = 0;
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return rv;
}
