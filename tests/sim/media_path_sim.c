/* A video stream from encoder to decoder over a bad network, with all that src/rtc has in between:
 * frames are cut, carry header extensions, get lost and shuffled, are assembled, asked for again by
 * NACK, and their arrival is told in transport feedback. By a virtual clock of one millisecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rtc/assembler.h"
#include "rtc/rtp_ext.h"
#include "rtc/sframe_payload.h"
#include "rtc/transport_cc.h"
#include "rtc/vp8.h"
#include "support/random.h"

#define MS UINT64_C(1000)
#define MTU 1200
#define FRAMES 600
#define HISTORY 4096 /* packets the sender keeps, and transport numbers it remembers */
#define FLIGHT 1024  /* datagrams under way at a time */
#define LOSS 10      /* per cent, both ways */
#define VIDEO_SSRC 0x11223344u
#define REPORTER_SSRC 0x55667788u

struct datagram {
    bool used;
    bool to_sender;
    uint64_t at;
    struct buf data;
};

struct kept {
    struct buf payload;
    uint32_t timestamp;
    uint16_t sequence;
    bool marker;
};

struct world {
    struct random random;
    bool sframe; /* payloads begin with an SFrame descriptor instead of VP8's */
    uint64_t now;
    struct datagram flight[FLIGHT];
    /* the sender */
    struct kept history[HISTORY];
    uint16_t sequence;
    uint16_t transport;
    bool told_received[HISTORY]; /* by transport number */
    bool truly_received[HISTORY];
    struct transport_cc_clock clock;
    unsigned frames_sent, resent, feedbacks;
    /* the receiver */
    struct assembler *assembler;
    struct transport_cc_recorder recorder;
    unsigned frames_out, key_frames_out;
    int64_t last_frame;
};

/* The n-th frame: one in a hundred is a key frame. A function of n alone. */
static size_t frame_of(uint32_t n, uint8_t *out)
{
    static const uint8_t key[] = {0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
    static const uint8_t delta[] = {0x51, 0x01, 0x00};
    struct random r = {n + 1000};
    size_t size = n % 100 == 0 ? 30000 : 10 + random_below(&r, 8000);

    random_fill(&r, out, size);
    if (n % 100 == 0)
        memcpy(out, key, sizeof key);
    else
        memcpy(out, delta, sizeof delta);
    return size;
}

static void put_on_the_wire(struct world *w, const struct buf *data, bool to_sender)
{
    if (random_chance(&w->random, LOSS))
        return;
    for (size_t i = 0; i < FLIGHT; i++) {
        struct datagram *d = &w->flight[i];
        if (d->used)
            continue;
        d->used = true;
        d->to_sender = to_sender;
        d->at = w->now + 10 * MS + random_below(&w->random, 30 * MS);
        buf_put(&d->data, buf_view(data));
        assert_int_equal(buf_check(&d->data), 0);
        return;
    }
    fail_msg("more under way than the simulation has room for");
}

static void send_kept(struct world *w, const struct kept *k)
{
    struct buf block = {0};
    struct buf data = {0};
    struct rtp_exts e = {
        .mid = bytes_str("v"),
        .has_transport_cc = true,
        .transport_cc = w->transport,
        .has_abs_send_time = true,
        .abs_send_time = rtp_abs_send_time(w->now),
    };
    struct rtp_packet p = {
        .header = {.marker = k->marker,
                   .extended = true,
                   .payload_type = 100,
                   .sequence = k->sequence,
                   .timestamp = k->timestamp,
                   .ssrc = VIDEO_SSRC},
        .payload = buf_view(&k->payload),
    };
    w->told_received[w->transport % HISTORY] = false;
    w->truly_received[w->transport % HISTORY] = false;
    w->transport++;
    assert_int_equal(rtp_exts_write(&e, NULL, &block, &p.header.extension_profile), 0);
    p.header.extension = buf_view(&block);
    assert_int_equal(rtp_packet_write(&p, &data), 0);
    put_on_the_wire(w, &data, false);
    buf_free(&block);
    buf_free(&data);
}

static struct kept *keep(struct world *w, bool last)
{
    struct kept *k = &w->history[w->sequence % HISTORY];

    k->sequence = w->sequence++;
    k->timestamp = w->frames_sent * (VP8_CLOCK / 30);
    k->marker = last;
    return k;
}

static void send_frame(struct world *w)
{
    static uint8_t frame[40000];
    size_t n = frame_of(w->frames_sent, frame);
    struct vp8_descriptor d = {.has_picture_id = true,
                               .long_picture_id = true,
                               .picture_id = (uint16_t)(w->frames_sent & 0x7fff)};
    struct vp8_packetizer vp8;
    struct sframe_packetizer sframe;
    bool last = false;

    assert_int_equal(vp8_packetizer_init(&vp8, &d, bytes_of(frame, n), MTU), 0);
    assert_int_equal(sframe_packetizer_init(&sframe, bytes_of(frame, n), false, MTU), 0);
    while (!last) {
        struct buf *payload = &w->history[w->sequence % HISTORY].payload;
        buf_clear(payload);
        if (w->sframe)
            assert_int_equal(sframe_packetizer_next(&sframe, payload, &last), 0);
        else
            assert_int_equal(vp8_packetizer_next(&vp8, payload, &last), 0);
        assert_true(payload->n <= MTU);
        send_kept(w, keep(w, last));
    }
    w->frames_sent++;
}

static void sender_hears_nack(struct world *w, const struct rtcp_feedback *f)
{
    struct rtcp_nack_walk walk;
    uint16_t sequence;

    assert_int_equal(f->media_ssrc, VIDEO_SSRC);
    assert_int_equal(rtcp_nack_open(f, &walk), 0);
    while (rtcp_nack_next(&walk, &sequence)) {
        const struct kept *k = &w->history[sequence % HISTORY];
        assert_int_equal(k->sequence, sequence);
        send_kept(w, k);
        w->resent++;
    }
}

static void sender_hears_arrivals(struct world *w, const struct rtcp_feedback *f)
{
    struct transport_cc m;
    struct transport_cc_status s;

    assert_int_equal(transport_cc_read(f, &m), 0);
    struct transport_cc_walk walk = transport_cc_walk_of(&m, transport_cc_reference(&w->clock, &m));
    while (transport_cc_next(&walk, &s)) {
        if (!s.received)
            continue;
        w->told_received[s.sequence % HISTORY] = true;
        assert_true(w->truly_received[s.sequence % HISTORY]);
        assert_true((uint64_t)s.time_us <= w->now);
    }
    w->feedbacks++;
}

static void sender_hears(struct world *w, struct bytes data)
{
    struct rtcp_walk walk;
    struct rtcp_packet p;
    struct rtcp_feedback f;

    assert_true(rtp_is_rtcp(data));
    assert_int_equal(rtcp_open(data, &walk), 0);
    while (rtcp_next(&walk, &p)) {
        assert_int_equal(rtcp_feedback_read(&p, &f), 0);
        if (f.kind == RTCP_FB_NACK)
            sender_hears_nack(w, &f);
        else
            sender_hears_arrivals(w, &f);
    }
}

static void receiver_takes_frames(struct world *w)
{
    static uint8_t expected[40000];
    struct assembler_output o;

    for (;;) {
        assert_int_equal(assembler_next(w->assembler, w->now, &o), 0);
        if (o.what == ASSEMBLER_NOTHING)
            return;
        if (o.what == ASSEMBLER_LOST)
            continue;
        uint32_t n = o.timestamp / (VP8_CLOCK / 30);
        assert_true((int64_t)n > w->last_frame);
        assert_true(bytes_equal(o.frame, bytes_of(expected, frame_of(n, expected))));
        struct vp8_frame f;
        assert_int_equal(vp8_frame_read(o.frame, &f), 0);
        assert_int_equal(f.key, n % 100 == 0);
        w->key_frames_out += f.key;
        w->frames_out++;
        w->last_frame = n;
    }
}

static void receiver_hears(struct world *w, struct bytes data)
{
    struct rtp_packet p;
    struct rtp_exts e;

    assert_false(rtp_is_rtcp(data));
    assert_int_equal(rtp_packet_read(data, &p), 0);
    assert_int_equal(rtp_exts_read(&p.header, NULL, &e), 0);
    assert_true(bytes_equal(e.mid, bytes_str("v")) && e.has_transport_cc && e.has_abs_send_time);
    w->truly_received[e.transport_cc % HISTORY] = true;
    transport_cc_record(&w->recorder, e.transport_cc, w->now);

    struct assembler_packet a = {.sequence = p.header.sequence, .timestamp = p.header.timestamp};
    if (w->sframe) {
        struct sframe_payload s;
        assert_int_equal(sframe_payload_read(p.payload, &s), 0);
        a.start = s.start;
        a.end = s.end;
        a.kind = (uint32_t)p.header.payload_type << 1 | s.packetized;
        a.payload = s.content;
        assert_int_equal(s.end, p.header.marker);
    } else {
        struct vp8_descriptor d;
        assert_int_equal(vp8_descriptor_read(p.payload, &d), 0);
        a.start = vp8_begins_frame(&d);
        a.end = p.header.marker;
        a.kind = p.header.payload_type;
        a.payload = bytes_of(p.payload.p + d.size, p.payload.n - d.size);
    }
    assert_int_equal(assembler_input(w->assembler, &a, w->now), 0);
    receiver_takes_frames(w);
}

static void receiver_reports(struct world *w)
{
    uint16_t missing[200];
    struct buf data = {0};
    size_t n = assembler_missing(w->assembler, missing, 200);

    if (n != 0)
        assert_int_equal(rtcp_nack_write(REPORTER_SSRC, VIDEO_SSRC, missing, n, &data), 0);
    while (transport_cc_pending(&w->recorder))
        assert_int_equal(transport_cc_write(&w->recorder, REPORTER_SSRC, VIDEO_SSRC, &data), 0);
    if (data.n != 0)
        put_on_the_wire(w, &data, true);
    buf_free(&data);
}

static void deliver(struct world *w)
{
    for (size_t i = 0; i < FLIGHT; i++) {
        struct datagram *d = &w->flight[i];
        if (!d->used || d->at > w->now)
            continue;
        struct buf data = d->data;
        d->data = (struct buf){0};
        d->used = false;
        if (d->to_sender)
            sender_hears(w, buf_view(&data));
        else
            receiver_hears(w, buf_view(&data));
        buf_free(&data);
    }
}

static void run(struct world *w)
{
    w->now = 1000000 * MS;
    w->last_frame = -1;
    w->sequence = 65000;
    w->transport = 65000;
    assert_int_equal(assembler_new(NULL, &w->assembler), 0);
    for (unsigned ms = 0; ms < FRAMES * 33 + 1000; ms++, w->now += MS) {
        if (ms % 33 == 0 && w->frames_sent < FRAMES)
            send_frame(w);
        deliver(w);
        if (assembler_deadline(w->assembler) <= w->now)
            receiver_takes_frames(w);
        if (ms % 60 == 0)
            receiver_reports(w);
    }
}

static void finish(struct world *w, const char *name)
{
    printf("%s: %u frames sent, %u out, %u packets sent again, %u feedback messages\n", name,
           w->frames_sent, w->frames_out, w->resent, w->feedbacks);
    assembler_free(w->assembler);
    for (size_t i = 0; i < HISTORY; i++)
        buf_free(&w->history[i].payload);
    for (size_t i = 0; i < FLIGHT; i++)
        buf_free(&w->flight[i].data);
    free(w);
}

static void check_stream(bool sframe, const char *name)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    w->random.state = 17;
    w->sframe = sframe;
    run(w);
    assert_int_equal(w->frames_sent, FRAMES);
    assert_in_range(w->frames_out, FRAMES * 99 / 100, FRAMES);
    assert_true(w->key_frames_out >= 5);
    assert_true(w->resent > 100 && w->feedbacks > 100);
    finish(w, name);
}

static void a_vp8_stream_survives_a_bad_network(void **state)
{
    (void)state;
    check_stream(false, "VP8");
}

static void an_sframe_stream_survives_a_bad_network(void **state)
{
    (void)state;
    check_stream(true, "SFrame");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vp8_stream_survives_a_bad_network),
        cmocka_unit_test(an_sframe_stream_survives_a_bad_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
