/* Frames out of packets: puts the packets of a stream in order, joins them, says what is lost.
 *
 * A frame is a run of packets with consecutive sequence numbers, the first marked `start`, the last
 * `end`, all with the same timestamp and kind. Frames come out whole, once and in order. A packet
 * waits for missing ones before it at most wait_us; then the numbers up to it are given up. So a
 * frame comes out if all its packets arrive within wait_us of the first packet that belongs to it
 * or to a later frame, and the limits below were not reached meanwhile; what comes later is late.
 *
 * A packet of nothing but padding (rtp_packet.payload.n is 0) has no payload descriptor to read,
 * and belongs to no frame: set `padding` and leave the rest, so that its number is not taken for a
 * loss.
 *
 * Time is an argument, never goes back, and is looked at only here: after each assembler_input(),
 * and when assembler_deadline() is reached, call assembler_next() until it has nothing more.
 * Payloads are copied in. Memory is bounded by the config: see assembler_memory_max().
 */
#ifndef RTC_ASSEMBLER_H
#define RTC_ASSEMBLER_H

#include <conclave/bytes.h>

#include "rtc/limits.h"

/* 0 anywhere: the limit of rtc/limits.h, and ASSEMBLER_WAIT_US. */
struct assembler_config {
    uint64_t wait_us; /* up to ASSEMBLER_WAIT_MAX_US */
    size_t packets; /* a power of two up to ASSEMBLER_PACKETS_MAX: how many numbers are followed */
    size_t bytes;   /* RTP_PACKET_MAX up to ASSEMBLER_BYTES_MAX: of payload kept */
};

struct assembler_packet {
    uint16_t sequence;
    uint32_t timestamp;
    bool start;           /* the payload begins a frame */
    bool end;             /* the payload ends one */
    uint32_t kind;        /* what must not change in a frame: payload type, SFrame's T bit, ... */
    uint64_t note;        /* the caller's; that of the first packet comes out with the frame */
    bool padding;         /* a packet of padding alone: its number is done with, and no frame's */
    struct bytes payload; /* without descriptor; at most RTP_PACKET_MAX bytes, may be empty */
};

enum assembler_output_kind {
    ASSEMBLER_NOTHING, /* until the next packet or the deadline */
    ASSEMBLER_FRAME,
    ASSEMBLER_LOST,
};

struct assembler_output {
    enum assembler_output_kind what;
    uint16_t sequence;  /* the first number of the frame, or of those given up */
    uint32_t count;     /* how many numbers */
    uint32_t arrived;   /* FRAME: count. LOST: those that had come, but not with their frame */
    uint32_t timestamp; /* FRAME, as the three below */
    uint32_t packet_kind;
    uint64_t note;
    struct bytes frame; /* good until the next call */
};

struct assembler_stats {
    uint64_t packets;    /* taken in */
    uint64_t duplicates; /* not taken in: there already */
    uint64_t late;       /* not taken in: their number was given up, or was out, already */
    uint64_t frames;     /* out */
    uint64_t lost;       /* numbers given up */
};

struct assembler;

/* config: NULL for all defaults. EINVAL: a value out of range. ENOMEM. */
int assembler_new(const struct assembler_config *config, struct assembler **out) CONCLAVE_CHECKED;
void assembler_free(struct assembler *a);

/* Duplicates and late packets are counted and return 0. EINVAL: too large a payload, or
 * padding with one. ESTATE: not
 * all output was taken after the last packet, and there is no room for this one until it is.
 * ENOMEM. After a failure nothing has changed. */
int assembler_input(struct assembler *a, const struct assembler_packet *p,
                    uint64_t now_us) CONCLAVE_CHECKED;

/* What comes next. ENOMEM: no memory to join the frame; it will come out with the next call. */
int assembler_next(struct assembler *a, uint64_t now_us,
                   struct assembler_output *out) CONCLAVE_CHECKED;

/* When assembler_next() has to be called at the latest; UINT64_MAX: not before the next packet. */
uint64_t assembler_deadline(const struct assembler *a);

/* The numbers that are missing between what came out and the newest packet, oldest first, at most
 * max of them: what to ask for with a NACK. Returns how many. */
size_t assembler_missing(const struct assembler *a, uint16_t *out, size_t max);

struct assembler_stats assembler_stats(const struct assembler *a);

/* Bytes allocated now, and the most it can ever be. */
size_t assembler_memory(const struct assembler *a);
size_t assembler_memory_max(const struct assembler *a);

#endif
