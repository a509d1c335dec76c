/* A group as bytes, whole. Versioned; optionally sealed. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "mls/group.h"
#include "mls/seal.h"
#include "wire/writer.h"

#define STATE_VERSION 1

enum flags { FLAG_REMOVED = 1, FLAG_JOINING = 2 };

void mls_state_write_secret(struct buf *b, const struct secret *s)
{
    write_vec(b, secret_view(s));
}

void mls_state_read_secret(struct reader *r, struct secret *out)
{
    if (!secret_set(out, read_vec(r)))
        reader_fail(r);
}

void mls_state_write_path(struct buf *b, const struct mls_private_path *p)
{
    for (size_t i = 0; i < LIMIT_MLS_LEVELS; i++)
        mls_state_write_secret(b, &p->key[i]);
}

void mls_state_read_path(struct reader *r, struct mls_private_path *p)
{
    for (size_t i = 0; i < LIMIT_MLS_LEVELS; i++)
        mls_state_read_secret(r, &p->key[i]);
}

void mls_state_write_epoch(struct buf *b, const struct mls_epoch_secrets *e)
{
    const struct secret *all[] = {&e->sender_data,   &e->exporter,   &e->external,
                                  &e->confirmation,  &e->membership, &e->resumption,
                                  &e->authenticator, &e->init};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mls_state_write_secret(b, all[i]);
}

void mls_state_read_epoch(struct reader *r, struct mls_epoch_secrets *e)
{
    struct secret *all[] = {&e->sender_data, &e->exporter,   &e->external,      &e->confirmation,
                            &e->membership,  &e->resumption, &e->authenticator, &e->init};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        mls_state_read_secret(r, all[i]);
}

/* ---- Writing ---- */

static void write_past(const struct mls_group *g, struct buf *b)
{
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < g->n_past; i++) {
        const struct mls_past_epoch *e = &g->past[i];
        write_u64(b, e->epoch);
        mls_state_write_secret(b, &e->sender_data);
        write_vec(b, buf_view(&e->context));
        mls_tree_write(&e->tree, b);
        mls_secret_tree_write(&e->secret_tree, b);
    }
    write_vec_end(b, mark);
    mark = write_vec_begin(b);
    for (size_t i = 0; i < g->n_psks; i++) {
        write_u64(b, g->psks[i].epoch);
        mls_state_write_secret(b, &g->psks[i].psk);
    }
    write_vec_end(b, mark);
}

static void write_updates(const struct mls_group *g, struct buf *b)
{
    size_t mark = write_vec_begin(b);
    for (size_t i = 0; i < g->n_updates; i++) {
        buf_put(b, bytes_of(g->updates[i].ref, CRYPTO_HASH_MAX));
        mls_state_write_secret(b, &g->updates[i].leaf_priv);
    }
    write_vec_end(b, mark);
}

static int write_group(const struct mls_group *g, struct buf *b)
{
    write_u16(b, STATE_VERSION);
    write_u16(b, crypto_suite(g->crypto));
    write_u8(b, (uint8_t)((g->removed ? FLAG_REMOVED : 0) | (g->joining ? FLAG_JOINING : 0)));
    write_u64(b, g->next_delta);
    buf_put(b, bytes_of(g->delta_link, sizeof g->delta_link));
    write_u32(b, g->own_leaf);
    int rv = mls_public_group_write(&g->pub, b);
    mls_state_write_path(b, &g->path);
    mls_state_write_epoch(b, &g->secrets);
    bool alive = !g->removed && !g->joining;
    write_u8(b, alive);
    if (alive)
        mls_secret_tree_write(&g->secret_tree, b);
    write_past(g, b);
    write_updates(g, b);
    write_vec(b, buf_view(&g->welcome));
    write_u8(b, g->pending != NULL);
    if (rv == 0 && g->pending != NULL) {
        size_t mark = write_vec_begin(b);
        rv = mls_staged_write(g->pending, b);
        write_vec_end(b, mark);
    }
    return rv != 0 ? rv : buf_check(b);
}

/* The first save is where the chain of deltas begins. */
static int begin_chain(struct mls_group *g)
{
    static const uint8_t none[MLS_DELTA_LINK];
    struct bytes link = bytes_of(g->delta_link, sizeof g->delta_link);
    return bytes_equal(link, bytes_of(none, sizeof none))
               ? crypto_random(g->crypto, g->delta_link, sizeof g->delta_link)
               : 0;
}

int mls_group_save(struct mls_group *g, struct bytes key, struct buf *out)
{
    struct buf plain = {0};
    struct crypto *sealer;
    int rv = begin_chain(g);
    if (rv == 0)
        rv = write_group(g, &plain);
    if (rv == 0)
        rv = mls_client_sealer(g->client, &sealer);
    if (rv == 0)
        rv = mls_seal_state(sealer, key, "group", &plain, out);
    if (rv == 0 && key.n != 0 && !secret_set(&g->delta_key, key))
        rv = CONCLAVE_EINVAL;
    buf_free(&plain);
    return rv;
}

/* ---- Reading ---- */

static int read_past_epoch(struct mls_group *g, struct reader *r, struct mls_past_epoch *e)
{
    e->epoch = read_u64(r);
    mls_state_read_secret(r, &e->sender_data);
    buf_put(&e->context, read_vec(r));
    int rv = mls_tree_init(&e->tree, g->crypto);
    if (rv == 0)
        rv = mls_tree_read(&e->tree, r);
    if (rv == 0)
        rv = mls_secret_tree_read(&e->secret_tree, r);
    return rv != 0 ? rv : buf_check(&e->context);
}

/* All that there are; what the policy no longer keeps goes afterwards. */
static int read_past(struct mls_group *g, struct reader *r)
{
    struct reader epochs = read_sub(r), psks = read_sub(r);
    int rv = 0;
    g->past = calloc(LIMIT_MLS_PAST_EPOCHS, sizeof *g->past);
    g->psks = calloc(LIMIT_MLS_PAST_EPOCHS, sizeof *g->psks);
    if (g->past == NULL || g->psks == NULL)
        return CONCLAVE_ENOMEM;
    while (rv == 0 && reader_left(&epochs) != 0) {
        if (g->n_past == LIMIT_MLS_PAST_EPOCHS)
            return CONCLAVE_ESYNTAX;
        rv = read_past_epoch(g, &epochs, &g->past[g->n_past++]);
    }
    while (rv == 0 && reader_left(&psks) != 0) {
        if (g->n_psks == LIMIT_MLS_PAST_EPOCHS)
            return CONCLAVE_ESYNTAX;
        g->psks[g->n_psks].epoch = read_u64(&psks);
        mls_state_read_secret(&psks, &g->psks[g->n_psks++].psk);
    }
    mls_group_trim_past(g);
    return rv != 0 ? rv : reader_end(&psks);
}

static int read_updates(struct mls_group *g, struct reader *r)
{
    struct reader list = read_sub(r);
    size_t n = reader_left(&list) / (CRYPTO_HASH_MAX + 1);
    g->updates = n == 0 ? NULL : calloc(n, sizeof *g->updates);
    if (n != 0 && g->updates == NULL)
        return CONCLAVE_ENOMEM;
    while (reader_left(&list) != 0 && g->n_updates < n) {
        struct mls_own_update *u = &g->updates[g->n_updates++];
        struct bytes ref = read_bytes(&list, CRYPTO_HASH_MAX);
        mls_state_read_secret(&list, &u->leaf_priv);
        u->signer = g->signer;
        if (reader_ok(&list))
            memcpy(u->ref, ref.p, CRYPTO_HASH_MAX);
    }
    return reader_end(&list);
}

static int read_pending(struct mls_group *g, struct reader *r)
{
    if (!read_optional(r))
        return reader_ok(r) ? 0 : CONCLAVE_ESYNTAX;
    struct reader sub = read_sub(r);
    int rv = mls_staged_read(g, &sub, &g->pending);
    if (rv == 0 && g->pending->removes_us) /* none of our own does */
        rv = CONCLAVE_ESYNTAX;
    return rv != 0 ? rv : reader_end(&sub);
}

static int read_group(struct mls_group *g, struct reader *r)
{
    uint16_t version = read_u16(r), suite = read_u16(r);
    uint8_t flags = read_u8(r);
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    if (version != STATE_VERSION)
        return CONCLAVE_EVERSION;
    if (suite != crypto_suite(g->crypto))
        return CONCLAVE_EINVAL;
    g->removed = flags & FLAG_REMOVED;
    g->joining = flags & FLAG_JOINING;
    g->next_delta = read_u64(r);
    struct bytes link = read_bytes(r, MLS_DELTA_LINK);
    g->own_leaf = read_u32(r);
    if (!reader_ok(r))
        return CONCLAVE_ESYNTAX;
    memcpy(g->delta_link, link.p, MLS_DELTA_LINK);
    int rv = mls_public_group_read(&g->pub, r);
    if (rv != 0)
        return rv;
    mls_state_read_path(r, &g->path);
    mls_state_read_epoch(r, &g->secrets);
    if (read_optional(r))
        rv = mls_secret_tree_read(&g->secret_tree, r);
    if (rv == 0)
        rv = read_past(g, r);
    if (rv == 0)
        rv = read_updates(g, r);
    buf_put(&g->welcome, read_vec(r));
    if (rv == 0)
        rv = buf_check(&g->welcome);
    if (rv == 0)
        rv = read_pending(g, r);
    return rv != 0 ? rv : reader_end(r);
}

/* The client must be the one whose leaf this is. */
static int find_owner(struct mls_group *g)
{
    if (g->removed || g->joining)
        return 0;
    const struct mls_leaf *own = mls_tree_leaf(&g->pub.tree, g->own_leaf);
    g->signer = own == NULL ? NULL : mls_client_signer_for(g->client, own->signature_key);
    return g->signer == NULL ? CONCLAVE_EINVAL : 0;
}

static int open_group(struct mls_group *g, struct bytes key, struct bytes saved)
{
    struct buf plain = {0};
    struct crypto *sealer;
    int rv = mls_client_sealer(g->client, &sealer);
    if (rv == 0)
        rv = mls_open_state(sealer, key, "group", saved, &plain);
    if (rv == 0) {
        struct reader r = reader_of(buf_view(&plain));
        rv = read_group(g, &r);
    }
    if (rv == 0)
        rv = mls_state_check(g);
    buf_free(&plain);
    return rv;
}

static int open_delta(struct mls_group *g, struct bytes key, uint64_t saved, struct bytes delta)
{
    struct buf plain = {0};
    struct crypto *sealer;
    int rv = mls_client_sealer(g->client, &sealer);
    if (rv == 0)
        rv = mls_open_state(sealer, key, "delta", delta, &plain);
    if (rv == 0)
        rv = mls_delta_apply(g, saved, buf_view(&plain));
    buf_free(&plain);
    return rv;
}

int mls_group_restore(struct mls_client *c, struct bytes key, struct bytes saved,
                      const struct bytes *deltas, size_t n_deltas, struct mls_group **out)
{
    struct mls_group *g = mls_group_alloc(c);
    if (g == NULL)
        return CONCLAVE_ENOMEM;
    int rv = open_group(g, key, saved);
    uint64_t first = g->next_delta;
    for (size_t i = 0; rv == 0 && i < n_deltas; i++)
        rv = open_delta(g, key, first, deltas[i]);
    if (rv == 0)
        rv = find_owner(g);
    if (rv == 0 && !secret_set(&g->delta_key, key))
        rv = CONCLAVE_EINVAL;
    if (rv != 0) {
        mls_group_free(g);
        return rv;
    }
    *out = g;
    return 0;
}
