/* Short-lived certificates of the provider's CA. */
#include "identity/ca.h"

#include <string.h>

#include "identity/csr.h"
#include "identity/der_write.h"
#include "identity/limits.h"
#include "identity/name.h"
#include "wire/oid.h"

#define BACKDATE 300

static uint8_t tag_of(enum identity_kind kind)
{
    return kind == IDENTITY_USER     ? DER_CONTEXT(1)
           : kind == IDENTITY_DEVICE ? DER_CONTEXT(2)
                                     : DER_CONTEXT(6);
}

static void put_usages(struct buf *b, enum identity_kind kind)
{
    struct extension_mark e = ca_extension_begin(b, EXT_EXTENDED_KEY_USAGE, false);
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put_oid(b, OID_CLIENT_AUTH);
    if (kind == IDENTITY_USER)
        der_put_oid(b, OID_EMAIL_PROTECTION);
    der_end(b, mark);
    ca_extension_end(b, e);
}

/* RFC 5280 4.2.1.6: critical, because there is no subject */
static void put_alt_name(struct buf *b, const struct name *name)
{
    struct extension_mark e = ca_extension_begin(b, EXT_SUBJECT_ALT_NAME, true);
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put(b, tag_of(name->kind), bytes_str(name->text));
    der_end(b, mark);
    ca_extension_end(b, e);
}

static void put_extensions(struct buf *b, const struct name *name, struct bytes issuer_key_id)
{
    static const uint8_t signature[] = {7, 0x80}; /* digitalSignature */
    struct extension_mark e = ca_extension_begin(b, EXT_BASIC_CONSTRAINTS, true);
    der_put(b, DER_SEQUENCE, bytes_of(NULL, 0)); /* no CA */
    ca_extension_end(b, e);
    e = ca_extension_begin(b, EXT_KEY_USAGE, true);
    der_put(b, DER_BIT_STRING, bytes_of(signature, sizeof signature));
    ca_extension_end(b, e);
    put_usages(b, name->kind);
    e = ca_extension_begin(b, EXT_AUTHORITY_KEY_ID, false);
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put(b, DER_CONTEXT(0), issuer_key_id);
    der_end(b, mark);
    ca_extension_end(b, e);
    put_alt_name(b, name);
}

static int check_subject(const struct anchor *root, const struct identity_subject *subject,
                         struct name *out)
{
    if (!name_read(subject->kind, bytes_str(subject->name), out))
        return CONCLAVE_EINVAL;
    return anchor_vouches(root, out) ? 0 : CONCLAVE_EPOLICY;
}

static int check_time(const struct certificate *root, uint64_t now, uint64_t lifetime)
{
    if (lifetime == 0 || lifetime > LIMIT_IDENTITY_LEAF_SECONDS || now < BACKDATE)
        return CONCLAVE_EINVAL;
    return now < root->not_before || now >= root->not_after ? CONCLAVE_ELIFETIME : 0;
}

int identity_ca_issue(struct identity_ca *ca, struct bytes csr,
                      const struct identity_subject *subject, uint64_t now, uint64_t lifetime,
                      struct buf *out)
{
    const struct anchor *anchor = ca->root->anchor[0];
    const struct certificate *root = &anchor->certificate;
    static const uint8_t no_name[] = {DER_SEQUENCE, 0};
    struct buf extensions = {0}, made = {0};
    struct name name;
    struct public_key key;
    int rv = check_subject(anchor, subject, &name);
    if (rv == 0)
        rv = check_time(root, now, lifetime);
    if (rv == 0)
        rv = csr_read(csr, &key);
    if (rv != 0)
        return rv;
    put_extensions(&extensions, &name, root->subject_key_id);
    rv = buf_check(&extensions);
    if (rv == 0) {
        uint64_t left = root->not_after - now;
        struct tbs tbs = {.issuer = root->subject,
                          .subject = bytes_of(no_name, sizeof no_name),
                          .spki = key.spki,
                          .not_before = now - BACKDATE,
                          .not_after = now + (lifetime < left ? lifetime : left),
                          .extensions = buf_view(&extensions)};
        rv = ca_sign(ca->crypto, ca->signer, &tbs, &made);
    }
    if (rv == 0)
        rv = buf_reserve(out, made.n);
    if (rv == 0)
        buf_put(out, buf_view(&made));
    buf_free(&extensions);
    buf_free(&made);
    return rv;
}
