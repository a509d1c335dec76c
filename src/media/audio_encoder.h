/* Sound to Opus packets of 20 ms, with libopus. Samples are 16 bits at 48 kHz, channels take turns.
 * The same sound gives the same packets on the same machine.
 */
#ifndef MEDIA_AUDIO_ENCODER_H
#define MEDIA_AUDIO_ENCODER_H

#include "media/media.h"

#define AUDIO_CHANNELS_MAX 2
#define AUDIO_FRAME_SAMPLES 960 /* 20 ms of one channel */
#define AUDIO_BPS_MIN 6000
#define AUDIO_BPS_MAX 510000

struct audio_encoder_config {
    uint8_t channels;   /* 1 or 2 */
    uint32_t bps;       /* bits a second, AUDIO_BPS_MIN to _MAX */
    bool constant_rate; /* all packets of one size: tells nobody on the way who speaks */
};

struct audio_encoder;

/* EINVAL: something out of range. ENOMEM, EINTERNAL. */
int audio_encoder_new(const struct audio_encoder_config *config,
                      struct audio_encoder **out) CONCLAVE_CHECKED;
void audio_encoder_free(struct audio_encoder *e);

/* Encodes AUDIO_FRAME_SAMPLES of each channel. The packet is good until the next call.
 * EINTERNAL. */
int audio_encoder_frame(struct audio_encoder *e, const int16_t *samples, uint64_t pts,
                        struct media_frame *out) CONCLAVE_CHECKED;

#endif
