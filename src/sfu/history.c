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

void sfu_history_grow(struct sfu_history *h)
{
    if (!h->narrow || h->cap >= SFU_HISTORY_BYTES_MAX)
        return;
    uint8_t *bytes = malloc(2 * h->cap);
    if (bytes == NULL)
        return;
    free(h->bytes);
    h->bytes = bytes;
    h->cap *= 2;
    h->written = h->lap_us = 0;
    h->narrow = false;
    memset(h->packets, 0, sizeof h->packets);
}

size_t sfu_history_memory(const struct sfu_history *h)
{
    return sizeof *h + h->cap;
}
