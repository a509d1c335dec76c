/* RFC 9420 12.4.3.1: joining by a Welcome, each check by a Welcome that fails it alone. */
#include <string.h>

#include "crypto/labels.h"
#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

/* Members 0 to 2; member 1 has added the newcomer with a path. */
struct scene {
    struct world w;
    size_t newcomer;
    struct mls_key_package *kp;
    struct buf welcome;
    struct forge_welcome f;
};

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    (void)ctx;
    if (id.n == 0 || id.p[0] != 'k')
        return CONCLAVE_ENOTFOUND;
    buf_put(out, id);
    return buf_check(out);
}

static void invite(struct scene *s, const struct mls_change *changes, size_t n,
                   const struct secret *psk)
{
    struct mls_commit_options options = {.force_path = true};
    struct mls_change all[4];
    struct buf commit = {0};
    s->newcomer = world_actor(&s->w);
    for (size_t i = 0; i < n; i++)
        all[i] = changes[i];
    all[n] = world_add(&s->w, s->newcomer);
    s->kp = s->w.packages[s->w.n_packages - 1];
    struct mls_group *g = s->w.actor[1].group;
    assert_int_equal(mls_group_commit(g, all, n + 1, &options, WORLD_NOW, &commit), 0);
    world_deliver(&s->w, 1, buf_view(&commit));
    assert_int_equal(mls_group_merge_own(g, &s->welcome), 0);
    if (psk != NULL || n == 0)
        forge_welcome_open(buf_view(&s->welcome), s->kp, s->w.actor[1].signer, psk, &s->f);
    buf_free(&commit);
}

static void begin(struct scene *s)
{
    *s = (struct scene){0};
    world_init(&s->w);
    world_group(&s->w, 3);
    invite(s, NULL, 0, NULL);
}

static void end(struct scene *s)
{
    forge_welcome_free(&s->f);
    buf_free(&s->welcome);
    world_fini(&s->w);
}

static int join(struct scene *s, struct bytes welcome, struct bytes tree)
{
    struct mls_group *g = NULL;
    int rv = mls_group_join(s->w.actor[s->newcomer].client, welcome, tree, s->kp, NULL, 0,
                            WORLD_NOW, &g);
    assert_true((rv == 0) == (g != NULL));
    assert_true((rv == 0) == s->kp->spent);
    if (rv == 0) {
        mls_group_free(s->w.actor[s->newcomer].group);
        s->w.actor[s->newcomer].group = g;
    }
    return rv;
}

static void is_refused(struct scene *s, int error)
{
    struct buf out = {0};
    forge_welcome(&s->f, s->kp, &out);
    assert_string_equal(conclave_error_name(join(s, buf_view(&out), bytes_of(NULL, 0))),
                        conclave_error_name(error));
    buf_free(&out);
}

/* After a refusal the key package is as good as before. */
static void then_the_honest_one_is_taken(struct scene *s)
{
    assert_int_equal(join(s, buf_view(&s->welcome), bytes_of(NULL, 0)), 0);
    world_agrees(&s->w);
    world_talks(&s->w);
    end(s);
}

static void put_together_again_it_is_taken(void **state)
{
    (void)state;
    struct scene s;
    struct buf out = {0};
    begin(&s);
    forge_welcome(&s.f, s.kp, &out);
    assert_int_equal(join(&s, buf_view(&out), bytes_of(NULL, 0)), 0);
    world_agrees(&s.w);
    world_talks(&s.w);
    buf_free(&out);
    end(&s);
}

/* RFC 9420 10-2, 9.2-1: a key package is used once */
static void a_key_package_is_spent_by_joining(void **state)
{
    (void)state;
    struct scene s;
    struct mls_group *g = NULL;
    struct buf saved = {0};
    begin(&s);
    assert_int_equal(join(&s, buf_view(&s.welcome), bytes_of(NULL, 0)), 0);
    assert_int_equal(mls_group_join(s.w.actor[s.newcomer].client, buf_view(&s.welcome),
                                    bytes_of(NULL, 0), s.kp, NULL, 0, WORLD_NOW, &g),
                     CONCLAVE_ESTATE);
    assert_int_equal(s.kp->init_priv.n, 0);
    assert_int_equal(s.kp->leaf_priv.n, 0);
    for (size_t i = 0; i < SECRET_MAX; i++)
        assert_int_equal(s.kp->init_priv.p[i] | s.kp->leaf_priv.p[i], 0);
    assert_int_equal(mls_key_package_save(s.kp, bytes_of(NULL, 0), &saved), CONCLAVE_ESTATE);
    end(&s);
}

/* RFC 9420 12.4.3.1-2 */
static void a_welcome_for_others_is_not_for_us(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct mls_key_package *right = s.kp;
    s.kp = world_key_package(&s.w, s.newcomer);
    assert_false(mls_welcome_is_for(buf_view(&s.welcome), s.kp));
    assert_int_equal(join(&s, buf_view(&s.welcome), bytes_of(NULL, 0)), CONCLAVE_ENOTFORME);
    s.kp = right;
    assert_true(mls_welcome_is_for(buf_view(&s.welcome), s.kp));
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-3 */
static void its_suite_is_the_key_packages(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    s.f.suite = 3;
    is_refused(&s, CONCLAVE_ESUITE);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-4, 12.4.3.1-7: no byte behind the suite can be changed unseen */
static void no_byte_can_be_changed(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    for (size_t i = 0; i < s.welcome.n; i++) {
        s.welcome.p[i] ^= 1;
        int rv = join(&s, buf_view(&s.welcome), bytes_of(NULL, 0));
        assert_int_equal(conclave_error_class(rv), CONCLAVE_CLASS_PEER);
        s.welcome.p[i] ^= 1;
    }
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-4: the secrets are bound to the GroupInfo they came with */
static void secrets_of_another_welcome_do_not_open(void **state)
{
    (void)state;
    struct scene s;
    struct buf other = {0}, mixed = {0};
    struct mls_welcome_view a, b;
    begin(&s);
    forge_welcome(&s.f, s.kp, &other); /* the same content under other keys would do */
    other.p[other.n - 1] ^= 1;
    assert_int_equal(mls_welcome_parse(buf_view(&s.welcome), &a), 0);
    assert_int_equal(mls_welcome_parse(buf_view(&other), &b), 0);
    mls_message_begin(&mixed, MLS_WELCOME);
    write_u16(&mixed, a.suite);
    write_vec(&mixed, a.secrets);
    write_vec(&mixed, b.encrypted_group_info);
    assert_int_equal(join(&s, buf_view(&mixed), bytes_of(NULL, 0)), CONCLAVE_EDECRYPT);
    buf_free(&other);
    buf_free(&mixed);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-7, 9.2-2: a wrong joiner secret; one of a wrong size */
static void the_joiner_secret_is_the_right_one(void **state)
{
    (void)state;
    struct scene s;
    uint8_t wrong[33] = {0};
    struct buf out = {0};
    begin(&s);
    struct bytes right = s.f.secrets.joiner_secret;
    for (size_t n = 0; n <= 33; n++) {
        if (n == 32)
            continue;
        s.f.secrets.joiner_secret = bytes_of(wrong, n);
        is_refused(&s, CONCLAVE_ESYNTAX);
    }
    /* sealed with one, announced as another */
    s.f.secrets.joiner_secret = bytes_of(wrong, 32);
    forge_welcome(&s.f, s.kp, &out);
    is_refused(&s, CONCLAVE_ECONFIRMATION); /* all fits but the tag */
    s.f.secrets.joiner_secret = right;
    buf_free(&out);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-8, 12.4.3.1-9, 12.4.3-4 */
static void its_group_info_is_signed_by_a_member(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    s.f.info.signer = s.w.actor[0].signer;
    is_refused(&s, CONCLAVE_ESIGNATURE);
    s.f.info.signer_leaf = 4;
    is_refused(&s, CONCLAVE_ESENDER);
    s.f.info.signer_leaf = UINT32_MAX;
    is_refused(&s, CONCLAVE_ESENDER);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3-3, 12.4.3.1-10 */
static void we_are_not_in_that_group_yet(void **state)
{
    (void)state;
    struct scene s;
    struct mls_group *own = NULL, *g = NULL;
    begin(&s);
    assert_int_equal(mls_group_new(s.w.actor[s.newcomer].client, bytes_str("the group"), NULL, 0,
                                   WORLD_NOW, &own),
                     0);
    assert_int_equal(mls_group_join(s.w.actor[s.newcomer].client, buf_view(&s.welcome),
                                    bytes_of(NULL, 0), s.kp, &own, 1, WORLD_NOW, &g),
                     CONCLAVE_EGROUP);
    assert_null(g);
    mls_group_free(own);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-11, 12.4.3.1-12, 12.4.3.3-5 */
static void its_context_is_that_of_its_tree(void **state)
{
    (void)state;
    struct scene s;
    uint8_t hash[32] = {1};
    begin(&s);
    struct mls_context right = s.f.info.context;
    s.f.info.context.suite = 2;
    is_refused(&s, CONCLAVE_ESUITE);
    s.f.info.context = right;
    s.f.info.version = 2;
    is_refused(&s, CONCLAVE_EVERSION);
    s.f.info.version = 1;
    s.f.info.context.tree_hash = bytes_of(hash, 32);
    is_refused(&s, CONCLAVE_ETREEHASH);
    s.f.info.context.tree_hash = bytes_of(right.tree_hash.p, 31);
    is_refused(&s, CONCLAVE_ETREEHASH);
    s.f.info.context.tree_hash = bytes_of(NULL, 0);
    is_refused(&s, CONCLAVE_ETREEHASH);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-21, 12.4.3.1-22, 8.2-2; THREATS: short and empty MACs */
static void its_confirmation_tag_is_right(void **state)
{
    (void)state;
    struct scene s;
    uint8_t tag[33];
    begin(&s);
    struct bytes right = s.f.info.confirmation_tag;
    memcpy(tag, right.p, 32);
    tag[32] = 0;
    for (size_t n = 0; n <= 33; n++) {
        if (n == 32)
            continue;
        s.f.info.confirmation_tag = bytes_of(tag, n);
        is_refused(&s, CONCLAVE_ECONFIRMATION);
    }
    tag[0] ^= 1;
    s.f.info.confirmation_tag = bytes_of(tag, 32);
    is_refused(&s, CONCLAVE_ECONFIRMATION);
    s.f.info.confirmation_tag = right;
    s.f.info.context.confirmed_transcript_hash = bytes_of(tag, 32);
    is_refused(&s, CONCLAVE_ECONFIRMATION);
    s.f.info.context = s.f.view.context.view;
    s.f.info.context.epoch++; /* everything derived depends on the context */
    is_refused(&s, CONCLAVE_ECONFIRMATION);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-19, 12.4.3.1-20 */
static void a_path_secret_fits_the_tree(void **state)
{
    (void)state;
    struct scene s;
    uint8_t wrong[33] = {0};
    begin(&s);
    assert_true(s.f.secrets.has_path_secret);
    for (size_t n = 0; n <= 33; n++) {
        s.f.secrets.path_secret = bytes_of(wrong, n);
        is_refused(&s, CONCLAVE_EPATH);
    }
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-19: a path secret for nodes that are blank */
static void without_a_path_there_is_no_path_secret(void **state)
{
    (void)state;
    struct scene s = {0};
    uint8_t secret[32] = {0};
    struct buf commit = {0};
    world_init(&s.w);
    world_group(&s.w, 3);
    s.newcomer = world_actor(&s.w);
    struct mls_change add = world_add(&s.w, s.newcomer);
    s.kp = s.w.packages[s.w.n_packages - 1];
    assert_int_equal(mls_group_commit(s.w.actor[1].group, &add, 1, NULL, WORLD_NOW, &commit), 0);
    world_deliver(&s.w, 1, buf_view(&commit));
    assert_int_equal(mls_group_merge_own(s.w.actor[1].group, &s.welcome), 0);
    forge_welcome_open(buf_view(&s.welcome), s.kp, s.w.actor[1].signer, NULL, &s.f);
    assert_false(s.f.secrets.has_path_secret);
    s.f.secrets.has_path_secret = true;
    s.f.secrets.path_secret = bytes_of(secret, 32);
    is_refused(&s, CONCLAVE_EPATH);
    buf_free(&commit);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-18 */
static void the_tree_has_our_very_leaf(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct mls_key_package *right = s.kp;
    s.kp = world_key_package(&s.w, s.newcomer); /* of the same client, but not the one added */
    is_refused(&s, CONCLAVE_ENOTFORME);
    size_t stranger = world_actor(&s.w), newcomer = s.newcomer;
    s.newcomer = stranger;
    s.kp = world_key_package(&s.w, stranger);
    is_refused(&s, CONCLAVE_ENOTFORME);
    s.newcomer = newcomer;
    s.kp = right;
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-1 */
static void the_tree_comes_along_or_apart(void **state)
{
    (void)state;
    struct scene s;
    struct buf none = {0}, out = {0}, tree = {0};
    begin(&s);
    forge_extension(s.f.info.extensions, MLS_EXT_RATCHET_TREE, bytes_of(NULL, 0), &none);
    s.f.info.extensions = buf_view(&none);
    is_refused(&s, CONCLAVE_ETREE);
    forge_welcome(&s.f, s.kp, &out);
    assert_int_equal(mls_group_tree(s.w.actor[0].group, &tree), 0);
    assert_int_equal(join(&s, buf_view(&out), bytes_of(tree.p, tree.n - 1)), CONCLAVE_ESYNTAX);
    assert_int_equal(join(&s, buf_view(&out), buf_view(&tree)), 0);
    world_agrees(&s.w);
    buf_free(&none);
    buf_free(&out);
    buf_free(&tree);
    end(&s);
}

/* RFC 9420 12.4.3-1, 13.4-4, 13.5-4 */
static void unknown_extensions_of_the_group_info_are_ignored(void **state)
{
    (void)state;
    struct scene s;
    struct buf more = {0}, out = {0};
    begin(&s);
    forge_extension(s.f.info.extensions, 0x5a5a, bytes_str("?"), &more);
    s.f.info.extensions = buf_view(&more);
    forge_welcome(&s.f, s.kp, &out);
    assert_int_equal(join(&s, buf_view(&out), bytes_of(NULL, 0)), 0);
    world_agrees(&s.w);
    buf_free(&more);
    buf_free(&out);
    end(&s);
}

/* RFC 9420 13.4-5 */
static void no_extension_of_the_group_info_stands_twice(void **state)
{
    (void)state;
    struct scene s;
    struct buf more = {0};
    begin(&s);
    buf_put(&more, s.f.info.extensions);
    buf_put(&more, s.f.info.extensions);
    s.f.info.extensions = buf_view(&more);
    is_refused(&s, CONCLAVE_EEXTENSION);
    buf_free(&more);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3-2, 13.4-8, 13.4-9 */
static void a_group_with_an_extension_we_lack_is_not_joined(void **state)
{
    (void)state;
    struct scene s;
    struct buf more = {0};
    begin(&s);
    forge_extension(s.f.info.context.extensions, 0xf001, bytes_str("?"), &more);
    s.f.info.context.extensions = buf_view(&more);
    is_refused(&s, CONCLAVE_ECAPABILITY);
    buf_free(&more);
    then_the_honest_one_is_taken(&s);
}

/* ---- PSKs ---- */

/* RFC 9420 8.4-1, 8.4-3, 12.4.1-8, 8.4-2, 12.1.4-4 */
static void psks_are_named_in_their_order(void **state)
{
    (void)state;
    struct scene s = {0};
    struct secret psk = {0};
    world_init(&s.w);
    s.w.config.callbacks.find_psk = find_psk;
    world_group(&s.w, 3);
    struct mls_change psks[2] = {mls_external_psk(bytes_str("k1")),
                                 mls_external_psk(bytes_str("k2"))};
    invite(&s, psks, 2, NULL);
    /* the welcome as the newcomer sees it, opened by hand */
    struct mls_welcome_view v;
    struct mls_encrypted_secrets e;
    struct hpke_info info;
    struct mls_group_secrets secrets;
    struct buf plain = {0};
    assert_int_equal(mls_welcome_parse(buf_view(&s.welcome), &v), 0);
    assert_int_equal(mls_welcome_find(&v, bytes_of(s.kp->ref, 32), &e), 0);
    assert_int_equal(encrypt_info(s.w.crypto, "Welcome", v.encrypted_group_info, &info), 0);
    assert_int_equal(hpke_open(s.w.crypto, &s.kp->init_priv, e.secrets.kem_output, &info,
                               bytes_of(NULL, 0), e.secrets.ciphertext, &plain),
                     0);
    struct reader r = reader_of(buf_view(&plain));
    mls_group_secrets_read(&r, &secrets);
    struct mls_psk_id id[2];
    r = reader_of(secrets.psks);
    mls_psk_id_read(&r, &id[0]);
    mls_psk_id_read(&r, &id[1]);
    assert_int_equal(reader_end(&r), 0);
    assert_true(bytes_equal(id[0].id, bytes_str("k1")));
    assert_true(bytes_equal(id[1].id, bytes_str("k2")));
    assert_int_equal(id[0].nonce.n, 32);
    assert_int_equal(id[1].nonce.n, 32);
    assert_false(bytes_equal(id[0].nonce, id[1].nonce));
    /* the other order is another secret, and the GroupInfo does not open */
    struct mls_psk all[2] = {{id[0].raw, id[0].id}, {id[1].raw, id[1].id}};
    assert_int_equal(mls_psk_secret(s.w.crypto, all, 2, &psk), 0);
    forge_welcome_open(buf_view(&s.welcome), s.kp, s.w.actor[1].signer, &psk, &s.f);
    struct buf swapped = {0};
    buf_put(&swapped, id[1].raw);
    buf_put(&swapped, id[0].raw);
    s.f.secrets.psks = buf_view(&swapped);
    is_refused(&s, CONCLAVE_EDECRYPT);
    s.f.secrets.psks = id[0].raw; /* one of the two */
    is_refused(&s, CONCLAVE_EDECRYPT);
    s.f.secrets.psks = bytes_of(id[0].raw.p, id[0].raw.n - 1);
    is_refused(&s, CONCLAVE_ESYNTAX);
    /* RFC 9420 12.1.4-3 */
    struct mls_psk_id short_nonce = id[0];
    short_nonce.nonce.n = 31;
    buf_clear(&swapped);
    mls_psk_id_write(&swapped, &short_nonce);
    s.f.secrets.psks = buf_view(&swapped);
    is_refused(&s, CONCLAVE_EPSK);
    /* RFC 9420 12.4.3.1-5 */
    struct mls_psk_id unknown = id[0];
    unknown.id = bytes_str("unknown");
    buf_clear(&swapped);
    mls_psk_id_write(&swapped, &unknown);
    s.f.secrets.psks = buf_view(&swapped);
    is_refused(&s, CONCLAVE_EPSK);
    buf_free(&swapped);
    buf_free(&plain);
    then_the_honest_one_is_taken(&s);
}

/* RFC 9420 12.4.3.1-6: a reinit or branch PSK is the only such; and needs the group it names */
static void a_reinit_psk_without_its_group_is_refused(void **state)
{
    (void)state;
    struct scene s;
    uint8_t nonce[32] = {0};
    struct buf psks = {0};
    begin(&s);
    struct mls_psk_id id = {.type = PSK_RESUMPTION,
                            .usage = PSK_USAGE_REINIT,
                            .group_id = bytes_str("unheard of"),
                            .nonce = bytes_of(nonce, 32)};
    mls_psk_id_write(&psks, &id);
    s.f.secrets.psks = buf_view(&psks);
    is_refused(&s, CONCLAVE_EPSK);
    buf_free(&psks);
    then_the_honest_one_is_taken(&s);
}

/* ---- Credentials ---- */

static int refuse_c(void *ctx, const struct mls_identity_check *check)
{
    (void)ctx;
    return check->event == MLS_IDENTITY_TREE &&
                   bytes_equal(check->credential.identity, bytes_str("c"))
               ? CONCLAVE_EPOLICY
               : 0;
}

/* RFC 9420 5.3.1-3, 5.3.1-1, 7.3-1 */
static void all_credentials_are_judged_before_joining(void **state)
{
    (void)state;
    struct scene s = {0};
    struct mls_group *g = NULL;
    struct buf info = {0}, commit = {0};
    struct mls_public_group *p = NULL;
    world_init(&s.w);
    world_group(&s.w, 3);
    s.w.config.callbacks.check_identity = refuse_c;
    invite(&s, NULL, 0, NULL);
    assert_int_equal(join(&s, buf_view(&s.welcome), bytes_of(NULL, 0)), CONCLAVE_ECREDENTIAL);
    assert_int_equal(
        mls_group_info(s.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    size_t other = world_actor(&s.w);
    assert_int_equal(mls_group_join_external(s.w.actor[other].client, buf_view(&info),
                                             bytes_of(NULL, 0), MLS_NO_LEAF, NULL, 0, WORLD_NOW, &g,
                                             &commit),
                     CONCLAVE_ECREDENTIAL);
    assert_int_equal(mls_public_group_new(1, &s.w.config.callbacks, NULL, buf_view(&info),
                                          bytes_of(NULL, 0), WORLD_NOW, &p),
                     CONCLAVE_ECREDENTIAL);
    assert_null(g);
    assert_null(p);
    buf_free(&info);
    end(&s);
}

/* RFC 9420 12.4.1-9: one Welcome has everybody who was added, each can be cut out */
static void a_welcome_serves_everybody_added(void **state)
{
    (void)state;
    struct world w;
    struct buf commit = {0}, welcome = {0};
    struct mls_change adds[3];

    world_init(&w);
    world_group(&w, 2);
    for (size_t i = 0; i < 3; i++)
        adds[i] = world_add(&w, world_actor(&w));
    assert_int_equal(mls_group_commit(w.actor[1].group, adds, 3, NULL, WORLD_NOW, &commit), 0);
    world_deliver(&w, 1, buf_view(&commit));
    assert_int_equal(mls_group_merge_own(w.actor[1].group, &welcome), 0);
    struct mls_welcome_walk walk;
    assert_int_equal(mls_welcome_open(buf_view(&welcome), &walk), 0);
    assert_int_equal(walk.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct buf slice = {0};
        struct bytes ref = {0};
        struct mls_key_package *kp = w.packages[w.n_packages - 3 + i];
        assert_int_equal(mls_welcome_next(&walk, &ref, NULL), 0);
        assert_true(bytes_equal(ref, bytes_of(kp->ref, 32)));
        assert_int_equal(mls_welcome_slice(buf_view(&welcome), ref, &slice), 0);
        assert_int_equal(mls_group_join(w.actor[2 + i].client, buf_view(&slice), bytes_of(NULL, 0),
                                        kp, NULL, 0, WORLD_NOW, &w.actor[2 + i].group),
                         0);
        buf_free(&slice);
    }
    world_agrees(&w);
    world_talks(&w);
    buf_free(&commit);
    buf_free(&welcome);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_together_again_it_is_taken),
        cmocka_unit_test(a_key_package_is_spent_by_joining),
        cmocka_unit_test(a_welcome_for_others_is_not_for_us),
        cmocka_unit_test(its_suite_is_the_key_packages),
        cmocka_unit_test(no_byte_can_be_changed),
        cmocka_unit_test(secrets_of_another_welcome_do_not_open),
        cmocka_unit_test(the_joiner_secret_is_the_right_one),
        cmocka_unit_test(its_group_info_is_signed_by_a_member),
        cmocka_unit_test(we_are_not_in_that_group_yet),
        cmocka_unit_test(its_context_is_that_of_its_tree),
        cmocka_unit_test(its_confirmation_tag_is_right),
        cmocka_unit_test(a_path_secret_fits_the_tree),
        cmocka_unit_test(without_a_path_there_is_no_path_secret),
        cmocka_unit_test(the_tree_has_our_very_leaf),
        cmocka_unit_test(the_tree_comes_along_or_apart),
        cmocka_unit_test(unknown_extensions_of_the_group_info_are_ignored),
        cmocka_unit_test(no_extension_of_the_group_info_stands_twice),
        cmocka_unit_test(a_group_with_an_extension_we_lack_is_not_joined),
        cmocka_unit_test(psks_are_named_in_their_order),
        cmocka_unit_test(a_reinit_psk_without_its_group_is_refused),
        cmocka_unit_test(all_credentials_are_judged_before_joining),
        cmocka_unit_test(a_welcome_serves_everybody_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
