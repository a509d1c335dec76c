/* Which packet goes out next: sound, then what was asked for again, then new pictures; pictures of
 * both kinds at their pace. */
#include "call/inside.h"
#include "rtc/rtp_ext.h"

/* The packet of that number, if it has gone out and is still there. */
static struct sent *sent_of(struct layer *l, uint16_t sequence)
{
    struct sent *s = &l->history[sequence & (l->cap - 1)];
    bool gone_out = sequence_distance(l->out, sequence) < 0;
    return s->made && s->sequence == sequence && gone_out ? s : NULL;
}

static bool may_go_again(const struct sent *s, uint64_t now_us)
{
    return s->resends < CALL_RESENDS && now_us >= s->sent_us + CALL_RESEND_US;
}

/* SRTP never seals one index twice (docs/MEDIA.md): without RTX nothing is sent again. */
void pace_ask(struct layer *l, uint16_t sequence)
{
    if (l->is.rtx == 0 || l->asked_n == CALL_RESEND_QUEUE)
        return;
    l->asked[(l->asked_head + l->asked_n++) % CALL_RESEND_QUEUE] = sequence;
}

static int write_extensions(struct call *c, const struct sent *s, bool sound,
                            struct rtp_header *header)
{
    struct rtp_exts e = {
        .has_transport_cc = true,
        .transport_cc = c->transport,
        .has_audio_level = sound,
        .audio_level = s->level,
        .voice = s->voice,
    };
    buf_clear(&c->scratch);
    int rv = rtp_exts_write(&e, NULL, &c->scratch, &header->extension_profile);
    header->extended = true;
    header->extension = buf_view(&c->scratch);
    return rv;
}

/* RFC 4588 4: a retransmission has a stream of its own, and the number it repeats in front. */
static int write_payload(struct call *c, const struct sent *s, bool again)
{
    uint8_t number[2] = {(uint8_t)(s->sequence >> 8), (uint8_t)s->sequence};
    int rv = buf_reserve(&c->out, sizeof number + s->payload.n);
    if (rv != 0)
        return rv;
    if (again)
        buf_put(&c->out, bytes_of(number, sizeof number));
    buf_put(&c->out, buf_view(&s->payload));
    return 0;
}

/* c->out is empty, and is so again after a failure. */
static int write_packet(struct call *c, struct layer *l, const struct sent *s, bool sound,
                        bool again)
{
    struct rtp_header header = {
        .marker = s->marker,
        .payload_type = again   ? c->config.rtx
                        : sound ? c->config.opus
                                : c->config.vp8,
        .sequence = again ? l->rtx_sequence : s->sequence,
        .timestamp = s->timestamp,
        .ssrc = again ? l->is.rtx : l->is.ssrc,
    };
    int rv = write_extensions(c, s, sound, &header);
    if (rv == 0)
        rv = rtp_header_write(&header, &c->out);
    if (rv == 0)
        rv = write_payload(c, s, again);
    if (rv != 0)
        buf_clear(&c->out);
    return rv;
}

static void count_sent(struct call *c, struct layer *l, struct sent *s, bool again)
{
    c->transport++;
    s->sent_us = c->now_us;
    if (again) {
        s->resends++;
        l->rtx_sequence++;
        l->stats.resent++;
        c->stats.resent++;
    } else {
        l->out++;
        l->stats.packets++;
        l->stats.bytes += s->payload.n;
    }
}

static int send_first(struct call *c, struct layer *l, bool sound)
{
    struct sent *s = &l->history[l->out & (l->cap - 1)];
    int rv = write_packet(c, l, s, sound, false);
    if (rv == 0)
        count_sent(c, l, s, false);
    return rv;
}

static int send_again(struct call *c, struct layer *l, bool sound)
{
    while (l->asked_n != 0) {
        struct sent *s = sent_of(l, l->asked[l->asked_head]);
        bool worth = s != NULL && may_go_again(s, c->now_us);
        int rv = worth ? write_packet(c, l, s, sound, true) : 0;
        if (rv != 0)
            return rv;
        l->asked_head = (l->asked_head + 1) % CALL_RESEND_QUEUE;
        l->asked_n--;
        if (!worth)
            continue;
        count_sent(c, l, s, true);
        return 0;
    }
    return 0;
}

/* Pictures that wait, in packets, for the first time or again. */
static uint32_t pictures_waiting(const struct call *c)
{
    uint32_t n = 0;
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++)
        for (uint8_t k = 0; k < c->tracks[i].n_layers; k++)
            if (c->tracks[i].source != SIGNAL_AUDIO)
                n += layer_waiting(&c->tracks[i].layer[k]) + c->tracks[i].layer[k].asked_n;
    return n;
}

/* A pace that was slower than its calls does not catch up in a burst. */
static void pace_on(struct call *c)
{
    uint64_t waiting = pictures_waiting(c) + 1;
    uint64_t gap = CALL_PACE_US / waiting;
    gap = gap < CALL_PACE_GAP_US ? gap : CALL_PACE_GAP_US;
    uint64_t from = c->pace_us + CALL_PACE_GAP_US < c->now_us ? c->now_us : c->pace_us;
    c->pace_us = from + gap;
}

enum turn { TURN_SOUND, TURN_AGAIN, TURN_PICTURES, TURNS };

static bool has_turn(const struct call *c, enum turn turn, const struct track *t,
                     const struct layer *l)
{
    bool sound = t->source == SIGNAL_AUDIO;
    switch (turn) {
    case TURN_SOUND:
        return sound && layer_waiting(l) != 0;
    case TURN_AGAIN:
        return l->asked_n != 0 && (sound || c->now_us >= c->pace_us);
    case TURN_PICTURES:
        return !sound && layer_waiting(l) != 0 && c->now_us >= c->pace_us;
    case TURNS:
    default:
        return false;
    }
}

static int take_turn(struct call *c, enum turn turn, bool sound, struct layer *l)
{
    int rv = turn == TURN_AGAIN ? send_again(c, l, sound) : send_first(c, l, sound);
    if (rv == 0 && !sound && c->out.n != 0)
        pace_on(c);
    return rv;
}

int pace_next(struct call *c)
{
    for (enum turn turn = TURN_SOUND; turn < TURNS; turn++) {
        for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++) {
            struct track *t = &c->tracks[i];
            for (uint8_t k = 0; k < t->n_layers; k++) {
                if (!has_turn(c, turn, t, &t->layer[k]))
                    continue;
                int rv = take_turn(c, turn, t->source == SIGNAL_AUDIO, &t->layer[k]);
                if (rv != 0 || c->out.n != 0)
                    return rv;
            }
        }
    }
    return 0;
}

uint64_t pace_deadline(const struct call *c)
{
    for (size_t i = 0; i < SIGNAL_TRACKS_MAX; i++) {
        const struct track *t = &c->tracks[i];
        for (uint8_t k = 0; k < t->n_layers; k++)
            if (t->source == SIGNAL_AUDIO &&
                (layer_waiting(&t->layer[k]) != 0 || t->layer[k].asked_n != 0))
                return 0;
    }
    return pictures_waiting(c) == 0 ? UINT64_MAX : c->pace_us;
}
