/* Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01):
 * which packets of a transport arrived, and when, to a quarter of a millisecond.
 *
 * The receiver records arrivals and writes a message now and then; each begins where the last one
 * ended, or at a number told as lost that came late after all: the last word counts. The sender
 * reads a message and walks it. A recorder has a fixed size: the last TRANSPORT_CC_WINDOW numbers.
 */
#ifndef RTC_TRANSPORT_CC_H
#define RTC_TRANSPORT_CC_H

#include "rtc/rtcp_feedback.h"
#include "rtc/sequence.h"

#define TRANSPORT_CC_TICK_US 250 /* a receive delta of 1 */

/* A message that was read: chunks and deltas are known to be complete and to fit together. */
struct transport_cc {
    uint16_t base_sequence;
    uint16_t status_count;   /* at least 1 */
    uint32_t reference_time; /* 24 bits, in 64 ms, of a clock only the receiver knows; wraps */
    uint8_t feedback_count;  /* goes up by 1 each message; wraps */
    struct bytes chunks;
    struct bytes deltas;
};

/* EINVAL: another kind of feedback. ESYNTAX: a status of the reserved value, chunks or deltas
 * missing, more than padding left over. */
int transport_cc_read(const struct rtcp_feedback *f, struct transport_cc *out) CONCLAVE_CHECKED;

struct transport_cc_status {
    uint16_t sequence;
    bool received;
    int64_t time_us; /* if received; on the scale of reference_us below */
};

struct transport_cc_walk {
    const struct transport_cc *message;
    struct bytes chunks;
    struct bytes deltas;
    uint32_t done;  /* statuses told */
    uint16_t chunk; /* the one being walked */
    uint16_t used;  /* of its statuses */
    int64_t time_us;
};

/* reference_us: what the message's reference time is on the caller's scale; see below. */
struct transport_cc_walk transport_cc_walk_of(const struct transport_cc *message,
                                              int64_t reference_us);
bool transport_cc_next(struct transport_cc_walk *w, struct transport_cc_status *out);

/* Follows the reference time over its wraps (every 12 days): microseconds since the start of the
 * receiver's cycle in which the first message came. Zero-initialised. */
struct transport_cc_clock {
    int64_t last; /* in 64 ms */
    bool started;
};

int64_t transport_cc_reference(struct transport_cc_clock *c, const struct transport_cc *message);

/* The receiver's side. Zero-initialised. */
struct transport_cc_recorder {
    struct sequence_unwrap unwrap;
    int64_t begin;                        /* the first number the next message covers */
    int64_t arrival[TRANSPORT_CC_WINDOW]; /* in ticks, plus 1; 0: has not arrived */
    uint8_t feedback_count;
    bool pending;
};

/* Numbers older than the window, and second arrivals, are ignored. */
void transport_cc_record(struct transport_cc_recorder *r, uint16_t sequence, uint64_t now_us);

/* Whether something arrived that no message has told yet. */
bool transport_cc_pending(const struct transport_cc_recorder *r);

/* Appends one message of at most TRANSPORT_CC_BYTES_MAX bytes. What does not fit, or lies more than
 * 8 s apart, stays pending: write until nothing is. ESTATE: nothing is pending. ENOMEM. After a
 * failure nothing has changed. */
int transport_cc_write(struct transport_cc_recorder *r, uint32_t sender_ssrc, uint32_t media_ssrc,
                       struct buf *out) CONCLAVE_CHECKED;

#endif
