#include "sfu/history.h"

#include <stdlib.h>
#include <string.h>

int sfu_history_new(struct sfu_history **out)
{
    struct sfu_history *h = calloc(1, sizeof *h);
    if (h == NULL)
        return CONCLAVE_ENOMEM;
    h->cap = SFU_HISTORY_BYTES;
    h->bytes = malloc(h->cap);
    if (h->bytes == NULL) {
        free(h);
        return CONCLAVE_ENOMEM;
    }
    *out = h;
    return 0;
}

void sfu_history_free(struct sfu_history *h)
{
    if (h == NULL)
        return;
    free(h->bytes);
    free(h);
}

static size_t index_of(int64_t sequence)
{
    return (size_t)sequence & (SFU_HISTORY_PACKETS - 1);
}

/* Whether the bytes of a packet have not been written over. */
static bool is_whole(const struct sfu_history *h, const struct sfu_history_packet *p)
{
    return h->written - p->at <= h->cap;
}

/* Payloads do not wrap: the rest of the ring stays unused. A lap tells how long the bytes last. */
static void begin_lap(struct sfu_history *h, uint64_t now_us)
{
    h->written += h->cap - (h->written & (h->cap - 1));
    if (h->lap_us != 0 && now_us - h->lap_us < SFU_HISTORY_US)
        h->narrow = true;
    h->lap_us = now_us;
}

void sfu_history_put(struct sfu_history *h, const struct sfu_history_packet *p,
                     struct bytes payload)
{
    if (h->cap - (h->written & (h->cap - 1)) < payload.n)
        begin_lap(h, p->us);
    struct sfu_history_packet *slot = &h->packets[index_of(p->sequence)];
    *slot = *p;
    slot->n = (uint16_t)payload.n;
    slot->at = h->written;
    h->newest = p->sequence > h->newest ? p->sequence : h->newest;
    memcpy(h->bytes + (h->written & (h->cap - 1)), payload.p, payload.n);
    h->written += payload.n;
}

bool sfu_history_get(const struct sfu_history *h, int64_t sequence, uint64_t now_us,
                     struct sfu_history_packet *out, struct bytes *out_payload)
{
    const struct sfu_history_packet *p = &h->packets[index_of(sequence)];
    if (p->sequence != sequence || !is_whole(h, p) || now_us - p->us > SFU_HISTORY_US)
        return false;
    *out = *p;
    *out_payload = bytes_of(h->bytes + (p->at & (h->cap - 1)), p->n);
    return true;
}

/* Moves what is there, oldest first, into the new ring. */
static void refill(struct sfu_history *h, const struct sfu_history *old)
{
    for (int64_t n = old->newest - SFU_HISTORY_PACKETS + 1; n <= old->newest; n++) {
        const struct sfu_history_packet *p = &old->packets[index_of(n)];
        if (p->sequence == n && is_whole(old, p))
            sfu_history_put(h, p, bytes_of(old->bytes + (p->at & (old->cap - 1)), p->n));
    }
}

void sfu_history_grow(struct sfu_history *h)
{
    if (!h->narrow || h->cap >= SFU_HISTORY_BYTES_MAX)
        return;
    struct sfu_history old = *h;
    uint8_t *bytes = malloc(2 * h->cap);
    if (bytes == NULL)
        return;
    *h = (struct sfu_history){.bytes = bytes, .cap = 2 * old.cap};
    refill(h, &old);
    free(old.bytes);
}

size_t sfu_history_memory(const struct sfu_history *h)
{
    return sizeof *h + h->cap;
}
