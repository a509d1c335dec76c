#include "media/reader.h"

#include <stdlib.h>
#include <string.h>

#include "media/format.h"

#define MAGIC 4

static const struct media_parser *const parsers[] = {&media_parser_ivf, &media_parser_ogg,
                                                     &media_parser_webm};

int media_reader_new(struct media_reader **out)
{
    struct media_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return CONCLAVE_ENOMEM;
    *out = r;
    return 0;
}

void media_reader_free(struct media_reader *r)
{
    if (r == NULL)
        return;
    if (r->state != NULL)
        r->parser->close(r->state);
    buf_free(&r->input.window);
    free(r);
}

/* Moves what is unread to the front: at most a frame and a piece, since a parser takes all it can
 * before it asks for more. */
static void window_compact(struct media_input *in)
{
    size_t left = in->window.n - in->at;
    if (in->at == 0)
        return;
    memmove(in->window.p, in->window.p + in->at, left);
    in->window.n = left;
    in->at = 0;
}

int media_reader_input(struct media_reader *r, struct bytes piece)
{
    if (piece.n > MEDIA_PIECE_MAX)
        return CONCLAVE_EINVAL;
    if (r->error != 0 || r->input.ended || !r->wanting)
        return CONCLAVE_ESTATE;
    window_compact(&r->input);
    int rv = buf_reserve(&r->input.window, piece.n);
    if (rv != 0)
        return rv;
    buf_put(&r->input.window, piece);
    r->wanting = piece.n == 0;
    return 0;
}

void media_reader_end(struct media_reader *r)
{
    r->input.ended = true;
}

int media_refuse(struct media_reader *r, int error, uint64_t offset, const char *what,
                 const char *cure)
{
    r->fault = (struct media_fault){.offset = offset, .what = what, .cure = cure};
    return error;
}

int media_want_more(struct media_reader *r, enum media_event *out_event)
{
    if (r->input.ended)
        return media_refuse(r, CONCLAVE_ESYNTAX, r->input.offset,
                            "the file ends in the middle of what begins here",
                            "copy it again, or make it anew: its end is missing");
    *out_event = MEDIA_MORE;
    return 0;
}

/* Four bytes tell the format; a parser is opened for it. */
static int choose_parser(struct media_reader *r)
{
    struct bytes start = media_input_view(&r->input);
    for (size_t i = 0; start.n >= MAGIC && i < sizeof parsers / sizeof parsers[0]; i++) {
        if (memcmp(start.p, parsers[i]->magic, MAGIC) != 0)
            continue;
        int rv = parsers[i]->open(&r->state);
        if (rv != 0)
            return rv;
        r->parser = parsers[i];
        r->info.format = r->parser->name;
        return 0;
    }
    return media_refuse(r, CONCLAVE_EUNSUPPORTED, 0, "this is no media file that is read here",
                        "give VP8 video as .ivf or .webm, Opus audio as .opus, .ogg or .webm");
}

int media_reader_next(struct media_reader *r, enum media_event *out_event, struct media_frame *out)
{
    enum media_event event = MEDIA_MORE;
    struct media_frame frame = {0};
    int rv = r->error;
    bool known = media_input_view(&r->input).n >= MAGIC || r->input.ended;
    if (rv == 0 && r->parser == NULL && known)
        rv = choose_parser(r);
    if (rv == 0 && r->parser != NULL)
        rv = r->parser->next(r, &event, &frame);
    r->error = rv;
    if (rv != 0)
        return rv;
    r->wanting = event == MEDIA_MORE;
    *out_event = event;
    *out = frame;
    return 0;
}

struct media_info media_reader_info(const struct media_reader *r)
{
    return r->info;
}

const struct media_fault *media_reader_fault(const struct media_reader *r)
{
    return r->fault.what == NULL ? NULL : &r->fault;
}
