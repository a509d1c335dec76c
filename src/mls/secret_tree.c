#include "mls/secret_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/labels.h"
#include "mls/tree_math.h"
#include "wire/writer.h"

/* A key that was passed over, for a message that may still come. */
struct kept_key {
    uint32_t generation;
    uint8_t key_n;
    uint8_t key[32], nonce[CRYPTO_NONCE];
};

struct ratchet {
    struct secret secret; /* of generation `next` */
    uint32_t next;
    struct kept_key *kept; /* in order of generation */
    size_t n_kept;
};

struct leaf_ratchets {
    struct ratchet r[2];
};

/* A derivation from the lowest known secret above a leaf: the path is consumed, the siblings
 * beside it become known. */
struct descent {
    uint32_t from; /* the node whose secret is consumed */
    uint32_t n;
    uint32_t node[LIMIT_MLS_LEVELS];
    struct secret *secret[LIMIT_MLS_LEVELS]; /* owned until taken */
    struct leaf_ratchets *ratchets;
};

struct mls_ratchet_step {
    uint32_t leaf;
    enum mls_ratchet_type type;
    bool descends;
    struct descent descent;
    bool from_kept; /* the key was a kept one; only it goes */
    uint32_t generation;
    struct ratchet after; /* the ratchet as it will be */
};

static void secret_free(struct secret *s)
{
    if (s == NULL)
        return;
    secret_wipe(s);
    free(s);
}

static void ratchet_fini(struct ratchet *r)
{
    if (r->kept != NULL)
        wipe(r->kept, r->n_kept * sizeof *r->kept);
    free(r->kept);
    wipe(r, sizeof *r);
}

static void ratchets_free(struct leaf_ratchets *l)
{
    if (l == NULL)
        return;
    ratchet_fini(&l->r[0]);
    ratchet_fini(&l->r[1]);
    free(l);
}

int mls_secret_tree_init(struct mls_secret_tree *t, uint32_t width, struct secret *encryption)
{
    struct secret *root = malloc(sizeof *root);
    *t = (struct mls_secret_tree){.width = width};
    if (root == NULL || u32map_put(&t->nodes, tm_root(width), root) != 0) {
        free(root);
        return CONCLAVE_ENOMEM;
    }
    secret_move(root, encryption);
    return 0;
}

void mls_secret_tree_fini(struct mls_secret_tree *t)
{
    uint32_t key;
    void *p;
    for (size_t it = 0; (p = u32map_next(&t->nodes, &it, &key)) != NULL;)
        secret_free(p);
    for (size_t it = 0; (p = u32map_next(&t->ratchets, &it, &key)) != NULL;)
        ratchets_free(p);
    u32map_fini(&t->nodes);
    u32map_fini(&t->ratchets);
    *t = (struct mls_secret_tree){0};
}

/* ---- From the tree to a leaf ---- */

static void descent_fini(struct descent *d)
{
    for (uint32_t i = 0; i < d->n; i++)
        secret_free(d->secret[i]);
    ratchets_free(d->ratchets);
}

static int expand_child(struct crypto *c, const struct secret *parent, const char *side,
                        struct secret *out)
{
    out->n = c->suite->nh;
    return expand_with_label(c, parent, "tree", bytes_str(side), out->n, out->p);
}

/* One level down: the child on the way to the leaf replaces *current, its sibling is noted. */
static int descend_one(struct crypto *c, struct descent *d, uint32_t *node, uint32_t leaf,
                       struct secret *current)
{
    struct secret next = {0};
    bool left = tm_is_below(leaf, tm_left(*node));
    struct secret *sibling = calloc(1, sizeof *sibling);
    if (sibling == NULL)
        return CONCLAVE_ENOMEM;
    d->node[d->n] = left ? tm_right(*node) : tm_left(*node);
    d->secret[d->n++] = sibling;
    int rv = expand_child(c, current, left ? "left" : "right", &next);
    if (rv == 0)
        rv = expand_child(c, current, left ? "right" : "left", sibling);
    *node = left ? tm_left(*node) : tm_right(*node);
    secret_move(current, &next);
    return rv;
}

static int descend(struct mls_secret_tree *t, struct crypto *c, uint32_t leaf, struct descent *d)
{
    uint32_t node = tm_node(leaf);
    const struct secret *known;
    while ((known = u32map_get(&t->nodes, node)) == NULL) {
        if (node == tm_root(t->width))
            return CONCLAVE_EREPLAY; /* consumed and forgotten */
        node = tm_parent(node);
    }
    struct secret current = *known;
    int rv = 0;
    d->from = node;
    while (rv == 0 && !tm_is_leaf(node))
        rv = descend_one(c, d, &node, leaf, &current);
    d->ratchets = rv == 0 ? calloc(1, sizeof *d->ratchets) : NULL;
    if (rv == 0 && d->ratchets == NULL)
        rv = CONCLAVE_ENOMEM;
    if (rv == 0)
        rv = derive_secret(c, &current, "handshake", &d->ratchets->r[RATCHET_HANDSHAKE].secret);
    if (rv == 0)
        rv = derive_secret(c, &current, "application", &d->ratchets->r[RATCHET_APPLICATION].secret);
    secret_wipe(&current);
    return rv;
}

/* ---- Along a ratchet (RFC 9420 9.1) ---- */

static int message_key(struct crypto *c, const struct ratchet *r, struct mls_message_key *out)
{
    int rv = derive_tree_secret(c, &r->secret, "key", r->next, c->suite->nk, &out->key);
    if (rv == 0)
        rv = derive_tree_secret(c, &r->secret, "nonce", r->next, c->suite->nn, &out->nonce);
    return rv;
}

static void pack_key(const struct mls_message_key *from, struct kept_key *to)
{
    to->key_n = from->key.n;
    memcpy(to->key, from->key.p, from->key.n);
    memcpy(to->nonce, from->nonce.p, CRYPTO_NONCE);
}

static void unpack_key(const struct kept_key *from, struct mls_message_key *to)
{
    to->key.n = from->key_n;
    memcpy(to->key.p, from->key, from->key_n);
    to->nonce.n = CRYPTO_NONCE;
    memcpy(to->nonce.p, from->nonce, CRYPTO_NONCE);
}

static int advance(struct crypto *c, struct ratchet *r)
{
    int rv = derive_tree_secret(c, &r->secret, "secret", r->next, c->suite->nh, &r->secret);
    if (rv == 0)
        r->next++;
    return rv;
}

static const struct kept_key *find_kept(const struct ratchet *r, uint32_t generation)
{
    for (size_t i = 0; i < r->n_kept; i++)
        if (r->kept[i].generation == generation)
            return &r->kept[i];
    return NULL;
}

/* A copy of a ratchet with room for more kept keys than `kept`, the oldest dropped. */
static int copy_ratchet(const struct ratchet *from, uint32_t gap, uint32_t kept,
                        struct ratchet *out)
{
    size_t stored = gap < kept ? gap : kept, room = kept - stored;
    size_t old = from->n_kept < room ? from->n_kept : room;
    *out = (struct ratchet){.secret = from->secret, .next = from->next, .n_kept = old};
    if (old + stored == 0)
        return 0;
    out->kept = calloc(old + stored, sizeof *out->kept);
    if (out->kept == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < old; i++)
        out->kept[i] = from->kept[from->n_kept - old + i];
    return 0;
}

/* Runs a ratchet up to a generation, keeping the last `kept` keys on the way, and takes its key. */
static int run_to(struct crypto *c, struct ratchet *r, uint32_t generation, uint32_t kept,
                  struct mls_message_key *out)
{
    int rv = 0;
    while (rv == 0 && r->next < generation) {
        if (generation - r->next <= kept) {
            struct kept_key *k = &r->kept[r->n_kept++];
            k->generation = r->next;
            rv = message_key(c, r, out);
            pack_key(out, k);
        }
        if (rv == 0)
            rv = advance(c, r);
    }
    if (rv == 0)
        rv = message_key(c, r, out);
    return rv != 0 ? rv : advance(c, r);
}

static int find_generation(struct crypto *c, const struct ratchet *r, uint32_t ahead, uint32_t kept,
                           struct mls_ratchet_step *s, struct mls_message_key *out)
{
    if (s->generation < r->next) {
        const struct kept_key *k = find_kept(r, s->generation);
        if (k == NULL)
            return CONCLAVE_EREPLAY;
        s->from_kept = true;
        unpack_key(k, out);
        return 0;
    }
    if (s->generation - r->next > ahead || s->generation > LIMIT_MLS_GENERATION_MAX)
        return CONCLAVE_EGENERATION;
    int rv = copy_ratchet(r, s->generation - r->next, kept, &s->after);
    return rv != 0 ? rv : run_to(c, &s->after, s->generation, kept, out);
}

static int find_step(struct mls_secret_tree *t, struct crypto *c, struct mls_ratchet_step *s,
                     bool next, uint32_t ahead, uint32_t kept, struct mls_message_key *out)
{
    const struct leaf_ratchets *l = u32map_get(&t->ratchets, s->leaf);
    int rv = 0;
    if (l == NULL) {
        s->descends = true;
        rv = descend(t, c, s->leaf, &s->descent);
        /* so that taking the step cannot fail */
        if (rv == 0)
            rv = u32map_reserve(&t->nodes, LIMIT_MLS_LEVELS);
        if (rv == 0)
            rv = u32map_reserve(&t->ratchets, 1);
        l = s->descent.ratchets;
    }
    if (rv != 0)
        return rv;
    if (next)
        s->generation = l->r[s->type].next;
    if (next && s->generation > LIMIT_MLS_GENERATION_MAX) /* RFC 9420 15.2-1 */
        return CONCLAVE_EEXHAUSTED;
    return find_generation(c, &l->r[s->type], ahead, kept, s, out);
}

static int find(struct mls_secret_tree *t, struct crypto *c, uint32_t leaf,
                enum mls_ratchet_type type, bool next, uint32_t *generation, uint32_t ahead,
                uint32_t kept, struct mls_message_key *out, struct mls_ratchet_step **out_step)
{
    struct mls_message_key key = {0};
    if (leaf >= t->width)
        return CONCLAVE_ESENDER;
    struct mls_ratchet_step *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->leaf = leaf;
    s->type = type;
    s->generation = *generation;
    int rv = find_step(t, c, s, next, ahead, kept, &key);
    if (rv == 0) {
        *generation = s->generation;
        *out = key;
        *out_step = s;
    } else {
        mls_ratchet_step_free(s);
    }
    wipe(&key, sizeof key);
    return rv;
}

int mls_ratchet_find(struct mls_secret_tree *t, struct crypto *c, uint32_t leaf,
                     enum mls_ratchet_type type, uint32_t generation, uint32_t ahead, uint32_t kept,
                     struct mls_message_key *out, struct mls_ratchet_step **out_step)
{
    return find(t, c, leaf, type, false, &generation, ahead, kept, out, out_step);
}

int mls_ratchet_next(struct mls_secret_tree *t, struct crypto *c, uint32_t leaf,
                     enum mls_ratchet_type type, uint32_t *out_generation,
                     struct mls_message_key *out, struct mls_ratchet_step **out_step)
{
    *out_generation = 0;
    return find(t, c, leaf, type, true, out_generation, 0, 0, out, out_step);
}

static void take_kept(struct ratchet *r, uint32_t generation)
{
    size_t i = 0;
    while (r->kept[i].generation != generation)
        i++;
    for (; i + 1 < r->n_kept; i++)
        r->kept[i] = r->kept[i + 1];
    wipe(&r->kept[--r->n_kept], sizeof *r->kept); /* RFC 9420 9.2-5 */
}

/* RFC 9420 9.2-3: what the leaf's secret came from goes; what stands beside it stays. */
static void take_descent(struct mls_secret_tree *t, uint32_t leaf, struct descent *d)
{
    secret_free(u32map_take(&t->nodes, d->from));
    for (uint32_t i = 0; i < d->n; i++) {
        int rv = u32map_put(&t->nodes, d->node[i], d->secret[i]); /* room was reserved */
        if (rv != 0)
            secret_free(d->secret[i]);
    }
    if (u32map_put(&t->ratchets, leaf, d->ratchets) != 0)
        ratchets_free(d->ratchets);
    d->n = 0;
    d->ratchets = NULL;
}

void mls_ratchet_take(struct mls_secret_tree *t, struct mls_ratchet_step *s)
{
    if (s->descends)
        take_descent(t, s->leaf, &s->descent);
    struct leaf_ratchets *l = u32map_get(&t->ratchets, s->leaf);
    struct ratchet *r = &l->r[s->type];
    if (s->from_kept) {
        take_kept(r, s->generation);
    } else { /* RFC 9420 9.2-4 */
        ratchet_fini(r);
        *r = s->after;
        wipe(&s->after, sizeof s->after);
    }
    mls_ratchet_step_free(s);
}

void mls_ratchet_step_free(struct mls_ratchet_step *s)
{
    if (s == NULL)
        return;
    descent_fini(&s->descent);
    ratchet_fini(&s->after);
    wipe(s, sizeof *s);
    free(s);
}

uint32_t mls_ratchet_step_generation(const struct mls_ratchet_step *step)
{
    return step->generation;
}

/* ---- State ---- */

static void write_ratchet(const struct ratchet *r, struct buf *b)
{
    write_vec(b, secret_view(&r->secret));
    write_u32(b, r->next);
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < r->n_kept; i++) {
        write_u32(b, r->kept[i].generation);
        write_vec(b, bytes_of(r->kept[i].key, r->kept[i].key_n));
        write_vec(b, bytes_of(r->kept[i].nonce, CRYPTO_NONCE));
    }
    write_vec_end(b, mark);
}

/* Nodes and leaves in order of their index, so that equal trees have equal bytes. */
void mls_secret_tree_write(const struct mls_secret_tree *t, struct buf *b)
{
    write_u32(b, t->width);
    size_t mark = write_vec_begin(b);
    for (uint32_t i = 0; t->nodes.n != 0 && i < tm_node_count(t->width); i++) {
        const struct secret *s = u32map_get(&t->nodes, i);
        if (s == NULL)
            continue;
        write_u32(b, i);
        write_vec(b, secret_view(s));
    }
    write_vec_end(b, mark);
    mark = write_vec_begin(b);
    for (uint32_t i = 0; t->ratchets.n != 0 && i < t->width; i++) {
        const struct leaf_ratchets *l = u32map_get(&t->ratchets, i);
        if (l == NULL)
            continue;
        write_u32(b, i);
        write_ratchet(&l->r[0], b);
        write_ratchet(&l->r[1], b);
    }
    write_vec_end(b, mark);
}

static void read_secret(struct reader *r, struct secret *out)
{
    if (!secret_set(out, read_vec(r)))
        reader_fail(r);
}

/* One kept key; false if it is not one. */
static bool read_kept(struct reader *r, struct kept_key *out)
{
    out->generation = read_u32(r);
    struct bytes key = read_vec(r), nonce = read_vec(r);
    if (!reader_ok(r) || key.n > sizeof out->key || nonce.n != sizeof out->nonce)
        return false;
    out->key_n = (uint8_t)key.n;
    memcpy(out->key, key.p, key.n);
    memcpy(out->nonce, nonce.p, nonce.n);
    return true;
}

static int read_ratchet(struct reader *r, struct ratchet *out)
{
    read_secret(r, &out->secret);
    out->next = read_u32(r);
    struct reader kept = read_sub(r);
    size_t room = reader_left(&kept) / 18; /* no kept key is shorter than that */
    out->kept = room == 0 ? NULL : calloc(room, sizeof *out->kept);
    if (room != 0 && out->kept == NULL)
        return CONCLAVE_ENOMEM;
    for (; out->n_kept < room && reader_left(&kept) != 0; out->n_kept++)
        if (!read_kept(&kept, &out->kept[out->n_kept]))
            return CONCLAVE_ESYNTAX;
    return reader_end(&kept);
}

static int read_node(struct mls_secret_tree *t, struct reader *r)
{
    uint32_t i = read_u32(r);
    struct secret *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    read_secret(r, s);
    int rv = !reader_ok(r) || i >= tm_node_count(t->width) || u32map_get(&t->nodes, i) != NULL
                 ? CONCLAVE_ESYNTAX
                 : u32map_put(&t->nodes, i, s);
    if (rv != 0)
        secret_free(s);
    return rv;
}

static int read_ratchets(struct mls_secret_tree *t, struct reader *r)
{
    uint32_t leaf = read_u32(r);
    struct leaf_ratchets *l = calloc(1, sizeof *l);
    if (l == NULL)
        return CONCLAVE_ENOMEM;
    int rv = read_ratchet(r, &l->r[0]);
    if (rv == 0)
        rv = read_ratchet(r, &l->r[1]);
    if (rv == 0 && (!reader_ok(r) || leaf >= t->width || u32map_get(&t->ratchets, leaf) != NULL))
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        rv = u32map_put(&t->ratchets, leaf, l);
    if (rv != 0)
        ratchets_free(l);
    return rv;
}

int mls_secret_tree_read(struct mls_secret_tree *t, struct reader *r)
{
    *t = (struct mls_secret_tree){.width = read_u32(r)};
    int rv = t->width == 0 || t->width > LIMIT_MLS_LEAVES || (t->width & (t->width - 1)) != 0
                 ? CONCLAVE_ESYNTAX
                 : 0;
    struct reader nodes = read_sub(r), ratchets = read_sub(r);
    while (rv == 0 && reader_left(&nodes) != 0)
        rv = read_node(t, &nodes);
    while (rv == 0 && reader_left(&ratchets) != 0)
        rv = read_ratchets(t, &ratchets);
    if (rv == 0 && !reader_ok(r))
        rv = CONCLAVE_ESYNTAX;
    if (rv != 0)
        mls_secret_tree_fini(t);
    return rv;
}
