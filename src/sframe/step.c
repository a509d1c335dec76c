/* Sealing and opening with the AEAD elsewhere. */
#include <string.h>

#include "base/wipe.h"
#include "sframe/keys.h"

static void step_write(struct sframe_keys *k, const struct sframe_key *key,
                       const struct sframe_header *h, struct sframe_step *out)
{
    memset(out, 0, sizeof *out);
    keys_info(k, h, &out->info);
    out->header_n = (uint8_t)sframe_header_write(h->kid, h->ctr, out->header);
    sframe_key_nonce(key, h->ctr, out->nonce);
    out->tag_n = k->suite->nt;
    out->key_n = k->suite->nk;
    memcpy(out->key, key->raw, out->key_n);
}

void sframe_step_wipe(struct sframe_step *step)
{
    wipe(step, sizeof *step);
}

int sframe_seal_prepare(struct sframe_keys *k, uint64_t context, size_t plain_n, uint64_t now_us,
                        struct sframe_step *out)
{
    struct sframe_key *key = NULL;
    if (k->mode != SFRAME_OUTSIDE)
        return CONCLAVE_ESTATE;
    if (plain_n > SFRAME_PLAIN_MAX)
        return CONCLAVE_EINVAL;
    struct sframe_header h = {0};
    int rv = keys_sealing(k, context, now_us, &key);
    if (rv == 0)
        rv = sframe_key_take(key, plain_n, &h.ctr);
    if (rv != 0)
        return rv;
    h.kid = key->kid;
    step_write(k, key, &h, out);
    return 0;
}

int sframe_open_prepare(struct sframe_keys *k, struct bytes frame, uint64_t now_us,
                        struct sframe_step *out)
{
    struct sframe_header h;
    size_t header_n;
    struct keys_turn turn;
    if (k->mode != SFRAME_OUTSIDE)
        return CONCLAVE_ESTATE;
    sframe_keys_tick(k, now_us);
    int rv = sframe_header_read(frame, &h, &header_n);
    if (rv == 0)
        rv = sframe_frame_check(k->suite->nt, header_n, bytes_of(NULL, 0), frame, SIZE_MAX);
    if (rv == 0)
        rv = keys_opening(k, &h, &turn);
    if (rv != 0)
        return rv;
    if (replay_check(&turn.key->window, h.ctr))
        step_write(k, turn.key, &h, out);
    else
        rv = CONCLAVE_EREPLAY;
    keys_opened(k, &turn, false); /* not yet */
    return rv;
}

/* The epoch's slot may have been taken over since: then the step was made with another key. */
static bool same_epoch(struct sframe_keys *k, const struct sframe_step *step)
{
    const struct epoch *e = keys_epoch(k, step->info.kid);
    return e->live && e->id == step->info.epoch;
}

int sframe_open_finish(struct sframe_keys *k, const struct sframe_step *step, bool opened,
                       uint64_t now_us)
{
    struct sframe_header h = {step->info.kid, step->info.ctr};
    struct keys_turn turn;
    if (k->mode != SFRAME_OUTSIDE)
        return CONCLAVE_ESTATE;
    if (!opened)
        return CONCLAVE_EDECRYPT;
    sframe_keys_tick(k, now_us);
    if (!same_epoch(k, step))
        return CONCLAVE_EUNKNOWNKEY;
    int rv = keys_opening(k, &h, &turn);
    if (rv != 0)
        return rv;
    bool first = replay_check(&turn.key->window, h.ctr);
    if (first)
        replay_accept(&turn.key->window, h.ctr);
    keys_opened(k, &turn, first);
    return first ? 0 : CONCLAVE_EREPLAY;
}
