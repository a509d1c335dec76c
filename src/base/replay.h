/* A replay window: which of the last numbers of a stream have been accepted (RFC 3711 3.3.2).
 *
 * Ask replay_check() before the tag is verified, replay_accept() after it was accepted, so that
 * nobody without the key moves the window. The bits are a ring, as in RFC 6479: moving ahead
 * clears words instead of shifting all.
 */
#ifndef BASE_REPLAY_H
#define BASE_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_WINDOW 1024
#define REPLAY_WORDS (REPLAY_WINDOW / 64 + 1) /* the word being entered is not whole */

struct replay {
    uint64_t top; /* the highest number accepted */
    bool any;     /* there is one */
    uint64_t bits[REPLAY_WORDS];
};

/* Whether the number is new. */
static inline bool replay_check(const struct replay *r, uint64_t number)
{
    if (!r->any || number > r->top)
        return true;
    if (r->top - number >= REPLAY_WINDOW)
        return false;
    return (r->bits[number / 64 % REPLAY_WORDS] >> (number % 64) & 1) == 0;
}

/* After replay_check() said yes. */
static inline void replay_accept(struct replay *r, uint64_t number)
{
    uint64_t word = number / 64;
    if (!r->any || number > r->top) {
        /* the word of the highest number so far is in use; with none so far, all are clear */
        uint64_t used = r->any ? r->top / 64 : word;
        for (uint64_t i = 1; i <= word - used && i <= REPLAY_WORDS; i++)
            r->bits[(used + i) % REPLAY_WORDS] = 0;
        r->top = number;
        r->any = true;
    }
    r->bits[word % REPLAY_WORDS] |= (uint64_t)1 << (number % 64);
}

#endif
