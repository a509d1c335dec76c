#include "cmd/terminal_text.h"

#include <stdarg.h>
#include <stdio.h>

#define REPLACEMENT 0xfffdu
#define LINE_MAX_OURS 1024

/* RFC 3629 4: the shortest form only, no surrogates, nothing above U+10FFFF. */
uint32_t terminal_char(struct bytes text, size_t *out_n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text.p[0];
    size_t n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    uint32_t c = n == 1 ? first : first & (0x7fu >> n);

    *out_n = 1;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4 || n > text.n)
        return REPLACEMENT;
    for (size_t i = 1; i < n; i++) {
        if ((text.p[i] & 0xc0) != 0x80)
            return REPLACEMENT;
        c = c << 6 | (text.p[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return REPLACEMENT;
    *out_n = n;
    return c;
}

struct range {
    uint32_t first, last;
};

static bool in(uint32_t c, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}
#define IN(c, ranges) in(c, ranges, sizeof(ranges) / sizeof(ranges)[0])

unsigned terminal_char_width(uint32_t c)
{
    /* combining marks, joiners, variation selectors, emoji modifiers */
    static const struct range none[] = {
        {0x0300, 0x036f}, {0x0483, 0x0489},   {0x0591, 0x05bd},   {0x0610, 0x061a},
        {0x064b, 0x065f}, {0x0e34, 0x0e3a},   {0x0e47, 0x0e4e},   {0x1ab0, 0x1aff},
        {0x1dc0, 0x1dff}, {0x200b, 0x200f},   {0x20d0, 0x20ff},   {0xfe00, 0xfe0f},
        {0xfe20, 0xfe2f}, {0x1f3fb, 0x1f3ff}, {0xe0100, 0xe01ef},
    };
    /* Unicode's East Asian Width W and F, by blocks */
    static const struct range two[] = {
        {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2614, 0x2615},   {0x2705, 0x2705},
        {0x2728, 0x2728},   {0x274c, 0x274c},   {0x2753, 0x2755},   {0x2e80, 0x303e},
        {0x3041, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
        {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
        {0x1f7e0, 0x1f7eb}, {0x1f900, 0x1faff}, {0x20000, 0x3fffd},
    };
    if (IN(c, none))
        return 0;
    return IN(c, two) ? 2 : 1;
}

size_t terminal_width(struct bytes text)
{
    size_t width = 0;
    for (size_t n; text.n > 0; text = bytes_of(text.p + n, text.n - n))
        width += terminal_char_width(terminal_char(text, &n));
    return width;
}

static bool is_harmless(uint32_t c)
{
    /* C0, C1; soft hyphen; direction marks, embeddings and isolates; zero-width space, line and
     * paragraph separators, invisible operators; tags */
    static const struct range harmful[] = {
        {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x061c, 0x061c},
        {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
        {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f},
    };
    return !IN(c, harmful);
}

void terminal_put_plain(struct buf *b, struct bytes text, size_t indent)
{
    for (size_t n; text.n > 0; text = bytes_of(text.p + n, text.n - n)) {
        uint32_t c = terminal_char(text, &n);
        if (c == '\n')
            terminal_put(b, "\n%*s", (int)indent, "");
        else if (is_harmless(c) && !(c == REPLACEMENT && n == 1))
            buf_put(b, bytes_of(text.p, n));
        else
            buf_put(b, bytes_str("\xef\xbf\xbd"));
    }
}

/* The escape sequence at the beginning, or none: "ESC [", parameters, a letter. */
static size_t sequence_length(struct bytes text)
{
    size_t n = 2;
    if (text.n < 2 || text.p[0] != 0x1b || text.p[1] != '[')
        return 0;
    while (n < text.n && (text.p[n] < 0x40 || text.p[n] > 0x7e))
        n++;
    return n < text.n ? n + 1 : text.n;
}

/* How many bytes fit into a line: up to the line's end, the columns, or the last blank in them. */
static size_t line_fit(struct bytes text, size_t columns, bool *out_broken)
{
    size_t width = 0, at = 0, blank = 0, n;
    *out_broken = false;
    while (at < text.n && text.p[at] != '\n') {
        struct bytes rest = bytes_of(text.p + at, text.n - at);
        n = sequence_length(rest);
        if (n == 0) {
            width += terminal_char_width(terminal_char(rest, &n));
            if (width > columns) {
                *out_broken = true;
                return blank != 0 ? blank : at;
            }
            if (text.p[at] == ' ' && at != 0 && text.p[at - 1] != ' ')
                blank = at;
        }
        at += n;
    }
    return at;
}

void terminal_put_wrapped(struct buf *b, struct bytes lines, size_t columns)
{
    while (lines.n > 0) {
        bool broken = false;
        size_t n = line_fit(lines, columns, &broken);
        if (n == 0 && broken) /* a character wider than the screen */
            n = lines.n;
        buf_put(b, bytes_of(lines.p, n));
        lines = bytes_of(lines.p + n, lines.n - n);
        if (lines.n == 0)
            break;
        if (broken || lines.p[0] == '\n')
            buf_put(b, bytes_str("\n"));
        while (broken && lines.n > 0 && lines.p[0] == ' ')
            lines = bytes_of(lines.p + 1, lines.n - 1);
        if (!broken)
            lines = bytes_of(lines.p + 1, lines.n - 1);
    }
}

void terminal_put(struct buf *b, const char *format, ...)
{
    char line[LINE_MAX_OURS];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    buf_put(b, bytes_str(line));
}

void terminal_put_colour(struct buf *b, bool colours, enum terminal_colour colour)
{
    static const char *const codes[] = {"0", "1", "2", "32", "33", "1;31", "36"};
    if (colours)
        terminal_put(b, "\x1b[%sm", codes[colour]);
}
