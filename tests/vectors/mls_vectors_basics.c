/* Tree math, the labelled functions, and the headers of vectors. */
#include "mls_vectors.h"

#include <stdio.h>
#include <string.h>

#include "crypto/labels.h"
#include "wire/writer.h"

/* -- Tree math (RFC 9420 appendix C) -------------------------------------------------------- */

#define NO_NODE UINT32_MAX

static uint32_t left(uint32_t node, uint32_t root)
{
    (void)root;
    return tm_is_leaf(node) ? NO_NODE : tm_left(node);
}

static uint32_t right(uint32_t node, uint32_t root)
{
    (void)root;
    return tm_is_leaf(node) ? NO_NODE : tm_right(node);
}

static uint32_t parent(uint32_t node, uint32_t root)
{
    return node == root ? NO_NODE : tm_parent(node);
}

static uint32_t sibling(uint32_t node, uint32_t root)
{
    return node == root ? NO_NODE : tm_sibling(node);
}

static void check_relation(struct vec *v, const json_t *e, const char *name,
                           uint32_t (*relation)(uint32_t, uint32_t), uint32_t n_nodes,
                           uint32_t root)
{
    const json_t *list = vec_list(v, e, name);
    vec_same_number(v, n_nodes, json_array_size(list), name);
    for (uint32_t i = 0; vec_ok(v) && i < n_nodes; i++) {
        const json_t *value = json_array_get(list, i);
        uint32_t got = relation(i, root);
        vec_scope(v, "node %u", i);
        if (json_is_null(value))
            vec_true(v, got == NO_NODE, name);
        else
            vec_same_number(v, got, vec_number_of(v, value, NO_NODE - 1, name), name);
    }
    vec_scope(v, "%s", "");
}

void vec_tree_math(struct vec *v, const json_t *e)
{
    uint32_t n_leaves = vec_u32(v, e, "n_leaves");
    vec_true(v, n_leaves > 0 && n_leaves <= 1u << 31, "n_leaves is not of this world");
    if (!vec_ok(v))
        return;
    uint32_t width = tm_width(n_leaves), root = tm_root(width);
    uint32_t n_nodes = tm_node_count(width);
    vec_same_number(v, n_nodes, vec_u32(v, e, "n_nodes"), "n_nodes");
    vec_same_number(v, root, vec_u32(v, e, "root"), "root");
    check_relation(v, e, "left", left, n_nodes, root);
    check_relation(v, e, "right", right, n_nodes, root);
    check_relation(v, e, "parent", parent, n_nodes, root);
    check_relation(v, e, "sibling", sibling, n_nodes, root);
}

/* -- Crypto basics (RFC 9420 5.1, 5.2, 8, 9.1) ---------------------------------------------- */

static void check_ref_hash(struct vec *v, const json_t *o)
{
    const char *label = vec_string(v, o, "label");
    struct bytes value = vec_hex(v, o, "value"), want = vec_hex(v, o, "out");
    uint8_t out[CRYPTO_HASH_MAX];
    if (vec_ok(v) && vec_rv(v, ref_hash(v->crypto, label, &value, 1, out), "RefHash"))
        vec_same(v, bytes_of(out, v->crypto->suite->nh), want, "out");
}

static void check_expand_with_label(struct vec *v, const json_t *o)
{
    struct secret secret = vec_secret(v, o, "secret");
    const char *label = vec_string(v, o, "label");
    struct bytes context = vec_hex(v, o, "context"), want = vec_hex(v, o, "out");
    uint16_t length = vec_u16(v, o, "length");
    if (!vec_ok(v))
        return;
    uint8_t *out = vec_alloc(v, length);
    if (vec_rv(v, expand_with_label(v->crypto, &secret, label, context, length, out),
               "ExpandWithLabel"))
        vec_same(v, bytes_of(out, length), want, "out");
}

static void check_derive_secret(struct vec *v, const json_t *o)
{
    struct secret secret = vec_secret(v, o, "secret"), out = {0};
    const char *label = vec_string(v, o, "label");
    struct bytes want = vec_hex(v, o, "out");
    if (vec_ok(v) && vec_rv(v, derive_secret(v->crypto, &secret, label, &out), "DeriveSecret"))
        vec_same(v, secret_view(&out), want, "out");
}

/* RFC 9420 9.1. What is too long for a secret of the library goes the way it is defined by. */
static int tree_secret(struct vec *v, const struct secret *secret, const char *label,
                       uint32_t generation, size_t n, uint8_t *out)
{
    uint8_t context[4] = {(uint8_t)(generation >> 24), (uint8_t)(generation >> 16),
                          (uint8_t)(generation >> 8), (uint8_t)generation};
    struct secret made = {0};
    if (n > SECRET_MAX)
        return expand_with_label(v->crypto, secret, label, bytes_of(context, 4), n, out);
    int rv = derive_tree_secret(v->crypto, secret, label, generation, n, &made);
    if (rv == 0 && n != 0)
        memcpy(out, made.p, n);
    return rv;
}

static void check_derive_tree_secret(struct vec *v, const json_t *o)
{
    struct secret secret = vec_secret(v, o, "secret");
    const char *label = vec_string(v, o, "label");
    uint32_t generation = vec_u32(v, o, "generation");
    uint16_t length = vec_u16(v, o, "length");
    struct bytes want = vec_hex(v, o, "out");
    if (!vec_ok(v))
        return;
    uint8_t *out = vec_alloc(v, length);
    if (vec_rv(v, tree_secret(v, &secret, label, generation, length, out), "DeriveTreeSecret"))
        vec_same(v, bytes_of(out, length), want, "out");
}

static void fini_signer(void *p)
{
    crypto_signer_free(p);
}

static void check_sign_with_label(struct vec *v, const json_t *o)
{
    struct bytes priv = vec_signature_priv(v, o, "priv"), pub = vec_hex(v, o, "pub");
    struct bytes content = vec_hex(v, o, "content"), signature = vec_hex(v, o, "signature");
    const char *label = vec_string(v, o, "label");
    struct crypto_signer *signer = NULL;
    struct buf *own = vec_buf(v);
    if (!vec_ok(v) || !vec_rv(v, crypto_signer_from_private(v->crypto, priv, &signer), "priv"))
        return;
    vec_defer(v, fini_signer, signer);
    vec_same(v, crypto_signer_public(signer), pub, "pub");
    vec_rv(v, verify_with_label(v->crypto, pub, label, &content, 1, signature), "signature");
    vec_rv(v, sign_with_label(signer, label, &content, 1, own), "SignWithLabel");
    vec_rv(v, verify_with_label(v->crypto, pub, label, &content, 1, buf_view(own)),
           "a signature of ours");
    vec_true(v, verify_with_label(v->crypto, pub, "", &content, 1, signature) != 0 || *label == 0,
             "a signature verifies under another label");
}

static void check_encrypt_with_label(struct vec *v, const json_t *o)
{
    struct secret priv = vec_hpke_priv(v, o, "priv");
    struct bytes pub = vec_hex(v, o, "pub"), context = vec_hex(v, o, "context");
    struct bytes plaintext = vec_hex(v, o, "plaintext"), kem_output = vec_hex(v, o, "kem_output");
    struct bytes ciphertext = vec_hex(v, o, "ciphertext"), none = bytes_of(NULL, 0);
    const char *label = vec_string(v, o, "label");
    struct buf *opened = vec_buf(v), *sealed = vec_buf(v), *again = vec_buf(v);
    uint8_t key[CRYPTO_PUBLIC_KEY_MAX], enc[CRYPTO_PUBLIC_KEY_MAX];
    size_t npk = vec_ok(v) ? v->crypto->suite->npk : 0;
    struct hpke_info info;
    if (!vec_ok(v) || !vec_rv(v, hpke_public_key(v->crypto, &priv, key), "priv") ||
        !vec_same(v, bytes_of(key, npk), pub, "pub") ||
        !vec_rv(v, encrypt_info(v->crypto, label, context, &info), "EncryptContext"))
        return;
    if (vec_rv(v, hpke_open(v->crypto, &priv, kem_output, &info, none, ciphertext, opened),
               "DecryptWithLabel"))
        vec_same(v, buf_view(opened), plaintext, "plaintext");
    vec_rv(v, hpke_seal(v->crypto, pub, &info, none, plaintext, enc, sealed), "EncryptWithLabel");
    if (vec_rv(
            v,
            hpke_open(v->crypto, &priv, bytes_of(enc, npk), &info, none, buf_view(sealed), again),
            "a ciphertext of ours"))
        vec_same(v, buf_view(again), plaintext, "plaintext of a ciphertext of ours");
}

void vec_crypto_basics(struct vec *v, const json_t *e)
{
    static const struct {
        const char *name;
        void (*check)(struct vec *v, const json_t *o);
    } parts[] = {{"ref_hash", check_ref_hash},
                 {"expand_with_label", check_expand_with_label},
                 {"derive_secret", check_derive_secret},
                 {"derive_tree_secret", check_derive_tree_secret},
                 {"sign_with_label", check_sign_with_label},
                 {"encrypt_with_label", check_encrypt_with_label}};
    if (!vec_suite(v, e))
        return;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        vec_scope(v, "%s", "");
        const json_t *o = vec_object(v, e, parts[i].name);
        vec_scope(v, "%s", parts[i].name);
        if (vec_ok(v))
            parts[i].check(v, o);
    }
}

/* -- Deserialization (RFC 9420 2.1.2) ------------------------------------------------------- */

void vec_deserialization(struct vec *v, const json_t *e)
{
    struct bytes header = vec_hex(v, e, "vlbytes_header");
    uint32_t length = vec_u32(v, e, "length");
    struct buf *own = vec_buf(v);
    struct reader r = reader_of(header);
    if (!vec_ok(v))
        return;
    uint32_t got = read_varint(&r);
    if (vec_rv(v, reader_end(&r), "vlbytes_header"))
        vec_same_number(v, got, length, "length");
    write_varint(own, length);
    vec_rv(v, buf_check(own), "encoding the length");
    vec_same(v, buf_view(own), header, "the length encoded");
}
