#include "sfu/outbox.h"

#include <stdlib.h>

int sfu_outbox_init(struct sfu_outbox *o)
{
    *o = (struct sfu_outbox){
        .memory = malloc((size_t)SFU_BLOCKS * SFU_BLOCK),
        .blocks = calloc(SFU_BLOCKS, sizeof *o->blocks),
        .free = calloc(SFU_BLOCKS, sizeof *o->free),
        .groups = calloc(SFU_GROUPS, sizeof *o->groups),
        .n_free = SFU_BLOCKS,
        .least_free = SFU_BLOCKS,
    };
    if (o->memory == NULL || o->blocks == NULL || o->free == NULL || o->groups == NULL) {
        sfu_outbox_fini(o);
        return CONCLAVE_ENOMEM;
    }
    for (size_t i = 0; i < SFU_BLOCKS; i++) {
        o->blocks[i].p = o->memory + i * SFU_BLOCK;
        o->free[SFU_BLOCKS - 1 - i] = &o->blocks[i];
    }
    return 0;
}

void sfu_outbox_fini(struct sfu_outbox *o)
{
    free(o->memory);
    free(o->blocks);
    free(o->free);
    free(o->groups);
    *o = (struct sfu_outbox){0};
}

size_t sfu_outbox_memory(void)
{
    return SFU_BLOCKS * (SFU_BLOCK + sizeof(struct sfu_block) + sizeof(struct sfu_block *)) +
           SFU_GROUPS * sizeof(struct sfu_outbox_group);
}

static struct sfu_outbox_group *group_at(const struct sfu_outbox *o, uint64_t number)
{
    return &o->groups[number & (SFU_GROUPS - 1)];
}

static void block_release(struct sfu_outbox *o, struct sfu_block *b)
{
    if (b->groups == 0 && b->lane == NULL)
        o->free[o->n_free++] = b;
}

/* The lane writes into its block no more. */
static void block_leave(struct sfu_outbox *o, struct sfu_lane *lane)
{
    struct sfu_block *b = lane->block;
    if (b == NULL)
        return;
    lane->block = NULL;
    lane->group = 0;
    b->lane = NULL;
    block_release(o, b);
}

static size_t left_for_others(enum sfu_importance importance)
{
    switch (importance) {
    case SFU_OF_VIDEO:
        return SFU_BLOCKS_VIDEO_LEFT;
    case SFU_OF_AUDIO:
        return SFU_BLOCKS_AUDIO_LEFT;
    default:
        return 0;
    }
}

uint8_t *sfu_outbox_reserve(struct sfu_outbox *o, struct sfu_lane *lane, size_t n,
                            enum sfu_importance importance)
{
    /* a packet may need a group of its own, whatever its importance */
    if (o->next - o->first == SFU_GROUPS || n > SFU_BLOCK)
        return NULL;
    if (lane->block != NULL && SFU_BLOCK - lane->block->used >= n)
        return lane->block->p + lane->block->used;
    block_leave(o, lane);
    if (o->n_free <= left_for_others(importance))
        return NULL;
    struct sfu_block *b = o->free[--o->n_free];
    o->least_free = o->n_free < o->least_free ? o->n_free : o->least_free;
    b->lane = lane;
    b->used = 0;
    lane->block = b;
    return b->p;
}

/* The group a packet of n bytes can be added to, or NULL. */
static struct sfu_outbox_group *open_group(const struct sfu_outbox *o, const struct sfu_lane *lane,
                                           size_t n)
{
    if (lane->group <= o->given) /* also if it has none; its number is lane->group - 1 */
        return NULL;
    struct sfu_outbox_group *g = group_at(o, lane->group - 1);
    return g->full || n > g->group.segment ? NULL : g;
}

void sfu_outbox_commit(struct sfu_outbox *o, struct sfu_lane *lane, size_t n)
{
    struct sfu_block *b = lane->block;
    if (n == 0) {
        if (b->groups == 0)
            block_leave(o, lane);
        return;
    }
    struct sfu_outbox_group *g = open_group(o, lane, n);
    if (g == NULL) {
        g = group_at(o, o->next++);
        *g = (struct sfu_outbox_group){
            .lane = lane,
            .block = b,
            .group = {.to = lane->to, .p = b->p + b->used, .segment = (uint16_t)n},
        };
        b->groups++;
        lane->group = o->next;
    }
    g->group.n += n;
    g->group.count++;
    g->full = n < g->group.segment || g->group.count == SFU_SEGMENTS;
    b->used += (uint32_t)n;
}

void sfu_outbox_move(struct sfu_lane *lane, const struct rtc_address *to)
{
    lane->to = *to;
    lane->group = 0;
}

void sfu_outbox_close(struct sfu_outbox *o, struct sfu_lane *lane)
{
    for (uint64_t i = o->first; i < o->next; i++) {
        struct sfu_outbox_group *g = group_at(o, i);
        if (g->lane != lane)
            continue;
        g->lane = NULL;
        g->group.count = 0;
        g->group.n = 0;
    }
    block_leave(o, lane);
}

size_t sfu_outbox_give(struct sfu_outbox *o, struct sfu_group *out, size_t max)
{
    size_t n = 0;
    for (uint64_t i = o->first; i < o->next && n < max; i++)
        out[n++] = group_at(o, i)->group;
    if (o->first + n > o->given)
        o->given = o->first + n;
    return n;
}

void sfu_outbox_sent(struct sfu_outbox *o, size_t n)
{
    for (; n > 0 && o->first < o->given; n--, o->first++) {
        struct sfu_block *b = group_at(o, o->first)->block;
        b->groups--;
        if (b->groups == 0 && b->lane != NULL)
            block_leave(o, b->lane); /* all of it is sent: begin at a block's start again */
        else
            block_release(o, b);
    }
}
