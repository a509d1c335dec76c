/* A receiver between epochs gets frames that somebody on the way made up, or made of true ones.
 *
 * The input is a script: an operation in one byte, then its arguments. Whatever it says, what opens
 * was sealed before, opens once, and under its own sender. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "fuzz/sframe_epoch.h"
#include "wire/reader.h"

#define FRAMES 64
#define FRAME_MAX 96
#define PLAIN 20

struct frame {
    uint8_t p[FRAME_MAX];
    size_t n;
    bool opened;
};

struct play {
    struct sframe_keys *sender, *receiver;
    struct frame frames[FRAMES];
    size_t n_frames;
    uint64_t now, epoch;
};

/* The plaintext names its frame. */
static void seal(struct play *p, uint64_t context)
{
    struct frame *f = &p->frames[p->n_frames];
    uint8_t plain[PLAIN];
    if (p->n_frames == FRAMES)
        return;
    memset(plain, (int)p->n_frames, sizeof plain);
    *f = (struct frame){.n = 0};
    int rv = sframe_seal(p->sender, context, bytes_of("m", 1), bytes_of(plain, PLAIN), p->now, f->p,
                         sizeof f->p, &f->n);
    must(rv == 0 || rv == CONCLAVE_EINVAL || rv == CONCLAVE_ELIMIT);
    p->n_frames += rv == 0;
}

static void open_bytes(struct play *p, const uint8_t *frame, size_t n)
{
    uint8_t out[FRAME_MAX];
    size_t got = 0;
    struct sframe_info info;
    if (sframe_open(p->receiver, bytes_of("m", 1), bytes_of(frame, n), p->now, out, sizeof out,
                    &got, &info) != 0)
        return;
    must(got == PLAIN && out[0] < p->n_frames && info.leaf == 3);
    struct frame *f = &p->frames[out[0]];
    must(!f->opened && bytes_equal(bytes_of(frame, n), bytes_of(f->p, f->n)));
    f->opened = true;
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r), what = read_u8(r), at = read_u8(r), with = read_u8(r);
    switch (op % 6) {
    case 0:
        seal(p, (uint64_t)what << (at % 56));
        break;
    case 1:
        if (what < p->n_frames)
            open_bytes(p, p->frames[what].p, p->frames[what].n);
        break;
    case 2: /* a true frame with a byte changed or missing */
        if (what < p->n_frames) {
            struct frame f = p->frames[what];
            if (at < f.n)
                f.p[at] ^= with;
            open_bytes(p, f.p, with == 0 && at < f.n ? at : f.n);
        }
        break;
    case 3: {
        struct bytes made_up = read_bytes(r, what % FRAME_MAX);
        open_bytes(p, made_up.p, made_up.n);
        break;
    }
    case 4:
        p->now += (uint64_t)what * 100000;
        break;
    default:
        p->epoch++;
        must(add_epoch(p->sender, p->epoch, 3, p->now) == 0);
        if (what % 4 != 0)
            must(add_epoch(p->receiver, p->epoch, 5, p->now) == 0);
        if (what % 8 == 1)
            sframe_keys_bar_leaf(p->receiver, with, p->epoch);
    }
}

static void play(struct bytes script, enum aead_choice choice)
{
    struct reader r = reader_of(script);
    struct play *p = calloc(1, sizeof *p);
    if (p == NULL)
        return;
    must(keys_new_with(SFRAME_AES_256_GCM_SHA512_128, 2, SFRAME_INSIDE, AEAD_OPENSSL, &p->sender) ==
         0);
    must(keys_new_with(SFRAME_AES_256_GCM_SHA512_128, 2, SFRAME_INSIDE, choice, &p->receiver) == 0);
    p->epoch = 1;
    must(add_epoch(p->sender, 1, 3, 0) == 0 && add_epoch(p->receiver, 1, 5, 0) == 0);
    for (int steps = 0; steps < 500 && reader_left(&r) >= 4; steps++)
        step(p, &r);
    sframe_keys_free(p->sender);
    sframe_keys_free(p->receiver);
    free(p);
}

/* Over OpenSSL, and over what this machine has best. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    play(bytes_of(data, size), AEAD_OPENSSL);
    play(bytes_of(data, size), AEAD_BEST);
    return 0;
}
