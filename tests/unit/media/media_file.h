/* What the tests of media files share: a file read whole, in pieces of a given size, into a list of
 * frames; and frames that look like VP8 to those who do not decode them.
 */
#ifndef TESTS_UNIT_MEDIA_FILE_H
#define TESTS_UNIT_MEDIA_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "media/reader.h"

#define FILE_FRAMES 2000

/* What came out of a file, up to its end or its fault. */
struct media_file {
    struct media_frame frames[FILE_FRAMES]; /* their data are in `data` */
    size_t n;
    struct buf data;
    struct media_info info;
    struct media_fault fault;
};

/* Gives the reader the next piece of the file, in an allocation of its exact size, so that the
 * sanitizer sees a byte too many being read. */
static inline int media_file_feed(struct media_reader *r, struct bytes file, size_t *at,
                                  size_t most)
{
    size_t n = file.n - *at < most ? file.n - *at : most;
    if (n == 0) {
        media_reader_end(r);
        return 0;
    }
    uint8_t *exact = malloc(n);
    if (exact == NULL)
        return CONCLAVE_ENOMEM;
    memcpy(exact, file.p + *at, n);
    int rv = media_reader_input(r, bytes_of(exact, n));
    free(exact);
    *at += rv == 0 ? n : 0;
    return rv;
}

static inline void media_file_keep(struct media_file *f, const struct media_frame *frame)
{
    assert_true(f->n < FILE_FRAMES);
    f->frames[f->n] = *frame;
    f->frames[f->n++].data.p = NULL; /* the buf may move: media_file_read() sets it at the end */
    buf_put(&f->data, frame->data);
}

/* Returns what the reader did in the end. Free with media_file_free(). */
static inline int media_file_read(struct bytes file, size_t piece, struct media_file *out)
{
    struct media_reader *r = NULL;
    struct media_frame frame;
    enum media_event event = MEDIA_MORE;
    size_t at = 0;

    memset(out, 0, sizeof *out);
    int rv = media_reader_new(&r);
    while (rv == 0 && event != MEDIA_DONE) {
        rv = media_reader_next(r, &event, &frame);
        if (rv == 0 && event == MEDIA_MORE)
            rv = media_file_feed(r, file, &at, piece);
        else if (rv == 0 && event == MEDIA_FRAME)
            media_file_keep(out, &frame);
    }
    if (r != NULL) {
        out->info = media_reader_info(r);
        if (media_reader_fault(r) != NULL)
            out->fault = *media_reader_fault(r);
    }
    media_reader_free(r);
    size_t start = 0;
    for (size_t i = 0; i < out->n && buf_check(&out->data) == 0; i++) {
        out->frames[i].data.p = out->data.p + start;
        start += out->frames[i].data.n;
    }
    return rv != 0 ? rv : buf_check(&out->data);
}

static inline void media_file_free(struct media_file *f)
{
    buf_free(&f->data);
}

/* The file is refused so, for a reason that lies there, and nothing comes after it. */
static inline void media_file_refused(struct bytes file, int error, uint64_t offset, size_t frames)
{
    static const size_t pieces[] = {1, 1000, MEDIA_PIECE_MAX};
    static struct media_file f;

    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        assert_int_equal(media_file_read(file, pieces[i], &f), error);
        assert_int_equal(f.fault.offset, offset);
        assert_true(strlen(f.fault.what) > 0 && strlen(f.fault.cure) > 0);
        assert_int_equal(f.n, frames);
        media_file_free(&f);
    }
}

/* -- Frames that look like VP8 (RFC 6386 9.1) --------------------------------------------- */

static inline struct media_frame vp8_like(bool key, uint64_t pts, uint8_t *data, size_t n)
{
    static const uint8_t head[] = {0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00};
    assert_true(n >= sizeof head);
    memcpy(data, head, sizeof head); /* 320 x 180, shown */
    data[0] |= key ? 0 : 1;
    return (struct media_frame){
        .codec = MEDIA_VP8, .pts = pts, .key = key, .data = bytes_of(data, n)};
}

#endif
