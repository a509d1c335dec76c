/* For `make taint`: secrets are marked, and memcheck reports every branch and every address of ours
 * that depends on one. The provider of OpenSSL is wrapped: what goes in is marked public, since its
 * code answers for itself, and what comes out of a secret is secret again. Made public by hand is
 * what the protocol shows: messages on their way out, and that a tag or a ciphertext is wrong.
 * Without that build these are ordinary runs. */
#include <stdlib.h>
#include <string.h>

#include "sim/mls_party.h"

#include "base/ct.h"
#include "base/taint.h"
#include "crypto/hpke.h"
#include "crypto/labels.h"
#include "mls/client.h"
#include "mls/framing_private.h"
#include "mls/group.h"
#include "mls/schedule.h"

#define SUITE CRYPTO_P256_AES128GCM_SHA256_P256

/* ---- A provider whose results are secret ---- */

static const struct crypto_secret_ops *real;

static void publish(struct bytes b)
{
    taint_public(b.p, b.n);
}

static int tainted_hmac(void *state, struct bytes key, const struct bytes *parts, size_t n,
                        uint8_t *out)
{
    publish(key);
    for (size_t i = 0; i < n; i++)
        publish(parts[i]);
    int rv = real->hmac(state, key, parts, n, out);
    taint_secret(key.p, key.n);
    taint_secret(out, crypto_suite_find(SUITE)->nh);
    return rv;
}

static int tainted_seal(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                        struct bytes plain, uint8_t *out)
{
    publish(key);
    publish(plain);
    taint_public(nonce, CRYPTO_NONCE);
    int rv = real->aead_seal(state, key, nonce, aad, plain, out);
    taint_secret(key.p, key.n);
    return rv; /* a ciphertext is public */
}

static int tainted_open(void *state, struct bytes key, const uint8_t *nonce, struct bytes aad,
                        struct bytes cipher, uint8_t *out)
{
    publish(key);
    taint_public(nonce, CRYPTO_NONCE);
    int rv = real->aead_open(state, key, nonce, aad, cipher, out);
    taint_secret(key.p, key.n);
    return rv; /* what is in it is for the receiver, who reads it: see open_is_read() */
}

static int tainted_dh_public(void *state, struct bytes priv, uint8_t *out)
{
    publish(priv);
    int rv = real->dh_public(state, priv, out);
    taint_secret(priv.p, priv.n);
    return rv;
}

static int tainted_dh(void *state, struct bytes priv, struct bytes pub, uint8_t *out)
{
    publish(priv);
    int rv = real->dh(state, priv, pub, out);
    taint_secret(priv.p, priv.n);
    taint_secret(out, crypto_suite_find(SUITE)->ndh);
    return rv;
}

static const struct crypto_secret_ops tainted_secret = {.hmac = tainted_hmac,
                                                        .aead_seal = tainted_seal,
                                                        .aead_open = tainted_open,
                                                        .dh_public = tainted_dh_public,
                                                        .dh = tainted_dh};
static struct crypto_ops tainted;

/* From here on this crypto's secrets are secret. */
static void taint_crypto(struct crypto *c)
{
    tainted = *c->ops;
    if (real == NULL)
        real = tainted.secret;
    tainted.secret = &tainted_secret;
    c->ops = &tainted;
}

static const struct crypto_signer_ops *real_signer;

/* What is signed is shown: a GroupInfo has the confirmation tag in it. */
static int tainted_sign(void *key, const struct bytes *parts, size_t n, uint8_t *out, size_t *out_n)
{
    for (size_t i = 0; i < n; i++)
        publish(parts[i]);
    return real_signer->sign(key, parts, n, out, out_n);
}

static struct crypto_signer_ops tainted_signer;

static void taint_signer(struct crypto_signer *s)
{
    if (real_signer == NULL)
        real_signer = s->ops;
    tainted_signer = *real_signer;
    tainted_signer.sign = tainted_sign;
    s->ops = &tainted_signer;
}

static void secret_of(struct secret *s, size_t n)
{
    memset(s->p, 0x5a, n);
    s->n = (uint8_t)n;
    taint_secret(s->p, n);
}

/* ---- Pieces ---- */

static void comparing_tells_only_whether(void **state)
{
    uint8_t a[64], b[64];
    (void)state;
    for (size_t at = 0; at <= sizeof a; at++) {
        memset(a, 7, sizeof a);
        memset(b, 7, sizeof b);
        if (at < sizeof a)
            b[at] ^= 0x80;
        taint_secret(a, sizeof a);
        taint_secret(b, sizeof b);
        bool equal = ct_equal(bytes_of(a, sizeof a), bytes_of(b, sizeof b));
        bool zero = ct_is_zero(bytes_of(a, sizeof a));
        taint_public(&equal, sizeof equal);
        taint_public(&zero, sizeof zero);
        assert_int_equal(equal, at == sizeof a);
        assert_false(zero);
    }
}

static struct crypto *tainted_crypto(void)
{
    struct crypto *c = NULL;
    OK(crypto_new(SUITE, &c));
    taint_crypto(c);
    return c;
}

static void the_key_schedule_branches_on_no_secret(void **state)
{
    struct crypto *c = tainted_crypto();
    struct secret init, commit, joiner = {0}, psk, encryption = {0}, key = {0}, nonce = {0};
    struct mls_epoch_secrets epoch = {0};
    struct bytes context = bytes_str("the context of a group");
    uint8_t tag[CRYPTO_HASH_MAX], exported[32];
    (void)state;
    secret_of(&init, 32);
    secret_of(&commit, 32);
    secret_of(&psk, 32);
    OK(mls_joiner_secret(c, &init, &commit, context, &joiner));
    OK(mls_welcome_keys(c, &joiner, &psk, &key, &nonce));
    OK(mls_epoch_derive(c, &joiner, &psk, context, &epoch, &encryption));
    OK(mls_confirmation_tag(c, &epoch.confirmation, context, tag));
    OK(mls_membership_tag(c, &epoch.membership, context, context, context, tag));
    OK(mls_exporter(c, &epoch.exporter, "label", context, sizeof exported, exported));
    mls_epoch_secrets_wipe(&epoch);
    secret_wipe(&joiner);
    secret_wipe(&encryption);
    crypto_free(c);
}

static void take_key(struct mls_secret_tree *t, struct crypto *c, uint32_t leaf,
                     uint32_t generation, int wanted)
{
    struct mls_message_key key;
    struct mls_ratchet_step *step = NULL;
    REFUSED(mls_ratchet_find(t, c, leaf, RATCHET_APPLICATION, generation, 50, 20, &key, &step),
            wanted);
    if (wanted == 0)
        mls_ratchet_take(t, step);
    wipe(&key, sizeof key);
}

static void the_secret_tree_is_walked_by_public_numbers(void **state)
{
    struct crypto *c = tainted_crypto();
    struct mls_secret_tree t;
    struct secret encryption;
    struct buf saved = {0};
    (void)state;
    secret_of(&encryption, 32);
    OK(mls_secret_tree_init(&t, 8, &encryption));
    take_key(&t, c, 5, 0, 0);
    take_key(&t, c, 2, 7, 0); /* keeps those before */
    take_key(&t, c, 2, 3, 0);
    take_key(&t, c, 2, 3, CONCLAVE_EREPLAY);
    take_key(&t, c, 5, 60, CONCLAVE_EGENERATION);
    mls_secret_tree_write(&t, &saved);
    buf_free(&saved);
    mls_secret_tree_fini(&t);
    crypto_free(c);
}

static void hpke_branches_on_no_secret(void **state)
{
    struct crypto *c = tainted_crypto();
    struct secret priv = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], enc[CRYPTO_PUBLIC_KEY_MAX];
    struct buf sealed = {0}, opened = {0};
    struct hpke_info info;
    struct secret seed;
    (void)state;
    secret_of(&seed, 32);
    OK(hpke_derive_key_pair(c, secret_view(&seed), &priv, pub));
    OK(hpke_info_init(c, NULL, 0, &info));
    OK(hpke_seal(c, bytes_of(pub, c->suite->npk), &info, NOTHING, bytes_str("text"), enc, &sealed));
    OK(hpke_open(c, &priv, bytes_of(enc, c->suite->npk), &info, NOTHING, buf_view(&sealed),
                 &opened));
    assert_true(bytes_equal(buf_view(&opened), bytes_str("text")));
    sealed.p[sealed.n - 1] ^= 1;
    REFUSED(hpke_open(c, &priv, bytes_of(enc, c->suite->npk), &info, NOTHING, buf_view(&sealed),
                      &opened),
            CONCLAVE_EDECRYPT);
    buf_free(&sealed);
    buf_free(&opened);
    secret_wipe(&priv);
    crypto_free(c);
}

/* ---- A group ---- */

static void taint_group(struct mls_group *g)
{
    struct secret *epoch[] = {&g->secrets.sender_data, &g->secrets.exporter,
                              &g->secrets.external,    &g->secrets.confirmation,
                              &g->secrets.membership,  &g->secrets.resumption,
                              &g->secrets.init};
    for (size_t i = 0; i < sizeof epoch / sizeof epoch[0]; i++)
        taint_secret(epoch[i]->p, epoch[i]->n);
    for (size_t i = 0; i < LIMIT_MLS_LEVELS; i++)
        taint_secret(g->path.key[i].p, g->path.key[i].n);
}

/* What the service and the network see of a message. */
static struct bytes on_the_wire(const struct buf *message)
{
    publish(buf_view(message));
    return buf_view(message);
}

static void take(struct party *p, const struct buf *message, int wanted)
{
    struct mls_received r;
    REFUSED(mls_group_receive(p->group, on_the_wire(message), NOW, &r), wanted);
    if (wanted == 0 && r.kind == MLS_RECEIVED_COMMIT)
        OK(mls_group_merge(p->group, mls_received_take(&r)));
    if (wanted == 0)
        mls_received_free(&r);
}

static void exchange(struct party *all, bool private_handshake)
{
    struct buf m = {0}, welcome = {0};
    struct mls_change update = mls_update();
    uint8_t key[32];
    for (unsigned i = 0; i < 2; i++) {
        struct party *a = &all[i], *b = &all[1 - i];
        OK(mls_group_protect(a->group, NOTHING, bytes_str("text"), &m));
        m.p[m.n - 1] ^= 1;
        take(b, &m, CONCLAVE_EDECRYPT);
        m.p[m.n - 1] ^= 1;
        take(b, &m, 0);
        OK(mls_group_propose(a->group, &update, NULL, NOW, &m));
        take(b, &m, 0);
        OK(mls_group_commit(b->group, NULL, 0, NULL, NOW, &m));
        if (!private_handshake) { /* the membership tag is its end */
            on_the_wire(&m);
            m.p[m.n - 1] ^= 1;
            take(a, &m, CONCLAVE_EMEMBERSHIP);
            m.p[m.n - 1] ^= 1;
        }
        take(a, &m, 0);
        OK(mls_group_merge_own(b->group, &welcome));
        OK(mls_group_export(a->group, "label", NOTHING, sizeof key, key));
    }
    buf_free(&m);
    buf_free(&welcome);
}

static void a_group_at_work_branches_on_no_secret(void **state)
{
    (void)state;
    for (int private_handshake = 0; private_handshake < 2; private_handshake++) {
        struct party_options options = party_defaults(SUITE);
        struct party all[2];
        options.policy.private_handshake = private_handshake;
        for (unsigned i = 0; i < 2; i++)
            party_init(&all[i], i, &options);
        parties_gather(all, 2, "tainted");
        for (unsigned i = 0; i < 2; i++) {
            taint_crypto(all[i].client->crypto);
            taint_signer(all[i].signer);
            taint_group(all[i].group);
        }
        exchange(all, private_handshake);
        for (unsigned i = 0; i < 2; i++)
            party_fini(&all[i]);
    }
}

static void joining_branches_on_no_secret(void **state)
{
    struct party_options options = party_defaults(SUITE);
    struct party all[3];
    struct buf commit = {0}, welcome = {0}, info = {0}, external = {0};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        party_init(&all[i], i, &options);
        taint_crypto(all[i].client->crypto);
        taint_signer(all[i].signer);
    }
    party_found(&all[0], "tainted", NULL, 0);
    taint_group(all[0].group);
    struct mls_change add = mls_add(party_key_package(&all[1]));
    taint_secret(all[1].kp->init_priv.p, all[1].kp->init_priv.n);
    taint_secret(all[1].kp->leaf_priv.p, all[1].kp->leaf_priv.n);
    OK(mls_group_commit(all[0].group, &add, 1, NULL, NOW, &commit));
    OK(mls_group_merge_own(all[0].group, &welcome));
    on_the_wire(&welcome);
    party_join(&all[1], &welcome, NOTHING);
    OK(mls_group_info(all[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_join_external(all[2].client, on_the_wire(&info), NOTHING, MLS_NO_LEAF, NULL, 0,
                               NOW, &all[2].group, &external));
    take(&all[0], &external, 0);
    take(&all[1], &external, 0);
    buf_free(&commit);
    buf_free(&info);
    buf_free(&external);
    buf_free(&welcome);
    for (unsigned i = 0; i < 3; i++)
        party_fini(&all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparing_tells_only_whether),
        cmocka_unit_test(the_key_schedule_branches_on_no_secret),
        cmocka_unit_test(the_secret_tree_is_walked_by_public_numbers),
        cmocka_unit_test(hpke_branches_on_no_secret),
        cmocka_unit_test(a_group_at_work_branches_on_no_secret),
        cmocka_unit_test(joining_branches_on_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
