/* A copy-on-write array: cloning costs one counter, the first write a counter per chunk, and each
 * write copies only the chunk that is written. It lets a staged commit be a whole second ratchet
 * tree that shares all it did not change. Elements have a fixed size; a type may say how an element
 * that owns something is referenced and released. Not thread-safe: clones that share chunks belong
 * to one thread.
 */
#ifndef BASE_COW_H
#define BASE_COW_H

#include <conclave/bytes.h>

struct cow_type {
    size_t size;                  /* bytes an element */
    size_t per_chunk;             /* elements: few where copying one is dear */
    void (*ref)(void *element);   /* after a bitwise copy; NULL: nothing to do */
    void (*unref)(void *element); /* before the element is dropped; NULL: nothing to do */
};

struct cow_table;

struct cow {
    const struct cow_type *type;
    struct cow_table *table;
    size_t n; /* elements */
};

void cow_init(struct cow *a, const struct cow_type *type);
void cow_fini(struct cow *a);

/* Grows with zeroed elements, or shrinks. ENOMEM; shrinking to a chunk boundary cannot fail. */
int cow_resize(struct cow *a, size_t n) CONCLAVE_CHECKED;

/* out must not be initialised. */
void cow_clone(const struct cow *a, struct cow *out);

/* i < n. The view is good until the array is written or dropped. */
const void *cow_at(const struct cow *a, size_t i);

/* A writable element that no other array sees. NULL without memory. */
void *cow_own(struct cow *a, size_t i) CONCLAVE_CHECKED;

/* Whether two arrays share the chunk that holds element i (then those elements are equal). */
bool cow_shares(const struct cow *a, const struct cow *b, size_t i);

#endif
