#include "media/ivf.h"

#include "media/le.h"
#include "media/limits.h"
#include "rtc/vp8.h"

void ivf_writer_init(struct ivf_writer *w)
{
    *w = (struct ivf_writer){0};
}

/* In ticks, the last frame taken to be as long as the others on average. 0 in a file that is not
 * finished, or too long for the field. */
static uint32_t length_of(const struct ivf_writer *w)
{
    uint64_t length = w->last - w->start;
    if (w->frames > 1)
        length += length / (w->frames - 1);
    return length > UINT32_MAX ? 0 : (uint32_t)length;
}

/* For the caller to check that there is room. */
static void put_header(const struct ivf_writer *w, struct buf *out)
{
    buf_put(out, bytes_str("DKIF"));
    le_write16(out, 0);
    le_write16(out, IVF_HEADER);
    buf_put(out, bytes_str("VP80"));
    le_write16(out, w->width);
    le_write16(out, w->height);
    le_write32(out, MEDIA_VIDEO_CLOCK);
    le_write32(out, 1);
    le_write32(out, length_of(w));
    le_write32(out, 0);
}

/* What the file's header will say of its size. */
static int begin(struct ivf_writer *w, const struct media_frame *frame)
{
    struct vp8_frame head;
    if (vp8_frame_read(frame->data, &head) != 0 || !head.key)
        return CONCLAVE_EINVAL;
    w->width = head.width;
    w->height = head.height;
    w->start = w->last = frame->pts;
    return 0;
}

int ivf_writer_frame(struct ivf_writer *w, const struct media_frame *frame, struct buf *out)
{
    struct ivf_writer next = *w;
    if (frame->codec != MEDIA_VP8 || frame->data.n == 0 || frame->data.n > MEDIA_VIDEO_FRAME_MAX ||
        w->frames == UINT32_MAX)
        return CONCLAVE_EINVAL;
    int rv = w->frames == 0 ? begin(&next, frame) : 0;
    if (rv != 0)
        return rv;
    if (frame->pts < next.last || frame->pts - next.start > MEDIA_PTS_MAX)
        return CONCLAVE_EINVAL;
    rv = buf_reserve(out, IVF_HEADER + IVF_FRAME_HEADER + frame->data.n);
    if (rv != 0)
        return rv;
    if (w->frames == 0)
        put_header(&next, out);
    le_write32(out, (uint32_t)frame->data.n);
    le_write64(out, frame->pts - next.start);
    buf_put(out, frame->data);
    next.last = frame->pts;
    next.frames++;
    *w = next;
    return 0;
}

int ivf_writer_finish(const struct ivf_writer *w, struct buf *out_header)
{
    if (w->frames == 0)
        return CONCLAVE_ESTATE;
    int rv = buf_reserve(out_header, IVF_HEADER);
    if (rv == 0)
        put_header(w, out_header);
    return rv;
}
