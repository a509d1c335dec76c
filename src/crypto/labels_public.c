/* Sections 5.1.2 and 5.2 of RFC 9420: what a party without secrets can do. */
#include <string.h>

#include "crypto/labels.h"
#include "wire/writer.h"

#define PREFIX "MLS 1.0 "
#define LABEL_MAX 256 /* with the prefix; ours are short, those of test vectors may be random */

/* label<V> and the length of content<V>; the content itself follows as the caller's parts. */
struct labelled {
    uint8_t head[LABEL_MAX + 8];
    struct bytes parts[LABEL_PARTS_MAX + 1];
    size_t n;
};

static int labelled_init(struct labelled *l, const char *prefix, const char *label,
                         const struct bytes *parts, size_t n)
{
    size_t n_prefix = strlen(prefix), n_label = strlen(label), total = 0;
    if (n > LABEL_PARTS_MAX)
        return CONCLAVE_EINTERNAL;
    if (n_prefix + n_label >= LABEL_MAX)
        return CONCLAVE_EINVAL;
    for (size_t i = 0; i < n; i++)
        total += parts[i].n;
    if (total > WIRE_VARINT_MAX)
        return CONCLAVE_ELIMIT;
    size_t k = varint_encode((uint32_t)(n_prefix + n_label), l->head);
    memcpy(l->head + k, prefix, n_prefix);
    memcpy(l->head + k + n_prefix, label, n_label);
    k += n_prefix + n_label;
    k += varint_encode((uint32_t)total, l->head + k);
    l->parts[0] = bytes_of(l->head, k);
    for (size_t i = 0; i < n; i++)
        l->parts[i + 1] = parts[i];
    l->n = n + 1;
    return 0;
}

int sign_with_label(struct crypto_signer *s, const char *label, const struct bytes *parts, size_t n,
                    struct buf *out)
{
    struct labelled l;
    uint8_t sig[CRYPTO_SIGNATURE_MAX];
    size_t sig_n = 0;
    int rv = labelled_init(&l, PREFIX, label, parts, n);
    if (rv == 0)
        rv = crypto_sign(s, l.parts, l.n, sig, &sig_n);
    if (rv != 0)
        return rv;
    buf_put(out, bytes_of(sig, sig_n));
    return buf_check(out);
}

int verify_with_label(struct crypto *c, struct bytes pub, const char *label,
                      const struct bytes *parts, size_t n, struct bytes sig)
{
    struct labelled l;
    int rv = labelled_init(&l, PREFIX, label, parts, n);
    return rv != 0 ? rv : crypto_verify(c, pub, l.parts, l.n, sig);
}

int ref_hash(struct crypto *c, const char *label, const struct bytes *parts, size_t n, uint8_t *out)
{
    struct labelled l;
    int rv = labelled_init(&l, "", label, parts, n);
    return rv != 0 ? rv : crypto_hash(c, l.parts, l.n, out);
}
