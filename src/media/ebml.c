#include "media/ebml.h"

#include <string.h>

#define ID_MAX 4
#define VINT_MAX 8

/* RFC 8794 4: a number whose first byte has as many leading zero bits as bytes follow it. Returns
 * how many bytes it has, 0 if more than most. */
static size_t vint_size(uint8_t first, size_t most)
{
    for (size_t n = 1; n <= most; n++)
        if ((first & 0x80u >> (n - 1)) != 0)
            return n;
    return 0;
}

static uint64_t big_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

size_t ebml_vint_read(struct bytes data, uint64_t *out)
{
    size_t n = data.n == 0 ? 0 : vint_size(data.p[0], VINT_MAX);
    if (n == 0 || data.n < n)
        return 0;
    *out = big_endian(data.p, n) - (UINT64_C(1) << 7 * n);
    return n;
}

int ebml_head_read(struct bytes data, struct ebml_head *out)
{
    struct ebml_head h = {0};
    size_t id_n = data.n == 0 ? 1 : vint_size(data.p[0], ID_MAX);
    size_t size_n = data.n <= id_n ? 1 : vint_size(data.p[id_n], VINT_MAX);
    if (id_n == 0 || size_n == 0)
        return CONCLAVE_ESYNTAX;
    if (data.n >= id_n + size_n) {
        h.id = (uint32_t)big_endian(data.p, id_n);
        h.n = id_n + ebml_vint_read(bytes_of(data.p + id_n, size_n), &h.size);
        if (h.size == (UINT64_C(1) << 7 * size_n) - 1) /* all ones */
            h.size = EBML_UNKNOWN;
    }
    *out = h;
    return 0;
}

uint32_t ebml_next(struct reader *r, struct bytes *out_content)
{
    struct ebml_head h;
    struct bytes left = bytes_of(r->p, reader_left(r));
    *out_content = bytes_of(NULL, 0);
    if (left.n == 0)
        return 0;
    if (ebml_head_read(left, &h) != 0 || h.n == 0 || h.size > left.n - h.n) {
        reader_fail(r);
        return 0;
    }
    (void)read_bytes(r, h.n);
    *out_content = read_bytes(r, (size_t)h.size);
    return h.id;
}

bool ebml_uint(struct bytes content, uint64_t *out)
{
    if (content.n > sizeof *out)
        return false;
    *out = big_endian(content.p, content.n);
    return true;
}

bool ebml_is(struct bytes content, const char *string)
{
    size_t n = strlen(string);
    if (content.n < n || memcmp(content.p, string, n) != 0)
        return false;
    for (size_t i = n; i < content.n; i++)
        if (content.p[i] != 0)
            return false;
    return true;
}
