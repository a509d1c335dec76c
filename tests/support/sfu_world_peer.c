/* Members with real transports. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/sfu_world.h"

static void carry_on(struct world_member *m)
{
    struct peer_effect e;

    for (;;) {
        assert_int_equal(peer_next(m->peer, m->world->now, &e), 0);
        switch (e.kind) {
        case PEER_NOTHING:
            return;
        case PEER_SEND:
            world_travel(m, &m->up, true, e.data.p, e.data.n);
            break;
        case PEER_RTP:
        case PEER_RTCP:
            world_receiver_input(m, e.packet, e.packet_n);
            break;
        case PEER_CONNECTED:
            m->connected = true;
            break;
        case PEER_LOST:
        case PEER_CLOSED:
            m->connected = false;
            break;
        }
    }
}

void world_peer_tick(struct world_member *m)
{
    if (peer_deadline(m->peer) <= m->world->now)
        assert_int_equal(peer_tick(m->peer, m->world->now), 0);
    carry_on(m);
}

void world_peer_input(struct world_member *m, uint8_t *packet, size_t n)
{
    static const struct rtc_address there = {.family = RTC_IPV4, .ip = {10, 1}, .port = 1};
    int rv = peer_input(m->peer, packet, n, &there, m->world->now);

    assert_true(rv == 0 || conclave_error_class(rv) == CONCLAVE_CLASS_PEER || !m->connected);
    carry_on(m);
}

void world_peer_send(struct world_member *m, const uint8_t *packet, size_t n)
{
    uint8_t sealed[2048];
    size_t sealed_n = 0;

    if (!m->connected)
        return;
    memcpy(sealed, packet, n);
    if (rtp_is_rtcp(bytes_of(packet, n)))
        assert_int_equal(peer_seal_rtcp(m->peer, sealed, n, sizeof sealed, &sealed_n), 0);
    else
        assert_int_equal(peer_seal_rtp(m->peer, sealed, n, sizeof sealed, &sealed_n), 0);
    world_travel(m, &m->up, true, sealed, sealed_n);
}
