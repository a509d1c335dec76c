#include <stdlib.h>
#include <string.h>

#include "sfu/inside.h"

struct sfu_peer *sfu_peer_of(const struct sfu *s, uint32_t number)
{
    return u32map_get(&s->peers, number);
}

/* The id by which a transport knows an extension; 0: it does not. */
static uint8_t id_of(const struct rtp_ext_map *map, enum rtp_ext_id meaning)
{
    for (uint8_t id = 1; id <= RTP_EXT_MAPPED_MAX; id++)
        if (map->meaning[id] == meaning)
            return id;
    return 0;
}

static void map_init(struct sfu_peer *p, const struct rtp_ext_map *map)
{
    static const enum rtp_ext_id own[] = {
        RTP_EXT_MID,          RTP_EXT_RID,           RTP_EXT_REPAIRED_RID,
        RTP_EXT_TRANSPORT_CC, RTP_EXT_ABS_SEND_TIME, RTP_EXT_DEPENDENCY_DESCRIPTOR,
        RTP_EXT_AUDIO_LEVEL,
    };
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        p->map.meaning[own[i]] = (uint8_t)own[i];
    if (map != NULL)
        p->map = *map;
    p->id_transport_cc = id_of(&p->map, RTP_EXT_TRANSPORT_CC);
    p->id_level = id_of(&p->map, RTP_EXT_AUDIO_LEVEL);
}

static void sink_init(struct sfu *s, struct sfu_peer *p, unsigned i,
                      const struct sfu_peer_config *config)
{
    struct sfu_sink *k = &p->receiver->sinks[i];
    bool is_audio = i < p->receiver->n_audio;
    k->peer = p;
    k->index = (uint8_t)i;
    k->is_audio = is_audio;
    k->ssrc = p->ssrc + 1 + 2 * i;
    k->rtx_ssrc = is_audio || config->rtx_payload_type == 0 ? 0 : k->ssrc + 1;
    k->payload_type = is_audio ? config->audio_payload_type : config->video_payload_type;
    k->wish = SFU_NO_LAYER;
    k->rtx_sequence = (uint16_t)sfu_draw(s);
    sfu_rewrite_init(&k->rewrite, (uint16_t)sfu_draw(s), sfu_draw(s));
}

static int receiver_new(struct sfu *s, struct sfu_peer *p, const struct sfu_peer_config *config,
                        uint64_t now_us)
{
    unsigned n_audio = p->meeting->audio_slots;
    unsigned n = n_audio + p->meeting->video_slots;
    struct sfu_receiver *r = calloc(1, sizeof *r + n * sizeof r->sinks[0]);
    if (r == NULL)
        return CONCLAVE_ENOMEM;
    p->receiver = r;
    r->n_audio = n_audio;
    r->n_video = n - n_audio;
    r->tokens = SFU_RESEND_BURST;
    r->tokens_us = now_us;
    sfu_bandwidth_init(&r->bandwidth, now_us);
    for (unsigned i = 0; i < n; i++)
        sink_init(s, p, i, config);
    return 0;
}

static bool config_valid(const struct sfu *s, uint32_t number, const struct sfu_peer_config *c)
{
    return (c->sends || c->receives) && c->leaf < SFU_LEAVES && c->audio_payload_type <= 127 &&
           c->video_payload_type <= 127 && c->rtx_payload_type <= 127 &&
           sfu_meeting_of(s, c->meeting) != NULL && sfu_peer_of(s, number) == NULL;
}

/* The parts of a peer that are nobody else's yet. */
static int peer_new(struct sfu *s, struct sfu_meeting *m, const struct sfu_peer_config *config,
                    uint64_t now_us, struct sfu_peer **out)
{
    struct sfu_peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return CONCLAVE_ENOMEM;
    int rv = 0;
    p->meeting = m;
    p->ssrc = sfu_draw(s) & 0xffffff00u; /* room for those of the sinks */
    p->rtx_payload_type = config->rtx_payload_type;
    map_init(p, config->extensions);
    if (config->receives)
        rv = receiver_new(s, p, config, now_us);
    if (rv == 0 && config->sends && (p->sender = calloc(1, sizeof *p->sender)) == NULL)
        rv = CONCLAVE_ENOMEM;
    if (rv != 0) {
        free(p->receiver);
        free(p);
        return rv;
    }
    *out = p;
    return 0;
}

static void peer_delete(struct sfu_peer *p)
{
    free(p->sender);
    free(p->receiver);
    free(p);
}

int sfu_peer_attach(struct sfu *s, uint32_t number, const struct sfu_peer_config *config,
                    const struct sfu_transport *transport, void *ctx, uint64_t now_us,
                    struct sfu_peer **out)
{
    struct sfu_member *member = NULL;
    struct sfu_peer *p = NULL;
    if (!config_valid(s, number, config))
        return CONCLAVE_EINVAL;
    struct sfu_meeting *m = sfu_meeting_of(s, config->meeting);
    if (s->peers_all.n == SFU_PEERS)
        return CONCLAVE_ELIMIT;
    int rv = sfu_member_make(m, config->leaf, &member);
    if (rv != 0)
        return rv;
    if (member->peers.n == SFU_LEAF_PEERS)
        rv = CONCLAVE_ELIMIT;
    if (rv == 0)
        rv = peer_new(s, m, config, now_us, &p);
    if (rv == 0)
        rv = u32map_put(&s->peers, number, p);
    if (rv != 0) {
        if (p != NULL)
            peer_delete(p);
        sfu_member_drop(m, member);
        return rv;
    }
    p->number = number;
    p->of = member;
    p->transport = transport;
    p->transport_ctx = ctx;
    p->report_us = now_us + sfu_draw(s) % SFU_REPORT_US; /* not all at once */
    if (s->peers_all.n == 0)
        s->tick_us = now_us;
    list_put(&s->peers_all, &p->all);
    list_put(&member->peers, &p->member);
    sfu_assign_voices_of(s, p);
    *out = p;
    return 0;
}

static struct sfu_slot slot_of(const struct sfu_sink *k)
{
    return (struct sfu_slot){k->ssrc, k->rtx_ssrc};
}

void sfu_peer_answer_slots(const struct sfu_peer *p, struct sfu_peer_answer *out)
{
    const struct sfu_receiver *r = p->receiver;
    out->n_audio = r == NULL ? 0 : r->n_audio;
    out->n_video = r == NULL ? 0 : r->n_video;
    for (size_t i = 0; i < out->n_audio; i++)
        out->audio[i] = slot_of(&r->sinks[i]);
    for (size_t i = 0; i < out->n_video; i++)
        out->video[i] = slot_of(&r->sinks[out->n_audio + i]);
}

void sfu_peer_up(struct sfu *s, struct sfu_peer *p, const struct rtc_address *address,
                 uint64_t now_us)
{
    sfu_outbox_move(&p->lane, address);
    if (p->state == SFU_LINK_UP)
        return;
    p->state = SFU_LINK_UP;
    p->say_state = true;
    sfu_mark_peer(s, p);
    if (p->receiver == NULL)
        return;
    sfu_bandwidth_renew(&p->receiver->bandwidth, now_us);
    p->receiver->choose_us = now_us;
}

void sfu_peer_lost(struct sfu *s, struct sfu_peer *p)
{
    if (p->state == SFU_LINK_LOST)
        return;
    p->state = SFU_LINK_LOST;
    p->say_state = true;
    sfu_stop_pictures(s, p);
    sfu_mark_peer(s, p);
}

void sfu_peer_free(struct sfu *s, struct sfu_peer *p)
{
    struct sfu_meeting *m = p->meeting;
    for (int kind = 0; p->sender != NULL && kind < SFU_KINDS; kind++)
        if (p->sender->publications[kind] != NULL)
            sfu_publication_free(s, p->sender->publications[kind]);
    sfu_stop_pictures(s, p);
    for (unsigned i = 0; p->receiver != NULL && i < p->receiver->n_audio; i++)
        sfu_sink_leave(s, &p->receiver->sinks[i]);
    for (unsigned i = 0; p->receiver != NULL && i < p->receiver->n_video; i++)
        sfu_sink_fade_out(&p->receiver->sinks[p->receiver->n_audio + i]);
    sfu_link_fini(s, p);
    u32map_take(&s->peers, p->number);
    list_take(&s->peers_all, &p->all);
    list_take(&p->of->peers, &p->member);
    list_take(&s->marked_peers, &p->marked);
    sfu_outbox_close(&s->outbox, &p->lane);
    sfu_counters_add(&m->counters, &p->counters);
    sfu_member_drop(m, p->of);
    p->transport->free(p->transport_ctx);
    peer_delete(p);
}

void sfu_peer_close(struct sfu *s, uint32_t peer)
{
    struct sfu_peer *p = sfu_peer_of(s, peer);
    if (p != NULL)
        sfu_peer_free(s, p);
}

void sfu_peer_tick(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    struct sfu_receiver *r = p->receiver;
    sfu_link_tick(s, p, now_us);
    if (p->state != SFU_LINK_UP)
        return;
    for (int kind = 0; p->sender != NULL && kind < SFU_KINDS; kind++)
        if (p->sender->publications[kind] != NULL)
            sfu_publication_tick(s, p->sender->publications[kind], now_us);
    if (r != NULL) {
        if (now_us >= r->choose_us)
            sfu_choose_layers(s, p, now_us);
        size_t padding = sfu_bandwidth_tick(&r->bandwidth, now_us);
        if (padding != 0)
            sfu_pad(s, p, padding, now_us);
    }
    sfu_report(s, p, now_us);
}
