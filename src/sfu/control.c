#include "rtc/rtcp_feedback.h"
#include "sfu/inside.h"
#include "sfu/ntp.h"

/* ---- Reports ---- */

/* How the sender's clock stands to ours: the packet that travelled fastest knows best. All its
 * streams are put on our clock by one offset, so that they stay together; it may creep, as clocks
 * drift. */
static int64_t clock_offset(struct sfu_sender *t, uint64_t ntp_us, uint64_t now_us)
{
    int64_t sample = (int64_t)(now_us - ntp_us);
    int64_t drift = (int64_t)((now_us - t->offset_at) / SFU_DRIFT);
    if (!t->has_offset || sample < t->offset_us + drift ||
        sample > t->offset_us + (int64_t)SFU_SECOND) /* the latter: it was set anew */
        t->offset_us = sample;
    else
        t->offset_us += drift;
    t->has_offset = true;
    t->offset_at = now_us;
    return t->offset_us;
}

static void sender_report(struct sfu_peer *p, const struct rtcp_report_packet *r, uint64_t now_us)
{
    bool rtx;
    struct sfu_source *source = sfu_source_of(p->sender, r->ssrc, &rtx);
    if (source == NULL || rtx)
        return;
    uint64_t ntp_us = sfu_ntp_us(r->ntp);
    source->has_sr = true;
    source->sr_rtp = r->rtp_timestamp;
    source->sr_us = ntp_us + (uint64_t)clock_offset(p->sender, ntp_us, now_us);
    source->sr_ntp = sfu_ntp_middle(r->ntp);
    source->sr_arrived_us = now_us;
}

/* RFC 3550 6.4.1: our sender report went out at last_sr and lay there for delay_since_sr. */
static void round_trip(struct sfu_receiver *r, const struct rtcp_report *report, uint64_t now_us)
{
    uint32_t passed = sfu_ntp_middle(sfu_ntp_of(now_us)) - report->last_sr;
    if (report->last_sr == 0 || passed < report->delay_since_sr)
        return;
    uint64_t rtt = (uint64_t)(passed - report->delay_since_sr) * SFU_SECOND >> 16;
    if (rtt > SFU_RTT_MAX)
        return;
    r->rtt_us = r->rtt_us == 0 ? rtt : (7 * r->rtt_us + rtt) / 8;
}

static void receiver_report(struct sfu_peer *p, const struct rtcp_report_packet *r, uint64_t now_us)
{
    uint8_t worst = 0;
    bool any = false;
    for (unsigned i = 0; i < r->report_count; i++) {
        const struct rtcp_report *report = &r->report[i];
        if (sfu_sink_of(p, report->ssrc) == NULL)
            continue;
        any = true;
        worst = report->fraction_lost > worst ? report->fraction_lost : worst;
        round_trip(p->receiver, report, now_us);
    }
    if (!any)
        return;
    p->receiver->loss = (uint32_t)worst << 8;
    sfu_bandwidth_report(&p->receiver->bandwidth, worst, now_us);
}

static void report(struct sfu_peer *p, const struct rtcp_packet *packet, uint64_t now_us)
{
    struct rtcp_report_packet r;
    if (rtcp_report_read(packet, &r) != 0) {
        p->counters.refused++;
        return;
    }
    if (r.is_sender && p->sender != NULL)
        sender_report(p, &r, now_us);
    if (p->receiver != NULL)
        receiver_report(p, &r, now_us);
}

/* ---- Feedback ---- */

/* A receiver is heard once a second on each stream, whatever it says: its key frames are everybody
 * else's, too. */
static void key_frame(struct sfu_sink *k, uint64_t now_us)
{
    if (k == NULL || k->is_audio || k->source == NULL ||
        (k->key_us != 0 && now_us - k->key_us < SFU_KEY_SLOT_INTERVAL))
        return;
    k->key_us = now_us;
    k->source->asking.wanted = true;
}

static void nack(struct sfu *s, struct sfu_peer *p, const struct rtcp_feedback *f, uint64_t now_us)
{
    struct sfu_sink *k = sfu_sink_of(p, f->media_ssrc);
    struct rtcp_nack_walk w;
    uint16_t sequence;
    if (rtcp_nack_open(f, &w) != 0) {
        p->counters.refused++;
        return;
    }
    for (unsigned n = 0; k != NULL && n < SFU_NACK_HEARD && rtcp_nack_next(&w, &sequence); n++)
        sfu_resend(s, k, sequence, now_us);
}

static void full_intra(struct sfu_peer *p, const struct rtcp_feedback *f, uint64_t now_us)
{
    size_t n = 0;
    if (rtcp_fir_count(f, &n) != 0)
        p->counters.refused++;
    for (size_t i = 0; i < n; i++)
        key_frame(sfu_sink_of(p, rtcp_fir_at(f, i).ssrc), now_us);
}

static void transport_feedback(struct sfu_peer *p, const struct rtcp_feedback *f, uint64_t now_us)
{
    struct transport_cc m;
    if (transport_cc_read(f, &m) != 0)
        p->counters.refused++;
    else
        sfu_bandwidth_feedback(&p->receiver->bandwidth, &m, now_us);
}

static void remb(struct sfu_peer *p, const struct rtcp_feedback *f)
{
    struct rtcp_remb m;
    if (rtcp_remb_read(f, &m) != 0)
        p->counters.refused++;
    else
        sfu_bandwidth_remb(&p->receiver->bandwidth, m.bitrate);
}

static void feedback(struct sfu *s, struct sfu_peer *p, const struct rtcp_packet *packet,
                     uint64_t now_us)
{
    struct rtcp_feedback f;
    if (rtcp_feedback_read(packet, &f) != 0) {
        p->counters.refused++;
        return;
    }
    if (p->receiver == NULL)
        return;
    switch (f.kind) {
    case RTCP_FB_NACK:
        nack(s, p, &f, now_us);
        break;
    case RTCP_FB_TRANSPORT_CC:
        transport_feedback(p, &f, now_us);
        break;
    case RTCP_FB_PLI:
        key_frame(sfu_sink_of(p, f.media_ssrc), now_us);
        break;
    case RTCP_FB_FIR:
        full_intra(p, &f, now_us);
        break;
    case RTCP_FB_REMB:
        remb(p, &f);
        break;
    default: /* RFC 4585 6.1: unknown feedback is ignored */
        break;
    }
}

void sfu_rtcp(struct sfu *s, struct sfu_peer *p, struct bytes compound, uint64_t now_us)
{
    struct rtcp_packet packet;
    struct rtcp_walk w;
    if (rtcp_open(compound, &w) != 0) {
        p->counters.refused++;
        return;
    }
    while (rtcp_next(&w, &packet)) {
        switch (packet.type) {
        case RTCP_SR:
        case RTCP_RR:
            report(p, &packet, now_us);
            break;
        case RTCP_RTPFB:
        case RTCP_PSFB:
            feedback(s, p, &packet, now_us);
            break;
        default: /* a BYE says nothing that signalling does not say */
            break;
        }
    }
}
