#include <stdlib.h>
#include <string.h>

#include <conclave/bytes.h>

#include "base/checked.h"
#include "base/wipe.h"

struct bytes bytes_str(const char *s)
{
    return bytes_of(s, strlen(s));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

void buf_init(struct buf *b)
{
    *b = (struct buf){0};
}

void buf_free(struct buf *b)
{
    if (b->p != NULL) {
        wipe(b->p, b->cap);
        free(b->p);
    }
    buf_init(b);
}

void buf_clear(struct buf *b)
{
    if (b->p != NULL)
        wipe(b->p, b->n);
    b->n = 0;
    b->failed = false;
}

/* realloc() could leave a copy of a secret behind, so grow by hand. */
static int grow(struct buf *b, size_t need)
{
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need)
        if (!checked_mul(cap, 2, &cap))
            return CONCLAVE_ENOMEM;
    uint8_t *p = malloc(cap);
    if (p == NULL)
        return CONCLAVE_ENOMEM;
    if (b->p != NULL) {
        memcpy(p, b->p, b->n);
        wipe(b->p, b->n);
        free(b->p);
    }
    b->p = p;
    b->cap = cap;
    return 0;
}

int buf_reserve(struct buf *b, size_t n)
{
    size_t need;
    if (b->failed || !checked_add(b->n, n, &need))
        return CONCLAVE_ENOMEM;
    return need <= b->cap ? 0 : grow(b, need);
}

void buf_put(struct buf *b, struct bytes data)
{
    if (data.n == 0)
        return;
    if (buf_reserve(b, data.n) != 0) {
        b->failed = true;
        return;
    }
    memcpy(b->p + b->n, data.p, data.n);
    b->n += data.n;
}

void buf_put_zero(struct buf *b, size_t n)
{
    if (n == 0)
        return;
    if (buf_reserve(b, n) != 0) {
        b->failed = true;
        return;
    }
    memset(b->p + b->n, 0, n);
    b->n += n;
}

int buf_check(const struct buf *b)
{
    return b->failed ? CONCLAVE_ENOMEM : 0;
}

void buf_move(struct buf *to, struct buf *from)
{
    buf_free(to);
    *to = *from;
    buf_init(from);
}
