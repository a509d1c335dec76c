/* A doubly linked list through its members: order, and removal from the middle at no cost. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
    struct link *prev, *next; /* NULL: in no list */
};

struct list {
    struct link head; /* a ring; the head is no member */
    size_t n;
};

/* The member that a link is part of. */
#define LIST_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
    l->head.prev = l->head.next = &l->head;
    l->n = 0;
}

static inline bool link_is_in(const struct link *k)
{
    return k->next != NULL;
}

static inline void list_put(struct list *l, struct link *k)
{
    k->prev = l->head.prev;
    k->next = &l->head;
    k->prev->next = k;
    l->head.prev = k;
    l->n++;
}

static inline void list_put_first(struct list *l, struct link *k)
{
    k->prev = &l->head;
    k->next = l->head.next;
    k->next->prev = k;
    l->head.next = k;
    l->n++;
}

/* Nothing happens if it is in no list. */
static inline void list_take(struct list *l, struct link *k)
{
    if (!link_is_in(k))
        return;
    k->prev->next = k->next;
    k->next->prev = k->prev;
    *k = (struct link){NULL, NULL};
    l->n--;
}

/* NULL at the end. */
static inline struct link *list_first(const struct list *l)
{
    return l->n == 0 ? NULL : l->head.next;
}

/* Takes the first out; NULL if there is none. */
static inline struct link *list_pop(struct list *l)
{
    struct link *k = l->head.next;
    if (l->n == 0)
        return NULL;
    l->head.next = k->next;
    k->next->prev = &l->head;
    *k = (struct link){NULL, NULL};
    l->n--;
    return k;
}

static inline struct link *list_next(const struct list *l, const struct link *k)
{
    return k->next == &l->head ? NULL : k->next;
}

#endif
