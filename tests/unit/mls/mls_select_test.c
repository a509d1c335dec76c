/* RFC 9420 12.4: a commit takes the received proposals that go together, and no proposal that does
 * not fit can hold up the others. */
#include "support/mls_world.h"

#define CUSTOM 0xf042

/* What a commit of one member consists of, by type; it is made, looked at and delivered. */
struct contents {
    size_t n, adds, updates, removes, self_removes, extensions, psks, customs, reinits;
};

static struct contents commit_as(struct world *w, size_t by)
{
    struct contents c = {0};
    struct buf message = {0}, welcome = {0};
    struct mls_group *g = w->actor[by].group;
    assert_int_equal(mls_group_commit(g, NULL, 0, NULL, WORLD_NOW, &message), 0);
    c.n = mls_staged_proposal_count(mls_group_pending(g));
    for (size_t i = 0; i < c.n; i++) {
        struct mls_proposal_info p;
        assert_int_equal(mls_staged_proposal(mls_group_pending(g), i, &p), 0);
        assert_true(p.by_reference);
        c.adds += p.type == MLS_ADD;
        c.updates += p.type == MLS_UPDATE;
        c.removes += p.type == MLS_REMOVE;
        c.self_removes += p.type == MLS_SELF_REMOVE;
        c.extensions += p.type == MLS_GROUP_CONTEXT_EXTENSIONS;
        c.psks += p.type == MLS_PSK;
        c.reinits += p.type == MLS_REINIT;
        c.customs += p.type == CUSTOM;
    }
    world_deliver(w, by, buf_view(&message));
    assert_int_equal(mls_group_merge_own(g, &welcome), 0);
    buf_free(&message);
    buf_free(&welcome);
    return c;
}

static int find_psk(void *ctx, struct bytes id, struct buf *out)
{
    (void)ctx;
    if (!bytes_equal(id, bytes_str("known")))
        return CONCLAVE_ENOTFOUND;
    buf_put(out, bytes_str("a secret"));
    return buf_check(out);
}

static void begin(struct world *w, size_t n)
{
    world_init(w);
    w->config.callbacks.find_psk = find_psk;
    world_group(w, n);
}

static void all_that_go_together_are_committed(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 5);
    size_t newcomer = world_actor(&w);
    world_propose(&w, 1, mls_update(), NULL);
    world_propose(&w, 2, world_add(&w, newcomer), NULL);
    world_propose(&w, 1, mls_remove(4), NULL);
    world_propose(&w, 3, mls_external_psk(bytes_str("known")), NULL);
    struct contents c = commit_as(&w, 0);
    assert_int_equal(c.n, 4);
    assert_true(c.updates == 1 && c.adds == 1 && c.removes == 1 && c.psks == 1);
    world_fini(&w);
}

/* RFC 9420 12.2-6: a removal wins over an update, a later update over an earlier one */
static void one_change_is_chosen_for_each_leaf(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 5);
    world_propose(&w, 1, mls_update(), NULL);
    world_propose(&w, 1, mls_update(), NULL);
    world_propose(&w, 2, mls_update(), NULL);
    world_propose(&w, 3, mls_remove(2), NULL);
    world_propose(&w, 4, mls_remove(2), NULL);
    struct contents c = commit_as(&w, 0);
    assert_true(c.n == 2 && c.updates == 1 && c.removes == 1);
    world_fini(&w);
}

/* draft-ietf-mls-extensions: who leaves by itself is not removed as well */
static void a_self_remove_wins_over_a_remove(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 4);
    world_propose(&w, 1, mls_remove(2), NULL);
    world_propose(&w, 2, mls_self_remove(), NULL);
    struct contents c = commit_as(&w, 0);
    assert_true(c.n == 1 && c.self_removes == 1);
    world_fini(&w);
}

/* Each is valid alone; together, or here, they are not. */
static void what_does_not_fit_is_left_out_and_holds_nothing_up(void **state)
{
    static const struct mls_extension id = {MLS_EXT_APPLICATION_ID, {(const uint8_t *)"x", 1}};
    (void)state;
    struct world w;
    begin(&w, 6);
    size_t newcomer = world_actor(&w);
    world_propose(&w, 1, world_add(&w, newcomer), NULL);
    world_propose(&w, 2, world_add(&w, newcomer), NULL); /* the same client again */
    world_propose(&w, 3, mls_set_extensions(NULL, 0), NULL);
    world_propose(&w, 4, mls_set_extensions(&id, 1), NULL); /* a second list */
    world_propose(&w, 1, mls_external_psk(bytes_str("unknown")), NULL);
    world_propose(&w, 2, mls_custom(CUSTOM, bytes_str("nobody lists it")), NULL);
    world_propose(&w, 3, mls_external_psk(bytes_str("known")), NULL);
    world_propose(&w, 4, mls_remove(5), NULL);
    struct contents c = commit_as(&w, 0);
    assert_int_equal(c.n, 4);
    assert_true(c.adds == 1 && c.extensions == 1 && c.psks == 1 && c.removes == 1);
    assert_int_equal(c.customs, 0);
    world_fini(&w);
}

/* RFC 9420 12.2-11 */
static void a_reinit_gives_way_and_stands_alone(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0};
    begin(&w, 3);
    struct mls_change reinit =
        mls_reinit(bytes_str("next"), CRYPTO_X25519_AES128GCM_SHA256_ED25519, NULL, 0);
    world_propose(&w, 1, reinit, NULL);
    world_propose(&w, 2, mls_update(), NULL);
    struct contents c = commit_as(&w, 0);
    assert_true(c.n == 1 && c.updates == 1);
    world_propose(&w, 2, mls_update(), NULL); /* by value it takes nothing along */
    assert_int_equal(mls_group_commit(w.actor[0].group, &reinit, 1, NULL, WORLD_NOW, &out), 0);
    assert_int_equal(mls_staged_proposal_count(mls_group_pending(w.actor[0].group)), 1);
    assert_int_equal(mls_group_drop_own(w.actor[0].group), 0);
    commit_as(&w, 0);
    world_propose(&w, 1, reinit, NULL);
    c = commit_as(&w, 0);
    assert_true(c.n == 1 && c.reinits == 1);
    buf_free(&out);
    world_fini(&w);
}

/* The error of what was asked for is told, not that of what was received. */
static void what_is_committed_by_value_must_fit(void **state)
{
    (void)state;
    struct world w;
    begin(&w, 3);
    struct mls_change unknown = mls_external_psk(bytes_str("unknown"));
    world_propose(&w, 1, mls_update(), NULL);
    world_cannot_commit(w.actor[0].group, &unknown, 1, CONCLAVE_EPSK);
    world_fini(&w);
}

/* RFC 9420 12.4-1 holds data back only for what we may still commit; others may commit it yet. */
static void a_proposal_can_be_set_aside(void **state)
{
    (void)state;
    struct world w;
    struct buf out = {0}, psk = {0};
    begin(&w, 3);
    struct mls_group *g = w.actor[0].group;
    world_propose(&w, 1, mls_external_psk(bytes_str("unknown")), &psk);
    struct mls_received r = {0};
    assert_int_equal(mls_group_receive(g, buf_view(&psk), WORLD_NOW, &r), 0);
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out),
                     CONCLAVE_EPROPOSALS);
    assert_int_equal(mls_group_ignore_proposal(g, bytes_str("no such")), CONCLAVE_ENOTFOUND);
    assert_int_equal(mls_group_ignore_proposal(g, r.proposal.ref), 0);
    assert_int_equal(mls_group_ignore_proposal(g, r.proposal.ref), 0);
    mls_received_free(&r);
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out), 0);
    assert_int_equal(mls_group_receive(g, buf_view(&psk), WORLD_NOW, &r), 0); /* and taken up */
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out),
                     CONCLAVE_EPROPOSALS);
    assert_int_equal(mls_group_ignore_proposal(g, r.proposal.ref), 0);
    mls_received_free(&r);
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out), 0);
    world_propose(&w, 1, mls_update(), NULL);
    assert_int_equal(mls_group_clear_proposals(g), 0);
    assert_int_equal(mls_group_protect(g, bytes_of(NULL, 0), bytes_str("x"), &out), 0);
    struct contents c = commit_as(&w, 2); /* who has not cleared commits it, and all can follow */
    assert_true(c.n == 1 && c.updates == 1);
    world_agrees(&w);
    buf_free(&out);
    buf_free(&psk);
    world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_go_together_are_committed),
        cmocka_unit_test(one_change_is_chosen_for_each_leaf),
        cmocka_unit_test(a_self_remove_wins_over_a_remove),
        cmocka_unit_test(what_does_not_fit_is_left_out_and_holds_nothing_up),
        cmocka_unit_test(a_reinit_gives_way_and_stands_alone),
        cmocka_unit_test(what_is_committed_by_value_must_fit),
        cmocka_unit_test(a_proposal_can_be_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
