/* Weak, unknown, malformed, too large. */
#include "cases.h"

#include "identity/der_write.h"
#include "identity/limits.h"
#include "wire/oid.h"

/* ---- Weak and unknown ---- */

static void rsa_1024_ca(struct plan *p)
{
    /* the anchor is sound; the weak key is in between */
    p->with_middle = true;
    p->middle.key = KEY_RSA_1024;
}

static void sha1(struct plan *p)
{
    p->with_middle = true;
    p->middle.key = KEY_RSA_2048;
    p->leaf.hash = HASH_SHA1;
}

static void sha1_on_middle(struct plan *p)
{
    p->root.key = p->root.signer = KEY_RSA_2048;
    p->with_middle = true;
    p->middle.hash = HASH_SHA1;
}

static void rsa_leaf(struct plan *p)
{
    p->leaf.key = KEY_RSA_2048;
}

static void rsa_1024_leaf(struct plan *p)
{
    p->leaf.key = KEY_RSA_1024;
}

static void unknown_critical(struct plan *p)
{
    spec_extension(&p->leaf, 99, true, "\x05\x00", 2);
}

static void unknown_not_critical(struct plan *p)
{
    spec_extension(&p->leaf, 99, false, "\x05\x00", 2);
}

static void unknown_critical_in_middle(struct plan *p)
{
    p->with_middle = true;
    spec_extension(&p->middle, 36, true, "\x30\x03\x80\x01\x00", 5); /* policyConstraints */
}

/* ---- Form ---- */

static void extension_twice(struct plan *p)
{
    spec_extension(&p->leaf, EXT_SUBJECT_ALT_NAME, false,
                   "\x30\x0f\x81\x0d"
                   "bob@company.c",
                   17);
}

/* The extensions of the frame are there already; these come a second time or are wrong by form. */
static void key_id_twice(struct plan *p)
{
    spec_extension(&p->leaf, EXT_AUTHORITY_KEY_ID, false, "\x30\x03\x82\x01\x01", 5);
}

static void names_empty(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_extension(&p->leaf, EXT_SUBJECT_ALT_NAME, false, "\x30\x00", 2);
}

static void name_of_no_form(struct plan *p)
{
    spec_name(&p->leaf, 0x89, "alice");
}

static void constraints_empty(struct plan *p)
{
    p->with_middle = true;
    spec_extension(&p->middle, EXT_NAME_CONSTRAINTS, true, "\x30\x00", 2);
}

static void constraints_with_minimum(struct plan *p)
{
    static const char value[] = "\x30\x12\xa0\x10\x30\x0e\x82\x09"
                                "company.c"
                                "\x80\x01\x01";
    p->with_middle = true;
    spec_extension(&p->middle, EXT_NAME_CONSTRAINTS, true, value, sizeof value - 1);
}

static void cut_one_byte(struct plan *p)
{
    p->chain[0].n--;
}

static void truncated(struct plan *p)
{
    p->finish = cut_one_byte;
}

static void add_garbage(struct plan *p)
{
    buf_put_zero(&p->chain[0], 1);
}

static void trailing_garbage(struct plan *p)
{
    p->finish = add_garbage;
}

static void cut_middle(struct plan *p)
{
    p->chain[1].n /= 2;
}

static void middle_truncated(struct plan *p)
{
    p->with_middle = true;
    p->finish = cut_middle;
}

static void lengthen(struct plan *p)
{
    /* 30 82 xx xx -> 30 83 00 xx xx */
    struct buf b = {0};
    buf_put(&b, bytes_of("\x30\x83\x00", 3));
    buf_put(&b, bytes_of(p->chain[0].p + 2, p->chain[0].n - 2));
    buf_move(&p->chain[0], &b);
}

static void length_not_minimal(struct plan *p)
{
    p->finish = lengthen;
}

static void zero_serial(struct plan *p)
{
    p->leaf.serial = 0;
}

static void fill_chain(struct plan *p)
{
    while (p->n < LIMIT_IDENTITY_CHAIN + 1)
        plan_add_stranger(p);
}

static void huge_chain(struct plan *p)
{
    p->finish = fill_chain;
}

static void huge_certificate(struct plan *p)
{
    static uint8_t zeros[LIMIT_IDENTITY_CERTIFICATE];
    spec_extension(&p->leaf, 99, false, zeros, sizeof zeros);
}

static void nested_asn1(struct plan *p)
{
    uint8_t deep[8000];
    for (size_t i = 0; i < sizeof deep; i += 2) {
        deep[i] = 0x30;
        deep[i + 1] = 0x80; /* indefinite, over and over */
    }
    spec_extension(&p->leaf, EXT_SUBJECT_ALT_NAME, false, deep, sizeof deep);
    spec_clear_names(&p->leaf);
}

static void many_names(struct plan *p)
{
    for (unsigned i = 0; i <= LIMIT_IDENTITY_NAMES; i++)
        spec_name(&p->leaf, TAG_EMAIL, "alice@company.com");
}

static void many_extensions(struct plan *p)
{
    for (unsigned i = 0; i <= LIMIT_IDENTITY_EXTENSIONS; i++)
        spec_extension(&p->leaf, (uint8_t)(64 + i), false, "\x05\x00", 2);
}

/* Eight that could each have signed each other: the search gives up instead of trying all. */
static void add_maze(struct plan *p)
{
    plan_replace_anchor(p);
    while (p->n < LIMIT_IDENTITY_CHAIN) {
        struct spec s = p->middle;
        s.issuer = s.subject;
        s.signer = KEY_MIDDLE;
        s.serial = (uint32_t)p->n + 100;
        spec_build(&s, &p->chain[p->n++]);
    }
}

static void maze(struct plan *p)
{
    p->with_middle = true;
    p->finish = add_maze;
}

const struct identity_case identity_cases_form[] = {
    GOOD("an unknown extension, not critical", unknown_not_critical, IDENTITY_EXTERNAL,
         "company.com", ALICE),
    BAD("RSA-1024 intermediate", rsa_1024_ca, IDENTITY_WEAK),
    BAD("SHA-1", sha1, IDENTITY_WEAK),
    BAD("SHA-1 on the intermediate", sha1_on_middle, IDENTITY_WEAK),
    BAD("RSA leaf", rsa_leaf, IDENTITY_FOREIGN_KEY),
    BAD("RSA-1024 leaf", rsa_1024_leaf, IDENTITY_WEAK),
    BAD("unknown critical extension", unknown_critical, IDENTITY_CRITICAL_EXTENSION),
    BAD("unknown critical extension above", unknown_critical_in_middle,
        IDENTITY_CRITICAL_EXTENSION),
    BAD("an extension twice", extension_twice, IDENTITY_MALFORMED),
    BAD("a key identifier twice", key_id_twice, IDENTITY_MALFORMED),
    BAD("no names where names are announced", names_empty, IDENTITY_MALFORMED),
    BAD("a name of no form", name_of_no_form, IDENTITY_MALFORMED),
    BAD("empty name constraints", constraints_empty, IDENTITY_MALFORMED),
    BAD("name constraints with a minimum", constraints_with_minimum, IDENTITY_MALFORMED),
    BAD("truncated", truncated, IDENTITY_MALFORMED),
    BAD("trailing garbage", trailing_garbage, IDENTITY_MALFORMED),
    BAD("intermediate truncated", middle_truncated, IDENTITY_MALFORMED),
    BAD("length in more bytes than needed", length_not_minimal, IDENTITY_MALFORMED),
    BAD("serial number zero", zero_serial, IDENTITY_MALFORMED),
    BAD("huge chain", huge_chain, IDENTITY_TOO_LARGE),
    BAD("huge certificate", huge_certificate, IDENTITY_TOO_LARGE),
    BAD("nested ASN.1", nested_asn1, IDENTITY_MALFORMED),
    BAD("too many names", many_names, IDENTITY_TOO_LARGE),
    BAD("too many extensions", many_extensions, IDENTITY_TOO_LARGE),
    BAD("a maze of authorities", maze, IDENTITY_TOO_LARGE),
    {NULL, NULL, 0, 0, NULL, NULL},
};
