/* WebM files, made by hand: what comes out of them, and each way in which they can be wrong. */
#include "media_file.h"

#include "media/ebml.h"
#include "media/le.h"
#include "support/alloc_fail.h"
#include "wire/writer.h"

static struct media_file got;

/* ---- Elements ---- */

#define VOID_ELEMENT 0xec
#define UNKNOWN UINT64_MAX

static void put_id(struct buf *b, uint32_t id)
{
    size_t n = id > 0xffffff ? 4 : id > 0xffff ? 3 : id > 0xff ? 2 : 1;
    for (size_t i = n; i > 0; i--)
        write_u8(b, (uint8_t)(id >> 8 * (i - 1)));
}

/* ID and size, the latter in 8 bytes. */
static void put_head(struct buf *b, uint32_t id, uint64_t size)
{
    put_id(b, id);
    write_u64(b, UINT64_C(1) << 56 | (size & ((UINT64_C(1) << 56) - 1)));
}

static void put_bytes(struct buf *b, uint32_t id, struct bytes content)
{
    put_head(b, id, content.n);
    buf_put(b, content);
}

static void put_uint(struct buf *b, uint32_t id, uint64_t value)
{
    put_head(b, id, 8);
    write_u64(b, value);
}

static void put_string(struct buf *b, uint32_t id, const char *value)
{
    put_bytes(b, id, bytes_str(value));
}

/* The content becomes an element of out, and is freed. */
static void put_master(struct buf *out, uint32_t id, struct buf *content)
{
    put_bytes(out, id, buf_view(content));
    assert_int_equal(buf_check(out), 0);
    buf_free(content);
}

/* ---- Files ---- */

/* What a test changes in a file that is otherwise good. */
struct shape {
    const char *doc_type, *video, *audio; /* codecs */
    uint64_t scale, time;
    int16_t late;  /* of the last block, relative to where it belongs */
    uint8_t flags; /* of the last block */
    bool open;     /* segment and clusters do not say where they end */
    bool groups;   /* blocks are in groups */
    bool encoded;  /* the video is compressed once more */
    size_t void_n; /* bytes of nothing, here and there */
    bool no_tracks, two_infos, no_time;
};

static struct shape good(void)
{
    return (struct shape){"webm", "V_VP8", "A_OPUS", 1000000, 0,     0,     0x80,
                          false,  false,   false,    0,       false, false, false};
}

static void put_void(struct buf *b, const struct shape *s)
{
    if (s->void_n == 0)
        return;
    put_head(b, VOID_ELEMENT, s->void_n);
    buf_put_zero(b, s->void_n);
}

static void put_track(struct buf *out, uint64_t number, const char *codec, const struct shape *s)
{
    static const uint8_t head[19] = "OpusHead\1\2\70\1\200\273\0\0\0\0\0";
    struct buf entry = {0}, format = {0};
    bool video = number == 1;

    put_uint(&entry, 0xd7, number);
    put_uint(&entry, 0x83, video ? 1 : 2);
    put_string(&entry, 0x86, codec);
    put_void(&entry, s);
    put_uint(&format, video ? 0xb0 : 0x9f, video ? 320 : 2);
    if (video)
        put_uint(&format, 0xba, 180);
    else
        put_bytes(&entry, 0x63a2, bytes_of(head, sizeof head));
    put_master(&entry, video ? 0xe0 : 0xe1, &format);
    if (video && s->encoded)
        put_string(&entry, 0x6d80, "");
    put_master(out, 0xae, &entry);
}

static void put_block(struct buf *out, uint8_t track, int16_t time, uint8_t flags,
                      struct bytes data, const struct shape *s)
{
    struct buf block = {0}, group = {0};

    write_u8(&block, 0x80 | track);
    write_u16(&block, (uint16_t)time);
    write_u8(&block, flags);
    buf_put(&block, data);
    if (!s->groups) {
        put_master(out, 0xa3, &block);
        return;
    }
    put_master(&group, 0xa1, &block);
    put_uint(&group, 0x9b, 33); /* how long it is shown */
    put_master(out, 0xa0, &group);
}

#define SOUND bytes_of("\370abc", 4) /* 20 ms */
#define CLUSTERS ((size_t)3)

/* 100 ms: three pictures 33 ms apart and five packets. */
static void put_cluster(struct buf *out, unsigned i, const struct shape *s)
{
    struct buf content = {0};
    uint8_t data[20] = {0};

    if (!s->no_time)
        put_uint(&content, 0xe7, s->time + UINT64_C(100) * i);
    put_void(&content, s);
    for (unsigned k = 0; k < 5; k++) {
        bool last = i == CLUSTERS - 1 && k == 4;
        if (k < 3)
            put_block(&content, 1, (int16_t)(33 * k), 0x80,
                      vp8_like(i == 0 && k == 0, 0, data, sizeof data).data, s);
        put_block(&content, 2, (int16_t)(20 * k + (last ? (unsigned)s->late : 0)),
                  last ? s->flags : 0x80, SOUND, s);
    }
    if (s->open) {
        put_head(out, 0x1f43b675, UNKNOWN);
        buf_put(out, buf_view(&content));
        buf_free(&content);
    } else {
        put_master(out, 0x1f43b675, &content);
    }
}

static void put_info(struct buf *out, const struct shape *s)
{
    struct buf info = {0};
    put_uint(&info, 0x2ad7b1, s->scale);
    put_string(&info, 0x4d80, "a test");
    put_master(out, 0x1549a966, &info);
}

static void put_segment(struct buf *out, const struct shape *s)
{
    struct buf segment = {0}, tracks = {0};

    put_void(&segment, s);
    put_info(&segment, s);
    if (s->two_infos)
        put_info(&segment, s);
    put_track(&tracks, 1, s->video, s);
    put_track(&tracks, 2, s->audio, s);
    if (!s->no_tracks)
        put_master(&segment, 0x1654ae6b, &tracks);
    buf_free(&tracks);
    for (unsigned i = 0; i < CLUSTERS; i++)
        put_cluster(&segment, i, s);
    put_string(&segment, 0x1c53bb6b, "an index"); /* ends an open cluster */
    if (s->open) {
        put_head(out, 0x18538067, UNKNOWN);
        buf_put(out, buf_view(&segment));
        buf_free(&segment);
    } else {
        put_master(out, 0x18538067, &segment);
    }
}

static void make(const struct shape *s, struct buf *out)
{
    struct buf header = {0};

    put_string(&header, 0x4282, s->doc_type);
    put_master(out, 0x1a45dfa3, &header);
    put_segment(out, s);
    assert_int_equal(buf_check(out), 0);
}

static void check_frames(void)
{
    uint64_t pictures = 0, packets = 0;

    assert_int_equal(got.n, CLUSTERS * 8);
    for (size_t i = 0; i < got.n; i++) {
        const struct media_frame *f = &got.frames[i];
        if (f->codec == MEDIA_VP8) {
            assert_int_equal(f->pts, (pictures / 3 * 100 + pictures % 3 * 33) * 90);
            assert_int_equal(f->key, pictures == 0);
            assert_int_equal(f->data.n, 20);
            pictures++;
        } else {
            assert_int_equal(f->pts, packets * 960);
            assert_int_equal(f->duration, 960);
            assert_true(f->key && bytes_equal(f->data, SOUND));
            packets++;
        }
    }
    assert_int_equal(pictures, CLUSTERS * 3);
}

static void frames_of_both_tracks_come_out_whatever_the_pieces(void **state)
{
    static const size_t pieces[] = {1, 7, 100, MEDIA_PIECE_MAX};

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct shape s = good();
        struct buf file = {0};
        s.open = (i & 1) != 0;
        s.groups = (i & 2) != 0;
        s.void_n = (i & 4) != 0 ? 500 : 0;
        s.doc_type = i == 3 ? "matroska" : "webm";
        make(&s, &file);
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            assert_int_equal(media_file_read(buf_view(&file), pieces[p], &got), 0);
            check_frames();
            assert_string_equal(got.info.format, "WebM");
            assert_int_equal(got.info.width, 320);
            assert_int_equal(got.info.height, 180);
            assert_int_equal(got.info.channels, 2);
            assert_int_equal(got.info.pre_skip, 312);
            assert_int_equal(got.info.tracks_left_out, 0);
            media_file_free(&got);
        }
        buf_free(&file);
    }
}

static void read_shape(const struct shape *s, size_t frames)
{
    struct buf file = {0};

    make(s, &file);
    assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), 0);
    assert_int_equal(got.n, frames);
    buf_free(&file);
}

static void what_is_not_looked_at_may_be_larger_than_memory(void **state)
{
    struct shape s = good();

    (void)state;
    s.void_n = 3 * MEDIA_PIECE_MAX;
    struct buf file = {0};
    make(&s, &file);
    /* in a track it would be held whole, and is not */
    assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), CONCLAVE_ELIMIT);
    media_file_free(&got);
    buf_free(&file);
    s.void_n = 400000;
    read_shape(&s, CLUSTERS * 8);
    media_file_free(&got);
}

static void tracks_of_other_codecs_are_left_out_and_counted(void **state)
{
    struct shape s = good();

    (void)state;
    s.audio = "A_VORBIS";
    read_shape(&s, CLUSTERS * 3);
    assert_int_equal(got.info.tracks_left_out, 1);
    assert_int_equal(got.info.channels, 0);
    media_file_free(&got);
    s = good();
    s.encoded = true;
    read_shape(&s, CLUSTERS * 5);
    assert_int_equal(got.info.tracks_left_out, 1);
    media_file_free(&got);
    s = good();
    s.audio = "V_VP8"; /* a second video: the first is read */
    read_shape(&s, CLUSTERS * 3);
    assert_int_equal(got.info.tracks_left_out, 1);
    media_file_free(&got);
}

static void times_are_scaled(void **state)
{
    struct shape s = good();

    (void)state;
    s.scale = 10000000; /* a hundredth of a second */
    s.audio = "A_VORBIS";
    read_shape(&s, CLUSTERS * 3);
    assert_int_equal(got.frames[1].pts, 330 * 90);
    assert_int_equal(got.frames[3].pts, 1000 * 90);
    media_file_free(&got);
}

static void rounded_times_of_sound_are_put_right_and_holes_stay(void **state)
{
    struct shape s = good();

    (void)state;
    for (int late = -19; late <= 19; late++) {
        s.late = (int16_t)late;
        read_shape(&s, CLUSTERS * 8);
        check_frames();
        media_file_free(&got);
    }
    s.late = 60;
    read_shape(&s, CLUSTERS * 8);
    assert_int_equal(got.frames[got.n - 1].pts, (CLUSTERS * 5 - 1) * 960 + 2880);
    media_file_free(&got);
}

static void times_before_the_start_are_at_the_start(void **state)
{
    struct shape s = good();
    struct buf file = {0};

    (void)state;
    make(&s, &file);
    /* the first block of the first cluster is a picture at 0: let it be at -7 */
    static const uint8_t first[] = {0x81, 0x00, 0x00, 0x80};
    for (size_t i = 0; i + 4 < file.n; i++) {
        if (memcmp(file.p + i, first, 4) == 0) {
            file.p[i + 1] = 0xff;
            file.p[i + 2] = 0xf9;
            break;
        }
    }
    assert_int_equal(media_file_read(buf_view(&file), MEDIA_PIECE_MAX, &got), 0);
    check_frames();
    media_file_free(&got);
    buf_free(&file);
}

/* Where the n-th element with this ID begins. Its size is known, and less than 2^24. */
static uint64_t find(const struct buf *file, uint32_t id, unsigned n)
{
    struct buf wanted = {0};
    size_t at = id > 0xff ? 0 : 4; /* the file's first ID ends like that of a block */

    put_id(&wanted, id);
    buf_put(&wanted, bytes_of("\1\0\0\0\0", 5));
    for (; at + wanted.n < file->n; at++)
        if (memcmp(file->p + at, wanted.p, wanted.n) == 0 && n-- == 0)
            break;
    assert_true(at + wanted.n < file->n);
    buf_free(&wanted);
    return at;
}

/* A file of this shape is refused at its n-th element with this ID. */
static void refused(const struct shape *s, int error, uint32_t id, unsigned n, size_t frames)
{
    struct buf file = {0};

    make(s, &file);
    media_file_refused(buf_view(&file), error, find(&file, id, n), frames);
    buf_free(&file);
}

static void rules_that_are_broken_are_named_by_their_element(void **state)
{
    struct shape s = good();

    (void)state;
    s.doc_type = "webmx";
    refused(&s, CONCLAVE_EUNSUPPORTED, 0x1a45dfa3, 0, 0);
    s = good();
    s.video = s.audio = "V_VP9";
    refused(&s, CONCLAVE_EUNSUPPORTED, 0x1654ae6b, 0, 0);
    s = good();
    s.scale = 0;
    refused(&s, CONCLAVE_ESYNTAX, 0x1549a966, 0, 0);
    s.scale = 1000000001;
    refused(&s, CONCLAVE_ESYNTAX, 0x1549a966, 0, 0);
    s = good();
    s.two_infos = true;
    refused(&s, CONCLAVE_ESYNTAX, 0x1549a966, 1, 0);
    s = good();
    s.no_tracks = true;
    refused(&s, CONCLAVE_ESYNTAX, 0x1f43b675, 0, 0);
    s = good();
    s.no_time = true;
    refused(&s, CONCLAVE_ESYNTAX, 0xa3, 0, 0);
    s = good();
    s.time = MEDIA_PTS_MAX;
    refused(&s, CONCLAVE_ELIMIT, 0xe7, 0, 0);
    s = good();
    s.flags = 0x86; /* laced */
    refused(&s, CONCLAVE_EUNSUPPORTED, 0xa3, CLUSTERS * 8 - 1, CLUSTERS * 8 - 1);
    s = good();
    s.late = -100;
    refused(&s, CONCLAVE_ESYNTAX, 0xa3, CLUSTERS * 8 - 1, CLUSTERS * 8 - 1);
}

/* The size of the n-th element with this ID is another one. */
static void resized(uint32_t id, unsigned n, uint64_t size, int error, size_t frames)
{
    struct shape s = good();
    struct buf file = {0}, head = {0};

    make(&s, &file);
    uint64_t at = find(&file, id, n);
    put_head(&head, id, size);
    memcpy(file.p + at, head.p, head.n);
    media_file_refused(buf_view(&file), error, at, frames);
    buf_free(&head);
    buf_free(&file);
}

static void sizes_that_are_wrong_are_refused(void **state)
{
    (void)state;
    resized(0x1a45dfa3, 0, MEDIA_WEBM_HEADER_MAX + 1, CONCLAVE_ELIMIT, 0);
    resized(0x1549a966, 0, 200000, CONCLAVE_ESYNTAX, 0); /* larger than the segment */
    resized(0x1549a966, 0, UNKNOWN, CONCLAVE_ELIMIT, 0);
    resized(0xe7, 0, 9, CONCLAVE_ELIMIT, 0);
    resized(0x1c53bb6b, 0, UNKNOWN, CONCLAVE_ESYNTAX, CLUSTERS * 8);
    resized(0xa3, 7, 25, CONCLAVE_ESYNTAX, 7); /* larger than the cluster */
    resized(0xa3, 0, 4, CONCLAVE_ESYNTAX, 0);  /* nothing in it */
    resized(0xa3, 0, 2, CONCLAVE_ESYNTAX, 0);
}

static void a_second_file_behind_the_first_is_refused(void **state)
{
    struct shape s = good();
    struct buf file = {0};

    (void)state;
    make(&s, &file);
    uint64_t second = file.n;
    make(&s, &file);
    media_file_refused(buf_view(&file), CONCLAVE_ESYNTAX, second, CLUSTERS * 8);
    buf_free(&file);
}

static void what_is_no_element_is_refused(void **state)
{
    struct shape s = good();
    struct buf file = {0};

    (void)state;
    make(&s, &file);
    uint64_t at = find(&file, 0x1c53bb6b, 0);
    file.p[at] = 0; /* no ID begins so */
    media_file_refused(buf_view(&file), CONCLAVE_ESYNTAX, at, CLUSTERS * 8);
    file.p[at] = 0x1c;
    file.p[at + 4] = 0; /* no size does */
    media_file_refused(buf_view(&file), CONCLAVE_ESYNTAX, at, CLUSTERS * 8);
    buf_free(&file);
}

static void each_truncation_of_a_closed_file_is_noticed(void **state)
{
    struct shape s = good();
    struct buf file = {0};

    (void)state;
    s.groups = true;
    make(&s, &file);
    for (size_t n = 4; n < file.n; n++) {
        assert_int_equal(media_file_read(bytes_of(file.p, n), MEDIA_PIECE_MAX, &got),
                         CONCLAVE_ESYNTAX);
        assert_true(got.fault.offset <= n && got.n <= CLUSTERS * 8);
        media_file_free(&got);
    }
    buf_free(&file);
}

static void an_open_file_may_end_after_any_element(void **state)
{
    struct shape s = good();
    struct buf file = {0};

    (void)state;
    s.open = true;
    make(&s, &file);
    for (unsigned block = 1; block < CLUSTERS * 8; block++) {
        size_t n = (size_t)find(&file, 0xa3, block);
        assert_int_equal(media_file_read(bytes_of(file.p, n), MEDIA_PIECE_MAX, &got), 0);
        assert_int_equal(got.n, block);
        media_file_free(&got);
        assert_int_equal(media_file_read(bytes_of(file.p, n - 1), MEDIA_PIECE_MAX, &got),
                         CONCLAVE_ESYNTAX);
        media_file_free(&got);
    }
    buf_free(&file);
}

static void numbers_of_ebml_are_read_in_all_lengths(void **state)
{
    uint64_t value = 0;

    (void)state;
    for (size_t n = 1; n <= 8; n++) {
        uint8_t data[8] = {0};
        data[0] = (uint8_t)(0x80 >> (n - 1));
        data[n - 1] |= 1;
        assert_int_equal(ebml_vint_read(bytes_of(data, n), &value), n);
        assert_int_equal(value, 1);
        assert_int_equal(ebml_vint_read(bytes_of(data, n - 1), &value), 0);
    }
    assert_int_equal(ebml_vint_read(bytes_of("\0\1\2\3\4\5\6\7\10", 9), &value), 0);
    assert_true(ebml_uint(bytes_of("\1\2", 2), &value) && value == 0x102);
    assert_true(ebml_uint(bytes_str(""), &value) && value == 0);
    assert_false(ebml_uint(bytes_of("\0\0\0\0\0\0\0\0\1", 9), &value));
    assert_true(ebml_is(bytes_of("webm\0\0", 6), "webm"));
    assert_false(ebml_is(bytes_of("webm\0x", 6), "webm"));
    assert_false(ebml_is(bytes_of("web", 3), "webm"));
}

static int reads(void *ctx)
{
    const struct buf *file = ctx;
    int rv = media_file_read(buf_view(file), 100, &got);
    media_file_free(&got);
    return rv;
}

static void failed_allocations_are_reported(void **state)
{
    struct shape s = good();
    struct buf file = {0};

    (void)state;
    make(&s, &file);
    assert_true(alloc_sweep(reads, &file) > 0);
    buf_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_both_tracks_come_out_whatever_the_pieces),
        cmocka_unit_test(what_is_not_looked_at_may_be_larger_than_memory),
        cmocka_unit_test(tracks_of_other_codecs_are_left_out_and_counted),
        cmocka_unit_test(times_are_scaled),
        cmocka_unit_test(rounded_times_of_sound_are_put_right_and_holes_stay),
        cmocka_unit_test(times_before_the_start_are_at_the_start),
        cmocka_unit_test(rules_that_are_broken_are_named_by_their_element),
        cmocka_unit_test(sizes_that_are_wrong_are_refused),
        cmocka_unit_test(a_second_file_behind_the_first_is_refused),
        cmocka_unit_test(what_is_no_element_is_refused),
        cmocka_unit_test(each_truncation_of_a_closed_file_is_noticed),
        cmocka_unit_test(an_open_file_may_end_after_any_element),
        cmocka_unit_test(numbers_of_ebml_are_read_in_all_lengths),
        cmocka_unit_test(failed_allocations_are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
