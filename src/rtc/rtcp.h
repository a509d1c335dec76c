/* RTCP (RFC 3550 6): compound packets, and the reports in them. Feedback is in rtc/rtcp_feedback.h
 * and rtc/transport_cc.h.
 *
 * rtcp_open() checks the framing of a whole datagram before anything in it is believed; walking it
 * then cannot fail. Reduced-size packets (RFC 5506) are accepted: Conclave always negotiates them,
 * so the first packet need not be a report. Packets of unknown type are walked over by the caller.
 * Everything read is borrowed. Writers append one packet each; a compound is several writes.
 *
 * Writers return EINVAL for values that could not be read back, or ENOMEM, and leave out as it was.
 */
#ifndef RTC_RTCP_H
#define RTC_RTCP_H

#include <conclave/bytes.h>

#include "rtc/limits.h"

enum rtcp_type {
    RTCP_SR = 200,
    RTCP_RR = 201,
    RTCP_SDES = 202,
    RTCP_BYE = 203,
    RTCP_RTPFB = 205, /* RFC 4585: transport-layer feedback */
    RTCP_PSFB = 206,  /* RFC 4585: payload-specific feedback */
};

struct rtcp_packet {
    uint8_t type;      /* enum rtcp_type, or another */
    uint8_t count;     /* 5 bits: reports, chunks, sources, or the feedback format */
    struct bytes body; /* after the first four bytes, without padding */
};

struct rtcp_walk {
    struct bytes left;
};

/* ESYNTAX: empty, another version, lengths that do not add up, padding that is 0 or longer than its
 * packet. */
int rtcp_open(struct bytes compound, struct rtcp_walk *out) CONCLAVE_CHECKED;

/* false at the end. */
bool rtcp_next(struct rtcp_walk *w, struct rtcp_packet *out);

/* Begins a packet whose body of so many bytes (a multiple of 4) the caller then puts; room for it
 * is reserved, so those puts cannot fail. */
int rtcp_begin(struct buf *out, uint8_t type, uint8_t count, size_t body) CONCLAVE_CHECKED;

struct rtcp_report {
    uint32_t ssrc;
    uint8_t fraction_lost;     /* of 256, since the last report */
    int32_t cumulative_lost;   /* 24 bits with sign */
    uint32_t highest_sequence; /* with the count of cycles above 16 bits */
    uint32_t jitter;           /* in units of the timestamp */
    uint32_t last_sr;          /* the middle 32 bits of the NTP time of the last SR; 0: none */
    uint32_t delay_since_sr;   /* in 1/65,536 s */
};

/* A sender report or a receiver report, which lacks what a sender says of itself. */
struct rtcp_report_packet {
    bool is_sender; /* SR; otherwise RR, and the five below are 0 */
    uint8_t report_count;
    uint32_t ssrc;
    uint32_t rtp_timestamp;
    uint32_t packets;
    uint32_t octets;
    uint64_t ntp; /* seconds since 1900 in 32.32 fixed point */
    struct rtcp_report report[RTCP_COUNT_MAX];
};

/* EINVAL: the packet is neither SR nor RR. ESYNTAX: shorter than its count. Profile-specific
 * extensions after the reports are ignored (RFC 3550 6.4.3). */
int rtcp_report_read(const struct rtcp_packet *p, struct rtcp_report_packet *out) CONCLAVE_CHECKED;
int rtcp_report_write(const struct rtcp_report_packet *r, struct buf *out) CONCLAVE_CHECKED;

struct rtcp_sdes_chunk {
    uint32_t ssrc;
    struct bytes cname; /* RFC 3550 6.5.1; empty: the chunk has none */
};

struct rtcp_sdes {
    uint8_t count;
    struct rtcp_sdes_chunk chunk[RTCP_COUNT_MAX];
};

/* CNAME is kept, other items are skipped. EINVAL: not SDES. ESYNTAX; EDUPLICATE: a chunk with two
 * names. A name of more than 255 bytes, or an empty one, is not written. */
int rtcp_sdes_read(const struct rtcp_packet *p, struct rtcp_sdes *out) CONCLAVE_CHECKED;
int rtcp_sdes_write(const struct rtcp_sdes *s, struct buf *out) CONCLAVE_CHECKED;

struct rtcp_bye {
    uint8_t count;
    uint32_t ssrc[RTCP_COUNT_MAX];
    struct bytes reason; /* at most 255 bytes; empty: none given */
};

/* EINVAL: not BYE. ESYNTAX. */
int rtcp_bye_read(const struct rtcp_packet *p, struct rtcp_bye *out) CONCLAVE_CHECKED;
int rtcp_bye_write(const struct rtcp_bye *b, struct buf *out) CONCLAVE_CHECKED;

#endif
