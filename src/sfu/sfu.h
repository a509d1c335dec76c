/* The media switch of one worker: receives each member's streams once and sends each receiver those
 * it wants. It forwards SFrame ciphertext that it cannot open (docs/SFU.md).
 *
 * Sans-IO: datagrams, wishes and the time come in; datagrams and events are pulled. Everything is
 * named by numbers: a meeting and a peer by one the caller chooses, a member by its leaf. A peer is
 * one transport (ICE-lite, DTLS 1.2 as the server, SRTP) that the caller has bound to a leaf: that
 * whoever holds the DTLS key is that member is the caller's promise. A browser has two peers on its
 * leaf, one to send and one to receive; others do with one.
 *
 *     sfu_meeting_open(), sfu_peer_open()        who there is; closing is at once and for ever
 *     sfu_publish(), sfu_subscribe()             what there is, and who wants which pictures
 *     sfu_input(s, datagram, n, &from, now)      for every datagram; then, once per batch:
 *     n = sfu_output(s, groups, max)             what is to be sent, many packets per call;
 *     sfu_sent(s, n)                             and what of it was
 *     sfu_deadline(), sfu_tick(s, now)           timers
 *     while (sfu_next(s, &event)) ...            what the caller has to know or pass on
 *
 * now_us: microseconds of a clock that never goes back. One thread at a time. Forwarding allocates
 * nothing. A peer's fault is counted and dropped, never an error: errors are the caller's and the
 * system's, and leave everything as it was.
 */
#ifndef SFU_SFU_H
#define SFU_SFU_H

#include "rtc/address.h"
#include "rtc/rtp_ext.h"
#include "sfu/limits.h"

struct sfu;

/* ---- Meetings ---- */

struct sfu_meeting_config {
    /* RFC 9605 5.2: the E of the group's key ids, 1 to 8; 0: the switch does not look at them. With
     * it a key frame is asked for when a sender's epoch changes; and once sfu_meeting_epoch() has
     * been called, what names another leaf than the sender's own is not forwarded. */
    unsigned epoch_bits;
    unsigned audio_slots; /* voices a receiver gets, to SFU_AUDIO_SLOTS; 0: the default */
    unsigned video_slots; /* pictures, to SFU_VIDEO_SLOTS; 0: the default */
};

/* EINVAL: the number is in use, or a value out of range. ELIMIT, ENOMEM. */
int sfu_meeting_open(struct sfu *s, uint32_t meeting,
                     const struct sfu_meeting_config *config) CONCLAVE_CHECKED;

/* With all its peers. An unknown one is fine. */
void sfu_meeting_close(struct sfu *s, uint32_t meeting);

/* The group is in this epoch, its tree has so many leaves (RFC 9605 5.2: that decides where the
 * leaf stands in a key id). Tell it before members learn of the epoch. EINVAL: no such meeting, no
 * leaves or more than 2^16. */
int sfu_meeting_epoch(struct sfu *s, uint32_t meeting, uint64_t epoch,
                      uint32_t leaves) CONCLAVE_CHECKED;

/* ---- Tracks and streams ---- */

enum sfu_kind { SFU_AUDIO, SFU_CAMERA, SFU_SCREEN, SFU_KINDS };

/* What the switch can see of a payload. */
enum sfu_format {
    SFU_OPUS,   /* nothing but SFrame: a frame a packet (RFC 7587) */
    SFU_VP8,    /* RFC 7741: descriptor and clear bytes (docs/MEDIA.md), then SFrame */
    SFU_SFRAME, /* rtc/sframe_payload.h: pieces; key frames are known by dependency descriptor */
};

/* One RTP stream a member sends. Known by its SSRC, or (0) found by mid and rid. */
struct sfu_layer {
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* RFC 4588: where it retransmits; 0: nowhere, or found by repaired-rid */
    struct bytes rid;  /* empty, or up to SFU_RID letters and digits */
    uint16_t height;   /* of the picture, 0: until a key frame tells, by its place in the list */
};

struct sfu_track {
    enum sfu_kind kind;
    enum sfu_format format;
    uint8_t payload_type;
    uint8_t rtx_payload_type; /* 0: none */
    struct bytes mid;         /* empty, or up to SFU_MID bytes */
    size_t n_layers;          /* 1 to SFU_LAYERS, the smallest first; 1 of audio */
    struct sfu_layer layers[SFU_LAYERS];
};

/* What a receiver gets its pictures and voices in: a fixed set of streams made with the peer, each
 * showing one member after another. So what a receiver has to set up does not depend on how many
 * members there are. Which member a frame is of says its SFrame key id; SFU_EVENT_STREAM is a help
 * to lay out pictures. */
struct sfu_slot {
    uint32_t ssrc;
    uint32_t rtx_ssrc; /* 0: none */
};

/* ---- Peers ---- */

#define SFU_FINGERPRINT 32 /* SHA-256 of a certificate */

/* What the client said of its transport, over its control connection. */
struct sfu_peer_config {
    uint32_t meeting;
    uint32_t leaf;
    struct bytes fingerprint; /* SFU_FINGERPRINT bytes */
    struct bytes ufrag;       /* ICE, of the client: RFC 8839 5.4. Both empty: not known */
    struct bytes pwd;
    /* Header extensions by the ids of this transport (RFC 8285 5); NULL: Conclave's own. */
    const struct rtp_ext_map *extensions;
    bool sends, receives; /* at least one; a peer that does not receive has no slots */
    uint8_t audio_payload_type, video_payload_type, rtx_payload_type; /* it receives with */
};

/* What is said to the client. Addresses are the driver's: it knows which it listens on. */
struct sfu_peer_answer {
    char ufrag[16], pwd[32]; /* with terminator */
    uint8_t fingerprint[SFU_FINGERPRINT];
    size_t n_audio, n_video;
    struct sfu_slot audio[SFU_AUDIO_SLOTS];
    struct sfu_slot video[SFU_VIDEO_SLOTS];
};

/* peer: any number not in use. EINVAL: no such meeting, a number in use, a value out of range.
 * ELIMIT: too many on this worker, or on this leaf. ENOMEM, ECRYPTO, ERANDOM. */
int sfu_peer_open(struct sfu *s, uint32_t peer, const struct sfu_peer_config *config,
                  uint64_t now_us, struct sfu_peer_answer *out) CONCLAVE_CHECKED;

/* RFC 8445 9: an ICE restart; media goes on meanwhile. ENOTFOUND, EINVAL, ENOMEM, ERANDOM; ESTATE:
 * DTLS has ended, so it takes another peer. */
int sfu_peer_restart(struct sfu *s, uint32_t peer, struct bytes ufrag, struct bytes pwd,
                     struct sfu_peer_answer *out) CONCLAVE_CHECKED;

/* What the config or a restart left empty: until then the client is not followed to another
 * address. ENOTFOUND, EINVAL; ESTATE: it is known. */
int sfu_peer_login(struct sfu *s, uint32_t peer, struct bytes ufrag, struct bytes pwd,
                   uint64_t now_us) CONCLAVE_CHECKED;

/* It is dead when this returns: nothing it sends is forwarded, nothing goes to it but a goodbye,
 * not even what waits in sfu_output(). An unknown one is fine. */
void sfu_peer_close(struct sfu *s, uint32_t peer);

/* All peers of a member who is no longer one. */
void sfu_leaf_close(struct sfu *s, uint32_t meeting, uint32_t leaf);

/* A track of the peer's leaf; one of a kind. In place of one of the same kind, whose streams end.
 * ENOTFOUND: no such peer. EINVAL: it does not send, or a value out of range. EDUPLICATE: an SSRC
 * twice. ENOMEM. */
int sfu_publish(struct sfu *s, uint32_t peer, const struct sfu_track *track,
                uint64_t now_us) CONCLAVE_CHECKED;
void sfu_unpublish(struct sfu *s, uint32_t peer, enum sfu_kind kind);

/* Who speaks now, the dominant speaker first, at most max; returns how many. */
size_t sfu_meeting_speakers(const struct sfu *s, uint32_t meeting, uint32_t *out, size_t max);

/* A picture a receiver wants. Those not published yet come when they are. */
struct sfu_want {
    uint32_t leaf;
    enum sfu_kind kind;  /* SFU_CAMERA or SFU_SCREEN */
    uint16_t max_height; /* the largest layer not above it, or else the smallest; 0: not now */
};

/* The whole list, the most important first: when bandwidth is short, layers and then pictures are
 * given up from its end. Sound needs no asking: a receiver gets the most active voices but its own.
 * There are no more pictures than slots: those that are published have them first, in the list's
 * order; what finds none is left out until it does.
 * ENOTFOUND. EINVAL: the peer does not receive, a picture twice, or a value out of range. */
int sfu_subscribe(struct sfu *s, uint32_t peer, const struct sfu_want *wants, size_t n,
                  uint64_t now_us) CONCLAVE_CHECKED;

/* ---- Datagrams ---- */

/* Works in place: the datagram is destroyed. Take the output after each batch, and before the next
 * datagram when this says true: what finds no room is dropped, video first (SFU_BLOCKS). */
bool sfu_input(struct sfu *s, uint8_t *datagram, size_t n, const struct rtc_address *from,
               uint64_t now_us);

/* Datagrams to one address that one call can send (UDP_SEGMENT): `count` of them, each of `segment`
 * bytes but the last, which may be shorter. */
struct sfu_group {
    struct rtc_address to;
    const uint8_t *p; /* good until sfu_sent() */
    size_t n;         /* bytes in all */
    uint16_t segment;
    uint16_t count; /* 0: its peer was closed meanwhile; nothing is to be sent */
};

/* The oldest groups not yet sent, at most max; returns how many. The same again until sfu_sent(),
 * which does away with the first n of them: sent, or dropped by the driver. While groups are being
 * sent, nothing else of the switch may be called. */
size_t sfu_output(struct sfu *s, struct sfu_group *out, size_t max);
void sfu_sent(struct sfu *s, size_t n);

/* When sfu_tick() wants to be called; UINT64_MAX: never. Early and late calls do no harm. */
uint64_t sfu_deadline(const struct sfu *s);
void sfu_tick(struct sfu *s, uint64_t now_us);

/* ---- Events ---- */

enum sfu_event_kind {
    SFU_EVENT_CONNECTED = 1, /* peer: ICE and DTLS are through, media flows */
    SFU_EVENT_LOST,          /* peer: consent expired or DTLS ended; restart or close it */
    SFU_EVENT_SPEAKER,       /* meeting: who speaks is `leaf` now, or SFU_NOBODY */
    SFU_EVENT_STREAM,        /* peer: what the stream `ssrc` shows: see enum sfu_stream_state */
    SFU_EVENT_DEMAND, /* peer: which `layers` of its `kind` somebody wants: the sender need not
                              * send others */
};

#define SFU_NOBODY UINT32_MAX

enum sfu_stream_state {
    SFU_STREAM_NONE,    /* nothing: the slot is free */
    SFU_STREAM_WAITING, /* for a key frame, or for the sender to send */
    SFU_STREAM_FLOWING,
    SFU_STREAM_NARROW, /* given up for want of bandwidth; comes back by itself */
};

struct sfu_event {
    enum sfu_event_kind what;
    uint32_t meeting;
    uint32_t peer;      /* not of SPEAKER */
    uint32_t leaf;      /* SPEAKER, STREAM: of whom; or SFU_NOBODY */
    uint32_t ssrc;      /* STREAM */
    enum sfu_kind kind; /* STREAM, DEMAND */
    enum sfu_stream_state state;
    uint8_t layer;  /* FLOWING: 0 the smallest */
    uint8_t layers; /* DEMAND: a bit for each, the lowest for the smallest */
};

/* An event not yet taken; false if there is none. Of each stream, peer and meeting only the last
 * word is told. */
bool sfu_next(struct sfu *s, struct sfu_event *out);

/* ---- Numbers; never content ---- */

struct sfu_counters {
    uint64_t packets_in, bytes_in;   /* RTP that was opened */
    uint64_t packets_out, bytes_out; /* RTP that was sealed, retransmissions included */
    uint64_t lost_in;                /* never came */
    uint64_t recovered_in;           /* came after a NACK of ours */
    uint64_t nacks;                  /* numbers we asked for */
    uint64_t retransmitted;          /* to receivers */
    uint64_t not_retransmitted;      /* asked for, but too old, too often or too much */
    uint64_t key_frames_asked;       /* of senders */
    uint64_t refused;                /* dropped: malformed, unbound, another's leaf in its key id */
    uint64_t dropped_video, dropped_audio, dropped_control; /* for want of blocks */
};

/* What connected receivers get now, all of them together. */
struct sfu_receivers {
    uint32_t n;
    uint32_t flowing[SFU_LAYERS]; /* pictures, by layer, the smallest first */
    uint32_t waiting, narrow;     /* those that do not flow: see enum sfu_stream_state */
    uint32_t rtt_us, rtt_most_us; /* of those who told: mean and longest; 0: nobody did */
    uint32_t loss_ppm;            /* on the way to them, of late: mean, in millionths */
};

struct sfu_stats {
    uint32_t meetings, peers, connected;
    uint32_t blocks_used, blocks_most;
    size_t memory; /* bytes allocated for history and blocks */
    struct sfu_counters counters;
    struct sfu_receivers receivers;
};
void sfu_stats(const struct sfu *s, struct sfu_stats *out);

struct sfu_meeting_stats {
    uint32_t meeting;
    uint32_t peers, connected, tracks;
    uint32_t speaker; /* leaf, or SFU_NOBODY */
    struct sfu_counters counters;
    struct sfu_receivers receivers;
};
/* ENOTFOUND. */
int sfu_meeting_stats(const struct sfu *s, uint32_t meeting,
                      struct sfu_meeting_stats *out) CONCLAVE_CHECKED;
/* Of all meetings, at most max; returns how many. */
size_t sfu_meetings_stats(const struct sfu *s, struct sfu_meeting_stats *out, size_t max);

struct sfu_peer_stats {
    bool connected;
    uint32_t rtt_us;                   /* 0: not known yet */
    uint32_t loss_in, loss_out;        /* of 65,536: from it, to it, of late */
    uint64_t bandwidth, rate_out;      /* bit/s: believed to be there towards it; used */
    uint32_t flowing, waiting, narrow; /* its video slots by state */
    struct sfu_counters counters;
};
/* ENOTFOUND. */
int sfu_peer_stats(const struct sfu *s, uint32_t peer, uint64_t now_us,
                   struct sfu_peer_stats *out) CONCLAVE_CHECKED;

/* ---- Life ---- */

struct aead_engine;
struct crypto;
struct dtls_identity;

struct sfu_config {
    struct crypto *crypto;          /* for random numbers; borrowed */
    struct aead_engine *engine;     /* SRTP; borrowed, of this thread */
    struct dtls_identity *identity; /* borrowed, may be shared with other threads */
    /* For benchmarks, where all switches are fed alike: RTP from strangers, which nobody protected,
     * is taken as if it was that of the peer who has published its SSRC. */
    bool plain_ingest;
};

/* ENOMEM, ECRYPTO, ERANDOM. */
int sfu_new(const struct sfu_config *config, struct sfu **out) CONCLAVE_CHECKED;
void sfu_free(struct sfu *s);

#endif
