/* Frames of a stream: opened, held while their epoch is on its way, told in their order. */
#include <stdlib.h>
#include <string.h>

#include "call/inside.h"

/* A frame as it came. */
struct sealed {
    struct bytes data;
    uint64_t timestamp;
};

/* ---- Opening ---- */

static bool takes_context(const struct stream *s, uint64_t context, struct call_event *e)
{
    static const uint8_t source[CALL_CONTEXTS] = {
        SIGNAL_AUDIO,  SIGNAL_CAMERA, SIGNAL_CAMERA, SIGNAL_CAMERA,
        SIGNAL_SCREEN, SIGNAL_SCREEN, SIGNAL_SCREEN, 0,
    };
    static const uint8_t layer[CALL_CONTEXTS] = {0, 0, 1, 2, 0, 1, 2, 0};
    uint64_t slot = context % CALL_CONTEXTS;
    e->source = source[slot];
    e->layer = layer[slot];
    return context < (uint64_t)CALL_RUNS * CALL_CONTEXTS && e->source != 0 &&
           codec_of(e->source) == s->codec;
}

/* A sender's counters rise, and a stream keeps its order: what was sealed before the last one was
 * kept back on the way, and is not to be seen or heard as if it was said now. */
static bool comes_late(const struct stream *s, const struct sframe_info *info)
{
    return s->leaf == info->leaf && s->context == info->context && s->epoch == info->epoch &&
           info->ctr < s->ctr;
}

/* A gap in a stream of pictures ends with the next key frame. */
static void refuse(struct call *c, struct stream *s, enum call_refusal why)
{
    c->stats.refused[why]++;
    if (why != CALL_REFUSED_REPLAY && s->codec == SFRAME_CODEC_VP8)
        s->follows = false;
}

static enum call_refusal refusal_of(int error)
{
    switch (error) {
    case CONCLAVE_EUNKNOWNKEY:
        return CALL_REFUSED_KEY;
    case CONCLAVE_ESENDER:
        return CALL_REFUSED_SENDER;
    case CONCLAVE_EREPLAY:
        return CALL_REFUSED_REPLAY;
    case CONCLAVE_EDECRYPT:
        return CALL_REFUSED_TAMPERED;
    default: /* ESYNTAX, ELIMIT, EBUFFER, EINVAL: sizes and numbers */
        return CALL_REFUSED_FORM;
    }
}

/* What all streams of a sender have in common is the clock of its reports; the switch's word. */
static uint64_t captured(const struct stream *s, uint64_t timestamp)
{
    if (s->report_ntp == 0)
        return 0;
    int64_t since = (int32_t)((uint32_t)timestamp - s->report_timestamp);
    int64_t us =
        (int64_t)ntp_us(s->report_ntp) + since * (int64_t)CALL_SECOND / (int64_t)clock_of(s->codec);
    return us < 0 ? 0 : (uint64_t)us;
}

static void tell(struct call *c, struct stream *s, const struct sframe_info *info,
                 struct call_event *e)
{
    e->what = CALL_FRAME;
    e->leaf = info->leaf;
    e->ssrc = s->ssrc;
    e->epoch = info->epoch;
    e->context = info->context;
    e->ctr = info->ctr;
    e->captured_us = captured(s, e->timestamp);
    e->frame = buf_view(&c->plain);
    /* RFC 6386 9.1: the first bit of a picture is 0 in a key frame */
    e->key = s->codec == SFRAME_CODEC_OPUS || (c->plain.p[0] & 1) == 0;
    bool same = s->leaf == e->leaf && s->context == e->context;
    s->follows = e->key || (s->follows && same); /* nobody's picture builds on another's */
    s->leaf = e->leaf;
    s->context = e->context;
    s->epoch = e->epoch;
    s->ctr = e->ctr;
    e->follows = s->follows;
    c->stats.frames++;
    if (s->labelled && (s->label.leaf != e->leaf || s->label.source != e->source))
        c->stats.mislabelled++;
}

/* 0: told, or refused, and e is as it was. EUNKNOWNKEY; ENOMEM, ECRYPTO: once more, later. */
static int open_frame(struct call *c, struct stream *s, const struct sealed *f,
                      struct call_event *e)
{
    struct call_event told = {.timestamp = f->timestamp};
    struct sframe_info info;
    size_t n = 0;
    buf_clear(&c->plain);
    int rv = buf_reserve(&c->plain, f->data.n);
    if (rv == 0)
        rv = sframe_open_media(c->keys, s->codec, f->data, c->now_us, c->plain.p, c->plain.cap, &n,
                               &info);
    if (rv == CONCLAVE_EUNKNOWNKEY || conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM)
        return rv;
    c->plain.n = n;
    if (rv != 0) {
        refuse(c, s, refusal_of(rv));
    } else if (!takes_context(s, info.context, &told)) {
        refuse(c, s, CALL_REFUSED_SOURCE);
    } else if (comes_late(s, &info)) {
        refuse(c, s, CALL_REFUSED_REPLAY);
    } else {
        tell(c, s, &info, &told);
        *e = told;
    }
    return 0;
}

/* ---- Held frames ---- */

static void release_first(struct call *c, struct stream *s)
{
    struct held *h = s->held;
    s->held = h->next;
    s->n_held--;
    c->held_bytes -= h->n;
    if (h->gap_after && s->codec == SFRAME_CODEC_VP8)
        s->follows = false;
    free(h);
}

void frame_drop_held(struct call *c, struct stream *s)
{
    while (s->held != NULL)
        release_first(c, s);
}

/* ENOMEM. */
static int hold(struct call *c, struct stream *s, const struct sealed *f)
{
    if (s->n_held == CALL_HELD || c->held_bytes + f->data.n > CALL_HELD_BYTES) {
        refuse(c, s, CALL_REFUSED_KEY);
        return 0;
    }
    struct held *h = malloc(sizeof *h + f->data.n);
    if (h == NULL)
        return CONCLAVE_ENOMEM;
    *h = (struct held){.arrival_us = c->now_us, .timestamp = f->timestamp, .n = f->data.n};
    memcpy(h->sealed, f->data.p, f->data.n);
    if (s->held == NULL) {
        s->held = h;
        s->retry = false; /* it has just been tried */
    } else {
        s->held_last->next = h;
    }
    s->held_last = h;
    s->n_held++;
    c->held_bytes += h->n;
    c->stats.held++;
    return 0;
}

static bool is_over(const struct call *c, const struct held *h)
{
    return c->now_us >= h->arrival_us + SFRAME_HOLD_US;
}

/* The first that opens now; those whose time is over are refused. What is behind one that waits
 * waits too, so that frames keep their order. */
static int next_held(struct call *c, struct stream *s, struct call_event *out)
{
    while (s->held != NULL && out->what == CALL_NOTHING) {
        bool over = is_over(c, s->held);
        if (!s->retry && !over)
            return 0;
        struct sealed f = {bytes_of(s->held->sealed, s->held->n), s->held->timestamp};
        int rv = open_frame(c, s, &f, out);
        if (rv == CONCLAVE_EUNKNOWNKEY && !over) {
            s->retry = false;
            return 0;
        }
        if (rv == CONCLAVE_EUNKNOWNKEY)
            refuse(c, s, CALL_REFUSED_KEY);
        else if (rv != 0)
            return rv;
        release_first(c, s);
        s->retry = true;
    }
    return 0;
}

/* ---- Frames as they come ---- */

/* RTP timestamps wrap; frames come in order. */
static uint64_t unwrap(const struct stream *s, uint32_t timestamp)
{
    if (s->timestamp == 0)
        return (UINT64_C(1) << 32) + timestamp;
    return s->timestamp + (uint64_t)(int64_t)(int32_t)(timestamp - (uint32_t)s->timestamp);
}

static void note_loss(struct call *c, struct stream *s)
{
    c->stats.lost += s->frame.count;
    if (s->held != NULL)
        s->held_last->gap_after = true;
    else if (s->codec == SFRAME_CODEC_VP8)
        s->follows = false;
}

/* What the assembler gave. ENOMEM, ECRYPTO: it is still there. */
static int next_fresh(struct call *c, struct stream *s, struct call_event *out)
{
    int rv = 0;
    if (s->frame.what == ASSEMBLER_LOST) {
        note_loss(c, s);
    } else {
        struct sealed f = {s->frame.frame, unwrap(s, s->frame.timestamp)};
        rv = s->held != NULL ? CONCLAVE_EUNKNOWNKEY : open_frame(c, s, &f, out);
        if (rv == CONCLAVE_EUNKNOWNKEY)
            rv = hold(c, s, &f);
        if (rv == 0)
            s->timestamp = f.timestamp;
    }
    if (rv == 0)
        s->frame.what = ASSEMBLER_NOTHING;
    return rv;
}

int frame_next(struct call *c, struct stream *s, struct call_event *out)
{
    int rv = next_held(c, s, out);
    while (rv == 0 && out->what == CALL_NOTHING) {
        if (s->frame.what == ASSEMBLER_NOTHING)
            rv = assembler_next(s->assembler, c->now_us, &s->frame);
        if (rv != 0 || s->frame.what == ASSEMBLER_NOTHING)
            return rv;
        rv = next_fresh(c, s, out);
    }
    return rv;
}

uint64_t frame_deadline(const struct stream *s)
{
    if (s->frame.what != ASSEMBLER_NOTHING || (s->held != NULL && s->retry))
        return 0;
    uint64_t at = assembler_deadline(s->assembler);
    return s->held == NULL ? at : earlier(at, s->held->arrival_us + SFRAME_HOLD_US);
}
