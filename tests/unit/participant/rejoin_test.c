/* Coming in and coming back: by a Welcome that is not a true one, by external commits into what is
 * not our group, and after the server took a commit back. */
#include "liar.h"

#include "mls/group_info.h"

#define MOMENT (STAGE_SECOND / 2)

struct scene {
    struct attack_scene a;
    struct liar liar; /* to bob */
    struct attack_standing before;
};

static void begin(struct scene *s)
{
    attack_open(&s->a);
    s->before = attack_standing_of(s->a.bob);
    liar_begin(&s->liar, &s->a, s->a.bob);
}

static void end(struct scene *s)
{
    liar_end(&s->liar);
    attack_close(&s->a);
}

/* Bob asks for his leaf anew, because the server no longer keeps what he missed. */
static void have_bob_rejoin(struct scene *s)
{
    s->liar.heard[SIGNAL_HELLO] = 0;
    liar_cut(&s->liar);
    liar_challenge(&s->liar, true);
    liar_fault(&s->liar, REASON_OUT_OF_REACH);
    stage_run(&s->a.s, STAGE_SECOND);
    liar_challenge(&s->liar, true);
    assert_int_equal(liar_heard(&s->liar, SIGNAL_REJOIN), 1);
}

static void give_info(struct scene *s, struct mls_group *of)
{
    struct buf info = {0}, tree = {0};
    assert_int_equal(mls_group_info(of, MLS_INFO_EXTERNAL_PUB, &info), 0);
    assert_int_equal(mls_group_tree(of, &tree), 0);
    liar_say(&s->liar, &(struct signal_message){.type = SIGNAL_INFO_OF,
                                                .body = buf_view(&info),
                                                .tree = buf_view(&tree)});
    buf_free(&info);
    buf_free(&tree);
}

/* His commit is accepted by all. */
static void accept_commit(struct scene *s)
{
    struct buf commit = {0};
    buf_put(&commit, liar_last(&s->liar, SIGNAL_COMMIT).body);
    attack_deliver_mls(&s->a.s, s->a.alice, SIGNAL_COMMITTED, buf_view(&commit));
    attack_deliver_mls(&s->a.s, s->a.mallory, SIGNAL_COMMITTED, buf_view(&commit));
    liar_say_mls(&s->liar, SIGNAL_COMMITTED, buf_view(&commit));
    buf_free(&commit);
}

static void advance(struct scene *s, const struct mls_change *changes, size_t n)
{
    struct buf commit = {0}, welcome = {0};
    attack_pend_commit(&s->a.s, s->a.mallory, changes, n, &commit);
    attack_deliver_mls(&s->a.s, s->a.alice, SIGNAL_COMMITTED, buf_view(&commit));
    attack_deliver_mls(&s->a.s, s->a.mallory, SIGNAL_COMMITTED, buf_view(&commit));
    buf_free(&commit);
    buf_free(&welcome);
}

static void whoever_came_and_went_meanwhile_is_told(void **state)
{
    struct scene s;
    (void)state;
    attack_open(&s.a);
    struct stage_actor *dan = attack_colleague(&s.a, "dan@" MEETING_DOMAIN, "Dan");
    s.before = attack_standing_of(s.a.bob);
    liar_begin(&s.liar, &s.a, s.a.bob);
    /* she ejects dan, who is a colleague, and lets carol in; bob does not see it */
    struct stage_actor *carol =
        stage_enter(&s.a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    assert_int_equal(participant_eject(s.a.alice->p, stage_find(s.a.alice, dan), s.a.s.now_us), 0);
    stage_carry_out(&s.a.s, s.a.alice);
    stage_run(&s.a.s, 3 * STAGE_SECOND);
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_MEETING);
    have_bob_rejoin(&s);
    s.a.bob->joined = s.a.bob->gone = 0;
    give_info(&s, s.a.alice->p->group);
    accept_commit(&s);
    assert_true(attack_same_epoch(s.a.bob, s.a.alice));
    assert_int_equal(s.a.bob->joined, 1);
    assert_int_equal(s.a.bob->gone, 1);
    liar_live(&s.liar, mls_group_epoch(s.a.bob->p->group), stage_leaf(s.a.bob));
    assert_int_equal(participant_phase(s.a.bob->p), PARTICIPANT_IN_MEETING);
    end(&s);
}

static void a_rejoin_that_is_cut_short_is_begun_again(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    advance(&s, NULL, 0);
    have_bob_rejoin(&s);
    give_info(&s, s.a.alice->p->group);
    assert_int_equal(liar_heard(&s.liar, SIGNAL_COMMIT), 1);
    for (int i = 0; i < 2; i++) { /* its commit is on its way */
        liar_fault(&s.liar, REASON_SERVER_ERROR);
        stage_run(&s.a.s, 10 * STAGE_SECOND);
        liar_challenge(&s.liar, true);
        assert_int_equal(liar_heard(&s.liar, SIGNAL_REJOIN), 2 + i);
        give_info(&s, s.a.alice->p->group);
        assert_int_equal(liar_heard(&s.liar, SIGNAL_COMMIT), 2 + i);
    }
    accept_commit(&s);
    assert_true(attack_same_epoch(s.a.bob, s.a.alice));
    end(&s);
}

static void whoever_was_faster_is_followed_by_another_try(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    advance(&s, NULL, 0);
    have_bob_rejoin(&s);
    give_info(&s, s.a.alice->p->group);
    struct buf other = {0};
    attack_make_commit(&s.a.s, s.a.alice, NULL, 0, &other);
    liar_say_mls(&s.liar, SIGNAL_COMMITTED, buf_view(&other)); /* is nothing to him */
    liar_say(&s.liar, &(struct signal_message){.type = SIGNAL_REJECTED,
                                               .epoch = s.before.epoch + 1,
                                               .reason = REASON_STALE});
    stage_run(&s.a.s, STAGE_SECOND);
    liar_challenge(&s.liar, true);
    assert_int_equal(liar_heard(&s.liar, SIGNAL_REJOIN), 2);
    buf_free(&other);
    end(&s);
}

static void assert_refused(struct scene *s)
{
    assert_int_equal(liar_heard(&s->liar, SIGNAL_COMMIT), 0);
    assert_int_equal(participant_phase(s->a.bob->p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(s->a.bob->p), REASON_CANNOT_FOLLOW);
}

/* Mallory's epoch n is another than bob's: she made it, and showed it to nobody. */
static void another_history_of_the_same_epoch_is_not_ours(void **state)
{
    struct scene s;
    struct buf hers = {0}, theirs = {0};
    (void)state;
    begin(&s);
    s.a.s.forks_expected = true;
    attack_pend_commit(&s.a.s, s.a.mallory, NULL, 0, &hers);
    attack_make_commit(&s.a.s, s.a.alice, NULL, 0, &theirs);
    liar_say_mls(&s.liar, SIGNAL_COMMITTED, buf_view(&theirs));
    attack_deliver_mls(&s.a.s, s.a.mallory, SIGNAL_COMMITTED, buf_view(&hers));
    assert_int_equal(mls_group_epoch(s.a.mallory->p->group), mls_group_epoch(s.a.bob->p->group));
    have_bob_rejoin(&s);
    give_info(&s, s.a.mallory->p->group);
    assert_refused(&s);
    buf_free(&hers);
    buf_free(&theirs);
    end(&s);
}

static void another_group_of_the_same_meeting_is_not_ours(void **state)
{
    struct scene s;
    struct mls_group *other = NULL;
    struct meeting_extensions e;
    struct mls_context context;
    uint8_t id[MEETING_GROUP_ID];
    (void)state;
    begin(&s);
    mls_group_context(s.a.mallory->p->group, &context);
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = context.group_id.p[i] ^ (uint8_t)(i + 1 == sizeof id);
    assert_int_equal(meeting_extensions_init(&e, s.a.s.card, &s.a.bob->p->state), 0);
    assert_int_equal(mls_group_new(s.a.mallory->p->client, bytes_of(id, sizeof id), e.list,
                                   MEETING_EXTENSIONS, s.a.s.now_us / STAGE_SECOND, &other),
                     0);
    have_bob_rejoin(&s);
    give_info(&s, other);
    assert_refused(&s);
    mls_group_free(other);
    meeting_extensions_fini(&e);
    end(&s);
}

static void a_tree_without_our_leaf_is_not_ours(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    const struct mls_change change = mls_remove(stage_leaf(s.a.bob));
    struct buf commit = {0};
    attack_pend_commit(&s.a.s, s.a.mallory, &change, 1, &commit);
    assert_int_equal(mls_group_merge_own(s.a.mallory->p->group, &(struct buf){0}), 0);
    s.a.s.forks_expected = true;
    have_bob_rejoin(&s);
    give_info(&s, s.a.mallory->p->group);
    assert_refused(&s);
    buf_free(&commit);
    end(&s);
}

static void info_that_was_not_asked_for_is_malformed(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    give_info(&s, s.a.alice->p->group);
    assert_true(stage_told(s.a.bob, REASON_MALFORMED));
    attack_assert_unmoved(s.a.bob, &s.before);
    end(&s);
}

static void three_times_in_a_row_is_enough(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    for (unsigned i = 0; i < PARTICIPANT_REJOINS_LIMIT; i++) {
        s.liar.heard[SIGNAL_HELLO] = 0;
        liar_cut(&s.liar);
        liar_challenge(&s.liar, true);
        liar_fault(&s.liar, REASON_OUT_OF_REACH);
        stage_run(&s.a.s, 10 * STAGE_SECOND);
    }
    assert_int_equal(participant_phase(s.a.bob->p), PARTICIPANT_RECONNECTING);
    liar_challenge(&s.liar, true);
    liar_fault(&s.liar, REASON_OUT_OF_REACH);
    assert_int_equal(participant_end_reason(s.a.bob->p), REASON_CANNOT_FOLLOW);
    end(&s);
}

/* ---- Undone ---- */

static void only_the_latest_commit_can_be_taken_back(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    static const int64_t off[] = {-3, -2, 1, 1000};
    for (size_t i = 0; i < sizeof off / sizeof off[0]; i++)
        liar_say(&s.liar,
                 &(struct signal_message){.type = SIGNAL_UNDONE,
                                          .epoch = (uint64_t)((int64_t)s.before.epoch + off[i]),
                                          .leaf = stage_leaf(s.a.mallory)});
    attack_assert_unmoved(s.a.bob, &s.before);
    assert_int_equal(participant_phase(s.a.bob->p), PARTICIPANT_IN_MEETING);
    /* who has followed it has to come in anew */
    liar_say(&s.liar, &(struct signal_message){.type = SIGNAL_UNDONE,
                                               .epoch = s.before.epoch - 1,
                                               .leaf = stage_leaf(s.a.mallory)});
    assert_null(s.a.bob->p->group);
    assert_true(attack_told(s.a.bob, REASON_UNDONE, PARTICIPANT_ALARM));
    stage_run(&s.a.s, STAGE_SECOND);
    liar_challenge(&s.liar, true);
    assert_int_equal(liar_heard(&s.liar, SIGNAL_KNOCK), 1);
    end(&s);
}

/* ---- Welcomes ---- */

/* Mallory lets him in with what the server could make up: without the link's secret. */
static void a_welcome_without_the_links_secret_is_followed_by_another_knock(void **state)
{
    struct attack_scene a;
    struct liar liar;
    struct buf commit = {0}, welcome = {0}, tree = {0};
    (void)state;
    attack_open(&a);
    struct stage_actor *carol = stage_enter(&a.s, IDENTITY_USER, "carol@" MEETING_DOMAIN, "Carol");
    liar_begin(&liar, &a, carol);
    stage_run(&a.s, STAGE_SECOND);
    liar_challenge(&liar, true);
    assert_int_equal(liar_heard(&liar, SIGNAL_KNOCK), 1);
    for (unsigned i = 0; i < 2; i++) {
        const struct mls_change changes[] = {mls_add(liar_last(&liar, SIGNAL_KNOCK).body),
                                             attack_link_psk(&a.s)};
        struct buf saved = {0};
        assert_int_equal(mls_group_save(a.mallory->p->group, bytes_of(NULL, 0), &saved), 0);
        struct mls_group *copy = NULL;
        assert_int_equal(mls_group_restore(a.mallory->p->client, bytes_of(NULL, 0),
                                           buf_view(&saved), NULL, 0, &copy),
                         0);
        const struct mls_commit_options options = {.force_path = true};
        assert_int_equal(
            mls_group_commit(copy, changes, 1 + i, &options, a.s.now_us / STAGE_SECOND, &commit),
            0);
        assert_int_equal(mls_group_merge_own(copy, &welcome), 0);
        assert_int_equal(mls_group_tree(copy, &tree), 0);
        liar_say(&liar, &(struct signal_message){.type = SIGNAL_WELCOMED,
                                                 .body = buf_view(&welcome),
                                                 .tree = buf_view(&tree)});
        mls_group_free(copy);
        buf_free(&saved);
        buf_free(&welcome);
        buf_free(&tree);
        buf_free(&commit);
        if (i == 1)
            break;
        assert_null(carol->p->group);
        assert_true(attack_told(carol, REASON_LINK_SECRET, PARTICIPANT_ALARM));
        stage_run(&a.s, STAGE_SECOND);
        liar_challenge(&liar, true);
        assert_int_equal(liar_heard(&liar, SIGNAL_KNOCK), 2); /* that key package is used up */
    }
    assert_non_null(carol->p->group); /* and the true one is taken */
    assert_int_equal(participant_phase(carol->p), PARTICIPANT_IN_MEETING);
    liar_end(&liar);
    a.s.forks_expected = true;
    attack_close(&a);
}

/* ---- Messages of epochs that we were not shown ---- */

static void an_epoch_that_is_kept_from_us_is_asked_for_and_told_once(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    advance(&s, NULL, 0);
    attack_forget_notices(s.a.bob);
    unsigned alarms = 0;
    for (int i = 0; i < 6; i++) {
        struct buf message = {0};
        assert_int_equal(mls_group_protect(s.a.alice->p->group, bytes_of(NULL, 0),
                                           bytes_str("unreadable"), &message),
                         0);
        liar_say_mls(&s.liar, SIGNAL_APP_FROM, buf_view(&message));
        buf_free(&message);
        s.liar.heard[SIGNAL_HELLO] = 0;
        stage_run(&s.a.s, 4 * STAGE_SECOND);
        assert_int_equal(liar_heard(&s.liar, SIGNAL_HELLO), 1);
        liar_challenge(&s.liar, true);
        assert_int_equal(liar_last(&s.liar, SIGNAL_RESUME).epoch, s.before.epoch);
        liar_live(&s.liar, s.before.epoch, stage_leaf(s.a.bob));
    }
    for (size_t i = 0; i < s.a.bob->n_notices; i++)
        alarms += s.a.bob->notices[i].severity == PARTICIPANT_ALARM;
    assert_int_equal(alarms, 1);
    assert_true(attack_told(s.a.bob, REASON_OTHERS_SILENT, PARTICIPANT_ALARM));
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_came_and_went_meanwhile_is_told),
        cmocka_unit_test(a_rejoin_that_is_cut_short_is_begun_again),
        cmocka_unit_test(whoever_was_faster_is_followed_by_another_try),
        cmocka_unit_test(another_history_of_the_same_epoch_is_not_ours),
        cmocka_unit_test(another_group_of_the_same_meeting_is_not_ours),
        cmocka_unit_test(a_tree_without_our_leaf_is_not_ours),
        cmocka_unit_test(info_that_was_not_asked_for_is_malformed),
        cmocka_unit_test(three_times_in_a_row_is_enough),
        cmocka_unit_test(only_the_latest_commit_can_be_taken_back),
        cmocka_unit_test(a_welcome_without_the_links_secret_is_followed_by_another_knock),
        cmocka_unit_test(an_epoch_that_is_kept_from_us_is_asked_for_and_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
