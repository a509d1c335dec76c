/* IVF files: what goes in comes out, and each way in which a file can be wrong. */
#include "media_file.h"

#include "media/ivf.h"
#include "media/le.h"
#include "support/alloc_fail.h"
#include "support/random.h"

static struct media_file got;

/* A file of n frames 3,000 units apart, the first and each tenth a key frame. */
static void make(size_t n, struct buf *out)
{
    struct random random = {7};
    struct ivf_writer w;
    uint8_t data[400];

    ivf_writer_init(&w);
    for (size_t i = 0; i < n; i++) {
        random_fill(&random, data, sizeof data);
        struct media_frame f =
            vp8_like(i % 10 == 0, 5000 + 3000 * i, data, 10 + random_below(&random, 390));
        assert_int_equal(ivf_writer_frame(&w, &f, out), 0);
    }
}

static void what_goes_in_comes_out_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {1, 2, 31, 32, 33, 1000, MEDIA_PIECE_MAX};
    struct buf file = {0};
    struct random random = {7};
    uint8_t data[400];

    (void)state;
    make(50, &file);
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        assert_int_equal(media_file_read(buf_view(&file), pieces[p], &got), 0);
        assert_int_equal(got.n, 50);
        random.state = 7;
        for (size_t i = 0; i < got.n; i++) {
            random_fill(&random, data, sizeof data);
            struct media_frame f =
                vp8_like(i % 10 == 0, 3000 * i, data, 10 + random_below(&random, 390));
            assert_int_equal(got.frames[i].codec, MEDIA_VP8);
            assert_int_equal(got.frames[i].pts, f.pts);
            assert_int_equal(got.frames[i].key, f.key);
            assert_true(bytes_equal(got.frames[i].data, f.data));
        }
        assert_string_equal(got.info.format, "IVF");
        assert_int_equal(got.info.width, 320);
        assert_int_equal(got.info.height, 180);
        media_file_free(&got);
    }
    buf_free(&file);
}

/* A file of one tick, whose length is scale/rate seconds. */
static void with_clock(uint32_t rate, uint32_t scale, uint64_t ticks, struct buf *out)
{
    uint8_t data[20] = {0};
    struct media_frame f = vp8_like(true, 0, data, sizeof data);
    struct ivf_writer w;
    struct buf clock = {0};

    ivf_writer_init(&w);
    assert_int_equal(ivf_writer_frame(&w, &f, out), 0);
    le_write32(&clock, rate);
    le_write32(&clock, scale);
    memcpy(out->p + 16, clock.p, 8);
    buf_clear(&clock);
    le_write64(&clock, ticks);
    memcpy(out->p + IVF_HEADER + 4, clock.p, 8);
    buf_free(&clock);
}

static void times_are_told_in_units_of_the_media_clock(void **state)
{
    static const struct {
        uint32_t rate, scale;
        uint64_t ticks, pts;
    } cases[] = {
        {30, 1, 1, 3000},
        {30000, 1001, 1, 3003},
        {30000, 1001, 30000, 90090000},
        {25, 1, 7, 25200},
        {1000, 1, 33, 2970},
        {7, 3, 1, 38571}, /* rounded down */
        {INT32_MAX, 1, INT32_MAX, 90000},
        {INT32_MAX, UINT16_MAX, INT32_MAX - 1, UINT64_C(5898149997)},
        {90000, 1, MEDIA_PTS_MAX - 90000, MEDIA_PTS_MAX - 90000},
    };
    struct buf file = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        with_clock(cases[i].rate, cases[i].scale, cases[i].ticks, &file);
        assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), 0);
        assert_int_equal(got.n, 1);
        assert_int_equal(got.frames[0].pts, cases[i].pts);
        media_file_free(&got);
        buf_clear(&file);
    }
    buf_free(&file);
}

static void clocks_that_make_no_sense_are_refused(void **state)
{
    static const uint32_t bad[][2] = {
        {0, 1}, {30, 0}, {(uint32_t)INT32_MAX + 1, 1}, {30, UINT16_MAX + 1}};
    struct buf file = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        with_clock(bad[i][0], bad[i][1], 0, &file);
        media_file_refused(buf_view(&file), CONCLAVE_ESYNTAX, 16, 0);
        buf_clear(&file);
    }
    with_clock(1, 1, MEDIA_PTS_MAX, &file); /* seconds */
    media_file_refused(buf_view(&file), CONCLAVE_ELIMIT, IVF_HEADER + 4, 0);
    buf_clear(&file);
    with_clock(1, UINT16_MAX, UINT64_MAX, &file);
    media_file_refused(buf_view(&file), CONCLAVE_ELIMIT, IVF_HEADER + 4, 0);
    buf_free(&file);
}

/* The file with one byte changed. */
static void refused_if(size_t at, uint8_t value, int error, uint64_t offset, size_t frames)
{
    struct buf file = {0};

    make(3, &file);
    assert_int_not_equal(file.p[at], value);
    file.p[at] = value;
    media_file_refused(buf_view(&file), error, offset, frames);
    buf_free(&file);
}

static void each_field_that_is_wrong_is_named_by_its_place(void **state)
{
    (void)state;
    refused_if(0, 'X', CONCLAVE_EUNSUPPORTED, 0, 0);  /* no IVF */
    refused_if(4, 1, CONCLAVE_EUNSUPPORTED, 4, 0);    /* the version */
    refused_if(6, 33, CONCLAVE_EUNSUPPORTED, 4, 0);   /* the size of the header */
    refused_if(11, '1', CONCLAVE_EUNSUPPORTED, 8, 0); /* VP81 */
    refused_if(IVF_HEADER + 2, 0x10, CONCLAVE_ELIMIT, IVF_HEADER, 0);
    refused_if(IVF_HEADER + 12 + 3, 0, CONCLAVE_ESYNTAX, IVF_HEADER + 12, 0); /* start code */
}

static void a_frame_earlier_than_the_last_is_refused(void **state)
{
    struct buf file = {0};

    (void)state;
    make(2, &file);
    size_t second =
        IVF_HEADER + IVF_FRAME_HEADER + file.p[IVF_HEADER] + ((size_t)file.p[IVF_HEADER + 1] << 8);
    file.p[IVF_HEADER + 4] = 0xff;
    file.p[IVF_HEADER + 5] = 0xff;
    media_file_refused(buf_view(&file), CONCLAVE_ESYNTAX, second + 4, 1);
    buf_free(&file);
}

static void a_truncated_file_gives_its_whole_frames_and_says_where_it_ends(void **state)
{
    struct buf file = {0};
    size_t starts[4] = {IVF_HEADER};

    (void)state;
    make(3, &file);
    for (size_t i = 0; i < 3; i++)
        starts[i + 1] =
            starts[i] + IVF_FRAME_HEADER + file.p[starts[i]] + ((size_t)file.p[starts[i] + 1] << 8);
    assert_int_equal(starts[3], file.n);
    for (size_t n = 0; n < file.n; n++) {
        size_t whole = 0;
        while (whole < 3 && starts[whole + 1] <= n)
            whole++;
        int expected = n < 4 ? CONCLAVE_EUNSUPPORTED : CONCLAVE_ESYNTAX;
        if (n >= IVF_HEADER && starts[whole] == n)
            expected = 0; /* between two frames */
        assert_int_equal(media_file_read(bytes_of(file.p, n), MEDIA_PIECE_MAX, &got), expected);
        assert_int_equal(got.n, n < IVF_HEADER ? 0 : whole);
        assert_int_equal(got.fault.offset, n < IVF_HEADER || expected == 0 ? 0 : starts[whole]);
        media_file_free(&got);
    }
    buf_free(&file);
}

static void a_reader_takes_input_only_when_it_asks(void **state)
{
    static const uint8_t large[MEDIA_PIECE_MAX + 1];
    struct media_reader *r = NULL;
    struct media_frame frame;
    enum media_event event;

    (void)state;
    media_reader_free(NULL);
    assert_int_equal(media_reader_new(&r), 0);
    assert_int_equal(media_reader_input(r, bytes_str("DKIF")), CONCLAVE_ESTATE);
    assert_int_equal(media_reader_next(r, &event, &frame), 0);
    assert_int_equal(event, MEDIA_MORE);
    assert_int_equal(media_reader_input(r, bytes_of(large, sizeof large)), CONCLAVE_EINVAL);
    assert_int_equal(media_reader_input(r, bytes_str("")), 0); /* nothing read is no end */
    assert_int_equal(media_reader_input(r, bytes_str("DKIF")), 0);
    assert_int_equal(media_reader_input(r, bytes_str("DKIF")), CONCLAVE_ESTATE);
    assert_int_equal(media_reader_next(r, &event, &frame), 0);
    assert_int_equal(event, MEDIA_MORE);
    assert_null(media_reader_fault(r));
    media_reader_end(r);
    assert_int_equal(media_reader_input(r, bytes_str("DKIF")), CONCLAVE_ESTATE);
    assert_int_equal(media_reader_next(r, &event, &frame), CONCLAVE_ESYNTAX);
    assert_int_equal(media_reader_next(r, &event, &frame), CONCLAVE_ESYNTAX); /* for good */
    media_reader_free(r);
}

static void the_writer_takes_only_what_a_player_can_play(void **state)
{
    static uint8_t large[MEDIA_VIDEO_FRAME_MAX + 1];
    uint8_t data[20];
    struct ivf_writer w, before;
    struct buf out = {0};
    struct media_frame delta = vp8_like(false, 0, data, sizeof data);

    (void)state;
    ivf_writer_init(&w);
    assert_int_equal(ivf_writer_finish(&w, &out), CONCLAVE_ESTATE);
    assert_int_equal(ivf_writer_frame(&w, &delta, &out), CONCLAVE_EINVAL); /* not at first */
    struct media_frame key = vp8_like(true, 7000, data, sizeof data);
    assert_int_equal(ivf_writer_frame(&w, &key, &out), 0);
    before = w;
    size_t n = out.n;
    struct media_frame bad[] = {key, key, key, key, key};
    bad[0].codec = MEDIA_OPUS;
    bad[1].pts = 6999;
    bad[2].pts = key.pts + MEDIA_PTS_MAX + 1;
    bad[3].data.n = 0;
    bad[4].data = bytes_of(large, sizeof large);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ivf_writer_frame(&w, &bad[i], &out), CONCLAVE_EINVAL);
    assert_memory_equal(&w, &before, sizeof w);
    assert_int_equal(out.n, n);
    buf_free(&out);
}

static void the_header_at_the_end_tells_the_length(void **state)
{
    struct ivf_writer w;
    struct buf file = {0}, header = {0};
    uint8_t data[20];
    struct media_frame f = vp8_like(true, 0, data, sizeof data);

    (void)state;
    ivf_writer_init(&w);
    for (size_t i = 0; i < 30; i++) {
        f.pts = 777 + 3000 * i;
        assert_int_equal(ivf_writer_frame(&w, &f, &file), 0);
    }
    assert_int_equal(ivf_writer_finish(&w, &header), 0);
    assert_int_equal(header.n, IVF_HEADER);
    struct reader length = reader_of(bytes_of(header.p + 24, 4));
    assert_int_equal(le_read32(&length), 90000);
    memset(header.p + 24, 0, 4);
    assert_memory_equal(header.p, file.p, IVF_HEADER);
    f.pts = 777 + ((uint64_t)1 << 33); /* longer than the field can tell */
    assert_int_equal(ivf_writer_frame(&w, &f, &file), 0);
    buf_clear(&header);
    assert_int_equal(ivf_writer_finish(&w, &header), 0);
    assert_memory_equal(header.p, file.p, IVF_HEADER);
    buf_free(&file);
    buf_free(&header);
}

static int writes(void *ctx)
{
    struct buf *out = ctx;
    struct ivf_writer w, before;
    static uint8_t data[300];
    struct media_frame f = vp8_like(true, 0, data, sizeof data);

    buf_free(out);
    ivf_writer_init(&w);
    for (int i = 0; i < 4; i++) {
        before = w;
        size_t n = out->n;
        int rv = ivf_writer_frame(&w, &f, out);
        if (rv != 0) {
            assert_memory_equal(&w, &before, sizeof w);
            assert_int_equal(out->n, n);
            return rv;
        }
    }
    return 0;
}

static int reads(void *ctx)
{
    const struct buf *file = ctx;
    int rv = media_file_read(buf_view(file), 100, &got);
    media_file_free(&got);
    return rv;
}

static void failed_allocations_are_reported_and_lose_nothing(void **state)
{
    struct buf file = {0};

    (void)state;
    assert_true(alloc_sweep(writes, &file) > 0);
    assert_true(alloc_sweep(reads, &file) > 0);
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out_whatever_the_pieces),
        cmocka_unit_test(times_are_told_in_units_of_the_media_clock),
        cmocka_unit_test(clocks_that_make_no_sense_are_refused),
        cmocka_unit_test(each_field_that_is_wrong_is_named_by_its_place),
        cmocka_unit_test(a_frame_earlier_than_the_last_is_refused),
        cmocka_unit_test(a_truncated_file_gives_its_whole_frames_and_says_where_it_ends),
        cmocka_unit_test(a_reader_takes_input_only_when_it_asks),
        cmocka_unit_test(the_writer_takes_only_what_a_player_can_play),
        cmocka_unit_test(the_header_at_the_end_tells_the_length),
        cmocka_unit_test(failed_allocations_are_reported_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
