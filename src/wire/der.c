#include "wire/der.h"

bool der_next_is(const struct reader *r, uint8_t tag)
{
    return reader_ok(r) && reader_left(r) != 0 && *r->p == tag;
}

/* X.690 10.1: definite, and in the fewest bytes. */
static size_t read_length(struct reader *r)
{
    uint8_t first = read_u8(r);
    if (first < 0x80)
        return first;
    size_t n = 0, bytes = first & 0x7f;
    if (bytes == 0 || bytes > 3) {
        reader_fail(r);
        return 0;
    }
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | read_u8(r);
    if (n < 0x80 || n >> (8 * (bytes - 1)) == 0)
        reader_fail(r);
    return n;
}

struct bytes der_any(struct reader *r, uint8_t *out_tag)
{
    uint8_t tag = read_u8(r);
    if ((tag & 0x1f) == 0x1f) /* X.690 8.1.2.4: nothing in a certificate needs more than 30 */
        reader_fail(r);
    size_t n = read_length(r);
    struct bytes content = read_bytes(r, n);
    *out_tag = reader_ok(r) ? tag : 0;
    return content;
}

struct bytes der_content(struct reader *r, uint8_t tag)
{
    uint8_t got;
    struct bytes content = der_any(r, &got);
    if (got == tag)
        return content;
    reader_fail(r);
    return bytes_of(NULL, 0);
}

struct bytes der_element(struct reader *r, uint8_t tag)
{
    const uint8_t *mark = r->p;
    (void)der_content(r, tag);
    return reader_ok(r) ? read_since(r, mark) : bytes_of(NULL, 0);
}

struct reader der_enter(struct reader *r, uint8_t tag)
{
    struct reader inner = reader_of(der_content(r, tag));
    if (!reader_ok(r))
        reader_fail(&inner);
    return inner;
}

void der_leave(struct reader *r, const struct reader *inner)
{
    if (reader_end(inner) != 0)
        reader_fail(r);
}

bool der_bool(struct reader *r)
{
    struct bytes b = der_content(r, DER_BOOLEAN);
    if (b.n == 1 && (b.p[0] == 0 || b.p[0] == 0xff)) /* X.690 11.1 */
        return b.p[0] != 0;
    reader_fail(r);
    return false;
}

/* X.690 8.3.2: the first nine bits are not all equal. */
static struct bytes integer(struct reader *r)
{
    struct bytes b = der_content(r, DER_INTEGER);
    bool ok = b.n != 0 && (b.p[0] & 0x80) == 0 && !(b.n > 1 && b.p[0] == 0 && (b.p[1] & 0x80) == 0);
    if (ok)
        return b;
    reader_fail(r);
    return bytes_of(NULL, 0);
}

uint32_t der_small(struct reader *r)
{
    struct bytes b = integer(r);
    uint32_t v = 0;
    if (b.n > 4)
        reader_fail(r);
    for (size_t i = 0; reader_ok(r) && i < b.n; i++)
        v = v << 8 | b.p[i];
    return v;
}

struct bytes der_positive(struct reader *r)
{
    struct bytes b = integer(r);
    if (b.n != 0 && b.p[0] == 0)
        b = bytes_of(b.p + 1, b.n - 1);
    if (b.n == 0)
        reader_fail(r);
    return b;
}

struct bytes der_bit_bytes(struct reader *r)
{
    struct bytes b = der_content(r, DER_BIT_STRING);
    if (b.n != 0 && b.p[0] == 0)
        return bytes_of(b.p + 1, b.n - 1);
    reader_fail(r);
    return bytes_of(NULL, 0);
}

uint16_t der_named_bits(struct reader *r)
{
    struct bytes b = der_content(r, DER_BIT_STRING);
    uint16_t v = 0;
    if (b.n == 0 || b.n > 3 || b.p[0] > 7 || (b.n == 1 && b.p[0] != 0)) {
        reader_fail(r);
        return 0;
    }
    for (unsigned i = 0; i < 8 * (unsigned)(b.n - 1); i++)
        if (b.p[1 + i / 8] >> (7 - i % 8) & 1)
            v = (uint16_t)(v | 1u << i);
    /* X.690 11.2: unused bits are zero, and the last bit used is one */
    if (b.n > 1 && (b.p[b.n - 1] & ((1u << (b.p[0] + 1)) - 1)) != 1u << b.p[0])
        reader_fail(r);
    return v;
}

static unsigned digits(struct reader *r, size_t n)
{
    unsigned v = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = read_u8(r);
        if (c < '0' || c > '9')
            reader_fail(r);
        v = v * 10 + (c & 15u);
    }
    return v;
}

static bool is_leap(unsigned y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static unsigned days_of_month(unsigned y, unsigned m)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[m - 1] + (m == 2 && is_leap(y) ? 1u : 0u);
}

static uint64_t days_since_1970(unsigned y, unsigned m, unsigned d)
{
    uint64_t before = y - 1, epoch = 1969;
    uint64_t days = (before * 365 + before / 4 - before / 100 + before / 400) -
                    (epoch * 365 + epoch / 4 - epoch / 100 + epoch / 400);
    for (unsigned i = 1; i < m; i++)
        days += days_of_month(y, i);
    return days + d - 1;
}

/* RFC 5280 4.1.2.5.1, 4.1.2.5.2: Greenwich time, with seconds, without fractions */
uint64_t der_time(struct reader *r)
{
    uint8_t tag;
    struct reader t = reader_of(der_any(r, &tag));
    unsigned y = digits(&t, tag == DER_UTC_TIME ? 2 : 4);
    if (tag == DER_UTC_TIME)
        y += y < 50 ? 2000 : 1900;
    unsigned month = digits(&t, 2), d = digits(&t, 2);
    unsigned h = digits(&t, 2), minute = digits(&t, 2), s = digits(&t, 2);
    bool ok = (tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME) && read_u8(&t) == 'Z' &&
              reader_end(&t) == 0 && month >= 1 && month <= 12 && d >= 1 && h < 24 && minute < 60 &&
              s < 60;
    if (!ok || y == 0 || d > days_of_month(y, month)) {
        reader_fail(r);
        return 0;
    }
    if (y < 1970)
        return 0;
    return ((days_since_1970(y, month, d) * 24 + h) * 60 + minute) * 60 + s;
}
