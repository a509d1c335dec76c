/* The last packets of a stream, kept for receivers that ask again (RFC 4585, RFC 4588): payloads as
 * they came, once for all receivers. Two rings of fixed size; the oldest make room.
 */
#ifndef SFU_HISTORY_H
#define SFU_HISTORY_H

#include <conclave/bytes.h>

#include "sfu/limits.h"

struct sfu_history_packet {
    int64_t sequence; /* 0: none */
    uint64_t at;      /* of the bytes ever written: where the payload begins */
    uint64_t us;      /* when it came */
    uint32_t timestamp;
    uint16_t n;
    bool marker;
};

struct sfu_history {
    uint8_t *bytes;
    size_t cap;       /* a power of two */
    uint64_t written; /* bytes ever */
    int64_t newest;   /* the highest number */
    uint64_t lap_us;  /* when the ring was last begun anew; 0: never */
    bool narrow;      /* a lap took less than SFU_HISTORY_US: see sfu_history_grow() */
    struct sfu_history_packet packets[SFU_HISTORY_PACKETS];
};

/* ENOMEM. */
int sfu_history_new(struct sfu_history **out) CONCLAVE_CHECKED;
void sfu_history_free(struct sfu_history *h);

/* Keeps a copy. sequence > 0, payload at most SFU_PACKET bytes. */
void sfu_history_put(struct sfu_history *h, const struct sfu_history_packet *p,
                     struct bytes payload);

/* The packet and its payload, good until the next call; false if it is not there or older than
 * SFU_HISTORY_US. */
bool sfu_history_get(const struct sfu_history *h, int64_t sequence, uint64_t now_us,
                     struct sfu_history_packet *out, struct bytes *out_payload);

/* Doubles the bytes if they have not lasted for SFU_HISTORY_US, up to SFU_HISTORY_BYTES_MAX. Not
 * done while a packet waits, since it allocates; without memory nothing changes. */
void sfu_history_grow(struct sfu_history *h);

size_t sfu_history_memory(const struct sfu_history *h);

#endif
