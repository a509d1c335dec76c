#include "media/sound.h"

#include <math.h>

#include "media/media.h"

#define OVERLOAD 32768.0 /* the level of 0 dBov */
#define PI 3.14159265358979323846

/* Of a mean square. */
static double to_dbov(double power)
{
    double level = power <= 0 ? SOUND_SILENCE : 10 * log10(power / (OVERLOAD * OVERLOAD));
    return level < SOUND_SILENCE ? SOUND_SILENCE : level;
}

void sound_tone_fill(unsigned hz, double level, uint64_t first, int16_t *out, size_t n)
{
    double at = level < SOUND_TONE_MAX ? level : SOUND_TONE_MAX;
    double amplitude = at <= SOUND_SILENCE ? 0 : OVERLOAD * sqrt(2) * pow(10, at / 20);
    for (size_t i = 0; i < n; i++) {
        /* a whole number of turns drops out, so that no rounding builds up */
        uint64_t phase = (first + i) % MEDIA_AUDIO_CLOCK * hz % MEDIA_AUDIO_CLOCK;
        out[i] = (int16_t)lrint(amplitude * sin(2 * PI * (double)phase / MEDIA_AUDIO_CLOCK));
    }
}

double sound_tone_level(unsigned hz, const int16_t *samples, size_t n)
{
    double c = 2 * cos(2 * PI * hz / MEDIA_AUDIO_CLOCK), s1 = 0, s2 = 0;
    for (size_t i = 0; i < n; i++) {
        double s = samples[i] + c * s1 - s2;
        s2 = s1;
        s1 = s;
    }
    if (n == 0)
        return SOUND_SILENCE;
    /* |X|^2 = (amplitude * n / 2)^2, and a sine's mean square is half its amplitude's square */
    double power = s1 * s1 + s2 * s2 - c * s1 * s2;
    return to_dbov(2 * power / ((double)n * (double)n));
}

double sound_level(const int16_t *samples, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)samples[i] * samples[i];
    return n == 0 ? SOUND_SILENCE : to_dbov(sum / (double)n);
}

uint8_t sound_audio_level(const int16_t *samples, size_t n)
{
    return (uint8_t)lrint(fabs(fmin(sound_level(samples, n), 0)));
}
