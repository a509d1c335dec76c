/* RTP payload format for SFrame (draft-ietf-avtcore-rtp-sframe-02): one byte before each piece of
 * an SFrame ciphertext.
 *
 * A ciphertext is cut anywhere; the pieces go into packets in order, the first with S and the last
 * with E, all with the same T. T is 0 for a whole media frame (per-frame SFrame, which Conclave
 * sends) and 1 for a packet of the media's own format. The payload type stays that of the media.
 */
#ifndef RTC_SFRAME_PAYLOAD_H
#define RTC_SFRAME_PAYLOAD_H

#include <conclave/bytes.h>

struct sframe_payload {
    bool start;           /* S: the first piece of a ciphertext */
    bool end;             /* E: the last */
    bool packetized;      /* T */
    struct bytes content; /* at least one byte */
};

/* Reserved bits are ignored. ESYNTAX: no descriptor, or nothing after it. */
int sframe_payload_read(struct bytes payload, struct sframe_payload *out) CONCLAVE_CHECKED;

/* Cuts a ciphertext; it is borrowed until the last payload is written. */
struct sframe_packetizer {
    bool packetized;
    bool started;
    struct bytes left;
    size_t packets; /* still to come */
};

/* mtu: the most bytes of a payload, descriptor included. EINVAL: an empty ciphertext, or an mtu
 * below 2. */
int sframe_packetizer_init(struct sframe_packetizer *p, struct bytes ciphertext, bool packetized,
                           size_t mtu) CONCLAVE_CHECKED;

/* Appends the next payload and tells whether it is the last: the marker bit, where the media format
 * sets one for its frame, goes there. ESTATE: there is none left. ENOMEM: nothing has changed. */
int sframe_packetizer_next(struct sframe_packetizer *p, struct buf *out,
                           bool *out_last) CONCLAVE_CHECKED;

#endif
