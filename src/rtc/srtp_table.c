#include "rtc/srtp_table.h"

#include <stdlib.h>
#include <string.h>

#include "rtc/srtp.h"

#define SMALLEST 1

void srtp_table_fini(struct srtp_table *t)
{
    free(t->slots);
    free(t->streams);
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

struct srtp_stream *srtp_table_put(struct srtp_table *t, uint32_t ssrc)
{
    struct srtp_stream *s = &t->streams[t->n];
    place(t, ssrc, t->n++);
    *s = (struct srtp_stream){.ssrc = ssrc};
    return s;
}
