/* State: what is stored before anything leaves, what a failed write changes (nothing), and what
 * comes back from a save and its deltas (everything). THREATS: a crash that reuses a key, memory
 * and disk apart.
 */
#include <string.h>

#include "support/mls_forge.h"
#include "support/random.h"
#include "wire/writer.h"

#define DELTAS_MAX 512

/* A disk. */
struct disk {
    struct buf save;
    struct buf delta[DELTAS_MAX];
    size_t n;
    bool full; /* every write fails */
    size_t writes;
};

static int store(void *ctx, struct bytes group_id, struct bytes delta)
{
    struct disk *d = ctx;
    (void)group_id;
    d->writes++;
    if (d->full)
        return CONCLAVE_ESTORE;
    assert_true(d->n < DELTAS_MAX);
    buf_put(&d->delta[d->n++], delta);
    return 0;
}

static void disk_clear(struct disk *d)
{
    buf_free(&d->save);
    for (size_t i = 0; i < d->n; i++)
        buf_free(&d->delta[i]);
    d->n = 0;
}

static void disk_save(struct disk *d, struct mls_group *g)
{
    disk_clear(d);
    assert_int_equal(mls_group_save(g, bytes_of(NULL, 0), &d->save), 0);
}

/* What a restart would find. */
static int restart(struct world *w, size_t actor, struct disk *d, struct mls_group **out)
{
    struct bytes deltas[DELTAS_MAX];
    for (size_t i = 0; i < d->n; i++)
        deltas[i] = buf_view(&d->delta[i]);
    return mls_group_restore(w->actor[actor].client, bytes_of(NULL, 0), buf_view(&d->save), deltas,
                             d->n, out);
}

static void disk_is_memory(struct world *w, size_t actor, struct disk *d)
{
    struct mls_group *g = NULL;
    assert_int_equal(restart(w, actor, d, &g), 0);
    struct buf disk = world_state(g), memory = world_state(w->actor[actor].group);
    assert_true(bytes_equal(buf_view(&disk), buf_view(&memory)));
    buf_free(&disk);
    buf_free(&memory);
    mls_group_free(g);
}

/* Actor 0 has a disk. */
static void begin(struct world *w, struct disk *d, size_t n)
{
    *d = (struct disk){0};
    world_init(w);
    w->config.callbacks.store = store;
    w->config.callbacks.ctx = d;
    world_actor(w);
    w->config.callbacks.store = NULL;
    d->full = false;
    world_group(w, n);
    disk_save(d, w->actor[0].group);
}

static void end(struct world *w, struct disk *d)
{
    disk_clear(d);
    world_fini(w);
}

/* RFC 9420 6.3.1-3, 9.2-1: persisted before the plaintext is released */
static void a_used_key_is_on_disk_before_the_plaintext_is_out(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct buf message = {0};
    struct mls_received r = {0};
    struct mls_group *again = NULL;
    begin(&w, &d, 2);
    assert_int_equal(
        mls_group_protect(w.actor[1].group, bytes_of(NULL, 0), bytes_str("x"), &message), 0);
    d.full = true; /* it cannot be written: so there is no plaintext, and no key is used */
    world_refuses(w.actor[0].group, buf_view(&message), CONCLAVE_ESTORE);
    d.full = false;
    assert_int_equal(mls_group_receive(w.actor[0].group, buf_view(&message), WORLD_NOW, &r), 0);
    assert_int_equal(d.n, 1);
    mls_received_free(&r);
    assert_int_equal(restart(&w, 0, &d, &again), 0); /* a crash: the key is not there any more */
    assert_int_equal(mls_group_receive(again, buf_view(&message), WORLD_NOW, &r), CONCLAVE_EREPLAY);
    mls_group_free(again);
    buf_free(&message);
    end(&w, &d);
}

/* RFC 9420 6.3.1-3, 9.1-1: persisted before the ciphertext is released */
static void a_restart_does_not_encrypt_with_a_used_key(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct buf out = {0};
    struct mls_group *again = NULL;
    begin(&w, &d, 2);
    for (uint32_t i = 0; i < 3; i++) {
        struct mls_message m;
        struct mls_private_message p;
        struct mls_sender_data data;
        assert_int_equal(restart(&w, 0, &d, &again), 0);
        assert_int_equal(mls_group_protect(again, bytes_of(NULL, 0), bytes_str("x"), &out), 0);
        assert_int_equal(mls_message_parse(buf_view(&out), &m), 0);
        assert_int_equal(mls_private_message_parse(m.body, &p), 0);
        assert_int_equal(mls_sender_data_open(w.crypto, &again->secrets.sender_data, &p, &data), 0);
        assert_int_equal(data.generation, i);
        mls_group_free(again);
    }
    buf_free(&out);
    end(&w, &d);
}

/* ---- A failed write ---- */

enum act { PROTECT, PROPOSE, UPDATE, COMMIT, DROP, CLEAR, MERGE_OWN, RECEIVE, MERGE, ACTS };

/* What the act needs to be possible; out: a message to be received. */
static void prepare(struct world *w, enum act act, struct buf *message, struct mls_staged **staged)
{
    struct buf out = {0};
    struct mls_change remove = mls_remove(2);
    if (act == DROP || act == MERGE_OWN)
        assert_int_equal(mls_group_commit(w->actor[0].group, NULL, 0, NULL, WORLD_NOW, &out), 0);
    if (act == CLEAR)
        world_propose(w, 1, mls_update(), NULL);
    if (act == RECEIVE)
        assert_int_equal(mls_group_propose(w->actor[1].group, &remove, NULL, WORLD_NOW, message),
                         0);
    if (act == MERGE) {
        assert_int_equal(mls_group_commit(w->actor[1].group, NULL, 0, NULL, WORLD_NOW, message), 0);
        *staged = world_stage(w->actor[0].group, buf_view(message));
    }
    buf_free(&out);
}

static int perform(struct world *w, enum act act, struct bytes message, struct mls_staged *staged,
                   struct buf *out)
{
    struct mls_group *g = w->actor[0].group;
    struct mls_change remove = mls_remove(2), update = mls_update();
    struct mls_received r = {0};
    int rv;
    switch (act) {
    case PROTECT:
        return mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), out);
    case PROPOSE:
        return mls_group_propose(g, &remove, NULL, WORLD_NOW, out);
    case UPDATE:
        return mls_group_propose(g, &update, NULL, WORLD_NOW, out);
    case COMMIT:
        return mls_group_commit(g, &remove, 1, NULL, WORLD_NOW, out);
    case DROP:
        return mls_group_drop_own(g);
    case CLEAR:
        return mls_group_clear_proposals(g);
    case MERGE_OWN:
        return mls_group_merge_own(g, out);
    case RECEIVE:
        rv = mls_group_receive(g, message, WORLD_NOW, &r);
        mls_received_free(&r);
        return rv;
    default:
        return mls_group_merge(g, staged);
    }
}

static void fail_to_write(enum act act, bool private_handshake)
{
    struct world w;
    struct disk d;
    struct buf message = {0}, out = {0};
    struct mls_staged *staged = NULL;
    begin(&w, &d, 3);
    if (private_handshake) { /* the same clients, another way to send */
        w.actor[0].client->policy.private_handshake = true;
        w.actor[1].client->policy.private_handshake = true;
    }
    prepare(&w, act, &message, &staged);
    struct buf before = world_state(w.actor[0].group);
    d.full = true;
    assert_string_equal(conclave_error_name(perform(&w, act, buf_view(&message), staged, &out)),
                        "ESTORE");
    assert_int_equal(out.n, 0);
    struct buf after = world_state(w.actor[0].group);
    assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
    disk_is_memory(&w, 0, &d);
    d.full = false;
    if (act == MERGE && !private_handshake) /* what was staged is consumed; it comes again */
        staged = world_stage(w.actor[0].group, buf_view(&message));
    if (act != MERGE || !private_handshake)
        assert_int_equal(perform(&w, act, buf_view(&message), staged, &out), 0);
    disk_is_memory(&w, 0, &d);
    buf_free(&before);
    buf_free(&after);
    buf_free(&message);
    buf_free(&out);
    end(&w, &d);
}

static void a_failed_write_changes_nothing(void **state)
{
    (void)state;
    for (enum act act = PROTECT; act < ACTS; act++) {
        fail_to_write(act, false);
        fail_to_write(act, true);
    }
}

/* ---- Restoring ---- */

static void random_act(struct world *w, struct random *r)
{
    struct buf out = {0};
    size_t by = (size_t)random_below(r, 3);
    struct mls_group *g = w->actor[by].group;
    struct mls_change add;
    if (mls_group_has_pending(w->actor[0].group) && random_chance(r, 50))
        assert_int_equal(mls_group_drop_own(w->actor[0].group), 0);
    switch (random_below(r, 6)) {
    case 0:
        world_propose(w, by, mls_update(), NULL);
        break;
    case 1:
        if (!mls_group_has_pending(g))
            world_commit(w, by, NULL, 0);
        break;
    case 2:
        if (!mls_group_has_pending(w->actor[0].group))
            assert_int_equal(mls_group_commit(w->actor[0].group, NULL, 0, NULL, WORLD_NOW, &out),
                             0);
        break;
    case 3:
        add = mls_remove(3);
        if (mls_group_has_pending(g))
            break;
        if (mls_group_member_count(g) == 4)
            world_commit(w, by, &add, 1);
        else
            world_join(w, by, 3);
        break;
    case 4:
        if (random_chance(r, 30))
            for (size_t i = 0; i < w->n; i++)
                if (w->actor[i].group != NULL && mls_group_is_member(w->actor[i].group))
                    assert_int_equal(mls_group_clear_proposals(w->actor[i].group), 0);
        break;
    default:
        if (g->pub.cache.n == 0)
            world_talks(w);
    }
    buf_free(&out);
}

/* RFC 9420 6.3.1-3: whatever happens, disk and memory are one */
static void a_save_and_its_deltas_are_the_group(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world w;
        struct disk d;
        struct random r = {seed};
        begin(&w, &d, 4);
        for (int step = 0; step < 40; step++) {
            random_act(&w, &r);
            disk_is_memory(&w, 0, &d);
            if (random_chance(&r, 10))
                disk_save(&d, w.actor[0].group);
        }
        end(&w, &d);
    }
}

static void a_delta_missing_or_out_of_order_is_noticed(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct buf out = {0};
    struct mls_group *g = NULL;
    begin(&w, &d, 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            mls_group_protect(w.actor[0].group, bytes_of(NULL, 0), bytes_str("x"), &out), 0);
    struct bytes all[3] = {buf_view(&d.delta[0]), buf_view(&d.delta[1]), buf_view(&d.delta[2])};
    struct bytes swapped[3] = {all[1], all[0], all[2]}, gap[2] = {all[0], all[2]};
    struct bytes twice[4] = {all[0], all[0], all[1], all[2]};
    struct mls_client *c = w.actor[0].client;
    struct bytes none = {0}, save = buf_view(&d.save);
    assert_int_equal(mls_group_restore(c, none, save, swapped, 3, &g), CONCLAVE_ESTATE);
    assert_int_equal(mls_group_restore(c, none, save, gap, 2, &g), CONCLAVE_ESTATE);
    assert_int_equal(mls_group_restore(c, none, save, twice, 4, &g), 0);
    mls_group_free(g);
    buf_free(&out);
    end(&w, &d);
}

/* A new identity, proposed or committed, and a restart before it takes effect. */
static void a_new_identity_survives_a_restart(void **state)
{
    (void)state;
    for (int by_update = 0; by_update < 2; by_update++) {
        struct world w;
        struct disk d;
        struct crypto_signer *fresh = NULL;
        struct mls_group *again = NULL;
        struct buf message = {0}, none = {0};
        struct mls_change update = mls_update();
        begin(&w, &d, 2);
        assert_int_equal(crypto_signer_generate(w.crypto, &fresh), 0);
        struct mls_new_identity identity = {
            fresh, {.type = MLS_BASIC, .identity = bytes_str("a, renewed")}};
        struct mls_commit_options options = {.identity = &identity};
        struct mls_group *g = w.actor[0].group;
        if (by_update) {
            struct mls_received r = {0};
            assert_int_equal(mls_group_propose(g, &update, &identity, WORLD_NOW, &message), 0);
            assert_int_equal(mls_group_receive(w.actor[1].group, buf_view(&message), WORLD_NOW, &r),
                             0);
            mls_received_free(&r);
        } else {
            assert_int_equal(mls_group_commit(g, NULL, 0, &options, WORLD_NOW, &message), 0);
        }
        assert_int_equal(mls_client_add_signer(w.actor[0].client, fresh), 0);
        assert_int_equal(restart(&w, 0, &d, &again), 0);
        mls_group_free(g);
        w.actor[0].group = again;
        if (by_update) {
            world_commit(&w, 1, NULL, 0);
        } else {
            world_deliver(&w, 0, buf_view(&message));
            assert_int_equal(mls_group_merge_own(again, &none), 0);
        }
        world_agrees(&w);
        world_talks(&w); /* signed with the key that its leaf now has */
        buf_free(&message);
        end(&w, &d);
        crypto_signer_free(fresh);
    }
}

static void another_client_cannot_take_the_group(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct mls_group *g = NULL;
    begin(&w, &d, 2);
    assert_int_equal(restart(&w, 1, &d, &g), CONCLAVE_EINVAL);
    assert_null(g);
    end(&w, &d);
}

/* ---- Sealing ---- */

static const uint8_t key_bytes[32] = {1, 2, 3}, other_bytes[32] = {1, 2, 4};

static void a_sealed_state_opens_with_its_key_alone(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct buf sealed = {0};
    struct mls_group *g = NULL;
    struct bytes key = bytes_of(key_bytes, 32), other = bytes_of(other_bytes, 32), none = {0};
    begin(&w, &d, 2);
    struct mls_client *c = w.actor[0].client;
    assert_int_equal(mls_group_save(w.actor[0].group, bytes_of(key_bytes, 31), &sealed),
                     CONCLAVE_EINVAL);
    assert_int_equal(mls_group_save(w.actor[0].group, key, &sealed), 0);
    assert_int_equal(mls_group_restore(c, other, buf_view(&sealed), NULL, 0, &g),
                     CONCLAVE_EDECRYPT);
    assert_int_equal(mls_group_restore(c, none, buf_view(&sealed), NULL, 0, &g), CONCLAVE_EDECRYPT);
    assert_int_equal(mls_group_restore(c, key, buf_view(&d.save), NULL, 0, &g), CONCLAVE_EDECRYPT);
    /* a state of another kind under the same key */
    struct buf kp = {0};
    assert_int_equal(mls_key_package_save(world_key_package(&w, 0), key, &kp), 0);
    assert_int_equal(mls_group_restore(c, key, buf_view(&kp), NULL, 0, &g), CONCLAVE_EDECRYPT);
    for (size_t i = 0; i < sealed.n; i += 7) {
        sealed.p[i] ^= 1;
        assert_int_not_equal(mls_group_restore(c, key, buf_view(&sealed), NULL, 0, &g), 0);
        sealed.p[i] ^= 1;
    }
    assert_null(g);
    assert_int_equal(mls_group_restore(c, key, buf_view(&sealed), NULL, 0, &g), 0);
    mls_group_free(g);
    buf_free(&sealed);
    buf_free(&kp);
    end(&w, &d);
}

static void deltas_are_sealed_when_asked_for(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct buf out = {0}, sealed = {0};
    struct mls_group *g = NULL;
    struct bytes key = bytes_of(key_bytes, 32), none = {0};
    begin(&w, &d, 2);
    struct mls_client *c = w.actor[0].client;
    assert_int_equal(mls_group_save(w.actor[0].group, key, &sealed), 0);
    assert_int_equal(mls_group_protect(w.actor[0].group, none, bytes_str("x"), &out), 0);
    struct bytes delta = buf_view(&d.delta[0]);
    assert_int_equal(mls_group_restore(c, key, buf_view(&sealed), &delta, 1, &g), 0);
    struct buf disk = world_state(g), memory = world_state(w.actor[0].group);
    assert_true(bytes_equal(buf_view(&disk), buf_view(&memory)));
    mls_group_free(g);
    g = NULL;
    assert_int_equal(mls_group_restore(c, none, buf_view(&d.save), &delta, 1, &g),
                     CONCLAVE_EDECRYPT);
    assert_null(g);
    buf_free(&disk);
    buf_free(&memory);
    buf_free(&out);
    buf_free(&sealed);
    end(&w, &d);
}

/* ---- Bytes from a damaged disk ---- */

static void a_save_cut_short_is_refused(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct buf out = {0};
    begin(&w, &d, 3);
    world_propose(&w, 0, mls_update(), NULL);
    world_commit(&w, 1, NULL, 0);
    world_propose(&w, 0, mls_update(), NULL);
    assert_int_equal(mls_group_commit(w.actor[0].group, NULL, 0, NULL, WORLD_NOW, &out), 0);
    disk_save(&d, w.actor[0].group);
    for (size_t n = 0; n < d.save.n; n++) {
        struct mls_group *g = NULL;
        struct buf cut = {0}; /* a copy, so that reading beyond its end is seen */
        buf_put(&cut, bytes_of(d.save.p, n));
        int rv =
            mls_group_restore(w.actor[0].client, bytes_of(NULL, 0), buf_view(&cut), NULL, 0, &g);
        assert_int_not_equal(rv, 0);
        assert_null(g);
        buf_free(&cut);
    }
    d.save.p[2] ^= 1; /* kind, then the version */
    struct mls_group *g = NULL;
    assert_int_equal(restart(&w, 0, &d, &g), CONCLAVE_EVERSION);
    buf_free(&out);
    end(&w, &d);
}

/* No byte of an unsealed save is trusted so far that it could do harm to memory. */
static void a_damaged_save_does_no_harm(void **state)
{
    (void)state;
    struct world w;
    struct disk d;
    struct random r = {42};
    begin(&w, &d, 3);
    world_commit(&w, 1, NULL, 0);
    world_talks(&w);
    disk_save(&d, w.actor[0].group);
    for (int i = 0; i < 3000; i++) {
        struct mls_group *g = NULL;
        struct buf damaged = {0};
        buf_put(&damaged, buf_view(&d.save));
        for (uint64_t k = 1 + random_below(&r, 3); k-- > 0;)
            damaged.p[random_below(&r, damaged.n)] = (uint8_t)random_u64(&r);
        if (mls_group_restore(w.actor[0].client, bytes_of(NULL, 0), buf_view(&damaged), NULL, 0,
                              &g) == 0)
            mls_group_free(g);
        buf_free(&damaged);
    }
    end(&w, &d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_used_key_is_on_disk_before_the_plaintext_is_out),
        cmocka_unit_test(a_restart_does_not_encrypt_with_a_used_key),
        cmocka_unit_test(a_failed_write_changes_nothing),
        cmocka_unit_test(a_save_and_its_deltas_are_the_group),
        cmocka_unit_test(a_delta_missing_or_out_of_order_is_noticed),
        cmocka_unit_test(a_new_identity_survives_a_restart),
        cmocka_unit_test(another_client_cannot_take_the_group),
        cmocka_unit_test(a_sealed_state_opens_with_its_key_alone),
        cmocka_unit_test(deltas_are_sealed_when_asked_for),
        cmocka_unit_test(a_save_cut_short_is_refused),
        cmocka_unit_test(a_damaged_save_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
