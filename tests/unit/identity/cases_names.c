/* Names that deceive, and names that one cannot choose between. */
#include "cases.h"

#define GUEST "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8"

static void bad_email(struct plan *p, const char *name, size_t n)
{
    spec_clear_names(&p->leaf);
    spec_name_bytes(&p->leaf, TAG_EMAIL, name, n);
}
#define BAD_EMAIL(function, literal)                \
    static void function(struct plan *p)            \
    {                                               \
        bad_email(p, literal, sizeof(literal) - 1); \
    }
BAD_EMAIL(email_homograph, "alice@c\xd0\xbempany.com") /* a Cyrillic o */
BAD_EMAIL(
    email_bidi,
    "alice@\xe2\x80\xaemoc.ynapmoc.com") /* NOLINT(misc-misleading-bidirectional) it is the case */
BAD_EMAIL(email_zero_width, "alice@company\xe2\x80\x8b.com")
BAD_EMAIL(email_control, "alice@company.com\x1b[2J")
BAD_EMAIL(email_newline, "alice@company.com\n")
BAD_EMAIL(email_nul, "alice@company.com\0.evil.example")
BAD_EMAIL(email_nul_at_end, "alice@company.com\0")
BAD_EMAIL(email_markup, "alice@company.com<script>alert(1)</script>")
BAD_EMAIL(email_markup_local, "<b>alice</b>@company.com")
BAD_EMAIL(email_quoted, "\"alice@company.com\"@evil.example")
BAD_EMAIL(email_two_ats, "alice@company.com@evil.example")
BAD_EMAIL(email_no_at, "company.com")
BAD_EMAIL(email_empty, "")
BAD_EMAIL(email_space, "alice @company.com")
BAD_EMAIL(email_empty_label, "alice@company..com")
BAD_EMAIL(email_final_dot, "alice@company.com.")
BAD_EMAIL(email_underscore, "alice@comp_any.com")
BAD_EMAIL(email_hyphen, "alice@-company.com")
BAD_EMAIL(email_fake_a_label, "alice@ab--company.com")
BAD_EMAIL(email_address, "alice@192.0.2.1")
BAD_EMAIL(email_literal, "alice@[192.0.2.1]")
BAD_EMAIL(email_single_label, "alice@company")
BAD_EMAIL(email_long_label,
          "alice@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com")

static void dns_wildcard(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_DNS, "*.company.com");
}

static void second_name_bad(struct plan *p)
{
    spec_name(&p->leaf, TAG_DNS, "ro\xd0\xbem.company.com");
    p->policy.wanted = "alice@company.com";
}

static void uuid_bad(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_URI, "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8<b>");
}

static void common_name_only(struct plan *p)
{
    spec_clear_names(&p->leaf);
    p->leaf.subject = "alice@company.com";
}

static void markup_in_subject(struct plan *p)
{
    p->leaf.subject = "<img src=x onerror=alert(1)>\x1b[2J";
}

static void no_name_we_know(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_URI, "https://company.com/alice");
}

static void two_domains(struct plan *p)
{
    spec_name(&p->leaf, TAG_EMAIL, "alice@example.org");
}

static void email_and_dns(struct plan *p)
{
    spec_name(&p->leaf, TAG_DNS, "company.com");
}

static void two_devices(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_DNS, "board-room.company.com");
    spec_name(&p->leaf, TAG_DNS, "lobby.company.com");
}

static void other_name_wanted(struct plan *p)
{
    p->policy.wanted = "bob@company.com";
}

static void other_case_wanted(struct plan *p)
{
    p->policy.wanted = "Alice@company.com";
}

const struct identity_case identity_cases_names[] = {
    GOOD("markup in the subject is not looked at", markup_in_subject, IDENTITY_EXTERNAL,
         "company.com", ALICE),
    BAD("homograph", email_homograph, IDENTITY_BAD_NAME),
    BAD("bidi control", email_bidi, IDENTITY_BAD_NAME),
    BAD("zero-width character", email_zero_width, IDENTITY_BAD_NAME),
    BAD("terminal escape", email_control, IDENTITY_BAD_NAME),
    BAD("newline", email_newline, IDENTITY_BAD_NAME),
    BAD("NUL in the name", email_nul, IDENTITY_BAD_NAME),
    BAD("NUL at the end", email_nul_at_end, IDENTITY_BAD_NAME),
    BAD("markup in the domain", email_markup, IDENTITY_BAD_NAME),
    BAD("markup before the at", email_markup_local, IDENTITY_BAD_NAME),
    BAD("quoted local part", email_quoted, IDENTITY_BAD_NAME),
    BAD("two ats", email_two_ats, IDENTITY_BAD_NAME),
    BAD("no at", email_no_at, IDENTITY_BAD_NAME),
    BAD("empty name", email_empty, IDENTITY_BAD_NAME),
    BAD("space", email_space, IDENTITY_BAD_NAME),
    BAD("empty label", email_empty_label, IDENTITY_BAD_NAME),
    BAD("final dot", email_final_dot, IDENTITY_BAD_NAME),
    BAD("underscore", email_underscore, IDENTITY_BAD_NAME),
    BAD("leading hyphen", email_hyphen, IDENTITY_BAD_NAME),
    BAD("reserved hyphens", email_fake_a_label, IDENTITY_BAD_NAME),
    BAD("address for domain", email_address, IDENTITY_BAD_NAME),
    BAD("address literal", email_literal, IDENTITY_BAD_NAME),
    BAD("single label", email_single_label, IDENTITY_BAD_NAME),
    BAD("label too long", email_long_label, IDENTITY_BAD_NAME),
    BAD("wildcard", dns_wildcard, IDENTITY_BAD_NAME),
    BAD("a bad name beside the wanted one", second_name_bad, IDENTITY_BAD_NAME),
    BAD("UUID with more behind it", uuid_bad, IDENTITY_BAD_NAME),
    BAD("common name only", common_name_only, IDENTITY_NO_NAME),
    BAD("no name that we know", no_name_we_know, IDENTITY_NO_NAME),
    BAD("two domains", two_domains, IDENTITY_AMBIGUOUS_NAME),
    BAD("user and device at once", email_and_dns, IDENTITY_AMBIGUOUS_NAME),
    BAD("two devices", two_devices, IDENTITY_AMBIGUOUS_NAME),
    BAD("another name wanted", other_name_wanted, IDENTITY_OTHER_NAME),
    BAD("another case wanted before the at", other_case_wanted, IDENTITY_OTHER_NAME),
    {NULL, NULL, 0, 0, NULL, NULL},
};
