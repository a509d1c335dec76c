/* RFC 9420 7.9: parent hashes against an oracle that does what the RFC says and nothing else: no
 * caches, no sorted lists, the original tree made by blanking a copy. The trees are those of random
 * commits of real members, and the same trees with one thing changed.
 */
#include <string.h>

#include "mls/framing.h"
#include "support/mls_forge.h"
#include "support/random.h"
#include "wire/writer.h"

#define MAX_NODES 63

/* ---- The oracle ---- */

struct plain_node {
    bool blank;
    uint8_t raw[1024]; /* LeafNode */
    size_t raw_n;
    uint8_t key[64], parent_hash[64]; /* a leaf's parent_hash, too */
    size_t key_n, parent_hash_n;
    uint32_t unmerged[64];
    size_t n_unmerged;
};

struct plain {
    struct crypto *c;
    size_t n; /* nodes, completed to a perfect tree */
    struct plain_node node[MAX_NODES];
};

static size_t level(size_t x)
{
    size_t k = 0;
    while (((x >> k) & 1) == 1)
        k++;
    return k;
}

static size_t left(size_t x)
{
    return x ^ ((size_t)1 << (level(x) - 1));
}

static size_t right(size_t x)
{
    return x ^ ((size_t)3 << (level(x) - 1));
}

static bool is_below(size_t x, size_t p)
{
    size_t span = ((size_t)1 << level(p)) - 1;
    return x >= p - span && x <= p + span;
}

static void read_tree(struct bytes encoded, struct crypto *c, struct plain *t)
{
    struct reader whole = reader_of(encoded), r = read_sub(&whole);
    memset(t, 0, sizeof *t);
    t->c = c;
    for (; reader_left(&r) != 0; t->n++) {
        struct plain_node *x = &t->node[t->n];
        assert_true(t->n < MAX_NODES);
        x->blank = read_u8(&r) == 0;
        if (x->blank)
            continue;
        if (read_u8(&r) == 1) {
            struct mls_leaf leaf;
            int error = 0;
            mls_leaf_read(&r, &leaf, &error);
            assert_true(leaf.raw.n <= sizeof x->raw);
            memcpy(x->raw, leaf.raw.p, x->raw_n = leaf.raw.n);
            memcpy(x->key, leaf.encryption_key.p, x->key_n = leaf.encryption_key.n);
            if (leaf.parent_hash.n != 0)
                memcpy(x->parent_hash, leaf.parent_hash.p, x->parent_hash_n = leaf.parent_hash.n);
            continue;
        }
        struct bytes key = read_vec(&r), hash = read_vec(&r);
        memcpy(x->key, key.p, x->key_n = key.n);
        if (hash.n != 0)
            memcpy(x->parent_hash, hash.p, x->parent_hash_n = hash.n);
        struct reader list = read_sub(&r);
        while (reader_left(&list) != 0)
            x->unmerged[x->n_unmerged++] = read_u32(&list);
    }
    assert_int_equal(reader_end(&r), 0);
    size_t full = 1;
    while (full < t->n)
        full = 2 * full + 1;
    for (; t->n < full; t->n++)
        t->node[t->n].blank = true;
}

/* RFC 9420 7.8 */
static void tree_hash(const struct plain *t, size_t x, uint8_t *out)
{
    struct buf b = {0};
    const struct plain_node *node = &t->node[x];
    uint8_t child[64];
    size_t nh = t->c->suite->nh;
    if (x % 2 == 0) {
        write_u8(&b, 1);
        write_u32(&b, (uint32_t)(x / 2));
        write_u8(&b, !node->blank);
        if (!node->blank)
            buf_put(&b, bytes_of(node->raw, node->raw_n));
    } else {
        write_u8(&b, 2);
        write_u8(&b, !node->blank);
        if (!node->blank) {
            write_vec(&b, bytes_of(node->key, node->key_n));
            write_vec(&b, bytes_of(node->parent_hash, node->parent_hash_n));
            size_t mark = write_vec_begin(&b);
            for (size_t i = 0; i < node->n_unmerged; i++)
                write_u32(&b, node->unmerged[i]);
            write_vec_end(&b, mark);
        }
        tree_hash(t, left(x), child);
        write_vec(&b, bytes_of(child, nh));
        tree_hash(t, right(x), child);
        write_vec(&b, bytes_of(child, nh));
    }
    struct bytes input = buf_view(&b);
    assert_int_equal(crypto_hash(t->c, &input, 1, out), 0);
    buf_free(&b);
}

/* RFC 9420 7.9: the parent hash of P with copath child S. The original sibling tree hash is the
 * tree hash of S in the tree in which, for each leaf L in P.unmerged_leaves, L is blank and is in
 * no unmerged_leaves. */
static void parent_hash(const struct plain *t, size_t p, size_t s, uint8_t *out)
{
    static struct plain original;
    uint8_t sibling[64];
    struct buf b = {0};
    original = *t;
    for (size_t i = 0; i < t->node[p].n_unmerged; i++) {
        uint32_t gone = t->node[p].unmerged[i];
        original.node[2 * (size_t)gone].blank = true;
        for (size_t x = 1; x < t->n; x += 2) {
            struct plain_node *node = &original.node[x];
            size_t kept = 0;
            for (size_t k = 0; k < node->n_unmerged; k++)
                if (node->unmerged[k] != gone)
                    node->unmerged[kept++] = node->unmerged[k];
            node->n_unmerged = kept;
        }
    }
    tree_hash(&original, s, sibling);
    write_vec(&b, bytes_of(t->node[p].key, t->node[p].key_n));
    write_vec(&b, bytes_of(t->node[p].parent_hash, t->node[p].parent_hash_n));
    write_vec(&b, bytes_of(sibling, t->c->suite->nh));
    struct bytes input = buf_view(&b);
    assert_int_equal(crypto_hash(t->c, &input, 1, out), 0);
    buf_free(&b);
}

/* RFC 9420 4.1.1 */
static size_t resolution(const struct plain *t, size_t x, size_t *out)
{
    const struct plain_node *node = &t->node[x];
    size_t n = 0;
    if (!node->blank) {
        out[n++] = x;
        for (size_t i = 0; i < node->n_unmerged; i++)
            out[n++] = 2 * (size_t)node->unmerged[i];
        return n;
    }
    if (x % 2 == 0)
        return 0;
    n = resolution(t, left(x), out);
    return n + resolution(t, right(x), out + n);
}

/* RFC 9420 7.9.2: D is parent-hash valid with respect to P, C being P's child towards D. */
static bool links(const struct plain *t, size_t d, size_t p, size_t c, size_t s)
{
    size_t list[MAX_NODES], n = resolution(t, c, list);
    uint8_t hash[64];
    bool found = false;
    if (d == p || !is_below(d, p))
        return false;
    parent_hash(t, p, s, hash);
    if (t->node[d].parent_hash_n != t->c->suite->nh ||
        memcmp(t->node[d].parent_hash, hash, t->c->suite->nh) != 0)
        return false;
    size_t below = 0; /* the unmerged leaves of P below C are the resolution of C without D */
    for (size_t i = 0; i < t->node[p].n_unmerged; i++)
        below += is_below(2 * (size_t)t->node[p].unmerged[i], c);
    for (size_t i = 0; i < n; i++) {
        bool unmerged = false;
        if (list[i] == d) {
            found = true;
            continue;
        }
        for (size_t k = 0; k < t->node[p].n_unmerged; k++)
            unmerged |= list[i] == 2 * (size_t)t->node[p].unmerged[k];
        if (!unmerged)
            return false;
    }
    return found && below == n - 1;
}

/* RFC 9420 7.9.2-4 */
static bool oracle(const struct plain *t)
{
    for (size_t p = 1; p < t->n; p += 2) {
        size_t n = 0;
        if (t->node[p].blank)
            continue;
        for (size_t d = 0; d < t->n; d++) {
            if (t->node[d].blank || d == p || !is_below(d, p))
                continue;
            bool on_left = d < p;
            n += links(t, d, p, on_left ? left(p) : right(p), on_left ? right(p) : left(p));
        }
        if (n != 1)
            return false;
    }
    return true;
}

/* ---- Random groups ---- */

static size_t pick_member(struct world *w, struct random *r)
{
    for (;;) {
        size_t i = (size_t)random_below(r, w->n);
        if (w->actor[i].group != NULL && mls_group_is_member(w->actor[i].group))
            return i;
    }
}

static uint32_t members(struct world *w, struct random *r)
{
    return mls_group_member_count(w->actor[pick_member(w, r)].group);
}

/* An actor that is not in the group. */
static size_t pick_other(struct world *w, struct random *r)
{
    (void)r;
    for (size_t i = 0; i < w->n; i++)
        if (w->actor[i].group == NULL || !mls_group_is_member(w->actor[i].group))
            return i;
    return w->n;
}

static void random_step(struct world *w, struct random *r)
{
    size_t by = pick_member(w, r), other = pick_other(w, r);
    struct mls_change change;
    switch (random_below(r, 4)) {
    case 0:
        if (other < w->n)
            world_join(w, by, other);
        break;
    case 1:
        change = mls_remove(mls_group_own_leaf(w->actor[pick_member(w, r)].group));
        if (members(w, r) > 2 && change.leaf != mls_group_own_leaf(w->actor[by].group))
            world_commit(w, by, &change, 1);
        break;
    case 2:
        world_propose(w, pick_member(w, r), mls_update(), NULL);
        world_commit(w, by, NULL, 0);
        break;
    default:
        world_commit(w, by, NULL, 0);
    }
}

static bool library(struct bytes encoded, struct crypto *c)
{
    struct mls_tree t;
    struct reader r = reader_of(encoded);
    assert_int_equal(mls_tree_init(&t, c), 0);
    int rv = mls_tree_read(&t, &r);
    assert_int_equal(rv, 0);
    rv = mls_tree_verify_parent_hashes(&t, c);
    assert_true(rv == 0 || rv == CONCLAVE_EPARENTHASH);
    mls_tree_fini(&t);
    return rv == 0;
}

static void write_plain(const struct plain *t, struct buf *out)
{
    size_t n = t->n;
    while (t->node[n - 1].blank)
        n--;
    buf_clear(out);
    size_t mark = write_vec_begin(out);
    for (size_t x = 0; x < n; x++) {
        const struct plain_node *node = &t->node[x];
        write_u8(out, !node->blank);
        if (node->blank)
            continue;
        write_u8(out, x % 2 == 0 ? 1 : 2);
        if (x % 2 == 0) {
            buf_put(out, bytes_of(node->raw, node->raw_n));
            continue;
        }
        write_vec(out, bytes_of(node->key, node->key_n));
        write_vec(out, bytes_of(node->parent_hash, node->parent_hash_n));
        size_t list = write_vec_begin(out);
        for (size_t i = 0; i < node->n_unmerged; i++)
            write_u32(out, node->unmerged[i]);
        write_vec_end(out, list);
    }
    write_vec_end(out, mark);
}

/* One change that leaves the tree readable. */
static bool mutate(struct plain *t, struct random *r)
{
    size_t x = (size_t)random_below(r, t->n / 2) * 2 + 1;
    struct plain_node *p = &t->node[x];
    size_t leaf =
        (x - (((size_t)1 << level(x)) - 1)) / 2 + (size_t)random_below(r, (uint64_t)1 << level(x));
    size_t at = 0;
    if (p->blank)
        return false;
    switch (random_below(r, 5)) {
    case 0:
        p->key[0] ^= 1;
        return true;
    case 1:
        if (p->parent_hash_n == 0)
            return false;
        p->parent_hash[3] ^= 1;
        return true;
    case 2: /* no longer there */
        p->blank = true;
        return true;
    case 3: /* one unmerged leaf less */
        if (p->n_unmerged == 0)
            return false;
        p->n_unmerged--;
        return true;
    default: /* one more, in its place */
        if (t->node[2 * leaf].blank)
            return false;
        while (at < p->n_unmerged && p->unmerged[at] < leaf)
            at++;
        if (at < p->n_unmerged && p->unmerged[at] == leaf)
            return false;
        memmove(p->unmerged + at + 1, p->unmerged + at,
                (p->n_unmerged - at) * sizeof p->unmerged[0]);
        p->unmerged[at] = (uint32_t)leaf;
        p->n_unmerged++;
        return true;
    }
}

struct counts {
    size_t valid, invalid;
};

static void compare(struct world *w, struct random *r, struct counts *counts)
{
    static struct plain right, wrong;
    struct buf tree = {0};
    uint8_t hash[64], theirs[64];
    struct mls_group *g = w->actor[pick_member(w, r)].group;
    assert_int_equal(mls_group_tree(g, &tree), 0);
    read_tree(buf_view(&tree), w->crypto, &right);
    /* RFC 9420 8.1-3: the context's tree hash is this tree's */
    tree_hash(&right, right.n / 2, hash);
    assert_true(bytes_equal(bytes_of(hash, 32), g->pub.view.tree_hash));
    assert_int_equal(mls_tree_root_hash(&g->pub.tree, w->crypto, theirs), 0);
    assert_memory_equal(hash, theirs, 32);
    assert_true(oracle(&right));
    assert_true(library(buf_view(&tree), w->crypto));
    for (int i = 0; i < 12; i++) {
        wrong = right;
        if (!mutate(&wrong, r))
            continue;
        write_plain(&wrong, &tree);
        bool valid = oracle(&wrong);
        assert_int_equal(library(buf_view(&tree), w->crypto), valid);
        *(valid ? &counts->valid : &counts->invalid) += 1;
    }
    buf_free(&tree);
}

/* RFC 9420 7.9-1, 7.9-2, 7.9.2-1..5, 7.8-1, 8.1-3, 12.4.3.1-13 */
static void the_library_agrees_with_the_oracle(void **state)
{
    (void)state;
    struct counts counts = {0};
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct world w;
        struct random r = {seed};
        world_init(&w);
        for (int i = 0; i < 14; i++)
            world_actor(&w);
        world_group(&w, 2 + (size_t)random_below(&r, 8));
        for (int step = 0; step < 24; step++) {
            random_step(&w, &r);
            compare(&w, &r, &counts);
        }
        world_agrees(&w);
        world_talks(&w);
        world_fini(&w);
    }
    /* the mutations were worth looking at: most are caught, and some change nothing of weight */
    assert_true(counts.invalid > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_agrees_with_the_oracle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
