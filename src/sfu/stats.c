#include "sfu/inside.h"

void sfu_counters_add(struct sfu_counters *to, const struct sfu_counters *c)
{
    to->packets_in += c->packets_in;
    to->bytes_in += c->bytes_in;
    to->packets_out += c->packets_out;
    to->bytes_out += c->bytes_out;
    to->lost_in += c->lost_in;
    to->recovered_in += c->recovered_in;
    to->nacks += c->nacks;
    to->retransmitted += c->retransmitted;
    to->not_retransmitted += c->not_retransmitted;
    to->key_frames_asked += c->key_frames_asked;
    to->refused += c->refused;
    to->dropped_video += c->dropped_video;
    to->dropped_audio += c->dropped_audio;
    to->dropped_control += c->dropped_control;
}

/* ---- Receivers ---- */

struct tally {
    struct sfu_receivers sum;
    uint64_t rtt_us, loss; /* sums, the latter of 65,536ths */
    uint32_t n_rtt;
};

static uint32_t loss_out(const struct sfu_receiver *r)
{
    return r->bandwidth.heard ? r->bandwidth.loss : r->loss;
}

static void tally_pictures(struct tally *t, const struct sfu_receiver *r)
{
    for (unsigned i = 0; i < r->n_wanted; i++) {
        const struct sfu_sink *k = &r->sinks[r->order[i]];
        if (k->source != NULL)
            t->sum.flowing[k->source->layer]++;
        else if (k->narrow)
            t->sum.narrow++;
        else
            t->sum.waiting++;
    }
}

static void tally_peer(struct tally *t, const struct sfu_peer *p)
{
    const struct sfu_receiver *r = p->receiver;
    if (!sfu_peer_receives(p))
        return;
    t->sum.n++;
    t->loss += loss_out(r);
    if (r->rtt_us != 0) {
        t->n_rtt++;
        t->rtt_us += r->rtt_us;
        if (r->rtt_us > t->sum.rtt_most_us)
            t->sum.rtt_most_us = (uint32_t)r->rtt_us; /* at most SFU_RTT_MAX */
    }
    tally_pictures(t, r);
}

static struct sfu_receivers tally_end(const struct tally *t)
{
    struct sfu_receivers sum = t->sum;
    if (t->n_rtt != 0)
        sum.rtt_us = (uint32_t)(t->rtt_us / t->n_rtt);
    if (sum.n != 0)
        sum.loss_ppm = (uint32_t)(t->loss * 1000000 / 65536 / sum.n);
    return sum;
}

/* ---- Meetings ---- */

static void count_meeting(const struct sfu_meeting *m, struct tally *tally,
                          struct sfu_meeting_stats *out)
{
    size_t it = 0;
    uint32_t leaf;
    const struct sfu_member *member;
    *out = (struct sfu_meeting_stats){
        .meeting = m->number, .speaker = sfu_speaker_of(m), .counters = m->counters};
    while ((member = u32map_next(&m->members, &it, &leaf)) != NULL) {
        for (int kind = 0; kind < SFU_KINDS; kind++)
            out->tracks += member->publications[kind] != NULL;
        for (struct link *k = list_first(&member->peers); k != NULL;
             k = list_next(&member->peers, k)) {
            const struct sfu_peer *p = LIST_OWNER(k, struct sfu_peer, member);
            out->peers++;
            out->connected += p->state == SFU_LINK_UP;
            sfu_counters_add(&out->counters, &p->counters);
            tally_peer(tally, p);
        }
    }
}

static void meeting_stats(const struct sfu_meeting *m, struct sfu_meeting_stats *out)
{
    struct tally tally = {0};
    count_meeting(m, &tally, out);
    out->receivers = tally_end(&tally);
}

int sfu_meeting_stats(const struct sfu *s, uint32_t meeting, struct sfu_meeting_stats *out)
{
    const struct sfu_meeting *m = sfu_meeting_of(s, meeting);
    if (m == NULL)
        return CONCLAVE_ENOTFOUND;
    meeting_stats(m, out);
    return 0;
}

size_t sfu_meetings_stats(const struct sfu *s, struct sfu_meeting_stats *out, size_t max)
{
    size_t n = 0;
    for (struct link *k = list_first(&s->meetings_all); k != NULL && n < max;
         k = list_next(&s->meetings_all, k))
        meeting_stats(LIST_OWNER(k, struct sfu_meeting, all), &out[n++]);
    return n;
}

void sfu_stats(const struct sfu *s, struct sfu_stats *out)
{
    struct tally tally = {0};
    *out = (struct sfu_stats){
        .meetings = (uint32_t)s->meetings_all.n,
        .peers = (uint32_t)s->peers_all.n,
        .blocks_used = (uint32_t)(SFU_BLOCKS - s->outbox.n_free),
        .blocks_most = (uint32_t)(SFU_BLOCKS - s->outbox.least_free),
        .memory = s->history + sfu_outbox_memory(),
        .counters = s->counters,
    };
    for (struct link *k = list_first(&s->meetings_all); k != NULL;
         k = list_next(&s->meetings_all, k)) {
        struct sfu_meeting_stats m;
        count_meeting(LIST_OWNER(k, struct sfu_meeting, all), &tally, &m);
        out->connected += m.connected;
        sfu_counters_add(&out->counters, &m.counters);
    }
    out->receivers = tally_end(&tally);
}

/* ---- Peers ---- */

static uint32_t loss_in(const struct sfu_sender *t)
{
    uint64_t lost = 0;
    uint64_t packets = 0;
    for (size_t i = 0; i < t->n_routes; i++) {
        const struct sfu_reception *r = &t->routes[i].source->reception;
        lost += t->routes[i].rtx ? 0 : r->lost;
        packets += t->routes[i].rtx ? 0 : r->packets;
    }
    return lost + packets == 0 ? 0 : (uint32_t)(lost * 65536 / (lost + packets));
}

int sfu_peer_stats(const struct sfu *s, uint32_t peer, uint64_t now_us, struct sfu_peer_stats *out)
{
    const struct sfu_peer *p = sfu_peer_of(s, peer);
    if (p == NULL)
        return CONCLAVE_ENOTFOUND;
    struct sfu_peer_stats stats = {
        .connected = p->state == SFU_LINK_UP,
        .counters = p->counters,
        .loss_in = p->sender == NULL ? 0 : loss_in(p->sender),
    };
    if (p->receiver != NULL) {
        const struct sfu_bandwidth *b = &p->receiver->bandwidth;
        struct tally tally = {0};
        tally_pictures(&tally, p->receiver);
        for (size_t i = 0; i < SFU_LAYERS; i++)
            stats.flowing += tally.sum.flowing[i];
        stats.waiting = tally.sum.waiting;
        stats.narrow = tally.sum.narrow;
        stats.rtt_us = (uint32_t)p->receiver->rtt_us;
        stats.loss_out = loss_out(p->receiver);
        stats.bandwidth = sfu_bandwidth_now(b);
        stats.rate_out = 8 * sfu_meter_rate(&b->rate_out, SFU_METER_BUCKETS, now_us);
    }
    *out = stats;
    return 0;
}
