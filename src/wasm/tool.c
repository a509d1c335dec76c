/* What is needed beside a meeting: links, requests, cards, verdicts, words. */
#include <string.h>

#include "base/wipe.h"
#include "crypto/sha256.h"
#include "meeting/card.h"
#include "meeting/link.h"
#include "signal/reason.h"
#include "wasm/wasm.h"

WASM_EXPORT("error_words") int wasm_error_words(int error, struct buf *answer);
int wasm_error_words(int error, struct buf *answer)
{
    wasm_write_text(answer, conclave_error_name(error));
    wasm_write_text(answer, conclave_error_text(error));
    return buf_check(answer);
}

#define REASONS 256 /* more than there are */

/* By its name; of an unknown one that of SERVER_ERROR. */
WASM_EXPORT("reason_words")
int wasm_reason_words(const uint8_t *p, size_t n, struct buf *answer);
int wasm_reason_words(const uint8_t *p, size_t n, struct buf *answer)
{
    int found = REASON_SERVER_ERROR;
    for (int reason = 1; reason < REASONS; reason++)
        if (bytes_equal(bytes_str(reason_name(reason)), bytes_of(p, n)))
            found = reason;
    wasm_write_reason(answer, found);
    return buf_check(answer);
}

/* tls, host<V>, port, number<V>, has_secret. EINVAL. */
WASM_EXPORT("link_read") int wasm_link_read(const uint8_t *p, size_t n, struct buf *answer);
int wasm_link_read(const uint8_t *p, size_t n, struct buf *answer)
{
    char text[LINK_TEXT_MAX + 1];
    struct link link;
    struct reader r = reader_of(bytes_of(p, n));
    wasm_read_text(&r, text, sizeof text);
    int rv = reader_end(&r) != 0 ? CONCLAVE_EINVAL : link_parse(text, &link);
    if (rv != 0)
        return rv;
    write_u8(answer, link.tls);
    wasm_write_text(answer, link.host);
    write_u16(answer, link.port);
    wasm_write_text(answer, link.number);
    write_u8(answer, link.has_secret);
    link_wipe(&link);
    wipe(text, sizeof text);
    return buf_check(answer);
}

/* signer */
WASM_EXPORT("csr_make") int wasm_csr_make(const uint8_t *p, size_t n, struct buf *answer);
int wasm_csr_make(const uint8_t *p, size_t n, struct buf *answer)
{
    struct reader r = reader_of(bytes_of(p, n));
    struct crypto_signer *signer = NULL;
    int rv = wasm_read_signer(&r, &signer);
    if (rv == 0)
        rv = identity_csr_make(signer, answer);
    crypto_signer_free(signer);
    return rv;
}

/* ---- Cards ---- */

struct plan {
    char title[CARD_TITLE_MAX + 1];
    char hosts[CARD_HOSTS_MAX][IDENTITY_NAME_MAX + 1];
    char organisation[CARD_DOMAINS_MAX][IDENTITY_DOMAIN_MAX + 1];
};

static size_t read_names(struct reader *r, char *room, size_t each, const char **out, size_t max)
{
    struct reader list = read_sub(r);
    size_t n = 0;
    for (; reader_ok(&list) && reader_left(&list) != 0 && n < max; n++) {
        wasm_read_text(&list, room + n * each, each);
        out[n] = room + n * each;
    }
    if (reader_end(&list) != 0)
        reader_fail(r);
    return n;
}

static void read_terms(struct reader *r, struct plan *plan, struct card_terms *terms)
{
    wasm_read_text(r, plan->title, sizeof plan->title);
    terms->title = plan->title;
    terms->created_at = read_u64(r);
    terms->not_before = read_u64(r);
    terms->not_after = read_u64(r);
    terms->n_hosts =
        read_names(r, plan->hosts[0], sizeof plan->hosts[0], terms->hosts, CARD_HOSTS_MAX);
    terms->n_organisation = read_names(r, plan->organisation[0], sizeof plan->organisation[0],
                                       terms->organisation, CARD_DOMAINS_MAX);
    for (size_t i = 0; i < CARD_CLASSES; i++) { /* 0: as in most meetings */
        uint8_t unlocked = read_u8(r), locked = read_u8(r);
        if (unlocked != 0)
            terms->rules[i].unlocked = (enum card_admission)unlocked;
        if (locked != 0)
            terms->rules[i].locked = (enum card_admission)locked;
    }
    terms->join_before_host = read_u8(r) != 0;
    terms->auto_lock_minutes = read_u16(r);
    terms->open = read_u8(r) != 0;
    terms->server_key = read_vec(r);
    terms->provider_root = read_vec(r);
    terms->suites[0] = CRYPTO_P256_AES128GCM_SHA256_P256;
    terms->n_suites = 1;
}

/* docs/PROTOCOL.md section 2: the link without its place, and the server's H(access). */
static int write_link(const struct card *card, struct link *link, struct buf *answer)
{
    uint8_t access[LINK_DERIVED], hash[SHA256_SIZE];
    struct buf text = {0};
    memcpy(link->card_hash, card_hash(card).p, CARD_HASH);
    link->has_hash = true;
    struct bytes secret = bytes_of(link->secret, link->has_secret ? LINK_SECRET : 0);
    int rv = link_derive(secret, card_hash(card), LINK_ACCESS, access);
    if (rv == 0)
        rv = crypto_sha256(bytes_of(access, sizeof access), hash);
    if (rv == 0)
        rv = link_print(link, &text);
    if (rv == 0) {
        const uint8_t *fragment = memchr(text.p, '#', text.n);
        size_t n = fragment == NULL ? 0 : text.n - (size_t)(fragment - text.p);
        write_vec(answer, bytes_of(fragment, n));
        write_vec(answer, bytes_of(hash, sizeof hash));
        rv = buf_check(answer);
    }
    wipe(access, sizeof access);
    buf_free(&text);
    return rv;
}

static int sign_card(struct reader *r, struct crypto *crypto, struct crypto_signer *signer,
                     struct plan *plan, struct buf *answer)
{
    struct card_terms terms = card_terms_default();
    struct bytes chain[WASM_CHAIN_MAX];
    struct link link = {.tls = true, .host = "localhost", .port = 443, .number = "0000000000"};
    struct card *card = NULL;
    struct buf encoded = {0};
    size_t n = wasm_read_list(r, chain, WASM_CHAIN_MAX);
    read_terms(r, plan, &terms);
    link.has_secret = !terms.open;
    int rv = reader_end(r) != 0 ? CONCLAVE_EINVAL : 0;
    if (rv == 0)
        rv = crypto_random(crypto, terms.meeting_id, sizeof terms.meeting_id);
    if (rv == 0 && link.has_secret)
        rv = crypto_random(crypto, link.secret, sizeof link.secret);
    if (rv == 0)
        rv = card_sign(signer, chain, n, &terms, &encoded);
    if (rv == 0)
        rv = card_read(buf_view(&encoded), &card);
    if (rv == 0) {
        write_vec(answer, buf_view(&encoded));
        rv = write_link(card, &link, answer);
    }
    card_free(card);
    buf_free(&encoded);
    link_wipe(&link);
    return rv;
}

/* signer chain<V> terms; the answer: card<V> fragment<V> access_hash<V>. Errors of card_sign(). */
WASM_EXPORT("card_make") int wasm_card_make(const uint8_t *p, size_t n, struct buf *answer);
int wasm_card_make(const uint8_t *p, size_t n, struct buf *answer)
{
    struct reader r = reader_of(bytes_of(p, n));
    struct crypto_signer *signer = NULL;
    struct crypto *crypto = NULL;
    struct plan plan;
    int rv = wasm_read_signer(&r, &signer);
    if (rv == 0)
        rv = crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &crypto);
    if (rv == 0)
        rv = sign_card(&r, crypto, signer, &plan, answer);
    crypto_free(crypto);
    crypto_signer_free(signer);
    return rv;
}

/* Its title. As card_read(). */
WASM_EXPORT("card_title") int wasm_card_title(const uint8_t *p, size_t n, struct buf *answer);
int wasm_card_title(const uint8_t *p, size_t n, struct buf *answer)
{
    struct card *card = NULL;
    int rv = card_read(bytes_of(p, n), &card);
    if (rv != 0)
        return rv;
    buf_put(answer, bytes_str(card_terms(card)->title));
    card_free(card);
    return buf_check(answer);
}
