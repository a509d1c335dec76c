/* Who speaks, by the audio levels of RFC 6464.
 *
 * Each voice has a score: its loudness above SFU_VOICE_FLOOR, looked at every SFU_VOICE_TICK_US,
 * rising fast (a quarter of the way in a tick) and falling slowly (a thirty-second), so that a
 * cough does not outrank a sentence and a breath between words costs nothing.
 *
 * The dominant speaker stays until another was clearly louder (a quarter more and 3 dB) for
 * SFU_VOICE_PATIENCE ticks on end, and at least SFU_VOICE_REIGN_US. Whoever spoke last stays
 * through silence.
 *
 * The active voices, at most `most`, are those that are forwarded. A silent one makes room for one
 * that begins to speak at once; one that speaks only for one that is 3 dB louder; the dominant
 * speaker never. While there is room everybody is active, silent or not. One of them is spare: it
 * is for those only who are active themselves and do not hear themselves, and it speaks the least.
 *
 * Give it levels of authenticated packets only.
 */
#ifndef SFU_SPEAKER_H
#define SFU_SPEAKER_H

#include "base/list.h"
#include "sfu/limits.h"

#define SFU_VOICE_TICK_US (50 * SFU_MILLISECOND)
#define SFU_VOICE_FLOOR 60u                   /* -dBov: a quiet room is below it */
#define SFU_VOICE_ONE 256u                    /* a score's unit is 1/256 dB */
#define SFU_VOICE_SPEAKS (6u * SFU_VOICE_ONE) /* less is noise */
#define SFU_VOICE_MARGIN (3u * SFU_VOICE_ONE)
#define SFU_VOICE_PATIENCE 4u
#define SFU_VOICE_REIGN_US SFU_SECOND
#define SFU_LEVEL_SILENCE 127u

struct sfu_voice {
    struct link line; /* in sfu_speakers.all */
    uint8_t loudness; /* the most since the last tick, above the floor */
    bool active;
    uint32_t score;
};

struct sfu_speakers {
    struct list all;
    unsigned most, active;
    struct sfu_voice *dominant, *challenger; /* or NULL */
    struct sfu_voice *spare;                 /* NULL unless there are `most` active */
    unsigned patience;                       /* ticks the challenger has been louder */
    uint64_t since_us;                       /* that the dominant one is */
    uint64_t tick_us;                        /* the next */
};

/* most >= 1 */
void sfu_speakers_init(struct sfu_speakers *s, unsigned most);

/* A voice, zeroed, to be kept until it is removed. Both may change who is active. */
void sfu_speakers_add(struct sfu_speakers *s, struct sfu_voice *v);
void sfu_speakers_remove(struct sfu_speakers *s, struct sfu_voice *v);

/* -dBov, 0 the loudest, SFU_LEVEL_SILENCE none. */
static inline void sfu_voice_hear(struct sfu_voice *v, uint8_t level)
{
    uint8_t loudness = level < SFU_VOICE_FLOOR ? (uint8_t)(SFU_VOICE_FLOOR - level) : 0;
    if (loudness > v->loudness)
        v->loudness = loudness;
}

/* Those who speak now, the dominant one first, then by score; at most max. Returns how many. */
size_t sfu_speakers_list(const struct sfu_speakers *s, const struct sfu_voice **out, size_t max);

/* What a tick has changed. */
struct sfu_speakers_change {
    bool dominant, active;
};

/* Does what is due at now_us; nothing if that is not yet. */
struct sfu_speakers_change sfu_speakers_tick(struct sfu_speakers *s, uint64_t now_us);

#endif
