/* What a client asks with. Apart from csr.c: who asks does not judge, and the reverse. */
#include <conclave/identity.h>

#include "identity/der_write.h"
#include "identity/sign.h"

/* RFC 2986 4.1: version, subject (empty), key, attributes (none) */
static int put_info(struct buf *b, struct bytes public_key)
{
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put_small(b, 0);
    der_put(b, DER_SEQUENCE, bytes_of(NULL, 0));
    int rv = sign_put_key(b, public_key);
    if (rv != 0)
        return rv;
    der_put(b, DER_CONTEXT_IN(0), bytes_of(NULL, 0));
    der_end(b, mark);
    return buf_check(b);
}

int identity_csr_make(struct crypto_signer *signer, struct buf *out)
{
    struct buf info = {0}, csr = {0};
    int rv = put_info(&info, crypto_signer_public(signer));
    if (rv == 0)
        rv = sign_put(&csr, buf_view(&info), signer);
    if (rv == 0)
        rv = buf_reserve(out, csr.n);
    if (rv == 0)
        buf_put(out, buf_view(&csr));
    buf_free(&info);
    buf_free(&csr);
    return rv;
}
