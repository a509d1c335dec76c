/* RFC 9420 11.1, 12.1.7, 12.3, 13: extensions of the context, capabilities, GREASE. */
#include <string.h>

#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

static const uint16_t known[] = {0xf001, 0xf002};

/* Members a, b, c know both; d only the second. */
static void begin(struct world *w)
{
    world_init(w);
    w->config.extensions = known;
    w->config.n_extensions = 2;
    for (int i = 0; i < 3; i++)
        world_actor(w);
    w->config.extensions = known + 1;
    w->config.n_extensions = 1;
    world_actor(w);
}

static void lie(struct world *w, struct mls_change change, int error)
{
    struct forge_commit c;
    struct buf out = {0};
    forge_commit_of(w->actor[1].group, NULL, 0, &c);
    buf_clear(&c.proposals);
    forge_put_change(&c.proposals, change);
    forge_commit_public(&c, w->actor[1].group, &out);
    world_all_refuse(w, 1, buf_view(&out), error);
    forge_commit_free(&c);
    buf_free(&out);
}

/* RFC 9420 8.1-5, 12.1.7-2, 13.4-10 */
static void a_new_list_replaces_the_old_one(void **state)
{
    (void)state;
    struct world w;
    struct mls_context context;
    struct bytes data;
    begin(&w);
    struct mls_extension first = {0xf001, bytes_str("one")}, second = {0xf002, bytes_str("two")};
    w.extensions = &first;
    w.n_extensions = 1;
    world_group(&w, 3);
    world_serve(&w);
    world_commit(&w, 0, NULL, 0); /* another commit does not touch it */
    mls_group_context(w.actor[1].group, &context);
    assert_int_equal(mls_extension_find(context.extensions, 0xf001, &data), 0);
    struct mls_change change = mls_set_extensions(&second, 1);
    world_commit(&w, 1, &change, 1);
    world_agrees(&w);
    mls_group_context(w.actor[2].group, &context);
    assert_int_equal(mls_extension_find(context.extensions, 0xf001, &data), CONCLAVE_ENOTFOUND);
    assert_int_equal(mls_extension_find(context.extensions, 0xf002, &data), 0);
    assert_true(bytes_equal(data, bytes_str("two")));
    world_talks(&w);
    world_fini(&w);
}

/* RFC 9420 13.4-10, 12.1.7-1 */
static void an_extension_in_use_is_supported_by_all(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_group(&w, 4);
    world_serve(&w);
    struct mls_extension e = {0xf001, bytes_str("one")};
    struct mls_change change = mls_set_extensions(&e, 1);
    world_cannot_commit(w.actor[1].group, &change, 1, CONCLAVE_ECAPABILITY);
    lie(&w, change, CONCLAVE_ECAPABILITY);
    e.type = 0xf002;
    world_commit(&w, 1, &change, 1);
    world_agrees(&w);
    world_fini(&w);
}

/* RFC 9420 11.1-1, 12.1.7-1 */
static void what_is_required_is_supported_by_all(void **state)
{
    (void)state;
    struct world w;
    struct buf required = {0};
    begin(&w);
    world_group(&w, 4);
    world_serve(&w);
    const uint16_t one = 0xf001, two = 2;
    assert_int_equal(mls_required_capabilities_encode(&one, 1, NULL, 0, NULL, 0, &required), 0);
    struct mls_extension e = {MLS_EXT_REQUIRED_CAPABILITIES, buf_view(&required)};
    struct mls_change change = mls_set_extensions(&e, 1);
    lie(&w, change, CONCLAVE_ECAPABILITY);
    world_cannot_commit(w.actor[1].group, &change, 1, CONCLAVE_ECAPABILITY);
    assert_int_equal(mls_required_capabilities_encode(NULL, 0, &one, 1, NULL, 0, &required), 0);
    e.data = buf_view(&required);
    lie(&w, change, CONCLAVE_ECAPABILITY);
    assert_int_equal(mls_required_capabilities_encode(NULL, 0, NULL, 0, &two, 1, &required), 0);
    e.data = buf_view(&required);
    lie(&w, change, CONCLAVE_ECAPABILITY);
    /* RFC 9420 12.1.7-1: members of the new epoch count, so who lacks it may be removed with it */
    assert_int_equal(mls_required_capabilities_encode(&one, 1, NULL, 0, NULL, 0, &required), 0);
    e.data = buf_view(&required);
    struct mls_change with_remove[2] = {change, mls_remove(3)};
    world_commit(&w, 1, with_remove, 2);
    world_agrees(&w);
    buf_free(&required);
    world_fini(&w);
}

/* RFC 9420 12.3-1, 12.3-2: the other proposals are judged by the new extensions */
static void a_newcomer_is_judged_by_the_new_extensions(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_group(&w, 3);
    world_serve(&w);
    struct mls_extension e = {0xf001, bytes_str("one")};
    struct mls_change both[2] = {world_add(&w, 3), mls_set_extensions(&e, 1)};
    world_cannot_commit(w.actor[1].group, both, 2, CONCLAVE_ECAPABILITY);
    struct forge_commit c;
    struct buf out = {0};
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    buf_clear(&c.proposals);
    forge_put_change(&c.proposals, both[0]);
    forge_put_change(&c.proposals, both[1]);
    forge_commit_public(&c, w.actor[1].group, &out);
    world_all_refuse(&w, 1, buf_view(&out), CONCLAVE_ECAPABILITY);
    forge_commit_free(&c);
    /* and the other way: what is no longer in use need not be supported */
    world_commit(&w, 1, &both[1], 1);
    struct mls_change again[2] = {world_add(&w, 3), mls_set_extensions(NULL, 0)};
    world_commit(&w, 1, again, 2);
    world_agrees(&w);
    assert_int_equal(mls_group_member_count(w.actor[0].group), 4);
    buf_free(&out);
    world_fini(&w);
}

/* RFC 9420 13.4-6, 7.3-4, 11.1: a founder does not lock itself out */
static void a_founder_supports_what_its_group_requires(void **state)
{
    (void)state;
    struct world w;
    struct buf required = {0};
    struct mls_group *g = NULL;
    begin(&w);
    const uint16_t custom = 0xf077;
    assert_int_equal(mls_required_capabilities_encode(NULL, 0, &custom, 1, NULL, 0, &required), 0);
    struct mls_extension e = {MLS_EXT_REQUIRED_CAPABILITIES, buf_view(&required)};
    assert_int_equal(mls_group_new(w.actor[0].client, bytes_str("g"), &e, 1, WORLD_NOW, &g),
                     CONCLAVE_ECAPABILITY);
    e.data = bytes_str("not three lists");
    assert_int_equal(mls_group_new(w.actor[0].client, bytes_str("g"), &e, 1, WORLD_NOW, &g),
                     CONCLAVE_EEXTENSION);
    e = (struct mls_extension){0xf077, bytes_str("unknown")};
    assert_int_equal(mls_group_new(w.actor[0].client, bytes_str("g"), &e, 1, WORLD_NOW, &g),
                     CONCLAVE_EINVAL);
    assert_null(g);
    buf_free(&required);
    world_fini(&w);
}

/* RFC 9420 13.4-5 */
static void no_list_has_a_type_twice(void **state)
{
    (void)state;
    struct world w;
    struct mls_group *g = NULL;
    begin(&w);
    world_group(&w, 3);
    world_serve(&w);
    struct mls_extension twice[2] = {{0xf001, bytes_str("a")}, {0xf001, bytes_str("b")}};
    struct mls_change change = mls_set_extensions(twice, 2);
    assert_int_equal(mls_group_new(w.actor[0].client, bytes_str("g"), twice, 2, WORLD_NOW, &g),
                     CONCLAVE_EINVAL);
    lie(&w, change, CONCLAVE_EEXTENSION);
    world_cannot_commit(w.actor[1].group, &change, 1, CONCLAVE_EEXTENSION);
    lie(&w, mls_reinit(bytes_str("next"), 1, twice, 2), CONCLAVE_EEXTENSION);
    world_fini(&w);
}

static void malformed_extensions_of_ours_are_refused(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    world_group(&w, 3);
    world_serve(&w);
    const uint16_t types[] = {MLS_EXT_REQUIRED_CAPABILITIES, MLS_EXT_EXTERNAL_SENDERS};
    const char *data[] = {"x", "\x01", "\x00\x00\x01",
                          "\x03"
                          "abc",
                          "\x40\x01"
                          "a"};
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < sizeof data / sizeof data[0]; k++) {
            struct mls_extension e = {types[i], bytes_str(data[k])};
            lie(&w, mls_set_extensions(&e, 1), CONCLAVE_EEXTENSION);
        }
    world_fini(&w);
}

/* ---- External senders ---- */

static int refuse_server(void *ctx, const struct mls_identity_check *check)
{
    size_t *asked = ctx;
    if (check->event != MLS_IDENTITY_EXTERNAL_SENDER)
        return 0;
    ++*asked;
    return bytes_equal(check->credential.identity, bytes_str("rogue")) ? CONCLAVE_EPOLICY : 0;
}

/* RFC 9420 5.3.1-7, 5.3.1-8 */
static void external_senders_are_judged_when_they_change(void **state)
{
    (void)state;
    struct world w;
    struct buf data = {0};
    struct mls_group *g = NULL;
    size_t asked = 0;
    begin(&w);
    w.config.callbacks.check_identity = refuse_server;
    w.config.callbacks.ctx = &asked;
    size_t founder = world_actor(&w), second = world_actor(&w);
    struct mls_external_sender s[2] = {
        {bytes_str("key"), {.type = MLS_BASIC, .identity = bytes_str("rogue")}},
        {bytes_str("key"), {.type = MLS_BASIC, .identity = bytes_str("server")}}};
    assert_int_equal(mls_external_senders_encode(s, 2, &data), 0);
    struct mls_extension e = {MLS_EXT_EXTERNAL_SENDERS, buf_view(&data)};
    struct mls_change change = mls_set_extensions(&e, 1);
    assert_int_equal(mls_group_new(w.actor[founder].client, bytes_str("g"), &e, 1, WORLD_NOW, &g),
                     CONCLAVE_ECREDENTIAL);
    assert_int_equal(mls_group_new(w.actor[founder].client, bytes_str("g"), NULL, 0, WORLD_NOW, &g),
                     0);
    w.actor[founder].group = g;
    world_join(&w, founder, second);
    world_cannot_commit(g, &change, 1, CONCLAVE_ECREDENTIAL);
    /* who accepts the server is asked once, not again for what stays the same */
    assert_int_equal(mls_external_senders_encode(s + 1, 1, &data), 0);
    e.data = buf_view(&data);
    world_commit(&w, founder, &change, 1);
    size_t before = asked;
    world_commit(&w, second, &change, 1);
    assert_int_equal(asked, before);
    s[1].signature_key = bytes_str("another key"); /* that is another sender */
    assert_int_equal(mls_external_senders_encode(s + 1, 1, &data), 0);
    e.data = buf_view(&data);
    world_commit(&w, second, &change, 1);
    assert_true(asked > before);
    world_agrees(&w);
    buf_free(&data);
    world_fini(&w);
}

/* ---- GREASE ---- */

/* RFC 9420 13.5-2, 13.5-6 */
static void grease_stands_only_where_it_may(void **state)
{
    (void)state;
    struct world w;
    struct mls_extension e;
    const uint16_t own[] = {0x0a0a, 0xf001};
    world_init(&w);
    w.config.policy.grease = true;
    w.config.extensions = own; /* an application that names GREASE supports it no more for that */
    w.config.n_extensions = 2;
    struct mls_key_package *kp = world_key_package(&w, world_actor(&w));
    struct mls_client *c = w.actor[0].client;
    size_t found = 0;
    struct reader r = reader_of(kp->view.extensions);
    while (mls_extensions_next(&r, &e))
        found += mls_is_grease(e.type) && mls_u16s_have(c->capabilities.extensions, e.type);
    assert_int_equal(found, 1);
    r = reader_of(buf_view(&c->supported_extensions));
    while (reader_left(&r) != 0)
        assert_false(mls_is_grease(read_u16(&r)));
    world_group(&w, 3);
    struct mls_context context;
    mls_group_context(w.actor[0].group, &context);
    assert_int_equal(context.extensions.n, 0);
    world_talks(&w);
    world_fini(&w);
}

/* The GREASE value in a list of capabilities. */
static uint16_t grease_of(struct bytes list)
{
    struct reader r = reader_of(list);
    while (reader_left(&r) != 0) {
        uint16_t type = read_u16(&r);
        if (mls_is_grease(type))
            return type;
    }
    fail();
    return 0;
}

/* RFC 9420 13.5-1, 13.5-5: though our own leaf lists it */
static void grease_is_never_put_to_use(void **state)
{
    (void)state;
    struct world w;
    struct mls_group *g = NULL;
    struct buf out = {0};
    world_init(&w);
    w.config.policy.grease = true;
    world_group(&w, 1);
    const struct mls_capabilities *caps = &w.actor[0].client->capabilities;
    struct mls_extension e = {grease_of(caps->extensions), bytes_str("x")};
    struct mls_change change = mls_set_extensions(&e, 1);
    world_cannot_commit(w.actor[0].group, &change, 1, CONCLAVE_EINVAL);
    change = mls_custom(grease_of(caps->proposals), bytes_str("x"));
    world_cannot_commit(w.actor[0].group, &change, 1, CONCLAVE_EINVAL);
    assert_int_equal(mls_group_propose(w.actor[0].group, &change, NULL, WORLD_NOW, &out),
                     CONCLAVE_EINVAL);
    change = mls_reinit(bytes_str("next"), 1, &e, 1);
    world_cannot_commit(w.actor[0].group, &change, 1, CONCLAVE_EINVAL);
    assert_int_equal(mls_group_new(w.actor[0].client, bytes_str("g"), &e, 1, WORLD_NOW, &g),
                     CONCLAVE_EINVAL);
    struct mls_client_config config = w.config;
    struct mls_client *c = NULL;
    config.signer = w.actor[0].signer;
    config.credential = (struct mls_credential){.type = 0x0a0a, .identity = bytes_str("x")};
    assert_int_equal(mls_client_new(&config, &c), CONCLAVE_ECREDENTIAL);
    world_fini(&w);
}

/* RFC 9420 13.5-5: a liar sets as an extension what our leaf lists as GREASE */
static void a_member_knows_its_own_grease(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    struct forge_commit c;
    world_init(&w);
    w.config.policy.grease = true;
    world_group(&w, 2);
    uint16_t type = grease_of(w.actor[0].client->capabilities.extensions);
    /* the other leaf must list it, too: its path brings such a leaf */
    write_u16(&body, MLS_GROUP_CONTEXT_EXTENSIONS);
    struct mls_extension e = {type, bytes_str("x")};
    mls_extensions_write(&body, &e, 1);
    forge_commit_of(w.actor[1].group, NULL, 0, &c);
    buf_clear(&c.proposals);
    forge_put(&c.proposals, buf_view(&body));
    struct buf list = {0};
    write_u16(&list, type);
    c.content.capabilities.extensions = buf_view(&list);
    forge_commit_sign_leaf(&c, w.actor[1].group, bytes_str("the group"), 1, w.actor[1].signer);
    forge_commit_public(&c, w.actor[1].group, &out);
    world_refuses(w.actor[0].group, buf_view(&out), CONCLAVE_ECAPABILITY);
    forge_commit_free(&c);
    buf_free(&list);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_list_replaces_the_old_one),
        cmocka_unit_test(an_extension_in_use_is_supported_by_all),
        cmocka_unit_test(what_is_required_is_supported_by_all),
        cmocka_unit_test(a_newcomer_is_judged_by_the_new_extensions),
        cmocka_unit_test(a_founder_supports_what_its_group_requires),
        cmocka_unit_test(no_list_has_a_type_twice),
        cmocka_unit_test(malformed_extensions_of_ours_are_refused),
        cmocka_unit_test(external_senders_are_judged_when_they_change),
        cmocka_unit_test(grease_stands_only_where_it_may),
        cmocka_unit_test(grease_is_never_put_to_use),
        cmocka_unit_test(a_member_knows_its_own_grease),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
