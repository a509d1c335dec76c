/* Opus in Ogg files: what goes in comes out, time is kept over gaps, and each way in which a file
 * can be wrong. Pages that are wrong are made by hand, with the right checksum. */
#include "media_file.h"

#include <ogg/ogg.h>

#include "media/le.h"
#include "media/ogg_opus.h"
#include "support/alloc_fail.h"
#include "support/random.h"

#define FRAME INT64_C(960) /* 20 ms */
#define TOC 0xf8           /* CELT, 20 ms, mono, one frame */

static struct media_file got;

static struct ogg_opus_writer *made(uint8_t channels, uint16_t pre_skip)
{
    struct ogg_opus_config config = {.serial = 77, .channels = channels, .pre_skip = pre_skip};
    struct ogg_opus_writer *w = NULL;

    assert_int_equal(ogg_opus_writer_new(&config, &w), 0);
    return w;
}

/* A packet of 20 ms, of a size and content of its own. */
static struct media_frame packet(struct random *random, uint64_t pts, uint8_t data[static 300])
{
    random_fill(random, data, 300);
    data[0] = TOC;
    return (struct media_frame){
        .codec = MEDIA_OPUS, .pts = pts, .data = bytes_of(data, 2 + random_below(random, 298))};
}

/* n packets without a gap. */
static void make(size_t n, struct buf *out)
{
    struct ogg_opus_writer *w = made(1, OGG_OPUS_PRE_SKIP);
    struct random random = {3};
    uint8_t data[300];

    for (size_t i = 0; i < n; i++) {
        struct media_frame f = packet(&random, 7000 + FRAME * i, data);
        assert_int_equal(ogg_opus_writer_frame(w, &f, out), 0);
    }
    assert_int_equal(ogg_opus_writer_finish(w, out), 0);
    assert_int_equal(ogg_opus_writer_finish(w, out), CONCLAVE_ESTATE);
    ogg_opus_writer_free(w);
}

static void what_goes_in_comes_out_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {1, 27, 28, 1000, MEDIA_PIECE_MAX};
    struct buf file = {0};
    uint8_t data[300];

    (void)state;
    make(300, &file);
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        struct random random = {3};
        assert_int_equal(media_file_read(buf_view(&file), pieces[p], &got), 0);
        assert_int_equal(got.n, 300);
        for (size_t i = 0; i < got.n; i++) {
            struct media_frame f = packet(&random, FRAME * i, data);
            assert_int_equal(got.frames[i].codec, MEDIA_OPUS);
            assert_int_equal(got.frames[i].pts, f.pts);
            assert_int_equal(got.frames[i].duration, FRAME);
            assert_true(got.frames[i].key);
            assert_true(bytes_equal(got.frames[i].data, f.data));
        }
        assert_string_equal(got.info.format, "Ogg");
        assert_int_equal(got.info.channels, 1);
        assert_int_equal(got.info.pre_skip, OGG_OPUS_PRE_SKIP);
        media_file_free(&got);
    }
    buf_free(&file);
}

static void a_recording_of_nothing_is_a_file_of_no_frames(void **state)
{
    struct buf file = {0};

    (void)state;
    make(0, &file);
    assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), 0);
    assert_int_equal(got.n, 0);
    media_file_free(&got);
    buf_free(&file);
}

static void pages_come_out_once_a_second(void **state)
{
    struct ogg_opus_writer *w = made(2, 0);
    struct buf out = {0};
    uint8_t data[10] = {TOC};
    struct media_frame f = {.codec = MEDIA_OPUS, .data = bytes_of(data, sizeof data)};
    size_t pages = 0, before = 0;

    (void)state;
    for (size_t i = 0; i < 1001; i++) {
        f.pts = FRAME * i;
        assert_int_equal(ogg_opus_writer_frame(w, &f, &out), 0);
        pages += out.n != before;
        before = out.n;
    }
    assert_int_equal(pages, 1 + 20); /* the headers at once, with the first packet */
    assert_int_equal(ogg_opus_writer_finish(w, &out), 0);
    ogg_opus_writer_free(w);
    buf_free(&out);
}

/* Writes packets of 20 ms at these times, and reads them. */
static struct ogg_opus_gaps write_at(const uint64_t *pts, size_t n, uint8_t toc)
{
    struct ogg_opus_writer *w = made(1, 0);
    struct ogg_opus_gaps gaps;
    struct buf file = {0};
    uint8_t data[10] = {toc, 1};

    for (size_t i = 0; i < n; i++) {
        struct media_frame f = {
            .codec = MEDIA_OPUS, .pts = pts[i], .data = bytes_of(data, sizeof data)};
        assert_int_equal(ogg_opus_writer_frame(w, &f, &file), 0);
    }
    assert_int_equal(ogg_opus_writer_finish(w, &file), 0);
    gaps = ogg_opus_writer_gaps(w);
    ogg_opus_writer_free(w);
    assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), 0);
    buf_free(&file);
    return gaps;
}

static void a_short_gap_is_filled_with_frames_of_no_bytes(void **state)
{
    static const uint64_t pts[] = {500, 500 + FRAME, 500 + FRAME * 5, 500 + FRAME * 6};

    (void)state;
    struct ogg_opus_gaps gaps = write_at(pts, 4, TOC);
    assert_int_equal(gaps.filled, 3);
    assert_int_equal(gaps.jumped, 0);
    assert_int_equal(got.n, 7);
    for (size_t i = 0; i < got.n; i++) {
        assert_int_equal(got.frames[i].pts, FRAME * i);
        assert_int_equal(got.frames[i].duration, FRAME);
        assert_int_equal(got.frames[i].data.n, i >= 2 && i <= 4 ? 1 : 10);
        assert_int_equal(got.frames[i].data.p[0], TOC);
    }
    media_file_free(&got);
}

static void what_is_left_of_a_gap_is_made_up_for_in_the_next(void **state)
{
    static const uint64_t pts[] = {0, FRAME + 900, 2 * FRAME + 900, 5 * FRAME};

    (void)state;
    struct ogg_opus_gaps gaps = write_at(pts, 4, TOC);
    assert_int_equal(gaps.filled, 2);
    assert_int_equal(got.n, 6);
    assert_int_equal(got.frames[5].pts, 5 * FRAME);
    media_file_free(&got);
}

static void frames_that_fill_a_gap_are_as_long_as_those_before_it(void **state)
{
    static const uint64_t pts[] = {0, 480};

    (void)state;
    struct ogg_opus_gaps gaps = write_at(pts, 2, 0xe3 & 0xfc); /* CELT, 2.5 ms */
    assert_int_equal(gaps.filled, 3);
    assert_int_equal(got.n, 5);
    assert_int_equal(got.frames[4].pts, 480);
    media_file_free(&got);
}

static void over_a_long_gap_the_time_jumps(void **state)
{
    static const uint64_t pts[] = {0, FRAME, INT64_C(48000) * 3600, INT64_C(48000) * 3600 + FRAME};

    (void)state;
    struct ogg_opus_gaps gaps = write_at(pts, 4, TOC);
    assert_int_equal(gaps.filled, 0);
    assert_int_equal(gaps.jumped, 1);
    assert_int_equal(got.n, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(got.frames[i].pts, pts[i]);
    media_file_free(&got);
}

static void random_gaps_keep_the_time(void **state)
{
    struct random random = {11};
    static uint64_t pts[300];

    (void)state;
    for (size_t i = 1; i < 300; i++)
        pts[i] =
            pts[i - 1] + FRAME + (random_chance(&random, 20) ? random_below(&random, 60000) : 0);
    (void)write_at(pts, 300, TOC);
    size_t at = 0;
    for (size_t i = 0; i < 300; i++, at++) {
        while (got.frames[at].data.n == 1)
            at++;
        assert_true(got.frames[at].pts <= pts[i] && pts[i] - got.frames[at].pts < FRAME);
    }
    assert_int_equal(at, got.n);
    media_file_free(&got);
}

static void the_writer_takes_only_packets_in_order(void **state)
{
    static uint8_t large[MEDIA_AUDIO_FRAME_MAX + 1] = {TOC | 3, 0x80 | 48};
    struct ogg_opus_config config = {.channels = 3};
    struct ogg_opus_writer *w = NULL;
    struct buf out = {0};
    uint8_t data[10] = {TOC};
    struct media_frame good = {
        .codec = MEDIA_OPUS, .pts = 5000, .data = bytes_of(data, sizeof data)};
    struct media_frame bad[] = {good, good, good, good, good, good};

    (void)state;
    assert_int_equal(ogg_opus_writer_new(&config, &w), CONCLAVE_EINVAL);
    config.channels = 0;
    assert_int_equal(ogg_opus_writer_new(&config, &w), CONCLAVE_EINVAL);
    w = made(1, 0);
    assert_int_equal(ogg_opus_writer_frame(w, &good, &out), 0);
    size_t n = out.n;
    bad[0].codec = MEDIA_VP8;
    bad[1].data.n = 0;
    bad[2].data = bytes_of(large, sizeof large);
    bad[3].pts = 4999;
    bad[4].pts = 5000 + FRAME - 1;
    bad[5].pts = 5000 + MEDIA_PTS_MAX + 1;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ogg_opus_writer_frame(w, &bad[i], &out), CONCLAVE_EINVAL);
    assert_int_equal(out.n, n);
    good.pts += FRAME;
    assert_int_equal(ogg_opus_writer_frame(w, &good, &out), 0);
    assert_int_equal(ogg_opus_writer_finish(w, &out), 0);
    assert_int_equal(ogg_opus_writer_frame(w, &good, &out), CONCLAVE_ESTATE);
    ogg_opus_writer_free(w);
    ogg_opus_writer_free(NULL);
    buf_free(&out);
}

/* ---- Files by hand ---- */

enum { CONTINUED = 1, FIRST = 2, LAST = 4, UNFINISHED = 8 };

/* A page; UNFINISHED: its last packet, of a multiple of 255 bytes, goes on in the next one. */
struct page {
    unsigned flags;
    int64_t granule;
    uint32_t number;
    struct bytes packets[4];
    uint32_t serial;
};

static void put_lacing(struct buf *out, size_t n, bool unfinished)
{
    for (; n >= 255; n -= 255)
        le_write(out, 255, 1);
    if (!unfinished)
        le_write(out, n, 1);
}

static void put_page(struct buf *out, const struct page *p)
{
    struct buf lacing = {0}, body = {0};
    size_t start = out->n, count = 0;

    while (count < 4 && p->packets[count].p != NULL)
        count++;
    for (size_t i = 0; i < count; i++) {
        put_lacing(&lacing, p->packets[i].n, i + 1 == count && (p->flags & UNFINISHED) != 0);
        buf_put(&body, p->packets[i]);
    }
    buf_put(out, bytes_of("OggS\0", 5));
    le_write(out, p->flags & 7, 1);
    le_write64(out, (uint64_t)p->granule);
    le_write32(out, p->serial);
    le_write32(out, p->number);
    le_write32(out, 0);
    le_write(out, lacing.n, 1);
    buf_put(out, buf_view(&lacing));
    size_t header = out->n - start;
    buf_put(out, buf_view(&body));
    assert_int_equal(buf_check(out), 0);
    ogg_page page = {out->p + start, (long)header, out->p + start + header, (long)body.n};
    ogg_page_checksum_set(&page);
    buf_free(&lacing);
    buf_free(&body);
}

static const uint8_t head[19] = "OpusHead\1\2\70\1\200\273\0\0\0\0\0";
#define HEAD bytes_of(head, sizeof head)
#define TAGS bytes_of("OpusTags\0\0\0\0\0\0\0\0", 16)
#define SOUND bytes_of("\370abc", 4)

#define PAGES 6

/* A file of 2 headers and 4 pages of 2 packets, for a test to spoil. */
static void good_pages(struct page out[static PAGES])
{
    for (uint32_t i = 0; i < PAGES; i++)
        out[i] = (struct page){
            .number = i, .granule = i < 2 ? 0 : 2 * FRAME * (i - 1), .packets = {SOUND, SOUND}};
    out[0].flags = FIRST;
    out[0].packets[0] = HEAD;
    out[1].packets[0] = TAGS;
    out[0].packets[1] = out[1].packets[1] = bytes_of(NULL, 0);
    out[PAGES - 1].flags = LAST;
}

/* Puts the file together; out_at gets the offset of each page. */
static void put_pages(const struct page *pages, size_t n, struct buf *out, uint64_t *out_at)
{
    for (size_t i = 0; i < n; i++) {
        out_at[i] = out->n;
        put_page(out, &pages[i]);
    }
}

static void pages_refused(const struct page *pages, size_t n, int error, size_t page, size_t frames)
{
    struct buf file = {0};
    uint64_t at[PAGES + 2];

    put_pages(pages, n, &file, at);
    at[n] = file.n;
    media_file_refused(buf_view(&file), error, at[page], frames);
    buf_free(&file);
}

static void pages_read(const struct page *pages, size_t n, size_t frames)
{
    struct buf file = {0};
    uint64_t at[PAGES + 2];

    put_pages(pages, n, &file, at);
    assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), 0);
    assert_int_equal(got.n, frames);
    buf_free(&file);
}

static void a_file_by_hand_is_read(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    pages_read(p, PAGES, 8);
    assert_int_equal(got.info.channels, 2);
    assert_int_equal(got.info.pre_skip, 312);
    assert_int_equal(got.frames[7].pts, 7 * FRAME);
    media_file_free(&got);
}

static void headers_that_break_a_rule_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        int error;
    } cases[] = {
        {0, 'o', CONCLAVE_EUNSUPPORTED},  {8, 0, CONCLAVE_ESYNTAX},
        {8, 16, CONCLAVE_EUNSUPPORTED},   {9, 0, CONCLAVE_EUNSUPPORTED},
        {9, 3, CONCLAVE_EUNSUPPORTED},    {18, 1, CONCLAVE_EUNSUPPORTED},
        {18, 255, CONCLAVE_EUNSUPPORTED},
    };
    uint8_t data[sizeof head];
    struct page p[PAGES];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        good_pages(p);
        memcpy(data, head, sizeof head);
        data[cases[i].at] = cases[i].value;
        p[0].packets[0] = bytes_of(data, sizeof data);
        pages_refused(p, PAGES, cases[i].error, 0, 0);
    }
    good_pages(p);
    p[0].packets[0].n--;
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 0, 0);
    good_pages(p);
    p[0].packets[1] = SOUND; /* shares the header's page */
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 0, 0);
    good_pages(p);
    p[1].packets[1] = SOUND;
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 1, 0);
    good_pages(p);
    p[1].packets[0] = bytes_str("OpusTag");
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 1, 0);
    good_pages(p);
    pages_refused(p, 1, CONCLAVE_ESYNTAX, 1, 0);
    pages_refused(p + 1, PAGES - 1, CONCLAVE_ESYNTAX, 0, 0);
}

static void versions_that_differ_below_only_are_read(void **state)
{
    uint8_t data[sizeof head];
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    memcpy(data, head, sizeof head);
    data[8] = 15;
    p[0].packets[0] = bytes_of(data, sizeof data);
    pages_read(p, PAGES, 8);
    media_file_free(&got);
}

static void tags_may_be_long_but_not_endless(void **state)
{
    enum { MOST = 255 * 255 };
    static uint8_t tags[MOST] = "OpusTags";
    struct page p = {.flags = FIRST, .packets = {HEAD}};
    struct buf file = {0};
    uint64_t last = 0;

    (void)state;
    put_page(&file, &p);
    for (uint32_t i = 1; i <= 17; i++) {
        p = (struct page){.flags = UNFINISHED | (i == 1 ? 0 : CONTINUED),
                          .number = i,
                          .granule = -1,
                          .packets = {bytes_of(tags, sizeof tags)}};
        last = file.n;
        put_page(&file, &p);
    }
    media_file_refused(buf_view(&file), CONCLAVE_ELIMIT, last, 0);
    file.n = last;
    p = (struct page){.flags = CONTINUED, .number = 17, .packets = {TAGS}};
    put_page(&file, &p);
    assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), 0);
    media_file_free(&got);
    buf_free(&file);
}

static void packets_go_over_pages(void **state)
{
    static uint8_t large[510] = {TOC};
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[2].packets[1] = bytes_of(large, sizeof large);
    p[2].flags = UNFINISHED;
    p[2].granule = FRAME;
    p[3].flags = CONTINUED;
    p[3].granule = 4 * FRAME;
    p[3].packets[0] = bytes_of(large, 20);
    p[3].packets[2] = SOUND;
    pages_read(p, PAGES, 8);
    assert_int_equal(got.frames[1].data.n, 530);
    assert_int_equal(got.frames[1].pts, FRAME);
    media_file_free(&got);

    p[3].flags = 0; /* and the rest of it is missing */
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 3, 1);
    p[3].flags = CONTINUED;
    p[2].flags = 0; /* and its start */
    p[2].granule = 2 * FRAME;
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 3, 2);
}

static void packets_too_large_are_refused(void **state)
{
    static uint8_t large[255 * 16] = {TOC};
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[3].packets[0] = bytes_of(large, MEDIA_AUDIO_FRAME_MAX + 1);
    pages_refused(p, PAGES, CONCLAVE_ELIMIT, 3, 2);
    p[3].packets[0] = bytes_of(large, sizeof large);
    p[3].packets[1] = bytes_of(NULL, 0);
    p[3].flags = UNFINISHED; /* before its end is seen */
    p[3].granule = -1;
    pages_refused(p, 4, CONCLAVE_ELIMIT, 3, 2);
}

static void what_is_no_opus_is_refused(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[4].packets[1] = bytes_str("");
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 4, 4);
    p[4].packets[1] = bytes_of("\371ab", 3); /* RFC 6716 3.4 R3: two frames of unequal size */
    pages_read(p, 4, 4);
    media_file_free(&got);
    p[4].packets[1] = bytes_of("\371abc", 4);
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 4, 4);
}

static void pages_out_of_order_are_refused(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[4].number = 5; /* one is missing */
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 4, 4);
    good_pages(p);
    p[4].number = 3; /* one is there twice */
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 4, 4);
}

static void other_streams_in_the_file_are_refused(void **state)
{
    struct page p[PAGES + 1];

    (void)state;
    good_pages(p);
    p[3].serial = 1;
    pages_refused(p, PAGES, CONCLAVE_EUNSUPPORTED, 3, 2);
    good_pages(p);
    p[3].flags = FIRST;
    pages_refused(p, PAGES, CONCLAVE_EUNSUPPORTED, 3, 2);
    good_pages(p);
    p[PAGES] = p[0]; /* a chain */
    pages_refused(p, PAGES + 1, CONCLAVE_EUNSUPPORTED, PAGES, 8);
}

static void a_stream_may_begin_late_and_have_holes(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    for (size_t i = 2; i < PAGES; i++)
        p[i].granule += 1000000;
    p[4].granule += 5 * FRAME;
    p[5].granule += 5 * FRAME;
    pages_read(p, PAGES, 8);
    assert_int_equal(got.frames[0].pts, 0);
    assert_int_equal(got.frames[3].pts, 3 * FRAME);
    assert_int_equal(got.frames[4].pts, 9 * FRAME);
    assert_int_equal(got.frames[7].pts, 12 * FRAME);
    media_file_free(&got);
}

static void milliseconds_of_a_muxer_are_no_holes(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[3].granule += 40;
    p[4].granule -= 40;
    pages_read(p, PAGES, 8);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(got.frames[i].pts, FRAME * i);
    media_file_free(&got);
}

static void times_that_cannot_be_are_refused(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[2].granule = FRAME; /* before the start */
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 2, 0);
    good_pages(p);
    p[3].granule = 2 * FRAME + 100; /* back */
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 3, 2);
    good_pages(p);
    p[3].granule = -1;
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 3, 2);
    good_pages(p);
    p[3].granule = (int64_t)MEDIA_PTS_MAX + 1;
    pages_refused(p, PAGES, CONCLAVE_ELIMIT, 3, 2);
    good_pages(p);
    p[5].granule = 6 * FRAME - 1; /* the end cuts into the page before */
    pages_refused(p, PAGES, CONCLAVE_ESYNTAX, 5, 6);
}

static void the_end_is_cut_off_where_the_last_page_says(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[5].granule = 7 * FRAME - 60;
    pages_read(p, PAGES, 8);
    assert_int_equal(got.frames[5].duration, FRAME);
    assert_int_equal(got.frames[6].duration, FRAME - 60);
    assert_int_equal(got.frames[7].duration, 0);
    media_file_free(&got);
    good_pages(p);
    p[2].flags = LAST; /* all in one page, RFC 7845 4.5 */
    p[2].granule = 700;
    pages_read(p, 3, 2);
    assert_int_equal(got.frames[0].duration, 700);
    assert_int_equal(got.frames[1].duration, 0);
    assert_int_equal(got.frames[1].pts, FRAME);
    media_file_free(&got);
}

static void an_end_that_is_not_marked_is_an_end(void **state)
{
    struct page p[PAGES];

    (void)state;
    good_pages(p);
    p[5].flags = 0;
    pages_read(p, PAGES, 8);
    media_file_free(&got);
    p[5] = (struct page){.flags = LAST, .number = 5, .granule = -1}; /* or is a page of its own */
    pages_read(p, PAGES, 6);
    media_file_free(&got);
}

static void each_truncation_gives_the_whole_pages_and_says_where_it_is(void **state)
{
    struct page p[PAGES];
    struct buf file = {0};
    uint64_t at[PAGES + 1];

    (void)state;
    good_pages(p);
    put_pages(p, PAGES, &file, at);
    at[PAGES] = file.n;
    for (size_t n = 0; n < file.n; n++) {
        size_t whole = 0;
        while (at[whole + 1] <= n)
            whole++;
        int expected = n < 4 ? CONCLAVE_EUNSUPPORTED : CONCLAVE_ESYNTAX;
        if (whole >= 2 && at[whole] == n)
            expected = 0;
        assert_int_equal(media_file_read(bytes_of(file.p, n), MEDIA_PIECE_MAX, &got), expected);
        assert_int_equal(got.n, whole > 2 ? 2 * (whole - 2) : 0);
        assert_int_equal(got.fault.offset, expected == 0 ? 0 : at[whole]);
        media_file_free(&got);
    }
    buf_free(&file);
}

static void each_byte_that_changes_is_noticed(void **state)
{
    struct page p[PAGES];
    struct buf file = {0};
    uint64_t at[PAGES];

    (void)state;
    good_pages(p);
    put_pages(p, PAGES, &file, at);
    for (size_t i = 0; i < file.n; i++) {
        file.p[i] ^= 0x10;
        assert_true(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got) != 0);
        assert_true(got.fault.offset <= i);
        media_file_free(&got);
        file.p[i] ^= 0x10;
    }
    buf_free(&file);
}

static int writes(void *ctx)
{
    struct buf *out = ctx;
    struct ogg_opus_config config = {.channels = 1};
    struct ogg_opus_writer *w = NULL;
    uint8_t data[10] = {TOC};
    struct media_frame f = {.codec = MEDIA_OPUS, .data = bytes_of(data, sizeof data)};

    buf_free(out);
    int rv = ogg_opus_writer_new(&config, &w);
    for (size_t i = 0; i < 200 && rv == 0; i++) {
        f.pts = FRAME * i + (i >= 50 ? 4800 : 0) + (i >= 100 ? 48000 : 0);
        rv = ogg_opus_writer_frame(w, &f, out);
        if (rv != 0)
            assert_int_equal(ogg_opus_writer_frame(w, &f, out), CONCLAVE_ESTATE);
    }
    if (rv == 0)
        rv = ogg_opus_writer_finish(w, out);
    ogg_opus_writer_free(w);
    return rv;
}

static int reads(void *ctx)
{
    const struct buf *file = ctx;
    int rv = media_file_read(buf_view(file), 100, &got);
    assert_null(rv == 0 ? got.fault.what : NULL);
    media_file_free(&got);
    return rv;
}

static void failed_allocations_are_reported(void **state)
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
        cmocka_unit_test(a_recording_of_nothing_is_a_file_of_no_frames),
        cmocka_unit_test(pages_come_out_once_a_second),
        cmocka_unit_test(a_short_gap_is_filled_with_frames_of_no_bytes),
        cmocka_unit_test(what_is_left_of_a_gap_is_made_up_for_in_the_next),
        cmocka_unit_test(frames_that_fill_a_gap_are_as_long_as_those_before_it),
        cmocka_unit_test(over_a_long_gap_the_time_jumps),
        cmocka_unit_test(random_gaps_keep_the_time),
        cmocka_unit_test(the_writer_takes_only_packets_in_order),
        cmocka_unit_test(a_file_by_hand_is_read),
        cmocka_unit_test(headers_that_break_a_rule_are_refused),
        cmocka_unit_test(versions_that_differ_below_only_are_read),
        cmocka_unit_test(tags_may_be_long_but_not_endless),
        cmocka_unit_test(packets_go_over_pages),
        cmocka_unit_test(packets_too_large_are_refused),
        cmocka_unit_test(what_is_no_opus_is_refused),
        cmocka_unit_test(pages_out_of_order_are_refused),
        cmocka_unit_test(other_streams_in_the_file_are_refused),
        cmocka_unit_test(a_stream_may_begin_late_and_have_holes),
        cmocka_unit_test(milliseconds_of_a_muxer_are_no_holes),
        cmocka_unit_test(times_that_cannot_be_are_refused),
        cmocka_unit_test(the_end_is_cut_off_where_the_last_page_says),
        cmocka_unit_test(an_end_that_is_not_marked_is_an_end),
        cmocka_unit_test(each_truncation_gives_the_whole_pages_and_says_where_it_is),
        cmocka_unit_test(each_byte_that_changes_is_noticed),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
