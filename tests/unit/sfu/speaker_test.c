/* Who speaks, and who is heard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/speaker.h"
#include "support/random.h"

#define VOICES 12
#define LOUD 20u
#define SOFT 45u
#define SILENT SFU_LEVEL_SILENCE

struct room {
    struct sfu_speakers s;
    struct sfu_voice voice[VOICES];
    uint8_t level[VOICES];
    size_t n;
    uint64_t now;
    unsigned elections;
};

static void open_room(struct room *r, unsigned most, size_t n)
{
    *r = (struct room){.n = n, .now = 100 * SFU_SECOND};
    sfu_speakers_init(&r->s, most);
    for (size_t i = 0; i < n; i++) {
        r->level[i] = SILENT;
        sfu_speakers_add(&r->s, &r->voice[i]);
    }
}

/* Everybody sends at his level for so long. */
static void pass(struct room *r, uint64_t us)
{
    for (uint64_t end = r->now + us; r->now < end; r->now += 20 * SFU_MILLISECOND) {
        for (size_t i = 0; i < r->n; i++)
            sfu_voice_hear(&r->voice[i], r->level[i]);
        r->elections += sfu_speakers_tick(&r->s, r->now).dominant;
    }
}

static void who_begins_to_speak_is_the_speaker_soon(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 4, 3);
    pass(&r, SFU_SECOND);
    assert_null(r.s.dominant);
    r.level[1] = LOUD;
    pass(&r, 300 * SFU_MILLISECOND);
    assert_ptr_equal(r.s.dominant, &r.voice[1]);
}

static void noise_is_no_speech(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 4, 3);
    r.level[0] = SFU_VOICE_FLOOR;
    r.level[1] = SFU_VOICE_FLOOR - 5;
    pass(&r, 10 * SFU_SECOND);
    assert_null(r.s.dominant);
    const struct sfu_voice *list[VOICES];
    assert_int_equal(sfu_speakers_list(&r.s, list, VOICES), 0);
}

static void who_spoke_last_stays_through_silence(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 4, 3);
    r.level[1] = LOUD;
    pass(&r, SFU_SECOND);
    r.level[1] = SILENT;
    pass(&r, 20 * SFU_SECOND);
    assert_ptr_equal(r.s.dominant, &r.voice[1]);
    r.level[2] = SOFT;
    pass(&r, 2 * SFU_SECOND);
    assert_ptr_equal(r.s.dominant, &r.voice[2]);
}

static void a_cough_does_not_interrupt_a_sentence(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 4, 2);
    r.level[0] = 30;
    pass(&r, 5 * SFU_SECOND);
    for (unsigned i = 0; i < 5; i++) {
        r.level[1] = 10;
        pass(&r, 100 * SFU_MILLISECOND);
        r.level[1] = SILENT;
        pass(&r, 2 * SFU_SECOND);
    }
    assert_ptr_equal(r.s.dominant, &r.voice[0]);
    assert_int_equal(r.elections, 1);
}

static void nor_does_a_longer_one_who_speaks_softly(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 4, 2);
    r.level[0] = SOFT;
    pass(&r, 5 * SFU_SECOND);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned tick = 0; tick < 3; tick++) { /* louder, but not for long */
            sfu_voice_hear(&r.voice[0], SOFT);
            sfu_voice_hear(&r.voice[1], 21);
            r.elections += sfu_speakers_tick(&r.s, r.now += SFU_VOICE_TICK_US).dominant;
        }
        uint32_t now = r.voice[0].score;
        assert_true(r.voice[1].score > now + now / 4 + SFU_VOICE_MARGIN);
        r.level[1] = SILENT;
        pass(&r, 5 * SFU_SECOND);
    }
    assert_int_equal(r.elections, 1);
    assert_ptr_equal(r.s.dominant, &r.voice[0]);
}

static void two_who_are_as_loud_do_not_take_turns(void **state)
{
    struct room r;
    struct random random = {3};

    (void)state;
    open_room(&r, 4, 2);
    for (unsigned i = 0; i < 500; i++) {
        r.level[0] = (uint8_t)(28 + random_below(&random, 8));
        r.level[1] = (uint8_t)(28 + random_below(&random, 8));
        pass(&r, 40 * SFU_MILLISECOND);
    }
    assert_in_range(r.elections, 1, 2);
}

static void a_speaker_reigns_a_second_at_least(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 4, 2);
    r.level[0] = 40;
    pass(&r, 400 * SFU_MILLISECOND);
    assert_ptr_equal(r.s.dominant, &r.voice[0]);
    uint64_t since = r.s.since_us;
    r.level[1] = 5;
    while (r.s.dominant == &r.voice[0])
        pass(&r, 20 * SFU_MILLISECOND);
    assert_in_range(r.now - since, SFU_VOICE_REIGN_US, 2 * SFU_SECOND);
}

static unsigned count_active(const struct room *r)
{
    unsigned n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->voice[i].active;
    return n;
}

static void while_there_is_room_all_are_heard(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 6, 5);
    pass(&r, SFU_SECOND);
    assert_int_equal(count_active(&r), 5);
    assert_null(r.s.spare);
}

static void who_speaks_takes_the_place_of_one_who_is_silent(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 4, 9);
    assert_int_equal(count_active(&r), 4);
    assert_false(r.voice[8].active);
    r.level[8] = LOUD;
    pass(&r, 200 * SFU_MILLISECOND);
    assert_true(r.voice[8].active);
    assert_int_equal(count_active(&r), 4);
}

static void among_speakers_the_loud_are_heard_and_the_dominant_one_always(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 3, 6);
    r.level[0] = 50; /* dominant, because he was the first */
    pass(&r, 500 * SFU_MILLISECOND);
    assert_ptr_equal(r.s.dominant, &r.voice[0]);
    for (size_t i = 1; i < 6; i++)
        r.level[i] = (uint8_t)(50 - i);
    pass(&r, 700 * SFU_MILLISECOND);
    assert_true(r.voice[0].active);
    assert_int_equal(count_active(&r), 3);
    r.level[5] = 20;
    pass(&r, 3 * SFU_SECOND);
    assert_true(r.voice[5].active);
    assert_ptr_equal(r.s.dominant, &r.voice[5]);
}

static void speakers_are_listed_by_how_loud_they_are(void **state)
{
    struct room r;
    const struct sfu_voice *list[VOICES];

    (void)state;
    open_room(&r, 6, 6);
    r.level[3] = 40;
    pass(&r, 500 * SFU_MILLISECOND);
    r.level[1] = 35; /* not clearly louder: 3 stays the speaker, and so the first */
    r.level[5] = 50;
    pass(&r, 5 * SFU_SECOND);
    assert_int_equal(sfu_speakers_list(&r.s, list, VOICES), 3);
    assert_ptr_equal(list[0], &r.voice[3]);
    assert_ptr_equal(list[1], &r.voice[1]);
    assert_ptr_equal(list[2], &r.voice[5]);
    assert_int_equal(sfu_speakers_list(&r.s, list, 1), 1);
    assert_ptr_equal(list[0], &r.voice[3]);
    assert_int_equal(sfu_speakers_list(&r.s, list, 0), 0);
}

static void who_leaves_makes_room(void **state)
{
    struct room r;

    (void)state;
    open_room(&r, 3, 5);
    r.level[0] = LOUD;
    pass(&r, SFU_SECOND);
    r.level[0] = SILENT;
    sfu_speakers_remove(&r.s, &r.voice[0]);
    assert_null(r.s.dominant);
    assert_int_equal(r.s.active, 3);
    assert_int_equal(count_active(&r), 3);
}

/* The active are as many as may be, the spare one is active and never the dominant one, and nobody
 * refers to who has left. */
static void whatever_happens_the_numbers_are_right(void **state)
{
    struct random random = {7};
    struct room r;
    bool in[VOICES];

    (void)state;
    open_room(&r, 4, VOICES);
    for (size_t i = 0; i < VOICES; i++)
        in[i] = true;
    for (unsigned step = 0; step < 5000; step++) {
        size_t i = random_below(&random, VOICES);
        size_t here = 0;
        if (in[i] && random_chance(&random, 30)) {
            sfu_speakers_remove(&r.s, &r.voice[i]);
            in[i] = false;
            r.voice[i] = (struct sfu_voice){0};
        } else if (!in[i]) {
            sfu_speakers_add(&r.s, &r.voice[i]);
            in[i] = true;
        }
        r.level[i] = (uint8_t)random_below(&random, 128);
        pass(&r, 60 * SFU_MILLISECOND);
        for (size_t k = 0; k < VOICES; k++) {
            here += in[k];
            assert_true(in[k] || !r.voice[k].active);
            assert_true(in[k] || (r.s.dominant != &r.voice[k] && r.s.spare != &r.voice[k]));
        }
        assert_int_equal(r.s.active, here < 4 ? here : 4);
        assert_int_equal(count_active(&r), r.s.active);
        assert_true((r.s.spare == NULL) == (r.s.active < 4));
        if (r.s.spare != NULL)
            assert_true(r.s.spare->active && r.s.spare != r.s.dominant);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_begins_to_speak_is_the_speaker_soon),
        cmocka_unit_test(noise_is_no_speech),
        cmocka_unit_test(who_spoke_last_stays_through_silence),
        cmocka_unit_test(a_cough_does_not_interrupt_a_sentence),
        cmocka_unit_test(nor_does_a_longer_one_who_speaks_softly),
        cmocka_unit_test(two_who_are_as_loud_do_not_take_turns),
        cmocka_unit_test(a_speaker_reigns_a_second_at_least),
        cmocka_unit_test(while_there_is_room_all_are_heard),
        cmocka_unit_test(who_speaks_takes_the_place_of_one_who_is_silent),
        cmocka_unit_test(among_speakers_the_loud_are_heard_and_the_dominant_one_always),
        cmocka_unit_test(speakers_are_listed_by_how_loud_they_are),
        cmocka_unit_test(who_leaves_makes_room),
        cmocka_unit_test(whatever_happens_the_numbers_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
