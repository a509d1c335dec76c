/* Following recorded groups through the public interface: joining, receiving, merging. */
#include "mls_vectors.h"

#include <conclave/mls.h>

#include "mls/client.h"

/* A resumption PSK, kept longer than the library's limit allows. */
struct past {
    uint64_t epoch;
    struct buf psk;
};

struct passive {
    const json_t *psks;
    struct past *past;
    size_t n_past;
    struct vec *v;
    struct mls_client *client;
    struct mls_key_package *key_package;
    struct mls_group *group;
    uint64_t now;
};

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    const struct passive *p = ctx;
    for (size_t i = 0; i < json_array_size(p->psks); i++) {
        const json_t *o = json_array_get(p->psks, i);
        if (bytes_equal(vec_hex(p->v, o, "psk_id"), id)) {
            buf_put(out, vec_hex(p->v, o, "psk"));
            return buf_check(out);
        }
    }
    return CONCLAVE_ENOTFOUND;
}

static int find_resumption(void *ctx, struct bytes group_id, uint64_t epoch, struct buf *out)
{
    const struct passive *p = ctx;
    struct mls_context now = {0};
    if (p->group != NULL)
        mls_group_context(p->group, &now);
    for (size_t i = 0; bytes_equal(group_id, now.group_id) && i < p->n_past; i++)
        if (p->past[i].epoch == epoch) {
            buf_put(out, buf_view(&p->past[i].psk));
            return buf_check(out);
        }
    return CONCLAVE_ENOTFOUND;
}

/* -- The client ----------------------------------------------------------------------------- */

/* The group was recorded at some time; nothing in it tells when. */
static struct mls_policy recorded_policy(void)
{
    struct mls_policy p = mls_policy_default();
    p.max_lifetime = UINT64_MAX;
    p.accept_expired_tree = true;
    p.accept_expired_adds = true;
    p.resumption_epochs = LIMIT_MLS_PAST_EPOCHS;
    p.past_epochs = 2;
    p.generation_ahead = LIMIT_MLS_GENERATIONS;
    return p;
}

static const uint16_t *read_u16s(struct vec *v, struct bytes list, size_t *out_n)
{
    uint16_t *out = vec_alloc(v, list.n * sizeof *out);
    struct reader r = reader_of(list);
    for (*out_n = 0; reader_left(&r) >= 2; (*out_n)++)
        out[*out_n] = read_u16(&r);
    return out;
}

static void fini_signer(void *p)
{
    crypto_signer_free(p);
}

static void fini_client(void *p)
{
    mls_client_free(p);
}

static void fini_key_package(void *p)
{
    mls_key_package_free(p);
}

static void fini_group(void *p)
{
    mls_group_free(p);
}

/* A client that supports what its key package says it does. */
static void make_client(struct vec *v, struct passive *p, const struct mls_leaf *leaf,
                        struct bytes signature_priv)
{
    const struct mls_capabilities *caps = &leaf->capabilities;
    struct crypto_signer *signer = NULL;
    if (!vec_rv(v, crypto_signer_from_private(v->crypto, signature_priv, &signer),
                "signature_priv"))
        return;
    vec_defer(v, fini_signer, signer);
    if (!vec_same(v, crypto_signer_public(signer), leaf->signature_key, "signature_priv"))
        return;
    struct mls_client_config config = {.suite = crypto_suite(v->crypto),
                                       .signer = signer,
                                       .credential = leaf->credential,
                                       .callbacks = {.ctx = p,
                                                     .check_identity = mls_identity_accept_any,
                                                     .find_psk = find_psk,
                                                     .find_resumption = find_resumption},
                                       .policy = recorded_policy()};
    config.suites = read_u16s(v, caps->suites, &config.n_suites);
    config.extensions = read_u16s(v, caps->extensions, &config.n_extensions);
    config.proposals = read_u16s(v, caps->proposals, &config.n_proposals);
    config.credentials = read_u16s(v, caps->credentials, &config.n_credentials);
    if (vec_rv(v, mls_client_new(&config, &p->client), "client"))
        vec_defer(v, fini_client, p->client);
}

static void restore_key_package(struct vec *v, struct passive *p, const json_t *e)
{
    struct bytes message = vec_hex(v, e, "key_package");
    struct bytes signature_priv = vec_signature_priv(v, e, "signature_priv");
    struct secret leaf_priv = vec_hpke_priv(v, e, "encryption_priv");
    struct secret init_priv = vec_hpke_priv(v, e, "init_priv");
    struct mls_key_package_view view;
    if (!vec_ok(v) || !vec_rv(v, mls_key_package_parse(message, &view), "key_package"))
        return;
    p->now = view.leaf.not_before;
    make_client(v, p, &view.leaf, signature_priv);
    if (vec_ok(v) && vec_rv(v,
                            mls_key_package_from_parts(p->client, message, secret_view(&init_priv),
                                                       secret_view(&leaf_priv), &p->key_package),
                            "init_priv, encryption_priv"))
        vec_defer(v, fini_key_package, p->key_package);
}

/* -- The group ------------------------------------------------------------------------------ */

static void fini_buf(void *p)
{
    buf_free(p);
}

/* There is room for as many epochs as the file has, and the one that was joined. */
static void remember_epoch(struct vec *v, struct passive *p)
{
    struct past *past = &p->past[p->n_past];
    if (!vec_ok(v) || !mls_group_is_member(p->group))
        return;
    past->epoch = mls_group_epoch(p->group);
    vec_defer(v, fini_buf, &past->psk);
    if (vec_rv(v, mls_group_resumption_psk(p->group, past->epoch, &past->psk), "resumption_psk"))
        p->n_past++;
}

static void join(struct vec *v, struct passive *p, const json_t *e)
{
    struct bytes welcome = vec_hex(v, e, "welcome");
    struct bytes authenticator = vec_hex(v, e, "initial_epoch_authenticator");
    struct bytes tree = bytes_of(NULL, 0);
    if (vec_has(e, "ratchet_tree"))
        tree = vec_hex(v, e, "ratchet_tree");
    if (!vec_ok(v) ||
        !vec_rv(
            v, mls_group_join(p->client, welcome, tree, p->key_package, NULL, 0, p->now, &p->group),
            "joining"))
        return;
    vec_defer(v, fini_group, p->group);
    vec_same(v, mls_group_epoch_authenticator(p->group), authenticator,
             "initial_epoch_authenticator");
    remember_epoch(v, p);
}

static void receive_proposal(struct vec *v, struct passive *p, struct bytes message)
{
    struct mls_received in = {0};
    if (!vec_ok(v) ||
        !vec_rv(v, mls_group_receive(p->group, message, p->now, &in), "receiving a proposal"))
        return;
    vec_true(v, in.kind == MLS_RECEIVED_PROPOSAL, "something else than a proposal came in");
    mls_received_free(&in);
}

static void receive_commit(struct vec *v, struct passive *p, struct bytes message)
{
    struct mls_received in = {0};
    if (!vec_ok(v) ||
        !vec_rv(v, mls_group_receive(p->group, message, p->now, &in), "receiving the commit"))
        return;
    if (vec_true(v, in.kind == MLS_RECEIVED_COMMIT, "something else than a commit came in"))
        vec_rv(v, mls_group_merge(p->group, mls_received_take(&in)), "merging the commit");
    mls_received_free(&in);
}

static void follow_epoch(struct vec *v, struct passive *p, const json_t *o)
{
    const json_t *proposals = vec_list(v, o, "proposals");
    struct bytes commit = vec_hex(v, o, "commit");
    struct bytes authenticator = vec_hex(v, o, "epoch_authenticator");
    for (size_t i = 0; vec_ok(v) && i < json_array_size(proposals); i++)
        receive_proposal(v, p, vec_hex_of(v, json_array_get(proposals, i), "proposals"));
    receive_commit(v, p, commit);
    if (vec_ok(v))
        vec_same(v, mls_group_epoch_authenticator(p->group), authenticator, "epoch_authenticator");
    remember_epoch(v, p);
}

void vec_passive_client(struct vec *v, const json_t *e)
{
    if (!vec_suite(v, e))
        return;
    const json_t *epochs = vec_list(v, e, "epochs");
    struct passive *p = vec_alloc(v, sizeof *p);
    *p = (struct passive){.v = v};
    p->past = vec_alloc(v, (json_array_size(epochs) + 1) * sizeof *p->past);
    if (vec_has(e, "external_psks"))
        p->psks = vec_list(v, e, "external_psks");
    if (vec_ok(v))
        restore_key_package(v, p, e);
    if (vec_ok(v))
        join(v, p, e);
    for (size_t i = 0; vec_ok(v) && i < json_array_size(epochs); i++) {
        vec_scope(v, "epoch %zu", i);
        follow_epoch(v, p, json_array_get(epochs, i));
    }
}
