/* Lies told to a page that comes to the door, and false names shown to one that is in. */
#include "attack_ca.h"
#include "attack_web.h"

/* ---- The card ---- */

static void without_encryption(struct card_terms *terms)
{
    terms->mode = CARD_STANDARD;
}

static void other_card(struct web *w)
{
    struct buf card = {0};
    web_open_people(w);
    attack_sign_other_card(&w->a, without_encryption, &card);
    w->a.tap.change = attack_swap_card;
    w->a.tap.ctx = &card;
    web_begin(w);
    web_await(w);
    assert_true(w->a.tap.changed != 0);
    assert_int_not_equal(stage_roster_count(w->a.alice), 4);
    buf_free(&card);
}

static void open_to_all(struct card_terms *terms)
{
    web_guests_join(terms);
    terms->open = true;
}

/* A number typed by hand says nothing of a card; the server shows one of standard mode. */
static void standard(struct web *w)
{
    struct buf card = {0};
    web_open(w, open_to_all);
    w->a.s.world.link.has_hash = false;
    attack_sign_other_card(&w->a, without_encryption, &card);
    w->a.tap.change = attack_swap_card;
    w->a.tap.ctx = &card;
    web_begin(w);
    web_await(w);
    assert_true(w->a.tap.changed != 0);
    buf_free(&card);
}

/* ---- Welcomes ---- */

static bool is_welcomed(const struct web *w, const struct stage_actor *who)
{
    (void)who;
    return w->a.tap.dropped[SIGNAL_WELCOMED] != 0;
}

/* In the tree that the page is welcomed with, bob is somebody else; then the true one. */
static void renamed(struct web *w)
{
    struct buf body = {0}, honest = {0}, tree = {0};
    web_open_people(w);
    attack_withhold(&w->a.tap, NULL, SIGNAL_WELCOMED);
    attack_withhold(&w->a.tap, NULL, SIGNAL_LIVE);
    web_begin(w);
    web_await(w);
    web_until(w, is_welcomed, w->page);
    const struct signal_message welcome = attack_last(&w->a.tap, SIGNAL_WELCOMED);
    buf_put(&body, welcome.body);
    buf_put(&honest, welcome.tree);
    assert_int_equal(
        attack_rename_all(welcome.tree, "bob@" MEETING_DOMAIN, "eve@" MEETING_DOMAIN, &tree), 1);
    web_deliver(w, &(struct signal_message){
                       .type = SIGNAL_WELCOMED, .body = buf_view(&body), .tree = buf_view(&tree)});
    web_tell("renamed");
    web_await(w);
    web_deliver(w, &(struct signal_message){.type = SIGNAL_WELCOMED,
                                            .body = buf_view(&body),
                                            .tree = buf_view(&honest)});
    web_tell("honest");
    web_await(w);
    buf_free(&body);
    buf_free(&honest);
    buf_free(&tree);
}

/* Whoever has no link's secret adds the page without it. */
static void secretless(struct web *w)
{
    struct buf commit = {0}, welcome = {0}, tree = {0};
    web_open_people(w);
    attack_withhold(&w->a.tap, NULL, SIGNAL_COMMIT);
    web_begin(w);
    web_await(w);
    const struct mls_change change = mls_add(attack_knocked(&w->a.tap));
    attack_pend_commit(&w->a.s, w->a.mallory, &change, 1, &commit);
    w->a.s.forks_expected = true;
    assert_int_equal(mls_group_merge_own(w->a.mallory->p->group, &welcome), 0);
    assert_int_equal(mls_group_tree(w->a.mallory->p->group, &tree), 0);
    web_deliver(w, &(struct signal_message){.type = SIGNAL_WELCOMED,
                                            .body = buf_view(&welcome),
                                            .tree = buf_view(&tree)});
    web_tell("secretless");
    web_await(w);
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&tree);
}

/* ---- Names ---- */

/* A guest, whose display name is what the library would not seal: the server hands it to the
 * leader. */
static void enter_named(struct web *w, const char *name)
{
    struct buf entries = {0};
    attack_withhold(&w->a.tap, NULL, SIGNAL_JOINERS);
    struct stage_actor *guest = stage_enter(&w->a.s, IDENTITY_GUEST, MEETING_GUEST, "Gus");
    web_run(w, STAGE_SECOND);
    attack_put_entry_named(&w->a, guest, name, &entries);
    attack_deliver(&w->a.s, w->a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&entries)});
    web_run(w, STAGE_SECOND);
    attack_let_through(&w->a.tap);
    buf_free(&entries);
}

static void names(struct web *w)
{
    static const struct attack_names markup = {"<script>alert(1)</script>",
                                               "email:ann@partner.example", "clientAuth"};
    struct attack_ca *ca = attack_ca_new("<u>Partner</u>", NULL);
    web_open(w, web_guests_join);
    w->a.alice = stage_enter_organiser(&w->a.s);
    assert_true(stage_until_all_in(&w->a.s, 5 * STAGE_SECOND));
    web_begin(w);
    web_await(w);
    /* the organiser's own name, by somebody whom nobody trusts; in letters that look like it; and
     * one that would turn text around */
    stage_enter_person(&w->a.s, meeting_world_impostor(&w->a.s.world, "alice@" MEETING_DOMAIN),
                       "ALICE ");
    web_run(w, STAGE_SECOND);
    stage_enter(&w->a.s, IDENTITY_GUEST, "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd43001",
                "\xd0\x90l\xd1\x96"
                "ce");
    stage_enter_person(&w->a.s, attack_ca_person(ca, &w->a.s.world, &markup), "Ann");
    web_run(w, STAGE_SECOND);
    enter_named(w, ATTACK_TURNED_NAME);
    assert_int_equal(stage_roster_count(w->a.alice), 6);
    web_tell("names");
    web_await(w);
    attack_ca_free(ca);
}

const struct web_scene web_scenes_door[] = {
    {"other-card", other_card}, {"standard", standard}, {"renamed", renamed},
    {"secretless", secretless}, {"names", names},       {NULL, NULL},
};
