/* How much a path carries, found out from what its far end says: over paths that are a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sfu/bandwidth.h"
#include "support/random.h"

#define MS SFU_MILLISECOND
#define PACKET UINT64_C(1000)
#define QUEUE (400 * MS) /* what would wait longer is dropped */

/* A path that carries `rate`, and a receiver at its end that tells what arrived every 50 ms. */
struct path {
    struct sfu_bandwidth b;
    struct random random;
    uint64_t now, free_us, rate, told_us;
    uint64_t media;  /* bit/s that are sent */
    unsigned loss;   /* per mille */
    bool mute;       /* no feedback comes */
    uint64_t credit; /* bits of media still to be sent */
    struct transport_cc_recorder arrived;
    struct {
        uint16_t number;
        uint64_t at;
    } flying[4096];
    size_t first, next;
};

static void open_path(struct path *p, uint64_t rate, uint64_t media)
{
    *p = (struct path){.random = {4}, .now = 1000 * SFU_SECOND, .rate = rate, .media = media};
    sfu_bandwidth_init(&p->b, p->now);
}

static void packet(struct path *p, size_t n)
{
    uint16_t number = sfu_bandwidth_send(&p->b, n, p->now);

    if (random_below(&p->random, 1000) < p->loss)
        return;
    if (p->free_us > p->now + QUEUE)
        return;
    p->free_us = (p->free_us > p->now ? p->free_us : p->now) + n * 8 * SFU_SECOND / p->rate;
    assert_true(p->next - p->first < 4096);
    p->flying[p->next % 4096].number = number;
    p->flying[p->next++ % 4096].at = p->free_us + 30 * MS;
}

static void tell(struct path *p)
{
    struct rtcp_packet packet;
    struct rtcp_feedback f;
    struct transport_cc m;
    struct rtcp_walk w;
    struct buf out = {0};

    while (transport_cc_pending(&p->arrived))
        assert_int_equal(transport_cc_write(&p->arrived, 1, 2, &out), 0);
    if (out.n != 0 && !p->mute) {
        assert_int_equal(rtcp_open(buf_view(&out), &w), 0);
        while (rtcp_next(&w, &packet)) {
            assert_int_equal(rtcp_feedback_read(&packet, &f), 0);
            assert_int_equal(transport_cc_read(&f, &m), 0);
            sfu_bandwidth_feedback(&p->b, &m, p->now);
        }
    }
    buf_free(&out);
}

/* Sends what there is, but no more than the estimate. */
static void pass(struct path *p, uint64_t us)
{
    for (uint64_t end = p->now + us; p->now < end; p->now += 5 * MS) {
        uint64_t rate = p->media;
        if (rate > sfu_bandwidth_now(&p->b))
            rate = sfu_bandwidth_now(&p->b);
        p->b.wanted = p->media;
        for (p->credit += rate / 200; p->credit >= 8 * PACKET; p->credit -= 8 * PACKET)
            packet(p, PACKET);
        if (p->now % (10 * MS) == 0) {
            size_t padding = sfu_bandwidth_tick(&p->b, p->now);
            for (size_t sent = 0; sent < padding; sent += SFU_PADDING)
                packet(p, SFU_PADDING + 30);
        }
        for (; p->first < p->next && p->flying[p->first % 4096].at <= p->now; p->first++)
            transport_cc_record(&p->arrived, p->flying[p->first % 4096].number,
                                p->flying[p->first % 4096].at);
        if (p->now - p->told_us >= 50 * MS) {
            p->told_us = p->now;
            tell(p);
        }
    }
}

static void it_begins_with_what_most_paths_carry(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 10000000, 0);
    assert_int_equal(sfu_bandwidth_now(&p.b), SFU_BANDWIDTH_START);
}

static void what_is_wanted_and_there_is_found_by_probes(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 8000000);
    pass(&p, 10 * SFU_SECOND);
    assert_true(sfu_bandwidth_now(&p.b) >= 8000000);
}

static void what_is_not_wanted_is_not_probed_for(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 300000);
    pass(&p, 20 * SFU_SECOND);
    assert_int_equal(p.b.probe.state, SFU_PROBE_IDLE);
    assert_in_range(sfu_bandwidth_now(&p.b), 800000,
                    1300000); /* what it did not use taught it nothing */
}

static void a_queue_brings_it_down_to_what_goes_through(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 3000000);
    pass(&p, 10 * SFU_SECOND);
    p.rate = 600000;
    pass(&p, 3 * SFU_SECOND);
    for (unsigned i = 0; i < 20; i++) {
        pass(&p, SFU_SECOND);
        assert_in_range(sfu_bandwidth_now(&p.b), 300000, 720000);
        assert_true(p.free_us < p.now + 150 * MS); /* nor does a queue stay */
    }
}

static void loss_brings_it_down_and_a_little_does_not(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 3000000);
    pass(&p, 10 * SFU_SECOND);
    p.loss = 20;
    pass(&p, 10 * SFU_SECOND);
    uint64_t before = sfu_bandwidth_now(&p.b);
    assert_true(before >= 2900000);
    p.loss = 300;
    pass(&p, 3 * SFU_SECOND);
    assert_true(sfu_bandwidth_now(&p.b) < before * 4 / 5);
    pass(&p, 60 * SFU_SECOND);
    assert_true(sfu_bandwidth_now(&p.b) >= SFU_BANDWIDTH_MIN);
    assert_true(sfu_bandwidth_now(&p.b) < 200000);
}

static void silence_is_bad_news(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 3000000);
    pass(&p, 10 * SFU_SECOND);
    uint64_t before = sfu_bandwidth_now(&p.b);
    p.mute = true;
    pass(&p, SFU_SILENCE - 100 * MS);
    assert_true(sfu_bandwidth_now(&p.b) >= before);
    pass(&p, 500 * MS);
    assert_true(sfu_bandwidth_now(&p.b) <= before / 2);
    pass(&p, 30 * SFU_SECOND);
    assert_int_equal(sfu_bandwidth_now(&p.b), SFU_BANDWIDTH_MIN);
    p.mute = false;
    pass(&p, 30 * SFU_SECOND);
    assert_true(sfu_bandwidth_now(&p.b) >= 2900000);
}

static void on_a_new_path_it_begins_anew_and_numbers_on(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 3000000);
    pass(&p, 10 * SFU_SECOND);
    p.mute = true;
    pass(&p, 30 * SFU_SECOND);
    uint64_t sent = p.b.sent;
    sfu_bandwidth_renew(&p.b, p.now);
    p.mute = false;
    assert_int_equal(p.b.sent, sent);
    assert_int_equal(sfu_bandwidth_now(&p.b), SFU_BANDWIDTH_START);
    pass(&p, 5 * SFU_SECOND);
    assert_true(sfu_bandwidth_now(&p.b) >= 2900000);
}

static void who_is_sent_nothing_need_not_say_anything(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 0);
    pass(&p, 30 * SFU_SECOND);
    assert_int_equal(sfu_bandwidth_now(&p.b), SFU_BANDWIDTH_START);
}

/* Padding is bounded: a probe has its share, and one that found nothing doubles the wait. */
static void vain_probes_become_rare(void **state)
{
    static struct path p;
    unsigned probes = 0;
    bool before = false;

    (void)state;
    open_path(&p, 1200000, 5000000);
    pass(&p, 30 * SFU_SECOND);
    uint64_t sent = p.b.sent;
    for (unsigned i = 0; i < 6000; i++) {
        pass(&p, 5 * MS);
        probes += !before && p.b.probe.state == SFU_PROBE_SENDING;
        before = p.b.probe.state == SFU_PROBE_SENDING;
    }
    assert_true(probes <= 10);
    assert_true(p.b.sent - sent < 30 * 1200000 / 8 / PACKET * 3 / 2);
}

static void a_cap_of_the_receiver_holds(void **state)
{
    static struct path p;

    (void)state;
    open_path(&p, 20000000, 5000000);
    pass(&p, 10 * SFU_SECOND);
    sfu_bandwidth_remb(&p.b, 700000);
    assert_int_equal(sfu_bandwidth_now(&p.b), 700000);
    pass(&p, 10 * SFU_SECOND);
    assert_int_equal(sfu_bandwidth_now(&p.b), 700000);
    sfu_bandwidth_remb(&p.b, 0);
    assert_int_equal(sfu_bandwidth_now(&p.b), SFU_BANDWIDTH_MIN);
    sfu_bandwidth_remb(&p.b, UINT64_MAX);
    assert_true(sfu_bandwidth_now(&p.b) <= SFU_BANDWIDTH_MAX);
}

/* RFC 3550 6.4.1: receivers that give no transport-wide feedback. */
static void reports_of_loss_do_what_they_can(void **state)
{
    struct sfu_bandwidth b;
    uint64_t now = 1000 * SFU_SECOND;

    (void)state;
    sfu_bandwidth_init(&b, now);
    for (unsigned i = 0; i < 10; i++, now += SFU_SECOND) {
        for (unsigned k = 0; k < 200; k++)
            sfu_bandwidth_send(&b, PACKET, now + 5 * MS * k);
        sfu_bandwidth_report(&b, 0, now + SFU_SECOND);
    }
    uint64_t good = sfu_bandwidth_now(&b);
    assert_true(good > SFU_BANDWIDTH_START);
    sfu_bandwidth_report(&b, 128, now + SFU_SECOND);
    assert_in_range(sfu_bandwidth_now(&b), good * 7 / 10, good * 8 / 10);
}

/* What a receiver says is a receiver's word: lies harm its own pictures, and nothing else. */
static void lies_stay_within_bounds(void **state)
{
    static struct path p;
    struct random random = {11};

    (void)state;
    open_path(&p, 20000000, 2000000);
    pass(&p, SFU_SECOND);
    for (unsigned i = 0; i < 20000; i++) {
        uint8_t chunk[2] = {(uint8_t)(0x20 | random_below(&random, 2) << 6), 7};
        uint8_t deltas[7];
        struct transport_cc m = {
            .base_sequence = (uint16_t)random_u64(&random),
            .status_count = 7,
            .reference_time = (uint32_t)random_below(&random, 1 << 24),
            .chunks = bytes_of(chunk, 2),
            .deltas = bytes_of(deltas, 7),
        };
        chunk[0] &= 0x3f; /* a run of seven that arrived */
        random_fill(&random, deltas, sizeof deltas);
        sfu_bandwidth_feedback(&p.b, &m, p.now += random_below(&random, 50 * MS));
        sfu_bandwidth_send(&p.b, PACKET, p.now);
        p.b.wanted = random_below(&random, UINT32_MAX);
        assert_true(sfu_bandwidth_tick(&p.b, p.now) <= SFU_BANDWIDTH_MAX / 8);
        assert_in_range(sfu_bandwidth_now(&p.b), SFU_BANDWIDTH_MIN, SFU_BANDWIDTH_MAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_begins_with_what_most_paths_carry),
        cmocka_unit_test(what_is_wanted_and_there_is_found_by_probes),
        cmocka_unit_test(what_is_not_wanted_is_not_probed_for),
        cmocka_unit_test(a_queue_brings_it_down_to_what_goes_through),
        cmocka_unit_test(loss_brings_it_down_and_a_little_does_not),
        cmocka_unit_test(silence_is_bad_news),
        cmocka_unit_test(on_a_new_path_it_begins_anew_and_numbers_on),
        cmocka_unit_test(who_is_sent_nothing_need_not_say_anything),
        cmocka_unit_test(vain_probes_become_rare),
        cmocka_unit_test(a_cap_of_the_receiver_holds),
        cmocka_unit_test(reports_of_loss_do_what_they_can),
        cmocka_unit_test(lies_stay_within_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
