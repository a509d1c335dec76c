#include "sfu/inside.h"

#include <stdlib.h>

#include <conclave/crypto.h>

int sfu_new(const struct sfu_config *config, struct sfu **out)
{
    struct sfu *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->config = *config;
    list_init(&s->meetings_all);
    list_init(&s->peers_all);
    list_init(&s->marked_meetings);
    list_init(&s->marked_peers);
    int rv = crypto_random(config->crypto, (uint8_t *)&s->seed, sizeof s->seed);
    /* what sfu_draw() makes goes out: the other seed must not follow from it */
    if (rv == 0)
        rv = crypto_random(config->crypto, (uint8_t *)&s->demux.seed, sizeof s->demux.seed);
    if (rv == 0)
        rv = buf_reserve(&s->rtcp, SFU_RTCP_BYTES);
    if (rv == 0)
        rv = sfu_outbox_init(&s->outbox);
    if (rv != 0) {
        sfu_free(s);
        return rv;
    }
    *out = s;
    return 0;
}

void sfu_free(struct sfu *s)
{
    if (s == NULL)
        return;
    for (struct link *k; (k = list_first(&s->meetings_all)) != NULL;)
        sfu_meeting_close(s, LIST_OWNER(k, struct sfu_meeting, all)->number);
    u32map_fini(&s->meetings);
    u32map_fini(&s->peers);
    u32map_fini(&s->ufrags);
    sfu_outbox_fini(&s->outbox);
    buf_free(&s->rtcp);
    free(s);
}

uint32_t sfu_draw(struct sfu *s)
{
    return (uint32_t)mix(s->seed, ++s->drawn);
}

size_t sfu_output(struct sfu *s, struct sfu_group *out, size_t max)
{
    return sfu_outbox_give(&s->outbox, out, max);
}

void sfu_sent(struct sfu *s, size_t n)
{
    sfu_outbox_sent(&s->outbox, n);
}

uint64_t sfu_deadline(const struct sfu *s)
{
    return s->peers_all.n == 0 ? UINT64_MAX : s->tick_us;
}

void sfu_tick(struct sfu *s, uint64_t now_us)
{
    if (now_us < s->tick_us)
        return;
    s->tick_us = now_us + SFU_TICK_US;
    s->now_us = now_us;
    for (struct link *k = list_first(&s->meetings_all); k != NULL;
         k = list_next(&s->meetings_all, k))
        sfu_meeting_tick(s, LIST_OWNER(k, struct sfu_meeting, all), now_us);
    for (struct link *k = list_first(&s->peers_all); k != NULL; k = list_next(&s->peers_all, k))
        sfu_peer_tick(s, LIST_OWNER(k, struct sfu_peer, all), now_us);
}
