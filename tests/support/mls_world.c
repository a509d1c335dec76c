#include "mls_world.h"

#include <string.h>

void world_init_suite(struct world *w, uint16_t suite)
{
    *w = (struct world){0};
    assert_int_equal(crypto_new(suite, &w->crypto), 0);
    w->config.suite = suite;
    w->config.callbacks.check_identity = mls_identity_accept_any;
    w->config.policy = mls_policy_default();
    w->config.policy.grease = false;
}

void world_init(struct world *w)
{
    world_init_suite(w, CRYPTO_X25519_AES128GCM_SHA256_ED25519);
}

void world_fini(struct world *w)
{
    mls_public_group_free(w->server);
    for (size_t i = 0; i < w->n_packages; i++)
        mls_key_package_free(w->packages[i]);
    for (size_t i = 0; i < w->n; i++) {
        mls_group_free(w->actor[i].group);
        mls_client_free(w->actor[i].client);
        crypto_signer_free(w->actor[i].signer);
    }
    crypto_free(w->crypto);
    *w = (struct world){0};
}

size_t world_actor(struct world *w)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-";
    assert_true(w->n < WORLD_MAX);
    struct world_actor *a = &w->actor[w->n];
    struct mls_client_config config = w->config;
    if (config.signer == NULL) {
        assert_int_equal(crypto_signer_generate(w->crypto, &a->signer), 0);
        config.signer = a->signer;
    }
    if (config.credential.type == 0)
        config.credential =
            (struct mls_credential){.type = MLS_BASIC, .identity = bytes_of(&names[w->n], 1)};
    assert_int_equal(mls_client_new(&config, &a->client), 0);
    return w->n++;
}

struct mls_key_package *world_key_package(struct world *w, size_t actor)
{
    struct mls_key_package *kp = NULL;
    assert_true(w->n_packages < 4 * WORLD_MAX);
    assert_int_equal(mls_key_package_new(w->actor[actor].client, WORLD_NOW - WORLD_DAY,
                                         WORLD_NOW + WORLD_DAY, false, &kp),
                     0);
    w->packages[w->n_packages++] = kp;
    return kp;
}

struct mls_change world_add(struct world *w, size_t actor)
{
    return mls_add(mls_key_package_message(world_key_package(w, actor)));
}

void world_group(struct world *w, size_t n)
{
    struct mls_change adds[WORLD_MAX];
    while (w->n < n)
        world_actor(w);
    assert_int_equal(mls_group_new(w->actor[0].client, bytes_str("the group"), w->extensions,
                                   w->n_extensions, WORLD_NOW, &w->actor[0].group),
                     0);
    for (size_t i = 1; i < n; i++)
        adds[i - 1] = world_add(w, i);
    if (n > 1)
        world_commit(w, 0, adds, n - 1);
}

void world_serve(struct world *w)
{
    struct buf info = {0};
    assert_int_equal(
        mls_group_info(w->actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(mls_public_group_new(w->config.suite, &w->config.callbacks, &w->config.policy,
                                          buf_view(&info), bytes_of(NULL, 0), WORLD_NOW,
                                          &w->server),
                     0);
    buf_free(&info);
}

struct mls_staged *world_stage(struct mls_group *g, struct bytes message)
{
    struct mls_received r = {0};
    assert_int_equal(mls_group_receive(g, message, WORLD_NOW, &r), 0);
    assert_int_equal(r.kind, MLS_RECEIVED_COMMIT);
    struct mls_staged *s = mls_received_take(&r);
    mls_received_free(&r);
    return s;
}

static void serve(struct world *w, struct bytes message)
{
    struct mls_received r = {0};
    struct mls_message m;
    assert_int_equal(mls_message_parse(message, &m), 0);
    if (w->server == NULL || m.wire_format != MLS_PUBLIC_MESSAGE)
        return;
    assert_int_equal(mls_public_group_receive(w->server, message, WORLD_NOW, &r), 0);
    if (r.kind == MLS_RECEIVED_COMMIT)
        assert_int_equal(mls_public_group_merge(w->server, mls_received_take(&r)), 0);
    mls_received_free(&r);
}

static bool is_in(const struct world *w, size_t i)
{
    return w->actor[i].group != NULL && mls_group_is_member(w->actor[i].group);
}

void world_deliver(struct world *w, size_t from, struct bytes message)
{
    serve(w, message);
    for (size_t i = 0; i < w->n; i++)
        if (i != from && is_in(w, i))
            assert_int_equal(
                mls_group_merge(w->actor[i].group, world_stage(w->actor[i].group, message)), 0);
}

/* Whoever holds a key package that the Welcome is for. */
static void welcome_all(struct world *w, struct bytes welcome)
{
    for (size_t i = 0; i < w->n_packages; i++) {
        struct mls_key_package *kp = w->packages[i];
        if (kp->spent || !mls_welcome_is_for(welcome, kp))
            continue;
        for (size_t k = 0; k < w->n; k++) {
            struct world_actor *a = &w->actor[k];
            if (a->client != kp->client)
                continue;
            mls_group_free(a->group);
            a->group = NULL;
            assert_int_equal(mls_group_join(a->client, welcome, bytes_of(NULL, 0), kp, NULL, 0,
                                            WORLD_NOW, &a->group),
                             0);
        }
    }
}

void world_commit(struct world *w, size_t by, const struct mls_change *changes, size_t n)
{
    struct buf commit = {0}, welcome = {0};
    struct mls_group *g = w->actor[by].group;
    assert_int_equal(mls_group_commit(g, changes, n, NULL, WORLD_NOW, &commit), 0);
    world_deliver(w, by, buf_view(&commit));
    assert_int_equal(mls_group_merge_own(g, &welcome), 0);
    if (welcome.n != 0)
        welcome_all(w, buf_view(&welcome));
    buf_free(&commit);
    buf_free(&welcome);
}

void world_join(struct world *w, size_t by, size_t actor)
{
    struct mls_change add = world_add(w, actor);
    world_commit(w, by, &add, 1);
}

void world_propose(struct world *w, size_t by, struct mls_change change, struct buf *out)
{
    struct buf message = {0};
    assert_int_equal(mls_group_propose(w->actor[by].group, &change, NULL, WORLD_NOW, &message), 0);
    serve(w, buf_view(&message));
    for (size_t i = 0; i < w->n; i++) {
        struct mls_received r = {0};
        if (i == by || !is_in(w, i))
            continue;
        assert_int_equal(mls_group_receive(w->actor[i].group, buf_view(&message), WORLD_NOW, &r),
                         0);
        assert_int_equal(r.kind, MLS_RECEIVED_PROPOSAL);
        mls_received_free(&r);
    }
    if (out != NULL)
        buf_move(out, &message);
    buf_free(&message);
}

void world_agrees(const struct world *w)
{
    const struct mls_group *first = NULL;
    for (size_t i = 0; i < w->n; i++) {
        const struct mls_group *g = w->actor[i].group;
        if (!is_in(w, i))
            continue;
        if (first == NULL)
            first = g;
        assert_true(bytes_equal(buf_view(&g->pub.context), buf_view(&first->pub.context)));
        assert_true(
            bytes_equal(mls_group_epoch_authenticator(g), mls_group_epoch_authenticator(first)));
    }
    if (w->server != NULL && first != NULL)
        assert_true(bytes_equal(buf_view(&w->server->context), buf_view(&first->pub.context)));
}

static void say(struct world *w, size_t from)
{
    struct buf message = {0};
    assert_int_equal(
        mls_group_protect(w->actor[from].group, bytes_str("to all"), bytes_str("hello"), &message),
        0);
    for (size_t i = 0; i < w->n; i++) {
        struct mls_received r = {0};
        if (i == from || !is_in(w, i))
            continue;
        assert_int_equal(mls_group_receive(w->actor[i].group, buf_view(&message), WORLD_NOW, &r),
                         0);
        assert_int_equal(r.kind, MLS_RECEIVED_APPLICATION);
        assert_true(bytes_equal(buf_view(&r.data), bytes_str("hello")));
        assert_int_equal(r.sender.index, mls_group_own_leaf(w->actor[from].group));
        mls_received_free(&r);
    }
    buf_free(&message);
}

void world_talks(struct world *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (is_in(w, i))
            say(w, i);
}

struct buf world_state(struct mls_group *g)
{
    struct buf b = {0};
    assert_int_equal(mls_group_save(g, bytes_of(NULL, 0), &b), 0);
    return b;
}

void world_refuses(struct mls_group *g, struct bytes message, int error)
{
    struct mls_received r = {0};
    struct buf before = world_state(g);
    int rv = mls_group_receive(g, message, WORLD_NOW, &r);
    assert_string_equal(conclave_error_name(rv), conclave_error_name(error));
    assert_null(r.staged);
    assert_null(r.data.p);
    struct buf after = world_state(g);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
}

void world_members_refuse(struct world *w, size_t from, struct bytes message, int error)
{
    for (size_t i = 0; i < w->n; i++)
        if (i != from && is_in(w, i))
            world_refuses(w->actor[i].group, message, error);
}

void world_all_refuse(struct world *w, size_t from, struct bytes message, int error)
{
    world_members_refuse(w, from, message, error);
    if (w->server == NULL)
        return;
    struct mls_received r = {0};
    struct buf before = {0}, after = {0};
    assert_int_equal(mls_public_group_save(w->server, &before), 0);
    int rv = mls_public_group_receive(w->server, message, WORLD_NOW, &r);
    assert_string_equal(conclave_error_name(rv), conclave_error_name(error));
    assert_int_equal(mls_public_group_save(w->server, &after), 0);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
}

void world_all_take(struct world *w, size_t from, struct bytes message)
{
    struct mls_received r = {0};
    for (size_t i = 0; i < w->n; i++) {
        if (i == from || !is_in(w, i))
            continue;
        int rv = mls_group_receive(w->actor[i].group, message, WORLD_NOW, &r);
        assert_string_equal(conclave_error_name(rv), "OK");
        mls_received_free(&r);
    }
    if (w->server == NULL)
        return;
    int rv = mls_public_group_receive(w->server, message, WORLD_NOW, &r);
    assert_string_equal(conclave_error_name(rv), "OK");
    mls_received_free(&r);
}

void world_cannot_commit(struct mls_group *g, const struct mls_change *changes, size_t n, int error)
{
    struct buf before = world_state(g), out = {0};
    int rv = mls_group_commit(g, changes, n, NULL, WORLD_NOW, &out);
    assert_string_equal(conclave_error_name(rv), conclave_error_name(error));
    assert_int_equal(out.n, 0);
    struct buf after = world_state(g);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    buf_free(&before);
    buf_free(&after);
}
