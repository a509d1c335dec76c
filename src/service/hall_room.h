/* One meeting in the hall: its card, what is trusted in it, and the room; made or restored from the
 * store. */
#ifndef SERVICE_HALL_ROOM_H
#define SERVICE_HALL_ROOM_H

#include "service/hall.h"

/* Anchors of cards with the same provider_root are made once: the public roots are many. */
#define HALL_ROOTS_KEPT 8u
struct hall_roots {
    struct buf public_roots; /* PEM */
    struct hall_anchors {
        struct buf provider_root;
        struct identity_anchors *anchors;
        uint32_t users; /* rooms */
        uint64_t used;  /* when last, in turns */
    } kept[HALL_ROOTS_KEPT];
    uint64_t turn;
};
int hall_roots_init(struct hall_roots *roots, struct bytes public_roots) CONCLAVE_CHECKED;
void hall_roots_fini(struct hall_roots *roots);

struct hall_room {
    struct hall_room *next;
    char number[11];
    struct card *card;
    struct crypto *crypto;            /* public, of the card's suite */
    struct identity_anchors *anchors; /* its own, or NULL: of `kept` */
    struct hall_anchors *kept;
    struct room *room;
    uint64_t told_epoch; /* to the media switch, and of how many leaves; 0 leaves: nothing yet */
    uint32_t told_leaves;
};

/* What is in the store is restored: ESYNTAX and so on if it cannot be; it is then left as it is. */
int hall_room_new(const struct hall_config *config, struct hall_roots *roots,
                  const struct store_meeting *meeting, uint64_t now_us,
                  struct hall_room **out) CONCLAVE_CHECKED;
void hall_room_free(struct hall_room *r);

/* Copies a text that fits, cut off if it does not. */
void hall_text(char *to, size_t n, const char *text);

#endif
