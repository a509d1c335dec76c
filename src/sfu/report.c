#include <string.h>

#include "rtc/rtcp_feedback.h"
#include "rtc/srtp.h"
#include "sfu/inside.h"
#include "sfu/ntp.h"

/* ---- Sending ---- */

/* Seals what has been written and begins anew. */
static void flush(struct sfu *s, struct sfu_peer *p)
{
    size_t n = s->rtcp.n;
    size_t sealed = 0;
    size_t cap = n + SRTCP_OVERHEAD;
    uint8_t *packet = n == 0 ? NULL : sfu_outbox_reserve(&s->outbox, &p->lane, cap, SFU_OF_CONTROL);
    s->rtcp.n = 0;
    if (packet == NULL) {
        p->counters.dropped_control += n != 0;
        return;
    }
    memcpy(packet, s->rtcp.p, n);
    if (p->transport->seal_rtcp(p->transport_ctx, packet, n, cap, &sealed) != 0)
        sealed = 0;
    sfu_outbox_commit(&s->outbox, &p->lane, sealed);
}

/* Room for a packet of so many bytes in the compound. */
static void make_room(struct sfu *s, struct sfu_peer *p, size_t n)
{
    if (s->rtcp.n + n > SFU_RTCP_BYTES)
        flush(s, p);
}

/* ---- To senders ---- */

static void ask_again(struct sfu *s, struct sfu_peer *p, struct sfu_source *source, uint64_t now_us)
{
    uint16_t lost[SFU_NACK_MAX];
    bool given_up = false;
    size_t n = sfu_reception_ask(&source->reception, now_us, lost, SFU_NACK_MAX, &given_up);
    p->counters.lost_in += sfu_reception_lost(&source->reception);
    /* a frame that will not be whole: those that refer to it will not be right */
    if (given_up && source->sinks.n != 0)
        source->asking.wanted = true;
    make_room(s, p, 12 + 4 * n);
    if (n != 0 && rtcp_nack_write(p->ssrc, source->ssrc, lost, n, &s->rtcp) == 0)
        p->counters.nacks += n;
}

static void ask_key_frame(struct sfu *s, struct sfu_peer *p, struct sfu_source *source,
                          uint64_t now_us)
{
    bool watched = source->sinks.n != 0 || source->waiting.n != 0;
    if (!watched || !source->reception.unwrap.started || !sfu_asking_due(&source->asking, now_us))
        return;
    make_room(s, p, 12);
    if (rtcp_pli_write(p->ssrc, source->ssrc, &s->rtcp) != 0)
        return;
    sfu_asking_asked(&source->asking, now_us);
    p->counters.key_frames_asked++;
}

/* A stream the peer sends; 0: none that is known. */
static uint32_t any_stream(const struct sfu_sender *t)
{
    for (size_t i = 0; i < t->n_routes; i++)
        if (!t->routes[i].rtx && t->routes[i].source->reception.unwrap.started)
            return t->routes[i].ssrc;
    return 0;
}

/* It is about all streams, but names one: libwebrtc passes over what names none of its own. */
static void transport_feedback(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    struct sfu_sender *t = p->sender;
    uint32_t ssrc = any_stream(t);
    if (now_us < t->feedback_us || ssrc == 0)
        return;
    t->feedback_us = now_us + SFU_FEEDBACK_US;
    while (transport_cc_pending(&t->recorder)) {
        make_room(s, p, TRANSPORT_CC_BYTES_MAX);
        if (transport_cc_write(&t->recorder, p->ssrc, ssrc, &s->rtcp) != 0)
            return;
    }
}

static void report_source(struct sfu_source *source, uint64_t now_us,
                          struct rtcp_report_packet *out)
{
    struct rtcp_report r;
    if (out->report_count == RTCP_COUNT_MAX || !sfu_reception_report(&source->reception, &r))
        return;
    r.ssrc = source->ssrc;
    if (source->has_sr) {
        r.last_sr = source->sr_ntp;
        r.delay_since_sr = (uint32_t)(((now_us - source->sr_arrived_us) << 16) / SFU_SECOND);
    }
    out->report[out->report_count++] = r;
}

static void receiver_report(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    struct rtcp_report_packet r = {.ssrc = p->ssrc};
    for (size_t i = 0; i < p->sender->n_routes; i++)
        if (!p->sender->routes[i].rtx)
            report_source(p->sender->routes[i].source, now_us, &r);
    if (r.report_count == 0)
        return;
    make_room(s, p, 8 + (size_t)24 * r.report_count);
    if (rtcp_report_write(&r, &s->rtcp) != 0)
        p->counters.dropped_control++;
}

/* ---- To receivers ---- */

/* The outgoing timestamp of this moment: by the sender's report if there was one, so that the
 * sender's streams stay together; else as if the last packet had been on time. */
static uint32_t timestamp_now(const struct sfu_sink *k, uint64_t now_us)
{
    const struct sfu_source *source = k->source;
    uint64_t clock = source->publication->clock;
    if (source->has_sr) {
        int64_t passed = (int64_t)(now_us - source->sr_us);
        int64_t units = passed * (int64_t)clock / (int64_t)SFU_SECOND;
        return source->sr_rtp + (uint32_t)units + k->rewrite.timestamp;
    }
    return k->rewrite.last_timestamp +
           (uint32_t)((now_us - k->rewrite.last_us) * clock / SFU_SECOND);
}

static void sender_report(struct sfu *s, struct sfu_peer *p, const struct sfu_sink *k,
                          uint64_t now_us)
{
    struct rtcp_report_packet r = {
        .is_sender = true,
        .ssrc = k->ssrc,
        .rtp_timestamp = timestamp_now(k, now_us),
        .packets = k->packets,
        .octets = k->octets,
        .ntp = sfu_ntp_of(now_us),
    };
    make_room(s, p, 28);
    if (rtcp_report_write(&r, &s->rtcp) != 0)
        p->counters.dropped_control++;
}

/* RFC 3550 6.5.1: one name for all its streams, since they share one clock. It names nobody. */
static void name(struct sfu *s, struct sfu_peer *p)
{
    struct rtcp_sdes names = {.count = 1, .chunk = {{p->ssrc, bytes_str("conclave")}}};
    make_room(s, p, 24);
    if (rtcp_sdes_write(&names, &s->rtcp) != 0)
        p->counters.dropped_control++;
}

static void sender_reports(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    struct sfu_receiver *r = p->receiver;
    bool any = false;
    for (unsigned i = 0; i < r->n_audio + r->n_video; i++) {
        const struct sfu_sink *k = &r->sinks[i];
        if (k->source == NULL || k->fresh || now_us - k->rewrite.last_us > 2 * SFU_REPORT_US)
            continue;
        sender_report(s, p, k, now_us);
        any = true;
    }
    if (any)
        name(s, p);
}

/* ---- All of it ---- */

static void ask(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    for (int kind = 0; kind < SFU_KINDS; kind++) {
        struct sfu_publication *pub = p->sender->publications[kind];
        for (unsigned i = 0; pub != NULL && kind != SFU_AUDIO && i < pub->n_sources; i++) {
            ask_again(s, p, &pub->sources[i], now_us);
            ask_key_frame(s, p, &pub->sources[i], now_us);
        }
    }
}

void sfu_report(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    bool due = now_us >= p->report_us;
    if (due)
        p->report_us = now_us + SFU_REPORT_US;
    if (due && p->sender != NULL)
        receiver_report(s, p, now_us);
    if (due && p->receiver != NULL)
        sender_reports(s, p, now_us);
    if (p->sender != NULL) {
        ask(s, p, now_us);
        transport_feedback(s, p, now_us);
    }
    flush(s, p);
}
