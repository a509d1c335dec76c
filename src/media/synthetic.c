#include "media/synthetic.h"

#include <stdlib.h>

#include "media/audio_encoder.h"
#include "media/sound.h"
#include "media/test_card.h"
#include "media/video_encoder.h"

#define TONE_FIRST 300u
#define TONE_STEP 50u

struct layer {
    struct test_card *card;
    struct video_encoder *encoder;
    bool off;
    bool key; /* the next picture is to be one */
};

struct synthetic {
    struct synthetic_config config;
    struct layer layers[SYNTHETIC_LAYERS_MAX];
    struct audio_encoder *audio;
    uint64_t pictures; /* so far */
    uint64_t samples;
    bool silent;
};

unsigned synthetic_hz(uint8_t sender)
{
    return TONE_FIRST + TONE_STEP * (sender % SYNTHETIC_TONES);
}

struct synthetic_config synthetic_defaults(uint8_t sender)
{
    struct synthetic_config c = {
        .sender = sender,
        .seed = sender,
        .width = 640,
        .height = 360,
        .layers = 1,
        .fps = 30,
        .kbps = 600,
        .audio_bps = 32000,
    };
    return c;
}

static int open_layer(struct layer *l, const struct synthetic_config *c, unsigned below)
{
    struct video_encoder_config v = {
        .width = (uint16_t)(c->width >> below),
        .height = (uint16_t)(c->height >> below),
        .fps = c->fps,
        .kbps = c->kbps,
    };
    for (unsigned i = 0; i < below; i++)
        v.kbps /= 3;
    int rv = test_card_new(v.width, v.height, c->seed, &l->card);
    return rv != 0 ? rv : video_encoder_new(&v, &l->encoder);
}

static int open_all(struct synthetic *s)
{
    const struct synthetic_config *c = &s->config;
    struct audio_encoder_config audio = {.channels = 1, .bps = c->audio_bps};
    int rv = audio_encoder_new(&audio, &s->audio);
    for (unsigned i = 0; i < c->layers && rv == 0; i++)
        rv = open_layer(&s->layers[i], c, c->layers - 1u - i);
    return rv;
}

int synthetic_new(const struct synthetic_config *config, struct synthetic **out)
{
    if (config->layers < 1 || config->layers > SYNTHETIC_LAYERS_MAX)
        return CONCLAVE_EINVAL;
    struct synthetic *s = calloc(1, sizeof *s);
    if (s == NULL)
        return CONCLAVE_ENOMEM;
    s->config = *config;
    int rv = open_all(s);
    if (rv != 0) {
        synthetic_free(s);
        return rv;
    }
    *out = s;
    return 0;
}

void synthetic_free(struct synthetic *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < SYNTHETIC_LAYERS_MAX; i++) {
        test_card_free(s->layers[i].card);
        video_encoder_free(s->layers[i].encoder);
    }
    audio_encoder_free(s->audio);
    free(s);
}

static int encode_layer(struct synthetic *s, struct layer *l, uint64_t number,
                        struct media_frame *out)
{
    struct test_card_label label = {s->config.sender, (uint32_t)number};
    struct picture picture = test_card_draw(l->card, &label, number * 1000 / s->config.fps);
    uint64_t pts = number * MEDIA_VIDEO_CLOCK / s->config.fps;
    int rv = video_encoder_frame(l->encoder, &picture, pts, l->key, out);
    l->key = false;
    out->duration = MEDIA_VIDEO_CLOCK / s->config.fps;
    return rv;
}

int synthetic_video(struct synthetic *s, struct media_frame out[static SYNTHETIC_LAYERS_MAX])
{
    struct media_frame frames[SYNTHETIC_LAYERS_MAX];
    uint64_t number = s->pictures++;
    int rv = 0;
    for (unsigned i = 0; i < SYNTHETIC_LAYERS_MAX; i++) {
        frames[i] = (struct media_frame){.codec = MEDIA_VP8};
        if (s->layers[i].encoder == NULL || s->layers[i].off)
            s->layers[i].key = true;
        else if (rv == 0)
            rv = encode_layer(s, &s->layers[i], number, &frames[i]);
    }
    for (unsigned i = 0; i < SYNTHETIC_LAYERS_MAX; i++) {
        s->layers[i].key |= rv != 0; /* nobody will see this picture in any layer */
        if (rv == 0)
            out[i] = frames[i];
    }
    return rv;
}

void synthetic_video_skip(struct synthetic *s, uint64_t pictures)
{
    s->pictures += pictures;
}

void synthetic_request_key(struct synthetic *s, unsigned layer)
{
    if (layer < s->config.layers)
        s->layers[layer].key = true;
}

void synthetic_switch_layer(struct synthetic *s, unsigned layer, bool on)
{
    if (layer < s->config.layers)
        s->layers[layer].off = !on;
}

int synthetic_set_bitrate(struct synthetic *s, unsigned layer, uint32_t kbps)
{
    if (layer >= s->config.layers)
        return CONCLAVE_EINVAL;
    return video_encoder_set_bitrate(s->layers[layer].encoder, kbps);
}

int synthetic_audio(struct synthetic *s, struct media_frame *out, uint8_t *out_level)
{
    int16_t samples[AUDIO_FRAME_SAMPLES];
    sound_tone_fill(synthetic_hz(s->config.sender), s->silent ? SOUND_SILENCE : SYNTHETIC_LEVEL,
                    s->samples, samples, AUDIO_FRAME_SAMPLES);
    int rv = audio_encoder_frame(s->audio, samples, s->samples, out);
    if (rv != 0)
        return rv;
    s->samples += AUDIO_FRAME_SAMPLES;
    *out_level = sound_audio_level(samples, AUDIO_FRAME_SAMPLES);
    return 0;
}

void synthetic_talk(struct synthetic *s, bool talking)
{
    s->silent = !talking;
}
