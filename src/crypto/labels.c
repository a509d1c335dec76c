/* Sections 5.1.3, 8 and 9.1 of RFC 9420: what needs a secret. */
#include "crypto/labels.h"

#include <string.h>

#include "wire/writer.h"

#define PREFIX "MLS 1.0 "
#define LABEL_MAX 256 /* with the prefix; an exporter's label is the application's */

/* label<V> with the prefix; returns its length. */
static size_t put_label(uint8_t *out, const char *label)
{
    size_t n_prefix = strlen(PREFIX), n = strlen(label);
    size_t k = varint_encode((uint32_t)(n_prefix + n), out);
    memcpy(out + k, PREFIX, n_prefix);
    memcpy(out + k + n_prefix, label, n);
    return k + n_prefix + n;
}

/* RFC 9420 8: KDFLabel = uint16 length, label<V>, context<V> */
int expand_with_label(struct crypto *c, const struct secret *secret, const char *label,
                      struct bytes context, size_t n, uint8_t *out)
{
    uint8_t head[2 + 4 + LABEL_MAX + 4];
    if (strlen(label) + strlen(PREFIX) >= LABEL_MAX || n > UINT16_MAX ||
        context.n > WIRE_VARINT_MAX)
        return CONCLAVE_EINVAL;
    head[0] = (uint8_t)(n >> 8);
    head[1] = (uint8_t)n;
    size_t k = 2 + put_label(head + 2, label);
    k += varint_encode((uint32_t)context.n, head + k);
    struct bytes info[2] = {bytes_of(head, k), context};
    return crypto_expand(c, secret, info, 2, n, out);
}

int derive_secret(struct crypto *c, const struct secret *secret, const char *label,
                  struct secret *out)
{
    struct secret made = {.n = c->suite->nh};
    int rv = expand_with_label(c, secret, label, bytes_of(NULL, 0), made.n, made.p);
    if (rv == 0)
        *out = made;
    secret_wipe(&made);
    return rv;
}

int derive_tree_secret(struct crypto *c, const struct secret *secret, const char *label,
                       uint32_t generation, size_t n, struct secret *out)
{
    uint8_t g[4] = {(uint8_t)(generation >> 24), (uint8_t)(generation >> 16),
                    (uint8_t)(generation >> 8), (uint8_t)generation};
    if (n > SECRET_MAX)
        return CONCLAVE_EINTERNAL;
    struct secret made = {.n = (uint8_t)n};
    int rv = expand_with_label(c, secret, label, bytes_of(g, sizeof g), n, made.p);
    if (rv == 0)
        *out = made;
    secret_wipe(&made);
    return rv;
}

/* RFC 9420 5.1.3: EncryptContext = label<V>, context<V>, the info of HPKE */
int encrypt_info(struct crypto *c, const char *label, struct bytes context, struct hpke_info *out)
{
    uint8_t head[4 + LABEL_MAX + 4];
    if (strlen(label) + strlen(PREFIX) >= LABEL_MAX || context.n > WIRE_VARINT_MAX)
        return CONCLAVE_EINTERNAL;
    size_t k = put_label(head, label);
    k += varint_encode((uint32_t)context.n, head + k);
    struct bytes info[2] = {bytes_of(head, k), context};
    return hpke_info_init(c, info, 2, out);
}
