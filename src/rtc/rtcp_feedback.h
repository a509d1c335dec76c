/* RTCP feedback (RFC 4585): NACK and PLI, FIR (RFC 5104), REMB (draft-alvestrand-rmcat-remb-03).
 * Transport-wide congestion control feedback is in rtc/transport_cc.h.
 *
 * rtcp_feedback_read() tells the kind and the two sources; the kind's own functions read the rest
 * and return EINVAL for another kind, ESYNTAX for a body of the wrong size. Writers append one
 * packet; EINVAL for what could not be read back, or ENOMEM, leave out as it was.
 */
#ifndef RTC_RTCP_FEEDBACK_H
#define RTC_RTCP_FEEDBACK_H

#include "rtc/rtcp.h"

enum rtcp_feedback_kind {
    RTCP_FB_UNKNOWN, /* nothing to do */
    RTCP_FB_NACK,
    RTCP_FB_TRANSPORT_CC,
    RTCP_FB_PLI,
    RTCP_FB_FIR,
    RTCP_FB_REMB,
};

struct rtcp_feedback {
    enum rtcp_feedback_kind kind;
    uint32_t sender_ssrc;
    uint32_t media_ssrc; /* 0 where the kind names its streams itself */
    struct bytes fci;    /* the kind's own part */
};

/* EINVAL: neither of the two feedback types. ESYNTAX. */
int rtcp_feedback_read(const struct rtcp_packet *p, struct rtcp_feedback *out) CONCLAVE_CHECKED;

/* Begins a feedback packet whose fci bytes the caller then puts, as rtcp_begin(). */
int rtcp_feedback_begin(struct buf *out, enum rtcp_feedback_kind kind, uint32_t sender_ssrc,
                        uint32_t media_ssrc, size_t fci) CONCLAVE_CHECKED;

/* The sequence numbers a NACK asks for (RFC 4585 6.2.1), in the order they stand there. */
struct rtcp_nack_walk {
    struct bytes left;
    uint16_t base; /* of the entry being walked */
    uint32_t mask; /* bit i: base + i is still to come */
};

int rtcp_nack_open(const struct rtcp_feedback *f, struct rtcp_nack_walk *out) CONCLAVE_CHECKED;
bool rtcp_nack_next(struct rtcp_nack_walk *w, uint16_t *out_sequence);

/* lost: n >= 1 numbers, each newer than the one before it. */
int rtcp_nack_write(uint32_t sender_ssrc, uint32_t media_ssrc, const uint16_t *lost, size_t n,
                    struct buf *out) CONCLAVE_CHECKED;

/* RFC 4585 6.3.1: a key frame, please. Says nothing more, so there is nothing more to read. */
int rtcp_pli_write(uint32_t sender_ssrc, uint32_t media_ssrc, struct buf *out) CONCLAVE_CHECKED;

/* RFC 5104 4.3.1: the same for streams by name; a repeated sequence number is the same request. */
struct rtcp_fir {
    uint32_t ssrc;
    uint8_t sequence;
};

int rtcp_fir_count(const struct rtcp_feedback *f, size_t *out) CONCLAVE_CHECKED;
/* i < count */
struct rtcp_fir rtcp_fir_at(const struct rtcp_feedback *f, size_t i);
int rtcp_fir_write(uint32_t sender_ssrc, const struct rtcp_fir *fir, size_t n,
                   struct buf *out) CONCLAVE_CHECKED;

/* What a receiver believes it can take, for all streams listed together. */
struct rtcp_remb {
    uint64_t bitrate; /* bit/s; 18 significant bits survive, rounded down */
    uint8_t count;
    uint32_t ssrc[RTCP_REMB_SSRCS_MAX];
};

/* ELIMIT: more than RTCP_REMB_SSRCS_MAX streams. */
int rtcp_remb_read(const struct rtcp_feedback *f, struct rtcp_remb *out) CONCLAVE_CHECKED;
int rtcp_remb_write(uint32_t sender_ssrc, const struct rtcp_remb *r,
                    struct buf *out) CONCLAVE_CHECKED;

#endif
