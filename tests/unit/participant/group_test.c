/* What comes in for the group: commits that are not allowed, cannot be followed, or are none. */
#include "liar.h"

#include "mls/proposal.h"
#include "support/mls_forge.h"

#define MOMENT (STAGE_SECOND / 2)

/* A commit of mallory's that brings in a guest whom nobody admitted. The server took it. */
struct intrusion {
    struct attack_scene a;
    struct liar liar; /* to bob */
    struct stage_actor *guest;
    struct buf commit;
    struct attack_standing before; /* of bob */
};

static void intrude(struct intrusion *i)
{
    attack_open(&i->a);
    i->guest = attack_guest(&i->a, "Gus");
    const struct mls_change changes[] = {mls_add(attack_knocked(&i->a.tap)),
                                         attack_link_psk(&i->a.s)};
    buf_init(&i->commit);
    attack_pend_commit(&i->a.s, i->a.mallory, changes, 2, &i->commit);
    i->before = attack_standing_of(i->a.bob);
    liar_begin(&i->liar, &i->a, i->a.bob);
}

static void end_intrusion(struct intrusion *i)
{
    buf_free(&i->commit);
    liar_end(&i->liar);
    attack_close(&i->a);
}

static void a_commit_that_is_not_allowed_is_complained_of_and_ends_it(void **state)
{
    struct intrusion i;
    (void)state;
    intrude(&i);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    attack_assert_unmoved(i.a.bob, &i.before);
    assert_int_equal(liar_heard(&i.liar, SIGNAL_COMPLAINT), 1);
    assert_int_equal(liar_last(&i.liar, SIGNAL_COMPLAINT).reason, REASON_NOT_ALLOWED);
    assert_true(attack_told(i.a.bob, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    stage_run(&i.a.s, 9 * STAGE_SECOND);
    assert_int_equal(participant_phase(i.a.bob->p), PARTICIPANT_IN_MEETING);
    stage_run(&i.a.s, 2 * STAGE_SECOND);
    assert_int_equal(participant_phase(i.a.bob->p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(i.a.bob->p), REASON_NOT_ALLOWED);
    end_intrusion(&i);
}

static void saying_it_again_does_not_put_off_the_end(void **state)
{
    struct intrusion i;
    (void)state;
    intrude(&i);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    attack_forget_notices(i.a.bob);
    stage_run(&i.a.s, 9 * STAGE_SECOND);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    assert_false(stage_told(i.a.bob, REASON_NOT_ALLOWED)); /* told once */
    assert_false(stage_told(i.a.bob, REASON_UNDONE));      /* and nothing was taken back */
    stage_run(&i.a.s, 2 * STAGE_SECOND);
    assert_int_equal(participant_phase(i.a.bob->p), PARTICIPANT_OVER);
    end_intrusion(&i);
}

static void a_cut_does_not_lead_around_what_is_not_allowed(void **state)
{
    struct intrusion i;
    (void)state;
    intrude(&i);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    liar_cut(&i.liar);
    liar_challenge(&i.liar, true);
    assert_int_equal(liar_heard(&i.liar, SIGNAL_RESUME), 1);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    liar_live(&i.liar, i.before.epoch + 1, stage_leaf(i.a.bob));
    stage_run(&i.a.s, 11 * STAGE_SECOND);
    assert_int_equal(liar_heard(&i.liar, SIGNAL_REJOIN), 0);
    assert_int_equal(participant_phase(i.a.bob->p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(i.a.bob->p), REASON_NOT_ALLOWED);
    end_intrusion(&i);
}

static void nor_does_a_server_that_no_longer_keeps_it(void **state)
{
    struct intrusion i;
    (void)state;
    intrude(&i);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    liar_cut(&i.liar);
    liar_challenge(&i.liar, true);
    liar_fault(&i.liar, REASON_OUT_OF_REACH);
    stage_run(&i.a.s, 11 * STAGE_SECOND);
    assert_int_equal(liar_heard(&i.liar, SIGNAL_REJOIN), 0);
    assert_int_equal(participant_phase(i.a.bob->p), PARTICIPANT_OVER);
    assert_int_equal(participant_end_reason(i.a.bob->p), REASON_NOT_ALLOWED);
    end_intrusion(&i);
}

static void a_commit_that_is_not_allowed_may_be_taken_back(void **state)
{
    struct intrusion i;
    (void)state;
    intrude(&i);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    liar_say(&i.liar, &(struct signal_message){.type = SIGNAL_UNDONE,
                                               .epoch = i.before.epoch,
                                               .leaf = stage_leaf(i.a.mallory)});
    stage_run(&i.a.s, 12 * STAGE_SECOND);
    attack_assert_unmoved(i.a.bob, &i.before);
    assert_int_equal(participant_phase(i.a.bob->p), PARTICIPANT_IN_MEETING);
    end_intrusion(&i);
}

static void another_commit_in_its_place_is_followed(void **state)
{
    struct intrusion i;
    struct buf other = {0};
    (void)state;
    intrude(&i);
    attack_make_commit(&i.a.s, i.a.alice, NULL, 0, &other);
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&i.commit));
    liar_say_mls(&i.liar, SIGNAL_COMMITTED, buf_view(&other));
    assert_int_equal(mls_group_epoch(i.a.bob->p->group), i.before.epoch + 1);
    assert_true(attack_told(i.a.bob, REASON_UNDONE, PARTICIPANT_INFO));
    stage_run(&i.a.s, 12 * STAGE_SECOND);
    assert_int_equal(participant_phase(i.a.bob->p), PARTICIPANT_IN_MEETING);
    buf_free(&other);
    end_intrusion(&i);
}

/* ---- Each frame has its content ---- */

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

/* Nothing waits for a commit, so that he may speak (RFC 9420 12.4). */
static void assert_bob_can_talk(struct scene *s)
{
    s->liar.heard[SIGNAL_APP] = 0;
    assert_int_equal(participant_say(s->a.bob->p, "Here I am.", NULL, s->a.s.now_us), 0);
    stage_carry_out(&s->a.s, s->a.bob);
    assert_int_equal(liar_heard(&s->liar, SIGNAL_APP), 1);
}

/* A proposal of the server's own for the state to be another. */
static void propose_as_server(struct scene *s, struct buf *out)
{
    struct mls_context context;
    struct meeting_state state = s->a.bob->p->state;
    struct meeting_extensions e;
    state.locked = true;
    assert_int_equal(meeting_extensions_init(&e, s->a.s.card, &state), 0);
    const struct mls_change change = mls_set_extensions(e.list, MEETING_EXTENSIONS);
    mls_group_context(s->a.bob->p->group, &context);
    assert_int_equal(mls_external_propose(s->a.s.world.public_crypto, s->a.s.world.server, 0,
                                          &context, &change, out),
                     0);
    meeting_extensions_fini(&e);
}

static void a_proposal_is_taken_out_of_no_frame_but_its_own(void **state)
{
    struct scene s;
    struct buf message = {0};
    (void)state;
    begin(&s);
    propose_as_server(&s, &message);
    liar_say_mls(&s.liar, SIGNAL_COMMITTED, buf_view(&message));
    assert_true(attack_told(s.a.bob, REASON_COMMIT_FOREIGN, PARTICIPANT_ALARM));
    assert_bob_can_talk(&s);
    /* in its own it is put to the policy */
    liar_say_mls(&s.liar, SIGNAL_PROPOSED, buf_view(&message));
    assert_true(attack_told(s.a.bob, REASON_NOT_ALLOWED, PARTICIPANT_ALARM));
    assert_bob_can_talk(&s);
    attack_assert_unmoved(s.a.bob, &s.before);
    buf_free(&message);
    end(&s);
}

static void a_proposal_hidden_among_what_people_write_is_not_taken(void **state)
{
    struct scene s;
    struct buf body = {0}, message = {0};
    (void)state;
    begin(&s);
    const struct mls_change change = mls_remove(stage_leaf(s.a.alice));
    assert_int_equal(mls_proposal_write_change(&body, &change), 0);
    struct forge f = forge_of(s.a.mallory->p->group, CONTENT_PROPOSAL, buf_view(&body));
    f.wire_format = MLS_PRIVATE_MESSAGE;
    const struct forge_private in = forge_private_of(&f);
    forge_private(&f, &in, &message);
    uint64_t refused = s.a.bob->p->stats.refused;
    liar_say_mls(&s.liar, SIGNAL_APP_FROM, buf_view(&message));
    assert_int_equal(s.a.bob->p->stats.refused, refused + 1);
    assert_bob_can_talk(&s);
    assert_int_equal(participant_phase(s.a.bob->p), PARTICIPANT_IN_MEETING);
    buf_free(&body);
    buf_free(&message);
    end(&s);
}

static void a_commit_is_taken_out_of_no_frame_but_its_own(void **state)
{
    struct scene s;
    struct buf commit = {0};
    (void)state;
    begin(&s);
    attack_make_commit(&s.a.s, s.a.alice, NULL, 0, &commit);
    uint64_t refused = s.a.bob->p->stats.refused;
    liar_say_mls(&s.liar, SIGNAL_PROPOSED, buf_view(&commit));
    assert_int_equal(s.a.bob->p->stats.refused, refused + 1);
    attack_assert_unmoved(s.a.bob, &s.before);
    buf_free(&commit);
    end(&s);
}

/* ---- Proposals ---- */

static size_t removals_in(struct scene *s, struct bytes commit)
{
    struct mls_received r;
    struct mls_proposal_info info;
    size_t n = 0;
    assert_int_equal(
        mls_group_receive(s->a.alice->p->group, commit, s->a.s.now_us / STAGE_SECOND, &r), 0);
    assert_int_equal(r.kind, MLS_RECEIVED_COMMIT);
    for (size_t i = 0; mls_staged_proposal(r.staged, i, &info) == 0; i++)
        n += info.type == MLS_SELF_REMOVE || info.type == MLS_REMOVE;
    mls_received_free(&r);
    return n;
}

static void what_was_proposed_before_a_cut_is_committed_after_it(void **state)
{
    struct scene s;
    struct mls_received r;
    struct buf message = {0};
    const struct mls_change change = mls_self_remove();
    (void)state;
    begin(&s);
    assert_int_equal(mls_group_propose(s.a.mallory->p->group, &change, NULL,
                                       s.a.s.now_us / STAGE_SECOND, &message),
                     0);
    assert_int_equal(
        mls_group_receive(s.a.alice->p->group, buf_view(&message), s.a.s.now_us / STAGE_SECOND, &r),
        0);
    mls_received_free(&r);
    liar_say_mls(&s.liar, SIGNAL_PROPOSED, buf_view(&message));
    liar_cut(&s.liar);
    liar_challenge(&s.liar, true);
    liar_say_mls(&s.liar, SIGNAL_PROPOSED, buf_view(&message)); /* the room has kept it */
    liar_live(&s.liar, s.before.epoch, stage_leaf(s.a.bob));
    stage_run(&s.a.s, 5 * STAGE_SECOND);
    assert_int_equal(liar_heard(&s.liar, SIGNAL_COMMIT), 1);
    assert_int_equal(removals_in(&s, liar_last(&s.liar, SIGNAL_COMMIT).body), 1);
    buf_free(&message);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_that_is_not_allowed_is_complained_of_and_ends_it),
        cmocka_unit_test(saying_it_again_does_not_put_off_the_end),
        cmocka_unit_test(a_cut_does_not_lead_around_what_is_not_allowed),
        cmocka_unit_test(nor_does_a_server_that_no_longer_keeps_it),
        cmocka_unit_test(a_commit_that_is_not_allowed_may_be_taken_back),
        cmocka_unit_test(another_commit_in_its_place_is_followed),
        cmocka_unit_test(a_proposal_is_taken_out_of_no_frame_but_its_own),
        cmocka_unit_test(a_proposal_hidden_among_what_people_write_is_not_taken),
        cmocka_unit_test(a_commit_is_taken_out_of_no_frame_but_its_own),
        cmocka_unit_test(what_was_proposed_before_a_cut_is_committed_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
