#include <string.h>

#include "sfu/inside.h"

/* ---- Sinks and what they follow ---- */

struct sfu_sink *sfu_sink_of(const struct sfu_peer *p, uint32_t ssrc)
{
    struct sfu_receiver *r = p->receiver;
    uint32_t i = (ssrc - p->ssrc - 1) / 2;
    if (r == NULL || ssrc - p->ssrc - 1 >= 2 * (r->n_audio + r->n_video))
        return NULL;
    return r->sinks[i].ssrc == ssrc ? &r->sinks[i] : NULL;
}

static void stop_waiting(struct sfu_sink *k)
{
    if (k->next != NULL)
        list_take(&k->next->waiting, &k->waiting);
    k->next = NULL;
}

void sfu_sink_fade_out(struct sfu_sink *k)
{
    if (k->previous != NULL)
        list_take(&k->previous->fading, &k->fading);
    k->previous = NULL;
}

static void stop_following(struct sfu_sink *k)
{
    if (k->source == NULL)
        return;
    list_take(&k->source->sinks, &k->following);
    if (!k->is_audio && !k->fresh) {
        sfu_sink_fade_out(k);
        k->previous = k->source;
        k->before = k->rewrite;
        list_put(&k->previous->fading, &k->fading);
    }
    k->source = NULL;
}

void sfu_sink_leave(struct sfu *s, struct sfu_sink *k)
{
    if (k->source == NULL && k->next == NULL)
        return;
    stop_following(k);
    stop_waiting(k);
    sfu_mark_sink(s, k);
}

void sfu_sink_follow(struct sfu *s, struct sfu_sink *k, struct sfu_source *source)
{
    stop_following(k);
    stop_waiting(k);
    k->source = source;
    k->fresh = true;
    list_put(&source->sinks, &k->following);
    sfu_mark_sink(s, k);
}

void sfu_sink_wait(struct sfu *s, struct sfu_sink *k, struct sfu_source *source)
{
    if (k->next == source)
        return;
    stop_waiting(k);
    k->next = source;
    list_put(&source->waiting, &k->waiting);
    source->asking.wanted = true;
    sfu_mark_sink(s, k);
}

/* ---- Voices ---- */

static bool follows(const struct sfu_receiver *r, const struct sfu_source *source)
{
    for (unsigned i = 0; i < r->n_audio; i++)
        if (r->sinks[i].source == source)
            return true;
    return false;
}

static struct sfu_sink *free_voice(struct sfu_receiver *r)
{
    for (unsigned i = 0; i < r->n_audio; i++)
        if (r->sinks[i].source == NULL)
            return &r->sinks[i];
    return NULL;
}

/* Whether a receiver is to hear a voice. Nobody hears himself; so who is active has room for one
 * more of the others. */
static bool is_to_hear(const struct sfu_peer *p, const struct sfu_voice *voice)
{
    const struct sfu_publication *own = p->of->publications[SFU_AUDIO];
    if (!voice->active || (own != NULL && voice == &own->voice))
        return false;
    return voice != p->meeting->speakers.spare || (own != NULL && own->voice.active);
}

/* Those who are heard, of all who are there. */
struct heard {
    size_t n;
    struct sfu_voice *voice[SFU_AUDIO_SLOTS + 1];
};

static struct heard heard_in(const struct sfu_meeting *m)
{
    struct heard h = {0};
    const struct list *all = &m->speakers.all;
    for (struct link *k = list_first(all); k != NULL && h.n < m->speakers.active;
         k = list_next(all, k)) {
        struct sfu_voice *voice = LIST_OWNER(k, struct sfu_voice, line);
        if (voice->active)
            h.voice[h.n++] = voice;
    }
    return h;
}

static void assign(struct sfu *s, struct sfu_peer *p, const struct heard *heard)
{
    struct sfu_receiver *r = p->receiver;
    for (unsigned i = 0; r != NULL && i < r->n_audio; i++)
        if (r->sinks[i].source != NULL && !is_to_hear(p, &r->sinks[i].source->publication->voice))
            sfu_sink_leave(s, &r->sinks[i]);
    for (size_t i = 0; r != NULL && i < heard->n; i++) {
        struct sfu_publication *pub = LIST_OWNER(heard->voice[i], struct sfu_publication, voice);
        struct sfu_source *source = &pub->sources[0];
        struct sfu_sink *sink = free_voice(r);
        if (sink != NULL && is_to_hear(p, heard->voice[i]) && !follows(r, source))
            sfu_sink_follow(s, sink, source);
    }
}

void sfu_assign_voices_of(struct sfu *s, struct sfu_peer *p)
{
    struct heard heard = heard_in(p->meeting);
    assign(s, p, &heard);
}

/* Walks the peers of a meeting: member by member. */
struct walk {
    const struct sfu_meeting *m;
    size_t it;
    const struct sfu_member *member;
    struct link *at;
};

static struct sfu_peer *walk_next(struct walk *w)
{
    uint32_t leaf;
    if (w->at != NULL)
        w->at = list_next(&w->member->peers, w->at);
    while (w->at == NULL) {
        w->member = u32map_next(&w->m->members, &w->it, &leaf);
        if (w->member == NULL)
            return NULL;
        w->at = list_first(&w->member->peers);
    }
    return LIST_OWNER(w->at, struct sfu_peer, member);
}

void sfu_assign_voices(struct sfu *s, struct sfu_meeting *m)
{
    struct walk w = {.m = m};
    struct heard heard = heard_in(m);
    for (struct sfu_peer *p; (p = walk_next(&w)) != NULL;)
        assign(s, p, &heard);
}

/* ---- Pictures ---- */

static void set_wish(struct sfu_sink *k, int wish)
{
    if (k->wish != SFU_NO_LAYER)
        k->publication->wishes[k->wish]--;
    k->wish = (int8_t)wish;
    if (wish != SFU_NO_LAYER)
        k->publication->wishes[wish]++;
}

static void show_nothing(struct sfu *s, struct sfu_sink *k)
{
    if (k->publication != NULL)
        set_wish(k, SFU_NO_LAYER);
    k->narrow = false;
    sfu_sink_leave(s, k);
}

void sfu_stop_pictures(struct sfu *s, struct sfu_peer *p)
{
    struct sfu_receiver *r = p->receiver;
    for (unsigned i = 0; r != NULL && i < r->n_video; i++)
        show_nothing(s, &r->sinks[r->n_audio + i]);
}

static bool is_of(const struct sfu_sink *k, uint32_t leaf, enum sfu_kind kind)
{
    return k->wanted && k->want.leaf == leaf && k->want.kind == kind;
}

static struct sfu_sink *picture_of(const struct sfu_peer *p, uint32_t leaf, enum sfu_kind kind)
{
    struct sfu_receiver *r = p->receiver;
    for (unsigned i = 0; r != NULL && i < r->n_video; i++)
        if (is_of(&r->sinks[r->n_audio + i], leaf, kind))
            return &r->sinks[r->n_audio + i];
    return NULL;
}

static bool is_among(const struct sfu_sink *k, const struct sfu_want *const *wants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_of(k, wants[i]->leaf, wants[i]->kind))
            return true;
    return false;
}

static void release(struct sfu *s, struct sfu_sink *k)
{
    show_nothing(s, k);
    k->wanted = false;
    k->publication = NULL;
    sfu_mark_sink(s, k);
}

/* What a wish is for; NULL: nothing is there. One's own picture does not come back. */
static struct sfu_publication *published(const struct sfu_peer *p, const struct sfu_want *want)
{
    const struct sfu_member *member = sfu_member_of(p->meeting, want->leaf);
    return member == NULL || member == p->of ? NULL : member->publications[want->kind];
}

/* The wishes that have slots, in the list's order: what is not published waits for its sender only
 * where nothing else could be shown. */
static size_t pick(const struct sfu_peer *p, const struct sfu_want *out[static SFU_VIDEO_SLOTS])
{
    const struct sfu_receiver *r = p->receiver;
    size_t there = 0, n = 0;
    for (size_t i = 0; i < r->n_listed; i++)
        there += published(p, &r->listed[i]) != NULL;
    there = there < r->n_video ? there : r->n_video;
    size_t spare = r->n_video - there;
    for (size_t i = 0; i < r->n_listed; i++) {
        size_t *left = published(p, &r->listed[i]) != NULL ? &there : &spare;
        if (*left == 0)
            continue;
        (*left)--;
        out[n++] = &r->listed[i];
    }
    return n;
}

static struct sfu_sink *take_free(struct sfu *s, struct sfu_peer *p, const struct sfu_want *want)
{
    struct sfu_receiver *r = p->receiver;
    struct sfu_sink *k = &r->sinks[r->n_audio];
    while (k->wanted) /* there are as many as may be wanted */
        k++;
    k->wanted = true;
    k->want = *want;
    k->publication = published(p, want);
    sfu_mark_sink(s, k);
    return k;
}

static void assign_pictures(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    const struct sfu_want *wants[SFU_VIDEO_SLOTS];
    struct sfu_receiver *r = p->receiver;
    size_t n = pick(p, wants);
    for (unsigned i = 0; i < r->n_video; i++) {
        struct sfu_sink *k = &r->sinks[r->n_audio + i];
        if (k->wanted && !is_among(k, wants, n))
            release(s, k);
    }
    for (size_t i = 0; i < n; i++) {
        struct sfu_sink *k = picture_of(p, wants[i]->leaf, wants[i]->kind);
        if (k == NULL)
            k = take_free(s, p, wants[i]);
        k->want.max_height = wants[i]->max_height;
        r->order[i] = k->index;
    }
    r->n_wanted = (unsigned)n;
    r->choose_us = now_us;
}

/* Whether slots are scarce, so that what comes and goes changes who has them. */
static bool is_short_of_slots(const struct sfu_peer *p)
{
    return p->receiver != NULL && p->receiver->n_listed > p->receiver->n_video;
}

void sfu_offer_picture(struct sfu *s, struct sfu_publication *pub, uint64_t now_us)
{
    struct walk w = {.m = pub->peer->meeting};
    for (struct sfu_peer *p; (p = walk_next(&w)) != NULL;) {
        if (is_short_of_slots(p))
            assign_pictures(s, p, now_us);
        struct sfu_sink *k = picture_of(p, pub->peer->of->leaf, pub->kind);
        if (k == NULL || p->of == pub->peer->of)
            continue;
        k->publication = pub;
        p->receiver->choose_us = now_us;
        sfu_mark_sink(s, k);
    }
}

void sfu_withdraw_picture(struct sfu *s, struct sfu_publication *pub)
{
    struct walk w = {.m = pub->peer->meeting};
    for (struct sfu_peer *p; (p = walk_next(&w)) != NULL;) {
        struct sfu_sink *k = picture_of(p, pub->peer->of->leaf, pub->kind);
        if (k == NULL || k->publication != pub)
            continue;
        show_nothing(s, k);
        k->publication = NULL;
        sfu_mark_sink(s, k);
        if (is_short_of_slots(p))
            assign_pictures(s, p, 0); /* as soon as layers are chosen again */
    }
}

static bool wants_valid(const struct sfu_peer *p, const struct sfu_want *wants, size_t n)
{
    if (p->receiver == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (wants[i].kind == SFU_AUDIO || wants[i].kind >= SFU_KINDS)
            return false;
        for (size_t k = 0; k < i; k++)
            if (wants[k].leaf == wants[i].leaf && wants[k].kind == wants[i].kind)
                return false;
    }
    return true;
}

int sfu_subscribe(struct sfu *s, uint32_t peer, const struct sfu_want *wants, size_t n,
                  uint64_t now_us)
{
    struct sfu_peer *p = sfu_peer_of(s, peer);
    if (p == NULL)
        return CONCLAVE_ENOTFOUND;
    if (n > SFU_WANTS || !wants_valid(p, wants, n))
        return CONCLAVE_EINVAL;
    for (size_t i = 0; i < n; i++)
        p->receiver->listed[i] = wants[i];
    p->receiver->n_listed = n;
    assign_pictures(s, p, now_us);
    return 0;
}

/* ---- Layers ---- */

/* What a source takes of a receiver's bandwidth, bit/s. */
static uint64_t rate_of(const struct sfu_source *source, uint64_t now_us)
{
    return 8 * sfu_meter_rate(&source->rate, SFU_METER_BUCKETS, now_us);
}

static uint64_t voices_rate(const struct sfu_receiver *r, uint64_t now_us)
{
    uint64_t rate = 0;
    for (unsigned i = 0; i < r->n_audio; i++)
        if (r->sinks[i].source != NULL)
            rate += rate_of(r->sinks[i].source, now_us);
    return rate;
}

static struct sfu_choice choice_of(const struct sfu_sink *k, uint64_t now_us)
{
    const struct sfu_publication *pub = k->publication;
    struct sfu_choice c = {
        .max_height = k->want.max_height,
        .now = k->source != NULL ? k->source->layer : SFU_NO_LAYER,
    };
    for (unsigned i = 0; pub != NULL && i < pub->n_sources; i++) {
        uint64_t rate = rate_of(&pub->sources[i], now_us);
        c.height[i] = pub->sources[i].height;
        c.rate[i] = rate < UINT32_MAX ? (uint32_t)rate : UINT32_MAX;
        c.n_layers++;
    }
    return c;
}

/* hurry: what does not fit stops at once, and what replaces it begins with its key frame; otherwise
 * the old layer goes on until then. */
static void apply(struct sfu *s, struct sfu_sink *k, const struct sfu_choice *c, bool hurry)
{
    bool narrow = c->layer == SFU_NO_LAYER && c->ideal != SFU_NO_LAYER;
    if (narrow != k->narrow)
        sfu_mark_sink(s, k);
    k->narrow = narrow;
    if (k->publication == NULL)
        return;
    set_wish(k, c->wish);
    if (narrow || c->wish == SFU_NO_LAYER) {
        sfu_sink_leave(s, k);
        return;
    }
    /* nothing is being sent yet: the smallest layer's first frame will do */
    struct sfu_source *target = &k->publication->sources[c->layer == SFU_NO_LAYER ? 0 : c->layer];
    if (k->source == target) {
        stop_waiting(k);
        return;
    }
    sfu_sink_wait(s, k, target);
    if (hurry && k->source != NULL && c->layer < c->now) {
        stop_following(k);
        sfu_mark_sink(s, k);
    }
}

void sfu_choose_layers(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    struct sfu_receiver *r = p->receiver;
    struct sfu_choice choices[SFU_VIDEO_SLOTS];
    uint64_t bandwidth = sfu_bandwidth_now(&r->bandwidth);
    uint64_t voices = voices_rate(r, now_us);
    uint64_t used = voices;
    r->choose_us = now_us + SFU_CHOOSE_US;
    for (unsigned i = 0; i < r->n_wanted; i++) {
        choices[i] = choice_of(&r->sinks[r->order[i]], now_us);
        used += choices[i].now == SFU_NO_LAYER ? 0 : choices[i].rate[choices[i].now];
    }
    uint64_t ideal = sfu_choose(choices, r->n_wanted, bandwidth > voices ? bandwidth - voices : 0);
    r->bandwidth.wanted = voices + ideal + ideal / SFU_CHOOSE_SPARE;
    for (unsigned i = 0; i < r->n_wanted; i++)
        apply(s, &r->sinks[r->order[i]], &choices[i], used > bandwidth + bandwidth / 2);
}
