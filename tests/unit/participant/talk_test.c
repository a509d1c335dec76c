/* What people say: what may be said and is shown, how often, and by whom; hands; what one sends,
 * and a host's request to send no sound; and heartbeats. */
#include "liar.h"

#include <string.h>

#include "participant/limits.h"

#define MOMENT (STAGE_SECOND / 2)

struct scene {
    struct attack_scene a;
    struct liar liar; /* to bob */
};

static void begin(struct scene *s)
{
    attack_open(&s->a);
    liar_begin(&s->liar, &s->a, s->a.bob);
}

static void end(struct scene *s)
{
    liar_end(&s->liar);
    attack_close(&s->a);
}

static void act(struct attack_scene *a, struct stage_actor *who, int rv)
{
    assert_int_equal(rv, 0);
    stage_carry_out(&a->s, who);
}

/* A message of somebody's with this content, whatever it is. */
static void protect(struct stage_actor *by, struct bytes content, struct buf *out)
{
    assert_int_equal(mls_group_protect(by->p->group, bytes_of(NULL, 0), content, out), 0);
}

static void say_as(struct scene *s, struct stage_actor *by, struct bytes content)
{
    struct buf message = {0};
    protect(by, content, &message);
    liar_say_mls(&s->liar, SIGNAL_APP_FROM, buf_view(&message));
    buf_free(&message);
}

static void say_as_alice(struct scene *s, struct bytes content)
{
    say_as(s, s->a.alice, content);
}

static void chat_as_alice(struct scene *s, uint8_t id, struct bytes text)
{
    uint8_t ids[SIGNAL_CHAT_ID] = {id};
    struct buf content = {0};
    const struct signal_content chat = {
        .kind = SIGNAL_CHAT, .id = bytes_of(ids, sizeof ids), .text = text};
    assert_int_equal(signal_content_write(&chat, &content), 0);
    say_as_alice(s, buf_view(&content));
    buf_free(&content);
}

/* ---- What may be said ---- */

static void what_is_said_is_text_of_4000_bytes_at_most(void **state)
{
    static const char *const good[] = {"x", "He said \"hi\" <3", "two\nlines",
                                       "\xe2\x9d\xa4\xef\xb8\x8f"};
    static const char turned[] = {'a', '\xe2', '\x80', '\xae', 'b', '\0'}; /* right to left */
    static const char *const bad[] = {"", "\xff", "a\x1b[2J", turned};
    char longest[PARTICIPANT_CHAT_MAX + 2];
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        act(&a, a.alice, participant_say(a.alice->p, good[i], NULL, a.s.now_us));
        stage_run(&a.s, MOMENT);
        assert_string_equal(a.bob->last_chat, good[i]);
    }
    size_t n = a.bob->chats;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(participant_say(a.alice->p, bad[i], NULL, a.s.now_us), CONCLAVE_EINVAL);
        assert_int_equal(participant_react(a.alice->p, bad[i], a.s.now_us), CONCLAVE_EINVAL);
    }
    memset(longest, 'x', sizeof longest);
    longest[PARTICIPANT_CHAT_MAX + 1] = '\0';
    assert_int_equal(participant_say(a.alice->p, longest, NULL, a.s.now_us), CONCLAVE_EINVAL);
    longest[PARTICIPANT_CHAT_MAX] = '\0';
    act(&a, a.alice, participant_say(a.alice->p, longest, NULL, a.s.now_us));
    longest[SIGNAL_EMOJI_MAX + 1] = '\0';
    assert_int_equal(participant_react(a.alice->p, longest, a.s.now_us), CONCLAVE_EINVAL);
    stage_run(&a.s, MOMENT);
    assert_int_equal(a.bob->chats, n + 1);
    attack_close(&a);
}

static void what_deceives_is_shown_as_what_it_is(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    chat_as_alice(&s, 1, bytes_str("\x1b[2Jgone"));
    assert_string_equal(s.a.bob->last_chat, "\\x1b[2Jgone");
    chat_as_alice(&s, 2, bytes_of("\xff\0", 2));
    assert_string_equal(s.a.bob->last_chat, "\\xff\\x00");
    end(&s);
}

static void a_chat_is_shown_once_however_often_it_is_said(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    size_t n = s.a.bob->chats;
    for (int i = 0; i < 3; i++)
        chat_as_alice(&s, 7, bytes_str("Again"));
    assert_int_equal(s.a.bob->chats, n + 1);
    /* more than are remembered */
    for (unsigned i = 0; i <= PARTICIPANT_CHAT_IDS; i++) {
        uint8_t id[SIGNAL_CHAT_ID] = {9, (uint8_t)(i >> 8), (uint8_t)i};
        struct buf content = {0};
        assert_int_equal(
            signal_content_write(&(struct signal_content){.kind = SIGNAL_CHAT,
                                                          .id = bytes_of(id, sizeof id),
                                                          .text = bytes_str("x")},
                                 &content),
            0);
        say_as_alice(&s, buf_view(&content));
        buf_free(&content);
    }
    assert_int_equal(s.a.bob->p->n_chat_ids, PARTICIPANT_CHAT_IDS);
    assert_int_equal(s.a.bob->chats, n + 2 + PARTICIPANT_CHAT_IDS);
    end(&s);
}

static void what_is_not_understood_is_passed_over(void **state)
{
    static const uint8_t contents[][4] = {{0}, {99, 1, 2, 3}, {SIGNAL_CHAT, 1}, {SIGNAL_HAND, 2}};
    struct scene s;
    (void)state;
    begin(&s);
    size_t n = s.a.bob->chats;
    say_as_alice(&s, bytes_of(NULL, 0));
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++)
        say_as_alice(&s, bytes_of(contents[i], sizeof contents[i]));
    assert_int_equal(s.a.bob->chats, n);
    assert_int_equal(participant_phase(s.a.bob->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(s.a.bob->n_notices, 0);
    end(&s);
}

/* A member can send what the server takes for a message and nobody else does. */
static void what_is_no_message_costs_nobody_the_connection(void **state)
{
    struct scene s;
    struct buf message = {0};
    (void)state;
    begin(&s);
    protect(s.a.alice, bytes_str("x"), &message);
    for (size_t cut = 1; cut < 5; cut++) { /* the header is whole */
        uint64_t refused = s.a.bob->p->stats.refused;
        liar_say_mls(&s.liar, SIGNAL_APP_FROM, bytes_of(message.p, message.n - cut));
        assert_int_equal(s.a.bob->p->stats.refused, refused + 1);
    }
    assert_int_equal(participant_phase(s.a.bob->p), PARTICIPANT_IN_MEETING);
    liar_say_mls(&s.liar, SIGNAL_APP_FROM, bytes_str("no message at all"));
    assert_true(stage_told(s.a.bob, REASON_MALFORMED));
    buf_free(&message);
    end(&s);
}

/* ---- Until it comes back ---- */

static void what_has_not_come_back_waits_within_limits(void **state)
{
    struct scene s;
    struct buf id = {0};
    (void)state;
    begin(&s);
    for (size_t i = 0; i < PARTICIPANT_UNSENT_LIMIT; i++)
        act(&s.a, s.a.bob, participant_say(s.a.bob->p, "Hello?", NULL, s.a.s.now_us));
    assert_int_equal(participant_say(s.a.bob->p, "Hello?", &id, s.a.s.now_us), CONCLAVE_ELIMIT);
    assert_int_equal(id.n, 0);
    assert_int_equal(participant_react(s.a.bob->p, "!", s.a.s.now_us), CONCLAVE_ELIMIT);
    assert_int_equal(participant_raise_hand(s.a.bob->p, true, s.a.s.now_us), CONCLAVE_ELIMIT);
    assert_false(s.a.bob->p->hand);
    /* one is back, and there is room */
    struct buf app = {0};
    buf_put(&app, liar_last(&s.liar, SIGNAL_APP).body);
    liar_say_mls(&s.liar, SIGNAL_APP_FROM, buf_view(&app));
    assert_int_equal(s.a.bob->chats_back, 1);
    act(&s.a, s.a.bob, participant_say(s.a.bob->p, "Hello?", &id, s.a.s.now_us));
    assert_int_equal(id.n, SIGNAL_CHAT_ID);
    buf_free(&app);
    buf_free(&id);
    end(&s);
}

static void lost_chat(struct scene *s)
{
    s->liar.heard[SIGNAL_APP] = 0;
    act(&s->a, s->a.bob, participant_say(s->a.bob->p, "Lost", NULL, s->a.s.now_us));
    assert_int_equal(liar_heard(&s->liar, SIGNAL_APP), 1);
}

static void a_chat_too_old_to_be_relayed_is_said_again(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    lost_chat(&s);
    for (int i = 1; i <= 3; i++) {
        struct buf commit = {0};
        attack_pend_commit(&s.a.s, s.a.alice, NULL, 0, &commit);
        attack_deliver_mls(&s.a.s, s.a.alice, SIGNAL_COMMITTED, buf_view(&commit));
        attack_deliver_mls(&s.a.s, s.a.mallory, SIGNAL_COMMITTED, buf_view(&commit));
        s.liar.heard[SIGNAL_APP] = 0;
        s.a.bob->p->beat_us += STAGE_SECOND; /* so that it is no heartbeat */
        liar_say_mls(&s.liar, SIGNAL_COMMITTED, buf_view(&commit));
        assert_int_equal(liar_heard(&s.liar, SIGNAL_APP), i == 3);
        buf_free(&commit);
    }
    end(&s);
}

static void after_a_cut_it_is_said_again(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    lost_chat(&s);
    liar_cut(&s.liar);
    liar_challenge(&s.liar, true);
    s.liar.heard[SIGNAL_APP] = 0;
    liar_live(&s.liar, mls_group_epoch(s.a.bob->p->group), stage_leaf(s.a.bob));
    assert_int_not_equal(liar_heard(&s.liar, SIGNAL_APP), 0);
    assert_int_equal(s.a.bob->p->n_unsent, 1);
    end(&s);
}

/* What is said while the connection is gone is said when it is back. */
static void one_may_talk_without_a_connection(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    stage_cut(&a.s, a.bob);
    stage_run(&a.s, 4 * STAGE_SECOND);
    stage_kill_server(&a.s, 2 * STAGE_SECOND);
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(participant_phase(a.bob->p), PARTICIPANT_RECONNECTING);
    act(&a, a.bob, participant_say(a.bob->p, "Back soon", NULL, a.s.now_us));
    stage_run(&a.s, 20 * STAGE_SECOND);
    assert_string_equal(a.alice->last_chat, "Back soon");
    assert_int_equal(a.bob->chats_back, 1);
    attack_close(&a);
}

/* ---- Hands ---- */

static bool hand_of(struct stage_actor *in, const struct stage_actor *whom)
{
    return attack_roster_entry(in, whom).hand;
}

static void a_hand_is_seen_by_newcomers_and_after_a_cut(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    act(&a, a.bob, participant_raise_hand(a.bob->p, true, a.s.now_us));
    act(&a, a.bob, participant_raise_hand(a.bob->p, true, a.s.now_us)); /* is up already */
    stage_run(&a.s, MOMENT);
    assert_true(hand_of(a.alice, a.bob));
    assert_true(hand_of(a.bob, a.bob));
    struct stage_actor *carol = attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, STAGE_SECOND);
    assert_true(hand_of(carol, a.bob));
    /* it is lowered, and nobody hears of it */
    attack_withhold(&a.tap, a.bob, SIGNAL_APP);
    act(&a, a.bob, participant_raise_hand(a.bob->p, false, a.s.now_us));
    stage_cut(&a.s, a.bob);
    attack_let_through(&a.tap);
    assert_true(hand_of(a.alice, a.bob));
    stage_run(&a.s, 15 * STAGE_SECOND);
    assert_int_equal(participant_phase(a.bob->p), PARTICIPANT_IN_MEETING);
    assert_false(hand_of(a.alice, a.bob));
    attack_close(&a);
}

/* ---- What one sends, and the request to send no sound ---- */

static int sends_of(struct stage_actor *in, const struct stage_actor *whom)
{
    struct participant_person p = attack_roster_entry(in, whom);
    return p.sends_known ? p.sends : -1;
}

static void send_from_now(struct attack_scene *a, struct stage_actor *who, uint8_t sends)
{
    act(a, who, participant_set_sends(who->p, sends, a->s.now_us));
    stage_run(&a->s, MOMENT);
}

static void what_one_sends_is_seen_by_all_at_once_and_by_newcomers_soon(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    assert_int_equal(sends_of(a.bob, a.alice), 0);
    send_from_now(&a, a.alice, PARTICIPANT_SENDS_AUDIO | PARTICIPANT_SENDS_CAMERA);
    assert_int_equal(sends_of(a.bob, a.alice), 3);
    assert_int_equal(sends_of(a.alice, a.alice), 3);
    send_from_now(&a, a.alice, PARTICIPANT_SENDS_SCREEN);
    assert_int_equal(sends_of(a.bob, a.alice), 4);
    struct stage_actor *carol = attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol");
    assert_int_equal(sends_of(carol, a.alice), -1);
    stage_run(&a.s, STAGE_SECOND + MOMENT); /* a screen is told sooner than by the next heartbeat */
    assert_int_equal(sends_of(carol, a.alice), 4);
    stage_run(&a.s, 3 * STAGE_SECOND);
    assert_int_equal(sends_of(carol, a.bob), 0);
    assert_int_equal(sends_of(a.alice, carol), 0);
    assert_int_equal(participant_set_sends(a.bob->p, 8, a.s.now_us), CONCLAVE_EINVAL);
    attack_close(&a);
}

static void ask(struct attack_scene *a, struct stage_actor *by, uint32_t leaf)
{
    act(a, by, participant_ask_mute(by->p, leaf, a->s.now_us));
    stage_run(&a->s, MOMENT);
}

static void a_host_asks_one_or_all_and_only_who_sends_sound_hears_it(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    ask(&a, a.alice, stage_leaf(a.bob));
    assert_int_equal(a.bob->mutes, 0);
    send_from_now(&a, a.alice, PARTICIPANT_SENDS_AUDIO);
    send_from_now(&a, a.bob, PARTICIPANT_SENDS_AUDIO);
    send_from_now(&a, a.mallory, PARTICIPANT_SENDS_AUDIO | PARTICIPANT_SENDS_CAMERA);
    ask(&a, a.alice, stage_leaf(a.bob));
    assert_int_equal(a.bob->mutes, 1);
    assert_int_equal(a.bob->muted_by, stage_leaf(a.alice));
    assert_int_equal(a.mallory->mutes, 0);
    ask(&a, a.alice, MLS_NO_LEAF);
    assert_int_equal(a.bob->mutes, 2);
    assert_int_equal(a.mallory->mutes, 1);
    assert_int_equal(a.alice->mutes, 0);
    assert_int_equal(participant_ask_mute(a.bob->p, stage_leaf(a.alice), a.s.now_us),
                     CONCLAVE_EPOLICY);
    assert_int_equal(participant_ask_mute(a.alice->p, 77, a.s.now_us), CONCLAVE_ENOTFOUND);
    /* a co-host may ask the host */
    act(&a, a.alice, participant_make_cohost(a.alice->p, stage_leaf(a.bob), true, a.s.now_us));
    stage_run(&a.s, 2 * STAGE_SECOND);
    ask(&a, a.bob, stage_leaf(a.alice));
    assert_int_equal(a.alice->mutes, 1);
    attack_close(&a);
}

static void mute_bob_as(struct scene *s, struct stage_actor *by)
{
    struct buf content = {0};
    const struct signal_content request = {.kind = SIGNAL_ASK_MUTE, .leaf = stage_leaf(s->a.bob)};
    assert_int_equal(signal_content_write(&request, &content), 0);
    say_as(s, by, buf_view(&content));
    buf_free(&content);
}

static void an_attendees_request_is_not_heeded(void **state)
{
    struct scene s;
    (void)state;
    begin(&s);
    act(&s.a, s.a.bob, participant_set_sends(s.a.bob->p, PARTICIPANT_SENDS_AUDIO, s.a.s.now_us));
    mute_bob_as(&s, s.a.mallory);
    assert_int_equal(s.a.bob->mutes, 0);
    mute_bob_as(&s, s.a.alice);
    assert_int_equal(s.a.bob->mutes, 1);
    end(&s);
}

/* The server keeps a request back until long after the epoch it was made in. */
static void a_request_that_comes_late_is_not_heeded(void **state)
{
    struct attack_scene a;
    struct buf kept = {0};
    (void)state;
    attack_open(&a);
    send_from_now(&a, a.bob, PARTICIPANT_SENDS_AUDIO);
    attack_withhold(&a.tap, a.bob, SIGNAL_APP_FROM);
    ask(&a, a.alice, stage_leaf(a.bob));
    buf_put(&kept, attack_last(&a.tap, SIGNAL_APP_FROM).body);
    attack_let_through(&a.tap);
    attack_colleague(&a, "carol@" MEETING_DOMAIN, "Carol");
    stage_run(&a.s, 3 * STAGE_SECOND);
    uint64_t opened = a.bob->p->stats.messages_in;
    attack_deliver_mls(&a.s, a.bob, SIGNAL_APP_FROM, buf_view(&kept));
    assert_int_equal(a.bob->p->stats.messages_in, opened + 1);
    assert_int_equal(a.bob->mutes, 0);
    buf_free(&kept);
    attack_close(&a);
}

/* Alice, the leader, knows of it, and cannot commit it yet. */
static void bob_is_leaving(struct attack_scene *a)
{
    attack_withhold(&a->tap, a->alice, SIGNAL_COMMIT);
    act(a, a->bob, participant_leave(a->bob->p, a->s.now_us));
    stage_run(&a->s, MOMENT);
    assert_int_equal(a->alice->p->n_proposals, 1);
}

/* It waits for a commit (RFC 9420 12.4), by which the leaf may become somebody else's. */
static void a_request_that_waits_goes_with_whom_it_was_for(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    uint32_t leaf = stage_leaf(a.bob);
    send_from_now(&a, a.mallory, PARTICIPANT_SENDS_AUDIO);
    bob_is_leaving(&a);
    act(&a, a.alice, participant_ask_mute(a.alice->p, leaf, a.s.now_us));
    act(&a, a.alice, participant_ask_mute(a.alice->p, stage_leaf(a.mallory), a.s.now_us));
    assert_int_equal(a.alice->p->n_unsent, 2);
    attack_let_through(&a.tap);
    stage_run(&a.s, 15 * STAGE_SECOND);
    assert_null(participant_roster_seat(a.alice->p, leaf));
    assert_int_equal(a.alice->p->n_unsent, 0);
    assert_int_equal(a.mallory->mutes, 1);
    attack_close(&a);
}

/* What was of its moment is not said to those who are there after a cut. */
static void a_request_is_not_repeated_after_a_cut(void **state)
{
    struct attack_scene a;
    (void)state;
    attack_open(&a);
    send_from_now(&a, a.mallory, PARTICIPANT_SENDS_AUDIO);
    bob_is_leaving(&a);
    act(&a, a.alice, participant_ask_mute(a.alice->p, stage_leaf(a.mallory), a.s.now_us));
    assert_int_equal(a.alice->p->n_unsent, 1);
    attack_let_through(&a.tap);
    stage_kill_server(&a.s, 2 * STAGE_SECOND);
    stage_run(&a.s, STAGE_SECOND);
    assert_int_equal(participant_ask_mute(a.alice->p, stage_leaf(a.mallory), a.s.now_us),
                     CONCLAVE_ESTATE);
    stage_run(&a.s, 15 * STAGE_SECOND);
    assert_int_equal(participant_phase(a.alice->p), PARTICIPANT_IN_MEETING);
    assert_int_equal(a.alice->p->n_unsent, 0);
    assert_int_equal(a.mallory->mutes, 0);
    attack_close(&a);
}

/* ---- Heartbeats ---- */

static void beat_as_alice(struct scene *s, uint64_t epoch, const uint8_t digest[32])
{
    struct buf content = {0};
    assert_int_equal(signal_content_write(&(struct signal_content){.kind = SIGNAL_HEARTBEAT,
                                                                   .epoch = epoch,
                                                                   .digest = bytes_of(digest, 32)},
                                          &content),
                     0);
    say_as_alice(s, buf_view(&content));
    buf_free(&content);
}

static unsigned alarms(const struct stage_actor *a)
{
    unsigned n = 0;
    for (size_t i = 0; i < a->n_notices; i++)
        n += a->notices[i].severity == PARTICIPANT_ALARM;
    return n;
}

static void a_heartbeat_of_another_meeting_is_an_alarm_once(void **state)
{
    static const uint8_t wrong[32] = {1};
    struct scene s;
    (void)state;
    begin(&s);
    uint64_t epoch = mls_group_epoch(s.a.bob->p->group);
    assert_true(attack_roster_entry(s.a.bob, s.a.alice).confirmed);
    beat_as_alice(&s, epoch - 1, wrong); /* contradicts itself, and says nothing */
    assert_int_equal(alarms(s.a.bob), 0);
    for (int i = 0; i < 5; i++)
        beat_as_alice(&s, epoch, wrong);
    assert_int_equal(alarms(s.a.bob), 1);
    assert_true(attack_told(s.a.bob, REASON_OTHERS_SILENT, PARTICIPANT_ALARM));
    end(&s);
}

static void nobodys_heartbeats_make_up_for_others(void **state)
{
    static const uint8_t wrong[32] = {1};
    struct scene s;
    (void)state;
    begin(&s);
    uint32_t before = s.a.bob->p->watch_beats;
    for (int i = 0; i < 20; i++)
        beat_as_alice(&s, mls_group_epoch(s.a.bob->p->group), wrong);
    assert_in_range(s.a.bob->p->watch_beats, before, before + 2);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_text_of_4000_bytes_at_most),
        cmocka_unit_test(what_deceives_is_shown_as_what_it_is),
        cmocka_unit_test(a_chat_is_shown_once_however_often_it_is_said),
        cmocka_unit_test(what_is_not_understood_is_passed_over),
        cmocka_unit_test(what_is_no_message_costs_nobody_the_connection),
        cmocka_unit_test(what_has_not_come_back_waits_within_limits),
        cmocka_unit_test(a_chat_too_old_to_be_relayed_is_said_again),
        cmocka_unit_test(after_a_cut_it_is_said_again),
        cmocka_unit_test(one_may_talk_without_a_connection),
        cmocka_unit_test(a_hand_is_seen_by_newcomers_and_after_a_cut),
        cmocka_unit_test(what_one_sends_is_seen_by_all_at_once_and_by_newcomers_soon),
        cmocka_unit_test(a_host_asks_one_or_all_and_only_who_sends_sound_hears_it),
        cmocka_unit_test(an_attendees_request_is_not_heeded),
        cmocka_unit_test(a_request_that_comes_late_is_not_heeded),
        cmocka_unit_test(a_request_that_waits_goes_with_whom_it_was_for),
        cmocka_unit_test(a_request_is_not_repeated_after_a_cut),
        cmocka_unit_test(a_heartbeat_of_another_meeting_is_an_alarm_once),
        cmocka_unit_test(nobodys_heartbeats_make_up_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
