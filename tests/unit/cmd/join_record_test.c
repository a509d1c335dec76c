/* What is recorded plays, is named by whose key sealed it, overwrites nothing, and leaves out what
 * no decoder could use; and sources give back what files hold, at its time. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cmd/join_record.h"
#include "cmd/join_source.h"
#include "media/synthetic.h"

#define SECOND UINT64_C(1000000)

struct place {
    char path[64];
    struct synthetic *sender;
    uint64_t pictures, sounds;
};

static int open_place(void **state)
{
    struct place *p = calloc(1, sizeof *p);
    struct synthetic_config config = synthetic_defaults(3);
    assert_non_null(p);
    config.width = 160;
    config.height = 90;
    strcpy(p->path, "/tmp/conclave-record-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    assert_int_equal(synthetic_new(&config, &p->sender), 0);
    *state = p;
    return 0;
}

static unsigned files(const struct place *p, bool and_remove)
{
    unsigned n = 0;
    DIR *d = opendir(p->path);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        if (and_remove)
            assert_int_equal(unlinkat(dirfd(d), e->d_name, 0), 0);
    }
    closedir(d);
    return n;
}

static int close_place(void **state)
{
    struct place *p = *state;
    (void)files(p, true);
    assert_int_equal(rmdir(p->path), 0);
    synthetic_free(p->sender);
    free(p);
    return 0;
}

/* The sender's next frame, as it would come out of a call. */
static struct call_event next_frame(struct place *p, uint32_t leaf, uint8_t source)
{
    struct media_frame f[SYNTHETIC_LAYERS_MAX];
    uint8_t level;
    struct call_event e = {.what = CALL_FRAME, .leaf = leaf, .source = source, .follows = true};
    e.ssrc = source;
    e.epoch = 1;
    e.context = source;
    if (source == SIGNAL_AUDIO) {
        assert_int_equal(synthetic_audio(p->sender, &f[0], &level), 0);
        e.ctr = p->sounds++;
    } else {
        assert_int_equal(synthetic_video(p->sender, f), 0);
        e.ctr = p->pictures++;
    }
    e.key = f[0].key;
    e.timestamp = f[0].pts + 1000000;
    e.frame = f[0].data;
    return e;
}

/* What a file has; and when its last frame is due. */
static unsigned read_back(const struct place *p, const char *name, uint8_t source, uint64_t *out_us)
{
    char path[192];
    struct join_source *s = NULL;
    struct join_source_fault fault;
    struct join_moment m;
    unsigned n = 0;
    snprintf(path, sizeof path, "%s/%s", p->path, name);
    const struct join_source_config config = {.source = source, .path = path};
    int rv = join_source_new(&config, &s, &fault);
    if (rv != 0)
        fail_msg("%s", rv == CONCLAVE_EINVAL ? fault.text : conclave_error_name(rv));
    for (; join_source_due(s) != UINT64_MAX; n++) {
        assert_int_equal(join_source_take(s, &m, &fault), 0);
        *out_us = m.at_us;
    }
    assert_int_equal(join_source_take(s, &m, &fault), CONCLAVE_ENOTFOUND);
    join_source_free(s);
    return n;
}

static struct join_record *begin(const struct place *p)
{
    struct join_record *r = NULL;
    assert_int_equal(join_record_new(p->path, &r), 0);
    return r;
}

static void put(struct place *p, struct join_record *r, uint32_t leaf, uint8_t source,
                const char *name, uint64_t now)
{
    struct call_event e = next_frame(p, leaf, source);
    assert_int_equal(join_record_frame(r, &e, name, now), 0);
}

static void files_hold_what_came(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    struct join_record_entry e;
    uint64_t us = 0;
    size_t at = 0;
    for (unsigned i = 0; i < 60; i++)
        put(p, r, 4, SIGNAL_CAMERA, "Zo\xc3\xab ../x", SECOND + i * SECOND / 30);
    for (unsigned i = 0; i < 100; i++)
        put(p, r, 4, SIGNAL_AUDIO, "Zo\xc3\xab ../x", SECOND + i * SECOND / 50);
    assert_true(join_record_next(r, &at, 3 * SECOND, &e));
    assert_int_equal(e.leaf, 4);
    assert_int_equal(e.numbers.frames, 60);
    assert_int_equal(e.numbers.lost, 0);
    assert_string_equal(e.file, "005-Zo-x-camera.ivf");
    assert_int_equal(join_record_finish(r), 0);
    join_record_free(r);
    assert_int_equal(read_back(p, "005-Zo-x-camera.ivf", SIGNAL_CAMERA, &us), 60);
    assert_in_range(us, 59 * SECOND / 30 - 1000, 59 * SECOND / 30 + 1000);
    assert_int_equal(read_back(p, "005-Zo-x-sound.opus", SIGNAL_AUDIO, &us), 100);
    assert_int_equal(us, 99 * 20000);
}

static void nothing_is_overwritten(void **state)
{
    struct place *p = *state;
    uint64_t us = 0;
    for (unsigned i = 1; i <= 3; i++) {
        struct join_record *r = begin(p);
        for (unsigned n = 0; n < 10 * i; n++)
            put(p, r, 0, SIGNAL_AUDIO, "Ada", SECOND + UINT64_C(20000) * n);
        join_record_free(r);
    }
    assert_int_equal(files(p, false), 3);
    assert_int_equal(read_back(p, "001-Ada-sound.opus", SIGNAL_AUDIO, &us), 10);
    assert_int_equal(read_back(p, "001-Ada-sound-2.opus", SIGNAL_AUDIO, &us), 20);
    assert_int_equal(read_back(p, "001-Ada-sound-3.opus", SIGNAL_AUDIO, &us), 30);
}

static void who_comes_on_a_leaf_after_another_is_somebody_else(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    struct join_record_entry e;
    size_t at = 0;
    put(p, r, 2, SIGNAL_AUDIO, "Ben", SECOND);
    join_record_gone(r, 2);
    put(p, r, 2, SIGNAL_AUDIO, "Mallory", 2 * SECOND);
    assert_true(join_record_next(r, &at, 3 * SECOND, &e));
    assert_true(e.gone);
    assert_string_equal(e.name, "Ben");
    assert_true(join_record_next(r, &at, 3 * SECOND, &e));
    assert_false(e.gone);
    assert_string_equal(e.name, "Mallory");
    assert_int_equal(e.numbers.frames, 1);
    assert_false(join_record_next(r, &at, 3 * SECOND, &e));
    join_record_free(r);
}

static void pictures_no_decoder_could_use_are_left_out(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    struct join_record_entry e;
    uint64_t us = 0;
    size_t at = 0;
    for (unsigned i = 0; i < 20; i++) {
        struct call_event f;
        if (i == 15)
            synthetic_request_key(p->sender, 0);
        f = next_frame(p, 0, SIGNAL_CAMERA);
        f.follows = i < 10 || i >= 15; /* one was lost, and the next key frame mends it */
        assert_int_equal(join_record_frame(r, &f, "Ada", SECOND + i * SECOND / 30), 0);
    }
    assert_true(join_record_next(r, &at, 2 * SECOND, &e));
    assert_int_equal(e.unusable, 5);
    assert_int_equal(e.numbers.frames, 20);
    join_record_free(r);
    assert_int_equal(read_back(p, "001-Ada-camera.ivf", SIGNAL_CAMERA, &us), 15);
}

/* A second of pictures from `from` on; follows: whether a decoder can make anything of them. */
static void put_second(struct place *p, struct join_record *r, bool follows, uint64_t from)
{
    for (unsigned i = 0; i < 30; i++) {
        struct call_event f = next_frame(p, 0, SIGNAL_CAMERA);
        f.follows = follows;
        assert_int_equal(join_record_frame(r, &f, "Ada", from + i * SECOND / 30), 0);
    }
}

static struct report_numbers numbers(const struct join_record *r, uint64_t now)
{
    struct join_record_entry e;
    size_t at = 0;
    assert_true(join_record_next(r, &at, now, &e));
    return e.numbers;
}

static void what_freezes_is_what_is_shown(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    put_second(p, r, true, SECOND);
    put_second(p, r, false, 2 * SECOND);
    put_second(p, r, true, 3 * SECOND);
    struct report_numbers n = numbers(r, 4 * SECOND);
    assert_int_equal(n.frames, 90);
    assert_int_equal(n.lost, 0);
    assert_int_equal(n.freezes, 1);
    assert_int_equal(n.freezes_long, 1);
    join_record_free(r);
}

static void after_the_switch_stopped_a_stream_nothing_is_a_freeze(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    struct signal_flow flow = {
        .leaf = 0, .source = SIGNAL_CAMERA, .ssrc = SIGNAL_CAMERA, .state = SIGNAL_FLOW_RUNNING};
    join_record_flow(r, &flow);
    put_second(p, r, true, SECOND);
    assert_int_equal(numbers(r, 4 * SECOND).freezes, 1); /* so far it should go on */
    flow.state = SIGNAL_FLOW_NARROW;
    join_record_flow(r, &flow);
    put_second(p, r, true, 2 * SECOND); /* under way */
    assert_int_equal(numbers(r, 9 * SECOND).freezes, 0);
    flow.state = SIGNAL_FLOW_RUNNING;
    join_record_flow(r, &flow);
    put_second(p, r, true, 9 * SECOND);
    assert_int_equal(numbers(r, 10 * SECOND).freezes, 0);
    assert_int_equal(numbers(r, 12 * SECOND).freezes_long, 1);
    flow.leaf = 1; /* somebody else's turn */
    join_record_flow(r, &flow);
    assert_int_equal(numbers(r, 12 * SECOND).freezes, 0);
    join_record_free(r);
}

static void after_a_cut_nothing_is_a_freeze_before_streams_are_told_anew(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    struct signal_flow flow = {
        .leaf = 0, .source = SIGNAL_CAMERA, .ssrc = SIGNAL_CAMERA, .state = SIGNAL_FLOW_RUNNING};
    join_record_flow(r, &flow);
    put_second(p, r, true, SECOND);
    join_record_pause(r);
    put_second(p, r, true, 2 * SECOND); /* under way */
    assert_int_equal(numbers(r, 9 * SECOND).freezes, 0);
    join_record_flow(r, &flow);
    put_second(p, r, true, 9 * SECOND);
    assert_int_equal(numbers(r, 12 * SECOND).freezes_long, 1);
    join_record_free(r);
}

static void another_stream_goes_on_by_the_clock(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    uint64_t us = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct call_event f = next_frame(p, 0, SIGNAL_CAMERA);
        f.ssrc = i < 2 ? 11 : 12;
        f.timestamp += i < 2 ? 0 : UINT64_C(1) << 40; /* another stream has other times */
        assert_int_equal(join_record_frame(r, &f, "Ada", SECOND + i * SECOND), 0);
    }
    join_record_free(r);
    assert_int_equal(read_back(p, "001-Ada-camera.ivf", SIGNAL_CAMERA, &us), 4);
    assert_in_range(us, SECOND, 4 * SECOND);
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
    struct join_record *r = NULL;
    (void)state;
    assert_int_equal(join_record_new("/proc/none/of/these", &r), CONCLAVE_ESTORE);
    assert_null(r);
}

static void what_the_disk_does_not_take_is_told_and_numbers_go_on(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    struct join_record_entry e;
    size_t at = 0;
    put(p, r, 0, SIGNAL_AUDIO, "Ada", SECOND);
    assert_int_equal(files(p, true), 1); /* its file is gone from under it */
    struct call_event f = next_frame(p, 0, SIGNAL_AUDIO);
    int rv = 0;
    for (unsigned i = 0; rv == 0 && i < 200; i++) {
        f = next_frame(p, 0, SIGNAL_AUDIO);
        rv = join_record_frame(r, &f, "Ada", 2 * SECOND + UINT64_C(20000) * i);
    }
    assert_int_equal(rv, CONCLAVE_ESTORE);
    f = next_frame(p, 0, SIGNAL_AUDIO);
    assert_int_equal(join_record_frame(r, &f, "Ada", 9 * SECOND), 0); /* told once */
    assert_true(join_record_next(r, &at, 9 * SECOND, &e));
    assert_true(e.numbers.frames > 2);
    join_record_free(r);
}

static void a_looped_source_goes_on_counting(void **state)
{
    struct place *p = *state;
    struct join_record *r = begin(p);
    struct join_source *s = NULL;
    struct join_source_fault fault;
    struct join_moment m;
    char path[128];
    uint64_t before = 0;
    for (unsigned i = 0; i < 10; i++)
        put(p, r, 0, SIGNAL_AUDIO, "Ada", SECOND + UINT64_C(20000) * i);
    join_record_free(r);
    snprintf(path, sizeof path, "%s/001-Ada-sound.opus", p->path);
    const struct join_source_config config = {.source = SIGNAL_AUDIO, .path = path, .loop = true};
    assert_int_equal(join_source_new(&config, &s, &fault), 0);
    for (unsigned i = 0; i < 35; i++) {
        assert_int_equal(join_source_take(s, &m, &fault), 0);
        assert_int_equal(m.at_us, i == 0 ? 0 : before + 20000);
        assert_true(m.level < 60); /* a tone is heard */
        before = m.at_us;
    }
    join_source_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_place, close_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_hold_what_came),
        TEST(nothing_is_overwritten),
        TEST(who_comes_on_a_leaf_after_another_is_somebody_else),
        TEST(pictures_no_decoder_could_use_are_left_out),
        TEST(what_freezes_is_what_is_shown),
        TEST(after_the_switch_stopped_a_stream_nothing_is_a_freeze),
        TEST(after_a_cut_nothing_is_a_freeze_before_streams_are_told_anew),
        TEST(another_stream_goes_on_by_the_clock),
        TEST(a_folder_that_cannot_be_is_an_error),
        TEST(what_the_disk_does_not_take_is_told_and_numbers_go_on),
        TEST(a_looped_source_goes_on_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
