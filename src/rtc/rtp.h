/* RTP packets (RFC 3550 5): header, contributing sources, header extension, padding.
 *
 * Reading borrows: all views point into the packet. rtp_header_read() stops after the header and
 * does not look at padding, which SRTP encrypts; rtp_packet_read() reads all of a plain packet.
 * Writing appends to a buf. The rtp_set functions change a packet in place, for forwarding.
 * What the header extension carries is read by rtc/rtp_ext.h.
 */
#ifndef RTC_RTP_H
#define RTC_RTP_H

#include <conclave/bytes.h>

#define RTP_VERSION 2
#define RTP_HEADER_SIZE 12 /* bytes, without contributing sources and extension */
#define RTP_CSRC_MAX 15

struct rtp_header {
    bool marker;
    bool padded; /* the P bit: the payload ends in padding */
    bool extended;
    uint8_t payload_type; /* 0..127 */
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    struct bytes csrcs;         /* 4 bytes each, at most RTP_CSRC_MAX */
    uint16_t extension_profile; /* with `extended`: RFC 3550 5.3.1 "defined by profile" */
    struct bytes extension;     /* with `extended`: a multiple of 4 bytes */
    size_t size;                /* bytes of all this; set by reading, not used in writing */
};

struct rtp_packet {
    struct rtp_header header;
    struct bytes payload; /* without padding */
    uint8_t padding;      /* bytes of padding, its count included; 0 without the P bit */
};

/* RFC 5761 4: whether a datagram that is RTP or RTCP is RTCP. Short ones are neither: false. */
bool rtp_is_rtcp(struct bytes datagram);

/* ESYNTAX: another version, or shorter than the header says. */
int rtp_header_read(struct bytes packet, struct rtp_header *out) CONCLAVE_CHECKED;

/* ESYNTAX as above, and for padding that is 0 or longer than the payload. */
int rtp_packet_read(struct bytes packet, struct rtp_packet *out) CONCLAVE_CHECKED;

/* i < csrcs.n / 4 */
uint32_t rtp_csrc(const struct rtp_header *h, size_t i);

/* Appends. EINVAL: a payload type over 127, too many or half sources, an extension that is no
 * multiple of 4 or longer than 65,535 words, padding without the P bit or the reverse. ENOMEM.
 * After a failure out is what it was. */
int rtp_header_write(const struct rtp_header *h, struct buf *out) CONCLAVE_CHECKED;
int rtp_packet_write(const struct rtp_packet *p, struct buf *out) CONCLAVE_CHECKED;

/* Change a packet that rtp_header_read() has accepted. payload_type <= 127. */
void rtp_set_marker(uint8_t packet[static RTP_HEADER_SIZE], bool marker);
void rtp_set_payload_type(uint8_t packet[static RTP_HEADER_SIZE], uint8_t payload_type);
void rtp_set_sequence(uint8_t packet[static RTP_HEADER_SIZE], uint16_t sequence);
void rtp_set_timestamp(uint8_t packet[static RTP_HEADER_SIZE], uint32_t timestamp);
void rtp_set_ssrc(uint8_t packet[static RTP_HEADER_SIZE], uint32_t ssrc);

#endif
