/* The suites, with the primitives of the host. Suites with ChaCha20 or Curve448, which WebCrypto
 * has not, are not offered: crypto_new() says ECRYPTO. */
#include <stdlib.h>
#include <string.h>

#include "crypto/host/ecdsa.h"
#include "crypto/host/result.h"
#include "crypto/suite.h"

struct host {
    const struct crypto_suite *suite;
};

static int host_open(const struct crypto_suite *suite, void **out)
{
    if (suite->aead == AEAD_CHACHA20POLY1305 || suite->curve == CURVE_X448)
        return CONCLAVE_ECRYPTO;
    struct host *h = calloc(1, sizeof *h);
    if (h == NULL)
        return CONCLAVE_ENOMEM;
    h->suite = suite;
    *out = h;
    return 0;
}

static const struct crypto_suite *suite_of(const void *state)
{
    const struct host *h = state;
    return h->suite;
}

static int draw(void *state, uint8_t *out, size_t n)
{
    (void)state;
    return host_random(out, n) == HOST_DONE ? 0 : CONCLAVE_ERANDOM;
}

static int hash(void *state, const struct bytes *parts, size_t n, uint8_t *out)
{
    return host_error(host_hash((int)suite_of(state)->hash, parts, n, out), CONCLAVE_ECRYPTO);
}

static int verify(void *state, struct bytes pub, const struct bytes *parts, size_t n,
                  struct bytes sig)
{
    const struct crypto_suite *s = suite_of(state);
    uint8_t raw[2 * ECDSA_SIZE_MAX];
    struct bytes in[2] = {pub, sig};
    if (s->sig != SIG_ED25519) {
        if (pub.p[0] != 0x04) /* RFC 9420 5.1.1: UncompressedPointRepresentation only */
            return CONCLAVE_EKEY;
        int rv = host_ecdsa_read(sig, s->sig_nsk, raw);
        if (rv != 0)
            return rv;
        in[1] = bytes_of(raw, (size_t)2 * s->sig_nsk);
    } else if (sig.n != 64) { /* RFC 8032 5.1.6 */
        return CONCLAVE_ESIGNATURE;
    }
    int result = host_verify((int)s->sig, in, parts, n);
    return result == HOST_NO_KEY ? CONCLAVE_EKEY : host_error(result, CONCLAVE_ESIGNATURE);
}

static int check_public(void *state, struct bytes pub)
{
    return host_error(host_dh_check((int)suite_of(state)->curve, &pub), CONCLAVE_EKEY);
}

static int hmac(void *state, struct bytes key, const struct bytes *parts, size_t n, uint8_t *out)
{
    return host_error(host_hmac((int)suite_of(state)->hash, &key, parts, n, out), CONCLAVE_ECRYPTO);
}

static int seal(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                struct bytes plain, uint8_t *out)
{
    const struct bytes in[4] = {key, bytes_of(nonce, CRYPTO_NONCE), aad, plain};
    if (key.n != suite_of(state)->nk)
        return CONCLAVE_EINTERNAL;
    return host_error(host_gcm_seal(in, out), CONCLAVE_ECRYPTO);
}

static int unseal(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                  struct bytes cipher, uint8_t *out)
{
    const struct bytes in[4] = {key, bytes_of(nonce, CRYPTO_NONCE), aad, cipher};
    if (key.n != suite_of(state)->nk)
        return CONCLAVE_EINTERNAL;
    int rv = host_error(host_gcm_open(in, out), CONCLAVE_EDECRYPT);
    if (rv == CONCLAVE_EDECRYPT)
        memset(out, 0, cipher.n - CRYPTO_TAG);
    return rv;
}

static int dh_public(void *state, struct bytes priv, uint8_t *out)
{
    const struct crypto_suite *s = suite_of(state);
    if (priv.n != s->nsk)
        return CONCLAVE_EKEY;
    return host_error(host_dh_public((int)s->curve, &priv, out), CONCLAVE_EKEY);
}

static int dh(void *state, struct bytes priv, struct bytes pub, uint8_t *out)
{
    const struct crypto_suite *s = suite_of(state);
    const struct bytes in[2] = {priv, pub};
    if (priv.n != s->nsk || pub.n != s->npk)
        return CONCLAVE_EKEY;
    return host_error(host_dh((int)s->curve, in, out), CONCLAVE_EKEY);
}

static const struct crypto_secret_ops secret_ops = {
    .hmac = hmac,
    .aead_seal = seal,
    .aead_open = unseal,
    .dh_public = dh_public,
    .dh = dh,
};

const struct crypto_ops crypto_host_public = {
    .name = "host-public",
    .open = host_open,
    .close = free,
    .random = draw,
    .hash = hash,
    .verify = verify,
    .check_public = check_public,
    .secret = NULL,
};

const struct crypto_ops crypto_host = {
    .name = "host",
    .open = host_open,
    .close = free,
    .random = draw,
    .hash = hash,
    .verify = verify,
    .check_public = check_public,
    .secret = &secret_ops,
};
