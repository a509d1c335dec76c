/* RTP payload format for Opus (RFC 7587) and what can be told of an Opus packet without decoding it
 * (RFC 6716 3).
 *
 * One RTP payload is one Opus packet, as it is; there is nothing to cut or to join. The RTP clock
 * is 48 kHz whatever the codec does, and the marker bit opens a talkspurt (RFC 3551 4.1). Use
 * these on plain packets only: what SFrame has sealed looks like nothing.
 */
#ifndef RTC_OPUS_H
#define RTC_OPUS_H

#include <conclave/bytes.h>

#define OPUS_CLOCK 48000          /* RTP timestamp units a second */
#define OPUS_DURATION_MAX 5760    /* 120 ms, RFC 6716 3.4 R5 */
#define OPUS_FRAME_BYTES_MAX 1275 /* RFC 6716 3.4 R2 */
#define OPUS_FRAMES_MAX 48        /* 120 ms of 2.5 ms frames */

struct opus_info {
    uint8_t config;    /* 0..31: mode, bandwidth and frame size, RFC 6716 table 2 */
    bool stereo;       /* the packet's, not the stream's */
    uint8_t frames;    /* 1..OPUS_FRAMES_MAX */
    uint32_t duration; /* of all frames, in units of the RTP clock */
    size_t padding;    /* bytes that carry no sound */
};

/* ESYNTAX: breaks one of the rules R1 to R7 of RFC 6716 3.4. */
int opus_info_read(struct bytes packet, struct opus_info *out) CONCLAVE_CHECKED;

/* Appends the payload for a packet: the packet. ESYNTAX as above; ELIMIT: more than mtu bytes, and
 * RFC 7587 4.2 knows no fragments. ENOMEM. */
int opus_payload_write(struct bytes packet, size_t mtu, struct buf *out) CONCLAVE_CHECKED;

#endif
