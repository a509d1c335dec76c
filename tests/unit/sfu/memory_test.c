/* The switch with each of its allocations failing in turn: what fails says so and has changed
 * nothing, and forwarding needs none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hub.h"
#include "support/alloc_fail.h"

static struct sfu_stats stats_of(struct hub *h)
{
    struct sfu_stats s;

    sfu_stats(h->sfu, &s);
    return s;
}

/* Runs the call with its first allocation failing, then its second ...: each time it says so, and
 * the switch is as it was. Returns how often it failed. */
static unsigned sweep(struct hub *h, int (*call)(struct hub *h))
{
    unsigned failures = 0;

    for (;; failures++) {
        struct sfu_stats before = stats_of(h);
        alloc_fail_after(failures);
        int rv = call(h);
        bool hit = alloc_fail_hit();
        alloc_fail_off();
        if (!hit) {
            assert_int_equal(rv, 0);
            return failures;
        }
        assert_int_equal(rv, CONCLAVE_ENOMEM);
        struct sfu_stats after = stats_of(h);
        assert_memory_equal(&after, &before, sizeof after);
        hub_collect(h);
        assert_int_equal(h->n_out + h->n_events, 0);
    }
}

static int make_switch(void *ctx)
{
    struct hub *h = ctx;
    struct sfu_config c = {.crypto = h->crypto, .engine = h->engine, .identity = h->identity};
    struct sfu *s = NULL;
    int rv = sfu_new(&c, &s);

    assert_true((rv == 0) == (s != NULL));
    sfu_free(s);
    return rv;
}

static void a_switch_is_made_whole_or_not_at_all(void **state)
{
    assert_true(alloc_sweep(make_switch, *state) >= 6);
}

static int open_meeting(struct hub *h)
{
    static const struct sfu_meeting_config config = {.epoch_bits = 4};

    return sfu_meeting_open(h->sfu, 8, &config);
}

static void a_meeting_is_opened_whole_or_not_at_all(void **state)
{
    struct hub *h = *state;

    for (uint32_t i = 100; i < 106; i++) /* the table is about to grow */
        assert_int_equal(sfu_meeting_open(h->sfu, i, &(struct sfu_meeting_config){0}), 0);
    assert_true(sweep(h, open_meeting) >= 1);
}

static int attach_peer(struct hub *h)
{
    struct sfu_peer_config config = hub_config(5);
    struct sfu_peer *p = NULL;

    return sfu_peer_attach(h->sfu, 5, &config, &sfu_transport_plain, NULL, h->now, &p);
}

static void a_peer_is_there_whole_or_not_at_all(void **state)
{
    struct hub *h = *state;

    assert_true(sweep(h, attach_peer) >= 4); /* member, peer, receiver, sender; and tables */
    assert_non_null(sfu_member_of(sfu_meeting_of(h->sfu, HUB_MEETING), 5));
}

static void a_refused_peer_leaves_no_member(void **state)
{
    struct hub *h = *state;

    for (unsigned n = 0; n < 4; n++) {
        alloc_fail_after(n);
        assert_int_equal(attach_peer(h), CONCLAVE_ENOMEM);
        alloc_fail_off();
        assert_null(sfu_member_of(sfu_meeting_of(h->sfu, HUB_MEETING), 5));
        assert_null(sfu_peer_of(h->sfu, 5));
    }
}

static int publish_again(struct hub *h)
{
    struct sfu_track t = hub_track(1, SFU_CAMERA, 3);

    return sfu_publish(h->sfu, 1, &t, h->now);
}

/* A track that could not be replaced goes on. */
static void a_track_is_replaced_whole_or_not_at_all(void **state)
{
    struct hub *h = *state;

    hub_join(h, 1);
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 3);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    for (uint16_t n = 0; n < 7; n++) {
        struct hub_picture p = hub_picture(1, 0, (uint16_t)(100 + n), true);
        alloc_fail_after(n);
        assert_int_equal(publish_again(h), CONCLAVE_ENOMEM);
        alloc_fail_off();
        hub_send_picture(h, &p);
        hub_collect(h);
        assert_int_equal(hub_count(h, 2, hub_video_slot(h, 2, 0)), n + 1u);
    }
    hub_forget(h);
    assert_int_equal(sweep(h, publish_again), 7); /* and two for the history of each layer */
}

static int ask_and_forward(struct hub *h)
{
    struct sfu_want want = {.leaf = 1, .kind = SFU_CAMERA, .max_height = 200};

    return sfu_subscribe(h->sfu, 2, &want, 1, h->now);
}

static void wishes_need_no_memory(void **state)
{
    struct hub *h = *state;

    hub_join(h, 1);
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, 3);
    hub_forget(h);
    assert_int_equal(sweep(h, ask_and_forward), 0);
}

/* Packets, questions, ticks: nothing of it allocates, but a history that grows. */
static void forwarding_needs_no_memory(void **state)
{
    struct hub *h = *state;
    size_t allocations = 0;

    for (uint32_t leaf = 1; leaf <= 4; leaf++) {
        hub_join(h, leaf);
        hub_publish(h, leaf, SFU_AUDIO, 1);
        hub_watch(h, leaf, leaf == 1 ? 2 : 1);
    }
    hub_publish(h, 1, SFU_CAMERA, 2);
    hub_forget(h);
    for (uint16_t n = 0; n < 100; n++) {
        uint8_t packets[2][200] = {{0x80, HUB_SOUND, 0, (uint8_t)n, 0, 0, 0, 0},
                                   {0x80, 0x80 | HUB_VIDEO, 0, (uint8_t)n, 0, 0, 0, 0}};
        static const uint8_t picture[] = {0x10, 0x10, 2, 0, 0x9d, 1, 0x2a, 64, 1, 180, 0, 0x11, 1};
        uint32_t ssrcs[] = {hub_ssrc(1, SFU_AUDIO, 0), hub_ssrc(1, SFU_CAMERA, 0)};
        memcpy(packets[0] + 12, "\x11sound", 6);
        memcpy(packets[1] + 12, picture, sizeof picture);
        alloc_fail_after(SIZE_MAX - 1);
        for (size_t i = 0; i < 2; i++) {
            rtp_set_ssrc(packets[i], ssrcs[i]);
            sfu_rtp(h->sfu, sfu_peer_of(h->sfu, 1), packets[i], sizeof packets[i], h->now);
        }
        sfu_rtcp(h->sfu, sfu_peer_of(h->sfu, 2),
                 bytes_of((const uint8_t[]){0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9}, 12), h->now);
        sfu_tick(h->sfu, h->now += 20 * MS);
        allocations += alloc_count();
        alloc_fail_off();
        hub_collect(h);
    }
    assert_int_equal(allocations, 0);
    assert_true(hub_count(h, 2, 0) > 180);
}

/* ---- Real transports ---- */

struct link_up {
    struct hub *h;
    struct peer *client;
    struct dtls_identity *identity;
    struct sfu_peer_answer answer;
    struct rtc_address at, there;
    size_t left; /* allocations of the switch until the one that fails */
    bool hit, connected;
};

/* Each call of the switch's is counted; those of the client are let through. */
static void before(struct link_up *l)
{
    if (!l->hit)
        alloc_fail_after(l->left);
}

static void after(struct link_up *l)
{
    if (l->hit)
        return;
    l->hit = alloc_fail_hit();
    l->left -= l->hit ? 0 : alloc_count();
    alloc_fail_off();
}

static int open_link(struct link_up *l)
{
    struct sfu_peer_config config = hub_config(5);

    config.fingerprint = bytes_of(dtls_identity_fingerprint(l->identity), DTLS_FINGERPRINT);
    config.ufrag = bytes_str("member");
    config.pwd = bytes_str("aPasswordOfAMember012345");
    before(l);
    int rv = sfu_peer_open(l->h->sfu, 5, &config, l->h->now, &l->answer);
    after(l);
    return rv;
}

static void client_new(struct link_up *l)
{
    struct peer_config c = {
        .role = PEER_CLIENT,
        .dtls_role = DTLS_CLIENT,
        .engine = l->h->engine,
        .identity = l->identity,
        .candidates = &l->there,
        .n_candidates = 1,
        .seed = {1},
        .local = {bytes_str("member"), bytes_str("aPasswordOfAMember012345")},
        .remote = {bytes_str(l->answer.ufrag), bytes_str(l->answer.pwd)},
    };

    memcpy(c.fingerprint, l->answer.fingerprint, DTLS_FINGERPRINT);
    assert_int_equal(peer_new(&c, l->h->now, &l->client), 0);
}

static void client_says(struct link_up *l)
{
    struct peer_effect e = {.kind = PEER_SEND};
    uint8_t datagram[2048];

    while (e.kind != PEER_NOTHING) {
        assert_int_equal(peer_next(l->client, l->h->now, &e), 0);
        l->connected = l->connected || e.kind == PEER_CONNECTED;
        if (e.kind != PEER_SEND)
            continue;
        memcpy(datagram, e.data.p, e.data.n);
        before(l);
        sfu_input(l->h->sfu, datagram, e.data.n, &l->at, l->h->now);
        after(l);
    }
}

static void switch_says(struct link_up *l)
{
    struct sfu_group g;

    while (sfu_output(l->h->sfu, &g, 1) != 0) {
        for (size_t at = 0; at < g.n; at += g.segment) {
            uint8_t datagram[2048];
            size_t n = g.n - at < g.segment ? g.n - at : g.segment;
            memcpy(datagram, g.p + at, n);
            int rv = peer_input(l->client, datagram, n, &l->there, l->h->now);
            assert_true(rv == 0 || conclave_error_class(rv) == CONCLAVE_CLASS_PEER);
        }
        sfu_sent(l->h->sfu, 1);
    }
}

static void talk_until_connected(struct link_up *l)
{
    for (unsigned i = 0; i < 3000 && !l->connected; i++, l->h->now += 10 * MS) {
        if (peer_deadline(l->client) <= l->h->now)
            assert_int_equal(peer_tick(l->client, l->h->now), 0);
        client_says(l);
        before(l);
        sfu_tick(l->h->sfu, l->h->now);
        after(l);
        switch_says(l);
    }
}

/* Whatever fails once while a peer is opened and connects, it connects in the end: a datagram that
 * could not be dealt with is a lost one. */
static void a_peer_connects_although_memory_was_short_once(void **state)
{
    struct hub *h = *state;
    size_t failed = 0;
    bool hit = true;

    for (size_t n = 0; hit; n++) {
        struct link_up l = {
            .h = h,
            .left = n,
            .at = {.family = RTC_IPV4, .ip = {10, 2}, .port = 5},
            .there = {.family = RTC_IPV4, .ip = {10, 1}, .port = 1},
        };
        assert_int_equal(dtls_identity_new(0, &l.identity), 0);
        int rv = open_link(&l);
        assert_true(rv == 0 || (l.hit && rv == CONCLAVE_ENOMEM));
        if (rv != 0) {
            assert_int_equal(stats_of(h).peers, 0);
            assert_int_equal(h->sfu->ufrags.n, 0);
            assert_int_equal(open_link(&l), 0);
        }
        client_new(&l);
        talk_until_connected(&l);
        assert_true(l.connected);
        assert_int_equal(stats_of(h).connected, 1);
        hit = l.hit;
        failed += hit;
        sfu_peer_close(h->sfu, 5);
        switch_says(&l); /* goodbye */
        peer_free(l.client);
        dtls_identity_free(l.identity);
        hub_forget(h);
    }
    assert_true(failed >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(a_switch_is_made_whole_or_not_at_all),
        HUB_TEST(a_meeting_is_opened_whole_or_not_at_all),
        HUB_TEST(a_peer_is_there_whole_or_not_at_all),
        HUB_TEST(a_refused_peer_leaves_no_member),
        HUB_TEST(a_track_is_replaced_whole_or_not_at_all),
        HUB_TEST(wishes_need_no_memory),
        HUB_TEST(forwarding_needs_no_memory),
        HUB_TEST(a_peer_connects_although_memory_was_short_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
