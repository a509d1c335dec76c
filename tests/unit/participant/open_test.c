/* From Hello to the meeting: which cards are refused and why, what is said when, and every end that
 * this way can have. */
#include "desk.h"

#include "meeting/card.h"

/* ---- The card ---- */

static void greeted_with(struct desk *d, struct bytes card)
{
    desk_connect(d);
    desk_challenge_card(d, true, card);
}

static void before_the_card_is_checked_only_hello_is_said(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    desk_connect(&d);
    assert_int_equal(desk_sent(&d, SIGNAL_HELLO), 1);
    assert_int_equal(desk_last(&d, SIGNAL_HELLO).access.n, 32);
    struct participant_meeting meeting;
    assert_int_equal(participant_meeting(d.p, &meeting), CONCLAVE_ESTATE);
    static const uint8_t nonsense[] = "no card";
    desk_challenge_card(&d, true, bytes_of(nonsense, sizeof nonsense));
    desk_assert_over(&d, REASON_CARD_INVALID);
    assert_int_equal(desk_asked(&d, PARTICIPANT_SEND), 1);
    assert_int_equal(desk_asked(&d, PARTICIPANT_DISCONNECT), 1);
    desk_close(&d);
}

static void another_meetings_card_is_refused(void **state)
{
    struct desk d;
    struct buf card = {0};
    (void)state;
    desk_open(&d);
    struct card_terms terms = meeting_world_terms(&d.w);
    terms.title = "Another meeting";
    assert_int_equal(card_sign(d.w.organiser->signer, d.w.organiser->chain, 1, &terms, &card), 0);
    desk_seat(&d, d.w.organiser);
    greeted_with(&d, buf_view(&card));
    desk_assert_over(&d, REASON_CARD_MISMATCH);
    buf_free(&card);
    desk_close(&d);
}

static void a_card_of_standard_mode_is_refused(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    struct card_terms terms = meeting_world_terms(&d.w);
    terms.mode = CARD_STANDARD;
    desk_set_terms(&d, &terms);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    desk_assert_over(&d, REASON_STANDARD_MODE);
    desk_close(&d);
}

static void a_card_that_the_organiser_did_not_sign_is_refused(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    struct meeting_person *alice = d.w.organiser;
    struct meeting_person *bob = meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com");
    const struct card_terms terms = meeting_world_terms(&d.w);
    d.w.organiser = bob; /* signs for alice */
    desk_set_terms(&d, &terms);
    d.w.organiser = alice;
    desk_seat(&d, bob);
    desk_greet(&d, true);
    desk_assert_over(&d, REASON_CARD_INVALID);
    desk_close(&d);
}

static void a_card_of_another_providers_is_refused_if_ours_is_known(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    assert_int_equal(participant_trust_set_provider(d.trust, identity_ca_certificate(d.w.stranger)),
                     0);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    desk_assert_over(&d, REASON_CARD_SERVER);
    desk_unseat(&d);
    assert_int_equal(participant_trust_set_provider(d.trust, identity_ca_certificate(d.w.ca)), 0);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
    desk_close(&d);
}

/* The number of a meeting typed by hand is enough if the card says so, and only then. */
static void without_a_hash_only_an_open_card_will_do(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    d.w.link.has_secret = d.w.link.has_hash = false;
    desk_set_link(&d);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    assert_int_equal(desk_last(&d, SIGNAL_HELLO).access.n, 0);
    desk_assert_over(&d, REASON_CARD_MISMATCH);
    desk_unseat(&d);

    struct card_terms terms = meeting_world_terms(&d.w);
    terms.open = true;
    desk_set_terms(&d, &terms);
    d.w.link.has_hash = false;
    desk_set_link(&d);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
    struct participant_meeting meeting;
    assert_int_equal(participant_meeting(d.p, &meeting), 0);
    assert_true(meeting.open);
    desk_close(&d);
}

/* Its keys would follow from what the server knows. */
static void a_link_that_lost_its_secret_opens_no_meeting_that_has_one(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    d.w.link.has_secret = false;
    desk_set_link(&d);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, false);
    assert_int_equal(desk_sent(&d, SIGNAL_FOUND), 0);
    desk_assert_over(&d, REASON_BAD_LINK);
    desk_close(&d);
}

static void the_card_stays_the_same_from_connection_to_connection(void **state)
{
    struct desk d;
    struct buf card = {0};
    (void)state;
    desk_open(&d);
    struct card_terms terms = meeting_world_terms(&d.w);
    terms.open = true;
    desk_set_terms(&d, &terms);
    d.w.link.has_hash = false; /* so that it is not the link that tells them apart */
    desk_set_link(&d);
    terms.title = "Another meeting";
    assert_int_equal(card_sign(d.w.organiser->signer, d.w.organiser->chain, 1, &terms, &card), 0);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    desk_disconnect(&d, 0);
    desk_wait(&d, SECOND_US);
    greeted_with(&d, buf_view(&card));
    desk_assert_over(&d, REASON_CARD_MISMATCH);
    buf_free(&card);
    desk_close(&d);
}

static void what_the_card_says_is_told(void **state)
{
    struct desk d;
    struct participant_meeting meeting;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    assert_int_equal(desk_told(&d, PARTICIPANT_CARD), 1);
    assert_int_equal(participant_meeting(d.p, &meeting), 0);
    assert_string_equal(meeting.title, "A meeting");
    assert_string_equal(meeting.organiser, "alice@company.com");
    assert_int_equal(meeting.organiser_identity.category, IDENTITY_MEMBER);
    assert_int_equal(meeting.suite, MEETING_SUITE);
    assert_false(meeting.in_meeting);
    assert_true(bytes_equal(meeting.card_hash, card_hash(d.card)));
    desk_close(&d);
}

/* ---- Versions and clocks ---- */

static void a_server_of_another_version_is_not_spoken_to(void **state)
{
    static const uint8_t nonce[SIGNAL_NONCE] = {1};
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    desk_connect(&d);
    desk_say(&d, &(struct signal_message){.type = SIGNAL_CHALLENGE,
                                          .version = SIGNAL_VERSION + 1,
                                          .nonce = bytes_of(nonce, sizeof nonce),
                                          .card = card_encoded(d.card)});
    desk_assert_over(&d, REASON_VERSION);
    desk_close(&d);
}

static void a_clock_that_is_wrong_is_told_once(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    for (int i = 0; i < 2; i++) {
        static const uint8_t nonce[SIGNAL_NONCE] = {1};
        desk_connect(&d);
        desk_say(&d, &(struct signal_message){.type = SIGNAL_CHALLENGE,
                                              .version = SIGNAL_VERSION,
                                              .nonce = bytes_of(nonce, sizeof nonce),
                                              .server_time = d.now_us / SECOND_US + 301,
                                              .running = true,
                                              .card = card_encoded(d.card)});
        assert_int_equal(desk_noticed(&d, REASON_CLOCK), 1);
        desk_disconnect(&d, 0);
        desk_wait(&d, SECOND_US);
    }
    desk_close(&d);
}

static void whose_certificate_is_not_valid_now_is_told_so(void **state)
{
    static const int64_t days[] = {-30, 30};
    for (size_t i = 0; i < 2; i++) {
        struct desk d;
        (void)state;
        desk_open(&d);
        d.now_us += (uint64_t)(days[i] * (int64_t)MEETING_DAY) * SECOND_US;
        desk_seat(&d, d.w.organiser);
        desk_greet(&d, true);
        desk_assert_over(&d, REASON_CERTIFICATE_EXPIRED);
        assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 0);
        desk_close(&d);
    }
}

static void who_cannot_be_verified_is_told_and_may_knock(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, meeting_world_impostor(&d.w, "bob@company.com"));
    desk_greet(&d, true);
    assert_int_equal(desk_noticed(&d, REASON_UNVERIFIED), 1);
    assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
    desk_close(&d);
}

/* ---- What is asked for ---- */

static void who_may_found_founds_and_what_is_founded_is_saved_before(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, false);
    assert_int_equal(desk_sent(&d, SIGNAL_FOUND), 1);
    assert_true(desk_place(&d, PARTICIPANT_SAVE_SNAPSHOT) < desk_place_sent(&d, SIGNAL_FOUND));
    assert_int_equal(participant_phase(d.p), PARTICIPANT_CONNECTING); /* it is not known to be so */
    char code[PARTICIPANT_CODE_SIZE];
    assert_int_equal(participant_code(d.p, code), CONCLAVE_ESTATE);
    desk_live(&d, 0, 0);
    assert_int_equal(participant_phase(d.p), PARTICIPANT_IN_MEETING);
    assert_int_equal(participant_code(d.p, code), 0);
    desk_close(&d);
}

static void who_was_not_first_to_found_knocks(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, false);
    desk_say(&d, &(struct signal_message){.type = SIGNAL_TAKEN});
    assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
    assert_int_equal(desk_asked(&d, PARTICIPANT_SAVE_NOTHING), 1);
    assert_int_equal(d.snapshot.n, 0);
    desk_close(&d);
}

static void others_wait_for_a_founder(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com"));
    desk_greet(&d, false);
    assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
    static const struct {
        uint8_t why;
        enum participant_phase phase;
    } waits[] = {{SIGNAL_WAIT_NOT_STARTED, PARTICIPANT_NOT_STARTED},
                 {SIGNAL_WAIT_LOBBY, PARTICIPANT_IN_LOBBY},
                 {SIGNAL_WAIT_ADDING, PARTICIPANT_JOINING}};
    for (size_t i = 0; i < 3; i++) {
        desk_say(&d, &(struct signal_message){.type = SIGNAL_WAITING, .waiting = waits[i].why});
        assert_int_equal(participant_phase(d.p), waits[i].phase);
    }
    assert_int_equal(participant_say(d.p, "Hello?", NULL, d.now_us), CONCLAVE_ESTATE);
    assert_int_equal(participant_lock(d.p, true, d.now_us), CONCLAVE_ESTATE);
    desk_close(&d);
}

static void nobody_founds_before_the_time_or_after(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    struct card_terms terms = meeting_world_terms(&d.w);
    terms.not_before = MEETING_NOW + 60;
    desk_set_terms(&d, &terms);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, false);
    desk_assert_over(&d, REASON_TOO_EARLY);
    desk_unseat(&d);
    terms.not_before = 0;
    terms.not_after = MEETING_NOW - 1;
    desk_set_terms(&d, &terms);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, false);
    desk_assert_over(&d, REASON_EXPIRED_LINK);
    desk_close(&d);
}

/* ---- Faults and lost connections ---- */

static void most_faults_at_the_door_are_the_end(void **state)
{
    static const int reasons[] = {REASON_NO_SUCH_MEETING,
                                  REASON_REFUSED_BY_POLICY,
                                  REASON_REFUSED_BY_HOST,
                                  REASON_LOCKED,
                                  REASON_EJECTED,
                                  REASON_ENDED,
                                  REASON_FULL,
                                  REASON_NOT_A_MEMBER,
                                  REASON_BAD_PROOF,
                                  REASON_KEY_PACKAGE,
                                  REASON_REPLACED,
                                  REASON_UNEXPECTED,
                                  REASON_TOO_LARGE,
                                  REASON_INVALID};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct desk d;
        (void)state;
        desk_open(&d);
        desk_seat(&d, meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com"));
        desk_greet(&d, true);
        desk_fault(&d, reasons[i]);
        desk_assert_over(&d, reasons[i]);
        desk_forget(&d);
        desk_challenge(&d, true);
        desk_connect(&d);
        desk_wait(&d, 100 * SECOND_US);
        assert_int_equal(d.n, 0);
        desk_close(&d);
    }
}

static void some_are_worth_another_try(void **state)
{
    static const int reasons[] = {REASON_SERVER_STOPS, REASON_SERVER_ERROR, REASON_TOO_MANY,
                                  REASON_GONE, REASON_OUT_OF_REACH};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct desk d;
        (void)state;
        desk_open(&d);
        desk_seat(&d, meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com"));
        desk_greet(&d, true);
        desk_forget(&d);
        desk_fault(&d, reasons[i]);
        desk_wait(&d, 3 * SECOND_US);
        assert_int_equal(desk_asked(&d, PARTICIPANT_CONNECT), 1);
        desk_greet(&d, true);
        assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
        desk_close(&d);
    }
}

static void a_fault_without_a_reason_is_no_reason_to_end(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    desk_greet(&d, true);
    desk_fault(&d, REASON_NONE);
    assert_int_equal(participant_phase(d.p), PARTICIPANT_CONNECTING);
    assert_int_equal(desk_noticed(&d, REASON_MALFORMED), 1);
    desk_close(&d);
}

static void who_cannot_reach_the_server_tries_again_less_and_less_often(void **state)
{
    struct desk d;
    uint64_t last = 0;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    for (int i = 0; i < 12; i++) {
        desk_forget(&d);
        uint64_t before = d.now_us;
        desk_disconnect(&d, REASON_UNREACHABLE);
        assert_int_equal(desk_noticed(&d, REASON_UNREACHABLE), i == 4);
        assert_true(participant_deadline(d.p) != UINT64_MAX);
        desk_wait(&d, participant_deadline(d.p) - d.now_us);
        assert_int_equal(desk_asked(&d, PARTICIPANT_CONNECT), 1);
        last = d.now_us - before;
        assert_true(last >= SECOND_US / 5);
    }
    assert_in_range(last, 5 * SECOND_US, 15 * SECOND_US / 2);
    desk_close(&d);
}

static void a_server_that_cannot_show_who_it_is_is_not_tried_again(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, d.w.organiser);
    desk_disconnect(&d, REASON_TLS);
    desk_assert_over(&d, REASON_TLS);
    desk_close(&d);
}

static void whoever_leaves_at_the_door_says_so(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com"));
    desk_greet(&d, true);
    assert_int_equal(participant_leave(d.p, d.now_us), 0);
    desk_take(&d);
    assert_int_equal(desk_sent(&d, SIGNAL_LEAVE), 1);
    desk_assert_over(&d, REASON_LEFT);
    assert_int_equal(participant_leave(d.p, d.now_us), CONCLAVE_ESTATE);
    desk_close(&d);
}

static void at_the_door_a_connection_that_holds_is_one_that_works(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d);
    desk_seat(&d, meeting_world_person(&d.w, IDENTITY_USER, "bob@company.com"));
    for (int i = 0; i < 12; i++) { /* hours in the lobby, on a train */
        desk_greet(&d, true);
        desk_say(&d,
                 &(struct signal_message){.type = SIGNAL_WAITING, .waiting = SIGNAL_WAIT_LOBBY});
        desk_wait(&d, 10 * SECOND_US);
        desk_disconnect(&d, 0);
        desk_wait(&d, SECOND_US);
        assert_int_equal(desk_noticed(&d, REASON_UNREACHABLE), 0);
        assert_int_equal(desk_asked(&d, PARTICIPANT_CONNECT), i == 0 ? 2 : 1);
        desk_forget(&d);
    }
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(before_the_card_is_checked_only_hello_is_said),
        cmocka_unit_test(another_meetings_card_is_refused),
        cmocka_unit_test(a_card_of_standard_mode_is_refused),
        cmocka_unit_test(a_card_that_the_organiser_did_not_sign_is_refused),
        cmocka_unit_test(a_card_of_another_providers_is_refused_if_ours_is_known),
        cmocka_unit_test(without_a_hash_only_an_open_card_will_do),
        cmocka_unit_test(a_link_that_lost_its_secret_opens_no_meeting_that_has_one),
        cmocka_unit_test(the_card_stays_the_same_from_connection_to_connection),
        cmocka_unit_test(what_the_card_says_is_told),
        cmocka_unit_test(a_server_of_another_version_is_not_spoken_to),
        cmocka_unit_test(a_clock_that_is_wrong_is_told_once),
        cmocka_unit_test(whose_certificate_is_not_valid_now_is_told_so),
        cmocka_unit_test(who_cannot_be_verified_is_told_and_may_knock),
        cmocka_unit_test(who_may_found_founds_and_what_is_founded_is_saved_before),
        cmocka_unit_test(who_was_not_first_to_found_knocks),
        cmocka_unit_test(others_wait_for_a_founder),
        cmocka_unit_test(nobody_founds_before_the_time_or_after),
        cmocka_unit_test(most_faults_at_the_door_are_the_end),
        cmocka_unit_test(some_are_worth_another_try),
        cmocka_unit_test(a_fault_without_a_reason_is_no_reason_to_end),
        cmocka_unit_test(who_cannot_reach_the_server_tries_again_less_and_less_often),
        cmocka_unit_test(a_server_that_cannot_show_who_it_is_is_not_tried_again),
        cmocka_unit_test(whoever_leaves_at_the_door_says_so),
        cmocka_unit_test(at_the_door_a_connection_that_holds_is_one_that_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
