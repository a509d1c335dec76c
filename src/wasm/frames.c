/* SFrame with the AEAD in WebCrypto: headers, nonces, keys and windows here, in two steps. */
#include <stdlib.h>
#include <string.h>

#include <conclave/sframe.h>

#include "signal/media.h"
#include "wasm/wasm.h"

static void write_step(struct buf *b, const struct sframe_step *step)
{
    write_u64(b, step->info.epoch);
    write_u64(b, step->info.context);
    write_u32(b, step->info.leaf);
    write_u64(b, step->info.kid);
    write_u64(b, step->info.ctr);
    write_vec(b, bytes_of(step->header, step->header_n));
    write_vec(b, bytes_of(step->nonce, sizeof step->nonce));
    write_vec(b, bytes_of(step->key, step->key_n));
}

WASM_EXPORT("frames_new") int wasm_frames_new(struct buf *answer);
int wasm_frames_new(struct buf *answer)
{
    struct sframe_keys *k = NULL;
    int rv = sframe_keys_new(SFRAME_AES_256_GCM_SHA512_128, SIGNAL_EPOCH_BITS, SFRAME_OUTSIDE, &k);
    if (rv != 0)
        return rv;
    write_u32(answer, (uint32_t)(uintptr_t)k);
    rv = buf_check(answer);
    if (rv != 0)
        sframe_keys_free(k);
    return rv;
}

WASM_EXPORT("frames_free") void wasm_frames_free(struct sframe_keys *k);
void wasm_frames_free(struct sframe_keys *k)
{
    sframe_keys_free(k);
}

/* Of one frame: how many bytes stay in clear (docs/MEDIA.md). ESYNTAX. */
WASM_EXPORT("frames_clear") int wasm_frames_clear(int codec, const uint8_t *p, size_t n);
int wasm_frames_clear(int codec, const uint8_t *p, size_t n)
{
    size_t clear = 0;
    int rv = sframe_clear_size((enum sframe_codec)codec, bytes_of(p, n), &clear);
    return rv != 0 ? rv : (int)clear;
}

/* uint64 id; uint32 leaves; uint32 own leaf; key[32]; uint32 removed<V>. As call_epoch(): the
 * removed are barred from now on, and sealing moves at once if there are any. */
WASM_EXPORT("frames_epoch")
int wasm_frames_epoch(struct sframe_keys *k, const uint8_t *p, size_t n, double now);
int wasm_frames_epoch(struct sframe_keys *k, const uint8_t *p, size_t n, double now)
{
    struct reader r = reader_of(bytes_of(p, n));
    struct sframe_epoch epoch = {.id = read_u64(&r)};
    epoch.group_size = read_u32(&r);
    epoch.own_leaf = read_u32(&r);
    epoch.base_key = read_bytes(&r, sframe_key_size(SFRAME_AES_256_GCM_SHA512_128));
    struct reader removed = read_sub(&r);
    epoch.change = reader_left(&removed) != 0 ? SFRAME_SWITCH_NOW : SFRAME_SWITCH_LATER;
    if (reader_end(&r) != 0 || reader_left(&removed) % 4 != 0)
        return CONCLAVE_EINVAL;
    int rv = sframe_keys_add_epoch(k, &epoch, wasm_us(now));
    while (rv == 0 && reader_left(&removed) != 0)
        sframe_keys_bar_leaf(k, read_u32(&removed), epoch.id);
    return rv;
}

/* Milliseconds since 1970, or -1. */
WASM_EXPORT("frames_tick") double wasm_frames_tick(struct sframe_keys *k, double now);
double wasm_frames_tick(struct sframe_keys *k, double now)
{
    sframe_keys_tick(k, wasm_us(now));
    uint64_t at = sframe_keys_deadline(k);
    return at == UINT64_MAX ? -1 : (double)at / 1000;
}

/* The epoch that is sealed in now. ESTATE without any. */
WASM_EXPORT("frames_sending")
int wasm_frames_sending(struct sframe_keys *k, double now, struct buf *answer);
int wasm_frames_sending(struct sframe_keys *k, double now, struct buf *answer)
{
    uint64_t id = 0;
    int rv = sframe_keys_sending(k, wasm_us(now), &id);
    if (rv != 0)
        return rv;
    write_u64(answer, id);
    return buf_check(answer);
}

WASM_EXPORT("frames_seal")
int wasm_frames_seal(struct sframe_keys *k, uint32_t context, size_t plain_n, double now,
                     struct buf *answer);
int wasm_frames_seal(struct sframe_keys *k, uint32_t context, size_t plain_n, double now,
                     struct buf *answer)
{
    struct sframe_step step;
    int rv = sframe_seal_prepare(k, context, plain_n, wasm_us(now), &step);
    if (rv != 0)
        return rv;
    write_step(answer, &step);
    sframe_step_wipe(&step);
    return buf_check(answer);
}

/* p: the SFrame ciphertext, behind what is in clear. */
WASM_EXPORT("frames_open")
int wasm_frames_open(struct sframe_keys *k, const uint8_t *p, size_t n, double now,
                     struct buf *answer);
int wasm_frames_open(struct sframe_keys *k, const uint8_t *p, size_t n, double now,
                     struct buf *answer)
{
    struct sframe_step step;
    int rv = sframe_open_prepare(k, bytes_of(p, n), wasm_us(now), &step);
    if (rv != 0)
        return rv;
    write_step(answer, &step);
    sframe_step_wipe(&step);
    return buf_check(answer);
}

/* p: the step as it was written. Only after 0 may the plaintext be used. */
WASM_EXPORT("frames_opened")
int wasm_frames_opened(struct sframe_keys *k, const uint8_t *p, size_t n, int opened, double now);
int wasm_frames_opened(struct sframe_keys *k, const uint8_t *p, size_t n, int opened, double now)
{
    struct reader r = reader_of(bytes_of(p, n));
    struct sframe_step step = {0};
    step.info.epoch = read_u64(&r);
    step.info.context = read_u64(&r);
    step.info.leaf = read_u32(&r);
    step.info.kid = read_u64(&r);
    step.info.ctr = read_u64(&r);
    if (!reader_ok(&r))
        return CONCLAVE_EINVAL;
    return sframe_open_finish(k, &step, opened != 0, wasm_us(now));
}
