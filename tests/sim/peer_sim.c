/* A client's media peer and a server's over bad networks: they find each other, agree on keys, keep
 * talking through moves and restarts, stop where consent ends, and are of no use to an attacker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/peer_world.h"

#define MS UINT64_C(1000)
#define SEEDS 40

static struct peer_world *open_world(struct peer_world_config config)
{
    struct peer_world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    peer_world_open(w, &config);
    return w;
}

static void close_world(struct peer_world *w)
{
    peer_world_close(w);
    free(w);
}

/* Connected, with media both ways every 20 ms. */
static struct peer_world *open_call(struct peer_world_config config)
{
    struct peer_world *w = open_world(config);
    assert_true(peer_world_connect(w, 20 * ICE_SECOND));
    w->talk_us = 20 * MS;
    w->next_talk_us = w->now_us;
    return w;
}

static const struct peer_world_config usual = {
    .seed = 1, .server_dtls = DTLS_SERVER, .delay_us = 20 * MS, .jitter_us = 5 * MS};

/* One round trip for ICE, two for DTLS; the server is ready half a round trip before. */
static void a_good_network_takes_three_round_trips(void **state)
{
    struct peer_world_config config = usual;

    (void)state;
    config.nomination = ICE_AGGRESSIVE;
    config.jitter_us = 0;
    struct peer_world *w = open_world(config);
    assert_true(peer_world_connect(w, ICE_SECOND));
    assert_true(w->side[PEER_CLIENT].connected_us - PEER_WORLD_START == 120 * MS);
    assert_true(w->side[PEER_SERVER].connected_us - PEER_WORLD_START == 100 * MS);
    close_world(w);
}

static void media_flows_both_ways_and_each_packet_once(void **state)
{
    struct peer_world_config config = usual;

    (void)state;
    config.twice = 50;
    config.jitter_us = 100 * MS;
    struct peer_world *w = open_call(config);
    peer_world_run(w, 60 * ICE_SECOND);
    w->talk_us = 0;
    peer_world_run(w, ICE_SECOND);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w->side[i].rtp_in, w->side[1 - i].rtp_out);
        assert_true(w->side[i].rtp_in >= 3000);
        assert_int_equal(w->side[i].rtcp_in, (w->side[1 - i].rtp_out + 49) / 50);
        assert_int_equal(w->side[i].connected, 1);
        assert_int_equal(w->side[i].lost + w->side[i].closed, 0);
    }
    close_world(w);
}

static void bad_networks_connect_all_the_same(void **state)
{
    uint64_t longest = 0, sum = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct peer_world *w = open_world(
            (struct peer_world_config){.seed = seed,
                                       .server_dtls = seed % 3 == 0 ? DTLS_CLIENT : DTLS_SERVER,
                                       .loss = 20,
                                       .twice = 10,
                                       .delay_us = 10 * MS,
                                       .jitter_us = 80 * MS,
                                       .nomination = seed % 2 == 0 ? ICE_REGULAR : ICE_AGGRESSIVE,
                                       .remote_unknown = seed % 3 == 1});
        assert_true(peer_world_connect(w, 25 * ICE_SECOND));
        uint64_t took = w->now_us - PEER_WORLD_START;
        longest = took > longest ? took : longest;
        sum += took;
        w->talk_us = 20 * MS;
        w->next_talk_us = w->now_us;
        peer_world_run(w, 40 * ICE_SECOND);
        for (size_t i = 0; i < 2; i++) {
            assert_true(w->side[i].rtp_in > w->side[1 - i].rtp_out * 70 / 100);
            assert_int_equal(w->side[i].lost + w->side[i].closed, 0);
        }
        close_world(w);
    }
    printf("set-up at 20 %% loss took %llu ms on average, %llu at most\n",
           (unsigned long long)(sum / SEEDS / MS), (unsigned long long)(longest / MS));
}

static void the_other_family_serves_where_one_is_not_carried(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct peer_world_config config = usual;
        config.no_ipv4 = i % 2 == 0;
        config.no_ipv6 = !config.no_ipv4;
        config.nomination = i < 2 ? ICE_REGULAR : ICE_AGGRESSIVE;
        struct peer_world *w = open_call(config);
        const struct rtc_address *to = peer_remote(w->side[PEER_CLIENT].peer, w->now_us);
        assert_int_equal(to->family, config.no_ipv4 ? RTC_IPV6 : RTC_IPV4);
        peer_world_run(w, 10 * ICE_SECOND);
        assert_true(w->side[PEER_CLIENT].rtp_in > 490);
        close_world(w);
    }
}

static void both_sides_agree_on_the_path_even_if_each_check_nominates(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct peer_world_config config = usual;
        config.seed = seed;
        config.loss = 10;
        config.jitter_us = 200 * MS;
        config.nomination = ICE_AGGRESSIVE;
        struct peer_world *w = open_call(config);
        peer_world_run(w, 10 * ICE_SECOND);
        const struct rtc_address *client = peer_remote(w->side[PEER_CLIENT].peer, w->now_us);
        const struct rtc_address *server = peer_remote(w->side[PEER_SERVER].peer, w->now_us);
        assert_int_equal(client->family, server->family);
        close_world(w);
    }
}

static void a_client_that_moves_is_followed_within_a_consent_interval(void **state)
{
    struct peer_world *w = open_call(usual);

    (void)state;
    for (uint8_t host = 2; host < 8; host++) {
        peer_world_run(w, ICE_SECOND);
        peer_world_move(w, host);
        peer_world_run(w, 7 * ICE_SECOND); /* a check every 4 to 6 s, and the server's own */
        unsigned before = w->side[PEER_CLIENT].rtp_in;
        peer_world_run(w, ICE_SECOND);
        assert_true(w->side[PEER_CLIENT].rtp_in >= before + 45);
        assert_int_equal(w->side[PEER_CLIENT].lost + w->side[PEER_SERVER].lost, 0);
    }
    close_world(w);
}

static void a_client_that_knows_it_moved_is_followed_at_once(void **state)
{
    struct peer_world *w = open_call(usual);

    (void)state;
    peer_world_run(w, 3 * ICE_SECOND);
    peer_world_move(w, 2);
    peer_recheck(w->side[PEER_CLIENT].peer);
    peer_world_run(w, ICE_SECOND / 2);
    unsigned before = w->side[PEER_CLIENT].rtp_in;
    peer_world_run(w, ICE_SECOND);
    assert_true(w->side[PEER_CLIENT].rtp_in >= before + 45);
    close_world(w);
}

static void a_short_outage_is_survived(void **state)
{
    struct peer_world *w = open_call(usual);

    (void)state;
    peer_world_run(w, 3 * ICE_SECOND);
    w->cut = true;
    peer_world_run(w, 20 * ICE_SECOND);
    w->cut = false;
    peer_world_run(w, 10 * ICE_SECOND);
    unsigned before = w->side[PEER_SERVER].rtp_in;
    peer_world_run(w, ICE_SECOND);
    assert_true(w->side[PEER_SERVER].rtp_in >= before + 45);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(w->side[i].lost + w->side[i].closed, 0);
    close_world(w);
}

static void after_a_long_one_nothing_is_sent_until_a_restart(void **state)
{
    struct peer_world *w = open_call(usual);

    (void)state;
    peer_world_run(w, 3 * ICE_SECOND);
    w->cut = true;
    peer_world_run(w, 35 * ICE_SECOND);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w->side[i].lost, 1);
        w->side[i].bytes_out = 0;
    }
    w->cut = false;
    peer_world_run(w, 60 * ICE_SECOND);
    assert_int_equal(w->side[PEER_SERVER].bytes_out, 0);
    assert_int_equal(w->side[PEER_CLIENT].bytes_out, 0);
    peer_world_move(w, 9);
    peer_world_restart(w);
    peer_world_run(w, 2 * ICE_SECOND);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w->side[i].connected, 2);
        assert_int_equal(w->side[i].closed, 0);
        assert_true(w->side[i].rtp_in > 0);
    }
    assert_true(peer_world_is_connected(w));
    close_world(w);
}

static void restarts_interrupt_nothing(void **state)
{
    struct peer_world *w = open_call(usual);

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        peer_world_run(w, 3 * ICE_SECOND);
        peer_world_restart(w);
    }
    peer_world_run(w, ICE_SECOND);
    w->talk_us = 0;
    peer_world_run(w, ICE_SECOND);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(w->side[i].rtp_in, w->side[1 - i].rtp_out);
        assert_int_equal(w->side[i].connected, 1);
    }
    close_world(w);
}

static void a_goodbye_closes_both_sides(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct peer_world *w = open_call(usual);
        peer_world_run(w, ICE_SECOND);
        peer_close(w->side[i].peer);
        peer_world_run(w, ICE_SECOND);
        assert_int_equal(w->side[i].reason, PEER_CLOSED_HERE);
        assert_int_equal(w->side[1 - i].reason, PEER_CLOSED_THERE);
        assert_int_equal(w->side[0].closed + w->side[1].closed, 2);
        assert_true(peer_deadline(w->side[i].peer) == UINT64_MAX);
        close_world(w);
    }
}

static void who_has_another_certificate_gets_nothing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct peer_world_config config = usual;
        config.wrong_fingerprint = 1 + i;
        struct peer_world *w = open_world(config);
        assert_false(peer_world_connect(w, 40 * ICE_SECOND));
        assert_int_equal(w->side[i].reason, PEER_HANDSHAKE_FAILED);
        assert_int_equal(w->side[0].connected + w->side[1].connected, 0);
        assert_int_equal(w->side[0].closed + w->side[1].closed, 2);
        close_world(w);
    }
}

static void without_a_network_both_give_up(void **state)
{
    struct peer_world *w = open_world(usual);

    (void)state;
    w->cut = true;
    assert_false(peer_world_connect(w, 100 * ICE_SECOND));
    assert_int_equal(w->side[PEER_CLIENT].reason, PEER_NO_PATH);
    assert_int_equal(w->side[PEER_SERVER].reason, PEER_SETUP_TIMEOUT);
    close_world(w);
}

/* ---- Attacks ---- */

/* A check as the client would make it: the attacker is the client. */
static void check_from(struct peer_world *w, struct rtc_address from, struct buf *out)
{
    struct ice_client *c = calloc(1, sizeof *c);
    struct rtc_address to;
    struct ice_client_config config = {
        .local = {bytes_str("uf1+0"), bytes_str("password+of+1+in+generation+0")},
        .remote = {bytes_str("uf0+0"), bytes_str("password+of+0+in+generation+0")},
        .candidates = &from,
        .n = 1,
        .nomination = ICE_AGGRESSIVE};
    random_fill(&w->random, config.seed, sizeof config.seed);
    assert_non_null(c);
    assert_int_equal(ice_client_init(c, &config), 0);
    buf_clear(out);
    assert_int_equal(ice_client_next(c, w->now_us, out, &to), 0);
    free(c);
}

/* THREATS: a participant has a meeting's video sent to somebody who never asked for it. */
static void media_cannot_be_turned_on_a_third_party(void **state)
{
    (void)state;
    for (unsigned unknown = 0; unknown < 2; unknown++) {
        struct peer_world_config config = usual;
        config.remote_unknown = unknown == 1;
        struct peer_world *w = open_call(config);
        struct rtc_address victim = rtc_address_ipv4((const uint8_t[]){203, 0, 113, 7}, 443);
        struct buf check = {0};
        size_t spoofed = 0;
        peer_world_run(w, ICE_SECOND);
        for (unsigned i = 0; i < 20; i++) {
            check_from(w, victim, &check);
            assert_int_equal(peer_world_inject(w, buf_view(&check), victim), 0);
            spoofed += check.n + ICE_DATAGRAM_OVERHEAD;
            peer_world_run(w, ICE_SECOND);
        }
        assert_true(w->strangers_bytes <= ICE_AMPLIFICATION * spoofed);
        assert_true(w->side[PEER_CLIENT].rtp_in > 1000); /* who sees it all the while */
        buf_free(&check);
        close_world(w);
    }
}

/* The same before there are keys: the client's own handshake, sent as if from the victim. */
static void a_handshake_cannot_be_turned_on_a_third_party(void **state)
{
    (void)state;
    for (unsigned unknown = 0; unknown < 2; unknown++) {
        struct peer_world_config config = usual;
        config.remote_unknown = unknown == 1;
        struct peer_world *w = open_world(config);
        struct rtc_address victim = rtc_address_ipv4((const uint8_t[]){203, 0, 113, 7}, 443);
        struct dtls *attacker = NULL;
        struct bytes hello;
        struct buf check = {0};
        assert_int_equal(dtls_new(w->side[PEER_CLIENT].id, DTLS_CLIENT,
                                  dtls_identity_fingerprint(w->side[PEER_SERVER].id), &attacker),
                         0);
        assert_int_equal(dtls_start(attacker, w->now_us), 0);
        assert_true(dtls_next(attacker, &hello));
        check_from(w, victim, &check);
        size_t spoofed = check.n + hello.n + (size_t)2 * ICE_DATAGRAM_OVERHEAD;
        assert_int_equal(peer_world_inject(w, buf_view(&check), victim), 0);
        assert_int_equal(peer_world_inject(w, hello, victim), 0);
        w->side[PEER_CLIENT].bytes_out = 0;
        peer_world_move(w, 200);
        for (unsigned i = 0; i < 60; i++) { /* the true client is cut off meanwhile */
            w->cut = true;
            peer_world_run(w, ICE_SECOND / 2);
        }
        w->cut = false;
        assert_true(w->side[PEER_SERVER].bytes_out <= ICE_AMPLIFICATION * spoofed);
        assert_true(w->side[PEER_SERVER].bytes_out > 600); /* it did answer */
        dtls_free(attacker);
        buf_free(&check);
        close_world(w);
    }
}

/* THREATS: garbage, and media without keys. */
static void floods_of_strangers_change_and_cost_nothing(void **state)
{
    struct peer_world *w = open_call(usual);
    struct rtc_address stranger = rtc_address_ipv4((const uint8_t[]){203, 0, 113, 7}, 443);

    (void)state;
    peer_world_run(w, ICE_SECOND);
    size_t before = w->strangers_bytes;
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t junk[300];
        size_t n = random_below(&w->random, sizeof junk + 1);
        random_fill(&w->random, junk, n);
        if (n != 0 && random_chance(&w->random, 70))
            junk[0] = (uint8_t)(random_chance(&w->random, 50) ? 0x80 : 22);
        assert_int_not_equal(peer_world_inject(w, bytes_of(junk, n), stranger), 0);
        if (i % 10 == 0)
            peer_world_run(w, MS);
    }
    assert_true(w->strangers_bytes == before);
    unsigned good = w->side[PEER_SERVER].rtp_in;
    peer_world_run(w, ICE_SECOND);
    assert_true(w->side[PEER_SERVER].rtp_in >= good + 45);
    close_world(w);
}

static void junk_from_the_clients_own_address_changes_nothing(void **state)
{
    struct peer_world *w = open_call(usual);

    (void)state;
    peer_world_run(w, ICE_SECOND);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t junk[300];
        size_t n = random_below(&w->random, sizeof junk + 1);
        random_fill(&w->random, junk, n);
        if (n != 0)
            junk[0] = (uint8_t)(i % 4 == 0 ? 22 : i % 4 == 1 ? 21 : 0x80);
        (void)(peer_world_inject(w, bytes_of(junk, n), w->client[0]) == 0);
        if (i % 10 == 0)
            peer_world_run(w, MS);
    }
    unsigned good = w->side[PEER_SERVER].rtp_in;
    peer_world_run(w, ICE_SECOND);
    assert_true(w->side[PEER_SERVER].rtp_in >= good + 45);
    assert_int_equal(w->side[PEER_SERVER].closed, 0);
    close_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_network_takes_three_round_trips),
        cmocka_unit_test(media_flows_both_ways_and_each_packet_once),
        cmocka_unit_test(bad_networks_connect_all_the_same),
        cmocka_unit_test(the_other_family_serves_where_one_is_not_carried),
        cmocka_unit_test(both_sides_agree_on_the_path_even_if_each_check_nominates),
        cmocka_unit_test(a_client_that_moves_is_followed_within_a_consent_interval),
        cmocka_unit_test(a_client_that_knows_it_moved_is_followed_at_once),
        cmocka_unit_test(a_short_outage_is_survived),
        cmocka_unit_test(after_a_long_one_nothing_is_sent_until_a_restart),
        cmocka_unit_test(restarts_interrupt_nothing),
        cmocka_unit_test(a_goodbye_closes_both_sides),
        cmocka_unit_test(who_has_another_certificate_gets_nothing),
        cmocka_unit_test(without_a_network_both_give_up),
        cmocka_unit_test(media_cannot_be_turned_on_a_third_party),
        cmocka_unit_test(a_handshake_cannot_be_turned_on_a_third_party),
        cmocka_unit_test(floods_of_strangers_change_and_cost_nothing),
        cmocka_unit_test(junk_from_the_clients_own_address_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
