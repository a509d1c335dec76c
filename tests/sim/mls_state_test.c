/* State: what is on the disk is the group. Saved and restored at any step it goes on as if nothing
 * had happened; what is damaged, missing or foreign is refused; what cannot be written does not
 * happen; no message key is used twice. */
#include <stdio.h>
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

static void same_state(struct party *a, struct party *b)
{
    struct buf x = {0}, y = {0};
    party_state(a, &x);
    party_state(b, &y);
    assert_true(bytes_equal(buf_view(&x), buf_view(&y)));
    buf_free(&x);
    buf_free(&y);
}

/* ---- At every step ---- */

#define TRAFFIC 16

/* What the others send to party 1, in the order it is to arrive. */
struct traffic {
    struct buf m[TRAFFIC];
    size_t n;
};

static void say(struct traffic *t, struct party *by, const char *text)
{
    OK(mls_group_protect(by->group, NOTHING, bytes_str(text), &t->m[t->n++]));
}

/* A handshake that all but party 1 take at once. */
static void tell(struct traffic *t, struct party *all, size_t n, struct party *by)
{
    struct party listener = all[1];
    struct buf welcome = {0};
    all[1].group = NULL;
    parties_take(all, n, by, &t->m[t->n++]);
    all[1] = listener;
    if (mls_group_has_pending(by->group))
        OK(mls_group_merge_own(by->group, &welcome));
    buf_free(&welcome);
}

static void commit(struct traffic *t, struct party *all, size_t n, struct party *by,
                   const struct mls_change *changes, size_t n_changes)
{
    OK(mls_group_commit(by->group, changes, n_changes, NULL, NOW, &t->m[t->n]));
    tell(t, all, n, by);
}

static void propose(struct traffic *t, struct party *all, size_t n, struct party *by,
                    struct mls_change change)
{
    OK(mls_group_propose(by->group, &change, NULL, NOW, &t->m[t->n]));
    tell(t, all, n, by);
}

static void swap(struct buf *a, struct buf *b)
{
    struct buf c = *a;
    *a = *b;
    *b = c;
}

/* Messages in and out of order, late ones, proposals, and commits of several kinds. */
static void make_traffic(struct traffic *t, struct party *all, size_t n)
{
    struct mls_extension note = {CUSTOM_EXTENSION, bytes_str("a note")};
    struct mls_change changes[2] = {mls_external_psk(bytes_str("x traffic")),
                                    mls_set_extensions(&note, 1)};
    struct mls_change removal = mls_remove(3);
    say(t, &all[0], "one");
    say(t, &all[0], "two");
    say(t, &all[0], "three");
    swap(&t->m[0], &t->m[2]);
    say(t, &all[2], "comes late");
    propose(t, all, n, &all[3], mls_update());
    propose(t, all, n, &all[2], mls_external_psk(bytes_str("x proposed")));
    commit(t, all, n, &all[0], NULL, 0);
    swap(&t->m[t->n - 4], &t->m[t->n]); /* the late one, after the commit */
    t->m[t->n - 4] = t->m[t->n - 3];
    t->m[t->n - 3] = t->m[t->n - 2];
    t->m[t->n - 2] = t->m[t->n - 1];
    t->m[t->n - 1] = t->m[t->n];
    buf_init(&t->m[t->n]);
    commit(t, all, n, &all[2], changes, 2);
    say(t, &all[2], "again");
    commit(t, all, n, &all[0], &removal, 1);
    say(t, &all[0], "done");
    assert_true(t->n < TRAFFIC);
}

static void take(struct party *p, const struct buf *message)
{
    struct mls_received r;
    OK(mls_group_receive(p->group, buf_view(message), NOW, &r));
    if (r.kind == MLS_RECEIVED_COMMIT)
        OK(mls_group_merge(p->group, mls_received_take(&r)));
    mls_received_free(&r);
}

/* A second client with the keys and the disk of another. */
static void twin_of(struct party *p, struct party *twin)
{
    struct party_options options = party_defaults(SUITE);
    options.signer = p->signer;
    options.policy.grease = false;
    options.credential = (struct mls_credential){.type = MLS_BASIC, .identity = bytes_str(p->name)};
    party_init(twin, p->id, &options);
    buf_put(&twin->disk.saved, buf_view(&p->disk.saved));
    twin->disk.deltas = calloc(p->disk.n + 1, sizeof *twin->disk.deltas);
    assert_non_null(twin->disk.deltas);
    for (; twin->disk.n < p->disk.n; twin->disk.n++)
        buf_put(&twin->disk.deltas[twin->disk.n], buf_view(&p->disk.deltas[twin->disk.n]));
    twin->disk.cap = p->disk.n + 1;
    OK(party_restore(twin, &twin->group));
}

static void a_group_restored_at_any_step_goes_on_like_the_one_that_ran(void **state)
{
    struct party all[4], twins[TRAFFIC];
    struct traffic t = {.n = 0};
    (void)state;
    make(all, 4, NULL);
    parties_gather(all, 4, "steps");
    make_traffic(&t, all, 4);
    for (size_t i = 0; i < t.n; i++) {
        twin_of(&all[1], &twins[i]);
        same_state(&all[1], &twins[i]);
        for (size_t k = 0; k <= i; k++)
            take(&twins[k], &t.m[i]);
        take(&all[1], &t.m[i]);
        if (i == t.n / 2) /* from here on a newer save and fewer deltas */
            party_save(&all[1]);
    }
    for (size_t i = 0; i < t.n; i++) {
        same_state(&all[1], &twins[i]);
        assert_true(groups_equal(all[0].group, twins[i].group));
        party_fini(&twins[i]);
        buf_free(&t.m[i]);
    }
    party_crash(&all[1]);
    all[3].group = (mls_group_free(all[3].group), NULL); /* was removed */
    parties_talk(all, 3);
    drop(all, 4);
}

/* ---- Our own pending commit ---- */

static void count_proposals(const struct mls_staged *s, size_t adds, size_t all)
{
    struct mls_proposal_info p;
    size_t found = 0;
    assert_non_null(s);
    assert_int_equal(mls_staged_proposal_count(s), all);
    for (size_t i = 0; i < all; i++) {
        OK(mls_staged_proposal(s, i, &p));
        found += p.type == MLS_ADD && p.leaf != MLS_NO_LEAF;
    }
    assert_int_equal(found, adds);
}

static void our_pending_commit_survives_a_restart_and_can_be_merged(void **state)
{
    struct party all[4];
    struct buf message = {0}, welcome = {0};
    struct mls_received r;
    (void)state;
    make(all, 4, NULL);
    parties_gather(all, 3, "pending");
    struct mls_change changes[2] = {mls_add(party_key_package(&all[3])),
                                    mls_external_psk(bytes_str("x pending"))};
    OK(mls_group_commit(all[1].group, changes, 2, NULL, NOW, &message));
    party_crash(&all[1]);
    assert_true(mls_group_has_pending(all[1].group));
    count_proposals(mls_group_pending(all[1].group), 1, 2);
    parties_take(all, 3, &all[1], &message);

    OK(mls_group_receive(all[1].group, buf_view(&message), NOW, &r));
    assert_int_equal(r.kind, MLS_RECEIVED_OWN_COMMIT);
    mls_received_free(&r);
    OK(mls_group_merge_own(all[1].group, &welcome));
    party_crash(&all[1]); /* after the merge, too */
    assert_false(mls_group_has_pending(all[1].group));
    party_join(&all[3], &welcome, NOTHING);
    parties_talk(all, 4);
    buf_free(&message);
    buf_free(&welcome);
    drop(all, 4);
}

static void our_pending_commit_gives_way_to_another_after_a_restart(void **state)
{
    struct party all[3];
    struct buf ours = {0}, theirs = {0}, welcome = {0};
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 3, "rivals");
    OK(mls_group_commit(all[1].group, NULL, 0, NULL, NOW, &ours));
    OK(mls_group_commit(all[2].group, NULL, 0, NULL, NOW, &theirs));
    party_crash(&all[1]);
    parties_take(all, 3, &all[2], &theirs);
    OK(mls_group_merge_own(all[2].group, &welcome));
    assert_false(mls_group_has_pending(all[1].group));
    party_crash(&all[1]);
    parties_talk(all, 3);

    OK(mls_group_commit(all[1].group, NULL, 0, NULL, NOW, &ours));
    party_crash(&all[1]);
    OK(mls_group_drop_own(all[1].group));
    party_crash(&all[1]);
    assert_false(mls_group_has_pending(all[1].group));
    parties_talk(all, 3);
    buf_free(&ours);
    buf_free(&theirs);
    buf_free(&welcome);
    drop(all, 3);
}

static void our_proposed_update_survives_a_restart(void **state)
{
    struct party all[3];
    struct buf message = {0};
    struct mls_change update = mls_update();
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 3, "update");
    OK(mls_group_propose(all[1].group, &update, NULL, NOW, &message));
    party_crash(&all[1]);
    parties_take(all, 3, &all[1], &message);
    parties_commit(all, 3, &all[2], NULL, 0, NULL);
    party_crash(&all[1]);
    parties_commit(all, 3, &all[1], NULL, 0, NULL); /* its path is encrypted to the new key */
    parties_commit(all, 3, &all[0], NULL, 0, NULL);
    parties_talk(all, 3);
    buf_free(&message);
    drop(all, 3);
}

static void who_was_removed_stays_removed_after_a_restart(void **state)
{
    struct party all[3];
    struct mls_change removal = mls_remove(1);
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 3, "removed");
    parties_commit(all, 3, &all[0], &removal, 1, NULL);
    assert_false(mls_group_is_member(all[1].group));
    party_crash(&all[1]);
    assert_false(mls_group_is_member(all[1].group));
    struct buf message = {0};
    struct mls_received r;
    OK(mls_group_protect(all[0].group, NOTHING, bytes_str("without you"), &message));
    REFUSED(mls_group_receive(all[1].group, buf_view(&message), NOW, &r), CONCLAVE_EREMOVED);
    REFUSED(mls_group_protect(all[1].group, NOTHING, NOTHING, &message), CONCLAVE_EREMOVED);
    buf_free(&message);
    drop(all, 3);
}

static void a_group_that_is_being_joined_survives_a_restart(void **state)
{
    struct party all[3];
    struct buf info = {0}, commit_message = {0}, welcome = {0};
    (void)state;
    make(all, 3, NULL);
    parties_gather(all, 2, "joining");
    OK(mls_group_info(all[0].group, MLS_INFO_TREE | MLS_INFO_EXTERNAL_PUB, &info));
    OK(mls_group_join_external(all[2].client, buf_view(&info), NOTHING, MLS_NO_LEAF, NULL, 0, NOW,
                               &all[2].group, &commit_message));
    party_save(&all[2]);
    party_crash(&all[2]);
    assert_false(mls_group_is_member(all[2].group));
    parties_take(all, 2, NULL, &commit_message);
    OK(mls_group_merge_own(all[2].group, &welcome));
    party_save(&all[2]);
    party_crash(&all[2]);
    parties_talk(all, 3);
    buf_free(&info);
    buf_free(&commit_message);
    drop(all, 3);
}

/* ---- Generations ---- */

static void a_used_generation_is_never_used_again(void **state)
{
    struct party all[2];
    struct party_options options = party_defaults(SUITE);
    struct buf lost = {0}, sent = {0}, commit_message = {0}, welcome = {0};
    struct mls_change psk = mls_external_psk(bytes_str("x again"));
    (void)state;
    options.policy.private_handshake = true;
    make(all, 2, &options);
    parties_gather(all, 2, "generations");
    for (int i = 0; i < 3; i++) { /* had a key been used twice, the second would be a replay */
        OK(mls_group_protect(all[0].group, NOTHING, bytes_str("lost?"), &lost));
        party_crash(&all[0]);
        OK(mls_group_protect(all[0].group, NOTHING, bytes_str("sent"), &sent));
        party_crash(&all[0]);
        parties_read(all, 2, &all[0], &sent, "sent");
        party_crash(&all[1]);
        parties_read(all, 2, &all[0], &lost, "lost?");
        party_crash(&all[1]);
        struct mls_received r;
        REFUSED(mls_group_receive(all[1].group, buf_view(&sent), NOW, &r), CONCLAVE_EREPLAY);
        REFUSED(mls_group_receive(all[1].group, buf_view(&lost), NOW, &r), CONCLAVE_EREPLAY);
    }
    OK(mls_group_propose(all[0].group, &psk, NULL, NOW, &sent));
    party_crash(&all[0]);
    OK(mls_group_commit(all[0].group, NULL, 0, NULL, NOW, &commit_message));
    party_crash(&all[0]);
    parties_take(all, 2, &all[0], &sent);
    party_crash(&all[1]);
    parties_take(all, 2, &all[0], &commit_message);
    OK(mls_group_merge_own(all[0].group, &welcome));
    parties_talk(all, 2);
    buf_free(&lost);
    buf_free(&sent);
    buf_free(&commit_message);
    drop(all, 2);
}

static void a_message_is_written_before_it_is_sent_or_read(void **state)
{
    struct party all[2];
    struct buf message = {0};
    (void)state;
    make(all, 2, NULL);
    parties_gather(all, 2, "before");
    size_t sender = all[0].disk.writes, reader = all[1].disk.writes;
    OK(mls_group_protect(all[0].group, NOTHING, bytes_str("text"), &message));
    parties_read(all, 2, &all[0], &message, "text");
    assert_int_equal(all[0].disk.writes, sender + 1);
    assert_int_equal(all[1].disk.writes, reader + 1);
    buf_free(&message);
    drop(all, 2);
}

/* ---- Deltas that are not right ---- */

static int restore_with(struct party *p, const struct bytes *deltas, size_t n,
                        struct mls_group **out)
{
    return mls_group_restore(p->client, bytes_of(p->key, sizeof p->key), buf_view(&p->disk.saved),
                             deltas, n, out);
}

/* A pair whose second has four deltas: three messages read, and a commit. */
static void make_deltas(struct party all[2], struct bytes deltas[4])
{
    struct buf message = {0};
    make(all, 2, NULL);
    parties_gather(all, 2, "deltas");
    for (int i = 0; i < 3; i++) {
        OK(mls_group_protect(all[0].group, NOTHING, bytes_str("text"), &message));
        parties_read(all, 2, &all[0], &message, "text");
    }
    parties_commit(all, 2, &all[0], NULL, 0, NULL);
    assert_int_equal(all[1].disk.n, 4);
    for (size_t i = 0; i < 4; i++)
        deltas[i] = buf_view(&all[1].disk.deltas[i]);
    buf_free(&message);
}

static void missing_and_reordered_deltas_are_refused(void **state)
{
    struct party all[2];
    struct bytes d[4];
    struct mls_group *g = NULL;
    (void)state;
    make_deltas(all, d);
    struct bytes without_first[] = {d[1], d[2], d[3]}, without_second[] = {d[0], d[2], d[3]},
                 reordered[] = {d[0], d[2], d[1], d[3]}, twice[] = {d[0], d[0], d[1], d[2], d[3]};
    REFUSED(restore_with(&all[1], without_first, 3, &g), CONCLAVE_ESTATE);
    REFUSED(restore_with(&all[1], without_second, 3, &g), CONCLAVE_ESTATE);
    REFUSED(restore_with(&all[1], reordered, 4, &g), CONCLAVE_ESTATE);
    assert_null(g);
    OK(restore_with(&all[1], twice, 5, &g)); /* what is in already does no harm */
    assert_true(groups_equal(g, all[1].group));
    mls_group_free(g);
    drop(all, 2);
}

static void a_delta_older_than_the_save_is_skipped(void **state)
{
    struct party all[2];
    struct buf old[4] = {{0}};
    struct bytes d[4];
    struct mls_group *g;
    (void)state;
    make_deltas(all, d);
    for (size_t i = 0; i < 4; i++) {
        buf_put(&old[i], d[i]);
        d[i] = buf_view(&old[i]);
    }
    party_save(&all[1]);
    OK(restore_with(&all[1], d, 4, &g));
    assert_true(groups_equal(g, all[1].group));
    mls_group_free(g);
    for (size_t i = 0; i < 4; i++)
        buf_free(&old[i]);
    drop(all, 2);
}

/* Every truncation, every byte changed. */
static void refuse_damage(struct party *p, struct bytes whole, bool is_save)
{
    uint8_t *copy = malloc(whole.n);
    struct mls_group *g = NULL;
    struct bytes key = bytes_of(p->key, sizeof p->key);
    assert_non_null(copy);
    for (size_t n = 0; n < 2 * whole.n; n++) {
        bool cut = n < whole.n;
        struct bytes bad = bytes_of(copy, cut ? n : whole.n);
        memcpy(copy, whole.p, whole.n);
        if (!cut)
            copy[n - whole.n] ^= (uint8_t)(1 + n % 255);
        int rv = is_save ? mls_group_restore(p->client, key, bad, NULL, 0, &g)
                         : restore_with(p, &bad, 1, &g);
        assert_true(rv == CONCLAVE_EDECRYPT || rv == CONCLAVE_ESYNTAX);
        assert_null(g);
    }
    free(copy);
}

static void truncated_and_tampered_state_is_refused(void **state)
{
    struct party all[2];
    struct bytes d[4];
    (void)state;
    make_deltas(all, d);
    refuse_damage(&all[1], d[0], false);
    refuse_damage(&all[1], buf_view(&all[1].disk.saved), true);
    drop(all, 2);
}

static void a_wrong_key_opens_nothing(void **state)
{
    struct party all[2];
    struct bytes d[4];
    struct mls_group *g = NULL;
    struct buf plain = {0};
    uint8_t wrong[32];
    (void)state;
    make_deltas(all, d);
    memcpy(wrong, all[1].key, sizeof wrong);
    wrong[31] ^= 1;
    struct bytes saved = buf_view(&all[1].disk.saved), key = bytes_of(all[1].key, 32);
    REFUSED(mls_group_restore(all[1].client, bytes_of(wrong, 32), saved, NULL, 0, &g),
            CONCLAVE_EDECRYPT);
    REFUSED(mls_group_restore(all[1].client, NOTHING, saved, NULL, 0, &g), CONCLAVE_EDECRYPT);
    REFUSED(mls_group_restore(all[1].client, bytes_of(wrong, 31), saved, NULL, 0, &g),
            CONCLAVE_EINVAL);
    party_state(&all[1], &plain); /* one that was never sealed is not taken for a sealed one */
    REFUSED(mls_group_restore(all[1].client, key, buf_view(&plain), NULL, 0, &g),
            CONCLAVE_EDECRYPT);
    OK(mls_group_restore(all[1].client, NOTHING, buf_view(&plain), NULL, 0, &g));
    mls_group_free(g);
    REFUSED(mls_group_save(all[1].group, bytes_of(wrong, 16), &plain), CONCLAVE_EINVAL);
    buf_free(&plain);
    drop(all, 2);
}

static void state_of_another_version_client_or_suite_is_refused(void **state)
{
    struct party all[2], other;
    struct party_options options = party_defaults(CRYPTO_X25519_AES128GCM_SHA256_ED25519);
    struct bytes d[4];
    struct mls_group *g = NULL;
    struct buf plain = {0};
    (void)state;
    make_deltas(all, d);
    party_init(&other, 9, &options);
    party_state(&all[1], &plain);
    REFUSED(mls_group_restore(all[0].client, NOTHING, buf_view(&plain), NULL, 0, &g),
            CONCLAVE_EINVAL);
    REFUSED(mls_group_restore(other.client, NOTHING, buf_view(&plain), NULL, 0, &g),
            CONCLAVE_EINVAL);
    plain.p[2] ^= 0x40; /* the version follows the byte that says "not sealed" */
    REFUSED(mls_group_restore(all[1].client, NOTHING, buf_view(&plain), NULL, 0, &g),
            CONCLAVE_EVERSION);
    assert_null(g);
    party_fini(&other);
    buf_free(&plain);
    drop(all, 2);
}

/* ---- What cannot be written does not happen ---- */

/* Runs a call with a disk that fails, then with one that works. */
#define FAILS_THEN_WORKS(party, call)                                    \
    do {                                                                 \
        struct buf before_ = {0}, after_ = {0};                          \
        party_state((party), &before_);                                  \
        (party)->disk.fails = true;                                      \
        REFUSED(call, CONCLAVE_ESTORE);                                  \
        (party)->disk.fails = false;                                     \
        party_state((party), &after_);                                   \
        assert_true(bytes_equal(buf_view(&before_), buf_view(&after_))); \
        buf_free(&before_);                                              \
        buf_free(&after_);                                               \
        OK(call);                                                        \
    } while (0)

static void what_cannot_be_written_does_not_happen(void **state)
{
    struct party all[3];
    struct party_options options = party_defaults(SUITE);
    struct mls_change update = mls_update();
    struct buf m = {0}, welcome = {0};
    struct mls_received r;
    (void)state;
    for (int private_handshake = 0; private_handshake < 2; private_handshake++) {
        options.policy.private_handshake = private_handshake;
        make(all, 3, &options);
        parties_gather(all, 2, "writes");
        FAILS_THEN_WORKS(&all[0], mls_group_protect(all[0].group, NOTHING, bytes_str("a"), &m));
        FAILS_THEN_WORKS(&all[1], mls_group_receive(all[1].group, buf_view(&m), NOW, &r));
        mls_received_free(&r);
        FAILS_THEN_WORKS(&all[0], mls_group_propose(all[0].group, &update, NULL, NOW, &m));
        FAILS_THEN_WORKS(&all[1], mls_group_receive(all[1].group, buf_view(&m), NOW, &r));
        mls_received_free(&r);
        FAILS_THEN_WORKS(&all[1], mls_group_clear_proposals(all[1].group));
        OK(mls_group_clear_proposals(all[0].group));
        FAILS_THEN_WORKS(&all[0], mls_group_commit(all[0].group, NULL, 0, NULL, NOW, &m));
        FAILS_THEN_WORKS(&all[0], mls_group_drop_own(all[0].group));
        struct mls_change add = mls_add(party_key_package(&all[2]));
        OK(mls_group_commit(all[0].group, &add, 1, NULL, NOW, &m));
        FAILS_THEN_WORKS(&all[0], mls_group_merge_own(all[0].group, &welcome));
        parties_take(all, 2, &all[0], &m);
        party_join(&all[2], &welcome, NOTHING);
        parties_talk(all, 3);
        drop(all, 3);
    }
    buf_free(&m);
    buf_free(&welcome);
}

/* Nor does a commit that was received and then dropped, or lost in a crash, shut its receiver out:
 * until it is merged it can come again. */
static void a_commit_that_was_not_merged_can_be_received_again(void **state)
{
    struct party_options options = party_defaults(SUITE);
    struct party all[2];
    struct buf m = {0}, welcome = {0};
    struct mls_received r;
    (void)state;
    for (int private_handshake = 0; private_handshake < 2; private_handshake++) {
        options.policy.private_handshake = private_handshake;
        make(all, 2, &options);
        parties_gather(all, 2, "merge");
        OK(mls_group_commit(all[0].group, NULL, 0, NULL, NOW, &m));
        OK(mls_group_merge_own(all[0].group, &welcome));
        OK(mls_group_receive(all[1].group, buf_view(&m), NOW, &r));
        all[1].disk.fails = true;
        REFUSED(mls_group_merge(all[1].group, mls_received_take(&r)), CONCLAVE_ESTORE);
        all[1].disk.fails = false;
        mls_received_free(&r);
        OK(mls_group_receive(all[1].group, buf_view(&m), NOW, &r));
        mls_received_free(&r); /* dropped */
        party_crash(&all[1]);
        parties_take(all, 2, &all[0], &m);
        party_crash(&all[1]);
        parties_talk(all, 2);
        drop(all, 2);
    }
    buf_free(&m);
}

static void an_update_of_ours_can_be_committed_after_we_forgot_the_proposals(void **state)
{
    struct party all[2];
    struct buf m = {0};
    struct mls_change update = mls_update();
    (void)state;
    make(all, 2, NULL);
    parties_gather(all, 2, "forgotten");
    OK(mls_group_propose(all[1].group, &update, NULL, NOW, &m));
    parties_take(all, 2, &all[1], &m);
    OK(mls_group_clear_proposals(all[1].group));
    party_crash(&all[1]);
    parties_take(all, 2, NULL, &m); /* the service sends it to all */
    parties_commit(all, 2, &all[0], NULL, 0, NULL);
    parties_talk(all, 2);
    buf_free(&m);
    drop(all, 2);
}

static void an_epoch_of_another_group_is_refused(void **state)
{
    struct party here[2], there[2];
    struct mls_group *g = NULL;
    (void)state;
    make(here, 2, NULL);
    make(there, 2, NULL);
    parties_gather(here, 2, "here");
    parties_gather(there, 2, "there");
    parties_commit(there, 2, &there[0], NULL, 0, NULL);
    memcpy(there[1].key, here[1].key, sizeof here[1].key); /* as one user's groups would have */
    struct bytes foreign = buf_view(&there[1].disk.deltas[0]);
    assert_int_not_equal(restore_with(&here[1], &foreign, 1, &g), 0);
    assert_null(g);
    drop(here, 2);
    drop(there, 2);
}

/* ---- Size ---- */

/* The sealed delta of merging an add-one commit among n members, in a tree without paths. */
static size_t merge_delta(unsigned n, size_t *out_message)
{
    struct party *all = calloc(n + 1, sizeof *all);
    struct mls_change *adds = calloc(n, sizeof *adds);
    struct buf message = {0}, welcome = {0};
    assert_true(all != NULL && adds != NULL);
    make(all, n, NULL);
    party_found(&all[0], "size", NULL, 0);
    for (unsigned i = 1; i < n; i++)
        adds[i - 1] = mls_add(party_key_package(&all[i]));
    OK(mls_group_commit(all[0].group, adds, n - 2, NULL, NOW, &message));
    OK(mls_group_merge_own(all[0].group, &welcome));
    party_join(&all[1], &welcome, NOTHING);
    parties_commit(all, 2, &all[0], &adds[n - 2], 1, NULL);
    size_t size = all[1].disk.deltas[all[1].disk.n - 1].n;
    OK(mls_group_protect(all[1].group, NOTHING, bytes_str("text"), &message));
    *out_message = all[1].disk.deltas[all[1].disk.n - 1].n;
    buf_free(&message);
    buf_free(&welcome);
    drop(all, n);
    free(all);
    free(adds);
    return size;
}

static void deltas_are_small_and_hardly_grow_with_the_group(void **state)
{
    size_t message_small, message_large;
    size_t small = merge_delta(16, &message_small), large = merge_delta(256, &message_large);
    (void)state;
    print_message("  a message: %zu bytes; an Add: %zu bytes among 16, %zu among 256\n",
                  message_large, small, large);
    assert_true(message_small < 100 && message_large < 100);
    size_t node = 65 + 32 + 32; /* a key and two hashes; the tree has four more levels */
    assert_true(large <= small + 4 * node);
}

/* ---- Key packages ---- */

static void a_key_package_is_kept_until_its_welcome_comes(void **state)
{
    struct party all[2];
    struct buf saved = {0};
    struct mls_key_package *kp = NULL;
    (void)state;
    make(all, 2, NULL);
    party_found(&all[0], "kept", NULL, 0);
    struct mls_change add = mls_add(party_key_package(&all[1]));
    struct bytes key = bytes_of(all[1].key, 32), wrong = bytes_of(all[0].key, 32);
    OK(mls_key_package_save(all[1].kp, key, &saved));
    REFUSED(mls_key_package_restore(all[1].client, wrong, buf_view(&saved), &kp),
            CONCLAVE_EDECRYPT);
    for (size_t n = 0; n < saved.n; n++) {
        int rv = mls_key_package_restore(all[1].client, key, bytes_of(saved.p, n), &kp);
        assert_true(rv == CONCLAVE_EDECRYPT || rv == CONCLAVE_ESYNTAX);
    }
    assert_null(kp);
    OK(mls_key_package_restore(all[1].client, key, buf_view(&saved), &kp));
    struct buf commit_message = {0}, welcome = {0};
    OK(mls_group_commit(all[0].group, &add, 1, NULL, NOW, &commit_message));
    OK(mls_group_merge_own(all[0].group, &welcome));
    mls_key_package_free(all[1].kp);
    all[1].kp = kp;
    party_join(&all[1], &welcome, NOTHING);
    parties_talk(all, 2);
    REFUSED(mls_key_package_save(kp, key, &saved), CONCLAVE_ESTATE); /* spent */
    buf_free(&saved);
    buf_free(&commit_message);
    buf_free(&welcome);
    drop(all, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_restored_at_any_step_goes_on_like_the_one_that_ran),
        cmocka_unit_test(our_pending_commit_survives_a_restart_and_can_be_merged),
        cmocka_unit_test(our_pending_commit_gives_way_to_another_after_a_restart),
        cmocka_unit_test(our_proposed_update_survives_a_restart),
        cmocka_unit_test(who_was_removed_stays_removed_after_a_restart),
        cmocka_unit_test(a_group_that_is_being_joined_survives_a_restart),
        cmocka_unit_test(a_used_generation_is_never_used_again),
        cmocka_unit_test(a_message_is_written_before_it_is_sent_or_read),
        cmocka_unit_test(missing_and_reordered_deltas_are_refused),
        cmocka_unit_test(a_delta_older_than_the_save_is_skipped),
        cmocka_unit_test(truncated_and_tampered_state_is_refused),
        cmocka_unit_test(a_wrong_key_opens_nothing),
        cmocka_unit_test(state_of_another_version_client_or_suite_is_refused),
        cmocka_unit_test(what_cannot_be_written_does_not_happen),
        cmocka_unit_test(a_commit_that_was_not_merged_can_be_received_again),
        cmocka_unit_test(an_update_of_ours_can_be_committed_after_we_forgot_the_proposals),
        cmocka_unit_test(an_epoch_of_another_group_is_refused),
        cmocka_unit_test(deltas_are_small_and_hardly_grow_with_the_group),
        cmocka_unit_test(a_key_package_is_kept_until_its_welcome_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
