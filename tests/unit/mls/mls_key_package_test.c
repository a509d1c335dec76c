/* RFC 9420 10, 7.2 and 7.3: key packages, and the leaves in them. Each wrong one is looked at by
 * itself, added by a committer, proposed to all, and committed by a liar.
 */
#include <string.h>

#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

struct scene {
    struct world w;
    size_t newcomer;
    struct mls_key_package *kp;
    struct forge_key_package f;
};

static void enter(struct scene *s)
{
    world_group(&s->w, 3);
    world_serve(&s->w);
    s->newcomer = world_actor(&s->w);
    s->kp = world_key_package(&s->w, s->newcomer);
    s->f = forge_key_package_of(s->kp);
}

static void begin(struct scene *s)
{
    *s = (struct scene){0};
    world_init(&s->w);
    enter(s);
}

static void end(struct scene *s)
{
    world_fini(&s->w);
}

/* By a member who proposes it, and by one who commits it. */
static void all_refuse(struct scene *s, struct bytes message, int error)
{
    struct buf body = {0}, out = {0};
    struct forge_commit c;
    write_u16(&body, MLS_ADD);
    buf_put(&body, bytes_of(message.p + 4, message.n - 4)); /* without the header */
    forge_proposal(s->w.actor[1].group, buf_view(&body), &out);
    world_all_refuse(&s->w, 1, buf_view(&out), error);
    forge_commit_of(s->w.actor[1].group, NULL, 0, &c);
    buf_clear(&c.proposals);
    forge_put(&c.proposals, buf_view(&body));
    forge_commit_public(&c, s->w.actor[1].group, &out);
    world_all_refuse(&s->w, 1, buf_view(&out), error);
    forge_commit_free(&c);
    buf_free(&body);
    buf_free(&out);
}

static int look(struct scene *s, struct bytes message)
{
    struct mls_member m;
    struct buf ref = {0};
    int rv = mls_key_package_inspect(s->w.actor[0].client, message, WORLD_NOW, &m, &ref);
    buf_free(&ref);
    return rv;
}

static void message_is_refused(struct scene *s, struct bytes message, int error)
{
    struct mls_change add = mls_add(message);
    assert_string_equal(conclave_error_name(look(s, message)), conclave_error_name(error));
    world_cannot_commit(s->w.actor[1].group, &add, 1, error);
    all_refuse(s, message, error);
}

static void is_refused(struct scene *s, int error)
{
    struct buf out = {0};
    forge_key_package(&s->f, &out);
    message_is_refused(s, buf_view(&out), error);
    buf_free(&out);
    s->f = forge_key_package_of(s->kp);
}

static void is_accepted(struct scene *s)
{
    struct buf out = {0};
    struct buf commit = {0};
    forge_key_package(&s->f, &out);
    assert_int_equal(look(s, buf_view(&out)), 0);
    struct mls_change add = mls_add(buf_view(&out));
    assert_int_equal(mls_group_commit(s->w.actor[1].group, &add, 1, NULL, WORLD_NOW, &commit), 0);
    world_all_take(&s->w, 1, buf_view(&commit));
    assert_int_equal(mls_group_drop_own(s->w.actor[1].group), 0);
    buf_free(&out);
    buf_free(&commit);
    s->f = forge_key_package_of(s->kp);
}

static void put_together_unchanged_it_is_the_same(void **state)
{
    (void)state;
    struct scene s;
    struct buf out = {0};
    begin(&s);
    forge_key_package(&s.f, &out);
    assert_true(bytes_equal(buf_view(&out), mls_key_package_message(s.kp)));
    is_accepted(&s);
    buf_free(&out);
    end(&s);
}

/* RFC 9420 10-5, 10.1-2 */
static void its_version_is_the_messages(void **state)
{
    (void)state;
    struct scene s;
    struct buf out = {0};
    begin(&s);
    s.f.version = 2;
    is_refused(&s, CONCLAVE_EVERSION);
    s.f.message_version = 2;
    forge_key_package(&s.f, &out);
    assert_int_equal(look(&s, buf_view(&out)), CONCLAVE_EVERSION);
    buf_free(&out);
    end(&s);
}

/* RFC 9420 10.1-1, 5.1.2-1 */
static void its_suite_is_the_groups(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    const uint16_t suites[] = {0, 2, 3, 0x0a0a, 0xffff};
    for (size_t i = 0; i < 5; i++) {
        s.f.suite = suites[i];
        is_refused(&s, CONCLAVE_ESUITE);
    }
    end(&s);
}

/* RFC 9420 10-1, 10-3, 7.3-3 */
static void its_keys_are_of_the_suites_size(void **state)
{
    (void)state;
    struct scene s;
    uint8_t longer[33] = {0};
    begin(&s);
    s.f.init_key.n--;
    is_refused(&s, CONCLAVE_EKEY);
    memcpy(longer, s.f.init_key.p, 32);
    s.f.init_key = bytes_of(longer, 33);
    is_refused(&s, CONCLAVE_EKEY);
    s.f.init_key.n = 0;
    is_refused(&s, CONCLAVE_EKEY);
    s.f.leaf.encryption_key.n--;
    is_refused(&s, CONCLAVE_EKEY);
    s.f.leaf.encryption_key.n = 0;
    is_refused(&s, CONCLAVE_EKEY);
    s.f.leaf.signature_key.n--;
    is_refused(&s, CONCLAVE_EKEY);
    s.f.leaf.signature_key.n = 0;
    is_refused(&s, CONCLAVE_EKEY);
    end(&s);
}

/* RFC 9420 10.1-5 */
static void its_two_hpke_keys_differ(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    s.f.init_key = s.f.leaf.encryption_key;
    is_refused(&s, CONCLAVE_EKEYPACKAGE);
    end(&s);
}

/* RFC 9420 10-4, 10.1-4, 7.3-2, 7.2-7 */
static void both_signatures_are_the_leafs(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    s.f.signer = s.w.actor[0].signer;
    is_refused(&s, CONCLAVE_ESIGNATURE);
    s.f.leaf_signer = s.w.actor[0].signer;
    is_refused(&s, CONCLAVE_ESIGNATURE);
    end(&s);
}

/* RFC 9420 10-4, 7.2-7: every byte is under a signature, or is one */
static void no_byte_can_be_changed(void **state)
{
    (void)state;
    struct scene s;
    struct buf copy = {0};
    begin(&s);
    buf_put(&copy, mls_key_package_message(s.kp));
    for (size_t i = 0; i < copy.n; i++) {
        copy.p[i] ^= 0x10;
        int rv = look(&s, buf_view(&copy));
        assert_int_equal(conclave_error_class(rv), CONCLAVE_CLASS_PEER);
        copy.p[i] ^= 0x10;
    }
    assert_int_equal(look(&s, buf_view(&copy)), 0);
    buf_free(&copy);
    end(&s);
}

/* RFC 9420 10-6, 7.3-10, 10.1-3, 12.1.1-1 */
static void its_leaf_was_made_for_a_key_package(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    s.f.leaf.source = LEAF_UPDATE;
    is_refused(&s, CONCLAVE_ELEAF);
    s.f.leaf.source = LEAF_COMMIT;
    is_refused(&s, CONCLAVE_ELEAF);
    end(&s);
}

/* RFC 9420 7.2-6, 7.3-7, 7.3-8 */
static void its_lifetime_is_now_and_not_forever(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    uint64_t longest = s.w.config.policy.max_lifetime;
    s.f.leaf.not_before = WORLD_NOW;
    s.f.leaf.not_after = WORLD_NOW + longest + 1;
    is_refused(&s, CONCLAVE_ELIFETIME);
    s.f.leaf.not_before = 0;
    s.f.leaf.not_after = UINT64_MAX;
    is_refused(&s, CONCLAVE_ELIFETIME);
    s.f.leaf.not_before = WORLD_NOW + 1; /* not yet */
    is_refused(&s, CONCLAVE_ELIFETIME);
    s.f.leaf.not_after = WORLD_NOW - 1; /* not any more */
    is_refused(&s, CONCLAVE_ELIFETIME);
    s.f.leaf.not_before = WORLD_NOW + 1; /* the wrong way round */
    s.f.leaf.not_after = WORLD_NOW - 1;
    is_refused(&s, CONCLAVE_ELIFETIME);
    s.f.leaf.not_before = WORLD_NOW;
    s.f.leaf.not_after = WORLD_NOW + longest;
    is_accepted(&s);
    s.f.leaf.not_before = s.f.leaf.not_after = WORLD_NOW;
    is_accepted(&s);
    end(&s);
}

/* RFC 9420 7.2-2, 7.2-4, 7.3-3 */
static void its_capabilities_have_what_it_uses(void **state)
{
    (void)state;
    struct scene s;
    static const uint8_t other[] = {0, 9, 0x0a, 0x0a};
    begin(&s);
    struct bytes *lists[] = {&s.f.leaf.capabilities.versions, &s.f.leaf.capabilities.suites,
                             &s.f.leaf.capabilities.credentials};
    for (size_t i = 0; i < 3; i++) {
        *lists[i] = bytes_of(NULL, 0);
        is_refused(&s, CONCLAVE_ECAPABILITY);
        *lists[i] = bytes_of(other, 4);
        is_refused(&s, CONCLAVE_ECAPABILITY);
        *lists[i] = bytes_of(other, 3); /* half a value */
        is_refused(&s, CONCLAVE_ESYNTAX);
    }
    end(&s);
}

/* RFC 9420 7.2-3, 7.3-9, 10-7 */
static void its_extensions_are_among_its_capabilities(void **state)
{
    (void)state;
    struct scene s;
    struct buf list = {0};
    static const uint8_t caps[] = {0xf0, 0x01};
    begin(&s);
    forge_extension(bytes_of(NULL, 0), 0xf001, bytes_str("x"), &list);
    s.f.extensions = buf_view(&list);
    is_refused(&s, CONCLAVE_ECAPABILITY);
    s.f.leaf.extensions = buf_view(&list);
    is_refused(&s, CONCLAVE_ECAPABILITY);
    /* RFC 9420 10-8, 13.4-3: unknown to us, but listed: ignored */
    s.f.extensions = s.f.leaf.extensions = buf_view(&list);
    s.f.leaf.capabilities.extensions = bytes_of(caps, 2);
    is_accepted(&s);
    /* RFC 9420 7.2-1: those of RFC 9420 itself need not be listed */
    forge_extension(bytes_of(NULL, 0), MLS_EXT_APPLICATION_ID, bytes_str("x"), &list);
    s.f.leaf.extensions = buf_view(&list);
    is_accepted(&s);
    buf_free(&list);
    end(&s);
}

/* RFC 9420 13.4-5 */
static void no_extension_stands_twice(void **state)
{
    (void)state;
    struct scene s;
    struct buf list = {0};
    begin(&s);
    for (int i = 0; i < 2; i++) {
        write_u16(&list, MLS_EXT_APPLICATION_ID);
        write_vec(&list, bytes_str("x"));
    }
    s.f.extensions = buf_view(&list);
    is_refused(&s, CONCLAVE_EEXTENSION);
    s.f.leaf.extensions = buf_view(&list);
    is_refused(&s, CONCLAVE_EEXTENSION);
    buf_free(&list);
    end(&s);
}

/* RFC 9420 7.2-5, 13.4-2, 13.5-3, 13.5-4 */
static void unknown_capabilities_are_ignored(void **state)
{
    (void)state;
    struct scene s;
    struct buf lists[5] = {0};
    begin(&s);
    struct mls_capabilities *caps = &s.f.leaf.capabilities;
    struct bytes *all[] = {&caps->versions, &caps->suites, &caps->extensions, &caps->proposals,
                           &caps->credentials};
    for (size_t i = 0; i < 5; i++) {
        write_u16(&lists[i], 0x3a3a); /* GREASE */
        write_u16(&lists[i], 0x7777);
        buf_put(&lists[i], *all[i]);
        write_u16(&lists[i], 0xffff);
        *all[i] = buf_view(&lists[i]);
    }
    is_accepted(&s);
    for (size_t i = 0; i < 5; i++)
        buf_free(&lists[i]);
    end(&s);
}

/* RFC 9420 7.3-4, 13.4-6, 13.4-7, 13.4-10 */
static void it_supports_what_the_group_uses_and_requires(void **state)
{
    (void)state;
    struct scene s = {0};
    struct buf required = {0};
    const uint16_t extension[] = {0xf001}, proposal[] = {0xf002}, basic[] = {1};
    world_init(&s.w);
    assert_int_equal(
        mls_required_capabilities_encode(extension, 1, proposal, 1, basic, 1, &required), 0);
    struct mls_extension e[2] = {{MLS_EXT_REQUIRED_CAPABILITIES, buf_view(&required)},
                                 {0xf003, bytes_str("in use")}};
    const uint16_t extensions[] = {0xf001, 0xf003};
    s.w.config.extensions = extensions;
    s.w.config.n_extensions = 2;
    s.w.config.proposals = proposal;
    s.w.config.n_proposals = 1;
    s.w.extensions = e;
    s.w.n_extensions = 2;
    enter(&s);
    is_accepted(&s);
    struct buf list = {0};
    write_u16(&list, 0xf001);
    s.f.leaf.capabilities.extensions = buf_view(&list); /* not the one in use */
    struct buf out = {0};
    forge_key_package(&s.f, &out);
    assert_int_equal(look(&s, buf_view(&out)), 0); /* by itself it is fine */
    struct mls_change add = mls_add(buf_view(&out));
    world_cannot_commit(s.w.actor[1].group, &add, 1, CONCLAVE_ECAPABILITY);
    all_refuse(&s, buf_view(&out), CONCLAVE_ECAPABILITY);
    buf_clear(&list);
    write_u16(&list, 0xf003);
    s.f.leaf.capabilities.extensions = buf_view(&list); /* not the one required */
    forge_key_package(&s.f, &out);
    all_refuse(&s, buf_view(&out), CONCLAVE_ECAPABILITY);
    s.f = forge_key_package_of(s.kp);
    s.f.leaf.capabilities.proposals = bytes_of(NULL, 0);
    forge_key_package(&s.f, &out);
    all_refuse(&s, buf_view(&out), CONCLAVE_ECAPABILITY);
    buf_free(&list);
    buf_free(&out);
    buf_free(&required);
    end(&s);
}

/* RFC 9420 7.3-15, 16.7-1: the encryption key of a member */
static void its_key_is_nobody_elses(void **state)
{
    (void)state;
    struct scene s;
    struct buf out = {0};
    struct forge_commit c;
    begin(&s);
    s.f.leaf.encryption_key = mls_tree_leaf(&s.w.actor[0].group->pub.tree, 2)->encryption_key;
    forge_key_package(&s.f, &out);
    struct mls_change add = mls_add(buf_view(&out));
    world_cannot_commit(s.w.actor[1].group, &add, 1, CONCLAVE_EDUPLICATE);
    forge_commit_of(s.w.actor[1].group, NULL, 0, &c);
    buf_clear(&c.proposals);
    forge_put_change(&c.proposals, add);
    forge_commit_public(&c, s.w.actor[1].group, &out);
    world_all_refuse(&s.w, 1, buf_view(&out), CONCLAVE_EDUPLICATE);
    forge_commit_free(&c);
    buf_free(&out);
    end(&s);
}

static int refuse_d(void *ctx, const struct mls_identity_check *check)
{
    (void)ctx;
    return bytes_equal(check->credential.identity, bytes_str("d")) ? CONCLAVE_EPOLICY : 0;
}

/* RFC 9420 5.3.1-1, 5.3.1-2, 5.3.1-4, 7.3-1 */
static void the_application_judges_its_credential(void **state)
{
    (void)state;
    struct scene s = {0};
    world_init(&s.w);
    s.w.config.callbacks.check_identity = refuse_d;
    enter(&s);
    is_refused(&s, CONCLAVE_ECREDENTIAL); /* the newcomer is the fourth, "d" */
    end(&s);
}

/* RFC 9420 10-2 */
static void no_two_share_a_key(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct mls_key_package *other = world_key_package(&s.w, s.newcomer);
    assert_false(bytes_equal(other->view.init_key, s.kp->view.init_key));
    assert_false(bytes_equal(other->view.leaf.encryption_key, s.kp->view.leaf.encryption_key));
    end(&s);
}

/* RFC 9420 7.2-1, 7.2-2, 13.4-1: what ours say */
static void our_capabilities_list_no_defaults(void **state)
{
    (void)state;
    struct world w;
    const uint16_t extensions[] = {1, 2, 3, 4, 5, 0xf001}, proposals[] = {1, 2, 7, 0xf002};
    const uint16_t suites[] = {1, 2}, credentials[] = {1, 2};
    world_init(&w);
    w.config.extensions = extensions;
    w.config.n_extensions = 6;
    w.config.proposals = proposals;
    w.config.n_proposals = 4;
    w.config.suites = suites;
    w.config.n_suites = 2;
    w.config.credentials = credentials;
    w.config.n_credentials = 2;
    const struct mls_capabilities *c =
        &world_key_package(&w, world_actor(&w))->view.leaf.capabilities;
    for (uint16_t type = 1; type <= 5; type++)
        assert_false(mls_u16s_have(c->extensions, type));
    for (uint16_t type = 1; type <= 7; type++)
        assert_false(mls_u16s_have(c->proposals, type));
    assert_true(mls_u16s_have(c->extensions, 0xf001));
    assert_true(mls_u16s_have(c->proposals, 0xf002));
    assert_true(mls_u16s_have(c->proposals, MLS_SELF_REMOVE));
    assert_int_equal(c->versions.n, 2);
    assert_int_equal(c->suites.n, 4); /* each once */
    assert_int_equal(c->credentials.n, 4);
    world_fini(&w);
}

/* RFC 9420 5.1.2-1 */
static void a_client_signs_with_its_suites_algorithm(void **state)
{
    (void)state;
    struct world w, other;
    struct mls_client *c = NULL;
    world_init(&w);
    world_init_suite(&other, CRYPTO_P256_AES128GCM_SHA256_P256);
    struct mls_client_config config = w.config;
    config.signer = other.actor[world_actor(&other)].signer;
    config.credential = (struct mls_credential){.type = MLS_BASIC, .identity = bytes_str("a")};
    assert_int_equal(mls_client_new(&config, &c), CONCLAVE_EKEY);
    assert_null(c);
    world_fini(&w);
    world_fini(&other);
}

/* RFC 9420 11-1 */
static void the_best_suite_is_one_that_all_support(void **state)
{
    (void)state;
    struct world w;
    const uint16_t two[] = {1, 2}, preferred[] = {3, 2, 1}, none[] = {5, 3};
    uint16_t chosen = 0;
    world_init(&w);
    w.config.suites = two;
    w.config.n_suites = 2;
    struct bytes kps[2] = {mls_key_package_message(world_key_package(&w, world_actor(&w)))};
    w.config.n_suites = 0;
    kps[1] = mls_key_package_message(world_key_package(&w, world_actor(&w)));
    assert_int_equal(mls_choose_suite(preferred, 3, kps, 1, &chosen), 0);
    assert_int_equal(chosen, 2);
    assert_int_equal(mls_choose_suite(preferred, 3, kps, 2, &chosen), 0);
    assert_int_equal(chosen, 1);
    assert_int_equal(mls_choose_suite(none, 2, kps, 2, &chosen), CONCLAVE_ENOTFOUND);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_together_unchanged_it_is_the_same),
        cmocka_unit_test(its_version_is_the_messages),
        cmocka_unit_test(its_suite_is_the_groups),
        cmocka_unit_test(its_keys_are_of_the_suites_size),
        cmocka_unit_test(its_two_hpke_keys_differ),
        cmocka_unit_test(both_signatures_are_the_leafs),
        cmocka_unit_test(no_byte_can_be_changed),
        cmocka_unit_test(its_leaf_was_made_for_a_key_package),
        cmocka_unit_test(its_lifetime_is_now_and_not_forever),
        cmocka_unit_test(its_capabilities_have_what_it_uses),
        cmocka_unit_test(its_extensions_are_among_its_capabilities),
        cmocka_unit_test(no_extension_stands_twice),
        cmocka_unit_test(unknown_capabilities_are_ignored),
        cmocka_unit_test(it_supports_what_the_group_uses_and_requires),
        cmocka_unit_test(its_key_is_nobody_elses),
        cmocka_unit_test(the_application_judges_its_credential),
        cmocka_unit_test(no_two_share_a_key),
        cmocka_unit_test(our_capabilities_list_no_defaults),
        cmocka_unit_test(a_client_signs_with_its_suites_algorithm),
        cmocka_unit_test(the_best_suite_is_one_that_all_support),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
