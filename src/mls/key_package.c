#include "mls/key_package.h"

#include "crypto/labels.h"
#include "mls/extension.h"
#include "mls/framing.h"

void mls_key_package_read(struct reader *r, struct mls_key_package_view *out, int *error)
{
    const uint8_t *start = r->p;
    *out = (struct mls_key_package_view){0};
    out->version = read_u16(r);
    out->suite = read_u16(r);
    out->init_key = read_vec(r);
    mls_leaf_read(r, &out->leaf, error);
    out->extensions = mls_extensions_read(r, error);
    out->tbs = read_since(r, start);
    out->signature = read_vec(r);
    out->raw = read_since(r, start);
}

int mls_key_package_parse(struct bytes message, struct mls_key_package_view *out)
{
    struct bytes body;
    struct mls_key_package_view kp;
    int error = 0;
    int rv = mls_message_expect(message, MLS_KEY_PACKAGE, &body);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(body);
    mls_key_package_read(&r, &kp, &error);
    if (reader_end(&r) != 0)
        return error != 0 ? error : CONCLAVE_ESYNTAX;
    if (kp.version != MLS_VERSION) /* RFC 9420 10-5 */
        return CONCLAVE_EVERSION;
    *out = kp;
    return 0;
}

int mls_key_package_check(struct crypto *c, const struct mls_key_package_view *kp,
                          const struct mls_leaf_rules *rules)
{
    if (kp->version != MLS_VERSION) /* RFC 9420 10.1-2 */
        return CONCLAVE_EVERSION;
    if (kp->suite != crypto_suite(c)) /* RFC 9420 10.1-1 */
        return CONCLAVE_ESUITE;
    int rv = crypto_check_public(c, kp->init_key); /* RFC 9420 10-1 */
    if (rv != 0)
        return rv;
    if (bytes_equal(kp->init_key, kp->leaf.encryption_key)) /* RFC 9420 10.1-5 */
        return CONCLAVE_EKEYPACKAGE;
    rv = mls_leaf_check(&kp->leaf, rules); /* RFC 9420 10.1-3, 10-6 */
    /* RFC 9420 10-7: extensions of the package itself need the capability, too */
    if (rv == 0)
        rv = mls_capabilities_cover(&kp->leaf.capabilities, kp->extensions);
    if (rv == 0)
        rv = mls_leaf_verify(c, &kp->leaf, bytes_of(NULL, 0), 0);
    if (rv == 0) /* RFC 9420 10.1-4, 10-4 */
        rv = verify_with_label(c, kp->leaf.signature_key, "KeyPackageTBS", &kp->tbs, 1,
                               kp->signature);
    return rv;
}

int mls_key_package_ref(struct crypto *c, struct bytes key_package,
                        uint8_t out[static CRYPTO_HASH_MAX])
{
    return ref_hash(c, "MLS 1.0 KeyPackage Reference", &key_package, 1, out);
}
