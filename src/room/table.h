/* A hash table through its members, for keys of 64 bits that an outsider may have chosen. Members
 * with the same key may be put more than once: who looks compares. Putting cannot fail; a table
 * that cannot grow has longer chains. */
#ifndef ROOM_TABLE_H
#define ROOM_TABLE_H

#include <conclave/bytes.h>

#include "base/mix.h"

struct table_link {
    struct table_link *next;
    uint64_t key;
};

struct table {
    struct table_link **heads;
    size_t n, cap; /* cap: a power of two */
    struct mix_seed seed;
};

/* ENOMEM. */
int room_table_init(struct table *t, struct mix_seed seed) CONCLAVE_CHECKED;
/* Frees the table, not its members. */
void room_table_fini(struct table *t);

void room_table_put(struct table *t, struct table_link *k, uint64_t key);
/* It must be in the table. */
void room_table_take(struct table *t, struct table_link *k);

/* The first member with this key, and the next one; NULL at the end. */
struct table_link *room_table_find(const struct table *t, uint64_t key);
struct table_link *room_table_find_next(const struct table_link *k);

#endif
