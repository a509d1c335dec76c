/* Makes vectors out of random values: small ones, kept in tests/vectors/own. Those of other
 * implementations prove more; these are there when the others are not, and say when something that
 * others rely on changes. */
#include "mls_vectors_generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/labels.h"
#include "mls/psk.h"
#include "mls/schedule.h"
#include "mls/secret_tree.h"
#include "mls_vectors_protect.h"
#include "wire/writer.h"

void gen_must(int rv, const char *what)
{
    if (rv == 0)
        return;
    fprintf(stderr, "mls-vectors: %s: %s\n", what, conclave_error_name(rv));
    exit(EXIT_FAILURE);
}

void gen_check(const struct vec *v)
{
    if (vec_ok(v))
        return;
    fprintf(stderr, "mls-vectors: %s\n", v->why);
    exit(EXIT_FAILURE);
}

void gen_hex(json_t *o, const char *name, struct bytes b)
{
    char *text = malloc(2 * b.n + 1);
    gen_must(text == NULL ? CONCLAVE_ENOMEM : 0, name);
    text[0] = 0;
    for (size_t i = 0; i < b.n; i++)
        snprintf(text + 2 * i, 3, "%02x", b.p[i]);
    json_object_set_new(o, name, json_string(text));
    free(text);
}

static void put_secret(json_t *o, const char *name, const struct secret *s)
{
    gen_hex(o, name, secret_view(s));
}

void gen_number(json_t *o, const char *name, uint64_t n)
{
    json_object_set_new(o, name, json_integer((json_int_t)n));
}

/* A random value that is noted in the entry. */
static struct secret random_secret(struct vec *v, json_t *o, const char *name, size_t n)
{
    struct secret s = {.n = (uint8_t)n};
    gen_must(crypto_random(v->crypto, s.p, n), name);
    put_secret(o, name, &s);
    return s;
}

/* -- Tree math: from the definition by halves, not from the formulas under test ------------- */

struct relations {
    int64_t left[64], right[64], parent[64], sibling[64];
};

static int64_t halve(struct relations *r, int64_t first, int64_t n, int64_t above)
{
    int64_t root = first + n - 1;
    r->parent[root] = above;
    if (n == 1)
        return root;
    r->left[root] = halve(r, first, n / 2, root);
    r->right[root] = halve(r, first + n, n / 2, root);
    r->sibling[r->left[root]] = r->right[root];
    r->sibling[r->right[root]] = r->left[root];
    return root;
}

static void put_relation(json_t *o, const char *name, const int64_t *nodes, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, nodes[i] < 0 ? json_null() : json_integer(nodes[i]));
    json_object_set_new(o, name, list);
}

static json_t *tree_math(void)
{
    json_t *all = json_array();
    for (int64_t n = 1; n <= 32; n *= 2) {
        struct relations r;
        json_t *o = json_object();
        memset(&r, 0xff, sizeof r);
        int64_t root = halve(&r, 0, n, -1);
        gen_number(o, "n_leaves", (uint64_t)n);
        gen_number(o, "n_nodes", (uint64_t)(2 * n - 1));
        gen_number(o, "root", (uint64_t)root);
        put_relation(o, "left", r.left, 2 * n - 1);
        put_relation(o, "right", r.right, 2 * n - 1);
        put_relation(o, "parent", r.parent, 2 * n - 1);
        put_relation(o, "sibling", r.sibling, 2 * n - 1);
        json_array_append_new(all, o);
    }
    return all;
}

/* -- Crypto basics -------------------------------------------------------------------------- */

static void hash_basics(struct vec *v, json_t *e)
{
    json_t *o = json_object();
    uint8_t out[CRYPTO_HASH_MAX];
    struct secret value = random_secret(v, o, "value", 32);
    struct bytes view = secret_view(&value);
    json_object_set_new(o, "label", json_string("RefHash"));
    gen_must(ref_hash(v->crypto, "RefHash", &view, 1, out), "RefHash");
    gen_hex(o, "out", bytes_of(out, v->crypto->suite->nh));
    json_object_set_new(e, "ref_hash", o);
}

static void derive_basics(struct vec *v, json_t *e)
{
    json_t *expand = json_object(), *derive = json_object(), *tree = json_object();
    uint8_t out[SECRET_MAX], n = v->crypto->suite->nh;
    struct secret secret = random_secret(v, expand, "secret", n), made = {0};
    struct secret context = random_secret(v, expand, "context", 20);
    json_object_set_new(expand, "label", json_string("ExpandWithLabel"));
    gen_number(expand, "length", 16);
    gen_must(
        expand_with_label(v->crypto, &secret, "ExpandWithLabel", secret_view(&context), 16, out),
        "ExpandWithLabel");
    gen_hex(expand, "out", bytes_of(out, 16));

    put_secret(derive, "secret", &secret);
    json_object_set_new(derive, "label", json_string("DeriveSecret"));
    gen_must(derive_secret(v->crypto, &secret, "DeriveSecret", &made), "DeriveSecret");
    put_secret(derive, "out", &made);

    put_secret(tree, "secret", &secret);
    json_object_set_new(tree, "label", json_string("DeriveTreeSecret"));
    gen_number(tree, "generation", 4000000000u);
    gen_number(tree, "length", n);
    gen_must(derive_tree_secret(v->crypto, &secret, "DeriveTreeSecret", 4000000000u, n, &made),
             "DeriveTreeSecret");
    put_secret(tree, "out", &made);
    json_object_set_new(e, "expand_with_label", expand);
    json_object_set_new(e, "derive_secret", derive);
    json_object_set_new(e, "derive_tree_secret", tree);
}

static void sign_basics(struct vec *v, json_t *e)
{
    json_t *o = json_object();
    struct crypto_signer *signer = NULL;
    struct buf priv = {0}, signature = {0};
    struct secret content = random_secret(v, o, "content", 40);
    struct bytes view = secret_view(&content);
    gen_must(crypto_signer_generate(v->crypto, &signer), "signature key");
    gen_must(crypto_signer_private(signer, &priv), "signature key");
    gen_must(sign_with_label(signer, "SignWithLabel", &view, 1, &signature), "SignWithLabel");
    json_object_set_new(o, "label", json_string("SignWithLabel"));
    gen_hex(o, "priv", buf_view(&priv));
    gen_hex(o, "pub", crypto_signer_public(signer));
    gen_hex(o, "signature", buf_view(&signature));
    json_object_set_new(e, "sign_with_label", o);
    crypto_signer_free(signer);
    buf_free(&priv);
    buf_free(&signature);
}

static void encrypt_basics(struct vec *v, json_t *e)
{
    json_t *o = json_object();
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX], enc[CRYPTO_PUBLIC_KEY_MAX];
    size_t npk = v->crypto->suite->npk;
    struct secret priv = {0};
    struct secret context = random_secret(v, o, "context", 24);
    struct secret plain = random_secret(v, o, "plaintext", 40);
    struct hpke_info info;
    struct buf sealed = {0};
    gen_must(hpke_generate_key_pair(v->crypto, &priv, pub), "HPKE key");
    gen_must(encrypt_info(v->crypto, "EncryptWithLabel", secret_view(&context), &info), "context");
    gen_must(hpke_seal(v->crypto, bytes_of(pub, npk), &info, bytes_of(NULL, 0), secret_view(&plain),
                       enc, &sealed),
             "EncryptWithLabel");
    json_object_set_new(o, "label", json_string("EncryptWithLabel"));
    put_secret(o, "priv", &priv);
    gen_hex(o, "pub", bytes_of(pub, npk));
    gen_hex(o, "kem_output", bytes_of(enc, npk));
    gen_hex(o, "ciphertext", buf_view(&sealed));
    json_object_set_new(e, "encrypt_with_label", o);
    buf_free(&sealed);
}

static void crypto_basics(struct vec *v, json_t *e)
{
    hash_basics(v, e);
    derive_basics(v, e);
    sign_basics(v, e);
    encrypt_basics(v, e);
}

/* -- Key schedule --------------------------------------------------------------------------- */

static void welcome_and_external(struct vec *v, json_t *o, const struct secret *joiner,
                                 const struct secret *psk, const struct secret *external)
{
    struct bytes ikm = secret_view(psk);
    struct secret member = {0}, welcome = {0}, priv = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    gen_must(crypto_extract(v->crypto, secret_view(joiner), &ikm, 1, &member), "member secret");
    gen_must(derive_secret(v->crypto, &member, "welcome", &welcome), "welcome_secret");
    put_secret(o, "welcome_secret", &welcome);
    gen_must(hpke_derive_key_pair(v->crypto, secret_view(external), &priv, pub), "external_pub");
    gen_hex(o, "external_pub", bytes_of(pub, v->crypto->suite->npk));
}

static void exported(struct vec *v, json_t *o, const struct secret *exporter)
{
    json_t *e = json_object();
    uint8_t out[48];
    struct secret context = random_secret(v, e, "context", 16);
    json_object_set_new(e, "label", json_string("a label"));
    gen_number(e, "length", sizeof out);
    gen_must(mls_exporter(v->crypto, exporter, "a label", secret_view(&context), sizeof out, out),
             "exporter");
    gen_hex(e, "secret", bytes_of(out, sizeof out));
    json_object_set_new(o, "exporter", e);
}

static json_t *one_epoch(struct vec *v, struct bytes group_id, uint64_t epoch, struct secret *init)
{
    json_t *o = json_object();
    size_t nh = v->crypto->suite->nh;
    struct secret tree_hash = random_secret(v, o, "tree_hash", nh);
    struct secret confirmed = random_secret(v, o, "confirmed_transcript_hash", nh);
    struct secret commit = random_secret(v, o, "commit_secret", nh);
    struct secret psk = random_secret(v, o, "psk_secret", nh), joiner = {0}, encryption = {0};
    struct mls_epoch_secrets s;
    struct bytes context =
        vec_context(v, group_id, epoch, secret_view(&tree_hash), secret_view(&confirmed));
    gen_check(v);
    gen_hex(o, "group_context", context);
    gen_must(mls_joiner_secret(v->crypto, init, &commit, context, &joiner), "joiner_secret");
    gen_must(mls_epoch_derive(v->crypto, &joiner, &psk, context, &s, &encryption), "epoch");
    put_secret(o, "joiner_secret", &joiner);
    put_secret(o, "init_secret", &s.init);
    put_secret(o, "sender_data_secret", &s.sender_data);
    put_secret(o, "encryption_secret", &encryption);
    put_secret(o, "exporter_secret", &s.exporter);
    put_secret(o, "epoch_authenticator", &s.authenticator);
    put_secret(o, "external_secret", &s.external);
    put_secret(o, "confirmation_key", &s.confirmation);
    put_secret(o, "membership_key", &s.membership);
    put_secret(o, "resumption_psk", &s.resumption);
    welcome_and_external(v, o, &joiner, &psk, &s.external);
    exported(v, o, &s.exporter);
    *init = s.init;
    return o;
}

static void key_schedule(struct vec *v, json_t *e)
{
    json_t *epochs = json_array();
    struct secret group_id = random_secret(v, e, "group_id", 16);
    struct secret init = random_secret(v, e, "initial_init_secret", v->crypto->suite->nh);
    for (uint64_t i = 0; i < 2; i++)
        json_array_append_new(epochs, one_epoch(v, secret_view(&group_id), i, &init));
    json_object_set_new(e, "epochs", epochs);
}

/* -- PSK secret ----------------------------------------------------------------------------- */

static void psk_secret(struct vec *v, json_t *e)
{
    json_t *list = json_array();
    struct mls_psk psks[2];
    struct buf ids[2] = {0};
    struct secret value[2], made = {0};
    for (size_t i = 0; i < 2; i++) {
        json_t *o = json_object();
        struct secret id = random_secret(v, o, "psk_id", 8);
        struct secret nonce = random_secret(v, o, "psk_nonce", v->crypto->suite->nh);
        struct mls_psk_id named = {
            .type = PSK_EXTERNAL, .id = secret_view(&id), .nonce = secret_view(&nonce)};
        value[i] = random_secret(v, o, "psk", 24);
        mls_psk_id_write(&ids[i], &named);
        gen_must(buf_check(&ids[i]), "psk_id");
        psks[i] = (struct mls_psk){buf_view(&ids[i]), secret_view(&value[i])};
        json_array_append_new(list, o);
    }
    gen_must(mls_psk_secret(v->crypto, psks, 2, &made), "psk_secret");
    json_object_set_new(e, "psks", list);
    put_secret(e, "psk_secret", &made);
    buf_free(&ids[0]);
    buf_free(&ids[1]);
}

/* -- Secret tree ---------------------------------------------------------------------------- */

static void sender_data(struct vec *v, json_t *e)
{
    const struct crypto_suite *s = v->crypto->suite;
    json_t *o = json_object();
    uint8_t out[SECRET_MAX];
    struct secret secret = random_secret(v, o, "sender_data_secret", s->nh);
    struct secret ciphertext = random_secret(v, o, "ciphertext", SECRET_MAX);
    struct bytes sample = bytes_of(ciphertext.p, s->nh);
    gen_must(expand_with_label(v->crypto, &secret, "key", sample, s->nk, out), "key");
    gen_hex(o, "key", bytes_of(out, s->nk));
    gen_must(expand_with_label(v->crypto, &secret, "nonce", sample, s->nn, out), "nonce");
    gen_hex(o, "nonce", bytes_of(out, s->nn));
    json_object_set_new(e, "sender_data", o);
}

static void put_ratchet(struct vec *v, struct mls_secret_tree *t, uint32_t leaf,
                        uint32_t generation, enum mls_ratchet_type type, json_t *o)
{
    bool handshake = type == RATCHET_HANDSHAKE;
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    gen_must(mls_ratchet_find(t, v->crypto, leaf, type, generation, generation, 0, &key, &step),
             "ratchet");
    put_secret(o, handshake ? "handshake_key" : "application_key", &key.key);
    put_secret(o, handshake ? "handshake_nonce" : "application_nonce", &key.nonce);
    mls_ratchet_step_free(step);
}

static void secret_tree(struct vec *v, json_t *e)
{
    static const uint32_t generations[] = {0, 3};
    enum { LEAVES = 4 };
    struct mls_secret_tree t;
    json_t *leaves = json_array();
    struct secret encryption = random_secret(v, e, "encryption_secret", v->crypto->suite->nh);
    gen_must(mls_secret_tree_init(&t, LEAVES, &encryption), "secret tree");
    sender_data(v, e);
    for (uint32_t i = 0; i < LEAVES; i++) {
        json_t *list = json_array();
        for (size_t k = 0; k < 2; k++) {
            json_t *o = json_object();
            gen_number(o, "generation", generations[k]);
            put_ratchet(v, &t, i, generations[k], RATCHET_HANDSHAKE, o);
            put_ratchet(v, &t, i, generations[k], RATCHET_APPLICATION, o);
            json_array_append_new(list, o);
        }
        json_array_append_new(leaves, list);
    }
    json_object_set_new(e, "leaves", leaves);
    mls_secret_tree_fini(&t);
}

/* -- Message protection --------------------------------------------------------------------- */

static void message_protection(struct vec *v, json_t *e)
{
    static const uint8_t proposal[] = {0, MLS_REMOVE, 0, 0, 0, 0};
    static const uint8_t commit[] = {0, 0}; /* no proposals, no path */
    struct bytes raw_proposal = bytes_of(proposal, sizeof proposal);
    struct bytes raw_commit = bytes_of(commit, sizeof commit);
    struct bytes raw_application = bytes_str("application data");
    size_t nh = v->crypto->suite->nh;
    struct protection p = {.epoch = 0xfffffffffffu};
    struct buf priv = {0};
    struct secret group_id = random_secret(v, e, "group_id", 16);
    struct secret tree_hash = random_secret(v, e, "tree_hash", nh);
    struct secret confirmed = random_secret(v, e, "confirmed_transcript_hash", nh);
    p.encryption = random_secret(v, e, "encryption_secret", nh);
    p.sender_data = random_secret(v, e, "sender_data_secret", nh);
    p.membership = random_secret(v, e, "membership_key", nh);
    p.group_id = secret_view(&group_id);
    p.context =
        vec_context(v, p.group_id, p.epoch, secret_view(&tree_hash), secret_view(&confirmed));
    gen_must(crypto_signer_generate(v->crypto, &p.signer), "signature key");
    gen_must(crypto_signer_private(p.signer, &priv), "signature key");
    gen_number(e, "epoch", p.epoch);
    gen_hex(e, "signature_priv", buf_view(&priv));
    gen_hex(e, "signature_pub", crypto_signer_public(p.signer));
    gen_hex(e, "proposal", raw_proposal);
    gen_hex(e, "proposal_pub", vec_protect_public(v, &p, CONTENT_PROPOSAL, raw_proposal));
    gen_hex(e, "proposal_priv", vec_protect_private(v, &p, CONTENT_PROPOSAL, raw_proposal));
    gen_hex(e, "commit", raw_commit);
    gen_hex(e, "commit_pub", vec_protect_public(v, &p, CONTENT_COMMIT, raw_commit));
    gen_hex(e, "commit_priv", vec_protect_private(v, &p, CONTENT_COMMIT, raw_commit));
    gen_hex(e, "application", raw_application);
    gen_hex(e, "application_priv",
            vec_protect_private(v, &p, CONTENT_APPLICATION, raw_application));
    gen_check(v);
    crypto_signer_free(p.signer);
    buf_free(&priv);
}

/* -- All of them ---------------------------------------------------------------------------- */

static const struct maker {
    const char *name;
    void (*make)(struct vec *v, json_t *e);
} makers[] = {{"crypto-basics", crypto_basics},
              {"key-schedule", key_schedule},
              {"psk_secret", psk_secret},
              {"secret-tree", secret_tree},
              {"message-protection", message_protection},
              {"passive-client", gen_passive_client}};

const char *vec_generate_kinds(void)
{
    return "tree-math, crypto-basics, key-schedule, psk_secret, secret-tree, message-protection, "
           "passive-client";
}

json_t *vec_generate(const char *kind, uint16_t only)
{
    const struct maker *maker = NULL;
    struct vec v = {0};
    if (strcmp(kind, "tree-math") == 0)
        return tree_math();
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++)
        if (strcmp(kind, makers[i].name) == 0)
            maker = &makers[i];
    if (maker == NULL)
        return NULL;
    json_t *all = json_array();
    for (uint16_t suite = 1; suite <= VEC_SUITES; suite++) {
        if (only != 0 && suite != only)
            continue;
        json_t *e = json_object();
        gen_number(e, "cipher_suite", suite);
        vec_suite(&v, e);
        gen_check(&v);
        maker->make(&v, e);
        json_array_append_new(all, e);
        vec_reset(&v);
    }
    vec_fini(&v);
    return all;
}
