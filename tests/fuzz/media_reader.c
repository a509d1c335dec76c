/* Media files: whatever the pieces, the same frames come out, within the limits and in order; and
 * written to a file and read again, they are the same. The first byte says how large the pieces
 * are, and whether the checksums of Ogg pages are put right first, which no mutation would do. */
#include <ogg/ogg.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "media/ivf.h"
#include "media/ogg_opus.h"
#include "media/reader.h"

#define FRAMES 4096

struct outcome {
    int error;
    size_t n;
    struct media_frame frames[FRAMES]; /* data.p is not kept */
    struct media_info info;
    struct buf data;
};

static void keep(struct outcome *o, const struct media_frame *f)
{
    must(f->data.n > 0 && f->pts <= MEDIA_PTS_MAX + MEDIA_AUDIO_CLOCK);
    must(f->data.n <= (f->codec == MEDIA_VP8 ? MEDIA_VIDEO_FRAME_MAX : MEDIA_AUDIO_FRAME_MAX));
    buf_put(&o->data, f->data);
    if (o->n < FRAMES)
        o->frames[o->n] = *f;
    o->n++;
}

static void feed(struct media_reader *r, struct bytes *left, size_t piece)
{
    size_t n = left->n < piece ? left->n : piece;

    if (n == 0) {
        media_reader_end(r);
        return;
    }
    must(media_reader_input(r, bytes_of(left->p, n)) == 0);
    *left = bytes_of(left->p + n, left->n - n);
}

static void read_file(struct bytes file, size_t piece, struct outcome *o)
{
    struct media_reader *r = NULL;
    struct media_frame frame;
    enum media_event event = MEDIA_MORE;

    memset(o, 0, sizeof *o);
    must(media_reader_new(&r) == 0);
    while (event != MEDIA_DONE && (o->error = media_reader_next(r, &event, &frame)) == 0) {
        if (event == MEDIA_MORE)
            feed(r, &file, piece);
        else if (event == MEDIA_FRAME)
            keep(o, &frame);
    }
    must((o->error == 0) == (media_reader_fault(r) == NULL));
    must(o->error == 0 || media_reader_next(r, &event, &frame) == o->error);
    o->info = media_reader_info(r);
    media_reader_free(r);
    must(buf_check(&o->data) == 0);
}

static void must_be_same(const struct outcome *a, const struct outcome *b)
{
    must(a->n == b->n && bytes_equal(buf_view(&a->data), buf_view(&b->data)));
    for (size_t i = 0; i < a->n && i < FRAMES; i++)
        must(a->frames[i].codec == b->frames[i].codec && a->frames[i].key == b->frames[i].key &&
             a->frames[i].data.n == b->frames[i].data.n);
}

/* Whether all frames can go into a file of that codec: they are of it, in order, without gaps. */
static bool writable(const struct outcome *o, enum media_codec codec)
{
    uint64_t end = o->frames[0].pts;

    for (size_t i = 0; i < o->n; i++) {
        const struct media_frame *f = &o->frames[i];
        if (f->codec != codec || f->pts < end || (codec == MEDIA_OPUS && f->pts != end))
            return false;
        end = f->pts + f->duration;
    }
    return o->n > 0 && o->n <= FRAMES && (codec == MEDIA_OPUS || o->frames[0].key);
}

static void write_ivf(const struct outcome *o, struct buf *out)
{
    struct ivf_writer w;
    const uint8_t *p = o->data.p;

    ivf_writer_init(&w);
    for (size_t i = 0; i < o->n; i++) {
        struct media_frame f = o->frames[i];
        f.data.p = p;
        p += f.data.n;
        must(ivf_writer_frame(&w, &f, out) == 0);
    }
}

static void write_ogg(const struct outcome *o, struct buf *out)
{
    struct ogg_opus_config config = {.channels = 2};
    struct ogg_opus_writer *w = NULL;
    const uint8_t *p = o->data.p;

    must(ogg_opus_writer_new(&config, &w) == 0);
    for (size_t i = 0; i < o->n; i++) {
        struct media_frame f = o->frames[i];
        f.data.p = p;
        p += f.data.n;
        must(ogg_opus_writer_frame(w, &f, out) == 0);
    }
    must(ogg_opus_writer_finish(w, out) == 0);
    ogg_opus_writer_free(w);
}

static void write_again(const struct outcome *o)
{
    static struct outcome again;
    struct buf file = {0};

    if (writable(o, MEDIA_VP8))
        write_ivf(o, &file);
    else if (writable(o, MEDIA_OPUS))
        write_ogg(o, &file);
    else
        return;
    read_file(buf_view(&file), MEDIA_PIECE_MAX, &again);
    must(again.error == 0);
    must_be_same(o, &again);
    buf_free(&again.data);
    buf_free(&file);
}

/* Gives each Ogg page that is whole the checksum it should have. */
static void mend_checksums(uint8_t *p, size_t n)
{
    while (n >= 27 && memcmp(p, "OggS", 4) == 0) {
        size_t header = 27 + (size_t)p[26], body = 0;
        for (size_t i = 27; i < header && i < n; i++)
            body += p[i];
        if (n < header + body)
            return;
        ogg_page page = {p, (long)header, p + header, (long)body};
        ogg_page_checksum_set(&page);
        p += header + body;
        n -= header + body;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole, pieces;
    struct buf file = {0};

    if (size < 1 || size > 100000)
        return 0;
    buf_put(&file, bytes_of(data + 1, size - 1));
    must(buf_check(&file) == 0);
    if ((data[0] & 1) != 0)
        mend_checksums(file.p, file.n);
    read_file(buf_view(&file), MEDIA_PIECE_MAX, &whole);
    read_file(buf_view(&file), 1 + (data[0] >> 1), &pieces);
    must(whole.error == pieces.error);
    must_be_same(&whole, &pieces);
    write_again(&whole);
    buf_free(&whole.data);
    buf_free(&pieces.data);
    buf_free(&file);
    return 0;
}
