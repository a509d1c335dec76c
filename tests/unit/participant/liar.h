/* A server of a test's own, in place of the room, for one who was in a meeting: it hears what that
 * participant says and answers as the test likes.
 *
 *     liar_begin(&liar, &a, a.bob);        the room hears bob no more, nor he the room
 *     liar_cut(&liar);                     he has to connect again
 *     liar_challenge(&liar, true);         and is answered
 *     liar_heard(&liar, SIGNAL_RESUME)     how often he said that
 */
#ifndef TESTS_UNIT_PARTICIPANT_LIAR_H
#define TESTS_UNIT_PARTICIPANT_LIAR_H

#include "attack/attack.h"

struct liar {
    struct attack_scene *a;
    struct stage_actor *victim;
    struct buf last[ATTACK_TYPES]; /* of each type that the victim said */
    unsigned heard[ATTACK_TYPES];
};

void liar_begin(struct liar *l, struct attack_scene *a, struct stage_actor *victim);
void liar_end(struct liar *l);

/* The connection is gone; on return the victim has opened another and said Hello. */
void liar_cut(struct liar *l);
void liar_challenge(struct liar *l, bool running);
void liar_say(struct liar *l, const struct signal_message *m);
void liar_say_mls(struct liar *l, enum signal_type type, struct bytes message);
void liar_live(struct liar *l, uint64_t epoch, uint32_t leaf);
void liar_fault(struct liar *l, int reason);
unsigned liar_heard(const struct liar *l, enum signal_type type);
struct signal_message liar_last(const struct liar *l, enum signal_type type);

#endif
