/* Opus in Ogg files (RFC 7845). media/reader.h reads them; this is the writer, which gives pages as
 * they are complete, about one a second.
 *
 * Where frames are missing, the file keeps its time: a short gap is filled with frames of no bytes,
 * which make a decoder conceal it (RFC 7845 4.1); over a longer one the granule position jumps.
 */
#ifndef MEDIA_OGG_OPUS_H
#define MEDIA_OGG_OPUS_H

#include "media/media.h"

/* What a decoder needs at the start to be right: libopus's own delay at 48 kHz. */
#define OGG_OPUS_PRE_SKIP 312
/* A gap up to here is filled: half a second, after which concealment is only noise. */
#define OGG_OPUS_FILL_MAX (MEDIA_AUDIO_CLOCK / 2)

struct ogg_opus_config {
    uint32_t serial;   /* of the stream, any number */
    uint8_t channels;  /* 1 or 2: what players open; packets may be either */
    uint16_t pre_skip; /* what a player drops at the start; 0 to play all there is */
};

struct ogg_opus_writer;

/* EINVAL: not 1 or 2 channels. ENOMEM. */
int ogg_opus_writer_new(const struct ogg_opus_config *config,
                        struct ogg_opus_writer **out) CONCLAVE_CHECKED;
void ogg_opus_writer_free(struct ogg_opus_writer *w);

/* Appends the pages that have become complete, and before the first the headers. The first packet
 * begins at time 0. EINVAL: no Opus packet, one larger than MEDIA_AUDIO_FRAME_MAX, or earlier than
 * the last one's end; nothing has changed. ENOMEM: the writer can only be freed; everything that
 * was appended before is good. ESTATE: after that, or after the end. */
int ogg_opus_writer_frame(struct ogg_opus_writer *w, const struct media_frame *frame,
                          struct buf *out) CONCLAVE_CHECKED;

/* The last page. ENOMEM, ESTATE as above. */
int ogg_opus_writer_finish(struct ogg_opus_writer *w, struct buf *out) CONCLAVE_CHECKED;

/* Frames of no bytes that were put into gaps so far, and gaps that were jumped. */
struct ogg_opus_gaps {
    uint64_t filled, jumped;
};
struct ogg_opus_gaps ogg_opus_writer_gaps(const struct ogg_opus_writer *w);

#endif
