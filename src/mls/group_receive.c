/* RFC 9420 6 and 12.4.2: whatever comes in. */
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "crypto/hpke.h"
#include "mls/framing_private.h"
#include "mls/group.h"

/* What a message will change once it is recorded. */
struct effects {
    struct mls_cached *proposal;
    struct mls_secret_tree *tree;
    struct mls_ratchet_step *step;
};

/* ---- Commits ---- */

/* RFC 9420 8.3-1, 12.4.3.2-6: the external joiner's secret instead of our init secret. */
static int init_secret(struct mls_group *g, const struct mls_staged *s, struct secret *out)
{
    struct secret priv = {0};
    struct hpke_info info;
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    if (s->external_init == NULL) {
        *out = g->secrets.init;
        return 0;
    }
    int rv = hpke_derive_key_pair(g->crypto, secret_view(&g->secrets.external), &priv, pub);
    if (rv == 0)
        rv = hpke_info_init(g->crypto, NULL, 0, &info);
    if (rv == 0)
        rv = hpke_receive_export(g->crypto, &priv, s->external_init->p.kem_output, &info,
                                 "MLS 1.0 external init secret", out);
    secret_wipe(&priv);
    return rv;
}

/* Our private keys after the proposals: an Update of ours brings a new leaf key. */
static int own_path(struct mls_group *g, const struct mls_staged *s,
                    struct mls_staged_secrets *secrets)
{
    secrets->path = g->path;
    secrets->signer = g->signer;
    secrets->own_leaf = g->own_leaf;
    for (size_t i = 0; i < s->n_list; i++) {
        const struct mls_listed *l = &s->list[i];
        if (l->p.type != MLS_UPDATE || l->leaf != g->own_leaf)
            continue;
        const struct mls_own_update *u = NULL;
        for (size_t k = 0; k < g->n_updates; k++)
            if (bytes_equal(bytes_of(g->updates[k].ref, s->tree.nh), bytes_of(l->ref, s->tree.nh)))
                u = &g->updates[k];
        if (u == NULL)
            return CONCLAVE_EUNKNOWNREF; /* somebody updated us with a key we never made */
        secrets->path.key[0] = u->leaf_priv;
        secrets->signer = u->signer;
    }
    mls_private_path_update(&s->tree, g->own_leaf, &secrets->path);
    return 0;
}

static int commit_secret(struct mls_group *g, struct mls_staged *s,
                         const struct mls_commit_view *commit, struct secret *out)
{
    struct mls_staged_secrets *secrets = s->secrets;
    struct buf context = {0};
    if (!s->has_path) { /* RFC 9420 12.4.1-5 */
        secret_zero(out, g->crypto->suite->nh);
        return 0;
    }
    int rv = mls_staged_provisional(&g->pub, s, &context);
    if (rv == 0)
        rv = mls_path_decrypt(&s->tree, g->crypto, &s->path, commit, g->own_leaf, &s->added,
                              buf_view(&context), &secrets->path, out);
    buf_free(&context);
    return rv;
}

/* RFC 9420 12.4.2: the secrets of the new epoch, proved right by the confirmation tag; beside the
 * group, which stays as it is (RFC 9420 12.4.2-15). */
static int stage_secrets(struct mls_group *g, struct mls_staged *s,
                         const struct mls_commit_view *commit)
{
    struct mls_staged_secrets *secrets = calloc(1, sizeof *secrets);
    struct secret init = {0}, commit_s = {0}, psk = {0};
    uint8_t tag[CRYPTO_HASH_MAX];
    if (secrets == NULL)
        return CONCLAVE_ENOMEM;
    s->secrets = secrets;
    s->secrets_free = mls_staged_secrets_free;
    int rv = own_path(g, s, secrets);
    if (rv == 0)
        rv = commit_secret(g, s, commit, &commit_s);
    if (rv == 0)
        rv = init_secret(g, s, &init);
    if (rv == 0)
        rv = mls_group_psk_secret(g, s, &psk);
    if (rv == 0)
        rv = mls_group_stage_epoch(g, s, &init, &commit_s, &psk, NULL);
    if (rv == 0)
        rv = mls_confirmation_tag(g->crypto, &secrets->epoch.confirmation,
                                  s->view.confirmed_transcript_hash, tag);
    /* RFC 9420 6.2-3, 6.3.1-6, 12.4.2-14 */
    if (rv == 0 && !ct_equal(bytes_of(tag, s->tree.nh), buf_view(&s->confirmation_tag)))
        rv = CONCLAVE_ECONFIRMATION;
    secret_wipe(&init);
    secret_wipe(&commit_s);
    secret_wipe(&psk);
    return rv;
}

static int receive_commit(struct mls_group *g, const struct mls_authenticated *a, uint64_t now,
                          struct mls_received *out)
{
    struct mls_commit_view commit;
    struct mls_staged *s = NULL;
    int rv = mls_public_group_stage(&g->pub, a, now, &commit, &s);
    if (rv != 0)
        return rv;
    mls_staged_set_own(s, g->own_leaf);
    if (s->gce != NULL && !s->removes_us) /* RFC 9420 13.5-5: what our leaf lists may be GREASE */
        rv = mls_client_supports(g->client, buf_view(&s->extensions));
    if (rv == 0 && !s->removes_us) /* a member that is removed cannot know the new epoch */
        rv = stage_secrets(g, s, &commit);
    if (rv != 0) {
        mls_staged_free(s);
        return rv;
    }
    out->kind = MLS_RECEIVED_COMMIT;
    out->staged = s;
    return 0;
}

/* ---- Proposals ---- */

static int receive_proposal(struct mls_group *g, const struct mls_authenticated *a, uint64_t now,
                            struct effects *effects, struct mls_received *out)
{
    size_t nh = g->crypto->suite->nh;
    uint8_t ref[CRYPTO_HASH_MAX];
    struct reader r = reader_of(a->content.body);
    /* draft-ietf-mls-extensions: SelfRemove is public, for external committers to see */
    if (a->wire_format == MLS_PRIVATE_MESSAGE && read_u16(&r) == MLS_SELF_REMOVE)
        return CONCLAVE_EWIREFORMAT;
    int rv = mls_proposal_ref(g->crypto, a, ref);
    const struct mls_cached *kept =
        rv == 0 ? mls_cache_find(&g->pub.cache, bytes_of(ref, nh)) : NULL;
    /* one that came before, or our own, needs no second look, unless it was set aside */
    if (rv == 0 && (kept == NULL || kept->ignored)) {
        rv = mls_public_group_check_proposal(&g->pub, a, now, &effects->proposal);
        if (rv == 0)
            rv = mls_store_proposal(g, effects->proposal, NULL);
        kept = kept != NULL ? kept : effects->proposal;
    }
    if (rv != 0)
        return rv;
    out->kind = MLS_RECEIVED_PROPOSAL;
    mls_cached_describe(kept, nh, &out->proposal);
    return 0;
}

static int receive_handshake(struct mls_group *g, const struct mls_authenticated *a, uint64_t now,
                             struct effects *effects, struct mls_received *out)
{
    if (g->pub.reinit.n != 0)
        return CONCLAVE_ESUSPENDED;
    if (a->content.type == CONTENT_PROPOSAL)
        return receive_proposal(g, a, now, effects, out);
    /* our own commits are known by their hash before; this one is not ours, or forgotten */
    if (a->content.sender.type == MLS_SENDER_MEMBER && a->content.sender.index == g->own_leaf)
        return CONCLAVE_ESENDER;
    return receive_commit(g, a, now, out);
}

/* What is common to all: whose it is, as the epoch it was sent in knows the sender. */
static int fill(const struct mls_authenticated *a, const struct mls_tree *tree,
                struct mls_received *out)
{
    out->epoch = a->content.epoch;
    buf_put(&out->authenticated_data, a->content.authenticated_data);
    int rv = buf_check(&out->authenticated_data);
    return rv != 0 ? rv : mls_received_set_sender(out, a->content.sender, tree);
}

/* ---- PublicMessage ---- */

/* RFC 9420 6.2-2, 12.4.2-2: before the signature, which costs more */
static int check_membership(struct mls_group *g, const struct mls_public_message *m)
{
    uint8_t tag[CRYPTO_HASH_MAX];
    const struct mls_authenticated *a = &m->auth_content;
    if (a->content.sender.type != MLS_SENDER_MEMBER)
        return 0;
    int rv = mls_membership_tag(g->crypto, &g->secrets.membership, a->content.raw, a->auth.raw,
                                buf_view(&g->pub.context), tag);
    if (rv == 0 && !ct_equal(m->membership_tag, bytes_of(tag, g->crypto->suite->nh)))
        rv = CONCLAVE_EMEMBERSHIP;
    return rv;
}

static int receive_public(struct mls_group *g, struct bytes body, uint64_t now,
                          struct effects *effects, struct mls_received *out)
{
    struct mls_public_message m;
    struct bytes key;
    int rv = mls_public_message_parse(body, &m);
    if (rv == 0 && m.auth_content.content.type == CONTENT_APPLICATION) /* RFC 9420 6-1 */
        rv = CONCLAVE_EWIREFORMAT;
    if (rv == 0)
        rv = mls_public_group_check_content(&g->pub, &m.auth_content, &key);
    if (rv == 0)
        rv = check_membership(g, &m);
    if (rv == 0)
        rv = fill(&m.auth_content, &g->pub.tree, out);
    return rv != 0 ? rv : receive_handshake(g, &m.auth_content, now, effects, out);
}

/* ---- PrivateMessage ---- */

/* What is needed to open a message of an epoch: the current one or one that is kept. */
struct epoch_view {
    const struct secret *sender_data;
    struct mls_secret_tree *secret_tree;
    const struct mls_tree *tree;
    struct bytes context;
};

static int find_epoch(struct mls_group *g, uint64_t epoch, struct epoch_view *out)
{
    if (epoch == g->pub.view.epoch) {
        *out = (struct epoch_view){&g->secrets.sender_data, &g->secret_tree, &g->pub.tree,
                                   buf_view(&g->pub.context)};
        return 0;
    }
    for (size_t i = 0; i < g->n_past; i++)
        if (g->past[i].epoch == epoch) {
            struct mls_past_epoch *e = &g->past[i];
            *out = (struct epoch_view){&e->sender_data, &e->secret_tree, &e->tree,
                                       buf_view(&e->context)};
            return 0;
        }
    return CONCLAVE_EEPOCH;
}

/* Decrypts and verifies; the ratchet step is still to be taken. */
static int open_private(struct mls_group *g, const struct epoch_view *e,
                        const struct mls_private_message *m, struct mls_sender_data *sender,
                        struct buf *storage, struct mls_authenticated *out,
                        struct mls_ratchet_step **out_step)
{
    const struct mls_policy *policy = &g->client->policy;
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    enum mls_ratchet_type type =
        m->type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    const struct mls_leaf *leaf = NULL;
    int rv = mls_sender_data_open(g->crypto, e->sender_data, m, sender);
    if (rv == 0 && (leaf = mls_tree_leaf(e->tree, sender->leaf)) == NULL) /* RFC 9420 6.3.2-2 */
        rv = CONCLAVE_ESENDER;
    if (rv == 0)
        rv = mls_ratchet_find(e->secret_tree, g->crypto, sender->leaf, type, sender->generation,
                              policy->generation_ahead, policy->generation_kept, &key, &step);
    if (rv == 0) /* RFC 9420 12.4.2-3 */
        rv = mls_private_message_open(g->crypto, &key, m, sender, storage, out);
    if (rv == 0)
        rv = mls_content_check_sender(&out->content);
    if (rv == 0) /* RFC 9420 6.3.1-6: with the credential of that epoch, not of this one */
        rv = mls_content_verify(g->crypto, out, e->context, leaf->signature_key);
    if (rv == 0)
        *out_step = step;
    else
        mls_ratchet_step_free(step);
    wipe(&key, sizeof key);
    return rv;
}

static int deliver(struct mls_group *g, const struct mls_authenticated *a,
                   const struct mls_tree *tree, uint64_t now, struct effects *effects,
                   struct mls_received *out)
{
    int rv = fill(a, tree, out);
    if (rv != 0)
        return rv;
    if (a->content.type != CONTENT_APPLICATION)
        return receive_handshake(g, a, now, effects, out);
    out->kind = MLS_RECEIVED_APPLICATION;
    buf_put(&out->data, a->content.body);
    return buf_check(&out->data);
}

static int receive_private(struct mls_group *g, struct bytes body, uint64_t now,
                           struct effects *effects, struct mls_received *out)
{
    struct mls_private_message m;
    struct mls_sender_data sender = {0};
    struct mls_authenticated a;
    struct epoch_view e = {0};
    struct buf storage = {0};
    int rv = mls_private_message_parse(body, &m);
    if (rv == 0 && !bytes_equal(m.group_id, g->pub.view.group_id))
        rv = CONCLAVE_EGROUP;
    if (rv == 0)
        rv = find_epoch(g, m.epoch, &e);
    if (rv == 0 && m.type != CONTENT_APPLICATION && m.epoch != g->pub.view.epoch)
        rv = CONCLAVE_EEPOCH; /* RFC 9420 12.1-2, 12.4.2-1 */
    if (rv == 0)
        rv = open_private(g, &e, &m, &sender, &storage, &a, &effects->step);
    if (rv == 0)
        rv = deliver(g, &a, e.tree, now, effects, out);
    out->generation = rv == 0 ? sender.generation : 0;
    if (rv == 0 && out->kind == MLS_RECEIVED_COMMIT) {
        /* Its key is used up when it is merged: who drops it, or crashes, can receive it again. */
        out->staged->was_private = true;
        out->staged->generation = sender.generation;
        mls_ratchet_step_free(effects->step);
        effects->step = NULL;
    } else if (rv == 0) /* persisted before the plaintext is handed out */
        rv = mls_store_ratchet(g, m.epoch, sender.leaf,
                               m.type == CONTENT_APPLICATION ? RATCHET_APPLICATION
                                                             : RATCHET_HANDSHAKE,
                               sender.generation);
    effects->tree = e.secret_tree;
    buf_free(&storage);
    return rv;
}

/* ---- Either ---- */

static void take_effects(struct mls_group *g, struct effects *effects)
{
    if (effects->proposal != NULL)
        mls_cache_put(&g->pub.cache, g->crypto->suite->nh, effects->proposal);
    if (effects->step != NULL)
        mls_ratchet_take(effects->tree, effects->step); /* RFC 9420 9.2-1 */
}

static bool is_own_commit(const struct mls_group *g, struct bytes message)
{
    return g->pending != NULL &&
           bytes_equal(message, buf_view(&mls_staged_secrets_of(g->pending)->message));
}

int mls_group_receive(struct mls_group *g, struct bytes message, uint64_t now,
                      struct mls_received *out)
{
    struct mls_message m;
    struct mls_received made = {0};
    struct effects effects = {0};
    int rv = mls_message_parse(message, &m);
    if (rv == 0 && g->removed)
        rv = CONCLAVE_EREMOVED;
    if (rv == 0 && is_own_commit(g, message)) {
        made.kind = MLS_RECEIVED_OWN_COMMIT;
        made.epoch = g->pub.view.epoch;
        rv = mls_received_set_sender(&made, g->pending->sender, &g->pub.tree);
    } else if (rv == 0 && g->joining) {
        rv = CONCLAVE_ESTATE;
    } else if (rv == 0 && m.wire_format == MLS_PUBLIC_MESSAGE) {
        rv = receive_public(g, m.body, now, &effects, &made);
    } else if (rv == 0 && m.wire_format == MLS_PRIVATE_MESSAGE) {
        rv = receive_private(g, m.body, now, &effects, &made);
    } else if (rv == 0) {
        rv = CONCLAVE_EWIREFORMAT;
    }
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv != 0) {
        mls_store_abandon(g);
        free(effects.proposal);
        mls_ratchet_step_free(effects.step);
        mls_received_free(&made);
        return rv;
    }
    take_effects(g, &effects);
    *out = made;
    return 0;
}
