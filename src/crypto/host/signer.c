#include "crypto/host/signer.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/host/ecdsa.h"
#include "crypto/host/result.h"
#include "crypto/suite.h"

struct key {
    const struct crypto_suite *suite;
    uint32_t number;
};

static int sign(void *p, const struct bytes *parts, size_t n, uint8_t *out, size_t *out_n)
{
    const struct key *k = p;
    uint8_t raw[2 * ECDSA_SIZE_MAX];
    int rv = host_error(host_sign(k->number, parts, n, raw), CONCLAVE_ECRYPTO);
    if (rv != 0)
        return rv;
    if (k->suite->sig == SIG_ED25519) {
        memcpy(out, raw, 64);
        *out_n = 64;
    } else {
        *out_n = host_ecdsa_write(raw, k->suite->sig_nsk, out);
    }
    return 0;
}

static int export_private(void *p, struct buf *out)
{
    (void)p;
    (void)out;
    return CONCLAVE_EUNSUPPORTED;
}

static const struct crypto_signer_ops signer_ops = {sign, export_private, free};

int host_signer_new(uint16_t suite, struct bytes public_key, uint32_t number,
                    struct crypto_signer **out)
{
    const struct crypto_suite *found = crypto_suite_find(suite);
    if (found == NULL)
        return CONCLAVE_ESUITE;
    if (public_key.n != found->sig_npk)
        return CONCLAVE_EKEY;
    struct crypto_signer *s = calloc(1, sizeof *s);
    struct key *k = calloc(1, sizeof *k);
    if (s == NULL || k == NULL) {
        free(s);
        free(k);
        return CONCLAVE_ENOMEM;
    }
    *k = (struct key){found, number};
    s->ops = &signer_ops;
    s->key = k;
    memcpy(s->public_key, public_key.p, public_key.n);
    s->public_key_n = public_key.n;
    *out = s;
    return 0;
}

/* The host makes its keys itself. */
static int make(void *state, struct bytes priv, struct crypto_signer **out)
{
    (void)state;
    (void)priv;
    (void)out;
    return CONCLAVE_EUNSUPPORTED;
}

const struct crypto_signer_source crypto_host_signers = {.make = make};
