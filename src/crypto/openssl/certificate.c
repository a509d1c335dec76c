/* What the protocol needs to know of an end-entity certificate: its key and its dates. The chain
 * and the names are policy and live elsewhere. */
#include <openssl/core_names.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/openssl/state.h"

/* The uncompressed point, whatever form the certificate uses. */
static bool ec_key(const struct ossl *o, EVP_PKEY *key, struct crypto_certificate *out)
{
    char group[32];
    size_t n = o->suite->sig_nsk; /* a coordinate is as long as a scalar's field */
    BIGNUM *x = NULL, *y = NULL;
    bool ok = EVP_PKEY_is_a(key, "EC") == 1 &&
              EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                             NULL) == 1 &&
              OBJ_txt2nid(group) == ossl_sig_nid(o->suite) &&
              EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &x) == 1 &&
              EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &y) == 1;
    if (ok) {
        out->public_key[0] = 0x04;
        ok = BN_bn2binpad(x, out->public_key + 1, (int)n) == (int)n &&
             BN_bn2binpad(y, out->public_key + 1 + n, (int)n) == (int)n;
        out->public_key_n = 1 + 2 * n;
    }
    BN_free(x);
    BN_free(y);
    return ok;
}

static bool ed_key(const struct ossl *o, EVP_PKEY *key, struct crypto_certificate *out)
{
    out->public_key_n = sizeof out->public_key;
    return EVP_PKEY_is_a(key, ossl_sig_name(o->suite)) == 1 &&
           EVP_PKEY_get_raw_public_key(key, out->public_key, &out->public_key_n) == 1;
}

static bool unix_time(const ASN1_TIME *t, uint64_t *out)
{
    int days, seconds;
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    bool ok = epoch != NULL && ASN1_TIME_diff(&days, &seconds, epoch, t) == 1;
    ASN1_TIME_free(epoch);
    if (!ok)
        return false;
    int64_t s = (int64_t)days * 86400 + seconds;
    *out = s < 0 ? 0 : (uint64_t)s; /* before 1970: valid since ever, or expired long ago */
    return true;
}

int ossl_certificate(void *state, struct bytes der, struct crypto_certificate *out)
{
    const struct ossl *o = state;
    const unsigned char *p = der.p;
    struct crypto_certificate made = {0};
    if (der.n == 0 || der.n > INT32_MAX)
        return CONCLAVE_ECREDENTIAL;
    X509 *cert = d2i_X509(NULL, &p, (long)der.n);
    EVP_PKEY *key = cert == NULL ? NULL : X509_get0_pubkey(cert);
    bool ok = key != NULL && p == der.p + der.n &&
              (ossl_sig_is_ec(o->suite) ? ec_key(o, key, &made) : ed_key(o, key, &made)) &&
              unix_time(X509_get0_notBefore(cert), &made.not_before) &&
              unix_time(X509_get0_notAfter(cert), &made.not_after);
    X509_free(cert);
    if (!ok)
        return ossl_error(CONCLAVE_ECREDENTIAL);
    *out = made;
    return 0;
}
