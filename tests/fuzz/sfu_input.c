/* A switch gets packets that its members made up, datagrams of strangers, and the wishes of its
 * caller, in any order. Members have plain transports, as if SRTP had opened whatever they send;
 * one has a real one, and has yet to connect.
 *
 * The input is a script: an operation in one byte, then its arguments. Whatever it says, what goes
 * out is well formed, goes to a member under one of its own streams and bears a number that has not
 * gone out before (SRTP seals a number once); strangers get nothing; and when all have left nothing
 * is held. */
#include <stdlib.h>
#include <string.h>

#include <conclave/crypto.h>

#include "base/replay.h"
#include "fuzz/fuzz.h"
#include "rtc/peer.h"
#include "rtc/rtcp_feedback.h"
#include "rtc/sequence.h"
#include "sfu/inside.h"
#include "wire/reader.h"

#define STEPS 200
#define MEMBERS 4u /* peers: plain, numbered from 1, on leaves of the same number */
#define LINKING 9u /* the one with a real transport */
#define MEETING 7u
#define STREAMS 128 /* SSRCs of one peer: slots and their retransmissions */
#define START (1000 * SFU_SECOND)

struct stream {
    uint32_t ssrc;
    struct sequence_unwrap unwrap;
    struct replay sent;
};

struct play {
    struct sfu *sfu;
    uint64_t now;
    struct sfu_peer_answer slots[MEMBERS + 1];
    struct stream streams[MEMBERS + 1][STREAMS];
};

/* One for all runs, since it is large: every run begins and ends with an empty one. */
static struct sfu *the_switch(void)
{
    static struct sfu *s;
    if (s == NULL) {
        struct sfu_config c = {0};
        must(crypto_new_public(2, &c.crypto) == 0);
        must(aead_engine_new(AEAD_OPENSSL, &c.engine) == 0);
        must(dtls_identity_new(0, &c.identity) == 0);
        must(sfu_new(&c, &s) == 0);
    }
    s->seed = s->demux.seed = (struct mix_seed){UINT64_C(0x123456789abcdef1), 98765};
    s->drawn = s->now_us = s->tick_us = 0;
    return s;
}

static struct sfu_peer_config config_of(uint32_t leaf)
{
    return (struct sfu_peer_config){
        .meeting = MEETING,
        .leaf = leaf,
        .sends = true,
        .receives = true,
        .audio_payload_type = 111,
        .video_payload_type = 96,
        .rtx_payload_type = 97,
        .ufrag = bytes_str("member"),
        .pwd = bytes_str("aPasswordOfAMember012345"),
    };
}

static void join(struct play *p, uint32_t number)
{
    struct sfu_peer_config config = config_of(number);
    struct rtc_address at = {.family = RTC_IPV4, .ip = {10}, .port = (uint16_t)number};
    struct sfu_peer *peer = NULL;
    if (sfu_peer_of(p->sfu, number) != NULL)
        return;
    must(sfu_peer_attach(p->sfu, number, &config, &sfu_transport_plain, NULL, p->now, &peer) == 0);
    sfu_peer_up(p->sfu, peer, &at, p->now);
    sfu_peer_answer_slots(peer, &p->slots[number]);
    memset(p->streams[number], 0, sizeof p->streams[number]);
}

static void play_init(struct play *p)
{
    static const uint8_t fingerprint[SFU_FINGERPRINT] = {1};
    struct sfu_peer_config config = config_of(LINKING);
    struct sfu_peer_answer answer;
    p->sfu = the_switch();
    p->now = START;
    must(sfu_meeting_open(p->sfu, MEETING, &(struct sfu_meeting_config){4, 3, 4}) == 0);
    for (uint32_t i = 1; i <= MEMBERS; i++)
        join(p, i);
    config.fingerprint = bytes_of(fingerprint, sizeof fingerprint);
    must(sfu_peer_open(p->sfu, LINKING, &config, p->now, &answer) == 0);
}

/* ---- What comes out ---- */

static bool is_slot(const struct sfu_peer_answer *a, const struct rtp_header *h)
{
    for (size_t i = 0; i < a->n_audio; i++)
        if (a->audio[i].ssrc == h->ssrc)
            return h->payload_type == 111;
    for (size_t i = 0; i < a->n_video; i++)
        if (a->video[i].ssrc == h->ssrc || a->video[i].rtx_ssrc == h->ssrc)
            return h->payload_type == (a->video[i].ssrc == h->ssrc ? 96 : 97);
    return false;
}

/* Not before in the life of the stream, as far back as SRTP remembers. */
static void goes_out_once(struct stream *streams, const struct rtp_header *h)
{
    size_t i = 0;
    while (streams[i].ssrc != 0 && streams[i].ssrc != h->ssrc)
        must(++i < STREAMS);
    streams[i].ssrc = h->ssrc;
    uint64_t n = (uint64_t)sequence_unwrap(&streams[i].unwrap, h->sequence);
    must(replay_check(&streams[i].sent, n));
    replay_accept(&streams[i].sent, n);
}

static void check_packet(struct play *p, uint16_t to, struct bytes packet)
{
    struct rtcp_walk w;
    struct rtp_packet rtp;
    must(to >= 1 && to <= MEMBERS && packet.n <= SFU_PACKET + 64);
    if (rtp_is_rtcp(packet)) {
        must(packet.n <= SFU_RTCP_BYTES && rtcp_open(packet, &w) == 0);
        return;
    }
    must(rtp_packet_read(packet, &rtp) == 0);
    must(is_slot(&p->slots[to], &rtp.header));
    goes_out_once(p->streams[to], &rtp.header);
}

static void take_output(struct play *p)
{
    struct sfu_group g;
    struct sfu_event e;
    while (sfu_output(p->sfu, &g, 1) != 0) {
        size_t count = 0;
        for (size_t at = 0; at < g.n; at += g.segment, count++)
            check_packet(p, g.to.port,
                         bytes_of(g.p + at, g.n - at < g.segment ? g.n - at : g.segment));
        must(count == g.count);
        sfu_sent(p->sfu, 1);
    }
    while (sfu_next(p->sfu, &e))
        must(e.meeting == MEETING && e.what >= SFU_EVENT_CONNECTED && e.what <= SFU_EVENT_DEMAND);
}

/* ---- What goes in ---- */

/* Media of a member that are whole as far as their outside goes. */
static void send_media(struct play *p, struct sfu_peer *from, struct reader *r)
{
    uint8_t packet[300] = {0x80};
    uint8_t kind = read_u8(r);
    packet[1] = (uint8_t)(kind & 0x80);
    packet[1] |= (uint8_t)((kind & 3) == 0 ? 111 : (kind & 8) != 0 ? 97 : 96);
    struct bytes numbers = read_bytes(r, 3);
    struct bytes payload = read_bytes(r, read_u8(r));
    if (!reader_ok(r) || from == NULL)
        return;
    packet[2] = (uint8_t)(numbers.p[0] & 0x83); /* some are far apart */
    packet[3] = numbers.p[1];
    packet[7] = numbers.p[2];
    rtp_set_ssrc(packet, 0x1000 * from->number + (kind & 15u));
    if (payload.n != 0)
        memcpy(packet + 12, payload.p, payload.n);
    sfu_rtp(p->sfu, from, packet, 12 + payload.n, p->now);
}

static void send_bytes(struct play *p, struct sfu_peer *from, struct reader *r, bool control)
{
    uint8_t copy[256];
    struct bytes b = read_bytes(r, read_u8(r));
    if (from == NULL)
        return;
    if (b.n != 0)
        memcpy(copy, b.p, b.n);
    if (control)
        sfu_rtcp(p->sfu, from, bytes_of(copy, b.n), p->now);
    else
        sfu_rtp(p->sfu, from, copy, b.n, p->now);
}

static uint32_t some_slot(const struct sfu_peer_answer *a, uint8_t which)
{
    if (a->n_video == 0)
        return 0;
    const struct sfu_slot *s = &a->video[(which & 0x7f) % a->n_video];
    return (which & 0x80) != 0 ? s->rtx_ssrc : s->ssrc;
}

static void ask(struct play *p, struct sfu_peer *from, struct reader *r)
{
    struct buf out = {0};
    uint8_t what = read_u8(r);
    uint16_t lost[2] = {(uint16_t)(read_u16(r)), 0};
    if (from == NULL)
        return;
    uint32_t ssrc = some_slot(&p->slots[from->number], what);
    const struct sfu_sink *k = sfu_sink_of(from, ssrc);
    if (k != NULL && (what & 0x40) != 0)
        lost[0] = (uint16_t)(k->rewrite.last_sequence - lost[0] % 64);
    lost[1] = (uint16_t)(lost[0] + 1);
    must((what % 3 != 0 ? rtcp_nack_write(1, ssrc, lost, 2, &out)
                        : rtcp_pli_write(1, ssrc, &out)) == 0);
    sfu_rtcp(p->sfu, from, buf_view(&out), p->now);
    buf_free(&out);
}

static void publish(struct play *p, uint32_t number, struct reader *r)
{
    uint8_t what = read_u8(r);
    uint8_t how = read_u8(r);
    struct sfu_track t = {
        .kind = (enum sfu_kind)(what % 4),
        .format = (enum sfu_format)(what / 4 % 4),
        .payload_type = what % 4 == 0 ? 111 : 96,
        .rtx_payload_type = (how & 1) != 0 ? 97 : 0,
        .mid = (how & 2) != 0 ? bytes_str("1") : bytes_of(NULL, 0),
        .n_layers = what / 16 % 5,
    };
    for (unsigned i = 0; i < 3; i++)
        t.layers[i] = (struct sfu_layer){
            .ssrc = (how & 4) != 0 ? 0 : 0x1000 * number + what % 4u + 4 * i,
            .rtx_ssrc = (how & 8) != 0 ? 0x1000 * number + what % 4u + 8 + i : 0,
            .rid = (how & 16) != 0 ? bytes_of((const uint8_t *)"abc" + i, 1) : bytes_of(NULL, 0),
            .height = (uint16_t)(how * 16u),
        };
    int rv = sfu_publish(p->sfu, number, &t, p->now);
    must(rv == 0 || rv == CONCLAVE_EINVAL || rv == CONCLAVE_EDUPLICATE || rv == CONCLAVE_ENOTFOUND);
}

static void subscribe(struct play *p, uint32_t number, struct reader *r)
{
    struct sfu_want wants[8];
    size_t n = read_u8(r) % 8;
    for (size_t i = 0; i < n; i++) {
        uint8_t what = read_u8(r);
        wants[i] = (struct sfu_want){.leaf = what % 8,
                                     .kind = (enum sfu_kind)(what / 8 % 4),
                                     .max_height = (uint16_t)(what * 8u)};
    }
    int rv = sfu_subscribe(p->sfu, number, wants, n, p->now);
    must(rv == 0 || rv == CONCLAVE_EINVAL || rv == CONCLAVE_ENOTFOUND);
}

static void manage(struct play *p, uint32_t number, struct reader *r)
{
    uint8_t what = read_u8(r);
    switch (what % 6) {
    case 0:
        sfu_peer_close(p->sfu, number);
        break;
    case 1:
        join(p, number);
        break;
    case 2:
        sfu_unpublish(p->sfu, number, (enum sfu_kind)(what / 8 % 4));
        break;
    case 3:
        if (sfu_peer_of(p->sfu, number) != NULL)
            sfu_peer_lost(p->sfu, sfu_peer_of(p->sfu, number));
        break;
    case 4:
        must(sfu_meeting_epoch(p->sfu, MEETING, what, 1u + what % 32) == 0);
        break;
    default:
        if (sfu_peer_of(p->sfu, number) != NULL)
            sfu_peer_up(
                p->sfu, sfu_peer_of(p->sfu, number),
                &(struct rtc_address){.family = RTC_IPV4, .ip = {10}, .port = (uint16_t)number},
                p->now);
    }
}

/* Also in the name of the one that has yet to connect. */
static void stranger(struct play *p, struct reader *r)
{
    struct rtc_address from = {.family = RTC_IPV4, .ip = {192, 0, 2, read_u8(r)}, .port = 1};
    uint8_t datagram[256 + 40] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    struct bytes b = read_bytes(r, read_u8(r));
    size_t at = 0;
    if ((from.ip[3] & 1) != 0) { /* a check with a name that is known */
        at = 20;
        static const uint8_t attribute[] = {0, 6, 0, 15};
        memcpy(datagram + at, attribute, sizeof attribute);
        sfu_ufrag_write(sfu_peer_of(p->sfu, LINKING)->ufrag, (char *)datagram + at + 4);
        memcpy(datagram + at + 12, ":member", 8);
        at += 20;
        datagram[3] = (uint8_t)(20 + b.n);
    }
    if (b.n != 0)
        memcpy(datagram + at, b.p, b.n);
    sfu_input(p->sfu, datagram, at + b.n, &from, p->now);
    struct sfu_group g;
    if (sfu_output(p->sfu, &g, 1) == 0)
        return;
    /* an answer that a check of that name was wrong: not larger than what it answers */
    if (g.to.port == 1 && g.to.ip[0] == 192) {
        must(g.n <= at + b.n + 40 && stun_is_likely(bytes_of(g.p, g.n)));
        sfu_sent(p->sfu, 1);
    }
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r);
    uint32_t number = 1 + op / 16 % MEMBERS;
    struct sfu_peer *from = sfu_peer_of(p->sfu, number);
    switch (op % 16) {
    case 0:
        send_bytes(p, from, r, false);
        break;
    case 1:
        send_bytes(p, from, r, true);
        break;
    case 2:
    case 3:
        ask(p, from, r);
        break;
    case 4:
        publish(p, number, r);
        break;
    case 5:
        subscribe(p, number, r);
        break;
    case 6:
        manage(p, number, r);
        break;
    case 7:
        stranger(p, r);
        break;
    case 8:
    case 9:
        p->now += (uint64_t)read_u8(r) * (op % 16 == 8 ? SFU_MILLISECOND : SFU_TICK_US);
        sfu_tick(p->sfu, p->now);
        break;
    default:
        send_media(p, from, r);
    }
    take_output(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct sfu_stats stats;
    struct play *p = calloc(1, sizeof *p);
    must(p != NULL);
    play_init(p);
    for (unsigned i = 0; i < STEPS && reader_left(&r) != 0; i++)
        step(p, &r);
    sfu_meeting_close(p->sfu, MEETING);
    take_output(p);
    sfu_stats(p->sfu, &stats);
    must(stats.peers == 0 && stats.blocks_used == 0 && stats.memory == sfu_outbox_memory());
    must(p->sfu->ufrags.n == 0);
    free(p);
    return 0;
}
