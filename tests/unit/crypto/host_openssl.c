/* A host for the host provider: OpenSSL's provider behind the imports of WebAssembly. */
#include "host_openssl.h"

#include <string.h>

#include "crypto/aead.h"
#include "crypto/host/ecdsa.h"
#include "crypto/host/import.h"
#include "crypto/host/spki.h"

struct crypto_signer *host_test_key;

/* A suite that has the algorithm. */
static const uint16_t by_hash[] = {[HASH_SHA256] = 2, [HASH_SHA384] = 7, [HASH_SHA512] = 5};
static const uint16_t by_curve[] = {
    [CURVE_P256] = 2, [CURVE_P384] = 7, [CURVE_P521] = 5, [CURVE_X25519] = 1};
static const uint16_t by_sig[] = {
    [SIG_P256] = 2, [SIG_P384] = 7, [SIG_P521] = 5, [SIG_ED25519] = 1};

static void *open_suite(uint16_t id)
{
    void *state = NULL;
    return crypto_openssl.open(crypto_suite_find(id), &state) == 0 ? state : NULL;
}

/* Of a primitive, and with it its state. */
static int close_suite(void *state, int rv)
{
    crypto_openssl.close(state);
    if (rv == 0)
        return HOST_DONE;
    if (conclave_error_class(rv) != CONCLAVE_CLASS_PEER)
        return HOST_FAILED;
    return rv == CONCLAVE_EKEY ? HOST_NO_KEY : HOST_NO;
}

static int no_of(int result)
{
    return result == HOST_NO_KEY ? HOST_NO : result;
}

int host_random(uint8_t *out, size_t n)
{
    return aead_provider_openssl.random(out, n) == 0 ? HOST_DONE : HOST_FAILED;
}

int host_hash(int hash, const struct bytes *parts, size_t n, uint8_t *out)
{
    void *s = open_suite(by_hash[hash]);
    return close_suite(s, crypto_openssl.hash(s, parts, n, out));
}

int host_hmac(int hash, const struct bytes *key, const struct bytes *parts, size_t n, uint8_t *out)
{
    void *s = open_suite(by_hash[hash]);
    return close_suite(s, crypto_openssl.secret->hmac(s, *key, parts, n, out));
}

int host_gcm_seal(const struct bytes in[static 4], uint8_t *out)
{
    void *s = open_suite(in[0].n == 16 ? 2 : 5);
    return close_suite(s, crypto_openssl.secret->aead_seal(s, in[0], in[1].p, in[2], in[3], out));
}

int host_gcm_open(const struct bytes in[static 4], uint8_t *out)
{
    void *s = open_suite(in[0].n == 16 ? 2 : 5);
    return close_suite(s, crypto_openssl.secret->aead_open(s, in[0], in[1].p, in[2], in[3], out));
}

int host_dh_public(int curve, const struct bytes *priv, uint8_t *out)
{
    void *s = open_suite(by_curve[curve]);
    return no_of(close_suite(s, crypto_openssl.secret->dh_public(s, *priv, out)));
}

int host_dh(int curve, const struct bytes in[static 2], uint8_t *out)
{
    void *s = open_suite(by_curve[curve]);
    return no_of(close_suite(s, crypto_openssl.secret->dh(s, in[0], in[1], out)));
}

int host_dh_check(int curve, const struct bytes *pub)
{
    void *s = open_suite(by_curve[curve]);
    return no_of(close_suite(s, crypto_openssl.check_public(s, *pub)));
}

int host_verify(int sig, const struct bytes in[static 2], const struct bytes *parts, size_t n)
{
    uint8_t der[CRYPTO_SIGNATURE_MAX];
    struct bytes signature = in[1];
    void *s = open_suite(by_sig[sig]);
    if (sig != SIG_ED25519)
        signature = bytes_of(der, host_ecdsa_write(in[1].p, in[1].n / 2, der));
    return close_suite(s, crypto_openssl.verify(s, in[0], parts, n, signature));
}

int host_spki_verify(int algorithm, int curve, const struct bytes in[static 3])
{
    uint8_t der[CRYPTO_SIGNATURE_MAX];
    struct bytes signature = in[2];
    size_t size = host_spki_size((enum crypto_curve_id)curve);
    if (algorithm >= SPKI_ECDSA_SHA256 && algorithm <= SPKI_ECDSA_SHA512)
        signature = bytes_of(der, host_ecdsa_write(in[2].p, size, der));
    int rv = spki_verify((enum spki_algorithm)algorithm, in[0], in[1], signature);
    return rv == 0 ? HOST_DONE : rv == CONCLAVE_EKEY ? HOST_NOT_HERE : HOST_NO;
}

int host_sign(uint32_t key, const struct bytes *parts, size_t n, uint8_t *out)
{
    uint8_t der[CRYPTO_SIGNATURE_MAX];
    size_t made = 0, size = crypto_signer_public(host_test_key).n / 2;
    if (key != HOST_TEST_NUMBER || crypto_sign(host_test_key, parts, n, der, &made) != 0)
        return HOST_FAILED;
    if (made == 64 && size == 16) { /* Ed25519 */
        memcpy(out, der, made);
        return HOST_DONE;
    }
    return host_ecdsa_read(bytes_of(der, made), size, out) == 0 ? HOST_DONE : HOST_FAILED;
}
