#include "meeting/card.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/labels.h"
#include "crypto/sha256.h"
#include "identity/certificate.h"
#include "identity/name.h"
#include "identity/text.h"

struct card {
    size_t references;
    struct buf encoded;
    uint8_t hash[CARD_HASH];
    struct card_terms terms;
    char *strings; /* of the terms, one after the other */
    size_t strings_n;
    struct bytes tbs, signature; /* views into encoded, like those of the terms */
    struct bytes chain[CARD_CHAIN_MAX];
    size_t n_chain;
};

struct card_terms card_terms_default(void)
{
    return (struct card_terms){
        .mode = CARD_E2E,
        .suites = {CRYPTO_P256_AES128GCM_SHA256_P256},
        .n_suites = 1,
        .rules = {[CARD_MEMBER] = {CARD_JOIN, CARD_LOBBY},
                  [CARD_EXTERNAL] = {CARD_LOBBY, CARD_LOBBY},
                  [CARD_DEVICE] = {CARD_JOIN, CARD_LOBBY},
                  [CARD_GUEST] = {CARD_LOBBY, CARD_LOBBY}},
    };
}

bool card_identifier_ok(struct bytes text)
{
    struct name name;
    return name_guess(text, &name) && name.kind != IDENTITY_GUEST &&
           bytes_equal(text, bytes_str(name.text));
}

static bool domain_ok(struct bytes text)
{
    char domain[IDENTITY_DOMAIN_MAX + 1];
    return domain_read(text, domain) && bytes_equal(text, bytes_str(domain));
}

/* ---- Reading: docs/PROTOCOL.md section 1, in its order ---- */

/* A copy with a terminator. There is room: in the encoding a length stands before each string. */
static const char *keep_string(struct card *card, struct bytes text)
{
    char *copy = card->strings + card->strings_n;
    if (text.n != 0)
        memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    card->strings_n += text.n + 1;
    return copy;
}

static void read_title(struct reader *r, struct card *card)
{
    struct bytes title = read_vec(r);
    if (title.n > CARD_TITLE_MAX || !text_is_plain(title))
        reader_fail(r);
    else
        card->terms.title = keep_string(card, title);
}

static void read_suites(struct reader *r, struct card_terms *terms)
{
    struct reader list = read_sub(r);
    while (reader_left(&list) != 0 && terms->n_suites < CARD_SUITES_MAX)
        terms->suites[terms->n_suites++] = read_u16(&list);
    if (reader_end(&list) != 0 || terms->n_suites == 0)
        reader_fail(r);
}

/* A list of at most max strings, each of which must be in order. Returns how many there are. */
static size_t read_strings(struct reader *r, struct card *card, bool (*ok)(struct bytes),
                           size_t max, const char **out)
{
    struct reader list = read_sub(r);
    size_t n = 0;
    while (reader_left(&list) != 0 && n < max) {
        struct bytes text = read_vec(&list);
        if (ok(text))
            out[n++] = keep_string(card, text);
        else
            reader_fail(&list);
    }
    if (reader_end(&list) != 0)
        reader_fail(r);
    return n;
}

static void read_rules(struct reader *r, struct card_rule *rules)
{
    for (size_t i = 0; i < CARD_CLASSES; i++) {
        uint8_t unlocked = read_u8(r), locked = read_u8(r);
        if (unlocked < CARD_JOIN || unlocked > CARD_REFUSE || locked < CARD_LOBBY ||
            locked > CARD_REFUSE)
            reader_fail(r);
        else
            rules[i] =
                (struct card_rule){(enum card_admission)unlocked, (enum card_admission)locked};
    }
}

/* Whether it can be a signature key of the suite; of a suite that is not known: of any. */
static bool key_fits(uint16_t suite, struct bytes key)
{
    const struct crypto_suite *s = crypto_suite_find(suite);
    return s != NULL ? key.n == s->sig_npk : key.n != 0 && key.n <= CRYPTO_PUBLIC_KEY_MAX;
}

static int read_tbs(struct reader *r, struct card *card)
{
    struct card_terms *t = &card->terms;
    const uint8_t *start = r->p;
    uint16_t version = read_u16(r);
    if (reader_ok(r) && version != CARD_VERSION)
        return CONCLAVE_EVERSION;
    struct bytes id = read_bytes(r, CARD_ID);
    if (reader_ok(r))
        memcpy(t->meeting_id, id.p, CARD_ID);
    read_title(r, card);
    t->mode = (enum card_mode)read_u8(r);
    if (t->mode != CARD_E2E && t->mode != CARD_STANDARD)
        reader_fail(r);
    read_suites(r, t);
    t->created_at = read_u64(r);
    t->not_before = read_u64(r);
    t->not_after = read_u64(r);
    t->n_hosts = read_strings(r, card, card_identifier_ok, CARD_HOSTS_MAX, t->hosts);
    if (t->n_hosts == 0)
        reader_fail(r);
    t->n_organisation = read_strings(r, card, domain_ok, CARD_DOMAINS_MAX, t->organisation);
    read_rules(r, t->rules);
    t->join_before_host = read_optional(r);
    t->auto_lock_minutes = read_u16(r);
    t->open = read_optional(r);
    t->server_key = read_vec(r);
    if (!key_fits(t->suites[0], t->server_key))
        reader_fail(r);
    t->provider_root = read_vec(r);
    card->tbs = read_since(r, start);
    return 0;
}

static void read_chain(struct reader *r, struct card *card)
{
    struct reader list = read_sub(r);
    while (reader_left(&list) != 0 && card->n_chain < CARD_CHAIN_MAX) {
        struct bytes der = read_vec(&list);
        if (der.n == 0)
            reader_fail(&list);
        card->chain[card->n_chain++] = der;
    }
    if (reader_end(&list) != 0 || card->n_chain == 0)
        reader_fail(r);
}

static int read_card(struct card *card)
{
    struct reader r = reader_of(buf_view(&card->encoded));
    int rv = read_tbs(&r, card);
    if (rv != 0)
        return rv;
    read_chain(&r, card);
    card->signature = read_vec(&r);
    rv = reader_end(&r);
    return rv != 0 ? rv : crypto_sha256(buf_view(&card->encoded), card->hash);
}

int card_read(struct bytes encoded, struct card **out)
{
    if (encoded.n == 0)
        return CONCLAVE_ESYNTAX;
    if (encoded.n > CARD_MAX)
        return CONCLAVE_ELIMIT;
    struct card *card = calloc(1, sizeof *card);
    if (card == NULL)
        return CONCLAVE_ENOMEM;
    card->references = 1;
    card->strings = malloc(encoded.n);
    buf_put(&card->encoded, encoded);
    int rv = card->strings == NULL ? CONCLAVE_ENOMEM : buf_check(&card->encoded);
    if (rv == 0)
        rv = read_card(card);
    if (rv != 0) {
        card_free(card);
        return rv;
    }
    *out = card;
    return 0;
}

struct card *card_share(const struct card *card)
{
    struct card *shared = (struct card *)card; /* all but the count stays as it is */
    shared->references++;
    return shared;
}

void card_free(struct card *card)
{
    if (card == NULL || --card->references != 0)
        return;
    buf_free(&card->encoded);
    free(card->strings);
    free(card);
}

/* ---- Looking at it ---- */

const struct card_terms *card_terms(const struct card *card)
{
    return &card->terms;
}

struct bytes card_encoded(const struct card *card)
{
    return buf_view(&card->encoded);
}

struct bytes card_hash(const struct card *card)
{
    return bytes_of(card->hash, sizeof card->hash);
}

size_t card_chain(const struct card *card, const struct bytes **out_chain)
{
    *out_chain = card->chain;
    return card->n_chain;
}

bool card_is_host(const struct card *card, const char *identifier)
{
    for (size_t i = 0; i < card->terms.n_hosts; i++)
        if (strcmp(card->terms.hosts[i], identifier) == 0)
            return true;
    return false;
}

bool card_is_organiser(const struct card *card, const char *identifier)
{
    return strcmp(card->terms.hosts[0], identifier) == 0;
}

/* Devices may have certificates of public CAs, which are good for servers only. */
struct identity_policy card_identity_policy(const struct card *card)
{
    struct identity_policy policy = identity_policy_default();
    policy.organisation = card->terms.organisation;
    policy.n_organisation = card->terms.n_organisation;
    policy.usages |= IDENTITY_SERVER_AUTH;
    return policy;
}

int card_verify(const struct card *card, struct crypto *c, const struct identity_anchors *anchors,
                struct identity *out_organiser)
{
    struct certificate signer;
    struct identity organiser;
    if (crypto_suite(c) != card->terms.suites[0])
        return CONCLAVE_ESUITE;
    if (card->terms.mode != CARD_E2E)
        return CONCLAVE_EPOLICY;
    if (certificate_read(card->chain[0], &signer) != 0)
        return CONCLAVE_ECREDENTIAL;
    int rv = verify_with_label(c, signer.key.value, CARD_LABEL, &card->tbs, 1, card->signature);
    if (rv != 0)
        return rv == CONCLAVE_EKEY ? CONCLAVE_ECREDENTIAL : rv;
    struct identity_policy policy = card_identity_policy(card);
    policy.wanted = card->terms.hosts[0];
    rv = identity_verify(anchors, card->chain, card->n_chain, signer.key.value,
                         card->terms.created_at, &policy, &organiser);
    if (rv == 0 && organiser.category == IDENTITY_UNVERIFIED)
        rv = CONCLAVE_ECREDENTIAL;
    if (rv == 0 && out_organiser != NULL)
        *out_organiser = organiser;
    return rv;
}
