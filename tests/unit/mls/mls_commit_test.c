/* RFC 9420 12.4, 7.5, 7.6: a commit and its path. */
#include "mls/commit.h"

#include <string.h>

#include "crypto/hpke.h"
#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

static void begin(struct world *w)
{
    world_init(w);
    world_group(w, 4);
    world_serve(w);
}

/* The forged commit of member 1, which everybody refuses; signed leaf and all. */
static void all_refuse(struct world *w, struct forge_commit *c, int error)
{
    struct buf out = {0};
    forge_commit_public(c, w->actor[1].group, &out);
    world_all_refuse(w, 1, buf_view(&out), error);
    buf_free(&out);
}

static void sign_leaf(struct world *w, struct forge_commit *c)
{
    forge_commit_sign_leaf(c, w->actor[1].group, bytes_str("the group"), 1, w->actor[1].signer);
}

/* ---- Whether there is a path ---- */

/* RFC 9420 12.4-3, 12.4-5, 12.4.2-7, 12.4.1-1 */
static void where_a_path_is_needed_it_must_be_there(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    struct mls_change changes[] = {mls_remove(3), mls_set_extensions(NULL, 0)};
    for (size_t i = 0; i < 3; i++) {
        forge_commit_of(w.actor[1].group, &changes[i % 2], i < 2, &c); /* the last: no proposal */
        c.has_path = false;
        all_refuse(&w, &c, CONCLAVE_EPATH);
        forge_commit_free(&c);
    }
    world_propose(&w, 2, mls_update(), NULL);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    c.has_path = false;
    all_refuse(&w, &c, CONCLAVE_EPATH);
    forge_commit_free(&c);
    world_fini(&w);
}

/* RFC 9420 12.4.1-5 */
static void adds_alone_need_no_path(void **state)
{
    (void)state;
    struct world w;
    struct buf message = {0};
    begin(&w);
    struct mls_change add = world_add(&w, world_actor(&w));
    assert_int_equal(mls_group_commit(w.actor[1].group, &add, 1, NULL, WORLD_NOW, &message), 0);
    assert_false(mls_staged_has_path(mls_group_pending(w.actor[1].group)));
    world_deliver(&w, 1, buf_view(&message));
    struct buf welcome = {0};
    assert_int_equal(mls_group_merge_own(w.actor[1].group, &welcome), 0);
    world_agrees(&w);
    world_talks(&w);
    buf_free(&welcome);
    buf_free(&message);
    world_fini(&w);
}

/* ---- The path's leaf ---- */

/* RFC 9420 12.4.2-10, 7.3-13 */
static void the_path_leaf_is_from_a_commit(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    c.content.source = LEAF_KEY_PACKAGE;
    c.content.not_before = WORLD_NOW;
    c.content.not_after = WORLD_NOW + 1;
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_EPARENTHASH); /* it has none, and that is seen first */
    c.content.source = LEAF_UPDATE;
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_EPARENTHASH);
    forge_commit_free(&c);
    world_fini(&w);
}

/* RFC 9420 12.4.2-10: in a group of one there is no parent to hash, so only the source tells */
static void the_path_leaf_of_a_lone_member_is_from_a_commit(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf out = {0};
    world_init(&w);
    world_group(&w, 1);
    world_serve(&w);
    forge_commit_of(w.actor[0].group, NULL, 0, &c);
    c.content.source = LEAF_UPDATE;
    forge_commit_sign_leaf(&c, w.actor[0].group, bytes_str("the group"), 0, w.actor[0].signer);
    forge_commit_public(&c, w.actor[0].group, &out);
    world_all_refuse(&w, 0, buf_view(&out), CONCLAVE_ELEAF);
    forge_commit_free(&c);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 12.4.2-9, 7.5-1, 7.3-2 */
static void the_path_leaf_is_signed_for_its_place(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    struct mls_group *g = w.actor[1].group;
    forge_commit_of(g, NULL, 0, &c);
    forge_commit_sign_leaf(&c, g, bytes_str("the group"), 2, w.actor[1].signer);
    all_refuse(&w, &c, CONCLAVE_ESIGNATURE);
    forge_commit_sign_leaf(&c, g, bytes_str("another"), 1, w.actor[1].signer);
    all_refuse(&w, &c, CONCLAVE_ESIGNATURE);
    forge_commit_sign_leaf(&c, g, bytes_str("the group"), 1, w.actor[2].signer);
    all_refuse(&w, &c, CONCLAVE_ESIGNATURE);
    forge_commit_free(&c);
    world_fini(&w);
}

/* RFC 9420 12.4.2-9, 7.3-3, 7.2-4, 7.2-3 */
static void the_path_leaf_supports_what_it_must(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf extensions = {0};
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    struct mls_leaf_content right = c.content;
    c.content.capabilities.suites = bytes_of(NULL, 0);
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_ECAPABILITY);
    c.content = right;
    c.content.capabilities.versions = bytes_of(NULL, 0);
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_ECAPABILITY);
    c.content = right;
    c.content.capabilities.credentials = bytes_of(NULL, 0);
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_ECAPABILITY);
    c.content = right;
    forge_extension(bytes_of(NULL, 0), 0xf001, bytes_str("x"), &extensions);
    c.content.extensions = buf_view(&extensions);
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_ECAPABILITY);
    forge_commit_free(&c);
    buf_free(&extensions);
    world_fini(&w);
}

/* RFC 9420 12.4.2-11, 12.4.2-12, 7.3-12, 7.3-15 */
static void the_path_leaf_has_a_key_that_is_new_to_the_tree(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    struct mls_group *g = w.actor[1].group;
    forge_commit_of(g, NULL, 0, &c);
    for (uint32_t i = 0; i < 4; i++) { /* its own old one is leaf 1's */
        c.content.encryption_key = mls_tree_leaf(&g->pub.tree, i)->encryption_key;
        sign_leaf(&w, &c);
        all_refuse(&w, &c, CONCLAVE_EDUPLICATE);
    }
    c.content.encryption_key = forge_commit_node(&c, 0).encryption_key; /* one of the path's */
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_EDUPLICATE);
    c.content.encryption_key.n--;
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_EKEY);
    forge_commit_free(&c);
    world_fini(&w);
}

/* RFC 9420 7.3-14, 12.2-14, 16.7-1 */
static void the_path_leaf_does_not_take_anothers_signature_key(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    struct mls_group *g = w.actor[1].group;
    forge_commit_of(g, NULL, 0, &c);
    c.content.signature_key = mls_tree_leaf(&g->pub.tree, 2)->signature_key;
    forge_commit_sign_leaf(&c, g, bytes_str("the group"), 1, w.actor[2].signer);
    all_refuse(&w, &c, CONCLAVE_EDUPLICATE);
    forge_commit_free(&c);
    world_fini(&w);
}

/* RFC 9420 7.5-3, 7.9.2-5 */
static void the_path_leaf_has_the_parent_hash_of_the_path(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    uint8_t hash[32];
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    assert_int_equal(c.content.parent_hash.n, 32);
    memcpy(hash, c.content.parent_hash.p, 32);
    hash[5] ^= 1;
    for (size_t n = 0; n <= 32; n += 32) {
        c.content.parent_hash = bytes_of(hash, n);
        sign_leaf(&w, &c);
        all_refuse(&w, &c, CONCLAVE_EPARENTHASH);
    }
    forge_commit_free(&c);
    world_fini(&w);
}

/* ---- The path's nodes ---- */

/* RFC 9420 7.6-1 */
static void a_path_has_one_node_for_each_of_the_filtered_path(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf right = {0};
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    buf_put(&right, buf_view(&c.nodes));
    buf_put(&c.nodes, buf_view(&right)); /* twice as many */
    all_refuse(&w, &c, CONCLAVE_EPATH);
    buf_clear(&c.nodes); /* none */
    all_refuse(&w, &c, CONCLAVE_EPATH);
    struct reader r = reader_of(buf_view(&right));
    struct mls_path_node first;
    mls_path_node_read(&r, &first);
    buf_put(&c.nodes, bytes_of(right.p, (size_t)(r.p - right.p))); /* the first only */
    all_refuse(&w, &c, CONCLAVE_EPATH);
    forge_commit_free(&c);
    buf_free(&right);
    world_fini(&w);
}

/* RFC 9420 7.6-3 */
static void a_node_has_one_ciphertext_for_each_of_its_resolution(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf more = {0};
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    struct mls_path_node top = forge_commit_node(&c, 1);
    buf_put(&more, top.ciphertexts);
    buf_put(&more, top.ciphertexts);
    struct bytes twice = buf_view(&more), half = bytes_of(more.p, more.n / 4), none = {0};
    forge_commit_set_node(&c, 1, NULL, &twice);
    all_refuse(&w, &c, CONCLAVE_EPATH);
    forge_commit_set_node(&c, 1, NULL, &half);
    all_refuse(&w, &c, CONCLAVE_EPATH);
    forge_commit_set_node(&c, 1, NULL, &none);
    all_refuse(&w, &c, CONCLAVE_EPATH);
    forge_commit_free(&c);
    buf_free(&more);
    world_fini(&w);
}

/* RFC 9420 7.5-2, 7.6-2: a ciphertext for a member that the same commit adds is one too many */
static void path_secrets_are_not_encrypted_to_newcomers(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf more = {0};
    world_init(&w);
    world_group(&w, 3); /* the fourth will be below the root's right child */
    world_serve(&w);
    struct mls_change add = world_add(&w, world_actor(&w));
    forge_commit_of(w.actor[1].group, &add, 1, &c);
    assert_int_equal(c.view.n_path_nodes, 2);
    struct mls_path_node top = forge_commit_node(&c, 1);
    buf_put(&more, top.ciphertexts);
    forge_ciphertext(w.actor[1].group, w.packages[w.n_packages - 1]->view.leaf.encryption_key,
                     buf_view(&c.provisional), bytes_str("thirty-two bytes of path secret."),
                     &more);
    struct bytes both = buf_view(&more);
    forge_commit_set_node(&c, 1, NULL, &both);
    all_refuse(&w, &c, CONCLAVE_EPATH);
    forge_commit_free(&c);
    buf_free(&more);
    world_fini(&w);
}

/* RFC 9420 12.4.2-12, 12.4.3.1-17, 16.7-1 */
static void path_keys_are_new_to_the_tree(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    world_commit(&w, 1, NULL, 0); /* now parents have keys, too */
    struct mls_group *g = w.actor[1].group;
    forge_commit_of(g, NULL, 0, &c);
    struct bytes right = forge_commit_node(&c, 1).encryption_key;
    struct buf kept = {0};
    buf_put(&kept, right);
    right = buf_view(&kept);
    struct bytes wrong[] = {mls_tree_leaf(&g->pub.tree, 2)->encryption_key,
                            mls_tree_leaf(&g->pub.tree, 1)->encryption_key, /* the old one */
                            mls_tree_key(&g->pub.tree, 3),                  /* the old root */
                            mls_tree_key(&g->pub.tree, 1)};
    for (size_t i = 0; i < 4; i++) {
        forge_commit_set_node(&c, 1, &wrong[i], NULL);
        all_refuse(&w, &c, CONCLAVE_EDUPLICATE);
    }
    struct buf below = {0};
    buf_put(&below, forge_commit_node(&c, 0).encryption_key);
    struct bytes twice = buf_view(&below); /* one key for two nodes */
    forge_commit_set_node(&c, 1, &twice, NULL);
    all_refuse(&w, &c, CONCLAVE_EDUPLICATE);
    right.n--;
    forge_commit_set_node(&c, 1, &right, NULL);
    all_refuse(&w, &c, CONCLAVE_EKEY);
    forge_commit_free(&c);
    buf_free(&kept);
    buf_free(&below);
    world_fini(&w);
}

/* RFC 9420 12.4.2-13: each receiver looks at the one ciphertext that is for it */
static void a_path_secret_that_does_not_decrypt_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf broken = {0}, out = {0};
    begin(&w);
    struct mls_group *g = w.actor[1].group;
    forge_commit_of(g, NULL, 0, &c);
    buf_put(&broken, forge_commit_node(&c, 0).ciphertexts); /* for member 0 alone */
    broken.p[broken.n - 1] ^= 1;
    struct bytes ciphertexts = buf_view(&broken);
    forge_commit_set_node(&c, 0, NULL, &ciphertexts);
    forge_commit_public(&c, g, &out);
    world_refuses(w.actor[0].group, buf_view(&out), CONCLAVE_EDECRYPT);
    /* what others see is right, but for the tag, which covers all of it */
    world_refuses(w.actor[2].group, buf_view(&out), CONCLAVE_ECONFIRMATION);
    forge_commit_free(&c);
    buf_free(&broken);
    buf_free(&out);
    world_fini(&w);
}

/* Member 0 is given a path secret of the forger's choice; it alone can tell. */
static void give(struct world *w, struct bytes context, struct bytes secret, int error)
{
    struct forge_commit c;
    struct buf made = {0}, out = {0};
    struct mls_group *g = w->actor[1].group;
    forge_commit_of(g, NULL, 0, &c);
    forge_ciphertext(g, mls_tree_leaf(&g->pub.tree, 0)->encryption_key,
                     context.n != 0 ? context : buf_view(&c.provisional), secret, &made);
    struct bytes ciphertexts = buf_view(&made);
    forge_commit_set_node(&c, 0, NULL, &ciphertexts);
    forge_commit_public(&c, g, &out);
    world_refuses(w->actor[0].group, buf_view(&out), error);
    forge_commit_free(&c);
    buf_free(&made);
    buf_free(&out);
}

/* RFC 9420 7.5-4, 12.4.1-4 */
static void a_path_secret_fits_the_public_keys_above_it(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    struct bytes wrong = bytes_str("thirty-two bytes of path secret."), none = {0};
    assert_int_equal(wrong.n, 32);
    give(&w, none, wrong, CONCLAVE_EPATH);
    give(&w, none, bytes_of(wrong.p, 31), CONCLAVE_EPATH);
    give(&w, none, none, CONCLAVE_EPATH);
    give(&w, buf_view(&w.actor[1].group->pub.context), wrong, CONCLAVE_EDECRYPT);
    world_fini(&w);
}

/* ---- Credentials ---- */

static int refuse_mallory(void *ctx, const struct mls_identity_check *check)
{
    (void)ctx;
    return bytes_equal(check->credential.identity, bytes_str("mallory")) ? CONCLAVE_EPOLICY : 0;
}

/* RFC 9420 5.3.1-6, 5.3.1-9, 7.3-1 */
static void a_new_credential_in_a_path_is_judged(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    world_init(&w);
    w.config.callbacks.check_identity = refuse_mallory;
    world_group(&w, 4);
    world_serve(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    c.content.credential.identity = bytes_str("mallory");
    sign_leaf(&w, &c);
    all_refuse(&w, &c, CONCLAVE_ECREDENTIAL);
    forge_commit_free(&c);
    world_fini(&w);
}

/* RFC 9420 5.3.1-5, 5.3.1-9 */
static void a_new_credential_in_an_update_is_judged(void **state)
{
    (void)state;
    struct world w;
    struct buf leaf = {0}, body = {0}, out = {0};
    struct secret priv = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    world_init(&w);
    w.config.callbacks.check_identity = refuse_mallory;
    world_group(&w, 4);
    world_serve(&w);
    struct mls_group *g = w.actor[1].group;
    struct mls_leaf_content c = forge_leaf_content(mls_tree_leaf(&g->pub.tree, 1));
    assert_int_equal(hpke_generate_key_pair(w.crypto, &priv, pub), 0);
    c.encryption_key = bytes_of(pub, 32);
    c.source = LEAF_UPDATE;
    c.credential.identity = bytes_str("mallory");
    assert_int_equal(mls_leaf_sign(&c, g->signer, bytes_str("the group"), 1, &leaf), 0);
    mls_proposal_write_update(&body, buf_view(&leaf));
    forge_proposal(g, buf_view(&body), &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ECREDENTIAL);
    buf_free(&leaf);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* ---- PSKs ---- */

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    (void)ctx;
    if (!bytes_equal(id, bytes_str("shared")))
        return CONCLAVE_ENOTFOUND;
    buf_put(out, bytes_str("a key that two know"));
    return buf_check(out);
}

/* RFC 9420 12.4.2-6, 12.4.3.1-5 */
static void a_commit_with_an_unknown_psk_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct buf message = {0}, welcome = {0};
    struct mls_group *late = NULL;
    world_init(&w);
    w.config.callbacks.find_psk = find_psk;
    world_actor(&w);
    world_actor(&w);
    w.config.callbacks.find_psk = NULL;
    world_group(&w, 3); /* the third knows no PSK */
    size_t newcomer = world_actor(&w);
    struct mls_change changes[2] = {mls_external_psk(bytes_str("shared")), world_add(&w, newcomer)};
    struct mls_change unknown = mls_external_psk(bytes_str("unheard of"));
    world_cannot_commit(w.actor[0].group, &unknown, 1, CONCLAVE_EPSK);
    assert_int_equal(mls_group_commit(w.actor[0].group, changes, 2, NULL, WORLD_NOW, &message), 0);
    mls_staged_free(world_stage(w.actor[1].group, buf_view(&message)));
    world_refuses(w.actor[2].group, buf_view(&message), CONCLAVE_EPSK);
    assert_int_equal(mls_group_merge_own(w.actor[0].group, &welcome), 0);
    assert_int_equal(mls_group_join(w.actor[newcomer].client, buf_view(&welcome), bytes_of(NULL, 0),
                                    w.packages[w.n_packages - 1], NULL, 0, WORLD_NOW, &late),
                     CONCLAVE_EPSK);
    buf_free(&message);
    buf_free(&welcome);
    world_fini(&w);
}

/* ---- Order ---- */

/* RFC 9420 14-3, 12.4.2-15 */
static void making_and_looking_at_a_commit_changes_nothing(void **state)
{
    (void)state;
    struct world w;
    struct buf message = {0}, before, after;
    begin(&w);
    struct mls_change remove = mls_remove(3);
    before = world_state(w.actor[1].group);
    assert_int_equal(mls_group_commit(w.actor[1].group, &remove, 1, NULL, WORLD_NOW, &message), 0);
    assert_int_equal(mls_group_member_count(w.actor[1].group), 4);
    world_cannot_commit(w.actor[1].group, &remove, 1, CONCLAVE_EPENDING);
    assert_int_equal(mls_group_drop_own(w.actor[1].group), 0);
    after = world_state(w.actor[1].group);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
    before = world_state(w.actor[2].group);
    mls_staged_free(world_stage(w.actor[2].group, buf_view(&message)));
    after = world_state(w.actor[2].group);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
    buf_free(&message);
    world_fini(&w);
}

/* RFC 9420 14-4 */
static void a_welcome_leaves_only_after_its_commit_was_accepted(void **state)
{
    (void)state;
    struct world w;
    struct buf message = {0}, welcome = {0};
    begin(&w);
    struct mls_change add = world_add(&w, world_actor(&w));
    assert_int_equal(mls_group_commit(w.actor[1].group, &add, 1, NULL, WORLD_NOW, &message), 0);
    world_commit(&w, 2, NULL, 0); /* another wins */
    assert_int_equal(mls_group_merge_own(w.actor[1].group, &welcome), CONCLAVE_ESTATE);
    assert_int_equal(welcome.n, 0);
    buf_free(&message);
    world_fini(&w);
}

/* RFC 9420 14-2: a staged commit that has lost can no longer be merged */
static void a_commit_that_came_second_is_not_merged(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    begin(&w);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    struct mls_staged *late = world_stage(w.actor[0].group, buf_view(&c.message));
    world_commit(&w, 2, NULL, 0);
    struct buf before = world_state(w.actor[0].group);
    assert_int_equal(mls_group_merge(w.actor[0].group, late), CONCLAVE_ESTATE);
    struct buf after = world_state(w.actor[0].group);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
    forge_commit_free(&c);
    world_agrees(&w);
    world_fini(&w);
}

/* RFC 9420 12.4-1, 15.2-2 */
static void application_data_waits_for_the_proposals(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    world_propose(&w, 2, mls_update(), NULL);
    struct buf before = world_state(w.actor[0].group);
    assert_int_equal(
        mls_group_protect(w.actor[0].group, bytes_of(NULL, 0), bytes_str("hello"), &out),
        CONCLAVE_EPROPOSALS);
    struct buf after = world_state(w.actor[0].group);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    world_commit(&w, 0, NULL, 0);
    world_talks(&w);
    buf_free(&before);
    buf_free(&after);
    world_fini(&w);
}

/* RFC 9420 12.4.2-16, 12.4.2-17 */
static void after_a_reinit_nothing_is_sent(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w);
    struct mls_change reinit = mls_reinit(bytes_str("next"), 1, NULL, 0), remove = mls_remove(2);
    world_commit(&w, 1, &reinit, 1);
    world_agrees(&w);
    for (size_t i = 0; i < 4; i++) {
        struct mls_group *g = w.actor[i].group;
        assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("hello"), &out),
                         CONCLAVE_ESUSPENDED);
        assert_int_equal(mls_group_propose(g, &remove, NULL, WORLD_NOW, &out), CONCLAVE_ESUSPENDED);
        world_cannot_commit(g, &remove, 1, CONCLAVE_ESUSPENDED);
        assert_int_equal(mls_group_info(g, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &out),
                         CONCLAVE_ESUSPENDED);
        assert_int_equal(out.n, 0);
    }
    struct buf body = {0};
    mls_proposal_write_remove(&body, 3); /* and nobody's proposal is taken */
    forge_proposal(w.actor[1].group, buf_view(&body), &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ESUSPENDED);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_a_path_is_needed_it_must_be_there),
        cmocka_unit_test(adds_alone_need_no_path),
        cmocka_unit_test(the_path_leaf_is_from_a_commit),
        cmocka_unit_test(the_path_leaf_of_a_lone_member_is_from_a_commit),
        cmocka_unit_test(the_path_leaf_is_signed_for_its_place),
        cmocka_unit_test(the_path_leaf_supports_what_it_must),
        cmocka_unit_test(the_path_leaf_has_a_key_that_is_new_to_the_tree),
        cmocka_unit_test(the_path_leaf_does_not_take_anothers_signature_key),
        cmocka_unit_test(the_path_leaf_has_the_parent_hash_of_the_path),
        cmocka_unit_test(a_path_has_one_node_for_each_of_the_filtered_path),
        cmocka_unit_test(a_node_has_one_ciphertext_for_each_of_its_resolution),
        cmocka_unit_test(path_secrets_are_not_encrypted_to_newcomers),
        cmocka_unit_test(path_keys_are_new_to_the_tree),
        cmocka_unit_test(a_path_secret_that_does_not_decrypt_is_refused),
        cmocka_unit_test(a_path_secret_fits_the_public_keys_above_it),
        cmocka_unit_test(a_new_credential_in_a_path_is_judged),
        cmocka_unit_test(a_new_credential_in_an_update_is_judged),
        cmocka_unit_test(a_commit_with_an_unknown_psk_is_refused),
        cmocka_unit_test(making_and_looking_at_a_commit_changes_nothing),
        cmocka_unit_test(a_welcome_leaves_only_after_its_commit_was_accepted),
        cmocka_unit_test(a_commit_that_came_second_is_not_merged),
        cmocka_unit_test(application_data_waits_for_the_proposals),
        cmocka_unit_test(after_a_reinit_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
