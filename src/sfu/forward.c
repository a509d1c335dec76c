#include <string.h>

#include "rtc/srtp.h"
#include "sfu/inside.h"

/* The most a header takes here: fixed part, and one extension block of at most two words. */
#define HEADER_MAX ((size_t)RTP_HEADER_SIZE + 4 + 8)

static void put16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}

/* What differs between the packets sent to a receiver. */
struct head {
    uint32_t ssrc, timestamp;
    uint16_t sequence;
    uint8_t payload_type;
    bool marker, padded, has_level;
    uint8_t level;
};

/* RFC 8285 4.2: an element of the one-byte form. */
static uint8_t *element(uint8_t *p, uint8_t id, size_t n)
{
    *p = (uint8_t)((size_t)id << 4 | (n - 1));
    return p + 1;
}

/* The header, with a transport-wide number and a level if the receiver knows these extensions.
 * Returns its size. */
static size_t head_write(const struct sfu_peer *p, const struct head *h, uint16_t number,
                         uint8_t out[static HEADER_MAX])
{
    uint8_t *at = out + RTP_HEADER_SIZE + 4;
    if (p->id_transport_cc != 0) {
        at = element(at, p->id_transport_cc, 2);
        put16(at, number);
        at += 2;
    }
    if (p->id_level != 0 && h->has_level) {
        at = element(at, p->id_level, 1);
        *at++ = h->level;
    }
    bool extended = at != out + RTP_HEADER_SIZE + 4;
    out[0] = (uint8_t)(RTP_VERSION << 6 | (h->padded ? 0x20 : 0) | (extended ? 0x10 : 0));
    out[1] = (uint8_t)((h->marker ? 0x80 : 0) | h->payload_type);
    put16(out + 2, h->sequence);
    put32(out + 4, h->timestamp);
    put32(out + 8, h->ssrc);
    if (!extended)
        return RTP_HEADER_SIZE;
    while ((at - out) % 4 != 0)
        *at++ = 0;
    put16(out + RTP_HEADER_SIZE, RTP_EXT_ONE_BYTE);
    put16(out + RTP_HEADER_SIZE + 2, (uint16_t)((at - out - RTP_HEADER_SIZE - 4) / 4));
    return (size_t)(at - out);
}

static void count_drop(struct sfu_peer *p, enum sfu_importance importance)
{
    *(importance == SFU_OF_VIDEO ? &p->counters.dropped_video : &p->counters.dropped_audio) += 1;
}

/* A packet to a receiver: header written, payload sealed behind it. Where the payload already lies
 * behind the room for the header, it is not copied. */
static bool send(struct sfu *s, struct sfu_peer *p, const struct head *h, struct bytes payload,
                 enum sfu_importance importance, uint64_t now_us)
{
    size_t cap = HEADER_MAX + payload.n + SRTP_OVERHEAD;
    size_t n = 0;
    uint8_t *packet = sfu_outbox_reserve(&s->outbox, &p->lane, cap, importance);
    if (packet == NULL) {
        count_drop(p, importance);
        return false;
    }
    uint16_t number = (uint16_t)p->receiver->bandwidth.sent;
    size_t header_n = head_write(p, h, number, packet);
    if (p->transport->seal_rtp(p->transport_ctx, packet, header_n, cap, payload, &n) != 0)
        n = 0;
    sfu_outbox_commit(&s->outbox, &p->lane, n);
    if (n == 0)
        return false;
    sfu_bandwidth_send(&p->receiver->bandwidth, n, now_us);
    p->counters.packets_out++;
    p->counters.bytes_out += n;
    return true;
}

/* ---- Live ---- */

static void begin(struct sfu_sink *k, const struct sfu_packet *packet)
{
    sfu_rewrite_follow(&k->rewrite, packet->sequence, packet->timestamp,
                       packet->is_vp8 ? &packet->vp8 : NULL, packet->source->publication->clock,
                       packet->now_us);
    k->fresh = false;
}

/* As the numbers of `w` have it, which follows or has followed the packet's source. */
static void sink_send(struct sfu *s, struct sfu_sink *k, struct sfu_rewrite *w, int64_t sequence,
                      struct sfu_packet *packet, bool first)
{
    struct vp8_descriptor vp8 = packet->vp8;
    if (packet->is_vp8) {
        sfu_rewrite_vp8(w, &vp8);
        vp8_descriptor_rewrite(&vp8, packet->payload);
    }
    struct head h = {
        .ssrc = k->ssrc,
        .timestamp = packet->timestamp + w->timestamp,
        .sequence = (uint16_t)sequence,
        .payload_type = k->payload_type,
        /* RFC 3551 4.1: of sound the marker begins a talkspurt, and so does another voice */
        .marker = packet->marker || (first && k->is_audio),
        .has_level = packet->has_level,
        .level = packet->level,
    };
    /* what could not be sent has its number all the same: to the receiver it is lost */
    sfu_rewrite_sent(w, sequence, h.timestamp, packet->is_vp8 ? &vp8 : NULL, packet->now_us);
    if (!send(s, k->peer, &h, bytes_of(packet->payload, packet->n),
              k->is_audio ? SFU_OF_AUDIO : SFU_OF_VIDEO, packet->now_us))
        return;
    k->packets++;
    k->octets += (uint32_t)packet->n;
}

/* So far ahead of what went out that the sender must have begun anew: its numbers are not followed
 * there. SRTP would lose count at a leap of half the numbers there are (RFC 3711 3.3.1), and the
 * stream would be dead for whoever is shown in it next. */
static bool leaps(const struct sfu_sink *k, const struct sfu_packet *packet)
{
    int64_t sequence;
    return !k->fresh && sfu_rewrite_sequence(&k->rewrite, packet->sequence, &sequence) &&
           sequence - k->rewrite.last_sequence > SFU_GAP;
}

static void follow_on(struct sfu *s, struct sfu_sink *k, struct sfu_packet *packet)
{
    int64_t sequence;
    if (leaps(k, packet)) {
        k->fresh = true;
        packet->source->asking.wanted |= !packet->key;
    }
    bool first = k->fresh;
    if (k->peer->state != SFU_LINK_UP || (first && !packet->key))
        return;
    if (first)
        begin(k, packet);
    if (sfu_rewrite_sequence(&k->rewrite, packet->sequence, &sequence))
        sink_send(s, k, &k->rewrite, sequence, packet, first);
}

/* Fills a hole that was there when the sink left this source. */
static void fade(struct sfu *s, struct sfu_sink *k, struct sfu_packet *packet)
{
    int64_t sequence;
    if (k->peer->state == SFU_LINK_UP &&
        sfu_rewrite_sequence(&k->before, packet->sequence, &sequence) &&
        sequence < k->before.last_sequence && packet->now_us - k->before.last_us < SFU_HISTORY_US)
        sink_send(s, k, &k->before, sequence, packet, false);
}

/* What a packet to the next receiver takes. That of some hundred receivers is not in the nearest
 * cache, and comes from the next while the packet before is sent. */
static void announce(const struct sfu_sink *k)
{
    const struct sfu_peer *p = k->peer;
    const struct sfu_bandwidth *b = &p->receiver->bandwidth;
    __builtin_prefetch(&p->counters, 1);
    __builtin_prefetch(&p->lane, 1);
    __builtin_prefetch(&p->id_level);
    __builtin_prefetch(&b->ring[b->sent & (SFU_SENT - 1)], 1);
    __builtin_prefetch(&b->rate_out, 1);
    __builtin_prefetch(&b->probe);
    p->transport->announce(p->transport_ctx);
}

void sfu_forward(struct sfu *s, struct sfu_packet *packet)
{
    struct sfu_source *source = packet->source;
    struct link *k, *next;
    while (packet->key && (k = list_first(&source->waiting)) != NULL)
        sfu_sink_follow(s, LIST_OWNER(k, struct sfu_sink, waiting), source);
    for (k = list_first(&source->sinks); k != NULL; k = next) {
        next = list_next(&source->sinks, k);
        if (next != NULL)
            announce(LIST_OWNER(next, struct sfu_sink, following));
        follow_on(s, LIST_OWNER(k, struct sfu_sink, following), packet);
    }
    for (k = list_first(&source->fading); k != NULL; k = list_next(&source->fading, k))
        fade(s, LIST_OWNER(k, struct sfu_sink, fading), packet);
}

/* ---- Again ---- */

/* Bytes that may be sent again now: a share of the bandwidth, saved up for a burst. */
static bool take_tokens(struct sfu_receiver *r, size_t bytes, uint64_t now_us)
{
    uint64_t rate = sfu_bandwidth_now(&r->bandwidth) / 8 / SFU_RESEND_SHARE;
    rate = rate < SFU_RESEND_LEAST ? SFU_RESEND_LEAST : rate;
    uint64_t passed = now_us - r->tokens_us < SFU_SECOND ? now_us - r->tokens_us : SFU_SECOND;
    uint64_t more = r->tokens + rate * passed / SFU_SECOND;
    if (more != r->tokens) { /* else: let time add up */
        r->tokens = more < SFU_RESEND_BURST ? more : SFU_RESEND_BURST;
        r->tokens_us = now_us;
    }
    if (r->tokens < bytes)
        return false;
    r->tokens -= bytes;
    return true;
}

static bool was_resent(struct sfu_sink *k, uint16_t sequence, uint64_t now_us)
{
    struct sfu_resent *resent = &k->resent[sequence & (SFU_RESENT - 1)];
    uint64_t rtt = k->peer->receiver->rtt_us;
    uint64_t wait = rtt * 3 / 4 > SFU_RESEND_AGAIN ? rtt * 3 / 4 : SFU_RESEND_AGAIN;
    if (resent->used && resent->sequence == sequence &&
        (uint32_t)now_us - resent->us < (uint32_t)wait)
        return true;
    *resent = (struct sfu_resent){true, sequence, (uint32_t)now_us};
    return false;
}

/* RFC 4588 4: the original sequence number, then the payload. */
static size_t rtx_payload(const struct sfu_source *source, const struct sfu_rewrite *w,
                          uint16_t sequence, struct bytes payload, uint8_t *out)
{
    struct vp8_descriptor vp8;
    put16(out, sequence);
    memcpy(out + 2, payload.p, payload.n);
    if (source->publication->format == SFU_VP8 && vp8_descriptor_read(payload, &vp8) == 0) {
        sfu_rewrite_vp8(w, &vp8);
        vp8_descriptor_rewrite(&vp8, out + 2);
    }
    return payload.n + 2;
}

static bool resend(struct sfu *s, struct sfu_sink *k, const struct sfu_source *source,
                   const struct sfu_rewrite *w, uint16_t sequence, uint64_t now_us)
{
    uint8_t again[SFU_PACKET + 2];
    struct sfu_history_packet kept;
    struct bytes payload;
    int64_t from;
    if (source == NULL || !sfu_rewrite_source(w, sequence, &from) ||
        !sfu_history_get(source->history, from, now_us, &kept, &payload) ||
        was_resent(k, sequence, now_us) || !take_tokens(k->peer->receiver, payload.n, now_us))
        return false;
    struct head h = {
        .ssrc = k->rtx_ssrc,
        .timestamp = kept.timestamp + w->timestamp,
        .sequence = k->rtx_sequence++,
        .payload_type = k->peer->rtx_payload_type,
        .marker = kept.marker,
    };
    size_t n = rtx_payload(source, w, sequence, payload, again);
    return send(s, k->peer, &h, bytes_of(again, n), SFU_OF_VIDEO, now_us);
}

void sfu_resend(struct sfu *s, struct sfu_sink *k, uint16_t sequence, uint64_t now_us)
{
    const struct sfu_source *now = k->fresh ? NULL : k->source;
    if (k->rtx_ssrc != 0 && (resend(s, k, now, &k->rewrite, sequence, now_us) ||
                             resend(s, k, k->previous, &k->before, sequence, now_us)))
        k->peer->counters.retransmitted++;
    else
        k->peer->counters.not_retransmitted++;
}

/* ---- Padding ---- */

void sfu_pad(struct sfu *s, struct sfu_peer *p, size_t bytes, uint64_t now_us)
{
    uint8_t padding[SFU_PADDING] = {0};
    struct sfu_receiver *r = p->receiver;
    struct sfu_sink *k = r->n_video == 0 ? NULL : &r->sinks[r->n_audio];
    padding[SFU_PADDING - 1] = SFU_PADDING; /* RFC 3550 5.1 */
    if (k == NULL || k->rtx_ssrc == 0)
        return;
    for (size_t sent = 0; sent < bytes; sent += SFU_PADDING) {
        struct head h = {
            .ssrc = k->rtx_ssrc,
            .timestamp = k->rewrite.last_timestamp,
            .sequence = k->rtx_sequence++,
            .payload_type = p->rtx_payload_type,
            .padded = true,
        };
        if (!send(s, p, &h, bytes_of(padding, SFU_PADDING), SFU_OF_VIDEO, now_us))
            return;
    }
}
