/* Those outside: the lobby that hosts are shown, and those whom the leader is to add. Whatever the
 * server says of them is looked up in their key packages. */
#include <stdlib.h>
#include <string.h>

#include "identity/text.h"
#include "meeting/knock.h"
#include "participant/inner.h"

static void caller_fini(struct caller *c)
{
    buf_free(&c->ref);
    buf_free(&c->key_package);
    participant_verdict_release(c->verdict);
}

void participant_callers_fini(struct callers *c)
{
    for (size_t i = 0; i < c->n; i++)
        caller_fini(&c->list[i]);
    free(c->list);
    *c = (struct callers){0};
}

struct caller *participant_callers_find(struct callers *c, struct bytes ref)
{
    for (size_t i = 0; i < c->n; i++)
        if (bytes_equal(buf_view(&c->list[i].ref), ref))
            return &c->list[i];
    return NULL;
}

static void take_out(struct callers *c, size_t i)
{
    c->bytes -= c->list[i].key_package.n;
    caller_fini(&c->list[i]);
    memmove(&c->list[i], &c->list[i + 1], (c->n - i - 1) * sizeof c->list[0]);
    c->n--;
}

static int push(struct callers *c, struct caller *caller)
{
    if (c->n == c->cap) {
        size_t cap = c->cap == 0 ? 8 : 2 * c->cap;
        struct caller *grown = realloc(c->list, cap * sizeof *grown);
        if (grown == NULL)
            return CONCLAVE_ENOMEM;
        c->list = grown;
        c->cap = cap;
    }
    c->list[c->n++] = *caller;
    c->bytes += caller->key_package.n;
    return 0;
}

/* docs/PROTOCOL.md section 5, Who has the link: whoever has it sealed a name with it. */
static bool has_link(struct participant *p, const struct meeting_knock *knock)
{
    char name[PARTICIPANT_NAME_MAX + 1];
    return card_terms(p->card)->open ||
           participant_person_name(p, knock->member.signature_key, knock->member.extensions, name);
}

/* The key package, checked and judged. The peer's errors mean: not to be shown or added. EPSK: made
 * without the link's secret. */
static int read_entry(struct participant *p, const struct signal_entry *e, struct caller *out)
{
    struct meeting_knock knock;
    struct caller c = {.since = e->since};
    buf_put(&c.key_package, e->key_package);
    buf_put(&c.ref, e->ref);
    int rv = buf_check(&c.key_package) != 0 || buf_check(&c.ref) != 0 ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = meeting_knock_read(p->crypto, buf_view(&c.key_package), now_of(p), &knock);
    if (rv == 0 && !bytes_equal(e->ref, bytes_of(knock.ref, knock.ref_n)))
        rv = CONCLAVE_EKEYPACKAGE;
    if (rv == 0 && !has_link(p, &knock))
        rv = CONCLAVE_EPSK;
    if (rv == 0)
        rv = participant_realm_judge(p->realm, p->crypto, &knock.member.credential,
                                     knock.member.signature_key, now_of(p), &c.verdict);
    if (rv != 0) {
        caller_fini(&c);
        return rv;
    }
    c.signature_key = knock.member.signature_key;
    c.certificates = knock.member.credential.certificates;
    c.leaf_extensions = knock.member.extensions;
    *out = c;
    return 0;
}

static int add(struct participant *p, struct callers *to, size_t limit,
               const struct signal_entry *e)
{
    struct caller c;
    if (participant_callers_find(to, e->ref) != NULL || to->n >= limit ||
        e->key_package.n > PARTICIPANT_CALLERS_BYTES - to->bytes)
        return 0;
    int rv = read_entry(p, e, &c);
    if (rv != 0) {
        if (conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
            return rv;
        p->stats.refused++;
        if (rv == CONCLAVE_EPSK)
            participant_notify(p, PARTICIPANT_ALARM, REASON_LINK_SECRET, MLS_NO_LEAF);
        return 0;
    }
    rv = participant_wish_refresh(p, c.signature_key, buf_view(&c.key_package));
    if (rv == 0)
        rv = push(to, &c);
    if (rv != 0)
        caller_fini(&c);
    return rv;
}

int participant_door_lobby(struct participant *p, const struct signal_message *m)
{
    struct bytes added = m->entries, removed = m->refs, ref;
    struct signal_entry e;
    int rv = 0;
    if (p->group == NULL)
        return 0;
    while (signal_next_ref(&removed, &ref))
        for (size_t i = p->lobby.n; i-- > 0;)
            if (bytes_equal(buf_view(&p->lobby.list[i].ref), ref))
                take_out(&p->lobby, i);
    while (rv == 0 && signal_next_entry(&added, &e))
        rv = add(p, &p->lobby, PARTICIPANT_LOBBY_LIMIT, &e);
    participant_tell(p, PARTICIPANT_LOBBY);
    return rv;
}

/* The server asks us to add those whom the card lets in. Whether it does is for us to find out; not
 * even a host's client adds anybody else unasked. */
static bool is_welcome(const struct participant *p, const struct caller *c)
{
    struct buf entry = {0};
    bool barred = meeting_barred_entry(&c->verdict->id, c->signature_key, &entry) != 0 ||
                  meeting_list_has(p->state.barred, buf_view(&entry));
    buf_free(&entry);
    return meeting_admission(p->card, &p->state, &c->verdict->id, barred) == CARD_JOIN;
}

/* Returns how many. */
static size_t drop_unwelcome(struct participant *p)
{
    size_t n = 0;
    for (size_t i = p->joiners.n; i-- > 0;)
        if (!is_welcome(p, &p->joiners.list[i])) {
            take_out(&p->joiners, i);
            n++;
        }
    return n;
}

void participant_door_recheck(struct participant *p)
{
    (void)drop_unwelcome(p);
}

int participant_door_joiners(struct participant *p, const struct signal_message *m)
{
    struct bytes entries = m->entries;
    struct signal_entry e;
    int rv = 0;
    if (p->group == NULL || p->connection != LIVE)
        return 0;
    while (rv == 0 && signal_next_entry(&entries, &e))
        rv = add(p, &p->joiners, PARTICIPANT_JOINERS_LIMIT, &e);
    size_t refused = drop_unwelcome(p);
    p->stats.refused += refused;
    if (refused != 0)
        participant_notify(p, PARTICIPANT_ALARM, REASON_NOT_ALLOWED, MLS_NO_LEAF);
    return rv;
}

/* A new connection: the server tells anew who is outside. */
void participant_door_forget(struct participant *p)
{
    participant_callers_fini(&p->lobby);
    participant_callers_fini(&p->joiners);
    participant_tell(p, PARTICIPANT_LOBBY);
}

/* The lobby's list is the server's to change: who was added with an earlier key package may be at
 * the door again. */
void participant_door_settle(struct participant *p, struct bytes signature_key)
{
    for (size_t i = p->joiners.n; i-- > 0;)
        if (bytes_equal(p->joiners.list[i].signature_key, signature_key))
            take_out(&p->joiners, i);
    participant_wish_admitted(p, signature_key);
}

void participant_door_drop_first(struct participant *p)
{
    if (p->joiners.n != 0)
        take_out(&p->joiners, 0);
}

static bool lobby_has_like(struct participant *p, const char *name, const struct caller *but)
{
    char other[PARTICIPANT_NAME_MAX + 1];
    for (size_t i = 0; name[0] != '\0' && i < p->lobby.n && p->lobby.n <= PARTICIPANT_LIKE_LIMIT;
         i++) {
        const struct caller *c = &p->lobby.list[i];
        if (c == but)
            continue;
        participant_person_name(p, c->signature_key, c->leaf_extensions, other);
        if (text_is_alike(name, other))
            return true;
    }
    return false;
}

bool participant_lobby_next(struct participant *p, uint32_t *at, struct participant_person *out)
{
    if (*at >= p->lobby.n)
        return false;
    const struct caller *c = &p->lobby.list[(*at)++];
    *out = (struct participant_person){.leaf = MLS_NO_LEAF,
                                       .connected = true,
                                       .certificates = c->certificates,
                                       .ref = buf_view(&c->ref),
                                       .since = c->since,
                                       .identity = c->verdict->id};
    participant_person_name(p, c->signature_key, c->leaf_extensions, out->name);
    out->same_name =
        participant_roster_has_like(p, out->name, MLS_NO_LEAF) || lobby_has_like(p, out->name, c);
    return true;
}
