/* Ratchet trees: what proposals do to them, and what makes them valid (RFC 9420 7, 12.1). */
#include "mls_vectors.h"

#include <string.h>

#include "mls/public_group.h"
#include "wire/writer.h"

static void same_root_hash(struct vec *v, struct mls_tree *t, const json_t *e, const char *name)
{
    uint8_t hash[CRYPTO_HASH_MAX];
    if (vec_ok(v) && vec_rv(v, mls_tree_root_hash(t, v->crypto, hash), name))
        vec_same(v, bytes_of(hash, t->nh), vec_hex(v, e, name), name);
}

static void same_tree(struct vec *v, const struct mls_tree *t, struct bytes want, const char *name)
{
    struct buf *b = vec_buf(v);
    mls_tree_write(t, b);
    if (vec_rv(v, buf_check(b), name))
        vec_same(v, buf_view(b), want, name);
}

/* -- Tree operations ------------------------------------------------------------------------ */

static void fini_public_group(void *p)
{
    mls_public_group_fini(p);
}

/* A group of this tree in which the proposal has been received, so that its signatures, for which
 * the file has not what is needed, count as checked. */
static struct mls_public_group *group_of(struct vec *v, struct mls_tree *tree,
                                         struct mls_sender proposer, struct bytes proposal)
{
    struct mls_public_group *g = vec_alloc(v, sizeof *g);
    uint8_t hash[CRYPTO_HASH_MAX];
    size_t nh = v->crypto->suite->nh;
    *g = (struct mls_public_group){.crypto = v->crypto,
                                   .callbacks = {.check_identity = mls_identity_accept_any},
                                   .policy = mls_policy_default()};
    g->policy.max_lifetime = UINT64_MAX;
    g->policy.accept_expired_adds = true;
    vec_defer(v, fini_public_group, g);
    if (!vec_rv(v, mls_tree_root_hash(tree, v->crypto, hash), "tree hash"))
        return g;
    struct bytes tree_hash = bytes_of(hash, nh);
    struct bytes context = vec_context(v, bytes_str("group"), 0, tree_hash, tree_hash);
    struct mls_tree copy;
    mls_tree_clone(tree, &copy);
    if (!vec_rv(v, mls_public_group_set(g, &copy, context, tree_hash), "group"))
        mls_tree_fini(&copy);
    if (!vec_ok(v) ||
        !vec_rv(v, mls_cache_reserve(&g->cache, proposer, proposal.n), "proposal cache"))
        return g;
    struct mls_cached *cached = mls_cached_new(tree_hash, proposer, proposal);
    if (vec_true(v, cached != NULL, "out of memory"))
        mls_cache_put(&g->cache, nh, cached);
    return g;
}

/* A member that may commit the proposal: not the one that it updates or removes. */
static uint32_t find_committer(struct vec *v, const struct mls_tree *t,
                               const struct mls_proposal *p, uint32_t proposer)
{
    uint32_t target = p->type == MLS_REMOVE   ? p->removed
                      : p->type == MLS_UPDATE ? proposer
                                              : MLS_NO_LEAF;
    for (uint32_t i = 0; i < t->width; i++)
        if (i != target && mls_tree_leaf(t, i) != NULL)
            return i;
    vec_fail(v, "no member is left who could commit this");
    return MLS_NO_LEAF;
}

static void fini_staged(void *p)
{
    mls_staged_free(p);
}

static void apply(struct vec *v, struct mls_tree *before, uint32_t proposer, struct bytes encoded,
                  const json_t *e)
{
    struct reader r = reader_of(encoded);
    struct mls_proposal p;
    struct mls_staged *s = NULL;
    struct buf *list = vec_buf(v);
    int error = 0;
    mls_proposal_read(&r, &p, &error);
    if (reader_end(&r) != 0) {
        vec_rv(v, error != 0 ? error : CONCLAVE_ESYNTAX, "proposal");
        return;
    }
    struct mls_sender committer = {MLS_SENDER_MEMBER, find_committer(v, before, &p, proposer)};
    struct mls_sender sender = {MLS_SENDER_MEMBER, proposer};
    if (!vec_ok(v))
        return;
    struct mls_public_group *g = group_of(v, before, sender, encoded);
    write_u8(list, 2); /* ProposalOrRefType reference, to the one that was received */
    write_vec(list, g->view.tree_hash);
    if (!vec_ok(v) || !vec_rv(v, buf_check(list), "list of proposals") ||
        !vec_rv(v, mls_staged_begin(g, committer, buf_view(list), &s), "proposal"))
        return;
    vec_defer(v, fini_staged, s);
    if (!vec_rv(v, mls_staged_apply(g, s, 0), "applying the proposal"))
        return;
    same_tree(v, &s->tree, vec_hex(v, e, "tree_after"), "tree_after");
    if (vec_has(e, "tree_hash_after"))
        same_root_hash(v, &s->tree, e, "tree_hash_after");
}

/* cipher_suite and the hashes came later to this format. */
void vec_tree_operations(struct vec *v, const json_t *e)
{
    json_t *first = json_pack("{s:i}", "cipher_suite", CRYPTO_X25519_AES128GCM_SHA256_ED25519);
    bool suite = vec_suite(v, vec_has(e, "cipher_suite") ? e : first);
    json_decref(first);
    if (!suite)
        return;
    struct bytes encoded = vec_hex(v, e, "tree_before"), proposal = vec_hex(v, e, "proposal");
    uint32_t proposer = vec_u32(v, e, "proposal_sender");
    struct mls_tree *before = vec_read_tree(v, encoded, "tree_before");
    if (!vec_ok(v))
        return;
    same_tree(v, before, encoded, "tree_before encoded");
    if (vec_has(e, "tree_hash_before"))
        same_root_hash(v, before, e, "tree_hash_before");
    if (vec_ok(v))
        apply(v, before, proposer, proposal, e);
}

/* -- Tree validation ------------------------------------------------------------------------ */

static void fini_u32s(void *p)
{
    u32s_fini(p);
}

static void check_resolution(struct vec *v, const struct mls_tree *t, uint32_t node,
                             const json_t *want)
{
    struct u32s *got = vec_alloc(v, sizeof *got);
    vec_defer(v, fini_u32s, got);
    vec_true(v, json_is_array(want), "resolution is not a list");
    if (!vec_ok(v) || !vec_rv(v, mls_tree_resolution(t, node, NULL, got), "resolution") ||
        !vec_same_number(v, got->n, json_array_size(want), "size of the resolution"))
        return;
    for (size_t i = 0; i < got->n; i++) {
        const json_t *number = json_array_get(want, i);
        vec_same_number(v, got->p[i], vec_number_of(v, number, UINT32_MAX, "resolutions"),
                        "resolution");
    }
}

static void check_node(struct vec *v, struct mls_tree *t, uint32_t node, struct bytes group_id,
                       const json_t *hash, const json_t *resolution)
{
    uint8_t got[CRYPTO_HASH_MAX];
    const struct mls_leaf *leaf = tm_is_leaf(node) ? mls_tree_leaf(t, tm_leaf(node)) : NULL;
    vec_scope(v, "node %u", node);
    check_resolution(v, t, node, resolution);
    if (vec_rv(v, mls_tree_hash(t, v->crypto, node, got), "tree hash"))
        vec_same(v, bytes_of(got, t->nh), vec_hex_of(v, hash, "tree_hashes"), "tree hash");
    if (leaf != NULL)
        vec_rv(v, mls_leaf_verify(v->crypto, leaf, group_id, tm_leaf(node)), "leaf's signature");
    vec_scope(v, "%s", "");
}

void vec_tree_validation(struct vec *v, const json_t *e)
{
    if (!vec_suite(v, e))
        return;
    struct bytes encoded = vec_hex(v, e, "tree"), group_id = vec_hex(v, e, "group_id");
    const json_t *hashes = vec_list(v, e, "tree_hashes");
    const json_t *resolutions = vec_list(v, e, "resolutions");
    struct mls_tree *t = vec_read_tree(v, encoded, "tree");
    uint32_t n = tm_node_count(t->width);
    vec_same_number(v, n, json_array_size(hashes), "number of tree_hashes");
    vec_same_number(v, n, json_array_size(resolutions), "number of resolutions");
    for (uint32_t i = 0; vec_ok(v) && i < n; i++)
        check_node(v, t, i, group_id, json_array_get(hashes, i), json_array_get(resolutions, i));
    if (!vec_ok(v))
        return;
    vec_rv(v, mls_tree_check_structure(t, v->crypto), "structure");
    vec_rv(v, mls_tree_verify_parent_hashes(t, v->crypto), "parent hashes");
    same_tree(v, t, encoded, "tree encoded");
}
