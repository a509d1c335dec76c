#include "sfu/inside.h"

/* ---- What it is ---- */

/* The SFrame key id at the head of a frame: whose it is, and of which epoch. A new epoch needs a
 * key frame, because whoever has just joined cannot open what came before. False: not to be
 * forwarded. */
static bool look_at_kid(struct sfu_packet *packet, struct bytes frame)
{
    struct sfu_source *source = packet->source;
    const struct sfu_peer *p = source->publication->peer;
    const struct sfu_epochs *epochs = &p->meeting->epochs;
    uint64_t kid;
    if (epochs->bits == 0)
        return true;
    if (sfu_kid_read(frame, &kid) != 0 || !sfu_epochs_allow(epochs, kid, p->of->leaf))
        return false;
    unsigned epoch = sfu_epochs_of(epochs, kid);
    if (source->has_epoch && source->epoch != epoch && !packet->key)
        source->asking.wanted = true;
    source->has_epoch = true;
    source->epoch = epoch;
    return true;
}

/* docs/MEDIA.md: these bytes of a frame stay in clear in front of SFrame's. */
static bool look_at_vp8(struct sfu_packet *packet, struct bytes payload)
{
    struct vp8_frame frame;
    if (vp8_descriptor_read(payload, &packet->vp8) != 0)
        return false;
    packet->is_vp8 = true;
    if (!vp8_begins_frame(&packet->vp8))
        return true;
    struct bytes rest = bytes_of(payload.p + packet->vp8.size, payload.n - packet->vp8.size);
    if (vp8_frame_read(rest, &frame) != 0)
        return false;
    packet->key = frame.key;
    if (frame.key && frame.height != 0)
        packet->source->height = frame.height;
    size_t clear = frame.key ? VP8_KEY_PREFIX : VP8_DELTA_PREFIX;
    return look_at_kid(packet, bytes_of(rest.p + clear, rest.n - clear));
}

/* A structure comes with the first packet of a coded video sequence (A.8.3). */
static bool begins_sequence(struct bytes descriptor)
{
    struct dd_structure structure;
    struct dd dd;
    return descriptor.n != 0 && dd_read(descriptor, NULL, &dd, &structure) == 0 &&
           dd.has_structure && dd.start_of_frame;
}

static bool look_at_sframe(struct sfu_packet *packet, struct bytes payload,
                           const struct rtp_exts *exts)
{
    struct sframe_payload piece;
    if (sframe_payload_read(payload, &piece) != 0)
        return false;
    if (!piece.start)
        return true;
    packet->key = begins_sequence(exts->dependency_descriptor);
    return look_at_kid(packet, piece.content);
}

static bool look_at(struct sfu_packet *packet, const struct rtp_exts *exts)
{
    struct bytes payload = bytes_of(packet->payload, packet->n);
    if (payload.n == 0) /* padding alone: it keeps its number, and has no more to it */
        return true;
    switch (packet->source->publication->format) {
    case SFU_OPUS:
        packet->key = true;
        return look_at_kid(packet, payload);
    case SFU_VP8:
        return look_at_vp8(packet, payload);
    case SFU_SFRAME:
        return look_at_sframe(packet, payload, exts);
    default:
        return false;
    }
}

/* ---- Whose it is ---- */

/* An opened packet as far as the outside of it goes. */
struct arrival {
    struct rtp_packet rtp;
    struct rtp_exts exts;
    struct sfu_source *source;
    uint8_t *payload;
    size_t n;
    uint16_t sequence;
    bool again; /* RFC 4588: a retransmission */
};

/* RFC 4588 4: the number it had, before what it carried. Padding has neither. */
static bool unwrap_rtx(struct arrival *a)
{
    if (a->n < 2)
        return false;
    a->sequence = (uint16_t)(a->payload[0] << 8 | a->payload[1]);
    a->payload += 2;
    a->n -= 2;
    return true;
}

static bool is_expected_type(const struct arrival *a)
{
    const struct sfu_publication *pub = a->source->publication;
    return a->rtp.header.payload_type == (a->again ? pub->rtx_payload_type : pub->payload_type);
}

static bool arrive(struct sfu_peer *p, uint8_t *packet, size_t n, uint64_t now_us,
                   struct arrival *a)
{
    if (n > SFU_PACKET || rtp_packet_read(bytes_of(packet, n), &a->rtp) != 0 ||
        rtp_exts_read(&a->rtp.header, &p->map, &a->exts) != 0)
        return false;
    if (a->exts.has_transport_cc)
        transport_cc_record(&p->sender->recorder, a->exts.transport_cc, now_us);
    a->source = sfu_source_of(p->sender, a->rtp.header.ssrc, &a->again);
    if (a->source == NULL)
        a->source = sfu_source_learn(p, &a->rtp.header, &a->exts, &a->again);
    a->payload = packet + a->rtp.header.size;
    a->n = a->rtp.payload.n;
    a->sequence = a->rtp.header.sequence;
    return a->source != NULL && is_expected_type(a);
}

/* ---- What becomes of it ---- */

static void keep(const struct sfu_packet *packet)
{
    struct sfu_history_packet kept = {
        .sequence = packet->sequence,
        .us = packet->now_us,
        .timestamp = packet->timestamp,
        .marker = packet->marker,
    };
    if (packet->source->history != NULL && packet->n != 0)
        sfu_history_put(packet->source->history, &kept, bytes_of(packet->payload, packet->n));
}

static void hear(struct sfu_publication *pub, const struct rtp_exts *exts)
{
    if (pub->kind == SFU_AUDIO && exts->has_audio_level)
        sfu_voice_hear(&pub->voice, exts->audio_level);
}

static void take(struct sfu *s, struct sfu_peer *p, const struct arrival *a, uint64_t now_us)
{
    struct sfu_source *source = a->source;
    struct sfu_packet packet = {
        .source = source,
        .payload = a->payload,
        .n = a->n,
        .timestamp = a->rtp.header.timestamp,
        .marker = a->rtp.header.marker,
        .has_level = a->exts.has_audio_level,
        .level = (uint8_t)((a->exts.voice ? 0x80 : 0) | a->exts.audio_level),
        .now_us = now_us,
    };
    enum sfu_arrival arrival = sfu_reception_input(
        &source->reception, a->sequence, packet.timestamp, a->again, now_us, &packet.sequence);
    if (arrival == SFU_ARRIVAL_OLD)
        return;
    p->counters.recovered_in += arrival == SFU_ARRIVAL_RECOVERED;
    sfu_meter_add(&source->rate, a->n + SFU_OVERHEAD, now_us);
    if (!look_at(&packet, &a->exts)) {
        p->counters.refused++;
        return;
    }
    hear(source->publication, &a->exts);
    if (packet.key)
        sfu_asking_answered(&source->asking);
    else if (arrival == SFU_ARRIVAL_LEAP)
        source->asking.wanted = true;
    keep(&packet);
    sfu_forward(s, &packet);
}

void sfu_rtp(struct sfu *s, struct sfu_peer *p, uint8_t *packet, size_t n, uint64_t now_us)
{
    struct arrival a = {0};
    p->counters.packets_in++;
    p->counters.bytes_in += n;
    if (p->sender == NULL || !arrive(p, packet, n, now_us, &a)) {
        p->counters.refused++;
        return;
    }
    if (a.again && !unwrap_rtx(&a))
        return;
    take(s, p, &a, now_us);
}
