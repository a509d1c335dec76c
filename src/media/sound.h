/* Sound that can be checked: tones are made and found again, and the level of any sound is told.
 * Samples are 16 bits at 48 kHz, one channel.
 *
 * Levels are in dBov, decibels relative to the loudest sound there is, a square wave at full scale
 * (RFC 6464 3): the loudest sine is at -3 dBov, silence at -127 or below.
 */
#ifndef MEDIA_SOUND_H
#define MEDIA_SOUND_H

#include <stddef.h>
#include <stdint.h>

#define SOUND_SILENCE (-127.0)
#define SOUND_TONE_MAX (-3.1) /* a sine that is not clipped */

/* A sine; first: how many samples came before, so that the next piece goes on where this one ended.
 * Louder than SOUND_TONE_MAX it is made no louder. */
void sound_tone_fill(unsigned hz, double level, uint64_t first, int16_t *out, size_t n);

/* How loud a frequency is in the sound, by Goertzel's algorithm. It tells frequencies apart that
 * are 48000/n Hz or a multiple of it from one another: 50 Hz at n = 960, 20 ms. */
double sound_tone_level(unsigned hz, const int16_t *samples, size_t n);

/* How loud the sound is; of two channels, over both. */
double sound_level(const int16_t *samples, size_t n);

/* The same for the header extension of RFC 6464: 0 (loudest) to 127 (silence). */
uint8_t sound_audio_level(const int16_t *samples, size_t n);

#endif
