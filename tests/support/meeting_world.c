#include "support/meeting_world.h"

#include <string.h>

#define WEEK (7 * MEETING_DAY)

static const char *const domains[] = {MEETING_DOMAIN, MEETING_OTHER_DOMAIN};

/* A scalar that counts up is a key as good as any, to a test. */
static struct crypto_signer *make_key(struct meeting_world *w, uint16_t number)
{
    uint8_t scalar[32] = {0x42, [30] = (uint8_t)(number >> 8), [31] = (uint8_t)number};
    struct crypto_signer *signer;
    assert_int_equal(
        crypto_signer_from_private(w->crypto, bytes_of(scalar, sizeof scalar), &signer), 0);
    return signer;
}

static struct identity_ca *make_ca(struct meeting_world *w, const char *name)
{
    const struct identity_ca_config config = {.name = name, .domains = domains, .n_domains = 2};
    struct identity_ca *ca;
    assert_int_equal(identity_ca_new(w->crypto, &config, w->now - MEETING_DAY, &ca), 0);
    return ca;
}

/* Takes over the signer. */
static struct meeting_person *add_person(struct meeting_world *w, struct crypto_signer *signer,
                                         struct identity_ca *ca, enum identity_kind kind,
                                         const char *name)
{
    const struct identity_subject subject = {.kind = kind, .name = name};
    struct buf request = {0};
    assert_true(w->n < MEETING_PEOPLE_MAX);
    struct meeting_person *p = &w->person[w->n++];
    *p = (struct meeting_person){.name = name, .signer = signer};
    assert_int_equal(identity_csr_make(signer, &request), 0);
    assert_int_equal(
        identity_ca_issue(ca, buf_view(&request), &subject, w->now, WEEK, &p->certificate), 0);
    p->chain[0] = buf_view(&p->certificate);
    assert_int_equal(mls_certificates_encode(p->chain, 1, &p->encoded), 0);
    buf_free(&request);
    return p;
}

struct meeting_person *meeting_world_person(struct meeting_world *w, enum identity_kind kind,
                                            const char *name)
{
    return add_person(w, make_key(w, (uint16_t)(w->n + 1)), w->ca, kind, name);
}

struct meeting_person *meeting_world_impostor(struct meeting_world *w, const char *name)
{
    return add_person(w, make_key(w, (uint16_t)(w->n + 1)), w->stranger, IDENTITY_USER, name);
}

struct meeting_person *meeting_world_renew(struct meeting_world *w,
                                           const struct meeting_person *person,
                                           enum identity_kind kind, const char *name)
{
    uint16_t number = (uint16_t)(person - w->person + 1);
    return add_person(w, make_key(w, number), w->ca, kind, name);
}

struct mls_credential meeting_person_credential(const struct meeting_person *person)
{
    return (struct mls_credential){.type = MLS_X509, .certificates = buf_view(&person->encoded)};
}

struct card_terms meeting_world_terms(const struct meeting_world *w)
{
    struct card_terms t = card_terms_default();
    memcpy(t.meeting_id, "one test meeting", CARD_ID);
    t.title = "A meeting";
    t.created_at = w->now;
    t.hosts[t.n_hosts++] = w->organiser->name;
    t.organisation[t.n_organisation++] = MEETING_DOMAIN;
    t.server_key = crypto_signer_public(w->server);
    t.provider_root = identity_ca_certificate(w->ca);
    return t;
}

void meeting_world_set_card(struct meeting_world *w, const struct card_terms *terms)
{
    struct card *card;
    buf_clear(&w->card);
    assert_int_equal(card_sign(w->organiser->signer, w->organiser->chain, 1, terms, &w->card), 0);
    assert_int_equal(card_read(buf_view(&w->card), &card), 0);
    w->link = (struct link){.host = "localhost",
                            .port = 80,
                            .number = MEETING_LINK_NUMBER,
                            .has_secret = !terms->open,
                            .has_hash = true};
    if (!terms->open)
        memset(w->link.secret, 0x5e, LINK_SECRET);
    memcpy(w->link.card_hash, card_hash(card).p, CARD_HASH);
    card_free(card);
}

void meeting_world_link_text(const struct meeting_world *w, struct buf *out)
{
    assert_int_equal(link_print(&w->link, out), 0);
}

void meeting_world_init_at(struct meeting_world *w, uint64_t now)
{
    const struct identity_anchor provider = {.purpose = IDENTITY_PROVIDER};
    *w = (struct meeting_world){.now = now};
    assert_int_equal(crypto_new(MEETING_SUITE, &w->crypto), 0);
    assert_int_equal(crypto_new_public(MEETING_SUITE, &w->public_crypto), 0);
    w->ca = make_ca(w, "The provider");
    w->stranger = make_ca(w, "A stranger");
    assert_int_equal(identity_anchors_new(&w->anchors), 0);
    assert_int_equal(identity_anchors_add(w->anchors, &provider, identity_ca_certificate(w->ca)),
                     0);
    w->server = make_key(w, UINT8_MAX);
    w->organiser = meeting_world_person(w, IDENTITY_USER, "alice@" MEETING_DOMAIN);
    const struct card_terms terms = meeting_world_terms(w);
    meeting_world_set_card(w, &terms);
}

void meeting_world_init(struct meeting_world *w)
{
    meeting_world_init_at(w, MEETING_NOW);
}

void meeting_world_fini(struct meeting_world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        crypto_signer_free(w->person[i].signer);
        buf_free(&w->person[i].certificate);
        buf_free(&w->person[i].encoded);
    }
    buf_free(&w->card);
    link_wipe(&w->link);
    crypto_signer_free(w->server);
    identity_anchors_free(w->anchors);
    identity_ca_free(w->ca);
    identity_ca_free(w->stranger);
    crypto_free(w->crypto);
    crypto_free(w->public_crypto);
}

struct identity meeting_world_identify(const struct meeting_world *w, const struct card *card,
                                       const struct mls_credential *credential,
                                       struct bytes signature_key)
{
    const struct identity_policy policy = card_identity_policy(card);
    struct bytes rest = credential->certificates, chain[CARD_CHAIN_MAX];
    struct identity id;
    size_t n = 0;
    while (n < CARD_CHAIN_MAX && mls_certificate_next(&rest, &chain[n]))
        n++;
    assert_int_equal(identity_verify(w->anchors, chain, n, signature_key, w->now, &policy, &id), 0);
    return id;
}
