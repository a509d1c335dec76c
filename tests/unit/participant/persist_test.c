/* What is saved, when, and what comes of it: whole, cut off, changed, sealed, and with memory
 * running out. */
#include "desk.h"

#include "support/alloc_fail.h"

static const uint8_t save_key[32] = {5};

#define DELTAS 64

static int restore(struct desk *d, struct participant **out)
{
    struct bytes deltas[DELTAS];
    assert_true(d->n_deltas <= DELTAS);
    for (size_t i = 0; i < d->n_deltas; i++)
        deltas[i] = buf_view(&d->deltas[i]);
    return participant_restore(&d->config, buf_view(&d->snapshot), deltas, d->n_deltas, d->now_us,
                               out);
}

static int try(struct desk *d)
{
    struct participant *p = NULL;
    int rv = restore(d, &p);
    assert_true((p != NULL) == (rv == 0));
    participant_free(p);
    return rv;
}

/* In a meeting of its own, locked by a commit that came back. */
static void live_a_little(struct desk *d)
{
    desk_found(d);
    assert_int_equal(participant_lock(d->p, true, d->now_us), 0);
    desk_take(d);
    struct buf commit = {0};
    buf_put(&commit, desk_last(d, SIGNAL_COMMIT).body);
    desk_say(d, &(struct signal_message){.type = SIGNAL_COMMITTED, .body = buf_view(&commit)});
    assert_true(d->p->state.locked);
    buf_free(&commit);
}

static void open_desk(struct desk *d, bool sealed)
{
    desk_open(d);
    desk_configure(d, d->w.organiser);
    if (sealed)
        d->config.save_key = bytes_of(save_key, sizeof save_key);
    desk_start(d);
}

/* ---- In order ---- */

static void what_is_sent_was_saved_before(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, false);
    desk_found(&d);
    assert_int_equal(participant_lock(d.p, true, d.now_us), 0);
    desk_take(&d);
    assert_true(desk_place(&d, PARTICIPANT_SAVE_DELTA) < desk_place_sent(&d, SIGNAL_COMMIT));
    assert_true(d.list[desk_place(&d, PARTICIPANT_SAVE_DELTA)].sync);
    struct buf commit = {0};
    buf_put(&commit, desk_last(&d, SIGNAL_COMMIT).body);
    desk_forget(&d);
    desk_say(&d, &(struct signal_message){.type = SIGNAL_COMMITTED, .body = buf_view(&commit)});
    assert_true(desk_place(&d, PARTICIPANT_SAVE_DELTA) < desk_place(&d, PARTICIPANT_EVENT));
    desk_forget(&d);
    assert_int_equal(participant_say(d.p, "Hello", NULL, d.now_us), 0);
    desk_take(&d);
    assert_true(desk_place(&d, PARTICIPANT_SAVE_DELTA) < desk_place_sent(&d, SIGNAL_APP));
    desk_forget(&d);
    assert_int_equal(participant_end(d.p, d.now_us), 0);
    desk_take(&d);
    buf_clear(&commit);
    buf_put(&commit, desk_last(&d, SIGNAL_COMMIT).body);
    desk_forget(&d);
    desk_say(&d, &(struct signal_message){.type = SIGNAL_COMMITTED, .body = buf_view(&commit)});
    desk_assert_over(&d, REASON_ENDED);
    assert_int_equal(d.snapshot.n + d.n_deltas, 0); /* nothing is kept of what is over */
    buf_free(&commit);
    desk_close(&d);
}

static void who_does_not_persist_saves_nothing(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_configure(&d, d.w.organiser);
    d.config.persist = false;
    desk_start(&d);
    live_a_little(&d);
    assert_int_equal(participant_leave(d.p, d.now_us), 0);
    desk_take(&d);
    assert_int_equal(d.snapshot.n + d.n_deltas, 0);
    assert_int_equal(desk_asked(&d, PARTICIPANT_SAVE_NOTHING), 0);
    desk_close(&d);
}

/* ---- Back again ---- */

static void it_goes_on_where_it_was(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        struct desk d;
        char before[PARTICIPANT_CODE_SIZE], after[PARTICIPANT_CODE_SIZE];
        open_desk(&d, sealed);
        live_a_little(&d);
        assert_true(d.n_deltas > 1);
        assert_int_equal(participant_code(d.p, before), 0);
        desk_unseat(&d);
        assert_int_equal(restore(&d, &d.p), 0);
        desk_take(&d);
        assert_int_equal(participant_phase(d.p), PARTICIPANT_RECONNECTING);
        assert_int_equal(desk_asked(&d, PARTICIPANT_CONNECT), 1);
        assert_int_equal(desk_told(&d, PARTICIPANT_CARD), 1);
        assert_true(d.p->state.locked);
        assert_int_equal(participant_code(d.p, after), 0);
        assert_string_equal(before, after);
        desk_greet(&d, true);
        assert_int_equal(desk_last(&d, SIGNAL_RESUME).epoch, 1);
        desk_live(&d, 1, 0);
        assert_int_equal(participant_phase(d.p), PARTICIPANT_IN_MEETING);
        desk_close(&d);
    }
}

static void a_commit_on_its_way_is_sent_again(void **state)
{
    struct desk d;
    struct buf commit = {0};
    (void)state;
    open_desk(&d, false);
    desk_found(&d);
    assert_int_equal(participant_lock(d.p, true, d.now_us), 0);
    desk_take(&d);
    buf_put(&commit, desk_last(&d, SIGNAL_COMMIT).body);
    desk_unseat(&d);
    assert_int_equal(restore(&d, &d.p), 0);
    desk_take(&d);
    desk_greet(&d, true);
    desk_live(&d, 0, 0);
    assert_true(bytes_equal(desk_last(&d, SIGNAL_COMMIT).body, buf_view(&commit)));
    buf_free(&commit);
    desk_close(&d);
}

static void who_had_founded_and_not_heard_asks_again(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, false);
    desk_greet(&d, false);
    desk_unseat(&d);
    assert_int_equal(restore(&d, &d.p), 0);
    desk_take(&d);
    assert_int_equal(participant_phase(d.p), PARTICIPANT_CONNECTING);
    desk_greet(&d, false);
    assert_int_equal(desk_sent(&d, SIGNAL_FOUND), 1);
    desk_live(&d, 0, 0);
    assert_int_equal(participant_phase(d.p), PARTICIPANT_IN_MEETING);
    desk_close(&d);
}

/* Whole again after so much talk that the deltas have outgrown the last snapshot. */
static void deltas_give_way_to_a_snapshot(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, false);
    live_a_little(&d);
    d.p->delta_bytes = PARTICIPANT_DELTAS_BYTES + 2 * d.p->snapshot_bytes;
    desk_forget(&d);
    assert_int_equal(participant_react(d.p, "!", d.now_us), 0);
    desk_take(&d);
    assert_int_equal(desk_asked(&d, PARTICIPANT_SAVE_SNAPSHOT), 1);
    assert_int_equal(d.n_deltas, 0);
    assert_int_equal(try(&d), 0);
    desk_close(&d);
}

/* ---- Not as it was saved ---- */

static bool is_refusal(int rv)
{
    return rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM;
}

static void a_snapshot_that_is_cut_off_is_no_snapshot(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, true);
    live_a_little(&d);
    size_t whole = d.snapshot.n;
    for (size_t n = 0; n < whole; n += n < 64 || whole - n < 64 ? 1 : 97) {
        d.snapshot.n = n;
        assert_true(is_refusal(try(&d)));
    }
    d.snapshot.n = whole;
    assert_int_equal(try(&d), 0);
    buf_put_zero(&d.snapshot, 1);
    assert_true(is_refusal(try(&d)));
    desk_close(&d);
}

/* Sealed, nothing of the group can be changed; and what is beside it is held to the link. */
static void a_snapshot_that_was_changed_is_no_snapshot(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, true);
    live_a_little(&d);
    for (size_t i = 0; i < d.snapshot.n; i += i < 64 ? 1 : 53) {
        for (uint8_t bit = 1; bit != 0;
             bit = (uint8_t)(bit << 6)) { /* the first, and the seventh */
            d.snapshot.p[i] ^= bit;
            assert_true(is_refusal(try(&d)));
            d.snapshot.p[i] ^= bit;
        }
    }
    d.config.save_key = none();
    assert_true(is_refusal(try(&d)));
    desk_close(&d);
}

static void deltas_that_are_missing_or_swapped_are_noticed(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, true);
    live_a_little(&d);
    assert_true(d.n_deltas >= 2);
    struct buf first = d.deltas[0];
    d.deltas[0] = d.deltas[1];
    d.deltas[1] = first;
    assert_true(is_refusal(try(&d)));
    d.deltas[1] = d.deltas[0];
    d.deltas[0] = first;
    d.deltas[0].p[d.deltas[0].n / 2] ^= 1;
    assert_true(is_refusal(try(&d)));
    d.deltas[0].p[d.deltas[0].n / 2] ^= 1;
    assert_int_equal(try(&d), 0);
    d.deltas++;
    d.n_deltas--;
    assert_true(is_refusal(try(&d)));
    d.deltas--;
    d.n_deltas++;
    desk_close(&d);
}

/* ---- In another world ---- */

static void another_link_does_not_open_it(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, false);
    live_a_little(&d);
    desk_unseat(&d);
    d.w.link.card_hash[0] ^= 1;
    desk_set_link(&d);
    assert_int_equal(try(&d), CONCLAVE_ECREDENTIAL);
    desk_close(&d);
}

static void another_key_does_not_open_it(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, false);
    live_a_little(&d);
    desk_unseat(&d);
    const struct meeting_person *bob = meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com");
    d.config.signer = bob->signer;
    d.config.chain = bob->chain;
    assert_true(is_refusal(try(&d)));
    desk_close(&d);
}

/* It says why when it starts anew; what is saved is still there for a renewed certificate. */
static void it_does_not_come_back_with_a_certificate_that_has_ended(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, false);
    live_a_little(&d);
    desk_unseat(&d);
    uint64_t now_us = d.now_us;
    d.now_us += 30 * MEETING_DAY * SECOND_US;
    assert_int_equal(try(&d), CONCLAVE_ECREDENTIAL);
    d.now_us = now_us;
    assert_int_equal(try(&d), 0);
    desk_close(&d);
}

/* ---- Without memory ---- */

static int restore_once(void *ctx)
{
    struct participant *p = NULL;
    int rv = restore(ctx, &p);
    if (rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM)
        fail_msg("an allocation that failed was called %s", conclave_error_name(rv));
    participant_free(p);
    return rv;
}

static void memory_may_run_out_on_the_way_back(void **state)
{
    struct desk d;
    (void)state;
    open_desk(&d, true);
    live_a_little(&d);
    desk_unseat(&d);
    (void)try(&d); /* so that the trust knows everybody, and all rounds are alike */
    assert_in_range(alloc_sweep(restore_once, &d), 50, 5000);
    desk_close(&d);
}

static int make_once(void *ctx)
{
    struct desk *d = ctx;
    struct participant *p = NULL;
    int rv = participant_new(&d->config, d->now_us, &p);
    participant_free(p);
    return rv;
}

static void memory_may_run_out_at_the_beginning(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_configure(&d, d.w.organiser);
    assert_in_range(alloc_sweep(make_once, &d), 5, 100);
    desk_close(&d);
}

/* A change of the group that could not be kept has not been made. */
static void what_could_not_be_saved_did_not_happen(void **state)
{
    (void)state;
    for (size_t n = 0;; n++) {
        struct desk d;
        struct participant *again = NULL;
        open_desk(&d, true);
        desk_found(&d);
        alloc_fail_after(n);
        int rv = participant_lock(d.p, true, d.now_us);
        alloc_fail_off();
        bool hit = alloc_fail_hit();
        desk_take(&d);
        assert_int_equal(rv != 0, hit);
        /* the disk and the memory have not parted */
        assert_int_equal(restore(&d, &again), 0);
        assert_int_equal(mls_group_has_pending(again->group), mls_group_has_pending(d.p->group));
        participant_free(again);
        desk_close(&d);
        if (!hit)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sent_was_saved_before),
        cmocka_unit_test(who_does_not_persist_saves_nothing),
        cmocka_unit_test(it_goes_on_where_it_was),
        cmocka_unit_test(a_commit_on_its_way_is_sent_again),
        cmocka_unit_test(who_had_founded_and_not_heard_asks_again),
        cmocka_unit_test(deltas_give_way_to_a_snapshot),
        cmocka_unit_test(a_snapshot_that_is_cut_off_is_no_snapshot),
        cmocka_unit_test(a_snapshot_that_was_changed_is_no_snapshot),
        cmocka_unit_test(deltas_that_are_missing_or_swapped_are_noticed),
        cmocka_unit_test(another_link_does_not_open_it),
        cmocka_unit_test(another_key_does_not_open_it),
        cmocka_unit_test(it_does_not_come_back_with_a_certificate_that_has_ended),
        cmocka_unit_test(memory_may_run_out_on_the_way_back),
        cmocka_unit_test(memory_may_run_out_at_the_beginning),
        cmocka_unit_test(what_could_not_be_saved_did_not_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
