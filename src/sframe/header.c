#include <conclave/sframe.h>

/* RFC 9605 4.3: the config byte is X, K (3 bits), Y, C (3 bits). A number of up to 7 stands in the
 * byte itself; a larger one follows, in K + 1 or C + 1 bytes. */

static size_t bytes_needed(uint64_t v)
{
    return v == 0 ? 1 : (size_t)(64 - __builtin_clzll(v) + 7) / 8;
}

/* RFC 9605 4.3-2: the fewest bytes, KID before counter */
static uint8_t write_number(uint64_t v, uint8_t *out, size_t *n)
{
    if (v < 8)
        return (uint8_t)v;
    size_t size = bytes_needed(v);
    for (size_t i = 0; i < size; i++)
        out[*n + i] = (uint8_t)(v >> (8 * (size - 1 - i)));
    *n += size;
    return (uint8_t)(8 | (size - 1));
}

size_t sframe_header_write(uint64_t kid, uint64_t ctr, uint8_t *out)
{
    size_t n = 1;
    uint8_t config = (uint8_t)(write_number(kid, out, &n) << 4);
    out[0] = (uint8_t)(config | write_number(ctr, out, &n));
    return n;
}

/* RFC 9605 4.3-2: a number that would have fitted into less is refused, so that there is one header
 * for each pair and nothing can be hidden in its form. */
static bool read_number(uint8_t code, struct bytes frame, size_t *at, uint64_t *out)
{
    if ((code & 8) == 0) {
        *out = code;
        return true;
    }
    size_t size = (size_t)(code & 7) + 1;
    if (frame.n - *at < size)
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < size; i++)
        v = v << 8 | frame.p[*at + i];
    *at += size;
    *out = v;
    return v >= 8 && bytes_needed(v) == size;
}

int sframe_header_read(struct bytes frame, struct sframe_header *out, size_t *out_n)
{
    struct sframe_header h;
    size_t at = 1;
    if (frame.n == 0 || !read_number(frame.p[0] >> 4, frame, &at, &h.kid) ||
        !read_number(frame.p[0] & 15, frame, &at, &h.ctr))
        return CONCLAVE_ESYNTAX;
    *out = h;
    *out_n = at;
    return 0;
}
