/* Pictures to VP8 frames, with libvpx in real-time mode. The same pictures and requests give the
 * same frames on the same machine: the encoder's speed is fixed, and it has one thread.
 */
#ifndef MEDIA_VIDEO_ENCODER_H
#define MEDIA_VIDEO_ENCODER_H

#include "media/media.h"
#include "media/picture.h"

#define VIDEO_FPS_MAX 120
#define VIDEO_KBPS_MIN 10
#define VIDEO_KBPS_MAX 50000

struct video_encoder_config {
    uint16_t width, height;
    uint32_t fps;  /* 1 to VIDEO_FPS_MAX: what the bitrate is reckoned with */
    uint32_t kbps; /* VIDEO_KBPS_MIN to _MAX; every picture is encoded, at whatever quality */
    uint32_t key_interval; /* pictures from key frame to key frame; 0: only on request */
};

struct video_encoder;

/* EINVAL: something out of range. ENOMEM. EUNSUPPORTED: libvpx cannot encode VP8. */
int video_encoder_new(const struct video_encoder_config *config,
                      struct video_encoder **out) CONCLAVE_CHECKED;
void video_encoder_free(struct video_encoder *e);

/* Encodes a picture; key: as a key frame, which the first is anyway. pts rises. The frame is good
 * until the next call. EINVAL: another size, a pts that does not rise. ENOMEM, EINTERNAL. */
int video_encoder_frame(struct video_encoder *e, const struct picture *picture, uint64_t pts,
                        bool key, struct media_frame *out) CONCLAVE_CHECKED;

/* From the next picture on. EINVAL, EINTERNAL. */
int video_encoder_set_bitrate(struct video_encoder *e, uint32_t kbps) CONCLAVE_CHECKED;

#endif
