/* A media switch with members around it, on a network that loses, delays, shuffles and chokes, by a
 * virtual clock and a seed. Members send marked frames and check every frame they get: nothing may
 * come out changed, under another's name, twice or out of order.
 *
 * Transports are plain (sfu/transport.h), which is fast, or real ones: ICE, DTLS and SRTP.
 */
#ifndef TESTS_SUPPORT_SFU_WORLD_H
#define TESTS_SUPPORT_SFU_WORLD_H

#include "rtc/assembler.h"
#include "rtc/peer.h"
#include "sfu/inside.h"
#include "support/random.h"

#define MS UINT64_C(1000)
#define SECOND UINT64_C(1000000)
#define WORLD_MEETING 7u
#define WORLD_MEMBERS 128
#define WORLD_PT_AUDIO 111
#define WORLD_PT_VIDEO 96
#define WORLD_PT_RTX 97
#define WORLD_EPOCH_BITS 4u
#define WORLD_AUDIO 0 /* index of a stream; pictures follow, three a kind */
#define WORLD_CAMERA 1
#define WORLD_SCREEN 4
#define WORLD_STREAMS 7

/* One direction of a member's path. */
struct world_path {
    uint64_t delay_us, jitter_us;
    unsigned loss;               /* per mille */
    unsigned duplicates;         /* per mille */
    uint64_t rate;               /* bit/s; 0: no limit */
    uint64_t queue_us;           /* what waits longer for its turn is dropped */
    uint64_t dark_from, dark_to; /* everything is lost meanwhile */
    uint64_t free_us;            /* when all before is through */
    uint64_t sent, dropped, bytes;
};

/* ---- Sending ---- */

struct world_kept {
    uint16_t sequence;
    uint32_t timestamp;
    bool marker;
    size_t n;
    uint8_t payload[SFU_PACKET];
};
#define WORLD_KEPT 1024

struct world_stream {
    bool on;
    enum sfu_kind kind;
    unsigned layer;
    uint32_t ssrc, rtx_ssrc;
    uint16_t sequence, rtx_sequence;
    uint32_t timestamp; /* of time 0 */
    uint64_t rate;      /* bit/s */
    uint16_t height;
    uint64_t next_us;
    uint32_t frame; /* number of the next */
    bool key_wanted;
    uint64_t key_us; /* from when on the wanted key frame is made */
    uint16_t picture_id;
    uint8_t tl0picidx;
    uint32_t packets, octets;
    unsigned key_frames, asked, resent; /* key frames sent and asked for */
    struct world_kept *kept;
};

/* ---- Receiving ---- */

struct world_slot {
    uint32_t ssrc;
    struct assembler *assembler; /* of video; made when something comes */
    bool any;
    uint32_t last_timestamp;
    uint16_t last_sequence;
    /* the last frame */
    uint32_t leaf;
    enum sfu_kind kind;
    unsigned layer;
    uint32_t frame;
    bool whole; /* it could be decoded */
    uint64_t pli_us, nack_us;
    unsigned frames, broken, switches; /* decoded, not, and from one source to another */
    bool begun;
    uint64_t last_us, freeze_us; /* last decoded, and the longest time between two */
};

struct world_heard {
    unsigned packets;
    uint64_t last_us, gap_us, late_us; /* longest time between two, and on the way */
};

struct world_member {
    struct sfu_world *world;
    bool here, deaf, receives; /* deaf: gives no feedback of any kind */
    bool obeys;                /* sends only what is in demand */
    uint32_t number, leaf;
    struct rtc_address address;
    struct peer *peer; /* NULL: a plain transport */
    struct dtls_identity *identity;
    bool connected;
    struct world_path up, down;
    struct world_stream streams[WORLD_STREAMS];
    uint8_t level;  /* of its voice, -dBov */
    uint64_t epoch; /* of its key ids */
    uint32_t kid_leaf;
    uint16_t transport_number;
    uint64_t report_us, clock_us; /* its clock is ahead by that */
    struct sfu_peer_answer slots_of;
    struct transport_cc_recorder *recorder;
    struct world_slot slots[SFU_VIDEO_SLOTS];
    struct world_heard heard[WORLD_MEMBERS]; /* by leaf */
    uint32_t sr_middle[2 * SFU_VIDEO_SLOTS]; /* by slot: last report, and when it came */
    uint64_t sr_us[2 * SFU_VIDEO_SLOTS];
    unsigned padding; /* packets */
};

struct world_event {
    uint64_t at, order;
    struct world_member *member;
    bool to_switch;
    size_t n;
    uint8_t *packet; /* NULL: the member's own clock */
};

struct sfu_world {
    struct random random;
    uint64_t now, orders;
    struct sfu *sfu;
    struct crypto *crypto;
    struct aead_engine *engine;
    struct dtls_identity *identity;
    size_t n_events, room;
    struct world_event *events; /* a heap by time */
    size_t n_members;
    struct world_member members[WORLD_MEMBERS];
    uint32_t speaker; /* as the last event said */
    unsigned speaker_changes;
    size_t most_memory;
};

/* config: NULL for defaults with WORLD_EPOCH_BITS. */
struct sfu_world *sfu_world_new(uint64_t seed, const struct sfu_meeting_config *config);
void sfu_world_free(struct sfu_world *w);

/* A member with a good path (20 ms each way), who sends and receives. Securely: it has yet to
 * connect. */
struct world_member *sfu_world_join(struct sfu_world *w, uint32_t leaf);
struct world_member *sfu_world_join_securely(struct sfu_world *w, uint32_t leaf);
void sfu_world_leave(struct world_member *m);
/* Nobody, at an address: what is sent there is counted (down) and lost. */
struct world_member *sfu_world_stranger(struct sfu_world *w);

void sfu_world_speak(struct world_member *m, uint8_t level); /* publishes if need be */
/* layers: 1 to 3, of 180, 360 and 720 lines with 150, 500 and 1,500 kbit/s. A screen has one, of
 * 1,080 lines with 1 Mbit/s. */
void sfu_world_film(struct world_member *m, enum sfu_kind kind, unsigned layers);
void sfu_world_watch(struct world_member *m, const struct sfu_want *wants, size_t n);
/* Everybody watches everybody's camera. */
void sfu_world_watch_all(struct sfu_world *w, uint16_t max_height);

void sfu_world_run(struct sfu_world *w, uint64_t us);

/* The slot in which a member sees a picture, or NULL. */
struct world_slot *sfu_world_slot(struct world_member *m, uint32_t leaf, enum sfu_kind kind);

/* ---- Inside ---- */

void world_schedule(struct sfu_world *w, uint64_t at, struct world_member *m, bool to_switch,
                    const uint8_t *packet, size_t n);
void world_travel(struct world_member *m, struct world_path *path, bool to_switch,
                  const uint8_t *packet, size_t n);
void world_peer_tick(struct world_member *m);
void world_peer_input(struct world_member *m, uint8_t *packet, size_t n);
void world_peer_send(struct world_member *m, const uint8_t *packet, size_t n);
void world_send_up(struct world_member *m, const uint8_t *packet, size_t n);
void world_sender_tick(struct world_member *m);
void world_sender_rtcp(struct world_member *m, const struct rtcp_packet *packet);
void world_receiver_tick(struct world_member *m);
void world_receiver_input(struct world_member *m, const uint8_t *packet, size_t n);
void world_receiver_fini(struct world_member *m);

/* The mark every frame carries. */
struct world_mark {
    uint32_t leaf, kind, layer, frame, height;
    uint64_t us;
};

#endif
