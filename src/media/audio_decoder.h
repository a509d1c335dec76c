/* Opus packets to sound, with libopus. Samples as in media/audio_encoder.h. */
#ifndef MEDIA_AUDIO_DECODER_H
#define MEDIA_AUDIO_DECODER_H

#include <conclave/bytes.h>

#define AUDIO_DECODED_MAX 5760 /* samples of one channel in a packet: 120 ms, RFC 6716 3.4 R5 */

struct audio_decoder;

/* channels: of the sound that comes out, 1 or 2, whatever the packets have. EINVAL, ENOMEM,
 * EINTERNAL. */
int audio_decoder_new(uint8_t channels, struct audio_decoder **out) CONCLAVE_CHECKED;
void audio_decoder_free(struct audio_decoder *d);

/* Decodes a packet into room for AUDIO_DECODED_MAX samples of each channel; out_n: samples of one.
 * ESYNTAX: it is no Opus. */
int audio_decoder_frame(struct audio_decoder *d, struct bytes packet, int16_t *out_samples,
                        size_t *out_n) CONCLAVE_CHECKED;

/* What a packet of n samples might have been that did not come: n is a multiple of 120 (2.5 ms), at
 * most AUDIO_DECODED_MAX. EINVAL, EINTERNAL. */
int audio_decoder_conceal(struct audio_decoder *d, size_t n, int16_t *out_samples) CONCLAVE_CHECKED;

#endif
