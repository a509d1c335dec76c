/* Packets sent again (RFC 4588): what a sender sends again takes its place in the stream; what a
 * receiver asks for comes from the history, by its number and within limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hub.h"

/* 1 films, 2 watches, and twenty pictures have come through. */
static struct hub *film(void **state, unsigned layers)
{
    struct hub *h = *state;

    hub_join(h, 1);
    hub_join(h, 2);
    hub_publish(h, 1, SFU_CAMERA, layers);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    for (uint16_t i = 0; i < 20; i++) {
        struct hub_picture p = hub_picture(1, 0, (uint16_t)(65530 + i), i == 0);
        hub_send_picture(h, &p);
    }
    hub_collect(h);
    return h;
}

static void send(struct hub *h, unsigned layer, uint16_t sequence, bool key)
{
    struct hub_picture p = hub_picture(1, layer, sequence, key);

    hub_send_picture(h, &p);
    hub_collect(h);
}

/* Asks for the i-th packet that came; how many are sent again. */
static size_t ask(struct hub *h, size_t i)
{
    uint32_t ssrc = hub_video_slot(h, 2, 0);
    uint32_t rtx = hub_rtx_slot(h, 2, 0);
    size_t before = hub_count(h, 2, rtx);

    hub_nack(h, 2, ssrc, hub_at(h, 2, ssrc, i)->rtp.header.sequence);
    hub_collect(h);
    return hub_count(h, 2, rtx) - before;
}

static uint16_t original_of(const struct hub_packet *p)
{
    return (uint16_t)(p->rtp.payload.p[0] << 8 | p->rtp.payload.p[1]);
}

static void what_is_asked_for_comes_again_as_it_was(void **state)
{
    struct hub *h = film(state, 1);
    uint32_t ssrc = hub_video_slot(h, 2, 0);
    uint32_t rtx = hub_rtx_slot(h, 2, 0);

    for (size_t i = 0; i < 20; i++)
        assert_int_equal(ask(h, i), 1);
    for (size_t i = 0; i < 20; i++) {
        const struct hub_packet *was = hub_at(h, 2, ssrc, i);
        const struct hub_packet *is = hub_at(h, 2, rtx, i);
        assert_int_equal(original_of(is), was->rtp.header.sequence);
        assert_int_equal(is->rtp.header.timestamp, was->rtp.header.timestamp);
        assert_int_equal(is->rtp.header.payload_type, HUB_RTX);
        assert_true(is->rtp.header.marker);
        /* with the picture id it had, whoever else got it with another meanwhile */
        assert_int_equal(is->rtp.payload.n, was->rtp.payload.n + 2);
        assert_memory_equal(is->rtp.payload.p + 2, was->rtp.payload.p, was->rtp.payload.n);
        if (i != 0)
            assert_int_equal(is->rtp.header.sequence,
                             (uint16_t)(hub_at(h, 2, rtx, i - 1)->rtp.header.sequence + 1));
    }
    assert_int_equal(hub_counters(h, 2).retransmitted, 20);
}

static void not_twice_within_a_round_trip(void **state)
{
    struct hub *h = film(state, 1);

    assert_int_equal(ask(h, 5), 1);
    assert_int_equal(ask(h, 5), 0);
    h->now += SFU_RESEND_AGAIN - 1;
    assert_int_equal(ask(h, 5), 0);
    h->now += 2;
    assert_int_equal(ask(h, 5), 1);
    assert_int_equal(hub_counters(h, 2).not_retransmitted, 2);
}

static void not_after_a_second(void **state)
{
    struct hub *h = film(state, 1);

    h->now += SFU_HISTORY_US;
    assert_int_equal(ask(h, 0), 1);
    h->now += 1;
    assert_int_equal(ask(h, 1), 0);
}

static void not_what_was_never_sent(void **state)
{
    struct hub *h = film(state, 1);
    uint32_t ssrc = hub_video_slot(h, 2, 0);
    uint16_t first = hub_at(h, 2, ssrc, 0)->rtp.header.sequence;

    hub_nack(h, 2, ssrc, (uint16_t)(first - 1));
    hub_nack(h, 2, ssrc, (uint16_t)(first + 20));
    hub_nack(h, 2, ssrc, (uint16_t)(first + 0x8000));
    hub_nack(h, 2, hub_video_slot(h, 2, 1), first);    /* another slot */
    hub_nack(h, 2, hub_rtx_slot(h, 2, 0), first);      /* not a stream to ask about */
    hub_nack(h, 2, hub_audio_slot(h, 2, 0), first);    /* sound is not kept */
    hub_nack(h, 2, hub_ssrc(1, SFU_CAMERA, 0), 65530); /* the sender's own number */
    hub_nack(h, 1, hub_video_slot(h, 2, 0), first);    /* another's slot */
    hub_nack(h, 2, hub_video_slot(h, 2, 0) ^ 0x10, first);
    hub_collect(h);
    assert_int_equal(hub_count(h, 2, hub_rtx_slot(h, 2, 0)), 0);
    assert_int_equal(hub_count(h, 1, 0), 0);
}

static void without_a_stream_for_it_nothing_comes_again(void **state)
{
    struct hub *h = *state;
    struct sfu_peer_config config = hub_config(2);

    config.rtx_payload_type = 0;
    hub_join(h, 1);
    hub_join_as(h, 2, &config);
    assert_int_equal(hub_rtx_slot(h, 2, 0), 0);
    hub_publish(h, 1, SFU_CAMERA, 1);
    hub_watch(h, 2, 1);
    hub_pass(h, 100 * MS);
    send(h, 0, 10, true);
    size_t before = h->n_out;
    hub_nack(h, 2, hub_video_slot(h, 2, 0), hub_at(h, 2, 0, 0)->rtp.header.sequence);
    hub_collect(h);
    assert_int_equal(h->n_out, before);
}

/* A receiver cannot make the switch send much more than it would anyway. */
static void all_of_it_is_bounded(void **state)
{
    struct hub *h = film(state, 1);
    uint32_t ssrc = hub_video_slot(h, 2, 0);
    uint16_t numbers[200];
    size_t bytes = 0;

    for (uint16_t i = 0; i < 200; i++) {
        struct hub_picture p = hub_picture(1, 0, (uint16_t)(100 + i), false);
        p.size = 1000;
        hub_send_picture(h, &p);
        hub_collect(h);
        numbers[i] = hub_at(h, 2, ssrc, 20u + i)->rtp.header.sequence;
    }
    for (unsigned round = 0; round < 10; round++) {
        struct buf out = {0};
        assert_int_equal(rtcp_nack_write(1, ssrc, numbers, 200, &out), 0);
        hub_rtcp(h, 2, &out);
        h->now += 21 * MS;
    }
    hub_collect(h);
    for (size_t i = 0; i < hub_count(h, 2, hub_rtx_slot(h, 2, 0)); i++)
        bytes += hub_at(h, 2, hub_rtx_slot(h, 2, 0), i)->rtp.payload.n;
    assert_in_range(bytes, 20000, SFU_RESEND_BURST + 200 * SFU_BANDWIDTH_START / 8 / 4 / 1000);
    assert_true(hub_counters(h, 2).not_retransmitted > 1000);
}

static void what_was_lost_before_a_switch_comes_again_after_it(void **state)
{
    struct hub *h = film(state, 2);
    uint32_t ssrc = hub_video_slot(h, 2, 0);

    for (uint16_t i = 0; i < 10; i++) {
        send(h, 1, (uint16_t)(500 + i), false);
        hub_pass(h, 30 * MS);
    }
    send(h, 1, 510, true);
    size_t n = hub_count(h, 2, ssrc);
    assert_int_equal(ask(h, n - 1), 1); /* of the layer now */
    assert_int_equal(ask(h, n - 2), 1); /* and of the one before */
    const struct hub_packet *again = hub_at(h, 2, hub_rtx_slot(h, 2, 0), 1);
    assert_int_equal(original_of(again), hub_at(h, 2, ssrc, n - 2)->rtp.header.sequence);
    assert_memory_equal(again->rtp.payload.p + 2, hub_at(h, 2, ssrc, n - 2)->rtp.payload.p, 100);
}

/* ---- From senders ---- */

static void send_again(struct hub *h, uint16_t sequence, uint16_t rtx_sequence)
{
    struct hub_picture p = hub_picture(1, 0, sequence, false);
    struct hub_rtp again = {
        .ssrc = hub_rtx_ssrc(1, SFU_CAMERA, 0),
        .payload_type = HUB_RTX,
        .marker = true,
        .sequence = rtx_sequence,
        .timestamp = p.timestamp,
    };
    uint8_t data[200] = {(uint8_t)(sequence >> 8),
                         (uint8_t)sequence,
                         0x90,
                         0x80,
                         (uint8_t)(0x80 | sequence >> 8),
                         (uint8_t)sequence,
                         0x11,
                         2,
                         0,
                         0x10,
                         5};

    again.payload = bytes_of(data, sizeof data);
    hub_rtp(h, 1, &again);
    hub_collect(h);
}

static void what_a_sender_sends_again_takes_its_place(void **state)
{
    struct hub *h = film(state, 1);
    uint32_t ssrc = hub_video_slot(h, 2, 0);

    send(h, 0, 16, false); /* 14 and 15 are missing */
    hub_pass(h, 20 * MS);
    assert_int_equal(hub_feedback(h, 1, RTCP_FB_NACK, hub_ssrc(1, SFU_CAMERA, 0), NULL), 1);
    send_again(h, 14, 900);
    assert_int_equal(hub_count(h, 2, ssrc), 22);
    assert_int_equal(hub_at(h, 2, ssrc, 21)->rtp.header.sequence,
                     (uint16_t)(hub_at(h, 2, ssrc, 20)->rtp.header.sequence - 2));
    assert_int_equal(hub_counters(h, 1).recovered_in, 1);
    send_again(h, 14, 901); /* once is enough */
    assert_int_equal(hub_count(h, 2, ssrc), 22);
}

static void padding_on_the_stream_of_retransmissions_goes_nowhere(void **state)
{
    struct hub *h = film(state, 1);
    uint64_t before = hub_counters(h, 1).refused;
    size_t n = hub_count(h, 2, 0);

    hub_rtp(h, 1,
            &(struct hub_rtp){.ssrc = hub_rtx_ssrc(1, SFU_CAMERA, 0), .payload_type = HUB_RTX});
    hub_collect(h);
    assert_int_equal(hub_count(h, 2, 0), n);
    assert_int_equal(hub_counters(h, 1).refused, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HUB_TEST(what_is_asked_for_comes_again_as_it_was),
        HUB_TEST(not_twice_within_a_round_trip),
        HUB_TEST(not_after_a_second),
        HUB_TEST(not_what_was_never_sent),
        HUB_TEST(without_a_stream_for_it_nothing_comes_again),
        HUB_TEST(all_of_it_is_bounded),
        HUB_TEST(what_was_lost_before_a_switch_comes_again_after_it),
        HUB_TEST(what_a_sender_sends_again_takes_its_place),
        HUB_TEST(padding_on_the_stream_of_retransmissions_goes_nowhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
