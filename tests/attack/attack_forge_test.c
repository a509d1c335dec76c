/* Messages that break the rules of MLS, signed and tagged with a member's real keys. */
#include "attack.h"

#include "mls/key_package.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

#define MOMENT (STAGE_SECOND / 2)

/* Whoever is shown this commit stays where they were, for just this reason, and says so. */
static void assert_cannot_follow(struct attack_scene *a, struct stage_actor *victim,
                                 struct bytes commit, int error)
{
    const struct attack_standing before = attack_standing_of(victim);
    struct mls_received r;
    assert_int_equal(mls_group_receive(victim->p->group, commit, a->s.now_us / STAGE_SECOND, &r),
                     error);
    attack_forget_notices(victim);
    attack_deliver_mls(&a->s, victim, SIGNAL_COMMITTED, commit);
    attack_assert_unmoved(victim, &before);
    assert_true(attack_told(victim, REASON_CANNOT_FOLLOW, PARTICIPANT_ALARM));
}

/* The room refuses it, for this reason, and nobody else gets to see it. */
static void assert_rejected(struct attack_scene *a, struct bytes commit, int reason)
{
    unsigned rejected = a->tap.seen[SIGNAL_REJECTED], relayed = a->tap.seen[SIGNAL_COMMITTED];
    attack_send(&a->s, a->mallory, SIGNAL_COMMIT, commit);
    stage_run(&a->s, MOMENT);
    assert_int_equal(a->tap.seen[SIGNAL_REJECTED], rejected + 1);
    assert_int_equal(a->tap.seen[SIGNAL_COMMITTED], relayed);
    assert_int_equal(attack_last(&a->tap, SIGNAL_REJECTED).reason, reason);
}

/* ---- Paths ---- */

/* Ciphertexts of one node of a path: those at and after `from` do not open. */
static void spoil(struct bytes ciphertexts, size_t from, struct buf *out, size_t *out_n)
{
    struct reader r = reader_of(ciphertexts);
    *out_n = 0;
    for (; reader_left(&r) != 0; (*out_n)++) {
        struct bytes kem_output = read_vec(&r), ciphertext = read_vec(&r);
        assert_true(reader_ok(&r));
        write_vec(out, kem_output);
        write_vec(out, ciphertext);
        if (*out_n >= from)
            out->p[out->n - 1] ^= 1;
    }
    assert_int_equal(buf_check(out), 0);
}

/* A commit of mallory's whose path opens for the first `good` of each node only. */
static void make_garbage(struct attack_scene *a, size_t good, struct buf *out)
{
    struct forge_commit c;
    forge_commit_of(a->mallory->p->group, NULL, 0, &c);
    size_t most = 0;
    for (size_t i = 0; i == 0 || most == 0; i++) {
        struct buf spoilt = {0};
        spoil(forge_commit_node(&c, i).ciphertexts, good, &spoilt, &most);
        const struct bytes view = buf_view(&spoilt);
        forge_commit_set_node(&c, i, NULL, &view);
        buf_free(&spoilt);
    }
    assert_true(good < most);
    forge_commit_public(&c, a->mallory->p->group, out);
    forge_commit_free(&c);
}

static void a_commit_that_nobody_can_follow_is_taken_back(void **state)
{
    struct attack_scene a;
    struct buf commit = {0};
    struct room_summary summary;
    (void)state;
    attack_open(&a);
    make_garbage(&a, 0, &commit);
    attack_send(&a.s, a.mallory, SIGNAL_COMMIT, buf_view(&commit));
    stage_run(&a.s, 4 * STAGE_SECOND);
    room_summary(a.s.room, &summary);
    assert_int_equal(summary.undone, 1);
    assert_true(attack_told(a.alice, REASON_CANNOT_FOLLOW, PARTICIPANT_ALARM));
    assert_true(attack_told(a.bob, REASON_UNDONE, PARTICIPANT_WARNING));
    assert_int_equal(stage_find(a.alice, a.mallory), MLS_NO_LEAF);
    attack_assert_heard(&a.s, a.alice, &a.bob, 1, "where were we?");
    buf_free(&commit);
    attack_close(&a);
}

static void who_alone_cannot_follow_comes_back(void **state)
{
    struct attack_scene a;
    struct buf commit = {0};
    (void)state;
    attack_open(&a);
    make_garbage(&a, 1, &commit); /* alice's opens, bob's does not */
    attack_send(&a.s, a.mallory, SIGNAL_COMMIT, buf_view(&commit));
    stage_run(&a.s, 10 * STAGE_SECOND);
    assert_true(attack_told(a.bob, REASON_CANNOT_FOLLOW, PARTICIPANT_ALARM));
    assert_true(attack_same_epoch(a.alice, a.bob));
    attack_assert_heard(&a.s, a.alice, &a.bob, 1, "there you are");
    buf_free(&commit);
    attack_close(&a);
}

static void a_wrong_parent_hash_convinces_nobody(void **state)
{
    static uint8_t wrong[32] = {1};
    struct attack_scene a;
    struct forge_commit c;
    struct buf commit = {0};
    (void)state;
    attack_open(&a);
    struct mls_group *g = a.mallory->p->group;
    forge_commit_of(g, NULL, 0, &c);
    c.content.parent_hash = bytes_of(wrong, sizeof wrong);
    forge_commit_sign_leaf(&c, g, g->pub.view.group_id, g->own_leaf, a.mallory->person->signer);
    forge_commit_public(&c, g, &commit);
    assert_rejected(&a, buf_view(&commit), REASON_INVALID);
    assert_cannot_follow(&a, a.bob, buf_view(&commit), CONCLAVE_EPARENTHASH);
    forge_commit_free(&c);
    buf_free(&commit);
    attack_close(&a);
}

/* Turns one bit of the tree over that goes with a Welcome. */
static bool bend_tree(void *ctx, struct stage_actor *a, struct signal_message *m)
{
    struct buf *bent = ctx;
    (void)a;
    if (m->type != SIGNAL_WELCOMED)
        return false;
    buf_clear(bent);
    buf_put(bent, m->tree);
    bent->p[bent->n / 2] ^= 1;
    m->tree = buf_view(bent);
    return true;
}

static void a_bent_tree_is_not_joined(void **state)
{
    struct attack_scene a;
    struct buf bent = {0};
    (void)state;
    attack_open(&a);
    a.tap.change = bend_tree;
    a.tap.ctx = &bent;
    attack_withhold(&a.tap, NULL, SIGNAL_LIVE);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, 2 * STAGE_SECOND);
    assert_int_equal(a.tap.changed, 1);
    assert_null(carol->p->group);
    assert_true(attack_told(carol, REASON_COMMIT_FOREIGN, PARTICIPANT_ALARM));
    /* the straight one is */
    const struct signal_message m = attack_last(&a.tap, SIGNAL_WELCOMED);
    attack_deliver(&a.s, carol, &m);
    assert_true(attack_same_epoch(carol, a.alice));
    buf_free(&bent);
    attack_close(&a);
}

/* ---- Proposals ---- */

/* An honest commit with one more proposal by value, which MLS would not let anybody make. */
static void commit_with(struct attack_scene *a, struct stage_actor *by, struct mls_change change,
                        struct buf *out)
{
    const struct mls_change psk = attack_link_psk(&a->s);
    struct forge_commit c;
    struct buf proposal = {0};
    forge_commit_of(by->p->group, &psk, 1, &c);
    assert_int_equal(change.type == MLS_PSK
                         ? mls_psk_write_change(a->s.world.crypto, &change, &proposal)
                         : mls_proposal_write_change(&proposal, &change),
                     0);
    forge_put(&c.proposals, buf_view(&proposal));
    forge_commit_public(&c, by->p->group, out);
    forge_commit_free(&c);
    buf_free(&proposal);
}

static void a_key_is_in_the_tree_only_once(void **state)
{
    struct attack_scene a;
    struct mls_key_package *kp = NULL;
    struct buf commit = {0};
    (void)state;
    attack_open(&a);
    const uint64_t now = a.s.now_us / STAGE_SECOND;
    /* another key package of bob's, as he would make it if he knocked again */
    assert_int_equal(mls_key_package_new(a.bob->p->client, now - 60, now + MEETING_DAY, false, &kp),
                     0);
    commit_with(&a, a.mallory, mls_add(mls_key_package_message(kp)), &commit);
    assert_rejected(&a, buf_view(&commit), REASON_INVALID);
    assert_cannot_follow(&a, a.bob, buf_view(&commit), CONCLAVE_EDUPLICATE);
    assert_cannot_follow(&a, a.alice, buf_view(&commit), CONCLAVE_EDUPLICATE);
    mls_key_package_free(kp);
    buf_free(&commit);
    attack_close(&a);
}

static void nobody_may_move_the_group_to_another_suite(void **state)
{
    static const uint8_t id[16] = {1};
    struct attack_scene a;
    struct buf commit = {0};
    (void)state;
    attack_open(&a);
    const struct mls_change change =
        mls_reinit(bytes_of(id, sizeof id), CRYPTO_X25519_CHACHA20POLY1305_SHA256_ED25519, NULL, 0);
    attack_make_commit(&a.s, a.mallory, &change, 1, &commit);
    assert_rejected(&a, buf_view(&commit), REASON_NOT_ALLOWED);
    const struct attack_standing before = attack_standing_of(a.bob);
    attack_deliver_mls(&a.s, a.bob, SIGNAL_COMMITTED, buf_view(&commit));
    attack_assert_unmoved(a.bob, &before);
    assert_true(attack_told(a.bob, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    /* not even the organiser may */
    buf_clear(&commit);
    attack_make_commit(&a.s, a.alice, &change, 1, &commit);
    attack_deliver_mls(&a.s, a.mallory, SIGNAL_COMMITTED, buf_view(&commit));
    assert_true(attack_told(a.mallory, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    buf_free(&commit);
    attack_close(&a);
}

static void an_expired_key_package_is_not_added(void **state)
{
    struct attack_scene a;
    struct mls_key_package *kp = NULL;
    struct buf entries = {0}, commit = {0};
    (void)state;
    attack_open(&a);
    const uint64_t now = a.s.now_us / STAGE_SECOND;
    struct stage_actor *carol = attack_guest(&a, "Carol");
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_LOBBY);
    assert_int_equal(
        mls_key_package_new(carol->p->client, now - 2 * MEETING_DAY, now - MEETING_DAY, false, &kp),
        0);
    /* the server shows it to the host, and hands it to the leader */
    uint64_t refused = a.alice->p->stats.refused;
    const uint8_t ref[32] = {0};
    attack_put_entry_ref(bytes_of(ref, sizeof ref), mls_key_package_message(kp), &entries);
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_LOBBY, .entries = buf_view(&entries)});
    attack_deliver(&a.s, a.alice,
                   &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&entries)});
    assert_int_equal(a.alice->p->stats.refused, refused + 2);
    assert_int_equal(stage_lobby_count(a.alice), 1);
    /* a host's client commits it all the same */
    commit_with(&a, a.alice, mls_add(mls_key_package_message(kp)), &commit);
    assert_cannot_follow(&a, a.bob, buf_view(&commit), CONCLAVE_ELIFETIME);
    mls_key_package_free(kp);
    buf_free(&entries);
    buf_free(&commit);
    attack_close(&a);
}

/* A proposal to remove bob that alice seems to have made, by somebody without her key. */
static void forge_alices_proposal(struct attack_scene *a, struct buf *out)
{
    struct mls_group *g = a->mallory->p->group;
    struct buf proposal = {0};
    const struct mls_change change = mls_remove(stage_leaf(a->bob));
    assert_int_equal(mls_proposal_write_change(&proposal, &change), 0);
    struct forge f = forge_of(g, CONTENT_PROPOSAL, buf_view(&proposal));
    f.content.sender.index = stage_leaf(a->alice);
    forge_public(&f, out);
    buf_free(&proposal);
}

static void nobody_proposes_in_anothers_name(void **state)
{
    struct attack_scene a;
    struct buf forged = {0};
    (void)state;
    attack_open(&a);
    const struct attack_standing before = attack_standing_of(a.bob);
    uint64_t refused = a.bob->p->stats.refused;
    forge_alices_proposal(&a, &forged);
    attack_send(&a.s, a.mallory, SIGNAL_PROPOSE, buf_view(&forged));
    unsigned relayed = a.tap.seen[SIGNAL_PROPOSED];
    assert_int_equal(relayed, 0);
    attack_deliver_all(
        &a.s, &(struct signal_message){.type = SIGNAL_PROPOSED, .body = buf_view(&forged)});
    stage_run(&a.s, 5 * STAGE_SECOND);
    assert_int_equal(a.bob->p->stats.refused, refused + 1);
    attack_assert_unmoved(a.bob, &before);
    buf_free(&forged);
    attack_close(&a);
}

static void a_wrong_membership_tag_is_taken_back_and_costs_the_seat(void **state)
{
    static const uint8_t wrong[32] = {1};
    struct attack_scene a;
    struct forge_commit c;
    struct buf body = {0}, commit = {0};
    (void)state;
    attack_open(&a);
    forge_commit_of(a.mallory->p->group, NULL, 0, &c);
    forge_commit_body(&c, &body);
    struct forge f = forge_of(a.mallory->p->group, CONTENT_COMMIT, buf_view(&body));
    f.confirmation_tag = c.m.auth_content.auth.confirmation_tag;
    f.has_membership_tag = true;
    f.membership_tag = bytes_of(wrong, sizeof wrong);
    forge_public(&f, &commit);
    /* the server has no key to check it with */
    attack_send(&a.s, a.mallory, SIGNAL_COMMIT, buf_view(&commit));
    stage_run(&a.s, 4 * STAGE_SECOND);
    assert_true(attack_told(a.bob, REASON_CANNOT_FOLLOW, PARTICIPANT_ALARM));
    assert_true(attack_told(a.bob, REASON_UNDONE, PARTICIPANT_WARNING));
    assert_int_equal(stage_find(a.bob, a.mallory), MLS_NO_LEAF);
    assert_true(attack_same_epoch(a.alice, a.bob));
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&commit);
    attack_close(&a);
}

static void an_unknown_psk_convinces_nobody(void **state)
{
    struct attack_scene a;
    struct buf commit = {0};
    (void)state;
    attack_open(&a);
    commit_with(&a, a.mallory, mls_external_psk(bytes_str("another secret")), &commit);
    assert_rejected(&a, buf_view(&commit), REASON_NOT_ALLOWED);
    assert_cannot_follow(&a, a.bob, buf_view(&commit), CONCLAVE_EPSK);
    buf_free(&commit);
    attack_close(&a);
}

static void proposals_for_their_own_sake_hold_nothing_up(void **state)
{
    struct attack_scene a;
    struct buf message = {0};
    (void)state;
    attack_open(&a);
    /* more proofs of the link's secret than a commit may have, each of them allowed */
    const struct mls_change psk = attack_link_psk(&a.s);
    attack_withhold(&a.tap, NULL, SIGNAL_COMMIT);
    for (size_t i = 0; i < LIMIT_MLS_PSKS + 6; i++) {
        assert_int_equal(
            mls_group_propose(a.mallory->p->group, &psk, NULL, a.s.now_us / STAGE_SECOND, &message),
            0);
        attack_send(&a.s, a.mallory, SIGNAL_PROPOSE, buf_view(&message));
    }
    attack_let_through(&a.tap);
    assert_true(a.tap.seen[SIGNAL_PROPOSED] >= 2 * LIMIT_MLS_PSKS);
    stage_cut(&a.s, a.alice); /* her commit went nowhere: she sends it again */
    stage_run(&a.s, 15 * STAGE_SECOND);
    assert_int_equal(participant_lock(a.alice->p, true, a.s.now_us), 0);
    stage_carry_out(&a.s, a.alice);
    stage_run(&a.s, 4 * STAGE_SECOND);
    assert_true(a.bob->p->state.locked);
    stage_agree(&a.s, 3);
    buf_free(&message);
    attack_close(&a);
}

/* ---- Private messages ---- */

static void make_chat(struct mls_group *g, uint32_t generation, struct buf *out)
{
    static const uint8_t id[SIGNAL_CHAT_ID] = {9};
    struct buf content = {0};
    const struct signal_content chat = {
        .kind = SIGNAL_CHAT, .id = bytes_of(id, sizeof id), .text = bytes_str("from far ahead")};
    assert_int_equal(signal_content_write(&chat, &content), 0);
    struct forge f = forge_of(g, CONTENT_APPLICATION, buf_view(&content));
    struct forge_private p = forge_private_of(&f);
    p.has_generation = true;
    p.generation = generation;
    forge_private(&f, &p, out);
    buf_free(&content);
}

static void a_jump_of_generations_is_not_followed(void **state)
{
    struct attack_scene a;
    struct buf message = {0};
    (void)state;
    attack_open(&a);
    make_chat(a.mallory->p->group, 5000, &message);
    attack_deliver_mls(&a.s, a.bob, SIGNAL_APP_FROM, buf_view(&message));
    assert_int_equal(a.bob->chats, 0);
    /* a small one is, and what was lost by the large one is nothing */
    make_chat(a.mallory->p->group, 500, &message);
    attack_deliver_mls(&a.s, a.bob, SIGNAL_APP_FROM, buf_view(&message));
    assert_int_equal(a.bob->chats, 1);
    attack_assert_heard(&a.s, a.alice, &a.bob, 1, "and I?");
    buf_free(&message);
    attack_close(&a);
}

static const struct attack attacks[] = {
    ATTACK(15, a_commit_that_nobody_can_follow_is_taken_back, "Garbage for path secrets", "member",
           VISIBLE, "All complain, the server takes it back, and the offender's seat is gone."),
    ATTACK(15, who_alone_cannot_follow_comes_back, "Garbage for one member", "member", VISIBLE,
           "That member is told, and resumes its leaf by an external commit."),
    ATTACK(16, a_wrong_parent_hash_convinces_nobody, "A wrong parent hash", "server and member",
           REFUSED, "Server and members compute it themselves."),
    ATTACK(16, a_bent_tree_is_not_joined, "Another tree with a Welcome", "server", REFUSED,
           "The tree has to have the hash that the Welcome names."),
    ATTACK(17, a_key_is_in_the_tree_only_once, "Somebody is added twice", "server and member",
           REFUSED, "Keys are unique in a tree."),
    ATTACK(18, nobody_may_move_the_group_to_another_suite, "ReInit to another suite",
           "server and member", REFUSED, "Nobody may propose it; the suite is the card's."),
    ATTACK(19, an_expired_key_package_is_not_added, "An expired key package", "server and member",
           REFUSED, "Everybody checks its lifetime by their own clock."),
    ATTACK(20, nobody_proposes_in_anothers_name, "A proposal in the name of the host",
           "server and member", REFUSED, "It does not bear the host's signature."),
    ATTACK(20, a_wrong_membership_tag_is_taken_back_and_costs_the_seat, "A wrong membership tag",
           "member", VISIBLE, "All complain, and the server takes it back."),
    ATTACK(22, a_jump_of_generations_is_not_followed, "A jump of thousands of generations",
           "server and member", REFUSED, "No ratchet is forwarded so far."),
    ATTACK(23, an_unknown_psk_convinces_nobody, "A commit with an unknown PSK", "server and member",
           REFUSED, "Only the link's, and the group's own, may be used."),
    ATTACK(67, proposals_for_their_own_sake_hold_nothing_up, "Proposals that do not fit a commit",
           "member", REFUSED, "A commit takes what goes together, and leaves the rest."),
};

int main(int argc, char **argv)
{
    return attack_main(argc, argv, attacks, sizeof attacks / sizeof attacks[0]);
}
