/* Who somebody is: false certificates, deceiving names, and a server that renames people. */
#include "attack_ca.h"
#include "attack_moves.h"

#include <string.h>

#define PARTNER "partner.example"

/* ---- Certificates ---- */

/* Alice alone, who trusts this CA besides the provider's; so does the room. */
static void open_trusting(struct attack_scene *a, const struct attack_ca *ca,
                          enum identity_purpose purpose)
{
    static const char *const domains[] = {PARTNER};
    const struct identity_anchor how = {.purpose = purpose,
                                        .display = "Partner CA",
                                        .domains = domains,
                                        .n_domains = purpose == IDENTITY_PRIVATE ? 1 : 0};
    struct buf pem = {0}, der = {0};
    *a = (struct attack_scene){0};
    stage_open(&a->s, 1);
    attack_tap_init(&a->tap, &a->s);
    attack_ca_pem(ca, &pem);
    attack_ca_der(ca, &der);
    assert_int_equal(identity_anchors_add(a->s.world.anchors, &how, buf_view(&der)), 0);
    a->alice = stage_enter_organiser(&a->s);
    assert_int_equal(participant_trust_add_pem(a->alice->trust, &how, buf_view(&pem)), 0);
    assert_true(stage_until_all_in(&a->s, 5 * STAGE_SECOND));
    buf_free(&pem);
    buf_free(&der);
}

/* Knocks with a certificate of this CA; what alice's lobby shows of her. */
static struct participant_person shown(struct attack_scene *a, struct attack_ca *ca,
                                       const struct attack_names *names, const char *name)
{
    struct participant_person person = {0};
    stage_enter_person(&a->s, attack_ca_person(ca, &a->s.world, names), name);
    stage_run(&a->s, STAGE_SECOND);
    assert_true(attack_lobby_find(a->alice, name, &person));
    return person;
}

static void assert_unverified(const struct participant_person *person, enum identity_reason reason)
{
    assert_int_equal(person->identity.category, IDENTITY_UNVERIFIED);
    assert_int_equal(person->identity.reason, reason);
    assert_string_equal(person->identity.label, "Unverified");
    assert_string_equal(person->identity.identifier, "");
    assert_string_equal(person->identity.issuer, "");
}

static void a_name_from_a_rogue_ca_is_worth_nothing(void **state)
{
    struct attack_scene a;
    struct participant_person person;
    (void)state;
    attack_open(&a);
    /* the organiser's own name, by somebody nobody trusts, who has the link */
    struct meeting_person *false_alice =
        meeting_world_impostor(&a.s.world, "alice@" MEETING_DOMAIN);
    struct stage_actor *impostor = stage_enter_person(&a.s, false_alice, "Alice, too");
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(participant_phase(impostor->p), PARTICIPANT_IN_LOBBY);
    assert_true(attack_lobby_find(a.alice, "Alice, too", &person));
    assert_unverified(&person, IDENTITY_NOT_TRUSTED);
    /* not even once she is in is she a host */
    assert_int_equal(participant_admit(a.alice->p, person.ref, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    person = attack_roster_entry(a.bob, impostor);
    assert_unverified(&person, IDENTITY_NOT_TRUSTED);
    assert_int_equal(person.role, PARTICIPANT_ATTENDEE);
    assert_int_equal(attack_roster_entry(a.bob, a.alice).role, PARTICIPANT_ORGANISER);
    assert_int_equal(participant_lock(impostor->p, true, a.s.now_us), CONCLAVE_EPOLICY);
    attack_close(&a);
}

static void a_false_certificate_is_shown_as_unverified_with_the_reason(void **state)
{
    static const struct {
        const char *name;
        struct attack_names names;
        bool other_root, constrained;
        enum identity_reason reason;
    } cases[] = {
        {"root", {NULL, "email:ann@" PARTNER, "clientAuth"}, true, false, IDENTITY_BAD_SIGNATURE},
        {"use", {NULL, "email:ann@" PARTNER, "codeSigning"}, false, false, IDENTITY_WRONG_USE},
        {"domain",
         {NULL, "email:ann@" MEETING_DOMAIN, "clientAuth"},
         false,
         false,
         IDENTITY_NOT_DELEGATED},
        {"constraint",
         {NULL, "email:ann@" PARTNER, "clientAuth"},
         false,
         true,
         IDENTITY_NAME_CONSTRAINT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct attack_scene a;
        struct attack_ca *ca =
            attack_ca_new("Partner", cases[i].constrained ? "elsewhere.example" : NULL);
        struct attack_ca *other = attack_ca_new("Partner", NULL);
        const struct attack_names good = {NULL, "email:ann@" PARTNER, "clientAuth"};
        open_trusting(&a, ca, IDENTITY_PRIVATE);
        struct participant_person person =
            shown(&a, cases[i].other_root ? other : ca, &cases[i].names, cases[i].name);
        assert_unverified(&person, cases[i].reason);
        if (!cases[i].constrained) {
            person = shown(&a, ca, &good, "good");
            assert_int_equal(person.identity.category, IDENTITY_EXTERNAL);
            assert_string_equal(person.identity.label, PARTNER);
            assert_string_equal(person.identity.issuer, "Partner CA");
        }
        attack_close(&a);
        attack_ca_free(ca);
        attack_ca_free(other);
    }
}

static void a_revoked_certificate_is_unverified(void **state)
{
    static const char *const domains[] = {PARTNER};
    const struct identity_anchor how = {
        .purpose = IDENTITY_PRIVATE, .domains = domains, .n_domains = 1};
    const struct identity_policy policy = identity_policy_default();
    const struct attack_names names = {NULL, "email:ann@" PARTNER, "clientAuth"};
    struct meeting_world w;
    struct identity_anchors *anchors = NULL;
    struct identity id;
    struct buf der = {0}, serial = {0};
    (void)state;
    meeting_world_init(&w);
    struct attack_ca *ca = attack_ca_new("Partner", NULL);
    struct meeting_person *ann = attack_ca_person(ca, &w, &names);
    const struct bytes key = crypto_signer_public(ann->signer);
    attack_ca_der(ca, &der);
    assert_int_equal(identity_anchors_new(&anchors), 0);
    assert_int_equal(identity_anchors_add(anchors, &how, buf_view(&der)), 0);
    assert_int_equal(identity_verify(anchors, ann->chain, 1, key, MEETING_NOW, &policy, &id), 0);
    assert_int_equal(id.category, IDENTITY_EXTERNAL);
    attack_ca_serial(ann, &serial);
    const struct bytes revoked = buf_view(&serial);
    assert_int_equal(identity_anchors_revoke(anchors, buf_view(&der), &revoked, 1), 0);
    assert_int_equal(identity_verify(anchors, ann->chain, 1, key, MEETING_NOW, &policy, &id), 0);
    assert_int_equal(id.category, IDENTITY_UNVERIFIED);
    assert_int_equal(id.reason, IDENTITY_REVOKED);
    identity_anchors_free(anchors);
    attack_ca_free(ca);
    meeting_world_fini(&w);
    buf_free(&der);
    buf_free(&serial);
}

/* ---- Names that deceive ---- */

static void a_homograph_of_a_domain_is_seen_through(void **state)
{
    /* a Cyrillic o; and the same as registries write it, which is how it is shown */
    static const struct attack_names letters = {NULL, "email:alice@c\xd0\xbempany.com",
                                                "clientAuth"};
    static const struct attack_names ascii = {NULL, "email:alice@xn--cmpany-50e.com", "clientAuth"};
    struct attack_scene a;
    struct attack_ca *ca = attack_ca_new("Anybody's", NULL);
    (void)state;
    open_trusting(&a, ca, IDENTITY_PUBLIC);
    struct participant_person person = shown(&a, ca, &letters, "letters");
    assert_unverified(&person, IDENTITY_BAD_NAME);
    person = shown(&a, ca, &ascii, "ascii");
    assert_int_equal(person.identity.category, IDENTITY_EXTERNAL);
    assert_string_equal(person.identity.label, "xn--cmpany-50e.com");
    attack_close(&a);
    attack_ca_free(ca);
}

static void like_names_are_marked_in_lobby_and_roster(void **state)
{
    static const char *const guests[] = {"ALICE ", "\xd0\x90l\xd1\x96"
                                                   "ce"};
    static const char *const ids[] = {"urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd43001",
                                      "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd43002"};
    struct attack_scene a;
    struct stage_actor *guest[2];
    struct participant_person person;
    (void)state;
    attack_open(&a);
    assert_false(attack_roster_entry(a.bob, a.alice).same_name);
    for (size_t i = 0; i < 2; i++) {
        guest[i] = stage_enter(&a.s, IDENTITY_GUEST, ids[i], guests[i]);
        stage_run(&a.s, STAGE_SECOND);
        assert_true(attack_lobby_find(a.alice, guests[i], &person));
        assert_true(person.same_name);
    }
    assert_int_equal(participant_admit_all(a.alice->p, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    for (size_t i = 0; i < 2; i++) {
        person = attack_roster_entry(a.bob, guest[i]);
        assert_true(person.same_name);
        assert_string_equal(person.identity.label, "Unverified");
        assert_int_equal(person.role, PARTICIPANT_ATTENDEE);
    }
    person = attack_roster_entry(a.bob, a.alice);
    assert_true(person.same_name);
    assert_string_equal(person.identity.identifier, "alice@" MEETING_DOMAIN);
    assert_false(attack_roster_entry(a.alice, a.bob).same_name);
    attack_close(&a);
}

/* A key package of somebody in the lobby, with this for a name; shown to alice. */
static void show_with_name(struct attack_scene *a, struct stage_actor *guest, const char *name)
{
    struct buf entries = {0};
    attack_put_entry_named(a, guest, name, &entries);
    attack_deliver(&a->s, a->alice,
                   &(struct signal_message){.type = SIGNAL_LOBBY, .entries = buf_view(&entries)});
    buf_free(&entries);
}

static void a_name_that_would_turn_text_around_is_not_shown(void **state)
{
    /* NOLINTNEXTLINE(misc-misleading-bidirectional): what is tested */
    static const char *const names[] = {"Gus \xe2\x80\xaemoc.ynapmoc", /* right to left */
                                        "Al\xe2\x80\x8bice",           /* nothing, and no width */
                                        "<img src=x>", "line\nbreak"};
    struct attack_scene a;
    struct participant_person person;
    (void)state;
    attack_open(&a);
    struct stage_actor *guest = attack_guest(&a, "Gus");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        uint32_t last = (uint32_t)stage_lobby_count(a.alice);
        show_with_name(&a, guest, names[i]);
        assert_int_equal(stage_lobby_count(a.alice), last + 1);
        assert_true(participant_lobby_next(a.alice->p, &last, &person));
        assert_string_equal(person.name, "");
    }
    uint32_t last = (uint32_t)stage_lobby_count(a.alice);
    show_with_name(&a, guest, "Gustav");
    assert_true(participant_lobby_next(a.alice->p, &last, &person));
    assert_string_equal(person.name, "Gustav");
    attack_close(&a);
}

/* ---- Markup ---- */

static void describe(const struct participant_person *person, struct buf *out)
{
    struct bytes rest = person->certificates, chain[CARD_CHAIN_MAX];
    size_t n = 0;
    while (n < CARD_CHAIN_MAX && mls_certificate_next(&rest, &chain[n]))
        n++;
    assert_int_equal(identity_describe(&person->identity, chain, n, out), 0);
}

static void markup_in_a_certificate_stays_in_it(void **state)
{
    static const struct attack_names subject = {"<script>alert(1)</script>", "email:ann@" PARTNER,
                                                "clientAuth"};
    static const struct attack_names alternative = {NULL, "email:<b>@" PARTNER, "clientAuth"};
    struct attack_scene a;
    struct attack_ca *ca = attack_ca_new("<u>Partner</u>", NULL);
    struct buf text = {0};
    (void)state;
    open_trusting(&a, ca, IDENTITY_PRIVATE);
    struct participant_person person = shown(&a, ca, &subject, "subject");
    assert_int_equal(person.identity.category, IDENTITY_EXTERNAL);
    assert_string_equal(person.identity.identifier, "ann@" PARTNER);
    describe(&person, &text);
    assert_true(attack_occurs(buf_view(&text), "script"));
    assert_false(attack_occurs(buf_view(&text), "<"));
    person = shown(&a, ca, &alternative, "alternative");
    assert_unverified(&person, IDENTITY_BAD_NAME);
    attack_close(&a);
    attack_ca_free(ca);
    buf_free(&text);
}

/* ---- Renaming ---- */

static void nobody_is_renamed_on_the_way(void **state)
{
    struct attack_scene a;
    struct buf entries = {0}, renamed = {0}, tree = {0};
    (void)state;
    attack_open(&a);
    attack_withhold(&a.tap, NULL, SIGNAL_JOINERS);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, STAGE_SECOND / 2);
    /* at the door, in her certificate */
    const struct attack_standing before = attack_standing_of(a.alice);
    uint64_t refused = a.alice->p->stats.refused;
    attack_put_entry(&a.s, attack_knocked(&a.tap), &entries);
    assert_int_equal(attack_rename_all(buf_view(&entries), "carol@" MEETING_DOMAIN,
                                       "alice@" MEETING_DOMAIN, &renamed),
                     1);
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&renamed)});
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_LOBBY, .entries = buf_view(&renamed)});
    attack_assert_unmoved(a.alice, &before);
    assert_int_equal(a.alice->p->stats.refused, refused + 2);
    assert_int_equal(stage_lobby_count(a.alice), 0);
    /* in the tree that she is welcomed with, somebody else */
    attack_let_through(&a.tap);
    attack_withhold(&a.tap, NULL, SIGNAL_WELCOMED);
    attack_withhold(&a.tap, NULL, SIGNAL_LIVE);
    stage_run(&a.s, 5 * STAGE_SECOND);
    struct signal_message welcome = attack_last(&a.tap, SIGNAL_WELCOMED);
    assert_int_equal(
        attack_rename_all(welcome.tree, "bob@" MEETING_DOMAIN, "eve@" MEETING_DOMAIN, &tree), 1);
    const struct bytes honest = welcome.tree;
    welcome.tree = buf_view(&tree);
    attack_deliver(&a.s, carol, &welcome);
    assert_null(carol->p->group);
    assert_true(attack_told(carol, REASON_COMMIT_FOREIGN, PARTICIPANT_ALARM));
    welcome.tree = honest;
    attack_deliver(&a.s, carol, &welcome);
    assert_string_equal(attack_roster_entry(carol, a.bob).identity.identifier,
                        "bob@" MEETING_DOMAIN);
    buf_free(&entries);
    buf_free(&renamed);
    buf_free(&tree);
    attack_close(&a);
}

static const struct attack attacks[] = {
    ATTACK(24, a_name_from_a_rogue_ca_is_worth_nothing, "A rogue CA", "server and stranger",
           REFUSED, "Its names are shown as Unverified, and give no rights."),
    ATTACK(25, a_false_certificate_is_shown_as_unverified_with_the_reason,
           "Wrong root, purpose, domain or name constraint", "stranger", REFUSED,
           "Unverified, with the reason."),
    ATTACK(25, a_revoked_certificate_is_unverified, "A revoked certificate", "stranger", REFUSED,
           "Unverified, once the list of the revoked is known."),
    ATTACK(26, a_homograph_of_a_domain_is_seen_through, "A homograph of a domain", "stranger",
           VISIBLE, "Names are ASCII: other letters are refused or shown as xn--."),
    ATTACK(26, like_names_are_marked_in_lobby_and_roster, "Somebody else's display name",
           "stranger", VISIBLE,
           "Like names, also of other scripts, are marked at the door and in the roster."),
    ATTACK(26, a_name_that_would_turn_text_around_is_not_shown,
           "Control characters in a display name", "stranger", REFUSED,
           "Such a name is shown as none."),
    ATTACK(31, markup_in_a_certificate_stays_in_it, "Markup in a certificate's subject", "stranger",
           REFUSED, "Names come from the subjectAltName and are plain; details are escaped."),
    ATTACK(32, nobody_is_renamed_on_the_way, "The server renames somebody", "server", REFUSED,
           "Key packages and leaves are signed, and the tree is hashed."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
