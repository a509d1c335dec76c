/* Every struct of RFC 9420, cut short at every byte, with a byte too many, and with every byte
 * changed: an error that says what was wrong, never acceptance, never a byte read beyond the end
 * (each piece is a copy of its own, so that the address sanitizer sees it).
 */
#include <stdlib.h>
#include <string.h>

#include "mls/extension.h"
#include "mls/psk.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

typedef int (*parser)(struct bytes b);

/* ---- Parsers, all of one shape ---- */

static int done(const struct reader *r, int error)
{
    return reader_end(r) == 0 ? 0 : error != 0 ? error : CONCLAVE_ESYNTAX;
}

static int parse_leaf(struct bytes b)
{
    struct reader r = reader_of(b);
    struct mls_leaf v;
    int error = 0;
    mls_leaf_read(&r, &v, &error);
    return done(&r, error);
}

static int parse_proposal(struct bytes b)
{
    struct reader r = reader_of(b);
    struct mls_proposal v;
    int error = 0;
    mls_proposal_read(&r, &v, &error);
    return done(&r, error);
}

static int parse_commit(struct bytes b)
{
    struct reader r = reader_of(b);
    struct mls_commit_view v;
    int error = 0;
    mls_commit_read(&r, &v, &error);
    return done(&r, error);
}

static int parse_psk_id(struct bytes b)
{
    struct reader r = reader_of(b);
    struct mls_psk_id v;
    mls_psk_id_read(&r, &v);
    return done(&r, 0);
}

static int parse_secrets(struct bytes b)
{
    struct reader r = reader_of(b);
    struct mls_group_secrets v;
    mls_group_secrets_read(&r, &v);
    return done(&r, 0);
}

static int parse_context(struct bytes b)
{
    struct reader r = reader_of(b);
    struct mls_group_context v;
    int error = 0;
    mls_group_context_read(&r, &v, &error);
    return done(&r, error);
}

static int parse_key_package(struct bytes b)
{
    struct mls_key_package_view v;
    return mls_key_package_parse(b, &v);
}

static int parse_welcome(struct bytes b)
{
    struct mls_welcome_view v;
    return mls_welcome_parse(b, &v);
}

static int parse_group_info(struct bytes b)
{
    struct mls_group_info_view v;
    return mls_group_info_parse(b, &v);
}

static int parse_message(struct bytes b)
{
    struct mls_message m;
    struct mls_public_message pub;
    struct mls_private_message priv;
    int rv = mls_message_parse(b, &m);
    if (rv != 0)
        return rv;
    return m.wire_format == MLS_PUBLIC_MESSAGE ? mls_public_message_parse(m.body, &pub)
                                               : mls_private_message_parse(m.body, &priv);
}

/* A copy with nothing behind it. */
static int parse_copy(parser parse, const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n == 0 ? 1 : n);
    assert_non_null(copy);
    memcpy(copy, p, n);
    int rv = parse(bytes_of(copy, n));
    free(copy);
    return rv;
}

/* Cut short it is a syntax error; changed, it is some error of the peer's, or another value. */
static void torture(const char *what, parser parse, struct bytes right)
{
    uint8_t *copy = malloc(right.n + 1);
    assert_non_null(copy);
    memcpy(copy, right.p, right.n);
    copy[right.n] = 0;
    if (parse_copy(parse, copy, right.n) != 0)
        fail_msg("%s is refused as it is", what);
    for (size_t n = 0; n < right.n; n++)
        if (parse_copy(parse, copy, n) != CONCLAVE_ESYNTAX)
            fail_msg("%s cut to %zu bytes: not a syntax error", what, n);
    if (parse_copy(parse, copy, right.n + 1) != CONCLAVE_ESYNTAX)
        fail_msg("%s with a byte too many is taken", what);
    for (size_t i = 0; i < right.n; i++)
        for (unsigned change = 1; change < 256; change <<= 1) {
            copy[i] ^= (uint8_t)change;
            int rv = parse_copy(parse, copy, right.n);
            if (rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_PEER)
                fail_msg("%s, byte %zu: %s", what, i, conclave_error_name(rv));
            copy[i] ^= (uint8_t)change;
        }
    free(copy);
}

/* ---- Samples ---- */

static void leaves_of_all_sources(void **state)
{
    (void)state;
    struct world w;
    struct buf leaf = {0};
    world_init(&w);
    struct mls_key_package *kp = world_key_package(&w, world_actor(&w));
    struct mls_leaf_content c = forge_leaf_content(&kp->view.leaf);
    torture("leaf of a key package", parse_leaf, kp->view.leaf.raw);
    c.source = LEAF_UPDATE;
    assert_int_equal(mls_leaf_sign(&c, w.actor[0].signer, bytes_str("g"), 0, &leaf), 0);
    torture("leaf of an update", parse_leaf, buf_view(&leaf));
    c.source = LEAF_COMMIT;
    c.parent_hash = bytes_str("a hash of the parent");
    struct buf extensions = {0}, certificates = {0};
    forge_extension(bytes_of(NULL, 0), 1, bytes_str("id"), &extensions);
    c.extensions = buf_view(&extensions);
    struct bytes der = bytes_str("certificate");
    assert_int_equal(mls_certificates_encode(&der, 1, &certificates), 0);
    c.credential =
        (struct mls_credential){.type = MLS_X509, .certificates = buf_view(&certificates)};
    buf_clear(&leaf);
    assert_int_equal(mls_leaf_sign(&c, w.actor[0].signer, bytes_str("g"), 0, &leaf), 0);
    for (size_t n = 0; n < leaf.n; n++) { /* a chain cut short is a bad credential, too */
        int rv = parse_copy(parse_leaf, leaf.p, n);
        assert_true(rv == CONCLAVE_ESYNTAX || rv == CONCLAVE_ECREDENTIAL);
    }
    assert_int_equal(parse_leaf(buf_view(&leaf)), 0);
    buf_free(&leaf);
    buf_free(&extensions);
    buf_free(&certificates);
    world_fini(&w);
}

static void key_packages(void **state)
{
    (void)state;
    struct world w;
    world_init(&w);
    w.config.policy.grease = true;
    torture("key package", parse_key_package,
            mls_key_package_message(world_key_package(&w, world_actor(&w))));
    world_fini(&w);
}

static void proposals_of_all_kinds(void **state)
{
    (void)state;
    struct world w;
    struct buf b = {0};
    struct mls_extension e = {1, bytes_str("x")};
    uint8_t nonce[32] = {1};
    world_init(&w);
    size_t actor = world_actor(&w);
    const struct mls_change changes[] = {
        world_add(&w, actor),      mls_remove(7),
        mls_set_extensions(&e, 1), mls_reinit(bytes_str("next"), 1, &e, 1),
        mls_self_remove(),         mls_custom(0xf001, bytes_str("data"))};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        buf_clear(&b);
        assert_int_equal(mls_proposal_write_change(&b, &changes[i]), 0);
        torture("proposal", parse_proposal, buf_view(&b));
    }
    buf_clear(&b);
    mls_proposal_write_update(&b, w.packages[0]->view.leaf.raw);
    torture("update", parse_proposal, buf_view(&b));
    buf_clear(&b);
    mls_proposal_write_external_init(&b, bytes_str("kem output"));
    torture("external init", parse_proposal, buf_view(&b));
    struct mls_psk_id id = {
        .type = PSK_EXTERNAL, .id = bytes_str("id"), .nonce = bytes_of(nonce, 32)};
    for (int resumption = 0; resumption < 2; resumption++) {
        buf_clear(&b);
        mls_psk_id_write(&b, &id);
        torture("psk id", parse_psk_id, buf_view(&b));
        buf_clear(&b);
        mls_proposal_write_psk(&b, &id);
        torture("psk", parse_proposal, buf_view(&b));
        id = (struct mls_psk_id){.type = PSK_RESUMPTION,
                                 .usage = PSK_USAGE_APPLICATION,
                                 .group_id = bytes_str("g"),
                                 .epoch = 5,
                                 .nonce = bytes_of(nonce, 32)};
    }
    buf_free(&b);
    world_fini(&w);
}

/* Every enumeration, at every value that is not one of its own. */
static void values_outside_their_enumerations(void **state)
{
    (void)state;
    struct world w;
    struct buf b = {0};
    uint8_t nonce[32] = {1};
    world_init(&w);
    struct mls_psk_id id = {.type = PSK_RESUMPTION,
                            .usage = PSK_USAGE_APPLICATION,
                            .group_id = bytes_str("g"),
                            .nonce = bytes_of(nonce, 32)};
    mls_psk_id_write(&b, &id);
    for (unsigned v = 0; v < 256; v++) {
        b.p[1] = (uint8_t)v; /* usage */
        assert_int_equal(parse_psk_id(buf_view(&b)) == 0, v >= 1 && v <= 3);
    }
    b.p[1] = 1;
    for (unsigned v = 3; v < 256; v++) {
        b.p[0] = (uint8_t)v; /* psktype */
        assert_int_equal(parse_psk_id(buf_view(&b)), CONCLAVE_ESYNTAX);
    }
    b.p[0] = 0;
    assert_int_equal(parse_psk_id(buf_view(&b)), CONCLAVE_ESYNTAX);
    /* proposal type 0 is reserved */
    const uint8_t reserved[] = {0, 0, 0};
    assert_int_equal(parse_proposal(bytes_of(reserved, 3)), CONCLAVE_ESYNTAX);
    /* ProposalOrRef */
    for (unsigned v = 0; v < 256; v++) {
        uint8_t commit[] = {2, (uint8_t)v, 0, 0};
        int rv = parse_commit(bytes_of(commit, 4));
        assert_int_equal(rv, v == 2 ? 0 : CONCLAVE_ESYNTAX);
    }
    /* the optional path, RFC 9420 2.1.1-1 */
    for (unsigned v = 1; v < 256; v++) {
        uint8_t commit[] = {0, (uint8_t)v};
        assert_int_equal(parse_commit(bytes_of(commit, 2)), CONCLAVE_ESYNTAX);
    }
    buf_free(&b);
    world_fini(&w);
}

static void senders_and_contents_outside_their_enumerations(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    world_init(&w);
    world_group(&w, 2);
    mls_proposal_write_remove(&body, 0);
    struct forge f = forge_of(w.actor[1].group, CONTENT_PROPOSAL, buf_view(&body));
    forge_public(&f, &out);
    size_t sender = 4 + 1 + strlen("the group") + 8, content = sender + 1 + 4 + 1;
    assert_int_equal(out.p[sender], MLS_SENDER_MEMBER);
    assert_int_equal(out.p[content], CONTENT_PROPOSAL);
    for (unsigned v = 0; v < 256; v++) {
        out.p[sender] = (uint8_t)v;
        if (v < 1 || v > 4)
            assert_int_equal(parse_message(buf_view(&out)), CONCLAVE_ESYNTAX);
    }
    out.p[sender] = MLS_SENDER_MEMBER;
    for (unsigned v = 0; v < 256; v++) {
        out.p[content] = (uint8_t)v;
        if (v < 1 || v > 3)
            assert_int_equal(parse_message(buf_view(&out)), CONCLAVE_ESYNTAX);
    }
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

static void contexts_and_group_infos(void **state)
{
    (void)state;
    struct world w;
    struct buf info = {0};
    world_init(&w);
    world_group(&w, 2);
    torture("context", parse_context, buf_view(&w.actor[0].group->pub.context));
    assert_int_equal(mls_group_info(w.actor[0].group, MLS_INFO_EXTERNAL_PUB, &info), 0);
    torture("group info", parse_group_info, buf_view(&info));
    buf_free(&info);
    world_fini(&w);
}

static void commits_and_messages(void **state)
{
    (void)state;
    struct world w;
    struct forge_commit c;
    struct buf message = {0};
    world_init(&w);
    world_group(&w, 3);
    struct mls_change remove = mls_remove(2);
    forge_commit_of(w.actor[1].group, &remove, 1, &c);
    torture("commit", parse_commit, c.m.auth_content.content.body);
    torture("public message", parse_message, buf_view(&c.message));
    assert_int_equal(mls_group_protect(w.actor[1].group, bytes_str("a"), bytes_str("b"), &message),
                     0);
    torture("private message", parse_message, buf_view(&message));
    forge_commit_free(&c);
    buf_free(&message);
    world_fini(&w);
}

static void welcomes_and_group_secrets(void **state)
{
    (void)state;
    struct world w;
    struct buf commit = {0}, welcome = {0}, plain = {0};
    struct mls_commit_options options = {.force_path = true};
    struct mls_group_secrets secrets;
    world_init(&w);
    world_group(&w, 2);
    struct mls_change add = world_add(&w, world_actor(&w));
    assert_int_equal(mls_group_commit(w.actor[0].group, &add, 1, &options, WORLD_NOW, &commit), 0);
    assert_int_equal(mls_group_merge_own(w.actor[0].group, &welcome), 0);
    torture("welcome", parse_welcome, buf_view(&welcome));
    forge_welcome_secrets(buf_view(&welcome), w.packages[w.n_packages - 1], &plain, &secrets);
    torture("group secrets", parse_secrets, buf_view(&plain));
    buf_free(&commit);
    buf_free(&welcome);
    buf_free(&plain);
    world_fini(&w);
}

/* ---- Through the front door ---- */

/* Every byte of a message that is authenticated: no change of it is taken, none changes a thing. */
static void no_byte_can_be_changed(struct world *w, struct bytes message, size_t step)
{
    struct mls_group *g = w->actor[0].group;
    struct buf copy = {0}, before = world_state(g);
    buf_put(&copy, message);
    for (size_t i = 0; i < copy.n; i += step) {
        struct mls_received r = {0};
        copy.p[i] ^= (uint8_t)(1u << (i % 8));
        int rv = mls_group_receive(g, buf_view(&copy), WORLD_NOW, &r);
        if (conclave_error_class(rv) != CONCLAVE_CLASS_PEER)
            fail_msg("byte %zu: %s", i, conclave_error_name(rv));
        copy.p[i] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t n = 0; n < copy.n; n += step) {
        struct mls_received r = {0};
        int rv = mls_group_receive(g, bytes_of(copy.p, n), WORLD_NOW, &r);
        assert_string_equal(conclave_error_name(rv), "ESYNTAX");
    }
    struct buf after = world_state(g);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
    buf_free(&copy);
}

/* RFC 9420 6.1-7, 6.2-2, 6.2-3, 12.4.2-3 */
static void no_byte_of_a_message_can_be_changed(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    struct mls_change remove = mls_remove(2);
    for (int private_handshake = 0; private_handshake < 2; private_handshake++) {
        world_init(&w);
        w.config.policy.private_handshake = private_handshake;
        world_group(&w, 3);
        assert_int_equal(mls_group_protect(w.actor[1].group, bytes_str("a"), bytes_str("b"), &out),
                         0);
        no_byte_can_be_changed(&w, buf_view(&out), 1);
        assert_int_equal(mls_group_commit(w.actor[1].group, &remove, 1, NULL, WORLD_NOW, &out), 0);
        no_byte_can_be_changed(&w, buf_view(&out), 1);
        struct mls_change update = mls_update();
        assert_int_equal(mls_group_propose(w.actor[1].group, &update, NULL, WORLD_NOW, &out), 0);
        no_byte_can_be_changed(&w, buf_view(&out), 1);
        world_fini(&w);
    }
    buf_free(&out);
}

/* RFC 9420 12.4.3-4 */
static void no_byte_of_a_group_info_can_be_changed(void **state)
{
    (void)state;
    struct world w;
    struct buf info = {0};
    world_init(&w);
    world_group(&w, 2);
    size_t newcomer = world_actor(&w);
    assert_int_equal(mls_group_info(w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info),
                     0);
    for (size_t i = 0; i < info.n; i++) {
        struct mls_group *g = NULL;
        struct buf commit = {0};
        info.p[i] ^= (uint8_t)(1u << (i % 8));
        int rv =
            mls_group_join_external(w.actor[newcomer].client, buf_view(&info), bytes_of(NULL, 0),
                                    MLS_NO_LEAF, NULL, 0, WORLD_NOW, &g, &commit);
        if (conclave_error_class(rv) != CONCLAVE_CLASS_PEER)
            fail_msg("byte %zu: %s", i, conclave_error_name(rv));
        assert_null(g);
        info.p[i] ^= (uint8_t)(1u << (i % 8));
    }
    buf_free(&info);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_of_all_sources),
        cmocka_unit_test(key_packages),
        cmocka_unit_test(proposals_of_all_kinds),
        cmocka_unit_test(values_outside_their_enumerations),
        cmocka_unit_test(senders_and_contents_outside_their_enumerations),
        cmocka_unit_test(contexts_and_group_infos),
        cmocka_unit_test(commits_and_messages),
        cmocka_unit_test(welcomes_and_group_secrets),
        cmocka_unit_test(no_byte_of_a_message_can_be_changed),
        cmocka_unit_test(no_byte_of_a_group_info_can_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
