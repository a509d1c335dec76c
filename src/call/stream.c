/* Streams of others: begun by their first packet or by the switch's word, fed to an assembler. */
#include <stdlib.h>

#include "call/inside.h"
#include "rtc/rtp_ext.h"
#include "rtc/vp8.h"

/* ---- Life ---- */

static void stream_free(struct call *c, struct stream *s)
{
    if (u32map_get(&c->rtx, s->rtx) == s)
        (void)u32map_take(&c->rtx, s->rtx);
    (void)u32map_take(&c->streams, s->ssrc);
    frame_drop_held(c, s);
    assembler_free(s->assembler);
    free(s);
}

void stream_fini(struct call *c)
{
    uint32_t ssrc;
    struct stream *s;
    for (size_t it = 0; (s = u32map_next(&c->streams, &it, &ssrc)) != NULL; it = 0)
        stream_free(c, s);
    u32map_fini(&c->streams);
    u32map_fini(&c->rtx);
}

/* The stream that has been silent for longest, if for long. */
static struct stream *find_silent(struct call *c)
{
    struct stream *found = NULL, *s;
    uint32_t ssrc;
    for (size_t it = 0; (s = u32map_next(&c->streams, &it, &ssrc)) != NULL;)
        if (found == NULL || s->arrival_us < found->arrival_us)
            found = s;
    bool silent = found != NULL && c->now_us - found->arrival_us >= CALL_STREAM_SILENT_US;
    return silent ? found : NULL;
}

static int make_room(struct call *c)
{
    if (c->streams.n < CALL_STREAMS)
        return 0;
    struct stream *s = find_silent(c);
    if (s == NULL)
        return CONCLAVE_ELIMIT;
    stream_free(c, s);
    return 0;
}

/* ELIMIT, ENOMEM. */
static int stream_make(struct call *c, uint32_t ssrc, enum sframe_codec codec, struct stream **out)
{
    struct assembler_config config = {.wait_us = c->config.wait_us};
    if (codec == SFRAME_CODEC_OPUS) {
        config.wait_us = CALL_WAIT_SOUND_US;
        config.packets = CALL_ASSEMBLER_PACKETS_AUDIO;
        config.bytes = CALL_ASSEMBLER_BYTES_AUDIO;
    }
    struct stream *s = calloc(1, sizeof *s);
    int rv = s == NULL ? CONCLAVE_ENOMEM : assembler_new(&config, &s->assembler);
    if (rv == 0)
        rv = u32map_reserve(&c->streams, 1);
    if (rv == 0)
        rv = make_room(c);
    if (rv == 0)
        rv = u32map_put(&c->streams, ssrc, s);
    if (rv != 0) {
        if (s != NULL)
            assembler_free(s->assembler);
        free(s);
        return rv;
    }
    s->ssrc = ssrc;
    s->codec = codec;
    s->follows = codec == SFRAME_CODEC_OPUS;
    s->arrival_us = c->now_us;
    *out = s;
    return 0;
}

/* ---- What the switch says ---- */

static bool flow_is_sound(struct call *c, const struct signal_flow *f)
{
    const struct stream *other = u32map_get(&c->rtx, f->rtx);
    return f->ssrc != 0 && f->ssrc != f->rtx && f->source >= SIGNAL_AUDIO &&
           f->source <= SIGNAL_SCREEN && !publish_uses(c, f->ssrc) &&
           u32map_get(&c->rtx, f->ssrc) == NULL &&
           (f->rtx == 0 || (!publish_uses(c, f->rtx) && u32map_get(&c->streams, f->rtx) == NULL &&
                            (other == NULL || other->ssrc == f->ssrc)));
}

/* An SSRC that is given to another codec is another stream. */
static int flow_stream(struct call *c, const struct signal_flow *f, struct stream **out)
{
    struct stream *s = u32map_get(&c->streams, f->ssrc);
    if (s != NULL && s->codec != codec_of(f->source)) {
        stream_free(c, s);
        s = NULL;
    }
    *out = s;
    return s != NULL ? 0 : stream_make(c, f->ssrc, codec_of(f->source), out);
}

int call_flow(struct call *c, const struct signal_flow *flow)
{
    struct stream *s = NULL;
    if (!flow_is_sound(c, flow))
        return CONCLAVE_EINVAL;
    if (flow->gone) { /* what is under way still comes; another member may be next */
        s = u32map_get(&c->streams, flow->ssrc);
        if (s != NULL)
            s->labelled = false;
        return 0;
    }
    int rv = u32map_reserve(&c->rtx, 1);
    if (rv == 0)
        rv = flow_stream(c, flow, &s);
    if (rv != 0)
        return rv;
    if (s->rtx != 0 && s->rtx != flow->rtx)
        (void)u32map_take(&c->rtx, s->rtx);
    s->rtx = flow->rtx;
    s->labelled = true;
    s->label = *flow;
    return flow->rtx == 0 ? 0 : u32map_put(&c->rtx, flow->rtx, s);
}

/* ---- Packets ---- */

/* RFC 3550 A.3 and A.8. */
static void count_packet(struct call *c, struct stream *s, const struct rtp_header *h)
{
    struct reception *r = &s->reception;
    int64_t number = sequence_unwrap(&r->unwrap, h->sequence);
    uint32_t arrival = (uint32_t)(c->now_us / 1000 * (clock_of(s->codec) / 1000));
    uint32_t transit = arrival - h->timestamp;
    int32_t change = (int32_t)(transit - r->transit);
    if (r->received == 0) {
        s->pli_us = c->now_us + CALL_PLI_US; /* it may begin with a key frame */
        s->report_us = c->now_us + CALL_REPORT_US;
    }
    if (r->received == 0 || number < r->first)
        r->first = number;
    if (r->received++ != 0)
        r->jitter16 +=
            (uint32_t)(change < 0 ? -(int64_t)change : change) - ((r->jitter16 + 8) >> 4);
    r->transit = transit;
}

/* ESYNTAX. */
static int read_payload(enum sframe_codec codec, const struct rtp_packet *p,
                        struct assembler_packet *a)
{
    struct vp8_descriptor d;
    a->payload = p->payload;
    if (p->payload.n == 0) {
        a->padding = true;
        return 0;
    }
    if (codec == SFRAME_CODEC_OPUS) {
        a->start = true;
        a->end = true;
        return 0;
    }
    int rv = vp8_descriptor_read(p->payload, &d);
    if (rv != 0)
        return rv;
    a->start = vp8_begins_frame(&d);
    a->end = p->header.marker;
    a->payload = bytes_of(p->payload.p + d.size, p->payload.n - d.size);
    return 0;
}

/* What has no stream to come again by is not asked for: the sound of ours. */
static bool misses_any(const struct stream *s)
{
    uint16_t missing;
    bool comes_again = s->codec != SFRAME_CODEC_OPUS || s->rtx != 0;
    return comes_again && assembler_missing(s->assembler, &missing, 1) != 0;
}

static int put_in(struct call *c, struct stream *s, const struct rtp_packet *p)
{
    struct assembler_packet a = {
        .sequence = p->header.sequence,
        .timestamp = p->header.timestamp,
        .kind = (uint32_t)s->codec,
    };
    if (s->frame.what != ASSEMBLER_NOTHING)
        return CONCLAVE_ESTATE;
    int rv = read_payload(s->codec, p, &a);
    if (rv == 0)
        rv = assembler_input(s->assembler, &a, c->now_us);
    if (rv != 0)
        return rv;
    s->arrival_us = c->now_us;
    bool gap = misses_any(s);
    if (gap && !s->gap && s->nack_us < c->now_us + CALL_REORDER_US)
        s->nack_us = c->now_us + CALL_REORDER_US;
    s->gap = gap;
    return 0;
}

/* RFC 4588 4: the number it repeats stands in front. Nothing after it is a probe of the network. */
static int input_again(struct call *c, const struct rtp_packet *again)
{
    struct stream *s = u32map_get(&c->rtx, again->header.ssrc);
    struct rtp_packet p = *again;
    if (s == NULL)
        return CONCLAVE_ESYNTAX;
    if (p.payload.n <= 2)
        return p.payload.n == 1 ? CONCLAVE_ESYNTAX : 0;
    p.header.sequence = (uint16_t)(p.payload.p[0] << 8 | p.payload.p[1]);
    p.payload = bytes_of(p.payload.p + 2, p.payload.n - 2);
    return put_in(c, s, &p);
}

static int input_first(struct call *c, const struct rtp_packet *p, enum sframe_codec codec)
{
    struct stream *s = u32map_get(&c->streams, p->header.ssrc);
    int rv = 0;
    if (s == NULL) {
        if (publish_uses(c, p->header.ssrc) || u32map_get(&c->rtx, p->header.ssrc) != NULL)
            return CONCLAVE_ESYNTAX;
        rv = stream_make(c, p->header.ssrc, codec, &s);
    }
    if (rv == 0 && s->codec != codec)
        rv = CONCLAVE_ESYNTAX;
    if (rv == 0)
        rv = put_in(c, s, p);
    if (rv == 0)
        count_packet(c, s, &p->header);
    return rv;
}

static int input_media(struct call *c, const struct rtp_packet *p)
{
    if (p->header.payload_type == c->config.rtx)
        return input_again(c, p);
    if (p->header.payload_type == c->config.opus)
        return input_first(c, p, SFRAME_CODEC_OPUS);
    if (p->header.payload_type == c->config.vp8)
        return input_first(c, p, SFRAME_CODEC_VP8);
    return CONCLAVE_ESYNTAX;
}

int stream_input(struct call *c, struct bytes packet)
{
    struct rtp_packet p;
    struct rtp_exts e = {0};
    int rv = rtp_packet_read(packet, &p);
    if (rv == 0)
        rv = rtp_exts_read(&p.header, NULL, &e);
    if (rv == 0)
        rv = input_media(c, &p);
    if (rv == 0 && e.has_transport_cc)
        transport_cc_record(&c->recorder, e.transport_cc, c->now_us);
    /* ELIMIT: a stream too many; EINVAL: a payload beyond RTP_PACKET_MAX */
    if (conclave_error_class(rv) != CONCLAVE_CLASS_PEER && rv != CONCLAVE_EINVAL)
        return rv;
    c->stats.refused[CALL_REFUSED_PACKET]++;
    return 0;
}
