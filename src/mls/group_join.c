/* RFC 9420 12.4.3.1: joining by a Welcome. */
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "crypto/labels.h"
#include "mls/group.h"
#include "mls/group_info.h"
#include "mls/reinit.h"
#include "mls/welcome.h"

bool mls_welcome_is_for(struct bytes welcome, const struct mls_key_package *kp)
{
    struct mls_welcome_view w;
    struct mls_encrypted_secrets e;
    size_t nh = kp->client->crypto->suite->nh;
    return mls_welcome_parse(welcome, &w) == 0 &&
           mls_welcome_find(&w, bytes_of(kp->ref, nh), &e) == 0;
}

/* RFC 9420 12.4.3.1-4. The view is into out. */
static int open_group_secrets(struct mls_client *c, const struct mls_welcome_view *w,
                              const struct mls_key_package *kp, struct buf *out,
                              struct mls_group_secrets *out_view)
{
    struct mls_encrypted_secrets e;
    struct hpke_info info;
    int rv = mls_welcome_find(w, bytes_of(kp->ref, c->crypto->suite->nh), &e);
    if (rv == 0 && w->suite != kp->view.suite) /* RFC 9420 12.4.3.1-3 */
        rv = CONCLAVE_ESUITE;
    if (rv == 0)
        rv = encrypt_info(c->crypto, "Welcome", w->encrypted_group_info, &info);
    if (rv == 0)
        rv = hpke_open(c->crypto, &kp->init_priv, e.secrets.kem_output, &info, bytes_of(NULL, 0),
                       e.secrets.ciphertext, out);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(buf_view(out));
    mls_group_secrets_read(&r, out_view);
    return reader_end(&r);
}

/* RFC 9420 12.4.3.1-7 */
static int open_group_info(struct mls_client *c, const struct mls_welcome_view *w,
                           const struct secret *joiner, const struct secret *psk, struct buf *out,
                           struct mls_group_info_view *out_view)
{
    struct secret key = {0}, nonce = {0};
    int error = 0;
    int rv = mls_welcome_keys(c->crypto, joiner, psk, &key, &nonce);
    if (rv == 0)
        rv = crypto_aead_open(c->crypto, &key, nonce.p, bytes_of(NULL, 0), w->encrypted_group_info,
                              out);
    secret_wipe(&key);
    secret_wipe(&nonce);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(buf_view(out));
    mls_group_info_read(&r, out_view, &error);
    return reader_end(&r) == 0 ? 0 : error != 0 ? error : CONCLAVE_ESYNTAX;
}

/* RFC 9420 12.4.3.1-18: the leaf that is, to the last byte, our key package's. */
static int find_own_leaf(struct mls_group *g, const struct mls_key_package *kp)
{
    for (uint32_t i = 0; i < g->pub.tree.width; i++) {
        const struct mls_leaf *l = mls_tree_leaf(&g->pub.tree, i);
        if (l != NULL && bytes_equal(l->signature_key, kp->view.leaf.signature_key)) {
            if (!bytes_equal(l->raw, kp->view.leaf.raw))
                return CONCLAVE_ENOTFORME;
            g->own_leaf = i;
            return 0;
        }
    }
    return CONCLAVE_ENOTFORME;
}

static int install_keys(struct mls_group *g, const struct mls_key_package *kp,
                        const struct mls_group_secrets *secrets, uint32_t signer)
{
    struct secret path_secret = {0};
    g->path.key[0] = kp->leaf_priv;
    if (!secrets->has_path_secret)
        return 0;
    int rv = signer != g->own_leaf && secret_set(&path_secret, secrets->path_secret) &&
                     path_secret.n == g->crypto->suite->nh
                 ? 0
                 : CONCLAVE_EPATH;
    if (rv == 0)
        rv = mls_path_install(&g->pub.tree, g->crypto, g->own_leaf, signer, &path_secret, &g->path);
    secret_wipe(&path_secret);
    return rv;
}

static int derive_epoch(struct mls_group *g, const struct secret *joiner, const struct secret *psk)
{
    struct secret encryption = {0};
    uint8_t tag[CRYPTO_HASH_MAX];
    int rv = mls_epoch_derive(g->crypto, joiner, psk, buf_view(&g->pub.context), &g->secrets,
                              &encryption);
    if (rv == 0)
        rv = mls_secret_tree_init(&g->secret_tree, g->pub.tree.width, &encryption);
    if (rv == 0)
        rv = mls_confirmation_tag(g->crypto, &g->secrets.confirmation,
                                  g->pub.view.confirmed_transcript_hash, tag);
    /* RFC 9420 12.4.3.1-21 */
    if (rv == 0 &&
        !ct_equal(bytes_of(tag, g->crypto->suite->nh), buf_view(&g->pub.confirmation_tag)))
        rv = CONCLAVE_ECONFIRMATION;
    secret_wipe(&encryption);
    return rv;
}

/* RFC 9420 12.4.3-3, 12.4.3.1-10 */
static bool is_known(struct mls_group *const *existing, size_t n, struct bytes group_id)
{
    for (size_t i = 0; i < n; i++)
        if (!existing[i]->removed && bytes_equal(existing[i]->pub.view.group_id, group_id))
            return true;
    return false;
}

struct opened {
    struct buf secrets, info;
    struct mls_group_secrets secrets_view;
    struct mls_group_info_view info_view;
    struct secret joiner, psk;
};

static void opened_fini(struct opened *o)
{
    buf_free(&o->secrets);
    buf_free(&o->info);
    secret_wipe(&o->joiner);
    secret_wipe(&o->psk);
}

static int open_welcome(struct mls_client *c, struct bytes welcome,
                        const struct mls_key_package *kp, struct mls_group *const *existing,
                        size_t n_existing, struct opened *o)
{
    struct mls_welcome_view w;
    int rv = mls_welcome_parse(welcome, &w);
    if (rv == 0)
        rv = open_group_secrets(c, &w, kp, &o->secrets, &o->secrets_view);
    if (rv == 0 && (!secret_set(&o->joiner, o->secrets_view.joiner_secret) ||
                    o->joiner.n != c->crypto->suite->nh))
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0) /* RFC 9420 12.4.3.1-5 */
        rv = mls_psk_list_secret(c, NULL, existing, n_existing, o->secrets_view.psks, &o->psk);
    if (rv == 0)
        rv = open_group_info(c, &w, &o->joiner, &o->psk, &o->info, &o->info_view);
    return rv;
}

static int join(struct mls_group *g, struct opened *o, struct bytes tree,
                const struct mls_key_package *kp, struct mls_group *const *existing,
                size_t n_existing, uint64_t now)
{
    const struct mls_context *context = &o->info_view.context.view;
    if (is_known(existing, n_existing, context->group_id))
        return CONCLAVE_EGROUP;
    /* RFC 9420 12.4.3-2, 13.4-8, 13.4-9 */
    int rv = mls_client_supports(g->client, context->extensions);
    if (rv == 0)
        rv = mls_public_group_load(&g->pub, &o->info_view, tree, now);
    if (rv == 0)
        rv = find_own_leaf(g, kp);
    if (rv == 0)
        rv = install_keys(g, kp, &o->secrets_view, o->info_view.signer);
    if (rv == 0)
        rv = derive_epoch(g, &o->joiner, &o->psk);
    if (rv == 0)
        rv = mls_reinit_check_welcome(g, o->secrets_view.psks, existing, n_existing);
    return rv;
}

int mls_group_join(struct mls_client *c, struct bytes welcome, struct bytes tree,
                   struct mls_key_package *kp, struct mls_group *const *existing, size_t n_existing,
                   uint64_t now, struct mls_group **out)
{
    struct opened o = {0};
    struct mls_group *g = NULL;
    if (kp->spent || kp->client != c)
        return CONCLAVE_ESTATE;
    int rv = open_welcome(c, welcome, kp, existing, n_existing, &o);
    if (rv == 0) {
        g = mls_group_alloc(c);
        rv = g == NULL ? CONCLAVE_ENOMEM : join(g, &o, tree, kp, existing, n_existing, now);
    }
    opened_fini(&o);
    if (rv != 0) {
        mls_group_free(g);
        return rv;
    }
    if (!kp->last_resort) { /* used once: its keys are gone */
        secret_wipe(&kp->init_priv);
        secret_wipe(&kp->leaf_priv);
        kp->spent = true;
    }
    *out = g;
    return 0;
}
