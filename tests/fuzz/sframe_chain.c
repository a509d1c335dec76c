/* A receiver of sender keys gets frames that were made up, or made of true ones, while the sender
 * ratchets and takes new base keys. What opens was sealed before, and opens once; and whatever
 * came, a sender that goes one step is followed. Four bytes are an operation. */
#include <stdlib.h>
#include <string.h>

#include <conclave/sframe.h>

#include "fuzz/fuzz.h"
#include "wire/reader.h"

#define FRAMES 64
#define FRAME_MAX 64
#define PLAIN 10

struct frame {
    uint8_t p[FRAME_MAX];
    size_t n;
    bool opened;
};

struct play {
    struct sframe_chain *sender, *receiver;
    struct frame frames[FRAMES];
    size_t n;
    uint64_t now, generation;
    unsigned
        ahead; /* steps since the newest frame opened: at least as far as the receiver is behind */
    unsigned reach; /* steps that a receiver follows */
};

static void seal(struct play *p)
{
    struct frame *f = &p->frames[p->n];
    uint8_t plain[PLAIN];
    if (p->n == FRAMES)
        return;
    memset(plain, (int)p->n, sizeof plain);
    *f = (struct frame){.n = 0};
    must(sframe_chain_seal(p->sender, bytes_of("m", 1), bytes_of(plain, PLAIN), f->p, sizeof f->p,
                           &f->n) == 0);
    p->n++;
}

static int open_bytes(struct play *p, const uint8_t *frame, size_t n)
{
    uint8_t out[FRAME_MAX];
    size_t got = 0;
    struct sframe_header h;
    int rv = sframe_chain_open(p->receiver, bytes_of("m", 1), bytes_of(frame, n), p->now, out,
                               sizeof out, &got, &h);
    if (rv != 0)
        return rv;
    must(got == PLAIN && out[0] < p->n);
    struct frame *f = &p->frames[out[0]];
    must(!f->opened && bytes_equal(bytes_of(frame, n), bytes_of(f->p, f->n)));
    f->opened = true;
    return 0;
}

static void rekey(struct play *p, uint8_t what)
{
    uint8_t key[32] = {what, (uint8_t)++p->generation};
    must(sframe_chain_rekey(p->sender, p->generation, bytes_of(key, 32), p->now) == 0);
    must(sframe_chain_rekey(p->receiver, p->generation, bytes_of(key, 32), p->now) == 0);
    p->ahead = 0;
}

/* What was sealed last opens, if the receiver is not too far behind. */
static void follow(struct play *p)
{
    if (p->n == FRAMES)
        return;
    seal(p);
    struct frame *f = &p->frames[p->n - 1];
    int rv = open_bytes(p, f->p, f->n);
    must(p->ahead > p->reach || rv == 0);
    if (rv == 0)
        p->ahead = 0;
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r), what = read_u8(r), at = read_u8(r), with = read_u8(r);
    struct frame f = p->frames[what % FRAMES];
    switch (op % 7) {
    case 0:
        seal(p);
        break;
    case 1:
        (void)open_bytes(p, f.p, f.n);
        break;
    case 2:
        if (at < f.n)
            f.p[at] ^= with;
        (void)open_bytes(p, f.p, with == 0 && at < f.n ? at : f.n);
        break;
    case 3:
        must(sframe_chain_ratchet(p->sender) == 0);
        p->ahead++;
        break;
    case 4:
        p->now += (uint64_t)what * 50000;
        break;
    case 5:
        rekey(p, what);
        break;
    default:
        follow(p);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[32] = {5};
    struct reader r = reader_of(bytes_of(data, size));
    unsigned bits = 1 + read_u8(&r) % 8;
    struct play *p = calloc(1, sizeof *p);
    if (p == NULL)
        return 0;
    p->reach = bits > 4 ? 8 : 1u << (bits - 1);
    must(sframe_chain_new(SFRAME_AES_128_GCM_SHA256_128, SFRAME_SEALING, bits, 0, 0,
                          bytes_of(key, 32), &p->sender) == 0);
    must(sframe_chain_new(SFRAME_AES_128_GCM_SHA256_128, SFRAME_OPENING, bits, 0, 0,
                          bytes_of(key, 32), &p->receiver) == 0);
    for (int steps = 0; steps < 300 && reader_left(&r) >= 4; steps++)
        step(p, &r);
    sframe_chain_free(p->sender);
    sframe_chain_free(p->receiver);
    free(p);
    return 0;
}
