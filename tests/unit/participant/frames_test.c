/* Every frame in every state: nothing crashes, nothing changes without authority, and whoever has
 * heard nonsense goes on where it was. */
#include "desk.h"

#include <string.h>

#include "support/random.h"

/* ---- States ---- */

enum state {
    UNOPENED,    /* it has asked for a connection */
    HELLO_SAID,  /* connected */
    KNOCKED,     /* asked to be let in */
    FOUNDING,    /* has founded, as far as it knows */
    IN_MEETING,  /* alone */
    CUT_OFF,     /* was in the meeting, and has no connection */
    HELLO_AGAIN, /* has said Hello anew */
    RESUMING,    /* has asked to resume */
    STATES
};

static void bring_to(struct desk *d, enum state state)
{
    desk_open(d);
    desk_seat(d, d->w.organiser);
    if (state == HELLO_SAID || state == FOUNDING || state == KNOCKED)
        desk_connect(d);
    if (state == FOUNDING || state == KNOCKED)
        desk_challenge(d, state == KNOCKED);
    if (state >= IN_MEETING)
        desk_found(d);
    if (state >= CUT_OFF)
        desk_disconnect(d, 0);
    if (state >= HELLO_AGAIN) {
        desk_wait(d, SECOND_US);
        desk_connect(d);
    }
    if (state == RESUMING)
        desk_challenge(d, true);
    desk_forget(d);
}

/* What nonsense must not change. */
struct standing {
    bool has_group;
    uint64_t epoch;
    uint8_t authenticator[64];
    size_t authenticator_n;
    bool locked, founding;
};

static struct standing standing_of(const struct participant *p)
{
    struct standing s = {.has_group = p->group != NULL, .founding = p->founding};
    if (p->group == NULL)
        return s;
    struct bytes a = mls_group_epoch_authenticator(p->group);
    s.epoch = mls_group_epoch(p->group);
    s.authenticator_n = a.n;
    memcpy(s.authenticator, a.p, a.n);
    s.locked = p->state.locked;
    return s;
}

static void assert_stands(const struct participant *p, const struct standing *before)
{
    const struct standing now = standing_of(p);
    assert_memory_equal(&now, before, sizeof now);
}

/* The next connection brings it on. */
static void assert_goes_on(struct desk *d)
{
    bool was_in = d->p->group != NULL && !d->p->founding;
    desk_disconnect(d, 0);
    desk_forget(d);
    desk_wait(d, 20 * SECOND_US);
    desk_connect(d);
    desk_challenge(d, true);
    if (d->p->group == NULL) {
        assert_int_equal(desk_sent(d, SIGNAL_KNOCK), 1);
        return;
    }
    assert_int_equal(desk_sent(d, d->p->rejoin && was_in ? SIGNAL_REJOIN : SIGNAL_RESUME), 1);
    if (d->p->rejoin)
        return;
    desk_live(d, 0, 0);
    assert_int_equal(participant_phase(d->p), PARTICIPANT_IN_MEETING);
}

/* ---- Well-formed, and out of place ---- */

/* A frame of this type with something in every field. */
static struct signal_message some(enum signal_type type, struct buf *entries, struct buf *refs,
                                  struct buf *presence)
{
    static const uint8_t bytes[32] = {3, 1, 4, 1, 5};
    const struct bytes some = bytes_of(bytes, sizeof bytes);
    signal_put_entry(entries, &(struct signal_entry){.ref = some, .key_package = some});
    signal_put_ref(refs, some);
    signal_put_presence(presence, (struct signal_presence){.leaf = 0, .connected = false});
    signal_put_presence(presence, (struct signal_presence){.leaf = UINT32_MAX, .connected = true});
    return (struct signal_message){.type = type,
                                   .version = SIGNAL_VERSION,
                                   .number = some,
                                   .access = some,
                                   .nonce = some,
                                   .server_time = MEETING_NOW,
                                   .card = some,
                                   .body = some,
                                   .tree = some,
                                   .signature = some,
                                   .group_id = some,
                                   .leaf = 5,
                                   .epoch = 5,
                                   .ref = some,
                                   .hash = some,
                                   .reason = REASON_STALE,
                                   .waiting = SIGNAL_WAIT_LOBBY,
                                   .entries = buf_view(entries),
                                   .refs = buf_view(refs),
                                   .presence = buf_view(presence)};
}

static void out_of_place(enum state state, enum signal_type type)
{
    struct desk d;
    struct buf lists[3] = {{0}, {0}, {0}};
    bring_to(&d, state);
    const struct standing before = standing_of(d.p);
    const struct signal_message m = some(type, &lists[0], &lists[1], &lists[2]);
    desk_say(&d, &m);
    /* a first card that is nonsense, and another one, are the end */
    if (type == SIGNAL_CHALLENGE && (state == HELLO_SAID || state == HELLO_AGAIN)) {
        desk_assert_over(&d, state == HELLO_SAID ? REASON_CARD_INVALID : REASON_CARD_MISMATCH);
    } else if (type == SIGNAL_TAKEN && state == FOUNDING) {
        assert_null(d.p->group); /* in its place: somebody else was first */
        assert_goes_on(&d);
    } else {
        assert_stands(d.p, &before);
        assert_goes_on(&d);
    }
    for (size_t i = 0; i < 3; i++)
        buf_free(&lists[i]);
    desk_close(&d);
}

static void every_frame_in_every_state(void **state)
{
    (void)state;
    for (int s = UNOPENED; s < STATES; s++)
        for (int type = 0; type < (int)DESK_FRAMES; type++)
            if (signal_limit((enum signal_type)type) != 0 && type != SIGNAL_FAULT)
                out_of_place((enum state)s, (enum signal_type)type);
}

static void before_there_is_a_connection_nothing_is_heard(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, CUT_OFF);
    desk_fault(&d, REASON_ENDED);
    desk_connect(&d);
    assert_int_equal(participant_phase(d.p), PARTICIPANT_RECONNECTING);
    assert_int_equal(d.n, 0);
    desk_close(&d);
}

static void an_input_of_no_kind_is_the_callers_fault(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, IN_MEETING);
    const struct participant_input in = {.kind = (enum participant_input_kind)99};
    assert_int_equal(participant_input(d.p, &in, d.now_us), CONCLAVE_EINVAL);
    desk_connect(&d); /* once more */
    assert_int_equal(d.n, 0);
    desk_close(&d);
}

/* ---- Not well-formed ---- */

static void assert_malformed(struct desk *d, struct bytes frame, const struct standing *before)
{
    desk_say_bytes(d, frame);
    assert_stands(d->p, before);
    assert_int_equal(desk_noticed(d, REASON_MALFORMED), 1);
    assert_int_equal(desk_asked(d, PARTICIPANT_DISCONNECT), 1);
    desk_forget(d);
    desk_wait(d, 10 * SECOND_US);
    desk_connect(d);
    desk_challenge(d, true);
    desk_live(d, 0, 0);
    desk_forget(d);
}

static void truncated_and_lengthened_frames_are_malformed(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, IN_MEETING);
    const struct standing before = standing_of(d.p);
    for (int type = SIGNAL_CHALLENGE; type < (int)DESK_FRAMES; type++) {
        struct buf lists[3] = {{0}, {0}, {0}}, frame = {0};
        const struct signal_message m =
            some((enum signal_type)type, &lists[0], &lists[1], &lists[2]);
        assert_int_equal(signal_write(&m, &frame), 0);
        for (size_t n = 0; n < frame.n && n < 6; n++)
            assert_malformed(&d, bytes_of(frame.p, n), &before);
        assert_malformed(&d, bytes_of(frame.p, frame.n - 1), &before);
        buf_put_zero(&frame, 1);
        assert_malformed(&d, buf_view(&frame), &before);
        buf_free(&frame);
        for (size_t i = 0; i < 3; i++)
            buf_free(&lists[i]);
    }
    desk_close(&d);
}

static void frames_of_no_type_are_malformed(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, IN_MEETING);
    const struct standing before = standing_of(d.p);
    for (unsigned type = 0; type < 256; type++) {
        const uint8_t frame[] = {(uint8_t)type};
        if (signal_limit((enum signal_type)type) == 0)
            assert_malformed(&d, bytes_of(frame, 1), &before);
    }
    desk_close(&d);
}

/* Random bytes behind a type: mostly malformed, sometimes not, never with an effect. */
static void random_frames_change_nothing(void **state)
{
    struct random r = {1};
    uint8_t frame[80];
    struct desk d;
    (void)state;
    bring_to(&d, IN_MEETING);
    const struct standing before = standing_of(d.p);
    for (int i = 0; i < 3000; i++) {
        size_t n = 1 + (size_t)random_below(&r, sizeof frame - 1);
        random_fill(&r, frame, n);
        frame[0] = (uint8_t)(SIGNAL_CHALLENGE + random_below(&r, SIGNAL_FAULT - SIGNAL_CHALLENGE));
        desk_say_bytes(&d, bytes_of(frame, n));
        assert_stands(d.p, &before);
        desk_forget(&d);
        if (d.p->connection != OFFLINE)
            continue;
        desk_wait(&d, 20 * SECOND_US);
        desk_connect(&d);
        desk_challenge(&d, true);
        desk_live(&d, 0, 0);
        assert_int_equal(participant_phase(d.p), PARTICIPANT_IN_MEETING);
        desk_forget(&d);
    }
    desk_close(&d);
}

/* ---- Where the server's word is enough, and where it is not ---- */

static void what_a_host_does_the_server_cannot_claim(void **state)
{
    static const struct {
        int said, told;
    } faults[] = {{REASON_ENDED, REASON_UNCONFIRMED_END},
                  {REASON_EJECTED, REASON_UNCONFIRMED_END},
                  {REASON_REFUSED_BY_HOST, REASON_UNCONFIRMED_END},
                  {REASON_GONE, REASON_GONE},
                  {REASON_REMOVED_DISCONNECTED, REASON_REMOVED_DISCONNECTED},
                  {REASON_UNEXPECTED, REASON_UNEXPECTED},
                  {4711, 4711}};
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct desk d;
        bring_to(&d, IN_MEETING);
        desk_fault(&d, faults[i].said);
        desk_assert_over(&d, faults[i].told);
        assert_int_equal(desk_asked(&d, PARTICIPANT_SAVE_NOTHING), 1);
        desk_close(&d);
    }
}

/* What is saved is the other one's now. */
static void who_is_replaced_leaves_what_is_saved(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, IN_MEETING);
    desk_fault(&d, REASON_REPLACED);
    desk_assert_over(&d, REASON_REPLACED);
    assert_int_equal(desk_asked(&d, PARTICIPANT_SAVE_NOTHING), 0);
    assert_true(d.snapshot.n != 0);
    desk_close(&d);
}

static void a_meeting_that_is_said_to_be_gone_is_not_founded_again_unasked(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, HELLO_AGAIN);
    desk_challenge(&d, false);
    assert_int_equal(desk_noticed(&d, REASON_MEETING_RESTARTED), 1);
    desk_assert_over(&d, REASON_GONE);
    assert_int_equal(desk_sent(&d, SIGNAL_FOUND), 0);
    desk_close(&d);
}

static void who_is_no_member_any_more_knocks(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, RESUMING);
    desk_fault(&d, REASON_NOT_A_MEMBER);
    assert_int_equal(desk_noticed(&d, REASON_JOINING_ANEW), 1);
    assert_int_equal(desk_asked(&d, PARTICIPANT_SAVE_NOTHING), 1);
    desk_connect(&d);
    desk_challenge(&d, true);
    assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
    desk_close(&d);
}

static void a_founder_asks_again_whether_it_was_first(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, FOUNDING); /* and the answer is lost */
    const struct standing before = standing_of(d.p);
    desk_disconnect(&d, 0);
    desk_wait(&d, SECOND_US);
    desk_greet(&d, false);
    assert_int_equal(desk_sent(&d, SIGNAL_FOUND), 1);
    assert_stands(d.p, &before);
    desk_disconnect(&d, 0);
    desk_wait(&d, SECOND_US);
    desk_greet(&d, true);
    assert_int_equal(desk_sent(&d, SIGNAL_RESUME), 1);
    desk_fault(&d, REASON_GONE); /* another was */
    assert_null(d.p->group);
    assert_int_equal(desk_noticed(&d, REASON_GONE), 0);
    desk_connect(&d);
    desk_challenge(&d, true);
    assert_int_equal(desk_sent(&d, SIGNAL_KNOCK), 1);
    desk_close(&d);
}

static void who_was_first_may_hear_of_it_by_resuming(void **state)
{
    struct desk d;
    (void)state;
    bring_to(&d, FOUNDING);
    desk_disconnect(&d, 0);
    desk_wait(&d, SECOND_US);
    desk_greet(&d, true);
    desk_live(&d, 1, 0); /* not where we are */
    assert_int_equal(desk_noticed(&d, REASON_COMMIT_FOREIGN), 1);
    desk_connect(&d);
    desk_challenge(&d, true);
    assert_int_equal(desk_sent(&d, SIGNAL_RESUME), 2);
    desk_live(&d, 0, 0);
    assert_int_equal(participant_phase(d.p), PARTICIPANT_IN_MEETING);
    desk_close(&d);
}

/* ---- What is given ---- */

static void info_is_given_in_the_meeting_only(void **state)
{
    (void)state;
    for (int s = UNOPENED; s < STATES; s++) {
        struct desk d;
        bring_to(&d, (enum state)s);
        desk_say(&d, &(struct signal_message){.type = SIGNAL_INFO_REQUEST});
        assert_int_equal(desk_sent(&d, SIGNAL_INFO), s == IN_MEETING);
        desk_close(&d);
    }
}

static void media_signalling_passes_in_the_meeting_only(void **state)
{
    static const uint8_t body[] = "for whoever has the media";
    (void)state;
    for (int s = UNOPENED; s < STATES; s++) {
        struct desk d;
        bring_to(&d, (enum state)s);
        desk_say(&d, &(struct signal_message){.type = SIGNAL_MEDIA_OF,
                                              .body = bytes_of(body, sizeof body)});
        assert_int_equal(desk_asked(&d, PARTICIPANT_MEDIA), s == IN_MEETING);
        int rv = participant_media_send(d.p, bytes_of(body, sizeof body), d.now_us);
        desk_take(&d);
        assert_int_equal(rv, s == IN_MEETING ? 0 : CONCLAVE_ESTATE);
        assert_int_equal(desk_sent(&d, SIGNAL_MEDIA), s == IN_MEETING);
        desk_close(&d);
    }
}

/* ---- Answers ---- */

static void questions_have_answers_in_every_state(void **state)
{
    (void)state;
    for (int s = UNOPENED; s < STATES; s++) {
        struct desk d;
        struct participant_meeting meeting;
        struct participant_person person;
        struct participant_stats stats;
        char code[PARTICIPANT_CODE_SIZE];
        uint8_t key[16];
        uint32_t at = 0;
        bring_to(&d, (enum state)s);
        bool knows = s != UNOPENED && s != HELLO_SAID, in = s >= IN_MEETING;
        assert_int_equal(participant_meeting(d.p, &meeting), knows ? 0 : CONCLAVE_ESTATE);
        assert_int_equal(participant_code(d.p, code), in ? 0 : CONCLAVE_ESTATE);
        assert_int_equal(participant_export(d.p, "test", none(), sizeof key, key),
                         in ? 0 : CONCLAVE_ESTATE);
        assert_false(participant_lobby_next(d.p, &at, &person));
        if (in) {
            assert_true(meeting.in_meeting && meeting.host_present);
            assert_int_equal(meeting.members, 1);
            assert_true(participant_roster_next(d.p, &at, &person));
            assert_true(person.me && person.role == PARTICIPANT_ORGANISER);
            assert_int_equal(person.connected, s == IN_MEETING);
        }
        participant_stats(d.p, &stats);
        assert_int_equal(stats.epochs, in);
        assert_string_equal(participant_phase_name((enum participant_phase)99), "?");
        assert_true(participant_reason_next(REASON_GONE)[0] != '\0');
        assert_true(participant_reason_text(REASON_GONE)[0] != '\0');
        desk_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_in_every_state),
        cmocka_unit_test(before_there_is_a_connection_nothing_is_heard),
        cmocka_unit_test(an_input_of_no_kind_is_the_callers_fault),
        cmocka_unit_test(truncated_and_lengthened_frames_are_malformed),
        cmocka_unit_test(frames_of_no_type_are_malformed),
        cmocka_unit_test(random_frames_change_nothing),
        cmocka_unit_test(what_a_host_does_the_server_cannot_claim),
        cmocka_unit_test(who_is_replaced_leaves_what_is_saved),
        cmocka_unit_test(a_meeting_that_is_said_to_be_gone_is_not_founded_again_unasked),
        cmocka_unit_test(who_is_no_member_any_more_knocks),
        cmocka_unit_test(a_founder_asks_again_whether_it_was_first),
        cmocka_unit_test(who_was_first_may_hear_of_it_by_resuming),
        cmocka_unit_test(info_is_given_in_the_meeting_only),
        cmocka_unit_test(media_signalling_passes_in_the_meeting_only),
        cmocka_unit_test(questions_have_answers_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
