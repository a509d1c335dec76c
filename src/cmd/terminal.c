#include "cmd/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cmd/terminal_input.h"
#include "cmd/terminal_line.h"
#include "cmd/terminal_media.h"
#include "cmd/terminal_line.h"
#include "cmd/terminal_text.h"
#include "cmd/terminal_view.h"

#define PROMPT "> "
#define BRACKETED_PASTE_ON "\x1b[?2004h"
#define BRACKETED_PASTE_OFF "\x1b[?2004l"
#define ERASE_LINE "\r\x1b[K"
#define CLEAR_SCREEN "\x1b[H\x1b[2J"

struct terminal {
    struct terminal_config config;
    struct terminal_view view;
    struct terminal_input *input;
    struct terminal_line *line;
    bool interactive, colours;
};

/* ---- The screen ---- */

static void write_out(const struct buf *b)
{
    struct bytes left = buf_view(b);
    while (left.n > 0) {
        ssize_t n = write(STDOUT_FILENO, left.p, left.n);
        if (n < 0 && errno == EAGAIN) {
            struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&ready, 1, 1000);
        } else if (n < 0 && errno != EINTR) {
            return; /* nobody looks any more */
        } else if (n > 0) {
            left = bytes_of(left.p + n, left.n - (size_t)n);
        }
    }
}

static size_t columns(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* Lines above the prompt; none: the prompt alone. */
static void show(struct terminal *t, struct bytes lines)
{
    struct buf b = {0};
    if (t->interactive) {
        buf_put(&b, bytes_str(ERASE_LINE));
        terminal_put_wrapped(&b, lines, columns());
    } else {
        buf_put(&b, lines);
    }
    if (t->interactive && t->view.phase != PARTICIPANT_OVER)
        terminal_line_draw(t->line, PROMPT, columns(), &b);
    if (buf_check(&b) == 0)
        write_out(&b);
    buf_free(&b);
}

/* "12:03 ", before what happens by itself. */
static void put_clock(struct terminal *t, struct buf *b)
{
    char text[16];
    struct tm tm;
    time_t now = (time_t)(net_loop_now(t->config.loop) / 1000000);
    if (localtime_r(&now, &tm) == NULL || strftime(text, sizeof text, "%H:%M ", &tm) == 0)
        return;
    terminal_put_colour(b, t->colours, TERMINAL_DIM);
    buf_put(b, bytes_str(text));
    terminal_put_colour(b, t->colours, TERMINAL_NORMAL);
}

/* With the time before it, if there is any. */
static void show_at(struct terminal *t, const struct buf *text)
{
    struct buf lines = {0};
    if (text->n == 0)
        return;
    put_clock(t, &lines);
    buf_put(&lines, buf_view(text));
    if (buf_check(&lines) == 0)
        show(t, buf_view(&lines));
    buf_free(&lines);
}

void terminal_event(struct terminal *t, const struct participant_effect *e)
{
    struct buf text = {0};
    terminal_view_event(&t->view, e, &text);
    show_at(t, &text);
    buf_free(&text);
}

void terminal_news(struct terminal *t, const struct join_media_news *news)
{
    struct buf text = {0};
    terminal_media_news(&t->view, news, &text);
    show_at(t, &text);
    buf_free(&text);
}

int terminal_show(struct terminal *t, const struct join_command *command)
{
    struct buf out = {0};
    int rv = terminal_view_show(&t->view, command, &out);
    if (rv == 0)
        rv = buf_check(&out);
    if (rv == 0)
        show(t, buf_view(&out));
    buf_free(&out);
    return rv;
}

void terminal_say(struct terminal *t, const char *text)
{
    struct buf b = {0};
    terminal_put(&b, "%s\n", text);
    if (buf_check(&b) == 0)
        show(t, buf_view(&b));
    buf_free(&b);
}

void terminal_warn(struct terminal *t, const char *text, const char *why, const char *next)
{
    struct buf b = {0}, reason = {0};
    put_clock(t, &b);
    terminal_put(&reason, "%s %s", text, why);
    buf_put(&reason, bytes_of("", 1));
    if (buf_check(&reason) == 0)
        terminal_put_notice(&b, t->colours, PARTICIPANT_WARNING, (const char *)reason.p, next);
    if (buf_check(&b) == 0)
        show(t, buf_view(&b));
    buf_free(&reason);
    buf_free(&b);
}

/* ---- What is typed ---- */

/* What we said ourselves is shown at once: it comes back in its own time. */
static void put_own(struct terminal *t, const char *text, struct buf *out)
{
    put_clock(t, out);
    terminal_put_colour(out, t->colours, TERMINAL_BOLD);
    terminal_put(out, "You");
    terminal_put_colour(out, t->colours, TERMINAL_NORMAL);
    terminal_put(out, ": ");
    terminal_put_plain(out, bytes_str(text), 2);
    terminal_put(out, "\n");
}

/* What a command that worked says at once; what it changed is told by events. */
static const char *done_text(enum join_verb verb)
{
    switch (verb) {
    case JOIN_ADMIT:
    case JOIN_ADMIT_ALL:
        return "Letting them in.\n";
    case JOIN_REFUSE:
        return "Turned away.\n";
    case JOIN_EJECT:
        return "Removing them.\n";
    default:
        return "";
    }
}

static void run_command(struct terminal *t, const struct join_command *command, struct buf *out)
{
    int rv = terminal_view_show(&t->view, command, out);
    if (rv == CONCLAVE_EUNSUPPORTED) {
        rv = join_session_do(t->view.session, command, NULL);
        if (rv == 0 && command->verb == JOIN_SAY)
            put_own(t, command->text, out);
        else if (rv == 0)
            terminal_put(out, "%s", done_text(command->verb));
    }
    if (rv != 0)
        terminal_put_notice(out, t->colours, PARTICIPANT_INFO,
                            terminal_error_text(command->verb, rv), "");
}

static void run_line(struct terminal *t, const char *line)
{
    struct join_command command;
    struct buf out = {0};
    if (line[strspn(line, " ")] != 0) {
        if (join_command_parse(line, &command) == 0)
            run_command(t, &command, &out);
        else
            terminal_put_notice(&out, t->colours, PARTICIPANT_INFO, command.text, "");
    }
    if (buf_check(&out) == 0)
        show(t, buf_view(&out));
    buf_free(&out);
}

static void leave(struct terminal *t)
{
    const struct join_command command = {.verb = JOIN_LEAVE};
    if (join_session_do(t->view.session, &command, NULL) != 0)
        net_loop_stop(t->config.loop);
}

static void press(struct terminal *t, uint8_t byte)
{
    switch (terminal_line_feed(t->line, byte)) {
    case TERMINAL_KEY_LINE:
        run_line(t, terminal_line_text(t->line));
        break;
    case TERMINAL_KEY_INTERRUPT:
    case TERMINAL_KEY_END:
        leave(t);
        break;
    case TERMINAL_KEY_CLEAR:
        show(t, bytes_str(CLEAR_SCREEN));
        break;
    case TERMINAL_KEY_NOTHING:
    case TERMINAL_KEY_CHANGED:
        break;
    }
}

static void on_bytes(void *ctx, struct bytes data)
{
    struct terminal *t = ctx;
    for (size_t i = 0; i < data.n && t->view.phase != PARTICIPANT_OVER; i++)
        press(t, data.p[i]);
    if (t->interactive)
        show(t, bytes_of(NULL, 0));
}

static void on_end(void *ctx)
{
    struct terminal *t = ctx;
    if (!t->config.stay && t->view.phase != PARTICIPANT_OVER)
        leave(t);
}

static const struct terminal_input_events input_events = {on_bytes, on_end};

static void on_resize(void *ctx, int signum)
{
    (void)signum;
    show(ctx, bytes_of(NULL, 0));
}

/* ---- Beginning and end ---- */

int terminal_new(const struct terminal_config *config, struct terminal **out)
{
    struct terminal *t = calloc(1, sizeof *t);
    if (t == NULL)
        return CONCLAVE_ENOMEM;
    t->config = *config;
    t->interactive = terminal_is_interactive();
    t->colours = t->view.colours = config->colours && isatty(STDOUT_FILENO) != 0;
    t->view.tls = config->tls;
    int rv = terminal_line_new(&t->line);
    if (rv == 0)
        rv = terminal_input_new(config->loop, t->interactive, &input_events, t, &t->input);
    if (rv == 0 && t->interactive)
        rv = net_loop_signal(config->loop, SIGWINCH, on_resize, t);
    if (rv == 0) {
        if (t->interactive)
            terminal_say(t, BRACKETED_PASTE_ON "/help lists what you can do here.");
        *out = t;
    } else {
        terminal_free(t);
    }
    return rv;
}

void terminal_free(struct terminal *t)
{
    if (t == NULL)
        return;
    if (t->interactive)
        write_out(&(struct buf){.p = (uint8_t *)BRACKETED_PASTE_OFF ERASE_LINE,
                                .n = sizeof BRACKETED_PASTE_OFF ERASE_LINE - 1});
    terminal_input_free(t->input);
    terminal_line_free(t->line);
    free(t);
}

void terminal_attach(struct terminal *t, struct join_session *session)
{
    t->view.session = session;
}
