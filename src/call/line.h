/* A member's line to the media switch: what both agree on (docs/PROTOCOL.md section 9), the
 * transport that comes of it (rtc/peer.h), and the call that goes over it (call/call.h). It opens
 * the transport, finds the way back when it is lost, and says again what the switch must know.
 *
 *     line_up(), line_down()        the control connection is there, and we are a member; or not
 *     line_epoch()                  for each epoch of the group
 *     line_publish(), line_send()   one's own tracks and frames
 *     line_want()                   which pictures of others
 *     line_hear()                   what the switch says
 *     line_input()                  a datagram; then, and after anything else that takes now_us,
 *     line_next(l, now, &effect)    until LINE_NOTHING
 *     line_deadline(), line_tick()  timers
 *
 * Sans-IO. now_us: microseconds of a clock that never goes back. One thread at a time. What a peer
 * does wrong is dropped and counted by its part; errors are the caller's and the system's.
 */
#ifndef CALL_LINE_H
#define CALL_LINE_H

#include "call/call.h"
#include "rtc/peer.h"

/* Payload types, for both directions. */
#define LINE_OPUS 111
#define LINE_VP8 96
#define LINE_RTX 97

/* Who is refused, or finds no way, tries again: after so long, twice as long each time. */
#define LINE_RETRY_US (1 * CALL_SECOND)
#define LINE_RETRY_MAX_US (30 * CALL_SECOND)
/* An answer takes a round trip; after so long the question is put again. */
#define LINE_ANSWER_US (5 * CALL_SECOND)
/* An ICE restart that has led nowhere by then is made again: checks are sent for 7.5 s. */
#define LINE_RESTART_US (10 * CALL_SECOND)

struct line;
struct crypto;

struct line_config {
    struct crypto *crypto;      /* for random numbers; borrowed */
    struct aead_engine *engine; /* of SRTP; borrowed, of this thread */
    uint8_t run;                /* of struct call_config */
};

/* EINVAL, ENOMEM, ECRYPTO, ERANDOM. */
int line_new(const struct line_config *config, uint64_t now_us, struct line **out) CONCLAVE_CHECKED;
void line_free(struct line *l);

/* What a transport was it is no more once the control connection is gone: each line_up() begins
 * one. One that is up is let be. */
void line_up(struct line *l);
void line_down(struct line *l);

/* The body of a message of the switch's. ESYNTAX, ELIMIT: malformed; EUNSUPPORTED: not for a
 * member. ENOMEM, ECRYPTO, ERANDOM. */
int line_hear(struct line *l, struct bytes body, uint64_t now_us) CONCLAVE_CHECKED;

/* As call_epoch(). */
int line_epoch(struct line *l, const struct call_epoch *epoch, uint64_t now_us) CONCLAVE_CHECKED;

/* ---- One's own tracks: one of each source ---- */

struct line_track {
    uint8_t source;   /* enum signal_source */
    uint8_t n_layers; /* as struct call_track; the smallest first */
    uint16_t height[SIGNAL_LAYERS_MAX];
};

/* EDUPLICATE: it is there already. EINVAL, ENOMEM, ERANDOM. */
int line_publish(struct line *l, const struct line_track *track) CONCLAVE_CHECKED;
/* One that is not there is fine. */
void line_unpublish(struct line *l, uint8_t source);

/* ESTATE: no epoch yet, or the line is not connected: the frame is dropped, and pictures need a key
 * frame next. ENOTFOUND, and as call_send(). */
int line_send(struct line *l, uint8_t source, uint8_t layer, const struct call_frame *frame,
              uint64_t now_us) CONCLAVE_CHECKED;

/* ---- Others' ---- */

/* All pictures that are wanted, the most important first. ELIMIT: more than SIGNAL_WANTS_MAX. */
int line_want(struct line *l, const struct signal_want *wants, size_t n) CONCLAVE_CHECKED;

/* ---- The network ---- */

/* Works in place; the datagram must stay until line_next() has nothing more. ENOMEM, ECRYPTO. */
int line_input(struct line *l, uint8_t *datagram, size_t n, const struct rtc_address *from,
               uint64_t now_us) CONCLAVE_CHECKED;

/* UINT64_MAX: not before something comes in. */
uint64_t line_deadline(const struct line *l);
int line_tick(struct line *l, uint64_t now_us) CONCLAVE_CHECKED;

/* ---- Effects ---- */

enum line_effect_kind {
    LINE_NOTHING,
    LINE_SAY,              /* data: to the switch, by the control connection */
    LINE_SEND,             /* data: a datagram to an address */
    LINE_CONNECTED,        /* media flows: for the first time, or again */
    LINE_LOST,             /* it does not; the line sees to it itself */
    LINE_REFUSED,          /* the switch did not do what was said last */
    LINE_FRAME,            /* frame: somebody's */
    LINE_KEY_FRAME_WANTED, /* of one's own layer */
    LINE_DEMAND,           /* layers: which of one's own somebody wants, a bit for each */
    LINE_SPEAKERS,         /* who speaks, as the switch tells it, the loudest first */
    LINE_FLOW,             /* flow: what the switch says of a stream */
};

struct line_effect {
    enum line_effect_kind kind;
    struct bytes data;     /* good until the next call, as all that follows */
    struct rtc_address to; /* SEND */
    uint8_t source, layer; /* KEY_FRAME_WANTED, DEMAND */
    uint8_t layers;        /* DEMAND */
    const uint32_t *leaves;
    size_t n_leaves;
    struct signal_flow flow;
    struct call_event frame;
};

/* ENOMEM, ECRYPTO: call again. */
int line_next(struct line *l, uint64_t now_us, struct line_effect *out) CONCLAVE_CHECKED;

/* ---- Numbers; never content ---- */

struct line_stats {
    bool connected;
    uint64_t rtt_us; /* of the way; 0: not known yet */
    uint64_t packets_in, packets_out, bytes_in, bytes_out;
    uint64_t refused_in;    /* datagrams: not the switch's, or not sound */
    uint64_t times_lost;    /* how often the way was lost */
    struct call_stats call; /* as call_stats() */
};
void line_stats(const struct line *l, struct line_stats *out);

/* What became of one's own layer. ENOTFOUND. */
int line_layer_stats(const struct line *l, uint8_t source, uint8_t layer,
                     struct call_layer_stats *out) CONCLAVE_CHECKED;

/* What the hop to the switch carried, without SRTP: what the switch itself sees. For a
 * demonstration of what that is; NULL: nobody looks. */
void line_tap(struct line *l, void (*look)(void *ctx, struct bytes packet), void *ctx);

#endif
