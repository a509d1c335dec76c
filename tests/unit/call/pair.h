/* Two members and what goes between them, packet by packet, for the tests of src/call. */
#ifndef TESTS_UNIT_CALL_PAIR_H
#define TESTS_UNIT_CALL_PAIR_H

#include "call/call.h"

#define MS CALL_MILLISECOND
#define OPUS 111
#define VP8 96
#define RTX 97

#define ALICE 3u /* leaves */
#define BOB 5u
#define GROUP 16u

#define SOUND 0 /* tracks */
#define CAMERA 1
#define SCREEN 2
#define SOUND_SSRC 0x1000u
#define CAMERA_SSRC 0x2000u
#define CAMERA_RTX 0x2001u
#define SCREEN_SSRC 0x3000u

#define PICTURE_MAX 60000

/* Packets of one side, in the order they went out. */
#define PACKETS 512
struct packets {
    struct buf p[PACKETS];
    bool control[PACKETS];
    size_t n;
};

struct pair {
    struct call *alice, *bob; /* she sends */
    struct packets sent;      /* by her */
    uint64_t now;
};

struct call *member_new(unsigned epoch_bits);
/* Epoch `id` for one member; removed: GROUP for nobody. */
void member_epoch(struct call *c, uint64_t id, uint32_t own_leaf, uint32_t removed, uint64_t now);
/* Sound, a camera with retransmissions, and a screen. */
void member_publish(struct call *c);

/* Both in epoch 1, and she publishes; teardown takes it apart. */
int pair_setup(void **state);
int pair_teardown(void **state);

/* The n-th frame, a function of n and its size alone; returns its bytes. */
struct bytes picture_of(uint32_t n, bool key, size_t size, uint8_t out[static PICTURE_MAX]);
struct bytes sound_of(uint32_t n, uint8_t out[static PICTURE_MAX]);
void send_picture(struct pair *p, uint8_t track, uint32_t n, bool key, size_t size);
void send_sound(struct pair *p, uint32_t n);

/* What a member has to send now; and all it has, by and by. */
void collect(struct call *c, uint64_t now, struct packets *to);
void collect_all(struct pair *p);
void packets_clear(struct packets *k);
void feed(struct call *c, const struct packets *k, uint64_t now);
void feed_one(struct call *c, const struct buf *packet, uint64_t now);

/* The next event is this frame: of ALICE, with these bytes. */
void expect_frame(struct call *c, uint64_t now, struct bytes content, struct call_event *out);
void expect_picture(struct pair *p, uint32_t n, bool key, size_t size);
void expect_sound(struct pair *p, uint32_t n);
void expect_nothing(struct call *c, uint64_t now);
uint64_t refused(struct call *c, enum call_refusal why);
uint64_t refused_in_all(struct call *c);

#endif
