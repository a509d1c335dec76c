#include "cmd/terminal_input.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "base/wipe.h"

#define PIECE 4096

struct terminal_input {
    const struct terminal_input_events *events;
    void *ctx;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tty_t tty;
        uv_pipe_t pipe;
        uv_idle_t file; /* a file never lets one wait: it is read a piece a round */
    } in;
    bool ended, raw;
    char piece[PIECE];
};

static void end(struct terminal_input *t)
{
    if (t->ended)
        return;
    t->ended = true;
    t->events->end(t->ctx);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct terminal_input *t = handle->data;
    (void)suggested;
    *out = uv_buf_init(t->piece, PIECE);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *piece)
{
    struct terminal_input *t = stream->data;
    if (n > 0) {
        t->events->bytes(t->ctx, bytes_of(piece->base, (size_t)n));
    } else if (n < 0) {
        uv_read_stop(stream);
        end(t);
    }
}

static void on_idle(uv_idle_t *idle)
{
    struct terminal_input *t = idle->data;
    ssize_t n = read(STDIN_FILENO, t->piece, PIECE);
    if (n > 0) {
        t->events->bytes(t->ctx, bytes_of(t->piece, (size_t)n));
    } else {
        uv_idle_stop(idle);
        end(t);
    }
}

static int open_tty(struct terminal_input *t, uv_loop_t *loop, bool raw)
{
    if (uv_tty_init(loop, &t->in.tty, STDIN_FILENO, 1) != 0)
        return CONCLAVE_EINVAL;
    t->in.handle.data = t;
    t->raw = raw;
    if (raw && uv_tty_set_mode(&t->in.tty, UV_TTY_MODE_RAW) != 0)
        return CONCLAVE_EINVAL;
    return uv_read_start(&t->in.stream, on_alloc, on_read) == 0 ? 0 : CONCLAVE_EINVAL;
}

static int open_pipe(struct terminal_input *t, uv_loop_t *loop)
{
    if (uv_pipe_init(loop, &t->in.pipe, 0) != 0)
        return CONCLAVE_EINVAL;
    t->in.handle.data = t;
    if (uv_pipe_open(&t->in.pipe, STDIN_FILENO) != 0)
        return CONCLAVE_EINVAL;
    return uv_read_start(&t->in.stream, on_alloc, on_read) == 0 ? 0 : CONCLAVE_EINVAL;
}

static int open_file(struct terminal_input *t, uv_loop_t *loop)
{
    uv_idle_init(loop, &t->in.file);
    t->in.handle.data = t;
    return uv_idle_start(&t->in.file, on_idle) == 0 ? 0 : CONCLAVE_EINVAL;
}

int terminal_input_new(struct net_loop *loop, bool raw, const struct terminal_input_events *events,
                       void *ctx, struct terminal_input **out)
{
    int rv = CONCLAVE_EINVAL;
    struct terminal_input *t = calloc(1, sizeof *t);
    if (t == NULL)
        return CONCLAVE_ENOMEM;
    t->events = events;
    t->ctx = ctx;
    switch (uv_guess_handle(STDIN_FILENO)) {
    case UV_TTY:
        rv = open_tty(t, net_loop_uv(loop), raw);
        break;
    case UV_NAMED_PIPE:
    case UV_TCP:
        rv = open_pipe(t, net_loop_uv(loop));
        break;
    default: /* files, and devices like /dev/null */
        rv = open_file(t, net_loop_uv(loop));
        break;
    }
    if (rv == 0)
        *out = t;
    else if (t->in.handle.data != NULL)
        terminal_input_free(t);
    else
        free(t);
    return rv;
}

static void on_close(uv_handle_t *handle)
{
    free(handle->data);
}

void terminal_input_free(struct terminal_input *t)
{
    if (t == NULL)
        return;
    if (t->raw)
        uv_tty_set_mode(&t->in.tty, UV_TTY_MODE_NORMAL);
    uv_close(&t->in.handle, on_close);
}

bool terminal_is_interactive(void)
{
    return isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
}

int terminal_ask_secret(const char *prompt, struct buf *out)
{
    struct termios before, hidden;
    char line[1024];
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return CONCLAVE_EINVAL;
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    fprintf(stderr, "%s", prompt);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
    char *got = fgets(line, sizeof line, stdin);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fprintf(stderr, "\n");
    if (got == NULL)
        return CONCLAVE_EINVAL;
    buf_put(out, bytes_of(line, strcspn(line, "\n")));
    wipe(line, sizeof line);
    return buf_check(out);
}
