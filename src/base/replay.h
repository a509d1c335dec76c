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
    uint64_t next; /* the highest number accepted, plus one; 0: none yet */
    uint64_t bits[REPLAY_WORDS];
};

/* Whether the number is new. UINT64_MAX never is. */
static inline bool replay_check(const struct replay *r, uint64_t number)
{
    if (number >= r->next)
        return number != UINT64_MAX;
    if (r->next - number > REPLAY_WINDOW)
        return false;
    return (r->bits[number / 64 % REPLAY_WORDS] >> (number % 64) & 1) == 0;
}

/* After replay_check() said yes. */
static inline void replay_accept(struct replay *r, uint64_t number)
{
    uint64_t word = number / 64;
    if (number >= r->next) {
        /* the word of the highest number so far is in use; with none so far, all are clear */
        uint64_t used = r->next == 0 ? word : (r->next - 1) / 64;
        uint64_t fresh = word - used;
        for (uint64_t i = 1; i <= fresh && i <= REPLAY_WORDS; i++)
            r->bits[(used + i) % REPLAY_WORDS] = 0;
        r->next = number + 1;
    }
    r->bits[word % REPLAY_WORDS] |= (uint64_t)1 << (number % 64);
}

#endif
