/* The whole way, over loopback: two members agree with the switch by messages, reach it by ICE,
 * make keys by DTLS, and what one sends comes to the other; until it is gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/conclaved_media.h"
#include "crypto/aead.h"
#include "rtc/peer.h"
#include "rtc/rtp.h"

#define OPUS 111
#define STEP_US UINT64_C(10000)
#define PATIENCE 1000 /* steps */

struct client {
    const uint64_t *now;
    struct peer *peer;
    struct net_udp *udp;
    struct net_udp_address there;
    uint32_t slot; /* the first it hears voices in */
    unsigned heard;
    bool connected, told; /* by its own lights, and by the switch's word */
    bool deaf;            /* to the switch's goodbye, as an attacker would be */
};

struct fixture {
    struct net_loop *loop;
    struct net_timer *timer;
    struct media *media;
    struct dtls_identity *identity;
    struct aead_engine *engine;
    struct client clients[2]; /* by their connection, which is their leaf, too */
    uint64_t now;
};

/* ---- The client's side ---- */

static struct rtc_address to_rtc(const struct net_udp_address *a)
{
    return rtc_address_ipv4(a->ip, a->port);
}

static void follow(struct client *c)
{
    struct peer_effect e;
    struct net_udp_group g;
    for (;;) {
        assert_int_equal(peer_next(c->peer, *c->now, &e), 0);
        if (e.kind == PEER_NOTHING)
            return;
        assert_int_not_equal(e.kind, PEER_CLOSED);
        c->connected = c->connected || e.kind == PEER_CONNECTED;
        c->heard += e.kind == PEER_RTP;
        g = (struct net_udp_group){c->there, e.data.p, e.data.n, (uint16_t)e.data.n};
        if (e.kind == PEER_SEND)
            net_udp_send(c->udp, &g, 1);
    }
}

static void take(void *ctx, uint8_t *p, size_t n, const struct net_udp_address *from)
{
    struct client *c = ctx;
    struct rtc_address at = to_rtc(from);
    int rv = peer_input(c->peer, p, n, &at, *c->now);
    assert_true(rv == 0 || conclave_error_class(rv) == CONCLAVE_CLASS_PEER);
    follow(c);
}

static void start(struct fixture *f, struct client *c, const struct signal_media *answer)
{
    struct bytes candidates = answer->list, slots = answer->audio_slots;
    struct signal_candidate candidate;
    struct signal_slot slot = {0};
    assert_true(signal_next_candidate(&candidates, &candidate));
    c->there = (struct net_udp_address){.family = NET_UDP_IPV4, .port = candidate.port};
    memcpy(c->there.ip, candidate.address.p, 4);
    (void)signal_next_slot(&slots, &slot);
    c->slot = slot.ssrc;
    struct rtc_address at = to_rtc(&c->there);
    struct peer_config config = {.role = PEER_CLIENT,
                                 .dtls_role = DTLS_CLIENT,
                                 .identity = f->identity,
                                 .engine = f->engine,
                                 .local = {bytes_str("cccc"), bytes_str("0123456789012345678901")},
                                 .remote = {answer->ufrag, answer->pwd},
                                 .candidates = &at,
                                 .n_candidates = 1,
                                 .seed = {(uint8_t)answer->ufrag.p[0], 1}};
    memcpy(config.fingerprint, answer->fingerprint.p, sizeof config.fingerprint);
    assert_int_equal(peer_new(&config, f->now, &c->peer), 0);
}

static void say(void *ctx, uint64_t conn, struct bytes body)
{
    struct fixture *f = ctx;
    struct client *c = &f->clients[conn];
    struct signal_media m;
    assert_int_equal(signal_media_read(body, &m), 0);
    if (m.kind == SIGNAL_MEDIA_ANSWER && c->peer == NULL)
        start(f, c, &m);
    if (m.kind == SIGNAL_MEDIA_STATE) {
        assert_int_equal(m.state, SIGNAL_CONNECTED);
        c->told = true;
    }
}

static void send_voice(struct client *c, uint16_t sequence)
{
    /* RTP, and what stands for a sealed frame: SFrame header of key 0, then anything. */
    uint8_t packet[200] = {0x80, OPUS, (uint8_t)(sequence >> 8), (uint8_t)sequence};
    size_t n = 60, sealed = 0;
    packet[7] = (uint8_t)sequence;
    packet[11] = 77; /* SSRC */
    assert_int_equal(peer_seal_rtp(c->peer, packet, n, sizeof packet, &sealed), 0);
    struct net_udp_group g = {c->there, packet, sealed, (uint16_t)sealed};
    net_udp_send(c->udp, &g, 1);
}

/* ---- Both sides ---- */

static void stop_loop(void *ctx)
{
    struct fixture *f = ctx;
    net_loop_stop(f->loop);
}

static void step(struct fixture *f)
{
    net_timer_set(f->timer, net_loop_now(f->loop) + STEP_US);
    net_loop_run(f->loop);
    f->now = net_loop_now(f->loop);
    for (size_t i = 0; i < 2; i++) {
        struct client *c = &f->clients[i];
        const struct net_udp_sink sink = {c, take};
        if (c->peer == NULL || c->deaf)
            continue;
        if (peer_deadline(c->peer) <= f->now)
            assert_int_equal(peer_tick(c->peer, f->now), 0);
        follow(c);
        (void)net_udp_receive(c->udp, &sink);
    }
}

static void hear(struct fixture *f, uint64_t conn, const struct signal_media *m)
{
    struct buf body = {0};
    assert_int_equal(signal_media_write(m, &body), 0);
    assert_int_equal(media_hear(f->media, "1000000001", conn, (uint32_t)conn, buf_view(&body)), 0);
    buf_free(&body);
}

static bool no_epoch(void *ctx, const char *number, uint64_t *out_epoch, uint32_t *out_leaves)
{
    (void)ctx, (void)number, (void)out_epoch, (void)out_leaves;
    return false;
}

static int setup(void **state)
{
    static const struct media_address here = {{127, 0, 0, 1}, 4};
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(net_loop_new(&f->loop), 0);
    assert_int_equal(net_timer_new(f->loop, stop_loop, f, &f->timer), 0);
    f->now = net_loop_now(f->loop);
    assert_int_equal(dtls_identity_new(f->now, &f->identity), 0);
    assert_int_equal(aead_engine_new(AEAD_BEST, &f->engine), 0);
    for (size_t i = 0; i < 2; i++) {
        f->clients[i].now = &f->now;
        assert_int_equal(
            net_udp_open(&(struct net_udp_config){.loopback = true}, &f->clients[i].udp), 0);
    }
    const struct media_config config = {.loop = f->loop,
                                        .workers = 1,
                                        .udp = {.loopback = true},
                                        .addresses = &here,
                                        .n_addresses = 1,
                                        .ctx = f,
                                        .say = say,
                                        .epoch = no_epoch};
    assert_int_equal(media_new(&config, &f->media), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    media_free(f->media);
    for (size_t i = 0; i < 2; i++) {
        peer_free(f->clients[i].peer);
        net_udp_free(f->clients[i].udp);
    }
    aead_engine_free(f->engine);
    dtls_identity_free(f->identity);
    net_timer_free(f->timer);
    net_loop_free(f->loop);
    free(f);
    return 0;
}

static void connect_both(struct fixture *f)
{
    for (uint64_t i = 0; i < 2; i++)
        hear(f, i,
             &(struct signal_media){.kind = SIGNAL_MEDIA_OPEN,
                                    .ufrag = bytes_str("cccc"),
                                    .pwd = bytes_str("0123456789012345678901"),
                                    .fingerprint = bytes_of(dtls_identity_fingerprint(f->identity),
                                                            SIGNAL_FINGERPRINT),
                                    .roles = i == 0 ? SIGNAL_SENDS : SIGNAL_RECEIVES,
                                    .audio = OPUS,
                                    .video = 96,
                                    .rtx = 97});
    for (unsigned i = 0; i < PATIENCE && !(f->clients[0].told && f->clients[1].told &&
                                           f->clients[0].connected && f->clients[1].connected);
         i++)
        step(f);
    for (size_t i = 0; i < 2; i++)
        assert_true(f->clients[i].connected && f->clients[i].told);
}

/* Until the worker has made known that so many packets of the meeting came and went. */
static struct sfu_meeting_stats await_packets(struct fixture *f, uint64_t packets)
{
    struct sfu_meeting_stats s = {0};
    for (unsigned i = 0; i < PATIENCE && s.counters.packets_out < packets; i++) {
        step(f);
        assert_int_equal(media_meeting_stats(f->media, "1000000001", &s), 0);
    }
    assert_true(s.counters.packets_in >= packets && s.counters.packets_out >= packets);
    return s;
}

static void a_voice_goes_through_until_its_member_is_gone(void **state)
{
    struct fixture *f = *state;
    struct buf layers = {0};
    uint16_t sequence = 0;
    connect_both(f);
    assert_int_not_equal(f->clients[1].slot, 0);
    signal_put_layer(&layers, &(struct signal_layer){.ssrc = 77});
    hear(f, 0,
         &(struct signal_media){.kind = SIGNAL_MEDIA_PUBLISH,
                                .source = SIGNAL_AUDIO,
                                .format = SIGNAL_OPUS,
                                .payload_type = OPUS,
                                .list = buf_view(&layers)});
    buf_free(&layers);
    for (unsigned i = 0; i < PATIENCE && f->clients[1].heard < 20; i++) {
        send_voice(&f->clients[0], sequence++);
        step(f);
    }
    assert_true(f->clients[1].heard >= 20);
    struct sfu_meeting_stats s = await_packets(f, 20);
    assert_int_equal(s.connected, 2);
    assert_int_equal(s.tracks, 1);
    assert_int_equal(s.receivers.n, 1);
    f->clients[0].deaf = true;
    media_gone(f->media, 0);
    for (unsigned i = 0; i < 20; i++) /* what was under way */
        step(f);
    unsigned before = f->clients[1].heard;
    for (unsigned i = 0; i < 20; i++) {
        send_voice(&f->clients[0], sequence++);
        step(f);
    }
    assert_int_equal(f->clients[1].heard, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_voice_goes_through_until_its_member_is_gone, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
