/* Each allocation of each operation fails once: the operation says so, the state is byte for byte
 * what it was, and the operation succeeds when it is tried again.
 */
#include <string.h>

#include "support/alloc_fail.h"
#include "support/mls_forge.h"
#include "wire/writer.h"

static int store(void *ctx, struct bytes group_id, struct bytes delta)
{
    (void)ctx;
    (void)group_id;
    (void)delta;
    return 0;
}

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    (void)ctx;
    buf_put(out, id);
    return buf_check(out);
}

/* A scene and an operation on it. Fills what it makes; frees nothing of the scene. */
struct trial {
    struct world w;
    struct mls_key_package *kp;
    struct buf message, welcome, info, saved;
    struct mls_staged *staged;
    bool consumes; /* a failure uses up what was staged, so it is staged again */
};

typedef int (*operation)(struct trial *t);

/* A group to watch, or NULL while there is none. */
static struct buf watch(struct mls_group *g)
{
    struct buf none = {0};
    return g == NULL ? none : world_state(g);
}

/* The group of member 0 is watched; the last run succeeds. */
static void sweep(struct trial *t, operation op)
{
    struct mls_group *g = t->w.actor[0].group;
    struct buf before = watch(g);
    size_t failures = 0;
    for (size_t n = 0;; n++) {
        if (t->consumes && t->staged == NULL)
            t->staged = world_stage(g, buf_view(&t->message));
        alloc_fail_after(n);
        int rv = op(t);
        alloc_fail_off();
        if (!alloc_fail_hit()) {
            assert_string_equal(conclave_error_name(rv), "OK");
            break;
        }
        failures++;
        assert_string_equal(conclave_error_name(rv), "ENOMEM");
        struct buf after = watch(g);
        assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
        buf_free(&after);
    }
    assert_true(failures > 0);
    buf_free(&before);
}

static void begin(struct trial *t, size_t n)
{
    *t = (struct trial){0};
    world_init(&t->w);
    t->w.config.callbacks.store = store; /* deltas need memory, too */
    t->w.config.callbacks.find_psk = find_psk;
    world_group(&t->w, n);
}

static void end(struct trial *t)
{
    buf_free(&t->message);
    buf_free(&t->welcome);
    buf_free(&t->info);
    buf_free(&t->saved);
    mls_staged_free(t->staged);
    world_fini(&t->w);
}

/* ---- Clients and key packages ---- */

static int make_client(struct trial *t)
{
    struct mls_client_config config = t->w.config;
    struct mls_client *c = NULL;
    config.signer = t->w.actor[0].signer;
    config.policy.grease = true;
    config.credential = (struct mls_credential){.type = MLS_BASIC, .identity = bytes_str("x")};
    int rv = mls_client_new(&config, &c);
    mls_client_free(c);
    return rv;
}

static int make_key_package(struct trial *t)
{
    struct mls_key_package *kp = NULL;
    int rv = mls_key_package_new(t->w.actor[0].client, WORLD_NOW, WORLD_NOW + 1, true, &kp);
    mls_key_package_free(kp);
    return rv;
}

static int save_key_package(struct trial *t)
{
    struct buf out = {0};
    struct mls_key_package *kp = NULL;
    int rv = mls_key_package_save(t->kp, bytes_of(NULL, 0), &out);
    if (rv == 0)
        rv = mls_key_package_restore(t->kp->client, bytes_of(NULL, 0), buf_view(&out), &kp);
    mls_key_package_free(kp);
    buf_free(&out);
    return rv;
}

static int inspect_key_package(struct trial *t)
{
    struct mls_member m;
    struct buf ref = {0};
    int rv = mls_key_package_inspect(t->w.actor[0].client, mls_key_package_message(t->kp),
                                     WORLD_NOW, &m, &ref);
    buf_free(&ref);
    return rv;
}

static void clients_and_key_packages(void **state)
{
    (void)state;
    struct trial t;
    begin(&t, 1);
    t.kp = world_key_package(&t.w, 0);
    sweep(&t, make_client);
    sweep(&t, make_key_package);
    sweep(&t, save_key_package);
    sweep(&t, inspect_key_package);
    end(&t);
}

/* ---- Founding, joining ---- */

static int found(struct trial *t)
{
    struct mls_group *g = NULL;
    int rv = mls_group_new(t->w.actor[0].client, bytes_of(NULL, 0), NULL, 0, WORLD_NOW, &g);
    mls_group_free(g);
    return rv;
}

static void founding(void **state)
{
    (void)state;
    struct trial t;
    begin(&t, 1);
    sweep(&t, found);
    end(&t);
}

static int join(struct trial *t)
{
    struct mls_group *g = NULL;
    int rv = mls_group_join(t->w.actor[3].client, buf_view(&t->welcome), bytes_of(NULL, 0), t->kp,
                            NULL, 0, WORLD_NOW, &g);
    assert_true((rv == 0) == t->kp->spent);
    t->w.actor[3].group = g;
    return rv;
}

static void joining(void **state)
{
    (void)state;
    struct trial t;
    struct mls_commit_options options = {.force_path = true};
    begin(&t, 3);
    struct mls_change changes[2] = {world_add(&t.w, world_actor(&t.w)),
                                    mls_external_psk(bytes_str("shared"))};
    t.kp = t.w.packages[t.w.n_packages - 1];
    assert_int_equal(
        mls_group_commit(t.w.actor[1].group, changes, 2, &options, WORLD_NOW, &t.message), 0);
    world_deliver(&t.w, 1, buf_view(&t.message));
    assert_int_equal(mls_group_merge_own(t.w.actor[1].group, &t.welcome), 0);
    sweep(&t, join);
    world_agrees(&t.w);
    world_talks(&t.w);
    end(&t);
}

static int join_external(struct trial *t)
{
    struct mls_group *g = NULL;
    struct buf commit = {0};
    struct bytes psk = bytes_str("shared");
    int rv = mls_group_join_external(t->w.actor[2].client, buf_view(&t->info), bytes_of(NULL, 0), 2,
                                     &psk, 1, WORLD_NOW, &g, &commit);
    assert_true((rv == 0) == (commit.n != 0));
    mls_group_free(g);
    buf_free(&commit);
    return rv;
}

static int make_info(struct trial *t)
{
    struct buf out = {0};
    int rv = mls_group_info(t->w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &out);
    buf_free(&out);
    return rv;
}

static int make_public_group(struct trial *t)
{
    struct mls_public_group *p = NULL;
    int rv = mls_public_group_new(1, &t->w.config.callbacks, NULL, buf_view(&t->info),
                                  bytes_of(NULL, 0), WORLD_NOW, &p);
    mls_public_group_free(p);
    return rv;
}

static void joining_from_outside(void **state)
{
    (void)state;
    struct trial t;
    begin(&t, 3);
    assert_int_equal(
        mls_group_info(t.w.actor[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &t.info), 0);
    sweep(&t, make_info);
    sweep(&t, join_external);
    sweep(&t, make_public_group);
    end(&t);
}

/* ---- Proposals and commits ---- */

static int commit(struct trial *t)
{
    struct mls_change changes[3] = {mls_add(mls_key_package_message(t->kp)), mls_remove(2),
                                    mls_external_psk(bytes_str("shared"))};
    int rv = mls_group_commit(t->w.actor[0].group, changes, 3, NULL, WORLD_NOW, &t->message);
    assert_true((rv == 0) == mls_group_has_pending(t->w.actor[0].group));
    return rv;
}

static int merge_own(struct trial *t)
{
    return mls_group_merge_own(t->w.actor[0].group, &t->welcome);
}

static int drop_own(struct trial *t)
{
    return mls_group_drop_own(t->w.actor[0].group);
}

static void committing(void **state)
{
    (void)state;
    struct trial t;
    for (int private_handshake = 0; private_handshake < 2; private_handshake++) {
        begin(&t, 4);
        t.w.actor[0].client->policy.private_handshake = private_handshake;
        t.kp = world_key_package(&t.w, world_actor(&t.w));
        world_propose(&t.w, 1, mls_update(), NULL);
        world_propose(&t.w, 3, mls_update(), NULL);
        sweep(&t, commit);
        sweep(&t, drop_own);
        buf_free(&t.message);
        assert_int_equal(commit(&t), 0);
        world_deliver(&t.w, 0, buf_view(&t.message));
        sweep(&t, merge_own);
        world_agrees(&t.w);
        world_talks(&t.w);
        end(&t);
    }
}

static int propose(struct trial *t)
{
    struct mls_change update = mls_update();
    return mls_group_propose(t->w.actor[0].group, &update, NULL, WORLD_NOW, &t->message);
}

static int clear(struct trial *t)
{
    return mls_group_clear_proposals(t->w.actor[0].group);
}

static void proposing(void **state)
{
    (void)state;
    struct trial t;
    for (int private_handshake = 0; private_handshake < 2; private_handshake++) {
        begin(&t, 3);
        t.w.actor[0].client->policy.private_handshake = private_handshake;
        sweep(&t, propose);
        sweep(&t, clear);
        world_talks(&t.w);
        end(&t);
    }
}

static int receive(struct trial *t)
{
    struct mls_received r = {0};
    int rv = mls_group_receive(t->w.actor[0].group, buf_view(&t->message), WORLD_NOW, &r);
    assert_true(rv == 0 || (r.staged == NULL && r.data.p == NULL));
    mls_received_free(&r);
    return rv;
}

static int merge(struct trial *t)
{
    struct mls_staged *s = t->staged;
    t->staged = NULL;
    return mls_group_merge(t->w.actor[0].group, s);
}

static void receiving_a_commit(void **state)
{
    (void)state;
    struct trial t;
    struct mls_change remove = mls_remove(3);
    begin(&t, 4);
    world_propose(&t.w, 0, mls_update(), NULL);
    world_propose(&t.w, 2, mls_external_psk(bytes_str("shared")), NULL);
    assert_int_equal(mls_group_commit(t.w.actor[1].group, &remove, 1, NULL, WORLD_NOW, &t.message),
                     0);
    sweep(&t, receive); /* looking changes nothing */
    t.consumes = true;
    sweep(&t, merge);
    end(&t);
}

static void receiving_other_things(void **state)
{
    (void)state;
    struct trial t;
    struct mls_change change = mls_remove(2);
    for (int private_handshake = 0; private_handshake < 2; private_handshake++) {
        begin(&t, 3);
        assert_int_equal(
            mls_group_protect(t.w.actor[1].group, bytes_str("a"), bytes_str("b"), &t.message), 0);
        sweep(&t, receive);
        t.w.actor[1].client->policy.private_handshake = private_handshake;
        assert_int_equal(
            mls_group_propose(t.w.actor[1].group, &change, NULL, WORLD_NOW, &t.message), 0);
        sweep(&t, receive);
        end(&t);
    }
}

static void an_external_commit_comes_in(void **state)
{
    (void)state;
    struct trial t;
    struct mls_group *g = NULL;
    begin(&t, 3);
    size_t newcomer = world_actor(&t.w);
    assert_int_equal(
        mls_group_info(t.w.actor[1].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &t.info), 0);
    assert_int_equal(mls_group_join_external(t.w.actor[newcomer].client, buf_view(&t.info),
                                             bytes_of(NULL, 0), MLS_NO_LEAF, NULL, 0, WORLD_NOW, &g,
                                             &t.message),
                     0);
    sweep(&t, receive);
    mls_group_free(g);
    end(&t);
}

/* ---- Messages and state ---- */

static int protect(struct trial *t)
{
    return mls_group_protect(t->w.actor[0].group, bytes_str("a"), bytes_str("b"), &t->message);
}

static int save_and_restore(struct trial *t)
{
    struct mls_group *g = NULL;
    struct buf out = {0};
    int rv = mls_group_save(t->w.actor[0].group, bytes_of(NULL, 0), &out);
    if (rv == 0)
        rv =
            mls_group_restore(t->w.actor[0].client, bytes_of(NULL, 0), buf_view(&out), NULL, 0, &g);
    mls_group_free(g);
    buf_free(&out);
    return rv;
}

static void messages_and_state(void **state)
{
    (void)state;
    struct trial t;
    begin(&t, 3);
    sweep(&t, protect);
    world_commit(&t.w, 1, NULL, 0);
    world_talks(&t.w);
    world_propose(&t.w, 0, mls_update(), NULL);
    struct buf out = {0};
    assert_int_equal(mls_group_commit(t.w.actor[0].group, NULL, 0, NULL, WORLD_NOW, &out), 0);
    sweep(&t, save_and_restore);
    buf_free(&out);
    end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_and_key_packages),
        cmocka_unit_test(founding),
        cmocka_unit_test(joining),
        cmocka_unit_test(joining_from_outside),
        cmocka_unit_test(committing),
        cmocka_unit_test(proposing),
        cmocka_unit_test(receiving_a_commit),
        cmocka_unit_test(receiving_other_things),
        cmocka_unit_test(an_external_commit_comes_in),
        cmocka_unit_test(messages_and_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
