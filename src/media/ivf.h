/* IVF, the simplest of video files: a header of 32 bytes, then frames, each with its size and time.
 * All numbers are little-endian:
 *
 *     header: "DKIF", u16 version 0, u16 header size 32, "VP80", u16 width, u16 height,
 *             u32 rate, u32 scale (a tick is scale/rate of a second), u32 length, u32 unused
 *     frame:  u32 size, u64 time in ticks, then the bytes
 *
 * The length was meant in frames by those who began it, and is read in ticks by most players;
 * usually a tick is a frame. media/reader.h does without it. This is the writer; its ticks are
 * those of MEDIA_VIDEO_CLOCK, and its lengths are in them.
 */
#ifndef MEDIA_IVF_H
#define MEDIA_IVF_H

#include "media/media.h"

#define IVF_HEADER 32
#define IVF_FRAME_HEADER 12

struct ivf_writer {
    uint16_t width, height; /* of the first key frame */
    uint32_t frames;
    uint64_t start, last; /* pts of the first and of the last frame */
};

void ivf_writer_init(struct ivf_writer *w);

/* Appends a frame to out, and before the first frame the header. The first frame is a key frame,
 * and gets time 0. EINVAL: not VP8, not a key frame at first, earlier than the last one, or beyond
 * the limits. ENOMEM. After a failure nothing has changed. */
int ivf_writer_frame(struct ivf_writer *w, const struct media_frame *frame,
                     struct buf *out) CONCLAVE_CHECKED;

/* The header again, now that the length is known, to be written over the one at the start of the
 * file. Players do without it. ESTATE: there has been no frame. ENOMEM. */
int ivf_writer_finish(const struct ivf_writer *w, struct buf *out_header) CONCLAVE_CHECKED;

#endif
