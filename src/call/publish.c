/* One's own tracks: frames sealed, and cut into the packets of a history from which they go out. */
#include <stdlib.h>

#include "call/inside.h"
#include "rtc/vp8.h"

static bool layer_uses(const struct layer *l, uint32_t ssrc)
{
    return l->is.ssrc == ssrc || (l->is.rtx != 0 && l->is.rtx == ssrc);
}

struct layer *publish_find(struct call *c, uint32_t ssrc)
{
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        for (uint8_t k = 0; k < c->tracks[i].n_layers; k++)
            if (c->tracks[i].layer[k].is.ssrc == ssrc)
                return &c->tracks[i].layer[k];
    return NULL;
}

bool publish_uses(struct call *c, uint32_t ssrc)
{
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        for (uint8_t k = 0; k < c->tracks[i].n_layers; k++)
            if (layer_uses(&c->tracks[i].layer[k], ssrc))
                return true;
    return false;
}

/* ---- Tracks ---- */

static int check_ssrcs(struct call *c, const struct call_track *t)
{
    uint32_t used[2 * SIGNAL_LAYERS_MAX];
    size_t n = 0;
    for (uint8_t k = 0; k < t->n_layers; k++) {
        if (t->layer[k].ssrc == 0)
            return CONCLAVE_EINVAL;
        used[n++] = t->layer[k].ssrc;
        if (t->layer[k].rtx != 0)
            used[n++] = t->layer[k].rtx;
    }
    for (size_t i = 0; i < n; i++) {
        if (publish_uses(c, used[i]))
            return CONCLAVE_EDUPLICATE;
        for (size_t k = 0; k < i; k++)
            if (used[k] == used[i])
                return CONCLAVE_EDUPLICATE;
    }
    return 0;
}

static int check_track(struct call *c, const struct call_track *t)
{
    if (t->track >= SIGNAL_TRACKS_MAX || t->source < SIGNAL_AUDIO || t->source > SIGNAL_SCREEN ||
        t->n_layers == 0 || t->n_layers > SIGNAL_LAYERS_MAX ||
        (t->source == SIGNAL_AUDIO && t->n_layers != 1))
        return CONCLAVE_EINVAL;
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++) {
        const struct track *other = &c->tracks[i];
        if (other->published && (i == t->track || other->source == t->source))
            return CONCLAVE_EDUPLICATE;
    }
    return check_ssrcs(c, t);
}

static void layer_fini(struct layer *l)
{
    for (uint32_t i = 0; l->history != NULL && i < l->cap; i++)
        buf_free(&l->history[i].payload);
    free(l->history);
    *l = (struct layer){0};
}

static void track_fini(struct track *t)
{
    for (uint8_t k = 0; k < t->n_layers; k++)
        layer_fini(&t->layer[k]);
    *t = (struct track){0};
}

static int layer_init(struct layer *l, const struct call_layer *is, uint32_t cap)
{
    *l = (struct layer){
        .is = *is,
        .cap = cap,
        .sequence = is->first_sequence,
        .out = is->first_sequence,
        .rtx_sequence = is->first_sequence,
    };
    l->history = calloc(cap, sizeof *l->history);
    return l->history == NULL ? CONCLAVE_ENOMEM : 0;
}

int call_publish(struct call *c, const struct call_track *track)
{
    struct track t = {.published = true, .source = track->source, .n_layers = track->n_layers};
    uint32_t cap = track->source == SIGNAL_AUDIO ? CALL_HISTORY_AUDIO : CALL_HISTORY_VIDEO;
    int rv = check_track(c, track);
    if (rv != 0)
        return rv;
    for (uint8_t k = 0; rv == 0 && k < t.n_layers; k++)
        rv = layer_init(&t.layer[k], &track->layer[k], cap);
    if (rv != 0)
        track_fini(&t);
    else
        c->tracks[track->track] = t;
    return rv;
}

void call_unpublish(struct call *c, uint8_t track)
{
    if (track < SIGNAL_TRACKS_MAX)
        track_fini(&c->tracks[track]);
}

void publish_fini(struct call *c)
{
    for (uint8_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        call_unpublish(c, i);
}

/* ---- Key frames ---- */

void publish_want_key(struct layer *l)
{
    l->key_wanted = true;
}

/* When a layer's wish may be told; UINT64_MAX: it has none. */
static uint64_t wish_due(const struct layer *l)
{
    if (!l->key_wanted)
        return UINT64_MAX;
    return l->key_told_us == 0 ? 0 : l->key_told_us + CALL_KEY_FRAME_US;
}

uint64_t publish_deadline(const struct call *c)
{
    uint64_t at = UINT64_MAX;
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        for (uint8_t k = 0; k < c->tracks[i].n_layers; k++)
            at = earlier(at, wish_due(&c->tracks[i].layer[k]));
    return at;
}

bool publish_next_wish(struct call *c, struct call_event *out)
{
    for (uint8_t i = 0; i < SIGNAL_TRACKS_MAX; i++) {
        for (uint8_t k = 0; k < c->tracks[i].n_layers; k++) {
            struct layer *l = &c->tracks[i].layer[k];
            if (wish_due(l) > c->now_us)
                continue;
            l->key_wanted = false;
            l->key_told_us = c->now_us;
            *out = (struct call_event){.what = CALL_KEY_FRAME_WANTED, .track = i, .layer = k};
            return true;
        }
    }
    return false;
}

/* ---- Frames ---- */

/* Packets a sealed frame of n bytes takes. */
static size_t packets_of(size_t n)
{
    return (n + CALL_PAYLOAD - 1) / CALL_PAYLOAD;
}

static bool has_room(const struct layer *l, const struct call_frame *f)
{
    return f->data.n <= CALL_FRAME_MAX - SFRAME_OVERHEAD_MAX &&
           layer_waiting(l) + packets_of(f->data.n + SFRAME_OVERHEAD_MAX) <= l->cap;
}

static int check_frame(enum sframe_codec codec, const struct call_frame *f, uint64_t now_us)
{
    struct vp8_frame picture;
    uint64_t off = f->captured_us > now_us ? f->captured_us - now_us : now_us - f->captured_us;
    if (f->data.n == 0 || f->level > 127 || off > CALL_CAPTURE_US)
        return CONCLAVE_EINVAL;
    if (codec == SFRAME_CODEC_OPUS) /* one packet, and RFC 7587 4.2 knows no fragments */
        return f->data.n + SFRAME_OVERHEAD_MAX <= CALL_PAYLOAD ? 0 : CONCLAVE_ELIMIT;
    return vp8_frame_read(f->data, &picture) == 0 ? 0 : CONCLAVE_EINVAL;
}

/* The source and layer in a key ID's context; see call.h. */
static uint64_t context_of(const struct call *c, uint8_t source, uint8_t layer)
{
    uint64_t slot = source == SIGNAL_AUDIO ? 0 : source == SIGNAL_CAMERA ? 1 : 4;
    return c->config.run * CALL_CONTEXTS + slot + layer;
}

static int seal(struct call *c, const struct track *t, uint8_t layer, const struct call_frame *f)
{
    size_t n = 0;
    buf_clear(&c->sealed);
    int rv = buf_reserve(&c->sealed, f->data.n + SFRAME_OVERHEAD_MAX);
    if (rv == 0)
        rv = sframe_seal_media(c->keys, context_of(c, t->source, layer), codec_of(t->source),
                               f->data, c->now_us, c->sealed.p, c->sealed.cap, &n);
    if (rv == 0)
        c->sealed.n = n;
    return rv;
}

/* The slot of a packet to be made; what it held can no longer be asked for. */
static struct sent *slot_take(struct layer *l, uint16_t sequence, const struct call_frame *f)
{
    struct sent *s = &l->history[sequence & (l->cap - 1)];
    struct buf payload = s->payload;
    buf_clear(&payload);
    *s = (struct sent){
        .payload = payload,
        .timestamp = l->is.first_timestamp + (uint32_t)f->pts,
        .sequence = sequence,
        .level = f->level,
        .voice = f->voice,
    };
    return s;
}

static int cut_sound(struct call *c, struct layer *l, const struct call_frame *f,
                     uint16_t *out_next)
{
    struct sent *s = slot_take(l, l->sequence, f);
    int rv = buf_reserve(&s->payload, c->sealed.n);
    if (rv != 0)
        return rv;
    buf_put(&s->payload, buf_view(&c->sealed));
    s->marker = l->stats.frames == 0; /* RFC 3551 4.1: a talkspurt begins */
    s->made = true;
    *out_next = (uint16_t)(l->sequence + 1);
    return 0;
}

static int cut_picture(struct call *c, struct layer *l, const struct call_frame *f,
                       uint16_t *out_next)
{
    struct vp8_packetizer cut;
    struct vp8_descriptor d = {
        .has_picture_id = true,
        .long_picture_id = true,
        .picture_id = l->picture_id & 0x7fff,
    };
    uint16_t next = l->sequence;
    bool last = false;
    int rv = vp8_packetizer_init(&cut, &d, buf_view(&c->sealed), CALL_PAYLOAD + VP8_DESCRIPTOR_MAX);
    while (rv == 0 && !last) {
        struct sent *s = slot_take(l, next++, f);
        rv = vp8_packetizer_next(&cut, &s->payload, &last);
        s->marker = last;
        s->made = rv == 0;
    }
    if (rv == 0)
        *out_next = next;
    return rv;
}

static void count_frame(struct call *c, struct layer *l, const struct call_frame *f, uint16_t next)
{
    if (l->cap == CALL_HISTORY_VIDEO && (f->data.p[0] & 1) == 0) { /* RFC 6386 9.1: a key frame */
        l->key_wanted = false;
        l->key_told_us = c->now_us;
    }
    l->sequence = next;
    l->picture_id++;
    l->stats.frames++;
    l->last_timestamp = l->is.first_timestamp + (uint32_t)f->pts;
    l->last_captured_us = f->captured_us;
}

int call_send(struct call *c, uint8_t track, uint8_t layer, const struct call_frame *frame,
              uint64_t now_us)
{
    if (track >= SIGNAL_TRACKS_MAX || layer >= c->tracks[track].n_layers)
        return CONCLAVE_ENOTFOUND;
    const struct track *t = &c->tracks[track];
    struct layer *l = &c->tracks[track].layer[layer];
    uint16_t next = 0;
    int rv = check_frame(codec_of(t->source), frame, now_us);
    if (rv == 0 && !has_room(l, frame))
        rv = CONCLAVE_ELIMIT;
    if (rv != 0)
        return rv;
    if (now_us > c->now_us)
        c->now_us = now_us;
    rv = seal(c, t, layer, frame);
    if (rv == 0 && codec_of(t->source) == SFRAME_CODEC_OPUS)
        rv = cut_sound(c, l, frame, &next);
    else if (rv == 0)
        rv = cut_picture(c, l, frame, &next);
    if (rv == 0)
        count_frame(c, l, frame, next);
    return rv;
}

int call_layer_stats(const struct call *c, uint8_t track, uint8_t layer,
                     struct call_layer_stats *out)
{
    if (track >= SIGNAL_TRACKS_MAX || layer >= c->tracks[track].n_layers)
        return CONCLAVE_ENOTFOUND;
    *out = c->tracks[track].layer[layer].stats;
    return 0;
}
