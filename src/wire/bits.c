#include "wire/bits.h"

struct bit_reader bit_reader_of(struct bytes b)
{
    struct bit_reader r = {.b = b};
    return r;
}

uint32_t bits_read(struct bit_reader *r, unsigned n)
{
    if (r->failed || n > r->b.n * 8 - r->at) {
        r->failed = true;
        return 0;
    }
    uint32_t v = 0;
    for (; n != 0; n--, r->at++)
        v = v << 1 | ((unsigned)r->b.p[r->at / 8] >> (7 - r->at % 8) & 1);
    return v;
}

bool bit_read(struct bit_reader *r)
{
    return bits_read(r, 1) != 0;
}

/* The short codes of ns(n) have *width - 1 bits and are the values below the result. */
static uint32_t ns_short(uint32_t n, unsigned *width)
{
    *width = 0;
    for (uint32_t x = n; x != 0; x >>= 1)
        (*width)++;
    return (uint32_t)((UINT64_C(1) << *width) - n);
}

uint32_t bits_read_ns(struct bit_reader *r, uint32_t n)
{
    unsigned width;
    if (n == 0) { /* there is no number below 0 */
        r->failed = true;
        return 0;
    }
    uint32_t m = ns_short(n, &width);
    uint32_t v = bits_read(r, width - 1);
    if (v < m)
        return v;
    return (v << 1) - m + bits_read(r, 1);
}

struct bit_writer bit_writer_of(struct buf *b)
{
    struct bit_writer w = {.b = b};
    return w;
}

void bits_write(struct bit_writer *w, uint32_t v, unsigned n)
{
    for (; n != 0; n--) {
        if (w->used == 0)
            buf_put_zero(w->b, 1);
        if (w->b->failed)
            return;
        w->b->p[w->b->n - 1] |= (uint8_t)((v >> (n - 1) & 1u) << (7 - w->used));
        w->used = (w->used + 1) % 8;
    }
}

void bit_write(struct bit_writer *w, bool v)
{
    bits_write(w, v, 1);
}

void bits_write_ns(struct bit_writer *w, uint32_t v, uint32_t n)
{
    unsigned width;
    if (v >= n) {
        w->b->failed = true;
        return;
    }
    uint32_t m = ns_short(n, &width);
    if (v < m)
        bits_write(w, v, width - 1);
    else
        bits_write(w, v + m, width);
}
