#include "identity/text.h"

#include <string.h>

#define HEX "0123456789abcdef"

struct range {
    uint32_t first, last;
};

/* Unicode's Cc, Cf, Zl, Zp and noncharacters, as far as they could change how other text is read */
static const struct range hidden[] = {
    {0x0000, 0x001f}, {0x007f, 0x009f}, {0x00ad, 0x00ad}, {0x034f, 0x034f},    {0x061c, 0x061c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x2000, 0x200f},    {0x2028, 0x202f},
    {0x205f, 0x206f}, {0x3000, 0x3000}, {0x3164, 0x3164}, {0xd800, 0xf8ff},    {0xfe00, 0xfe0f},
    {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xffff}, {0xe0000, 0x10ffff},
};

static bool is_markup(uint32_t c)
{
    return c < 0x80 && c != 0 && strchr("<>\"`\\", (int)c) != NULL;
}

/* RFC 3629 3; returns the length of the character at p, 0 if it is none. */
static size_t utf8_read(const uint8_t *p, size_t left, uint32_t *out)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    *out = c;
    return c >= smallest[n] && c <= 0x10ffff ? n : 0;
}

static bool is_hidden(uint32_t c)
{
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (c >= hidden[i].first && c <= hidden[i].last)
            return true;
    return false;
}

static bool all_are(struct bytes utf8, bool (*fine)(uint32_t c))
{
    for (size_t at = 0; at < utf8.n;) {
        uint32_t c;
        size_t n = utf8_read(utf8.p + at, utf8.n - at, &c);
        if (n == 0 || !fine(c))
            return false;
        at += n;
    }
    return utf8.n != 0;
}

static bool is_plain(uint32_t c)
{
    return !is_hidden(c) && !is_markup(c);
}

bool text_is_plain(struct bytes utf8)
{
    return all_are(utf8, is_plain);
}

/* Invisible by itself, but writing needs it: Persian and Indic scripts and emoji are joined with
 * U+200C and U+200D, U+FE0E and U+FE0F choose between letter and emoji, U+3000 is the blank between
 * Chinese characters. */
static bool is_readable(uint32_t c)
{
    return c == '\n' || c == 0x200c || c == 0x200d || c == 0xfe0e || c == 0xfe0f || c == 0x3000 ||
           !is_hidden(c);
}

bool text_is_readable(struct bytes utf8)
{
    return all_are(utf8, is_readable);
}

/* Letters of other scripts, and which small Latin letter they look like, or their capitals. */
static const struct {
    uint16_t c;
    char like;
} doubles[] = {
    {0x131, 'i'}, {0x251, 'a'}, {0x261, 'g'}, {0x391, 'a'}, {0x392, 'b'}, {0x395, 'e'},
    {0x396, 'z'}, {0x397, 'h'}, {0x399, 'i'}, {0x39a, 'k'}, {0x39c, 'm'}, {0x39d, 'n'},
    {0x39f, 'o'}, {0x3a1, 'p'}, {0x3a4, 't'}, {0x3a5, 'y'}, {0x3a7, 'x'}, {0x3b1, 'a'},
    {0x3b9, 'i'}, {0x3ba, 'k'}, {0x3bd, 'v'}, {0x3bf, 'o'}, {0x3c1, 'p'}, {0x3c5, 'u'},
    {0x405, 's'}, {0x406, 'i'}, {0x408, 'j'}, {0x410, 'a'}, {0x412, 'b'}, {0x415, 'e'},
    {0x41a, 'k'}, {0x41c, 'm'}, {0x41d, 'h'}, {0x41e, 'o'}, {0x420, 'p'}, {0x421, 'c'},
    {0x422, 't'}, {0x423, 'y'}, {0x425, 'x'}, {0x430, 'a'}, {0x435, 'e'}, {0x43a, 'k'},
    {0x43e, 'o'}, {0x440, 'p'}, {0x441, 'c'}, {0x443, 'y'}, {0x445, 'x'}, {0x455, 's'},
    {0x456, 'i'}, {0x458, 'j'}, {0x4bb, 'h'}, {0x501, 'd'}, {0x51b, 'q'}, {0x51d, 'w'},
};

/* What a character looks like; 0: nothing, it is space. */
static uint32_t look_of(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e) /* full width */
        c -= 0xfee0;
    if (c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        if (doubles[i].c == c)
            c = (uint32_t)doubles[i].like;
    switch (c) {
    case ' ':
    case 0xa0:
        return 0;
    case 'l':
    case '1':
    case '|':
        return 'i';
    case '0':
        return 'o';
    default:
        return c;
    }
}

/* The look of the next character of *rest that has one, which is shortened; 0 at the end. */
static uint32_t next_look(struct bytes *rest)
{
    uint32_t c, look = 0;
    while (look == 0 && rest->n != 0) {
        size_t n = utf8_read(rest->p, rest->n, &c);
        look = look_of(n == 0 ? rest->p[0] : c);
        n = n == 0 ? 1 : n;
        *rest = bytes_of(rest->p + n, rest->n - n);
    }
    return look;
}

bool text_is_alike(const char *a, const char *b)
{
    struct bytes x = bytes_str(a), y = bytes_str(b);
    uint32_t look;
    do {
        look = next_look(&x);
        if (look != next_look(&y))
            return false;
    } while (look != 0);
    return true;
}

void text_put(struct buf *b, const char *text)
{
    buf_put(b, bytes_str(text));
}

void text_put_escaped(struct buf *b, struct bytes text)
{
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        const char escaped[] = {'\\', 'x', HEX[c >> 4], HEX[c & 15]};
        if (c < 0x20 || c > 0x7e || is_markup(c))
            buf_put(b, bytes_of(escaped, sizeof escaped));
        else
            buf_put(b, bytes_of(&c, 1));
    }
}

void text_put_hex(struct buf *b, struct bytes data)
{
    for (size_t i = 0; i < data.n; i++) {
        const char pair[] = {HEX[data.p[i] >> 4], HEX[data.p[i] & 15]};
        buf_put(b, bytes_of(pair, sizeof pair));
    }
}

static void put_number(struct buf *b, uint64_t v, size_t digits)
{
    char out[20];
    for (size_t i = digits; i-- > 0; v /= 10)
        out[i] = (char)('0' + v % 10);
    buf_put(b, bytes_of(out, digits));
}

/* The civil date of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date
 * algorithms"): years start in March, so that the leap day is their last. */
void text_put_time(struct buf *b, uint64_t unix_seconds)
{
    uint64_t days = unix_seconds / 86400 + 719468, s = unix_seconds % 86400;
    uint64_t era = days / 146097, day_of_era = days % 146097;
    uint64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint64_t m = (5 * day_of_year + 2) / 153;
    uint64_t month = m < 10 ? m + 3 : m - 9;
    put_number(b, year_of_era + era * 400 + (month <= 2), 4);
    text_put(b, "-");
    put_number(b, month, 2);
    text_put(b, "-");
    put_number(b, day_of_year - (153 * m + 2) / 5 + 1, 2);
    text_put(b, " ");
    put_number(b, s / 3600, 2);
    text_put(b, ":");
    put_number(b, s / 60 % 60, 2);
    text_put(b, ":");
    put_number(b, s % 60, 2);
    text_put(b, " UTC");
}
