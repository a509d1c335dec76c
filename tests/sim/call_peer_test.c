/* A call over real transports: what one member sends is sealed by its peer with the keys of a DTLS
 * handshake, one packet in twenty is lost, and the other's peer opens the rest for its call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/peer_world.h"
#include "unit/call/pair.h"

#define LENGTH_MS 3000
#define LOSS 5

struct scene {
    struct peer_world world;
    struct pair *pair; /* alice on the client's peer, bob on the server's */
    uint32_t pictures, sounds, pictures_out, sounds_out;
};

/* What the other peer makes of a datagram. */
static void arrive(struct scene *s, enum peer_role at, uint8_t *datagram, size_t n)
{
    struct call *c = at == PEER_CLIENT ? s->pair->alice : s->pair->bob;
    struct peer *p = s->world.side[at].peer;
    struct peer_effect e = {.kind = PEER_NOTHING};
    assert_int_equal(peer_input(p, datagram, n, peer_remote(p, s->pair->now), s->pair->now), 0);
    do {
        assert_int_equal(peer_next(p, s->pair->now, &e), 0);
        if (e.kind == PEER_RTP || e.kind == PEER_RTCP)
            assert_int_equal(call_input(c, bytes_of(e.packet, e.packet_n), s->pair->now), 0);
    } while (e.kind != PEER_NOTHING);
}

static void pass(struct scene *s, enum peer_role from)
{
    struct call *c = from == PEER_CLIENT ? s->pair->alice : s->pair->bob;
    struct peer *p = s->world.side[from].peer;
    struct call_packet packet;
    uint8_t datagram[PEER_WORLD_DATAGRAM];
    for (;;) {
        size_t n = 0;
        assert_int_equal(call_output(c, s->pair->now, &packet), 0);
        if (packet.data.n == 0)
            return;
        memcpy(datagram, packet.data.p, packet.data.n);
        assert_int_equal((packet.control ? peer_seal_rtcp : peer_seal_rtp)(
                             p, datagram, packet.data.n, sizeof datagram, &n),
                         0);
        assert_true(n <= 1232); /* with UDP and IPv6 1,280: RFC 8200 5 */
        if (!random_chance(&s->world.random, LOSS))
            arrive(s, from == PEER_CLIENT ? PEER_SERVER : PEER_CLIENT, datagram, n);
    }
}

static void take_frames(struct scene *s)
{
    static uint8_t data[PICTURE_MAX];
    struct call_event e;
    for (;;) {
        assert_int_equal(call_next(s->pair->bob, s->pair->now, &e), 0);
        if (e.what == CALL_NOTHING)
            return;
        assert_int_equal(e.leaf, ALICE);
        if (e.source == SIGNAL_AUDIO) {
            s->sounds_out++;
        } else {
            uint32_t n = s->pictures_out++;
            assert_true(bytes_equal(e.frame, picture_of(n, n == 0, 4000, data)));
        }
    }
}

static void a_call_goes_over_peers(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct peer_world_config config = {.seed = 3, .server_dtls = DTLS_SERVER, .delay_us = MS};
    struct call_stats stats;
    assert_non_null(s);
    assert_int_equal(pair_setup(state), 0);
    s->pair = *state;
    peer_world_open(&s->world, &config);
    assert_true(peer_world_connect(&s->world, 5 * ICE_SECOND));
    s->pair->now = s->world.now_us;
    for (int ms = 0; ms < LENGTH_MS + 1000; ms++, s->pair->now += MS) {
        if (ms < LENGTH_MS && ms % 20 == 0)
            send_sound(s->pair, s->sounds++);
        if (ms < LENGTH_MS && ms % 33 == 0) {
            send_picture(s->pair, CAMERA, s->pictures, s->pictures == 0, 4000);
            s->pictures++;
        }
        pass(s, PEER_CLIENT);
        take_frames(s);
        pass(s, PEER_SERVER);
    }
    call_stats(s->pair->bob, &stats);
    assert_int_equal(s->pictures_out, s->pictures); /* asked for again where they were lost */
    assert_in_range(s->sounds_out, s->sounds * 85 / 100, s->sounds); /* has no retransmissions */
    assert_int_equal(refused_in_all(s->pair->bob), 0);
    assert_int_equal(stats.mislabelled, 0);
    peer_world_close(&s->world);
    assert_int_equal(pair_teardown(state), 0);
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_goes_over_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
