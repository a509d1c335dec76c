#include "mls/credential.h"

#include "base/limits.h"
#include "wire/writer.h"

bool mls_certificate_next(struct bytes *rest, struct bytes *out_der)
{
    struct reader r = reader_of(*rest);
    if (rest->n == 0)
        return false;
    struct bytes der = read_vec(&r);
    if (!reader_ok(&r))
        return false;
    *out_der = der;
    *rest = bytes_of(r.p, reader_left(&r));
    return true;
}

int mls_certificates_encode(const struct bytes *der, size_t n, struct buf *out)
{
    struct buf b = {0};
    if (n == 0 || n > LIMIT_MLS_CHAIN)
        return CONCLAVE_EINVAL;
    for (size_t i = 0; i < n; i++)
        write_vec(&b, der[i]);
    int rv = buf_check(&b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    return rv;
}

static bool chain_ok(struct bytes certificates)
{
    struct bytes der;
    size_t n = 0;
    while (certificates.n != 0 && mls_certificate_next(&certificates, &der)) {
        if (der.n == 0 || ++n > LIMIT_MLS_CHAIN)
            return false;
    }
    return n != 0 && certificates.n == 0;
}

struct mls_credential mls_credential_read(struct reader *r, int *error)
{
    struct mls_credential c = {.type = read_u16(r)};
    bool ok = true;
    if (c.type == MLS_BASIC) {
        c.identity = read_vec(r);
    } else if (c.type == MLS_X509) {
        c.certificates = read_vec(r);
        ok = chain_ok(c.certificates);
    } else {
        ok = false;
    }
    if (!ok && reader_ok(r)) {
        if (*error == 0)
            *error = CONCLAVE_ECREDENTIAL;
        reader_fail(r);
    }
    return c;
}

void mls_credential_write(struct buf *b, const struct mls_credential *c)
{
    write_u16(b, c->type);
    write_vec(b, c->type == MLS_X509 ? c->certificates : c->identity);
}

bool mls_credential_equal(const struct mls_credential *a, const struct mls_credential *b)
{
    return a->type == b->type && bytes_equal(a->identity, b->identity) &&
           bytes_equal(a->certificates, b->certificates);
}

/* RFC 9420 5.3-1: the end-entity certificate holds the leaf's signature key. */
static int validate_x509(struct crypto *c, const struct mls_identity_check *check, bool expired_ok)
{
    struct crypto_certificate cert;
    struct bytes rest = check->credential.certificates, der;
    if (!mls_certificate_next(&rest, &der))
        return CONCLAVE_ECREDENTIAL;
    int rv = crypto_certificate(c, der, &cert);
    if (rv != 0)
        return rv;
    if (!bytes_equal(bytes_of(cert.public_key, cert.public_key_n), check->signature_key))
        return CONCLAVE_ECREDENTIAL;
    if (!expired_ok && (check->now < cert.not_before || check->now > cert.not_after))
        return CONCLAVE_ELIFETIME;
    return 0;
}

/* RFC 9420 5.3.1-1, 7.3-1 */
int mls_credential_validate(struct crypto *c, const struct mls_callbacks *callbacks,
                            const struct mls_identity_check *check, bool expired_ok)
{
    struct mls_identity_check asked = *check;
    if (check->credential.type == MLS_X509) {
        int rv = validate_x509(c, check, expired_ok);
        if (rv != 0)
            return rv;
        asked.dates_checked = !expired_ok;
    }
    return callbacks->check_identity(callbacks->ctx, &asked) == 0 ? 0 : CONCLAVE_ECREDENTIAL;
}

int mls_identity_accept_any(void *ctx, const struct mls_identity_check *check)
{
    (void)ctx;
    (void)check;
    return 0;
}
