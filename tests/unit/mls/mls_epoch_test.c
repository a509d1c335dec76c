/* RFC 9420 7.5, 8, 9, 12.1, 14, 15: what an epoch is made of, and what is left of it afterwards. */
#include <string.h>

#include "base/ct.h"
#include "crypto/labels.h"
#include "mls/extension.h"
#include "mls/psk.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

static void begin(struct world *w, size_t n)
{
    world_init(w);
    world_group(w, n);
    world_serve(w);
}

static struct mls_received take(struct mls_group *g, struct bytes message)
{
    struct mls_received r = {0};
    assert_int_equal(mls_group_receive(g, message, WORLD_NOW, &r), 0);
    return r;
}

/* ---- The context ---- */

/* RFC 9420 8.1-1..5, 8.2-1 and 8.2-2 */
static void the_context_follows_each_commit(void **state)
{
    (void)state;
    struct world w;
    struct mls_context old, new;
    struct forge_commit c;
    uint8_t confirmed[32], interim[32];
    begin(&w, 4);
    struct mls_group *g = w.actor[0].group;
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    struct mls_staged *s = world_stage(g, buf_view(&c.message));
    mls_staged_old_context(s, &old);
    mls_staged_new_context(s, &new);
    assert_true(bytes_equal(old.group_id, new.group_id));
    assert_int_equal(new.epoch, old.epoch + 1);
    assert_true(bytes_equal(old.extensions, new.extensions));
    assert_false(bytes_equal(old.tree_hash, new.tree_hash));
    /* confirmed = H(interim || wire format, content, signature); interim adds the tag */
    struct buf b = {0};
    buf_put(&b, bytes_of(g->pub.interim, 32));
    write_u16(&b, MLS_PUBLIC_MESSAGE);
    buf_put(&b, c.m.auth_content.content.raw);
    write_vec(&b, c.m.auth_content.auth.signature);
    struct bytes input = buf_view(&b);
    assert_int_equal(crypto_hash(w.crypto, &input, 1, confirmed), 0);
    assert_true(bytes_equal(bytes_of(confirmed, 32), new.confirmed_transcript_hash));
    buf_clear(&b);
    buf_put(&b, bytes_of(confirmed, 32));
    write_vec(&b, c.m.auth_content.auth.confirmation_tag);
    input = buf_view(&b);
    assert_int_equal(crypto_hash(w.crypto, &input, 1, interim), 0);
    assert_int_equal(mls_group_merge(g, s), 0);
    assert_memory_equal(g->pub.interim, interim, 32);
    buf_free(&b);
    forge_commit_free(&c);
    world_fini(&w);
}

/* RFC 9420 11-2, 11-3 */
static void a_new_group_has_one_leaf_and_epoch_zero(void **state)
{
    (void)state;
    struct world w;
    struct mls_context context;
    uint8_t tag[32], interim[32];
    begin(&w, 1);
    struct mls_group *g = w.actor[0].group, *other = NULL;
    mls_group_context(g, &context);
    assert_int_equal(context.epoch, 0);
    assert_int_equal(context.confirmed_transcript_hash.n, 0);
    assert_int_equal(mls_group_member_count(g), 1);
    assert_int_equal(
        mls_confirmation_tag(w.crypto, &g->secrets.confirmation, bytes_of(NULL, 0), tag), 0);
    assert_true(bytes_equal(bytes_of(tag, 32), buf_view(&g->pub.confirmation_tag)));
    assert_int_equal(mls_interim_hash(w.crypto, bytes_of(NULL, 0), bytes_of(tag, 32), interim), 0);
    assert_memory_equal(g->pub.interim, interim, 32);
    assert_int_equal(
        mls_group_new(w.actor[0].client, bytes_str("the group"), NULL, 0, WORLD_NOW, &other), 0);
    assert_false(
        bytes_equal(mls_group_epoch_authenticator(g), mls_group_epoch_authenticator(other)));
    mls_group_free(other);
    world_fini(&w);
}

/* ---- PSKs ---- */

/* RFC 9420 8.4-3, 8.4-5 */
static void psks_are_chained_in_order(void **state)
{
    (void)state;
    struct world w;
    struct secret none = {0}, one = {0}, two = {0}, other = {0}, by_hand = {0};
    world_init(&w);
    assert_int_equal(mls_psk_secret(w.crypto, NULL, 0, &none), 0);
    assert_int_equal(none.n, 32);
    assert_true(ct_is_zero(secret_view(&none)));
    struct mls_psk psk[2] = {{bytes_str("id a"), bytes_str("value a")},
                             {bytes_str("id b"), bytes_str("value b")}};
    struct mls_psk swapped[2] = {psk[1], psk[0]};
    assert_int_equal(mls_psk_secret(w.crypto, psk, 1, &one), 0);
    assert_int_equal(mls_psk_secret(w.crypto, psk, 2, &two), 0);
    assert_int_equal(mls_psk_secret(w.crypto, swapped, 2, &other), 0);
    assert_false(bytes_equal(secret_view(&two), secret_view(&other)));
    assert_false(bytes_equal(secret_view(&two), secret_view(&one)));
    /* by hand: PSKLabel = id, index, count */
    struct secret chained = none;
    for (uint8_t i = 0; i < 2; i++) {
        struct secret extracted = {0}, input = {.n = 32};
        struct buf label = {0};
        buf_put(&label, psk[i].id);
        write_u16(&label, i);
        write_u16(&label, 2);
        assert_int_equal(crypto_extract(w.crypto, secret_view(&none), &psk[i].value, 1, &extracted),
                         0);
        assert_int_equal(
            expand_with_label(w.crypto, &extracted, "derived psk", buf_view(&label), 32, input.p),
            0);
        struct bytes before = secret_view(&chained);
        assert_int_equal(crypto_extract(w.crypto, secret_view(&input), &before, 1, &by_hand), 0);
        chained = by_hand;
        buf_free(&label);
    }
    assert_true(bytes_equal(secret_view(&by_hand), secret_view(&two)));
    world_fini(&w);
}

/* RFC 9420 8.4-4 */
static void a_resumption_psk_is_of_its_epoch(void **state)
{
    (void)state;
    struct world w;
    struct buf psk = {0};
    begin(&w, 3);
    uint64_t old = mls_group_epoch(w.actor[0].group);
    struct secret was = w.actor[0].group->secrets.resumption;
    world_commit(&w, 1, NULL, 0);
    assert_int_equal(mls_group_resumption_psk(w.actor[2].group, old, &psk), 0);
    assert_true(bytes_equal(buf_view(&psk), secret_view(&was)));
    struct mls_change change = mls_resumption_psk(bytes_str("the group"), old);
    world_commit(&w, 0, &change, 1);
    world_agrees(&w);
    change = mls_resumption_psk(bytes_str("the group"), old + 100); /* of no epoch that was */
    world_cannot_commit(w.actor[0].group, &change, 1, CONCLAVE_EPSK);
    change = mls_resumption_psk(bytes_str("another group"), old);
    world_cannot_commit(w.actor[0].group, &change, 1, CONCLAVE_EPSK);
    buf_free(&psk);
    world_fini(&w);
}

/* ---- The tree after proposals ---- */

/* RFC 9420 12.1.1-2, 12.1.1-3, 12.1.3-2, 12.1.3-3, 12.1.2-2 */
static void proposals_do_to_the_tree_what_they_say(void **state)
{
    (void)state;
    struct world w;
    struct mls_parent p;
    begin(&w, 8);
    for (size_t i = 0; i < 8; i++)
        world_commit(&w, i, NULL, 0);
    const struct mls_tree *t = &w.actor[0].group->pub.tree;
    for (uint32_t i = 1; i < 15; i += 2)
        assert_false(mls_tree_is_blank(t, i));
    /* an Update blanks the nodes above; the committer's path fills the root again */
    world_propose(&w, 6, mls_update(), NULL);
    world_commit(&w, 0, NULL, 0);
    assert_true(mls_tree_is_blank(t, 13));
    assert_true(mls_tree_is_blank(t, 11));
    assert_false(mls_tree_is_blank(t, 7));
    /* so does a Remove */
    struct mls_change two[2] = {mls_remove(2), mls_remove(1)};
    world_commit(&w, 0, two, 2);
    assert_null(mls_tree_leaf(t, 1));
    assert_null(mls_tree_leaf(t, 2));
    assert_true(mls_tree_is_blank(t, 5));
    assert_int_equal(t->width, 8);
    /* newcomers take the leftmost leaves, in order, and are unmerged above */
    struct mls_change adds[3] = {world_add(&w, 1), world_add(&w, 2),
                                 world_add(&w, world_actor(&w))};
    world_commit(&w, 3, adds, 3);
    t = &w.actor[0].group->pub.tree;
    assert_int_equal(mls_group_own_leaf(w.actor[1].group), 1);
    assert_int_equal(mls_group_own_leaf(w.actor[2].group), 2);
    assert_int_equal(mls_group_own_leaf(w.actor[8].group), 8);
    assert_int_equal(t->width, 16);
    assert_true(mls_tree_is_blank(t, 15)); /* the new root */
    assert_true(mls_tree_parent(t, 7, &p));
    assert_int_equal(p.n_unmerged, 2);
    assert_int_equal(p.unmerged[0], 1);
    assert_int_equal(p.unmerged[1], 2);
    /* when the right half is empty again the tree is halved */
    struct mls_change remove = mls_remove(8);
    world_commit(&w, 0, &remove, 1);
    assert_int_equal(t->width, 8);
    struct mls_change right[4] = {mls_remove(7), mls_remove(5), mls_remove(6), mls_remove(4)};
    world_commit(&w, 0, right, 4);
    assert_int_equal(t->width, 4);
    world_agrees(&w);
    world_talks(&w);
    world_fini(&w);
}

/* ---- Forward secrecy ---- */

/* Whether a secret is anywhere in the saved state of a group. */
static bool state_has(struct mls_group *g, const struct secret *s)
{
    struct buf state = world_state(g);
    bool found = false;
    for (size_t i = 0; s->n != 0 && i + s->n <= state.n && !found; i++)
        found = memcmp(state.p + i, s->p, s->n) == 0;
    buf_free(&state);
    return found;
}

/* RFC 9420 7.5-5, 7.5-6, 2-1 */
static void replaced_private_keys_are_gone(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 4);
    world_commit(&w, 0, NULL, 0);
    world_commit(&w, 1, NULL, 0);
    struct mls_private_path before = w.actor[1].group->path;
    assert_true(state_has(w.actor[1].group, &before.key[0]));
    world_commit(&w, 1, NULL, 0);
    for (int i = 0; i < 3; i++)
        assert_false(state_has(w.actor[1].group, &before.key[i]));
    /* a receiver, too: what the commit replaced of its keys */
    struct mls_private_path theirs = w.actor[3].group->path;
    assert_true(theirs.key[2].n != 0); /* the root's */
    world_commit(&w, 0, NULL, 0);
    assert_false(state_has(w.actor[3].group, &theirs.key[2]));
    assert_true(state_has(w.actor[3].group, &theirs.key[0])); /* its own stays */
    world_fini(&w);
}

/* RFC 9420 9.2-1, 9.2-2, 14-2 */
static void the_old_epoch_is_gone_but_for_what_policy_keeps(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.config.policy.past_epochs = 1;
    w.config.policy.resumption_epochs = 1;
    world_group(&w, 3);
    struct mls_group *g = w.actor[0].group;
    struct mls_epoch_secrets old = g->secrets;
    assert_true(state_has(g, &old.init));
    world_commit(&w, 1, NULL, 0);
    const struct secret *gone[] = {&old.init,         &old.exporter,   &old.external,
                                   &old.confirmation, &old.membership, &old.authenticator};
    for (size_t i = 0; i < 6; i++)
        assert_false(state_has(g, gone[i]));
    assert_true(state_has(g, &old.resumption));
    assert_true(state_has(g, &old.sender_data));
    world_commit(&w, 1, NULL, 0);
    assert_false(state_has(g, &old.resumption));
    assert_false(state_has(g, &old.sender_data));
    world_fini(&w);
}

/* RFC 9420 9.2-3, 9.2-4, 9.2-5 */
static void what_a_message_key_came_from_is_erased(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w, 4);
    struct mls_group *g = w.actor[0].group;
    uint32_t root = tm_root(g->secret_tree.width);
    const struct secret *encryption = u32map_get(&g->secret_tree.nodes, root);
    assert_non_null(encryption);
    struct secret was = *encryption;
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out), 0);
    assert_null(u32map_get(&g->secret_tree.nodes, root)); /* the path to leaf 0 */
    assert_null(u32map_get(&g->secret_tree.nodes, 1));
    assert_null(u32map_get(&g->secret_tree.nodes, 0));
    assert_non_null(u32map_get(&g->secret_tree.nodes, 2)); /* and what is beside it */
    assert_non_null(u32map_get(&g->secret_tree.nodes, 5));
    assert_false(state_has(g, &was));
    /* generation by generation: the same key does not come again */
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    assert_int_equal(
        mls_ratchet_find(&g->secret_tree, w.crypto, 0, RATCHET_APPLICATION, 0, 10, 10, &key, &step),
        CONCLAVE_EREPLAY);
    assert_null(step);
    assert_int_equal(
        mls_ratchet_find(&g->secret_tree, w.crypto, 0, RATCHET_APPLICATION, 3, 10, 2, &key, &step),
        0);
    struct mls_message_key third = key;
    mls_ratchet_take(&g->secret_tree, step);
    assert_false(state_has(g, &third.key));
    assert_int_equal(
        mls_ratchet_find(&g->secret_tree, w.crypto, 0, RATCHET_APPLICATION, 1, 10, 2, &key, &step),
        0); /* kept, since it may still come */
    assert_true(state_has(g, &key.key));
    mls_ratchet_take(&g->secret_tree, step);
    assert_false(state_has(g, &key.key));
    assert_int_equal(
        mls_ratchet_find(&g->secret_tree, w.crypto, 0, RATCHET_APPLICATION, 1, 10, 2, &key, &step),
        CONCLAVE_EREPLAY);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 9.1-1 */
static void every_message_has_a_generation_of_its_own(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 2);
    struct mls_group *g = w.actor[0].group;
    for (uint32_t i = 0; i < 5; i++) {
        struct buf out = {0};
        struct mls_message m;
        struct mls_private_message p;
        struct mls_sender_data d;
        assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out), 0);
        assert_int_equal(mls_message_parse(buf_view(&out), &m), 0);
        assert_int_equal(mls_private_message_parse(m.body, &p), 0);
        assert_int_equal(mls_sender_data_open(w.crypto, &g->secrets.sender_data, &p, &d), 0);
        assert_int_equal(d.generation, i);
        buf_free(&out);
    }
    world_fini(&w);
}

/* RFC 9420 15.2-1, 9.1-1: the counter of generations does not wrap */
static void a_ratchet_ends_before_its_counter_does(void **state)
{
    (void)state;
    struct world w;
    struct buf b = {0};
    struct mls_secret_tree t;
    struct secret encryption;
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    uint32_t generation = 0;
    world_init(&w);
    secret_zero(&encryption, 32);
    assert_int_equal(mls_secret_tree_init(&t, 1, &encryption), 0);
    assert_int_equal(
        mls_ratchet_next(&t, w.crypto, 0, RATCHET_APPLICATION, &generation, &key, &step), 0);
    mls_ratchet_take(&t, step);
    mls_secret_tree_write(&t, &b);
    /* width, no nodes, one leaf's ratchets: handshake (33 + 4 + 1), application */
    size_t at = 4 + 1 + 2 + 4 + 33 + 4 + 1 + 33;
    assert_int_equal(b.p[at + 3], 1);
    const uint32_t near_end[] = {LIMIT_MLS_GENERATION_MAX, LIMIT_MLS_GENERATION_MAX + 1,
                                 UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 4; k++)
            b.p[at + k] = (uint8_t)(near_end[i] >> (24 - 8 * k));
        mls_secret_tree_fini(&t);
        struct reader r = reader_of(buf_view(&b));
        assert_int_equal(mls_secret_tree_read(&t, &r), 0);
        int rv = mls_ratchet_next(&t, w.crypto, 0, RATCHET_APPLICATION, &generation, &key, &step);
        assert_int_equal(rv == 0, i == 0);
        if (rv == 0)
            mls_ratchet_step_free(step);
    }
    mls_secret_tree_fini(&t);
    buf_free(&b);
    world_fini(&w);
}

/* ---- Late messages ---- */

/* RFC 9420 6.3.1-6, THREATS: past epochs with the credential of then. Member 1 has a new signature
 * key by now, and its place was even taken by somebody else. */
static void a_late_message_is_checked_with_the_key_of_its_time(void **state)
{
    (void)state;
    struct world w;
    struct buf late = {0}, commit = {0}, none = {0}, forged = {0};
    struct crypto_signer *fresh = NULL;
    begin(&w, 3);
    struct mls_group *old = w.actor[1].group;
    assert_int_equal(mls_group_protect(old, bytes_of(NULL, 0), bytes_str("late"), &late), 0);
    assert_int_equal(crypto_signer_generate(w.crypto, &fresh), 0);
    /* the same again, but signed with the key that is not yet the member's */
    struct forge f = forge_of(old, CONTENT_APPLICATION, bytes_str("forged"));
    f.signer = fresh;
    struct forge_private p = forge_private_of(&f);
    forge_private(&f, &p, &forged);
    struct mls_new_identity identity = {fresh,
                                        {.type = MLS_BASIC, .identity = bytes_str("b, renewed")}};
    struct mls_commit_options options = {.identity = &identity};
    assert_int_equal(mls_group_commit(old, NULL, 0, &options, WORLD_NOW, &commit), 0);
    world_deliver(&w, 1, buf_view(&commit));
    assert_int_equal(mls_group_merge_own(old, &none), 0);
    world_agrees(&w);
    struct mls_received r = take(w.actor[0].group, buf_view(&late));
    assert_true(bytes_equal(buf_view(&r.data), bytes_str("late")));
    mls_received_free(&r);
    world_refuses(w.actor[0].group, buf_view(&forged), CONCLAVE_ESIGNATURE);
    struct mls_change remove = mls_remove(1);
    world_commit(&w, 0, &remove, 1);
    r = take(w.actor[2].group, buf_view(&late)); /* its sender has left since */
    assert_true(bytes_equal(buf_view(&r.data), bytes_str("late")));
    mls_received_free(&r);
    world_refuses(w.actor[2].group, buf_view(&late), CONCLAVE_EREPLAY);
    world_talks(&w);
    buf_free(&late);
    buf_free(&commit);
    buf_free(&forged);
    crypto_signer_free(fresh);
    world_fini(&w);
}

/* RFC 9420 14-2 */
static void a_message_that_is_too_late_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf late = {0}, forged = {0}, body = {0};
    begin(&w, 3); /* two epochs are kept */
    assert_int_equal(
        mls_group_protect(w.actor[1].group, bytes_of(NULL, 0), bytes_str("late"), &late), 0);
    struct mls_change remove = mls_remove(0);
    assert_int_equal(mls_proposal_write_change(&body, &remove), 0);
    struct forge f = forge_of(w.actor[1].group, CONTENT_PROPOSAL, buf_view(&body));
    struct forge_private p = forge_private_of(&f);
    forge_private(&f, &p, &forged);
    world_commit(&w, 0, NULL, 0);
    /* RFC 9420 12.1-2: a handshake message is never of a past epoch */
    world_refuses(w.actor[2].group, buf_view(&forged), CONCLAVE_EEPOCH);
    world_commit(&w, 0, NULL, 0);
    world_commit(&w, 0, NULL, 0);
    world_refuses(w.actor[2].group, buf_view(&late), CONCLAVE_EEPOCH);
    buf_free(&late);
    buf_free(&forged);
    buf_free(&body);
    world_fini(&w);
}

/* THREATS: a removed member that stays. It has nothing left, and nothing it sends is taken. */
static void a_removed_member_is_out(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0}, state_before, none = {0};
    uint8_t key[32];
    begin(&w, 4);
    world_commit(&w, 3, NULL, 0);
    struct mls_group *g = w.actor[3].group;
    struct buf saved = world_state(g); /* it keeps a copy of all it had */
    struct mls_change remove = mls_remove(3);
    world_commit(&w, 0, &remove, 1);
    assert_false(mls_group_is_member(g));
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out),
                     CONCLAVE_EREMOVED);
    world_cannot_commit(g, NULL, 0, CONCLAVE_EREMOVED);
    assert_int_equal(mls_group_export(g, "x", bytes_of(NULL, 0), 32, key), CONCLAVE_EREMOVED);
    assert_int_equal(mls_group_info(g, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &out),
                     CONCLAVE_EREMOVED);
    assert_int_equal(mls_group_epoch_authenticator(g).n, 0);
    assert_int_equal(g->path.key[0].n, 0);
    state_before = world_state(g);
    world_talks(&w);
    /* with the copy it can still speak to nobody, and decrypt nothing new */
    struct mls_group *ghost = NULL;
    assert_int_equal(
        mls_group_restore(w.actor[3].client, bytes_of(NULL, 0), buf_view(&saved), NULL, 0, &ghost),
        0);
    assert_int_equal(mls_group_commit(ghost, NULL, 0, NULL, WORLD_NOW, &out), 0);
    world_all_refuse(&w, 3, buf_view(&out), CONCLAVE_EEPOCH);
    assert_int_equal(
        mls_group_protect(w.actor[1].group, bytes_of(NULL, 0), bytes_str("secret"), &out), 0);
    world_refuses(ghost, buf_view(&out), CONCLAVE_EEPOCH);
    mls_group_free(ghost);
    buf_free(&saved);
    buf_free(&state_before);
    buf_free(&out);
    buf_free(&none);
    world_fini(&w);
}

/* RFC 9420 12.4.1-6, 12.4.1-7, 12.4.1-3: handshakes in PrivateMessage work alike */
static void private_handshakes_come_to_the_same(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.config.policy.private_handshake = true;
    world_group(&w, 4);
    world_propose(&w, 2, mls_update(), NULL);
    struct mls_change remove = mls_remove(3);
    world_commit(&w, 1, &remove, 1);
    world_agrees(&w);
    world_join(&w, 2, 3);
    world_agrees(&w);
    world_talks(&w);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_context_follows_each_commit),
        cmocka_unit_test(a_new_group_has_one_leaf_and_epoch_zero),
        cmocka_unit_test(psks_are_chained_in_order),
        cmocka_unit_test(a_resumption_psk_is_of_its_epoch),
        cmocka_unit_test(proposals_do_to_the_tree_what_they_say),
        cmocka_unit_test(replaced_private_keys_are_gone),
        cmocka_unit_test(the_old_epoch_is_gone_but_for_what_policy_keeps),
        cmocka_unit_test(what_a_message_key_came_from_is_erased),
        cmocka_unit_test(every_message_has_a_generation_of_its_own),
        cmocka_unit_test(a_ratchet_ends_before_its_counter_does),
        cmocka_unit_test(a_late_message_is_checked_with_the_key_of_its_time),
        cmocka_unit_test(a_message_that_is_too_late_is_refused),
        cmocka_unit_test(a_removed_member_is_out),
        cmocka_unit_test(private_handshakes_come_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
