#include "identity/der_write.h"

#include <string.h>

#include "identity/text.h"

static void put_length(struct buf *b, size_t n)
{
    uint8_t long_form[] = {0x83, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    size_t skip = n >= 1u << 16 ? 0 : n >= 1u << 8 ? 1 : n >= 0x80 ? 2 : 3;
    if (n >> 24 != 0) {
        b->failed = true;
        return;
    }
    if (skip < 3) {
        long_form[skip] = (uint8_t)(0x83 - skip);
        buf_put(b, bytes_of(long_form + skip, 4 - skip));
    } else {
        buf_put(b, bytes_of(long_form + 3, 1));
    }
}

void der_put(struct buf *b, uint8_t tag, struct bytes content)
{
    buf_put(b, bytes_of(&tag, 1));
    put_length(b, content.n);
    buf_put(b, content);
}

size_t der_begin(struct buf *b, uint8_t tag)
{
    buf_put(b, bytes_of(&tag, 1));
    return b->n;
}

/* The length is known now; the content moves up by its size. */
void der_end(struct buf *b, size_t mark)
{
    struct buf length = {0};
    size_t n = b->n - mark;
    put_length(&length, n);
    buf_put(b, buf_view(&length)); /* makes room */
    if (length.failed)
        b->failed = true;
    if (!b->failed) {
        memmove(b->p + mark + length.n, b->p + mark, n);
        memcpy(b->p + mark, length.p, length.n);
    }
    buf_free(&length);
}

void der_put_small(struct buf *b, uint32_t v)
{
    const uint8_t bytes[] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    size_t skip = 0;
    while (skip < 3 && bytes[skip] == 0)
        skip++;
    der_put_positive(b, bytes_of(bytes + skip, 4 - skip));
}

void der_put_positive(struct buf *b, struct bytes v)
{
    size_t mark = der_begin(b, DER_INTEGER);
    if (v.n == 0 || (v.p[0] & 0x80) != 0)
        buf_put_zero(b, 1);
    buf_put(b, v);
    der_end(b, mark);
}

void der_put_bits(struct buf *b, struct bytes content)
{
    size_t mark = der_begin(b, DER_BIT_STRING);
    buf_put_zero(b, 1);
    buf_put(b, content);
    der_end(b, mark);
}

void der_put_true(struct buf *b)
{
    const uint8_t yes = 0xff;
    der_put(b, DER_BOOLEAN, bytes_of(&yes, 1));
}

/* The digits of "2026-11-23 06:08:16 UTC". */
void der_put_time(struct buf *b, uint64_t unix_seconds)
{
    struct buf text = {0};
    char out[16];
    size_t n = 0;
    text_put_time(&text, unix_seconds);
    for (size_t i = 0; i < text.n && n < 14; i++)
        if (text.p[i] >= '0' && text.p[i] <= '9')
            out[n++] = (char)text.p[i];
    out[n++] = 'Z';
    bool failed = buf_check(&text) != 0;
    buf_free(&text);
    if (failed)
        b->failed = true;
    else if (unix_seconds < 2524608000) /* 2050 */
        der_put(b, DER_UTC_TIME, bytes_of(out + 2, n - 2));
    else
        der_put(b, DER_GENERALIZED_TIME, bytes_of(out, n));
}
