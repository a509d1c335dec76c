/* VP8 frames to pictures, with libvpx: for checks, and for people to look at. */
#ifndef MEDIA_VIDEO_DECODER_H
#define MEDIA_VIDEO_DECODER_H

#include <conclave/bytes.h>

#include "media/picture.h"

struct video_decoder;

/* ENOMEM. EUNSUPPORTED: libvpx cannot decode VP8. */
int video_decoder_new(struct video_decoder **out) CONCLAVE_CHECKED;
void video_decoder_free(struct video_decoder *d);

/* Decodes a frame. The picture is good until the next call; its width is 0 if the frame is not one
 * to be shown. ESYNTAX: it is no VP8, or damaged: a key frame is needed. ESTATE: there has been no
 * key frame yet. ELIMIT: a picture beyond media/limits.h, of which nothing was decoded. ENOMEM. */
int video_decoder_frame(struct video_decoder *d, struct bytes frame,
                        struct picture *out) CONCLAVE_CHECKED;

#endif
