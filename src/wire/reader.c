#include "wire/reader.h"

struct reader reader_of(struct bytes b)
{
    struct reader r = {b.p, b.n == 0 ? b.p : b.p + b.n, false};
    return r;
}

bool reader_ok(const struct reader *r)
{
    return !r->failed;
}

size_t reader_left(const struct reader *r)
{
    return r->failed || r->p == NULL ? 0 : (size_t)(r->end - r->p);
}

int reader_end(const struct reader *r)
{
    return r->failed || r->p != r->end ? CONCLAVE_ESYNTAX : 0;
}

void reader_fail(struct reader *r)
{
    r->failed = true;
}

static uint64_t read_be(struct reader *r, size_t n)
{
    struct bytes b = read_bytes(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < b.n; i++)
        v = v << 8 | b.p[i];
    return v;
}

uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}

uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}

uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_be(r, 4);
}

uint64_t read_u64(struct reader *r)
{
    return read_be(r, 8);
}

struct bytes read_bytes(struct reader *r, size_t n)
{
    if (reader_left(r) < n) {
        r->failed = true;
        return bytes_of(NULL, 0);
    }
    struct bytes b = bytes_of(r->p, n);
    if (n != 0)
        r->p += n;
    return b;
}

uint32_t read_varint(struct reader *r)
{
    uint8_t first = read_u8(r);
    uint32_t v = first & 0x3f;
    switch (first >> 6) {
    case 0:
        return v;
    case 1:
        v = v << 8 | read_u8(r);
        if (v < 1u << 6) /* RFC 9420 2.1.2-2: only the shortest form */
            r->failed = true;
        break;
    case 2:
        v = v << 24 | (uint32_t)read_be(r, 3);
        if (v < 1u << 14)
            r->failed = true;
        break;
    default: /* RFC 9420 2.1.2-3 */
        r->failed = true;
    }
    return r->failed ? 0 : v;
}

struct bytes read_vec(struct reader *r)
{
    uint32_t n = read_varint(r);
    return read_bytes(r, n);
}

struct reader read_sub(struct reader *r)
{
    struct reader sub = reader_of(read_vec(r));
    sub.failed = r->failed;
    return sub;
}

bool read_optional(struct reader *r)
{
    uint8_t v = read_u8(r);
    if (v > 1) /* RFC 9420 2.1.1-1 */
        r->failed = true;
    return v == 1 && !r->failed;
}

struct bytes read_since(const struct reader *r, const uint8_t *mark)
{
    return r->failed || mark == NULL ? bytes_of(NULL, 0) : bytes_of(mark, (size_t)(r->p - mark));
}
