/* What the parsers of file formats have from the reader: a window on the file that grows at its
 * end, and somewhere to say what is wrong. Only src/media/reader.c and the parsers look in here.
 */
#ifndef MEDIA_FORMAT_H
#define MEDIA_FORMAT_H

#include "media/reader.h"

struct media_input {
    struct buf window; /* of the file, unread from `at` on */
    size_t at;
    uint64_t offset; /* in the file, of the byte at `at` */
    bool ended;      /* nothing follows the window */
};

static inline struct bytes media_input_view(const struct media_input *in)
{
    return in->window.n == in->at ? bytes_of(NULL, 0)
                                  : bytes_of(in->window.p + in->at, in->window.n - in->at);
}

static inline void media_input_skip(struct media_input *in, size_t n)
{
    in->at += n;
    in->offset += n;
}

struct media_parser;

struct media_reader {
    struct media_input input;
    const struct media_parser *parser; /* NULL: the file's first bytes are not there yet */
    void *state;                       /* the parser's */
    struct media_info info;
    struct media_fault fault;
    bool wanting; /* MEDIA_MORE was the last word */
    int error;    /* for good */
};

struct media_parser {
    const char *name;
    const char *magic; /* the first four bytes */
    int (*open)(void **out_state);
    void (*close)(void *state);
    int (*next)(struct media_reader *r, enum media_event *out_event, struct media_frame *out);
};

extern const struct media_parser media_parser_ivf;
extern const struct media_parser media_parser_ogg;
extern const struct media_parser media_parser_webm;

/* The cure for what no person can mend. */
#define MEDIA_MAKE_ANEW "make the file anew from its source"
/* What is wrong with an Opus packet beyond MEDIA_AUDIO_FRAME_MAX, and its cure. */
#define MEDIA_PACKET_LARGE "a packet of more than 3832 bytes"
#define MEDIA_PACKET_SHORTER \
    "encode with shorter frames, for example with ffmpeg -frame_duration 20"

/* Notes what is wrong and returns error, which is one of those that are for good. */
int media_refuse(struct media_reader *r, int error, uint64_t offset, const char *what,
                 const char *cure) CONCLAVE_CHECKED;

/* A parser cannot go on with what is there: asks for more, or refuses the file as cut off if there
 * is no more. */
int media_want_more(struct media_reader *r, enum media_event *out_event) CONCLAVE_CHECKED;

#endif
