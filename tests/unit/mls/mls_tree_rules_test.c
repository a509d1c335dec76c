/* RFC 9420 7 and 12.4.3.1: a ratchet tree from outside. A member signs a GroupInfo for a tree with
 * one thing wrong; the tree hash is made to fit, so that it is not what gives it away.
 */
#include <string.h>

#include "mls/extension.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

#define NODES 31

/* A tree taken apart: each node as optional<Node>. */
struct nodes {
    struct buf all;
    struct buf node[NODES];
    size_t n;
};

static void take_apart(struct mls_group *g, struct nodes *out)
{
    *out = (struct nodes){0};
    assert_int_equal(mls_group_tree(g, &out->all), 0);
    struct reader whole = reader_of(buf_view(&out->all)), r = read_sub(&whole);
    while (reader_left(&r) != 0) {
        const uint8_t *start = r.p;
        assert_true(out->n < NODES);
        assert_int_equal(mls_tree_skip_node(&r), 0);
        buf_put(&out->node[out->n++], read_since(&r, start));
    }
}

static void put_together(const struct nodes *t, struct buf *out)
{
    buf_clear(out);
    size_t mark = write_vec_begin(out);
    for (size_t i = 0; i < t->n; i++)
        buf_put(out, buf_view(&t->node[i]));
    write_vec_end(out, mark);
    assert_int_equal(buf_check(out), 0);
}

static void nodes_free(struct nodes *t)
{
    buf_free(&t->all);
    for (size_t i = 0; i < NODES; i++)
        buf_free(&t->node[i]);
}

static void blank(struct nodes *t, size_t i)
{
    buf_clear(&t->node[i]);
    write_u8(&t->node[i], 0);
}

static bool is_blank(const struct nodes *t, size_t i)
{
    return t->node[i].p[0] == 0;
}

struct parent {
    struct bytes key, parent_hash;
    uint32_t unmerged[8];
    size_t n;
};

static struct parent parent_of(const struct nodes *t, size_t i)
{
    struct parent p = {0};
    struct reader r = reader_of(buf_view(&t->node[i]));
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u8(&r), 2);
    p.key = read_vec(&r);
    p.parent_hash = read_vec(&r);
    struct reader list = read_sub(&r);
    while (reader_left(&list) != 0)
        p.unmerged[p.n++] = read_u32(&list);
    assert_int_equal(reader_end(&r), 0);
    return p;
}

static void set_parent(struct nodes *t, size_t i, const struct parent *p)
{
    struct buf b = {0};
    write_u8(&b, 1);
    write_u8(&b, 2);
    write_vec(&b, p->key);
    write_vec(&b, p->parent_hash);
    size_t mark = write_vec_begin(&b);
    for (size_t k = 0; k < p->n; k++)
        write_u32(&b, p->unmerged[k]);
    write_vec_end(&b, mark);
    buf_move(&t->node[i], &b);
}

static struct mls_leaf leaf_of(const struct nodes *t, uint32_t i)
{
    struct mls_leaf leaf;
    int error = 0;
    struct reader r = reader_of(buf_view(&t->node[2 * (size_t)i]));
    assert_int_equal(read_u8(&r), 1);
    assert_int_equal(read_u8(&r), 1);
    mls_leaf_read(&r, &leaf, &error);
    assert_int_equal(reader_end(&r), 0);
    return leaf;
}

static void set_leaf(struct nodes *t, uint32_t i, const struct mls_leaf_content *c,
                     struct crypto_signer *signer, uint32_t index)
{
    struct buf b = {0};
    write_u8(&b, 1);
    write_u8(&b, 1);
    assert_int_equal(mls_leaf_sign(c, signer, bytes_str("the group"), index, &b), 0);
    buf_move(&t->node[2 * (size_t)i], &b);
}

/* Eight members with paths, and unmerged leaves: 2 and 4 left and came back. The parents right
 * above them, 5 and 9, are blank; all others are not. */
struct scene {
    struct world w;
    struct buf info; /* the honest GroupInfo, without the tree */
    struct nodes t;
};

static void begin(struct scene *s)
{
    *s = (struct scene){0};
    world_init(&s->w);
    world_group(&s->w, 8);
    for (size_t i = 0; i < 8; i++)
        world_commit(&s->w, i, NULL, 0);
    struct mls_change remove[2] = {mls_remove(2), mls_remove(4)};
    world_commit(&s->w, 0, remove, 2);
    world_commit(&s->w, 5, NULL, 0);
    world_commit(&s->w, 7, NULL, 0);
    world_join(&s->w, 0, 2);
    world_join(&s->w, 0, 4);
    assert_int_equal(mls_group_info(s->w.actor[0].group, MLS_INFO_EXTERNAL_PUB, &s->info), 0);
    take_apart(s->w.actor[0].group, &s->t);
    assert_int_equal(s->t.n, 15);
    assert_int_equal(parent_of(&s->t, 7).n, 2); /* the root: 2 and 4 */
    assert_int_equal(parent_of(&s->t, 3).n, 1);
    assert_int_equal(parent_of(&s->t, 11).n, 1);
    assert_int_equal(s->t.node[5].n + s->t.node[9].n, 2);
}

static void end(struct scene *s)
{
    nodes_free(&s->t);
    buf_free(&s->info);
    world_fini(&s->w);
}

/* The hash of a tree as it is, if it can be read at all. */
static bool hash_of(struct crypto *c, struct bytes encoded, uint8_t out[static CRYPTO_HASH_MAX])
{
    struct mls_tree t;
    struct reader r = reader_of(encoded);
    assert_int_equal(mls_tree_init(&t, c), 0);
    int rv = mls_tree_read(&t, &r);
    if (rv == 0)
        assert_int_equal(mls_tree_root_hash(&t, c, out), 0);
    mls_tree_fini(&t);
    return rv == 0;
}

static int load_bytes(struct scene *s, struct bytes tree)
{
    struct mls_group_info_view v;
    struct mls_public_group *p = NULL;
    struct buf message = {0};
    uint8_t hash[CRYPTO_HASH_MAX];
    assert_int_equal(mls_group_info_parse(buf_view(&s->info), &v), 0);
    struct forge_info f = forge_info_of(&v, s->w.actor[0].signer);
    if (hash_of(s->w.crypto, tree, hash))
        f.context.tree_hash = bytes_of(hash, 32);
    forge_info_message(&f, &message);
    int rv = mls_public_group_new(1, &s->w.config.callbacks, &s->w.config.policy,
                                  buf_view(&message), tree, WORLD_NOW, &p);
    assert_true((rv == 0) == (p != NULL));
    mls_public_group_free(p);
    buf_free(&message);
    return rv;
}

static int load(struct scene *s)
{
    struct buf tree = {0};
    put_together(&s->t, &tree);
    int rv = load_bytes(s, buf_view(&tree));
    buf_free(&tree);
    return rv;
}

static void is_refused(struct scene *s, int error)
{
    assert_string_equal(conclave_error_name(load(s)), conclave_error_name(error));
    nodes_free(&s->t);
    take_apart(s->w.actor[0].group, &s->t);
}

static void put_together_unchanged_it_is_taken(void **state)
{
    (void)state;
    struct scene s;
    struct buf tree = {0};
    begin(&s);
    put_together(&s.t, &tree);
    assert_true(bytes_equal(buf_view(&tree), buf_view(&s.t.all)));
    assert_int_equal(load(&s), 0);
    buf_free(&tree);
    end(&s);
}

/* ---- The array ---- */

/* RFC 9420 12.4.3.3-1, 12.4.3.3-2, 12.4.3.3-4 */
static void the_last_node_is_a_leaf_that_is_there(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    blank(&s.t, 14);
    is_refused(&s, CONCLAVE_ETREE);
    blank(&s.t, s.t.n++); /* a blank too many: an even number, too */
    is_refused(&s, CONCLAVE_ETREE);
    blank(&s.t, s.t.n++);
    blank(&s.t, s.t.n++);
    is_refused(&s, CONCLAVE_ETREE);
    s.t.n = 14; /* ends with a parent */
    is_refused(&s, CONCLAVE_ETREE);
    s.t.n = 0;
    is_refused(&s, CONCLAVE_ETREE);
    end(&s);
}

/* RFC 9420 12.4.3.3-1, 12.4.3.3-2: what we write ends with a leaf, and is completed in reading */
static void blanks_at_the_end_are_left_out(void **state)
{
    (void)state;
    struct world w;
    struct nodes t;
    struct mls_tree tree;
    world_init(&w);
    world_group(&w, 5);
    take_apart(w.actor[0].group, &t);
    assert_int_equal(t.n, 9);
    struct reader r = reader_of(buf_view(&t.all));
    assert_int_equal(mls_tree_init(&tree, w.crypto), 0);
    assert_int_equal(mls_tree_read(&tree, &r), 0);
    assert_int_equal(tree.width, 8);
    mls_tree_fini(&tree);
    nodes_free(&t);
    world_fini(&w);
}

/* RFC 9420 12.4.3.3-3 */
static void leaves_and_parents_alternate(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    buf_clear(&s.t.node[3]);
    buf_put(&s.t.node[3], buf_view(&s.t.node[2]));
    blank(&s.t, 2);
    is_refused(&s, CONCLAVE_ETREE);
    buf_clear(&s.t.node[2]);
    buf_put(&s.t.node[2], buf_view(&s.t.node[3]));
    blank(&s.t, 3);
    is_refused(&s, CONCLAVE_ETREE);
    end(&s);
}

/* RFC 9420 2.1.1-1, 7.8-1 */
static void a_node_is_there_or_not(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    for (unsigned v = 2; v < 256; v += 23) {
        s.t.node[3].p[0] = (uint8_t)v;
        is_refused(&s, CONCLAVE_ESYNTAX);
        s.t.node[3].p[1] = (uint8_t)(v + 1); /* node_type */
        is_refused(&s, CONCLAVE_ESYNTAX);
    }
    end(&s);
}

/* RFC 9420 12.4.3.1-12, 12.4.3.3-5 */
static void another_tree_than_promised_is_refused(void **state)
{
    (void)state;
    struct scene s;
    struct mls_public_group *p = NULL;
    struct buf other = {0};
    begin(&s);
    world_commit(&s.w, 2, NULL, 0);
    assert_int_equal(mls_group_tree(s.w.actor[0].group, &other), 0);
    assert_int_equal(mls_public_group_new(1, &s.w.config.callbacks, NULL, buf_view(&s.info),
                                          buf_view(&other), WORLD_NOW, &p),
                     CONCLAVE_ETREEHASH);
    buf_free(&other);
    end(&s);
}

/* Every end that comes too early. */
static void a_tree_cut_short_is_refused(void **state)
{
    (void)state;
    struct scene s;
    struct buf tree = {0};
    begin(&s);
    put_together(&s.t, &tree);
    for (size_t n = 1; n < tree.n; n++)
        assert_int_equal(load_bytes(&s, bytes_of(tree.p, n)), CONCLAVE_ESYNTAX);
    buf_put_zero(&tree, 1);
    assert_int_equal(load_bytes(&s, buf_view(&tree)), CONCLAVE_ESYNTAX);
    buf_free(&tree);
    end(&s);
}

/* ---- Unmerged leaves ---- */

/* RFC 9420 7.1-1 */
static void unmerged_leaves_are_in_increasing_order(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct parent p = parent_of(&s.t, 7);
    p.unmerged[0] = 4;
    p.unmerged[1] = 2;
    set_parent(&s.t, 7, &p);
    is_refused(&s, CONCLAVE_ETREE);
    p = parent_of(&s.t, 7);
    p.unmerged[1] = 2; /* twice */
    set_parent(&s.t, 7, &p);
    is_refused(&s, CONCLAVE_ETREE);
    end(&s);
}

/* RFC 9420 12.4.3.1-15 */
static void unmerged_leaves_are_below_and_not_blank(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct parent p = parent_of(&s.t, 3);
    p.unmerged[0] = 6; /* not below */
    set_parent(&s.t, 3, &p);
    is_refused(&s, CONCLAVE_ETREE);
    p = parent_of(&s.t, 3);
    p.unmerged[0] = 99; /* nowhere */
    set_parent(&s.t, 3, &p);
    is_refused(&s, CONCLAVE_ETREE);
    blank(&s.t, 8); /* leaf 4, which two nodes list */
    is_refused(&s, CONCLAVE_ETREE);
    end(&s);
}

/* RFC 9420 12.4.3.1-16 */
static void nodes_between_list_the_leaf_too(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct parent p = parent_of(&s.t, 3);
    p.n = 0; /* while the root lists 2 */
    set_parent(&s.t, 3, &p);
    is_refused(&s, CONCLAVE_ETREE);
    p = parent_of(&s.t, 11);
    p.n = 0;
    set_parent(&s.t, 11, &p);
    is_refused(&s, CONCLAVE_ETREE);
    end(&s);
}

/* ---- Keys ---- */

/* RFC 9420 12.4.3.1-17, 7.3-14, 7.3-15, 16.7-1 */
static void every_key_is_there_once(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct parent p = parent_of(&s.t, 1);
    p.key = leaf_of(&s.t, 5).encryption_key;
    set_parent(&s.t, 1, &p);
    is_refused(&s, CONCLAVE_EDUPLICATE);
    p = parent_of(&s.t, 1);
    p.key = parent_of(&s.t, 7).key;
    set_parent(&s.t, 1, &p);
    is_refused(&s, CONCLAVE_EDUPLICATE);
    struct mls_leaf leaf = leaf_of(&s.t, 5);
    struct mls_leaf_content c = forge_leaf_content(&leaf);
    c.encryption_key = leaf_of(&s.t, 0).encryption_key;
    set_leaf(&s.t, 5, &c, s.w.actor[5].signer, 5);
    is_refused(&s, CONCLAVE_EDUPLICATE);
    leaf = leaf_of(&s.t, 5);
    c = forge_leaf_content(&leaf);
    c.signature_key = leaf_of(&s.t, 0).signature_key;
    set_leaf(&s.t, 5, &c, s.w.actor[0].signer, 5);
    is_refused(&s, CONCLAVE_EDUPLICATE);
    end(&s);
}

/* RFC 9420 10-3, 7.3-3 */
static void keys_are_of_the_suites_size(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct parent p = parent_of(&s.t, 1);
    p.key.n--;
    set_parent(&s.t, 1, &p);
    is_refused(&s, CONCLAVE_EKEY);
    p = parent_of(&s.t, 1);
    p.key.n = 0;
    set_parent(&s.t, 1, &p);
    is_refused(&s, CONCLAVE_ETREE);
    end(&s);
}

/* ---- Parent hashes ---- */

/* RFC 9420 12.4.3.1-13, 7.9.2-2, 7.9.2-4 */
static void a_parent_that_nothing_links_to_is_refused(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    for (size_t i = 1; i < 15; i += 2) { /* another key, so another hash */
        uint8_t key[32] = {9};
        if (is_blank(&s.t, i))
            continue;
        struct parent p = parent_of(&s.t, i);
        p.key = bytes_of(key, 32);
        set_parent(&s.t, i, &p);
        is_refused(&s, CONCLAVE_EPARENTHASH);
    }
    end(&s);
}

/* RFC 9420 7.9.2-2: the field of the node below, changed */
static void a_link_with_another_hash_is_refused(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    for (size_t i = 1; i < 15; i += 2) {
        uint8_t hash[32] = {9};
        if (is_blank(&s.t, i))
            continue;
        struct parent p = parent_of(&s.t, i);
        if (p.parent_hash.n == 0)
            p.parent_hash = bytes_of(hash, 32); /* the root's */
        else
            p.parent_hash.n = 0;
        set_parent(&s.t, i, &p);
        is_refused(&s, CONCLAVE_EPARENTHASH);
    }
    for (uint32_t i = 0; i < 8; i++) {
        struct mls_leaf leaf = leaf_of(&s.t, i);
        struct mls_leaf_content c = forge_leaf_content(&leaf);
        if (c.source != LEAF_COMMIT)
            continue;
        c.parent_hash = bytes_of(NULL, 0);
        set_leaf(&s.t, i, &c, s.w.actor[i].signer, i);
        /* its own link is broken, or that of the node whose sibling's hash it is in */
        is_refused(&s, CONCLAVE_EPARENTHASH);
    }
    end(&s);
}

/* RFC 9420 7.9-2, 7.9.2-3: a member that is smuggled in as if it had been merged */
static void a_leaf_that_no_path_covers_is_refused(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    const size_t above[] = {7, 11};
    for (size_t i = 0; i < 2; i++) { /* leaf 4 is taken out of both lists */
        struct parent p = parent_of(&s.t, above[i]);
        for (size_t k = 0; k < p.n; k++)
            if (p.unmerged[k] == 4)
                p.unmerged[k] = p.unmerged[--p.n];
        set_parent(&s.t, above[i], &p);
    }
    is_refused(&s, CONCLAVE_EPARENTHASH);
    end(&s);
}

/* RFC 9420 7.9.2-3: and one that is listed though the parent knows it */
static void a_merged_leaf_is_not_listed_as_unmerged(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    const size_t above[] = {7, 3, 1};
    for (size_t i = 0; i < 3; i++) {
        struct parent p = parent_of(&s.t, above[i]);
        memmove(p.unmerged + 1, p.unmerged, p.n * sizeof p.unmerged[0]);
        p.unmerged[0] = 1;
        p.n++;
        set_parent(&s.t, above[i], &p);
    }
    is_refused(&s, CONCLAVE_EPARENTHASH);
    end(&s);
}

/* RFC 9420 7.9.2-1: a parent with nothing below it cannot be linked */
static void a_parent_over_nothing_is_refused(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    blank(&s.t, 0);
    blank(&s.t, 2); /* leaves 0 and 1, below node 1 */
    is_refused(&s, CONCLAVE_EPARENTHASH);
    end(&s);
}

/* ---- Leaves ---- */

static void leaf_is_refused(struct scene *s, uint32_t i, const struct mls_leaf_content *c,
                            struct crypto_signer *signer, uint32_t index, int error)
{
    set_leaf(&s->t, i, c, signer, index);
    is_refused(s, error);
}

/* RFC 9420 12.4.3.1-14, 7.3-2..9: leaf 4, which no parent hash covers */
static void every_leaf_is_valid(void **state)
{
    (void)state;
    struct scene s;
    struct buf list = {0};
    begin(&s);
    struct crypto_signer *signer = s.w.actor[4].signer;
    struct mls_leaf leaf = leaf_of(&s.t, 4);
    struct mls_leaf_content right = forge_leaf_content(&leaf), c = right;
    struct buf kept = {0};
    buf_put(&kept, leaf.raw); /* the nodes are made anew after each refusal */
    struct reader r = reader_of(buf_view(&kept));
    int error = 0;
    mls_leaf_read(&r, &leaf, &error);
    right = forge_leaf_content(&leaf);
    leaf_is_refused(&s, 4, &right, s.w.actor[3].signer, 4, CONCLAVE_ESIGNATURE);
    c = right;
    c.capabilities.suites = bytes_of(NULL, 0);
    leaf_is_refused(&s, 4, &c, signer, 4, CONCLAVE_ECAPABILITY);
    c = right;
    c.capabilities.versions = bytes_of(NULL, 0);
    leaf_is_refused(&s, 4, &c, signer, 4, CONCLAVE_ECAPABILITY);
    c = right;
    c.capabilities.credentials = bytes_of(NULL, 0);
    leaf_is_refused(&s, 4, &c, signer, 4, CONCLAVE_ECAPABILITY);
    c = right;
    forge_extension(bytes_of(NULL, 0), 0xf001, bytes_str("x"), &list);
    c.extensions = buf_view(&list);
    leaf_is_refused(&s, 4, &c, signer, 4, CONCLAVE_ECAPABILITY);
    c = right;
    c.encryption_key.n--;
    leaf_is_refused(&s, 4, &c, signer, 4, CONCLAVE_EKEY);
    c = right;
    c.not_after = c.not_before + s.w.config.policy.max_lifetime + 1; /* RFC 9420 7.2-6 */
    leaf_is_refused(&s, 4, &c, signer, 4, CONCLAVE_ELIFETIME);
    c = right;
    c.source = LEAF_UPDATE; /* which binds it to its place */
    leaf_is_refused(&s, 4, &c, signer, 5, CONCLAVE_ESIGNATURE);
    set_leaf(&s.t, 4, &c, signer, 4);
    assert_int_equal(load(&s), 0);
    buf_free(&list);
    buf_free(&kept);
    end(&s);
}

/* RFC 9420 7.3-8: whether an expired leaf is fatal is the application's policy */
static void an_expired_leaf_is_a_matter_of_policy(void **state)
{
    (void)state;
    struct scene s;
    begin(&s);
    struct mls_leaf leaf = leaf_of(&s.t, 4);
    struct mls_leaf_content c = forge_leaf_content(&leaf);
    c.not_before = WORLD_NOW - 10;
    c.not_after = WORLD_NOW - 1;
    set_leaf(&s.t, 4, &c, s.w.actor[4].signer, 4);
    assert_int_equal(load(&s), 0);
    s.w.config.policy.accept_expired_tree = false;
    is_refused(&s, CONCLAVE_ELIFETIME);
    assert_int_equal(load(&s), 0);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_together_unchanged_it_is_taken),
        cmocka_unit_test(the_last_node_is_a_leaf_that_is_there),
        cmocka_unit_test(blanks_at_the_end_are_left_out),
        cmocka_unit_test(leaves_and_parents_alternate),
        cmocka_unit_test(a_node_is_there_or_not),
        cmocka_unit_test(another_tree_than_promised_is_refused),
        cmocka_unit_test(a_tree_cut_short_is_refused),
        cmocka_unit_test(unmerged_leaves_are_in_increasing_order),
        cmocka_unit_test(unmerged_leaves_are_below_and_not_blank),
        cmocka_unit_test(nodes_between_list_the_leaf_too),
        cmocka_unit_test(every_key_is_there_once),
        cmocka_unit_test(keys_are_of_the_suites_size),
        cmocka_unit_test(a_parent_that_nothing_links_to_is_refused),
        cmocka_unit_test(a_link_with_another_hash_is_refused),
        cmocka_unit_test(a_leaf_that_no_path_covers_is_refused),
        cmocka_unit_test(a_merged_leaf_is_not_listed_as_unmerged),
        cmocka_unit_test(a_parent_over_nothing_is_refused),
        cmocka_unit_test(every_leaf_is_valid),
        cmocka_unit_test(an_expired_leaf_is_a_matter_of_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
