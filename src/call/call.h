/* The media half of a participant: its frames to packets, sealed; others' to frames, opened.
 *
 * What an encoder made is sealed with SFrame under the group's key, cut into RTP packets and paced;
 * what arrives is put together, asked for again where it is lost, and opened. A frame is shown as
 * its key ID's leaf and source: who sends and what comes out of the group's key, whatever the
 * switch says of the stream it came by (docs/MEDIA.md). SRTP and the network are rtc/peer.h's.
 *
 *     call_epoch()                     for each epoch of the group
 *     call_publish(), call_send()      one's own tracks and frames
 *     call_flow()                      what the switch says of its streams
 *     call_input(c, packet, now)       a packet that SRTP has opened; then
 *     call_next(c, now, &event)        until CALL_NOTHING: frames, and wishes for key frames
 *     call_output(c, now, &packet)     until it has none: packets for SRTP to seal
 *     call_deadline(c)                 when these two want to be called again
 *
 * Sans-IO. now_us: microseconds of a clock that never goes back. One thread at a time. What a peer
 * does wrong is counted and dropped, never an error: errors are the caller's and the system's, and
 * after one nothing has changed but that a counter of SFrame may be used up.
 */
#ifndef CALL_CALL_H
#define CALL_CALL_H

#include <conclave/sframe.h>

#include "call/limits.h"
#include "signal/media.h"

struct call;

/* SFrame contexts are a member's own choice (RFC 9605 5.2); here they tell source and layer, so
 * that no camera passes for a screen: eight for each run, one for sound and three for the layers of
 * each of camera and screen. A member that restarts within an epoch has forgotten its counters and
 * takes another run. */
#define CALL_RUNS 8u
#define CALL_CONTEXTS UINT64_C(8)

struct call_config {
    uint8_t epoch_bits;     /* RFC 9605 5.2, as the group has agreed; to SFRAME_EPOCH_BITS_MAX */
    uint8_t run;            /* below CALL_RUNS */
    uint8_t opus, vp8, rtx; /* payload types, all different */
    uint32_t ssrc;          /* under which feedback is given */
    uint64_t wait_us;       /* for lost packets of pictures, as rtc/assembler.h; 0: its default */
};

/* EINVAL: a value out of range. ENOMEM, ECRYPTO. */
int call_new(const struct call_config *config, struct call **out) CONCLAVE_CHECKED;
void call_free(struct call *c);

/* ---- Epochs ---- */

struct call_epoch {
    uint64_t id;
    struct bytes base_key; /* as struct sframe_epoch; copied */
    uint32_t group_size;
    uint32_t own_leaf;
    const uint32_t *removed; /* leaves of members this epoch no longer has */
    size_t n_removed;
};

/* Ids rise. Sealing moves to it at once if anybody was removed, else when all can have it
 * (SFRAME_SWITCH_DELAY_US); the removed are barred from now on. Frames
 * that waited for it come out of call_next(). EINVAL, ENOMEM, ECRYPTO. */
int call_epoch(struct call *c, const struct call_epoch *epoch, uint64_t now_us) CONCLAVE_CHECKED;

/* ---- One's own tracks ---- */

/* The numbers an RTP stream begins with are random (RFC 3550 5.1). An SSRC serves once in the life
 * of a transport. */
struct call_layer {
    uint32_t ssrc;
    uint32_t rtx; /* of retransmissions (RFC 4588); 0: none are made */
    uint16_t first_sequence;
    uint32_t first_timestamp;
};

struct call_track {
    uint8_t track;    /* below SIGNAL_TRACKS_MAX */
    uint8_t source;   /* enum signal_source: sound is Opus, pictures are VP8 */
    uint8_t n_layers; /* 1 to SIGNAL_LAYERS_MAX; 1 of sound */
    struct call_layer layer[SIGNAL_LAYERS_MAX];
};

/* EINVAL: a value out of range. EDUPLICATE: the track, its source or an SSRC is there already.
 * ENOMEM. */
int call_publish(struct call *c, const struct call_track *track) CONCLAVE_CHECKED;

/* What waits is not sent any more. An unknown one is fine. */
void call_unpublish(struct call *c, uint8_t track);

struct call_frame {
    struct bytes data;    /* as the encoder made it */
    uint64_t pts;         /* in units of the codec's RTP clock */
    uint64_t captured_us; /* the same moment on the clock of now_us */
    uint8_t level;        /* sound, RFC 6464: 0 the loudest to 127 */
    bool voice;
};

/* ENOTFOUND: no such track or layer. ESTATE: no epoch yet. EINVAL: not a frame of its codec, or a
 * level or time out of range (CALL_CAPTURE_US). ELIMIT: larger than CALL_FRAME_MAX, or too many
 * packets wait: the frame is dropped, and pictures need a key frame next. EEXHAUSTED: a new epoch
 * is needed. ENOMEM, ECRYPTO. */
int call_send(struct call *c, uint8_t track, uint8_t layer, const struct call_frame *frame,
              uint64_t now_us) CONCLAVE_CHECKED;

/* ---- Packets ---- */

/* What the switch says of a stream: where its retransmissions come, and whose it is, which is only
 * compared. EINVAL: SSRCs that are 0, equal, or one's own. ELIMIT: more than
 * CALL_STREAMS. ENOMEM. */
int call_flow(struct call *c, const struct signal_flow *flow) CONCLAVE_CHECKED;

/* An RTP or RTCP packet. ESTATE: call_next() has more to give first. ENOMEM. */
int call_input(struct call *c, struct bytes packet, uint64_t now_us) CONCLAVE_CHECKED;

struct call_packet {
    struct bytes data; /* empty: nothing to send now. Good until the next call */
    bool control;      /* RTCP */
};

/* ENOMEM: nothing is lost; call again. */
int call_output(struct call *c, uint64_t now_us, struct call_packet *out) CONCLAVE_CHECKED;

/* When call_next() and call_output() want to be called; UINT64_MAX: never. */
uint64_t call_deadline(const struct call *c);

/* ---- Events ---- */

enum call_event_kind {
    CALL_NOTHING,
    CALL_FRAME,            /* somebody's */
    CALL_KEY_FRAME_WANTED, /* of one's own */
};

struct call_event {
    enum call_event_kind what;
    uint8_t track; /* KEY_FRAME_WANTED */
    uint8_t layer; /* of either */
    /* FRAME. The content and these are authenticated, but for ssrc, follows and the times: */
    uint8_t source; /* enum signal_source */
    bool key;       /* a picture that needs no other, or sound */
    bool follows;   /* no packet is missing since a key frame of this sender and layer */
    uint32_t leaf;
    uint32_t ssrc;
    uint64_t epoch, context, ctr; /* of which media/report.h makes its numbers */
    uint64_t timestamp;           /* RTP's, of the stream `ssrc`; never wraps */
    uint64_t captured_us; /* on a clock that all streams of a sender share; 0: not known yet */
    struct bytes frame;   /* good until the next call */
};

/* ENOMEM, ECRYPTO: the frame comes with the next call. */
int call_next(struct call *c, uint64_t now_us, struct call_event *out) CONCLAVE_CHECKED;

/* ---- Numbers; never content ---- */

enum call_refusal {
    CALL_REFUSED_PACKET,   /* malformed, of no stream, or more streams than there may be */
    CALL_REFUSED_FORM,     /* no SFrame, or beyond a limit of it */
    CALL_REFUSED_KEY,      /* of an epoch that is over, or did not come in time */
    CALL_REFUSED_SENDER,   /* no member's, a removed one's, or one's own */
    CALL_REFUSED_REPLAY,   /* opened before, too old to tell, or behind later ones of its stream */
    CALL_REFUSED_TAMPERED, /* not what was sealed */
    CALL_REFUSED_SOURCE,   /* sealed as what it was not sent as */
    CALL_REFUSALS,
};

struct call_stats {
    uint64_t frames;      /* opened */
    uint64_t lost;        /* packets given up, of all streams */
    uint64_t held;        /* frames that waited for their epoch */
    uint64_t mislabelled; /* opened, but the switch named another member or source */
    uint64_t refused[CALL_REFUSALS];
    uint64_t resent; /* packets */
    uint32_t streams;
    uint64_t remb; /* bit/s the switch believes it can take of us; 0: it has not said */
};

void call_stats(const struct call *c, struct call_stats *out);

/* What became of one's own layer, as the switch reports it. */
struct call_layer_stats {
    uint64_t frames, packets, bytes, resent;
    uint32_t loss;   /* of 256, of late */
    uint64_t rtt_us; /* 0: not known yet */
};

/* ENOTFOUND. */
int call_layer_stats(const struct call *c, uint8_t track, uint8_t layer,
                     struct call_layer_stats *out) CONCLAVE_CHECKED;

#endif
