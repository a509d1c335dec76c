/* Messages between members from end to end: padding, private handshakes, what comes late, early,
 * out of order or never; joining on two threads; and the public group beside it all. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sim/mls_party.h"

#define SUITE CRYPTO_P256_AES128GCM_SHA256_P256

static void make(struct party *all, unsigned n, const struct party_options *options)
{
    struct party_options usual = party_defaults(SUITE);
    for (unsigned i = 0; i < n; i++)
        party_init(&all[i], i, options != NULL ? options : &usual);
}

static void drop(struct party *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        party_fini(&all[i]);
}

static int receive(struct party *p, const struct buf *message)
{
    struct mls_received r;
    int rv = mls_group_receive(p->group, buf_view(message), NOW, &r);
    if (rv == 0)
        mls_received_free(&r);
    return rv;
}

static void protect(struct party *p, const char *text, struct buf *out)
{
    OK(mls_group_protect(p->group, NOTHING, bytes_str(text), out));
}

static bool contains(const struct buf *whole, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= whole->n; i++)
        if (bytes_equal(bytes_of(whole->p + i, n), bytes_str(part)))
            return true;
    return false;
}

/* ---- What a message shows ---- */

/* The length of a message depends on the block that its text falls into, not on the text. */
static void padding_hides_lengths_up_to_the_block(void **state)
{
    struct party_options options = party_defaults(SUITE);
    struct buf message = {0};
    uint8_t text[200];
    (void)state;
    options.policy.padding_block = 64;
    struct party all[2];
    make(all, 2, &options);
    parties_gather(all, 2, "padding");
    size_t sizes[4] = {0};
    memset(text, 'x', sizeof text);
    for (size_t n = 1; n <= 192; n++) {
        struct mls_received r;
        size_t block = (n + 63) / 64;
        OK(mls_group_protect(all[0].group, NOTHING, bytes_of(text, n), &message));
        OK(mls_group_receive(all[1].group, buf_view(&message), NOW, &r));
        assert_true(bytes_equal(buf_view(&r.data), bytes_of(text, n)));
        mls_received_free(&r);
        /* the vector's length header may need one byte more, the signature a few less or more */
        if (sizes[block] == 0)
            sizes[block] = message.n;
        assert_in_range(message.n, sizes[block] - 8, sizes[block] + 8);
    }
    assert_true(sizes[2] > sizes[1] + 48 && sizes[3] > sizes[2] + 48);
    buf_free(&message);
    drop(all, 2);
}

static void private_handshakes_show_nothing_but_their_kind(void **state)
{
    struct party_options options = party_defaults(SUITE);
    struct party all[3];
    struct buf proposal = {0}, commit = {0}, welcome = {0};
    enum mls_wire_format kind;
    struct bytes group_id;
    uint64_t epoch;
    struct mls_change custom = mls_custom(CUSTOM_PROPOSAL, bytes_str("a motion"));
    struct mls_commit_options said = {.authenticated_data = bytes_str("seen by all")};
    (void)state;
    for (int is_private = 0; is_private < 2; is_private++) {
        options.policy.private_handshake = is_private;
        make(all, 3, &options);
        parties_gather(all, 3, "private");
        OK(mls_group_propose(all[1].group, &custom, NULL, NOW, &proposal));
        parties_take(all, 3, &all[1], &proposal);
        OK(mls_group_commit(all[0].group, &custom, 1, &said, NOW, &commit));
        OK(mls_message_peek(buf_view(&commit), &kind, &group_id, &epoch));
        assert_int_equal(kind, is_private ? MLS_PRIVATE_MESSAGE : MLS_PUBLIC_MESSAGE);
        assert_true(bytes_equal(group_id, bytes_str("private")));
        assert_int_equal(epoch, 1);
        assert_int_equal(contains(&proposal, "a motion"), !is_private);
        assert_int_equal(contains(&commit, "a motion"), !is_private);
        assert_true(contains(&commit, "seen by all"));
        parties_take(all, 3, &all[0], &commit);
        OK(mls_group_merge_own(all[0].group, &welcome));
        parties_talk(all, 3);
        drop(all, 3);
    }
    buf_free(&proposal);
    buf_free(&commit);
}

static void authenticated_data_is_shown_and_bound(void **state)
{
    struct party all[2];
    struct buf message = {0};
    struct mls_received r;
    (void)state;
    make(all, 2, NULL);
    parties_gather(all, 2, "beside");
    OK(mls_group_protect(all[0].group, bytes_str("beside it"), bytes_str("text"), &message));
    for (size_t i = 0; i + 9 < message.n; i++)
        if (bytes_equal(bytes_of(message.p + i, 9), bytes_str("beside it"))) {
            message.p[i] ^= 1;
            REFUSED(receive(&all[1], &message), CONCLAVE_EDECRYPT);
            message.p[i] ^= 1;
        }
    OK(mls_group_receive(all[1].group, buf_view(&message), NOW, &r));
    assert_true(bytes_equal(buf_view(&r.authenticated_data), bytes_str("beside it")));
    assert_int_equal(r.epoch, 1);
    mls_received_free(&r);
    buf_free(&message);
    drop(all, 2);
}

/* ---- When a message comes ---- */

static void late_messages_are_read_as_long_as_the_policy_says(void **state)
{
    for (uint32_t kept = 0; kept <= 3; kept++) {
        struct party_options options = party_defaults(SUITE);
        struct party all[3];
        struct buf late[5] = {{0}};
        (void)state;
        options.policy.past_epochs = kept;
        make(all, 3, &options);
        parties_gather(all, 3, "late");
        for (int i = 0; i < 5; i++) {
            protect(&all[0], "late", &late[i]);
            parties_commit(all, 3, &all[1], NULL, 0, NULL);
        }
        for (uint32_t age = 1; age <= 5; age++) {
            int wanted = age <= kept ? 0 : CONCLAVE_EEPOCH;
            party_crash(&all[2]);
            REFUSED(receive(&all[2], &late[5 - age]), wanted);
            REFUSED(receive(&all[2], &late[5 - age]), wanted != 0 ? wanted : CONCLAVE_EREPLAY);
            buf_free(&late[5 - age]);
        }
        parties_talk(all, 3);
        drop(all, 3);
    }
}

/* A late message of somebody who was removed since is still what that member said then; one of the
 * epoch in which it is no member cannot be made. */
static void a_removed_members_earlier_words_can_still_be_read(void **state)
{
    struct party all[3];
    struct buf message = {0};
    struct mls_change removal = mls_remove(1);
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 3, "words");
    protect(&all[1], "before I go", &message);
    parties_commit(all, 3, &all[0], &removal, 1, NULL);
    OK(receive(&all[2], &message));
    REFUSED(receive(&all[2], &message), CONCLAVE_EREPLAY);
    buf_free(&message);
    drop(all, 3);
}

static void generations_are_skipped_kept_and_dropped_as_the_policy_says(void **state)
{
    enum { N = 14, KEPT = 3, AHEAD = 5 };
    struct party_options options = party_defaults(SUITE);
    struct party all[2];
    struct buf m[N] = {{0}};
    (void)state;
    options.policy.generation_kept = KEPT;
    options.policy.generation_ahead = AHEAD;
    make(all, 2, &options);
    parties_gather(all, 2, "window");
    for (int i = 0; i < N; i++)
        protect(&all[0], "text", &m[i]);
    REFUSED(receive(&all[1], &m[AHEAD + 1]), CONCLAVE_EGENERATION);
    OK(receive(&all[1], &m[AHEAD])); /* keeps 2, 3 and 4 */
    REFUSED(receive(&all[1], &m[0]), CONCLAVE_EREPLAY);
    REFUSED(receive(&all[1], &m[1]), CONCLAVE_EREPLAY);
    OK(receive(&all[1], &m[3]));
    REFUSED(receive(&all[1], &m[3]), CONCLAVE_EREPLAY);
    party_crash(&all[1]);
    OK(receive(&all[1], &m[7])); /* keeps 6 as well: 2 and 4 are older */
    OK(receive(&all[1], &m[6]));
    OK(receive(&all[1], &m[4]));
    OK(receive(&all[1], &m[11])); /* now 8, 9 and 10; 2 is gone */
    REFUSED(receive(&all[1], &m[2]), CONCLAVE_EREPLAY);
    party_crash(&all[1]);
    for (int i = 10; i >= 8; i--)
        OK(receive(&all[1], &m[i]));
    for (int i = 0; i < 12; i++)
        REFUSED(receive(&all[1], &m[i]), CONCLAVE_EREPLAY);
    OK(receive(&all[1], &m[12]));
    for (int i = 0; i < N; i++)
        buf_free(&m[i]);
    drop(all, 2);
}

static void a_forgery_costs_no_key(void **state)
{
    struct party all[2];
    struct buf message = {0};
    (void)state;
    make(all, 2, NULL);
    parties_gather(all, 2, "forgery");
    protect(&all[0], "text", &message);
    for (size_t i = 0; i < message.n; i++) {
        struct buf before = {0}, after = {0};
        message.p[i] ^= 1;
        party_state(&all[1], &before);
        assert_int_not_equal(receive(&all[1], &message), 0);
        party_state(&all[1], &after);
        assert_true(bytes_equal(buf_view(&before), buf_view(&after)));
        message.p[i] ^= 1;
        buf_free(&before);
        buf_free(&after);
    }
    OK(receive(&all[1], &message)); /* the true one still opens */
    buf_free(&message);
    drop(all, 2);
}

static void messages_of_other_groups_and_epochs_to_come_are_refused(void **state)
{
    struct party all[2], others[2];
    struct buf message = {0};
    (void)state;
    make(all, 2, NULL);
    make(others, 2, NULL);
    parties_gather(all, 2, "here");
    parties_gather(others, 2, "there");
    protect(&others[0], "text", &message);
    REFUSED(receive(&all[1], &message), CONCLAVE_EGROUP);
    parties_commit(all, 1, &all[0], NULL, 0, NULL);
    protect(&all[0], "text", &message);
    REFUSED(receive(&all[1], &message), CONCLAVE_EEPOCH);
    REFUSED(mls_group_receive(all[1].group, party_key_package(&others[0]), NOW,
                              &(struct mls_received){0}),
            CONCLAVE_EWIREFORMAT);
    buf_free(&message);
    drop(all, 2);
    drop(others, 2);
}

/* ---- Two threads ---- */

struct work {
    void (*task)(void *arg, unsigned worker);
    void *arg;
    unsigned worker;
};

static atomic_uint tasks_run;

static void *work(void *p)
{
    struct work *w = p;
    w->task(w->arg, w->worker);
    atomic_fetch_add(&tasks_run, 1);
    return NULL;
}

static void run_on_threads(void *ctx, unsigned workers, void (*task)(void *arg, unsigned worker),
                           void *arg)
{
    pthread_t threads[8];
    struct work all[8];
    (void)ctx;
    assert_true(workers <= 8);
    for (unsigned i = 0; i < workers; i++) {
        all[i] = (struct work){task, arg, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &all[i]), 0);
    }
    for (unsigned i = 0; i < workers; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void two_threads_check_the_tree_of_a_group_that_is_joined(void **state)
{
    enum { N = 24 };
    struct party_options options = party_defaults(SUITE);
    struct party all[N + 2];
    struct buf info = {0}, commit = {0}, bad = {0};
    (void)state;
    make(all, N, NULL);
    options.executor = (struct mls_executor){.workers = 2, .run = run_on_threads};
    party_init(&all[N], N, &options);
    party_init(&all[N + 1], N + 1, &options);
    parties_gather(all, N, "threads");
    struct mls_change add = mls_add(party_key_package(&all[N]));
    atomic_store(&tasks_run, 0);
    parties_commit(all, N + 1, &all[0], &add, 1, NULL);
    assert_true(atomic_load(&tasks_run) >= 2);
    OK(mls_group_info(all[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_join_external(all[N + 1].client, buf_view(&info), NOTHING, MLS_NO_LEAF, NULL, 0,
                               NOW, &all[N + 1].group, &commit));
    parties_take(all, N + 1, NULL, &commit);
    OK(mls_group_merge_own(all[N + 1].group, &bad));
    parties_talk(all, N + 2);
    buf_free(&info);
    buf_free(&commit);
    drop(all, N + 2);
}

/* What one thread finds wrong, two find wrong. */
static void two_threads_find_the_same_fault_as_one(void **state)
{
    enum { N = 12 };
    struct party_options options = party_defaults(SUITE);
    struct party all[N], one, two;
    struct buf info = {0}, tree = {0}, commit = {0};
    struct mls_group *g = NULL;
    (void)state;
    make(all, N, NULL);
    party_init(&one, N, &options);
    options.executor = (struct mls_executor){.workers = 2, .run = run_on_threads};
    party_init(&two, N + 1, &options);
    parties_gather(all, N, "faults");
    OK(mls_group_info(all[0].group, MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_tree(all[0].group, &tree));
    for (size_t i = 3; i < tree.n; i += 97) {
        tree.p[i] ^= 0x10;
        int a = mls_group_join_external(one.client, buf_view(&info), buf_view(&tree), MLS_NO_LEAF,
                                        NULL, 0, NOW, &g, &commit);
        int b = mls_group_join_external(two.client, buf_view(&info), buf_view(&tree), MLS_NO_LEAF,
                                        NULL, 0, NOW, &g, &commit);
        assert_int_not_equal(a, 0);
        assert_int_equal(a, b);
        tree.p[i] ^= 0x10;
    }
    assert_null(g);
    buf_free(&info);
    buf_free(&tree);
    party_fini(&one);
    party_fini(&two);
    drop(all, N);
}

/* ---- The public group ---- */

static void follow(struct mls_public_group *g, const struct buf *message)
{
    struct mls_received r;
    OK(mls_public_group_receive(g, buf_view(message), NOW, &r));
    if (r.kind == MLS_RECEIVED_COMMIT)
        OK(mls_public_group_merge(g, mls_received_take(&r)));
    mls_received_free(&r);
}

static void a_public_group_is_saved_with_the_proposals_it_has_seen(void **state)
{
    struct mls_callbacks callbacks = {.check_identity = mls_identity_accept_any};
    struct party all[3];
    struct mls_public_group *g, *restored;
    struct buf info = {0}, tree = {0}, message = {0}, saved = {0}, again = {0}, welcome = {0};
    struct mls_change update = mls_update(), removal = mls_remove(2);
    struct mls_context ours, theirs;
    struct mls_received r;
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 3, "public");
    OK(mls_group_info(all[0].group, MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_tree(all[0].group, &tree));
    OK(mls_public_group_new(SUITE, &callbacks, NULL, buf_view(&info), buf_view(&tree), NOW, &g));
    OK(mls_group_propose(all[1].group, &update, NULL, NOW, &message));
    follow(g, &message);
    parties_take(all, 3, &all[1], &message);
    OK(mls_public_group_save(g, &saved));
    for (size_t n = 0; n < saved.n; n++)
        assert_int_not_equal(
            mls_public_group_restore(SUITE, &callbacks, NULL, bytes_of(saved.p, n), &restored), 0);
    OK(mls_public_group_restore(SUITE, &callbacks, NULL, buf_view(&saved), &restored));
    OK(mls_public_group_save(restored, &again));
    assert_true(bytes_equal(buf_view(&saved), buf_view(&again)));

    OK(mls_group_commit(all[0].group, &removal, 1, NULL, NOW, &message));
    follow(g, &message);
    follow(restored, &message);
    parties_take(all, 3, &all[0], &message);
    OK(mls_group_merge_own(all[0].group, &welcome));
    mls_group_context(all[1].group, &theirs);
    mls_public_group_context(restored, &ours);
    assert_true(bytes_equal(ours.tree_hash, theirs.tree_hash));
    assert_true(bytes_equal(ours.confirmed_transcript_hash, theirs.confirmed_transcript_hash));
    assert_int_equal(mls_public_group_member_count(g), 2);
    protect(&all[0], "secret", &message);
    REFUSED(mls_public_group_receive(g, buf_view(&message), NOW, &r), CONCLAVE_EWIREFORMAT);
    mls_public_group_free(g);
    mls_public_group_free(restored);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&message);
    buf_free(&saved);
    buf_free(&again);
    drop(all, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(padding_hides_lengths_up_to_the_block),
        cmocka_unit_test(private_handshakes_show_nothing_but_their_kind),
        cmocka_unit_test(authenticated_data_is_shown_and_bound),
        cmocka_unit_test(late_messages_are_read_as_long_as_the_policy_says),
        cmocka_unit_test(a_removed_members_earlier_words_can_still_be_read),
        cmocka_unit_test(generations_are_skipped_kept_and_dropped_as_the_policy_says),
        cmocka_unit_test(a_forgery_costs_no_key),
        cmocka_unit_test(messages_of_other_groups_and_epochs_to_come_are_refused),
        cmocka_unit_test(two_threads_check_the_tree_of_a_group_that_is_joined),
        cmocka_unit_test(two_threads_find_the_same_fault_as_one),
        cmocka_unit_test(a_public_group_is_saved_with_the_proposals_it_has_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
