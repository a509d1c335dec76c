#include <stdlib.h>

#include "media/format.h"
#include "media/ivf.h"
#include "media/le.h"
#include "rtc/vp8.h"

struct ivf {
    bool opened;    /* the header was read */
    uint64_t rate;  /* a tick is scale/rate of a second */
    uint64_t scale; /* 1..65535 */
    uint64_t last;  /* pts of the frame before */
};

static int ivf_open(void **out_state)
{
    void *state = calloc(1, sizeof(struct ivf));
    if (state == NULL)
        return CONCLAVE_ENOMEM;
    *out_state = state;
    return 0;
}

static int refuse(struct media_reader *r, int error, size_t at, const char *what, const char *cure)
{
    return media_refuse(r, error, r->input.offset + at, what, cure);
}

static int read_header(struct media_reader *r, struct bytes head)
{
    struct ivf *f = r->state;
    struct reader in = reader_of(head);
    (void)read_bytes(&in, 4); /* the magic, which brought us here */
    uint16_t version = le_read16(&in), size = le_read16(&in);
    struct bytes codec = read_bytes(&in, 4);
    uint16_t width = le_read16(&in), height = le_read16(&in);
    uint32_t rate = le_read32(&in), scale = le_read32(&in);
    if (version != 0 || size != IVF_HEADER)
        return refuse(r, CONCLAVE_EUNSUPPORTED, 4, "an IVF header of an unknown version",
                      MEDIA_MAKE_ANEW);
    if (!bytes_equal(codec, bytes_str("VP80")))
        return refuse(r, CONCLAVE_EUNSUPPORTED, 8, "the video is not VP8",
                      "encode it again as VP8, for example with ffmpeg -c:v libvpx");
    /* The bounds keep the sums of pts_of() below 2^64. */
    if (rate == 0 || rate > INT32_MAX || scale == 0 || scale > UINT16_MAX)
        return refuse(r, CONCLAVE_ESYNTAX, 16, "no usable frame rate", MEDIA_MAKE_ANEW);
    f->rate = rate;
    f->scale = scale;
    f->opened = true;
    r->info.width = width;
    r->info.height = height;
    media_input_skip(&r->input, IVF_HEADER);
    return 0;
}

/* Ticks in units of the media clock, rounded down; false: too far away. */
static bool pts_of(const struct ivf *f, uint64_t ticks, uint64_t *out)
{
    uint64_t seconds = ticks / f->rate, rest = ticks % f->rate;
    if (seconds > MEDIA_PTS_MAX / MEDIA_VIDEO_CLOCK / f->scale)
        return false;
    *out = seconds * f->scale * MEDIA_VIDEO_CLOCK + rest * f->scale * MEDIA_VIDEO_CLOCK / f->rate;
    return true;
}

/* The frame whose header and data these are. */
static int read_frame(struct media_reader *r, uint64_t ticks, struct bytes data,
                      struct media_frame *out)
{
    struct ivf *f = r->state;
    struct vp8_frame head;
    uint64_t pts;
    if (!pts_of(f, ticks, &pts))
        return refuse(r, CONCLAVE_ELIMIT, 4, "a frame further than 99 years from the start",
                      MEDIA_MAKE_ANEW);
    if (pts < f->last)
        return refuse(r, CONCLAVE_ESYNTAX, 4, "a frame earlier than the one before it",
                      MEDIA_MAKE_ANEW);
    if (vp8_frame_read(data, &head) != 0)
        return refuse(r, CONCLAVE_ESYNTAX, IVF_FRAME_HEADER, "a frame that is no VP8",
                      MEDIA_MAKE_ANEW);
    f->last = pts;
    media_input_skip(&r->input, IVF_FRAME_HEADER + data.n);
    *out = (struct media_frame){.codec = MEDIA_VP8, .pts = pts, .key = head.key, .data = data};
    return 0;
}

static int ivf_next(struct media_reader *r, enum media_event *out_event, struct media_frame *out)
{
    struct ivf *f = r->state;
    struct bytes left = media_input_view(&r->input);
    if (!f->opened) {
        if (left.n < IVF_HEADER)
            return media_want_more(r, out_event);
        int rv = read_header(r, bytes_of(left.p, IVF_HEADER));
        if (rv != 0)
            return rv;
        left = media_input_view(&r->input);
    }
    if (left.n == 0 && r->input.ended) {
        *out_event = MEDIA_DONE;
        return 0;
    }
    if (left.n < IVF_FRAME_HEADER)
        return media_want_more(r, out_event);
    struct reader in = reader_of(left);
    uint32_t size = le_read32(&in);
    uint64_t ticks = le_read64(&in);
    if (size > MEDIA_VIDEO_FRAME_MAX)
        return refuse(r, CONCLAVE_ELIMIT, 0, "a frame larger than 1000 KiB",
                      "encode with a lower bitrate");
    if (reader_left(&in) < size)
        return media_want_more(r, out_event);
    *out_event = MEDIA_FRAME;
    return read_frame(r, ticks, read_bytes(&in, size), out);
}

const struct media_parser media_parser_ivf = {
    .name = "IVF",
    .magic = "DKIF",
    .open = ivf_open,
    .close = free,
    .next = ivf_next,
};
