/* What the protocol needs to know of an end-entity certificate: its key and its dates (RFC 9420
 * 5.3.1). Read here and not by the provider, whose general reader takes twice as long as verifying
 * a signature: who joins a group reads one for each member. The chain and the names are policy and
 * live in src/identity. */
#include <string.h>

#include "crypto/suite.h"
#include "wire/der.h"
#include "wire/oid.h"

/* What the key's AlgorithmIdentifier has to say: for ECDSA a curve, too (RFC 5480 2.1.1); for EdDSA
 * nothing more (RFC 8410 3). */
static struct bytes key_algorithm(enum crypto_sig_id sig, struct bytes *out_curve)
{
    *out_curve = sig == SIG_P256   ? OID_BYTES(OID_P256)
                 : sig == SIG_P384 ? OID_BYTES(OID_P384)
                 : sig == SIG_P521 ? OID_BYTES(OID_P521)
                                   : bytes_of(NULL, 0);
    return sig == SIG_ED25519 ? OID_BYTES(OID_ED25519)
           : sig == SIG_ED448 ? OID_BYTES(OID_ED448)
                              : OID_BYTES(OID_EC);
}

/* SubjectPublicKeyInfo, RFC 5280 4.1.2.7. RFC 9420 5.1.1 takes uncompressed points only. */
static void read_key(struct reader *r, const struct crypto_suite *suite,
                     struct crypto_certificate *out)
{
    struct bytes curve, algorithm = key_algorithm(suite->sig, &curve);
    struct reader info = der_enter(r, DER_SEQUENCE), a = der_enter(&info, DER_SEQUENCE);
    if (!bytes_equal(der_content(&a, DER_OID), algorithm))
        reader_fail(&a);
    if (curve.n != 0 && !bytes_equal(der_content(&a, DER_OID), curve))
        reader_fail(&a);
    der_leave(&info, &a);
    struct bytes key = der_bit_bytes(&info);
    if (reader_ok(&info) && (key.n != suite->sig_npk || (curve.n != 0 && key.p[0] != 0x04)))
        reader_fail(&info);
    der_leave(r, &info);
    if (!reader_ok(r))
        return;
    memcpy(out->public_key, key.p, key.n);
    out->public_key_n = key.n;
}

/* TBSCertificate, RFC 5280 4.1.2, as far as the key; what follows is policy's. */
static void read_tbs(struct reader *r, const struct crypto_suite *suite,
                     struct crypto_certificate *out)
{
    if (der_next_is(r, DER_CONTEXT_IN(0)))
        der_content(r, DER_CONTEXT_IN(0)); /* version */
    der_content(r, DER_INTEGER);           /* serialNumber */
    der_content(r, DER_SEQUENCE);          /* signature */
    der_content(r, DER_SEQUENCE);          /* issuer */
    struct reader validity = der_enter(r, DER_SEQUENCE);
    out->not_before = der_time(&validity);
    out->not_after = der_time(&validity);
    der_leave(r, &validity);
    der_content(r, DER_SEQUENCE); /* subject */
    read_key(r, suite, out);
}

int crypto_certificate(struct crypto *c, struct bytes der, struct crypto_certificate *out)
{
    struct crypto_certificate made = {0};
    struct reader r = reader_of(der);
    struct reader certificate = der_enter(&r, DER_SEQUENCE);
    struct reader tbs = der_enter(&certificate, DER_SEQUENCE);
    der_content(&certificate, DER_SEQUENCE);   /* signatureAlgorithm */
    der_content(&certificate, DER_BIT_STRING); /* signature */
    der_leave(&r, &certificate);
    read_tbs(&tbs, c->suite, &made);
    if (!reader_ok(&tbs) || reader_end(&r) != 0)
        return CONCLAVE_ECREDENTIAL;
    *out = made;
    return 0;
}
