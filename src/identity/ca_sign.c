/* The common frame of every certificate that the provider's CA signs. */
#include "identity/ca.h"

#include "identity/der_write.h"
#include "wire/oid.h"
#include "identity/sign.h"

#define SERIAL 16

struct extension_mark ca_extension_begin(struct buf *b, uint8_t id, bool critical)
{
    const uint8_t oid[] = {0x55, 0x1d, id};
    struct extension_mark mark = {.outer = der_begin(b, DER_SEQUENCE)};
    der_put(b, DER_OID, bytes_of(oid, sizeof oid));
    if (critical)
        der_put_true(b);
    mark.value = der_begin(b, DER_OCTET_STRING);
    return mark;
}

void ca_extension_end(struct buf *b, struct extension_mark mark)
{
    der_end(b, mark.value);
    der_end(b, mark.outer);
}

int ca_key_id(struct bytes public_key, uint8_t out[static SPKI_DIGEST])
{
    return spki_digest(public_key, out);
}

/* RFC 5280 4.1.2.2: positive; the first byte's top bits are fixed so that it has one length and
 * 126 random bits. */
static int put_serial(struct crypto *c, struct buf *b)
{
    uint8_t serial[SERIAL];
    int rv = crypto_random(c, serial, sizeof serial);
    if (rv != 0)
        return rv;
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
    der_put_positive(b, bytes_of(serial, sizeof serial));
    return 0;
}

static int put_tbs(struct crypto *c, struct bytes signer_key, const struct tbs *tbs, struct buf *b)
{
    size_t mark = der_begin(b, DER_SEQUENCE), inner = der_begin(b, DER_CONTEXT_IN(0));
    der_put_small(b, 2); /* v3 */
    der_end(b, inner);
    int rv = put_serial(c, b);
    if (rv == 0)
        rv = sign_put_algorithm(b, signer_key);
    if (rv != 0)
        return rv;
    buf_put(b, tbs->issuer);
    inner = der_begin(b, DER_SEQUENCE);
    der_put_time(b, tbs->not_before);
    der_put_time(b, tbs->not_after);
    der_end(b, inner);
    buf_put(b, tbs->subject);
    buf_put(b, tbs->spki);
    inner = der_begin(b, DER_CONTEXT_IN(3));
    der_put(b, DER_SEQUENCE, tbs->extensions);
    der_end(b, inner);
    der_end(b, mark);
    return buf_check(b);
}

int ca_sign(struct crypto *c, struct crypto_signer *signer, const struct tbs *tbs, struct buf *out)
{
    struct buf b = {0};
    int rv = put_tbs(c, crypto_signer_public(signer), tbs, &b);
    if (rv == 0)
        rv = sign_put(out, buf_view(&b), signer);
    buf_free(&b);
    return rv;
}
