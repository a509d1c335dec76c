/* Lines for "show certificate". */
#include <conclave/identity.h>

#include "identity/certificate.h"
#include "identity/limits.h"
#include "identity/text.h"

struct label {
    uint8_t tag;
    const char *text;
};

static void put_line(struct buf *b, const char *label, const char *value)
{
    text_put(b, label);
    text_put(b, value);
    text_put(b, "\n");
}

static void put_verdict(struct buf *b, const struct identity *id)
{
    if (id->category != IDENTITY_UNVERIFIED) {
        text_put(b, "Identity verified by ");
        text_put_escaped(b, bytes_str(id->issuer));
        text_put(b, "\n");
        put_line(b, "Shown as: ", id->label);
        put_line(b, "Identifier: ", id->identifier);
        return;
    }
    text_put(b, "Identity not verified\n");
    put_line(b, "Reason: ", identity_reason_text(id->reason));
    put_line(b, "Next step: ", identity_reason_next(id->reason));
    if (id->kind == IDENTITY_GUEST)
        put_line(b, "Temporary identifier: ", id->identifier);
}

/* "2.5.4.3" as "CN"; attributes that are seldom seen by their number. */
static void put_attribute(struct buf *b, struct bytes oid)
{
    static const struct label known[] = {{3, "CN"}, {6, "C"},  {7, "L"},
                                         {8, "ST"}, {10, "O"}, {11, "OU"}};
    if (oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x04)
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (known[i].tag == oid.p[2]) {
                text_put(b, known[i].text);
                return;
            }
    text_put(b, "OID.");
    text_put_hex(b, oid);
}

static void put_directory_name(struct buf *b, const char *label, struct bytes name)
{
    struct reader r = reader_of(name), in = der_enter(&r, DER_SEQUENCE);
    const char *between = "";
    text_put(b, label);
    if (reader_left(&in) == 0)
        text_put(b, "(empty)");
    while (reader_ok(&in) && reader_left(&in) != 0) {
        struct reader set = der_enter(&in, DER_SET);
        while (reader_ok(&set) && reader_left(&set) != 0) {
            struct reader pair = der_enter(&set, DER_SEQUENCE);
            uint8_t tag;
            text_put(b, between);
            put_attribute(b, der_content(&pair, DER_OID));
            text_put(b, "=");
            text_put_escaped(b, der_any(&pair, &tag));
            between = ", ";
        }
    }
    text_put(b, "\n");
}

static const char *name_label(uint8_t tag)
{
    static const struct label labels[] = {{DER_CONTEXT(1), "e-mail "},
                                          {DER_CONTEXT(2), "DNS "},
                                          {DER_CONTEXT(6), "URI "},
                                          {DER_CONTEXT_IN(4), "directory "},
                                          {DER_CONTEXT(7), "address "}};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (labels[i].tag == tag)
            return labels[i].text;
    return "other ";
}

static void put_names(struct buf *b, struct bytes names)
{
    struct reader r = reader_of(names);
    while (reader_ok(&r) && reader_left(&r) != 0) {
        uint8_t tag;
        struct bytes value = der_any(&r, &tag);
        bool text = tag == DER_CONTEXT(1) || tag == DER_CONTEXT(2) || tag == DER_CONTEXT(6);
        text_put(b, "  Name: ");
        text_put(b, name_label(tag));
        if (text)
            text_put_escaped(b, value);
        else
            text_put_hex(b, value);
        text_put(b, "\n");
    }
}

static const char *key_text(enum certificate_key kind)
{
    static const char *const texts[] = {
        [CERTIFICATE_KEY_UNKNOWN] = "unknown or weak",
        [CERTIFICATE_KEY_RSA] = "RSA",
        [CERTIFICATE_KEY_P256] = "P-256",
        [CERTIFICATE_KEY_P384] = "P-384",
        [CERTIFICATE_KEY_P521] = "P-521",
        [CERTIFICATE_KEY_ED25519] = "Ed25519",
        [CERTIFICATE_KEY_ED448] = "Ed448",
    };
    return texts[kind];
}

static void put_certificate(struct buf *b, struct bytes der)
{
    struct certificate c;
    uint8_t digest[SPKI_DIGEST];
    if (certificate_read(der, &c) != 0) {
        text_put(b, "  It cannot be read.\n");
        return;
    }
    put_names(b, c.names);
    put_directory_name(b, "  Subject, which is not looked at: ", c.subject);
    put_directory_name(b, "  Issuer: ", c.issuer);
    text_put(b, "  Serial number: ");
    text_put_hex(b, c.serial);
    text_put(b, "\n  Valid from: ");
    text_put_time(b, c.not_before);
    text_put(b, "\n  Valid until: ");
    text_put_time(b, c.not_after);
    put_line(b, "\n  Key: ", key_text(c.key.kind));
    if (spki_digest(der, digest) == 0) {
        text_put(b, "  SHA-256: ");
        text_put_hex(b, bytes_of(digest, sizeof digest));
        text_put(b, "\n");
    }
}

int identity_describe(const struct identity *id, const struct bytes *chain, size_t n,
                      struct buf *out)
{
    struct buf b = {0};
    put_verdict(&b, id);
    for (size_t i = 0; i < n && i < LIMIT_IDENTITY_CHAIN; i++) {
        put_line(&b, i == 0 ? "Certificate" : "Certificate of an authority", ", as it says:");
        put_certificate(&b, chain[i]);
    }
    int rv = buf_check(&b);
    if (rv == 0)
        rv = buf_reserve(out, b.n);
    if (rv == 0)
        buf_put(out, buf_view(&b));
    buf_free(&b);
    return rv;
}
