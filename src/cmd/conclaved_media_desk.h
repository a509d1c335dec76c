/* The desk of one worker's media switch: what members say (src/signal/media.h) is done in the
 * switch (src/sfu/sfu.h), and what happens there is said to those it concerns. No I/O and no thread
 * of its own.
 *
 * Members are known by their connection: their transports live as long as it does, and belong to
 * the leaf they spoke for. Whoever calls vouches for that leaf.
 */
#ifndef CMD_CONCLAVED_MEDIA_DESK_H
#define CMD_CONCLAVED_MEDIA_DESK_H

#include "sfu/sfu.h"
#include "signal/media.h"

struct media_desk;

struct media_desk_config {
    struct sfu *sfu;         /* borrowed */
    struct crypto *crypto;   /* borrowed */
    struct bytes candidates; /* the list said in answers; copied */
    void *ctx;
    /* A message for each of these connections; both are good until it returns. */
    void (*say)(void *ctx, const uint64_t *conns, size_t n, struct bytes body);
};

/* ENOMEM, ERANDOM. */
int media_desk_new(const struct media_desk_config *config,
                   struct media_desk **out) CONCLAVE_CHECKED;
void media_desk_free(struct media_desk *d);

/* meeting: a number not in use. EINVAL, ELIMIT, ENOMEM. */
int media_desk_open(struct media_desk *d, uint32_t meeting) CONCLAVE_CHECKED;
/* With all its members. An unknown one is fine, here and below. */
void media_desk_close(struct media_desk *d, uint32_t meeting);
void media_desk_epoch(struct media_desk *d, uint32_t meeting, uint64_t epoch, uint32_t leaves);

/* A member's message. What cannot be done is said to it, and counted. */
void media_desk_hear(struct media_desk *d, uint32_t meeting, uint64_t conn, uint32_t leaf,
                     struct bytes body, uint64_t now_us);
/* Its transports are dead when this returns. */
void media_desk_gone(struct media_desk *d, uint64_t conn);

/* Says what has happened in the switch meanwhile. */
void media_desk_tell(struct media_desk *d);

struct media_desk_counters {
    uint64_t heard, said;
    uint64_t refused; /* wishes of members */
    uint64_t unsaid;  /* for want of memory */
};
void media_desk_counters(const struct media_desk *d, struct media_desk_counters *out);

#endif
