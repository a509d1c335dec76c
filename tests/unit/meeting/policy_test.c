/* The table of docs/PROTOCOL.md section 4, row by row: what it allows is allowed, what it does not
 * is refused, committed by its author as well as proposed and committed by another. */
#include "scene.h"

#include "support/alloc_fail.h"

static struct meeting_state unlocked(const struct scene *s)
{
    struct meeting_state next = s->state;
    next.locked = false;
    return next;
}

static struct meeting_state locked(const struct scene *s)
{
    struct meeting_state next = s->state;
    next.locked = true;
    return next;
}

/* ---- Add ---- */

static const struct newcomer {
    enum identity_kind kind;
    const char *name;
    enum card_class class;
} newcomers[] = {
    {IDENTITY_USER, "dan@company.com", CARD_MEMBER},
    {IDENTITY_USER, "dora@other.example", CARD_EXTERNAL},
    {IDENTITY_DEVICE, "room.company.com", CARD_DEVICE},
    {IDENTITY_DEVICE, "room.other.example", CARD_EXTERNAL},
    {IDENTITY_GUEST, "urn:uuid:00000000-0000-4000-8000-000000000001", CARD_GUEST},
};
#define NEWCOMERS (sizeof newcomers / sizeof newcomers[0])

/* An attendee adds each kind of newcomer; who may come is who the rule lets join. */
static void attendee_adds_all(struct scene *s)
{
    for (size_t i = 0; i < NEWCOMERS; i++) {
        const struct newcomer *n = &newcomers[i];
        const struct card_rule *rule = &card_terms(s->card)->rules[n->class];
        bool joins = !s->state.locked && rule->unlocked == CARD_JOIN;
        struct mls_change add = scene_add(s, meeting_world_person(&s->people, n->kind, n->name));
        assert_int_equal(scene_try(s, BOB, add), joins ? 0 : CONCLAVE_EPOLICY);
        assert_int_equal(scene_try(s, GUS, add), joins ? 0 : CONCLAVE_EPOLICY);
    }
    struct mls_change impostor =
        scene_add(s, meeting_world_impostor(&s->people, "alice@company.com"));
    bool joins = !s->state.locked && card_terms(s->card)->rules[CARD_GUEST].unlocked == CARD_JOIN;
    assert_int_equal(scene_try(s, BOB, impostor), joins ? 0 : CONCLAVE_EPOLICY);
}

static void attendees_add_whom_the_card_lets_join(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    attendee_adds_all(&s);
    assert_int_equal(s.refusal.reason, REASON_NOT_ALLOWED);
    assert_int_equal(s.refusal.proposal, MLS_ADD);
    assert_int_equal(s.refusal.by, BOB);
    scene_fini(&s);
}

static void the_rules_are_the_cards(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    struct card_terms terms = scene_terms(&s);
    terms.rules[CARD_MEMBER].unlocked = CARD_REFUSE;
    terms.rules[CARD_EXTERNAL].unlocked = CARD_JOIN;
    terms.rules[CARD_DEVICE].unlocked = CARD_LOBBY;
    terms.rules[CARD_GUEST].unlocked = CARD_JOIN;
    scene_found(&s, &terms);
    attendee_adds_all(&s);
    scene_fini(&s);
}

static void nobody_joins_a_locked_meeting_by_an_attendee(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    s.state.locked = true;
    scene_found(&s, NULL);
    attendee_adds_all(&s);
    scene_fini(&s);
}

/* Else a locked meeting of attendees could not be unlocked again. */
static void hosts_join_by_an_attendee_even_if_locked(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    s.state.locked = true;
    struct card_terms terms = scene_terms(&s);
    terms.hosts[terms.n_hosts++] = "helen@other.example";
    scene_found(&s, &terms);
    struct meeting_person *helen =
        meeting_world_person(&s.people, IDENTITY_USER, "helen@other.example");
    struct meeting_person *impostor = meeting_world_impostor(&s.people, "helen@other.example");
    ALLOWED(scene_try(&s, BOB, scene_add(&s, helen)));
    REFUSED(scene_try(&s, BOB, scene_add(&s, impostor)));
    scene_fini(&s);
}

static void hosts_and_cohosts_add_anybody(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    s.state.locked = true;
    scene_bar(&s, bytes_str(newcomers[0].name));
    scene_found(&s, NULL);
    for (size_t i = 0; i < NEWCOMERS; i++) {
        struct mls_change add =
            scene_add(&s, meeting_world_person(&s.people, newcomers[i].kind, newcomers[i].name));
        ALLOWED(scene_try(&s, ALICE, add));
        ALLOWED(scene_try(&s, HENRY, add));
        ALLOWED(scene_try(&s, CAROL, add));
        REFUSED(scene_try(&s, IMRE, add));
    }
    scene_fini(&s);
}

static void the_barred_come_back_by_hosts_only(void **state)
{
    struct scene s;
    struct buf entry = {0};
    (void)state;
    scene_init(&s);
    struct card_terms terms = scene_terms(&s);
    terms.rules[CARD_GUEST].unlocked = CARD_JOIN;
    struct meeting_person *dan = meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com");
    struct meeting_person *guest =
        meeting_world_person(&s.people, IDENTITY_GUEST, newcomers[4].name);
    struct meeting_person *other =
        meeting_world_person(&s.people, IDENTITY_GUEST, newcomers[4].name);
    const struct identity nobody = {0};
    assert_int_equal(meeting_barred_entry(&nobody, crypto_signer_public(guest->signer), &entry), 0);
    scene_bar(&s, buf_view(&entry));
    scene_bar(&s, bytes_str("dan@company.com"));
    scene_found(&s, &terms);
    struct mls_change add_dan = scene_add(&s, dan), add_guest = scene_add(&s, guest);
    REFUSED(scene_try(&s, BOB, add_dan));
    REFUSED(scene_try(&s, BOB, add_guest));
    ALLOWED(scene_try(&s, BOB, scene_add(&s, other))); /* an unverified name bars nobody */
    ALLOWED(scene_try(&s, CAROL, add_dan));
    ALLOWED(scene_try(&s, CAROL, add_guest));
    buf_free(&entry);
    scene_fini(&s);
}

static void nobody_is_added_without_the_link(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct mls_change add =
        scene_add(&s, meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com"));
    REFUSED(scene_commit_as(&s, ALICE, &add, 1, NULL));
    assert_int_equal(s.refusal.reason, REASON_LINK_SECRET);
    assert_int_equal(s.refusal.proposal, 0);
    assert_int_equal(s.refusal.by, ALICE);
    scene_fini(&s);
}

static void an_open_meeting_has_no_link_secret_to_prove(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    struct card_terms terms = scene_terms(&s);
    terms.open = true;
    scene_found(&s, &terms);
    struct mls_change add =
        scene_add(&s, meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com"));
    ALLOWED(scene_commit_as(&s, BOB, &add, 1, NULL));
    ALLOWED(scene_resume(&s, BOB, BOB, false));
    scene_fini(&s);
}

static void a_newcomer_without_certificate_is_added_by_nobody(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct meeting_person *dan = meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com");
    s.mls.config.signer = dan->signer;
    s.mls.config.credential =
        (struct mls_credential){.type = MLS_BASIC, .identity = bytes_str("dan@company.com")};
    struct mls_change add = world_add(&s.mls, world_actor(&s.mls));
    REFUSED(scene_try(&s, ALICE, add));
    REFUSED(scene_try(&s, BOB, add));
    scene_fini(&s);
}

static void neither_the_server_nor_the_newcomer_may_add(void **state)
{
    struct scene s;
    struct buf message = {0};
    struct mls_context context;
    (void)state;
    scene_start(&s);
    size_t dan = scene_actor(&s, meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com"));
    REFUSED(scene_server_proposes(&s, world_add(&s.mls, dan)));
    assert_int_equal(s.refusal.by, MLS_NO_LEAF);
    struct mls_key_package *kp = world_key_package(&s.mls, dan);
    mls_public_group_context(s.mls.server, &context);
    assert_int_equal(mls_new_member_propose(s.mls.actor[dan].client, kp, context.group_id,
                                            context.epoch, &message),
                     0);
    REFUSED(scene_proposal(&s, buf_view(&message)));
    buf_free(&message);
    scene_fini(&s);
}

/* ---- Remove, SelfRemove ---- */

static void who_may_remove_whom(void **state)
{
    static const struct {
        size_t by;
        uint32_t leaf;
        bool allowed;
    } cases[] = {
        {ALICE, HENRY, true}, {ALICE, CAROL, true}, {ALICE, BOB, true},    {HENRY, ALICE, false},
        {HENRY, CAROL, true}, {HENRY, GUS, true},   {CAROL, ALICE, false}, {CAROL, HENRY, false},
        {CAROL, BOB, true},   {CAROL, IMRE, true},  {BOB, ALICE, false},   {BOB, CAROL, false},
        {BOB, EVE, false},    {BOB, GUS, false},    {GUS, IMRE, false},    {IMRE, GUS, false},
    };
    struct scene s;
    (void)state;
    scene_start(&s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int rv = scene_try(&s, cases[i].by, mls_remove(cases[i].leaf));
        assert_int_equal(rv, cases[i].allowed ? 0 : CONCLAVE_EPOLICY);
        if (rv != 0) {
            assert_int_equal(s.refusal.by, cases[i].by);
            assert_int_equal(s.refusal.target, cases[i].leaf);
        }
    }
    scene_fini(&s);
}

static void the_server_may_remove_anybody(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    for (uint32_t leaf = 0; leaf < SCENE_MEMBERS; leaf++)
        ALLOWED(scene_server_proposes(&s, mls_remove(leaf)));
    scene_fini(&s);
}

/* MLS knows no such senders in our groups; the policy does not rely on it. */
static void other_senders_remove_nobody(void **state)
{
    static const struct mls_sender senders[] = {{MLS_SENDER_EXTERNAL, 1},
                                                {MLS_SENDER_NEW_MEMBER_PROPOSAL, MLS_NO_LEAF},
                                                {MLS_SENDER_NEW_MEMBER_COMMIT, MLS_NO_LEAF},
                                                {MLS_SENDER_MEMBER, SCENE_MEMBERS}};
    struct scene s;
    (void)state;
    scene_start(&s);
    for (size_t i = 0; i < 4; i++) {
        const struct mls_proposal_info remove = {
            .type = MLS_REMOVE, .sender = senders[i], .leaf = BOB};
        REFUSED(scene_ask(&s, &remove));
    }
    const struct mls_proposal_info nobody = {
        .type = MLS_REMOVE, .sender = {MLS_SENDER_MEMBER, ALICE}, .leaf = SCENE_MEMBERS};
    REFUSED(scene_ask(&s, &nobody));
    scene_fini(&s);
}

static void everybody_may_leave(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    for (size_t i = 0; i < SCENE_MEMBERS; i++)
        ALLOWED(scene_propose(&s, i, mls_self_remove()));
    scene_fini(&s);
}

/* ---- GroupContextExtensions ---- */

static void hosts_and_cohosts_change_the_state(void **state)
{
    static const size_t who[] = {ALICE, HENRY, CAROL};
    struct scene s;
    (void)state;
    scene_start(&s);
    for (size_t i = 0; i < 3; i++) {
        struct meeting_state lock = locked(&s), unlock = unlocked(&s), end = s.state, bar = s.state;
        end.ended = true;
        bar.barred = bytes_str("\x0f"
                               "eve@other.examp");
        ALLOWED(scene_try(&s, who[i], scene_state(&s, &lock)));
        ALLOWED(scene_try(&s, who[i], scene_state(&s, &unlock)));
        ALLOWED(scene_try(&s, who[i], scene_state(&s, &end)));
        ALLOWED(scene_try(&s, who[i], scene_state(&s, &bar)));
    }
    scene_fini(&s);
}

static void attendees_change_nothing(void **state)
{
    static const size_t who[] = {BOB, EVE, GUS, IMRE};
    struct scene s;
    (void)state;
    scene_start(&s);
    s.now = MEETING_NOW + MEETING_DAY;
    for (size_t i = 0; i < 4; i++) {
        struct meeting_state lock = locked(&s), end = s.state, same = s.state;
        end.ended = true;
        REFUSED(scene_try(&s, who[i], scene_state(&s, &lock)));
        REFUSED(scene_try(&s, who[i], scene_state(&s, &end)));
        REFUSED(scene_try(&s, who[i], scene_state(&s, &same)));
    }
    scene_fini(&s);
}

static void hosts_make_cohosts_and_cohosts_do_not(void **state)
{
    struct scene s;
    struct buf more = {0};
    (void)state;
    scene_start(&s);
    assert_int_equal(meeting_list_with(s.state.cohosts, bytes_str("bob@company.com"), &more), 0);
    struct meeting_state with = s.state, without = s.state;
    with.cohosts = buf_view(&more);
    without.cohosts = bytes_of(NULL, 0);
    ALLOWED(scene_try(&s, ALICE, scene_state(&s, &with)));
    ALLOWED(scene_try(&s, HENRY, scene_state(&s, &without)));
    REFUSED(scene_try(&s, CAROL, scene_state(&s, &with)));
    REFUSED(scene_try(&s, CAROL, scene_state(&s, &without)));
    REFUSED(scene_try(&s, BOB, scene_state(&s, &with)));
    buf_free(&more);
    scene_fini(&s);
}

static void nobody_changes_when_it_started(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct meeting_state earlier = s.state, later = s.state;
    earlier.started_at--;
    later.started_at++;
    REFUSED(scene_try(&s, ALICE, scene_state(&s, &earlier)));
    REFUSED(scene_try(&s, HENRY, scene_state(&s, &later)));
    scene_fini(&s);
}

/* A list of the meeting's extensions with one replaced or left out. */
static struct mls_change other_list(struct scene *s, size_t i, const struct mls_extension *other)
{
    const struct meeting_state same = s->state;
    struct mls_change change = scene_state(s, &same);
    if (other != NULL) {
        s->next.list[i] = *other;
    } else {
        change.n_extensions--;
        for (; i < change.n_extensions; i++)
            s->next.list[i] = s->next.list[i + 1];
    }
    return change;
}

static void nobody_changes_another_extension(void **state)
{
    struct scene s;
    struct buf senders = {0}, required = {0};
    static const uint16_t two[] = {MEETING_EXT_CARD, MEETING_EXT_STATE};
    (void)state;
    scene_start(&s);
    const struct mls_external_sender sender = {
        .signature_key = crypto_signer_public(s.people.person[BOB].signer),
        .credential = {.type = MLS_BASIC, .identity = bytes_str(MEETING_SERVER_NAME)}};
    assert_int_equal(mls_external_senders_encode(&sender, 1, &senders), 0);
    assert_int_equal(mls_required_capabilities_encode(two, 2, NULL, 0, NULL, 0, &required), 0);
    const struct mls_extension others[] = {
        {MLS_EXT_REQUIRED_CAPABILITIES, buf_view(&required)},
        {MLS_EXT_EXTERNAL_SENDERS, buf_view(&senders)},
        {MEETING_EXT_CARD, bytes_str("another card")},
        {MEETING_EXT_STATE, bytes_str("no state")},
        {MEETING_EXT_NAME, bytes_str("of leaves only")},
    };
    for (size_t i = 0; i < MEETING_EXTENSIONS; i++) {
        REFUSED(scene_try(&s, ALICE, other_list(&s, i, &others[i])));
        REFUSED(scene_try(&s, ALICE, other_list(&s, i, &others[4])));
        REFUSED(scene_try(&s, ALICE, other_list(&s, i, NULL)));
    }
    buf_free(&senders);
    buf_free(&required);
    scene_fini(&s);
}

static void the_server_changes_no_state(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct meeting_state lock = locked(&s);
    REFUSED(scene_server_proposes(&s, scene_state(&s, &lock)));
    scene_fini(&s);
}

static void attendees_lock_when_the_cards_minutes_are_over(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    struct card_terms terms = scene_terms(&s);
    terms.auto_lock_minutes = 10;
    scene_found(&s, &terms);
    struct meeting_state lock = locked(&s), same = s.state, end = lock, bar = lock, cohost = lock;
    struct meeting_state later = lock;
    end.ended = true;
    bar.barred = bytes_str("\x0f"
                           "eve@other.examp");
    cohost.cohosts = bytes_of(NULL, 0);
    later.started_at++;
    s.now = MEETING_NOW + 299; /* clocks differ by five minutes at most */
    REFUSED(scene_try(&s, GUS, scene_state(&s, &lock)));
    s.now = MEETING_NOW - 1; /* a clock that is behind */
    REFUSED(scene_try(&s, GUS, scene_state(&s, &lock)));
    s.now = MEETING_NOW + 300;
    ALLOWED(scene_try(&s, GUS, scene_state(&s, &lock)));
    REFUSED(scene_try(&s, GUS, scene_state(&s, &same)));
    REFUSED(scene_try(&s, GUS, scene_state(&s, &end)));
    REFUSED(scene_try(&s, GUS, scene_state(&s, &bar)));
    REFUSED(scene_try(&s, GUS, scene_state(&s, &cohost)));
    REFUSED(scene_try(&s, GUS, scene_state(&s, &later)));
    scene_fini(&s);
}

static void attendees_do_not_unlock(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    s.state.locked = true;
    struct card_terms terms = scene_terms(&s);
    terms.auto_lock_minutes = 10;
    scene_found(&s, &terms);
    s.now = MEETING_NOW + MEETING_DAY;
    struct meeting_state unlock = unlocked(&s), again = s.state;
    REFUSED(scene_try(&s, BOB, scene_state(&s, &unlock)));
    REFUSED(scene_try(&s, BOB, scene_state(&s, &again)));
    ALLOWED(scene_try(&s, CAROL, scene_state(&s, &unlock)));
    scene_fini(&s);
}

/* ---- PSK ---- */

static void members_prove_the_link_and_this_groups_past(void **state)
{
    struct scene s;
    struct mls_context context;
    (void)state;
    scene_start(&s);
    mls_public_group_context(s.mls.server, &context);
    struct mls_change past = mls_resumption_psk(context.group_id, context.epoch),
                      other = mls_resumption_psk(bytes_str("another group"), 1);
    ALLOWED(scene_try(&s, GUS, scene_link(&s)));
    ALLOWED(scene_try(&s, GUS, past));
    REFUSED(scene_try(&s, ALICE, other));
    REFUSED(scene_try(&s, ALICE, mls_external_psk(bytes_str("another psk"))));
    REFUSED(scene_server_proposes(&s, scene_link(&s)));
    scene_fini(&s);
}

/* ---- ExternalInit ---- */

static void a_member_comes_back_to_its_own_leaf(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    for (uint32_t leaf = HENRY; leaf < SCENE_MEMBERS; leaf++)
        ALLOWED(scene_resume(&s, leaf, leaf, true));
    scene_fini(&s);
}

static void nobody_comes_back_without_the_link(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    REFUSED(scene_resume(&s, BOB, BOB, false));
    assert_int_equal(s.refusal.reason, REASON_LINK_SECRET);
    assert_int_equal(s.refusal.by, MLS_NO_LEAF);
    scene_fini(&s);
}

static void nobody_takes_anothers_leaf_or_a_new_one(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct meeting_person *same_name =
        meeting_world_person(&s.people, IDENTITY_USER, "bob@company.com");
    struct meeting_person *stranger =
        meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com");
    size_t other_key = scene_actor(&s, same_name), dan = scene_actor(&s, stranger);
    REFUSED(scene_resume(&s, dan, BOB, true));
    assert_int_equal(s.refusal.proposal, MLS_REMOVE);
    assert_int_equal(s.refusal.target, BOB);
    REFUSED(scene_resume(&s, other_key, BOB, true));
    REFUSED(scene_resume(&s, dan, MLS_NO_LEAF, true));
    assert_int_equal(s.refusal.proposal, 0);
    scene_fini(&s);
}

static void a_renewed_certificate_resumes_a_leaf_if_it_names_the_same(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    const struct meeting_person *bob = &s.people.person[BOB], *imre = &s.people.person[IMRE];
    size_t same =
        scene_actor(&s, meeting_world_renew(&s.people, bob, IDENTITY_USER, "bob@company.com"));
    size_t other =
        scene_actor(&s, meeting_world_renew(&s.people, bob, IDENTITY_USER, "dan@company.com"));
    size_t verified =
        scene_actor(&s, meeting_world_renew(&s.people, imre, IDENTITY_USER, "henry@company.com"));
    ALLOWED(scene_resume(&s, same, BOB, true));
    REFUSED(scene_resume(&s, other, BOB, true));
    REFUSED(scene_resume(&s, verified, IMRE, true));
    scene_fini(&s);
}

/* ---- What nobody may ---- */

static void nobody_updates_reinitialises_or_invents(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct mls_change reinit =
        mls_reinit(bytes_str("a successor"), MEETING_SUITE, s.founded.list, MEETING_EXTENSIONS);
    REFUSED(scene_propose(&s, ALICE, mls_update()));
    assert_int_equal(s.refusal.proposal, MLS_UPDATE);
    REFUSED(scene_try(&s, ALICE, reinit));
    REFUSED(scene_try(&s, HENRY, mls_custom(SCENE_CUSTOM, bytes_str("data"))));
    REFUSED(scene_server_proposes(&s, reinit));
    scene_fini(&s);
}

static void one_proposal_spoils_the_commit(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct meeting_state lock = locked(&s);
    const struct mls_change changes[] = {scene_state(&s, &lock), mls_remove(BOB),
                                         mls_remove(ALICE)};
    ALLOWED(scene_commit(&s, CAROL, changes, 2));
    REFUSED(scene_commit(&s, CAROL, changes, 3));
    assert_int_equal(s.refusal.target, ALICE);
    scene_fini(&s);
}

/* ---- Paths ---- */

static void everybody_may_renew_their_keys(void **state)
{
    const struct mls_commit_options path = {.force_path = true};
    struct scene s;
    (void)state;
    scene_start(&s);
    for (size_t i = 0; i < SCENE_MEMBERS; i++)
        ALLOWED(scene_commit_as(&s, i, NULL, 0, &path));
    scene_fini(&s);
}

/* An empty commit that gives its author another certificate. */
static int renew(struct scene *s, size_t by, const struct meeting_person *as)
{
    const struct mls_new_identity identity = {as->signer, meeting_person_credential(as)};
    const struct mls_commit_options options = {.identity = &identity};
    return scene_commit_as(s, by, NULL, 0, &options);
}

static void a_new_certificate_names_the_same_person(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct meeting_world *w = &s.people;
    const struct meeting_person *bob = &w->person[BOB], *gus = &w->person[GUS];
    const struct meeting_person *imre = &w->person[IMRE];
    ALLOWED(renew(&s, BOB, meeting_world_renew(w, bob, IDENTITY_USER, "bob@company.com")));
    ALLOWED(renew(&s, BOB, meeting_world_person(w, IDENTITY_USER, "bob@company.com")));
    ALLOWED(renew(&s, GUS, meeting_world_renew(w, gus, IDENTITY_GUEST, MEETING_GUEST)));
    REFUSED(renew(&s, BOB, meeting_world_renew(w, bob, IDENTITY_USER, "alice@company.com")));
    assert_int_equal(s.refusal.proposal, 0);
    assert_int_equal(s.refusal.by, BOB);
    REFUSED(renew(&s, BOB, meeting_world_impostor(w, "bob@company.com")));
    REFUSED(renew(&s, BOB, meeting_world_renew(w, bob, IDENTITY_GUEST, MEETING_GUEST)));
    REFUSED(renew(&s, IMRE, meeting_world_renew(w, imre, IDENTITY_USER, "henry@company.com")));
    scene_fini(&s);
}

static void a_certificate_is_not_given_up(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    const struct mls_new_identity claim = {
        s.people.person[BOB].signer, {.type = MLS_BASIC, .identity = bytes_str("bob@company.com")}};
    const struct mls_commit_options options = {.identity = &claim};
    REFUSED(scene_commit_as(&s, BOB, NULL, 0, &options));
    scene_fini(&s);
}

/* ---- After the end, and elsewhere ---- */

static void after_the_end_people_only_go(void **state)
{
    struct scene s;
    (void)state;
    scene_init(&s);
    s.state.ended = true;
    scene_found(&s, NULL);
    struct meeting_state same = s.state, again = s.state;
    again.ended = false;
    ALLOWED(scene_try(&s, ALICE, mls_remove(BOB)));
    ALLOWED(scene_server_proposes(&s, mls_remove(ALICE)));
    ALLOWED(scene_propose(&s, BOB, mls_self_remove()));
    REFUSED(scene_try(&s, BOB, mls_remove(EVE)));
    REFUSED(scene_try(&s, ALICE, scene_state(&s, &same)));
    REFUSED(scene_try(&s, ALICE, scene_state(&s, &again)));
    REFUSED(scene_try(&s, ALICE, scene_link(&s)));
    struct meeting_person *dan = meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com");
    REFUSED(scene_try(&s, ALICE, scene_add(&s, dan)));
    REFUSED(scene_resume(&s, BOB, BOB, true));
    scene_fini(&s);
}

static void a_group_of_another_meeting_is_foreign(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    struct card *own = s.card;
    struct card_terms terms = scene_terms(&s);
    terms.title = "Another title";
    for (unsigned i = 0; i < 2; i++) {
        meeting_world_set_card(&s.people, &terms);
        assert_int_equal(card_read(buf_view(&s.people.card), &s.card), 0);
        REFUSED(scene_try(&s, ALICE, mls_remove(BOB)));
        assert_int_equal(s.refusal.reason, REASON_COMMIT_FOREIGN);
        card_free(s.card);
        terms = scene_terms(&s); /* the same but for who it is */
        terms.meeting_id[0] ^= 1;
    }
    s.card = own;
    ALLOWED(scene_try(&s, ALICE, mls_remove(BOB)));
    scene_fini(&s);
}

/* ---- When the check itself fails ---- */

static int cannot_tell(void *ctx, const struct mls_credential *credential,
                       struct bytes signature_key, struct identity *out)
{
    (void)ctx;
    (void)credential;
    (void)signature_key;
    (void)out;
    return CONCLAVE_ESTORE;
}

static void without_a_verdict_there_is_no_answer(void **state)
{
    struct scene s;
    (void)state;
    scene_start(&s);
    s.judge.identify = cannot_tell;
    assert_int_equal(scene_try(&s, ALICE, mls_remove(BOB)), CONCLAVE_ESTORE);
    scene_fini(&s);
}

struct sweep {
    struct scene *scene;
    const struct mls_staged *staged;
};

static int check_again(void *ctx)
{
    struct sweep *w = ctx;
    struct meeting_refusal refusal = {.reason = REASON_NONE};
    int rv =
        meeting_check_commit(w->scene->card, w->staged, &w->scene->judge, w->scene->now, &refusal);
    assert_int_equal(refusal.reason, REASON_NONE);
    assert_true(rv == 0 || rv == CONCLAVE_ENOMEM);
    return rv;
}

static void without_memory_nothing_is_allowed(void **state)
{
    struct scene s;
    struct buf commit = {0};
    (void)state;
    scene_start(&s);
    struct meeting_state lock = locked(&s);
    const struct mls_change changes[] = {
        scene_add(&s, meeting_world_person(&s.people, IDENTITY_USER, "dan@company.com")),
        scene_link(&s)};
    const struct mls_change set = scene_state(&s, &lock);
    struct mls_group *g = s.mls.actor[CAROL].group;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(mls_group_commit(i == 0 ? s.mls.actor[BOB].group : g,
                                          i == 0 ? changes : &set, i == 0 ? 2 : 1, NULL, WORLD_NOW,
                                          &commit),
                         0);
        struct mls_received r = {0};
        assert_int_equal(mls_public_group_receive(s.mls.server, buf_view(&commit), WORLD_NOW, &r),
                         0);
        struct sweep w = {&s, r.staged};
        assert_true(alloc_sweep(check_again, &w) > 0);
        mls_received_free(&r);
    }
    buf_free(&commit);
    scene_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attendees_add_whom_the_card_lets_join),
        cmocka_unit_test(the_rules_are_the_cards),
        cmocka_unit_test(nobody_joins_a_locked_meeting_by_an_attendee),
        cmocka_unit_test(hosts_join_by_an_attendee_even_if_locked),
        cmocka_unit_test(hosts_and_cohosts_add_anybody),
        cmocka_unit_test(the_barred_come_back_by_hosts_only),
        cmocka_unit_test(nobody_is_added_without_the_link),
        cmocka_unit_test(an_open_meeting_has_no_link_secret_to_prove),
        cmocka_unit_test(a_newcomer_without_certificate_is_added_by_nobody),
        cmocka_unit_test(neither_the_server_nor_the_newcomer_may_add),
        cmocka_unit_test(who_may_remove_whom),
        cmocka_unit_test(the_server_may_remove_anybody),
        cmocka_unit_test(other_senders_remove_nobody),
        cmocka_unit_test(everybody_may_leave),
        cmocka_unit_test(hosts_and_cohosts_change_the_state),
        cmocka_unit_test(attendees_change_nothing),
        cmocka_unit_test(hosts_make_cohosts_and_cohosts_do_not),
        cmocka_unit_test(nobody_changes_when_it_started),
        cmocka_unit_test(nobody_changes_another_extension),
        cmocka_unit_test(the_server_changes_no_state),
        cmocka_unit_test(attendees_lock_when_the_cards_minutes_are_over),
        cmocka_unit_test(attendees_do_not_unlock),
        cmocka_unit_test(members_prove_the_link_and_this_groups_past),
        cmocka_unit_test(a_member_comes_back_to_its_own_leaf),
        cmocka_unit_test(nobody_comes_back_without_the_link),
        cmocka_unit_test(nobody_takes_anothers_leaf_or_a_new_one),
        cmocka_unit_test(a_renewed_certificate_resumes_a_leaf_if_it_names_the_same),
        cmocka_unit_test(nobody_updates_reinitialises_or_invents),
        cmocka_unit_test(one_proposal_spoils_the_commit),
        cmocka_unit_test(everybody_may_renew_their_keys),
        cmocka_unit_test(a_new_certificate_names_the_same_person),
        cmocka_unit_test(a_certificate_is_not_given_up),
        cmocka_unit_test(after_the_end_people_only_go),
        cmocka_unit_test(a_group_of_another_meeting_is_foreign),
        cmocka_unit_test(without_a_verdict_there_is_no_answer),
        cmocka_unit_test(without_memory_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
