#include "room/table.h"

#include <stdlib.h>

#define FIRST_CAP 64u

static struct table_link **head_of(const struct table *t, uint64_t key)
{
    return &t->heads[mix(t->seed, key) & (t->cap - 1)];
}

int room_table_init(struct table *t, struct mix_seed seed)
{
    *t = (struct table){.seed = seed};
    t->heads = (struct table_link **)calloc(FIRST_CAP, sizeof *t->heads);
    if (t->heads == NULL)
        return CONCLAVE_ENOMEM;
    t->cap = FIRST_CAP;
    return 0;
}

void room_table_fini(struct table *t)
{
    free((void *)t->heads);
    *t = (struct table){0};
}

static void push(struct table *t, struct table_link *k)
{
    struct table_link **head = head_of(t, k->key);
    k->next = *head;
    *head = k;
}

static void grow(struct table *t)
{
    struct table bigger = {.cap = t->cap * 2, .n = t->n, .seed = t->seed};
    bigger.heads = (struct table_link **)calloc(bigger.cap, sizeof *bigger.heads);
    if (bigger.heads == NULL)
        return;
    for (size_t i = 0; i < t->cap; i++) {
        while (t->heads[i] != NULL) {
            struct table_link *k = t->heads[i];
            t->heads[i] = k->next;
            push(&bigger, k);
        }
    }
    free((void *)t->heads);
    *t = bigger;
}

void room_table_put(struct table *t, struct table_link *k, uint64_t key)
{
    if (t->n >= t->cap)
        grow(t);
    k->key = key;
    push(t, k);
    t->n++;
}

void room_table_take(struct table *t, struct table_link *k)
{
    struct table_link **at = head_of(t, k->key);
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    t->n--;
}

struct table_link *room_table_find(const struct table *t, uint64_t key)
{
    struct table_link *k = *head_of(t, key);
    while (k != NULL && k->key != key)
        k = k->next;
    return k;
}

struct table_link *room_table_find_next(const struct table_link *k)
{
    uint64_t key = k->key;
    struct table_link *next = k->next;
    while (next != NULL && next->key != key)
        next = next->next;
    return next;
}
