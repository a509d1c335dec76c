#include "identity/csr.h"

#include <conclave/identity.h>

#include "identity/limits.h"

/* RFC 2986 4.1, 4.2 */
int csr_read(struct bytes der, struct public_key *out)
{
    struct public_key key;
    if (der.n > LIMIT_IDENTITY_CERTIFICATE)
        return CONCLAVE_ELIMIT;
    struct reader r = reader_of(der), in = der_enter(&r, DER_SEQUENCE);
    const uint8_t *mark = in.p;
    struct reader info = der_enter(&in, DER_SEQUENCE);
    if (der_small(&info) != 0) /* v1 */
        reader_fail(&info);
    (void)rdn_sequence_read(&info);
    key = public_key_read(&info);
    (void)der_content(&info, DER_CONTEXT_IN(0));
    der_leave(&in, &info);
    struct bytes signed_part = reader_ok(&in) ? read_since(&in, mark) : bytes_of(NULL, 0);
    enum spki_algorithm algorithm = algorithm_read(&in);
    struct bytes signature = der_bit_bytes(&in);
    der_leave(&r, &in);
    int rv = reader_end(&r);
    if (rv != 0)
        return rv;
    if (key.value.n == 0)
        return CONCLAVE_EKEY;
    rv = spki_verify(algorithm, key.spki, signed_part, signature);
    if (rv == 0)
        *out = key;
    return rv;
}
