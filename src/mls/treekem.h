/* RFC 9420 7.4 to 7.6: fresh keys along a leaf's path, and getting them to everybody else.
 *
 * The public half (treekem_public.c) puts the new public keys and parent hashes into the tree. The
 * secret half (treekem.c) makes path secrets, encrypts and decrypts them.
 */
#ifndef MLS_TREEKEM_H
#define MLS_TREEKEM_H

#include "mls/commit.h"
#include "mls/tree.h"

/* A member's private keys by level: 0 is its leaf, k the ancestor k levels up. n == 0: unknown. */
struct mls_private_path {
    struct secret key[LIMIT_MLS_LEVELS];
};
void mls_private_path_wipe(struct mls_private_path *p);

/* Path secrets along a filtered path; secret[n] is the commit secret (RFC 9420 12.4.1-3). */
struct mls_path_secrets {
    struct secret secret[LIMIT_MLS_LEVELS + 1];
};

/* RFC 9420 7.5, "merges UpdatePath into the tree" without the leaf: blanks the direct path, sets
 * the filtered path's keys and parent hashes. keys: one for each step. out: nh bytes, the parent
 * hash that the leaf must have; *out_n is 0 for a tree of one. EPATH, EDUPLICATE. */
int mls_path_merge(struct mls_tree *t, struct crypto *c, uint32_t leaf,
                   const struct mls_filtered_path *path, const struct bytes *keys,
                   uint8_t out[static CRYPTO_HASH_MAX], size_t *out_n) CONCLAVE_CHECKED;

/* Public keys and private keys for a path, from a random first path secret. pub: n * npk bytes.
 * priv: the keys at the levels of the path's nodes are replaced, other levels above 0 erased. */
int mls_path_generate(struct crypto *c, const struct mls_filtered_path *path,
                      struct mls_path_secrets *out_secrets, uint8_t *pub,
                      struct mls_private_path *priv) CONCLAVE_CHECKED;

/* Encrypts the path secrets to the copath resolutions; writes UpdatePathNode nodes<V>. context:
 * the provisional GroupContext. added: leaves added by the same commit, sorted. */
int mls_path_encrypt(const struct mls_tree *t, struct crypto *c,
                     const struct mls_filtered_path *path, const struct mls_path_secrets *secrets,
                     const struct u32s *added, struct bytes context,
                     struct buf *out) CONCLAVE_CHECKED;

/* Finds, decrypts and checks what a commit's path has for `own` leaf; priv is brought up to date
 * with the tree, which has the new path already. EPATH, EDECRYPT. */
int mls_path_decrypt(const struct mls_tree *t, struct crypto *c,
                     const struct mls_filtered_path *path, const struct mls_commit_view *commit,
                     uint32_t own, const struct u32s *added, struct bytes context,
                     struct mls_private_path *priv,
                     struct secret *out_commit_secret) CONCLAVE_CHECKED;

/* Erases private keys of nodes that are blank now, or beyond the tree. */
void mls_private_path_update(const struct mls_tree *t, uint32_t own, struct mls_private_path *priv);

/* RFC 9420 12.4.3.1-19, -20: a joiner's keys from the path secret of the node where it meets the
 * signer, up to the root. */
int mls_path_install(const struct mls_tree *t, struct crypto *c, uint32_t own, uint32_t signer,
                     const struct secret *path_secret,
                     struct mls_private_path *priv) CONCLAVE_CHECKED;

/* Shape of a received path (RFC 9420 7.6-1, 7.6-3): number of nodes and of ciphertexts. EPATH. */
int mls_path_check_shape(const struct mls_tree *t, const struct mls_filtered_path *path,
                         const struct mls_commit_view *commit, const struct u32s *added,
                         struct bytes *out_keys) CONCLAVE_CHECKED;

/* The path secret of the lowest node of a path that is above a leaf; NULL if there is none. */
const struct secret *mls_path_secret_for(const struct mls_filtered_path *path,
                                         const struct mls_path_secrets *secrets, uint32_t leaf);

#endif
