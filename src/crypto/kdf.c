#include "crypto/hpke.h"
#include "crypto/provider.h"
#include "crypto/suite.h"

int crypto_new(uint16_t suite, struct crypto **out)
{
    return crypto_new_with(suite, &PROVIDER, hpke_ready, out);
}

int crypto_hmac(struct crypto *c, struct bytes key, const struct bytes *parts, size_t n,
                uint8_t *out)
{
    if (c->ops->secret == NULL)
        return CONCLAVE_EUNSUPPORTED;
    return c->ops->secret->hmac(c->state, key, parts, n, out);
}

int crypto_aead_seal(struct crypto *c, const struct secret *key, const uint8_t *nonce,
                     struct bytes aad, struct bytes plain, struct buf *out)
{
    if (c->ops->secret == NULL)
        return CONCLAVE_EUNSUPPORTED;
    if (plain.n > (size_t)0x7fffffff - CRYPTO_TAG) /* RFC 9420 6.3.1-7: far below */
        return CONCLAVE_ELIMIT;
    int rv = buf_reserve(out, plain.n + CRYPTO_TAG);
    if (rv != 0)
        return rv;
    rv = c->ops->secret->aead_seal(c->state, secret_view(key), nonce, aad, plain, out->p + out->n);
    if (rv == 0)
        out->n += plain.n + CRYPTO_TAG;
    return rv;
}

int crypto_aead_open(struct crypto *c, const struct secret *key, const uint8_t *nonce,
                     struct bytes aad, struct bytes cipher, struct buf *out)
{
    if (c->ops->secret == NULL)
        return CONCLAVE_EUNSUPPORTED;
    if (cipher.n < CRYPTO_TAG) /* a short tag is no tag */
        return CONCLAVE_EDECRYPT;
    if (cipher.n > 0x7fffffff)
        return CONCLAVE_ELIMIT;
    int rv = buf_reserve(out, cipher.n);
    if (rv != 0)
        return rv;
    rv = c->ops->secret->aead_open(c->state, secret_view(key), nonce, aad, cipher, out->p + out->n);
    if (rv == 0)
        out->n += cipher.n - CRYPTO_TAG;
    return rv;
}

/* RFC 5869 2.2; an empty salt is a string of zeros, which HMAC pads to the same key. */
int crypto_extract(struct crypto *c, struct bytes salt, const struct bytes *ikm, size_t n,
                   struct secret *out)
{
    struct secret prk = {.n = c->suite->nh};
    int rv = crypto_hmac(c, salt, ikm, n, prk.p);
    if (rv == 0)
        *out = prk;
    secret_wipe(&prk);
    return rv;
}

#define EXPAND_PARTS_MAX 8

/* RFC 5869 2.3 */
int crypto_expand(struct crypto *c, const struct secret *prk, const struct bytes *info,
                  size_t n_info, size_t n, uint8_t *out)
{
    uint8_t block[CRYPTO_HASH_MAX];
    struct bytes parts[EXPAND_PARTS_MAX + 2];
    size_t nh = c->suite->nh, done = 0;
    int rv = n_info > EXPAND_PARTS_MAX || n > 255 * nh ? CONCLAVE_EINTERNAL : 0;
    for (uint8_t counter = 1; rv == 0 && done < n; counter++) {
        size_t k = 0;
        if (counter > 1)
            parts[k++] = bytes_of(block, nh);
        for (size_t i = 0; i < n_info; i++)
            parts[k++] = info[i];
        parts[k++] = bytes_of(&counter, 1);
        rv = crypto_hmac(c, secret_view(prk), parts, k, block);
        if (rv != 0)
            break;
        size_t take = n - done < nh ? n - done : nh;
        memcpy(out + done, block, take);
        done += take;
    }
    wipe(block, sizeof block);
    if (rv != 0)
        wipe(out, n);
    return rv;
}
