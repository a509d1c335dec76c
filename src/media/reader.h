/* Reads media files: IVF with VP8, Ogg with Opus (RFC 7845), WebM and Matroska with either or both
 * (RFC 9559). Which it is, the file itself says.
 *
 * Give the file in pieces as they come from the disk, or cut one that is in memory:
 *
 *     media_reader_new(&r);
 *     for (;;) {
 *         rv = media_reader_next(r, &event, &frame);
 *         if (rv != 0)
 *             ... media_reader_fault(r): what is wrong with the file, and where
 *         else if (event == MEDIA_MORE)
 *             ... media_reader_input(r, piece), or media_reader_end(r) after the last
 *         else if (event == MEDIA_FRAME)
 *             ... frame, good until the next call
 *         else
 *             break;
 *     }
 *
 * A file is read strictly and never guessed at: whatever frames come before a fault have come out,
 * and none after it. Memory is bounded by one piece and the largest frame (media/limits.h).
 */
#ifndef MEDIA_READER_H
#define MEDIA_READER_H

#include "media/limits.h"
#include "media/media.h"

enum media_event { MEDIA_MORE, MEDIA_FRAME, MEDIA_DONE };

/* What the file says of itself, zero where it says nothing. */
struct media_info {
    const char *format;     /* "IVF", "Ogg", "WebM"; NULL: not known yet */
    uint16_t width, height; /* of the video, as its file has it: each key frame has its own */
    uint8_t channels;       /* of the audio */
    uint16_t pre_skip; /* the audio that a player drops at the start, in units of its clock; such
                          frames come out like all others */
    unsigned tracks_left_out; /* of a WebM file: neither VP8 nor Opus, or not the first of these */
};

struct media_reader;

/* ENOMEM. */
int media_reader_new(struct media_reader **out) CONCLAVE_CHECKED;
void media_reader_free(struct media_reader *r);

/* The next piece, which is copied. EINVAL: larger than MEDIA_PIECE_MAX. ESTATE: the reader did not
 * ask for more, or was told that there is none. ENOMEM. After a failure nothing has changed. */
int media_reader_input(struct media_reader *r, struct bytes piece) CONCLAVE_CHECKED;
void media_reader_end(struct media_reader *r);

/* The next frame. ESYNTAX, ELIMIT: the file is malformed, or has a frame beyond the limits.
 * EUNSUPPORTED: it holds something else than is read here. These have a fault. ENOMEM has none.
 * Whatever it is, it is for good. */
int media_reader_next(struct media_reader *r, enum media_event *out_event,
                      struct media_frame *out) CONCLAVE_CHECKED;

/* Complete when the first frame is out. */
struct media_info media_reader_info(const struct media_reader *r);

/* NULL: nothing is wrong with the file so far. */
const struct media_fault *media_reader_fault(const struct media_reader *r);

#endif
