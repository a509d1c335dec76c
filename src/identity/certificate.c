#include "identity/certificate.h"

#include <conclave/identity.h>

#include "identity/limits.h"
#include "wire/oid.h"

#define VERSION_3 2
#define SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */

struct oid_entry {
    struct bytes oid;
    int value;
};

static int oid_find(const struct oid_entry *table, size_t n, struct bytes oid)
{
    for (size_t i = 0; i < n; i++)
        if (bytes_equal(table[i].oid, oid))
            return table[i].value;
    return 0;
}

#define ENTRY(oid, value)                                  \
    {                                                      \
        {(const uint8_t *)(oid), sizeof(oid) - 1}, (value) \
    }
#define FIND(table, oid) oid_find(table, sizeof(table) / sizeof(table)[0], oid)

static const struct oid_entry algorithms[] = {
    ENTRY(OID_RSA_SHA256, SPKI_RSA_SHA256),     ENTRY(OID_RSA_SHA384, SPKI_RSA_SHA384),
    ENTRY(OID_RSA_SHA512, SPKI_RSA_SHA512),     ENTRY(OID_ECDSA_SHA256, SPKI_ECDSA_SHA256),
    ENTRY(OID_ECDSA_SHA384, SPKI_ECDSA_SHA384), ENTRY(OID_ECDSA_SHA512, SPKI_ECDSA_SHA512),
    ENTRY(OID_ED25519, SPKI_ED25519),           ENTRY(OID_ED448, SPKI_ED448),
};

static const struct oid_entry curves[] = {
    ENTRY(OID_P256, CERTIFICATE_KEY_P256),
    ENTRY(OID_P384, CERTIFICATE_KEY_P384),
    ENTRY(OID_P521, CERTIFICATE_KEY_P521),
};

static const struct oid_entry usages[] = {
    ENTRY(OID_SERVER_AUTH, IDENTITY_SERVER_AUTH),
    ENTRY(OID_CLIENT_AUTH, IDENTITY_CLIENT_AUTH),
    ENTRY(OID_EMAIL_PROTECTION, IDENTITY_EMAIL_PROTECTION),
    ENTRY(OID_ANY_USAGE, EXTENDED_USAGE_ALL),
};

static bool is_rsa(enum spki_algorithm a)
{
    return a == SPKI_RSA_SHA256 || a == SPKI_RSA_SHA384 || a == SPKI_RSA_SHA512;
}

/* An algorithm we do not know may have any parameters. */
static void skip_any(struct reader *r)
{
    uint8_t tag;
    while (reader_ok(r) && reader_left(r) != 0)
        (void)der_any(r, &tag);
}

/* RFC 4055 5: RSA has NULL as parameters. RFC 5758 3.2, RFC 8410 3: the others have none. */
enum spki_algorithm algorithm_read(struct reader *r)
{
    struct reader in = der_enter(r, DER_SEQUENCE);
    struct bytes oid = der_content(&in, DER_OID);
    enum spki_algorithm a = (enum spki_algorithm)FIND(algorithms, oid);
    if (is_rsa(a) && der_content(&in, DER_NULL).n != 0)
        reader_fail(&in);
    if (a == SPKI_UNKNOWN)
        skip_any(&in);
    der_leave(r, &in);
    return a;
}

static size_t bit_length(struct bytes n)
{
    size_t bits = 8 * n.n;
    for (unsigned top = n.n == 0 ? 0x80 : n.p[0]; (top & 0x80) == 0; top <<= 1)
        bits--;
    return bits;
}

/* RFC 8017 A.1.1. Exponents: odd and of a size in which nothing is known to go wrong. */
static void rsa_key(struct bytes value, struct reader *r, struct public_key *key)
{
    struct reader in = reader_of(value), pair = der_enter(&in, DER_SEQUENCE);
    struct bytes modulus = der_positive(&pair), exponent = der_positive(&pair);
    der_leave(&in, &pair);
    if (reader_end(&in) != 0) {
        reader_fail(r);
        return;
    }
    key->bits = bit_length(modulus);
    bool ok = key->bits >= LIMIT_IDENTITY_RSA_MIN && key->bits <= LIMIT_IDENTITY_RSA_MAX &&
              exponent.n >= 3 && exponent.n <= 8 && (exponent.p[exponent.n - 1] & 1) != 0;
    key->kind = ok ? CERTIFICATE_KEY_RSA : CERTIFICATE_KEY_UNKNOWN;
}

/* RFC 9420 5.1.1 takes uncompressed points only, and so do we. */
static void ec_key(struct bytes curve, struct bytes value, struct public_key *key)
{
    static const size_t bits[] = {
        [CERTIFICATE_KEY_P256] = 256, [CERTIFICATE_KEY_P384] = 384, [CERTIFICATE_KEY_P521] = 521};
    enum certificate_key kind = (enum certificate_key)FIND(curves, curve);
    if (kind == CERTIFICATE_KEY_UNKNOWN)
        return;
    key->bits = bits[kind];
    if (value.n != 1 + 2 * ((key->bits + 7) / 8) || value.p[0] != 0x04)
        return;
    key->kind = kind;
    key->value = value;
}

static void ed_key(enum certificate_key kind, size_t size, struct bytes value,
                   struct public_key *key)
{
    key->bits = 8 * size;
    if (value.n != size)
        return;
    key->kind = kind;
    key->value = value;
}

struct public_key public_key_read(struct reader *r)
{
    struct public_key key = {0};
    const uint8_t *mark = r->p;
    struct reader in = der_enter(r, DER_SEQUENCE), a = der_enter(&in, DER_SEQUENCE);
    struct bytes oid = der_content(&a, DER_OID), curve = {0};
    bool rsa = bytes_equal(oid, OID_BYTES(OID_RSA)), ec = bytes_equal(oid, OID_BYTES(OID_EC));
    if (rsa && der_content(&a, DER_NULL).n != 0)
        reader_fail(&a);
    if (ec && der_next_is(&a, DER_OID))
        curve = der_content(&a, DER_OID);
    if (!rsa)
        skip_any(&a);
    der_leave(&in, &a);
    struct bytes value = der_bit_bytes(&in);
    der_leave(r, &in);
    if (!reader_ok(r))
        return key;
    key.spki = read_since(r, mark);
    if (rsa)
        rsa_key(value, r, &key);
    else if (ec)
        ec_key(curve, value, &key);
    else if (bytes_equal(oid, OID_BYTES(OID_ED25519)))
        ed_key(CERTIFICATE_KEY_ED25519, 32, value, &key);
    else if (bytes_equal(oid, OID_BYTES(OID_ED448)))
        ed_key(CERTIFICATE_KEY_ED448, 57, value, &key);
    return key;
}

struct bytes rdn_sequence_read(struct reader *r)
{
    const uint8_t *mark = r->p;
    struct reader in = der_enter(r, DER_SEQUENCE);
    while (reader_ok(&in) && reader_left(&in) != 0) {
        struct reader set = der_enter(&in, DER_SET);
        if (reader_left(&set) == 0)
            reader_fail(&set);
        while (reader_ok(&set) && reader_left(&set) != 0) {
            struct reader pair = der_enter(&set, DER_SEQUENCE);
            uint8_t tag;
            (void)der_content(&pair, DER_OID);
            (void)der_any(&pair, &tag);
            der_leave(&set, &pair);
        }
        der_leave(&in, &set);
    }
    der_leave(r, &in);
    return reader_ok(r) ? read_since(r, mark) : bytes_of(NULL, 0);
}

struct bytes rdn_find(struct bytes name, uint8_t id)
{
    const uint8_t oid[] = {0x55, 0x04, id};
    struct reader r = reader_of(name), in = der_enter(&r, DER_SEQUENCE);
    while (reader_ok(&in) && reader_left(&in) != 0) {
        struct reader set = der_enter(&in, DER_SET);
        while (reader_ok(&set) && reader_left(&set) != 0) {
            struct reader pair = der_enter(&set, DER_SEQUENCE);
            uint8_t tag;
            bool found = bytes_equal(der_content(&pair, DER_OID), bytes_of(oid, sizeof oid));
            struct bytes value = der_any(&pair, &tag);
            if (found && (tag == DER_UTF8 || tag == DER_PRINTABLE))
                return value;
        }
    }
    return bytes_of(NULL, 0);
}

static void read_basic_constraints(struct reader *r, struct certificate *c)
{
    struct reader in = der_enter(r, DER_SEQUENCE);
    if (der_next_is(&in, DER_BOOLEAN)) {
        c->ca = der_bool(&in);
        if (!c->ca) /* X.690 11.5: a default is not written */
            reader_fail(&in);
    }
    if (der_next_is(&in, DER_INTEGER)) {
        c->has_path_length = true;
        c->path_length = der_small(&in);
    }
    der_leave(r, &in);
}

static void read_extended_usage(struct reader *r, struct certificate *c)
{
    struct reader in = der_enter(r, DER_SEQUENCE);
    if (reader_left(&in) == 0)
        reader_fail(&in);
    while (reader_ok(&in) && reader_left(&in) != 0)
        c->extended |= (unsigned)FIND(usages, der_content(&in, DER_OID));
    c->has_extended = true;
    der_leave(r, &in);
}

/* RFC 5280 4.2.1.1: keyIdentifier; authorityCertIssuer and authorityCertSerialNumber, both or none,
 * of which we make no use */
static void read_authority_key_id(struct reader *r, struct certificate *c)
{
    struct reader in = der_enter(r, DER_SEQUENCE);
    if (der_next_is(&in, DER_CONTEXT(0)))
        c->authority_key_id = der_content(&in, DER_CONTEXT(0));
    if (der_next_is(&in, DER_CONTEXT_IN(1))) {
        (void)der_content(&in, DER_CONTEXT_IN(1));
        (void)der_content(&in, DER_CONTEXT(2));
    }
    der_leave(r, &in);
}

/* True if the extension is one of those we understand. */
static bool read_known(uint8_t id, struct reader *r, struct certificate *c)
{
    switch (id) {
    case EXT_SUBJECT_KEY_ID:
        c->subject_key_id = der_content(r, DER_OCTET_STRING);
        return true;
    case EXT_KEY_USAGE:
        c->has_usage = true;
        c->usage = der_named_bits(r);
        return true;
    case EXT_SUBJECT_ALT_NAME:
        c->has_names = true;
        c->names = der_content(r, DER_SEQUENCE);
        if (c->names.n == 0) /* RFC 5280 4.2.1.6: at least one */
            reader_fail(r);
        return true;
    case EXT_BASIC_CONSTRAINTS:
        read_basic_constraints(r, c);
        return true;
    case EXT_NAME_CONSTRAINTS:
        c->has_constraints = true;
        c->constraints = der_content(r, DER_SEQUENCE);
        return true;
    case EXT_POLICIES: /* any policy will do: RFC 5280 6.1.1 (c) */
        (void)der_content(r, DER_SEQUENCE);
        return true;
    case EXT_AUTHORITY_KEY_ID:
        read_authority_key_id(r, c);
        return true;
    case EXT_EXTENDED_KEY_USAGE:
        read_extended_usage(r, c);
        return true;
    default:
        return false;
    }
}

static void read_extension(struct reader *r, struct bytes *out_oid, struct certificate *c)
{
    struct reader in = der_enter(r, DER_SEQUENCE);
    struct bytes oid = der_content(&in, DER_OID);
    bool critical = der_next_is(&in, DER_BOOLEAN);
    if (critical && !der_bool(&in))
        reader_fail(&in);
    struct reader value = reader_of(der_content(&in, DER_OCTET_STRING));
    der_leave(r, &in);
    bool ours = oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d && reader_ok(r);
    if (ours && read_known(oid.p[2], &value, c))
        der_leave(r, &value);
    else
        c->unknown_critical |= critical;
    *out_oid = oid;
}

/* RFC 5280 4.2: no extension twice */
static int read_extensions(struct reader *r, struct certificate *c)
{
    struct bytes seen[LIMIT_IDENTITY_EXTENSIONS];
    size_t n = 0;
    struct reader outer = der_enter(r, DER_CONTEXT_IN(3)), in = der_enter(&outer, DER_SEQUENCE);
    while (reader_ok(&in) && reader_left(&in) != 0) {
        if (n == LIMIT_IDENTITY_EXTENSIONS)
            return CONCLAVE_ELIMIT;
        read_extension(&in, &seen[n], c);
        for (size_t i = 0; i < n; i++)
            if (bytes_equal(seen[i], seen[n]))
                reader_fail(&in);
        n++;
    }
    if (n == 0)
        reader_fail(&in);
    der_leave(&outer, &in);
    der_leave(r, &outer);
    return 0;
}

static int read_tbs(struct reader *r, struct bytes *out_algorithm, struct certificate *c)
{
    struct reader version = der_enter(r, DER_CONTEXT_IN(0));
    if (der_small(&version) != VERSION_3)
        reader_fail(r);
    der_leave(r, &version);
    c->serial = der_positive(r);
    if (c->serial.n > SERIAL_MAX)
        reader_fail(r);
    *out_algorithm = der_element(r, DER_SEQUENCE);
    c->issuer = rdn_sequence_read(r);
    struct reader dates = der_enter(r, DER_SEQUENCE);
    c->not_before = der_time(&dates);
    c->not_after = der_time(&dates);
    der_leave(r, &dates);
    c->subject = rdn_sequence_read(r);
    c->key = public_key_read(r);
    /* RFC 5280 4.1.2.8: issuerUniqueID, subjectUniqueID: obsolete, and refused */
    return read_extensions(r, c);
}

int certificate_read(struct bytes der, struct certificate *out)
{
    struct certificate c = {.der = der};
    if (der.n > LIMIT_IDENTITY_CERTIFICATE)
        return CONCLAVE_ELIMIT;
    struct reader r = reader_of(der), in = der_enter(&r, DER_SEQUENCE);
    const uint8_t *mark = in.p;
    struct reader tbs = der_enter(&in, DER_SEQUENCE);
    struct bytes inner;
    int rv = read_tbs(&tbs, &inner, &c);
    if (rv != 0)
        return rv;
    der_leave(&in, &tbs);
    if (reader_ok(&in))
        c.tbs = read_since(&in, mark);
    struct reader again = in;
    c.algorithm = algorithm_read(&in);
    /* RFC 5280 4.1.1.2: the algorithm is named twice, and signed once */
    if (!bytes_equal(der_element(&again, DER_SEQUENCE), inner))
        reader_fail(&in);
    c.signature = der_bit_bytes(&in);
    der_leave(&r, &in);
    if (reader_end(&r) != 0 || c.not_after < c.not_before)
        return CONCLAVE_ESYNTAX;
    *out = c;
    return 0;
}

bool certificate_is_self_issued(const struct certificate *c)
{
    return bytes_equal(c->issuer, c->subject);
}
