/* Trust, dates, uses and constraints. */
#include "cases.h"

#include "identity/der_write.h"

#define GUEST "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd430c8"

/* ---- Good ones ---- */

static void member(struct plan *p)
{
    static const char *const mine[] = {"other.example", "Company.COM"};
    p->policy.organisation = mine;
    p->policy.n_organisation = 2;
}

static void device(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_DNS, "Board-Room.Company.com");
}

static void provider(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
    spec_subtree(&p->root.permitted, TAG_EMAIL, "company.com");
    spec_subtree(&p->root.permitted, TAG_DNS, "company.com");
}

static void provider_device(struct plan *p)
{
    provider(p);
    device(p);
}

static void guest(struct plan *p)
{
    provider(p);
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_URI, GUEST);
}

static void middle(struct plan *p)
{
    p->with_middle = true;
}

static void p384_leaf(struct plan *p)
{
    p->leaf.key = p->signature_key = KEY_P384;
}

static void ed25519_leaf(struct plan *p)
{
    p->leaf.key = p->signature_key = KEY_ED25519;
}

static void p384_ca(struct plan *p)
{
    p->root.key = p->root.signer = KEY_P384;
}

static void rsa_ca(struct plan *p)
{
    p->root.key = p->root.signer = KEY_RSA_2048;
}

static void no_subject(struct plan *p)
{
    p->leaf.subject = NULL;
}

static void no_key_usage(struct plan *p)
{
    p->leaf.no_usage = true;
}

static void no_basic_constraints(struct plan *p)
{
    p->leaf.no_basic = true;
}

static void email_usage(struct plan *p)
{
    p->leaf.extended = IDENTITY_EMAIL_PROTECTION;
}

static void server_usage_allowed(struct plan *p)
{
    device(p);
    p->leaf.extended = IDENTITY_SERVER_AUTH;
    p->policy.usages |= IDENTITY_SERVER_AUTH;
}

static void idn_domain(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_EMAIL, "alice@xn--80ak6aa92e.com"); /* reads like apple.com */
}

static void last_second(struct plan *p)
{
    p->now = p->leaf.not_after;
}

static void first_second(struct plan *p)
{
    p->now = p->leaf.not_before;
}

static void two_addresses_of_one_domain(struct plan *p)
{
    spec_name(&p->leaf, TAG_EMAIL, "a.liddell@company.com");
}

static void name_twice(struct plan *p)
{
    spec_name(&p->leaf, TAG_EMAIL, "alice@COMPANY.com");
}

static void foreign_name_form(struct plan *p)
{
    spec_name(&p->leaf, 0x87, "\x0a\x01\x01\x01");
    spec_name(&p->leaf, TAG_URI, "spiffe://company.com/alice");
}

static void wanted_one_of_two(struct plan *p)
{
    spec_name(&p->leaf, TAG_EMAIL, "alice@example.org");
    p->policy.wanted = "alice@example.org";
}

static void path_length_enough(struct plan *p)
{
    p->with_middle = true;
    p->root.path_length = 1;
    p->middle.path_length = 0;
}

static void permitted_names(struct plan *p)
{
    p->with_middle = true;
    spec_subtree(&p->middle.permitted, TAG_EMAIL, "company.com");
    spec_subtree(&p->middle.permitted, TAG_DNS, "company.com");
}

static void permitted_mailbox(struct plan *p)
{
    spec_subtree(&p->root.permitted, TAG_EMAIL, "alice@Company.com");
}

static void private_with_domains(struct plan *p)
{
    p->domains[0] = "company.com";
    p->n_domains = 1;
}

static void swap(struct buf *a, struct buf *b)
{
    struct buf c = *a;
    *a = *b;
    *b = c;
}

/* leaf, stranger, root, middle */
static void shuffle(struct plan *p)
{
    plan_add_stranger(p);
    buf_put(&p->chain[p->n++], buf_view(&p->anchor));
    swap(&p->chain[1], &p->chain[2]);
    swap(&p->chain[2], &p->chain[3]);
}

static void any_order(struct plan *p)
{
    p->with_middle = true;
    p->finish = shuffle;
}

/* The middle twice: once signed by a root that nobody here trusts, and that first. */
static void add_cross(struct plan *p)
{
    struct spec s = p->middle;
    s.issuer = "Other Root";
    s.signer = KEY_SECOND;
    spec_build(&s, &p->chain[p->n++]);
    swap(&p->chain[1], &p->chain[2]);
}

static void cross_signed(struct plan *p)
{
    p->with_middle = true;
    p->finish = add_cross;
}

/* Two that sign each other and the leaf's issuer: a search could go round for ever. */
static void add_loop(struct plan *p)
{
    struct spec s = p->middle;
    s.issuer = "Loop";
    s.signer = KEY_SECOND;
    spec_build(&s, &p->chain[p->n++]);
    s.subject = "Loop";
    s.key = KEY_SECOND;
    s.issuer = p->middle.subject;
    s.signer = KEY_MIDDLE;
    spec_build(&s, &p->chain[p->n++]);
    swap(&p->chain[1], &p->chain[2]);
}

static void loop(struct plan *p)
{
    p->with_middle = true;
    p->finish = add_loop;
}

/* ---- Trust ---- */

static void wrong_root(struct plan *p)
{
    p->finish = plan_replace_anchor;
}

static void wrong_root_with_middle(struct plan *p)
{
    p->with_middle = true;
    p->finish = plan_replace_anchor;
}

static void send_root_but_trust_other(struct plan *p)
{
    buf_put(&p->chain[p->n++], buf_view(&p->anchor));
    plan_replace_anchor(p);
}

static void wrong_root_sent_along(struct plan *p)
{
    p->finish = send_root_but_trust_other;
}

/* A root that calls itself as the trusted one does. */
static void rogue_root(struct plan *p)
{
    p->leaf.signer = KEY_SECOND;
}

static void flipped_signature(struct plan *p)
{
    p->leaf.flip_signature = true;
}

static void flipped_middle_signature(struct plan *p)
{
    p->with_middle = true;
    p->middle.flip_signature = true;
}

static void drop_middle(struct plan *p)
{
    buf_clear(&p->chain[--p->n]);
}

static void missing_middle(struct plan *p)
{
    p->with_middle = true;
    p->finish = drop_middle;
}

static void self_signed(struct plan *p)
{
    p->leaf.subject = p->leaf.issuer_override = "Alice";
    p->leaf.signer = KEY_LEAF;
}

static void foreign_key(struct plan *p)
{
    p->signature_key = KEY_STRANGER;
}

static void key_of_other_kind(struct plan *p)
{
    p->signature_key = KEY_ED25519;
}

static void no_certificate(struct plan *p)
{
    p->finish = drop_middle; /* the leaf, as there is no middle */
}

/* ---- Dates ---- */

static void expired(struct plan *p)
{
    p->now = p->leaf.not_after + 1;
}

static void not_yet_valid(struct plan *p)
{
    p->now = p->leaf.not_before - 1;
}

static void middle_expired(struct plan *p)
{
    p->with_middle = true;
    p->middle.not_after = PLAN_NOW - 1;
}

static void middle_not_yet_valid(struct plan *p)
{
    p->with_middle = true;
    p->middle.not_before = PLAN_NOW + 1;
}

static void root_expired(struct plan *p)
{
    p->root.not_after = PLAN_NOW - 1;
}

static void dates_reversed(struct plan *p)
{
    p->leaf.not_before = p->leaf.not_after + 1;
}

/* ---- Use ---- */

static void server_usage_only(struct plan *p)
{
    p->leaf.extended = IDENTITY_SERVER_AUTH;
}

static void no_extended_usage(struct plan *p)
{
    p->leaf.no_extended = true;
}

static void usage_bounded_by_middle(struct plan *p)
{
    p->with_middle = true;
    p->middle.no_extended = false;
    p->middle.extended = IDENTITY_SERVER_AUTH | IDENTITY_EMAIL_PROTECTION;
}

static void key_may_not_sign(struct plan *p)
{
    p->leaf.usage = 0x20; /* keyEncipherment */
}

static void ca_as_participant(struct plan *p)
{
    p->leaf.ca = true;
    p->leaf.usage = 0x86;
}

static void middle_without_ca_flag(struct plan *p)
{
    p->with_middle = true;
    p->middle.ca = false;
}

static void middle_without_basic_constraints(struct plan *p)
{
    p->with_middle = true;
    p->middle.no_basic = true;
}

static void middle_may_not_sign_certificates(struct plan *p)
{
    p->with_middle = true;
    p->middle.usage = 0x80;
}

static void middle_without_key_usage(struct plan *p)
{
    p->with_middle = true;
    p->middle.no_usage = true;
}

static void path_too_long(struct plan *p)
{
    p->with_middle = true;
    p->root.path_length = 0;
}

/* ---- Names and who may vouch for them ---- */

static void constraint_email(struct plan *p)
{
    spec_subtree(&p->root.permitted, TAG_EMAIL, "example.org");
}

static void constraint_subdomain_only(struct plan *p)
{
    spec_subtree(&p->root.permitted, TAG_EMAIL, ".company.com");
}

static void constraint_other_mailbox(struct plan *p)
{
    spec_subtree(&p->root.permitted, TAG_EMAIL, "bob@company.com");
}

static void constraint_excluded(struct plan *p)
{
    spec_subtree(&p->root.excluded, TAG_EMAIL, "COMPANY.com");
}

static void constraint_dns(struct plan *p)
{
    device(p);
    p->with_middle = true;
    spec_subtree(&p->middle.permitted, TAG_DNS, "example.org");
}

static void constraint_dns_excluded(struct plan *p)
{
    device(p);
    spec_subtree(&p->root.excluded, TAG_DNS, "company.com");
}

static void constraint_dns_suffix(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_DNS, "room.evilcompany.com");
    spec_subtree(&p->root.permitted, TAG_DNS, "company.com");
}

static void constraint_on_second_name(struct plan *p)
{
    two_addresses_of_one_domain(p);
    spec_subtree(&p->root.permitted, TAG_EMAIL, "alice@company.com");
}

static void constraint_directory(struct plan *p)
{
    static const uint8_t other[] = {0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03,
                                    0x55, 0x04, 0x03, 0x0c, 0x03, 'B',  'o',  'b'};
    size_t mark = der_begin(&p->root.permitted, DER_SEQUENCE);
    der_put(&p->root.permitted, 0xa4, bytes_of(other, sizeof other));
    der_end(&p->root.permitted, mark);
}

static void constraint_unknown_form(struct plan *p)
{
    spec_name(&p->leaf, 0x87, "\x0a\x01\x01\x01");
    spec_subtree(&p->root.permitted, 0x87, "\x0a\x01\x01\x01\xff\xff\xff\xff");
}

static void constraint_uri(struct plan *p)
{
    guest(p);
    spec_subtree(&p->root.permitted, TAG_URI, "company.com");
}

static void provider_outside(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
    p->domains[0] = "example.org";
    p->n_domains = 1;
}

static void provider_without_domains(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
}

static void provider_subdomain(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
    p->domains[0] = "company.com";
    p->n_domains = 1;
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_EMAIL, "alice@mail.company.com");
}

static void provider_one_name_outside(struct plan *p)
{
    p->purpose = IDENTITY_PROVIDER;
    private_with_domains(p);
    wanted_one_of_two(p);
    p->policy.wanted = "alice@company.com";
}

static void private_outside(struct plan *p)
{
    p->domains[0] = "example.org";
    p->n_domains = 1;
}

static void guest_of_another_ca(struct plan *p)
{
    spec_clear_names(&p->leaf);
    spec_name(&p->leaf, TAG_URI, GUEST);
}

static void guest_and_user(struct plan *p)
{
    guest(p);
    spec_name(&p->leaf, TAG_EMAIL, "alice@company.com");
}

static void revoked(struct plan *p)
{
    p->revoke_leaf = true;
}

static void revoked_by_middle(struct plan *p)
{
    p->with_middle = true;
    p->revoke_leaf = true;
}

static void middle_revoked(struct plan *p)
{
    p->with_middle = true;
    p->revoke_middle = true;
}

const struct identity_case identity_cases_path[] = {
    GOOD("a user of another organisation", NULL, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("a user of the organisation", member, IDENTITY_MEMBER, "company.com", ALICE),
    GOOD("a device", device, IDENTITY_VERIFIED_DEVICE, "board-room.company.com",
         "board-room.company.com"),
    GOOD("a user, by the provider", provider, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("a device, by the provider", provider_device, IDENTITY_VERIFIED_DEVICE,
         "board-room.company.com", "board-room.company.com"),
    {"a guest", guest, IDENTITY_IS_GUEST, IDENTITY_UNVERIFIED, "Unverified", GUEST},
    GOOD("through an intermediate", middle, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("P-384 leaf", p384_leaf, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("Ed25519 leaf", ed25519_leaf, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("P-384 root", p384_ca, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("RSA root", rsa_ca, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("empty subject", no_subject, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("no key usage", no_key_usage, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("no basic constraints", no_basic_constraints, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("e-mail protection", email_usage, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("server usage where allowed", server_usage_allowed, IDENTITY_VERIFIED_DEVICE,
         "board-room.company.com", "board-room.company.com"),
    GOOD("a domain of another script stays an A-label", idn_domain, IDENTITY_EXTERNAL,
         "xn--80ak6aa92e.com", "alice@xn--80ak6aa92e.com"),
    GOOD("in its last second", last_second, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("in its first second", first_second, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("two addresses of one domain", two_addresses_of_one_domain, IDENTITY_EXTERNAL,
         "company.com", "a.liddell@company.com"),
    GOOD("one name twice", name_twice, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("names of other forms beside", foreign_name_form, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("the wanted one of two domains", wanted_one_of_two, IDENTITY_EXTERNAL, "example.org",
         "alice@example.org"),
    GOOD("path length just enough", path_length_enough, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("a permitted name", permitted_names, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("a permitted mailbox", permitted_mailbox, IDENTITY_EXTERNAL, "company.com", ALICE),
    GOOD("a private CA within its domains", private_with_domains, IDENTITY_EXTERNAL, "company.com",
         ALICE),
    GOOD("a chain in any order, with root and stranger", any_order, IDENTITY_EXTERNAL,
         "company.com", ALICE),
    GOOD("cross-signed, the foreign one first", cross_signed, IDENTITY_EXTERNAL, "company.com",
         ALICE),
    GOOD("authorities in a circle", loop, IDENTITY_EXTERNAL, "company.com", ALICE),
    BAD("wrong root", wrong_root, IDENTITY_NOT_TRUSTED),
    BAD("wrong root through an intermediate", wrong_root_with_middle, IDENTITY_NOT_TRUSTED),
    BAD("wrong root, sent along", wrong_root_sent_along, IDENTITY_NOT_TRUSTED),
    BAD("rogue root of the same name", rogue_root, IDENTITY_NOT_TRUSTED),
    BAD("signature changed", flipped_signature, IDENTITY_BAD_SIGNATURE),
    BAD("intermediate's signature changed", flipped_middle_signature, IDENTITY_BAD_SIGNATURE),
    BAD("intermediate missing", missing_middle, IDENTITY_NOT_TRUSTED),
    BAD("self-signed", self_signed, IDENTITY_SELF_SIGNED),
    BAD("foreign key", foreign_key, IDENTITY_FOREIGN_KEY),
    BAD("key of another kind", key_of_other_kind, IDENTITY_FOREIGN_KEY),
    BAD("no certificate", no_certificate, IDENTITY_NO_CERTIFICATE),
    BAD("expired", expired, IDENTITY_EXPIRED),
    BAD("not yet valid", not_yet_valid, IDENTITY_NOT_YET_VALID),
    BAD("intermediate expired", middle_expired, IDENTITY_EXPIRED),
    BAD("intermediate not yet valid", middle_not_yet_valid, IDENTITY_NOT_YET_VALID),
    BAD("root expired", root_expired, IDENTITY_EXPIRED),
    BAD("ends before it begins", dates_reversed, IDENTITY_MALFORMED),
    BAD("for servers only", server_usage_only, IDENTITY_WRONG_USE),
    BAD("no extended usage", no_extended_usage, IDENTITY_WRONG_USE),
    BAD("usage not among its issuer's", usage_bounded_by_middle, IDENTITY_WRONG_USE),
    BAD("key may not sign", key_may_not_sign, IDENTITY_WRONG_USE),
    BAD("a CA as participant", ca_as_participant, IDENTITY_WRONG_USE),
    BAD("intermediate without CA flag", middle_without_ca_flag, IDENTITY_NOT_A_CA),
    BAD("intermediate without basic constraints", middle_without_basic_constraints,
        IDENTITY_NOT_A_CA),
    BAD("intermediate may not sign certificates", middle_may_not_sign_certificates,
        IDENTITY_NOT_A_CA),
    BAD("intermediate without key usage", middle_without_key_usage, IDENTITY_NOT_A_CA),
    BAD("path too long", path_too_long, IDENTITY_PATH_TOO_LONG),
    BAD("e-mail domain not permitted", constraint_email, IDENTITY_NAME_CONSTRAINT),
    BAD("only subdomains permitted", constraint_subdomain_only, IDENTITY_NAME_CONSTRAINT),
    BAD("other mailbox permitted", constraint_other_mailbox, IDENTITY_NAME_CONSTRAINT),
    BAD("e-mail domain excluded", constraint_excluded, IDENTITY_NAME_CONSTRAINT),
    BAD("DNS name not permitted", constraint_dns, IDENTITY_NAME_CONSTRAINT),
    BAD("DNS name excluded", constraint_dns_excluded, IDENTITY_NAME_CONSTRAINT),
    BAD("DNS name that only ends like a permitted one", constraint_dns_suffix,
        IDENTITY_NAME_CONSTRAINT),
    BAD("second name not permitted", constraint_on_second_name, IDENTITY_NAME_CONSTRAINT),
    BAD("subject not permitted", constraint_directory, IDENTITY_NAME_CONSTRAINT),
    BAD("constraint of a form we do not compare", constraint_unknown_form,
        IDENTITY_NAME_CONSTRAINT),
    BAD("a guest under a constraint on URIs", constraint_uri, IDENTITY_NAME_CONSTRAINT),
    BAD("provider outside its domains", provider_outside, IDENTITY_NOT_DELEGATED),
    BAD("provider without domains", provider_without_domains, IDENTITY_NOT_DELEGATED),
    BAD("provider below its domain", provider_subdomain, IDENTITY_NOT_DELEGATED),
    BAD("provider with one name outside", provider_one_name_outside, IDENTITY_NOT_DELEGATED),
    BAD("private CA outside its domains", private_outside, IDENTITY_NOT_DELEGATED),
    BAD("guest of a CA that is not the provider's", guest_of_another_ca, IDENTITY_NOT_DELEGATED),
    BAD("guest and user at once", guest_and_user, IDENTITY_AMBIGUOUS_NAME),
    BAD("revoked", revoked, IDENTITY_REVOKED),
    BAD("revoked by an intermediate", revoked_by_middle, IDENTITY_REVOKED),
    BAD("intermediate revoked", middle_revoked, IDENTITY_REVOKED),
    {NULL, NULL, 0, 0, NULL, NULL},
};

static size_t count(const struct identity_case *c)
{
    size_t n = 0;
    while (c[n].name != NULL)
        n++;
    return n;
}

const struct identity_case *identity_case_at(size_t i)
{
    const struct identity_case *const tables[] = {identity_cases_path, identity_cases_names,
                                                  identity_cases_form};
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        size_t n = count(tables[t]);
        if (i < n)
            return &tables[t][i];
        i -= n;
    }
    return NULL;
}
