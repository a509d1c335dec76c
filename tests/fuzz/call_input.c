/* A participant gets packets that somebody on the way made up, or made of true ones: RTP, RTCP, and
 * what the switch says of streams, between epochs.
 *
 * The input is a script: an operation in one byte, then its arguments. Whatever it says, a frame
 * that comes out is one that was sent, comes out once, and as its sender's and as what it was; and
 * when all that was due is done, nothing is due. */
#include <stdlib.h>
#include <string.h>

#include "call/call.h"
#include "fuzz/fuzz.h"
#include "wire/reader.h"

#define FRAMES 64
#define PACKETS 256
#define STEPS 300
#define SENDER 3u
#define RECEIVER 5u
#define PICTURE 2500 /* three packets */

enum { SOUND, CAMERA };

struct play {
    struct call *sender, *receiver;
    struct buf packets[PACKETS];
    size_t n_packets, n_frames;
    bool came[FRAMES];
    uint64_t now;
    uint64_t epoch, followed; /* the sender's, and the receiver's */
};

static void add_epoch(struct call *c, uint64_t id, uint32_t own_leaf, uint8_t removed, uint64_t now)
{
    uint8_t key[32] = {(uint8_t)id, (uint8_t)(id >> 8), 7};
    uint32_t leaf = removed;
    struct call_epoch e = {
        .id = id,
        .base_key = bytes_of(key, sizeof key),
        .group_size = 20,
        .own_leaf = own_leaf,
        .removed = &leaf,
        .n_removed = removed < 20 && removed != SENDER && removed != RECEIVER,
    };
    must(call_epoch(c, &e, now) == 0);
}

static void play_init(struct play *p)
{
    struct call_config config = {.epoch_bits = 2, .opus = 111, .vp8 = 96, .rtx = 97, .ssrc = 9};
    struct call_track sound = {SOUND, SIGNAL_AUDIO, 1, {{10, 11, 65534, 5}}};
    struct call_track own = {CAMERA, SIGNAL_CAMERA, 1, {{30, 31, 65534, 5}}};
    struct call_track camera = {CAMERA, SIGNAL_CAMERA, 1, {{20, 21, 65534, 5}}};
    struct signal_flow flow = {.leaf = SENDER, .source = SIGNAL_CAMERA, .ssrc = 20, .rtx = 21};
    p->now = CALL_SECOND;
    p->epoch = 1;
    p->followed = 1;
    must(call_new(&config, &p->sender) == 0 && call_new(&config, &p->receiver) == 0);
    must(call_publish(p->sender, &sound) == 0 && call_publish(p->sender, &camera) == 0);
    must(call_publish(p->receiver, &own) == 0);
    must(call_flow(p->receiver, &flow) == 0);
    add_epoch(p->sender, 1, SENDER, UINT8_MAX, p->now);
    add_epoch(p->receiver, 1, RECEIVER, UINT8_MAX, p->now);
}

/* The content names its frame behind the bytes that stay in clear. */
static void send_frame(struct play *p, uint8_t track)
{
    uint8_t data[PICTURE] = {0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01};
    size_t n = track == SOUND ? 40 : PICTURE;
    struct call_frame f = {.data = bytes_of(data, n), .pts = p->now, .captured_us = p->now};
    if (p->n_frames == FRAMES)
        return;
    data[11] = (uint8_t)p->n_frames;
    data[12] = track;
    int rv = call_send(p->sender, track, 0, &f, p->now);
    must(rv == 0 || rv == CONCLAVE_ELIMIT);
    p->n_frames += rv == 0;
}

static void keep_packets(struct play *p)
{
    struct call_packet packet;
    do {
        must(call_output(p->sender, p->now, &packet) == 0);
        if (packet.data.n == 0 || p->n_packets == PACKETS)
            continue;
        buf_put(&p->packets[p->n_packets], packet.data);
        must(buf_check(&p->packets[p->n_packets++]) == 0);
    } while (packet.data.n != 0);
}

static void judge(struct play *p, const struct call_event *e)
{
    if (e->what != CALL_FRAME)
        return;
    uint8_t track = e->source == SIGNAL_AUDIO ? SOUND : CAMERA;
    must(e->leaf == SENDER && e->layer == 0 && e->source != SIGNAL_SCREEN);
    must(e->frame.n == (track == SOUND ? 40 : PICTURE) && e->frame.p[12] == track);
    must(e->frame.p[11] < p->n_frames && !p->came[e->frame.p[11]]);
    p->came[e->frame.p[11]] = true;
}

static void settle(struct play *p)
{
    struct call_event e;
    struct call_packet packet;
    do {
        must(call_next(p->receiver, p->now, &e) == 0);
        judge(p, &e);
    } while (e.what != CALL_NOTHING);
    do
        must(call_output(p->receiver, p->now, &packet) == 0);
    while (packet.data.n != 0);
    must(call_deadline(p->receiver) > p->now);
}

static void give(struct play *p, struct bytes packet)
{
    must(call_input(p->receiver, packet, p->now) == 0);
    settle(p);
}

/* A true packet with a byte changed, or cut off. */
static void give_changed(struct play *p, uint8_t what, uint8_t at, uint8_t with)
{
    uint8_t copy[2048];
    if (what >= p->n_packets || p->packets[what].n > sizeof copy || at >= p->packets[what].n)
        return;
    memcpy(copy, p->packets[what].p, p->packets[what].n);
    copy[at] ^= with;
    give(p, bytes_of(copy, with == 0 ? at : p->packets[what].n));
}

static void say_flow(struct play *p, uint8_t a, uint8_t b, uint8_t c)
{
    struct signal_flow f = {
        .leaf = a, .source = b % 5, .gone = b > 200, .ssrc = c % 32, .rtx = a % 32};
    int rv = call_flow(p->receiver, &f);
    must(rv == 0 || rv == CONCLAVE_EINVAL || rv == CONCLAVE_ELIMIT);
    settle(p);
}

static void receiver_follows(struct play *p, uint8_t removed)
{
    if (p->followed == p->epoch)
        return;
    p->followed = p->epoch;
    add_epoch(p->receiver, p->epoch, RECEIVER, removed, p->now);
    settle(p);
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r), what = read_u8(r), at = read_u8(r), with = read_u8(r);
    switch (op % 8) {
    case 0:
        send_frame(p, what % 2);
        break;
    case 1:
        if (what < p->n_packets)
            give(p, buf_view(&p->packets[what]));
        break;
    case 2:
        give_changed(p, what, at, with);
        break;
    case 3:
        give(p, read_bytes(r, what));
        break;
    case 4:
        p->now += (uint64_t)what * 10 * CALL_MILLISECOND;
        settle(p);
        break;
    case 5:
        say_flow(p, what, at, with);
        break;
    case 6:
        add_epoch(p->sender, ++p->epoch, SENDER, at, p->now);
        if (what % 4 != 0)
            receiver_follows(p, at);
        break;
    default:
        receiver_follows(p, at);
    }
    keep_packets(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_of(bytes_of(data, size));
    struct play *p = calloc(1, sizeof *p);
    if (p == NULL)
        return 0;
    play_init(p);
    for (int steps = 0; steps < STEPS && reader_left(&r) >= 4; steps++)
        step(p, &r);
    for (size_t i = 0; i < p->n_packets; i++)
        buf_free(&p->packets[i]);
    call_free(p->sender);
    call_free(p->receiver);
    free(p);
    return 0;
}
