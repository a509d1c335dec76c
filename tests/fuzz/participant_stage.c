#include "fuzz/participant_stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meeting/knock.h"

#define ACTORS 4
#define BOB 1 /* who is kept */
#define NOTHING bytes_of(NULL, 0)
#define DOMAIN "company.com"

struct actor {
    struct crypto_signer *signer;
    struct buf certificate;
    struct bytes chain[1];
    struct participant_trust *trust;
    struct participant *p;
    bool is_in;
};

struct play {
    struct stage *stage;
    struct crypto *crypto;
    struct identity_ca *ca;
    struct crypto_signer *server;
    struct actor actor[ACTORS];
    struct buf link;
    uint64_t now_us;
    bool records;
    struct buf entries, welcome, tree; /* of whoever came last */
};

void stage_must_hold(bool holds, const char *what, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

/* ---- The server ---- */

static void record(struct play *p, struct bytes frame)
{
    if (p->stage->n_frames < STAGE_FRAMES)
        buf_put(&p->stage->frames[p->stage->n_frames++], frame);
}

static void deliver(struct play *p, size_t to, const struct signal_message *m)
{
    struct buf frame = {0};
    MUST_HOLD(signal_write(m, &frame) == 0);
    if (to == BOB && p->records)
        record(p, buf_view(&frame));
    if (p->actor[to].p != NULL)
        MUST_HOLD(participant_input(p->actor[to].p,
                                    &(struct participant_input){.kind = PARTICIPANT_FRAME,
                                                                .frame = buf_view(&frame)},
                                    p->now_us) == 0);
    buf_free(&frame);
}

static void deliver_all(struct play *p, enum signal_type type, struct bytes body)
{
    for (size_t i = 0; i < ACTORS; i++)
        if (p->actor[i].is_in)
            deliver(p, i, &(struct signal_message){.type = type, .body = body});
}

static void put_entry(const struct play *p, struct bytes key_package, struct buf *out)
{
    struct meeting_knock knock;
    MUST_HOLD(meeting_knock_read(p->crypto, key_package, p->now_us / SECOND_US, &knock) == 0);
    signal_put_entry(out, &(struct signal_entry){.ref = bytes_of(knock.ref, knock.ref_n),
                                                 .key_package = key_package,
                                                 .since = STAGE_NOW});
}

/* Whoever knocks is shown to a host and handed to the leader. */
static void knocked(struct play *p, struct bytes key_package)
{
    buf_clear(&p->entries);
    put_entry(p, key_package, &p->entries);
    const struct bytes entries = buf_view(&p->entries);
    if (p->records)
        deliver(p, BOB, &(struct signal_message){.type = SIGNAL_LOBBY, .entries = entries});
    deliver(p, 0, &(struct signal_message){.type = SIGNAL_JOINERS, .entries = entries});
}

static void welcomed(struct play *p, struct bytes welcome)
{
    buf_clear(&p->welcome);
    buf_put(&p->welcome, welcome);
    MUST_HOLD(mls_group_tree(p->actor[0].p->group, &p->tree) == 0);
    for (size_t i = 0; i < ACTORS; i++)
        if (!p->actor[i].is_in && p->actor[i].p != NULL) {
            p->actor[i].is_in = true;
            deliver(p, i,
                    &(struct signal_message){.type = SIGNAL_WELCOMED,
                                             .body = buf_view(&p->welcome),
                                             .tree = buf_view(&p->tree)});
        }
}

static void receive(struct play *p, size_t from, struct bytes frame)
{
    static const uint8_t nonce[SIGNAL_NONCE] = {1};
    struct signal_message m;
    MUST_HOLD(signal_read(frame, &m) == 0);
    switch (m.type) {
    case SIGNAL_HELLO:
        deliver(p, from,
                &(struct signal_message){.type = SIGNAL_CHALLENGE,
                                         .version = SIGNAL_VERSION,
                                         .nonce = bytes_of(nonce, sizeof nonce),
                                         .server_time = p->now_us / SECOND_US,
                                         .running = from != 0,
                                         .card = buf_view(&p->stage->card)});
        break;
    case SIGNAL_FOUND:
        p->actor[from].is_in = true;
        deliver(p, from, &(struct signal_message){.type = SIGNAL_LIVE});
        break;
    case SIGNAL_KNOCK:
        knocked(p, m.body);
        break;
    case SIGNAL_COMMIT:
        deliver_all(p, SIGNAL_COMMITTED, m.body);
        break;
    case SIGNAL_WELCOME:
        welcomed(p, m.body);
        break;
    case SIGNAL_PROPOSE:
        deliver_all(p, SIGNAL_PROPOSED, m.body);
        break;
    case SIGNAL_APP:
        deliver_all(p, SIGNAL_APP_FROM, m.body);
        break;
    default:
        break;
    }
}

/* ---- The members ---- */

static void keep(struct play *p, const struct participant_effect *e)
{
    struct stage *s = p->stage;
    if (p->records)
        return;
    if (e->kind == PARTICIPANT_SAVE_SNAPSHOT) {
        buf_clear(&s->snapshot);
        buf_put(&s->snapshot, e->data);
        while (s->n_deltas != 0)
            buf_free(&s->deltas[--s->n_deltas]);
    } else if (e->kind == PARTICIPANT_SAVE_DELTA) {
        MUST_HOLD(s->n_deltas < STAGE_DELTAS);
        buf_put(&s->deltas[s->n_deltas++], e->data);
    }
}

/* In what epoch everybody is. */
static void note_epoch(struct play *p)
{
    struct stage *s = p->stage;
    const struct participant *alice = p->actor[0].p;
    if (alice->group == NULL || alice->founding || mls_group_epoch(alice->group) < s->n_epochs)
        return;
    MUST_HOLD(s->n_epochs < STAGE_EPOCHS);
    struct stage_epoch *e = &s->epochs[s->n_epochs++];
    buf_put(&e->authenticator, mls_group_epoch_authenticator(alice->group));
    buf_put(&e->state, buf_view(&alice->state_data));
}

static bool carry_out(struct play *p, size_t i)
{
    struct participant_effect e;
    struct buf frame = {0};
    if (p->actor[i].p == NULL || !participant_next(p->actor[i].p, &e))
        return false;
    if (i == BOB)
        keep(p, &e);
    if (e.kind == PARTICIPANT_CONNECT) {
        MUST_HOLD(participant_input(p->actor[i].p,
                                    &(struct participant_input){.kind = PARTICIPANT_CONNECTED},
                                    p->now_us) == 0);
    } else if (e.kind == PARTICIPANT_SEND) {
        buf_put(&frame, e.data);
        receive(p, i, buf_view(&frame));
        buf_free(&frame);
    }
    note_epoch(p);
    return true;
}

static void settle(struct play *p)
{
    bool busy = true;
    while (busy) {
        busy = false;
        for (size_t i = 0; i < ACTORS; i++)
            while (carry_out(p, i))
                busy = true;
    }
}

static void run(struct play *p, unsigned tenths)
{
    for (; tenths != 0; tenths--) {
        p->now_us += SECOND_US / 10;
        for (size_t i = 0; i < ACTORS; i++)
            if (p->actor[i].p != NULL && participant_deadline(p->actor[i].p) <= p->now_us)
                MUST_HOLD(participant_tick(p->actor[i].p, p->now_us) == 0);
        settle(p);
    }
}

static struct participant_config configuration(const struct play *p, const struct actor *a)
{
    return (struct participant_config){.link = (const char *)p->link.p,
                                       .name = "Somebody",
                                       .signer = a->signer,
                                       .chain = a->chain,
                                       .n_chain = 1,
                                       .trust = a->trust,
                                       .persist = true,
                                       .seed = 1};
}

static void make_actor(struct play *p, size_t i, const char *name)
{
    struct actor *a = &p->actor[i];
    const struct identity_subject subject = {.kind = IDENTITY_USER, .name = name};
    const uint8_t scalar[32] = {0x42, [31] = (uint8_t)(i + 1)};
    struct buf request = {0};
    MUST_HOLD(crypto_signer_from_private(p->crypto, bytes_of(scalar, sizeof scalar), &a->signer) ==
              0);
    MUST_HOLD(identity_csr_make(a->signer, &request) == 0);
    MUST_HOLD(identity_ca_issue(p->ca, buf_view(&request), &subject, STAGE_NOW, 86400,
                                &a->certificate) == 0);
    a->chain[0] = buf_view(&a->certificate);
    MUST_HOLD(participant_trust_new(&a->trust) == 0);
    buf_free(&request);
}

static void enter(struct play *p, size_t i)
{
    const struct participant_config config = configuration(p, &p->actor[i]);
    MUST_HOLD(participant_new(&config, p->now_us, &p->actor[i].p) == 0);
    settle(p);
    run(p, 5);
    MUST_HOLD(participant_phase(p->actor[i].p) == PARTICIPANT_IN_MEETING);
}

static void make_card(struct play *p)
{
    struct card_terms terms = card_terms_default();
    struct link link = {.host = "localhost",
                        .port = 80,
                        .number = "0123456789",
                        .has_secret = true,
                        .has_hash = true};
    struct card *card = NULL;
    memcpy(terms.meeting_id, "one fuzz meeting", CARD_ID);
    terms.title = "A meeting";
    terms.created_at = STAGE_NOW;
    terms.hosts[terms.n_hosts++] = "alice@" DOMAIN;
    terms.organisation[terms.n_organisation++] = DOMAIN;
    terms.server_key = crypto_signer_public(p->server);
    terms.provider_root = identity_ca_certificate(p->ca);
    MUST_HOLD(card_sign(p->actor[0].signer, p->actor[0].chain, 1, &terms, &p->stage->card) == 0);
    MUST_HOLD(card_read(buf_view(&p->stage->card), &card) == 0);
    memcpy(link.card_hash, card_hash(card).p, CARD_HASH);
    MUST_HOLD(link_print(&link, &p->link) == 0);
    card_free(card);
}

static void set_up(struct play *p)
{
    static const char *const names[ACTORS] = {"alice@" DOMAIN, "bob@" DOMAIN, "carol@" DOMAIN,
                                              "dan@" DOMAIN};
    static const char *const domains[] = {DOMAIN};
    const struct identity_ca_config config = {
        .name = "The provider", .domains = domains, .n_domains = 1};
    const uint8_t scalar[32] = {0x42, [31] = 99};
    MUST_HOLD(crypto_new(CRYPTO_P256_AES128GCM_SHA256_P256, &p->crypto) == 0);
    MUST_HOLD(identity_ca_new(p->crypto, &config, STAGE_NOW - 60, &p->ca) == 0);
    MUST_HOLD(crypto_signer_from_private(p->crypto, bytes_of(scalar, sizeof scalar), &p->server) ==
              0);
    for (size_t i = 0; i < ACTORS; i++)
        make_actor(p, i, names[i]);
    make_card(p);
}

/* What the meeting above had no use for. */
static void record_the_rest(struct play *p)
{
    static const uint8_t some[32] = {1};
    struct mls_context context;
    struct buf info = {0}, tree = {0}, removal = {0}, presence = {0};
    struct mls_group *g = p->actor[0].p->group;
    const struct mls_change change = mls_remove(2);
    p->actor[BOB].p = NULL; /* it is only to be recorded */
    mls_group_context(g, &context);
    MUST_HOLD(mls_group_info(g, MLS_INFO_EXTERNAL_PUB, &info) == 0);
    MUST_HOLD(mls_group_tree(g, &tree) == 0);
    MUST_HOLD(mls_external_propose(p->crypto, p->server, 0, &context, &change, &removal) == 0);
    signal_put_presence(&presence, (struct signal_presence){.leaf = 0, .connected = false});
    const struct signal_message rest[] = {
        {.type = SIGNAL_CHALLENGE,
         .version = SIGNAL_VERSION,
         .nonce = bytes_of(some, 32),
         .server_time = STAGE_NOW,
         .running = true,
         .card = buf_view(&p->stage->card)},
        {.type = SIGNAL_LIVE, .epoch = p->stage->epoch, .leaf = p->stage->leaf},
        {.type = SIGNAL_WAITING, .waiting = SIGNAL_WAIT_LOBBY},
        {.type = SIGNAL_JOINERS, .entries = buf_view(&p->entries)},
        {.type = SIGNAL_WELCOMED, .body = buf_view(&p->welcome), .tree = buf_view(&p->tree)},
        {.type = SIGNAL_INFO_OF, .body = buf_view(&info), .tree = buf_view(&tree)},
        {.type = SIGNAL_PROPOSED, .body = buf_view(&removal)},
        {.type = SIGNAL_PRESENCE, .presence = buf_view(&presence)},
        {.type = SIGNAL_REJECTED, .epoch = p->stage->epoch, .reason = REASON_NOT_ALLOWED},
        {.type = SIGNAL_UNDONE, .epoch = p->stage->epoch, .leaf = 2},
        {.type = SIGNAL_INFO_REQUEST},
        {.type = SIGNAL_TAKEN},
        {.type = SIGNAL_FAULT, .reason = REASON_OUT_OF_REACH},
        {.type = SIGNAL_FAULT, .reason = REASON_NOT_A_MEMBER},
        {.type = SIGNAL_FAULT, .reason = REASON_SERVER_ERROR},
        {.type = SIGNAL_MEDIA_OF, .body = bytes_of(some, 32)},
    };
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        deliver(p, BOB, &rest[i]);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&removal);
    buf_free(&presence);
}

/* Alice founds, bob becomes a co-host, and is saved. Then people talk, come, lock and leave. */
static void perform(struct play *p)
{
    struct participant *alice, *bob;
    for (size_t i = 0; i < 3; i++)
        enter(p, i);
    alice = p->actor[0].p;
    bob = p->actor[BOB].p;
    MUST_HOLD(participant_make_cohost(alice, mls_group_own_leaf(bob->group), true, p->now_us) == 0);
    settle(p);
    run(p, 40);
    MUST_HOLD(participant_role_own(bob) == MEETING_COHOST);
    p->stage->saved_us = p->now_us;
    p->stage->epoch = mls_group_epoch(bob->group);
    p->stage->leaf = mls_group_own_leaf(bob->group);
    p->records = true;
    MUST_HOLD(participant_say(alice, "Hello!", NULL, p->now_us) == 0);
    MUST_HOLD(participant_raise_hand(p->actor[2].p, true, p->now_us) == 0);
    settle(p);
    run(p, 40);
    enter(p, 3);
    MUST_HOLD(participant_lock(alice, true, p->now_us) == 0);
    settle(p);
    run(p, 5);
    MUST_HOLD(participant_leave(p->actor[2].p, p->now_us) == 0);
    settle(p);
    run(p, 30);
    MUST_HOLD(mls_group_member_count(alice->group) == 3);
    struct participant *kept = bob;
    record_the_rest(p);
    p->actor[BOB].p = kept;
}

static struct play play;

const struct stage *participant_stage(void)
{
    static struct stage stage;
    if (play.stage != NULL)
        return &stage;
    play = (struct play){.stage = &stage, .now_us = STAGE_NOW * SECOND_US};
    set_up(&play);
    perform(&play);
    for (size_t i = 0; i < ACTORS; i++) {
        participant_free(play.actor[i].p);
        play.actor[i].p = NULL;
    }
    return &stage;
}

struct participant *participant_stage_member(void)
{
    const struct stage *s = participant_stage();
    const struct participant_config config = configuration(&play, &play.actor[BOB]);
    struct bytes deltas[STAGE_DELTAS];
    struct participant *p = NULL;
    for (size_t i = 0; i < s->n_deltas; i++)
        deltas[i] = buf_view(&s->deltas[i]);
    MUST_HOLD(participant_restore(&config, buf_view(&s->snapshot), deltas, s->n_deltas, s->saved_us,
                                  &p) == 0);
    return p;
}
