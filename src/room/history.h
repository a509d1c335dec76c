/* The commits that were accepted, each with the proposals of its epoch: what a member that comes
 * back is sent, what is stored, and what a restart replays. */
#ifndef ROOM_HISTORY_H
#define ROOM_HISTORY_H

#include "room/effect.h"

/* A handshake message inside the frame that carries it to members. */
struct kept {
    struct room_frame *frame;
    size_t n;
};

static inline struct bytes kept_message(const struct kept *k)
{
    return room_frame_tail(k->frame, k->n);
}

/* A message, framed as PROPOSED or COMMITTED. ELIMIT, ENOMEM. */
int room_kept_new(enum signal_type type, struct bytes message, struct kept *out) CONCLAVE_CHECKED;
void room_kept_fini(struct kept *k);

struct kept_list {
    struct kept *p;
    size_t n, cap, bytes;
};
void room_kept_list_fini(struct kept_list *l);
int room_kept_list_reserve(struct kept_list *l) CONCLAVE_CHECKED;
/* Takes over; needs the reserve. */
void room_kept_list_put(struct kept_list *l, struct kept *k);

struct record {
    uint64_t epoch; /* that the commit was made for */
    uint64_t at;    /* Unix seconds when it was accepted: what its certificates are judged at */
    struct kept_list proposals;
    struct kept commit;
};
void room_record_fini(struct record *r);

/* As stored: uint64 epoch; uint64 at; opaque proposal<V> proposals<V>; opaque commit<V>. */
void room_record_write(const struct record *r, struct buf *out);
int room_record_read(struct bytes data, struct record *out) CONCLAVE_CHECKED;

/* Records of epochs that follow each other. */
struct history {
    struct record *ring;
    size_t head, n, cap; /* cap: a power of two or 0 */
    size_t bytes;
};
void room_history_fini(struct history *h);

/* Room for one more. ENOMEM. */
int room_history_reserve(struct history *h) CONCLAVE_CHECKED;

/* Takes the record over and drops the oldest that are too many. Needs the reserve. */
void room_history_put(struct history *h, struct record *r);

/* Takes the newest out. */
void room_history_pop(struct history *h, struct record *out);

/* i-th oldest. */
const struct record *room_history_at(const struct history *h, size_t i);

/* Where the record of an epoch is; h->n if it is not, or not any more. */
size_t room_history_find(const struct history *h, uint64_t epoch);

#endif
