/* Less than was agreed, and more than anybody can bear: downgrades, floods, giants. */
#include "attack_moves.h"

#include <string.h>

#include "identity/limits.h"
#include "mls/key_package.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

/* ---- Downgrades ---- */

static void without_encryption(struct card_terms *terms)
{
    terms->mode = CARD_STANDARD;
}

static void with_another_suite(struct card_terms *terms)
{
    terms->suites[1] = CRYPTO_X25519_AES128GCM_SHA256_ED25519;
    terms->n_suites = 2;
}

static void with_everybody_let_in(struct card_terms *terms)
{
    terms->rules[CARD_GUEST].unlocked = CARD_JOIN;
}

static void another_card_than_the_links_is_refused(void **state)
{
    static void (*const changes[])(struct card_terms *) = {without_encryption, with_another_suite,
                                                           with_everybody_let_in};
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct attack_scene a;
        struct buf card = {0};
        attack_open(&a);
        attack_sign_other_card(&a, changes[i], &card);
        a.tap.change = attack_swap_card;
        a.tap.ctx = &card;
        /* to somebody new, and to somebody who comes back */
        struct stage_actor *carol =
            stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
        stage_cut(&a.s, a.bob);
        unsigned knocks = a.tap.seen[SIGNAL_KNOCK];
        stage_run(&a.s, 5 * STAGE_SECOND);
        assert_true(a.tap.changed >= 2);
        assert_int_equal(participant_end_reason(carol->p), REASON_CARD_MISMATCH);
        assert_int_equal(participant_end_reason(a.bob->p), REASON_CARD_MISMATCH);
        assert_int_equal(a.tap.seen[SIGNAL_KNOCK], knocks);
        buf_free(&card);
        attack_close(&a);
    }
}

static void open_to_all(struct card_terms *terms)
{
    terms->open = true;
}

static void without_a_hash_the_mode_is_looked_at_still(void **state)
{
    struct attack_scene a = {0};
    struct buf card = {0};
    (void)state;
    stage_open_terms(&a.s, 1, open_to_all);
    attack_tap_init(&a.tap, &a.s);
    a.s.world.link.has_hash = false; /* a number typed by hand */
    attack_sign_other_card(&a, without_encryption, &card);
    a.tap.change = attack_swap_card;
    a.tap.ctx = &card;
    a.alice = stage_enter_organiser(&a.s);
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(a.tap.changed, 1);
    assert_int_equal(participant_end_reason(a.alice->p), REASON_STANDARD_MODE);
    a.tap.change = NULL;
    struct stage_actor *again = stage_enter_person(&a.s, a.alice->person, "Alice");
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    assert_int_equal(participant_phase(again->p), PARTICIPANT_IN_MEETING);
    buf_free(&card);
    attack_close(&a);
}

/* ---- Floods ---- */

#define FLOOD_FIRST UINT64_C(1000000) /* numbers of connections that nobody of the stage has */
#define FLOOD 4000

static void drain(struct stage *s, size_t *out_closed)
{
    struct room_effect e;
    *out_closed = 0;
    while (room_next(s->room, &e))
        *out_closed += e.kind == ROOM_CLOSE ? e.n_conns : 0;
}

static void connections_that_say_nothing_keep_nobody_out_for_long(void **state)
{
    struct attack_scene a;
    size_t closed;
    (void)state;
    attack_open(&a);
    for (uint64_t i = 0; i < FLOOD; i++)
        assert_int_equal(room_open(a.s.room, FLOOD_FIRST + i, a.s.now_us), 0);
    drain(&a.s, &closed);
    assert_in_range(closed, 1, FLOOD - 1); /* there is an end to them */
    /* who is in does not notice */
    attack_assert_heard(&a.s, a.alice, &a.bob, 1, "is it full outside?");
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(participant_end_reason(carol->p), REASON_FULL);
    /* who is not, a minute later, neither */
    stage_run(&a.s, 61 * STAGE_SECOND);
    struct stage_actor *again = stage_enter_person(&a.s, carol->person, "Carol");
    assert_true(stage_until_all_in(&a.s, 5 * STAGE_SECOND));
    assert_int_equal(participant_phase(again->p), PARTICIPANT_IN_MEETING);
    attack_close(&a);
}

static void a_member_who_talks_without_end_is_slowed_and_then_cut_off(void **state)
{
    struct attack_scene a;
    struct buf message = {0};
    (void)state;
    attack_open(&a);
    assert_int_equal(mls_group_protect(a.mallory->p->group, bytes_of(NULL, 0),
                                       bytes_str("not even content"), &message),
                     0);
    unsigned before = a.tap.seen[SIGNAL_APP_FROM];
    for (int i = 0; i < 2000; i++)
        stage_inject_up(&a.s, a.mallory,
                        &(struct signal_message){.type = SIGNAL_APP, .body = buf_view(&message)});
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(attack_last(&a.tap, SIGNAL_FAULT).reason, REASON_TOO_MANY);
    assert_ptr_equal(a.tap.last_of[SIGNAL_FAULT], a.mallory);
    /* a burst, and fifty a second, to each of three */
    assert_in_range(a.tap.seen[SIGNAL_APP_FROM] - before, 3 * 150, 3 * 300);
    attack_assert_heard(&a.s, a.alice, &a.bob, 1, "what was that?");
    buf_free(&message);
    attack_close(&a);
}

static void a_storm_of_commits_is_slowed(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    a.s.delay_us = a.s.jitter_us = 500; /* a member beside the server */
    const uint64_t epoch = mls_group_epoch(a.mallory->p->group);
    const uint64_t until = a.s.now_us + 10 * STAGE_SECOND;
    while (a.s.now_us < until) {
        if (!mls_group_has_pending(a.mallory->p->group))
            attack_commit(&a.s, a.mallory, NULL, 0);
        stage_run(&a.s, STAGE_SECOND / 500);
    }
    /* a burst, and 16 a second, in place of hundreds */
    assert_in_range(mls_group_epoch(a.alice->p->group) - epoch, 150, 250);
    stage_run(&a.s, STAGE_SECOND);
    assert_true(attack_same_epoch(a.alice, a.bob));
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, STAGE_SECOND);
    assert_true(a.bob->p->state.locked);
    attack_close(&a);
}

static void somebody_who_flaps_moves_nobody_else(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    const struct attack_standing before = attack_standing_of(a.alice);
    unsigned presences = a.tap.seen[SIGNAL_PRESENCE], lives = a.tap.seen[SIGNAL_LIVE];
    for (int i = 0; i < 60; i++) { /* a new connection each quarter of a second, and resumed */
        participant_reconnect(a.mallory->p, 1);
        a.mallory->p->retries = 0;
        stage_carry_out(&a.s, a.mallory);
        stage_run(&a.s, STAGE_SECOND / 4);
    }
    assert_true(a.tap.seen[SIGNAL_LIVE] - lives >= 30);
    attack_assert_unmoved(a.alice, &before);
    /* to each of three, at most ten a second; and to her the list when she comes */
    assert_in_range(a.tap.seen[SIGNAL_PRESENCE] - presences, 30, 3 * 15 * 10 + 60);
    attack_assert_heard(&a.s, a.bob, &a.alice, 1, "does she flicker?");
    attack_close(&a);
}

static void an_old_connection_keeps_nobody_out(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    /* bob starts anew; the network has not told the server that he was gone */
    struct stage_actor *again = stage_enter_person(&a.s, a.bob->person, "Bob");
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(participant_end_reason(a.bob->p), REASON_REPLACED);
    assert_int_equal(participant_phase(again->p), PARTICIPANT_IN_MEETING);
    stage_agree(&a.s, 3);
    assert_int_equal(stage_roster_count(a.alice), 3);
    attack_close(&a);
}

static void leaves_are_not_taken_anew_without_end(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    uint64_t epoch = mls_group_epoch(a.alice->p->group);
    unsigned asked = a.tap.seen[SIGNAL_REJOIN];
    for (int i = 0; i < 20 && participant_phase(a.mallory->p) != PARTICIPANT_OVER; i++) {
        a.mallory->p->rejoin = true;
        a.mallory->p->retries = 0;
        participant_reconnect(a.mallory->p, 1);
        stage_carry_out(&a.s, a.mallory);
        stage_run(&a.s, STAGE_SECOND);
    }
    assert_true(a.tap.seen[SIGNAL_REJOIN] - asked >= 10);
    assert_int_equal(attack_last(&a.tap, SIGNAL_FAULT).reason, REASON_TOO_MANY);
    assert_in_range(mls_group_epoch(a.alice->p->group), epoch + 1, epoch + 3);
    assert_true(attack_same_epoch(a.alice, a.bob));
    attack_close(&a);
}

/* ---- Giants ---- */

static void a_giant_of_a_tree_is_not_even_built(void **state)
{
    struct attack_scene a;
    struct buf tree = {0};
    struct mls_group *joined = NULL;
    (void)state;
    attack_open(&a);
    attack_withhold(&a.tap, NULL, SIGNAL_WELCOMED);
    attack_withhold(&a.tap, NULL, SIGNAL_LIVE);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, 2 * STAGE_SECOND);
    /* four million blank nodes, a byte each, in place of the tree */
    size_t mark = write_vec_begin(&tree);
    buf_put_zero(&tree, (size_t)4 << 20);
    write_vec_end(&tree, mark);
    assert_int_equal(buf_check(&tree), 0);
    struct signal_message welcome = attack_last(&a.tap, SIGNAL_WELCOMED);
    const struct bytes honest = welcome.tree;
    welcome.tree = buf_view(&tree);
    assert_int_equal(mls_group_join(carol->p->client, welcome.body, welcome.tree,
                                    carol->p->key_package, NULL, 0, MEETING_NOW, &joined),
                     CONCLAVE_ELIMIT);
    attack_deliver(&a.s, carol, &welcome);
    assert_null(carol->p->group);
    assert_true(attack_told(carol, REASON_COMMIT_FOREIGN, PARTICIPANT_ALARM));
    welcome.tree = honest;
    attack_deliver(&a.s, carol, &welcome);
    assert_true(attack_same_epoch(carol, a.alice));
    buf_free(&tree);
    attack_close(&a);
}

/* Carol's key package with these certificates in place of her own chain; signed by her. */
static void key_package_with(struct attack_scene *a, struct stage_actor *carol, struct bytes chain,
                             struct buf *out)
{
    const uint64_t now = a->s.now_us / STAGE_SECOND;
    struct mls_key_package *kp = NULL;
    assert_int_equal(mls_key_package_new(carol->p->client, now - 60, now + MEETING_DAY, false, &kp),
                     0);
    struct forge_key_package f = forge_key_package_of(kp);
    f.leaf.credential.certificates = chain;
    forge_key_package(&f, out);
    mls_key_package_free(kp);
}

/* Neither the room, where she knocks with it, nor, past the room, a host takes it. */
static void assert_not_taken(struct attack_scene *a, struct bytes key_package)
{
    static const uint8_t any[64] = {3};
    struct buf entries = {0};
    uint64_t refused = a->alice->p->stats.refused;
    size_t before = stage_lobby_count(a->alice);
    attack_put_entry_ref(bytes_of(any, 32), key_package, &entries);
    attack_deliver(&a->s, a->alice,
                   &(struct signal_message){.type = SIGNAL_LOBBY, .entries = buf_view(&entries)});
    assert_int_equal(a->alice->p->stats.refused, refused + 1);
    assert_int_equal(stage_lobby_count(a->alice), before);
    attack_withhold(&a->tap, NULL, SIGNAL_KNOCK);
    struct stage_actor *again = stage_enter(
        &a->s, IDENTITY_GUEST, "urn:uuid:6ba7b810-9dad-41d1-80b4-00c04fd43000", "Carol");
    stage_run(&a->s, STAGE_SECOND / 2);
    stage_inject_up(&a->s, again,
                    &(struct signal_message){.type = SIGNAL_KNOCK,
                                             .body = key_package,
                                             .signature = bytes_of(any, sizeof any)});
    stage_run(&a->s, STAGE_SECOND / 2);
    assert_int_equal(participant_end_reason(again->p), REASON_KEY_PACKAGE);
    buf_free(&entries);
}

static void a_giant_of_a_chain_is_not_looked_at(void **state)
{
    struct attack_scene a;
    struct bytes chain[64];
    struct buf encoded = {0}, message = {0};
    struct identity id;
    (void)state;
    attack_open(&a);
    struct stage_actor *carol = attack_guest(&a, "Carol");
    for (size_t i = 0; i < 64; i++) {
        chain[i] = carol->person->chain[0];
        write_vec(&encoded, chain[i]);
    }
    assert_int_equal(buf_check(&encoded), 0);
    key_package_with(&a, carol, buf_view(&encoded), &message);
    assert_not_taken(&a, buf_view(&message));
    const struct identity_policy policy = card_identity_policy(a.s.card);
    assert_int_equal(identity_verify(a.s.world.anchors, chain, 64,
                                     crypto_signer_public(carol->person->signer), MEETING_NOW,
                                     &policy, &id),
                     0);
    assert_int_equal(id.reason, IDENTITY_TOO_LARGE);
    buf_free(&encoded);
    buf_free(&message);
    attack_close(&a);
}

/* SEQUENCE in SEQUENCE in SEQUENCE, each as long as it can be. */
static void nest(size_t depth, struct buf *out)
{
    for (size_t i = 0; i < depth; i++) {
        size_t left = 4 * (depth - i - 1);
        const uint8_t head[] = {0x30, 0x82, (uint8_t)(left >> 8), (uint8_t)left};
        buf_put(out, bytes_of(head, sizeof head));
    }
    assert_int_equal(buf_check(out), 0);
}

static void a_certificate_nested_without_end_is_malformed(void **state)
{
    struct attack_scene a;
    struct buf der = {0}, encoded = {0}, message = {0};
    struct identity id;
    (void)state;
    attack_open(&a);
    struct stage_actor *carol = attack_guest(&a, "Carol");
    nest(1500, &der);
    const struct bytes chain = buf_view(&der);
    assert_int_equal(mls_certificates_encode(&chain, 1, &encoded), 0);
    key_package_with(&a, carol, buf_view(&encoded), &message);
    assert_not_taken(&a, buf_view(&message));
    const struct identity_policy policy = card_identity_policy(a.s.card);
    assert_int_equal(identity_verify(a.s.world.anchors, &chain, 1,
                                     crypto_signer_public(carol->person->signer), MEETING_NOW,
                                     &policy, &id),
                     0);
    assert_int_equal(id.category, IDENTITY_UNVERIFIED);
    assert_int_equal(id.reason, IDENTITY_MALFORMED);
    buf_free(&der);
    buf_free(&encoded);
    buf_free(&message);
    attack_close(&a);
}

static const struct attack attacks[] = {
    ATTACK(58, another_card_than_the_links_is_refused,
           "A card with standard mode, other suites or other rules", "server", REFUSED,
           "The link names the card's hash; nothing is said to a server that shows another."),
    ATTACK(58, without_a_hash_the_mode_is_looked_at_still, "Standard mode behind a typed number",
           "server", REFUSED, "There is no such mode in the client."),
    ATTACK(60, connections_that_say_nothing_keep_nobody_out_for_long, "A flood of connections",
           "stranger", VISIBLE,
           "Members do not notice; newcomers are told that it is full, for a minute at most."),
    ATTACK(60, a_member_who_talks_without_end_is_slowed_and_then_cut_off, "A flood of messages",
           "member", REFUSED, "50 a second are relayed; who does not stop is cut off."),
    ATTACK(60, a_storm_of_commits_is_slowed, "A storm of commits", "member", REFUSED,
           "16 a second are taken; an honest leader makes ten at most."),
    ATTACK(
        61, somebody_who_flaps_moves_nobody_else, "Flapping", "member", REFUSED,
        "Coming and going again changes no epoch; others hear of it ten times a second at most."),
    ATTACK(61, an_old_connection_keeps_nobody_out, "A connection that is kept from ending",
           "network", REFUSED, "Whoever comes again takes its place at once."),
    ATTACK(61, leaves_are_not_taken_anew_without_end, "Rejoining again and again", "member",
           REFUSED, "Three external commits of a leaf in ten minutes."),
    ATTACK(62, a_giant_of_a_tree_is_not_even_built, "A giant tree", "server", REFUSED,
           "Limits are checked before anything is allocated."),
    ATTACK(62, a_giant_of_a_chain_is_not_looked_at, "A giant certificate chain", "stranger",
           REFUSED, "Ten certificates are looked at, in a key package as elsewhere."),
    ATTACK(62, a_certificate_nested_without_end_is_malformed, "ASN.1 nested without end",
           "stranger", REFUSED, "The reader knows the shape that it wants, and does not recurse."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
