#include "base/u32map.h"

#include <stdlib.h>

/* Keys are leaf and node indices that the protocol bounds, so a fixed mixer is enough. */
static size_t home(const struct u32map *m, uint32_t key)
{
    return (size_t)((uint64_t)key * 0x9e3779b97f4a7c15u >> 32) & (m->cap - 1);
}

/* The slot that holds the key, or the free one where it would go; the map is never full. */
static struct u32map_slot *find(const struct u32map *m, uint32_t key)
{
    size_t i = home(m, key);
    while (m->slots[i].value != NULL && m->slots[i].key != key)
        i = (i + 1) & (m->cap - 1);
    return &m->slots[i];
}

void u32map_fini(struct u32map *m)
{
    free(m->slots);
    *m = (struct u32map){0};
}

void *u32map_get(const struct u32map *m, uint32_t key)
{
    return m->cap == 0 ? NULL : find(m, key)->value;
}

int u32map_reserve(struct u32map *m, size_t n)
{
    size_t cap = m->cap == 0 ? 16 : m->cap;
    while ((m->n + n) * 2 > cap)
        cap *= 2;
    if (cap == m->cap)
        return 0;
    struct u32map bigger = {.slots = calloc(cap, sizeof *bigger.slots), .cap = cap, .n = m->n};
    if (bigger.slots == NULL)
        return CONCLAVE_ENOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].value != NULL)
            *find(&bigger, m->slots[i].key) = m->slots[i];
    free(m->slots);
    *m = bigger;
    return 0;
}

int u32map_put(struct u32map *m, uint32_t key, void *value)
{
    int rv = u32map_reserve(m, 1);
    if (rv != 0)
        return rv;
    struct u32map_slot *s = find(m, key);
    if (s->value == NULL)
        m->n++;
    *s = (struct u32map_slot){.value = value, .key = key};
    return 0;
}

void *u32map_take(struct u32map *m, uint32_t key)
{
    if (m->cap == 0)
        return NULL;
    struct u32map_slot *s = find(m, key);
    void *value = s->value;
    if (value == NULL)
        return NULL;
    s->value = NULL;
    m->n--;
    /* close the gap: whoever stands behind it and could stand in it moves */
    for (size_t i = (size_t)(s - m->slots + 1) & (m->cap - 1); m->slots[i].value != NULL;
         i = (i + 1) & (m->cap - 1)) {
        struct u32map_slot moved = m->slots[i];
        m->slots[i].value = NULL;
        *find(m, moved.key) = moved;
    }
    return value;
}

void *u32map_next(const struct u32map *m, size_t *it, uint32_t *out_key)
{
    for (; *it < m->cap; (*it)++) {
        if (m->slots[*it].value == NULL)
            continue;
        *out_key = m->slots[*it].key;
        return m->slots[(*it)++].value;
    }
    return NULL;
}
