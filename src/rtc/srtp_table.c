#include "rtc/srtp_table.h"

#include <stdlib.h>
#include <string.h>

#include "rtc/srtp.h"

#define SMALLEST 1

void srtp_table_fini(struct srtp_table *t)
{
    free(t->slots);
    free(t->streams);
    free(t->removed);
    *t = (struct srtp_table){0};
}

static void place(struct srtp_table *t, uint32_t ssrc, size_t at)
{
    size_t i = srtp_table_home(t, ssrc);
    while (t->slots[i].at != 0)
        i = (i + 1) & (2 * t->room - 1);
    t->slots[i] = (struct srtp_slot){ssrc, (uint32_t)at + 1};
}

int srtp_table_reserve(struct srtp_table *t)
{
    if (t->n >= SRTP_STREAMS_MAX)
        return CONCLAVE_ELIMIT;
    if (t->n < t->room)
        return 0;
    struct srtp_table bigger = *t;
    bigger.room = t->room == 0 ? SMALLEST : 2 * t->room;
    bigger.slots = calloc(2 * bigger.room, sizeof *bigger.slots);
    bigger.streams = calloc(bigger.room, sizeof *bigger.streams);
    if (bigger.slots == NULL || bigger.streams == NULL) {
        free(bigger.slots);
        free(bigger.streams);
        return CONCLAVE_ENOMEM;
    }
    if (t->n != 0)
        memcpy(bigger.streams, t->streams, t->n * sizeof *t->streams);
    for (size_t i = 0; i < t->n; i++)
        place(&bigger, t->streams[i].ssrc, i);
    free(t->slots);
    free(t->streams);
    *t = bigger;
    return 0;
}

int srtp_table_reserve_or_replace(struct srtp_table *t)
{
    return t->n >= SRTP_STREAMS_MAX ? 0 : srtp_table_reserve(t);
}

static struct srtp_slot *slot_of(struct srtp_table *t, uint32_t ssrc)
{
    size_t i = srtp_table_home(t, ssrc);
    while (t->slots[i].at != 0 && t->slots[i].ssrc != ssrc)
        i = (i + 1) & (2 * t->room - 1);
    return &t->slots[i];
}

/* The last stream moves into the gap, and the slots behind the free one move up. */
static void take_out(struct srtp_table *t, uint32_t ssrc)
{
    size_t mask = 2 * t->room - 1;
    struct srtp_slot *slot = slot_of(t, ssrc);
    size_t at = slot->at - 1, i = (size_t)(slot - t->slots);
    slot->at = 0;
    for (i = (i + 1) & mask; t->slots[i].at != 0; i = (i + 1) & mask) {
        struct srtp_slot moved = t->slots[i];
        t->slots[i].at = 0;
        place(t, moved.ssrc, moved.at - 1);
    }
    if (at != --t->n) {
        t->streams[at] = t->streams[t->n];
        slot_of(t, t->streams[at].ssrc)->at = (uint32_t)at + 1;
    }
}

/* Second chance: a stream used since the hand last came by stays this time. */
static void replace_one(struct srtp_table *t)
{
    for (;; t->hand++) {
        struct srtp_stream *s = &t->streams[t->hand % t->n];
        if (!s->recent) {
            take_out(t, s->ssrc);
            t->hand++;
            return;
        }
        s->recent = false;
    }
}

struct srtp_stream *srtp_table_put(struct srtp_table *t, uint32_t ssrc)
{
    if (t->n >= SRTP_STREAMS_MAX)
        replace_one(t);
    struct srtp_stream *s = &t->streams[t->n];
    place(t, ssrc, t->n++);
    *s = (struct srtp_stream){.ssrc = ssrc};
    return s;
}

static int remember(struct srtp_table *t, uint32_t ssrc)
{
    if (t->removed_n >= SRTP_REMOVED_MAX)
        return CONCLAVE_ELIMIT;
    if (t->removed_n == t->removed_room) {
        size_t room = t->removed_room == 0 ? 16 : 2 * t->removed_room;
        uint32_t *bigger = realloc(t->removed, room * sizeof *bigger);
        if (bigger == NULL)
            return CONCLAVE_ENOMEM;
        t->removed = bigger;
        t->removed_room = room;
    }
    t->removed[t->removed_n++] = ssrc;
    return 0;
}

int srtp_table_remove(struct srtp_table *t, uint32_t ssrc, bool keep_in_mind)
{
    if (srtp_table_get(t, ssrc) == NULL)
        return 0;
    int rv = keep_in_mind ? remember(t, ssrc) : 0;
    if (rv == 0)
        take_out(t, ssrc);
    return rv;
}

/* Asked only when a stream begins. */
bool srtp_table_was_removed(const struct srtp_table *t, uint32_t ssrc)
{
    for (size_t i = 0; i < t->removed_n; i++)
        if (t->removed[i] == ssrc)
            return true;
    return false;
}
