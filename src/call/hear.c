/* RTCP of the switch: reports on what was sent, requests, and what streams say of their clock. */
#include "call/inside.h"

/* RFC 3550 6.4.1: now, less when our SR went out, less what it lay there; in 1/65,536 s. */
static uint64_t round_trip_us(const struct call *c, const struct rtcp_report *r)
{
    uint32_t now = (uint32_t)(ntp_of(c->now_us) >> 16);
    uint32_t trip = now - r->last_sr - r->delay_since_sr;
    return r->last_sr == 0 || trip > UINT32_MAX / 2 ? 0 : (uint64_t)trip * CALL_SECOND >> 16;
}

static void hear_report(struct call *c, const struct rtcp_report_packet *p)
{
    struct stream *s = p->is_sender ? u32map_get(&c->streams, p->ssrc) : NULL;
    if (s != NULL) {
        s->report_ntp = p->ntp;
        s->report_timestamp = p->rtp_timestamp;
        s->report_arrival_us = c->now_us;
    }
    for (uint8_t i = 0; i < p->report_count; i++) {
        struct layer *l = publish_find(c, p->report[i].ssrc);
        if (l == NULL)
            continue;
        uint64_t rtt_us = round_trip_us(c, &p->report[i]);
        l->stats.loss = p->report[i].fraction_lost;
        l->stats.rtt_us = rtt_us == 0 ? l->stats.rtt_us : rtt_us;
    }
}

static void hear_nack(struct call *c, const struct rtcp_feedback *f)
{
    struct layer *l = publish_find(c, f->media_ssrc);
    struct rtcp_nack_walk w;
    uint16_t sequence;
    if (l == NULL || rtcp_nack_open(f, &w) != 0)
        return;
    while (rtcp_nack_next(&w, &sequence))
        pace_ask(l, sequence);
}

static void want_key(struct call *c, uint32_t ssrc)
{
    struct layer *l = publish_find(c, ssrc);
    if (l != NULL && l->cap == CALL_HISTORY_VIDEO)
        publish_want_key(l);
}

static void hear_fir(struct call *c, const struct rtcp_feedback *f)
{
    size_t n;
    if (rtcp_fir_count(f, &n) != 0)
        return;
    for (size_t i = 0; i < n; i++)
        want_key(c, rtcp_fir_at(f, i).ssrc);
}

static void hear_feedback(struct call *c, const struct rtcp_feedback *f)
{
    struct rtcp_remb remb;
    switch (f->kind) {
    case RTCP_FB_NACK:
        hear_nack(c, f);
        break;
    case RTCP_FB_PLI:
        want_key(c, f->media_ssrc);
        break;
    case RTCP_FB_FIR:
        hear_fir(c, f);
        break;
    case RTCP_FB_REMB:
        if (rtcp_remb_read(f, &remb) == 0)
            c->stats.remb = remb.bitrate;
        break;
    case RTCP_FB_TRANSPORT_CC: /* files have the rate they have: nobody could make use of it */
    case RTCP_FB_UNKNOWN:
    default:
        break;
    }
}

static void hear_one(struct call *c, const struct rtcp_packet *p)
{
    struct rtcp_report_packet report;
    struct rtcp_feedback feedback;
    if (p->type == RTCP_SR || p->type == RTCP_RR) {
        if (rtcp_report_read(p, &report) == 0)
            hear_report(c, &report);
    } else if (p->type == RTCP_RTPFB || p->type == RTCP_PSFB) {
        if (rtcp_feedback_read(p, &feedback) == 0)
            hear_feedback(c, &feedback);
    }
}

void hear_control(struct call *c, struct bytes packet)
{
    struct rtcp_walk w;
    struct rtcp_packet p;
    if (rtcp_open(packet, &w) != 0) {
        c->stats.refused[CALL_REFUSED_PACKET]++;
        return;
    }
    while (rtcp_next(&w, &p))
        hear_one(c, &p);
}
