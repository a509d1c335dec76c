/* RFC 9420 12.4.1: making a commit. */
#include <stdlib.h>
#include <string.h>

#include "crypto/labels.h"
#include "mls/commit_select.h"
#include "mls/framing_private.h"
#include "mls/group.h"
#include "wire/writer.h"

/* What is committed by value. */
static int write_changes(struct mls_group *g, const struct mls_commit_plan *plan, struct buf *out)
{
    int rv = 0;
    if (plan->first_psk.n != 0) {
        write_u8(out, PROPOSAL_BY_VALUE);
        write_u16(out, MLS_PSK);
        buf_put(out, plan->first_psk);
    }
    for (size_t i = 0; rv == 0 && i < plan->n_changes; i++) {
        const struct mls_change *change = &plan->changes[i];
        write_u8(out, PROPOSAL_BY_VALUE);
        if (change->type == MLS_PSK)
            rv = mls_psk_write_change(g->crypto, change, out);
        else if (change->type == MLS_SELF_REMOVE)
            rv = CONCLAVE_EINVAL;
        else
            rv = mls_proposal_write_change(out, change);
    }
    return rv != 0 ? rv : buf_check(out);
}

/* Whether received proposals may come along: a ReInit by value stands alone (RFC 9420 12.2-11). */
static bool takes_cached(const struct mls_commit_plan *plan)
{
    for (size_t i = 0; i < plan->n_changes; i++)
        if (plan->changes[i].type == MLS_REINIT)
            return false;
    return !plan->options->ignore_cached;
}

/* ---- The path ---- */

static int sign_path_leaf(struct mls_group *g, struct mls_staged *s,
                          const struct mls_new_identity *identity, struct secret *priv,
                          struct bytes parent_hash, struct buf *out)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    struct mls_leaf_content leaf;
    const struct mls_leaf *old = mls_tree_leaf(&s->old_tree, s->committer);
    bool keeps = identity == NULL && s->sender.type == MLS_SENDER_MEMBER && old != NULL;
    struct crypto_signer *signer = identity != NULL ? identity->signer : g->signer;
    int rv = hpke_generate_key_pair(g->crypto, priv, pub);
    if (rv != 0)
        return rv;
    mls_client_leaf(g->client, signer,
                    identity != NULL ? &identity->credential
                    : keeps          ? &old->credential
                                     : NULL,
                    &leaf);
    leaf.encryption_key = bytes_of(pub, g->crypto->suite->npk);
    leaf.source = LEAF_COMMIT;
    leaf.parent_hash = parent_hash;
    return mls_leaf_sign(&leaf, signer, g->pub.view.group_id, s->committer, out);
}

/* RFC 9420 7.5: fresh keys for the filtered path, then the leaf over their parent hashes. */
static int refresh_path(struct mls_group *g, struct mls_staged *s,
                        const struct mls_new_identity *identity, struct mls_path_secrets *secrets,
                        struct mls_private_path *priv, struct buf *leaf_bytes)
{
    uint8_t pub[LIMIT_MLS_LEVELS * CRYPTO_PUBLIC_KEY_MAX], parent_hash[CRYPTO_HASH_MAX];
    struct bytes keys[LIMIT_MLS_LEVELS];
    struct mls_leaf leaf;
    size_t n_hash = 0, npk = g->crypto->suite->npk;
    int error = 0;
    int rv = mls_path_generate(g->crypto, &s->path, secrets, pub, priv);
    for (uint32_t i = 0; i < s->path.n; i++)
        keys[i] = bytes_of(pub + i * npk, npk);
    if (rv == 0)
        rv =
            mls_path_merge(&s->tree, g->crypto, s->committer, &s->path, keys, parent_hash, &n_hash);
    if (rv == 0)
        rv = sign_path_leaf(g, s, identity, &priv->key[0], bytes_of(parent_hash, n_hash),
                            leaf_bytes);
    if (rv != 0)
        return rv;
    struct reader r = reader_of(buf_view(leaf_bytes));
    mls_leaf_read(&r, &leaf, &error);
    /* RFC 9420 7.3-4, 13.4-7: as others will judge it; a newcomer may lack what is required */
    struct mls_leaf_rules rules = {.source = LEAF_COMMIT,
                                   .suite = g->pub.view.suite,
                                   .group_extensions = buf_view(&s->extensions)};
    rv = mls_leaf_check(&leaf, &rules);
    return rv != 0 ? rv : mls_staged_set_path_leaf(s, &leaf);
}

int mls_group_build_path(struct mls_group *g, struct mls_staged *s,
                         const struct mls_new_identity *identity, struct buf *path,
                         struct mls_path_secrets *out_secrets, struct secret *out_commit_secret)
{
    struct buf leaf = {0}, context = {0};
    struct mls_staged_secrets *secrets = s->secrets;
    int rv = refresh_path(g, s, identity, out_secrets, &secrets->path, &leaf);
    if (rv == 0)
        rv = mls_staged_provisional(&g->pub, s, &context); /* RFC 9420 12.4.1-4 */
    if (rv == 0) {
        buf_put(path, buf_view(&leaf));
        rv = mls_path_encrypt(&s->tree, g->crypto, &s->path, out_secrets, &s->added,
                              buf_view(&context), path);
    }
    if (rv == 0) /* RFC 9420 12.4.1-3 */
        *out_commit_secret = out_secrets->secret[s->path.n];
    buf_free(&leaf);
    buf_free(&context);
    return rv;
}

/* ---- The epoch ---- */

int mls_group_stage_epoch(struct mls_group *g, struct mls_staged *s, const struct secret *init,
                          const struct secret *commit_secret, const struct secret *psk,
                          struct secret *out_joiner)
{
    struct mls_staged_secrets *secrets = s->secrets;
    struct secret joiner = {0}, encryption = {0};
    int rv = mls_joiner_secret(g->crypto, init, commit_secret, buf_view(&s->context), &joiner);
    if (rv == 0)
        rv = mls_epoch_derive(g->crypto, &joiner, psk, buf_view(&s->context), &secrets->epoch,
                              &encryption);
    if (rv == 0)
        rv = mls_secret_tree_init(&secrets->tree, s->tree.width, &encryption);
    if (rv == 0 && out_joiner != NULL)
        *out_joiner = joiner;
    secret_wipe(&joiner); /* RFC 9420 9.2-2 */
    secret_wipe(&encryption);
    return rv;
}

int mls_group_seal_commit(struct mls_group *g, struct mls_staged *s,
                          const struct mls_content *content, bool private_message,
                          const struct secret *init, const struct secret *commit_secret,
                          const struct secret *psk, struct buf *out_encoded, struct buf *out_auth,
                          struct secret *out_joiner)
{
    struct mls_staged_secrets *secrets = s->secrets;
    uint16_t wire_format = private_message ? MLS_PRIVATE_MESSAGE : MLS_PUBLIC_MESSAGE;
    struct buf signature = {0};
    uint8_t tag[CRYPTO_HASH_MAX];
    size_t nh = g->crypto->suite->nh;
    bool external = content->sender.type == MLS_SENDER_NEW_MEMBER_COMMIT;
    /* RFC 9420 12.4.1-6: signed under the old context, by the old key unless there was none */
    struct crypto_signer *signer = external ? secrets->signer : g->signer;
    mls_content_write(out_encoded, content);
    int rv = buf_check(out_encoded);
    if (rv == 0)
        rv = mls_content_sign(signer, wire_format, content->sender.type, buf_view(out_encoded),
                              buf_view(&g->pub.context), &signature);
    if (rv == 0)
        rv = mls_staged_set_context(&g->pub, s, wire_format, buf_view(out_encoded),
                                    buf_view(&signature));
    if (rv == 0)
        rv = mls_group_stage_epoch(g, s, init, commit_secret, psk, out_joiner);
    if (rv == 0)
        rv = mls_confirmation_tag(g->crypto, &secrets->epoch.confirmation,
                                  s->view.confirmed_transcript_hash, tag);
    if (rv == 0)
        rv = mls_staged_set_confirmation(&g->pub, s, bytes_of(tag, nh));
    if (rv == 0) {
        mls_auth_write(out_auth, CONTENT_COMMIT, buf_view(&signature), bytes_of(tag, nh));
        rv = buf_check(out_auth);
    }
    buf_free(&signature);
    return rv;
}

/* ---- Putting it together ---- */

/* What is at hand while a commit is built; wiped as one. */
struct work {
    struct buf changes, body, path, encoded, auth, message;
    struct secret commit_secret, psk, joiner;
    struct mls_path_secrets path_secrets;
};

static void work_fini(struct work *w)
{
    buf_free(&w->changes);
    buf_free(&w->body);
    buf_free(&w->path);
    buf_free(&w->encoded);
    buf_free(&w->auth);
    buf_free(&w->message);
    wipe(w, sizeof *w);
}

static int begin(struct mls_group *g, const struct mls_commit_plan *plan, uint64_t now,
                 struct work *w, struct mls_staged **out)
{
    const struct mls_new_identity *identity = plan->options->identity;
    int rv = write_changes(g, plan, &w->changes);
    if (rv == 0)
        rv = mls_commit_select(g, buf_view(&w->changes), takes_cached(plan), now, out);
    if (rv != 0)
        return rv;
    struct mls_staged_secrets *secrets = calloc(1, sizeof *secrets);
    if (secrets == NULL)
        return CONCLAVE_ENOMEM;
    secrets->path = g->path;
    secrets->own_leaf = g->own_leaf;
    secrets->signer = identity != NULL ? identity->signer : g->signer;
    (*out)->secrets = secrets;
    (*out)->secrets_free = mls_staged_secrets_free;
    buf_put(&(*out)->authenticated_data, plan->options->authenticated_data);
    return buf_check(&(*out)->authenticated_data);
}

static int add_path(struct mls_group *g, const struct mls_commit_options *options,
                    struct mls_staged *s, struct work *w)
{
    struct mls_staged_secrets *secrets = s->secrets;
    int rv = 0;
    bool path = s->needs_path || options->force_path || options->identity != NULL;
    if (path && options->identity != NULL)
        rv = mls_identity_check_own(g->crypto, options->identity->signer,
                                    &options->identity->credential);
    if (!path) { /* RFC 9420 12.4.1-1, 12.4.1-5 */
        secret_zero(&w->commit_secret, g->crypto->suite->nh);
        mls_private_path_update(&s->tree, g->own_leaf, &secrets->path);
    } else if (rv == 0) {
        rv = mls_group_build_path(g, s, options->identity, &w->path, &w->path_secrets,
                                  &w->commit_secret);
    }
    return rv != 0 ? rv : mls_staged_check_tree(&g->pub, s);
}

/* The Commit struct: proposals and optional path */
static int write_body(const struct mls_staged *s, struct work *w)
{
    write_vec(&w->body, buf_view(&s->proposals));
    write_u8(&w->body, w->path.n != 0);
    buf_put(&w->body, buf_view(&w->path));
    return buf_check(&w->body);
}

static int finish(struct mls_group *g, const struct mls_commit_options *options,
                  struct mls_staged *s, struct work *w, struct mls_ratchet_step **out_step)
{
    bool private_message = g->client->policy.private_handshake;
    struct mls_staged_secrets *secrets = s->secrets;
    struct mls_content content = {.group_id = g->pub.view.group_id,
                                  .epoch = g->pub.view.epoch,
                                  .sender = s->sender,
                                  .authenticated_data = options->authenticated_data,
                                  .type = CONTENT_COMMIT,
                                  .body = buf_view(&w->body)};
    int rv = mls_group_psk_secret(g, s, &w->psk);
    if (rv == 0)
        rv = mls_group_seal_commit(g, s, &content, private_message, &g->secrets.init,
                                   &w->commit_secret, &w->psk, &w->encoded, &w->auth, &w->joiner);
    if (rv == 0 && s->added.n != 0)
        rv = mls_group_build_welcome(g, s, s->has_path ? &w->path_secrets : NULL, &w->joiner,
                                     &w->psk, options, &secrets->welcome);
    if (rv == 0)
        rv = mls_group_frame(g, &content, buf_view(&w->encoded), buf_view(&w->auth),
                             private_message, &w->message, out_step);
    buf_put(&secrets->message, buf_view(&w->message));
    return rv != 0 ? rv : buf_check(&secrets->message);
}

int mls_group_commit_plan(struct mls_group *g, const struct mls_commit_plan *plan, uint64_t now,
                          struct buf *out)
{
    struct work w = {0};
    struct mls_staged *s = NULL;
    struct mls_ratchet_step *step = NULL;
    int rv = mls_group_check_active(g);
    if (rv == 0 && g->pending != NULL)
        rv = CONCLAVE_EPENDING;
    if (rv == 0)
        rv = begin(g, plan, now, &w, &s);
    if (rv == 0)
        rv = add_path(g, plan->options, s, &w);
    if (rv == 0)
        rv = write_body(s, &w);
    if (rv == 0)
        rv = finish(g, plan->options, s, &w, &step);
    if (rv == 0)
        rv = mls_store_pending(g, s);
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv == 0) { /* RFC 9420 14-3: beside the group, which stays as it is */
        g->pending = s;
        if (step != NULL) /* but for the key that has encrypted the commit (9.1-1) */
            mls_ratchet_take(&g->secret_tree, step);
        buf_move(out, &w.message);
    } else {
        mls_ratchet_step_free(step);
        mls_staged_free(s);
        mls_store_abandon(g);
    }
    work_fini(&w);
    return rv;
}

int mls_group_commit(struct mls_group *g, const struct mls_change *changes, size_t n,
                     const struct mls_commit_options *options, uint64_t now, struct buf *out)
{
    static const struct mls_commit_options none = {0};
    struct mls_commit_plan plan = {
        .changes = changes, .n_changes = n, .options = options != NULL ? options : &none};
    return mls_group_commit_plan(g, &plan, now, out);
}
