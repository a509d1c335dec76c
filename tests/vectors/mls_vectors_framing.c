/* The secret tree and the protection of messages (RFC 9420 6 and 9). */
#include "mls_vectors_protect.h"

#include <stdio.h>

#include <conclave/mls.h>

#include "crypto/labels.h"
#include "mls/framing_private.h"
#include "mls/schedule.h"

static void fini_secret_tree(void *p)
{
    mls_secret_tree_fini(p);
}

static struct mls_secret_tree *new_secret_tree(struct vec *v, uint32_t n_leaves,
                                               const struct secret *encryption)
{
    struct mls_secret_tree *t = vec_alloc(v, sizeof *t);
    struct secret copy = *encryption;
    int rv = mls_secret_tree_init(t, tm_width(n_leaves), &copy);
    if (rv == 0)
        vec_defer(v, fini_secret_tree, t);
    vec_rv(v, rv, "secret tree");
    return t;
}

/* -- Secret tree ---------------------------------------------------------------------------- */

/* RFC 9420 6.3.2: key and nonce come from a sample of the ciphertext. */
static void check_sender_data(struct vec *v, const json_t *o)
{
    struct secret secret = vec_secret(v, o, "sender_data_secret");
    struct bytes ciphertext = vec_hex(v, o, "ciphertext");
    struct bytes key = vec_hex(v, o, "key"), nonce = vec_hex(v, o, "nonce");
    uint8_t out[SECRET_MAX];
    if (!vec_ok(v))
        return;
    const struct crypto_suite *s = v->crypto->suite;
    struct bytes sample = bytes_of(ciphertext.p, ciphertext.n < s->nh ? ciphertext.n : s->nh);
    if (vec_rv(v, expand_with_label(v->crypto, &secret, "key", sample, s->nk, out), "key"))
        vec_same(v, bytes_of(out, s->nk), key, "key");
    if (vec_rv(v, expand_with_label(v->crypto, &secret, "nonce", sample, s->nn, out), "nonce"))
        vec_same(v, bytes_of(out, s->nn), nonce, "nonce");
}

#define AHEAD_MAX (1u << 20) /* generations in one leap: a second of work */
#define KEPT_MAX 1024u       /* generations that a file may list out of order */

static void check_generation(struct vec *v, struct mls_secret_tree *t, uint32_t leaf,
                             enum mls_ratchet_type type, const json_t *o)
{
    const char *name = type == RATCHET_HANDSHAKE ? "handshake" : "application";
    uint32_t generation = vec_u32(v, o, "generation");
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    char key_name[32], nonce_name[32];
    snprintf(key_name, sizeof key_name, "%s_key", name);
    snprintf(nonce_name, sizeof nonce_name, "%s_nonce", name);
    struct bytes want_key = vec_hex(v, o, key_name), want_nonce = vec_hex(v, o, nonce_name);
    vec_scope(v, "leaf %u, generation %u", leaf, generation);
    if (!vec_ok(v) || !vec_rv(v,
                              mls_ratchet_find(t, v->crypto, leaf, type, generation, UINT32_MAX,
                                               KEPT_MAX, &key, &step),
                              key_name))
        return;
    vec_same(v, secret_view(&key.key), want_key, key_name);
    vec_same(v, secret_view(&key.nonce), want_nonce, nonce_name);
    mls_ratchet_take(t, step);
    if (mls_ratchet_find(t, v->crypto, leaf, type, generation, AHEAD_MAX, KEPT_MAX, &key, &step) !=
        CONCLAVE_EREPLAY) {
        mls_ratchet_step_free(step);
        vec_fail(v, "%s is given out twice", key_name);
    }
}

void vec_secret_tree(struct vec *v, const json_t *e)
{
    if (!vec_suite(v, e))
        return;
    struct secret encryption = vec_secret(v, e, "encryption_secret");
    const json_t *sender_data = vec_object(v, e, "sender_data"), *leaves = vec_list(v, e, "leaves");
    size_t n = json_array_size(leaves);
    vec_true(v, n > 0 && n <= LIMIT_MLS_LEAVES, "number of leaves");
    if (!vec_ok(v))
        return;
    vec_scope(v, "sender_data");
    check_sender_data(v, sender_data);
    vec_scope(v, "%s", "");
    struct mls_secret_tree *t = new_secret_tree(v, (uint32_t)n, &encryption);
    for (uint32_t i = 0; vec_ok(v) && i < n; i++) {
        const json_t *generations = json_array_get(leaves, i);
        vec_scope(v, "leaf %u", i);
        vec_true(v, json_is_array(generations), "not a list of generations");
        for (size_t k = 0; vec_ok(v) && k < json_array_size(generations); k++) {
            const json_t *o = json_array_get(generations, k);
            check_generation(v, t, i, RATCHET_HANDSHAKE, o);
            check_generation(v, t, i, RATCHET_APPLICATION, o);
        }
    }
}

/* -- Message protection --------------------------------------------------------------------- */

#define MEMBERS 2
#define SENDER 1

static void fini_signer(void *p)
{
    crypto_signer_free(p);
}

static bool read_protection(struct vec *v, const json_t *e, struct protection *p)
{
    if (!vec_suite(v, e))
        return false;
    struct bytes tree_hash = vec_hex(v, e, "tree_hash");
    struct bytes confirmed = vec_hex(v, e, "confirmed_transcript_hash");
    p->group_id = vec_hex(v, e, "group_id");
    p->epoch = vec_u64(v, e, "epoch");
    p->signature_pub = vec_hex(v, e, "signature_pub");
    p->encryption = vec_secret(v, e, "encryption_secret");
    p->sender_data = vec_secret(v, e, "sender_data_secret");
    p->membership = vec_secret(v, e, "membership_key");
    struct bytes priv = vec_signature_priv(v, e, "signature_priv");
    if (!vec_ok(v) ||
        !vec_rv(v, crypto_signer_from_private(v->crypto, priv, &p->signer), "signature_priv"))
        return false;
    vec_defer(v, fini_signer, p->signer);
    p->context = vec_context(v, p->group_id, p->epoch, tree_hash, confirmed);
    return vec_same(v, crypto_signer_public(p->signer), p->signature_pub, "signature_pub");
}

/* What both wire formats have to say. */
static void check_content(struct vec *v, const struct protection *p,
                          const struct mls_authenticated *a, enum mls_content_type type,
                          struct bytes raw)
{
    vec_same(v, a->content.group_id, p->group_id, "group_id");
    vec_same_number(v, a->content.epoch, p->epoch, "epoch");
    vec_same_number(v, a->content.type, type, "content_type");
    vec_same_number(v, a->content.sender.type, MLS_SENDER_MEMBER, "sender type");
    vec_same_number(v, a->content.sender.index, SENDER, "sender");
    vec_rv(v, mls_content_verify(v->crypto, a, p->context, p->signature_pub), "signature");
    vec_same(v, a->content.body, raw, "content");
}

static void unprotect_public(struct vec *v, const struct protection *p, struct bytes message,
                             enum mls_content_type type, struct bytes raw)
{
    struct mls_message m;
    struct mls_public_message pub;
    uint8_t tag[CRYPTO_HASH_MAX];
    if (!vec_rv(v, mls_message_parse(message, &m), "MLSMessage") ||
        !vec_same_number(v, m.wire_format, MLS_PUBLIC_MESSAGE, "wire format") ||
        !vec_rv(v, mls_public_message_parse(m.body, &pub), "PublicMessage"))
        return;
    const struct mls_authenticated *a = &pub.auth_content;
    check_content(v, p, a, type, raw);
    if (vec_rv(v,
               mls_membership_tag(v->crypto, &p->membership, a->content.raw, a->auth.raw,
                                  p->context, tag),
               "membership tag"))
        vec_same(v, bytes_of(tag, v->crypto->suite->nh), pub.membership_tag, "membership_tag");
}

static void unprotect_private(struct vec *v, const struct protection *p, struct bytes message,
                              enum mls_content_type type, struct bytes raw)
{
    struct mls_secret_tree *t = new_secret_tree(v, MEMBERS, &p->encryption);
    struct mls_message m;
    struct mls_private_message priv;
    struct mls_sender_data sender;
    struct mls_message_key key = {0};
    struct mls_ratchet_step *step = NULL;
    struct mls_authenticated a;
    struct buf *storage = vec_buf(v);
    enum mls_ratchet_type ratchet =
        type == CONTENT_APPLICATION ? RATCHET_APPLICATION : RATCHET_HANDSHAKE;
    if (!vec_rv(v, mls_message_parse(message, &m), "MLSMessage") ||
        !vec_same_number(v, m.wire_format, MLS_PRIVATE_MESSAGE, "wire format") ||
        !vec_rv(v, mls_private_message_parse(m.body, &priv), "PrivateMessage") ||
        !vec_rv(v, mls_sender_data_open(v->crypto, &p->sender_data, &priv, &sender),
                "sender data") ||
        !vec_rv(v,
                mls_ratchet_find(t, v->crypto, sender.leaf, ratchet, sender.generation,
                                 LIMIT_MLS_GENERATIONS, 0, &key, &step),
                "message key"))
        return;
    mls_ratchet_take(t, step);
    if (vec_rv(v, mls_private_message_open(v->crypto, &key, &priv, &sender, storage, &a),
               "PrivateMessage"))
        check_content(v, p, &a, type, raw);
}

/* Content of ours, signed; a commit's confirmation tag is random, nobody checks it here. */
static struct mls_content protect(struct vec *v, const struct protection *p,
                                  enum mls_content_type type, enum mls_wire_format format,
                                  struct bytes raw, struct buf *out_content, struct buf *out_auth)
{
    struct mls_content content = {.group_id = p->group_id,
                                  .epoch = p->epoch,
                                  .sender = {MLS_SENDER_MEMBER, SENDER},
                                  .authenticated_data = bytes_str("checked along"),
                                  .type = type,
                                  .body = raw};
    struct buf *signature = vec_buf(v);
    uint8_t tag[CRYPTO_HASH_MAX];
    size_t nh = v->crypto->suite->nh;
    mls_content_write(out_content, &content);
    vec_rv(v, buf_check(out_content), "FramedContent");
    vec_rv(v,
           mls_content_sign(p->signer, (uint16_t)format, MLS_SENDER_MEMBER, buf_view(out_content),
                            p->context, signature),
           "signing");
    vec_rv(v, crypto_random(v->crypto, tag, nh), "random confirmation tag");
    mls_auth_write(out_auth, type, buf_view(signature), bytes_of(tag, nh));
    vec_rv(v, buf_check(out_auth), "FramedContentAuthData");
    return content;
}

struct bytes vec_protect_public(struct vec *v, const struct protection *p,
                                enum mls_content_type type, struct bytes raw)
{
    struct buf *content = vec_buf(v), *auth = vec_buf(v), *out = vec_buf(v);
    uint8_t tag[CRYPTO_HASH_MAX];
    protect(v, p, type, MLS_PUBLIC_MESSAGE, raw, content, auth);
    if (vec_ok(v))
        vec_rv(v,
               mls_membership_tag(v->crypto, &p->membership, buf_view(content), buf_view(auth),
                                  p->context, tag),
               "membership tag");
    mls_public_message_write(out, buf_view(content), MLS_SENDER_MEMBER, buf_view(auth),
                             bytes_of(tag, v->crypto->suite->nh));
    vec_rv(v, buf_check(out), "PublicMessage");
    return buf_view(out);
}

struct bytes vec_protect_private(struct vec *v, const struct protection *p,
                                 enum mls_content_type type, struct bytes raw)
{
    struct mls_secret_tree *t = new_secret_tree(v, MEMBERS, &p->encryption);
    struct buf *unused = vec_buf(v), *auth = vec_buf(v), *out = vec_buf(v);
    struct mls_ratchet_step *step = NULL;
    const size_t padding = 17;
    struct mls_content content = protect(v, p, type, MLS_PRIVATE_MESSAGE, raw, unused, auth);
    if (vec_ok(v) && vec_rv(v,
                            mls_private_message_seal(v->crypto, &p->sender_data, t, &content,
                                                     buf_view(auth), padding, out, &step),
                            "PrivateMessage"))
        mls_ratchet_take(t, step);
    return buf_view(out);
}

static void fini_client(void *p)
{
    mls_client_free(p);
}

static void fini_group(void *p)
{
    mls_group_free(p);
}

/* RFC 9420 6: application data is never sent as PublicMessage. The library has no call that would
 * do it; a group that gets such a message refuses it for this reason before any other. */
static void refuse_public_application(struct vec *v, const struct protection *p, struct bytes raw)
{
    struct mls_client_config config = {
        .suite = crypto_suite(v->crypto),
        .signer = p->signer,
        .credential = {.type = MLS_BASIC, .identity = bytes_str("any")},
        .callbacks = {.check_identity = mls_identity_accept_any},
        .policy = mls_policy_default()};
    struct mls_client *client = NULL;
    struct mls_group *group = NULL;
    struct mls_received in = {0};
    struct bytes message = vec_protect_public(v, p, CONTENT_APPLICATION, raw);
    if (!vec_ok(v) || !vec_rv(v, mls_client_new(&config, &client), "client"))
        return;
    vec_defer(v, fini_client, client);
    if (!vec_rv(v, mls_group_new(client, p->group_id, NULL, 0, 0, &group), "group"))
        return;
    vec_defer(v, fini_group, group);
    int rv = mls_group_receive(group, message, 0, &in);
    vec_true(v, rv == CONCLAVE_EWIREFORMAT, "application data in a PublicMessage is not refused");
    if (rv == 0)
        mls_received_free(&in);
}

void vec_message_protection(struct vec *v, const json_t *e)
{
    static const struct {
        const char *name, *pub, *priv;
        enum mls_content_type type;
    } kinds[] = {{"proposal", "proposal_pub", "proposal_priv", CONTENT_PROPOSAL},
                 {"commit", "commit_pub", "commit_priv", CONTENT_COMMIT},
                 {"application", NULL, "application_priv", CONTENT_APPLICATION}};
    struct protection p = {0};
    if (!read_protection(v, e, &p))
        return;
    for (size_t i = 0; vec_ok(v) && i < sizeof kinds / sizeof kinds[0]; i++) {
        struct bytes raw = vec_hex(v, e, kinds[i].name), priv = vec_hex(v, e, kinds[i].priv);
        if (vec_ok(v) && kinds[i].pub != NULL) {
            vec_scope(v, "%s", kinds[i].pub);
            unprotect_public(v, &p, vec_hex(v, e, kinds[i].pub), kinds[i].type, raw);
            vec_scope(v, "%s of ours", kinds[i].pub);
            if (vec_ok(v))
                unprotect_public(v, &p, vec_protect_public(v, &p, kinds[i].type, raw),
                                 kinds[i].type, raw);
        }
        vec_scope(v, "%s", kinds[i].priv);
        if (vec_ok(v))
            unprotect_private(v, &p, priv, kinds[i].type, raw);
        vec_scope(v, "%s of ours", kinds[i].priv);
        if (vec_ok(v))
            unprotect_private(v, &p, vec_protect_private(v, &p, kinds[i].type, raw), kinds[i].type,
                              raw);
        if (vec_ok(v) && kinds[i].pub == NULL)
            refuse_public_application(v, &p, raw);
        vec_scope(v, "%s", "");
    }
}
