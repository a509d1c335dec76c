/* Members who send: marked frames at a steady pace, key frames and packets again when asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/sframe.h>

#include "rtc/rtcp_feedback.h"
#include "sfu/ntp.h"
#include "support/sfu_world.h"

#define FRAME_US 33333
#define VOICE_US (20 * MS)
#define VOICE_BYTES 100
#define MTU 1120
#define KEY_DELAY (50 * MS) /* of an encoder that is asked for a key frame */

static uint32_t clock_of(const struct world_stream *s)
{
    return s->kind == SFU_AUDIO ? 48000 : 90000;
}

static uint32_t timestamp_at(const struct world_stream *s, uint64_t us)
{
    return s->timestamp + (uint32_t)(us * clock_of(s) / SECOND);
}

/* ---- Publishing ---- */

static void publish(struct world_member *m, enum sfu_kind kind, unsigned first, unsigned layers)
{
    struct sfu_track t = {
        .kind = kind,
        .format = kind == SFU_AUDIO ? SFU_OPUS : SFU_VP8,
        .payload_type = kind == SFU_AUDIO ? WORLD_PT_AUDIO : WORLD_PT_VIDEO,
        .rtx_payload_type = kind == SFU_AUDIO ? 0 : WORLD_PT_RTX,
        .n_layers = layers,
    };
    for (unsigned i = 0; i < layers; i++)
        t.layers[i] = (struct sfu_layer){.ssrc = m->streams[first + i].ssrc,
                                         .rtx_ssrc = m->streams[first + i].rtx_ssrc,
                                         .height = m->streams[first + i].height};
    assert_int_equal(sfu_publish(m->world->sfu, m->number, &t, m->world->now), 0);
}

static void stream_init(struct world_member *m, unsigned i, enum sfu_kind kind, unsigned layer,
                        uint64_t rate, uint16_t height)
{
    struct random *r = &m->world->random;
    struct world_stream *s = &m->streams[i];

    *s = (struct world_stream){
        .on = true,
        .kind = kind,
        .layer = layer,
        .ssrc = 0x10000u * (i + 1) + m->leaf + 1,
        .rtx_ssrc = kind == SFU_AUDIO ? 0 : 0x10000u * (i + 17) + m->leaf + 1,
        .sequence = (uint16_t)random_u64(r),
        .rtx_sequence = (uint16_t)random_u64(r),
        .timestamp = (uint32_t)random_u64(r),
        .rate = rate,
        .height = height,
        .next_us = m->world->now + random_below(r, FRAME_US),
        .key_wanted = true,
        .picture_id = (uint16_t)random_below(r, 0x8000),
        .tl0picidx = (uint8_t)random_u64(r),
        .kept = calloc(WORLD_KEPT, sizeof *s->kept),
    };
    assert_non_null(s->kept);
}

void sfu_world_speak(struct world_member *m, uint8_t level)
{
    m->level = level;
    if (m->streams[WORLD_AUDIO].on)
        return;
    stream_init(m, WORLD_AUDIO, SFU_AUDIO, 0, 40000, 0);
    publish(m, SFU_AUDIO, WORLD_AUDIO, 1);
}

void sfu_world_film(struct world_member *m, enum sfu_kind kind, unsigned layers)
{
    static const uint64_t rates[] = {150000, 500000, 1500000};
    static const uint16_t heights[] = {180, 360, 720};
    unsigned first = kind == SFU_CAMERA ? WORLD_CAMERA : WORLD_SCREEN;

    for (unsigned i = 0; i < layers; i++)
        stream_init(m, first + i, kind, i, kind == SFU_SCREEN ? 1000000 : rates[i],
                    kind == SFU_SCREEN ? 1080 : heights[i]);
    publish(m, kind, first, layers);
}

/* ---- Frames ---- */

static void packet_send(struct world_member *m, struct world_stream *s, struct bytes payload,
                        uint32_t timestamp, uint32_t ssrc, uint16_t sequence, uint8_t type,
                        bool marker)
{
    struct rtp_exts exts = {
        .has_transport_cc = true,
        .transport_cc = m->transport_number++,
        .has_audio_level = s->kind == SFU_AUDIO,
        .audio_level = m->level,
    };
    struct rtp_packet p = {
        .header = {.marker = marker,
                   .payload_type = type,
                   .sequence = sequence,
                   .timestamp = timestamp,
                   .ssrc = ssrc,
                   .extended = true},
        .payload = payload,
    };
    struct buf block = {0};
    struct buf out = {0};

    assert_int_equal(rtp_exts_write(&exts, NULL, &block, &p.header.extension_profile), 0);
    p.header.extension = buf_view(&block);
    assert_int_equal(rtp_packet_write(&p, &out), 0);
    world_send_up(m, out.p, out.n);
    buf_free(&block);
    buf_free(&out);
}

static void media_send(struct world_member *m, struct world_stream *s, struct bytes payload,
                       uint32_t timestamp, bool marker)
{
    struct world_kept *k = &s->kept[s->sequence % WORLD_KEPT];

    *k = (struct world_kept){
        .sequence = s->sequence, .timestamp = timestamp, .marker = marker, .n = payload.n};
    memcpy(k->payload, payload.p, payload.n);
    packet_send(m, s, payload, timestamp, s->ssrc, s->sequence++,
                s->kind == SFU_AUDIO ? WORLD_PT_AUDIO : WORLD_PT_VIDEO, marker);
    s->packets++;
    s->octets += (uint32_t)payload.n;
}

/* Clear bytes, SFrame header, mark, and bytes that follow from the mark. */
static void frame_write(struct world_member *m, struct world_stream *s, bool key, size_t size,
                        struct buf *out)
{
    uint8_t clear[VP8_KEY_PREFIX] = {(uint8_t)(key ? 0x10 : 0x11), 0x02, 0, 0x9d, 0x01, 0x2a};
    uint8_t header[SFRAME_HEADER_MAX];
    struct world_mark mark = {m->leaf, s->kind, s->layer, s->frame, s->height, m->world->now};
    uint64_t kid = ((uint64_t)s->layer << 7 | m->kid_leaf) << WORLD_EPOCH_BITS |
                   (m->epoch & ((1u << WORLD_EPOCH_BITS) - 1));

    clear[6] = (uint8_t)(s->height * 16 / 9);
    clear[7] = (uint8_t)(s->height * 16 / 9 >> 8);
    clear[8] = (uint8_t)s->height;
    clear[9] = (uint8_t)(s->height >> 8);
    if (s->kind != SFU_AUDIO)
        buf_put(out, bytes_of(clear, key ? VP8_KEY_PREFIX : VP8_DELTA_PREFIX));
    buf_put(out, bytes_of(header, sframe_header_write(kid, s->frame, header)));
    buf_put(out, bytes_of(&mark, sizeof mark));
    while (out->n < size) {
        uint8_t next = (uint8_t)((size_t)s->frame * 7 + out->n);
        buf_put(out, bytes_of(&next, 1));
    }
}

static void picture(struct world_member *m, struct world_stream *s)
{
    bool key = s->key_wanted && m->world->now >= s->key_us;
    size_t size = s->rate * FRAME_US / SECOND / 8;
    struct vp8_descriptor d = {
        .has_picture_id = true,
        .long_picture_id = true,
        .has_tl0picidx = true,
        .picture_id = s->picture_id,
        .tl0picidx = s->tl0picidx,
    };
    struct vp8_packetizer p;
    struct buf frame = {0};
    bool last = false;

    size = size * (80 + random_below(&m->world->random, 40)) / 100 * (key ? 4 : 1);
    frame_write(m, s, key, size, &frame);
    assert_int_equal(vp8_packetizer_init(&p, &d, buf_view(&frame), MTU), 0);
    while (!last) {
        struct buf payload = {0};
        assert_int_equal(vp8_packetizer_next(&p, &payload, &last), 0);
        media_send(m, s, buf_view(&payload), timestamp_at(s, m->world->now), last);
        buf_free(&payload);
    }
    buf_free(&frame);
    s->picture_id = (s->picture_id + 1) & 0x7fff;
    s->tl0picidx++;
    s->key_wanted = s->key_wanted && !key;
    s->key_frames += key;
    s->frame++;
    s->next_us += FRAME_US;
}

static void voice(struct world_member *m, struct world_stream *s)
{
    struct buf frame = {0};

    frame_write(m, s, false, VOICE_BYTES, &frame);
    media_send(m, s, buf_view(&frame), timestamp_at(s, s->next_us), false);
    buf_free(&frame);
    s->frame++;
    s->next_us += VOICE_US;
}

static void reports(struct world_member *m)
{
    struct buf out = {0};

    for (unsigned i = 0; i < WORLD_STREAMS; i++) {
        const struct world_stream *s = &m->streams[i];
        struct rtcp_report_packet r = {
            .is_sender = true,
            .ssrc = s->ssrc,
            .rtp_timestamp = timestamp_at(s, m->world->now),
            .packets = s->packets,
            .octets = s->octets,
            .ntp = sfu_ntp_of(m->world->now + m->clock_us),
        };
        if (s->on)
            assert_int_equal(rtcp_report_write(&r, &out), 0);
    }
    if (out.n != 0)
        world_send_up(m, out.p, out.n);
    buf_free(&out);
}

void world_sender_tick(struct world_member *m)
{
    uint64_t now = m->world->now;

    for (unsigned i = 0; i < WORLD_STREAMS; i++) {
        struct world_stream *s = &m->streams[i];
        while (s->on && s->next_us <= now) {
            if (s->kind == SFU_AUDIO)
                voice(m, s);
            else
                picture(m, s);
        }
    }
    if (now >= m->report_us) {
        m->report_us = now + SECOND;
        reports(m);
    }
}

/* ---- Asked ---- */

static struct world_stream *stream_of(struct world_member *m, uint32_t ssrc)
{
    for (unsigned i = 0; i < WORLD_STREAMS; i++)
        if (m->streams[i].kept != NULL && m->streams[i].ssrc == ssrc)
            return &m->streams[i];
    return NULL;
}

static void send_again(struct world_member *m, struct world_stream *s, uint16_t sequence)
{
    const struct world_kept *k = &s->kept[sequence % WORLD_KEPT];
    uint8_t payload[SFU_PACKET + 2] = {(uint8_t)(sequence >> 8), (uint8_t)sequence};

    if (k->n == 0 || k->sequence != sequence || s->rtx_ssrc == 0)
        return;
    memcpy(payload + 2, k->payload, k->n);
    packet_send(m, s, bytes_of(payload, k->n + 2), k->timestamp, s->rtx_ssrc, s->rtx_sequence++,
                WORLD_PT_RTX, k->marker);
    s->resent++;
}

void world_sender_rtcp(struct world_member *m, const struct rtcp_packet *packet)
{
    struct rtcp_nack_walk w;
    struct rtcp_feedback f;
    uint16_t sequence;

    assert_int_equal(rtcp_feedback_read(packet, &f), 0);
    struct world_stream *s = stream_of(m, f.media_ssrc);
    if (s == NULL)
        return;
    if (f.kind == RTCP_FB_PLI && !s->key_wanted) {
        s->key_wanted = true;
        s->key_us = m->world->now + KEY_DELAY;
    }
    s->asked += f.kind == RTCP_FB_PLI;
    if (f.kind == RTCP_FB_NACK) {
        assert_int_equal(rtcp_nack_open(&f, &w), 0);
        while (rtcp_nack_next(&w, &sequence))
            send_again(m, s, sequence);
    }
}
