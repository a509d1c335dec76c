#include "call/line.h"

#include <stdlib.h>

#include <conclave/crypto.h>

#include "base/earlier.h"
#include "base/wipe.h"

#define DATAGRAM 1500 /* what leaves: call/limits.h keeps it below 1,280 */

/* ICE of ours (RFC 8839 5.4): 48 and 144 bits. */
#define UFRAG 8
#define PWD 24

/* The one transport of a native participant: it sends and receives. */
#define TRANSPORT 0

/* Words on streams that wait to be passed on; of more than that the rest is not. */
#define FLOWS_MAX ((size_t)64 << 10)

struct own_track {
    bool on, due;    /* due: the switch is to be told */
    bool withdrawn;  /* or told that it is gone */
    bool demand_due; /* the caller is to be told */
    uint8_t demand;
    struct line_track is;
    struct call_track call;
};

struct line {
    struct line_config config;
    struct dtls_identity *identity;
    struct call *call;
    struct peer *peer; /* NULL before an answer, and after an end */
    bool up;
    bool asked;     /* an answer is to come */
    bool connected; /* media flows */
    bool close_due, open_due, wants_due;
    bool lost_due, connected_due, refused_due, speakers_due;
    char ufrag[UFRAG + 1], pwd[PWD + 1];
    uint64_t at_us;    /* when to ask, or to ask again; UINT64_MAX: there is no need */
    uint64_t retry_us; /* how long to wait the next time */
    struct own_track tracks[SIGNAL_SCREEN + 1]; /* by source; the first is none */
    struct signal_want wants[SIGNAL_WANTS_MAX];
    size_t n_wants;
    uint32_t speakers[SIGNAL_SPEAKERS_MAX];
    size_t n_speakers;
    struct buf flows; /* as they came, to be passed on */
    size_t flows_at;
    struct peer_effect pending; /* of the peer, taken out while something came in */
    struct buf said;
    uint8_t datagram[DATAGRAM];
    void (*look)(void *ctx, struct bytes packet);
    void *look_ctx;
    struct line_stats stats;
};

/* ---- Life ---- */

int line_new(const struct line_config *config, uint64_t now_us, struct line **out)
{
    struct call_config call = {.epoch_bits = SIGNAL_EPOCH_BITS,
                               .run = config->run,
                               .opus = LINE_OPUS,
                               .vp8 = LINE_VP8,
                               .rtx = LINE_RTX};
    struct line *l = calloc(1, sizeof *l);
    if (l == NULL)
        return CONCLAVE_ENOMEM;
    l->config = *config;
    l->retry_us = LINE_RETRY_US;
    l->at_us = UINT64_MAX;
    int rv = crypto_random(config->crypto, (uint8_t *)&call.ssrc, sizeof call.ssrc);
    if (rv == 0)
        rv = call_new(&call, &l->call);
    if (rv == 0)
        rv = dtls_identity_new(now_us, &l->identity);
    if (rv == 0)
        *out = l;
    else
        line_free(l);
    return rv;
}

static void drop_peer(struct line *l)
{
    peer_free(l->peer);
    l->peer = NULL;
    l->pending = (struct peer_effect){.kind = PEER_NOTHING};
}

void line_free(struct line *l)
{
    if (l == NULL)
        return;
    drop_peer(l);
    call_free(l->call);
    dtls_identity_free(l->identity);
    buf_free(&l->said);
    buf_free(&l->flows);
    wipe(l->pwd, sizeof l->pwd);
    free(l);
}

void line_up(struct line *l)
{
    if (l->up)
        return;
    l->up = true;
    l->open_due = true;
    l->retry_us = LINE_RETRY_US;
}

static void note_lost(struct line *l)
{
    if (!l->connected)
        return;
    l->connected = false;
    l->connected_due = false;
    l->lost_due = true;
    l->stats.times_lost++;
}

void line_down(struct line *l)
{
    note_lost(l);
    drop_peer(l);
    l->up = l->asked = l->close_due = l->open_due = l->wants_due = false;
    l->at_us = UINT64_MAX;
    for (size_t i = 0; i <= SIGNAL_SCREEN; i++)
        l->tracks[i].due = l->tracks[i].withdrawn = false;
}

int line_epoch(struct line *l, const struct call_epoch *epoch, uint64_t now_us)
{
    return call_epoch(l->call, epoch, now_us);
}

/* ---- Asking ---- */

/* ALPHA / DIGIT / "+" / "/": RFC 8839 5.4. */
static int draw(struct line *l, size_t n, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[PWD];
    int rv = crypto_random(l->config.crypto, random, n);
    for (size_t i = 0; rv == 0 && i < n; i++)
        out[i] = alphabet[random[i] & 63];
    out[n] = '\0';
    wipe(random, sizeof random);
    return rv;
}

static int say(struct line *l, const struct signal_media *m, struct line_effect *out)
{
    buf_clear(&l->said);
    int rv = signal_media_write(m, &l->said);
    if (rv == 0)
        *out = (struct line_effect){.kind = LINE_SAY, .data = buf_view(&l->said)};
    return rv;
}

static int say_open(struct line *l, uint64_t now_us, struct line_effect *out)
{
    int rv = draw(l, UFRAG, l->ufrag);
    if (rv == 0)
        rv = draw(l, PWD, l->pwd);
    if (rv == 0)
        rv = say(
            l,
            &(struct signal_media){
                .kind = SIGNAL_MEDIA_OPEN,
                .transport = TRANSPORT,
                .ufrag = bytes_str(l->ufrag),
                .pwd = bytes_str(l->pwd),
                .fingerprint = bytes_of(dtls_identity_fingerprint(l->identity), SIGNAL_FINGERPRINT),
                .roles = SIGNAL_SENDS | SIGNAL_RECEIVES,
                .audio = LINE_OPUS,
                .video = LINE_VP8,
                .rtx = LINE_RTX},
            out);
    if (rv != 0)
        return rv;
    l->open_due = false;
    l->asked = true;
    l->at_us = now_us + LINE_ANSWER_US;
    if (l->peer != NULL) /* the switch knows the rest */
        return 0;
    l->wants_due = l->n_wants != 0;
    for (size_t i = 0; i <= SIGNAL_SCREEN; i++) {
        l->tracks[i].due = l->tracks[i].on;
        l->tracks[i].withdrawn = false;
    }
    return 0;
}

static int say_track(struct line *l, struct own_track *t, struct line_effect *out)
{
    struct buf layers = {0};
    for (uint8_t i = 0; i < t->is.n_layers; i++)
        signal_put_layer(&layers, &(struct signal_layer){.ssrc = t->call.layer[i].ssrc,
                                                         .rtx = t->call.layer[i].rtx,
                                                         .height = t->is.height[i]});
    bool sound = t->is.source == SIGNAL_AUDIO;
    int rv = buf_check(&layers);
    if (rv == 0)
        rv = say(l,
                 &(struct signal_media){.kind = SIGNAL_MEDIA_PUBLISH,
                                        .transport = TRANSPORT,
                                        .track = t->call.track,
                                        .source = t->is.source,
                                        .format = sound ? SIGNAL_OPUS : SIGNAL_VP8,
                                        .payload_type = sound ? LINE_OPUS : LINE_VP8,
                                        .rtx = sound ? 0 : LINE_RTX,
                                        .list = buf_view(&layers)},
                 out);
    buf_free(&layers);
    if (rv == 0)
        t->due = false;
    return rv;
}

static int say_wants(struct line *l, struct line_effect *out)
{
    struct buf wants = {0};
    for (size_t i = 0; i < l->n_wants; i++)
        signal_put_want(&wants, &l->wants[i]);
    int rv = buf_check(&wants);
    if (rv == 0)
        rv = say(l,
                 &(struct signal_media){.kind = SIGNAL_MEDIA_SUBSCRIBE,
                                        .transport = TRANSPORT,
                                        .list = buf_view(&wants)},
                 out);
    buf_free(&wants);
    if (rv == 0)
        l->wants_due = false;
    return rv;
}

static int say_gone(struct line *l, struct own_track *t, struct line_effect *out)
{
    int rv = say(l,
                 &(struct signal_media){.kind = SIGNAL_MEDIA_UNPUBLISH,
                                        .track = (uint8_t)(t - l->tracks - 1)},
                 out);
    if (rv == 0)
        t->withdrawn = false;
    return rv;
}

/* What the switch is to be told; LINE_NOTHING: it knows all. */
static int next_word(struct line *l, uint64_t now_us, struct line_effect *out)
{
    if (!l->up)
        return 0;
    if (l->close_due) {
        l->close_due = false;
        return say(l, &(struct signal_media){.kind = SIGNAL_MEDIA_CLOSE, .transport = TRANSPORT},
                   out);
    }
    if (l->open_due)
        return say_open(l, now_us, out);
    for (size_t i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++) {
        if (l->tracks[i].withdrawn)
            return say_gone(l, &l->tracks[i], out);
        if (l->tracks[i].due)
            return say_track(l, &l->tracks[i], out);
    }
    return l->wants_due ? say_wants(l, out) : 0;
}

/* ---- Hearing ---- */

static size_t read_candidates(struct bytes list, struct rtc_address out[static ICE_CANDIDATES_MAX])
{
    struct signal_candidate c;
    size_t n = 0;
    while (n < ICE_CANDIDATES_MAX && signal_next_candidate(&list, &c))
        out[n++] = c.address.n == 4 ? rtc_address_ipv4(c.address.p, c.port)
                                    : rtc_address_ipv6(c.address.p, c.port);
    return n;
}

static int hear_answer(struct line *l, const struct signal_media *m, uint64_t now_us)
{
    struct rtc_address candidates[ICE_CANDIDATES_MAX];
    struct peer_config config = {.role = PEER_CLIENT,
                                 .dtls_role = DTLS_CLIENT,
                                 .identity = l->identity,
                                 .engine = l->config.engine,
                                 .local = {bytes_str(l->ufrag), bytes_str(l->pwd)},
                                 .remote = {m->ufrag, m->pwd},
                                 .candidates = candidates,
                                 .n_candidates = read_candidates(m->list, candidates),
                                 .nomination = ICE_AGGRESSIVE};
    if (!l->asked || m->transport != TRANSPORT)
        return 0; /* to a question that was taken back */
    memcpy(config.fingerprint, m->fingerprint.p, sizeof config.fingerprint);
    int rv = crypto_random(l->config.crypto, config.seed, sizeof config.seed);
    bool restart = l->peer != NULL;
    if (rv == 0 && restart)
        rv = peer_restart(l->peer, &config);
    else if (rv == 0)
        rv = peer_new(&config, now_us, &l->peer);
    wipe(config.seed, sizeof config.seed);
    if (rv == 0) {
        l->asked = false;
        l->at_us = restart ? now_us + LINE_RESTART_US : UINT64_MAX; /* a new one has its own end */
    }
    return rv == CONCLAVE_EINVAL ? CONCLAVE_ESYNTAX : rv; /* credentials that are none */
}

/* Later, and later each time. */
static void ask_later(struct line *l, uint64_t now_us)
{
    l->asked = false;
    l->at_us = now_us + l->retry_us;
    l->retry_us = l->retry_us < LINE_RETRY_MAX_US / 2 ? 2 * l->retry_us : LINE_RETRY_MAX_US;
}

static void hear_state(struct line *l, const struct signal_media *m, uint64_t now_us)
{
    if (m->transport != TRANSPORT || !l->up)
        return;
    if (m->state == SIGNAL_REFUSED) {
        l->refused_due = true;
        if (l->asked)
            ask_later(l, now_us);
    } else if (m->state == SIGNAL_LOST && l->connected) {
        note_lost(l);
        ask_later(l, now_us);
    }
}

static int hear_flows(struct line *l, struct bytes list)
{
    struct signal_flow flow;
    struct bytes rest = list;
    int rv = 0;
    while (rv == 0 && signal_next_flow(&rest, &flow)) {
        rv = call_flow(l->call, &flow);
        if (rv != 0 && conclave_error_class(rv) != CONCLAVE_CLASS_SYSTEM)
            rv = 0; /* it says what cannot be */
    }
    if (rv == 0 && l->flows.n <= FLOWS_MAX)
        rv = buf_reserve(&l->flows, list.n);
    if (rv == 0 && l->flows.n <= FLOWS_MAX)
        buf_put(&l->flows, list);
    return rv;
}

static void hear_speakers(struct line *l, struct bytes list)
{
    uint32_t leaf;
    l->n_speakers = 0;
    while (l->n_speakers < SIGNAL_SPEAKERS_MAX && signal_next_leaf(&list, &leaf))
        l->speakers[l->n_speakers++] = leaf;
    l->speakers_due = true;
}

static void hear_demand(struct line *l, const struct signal_media *m)
{
    for (size_t i = SIGNAL_AUDIO; i <= SIGNAL_SCREEN; i++) {
        struct own_track *t = &l->tracks[i];
        if (!t->on || t->call.track != m->track)
            continue;
        t->demand = m->layers;
        t->demand_due = true;
    }
}

int line_hear(struct line *l, struct bytes body, uint64_t now_us)
{
    struct signal_media m;
    int rv = signal_media_read(body, &m);
    if (rv != 0)
        return rv;
    switch (m.kind) {
    case SIGNAL_MEDIA_ANSWER:
        return hear_answer(l, &m, now_us);
    case SIGNAL_MEDIA_FLOWS:
        return hear_flows(l, m.list);
    case SIGNAL_MEDIA_SPEAKERS:
        hear_speakers(l, m.list);
        return 0;
    case SIGNAL_MEDIA_DEMAND:
        hear_demand(l, &m);
        return 0;
    case SIGNAL_MEDIA_STATE:
        hear_state(l, &m, now_us);
        return 0;
    default:
        return CONCLAVE_EUNSUPPORTED;
    }
}

/* ---- One's own tracks ---- */

/* RFC 3550 5.1, 8.1: numbers to begin with, and SSRCs, are random. */
static int draw_layers(struct line *l, struct call_track *t)
{
    for (uint8_t i = 0; i < t->n_layers; i++) {
        struct call_layer *k = &t->layer[i];
        int rv = crypto_random(l->config.crypto, (uint8_t *)k, sizeof *k);
        if (rv != 0)
            return rv;
        k->ssrc |= 1; /* neither is 0, nor are they the same */
        k->rtx = t->source == SIGNAL_AUDIO ? 0 : (k->rtx & ~UINT32_C(1)) | 2;
    }
    return 0;
}

int line_publish(struct line *l, const struct line_track *track)
{
    if (track->source < SIGNAL_AUDIO || track->source > SIGNAL_SCREEN || track->n_layers == 0 ||
        track->n_layers > SIGNAL_LAYERS_MAX)
        return CONCLAVE_EINVAL;
    struct own_track *t = &l->tracks[track->source];
    struct call_track call = {.track = (uint8_t)(track->source - 1),
                              .source = track->source,
                              .n_layers = track->n_layers};
    if (t->on)
        return CONCLAVE_EDUPLICATE;
    int rv = draw_layers(l, &call);
    if (rv == 0)
        rv = call_publish(l->call, &call);
    if (rv == 0)
        *t = (struct own_track){
            .on = true, .due = l->up, .withdrawn = t->withdrawn, .is = *track, .call = call};
    return rv;
}

void line_unpublish(struct line *l, uint8_t source)
{
    if (source < SIGNAL_AUDIO || source > SIGNAL_SCREEN || !l->tracks[source].on)
        return;
    struct own_track *t = &l->tracks[source];
    call_unpublish(l->call, t->call.track);
    *t = (struct own_track){.withdrawn = t->withdrawn || (l->up && !t->due)};
}

int line_send(struct line *l, uint8_t source, uint8_t layer, const struct call_frame *frame,
              uint64_t now_us)
{
    if (source < SIGNAL_AUDIO || source > SIGNAL_SCREEN || !l->tracks[source].on)
        return CONCLAVE_ENOTFOUND;
    if (!l->connected)
        return CONCLAVE_ESTATE;
    return call_send(l->call, l->tracks[source].call.track, layer, frame, now_us);
}

int line_want(struct line *l, const struct signal_want *wants, size_t n)
{
    if (n > SIGNAL_WANTS_MAX)
        return CONCLAVE_ELIMIT;
    if (n != 0)
        memcpy(l->wants, wants, n * sizeof *wants);
    l->n_wants = n;
    l->wants_due = l->up;
    return 0;
}

/* ---- The network ---- */

/* What a peer does wrong is its own business. */
static int ours(int rv)
{
    return rv != 0 && conclave_error_class(rv) == CONCLAVE_CLASS_SYSTEM ? rv : 0;
}

static int take_media(struct line *l, const struct peer_effect *e, uint64_t now_us)
{
    struct bytes packet = bytes_of(e->packet, e->packet_n);
    l->stats.packets_in++;
    l->stats.bytes_in += packet.n;
    if (l->look != NULL)
        l->look(l->look_ctx, packet);
    return call_input(l->call, packet, now_us);
}

int line_input(struct line *l, uint8_t *datagram, size_t n, const struct rtc_address *from,
               uint64_t now_us)
{
    struct peer_effect e;
    if (l->peer == NULL)
        return 0; /* late, of one that is over */
    int rv = peer_input(l->peer, datagram, n, from, now_us);
    if (rv != 0) {
        l->stats.refused_in++;
        return ours(rv);
    }
    rv = peer_next(l->peer, now_us, &e);
    if (rv != 0)
        return rv;
    if (e.kind == PEER_RTP || e.kind == PEER_RTCP)
        return take_media(l, &e, now_us);
    l->pending = e;
    return 0;
}

uint64_t line_deadline(const struct line *l)
{
    uint64_t at = l->at_us;
    if (l->peer != NULL)
        at = earlier(at, peer_deadline(l->peer));
    return l->connected ? earlier(at, call_deadline(l->call)) : at;
}

int line_tick(struct line *l, uint64_t now_us)
{
    if (now_us >= l->at_us) {
        l->at_us = UINT64_MAX;
        l->open_due = l->up;
    }
    return l->peer != NULL ? peer_tick(l->peer, now_us) : 0;
}

/* ---- Effects ---- */

/* The peer is over: another begins, of which the switch must not think that it is this one. */
static void begin_again(struct line *l, uint64_t now_us)
{
    note_lost(l);
    drop_peer(l);
    l->close_due = l->up;
    ask_later(l, now_us);
}

static void follow_peer(struct line *l, const struct peer_effect *e, uint64_t now_us,
                        struct line_effect *out)
{
    switch (e->kind) {
    case PEER_SEND:
        *out = (struct line_effect){.kind = LINE_SEND, .to = e->to, .data = e->data};
        break;
    case PEER_CONNECTED:
        l->connected = true;
        l->connected_due = true;
        l->retry_us = LINE_RETRY_US;
        if (!l->asked) /* it came back by itself */
            l->at_us = UINT64_MAX;
        break;
    case PEER_LOST:
        note_lost(l);
        ask_later(l, now_us);
        break;
    case PEER_CLOSED:
        begin_again(l, now_us);
        break;
    case PEER_RTP:
    case PEER_RTCP:
    case PEER_NOTHING:
        break;
    }
}

static int next_of_peer(struct line *l, uint64_t now_us, struct line_effect *out)
{
    while (l->peer != NULL && out->kind == LINE_NOTHING) {
        struct peer_effect e = l->pending;
        l->pending = (struct peer_effect){.kind = PEER_NOTHING};
        int rv = e.kind == PEER_NOTHING ? peer_next(l->peer, now_us, &e) : 0;
        if (rv != 0)
            return rv;
        if (e.kind == PEER_NOTHING)
            break;
        follow_peer(l, &e, now_us, out);
    }
    return 0;
}

/* Takes one that is due. */
static bool take(bool *due)
{
    bool was = *due;
    *due = false;
    return was;
}

static void next_flow(struct line *l, struct line_effect *out)
{
    struct bytes rest = bytes_of(l->flows.p + l->flows_at, l->flows.n - l->flows_at);
    if (signal_next_flow(&rest, &out->flow)) {
        out->kind = LINE_FLOW;
        l->flows_at = l->flows.n - rest.n;
    } else {
        buf_clear(&l->flows);
        l->flows_at = 0;
    }
}

static void next_news(struct line *l, struct line_effect *out)
{
    if (take(&l->lost_due)) {
        out->kind = LINE_LOST;
    } else if (take(&l->connected_due)) {
        out->kind = LINE_CONNECTED;
    } else if (take(&l->refused_due)) {
        out->kind = LINE_REFUSED;
    } else if (take(&l->speakers_due)) {
        *out = (struct line_effect){
            .kind = LINE_SPEAKERS, .leaves = l->speakers, .n_leaves = l->n_speakers};
    }
    for (uint8_t i = SIGNAL_AUDIO; out->kind == LINE_NOTHING && i <= SIGNAL_SCREEN; i++)
        if (take(&l->tracks[i].demand_due))
            *out = (struct line_effect){
                .kind = LINE_DEMAND, .source = i, .layers = l->tracks[i].demand};
    if (out->kind == LINE_NOTHING && l->flows.n != 0)
        next_flow(l, out);
}

static int next_of_call(struct line *l, uint64_t now_us, struct line_effect *out)
{
    struct call_event e;
    int rv = call_next(l->call, now_us, &e);
    if (rv != 0 || e.what == CALL_NOTHING)
        return rv;
    if (e.what == CALL_FRAME)
        *out = (struct line_effect){.kind = LINE_FRAME, .frame = e};
    else
        *out = (struct line_effect){
            .kind = LINE_KEY_FRAME_WANTED, .source = (uint8_t)(e.track + 1), .layer = e.layer};
    return 0;
}

/* A packet whose sealing fails is lost, and asked for again. */
static int next_packet(struct line *l, uint64_t now_us, struct line_effect *out)
{
    const struct rtc_address *to = l->peer != NULL ? peer_remote(l->peer, now_us) : NULL;
    struct call_packet p;
    size_t n = 0;
    if (to == NULL || !l->connected)
        return 0;
    int rv = call_output(l->call, now_us, &p);
    if (rv != 0 || p.data.n == 0)
        return rv;
    if (p.data.n > sizeof l->datagram)
        return CONCLAVE_EINTERNAL;
    memcpy(l->datagram, p.data.p, p.data.n);
    rv = (p.control ? peer_seal_rtcp : peer_seal_rtp)(l->peer, l->datagram, p.data.n,
                                                      sizeof l->datagram, &n);
    if (rv != 0)
        return rv;
    l->stats.packets_out++;
    l->stats.bytes_out += n;
    *out = (struct line_effect){.kind = LINE_SEND, .to = *to, .data = bytes_of(l->datagram, n)};
    return 0;
}

int line_next(struct line *l, uint64_t now_us, struct line_effect *out)
{
    struct line_effect e = {.kind = LINE_NOTHING};
    int rv = next_of_peer(l, now_us, &e);
    if (rv == 0 && e.kind == LINE_NOTHING)
        rv = next_word(l, now_us, &e);
    if (rv == 0 && e.kind == LINE_NOTHING)
        next_news(l, &e);
    if (rv == 0 && e.kind == LINE_NOTHING)
        rv = next_of_call(l, now_us, &e);
    if (rv == 0 && e.kind == LINE_NOTHING)
        rv = next_packet(l, now_us, &e);
    if (rv == 0)
        *out = e;
    return rv;
}

/* ---- Numbers ---- */

void line_stats(const struct line *l, struct line_stats *out)
{
    *out = l->stats;
    out->connected = l->connected;
    out->rtt_us = l->peer != NULL ? peer_rtt_us(l->peer) : 0;
    call_stats(l->call, &out->call);
}

int line_layer_stats(const struct line *l, uint8_t source, uint8_t layer,
                     struct call_layer_stats *out)
{
    if (source < SIGNAL_AUDIO || source > SIGNAL_SCREEN || !l->tracks[source].on)
        return CONCLAVE_ENOTFOUND;
    return call_layer_stats(l->call, l->tracks[source].call.track, layer, out);
}

void line_tap(struct line *l, void (*look)(void *ctx, struct bytes packet), void *ctx)
{
    l->look = look;
    l->look_ctx = ctx;
}
