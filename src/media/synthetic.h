/* A sender without camera and microphone: test cards as VP8, in up to three sizes at once, and a
 * tone as Opus. Who it is can be told at the far end from what is seen and heard (media/checker.h).
 *
 * It has no clock: each call gives the next picture or the next 20 ms of sound, with the time at
 * which it is due, counted from the start. The same config and calls give the same frames on the
 * same machine.
 */
#ifndef MEDIA_SYNTHETIC_H
#define MEDIA_SYNTHETIC_H

#include "media/media.h"

#define SYNTHETIC_LAYERS_MAX 3

/* Senders have the frequencies 300, 350, 400 Hz..., apart enough to be told in 20 ms; those whose
 * numbers are the same modulo SYNTHETIC_TONES share one. */
#define SYNTHETIC_TONES 64
#define SYNTHETIC_LEVEL (-20.0) /* dBov, as of somebody who speaks */
unsigned synthetic_hz(uint8_t sender);

struct synthetic_config {
    uint8_t sender;
    uint64_t seed;
    uint16_t width, height; /* of the largest layer; each smaller one has half of both */
    uint8_t layers;         /* 1 to SYNTHETIC_LAYERS_MAX; the smallest is layer 0 */
    uint8_t fps;            /* 1 to 120 */
    uint32_t kbps;          /* of the largest layer; each smaller one has a third */
    uint32_t audio_bps;
};

/* 640 x 360 at 30 pictures a second and 600 kbit/s, one layer; sound at 32 kbit/s. */
struct synthetic_config synthetic_defaults(uint8_t sender);

struct synthetic;

/* EINVAL: something out of range, for the smallest layer too. ENOMEM, EUNSUPPORTED, EINTERNAL. */
int synthetic_new(const struct synthetic_config *config, struct synthetic **out) CONCLAVE_CHECKED;
void synthetic_free(struct synthetic *s);

/* The next picture, in all layers; a layer that is switched off has no data. The frames are good
 * until the next call. After a failure (ENOMEM, EINTERNAL) this picture is left out, and all layers
 * go on with a key frame. */
int synthetic_video(struct synthetic *s,
                    struct media_frame out[static SYNTHETIC_LAYERS_MAX]) CONCLAVE_CHECKED;

/* So many pictures are not made: their time has passed. */
void synthetic_video_skip(struct synthetic *s, uint64_t pictures);

/* The next picture of a layer will be a key frame. A layer that does not exist is none to ask. */
void synthetic_request_key(struct synthetic *s, unsigned layer);
/* Off saves the encoding; a layer comes back with a key frame. */
void synthetic_switch_layer(struct synthetic *s, unsigned layer, bool on);
/* EINVAL: no such layer, or a rate beyond those of media/video_encoder.h. EINTERNAL. */
int synthetic_set_bitrate(struct synthetic *s, unsigned layer, uint32_t kbps) CONCLAVE_CHECKED;

/* The next 20 ms of sound, good until the next call, and its level for RFC 6464. EINTERNAL. */
int synthetic_audio(struct synthetic *s, struct media_frame *out,
                    uint8_t *out_level) CONCLAVE_CHECKED;

/* Whether the tone is heard, or silence; at first it is. */
void synthetic_talk(struct synthetic *s, bool talking);

#endif
