#include "base/base64.h"

#include <string.h>

#define COMMON "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

struct spelling {
    const char *alphabet;
    bool padded;
};
static const struct spelling plain = {COMMON "+/", true}, for_urls = {COMMON "-_", false};

/* One to three bytes as one more character than bytes. */
static void put_group(const struct spelling *s, const uint8_t *p, size_t n, struct buf *out)
{
    uint8_t text[4] = {'=', '=', '=', '='};
    uint32_t bits = (uint32_t)p[0] << 16;
    bits |= n > 1 ? (uint32_t)p[1] << 8 : 0;
    bits |= n > 2 ? (uint32_t)p[2] : 0;
    for (size_t i = 0; i <= n; i++)
        text[i] = (uint8_t)s->alphabet[bits >> (18 - 6 * i) & 0x3f];
    buf_put(out, bytes_of(text, s->padded ? 4 : n + 1));
}

static void put(const struct spelling *s, struct bytes data, struct buf *out)
{
    for (size_t i = 0; i < data.n; i += 3)
        put_group(s, data.p + i, data.n - i < 3 ? data.n - i : 3, out);
}

void base64_put(struct buf *out, struct bytes data)
{
    put(&plain, data, out);
}

void base64url_put(struct buf *out, struct bytes data)
{
    put(&for_urls, data, out);
}

static bool value_of(const struct spelling *s, uint8_t c, uint32_t *out)
{
    const char *at = c == 0 ? NULL : strchr(s->alphabet, c);
    if (at == NULL)
        return false;
    *out = (uint32_t)(at - s->alphabet);
    return true;
}

/* Two to four characters as one byte fewer. */
static bool read_group(const struct spelling *s, const uint8_t *p, size_t n, struct buf *out)
{
    uint32_t bits = 0, value;
    for (size_t i = 0; i < n; i++) {
        if (!value_of(s, p[i], &value))
            return false;
        bits |= value << (18 - 6 * i);
    }
    const uint8_t data[] = {(uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits};
    buf_put(out, bytes_of(data, n - 1));
    return (bits & ((1u << (8 * (4 - n))) - 1)) == 0;
}

/* The characters without the padding that must be there; false if it is not. */
static bool strip(const struct spelling *s, struct bytes *text)
{
    if (!s->padded)
        return text->n % 4 != 1;
    if (text->n % 4 != 0)
        return false;
    for (int i = 0; i < 2 && text->n != 0 && text->p[text->n - 1] == '='; i++)
        text->n--;
    return true;
}

static int read(const struct spelling *s, struct bytes text, struct buf *out)
{
    struct buf data = {0};
    bool right = strip(s, &text);
    for (size_t i = 0; right && i < text.n; i += 4)
        right = read_group(s, text.p + i, text.n - i < 4 ? text.n - i : 4, &data);
    int rv = right ? buf_check(&data) : CONCLAVE_ESYNTAX;
    if (rv == 0)
        rv = buf_reserve(out, data.n);
    if (rv == 0)
        buf_put(out, buf_view(&data));
    buf_free(&data);
    return rv;
}

int base64_read(struct bytes text, struct buf *out)
{
    return read(&plain, text, out);
}

int base64url_read(struct bytes text, struct buf *out)
{
    return read(&for_urls, text, out);
}
