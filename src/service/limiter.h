/* How often somebody may try: a bounded table of rates, for accounts and for addresses.
 *
 * Each entry is one time stamp (GCRA, ITU-T I.371): when all that was used will have been earned
 * back. An entry in the past says nothing and may be reused; where all are in use, the one with
 * the least use gives way, so that a flood of new names does not free those who are blocked.
 *
 * Keys are hashed under a random key: who fills the table cannot choose where.
 */
#ifndef SERVICE_LIMITER_H
#define SERVICE_LIMITER_H

#include <conclave/bytes.h>
#include <conclave/crypto.h>

#define LIMITER_SETS 1024u
#define LIMITER_WAYS 4u

struct limiter {
    uint8_t key[16];
    uint64_t earned_at[LIMITER_SETS][LIMITER_WAYS]; /* microseconds */
    uint64_t name[LIMITER_SETS][LIMITER_WAYS];
};

/* `burst` at once, and then one in each interval. Rules of different kinds count apart. */
struct limiter_rule {
    uint8_t kind;
    uint32_t burst;
    uint64_t interval_us;
};

/* ERANDOM. */
int limiter_init(struct limiter *l, struct crypto *c) CONCLAVE_CHECKED;

/* Whether `who` may try once more; if so, that is counted. */
bool limiter_take(struct limiter *l, const struct limiter_rule *rule, struct bytes who,
                  uint64_t now_us) CONCLAVE_CHECKED;

/* Gives back what was taken: the try turned out to be honest. */
void limiter_give(struct limiter *l, const struct limiter_rule *rule, struct bytes who);

/* What of an address text counts as one somebody: an IPv4 address, or the network of an IPv6
 * address (its first 64 bits, which one household has); anything else as it is, cut off. */
#define LIMITER_ADDRESS 16
struct bytes limiter_address(const char *text, uint8_t space[static LIMITER_ADDRESS]);

#endif
