/* Who may be where, and say what there: the removed, those at the door, hosts who are none. */
#include "attack_moves.h"

#include <string.h>

#include "crypto/labels.h"
#include "crypto/sha256.h"
#include "crypto/suite.h"

#define MOMENT (STAGE_SECOND / 2)

/* ---- After an eject ---- */

/* Mallory is ejected, and her client does not take notice; the server helps. */
static void eject_deaf(struct attack_scene *a)
{
    attack_withhold(&a->tap, a->mallory, SIGNAL_COMMITTED);
    attack_withhold(&a->tap, a->mallory, SIGNAL_FAULT);
    attack_withhold(&a->tap, a->mallory, SIGNAL_RESUME);
    assert_int_equal(participant_eject(a->alice->p, stage_find(a->alice, a->mallory), a->s.now_us),
                     0);
    stage_carry_out(&a->s, a->alice);
    stage_run(&a->s, 2 * STAGE_SECOND);
    assert_int_equal(stage_roster_count(a->alice), 2);
    assert_non_null(a->mallory->p->group);
}

static void the_ejected_hear_nothing_and_have_no_say(void **state)
{
    struct attack_scene a;
    struct buf bobs = {0}, mallorys = {0};
    (void)state;
    attack_open(&a);
    attack_make_chat(a.bob, 1, &bobs);
    eject_deaf(&a);
    attack_make_chat(a.mallory, 2, &mallorys);
    /* what is said now is relayed to her */
    attack_assert_heard(&a.s, a.alice, &a.bob, 1, "she is gone");
    attack_deliver_mls(&a.s, a.mallory, SIGNAL_APP_FROM, attack_last(&a.tap, SIGNAL_APP_FROM).body);
    assert_int_equal(a.mallory->chats, 0);
    /* what she says in the epoch she had keys of is relayed to others, who have them still */
    size_t chats = a.alice->chats;
    attack_deliver_mls(&a.s, a.alice, SIGNAL_APP_FROM, buf_view(&mallorys));
    assert_int_equal(a.alice->chats, chats);
    /* a member's words of that epoch were only late */
    attack_deliver_mls(&a.s, a.alice, SIGNAL_APP_FROM, buf_view(&bobs));
    assert_int_equal(a.alice->chats, chats + 1);
    buf_free(&bobs);
    buf_free(&mallorys);
    attack_close(&a);
}

static void nobody_speaks_through_who_sits_on_their_leaf_now(void **state)
{
    struct attack_scene a;
    struct buf message = {0};
    (void)state;
    attack_open(&a);
    uint32_t leaf = stage_leaf(a.mallory);
    eject_deaf(&a);
    attack_make_chat(a.mallory, 2, &message);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(stage_find(a.alice, carol), leaf);
    attack_deliver_mls(&a.s, a.alice, SIGNAL_APP_FROM, buf_view(&message));
    assert_int_equal(a.alice->chats, 0);
    attack_assert_heard(&a.s, carol, &a.alice, 1, "I speak for myself");
    buf_free(&message);
    attack_close(&a);
}

static void the_ejected_are_not_added_again_by_the_way(void **state)
{
    struct attack_scene a;
    struct buf entries = {0};
    (void)state;
    attack_open(&a);
    eject_deaf(&a);
    attack_let_through(&a.tap);
    struct stage_actor *again = stage_enter_person(&a.s, a.mallory->person, "Somebody else");
    stage_run(&a.s, 3 * STAGE_SECOND);
    assert_int_equal(participant_phase(again->p), PARTICIPANT_IN_LOBBY);
    /* her class may join directly, and the server says that she did */
    const struct attack_standing before = attack_standing_of(a.alice);
    attack_put_entry(&a.s, attack_knocked(&a.tap), &entries);
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&entries)});
    stage_run(&a.s, 2 * STAGE_SECOND);
    attack_assert_unmoved(a.alice, &before);
    assert_true(attack_told(a.alice, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    buf_free(&entries);
    attack_close(&a);
}

/* ---- At the door ---- */

struct ear {
    struct stage_actor *who;
    unsigned seen[ATTACK_TYPES];
    struct buf all;
};

static bool listen(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    struct ear *ear = ctx;
    if (a == ear->who && !signal_from_client(m->type)) {
        ear->seen[m->type]++;
        assert_int_equal(signal_write(m, &ear->all), 0);
    }
    return false;
}

static void who_waits_learns_nothing_and_tells_the_server_no_name(void **state)
{
    struct attack_scene a;
    struct ear ear = {0};
    struct participant_person person;
    (void)state;
    attack_open(&a);
    ear.who = stage_enter(&a.s, IDENTITY_GUEST, MEETING_GUEST, "Gus van Dijk");
    a.tap.change = listen;
    a.tap.ctx = &ear;
    stage_run(&a.s, STAGE_SECOND);
    attack_assert_heard(&a.s, a.bob, &a.alice, 1, "not for the door");
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, 5 * STAGE_SECOND);
    assert_int_equal(participant_phase(ear.who->p), PARTICIPANT_IN_LOBBY);
    for (size_t type = 0; type < ATTACK_TYPES; type++)
        if (type != SIGNAL_CHALLENGE && type != SIGNAL_WAITING)
            assert_int_equal(ear.seen[type], 0);
    assert_int_equal(ear.seen[SIGNAL_CHALLENGE] + ear.seen[SIGNAL_WAITING], 2);
    assert_false(attack_occurs(buf_view(&ear.all), "bob@"));
    /* hosts see the name, which the server relays and cannot read; others see nobody */
    assert_false(attack_occurs(buf_view(&a.tap.last[SIGNAL_KNOCK]), "Dijk"));
    assert_false(attack_occurs(buf_view(&a.tap.last[SIGNAL_LOBBY]), "Dijk"));
    assert_true(attack_lobby_find(a.alice, "Gus van Dijk", &person));
    assert_int_equal(stage_lobby_count(a.bob), 0);
    buf_free(&ear.all);
    attack_close(&a);
}

static void the_host_admits_whom_the_host_was_shown(void **state)
{
    struct attack_scene a;
    struct buf first = {0}, second = {0}, swapped = {0};
    struct participant_person person;
    (void)state;
    attack_open(&a);
    struct stage_actor *gus = attack_guest(&a, "Gus");
    buf_put(&first, attack_knocked(&a.tap));
    struct stage_actor *eve =
        stage_enter(&a.s, IDENTITY_GUEST, "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd43000", "Eve");
    stage_run(&a.s, STAGE_SECOND);
    buf_put(&second, attack_knocked(&a.tap));
    assert_true(attack_lobby_find(a.alice, "Gus", &person));
    /* under gus's reference comes eve's key package; and eve is handed to the leader, besides */
    attack_put_entry_ref(person.ref, buf_view(&second), &swapped);
    const struct signal_message lobby = {.type = SIGNAL_LOBBY, .entries = buf_view(&swapped)};
    attack_deliver(&a.s, a.alice, &lobby);
    assert_true(attack_lobby_find(a.alice, "Gus", &person));
    assert_int_equal(participant_admit(a.alice->p, person.ref, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    buf_clear(&swapped);
    attack_put_entry(&a.s, buf_view(&second), &swapped);
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&swapped)});
    stage_run(&a.s, 3 * STAGE_SECOND);
    assert_int_equal(participant_phase(gus->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(participant_phase(eve->p), PARTICIPANT_IN_LOBBY);
    assert_int_equal(stage_find(a.bob, eve), MLS_NO_LEAF);
    assert_true(attack_told(a.alice, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    buf_free(&first);
    buf_free(&second);
    buf_free(&swapped);
    attack_close(&a);
}

static void a_key_package_for_another_meeting_opens_no_door(void **state)
{
    struct attack_scene a;
    struct attack_outsider other;
    (void)state;
    attack_open(&a);
    /* carol's own keys, with which she knocks elsewhere */
    attack_outsider_init(&other, &a.s,
                         meeting_world_person(&a.s.world, IDENTITY_USER, "carol@" MEETING_DOMAIN));
    const struct attack_standing before = attack_standing_of(a.alice);
    attack_deliver(
        &a.s, a.alice,
        &(struct signal_message){.type = SIGNAL_LOBBY, .entries = buf_view(&other.entries)});
    assert_int_equal(stage_lobby_count(a.alice), 0);
    assert_true(attack_told(a.alice, REASON_LINK_SECRET, PARTICIPANT_ALARM));
    attack_forget_notices(a.alice);
    attack_deliver(
        &a.s, a.alice,
        &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&other.entries)});
    stage_run(&a.s, 2 * STAGE_SECOND);
    attack_assert_unmoved(a.alice, &before);
    assert_true(attack_told(a.alice, REASON_LINK_SECRET, PARTICIPANT_ALARM));
    attack_outsider_fini(&other);
    attack_close(&a);
}

static void a_welcome_without_the_links_secret_is_not_accepted(void **state)
{
    struct attack_scene a;
    struct buf commit = {0}, welcome = {0}, tree = {0};
    (void)state;
    attack_open(&a);
    attack_withhold(&a.tap, NULL, SIGNAL_COMMIT);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_JOINING);
    /* whoever has no secret adds her without */
    const struct mls_change change = mls_add(attack_knocked(&a.tap));
    attack_pend_commit(&a.s, a.mallory, &change, 1, &commit);
    assert_int_equal(mls_group_merge_own(a.mallory->p->group, &welcome), 0);
    assert_int_equal(mls_group_tree(a.mallory->p->group, &tree), 0);
    attack_deliver(&a.s, carol,
                   &(struct signal_message){.type = SIGNAL_WELCOMED,
                                            .body = buf_view(&welcome),
                                            .tree = buf_view(&tree)});
    assert_null(carol->p->group);
    assert_true(attack_told(carol, REASON_LINK_SECRET, PARTICIPANT_ALARM));
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&tree);
    attack_close(&a);
}

/* ---- Commands ---- */

/* Mallory commits this state; neither the room nor, past it, bob takes it. */
static void assert_not_hers_to_say(struct attack_scene *a, const struct meeting_state *state)
{
    struct meeting_extensions e;
    struct buf commit = {0};
    const struct mls_change change = attack_state_change(a, state, &e);
    const struct attack_standing before = attack_standing_of(a->bob);
    attack_make_commit(&a->s, a->mallory, &change, 1, &commit);
    attack_send(&a->s, a->mallory, SIGNAL_COMMIT, buf_view(&commit));
    stage_run(&a->s, MOMENT);
    assert_int_equal(a->tap.seen[SIGNAL_REJECTED], 1);
    assert_int_equal(attack_last(&a->tap, SIGNAL_REJECTED).reason, REASON_NOT_ALLOWED);
    attack_deliver_mls(&a->s, a->bob, SIGNAL_COMMITTED, buf_view(&commit));
    attack_assert_unmoved(a->bob, &before);
    assert_true(attack_told(a->bob, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    meeting_extensions_fini(&e);
    buf_free(&commit);
}

static void an_attendee_gives_no_commands(void **state)
{
    (void)state;
    for (int command = 0; command < 3; command++) {
        struct attack_scene a;
        struct buf mallory = {0};
        attack_open(&a);
        struct meeting_state next = a.mallory->p->state;
        assert_int_equal(
            meeting_list_with(next.cohosts, bytes_str("mallory@" MEETING_DOMAIN), &mallory), 0);
        if (command == 0)
            next.locked = true;
        else if (command == 1)
            next.ended = true;
        else
            next.cohosts = buf_view(&mallory);
        assert_not_hers_to_say(&a, &next);
        buf_free(&mallory);
        attack_close(&a);
    }
}

/* The last state commit of alice's comes again, when she has said the contrary. */
static void an_old_command_is_not_obeyed_again(void **state)
{
    struct attack_scene a;
    struct buf unlock = {0};
    (void)state;
    attack_open(&a);
    for (int i = 0; i < 3; i++) { /* locked, open, locked */
        assert_int_equal(participant_lock(a.alice->p, i % 2 == 0, a.s.now_us), 0);
        stage_carry_out(&a.s, a.alice);
        stage_run(&a.s, MOMENT);
        if (i == 1)
            buf_put(&unlock, attack_last(&a.tap, SIGNAL_COMMITTED).body);
    }
    assert_true(a.bob->p->state.locked);
    const struct attack_standing before = attack_standing_of(a.bob);
    attack_deliver_mls(&a.s, a.bob, SIGNAL_COMMITTED, buf_view(&unlock));
    attack_send(&a.s, a.alice, SIGNAL_COMMIT, buf_view(&unlock));
    stage_run(&a.s, MOMENT);
    attack_assert_unmoved(a.bob, &before);
    assert_true(a.bob->p->state.locked);
    assert_int_equal(attack_last(&a.tap, SIGNAL_REJECTED).reason, REASON_STALE);
    buf_free(&unlock);
    attack_close(&a);
}

static void the_server_cannot_blame_a_host_for_an_end(void **state)
{
    static const uint16_t lies[] = {REASON_ENDED, REASON_EJECTED, REASON_REFUSED_BY_HOST};
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    for (size_t i = 0; i < a.s.n; i++) {
        attack_deliver(&a.s, a.s.actors[i],
                       &(struct signal_message){.type = SIGNAL_FAULT, .reason = lies[i]});
        assert_int_equal(participant_end_reason(a.s.actors[i]->p), REASON_UNCONFIRMED_END);
    }
    attack_close(&a);
    /* when a host does end it, it says so in a commit */
    attack_open(&a);
    assert_int_equal(participant_end(a.alice->p, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, STAGE_SECOND);
    for (size_t i = 0; i < a.s.n; i++)
        assert_int_equal(participant_end_reason(a.s.actors[i]->p), REASON_ENDED);
    attack_close(&a);
}

static void the_server_appoints_nobody(void **state)
{
    struct attack_scene a;
    struct meeting_extensions e;
    struct mls_context context;
    struct buf mallory = {0}, message = {0};
    (void)state;
    attack_open(&a);
    struct meeting_state next = a.alice->p->state;
    assert_int_equal(
        meeting_list_with(next.cohosts, bytes_str("mallory@" MEETING_DOMAIN), &mallory), 0);
    next.cohosts = buf_view(&mallory);
    const struct mls_change change = attack_state_change(&a, &next, &e);
    mls_group_context(a.alice->p->group, &context);
    assert_int_equal(
        mls_external_propose(a.s.world.crypto, a.s.world.server, 0, &context, &change, &message),
        0);
    const struct attack_standing before = attack_standing_of(a.alice);
    attack_deliver_all(
        &a.s, &(struct signal_message){.type = SIGNAL_PROPOSED, .body = buf_view(&message)});
    stage_run(&a.s, 5 * STAGE_SECOND);
    attack_assert_unmoved(a.alice, &before);
    for (size_t i = 0; i < a.s.n; i++)
        assert_true(attack_told(a.s.actors[i], REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    assert_int_equal(attack_roster_entry(a.bob, a.mallory).role, PARTICIPANT_ATTENDEE);
    /* a host may */
    uint32_t leaf = stage_find(a.alice, a.mallory);
    assert_int_equal(participant_make_cohost(a.alice->p, leaf, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(attack_roster_entry(a.bob, a.mallory).role, PARTICIPANT_COHOST);
    meeting_extensions_fini(&e);
    buf_free(&mallory);
    buf_free(&message);
    attack_close(&a);
}

/* ---- Fake rejoins ---- */

static int psk_of_the_link(void *ctx, struct bytes id, struct buf *out)
{
    const struct stage_actor *insider = ctx;
    (void)id;
    buf_clear(out);
    buf_put(out, bytes_of(insider->p->psk, sizeof insider->p->psk));
    return buf_check(out);
}

/* Somebody who has the link, and a certificate of the provider's for bob's name. */
static struct mls_client *second_bob(struct attack_scene *a, const struct meeting_person *person)
{
    static const uint16_t extensions[] = {MEETING_EXT_CARD, MEETING_EXT_STATE, MEETING_EXT_NAME};
    const struct mls_extension name = {MEETING_EXT_NAME, bytes_of(NULL, 0)};
    struct mls_client *client = NULL;
    struct mls_client_config config = {.suite = MEETING_SUITE,
                                       .signer = person->signer,
                                       .credential = meeting_person_credential(person),
                                       .callbacks = {.ctx = a->mallory,
                                                     .check_identity = mls_identity_accept_any,
                                                     .find_psk = psk_of_the_link},
                                       .policy = mls_policy_default(),
                                       .extensions = extensions,
                                       .n_extensions = 3,
                                       .leaf_extensions = &name,
                                       .n_leaf_extensions = 1};
    config.policy.private_handshake = false;
    assert_int_equal(mls_client_new(&config, &client), 0);
    return client;
}

/* Says Rejoin for bob's leaf, signed with the impostor's own key. */
static void say_rejoin(struct attack_scene *a, struct stage_actor *impostor)
{
    struct mls_context context;
    struct buf tbs = {0}, signature = {0};
    mls_group_context(a->alice->p->group, &context);
    assert_int_equal(signal_connect_tbs(bytes_of(impostor->p->nonce, SIGNAL_NONCE), SIGNAL_REJOIN,
                                        context.group_id, &tbs),
                     0);
    const struct bytes part = buf_view(&tbs);
    assert_int_equal(
        sign_with_label(impostor->person->signer, SIGNAL_CONNECT_LABEL, &part, 1, &signature), 0);
    stage_inject_up(&a->s, impostor,
                    &(struct signal_message){.type = SIGNAL_REJOIN,
                                             .group_id = context.group_id,
                                             .leaf = stage_leaf(a->bob),
                                             .signature = buf_view(&signature)});
    buf_free(&tbs);
    buf_free(&signature);
}

/* Bob, whose certificate was renewed a moment ago, has to take his leaf anew. */
static void come_back_renewed(struct attack_scene *a)
{
    const struct meeting_person *renewed =
        meeting_world_renew(&a->s.world, a->bob->person, IDENTITY_USER, "bob@" MEETING_DOMAIN);
    attack_withhold(&a->tap, a->bob, SIGNAL_COMMIT);
    assert_int_equal(participant_renew(a->bob->p, renewed->chain, 1, a->s.now_us), 0);
    stage_carry_out(&a->s, a->bob);
    attack_deliver(&a->s, a->bob,
                   &(struct signal_message){.type = SIGNAL_FAULT, .reason = REASON_OUT_OF_REACH});
    attack_let_through(&a->tap);
    stage_run(&a->s, 3 * STAGE_SECOND);
    assert_int_equal(a->tap.seen[SIGNAL_INFO_OF], 1);
    assert_true(attack_same_epoch(a->alice, a->bob));
    const struct participant_person bob = attack_roster_entry(a->alice, a->bob);
    assert_true(bytes_equal(bob.certificates, buf_view(&renewed->encoded)));
}

static void nobody_comes_back_as_somebody_else(void **state)
{
    struct attack_scene a;
    struct buf info = {0}, tree = {0}, commit = {0};
    struct mls_group *group = NULL;
    (void)state;
    attack_open(&a);
    come_back_renewed(&a);
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, MOMENT);
    struct meeting_person *person =
        meeting_world_person(&a.s.world, IDENTITY_USER, "bob@" MEETING_DOMAIN);
    struct mls_client *client = second_bob(&a, person);
    const struct bytes psk = card_hash(a.s.card);
    assert_int_equal(mls_group_info(a.mallory->p->group, MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(mls_group_tree(a.mallory->p->group, &tree), 0);
    assert_int_equal(mls_group_join_external(client, buf_view(&info), buf_view(&tree),
                                             stage_leaf(a.bob), &psk, 1, MEETING_NOW, &group,
                                             &commit),
                     0);
    /* the clients */
    const struct attack_standing before = attack_standing_of(a.alice);
    attack_deliver_mls(&a.s, a.alice, SIGNAL_COMMITTED, buf_view(&commit));
    attack_assert_unmoved(a.alice, &before);
    assert_true(attack_told(a.alice, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    /* the room */
    attack_withhold(&a.tap, NULL, SIGNAL_KNOCK);
    struct stage_actor *impostor = stage_enter_person(&a.s, person, "Bob");
    stage_run(&a.s, MOMENT);
    assert_int_equal(a.tap.dropped[SIGNAL_KNOCK], 1);
    say_rejoin(&a, impostor);
    stage_run(&a.s, MOMENT);
    assert_int_equal(a.tap.seen[SIGNAL_INFO_OF], 1);
    assert_int_equal(attack_last(&a.tap, SIGNAL_FAULT).reason, REASON_NOT_A_MEMBER);
    mls_group_free(group);
    mls_client_free(client);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&commit);
    attack_close(&a);
}

static const struct attack attacks[] = {
    ATTACK(50, the_ejected_hear_nothing_and_have_no_say, "Staying after an eject",
           "server and member", REFUSED,
           "The keys are others; what the removed still say in the old epoch is dropped."),
    ATTACK(50, the_ejected_are_not_added_again_by_the_way, "Coming in again by the usual way",
           "server and member", REFUSED, "They are barred by name in the group's own state."),
    ATTACK(51, who_waits_learns_nothing_and_tells_the_server_no_name,
           "The lobby leaks names or addresses", "server and stranger", REFUSED,
           "Who waits is told only that; names are sealed, and for hosts."),
    ATTACK(52, the_host_admits_whom_the_host_was_shown,
           "The host admits one, the server adds another", "server", REFUSED,
           "An Add names the keys; what is not admitted is not added."),
    ATTACK(53, an_attendee_gives_no_commands, "A forged command", "server and member", REFUSED,
           "Server and clients ask the role of who proposes."),
    ATTACK(53, an_old_command_is_not_obeyed_again, "A replayed command", "server", REFUSED,
           "A command is a commit, and good for one epoch."),
    ATTACK(53, the_server_cannot_blame_a_host_for_an_end,
           "The server says that a host ended the meeting", "server", VISIBLE,
           "It is over, and is not put down to a host: no commit says so."),
    ATTACK(54, nobody_comes_back_as_somebody_else, "A fake rejoin into a locked meeting",
           "server and stranger", REFUSED,
           "A leaf is taken again with its own key; a certificate for the name is not enough."),
    ATTACK(56, a_key_package_for_another_meeting_opens_no_door, "Another meeting's key package",
           "server", REFUSED, "The name in it is sealed with another link's secret."),
    ATTACK(56, a_welcome_without_the_links_secret_is_not_accepted,
           "A Welcome from somebody without the link", "server", REFUSED,
           "A newcomer wants the link's secret among the Welcome's."),
    ATTACK(57, the_server_appoints_nobody, "The server appoints a host", "server", REFUSED,
           "It may propose nothing but removals."),
    ATTACK(68, nobody_speaks_through_who_sits_on_their_leaf_now,
           "Words of the removed in the mouth of their successor", "server and member", REFUSED,
           "A message counts if its sender is on that leaf still."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
