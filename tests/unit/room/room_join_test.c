/* How people come in: founding, knocking, the lobby, joining directly, Welcomes. */
#include <string.h>

#include "support/room_world.h"

#define COLLEAGUE(name) name "@" MEETING_DOMAIN
#define STRANGER(name) name "@" MEETING_OTHER_DOMAIN

static struct room_client *colleague(struct room_world *w, const char *name)
{
    return room_world_client(w, IDENTITY_USER, name);
}

/* ---- Founding ---- */

static void the_organiser_founds_and_is_live(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    room_connect(&w, alice);
    assert_false(alice->running);
    room_found(&w, alice);
    assert_int_equal(alice->got[SIGNAL_LIVE], 1);
    assert_int_equal(alice->got[SIGNAL_PRESENCE], 1);
    assert_int_equal(alice->presence.n, 0);
    assert_int_equal(alice->live_leaf, 0);
    assert_int_equal(w.snapshots, 1);
    assert_int_equal(w.events[ROOM_EVENT_FOUNDED], 1);
    assert_true(room_look(&w).running);
    room_agrees(&w);
    room_world_fini(&w);
}

static void of_two_founders_the_second_is_told_and_knocks_with_the_same_nonce(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *again = room_world_client_of(
        &w, meeting_world_person(&w.people, IDENTITY_USER, COLLEAGUE("alice")));
    room_connect(&w, alice);
    room_connect(&w, again);
    room_found(&w, alice);
    room_found(&w, again);
    assert_int_equal(again->got[SIGNAL_TAKEN], 1);
    assert_int_equal(again->got[SIGNAL_LIVE], 0);
    room_knock(&w, again);
    assert_int_equal(again->fault, 0);
    room_add_joiners(&w, alice);
    assert_true(room_is_in(again));
    assert_int_equal(w.events[ROOM_EVENT_FOUNDED], 1);
    room_agrees(&w);
    room_world_fini(&w);
}

static void who_may_not_found_is_refused(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    room_connect(&w, bob);
    room_found(&w, bob);
    assert_int_equal(bob->fault, REASON_REFUSED_BY_POLICY);
    assert_true(bob->closed);
    assert_false(room_look(&w).running);
    assert_int_equal(w.snapshots, 0);
    room_world_fini(&w);
}

static void a_card_may_let_others_found(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct card_terms terms = meeting_world_terms(&w.people);
    terms.join_before_host = true;
    room_world_set_card(&w, &terms);
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    room_connect(&w, eve);
    room_found(&w, eve);
    assert_int_equal(eve->fault, REASON_REFUSED_BY_POLICY);
    room_connect(&w, bob);
    room_found(&w, bob);
    assert_true(room_is_in(bob));
    room_world_fini(&w);
}

static void nobody_founds_before_or_after_the_cards_time(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct card_terms terms = meeting_world_terms(&w.people);
    struct room_client *alice = &w.client[0];
    terms.not_before = MEETING_NOW + 600;
    terms.not_after = MEETING_NOW + 1200;
    room_world_set_card(&w, &terms);
    room_connect(&w, alice);
    room_found(&w, alice);
    assert_int_equal(alice->fault, REASON_TOO_EARLY);
    w.now = (MEETING_NOW + 1201) * SECONDS;
    room_connect(&w, alice);
    room_found(&w, alice);
    assert_int_equal(alice->fault, REASON_EXPIRED_LINK);
    w.now = (MEETING_NOW + 1200) * SECONDS; /* a test may turn the clock back */
    room_connect(&w, alice);
    room_found(&w, alice);
    assert_true(room_is_in(alice));
    room_world_fini(&w);
}

/* Found with parts of it wrong. */
static int found_with(struct room_world *w, unsigned info_with, bool other_proof,
                      uint64_t started_at)
{
    struct room_client *alice = &w->client[0];
    struct meeting_extensions extensions;
    const struct meeting_state state = {.started_at = started_at};
    uint8_t id[MEETING_GROUP_ID] = {0};
    struct buf info = {0}, tree = {0};
    room_connect(w, alice);
    memcpy(id, card_terms(w->card)->meeting_id, CARD_ID);
    assert_int_equal(meeting_extensions_init(&extensions, w->card, &state), 0);
    mls_group_free(alice->group);
    alice->group = NULL;
    assert_int_equal(mls_group_new(alice->mls, bytes_of(id, sizeof id), extensions.list,
                                   MEETING_EXTENSIONS, w->now / SECONDS, &alice->group),
                     0);
    meeting_extensions_fini(&extensions);
    assert_int_equal(mls_group_info(alice->group, info_with, &info), 0);
    assert_int_equal(mls_group_tree(alice->group, &tree), 0);
    if (other_proof)
        alice->nonce[0] ^= 1;
    room_send_found(w, alice, buf_view(&info), buf_view(&tree));
    buf_free(&info);
    buf_free(&tree);
    return alice->fault;
}

static void what_is_founded_must_be_as_the_card_wants_it(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    uint64_t now = w.now / SECONDS;
    assert_int_equal(found_with(&w, MLS_INFO_EXTERNAL_PUB, false, now), REASON_INVALID);
    assert_int_equal(found_with(&w, 0, true, now), REASON_BAD_PROOF);
    assert_int_equal(found_with(&w, 0, false, now - 301), REASON_CLOCK);
    assert_int_equal(found_with(&w, 0, false, now + 301), REASON_CLOCK);
    assert_false(room_look(&w).running);
    assert_int_equal(found_with(&w, 0, false, now + 300), 0);
    assert_true(room_look(&w).running);
    room_world_fini(&w);
}

static void a_group_of_another_meeting_is_not_founded(void **state)
{
    (void)state;
    struct room_world w, other;
    room_world_init(&w);
    room_world_init(&other);
    struct card_terms terms = meeting_world_terms(&other.people);
    memcpy(terms.meeting_id, "another  meeting", CARD_ID);
    room_world_set_card(&other, &terms);
    struct card *own = w.card;
    room_connect(&w, &w.client[0]);
    w.card = other.card; /* what the founder believes */
    room_found(&w, &w.client[0]);
    w.card = own;
    assert_int_equal(w.client[0].fault, REASON_INVALID);
    room_world_fini(&w);
    room_world_fini(&other);
}

/* ---- Knocking ---- */

static void a_colleague_joins_through_the_leader(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    room_start(&w);
    room_connect(&w, bob);
    assert_true(bob->running);
    room_knock(&w, bob);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_ADDING);
    assert_int_equal(alice->got[SIGNAL_JOINERS], 1);
    room_add_joiners(&w, alice);
    assert_int_equal(bob->got[SIGNAL_WELCOMED], 1);
    assert_true(room_is_in(bob));
    assert_int_equal(bob->live_leaf, 1);
    assert_int_equal(w.n_commits, 1);
    assert_int_equal(w.events[ROOM_EVENT_JOINED], 1);
    room_agrees(&w);
    room_chat(&w, bob, "hello");
    assert_int_equal(alice->got[SIGNAL_APP_FROM], 1);
    assert_int_equal(bob->got[SIGNAL_APP_FROM], 1);
    room_world_fini(&w);
}

static void a_stranger_waits_in_the_lobby_until_a_host_admits_it(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, eve);
    room_knock(&w, eve);
    assert_int_equal(eve->waiting, SIGNAL_WAIT_LOBBY);
    assert_int_equal(alice->lobby_added, 1);
    assert_int_equal(bob->got[SIGNAL_LOBBY], 0);
    room_add_lobby(&w, alice);
    assert_true(room_is_in(eve));
    assert_int_equal(alice->lobby_removed, 1);
    assert_int_equal(room_look(&w).waiting, 0);
    room_agrees(&w);
    room_world_fini(&w);
}

static void who_comes_before_the_meeting_waits_and_is_placed_when_it_starts(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    room_connect(&w, bob);
    room_knock(&w, bob);
    room_connect(&w, eve);
    room_knock(&w, eve);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_NOT_STARTED);
    assert_int_equal(eve->waiting, SIGNAL_WAIT_NOT_STARTED);
    room_start(&w);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_ADDING);
    assert_int_equal(eve->waiting, SIGNAL_WAIT_LOBBY);
    room_add_joiners(&w, &w.client[0]);
    room_add_lobby(&w, &w.client[0]);
    assert_true(room_is_in(bob) && room_is_in(eve));
    room_agrees(&w);
    room_world_fini(&w);
}

static void a_host_may_refuse_and_nobody_else(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, eve);
    room_knock(&w, eve);
    struct bytes rest = buf_view(&alice->lobby);
    struct signal_entry e;
    assert_true(signal_next_entry(&rest, &e));
    const struct signal_message refuse = {.type = SIGNAL_REFUSE, .ref = e.ref};
    room_say_message(&w, bob, &refuse);
    assert_int_equal(eve->fault, 0);
    room_say_message(&w, alice, &refuse);
    assert_int_equal(eve->fault, REASON_REFUSED_BY_HOST);
    assert_true(eve->closed);
    assert_int_equal(alice->lobby_removed, 1);
    assert_int_equal(w.events[ROOM_EVENT_REFUSED], 1);
    room_say_message(&w, alice, &refuse); /* too late: nothing happens */
    assert_int_equal(alice->fault, 0);
    assert_int_equal(w.events[ROOM_EVENT_REFUSED], 1);
    room_world_fini(&w);
}

static void whom_the_card_refuses_is_told_why(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct card_terms terms = meeting_world_terms(&w.people);
    terms.rules[CARD_GUEST] = (struct card_rule){CARD_REFUSE, CARD_REFUSE};
    terms.rules[CARD_EXTERNAL] = (struct card_rule){CARD_LOBBY, CARD_REFUSE};
    room_world_set_card(&w, &terms);
    struct room_client *alice = &w.client[0];
    struct room_client *guest = room_world_client(&w, IDENTITY_GUEST, MEETING_GUEST);
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    room_start(&w);
    room_connect(&w, guest);
    room_knock(&w, guest);
    assert_int_equal(guest->fault, REASON_REFUSED_BY_POLICY);
    room_connect(&w, eve);
    room_knock(&w, eve);
    assert_int_equal(eve->waiting, SIGNAL_WAIT_LOBBY);
    struct meeting_state locked;
    room_state(alice, &locked);
    locked.locked = true;
    room_set_state(&w, alice, &locked);
    assert_int_equal(eve->fault, REASON_LOCKED); /* the policy is asked again */
    assert_int_equal(w.events[ROOM_EVENT_LOCKED], 1);
    room_world_fini(&w);
}

static void a_lock_moves_those_who_wait_into_the_lobby_and_back(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct meeting_state s;
    room_start(&w);
    room_connect(&w, bob);
    room_knock(&w, bob);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_ADDING);
    room_state(alice, &s);
    s.locked = true;
    room_set_state(&w, alice, &s);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_LOBBY);
    assert_int_equal(alice->lobby_added, 1);
    s.locked = false;
    room_set_state(&w, alice, &s);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_ADDING);
    assert_int_equal(alice->lobby_removed, 1);
    room_add_joiners(&w, alice);
    assert_true(room_is_in(bob));
    room_world_fini(&w);
}

static void the_ejected_get_the_lobby_at_best(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct meeting_extensions extensions;
    struct meeting_state s;
    struct buf barred = {0};
    room_start(&w);
    room_join(&w, alice, bob);
    room_state(alice, &s);
    assert_int_equal(meeting_list_with(s.barred, bytes_str(COLLEAGUE("bob")), &barred), 0);
    s.barred = buf_view(&barred);
    assert_int_equal(meeting_extensions_init(&extensions, w.card, &s), 0);
    const struct mls_change eject[] = {mls_remove(bob->live_leaf),
                                       mls_set_extensions(extensions.list, MEETING_EXTENSIONS)};
    room_commit(&w, alice, eject, 2);
    meeting_extensions_fini(&extensions);
    buf_free(&barred);
    assert_int_equal(bob->fault, REASON_EJECTED);
    assert_true(bob->closed);
    assert_int_equal(w.events[ROOM_EVENT_REMOVED], 1);
    room_connect(&w, bob);
    room_knock(&w, bob);
    assert_int_equal(bob->waiting, SIGNAL_WAIT_LOBBY);
    room_world_fini(&w);
}

static void a_knock_needs_a_good_key_package_and_its_key(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    room_start(&w);
    room_connect(&w, bob);
    bob->nonce[31] ^= 0x80;
    room_knock(&w, bob);
    assert_int_equal(bob->fault, REASON_BAD_PROOF);
    room_connect(&w, bob);
    w.now += 2 * MEETING_DAY * SECONDS; /* made before, shown after it has expired */
    struct mls_key_package *old = NULL;
    assert_int_equal(
        mls_key_package_new(bob->mls, MEETING_NOW, MEETING_NOW + MEETING_DAY, false, &old), 0);
    room_send_knock(&w, bob, mls_key_package_message(old));
    assert_int_equal(bob->fault, REASON_KEY_PACKAGE);
    mls_key_package_free(old);
    room_connect(&w, bob);
    room_send_knock(&w, bob, bytes_str("no key package"));
    assert_int_equal(bob->fault, REASON_KEY_PACKAGE);
    assert_int_equal(room_look(&w).waiting, 0);
    room_world_fini(&w);
}

static void who_knocks_twice_waits_once(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct meeting_person *who = meeting_world_person(&w.people, IDENTITY_USER, STRANGER("eve"));
    struct room_client *here = room_world_client_of(&w, who);
    struct room_client *there = room_world_client_of(&w, who);
    room_start(&w);
    room_connect(&w, here);
    room_knock(&w, here);
    room_connect(&w, there);
    room_knock(&w, there);
    assert_int_equal(here->fault, REASON_REPLACED);
    assert_int_equal(room_look(&w).waiting, 1);
    assert_int_equal(alice->lobby_added - alice->lobby_removed, 1);
    room_add_lobby(&w, alice);
    assert_true(room_is_in(there));
    room_world_fini(&w);
}

/* A client that has lost its group comes back with the same key: its old leaf has to go first. */
static void who_knocks_with_a_members_key_takes_that_members_place(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *again = room_world_client_of(&w, bob->who);
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, again);
    room_knock(&w, again);
    assert_int_equal(bob->fault, REASON_REPLACED);
    assert_int_equal(again->waiting, SIGNAL_WAIT_ADDING);
    assert_int_equal(alice->got[SIGNAL_PROPOSED], 1);
    assert_int_equal(alice->got[SIGNAL_JOINERS], 1); /* bob's */
    room_commit(&w, alice, NULL, 0);
    assert_int_equal(alice->got[SIGNAL_JOINERS], 2);
    room_add_joiners(&w, alice);
    assert_true(room_is_in(again));
    assert_int_equal(room_look(&w).members, 2);
    room_agrees(&w);
    room_world_fini(&w);
}

static void the_room_is_full_when_it_is(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    w.config.max_participants = 2;
    w.config.max_waiting = 1;
    const struct card_terms terms = meeting_world_terms(&w.people);
    room_world_set_card(&w, &terms);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *carl = colleague(&w, COLLEAGUE("carl"));
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    struct room_client *ina = colleague(&w, STRANGER("ina"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, carl);
    room_knock(&w, carl);
    assert_int_equal(carl->fault, REASON_FULL);
    room_connect(&w, eve);
    room_knock(&w, eve);
    assert_int_equal(eve->waiting, SIGNAL_WAIT_LOBBY);
    room_connect(&w, ina);
    room_knock(&w, ina);
    assert_int_equal(ina->fault, REASON_FULL);
    room_add_lobby(&w, alice); /* more than there may be, whoever adds them */
    assert_int_equal(alice->rejected, REASON_FULL);
    assert_int_equal(room_look(&w).members, 2);
    room_world_fini(&w);
}

/* ---- The leader ---- */

static void the_next_member_is_asked_when_the_leader_does_not_act(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *carl = colleague(&w, COLLEAGUE("carl"));
    struct room_client *dora = colleague(&w, COLLEAGUE("dora"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_join(&w, alice, carl);
    room_connect(&w, dora);
    room_knock(&w, dora);
    room_world_advance(&w, 3 * SECONDS - 1);
    assert_int_equal(bob->got[SIGNAL_JOINERS], 0);
    room_world_advance(&w, 1);
    assert_int_equal(bob->got[SIGNAL_JOINERS], 1);
    room_world_advance(&w, 3 * SECONDS);
    assert_int_equal(carl->got[SIGNAL_JOINERS], 1);
    room_disconnect(&w, carl); /* its task goes back to the leader at once */
    assert_int_equal(alice->got[SIGNAL_JOINERS], 4);
    room_add_joiners(&w, bob);
    assert_true(room_is_in(dora));
    room_agrees(&w);
    room_world_fini(&w);
}

static void joiners_come_in_batches_in_the_order_of_their_coming(void **state)
{
    (void)state;
    struct room_world w;
    struct room_client *people[6];
    static const char *const names[] = {COLLEAGUE("p0"), COLLEAGUE("p1"), COLLEAGUE("p2"),
                                        COLLEAGUE("p3"), COLLEAGUE("p4"), COLLEAGUE("p5")};
    room_world_init(&w);
    for (size_t i = 0; i < 6; i++) {
        people[i] = colleague(&w, names[i]);
        room_connect(&w, people[i]);
        room_knock(&w, people[i]);
    }
    room_start(&w);
    assert_int_equal(w.client[0].got[SIGNAL_JOINERS], 1); /* one message for all */
    room_add_joiners(&w, &w.client[0]);
    for (size_t i = 0; i < 6; i++) {
        assert_true(room_is_in(people[i]));
        assert_int_equal(people[i]->live_leaf, i + 1);
    }
    assert_int_equal(room_look(&w).commits, 1);
    room_agrees(&w);
    room_world_fini(&w);
}

/* ---- Welcomes ---- */

static void a_joiner_without_a_welcome_is_removed_and_waits_again(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    room_start(&w);
    room_connect(&w, bob);
    room_knock(&w, bob);
    alice->mute = true;
    room_add_joiners(&w, alice);
    assert_int_equal(room_look(&w).members, 2);
    room_world_advance(&w, 10 * SECONDS);
    assert_int_equal(alice->got[SIGNAL_PROPOSED], 1);
    alice->mute = false;
    room_commit(&w, alice, NULL, 0); /* removes the ghost */
    assert_int_equal(room_look(&w).members, 1);
    assert_int_equal(alice->got[SIGNAL_JOINERS], 2);
    room_add_joiners(&w, alice); /* the same key package serves again */
    assert_true(room_is_in(bob));
    room_agrees(&w);
    room_world_fini(&w);
}

static void the_welcomes_of_one_commit_share_its_tree(void **state)
{
    (void)state;
    struct room_world w;
    struct room_client *people[3];
    static const char *const names[] = {COLLEAGUE("p0"), COLLEAGUE("p1"), COLLEAGUE("p2")};
    room_world_init(&w);
    for (size_t i = 0; i < 3; i++) {
        people[i] = colleague(&w, names[i]);
        room_connect(&w, people[i]);
        room_knock(&w, people[i]);
    }
    room_start(&w);
    room_add_joiners(&w, &w.client[0]);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(people[i]->got[SIGNAL_WELCOMED], 1);
    assert_int_equal(w.trees, 1);
    room_agrees(&w);
    room_world_fini(&w);
}

static void newcomers_go_to_members_who_welcome_them(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *carl = colleague(&w, COLLEAGUE("carl"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, carl);
    room_knock(&w, carl);
    alice->mute = true;
    room_add_joiners(&w, alice);
    room_world_advance(&w, 10 * SECONDS);
    unsigned asked = alice->got[SIGNAL_JOINERS];
    room_commit(&w, bob, NULL, 0); /* carl's leaf goes, and he waits again */
    assert_int_equal(alice->got[SIGNAL_JOINERS], asked);
    assert_int_equal(bob->got[SIGNAL_JOINERS], 1);
    room_add_joiners(&w, bob);
    assert_true(room_is_in(carl));
    room_agrees(&w);
    room_world_fini(&w);
}

static void a_welcome_that_is_late_but_in_time_brings_what_was_missed(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    room_start(&w);
    room_connect(&w, bob);
    room_knock(&w, bob);
    alice->mute = true;
    room_add_joiners(&w, alice);
    struct buf welcome = alice->welcome;
    alice->welcome = (struct buf){0};
    uint64_t epoch = mls_group_epoch(alice->group);
    room_commit(&w, alice, NULL, 0);
    room_commit(&w, alice, NULL, 0);
    room_world_advance(&w, 9 * SECONDS);
    const struct signal_message m = {
        .type = SIGNAL_WELCOME, .epoch = epoch, .body = buf_view(&welcome)};
    room_say_message(&w, alice, &m);
    assert_true(room_is_in(bob));
    assert_int_equal(bob->followed, 2);
    room_agrees(&w);
    room_say_message(&w, alice, &m); /* once is enough */
    assert_int_equal(bob->got[SIGNAL_WELCOMED], 1);
    buf_free(&welcome);
    room_world_fini(&w);
}

static void only_the_committer_gives_the_welcome(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *carl = colleague(&w, COLLEAGUE("carl"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, carl);
    room_knock(&w, carl);
    alice->mute = true;
    room_add_joiners(&w, alice);
    struct signal_message m = {.type = SIGNAL_WELCOME,
                               .epoch = mls_group_epoch(alice->group),
                               .body = buf_view(&alice->welcome)};
    room_say_message(&w, bob, &m);
    assert_int_equal(carl->got[SIGNAL_WELCOMED], 0);
    m.epoch--;
    room_say_message(&w, alice, &m);
    assert_int_equal(carl->got[SIGNAL_WELCOMED], 0);
    m.epoch++;
    room_say_message(&w, alice, &m);
    assert_int_equal(carl->got[SIGNAL_WELCOMED], 1);
    room_agrees(&w);
    room_world_fini(&w);
}

static void who_hangs_up_while_waiting_is_forgotten(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    room_start(&w);
    room_connect(&w, eve);
    room_knock(&w, eve);
    room_disconnect(&w, eve);
    assert_int_equal(alice->lobby_removed, 1);
    room_connect(&w, bob);
    room_knock(&w, bob);
    room_disconnect(&w, bob);
    assert_int_equal(room_look(&w).waiting, 0);
    room_add_joiners(&w, alice); /* the leader could not know */
    assert_int_equal(room_look(&w).members, 2);
    room_world_advance(&w, 31 * SECONDS);
    assert_int_equal(alice->got[SIGNAL_PROPOSED], 1);
    room_commit(&w, alice, NULL, 0);
    assert_int_equal(room_look(&w).members, 1);
    room_world_fini(&w);
}

static void who_hangs_up_before_the_welcome_is_away_like_any_member(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    room_start(&w);
    room_connect(&w, bob);
    room_knock(&w, bob);
    alice->mute = true;
    room_add_joiners(&w, alice);
    room_disconnect(&w, bob);
    room_world_advance(&w, SECONDS);
    assert_int_equal(alice->presence.n, 5);
    room_connect(&w, bob); /* and knocks again, with the same key */
    room_knock(&w, bob);
    assert_int_equal(alice->got[SIGNAL_PROPOSED], 1);
    alice->mute = false;
    room_commit(&w, alice, NULL, 0);
    room_add_joiners(&w, alice);
    assert_true(room_is_in(bob));
    room_agrees(&w);
    room_world_fini(&w);
}

static void a_new_cohost_is_shown_the_lobby(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = colleague(&w, COLLEAGUE("bob"));
    struct room_client *eve = colleague(&w, STRANGER("eve"));
    struct buf cohosts = {0};
    struct meeting_state s;
    room_start(&w);
    room_join(&w, alice, bob);
    room_connect(&w, eve);
    room_knock(&w, eve);
    assert_int_equal(bob->lobby_added, 0);
    room_state(alice, &s);
    assert_int_equal(meeting_list_with(s.cohosts, bytes_str(COLLEAGUE("bob")), &cohosts), 0);
    s.cohosts = buf_view(&cohosts);
    room_set_state(&w, alice, &s);
    buf_free(&cohosts);
    assert_int_equal(bob->lobby_added, 1);
    assert_int_equal(alice->lobby_added, 1);
    room_add_lobby(&w, bob);
    assert_true(room_is_in(eve));
    room_agrees(&w);
    room_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_organiser_founds_and_is_live),
        cmocka_unit_test(of_two_founders_the_second_is_told_and_knocks_with_the_same_nonce),
        cmocka_unit_test(who_may_not_found_is_refused),
        cmocka_unit_test(a_card_may_let_others_found),
        cmocka_unit_test(nobody_founds_before_or_after_the_cards_time),
        cmocka_unit_test(what_is_founded_must_be_as_the_card_wants_it),
        cmocka_unit_test(a_group_of_another_meeting_is_not_founded),
        cmocka_unit_test(a_colleague_joins_through_the_leader),
        cmocka_unit_test(a_stranger_waits_in_the_lobby_until_a_host_admits_it),
        cmocka_unit_test(who_comes_before_the_meeting_waits_and_is_placed_when_it_starts),
        cmocka_unit_test(a_host_may_refuse_and_nobody_else),
        cmocka_unit_test(whom_the_card_refuses_is_told_why),
        cmocka_unit_test(a_lock_moves_those_who_wait_into_the_lobby_and_back),
        cmocka_unit_test(the_ejected_get_the_lobby_at_best),
        cmocka_unit_test(a_knock_needs_a_good_key_package_and_its_key),
        cmocka_unit_test(who_knocks_twice_waits_once),
        cmocka_unit_test(who_knocks_with_a_members_key_takes_that_members_place),
        cmocka_unit_test(the_room_is_full_when_it_is),
        cmocka_unit_test(the_next_member_is_asked_when_the_leader_does_not_act),
        cmocka_unit_test(joiners_come_in_batches_in_the_order_of_their_coming),
        cmocka_unit_test(a_joiner_without_a_welcome_is_removed_and_waits_again),
        cmocka_unit_test(the_welcomes_of_one_commit_share_its_tree),
        cmocka_unit_test(newcomers_go_to_members_who_welcome_them),
        cmocka_unit_test(a_welcome_that_is_late_but_in_time_brings_what_was_missed),
        cmocka_unit_test(only_the_committer_gives_the_welcome),
        cmocka_unit_test(who_hangs_up_while_waiting_is_forgotten),
        cmocka_unit_test(who_hangs_up_before_the_welcome_is_away_like_any_member),
        cmocka_unit_test(a_new_cohost_is_shown_the_lobby),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
