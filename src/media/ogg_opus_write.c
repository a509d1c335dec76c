#include "media/ogg_opus.h"

#include <stdlib.h>

#include <ogg/ogg.h>

#include "media/le.h"
#include "media/limits.h"
#include "rtc/opus.h"

struct ogg_opus_writer {
    ogg_stream_state stream;
    struct ogg_opus_config config;
    struct ogg_opus_gaps gaps;
    bool started; /* the headers are written */
    bool closed;  /* the last page is, or memory ran out */
    /* Times in units of the clock since the first packet, as granule positions are. */
    uint64_t start; /* pts of the first packet */
    uint64_t end;   /* of all packets so far, the pending one included */
    uint64_t page;  /* of the last page */
    int64_t number; /* of the next packet */
    /* The newest packet waits, for the last one is marked. */
    uint8_t pending[MEDIA_AUDIO_FRAME_MAX];
    size_t pending_n; /* 0: none */
};

int ogg_opus_writer_new(const struct ogg_opus_config *config, struct ogg_opus_writer **out)
{
    if (config->channels != 1 && config->channels != 2)
        return CONCLAVE_EINVAL;
    struct ogg_opus_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return CONCLAVE_ENOMEM;
    if (ogg_stream_init(&w->stream, (int)config->serial) != 0) {
        free(w);
        return CONCLAVE_ENOMEM;
    }
    w->config = *config;
    *out = w;
    return 0;
}

void ogg_opus_writer_free(struct ogg_opus_writer *w)
{
    if (w == NULL)
        return;
    (void)ogg_stream_clear(&w->stream);
    free(w);
}

struct ogg_opus_gaps ogg_opus_writer_gaps(const struct ogg_opus_writer *w)
{
    return w->gaps;
}

static void put_page(const ogg_page *page, struct buf *out)
{
    buf_put(out, bytes_of(page->header, (size_t)page->header_len));
    buf_put(out, bytes_of(page->body, (size_t)page->body_len));
}

static void put_pages(struct ogg_opus_writer *w, bool all, struct buf *out)
{
    ogg_page page = {0};
    int (*out_of)(ogg_stream_state *, ogg_page *) = all ? ogg_stream_flush : ogg_stream_pageout;
    while (out_of(&w->stream, &page) != 0) {
        put_page(&page, out);
        if (ogg_page_granulepos(&page) >= 0) /* -1: no packet ends in it */
            w->page = (uint64_t)ogg_page_granulepos(&page);
    }
}

/* A packet that ends at the given time goes into the stream. */
static int put_packet(struct ogg_opus_writer *w, struct bytes data, uint64_t end, bool last)
{
    ogg_packet p = {
        .packet = (unsigned char *)data.p, /* copied, never written to */
        .bytes = (long)data.n,
        .b_o_s = w->number == 0,
        .e_o_s = last,
        .granulepos = (ogg_int64_t)end,
        .packetno = w->number,
    };
    if (ogg_stream_packetin(&w->stream, &p) != 0)
        return CONCLAVE_ENOMEM;
    w->number++;
    return 0;
}

/* RFC 7845 5.1 and 5.2: each header has pages of its own. */
static int put_headers(struct ogg_opus_writer *w, struct buf *out)
{
    struct buf header = {0};
    buf_put(&header, bytes_str("OpusHead"));
    le_write(&header, 1, 1); /* the version */
    le_write(&header, w->config.channels, 1);
    le_write16(&header, w->config.pre_skip);
    le_write32(&header, MEDIA_AUDIO_CLOCK); /* of what was recorded; for information */
    le_write16(&header, 0);                 /* gain */
    le_write(&header, 0, 1);                /* mapping: one stream, mono or stereo */
    int rv = buf_check(&header);
    if (rv == 0)
        rv = put_packet(w, buf_view(&header), 0, false);
    if (rv != 0)
        goto out;
    put_pages(w, true, out);
    buf_clear(&header);
    buf_put(&header, bytes_str("OpusTags"));
    le_write32(&header, (uint32_t)bytes_str("conclave").n);
    buf_put(&header, bytes_str("conclave"));
    le_write32(&header, 0); /* no comments */
    rv = buf_check(&header);
    if (rv == 0)
        rv = put_packet(w, buf_view(&header), 0, false);
    if (rv == 0)
        put_pages(w, true, out);
    w->started = true;
out:
    buf_free(&header);
    return rv;
}

/* The pending packet goes into the stream, and a page if there is a second of sound in it. */
static int put_pending(struct ogg_opus_writer *w, bool last, struct buf *out)
{
    if (w->pending_n == 0)
        return 0;
    int rv = put_packet(w, bytes_of(w->pending, w->pending_n), w->end, last);
    if (rv == 0)
        put_pages(w, last || w->end - w->page >= MEDIA_AUDIO_CLOCK, out);
    return rv;
}

/* RFC 7845 4.1: a frame of no bytes is the table of contents of the packet before it, alone. What
 * is left of the gap is less than a frame, and is made up for in the next gap. */
static int fill_gap(struct ogg_opus_writer *w, uint64_t gap, struct buf *out)
{
    struct opus_info info;
    uint8_t toc = w->pending[0] & 0xfc;
    int rv = opus_info_read(bytes_of(&toc, 1), &info);
    for (; rv == 0 && gap >= info.duration; gap -= info.duration) {
        rv = put_pending(w, false, out);
        w->pending[0] = toc;
        w->pending_n = 1;
        w->end += info.duration;
        w->gaps.filled++;
    }
    return rv;
}

/* The page ends, and the next packets are later by the gap. */
static int jump_gap(struct ogg_opus_writer *w, uint64_t gap, struct buf *out)
{
    int rv = put_pending(w, false, out);
    if (rv != 0)
        return rv;
    put_pages(w, true, out);
    w->pending_n = 0;
    w->end += gap;
    w->page = w->end;
    w->gaps.jumped++;
    return 0;
}

static int put_frame(struct ogg_opus_writer *w, const struct media_frame *frame, uint32_t duration,
                     struct buf *out)
{
    int rv = 0;
    if (!w->started) {
        w->start = frame->pts;
        rv = put_headers(w, out);
    }
    uint64_t gap = frame->pts - w->start - w->end;
    if (rv == 0 && gap > OGG_OPUS_FILL_MAX)
        rv = jump_gap(w, gap, out);
    else if (rv == 0 && gap > 0)
        rv = fill_gap(w, gap, out);
    if (rv == 0)
        rv = put_pending(w, false, out);
    if (rv != 0)
        return rv;
    for (size_t i = 0; i < frame->data.n; i++)
        w->pending[i] = frame->data.p[i];
    w->pending_n = frame->data.n;
    w->end += duration;
    return buf_check(out);
}

int ogg_opus_writer_frame(struct ogg_opus_writer *w, const struct media_frame *frame,
                          struct buf *out)
{
    struct opus_info info;
    if (w->closed)
        return CONCLAVE_ESTATE;
    if (frame->codec != MEDIA_OPUS || frame->data.n > MEDIA_AUDIO_FRAME_MAX ||
        opus_info_read(frame->data, &info) != 0)
        return CONCLAVE_EINVAL;
    if (w->started && (frame->pts < w->start || frame->pts - w->start < w->end ||
                       frame->pts - w->start > MEDIA_PTS_MAX))
        return CONCLAVE_EINVAL;
    int rv = put_frame(w, frame, info.duration, out);
    w->closed = rv != 0;
    return rv;
}

int ogg_opus_writer_finish(struct ogg_opus_writer *w, struct buf *out)
{
    if (w->closed)
        return CONCLAVE_ESTATE;
    w->closed = true;
    int rv = w->started ? 0 : put_headers(w, out);
    if (rv == 0)
        rv = put_pending(w, true, out);
    return rv != 0 ? rv : buf_check(out);
}
