#include "rtc/peer.h"

#include <stdlib.h>

#include "base/earlier.h"
#include "base/wipe.h"
#include "rtc/rtp.h"

struct peer {
    enum peer_role role;
    enum dtls_role dtls_role;
    struct aead_engine *engine;
    struct ice_lite lite;     /* of a server */
    struct ice_client client; /* of a client */
    struct dtls *dtls;
    bool dtls_started;
    struct srtp *sealing, *opening; /* NULL until there are keys */
    uint64_t setup_end_us;

    /* A server answers a handshake where it comes from: the client has settled on a path for it,
     * which may be another than the one the server has in mind just then. */
    struct rtc_address handshake_from;
    struct rtc_address handshake_to; /* where it was answered: see prove() */
    bool handshake_elsewhere;        /* and in another place */

    /* What peer_next() is to hand out. */
    struct buf stun; /* an answer, or a check */
    struct rtc_address stun_to;
    enum peer_effect_kind opened; /* RTP, RTCP or NOTHING */
    uint8_t *packet;
    size_t packet_n;
    enum peer_reason reason;    /* 0: not closed */
    enum peer_effect_kind told; /* NOTHING, CONNECTED, LOST or CLOSED */
};

static int set_up_ice(struct peer *p, const struct peer_config *config)
{
    if (p->role == PEER_SERVER) {
        struct ice_lite_config c = {.local = config->local, .remote = config->remote};
        /* its handshake could start towards one path and go on along another, proving neither */
        if (config->dtls_role == DTLS_CLIENT && config->remote.pwd.n == 0)
            return CONCLAVE_EINVAL;
        memcpy(c.seed, config->seed, ICE_SEED);
        int rv = ice_lite_init(&p->lite, &c);
        wipe(&c, sizeof c);
        return rv;
    }
    struct ice_client_config c = {.local = config->local,
                                  .remote = config->remote,
                                  .candidates = config->candidates,
                                  .n = config->n_candidates,
                                  .nomination = config->nomination};
    memcpy(c.seed, config->seed, ICE_SEED);
    int rv = ice_client_init(&p->client, &c);
    wipe(&c, sizeof c);
    return rv;
}

int peer_new(const struct peer_config *config, uint64_t now_us, struct peer **out)
{
    struct peer *p = calloc(1, sizeof *p);
    if (p == NULL)
        return CONCLAVE_ENOMEM;
    p->role = config->role;
    p->dtls_role = config->dtls_role;
    p->engine = config->engine;
    p->setup_end_us = now_us + (config->setup_us != 0 ? config->setup_us : PEER_SETUP_US);
    int rv = set_up_ice(p, config);
    if (rv == 0)
        rv = dtls_new(config->identity, config->dtls_role, config->fingerprint, &p->dtls);
    if (rv != 0) {
        peer_free(p);
        return rv;
    }
    *out = p;
    return 0;
}

void peer_free(struct peer *p)
{
    if (p == NULL)
        return;
    srtp_free(p->sealing);
    srtp_free(p->opening);
    dtls_free(p->dtls);
    buf_free(&p->stun);
    wipe(p, sizeof *p);
    free(p);
}

/* ---- The path ---- */

/* The way ICE has found, proven or not; NULL: none. */
static const struct rtc_address *way(const struct peer *p, uint64_t now_us)
{
    if (p->role == PEER_CLIENT)
        return ice_client_remote(&p->client, now_us);
    const struct ice_path *path = ice_lite_remote(&p->lite, now_us);
    return path != NULL ? &path->address : NULL;
}

const struct rtc_address *peer_remote(const struct peer *p, uint64_t now_us)
{
    if (p->sealing == NULL || p->reason != 0)
        return NULL;
    if (p->role == PEER_SERVER && p->lite.selected != NULL && !p->lite.selected->proven)
        return NULL;
    return way(p, now_us);
}

bool peer_knows(const struct peer *p, const struct rtc_address *from, uint64_t now_us)
{
    return p->role == PEER_SERVER ? ice_lite_knows(&p->lite, from, now_us)
                                  : ice_client_knows(&p->client, from);
}

/* Who finishes the handshake has received what was sent there, if it was sent nowhere else. */
static void prove(struct peer *p)
{
    if (p->role == PEER_SERVER && p->handshake_to.family != RTC_NO_FAMILY &&
        !p->handshake_elsewhere)
        ice_lite_prove(&p->lite, &p->handshake_to);
}

static void remember_way(struct peer *p, const struct rtc_address *to)
{
    if (p->handshake_to.family == RTC_NO_FAMILY)
        p->handshake_to = *to;
    else if (!rtc_address_equal(&p->handshake_to, to))
        p->handshake_elsewhere = true;
}

/* ---- What happens ---- */

static void close_for(struct peer *p, enum peer_reason reason)
{
    if (p->reason != 0)
        return;
    p->reason = reason;
    dtls_close(p->dtls);
}

/* RFC 5764 4.2: what the handshake was for. */
static int make_sessions(struct peer *p)
{
    struct dtls_srtp_keys k;
    struct srtp *sealing = NULL, *opening = NULL;
    int rv = dtls_srtp_keys(p->dtls, &k);
    if (rv == 0)
        rv = srtp_new(p->engine, SRTP_AEAD_AES_256_GCM, SRTP_SEALING,
                      bytes_of(k.seal_key, sizeof k.seal_key),
                      bytes_of(k.seal_salt, sizeof k.seal_salt), &sealing);
    if (rv == 0)
        rv = srtp_new(p->engine, SRTP_AEAD_AES_256_GCM, SRTP_OPENING,
                      bytes_of(k.open_key, sizeof k.open_key),
                      bytes_of(k.open_salt, sizeof k.open_salt), &opening);
    wipe(&k, sizeof k);
    if (rv != 0) {
        srtp_free(sealing);
        return rv;
    }
    p->sealing = sealing;
    p->opening = opening;
    prove(p);
    return 0;
}

static int follow_dtls(struct peer *p, uint64_t now_us)
{
    if (p->dtls_role == DTLS_CLIENT && !p->dtls_started && way(p, now_us) != NULL) {
        p->dtls_started = true;
        return dtls_start(p->dtls, now_us);
    }
    switch (dtls_state(p->dtls)) {
    case DTLS_CONNECTING:
        return 0;
    case DTLS_CONNECTED:
        return p->sealing == NULL ? make_sessions(p) : 0;
    case DTLS_CLOSED:
        close_for(p, PEER_CLOSED_THERE);
        return 0;
    case DTLS_FAILED:
        close_for(p, PEER_HANDSHAKE_FAILED);
        return 0;
    }
    return CONCLAVE_EINTERNAL;
}

/* What follows from the state of the parts. */
static int follow(struct peer *p, uint64_t now_us)
{
    if (p->reason != 0)
        return 0;
    int rv = follow_dtls(p, now_us);
    if (rv != 0)
        return rv;
    bool ever = p->told != PEER_NOTHING || peer_remote(p, now_us) != NULL;
    if (!ever && p->role == PEER_CLIENT && ice_client_state(&p->client, now_us) == ICE_FAILED)
        close_for(p, PEER_NO_PATH);
    if (!ever && now_us >= p->setup_end_us)
        close_for(p, PEER_SETUP_TIMEOUT);
    return 0;
}

/* ---- In ---- */

static int input_stun(struct peer *p, struct bytes datagram, const struct rtc_address *from,
                      uint64_t now_us)
{
    buf_clear(&p->stun);
    p->stun_to = *from;
    return p->role == PEER_SERVER ? ice_lite_input(&p->lite, datagram, from, now_us, &p->stun)
                                  : ice_client_input(&p->client, datagram, from, now_us, &p->stun);
}

static int input_dtls(struct peer *p, struct bytes datagram, const struct rtc_address *from,
                      uint64_t now_us)
{
    if (p->sealing == NULL)
        p->handshake_from = *from;
    return dtls_input(p->dtls, datagram, now_us);
}

static int input_media(struct peer *p, uint8_t *datagram, size_t n)
{
    bool rtcp = rtp_is_rtcp(bytes_of(datagram, n));
    size_t opened = 0;
    if (p->opening == NULL)
        return CONCLAVE_EUNKNOWNKEY;
    int rv = (rtcp ? srtcp_open : srtp_open)(p->opening, datagram, n, &opened);
    if (rv != 0)
        return rv;
    p->opened = rtcp ? PEER_RTCP : PEER_RTP;
    p->packet = datagram;
    p->packet_n = opened;
    return 0;
}

/* RFC 7983 7. */
static int demultiplex(struct peer *p, uint8_t *datagram, size_t n, const struct rtc_address *from,
                       uint64_t now_us)
{
    struct bytes b = bytes_of(datagram, n);
    if (stun_is_likely(b))
        return input_stun(p, b, from, now_us);
    if (p->role == PEER_SERVER ? !ice_lite_arrived(&p->lite, from, n, now_us)
                               : !ice_client_knows(&p->client, from))
        return CONCLAVE_ESENDER;
    if (n != 0 && b.p[0] >= 128 && b.p[0] <= 191)
        return input_media(p, datagram, n);
    if (n != 0 && b.p[0] >= 20 && b.p[0] <= 63)
        return input_dtls(p, b, from, now_us);
    return CONCLAVE_ESYNTAX;
}

int peer_input(struct peer *p, uint8_t *datagram, size_t n, const struct rtc_address *from,
               uint64_t now_us)
{
    p->opened = PEER_NOTHING;
    if (p->reason != 0)
        return CONCLAVE_ESTATE;
    int rv = demultiplex(p, datagram, n, from, now_us);
    if (rv != 0 || p->opened != PEER_NOTHING)
        return rv;
    return follow(p, now_us);
}

uint64_t peer_deadline(const struct peer *p)
{
    if (p->reason != 0)
        return UINT64_MAX;
    uint64_t at = dtls_deadline(p->dtls);
    if (p->told == PEER_NOTHING)
        at = earlier(at, p->setup_end_us);
    if (p->role == PEER_CLIENT)
        return earlier(at, ice_client_deadline(&p->client));
    if (p->told == PEER_CONNECTED)
        at = earlier(at, ice_lite_consent_end(&p->lite));
    return earlier(at, ice_lite_deadline(&p->lite));
}

int peer_tick(struct peer *p, uint64_t now_us)
{
    if (p->reason != 0)
        return 0;
    dtls_tick(p->dtls, now_us);
    return follow(p, now_us);
}

/* ---- Out ---- */

static bool next_opened(struct peer *p, struct peer_effect *out)
{
    if (p->opened == PEER_NOTHING)
        return false;
    *out = (struct peer_effect){.kind = p->opened, .packet = p->packet, .packet_n = p->packet_n};
    p->opened = PEER_NOTHING;
    return true;
}

static bool next_datagram(struct peer *p, struct peer_effect *out)
{
    if (p->stun.n == 0)
        return false;
    *out = (struct peer_effect){.kind = PEER_SEND, .to = p->stun_to, .data = buf_view(&p->stun)};
    p->stun.n = 0; /* the bytes stay where they are until the next call */
    return true;
}

static int next_check(struct peer *p, uint64_t now_us)
{
    return p->role == PEER_SERVER ? ice_lite_next(&p->lite, now_us, &p->stun, &p->stun_to)
                                  : ice_client_next(&p->client, now_us, &p->stun, &p->stun_to);
}

static const struct rtc_address *handshake_way(const struct peer *p, uint64_t now_us)
{
    if (p->role == PEER_SERVER && ice_lite_knows(&p->lite, &p->handshake_from, now_us))
        return &p->handshake_from;
    return way(p, now_us);
}

/* What has no way to go, or may not go there yet, waits. */
static bool next_handshake(struct peer *p, uint64_t now_us, struct peer_effect *out)
{
    size_t n = dtls_pending(p->dtls);
    const struct rtc_address *to = n != 0 ? handshake_way(p, now_us) : NULL;
    struct bytes data;
    if (to == NULL || (p->role == PEER_SERVER && !ice_lite_spend(&p->lite, to, n)) ||
        !dtls_next(p->dtls, &data))
        return false;
    remember_way(p, to);
    *out = (struct peer_effect){.kind = PEER_SEND, .to = *to, .data = data};
    return true;
}

static enum peer_effect_kind situation(const struct peer *p, uint64_t now_us)
{
    if (p->reason != 0)
        return PEER_CLOSED;
    if (peer_remote(p, now_us) != NULL)
        return PEER_CONNECTED;
    return p->told == PEER_NOTHING ? PEER_NOTHING : PEER_LOST;
}

int peer_next(struct peer *p, uint64_t now_us, struct peer_effect *out)
{
    if (next_opened(p, out) || next_datagram(p, out))
        return 0;
    int rv = follow(p, now_us);
    if (rv == 0 && p->reason == 0)
        rv = next_check(p, now_us);
    if (rv != 0)
        return rv;
    if (next_datagram(p, out) || next_handshake(p, now_us, out))
        return 0;
    enum peer_effect_kind now = situation(p, now_us);
    *out = (struct peer_effect){.kind = now != p->told ? now : PEER_NOTHING, .reason = p->reason};
    p->told = now;
    return 0;
}

/* ---- Media out, and other ---- */

struct srtp *peer_sealing(struct peer *p)
{
    return p->sealing;
}

int peer_seal_rtp(struct peer *p, uint8_t *packet, size_t n, size_t cap, size_t *out_n)
{
    return p->sealing != NULL ? srtp_seal(p->sealing, packet, n, cap, out_n) : CONCLAVE_ESTATE;
}

int peer_seal_rtcp(struct peer *p, uint8_t *packet, size_t n, size_t cap, size_t *out_n)
{
    return p->sealing != NULL ? srtcp_seal(p->sealing, packet, n, cap, out_n) : CONCLAVE_ESTATE;
}

int peer_remove_stream(struct peer *p, uint32_t ssrc)
{
    if (p->sealing == NULL)
        return CONCLAVE_ESTATE;
    int rv = srtp_remove(p->sealing, ssrc);
    return rv == 0 ? srtp_remove(p->opening, ssrc) : rv;
}

int peer_restart(struct peer *p, const struct peer_config *config)
{
    if (p->reason != 0)
        return CONCLAVE_ESTATE;
    if (p->role == PEER_SERVER)
        return ice_lite_restart(&p->lite, config->local, config->remote);
    struct ice_client_config c = {.local = config->local,
                                  .remote = config->remote,
                                  .candidates = config->candidates,
                                  .n = config->n_candidates,
                                  .nomination = config->nomination};
    return ice_client_restart(&p->client, &c);
}

int peer_login(struct peer *p, struct ice_login remote, uint64_t now_us)
{
    return p->reason != 0 || p->role != PEER_SERVER ? CONCLAVE_ESTATE
                                                    : ice_lite_login(&p->lite, remote, now_us);
}

void peer_recheck(struct peer *p)
{
    if (p->role == PEER_CLIENT && p->reason == 0)
        ice_client_recheck(&p->client);
}

void peer_close(struct peer *p)
{
    close_for(p, PEER_CLOSED_HERE);
}

uint64_t peer_rtt_us(const struct peer *p)
{
    return p->role == PEER_CLIENT ? p->client.rtt_us : 0;
}
