/* What waits to be sent: packets written once, where they are sent from, in blocks that belong to
 * one receiver for a while, so that consecutive packets of equal size become one group for the
 * kernel to cut (UDP_SEGMENT). Nothing here allocates after sfu_outbox_init().
 *
 * Blocks and groups are bounded. When they run short, the less important is refused first: see
 * SFU_BLOCKS. A refused packet is lost on the way, as RTP expects of any network.
 */
#ifndef SFU_OUTBOX_H
#define SFU_OUTBOX_H

#include "sfu/sfu.h"

enum sfu_importance { SFU_OF_VIDEO, SFU_OF_AUDIO, SFU_OF_CONTROL };

/* A receiver's place in the outbox. Zero-initialised, with its address set. */
struct sfu_lane {
    struct rtc_address to;
    struct sfu_block *block; /* being filled, or NULL */
    uint64_t group;          /* number plus one of its newest; 0: none */
};

struct sfu_block {
    struct sfu_lane *lane; /* whose it is; NULL: it is only waited for */
    uint32_t used;         /* bytes */
    uint32_t groups;       /* that have not been sent */
    uint8_t *p;            /* SFU_BLOCK bytes */
};

struct sfu_outbox_group {
    struct sfu_lane *lane; /* NULL: the receiver is gone */
    struct sfu_block *block;
    struct sfu_group group;
    bool full; /* no packet may follow: the last was shorter, or there are enough */
};

struct sfu_outbox {
    uint8_t *memory;
    struct sfu_block *blocks;
    struct sfu_block **free; /* a stack: what was used last is warm */
    size_t n_free, least_free;
    struct sfu_outbox_group *groups; /* a ring of SFU_GROUPS */
    uint64_t first, given, next;     /* numbers: not sent, not given out, not made */
};

/* ENOMEM. */
int sfu_outbox_init(struct sfu_outbox *o) CONCLAVE_CHECKED;
void sfu_outbox_fini(struct sfu_outbox *o);

/* Bytes allocated. */
size_t sfu_outbox_memory(void);

/* Room for a packet of at most n bytes, n <= SFU_BLOCK; NULL if there is none for its kind. Good
 * until the next call on the outbox. */
uint8_t *sfu_outbox_reserve(struct sfu_outbox *o, struct sfu_lane *lane, size_t n,
                            enum sfu_importance importance);

/* The packet stands there and has n bytes; 0: nothing came of it. */
void sfu_outbox_commit(struct sfu_outbox *o, struct sfu_lane *lane, size_t n);

/* Another address: what is in the box still goes to the former one. */
void sfu_outbox_move(struct sfu_lane *lane, const struct rtc_address *to);

/* Nothing goes to it any more, nor does anything here refer to it. */
void sfu_outbox_close(struct sfu_outbox *o, struct sfu_lane *lane);

/* As sfu_output() and sfu_sent(). */
size_t sfu_outbox_give(struct sfu_outbox *o, struct sfu_group *out, size_t max);
void sfu_outbox_sent(struct sfu_outbox *o, size_t n);

#endif
