/* A switch whose members are the test itself: packets go in one by one, and what comes out is kept
 * to be looked at. Transports are plain, and the clock is a number. */
#ifndef TESTS_UNIT_SFU_HUB_H
#define TESTS_UNIT_SFU_HUB_H

#include "rtc/peer.h"
#include "rtc/rtcp_feedback.h"
#include "rtc/rtp.h"
#include "sfu/inside.h"

#define MS SFU_MILLISECOND
#define SECOND SFU_SECOND
#define HUB_MEETING 7u
#define HUB_SOUND 111 /* payload types */
#define HUB_VIDEO 96
#define HUB_RTX 97
#define HUB_EPOCH_BITS 4u
#define HUB_PACKETS 4096
#define HUB_EVENTS 512

struct hub_packet {
    uint16_t to; /* number of the peer */
    bool control;
    size_t n;
    uint8_t data[1500];
    struct rtp_packet rtp; /* if it is not control */
    struct rtp_exts exts;
};

struct hub {
    struct sfu *sfu;
    struct crypto *crypto;
    struct aead_engine *engine;
    struct dtls_identity *identity;
    uint64_t now;
    size_t n_out, n_events;
    struct hub_packet *out; /* HUB_PACKETS */
    struct sfu_event events[HUB_EVENTS];
};

/* setup and teardown of a test: *state is a struct hub with an open meeting */
int hub_setup(void **state);
int hub_teardown(void **state);
#define HUB_TEST(name) cmocka_unit_test_setup_teardown(name, hub_setup, hub_teardown)

/* Peers are numbered as their leaves, unless a test says more. */
struct sfu_peer_config hub_config(uint32_t leaf);
struct sfu_peer *hub_join(struct hub *h, uint32_t leaf);
struct sfu_peer *hub_join_as(struct hub *h, uint32_t number, const struct sfu_peer_config *config);

/* ---- Tracks ---- */

static inline uint32_t hub_ssrc(uint32_t leaf, enum sfu_kind kind, unsigned layer)
{
    return 0x10000u * (leaf + 1) + 0x100u * (unsigned)kind + 2 * layer + 1;
}

static inline uint32_t hub_rtx_ssrc(uint32_t leaf, enum sfu_kind kind, unsigned layer)
{
    return hub_ssrc(leaf, kind, layer) + 1;
}

struct sfu_track hub_track(uint32_t leaf, enum sfu_kind kind, unsigned layers);
void hub_publish(struct hub *h, uint32_t leaf, enum sfu_kind kind, unsigned layers);
/* Camera of `of`, of up to 1,080 lines; alone. */
void hub_watch(struct hub *h, uint32_t leaf, uint32_t of);

/* ---- In ---- */

struct hub_rtp {
    uint32_t ssrc;
    uint8_t payload_type;
    bool marker;
    uint16_t sequence;
    uint32_t timestamp;
    struct bytes payload;
    struct rtp_exts exts;
};
void hub_rtp(struct hub *h, uint32_t peer, const struct hub_rtp *p);

/* Key id of a leaf in a group of 128, in epoch 1. */
uint64_t hub_kid(uint32_t leaf, uint64_t epoch);

/* A whole frame in one packet. */
struct hub_picture {
    uint32_t leaf;
    enum sfu_kind kind;
    unsigned layer;
    bool key;
    bool goes_on; /* it is a later packet of a frame */
    uint16_t sequence, picture_id;
    uint32_t timestamp;
    uint64_t kid;
    size_t size; /* 0: 100 */
};
struct hub_picture hub_picture(uint32_t leaf, unsigned layer, uint16_t sequence, bool key);
void hub_send_picture(struct hub *h, const struct hub_picture *p);
void hub_send_voice(struct hub *h, uint32_t leaf, uint16_t sequence, uint8_t level, uint64_t kid);

/* Feeds the compound and frees it. */
void hub_rtcp(struct hub *h, uint32_t peer, struct buf *compound);
void hub_pli(struct hub *h, uint32_t peer, uint32_t ssrc);
void hub_nack(struct hub *h, uint32_t peer, uint32_t ssrc, uint16_t sequence);

/* ---- Out ---- */

/* What has to be sent, and told, is added to what was. */
void hub_collect(struct hub *h);
/* Time passes. */
void hub_pass(struct hub *h, uint64_t us);
/* What came out so far is forgotten. */
void hub_forget(struct hub *h);

/* Media packets to a peer on an SSRC; 0: any. */
size_t hub_count(const struct hub *h, uint32_t peer, uint32_t ssrc);
/* The i-th of these. */
const struct hub_packet *hub_at(const struct hub *h, uint32_t peer, uint32_t ssrc, size_t i);
struct vp8_descriptor hub_vp8_of(struct bytes payload);

/* Feedback of this kind about an SSRC, to a peer: how often. *out: the last, or NULL. */
size_t hub_feedback(const struct hub *h, uint32_t peer, enum rtcp_feedback_kind kind, uint32_t ssrc,
                    struct rtcp_feedback *out);
/* Reports (SR or RR) to a peer; *out: the last, or NULL. */
size_t hub_reports(const struct hub *h, uint32_t peer, bool is_sender,
                   struct rtcp_report_packet *out);

/* The last event of this kind about a peer; fails if there is none. */
struct sfu_event hub_event(const struct hub *h, enum sfu_event_kind what, uint32_t peer);
size_t hub_events(const struct hub *h, enum sfu_event_kind what, uint32_t peer);

/* SSRC of a peer's i-th slot of pictures; of retransmissions of it; of sound. */
uint32_t hub_video_slot(const struct hub *h, uint32_t peer, unsigned i);
uint32_t hub_rtx_slot(const struct hub *h, uint32_t peer, unsigned i);
uint32_t hub_audio_slot(const struct hub *h, uint32_t peer, unsigned i);
struct sfu_counters hub_counters(const struct hub *h, uint32_t peer);

#endif
