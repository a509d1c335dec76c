/* Those outside, as hosts see them and leaders add them: what the server says of them is looked up
 * in what they made themselves. */
#include "liar.h"

#define MOMENT (STAGE_SECOND / 2)

struct scene {
    struct attack_scene a; /* mallory leads, alice is the host */
    struct stage_actor *gus;
    struct buf key_package, entries;
};

static void begin(struct scene *s)
{
    *s = (struct scene){0};
    attack_open_led_by_mallory(&s->a);
    s->gus = attack_guest(&s->a, "Gus");
    buf_put(&s->key_package, attack_knocked(&s->a.tap));
    attack_put_entry(&s->a.s, buf_view(&s->key_package), &s->entries);
    assert_int_equal(stage_lobby_count(s->a.alice), 1);
}

static void end(struct scene *s)
{
    buf_free(&s->key_package);
    buf_free(&s->entries);
    attack_close(&s->a);
}

static void show(struct scene *s, struct bytes added, struct bytes removed)
{
    attack_deliver(
        &s->a.s, s->a.alice,
        &(struct signal_message){.type = SIGNAL_LOBBY, .entries = added, .refs = removed});
}

static struct participant_person first(struct scene *s)
{
    struct participant_person person;
    uint32_t at = 0;
    assert_true(participant_lobby_next(s->a.alice->p, &at, &person));
    return person;
}

static void act(struct scene *s, int rv)
{
    assert_int_equal(rv, 0);
    stage_carry_out(&s->a.s, s->a.alice);
}

static void hosts_see_who_is_there_and_what_they_claim(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    const struct participant_person gus = first(&s);
    assert_string_equal(gus.name, "Gus");
    assert_int_equal(gus.leaf, MLS_NO_LEAF);
    assert_int_equal(gus.identity.category, IDENTITY_UNVERIFIED);
    assert_true(gus.certificates.n != 0 && gus.since != 0);
    assert_int_equal(stage_lobby_count(s.a.bob), 0);
    end(&s);
}

static void one_is_let_in_and_one_is_turned_away(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    struct stage_actor *eve =
        stage_enter(&s.a.s, IDENTITY_USER, "eve@" MEETING_OTHER_DOMAIN, "Eve");
    stage_run(&s.a.s, STAGE_SECOND);
    assert_int_equal(stage_lobby_count(s.a.alice), 2);
    struct participant_person person;
    assert_true(attack_lobby_find(s.a.alice, "Eve", &person));
    act(&s, participant_refuse(s.a.alice->p, person.ref, s.a.s.now_us));
    stage_run(&s.a.s, MOMENT);
    assert_int_equal(participant_end_reason(eve->p), REASON_REFUSED_BY_HOST);
    act(&s, participant_admit(s.a.alice->p, first(&s).ref, s.a.s.now_us));
    act(&s, participant_admit(s.a.alice->p, first(&s).ref, s.a.s.now_us)); /* once is enough */
    assert_int_equal(s.a.alice->p->n_wishes, 1);
    stage_run(&s.a.s, 3 * STAGE_SECOND);
    assert_int_equal(participant_phase(s.gus->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(stage_lobby_count(s.a.alice), 0);
    stage_agree(&s.a.s, 4);
    end(&s);
}

static void only_hosts_may_and_only_who_is_there(void **state)
{
    static const uint8_t ref[32] = {1};
    struct scene s;
    (void)state;
    begin(&s);
    const struct bytes nobody = bytes_of(ref, sizeof ref), gus = first(&s).ref;
    const uint64_t now = s.a.s.now_us;
    assert_int_equal(participant_admit(s.a.bob->p, gus, now), CONCLAVE_EPOLICY);
    assert_int_equal(participant_refuse(s.a.bob->p, gus, now), CONCLAVE_EPOLICY);
    assert_int_equal(participant_admit_all(s.a.bob->p, now), CONCLAVE_EPOLICY);
    assert_int_equal(participant_end(s.a.bob->p, now), CONCLAVE_EPOLICY);
    assert_int_equal(participant_admit(s.a.alice->p, nobody, now), CONCLAVE_ENOTFOUND);
    assert_int_equal(participant_refuse(s.a.alice->p, nobody, now), CONCLAVE_ENOTFOUND);
    assert_int_equal(participant_eject(s.a.alice->p, 77, now), CONCLAVE_ENOTFOUND);
    assert_int_equal(participant_eject(s.a.alice->p, stage_leaf(s.a.alice), now),
                     CONCLAVE_ENOTFOUND);
    assert_int_equal(participant_make_cohost(s.a.alice->p, 77, true, now), CONCLAVE_ENOTFOUND);
    assert_int_equal(participant_admit_all(s.gus->p, now), CONCLAVE_ESTATE);
    /* who cannot be told apart from others is no co-host; the organiser is not ejected */
    act(&s, participant_admit_all(s.a.alice->p, now));
    stage_run(&s.a.s, 3 * STAGE_SECOND);
    uint32_t leaf = stage_find(s.a.alice, s.gus);
    assert_int_equal(participant_make_cohost(s.a.alice->p, leaf, true, s.a.s.now_us),
                     CONCLAVE_EPOLICY);
    act(&s,
        participant_make_cohost(s.a.alice->p, stage_find(s.a.alice, s.a.bob), true, s.a.s.now_us));
    stage_run(&s.a.s, 3 * STAGE_SECOND);
    assert_int_equal(participant_eject(s.a.bob->p, stage_find(s.a.bob, s.a.alice), s.a.s.now_us),
                     CONCLAVE_EPOLICY);
    assert_int_equal(
        participant_make_cohost(s.a.bob->p, stage_find(s.a.bob, s.a.mallory), true, s.a.s.now_us),
        CONCLAVE_EPOLICY);
    end(&s);
}

static void a_refusal_takes_a_connection(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    const struct bytes gus = first(&s).ref;
    stage_cut(&s.a.s, s.a.alice);
    stage_run(&s.a.s, 3 * STAGE_SECOND / 2);
    if (participant_phase(s.a.alice->p) == PARTICIPANT_RECONNECTING)
        assert_int_equal(participant_refuse(s.a.alice->p, gus, s.a.s.now_us), CONCLAVE_ESTATE);
    end(&s);
}

/* ---- What the server says of them ---- */

static void the_lobby_is_the_servers_to_change_but_not_to_make_up(void **state)
{
    static const uint8_t ref[32] = {1};
    struct scene s;
    struct buf foreign = {0}, broken = {0}, refs = {0};
    (void)state;
    begin(&s);
    show(&s, buf_view(&s.entries), none()); /* again */
    assert_int_equal(stage_lobby_count(s.a.alice), 1);
    /* under another's reference, broken, or made without the link it is not shown */
    attack_put_entry_ref(bytes_of(ref, sizeof ref), buf_view(&s.key_package), &foreign);
    show(&s, buf_view(&foreign), none());
    s.key_package.p[s.key_package.n - 1] ^= 1;
    attack_put_entry_ref(bytes_of(ref, sizeof ref), buf_view(&s.key_package), &broken);
    show(&s, buf_view(&broken), none());
    struct attack_outsider eve;
    attack_outsider_init(&eve, &s.a.s,
                         meeting_world_person(&s.a.s.world, IDENTITY_USER, "eve@" MEETING_DOMAIN));
    show(&s, buf_view(&eve.entries), none());
    assert_int_equal(stage_lobby_count(s.a.alice), 1);
    assert_true(attack_told(s.a.alice, REASON_LINK_SECRET, PARTICIPANT_ALARM));
    signal_put_ref(&refs, bytes_of(ref, sizeof ref)); /* who is not there cannot go */
    show(&s, none(), buf_view(&refs));
    assert_int_equal(stage_lobby_count(s.a.alice), 1);
    buf_clear(&refs);
    signal_put_ref(&refs, first(&s).ref);
    show(&s, none(), buf_view(&refs));
    assert_int_equal(stage_lobby_count(s.a.alice), 0);
    attack_outsider_fini(&eve);
    buf_free(&foreign);
    buf_free(&broken);
    buf_free(&refs);
    end(&s);
}

static void whom_the_card_sends_to_the_lobby_no_leader_adds(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    const struct attack_standing before = attack_standing_of(s.a.mallory);
    attack_deliver(
        &s.a.s, s.a.mallory,
        &(struct signal_message){.type = SIGNAL_JOINERS, .entries = buf_view(&s.entries)});
    stage_run(&s.a.s, 3 * STAGE_SECOND);
    attack_assert_unmoved(s.a.mallory, &before);
    assert_true(attack_told(s.a.mallory, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    end(&s);
}

/* ---- Limits ---- */

static void key_packages_fill_only_so_much_memory(void **state)
{
    struct scene s;
    struct buf refs = {0};
    (void)state;
    begin(&s);
    struct callers *lobby = &s.a.alice->p->lobby;
    assert_int_equal(lobby->bytes, s.key_package.n);
    signal_put_ref(&refs, first(&s).ref);
    show(&s, none(), buf_view(&refs));
    assert_int_equal(lobby->bytes, 0);
    lobby->bytes = PARTICIPANT_CALLERS_BYTES - s.key_package.n + 1;
    show(&s, buf_view(&s.entries), none());
    assert_int_equal(stage_lobby_count(s.a.alice), 0);
    lobby->bytes--;
    show(&s, buf_view(&s.entries), none());
    assert_int_equal(stage_lobby_count(s.a.alice), 1);
    lobby->bytes = s.key_package.n;
    buf_free(&refs);
    end(&s);
}

/* ---- Being removed ---- */

static void remove_as(struct scene *s, const struct mls_change *change, struct buf *out)
{
    attack_make_commit(&s->a.s, s->a.alice, change, 1, out);
}

static void who_is_ejected_is_told_by_the_commit(void **state)
{
    struct scene s;
    struct buf commit = {0};
    (void)state;
    begin(&s);
    const struct mls_change change = mls_remove(stage_leaf(s.a.bob));
    remove_as(&s, &change, &commit);
    attack_deliver_mls(&s.a.s, s.a.bob, SIGNAL_COMMITTED, buf_view(&commit));
    assert_int_equal(participant_end_reason(s.a.bob->p), REASON_EJECTED);
    assert_int_equal(s.a.bob->disk.snapshot.n, 0);
    buf_free(&commit);
    end(&s);
}

/* Bob's other window takes his leaf, and this one had missed it. */
static void whose_leaf_was_taken_anew_is_replaced(void **state)
{
    struct scene s;
    struct mls_group *other = NULL;
    struct buf info = {0}, tree = {0}, commit = {0};
    (void)state;
    begin(&s);
    struct bytes psk = card_hash(s.a.s.card);
    assert_int_equal(mls_group_info(s.a.alice->p->group, MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(mls_group_tree(s.a.alice->p->group, &tree), 0);
    assert_int_equal(mls_group_join_external(s.a.bob->p->client, buf_view(&info), buf_view(&tree),
                                             stage_leaf(s.a.bob), &psk, 1,
                                             s.a.s.now_us / STAGE_SECOND, &other, &commit),
                     0);
    attack_deliver_mls(&s.a.s, s.a.bob, SIGNAL_COMMITTED, buf_view(&commit));
    assert_int_equal(participant_end_reason(s.a.bob->p), REASON_REPLACED);
    assert_true(s.a.bob->disk.snapshot.n != 0); /* it may be the other one's */
    /* to the others he has never been away */
    attack_deliver_mls(&s.a.s, s.a.alice, SIGNAL_COMMITTED, buf_view(&commit));
    assert_int_equal(s.a.alice->gone, 0);
    assert_string_equal(attack_roster_entry(s.a.alice, s.a.bob).name, "Bob");
    mls_group_free(other);
    buf_free(&info);
    buf_free(&tree);
    buf_free(&commit);
    end(&s);
}

static void a_removal_by_the_server_is_told_as_that(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    stage_kill(&s.a.s, s.a.bob, 0);
    stage_run(&s.a.s, 45 * STAGE_SECOND);
    assert_int_equal(s.a.alice->last_gone_reason, REASON_REMOVED_DISCONNECTED);
    assert_int_equal(stage_roster_count(s.a.alice), 2);
    end(&s);
}

/* The server wants somebody out whom we have just heard: told, and not done. */
static void whom_we_hear_the_server_does_not_remove(void **state)
{
    struct scene s;
    struct mls_context context;
    struct buf removal = {0};
    (void)state;
    begin(&s);
    const struct mls_change change = mls_remove(stage_leaf(s.a.bob));
    mls_group_context(s.a.mallory->p->group, &context);
    assert_int_equal(mls_external_propose(s.a.s.world.public_crypto, s.a.s.world.server, 0,
                                          &context, &change, &removal),
                     0);
    const struct attack_standing before = attack_standing_of(s.a.mallory);
    attack_deliver_mls(&s.a.s, s.a.mallory, SIGNAL_PROPOSED, buf_view(&removal));
    attack_deliver_mls(&s.a.s, s.a.bob, SIGNAL_PROPOSED, buf_view(&removal)); /* of himself */
    stage_run(&s.a.s, 5 * STAGE_SECOND);
    attack_assert_unmoved(s.a.mallory, &before);
    assert_true(attack_told(s.a.mallory, REASON_REMOVED_BY_SERVER, PARTICIPANT_WARNING));
    assert_true(attack_told(s.a.bob, REASON_REMOVED_BY_SERVER, PARTICIPANT_WARNING));
    buf_free(&removal);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_see_who_is_there_and_what_they_claim),
        cmocka_unit_test(one_is_let_in_and_one_is_turned_away),
        cmocka_unit_test(only_hosts_may_and_only_who_is_there),
        cmocka_unit_test(a_refusal_takes_a_connection),
        cmocka_unit_test(the_lobby_is_the_servers_to_change_but_not_to_make_up),
        cmocka_unit_test(whom_the_card_sends_to_the_lobby_no_leader_adds),
        cmocka_unit_test(key_packages_fill_only_so_much_memory),
        cmocka_unit_test(who_is_ejected_is_told_by_the_commit),
        cmocka_unit_test(whose_leaf_was_taken_anew_is_replaced),
        cmocka_unit_test(a_removal_by_the_server_is_told_as_that),
        cmocka_unit_test(whom_we_hear_the_server_does_not_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
