/* Who somebody is: X.509 certificates checked, named and issued.
 *
 * A participant shows a certificate chain for its signature key. identity_verify() says what a
 * person may be told about it: the domain of the e-mail address or the name of the device that the
 * certificate vouches for, and who vouches; or "Unverified", why, and what to do. Names come from
 * the subjectAltName only, never from the subject.
 *
 * Certificates are DER as RFC 5280 wants it. Times are Unix seconds. Nothing here does I/O, reads
 * a clock or looks for revocation on the network. docs/IDENTITY.md tells what is checked and what
 * is not.
 */
#ifndef CONCLAVE_IDENTITY_H
#define CONCLAVE_IDENTITY_H

#include <conclave/bytes.h>
#include <conclave/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IDENTITY_DOMAIN_MAX 253 /* RFC 1035 */
#define IDENTITY_NAME_MAX 318   /* 64 bytes, '@', a domain */
#define IDENTITY_ISSUER_MAX 127

/* ---- Trust anchors ---- */

/* What an anchor is trusted for. */
enum identity_purpose {
    IDENTITY_PROVIDER = 1, /* the operator's own CA: guests, and domains delegated to it */
    IDENTITY_PUBLIC,       /* a CA that anybody may use: every domain */
    IDENTITY_PRIVATE,      /* an organisation's CA: its domains, or every domain if none is named */
};

/* A set of anchors and of revoked certificates. Once filled it may be read by many threads. */
struct identity_anchors;

/* ENOMEM. */
int identity_anchors_new(struct identity_anchors **out) CONCLAVE_CHECKED;
void identity_anchors_free(struct identity_anchors *a);
size_t identity_anchors_count(const struct identity_anchors *a);

struct identity_anchor {
    enum identity_purpose purpose;

    /* The name in "Identity verified by ...": UTF-8 without control characters, at most
     * IDENTITY_ISSUER_MAX bytes. NULL: the organisation in the anchor's subject, else its common
     * name. What intermediate certificates call themselves is never shown. */
    const char *display;

    /* The domains it may vouch for: users of the domain itself, devices of it and below it.
     * PROVIDER without any: those that its own name constraints permit; none, if it has none. */
    const char *const *domains;
    size_t n_domains;
};

/* Adds one certificate in DER, or all of a PEM text, or nothing. Copied. An anchor need not sign
 * itself, but must be a CA with a key we take. ESYNTAX, ECREDENTIAL if it cannot be an anchor,
 * EINVAL for a display name or domain that is not plain, ELIMIT, ENOMEM. */
int identity_anchors_add(struct identity_anchors *a, const struct identity_anchor *how,
                         struct bytes der) CONCLAVE_CHECKED;
int identity_anchors_add_pem(struct identity_anchors *a, const struct identity_anchor *how,
                             struct bytes pem) CONCLAVE_CHECKED;

/* The serial numbers (big-endian, as in the certificate) that this issuer has revoked, in place of
 * those told before. ESYNTAX if issuer is no certificate, EINVAL for a serial number that none can
 * have, ELIMIT, ENOMEM. */
int identity_anchors_revoke(struct identity_anchors *a, struct bytes issuer_der,
                            const struct bytes *serials, size_t n) CONCLAVE_CHECKED;

/* ---- Verifying ---- */

enum identity_usage { /* of extendedKeyUsage; bits */
                      IDENTITY_CLIENT_AUTH = 1,
                      IDENTITY_EMAIL_PROTECTION = 2,
                      IDENTITY_SERVER_AUTH = 4, /* public CAs give devices nothing else any more */
};

struct identity_policy {
    /* The domains of "My organization". */
    const char *const *organisation;
    size_t n_organisation;

    /* The certificate must have one of these. */
    unsigned usages;

    /* If not NULL, the identifier (e-mail address, DNS name or urn:uuid) that is expected: it must
     * be among the certificate's names, and is then the one that counts. */
    const char *wanted;
};

/* clientAuth or emailProtection; no organisation; nothing wanted. */
struct identity_policy identity_policy_default(void);

enum identity_category {
    IDENTITY_UNVERIFIED, /* guests, and whatever else is not one of the following */
    IDENTITY_MEMBER,     /* a user of the organisation */
    IDENTITY_EXTERNAL,   /* a user of another */
    IDENTITY_VERIFIED_DEVICE,
};

enum identity_kind { IDENTITY_NOBODY, IDENTITY_USER, IDENTITY_DEVICE, IDENTITY_GUEST };

/* Why. Numbers are for people's eyes and logs and do not change. */
enum identity_reason {
    IDENTITY_NOT_CHECKED = 0,
    IDENTITY_VERIFIED = 1,
    IDENTITY_IS_GUEST = 2,            /* the provider vouches for a temporary identifier only */
    IDENTITY_NO_CERTIFICATE = 3,      /* the chain is empty */
    IDENTITY_MALFORMED = 4,           /* not DER, not X.509 v3, trailing bytes, doubled extension */
    IDENTITY_TOO_LARGE = 5,           /* more certificates, bytes, names or paths than we look at */
    IDENTITY_FOREIGN_KEY = 6,         /* made for another key than the signature key */
    IDENTITY_WEAK = 7,                /* a key or signature too weak, or unknown to us */
    IDENTITY_EXPIRED = 8,             /* it, or one that it depends on */
    IDENTITY_NOT_YET_VALID = 9,       /* likewise */
    IDENTITY_SELF_SIGNED = 10,        /* vouches for itself */
    IDENTITY_NOT_TRUSTED = 11,        /* no path to an anchor */
    IDENTITY_BAD_SIGNATURE = 12,      /* bears an issuer's name, but not its signature */
    IDENTITY_NOT_A_CA = 13,           /* an issuer that may not issue */
    IDENTITY_PATH_TOO_LONG = 14,      /* pathLenConstraint */
    IDENTITY_WRONG_USE = 15,          /* keyUsage, extendedKeyUsage, or a CA as participant */
    IDENTITY_NAME_CONSTRAINT = 16,    /* a name that its issuer may not vouch for */
    IDENTITY_NOT_DELEGATED = 17,      /* an anchor outside the domains it is trusted for */
    IDENTITY_REVOKED = 18,            /* it, or one that it depends on */
    IDENTITY_CRITICAL_EXTENSION = 19, /* demands something that we do not know */
    IDENTITY_BAD_NAME = 20,           /* a name that is not plain and could deceive */
    IDENTITY_NO_NAME = 21,            /* no e-mail address or DNS name in the subjectAltName */
    IDENTITY_AMBIGUOUS_NAME = 22,     /* several that would be shown differently */
    IDENTITY_OTHER_NAME = 23,         /* not the one that was wanted */
};

/* A verdict: a plain value, owns nothing. All zero is a valid one: unverified, not checked. Texts
 * are ASCII without control characters, the issuer UTF-8 likewise. */
struct identity {
    enum identity_category category;
    enum identity_reason reason;
    enum identity_kind kind;                /* NOBODY unless the path holds */
    bool in_organisation;                   /* a member, or a device of the organisation */
    enum identity_purpose voucher;          /* of the anchor; 0 unless the path holds */
    uint64_t not_after;                     /* when the certificate ends; 0 unless the path holds */
    char label[IDENTITY_DOMAIN_MAX + 1];    /* "company.com", a device's name, or "Unverified" */
    char identifier[IDENTITY_NAME_MAX + 1]; /* whole address, name or urn:uuid; "" if none holds */
    char issuer[IDENTITY_ISSUER_MAX + 1];   /* "Identity verified by ..."; "" if unverified */
};

/* Judges a chain: the participant's certificate first, the rest in any order, the anchor with or
 * without. signature_key as in an MLS leaf (RFC 9420 section 5.1.1). Allocates nothing of its own.
 *
 * Returns 0 whenever there is a verdict, also a bad one: look at out->category. EINVAL if the
 * policy's organisation or wanted is not a name; *out is then zero, that is unverified. */
int identity_verify(const struct identity_anchors *a, const struct bytes *chain, size_t n,
                    struct bytes signature_key, uint64_t now, const struct identity_policy *policy,
                    struct identity *out) CONCLAVE_CHECKED;

/* May `next` take the place of `last`, as an MLS leaf's new credential or a resumed one? Same kind
 * and identifier, both vouched for, and not by the provider where another CA vouched before.
 * `last` is the verdict of when that credential was accepted: it may have expired since. */
bool identity_same(const struct identity *last, const struct identity *next);

/* One sentence each; the machine's name of the reason ("EXPIRED"). Never NULL. */
const char *identity_reason_name(enum identity_reason reason);
const char *identity_reason_text(enum identity_reason reason);
const char *identity_reason_next(enum identity_reason reason);

/* Appends lines for "show certificate": the verdict, then what each certificate says of itself.
 * Printable ASCII only; anything else, and what tags are made of, as \xNN. A certificate that
 * cannot be read is said to be so. ENOMEM. */
int identity_describe(const struct identity *id, const struct bytes *chain, size_t n,
                      struct buf *out) CONCLAVE_CHECKED;

/* ---- Asking for a certificate ---- */

/* Appends a certification request (PKCS #10, RFC 2986) for the signer's key, without a name: whom
 * it is for is the issuer's to know. The private key may live elsewhere. EKEY for a key of no
 * suite, an error of the signer, ENOMEM. */
int identity_csr_make(struct crypto_signer *signer, struct buf *out) CONCLAVE_CHECKED;

/* ---- The provider's CA ---- */

/* One long-lived root with a P-256 key, which signs short-lived certificates itself. Its name
 * constraints hold the delegated domains, so that a client need not believe the server's code.
 * Guests have urn:uuid names, which no name constraint can tell apart (RFC 5280 section 4.2.1.10),
 * and are shown as unverified. Wiped when freed. */
struct identity_ca;

struct identity_ca_config {
    const char *name;           /* organisation and common name: UTF-8, 1 to 64 bytes */
    const char *const *domains; /* delegated; may be none */
    size_t n_domains;
    uint64_t lifetime; /* of the root, seconds; 0: ten years */
};

/* c is of suite 2 (P-256) and must outlive the CA. EINVAL, ESUITE, ERANDOM, ECRYPTO, ENOMEM. */
int identity_ca_new(struct crypto *c, const struct identity_ca_config *config, uint64_t now,
                    struct identity_ca **out) CONCLAVE_CHECKED;

/* Appends everything, the private key too: keep it as one keeps a private key. ENOMEM. */
int identity_ca_save(const struct identity_ca *ca, struct buf *out) CONCLAVE_CHECKED;

/* ESYNTAX, ECREDENTIAL if key and certificate are strangers, and as identity_ca_new(). */
int identity_ca_load(struct crypto *c, struct bytes saved,
                     struct identity_ca **out) CONCLAVE_CHECKED;

/* The same name and key with other delegated domains: a new root certificate, which clients have
 * to be given; what was issued before stays valid under both. As identity_ca_new(). */
int identity_ca_delegate(struct identity_ca *ca, const struct identity_ca_config *config,
                         uint64_t now) CONCLAVE_CHECKED;

void identity_ca_free(struct identity_ca *ca);

/* The root in DER; borrowed, until identity_ca_delegate() or the end. */
struct bytes identity_ca_certificate(const struct identity_ca *ca);

struct identity_subject {
    enum identity_kind kind;
    const char *name; /* e-mail address, DNS name, or urn:uuid */
};

/* Appends a certificate (DER) for the key of a certification request, whose signature proves that
 * the asker holds it; nothing else is taken from it. Valid from five minutes before now for
 * `lifetime` seconds, at most 31 days and not beyond the root. That the asker is who the subject
 * says is for the caller to know.
 * The asker's fault: ESYNTAX, EKEY for a key of no suite, ESIGNATURE. EPOLICY: a domain that is
 * not delegated. EINVAL: a name that is not plain, or the lifetime. ELIFETIME: the root has ended.
 * ERANDOM, ECRYPTO, ENOMEM. */
int identity_ca_issue(struct identity_ca *ca, struct bytes csr,
                      const struct identity_subject *subject, uint64_t now, uint64_t lifetime,
                      struct buf *out) CONCLAVE_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
