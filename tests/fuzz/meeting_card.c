/* What is read as a card keeps to its limits and to one spelling, and nothing verifies it that was
 * not signed. The same bytes as a state and as a link: what is read is written back as it was. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "meeting/link.h"
#include "meeting/state.h"

static void check_terms(const struct card_terms *t)
{
    must(strlen(t->title) - 1 < CARD_TITLE_MAX);
    must(t->n_suites - 1 < CARD_SUITES_MAX && t->n_hosts - 1 < CARD_HOSTS_MAX);
    must(t->n_organisation <= CARD_DOMAINS_MAX);
    for (size_t i = 0; i < t->n_hosts; i++)
        must(card_identifier_ok(bytes_str(t->hosts[i])));
    for (size_t i = 0; i < CARD_CLASSES; i++)
        must(t->rules[i].locked != CARD_JOIN);
}

static void card(struct bytes data)
{
    struct identity_anchors *nobody = NULL;
    struct crypto *c = NULL;
    struct card *card = NULL;
    if (card_read(data, &card) != 0)
        return;
    check_terms(card_terms(card));
    must(bytes_equal(card_encoded(card), data));
    if (crypto_new_public(card_terms(card)->suites[0], &c) == 0 &&
        identity_anchors_new(&nobody) == 0)
        must(card_verify(card, c, nobody, NULL) != 0);
    identity_anchors_free(nobody);
    crypto_free(c);
    card_free(card);
}

static void state(struct bytes data)
{
    struct meeting_state s;
    struct buf again = {0};
    if (meeting_state_read(data, &s) != 0)
        return;
    must(meeting_list_count(s.cohosts) <= MEETING_COHOSTS_MAX);
    must(meeting_list_count(s.barred) <= MEETING_BARRED_MAX);
    must(meeting_state_write(&s, &again) == 0);
    must(bytes_equal(buf_view(&again), data));
    buf_free(&again);
}

/* Ports may be written in more ways than one, so it is the second time that must be the same. */
static void link_text(struct bytes data)
{
    char text[LINK_TEXT_MAX + 1] = {0};
    struct link link, again;
    struct buf first = {0}, second = {0};
    if (data.n > LINK_TEXT_MAX)
        return;
    if (data.n != 0)
        memcpy(text, data.p, data.n);
    if (link_parse(text, &link) != 0)
        return;
    must(link_print(&link, &first) == 0);
    must(link_parse((const char *)first.p, &again) == 0);
    must(link_print(&again, &second) == 0);
    must(bytes_equal(buf_view(&first), buf_view(&second)));
    buf_free(&first);
    buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    card(bytes_of(data, size));
    state(bytes_of(data, size));
    link_text(bytes_of(data, size));
    return 0;
}
