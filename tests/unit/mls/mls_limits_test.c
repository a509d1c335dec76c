/* What an outsider can make large is bounded, and costs no more than in proportion. Nothing here
 * looks at a clock: calls are counted, those into the crypto provider and those that compare.
 */
#include "base/limits.h"

#include <string.h>

#include "base/siphash.h"
#include "crypto/labels.h"
#include "mls/credential.h"
#include "mls/extension.h"
#include "support/alloc_fail.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

/* ---- Counting: the linker sends these calls here (see CMakeLists.txt) ---- */

static size_t comparisons, hashes, verifications, hmacs;

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
bool __real_bytes_equal(struct bytes a, struct bytes b);
bool __wrap_bytes_equal(struct bytes a, struct bytes b);
bool __real_u32s_sorted_have(const uint32_t *p, size_t n, uint32_t x);
bool __wrap_u32s_sorted_have(const uint32_t *p, size_t n, uint32_t x);
bool __real_mls_u16s_have(struct bytes list, uint16_t value);
bool __wrap_mls_u16s_have(struct bytes list, uint16_t value);
uint64_t __real_siphash(const uint8_t key[static 16], struct bytes data);
uint64_t __wrap_siphash(const uint8_t key[static 16], struct bytes data);

bool __wrap_bytes_equal(struct bytes a, struct bytes b)
{
    comparisons++;
    return __real_bytes_equal(a, b);
}

bool __wrap_u32s_sorted_have(const uint32_t *p, size_t n, uint32_t x)
{
    comparisons++;
    return __real_u32s_sorted_have(p, n, x);
}

bool __wrap_mls_u16s_have(struct bytes list, uint16_t value)
{
    comparisons++;
    return __real_mls_u16s_have(list, value);
}

uint64_t __wrap_siphash(const uint8_t key[static 16], struct bytes data)
{
    comparisons++;
    return __real_siphash(key, data);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static struct crypto_ops counting;
static struct crypto_secret_ops counting_secret;
static const struct crypto_ops *real;

static int count_hash(void *s, const struct bytes *parts, size_t n, uint8_t *out)
{
    hashes++;
    return real->hash(s, parts, n, out);
}

static int count_verify(void *s, struct bytes pub, const struct bytes *parts, size_t n,
                        struct bytes sig)
{
    verifications++;
    return real->verify(s, pub, parts, n, sig);
}

static int count_hmac(void *s, struct bytes key, const struct bytes *parts, size_t n, uint8_t *out)
{
    hmacs++;
    return real->secret->hmac(s, key, parts, n, out);
}

static void count_from_here(struct mls_group *g)
{
    if (real == NULL) {
        real = g->crypto->ops;
        counting = *real;
        counting.hash = count_hash;
        counting.verify = count_verify;
        counting_secret = *real->secret;
        counting_secret.hmac = count_hmac;
        counting.secret = &counting_secret;
    }
    g->crypto->ops = &counting;
    comparisons = hashes = verifications = hmacs = 0;
}

static void begin(struct world *w)
{
    world_init(w);
    world_group(w, 3);
}

/* A commit of member 1 with any list. */
static void commit_with(struct world *w, struct bytes list, struct buf *out)
{
    struct forge_commit c;
    forge_commit_of(w->actor[1].group, NULL, 0, &c);
    buf_clear(&c.proposals);
    buf_put(&c.proposals, list);
    forge_commit_public(&c, w->actor[1].group, out);
    forge_commit_free(&c);
}

#define MANY ((size_t)20000)

/* ---- Long lists of proposals ---- */

static void long_list_is_refused(struct bytes list, int error)
{
    struct world w;
    struct buf out = {0};
    struct mls_received r = {0};
    begin(&w);
    commit_with(&w, list, &out);
    struct mls_group *g = w.actor[0].group;
    count_from_here(g);
    int rv = mls_group_receive(g, buf_view(&out), WORLD_NOW, &r);
    assert_string_equal(conclave_error_name(rv), conclave_error_name(error));
    assert_true(verifications <= 2);
    assert_true(hashes < 50);
    assert_true(hmacs < 50);
    assert_true(comparisons < 5 * MANY);
    buf_free(&out);
    world_fini(&w);
}

/* THREATS: quadratic checks */
static void twenty_thousand_proposals_are_refused_in_linear_work(void **state)
{
    (void)state;
    struct buf removes = {0}, psks = {0}, types = {0}, refs = {0};
    uint8_t nonce[32] = {0}, ref[32] = {0};
    struct mls_psk_id id = {.type = PSK_EXTERNAL, .nonce = bytes_of(nonce, 32)};
    for (uint32_t i = 0; i < MANY; i++) {
        write_u8(&removes, 1);
        mls_proposal_write_remove(&removes, i);
        write_u8(&psks, 1);
        nonce[0] = (uint8_t)i;
        nonce[1] = (uint8_t)(i >> 8);
        mls_proposal_write_psk(&psks, &id);
        write_u8(&types, 1);
        write_u16(&types, (uint16_t)(0x8000 + i));
        write_vec(&types, bytes_of(NULL, 0));
        ref[0] = (uint8_t)i;
        forge_put_ref(&refs, bytes_of(ref, 32));
    }
    long_list_is_refused(buf_view(&removes), CONCLAVE_EPROPOSALLIST); /* one is the committer's */
    long_list_is_refused(buf_view(&psks), CONCLAVE_ELIMIT);
    long_list_is_refused(buf_view(&types), CONCLAVE_ELIMIT);
    long_list_is_refused(buf_view(&refs), CONCLAVE_EUNKNOWNREF);
    buf_free(&removes);
    buf_free(&psks);
    buf_free(&types);
    buf_free(&refs);
}

/* THREATS: quadratic checks before authentication */
static void what_nobody_signed_is_refused_at_the_price_of_one_mac(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, out = {0};
    struct mls_received r = {0};
    begin(&w);
    for (uint32_t i = 0; i < MANY; i++) {
        write_u8(&list, 1);
        write_u16(&list, 0xf001);
        write_vec(&list, bytes_str("x"));
    }
    commit_with(&w, buf_view(&list), &out);
    out.p[out.n - 1] ^= 1; /* the membership tag */
    struct mls_group *g = w.actor[0].group;
    count_from_here(g);
    assert_int_equal(mls_group_receive(g, buf_view(&out), WORLD_NOW, &r), CONCLAVE_EMEMBERSHIP);
    assert_int_equal(verifications, 0);
    assert_true(hashes + hmacs < 4);
    assert_true(comparisons < 10);
    buf_free(&list);
    buf_free(&out);
    world_fini(&w);
}

/* A list that is longer than a tree has places. */
static void a_list_has_a_limit(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, body = {0}, out = {0};
    begin(&w);
    for (uint32_t i = 0; i <= LIMIT_MLS_PROPOSALS; i++)
        forge_put_ref(&list, bytes_of(NULL, 0));
    write_vec(&body, buf_view(&list));
    write_u8(&body, 0);
    struct forge f = forge_of(w.actor[1].group, CONTENT_COMMIT, buf_view(&body));
    forge_public(&f, &out);
    world_refuses(w.actor[0].group, buf_view(&out), CONCLAVE_ELIMIT);
    buf_free(&list);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* The comparisons that a commit with n valid Adds takes its receiver. */
static size_t cost_of_adds(size_t n)
{
    struct world w;
    struct buf out = {0};
    struct mls_change *adds = test_calloc(n, sizeof *adds);
    struct mls_key_package **kps = test_calloc(n, sizeof(struct mls_key_package *));
    struct crypto_signer **signers = test_calloc(n, sizeof(struct crypto_signer *));
    begin(&w);
    for (size_t i = 0; i < n; i++) {
        struct mls_client *c = NULL;
        struct mls_client_config config = w.config;
        assert_int_equal(crypto_signer_generate(w.crypto, &signers[i]), 0);
        config.signer = signers[i];
        config.credential = (struct mls_credential){.type = MLS_BASIC, .identity = bytes_str("x")};
        assert_int_equal(mls_client_new(&config, &c), 0);
        assert_int_equal(mls_key_package_new(c, WORLD_NOW, WORLD_NOW + 1, false, &kps[i]), 0);
        mls_client_free(c); /* the key package keeps it */
        adds[i] = mls_add(mls_key_package_message(kps[i]));
    }
    assert_int_equal(mls_group_commit(w.actor[1].group, adds, n, NULL, WORLD_NOW, &out), 0);
    struct mls_group *g = w.actor[0].group;
    count_from_here(g);
    mls_staged_free(world_stage(g, buf_view(&out)));
    assert_true(verifications == 2 * n + 1); /* key package, leaf; the commit */
    size_t cost = comparisons + hashes + hmacs;
    for (size_t i = 0; i < n; i++) {
        mls_key_package_free(kps[i]);
        crypto_signer_free(signers[i]);
    }
    test_free(adds);
    test_free(kps);
    test_free(signers);
    buf_free(&out);
    world_fini(&w);
    return cost;
}

/* THREATS: quadratic checks */
static void many_adds_cost_in_proportion(void **state)
{
    (void)state;
    size_t some = cost_of_adds(50), more = cost_of_adds(200);
    assert_true(more < 5 * some);
}

/* Proposals kept for a commit: the flood is refused, what was there stays. */
static void a_flood_of_proposals_drowns_nobody(void **state)
{
    (void)state;
    struct world w;
    struct buf body = {0}, out = {0};
    struct mls_received r = {0};
    begin(&w);
    struct mls_group *g = w.actor[0].group;
    world_propose(&w, 2, mls_remove(1), NULL);
    for (uint32_t i = 1; i < LIMIT_MLS_CACHED_PROPOSALS; i++) {
        buf_clear(&body);
        write_u16(&body, 0xf001);
        write_vec(&body, bytes_of(&i, sizeof i));
        forge_proposal(w.actor[1].group, buf_view(&body), &out);
        assert_int_equal(mls_group_receive(g, buf_view(&out), WORLD_NOW, &r), 0);
        mls_received_free(&r);
    }
    buf_clear(&body);
    write_u16(&body, 0xf001);
    write_vec(&body, bytes_str("one too many"));
    forge_proposal(w.actor[1].group, buf_view(&body), &out);
    assert_int_equal(mls_group_receive(g, buf_view(&out), WORLD_NOW, &r), CONCLAVE_ELIMIT);
    assert_int_equal(g->pub.cache.n, LIMIT_MLS_CACHED_PROPOSALS);
    const struct mls_cached *first[LIMIT_MLS_CACHED_PROPOSALS];
    mls_cache_in_order(&g->pub.cache, first);
    assert_int_equal(first[0]->proposal.type, MLS_REMOVE);
    buf_free(&body);
    buf_free(&out);
    world_fini(&w);
}

/* ---- Generations ---- */

/* THREATS: a generation jump that runs the ratchet for billions of steps */
static void a_generation_far_ahead_costs_nothing(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    world_init(&w);
    w.config.policy.generation_kept = 256;
    world_group(&w, 3);
    struct mls_group *g = w.actor[0].group;
    uint32_t ahead = w.config.policy.generation_ahead;
    struct forge f = forge_of(w.actor[1].group, CONTENT_APPLICATION, bytes_str("x"));
    struct forge_private p = forge_private_of(&f);
    p.has_generation = true;
    p.generation = ahead + 1;
    forge_private(&f, &p, &out);
    count_from_here(g);
    world_refuses(g, buf_view(&out), CONCLAVE_EGENERATION);
    assert_true(hmacs < 60); /* sender data, and down the secret tree */
    struct mls_message_key key;
    struct mls_ratchet_step *step = NULL;
    const uint32_t far[] = {ahead + 1, LIMIT_MLS_GENERATIONS + 1, UINT32_MAX - 1, UINT32_MAX};
    for (size_t i = 0; i < 4; i++) {
        hmacs = 0;
        assert_int_equal(mls_ratchet_find(&g->secret_tree, g->crypto, 1, RATCHET_APPLICATION,
                                          far[i], ahead, 10, &key, &step),
                         CONCLAVE_EGENERATION);
        assert_true(hmacs < 60);
    }
    /* as far as may be it is followed, and the keys between are kept up to a number */
    p.generation = ahead;
    forge_private(&f, &p, &out);
    struct mls_received r = {0};
    assert_int_equal(mls_group_receive(g, buf_view(&out), WORLD_NOW, &r), 0);
    mls_received_free(&r);
    p.generation = 0; /* too long ago to be kept */
    forge_private(&f, &p, &out);
    world_refuses(g, buf_view(&out), CONCLAVE_EREPLAY);
    p.generation = ahead - w.config.policy.generation_kept; /* the oldest kept */
    forge_private(&f, &p, &out);
    assert_int_equal(mls_group_receive(g, buf_view(&out), WORLD_NOW, &r), 0);
    mls_received_free(&r);
    world_refuses(g, buf_view(&out), CONCLAVE_EREPLAY);
    buf_free(&out);
    world_fini(&w);
}

/* THREATS: a message key erased before the AEAD accepted */
static void a_forgery_does_not_use_up_a_key(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    struct mls_received r = {0};
    begin(&w);
    struct mls_group *g = w.actor[0].group;
    assert_int_equal(mls_group_protect(w.actor[1].group, bytes_of(NULL, 0), bytes_str("x"), &out),
                     0);
    for (size_t i = out.n - 40; i < out.n; i++) {
        out.p[i] ^= 1;
        world_refuses(g, buf_view(&out), CONCLAVE_EDECRYPT);
        out.p[i] ^= 1;
    }
    assert_int_equal(mls_group_receive(g, buf_view(&out), WORLD_NOW, &r), 0);
    mls_received_free(&r);
    buf_free(&out);
    world_fini(&w);
}

/* ---- Vectors and lists ---- */

/* THREATS: vectors allocated before their length was looked at; lists without a limit */
static void a_length_that_is_not_there_costs_no_memory(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0}, list = {0};
    struct mls_received r = {0};
    begin(&w);
    const uint8_t head[] = {0, 1, 0, 1, 0xbf, 0xff, 0xff, 0xff, 1, 2, 3}; /* a group id of 1 GB */
    alloc_fail_after((size_t)-1);
    assert_int_equal(
        mls_group_receive(w.actor[0].group, bytes_of(head, sizeof head), WORLD_NOW, &r),
        CONCLAVE_ESYNTAX);
    assert_int_equal(alloc_count(), 0);
    alloc_fail_off();
    buf_free(&out);
    buf_free(&list);
    world_fini(&w);
}

static void lists_have_limits(void **state)
{
    (void)state;
    struct buf b = {0}, inner = {0};
    int error = 0;
    for (uint32_t i = 0; i <= LIMIT_MLS_EXTENSIONS; i++) {
        write_u16(&inner, (uint16_t)(0x8000 + i));
        write_vec(&inner, bytes_of(NULL, 0));
    }
    write_vec(&b, buf_view(&inner));
    struct reader r = reader_of(buf_view(&b));
    mls_extensions_read(&r, &error);
    assert_int_equal(error, CONCLAVE_ELIMIT);
    assert_false(reader_ok(&r));
    /* certificates */
    buf_clear(&b);
    buf_clear(&inner);
    for (uint32_t i = 0; i <= LIMIT_MLS_CHAIN; i++)
        write_vec(&inner, bytes_str("certificate"));
    write_u16(&b, MLS_X509);
    write_vec(&b, buf_view(&inner));
    r = reader_of(buf_view(&b));
    error = 0;
    struct mls_credential c = mls_credential_read(&r, &error);
    (void)c;
    assert_int_equal(error, CONCLAVE_ECREDENTIAL);
    /* external senders */
    buf_clear(&inner);
    for (uint32_t i = 0; i <= LIMIT_MLS_EXTERNAL_SENDERS; i++) {
        write_vec(&inner, bytes_str("key"));
        write_u16(&inner, MLS_BASIC);
        write_vec(&inner, bytes_str("name"));
    }
    buf_clear(&b);
    write_u16(&b, MLS_EXT_EXTERNAL_SENDERS);
    struct buf data = {0};
    write_vec(&data, buf_view(&inner));
    write_vec(&b, buf_view(&data));
    uint32_t n;
    assert_int_equal(mls_external_senders_count(buf_view(&b), &n), CONCLAVE_EEXTENSION);
    buf_free(&data);
    buf_free(&b);
    buf_free(&inner);
}

static void capabilities_have_a_limit(void **state)
{
    (void)state;
    struct world w;
    struct buf list = {0}, out = {0};
    struct mls_member m;
    begin(&w);
    struct forge_key_package f = forge_key_package_of(world_key_package(&w, world_actor(&w)));
    for (uint32_t i = 0; i <= LIMIT_MLS_CAPABILITIES; i++)
        write_u16(&list, (uint16_t)(0x8000 + i));
    f.leaf.capabilities.proposals = buf_view(&list);
    forge_key_package(&f, &out);
    struct buf ref = {0};
    assert_int_equal(
        mls_key_package_inspect(w.actor[0].client, buf_view(&out), WORLD_NOW, &m, &ref),
        CONCLAVE_ELIMIT);
    buf_free(&list);
    buf_free(&out);
    world_fini(&w);
}

static void a_group_id_has_a_limit(void **state)
{
    (void)state;
    struct world w;
    struct mls_group *g = NULL;
    uint8_t id[LIMIT_MLS_GROUP_ID + 1] = {0};
    world_init(&w);
    struct mls_client *c = w.actor[world_actor(&w)].client;
    assert_int_equal(mls_group_new(c, bytes_of(id, sizeof id), NULL, 0, WORLD_NOW, &g),
                     CONCLAVE_EINVAL);
    assert_int_equal(mls_group_new(c, bytes_of(id, sizeof id - 1), NULL, 0, WORLD_NOW, &g), 0);
    mls_group_free(g);
    world_fini(&w);
}

/* ---- Trees ---- */

/* A tree of blanks, larger than any group. */
static void a_tree_has_a_limit(void **state)
{
    (void)state;
    struct world w;
    struct mls_tree t;
    struct buf b = {0};
    world_init(&w);
    size_t mark = write_vec_begin(&b);
    buf_put_zero(&b, (size_t)2 * LIMIT_MLS_LEAVES);
    write_vec_end(&b, mark);
    assert_int_equal(buf_check(&b), 0);
    struct reader r = reader_of(buf_view(&b));
    assert_int_equal(mls_tree_init(&t, w.crypto), 0);
    assert_int_equal(mls_tree_read(&t, &r), CONCLAVE_ELIMIT);
    mls_tree_fini(&t);
    buf_free(&b);
    world_fini(&w);
}

/* A leaf with keys of its own: nothing looks at its signature. */
static struct mls_leaf cheap_leaf(struct buf *b, uint32_t i, struct bytes parent_hash)
{
    struct mls_leaf leaf;
    uint8_t key[32] = {0};
    const uint8_t one[] = {0, 1};
    int error = 0;
    for (size_t k = 0; k < 4; k++)
        key[k] = (uint8_t)(i >> (8 * k));
    buf_clear(b);
    for (key[31] = 1; key[31] <= 2; key[31]++)
        write_vec(b, bytes_of(key, 32));
    write_u16(b, MLS_BASIC);
    write_vec(b, bytes_str("x"));
    for (int k = 0; k < 5; k++)
        write_vec(b, bytes_of(one, 2));
    write_u8(b, LEAF_COMMIT);
    write_vec(b, parent_hash);
    write_vec(b, bytes_of(NULL, 0));
    write_vec(b, bytes_str("signature"));
    struct reader r = reader_of(buf_view(b));
    mls_leaf_read(&r, &leaf, &error);
    assert_int_equal(reader_end(&r), 0);
    return leaf;
}

/* The root's left half is all blank parents over n leaves which all claim to link to the root, and
 * all but the last of which are unmerged. */
static size_t cost_of_claims(uint32_t n)
{
    struct world w;
    struct mls_tree t;
    struct buf b = {0};
    uint8_t key[32] = {7}, sibling[64], expected[64];
    world_init(&w);
    assert_int_equal(mls_tree_init(&t, w.crypto), 0);
    assert_int_equal(mls_tree_resize(&t, 2 * n), 0);
    struct mls_leaf leaf = cheap_leaf(&b, n, bytes_of(NULL, 0));
    assert_int_equal(mls_tree_set_leaf(&t, n, &leaf), 0);
    uint32_t root = tm_root(2 * n);
    assert_int_equal(mls_tree_set_parent(&t, root, bytes_of(key, 32), bytes_of(NULL, 0)), 0);
    assert_int_equal(mls_tree_hash(&t, w.crypto, tm_right(root), sibling), 0);
    assert_int_equal(mls_parent_hash(w.crypto, bytes_of(key, 32), bytes_of(NULL, 0),
                                     bytes_of(sibling, 32), expected),
                     0);
    for (uint32_t i = 0; i < n; i++) {
        leaf = cheap_leaf(&b, i, bytes_of(expected, 32));
        assert_int_equal(mls_tree_set_leaf(&t, i, &leaf), 0);
        if (i != n - 1)
            assert_int_equal(mls_tree_add_unmerged(&t, root, i), 0);
    }
    comparisons = 0;
    assert_int_equal(mls_tree_verify_parent_hashes(&t, w.crypto), 0);
    size_t cost = comparisons;
    mls_tree_fini(&t);
    buf_free(&b);
    world_fini(&w);
    return cost;
}

/* THREATS: quadratic checks, before the signatures of such a tree are looked at */
static void many_claims_to_one_parent_cost_in_proportion(void **state)
{
    (void)state;
    size_t some = cost_of_claims(128), more = cost_of_claims(1024);
    assert_true(more < 12 * some);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_thousand_proposals_are_refused_in_linear_work),
        cmocka_unit_test(what_nobody_signed_is_refused_at_the_price_of_one_mac),
        cmocka_unit_test(a_list_has_a_limit),
        cmocka_unit_test(many_adds_cost_in_proportion),
        cmocka_unit_test(a_flood_of_proposals_drowns_nobody),
        cmocka_unit_test(a_generation_far_ahead_costs_nothing),
        cmocka_unit_test(a_forgery_does_not_use_up_a_key),
        cmocka_unit_test(a_length_that_is_not_there_costs_no_memory),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(capabilities_have_a_limit),
        cmocka_unit_test(a_group_id_has_a_limit),
        cmocka_unit_test(a_tree_has_a_limit),
        cmocka_unit_test(many_claims_to_one_parent_cost_in_proportion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
