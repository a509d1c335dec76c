/* What a group can do beyond adding and removing, each feature from end to end through the public
 * interface: suites, reinitialisation and branches, senders from outside, external commits,
 * capabilities, extensions, custom proposals, key packages and Welcomes. */
#include <stdlib.h>
#include <string.h>

#include "sim/mls_party.h"

#define SUITE CRYPTO_P256_AES128GCM_SHA256_P256
#define OTHER_SUITE CRYPTO_X25519_CHACHA20POLY1305_SHA256_ED25519

static void make(struct party *all, unsigned n, const struct party_options *options)
{
    struct party_options usual = party_defaults(SUITE);
    for (unsigned i = 0; i < n; i++)
        party_init(&all[i], i, options != NULL ? options : &usual);
}

static void drop(struct party *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        party_fini(&all[i]);
}

static void merge_own(struct party *p)
{
    struct buf welcome = {0};
    OK(mls_group_merge_own(p->group, &welcome));
    buf_free(&welcome);
}

static void join_by_external_commit(struct party *all, unsigned n, struct party *x,
                                    struct party *helper, uint32_t resume)
{
    struct buf info = {0}, tree = {0}, commit = {0};
    struct mls_group *joining;
    OK(mls_group_info(helper->group, MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_tree(helper->group, &tree));
    OK(mls_group_join_external(x->client, buf_view(&info), buf_view(&tree), resume, NULL, 0, NOW,
                               &joining, &commit));
    mls_group_free(x->group);
    x->group = joining;
    parties_take(all, n, x, &commit);
    merge_own(x);
    party_save(x);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&commit);
}

/* ---- Suites ---- */

static void a_group_lives_in_every_suite(void **state)
{
    (void)state;
    for (uint16_t suite = 1; suite <= 7; suite++) {
        struct party_options options = party_defaults(suite);
        struct party all[4];
        struct buf proposal = {0};
        struct mls_change update = mls_update(), removal = mls_remove(1);
        options.policy.private_handshake = suite % 2;
        make(all, 4, &options);
        parties_gather(all, 3, "suites");
        parties_talk(all, 3);
        OK(mls_group_propose(all[2].group, &update, NULL, NOW, &proposal));
        parties_take(all, 3, &all[2], &proposal);
        parties_commit(all, 3, &all[0], NULL, 0, NULL);
        parties_commit(all, 3, &all[2], &removal, 1, NULL);
        assert_false(mls_group_is_member(all[1].group));
        join_by_external_commit(all, 3, &all[3], &all[2], MLS_NO_LEAF);
        party_crash(&all[3]);
        parties_talk(all, 4);
        buf_free(&proposal);
        drop(all, 4);
    }
}

static void the_best_common_suite_is_chosen(void **state)
{
    static const uint16_t more[] = {OTHER_SUITE, 0x0005},
                          preferred[] = {0x0005, OTHER_SUITE, SUITE};
    struct party_options rich = party_defaults(SUITE), poor = party_defaults(SUITE);
    struct party a, b;
    uint16_t suite;
    (void)state;
    rich.suites = more;
    rich.n_suites = 2;
    poor.suites = more;
    poor.n_suites = 1;
    party_init(&a, 0, &rich);
    party_init(&b, 1, &poor);
    struct bytes packages[] = {party_key_package(&a), party_key_package(&b)};
    OK(mls_choose_suite(preferred, 3, packages, 1, &suite));
    assert_int_equal(suite, 0x0005);
    OK(mls_choose_suite(preferred, 3, packages, 2, &suite));
    assert_int_equal(suite, OTHER_SUITE);
    REFUSED(mls_choose_suite(preferred, 1, packages, 2, &suite), CONCLAVE_ENOTFOUND);
    party_fini(&a);
    party_fini(&b);
}

/* ---- Successors ---- */

/* old[0] founds the successor of everybody's old group with their new clients. */
static void succeed(struct party *old, struct party *new, unsigned n)
{
    struct bytes packages[8];
    struct buf welcome = {0};
    for (unsigned i = 1; i < n; i++)
        packages[i - 1] = party_key_package(&new[i]);
    REFUSED(mls_group_reinit(old[0].group, old[0].client, packages, n - 1, NOW, &new[0].group),
            CONCLAVE_EINVAL); /* not the suite that was agreed */
    REFUSED(mls_group_reinit(old[0].group, new[0].client, packages, n - 2, NOW, &new[0].group),
            CONCLAVE_EREINIT); /* somebody is missing */
    OK(mls_group_reinit(old[0].group, new[0].client, packages, n - 1, NOW, &new[0].group));
    OK(mls_group_merge_own(new[0].group, &welcome));
    for (unsigned i = 1; i < n; i++) {
        struct mls_group *existing = old[i].group;
        REFUSED(mls_group_join(new[i].client, buf_view(&welcome), NOTHING, new[i].kp, NULL, 0, NOW,
                               &new[i].group),
                CONCLAVE_EPSK); /* only who was in the old group can join */
        OK(mls_group_join(new[i].client, buf_view(&welcome), NOTHING, new[i].kp, &existing, 1, NOW,
                          &new[i].group));
    }
    buf_free(&welcome);
    parties_talk(new, n);
}

static void end_by_reinit(struct party *all, unsigned n, const char *next, uint16_t suite)
{
    struct mls_extension note = {CUSTOM_EXTENSION, bytes_str("carried over")};
    struct mls_change reinit = mls_reinit(bytes_str(next), suite, &note, 1);
    struct buf message = {0};
    parties_commit(all, n, &all[n - 1], &reinit, 1, NULL);
    for (unsigned i = 0; i < n; i++) {
        REFUSED(mls_group_protect(all[i].group, NOTHING, NOTHING, &message), CONCLAVE_ESUSPENDED);
        REFUSED(mls_group_commit(all[i].group, NULL, 0, NULL, NOW, &message), CONCLAVE_ESUSPENDED);
    }
}

static void a_group_is_reinitialised_in_another_suite_and_back(void **state)
{
    struct party_options other = party_defaults(OTHER_SUITE);
    struct party first[3], second[3], third[3];
    struct mls_context context;
    struct bytes note;
    (void)state;
    make(first, 3, NULL);
    make(second, 3, &other);
    make(third, 3, NULL);
    parties_gather(first, 3, "first");
    end_by_reinit(first, 3, "second", OTHER_SUITE);
    party_save(&first[0]);
    party_crash(&first[0]); /* what was agreed survives */
    succeed(first, second, 3);
    mls_group_context(second[1].group, &context);
    assert_int_equal(context.suite, OTHER_SUITE);
    OK(mls_extension_find(context.extensions, CUSTOM_EXTENSION, &note));
    assert_true(bytes_equal(note, bytes_str("carried over")));
    end_by_reinit(second, 3, "third", SUITE);
    succeed(second, third, 3);
    drop(first, 3);
    drop(second, 3);
    drop(third, 3);
}

static void some_members_branch_off(void **state)
{
    struct party all[4];
    struct mls_group *branch[2];
    struct buf welcome = {0};
    (void)state;
    make(all, 4, NULL);
    parties_gather(all, 3, "trunk");
    struct bytes stranger = party_key_package(&all[3]), packages[] = {party_key_package(&all[2])};
    struct mls_group *trunk = all[2].group;
    REFUSED(mls_group_branch(all[0].group, bytes_str("trunk"), packages, 1, NOW, &branch[0]),
            CONCLAVE_EINVAL);
    REFUSED(mls_group_branch(all[0].group, bytes_str("branch"), &stranger, 1, NOW, &branch[0]),
            CONCLAVE_EREINIT);
    OK(mls_group_branch(all[0].group, bytes_str("branch"), packages, 1, NOW, &branch[0]));
    OK(mls_group_merge_own(branch[0], &welcome));
    REFUSED(mls_group_join(all[2].client, buf_view(&welcome), NOTHING, all[2].kp, NULL, 0, NOW,
                           &branch[1]),
            CONCLAVE_EPSK);
    OK(mls_group_join(all[2].client, buf_view(&welcome), NOTHING, all[2].kp, &trunk, 1, NOW,
                      &branch[1]));
    assert_true(groups_equal(branch[0], branch[1]));
    parties_talk(all, 3); /* the trunk goes on */
    mls_group_free(branch[0]);
    mls_group_free(branch[1]);
    buf_free(&welcome);
    drop(all, 4);
}

/* ---- Senders from outside ---- */

static void an_external_sender_removes_and_adds(void **state)
{
    struct party all[4], server, stranger;
    struct party_options options = party_defaults(SUITE);
    struct buf list = {0}, message = {0};
    struct mls_received r;
    struct mls_context context;
    (void)state;
    make(all, 4, NULL);
    party_init(&server, 20, &options);
    party_init(&stranger, 21, &options);
    struct mls_external_sender sender = {crypto_signer_public(server.signer),
                                         {.type = MLS_BASIC, .identity = bytes_str("the service")}};
    OK(mls_external_senders_encode(&sender, 1, &list));
    struct mls_extension extension = {MLS_EXT_EXTERNAL_SENDERS, buf_view(&list)};
    party_found(&all[0], "governed", &extension, 1);
    struct mls_change adds[] = {mls_add(party_key_package(&all[1])),
                                mls_add(party_key_package(&all[2]))};
    parties_commit(all, 3, &all[0], adds, 2, NULL);

    mls_group_context(all[0].group, &context);
    struct mls_change removal = mls_remove(1), add = mls_add(party_key_package(&all[3])),
                      update = mls_update(), leave = mls_self_remove();
    OK(mls_external_propose(stranger.crypto, stranger.signer, 0, &context, &removal, &message));
    REFUSED(mls_group_receive(all[0].group, buf_view(&message), NOW, &r), CONCLAVE_ESIGNATURE);
    OK(mls_external_propose(server.crypto, server.signer, 1, &context, &removal, &message));
    REFUSED(mls_group_receive(all[0].group, buf_view(&message), NOW, &r), CONCLAVE_ESENDER);
    assert_int_not_equal(
        mls_external_propose(server.crypto, server.signer, 0, &context, &update, &message), 0);
    if (mls_external_propose(server.crypto, server.signer, 0, &context, &leave, &message) == 0)
        REFUSED(mls_group_receive(all[0].group, buf_view(&message), NOW, &r), CONCLAVE_ESENDER);

    OK(mls_external_propose(server.crypto, server.signer, 0, &context, &removal, &message));
    parties_take(all, 3, NULL, &message);
    OK(mls_external_propose(server.crypto, server.signer, 0, &context, &add, &message));
    parties_take(all, 3, NULL, &message);
    parties_commit(all, 4, &all[2], NULL, 0, NULL);
    assert_false(mls_group_is_member(all[1].group));
    assert_non_null(all[3].group);
    parties_talk(all, 4);
    buf_free(&list);
    buf_free(&message);
    party_fini(&server);
    party_fini(&stranger);
    drop(all, 4);
}

static void a_newcomer_proposes_itself(void **state)
{
    struct party all[3];
    struct buf message = {0};
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 2, "open");
    party_key_package(&all[2]);
    OK(mls_new_member_propose(all[2].client, all[2].kp, bytes_str("open"),
                              mls_group_epoch(all[0].group), &message));
    parties_take(all, 2, NULL, &message);
    parties_commit(all, 3, &all[1], NULL, 0, NULL);
    parties_talk(all, 3);
    assert_int_equal(mls_group_member_count(all[0].group), 3);
    buf_free(&message);
    drop(all, 3);
}

static void external_commits_join_and_take_back_ones_own_leaf_only(void **state)
{
    struct party all[5];
    struct buf info = {0}, commit = {0};
    struct mls_group *g = NULL;
    struct mls_received r;
    struct bytes psk = bytes_str("x at the door"), unknown = bytes_str("never heard of");
    (void)state;
    make(all, 5, NULL);
    parties_gather(all, 3, "doors");
    join_by_external_commit(all, 3, &all[3], &all[1], MLS_NO_LEAF);
    parties_talk(all, 4);
    join_by_external_commit(all, 4, &all[2], &all[0], mls_group_own_leaf(all[2].group));
    assert_int_equal(mls_group_member_count(all[0].group), 4);
    parties_talk(all, 4);

    OK(mls_group_info(all[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info));
    /* somebody else's leaf: nobody lets that pass, whatever the newcomer's own library says */
    if (mls_group_join_external(all[4].client, buf_view(&info), NOTHING, 1, NULL, 0, NOW, &g,
                                &commit) == 0) {
        REFUSED(mls_group_receive(all[0].group, buf_view(&commit), NOW, &r),
                CONCLAVE_EPROPOSALLIST);
        mls_group_free(g);
    }
    REFUSED(mls_group_join_external(all[3].client, buf_view(&info), NOTHING,
                                    mls_group_own_leaf(all[3].group), &unknown, 1, NOW, &g,
                                    &commit),
            CONCLAVE_EPSK);
    OK(mls_group_join_external(all[3].client, buf_view(&info), NOTHING,
                               mls_group_own_leaf(all[3].group), &psk, 1, NOW, &g, &commit));
    parties_take(all, 3, NULL, &commit);
    mls_group_free(all[3].group);
    all[3].group = g;
    merge_own(&all[3]);
    parties_talk(all, 4);
    buf_free(&info);
    buf_free(&commit);
    drop(all, 5);
}

static void a_member_leaves_by_itself(void **state)
{
    struct party all[3];
    struct buf message = {0};
    struct mls_change leave = mls_self_remove();
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 3, "leaving");
    OK(mls_group_propose(all[1].group, &leave, NULL, NOW, &message));
    parties_take(all, 3, &all[1], &message);
    parties_commit(all, 3, &all[2], NULL, 0, NULL);
    assert_false(mls_group_is_member(all[1].group));
    parties_talk(all, 3);
    buf_free(&message);
    drop(all, 3);
}

/* ---- Capabilities and extensions ---- */

static void required_capabilities_bind_everybody(void **state)
{
    static const uint16_t custom = CUSTOM_EXTENSION, foreign = 0xf0f0;
    struct party_options options = party_defaults(SUITE);
    struct party all[3];
    struct buf required = {0}, more = {0}, message = {0};
    struct mls_group *g = NULL;
    (void)state;
    make(all, 2, NULL);
    options.plain = true;
    party_init(&all[2], 2, &options);
    OK(mls_required_capabilities_encode(&custom, 1, NULL, 0, NULL, 0, &required));
    OK(mls_required_capabilities_encode(&foreign, 1, NULL, 0, NULL, 0, &more));
    struct mls_extension extension = {MLS_EXT_REQUIRED_CAPABILITIES, buf_view(&required)},
                         too_much = {MLS_EXT_REQUIRED_CAPABILITIES, buf_view(&more)};
    party_found(&all[0], "demanding", &extension, 1);
    struct mls_change good = mls_add(party_key_package(&all[1])),
                      bad = mls_add(party_key_package(&all[2])),
                      change = mls_set_extensions(&too_much, 1);
    REFUSED(mls_group_commit(all[0].group, &bad, 1, NULL, NOW, &message), CONCLAVE_ECAPABILITY);
    parties_commit(all, 2, &all[0], &good, 1, NULL);
    REFUSED(mls_group_commit(all[0].group, &change, 1, NULL, NOW, &message), CONCLAVE_ECAPABILITY);
    /* an extension in use needs every member's support, required or not */
    struct mls_extension foreign_extension = {foreign, NOTHING};
    assert_int_not_equal(mls_group_new(all[0].client, NOTHING, &foreign_extension, 1, NOW, &g), 0);
    parties_talk(all, 2);
    buf_free(&required);
    buf_free(&more);
    buf_free(&message);
    drop(all, 3);
}

static bool is_grease(uint16_t v)
{
    return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static bool has_grease(struct bytes list)
{
    for (size_t i = 0; i + 1 < list.n; i += 2)
        if (is_grease((uint16_t)(list.p[i] << 8 | list.p[i + 1])))
            return true;
    return false;
}

static void grease_is_sent_and_tolerated(void **state)
{
    struct party_options without = party_defaults(SUITE);
    struct party all[3];
    struct mls_member m;
    (void)state;
    without.policy.grease = false;
    make(all, 2, NULL);
    party_init(&all[2], 2, &without);
    parties_gather(all, 3, "grease");
    OK(mls_group_member(all[2].group, 0, &m));
    assert_true(has_grease(m.capabilities.suites) && has_grease(m.capabilities.extensions) &&
                has_grease(m.capabilities.proposals) && has_grease(m.capabilities.credentials));
    OK(mls_group_member(all[0].group, 2, &m));
    assert_false(has_grease(m.capabilities.suites));
    parties_commit(all, 3, &all[2], NULL, 0, NULL);
    parties_talk(all, 3);
    drop(all, 3);
}

static void unknown_extensions_are_carried(void **state)
{
    struct mls_extension in_leaf = {CUSTOM_EXTENSION, bytes_str("in the leaf")},
                         in_info = {0xf099, bytes_str("in the GroupInfo")};
    struct party_options options = party_defaults(SUITE);
    struct mls_commit_options commit = {.group_info_extensions = &in_info,
                                        .n_group_info_extensions = 1};
    struct party all[3];
    struct mls_member m;
    struct bytes data;
    (void)state;
    options.leaf_extensions = &in_leaf;
    options.n_leaf_extensions = 1;
    make(all, 3, &options);
    party_found(&all[0], "carried", NULL, 0);
    struct mls_change adds[] = {mls_add(party_key_package(&all[1])),
                                mls_add(party_key_package(&all[2]))};
    parties_commit(all, 3, &all[0], adds, 2, &commit);
    for (uint32_t i = 0; i < 3; i++) {
        OK(mls_group_member(all[2].group, i, &m));
        OK(mls_extension_find(m.extensions, CUSTOM_EXTENSION, &data));
        assert_true(bytes_equal(data, in_leaf.data));
    }
    parties_talk(all, 3);
    drop(all, 3);
}

/* ---- Custom proposals ---- */

static void custom_proposals_are_shown_before_they_are_merged(void **state)
{
    struct party all[3];
    struct mls_change by_ref = mls_custom(CUSTOM_PROPOSAL, bytes_str("by reference")),
                      by_value = mls_custom(CUSTOM_PROPOSAL, bytes_str("by value")),
                      foreign = mls_custom(0xf0f1, bytes_str("nobody knows"));
    struct buf message = {0};
    struct mls_received r;
    struct mls_proposal_info p;
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 3, "custom");
    REFUSED(mls_group_commit(all[0].group, &foreign, 1, NULL, NOW, &message), CONCLAVE_ECAPABILITY);
    OK(mls_group_propose(all[1].group, &by_ref, NULL, NOW, &message));
    for (int i = 0; i < 3; i += 2) {
        OK(mls_group_receive(all[i].group, buf_view(&message), NOW, &r));
        assert_int_equal(r.proposal.type, CUSTOM_PROPOSAL);
        assert_true(bytes_equal(r.proposal.data, bytes_str("by reference")));
        mls_received_free(&r);
    }
    OK(mls_group_commit(all[0].group, &by_value, 1, NULL, NOW, &message));
    OK(mls_group_receive(all[2].group, buf_view(&message), NOW, &r));
    assert_int_equal(mls_staged_proposal_count(r.staged), 2);
    OK(mls_staged_proposal(r.staged, 0, &p));
    assert_true(bytes_equal(p.data, bytes_str("by value")) && !p.by_reference);
    assert_int_equal(p.sender.index, 0);
    OK(mls_staged_proposal(r.staged, 1, &p));
    assert_true(bytes_equal(p.data, bytes_str("by reference")) && p.by_reference);
    assert_int_equal(p.sender.index, 1);
    assert_true(mls_staged_has_path(r.staged));
    mls_received_free(&r); /* dropped: nothing has changed, it can come again */
    parties_take(all, 3, &all[0], &message);
    merge_own(&all[0]);
    parties_talk(all, 3);
    buf_free(&message);
    drop(all, 3);
}

/* ---- Key packages and Welcomes ---- */

static void a_key_package_of_last_resort_serves_twice_others_once(void **state)
{
    struct party a, b, x;
    struct party_options options = party_defaults(SUITE);
    struct mls_key_package *last;
    struct mls_group *second = NULL;
    (void)state;
    party_init(&a, 0, &options);
    party_init(&b, 1, &options);
    party_init(&x, 2, &options);
    party_found(&a, "one", NULL, 0);
    party_found(&b, "two", NULL, 0);
    for (int is_last = 0; is_last < 2; is_last++) {
        struct buf commit = {0}, welcome_a = {0}, welcome_b = {0};
        OK(mls_key_package_new(x.client, NOW, NOW + DAY, is_last, &last));
        struct mls_change add = mls_add(mls_key_package_message(last)), removal = mls_remove(1);
        OK(mls_group_commit(a.group, &add, 1, NULL, NOW, &commit));
        OK(mls_group_merge_own(a.group, &welcome_a));
        OK(mls_group_commit(b.group, &add, 1, NULL, NOW, &commit));
        OK(mls_group_merge_own(b.group, &welcome_b));
        OK(mls_group_join(x.client, buf_view(&welcome_a), NOTHING, last, NULL, 0, NOW, &x.group));
        REFUSED(
            mls_group_join(x.client, buf_view(&welcome_b), NOTHING, last, NULL, 0, NOW, &second),
            is_last ? 0 : CONCLAVE_ESTATE);
        assert_true(groups_equal(a.group, x.group));
        assert_true(!is_last || groups_equal(b.group, second));
        OK(mls_group_commit(a.group, &removal, 1, NULL, NOW, &commit));
        merge_own(&a);
        OK(mls_group_commit(b.group, &removal, 1, NULL, NOW, &commit));
        merge_own(&b);
        mls_group_free(x.group);
        x.group = NULL;
        mls_key_package_free(last);
        buf_free(&commit);
        buf_free(&welcome_a);
        buf_free(&welcome_b);
    }
    mls_group_free(second);
    party_fini(&a);
    party_fini(&b);
    party_fini(&x);
}

static void a_welcome_is_cut_for_one_joiner_and_the_tree_comes_apart(void **state)
{
    enum { N = 8 };
    struct party all[N];
    struct party_options options = party_defaults(SUITE);
    struct mls_change adds[N];
    struct buf commit = {0}, welcome = {0}, slice = {0}, tree = {0}, old_tree = {0};
    struct bytes ref;
    struct mls_welcome_walk walk, one;
    (void)state;
    options.policy.tree_in_welcome = false;
    make(all, N, &options);
    party_found(&all[0], "sliced", NULL, 0);
    OK(mls_group_tree(all[0].group, &old_tree));
    for (int i = 1; i < N; i++)
        adds[i - 1] = mls_add(party_key_package(&all[i]));
    OK(mls_group_commit(all[0].group, adds, N - 1, NULL, NOW, &commit));
    OK(mls_group_merge_own(all[0].group, &welcome));
    OK(mls_group_tree(all[0].group, &tree));
    OK(mls_welcome_open(buf_view(&welcome), &walk));
    assert_int_equal(walk.count, N - 1);
    for (size_t i = 0; i < N - 1; i++) {
        struct party *x = &all[i + 1], *other = &all[i == 0 ? 2 : 1];
        OK(mls_welcome_next(&walk, &ref, &slice));
        OK(mls_welcome_open(buf_view(&slice), &one));
        assert_int_equal(one.count, 1);
        OK(mls_welcome_slice(buf_view(&welcome), ref, &slice));
        assert_true(slice.n < welcome.n / 2);
        assert_true(mls_welcome_is_for(buf_view(&slice), x->kp));
        assert_false(mls_welcome_is_for(buf_view(&slice), other->kp));
        if (other->group == NULL)
            REFUSED(mls_group_join(other->client, buf_view(&slice), buf_view(&tree), other->kp,
                                   NULL, 0, NOW, &other->group),
                    CONCLAVE_ENOTFORME);
        REFUSED(
            mls_group_join(x->client, buf_view(&slice), NOTHING, x->kp, NULL, 0, NOW, &x->group),
            CONCLAVE_ETREE);
        REFUSED(mls_group_join(x->client, buf_view(&slice), buf_view(&old_tree), x->kp, NULL, 0,
                               NOW, &x->group),
                CONCLAVE_ETREEHASH);
        party_join(x, &slice, buf_view(&tree));
    }
    REFUSED(mls_welcome_next(&walk, &ref, NULL), CONCLAVE_ENOTFOUND);
    REFUSED(mls_welcome_slice(buf_view(&welcome), bytes_str("nobody"), &slice), CONCLAVE_ENOTFORME);
    parties_talk(all, N);
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&slice);
    buf_free(&tree);
    buf_free(&old_tree);
    drop(all, N);
}

static void the_roster_is_walked_in_leaf_order_past_blanks(void **state)
{
    enum { N = 7 };
    struct party all[N];
    struct mls_change removals[] = {mls_remove(2), mls_remove(3), mls_remove(6)};
    static const uint32_t left[] = {0, 1, 4, 5};
    struct mls_member m;
    uint32_t next = 0, n = 0;
    (void)state;
    make(all, N, NULL);
    parties_gather(all, N, "roster");
    parties_commit(all, N, &all[1], removals, 3, NULL);
    while (mls_group_next_member(all[5].group, &next, &m)) {
        assert_true(n < 4);
        assert_int_equal(m.leaf_index, left[n]);
        assert_true(bytes_equal(m.credential.identity, bytes_str(all[left[n]].name)));
        n++;
    }
    assert_int_equal(n, 4);
    assert_int_equal(mls_group_member_count(all[5].group), 4);
    REFUSED(mls_group_member(all[5].group, 2, &m), CONCLAVE_ENOTFOUND);
    REFUSED(mls_group_member(all[5].group, 1000000, &m), CONCLAVE_ENOTFOUND);
    drop(all, N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_lives_in_every_suite),
        cmocka_unit_test(the_best_common_suite_is_chosen),
        cmocka_unit_test(a_group_is_reinitialised_in_another_suite_and_back),
        cmocka_unit_test(some_members_branch_off),
        cmocka_unit_test(an_external_sender_removes_and_adds),
        cmocka_unit_test(a_newcomer_proposes_itself),
        cmocka_unit_test(external_commits_join_and_take_back_ones_own_leaf_only),
        cmocka_unit_test(a_member_leaves_by_itself),
        cmocka_unit_test(required_capabilities_bind_everybody),
        cmocka_unit_test(grease_is_sent_and_tolerated),
        cmocka_unit_test(unknown_extensions_are_carried),
        cmocka_unit_test(custom_proposals_are_shown_before_they_are_merged),
        cmocka_unit_test(a_key_package_of_last_resort_serves_twice_others_once),
        cmocka_unit_test(a_welcome_is_cut_for_one_joiner_and_the_tree_comes_apart),
        cmocka_unit_test(the_roster_is_walked_in_leaf_order_past_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
