/* kill -9: whatever was acknowledged is there when the server is back. */
#include "support/room_world.h"

#define COLLEAGUE(name) name "@" MEETING_DOMAIN
#define STRANGER(name) name "@" MEETING_OTHER_DOMAIN

/* ---- At every effect ---- */

enum { ALICE, BOB, EVE, PEOPLE };

static void knocks(struct room_world *w, struct room_client *c)
{
    room_connect(w, c);
    room_knock(w, c);
}

static void commits(struct room_world *w, struct room_client *c)
{
    if (c->group != NULL && !mls_group_has_pending(c->group))
        room_commit(w, c, NULL, 0);
}

/* The life of a meeting, in steps that a dead server does not disturb. */
static void play(struct room_world *w, int step)
{
    struct room_client *alice = &w->client[ALICE], *bob = &w->client[BOB], *eve = &w->client[EVE];
    switch (step) {
    case 0:
        room_connect(w, alice);
        room_found(w, alice);
        break;
    case 1:
        knocks(w, bob);
        if (alice->joiners.n != 0)
            room_add_joiners(w, alice);
        break;
    case 2:
        knocks(w, eve);
        if (alice->lobby.n != 0)
            room_add_lobby(w, alice);
        break;
    case 3:
        commits(w, bob);
        break;
    case 4:
        room_propose(w, bob, mls_self_remove());
        commits(w, alice);
        break;
    default:
        commits(w, alice);
    }
}

#define STEPS 75 /* a snapshot falls into it */

/* Whether a client was told that it is in: it must be let in again. */
static bool was_live(const struct room_client *c)
{
    return c->group != NULL && c->got[SIGNAL_LIVE] != 0 && mls_group_is_member(c->group);
}

static void everybody_comes_back(struct room_world *w)
{
    for (size_t i = 0; i < PEOPLE; i++) {
        struct room_client *c = &w->client[i];
        if (!was_live(c))
            continue;
        uint64_t epoch = mls_group_epoch(c->group);
        assert_true(room_look(w).epoch >= epoch);
        room_connect(w, c);
        room_resume(w, c);
        if (c->fault == REASON_EJECTED || c->fault == REASON_LEFT)
            continue; /* its removal was among what it was sent */
        if (c->fault == REASON_NOT_A_MEMBER) {
            assert_ptr_equal(c, &w->client[BOB]); /* who was on his way out */
            continue;
        }
        assert_int_equal(c->fault, 0);
        assert_int_equal(c->live_epoch, room_look(w).epoch);
        assert_int_equal(mls_group_drop_own(c->group), 0);
        assert_int_equal(c->refused, 0);
    }
    for (size_t i = 0; i < PEOPLE; i++)
        if (was_live(&w->client[i]) && w->client[i].conn == 0)
            w->client[i].got[SIGNAL_LIVE] = 0;
    room_agrees(w);
}

/* The effects of a run that is not disturbed: at each of them the machine may die. */
static size_t die_after(size_t effects)
{
    struct room_world w;
    room_world_init(&w);
    room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_world_client(&w, IDENTITY_USER, STRANGER("eve"));
    w.effects_left = effects;
    for (int step = 0; step < STEPS && w.effects_left != 0; step++)
        play(&w, step);
    size_t carried_out = w.effects;
    room_world_restart(&w);
    everybody_comes_back(&w);
    room_world_fini(&w);
    return carried_out;
}

static void whoever_was_acknowledged_is_served_after_a_death_at_any_effect(void **state)
{
    (void)state;
    size_t all = die_after(SIZE_MAX);
    assert_true(all > 150);
    for (size_t i = 0; i <= all; i += i < 60 || i + 60 > all ? 1 : 7)
        die_after(i);
}

/* ---- What is stored ---- */

static void a_restart_goes_on_in_the_same_epoch_with_the_same_code(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_commit(&w, bob, NULL, 0);
    uint64_t epoch = room_look(&w).epoch;
    room_world_restart(&w);
    assert_int_equal(room_look(&w).epoch, epoch);
    assert_int_equal(room_look(&w).members, 2);
    assert_int_equal(room_look(&w).connected, 0);
    room_connect(&w, alice);
    room_resume(&w, alice);
    room_connect(&w, bob);
    room_resume(&w, bob);
    assert_int_equal(mls_group_epoch(bob->group), epoch);
    room_agrees(&w);
    room_commit(&w, alice, NULL, 0);
    room_agrees(&w);
    room_world_fini(&w);
}

/* Commits by reference are stored with what they refer to, and judged as of then. */
static void commits_are_replayed_though_certificates_have_ended_since(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_propose(&w, bob, mls_self_remove());
    room_commit(&w, alice, NULL, 0);
    w.now += 30 * MEETING_DAY * SECONDS;
    room_world_restart(&w);
    assert_int_equal(room_look(&w).members, 1);
    assert_int_equal(room_look(&w).epoch, mls_group_epoch(alice->group));
    room_world_fini(&w);
}

static void a_snapshot_replaces_the_commits_and_takes_the_newest_along(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    for (int i = 0; i < 60; i++)
        room_commit(&w, alice, NULL, 0);
    assert_int_equal(w.snapshots, 1);
    room_disconnect(&w, bob);
    for (int i = 0; i < 3; i++)
        room_commit(&w, alice, NULL, 0);
    assert_int_equal(w.snapshots, 2);
    assert_int_equal(w.n_commits, 0);
    room_world_restart(&w);
    room_connect(&w, bob);
    room_resume(&w, bob);
    assert_int_equal(bob->fault, 0);
    assert_int_equal(bob->live_epoch, 64);
    assert_true(bytes_equal(mls_group_epoch_authenticator(alice->group),
                            mls_group_epoch_authenticator(bob->group)));
    room_world_fini(&w);
}

/* Clients hold proposals that a server which died has lost: on Resume they forget them, too. */
static void proposals_that_were_not_committed_are_forgotten(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_propose(&w, bob, mls_self_remove());
    room_world_restart(&w);
    room_connect(&w, alice);
    room_resume(&w, alice);
    room_commit(&w, alice, NULL, 0);
    assert_int_equal(alice->rejected, 0);
    assert_int_equal(room_look(&w).members, 2);
    room_world_fini(&w);
}

static void an_end_that_was_stored_is_an_end(void **state)
{
    (void)state;
    struct room_world w;
    struct meeting_state s;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    room_start(&w);
    room_state(alice, &s);
    s.ended = true;
    w.effects_left = 1; /* the commit, and no more */
    room_set_state(&w, alice, &s);
    assert_int_equal(w.n_commits, 1);
    room_world_restart(&w);
    assert_false(room_look(&w).running);
    assert_int_equal(w.forgets, 1);
    assert_int_equal(w.snapshot.n, 0);
    room_world_fini(&w);
}

static void who_is_away_after_a_restart_has_half_a_minute(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_world_restart(&w);
    room_connect(&w, alice);
    room_resume(&w, alice);
    assert_int_equal(alice->presence.n, 5); /* bob */
    room_world_advance(&w, 29 * SECONDS);
    assert_int_equal(alice->got[SIGNAL_PROPOSED], 0);
    room_world_advance(&w, SECONDS);
    assert_int_equal(alice->got[SIGNAL_PROPOSED], 1);
    room_world_fini(&w);
}

/* ---- What was stored by somebody else ---- */

static int restore(const struct room_world *w, struct bytes snapshot, const struct bytes *commits_,
                   size_t n)
{
    struct room *r = NULL;
    int rv = room_restore(&w->config, snapshot, commits_, n, w->now, &r);
    assert_true((rv == 0) == (r != NULL));
    room_free(r);
    return rv;
}

static void damaged_storage_is_refused(void **state)
{
    (void)state;
    struct room_world w;
    room_world_init(&w);
    struct room_client *alice = &w.client[0];
    struct room_client *bob = room_world_client(&w, IDENTITY_USER, COLLEAGUE("bob"));
    room_start(&w);
    room_join(&w, alice, bob);
    room_commit(&w, bob, NULL, 0);
    struct bytes snapshot = buf_view(&w.snapshot);
    struct bytes both[] = {buf_view(&w.commits[0].data), buf_view(&w.commits[1].data)};
    assert_int_equal(restore(&w, snapshot, both, 2), 0);
    assert_int_not_equal(restore(&w, snapshot, &both[1], 1), 0); /* one is missing */
    struct bytes swapped[] = {both[1], both[0]};
    assert_int_not_equal(restore(&w, snapshot, swapped, 2), 0);
    for (size_t n = 0; n < both[0].n; n += 1 + n / 8) {
        struct bytes cut = {both[0].p, n};
        assert_int_not_equal(restore(&w, snapshot, &cut, 1), 0);
    }
    for (size_t n = 0; n < snapshot.n; n += 1 + n / 8) {
        struct bytes cut = {snapshot.p, n};
        assert_int_not_equal(restore(&w, cut, NULL, 0), 0);
    }
    w.snapshot.p[1] = 2; /* the version */
    assert_int_equal(restore(&w, snapshot, NULL, 0), CONCLAVE_EVERSION);
    room_world_fini(&w);
}

static void a_room_needs_the_cards_suite_and_server_key(void **state)
{
    (void)state;
    struct room_world w;
    struct crypto *other;
    struct room *r = NULL;
    room_world_init(&w);
    struct room_config config = w.config;
    config.signer = w.people.organiser->signer;
    assert_int_equal(room_new(&config, &r), CONCLAVE_EINVAL);
    config = w.config;
    assert_int_equal(crypto_new_public(CRYPTO_X25519_AES128GCM_SHA256_ED25519, &other), 0);
    config.crypto = other;
    assert_int_equal(room_new(&config, &r), CONCLAVE_EINVAL);
    assert_null(r);
    crypto_free(other);
    room_world_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_was_acknowledged_is_served_after_a_death_at_any_effect),
        cmocka_unit_test(a_restart_goes_on_in_the_same_epoch_with_the_same_code),
        cmocka_unit_test(commits_are_replayed_though_certificates_have_ended_since),
        cmocka_unit_test(a_snapshot_replaces_the_commits_and_takes_the_newest_along),
        cmocka_unit_test(proposals_that_were_not_committed_are_forgotten),
        cmocka_unit_test(an_end_that_was_stored_is_an_end),
        cmocka_unit_test(who_is_away_after_a_restart_has_half_a_minute),
        cmocka_unit_test(damaged_storage_is_refused),
        cmocka_unit_test(a_room_needs_the_cards_suite_and_server_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
