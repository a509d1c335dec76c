/* Content of ours on its way out: signed, and framed as PublicMessage or PrivateMessage. */
#include <stdlib.h>

#include "crypto/hpke.h"
#include "mls/framing_private.h"
#include "mls/group.h"
#include "wire/writer.h"

/* RFC 9420 15.1: up to a multiple of the policy's block. The body's length is what is hidden. */
static size_t padding_for(const struct mls_group *g, size_t n)
{
    size_t block = g->client->policy.padding_block;
    return block == 0 ? 0 : (block - n % block) % block;
}

static int frame_private(struct mls_group *g, const struct mls_content *content, struct bytes auth,
                         struct buf *out, struct mls_ratchet_step **out_step)
{
    struct mls_ratchet_step *step = NULL;
    struct buf b = {0};
    enum mls_ratchet_type type =
        content->type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    int rv = mls_private_message_seal(g->crypto, &g->secrets.sender_data, &g->secret_tree, content,
                                      auth, padding_for(g, content->body.n), &b, &step);
    /* RFC 9420 6.3.1-3: stored before it is sent, so that no restart uses the key again */
    if (rv == 0)
        rv = mls_store_ratchet(g, content->epoch, g->own_leaf, type,
                               mls_ratchet_step_generation(step));
    if (rv == 0) {
        buf_move(out, &b);
        *out_step = step;
    } else {
        mls_ratchet_step_free(step);
    }
    buf_free(&b);
    return rv;
}

static int frame_public(struct mls_group *g, const struct mls_content *content,
                        struct bytes encoded, struct bytes auth, struct buf *out)
{
    uint8_t tag[CRYPTO_HASH_MAX];
    struct buf b = {0};
    bool member = content->sender.type == MLS_SENDER_MEMBER;
    int rv = 0;
    if (content->type == CONTENT_APPLICATION) /* RFC 9420 6-1 */
        return CONCLAVE_EINTERNAL;
    if (member) /* RFC 9420 6.2-1, 12.4.1-7 */
        rv = mls_membership_tag(g->crypto, &g->secrets.membership, encoded, auth,
                                buf_view(&g->pub.context), tag);
    if (rv == 0) {
        mls_public_message_write(&b, encoded, content->sender.type, auth,
                                 bytes_of(tag, g->crypto->suite->nh));
        rv = buf_check(&b);
    }
    if (rv == 0)
        buf_move(out, &b);
    buf_free(&b);
    return rv;
}

int mls_group_frame(struct mls_group *g, const struct mls_content *content, struct bytes encoded,
                    struct bytes auth, bool private_message, struct buf *out,
                    struct mls_ratchet_step **out_step)
{
    *out_step = NULL;
    return private_message ? frame_private(g, content, auth, out, out_step)
                           : frame_public(g, content, encoded, auth, out);
}

/* Encodes and signs content of ours that is not a commit. */
static int sign(struct mls_group *g, const struct mls_content *content, bool private_message,
                struct buf *out_encoded, struct buf *out_auth)
{
    struct buf signature = {0};
    mls_content_write(out_encoded, content);
    int rv = buf_check(out_encoded);
    if (rv == 0)
        rv = mls_content_sign(g->signer, private_message ? MLS_PRIVATE_MESSAGE : MLS_PUBLIC_MESSAGE,
                              content->sender.type, buf_view(out_encoded),
                              buf_view(&g->pub.context), &signature);
    if (rv == 0) {
        mls_auth_write(out_auth, content->type, buf_view(&signature), bytes_of(NULL, 0));
        rv = buf_check(out_auth);
    }
    buf_free(&signature);
    return rv;
}

static struct mls_content own_content(const struct mls_group *g, enum mls_content_type type,
                                      struct bytes authenticated_data, struct bytes body)
{
    return (struct mls_content){.group_id = g->pub.view.group_id,
                                .epoch = g->pub.view.epoch,
                                .sender = {MLS_SENDER_MEMBER, g->own_leaf},
                                .authenticated_data = authenticated_data,
                                .type = type,
                                .body = body};
}

int mls_group_protect(struct mls_group *g, struct bytes authenticated_data, struct bytes data,
                      struct buf *out)
{
    struct buf encoded = {0}, auth = {0}, message = {0};
    struct mls_ratchet_step *step = NULL;
    struct mls_content content = own_content(g, CONTENT_APPLICATION, authenticated_data, data);
    int rv = mls_group_check_active(g);
    if (rv == 0 && g->pub.cache.n_active != 0) /* RFC 9420 12.4-1, 15.2-2 */
        rv = CONCLAVE_EPROPOSALS;
    if (rv == 0)
        rv = sign(g, &content, true, &encoded, &auth);
    if (rv == 0)
        rv = mls_group_frame(g, &content, buf_view(&encoded), buf_view(&auth), true, &message,
                             &step);
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv == 0) {
        mls_ratchet_take(&g->secret_tree, step); /* RFC 9420 9.1-1 */
        buf_move(out, &message);
    } else {
        mls_ratchet_step_free(step);
    }
    buf_free(&encoded);
    buf_free(&auth);
    buf_free(&message);
    return rv;
}

/* ---- Proposals of ours ---- */

/* An Update: a leaf with a fresh encryption key, perhaps a new identity. */
static int update_leaf(struct mls_group *g, const struct mls_new_identity *identity,
                       struct secret *priv, struct buf *out)
{
    uint8_t pub[CRYPTO_PUBLIC_KEY_MAX];
    struct mls_leaf_content leaf;
    struct crypto_signer *signer = identity != NULL ? identity->signer : g->signer;
    const struct mls_leaf *old = mls_tree_leaf(&g->pub.tree, g->own_leaf);
    struct buf encoded = {0};
    int rv = 0;
    if (identity != NULL)
        rv = mls_identity_check_own(g->crypto, signer, &identity->credential);
    if (rv == 0)
        rv = hpke_generate_key_pair(g->crypto, priv, pub);
    if (rv != 0)
        return rv;
    mls_client_leaf(g->client, signer, identity != NULL ? &identity->credential : &old->credential,
                    &leaf);
    leaf.encryption_key = bytes_of(pub, g->crypto->suite->npk);
    leaf.source = LEAF_UPDATE;
    rv = mls_leaf_sign(&leaf, signer, g->pub.view.group_id, g->own_leaf, &encoded);
    if (rv == 0) {
        mls_proposal_write_update(out, buf_view(&encoded));
        rv = buf_check(out);
    }
    buf_free(&encoded);
    return rv;
}

static int write_proposal(struct mls_group *g, const struct mls_change *change,
                          const struct mls_new_identity *identity, struct secret *priv,
                          struct buf *out)
{
    if (change->type == MLS_UPDATE)
        return update_leaf(g, identity, priv, out);
    if (identity != NULL)
        return CONCLAVE_EINVAL;
    if (change->type == MLS_PSK)
        return mls_psk_write_change(g->crypto, change, out);
    return mls_proposal_write_change(out, change);
}

/* Checks our own proposal as others will, and makes its cache entry. */
static int check_own(struct mls_group *g, struct bytes encoded, struct bytes auth,
                     uint16_t wire_format, uint64_t now, struct mls_cached **out)
{
    struct buf whole = {0};
    struct mls_authenticated a;
    int error = 0;
    write_u16(&whole, wire_format);
    buf_put(&whole, encoded);
    buf_put(&whole, auth);
    int rv = buf_check(&whole);
    if (rv == 0) {
        struct reader r = reader_of(buf_view(&whole));
        mls_authenticated_read(&r, &a, &error);
        rv = reader_end(&r) != 0 ? CONCLAVE_EINVAL
                                 : mls_public_group_check_proposal(&g->pub, &a, now, out);
    }
    buf_free(&whole);
    return rv;
}

/* Stores the proposal and what its message consumed, then changes the group. Takes both. */
static int publish(struct mls_group *g, const struct mls_change *change,
                   const struct mls_new_identity *identity, struct mls_cached *entry,
                   const struct secret *priv, struct mls_ratchet_step *step)
{
    bool update = change->type == MLS_UPDATE;
    struct crypto_signer *signer = identity != NULL ? identity->signer : g->signer;
    int rv = update ? mls_group_keep_update(g, entry, priv, signer) : 0;
    bool kept = update && rv == 0;
    if (rv == 0)
        rv = mls_store_proposal(g, entry, priv);
    if (rv == 0)
        rv = mls_store_flush(g);
    if (rv != 0) {
        if (kept)
            secret_wipe(&g->updates[--g->n_updates].leaf_priv);
        free(entry);
        mls_ratchet_step_free(step);
        return rv;
    }
    mls_cache_put(&g->pub.cache, g->crypto->suite->nh, entry);
    if (step != NULL)
        mls_ratchet_take(&g->secret_tree, step);
    return 0;
}

int mls_group_propose(struct mls_group *g, const struct mls_change *change,
                      const struct mls_new_identity *identity, uint64_t now, struct buf *out)
{
    struct buf body = {0}, encoded = {0}, auth = {0}, message = {0};
    struct secret priv = {0};
    struct mls_cached *entry = NULL;
    struct mls_ratchet_step *step = NULL;
    /* draft-ietf-mls-extensions: public, so that external committers can refer to it */
    bool private_message = g->client->policy.private_handshake && change->type != MLS_SELF_REMOVE;
    int rv = mls_group_check_active(g);
    if (rv == 0)
        rv = write_proposal(g, change, identity, &priv, &body);
    struct mls_content content =
        own_content(g, CONTENT_PROPOSAL, bytes_of(NULL, 0), buf_view(&body));
    if (rv == 0)
        rv = sign(g, &content, private_message, &encoded, &auth);
    if (rv == 0)
        rv = check_own(g, buf_view(&encoded), buf_view(&auth),
                       private_message ? MLS_PRIVATE_MESSAGE : MLS_PUBLIC_MESSAGE, now, &entry);
    if (rv == 0)
        rv = mls_group_frame(g, &content, buf_view(&encoded), buf_view(&auth), private_message,
                             &message, &step);
    if (rv == 0) {
        rv = publish(g, change, identity, entry, &priv, step);
        entry = NULL;
    }
    if (rv == 0)
        buf_move(out, &message);
    mls_store_abandon(g);
    free(entry);
    secret_wipe(&priv);
    buf_free(&body);
    buf_free(&encoded);
    buf_free(&auth);
    buf_free(&message);
    return rv;
}
