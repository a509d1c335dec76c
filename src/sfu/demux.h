/* Whose a datagram is: one port serves all peers (RFC 7983).
 *
 * ICE checks name the peer by the first half of their USERNAME, which is ours to choose: a number
 * in letters. All else belongs to the peer that has shown, by a check that was accepted, that it
 * sends from there. What a stranger sends costs one look into a table.
 */
#ifndef SFU_DEMUX_H
#define SFU_DEMUX_H

#include "base/mix.h"
#include "base/u32map.h"
#include "rtc/address.h"
#include "sfu/limits.h"

/* Eight letters: a number of 32 bits, which is as good as a random one (RFC 8445 5.3 wants 24). */
#define SFU_UFRAG 8
void sfu_ufrag_write(uint32_t number, char out[static SFU_UFRAG]);
/* False: not one of ours. */
bool sfu_ufrag_read(struct bytes text, uint32_t *out);

struct sfu_way {
    struct sfu_way *next;
    struct rtc_address address; /* of no family: unused */
    void *owner;
    uint64_t us; /* last confirmed */
};

/* The addresses of one owner; zero-initialised. */
struct sfu_ways {
    struct sfu_way way[SFU_WAYS];
};

struct sfu_demux {
    struct mix_seed seed;
    struct sfu_way *buckets[SFU_WAY_BUCKETS];
};

/* NULL: nobody's. */
void *sfu_demux_find(const struct sfu_demux *d, const struct rtc_address *address);

/* It is the owner's from now on, whoever had it before. An owner that has SFU_WAYS others loses the
 * one confirmed longest ago. */
void sfu_demux_put(struct sfu_demux *d, struct sfu_ways *ways, void *owner,
                   const struct rtc_address *address, uint64_t now_us);

/* All addresses of an owner. */
void sfu_demux_forget(struct sfu_demux *d, struct sfu_ways *ways);

#endif
