/* The meeting card: what the organiser signed is what everybody reads, and nothing else is one. */
#include "support/meeting_world.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/labels.h"
#include "crypto/sha256.h"
#include "support/alloc_fail.h"
#include "wire/writer.h"

/* ---- Signing and reading ---- */

static const char *const hosts[] = {"alice@company.com", "Henry@Company.COM", "room.company.com"};
static const char *const domains[] = {"company.com", "Company.Example"};

/* Every field set to something. */
static struct card_terms full_terms(const struct meeting_world *w)
{
    struct card_terms t = meeting_world_terms(w);
    t.title = "Ann & Ben's \xc3\xa9t\xc3\xa9 (\xf0\x9f\x8c\xb4)";
    t.suites[t.n_suites++] = CRYPTO_P384_AES256GCM_SHA384_P384;
    t.suites[t.n_suites++] = 0xfafa;
    t.not_before = 1;
    t.not_after = UINT64_MAX;
    memcpy(t.hosts, hosts, sizeof hosts);
    t.n_hosts = 3;
    memcpy(t.organisation, domains, sizeof domains);
    t.n_organisation = 2;
    t.rules[CARD_GUEST] = (struct card_rule){CARD_REFUSE, CARD_REFUSE};
    t.join_before_host = true;
    t.auto_lock_minutes = UINT16_MAX;
    return t;
}

static struct card *read_card(const struct meeting_world *w)
{
    struct card *card;
    assert_int_equal(card_read(buf_view(&w->card), &card), 0);
    return card;
}

static void what_was_signed_is_read(void **state)
{
    struct meeting_world w;
    const struct bytes *chain;
    uint8_t hash[CARD_HASH];
    (void)state;
    meeting_world_init(&w);
    const struct card_terms t = full_terms(&w);
    meeting_world_set_card(&w, &t);
    struct card *card = read_card(&w);
    const struct card_terms *r = card_terms(card);
    assert_memory_equal(r->meeting_id, t.meeting_id, CARD_ID);
    assert_string_equal(r->title, t.title);
    assert_int_equal(r->mode, CARD_E2E);
    assert_int_equal(r->n_suites, 3);
    assert_memory_equal(r->suites, t.suites, sizeof t.suites);
    assert_int_equal(r->created_at, MEETING_NOW);
    assert_int_equal(r->not_before, 1);
    assert_true(r->not_after == UINT64_MAX);
    assert_int_equal(r->n_hosts, 3);
    assert_string_equal(r->hosts[0], "alice@company.com");
    assert_string_equal(r->hosts[1], "Henry@company.com"); /* RFC 5321 2.4: as it was */
    assert_string_equal(r->hosts[2], "room.company.com");
    assert_int_equal(r->n_organisation, 2);
    assert_string_equal(r->organisation[1], "company.example");
    assert_memory_equal(r->rules, t.rules, sizeof t.rules);
    assert_true(r->join_before_host);
    assert_int_equal(r->auto_lock_minutes, UINT16_MAX);
    assert_false(r->open);
    assert_true(bytes_equal(r->server_key, t.server_key));
    assert_true(bytes_equal(r->provider_root, t.provider_root));
    assert_true(bytes_equal(card_encoded(card), buf_view(&w.card)));
    assert_int_equal(crypto_sha256(buf_view(&w.card), hash), 0);
    assert_true(bytes_equal(card_hash(card), bytes_of(hash, sizeof hash)));
    assert_int_equal(card_chain(card, &chain), 1);
    assert_true(bytes_equal(chain[0], w.organiser->chain[0]));
    card_free(card);
    meeting_world_fini(&w);
}

static void hosts_are_found_by_their_names(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    const struct card_terms t = full_terms(&w);
    meeting_world_set_card(&w, &t);
    struct card *card = read_card(&w);
    assert_true(card_is_host(card, "alice@company.com"));
    assert_true(card_is_host(card, "room.company.com"));
    assert_false(card_is_host(card, "bob@company.com"));
    assert_false(card_is_host(card, ""));
    assert_true(card_is_organiser(card, "alice@company.com"));
    assert_false(card_is_organiser(card, "room.company.com"));
    card_free(card);
    meeting_world_fini(&w);
}

static void a_shared_card_lives_until_the_last_one_lets_go(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    struct card *card = read_card(&w), *second = card_share(card);
    card_free(card);
    assert_string_equal(card_terms(second)->title, "A meeting");
    card_free(second);
    card_free(NULL);
    meeting_world_fini(&w);
}

/* ---- Each field wrong ---- */

enum field {
    VERSION,
    ID,
    TITLE,
    MODE,
    SUITES,
    CREATED,
    BEFORE,
    AFTER,
    HOSTS,
    DOMAINS,
    RULES,
    EARLY,
    AUTO_LOCK,
    OPEN,
    SERVER,
    ROOT,
    CHAIN,
    SIGNATURE,
    FIELDS
};

/* A card field by field, each as it is encoded. */
struct raw {
    struct buf field[FIELDS];
};

static void set(struct raw *raw, enum field field, struct bytes encoded)
{
    buf_clear(&raw->field[field]);
    buf_put(&raw->field[field], encoded);
}

#define SET(raw, field, literal) set(raw, field, bytes_of(literal, sizeof(literal) - 1))

/* The smallest card of the format, by hand. */
static void raw_init(struct raw *raw, const struct meeting_world *w)
{
    *raw = (struct raw){0};
    SET(raw, VERSION, "\x00\x01");
    SET(raw, ID, "sixteen bytes id");
    SET(raw, TITLE, "\x01T");
    SET(raw, MODE, "\x01");
    SET(raw, SUITES, "\x02\x00\x02");
    write_u64(&raw->field[CREATED], MEETING_NOW);
    SET(raw, BEFORE, "\0\0\0\0\0\0\0\0");
    SET(raw, AFTER, "\0\0\0\0\0\0\0\0");
    SET(raw, HOSTS,
        "\x12\x11"
        "alice@company.com");
    SET(raw, DOMAINS, "\x00");
    SET(raw, RULES, "\x01\x02\x02\x02\x01\x02\x02\x02");
    SET(raw, EARLY, "\x00");
    SET(raw, AUTO_LOCK, "\x00\x00");
    SET(raw, OPEN, "\x00");
    write_vec(&raw->field[SERVER], crypto_signer_public(w->server));
    write_vec(&raw->field[ROOT], identity_ca_certificate(w->ca));
    size_t mark = write_vec_begin(&raw->field[CHAIN]);
    write_vec(&raw->field[CHAIN], w->organiser->chain[0]);
    write_vec_end(&raw->field[CHAIN], mark);
}

static void raw_fini(struct raw *raw)
{
    for (size_t i = 0; i < FIELDS; i++)
        buf_free(&raw->field[i]);
}

/* Signed by the organiser's key, whatever it says. */
static void raw_sign(struct raw *raw, const struct meeting_world *w, struct buf *out)
{
    struct buf signature = {0};
    buf_clear(out);
    for (size_t i = 0; i < CHAIN; i++)
        buf_put(out, buf_view(&raw->field[i]));
    const struct bytes tbs = buf_view(out);
    assert_int_equal(sign_with_label(w->organiser->signer, CARD_LABEL, &tbs, 1, &signature), 0);
    buf_put(out, buf_view(&raw->field[CHAIN]));
    write_vec(out, buf_view(&signature));
    buf_free(&signature);
}

static int read_raw(struct raw *raw, const struct meeting_world *w)
{
    struct buf encoded = {0};
    struct card *card = NULL;
    raw_sign(raw, w, &encoded);
    int rv = card_read(buf_view(&encoded), &card);
    assert_int_equal(card != NULL, rv == 0);
    card_free(card);
    buf_free(&encoded);
    return rv;
}

static void the_smallest_card_is_a_card(void **state)
{
    struct meeting_world w;
    struct raw raw;
    struct buf encoded = {0};
    struct card *card;
    (void)state;
    meeting_world_init(&w);
    raw_init(&raw, &w);
    raw_sign(&raw, &w, &encoded);
    assert_int_equal(card_read(buf_view(&encoded), &card), 0);
    assert_int_equal(card_verify(card, w.public_crypto, w.anchors, NULL), 0);
    card_free(card);
    buf_free(&encoded);
    raw_fini(&raw);
    meeting_world_fini(&w);
}

static void each_field_has_its_rule(void **state)
{
#define BYTES(literal) literal, sizeof(literal) - 1
    static const struct {
        enum field field;
        const char *p;
        size_t n;
        int error;
    } wrong[] = {
        {VERSION, BYTES("\x00\x00"), CONCLAVE_EVERSION},
        {VERSION, BYTES("\x00\x02"), CONCLAVE_EVERSION},
        {TITLE, BYTES("\x00"), CONCLAVE_ESYNTAX},
        {TITLE, BYTES("\x02T\n"), CONCLAVE_ESYNTAX},
        {TITLE, BYTES("\x02T\x00"), CONCLAVE_ESYNTAX},
        {TITLE, BYTES("\x01\xff"), CONCLAVE_ESYNTAX},
        {TITLE, BYTES("\x40\x01T"), CONCLAVE_ESYNTAX},
        {TITLE, BYTES("\x03<b>"), CONCLAVE_ESYNTAX},
        {MODE, BYTES("\x00"), CONCLAVE_ESYNTAX},
        {MODE, BYTES("\x02"), 0},
        {MODE, BYTES("\x03"), CONCLAVE_ESYNTAX},
        {SUITES, BYTES("\x00"), CONCLAVE_ESYNTAX},
        {SUITES, BYTES("\x03\x00\x02\x00"), CONCLAVE_ESYNTAX},
        {SUITES, BYTES("\x10\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02"), 0},
        {SUITES, BYTES("\x12\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\x00\x02\0\2"),
         CONCLAVE_ESYNTAX},
        {SUITES, BYTES("\x02\x00\x07"), CONCLAVE_ESYNTAX}, /* whose keys are longer */
        {SUITES, BYTES("\x02\xfa\xfa"), 0},                /* whose keys nobody here knows */
        {HOSTS, BYTES("\x00"), CONCLAVE_ESYNTAX},
        {HOSTS, BYTES("\x01\x00"), CONCLAVE_ESYNTAX},
        {HOSTS, BYTES("\x02\x05x"), CONCLAVE_ESYNTAX},
        {HOSTS,
         BYTES("\x06\x05"
               "alice"),
         CONCLAVE_ESYNTAX},
        {HOSTS,
         BYTES("\x12\x11"
               "alice@Company.com"),
         CONCLAVE_ESYNTAX},
        {HOSTS,
         BYTES("\x12\x11"
               "alice@company,com"),
         CONCLAVE_ESYNTAX},
        {HOSTS, BYTES("\x2e\x2d" MEETING_GUEST), CONCLAVE_ESYNTAX},
        {DOMAINS,
         BYTES("\x0c\x0b"
               "company.com"),
         0},
        {DOMAINS,
         BYTES("\x0c\x0b"
               "Company.com"),
         CONCLAVE_ESYNTAX},
        {DOMAINS,
         BYTES("\x08\x07"
               "company"),
         CONCLAVE_ESYNTAX},
        {DOMAINS,
         BYTES("\x12\x11"
               "alice@company.com"),
         CONCLAVE_ESYNTAX},
        {DOMAINS, BYTES("\x01\x00"), CONCLAVE_ESYNTAX},
        {RULES, BYTES("\x00\x02\x02\x02\x02\x02\x02\x02"), CONCLAVE_ESYNTAX},
        {RULES, BYTES("\x02\x02\x04\x02\x02\x02\x02\x02"), CONCLAVE_ESYNTAX},
        {RULES, BYTES("\x02\x02\x02\x02\x02\x01\x02\x02"), CONCLAVE_ESYNTAX},
        {RULES, BYTES("\x02\x02\x02\x02\x02\x02\x02\x04"), CONCLAVE_ESYNTAX},
        {RULES, BYTES("\x03\x03\x03\x03\x03\x03\x03\x03"), 0},
        {EARLY, BYTES("\x02"), CONCLAVE_ESYNTAX},
        {OPEN, BYTES("\x02"), CONCLAVE_ESYNTAX},
        {SERVER, BYTES("\x00"), CONCLAVE_ESYNTAX},
        {SERVER, BYTES("\x03key"), CONCLAVE_ESYNTAX},
        {ROOT, BYTES("\x00"), 0},
        {CHAIN, BYTES("\x00"), CONCLAVE_ESYNTAX},
        {CHAIN, BYTES("\x01\x00"), CONCLAVE_ESYNTAX},
        {CHAIN, BYTES("\x02\x05x"), CONCLAVE_ESYNTAX},
        {CHAIN, BYTES("\x02\x01x"), 0}, /* no certificate: for card_verify() to see */
        {CHAIN, BYTES("\x14\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x"), 0},
        {CHAIN, BYTES("\x16\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x\1x"), CONCLAVE_ESYNTAX},
    };
    struct meeting_world w;
    struct raw raw;
    (void)state;
    meeting_world_init(&w);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        raw_init(&raw, &w);
        set(&raw, wrong[i].field, bytes_of(wrong[i].p, wrong[i].n));
        assert_int_equal(read_raw(&raw, &w), wrong[i].error);
        raw_fini(&raw);
    }
    meeting_world_fini(&w);
}

/* A list of n times the same string. */
static void repeat(struct buf *out, const char *text, size_t n)
{
    buf_clear(out);
    size_t mark = write_vec_begin(out);
    for (size_t i = 0; i < n; i++)
        write_vec(out, bytes_str(text));
    write_vec_end(out, mark);
}

static void lists_and_texts_have_limits(void **state)
{
    char title[CARD_TITLE_MAX + 2] = {0};
    struct meeting_world w;
    struct raw raw;
    (void)state;
    meeting_world_init(&w);
    raw_init(&raw, &w);
    repeat(&raw.field[HOSTS], "alice@company.com", CARD_HOSTS_MAX);
    repeat(&raw.field[DOMAINS], "company.com", CARD_DOMAINS_MAX);
    memset(title, 'x', CARD_TITLE_MAX);
    buf_clear(&raw.field[TITLE]);
    write_vec(&raw.field[TITLE], bytes_str(title));
    assert_int_equal(read_raw(&raw, &w), 0);
    repeat(&raw.field[HOSTS], "alice@company.com", CARD_HOSTS_MAX + 1);
    assert_int_equal(read_raw(&raw, &w), CONCLAVE_ESYNTAX);
    repeat(&raw.field[HOSTS], "alice@company.com", 1);
    repeat(&raw.field[DOMAINS], "company.com", CARD_DOMAINS_MAX + 1);
    assert_int_equal(read_raw(&raw, &w), CONCLAVE_ESYNTAX);
    repeat(&raw.field[DOMAINS], "company.com", 1);
    title[CARD_TITLE_MAX] = 'x';
    buf_clear(&raw.field[TITLE]);
    write_vec(&raw.field[TITLE], bytes_str(title));
    assert_int_equal(read_raw(&raw, &w), CONCLAVE_ESYNTAX);
    raw_fini(&raw);
    meeting_world_fini(&w);
}

static void a_card_has_a_limit(void **state)
{
    struct meeting_world w;
    struct raw raw;
    struct buf root = {0};
    (void)state;
    meeting_world_init(&w);
    raw_init(&raw, &w);
    buf_put_zero(&root, CARD_MAX);
    buf_clear(&raw.field[ROOT]);
    write_vec(&raw.field[ROOT], buf_view(&root));
    assert_int_equal(read_raw(&raw, &w), CONCLAVE_ELIMIT);
    root.n -= 2048;
    buf_clear(&raw.field[ROOT]);
    write_vec(&raw.field[ROOT], buf_view(&root));
    assert_int_equal(read_raw(&raw, &w), 0);
    buf_free(&root);
    raw_fini(&raw);
    meeting_world_fini(&w);
}

static void every_truncation_is_refused(void **state)
{
    struct meeting_world w;
    struct card *card = NULL;
    (void)state;
    meeting_world_init(&w);
    for (size_t n = 0; n < w.card.n; n++) {
        uint8_t *cut = malloc(n + 1); /* of its own size, so that reading beyond it is seen */
        assert_non_null(cut);
        memcpy(cut, w.card.p, n);
        assert_int_equal(card_read(bytes_of(cut, n), &card), CONCLAVE_ESYNTAX);
        free(cut);
    }
    buf_put_zero(&w.card, 1);
    assert_int_equal(card_read(buf_view(&w.card), &card), CONCLAVE_ESYNTAX);
    assert_null(card);
    meeting_world_fini(&w);
}

/* ---- Verifying ---- */

static void the_organiser_is_whom_the_chain_names(void **state)
{
    struct meeting_world w;
    struct identity organiser;
    (void)state;
    meeting_world_init(&w);
    struct card *card = read_card(&w);
    assert_int_equal(card_verify(card, w.public_crypto, w.anchors, &organiser), 0);
    assert_int_equal(organiser.category, IDENTITY_MEMBER);
    assert_string_equal(organiser.identifier, "alice@company.com");
    assert_int_equal(card_verify(card, w.crypto, w.anchors, NULL), 0);
    card_free(card);
    meeting_world_fini(&w);
}

/* Signs terms as somebody, and says what verifying gives. */
static int verify_as(struct meeting_world *w, const struct meeting_person *who,
                     const struct card_terms *terms)
{
    struct buf encoded = {0};
    struct card *card;
    struct identity organiser = {.not_after = 77};
    assert_int_equal(card_sign(who->signer, who->chain, 1, terms, &encoded), 0);
    assert_int_equal(card_read(buf_view(&encoded), &card), 0);
    int rv = card_verify(card, w->public_crypto, w->anchors, &organiser);
    assert_int_equal(organiser.not_after == 77, rv != 0);
    card_free(card);
    buf_free(&encoded);
    return rv;
}

static void only_the_first_host_may_sign(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    struct meeting_person *bob = meeting_world_person(&w, IDENTITY_USER, "bob@company.com");
    struct meeting_person *room = meeting_world_person(&w, IDENTITY_DEVICE, "room.company.com");
    struct meeting_person *guest = meeting_world_person(&w, IDENTITY_GUEST, MEETING_GUEST);
    struct meeting_person *impostor = meeting_world_impostor(&w, "alice@company.com");
    struct card_terms t = meeting_world_terms(&w);
    t.hosts[t.n_hosts++] = "bob@company.com";
    assert_int_equal(verify_as(&w, w.organiser, &t), 0);
    assert_int_equal(verify_as(&w, bob, &t), CONCLAVE_ECREDENTIAL);
    assert_int_equal(verify_as(&w, guest, &t), CONCLAVE_ECREDENTIAL);
    assert_int_equal(verify_as(&w, impostor, &t), CONCLAVE_ECREDENTIAL);
    t.hosts[0] = "room.company.com";
    assert_int_equal(verify_as(&w, room, &t), 0);
    assert_int_equal(verify_as(&w, w.organiser, &t), CONCLAVE_ECREDENTIAL);
    meeting_world_fini(&w);
}

static void the_chain_is_judged_at_the_time_of_signing(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    struct card_terms t = meeting_world_terms(&w);
    t.created_at = MEETING_NOW + 6 * MEETING_DAY;
    assert_int_equal(verify_as(&w, w.organiser, &t), 0);
    t.created_at = MEETING_NOW + 8 * MEETING_DAY;
    assert_int_equal(verify_as(&w, w.organiser, &t), CONCLAVE_ECREDENTIAL);
    t.created_at = MEETING_NOW - MEETING_DAY;
    assert_int_equal(verify_as(&w, w.organiser, &t), CONCLAVE_ECREDENTIAL);
    meeting_world_fini(&w);
}

static void standard_mode_is_not_offered(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    struct card_terms t = meeting_world_terms(&w);
    t.mode = CARD_STANDARD;
    assert_int_equal(verify_as(&w, w.organiser, &t), CONCLAVE_EPOLICY);
    meeting_world_fini(&w);
}

static void a_context_of_another_suite_does_not_verify(void **state)
{
    struct meeting_world w;
    struct crypto *other;
    (void)state;
    meeting_world_init(&w);
    struct card *card = read_card(&w);
    assert_int_equal(crypto_new_public(CRYPTO_P384_AES256GCM_SHA384_P384, &other), 0);
    assert_int_equal(card_verify(card, other, w.anchors, NULL), CONCLAVE_ESUITE);
    crypto_free(other);
    card_free(card);
    meeting_world_fini(&w);
}

static void no_byte_of_a_card_can_be_changed(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    for (size_t i = 0; i < w.card.n; i++) {
        struct card *card = NULL;
        w.card.p[i] ^= 1;
        int rv = card_read(buf_view(&w.card), &card);
        if (rv == 0)
            rv = card_verify(card, w.public_crypto, w.anchors, NULL);
        assert_int_not_equal(rv, 0);
        card_free(card);
        w.card.p[i] ^= 1;
    }
    meeting_world_fini(&w);
}

static void a_chain_that_is_no_certificate_names_nobody(void **state)
{
    struct meeting_world w;
    struct raw raw;
    struct buf encoded = {0};
    struct card *card;
    (void)state;
    meeting_world_init(&w);
    raw_init(&raw, &w);
    SET(&raw, CHAIN, "\x02\x01x");
    raw_sign(&raw, &w, &encoded);
    assert_int_equal(card_read(buf_view(&encoded), &card), 0);
    assert_int_equal(card_verify(card, w.public_crypto, w.anchors, NULL), CONCLAVE_ECREDENTIAL);
    card_free(card);
    buf_free(&encoded);
    raw_fini(&raw);
    meeting_world_fini(&w);
}

static void everybody_judges_identities_alike(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    struct card *card = read_card(&w);
    const struct identity_policy policy = card_identity_policy(card);
    assert_int_equal(policy.n_organisation, 1);
    assert_string_equal(policy.organisation[0], MEETING_DOMAIN);
    assert_int_equal(policy.usages,
                     IDENTITY_CLIENT_AUTH | IDENTITY_EMAIL_PROTECTION | IDENTITY_SERVER_AUTH);
    assert_null(policy.wanted);
    card_free(card);
    meeting_world_fini(&w);
}

/* ---- What is not signed ---- */

static void terms_that_make_no_card_are_not_signed(void **state)
{
    struct meeting_world w;
    struct card_terms t[9];
    (void)state;
    meeting_world_init(&w);
    for (size_t i = 0; i < 9; i++)
        t[i] = meeting_world_terms(&w);
    t[0].title = NULL;
    t[1].title = "two\nlines";
    t[2].n_suites = 0;
    t[3].n_suites = CARD_SUITES_MAX + 1;
    t[4].n_hosts = CARD_HOSTS_MAX + 1;
    t[5].n_organisation = CARD_DOMAINS_MAX + 1;
    t[6].hosts[0] = "alice";
    t[7].organisation[0] = "company";
    t[8].rules[CARD_MEMBER].locked = CARD_JOIN;
    for (size_t i = 0; i < 9; i++) {
        struct buf out = {0};
        assert_int_equal(card_sign(w.organiser->signer, w.organiser->chain, 1, &t[i], &out),
                         CONCLAVE_EINVAL);
        assert_int_equal(out.n, 0);
        buf_free(&out);
    }
    meeting_world_fini(&w);
}

static void a_chain_is_the_signers(void **state)
{
    struct meeting_world w;
    struct bytes many[CARD_CHAIN_MAX + 1];
    struct buf out = {0};
    (void)state;
    meeting_world_init(&w);
    const struct card_terms t = meeting_world_terms(&w);
    struct meeting_person *bob = meeting_world_person(&w, IDENTITY_USER, "bob@company.com");
    for (size_t i = 0; i <= CARD_CHAIN_MAX; i++)
        many[i] = w.organiser->chain[0];
    struct crypto_signer *alice = w.organiser->signer;
    assert_int_equal(card_sign(alice, bob->chain, 1, &t, &out), CONCLAVE_EINVAL);
    assert_int_equal(card_sign(alice, many, 0, &t, &out), CONCLAVE_EINVAL);
    assert_int_equal(card_sign(alice, many, CARD_CHAIN_MAX + 1, &t, &out), CONCLAVE_EINVAL);
    assert_int_equal(out.n, 0);
    buf_put(&out, bytes_str("before"));
    assert_int_equal(card_sign(alice, many, 2, &t, &out), 0);
    assert_memory_equal(out.p, "before", 6);
    buf_free(&out);
    meeting_world_fini(&w);
}

static int sign_read_and_verify(void *ctx)
{
    struct meeting_world *w = ctx;
    const struct card_terms t = meeting_world_terms(w);
    struct buf out = {0};
    struct card *card = NULL;
    int rv = card_sign(w->organiser->signer, w->organiser->chain, 1, &t, &out);
    if (rv != 0)
        assert_int_equal(out.n, 0);
    if (rv == 0)
        rv = card_read(buf_view(&out), &card);
    if (rv == 0)
        rv = card_verify(card, w->public_crypto, w->anchors, NULL);
    card_free(card);
    buf_free(&out);
    return rv;
}

static void every_failed_allocation_is_reported(void **state)
{
    struct meeting_world w;
    (void)state;
    meeting_world_init(&w);
    assert_true(alloc_sweep(sign_read_and_verify, &w) > 0);
    meeting_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_is_read),
        cmocka_unit_test(hosts_are_found_by_their_names),
        cmocka_unit_test(a_shared_card_lives_until_the_last_one_lets_go),
        cmocka_unit_test(the_smallest_card_is_a_card),
        cmocka_unit_test(each_field_has_its_rule),
        cmocka_unit_test(lists_and_texts_have_limits),
        cmocka_unit_test(a_card_has_a_limit),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(the_organiser_is_whom_the_chain_names),
        cmocka_unit_test(only_the_first_host_may_sign),
        cmocka_unit_test(the_chain_is_judged_at_the_time_of_signing),
        cmocka_unit_test(standard_mode_is_not_offered),
        cmocka_unit_test(a_context_of_another_suite_does_not_verify),
        cmocka_unit_test(no_byte_of_a_card_can_be_changed),
        cmocka_unit_test(a_chain_that_is_no_certificate_names_nobody),
        cmocka_unit_test(everybody_judges_identities_alike),
        cmocka_unit_test(terms_that_make_no_card_are_not_signed),
        cmocka_unit_test(a_chain_is_the_signers),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
