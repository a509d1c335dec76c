/* What people wrote of late: who was cut off for a moment gets it when they are back. In memory
 * only; what a crash of the server takes along, its writers send again. */
#include "room/inside.h"

void room_recent_put(struct recent *q, struct room_frame *f, uint64_t now)
{
    size_t n = room_frame_size(f);
    while (q->n != 0 && (q->n == ROOM_RECENT || q->bytes + n > ROOM_RECENT_BYTES))
        room_recent_pop(q);
    struct recent_message *m = &q->ring[(q->head + q->n++) % ROOM_RECENT];
    *m = (struct recent_message){room_frame_share(f), now};
    q->bytes += n;
}

void room_recent_pop(struct recent *q)
{
    struct recent_message *m = &q->ring[q->head];
    q->bytes -= room_frame_size(m->frame);
    room_frame_free(m->frame);
    *m = (struct recent_message){0};
    q->head = (q->head + 1) % ROOM_RECENT;
    q->n--;
}

void room_recent_fini(struct recent *q)
{
    while (q->n != 0)
        room_recent_pop(q);
}

/* The first that came at this time or later. */
static size_t first_since(const struct recent *q, uint64_t since)
{
    size_t i = 0;
    while (i < q->n && q->ring[(q->head + i) % ROOM_RECENT].at < since)
        i++;
    return i;
}

size_t room_recent_count(const struct recent *q, uint64_t since)
{
    return q->n - first_since(q, since);
}

void room_recent_send(struct room *r, const struct conn *c, uint64_t since)
{
    const struct recent *q = &r->recent;
    for (size_t i = first_since(q, since); i < q->n; i++)
        room_effects_send_one(&r->effects, c->by_number.key,
                              q->ring[(q->head + i) % ROOM_RECENT].frame);
}
