/* Typing: what keys do to a line, and that a drawn line shows what is typed with the cursor in its
 * place, whatever its length and its characters' widths; and that strangers' text stays text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants those before it */
#include <cmocka.h>

#include "cmd/terminal_line.h"
#include "cmd/terminal_text.h"
#include "support/random.h"

#define UP "\x1b[A"
#define DOWN "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT "\x1b[D"
#define HOME "\x1b[H"
#define END "\x1bOF"
#define DELETE "\x1b[3~"

static struct terminal_line *line_new(void)
{
    struct terminal_line *l = NULL;
    assert_int_equal(terminal_line_new(&l), 0);
    return l;
}

/* What the last byte did. */
static enum terminal_key type(struct terminal_line *l, const char *keys)
{
    enum terminal_key key = TERMINAL_KEY_NOTHING;
    for (; *keys != 0; keys++)
        key = terminal_line_feed(l, (uint8_t)*keys);
    return key;
}

static void typed_is(const char *keys, const char *line)
{
    struct terminal_line *l = line_new();
    type(l, keys);
    assert_int_equal(type(l, "\r"), TERMINAL_KEY_LINE);
    assert_string_equal(terminal_line_text(l), line);
    assert_true(terminal_line_is_empty(l));
    terminal_line_free(l);
}

static void keys_edit_the_line(void **state)
{
    (void)state;
    typed_is("hello", "hello");
    typed_is("helo" LEFT "l", "hello");
    typed_is("ello" HOME "h", "hello");
    typed_is("ello" HOME "h" END "!", "hello!");
    typed_is("hhello" HOME DELETE, "hello");
    typed_is("hellox\x7f", "hello");
    typed_is("one two three\x17\x17", "one ");
    typed_is("one two" HOME "\x0b", "");
    typed_is("one two\x15three", "three");
    typed_is("abc" LEFT LEFT RIGHT "X", "abXc");
    typed_is("a\tb", "a b");
    typed_is("\x7f\x7f" LEFT DELETE DOWN UP "a", "a");
}

static void letters_of_several_bytes_are_one_key_away(void **state)
{
    (void)state;
    typed_is("\xc3\xa9t\xc3\xa9\x7f", "\xc3\xa9t");
    typed_is("\xe6\xbc\xa2\xe5\xad\x97" LEFT LEFT "x", "x\xe6\xbc\xa2\xe5\xad\x97");
    /* e and a combining acute accent are one */
    typed_is("ae\xcc\x81\x7f", "a");
    typed_is("ae\xcc\x81" LEFT "x", "axe\xcc\x81");
    typed_is("\xf0\x9f\x99\x82" HOME DELETE "ok", "ok");
}

static void lines_can_be_recalled(void **state)
{
    struct terminal_line *l = line_new();
    (void)state;
    type(l, "one\rtwo\rtwo\r" UP UP "!");
    assert_int_equal(type(l, "\r"), TERMINAL_KEY_LINE);
    assert_string_equal(terminal_line_text(l), "one!");
    type(l, UP UP DOWN DOWN "new\r");
    assert_string_equal(terminal_line_text(l), "new");
    terminal_line_free(l);
}

static void only_the_last_lines_are_kept(void **state)
{
    struct terminal_line *l = line_new();
    (void)state;
    for (int i = 0; i < TERMINAL_HISTORY + 3; i++) {
        terminal_line_feed(l, (uint8_t)('A' + i));
        terminal_line_feed(l, '\r');
    }
    for (int i = 0; i < TERMINAL_HISTORY + 10; i++)
        type(l, UP);
    type(l, "\r");
    assert_string_equal(terminal_line_text(l), "D");
    terminal_line_free(l);
}

static void a_paste_does_not_send_itself(void **state)
{
    (void)state;
    typed_is("\x1b[200~first\rsecond\nthird\x1b[201~", "first second third");
}

static void unknown_sequences_type_nothing(void **state)
{
    (void)state;
    typed_is("a\x1b[1;5Ab\x1b[99999999999999~c\x1bOPd\x1bxe\x01\x02\x1d" END "f", "abcdef");
}

static void control_keys_ask_to_end(void **state)
{
    struct terminal_line *l = line_new();
    (void)state;
    assert_int_equal(type(l, "text\x03"), TERMINAL_KEY_CHANGED);
    assert_true(terminal_line_is_empty(l));
    assert_int_equal(type(l, "\x03"), TERMINAL_KEY_INTERRUPT);
    assert_int_equal(type(l, "\x04"), TERMINAL_KEY_END);
    assert_int_equal(type(l, "\x0c"), TERMINAL_KEY_CLEAR);
    terminal_line_free(l);
}

static void a_line_longer_than_the_limit_stops_growing(void **state)
{
    struct terminal_line *l = line_new();
    (void)state;
    for (int i = 0; i < TERMINAL_LINE_MAX + 100; i++)
        terminal_line_feed(l, 'x');
    type(l, "\r");
    assert_int_equal(strlen(terminal_line_text(l)), TERMINAL_LINE_MAX);
    terminal_line_free(l);
}

/* ---- Drawing: a terminal of one line, for characters of one column ---- */

struct screen {
    char cells[256];
    size_t at;
};

static void show(struct screen *s, const struct buf *b)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < b->n; i++) {
        if (b->p[i] == '\r') {
            s->at = 0;
        } else if (b->p[i] == 0x1b) {
            size_t n = 0;
            for (i += 2; b->p[i] >= '0' && b->p[i] <= '9'; i++)
                n = n * 10 + (size_t)(b->p[i] - '0');
            if (b->p[i] == 'D')
                s->at -= n;
        } else {
            assert_true(s->at < sizeof s->cells);
            s->cells[s->at++] = (char)b->p[i];
        }
    }
}

static void drawn_is(const char *keys, size_t columns, const char *cells, size_t cursor)
{
    struct terminal_line *l = line_new();
    struct buf b = {0};
    struct screen s;
    type(l, keys);
    terminal_line_draw(l, "> ", columns, &b);
    show(&s, &b);
    assert_string_equal(s.cells, cells);
    assert_int_equal(s.at, cursor);
    buf_free(&b);
    terminal_line_free(l);
}

static void a_line_is_drawn_with_its_cursor(void **state)
{
    (void)state;
    drawn_is("", 80, "> ", 2);
    drawn_is("hello", 80, "> hello", 7);
    drawn_is("hello" HOME, 80, "> hello", 2);
    drawn_is("hello" LEFT LEFT, 80, "> hello", 5);
}

static void of_a_long_line_the_part_at_the_cursor_is_drawn(void **state)
{
    (void)state;
    drawn_is("abcdefghijklmnopqrstuvwxyz", 14, "> pqrstuvwxyz", 13);
    drawn_is("abcdefghijklmnopqrstuvwxyz" HOME, 14, "> abcdefghijk", 2);
}

static void whatever_is_typed_the_drawing_fits(void **state)
{
    struct random r = {7};
    (void)state;
    for (int round = 0; round < 300; round++) {
        struct terminal_line *l = line_new();
        struct buf b = {0};
        size_t columns = 10 + (size_t)random_below(&r, 70);
        for (uint64_t i = random_below(&r, 200); i > 0; i--)
            terminal_line_feed(l, (uint8_t)random_below(&r, 256));
        terminal_line_draw(l, "> ", columns, &b);
        /* up to the "ESC [ K" */
        uint8_t *end = memchr(b.p, 0x1b, b.n);
        assert_non_null(end);
        assert_true(terminal_width(bytes_of(b.p + 1, (size_t)(end - b.p) - 1)) < columns);
        buf_free(&b);
        terminal_line_free(l);
    }
}

/* ---- Text ---- */

static void plain_is(const char *text, const char *shown)
{
    struct buf b = {0};
    terminal_put_plain(&b, bytes_str(text), 2);
    assert_true(bytes_equal(buf_view(&b), bytes_str(shown)));
    buf_free(&b);
}

static void text_of_strangers_cannot_move_or_hide_anything(void **state)
{
#define BAD "\xef\xbf\xbd"
    (void)state;
    plain_is("a < b & \xc3\xa9\xe6\xbc\xa2 \xf0\x9f\x99\x82",
             "a < b & \xc3\xa9\xe6\xbc\xa2 \xf0\x9f\x99\x82");
    plain_is("\x1b[2Jx\r\b\x7f", BAD "[2Jx" BAD BAD BAD);
    plain_is("one\ntwo", "one\n  two");
    /* NOLINTNEXTLINE(misc-misleading-bidirectional) it is the case */
    plain_is("\xe2\x80\xae"
             "abc\xe2\x81\xa6",
             BAD "abc" BAD);
    plain_is("\xc2\x9b"
             "31m",
             BAD "31m"); /* C1: CSI */
    plain_is("\xe2\x80\x8b\xef\xbb\xbf", BAD BAD);
    plain_is("\xff\xc0\xaf\xed\xa0\x80", BAD BAD BAD BAD BAD BAD);
    plain_is("\xe6\xbc", BAD BAD);
}

static void widths_are_columns(void **state)
{
    (void)state;
    assert_int_equal(terminal_width(bytes_str("abc")), 3);
    assert_int_equal(terminal_width(bytes_str("\xe6\xbc\xa2\xe5\xad\x97")), 4);
    assert_int_equal(terminal_width(bytes_str("e\xcc\x81")), 1);
    assert_int_equal(terminal_width(bytes_str("\xf0\x9f\x99\x82")), 2);
    assert_int_equal(terminal_width(bytes_str("\xc3\xbc")), 1);
}

static void wrapped_is(const char *text, size_t columns, const char *shown)
{
    struct buf b = {0};
    terminal_put_wrapped(&b, bytes_str(text), columns);
    assert_true(bytes_equal(buf_view(&b), bytes_str(shown)));
    buf_free(&b);
}

static void lines_are_broken_at_blanks(void **state)
{
    (void)state;
    wrapped_is("", 10, "");
    wrapped_is("short\n", 10, "short\n");
    wrapped_is("exactly 10\nnext\n", 10, "exactly 10\nnext\n");
    wrapped_is("one two three four\n", 10, "one two\nthree four\n");
    wrapped_is("abcdefghijklmno\n", 10, "abcdefghij\nklmno\n");
    wrapped_is("\x1b[1mone\x1b[0m two three\n", 10, "\x1b[1mone\x1b[0m two\nthree\n");
    wrapped_is("    indented words here\n", 14, "    indented\nwords here\n");
    wrapped_is("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\n", 4,
               "\xe6\xbc\xa2\xe5\xad\x97\n\xe6\xbc\xa2\n");
    wrapped_is("\xe6\xbc\xa2\n", 1, "\xe6\xbc\xa2\n");
    wrapped_is("no end\x1b[", 80, "no end\x1b[");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_edit_the_line),
        cmocka_unit_test(letters_of_several_bytes_are_one_key_away),
        cmocka_unit_test(lines_can_be_recalled),
        cmocka_unit_test(only_the_last_lines_are_kept),
        cmocka_unit_test(a_paste_does_not_send_itself),
        cmocka_unit_test(unknown_sequences_type_nothing),
        cmocka_unit_test(control_keys_ask_to_end),
        cmocka_unit_test(a_line_longer_than_the_limit_stops_growing),
        cmocka_unit_test(a_line_is_drawn_with_its_cursor),
        cmocka_unit_test(of_a_long_line_the_part_at_the_cursor_is_drawn),
        cmocka_unit_test(whatever_is_typed_the_drawing_fits),
        cmocka_unit_test(text_of_strangers_cannot_move_or_hide_anything),
        cmocka_unit_test(widths_are_columns),
        cmocka_unit_test(lines_are_broken_at_blanks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
