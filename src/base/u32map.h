/* A map from uint32 keys to owned pointers (open addressing, at most half full). */
#ifndef BASE_U32MAP_H
#define BASE_U32MAP_H

#include <conclave/bytes.h>

struct u32map_slot {
    void *value; /* NULL: free */
    uint32_t key;
};

struct u32map {
    struct u32map_slot *slots;
    size_t cap; /* power of two, or 0 */
    size_t n;
};

/* Frees the table, not the values. */
void u32map_fini(struct u32map *m);

/* NULL if absent. */
void *u32map_get(const struct u32map *m, uint32_t key);

/* Makes room so that the next n puts cannot fail. ENOMEM. */
int u32map_reserve(struct u32map *m, size_t n) CONCLAVE_CHECKED;

/* Replaces; value is not NULL. ENOMEM. */
int u32map_put(struct u32map *m, uint32_t key, void *value) CONCLAVE_CHECKED;

/* Takes a value out; NULL if absent. */
void *u32map_take(struct u32map *m, uint32_t key);

/* Iteration: start with *it = 0; NULL at the end. Do not change the map meanwhile. */
void *u32map_next(const struct u32map *m, size_t *it, uint32_t *out_key);

#endif
