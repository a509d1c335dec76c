/* conclave bench sframe: frames against the bare call of the provider, on the same buffers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bench.h"
#include "sframe/keys.h"

#define SUITE SFRAME_AES_256_GCM_SHA512_128
#define MEMBERS 1001
#define BYTES_AT_A_TIME 65536 /* what a run works on: stays in the caches for every case alike */

static const size_t sizes[] = {80, 200, 1200, 20000};
#define N_SIZES (sizeof sizes / sizeof sizes[0])

/* A sender, a receiver, and the bare key, over one provider. */
struct side {
    struct aead_engine *engine;
    struct aead *aead;
    struct sframe_keys *sender, *receiver;
    const char *name;
};

/* What a case works on: `count` plaintexts and the frames they became. */
struct work {
    struct side *side;
    size_t bytes, count;
    uint8_t *plain, *frames, *out;
    size_t *frame_n; /* sealed frames lie `stride` apart */
    size_t stride;
    int failures;
};

static const uint8_t base_key[32] = {1, 2, 3};

static int add_epoch(struct sframe_keys *k, uint32_t leaf)
{
    struct sframe_epoch e = {1, bytes_of(base_key, sizeof base_key), MEMBERS, leaf,
                             SFRAME_SWITCH_NOW};
    return sframe_keys_add_epoch(k, &e, 0);
}

static int member(enum aead_choice choice, uint32_t leaf, struct sframe_keys **out)
{
    int rv = keys_new_with(SUITE, 8, SFRAME_INSIDE, choice, out);
    return rv != 0 ? rv : add_epoch(*out, leaf);
}

static int side_init(enum aead_choice choice, struct side *s)
{
    *s = (struct side){0};
    int rv = aead_engine_new(choice, &s->engine);
    if (rv == 0)
        rv = aead_new(s->engine, AEAD_ALG_GCM256, AEAD_TAG, bytes_of(base_key, 32), &s->aead);
    if (rv == 0)
        rv = member(choice, 1, &s->sender);
    if (rv == 0)
        rv = member(choice, 0, &s->receiver);
    if (rv == 0)
        s->name = aead_engine_name(s->engine);
    return rv;
}

static void side_fini(struct side *s)
{
    sframe_keys_free(s->sender);
    sframe_keys_free(s->receiver);
    aead_free(s->aead);
    aead_engine_free(s->engine);
}

static void work_fini(struct work *w)
{
    free(w->plain);
    free(w->frames);
    free(w->out);
    free(w->frame_n);
}

static bool work_init(struct side *side, size_t bytes, size_t count, struct work *w)
{
    *w = (struct work){.side = side, .bytes = bytes, .count = count};
    w->stride = (bytes + SFRAME_OVERHEAD_MAX + 63) / 64 * 64;
    w->plain = calloc(count, bytes);
    w->frames = calloc(count, w->stride);
    w->out = calloc(1, w->stride);
    w->frame_n = calloc(count, sizeof *w->frame_n);
    return w->plain != NULL && w->frames != NULL && w->out != NULL && w->frame_n != NULL;
}

/* The bare call gets what SFrame gives it: a header of four bytes as AAD. */
static void bare(struct work *w, bool sealing)
{
    static const uint8_t nonce[AEAD_NONCE] = {1};
    struct aead *a = w->side->aead;
    for (size_t i = 0; i < w->count; i++) {
        uint8_t *text = w->frames + i * w->stride + 4;
        struct bytes in = bytes_of(sealing ? w->plain + i * w->bytes : text, w->bytes);
        a->bare(a, sealing, nonce, bytes_of(text - 4, 4), in, sealing ? text : w->out,
                text + w->bytes);
    }
}

static void bare_seal(void *ctx)
{
    bare(ctx, true);
}

static void bare_open(void *ctx)
{
    bare(ctx, false);
}

static void seal(void *ctx)
{
    struct work *w = ctx;
    for (size_t i = 0; i < w->count; i++)
        w->failures += sframe_seal(w->side->sender, 0, bytes_of(NULL, 0),
                                   bytes_of(w->plain + i * w->bytes, w->bytes), 0,
                                   w->frames + i * w->stride, w->stride, &w->frame_n[i]) != 0;
}

static void open_frames(void *ctx)
{
    struct work *w = ctx;
    size_t n;
    for (size_t i = 0; i < w->count; i++)
        w->failures += sframe_open(w->side->receiver, bytes_of(NULL, 0),
                                   bytes_of(w->frames + i * w->stride, w->frame_n[i]), 0, w->out,
                                   w->stride, &n, NULL) != 0;
}

/* Lets the same frames open once more. */
static void forget_replays(void *ctx)
{
    struct work *w = ctx;
    struct sframe_table *t = &w->side->receiver->table;
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].key != NULL)
            t->slots[i].key->window = (struct replay){0};
}

/* `count` frames of as many senders, one each; or all of one sender. */
static int seal_as(struct work *w, enum aead_choice choice, bool many)
{
    struct sframe_keys *k = NULL;
    int rv = 0;
    for (size_t i = 0; rv == 0 && i < w->count; i++) {
        if (k == NULL || many) {
            sframe_keys_free(k);
            k = NULL;
            rv = member(choice, 1 + (uint32_t)i, &k);
        }
        if (rv == 0)
            rv = sframe_seal(k, 0, bytes_of(NULL, 0), bytes_of(w->plain + i * w->bytes, w->bytes),
                             0, w->frames + i * w->stride, w->stride, &w->frame_n[i]);
    }
    sframe_keys_free(k);
    return rv;
}

enum { BARE, SEALING, OPENING, WORKS };
#define N_CASES 4

static bool works_init(struct side *side, size_t bytes, size_t count, struct work w[static WORKS])
{
    bool ok = true;
    for (size_t i = 0; i < WORKS; i++)
        ok = work_init(side, bytes, count, &w[i]) && ok;
    if (ok) {
        bare_seal(&w[BARE]); /* what is opened */
        seal(&w[OPENING]);
    }
    return ok;
}

static void make_cases(struct work w[static WORKS], struct bench_case c[static N_CASES])
{
    const struct bench_case model = {
        .provider = w->side->name, .bytes = w->bytes, .count = w->count};
    for (size_t i = 0; i < N_CASES; i++)
        c[i] = model;
    c[0].op = "bare-seal";
    c[0].run = bare_seal;
    c[0].ctx = &w[BARE];
    c[1].op = "seal";
    c[1].run = seal;
    c[1].ctx = &w[SEALING];
    c[1].floor = &c[0];
    c[2].op = "bare-open";
    c[2].run = bare_open;
    c[2].ctx = &w[BARE];
    c[3].op = "open";
    c[3].prepare = forget_replays;
    c[3].run = open_frames;
    c[3].ctx = &w[OPENING];
    c[3].floor = &c[2];
}

/* One size, all providers in one measurement. Returns failures. */
static int run_size(const struct bench_options *o, struct side *sides, size_t n, size_t bytes)
{
    struct work work[2][WORKS];
    struct bench_case cases[2 * N_CASES];
    size_t count = BYTES_AT_A_TIME / bytes > 64 ? 64 : BYTES_AT_A_TIME / bytes;
    int failures = 0;
    for (size_t i = 0; i < n; i++) {
        if (!works_init(&sides[i], bytes, count, work[i]))
            return 1;
        make_cases(work[i], &cases[i * N_CASES]);
    }
    bench_measure(cases, n * N_CASES, o->quick);
    for (size_t i = 0; i < n * N_CASES; i++)
        bench_line(o, "sframe", &cases[i]);
    if (bytes == 1200) {
        bench_target(o, "seal of 1,200 B to the bare call", bench_ratio(&cases[1]), 1.35, false);
        bench_target(o, "open of 1,200 B to the bare call", bench_ratio(&cases[3]), 1.35, false);
    }
    for (size_t i = 0; i < n * WORKS; i++) {
        failures += work[i / WORKS][i % WORKS].failures;
        work_fini(&work[i / WORKS][i % WORKS]);
    }
    return failures;
}

/* A thousand senders in turn, against as many frames of one sender. */
static int run_round_robin(const struct bench_options *o, struct side *best,
                           enum aead_choice choice)
{
    struct work one, many;
    struct side other = {.name = best->name};
    int failures = 1;
    bool ready = work_init(best, 1200, MEMBERS - 1, &one);
    ready = work_init(&other, 1200, MEMBERS - 1, &many) && ready;
    if (!ready || member(choice, 0, &other.receiver) != 0 || seal_as(&one, choice, false) != 0 ||
        seal_as(&many, choice, true) != 0)
        goto out;
    struct bench_case cases[] = {
        {"open-1", best->name, 1200, one.count, forget_replays, open_frames, &one, NULL, 0},
        {"open-1000", best->name, 1200, many.count, forget_replays, open_frames, &many, &cases[0],
         0},
    };
    open_frames(&many); /* makes the keys */
    bench_measure(cases, 2, o->quick);
    bench_line(o, "sframe", &cases[0]);
    bench_line(o, "sframe", &cases[1]);
    bench_target(o, "open from 1,000 senders in turn to one", bench_ratio(&cases[1]), 1.5, false);
    failures = one.failures + many.failures;
out:
    sframe_keys_free(other.receiver);
    work_fini(&one);
    work_fini(&many);
    return failures;
}

int bench_sframe(int argc, char **argv)
{
    static const enum aead_choice choices[] = {AEAD_IPSECMB, AEAD_OPENSSL};
    struct side sides[2];
    struct bench_options o;
    size_t n = 0;
    int failures = 0;
    if (!bench_options(argc, argv, &o))
        return 2;
    for (size_t i = 0; i < 2; i++) {
        if (side_init(choices[i], &sides[n]) == 0)
            n++;
        else
            side_fini(&sides[n]);
    }
    if (n == 0) {
        fprintf(stderr, "conclave bench sframe: no crypto provider\n");
        return 1;
    }
    bench_head(&o, "SFrame, AES_256_GCM_SHA512_128");
    for (size_t i = 0; i < N_SIZES; i++)
        failures += run_size(&o, sides, n, sizes[i]);
    failures += run_round_robin(&o, &sides[0], AEAD_BEST);
    for (size_t i = 0; i < n; i++)
        side_fini(&sides[i]);
    if (failures != 0)
        fprintf(stderr, "conclave bench sframe: %d operations failed\n", failures);
    return failures == 0 ? 0 : 1;
}
