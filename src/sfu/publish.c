#include <stdlib.h>
#include <string.h>

#include "rtc/opus.h"
#include "sfu/inside.h"

/* ---- Which stream an SSRC is ---- */

struct sfu_source *sfu_source_of(const struct sfu_sender *t, uint32_t ssrc, bool *out_rtx)
{
    for (size_t i = 0; i < t->n_routes; i++) {
        if (t->routes[i].ssrc != ssrc)
            continue;
        *out_rtx = t->routes[i].rtx;
        return t->routes[i].source;
    }
    return NULL;
}

static void route_put(struct sfu_sender *t, struct sfu_source *source, uint32_t ssrc, bool rtx)
{
    if (ssrc != 0 && t->n_routes < SFU_ROUTES)
        t->routes[t->n_routes++] = (struct sfu_route){ssrc, rtx, source};
}

static void routes_take(struct sfu_sender *t, const struct sfu_publication *pub)
{
    size_t kept = 0;
    for (size_t i = 0; i < t->n_routes; i++)
        if (t->routes[i].source->publication != pub)
            t->routes[kept++] = t->routes[i];
    t->n_routes = kept;
}

static bool is_in(const struct sfu_publication *pub, struct bytes mid)
{
    return pub->mid_n == 0 || bytes_equal(mid, bytes_of(pub->mid, pub->mid_n));
}

static bool is_named(const struct sfu_source *source, struct bytes rid)
{
    return bytes_equal(rid, bytes_of(source->rid, source->rid_n));
}

static struct sfu_source *learn_from(struct sfu_publication *pub, struct bytes rid, bool rtx)
{
    for (unsigned i = 0; i < pub->n_sources; i++) {
        struct sfu_source *source = &pub->sources[i];
        uint32_t known = rtx ? source->rtx_ssrc : source->ssrc;
        if (known == 0 && is_named(source, rid))
            return source;
    }
    return NULL;
}

/* RFC 3550 8.2: ours would stand for two streams. */
static bool is_ours(const struct sfu_peer *p, uint32_t ssrc)
{
    return ssrc >> 8 == p->ssrc >> 8;
}

struct sfu_source *sfu_source_learn(struct sfu_peer *p, const struct rtp_header *h,
                                    const struct rtp_exts *e, bool *out_rtx)
{
    if ((e->mid.n == 0 && e->rid.n == 0 && e->repaired_rid.n == 0) || is_ours(p, h->ssrc))
        return NULL;
    for (int kind = 0; kind < SFU_KINDS; kind++) {
        struct sfu_publication *pub = p->sender->publications[kind];
        if (pub == NULL || !is_in(pub, e->mid))
            continue;
        /* RFC 4588 8.1: the type tells. Without simulcast retransmissions have no other name than
         * the stream, and they may come first, since browsers probe with them. */
        bool rtx = pub->rtx_payload_type != 0 && h->payload_type == pub->rtx_payload_type;
        if (!rtx && h->payload_type != pub->payload_type)
            continue;
        struct sfu_source *source = learn_from(pub, rtx ? e->repaired_rid : e->rid, rtx);
        if (source == NULL)
            continue;
        *(rtx ? &source->rtx_ssrc : &source->ssrc) = h->ssrc;
        route_put(p->sender, source, h->ssrc, rtx);
        *out_rtx = rtx;
        return source;
    }
    return NULL;
}

/* ---- What may be published ---- */

static bool layer_valid(const struct sfu_layer *l, const struct sfu_track *t)
{
    bool findable = l->ssrc != 0 || l->rid.n != 0 || t->mid.n != 0;
    return findable && l->rid.n <= SFU_RID && (l->rtx_ssrc == 0 || t->rtx_payload_type != 0);
}

static bool track_valid(const struct sfu_track *t)
{
    bool is_audio = t->kind == SFU_AUDIO;
    if (t->kind >= SFU_KINDS || t->n_layers < 1 || t->n_layers > (is_audio ? 1 : SFU_LAYERS) ||
        t->payload_type > 127 || t->rtx_payload_type > 127 || t->mid.n > SFU_MID ||
        t->format > SFU_SFRAME || (t->format == SFU_OPUS) != is_audio ||
        (t->rtx_payload_type != 0 && t->rtx_payload_type == t->payload_type))
        return false;
    for (size_t i = 0; i < t->n_layers; i++)
        if (!layer_valid(&t->layers[i], t))
            return false;
    return true;
}

/* An SSRC of the track: i / 2 is its layer, odd are retransmissions. */
static uint32_t ssrc_at(const struct sfu_track *t, size_t i)
{
    return i % 2 == 0 ? t->layers[i / 2].ssrc : t->layers[i / 2].rtx_ssrc;
}

/* An SSRC is one stream's in a session. */
static bool is_taken(const struct sfu_peer *p, uint32_t ssrc, enum sfu_kind replaced)
{
    bool rtx;
    const struct sfu_source *source = sfu_source_of(p->sender, ssrc, &rtx);
    return (source != NULL && source->publication->kind != replaced) || is_ours(p, ssrc);
}

static bool has_doubles(const struct sfu_peer *p, const struct sfu_track *t)
{
    for (size_t i = 0; i < 2 * t->n_layers; i++) {
        uint32_t ssrc = ssrc_at(t, i);
        if (ssrc == 0)
            continue;
        if (is_taken(p, ssrc, t->kind))
            return true;
        for (size_t k = 0; k < i; k++)
            if (ssrc_at(t, k) == ssrc)
                return true;
    }
    return false;
}

/* ---- Making ---- */

static int source_init(struct sfu *s, struct sfu_publication *pub, unsigned i,
                       const struct sfu_layer *l)
{
    struct sfu_source *source = &pub->sources[i];
    bool is_video = pub->kind != SFU_AUDIO;
    *source = (struct sfu_source){
        .publication = pub,
        .ssrc = l->ssrc,
        .rtx_ssrc = l->rtx_ssrc,
        .layer = (uint8_t)i,
        .height = l->height,
        .rid_n = (uint8_t)l->rid.n,
    };
    if (l->rid.n != 0)
        memcpy(source->rid, l->rid.p, l->rid.n);
    list_init(&source->sinks);
    list_init(&source->waiting);
    list_init(&source->fading);
    /* without retransmission a question could not be answered: SRTP seals a number once */
    sfu_reception_init(&source->reception, pub->clock, is_video && pub->rtx_payload_type != 0);
    int rv = is_video ? sfu_history_new(&source->history) : 0;
    if (rv == 0 && is_video)
        s->history += sfu_history_memory(source->history);
    return rv;
}

static void sources_fini(struct sfu *s, struct sfu_publication *pub)
{
    for (unsigned i = 0; i < pub->n_sources; i++) {
        struct sfu_history *h = pub->sources[i].history;
        for (struct link *k; (k = list_first(&pub->sources[i].fading)) != NULL;)
            sfu_sink_fade_out(LIST_OWNER(k, struct sfu_sink, fading));
        s->history -= h == NULL ? 0 : sfu_history_memory(h);
        sfu_history_free(h);
    }
}

static int publication_new(struct sfu *s, struct sfu_peer *p, const struct sfu_track *t,
                           struct sfu_publication **out)
{
    struct sfu_publication *pub = calloc(1, sizeof *pub + t->n_layers * sizeof pub->sources[0]);
    if (pub == NULL)
        return CONCLAVE_ENOMEM;
    pub->peer = p;
    pub->kind = t->kind;
    pub->format = t->format;
    pub->clock = t->kind == SFU_AUDIO ? OPUS_CLOCK : VP8_CLOCK;
    pub->payload_type = t->payload_type;
    pub->rtx_payload_type = t->rtx_payload_type;
    pub->mid_n = (uint8_t)t->mid.n;
    if (t->mid.n != 0)
        memcpy(pub->mid, t->mid.p, t->mid.n);
    pub->n_sources = (uint8_t)t->n_layers;
    int rv = 0;
    for (unsigned i = 0; i < t->n_layers && rv == 0; i++)
        rv = source_init(s, pub, i, &t->layers[i]);
    if (rv != 0) {
        sources_fini(s, pub);
        free(pub);
        return rv;
    }
    *out = pub;
    return 0;
}

/* In a large meeting most who come or go are not heard: then nothing changes for anybody. */
static void add_voice(struct sfu *s, struct sfu_publication *pub)
{
    struct sfu_meeting *m = pub->peer->meeting;
    const struct sfu_voice *spare = m->speakers.spare;
    sfu_speakers_add(&m->speakers, &pub->voice);
    if (pub->voice.active || m->speakers.spare != spare)
        sfu_assign_voices(s, m);
}

static void remove_voice(struct sfu *s, struct sfu_publication *pub)
{
    struct sfu_meeting *m = pub->peer->meeting;
    bool heard = pub->voice.active;
    bool spoke = m->speakers.dominant == &pub->voice;
    sfu_speakers_remove(&m->speakers, &pub->voice);
    if (spoke)
        sfu_mark_meeting(s, m);
    if (heard)
        sfu_assign_voices(s, m);
}

int sfu_publish(struct sfu *s, uint32_t peer, const struct sfu_track *track, uint64_t now_us)
{
    struct sfu_peer *p = sfu_peer_of(s, peer);
    struct sfu_publication *pub = NULL;
    if (p == NULL)
        return CONCLAVE_ENOTFOUND;
    if (p->sender == NULL || !track_valid(track))
        return CONCLAVE_EINVAL;
    if (has_doubles(p, track))
        return CONCLAVE_EDUPLICATE;
    int rv = publication_new(s, p, track, &pub);
    if (rv != 0)
        return rv;
    struct sfu_publication *old = p->of->publications[track->kind];
    if (old != NULL)
        sfu_publication_free(s, old);
    p->sender->publications[pub->kind] = p->of->publications[pub->kind] = pub;
    for (unsigned i = 0; i < pub->n_sources; i++) {
        route_put(p->sender, &pub->sources[i], pub->sources[i].ssrc, false);
        route_put(p->sender, &pub->sources[i], pub->sources[i].rtx_ssrc, true);
    }
    if (pub->kind == SFU_AUDIO) {
        add_voice(s, pub);
    } else {
        sfu_offer_picture(s, pub, now_us);
    }
    return 0;
}

void sfu_unpublish(struct sfu *s, uint32_t peer, enum sfu_kind kind)
{
    struct sfu_peer *p = sfu_peer_of(s, peer);
    if (p != NULL && p->sender != NULL && kind < SFU_KINDS && p->sender->publications[kind] != NULL)
        sfu_publication_free(s, p->sender->publications[kind]);
}

void sfu_publication_free(struct sfu *s, struct sfu_publication *pub)
{
    struct sfu_peer *p = pub->peer;
    p->sender->publications[pub->kind] = p->of->publications[pub->kind] = NULL;
    routes_take(p->sender, pub);
    if (pub->kind == SFU_AUDIO) {
        remove_voice(s, pub);
    } else {
        sfu_withdraw_picture(s, pub);
    }
    sources_fini(s, pub);
    free(pub);
}

/* ---- Time ---- */

/* Layers that some receiver would have if bandwidth were no matter, and those below them, for those
 * to whom it matters. */
static uint8_t demand_of(const struct sfu_publication *pub)
{
    int most = SFU_NO_LAYER;
    for (unsigned i = 0; i < pub->n_sources; i++)
        if (pub->wishes[i] != 0)
            most = (int)i;
    return (uint8_t)((1u << (most + 1)) - 1);
}

/* More is said at once, less only when it has been less for a while. */
static void tell_demand(struct sfu *s, struct sfu_publication *pub, uint64_t now_us)
{
    uint8_t demand = demand_of(pub);
    if ((demand & ~pub->demand) == 0 && pub->demand_told) {
        if (demand == pub->demand)
            pub->demand_us = now_us + SFU_DEMAND_US;
        if (now_us < pub->demand_us || demand == pub->demand)
            return;
    }
    pub->demand = demand;
    pub->demand_us = now_us + SFU_DEMAND_US;
    pub->demand_told = pub->say_demand = true;
    sfu_mark_peer(s, pub->peer);
}

void sfu_publication_tick(struct sfu *s, struct sfu_publication *pub, uint64_t now_us)
{
    if (pub->kind == SFU_AUDIO)
        return;
    tell_demand(s, pub, now_us);
    for (unsigned i = 0; i < pub->n_sources; i++) {
        struct sfu_history *h = pub->sources[i].history;
        s->history -= sfu_history_memory(h);
        sfu_history_grow(h);
        s->history += sfu_history_memory(h);
    }
}
