#include "sfu/rewrite.h"

#include "rtc/sequence.h"
#include "sfu/limits.h"

void sfu_rewrite_init(struct sfu_rewrite *w, uint16_t sequence, uint32_t timestamp)
{
    /* one cycle above zero, so that no number is negative */
    *w = (struct sfu_rewrite){.last_sequence = 0x10000 + (int64_t)sequence,
                              .last_timestamp = timestamp};
}

static uint32_t time_passed(const struct sfu_rewrite *w, uint32_t clock, uint64_t now_us)
{
    uint64_t passed = w->started ? now_us - w->last_us : 0;
    if (passed < SFU_FRAME_US)
        passed = SFU_FRAME_US;
    return (uint32_t)(passed * clock / SFU_SECOND);
}

void sfu_rewrite_follow(struct sfu_rewrite *w, int64_t sequence, uint32_t timestamp,
                        const struct vp8_descriptor *vp8, uint32_t clock, uint64_t now_us)
{
    w->base = sequence;
    w->sequence = w->last_sequence + 1 - sequence;
    w->timestamp = w->last_timestamp + time_passed(w, clock, now_us) - timestamp;
    w->started = true;
    if (vp8 == NULL)
        return;
    w->picture_id = (uint16_t)(w->last_picture_id + 1 - vp8->picture_id);
    w->tl0picidx = (uint8_t)(w->last_tl0picidx + 1 - vp8->tl0picidx);
    w->keyidx = (uint8_t)(w->last_keyidx + 1 - vp8->keyidx);
}

bool sfu_rewrite_source(const struct sfu_rewrite *w, uint16_t sequence, int64_t *out)
{
    int64_t n = w->last_sequence + sequence_distance((uint16_t)w->last_sequence, sequence);
    if (!w->started || n > w->last_sequence || n - w->sequence < w->base)
        return false;
    *out = n - w->sequence;
    return true;
}

void sfu_rewrite_vp8(const struct sfu_rewrite *w, struct vp8_descriptor *d)
{
    d->picture_id =
        (uint16_t)(d->picture_id + w->picture_id) & (d->long_picture_id ? 0x7fff : 0x7f);
    d->tl0picidx = (uint8_t)(d->tl0picidx + w->tl0picidx);
    d->keyidx = (uint8_t)(d->keyidx + w->keyidx) & 0x1f;
}

void sfu_rewrite_sent(struct sfu_rewrite *w, int64_t out_sequence, uint32_t out_timestamp,
                      const struct vp8_descriptor *d, uint64_t now_us)
{
    if (out_sequence <= w->last_sequence)
        return;
    w->last_sequence = out_sequence;
    w->last_timestamp = out_timestamp;
    w->last_us = now_us;
    if (d == NULL)
        return;
    w->last_picture_id = d->picture_id;
    w->last_tl0picidx = d->tl0picidx;
    w->last_keyidx = d->keyidx;
}
