/* RFC 9420 12.2: the proposals of a commit as a whole. Each test breaks one rule, first as a
 * committer who is stopped by its own library, then as one who lies to everybody else.
 */
#include "mls/proposal.h"

#include <string.h>

#include "crypto/hpke.h"
#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

#define CUSTOM 0xf042

static void begin(struct world *w)
{
    world_init(w);
    world_group(w, 4);
    world_serve(w);
}

/* Member 1 commits a list of its own making, with a path that would fit an empty list: the list is
 * looked at before the path. */
static void lie(struct world *w, struct bytes list, int error)
{
    struct forge_commit c;
    struct buf out = {0};
    forge_commit_of(w->actor[1].group, NULL, 0, &c);
    buf_clear(&c.proposals);
    buf_put(&c.proposals, list);
    forge_commit_public(&c, w->actor[1].group, &out);
    world_all_refuse(w, 1, buf_view(&out), error);
    forge_commit_free(&c);
    buf_free(&out);
}

static void both(struct world *w, const struct mls_change *changes, size_t n, int error)
{
    struct buf list = {0};
    world_cannot_commit(w->actor[1].group, changes, n, error);
    for (size_t i = 0; i < n; i++) {
        write_u8(&list, 1);
        if (changes[i].type == MLS_PSK)
            assert_int_equal(mls_psk_write_change(w->crypto, &changes[i], &list), 0);
        else
            assert_int_equal(mls_proposal_write_change(&list, &changes[i]), 0);
    }
    lie(w, buf_view(&list), error);
    buf_free(&list);
}

/* An Update of a member, as it would be. */
static void make_update(struct mls_group *g, struct mls_leaf_content *content, struct buf *out)
{
    struct buf leaf = {0};
    assert_int_equal(mls_leaf_sign(content, g->signer, g->pub.view.group_id, g->own_leaf, &leaf),
                     0);
    mls_proposal_write_update(out, buf_view(&leaf));
    assert_int_equal(buf_check(out), 0);
    buf_free(&leaf);
}

static struct mls_leaf_content update_content(struct mls_group *g, uint8_t *pub)
{
    struct secret priv = {0};
    struct mls_leaf_content c = forge_leaf_content(mls_tree_leaf(&g->pub.tree, g->own_leaf));
    assert_int_equal(hpke_generate_key_pair(g->crypto, &priv, pub), 0);
    c.encryption_key = bytes_of(pub, g->crypto->suite->npk);
    c.source = LEAF_UPDATE;
    return c;
}

/* RFC 9420 12.2-1..3, 12.4-2, 12.4.2-5, 12.1.3-1 */
static void a_remove_of_nobody_spoils_the_list(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct mls_change remove = mls_remove(4), far = mls_remove(UINT32_MAX);
    both(&w, &remove, 1, CONCLAVE_EPROPOSAL);
    both(&w, &far, 1, CONCLAVE_EPROPOSAL);
    struct mls_change third = mls_remove(3);
    world_commit(&w, 0, &third, 1);
    both(&w, &third, 1, CONCLAVE_EPROPOSAL); /* a blank leaf, or one beyond the tree */
    world_fini(&w);
}

/* RFC 9420 12.2-4 */
static void a_committer_does_not_update_itself_by_proposal(void **state)
{
    (void)state;
    struct world w;
    struct buf update = {0}, list = {0}, message = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], ref[CRYPTO_HASH_MAX];
    begin(&w);
    struct mls_leaf_content content = update_content(w.actor[1].group, pub);
    make_update(w.actor[1].group, &content, &update);
    forge_put(&list, buf_view(&update));
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    /* nor by reference */
    world_propose(&w, 1, mls_update(), &message);
    forge_ref(w.crypto, buf_view(&message), ref);
    buf_clear(&list);
    forge_put_ref(&list, bytes_of(ref, 32));
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    buf_free(&update);
    buf_free(&list);
    buf_free(&message);
    world_fini(&w);
}

/* RFC 9420 12.2-5 */
static void a_committer_does_not_remove_itself(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct mls_change remove = mls_remove(1);
    both(&w, &remove, 1, CONCLAVE_EPROPOSALLIST);
    world_fini(&w);
}

/* RFC 9420 12.2-5: not even when another has asked for it */
static void a_committer_is_not_removed_by_reference(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, message = {0};
    uint8_t ref[CRYPTO_HASH_MAX];
    begin(&w);
    world_propose(&w, 2, mls_remove(1), &message);
    forge_ref(w.crypto, buf_view(&message), ref);
    forge_put_ref(&list, bytes_of(ref, 32));
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    buf_free(&list);
    buf_free(&message);
    world_fini(&w);
}

/* RFC 9420 12.2-6 */
static void one_leaf_is_removed_once(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct mls_change twice[2] = {mls_remove(2), mls_remove(2)};
    both(&w, twice, 2, CONCLAVE_EPROPOSALLIST);
    world_fini(&w);
}

/* RFC 9420 12.2-6 */
static void a_leaf_is_not_updated_twice_nor_updated_and_removed(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, a = {0}, b = {0};
    uint8_t ref_a[CRYPTO_HASH_MAX], ref_b[CRYPTO_HASH_MAX];
    begin(&w);
    world_propose(&w, 2, mls_update(), &a);
    world_propose(&w, 2, mls_update(), &b);
    forge_ref(w.crypto, buf_view(&a), ref_a);
    forge_ref(w.crypto, buf_view(&b), ref_b);
    forge_put_ref(&list, bytes_of(ref_a, 32));
    forge_put_ref(&list, bytes_of(ref_b, 32));
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    buf_clear(&list);
    forge_put_ref(&list, bytes_of(ref_a, 32));
    forge_put_ref(&list, bytes_of(ref_a, 32)); /* the very same one */
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    buf_clear(&list);
    forge_put_ref(&list, bytes_of(ref_a, 32));
    forge_put_change(&list, mls_remove(2));
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    buf_free(&list);
    buf_free(&a);
    buf_free(&b);
    world_fini(&w);
}

/* RFC 9420 12.2-6: whoever commits takes one of them, and a Remove before an Update */
static void an_honest_committer_chooses_among_what_was_proposed(void **state)
{
    (void)state;
    struct world w;
    struct mls_member m;
    begin(&w);
    world_propose(&w, 2, mls_update(), NULL);
    world_propose(&w, 2, mls_update(), NULL);
    world_propose(&w, 3, mls_update(), NULL);
    world_propose(&w, 0, mls_remove(3), NULL);
    world_propose(&w, 3, mls_update(), NULL);
    world_commit(&w, 1, NULL, 0);
    world_agrees(&w);
    assert_int_equal(mls_group_member(w.actor[0].group, 3, &m), CONCLAVE_ENOTFOUND);
    assert_false(mls_group_is_member(w.actor[3].group));
    world_talks(&w);
    world_fini(&w);
}

/* RFC 9420 12.2-7 */
static void one_client_is_not_added_twice(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    size_t newcomer = world_actor(&w);
    struct mls_change twice[2] = {world_add(&w, newcomer), world_add(&w, newcomer)};
    both(&w, twice, 2, CONCLAVE_EDUPLICATE);
    twice[1] = twice[0]; /* the very same key package */
    both(&w, twice, 2, CONCLAVE_EDUPLICATE);
    world_fini(&w);
}

/* RFC 9420 12.2-8 */
static void a_member_is_not_added_again(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct mls_change add = world_add(&w, 2);
    both(&w, &add, 1, CONCLAVE_EDUPLICATE);
    /* but it may be, when it is removed by the same commit */
    struct mls_change again[2] = {add, mls_remove(2)};
    world_commit(&w, 1, again, 2);
    world_agrees(&w);
    assert_int_equal(mls_group_member_count(w.actor[2].group), 4);
    world_talks(&w);
    world_fini(&w);
}

/* RFC 9420 12.2-9 */
static void a_psk_is_not_injected_twice(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, psk = {0};
    begin(&w);
    struct mls_change change = mls_external_psk(bytes_str("shared"));
    assert_int_equal(mls_psk_write_change(w.crypto, &change, &psk), 0);
    forge_put(&list, buf_view(&psk));
    forge_put(&list, buf_view(&psk));
    lie(&w, buf_view(&list), CONCLAVE_EPSK);
    buf_free(&list);
    buf_free(&psk);
    world_fini(&w);
}

/* RFC 9420 12.2-10 */
static void extensions_are_set_once(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct mls_change twice[2] = {mls_set_extensions(NULL, 0), mls_set_extensions(NULL, 0)};
    both(&w, twice, 2, CONCLAVE_EPROPOSALLIST);
    world_fini(&w);
}

/* RFC 9420 12.2-11 */
static void a_reinit_stands_alone(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct mls_change reinit = mls_reinit(bytes_str("next"), 1, NULL, 0);
    struct mls_change with_remove[2] = {reinit, mls_remove(2)};
    struct mls_change with_other[2] = {reinit, reinit};
    struct mls_change after_add[2] = {world_add(&w, world_actor(&w)), reinit};
    both(&w, with_remove, 2, CONCLAVE_EPROPOSALLIST);
    both(&w, with_other, 2, CONCLAVE_EPROPOSALLIST);
    both(&w, after_add, 2, CONCLAVE_EPROPOSALLIST);
    world_fini(&w);
}

/* RFC 9420 12.2-12, 12.1.6-1 */
static void an_external_init_is_for_external_commits(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, init = {0}, out = {0};
    begin(&w);
    mls_proposal_write_external_init(&init, bytes_str("thirty-two bytes of a key, nearly"));
    forge_put(&list, buf_view(&init));
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    forge_proposal(w.actor[1].group, buf_view(&init), &out); /* nor proposed by itself */
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ESENDER);
    buf_free(&list);
    buf_free(&init);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.2-13, 13.2-1 */
static void a_custom_proposal_needs_everybodys_support(void **state)
{
    (void)state;
    struct world w;
    const uint16_t custom[] = {CUSTOM};
    world_init(&w);
    w.config.proposals = custom;
    w.config.n_proposals = 1;
    world_actor(&w);
    world_actor(&w);
    world_actor(&w);
    w.config.n_proposals = 0;
    world_actor(&w); /* the last does not know it */
    world_group(&w, 4);
    world_serve(&w);
    struct mls_change change = mls_custom(CUSTOM, bytes_str("raise hand"));
    both(&w, &change, 1, CONCLAVE_ECAPABILITY);
    /* a member that is removed by the same commit does not count */
    struct mls_change with_remove[2] = {change, mls_remove(3)};
    world_commit(&w, 1, with_remove, 2);
    world_agrees(&w);
    /* nor one that is added */
    struct mls_change with_add[2] = {change, world_add(&w, 3)};
    world_commit(&w, 1, with_add, 2);
    world_agrees(&w);
    world_talks(&w);
    world_fini(&w);
}

/* RFC 9420 12.1.2-1, 7.3-12, 12.2-14: an Update that keeps its encryption key */
static void an_update_brings_a_new_encryption_key(void **state)
{
    (void)state;
    struct world w;
    struct buf update = {0}, out = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    begin(&w);
    struct mls_group *g = w.actor[2].group;
    struct mls_leaf_content content = update_content(g, pub);
    content.encryption_key = mls_tree_leaf(&g->pub.tree, 2)->encryption_key;
    make_update(g, &content, &update);
    forge_proposal(g, buf_view(&update), &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ELEAF);
    buf_free(&update);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.1.2-1, 7.3-2, 7.3-11, 7.2-7: what else can be wrong with an Update's leaf */
static void an_update_is_a_valid_leaf(void **state)
{
    (void)state;
    struct world w;
    struct buf update = {0}, out = {0}, leaf = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], caps[2] = {0, 9};
    begin(&w);
    struct mls_group *g = w.actor[2].group;
    struct mls_leaf_content right = update_content(g, pub), wrong = right;
    wrong.source = LEAF_COMMIT;
    make_update(g, &wrong, &update);
    forge_proposal(g, buf_view(&update), &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ELEAF);
    wrong = right;
    wrong.capabilities.suites = bytes_of(caps, 2);
    buf_clear(&update);
    make_update(g, &wrong, &update);
    forge_proposal(g, buf_view(&update), &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ECAPABILITY);
    /* signed for another place in the tree */
    buf_clear(&update);
    assert_int_equal(mls_leaf_sign(&right, g->signer, g->pub.view.group_id, 3, &leaf), 0);
    mls_proposal_write_update(&update, buf_view(&leaf));
    forge_proposal(g, buf_view(&update), &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ESIGNATURE);
    /* signed for another group */
    buf_clear(&update);
    buf_clear(&leaf);
    assert_int_equal(mls_leaf_sign(&right, g->signer, bytes_str("another"), 2, &leaf), 0);
    mls_proposal_write_update(&update, buf_view(&leaf));
    forge_proposal(g, buf_view(&update), &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ESIGNATURE);
    /* changed after it was signed */
    buf_clear(&update);
    make_update(g, &right, &update);
    update.p[4] ^= 1; /* in the encryption key */
    forge_proposal(g, buf_view(&update), &out);
    world_all_refuse(&w, 2, buf_view(&out), CONCLAVE_ESIGNATURE);
    update.p[4] ^= 1;
    forge_proposal(g, buf_view(&update), &out);
    world_all_take(&w, 2, buf_view(&out));
    buf_free(&update);
    buf_free(&out);
    buf_free(&leaf);
    world_fini(&w);
}

/* RFC 9420 7.3-14, 7.3-15, 16.7-1, 12.2-14: an Update with another member's key */
static void an_update_does_not_take_anothers_keys(void **state)
{
    (void)state;
    struct world w;
    struct buf update = {0}, message = {0}, list = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], ref[CRYPTO_HASH_MAX];
    begin(&w);
    struct mls_group *g = w.actor[2].group;
    struct mls_leaf_content content = update_content(g, pub);
    content.encryption_key = mls_tree_leaf(&g->pub.tree, 3)->encryption_key;
    make_update(g, &content, &update);
    forge_proposal(g, buf_view(&update), &message);
    world_all_take(&w, 2, buf_view(&message)); /* alone it cannot be told: 3 may leave */
    forge_ref(w.crypto, buf_view(&message), ref);
    forge_put_ref(&list, bytes_of(ref, 32));
    struct forge_commit c;
    struct buf out = {0};
    struct mls_commit_options alone = {.ignore_cached = true, .force_path = true};
    assert_int_equal(mls_group_commit(w.actor[1].group, NULL, 0, &alone, WORLD_NOW, &out), 0);
    assert_int_equal(mls_group_drop_own(w.actor[1].group), 0);
    forge_commit_open(buf_view(&out), &c);
    buf_clear(&c.proposals);
    buf_put(&c.proposals, buf_view(&list));
    forge_commit_public(&c, w.actor[1].group, &out);
    for (size_t i = 0; i < 4; i += 3) /* member 2 never saw its own forgery */
        world_refuses(w.actor[i].group, buf_view(&out), CONCLAVE_EDUPLICATE);
    /* who commits for others leaves it out */
    assert_int_equal(mls_group_commit(w.actor[1].group, NULL, 0, NULL, WORLD_NOW, &out), 0);
    assert_int_equal(mls_staged_proposal_count(mls_group_pending(w.actor[1].group)), 0);
    forge_commit_free(&c);
    buf_free(&update);
    buf_free(&message);
    buf_free(&list);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.1.4-3, 12.1.4-1, 12.1.4-2, 11.2-5, 11.3-6 */
static void a_psk_proposal_is_of_the_right_shape(void **state)
{
    (void)state;
    struct world w;
    struct buf psk = {0}, out = {0};
    uint8_t nonce[33] = {7};
    begin(&w);
    struct mls_psk_id id = {
        .type = PSK_EXTERNAL, .id = bytes_str("shared"), .nonce = bytes_of(nonce, 31)};
    for (size_t n = 0; n <= 33; n++) {
        if (n == 32)
            continue;
        id.nonce = bytes_of(nonce, n);
        buf_clear(&psk);
        mls_proposal_write_psk(&psk, &id);
        forge_proposal(w.actor[1].group, buf_view(&psk), &out);
        world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_EPSK);
    }
    id = (struct mls_psk_id){.type = PSK_RESUMPTION,
                             .group_id = bytes_str("the group"),
                             .epoch = 0,
                             .nonce = bytes_of(nonce, 32)};
    for (enum mls_psk_usage u = PSK_USAGE_REINIT; u <= PSK_USAGE_BRANCH; u++) {
        id.usage = u;
        buf_clear(&psk);
        mls_proposal_write_psk(&psk, &id);
        forge_proposal(w.actor[1].group, buf_view(&psk), &out);
        world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_EPSK);
    }
    id.usage = PSK_USAGE_APPLICATION;
    buf_clear(&psk);
    mls_proposal_write_psk(&psk, &id);
    forge_proposal(w.actor[1].group, buf_view(&psk), &out);
    world_all_take(&w, 1, buf_view(&out));
    buf_free(&psk);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 11.2-4, 11.3-5: nor in a list by value */
static void a_reinit_psk_is_not_used_elsewhere(void **state)
{
    (void)state;
    struct world w;
    struct buf psk = {0}, list = {0};
    uint8_t nonce[32] = {7};
    begin(&w);
    struct mls_psk_id id = {.type = PSK_RESUMPTION,
                            .group_id = bytes_str("the group"),
                            .epoch = 0,
                            .nonce = bytes_of(nonce, 32)};
    for (enum mls_psk_usage u = PSK_USAGE_REINIT; u <= PSK_USAGE_BRANCH; u++) {
        id.usage = u;
        buf_clear(&psk);
        buf_clear(&list);
        mls_proposal_write_psk(&psk, &id);
        forge_put(&list, buf_view(&psk));
        lie(&w, buf_view(&list), CONCLAVE_EPSK);
    }
    buf_free(&psk);
    buf_free(&list);
    world_fini(&w);
}

/* RFC 9420 12.1.5-1 */
static void a_reinit_to_a_lower_version_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf reinit = {0}, out = {0}, list = {0};
    begin(&w);
    write_u16(&reinit, MLS_REINIT);
    write_vec(&reinit, bytes_str("next"));
    write_u16(&reinit, 0);
    write_u16(&reinit, 1);
    write_vec(&reinit, bytes_of(NULL, 0));
    forge_proposal(w.actor[1].group, buf_view(&reinit), &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_EVERSION);
    forge_put(&list, buf_view(&reinit));
    lie(&w, buf_view(&list), CONCLAVE_EVERSION);
    buf_free(&reinit);
    buf_free(&out);
    buf_free(&list);
    world_fini(&w);
}

/* RFC 9420 12.1.3-1: proposed by itself */
static void a_remove_of_nobody_is_not_even_a_proposal(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    begin(&w);
    struct mls_change remove = mls_remove(4);
    assert_int_equal(mls_group_propose(w.actor[1].group, &remove, NULL, WORLD_NOW, &out),
                     CONCLAVE_EPROPOSAL);
    mls_proposal_write_remove(&body, 4);
    forge_proposal(w.actor[1].group, buf_view(&body), &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_EPROPOSAL);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

static void a_reference_to_nothing_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, message = {0};
    uint8_t ref[CRYPTO_HASH_MAX];
    begin(&w);
    world_propose(&w, 2, mls_remove(3), &message);
    forge_ref(w.crypto, buf_view(&message), ref);
    forge_put_ref(&list, bytes_of(ref, 31)); /* the beginning of one that is known */
    lie(&w, buf_view(&list), CONCLAVE_EUNKNOWNREF);
    buf_clear(&list);
    forge_put_ref(&list, bytes_of(NULL, 0));
    lie(&w, buf_view(&list), CONCLAVE_EUNKNOWNREF);
    buf_clear(&list);
    ref[31] ^= 1;
    forge_put_ref(&list, bytes_of(ref, 32));
    lie(&w, buf_view(&list), CONCLAVE_EUNKNOWNREF);
    buf_free(&list);
    buf_free(&message);
    world_fini(&w);
}

/* draft-ietf-mls-extensions: a member leaves by a proposal that another commits */
static void a_member_may_leave_but_not_by_its_own_commit(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, message = {0}, leave = {0};
    uint8_t ref[CRYPTO_HASH_MAX];
    begin(&w);
    write_u16(&leave, MLS_SELF_REMOVE);
    forge_put(&list, buf_view(&leave)); /* by value its sender is the committer */
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    struct mls_change by_value = mls_self_remove();
    world_cannot_commit(w.actor[1].group, &by_value, 1, CONCLAVE_EINVAL);
    world_propose(&w, 1, mls_self_remove(), &message);
    forge_ref(w.crypto, buf_view(&message), ref);
    buf_clear(&list);
    forge_put_ref(&list, bytes_of(ref, 32));
    lie(&w, buf_view(&list), CONCLAVE_EPROPOSALLIST);
    world_commit(&w, 2, NULL, 0);
    world_agrees(&w);
    assert_false(mls_group_is_member(w.actor[1].group));
    buf_free(&list);
    buf_free(&message);
    buf_free(&leave);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_remove_of_nobody_spoils_the_list),
        cmocka_unit_test(a_committer_does_not_update_itself_by_proposal),
        cmocka_unit_test(a_committer_does_not_remove_itself),
        cmocka_unit_test(a_committer_is_not_removed_by_reference),
        cmocka_unit_test(one_leaf_is_removed_once),
        cmocka_unit_test(a_leaf_is_not_updated_twice_nor_updated_and_removed),
        cmocka_unit_test(an_honest_committer_chooses_among_what_was_proposed),
        cmocka_unit_test(one_client_is_not_added_twice),
        cmocka_unit_test(a_member_is_not_added_again),
        cmocka_unit_test(a_psk_is_not_injected_twice),
        cmocka_unit_test(extensions_are_set_once),
        cmocka_unit_test(a_reinit_stands_alone),
        cmocka_unit_test(an_external_init_is_for_external_commits),
        cmocka_unit_test(a_custom_proposal_needs_everybodys_support),
        cmocka_unit_test(an_update_brings_a_new_encryption_key),
        cmocka_unit_test(an_update_is_a_valid_leaf),
        cmocka_unit_test(an_update_does_not_take_anothers_keys),
        cmocka_unit_test(a_psk_proposal_is_of_the_right_shape),
        cmocka_unit_test(a_reinit_psk_is_not_used_elsewhere),
        cmocka_unit_test(a_reinit_to_a_lower_version_is_refused),
        cmocka_unit_test(a_remove_of_nobody_is_not_even_a_proposal),
        cmocka_unit_test(a_reference_to_nothing_is_refused),
        cmocka_unit_test(a_member_may_leave_but_not_by_its_own_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
