#include "crypto/labels.h"
#include "identity/certificate.h"
#include "identity/name.h"
#include "meeting/card.h"
#include "wire/writer.h"

/* A host as all will compare it: the domain in lower case. What is no name is written as it is, for
 * card_read() to refuse. */
static void write_host(struct buf *b, const char *host)
{
    struct name name;
    write_vec(b, bytes_str(name_guess(bytes_str(host), &name) ? name.text : host));
}

static void write_domain(struct buf *b, const char *text)
{
    char domain[IDENTITY_DOMAIN_MAX + 1];
    write_vec(b, bytes_str(domain_read(bytes_str(text), domain) ? domain : text));
}

/* docs/PROTOCOL.md section 1: MeetingCardTBS. Counts are within their limits. */
static void write_tbs(struct buf *b, const struct card_terms *t)
{
    write_u16(b, CARD_VERSION);
    buf_put(b, bytes_of(t->meeting_id, CARD_ID));
    write_vec(b, bytes_str(t->title));
    write_u8(b, (uint8_t)t->mode);
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < t->n_suites; i++)
        write_u16(b, t->suites[i]);
    write_vec_end(b, mark);
    write_u64(b, t->created_at);
    write_u64(b, t->not_before);
    write_u64(b, t->not_after);
    mark = write_vec_begin(b);
    for (size_t i = 0; i < t->n_hosts; i++)
        write_host(b, t->hosts[i]);
    write_vec_end(b, mark);
    mark = write_vec_begin(b);
    for (size_t i = 0; i < t->n_organisation; i++)
        write_domain(b, t->organisation[i]);
    write_vec_end(b, mark);
    for (size_t i = 0; i < CARD_CLASSES; i++) {
        write_u8(b, (uint8_t)t->rules[i].unlocked);
        write_u8(b, (uint8_t)t->rules[i].locked);
    }
    write_u8(b, t->join_before_host);
    write_u16(b, t->auto_lock_minutes);
    write_u8(b, t->open);
    write_vec(b, t->server_key);
    write_vec(b, t->provider_root);
}

static bool counts_ok(const struct card_terms *t, size_t n_chain)
{
    return t->title != NULL && t->n_suites <= CARD_SUITES_MAX && t->n_hosts <= CARD_HOSTS_MAX &&
           t->n_organisation <= CARD_DOMAINS_MAX && n_chain != 0 && n_chain <= CARD_CHAIN_MAX;
}

/* Whether the chain is for the signer's key. */
static bool is_signers(const struct crypto_signer *signer, struct bytes der)
{
    struct certificate c;
    return certificate_read(der, &c) == 0 && bytes_equal(c.key.value, crypto_signer_public(signer));
}

/* What was made must read: one place knows the rules. */
static int check(struct bytes encoded)
{
    struct card *card = NULL;
    int rv = card_read(encoded, &card);
    card_free(card);
    return conclave_error_class(rv) == CONCLAVE_CLASS_PEER ? CONCLAVE_EINVAL : rv;
}

int card_sign(struct crypto_signer *signer, const struct bytes *chain, size_t n_chain,
              const struct card_terms *terms, struct buf *out)
{
    struct buf card = {0}, signature = {0};
    if (!counts_ok(terms, n_chain) || !is_signers(signer, chain[0]))
        return CONCLAVE_EINVAL;
    write_tbs(&card, terms);
    int rv = buf_check(&card);
    struct bytes tbs = buf_view(&card);
    if (rv == 0)
        rv = sign_with_label(signer, CARD_LABEL, &tbs, 1, &signature);
    if (rv != 0)
        goto out;
    size_t mark = write_vec_begin(&card);
    for (size_t i = 0; i < n_chain; i++)
        write_vec(&card, chain[i]);
    write_vec_end(&card, mark);
    write_vec(&card, buf_view(&signature));
    rv = buf_check(&card);
    if (rv == 0)
        rv = check(buf_view(&card));
    if (rv == 0)
        rv = buf_reserve(out, card.n);
    if (rv == 0)
        buf_put(out, buf_view(&card));
out:
    buf_free(&card);
    buf_free(&signature);
    return rv;
}
