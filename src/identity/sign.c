#include "identity/sign.h"

#include "crypto/suite.h"
#include "identity/der_write.h"
#include "wire/oid.h"

struct key_form {
    size_t size; /* of the public key: each suite has its own */
    struct bytes key, curve, algorithm;
};

#define OID(oid)                                \
    {                                           \
        (const uint8_t *)(oid), sizeof(oid) - 1 \
    }

/* RFC 5480 2.1.1, RFC 8410 3; the hash is that of the suite with this key, as RFC 5758 3.2 */
static const struct key_form forms[] = {
    {65, OID(OID_EC), OID(OID_P256), OID(OID_ECDSA_SHA256)},
    {97, OID(OID_EC), OID(OID_P384), OID(OID_ECDSA_SHA384)},
    {133, OID(OID_EC), OID(OID_P521), OID(OID_ECDSA_SHA512)},
    {32, OID(OID_ED25519), {NULL, 0}, OID(OID_ED25519)},
    {57, OID(OID_ED448), {NULL, 0}, OID(OID_ED448)},
};

static const struct key_form *form_of(struct bytes public_key)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (forms[i].size == public_key.n)
            return &forms[i];
    return NULL;
}

int sign_put_key(struct buf *b, struct bytes public_key)
{
    const struct key_form *f = form_of(public_key);
    if (f == NULL)
        return CONCLAVE_EKEY;
    size_t key = der_begin(b, DER_SEQUENCE), algorithm = der_begin(b, DER_SEQUENCE);
    der_put(b, DER_OID, f->key);
    if (f->curve.n != 0)
        der_put(b, DER_OID, f->curve);
    der_end(b, algorithm);
    der_put_bits(b, public_key);
    der_end(b, key);
    return buf_check(b);
}

int sign_put_algorithm(struct buf *b, struct bytes public_key)
{
    const struct key_form *f = form_of(public_key);
    if (f == NULL)
        return CONCLAVE_EKEY;
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put(b, DER_OID, f->algorithm);
    der_end(b, mark);
    return buf_check(b);
}

int sign_put(struct buf *b, struct bytes content, struct crypto_signer *signer)
{
    uint8_t signature[CRYPTO_SIGNATURE_MAX];
    size_t n = 0;
    int rv = crypto_sign(signer, &content, 1, signature, &n);
    if (rv != 0)
        return rv;
    size_t mark = der_begin(b, DER_SEQUENCE);
    buf_put(b, content);
    rv = sign_put_algorithm(b, crypto_signer_public(signer));
    if (rv != 0)
        return rv;
    der_put_bits(b, bytes_of(signature, n));
    der_end(b, mark);
    return buf_check(b);
}
