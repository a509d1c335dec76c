#include "sfu/demux.h"

#include <string.h>

/* ---- Names in ICE ---- */

void sfu_ufrag_write(uint32_t number, char out[static SFU_UFRAG])
{
    for (unsigned i = 0; i < SFU_UFRAG; i++)
        out[i] = (char)('a' + (number >> 4 * i & 15));
}

bool sfu_ufrag_read(struct bytes text, uint32_t *out)
{
    uint32_t number = 0;
    if (text.n != SFU_UFRAG)
        return false;
    for (unsigned i = 0; i < SFU_UFRAG; i++) {
        if (text.p[i] < 'a' || text.p[i] > 'p')
            return false;
        number |= (uint32_t)(text.p[i] - 'a') << 4 * i;
    }
    *out = number;
    return true;
}

/* ---- Addresses ---- */

/* Strangers choose addresses, so where they land must not be theirs to choose. */
static size_t bucket_of(const struct sfu_demux *d, const struct rtc_address *a)
{
    uint64_t half[2];
    memcpy(half, a->ip, sizeof half);
    uint64_t h = mix(d->seed, half[0]);
    h = mix(d->seed, h ^ half[1]);
    h = mix(d->seed, h ^ ((uint64_t)a->family << 16 | a->port));
    return h & (SFU_WAY_BUCKETS - 1);
}

static struct sfu_way *find(const struct sfu_demux *d, const struct rtc_address *address)
{
    struct sfu_way *w = d->buckets[bucket_of(d, address)];
    while (w != NULL && !rtc_address_equal(&w->address, address))
        w = w->next;
    return w;
}

void *sfu_demux_find(const struct sfu_demux *d, const struct rtc_address *address)
{
    const struct sfu_way *w = find(d, address);
    return w == NULL ? NULL : w->owner;
}

static void take_out(struct sfu_demux *d, struct sfu_way *way)
{
    if (way->address.family == RTC_NO_FAMILY)
        return;
    struct sfu_way **at = &d->buckets[bucket_of(d, &way->address)];
    while (*at != way)
        at = &(*at)->next;
    *at = way->next;
    *way = (struct sfu_way){0};
}

static struct sfu_way *oldest(struct sfu_ways *ways)
{
    struct sfu_way *best = &ways->way[0];
    for (size_t i = 1; i < SFU_WAYS; i++)
        if (ways->way[i].us < best->us)
            best = &ways->way[i];
    return best;
}

void sfu_demux_put(struct sfu_demux *d, struct sfu_ways *ways, void *owner,
                   const struct rtc_address *address, uint64_t now_us)
{
    struct sfu_way *w = find(d, address);
    if (w != NULL && w->owner == owner) {
        w->us = now_us;
        return;
    }
    if (w != NULL)
        take_out(d, w);
    w = oldest(ways);
    take_out(d, w);
    struct sfu_way **bucket = &d->buckets[bucket_of(d, address)];
    *w = (struct sfu_way){.next = *bucket, .address = *address, .owner = owner, .us = now_us};
    *bucket = w;
}

void sfu_demux_forget(struct sfu_demux *d, struct sfu_ways *ways)
{
    for (size_t i = 0; i < SFU_WAYS; i++)
        take_out(d, &ways->way[i]);
}
