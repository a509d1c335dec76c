/* RFC 9420 12.4.3.2 and 12.2: joining by an external commit, and lying in one. */
#include <string.h>

#include "crypto/hpke.h"
#include "mls/extension.h"
#include "mls/group.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

/* Members 0 to 2, and a newcomer with an external commit in hand. */
struct outside {
    struct world w;
    size_t newcomer;
    struct mls_group *group; /* the newcomer's, its commit pending */
    struct forge_commit c;
};

static void make_commit(struct outside *o, uint32_t resume)
{
    struct buf info = {0}, commit = {0};
    assert_int_equal(
        mls_group_info(o->w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(mls_group_join_external(o->w.actor[o->newcomer].client, buf_view(&info),
                                             bytes_of(NULL, 0), resume, NULL, 0, WORLD_NOW,
                                             &o->group, &commit),
                     0);
    forge_commit_open(buf_view(&commit), &o->c);
    buf_free(&info);
    buf_free(&commit);
}

static void begin(struct outside *o)
{
    *o = (struct outside){0};
    world_init(&o->w);
    world_group(&o->w, 3);
    world_serve(&o->w);
    o->newcomer = world_actor(&o->w);
    make_commit(o, MLS_NO_LEAF);
}

static void end(struct outside *o)
{
    mls_group_free(o->group);
    forge_commit_free(&o->c);
    world_fini(&o->w);
}

/* The commit as changed, signed by the newcomer. */
static void write_by(struct outside *o, struct crypto_signer *signer, struct buf *out)
{
    struct buf body = {0};
    forge_commit_body(&o->c, &body);
    struct forge f = forge_of(o->w.actor[0].group, CONTENT_COMMIT, buf_view(&body));
    f.content.sender = (struct mls_sender){MLS_SENDER_NEW_MEMBER_COMMIT, MLS_NO_LEAF};
    f.signer = signer;
    f.confirmation_tag = o->c.m.auth_content.auth.confirmation_tag;
    forge_public(&f, out);
    buf_free(&body);
}

static void all_refuse(struct outside *o, int error)
{
    struct buf out = {0};
    write_by(o, o->w.actor[o->newcomer].signer, &out);
    world_all_refuse(&o->w, WORLD_MAX, buf_view(&out), error);
    buf_free(&out);
}

static void list_is_refused(struct outside *o, struct mls_change extra, int error)
{
    struct buf right = {0};
    buf_put(&right, buf_view(&o->c.proposals));
    forge_put_change(&o->c.proposals, extra);
    all_refuse(o, error);
    buf_move(&o->c.proposals, &right);
}

static void a_newcomer_joins_by_itself_and_all_agree(void **state)
{
    (void)state;
    struct outside o;
    struct buf out = {0};
    begin(&o);
    write_by(&o, o.w.actor[o.newcomer].signer, &out);
    assert_true(bytes_equal(buf_view(&out), buf_view(&o.c.message))); /* the forge is exact */
    world_deliver(&o.w, WORLD_MAX, buf_view(&out));
    assert_int_equal(mls_group_merge_own(o.group, &out), 0);
    o.w.actor[o.newcomer].group = o.group;
    o.group = NULL;
    world_agrees(&o.w);
    assert_int_equal(mls_group_own_leaf(o.w.actor[o.newcomer].group), 3);
    world_talks(&o.w);
    buf_free(&out);
    end(&o);
}

/* RFC 9420 12.4.3.2-1 */
static void an_external_commit_has_a_path(void **state)
{
    (void)state;
    struct outside o;
    begin(&o);
    o.c.has_path = false;
    all_refuse(&o, CONCLAVE_EPATH);
    end(&o);
}

/* RFC 9420 12.4.3.2-4, 12.4.3.2-5, 6.1-1 */
static void an_external_commit_is_signed_by_the_leaf_in_its_path(void **state)
{
    (void)state;
    struct outside o;
    struct buf out = {0};
    begin(&o);
    write_by(&o, o.w.actor[1].signer, &out);
    world_all_refuse(&o.w, WORLD_MAX, buf_view(&out), CONCLAVE_ESIGNATURE);
    buf_free(&out);
    end(&o);
}

/* RFC 9420 12.4.3.2-7: the same content under a member's name */
static void an_external_commit_does_not_come_from_a_member(void **state)
{
    (void)state;
    struct outside o;
    struct buf out = {0}, body = {0};
    begin(&o);
    forge_commit_body(&o.c, &body);
    struct forge f = forge_of(o.w.actor[1].group, CONTENT_COMMIT, buf_view(&body));
    forge_public(&f, &out);
    world_all_refuse(&o.w, 1, buf_view(&out), CONCLAVE_EPROPOSALLIST);
    buf_free(&out);
    buf_free(&body);
    end(&o);
}

/* RFC 9420 12.2-15 */
static void there_is_exactly_one_external_init(void **state)
{
    (void)state;
    struct outside o;
    struct buf right = {0};
    begin(&o);
    buf_put(&right, buf_view(&o.c.proposals));
    buf_put(&o.c.proposals, buf_view(&right));
    all_refuse(&o, CONCLAVE_EPROPOSALLIST);
    buf_clear(&o.c.proposals);
    all_refuse(&o, CONCLAVE_EPROPOSALLIST);
    buf_free(&right);
    end(&o);
}

/* RFC 9420 12.2-17, 12.2-19; THREATS: an external commit that removes another */
static void an_external_commit_does_not_remove_another(void **state)
{
    (void)state;
    struct outside o;
    struct mls_group *g = NULL;
    struct buf info = {0}, commit = {0};
    begin(&o);
    mls_group_free(o.group);
    o.group = NULL;
    /* an honest library does not even make it */
    assert_int_equal(
        mls_group_info(o.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    for (uint32_t leaf = 0; leaf < 3; leaf++) {
        int rv = mls_group_join_external(o.w.actor[o.newcomer].client, buf_view(&info),
                                         bytes_of(NULL, 0), leaf, NULL, 0, WORLD_NOW, &g, &commit);
        if (rv == 0) { /* if it does, nobody else accepts it */
            world_all_refuse(&o.w, WORLD_MAX, buf_view(&commit), CONCLAVE_EPROPOSALLIST);
            mls_group_free(g);
            g = NULL;
        }
    }
    buf_free(&info);
    buf_free(&commit);
    end(&o);
}

/* RFC 9420 12.2-16 */
static void an_external_commit_removes_one_leaf_at_most(void **state)
{
    (void)state;
    struct outside o;
    struct buf right = {0};
    begin(&o);
    buf_put(&right, buf_view(&o.c.proposals));
    forge_put_change(&o.c.proposals, mls_remove(1));
    forge_put_change(&o.c.proposals, mls_remove(2));
    all_refuse(&o, CONCLAVE_EPROPOSALLIST);
    buf_free(&right);
    end(&o);
}

/* RFC 9420 12.2-20 */
static void an_external_commit_carries_nothing_else(void **state)
{
    (void)state;
    struct outside o;
    begin(&o);
    list_is_refused(&o, world_add(&o.w, world_actor(&o.w)), CONCLAVE_EPROPOSALLIST);
    list_is_refused(&o, mls_set_extensions(NULL, 0), CONCLAVE_EPROPOSALLIST);
    list_is_refused(&o, mls_reinit(bytes_str("next"), 1, NULL, 0), CONCLAVE_EPROPOSALLIST);
    list_is_refused(&o, mls_custom(0xf001, bytes_str("x")), CONCLAVE_EPROPOSALLIST);
    struct buf update = {0};
    mls_proposal_write_update(&update, mls_tree_leaf(&o.w.actor[0].group->pub.tree, 1)->raw);
    forge_put(&o.c.proposals, buf_view(&update));
    all_refuse(&o, CONCLAVE_EPROPOSALLIST);
    buf_free(&update);
    end(&o);
}

/* RFC 9420 12.4.3.2-3 */
static void an_external_commit_refers_to_nothing(void **state)
{
    (void)state;
    struct outside o;
    struct buf message = {0};
    uint8_t ref[CRYPTO_HASH_MAX];
    begin(&o);
    world_propose(&o.w, 1, mls_external_psk(bytes_str("shared")), &message);
    forge_ref(o.w.crypto, buf_view(&message), ref);
    forge_put_ref(&o.c.proposals, bytes_of(ref, 32));
    all_refuse(&o, CONCLAVE_EPROPOSALLIST);
    buf_free(&message);
    end(&o);
}

/* RFC 9420 8.3-1, 12.4.3.2-6 */
static void the_init_secret_is_the_one_encapsulated(void **state)
{
    (void)state;
    struct outside o;
    uint8_t other[CRYPTO_PUBLIC_KEY_MAX];
    struct secret priv = {0};
    struct buf out = {0}, init = {0};
    begin(&o);
    assert_int_equal(hpke_generate_key_pair(o.w.crypto, &priv, other), 0);
    mls_proposal_write_external_init(&init, bytes_of(other, 32));
    buf_clear(&o.c.proposals);
    forge_put(&o.c.proposals, buf_view(&init));
    write_by(&o, o.w.actor[o.newcomer].signer, &out);
    world_members_refuse(&o.w, WORLD_MAX, buf_view(&out), CONCLAVE_ECONFIRMATION);
    buf_clear(&init); /* not a key at all */
    mls_proposal_write_external_init(&init, bytes_of(other, 31));
    buf_clear(&o.c.proposals);
    forge_put(&o.c.proposals, buf_view(&init));
    write_by(&o, o.w.actor[o.newcomer].signer, &out);
    world_members_refuse(&o.w, WORLD_MAX, buf_view(&out), CONCLAVE_EDECRYPT);
    buf_free(&out);
    buf_free(&init);
    end(&o);
}

/* RFC 9420 12.4.3.2-2, 12.4.2-8, 12.4.1-2 */
static void a_newcomer_takes_the_leftmost_free_leaf(void **state)
{
    (void)state;
    struct outside o;
    struct buf out = {0};
    begin(&o);
    forge_commit_sign_leaf(&o.c, NULL, bytes_str("the group"), 4, o.w.actor[o.newcomer].signer);
    all_refuse(&o, CONCLAVE_ESIGNATURE);
    mls_group_free(o.group);
    o.group = NULL;
    forge_commit_free(&o.c);
    struct mls_change remove = mls_remove(1);
    world_commit(&o.w, 0, &remove, 1);
    make_commit(&o, MLS_NO_LEAF);
    struct mls_staged *s = world_stage(o.w.actor[0].group, buf_view(&o.c.message));
    assert_int_equal(mls_staged_committer(s), 1);
    mls_staged_free(s);
    buf_free(&out);
    end(&o);
}

/* RFC 9420 12.2-8, 16.7-1: who is in does not come in again without leaving */
static void a_member_does_not_join_twice(void **state)
{
    (void)state;
    struct outside o;
    struct mls_group *g = NULL;
    struct buf info = {0}, commit = {0};
    begin(&o);
    assert_int_equal(
        mls_group_info(o.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(mls_group_join_external(o.w.actor[1].client, buf_view(&info),
                                             bytes_of(NULL, 0), MLS_NO_LEAF, NULL, 0, WORLD_NOW, &g,
                                             &commit),
                     CONCLAVE_EDUPLICATE);
    assert_null(g);
    assert_int_equal(commit.n, 0);
    buf_free(&info);
    end(&o);
}

/* Member 2 has lost its state and comes back to its own leaf. */
static void resume(struct outside *o)
{
    begin(o);
    mls_group_free(o->group);
    o->group = NULL;
    forge_commit_free(&o->c);
    o->newcomer = 2;
    make_commit(o, 2);
}

/* RFC 9420 12.2-17 */
static void a_member_resumes_its_own_leaf(void **state)
{
    (void)state;
    struct outside o;
    struct buf none = {0};
    resume(&o);
    struct mls_staged *s = world_stage(o.w.actor[2].group, buf_view(&o.c.message));
    assert_true(mls_staged_removes_us(s));
    mls_staged_free(s);
    world_deliver(&o.w, 2, buf_view(&o.c.message));
    mls_group_free(o.w.actor[2].group);
    assert_int_equal(mls_group_merge_own(o.group, &none), 0);
    o.w.actor[2].group = o.group;
    o.group = NULL;
    world_agrees(&o.w);
    assert_int_equal(mls_group_own_leaf(o.w.actor[2].group), 2);
    world_talks(&o.w);
    end(&o);
}

/* RFC 9420 12.2-18, 7.3-12 */
static void who_resumes_brings_a_new_encryption_key(void **state)
{
    (void)state;
    struct outside o;
    resume(&o);
    o.c.content.encryption_key = mls_tree_leaf(&o.w.actor[0].group->pub.tree, 2)->encryption_key;
    forge_commit_sign_leaf(&o.c, NULL, bytes_str("the group"), 2, o.w.actor[2].signer);
    all_refuse(&o, CONCLAVE_ELEAF);
    end(&o);
}

/* RFC 9420 12.2-19 */
static void who_resumes_keeps_its_identity(void **state)
{
    (void)state;
    struct outside o;
    resume(&o);
    o.c.content.credential.identity = bytes_str("somebody else");
    forge_commit_sign_leaf(&o.c, NULL, bytes_str("the group"), 2, o.w.actor[2].signer);
    all_refuse(&o, CONCLAVE_EPROPOSALLIST);
    end(&o);
}

static int refuse_newcomers(void *ctx, const struct mls_identity_check *check)
{
    (void)ctx;
    return check->event == MLS_IDENTITY_EXTERNAL_JOIN ? CONCLAVE_EPOLICY : 0;
}

/* RFC 9420 5.3.1-6, 5.3.1-1 */
static void the_application_judges_who_comes_in(void **state)
{
    (void)state;
    struct outside o = {0};
    world_init(&o.w);
    o.w.config.callbacks.check_identity = refuse_newcomers;
    world_group(&o.w, 3);
    world_serve(&o.w);
    o.w.config.callbacks.check_identity = mls_identity_accept_any;
    o.newcomer = world_actor(&o.w);
    make_commit(&o, MLS_NO_LEAF);
    all_refuse(&o, CONCLAVE_ECREDENTIAL);
    end(&o);
}

/* ---- The joiner's side ---- */

static int try_join(struct outside *o, struct bytes info, struct bytes tree)
{
    struct mls_group *g = NULL;
    struct buf commit = {0};
    int rv = mls_group_join_external(o->w.actor[o->newcomer].client, info, tree, MLS_NO_LEAF, NULL,
                                     0, WORLD_NOW, &g, &commit);
    assert_true((rv == 0) == (g != NULL));
    assert_true((rv == 0) == (commit.n != 0));
    mls_group_free(g);
    buf_free(&commit);
    return rv;
}

/* RFC 9420 8.3-1 */
static void without_an_external_key_nobody_joins(void **state)
{
    (void)state;
    struct outside o;
    struct buf message = {0}, extensions = {0}, forged = {0};
    struct mls_group_info_view v;
    begin(&o);
    assert_int_equal(
        mls_group_info(o.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &message), 0);
    assert_int_equal(mls_group_info_parse(buf_view(&message), &v), 0);
    struct forge_info f = forge_info_of(&v, o.w.actor[0].signer);
    forge_info_message(&f, &forged);
    assert_true(bytes_equal(buf_view(&forged), buf_view(&message)));
    forge_extension(v.extensions, MLS_EXT_EXTERNAL_PUB, bytes_of(NULL, 0), &extensions);
    f.extensions = buf_view(&extensions);
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_EEXTENSION);
    forge_extension(v.extensions, MLS_EXT_EXTERNAL_PUB, bytes_str("not a vector"), &extensions);
    f.extensions = buf_view(&extensions);
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_EEXTENSION);
    struct buf short_key = {0};
    write_vec(&short_key, bytes_str("short"));
    forge_extension(v.extensions, MLS_EXT_EXTERNAL_PUB, buf_view(&short_key), &extensions);
    f.extensions = buf_view(&extensions);
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_EKEY);
    buf_free(&short_key);
    buf_free(&message);
    buf_free(&extensions);
    buf_free(&forged);
    end(&o);
}

/* RFC 9420 12.4.3-4, 12.4.3.1-8, 12.4.3.1-9, 12.4.3.1-1, 12.4.3.3-5 */
static void a_group_info_is_signed_by_a_member_over_the_tree(void **state)
{
    (void)state;
    struct outside o;
    struct buf message = {0}, forged = {0}, extensions = {0}, tree = {0};
    struct mls_group_info_view v;
    uint8_t hash[32] = {1};
    begin(&o);
    assert_int_equal(
        mls_group_info(o.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &message), 0);
    assert_int_equal(mls_group_info_parse(buf_view(&message), &v), 0);
    struct forge_info f = forge_info_of(&v, o.w.actor[1].signer);
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_ESIGNATURE);
    f.signer = o.w.actor[0].signer;
    f.signer_leaf = 3;
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_ESENDER);
    f.signer_leaf = 0;
    f.context.tree_hash = bytes_of(hash, 32);
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_ETREEHASH);
    f.context = v.context.view;
    f.context.suite = 2;
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_ESUITE);
    f.context = v.context.view;
    f.version = 2;
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_EVERSION);
    f.version = 1;
    forge_extension(v.extensions, MLS_EXT_RATCHET_TREE, bytes_of(NULL, 0), &extensions);
    f.extensions = buf_view(&extensions);
    forge_info_message(&f, &forged);
    assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), CONCLAVE_ETREE);
    assert_int_equal(mls_group_tree(o.w.actor[1].group, &tree), 0);
    assert_int_equal(try_join(&o, buf_view(&forged), buf_view(&tree)), 0);
    buf_free(&message);
    buf_free(&forged);
    buf_free(&extensions);
    buf_free(&tree);
    end(&o);
}

/* RFC 9420 12.4.3-1, 13.4-4, 13.5-3, 13.5-4: GREASE, too */
static void unknown_extensions_of_a_group_info_are_ignored(void **state)
{
    (void)state;
    struct outside o;
    struct buf message = {0}, extensions = {0}, forged = {0};
    struct mls_group_info_view v;
    begin(&o);
    assert_int_equal(
        mls_group_info(o.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &message), 0);
    assert_int_equal(mls_group_info_parse(buf_view(&message), &v), 0);
    struct forge_info f = forge_info_of(&v, o.w.actor[0].signer);
    const uint16_t unknown[] = {0x0a0a, 0xf123};
    for (size_t i = 0; i < 2; i++) {
        forge_extension(v.extensions, unknown[i], bytes_str("?"), &extensions);
        f.extensions = buf_view(&extensions);
        forge_info_message(&f, &forged);
        assert_int_equal(try_join(&o, buf_view(&forged), bytes_of(NULL, 0)), 0);
    }
    buf_free(&message);
    buf_free(&extensions);
    buf_free(&forged);
    end(&o);
}

/* RFC 9420 12.4.3-2, 13.4-7, 13.4-8, 13.4-9, 7.3-4 */
static void who_does_not_support_the_group_does_not_join(void **state)
{
    (void)state;
    struct outside o = {0};
    const uint16_t extra[] = {0xf010};
    struct mls_extension unknown = {0xf010, bytes_str("policy")};
    struct buf info = {0};
    world_init(&o.w);
    o.w.config.extensions = extra;
    o.w.config.n_extensions = 1;
    o.w.extensions = &unknown;
    o.w.n_extensions = 1;
    world_group(&o.w, 2);
    o.w.config.n_extensions = 0;
    o.newcomer = world_actor(&o.w);
    assert_int_equal(
        mls_group_info(o.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(try_join(&o, buf_view(&info), bytes_of(NULL, 0)), CONCLAVE_ECAPABILITY);
    buf_free(&info);
    world_fini(&o.w);
}

/* RFC 9420 7.3-4, 13.4-7: what is required without being in use */
static void who_lacks_what_is_required_does_not_join(void **state)
{
    (void)state;
    struct outside o = {0};
    const uint16_t custom[] = {0xf020};
    struct buf info = {0}, required = {0};
    world_init(&o.w);
    assert_int_equal(mls_required_capabilities_encode(NULL, 0, custom, 1, NULL, 0, &required), 0);
    struct mls_extension e = {MLS_EXT_REQUIRED_CAPABILITIES, buf_view(&required)};
    o.w.config.proposals = custom;
    o.w.config.n_proposals = 1;
    o.w.extensions = &e;
    o.w.n_extensions = 1;
    world_group(&o.w, 2);
    o.w.config.n_proposals = 0;
    o.newcomer = world_actor(&o.w);
    assert_int_equal(
        mls_group_info(o.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(try_join(&o, buf_view(&info), bytes_of(NULL, 0)), CONCLAVE_ECAPABILITY);
    buf_free(&info);
    buf_free(&required);
    world_fini(&o.w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_newcomer_joins_by_itself_and_all_agree),
        cmocka_unit_test(an_external_commit_has_a_path),
        cmocka_unit_test(an_external_commit_is_signed_by_the_leaf_in_its_path),
        cmocka_unit_test(an_external_commit_does_not_come_from_a_member),
        cmocka_unit_test(there_is_exactly_one_external_init),
        cmocka_unit_test(an_external_commit_does_not_remove_another),
        cmocka_unit_test(an_external_commit_removes_one_leaf_at_most),
        cmocka_unit_test(an_external_commit_carries_nothing_else),
        cmocka_unit_test(an_external_commit_refers_to_nothing),
        cmocka_unit_test(the_init_secret_is_the_one_encapsulated),
        cmocka_unit_test(a_newcomer_takes_the_leftmost_free_leaf),
        cmocka_unit_test(a_member_does_not_join_twice),
        cmocka_unit_test(a_member_resumes_its_own_leaf),
        cmocka_unit_test(who_resumes_brings_a_new_encryption_key),
        cmocka_unit_test(who_resumes_keeps_its_identity),
        cmocka_unit_test(the_application_judges_who_comes_in),
        cmocka_unit_test(without_an_external_key_nobody_joins),
        cmocka_unit_test(a_group_info_is_signed_by_a_member_over_the_tree),
        cmocka_unit_test(unknown_extensions_of_a_group_info_are_ignored),
        cmocka_unit_test(who_does_not_support_the_group_does_not_join),
        cmocka_unit_test(who_lacks_what_is_required_does_not_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
