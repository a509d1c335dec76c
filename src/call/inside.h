/* The parts of a call, for src/call alone.
 *
 *     publish.c    tracks; a frame sealed and cut into the packets of its layer's history
 *     pace.c       which of them goes out next, and again
 *     control.c    RTCP written: reports, requests, feedback
 *     hear.c       RTCP read
 *     stream.c     streams of others: made, ended, packets put in
 *     frame.c      frames of streams: held, opened, told
 */
#ifndef CALL_INSIDE_H
#define CALL_INSIDE_H

#include "base/earlier.h"
#include "base/u32map.h"
#include "call/call.h"
#include "rtc/assembler.h"
#include "rtc/rtcp_feedback.h"
#include "rtc/rtp.h"
#include "rtc/sequence.h"
#include "rtc/transport_cc.h"

/* ---- Sending ---- */

/* A packet without its header. */
struct sent {
    struct buf payload;
    uint32_t timestamp;
    uint16_t sequence;
    bool made, marker, voice;
    uint8_t level;
    uint8_t resends;
    uint64_t sent_us; /* the last time */
};

struct layer {
    struct call_layer is;
    struct sent *history; /* `cap` of them, found by sequence number */
    uint32_t cap;
    uint16_t sequence; /* of the next packet to be made */
    uint16_t out;      /* of the next to go out: those before `sequence` wait */
    uint16_t rtx_sequence;
    uint16_t picture_id;
    uint16_t asked[CALL_RESEND_QUEUE]; /* to be sent again, a ring */
    uint32_t asked_head, asked_n;
    bool key_wanted;
    uint64_t key_told_us; /* 0: never */
    uint32_t last_timestamp;
    uint64_t last_captured_us;
    uint64_t report_us; /* the next SR */
    struct call_layer_stats stats;
};

struct track {
    bool published;
    uint8_t source;
    uint8_t n_layers;
    struct layer layer[SIGNAL_LAYERS_MAX];
};

/* ---- Receiving ---- */

/* A frame whose key is not known yet. */
struct held {
    struct held *next;
    uint64_t arrival_us;
    uint64_t timestamp;
    bool gap_after; /* packets were lost between this and the next */
    size_t n;
    uint8_t sealed[];
};

/* RFC 3550 A.1, A.3, A.8: what reports say of a stream. */
struct reception {
    struct sequence_unwrap unwrap;
    int64_t first;
    uint64_t received;
    int64_t expected_before; /* as of the last report */
    uint64_t received_before;
    uint32_t transit;
    uint32_t jitter16; /* times 16 */
};

struct stream {
    uint32_t ssrc, rtx;
    enum sframe_codec codec;
    struct assembler *assembler;
    struct assembler_output frame; /* taken out and not opened yet, for want of memory */
    struct held *held, *held_last;
    size_t n_held;
    bool retry;   /* what is held may open now */
    bool follows; /* pictures: nothing is missing since a key frame */
    bool gap;     /* some numbers are missing */
    bool labelled;
    struct signal_flow label;
    uint64_t timestamp; /* of the newest frame, unwrapped; 0: none yet */
    uint32_t leaf;      /* of the newest that opened, as the next three */
    uint64_t context, epoch, ctr;
    uint64_t arrival_us;                 /* of the newest packet */
    uint64_t pli_us, nack_us, report_us; /* not before */
    struct reception reception;
    uint64_t report_ntp; /* of the last SR; 0: none */
    uint32_t report_timestamp;
    uint64_t report_arrival_us;
};

struct call {
    struct call_config config;
    struct sframe_keys *keys;
    struct track tracks[SIGNAL_TRACKS_MAX];
    struct u32map streams; /* by SSRC */
    struct u32map rtx;     /* the same, by the SSRC of their retransmissions */
    size_t held_bytes;
    struct transport_cc_recorder recorder;
    uint64_t feedback_us; /* the next, not before */
    uint16_t transport;   /* the next transport-wide number */
    uint64_t pace_us;     /* the next packet of video, not before */
    uint64_t now_us;
    struct buf sealed, plain, out, scratch;
    struct call_stats stats;
};

static inline uint32_t clock_of(enum sframe_codec codec)
{
    return codec == SFRAME_CODEC_OPUS ? 48000 : 90000; /* RFC 7587 4.1, RFC 7741 4.1 */
}

static inline enum sframe_codec codec_of(uint8_t source)
{
    return source == SIGNAL_AUDIO ? SFRAME_CODEC_OPUS : SFRAME_CODEC_VP8;
}

/* The layer of ours that an SSRC is of, as media or (rtx) as retransmission; NULL. */
struct layer *publish_find(struct call *c, uint32_t ssrc);
bool publish_uses(struct call *c, uint32_t ssrc);
/* How many packets of a layer wait for their first time. */
static inline uint32_t layer_waiting(const struct layer *l)
{
    return (uint16_t)(l->sequence - l->out);
}

/* The layer wants a key frame; told once in a while. */
void publish_want_key(struct layer *l);
bool publish_next_wish(struct call *c, struct call_event *out);
uint64_t publish_deadline(const struct call *c);
void publish_fini(struct call *c);

/* A NACK asks for this number. */
void pace_ask(struct layer *l, uint16_t sequence);
/* The next packet into c->out, which stays empty if none is due. ENOMEM. */
int pace_next(struct call *c) CONCLAVE_CHECKED;
uint64_t pace_deadline(const struct call *c);

/* What is due into c->out. ENOMEM. */
int control_write(struct call *c) CONCLAVE_CHECKED;
uint64_t control_deadline(const struct call *c);
/* RFC 3550 4: a time of ours as an NTP timestamp, and back. */
uint64_t ntp_of(uint64_t us);
uint64_t ntp_us(uint64_t ntp);

void hear_control(struct call *c, struct bytes packet);

int stream_input(struct call *c, struct bytes packet) CONCLAVE_CHECKED;
void stream_fini(struct call *c);

/* The next frame of a stream that opens; CALL_NOTHING if there is none. ENOMEM, ECRYPTO. */
int frame_next(struct call *c, struct stream *s, struct call_event *out) CONCLAVE_CHECKED;
void frame_drop_held(struct call *c, struct stream *s);

uint64_t frame_deadline(const struct stream *s);

#endif
