#include "media/audio_encoder.h"

#include <stdlib.h>

#include <opus.h>

#include "media/limits.h"

struct audio_encoder {
    OpusEncoder *opus;
    uint8_t packet[MEDIA_AUDIO_FRAME_MAX];
};

static int configure(OpusEncoder *opus, const struct audio_encoder_config *c)
{
    bool ok = opus_encoder_ctl(opus, OPUS_SET_BITRATE((opus_int32)c->bps)) == OPUS_OK &&
              opus_encoder_ctl(opus, OPUS_SET_VBR(c->constant_rate ? 0 : 1)) == OPUS_OK;
    return ok ? 0 : CONCLAVE_EINTERNAL;
}

int audio_encoder_new(const struct audio_encoder_config *config, struct audio_encoder **out)
{
    int error = OPUS_OK;
    if (config->channels < 1 || config->channels > AUDIO_CHANNELS_MAX ||
        config->bps < AUDIO_BPS_MIN || config->bps > AUDIO_BPS_MAX)
        return CONCLAVE_EINVAL;
    struct audio_encoder *e = calloc(1, sizeof *e);
    if (e == NULL)
        return CONCLAVE_ENOMEM;
    e->opus =
        opus_encoder_create(MEDIA_AUDIO_CLOCK, config->channels, OPUS_APPLICATION_AUDIO, &error);
    int rv = error == OPUS_ALLOC_FAIL ? CONCLAVE_ENOMEM : CONCLAVE_EINTERNAL;
    if (e->opus != NULL)
        rv = configure(e->opus, config);
    if (rv != 0) {
        audio_encoder_free(e);
        return rv;
    }
    *out = e;
    return 0;
}

void audio_encoder_free(struct audio_encoder *e)
{
    if (e == NULL)
        return;
    if (e->opus != NULL)
        opus_encoder_destroy(e->opus);
    free(e);
}

int audio_encoder_frame(struct audio_encoder *e, const int16_t *samples, uint64_t pts,
                        struct media_frame *out)
{
    opus_int32 n =
        opus_encode(e->opus, samples, AUDIO_FRAME_SAMPLES, e->packet, (opus_int32)sizeof e->packet);
    if (n <= 0)
        return CONCLAVE_EINTERNAL;
    *out = (struct media_frame){
        .codec = MEDIA_OPUS,
        .pts = pts,
        .duration = AUDIO_FRAME_SAMPLES,
        .key = true,
        .data = bytes_of(e->packet, (size_t)n),
    };
    return 0;
}
