/* RTCP of ours: reports, requests for what is lost, feedback on arrivals. One datagram holds as
 * much of it as is due and fits (RFC 5506: none has to come first). */
#include "call/inside.h"

/* The most bytes one item takes: a NACK with an entry for each number, or an SR. */
#define ITEM_MAX (12 + 4 * CALL_NACKS)

uint64_t ntp_of(uint64_t us)
{
    uint64_t seconds = us / CALL_SECOND;
    return seconds << 32 | ((us % CALL_SECOND) << 32) / CALL_SECOND;
}

uint64_t ntp_us(uint64_t ntp)
{
    return (ntp >> 32) * CALL_SECOND + (((ntp & UINT32_MAX) * CALL_SECOND) >> 32);
}

static bool has_room(const struct call *c)
{
    return c->out.n + ITEM_MAX <= CALL_CONTROL;
}

/* ---- One's own streams ---- */

static bool sr_is_due(const struct call *c, const struct layer *l)
{
    return l->stats.packets != 0 && c->now_us >= l->report_us;
}

/* RFC 3550 6.4.1: the same moment on both clocks. */
static int write_sr(struct call *c, struct layer *l, uint32_t clock)
{
    int64_t since = (int64_t)c->now_us - (int64_t)l->last_captured_us;
    struct rtcp_report_packet r = {
        .is_sender = true,
        .ssrc = l->is.ssrc,
        .ntp = ntp_of(c->now_us),
        .rtp_timestamp = l->last_timestamp + (uint32_t)(since * clock / (int64_t)CALL_SECOND),
        .packets = (uint32_t)l->stats.packets,
        .octets = (uint32_t)l->stats.bytes,
    };
    int rv = rtcp_report_write(&r, &c->out);
    if (rv == 0)
        l->report_us = c->now_us + CALL_REPORT_US;
    return rv;
}

static int write_sender_reports(struct call *c)
{
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++) {
        for (uint8_t k = 0; k < c->tracks[i].n_layers; k++) {
            struct layer *l = &c->tracks[i].layer[k];
            if (!sr_is_due(c, l) || !has_room(c))
                continue;
            int rv = write_sr(c, l, clock_of(codec_of(c->tracks[i].source)));
            if (rv != 0)
                return rv;
        }
    }
    return 0;
}

/* ---- Others' streams ---- */

/* RFC 3550 A.3, and 6.4.1 for what is of the last SR. */
static struct rtcp_report report_of(const struct stream *s, uint64_t now_us)
{
    const struct reception *r = &s->reception;
    int64_t expected = r->unwrap.highest - r->first + 1;
    int64_t lost = expected - (int64_t)r->received;
    int64_t expected_now = expected - r->expected_before;
    int64_t lost_now = expected_now - (int64_t)(r->received - r->received_before);
    struct rtcp_report out = {
        .ssrc = s->ssrc,
        .cumulative_lost = (int32_t)(lost < -0x800000  ? -0x800000
                                     : lost > 0x7fffff ? 0x7fffff
                                                       : lost),
        .highest_sequence = (uint32_t)(r->unwrap.highest - 0x10000), /* the first cycle is 0 */
        .jitter = r->jitter16 >> 4,
    };
    if (expected_now > 0 && lost_now > 0)
        out.fraction_lost =
            (uint8_t)(lost_now >= expected_now ? 255 : lost_now * 256 / expected_now);
    if (s->report_ntp != 0) {
        out.last_sr = (uint32_t)(s->report_ntp >> 16);
        out.delay_since_sr = (uint32_t)(ntp_of(now_us - s->report_arrival_us) >> 16);
    }
    return out;
}

static int write_rr(struct call *c, struct stream *s)
{
    struct rtcp_report_packet r = {.ssrc = c->config.ssrc, .report_count = 1};
    r.report[0] = report_of(s, c->now_us);
    int rv = rtcp_report_write(&r, &c->out);
    if (rv != 0)
        return rv;
    s->reception.expected_before = s->reception.unwrap.highest - s->reception.first + 1;
    s->reception.received_before = s->reception.received;
    s->report_us = c->now_us + CALL_REPORT_US;
    return 0;
}

/* What is missing is asked for until it came or was given up. */
static int write_nack(struct call *c, struct stream *s)
{
    uint16_t missing[CALL_NACKS];
    size_t n = assembler_missing(s->assembler, missing, CALL_NACKS);
    int rv = n == 0 ? 0 : rtcp_nack_write(c->config.ssrc, s->ssrc, missing, n, &c->out);
    if (rv != 0)
        return rv;
    s->gap = n != 0;
    s->nack_us = c->now_us + CALL_NACK_US;
    return 0;
}

static int write_pli(struct call *c, struct stream *s)
{
    int rv = rtcp_pli_write(c->config.ssrc, s->ssrc, &c->out);
    if (rv == 0)
        s->pli_us = c->now_us + CALL_PLI_US;
    return rv;
}

static bool rr_is_due(const struct call *c, const struct stream *s)
{
    return s->reception.received != s->reception.received_before && c->now_us >= s->report_us;
}

/* When to ask for a key frame; UINT64_MAX: there is no need, or nobody to ask any more. */
static uint64_t pli_due(const struct stream *s)
{
    bool silent = s->reception.received == 0 || s->pli_us >= s->arrival_us + CALL_PLI_FOR_US;
    return s->codec == SFRAME_CODEC_VP8 && !s->follows && !silent ? s->pli_us : UINT64_MAX;
}

static int write_stream(struct call *c, struct stream *s)
{
    int rv = 0;
    if (s->gap && c->now_us >= s->nack_us && has_room(c))
        rv = write_nack(c, s);
    if (rv == 0 && pli_due(s) <= c->now_us && has_room(c))
        rv = write_pli(c, s);
    if (rv == 0 && rr_is_due(c, s) && has_room(c))
        rv = write_rr(c, s);
    return rv;
}

static bool feedback_is_due(const struct call *c)
{
    return transport_cc_pending(&c->recorder) && c->now_us >= c->feedback_us;
}

/* Fills a datagram of its own: TRANSPORT_CC_BYTES_MAX. */
static int write_feedback(struct call *c)
{
    int rv = transport_cc_write(&c->recorder, c->config.ssrc, 0, &c->out);
    if (rv == 0 && !transport_cc_pending(&c->recorder))
        c->feedback_us = c->now_us + CALL_FEEDBACK_US;
    return rv;
}

/* What was written before a failure goes out; only if that is nothing it is told. */
int control_write(struct call *c)
{
    if (feedback_is_due(c))
        return write_feedback(c);
    int rv = write_sender_reports(c);
    size_t it = 0;
    uint32_t ssrc;
    struct stream *s;
    while (rv == 0 && has_room(c) && (s = u32map_next(&c->streams, &it, &ssrc)) != NULL)
        rv = write_stream(c, s);
    return c->out.n == 0 ? rv : 0;
}

static uint64_t stream_deadline(const struct stream *s)
{
    uint64_t at = earlier(s->gap ? s->nack_us : UINT64_MAX, pli_due(s));
    return s->reception.received != s->reception.received_before ? earlier(at, s->report_us) : at;
}

uint64_t control_deadline(const struct call *c)
{
    uint64_t at = transport_cc_pending(&c->recorder) ? c->feedback_us : UINT64_MAX;
    size_t it = 0;
    uint32_t ssrc;
    const struct stream *s;
    while ((s = u32map_next(&c->streams, &it, &ssrc)) != NULL)
        at = earlier(at, stream_deadline(s));
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        for (uint8_t k = 0; k < c->tracks[i].n_layers; k++)
            if (c->tracks[i].layer[k].stats.packets != 0)
                at = earlier(at, c->tracks[i].layer[k].report_us);
    return at;
}
