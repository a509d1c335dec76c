#include <conclave/identity.h>

struct entry {
    const char *name, *text, *next;
};

#define ASK_ISSUER "Ask whoever issued the certificate for a new one."
#define RENEW "Sign in again to get a new certificate."
#define BEWARE "Do not trust the name; ask the person by another way."

static const struct entry entries[] = {
    [IDENTITY_NOT_CHECKED] = {"NOT_CHECKED", "The identity could not be checked.",
                              "Try again; if it stays so, report it."},
    [IDENTITY_VERIFIED] = {"VERIFIED", "The identity is verified.", "Nothing needs to be done."},
    [IDENTITY_IS_GUEST] = {"IS_GUEST", "A guest who did not sign in.",
                           "Sign in to be shown with your organisation."},
    [IDENTITY_NO_CERTIFICATE] = {"NO_CERTIFICATE", "There is no certificate.", RENEW},
    [IDENTITY_MALFORMED] = {"MALFORMED", "The certificate cannot be read.", ASK_ISSUER},
    [IDENTITY_TOO_LARGE] = {"TOO_LARGE", "The certificate chain is larger than is looked at.",
                            ASK_ISSUER},
    [IDENTITY_FOREIGN_KEY] = {"FOREIGN_KEY", "The certificate belongs to another key.", BEWARE},
    [IDENTITY_WEAK] = {"WEAK", "The certificate uses a key or signature that is weak or unknown.",
                       ASK_ISSUER},
    [IDENTITY_EXPIRED] = {"EXPIRED", "The certificate has expired.",
                          "Check this computer's clock; if it is right, renew the certificate."},
    [IDENTITY_NOT_YET_VALID] = {"NOT_YET_VALID", "The certificate is not valid yet.",
                                "Check this computer's clock; if it is right, wait."},
    [IDENTITY_SELF_SIGNED] = {"SELF_SIGNED", "The certificate vouches only for itself.", RENEW},
    [IDENTITY_NOT_TRUSTED] = {"NOT_TRUSTED", "Nobody who is trusted here issued the certificate.",
                              "Have its authority added to the trusted ones, or its intermediate "
                              "certificates sent along."},
    [IDENTITY_BAD_SIGNATURE] = {"BAD_SIGNATURE",
                                "The certificate was not signed by whom it names as its issuer.",
                                BEWARE},
    [IDENTITY_NOT_A_CA] = {"NOT_A_CA", "The certificate was issued by one that may not issue.",
                           BEWARE},
    [IDENTITY_PATH_TOO_LONG] = {"PATH_TOO_LONG",
                                "There are more authorities in between than the first one allows.",
                                ASK_ISSUER},
    [IDENTITY_WRONG_USE] = {"WRONG_USE", "The certificate was not issued for people or devices.",
                            "Get a certificate for client authentication or e-mail."},
    [IDENTITY_NAME_CONSTRAINT] = {"NAME_CONSTRAINT",
                                  "The certificate holds a name its issuer may not vouch for.",
                                  BEWARE},
    [IDENTITY_NOT_DELEGATED] = {"NOT_DELEGATED",
                                "The issuer is not trusted for the domain it vouches for.",
                                "The domain's owner can delegate it, or use an authority of its "
                                "own."},
    [IDENTITY_REVOKED] = {"REVOKED", "The certificate has been revoked.", RENEW},
    [IDENTITY_CRITICAL_EXTENSION] = {"CRITICAL_EXTENSION",
                                     "The certificate demands something that is not known here.",
                                     ASK_ISSUER},
    [IDENTITY_BAD_NAME] = {"BAD_NAME", "The certificate holds a name that could deceive.", BEWARE},
    [IDENTITY_NO_NAME] = {"NO_NAME", "The certificate holds no e-mail address and no device name.",
                          ASK_ISSUER},
    [IDENTITY_AMBIGUOUS_NAME] = {"AMBIGUOUS_NAME",
                                 "The certificate holds several names that would read differently.",
                                 "Get a certificate for one name."},
    [IDENTITY_OTHER_NAME] = {"OTHER_NAME", "The certificate holds another name than expected.",
                             BEWARE},
};

static const struct entry *entry_of(enum identity_reason reason)
{
    size_t n = sizeof entries / sizeof entries[0];
    return &entries[(size_t)reason < n ? reason : IDENTITY_NOT_CHECKED];
}

const char *identity_reason_name(enum identity_reason reason)
{
    return entry_of(reason)->name;
}

const char *identity_reason_text(enum identity_reason reason)
{
    return entry_of(reason)->text;
}

const char *identity_reason_next(enum identity_reason reason)
{
    return entry_of(reason)->next;
}
