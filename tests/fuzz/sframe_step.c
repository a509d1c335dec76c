/* The AEAD elsewhere: steps are prepared, and finished later, in any order, twice or never, while
 * epochs come and go. Whatever the order, a frame is given out once, under its own sender, and only
 * after its tag was right. Also the codecs' clear bytes, which are authenticated. Four bytes are an
 * operation. */
#include <stdlib.h>
#include <string.h>

#include "crypto/aead.h"
#include "fuzz/fuzz.h"
#include "fuzz/sframe_epoch.h"
#include "wire/reader.h"

#define FRAMES 32
#define STEPS 8
#define FRAME_MAX 80
#define PLAIN 24

struct frame {
    uint8_t p[FRAME_MAX];
    size_t n;
    bool out;
};

/* A step in the hands of the other AEAD, with what that made of it. */
struct pending {
    struct sframe_step step;
    bool any, opened;
    uint8_t text[FRAME_MAX];
};

struct play {
    struct aead_engine *engine;
    struct sframe_keys *sender, *outside, *inside;
    struct frame frames[FRAMES];
    struct frame media[FRAMES]; /* the same with clear bytes, for the inside receiver */
    size_t n;
    struct pending pending[STEPS];
    uint64_t now, epoch;
};

static void seal(struct play *p, uint8_t first)
{
    uint8_t plain[PLAIN] = {first}; /* VP8 reads its first bit */
    struct frame *f = &p->frames[p->n], *m = &p->media[p->n];
    if (p->n == FRAMES)
        return;
    plain[PLAIN - 1] = (uint8_t)p->n;
    *f = (struct frame){.n = 0};
    *m = *f;
    must(sframe_seal(p->sender, 0, bytes_of(NULL, 0), bytes_of(plain, PLAIN), p->now, f->p,
                     sizeof f->p, &f->n) == 0);
    must(sframe_seal_media(p->sender, 1, SFRAME_CODEC_VP8, bytes_of(plain, PLAIN), p->now, m->p,
                           sizeof m->p, &m->n) == 0);
    p->n++;
}

/* As WebCrypto would. */
static bool aead_elsewhere(struct play *p, const struct sframe_step *s, struct bytes frame,
                           uint8_t *out)
{
    struct aead *a = NULL;
    must(frame.n >= (size_t)s->header_n + s->tag_n);
    size_t n = frame.n - s->header_n - s->tag_n;
    must(aead_new(p->engine, AEAD_ALG_GCM256, s->tag_n, bytes_of(s->key, s->key_n), &a) == 0);
    int rv = aead_open(a, s->nonce, bytes_of(s->header, s->header_n),
                       bytes_of(frame.p + s->header_n, n), frame.p + s->header_n + n, out);
    aead_free(a);
    return rv == 0;
}

static void prepare(struct play *p, struct pending *q, const uint8_t *frame, size_t n)
{
    struct sframe_step s;
    if (sframe_open_prepare(p->outside, bytes_of(frame, n), p->now, &s) != 0)
        return;
    q->step = s;
    q->any = true;
    q->opened = aead_elsewhere(p, &s, bytes_of(frame, n), q->text);
}

static void finish(struct play *p, struct pending *q)
{
    if (!q->any || sframe_open_finish(p->outside, &q->step, q->opened, p->now) != 0)
        return;
    must(q->opened && q->text[PLAIN - 1] < p->n && q->step.info.leaf == 3);
    struct frame *f = &p->frames[q->text[PLAIN - 1]];
    must(!f->out);
    f->out = true;
}

static void open_media(struct play *p, const uint8_t *frame, size_t n)
{
    uint8_t out[FRAME_MAX];
    size_t got = 0;
    struct sframe_info info;
    if (sframe_open_media(p->inside, SFRAME_CODEC_VP8, bytes_of(frame, n), p->now, out, sizeof out,
                          &got, &info) != 0)
        return;
    must(got == PLAIN && out[PLAIN - 1] < p->n && info.leaf == 3);
    struct frame *m = &p->media[out[PLAIN - 1]];
    must(!m->out && bytes_equal(bytes_of(frame, n), bytes_of(m->p, m->n)));
    m->out = true;
}

static void step(struct play *p, struct reader *r)
{
    uint8_t op = read_u8(r), what = read_u8(r), at = read_u8(r), with = read_u8(r);
    struct frame f = (op & 0x80) != 0 ? p->media[what % FRAMES] : p->frames[what % FRAMES];
    struct pending *q = &p->pending[with % STEPS];
    switch (op % 6) {
    case 0:
        seal(p, what);
        break;
    case 1: /* true, or changed in a byte */
        if (at < f.n)
            f.p[at] ^= with >> 4;
        if ((op & 0x80) != 0)
            open_media(p, f.p, f.n);
        else
            prepare(p, q, f.p, f.n);
        break;
    case 2:
        finish(p, q);
        break;
    case 3: {
        struct bytes made_up = read_bytes(r, what % FRAME_MAX);
        prepare(p, q, made_up.p, made_up.n);
        open_media(p, made_up.p, made_up.n);
        break;
    }
    case 4:
        p->now += (uint64_t)what * 20000;
        break;
    default:
        p->epoch++;
        must(add_epoch(p->sender, p->epoch, 3, p->now) == 0);
        must(add_epoch(p->inside, p->epoch, 5, p->now) == 0);
        must(add_epoch(p->outside, p->epoch, 6, p->now) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sframe_mode modes[] = {SFRAME_INSIDE, SFRAME_INSIDE, SFRAME_OUTSIDE};
    struct reader r = reader_of(bytes_of(data, size));
    struct play *p = calloc(1, sizeof *p);
    if (p == NULL)
        return 0;
    struct sframe_keys **members[] = {&p->sender, &p->inside, &p->outside};
    must(aead_engine_new(AEAD_OPENSSL, &p->engine) == 0);
    for (size_t i = 0; i < 3; i++) {
        must(keys_new_with(SFRAME_AES_256_GCM_SHA512_128, 2, modes[i], AEAD_OPENSSL, members[i]) ==
             0);
        must(add_epoch(*members[i], 1, i == 0 ? 3 : 4 + (uint32_t)i, 0) == 0);
    }
    p->epoch = 1;
    for (int steps = 0; steps < 300 && reader_left(&r) >= 4; steps++)
        step(p, &r);
    for (size_t i = 0; i < 3; i++)
        sframe_keys_free(*members[i]);
    aead_engine_free(p->engine);
    free(p);
    return 0;
}
