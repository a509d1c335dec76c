/* Update paths, received and made (RFC 9420 7.4 to 7.6, 7.9). */
#include "mls_vectors.h"

#include <string.h>

#include "crypto/labels.h"
#include "mls/treekem.h"
#include "wire/writer.h"

/* A member whose secrets the file tells. */
struct member {
    uint32_t leaf;
    struct crypto_signer *signer;
    struct mls_private_path path;
};

struct treekem {
    struct mls_tree *tree;
    struct bytes group_id, confirmed_hash;
    uint64_t epoch;
    struct member *members;
    size_t n_members;
};

/* What a path in a tree leads to. */
struct merged {
    struct mls_tree *tree;
    struct mls_filtered_path path;
    struct mls_commit_view commit; /* its path only */
    struct bytes context;
};

static const struct u32s nobody_added = {0};

static void fini_signer(void *p)
{
    crypto_signer_free(p);
}

/* The private key that belongs to a path secret. */
static struct secret node_key(struct vec *v, const struct secret *path_secret,
                              uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX])
{
    struct secret node = {0}, priv = {0};
    if (vec_ok(v) && vec_rv(v, derive_secret(v->crypto, path_secret, "node", &node), "node_secret"))
        vec_rv(v, hpke_derive_key_pair(v->crypto, secret_view(&node), &priv, pub), "key pair");
    return priv;
}

/* -- Reading -------------------------------------------------------------------------------- */

static void read_path_secret(struct vec *v, const struct treekem *t, struct member *m,
                             const json_t *o)
{
    uint32_t node = vec_u32(v, o, "node");
    struct secret path_secret = vec_secret(v, o, "path_secret");
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    vec_true(v,
             node < tm_node_count(t->tree->width) && !tm_is_leaf(node) &&
                 tm_is_below(m->leaf, node) && !mls_tree_is_blank(t->tree, node),
             "a path secret for a node that is none of the leaf's");
    if (!vec_ok(v))
        return;
    m->path.key[tm_level(node)] = node_key(v, &path_secret, pub);
    vec_same(v, bytes_of(pub, v->crypto->suite->npk), mls_tree_key(t->tree, node),
             "public key of a path secret");
}

static void read_member(struct vec *v, const struct treekem *t, const json_t *o, struct member *m)
{
    struct bytes signature_priv = vec_signature_priv(v, o, "signature_priv");
    const json_t *secrets = vec_list(v, o, "path_secrets");
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    m->leaf = vec_u32(v, o, "index");
    m->path.key[0] = vec_hpke_priv(v, o, "encryption_priv");
    const struct mls_leaf *leaf = vec_ok(v) ? mls_tree_leaf(t->tree, m->leaf) : NULL;
    if (!vec_true(v, leaf != NULL, "a private leaf that is blank") ||
        !vec_rv(v, crypto_signer_from_private(v->crypto, signature_priv, &m->signer),
                "signature_priv"))
        return;
    vec_defer(v, fini_signer, m->signer);
    vec_same(v, crypto_signer_public(m->signer), leaf->signature_key, "signature_priv");
    if (vec_rv(v, hpke_public_key(v->crypto, &m->path.key[0], pub), "encryption_priv"))
        vec_same(v, bytes_of(pub, v->crypto->suite->npk), leaf->encryption_key, "encryption_priv");
    for (size_t i = 0; vec_ok(v) && i < json_array_size(secrets); i++)
        read_path_secret(v, t, m, json_array_get(secrets, i));
}

static void read_treekem(struct vec *v, const json_t *e, struct treekem *t)
{
    if (!vec_suite(v, e))
        return;
    struct bytes encoded = vec_hex(v, e, "ratchet_tree");
    const json_t *members = vec_list(v, e, "leaves_private");
    t->group_id = vec_hex(v, e, "group_id");
    t->epoch = vec_u64(v, e, "epoch");
    t->confirmed_hash = vec_hex(v, e, "confirmed_transcript_hash");
    t->n_members = json_array_size(members);
    t->members = vec_alloc(v, t->n_members * sizeof *t->members);
    t->tree = vec_read_tree(v, encoded, "ratchet_tree");
    for (size_t i = 0; vec_ok(v) && i < t->n_members; i++) {
        vec_scope(v, "leaves_private %zu", i);
        read_member(v, t, json_array_get(members, i), &t->members[i]);
        vec_scope(v, "%s", "");
    }
}

/* -- Receiving ------------------------------------------------------------------------------ */

static void fini_tree(void *p)
{
    mls_tree_fini(p);
}

static struct mls_tree *copy_tree(struct vec *v, const struct mls_tree *from)
{
    struct mls_tree *t = vec_alloc(v, sizeof *t);
    mls_tree_clone(from, t);
    vec_defer(v, fini_tree, t);
    return t;
}

/* Puts the leaf in its place; then the tree is whole, and so is the context. */
static void finish_merge(struct vec *v, const struct treekem *t, uint32_t sender,
                         const struct mls_leaf *leaf, struct merged *m)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    if (vec_rv(v, mls_tree_blank_leaf(m->tree, sender), "leaf") &&
        vec_rv(v, mls_tree_set_leaf(m->tree, sender, leaf), "leaf") &&
        vec_rv(v, mls_leaf_verify(v->crypto, leaf, t->group_id, sender), "leaf's signature") &&
        vec_rv(v, mls_tree_verify_parent_hashes(m->tree, v->crypto), "parent hashes") &&
        vec_rv(v, mls_tree_root_hash(m->tree, v->crypto, hash), "tree hash"))
        m->context =
            vec_context(v, t->group_id, t->epoch, bytes_of(hash, m->tree->nh), t->confirmed_hash);
}

/* Takes an UpdatePath into a copy of the tree. */
static void merge(struct vec *v, const struct treekem *t, uint32_t sender, struct bytes encoded,
                  struct merged *m)
{
    struct reader r = reader_of(encoded);
    struct bytes keys[LIMIT_MLS_LEVELS];
    uint8_t parent_hash[CRYPTO_HASH_MAX];
    size_t n = 0;
    int error = 0;
    mls_update_path_read(&r, &m->commit, &error);
    if (reader_end(&r) != 0) {
        vec_rv(v, error != 0 ? error : CONCLAVE_ESYNTAX, "update_path");
        return;
    }
    m->tree = copy_tree(v, t->tree);
    if (!vec_ok(v))
        return;
    mls_tree_filtered_path(m->tree, sender, &m->path);
    const struct mls_leaf *leaf = &m->commit.path_leaf;
    if (vec_rv(v, mls_path_check_shape(m->tree, &m->path, &m->commit, &nobody_added, keys),
               "shape of the path") &&
        vec_rv(v, mls_path_merge(m->tree, v->crypto, sender, &m->path, keys, parent_hash, &n),
               "merging the path") &&
        vec_same(v, bytes_of(parent_hash, n), leaf->parent_hash, "leaf's parent_hash"))
        finish_merge(v, t, sender, leaf, m);
}

static struct secret decrypt(struct vec *v, const struct merged *m, const struct member *own,
                             struct mls_private_path *priv)
{
    struct secret commit_secret = {0};
    *priv = own->path;
    if (vec_ok(v))
        vec_rv(v,
               mls_path_decrypt(m->tree, v->crypto, &m->path, &m->commit, own->leaf, &nobody_added,
                                m->context, priv, &commit_secret),
               "decrypting the path");
    return commit_secret;
}

/* The path secret that a member decrypts makes the key of the node where it meets the sender. */
static void check_path_secret(struct vec *v, const struct mls_private_path *priv, uint32_t own,
                              uint32_t sender, const json_t *want)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    struct secret path_secret = vec_secret_of(v, want, "path_secrets");
    struct secret key = node_key(v, &path_secret, pub);
    if (vec_ok(v))
        vec_same(v, secret_view(&priv->key[tm_common_level(own, sender)]), secret_view(&key),
                 "key of the path secret");
}

static void check_update_path(struct vec *v, const struct treekem *t, const json_t *o)
{
    uint32_t sender = vec_u32(v, o, "sender");
    struct bytes encoded = vec_hex(v, o, "update_path");
    struct secret commit_secret = vec_secret(v, o, "commit_secret");
    const json_t *secrets = vec_list(v, o, "path_secrets");
    struct merged m = {0};
    uint8_t hash[CRYPTO_HASH_MAX];
    if (!vec_ok(v) ||
        !vec_true(v, mls_tree_leaf(t->tree, sender) != NULL, "the sender's leaf is blank"))
        return;
    for (uint32_t i = 0; i < json_array_size(secrets); i++)
        vec_true(v,
                 json_is_null(json_array_get(secrets, i)) ==
                     (i == sender || mls_tree_leaf(t->tree, i) == NULL),
                 "path_secrets has one for whom it should not, or lacks one");
    if (vec_ok(v))
        merge(v, t, sender, encoded, &m);
    if (vec_ok(v) && vec_rv(v, mls_tree_root_hash(m.tree, v->crypto, hash), "tree hash"))
        vec_same(v, bytes_of(hash, m.tree->nh), vec_hex(v, o, "tree_hash_after"),
                 "tree_hash_after");
    for (size_t i = 0; vec_ok(v) && i < t->n_members; i++) {
        const struct member *own = &t->members[i];
        struct mls_private_path priv;
        if (own->leaf == sender)
            continue;
        struct secret got = decrypt(v, &m, own, &priv);
        vec_same(v, secret_view(&got), secret_view(&commit_secret), "commit_secret");
        check_path_secret(v, &priv, own->leaf, sender, json_array_get(secrets, own->leaf));
    }
}

/* -- Making --------------------------------------------------------------------------------- */

/* The leaf that goes with a path: the old one with a fresh key. */
static void make_leaf(struct vec *v, const struct treekem *t, const struct member *own,
                      struct bytes parent_hash, struct buf *out)
{
    const struct mls_leaf *old = mls_tree_leaf(t->tree, own->leaf);
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    struct secret priv = {0};
    struct mls_leaf_content content = {.signature_key = old->signature_key,
                                       .credential = old->credential,
                                       .capabilities = old->capabilities,
                                       .source = LEAF_COMMIT,
                                       .parent_hash = parent_hash,
                                       .extensions = old->extensions};
    if (!vec_rv(v, hpke_generate_key_pair(v->crypto, &priv, pub), "leaf key"))
        return;
    content.encryption_key = bytes_of(pub, v->crypto->suite->npk);
    vec_rv(v, mls_leaf_sign(&content, own->signer, t->group_id, own->leaf, out), "leaf");
}

/* Makes an UpdatePath; m is the sender's own view of it. */
static struct bytes make_path(struct vec *v, const struct treekem *t, const struct member *own,
                              struct merged *m, struct secret *out_commit_secret)
{
    struct mls_private_path priv = own->path;
    struct mls_path_secrets secrets = {0};
    struct bytes keys[LIMIT_MLS_LEVELS];
    uint8_t pub[LIMIT_MLS_LEVELS * CRYPTO_PUBLIC_KEY_MAX], parent_hash[CRYPTO_HASH_MAX];
    struct buf *encoded = vec_buf(v);
    struct mls_leaf leaf;
    size_t n = 0, npk = v->crypto->suite->npk;
    int error = 0;
    m->tree = copy_tree(v, t->tree);
    if (!vec_ok(v))
        return bytes_of(NULL, 0);
    mls_tree_filtered_path(m->tree, own->leaf, &m->path);
    if (!vec_rv(v, mls_path_generate(v->crypto, &m->path, &secrets, pub, &priv), "path"))
        return bytes_of(NULL, 0);
    for (uint32_t i = 0; i < m->path.n; i++)
        keys[i] = bytes_of(pub + i * npk, npk);
    if (vec_rv(v, mls_path_merge(m->tree, v->crypto, own->leaf, &m->path, keys, parent_hash, &n),
               "merging the path"))
        make_leaf(v, t, own, bytes_of(parent_hash, n), encoded);
    struct reader r = reader_of(buf_view(encoded));
    mls_leaf_read(&r, &leaf, &error);
    if (vec_ok(v) && vec_rv(v, reader_end(&r), "leaf"))
        finish_merge(v, t, own->leaf, &leaf, m);
    if (vec_ok(v))
        vec_rv(v,
               mls_path_encrypt(m->tree, v->crypto, &m->path, &secrets, &nobody_added, m->context,
                                encoded),
               "encrypting the path");
    *out_commit_secret = secrets.secret[m->path.n];
    return buf_view(encoded);
}

static void check_own_path(struct vec *v, const struct treekem *t, const struct member *own)
{
    struct merged made = {0}, received = {0};
    struct secret commit_secret = {0};
    struct bytes encoded = make_path(v, t, own, &made, &commit_secret);
    if (vec_ok(v))
        merge(v, t, own->leaf, encoded, &received);
    if (vec_ok(v))
        vec_same(v, received.context, made.context, "GroupContext after the path");
    for (size_t i = 0; vec_ok(v) && i < t->n_members; i++) {
        struct mls_private_path priv;
        if (&t->members[i] == own)
            continue;
        struct secret got = decrypt(v, &received, &t->members[i], &priv);
        vec_same(v, secret_view(&got), secret_view(&commit_secret), "commit secret");
    }
}

void vec_treekem(struct vec *v, const json_t *e)
{
    struct treekem t = {0};
    read_treekem(v, e, &t);
    const json_t *paths = vec_list(v, e, "update_paths");
    for (size_t i = 0; vec_ok(v) && i < json_array_size(paths); i++) {
        vec_scope(v, "update_paths %zu", i);
        check_update_path(v, &t, json_array_get(paths, i));
    }
    for (size_t i = 0; vec_ok(v) && i < t.n_members; i++) {
        vec_scope(v, "a path of ours by leaf %u", t.members[i].leaf);
        check_own_path(v, &t, &t.members[i]);
    }
}
