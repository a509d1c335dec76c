#include "mls/psk.h"

#include "crypto/labels.h"

/* RFC 9420 8.4: psk_input = ExpandWithLabel(Extract(0, psk), "derived psk", PSKLabel, Nh) */
static int psk_input(struct crypto *c, const struct mls_psk *psk, uint16_t index, uint16_t count,
                     struct secret *out)
{
    struct secret zero, extracted = {0};
    struct buf label = {0};
    uint8_t tail[4] = {(uint8_t)(index >> 8), (uint8_t)index, (uint8_t)(count >> 8),
                       (uint8_t)count};
    secret_zero(&zero, c->suite->nh);
    buf_put(&label, psk->id);
    buf_put(&label, bytes_of(tail, 4));
    int rv = buf_check(&label);
    if (rv == 0)
        rv = crypto_extract(c, secret_view(&zero), &psk->value, 1, &extracted);
    out->n = c->suite->nh;
    if (rv == 0)
        rv = expand_with_label(c, &extracted, "derived psk", buf_view(&label), out->n, out->p);
    secret_wipe(&extracted);
    buf_free(&label);
    return rv;
}

int mls_psk_secret(struct crypto *c, const struct mls_psk *psks, size_t n, struct secret *out)
{
    struct secret input = {0}, chained;
    int rv = n > UINT16_MAX ? CONCLAVE_ELIMIT : 0;
    secret_zero(&chained, c->suite->nh); /* RFC 9420 8.4-5 */
    for (size_t i = 0; rv == 0 && i < n; i++) {
        rv = psk_input(c, &psks[i], (uint16_t)i, (uint16_t)n, &input); /* RFC 9420 8.4-3 */
        struct bytes previous = secret_view(&chained);
        if (rv == 0)
            rv = crypto_extract(c, secret_view(&input), &previous, 1, &chained);
    }
    if (rv == 0)
        *out = chained;
    secret_wipe(&input);
    secret_wipe(&chained);
    return rv;
}
