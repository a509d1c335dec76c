/* Founding a group, looking at it, ending it. */
#include "mls/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "crypto/labels.h"
#include "mls/extension.h"
#include "mls/group_info.h"
#include "wire/writer.h"

struct mls_group *mls_group_alloc(struct mls_client *c)
{
    struct mls_group *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->client = mls_client_ref(c);
    g->crypto = c->crypto;
    g->signer = c->signer;
    g->own_leaf = MLS_NO_LEAF;
    g->pub.crypto = c->crypto;
    g->pub.callbacks = c->callbacks;
    g->pub.policy = c->policy;
    g->pub.executor = c->executor;
    return g;
}

static void past_fini(struct mls_past_epoch *e)
{
    mls_tree_fini(&e->tree);
    buf_free(&e->context);
    secret_wipe(&e->sender_data);
    mls_secret_tree_fini(&e->secret_tree);
}

void mls_group_trim_past(struct mls_group *g)
{
    while (g->n_past > g->client->policy.past_epochs)
        past_fini(&g->past[--g->n_past]);
    while (g->n_psks > g->client->policy.resumption_epochs)
        secret_wipe(&g->psks[--g->n_psks].psk);
}

static void updates_clear(struct mls_group *g)
{
    for (size_t i = 0; i < g->n_updates; i++)
        secret_wipe(&g->updates[i].leaf_priv);
    free(g->updates);
    g->updates = NULL;
    g->n_updates = 0;
}

static void secrets_fini(struct mls_group *g)
{
    mls_private_path_wipe(&g->path);
    mls_epoch_secrets_wipe(&g->secrets);
    mls_secret_tree_fini(&g->secret_tree);
    for (size_t i = 0; i < g->n_past; i++)
        past_fini(&g->past[i]);
    free(g->past);
    g->past = NULL;
    g->n_past = 0;
    for (size_t i = 0; i < g->n_psks; i++)
        secret_wipe(&g->psks[i].psk);
    free(g->psks);
    g->psks = NULL;
    g->n_psks = 0;
    updates_clear(g);
    mls_staged_free(g->pending);
    g->pending = NULL;
}

void mls_group_free(struct mls_group *g)
{
    if (g == NULL)
        return;
    secrets_fini(g);
    secret_wipe(&g->delta_key);
    buf_free(&g->records);
    buf_free(&g->welcome);
    mls_public_group_fini(&g->pub);
    mls_client_free(g->client);
    free(g);
}

int mls_group_keep_update(struct mls_group *g, const struct mls_cached *entry,
                          const struct secret *leaf_priv, struct crypto_signer *signer)
{
    struct mls_own_update *bigger = calloc(g->n_updates + 1, sizeof *bigger);
    if (bigger == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < g->n_updates; i++) {
        bigger[i] = g->updates[i];
        secret_wipe(&g->updates[i].leaf_priv);
    }
    free(g->updates);
    g->updates = bigger;
    struct mls_own_update *u = &bigger[g->n_updates++];
    memcpy(u->ref, entry->ref, sizeof u->ref);
    u->leaf_priv = *leaf_priv;
    u->signer = signer;
    return 0;
}

/* ---- Founding (RFC 9420 11) ---- */

static int first_leaf(struct mls_group *g, struct bytes extensions, uint64_t now,
                      struct mls_tree *tree)
{
    struct mls_leaf_content content;
    struct mls_leaf leaf;
    struct buf encoded = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    uint64_t span = g->client->policy.max_lifetime, lag = span / 2 < 3600 ? span / 2 : 3600;
    uint64_t not_before = now > lag ? now - lag : 0;
    int error = 0;
    int rv = hpke_generate_key_pair(g->crypto, &g->path.key[0], pub);
    if (rv != 0)
        return rv;
    mls_client_leaf(g->client, g->signer, NULL, &content);
    content.encryption_key = bytes_of(pub, g->crypto->suite->npk);
    content.source = LEAF_KEY_PACKAGE;
    content.not_before = not_before; /* an hour ago at most, for clocks that lag */
    content.not_after = span > UINT64_MAX - not_before ? UINT64_MAX : not_before + span;
    rv = mls_leaf_sign(&content, g->signer, bytes_of(NULL, 0), 0, &encoded);
    if (rv == 0) {
        struct reader r = reader_of(buf_view(&encoded));
        mls_leaf_read(&r, &leaf, &error);
        /* RFC 9420 13.4-6, 7.3-4: the founder must fit its own group */
        struct mls_leaf_rules rules = {.source = LEAF_KEY_PACKAGE,
                                       .suite = crypto_suite(g->crypto),
                                       .group_extensions = extensions,
                                       .max_lifetime = span};
        rv = mls_leaf_check(&leaf, &rules);
    }
    if (rv == 0)
        rv = mls_tree_next_leaf(tree, &g->own_leaf);
    if (rv == 0)
        rv = mls_tree_set_leaf(tree, g->own_leaf, &leaf);
    buf_free(&encoded);
    return rv;
}

/* RFC 9420 11-2, 11-3: epoch 0 of a random epoch secret. */
static int first_epoch(struct mls_group *g, uint8_t *tag)
{
    struct secret epoch = {.n = g->crypto->suite->nh}, encryption = {0};
    int rv = crypto_random(g->crypto, epoch.p, epoch.n);
    if (rv == 0)
        rv = mls_epoch_derive_from_epoch_secret(g->crypto, &epoch, &g->secrets, &encryption);
    if (rv == 0)
        rv = mls_secret_tree_init(&g->secret_tree, 1, &encryption);
    if (rv == 0)
        rv = mls_confirmation_tag(g->crypto, &g->secrets.confirmation, bytes_of(NULL, 0), tag);
    secret_wipe(&epoch);
    secret_wipe(&encryption);
    return rv;
}

static int found(struct mls_group *g, struct bytes group_id, struct bytes extensions, uint64_t now)
{
    struct mls_tree tree = {0};
    struct buf context = {0};
    uint8_t hash[CRYPTO_HASH_MAX], tag[CRYPTO_HASH_MAX];
    size_t nh = g->crypto->suite->nh;
    int rv = mls_client_supports(g->client, extensions) == 0 ? 0 : CONCLAVE_EINVAL;
    if (rv == 0)
        rv = mls_tree_init(&tree, g->crypto);
    if (rv == 0)
        rv = first_leaf(g, extensions, now, &tree);
    if (rv == 0)
        rv = mls_tree_root_hash(&tree, g->crypto, hash);
    if (rv == 0)
        rv = mls_external_senders_validate(&g->pub, extensions, bytes_of(NULL, 0), false, now);
    if (rv == 0)
        rv = first_epoch(g, tag);
    if (rv == 0) {
        struct mls_context c = {.suite = crypto_suite(g->crypto),
                                .group_id = group_id,
                                .tree_hash = bytes_of(hash, nh),
                                .extensions = extensions};
        mls_group_context_write(&context, &c);
        rv = buf_check(&context);
    }
    if (rv == 0)
        rv = mls_public_group_set(&g->pub, &tree, buf_view(&context), bytes_of(tag, nh));
    mls_tree_fini(&tree);
    buf_free(&context);
    return rv;
}

/* Encodes, and reads back what the caller gave: doubles and limits are found that way. */
static int encode_extensions(const struct mls_extension *list, size_t n, struct buf *out,
                             struct bytes *out_list)
{
    int error = 0;
    mls_extensions_write(out, list, n);
    int rv = buf_check(out);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(buf_view(out));
    *out_list = mls_extensions_read(&r, &error);
    return error == 0 ? 0 : CONCLAVE_EINVAL;
}

int mls_group_new(struct mls_client *c, struct bytes group_id,
                  const struct mls_extension *extensions, size_t n_extensions, uint64_t now,
                  struct mls_group **out)
{
    struct buf encoded = {0};
    struct bytes list;
    uint8_t random_id[32];
    if (group_id.n > LIMIT_MLS_GROUP_ID)
        return CONCLAVE_EINVAL;
    int rv = encode_extensions(extensions, n_extensions, &encoded, &list);
    if (rv == 0 && group_id.n == 0) {
        rv = crypto_random(c->crypto, random_id, sizeof random_id);
        group_id = bytes_of(random_id, sizeof random_id);
    }
    struct mls_group *g = rv == 0 ? mls_group_alloc(c) : NULL;
    if (rv == 0 && g == NULL)
        rv = CONCLAVE_ENOMEM;
    if (rv == 0)
        rv = found(g, group_id, list, now);
    buf_free(&encoded);
    if (rv != 0) {
        mls_group_free(g);
        return rv;
    }
    *out = g;
    return 0;
}

/* ---- Looking ---- */

int mls_group_check_active(const struct mls_group *g)
{
    if (g->removed)
        return CONCLAVE_EREMOVED;
    if (g->joining)
        return CONCLAVE_ESTATE;
    return g->pub.reinit.n != 0 ? CONCLAVE_ESUSPENDED : 0; /* RFC 9420 12.4.2-16, 12.4.2-17 */
}

void mls_group_context(const struct mls_group *g, struct mls_context *out)
{
    *out = g->pub.view;
}

uint64_t mls_group_epoch(const struct mls_group *g)
{
    return g->pub.view.epoch;
}

uint32_t mls_group_own_leaf(const struct mls_group *g)
{
    return g->own_leaf;
}

uint32_t mls_group_member_count(const struct mls_group *g)
{
    return g->pub.tree.n_members;
}

bool mls_group_is_member(const struct mls_group *g)
{
    return !g->removed && !g->joining;
}

int mls_group_member(const struct mls_group *g, uint32_t leaf, struct mls_member *out)
{
    return mls_public_group_member(&g->pub, leaf, out);
}

bool mls_group_next_member(const struct mls_group *g, uint32_t *leaf, struct mls_member *out)
{
    return mls_public_group_next_member(&g->pub, leaf, out);
}

int mls_group_tree(const struct mls_group *g, struct buf *out)
{
    return mls_public_group_tree(&g->pub, out);
}

int mls_group_export(struct mls_group *g, const char *label, struct bytes context, size_t n,
                     uint8_t *out)
{
    if (!mls_group_is_member(g))
        return g->removed ? CONCLAVE_EREMOVED : CONCLAVE_ESTATE;
    if (n == 0 || n > 255 * (size_t)g->crypto->suite->nh) /* what HKDF can give */
        return CONCLAVE_EINVAL;
    return mls_exporter(g->crypto, &g->secrets.exporter, label, context, n, out);
}

struct bytes mls_group_epoch_authenticator(const struct mls_group *g)
{
    return secret_view(&g->secrets.authenticator);
}

int mls_group_resumption_psk(const struct mls_group *g, uint64_t epoch, struct buf *out)
{
    struct bytes psk = {0};
    if (mls_group_is_member(g) && epoch == g->pub.view.epoch)
        psk = secret_view(&g->secrets.resumption);
    for (size_t i = 0; i < g->n_psks; i++)
        if (g->psks[i].epoch == epoch)
            psk = secret_view(&g->psks[i].psk);
    if (psk.n == 0)
        return CONCLAVE_ENOTFOUND;
    buf_clear(out);
    buf_put(out, psk);
    return buf_check(out);
}

bool mls_group_has_pending(const struct mls_group *g)
{
    return g->pending != NULL;
}

int mls_group_pending_message(const struct mls_group *g, struct bytes *out)
{
    if (g->pending == NULL)
        return CONCLAVE_ENOTFOUND;
    *out = buf_view(&mls_staged_secrets_of(g->pending)->message);
    return 0;
}

int mls_group_last_welcome(const struct mls_group *g, struct bytes *out)
{
    if (g->welcome.n == 0)
        return CONCLAVE_ENOTFOUND;
    *out = buf_view(&g->welcome);
    return 0;
}

const struct mls_staged *mls_group_pending(const struct mls_group *g)
{
    return g->pending;
}

/* ---- From one epoch to the next ---- */

void mls_staged_secrets_free(void *p)
{
    struct mls_staged_secrets *s = p;
    if (s == NULL)
        return;
    mls_private_path_wipe(&s->path);
    mls_epoch_secrets_wipe(&s->epoch);
    mls_secret_tree_fini(&s->tree);
    buf_free(&s->welcome);
    buf_free(&s->message);
    wipe(s, sizeof *s);
    free(s);
}

struct mls_staged_secrets *mls_staged_secrets_of(const struct mls_staged *s)
{
    return s->secrets;
}

/* A member needs the secrets of what it moves to, and the signer whose key its leaf has there:
 * after a restart that may be another of the client's than the one before. */
static int check_own_side(struct mls_group *g, const struct mls_staged *s)
{
    struct mls_staged_secrets *secrets = s->secrets;
    if (s->removes_us)
        return 0;
    const struct mls_leaf *own =
        secrets == NULL ? NULL : mls_tree_leaf(&s->tree, secrets->own_leaf);
    if (own == NULL)
        return CONCLAVE_EINVAL;
    if (!bytes_equal(own->signature_key, crypto_signer_public(secrets->signer)))
        secrets->signer = mls_client_signer_for(g->client, own->signature_key);
    return secrets->signer == NULL ? CONCLAVE_EINVAL : 0;
}

/* Room for what advancing keeps, so that nothing fails half-way. */
int mls_group_prepare_advance(struct mls_group *g, const struct mls_staged *s)
{
    size_t n_past = g->client->policy.past_epochs, n_psks = g->client->policy.resumption_epochs;
    if (!bytes_equal(buf_view(&g->pub.context), buf_view(&s->old_context)))
        return CONCLAVE_ESTATE;
    int rv = check_own_side(g, s);
    if (rv != 0)
        return rv;
    if (s->reinit != NULL) {
        buf_clear(&g->pub.reinit);
        if (buf_reserve(&g->pub.reinit, s->reinit->p.raw.n) != 0)
            return CONCLAVE_ENOMEM;
    }
    if (n_past != 0 && g->past == NULL && (g->past = calloc(n_past, sizeof *g->past)) == NULL)
        return CONCLAVE_ENOMEM;
    if (n_psks != 0 && g->psks == NULL && (g->psks = calloc(n_psks, sizeof *g->psks)) == NULL)
        return CONCLAVE_ENOMEM;
    return 0;
}

/* RFC 9420 14-2, 15.3: the ending epoch's message secrets are kept as the policy says. */
static void keep_past(struct mls_group *g, struct mls_staged *s)
{
    size_t max = g->client->policy.past_epochs;
    if (max == 0) {
        mls_secret_tree_fini(&g->secret_tree);
        return;
    }
    if (g->n_past == max)
        past_fini(&g->past[--g->n_past]);
    memmove(g->past + 1, g->past, g->n_past * sizeof *g->past);
    g->n_past++;
    struct mls_past_epoch *e = &g->past[0];
    *e = (struct mls_past_epoch){.epoch = s->old_view.epoch,
                                 .tree = s->old_tree,
                                 .context = s->old_context,
                                 .sender_data = g->secrets.sender_data,
                                 .secret_tree = g->secret_tree};
    s->old_tree = (struct mls_tree){0};
    buf_init(&s->old_context);
    g->secret_tree = (struct mls_secret_tree){0};
}

static void keep_psk(struct mls_group *g, uint64_t epoch)
{
    size_t max = g->client->policy.resumption_epochs;
    if (max == 0)
        return;
    if (g->n_psks == max)
        secret_wipe(&g->psks[--g->n_psks].psk);
    memmove(g->psks + 1, g->psks, g->n_psks * sizeof *g->psks);
    g->n_psks++;
    g->psks[0] = (struct mls_past_psk){epoch, g->secrets.resumption};
}

void mls_group_advance(struct mls_group *g, struct mls_staged *s)
{
    struct mls_staged_secrets *next = s->secrets;
    if (s == g->pending)
        g->pending = NULL;
    mls_staged_free(g->pending); /* another commit won */
    g->pending = NULL;
    if (s->reinit != NULL)
        buf_put(&g->pub.reinit, s->reinit->p.raw); /* room was made */
    if (!g->joining) {
        keep_psk(g, s->old_view.epoch);
        keep_past(g, s);
    }
    mls_public_group_advance(&g->pub, s);
    updates_clear(g);
    if (next == NULL) { /* it removed us */
        secrets_fini(g);
        g->removed = true;
    } else {
        g->path = next->path;
        g->secrets = next->epoch;
        mls_secret_tree_fini(&g->secret_tree);
        g->secret_tree = next->tree;
        next->tree = (struct mls_secret_tree){0};
        buf_move(&g->welcome, &next->welcome);
        g->signer = next->signer;
        g->own_leaf = next->own_leaf;
        g->joining = false;
    }
    g->pub.first_usage = 0;
    mls_staged_free(s);
}

/* RFC 9420 9.2-1: the key that a private commit came under, to be erased with the merge. None if it
 * is gone already: passed over and dropped. */
static int commit_key(struct mls_group *g, const struct mls_staged *s,
                      struct mls_ratchet_step **out)
{
    const struct mls_policy *p = &g->client->policy;
    struct mls_message_key key = {0};
    if (!s->was_private || s->removes_us)
        return 0;
    int rv = mls_ratchet_find(&g->secret_tree, g->crypto, s->sender.index, RATCHET_HANDSHAKE,
                              s->generation, p->generation_ahead, p->generation_kept, &key, out);
    if (rv == 0)
        rv = mls_store_ratchet(g, g->pub.view.epoch, s->sender.index, RATCHET_HANDSHAKE,
                               s->generation);
    wipe(&key, sizeof key);
    return rv == CONCLAVE_EREPLAY ? 0 : rv;
}

int mls_group_merge(struct mls_group *g, struct mls_staged *staged)
{
    struct mls_ratchet_step *step = NULL;
    if (staged == NULL)
        return CONCLAVE_EINVAL;
    int rv = g->removed ? CONCLAVE_EREMOVED : g->joining ? CONCLAVE_ESTATE : 0;
    if (rv == 0)
        rv = mls_group_prepare_advance(g, staged);
    if (rv == 0)
        rv = commit_key(g, staged, &step);
    if (rv == 0)
        rv = mls_store_epoch(g, staged);
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv == 0) {
        if (step != NULL)
            mls_ratchet_take(&g->secret_tree, step);
        mls_group_advance(g, staged);
    } else {
        mls_store_abandon(g);
        mls_ratchet_step_free(step);
        mls_staged_free(staged);
    }
    return rv;
}

int mls_group_merge_own(struct mls_group *g, struct buf *out_welcome)
{
    struct buf welcome = {0};
    if (g->pending == NULL)
        return g->removed ? CONCLAVE_EREMOVED : CONCLAVE_ESTATE;
    int rv = mls_group_prepare_advance(g, g->pending);
    buf_put(&welcome, buf_view(&mls_staged_secrets_of(g->pending)->welcome));
    if (rv == 0)
        rv = buf_check(&welcome);
    if (rv == 0)
        rv = mls_store_merge_own(g);
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv != 0) {
        buf_free(&welcome);
        return rv;
    }
    mls_group_advance(g, g->pending);
    buf_move(out_welcome, &welcome); /* RFC 9420 14-4: only now may it leave */
    return 0;
}

int mls_group_drop_own(struct mls_group *g)
{
    if (g->joining) /* a group that was never joined is dropped whole */
        return CONCLAVE_ESTATE;
    if (g->pending == NULL)
        return 0;
    int rv = mls_store_drop(g);
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv != 0)
        return rv;
    mls_staged_free(g->pending);
    g->pending = NULL;
    return 0;
}

int mls_group_clear_proposals(struct mls_group *g)
{
    int rv = mls_store_clear(g);
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv != 0)
        return rv;
    mls_cache_ignore_all(&g->pub.cache);
    return 0;
}

int mls_group_ignore_proposal(struct mls_group *g, struct bytes ref)
{
    if (mls_cache_find(&g->pub.cache, ref) == NULL)
        return CONCLAVE_ENOTFOUND;
    int rv = mls_store_ignore(g, ref);
    if (rv == 0)
        rv = mls_store_flush(g);
    return rv != 0 ? rv : mls_cache_ignore(&g->pub.cache, ref);
}

/* ---- GroupInfo ---- */

int mls_group_info_extensions(struct mls_group *g, const struct mls_tree *tree, bool with_tree,
                              const struct mls_epoch_secrets *external,
                              const struct mls_extension *list, size_t n, struct buf *out)
{
    struct secret priv = {0};
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    int rv = 0;
    if (with_tree) {
        struct buf encoded = {0};
        mls_tree_write(tree, &encoded);
        write_u16(out, MLS_EXT_RATCHET_TREE);
        write_vec(out, buf_view(&encoded));
        rv = buf_check(&encoded);
        buf_free(&encoded);
    }
    if (rv == 0 && external != NULL) {
        /* RFC 9420 8: external_pub, the data of which is HPKEPublicKey<V> */
        rv = hpke_derive_key_pair(g->crypto, secret_view(&external->external), &priv, pub);
        secret_wipe(&priv);
        write_u16(out, MLS_EXT_EXTERNAL_PUB);
        size_t mark = write_vec_begin(out);
        write_vec(out, bytes_of(pub, g->crypto->suite->npk));
        write_vec_end(out, mark);
    }
    if (rv == 0)
        rv = mls_extension_list(g->crypto, list, n, g->client->policy.grease, out);
    return rv;
}

int mls_group_info(struct mls_group *g, unsigned with, struct buf *out)
{
    struct buf b = {0}, extensions = {0};
    int rv = mls_group_check_active(g);
    if (rv == 0)
        rv = mls_group_info_extensions(g, &g->pub.tree, (with & MLS_INFO_TREE) != 0,
                                       (with & MLS_INFO_EXTERNAL_PUB) != 0 ? &g->secrets : NULL,
                                       NULL, 0, &extensions);
    mls_message_begin(&b, MLS_GROUP_INFO);
    if (rv == 0)
        rv = mls_group_info_sign(g->signer, buf_view(&g->pub.context), buf_view(&extensions),
                                 buf_view(&g->pub.confirmation_tag), g->own_leaf, &b);
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    buf_free(&extensions);
    return rv;
}

int mls_group_subtree_cost(const struct mls_group *g, uint32_t leaf, unsigned level, size_t *out)
{
    struct u32s resolution = {0};
    const struct mls_tree *t = &g->pub.tree;
    *out = 0;
    if (level >= LIMIT_MLS_LEVELS || leaf >= t->width || t->width >> level < 2)
        return 0;
    int rv = mls_tree_resolution(t, tm_ancestor(leaf, level), NULL, &resolution);
    if (rv == 0)
        *out = resolution.n;
    u32s_fini(&resolution);
    return rv;
}
