#include "media/test_card.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "media/limits.h"

#define BLACK 16
#define GREY 110
#define WHITE 235

/* The cells, in reading order, the highest bit first. */
#define CODE_ROWS 4u
#define CODE_COLUMNS 16u
#define CODE_BITS 64
#define CODE_SYNC UINT64_C(0xc5) /* tells the right way round, and black from white */
#define CODE_BLACK_MAX 90        /* the mean of a cell; between the two it is illegible */
#define CODE_WHITE_MIN 160

struct test_card {
    uint64_t seed;
    uint16_t width, height;
    size_t luma, chroma; /* bytes of a plane */
    uint8_t samples[];
};

/* A colour's U and V: 16 directions from grey, far enough to be told apart after encoding, near
 * enough to be shown. */
static const uint8_t colours[TEST_CARD_COLOURS][2] = {
    {192, 128}, {187, 152}, {173, 173}, {152, 187}, {128, 192}, {104, 187}, {83, 173}, {69, 152},
    {64, 128},  {69, 104},  {83, 83},   {104, 69},  {128, 64},  {152, 69},  {173, 83}, {187, 104},
};
#define COLOUR_DISTANCE_MAX 12 /* half of what lies between neighbours */

int test_card_new(uint16_t width, uint16_t height, uint64_t seed, struct test_card **out)
{
    if (width < MEDIA_WIDTH_MIN || width > MEDIA_WIDTH_MAX || height < MEDIA_HEIGHT_MIN ||
        height > MEDIA_HEIGHT_MAX)
        return CONCLAVE_EINVAL;
    size_t luma = (size_t)width * height;
    size_t chroma = ((size_t)width + 1) / 2 * (((size_t)height + 1) / 2);
    struct test_card *c = malloc(sizeof *c + luma + 2 * chroma);
    if (c == NULL)
        return CONCLAVE_ENOMEM;
    c->seed = seed;
    c->width = width;
    c->height = height;
    c->luma = luma;
    c->chroma = chroma;
    *out = c;
    return 0;
}

void test_card_free(struct test_card *c)
{
    free(c);
}

/* ---- Drawing ---- */

struct box {
    unsigned x, y, width, height;
};

/* What lies outside of the picture is cut off. */
static void fill(struct test_card *c, struct box b, uint8_t value)
{
    unsigned right = b.x + b.width < c->width ? b.x + b.width : c->width;
    for (unsigned y = b.y; y < b.y + b.height && y < c->height; y++)
        if (b.x < right)
            memset(c->samples + (size_t)y * c->width + b.x, value, right - b.x);
}

/* The luma of a patch of the band: the finaliser of splitmix64, which spreads any change over all
 * bits. */
static uint8_t patch(uint64_t seed, uint64_t x, uint64_t y)
{
    uint64_t z = seed + x * 0x9e3779b97f4a7c15u + y * 0xd1b54a32d192ed03u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint8_t)(64 + ((z ^ (z >> 31)) & 63));
}

/* Patches that scroll by two samples a picture, and a ball that crosses them in about 60. */
static void draw_band(struct test_card *c, uint32_t number)
{
    unsigned height = c->height / 8u, size = c->width / 60u + 2;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < c->width; x++)
            c->samples[(size_t)y * c->width + x] =
                patch(c->seed, (x + UINT64_C(2) * number) / 4, y / 4);
    struct box ball = {number % 60 * c->width / 60u, height / 2, size, height / 2};
    fill(c, ball, WHITE);
}

/* The seven segments of a digit, in a box of 3 by 5 strokes: from and to, as columns and rows of
 * strokes. */
static const struct box segments[7] = {
    {0, 0, 3, 1}, {2, 0, 1, 3}, {2, 2, 1, 3}, {0, 4, 3, 1},
    {0, 2, 1, 3}, {0, 0, 1, 3}, {0, 2, 3, 1},
};
static const uint8_t segments_of[10] = {0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f};

static void draw_digit(struct test_card *c, unsigned x, unsigned y, unsigned stroke, unsigned digit)
{
    for (unsigned i = 0; i < 7; i++) {
        struct box s = segments[i];
        struct box at = {x + s.x * stroke, y + s.y * stroke, s.width * stroke, s.height * stroke};
        if ((segments_of[digit] >> i & 1) != 0)
            fill(c, at, WHITE);
    }
}

/* The last n digits of a value, each two of them set apart where grouped. */
static void draw_number(struct test_card *c, unsigned y, unsigned n, uint64_t value, bool grouped)
{
    unsigned stroke = c->height * 3u / 16u / 6;
    unsigned fits = c->width / (n * 4 + n / 2 + 1);
    stroke = stroke < fits ? stroke : fits;
    for (unsigned i = n; i > 0; i--, value /= 10) {
        unsigned left = (i - 1) * 4 + (grouped ? (i - 1) / 2 : 0);
        draw_digit(c, (1 + left) * stroke, y, stroke, (unsigned)(value % 10));
    }
}

/* Minutes, seconds and tenths as one number, mmsst. */
static uint64_t clock_digits(uint64_t ms)
{
    uint64_t tenths = ms / 100;
    return tenths / 600 * 1000 + tenths / 10 % 60 * 10 + tenths % 10;
}

/* The 16-bit CRC of X.25: polynomial 0x1021, start 0xffff. */
static uint16_t checksum(uint64_t value, unsigned bits)
{
    uint32_t crc = 0xffff;
    for (unsigned i = bits; i > 0; i--) {
        uint32_t out = (crc >> 15 ^ (uint32_t)(value >> (i - 1))) & 1;
        crc = (crc << 1 & 0xffff) ^ (out != 0 ? 0x1021 : 0);
    }
    return (uint16_t)crc;
}

static uint64_t code_of(const struct test_card_label *label)
{
    uint64_t content = (uint64_t)label->sender << 32 | label->number;
    return CODE_SYNC << 56 | content << 16 | checksum(content, 40);
}

static struct box cell(unsigned width, unsigned height, unsigned i)
{
    unsigned row = i / CODE_COLUMNS, column = i % CODE_COLUMNS;
    unsigned left = width * column / CODE_COLUMNS;
    unsigned top = height / 2 + height * row / (2 * CODE_ROWS);
    unsigned right = width * (column + 1) / CODE_COLUMNS;
    unsigned bottom = height / 2 + height * (row + 1) / (2 * CODE_ROWS);
    struct box b = {left, top, right - left, bottom - top};
    return b;
}

static void draw_code(struct test_card *c, uint64_t code)
{
    for (unsigned i = 0; i < CODE_BITS; i++)
        fill(c, cell(c->width, c->height, i),
             (code >> (CODE_BITS - 1 - i) & 1) != 0 ? WHITE : BLACK);
}

struct picture test_card_draw(struct test_card *c, const struct test_card_label *label, uint64_t ms)
{
    const uint8_t *colour = colours[label->sender % TEST_CARD_COLOURS];
    uint8_t *u = c->samples + c->luma, *v = u + c->chroma;
    size_t half = ((size_t)c->width + 1) / 2;
    memset(c->samples, GREY, c->luma);
    memset(u, colour[0], c->chroma);
    memset(v, colour[1], c->chroma);
    draw_band(c, label->number);
    draw_number(c, c->height * 5u / 32, 7, label->number, false);
    draw_number(c, c->height * 11u / 32, 5, clock_digits(ms), true);
    draw_code(c, code_of(label));
    struct picture p = {c->width, c->height, {c->samples, c->width}, {u, half}, {v, half}};
    return p;
}

/* ---- Reading ---- */

/* The mean of the samples in the middle of a box, away from its edges. */
static unsigned mean(const struct picture_plane *plane, struct box b)
{
    unsigned long sum = 0, n = 0;
    for (unsigned y = b.y + b.height / 4; y < b.y + b.height - b.height / 4; y++)
        for (unsigned x = b.x + b.width / 4; x < b.x + b.width - b.width / 4; x++, n++)
            sum += plane->p[(size_t)y * plane->stride + x];
    return n == 0 ? 0 : (unsigned)(sum / n);
}

int test_card_read(const struct picture *picture, struct test_card_label *out)
{
    uint64_t code = 0;
    if (picture->width < MEDIA_WIDTH_MIN || picture->height < MEDIA_HEIGHT_MIN)
        return CONCLAVE_ESYNTAX;
    for (unsigned i = 0; i < CODE_BITS; i++) {
        unsigned luma = mean(&picture->y, cell(picture->width, picture->height, i));
        if (luma > CODE_BLACK_MAX && luma < CODE_WHITE_MIN)
            return CONCLAVE_ESYNTAX;
        code = code << 1 | (luma >= CODE_WHITE_MIN);
    }
    struct test_card_label label = {(uint8_t)(code >> 48), (uint32_t)(code >> 16)};
    if (code_of(&label) != code)
        return CONCLAVE_ESYNTAX;
    *out = label;
    return 0;
}

static unsigned distance(unsigned a, unsigned b)
{
    return a > b ? a - b : b - a;
}

int test_card_read_colour(const struct picture *picture, uint8_t *out)
{
    struct box all = {0, 0, (picture->width + 1u) / 2, (picture->height + 1u) / 2};
    unsigned u = mean(&picture->u, all), v = mean(&picture->v, all);
    for (uint8_t i = 0; i < TEST_CARD_COLOURS; i++) {
        if (distance(u, colours[i][0]) < COLOUR_DISTANCE_MAX &&
            distance(v, colours[i][1]) < COLOUR_DISTANCE_MAX) {
            *out = i;
            return 0;
        }
    }
    return CONCLAVE_ESYNTAX;
}
