#include "sfu/inside.h"

void sfu_mark_peer(struct sfu *s, struct sfu_peer *p)
{
    if (!link_is_in(&p->marked))
        list_put(&s->marked_peers, &p->marked);
}

void sfu_mark_sink(struct sfu *s, struct sfu_sink *k)
{
    k->peer->receiver->marked |= (uint64_t)1 << k->index;
    sfu_mark_peer(s, k->peer);
}

void sfu_mark_meeting(struct sfu *s, struct sfu_meeting *m)
{
    if (!link_is_in(&m->marked))
        list_put(&s->marked_meetings, &m->marked);
}

static bool next_speaker(struct sfu *s, struct sfu_event *out)
{
    struct link *k = list_pop(&s->marked_meetings);
    if (k == NULL)
        return false;
    const struct sfu_meeting *m = LIST_OWNER(k, struct sfu_meeting, marked);
    *out = (struct sfu_event){
        .what = SFU_EVENT_SPEAKER,
        .meeting = m->number,
        .leaf = sfu_speaker_of(m),
    };
    return true;
}

static bool next_state(struct sfu_peer *p, struct sfu_event *out)
{
    if (!p->say_state)
        return false;
    p->say_state = false;
    out->what = p->state == SFU_LINK_UP ? SFU_EVENT_CONNECTED : SFU_EVENT_LOST;
    out->leaf = p->of->leaf;
    return true;
}

static bool next_demand(struct sfu_peer *p, struct sfu_event *out)
{
    for (int kind = 0; p->sender != NULL && kind < SFU_KINDS; kind++) {
        struct sfu_publication *pub = p->sender->publications[kind];
        if (pub == NULL || !pub->say_demand)
            continue;
        pub->say_demand = false;
        out->what = SFU_EVENT_DEMAND;
        out->leaf = p->of->leaf;
        out->kind = pub->kind;
        out->layers = pub->demand;
        return true;
    }
    return false;
}

static void describe_voice(const struct sfu_sink *k, struct sfu_event *out)
{
    out->kind = SFU_AUDIO;
    out->state = k->source == NULL ? SFU_STREAM_NONE : SFU_STREAM_FLOWING;
    out->leaf = k->source == NULL ? SFU_NOBODY : k->source->publication->peer->of->leaf;
}

static void describe_picture(const struct sfu_sink *k, struct sfu_event *out)
{
    out->kind = k->want.kind;
    out->leaf = k->wanted ? k->want.leaf : SFU_NOBODY;
    if (!k->wanted)
        out->state = SFU_STREAM_NONE;
    else if (k->source != NULL)
        out->state = SFU_STREAM_FLOWING;
    else
        out->state = k->narrow ? SFU_STREAM_NARROW : SFU_STREAM_WAITING;
    out->layer = k->source == NULL ? 0 : k->source->layer;
}

static bool next_stream(struct sfu_peer *p, struct sfu_event *out)
{
    struct sfu_receiver *r = p->receiver;
    if (r == NULL || r->marked == 0)
        return false;
    const struct sfu_sink *k = &r->sinks[__builtin_ctzll(r->marked)];
    r->marked &= r->marked - 1;
    out->what = SFU_EVENT_STREAM;
    out->ssrc = k->ssrc;
    if (k->is_audio)
        describe_voice(k, out);
    else
        describe_picture(k, out);
    return true;
}

bool sfu_next(struct sfu *s, struct sfu_event *out)
{
    if (next_speaker(s, out))
        return true;
    for (struct link *k; (k = list_first(&s->marked_peers)) != NULL;) {
        struct sfu_peer *p = LIST_OWNER(k, struct sfu_peer, marked);
        struct sfu_event e = {.meeting = p->meeting->number, .peer = p->number};
        if (next_state(p, &e) || next_demand(p, &e) || next_stream(p, &e)) {
            *out = e;
            return true;
        }
        list_take(&s->marked_peers, k);
    }
    return false;
}
