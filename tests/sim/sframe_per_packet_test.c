/* SFrame per packet (T = 1 of the RTP payload descriptor): a VP8 frame is cut first, and each of
 * its payloads sealed; the receiver opens each, and joins what opened. A payload too large for a
 * packet once sealed goes in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <conclave/sframe.h>

#include "rtc/assembler.h"
#include "rtc/sframe_payload.h"
#include "rtc/vp8.h"
#include "support/random.h"

#define PACKETS_MAX 64
#define SEALED_MAX 2000
#define CUT 400 /* bytes of a VP8 payload */

struct packet {
    struct buf payload;
    uint32_t timestamp;
    uint16_t sequence;
    bool marker;
};

struct path {
    struct sframe_keys *sender, *receiver;
    struct packet packets[PACKETS_MAX];
    size_t n;
    uint16_t sequence;
    struct assembler *ciphertexts; /* pieces of a ciphertext */
    struct assembler *frames;      /* payloads of a frame */
    uint16_t opened;               /* numbers given to what opened, with a gap for what did not */
};

static struct sframe_keys *member(uint32_t leaf)
{
    static const uint8_t base_key[32] = {8};
    struct sframe_epoch e = {1, bytes_of(base_key, sizeof base_key), 4, leaf, SFRAME_SWITCH_NOW};
    struct sframe_keys *k = NULL;
    assert_int_equal(sframe_keys_new(SFRAME_AES_256_GCM_SHA512_128, 4, SFRAME_INSIDE, &k), 0);
    assert_int_equal(sframe_keys_add_epoch(k, &e, 0), 0);
    return k;
}

static void path_init(struct path *p)
{
    *p = (struct path){.sender = member(1), .receiver = member(2), .sequence = 65530};
    assert_int_equal(assembler_new(NULL, &p->ciphertexts), 0);
    assert_int_equal(assembler_new(NULL, &p->frames), 0);
}

static void path_fini(struct path *p)
{
    for (size_t i = 0; i < PACKETS_MAX; i++)
        buf_free(&p->packets[i].payload);
    assembler_free(p->ciphertexts);
    assembler_free(p->frames);
    sframe_keys_free(p->sender);
    sframe_keys_free(p->receiver);
}

/* One sealed VP8 payload, in as many packets as it takes. */
static void send_payload(struct path *p, struct bytes payload, uint32_t timestamp, bool last,
                         size_t mtu)
{
    uint8_t sealed[SEALED_MAX];
    struct sframe_packetizer pieces;
    size_t n = 0;
    bool last_piece = false;
    assert_int_equal(
        sframe_seal(p->sender, 0, bytes_of(NULL, 0), payload, 0, sealed, sizeof sealed, &n), 0);
    assert_int_equal(sframe_packetizer_init(&pieces, bytes_of(sealed, n), true, mtu), 0);
    while (!last_piece) {
        struct packet *k = &p->packets[p->n++];
        assert_true(p->n <= PACKETS_MAX);
        buf_clear(&k->payload);
        assert_int_equal(sframe_packetizer_next(&pieces, &k->payload, &last_piece), 0);
        assert_true(k->payload.n <= mtu);
        k->sequence = p->sequence++;
        k->timestamp = timestamp;
        k->marker = last && last_piece;
    }
}

static void send_frame(struct path *p, struct bytes frame, uint32_t timestamp, size_t mtu)
{
    struct vp8_descriptor d = {.has_picture_id = true, .picture_id = timestamp & 0x7f};
    struct vp8_packetizer vp8;
    struct buf payload = {0};
    bool last = false;
    assert_int_equal(vp8_packetizer_init(&vp8, &d, frame, CUT), 0);
    while (!last) {
        buf_clear(&payload);
        assert_int_equal(vp8_packetizer_next(&vp8, &payload, &last), 0);
        send_payload(p, buf_view(&payload), timestamp, last, mtu);
    }
    buf_free(&payload);
}

/* What opened is a VP8 payload as without SFrame. */
static void take_payload(struct path *p, const struct assembler_output *o)
{
    uint8_t plain[SEALED_MAX];
    struct sframe_info info;
    struct vp8_descriptor d;
    size_t n = 0;
    assert_int_equal(
        sframe_open(p->receiver, bytes_of(NULL, 0), o->frame, 0, plain, sizeof plain, &n, &info),
        0);
    assert_int_equal(info.leaf, 1);
    assert_int_equal(vp8_descriptor_read(bytes_of(plain, n), &d), 0);
    struct assembler_packet a = {
        .sequence = p->opened++,
        .timestamp = o->timestamp,
        .start = vp8_begins_frame(&d),
        .end = o->note != 0,
        .payload = bytes_of(plain + d.size, n - d.size),
    };
    assert_int_equal(assembler_input(p->frames, &a, 0), 0);
}

static void arrives(struct path *p, const struct packet *k, uint64_t now)
{
    struct sframe_payload s;
    struct assembler_output o;
    assert_int_equal(sframe_payload_read(buf_view(&k->payload), &s), 0);
    assert_true(s.packetized);
    struct assembler_packet a = {
        .sequence = k->sequence,
        .timestamp = k->timestamp,
        .start = s.start,
        .end = s.end,
        .kind = s.packetized,
        .note = k->marker, /* only a whole ciphertext in one packet carries it here */
        .payload = s.content,
    };
    assert_int_equal(assembler_input(p->ciphertexts, &a, now), 0);
    for (;;) {
        assert_int_equal(assembler_next(p->ciphertexts, now, &o), 0);
        if (o.what == ASSEMBLER_NOTHING)
            return;
        if (o.what == ASSEMBLER_LOST)
            p->opened++; /* at least one payload is missing, and so is its frame */
        else
            take_payload(p, &o);
    }
}

static struct bytes frame_of(uint32_t number, uint8_t out[static 3000])
{
    struct random r = {number};
    random_fill(&r, out, 3000);
    return bytes_of(out, 500 + number * 300);
}

static bool frame_comes_out(struct path *p, uint32_t number, uint64_t now)
{
    uint8_t want[3000];
    struct assembler_output o;
    do
        assert_int_equal(assembler_next(p->frames, now, &o), 0);
    while (o.what == ASSEMBLER_LOST);
    if (o.what == ASSEMBLER_NOTHING)
        return false;
    assert_int_equal(o.timestamp, number);
    assert_true(bytes_equal(o.frame, frame_of(number, want)));
    return true;
}

static void frames_are_sealed_packet_by_packet_and_joined_again(void **state)
{
    uint8_t frame[3000];
    struct path p;
    (void)state;
    path_init(&p);
    for (uint32_t number = 1; number <= 8; number++) {
        p.n = 0;
        send_frame(&p, frame_of(number, frame), number, 1200);
        for (size_t i = 0; i < p.n;
             i++) /* of the first frame in order: where it begins is not known */
            arrives(&p, &p.packets[number == 1 ? i : (p.n - 1 - i + p.n / 2) % p.n], 0);
        assert_true(frame_comes_out(&p, number, 0));
        assert_false(frame_comes_out(&p, number, 0));
    }
    path_fini(&p);
}

/* Per frame, a lost packet costs the frame; per packet too, but what is whole opens by itself. */
static void a_lost_packet_costs_its_own_frame_alone(void **state)
{
    uint8_t frame[3000];
    uint64_t now = 0;
    struct path p;
    (void)state;
    path_init(&p);
    for (uint32_t number = 1; number <= 8; number++, now += ASSEMBLER_WAIT_US) {
        p.n = 0;
        send_frame(&p, frame_of(number, frame), number, 1200);
        for (size_t i = 0; i < p.n; i++)
            if (number != 4 || i != 1)
                arrives(&p, &p.packets[i], now);
        bool out = frame_comes_out(&p, number, now);
        assert_int_equal(out, number != 4);
    }
    path_fini(&p);
}

static void a_sealed_payload_too_large_for_a_packet_goes_in_pieces(void **state)
{
    uint8_t payload[1000] = {0x10};
    struct path p;
    struct assembler_output o;
    (void)state;
    path_init(&p);
    send_payload(&p, bytes_of(payload, sizeof payload), 1, true, 300);
    assert_int_equal(p.n, 4);
    for (size_t i = 0; i < p.n; i++)
        arrives(&p, &p.packets[i], 0);
    assert_int_equal(p.opened, 1);
    assert_int_equal(assembler_next(p.frames, 0, &o), 0);
    path_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_sealed_packet_by_packet_and_joined_again),
        cmocka_unit_test(a_lost_packet_costs_its_own_frame_alone),
        cmocka_unit_test(a_sealed_payload_too_large_for_a_packet_goes_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
