/* Little-endian numbers, in which media files are written. wire/ has the big-endian ones. */
#ifndef MEDIA_LE_H
#define MEDIA_LE_H

#include "wire/reader.h"

static inline uint64_t le_read(struct reader *r, size_t n)
{
    struct bytes b = read_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < b.n; i++)
        v |= (uint64_t)b.p[i] << 8 * i;
    return v;
}

static inline uint16_t le_read16(struct reader *r)
{
    return (uint16_t)le_read(r, 2);
}

static inline uint32_t le_read32(struct reader *r)
{
    return (uint32_t)le_read(r, 4);
}

static inline uint64_t le_read64(struct reader *r)
{
    return le_read(r, 8);
}

static inline void le_write(struct buf *b, uint64_t v, size_t n)
{
    uint8_t out[8];
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(v >> 8 * i);
    buf_put(b, bytes_of(out, n));
}

static inline void le_write16(struct buf *b, uint16_t v)
{
    le_write(b, v, 2);
}

static inline void le_write32(struct buf *b, uint32_t v)
{
    le_write(b, v, 4);
}

static inline void le_write64(struct buf *b, uint64_t v)
{
    le_write(b, v, 8);
}

#endif
