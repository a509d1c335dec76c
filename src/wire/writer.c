#include "wire/writer.h"

#include <string.h>

static void write_be(struct buf *b, uint64_t v, size_t n)
{
    uint8_t out[8];
    for (size_t i = n; i-- > 0; v >>= 8)
        out[i] = (uint8_t)v;
    buf_put(b, bytes_of(out, n));
}

void write_u8(struct buf *b, uint8_t v)
{
    write_be(b, v, 1);
}

void write_u16(struct buf *b, uint16_t v)
{
    write_be(b, v, 2);
}

void write_u32(struct buf *b, uint32_t v)
{
    write_be(b, v, 4);
}

void write_u64(struct buf *b, uint64_t v)
{
    write_be(b, v, 8);
}

size_t varint_encode(uint32_t v, uint8_t out[static 4])
{
    if (v < 1u << 6) {
        out[0] = (uint8_t)v;
        return 1;
    }
    if (v < 1u << 14) {
        out[0] = (uint8_t)(v >> 8 | 0x40);
        out[1] = (uint8_t)v;
        return 2;
    }
    out[0] = (uint8_t)(v >> 24 | 0x80);
    out[1] = (uint8_t)(v >> 16);
    out[2] = (uint8_t)(v >> 8);
    out[3] = (uint8_t)v;
    return 4;
}

void write_varint(struct buf *b, size_t v)
{
    uint8_t out[4];
    if (v > WIRE_VARINT_MAX) {
        b->failed = true;
        return;
    }
    buf_put(b, bytes_of(out, varint_encode((uint32_t)v, out)));
}

void write_vec(struct buf *b, struct bytes data)
{
    write_varint(b, data.n);
    buf_put(b, data);
}

size_t write_vec_begin(struct buf *b)
{
    write_u8(b, 0); /* most vectors are short: room for one byte, moved if that is not enough */
    return b->n;
}

void write_vec_end(struct buf *b, size_t mark)
{
    if (b->failed)
        return;
    size_t n = b->n - mark;
    uint8_t out[4];
    if (n > WIRE_VARINT_MAX) {
        b->failed = true;
        return;
    }
    size_t head = varint_encode((uint32_t)n, out);
    buf_put_zero(b, head - 1);
    if (b->failed)
        return;
    memmove(b->p + mark - 1 + head, b->p + mark, n);
    memcpy(b->p + mark - 1, out, head);
}
