/* Meetings: their cards come in signed (docs/PROTOCOL.md section 1), and get a number. */
#include "service/meetings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meeting/card.h"
#include "service/handlers.h"

#define NUMBERS UINT64_C(10000000000) /* ten digits */
#define NUMBER_TRIES 16

/* ---- Looking at a card ---- */

static int read_card(struct call *c, struct card **out)
{
    struct buf encoded = {0};
    int rv = call_bytes(c, "card", &encoded);
    if (rv != 0)
        return rv;
    rv = card_read(buf_view(&encoded), out);
    buf_free(&encoded);
    if (rv == CONCLAVE_ESYNTAX || rv == CONCLAVE_ELIMIT)
        return call_refuse_field(c, "card");
    return call_map(c, rv, CONCLAVE_EVERSION, REASON_VERSION);
}

static int verify_card(struct call *c, const struct card *card)
{
    struct crypto *crypto;
    int rv = crypto_new_public(card_terms(card)->suites[0], &crypto);
    if (rv != 0)
        return call_map(c, rv, CONCLAVE_ESUITE, REASON_UNSUPPORTED_SUITE);
    rv = card_verify(card, crypto, c->service->anchors, NULL);
    crypto_free(crypto);
    return rv == CONCLAVE_ESIGNATURE || rv == CONCLAVE_ECREDENTIAL
               ? call_refuse(c, REASON_CARD_INVALID)
               : rv;
}

/* Cheap checks first. The signer is the asker: nobody makes meetings in another's name. */
static int check_card(struct call *c, const struct card *card)
{
    const struct service_config *config = &c->service->config;
    const struct card_terms *t = card_terms(card);
    if (t->mode != CARD_E2E)
        return call_refuse(c, REASON_STANDARD_MODE);
    if (t->suites[0] != crypto_suite(config->crypto)) /* the server's key is of this one */
        return call_refuse(c, REASON_UNSUPPORTED_SUITE);
    if (!bytes_equal(t->server_key, config->server_key) ||
        !bytes_equal(t->provider_root, identity_ca_certificate(config->ca)))
        return call_refuse(c, REASON_CARD_SERVER);
    if (t->not_after != 0 && t->not_after <= c->now)
        return call_refuse(c, REASON_EXPIRED_LINK);
    if (!card_is_organiser(card, c->who.identifier))
        return call_refuse(c, REASON_NOT_ENTITLED);
    return verify_card(c, card);
}

/* Whoever may join by the number alone shows no `access`. */
static int read_access_hash(struct call *c, bool open, struct store_meeting *m)
{
    struct buf hash = {0};
    if (open)
        return 0;
    int rv = call_bytes(c, "access_hash", &hash);
    if (rv == 0 && hash.n != sizeof m->access_hash)
        rv = call_refuse_field(c, "access_hash");
    if (rv == 0)
        memcpy(m->access_hash, hash.p, hash.n);
    buf_free(&hash);
    return rv;
}

static int fill_in(struct call *c, const struct card *card, struct store_meeting *m)
{
    const struct card_terms *t = card_terms(card);
    memcpy(m->meeting_id, t->meeting_id, sizeof m->meeting_id);
    memcpy(m->owner, c->who.identifier, sizeof m->owner);
    m->open = t->open;
    m->created_at = c->now;
    m->not_after = t->not_after;
    buf_put(&m->card, card_encoded(card));
    return buf_check(&m->card);
}

/* The row of the meeting that is asked for, all but its number. */
static int read_meeting(struct call *c, struct store_meeting *m)
{
    struct card *card;
    int rv = read_card(c, &card);
    if (rv != 0)
        return rv;
    rv = check_card(c, card);
    if (rv == 0)
        rv = read_access_hash(c, card_terms(card)->open, m);
    if (rv == 0)
        rv = fill_in(c, card, m);
    card_free(card);
    return rv;
}

/* ---- Keeping it ---- */

static int answer_number(struct call *c, const char *number, int status)
{
    char link[512];
    int n = snprintf(link, sizeof link, "%s/m/%s", c->service->base_url, number);
    if (n < 0 || (size_t)n >= sizeof link)
        return CONCLAVE_EINTERNAL;
    int rv = call_answer(c, json_pack("{s:s, s:s}", "number", number, "link_base", link));
    if (rv == 0)
        c->status = status;
    return rv;
}

/* Every number with the same chance: what is above the last whole multiple is drawn again. */
static int draw_number(struct crypto *crypto, char out[static 11])
{
    const uint64_t bound = (UINT64_C(1) << 40) / NUMBERS * NUMBERS;
    uint64_t drawn = bound;
    while (drawn >= bound) {
        uint8_t random[5];
        int rv = crypto_random(crypto, random, sizeof random);
        if (rv != 0)
            return rv;
        drawn = 0;
        for (size_t i = 0; i < sizeof random; i++)
            drawn = drawn << 8 | random[i];
    }
    (void)snprintf(out, 11, "%010llu", (unsigned long long)(drawn % NUMBERS));
    return 0;
}

static int add_numbered(struct call *c, struct store_meeting *m)
{
    int rv = CONCLAVE_EDUPLICATE;
    for (int i = 0; i < NUMBER_TRIES && rv == CONCLAVE_EDUPLICATE; i++) {
        rv = draw_number(c->service->config.crypto, m->number);
        if (rv == 0)
            rv = store_meeting_add(c->service->config.store, m);
    }
    return rv;
}

/* Under a number that it has already, or a fresh one. */
static int add_change(struct call *c, void *ctx)
{
    struct store_meeting *m = ctx;
    int rv =
        m->number[0] == '\0' ? add_numbered(c, m) : store_meeting_add(c->service->config.store, m);
    if (rv == 0)
        rv = call_audit_text(c, m->personal ? "personal-create" : "meeting-create", "meeting",
                             m->number);
    if (rv == 0)
        rv = answer_number(c, m->number, 201);
    return call_map(c, rv, CONCLAVE_EDUPLICATE, REASON_NAME_TAKEN);
}

static bool same_meeting(const struct store_meeting *a, const struct store_meeting *b)
{
    return strcmp(a->owner, b->owner) == 0 && a->personal == b->personal &&
           bytes_equal(buf_view(&a->card), buf_view(&b->card)) &&
           bytes_equal(bytes_of(a->access_hash, sizeof a->access_hash),
                       bytes_of(b->access_hash, sizeof b->access_hash));
}

/* Who asks again because the answer got lost is told it again. Refuses NAME_TAKEN if the id is that
 * of another meeting; ENOTFOUND if of none. */
static int answer_again(struct call *c, const struct store_meeting *m)
{
    struct store_meeting there;
    int rv = store_meeting_find(c->service->config.store, m->meeting_id, &there);
    if (rv != 0)
        return rv;
    rv = same_meeting(&there, m) ? answer_number(c, there.number, 200)
                                 : call_refuse(c, REASON_NAME_TAKEN);
    store_meeting_fini(&there);
    return rv;
}

static int check_quota(struct call *c)
{
    uint64_t n;
    int rv = store_meeting_count(c->service->config.store, c->who.identifier, &n);
    return rv == 0 && n >= LIMIT_SERVICE_MEETINGS ? call_refuse(c, REASON_QUOTA) : rv;
}

static int count_try(struct call *c)
{
    uint64_t token = c->who.token;
    return service_rate_take(c->service, RATE_MEETING, bytes_of(&token, sizeof token), c->now_us)
               ? 0
               : call_refuse(c, REASON_TOO_MANY);
}

int meetings_post(struct call *c)
{
    struct store_meeting m = {0};
    int rv = count_try(c);
    if (rv == 0)
        rv = call_flag(c, "personal", &m.personal);
    if (rv == 0)
        rv = read_meeting(c, &m);
    if (rv == 0)
        rv = answer_again(c, &m);
    if (rv == CONCLAVE_ENOTFOUND) {
        rv = check_quota(c);
        if (rv == 0)
            rv = call_change(c, add_change, &m);
    }
    store_meeting_fini(&m);
    return rv;
}

/* ---- The personal room: another card under the same number ---- */

static int replace_change(struct call *c, void *ctx)
{
    struct store_meeting *m = ctx;
    int rv = store_meeting_remove(c->service->config.store, m->number);
    return rv != 0 ? rv : add_change(c, m);
}

static int replace(struct call *c, struct store_meeting *m, const struct store_meeting *old)
{
    memcpy(m->number, old->number, sizeof m->number);
    int rv = meetings_end(c, m->number);
    return rv != 0 ? rv : call_change(c, replace_change, m);
}

static int put_personal(struct call *c, struct store_meeting *m)
{
    struct store_meeting old;
    int rv = store_meeting_personal(c->service->config.store, m->owner, &old);
    if (rv == CONCLAVE_ENOTFOUND)
        return call_change(c, add_change, m);
    if (rv != 0)
        return rv;
    rv = replace(c, m, &old);
    store_meeting_fini(&old);
    return rv;
}

int meeting_personal_put(struct call *c)
{
    struct store_meeting m = {.personal = true};
    int rv = count_try(c);
    if (rv == 0)
        rv = read_meeting(c, &m);
    if (rv == 0)
        rv = answer_again(c, &m);
    if (rv == CONCLAVE_ENOTFOUND)
        rv = put_personal(c, &m);
    store_meeting_fini(&m);
    return rv;
}

/* ---- Ending and removing ---- */

int meetings_end(struct call *c, const char *number)
{
    int rv = hall_end(c->service->config.hall, number, c->now_us);
    return rv == CONCLAVE_ENOTFOUND ? 0 : rv;
}

struct numbers {
    char (*number)[11];
    size_t n;
};

static bool note_number(void *ctx, const struct store_meeting *m)
{
    struct numbers *list = ctx;
    memcpy(list->number[list->n++], m->number, sizeof m->number);
    return true;
}

/* The list first: the hall writes to the store that is being walked. */
int meetings_end_of(struct call *c, const char *owner)
{
    struct numbers list = {.number = calloc(LIMIT_SERVICE_MEETINGS, sizeof *list.number)};
    if (list.number == NULL)
        return CONCLAVE_ENOMEM;
    int rv = store_meeting_each(c->service->config.store, owner, "", LIMIT_SERVICE_MEETINGS,
                                note_number, &list);
    for (size_t i = 0; rv == 0 && i < list.n; i++)
        rv = meetings_end(c, list.number[i]);
    free(list.number);
    return rv;
}

static int remove_change(struct call *c, void *ctx)
{
    const char *number = ctx;
    int rv = store_meeting_remove(c->service->config.store, number);
    return rv != 0 ? rv : call_audit_text(c, "meeting-delete", "meeting", number);
}

int meetings_remove(struct call *c, const char *number, const char *owner)
{
    struct store_meeting m;
    int rv = store_meeting_get(c->service->config.store, number, &m);
    if (rv != 0)
        return call_map(c, rv, CONCLAVE_ENOTFOUND, REASON_NO_SUCH_ENTRY);
    /* another's meeting looks like none */
    if (owner != NULL && strcmp(m.owner, owner) != 0)
        rv = call_refuse(c, REASON_NO_SUCH_ENTRY);
    if (rv == 0)
        rv = meetings_end(c, number);
    if (rv == 0)
        rv = call_change(c, remove_change, m.number);
    store_meeting_fini(&m);
    return rv;
}

int meeting_delete(struct call *c)
{
    const char *number;
    int rv = call_number(c, &number);
    return rv != 0 ? rv : meetings_remove(c, number, c->who.identifier);
}

/* ---- Lists ---- */

static bool list_one(void *ctx, const struct store_meeting *m)
{
    json_t *item = json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:o}", "number", m->number, "owner",
                             m->owner, "personal", (int)m->personal, "open", (int)m->open,
                             "created_at", call_integer(m->created_at), "not_after",
                             call_integer(m->not_after), "card", call_base64(buf_view(&m->card)));
    return page_add(ctx, item, m->number) && page_weigh(ctx, m->card.n);
}

int meetings_list(struct call *c, const char *owner)
{
    struct page page;
    int rv = page_begin(c, &page);
    if (rv != 0)
        return rv;
    rv = store_meeting_each(c->service->config.store, owner, page.after, page.max, list_one, &page);
    return page_end(c, &page, "meetings", rv);
}

int meetings_get(struct call *c)
{
    return meetings_list(c, c->who.identifier);
}
