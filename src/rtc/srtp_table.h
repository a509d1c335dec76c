/* The streams of a session by SSRC: a dense array, and a hash table into it whose function no peer
 * knows. What an SSRC costs is a few cache lines, however many there are. */
#ifndef RTC_SRTP_TABLE_H
#define RTC_SRTP_TABLE_H

#include <conclave/bytes.h>

#include "base/mix.h"
#include "base/replay.h"

struct srtp_stream {
    uint32_t ssrc;
    bool recent;          /* used since the clock hand went by */
    struct replay window; /* its top is the index: rollover counter and sequence number */
};

struct srtp_slot {
    uint32_t ssrc;
    uint32_t at; /* place in streams, plus one; 0: free */
};

struct srtp_table {
    struct srtp_stream *streams;
    size_t n, room; /* of streams; there are 2 * room slots, room is a power of two or 0 */
    struct srtp_slot *slots;
    struct mix_seed seed;
    size_t hand;       /* where the clock that chooses who makes room stands */
    uint32_t *removed; /* SSRCs that must not come back */
    size_t removed_n, removed_room;
};

/* So few streams are found faster without the slots: with many sessions each line that need not be
 * fetched counts. */
#define SRTP_TABLE_FEW 4

void srtp_table_fini(struct srtp_table *t);

static inline size_t srtp_table_home(const struct srtp_table *t, uint32_t ssrc)
{
    return (size_t)mix(t->seed, ssrc) & (2 * t->room - 1);
}

/* NULL if absent. */
static inline struct srtp_stream *srtp_table_get(const struct srtp_table *t, uint32_t ssrc)
{
    if (t->n <= SRTP_TABLE_FEW) {
        for (size_t i = 0; i < t->n; i++)
            if (t->streams[i].ssrc == ssrc)
                return &t->streams[i];
        return NULL;
    }
    size_t i = srtp_table_home(t, ssrc);
    while (t->slots[i].at != 0 && t->slots[i].ssrc != ssrc)
        i = (i + 1) & (2 * t->room - 1);
    return t->slots[i].at == 0 ? NULL : &t->streams[t->slots[i].at - 1];
}

/* Makes sure that one more stream can be put; moves the others. ELIMIT, ENOMEM. */
int srtp_table_reserve(struct srtp_table *t) CONCLAVE_CHECKED;

/* The same, but a full table is good enough: the next one put replaces one. */
int srtp_table_reserve_or_replace(struct srtp_table *t) CONCLAVE_CHECKED;

/* After either; the SSRC is new. */
struct srtp_stream *srtp_table_put(struct srtp_table *t, uint32_t ssrc);

/* Takes a stream out, if there is one; `keep_in_mind`: never to come back. ELIMIT, ENOMEM. */
int srtp_table_remove(struct srtp_table *t, uint32_t ssrc, bool keep_in_mind) CONCLAVE_CHECKED;
bool srtp_table_was_removed(const struct srtp_table *t, uint32_t ssrc);

#endif
