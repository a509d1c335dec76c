#include <stdlib.h>
#include <string.h>

#include "crypto/suite.h"

struct external {
    int (*sign)(void *ctx, struct bytes message, uint8_t *out, size_t *out_n);
    void *ctx;
};

static int external_sign(void *key, const struct bytes *parts, size_t n, uint8_t *out,
                         size_t *out_n)
{
    struct external *e = key;
    struct buf message = {0};
    for (size_t i = 0; i < n; i++)
        buf_put(&message, parts[i]);
    int rv = buf_check(&message);
    if (rv == 0)
        rv = e->sign(e->ctx, buf_view(&message), out, out_n);
    if (rv == 0 && *out_n > CRYPTO_SIGNATURE_MAX)
        rv = CONCLAVE_ECRYPTO;
    buf_free(&message);
    return rv;
}

static int external_private(void *key, struct buf *out)
{
    (void)key;
    (void)out;
    return CONCLAVE_EUNSUPPORTED;
}

static const struct crypto_signer_ops external_ops = {
    .sign = external_sign,
    .export_private = external_private,
    .free = free,
};

int crypto_signer_external(struct bytes public_key,
                           int (*sign)(void *ctx, struct bytes message, uint8_t *out,
                                       size_t *out_n),
                           void *ctx, struct crypto_signer **out)
{
    if (public_key.n == 0 || public_key.n > CRYPTO_PUBLIC_KEY_MAX || sign == NULL)
        return CONCLAVE_EINVAL;
    struct crypto_signer *s = calloc(1, sizeof *s);
    struct external *e = malloc(sizeof *e);
    if (s == NULL || e == NULL) {
        free(s);
        free(e);
        return CONCLAVE_ENOMEM;
    }
    *e = (struct external){sign, ctx};
    s->ops = &external_ops;
    s->key = e;
    memcpy(s->public_key, public_key.p, public_key.n);
    s->public_key_n = public_key.n;
    *out = s;
    return 0;
}

int crypto_signer_generate(struct crypto *c, struct crypto_signer **out)
{
    return c->signers->make(c->state, bytes_of(NULL, 0), out);
}

int crypto_signer_from_private(struct crypto *c, struct bytes private_key,
                               struct crypto_signer **out)
{
    if (private_key.n != c->suite->sig_nsk)
        return CONCLAVE_EKEY;
    return c->signers->make(c->state, private_key, out);
}

struct bytes crypto_signer_public(const struct crypto_signer *s)
{
    return bytes_of(s->public_key, s->public_key_n);
}

int crypto_signer_private(const struct crypto_signer *s, struct buf *out)
{
    return s->ops->export_private(s->key, out);
}

int crypto_sign(struct crypto_signer *s, const struct bytes *parts, size_t n,
                uint8_t out[static CRYPTO_SIGNATURE_MAX], size_t *out_n)
{
    return s->ops->sign(s->key, parts, n, out, out_n);
}

void crypto_signer_free(struct crypto_signer *s)
{
    if (s == NULL)
        return;
    s->ops->free(s->key);
    free(s);
}
