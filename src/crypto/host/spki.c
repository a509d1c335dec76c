#include "crypto/host/spki.h"

#include "crypto/host/ecdsa.h"
#include "crypto/host/result.h"
#include "wire/der.h"
#include "wire/oid.h"

int host_spki_curve(struct bytes spki, enum crypto_curve_id *out)
{
    struct reader r = reader_of(spki);
    struct reader info = der_enter(&r, DER_SEQUENCE);
    struct reader algorithm = der_enter(&info, DER_SEQUENCE);
    struct bytes type = der_content(&algorithm, DER_OID);
    struct bytes curve = der_content(&algorithm, DER_OID);
    if (reader_end(&algorithm) != 0 || !bytes_equal(type, OID_BYTES(OID_EC)))
        return CONCLAVE_EKEY;
    if (bytes_equal(curve, OID_BYTES(OID_P256)))
        *out = CURVE_P256;
    else if (bytes_equal(curve, OID_BYTES(OID_P384)))
        *out = CURVE_P384;
    else if (bytes_equal(curve, OID_BYTES(OID_P521)))
        *out = CURVE_P521;
    else
        return CONCLAVE_EKEY;
    return 0;
}

size_t host_spki_size(enum crypto_curve_id curve)
{
    switch (curve) {
    case CURVE_P256:
        return 32;
    case CURVE_P384:
        return 48;
    case CURVE_P521:
        return 66;
    default:
        return 0;
    }
}

/* Unknown is not success: whatever the host cannot do is a signature that does not hold. */
static int result_of(int result)
{
    switch (result) {
    case HOST_DONE:
        return 0;
    case HOST_NOT_HERE:
        return CONCLAVE_EKEY;
    default:
        return CONCLAVE_ESIGNATURE;
    }
}

int host_spki_check(enum spki_algorithm algorithm, struct bytes spki, struct bytes message,
                    struct bytes signature)
{
    uint8_t raw[2 * ECDSA_SIZE_MAX];
    enum crypto_curve_id curve = CURVE_P256;
    struct bytes in[3] = {spki, message, signature};
    switch (algorithm) {
    case SPKI_ECDSA_SHA256:
    case SPKI_ECDSA_SHA384:
    case SPKI_ECDSA_SHA512:
        if (host_spki_curve(spki, &curve) != 0)
            return CONCLAVE_EKEY;
        if (host_ecdsa_read(signature, host_spki_size(curve), raw) != 0)
            return CONCLAVE_ESIGNATURE;
        in[2] = bytes_of(raw, 2 * host_spki_size(curve));
        break;
    case SPKI_RSA_SHA256:
    case SPKI_RSA_SHA384:
    case SPKI_RSA_SHA512:
    case SPKI_ED25519:
    case SPKI_ED448:
        break;
    case SPKI_UNKNOWN:
    default:
        return CONCLAVE_EKEY;
    }
    return result_of(host_spki_verify((int)algorithm, (int)curve, in));
}
