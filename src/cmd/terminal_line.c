#include "cmd/terminal_line.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/terminal_text.h"

#define CTRL(c) ((c)&0x1f)
#define DELETE_KEY 0x7f
#define SEQUENCE_MAX 8

enum mode { MODE_TEXT, MODE_ESCAPE, MODE_SEQUENCE };

struct terminal_line {
    char text[TERMINAL_LINE_MAX + 1];
    size_t n, at; /* bytes; the cursor's place, at the beginning of a character */
    char done[TERMINAL_LINE_MAX + 1];
    enum mode mode;
    char sequence[SEQUENCE_MAX + 1]; /* of an escape sequence, after "ESC [" */
    size_t sequence_n;
    bool pasting;
    char *history[TERMINAL_HISTORY];
    size_t n_history, recall; /* recall == n_history: none is shown */
};

int terminal_line_new(struct terminal_line **out)
{
    *out = calloc(1, sizeof **out);
    return *out == NULL ? CONCLAVE_ENOMEM : 0;
}

void terminal_line_free(struct terminal_line *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->n_history; i++)
        free(l->history[i]);
    free(l);
}

const char *terminal_line_text(const struct terminal_line *l)
{
    return l->done;
}

bool terminal_line_is_empty(const struct terminal_line *l)
{
    return l->n == 0;
}

/* ---- Moving and changing ---- */

static bool is_continuation(const struct terminal_line *l, size_t at)
{
    return at < l->n && ((uint8_t)l->text[at] & 0xc0) == 0x80;
}

/* The place before or after the character at the cursor, with the marks that combine with it. */
static size_t before(const struct terminal_line *l)
{
    size_t at = l->at, n;
    while (at > 0) {
        do {
            at--;
        } while (at > 0 && is_continuation(l, at));
        if (terminal_char_width(terminal_char(bytes_of(l->text + at, l->n - at), &n)) != 0)
            break;
    }
    return at;
}

static size_t after(const struct terminal_line *l)
{
    size_t at = l->at, n;
    while (at < l->n) {
        terminal_char(bytes_of(l->text + at, l->n - at), &n);
        at += n;
        if (at == l->n ||
            terminal_char_width(terminal_char(bytes_of(l->text + at, l->n - at), &n)) != 0)
            break;
    }
    return at;
}

static void erase(struct terminal_line *l, size_t from, size_t to)
{
    memmove(l->text + from, l->text + to, l->n - to + 1);
    l->n -= to - from;
    l->at = from;
}

static enum terminal_key insert(struct terminal_line *l, uint8_t byte)
{
    if (l->n == TERMINAL_LINE_MAX)
        return TERMINAL_KEY_NOTHING;
    memmove(l->text + l->at + 1, l->text + l->at, l->n - l->at + 1);
    l->text[l->at++] = (char)byte;
    l->n++;
    return TERMINAL_KEY_CHANGED;
}

static void set(struct terminal_line *l, const char *text)
{
    l->n = l->at = strlen(text);
    memcpy(l->text, text, l->n + 1);
}

static size_t word_before(const struct terminal_line *l)
{
    size_t at = l->at;
    while (at > 0 && l->text[at - 1] == ' ')
        at--;
    while (at > 0 && l->text[at - 1] != ' ')
        at--;
    return at;
}

/* ---- History ---- */

static void remember(struct terminal_line *l, const char *text)
{
    char *copy = NULL;
    if (*text == 0 || (l->n_history > 0 && strcmp(l->history[l->n_history - 1], text) == 0))
        return;
    copy = strdup(text);
    if (copy == NULL)
        return; /* a line that cannot be recalled is no harm */
    if (l->n_history == TERMINAL_HISTORY) {
        free(l->history[0]);
        memmove(l->history, l->history + 1, (TERMINAL_HISTORY - 1) * sizeof *l->history);
        l->n_history--;
    }
    l->history[l->n_history++] = copy;
}

static enum terminal_key recall(struct terminal_line *l, int step)
{
    if ((step < 0 && l->recall == 0) || (step > 0 && l->recall == l->n_history))
        return TERMINAL_KEY_NOTHING;
    l->recall = step < 0 ? l->recall - 1 : l->recall + 1;
    set(l, l->recall == l->n_history ? "" : l->history[l->recall]);
    return TERMINAL_KEY_CHANGED;
}

static enum terminal_key finish(struct terminal_line *l)
{
    memcpy(l->done, l->text, l->n + 1);
    remember(l, l->done);
    l->recall = l->n_history;
    l->text[0] = 0;
    l->n = l->at = 0;
    return TERMINAL_KEY_LINE;
}

/* ---- Keys ---- */

static enum terminal_key move(struct terminal_line *l, size_t to)
{
    if (to == l->at)
        return TERMINAL_KEY_NOTHING;
    l->at = to;
    return TERMINAL_KEY_CHANGED;
}

static enum terminal_key cut(struct terminal_line *l, size_t from, size_t to)
{
    if (from == to)
        return TERMINAL_KEY_NOTHING;
    erase(l, from, to);
    return TERMINAL_KEY_CHANGED;
}

static enum terminal_key control(struct terminal_line *l, uint8_t key)
{
    switch (key) {
    case '\r':
    case '\n':
        return l->pasting ? insert(l, ' ') : finish(l);
    case '\t':
        return insert(l, ' ');
    case CTRL('A'):
        return move(l, 0);
    case CTRL('E'):
        return move(l, l->n);
    case CTRL('B'):
        return move(l, before(l));
    case CTRL('F'):
        return move(l, after(l));
    case CTRL('H'):
    case DELETE_KEY:
        return cut(l, before(l), l->at);
    case CTRL('W'):
        return cut(l, word_before(l), l->at);
    case CTRL('U'):
        return cut(l, 0, l->at);
    case CTRL('K'):
        return cut(l, l->at, l->n);
    case CTRL('P'):
        return recall(l, -1);
    case CTRL('N'):
        return recall(l, 1);
    case CTRL('L'):
        return TERMINAL_KEY_CLEAR;
    case CTRL('D'):
        return l->n == 0 ? TERMINAL_KEY_END : cut(l, l->at, after(l));
    case CTRL('C'):
        return l->n == 0 ? TERMINAL_KEY_INTERRUPT : cut(l, 0, l->n);
    default:
        return TERMINAL_KEY_NOTHING;
    }
}

/* ECMA-48 5.4: "ESC [", parameters, a final byte; here without the first two. */
static enum terminal_key sequence(struct terminal_line *l, const char *s)
{
    static const struct {
        const char *sequence;
        char key;
    } keys[] = {
        {"A", CTRL('P')},  {"B", CTRL('N')},  {"C", CTRL('F')},  {"D", CTRL('B')},
        {"H", CTRL('A')},  {"F", CTRL('E')},  {"1~", CTRL('A')}, {"4~", CTRL('E')},
        {"7~", CTRL('A')}, {"8~", CTRL('E')},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (strcmp(s, keys[i].sequence) == 0)
            return control(l, (uint8_t)keys[i].key);
    if (strcmp(s, "3~") == 0)
        return cut(l, l->at, after(l));
    if (strcmp(s, "200~") == 0 || strcmp(s, "201~") == 0)
        l->pasting = s[2] == '0';
    return TERMINAL_KEY_NOTHING;
}

static enum terminal_key in_sequence(struct terminal_line *l, uint8_t byte)
{
    if (l->sequence_n < SEQUENCE_MAX)
        l->sequence[l->sequence_n++] = (char)byte;
    if (byte < 0x40 || byte > 0x7e)
        return TERMINAL_KEY_NOTHING;
    l->sequence[l->sequence_n] = 0;
    l->mode = MODE_TEXT;
    return sequence(l, l->sequence);
}

enum terminal_key terminal_line_feed(struct terminal_line *l, uint8_t byte)
{
    switch (l->mode) {
    case MODE_ESCAPE:
        /* "ESC [" and "ESC O" begin a sequence; anything else with ESC is no key of ours. */
        l->mode = byte == '[' || byte == 'O' ? MODE_SEQUENCE : MODE_TEXT;
        l->sequence_n = 0;
        return TERMINAL_KEY_NOTHING;
    case MODE_SEQUENCE:
        return in_sequence(l, byte);
    case MODE_TEXT:
        break;
    }
    if (byte == 0x1b) {
        l->mode = MODE_ESCAPE;
        return TERMINAL_KEY_NOTHING;
    }
    return byte < 0x20 || byte == DELETE_KEY ? control(l, byte) : insert(l, byte);
}

/* ---- Drawing ---- */

static struct bytes part(const struct terminal_line *l, size_t from, size_t to)
{
    return bytes_of(l->text + from, to - from);
}

/* Where to begin, so that the cursor is within `room` columns. */
static size_t first_shown(const struct terminal_line *l, size_t room)
{
    size_t from = 0, n;
    size_t width = terminal_width(part(l, 0, l->at));
    while (width >= room && from < l->at) {
        width -= terminal_char_width(terminal_char(part(l, from, l->at), &n));
        from += n;
    }
    return from;
}

static size_t last_shown(const struct terminal_line *l, size_t from, size_t room)
{
    size_t width = 0, n;
    while (from < l->n) {
        width += terminal_char_width(terminal_char(part(l, from, l->n), &n));
        if (width >= room)
            break;
        from += n;
    }
    return from;
}

void terminal_line_draw(const struct terminal_line *l, const char *prompt, size_t columns,
                        struct buf *out)
{
    size_t used = terminal_width(bytes_str(prompt));
    size_t room = columns > used + 8 ? columns - used : 8;
    size_t from = first_shown(l, room), to = last_shown(l, from, room);
    size_t back = terminal_width(part(l, l->at, to < l->at ? l->at : to));

    terminal_put(out, "\r%s", prompt);
    terminal_put_plain(out, part(l, from, to), 0);
    terminal_put(out, "\x1b[K");
    if (back > 0)
        terminal_put(out, "\x1b[%zuD", back);
}
