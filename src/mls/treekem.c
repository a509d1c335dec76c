#include "mls/treekem.h"

#include <string.h>

#include "base/ct.h"
#include "crypto/labels.h"
#include "wire/writer.h"

void mls_private_path_wipe(struct mls_private_path *p)
{
    wipe(p, sizeof *p);
}

/* RFC 9420 7.4: node_secret, then DeriveKeyPair */
static int node_key_pair(struct crypto *c, const struct secret *path_secret, struct secret *priv,
                         uint8_t pub[static CRYPTO_PUBLIC_KEY_MAX])
{
    struct secret node = {0};
    int rv = derive_secret(c, path_secret, "node", &node);
    if (rv == 0)
        rv = hpke_derive_key_pair(c, secret_view(&node), priv, pub);
    secret_wipe(&node); /* RFC 9420 7.5-5 */
    return rv;
}

int mls_path_generate(struct crypto *c, const struct mls_filtered_path *path,
                      struct mls_path_secrets *out_secrets, uint8_t *pub,
                      struct mls_private_path *priv)
{
    struct secret *s = out_secrets->secret;
    uint8_t key[CRYPTO_PUBLIC_KEY_MAX];
    s[0].n = c->suite->nh;
    int rv = crypto_random(c, s[0].p, s[0].n);
    for (uint32_t level = 1; level < LIMIT_MLS_LEVELS; level++) /* RFC 9420 7.5-6 */
        secret_wipe(&priv->key[level]);
    for (uint32_t i = 0; rv == 0 && i < path->n; i++) {
        rv = node_key_pair(c, &s[i], &priv->key[tm_level(path->step[i].node)], key);
        if (rv == 0)
            memcpy(pub + (size_t)i * c->suite->npk, key, c->suite->npk);
        if (rv == 0)
            rv = derive_secret(c, &s[i], "path", &s[i + 1]);
    }
    if (rv != 0)
        wipe(out_secrets, sizeof *out_secrets);
    return rv;
}

static int encrypt_step(const struct mls_tree *t, struct crypto *c, const struct u32s *resolution,
                        const struct hpke_info *info, const struct secret *path_secret,
                        struct buf *out)
{
    struct buf sealed = {0};
    uint8_t enc[CRYPTO_PUBLIC_KEY_MAX];
    int rv = 0;
    size_t mark = write_vec_begin(out);
    for (size_t i = 0; rv == 0 && i < resolution->n; i++) {
        sealed.n = 0;
        rv = hpke_seal(c, mls_tree_key(t, resolution->p[i]), info, bytes_of(NULL, 0),
                       secret_view(path_secret), enc, &sealed);
        write_vec(out, bytes_of(enc, c->suite->npk));
        write_vec(out, buf_view(&sealed));
    }
    write_vec_end(out, mark);
    buf_free(&sealed);
    return rv != 0 ? rv : buf_check(out);
}

int mls_path_encrypt(const struct mls_tree *t, struct crypto *c,
                     const struct mls_filtered_path *path, const struct mls_path_secrets *secrets,
                     const struct u32s *added, struct bytes context, struct buf *out)
{
    struct hpke_info info;
    struct u32s resolution = {0};
    int rv = encrypt_info(c, "UpdatePathNode", context, &info);
    size_t mark = write_vec_begin(out);
    for (uint32_t i = 0; rv == 0 && i < path->n; i++) {
        resolution.n = 0;
        write_vec(out, mls_tree_key(t, path->step[i].node));
        /* RFC 9420 7.5-2 */
        rv = mls_tree_resolution(t, path->step[i].copath, added, &resolution);
        if (rv == 0)
            rv = encrypt_step(t, c, &resolution, &info, &secrets->secret[i], out);
    }
    write_vec_end(out, mark);
    u32s_fini(&resolution);
    return rv != 0 ? rv : buf_check(out);
}

/* Derives key pairs from a step of the path to its end, checks them against the tree, stores the
 * private ones and gives the commit secret. */
static int climb(const struct mls_tree *t, struct crypto *c, const struct mls_filtered_path *path,
                 uint32_t from, const struct secret *first, struct mls_private_path *priv,
                 struct secret *out_commit_secret)
{
    struct secret s = *first;
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    int rv = 0;
    for (uint32_t i = from; rv == 0 && i < path->n; i++) {
        uint32_t node = path->step[i].node;
        rv = node_key_pair(c, &s, &priv->key[tm_level(node)], pub);
        if (rv == 0 && !bytes_equal(bytes_of(pub, c->suite->npk), mls_tree_key(t, node)))
            rv = CONCLAVE_EPATH; /* RFC 9420 7.5-4, 12.4.3.1-20 */
        if (rv == 0)
            rv = derive_secret(c, &s, "path", &s);
    }
    if (rv == 0)
        *out_commit_secret = s;
    secret_wipe(&s);
    return rv;
}

/* The private key for a node of a copath resolution, if this leaf has it. */
static const struct secret *private_key_of(const struct mls_private_path *priv, uint32_t own,
                                           uint32_t node)
{
    if (!tm_is_below(own, node))
        return NULL;
    const struct secret *s = &priv->key[tm_level(node)];
    return s->n == 0 ? NULL : s;
}

static int decrypt_step(const struct mls_tree *t, struct crypto *c,
                        const struct mls_path_step *step, struct bytes ciphertexts, uint32_t own,
                        const struct u32s *added, struct bytes context,
                        const struct mls_private_path *priv, struct secret *out)
{
    struct u32s resolution = {0};
    struct reader list = reader_of(ciphertexts);
    struct mls_ciphertext ct = {0};
    struct hpke_info info;
    struct buf plain = {0};
    const struct secret *key = NULL;
    int rv = mls_tree_resolution(t, step->copath, added, &resolution);
    for (size_t i = 0; rv == 0 && key == NULL && i < resolution.n; i++) {
        mls_ciphertext_read(&list, &ct);
        key = private_key_of(priv, own, resolution.p[i]);
    }
    if (rv == 0 && (key == NULL || !reader_ok(&list)))
        rv = CONCLAVE_EPATH;
    if (rv == 0)
        rv = encrypt_info(c, "UpdatePathNode", context, &info);
    if (rv == 0)
        rv = hpke_open(c, key, ct.kem_output, &info, bytes_of(NULL, 0), ct.ciphertext, &plain);
    if (rv == 0 && (plain.n != c->suite->nh || !secret_set(out, buf_view(&plain))))
        rv = CONCLAVE_EPATH;
    buf_free(&plain);
    u32s_fini(&resolution);
    return rv;
}

/* Private keys of nodes that the commit has blanked or replaced are gone (RFC 9420 7.5-6). */
static void forget_replaced(const struct mls_tree *t, const struct mls_filtered_path *path,
                            uint32_t own, struct mls_private_path *priv)
{
    for (uint32_t level = 1; level < LIMIT_MLS_LEVELS; level++) {
        uint32_t node = tm_ancestor(own, level);
        if (level > tm_level(tm_root(t->width)) || mls_tree_is_blank(t, node))
            secret_wipe(&priv->key[level]);
    }
    for (uint32_t i = 0; path != NULL && i < path->n; i++)
        if (tm_is_below(own, path->step[i].node))
            secret_wipe(&priv->key[tm_level(path->step[i].node)]);
}

int mls_path_decrypt(const struct mls_tree *t, struct crypto *c,
                     const struct mls_filtered_path *path, const struct mls_commit_view *commit,
                     uint32_t own, const struct u32s *added, struct bytes context,
                     struct mls_private_path *priv, struct secret *out_commit_secret)
{
    struct reader nodes = reader_of(commit->path_nodes);
    struct mls_path_node node = {0};
    struct secret path_secret = {0};
    int rv = CONCLAVE_EPATH;
    for (uint32_t i = 0; i < path->n; i++) {
        mls_path_node_read(&nodes, &node);
        if (!tm_is_below(own, path->step[i].copath))
            continue;
        /* RFC 9420 12.4.2-13 */
        rv = decrypt_step(t, c, &path->step[i], node.ciphertexts, own, added, context, priv,
                          &path_secret);
        if (rv == 0) {
            forget_replaced(t, path, own, priv);
            rv = climb(t, c, path, i, &path_secret, priv, out_commit_secret);
        }
        break;
    }
    secret_wipe(&path_secret);
    return rv;
}

void mls_private_path_update(const struct mls_tree *t, uint32_t own, struct mls_private_path *priv)
{
    forget_replaced(t, NULL, own, priv);
}

int mls_path_install(const struct mls_tree *t, struct crypto *c, uint32_t own, uint32_t signer,
                     const struct secret *path_secret, struct mls_private_path *priv)
{
    struct mls_filtered_path path;
    struct secret commit_secret = {0};
    uint32_t meeting = tm_common_level(own, signer);
    int rv = CONCLAVE_EPATH;
    mls_tree_filtered_path(t, signer, &path);
    for (uint32_t i = 0; i < path.n; i++) {
        if (tm_level(path.step[i].node) != meeting)
            continue;
        rv = 0; /* each node from here on must be there to hold a key */
        for (uint32_t k = i; rv == 0 && k < path.n; k++)
            if (mls_tree_is_blank(t, path.step[k].node))
                rv = CONCLAVE_EPATH;
        if (rv == 0)
            rv = climb(t, c, &path, i, path_secret, priv, &commit_secret);
        break;
    }
    secret_wipe(&commit_secret);
    return rv;
}

const struct secret *mls_path_secret_for(const struct mls_filtered_path *path,
                                         const struct mls_path_secrets *secrets, uint32_t leaf)
{
    for (uint32_t i = 0; i < path->n; i++)
        if (tm_is_below(leaf, path->step[i].node))
            return &secrets->secret[i];
    return NULL;
}
