#include "hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/crypto.h>
#include <conclave/sframe.h>

/* ---- Life ---- */

int hub_setup(void **state)
{
    static const struct sfu_meeting_config config = {.epoch_bits = HUB_EPOCH_BITS};
    struct hub *h = calloc(1, sizeof *h);

    assert_non_null(h);
    h->out = calloc(HUB_PACKETS, sizeof *h->out);
    assert_non_null(h->out);
    h->now = 1000 * SECOND;
    assert_int_equal(crypto_new_public(2, &h->crypto), 0);
    assert_int_equal(aead_engine_new(AEAD_BEST, &h->engine), 0);
    assert_int_equal(dtls_identity_new(0, &h->identity), 0);
    struct sfu_config c = {.crypto = h->crypto, .engine = h->engine, .identity = h->identity};
    assert_int_equal(sfu_new(&c, &h->sfu), 0);
    h->sfu->seed =
        (struct mix_seed){UINT64_C(0x123456789abcdef1), 98765}; /* the same run each time */
    assert_int_equal(sfu_meeting_open(h->sfu, HUB_MEETING, &config), 0);
    *state = h;
    return 0;
}

int hub_teardown(void **state)
{
    struct hub *h = *state;

    sfu_free(h->sfu);
    dtls_identity_free(h->identity);
    aead_engine_free(h->engine);
    crypto_free(h->crypto);
    free(h->out);
    free(h);
    return 0;
}

struct sfu_peer_config hub_config(uint32_t leaf)
{
    return (struct sfu_peer_config){
        .meeting = HUB_MEETING,
        .leaf = leaf,
        .sends = true,
        .receives = true,
        .audio_payload_type = HUB_SOUND,
        .video_payload_type = HUB_VIDEO,
        .rtx_payload_type = HUB_RTX,
    };
}

struct sfu_peer *hub_join_as(struct hub *h, uint32_t number, const struct sfu_peer_config *config)
{
    struct rtc_address at = {.family = RTC_IPV4, .ip = {10}, .port = (uint16_t)number};
    struct sfu_peer *p = NULL;

    assert_int_equal(
        sfu_peer_attach(h->sfu, number, config, &sfu_transport_plain, NULL, h->now, &p), 0);
    sfu_peer_up(h->sfu, p, &at, h->now);
    return p;
}

struct sfu_peer *hub_join(struct hub *h, uint32_t leaf)
{
    struct sfu_peer_config config = hub_config(leaf);

    return hub_join_as(h, leaf, &config);
}

/* ---- Tracks ---- */

struct sfu_track hub_track(uint32_t leaf, enum sfu_kind kind, unsigned layers)
{
    struct sfu_track t = {
        .kind = kind,
        .format = kind == SFU_AUDIO ? SFU_OPUS : SFU_VP8,
        .payload_type = kind == SFU_AUDIO ? HUB_SOUND : HUB_VIDEO,
        .rtx_payload_type = kind == SFU_AUDIO ? 0 : HUB_RTX,
        .n_layers = layers,
    };

    for (unsigned i = 0; i < layers; i++)
        t.layers[i] = (struct sfu_layer){
            .ssrc = hub_ssrc(leaf, kind, i),
            .rtx_ssrc = kind == SFU_AUDIO ? 0 : hub_rtx_ssrc(leaf, kind, i),
            .height = (uint16_t)(kind == SFU_AUDIO ? 0 : 180u << i),
        };
    return t;
}

void hub_publish(struct hub *h, uint32_t leaf, enum sfu_kind kind, unsigned layers)
{
    struct sfu_track t = hub_track(leaf, kind, layers);

    assert_int_equal(sfu_publish(h->sfu, leaf, &t, h->now), 0);
}

void hub_watch(struct hub *h, uint32_t leaf, uint32_t of)
{
    struct sfu_want want = {.leaf = of, .kind = SFU_CAMERA, .max_height = 1080};

    assert_int_equal(sfu_subscribe(h->sfu, leaf, &want, 1, h->now), 0);
}

/* ---- In ---- */

void hub_rtp(struct hub *h, uint32_t peer, const struct hub_rtp *p)
{
    struct rtp_packet packet = {
        .header = {.marker = p->marker,
                   .payload_type = p->payload_type,
                   .sequence = p->sequence,
                   .timestamp = p->timestamp,
                   .ssrc = p->ssrc},
        .payload = p->payload,
    };
    struct buf block = {0};
    struct buf out = {0};

    assert_int_equal(rtp_exts_write(&p->exts, NULL, &block, &packet.header.extension_profile), 0);
    packet.header.extended = block.n != 0;
    packet.header.extension = buf_view(&block);
    assert_int_equal(rtp_packet_write(&packet, &out), 0);
    sfu_rtp(h->sfu, sfu_peer_of(h->sfu, peer), out.p, out.n, h->now);
    buf_free(&block);
    buf_free(&out);
}

uint64_t hub_kid(uint32_t leaf, uint64_t epoch)
{
    return (uint64_t)leaf << HUB_EPOCH_BITS | (epoch & ((1u << HUB_EPOCH_BITS) - 1));
}

static void fill(struct buf *out, size_t n, uint8_t seed)
{
    while (out->n < n) {
        uint8_t next = (uint8_t)(seed + out->n);
        buf_put(out, bytes_of(&next, 1));
    }
}

struct hub_picture hub_picture(uint32_t leaf, unsigned layer, uint16_t sequence, bool key)
{
    return (struct hub_picture){
        .leaf = leaf,
        .kind = SFU_CAMERA,
        .layer = layer,
        .key = key,
        .sequence = sequence,
        .picture_id = sequence & 0x7fff,
        .timestamp = (uint32_t)(int16_t)sequence * 3000, /* goes on over the wrap */
        .kid = hub_kid(leaf, 1),
    };
}

static void picture_payload(const struct hub_picture *p, struct buf *out)
{
    struct vp8_descriptor d = {
        .start = !p->goes_on,
        .has_picture_id = true,
        .long_picture_id = true,
        .has_tl0picidx = true,
        .picture_id = p->picture_id,
        .tl0picidx = (uint8_t)p->picture_id,
    };
    uint16_t height = (uint16_t)(180u << p->layer);
    uint8_t clear[VP8_KEY_PREFIX] = {
        (uint8_t)(p->key ? 0x10 : 0x11), 0x02, 0, 0x9d, 0x01, 0x2a, 64, 1, (uint8_t)height,
        (uint8_t)(height >> 8)};
    uint8_t header[SFRAME_HEADER_MAX];

    assert_int_equal(vp8_descriptor_write(&d, out), 0);
    if (!p->goes_on) {
        buf_put(out, bytes_of(clear, p->key ? VP8_KEY_PREFIX : VP8_DELTA_PREFIX));
        buf_put(out, bytes_of(header, sframe_header_write(p->kid, p->sequence, header)));
    }
    fill(out, p->size == 0 ? 100 : p->size, (uint8_t)p->sequence);
}

void hub_send_picture(struct hub *h, const struct hub_picture *p)
{
    struct buf payload = {0};

    picture_payload(p, &payload);
    hub_rtp(h, p->leaf,
            &(struct hub_rtp){
                .ssrc = hub_ssrc(p->leaf, p->kind, p->layer),
                .payload_type = HUB_VIDEO,
                .marker = true,
                .sequence = p->sequence,
                .timestamp = p->timestamp,
                .payload = buf_view(&payload),
            });
    buf_free(&payload);
}

void hub_send_voice(struct hub *h, uint32_t leaf, uint16_t sequence, uint8_t level, uint64_t kid)
{
    uint8_t header[SFRAME_HEADER_MAX];
    struct buf payload = {0};

    buf_put(&payload, bytes_of(header, sframe_header_write(kid, sequence, header)));
    fill(&payload, 80, (uint8_t)sequence);
    hub_rtp(h, leaf,
            &(struct hub_rtp){
                .ssrc = hub_ssrc(leaf, SFU_AUDIO, 0),
                .payload_type = HUB_SOUND,
                .sequence = sequence,
                .timestamp = sequence * UINT32_C(960),
                .payload = buf_view(&payload),
                .exts = {.has_audio_level = true, .audio_level = level, .voice = true},
            });
    buf_free(&payload);
}

void hub_rtcp(struct hub *h, uint32_t peer, struct buf *compound)
{
    assert_int_equal(buf_check(compound), 0);
    sfu_rtcp(h->sfu, sfu_peer_of(h->sfu, peer), buf_view(compound), h->now);
    buf_free(compound);
}

void hub_pli(struct hub *h, uint32_t peer, uint32_t ssrc)
{
    struct buf out = {0};

    assert_int_equal(rtcp_pli_write(1, ssrc, &out), 0);
    hub_rtcp(h, peer, &out);
}

void hub_nack(struct hub *h, uint32_t peer, uint32_t ssrc, uint16_t sequence)
{
    struct buf out = {0};

    assert_int_equal(rtcp_nack_write(1, ssrc, &sequence, 1, &out), 0);
    hub_rtcp(h, peer, &out);
}

/* ---- Out ---- */

static void keep(struct hub *h, uint16_t to, const uint8_t *data, size_t n)
{
    assert_in_range(h->n_out, 0, HUB_PACKETS - 1);
    struct hub_packet *p = &h->out[h->n_out++];
    *p = (struct hub_packet){.to = to, .n = n};
    assert_in_range(n, 1, sizeof p->data);
    memcpy(p->data, data, n);
    p->control = rtp_is_rtcp(bytes_of(p->data, n));
    if (p->control)
        return;
    assert_int_equal(rtp_packet_read(bytes_of(p->data, n), &p->rtp), 0);
    if (rtp_exts_read(&p->rtp.header, NULL, &p->exts) != 0) /* by ids of the test's own */
        p->exts = (struct rtp_exts){0};
}

void hub_collect(struct hub *h)
{
    struct sfu_group groups[64];
    size_t n;

    while ((n = sfu_output(h->sfu, groups, 64)) != 0) {
        for (size_t i = 0; i < n; i++) {
            for (size_t at = 0; at < groups[i].n; at += groups[i].segment) {
                size_t left = groups[i].n - at;
                keep(h, groups[i].to.port, groups[i].p + at,
                     left < groups[i].segment ? left : groups[i].segment);
            }
        }
        sfu_sent(h->sfu, n);
    }
    while (h->n_events < HUB_EVENTS && sfu_next(h->sfu, &h->events[h->n_events]))
        h->n_events++;
    assert_true(h->n_events < HUB_EVENTS);
}

void hub_pass(struct hub *h, uint64_t us)
{
    for (uint64_t end = h->now + us; h->now < end; h->now += SFU_TICK_US) {
        sfu_tick(h->sfu, h->now);
        hub_collect(h);
    }
}

void hub_forget(struct hub *h)
{
    hub_collect(h);
    h->n_out = h->n_events = 0;
}

static bool is_media(const struct hub_packet *p, uint32_t peer, uint32_t ssrc)
{
    return p->to == peer && !p->control && (ssrc == 0 || p->rtp.header.ssrc == ssrc);
}

size_t hub_count(const struct hub *h, uint32_t peer, uint32_t ssrc)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n_out; i++)
        n += is_media(&h->out[i], peer, ssrc);
    return n;
}

const struct hub_packet *hub_at(const struct hub *h, uint32_t peer, uint32_t ssrc, size_t i)
{
    for (size_t k = 0; k < h->n_out; k++)
        if (is_media(&h->out[k], peer, ssrc) && i-- == 0)
            return &h->out[k];
    fail_msg("there is no such packet");
    return NULL;
}

struct vp8_descriptor hub_vp8_of(struct bytes payload)
{
    struct vp8_descriptor d = {0};

    assert_int_equal(vp8_descriptor_read(payload, &d), 0);
    return d;
}

/* Calls for each control packet to a peer; counts those that say true. */
static size_t look(const struct hub *h, uint32_t peer,
                   bool (*is_it)(void *ctx, const struct rtcp_packet *p), void *ctx)
{
    struct rtcp_packet packet;
    struct rtcp_walk w;
    size_t n = 0;

    for (size_t i = 0; i < h->n_out; i++) {
        const struct hub_packet *p = &h->out[i];
        if (p->to != peer || !p->control)
            continue;
        assert_int_equal(rtcp_open(bytes_of(p->data, p->n), &w), 0);
        while (rtcp_next(&w, &packet))
            n += is_it(ctx, &packet);
    }
    return n;
}

struct sought {
    enum rtcp_feedback_kind kind;
    uint32_t ssrc;
    bool is_sender;
    struct rtcp_feedback feedback;
    struct rtcp_report_packet report;
};

static bool is_feedback(void *ctx, const struct rtcp_packet *p)
{
    struct sought *s = ctx;
    struct rtcp_feedback f;

    if (p->type != RTCP_RTPFB && p->type != RTCP_PSFB)
        return false;
    assert_int_equal(rtcp_feedback_read(p, &f), 0);
    if (f.kind != s->kind || f.media_ssrc != s->ssrc)
        return false;
    s->feedback = f;
    return true;
}

size_t hub_feedback(const struct hub *h, uint32_t peer, enum rtcp_feedback_kind kind, uint32_t ssrc,
                    struct rtcp_feedback *out)
{
    struct sought s = {.kind = kind, .ssrc = ssrc};
    size_t n = look(h, peer, is_feedback, &s);

    if (out != NULL && n != 0)
        *out = s.feedback;
    return n;
}

static bool is_report(void *ctx, const struct rtcp_packet *p)
{
    struct sought *s = ctx;

    if (p->type != (s->is_sender ? RTCP_SR : RTCP_RR))
        return false;
    assert_int_equal(rtcp_report_read(p, &s->report), 0);
    return true;
}

size_t hub_reports(const struct hub *h, uint32_t peer, bool is_sender,
                   struct rtcp_report_packet *out)
{
    struct sought s = {.is_sender = is_sender};
    size_t n = look(h, peer, is_report, &s);

    if (out != NULL && n != 0)
        *out = s.report;
    return n;
}

size_t hub_events(const struct hub *h, enum sfu_event_kind what, uint32_t peer)
{
    size_t n = 0;

    for (size_t i = 0; i < h->n_events; i++)
        n += h->events[i].what == what && h->events[i].peer == peer;
    return n;
}

struct sfu_event hub_event(const struct hub *h, enum sfu_event_kind what, uint32_t peer)
{
    for (size_t i = h->n_events; i > 0; i--)
        if (h->events[i - 1].what == what && h->events[i - 1].peer == peer)
            return h->events[i - 1];
    fail_msg("there is no such event");
    return (struct sfu_event){0};
}

static struct sfu_peer_answer answer_of(const struct hub *h, uint32_t peer)
{
    struct sfu_peer_answer a = {0};

    sfu_peer_answer_slots(sfu_peer_of(h->sfu, peer), &a);
    return a;
}

uint32_t hub_video_slot(const struct hub *h, uint32_t peer, unsigned i)
{
    return answer_of(h, peer).video[i].ssrc;
}

uint32_t hub_rtx_slot(const struct hub *h, uint32_t peer, unsigned i)
{
    return answer_of(h, peer).video[i].rtx_ssrc;
}

uint32_t hub_audio_slot(const struct hub *h, uint32_t peer, unsigned i)
{
    return answer_of(h, peer).audio[i].ssrc;
}

struct sfu_counters hub_counters(const struct hub *h, uint32_t peer)
{
    struct sfu_peer_stats stats;

    assert_int_equal(sfu_peer_stats(h->sfu, peer, h->now, &stats), 0);
    return stats.counters;
}
