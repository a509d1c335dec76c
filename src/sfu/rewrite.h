/* The numbers of an outgoing stream that shows one incoming stream after another: to its receiver
 * it is one RTP stream whose sequence numbers, timestamps and VP8 picture ids (RFC 7741 4.2) go on
 * without a gap.
 *
 * While it follows one source each number differs from the source's by a constant, so that loss and
 * reordering look to the receiver as they are. It begins with a source at one packet, the first of
 * a key frame; what the source sent before that has no number here.
 */
#ifndef SFU_REWRITE_H
#define SFU_REWRITE_H

#include "rtc/vp8.h"

struct sfu_rewrite {
    bool started;
    int64_t base;     /* the source's number it began with */
    int64_t sequence; /* to be added to the source's unwrapped number */
    uint32_t timestamp;
    uint16_t picture_id;
    uint8_t tl0picidx, keyidx;
    /* the furthest that went out */
    int64_t last_sequence;
    uint32_t last_timestamp;
    uint64_t last_us;
    uint16_t last_picture_id;
    uint8_t last_tl0picidx, last_keyidx;
};

/* A stream of which nothing went out yet. */
void sfu_rewrite_init(struct sfu_rewrite *w, uint16_t sequence, uint32_t timestamp);

/* Follows another source from its packet `sequence` on. The timestamp goes on by the time that has
 * passed, at least one frame of SFU_FRAME_US. vp8: NULL for other formats. */
void sfu_rewrite_follow(struct sfu_rewrite *w, int64_t sequence, uint32_t timestamp,
                        const struct vp8_descriptor *vp8, uint32_t clock, uint64_t now_us);

/* The number a packet of the source goes out with; false if it came before the first. */
static inline bool sfu_rewrite_sequence(const struct sfu_rewrite *w, int64_t sequence, int64_t *out)
{
    *out = sequence + w->sequence;
    return sequence >= w->base;
}

/* The source's number for one that went out, by its low bits; false if none of this source did. */
bool sfu_rewrite_source(const struct sfu_rewrite *w, uint16_t sequence, int64_t *out);

/* The descriptor as it goes out. */
void sfu_rewrite_vp8(const struct sfu_rewrite *w, struct vp8_descriptor *d);

/* A packet of the source has gone out. d: as it went out; or NULL. */
void sfu_rewrite_sent(struct sfu_rewrite *w, int64_t out_sequence, uint32_t out_timestamp,
                      const struct vp8_descriptor *d, uint64_t now_us);

#endif
