#include "media/audio_decoder.h"

#include <stdlib.h>

#include <opus.h>

#include "media/audio_encoder.h"
#include "media/limits.h"

struct audio_decoder {
    OpusDecoder *opus;
};

int audio_decoder_new(uint8_t channels, struct audio_decoder **out)
{
    int error = OPUS_OK;
    if (channels < 1 || channels > AUDIO_CHANNELS_MAX)
        return CONCLAVE_EINVAL;
    struct audio_decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return CONCLAVE_ENOMEM;
    d->opus = opus_decoder_create(MEDIA_AUDIO_CLOCK, channels, &error);
    if (d->opus == NULL) {
        free(d);
        return error == OPUS_ALLOC_FAIL ? CONCLAVE_ENOMEM : CONCLAVE_EINTERNAL;
    }
    *out = d;
    return 0;
}

void audio_decoder_free(struct audio_decoder *d)
{
    if (d == NULL)
        return;
    opus_decoder_destroy(d->opus);
    free(d);
}

int audio_decoder_frame(struct audio_decoder *d, struct bytes packet, int16_t *out_samples,
                        size_t *out_n)
{
    if (packet.n == 0 || packet.n > MEDIA_AUDIO_FRAME_MAX) /* none would be concealed */
        return CONCLAVE_ESYNTAX;
    int n = opus_decode(d->opus, packet.p, (opus_int32)packet.n, out_samples, AUDIO_DECODED_MAX, 0);
    if (n < 0)
        return CONCLAVE_ESYNTAX;
    *out_n = (size_t)n;
    return 0;
}

int audio_decoder_conceal(struct audio_decoder *d, size_t n, int16_t *out_samples)
{
    if (n == 0 || n > AUDIO_DECODED_MAX || n % 120 != 0)
        return CONCLAVE_EINVAL;
    return opus_decode(d->opus, NULL, 0, out_samples, (int)n, 0) < 0 ? CONCLAVE_EINTERNAL : 0;
}
