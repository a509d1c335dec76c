/* The provider's root: made, kept, delegated to. */
#include "identity/ca.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/suite.h"
#include "identity/der_write.h"
#include "identity/limits.h"
#include "identity/name.h"
#include "wire/oid.h"
#include "identity/sign.h"
#include "identity/text.h"
#include "wire/writer.h"

#define NAME_MAX_LENGTH 64 /* RFC 5280 A.1: ub-common-name, ub-organization-name */
#define TEN_YEARS (3653ull * 86400)
#define BACKDATE 300                /* clocks differ */
#define END_OF_TIME 253402300799ull /* 9999: the last year that DER can write */
#define SAVED_VERSION 1
#define NOBODYS_DOMAIN "invalid" /* RFC 2606 2: nobody can ever have it */

/* O and CN */
static void put_name(struct buf *b, const char *name)
{
    static const uint8_t ids[] = {RDN_ORGANISATION, RDN_COMMON_NAME};
    size_t outer = der_begin(b, DER_SEQUENCE);
    for (size_t i = 0; i < sizeof ids; i++) {
        const uint8_t oid[] = {0x55, 0x04, ids[i]};
        size_t set = der_begin(b, DER_SET), pair = der_begin(b, DER_SEQUENCE);
        der_put(b, DER_OID, bytes_of(oid, sizeof oid));
        der_put(b, DER_UTF8, bytes_str(name));
        der_end(b, pair);
        der_end(b, set);
    }
    der_end(b, outer);
}

static void put_subtree(struct buf *b, uint8_t tag, const char *domain)
{
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put(b, tag, bytes_str(domain));
    der_end(b, mark);
}

/* For each domain its mailboxes, and its hosts with those below. A form that is not named would be
 * free (RFC 5280 4.2.1.10), so without domains one stands there that nobody has. URIs stay free:
 * no constraint can hold for one without a host, and guests' have none. */
static int put_constraints(struct buf *b, const struct identity_ca_config *config)
{
    char domain[IDENTITY_DOMAIN_MAX + 1];
    struct extension_mark e = ca_extension_begin(b, EXT_NAME_CONSTRAINTS, true);
    size_t outer = der_begin(b, DER_SEQUENCE), permitted = der_begin(b, DER_CONTEXT_IN(0));
    for (size_t i = 0; i < config->n_domains; i++) {
        if (!domain_read(bytes_str(config->domains[i]), domain))
            return CONCLAVE_EINVAL;
        put_subtree(b, DER_CONTEXT(1), domain);
        put_subtree(b, DER_CONTEXT(2), domain);
    }
    if (config->n_domains == 0) {
        put_subtree(b, DER_CONTEXT(1), NOBODYS_DOMAIN);
        put_subtree(b, DER_CONTEXT(2), NOBODYS_DOMAIN);
    }
    der_end(b, permitted);
    der_end(b, outer);
    ca_extension_end(b, e);
    return buf_check(b);
}

static int put_extensions(struct buf *b, struct bytes public_key,
                          const struct identity_ca_config *config)
{
    static const uint8_t sign_only[] = {1, 0x06}; /* keyCertSign, cRLSign */
    uint8_t id[SPKI_DIGEST];
    int rv = ca_key_id(public_key, id);
    if (rv != 0)
        return rv;
    struct extension_mark e = ca_extension_begin(b, EXT_BASIC_CONSTRAINTS, true);
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put_true(b);
    der_put_small(b, 0); /* it signs itself what it issues: no CA below */
    der_end(b, mark);
    ca_extension_end(b, e);
    e = ca_extension_begin(b, EXT_KEY_USAGE, true);
    der_put(b, DER_BIT_STRING, bytes_of(sign_only, sizeof sign_only));
    ca_extension_end(b, e);
    e = ca_extension_begin(b, EXT_SUBJECT_KEY_ID, false);
    der_put(b, DER_OCTET_STRING, bytes_of(id, CA_KEY_ID));
    ca_extension_end(b, e);
    return put_constraints(b, config);
}

static int check_config(const struct identity_ca_config *config, uint64_t now, uint64_t *out_end)
{
    struct bytes name = bytes_str(config->name);
    uint64_t lifetime = config->lifetime == 0 ? TEN_YEARS : config->lifetime;
    if (name.n > NAME_MAX_LENGTH || !text_is_plain(name) ||
        config->n_domains > LIMIT_IDENTITY_DOMAINS || now < BACKDATE || now > END_OF_TIME ||
        lifetime > END_OF_TIME - now)
        return CONCLAVE_EINVAL;
    *out_end = now + lifetime;
    return 0;
}

/* A self-signed root, in DER. */
static int make_root(struct crypto *c, struct crypto_signer *signer,
                     const struct identity_ca_config *config, uint64_t now, struct buf *out)
{
    struct buf name = {0}, key = {0}, extensions = {0};
    struct bytes public_key = crypto_signer_public(signer);
    struct tbs tbs = {.not_before = now - BACKDATE};
    int rv = check_config(config, now, &tbs.not_after);
    if (rv != 0)
        return rv;
    put_name(&name, config->name);
    rv = buf_check(&name);
    if (rv == 0)
        rv = sign_put_key(&key, public_key);
    if (rv == 0)
        rv = put_extensions(&extensions, public_key, config);
    if (rv == 0) {
        tbs.issuer = tbs.subject = buf_view(&name);
        tbs.spki = buf_view(&key);
        tbs.extensions = buf_view(&extensions);
        rv = ca_sign(c, signer, &tbs, out);
    }
    buf_free(&name);
    buf_free(&key);
    buf_free(&extensions);
    return rv;
}

/* The root as those see it who trust it. */
static int read_root(struct bytes der, struct identity_anchors **out)
{
    const struct identity_anchor how = {.purpose = IDENTITY_PROVIDER};
    struct identity_anchors *a;
    int rv = identity_anchors_new(&a);
    if (rv != 0)
        return rv;
    rv = identity_anchors_add(a, &how, der);
    if (rv == 0)
        *out = a;
    else
        identity_anchors_free(a);
    return rv;
}

static int set_root(struct identity_ca *ca, struct bytes der)
{
    struct identity_anchors *root;
    int rv = read_root(der, &root);
    if (rv != 0)
        return rv;
    identity_anchors_free(ca->root);
    ca->root = root;
    return 0;
}

static int ca_alloc(struct crypto *c, struct identity_ca **out)
{
    if (crypto_suite(c) != CRYPTO_P256_AES128GCM_SHA256_P256)
        return CONCLAVE_ESUITE;
    struct identity_ca *ca = calloc(1, sizeof *ca);
    if (ca == NULL)
        return CONCLAVE_ENOMEM;
    ca->crypto = c;
    *out = ca;
    return 0;
}

int identity_ca_delegate(struct identity_ca *ca, const struct identity_ca_config *config,
                         uint64_t now)
{
    struct buf der = {0};
    int rv = make_root(ca->crypto, ca->signer, config, now, &der);
    if (rv == 0)
        rv = set_root(ca, buf_view(&der));
    buf_free(&der);
    return rv;
}

int identity_ca_new(struct crypto *c, const struct identity_ca_config *config, uint64_t now,
                    struct identity_ca **out)
{
    struct identity_ca *ca;
    int rv = ca_alloc(c, &ca);
    if (rv != 0)
        return rv;
    rv = crypto_signer_generate(c, &ca->signer);
    if (rv == 0)
        rv = identity_ca_delegate(ca, config, now);
    if (rv == 0)
        *out = ca;
    else
        identity_ca_free(ca);
    return rv;
}

void identity_ca_free(struct identity_ca *ca)
{
    if (ca == NULL)
        return;
    crypto_signer_free(ca->signer);
    identity_anchors_free(ca->root);
    free(ca);
}

struct bytes identity_ca_certificate(const struct identity_ca *ca)
{
    return ca->root->anchor[0]->certificate.der;
}

/* uint8 version; opaque private_key<V>; opaque certificate<V> */
int identity_ca_save(const struct identity_ca *ca, struct buf *out)
{
    struct buf key = {0}, saved = {0};
    int rv = crypto_signer_private(ca->signer, &key);
    write_u8(&saved, SAVED_VERSION);
    write_vec(&saved, buf_view(&key));
    write_vec(&saved, identity_ca_certificate(ca));
    if (rv == 0)
        rv = buf_check(&saved);
    if (rv == 0)
        rv = buf_reserve(out, saved.n);
    if (rv == 0)
        buf_put(out, buf_view(&saved));
    buf_free(&key);
    buf_free(&saved);
    return rv;
}

int identity_ca_load(struct crypto *c, struct bytes saved, struct identity_ca **out)
{
    struct identity_ca *ca;
    struct reader r = reader_of(saved);
    uint8_t version = read_u8(&r);
    struct bytes key = read_vec(&r), der = read_vec(&r);
    if (reader_end(&r) != 0 || version != SAVED_VERSION)
        return CONCLAVE_ESYNTAX;
    int rv = ca_alloc(c, &ca);
    if (rv != 0)
        return rv;
    rv = set_root(ca, der);
    if (rv == 0)
        rv = crypto_signer_from_private(c, key, &ca->signer);
    if (rv == 0 &&
        !bytes_equal(crypto_signer_public(ca->signer), ca->root->anchor[0]->certificate.key.value))
        rv = CONCLAVE_ECREDENTIAL;
    if (rv == 0)
        *out = ca;
    else
        identity_ca_free(ca);
    return rv == CONCLAVE_EKEY ? CONCLAVE_ECREDENTIAL : rv;
}
