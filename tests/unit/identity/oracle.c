#include "oracle.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/* NULL also for one with an extension that OpenSSL, but not we, would look into. */
static X509 *read_one(struct bytes der)
{
    const unsigned char *p = der.p;
    X509 *c = d2i_X509(NULL, &p, (long)der.n);
    if (c != NULL && (X509_get_extension_flags(c) & EXFLAG_INVALID) != 0) {
        X509_free(c);
        c = NULL;
    }
    return c;
}

/* certificates[1..] in the order they are tried in. */
static const char *verify(X509 *root, X509 *leaf, STACK_OF(X509) * others, uint64_t now)
{
    const char *says = "it cannot be read";
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (X509_STORE_add_cert(store, root) == 1 &&
        X509_STORE_CTX_init(ctx, store, leaf, others) == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
        X509_VERIFY_PARAM_set_time(param, (time_t)now);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_auth_level(param, 2); /* 112 bits: no SHA-1, no RSA-1024 */
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        bool ok = X509_verify_cert(ctx) == 1;
        says = ok ? NULL : X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return says;
}

/* OpenSSL takes the first issuer of the right name and does not come back to try the next, so it
 * is asked once for each that could be the first. */
const char *oracle_verify(struct bytes anchor, const struct bytes *chain, size_t n, uint64_t now)
{
    const char *says = "it cannot be read";
    bool unread = false;
    STACK_OF(X509) *others = sk_X509_new_null();
    X509 *root = read_one(anchor), *leaf = read_one(chain[0]);
    for (size_t i = 1; i < n; i++) {
        X509 *c = read_one(chain[i]);
        if (c != NULL)
            sk_X509_push(others, c);
        else
            unread = true;
    }
    for (size_t i = 0; !unread && root != NULL && leaf != NULL && says != NULL && i < n; i++) {
        says = verify(root, leaf, others, now);
        if (sk_X509_num(others) > 0)
            sk_X509_push(others, sk_X509_shift(others));
    }
    X509_free(root);
    X509_free(leaf);
    sk_X509_pop_free(others, X509_free);
    return says;
}
