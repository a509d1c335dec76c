/* The two views of memory that every libconclave interface uses.
 *
 * struct bytes is borrowed and passed by value; it owns nothing and may be empty ({NULL, 0}).
 * struct buf is written: it grows, owns its memory and is wiped before that memory is given back,
 * so it may hold secrets. A buf remembers a failed allocation, so that a writer checks once at the
 * end (buf_check). Start one with {0} or buf_init().
 */
#ifndef CONCLAVE_BYTES_H
#define CONCLAVE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <conclave/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bytes {
    const uint8_t *p;
    size_t n;
};

struct buf {
    uint8_t *p;
    size_t n;    /* bytes written */
    size_t cap;  /* bytes allocated */
    bool failed; /* an allocation failed: nothing written since counts */
};

static inline struct bytes bytes_of(const void *p, size_t n)
{
    struct bytes b = {(const uint8_t *)p, n};
    return b;
}

static inline struct bytes buf_view(const struct buf *b)
{
    struct bytes v = {b->p, b->n};
    return v;
}

/* The bytes of a string without its terminator. */
struct bytes bytes_str(const char *s);

/* Equality of public data; not constant-time. */
bool bytes_equal(struct bytes a, struct bytes b);

void buf_init(struct buf *b);

/* Wipes, frees, and leaves an empty buf that can be used again. */
void buf_free(struct buf *b);

/* Forgets the content (wiped) and keeps the memory. */
void buf_clear(struct buf *b);

/* Makes room for n more bytes. ENOMEM. */
int buf_reserve(struct buf *b, size_t n) CONCLAVE_CHECKED;

/* Appends; after a failure these do nothing. */
void buf_put(struct buf *b, struct bytes data);
void buf_put_zero(struct buf *b, size_t n);

/* 0, or ENOMEM if any write since the last buf_init/buf_clear failed. */
int buf_check(const struct buf *b) CONCLAVE_CHECKED;

/* Moves the content from one buf into another, which is freed first. */
void buf_move(struct buf *to, struct buf *from);

#ifdef __cplusplus
}
#endif
#endif
