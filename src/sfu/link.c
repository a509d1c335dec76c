/* Peers over rtc/peer.h: datagrams in, and what their transports want done. */
#include <string.h>

#include <conclave/crypto.h>

#include "base/wipe.h"
#include "rtc/peer.h"
#include "sfu/inside.h"

/* ---- Sealing ---- */

static int seal_rtp(void *ctx, uint8_t *packet, size_t header_n, size_t cap, struct bytes payload,
                    size_t *out_n)
{
    struct srtp_job job = {
        .srtp = peer_sealing(ctx), .packet = packet, .header_n = header_n, .cap = cap};
    if (job.srtp == NULL)
        return CONCLAVE_ESTATE;
    srtp_seal_each(&job, 1, payload);
    *out_n = job.out_n;
    return job.result;
}

static int seal_rtcp(void *ctx, uint8_t *packet, size_t n, size_t cap, size_t *out_n)
{
    return peer_seal_rtcp(ctx, packet, n, cap, out_n);
}

static void free_peer(void *ctx)
{
    peer_free(ctx);
}

static void announce_peer(void *ctx)
{
    const struct srtp *srtp = peer_sealing(ctx);
    if (srtp != NULL)
        srtp_prefetch(srtp);
}

static const struct sfu_transport transport_rtc = {seal_rtp, seal_rtcp, free_peer, announce_peer};

/* ---- Making ---- */

/* RFC 8445 5.3: at least 128 bits. */
#define PWD_BYTES 30

static int draw_login(struct sfu *s, uint32_t *out_number, struct sfu_peer_answer *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[PWD_BYTES];
    uint32_t number;
    int rv = crypto_random(s->config.crypto, random, sizeof random);
    if (rv != 0)
        return rv;
    for (size_t i = 0; i < PWD_BYTES; i++)
        out->pwd[i] = letters[random[i] & 63];
    wipe(random, sizeof random);
    out->pwd[PWD_BYTES] = '\0';
    do
        number = sfu_draw(s);
    while (u32map_get(&s->ufrags, number) != NULL);
    sfu_ufrag_write(number, out->ufrag);
    out->ufrag[SFU_UFRAG] = '\0';
    *out_number = number;
    return 0;
}

static struct ice_login login_of(const struct sfu_peer_answer *a)
{
    return (struct ice_login){bytes_str(a->ufrag), bytes_str(a->pwd)};
}

static int peer_make(struct sfu *s, const struct sfu_peer_config *config,
                     const struct sfu_peer_answer *answer, uint64_t now_us, struct peer **out)
{
    struct peer_config c = {
        .role = PEER_SERVER,
        .dtls_role = DTLS_SERVER,
        .identity = s->config.identity,
        .engine = s->config.engine,
        .local = login_of(answer),
        .remote = {config->ufrag, config->pwd},
    };
    if (config->fingerprint.n != sizeof c.fingerprint)
        return CONCLAVE_EINVAL;
    memcpy(c.fingerprint, config->fingerprint.p, sizeof c.fingerprint);
    int rv = crypto_random(s->config.crypto, c.seed, sizeof c.seed);
    if (rv == 0)
        rv = peer_new(&c, now_us, out);
    wipe(c.seed, sizeof c.seed);
    return rv;
}

/* With what there is besides the login. */
static void give_answer(const struct sfu *s, struct sfu_peer *p, struct sfu_peer_answer *answer,
                        struct sfu_peer_answer *out)
{
    memcpy(answer->fingerprint, dtls_identity_fingerprint(s->config.identity), SFU_FINGERPRINT);
    sfu_peer_answer_slots(p, answer);
    *out = *answer;
}

int sfu_peer_open(struct sfu *s, uint32_t peer, const struct sfu_peer_config *config,
                  uint64_t now_us, struct sfu_peer_answer *out)
{
    struct sfu_peer_answer answer = {0};
    struct sfu_peer *p = NULL;
    struct peer *rtc = NULL;
    uint32_t ufrag = 0;
    int rv = draw_login(s, &ufrag, &answer);
    if (rv == 0)
        rv = peer_make(s, config, &answer, now_us, &rtc);
    if (rv == 0)
        rv = u32map_reserve(&s->ufrags, 1);
    if (rv == 0)
        rv = sfu_peer_attach(s, peer, config, &transport_rtc, rtc, now_us, &p);
    if (rv == 0)
        rv = u32map_put(&s->ufrags, ufrag, p); /* has its place */
    if (rv != 0) {
        peer_free(rtc);
        goto out;
    }
    p->rtc = rtc;
    p->ufrag = ufrag;
    p->due_us = now_us;
    give_answer(s, p, &answer, out);
out:
    wipe(&answer, sizeof answer);
    return rv;
}

int sfu_peer_restart(struct sfu *s, uint32_t peer, struct bytes ufrag, struct bytes pwd,
                     struct sfu_peer_answer *out)
{
    struct sfu_peer *p = sfu_peer_of(s, peer);
    struct sfu_peer_answer answer = {0};
    uint32_t number = 0;
    if (p == NULL || p->rtc == NULL)
        return CONCLAVE_ENOTFOUND;
    int rv = draw_login(s, &number, &answer);
    if (rv == 0)
        rv = u32map_reserve(&s->ufrags, 1);
    if (rv == 0)
        rv = peer_restart(
            p->rtc, &(struct peer_config){.local = login_of(&answer), .remote = {ufrag, pwd}});
    if (rv == 0)
        rv = u32map_put(&s->ufrags, number, p); /* has its place */
    if (rv != 0)
        goto out;
    /* checks under the name before this one still keep consent (RFC 8445 9) */
    if (p->has_past)
        u32map_take(&s->ufrags, p->past_ufrag);
    p->past_ufrag = p->ufrag;
    p->has_past = true;
    p->ufrag = number;
    give_answer(s, p, &answer, out);
out:
    wipe(&answer, sizeof answer);
    return rv;
}

int sfu_peer_login(struct sfu *s, uint32_t peer, struct bytes ufrag, struct bytes pwd,
                   uint64_t now_us)
{
    struct sfu_peer *p = sfu_peer_of(s, peer);
    if (p == NULL || p->rtc == NULL)
        return CONCLAVE_ENOTFOUND;
    int rv = peer_login(p->rtc, (struct ice_login){ufrag, pwd}, now_us);
    if (rv == 0)
        p->due_us = peer_deadline(p->rtc);
    return rv;
}

/* ---- Doing ---- */

/* To wherever it belongs; nobody's lane. */
static void send_control(struct sfu *s, const struct rtc_address *to, struct bytes data)
{
    uint8_t *at = NULL;
    sfu_outbox_move(&s->control, to);
    if (data.n <= SFU_BLOCK)
        at = sfu_outbox_reserve(&s->outbox, &s->control, data.n, SFU_OF_CONTROL);
    if (at == NULL) {
        s->counters.dropped_control++;
        return;
    }
    memcpy(at, data.p, data.n);
    sfu_outbox_commit(&s->outbox, &s->control, data.n);
}

static void carry_out(struct sfu *s, struct sfu_peer *p, const struct peer_effect *e,
                      uint64_t now_us)
{
    switch (e->kind) {
    case PEER_SEND:
        send_control(s, &e->to, e->data);
        break;
    case PEER_RTP:
        sfu_rtp(s, p, e->packet, e->packet_n, now_us);
        break;
    case PEER_RTCP:
        sfu_rtcp(s, p, bytes_of(e->packet, e->packet_n), now_us);
        break;
    case PEER_CONNECTED:
        sfu_peer_up(s, p, peer_remote(p->rtc, now_us), now_us);
        break;
    case PEER_LOST:
    case PEER_CLOSED:
        sfu_peer_lost(s, p);
        break;
    default:
        break;
    }
}

/* Until there is nothing more. When memory is short the rest is done at the next tick. */
static void carry_on(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    struct peer_effect e;
    while (peer_next(p->rtc, now_us, &e) == 0 && e.kind != PEER_NOTHING)
        carry_out(s, p, &e, now_us);
    p->due_us = peer_deadline(p->rtc);
}

void sfu_link_tick(struct sfu *s, struct sfu_peer *p, uint64_t now_us)
{
    if (p->rtc == NULL || now_us < p->due_us)
        return;
    if (peer_tick(p->rtc, now_us) != 0)
        s->counters.dropped_control++;
    carry_on(s, p, now_us);
}

void sfu_link_fini(struct sfu *s, struct sfu_peer *p)
{
    struct peer_effect e;
    if (p->rtc == NULL)
        return;
    peer_close(p->rtc);
    while (peer_next(p->rtc, s->now_us, &e) == 0 && e.kind == PEER_SEND) /* goodbye */
        send_control(s, &e.to, e.data);
    u32map_take(&s->ufrags, p->ufrag);
    if (p->has_past)
        u32map_take(&s->ufrags, p->past_ufrag);
    sfu_demux_forget(&s->demux, &p->ways);
}

/* ---- Datagrams ---- */

/* RFC 8445 7.2.2: whom a check is for stands before the colon. */
static struct sfu_peer *named_in(const struct sfu *s, struct bytes datagram)
{
    struct stun_message m;
    uint32_t number;
    if (stun_read(datagram, &m) != 0 || m.class != STUN_REQUEST || !m.has_username)
        return NULL;
    const uint8_t *colon = memchr(m.username.p, ':', m.username.n);
    if (colon == NULL ||
        !sfu_ufrag_read(bytes_of(m.username.p, (size_t)(colon - m.username.p)), &number))
        return NULL;
    return u32map_get(&s->ufrags, number);
}

static struct sfu_peer *whose(const struct sfu *s, struct bytes datagram,
                              const struct rtc_address *from)
{
    struct sfu_peer *p = stun_is_likely(datagram) ? named_in(s, datagram) : NULL;
    return p != NULL ? p : sfu_demux_find(&s->demux, from);
}

/* A check may have shown another address, or chosen one. */
static void follow_ways(struct sfu *s, struct sfu_peer *p, const struct rtc_address *from,
                        uint64_t now_us)
{
    const struct rtc_address *to = peer_remote(p->rtc, now_us);
    if (peer_knows(p->rtc, from, now_us))
        sfu_demux_put(&s->demux, &p->ways, p, from, now_us);
    if (p->state == SFU_LINK_UP && to != NULL && !rtc_address_equal(to, &p->lane.to))
        sfu_outbox_move(&p->lane, to);
}

/* For sfu_config.plain_ingest: RTP as it is, by its SSRC. */
static bool take_plain(struct sfu *s, uint8_t *packet, size_t n, uint64_t now_us)
{
    struct rtp_header h;
    bool rtx;
    if (!s->config.plain_ingest || rtp_header_read(bytes_of(packet, n), &h) != 0)
        return false;
    for (struct link *k = list_first(&s->peers_all); k != NULL; k = list_next(&s->peers_all, k)) {
        struct sfu_peer *p = LIST_OWNER(k, struct sfu_peer, all);
        if (p->sender == NULL || sfu_source_of(p->sender, h.ssrc, &rtx) == NULL)
            continue;
        sfu_rtp(s, p, packet, n, now_us);
        return true;
    }
    return false;
}

bool sfu_input(struct sfu *s, uint8_t *datagram, size_t n, const struct rtc_address *from,
               uint64_t now_us)
{
    struct bytes view = bytes_of(datagram, n);
    struct sfu_peer *p = whose(s, view, from);
    s->now_us = now_us;
    if (p == NULL) {
        s->counters.refused += !take_plain(s, datagram, n, now_us);
        return s->outbox.n_free < SFU_BLOCKS / 2;
    }
    bool check = stun_is_likely(view);
    int rv = peer_input(p->rtc, datagram, n, from, now_us);
    p->counters.refused += rv != 0;
    if (rv == 0 && check)
        follow_ways(s, p, from, now_us);
    if (rv == 0)
        carry_on(s, p, now_us);
    return s->outbox.n_free < SFU_BLOCKS / 2;
}
