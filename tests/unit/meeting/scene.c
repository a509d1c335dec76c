#include "scene.h"

#include <string.h>

static const struct {
    enum identity_kind kind;
    const char *name;
} members[SCENE_MEMBERS] = {
    [HENRY] = {IDENTITY_USER, "henry@company.com"}, [CAROL] = {IDENTITY_USER, "carol@company.com"},
    [BOB] = {IDENTITY_USER, "bob@company.com"},     [EVE] = {IDENTITY_USER, "eve@other.example"},
    [GUS] = {IDENTITY_GUEST, MEETING_GUEST},
};

static int identify(void *ctx, const struct mls_credential *credential, struct bytes signature_key,
                    struct identity *out)
{
    const struct scene *s = ctx;
    *out = meeting_world_identify(&s->people, s->card, credential, signature_key);
    return 0;
}

/* Any PSK there is has the same value: the server does not see it, and the tests do not care. */
static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    (void)ctx;
    (void)id;
    buf_put(out, bytes_str("a key of thirty-two bytes or so."));
    return buf_check(out);
}

static int find_resumption(void *ctx, struct bytes group_id, uint64_t epoch, struct buf *out)
{
    (void)group_id;
    (void)epoch;
    return find_psk(ctx, group_id, out);
}

/* MLS asks; here the policy is to answer. */
static bool anybody_is_anybody(void *ctx, const struct mls_credential *a,
                               const struct mls_credential *b)
{
    (void)ctx;
    (void)a;
    (void)b;
    return true;
}

static void configure(struct scene *s)
{
    static const uint16_t extensions[] = {MEETING_EXT_CARD, MEETING_EXT_STATE, MEETING_EXT_NAME};
    static const uint16_t proposals[] = {SCENE_CUSTOM};
    static const uint16_t credentials[] = {MLS_BASIC, MLS_X509};
    struct mls_client_config *c = &s->mls.config;
    c->callbacks.find_psk = find_psk;
    c->callbacks.find_resumption = find_resumption;
    c->callbacks.same_identity = anybody_is_anybody;
    c->extensions = extensions;
    c->n_extensions = 3;
    c->proposals = proposals;
    c->n_proposals = 1;
    c->credentials = credentials;
    c->n_credentials = 2;
}

void scene_init(struct scene *s)
{
    *s = (struct scene){.now = MEETING_NOW + 60};
    meeting_world_init(&s->people);
    world_init_suite(&s->mls, MEETING_SUITE);
    configure(s);
    for (size_t i = HENRY; i < IMRE; i++)
        meeting_world_person(&s->people, members[i].kind, members[i].name);
    meeting_world_impostor(&s->people, members[HENRY].name);
    s->state.started_at = MEETING_NOW;
    s->judge = (struct meeting_judge){.ctx = s, .identify = identify};
    assert_int_equal(
        meeting_list_with(bytes_of(NULL, 0), bytes_str(members[CAROL].name), &s->cohosts), 0);
}

struct card_terms scene_terms(const struct scene *s)
{
    struct card_terms t = meeting_world_terms(&s->people);
    t.hosts[t.n_hosts++] = members[HENRY].name;
    return t;
}

void scene_bar(struct scene *s, struct bytes entry)
{
    struct buf list = {0};
    assert_int_equal(meeting_list_with(buf_view(&s->barred), entry, &list), 0);
    buf_move(&s->barred, &list);
}

size_t scene_actor(struct scene *s, const struct meeting_person *person)
{
    s->mls.config.signer = person->signer;
    s->mls.config.credential = meeting_person_credential(person);
    return world_actor(&s->mls);
}

/* The group id is the meeting's, the instance zero. */
static void found_group(struct scene *s)
{
    uint8_t id[MEETING_GROUP_ID] = {0};
    struct world_actor *founder = &s->mls.actor[ALICE];
    memcpy(id, card_terms(s->card)->meeting_id, CARD_ID);
    assert_int_equal(mls_group_new(founder->client, bytes_of(id, sizeof id), s->founded.list,
                                   MEETING_EXTENSIONS, MEETING_NOW, &founder->group),
                     0);
}

void scene_found(struct scene *s, const struct card_terms *terms)
{
    const struct card_terms usual = scene_terms(s);
    struct mls_change adds[SCENE_MEMBERS];
    meeting_world_set_card(&s->people, terms != NULL ? terms : &usual);
    assert_int_equal(card_read(buf_view(&s->people.card), &s->card), 0);
    s->state.cohosts = buf_view(&s->cohosts);
    s->state.barred = buf_view(&s->barred);
    assert_int_equal(meeting_extensions_init(&s->founded, s->card, &s->state), 0);
    for (size_t i = 0; i < SCENE_MEMBERS; i++)
        assert_int_equal(scene_actor(s, &s->people.person[i]), i);
    found_group(s);
    for (size_t i = 1; i < SCENE_MEMBERS; i++)
        adds[i] = world_add(&s->mls, i);
    world_commit(&s->mls, ALICE, adds + 1, SCENE_MEMBERS - 1);
    world_serve(&s->mls);
}

void scene_start(struct scene *s)
{
    scene_init(s);
    scene_found(s, NULL);
}

void scene_fini(struct scene *s)
{
    world_fini(&s->mls);
    meeting_extensions_fini(&s->founded);
    meeting_extensions_fini(&s->next);
    buf_free(&s->cohosts);
    buf_free(&s->barred);
    buf_free(&s->custom);
    card_free(s->card);
    meeting_world_fini(&s->people);
}

/* ---- Changes ---- */

struct mls_change scene_add(struct scene *s, const struct meeting_person *person)
{
    return world_add(&s->mls, scene_actor(s, person));
}

struct mls_change scene_link(const struct scene *s)
{
    return mls_external_psk(card_hash(s->card));
}

struct mls_change scene_state(struct scene *s, const struct meeting_state *next)
{
    meeting_extensions_fini(&s->next);
    assert_int_equal(meeting_extensions_init(&s->next, s->card, next), 0);
    return mls_set_extensions(s->next.list, MEETING_EXTENSIONS);
}

/* ---- What the policy says ---- */

static int check_staged(struct scene *s, const struct mls_staged *staged)
{
    s->refusal = (struct meeting_refusal){.reason = REASON_NONE};
    int rv = meeting_check_commit(s->card, staged, &s->judge, s->now, &s->refusal);
    assert_int_equal(s->refusal.reason != REASON_NONE, rv == CONCLAVE_EPOLICY);
    return rv;
}

int scene_check(struct scene *s, struct bytes commit)
{
    struct mls_received r = {0};
    int rv = mls_public_group_receive(s->mls.server, commit, WORLD_NOW, &r);
    assert_string_equal(conclave_error_name(rv), "OK");
    assert_int_equal(r.kind, MLS_RECEIVED_COMMIT);
    rv = check_staged(s, r.staged);
    mls_received_free(&r);
    return rv;
}

int scene_commit_as(struct scene *s, size_t by, const struct mls_change *changes, size_t n,
                    const struct mls_commit_options *options)
{
    struct mls_group *g = s->mls.actor[by].group;
    struct buf commit = {0};
    int rv = mls_group_commit(g, changes, n, options, WORLD_NOW, &commit);
    assert_string_equal(conclave_error_name(rv), "OK");
    rv = scene_check(s, buf_view(&commit));
    assert_int_equal(mls_group_drop_own(g), 0);
    buf_free(&commit);
    return rv;
}

int scene_commit(struct scene *s, size_t by, const struct mls_change *changes, size_t n)
{
    struct mls_change all[8];
    bool adds = false;
    assert_true(n < 8);
    for (size_t i = 0; i < n; i++) {
        all[i] = changes[i];
        adds |= changes[i].type == MLS_ADD;
    }
    all[n] = scene_link(s);
    return scene_commit_as(s, by, all, adds ? n + 1 : n, NULL);
}

/* ---- Proposals that travel by themselves ---- */

static int server_member(const void *ctx, uint32_t leaf, struct mls_member *out)
{
    return mls_public_group_member(ctx, leaf, out);
}

int scene_ask(struct scene *s, const struct mls_proposal_info *p)
{
    const struct meeting_members tree = {s->mls.server, server_member};
    struct meeting_refusal refusal = {.reason = REASON_NONE};
    struct mls_context context;
    mls_public_group_context(s->mls.server, &context);
    int rv = meeting_check_proposal(s->card, &context, &tree, p, &s->judge, s->now, &refusal);
    assert_int_equal(refusal.reason != REASON_NONE, rv == CONCLAVE_EPOLICY);
    if (rv == CONCLAVE_EPOLICY)
        assert_int_equal(refusal.proposal, p->type);
    return rv;
}

static void forget_proposals(struct scene *s)
{
    assert_int_equal(mls_public_group_clear_proposals(s->mls.server), 0);
    for (size_t i = 0; i < SCENE_MEMBERS; i++)
        assert_int_equal(mls_group_clear_proposals(s->mls.actor[i].group), 0);
}

/* Somebody else than who proposes it and whom it is about. */
static size_t committer_of(const struct mls_proposal_info *p)
{
    size_t by = BOB;
    while (by == p->leaf || (p->sender.type == MLS_SENDER_MEMBER && by == p->sender.index))
        by++;
    return by;
}

int scene_proposal(struct scene *s, struct bytes message)
{
    struct mls_received r = {0}, mine = {0};
    int rv = mls_public_group_receive(s->mls.server, message, WORLD_NOW, &r);
    assert_string_equal(conclave_error_name(rv), "OK");
    assert_int_equal(r.kind, MLS_RECEIVED_PROPOSAL);
    int alone = scene_ask(s, &r.proposal);
    size_t by = committer_of(&r.proposal);
    uint16_t type = r.proposal.type;
    assert_int_equal(mls_group_receive(s->mls.actor[by].group, message, WORLD_NOW, &mine), 0);
    const struct mls_change link = scene_link(s);
    int committed = scene_commit_as(s, by, &link, type == MLS_ADD && !s->state.ended, NULL);
    assert_int_equal(alone, committed);
    if (s->refusal.reason == REASON_NOT_ALLOWED)
        assert_int_equal(s->refusal.proposal, type);
    mls_received_free(&r);
    mls_received_free(&mine);
    forget_proposals(s);
    return committed;
}

int scene_propose(struct scene *s, size_t by, struct mls_change change)
{
    struct buf message = {0};
    assert_int_equal(mls_group_propose(s->mls.actor[by].group, &change, NULL, WORLD_NOW, &message),
                     0);
    int rv = scene_proposal(s, buf_view(&message));
    buf_free(&message);
    return rv;
}

int scene_try(struct scene *s, size_t by, struct mls_change change)
{
    int committed = scene_commit(s, by, &change, 1);
    int proposed = scene_propose(s, by, change);
    assert_int_equal(committed, proposed);
    return committed;
}

int scene_server_proposes(struct scene *s, struct mls_change change)
{
    struct mls_context context;
    struct buf message = {0};
    mls_public_group_context(s->mls.server, &context);
    assert_int_equal(
        mls_external_propose(s->people.crypto, s->people.server, 0, &context, &change, &message),
        0);
    int rv = scene_proposal(s, buf_view(&message));
    buf_free(&message);
    return rv;
}

int scene_resume(struct scene *s, size_t actor, uint32_t leaf, bool with_psk)
{
    struct bytes psk = card_hash(s->card);
    struct mls_group *joining = NULL;
    struct buf info = {0}, commit = {0};
    assert_int_equal(
        mls_group_info(s->mls.actor[ALICE].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    int rv = mls_group_join_external(s->mls.actor[actor].client, buf_view(&info), bytes_of(NULL, 0),
                                     leaf, &psk, with_psk, WORLD_NOW, &joining, &commit);
    assert_string_equal(conclave_error_name(rv), "OK");
    rv = scene_check(s, buf_view(&commit));
    mls_group_free(joining);
    buf_free(&info);
    buf_free(&commit);
    return rv;
}
