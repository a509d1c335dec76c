#include "support/peer_world.h"

/* cmocka wants these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/rtp.h"
#include "wire/writer.h"

#define SSRC 0x5eed0000u
#define PAYLOAD 160

struct logins {
    char ufrag[2][16], pwd[2][40];
};

static struct ice_login login_of(struct logins *l, enum peer_role role, unsigned generation)
{
    (void)snprintf(l->ufrag[role], sizeof l->ufrag[role], "uf%d+%u", (int)role, generation);
    (void)snprintf(l->pwd[role], sizeof l->pwd[role], "password+of+%d+in+generation+%u", (int)role,
                   generation);
    return (struct ice_login){bytes_str(l->ufrag[role]), bytes_str(l->pwd[role])};
}

/* As signalling would bring it about. */
static struct peer_config config_of(struct peer_world *w, enum peer_role role, struct logins *l)
{
    enum peer_role other = role == PEER_SERVER ? PEER_CLIENT : PEER_SERVER;
    bool is_dtls_server = (role == PEER_SERVER) == (w->config.server_dtls == DTLS_SERVER);
    struct peer_config c = {
        .role = role,
        .dtls_role = is_dtls_server ? DTLS_SERVER : DTLS_CLIENT,
        .identity = w->side[role].id,
        .engine = w->engine,
        .local = login_of(l, role, w->generation),
        .remote = login_of(l, other, w->generation),
        .candidates = w->server,
        .n_candidates = 2,
        .nomination = w->config.nomination,
    };
    if (role == PEER_SERVER && w->config.remote_unknown)
        c.remote = (struct ice_login){0};
    memcpy(c.fingerprint, dtls_identity_fingerprint(w->side[other].id), DTLS_FINGERPRINT);
    if (w->config.wrong_fingerprint == 1 + (unsigned)role)
        c.fingerprint[7] ^= 1;
    random_fill(&w->random, c.seed, sizeof c.seed);
    return c;
}

static void set_client_host(struct peer_world *w, uint8_t host)
{
    const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = 1, [15] = host};
    w->client[0] = rtc_address_ipv4((const uint8_t[]){198, 51, 100, host}, 5000);
    w->client[1] = rtc_address_ipv6(ipv6, 5000);
}

void peer_world_open(struct peer_world *w, const struct peer_world_config *config)
{
    const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    *w = (struct peer_world){
        .config = *config, .random = {config->seed}, .now_us = PEER_WORLD_START};
    w->server[0] = rtc_address_ipv4((const uint8_t[]){192, 0, 2, 1}, 3478);
    w->server[1] = rtc_address_ipv6(ipv6, 3478);
    set_client_host(w, 1);
    assert_int_equal(aead_engine_new(AEAD_BEST, &w->engine), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(dtls_identity_new(w->now_us, &w->side[i].id), 0);
    for (size_t i = 0; i < 2; i++) {
        struct logins l;
        struct peer_config c = config_of(w, (enum peer_role)i, &l);
        assert_int_equal(peer_new(&c, w->now_us, &w->side[i].peer), 0);
    }
}

void peer_world_close(struct peer_world *w)
{
    for (size_t i = 0; i < 2; i++) {
        peer_free(w->side[i].peer);
        dtls_identity_free(w->side[i].id);
    }
    aead_engine_free(w->engine);
}

/* ---- The network ---- */

static bool is_carried(const struct peer_world *w, const struct rtc_address *to)
{
    return !w->cut && !(to->family == RTC_IPV4 ? w->config.no_ipv4 : w->config.no_ipv6);
}

static void put_one(struct peer_world *w, bool to_client, struct rtc_address from,
                    struct rtc_address to, struct bytes data)
{
    uint64_t jitter = w->config.jitter_us != 0 ? random_below(&w->random, w->config.jitter_us) : 0;
    for (size_t i = 0; i < PEER_WORLD_FLIGHT; i++) {
        struct peer_world_datagram *d = &w->flight[i];
        if (d->used)
            continue;
        *d = (struct peer_world_datagram){.used = true,
                                          .to_client = to_client,
                                          .at_us = w->now_us + w->config.delay_us + jitter,
                                          .from = from,
                                          .to = to,
                                          .n = data.n};
        assert_true(data.n <= sizeof d->data);
        memcpy(d->data, data.p, data.n);
        return;
    }
    fail_msg("more datagrams under way than there is room for");
}

/* The address that somebody with these has towards an address of this family. */
static struct rtc_address own(const struct rtc_address pair[2], const struct rtc_address *towards)
{
    return pair[towards->family == RTC_IPV6];
}

static void transmit(struct peer_world *w, enum peer_role role, struct rtc_address to,
                     struct bytes data)
{
    bool to_client = role == PEER_SERVER;
    struct rtc_address from = own(to_client ? w->server : w->client, &to);
    w->side[role].bytes_out += data.n + ICE_DATAGRAM_OVERHEAD;
    if (!is_carried(w, &to) || random_chance(&w->random, w->config.loss))
        return;
    put_one(w, to_client, from, to, data);
    if (random_chance(&w->random, w->config.twice))
        put_one(w, to_client, from, to, data);
}

static void check_media(struct peer_world_side *s, const struct peer_effect *e, unsigned from)
{
    struct rtp_packet p;
    if (e->kind == PEER_RTCP) {
        assert_int_equal(e->packet_n, 8);
        s->rtcp_in++;
        return;
    }
    assert_int_equal(rtp_packet_read(bytes_of(e->packet, e->packet_n), &p), 0);
    assert_int_equal(p.header.ssrc, SSRC + from);
    assert_int_equal(p.payload.n, PAYLOAD);
    for (size_t i = 0; i < PAYLOAD; i++)
        assert_int_equal(p.payload.p[i], (uint8_t)(p.header.sequence + i));
    s->rtp_in++;
}

static void carry_out(struct peer_world *w, enum peer_role role, const struct peer_effect *e)
{
    struct peer_world_side *s = &w->side[role];
    switch (e->kind) {
    case PEER_SEND:
        transmit(w, role, e->to, e->data);
        break;
    case PEER_RTP:
    case PEER_RTCP:
        check_media(s, e, 1 - (unsigned)role);
        break;
    case PEER_CONNECTED:
        s->connected++;
        s->connected_us = w->now_us;
        assert_non_null(peer_remote(s->peer, w->now_us));
        break;
    case PEER_LOST:
        s->lost++;
        assert_null(peer_remote(s->peer, w->now_us));
        break;
    case PEER_CLOSED:
        s->closed++;
        s->reason = e->reason;
        assert_null(peer_remote(s->peer, w->now_us));
        break;
    case PEER_NOTHING:
        break;
    }
}

static void pull(struct peer_world *w, enum peer_role role)
{
    struct peer_effect e = {.kind = PEER_SEND};
    for (unsigned n = 0; e.kind != PEER_NOTHING; n++) {
        assert_int_equal(peer_next(w->side[role].peer, w->now_us, &e), 0);
        assert_true(n < 100);
        carry_out(w, role, &e);
    }
}

static int arrive(struct peer_world *w, enum peer_role role, struct rtc_address from, uint8_t *data,
                  size_t n)
{
    w->side[role].bytes_in += n + ICE_DATAGRAM_OVERHEAD;
    int rv = peer_input(w->side[role].peer, data, n, &from, w->now_us);
    assert_int_not_equal(conclave_error_class(rv), CONCLAVE_CLASS_SYSTEM);
    pull(w, role);
    return rv;
}

int peer_world_inject(struct peer_world *w, struct bytes datagram, struct rtc_address from)
{
    uint8_t copy[PEER_WORLD_DATAGRAM];
    assert_true(datagram.n <= sizeof copy);
    memcpy(copy, datagram.p, datagram.n);
    return arrive(w, PEER_SERVER, from, copy, datagram.n);
}

/* A client that has moved is not where it was: what goes there goes nowhere. */
static void deliver(struct peer_world *w, struct peer_world_datagram *d)
{
    struct peer_world_datagram copy = *d;
    d->used = false;
    if (copy.to_client) {
        struct rtc_address home = own(w->client, &copy.to);
        if (!rtc_address_equal(&home, &copy.to)) {
            w->strangers_bytes += copy.n + ICE_DATAGRAM_OVERHEAD;
            return;
        }
    }
    (void)arrive(w, copy.to_client ? PEER_CLIENT : PEER_SERVER, copy.from, copy.data, copy.n);
}

/* ---- Time ---- */

static void talk(struct peer_world *w, enum peer_role role)
{
    struct peer_world_side *s = &w->side[role];
    const struct rtc_address *to = peer_remote(s->peer, w->now_us);
    uint8_t payload[PAYLOAD], report[8 + SRTCP_OVERHEAD] = {0x80, 201, 0, 1};
    struct rtp_packet p = {.header = {.payload_type = 96, .ssrc = SSRC + (unsigned)role},
                           .payload = bytes_of(payload, sizeof payload)};
    struct buf b = {0};
    size_t n = 0;
    if (to == NULL)
        return;
    p.header.sequence = s->sequence++;
    for (size_t i = 0; i < PAYLOAD; i++)
        payload[i] = (uint8_t)(p.header.sequence + i);
    assert_int_equal(rtp_packet_write(&p, &b), 0);
    assert_int_equal(buf_reserve(&b, SRTP_OVERHEAD), 0);
    assert_int_equal(peer_seal_rtp(s->peer, b.p, b.n, b.cap, &n), 0);
    transmit(w, role, *to, bytes_of(b.p, n));
    s->rtp_out++;
    if (p.header.sequence % 50 == 0) {
        report[7] = (uint8_t)(1 + role);
        assert_int_equal(peer_seal_rtcp(s->peer, report, 8, sizeof report, &n), 0);
        transmit(w, role, *to, bytes_of(report, n));
    }
    buf_free(&b);
}

static uint64_t next_event(const struct peer_world *w)
{
    uint64_t at = w->talk_us != 0 ? w->next_talk_us : UINT64_MAX;
    for (size_t i = 0; i < PEER_WORLD_FLIGHT; i++)
        if (w->flight[i].used && w->flight[i].at_us < at)
            at = w->flight[i].at_us;
    for (size_t i = 0; i < 2; i++) {
        uint64_t deadline = peer_deadline(w->side[i].peer);
        if (deadline < at)
            at = deadline;
    }
    return at > w->now_us ? at : w->now_us;
}

static void happen(struct peer_world *w)
{
    for (size_t i = 0; i < PEER_WORLD_FLIGHT; i++)
        if (w->flight[i].used && w->flight[i].at_us <= w->now_us)
            deliver(w, &w->flight[i]);
    for (size_t i = 0; i < 2; i++)
        if (peer_deadline(w->side[i].peer) <= w->now_us) {
            assert_int_equal(peer_tick(w->side[i].peer, w->now_us), 0);
            pull(w, (enum peer_role)i);
        }
    if (w->talk_us != 0 && w->next_talk_us <= w->now_us) {
        w->next_talk_us = w->now_us + w->talk_us;
        talk(w, PEER_SERVER);
        talk(w, PEER_CLIENT);
    }
}

bool peer_world_is_connected(const struct peer_world *w)
{
    return peer_remote(w->side[0].peer, w->now_us) != NULL &&
           peer_remote(w->side[1].peer, w->now_us) != NULL;
}

static bool run(struct peer_world *w, uint64_t us, bool until_connected)
{
    uint64_t end = w->now_us + us;
    unsigned at_once = 0;
    pull(w, PEER_SERVER);
    pull(w, PEER_CLIENT);
    while (!until_connected || !peer_world_is_connected(w)) {
        uint64_t at = next_event(w);
        if (at > end)
            break;
        at_once = at == w->now_us ? at_once + 1 : 0;
        assert_true(at_once < 1000); /* else a deadline does not move on */
        w->now_us = at;
        happen(w);
    }
    if (!until_connected)
        w->now_us = end;
    return peer_world_is_connected(w);
}

void peer_world_run(struct peer_world *w, uint64_t us)
{
    (void)run(w, us, false);
}

bool peer_world_connect(struct peer_world *w, uint64_t us)
{
    return run(w, us, true);
}

void peer_world_move(struct peer_world *w, uint8_t host)
{
    set_client_host(w, host);
}

void peer_world_restart(struct peer_world *w)
{
    w->generation++;
    for (size_t i = 0; i < 2; i++) {
        struct logins l;
        struct peer_config c = config_of(w, (enum peer_role)i, &l);
        assert_int_equal(peer_restart(w->side[i].peer, &c), 0);
    }
}
