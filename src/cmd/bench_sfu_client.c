#include "cmd/bench_sfu_client.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* Arrivals are told this often, as src/call does. */
#define FEEDBACK_US 50000u
#define SOCKET_BYTES (4 << 20)
/* What receivers say at once they can take; then feedback decides. */
#define BANDWIDTH UINT64_C(1000000000)

/* ---- Sockets ---- */

static void make_room(int fd)
{
    const int room = SOCKET_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

int client_init(struct client *c, uint32_t leaf)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof at;
    *c = (struct client){.leaf = leaf, .due_us = UINT64_MAX, .key_wanted = true};
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || bind(c->fd, (const struct sockaddr *)&at, n) != 0 ||
        getsockname(c->fd, (struct sockaddr *)&at, &n) != 0)
        return CONCLAVE_ESTATE;
    make_room(c->fd);
    c->port = ntohs(at.sin_port);
    return 0;
}

void client_fini(struct client *c)
{
    peer_free(c->peer);
    c->peer = NULL;
    if (c->fd > 0)
        (void)close(c->fd);
    c->fd = 0;
}

static void transmit(const struct client *c, const struct rtc_address *to, struct bytes data)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(to->port)};
    memcpy(&at.sin_addr, to->ip, 4);
    (void)sendto(c->fd, data.p, data.n, MSG_DONTWAIT, (const struct sockaddr *)&at, sizeof at);
}

/* ---- Speaking with the switch ---- */

static int draw(char *out, size_t n)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t random[64];
    if (getrandom(random, n, 0) != (ssize_t)n)
        return CONCLAVE_ERANDOM;
    for (size_t i = 0; i < n; i++)
        out[i] = letters[random[i] & 63];
    out[n] = '\0';
    return 0;
}

static int tell(struct client *c, struct client_shared *s, const struct signal_media *m)
{
    buf_clear(&s->out);
    int rv = signal_media_write(m, &s->out);
    return rv != 0 ? rv : bench_switch_tell(s->server, c->leaf, c->leaf, buf_view(&s->out));
}

int client_ask(struct client *c, struct client_shared *s)
{
    int rv = draw(c->ufrag, CLIENT_UFRAG);
    if (rv == 0)
        rv = draw(c->pwd, CLIENT_PWD);
    if (rv != 0)
        return rv;
    c->state = CLIENT_ASKED;
    return tell(
        c, s,
        &(struct signal_media){
            .kind = SIGNAL_MEDIA_OPEN,
            .ufrag = bytes_str(c->ufrag),
            .pwd = bytes_str(c->pwd),
            .fingerprint = bytes_of(dtls_identity_fingerprint(s->identity), SIGNAL_FINGERPRINT),
            .roles = c->leaf == 0 ? SIGNAL_SENDS : SIGNAL_RECEIVES,
            .audio = 111,
            .video = CLIENT_PT_VIDEO,
            .rtx = CLIENT_PT_RTX,
        });
}

/* The sender publishes; receivers want its picture. */
static int say_what_for(struct client *c, struct client_shared *s)
{
    struct buf list = {0};
    struct signal_media m = {.kind = SIGNAL_MEDIA_SUBSCRIBE};
    if (c->leaf == 0) {
        m = (struct signal_media){.kind = SIGNAL_MEDIA_PUBLISH,
                                  .source = SIGNAL_CAMERA,
                                  .format = SIGNAL_VP8,
                                  .payload_type = CLIENT_PT_VIDEO,
                                  .rtx = CLIENT_PT_RTX};
        signal_put_layer(&list, &(struct signal_layer){CLIENT_SSRC, CLIENT_SSRC + 1, 720, {0}});
    } else {
        signal_put_want(&list, &(struct signal_want){0, SIGNAL_CAMERA, 720});
    }
    int rv = buf_check(&list);
    m.list = buf_view(&list);
    if (rv == 0)
        rv = tell(c, s, &m);
    buf_free(&list);
    return rv;
}

static int seal_and_transmit(struct client *c, struct client_shared *s, uint64_t now_us)
{
    const struct rtc_address *to = peer_remote(c->peer, now_us);
    size_t n = s->out.n, sealed = 0;
    int rv = buf_reserve(&s->out, SRTCP_OVERHEAD);
    if (to == NULL || rv != 0)
        return rv;
    rv = peer_seal_rtcp(c->peer, s->out.p, n, s->out.cap, &sealed);
    if (rv == 0)
        transmit(c, to, bytes_of(s->out.p, sealed));
    return rv;
}

static int say_bandwidth(struct client *c, struct client_shared *s, uint64_t now_us)
{
    const struct rtcp_remb remb = {.bitrate = BANDWIDTH};
    buf_clear(&s->out);
    int rv = rtcp_remb_write(c->leaf, &remb, &s->out);
    return rv != 0 ? rv : seal_and_transmit(c, s, now_us);
}

static int enter(struct client *c, struct client_shared *s, uint64_t now_us)
{
    c->state = CLIENT_IN;
    int rv = c->leaf == 0 ? 0 : say_bandwidth(c, s, now_us);
    return rv != 0 ? rv : say_what_for(c, s);
}

/* ---- The transport ---- */

/* The sender is asked for key frames; receivers are told nothing that matters here. */
static void look_at_rtcp(struct client *c, struct bytes compound)
{
    struct rtcp_walk w;
    struct rtcp_packet p;
    struct rtcp_feedback f;
    if (rtcp_open(compound, &w) != 0)
        return;
    while (rtcp_next(&w, &p))
        if (rtcp_feedback_read(&p, &f) == 0 && f.kind == RTCP_FB_PLI)
            c->key_wanted = true;
}

static void look_at_rtp(struct client *c, struct bytes packet, uint64_t now_us,
                        struct bytes *out_rtp)
{
    struct rtp_header h;
    struct rtp_exts e;
    if (rtp_header_read(packet, &h) != 0 || rtp_exts_read(&h, NULL, &e) != 0)
        return;
    if (e.has_transport_cc)
        transport_cc_record(&c->recorder, e.transport_cc, now_us);
    if (h.payload_type == CLIENT_PT_VIDEO)
        *out_rtp = packet;
}

static int carry_on(struct client *c, struct client_shared *s, uint64_t now_us,
                    struct bytes *out_rtp)
{
    struct peer_effect e = {.kind = PEER_SEND};
    int rv = 0;
    while (rv == 0 && e.kind != PEER_NOTHING) {
        rv = peer_next(c->peer, now_us, &e);
        if (rv != 0)
            break;
        if (e.kind == PEER_SEND)
            transmit(c, &e.to, e.data);
        else if (e.kind == PEER_CONNECTED)
            rv = enter(c, s, now_us);
        else if (e.kind == PEER_RTCP)
            look_at_rtcp(c, bytes_of(e.packet, e.packet_n));
        else if (e.kind == PEER_RTP)
            look_at_rtp(c, bytes_of(e.packet, e.packet_n), now_us, out_rtp);
        else if (e.kind == PEER_LOST || e.kind == PEER_CLOSED)
            rv = CONCLAVE_ESTATE;
    }
    c->due_us = peer_deadline(c->peer);
    return rv;
}

static int set_up(struct client *c, struct client_shared *s, const struct signal_media *answer,
                  uint64_t now_us)
{
    struct bytes rest = answer->list, ignored;
    struct signal_candidate at;
    if (!signal_next_candidate(&rest, &at) || at.address.n != 4 ||
        answer->fingerprint.n != DTLS_FINGERPRINT)
        return CONCLAVE_ESYNTAX;
    c->server = rtc_address_ipv4(at.address.p, at.port);
    struct peer_config config = {
        .role = PEER_CLIENT,
        .dtls_role = DTLS_CLIENT,
        .identity = s->identity,
        .engine = s->engine,
        .local = {bytes_str(c->ufrag), bytes_str(c->pwd)},
        .remote = {answer->ufrag, answer->pwd},
        .candidates = &c->server,
        .n_candidates = 1,
        .nomination = ICE_AGGRESSIVE,
    };
    memcpy(config.fingerprint, answer->fingerprint.p, DTLS_FINGERPRINT);
    memcpy(config.seed, c->pwd, ICE_SEED); /* drawn for it alone */
    int rv = peer_new(&config, now_us, &c->peer);
    if (rv != 0)
        return rv;
    c->state = CLIENT_SETTING_UP;
    return carry_on(c, s, now_us, &ignored);
}

int client_hear(struct client *c, struct client_shared *s, struct bytes body, uint64_t now_us)
{
    struct signal_media m;
    int rv = signal_media_read(body, &m);
    if (rv != 0)
        return rv;
    if (m.kind == SIGNAL_MEDIA_STATE && m.state == SIGNAL_REFUSED)
        return CONCLAVE_ESTATE;
    if (m.kind == SIGNAL_MEDIA_ANSWER && c->state == CLIENT_ASKED)
        return set_up(c, s, &m, now_us);
    return 0;
}

int client_input(struct client *c, struct client_shared *s, uint8_t *datagram, size_t n,
                 uint64_t now_us, struct bytes *out_rtp)
{
    struct bytes rtp = {0};
    int rv =
        c->peer == NULL ? CONCLAVE_ESTATE : peer_input(c->peer, datagram, n, &c->server, now_us);
    if (rv == 0)
        rv = carry_on(c, s, now_us, &rtp);
    else
        rv = 0; /* not the switch's, or a handshake's that was repeated */
    *out_rtp = rtp;
    return rv;
}

/* What is pending goes in as many messages as it takes. */
static int tell_arrivals(struct client *c, struct client_shared *s, uint64_t now_us)
{
    int rv = 0;
    c->feedback_us = now_us + FEEDBACK_US;
    while (rv == 0 && transport_cc_pending(&c->recorder)) {
        buf_clear(&s->out);
        rv = transport_cc_write(&c->recorder, c->leaf, 0, &s->out);
        if (rv == 0)
            rv = seal_and_transmit(c, s, now_us);
    }
    return rv;
}

int client_tick(struct client *c, struct client_shared *s, uint64_t now_us)
{
    struct bytes ignored;
    int rv = 0;
    if (c->state == CLIENT_IN && now_us >= c->feedback_us)
        rv = tell_arrivals(c, s, now_us);
    if (rv != 0 || now_us < c->due_us)
        return rv;
    rv = peer_tick(c->peer, now_us);
    return rv != 0 ? rv : carry_on(c, s, now_us, &ignored);
}
