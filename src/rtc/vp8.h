/* RTP payload format for VP8 (RFC 7741): the payload descriptor, frames to packets and back.
 *
 * Every payload begins with a descriptor. A forwarder that switches between streams rewrites its
 * picture id, TL0PICIDX and KEYIDX in place; their widths stay what they are. A frame is cut into
 * payloads of nearly equal size, the first with the S bit; the receiver's assembler puts those from
 * an S bit of partition 0 to the marker bit together again. What follows the descriptor may be
 * sealed by SFrame: only vp8_frame_read() looks at it, and needs no more than its clear prefix.
 */
#ifndef RTC_VP8_H
#define RTC_VP8_H

#include <conclave/bytes.h>

#define VP8_CLOCK 90000      /* RTP timestamp units a second */
#define VP8_DESCRIPTOR_MAX 6 /* bytes */
#define VP8_KEY_PREFIX 10    /* bytes of a key frame that vp8_frame_read() reads */
#define VP8_DELTA_PREFIX 3   /* and of another */

struct vp8_descriptor {
    bool non_reference; /* N: nothing refers to this frame */
    bool start;         /* S: the payload begins a partition */
    uint8_t partition;  /* PID, 0..7 */
    bool has_picture_id;
    bool long_picture_id; /* 15 bits instead of 7 */
    bool has_tl0picidx;
    bool has_tid; /* with it goes layer_sync */
    bool has_keyidx;
    uint16_t picture_id;
    uint8_t tl0picidx;
    uint8_t tid; /* temporal layer, 0..3 */
    bool layer_sync;
    uint8_t keyidx; /* 0..31 */
    size_t size;    /* bytes of the descriptor; set by reading, not used in writing */
};

/* ESYNTAX: cut off, or no payload after the descriptor. An RTP packet with no payload at all is
 * padding, which browsers send to probe the network: do not bring it here, see rtc/assembler.h. */
int vp8_descriptor_read(struct bytes payload, struct vp8_descriptor *out) CONCLAVE_CHECKED;

/* Appends. EINVAL: a value beyond its field. ENOMEM. */
int vp8_descriptor_write(const struct vp8_descriptor *d, struct buf *out) CONCLAVE_CHECKED;

/* Writes the fields of d over the descriptor that begins payload. d is what vp8_descriptor_read()
 * made of it, with other values in picture_id, tl0picidx, tid, layer_sync, keyidx, non_reference:
 * what is present, and so the size, stays. Values are cut to their field. */
void vp8_descriptor_rewrite(const struct vp8_descriptor *d, uint8_t *payload);

/* Whether the payload begins a frame. */
bool vp8_begins_frame(const struct vp8_descriptor *d);

/* Cuts a frame; the frame is borrowed until the last payload is written. */
struct vp8_packetizer {
    struct vp8_descriptor descriptor;
    struct bytes left;
    size_t packets; /* still to come */
};

/* d: the frame's descriptor; start and partition are set here. mtu: the most bytes of a payload,
 * descriptor included. EINVAL: an empty frame, values beyond their field, or an mtu that leaves no
 * room for a byte of the frame. */
int vp8_packetizer_init(struct vp8_packetizer *p, const struct vp8_descriptor *d,
                        struct bytes frame, size_t mtu) CONCLAVE_CHECKED;

/* Appends the next payload, and tells whether it is the last, which gets the marker bit. ESTATE:
 * there is none left. ENOMEM: nothing has changed. */
int vp8_packetizer_next(struct vp8_packetizer *p, struct buf *out, bool *out_last) CONCLAVE_CHECKED;

struct vp8_frame {
    bool key;
    bool shown;
    uint8_t version;        /* 0..3 */
    uint32_t first_size;    /* bytes of the first partition */
    uint16_t width, height; /* of a key frame, without scaling; otherwise 0 */
};

/* The uncompressed start of a frame (RFC 6386 9.1). ESYNTAX: cut off, or no start code. */
int vp8_frame_read(struct bytes frame, struct vp8_frame *out) CONCLAVE_CHECKED;

#endif
