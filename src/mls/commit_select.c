/* RFC 9420 12.4: which of the received proposals go into a commit of ours. All that are valid
 * should; where two exclude each other section 12.2 says which to prefer. */
#include "mls/commit_select.h"

#include <stdlib.h>

#include "base/siphash.h"
#include "base/u32map.h"
#include "mls/extension.h"
#include "wire/writer.h"

/* What has been chosen for a leaf, and the newcomers' signature keys (as short hashes: two that
 * collide are taken for the same, and the second waits for the next commit). */
struct chosen {
    struct u32map leaves; /* leaf -> the proposal */
    struct u32map adds;   /* hash of signature key -> anything */
    uint8_t hash_key[16];
    bool extensions, anything;
};

static uint32_t key_hash(const struct chosen *c, struct bytes key)
{
    return (uint32_t)siphash(c->hash_key, key);
}

static bool is_removal(uint16_t type)
{
    return type == MLS_REMOVE || type == MLS_SELF_REMOVE;
}

static int note_change(struct chosen *c, const struct mls_change *change)
{
    c->anything = true;
    if (change->type == MLS_GROUP_CONTEXT_EXTENSIONS)
        c->extensions = true;
    if (change->type == MLS_REMOVE)
        return u32map_put(&c->leaves, change->leaf, c);
    if (change->type == MLS_ADD) {
        struct mls_key_package_view kp;
        if (mls_key_package_parse(change->bytes, &kp) != 0)
            return 0; /* said when it is encoded */
        return u32map_put(&c->adds, key_hash(c, kp.leaf.signature_key), c);
    }
    return 0;
}

/* The leaf that an Update, Remove or SelfRemove is about. */
static uint32_t target(const struct mls_cached *e)
{
    return e->proposal.type == MLS_REMOVE ? e->proposal.removed : e->sender.index;
}

static int choose_for_leaf(struct chosen *c, const struct mls_cached *e, bool *out)
{
    const struct mls_cached *other = u32map_get(&c->leaves, target(e));
    *out = other == NULL;
    return *out ? u32map_put(&c->leaves, target(e), (void *)(uintptr_t)e) : 0;
}

static int choose_add(struct chosen *c, const struct mls_public_group *g,
                      const struct mls_cached *e, bool *out)
{
    struct bytes key = e->proposal.add.leaf.signature_key;
    *out = !mls_tree_has_signature_key(&g->tree, key) &&
           u32map_get(&c->adds, key_hash(c, key)) == NULL;
    return *out ? u32map_put(&c->adds, key_hash(c, key), c) : 0;
}

/* One proposal: whether it goes in. ReInit is left for last. */
static int choose(struct chosen *c, const struct mls_public_group *g, uint32_t own,
                  const struct mls_cached *e, bool *out)
{
    bool own_leaf = e->sender.type == MLS_SENDER_MEMBER && e->sender.index == own;
    uint16_t type = e->proposal.type;
    *out = true;
    switch (type) {
    case MLS_UPDATE: /* RFC 9420 12.2-4 */
    case MLS_SELF_REMOVE:
        *out = false;
        return own_leaf ? 0 : choose_for_leaf(c, e, out);
    case MLS_REMOVE: /* RFC 9420 12.2-5: others will have to commit our removal */
        *out = false;
        return e->proposal.removed == own || mls_tree_leaf(&g->tree, e->proposal.removed) == NULL
                   ? 0
                   : choose_for_leaf(c, e, out);
    case MLS_ADD:
        return choose_add(c, g, e, out);
    case MLS_GROUP_CONTEXT_EXTENSIONS: /* RFC 9420 12.2-10 */
        *out = !c->extensions;
        c->extensions = true;
        return 0;
    case MLS_REINIT:
        *out = false;
        return 0;
    default:
        return 0;
    }
}

static void write_ref(struct buf *out, const struct mls_cached *e, size_t nh)
{
    write_u8(out, 2); /* reference */
    write_vec(out, bytes_of(e->ref, nh));
}

/* RFC 9420 12.2-6: removals first, so that they win over updates; then the rest, newest first for
 * each leaf. What is chosen is marked, and written in order of arrival. */
static int select_all(struct chosen *c, const struct mls_public_group *g, uint32_t own,
                      const struct mls_cached *const *list, size_t n, bool *marks)
{
    int rv = 0;
    for (size_t i = n; rv == 0 && i-- > 0;)
        if (is_removal(list[i]->proposal.type))
            rv = choose(c, g, own, list[i], &marks[i]);
    for (size_t i = n; rv == 0 && i-- > 0;)
        if (!is_removal(list[i]->proposal.type))
            rv = choose(c, g, own, list[i], &marks[i]);
    return rv;
}

static void write_marked(struct chosen *c, size_t nh, const struct mls_cached *const *list,
                         const bool *marks, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        if (marks[i]) {
            write_ref(out, list[i], nh);
            c->anything = true;
        }
    /* RFC 9420 12.2-11: a ReInit stands alone, and gives way to anything else */
    for (size_t i = 0; i < n && !c->anything; i++)
        if (list[i]->proposal.type == MLS_REINIT) {
            write_ref(out, list[i], nh);
            c->anything = true;
        }
}

int mls_commit_select(const struct mls_public_group *g, uint32_t own,
                      const struct mls_change *changes, size_t n_changes, struct buf *out)
{
    struct chosen c = {0};
    size_t n = g->cache.n, nh = g->crypto->suite->nh;
    const struct mls_cached **list =
        (const struct mls_cached **)calloc(n + 1, sizeof(const struct mls_cached *));
    bool *marks = calloc(n + 1, sizeof *marks);
    int rv = list == NULL || marks == NULL ? CONCLAVE_ENOMEM : 0;
    if (rv == 0)
        rv = crypto_random(g->crypto, c.hash_key, sizeof c.hash_key);
    for (size_t i = 0; rv == 0 && i < n_changes; i++)
        rv = note_change(&c, &changes[i]);
    if (rv == 0) {
        mls_cache_in_order(&g->cache, list);
        rv = select_all(&c, g, own, list, n, marks);
    }
    if (rv == 0) {
        write_marked(&c, nh, list, marks, n, out);
        rv = buf_check(out);
    }
    u32map_fini(&c.leaves);
    u32map_fini(&c.adds);
    free((void *)list);
    free(marks);
    return rv;
}
