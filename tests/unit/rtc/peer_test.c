/* A media peer by itself: what comes in is told apart, nothing is believed that was not checked,
 * and a failed allocation is only a delay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/peer.h"
#include "support/alloc_fail.h"
#include "support/peer_world.h"

#define NOW PEER_WORLD_START
#define SERVER_LOGIN ((struct ice_login){bytes_str("serv"), bytes_str("the+servers+password+1234")})
#define CLIENT_LOGIN ((struct ice_login){bytes_str("clie"), bytes_str("the+clients+password+5678")})

#define MS UINT64_C(1000)

static struct peer_world *open_world(uint64_t delay_us)
{
    struct peer_world_config c = {.seed = 1, .server_dtls = DTLS_SERVER, .delay_us = delay_us};
    struct peer_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    peer_world_open(w, &c);
    return w;
}

static struct peer_world *open_connected(void)
{
    struct peer_world *w = open_world(0);
    assert_true(peer_world_connect(w, ICE_SECOND));
    peer_world_run(w, ICE_SECOND);
    return w;
}

static void close_world(struct peer_world *w)
{
    peer_world_close(w);
    free(w);
}

static int inject(struct peer_world *w, uint8_t first, size_t n)
{
    uint8_t data[200] = {first, 96};
    return peer_world_inject(w, bytes_of(data, n), w->client[0]);
}

static void the_first_byte_tells_what_a_datagram_is(void **state)
{
    struct peer_world *w = open_connected();

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        int rv = inject(w, (uint8_t)first, 100);
        if (first < 4) /* STUN, and none */
            assert_int_equal(rv, CONCLAVE_ESYNTAX);
        else if (first >= 20 && first <= 63) /* DTLS drops what is none */
            assert_int_equal(rv, 0);
        else if (first >= 128 && first <= 191) /* RTP with 0 to 15 sources and no key */
            assert_true(rv == CONCLAVE_EDECRYPT || rv == CONCLAVE_ESYNTAX);
        else
            assert_int_equal(rv, CONCLAVE_ESYNTAX);
    }
    assert_int_equal(inject(w, 0, 0), CONCLAVE_ESYNTAX);
    assert_int_equal(w->side[PEER_SERVER].closed, 0);
    close_world(w);
}

static void media_before_there_are_keys_is_dropped(void **state)
{
    struct peer_world *w = open_world(10 * MS);
    uint8_t packet[64] = {0x80, 96};
    size_t n = 0;

    (void)state;
    assert_int_equal(inject(w, 0x80, 100), CONCLAVE_ESENDER);
    peer_world_run(w, 15 * MS); /* the client's check is there, and not yet answered */
    assert_int_equal(inject(w, 0x80, 100), CONCLAVE_EUNKNOWNKEY);
    struct peer *p = w->side[PEER_SERVER].peer;
    assert_int_equal(peer_seal_rtp(p, packet, 12, sizeof packet, &n), CONCLAVE_ESTATE);
    assert_int_equal(peer_seal_rtcp(p, packet, 12, sizeof packet, &n), CONCLAVE_ESTATE);
    assert_int_equal(peer_remove_stream(p, 1), CONCLAVE_ESTATE);
    assert_null(peer_sealing(p));
    assert_null(peer_remote(p, w->now_us));
    close_world(w);
}

static void only_addresses_that_were_checked_are_listened_to(void **state)
{
    struct peer_world *w = open_connected();
    const uint8_t media[100] = {0x80, 96}, handshake[100] = {22, 254, 253};
    struct rtc_address stranger = w->client[0];

    (void)state;
    stranger.port++;
    assert_true(peer_knows(w->side[PEER_SERVER].peer, &w->client[0], w->now_us));
    assert_false(peer_knows(w->side[PEER_SERVER].peer, &stranger, w->now_us));
    assert_int_equal(peer_world_inject(w, bytes_of(media, 100), stranger), CONCLAVE_ESENDER);
    assert_int_equal(peer_world_inject(w, bytes_of(handshake, 100), stranger), CONCLAVE_ESENDER);
    close_world(w);
}

static void a_packet_is_opened_in_place_and_handed_out_once(void **state)
{
    struct peer_world *w = open_connected();
    struct peer *client = w->side[PEER_CLIENT].peer, *server = w->side[PEER_SERVER].peer;
    uint8_t packet[64] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 'h', 'i'}, again[64];
    struct peer_effect e;
    size_t n = 0;

    (void)state;
    assert_int_equal(peer_seal_rtp(client, packet, 14, sizeof packet, &n), 0);
    memcpy(again, packet, n);
    assert_int_equal(peer_input(server, packet, n, &w->client[0], w->now_us), 0);
    assert_int_equal(peer_next(server, w->now_us, &e), 0);
    assert_int_equal(e.kind, PEER_RTP);
    assert_ptr_equal(e.packet, packet);
    assert_int_equal(e.packet_n, 14);
    assert_memory_equal(e.packet + 12, "hi", 2);
    assert_int_equal(peer_next(server, w->now_us, &e), 0);
    assert_int_equal(e.kind, PEER_NOTHING);
    assert_int_equal(peer_input(server, again, n, &w->client[0], w->now_us), CONCLAVE_EREPLAY);
    assert_int_equal(peer_next(server, w->now_us, &e), 0);
    assert_int_equal(e.kind, PEER_NOTHING);
    close_world(w);
}

static void a_stream_that_was_removed_does_not_come_back(void **state)
{
    struct peer_world *w = open_connected();
    struct peer *p = w->side[PEER_SERVER].peer;
    uint8_t packet[64] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9};
    size_t n = 0;

    (void)state;
    assert_int_equal(peer_seal_rtp(p, packet, 12, sizeof packet, &n), 0);
    assert_int_equal(peer_remove_stream(p, 9), 0);
    assert_int_equal(peer_seal_rtp(p, packet, 12, sizeof packet, &n), CONCLAVE_EREPLAY);
    close_world(w);
}

static void a_closed_peer_is_silent(void **state)
{
    struct peer_world *w = open_connected();
    struct peer *p = w->side[PEER_SERVER].peer;
    struct peer_config config = {.local = SERVER_LOGIN, .remote = CLIENT_LOGIN};

    (void)state;
    peer_close(p);
    peer_close(p);
    assert_int_equal(inject(w, 0x80, 100), CONCLAVE_ESTATE);
    assert_int_equal(w->side[PEER_SERVER].reason, PEER_CLOSED_HERE);
    assert_int_equal(w->side[PEER_SERVER].closed, 1);
    assert_int_equal(peer_restart(p, &config), CONCLAVE_ESTATE);
    assert_int_equal(peer_login(p, config.remote, w->now_us), CONCLAVE_ESTATE);
    assert_null(peer_remote(p, w->now_us));
    assert_int_equal(peer_tick(p, w->now_us + 100 * ICE_SECOND), 0);
    assert_true(peer_deadline(p) == UINT64_MAX);
    close_world(w);
}

static void a_client_measures_the_round_trip(void **state)
{
    struct peer_world *w = open_world(30 * MS);

    (void)state;
    assert_true(peer_world_connect(w, ICE_SECOND));
    assert_true(peer_rtt_us(w->side[PEER_CLIENT].peer) == 60 * MS);
    assert_true(peer_rtt_us(w->side[PEER_SERVER].peer) == 0);
    close_world(w);
}

/* ---- Without memory ---- */

struct pair {
    struct dtls_identity *id;
    struct aead_engine *engine;
    struct rtc_address server, client;
    struct peer *peer[2];
    bool connected[2];
    bool failed; /* an error was reported */
};

/* Calls again what had no memory, as whoever drives a peer would. */
static int persist(struct pair *pair, int rv)
{
    assert_true(rv == 0 || rv == CONCLAVE_ENOMEM);
    pair->failed = pair->failed || rv != 0;
    return rv;
}

static int make_peer(struct pair *pair, enum peer_role role)
{
    struct peer_config c = {
        .role = role,
        .dtls_role = role == PEER_SERVER ? DTLS_SERVER : DTLS_CLIENT,
        .identity = pair->id,
        .engine = pair->engine,
        .local = role == PEER_SERVER ? SERVER_LOGIN : CLIENT_LOGIN,
        .remote = role == PEER_SERVER ? CLIENT_LOGIN : SERVER_LOGIN,
        .candidates = &pair->server,
        .n_candidates = 1,
    };
    memcpy(c.fingerprint, dtls_identity_fingerprint(pair->id), DTLS_FINGERPRINT);
    return peer_new(&c, NOW, &pair->peer[role]);
}

/* Everything of one peer goes to the other at once. */
static void exchange(struct pair *pair, enum peer_role role)
{
    enum peer_role to = role == PEER_SERVER ? PEER_CLIENT : PEER_SERVER;
    struct peer_effect e = {.kind = PEER_SEND};
    while (e.kind != PEER_NOTHING) {
        while (persist(pair, peer_next(pair->peer[role], NOW, &e)) != 0) {
        }
        if (e.kind == PEER_CONNECTED)
            pair->connected[role] = true;
        if (e.kind != PEER_SEND)
            continue;
        uint8_t data[DTLS_MTU];
        memcpy(data, e.data.p, e.data.n);
        const struct rtc_address *from = role == PEER_SERVER ? &pair->server : &pair->client;
        while (persist(pair, peer_input(pair->peer[to], data, e.data.n, from, NOW)) != 0) {
        }
        exchange(pair, to);
    }
}

static int connect_two(void *ctx)
{
    struct pair pair = {.server = rtc_address_ipv4((const uint8_t[]){192, 0, 2, 1}, 1),
                        .client = rtc_address_ipv4((const uint8_t[]){192, 0, 2, 2}, 2)};
    (void)ctx;
    int rv = aead_engine_new(AEAD_BEST, &pair.engine);
    if (rv == 0)
        rv = dtls_identity_new(NOW, &pair.id);
    for (size_t i = 0; i < 2 && rv == 0; i++)
        rv = make_peer(&pair, (enum peer_role)i);
    if (rv == 0) {
        exchange(&pair, PEER_CLIENT);
        assert_true(pair.connected[0] && pair.connected[1]);
    }
    for (size_t i = 0; i < 2; i++)
        peer_free(pair.peer[i]);
    dtls_identity_free(pair.id);
    aead_engine_free(pair.engine);
    return rv != 0 ? rv : pair.failed ? CONCLAVE_ENOMEM : 0;
}

static void a_failed_allocation_is_reported_and_made_good_by_the_next_call(void **state)
{
    (void)state;
    assert_true(alloc_sweep(connect_two, NULL) > 15);
}

static void a_configuration_that_makes_no_sense_is_refused(void **state)
{
    struct dtls_identity *id = NULL;
    struct aead_engine *engine = NULL;
    struct rtc_address server = rtc_address_ipv4((const uint8_t[]){192, 0, 2, 1}, 1);
    struct peer *p = NULL;

    (void)state;
    assert_int_equal(dtls_identity_new(NOW, &id), 0);
    assert_int_equal(aead_engine_new(AEAD_BEST, &engine), 0);
    struct peer_config good = {.role = PEER_SERVER,
                               .dtls_role = DTLS_SERVER,
                               .identity = id,
                               .engine = engine,
                               .local = SERVER_LOGIN,
                               .candidates = &server,
                               .n_candidates = 1};
    struct peer_config c = good;
    assert_int_equal(peer_new(&c, NOW, &p), 0);
    peer_free(p);
    p = NULL;
    c.dtls_role = DTLS_CLIENT; /* and the client's credentials are unknown */
    assert_int_equal(peer_new(&c, NOW, &p), CONCLAVE_EINVAL);
    c = good;
    c.local.pwd = bytes_str("short");
    assert_int_equal(peer_new(&c, NOW, &p), CONCLAVE_EINVAL);
    c = good;
    c.role = PEER_CLIENT; /* which has to know the server's */
    assert_int_equal(peer_new(&c, NOW, &p), CONCLAVE_EINVAL);
    c.remote = CLIENT_LOGIN;
    c.n_candidates = 0;
    assert_int_equal(peer_new(&c, NOW, &p), CONCLAVE_EINVAL);
    assert_null(p);
    peer_free(NULL);
    dtls_identity_free(id);
    aead_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_byte_tells_what_a_datagram_is),
        cmocka_unit_test(media_before_there_are_keys_is_dropped),
        cmocka_unit_test(only_addresses_that_were_checked_are_listened_to),
        cmocka_unit_test(a_packet_is_opened_in_place_and_handed_out_once),
        cmocka_unit_test(a_stream_that_was_removed_does_not_come_back),
        cmocka_unit_test(a_closed_peer_is_silent),
        cmocka_unit_test(a_client_measures_the_round_trip),
        cmocka_unit_test(a_failed_allocation_is_reported_and_made_good_by_the_next_call),
        cmocka_unit_test(a_configuration_that_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
