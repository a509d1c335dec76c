/* The inside of the switch: what it knows, and which file does what with it.
 *
 *     sfu.c        life, timers, output       input.c    RTP in: whose it is, what it is
 *     meeting.c    meetings and members       forward.c  RTP out: rewriting, retransmission
 *     peer.c       peers                      control.c  RTCP in
 *     publish.c    tracks and their streams   report.c   RTCP out
 *     subscribe.c  who follows which stream   event.c    what the caller has to know
 *     link.c       datagrams, rtc/peer.h      stats.c    numbers
 *
 * A member publishes tracks; a publication has a source for each layer. A receiver has a fixed
 * number of sinks, each of which follows one source at a time and may wait for the key frame of
 * another. What is still missing of the one it followed before is sent on when it comes, because a
 * receiver would wait for it with the new picture in hand. The lists of a source are what
 * forwarding walks: nothing is looked up, nothing allocated for a packet.
 */
#ifndef SFU_INSIDE_H
#define SFU_INSIDE_H

#include "base/list.h"
#include "base/mix.h"
#include "base/u32map.h"
#include "rtc/dependency_descriptor.h"
#include "rtc/rtp.h"
#include "rtc/sframe_payload.h"
#include "sfu/asking.h"
#include "sfu/bandwidth.h"
#include "sfu/choose.h"
#include "sfu/demux.h"
#include "sfu/history.h"
#include "sfu/kid.h"
#include "sfu/outbox.h"
#include "sfu/reception.h"
#include "sfu/rewrite.h"
#include "sfu/speaker.h"
#include "sfu/transport.h"

/* ---- Incoming streams ---- */

struct sfu_source {
    struct sfu_publication *publication;
    uint32_t ssrc, rtx_ssrc; /* 0: not known yet */
    uint8_t layer;
    uint8_t rid_n;
    char rid[SFU_RID];
    uint16_t height;
    struct list sinks;   /* sfu_sink.following */
    struct list waiting; /* sfu_sink.waiting: for a key frame of it */
    struct list fading;  /* sfu_sink.fading: what is late of it fills holes */
    struct sfu_reception reception;
    struct sfu_history *history; /* of video */
    struct sfu_meter rate;       /* bytes */
    struct sfu_asking asking;
    bool has_epoch;
    unsigned epoch; /* the low bits, of its last frame */
    bool has_sr;
    uint32_t sr_rtp;
    uint64_t sr_us;         /* when that was, on our clock */
    uint32_t sr_ntp;        /* its middle bits, for our report */
    uint64_t sr_arrived_us; /* and when it came */
};

struct sfu_publication {
    struct sfu_peer *peer;
    enum sfu_kind kind;
    enum sfu_format format;
    uint32_t clock;
    uint8_t payload_type, rtx_payload_type;
    uint8_t mid_n;
    char mid[SFU_MID];
    struct sfu_voice voice;      /* of audio: in sfu_meeting.speakers */
    uint32_t wishes[SFU_LAYERS]; /* sinks that would have this layer if bandwidth were no matter */
    uint8_t demand;              /* layers, as the sender was told */
    bool demand_told;            /* it was */
    bool say_demand;
    uint64_t demand_us; /* until when those that nobody wants any more are kept */
    uint8_t n_sources;
    struct sfu_source sources[];
};

/* ---- Outgoing streams ---- */

struct sfu_resent {
    bool used;
    uint16_t sequence;
    uint32_t us; /* low bits */
};

struct sfu_sink {
    struct link following; /* in source->sinks */
    struct link waiting;   /* in next->waiting */
    struct link fading;    /* in previous->fading */
    struct sfu_peer *peer;
    struct sfu_source *source, *next, *previous; /* or NULL */
    uint32_t ssrc, rtx_ssrc;
    uint8_t index; /* of the bit in sfu_receiver.marked */
    uint8_t payload_type;
    bool is_audio;
    bool fresh; /* no packet of this source went out yet */
    struct sfu_rewrite rewrite;
    struct sfu_rewrite before; /* as it was with the previous source */
    uint32_t packets, octets;  /* RFC 3550 6.4.1 */
    uint16_t rtx_sequence;
    uint64_t key_us; /* when the receiver last asked for a key frame, and was heard */
    /* of video */
    bool wanted;
    bool narrow; /* nothing was chosen for want of bandwidth */
    int8_t wish; /* counted in publication->wishes, or SFU_NO_LAYER */
    struct sfu_want want;
    struct sfu_publication *publication; /* what is wanted, if it is there */
    struct sfu_resent resent[SFU_RESENT];
};

/* ---- Peers ---- */

/* Which stream an SSRC of a sender is. */
struct sfu_route {
    uint32_t ssrc;
    bool rtx;
    struct sfu_source *source;
};
#define SFU_ROUTES ((size_t)2 * SFU_KINDS * SFU_LAYERS)

struct sfu_sender {
    struct sfu_publication *publications[SFU_KINDS];
    size_t n_routes;
    struct sfu_route routes[SFU_ROUTES];
    uint64_t feedback_us; /* when the next is due */
    bool has_offset;
    int64_t offset_us; /* from the sender's NTP clock to ours */
    uint64_t offset_at;
    struct transport_cc_recorder recorder;
};

struct sfu_receiver {
    unsigned n_audio, n_video;
    struct sfu_want listed[SFU_WANTS]; /* all wishes, of which slots have only so many */
    size_t n_listed;
    uint8_t order[SFU_VIDEO_SLOTS]; /* video sinks by importance */
    unsigned n_wanted;
    uint64_t marked;    /* sinks whose state has to be told */
    uint64_t choose_us; /* when layers are chosen again */
    uint64_t tokens;    /* bytes that may be retransmitted */
    uint64_t tokens_us;
    uint32_t loss; /* of 65,536, as reported */
    uint64_t rtt_us;
    uint16_t probe_sequence;
    struct sfu_bandwidth bandwidth;
    struct sfu_sink sinks[]; /* audio, then video */
};

enum sfu_link_state { SFU_LINK_NEW, SFU_LINK_UP, SFU_LINK_LOST };

struct sfu_peer {
    struct link all;    /* in sfu.peers_all */
    struct link member; /* in sfu_member.peers */
    struct link marked; /* in sfu.marked_peers */
    uint32_t number;
    struct sfu_meeting *meeting;
    struct sfu_member *of;
    struct peer *rtc; /* its transport, if that is rtc/peer.h; it is transport_ctx, too */
    struct sfu_ways ways;
    uint32_t ufrag, past_ufrag; /* the latter with has_past: from before an ICE restart */
    bool has_past;
    uint64_t due_us; /* when the transport has to be looked at */
    const struct sfu_transport *transport;
    void *transport_ctx;
    enum sfu_link_state state;
    bool say_state;
    struct sfu_lane lane;
    struct rtp_ext_map map;
    uint8_t id_transport_cc, id_level; /* of extensions it is sent; 0: none */
    uint8_t rtx_payload_type;
    uint32_t ssrc; /* under which we report; its sinks have those that follow */
    uint64_t report_us;
    struct sfu_sender *sender;     /* or NULL */
    struct sfu_receiver *receiver; /* or NULL */
    struct sfu_counters counters;
};

/* ---- Meetings ---- */

struct sfu_member {
    uint32_t leaf;
    struct list peers;
    struct sfu_publication *publications[SFU_KINDS]; /* of whichever of its peers */
};

struct sfu_meeting {
    struct link all;    /* in sfu.meetings_all */
    struct link marked; /* in sfu.marked_meetings */
    uint32_t number;
    unsigned audio_slots, video_slots;
    struct u32map members; /* by leaf */
    struct sfu_epochs epochs;
    struct sfu_speakers speakers;
    struct sfu_counters counters; /* of peers that are gone */
};

struct sfu {
    struct sfu_config config;
    struct mix_seed seed;
    uint64_t drawn; /* numbers */
    struct u32map meetings, peers;
    struct list meetings_all, peers_all, marked_meetings, marked_peers;
    uint64_t tick_us;
    uint64_t now_us; /* when something came in last */
    struct sfu_demux demux;
    struct u32map ufrags; /* peers by what they are called in ICE */
    struct sfu_outbox outbox;
    struct sfu_lane control;      /* to addresses one by one */
    struct buf rtcp;              /* of SFU_RTCP_BYTES: where control packets are written */
    size_t history;               /* bytes */
    struct sfu_counters counters; /* of meetings that are gone */
};

/* A packet on its way through. */
struct sfu_packet {
    struct sfu_source *source;
    uint8_t *payload; /* its VP8 descriptor is rewritten in place for each receiver */
    size_t n;
    int64_t sequence;
    uint32_t timestamp;
    bool marker;
    bool key; /* it begins a key frame; sound always does */
    bool has_level;
    uint8_t level; /* with the voice bit, as RFC 6464 has it */
    struct vp8_descriptor vp8;
    bool is_vp8;
    uint64_t now_us;
};

/* ---- sfu.c ---- */

uint32_t sfu_draw(struct sfu *s); /* any number, to begin with; not a secret */

/* ---- meeting.c ---- */

struct sfu_meeting *sfu_meeting_of(const struct sfu *s, uint32_t number);
struct sfu_member *sfu_member_of(const struct sfu_meeting *m, uint32_t leaf); /* NULL: nobody */

/* The member on a leaf, made if it is not there. ENOMEM. */
int sfu_member_make(struct sfu_meeting *m, uint32_t leaf, struct sfu_member **out) CONCLAVE_CHECKED;
/* Freed if it has no peers. */
void sfu_member_drop(struct sfu_meeting *m, struct sfu_member *member);
uint32_t sfu_speaker_of(const struct sfu_meeting *m); /* leaf, or SFU_NOBODY */
void sfu_meeting_tick(struct sfu *s, struct sfu_meeting *m, uint64_t now_us);

/* ---- peer.c ---- */

struct sfu_peer *sfu_peer_of(const struct sfu *s, uint32_t number);

/* sfu_peer_open() with a transport that is there; it is the peer's once this returns 0. */
int sfu_peer_attach(struct sfu *s, uint32_t number, const struct sfu_peer_config *config,
                    const struct sfu_transport *transport, void *ctx, uint64_t now_us,
                    struct sfu_peer **out) CONCLAVE_CHECKED;
void sfu_peer_answer_slots(const struct sfu_peer *p, struct sfu_peer_answer *out);

/* Its transport is through, from this address; or not any more. */
void sfu_peer_up(struct sfu *s, struct sfu_peer *p, const struct rtc_address *address,
                 uint64_t now_us);
void sfu_peer_lost(struct sfu *s, struct sfu_peer *p);
void sfu_peer_free(struct sfu *s, struct sfu_peer *p);
void sfu_peer_tick(struct sfu *s, struct sfu_peer *p, uint64_t now_us);

static inline bool sfu_peer_receives(const struct sfu_peer *p)
{
    return p->receiver != NULL && p->state == SFU_LINK_UP;
}

/* ---- link.c ---- */

void sfu_link_tick(struct sfu *s, struct sfu_peer *p, uint64_t now_us);

/* Says goodbye, and is found no more. */
void sfu_link_fini(struct sfu *s, struct sfu_peer *p);

/* ---- publish.c ---- */

void sfu_publication_free(struct sfu *s, struct sfu_publication *pub);
void sfu_publication_tick(struct sfu *s, struct sfu_publication *pub, uint64_t now_us);
struct sfu_source *sfu_source_of(const struct sfu_sender *t, uint32_t ssrc, bool *out_rtx);

/* The stream a packet of an unknown SSRC belongs to by its mid, rid and payload type: the SSRC is
 * bound to it from now on; or NULL. */
struct sfu_source *sfu_source_learn(struct sfu_peer *p, const struct rtp_header *h,
                                    const struct rtp_exts *e, bool *out_rtx);

/* ---- subscribe.c ---- */

struct sfu_sink *sfu_sink_of(const struct sfu_peer *p, uint32_t ssrc); /* NULL: none */

/* Follows the source at once; leaves the one it follows, and waits for none. */
void sfu_sink_follow(struct sfu *s, struct sfu_sink *k, struct sfu_source *source);

/* Follows it from its next key frame on, which is asked for. */
void sfu_sink_wait(struct sfu *s, struct sfu_sink *k, struct sfu_source *source);

/* Follows and waits for nothing any more. */
void sfu_sink_leave(struct sfu *s, struct sfu_sink *k);

/* What is late of the source it followed before is no longer for it. */
void sfu_sink_fade_out(struct sfu_sink *k);

/* Who is heard has changed: each receiver's sinks follow. */
void sfu_assign_voices(struct sfu *s, struct sfu_meeting *m);
void sfu_assign_voices_of(struct sfu *s, struct sfu_peer *p);

/* A picture appeared or goes away. */
void sfu_offer_picture(struct sfu *s, struct sfu_publication *pub, uint64_t now_us);
void sfu_withdraw_picture(struct sfu *s, struct sfu_publication *pub);

/* Of this receiver, until layers are chosen again. */
void sfu_stop_pictures(struct sfu *s, struct sfu_peer *p);

void sfu_choose_layers(struct sfu *s, struct sfu_peer *p, uint64_t now_us);

/* ---- input.c ---- */

/* An RTP packet that was opened, or an RTCP compound. Never fails: what is wrong is counted. */
void sfu_rtp(struct sfu *s, struct sfu_peer *p, uint8_t *packet, size_t n, uint64_t now_us);
void sfu_rtcp(struct sfu *s, struct sfu_peer *p, struct bytes compound, uint64_t now_us);

/* ---- forward.c ---- */

void sfu_forward(struct sfu *s, struct sfu_packet *packet);
void sfu_resend(struct sfu *s, struct sfu_sink *k, uint16_t sequence, uint64_t now_us);
void sfu_pad(struct sfu *s, struct sfu_peer *p, size_t bytes, uint64_t now_us);

/* ---- report.c ---- */

/* Whatever is due: reports, feedback, questions. */
void sfu_report(struct sfu *s, struct sfu_peer *p, uint64_t now_us);

/* ---- stats.c ---- */

void sfu_counters_add(struct sfu_counters *to, const struct sfu_counters *c);

/* ---- event.c ---- */

void sfu_mark_sink(struct sfu *s, struct sfu_sink *k);
void sfu_mark_peer(struct sfu *s, struct sfu_peer *p);
void sfu_mark_meeting(struct sfu *s, struct sfu_meeting *m);

#endif
