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

static void meeting_stats(const struct sfu_meeting *m, struct sfu_meeting_stats *out)
{
    size_t it = 0;
    uint32_t leaf;
    const struct sfu_member *member;
    *out = (struct sfu_meeting_stats){.speaker = sfu_speaker_of(m), .counters = m->counters};
    while ((member = u32map_next(&m->members, &it, &leaf)) != NULL) {
        for (int kind = 0; kind < SFU_KINDS; kind++)
            out->tracks += member->publications[kind] != NULL;
        for (struct link *k = list_first(&member->peers); k != NULL;
             k = list_next(&member->peers, k)) {
            const struct sfu_peer *p = LIST_OWNER(k, struct sfu_peer, member);
            out->peers++;
            out->connected += p->state == SFU_LINK_UP;
            sfu_counters_add(&out->counters, &p->counters);
        }
    }
}

void sfu_stats(const struct sfu *s, struct sfu_stats *out)
{
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
        meeting_stats(LIST_OWNER(k, struct sfu_meeting, all), &m);
        out->connected += m.connected;
        sfu_counters_add(&out->counters, &m.counters);
    }
}

int sfu_meeting_stats(const struct sfu *s, uint32_t meeting, struct sfu_meeting_stats *out)
{
    const struct sfu_meeting *m = sfu_meeting_of(s, meeting);
    if (m == NULL)
        return CONCLAVE_ENOTFOUND;
    meeting_stats(m, out);
    return 0;
}

static void count_states(const struct sfu_receiver *r, struct sfu_peer_stats *out)
{
    for (unsigned i = 0; i < r->n_wanted; i++) {
        const struct sfu_sink *k = &r->sinks[r->order[i]];
        if (k->source != NULL)
            out->flowing++;
        else if (k->narrow)
            out->narrow++;
        else
            out->waiting++;
    }
}

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
        stats.rtt_us = (uint32_t)p->receiver->rtt_us;
        stats.loss_out = b->heard ? b->loss : p->receiver->loss;
        stats.bandwidth = sfu_bandwidth_now(b);
        stats.rate_out = 8 * sfu_meter_rate(&b->rate_out, SFU_METER_BUCKETS, now_us);
        count_states(p->receiver, &stats);
    }
    *out = stats;
    return 0;
}
