/* What a room wants done: a queue of effects, and the frames and lists of receivers that many
 * effects share. */
#ifndef ROOM_EFFECT_H
#define ROOM_EFFECT_H

#include "room/room.h"
#include "signal/signal.h"

/* A message as a frame of one owner. EINVAL, ELIMIT, ENOMEM. */
int room_frame_new(const struct signal_message *m, struct room_frame **out) CONCLAVE_CHECKED;

/* The same of a message whose last field is all of rest: a share of that instead of a copy. */
int room_frame_new_with(const struct signal_message *m, struct room_frame *rest,
                        struct room_frame **out) CONCLAVE_CHECKED;

/* Bytes that are a message, or what several end with; takes them over. ENOMEM. */
int room_frame_take(struct buf *bytes, struct room_frame **out) CONCLAVE_CHECKED;

/* Where the body stands in the frame of a message whose last field it is; of one without rest. */
struct bytes room_frame_tail(const struct room_frame *f, size_t n);

/* Receivers, counted like frames: one list serves every message until it changes. */
struct audience {
    size_t refs, n;
    uint64_t conns[];
};
struct audience *room_audience_new(size_t n); /* NULL without memory */
struct audience *room_audience_share(struct audience *a);
void room_audience_free(struct audience *a);

struct effect {
    struct room_effect e;
    struct audience *to; /* NULL: to the one below */
    uint64_t one;
    struct buf data;
};

struct effects {
    struct effect *ring;
    size_t head, n, cap; /* cap: a power of two or 0 */
    struct effect taken; /* what room_effects_next() gave last */
};

void room_effects_fini(struct effects *q);

/* Room for n more, so that putting them cannot fail. ENOMEM. */
int room_effects_reserve(struct effects *q, size_t n) CONCLAVE_CHECKED;

/* Each needs its place reserved. Frames and audiences are shared, data is taken over. */
void room_effects_send(struct effects *q, struct audience *to, struct room_frame *f);
void room_effects_send_one(struct effects *q, uint64_t conn, struct room_frame *f);
void room_effects_close(struct effects *q, uint64_t conn, int reason);
void room_effects_store(struct effects *q, enum room_effect_kind kind, uint64_t epoch,
                        struct buf *data);
void room_effects_media(struct effects *q, uint64_t conn, uint32_t leaf, struct buf *data);
void room_effects_log(struct effects *q, enum room_event event, uint32_t leaf);

bool room_effects_next(struct effects *q, struct room_effect *out);

#endif
